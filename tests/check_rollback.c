/* check_rollback.c - an epoch that fails changes nothing: programs with state, sparse pages, groups and fixpoints, in which one
 * pass fails, of every kind and in every position of the order of passes. Two instances see the same epochs, but for those
 * that fail, which only one sees: after each failure and after each epoch that follows, all bits of all pages are the same. */
#include "io_instance.h"
#include "unit.h"

enum { SEES_FAILURES, CONTROL, BOTH, POSITIONS = 8, SIZE = 150, BOOKS = 6 };

/* How a pass fails: its edge, whose %s is the page before, and the source that makes it fail. */
typedef struct failing {
	const char *edge, *source;
	double good, bad;
} failing;

static const failing kinds[] = {
	{"edge f[i] <- %s[i] + f64(6 / den);\n", "den", 1, 0},
	{"edge f[i] <- %s[index(N)(den - 1)] + x[i];\n", "den", 1, 0},
	{"edge f[i] <- %s[i] + (sum[n in 0..N where n <= i] f64(den %% den) * x[n]);\n", "den", 1, 0},
	{"edge f[i] <- fix min(if i == 0 then 0.0 else inf, clamp(f)[i - 1] + (weight + 0.0 * abs(%s[i])));\n", "weight", 2, -1},
	{"edge f[i] <- fix(max = 4) min(x[i], f[i] + weight) + 0.0 * %s[i];\n", "weight", 0, -1},
	{"edge f[i] <- %s[i] + f64(i64(x[i]) / den);\n", "den", 3, 0},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const char *const before_after[] = {
	/* %s: the page before */
	"edge d0[i] <- prev d0[i] + %s[i];\n",
	"edge d1[i] <- %s[i] - by[book[i]];\nedge by[b] <- sum[i where book[i] == b] x[i];\n",
	"edge d2[i] <- (sum[j] L[i, j]) + %s[i];\nedge L[i, j] <- W[i, j] * x[j] + prev L[i, j];\n",
	"edge d3[i] <- fix(tol = 1e-2, max = 3) 0.25 * (wrap(d3)[i - 1] + wrap(d3)[i + 1]) + %s[i];\n",
	"edge d4[i] <- (prev x[book2[i]]) + (sum[n where n <= i] %s[n]);\n",
	"edge d5[i] <- %s[i] + r[i].p * prev r[i].q;\n",
	("edge d6[i] <- %s[i] + (if dist[i] < 1e9 then dist[i] else 0.0);\n"
	 "edge dist[v] <- fix min(if v %% 10 == 0 then 0.0 else inf, min[u] (dist[u] + abs(W[u, v])));\n"),
};

static mmsb_instance *both[BOTH];
static mmsb_error err;
static const char *source_that_fails;

/* ---- the program --------------------------------------------------------------------------- */

static char *program(uint32_t position, const failing *kind)
{
	static char text[6000];
	char *end = text + sprintf(text, "param N, B;\nrecord Rec { p : f64; q : f64; }\npage x : f64[N] in;\npage book : index(B)[N] in;\n"
		"page book2 : index(N)[N] in;\npage W : sparse f64[N, N] in;\npage r : Rec[N] in;\npage den : i64 in init 1;\n"
		"page weight : f64 in init %s;\npage L : sparse f64[N, N] out like W;\npage by : f64[B] out;\npage dist : f64[N] out;\npage f : f64[N] out;\n"
		"page s : sparse bool[N, N] in;\npage was : f64[N] out;\nedge was[i] <- f64(count[j] prev s[i, j]);\n",
		strcmp(kind->source, "weight") == 0 ? (kind->good > 0 ? "2.0" : "0.0") : "1.0");
	const char *before = "x";
	static char name[8];
	for (uint32_t i = 0; i < POSITIONS; i++) {
		if (i == position) {
			end += sprintf(end, kind->edge, before);
			before = "f";
			continue;
		}
		uint32_t k = i < position ? i : i - 1;
		end += sprintf(end, "page d%u : f64[N] %s;\n", k, k % 3 ? "out" : k ? "out init x" : "out init 0.5");
		end += sprintf(end, before_after[k], before);
		sprintf(name, "d%u", k);
		before = name;
	}
	sprintf(end, "page last : f64 out;\nedge last <- prev last + (sum[i] %s[i]);\n", before);
	return text;
}

static int id_of(const char *page) { return mmsb_page(both[0], page); }

static void start(uint32_t position, const failing *kind, int threads, int scratch)
{
	mmsb_schedule *compiled = io_schedule(program(position, kind));
	ck_assert_ptr_nonnull(compiled);
	source_that_fails = kind->source;
	for (int k = 0; k < BOTH; k++) {
		mmsb_options options = {.size = sizeof options, .threads = threads, .scratch = scratch};
		ck_assert_int_eq(mmsb_instance_new(&both[k], compiled, &options, &err), MMSB_OK);
		ck_assert_int_eq(mmsb_set_param(both[k], "N", SIZE, &err), MMSB_OK);
		ck_assert_int_eq(mmsb_set_param(both[k], "B", BOOKS, &err), MMSB_OK);
		static const char *const watched[] = {"x", "W", "r", "L", "d0", "f", "by", "s", "dist"};
		for (size_t i = 0; i < sizeof watched / sizeof *watched; i++)
			if (id_of(watched[i]) >= 0)
				ck_assert_msg(mmsb_watch(both[k], id_of(watched[i]), &err) == MMSB_OK, "%s", err.message);
	}
	mmsb_schedule_close(compiled);
}

static void stop(void)
{
	for (int k = 0; k < BOTH; k++)
		mmsb_instance_free(both[k]);
}

/* ---- epochs -------------------------------------------------------------------------------- */

/* Deltas of all kinds, that depend on the number alone. */
static void stage(mmsb_instance *m, unsigned number)
{
	uint64_t at[8], col[8];
	double values[16];
	uint32_t books[8], places[8];
	for (unsigned i = 0; i < 8; i++) {
		at[i] = (number * 37 + i * i * 11 + i) % SIZE;
		col[i] = (number * 13 + i * 29) % SIZE;
		values[2 * i] = values[2 * i + 1] = (double)((number * 7 + i * 3) % 10) * 0.5;
		books[i] = (number + i) % BOOKS;
		places[i] = (number * 17 + i * 31) % SIZE;
	}
	ck_assert_int_eq(mmsb_scatter(m, id_of("x"), 8, at, values, &err), MMSB_OK);
	ck_assert_int_eq(mmsb_scatter(m, id_of("book"), 8, at, books, &err), MMSB_OK);
	ck_assert_int_eq(mmsb_scatter(m, id_of("book2"), 5, at, places, &err), MMSB_OK);
	ck_assert_int_eq(mmsb_write(m, id_of("r"), number % 100, 6, values, &err), MMSB_OK);
	ck_assert_int_eq(mmsb_scatter_field(m, id_of("r"), 1, 8, col, values, &err), MMSB_OK);
	ck_assert_int_eq(mmsb_insert(m, id_of("W"), 8, at, col, values, &err), MMSB_OK);
	ck_assert_int_eq(mmsb_insert(m, id_of("s"), 8, col, at, NULL, &err), MMSB_OK);
	for (uint64_t i = 0; number == 0 && i < SIZE; i++) /* arcs from one to the next, which stay */
		ck_assert_int_eq(mmsb_insert(m, id_of("W"), 1, &i, &(uint64_t){(i + 1) % SIZE}, values + i % 16, &err), MMSB_OK);
	for (unsigned i = 0; i < 8; i++) { /* the entries of two epochs ago go */
		at[i] = ((number + 98) * 37 + i * i * 11 + i) % SIZE;
		col[i] = ((number + 98) * 13 + i * 29) % SIZE;
	}
	if (number >= 2) {
		ck_assert_int_eq(mmsb_erase(m, id_of("W"), 8, at, col, &err), MMSB_OK);
		ck_assert_int_eq(mmsb_erase(m, id_of("s"), 4, col, at, &err), MMSB_OK);
	}
}

static void set_source(mmsb_instance *m, double value)
{
	int64_t whole = (int64_t)value;
	bool integer = strcmp(source_that_fails, "den") == 0;
	ck_assert_int_eq(mmsb_write(m, id_of(source_that_fails), 0, 1, integer ? (const void *)&whole : &value, &err), MMSB_OK);
}

static void same_page(int id, const char *when)
{
	mmsb_info info[BOTH];
	const uint64_t *row[BOTH], *col[BOTH];
	for (int k = 0; k < BOTH; k++)
		ck_assert_int_eq(mmsb_page_info(both[k], id, &info[k]), MMSB_OK);
	if (!info[0].stored)
		return;
	ck_assert_msg(info[0].count == info[1].count, "%s: %s has another number of elements", when, info[0].name);
	for (int k = 0; k < BOTH && info[0].sparse; k++)
		ck_assert_int_eq(mmsb_entries(both[k], id, &row[k], &col[k], &err), MMSB_OK);
	if (info[0].sparse)
		for (uint64_t i = 0; i < info[0].count; i++)
			ck_assert_msg(row[0][i] == row[1][i] && col[0][i] == col[1][i], "%s: %s has other entries", when, info[0].name);
	const char *a = mmsb_data(both[0], id), *b = mmsb_data(both[1], id);
	for (uint64_t i = 0; a && i < info[0].count; i++)
		ck_assert_msg(memcmp(a + i * info[0].element, b + i * info[0].element, info[0].element) == 0, "%s: %s differs at %llu", when,
		              info[0].name, (unsigned long long)i);
}

static void same_changes(int id, const char *when)
{
	mmsb_changes_view view[BOTH];
	mmsb_info info;
	if (mmsb_changes(both[0], id, &view[0]) != MMSB_OK)
		return;
	ck_assert_int_eq(mmsb_changes(both[1], id, &view[1]), MMSB_OK);
	mmsb_page_info(both[0], id, &info);
	ck_assert_msg(view[0].count == view[1].count, "%s: other changes of %s are told", when, info.name);
	size_t n = view[0].count;
	ck_assert_msg(!n || !view[0].values || memcmp(view[0].values, view[1].values, n * info.element) == 0, "%s: changes of %s have other values",
	              when, info.name);
	if (n && info.sparse)
		ck_assert(memcmp(view[0].row, view[1].row, n * 8) == 0 && memcmp(view[0].deleted, view[1].deleted, n) == 0);
	else if (n)
		ck_assert(memcmp(view[0].index, view[1].index, n * 8) == 0);
}

static void same(const char *when, bool changes)
{
	char hex[BOTH][33];
	for (int id = 0; id < mmsb_page_count(both[0]); id++) {
		same_page(id, when);
		if (changes)
			same_changes(id, when);
	}
	for (int k = 0; k < BOTH; k++)
		ck_assert_int_eq(mmsb_digest(both[k], hex[k], &err), MMSB_OK);
	ck_assert_msg(strcmp(hex[0], hex[1]) == 0, "%s: the digests differ", when);
}

static void stands(unsigned number, bool deltas)
{
	uint64_t epoch[BOTH];
	for (int k = 0; k < BOTH; k++) {
		if (deltas)
			stage(both[k], number);
		ck_assert_msg(mmsb_commit(both[k], &epoch[k], &err) == MMSB_OK, "%s", err.message);
	}
	ck_assert_uint_eq(epoch[0], epoch[1]);
	same("an epoch that stands", true);
}

/* One instance sees an epoch that fails. */
static void fails(unsigned number, double bad, bool deltas)
{
	if (deltas)
		stage(both[SEES_FAILURES], number);
	set_source(both[SEES_FAILURES], bad);
	int status = mmsb_commit(both[SEES_FAILURES], NULL, &err);
	ck_assert_msg(status == MMSB_FAULT, "status %d", status);
	ck_assert_msg(err.page == id_of("f") && err.epoch > 0 && strstr(err.message, "f"), "%s", err.message);
	same("an epoch that failed", false);
}

static void one(uint32_t position, const failing *kind, int threads, int scratch)
{
	start(position, kind, threads, scratch);
	for (int k = 0; k < BOTH; k++)
		set_source(both[k], kind->good);
	stands(0, true);
	fails(1, kind->bad, true);
	stands(1, true);
	stands(0, false);
	fails(2, kind->bad, true);
	fails(3, kind->bad, true);
	stands(0, false); /* what the failed ones changed must not be looked at */
	stands(2, true);
	fails(4, kind->bad, false); /* nothing else changes */
	stands(4, true);
	fails(5, kind->bad, true);
	stands(0, false);
	stands(0, false);
	stands(6, true);
	stop();
}

/* The very first epoch fails: there are no values yet. */
static void first_fails(uint32_t position, const failing *kind)
{
	start(position, kind, 1, 0);
	stage(both[SEES_FAILURES], 7);
	set_source(both[SEES_FAILURES], kind->bad);
	ck_assert_int_eq(mmsb_commit(both[SEES_FAILURES], NULL, &err), MMSB_FAULT);
	for (int k = 0; k < BOTH; k++)
		set_source(both[k], kind->good);
	stands(0, true);
	stands(1, true);
	stop();
}

START_TEST(a_failed_epoch_changes_nothing)
{
	const failing *kind = &kinds[_i % KINDS];
	uint32_t position = (uint32_t)_i / KINDS;
	one(position, kind, 1, 0);
	one(position, kind, 2, 0);
	one(position, kind, 1, 1);
	first_fails(position, kind);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rollback");
	TCase *t = tcase_create("failing passes");
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, a_failed_epoch_changes_nothing, 0, KINDS * POSITIONS);
	suite_add_tcase(s, t);
	return unit_run(s);
}
