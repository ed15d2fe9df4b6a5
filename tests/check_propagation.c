/* check_propagation.c - what an epoch costs, without a clock: how many elements each pass evaluates after a delta, against how
 * many the delta reaches by the rules of the language. Beside every instance that propagates stands one that evaluates
 * everything; after every epoch both must have the same digest. */
#include "io_instance.h"
#include "unit.h"

enum { PROPAGATED, SCRATCH, BOTH };

static mmsb_instance *both[BOTH];
static mmsb_error err;
static uint64_t evaluated_before[256];

/* ---- instances --------------------------------------------------------------------------- */

static int id_of(const char *page)
{
	int id = mmsb_page(both[PROPAGATED], page);
	ck_assert_msg(id >= 0, "there is no page '%s'", page);
	return id;
}

/* text: the program; sizes: "N=100 M=3". */
static void start(const char *text, const char *sizes)
{
	mmsb_schedule *compiled = io_schedule(text);
	ck_assert_ptr_nonnull(compiled);
	for (int k = 0; k < BOTH; k++) {
		mmsb_options options = {.size = sizeof options, .threads = 1, .scratch = k == SCRATCH};
		ck_assert_int_eq(mmsb_instance_new(&both[k], compiled, &options, &err), MMSB_OK);
		char name[20];
		double value;
		int used;
		for (const char *at = sizes; sscanf(at, " %19[A-Z]=%lf%n", name, &value, &used) == 2; at += used)
			ck_assert_msg(mmsb_set_param(both[k], name, value, &err) == MMSB_OK, "%s", err.message);
		ck_assert_msg(mmsb_bind(both[k], &err) == MMSB_OK, "%s", err.message);
	}
	mmsb_schedule_close(compiled);
}

static void stop(void)
{
	for (int k = 0; k < BOTH; k++) {
		mmsb_instance_free(both[k]);
		both[k] = NULL;
	}
}

static const mmsb_pass_stats *stats_of(const char *page)
{
	mmsb_stats stats;
	mmsb_stats_get(both[PROPAGATED], &stats);
	for (unsigned i = 0; i < stats.n_passes; i++)
		if (strcmp(stats.passes[i].name, page) == 0)
			return &stats.passes[i];
	ck_abort_msg("no pass evaluates '%s'", page);
}

static void note_stats(void)
{
	mmsb_stats stats;
	mmsb_stats_get(both[PROPAGATED], &stats);
	for (unsigned i = 0; i < stats.n_passes && i < 256; i++)
		evaluated_before[i] = stats.passes[i].evaluated;
}

static void same_digests(int line)
{
	char hex[BOTH][33];
	for (int k = 0; k < BOTH; k++)
		ck_assert_int_eq(mmsb_digest(both[k], hex[k], &err), MMSB_OK);
	ck_assert_msg(strcmp(hex[PROPAGATED], hex[SCRATCH]) == 0, "line %d: not what evaluating everything gives", line);
}

/* One epoch. digest: compare (which looks at @lazy pages). */
static void commit_at(int line, bool digest)
{
	note_stats();
	for (int k = 0; k < BOTH; k++)
		ck_assert_msg(mmsb_commit(both[k], NULL, &err) == MMSB_OK, "line %d: %s", line, err.message);
	if (digest)
		same_digests(line);
}
#define COMMIT() commit_at(__LINE__, true)

static uint64_t evaluated(const char *page)
{
	mmsb_stats stats;
	mmsb_stats_get(both[PROPAGATED], &stats);
	const mmsb_pass_stats *s = stats_of(page);
	return s->evaluated - evaluated_before[s - stats.passes];
}

/* The last commit evaluated so many elements of the page. */
#define COST(page, n)                                                                                                          \
	ck_assert_msg(evaluated(page) == (uint64_t)(n), "%s: %llu elements are evaluated, not %llu", page,                     \
	              (unsigned long long)evaluated(page), (unsigned long long)(n))
/* Elements that lie side by side are evaluated in words of 64: those at the ends of a run may be whole. */
#define COST_OF_RUN(page, n)                                                                                                   \
	ck_assert_msg(evaluated(page) >= (uint64_t)(n) && evaluated(page) <= (uint64_t)(n) + 126, "%s: %llu elements are evaluated, not %llu and what shares their words", \
	              page, (unsigned long long)evaluated(page), (unsigned long long)(n))
#define COST_AT_MOST(page, n)                                                                                                  \
	ck_assert_msg(evaluated(page) <= (uint64_t)(n), "%s: %llu elements are evaluated, more than %llu", page,               \
	              (unsigned long long)evaluated(page), (unsigned long long)(n))

static void value_of(const mmsb_info *info, double value, void *to)
{
	switch (info->type) {
	case MMSB_F64: memcpy(to, &value, 8); break;
	case MMSB_F32: memcpy(to, &(float){(float)value}, 4); break;
	case MMSB_BOOL: memcpy(to, &(uint8_t){value != 0}, 1); break;
	case MMSB_U32: memcpy(to, &(uint32_t){(uint32_t)value}, 4); break;
	case MMSB_I64: memcpy(to, &(int64_t){(int64_t)value}, 8); break;
	default: memcpy(to, &(int32_t){(int32_t)value}, 4); break;
	}
}

static void set(const char *page, uint64_t at, double value)
{
	mmsb_info info;
	uint8_t bytes[8];
	ck_assert_int_eq(mmsb_page_info(both[0], id_of(page), &info), MMSB_OK);
	value_of(&info, value, bytes);
	for (int k = 0; k < BOTH; k++)
		ck_assert_msg(mmsb_scatter(both[k], id_of(page), 1, &at, bytes, &err) == MMSB_OK, "%s", err.message);
}

static void set_field(const char *page, unsigned field, uint64_t at, double value)
{
	for (int k = 0; k < BOTH; k++)
		ck_assert_msg(mmsb_scatter_field(both[k], id_of(page), field, 1, &at, &value, &err) == MMSB_OK, "%s", err.message);
}

static void insert(const char *page, uint64_t row, uint64_t col, double value)
{
	mmsb_info info;
	uint8_t bytes[8];
	ck_assert_int_eq(mmsb_page_info(both[0], id_of(page), &info), MMSB_OK);
	value_of(&info, value, bytes);
	for (int k = 0; k < BOTH; k++)
		ck_assert_msg(mmsb_insert(both[k], id_of(page), 1, &row, &col, info.type == MMSB_BOOL ? NULL : bytes, &err) == MMSB_OK, "%s",
		              err.message);
}

static void erase(const char *page, uint64_t row, uint64_t col)
{
	for (int k = 0; k < BOTH; k++)
		ck_assert_int_eq(mmsb_erase(both[k], id_of(page), 1, &row, &col, &err), MMSB_OK);
}

/* Element i becomes first + i % every. */
static void fill(const char *page, double first, uint64_t every)
{
	mmsb_info info;
	ck_assert_int_eq(mmsb_page_info(both[0], id_of(page), &info), MMSB_OK);
	for (uint64_t i = 0; i < info.count; i++)
		set(page, i, first + (double)(i % every));
}

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
	ck_assert_uint_ge(evaluated("b"), 3000); /* in whole rounds */
	COMMIT();
	COST("h", 0);
	COST("b", 0);
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
