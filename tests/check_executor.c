/* check_executor.c - the portable executor: the same bits however reductions are run, at every level of the processor and on any
 * number of threads; faults; the floating-point environment; fixpoints. */
#include <fenv.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SSE2__
#include <xmmintrin.h>
#endif

#include "../compiler/compile.h"
#include "../runtime/container.h"
#include "../runtime/kernels.h"
#include "../runtime/mmsb.h"
#include "../runtime/scalar.h"
#include "unit.h"

static mmsb_error err;

static void ok(int status) { ck_assert_msg(status == MMSB_OK, "%s", err.message); }

/* An instance of a program; what the environment says when it is bound holds for it. */
static mmsb_instance *instance_of(const char *text, int threads)
{
	lang_ctx *ctx = lang_ctx_new();
	compile_options options = {.stdlib = "."};
	schedule tables = {0};
	ir_graph *g = compile_graph_text(ctx, "test.mmsb", text, strlen(text), &options);
	if (!g)
		lang_print_diags(ctx, stderr, false);
	ck_assert_ptr_nonnull(g);
	ck_assert(ir_schedule(g, &tables));
	uint8_t *bytes;
	size_t n;
	ok(schedule_write(&tables, &bytes, &n, &err));
	mmsb_schedule *s;
	ok(mmsb_schedule_load(&s, bytes, n, &err));
	free(bytes);
	lang_ctx_free(ctx);
	mmsb_options o = {.size = sizeof o, .threads = threads, .scratch = 1};
	mmsb_instance *m;
	ok(mmsb_instance_new(&m, s, &o, &err));
	mmsb_schedule_close(s);
	return m;
}

static int id(mmsb_instance *m, const char *name)
{
	int page = mmsb_page(m, name);
	ck_assert_msg(page >= 0, "no page %s", name);
	return page;
}

static void sizes(mmsb_instance *m, const char *const *names, const double *values)
{
	for (; *names; names++, values++)
		ok(mmsb_set_param(m, *names, *values, &err));
	ok(mmsb_bind(m, &err));
}

static uint64_t random_at(uint64_t seed, uint64_t i) { return mmsb_rand_step_u64(0x65786563, seed, i); }

/* Random values for a dense source page, from -1 to 1 times 1 to 2^15 (small counts for integers, any below the range for indices). */
static void randomise(mmsb_instance *m, const char *name)
{
	mmsb_info info;
	int page = id(m, name);
	ok(mmsb_page_info(m, page, &info));
	for (uint64_t i = 0; i < info.count; i++) {
		uint64_t r = random_at((uint64_t)page + 1, i), v = 0;
		double x = (mmsb_rand_unit_u64(r) * 2 - 1) * (double)(1u << (r & 15));
		float f = (float)x;
		int64_t k = (int64_t)(r % 19) - 9;
		if (info.is_index)
			v = (r >> 8) % info.range;
		else if (info.type == MMSB_F64)
			memcpy(&v, &x, 8);
		else if (info.type == MMSB_F32)
			memcpy(&v, &f, 4);
		else
			memcpy(&v, &k, 8);
		ok(mmsb_write(m, page, i, 1, &v, &err));
	}
}

/* The fields of qi. */
static void randomise_records(mmsb_instance *m, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		float a = (float)i * 0.37f;
		double b = mmsb_rand_unit_u64(random_at(70, i));
		uint32_t k = (uint32_t)(random_at(71, i) % n);
		ok(mmsb_scatter_field(m, id(m, "qi"), 0, 1, &i, &a, &err));
		ok(mmsb_scatter_field(m, id(m, "qi"), 1, 1, &i, &b, &err));
		ok(mmsb_scatter_field(m, id(m, "qi"), 2, 1, &i, &k, &err));
	}
}

/* A random sparse page with about `per_row` entries a row. */
static void randomise_sparse(mmsb_instance *m, const char *name, uint64_t rows, uint64_t cols, uint64_t per_row)
{
	int page = id(m, name);
	for (uint64_t r = 0; r < rows; r++)
		for (uint64_t k = 0; k < (r == 3 ? cols : per_row); k++) { /* one long row */
			uint64_t c = r == 3 ? k : random_at(50 + r, k) % cols;
			double w = mmsb_rand_unit_u64(random_at(90 + r, c)) * 10;
			ok(mmsb_insert(m, page, 1, &r, &c, &w, &err));
		}
}

/* ---- the same bits ----------------------------------------------------------------------------- */

static const char everything[] =
	"param N, M, K, T;\n"
	"record Q { a : f32; b : f64; k : index(N); }\n"
	"semiring odd { add = max; mul = *; zero = 0; one = 1; }\n"
	"page x : f64[N] in;\npage y : f32[N] in;\npage n : i32[N] in;\npage key : index(K)[N] in;\npage at : index(N)[N] in;\n"
	"page A : f64[M, N] in;\npage B : f32[N, M] in;\npage C : f64[M, T, 3] in;\npage W : sparse f64[N, N] in;\npage none : f64[K - K, N] in;\n"
	"page e1 : f64[N] out;\npage e2 : f32[N, M] out;\npage e3 : f64[M, T, 3] out;\npage e4 : f64[M, T, 3] out;\npage qi : Q[N] in;\npage q : Q[N] out;\npage qb : f64[N] out;\n"
	"page s1 : f64 out;\npage s2 : f32 out;\npage s3 : f64 out;\npage s4 : f64 out;\npage s5 : f64 out;\npage s6 : i64 out;\n"
	"page m1 : f64[M, M] out;\npage m2 : f64[M] out;\npage m3 : f64[N] out;\npage m4 : f32[M] out;\npage m5 : f64[M] out;\n"
	"page g1 : f64[K] out;\npage g2 : f64[K] out;\npage g3 : index(N)[K] out;\npage g4 : f64[K, M] out;\n"
	"page p1 : f64[N] out;\npage p2 : f64[N] out;\npage p3 : f64[N] out;\npage p4 : f32[N] out;\npage p5 : f64[M, N] out;\npage p6 : index(N)[N] out;\npage p7 : f64[N, M] out;\n"
	"page w1 : f64[N] out;\npage w2 : f64[N] out;\npage w3 : f64[M, N] out;\npage w4 : f64[N] out;\n"
	"page z1 : f64[N] out;\npage z2 : f64[N] out;\npage z3 : f64[N] out;\npage z4 : sparse f64[N, N] out like W;\npage z5 : f64[N] out;\npage z6 : f64[N] out;\n"
	"page a1 : index(N) out;\npage a2 : index(N)[M] out;\npage a3 : f64[N] out;\npage o1 : f64 out;\npage d1 : f64[M] out;\n"
	"edge e1[i] <- (x[i] * 1.5 + f64(y[i])) / (abs(x[at[i]]) + 1.0);\n"
	"edge e2[i, j] <- mirror(B)[i - 3, j + 2] + clamp(B)[i + 1, j - 1] * wrap(B)[i - 1, j];\n"
	"edge e3[i, j, k] <- zero(C)[i - 1, j, k + 1] + pad(C, 2.0)[i, j + 1, k] - wrap(C)[i + 5, j - 7, k - 4];\n"
	"edge e4[i, j, k] <- C[i, j, k] * f64(i * 100 + j * 10 + k);\n"
	"edge q[i] <- if x[i] > 0.0 then qi[i] else prev q[i];\n"
	"edge qb[i] <- f64(qi[i].a) * qi[i].b + x[qi[i].k];\n"
	"edge s1 <- sum[i] x[i];\n"
	"edge s2 <- sum[i] y[i] * y[i];\n"
	"edge s3 <- sum[i where x[i] > 0.0] x[i];\n"
	"edge s4 <- sum[i, j] A[i, j];\n"
	"edge s5 <- mean[i, j where A[i, j] > 100.0] A[i, j];\n"
	"edge s6 <- sum[i] n[i];\n"
	"edge m1[i, j] <- sum[k] A[i, k] * f64(B[k, j]);\n"
	"edge m2[i] <- sum[j] A[i, j];\n"
	"edge m3[j] <- sum[i] A[i, j];\n"
	"edge m4[j] <- max[i where n[i] > 2] B[i, j];\n"
	"edge m5[i] <- sum[j where A[i, j] < 0.0] A[i, j];\n"
	"edge g1[b] <- sum[i where key[i] == b] x[i];\n"
	"edge g2[b] <- mean[i where key[i] == b && n[i] > 0] x[i];\n"
	"edge g3[b] <- argmin[i where key[i] == b] x[i];\n"
	"edge g4[b, j] <- sum[i where key[i] == b] f64(B[i, j]) * x[i];\n"
	"edge p1[i] <- sum[j where j <= i] x[j];\n"
	"edge p2[i] <- sum[j where j < i] x[j];\n"
	"edge p3[i] <- sum[j where j <= i && x[j] > 0.0] x[j];\n"
	"edge p4[i] <- max[j where j < i] y[j];\n"
	"edge p5[i, j] <- sum[k where k <= j] A[i, k];\n"
	"edge p6[i] <- argmax[j where j <= i] x[j];\n"
	"edge p7[i, j] <- sum[k where k <= i] f64(B[k, j]);\n"
	"edge w1[i] <- sum[k in 0..7] zero(x)[i - k];\n"
	"edge w2[i] <- sum[k in 0..100] clamp(x)[i + k];\n"
	"edge w3[i, j] <- min[k in 0..3] wrap(A)[i, j - k];\n"
	"edge w4[i] <- sum[k in 0..40 where zero(x)[i - k] > 0.0] zero(x)[i - k];\n"
	"edge z1[i] <- sum[j] W[i, j] * x[j];\n"
	"edge z2[j] <- sum[i] W[i, j] * x[i];\n"
	"edge z3[i] <- min[j] (W[i, j] + x[j]);\n"
	"edge z4[i, j] <- W[i, j] * x[i] - x[j];\n"
	"edge z5[i] <- sum[j where x[j] > 0.0] z4[i, j];\n"
	"edge z6[i] <- sum[j] W[i, j] * z1[j] / f64(i + 1);\n"
	"edge a1 <- argmax[i] x[i];\n"
	"edge a2[i] <- argmin[j] A[i, j];\n"
	"edge a3[i] <- x[a1] + x[at[at[i]]];\n"
	"edge o1 <- odd[i, j] A[i, j];\n"
	"edge d1[j] <- sum[k in 0..0] zero(A)[j, 0] + sum[i, k] none[i, k];\n";

/* Digest of all pages, with the environment as it is. */
static void digest_everything(int threads, char hex[33])
{
	static const char *const names[] = {"N", "M", "K", "T", NULL};
	static const double values[] = {1500, 37, 11, 5};
	static const char *const pages[] = {"x", "y", "n", "key", "at", "A", "B", "C"};
	mmsb_instance *m = instance_of(everything, threads);
	sizes(m, names, values);
	for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
		randomise(m, pages[i]);
	randomise_records(m, 1500);
	randomise_sparse(m, "W", 1500, 1500, 6);
	ok(mmsb_commit(m, NULL, &err));
	ok(mmsb_digest(m, hex, &err));
	mmsb_instance_free(m);
}

/* Bits of all pages of `everything`: they change only with `numerics`. */
static const char everything_digest[] = "3b8cd45a973d33c1e142bfb427aa3109";

START_TEST(same_bits)
{
	static const char *const regions[] = {"", "A", "B", "C"}, *const levels[] = {"base", "v3", "v4"};
	static const int threads[] = {1, 2, 5};
	char hex[33];
	setenv("MMSB_REGIONS", regions[_i % 4], 1);
	setenv("MMSB_CPU", levels[_i / 4 % 3], 1);
	setenv("MMSB_GRAIN", "10", 1);
	digest_everything(threads[_i / 12], hex);
	ck_assert_str_eq(hex, everything_digest);
}
END_TEST

/* ---- the floating-point environment ------------------------------------------------------------ */

static const char tiny[] =
	"param N;\npage x : f64[N] in;\npage y : f64[N] out;\npage s : f64 out;\npage e : f64[N] out;\n"
	"edge y[i] <- x[i] * 0.5 + 1e-310;\nedge s <- sum[i] x[i] / 3.0;\nedge e[i] <- exp(x[i] * 1e300) / 3.0;\n";

static void digest_tiny(int threads, bool disturbed, char hex[33])
{
	static const char *const names[] = {"N", NULL};
	static const double values[] = {3000};
	mmsb_instance *m = instance_of(tiny, threads);
	sizes(m, names, values);
	for (uint64_t i = 0; i < 3000; i++) {
		double v = (double)random_at(1, i) * 0x1p-1074;
		ok(mmsb_write(m, id(m, "x"), i, 1, &v, &err));
	}
	if (disturbed) {
		fesetround(FE_UPWARD);
#ifdef __SSE2__
		_mm_setcsr(_mm_getcsr() | 0x8040); /* flush to zero, denormals are zero */
#endif
	}
	ok(mmsb_commit(m, NULL, &err));
	if (disturbed) { /* as it was */
		ck_assert_int_eq(fegetround(), FE_UPWARD);
		fesetround(FE_TONEAREST);
#ifdef __SSE2__
		ck_assert_uint_eq(_mm_getcsr() & 0x8040, 0x8040);
		_mm_setcsr(_mm_getcsr() & ~0x8040u);
#endif
	}
	ok(mmsb_digest(m, hex, &err));
	mmsb_instance_free(m);
}

START_TEST(environment)
{
	char calm[33], disturbed[33];
	setenv("MMSB_GRAIN", "10", 1);
	digest_tiny(1, false, calm);
	for (int threads = 1; threads <= 3; threads += 2) {
		digest_tiny(threads, true, disturbed);
		ck_assert_str_eq(calm, disturbed);
	}
}
END_TEST

/* ---- faults ------------------------------------------------------------------------------------ */

static const int fault_threads[] = {1, 2, 4};

/* Commits one value for a page of zeros of 5,000 and expects what is told. */
static void expect_fault(const char *text, const char *message, uint64_t index)
{
	static const char *const names[] = {"N", NULL};
	static const double values[] = {5000};
	setenv("MMSB_GRAIN", "10", 1);
	for (size_t t = 0; t < 3; t++) {
		mmsb_instance *m = instance_of(text, fault_threads[t]);
		sizes(m, names, values);
		for (uint64_t i = 0; i < 5000; i++) {
			int64_t v = i == 4000 || i == 1234 || i == 1300 ? 0 : 1 + (int64_t)i;
			ok(mmsb_write(m, id(m, "n"), i, 1, &v, &err));
		}
		ck_assert_int_eq(mmsb_commit(m, NULL, &err), MMSB_FAULT);
		ck_assert_msg(strstr(err.message, message) != NULL, "'%s' is not in '%s'", message, err.message);
		ck_assert_uint_eq(err.index[0], index);
		mmsb_instance_free(m);
	}
}

START_TEST(faults)
{
	expect_fault("param N;\npage n : i64[N] in;\npage y : i64[N] out;\nedge y[i] <- 100 / n[i];\n",
	             "test.mmsb:4: y[1234]: division by zero", 1234);
	expect_fault("param N;\npage n : i64[N] in;\npage y : i64[N] out;\nedge y[i] <- sum[j where n[j] >= 0 && j > i] (7 % n[j]);\n",
	             "test.mmsb:4: y[0]: division by zero", 0);
	expect_fault("param N;\npage n : i64[N] in;\npage y : i64[N] out;\nedge y[i] <- sum[j where j <= i] (7 / n[j]);\n",
	             "test.mmsb:4: y[1234]: division by zero", 1234);
	expect_fault("param N;\npage n : i64[N] in;\npage y : i64[N] out;\nedge y[i] <- n[index(N)(n[i] * 2 - 2)];\n",
	             "test.mmsb:4: y[1234]: index -2 is out of range 0..4999", 1234);
	expect_fault("param N;\npage n : i64[N] in;\npage y : i64[N] out;\nedge y[i] <- n[index(N)(n[i])];\n",
	             "test.mmsb:4: y[4999]: index 5000 is out of range 0..4999", 4999);
}
END_TEST

/* Where it does not count: on the side that does not decide, or in a lane that is not present. */
START_TEST(no_faults)
{
	static const char *const names[] = {"N", NULL};
	static const double values[] = {700};
	mmsb_instance *m = instance_of("param N;\npage n : i64[N] in;\npage y : i64[N] out;\npage z : i64[N] out;\npage s : i64 out;\n"
	                               "edge y[i] <- if n[i] != 0 then 100 / n[i] else -1;\n"
	                               "edge z[i] <- if n[i] != 0 && 10 % n[i] == 1 then 1 else 0;\n"
	                               "edge s <- sum[i where n[i] != 0] (60 / n[i]);\n", 1);
	sizes(m, names, values);
	for (uint64_t i = 0; i < 700; i++) {
		int64_t v = (int64_t)(i % 4);
		ok(mmsb_write(m, id(m, "n"), i, 1, &v, &err));
	}
	ok(mmsb_commit(m, NULL, &err));
	const int64_t *y = mmsb_data(m, id(m, "y")), *s = mmsb_data(m, id(m, "s"));
	ck_assert_int_eq(y[0], -1);
	ck_assert_int_eq(y[3], 33);
	ck_assert_int_eq(*s, 175 * (60 + 30 + 20));
	mmsb_instance_free(m);
}
END_TEST

START_TEST(guards)
{
	static const char *const names[] = {"N", NULL};
	static const double values[] = {10};
	mmsb_instance *m = instance_of("param N;\npage W : sparse f64[N, N] in;\npage x : f64[N] in;\npage d : f64[N] out;\n"
	                               "edge d[v] <- fix min(x[v], min[u] (d[u] + W[u, v]));\n", 2);
	sizes(m, names, values);
	uint64_t row = 3, col = 5;
	double w = -1.5;
	ok(mmsb_insert(m, id(m, "W"), 1, &row, &col, &w, &err));
	ck_assert_int_eq(mmsb_commit(m, NULL, &err), MMSB_FAULT);
	ck_assert_msg(strstr(err.message, "W[3, 5] = -1.5 must be >= 0") != NULL, "%s", err.message);
	ck_assert_int_eq(err.page, id(m, "W"));
	ck_assert_uint_eq(err.index[0], 3);
	ck_assert_uint_eq(err.index[1], 5);
	mmsb_instance_free(m);
}
END_TEST

/* ---- fixpoints --------------------------------------------------------------------------------- */

enum { NODES = 600 };
static double weight[NODES][NODES], distance[NODES];

static void shortest_paths(void)
{
	bool again = true;
	for (int v = 0; v < NODES; v++)
		distance[v] = v == 0 ? 0 : INFINITY;
	while (again) {
		again = false;
		for (int u = 0; u < NODES; u++)
			for (int v = 0; v < NODES; v++)
				if (weight[u][v] >= 0 && distance[u] + weight[u][v] < distance[v]) {
					distance[v] = distance[u] + weight[u][v];
					again = true;
				}
	}
}

START_TEST(exact)
{
	static const char *const names[] = {"N", NULL};
	static const double values[] = {NODES};
	mmsb_instance *m = instance_of("param N;\npage W : sparse f64[N, N] in;\npage x : f64[N] in;\npage d : f64[N] out;\npage r : bool[N] out;\n"
	                               "edge d[v] <- fix min(x[v], min[u] (d[u] + W[u, v]));\n"
	                               "edge r[v] <- fix (v == 0 || (any[u where W[u, v] > 2.0] r[u]));\n", _i);
	setenv("MMSB_GRAIN", "10", 1);
	sizes(m, names, values);
	for (uint64_t u = 0; u < NODES; u++) {
		double far = u == 0 ? 0 : INFINITY;
		ok(mmsb_write(m, id(m, "x"), u, 1, &far, &err));
		for (uint64_t v = 0; v < NODES; v++)
			weight[u][v] = -1;
		for (uint64_t k = 0; k < 3; k++) { /* a chain, and some random edges near it */
			uint64_t v = k == 0 ? (u + 1) % NODES : (u + 2 + random_at(u, k) % 9) % NODES;
			weight[u][v] = k == 0 ? 3 : mmsb_rand_unit_u64(random_at(u, 10 + k)) * 20;
			ok(mmsb_insert(m, id(m, "W"), 1, &u, &v, &weight[u][v], &err));
		}
	}
	ok(mmsb_commit(m, NULL, &err));
	shortest_paths();
	ck_assert_mem_eq(mmsb_data(m, id(m, "d")), distance, sizeof distance);
	const uint8_t *r = mmsb_data(m, id(m, "r"));
	for (int v = 0; v < NODES; v++)
		ck_assert_int_eq(r[v], 1);
	mmsb_instance_free(m);
}
END_TEST

START_TEST(rounds)
{
	static const char *const names[] = {"N", NULL};
	static const double values[] = {20};
	double h;
	mmsb_instance *m = instance_of("param N;\npage a : f64[N] in;\npage b : f64[N] out;\npage h : f64 out;\npage k : f64 out;\n"
	                               "edge b[i] <- fix(max = 25) max(a[i], zero(b)[i - 1] - 1.0);\n"
	                               "edge h <- fix(tol = 0.01, max = 100) 0.5 * h + 1.0;\n"
	                               "edge k <- fix(tol = 0.0, max = 3) k + 1.0;\n", 1);
	sizes(m, names, values);
	double ten = 10;
	ok(mmsb_write(m, id(m, "a"), 0, 1, &ten, &err));
	ok(mmsb_commit(m, NULL, &err));
	ck_assert_double_eq(((const double *)mmsb_data(m, id(m, "b")))[4], 6);
	memcpy(&h, mmsb_data(m, id(m, "h")), sizeof h);
	ck_assert_double_eq(h, 1.9921875); /* the first that moves by 1/128, no more than a hundredth */
	ck_assert_double_eq(*(const double *)mmsb_data(m, id(m, "k")), 3);
	mmsb_instance_free(m);

	m = instance_of("param N;\npage a : f64[N] in;\npage b : f64[N] out;\nedge b[i] <- fix(max = 5) max(a[i], zero(b)[i - 1] - 1.0);\n", 1);
	sizes(m, names, values);
	ok(mmsb_write(m, id(m, "a"), 0, 1, &ten, &err));
	ck_assert_int_eq(mmsb_commit(m, NULL, &err), MMSB_FAULT);
	ck_assert_msg(strstr(err.message, "b: the fixpoint did not settle in 5 rounds") != NULL, "%s", err.message);
	mmsb_instance_free(m);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("executor");
	TCase *t = tcase_create("executor");
	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, same_bits, 0, 36);
	tcase_add_test(t, environment);
	tcase_add_test(t, faults);
	tcase_add_test(t, no_faults);
	tcase_add_test(t, guards);
	tcase_add_loop_test(t, exact, 1, 4);
	tcase_add_test(t, rounds);
	suite_add_tcase(s, t);
	return unit_run(s);
}
