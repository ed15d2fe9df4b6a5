/* check_propagation.c - what an epoch costs in dense pages and in reductions over them. */
#include "cost.h"

/* ---- element by element --------------------------------------------------------------------- */

START_TEST(only_real_changes_go_on)
{
	start("param N;\npage x : f64[N] in;\npage a : f64[N] out;\npage b : f64[N] out;\npage c : f64[N] out;\n"
	      "edge a[i] <- floor(x[i]);\nedge b[i] <- a[i] * 2.0;\nedge c[i] <- b[i] + a[i];\n", "N=10000");
	fill("x", 0.5, 100);
	COMMIT();
	COST("a", 10000);
	set("x", 5000, 7.25);
	COMMIT();
	COST("a", 1);
	COST("b", 1);
	COST("c", 1);
	set("x", 5000, 7.75); /* comes out the same */
	COMMIT();
	COST("a", 1);
	COST("b", 0);
	COST("c", 0);
	set("x", 5000, 7.75); /* is there already */
	COMMIT();
	COST("a", 0);
	set("x", 5000, 9.0); /* and back */
	set("x", 5000, 7.75);
	COMMIT();
	COST("a", 0);
	COMMIT(); /* a tick */
	COST("a", 0);
	COST("c", 0);
	set("x", 0, 3.0);
	set("x", 63, 3.5);
	set("x", 64, 99.5);
	set("x", 9999, 98.5);
	COMMIT();
	COST("a", 4);
	COST("b", 4);
	stop();
}
END_TEST

START_TEST(a_chain_of_scalars)
{
	char text[20000] = "page x : f64 in;\n", *end = text + strlen(text);
	for (int i = 0; i < 200; i++)
		end += sprintf(end, "page d%d : f64 out;\nedge d%d <- d%d + 1.0;\n", i, i, i - 1);
	memcpy(strstr(text, "d-1"), "x  ", 3);
	start(text, "");
	COMMIT();
	set("x", 0, 5);
	COMMIT();
	for (int i = 0; i < 200; i++) {
		char name[20];
		sprintf(name, "d%d", i);
		COST(name, 1);
	}
	stop();
}
END_TEST

START_TEST(broadcasts_and_permutations)
{
	start("param N, M;\npage x : f64[N] in;\npage z : f64[M] in;\npage a : f64[N, M] in;\npage s : f64[N, N] in;\n"
	      "page p : f64[N, M] out;\npage t : f64[M, N] out;\npage d : f64[N] out;\npage q : f64[N, M] out;\npage g : f64 in;\n"
	      "edge p[i, j] <- x[i] * z[j];\nedge t[j, i] <- a[i, j];\nedge d[i] <- s[i, i];\nedge q[i, j] <- a[i, j] + g;\n",
	      "N=300 M=40");
	fill("x", 1, 50);
	fill("z", 1, 50);
	fill("a", 1, 77);
	fill("s", 1, 77);
	COMMIT();
	set("x", 17, -4);
	COMMIT();
	COST_OF_RUN("p", 40);
	COST("t", 0);
	set("z", 39, -4);
	COMMIT();
	COST("p", 300);
	set("x", 0, -5);
	set("z", 0, -5);
	COMMIT();
	COST_AT_MOST("p", 300 + 40 + 126);
	set("a", 40 * 299 + 7, -5);
	COMMIT();
	COST("t", 1);
	COST("q", 1);
	set("s", 300 * 20 + 20, -1);
	COMMIT();
	COST("d", 1);
	set("s", 300 * 20 + 21, -1);
	COMMIT();
	COST_AT_MOST("d", 1); /* not on the diagonal */
	set("g", 0, 4);
	COMMIT();
	COST("q", 300 * 40);
	stop();
}
END_TEST

/* ---- views ------------------------------------------------------------------------------------ */

START_TEST(stencils_under_each_view)
{
	static const struct {
		const char *view, *tail;
		int at_0, at_1, at_end; /* readers of the first, the second and the last element */
	} views[] = {{"clamp", "", 2, 3, 2}, {"wrap", "", 3, 3, 3}, {"mirror", "", 2, 3, 2}, {"zero", "", 2, 3, 2}, {"pad", ", 2.5", 2, 3, 2}};
	for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
		char text[600], v[40];
		sprintf(v, "%s(x%s)", views[i].view, views[i].tail);
		sprintf(text, "param N;\npage x : f64[N] in;\npage y : f64[N] out;\nedge y[i] <- %s[i - 1] + 2.0 * x[i] - %s[i + 1];\n", v, v);
		start(text, "N=5000");
		fill("x", 1, 91);
		COMMIT();
		set("x", 2500, -7);
		COMMIT();
		COST("y", 3);
		set("x", 64, -7); /* the first of a word */
		set("x", 65, -7);
		COMMIT();
		COST("y", 4);
		set("x", 0, -7);
		COMMIT();
		COST("y", views[i].at_0);
		set("x", 1, -7);
		COMMIT();
		COST("y", views[i].at_1);
		set("x", 4999, -7);
		COMMIT();
		COST("y", views[i].at_end);
		stop();
	}
}
END_TEST

START_TEST(stencils_of_two_dimensions)
{
	start("param N, M;\npage a : f64[N, M] in;\npage y : f64[N, M] out;\npage w : f64[N, M] out;\n"
	      "edge y[i, j] <- clamp(a)[i - 1, j] + clamp(a)[i + 1, j] + clamp(a)[i, j - 1] + clamp(a)[i, j + 1];\n"
	      "edge w[i, j] <- wrap(a)[i - 1, j - 1] + wrap(a)[i + 1, j + 2];\n", "N=130 M=70");
	fill("a", 1, 83);
	COMMIT();
	set("a", 70 * 50 + 30, -1);
	COMMIT();
	COST("y", 4);
	COST("w", 2);
	set("a", 0, -1);
	COMMIT();
	COST("y", 3); /* itself twice over, and two neighbours */
	COST("w", 2);
	set("a", 70 * 129 + 69, -1);
	COMMIT();
	COST("y", 3);
	COST("w", 2);
	stop();
}
END_TEST

/* ---- through index pages ------------------------------------------------------------------------ */

START_TEST(gathers)
{
	start("param N, K;\npage price : f64[K] in;\npage inst : index(K)[N] in;\npage qty : f64[N] in;\npage h : index(N)[N] in;\n"
	      "page pnl : f64[N] out;\npage two : f64[N] out;\nedge pnl[i] <- price[inst[i]] * qty[i];\nedge two[i] <- price[inst[h[i]]];\n",
	      "N=6000 K=1000");
	fill("price", 1, 77);
	fill("inst", 0, 1000); /* 6 holders each */
	fill("qty", 1, 13);
	fill("h", 0, 3000);    /* 2 readers each of 0 .. 2999 */
	COMMIT();
	set("price", 77, -3);
	COMMIT();
	COST("pnl", 6);
	COST("two", 6); /* of 77, 1077 and 2077, read twice each */
	set("qty", 5, 100);
	COMMIT();
	COST("pnl", 1);
	COST("two", 0);
	set("inst", 77, 76); /* moves */
	COMMIT();
	COST("pnl", 1);
	COST("two", 2);
	set("price", 77, -4);
	COMMIT();
	COST("pnl", 5);
	set("price", 76, -4);
	COMMIT();
	COST("pnl", 7);
	set("h", 4000, 76);
	COMMIT();
	COST("two", 1);
	stop();
}
END_TEST

START_TEST(groups)
{
	start("param N, B;\npage x : f64[N] in;\npage book : index(B)[N] in;\npage by : f64[B] out;\npage most : f64[B] out;\n"
	      "page n : i64[B] out;\npage total : f64 out;\npage off : f64[N] out;\n"
	      "edge by[b] <- sum[i where book[i] == b] x[i];\nedge most[b] <- max[i where book[i] == b] x[i];\n"
	      "edge n[b] <- count[i where book[i] == b] (x[i] > 0.0);\nedge total <- sum[b] by[b];\nedge off[i] <- x[i] - by[book[i]];\n",
	      "N=8000 B=40");
	fill("x", 1, 97);
	fill("book", 0, 40); /* 200 each */
	COMMIT();
	set("x", 123, 1000);
	COMMIT();
	COST("by", 1);
	COST("most", 1);
	COST("n", 1);
	COST("total", 1);
	COST("off", 200);
	set("x", 123, 1001);
	set("x", 163, 1002); /* the same book */
	COMMIT();
	COST("by", 1);
	set("book", 123, 4); /* from 3 to 4 */
	COMMIT();
	COST("by", 2);
	COST("most", 2);
	COST("n", 2);
	COST("total", 1);
	COST("off", 400);
	set("book", 123, 4);
	COMMIT();
	COST("by", 0);
	set("x", 44, 500);
	set("x", 3, 500);
	set("x", 7999, 500);
	COMMIT();
	COST("by", 3);
	stop();
}
END_TEST

/* ---- reductions --------------------------------------------------------------------------------- */

START_TEST(reductions)
{
	start("param N, M;\npage x : f64[N] in;\npage a : f64[N, M] in;\npage z : f64[M] in;\npage s : f64 out;\npage m : f64 out;\n"
	      "page big : i64 out;\npage best : index(N) out;\npage rows : f64[N] out;\npage cols : f64[M] out;\npage prod1 : f64[N] out;\n"
	      "page some : f64 out;\nedge s <- sum[i] x[i];\nedge m <- mean[i] x[i];\nedge big <- count[i] (x[i] > 50.0);\n"
	      "edge best <- argmax[i] x[i];\nedge rows[i] <- sum[j] a[i, j];\nedge cols[j] <- max[i] a[i, j];\n"
	      "edge prod1[i] <- sum[j] a[i, j] * z[j];\nedge some <- sum[i where x[i] > 10.0] x[i];\n", "N=3000 M=20");
	fill("x", 1, 97);
	fill("a", 1, 89);
	fill("z", 1, 89);
	COMMIT();
	set("x", 2999, 45);
	COMMIT();
	COST("s", 1);
	COST("m", 1);
	COST("big", 1);
	COST("best", 1);
	COST("some", 1);
	COST("rows", 0);
	set("a", 20 * 1234 + 7, -9);
	COMMIT();
	COST("rows", 1);
	COST("cols", 1);
	COST("prod1", 1);
	COST("s", 0);
	set("z", 3, -9);
	COMMIT();
	COST("prod1", 3000);
	COST("rows", 0);
	stop();
}
END_TEST

START_TEST(prefixes_and_windows)
{
	start("param N;\npage x : f64[N] in;\npage upto : f64[N] out;\npage below : f64[N] out;\npage win : f64[N] out;\npage ahead : f64[N] out;\n"
	      "edge upto[i] <- sum[j where j <= i] x[j];\nedge below[i] <- sum[j where j < i] x[j];\n"
	      "edge win[i] <- max[k in 0..10] zero(x)[i - k];\nedge ahead[i] <- sum[k in 0..100] wrap(x)[i + k];\n", "N=4000");
	fill("x", 1, 97);
	COMMIT();
	set("x", 3990, 777);
	COMMIT();
	COST_OF_RUN("upto", 10);
	COST_OF_RUN("below", 9);
	COST_OF_RUN("win", 10);
	COST_OF_RUN("ahead", 100);
	set("x", 3999, 777);
	COMMIT();
	COST_OF_RUN("upto", 1);
	COST("below", 0);
	COST_OF_RUN("win", 1);
	COST_OF_RUN("ahead", 100);
	set("x", 0, 777);
	COMMIT();
	COST("upto", 4000);
	COST_OF_RUN("win", 10);
	COST_OF_RUN("ahead", 100);
	stop();
}
END_TEST

START_TEST(products_of_matrices)
{
	start("param N, M, K;\npage a : f64[N, K] in;\npage b : f64[K, M] in;\npage c : f64[N, M] out;\n"
	      "edge c[i, j] <- sum[k] a[i, k] * b[k, j];\n", "N=50 M=60 K=70");
	fill("a", 1, 97);
	fill("b", 1, 89);
	COMMIT();
	set("a", 70 * 20 + 3, -1);
	COMMIT();
	COST("c", 60);
	set("b", 60 * 20 + 3, -1);
	COMMIT();
	COST("c", 50);
	stop();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("propagation");
	TCase *t = tcase_create("cost");
	tcase_set_timeout(t, 120);
	tcase_add_test(t, only_real_changes_go_on);
	tcase_add_test(t, a_chain_of_scalars);
	tcase_add_test(t, broadcasts_and_permutations);
	tcase_add_test(t, stencils_under_each_view);
	tcase_add_test(t, stencils_of_two_dimensions);
	tcase_add_test(t, gathers);
	tcase_add_test(t, groups);
	tcase_add_test(t, reductions);
	tcase_add_test(t, prefixes_and_windows);
	tcase_add_test(t, products_of_matrices);
	suite_add_tcase(s, t);
	return unit_run(s);
}
