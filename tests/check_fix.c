/* check_fix.c - which fixpoints are exact, under which guards; and how reads and reductions are classified. */
#include <stdarg.h>

#include "checked.h"
#include "unit.h"

static const char *const sources =
	"param N, M, K;\n"
	"semiring max_times { add = max; mul = *; zero = 0; one = 1; }\n"
	"semiring min_plus { add = min; mul = +; zero = inf; one = 0; }\n"
	"page W : f64[N, N] in; page c : f64[N] in; page k : i32[N, N] in; page j : i32[N] in; page B : bool[N, N] in;\n"
	"page u32s : u32[N, N] in; page S : sparse f64[N, N] in; page T : sparse f64[N, N] like S; page w32 : f32[N, N] in;\n"
	"page key : index(K)[N] in; page other : f64[M] in; page one : f64 in; page deep : f64[N, M] in;\n"
	"edge T[i, k] <- S[i, k];\n";

static checked program;
static char found[512];

static void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *fmt, ...)
{
	size_t used = strlen(found);
	va_list args;
	if (used && used + 1 < sizeof found)
		found[used++] = ' ';
	va_start(args, fmt);
	vsnprintf(found + used, sizeof found - used, fmt, args);
	va_end(args);
}

/* The edge of the page with a name of one letter. */
static const p_edge *check_edge(const char *decl, const char *edge)
{
	char text[2048];
	snprintf(text, sizeof text, "%s%s\nedge %s;\n", sources, decl, edge);
	program = checked_new(text);
	if (!program.program)
		return NULL;
	for (uint32_t i = 0; i < program.program->n_edges; i++)
		if (strncmp(program.program->edges[i]->page->name, edge, 1) == 0)
			return program.program->edges[i];
	return NULL;
}

static void refused(const char *decl, const char *edge, const char *why)
{
	check_edge(decl, edge);
	char *messages = checked_messages(&program);
	ck_assert_msg(program.program == NULL && strstr(messages, why), "%s\nshould be refused with: %s\ngot: %s", edge, why, messages);
	free(messages);
	checked_free(&program);
}

/* ---- fixpoints ------------------------------------------------------------------------- */

static const char *const guard_names[] = {
#define GUARD(id, holds, text) #id,
#include "../runtime/guard.def"
#undef GUARD
};

static void list_guards(const p_expr *e)
{
	if (e->kind == P_GUARD)
		note("%s%s%s", guard_names[e->u.guard.kind], e->u.guard.page ? ":" : "", e->u.guard.page ? e->u.guard.page->name : "");
	if (e->kind == P_OP && e->op == OP_ADD_SAT)
		note("SAT");
	for (uint32_t i = 0; i < e->n_args; i++)
		list_guards(e->args[i]);
}

static void exact(const char *decl, const char *edge, op_id op, const char *guards)
{
	const p_edge *e = check_edge(decl, edge);
	char *messages = checked_messages(&program);
	ck_assert_msg(e != NULL, "%s\n%s", edge, messages);
	free(messages);
	found[0] = 0;
	list_guards(e->body);
	ck_assert_msg(strcmp(found, guards) == 0, "%s\nhas the guards '%s', not '%s'", edge, found, guards);
	ck_assert_int_eq(e->fix, FIX_EXACT);
	ck_assert_int_eq(e->fix_op, op);
	checked_free(&program);
}

static const char *const f64s = "page x : f64[N] out;";
static const char *const bools = "page x : bool[N] out;";
static const char *const ints = "page x : i32[N] out;";

START_TEST(paths)
{
	exact(f64s, "x[v] <- fix min(c[v], min[u] (x[u] + W[u, v]))", OP_MIN, "NOT_NEGINF:c NONNEG:W");
	exact(f64s, "x[v] <- fix min_plus[u] S[u, v] .* x[u]", OP_MIN, "NONNEG:S");
	exact(f64s, "x[v] <- fix min[u] (x[u] + w32[u, v])", OP_MIN, "NONNEG:w32");
	exact(f64s, "x[v] <- fix min[u] (x[u] + abs(W[u, v]))", OP_MIN, "NONNEG");
	exact(f64s, "x[v] <- fix min(c[v], min[u] (x[u] + 1.0))", OP_MIN, "NOT_NAN:c");
	exact(f64s, "x[v] <- fix min(c[v], min[u] (x[u] - W[u, v]))", OP_MIN, "NOT_NEGINF:c NONPOS:W");
	exact(f64s, "x[v] <- fix max(c[v], max[u] (x[u] + W[u, v]))", OP_MAX, "NOT_NEGZERO NOT_POSINF:c NONPOS:W");
	exact(f64s, "x[v] <- fix max(c[v], max[u] (x[u] + -1.0))", OP_MAX, "NOT_NAN:c");
	exact(f64s, "x[v] <- fix min(c[v], min[u] (x[u] + x[v]))", OP_MIN, "NONNEG:c");
	exact(f64s, "x[v] <- fix min(if v == 0 then 0.0 else inf, min[u] (x[u] + W[u, v]))", OP_MIN, "NONNEG:W");
	exact(f64s, "x[v] <- fix min(if v == 0 then c[v] else inf, min[u] (x[u] + W[u, v]))", OP_MIN, "NOT_NEGINF:c NONNEG:W");
	exact("page x : f32[N] out;", "x[v] <- fix min[u] f32(f64(x[u]) + W[u, v])", OP_MIN, "NONNEG:W");
}
END_TEST

START_TEST(other_algebras)
{
	exact(f64s, "x[v] <- fix max[u] min(x[u], W[u, v])", OP_MAX, "NOT_NAN:W");
	exact("page x : f64[N] out init 0;", "x[v] <- fix max(c[v], max[u] (x[u] * W[u, v]))", OP_MAX, "NONNEG_FINITE:c UNIT:W");
	exact(f64s, "x[v] <- fix max_times[u] x[u] .* W[u, v]", OP_MAX, "UNIT:W");
	exact(f64s, "x[v] <- fix min(c[v], min[u] (x[u] * W[u, v]))", OP_MIN, "POSITIVE:c GE_ONE:W");
	exact(f64s, "x[v] <- fix min(c[v], min[u] (x[u] * 2.0))", OP_MIN, "NONNEG:c");
	exact("page x : f64[N] out init 0;", "x[v] <- fix max(c[v], max[u] (x[u] / 2.0))", OP_MAX, "NONNEG:c");
	exact(bools, "x[v] <- fix B[v, v] || any[u] (x[u] && B[u, v])", OP_LOR, "");
	exact(bools, "x[v] <- fix all[u] (x[u] || B[u, v])", OP_LAND, "");
	exact(f64s, "x[v] <- fix min(c[v], min[u] ceil(x[u]))", OP_MIN, "NOT_NAN:c");
	exact(f64s, "x[v] <- fix min(c[v], clamp(clamp(x)[v - 1], c[v], 9.0))", OP_MIN, "NOT_NAN:c NOT_NAN:c");
	exact(f64s, "x[v] <- fix min(c[v], pad(x, one)[v - 1] + 1.0)", OP_MIN, "NOT_NAN:c");
	exact("page x : f64[N] out init c;", "x[v] <- fix min[u] (x[u] + W[u, v])", OP_MIN, "NOT_NEGINF:c NONNEG:W");
}
END_TEST

START_TEST(integers)
{
	exact(ints, "x[v] <- fix min(j[v], min[u] (x[u] + k[u, v]))", OP_MIN, "SAT NONNEG:k");
	exact("page x : u32[N] out;", "x[v] <- fix min[u] (x[u] + u32s[u, v])", OP_MIN, "SAT");
	exact("page x : i64[N] out;", "x[v] <- fix min(v, min[u] (x[u] + u))", OP_MIN, "SAT");
	exact(ints, "x[v] <- fix min(i32(v), min[u] (if B[u, v] then x[u] else 7))", OP_MIN, "");
}
END_TEST

START_TEST(not_exact)
{
	refused(f64s, "x[v] <- fix min[u] (x[u] - 1.0)", "this value must be <= 0");
	refused(f64s, "x[v] <- fix max[u] (x[u] + 1.0)", "this value must be <= 0");
	refused(f64s, "x[v] <- fix min[u] (-x[u])", "'-' does not rise with");
	refused(f64s, "x[v] <- fix min[u] floor(x[u])", "'floor' can bring a term below");
	refused(f64s, "x[v] <- fix max[u] ceil(x[u])", "'ceil' can bring a term above");
	refused(f64s, "x[v] <- fix min[u] (if x[u] > 1.0 then x[u] else 2.0)", "a choice by it");
	refused(f64s, "x[v] <- fix min[u] f64(f32(x[u]))", "the conversion to f32");
	refused(ints, "x[v] <- fix min[u] (x[u] - k[u, v])", "'-' of integers wraps around");
	refused(ints, "x[v] <- fix min[u] (x[u] * 2)", "'*' of integers wraps around");
	refused(f64s, "x[v] <- fix sum[u] x[u]", "the outermost operation here is none of them");
	refused(f64s, "x[v] <- fix if v == 0 then min(x[v], 1.0) else max(x[v], 1.0)", "these differ");
	refused(f64s, "x[v] <- fix max[u] (x[u] * W[u, v])", "begins at the identity");
	refused(f64s, "x[v] <- fix min[u where x[u] > 0.0] x[u]", "a condition does not rise");
	refused(bools, "x[v] <- fix any[u] (x[u] && k[u, v] / k[v, v] > 0)", "this can fail");
	refused(bools, "x[v] <- fix any[u] !x[u]", "'!' does not rise");
	refused("page x : f64[N] out init nan;", "x[v] <- fix min[u] x[u]", "must not be nan");
}
END_TEST

/* ---- classes --------------------------------------------------------------------------- */

static const char *const access_names[] = {"same", "shift", "permuted", "broadcast", "indirect", "affine", "entry"};
static const char *const class_names[] = {"whole", "where", "group", "prefix", "window", "sparse"};

static void list_classes(const p_expr *e)
{
	if (e->kind == P_READ)
		note("%s:%s", e->u.read.page->name, access_names[e->u.read.access]);
	if (e->kind == P_REDUCE)
		note("%s%s%s", class_names[e->u.reduce->rclass], e->u.reduce->rest ? "+rest" : "", e->u.reduce->strict ? "<" : "");
	for (uint32_t i = 0; i < e->n_args; i++)
		list_classes(e->args[i]);
}

static void classes(const char *edge, const char *want)
{
	const char *decl = edge[0] == 'y' ? "page y : f64[N] out;" : edge[0] == 'z' ? "page z : f64[N, M] out;"
	                   : edge[0] == 'g' ? "page g : f64[K] out;" : edge[0] == 'V' ? "page V : sparse f64[N, N] out like S;"
	                                    : "page s : f64 out;";
	const p_edge *e = check_edge(decl, edge);
	char *messages = checked_messages(&program);
	ck_assert_msg(e != NULL, "%s\n%s", edge, messages);
	free(messages);
	found[0] = 0;
	list_classes(e->body);
	ck_assert_msg(strcmp(found, want) == 0, "%s\nis '%s', not '%s'", edge, found, want);
	checked_free(&program);
}

START_TEST(reads)
{
	classes("y[i] <- c[i] + zero(c)[i - 1] + one", "c:same c:shift one:broadcast");
	classes("y[i] <- zero(c)[2 * i] + clamp(c)[i + N]", "c:affine c:affine");
	classes("y[i] <- clamp(c)[i * i] + W[i, index(N)(i)]", "c:indirect W:indirect");
	classes("z[i, k] <- c[i] * other[k] + deep[i, k]", "c:permuted other:permuted deep:same");
	classes("s <- one", "one:broadcast");
	classes("y[i] <- sum[k] W[k, i]", "whole W:permuted");
	classes("y[i] <- clamp(other)[i]", "other:affine");
	classes("g[i] <- max[n where key[n] == i] c[n]", "group c:permuted key:permuted");
}
END_TEST

START_TEST(reductions)
{
	classes("g[i] <- sum[n where c[n] > 0.0 && i == key[n]] c[n]", "group+rest c:permuted c:permuted key:permuted");
	classes("g[i] <- sum[n where j[n] / j[n] > 0 && i == key[n]] c[n]", "where c:permuted j:permuted j:permuted key:permuted");
	classes("y[i] <- sum[k where k <= i] c[k]", "prefix c:permuted");
	classes("y[i] <- sum[k where i > k] c[k]", "prefix< c:permuted");
	classes("y[i] <- sum[k where k <= i] c[k] * c[i]", "where c:permuted c:same");
	classes("y[i] <- sum[k where k <= i && c[k] > c[i]] c[k]", "where c:permuted c:permuted c:same");
	classes("y[i] <- sum[k in 0..5] zero(c)[i - k]", "window c:affine");
	classes("y[i] <- sum[k] S[i, k] * T[i, k] * c[k]", "sparse S:entry T:entry c:permuted");
	classes("V[i, k] <- S[i, k] + sum[n] S[n, k]", "S:entry sparse S:entry");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("fix");
	TCase *c = tcase_create("exact");
	tcase_add_test(c, paths);
	tcase_add_test(c, other_algebras);
	tcase_add_test(c, integers);
	tcase_add_test(c, not_exact);
	suite_add_tcase(s, c);
	c = tcase_create("classes");
	tcase_add_test(c, reads);
	tcase_add_test(c, reductions);
	suite_add_tcase(s, c);
	return unit_run(s);
}
