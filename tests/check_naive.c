/* check_naive.c - the naive evaluator against figures computed by hand: who watches the watchman. */
#include <math.h>

#include "checked.h"
#include "naive.h"
#include "unit.h"

static checked program;
static naive *n;

/* Sizes by name and value, ended by NULL. */
static void start_with(const char *text, const char *name, int64_t value)
{
	scalar params[8] = {{0}};
	bool given[8] = {false};
	program = checked_new(text);
	char *messages = checked_messages(&program);
	ck_assert_msg(program.program != NULL, "%s", messages);
	free(messages);
	for (uint32_t i = 0; i < program.program->n_params; i++)
		if (name && strcmp(program.program->params[i]->name, name) == 0) {
			params[i].I64 = value;
			given[i] = true;
		}
	n = naive_new(program.program, params, given);
	ck_assert_ptr_nonnull(n);
}

static void start(const char *text)
{
	start_with(text, NULL, 0);
}

static void stop(void)
{
	naive_free(n);
	checked_free(&program);
}

static void set(const char *page, const double *values, size_t count)
{
	const p_page *p = checked_page(&program, page);
	for (size_t i = 0; i < count; i++) {
		scalar v = naive_convert((scalar){.F64 = values[i]}, T_F64, (type_id)p->type.scalar);
		naive_set(n, p->id, -1, i, &v);
	}
}
#define SET(page, ...)                                                \
	do {                                                          \
		const double values[] = {__VA_ARGS__};                \
		set(page, values, sizeof values / sizeof *values);    \
	} while (0)

static void entry(const char *page, uint64_t row, uint64_t col, double value)
{
	const p_page *p = checked_page(&program, page);
	scalar v = naive_convert((scalar){.F64 = value}, T_F64, (type_id)p->type.scalar);
	naive_entry(n, p->id, row, col, &v, false);
}

/* Bits, but for integers converted. */
static void expect(const char *page, const double *values, size_t count, int line)
{
	const p_page *p = checked_page(&program, page);
	const naive_page *at = &n->pages[p->id];
	ck_assert_uint_eq(at->now.n, count);
	for (size_t i = 0; i < count; i++) {
		scalar v = {0}, want = naive_canonical((scalar){.F64 = values[i]}, T_F64);
		memcpy(&v, at->now.data + i * at->bytes, at->bytes);
		v = naive_canonical(naive_convert(v, (type_id)p->type.scalar, T_F64), T_F64);
		ck_assert_msg(v.bits == want.bits, "line %d: %s[%zu] is %.17g, not %.17g", line, page, i, v.F64, want.F64);
	}
}
#define EXPECT(page, ...)                                                        \
	do {                                                                     \
		const double values[] = {__VA_ARGS__};                           \
		expect(page, values, sizeof values / sizeof *values, __LINE__);  \
	} while (0)

START_TEST(sums_are_trees)
{
	start("page x : f64[4] in; page y : f64[3] in; page z : f64[6] in;\n"
	      "page a : f64 out; page b : f64 out; page c : f64 out; page d : f64[4] out; page e : f64 out;\n"
	      "edge a <- sum[i] x[i];\nedge b <- sum[i] y[i];\n"
	      "edge c <- sum[i where z[i] > 0.0] z[i];\n"
	      "edge d[i] <- sum[j where j <= i] x[j];\n"
	      "edge e <- sum[i where x[i] > 1e300] x[i];\n");
	SET("x", 1e16, 1, -1e16, 1);
	SET("y", 1e16, 1, 1);
	SET("z", -1, 1, 1, 1e16, -1, -1);
	ck_assert(naive_commit(n));
	EXPECT("a", 0);                       /* (1e16 + 1) + (-1e16 + 1) */
	EXPECT("b", 1e16);                    /* (1e16 + 1) + 1 */
	EXPECT("c", 1e16 + 2);                /* by rank: (1 + 1) + 1e16 */
	EXPECT("d", 1e16, 1e16, 0, 0);
	EXPECT("e", 0);
	stop();
}
END_TEST

START_TEST(several_indices_nest)
{
	start("page x : f64[2, 2] in; page a : f64 out; page b : f64 out; page m : f64 out;\n"
	      "edge a <- sum[i, j] x[i, j];\nedge b <- sum[j, i] x[i, j];\nedge m <- mean[i, j] x[i, j];\n");
	SET("x", 1e16, 1, -1e16, 1);
	ck_assert(naive_commit(n));
	EXPECT("a", 0);  /* (1e16 + 1) + (-1e16 + 1) */
	EXPECT("b", 2);  /* (1e16 - 1e16) + (1 + 1) */
	EXPECT("m", 0);
	stop();
}
END_TEST

START_TEST(empty_reductions)
{
	start("page x : f64[3] in; page k : i32[3] in;\n"
	      "page s : f64 out; page p : f64 out; page lo : f64 out; page hi : f64 out; page a : bool out; page o : bool out;\n"
	      "page m : f64 out; page c : i64 out; page i : i64 out; page z : f64 out;\n"
	      "edge s <- sum[j where x[j] > 9.0] x[j];\nedge p <- prod[j where x[j] > 9.0] x[j];\n"
	      "edge lo <- min[j where x[j] > 9.0] x[j];\nedge hi <- max[j where x[j] > 9.0] x[j];\n"
	      "edge a <- all[j where x[j] > 9.0] (x[j] > 10.0);\nedge o <- any[j] (x[j] > 10.0);\n"
	      "edge m <- mean[j where x[j] > 9.0] x[j];\nedge c <- count[j] (x[j] > 1.5);\n"
	      "edge i <- min[j where x[j] > 9.0] i64(k[j]);\nedge z <- sum[j where x[j] == 1.0] -(x[j] - x[j]) * x[j];\n");
	SET("x", 1, 2, 3);
	ck_assert(naive_commit(n));
	EXPECT("s", 0.0);
	EXPECT("p", 1);
	EXPECT("lo", INFINITY);
	EXPECT("hi", -INFINITY);
	EXPECT("a", 1);
	EXPECT("o", 0);
	EXPECT("m", NAN);
	EXPECT("c", 2);
	EXPECT("i", 9223372036854775807.0);
	EXPECT("z", -0.0); /* the sum of {-0} is -0 */
	stop();
}
END_TEST

START_TEST(integers)
{
	start("page a : i32 in; page b : i32 in; page s : i8 in; page u : u8 in; page f : f64 in;\n"
	      "page q : i32 out; page r : i32 out; page w : i8 out; page sh : i8 out; page neg : u8 out; page ar : i8 out;\n"
	      "page t1 : i32 out; page t2 : u8 out; page t3 : i32 out; page pop : i64 out; page ab : i8 out;\n"
	      "edge q <- a / b;\nedge r <- a % b;\nedge w <- s + 1;\nedge sh <- s << i8(9);\nedge neg <- -u;\n"
	      "edge ar <- i8(-128) >> i8(1);\nedge t1 <- i32(f * 1e30);\nedge t2 <- u8(-f);\nedge t3 <- i32(f / f - 0.0 / (f - f));\n"
	      "edge pop <- popcount(a);\nedge ab <- abs(i8(-127) - 1);\n");
	SET("a", -7);
	SET("b", 2);
	SET("s", 127);
	SET("u", 1);
	SET("f", 3.75);
	ck_assert(naive_commit(n));
	EXPECT("q", -3);
	EXPECT("r", -1);
	EXPECT("w", -128);
	EXPECT("sh", -2); /* 127 << 1 */
	EXPECT("neg", 255);
	EXPECT("ar", -64);
	EXPECT("t1", 2147483647);
	EXPECT("t2", 0);
	EXPECT("t3", 0);
	EXPECT("pop", 30); /* 0xfffffff9 */
	EXPECT("ab", -128);
	SET("b", 0);
	ck_assert(!naive_commit(n)); /* and nothing has changed */
	ck_assert(!n->broken);
	EXPECT("q", -3);
	EXPECT("b", 2);
	stop();
}
END_TEST

START_TEST(floats)
{
	start("page x : f64[4] in; page lo : f64 out; page hi : f64 out; page first : index(4) out; page best : index(4) out;\n"
	      "page r : f64[4] out; page md : f64 out; page fine : f64 out;\n"
	      "edge lo <- min(x[0], x[1]);\nedge hi <- max(x[1], x[0]);\nedge first <- argmin[i] x[i];\n"
	      "edge best <- argmax[i where !is_nan(x[i])] x[i];\nedge r[i] <- round(x[i]);\nedge md <- (x[3] - 6.0) % 2.0;\n"
	      "edge fine <- if x[0] == 0.0 then 1.0 else f64(7 / i64(x[0]));\n");
	SET("x", 0.0, -0.0, NAN, 2.5);
	ck_assert(naive_commit(n));
	EXPECT("lo", -0.0);
	EXPECT("hi", 0.0);
	EXPECT("first", 2);
	EXPECT("best", 3);
	EXPECT("r", 0.0, -0.0, NAN, 3);
	EXPECT("md", -1.5);
	EXPECT("fine", 1);
	stop();
}
END_TEST

START_TEST(views)
{
	start("page x : f64[3] in; page c : f64[7] out; page w : f64[7] out; page m : f64[7] out; page z : f64[7] out;\n"
	      "page p : f64[7] out;\n"
	      "edge c[i] <- clamp(x)[i - 3];\nedge w[i] <- wrap(x)[i - 3];\nedge m[i] <- mirror(x)[i - 3];\n"
	      "edge z[i] <- zero(x)[i - 3];\nedge p[i] <- pad(x, 9.0)[i - 3];\n");
	SET("x", 1, 2, 3);
	ck_assert(naive_commit(n));
	EXPECT("c", 1, 1, 1, 1, 2, 3, 3);
	EXPECT("w", 1, 2, 3, 1, 2, 3, 1);
	EXPECT("m", 2, 3, 2, 1, 2, 3, 2);
	EXPECT("z", 0, 0, 0, 1, 2, 3, 0);
	EXPECT("p", 9, 9, 9, 1, 2, 3, 9);
	stop();
}
END_TEST

START_TEST(groups_and_gathers)
{
	start_with("param K; page key : index(K)[5] in; page v : f64[5] in; page by : f64[K] out; page back : f64[5] out;\n"
	           "edge by[k] <- sum[i where key[i] == k] v[i];\nedge back[i] <- by[key[i]];\n", "K", 3);
	SET("key", 0, 2, 0, 2, 2);
	SET("v", 1, 2, 3, 4, 5);
	ck_assert(naive_commit(n));
	EXPECT("by", 4, 0, 11);
	EXPECT("back", 4, 11, 4, 11, 11);
	stop();
}
END_TEST

START_TEST(time)
{
	start("page x : f64 in; page n : i64 out init 10; page was : f64 out; page s : f64 in init 2.5;\n"
	      "edge n <- prev n + 1;\nedge was <- prev x + s;\n");
	SET("x", 7);
	ck_assert(naive_commit(n));
	EXPECT("n", 11);
	EXPECT("was", 2.5);
	ck_assert(naive_commit(n));
	EXPECT("n", 12);
	EXPECT("was", 9.5);
	stop();
}
END_TEST

START_TEST(sparse_pages)
{
	start_with("param N; page W : sparse f64[N, N] in; page V : sparse f64[N, N] out like W; page x : f64[N] in;\n"
	           "page row : f64[N] out; page col : f64[N] out; page total : f64 out; page n : i64 out;\n"
	           "edge V[i, j] <- W[i, j] * 10.0 + f64(i);\nedge row[i] <- sum[j] W[i, j] * x[j];\n"
	           "edge col[j] <- max[i] W[i, j];\nedge total <- sum[i, j] V[i, j];\nedge n <- count[i, j] (W[i, j] > 0.0);\n", "N", 3);
	SET("x", 1, 10, 100);
	entry("W", 0, 1, 2);
	entry("W", 2, 0, 3);
	entry("W", 2, 2, -1);
	ck_assert(naive_commit(n));
	EXPECT("row", 20, 0, -97);
	EXPECT("col", 3, 2, -1);
	EXPECT("V", 20, 32, -8);
	EXPECT("total", 44);
	EXPECT("n", 2);
	naive_entry(n, checked_page(&program, "W")->id, 2, 2, NULL, true);
	naive_entry(n, checked_page(&program, "W")->id, 1, 1, NULL, true); /* was not there */
	ck_assert(naive_commit(n));
	EXPECT("col", 3, 2, -INFINITY);
	EXPECT("V", 20, 32);
	stop();
}
END_TEST

START_TEST(fixpoints)
{
	start("page W : sparse f64[4, 4] in; page d : f64[4] out; page h : i8[4] out; page b : f64 out init 9; page t : f64 out;\n"
	      "edge d[v] <- fix min(if v == 0 then 0.0 else inf, min[u] (d[u] + W[u, v]));\n"
	      "edge h[v] <- fix min(if v == 0 then i8(120) else i8(127), min[u in 0..4] (h[u] + i8(3)));\n"
	      "edge b <- fix(max = 4) min(b, 3.0) - (if b > 3.0 then 0.0 else 1.0) * 0.0;\n"
	      "edge t <- fix(tol = 0.5, max = 9) 0.5 * t + d[3];\n");
	entry("W", 0, 1, 5);
	entry("W", 0, 2, 1);
	entry("W", 2, 1, 2);
	entry("W", 1, 3, 1);
	entry("W", 3, 0, 0);
	ck_assert(naive_commit(n));
	EXPECT("d", 0, 3, 1, 4);
	EXPECT("h", 120, 123, 123, 123);
	EXPECT("b", 3);
	EXPECT("t", 7.5); /* 4, 6, 7, 7.5: a move of 0.5 is settled */
	entry("W", 2, 1, -1);
	ck_assert(!naive_commit(n)); /* a weight below 0 */
	EXPECT("d", 0, 3, 1, 4);
	stop();
}
END_TEST

START_TEST(unsettled)
{
	start("page x : f64 in; page c : f64 out; page t : f64 out;\n"
	      "edge c <- fix(max = 5) c + x;\nedge t <- fix(tol = 0.1, max = 2) t + x;\n");
	SET("x", 0);
	ck_assert(naive_commit(n));
	EXPECT("t", 0);
	SET("x", 1);
	ck_assert(!naive_commit(n)); /* c never settles */
	EXPECT("c", 0);
	stop();
	start("page x : f64 in; page t : f64 out init 1.0;\nedge t <- fix(tol = 0.1, max = 2) t + x;\n");
	SET("x", 1);
	ck_assert(naive_commit(n));
	EXPECT("t", 3);
	ck_assert(naive_commit(n)); /* no input changed */
	EXPECT("t", 3);
	SET("x", 2);
	ck_assert(naive_commit(n));
	EXPECT("t", 7);
	stop();
}
END_TEST

START_TEST(random_numbers)
{
	/* Known answers of Philox4x32-10, from the paper's test vectors: all zeros, all ones. */
	bool failed = false;
	scalar zero[3] = {{0}, {0}, {0}}, ones[3] = {{.U64 = UINT64_MAX}, {.U64 = UINT64_MAX}, {.U64 = UINT64_MAX}};
	ck_assert_uint_eq(naive_op(OP_RAND_STEP, T_U64, zero, &failed).U64, UINT64_C(0xe169c58d6627e8d5));
	ck_assert_uint_eq(naive_op(OP_RAND_STEP, T_U64, ones, &failed).U64, UINT64_C(0x41c83b0e408f276d));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("naive");
	TCase *c = tcase_create("by hand");
	tcase_add_test(c, sums_are_trees);
	tcase_add_test(c, several_indices_nest);
	tcase_add_test(c, empty_reductions);
	tcase_add_test(c, integers);
	tcase_add_test(c, floats);
	tcase_add_test(c, views);
	tcase_add_test(c, groups_and_gathers);
	tcase_add_test(c, time);
	tcase_add_test(c, sparse_pages);
	tcase_add_test(c, fixpoints);
	tcase_add_test(c, unsettled);
	tcase_add_test(c, random_numbers);
	suite_add_tcase(s, c);
	return unit_run(s);
}
