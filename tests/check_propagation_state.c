/* check_propagation_state.c - what an epoch costs in sparse pages, records, state, pages that wait, and fixpoints. */
#include "cost.h"

/* ---- sparse pages ------------------------------------------------------------------------------- */

START_TEST(sparse_rows_and_columns)
{
	start("param N, M;\npage W : sparse f64[N, M] in;\npage x : f64[N] in;\npage z : f64[M] in;\npage row : f64[N] out;\npage col : f64[M] out;\n"
	      "page y : f64[N] out;\npage L : sparse f64[N, M] out like W;\npage n : i64 out;\n"
	      "edge row[i] <- sum[j] W[i, j];\nedge col[j] <- max[i] W[i, j];\nedge y[i] <- sum[j] W[i, j] * z[j];\n"
	      "edge L[i, j] <- W[i, j] * x[i];\nedge n <- count[i, j] (W[i, j] > 0.0);\n", "N=400 M=300");
	fill("x", 1, 97);
	fill("z", 1, 89);
	for (uint64_t i = 0; i < 400; i++)
		for (uint64_t k = 0; k < 5; k++)
			insert("W", i, (i * 7 + k * 60) % 300, (double)(i + k + 1));
	COMMIT();
	COST("L", 2000);
	insert("W", 10, 70, 99); /* is there: 10 * 7 */
	COMMIT();
	COST("row", 1);
	COST("col", 1);
	COST("y", 1);
	COST("L", 1);
	COST("n", 1);
	insert("W", 10, 71, 98); /* new */
	COMMIT();
	COST("row", 1);
	COST("col", 1);
	COST("y", 1);
	COST("L", 1);
	erase("W", 10, 71);
	COMMIT();
	COST("row", 1);
	COST("col", 1);
	COST("y", 1);
	COST("L", 0);
	erase("W", 10, 71);
	insert("W", 10, 70, 99);
	COMMIT(); /* nothing of it changes anything */
	COST("row", 0);
	COST("L", 0);
	set("x", 10, -3);
	COMMIT();
	COST("L", 5);
	COST("row", 0);
	uint64_t readers = 0;
	for (uint64_t i = 0; i < 400; i++)
		for (uint64_t k = 0; k < 5; k++)
			readers += (i * 7 + k * 60) % 300 == 70;
	set("z", 70, -3);
	COMMIT();
	COST("y", readers);
	COST("L", 0);
	stop();
}
END_TEST

/* ---- time --------------------------------------------------------------------------------------- */

static const char *const life = "param R, C;\npage seed : bool[R, C] in;\npage cell : bool[R, C] out init seed;\n"
	"edge cell[i, j] <- (fn3(i64(wrap(prev cell)[i - 1, j - 1]) + i64(wrap(prev cell)[i - 1, j]) + i64(wrap(prev cell)[i - 1, j + 1])"
	" + i64(wrap(prev cell)[i, j - 1]) + i64(wrap(prev cell)[i, j + 1]) + i64(wrap(prev cell)[i + 1, j - 1])"
	" + i64(wrap(prev cell)[i + 1, j]) + i64(wrap(prev cell)[i + 1, j + 1]), prev cell[i, j]));\n"
	"fn fn3(n : i64, alive : bool) : bool = n == 3 || (alive && n == 2);\n";

/* What a glider costs over 40 ticks in a field of size n by n. */
static uint64_t glider(unsigned n)
{
	static const uint64_t cells[5][2] = {{1, 2}, {2, 3}, {3, 1}, {3, 2}, {3, 3}};
	char sizes[40];
	uint64_t sum = 0;
	sprintf(sizes, "R=%u C=%u", n, n);
	start(life, sizes);
	for (int i = 0; i < 5; i++)
		set("seed", cells[i][0] * n + cells[i][1], 1);
	COMMIT();
	COMMIT();
	for (int tick = 0; tick < 40; tick++) {
		COMMIT();
		COST_AT_MOST("cell", 8 * 9); /* a glider changes 4 cells in a tick, and those of the tick before are looked at */
		sum += evaluated("cell");
	}
	stop();
	return sum;
}

START_TEST(a_glider_costs_what_moves)
{
	uint64_t small = glider(64), large = glider(320);
	ck_assert_uint_eq(small, large);
	ck_assert_uint_gt(small, 0);
}
END_TEST

START_TEST(state)
{
	start("param N;\npage x : f64[N] in;\npage acc : f64[N] out;\npage last : f64[N] out;\npage d : f64[N] out;\npage hold : f64[N] out;\n"
	      "page on : bool[N] in;\nedge acc[i] <- prev acc[i] + x[i];\nedge last[i] <- prev x[i];\nedge d[i] <- x[i] - prev x[i];\n"
	      "edge hold[i] <- if on[i] then x[i] else prev hold[i];\n", "N=5000");
	COMMIT();
	COMMIT();
	COST("acc", 0);
	COST("d", 0);
	set("x", 40, 2);
	COMMIT();
	COST("acc", 1);
	COST("last", 0);
	COST("d", 1);
	COST("hold", 1);
	COMMIT();
	COST("acc", 1);
	COST("last", 1);
	COST("d", 1);
	COST("hold", 0);
	COMMIT();
	COST("acc", 1); /* goes on growing */
	COST("last", 0);
	COST("d", 0);
	set("on", 40, 1);
	COMMIT();
	COST("hold", 1);
	COMMIT();
	COST("hold", 1); /* what prev reads has changed */
	COMMIT();
	COST("hold", 0);
	stop();
}
END_TEST

/* ---- records, @lazy ----------------------------------------------------------------------------- */

START_TEST(records_by_field)
{
	static const char *const layouts[] = {"@soa", "@aos"};
	for (int k = 0; k < 2; k++) {
		char text[500];
		sprintf(text, "param N;\nrecord Quote { bid : f64; ask : f64; }\npage q : Quote[N] in %s;\npage b : f64[N] out;\npage a : f64[N] out;\n"
		              "page spread : f64 out;\nedge b[i] <- q[i].bid * 2.0;\nedge a[i] <- q[i].ask * 2.0;\n"
		              "edge spread <- sum[i] (q[i].ask - q[i].bid);\n", layouts[k]);
		start(text, "N=3000");
		COMMIT();
		set_field("q", 0, 1000, 5);
		COMMIT();
		COST("b", 1);
		COST("a", 0);
		COST("spread", 1);
		set_field("q", 1, 1000, 6);
		COMMIT();
		COST("b", 0);
		COST("a", 1);
		double whole[] = {5, 7}; /* as a whole, though one field alone changes */
		for (int r = 0; r < BOTH; r++)
			ck_assert_int_eq(mmsb_write(both[r], id_of("q"), 1000, 1, whole, &err), MMSB_OK);
		COMMIT();
		COST("b", 0);
		COST("a", 1);
		stop();
	}
}
END_TEST

START_TEST(lazy_pages_wait_until_they_are_read)
{
	start("param N;\npage x : f64[N] in;\npage y : f64[N] out @lazy;\npage s : f64 out @lazy;\npage z : f64[N] out;\n"
	      "edge y[i] <- x[i] * 3.0;\nedge s <- sum[i] y[i];\nedge z[i] <- x[i] + 1.0;\n", "N=2000");
	fill("x", 1, 97);
	commit_at(__LINE__, false);
	COST("y", 0);
	COST("s", 0);
	COST("z", 2000);
	ck_assert_ptr_nonnull(mmsb_data(both[0], id_of("y")));
	COST("y", 2000);
	COST("s", 0);
	set("x", 7, -1);
	commit_at(__LINE__, false);
	COST("y", 0);
	set("x", 8, -1);
	commit_at(__LINE__, false);
	COST("y", 0);
	COST("z", 1);
	const double *y = mmsb_data(both[0], id_of("y"));
	ck_assert(y[7] == -3 && y[8] == -3 && y[9] == 30);
	COST("y", 2);
	COST("s", 0);
	const double *s = mmsb_data(both[0], id_of("s"));
	ck_assert(*s == *(const double *)mmsb_data(both[1], id_of("s")));
	COST("y", 2);
	COST("s", 1);
	same_digests(__LINE__);
	COST("s", 1); /* still */
	stop();
}
END_TEST

/* ---- fixpoints ---------------------------------------------------------------------------------- */

START_TEST(exact_fixpoints)
{
	start("param N;\npage W : sparse f64[N, N] in;\npage d : f64[N] out;\n"
	      "edge d[v] <- fix min(if v == 0 then 0.0 else inf, min[u] (d[u] + W[u, v]));\n", "N=1000");
	for (uint64_t i = 0; i + 1 < 1000; i++)
		insert("W", i, i + 1, 1);
	COMMIT();
	insert("W", 994, 995, 2); /* worse for 995 .. 999 */
	COMMIT();
	COST_AT_MOST("d", 5 * 6);
	insert("W", 994, 995, 0.5);
	COMMIT();
	COST_AT_MOST("d", 5 * 6);
	erase("W", 998, 999);
	COMMIT();
	COST_AT_MOST("d", 6);
	insert("W", 998, 999, 1);
	COMMIT();
	COST_AT_MOST("d", 6);
	insert("W", 900, 10, 5); /* no better than what is there */
	COMMIT();
	COST_AT_MOST("d", 3);
	COMMIT();
	COST("d", 0);
	stop();
}
END_TEST

START_TEST(numeric_and_bounded_fixpoints)
{
	start("param N;\npage x : f64[N] in;\npage h : f64[N] out;\npage b : f64[N] out;\n"
	      "edge h[i] <- fix(tol = 1e-3, max = 100) 0.25 * (clamp(h)[i - 1] + clamp(h)[i + 1]) + x[i];\n"
	      "edge b[i] <- fix(max = 50) min(x[i], clamp(b)[i - 1] + 1.0);\n", "N=3000");
	COMMIT();
	COMMIT();
	COST("h", 0);
	COST("b", 0);
	set("x", 1500, 1);
	COMMIT();
	COST_AT_MOST("h", 100 * 30); /* the wave is 1e-3 after ten elements or so */
	ck_assert_uint_gt(evaluated("h"), 0);
	COST_AT_MOST("b", 50 * 2); /* the element in each round, and who reads it where it came out differently */
	ck_assert_uint_gt(evaluated("b"), 0);
	COMMIT();
	COST("h", 0);
	COST("b", 0);
	stop();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("propagation of state");
	TCase *t = tcase_create("cost");
	tcase_set_timeout(t, 120);
	tcase_add_test(t, sparse_rows_and_columns);
	tcase_add_test(t, a_glider_costs_what_moves);
	tcase_add_test(t, state);
	tcase_add_test(t, records_by_field);
	tcase_add_test(t, lazy_pages_wait_until_they_are_read);
	tcase_add_test(t, exact_fixpoints);
	tcase_add_test(t, numeric_and_bounded_fixpoints);
	suite_add_tcase(s, t);
	return unit_run(s);
}
