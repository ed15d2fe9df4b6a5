/* check_check.c: the checker: what it makes of programs, and what it says about those that are none. */
#include <stdlib.h>
#include <string.h>

#include "lang/module.h"
#include "lang/program.h"
#include "tests/check_errors.h"
#include "tests/unit.h"

static lang_ctx *ctx;

static void setup(void)
{
	ctx = lang_ctx_new();
	ck_assert_ptr_nonnull(ctx);
}

static void teardown(void)
{
	lang_ctx_free(ctx);
}

static const char *stdlib(void)
{
	const char *source = getenv("MMSB_SRCDIR");
	static char path[4096];
	snprintf(path, sizeof path, "%s/stdlib", source == NULL ? "." : source);
	return path;
}

static p_program *try_check(const char *text)
{
	lang_search search = {.stdlib = stdlib()};
	lang_program *loaded = lang_load_text(ctx, "t.mmsb", text, strlen(text), &search);
	return loaded == NULL ? NULL : lang_check(ctx, loaded);
}

static p_program *check(const char *text)
{
	p_program *program = try_check(text);
	if (program == NULL || lang_failed(ctx)) {
		lang_print_diags(ctx, stdout, false);
		fflush(stdout);
		ck_abort_msg("a program is refused:\n%s", text);
	}
	return program;
}

static const p_page *page_of(const p_program *program, const char *name)
{
	for (uint32_t i = 0; i < program->n_pages; i++)
		if (strcmp(program->pages[i]->name, name) == 0)
			return program->pages[i];
	ck_abort_msg("no page %s", name);
	return NULL;
}

/* The body of the edge of page y in a program with sources of all kinds. */
static const p_expr *body(const char *type, const char *expr)
{
	const char *text = lang_sprintf(ctx,
	    "param N, M; param rate : f64 = 0.5;\n"
	    "record Q { bid : f32; n : i32; at : index(N); }\n"
	    "page d : f64[N] in; page f : f32[N] in; page l : i64[N] in; page w : i32[N] in; page s : i16[N] in;\n"
	    "page b : u8[N] in; page u : u64[N] in; page t : bool[N] in; page k : index(M)[N] in; page m : f64[M] in;\n"
	    "page q : Q[N] in; page z : f64[5] in; page c : f64[N, M] in; page g : f64 in;\n"
	    "page W : sparse f64[N, N] in; page V : sparse f64[N, N] like W; edge V[a, b] <- W[a, b] * 2;\n"
	    "semiring mp { add = min; mul = +; zero = inf; one = 0; }\n"
	    "fn sq(x) = x * x; fn half(x : f64) : f64 { let y = x / 2; y }\n"
	    "page y : %s[N];\nedge y[i] <- %s;\n", type, expr);
	const p_program *program = check(text);
	return page_of(program, "y")->edge->body;
}

/* ---- literals and types ---- */

START_TEST(literals_take_the_type_of_the_other_side)
{
	const p_expr *e = body("f32", "f[i] * 2 + 0.1");
	ck_assert_int_eq(e->kind, P_OP);
	ck_assert_int_eq(e->op, OP_ADD);
	ck_assert_int_eq(e->args[1]->kind, P_CONST);
	ck_assert_int_eq(e->args[1]->type.scalar, T_F32);
	ck_assert(e->args[1]->u.value.F32 == 0.1f);
	ck_assert(e->args[0]->args[1]->u.value.F32 == 2.0f);
	e = body("u8", "min(b[i], 255)");
	ck_assert_uint_eq(e->args[1]->u.value.bits, 255);
	ck_assert_int_eq(e->args[1]->type.scalar, T_U8);
}
END_TEST

START_TEST(literals_take_the_type_of_where_they_go)
{
	const p_expr *e = body("i16", "-32768");
	ck_assert_int_eq(e->kind, P_CONST);
	ck_assert_uint_eq(e->u.value.bits, 0x8000);
	e = body("f64", "if t[i] then 1 else -0");
	ck_assert(e->args[1]->u.value.F64 == 1.0);
	ck_assert_uint_eq(e->args[2]->u.value.bits, UINT64_C(0x8000000000000000));
	e = body("f32", "1 / 3");
	ck_assert_int_eq(e->args[0]->type.scalar, T_F32);
	e = body("u64", "18446744073709551615");
	ck_assert_uint_eq(e->u.value.bits, UINT64_MAX);
	e = body("f64", "nan");
	ck_assert_uint_eq(e->u.value.bits, UINT64_C(0x7ff8000000000000));
	e = body("f32", "-nan");
	ck_assert_uint_eq(e->u.value.bits, UINT64_C(0x7fc00000));
}
END_TEST

START_TEST(other_literals_are_i64_or_f64)
{
	const p_expr *e = body("bool", "1 < 2");
	ck_assert_int_eq(e->args[0]->type.scalar, T_I64);
	e = body("f32", "f32(1.5)");
	ck_assert_int_eq(e->kind, P_CONV);
	ck_assert_int_eq(e->args[0]->type.scalar, T_F64);
	e = body("i64", "sum[j in 0..3] 1");
	ck_assert_int_eq(e->args[0]->type.scalar, T_I64);
	e = body("bool", "f[i] > 1");
	ck_assert_int_eq(e->args[1]->type.scalar, T_F32);
}
END_TEST

/* Where the f64 nearest to the text lies exactly between two f32, the text decides. */
START_TEST(f32_literals_round_once)
{
	const p_expr *e = body("f32", "1.00000005960464484");
	ck_assert_uint_eq(e->u.value.bits, 0x3f800001);
	e = body("f32", "1.000000059604644775390625");
	ck_assert_uint_eq(e->u.value.bits, 0x3f800000);
}
END_TEST

START_TEST(literals_stay_literals_in_functions)
{
	const p_expr *e = body("f32", "f[i] * sq(3)");
	ck_assert_int_eq(e->args[1]->type.scalar, T_F32);
	ck_assert(e->args[1]->args[0]->u.value.F32 == 3.0f);
	e = body("f64", "half(1)");
	ck_assert_int_eq(e->op, OP_DIV);
	ck_assert(e->args[0]->u.value.F64 == 1.0);
}
END_TEST

START_TEST(widening_is_a_node)
{
	const p_expr *e = body("f64", "d[i] + w[i]");
	ck_assert_int_eq(e->args[1]->kind, P_CONV);
	ck_assert_int_eq(e->args[1]->type.scalar, T_F64);
	ck_assert_int_eq(e->args[1]->args[0]->kind, P_READ);
	e = body("i64", "s[i] + b[i]");
	ck_assert_int_eq(e->kind, P_CONV);
	ck_assert_int_eq(e->args[0]->type.scalar, T_I16);
	e = body("i64", "k[i] + i + N");
	ck_assert_int_eq(e->op, OP_ADD);
	ck_assert_int_eq(e->args[1]->kind, P_SIZE);
	ck_assert_int_eq(e->args[0]->args[0]->kind, P_CONV);
	ck_assert_int_eq(e->args[0]->args[1]->kind, P_VAR);
}
END_TEST

START_TEST(shifts_take_the_left_type)
{
	const p_expr *e = body("u8", "b[i] << l[i]");
	ck_assert_int_eq(e->type.scalar, T_U8);
	ck_assert_int_eq(e->args[1]->kind, P_CONV);
	ck_assert_int_eq(e->args[1]->type.scalar, T_U8);
}
END_TEST

START_TEST(positions_stay_positions)
{
	const p_expr *e = body("index(M)", "if t[i] then k[i] else index(M)(l[i])");
	ck_assert_int_eq(e->type.base, B_INDEX);
	ck_assert_int_eq(e->args[2]->kind, P_INDEX);
	ck_assert_int_eq(e->args[2]->args[0]->type.scalar, T_I64);
	e = body("index(5)", "3");
	ck_assert_int_eq(e->type.base, B_INDEX);
	ck_assert_uint_eq(e->u.value.bits, 3);
	e = body("bool", "k[i] == 3");
	ck_assert_int_eq(e->args[0]->kind, P_CONV);
	ck_assert_int_eq(e->args[1]->type.scalar, T_I64);
}
END_TEST

/* ---- reads, views, ranges ---- */

START_TEST(plain_reads_give_ranges)
{
	const p_expr *e = body("f64", "sum[j] (m[j] * c[i, j])");
	const p_var *var = e->u.reduce->vars[0];
	ck_assert_ptr_eq(var->hi, e->args[0]->args[0]->u.read.page->dims[0]);
	ck_assert_uint_eq(var->lo->n, 0);
	e = body("f64", "sum[j where k[j] == 2] d[j]");
	ck_assert_uint_eq(e->n_args, 2);
	ck_assert_int_eq(e->u.reduce->rclass, RC_GROUP);
	e = body("f64", "m[k[i]] + z[4] + sum[j in 1..5] z[j]");
	ck_assert_int_eq(e->op, OP_ADD);
}
END_TEST

START_TEST(views_take_any_index)
{
	const p_expr *e = body("f64", "wrap(prev c)[i - 1, w[i]]");
	ck_assert_int_eq(e->u.read.view, VIEW_WRAP);
	ck_assert(e->u.read.prev);
	ck_assert(e->u.read.page->is_state);
	ck_assert_int_eq(e->args[1]->kind, P_CONV);
	e = body("f32", "pad(f, 1)[i + 1]");
	ck_assert_ptr_nonnull(e->u.read.pad);
	ck_assert_int_eq(e->u.read.pad->type.scalar, T_F32);
	e = body("f64", "prev g");
	ck_assert(e->u.read.prev);
}
END_TEST

START_TEST(records_are_taken_apart_at_the_reads)
{
	const p_expr *e = body("f32", "(if t[i] then q[i] else prev q[i]).bid");
	ck_assert_int_eq(e->kind, P_IF);
	ck_assert_int_eq(e->args[1]->kind, P_READ);
	ck_assert_int_eq(e->args[1]->u.read.field, 0);
	ck_assert_int_eq(e->type.scalar, T_F32);
	e = body("Q", "if t[i] then q[i] else prev q[i]");
	ck_assert_int_eq(e->type.base, B_RECORD);
	ck_assert_uint_eq(e->type.record->size, 12);
	e = body("f64", "d[q[i].at]");
	ck_assert_int_eq(e->args[0]->u.read.field, 2);
}
END_TEST

START_TEST(lets_take_ranges_both_ways)
{
	const p_program *p = check("param N; page x : f64[N] in; page y : f64[N]; page s : f64;\n"
	                           "let r[i] = x[i] / prev x[i]; let sh[i] = zero(x)[i - 1];\n"
	                           "edge y[i] <- r[i] + sh[i + 3]; edge s <- sum[k] r[k];");
	const p_expr *e = page_of(p, "s")->edge->body;
	ck_assert_ptr_eq(e->u.reduce->vars[0]->hi, page_of(p, "x")->dims[0]);
}
END_TEST

/* ---- reductions ---- */

START_TEST(reductions_have_their_types)
{
	ck_assert_int_eq(body("i64", "sum[j] w[j]")->type.scalar, T_I64);
	ck_assert_int_eq(body("u64", "prod[j] u[j]")->type.scalar, T_U64);
	ck_assert_int_eq(body("f32", "mean[j] f[j]")->type.scalar, T_F32);
	ck_assert_int_eq(body("f64", "mean[j] w[j]")->args[0]->type.scalar, T_I64);
	ck_assert_int_eq(body("i64", "count[j] t[j]")->args[0]->kind, P_CONV);
	const p_expr *e = body("index(N)", "argmin[j] d[j]");
	ck_assert_int_eq(e->u.reduce->reducer, RED_ARGMIN);
	e = body("bool", "all[j] t[j]");
	ck_assert_int_eq(e->u.reduce->op, OP_LAND);
	ck_assert_uint_eq(e->u.reduce->identity, 1);
	e = body("i32", "min[j] w[j]");
	ck_assert_uint_eq(e->u.reduce->identity, 0x7fffffff);
}
END_TEST

START_TEST(semirings_bring_their_operations)
{
	const p_expr *e = body("f64", "mp[j] d[j] .* 2");
	ck_assert_int_eq(e->u.reduce->op, OP_MIN);
	ck_assert_int_eq(e->args[0]->op, OP_ADD);
	ck_assert_uint_eq(e->u.reduce->identity, UINT64_C(0x7ff0000000000000));
	ck_assert_str_eq(e->u.reduce->name, "mp");
	e = body("i32", "mp[j] w[j]");
	ck_assert_uint_eq(e->u.reduce->identity, 0x7fffffff);
}
END_TEST

START_TEST(sparse_pages_drive)
{
	const p_expr *e = body("f64", "sum[j] W[j, i] * d[j]");
	ck_assert_ptr_eq(e->u.reduce->driver, e->args[0]->args[0]);
	ck_assert_int_eq(e->u.reduce->rclass, RC_SPARSE);
	e = body("f64", "sum[j] W[j, i] * V[j, i]");
	ck_assert_int_eq(e->args[0]->args[1]->u.read.access, ACCESS_ENTRY);
	e = body("f64", "sum[a, b] W[a, b] + sum[a] sum[b] W[a, b]");
	ck_assert_ptr_nonnull(e->args[0]->u.reduce->driver);
	const p_expr *outer = e->args[1];
	ck_assert_ptr_nonnull(body("f64", "sum[a, b] W[a, i] * d[b]")->u.reduce->driver);
	ck_assert_ptr_null(outer->u.reduce->driver);
	ck_assert_ptr_nonnull(outer->args[0]->u.reduce->driver);
}
END_TEST

START_TEST(rand_is_a_chain_of_steps)
{
	const p_expr *e = body("f64", "rand(7, i, 2, 3)");
	ck_assert_int_eq(e->op, OP_RAND_UNIT);
	const p_expr *second = e->args[0], *first = second->args[0];
	ck_assert_int_eq(second->op, OP_RAND_STEP);
	ck_assert_int_eq(first->op, OP_RAND_STEP);
	ck_assert_int_eq(first->args[0]->type.scalar, T_U64);
	ck_assert_uint_eq(body("f64", "rand(1)")->args[0]->n_args, 3);
}
END_TEST

/* ---- declarations ---- */

START_TEST(sizes_are_equal_when_their_texts_mean_the_same)
{
	const p_program *p = check("param N, M; page a : f64[2 * N + M * N - N, (N + 1) * (N - 1)] in;\n"
	                           "page b : f64[N * (M + 1), N * N - 1] in; page c : f64[3 - 3 + 7] in;");
	const p_page *a = page_of(p, "a"), *b = page_of(p, "b");
	ck_assert_ptr_eq(a->dims[0], b->dims[0]);
	ck_assert_ptr_eq(a->dims[1], b->dims[1]);
	ck_assert_str_eq(p_size_text(ctx, b->dims[0]), "N * M + N");
	ck_assert_str_eq(p_size_text(ctx, b->dims[1]), "N * N - 1");
	ck_assert_str_eq(p_size_text(ctx, page_of(p, "c")->dims[0]), "7");
}
END_TEST

START_TEST(params_follow_those_they_use)
{
	const p_program *p = check("param a : f64 = b * 2; param b : f64 = f64(N); param N; page x : f64[N] in init a;");
	ck_assert_uint_eq(p->n_params, 3);
	ck_assert_str_eq(p->params[0]->name, "N");
	ck_assert_str_eq(p->params[1]->name, "b");
	ck_assert_str_eq(p->params[2]->name, "a");
	ck_assert(p->params[0]->is_size);
	for (uint32_t i = 0; i < 3; i++)
		ck_assert_uint_eq(p->params[i]->id, i);
	ck_assert_int_eq(page_of(p, "x")->init->kind, P_PARAM);
}
END_TEST

START_TEST(edges_follow_those_they_read)
{
	const p_program *p = check("page c : f64; page b : f64; page a : f64 in; page e : f64; page d : f64;\n"
	                           "edge c <- b + d; edge b <- a; edge d <- prev e + b; edge e <- d;");
	static const char *const order[] = {"b", "d", "c", "e"};
	ck_assert_uint_eq(p->n_edges, 4);
	for (uint32_t i = 0; i < 4; i++) {
		ck_assert_str_eq(p->edges[i]->page->name, order[i]);
		ck_assert_uint_eq(p->edges[i]->id, i);
	}
	ck_assert_str_eq(p->pages[0]->name, "c");
	ck_assert(page_of(p, "e")->is_state);
	ck_assert(!page_of(p, "d")->is_state);
}
END_TEST

START_TEST(instances_have_pages_of_their_own)
{
	const p_program *p = check(
	    "param N; page first : f64[N] in;\n"
	    "graph twice(x : f64[M], by : f64) -> (y : f64[M]) { page half : f64[M]; edge half[i] <- x[i] * by;\n"
	    "  edge y[i] <- half[i] + half[i]; }\n"
	    "use a = twice(x = first, by = 3); use b = twice(x = a.y, by = 2 * 2); page last : f64[N] out;\n"
	    "edge last[i] <- b.y[i];");
	static const char *const names[] = {"first", "a.y", "a.half", "b.y", "b.half", "last"};
	ck_assert_uint_eq(p->n_pages, 6);
	for (uint32_t i = 0; i < 6; i++) {
		ck_assert_str_eq(p->pages[i]->name, names[i]);
		ck_assert_uint_eq(p->pages[i]->id, i);
	}
	ck_assert_ptr_eq(page_of(p, "b.half")->edge->body->args[0]->u.read.page, page_of(p, "a.y"));
}
END_TEST

/* The order of uses is free, also of one graph. */
START_TEST(an_argument_may_be_another_instance)
{
	const p_program *p = check("param N; page d : f64[N] in; graph two(x : f64[P]) -> (y : f64[P]) { edge y[i] <- x[i] * 2; }\n"
	                           "use a = two(x = b.y); use b = two(x = d);");
	ck_assert_str_eq(p->edges[0]->page->name, "b.y");
	ck_assert_str_eq(p->pages[1]->name, "a.y");
}
END_TEST

START_TEST(the_standard_library_is_a_module)
{
	const p_program *p = check(
	    "import graph as g; import semiring; param V; page W : sparse f64[V, V] in; page at : i64 in;\n"
	    "use s = g.sssp(W = W, source = at); page o : f64[V] out; edge o[v] <- min_plus[u] W[u, v] .* s.dist[u];");
	ck_assert_int_eq(page_of(p, "s.dist")->edge->fix, FIX_EXACT);
	ck_assert_int_eq(page_of(p, "o")->role, ROLE_OUT);
}
END_TEST

START_TEST(fixpoints_are_told_apart)
{
	const p_program *p = check(
	    "param N; page x : f64[N] in; page a : f64[N]; page b : f64[N]; page c : f64[N];\n"
	    "edge a[i] <- fix min(x[i], min[j] a[j]); edge b[i] <- fix(max = N) min(x[i], clamp(b)[i - 1] - 1);\n"
	    "edge c[i] <- fix(tol = 1e-3) (x[i] + c[i]) / 2;");
	ck_assert_int_eq(page_of(p, "a")->edge->fix, FIX_EXACT);
	ck_assert_int_eq(page_of(p, "b")->edge->fix, FIX_BOUNDED);
	ck_assert_int_eq(page_of(p, "b")->edge->max_rounds->kind, P_SIZE);
	ck_assert_int_eq(page_of(p, "c")->edge->fix, FIX_NUMERIC);
	ck_assert(page_of(p, "c")->is_state);
	ck_assert(!page_of(p, "a")->is_state);
	ck_assert_int_eq(page_of(p, "c")->edge->max_rounds->u.value.I64, 1000);
}
END_TEST

START_TEST(families_have_one_root)
{
	const p_program *p = check("param N; page Z : sparse f64[N, N] like Y; page Y : sparse f64[N, N] like W;\n"
	                           "page W : sparse f64[N, N] in; edge Y[i, j] <- W[i, j] + prev Y[i, j];\n"
	                           "edge Z[i, j] <- Y[i, j] / sum[k] W[i, k];");
	ck_assert_ptr_eq(page_of(p, "Z")->like, page_of(p, "W"));
	ck_assert_ptr_eq(page_of(p, "Y")->like, page_of(p, "W"));
}
END_TEST

/* ---- messages ---- */

static const char *all_messages(void)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	ck_assert_ptr_nonnull(out);
	lang_print_diags(ctx, out, false);
	fclose(out);
	const char *copy = lang_strndup(ctx, text, length);
	free(text);
	return copy;
}

START_TEST(errors_say_what_and_what_to_do)
{
	const check_error_case *c = &check_error_cases[_i];
	const char *text = c->text[0] == '=' ? c->text + 1 : lang_sprintf(ctx, "%s%s", check_error_prelude, c->text);
	ck_assert_msg(try_check(text) == NULL, "accepted: %s", text);
	const char *said = all_messages();
	ck_assert_msg(strstr(said, c->message) != NULL, "%s\nexpected: %s\nsaid:\n%s", text, c->message, said);
	if (c->help != NULL)
		ck_assert_msg(strstr(said, c->help) != NULL, "%s\nexpected help: %s\nsaid:\n%s", text, c->help, said);
	ck_assert_msg(ctx->error_count == 1 || c->more, "%s\nseveral errors:\n%s", text, said);
}
END_TEST

START_TEST(the_example_of_the_language)
{
	ck_assert_ptr_null(try_check("param N, K;\npage inst : index(K)[N] in; page price : f64[K] in; page cost : f64[N] in;"
	                             "\npage qty : f64[N] in; page pnl : f64[N];\n"
	                             "edge pnl[i] <- (price[inst[i]] - cost[b]) * qty[i];\n"));
	ck_assert_str_eq(all_messages(),
	                 "t.mmsb:4:39: error: index 'b' is not bound here\n"
	                 "   4 | edge pnl[i] <- (price[inst[i]] - cost[b]) * qty[i];\n"
	                 "     |                                       ^\n"
	                 "     = help: the edge binds 'i'; reductions bind the names in their brackets\n");
}
END_TEST

START_TEST(many_errors_are_told_in_one_run)
{
	const char *text = "";
	for (int i = 0; i < 30; i++)
		text = lang_sprintf(ctx, "%spage p%d : f64; edge p%d <- nowhere%d;\n", text, i, i, i);
	ck_assert_ptr_null(try_check(text));
	ck_assert_uint_eq(ctx->error_count, LANG_MAX_ERRORS);
	ck_assert(ctx->errors_dropped);
}
END_TEST

/* ---- limits ---- */

START_TEST(what_grows_without_bound_is_refused)
{
	const char *text = "param N; page x : f64[N] in; page y : f64[N]; fn g0(x) = x + x;\n";
	for (int i = 1; i < 40; i++)
		text = lang_sprintf(ctx, "%sfn g%d(x) = g%d(x) + g%d(x);\n", text, i, i - 1, i - 1);
	ck_assert_ptr_null(try_check(lang_sprintf(ctx, "%sedge y[i] <- g39(x[i]);", text)));
	ck_assert_ptr_nonnull(strstr(all_messages(), "grows too large"));
}
END_TEST

START_TEST(deep_functions_are_refused)
{
	const char *text = "param N; page x : f64[N] in; page y : f64[N]; fn g0(x) = x;\n";
	char minus[901];
	memset(minus, '-', 900);
	minus[900] = '\0';
	for (int i = 1; i < 10; i++)
		text = lang_sprintf(ctx, "%sfn g%d(x) = %sg%d(x);\n", text, i, minus, i - 1);
	ck_assert_ptr_null(try_check(lang_sprintf(ctx, "%sedge y[i] <- g9(x[i]);", text)));
	ck_assert_ptr_nonnull(strstr(all_messages(), "nests too deeply"));
}
END_TEST

START_TEST(memory_may_run_out_anywhere)
{
	const char *text = "import graph; param N; page W : sparse f64[N, N] in; record Q { a : f32; } page q : Q[N] in;\n"
	                   "use s = sssp(W = W, source = 0); page o : f64[N] out; let r[i] = s.dist[i] + q[i].a;\n"
	                   "fn f(x) = x * 2; edge o[i] <- f(r[i]) + sum[k] W[i, k] + nothing;";
	lang_search search = {.stdlib = stdlib()};
	bool whole = false;
	for (int64_t budget = 0; !whole; budget++) {
		ck_assert_int_lt(budget, 100000);
		lang_ctx *small = lang_ctx_new();
		ck_assert_ptr_nonnull(small);
		small->alloc_budget = budget;
		lang_program *loaded = lang_load_text(small, "t.mmsb", text, strlen(text), &search);
		ck_assert(loaded == NULL || lang_check(small, loaded) == NULL);
		ck_assert(lang_failed(small));
		whole = !small->oom;
		lang_ctx_free(small);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("check");
	TCase *good = tcase_create("programs"), *bad = tcase_create("messages"), *limits = tcase_create("limits");
	const TTest *const programs[] = {
		literals_take_the_type_of_the_other_side, literals_take_the_type_of_where_they_go,
		other_literals_are_i64_or_f64, f32_literals_round_once, literals_stay_literals_in_functions, widening_is_a_node,
		shifts_take_the_left_type, positions_stay_positions, plain_reads_give_ranges, views_take_any_index,
		records_are_taken_apart_at_the_reads, lets_take_ranges_both_ways, reductions_have_their_types,
		semirings_bring_their_operations, sparse_pages_drive, rand_is_a_chain_of_steps,
		sizes_are_equal_when_their_texts_mean_the_same, params_follow_those_they_use, edges_follow_those_they_read,
		instances_have_pages_of_their_own, an_argument_may_be_another_instance, the_standard_library_is_a_module, fixpoints_are_told_apart,
		families_have_one_root,
	};
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
		tcase_add_test(good, programs[i]);
	tcase_add_loop_test(bad, errors_say_what_and_what_to_do, 0, check_error_count);
	tcase_add_test(bad, the_example_of_the_language);
	tcase_add_test(bad, many_errors_are_told_in_one_run);
	tcase_add_test(limits, what_grows_without_bound_is_refused);
	tcase_add_test(limits, deep_functions_are_refused);
	tcase_add_test(limits, memory_may_run_out_anywhere);
	tcase_set_timeout(limits, 60);
	TCase *const cases[] = {good, bad, limits};
	for (int i = 0; i < 3; i++) {
		tcase_add_checked_fixture(cases[i], setup, teardown);
		suite_add_tcase(suite, cases[i]);
	}
	return unit_run(suite);
}
