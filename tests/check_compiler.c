/* check_compiler.c - the graph, its passes and its forms; what a schedule is made of and that it is made alike each time. */
#include <stdlib.h>
#include <string.h>

#include "../compiler/compile.h"
#include "../compiler/pass.h"
#include "../runtime/container.h"
#include "io_instance.h"
#include "unit.h"

/* ---- programs ---------------------------------------------------------------------------------- */

static const char portfolio[] =
	"param K, N, B;\n"
	"page price : f64[K] in;\npage inst : index(K)[N] in @static;\npage book : index(B)[N] in @static;\n"
	"page qty : f64[N] in;\npage cost : f64[N] in;\n"
	"page pnl : f64[N];\npage bybook : f64[B] out;\npage total : f64 out;\n"
	"edge pnl[i] <- (price[inst[i]] - cost[i]) * qty[i];\n"
	"edge bybook[b] <- sum[i where book[i] == b] pnl[i];\n"
	"edge total <- sum[b] bybook[b];\n";

static const char wide[] =
	"param N, M;\nparam rate : f64 = 0.25;\n"
	"record Q { bid : f32; ask : f32; k : index(N); }\n"
	"semiring odd { add = max; mul = *; zero = 0; one = 1; }\n"
	"page W : sparse f64[N, N] in;\npage q : Q[M] in;\npage q2 : Q[M] out;\npage x : f64[N] in;\npage n : i64[N] in;\n"
	"page A : f64[N, M] in;\npage key : index(M)[N] in;\n"
	"/// a doc with \"quotes\"\npage y : f64[N, M] out @tile(4, 8);\npage d : f64[N] out init inf;\npage u : f64[N, M] out init 1.0;\n"
	"page pre : f64[N] out;\npage soft : f64[N] out;\npage mm : f64 out;\npage i2 : i64[N] out;\npage win : f64[N] out;\n"
	"page W2 : sparse f64[N, N] out like W;\npage am : index(N) out;\npage c : i64 out;\npage h : f64 out;\n"
	"page o : f64 out;\npage mn : f64[M] out;\npage pd : f64[N] out @lazy;\npage lk : f64[N] out;\n"
	"edge y[i, j] <- x[i] * f64(q[j].bid) + rate;\n"
	"edge q2[j] <- if q[j].ask > 0 then q[j] else prev q2[j];\n"
	"edge d[v] <- fix min(x[v], min[u] (d[u] + W[u, v]));\n"
	"edge u[i, j] <- 0.5 * prev u[i, j] + 0.25 * (wrap(prev u)[i-1, j] + wrap(prev u)[i+1, j]);\n"
	"edge pre[i] <- sum[j where j <= i] x[j];\n"
	"edge soft[i] <- exp(x[i]) / sum[j] exp(x[j]);\n"
	"edge mm <- mean[i, j where A[i, j] > 0.0] A[i, j];\n"
	"edge i2[i] <- if n[i] != 0 && 100 / n[i] > 3 then 7 % n[i] else 0;\n"
	"edge win[i] <- sum[k in 0..5] zero(x)[i - k];\n"
	"edge W2[a, b] <- W[a, b] * x[a];\n"
	"edge am <- argmin[i] x[i];\n"
	"edge c <- count[i, j] (W[i, j] > 0.0);\n"
	"edge h <- fix(tol = 1e-9, max = 100) 0.5 * h + 1.0;\n"
	"edge o <- odd[i, j] A[i, j];\n"
	"edge mn[b] <- mean[i where key[i] == b && x[i] > 0.0] x[i];\n"
	"edge pd[i] <- pad(x, 7.0)[n[i] + 2];\n"
	"edge lk[i] <- x[index(N)(n[i])];\n";

static lang_ctx *ctx;

static void fresh(void)
{
	ctx = lang_ctx_new();
	ck_assert_ptr_nonnull(ctx);
}

static void drop(void)
{
	lang_ctx_free(ctx);
}

static ir_graph *graph_of(lang_ctx *in, const char *path, const char *text, const char *after)
{
	compile_options options = {.stop_after = after, .stdlib = "."};
	ir_graph *g = compile_graph_text(in, path, text, strlen(text), &options);
	if (!g)
		lang_print_diags(in, stderr, false);
	ck_assert_msg(g != NULL, "%s does not compile", path);
	return g;
}

static uint32_t page_of(const ir_graph *g, const char *name)
{
	for (uint32_t i = 0; i < g->n_pages; i++)
		if (strcmp(g->pages[i].name, name) == 0)
			return i;
	ck_abort_msg("no page %s", name);
	return 0;
}

static schedule schedule_of(const char *path, const char *text)
{
	schedule s;
	ir_graph *g = graph_of(ctx, path, text, NULL);
	ck_assert(ir_schedule(g, &s));
	mmsb_error error;
	ck_assert_msg(schedule_verify(&s, &error) == MMSB_OK, "%s", error.message);
	return s;
}

static char *text_of(ir_graph *g, bool (*write)(ir_graph *g, FILE *out))
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	ck_assert_ptr_nonnull(out);
	ck_assert(write(g, out));
	fclose(out);
	return text;
}

static bool print(ir_graph *g, FILE *out)
{
	ir_print(g, out);
	return true;
}

/* ---- nodes ------------------------------------------------------------------------------------- */

START_TEST(equal_nodes_are_one)
{
	ir_graph *g = ir_new(ctx);
	uint32_t n = ir_size_const(g, 10), i = ir_new_var(g, "i", ir_size_const(g, 0), n);
	ir_id v = ir_leaf(g, IR_VAR, T_I64, i), one = ir_const_i64(g, 1);
	ck_assert_uint_eq(ir_op2(g, OP_ADD, T_I64, v, one), ir_op2(g, OP_ADD, T_I64, v, one));
	ck_assert_uint_eq(ir_op2(g, OP_ADD, T_I64, v, one), ir_op2(g, OP_ADD, T_I64, one, v));
	ck_assert_uint_ne(ir_op2(g, OP_SUB, T_I64, v, one), ir_op2(g, OP_SUB, T_I64, one, v));
	ck_assert_uint_ne(ir_const(g, T_F64, (scalar){.F64 = 0.0}), ir_const(g, T_F64, (scalar){.F64 = -0.0}));
	ck_assert_uint_ne(ir_const_i64(g, 0), ir_zero(g, T_F64));
}
END_TEST

START_TEST(free_variables)
{
	ir_graph *g = ir_new(ctx);
	uint32_t zero = ir_size_const(g, 0), n = ir_size_const(g, 10);
	uint32_t i = ir_new_var(g, "i", zero, n), j = ir_new_var(g, "j", zero, n);
	ir_id body = ir_op2(g, OP_MUL, T_I64, ir_leaf(g, IR_VAR, T_I64, i), ir_leaf(g, IR_VAR, T_I64, j));
	ir_id args[IR_REDUCE_ARGS] = {body, NONE, NONE};
	ir_node sum = {.kind = IR_REDUCE, .type = T_I64, .n_args = IR_REDUCE_ARGS, .mask = NONE, .args = args,
	               .u.reduce = {.var = j, .page = NONE, .at_var = NONE, .region = REGION_RANGE, .reducer = REDUCER_OP, .op = OP_ADD}};
	ir_id reduced = ir_intern(g, sum);
	ck_assert(ir_depends(g, body, i) && ir_depends(g, body, j));
	ck_assert(ir_depends(g, reduced, i) && !ir_depends(g, reduced, j));
}
END_TEST

START_TEST(indices_are_sums)
{
	ir_graph *g = ir_new(ctx);
	uint32_t i = ir_new_var(g, "i", ir_size_const(g, 0), ir_size_const(g, 9));
	ir_id v = ir_leaf(g, IR_VAR, T_I64, i);
	ir_id e = ir_op2(g, OP_SUB, T_I64, ir_op2(g, OP_MUL, T_I64, ir_const_i64(g, 3), v), ir_const_i64(g, 7));
	e = ir_op2(g, OP_SUB, T_I64, e, v);
	ir_affine a;
	ck_assert(ir_affine_of(g, e, &a));
	ck_assert_int_eq(a.constant, -7);
	ck_assert_uint_eq(a.n, 1);
	ck_assert_int_eq(a.terms[0].coef, 2);
	ck_assert(ir_affine_of(g, ir_op2(g, OP_SUB, T_I64, v, v), &a) && a.n == 0 && a.constant == 0);
	ck_assert(!ir_affine_of(g, ir_op2(g, OP_MUL, T_I64, v, v), &a));
}
END_TEST

/* ---- the verifier ------------------------------------------------------------------------------ */

START_TEST(verifier_finds_mistakes)
{
	ir_graph *g = graph_of(ctx, "p.mmsb", portfolio, "lower");
	ck_assert_ptr_null(ir_verify(g));
	ir_edge *e = &g->edges[g->pages[page_of(g, "total")].edge];
	ir_id good = e->outputs[0];
	e->outputs[0] = ir_const_i64(g, 1); /* of another type */
	ck_assert_ptr_nonnull(ir_verify(g));
	e->outputs[0] = g->edges[g->pages[page_of(g, "pnl")].edge].outputs[0]; /* a variable of another edge */
	ck_assert_ptr_nonnull(strstr(ir_verify(g), "not bound"));
	e->outputs[0] = good;
	ck_assert_ptr_null(ir_verify(g));
	uint32_t first = g->order[0];
	g->order[0] = g->order[1];
	g->order[1] = first;
	ck_assert_ptr_nonnull(strstr(ir_verify(g), "before it is made"));
	ir_id a[2] = {ir_const_i64(g, 1), ir_zero(g, T_F64)};
	ir_node mixed = {.kind = IR_OP, .op = OP_ADD, .type = T_I64, .n_args = 2, .mask = NONE, .args = a};
	ck_assert_ptr_nonnull(ir_verify_new(g, NULL, &mixed));
}
END_TEST

/* ---- passes ------------------------------------------------------------------------------------ */

START_TEST(fuses_where_it_should)
{
	const char *text = "param N; page a : f64[N] in; page k : index(N)[N] in; page p : f64[N]; page r : f64[N] out;\n"
	                   "edge p[i] <- a[i] * 2.0; edge r[i] <- sum[j where k[j] == i] p[j];\n";
	ir_graph *g = graph_of(ctx, "g.mmsb", text, NULL);
	const ir_page *p = &g->pages[page_of(g, "p")];
	ck_assert_uint_eq(p->fate, FATE_FUSED);
	ck_assert_uint_eq(p->user, page_of(g, "r"));
	ck_assert_uint_eq(g->pages[page_of(g, "r")].fate, FATE_STORED);
	g = graph_of(ctx, "p.mmsb", portfolio, NULL); /* operands of plain groups are kept by position */
	ck_assert_uint_eq(g->pages[page_of(g, "pnl")].fate, FATE_FUSED);
	char some[1024];
	const char *from = strstr(portfolio, "== b]"); /* groups of some would read three pages in another order */
	ck_assert_ptr_nonnull(from);
	snprintf(some, sizeof some, "%.*s== b && qty[i] > 0.0]%s", (int)(from - portfolio), portfolio, from + 5);
	g = graph_of(ctx, "some.mmsb", some, NULL);
	ck_assert_uint_eq(g->pages[page_of(g, "pnl")].fate, FATE_STORED);
}
END_TEST

/* Each line: the program's edges over `page a : f64[N] in; page k : index(N)[N] in; page n : i64[N] in; page p : f64[N]; page r : f64[N] out`,
 * what becomes of p. */
static const struct {
	const char *edges;
	ir_fate fate;
} fusions[] = {
	{"edge p[i] <- a[i] * 2.0; edge r[i] <- p[i] + 1.0;", FATE_FUSED},
	{"edge p[i] <- sum[j] a[j] * a[i]; edge r[i] <- p[i] + 1.0;", FATE_FUSED},
	{"edge p[i] <- sum[j] a[j] * a[i]; edge r[i] <- p[k[i]] + 1.0;", FATE_STORED},
	{"edge p[i] <- exp(a[i]); edge r[i] <- p[k[i]] + 1.0;", FATE_STORED},
	{"edge p[i] <- a[i] + 1.0; edge r[i] <- p[k[i]] + 1.0;", FATE_FUSED},
	{"edge p[i] <- exp(a[i]); edge r[i] <- sum[j where k[j] == i] p[j];", FATE_FUSED},
	{"edge p[i] <- exp(sin(cos(a[i]))); edge r[i] <- sum[j where k[j] == i] p[j];", FATE_STORED},
	{"edge p[i] <- exp(a[i]); edge r[i] <- sum[j where j <= i] p[j];", FATE_STORED},
	{"edge p[i] <- a[i] * 2.0; edge r[i] <- p[i] + prev p[i];", FATE_STORED},
	{"edge p[i] <- a[i] * 2.0; edge r[i] <- clamp(p)[i - 1];", FATE_STORED},
	{"edge p[i] <- a[i] * 2.0; edge r[i] <- p[i] * p[k[i]];", FATE_STORED},
	{"edge p[i] <- a[i]; edge r[i] <- p[i] * p[k[i]];", FATE_FUSED},
	{"edge p[i] <- f64(1 / n[i]); edge r[i] <- p[i];", FATE_STORED},
	{"edge p[i] <- f64(1 / n[i]); edge r[i] <- a[i];", FATE_STORED},
	{"edge p[i] <- a[i] * 3.0; edge r[i] <- a[i];", FATE_UNUSED},
	{"edge p[i] <- 0.5; edge r[i] <- p[index(N)(n[i])];", FATE_STORED},
	{"edge p[i] <- a[i]; edge r[i] <- fix(tol = 0.1, max = 5) 0.5 * r[i] + p[i];", FATE_STORED},
};

START_TEST(says_what_becomes_of_pages)
{
	char text[1024];
	snprintf(text, sizeof text, "param N; page a : f64[N] in; page k : index(N)[N] in; page n : i64[N] in; page p : f64[N]; "
	                            "page r : f64[N] out;\n%s\n", fusions[_i].edges);
	ir_graph *g = graph_of(ctx, "f.mmsb", text, NULL);
	const ir_page *p = &g->pages[page_of(g, "p")];
	ck_assert_msg(p->fate == fusions[_i].fate, "%s\n  gives %d: %s", fusions[_i].edges, p->fate, p->why);
	ck_assert_ptr_nonnull(p->why);
}
END_TEST

START_TEST(outlines_what_is_the_same_for_all)
{
	ir_graph *g = graph_of(ctx, "w.mmsb", wide, NULL);
	const ir_page *part = &g->pages[page_of(g, "soft.part1")];
	ck_assert_uint_eq(part->ndim, 0);
	for (uint32_t i = 0; i < g->n_pages; i++)
		ck_assert_msg(!strstr(g->pages[i].name, "pre.part"), "a prefix is not the same for all");
}
END_TEST

START_TEST(folds_constants_only)
{
	ir_graph *g = graph_of(ctx, "f.mmsb",
	                       "param N; page x : f64[N] in; page r : f64[N] out; page s : i64 out;\n"
	                       "edge r[i] <- x[i] * 1.0 + (2.0 * 3.0 - 6.0); edge s <- 7 / 2 + 1 * 5;\n", NULL);
	const ir_node *r = ir_at(g, g->edges[g->pages[page_of(g, "r")].edge].outputs[0]);
	ck_assert_uint_eq(r->kind, IR_OP); /* x * 1.0 + 0.0 is not x: of -0.0 it is 0.0 */
	ck_assert_uint_eq(r->op, OP_ADD);
	ck_assert_uint_eq(ir_at(g, r->args[0])->op, OP_MUL);
	const ir_node *s = ir_at(g, g->edges[g->pages[page_of(g, "s")].edge].outputs[0]);
	ck_assert_uint_eq(s->kind, IR_CONST);
	ck_assert_int_eq(s->u.value.I64, 8);
}
END_TEST

static uint64_t multiplier(const char *type, const char *by)
{
	char text[256];
	snprintf(text, sizeof text, "param N; page x : %s[N] in; page r : %s[N] out;\nedge r[i] <- x[i] / %s(%s);\n", type, type, type, by);
	ir_graph *g = graph_of(ctx, "d.mmsb", text, NULL);
	const ir_node *r = ir_at(g, g->edges[g->pages[page_of(g, "r")].edge].outputs[0]);
	ck_assert_uint_eq(r->kind, IR_OP);
	uint64_t bits = ir_at(g, r->args[1])->u.value.bits;
	bool multiplies = r->op == OP_MUL;
	drop();
	fresh();
	return multiplies ? bits : 0;
}

START_TEST(divides_by_powers_of_two_by_multiplying)
{
	ck_assert(multiplier("f64", "2.0") == ((scalar){.F64 = 0.5}).bits);
	ck_assert(multiplier("f64", "-0.125") == ((scalar){.F64 = -8.0}).bits);
	ck_assert(multiplier("f32", "1024.0") == ((scalar){.F32 = 0.0009765625f}).bits);
	ck_assert(multiplier("f32", "-4.0") == ((scalar){.F32 = -0.25f}).bits);
	ck_assert(multiplier("f64", "3.0") == 0);
	ck_assert(multiplier("f64", "0.0") == 0);
	ck_assert(multiplier("f64", "inf") == 0);
	ck_assert(multiplier("f64", "5e-324") == 0);
	ck_assert(multiplier("f64", "8.98846567431158e307") == 0); /* 2^1023, whose inverse is no normal number */
	ck_assert(multiplier("f32", "1e-45") == 0);
}
END_TEST

/* ---- forms ------------------------------------------------------------------------------------- */

static void assert_same_schedule(const schedule *a, const schedule *b)
{
#define SECTION(name, type)                                                                                    \
	if (SECTION_##name != SECTION_source) {                                                                \
		ck_assert_uint_eq(a->n_##name, b->n_##name);                                                   \
		ck_assert_msg(a->n_##name == 0 || memcmp(a->name, b->name, a->n_##name * sizeof(type)) == 0, #name); \
	}
	SCHEDULE_SECTIONS(SECTION)
#undef SECTION
}

static const char *const programs[] = {portfolio, wide};

START_TEST(same_text_same_bytes)
{
	uint8_t *bytes[2];
	size_t n[2];
	for (int k = 0; k < 2; k++) {
		mmsb_error error;
		schedule s = schedule_of("a.mmsb", programs[_i]);
		ck_assert_int_eq(schedule_write(&s, &bytes[k], &n[k], &error), MMSB_OK);
		drop();
		fresh();
	}
	ck_assert_uint_eq(n[0], n[1]);
	ck_assert_mem_eq(bytes[0], bytes[1], n[0]);
	free(bytes[0]);
	free(bytes[1]);
}
END_TEST

START_TEST(yaml_reads_back)
{
	schedule direct = schedule_of("a.mmsb", programs[_i]);
	lang_ctx *other = lang_ctx_new();
	char *yaml = text_of(graph_of(other, "a.mmsb", programs[_i], "lower"), ir_write_yaml);
	lang_ctx_free(other);
	ir_graph *read = graph_of(ctx, "a.yaml", yaml, "lower");
	char *again = text_of(read, ir_write_yaml);
	ck_assert_str_eq(yaml, again);
	schedule s = schedule_of("a.yaml", yaml);
	assert_same_schedule(&direct, &s);
	free(yaml);
	free(again);
}
END_TEST

START_TEST(text_shows_every_edge)
{
	char *text = text_of(graph_of(ctx, "a.mmsb", wide, "lower"), print);
	ck_assert_ptr_nonnull(strstr(text, "edge d[v in 0..N] fix exact"));
	ck_assert_ptr_nonnull(strstr(text, "reduce min u in column of W[v]"));
	ck_assert_ptr_nonnull(strstr(text, "div 100, %0 under %1"));
	free(text);
}
END_TEST

/* What damage does to the YAML form: an error with a place in it, or a graph that verifies. */
static void try_yaml(const char *text, size_t n)
{
	lang_ctx *own = lang_ctx_new();
	compile_options options = {.stdlib = "."};
	ir_graph *g = compile_graph_text(own, "a.yaml", text, n, &options);
	schedule s;
	mmsb_error error;
	if (g && ir_schedule(g, &s))
		(void)schedule_verify(&s, &error);
	else
		ck_assert_msg(own->error_count > 0, "no error was told");
	for (const lang_diag *d = own->diags; d && !g; d = d->next)
		ck_assert_msg(d->span.file != LANG_NO_FILE || strncmp(d->message, "internal", 8) != 0, "%s", d->message);
	lang_ctx_free(own);
}

START_TEST(damaged_yaml_is_told)
{
	char *yaml = text_of(graph_of(ctx, "a.mmsb", programs[_i], "lower"), ir_write_yaml);
	size_t n = strlen(yaml);
	uint32_t random = 12345;
	for (int k = 0; k < 1500; k++) {
		static const char replacements[] = "09[]{},:-#\"\nax.";
		random = random * 1664525u + 1013904223u;
		size_t at = (random >> 8) % n;
		char was = yaml[at];
		yaml[at] = replacements[(random >> 3) % (sizeof replacements - 1)];
		try_yaml(yaml, n);
		if (k % 8 == 0)
			try_yaml(yaml, at);
		yaml[at] = was;
	}
	free(yaml);
}
END_TEST

/* ---- schedules --------------------------------------------------------------------------------- */

static void hashes_of(const char *text, uint64_t hash[2])
{
	schedule s = schedule_of("h.mmsb", text);
	for (uint32_t i = 0; i < s.n_passes; i++)
		if (strcmp(s.text + s.pages[s.passes[i].page].name, "r") == 0) {
			hash[0] = s.passes[i].hash[0];
			hash[1] = s.passes[i].hash[1];
		}
	drop();
	fresh();
}

START_TEST(hash_is_of_the_meaning)
{
	static const char *const same[] = {
		"param N; page x : f64[N] in; page r : f64[N] out; edge r[i] <- sum[j where j <= i] x[j] * 2.0;",
		"param N;\n\n page x : f64[N] in; page other : f64[N] out; page r : f64[N] out;\n edge other[q] <- x[q] + 1.0;\n"
		"edge r[a] <- sum[b where b <= a] x[b] * 2.0;",
	};
	static const char *const different[] = {
		"param N; page x : f64[N] in; page r : f64[N] out; edge r[i] <- sum[j where j < i] x[j] * 2.0;",
		"param N; page x : f64[N] in; page r : f64[N] out; edge r[i] <- sum[j where j <= i] x[j] * 3.0;",
		"param N; page y : f64[N] in; page r : f64[N] out; edge r[i] <- sum[j where j <= i] y[j] * 2.0;",
		"param N; page x : f64[N] in; page r : f64[N] out; edge r[i] <- prod[j where j <= i] x[j] * 2.0;",
	};
	uint64_t a[2] = {0}, b[2] = {0};
	hashes_of(same[0], a);
	ck_assert(a[0] != 0 || a[1] != 0);
	hashes_of(same[1], b);
	ck_assert(a[0] == b[0] && a[1] == b[1]);
	for (size_t i = 0; i < sizeof different / sizeof different[0]; i++) {
		hashes_of(different[i], b);
		ck_assert_msg(a[0] != b[0] || a[1] != b[1], "%s", different[i]);
	}
}
END_TEST

static uint8_t rule_of(const schedule *s, const char *page)
{
	for (uint32_t i = 0; i < s->n_reads; i++)
		if (strcmp(s->text + s->pages[s->reads[i].page].name, page) == 0)
			return s->reads[i].rule;
	ck_abort_msg("nothing reads %s", page);
	return 0;
}

static const struct {
	const char *edge;
	delta_rule rule; /* of the read of a */
} rules[] = {
	{"edge r[i] <- a[i] + 1.0;", DELTA_SAME},
	{"edge r[i] <- clamp(a)[i - 1];", DELTA_SHIFT},
	{"edge r[i] <- sum[j] A[j, i] + wrap(a)[0];", DELTA_BROADCAST},
	{"edge r[i] <- sum[j] (a[j] * f64(i + j));", DELTA_BROADCAST},
	{"edge r[i] <- sum[j] a[k[j]] * x[i];", DELTA_BROADCAST},
	{"edge t[i, j] <- a[j] * x[i];", DELTA_PERMUTE},
	/* through the index page, and on from there */
	{"edge r[i] <- a[k[i]];", DELTA_GATHER},
	{"edge r[i] <- a[k[k[i]]];", DELTA_GATHER},
	{"edge r[i] <- a[rec[i].to];", DELTA_GATHER},
	{"edge r[i] <- sum[j] a[K[i, j]];", DELTA_GATHER},
	{"edge r[i] <- sum[j where k[j] == i] a[k[j]];", DELTA_GATHER},
	{"edge r[i] <- sum[j where j < i] a[k[j]];", DELTA_GATHER},
	{"edge r[i] <- sum[j] W[i, j] * a[k[j]];", DELTA_GATHER},
	{"edge r[i] <- sum[j] W[j, i] * a[k[j]];", DELTA_GATHER},
	{"edge t[i, j] <- zero(a)[k[j]] + x[i];", DELTA_GATHER},
	/* out of a region */
	{"edge r[i] <- sum[j where k[j] == i] a[j];", DELTA_GROUP},
	{"edge r[i] <- sum[j where k[j] == i] zero(a)[j - 1];", DELTA_GROUP},
	{"edge r[i] <- sum[j where j <= i] a[j];", DELTA_PREFIX},
	{"edge r[i] <- sum[w in 0..3] zero(a)[i - w];", DELTA_WINDOW},
	{"edge r[i] <- sum[w in 0..3] wrap(a)[w - i];", DELTA_WINDOW},
	{"edge r[i] <- sum[j] W[i, j] * a[j];", DELTA_SPARSE},
	{"edge r[k] <- sum[j] W[j, k] * a[j];", DELTA_SPARSE},
	{"edge r[i] <- sum[j where j > i - 10 && j <= i] a[j];", DELTA_WINDOW},
	{"edge r[i] <- max[j where abs(i - j) < 5] a[j] * x[i];", DELTA_WINDOW},
	{"edge r[i] <- sum[j where j >= i] a[j];", DELTA_WINDOW},
	/* what an index is computed by, undone */
	{"edge r[i] <- zero(a)[2 * i];", DELTA_INVERSE},
	{"edge r[i] <- zero(a)[5 - 2 * i] + wrap(a)[3 * i];", DELTA_INVERSE},
	{"edge r[i] <- sum[w in 0..4] zero(a)[4 * i + w];", DELTA_INVERSE},
	{"edge r[i] <- clamp(a)[i / 2 + N / 4];", DELTA_INVERSE},
	{"edge r[i] <- clamp(a)[N / 2 + i % 8];", DELTA_INVERSE},
	{"edge r[i] <- clamp(a)[(i >> 1) + 100];", DELTA_INVERSE},
	{"edge r[i] <- mirror(a)[i ^ 3];", DELTA_INVERSE},
	{"edge r[i] <- clamp(a)[max(i, N / 4) - 3];", DELTA_INVERSE},
	{"edge r[i] <- zero(a)[abs(i - N / 2)];", DELTA_INVERSE},
	{"edge r[i] <- zero(a)[if i % 2 == 0 then i + 1 else i - 1];", DELTA_INVERSE},
	{"edge r[i] <- a[index(N)((7 * i) % N)];", DELTA_INVERSE},
	{"edge r[i] <- clamp(a)[k[i] + 1];", DELTA_GATHER},
	{"edge r[i] <- wrap(a)[k[i]];", DELTA_GATHER},
	{"edge r[i] <- sum[w in 0..3] zero(a)[k[i] + w];", DELTA_GATHER},
	/* what cannot be undone has a reverse index of its own */
	{"edge r[i] <- zero(a)[n[i]];", DELTA_GATHER},
	{"edge r[i] <- wrap(a)[i * n[i]];", DELTA_GATHER},
	{"edge r[i] <- a[index(N)(n[i])];", DELTA_GATHER},
	/* but where it comes of a reduction */
	{"edge r[i] <- a[argmax[j] A[i, j]];", DELTA_WHOLE},
	{"edge r[i] <- sum[j] W[k[i], j] * x[i] * a[j];", DELTA_GATHER},
};

static void rule_program(char *text, size_t size, const char *edge)
{
	bool table = strncmp(edge, "edge t", 6) == 0;
	snprintf(text, size, "param N; record Arc { to : index(N); } page a : f64[N] in; page x : f64[N] in; page A : f64[N, N] in; "
	                     "page k : index(N)[N] in; page K : index(N)[N, N] in; page n : i64[N] in; page rec : Arc[N] in; "
	                     "page W : sparse f64[N, N] in; page %s out;\n%s\n",
	         table ? "t : f64[N, N]" : "r : f64[N]", edge);
}

START_TEST(rules_follow_access)
{
	char text[512];
	rule_program(text, sizeof text, rules[_i].edge);
	schedule s = schedule_of("r.mmsb", text);
	ck_assert_msg(rule_of(&s, "a") == rules[_i].rule, "%s gives rule %u", rules[_i].edge, rule_of(&s, "a"));
}
END_TEST

enum { RULE_N = 256, RULE_AT = 128 };

static void must(int status, const mmsb_error *err)
{
	ck_assert_msg(status == MMSB_OK, "%s", err->message);
}

/* Permutations, and sums that show every operand. */
static void fill_rule_pages(mmsb_instance *inst)
{
	static double ones[RULE_N * RULE_N];
	static uint32_t k[RULE_N], rec[RULE_N], table[RULE_N * RULE_N];
	int64_t n[RULE_N];
	uint64_t row[RULE_N], col[RULE_N];
	mmsb_error err;
	for (uint32_t i = 0; i < RULE_N * RULE_N; i++) {
		ones[i] = 1;
		table[i] = i / RULE_N;
	}
	for (uint32_t i = 0; i < RULE_N; i++) {
		k[i] = (7 * i + 3) % RULE_N;
		rec[i] = 5 * i % RULE_N;
		n[i] = (3 * i + 1) % RULE_N;
		row[i] = i;
		col[i] = 3 * i % RULE_N;
	}
	must(mmsb_write(inst, mmsb_page(inst, "a"), 0, RULE_N, ones, &err), &err);
	must(mmsb_write(inst, mmsb_page(inst, "x"), 0, RULE_N, ones, &err), &err);
	must(mmsb_write(inst, mmsb_page(inst, "A"), 0, RULE_N * RULE_N, ones, &err), &err);
	must(mmsb_write(inst, mmsb_page(inst, "k"), 0, RULE_N, k, &err), &err);
	must(mmsb_write(inst, mmsb_page(inst, "n"), 0, RULE_N, n, &err), &err);
	must(mmsb_write(inst, mmsb_page(inst, "K"), 0, RULE_N * RULE_N, table, &err), &err);
	must(mmsb_write(inst, mmsb_page(inst, "rec"), 0, RULE_N, rec, &err), &err);
	must(mmsb_insert(inst, mmsb_page(inst, "W"), RULE_N, row, col, ones, &err), &err);
}

/* Elements of the last pass that are evaluated in the epoch. */
static uint64_t evaluated_in_epoch(mmsb_instance *inst)
{
	mmsb_stats stats;
	mmsb_error err;
	mmsb_stats_get(inst, &stats);
	uint64_t before = stats.passes[stats.n_passes - 1].evaluated;
	must(mmsb_commit(inst, NULL, &err), &err);
	mmsb_stats_get(inst, &stats);
	return stats.passes[stats.n_passes - 1].evaluated - before;
}

/* The runtime finds its way without the rule, and to the same end. */
START_TEST(rules_say_what_is_evaluated)
{
	char text[512];
	mmsb_error err;
	rule_program(text, sizeof text, rules[_i].edge);
	mmsb_schedule *compiled = io_schedule(text);
	ck_assert_ptr_nonnull(compiled);
	mmsb_instance *inst = io_instance(compiled);
	ck_assert_ptr_nonnull(inst);
	must(mmsb_set_param(inst, "N", RULE_N, &err), &err);
	fill_rule_pages(inst);
	bool table = mmsb_page(inst, "t") >= 0, first = strstr(rules[_i].edge, "wrap(a)[0]") != NULL;
	uint64_t all = table ? RULE_N * RULE_N : RULE_N;
	ck_assert_uint_eq(evaluated_in_epoch(inst), all);
	must(mmsb_write(inst, mmsb_page(inst, "a"), first ? 0 : RULE_AT, 1, &(double){3}, &err), &err);
	uint64_t n = evaluated_in_epoch(inst);
	bool reaches_all = rules[_i].rule == DELTA_BROADCAST || rules[_i].rule == DELTA_WHOLE;
	ck_assert_msg(reaches_all ? n == all : n > 0 && n < all, "%s: %llu elements", rules[_i].edge, (unsigned long long)n);
	mmsb_instance_free(inst);
	mmsb_schedule_close(compiled);
}
END_TEST

START_TEST(defines_are_defaults)
{
	compile_define defines[] = {{"N", "12"}, {"rate", "-0.5"}};
	compile_options options = {.stdlib = ".", .defines = defines, .n_defines = 2};
	ir_graph *g = compile_graph_text(ctx, "w.mmsb", wide, strlen(wide), &options);
	ck_assert_ptr_nonnull(g);
	ck_assert_int_eq(ir_at(g, g->params[0].init)->u.value.I64, 12);
	ck_assert(ir_at(g, g->params[2].init)->u.value.F64 == -0.5);
	static compile_define wrong[] = {{"rat", "1"}, {"N", "x"}, {"N", "-1"}, {"N", "1.5"}};
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		lang_ctx *own = lang_ctx_new();
		compile_options one = {.stdlib = ".", .defines = &wrong[i], .n_defines = 1};
		ck_assert_ptr_null(compile_graph_text(own, "w.mmsb", wide, strlen(wide), &one));
		ck_assert_uint_eq(own->error_count, 1);
		lang_ctx_free(own);
	}
}
END_TEST

/* Memory that runs out at any point is told, and nothing else happens. */
START_TEST(memory_runs_out)
{
	for (int64_t budget = 1; budget < 100000; budget = budget * 9 / 8 + 1) {
		lang_ctx *own = lang_ctx_new();
		compile_options options = {.stdlib = "."};
		schedule s;
		own->alloc_budget = budget;
		ir_graph *g = compile_graph_text(own, "w.mmsb", wide, strlen(wide), &options);
		bool done = g && ir_schedule(g, &s);
		ck_assert(done != own->oom);
		lang_ctx_free(own);
		if (done)
			return;
	}
	ck_abort_msg("it never had enough");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("compiler");
	TCase *all = tcase_create("compiler");
	tcase_add_checked_fixture(all, fresh, drop);
	tcase_set_timeout(all, 120);
	tcase_add_test(all, equal_nodes_are_one);
	tcase_add_test(all, free_variables);
	tcase_add_test(all, indices_are_sums);
	tcase_add_test(all, verifier_finds_mistakes);
	tcase_add_test(all, fuses_where_it_should);
	tcase_add_loop_test(all, says_what_becomes_of_pages, 0, sizeof fusions / sizeof fusions[0]);
	tcase_add_test(all, outlines_what_is_the_same_for_all);
	tcase_add_test(all, folds_constants_only);
	tcase_add_test(all, divides_by_powers_of_two_by_multiplying);
	tcase_add_loop_test(all, same_text_same_bytes, 0, 2);
	tcase_add_loop_test(all, yaml_reads_back, 0, 2);
	tcase_add_test(all, text_shows_every_edge);
	tcase_add_loop_test(all, damaged_yaml_is_told, 0, 2);
	tcase_add_test(all, hash_is_of_the_meaning);
	tcase_add_loop_test(all, rules_follow_access, 0, sizeof rules / sizeof rules[0]);
	tcase_add_loop_test(all, rules_say_what_is_evaluated, 0, sizeof rules / sizeof rules[0]);
	tcase_add_test(all, defines_are_defaults);
	tcase_add_test(all, memory_runs_out);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
