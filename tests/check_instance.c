/* check_instance.c - instances through mmsb.h: params and shapes, staging, epochs that fail, what changed, digests. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler/compile.h"
#include "runtime/mmsb.h"
#include "unit.h"

static mmsb_error err;

/* An instance of a program given as text. */
static mmsb_instance *instance_of(const char *text, int scratch)
{
	char path[] = "/tmp/mmsb-instance-XXXXXX.mmsb";
	int fd = mkstemps(path, 5);
	ck_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
	uint8_t *bytes;
	size_t n;
	compile_options options = {0};
	ck_assert_int_eq(compile_file(path, &options, stderr, false, &bytes, &n), COMPILE_OK);
	unlink(path);
	mmsb_schedule *s;
	ck_assert_int_eq(mmsb_schedule_load(&s, bytes, n, &err), MMSB_OK);
	free(bytes);
	mmsb_options o = {.size = sizeof o, .threads = 1, .scratch = scratch};
	mmsb_instance *m;
	ck_assert_int_eq(mmsb_instance_new(&m, s, &o, &err), MMSB_OK);
	mmsb_schedule_close(s); /* the instance keeps it */
	return m;
}

static void ok(int status) { ck_assert_msg(status == MMSB_OK, "%s", err.message); }

static void fails(int status, int expected, const char *part)
{
	ck_assert_int_eq(status, expected);
	ck_assert_int_eq(err.status, expected);
	ck_assert_msg(strstr(err.message, part) != NULL, "'%s' is not in: %s", part, err.message);
}

static int id(mmsb_instance *m, const char *name)
{
	int page = mmsb_page(m, name);
	ck_assert_msg(page >= 0, "no page %s", name);
	return page;
}

static double f64_at(mmsb_instance *m, const char *name, size_t i) { return ((const double *)mmsb_data(m, id(m, name)))[i]; }

static void digest_of(mmsb_instance *m, char hex[33]) { ok(mmsb_digest(m, hex, &err)); }

/* ---- params and shapes ---- */

static const char shapes_text[] = "param N, K;\nparam rate : f32 = 0.5;\nparam steps : u8;\n"
                                  "page a : f64[N + 1, 2 * K] in;\npage b : f64[K] in;\npage c : f64[N] out;\n"
                                  "edge c[i] <- f64(rate) + f64(steps);\n";

START_TEST(shapes_are_solved)
{
	mmsb_instance *m = instance_of(shapes_text, 0);
	uint64_t shape[2] = {5, 6};
	ok(mmsb_set_shape(m, id(m, "a"), 2, shape, "a.npy", &err));
	ok(mmsb_set_param(m, "steps", 3, &err));
	ok(mmsb_commit(m, NULL, &err));
	mmsb_info info;
	ok(mmsb_page_info(m, id(m, "c"), &info));
	ck_assert_uint_eq(info.shape[0], 4);
	ok(mmsb_page_info(m, id(m, "b"), &info));
	ck_assert_uint_eq(info.shape[0], 3);
	ck_assert_double_eq(f64_at(m, "c", 3), 3.5);
	mmsb_instance_free(m);
}
END_TEST

START_TEST(shapes_contradict)
{
	mmsb_instance *m = instance_of(shapes_text, 0);
	uint64_t odd[2] = {5, 7}, even[2] = {5, 6}, four = 4;
	fails(mmsb_set_shape(m, id(m, "b"), 2, even, "b.npy", &err), MMSB_SHAPE, "1 dimension");
	ok(mmsb_set_shape(m, id(m, "a"), 2, even, "a.npy", &err));
	fails(mmsb_set_shape(m, id(m, "b"), 1, &four, "b.npy", &err), MMSB_SHAPE, "b.npy");
	ck_assert_ptr_nonnull(strstr(err.message, "a.npy"));
	mmsb_instance_free(m);
	m = instance_of(shapes_text, 0);
	fails(mmsb_set_shape(m, id(m, "a"), 2, odd, "a.npy", &err), MMSB_SHAPE, "cannot be 7");
	mmsb_instance_free(m);
}
END_TEST

/* What fails has changed nothing: the right shapes and values may still be given. */
START_TEST(contradictions_are_taken_back)
{
	mmsb_instance *m = instance_of(shapes_text, 0);
	uint64_t odd[2] = {9, 7}, small[2] = {0, 6}, even[2] = {5, 6}, four = 4, three = 3;
	fails(mmsb_set_shape(m, id(m, "a"), 2, odd, "a.npy", &err), MMSB_SHAPE, "cannot be 7"); /* N would have been 8 */
	fails(mmsb_set_shape(m, id(m, "a"), 2, small, "a.npy", &err), MMSB_SHAPE, "cannot be 0"); /* N would be -1 */
	ok(mmsb_set_param(m, "N", 4, &err));
	ok(mmsb_set_shape(m, id(m, "a"), 2, even, "a.npy", &err));
	fails(mmsb_set_shape(m, id(m, "b"), 1, &four, "b.npy", &err), MMSB_SHAPE, "b.npy");
	ok(mmsb_set_shape(m, id(m, "b"), 1, &three, "b.npy", &err));
	ok(mmsb_set_param(m, "steps", 3, &err));
	ok(mmsb_commit(m, NULL, &err));
	mmsb_instance_free(m);

	m = instance_of("param N, M;\nparam rate : f64 = 2.0;\npage a : f64[N * M] in;\npage b : f64[N] out;\nedge b[i] <- rate;\n", 0);
	uint64_t six = 6;
	ok(mmsb_set_shape(m, id(m, "a"), 1, &six, "a.npy", &err));
	fails(mmsb_set_param(m, "N", 4, &err), MMSB_SHAPE, "cannot be 6");
	fails(mmsb_commit(m, NULL, &err), MMSB_INPUT, "has no value");
	ok(mmsb_set_param(m, "rate", 5, &err)); /* its default has not been taken */
	ok(mmsb_set_param(m, "N", 3, &err));
	ok(mmsb_commit(m, NULL, &err));
	ck_assert_double_eq(f64_at(m, "b", 2), 5);
	mmsb_instance_free(m);
}
END_TEST

START_TEST(params_are_checked)
{
	mmsb_instance *m = instance_of(shapes_text, 0);
	fails(mmsb_set_param(m, "nothing", 1, &err), MMSB_NAME, "nothing");
	fails(mmsb_set_param(m, "steps", 256, &err), MMSB_RANGE, "u8");
	fails(mmsb_set_param(m, "steps", 0.5, &err), MMSB_RANGE, "u8");
	fails(mmsb_set_param(m, "N", -1, &err), MMSB_RANGE, "-1");
	fails(mmsb_commit(m, NULL, &err), MMSB_INPUT, "has no value");
	ok(mmsb_set_param(m, "N", 2, &err));
	fails(mmsb_set_param(m, "N", 3, &err), MMSB_SHAPE, "N");
	ok(mmsb_set_param(m, "N", 2, &err));
	ok(mmsb_set_param(m, "K", 0, &err));
	ok(mmsb_set_param(m, "steps", 255, &err));
	ok(mmsb_bind(m, &err));
	fails(mmsb_set_param(m, "rate", 1, &err), MMSB_ORDER, "too late");
	mmsb_instance_free(m);
}
END_TEST

/* ---- staging ---- */

START_TEST(last_write_wins)
{
	mmsb_instance *m = instance_of("page x : f64[4] in;\npage s : f64 out;\nedge s <- sum[i] x[i];\n", 0);
	double values[4] = {1, 2, 3, 4}, more[3] = {10, 20, 30};
	uint64_t at[3] = {2, 2, 0};
	int x = id(m, "x");
	ok(mmsb_write(m, x, 0, 4, values, &err));
	ok(mmsb_scatter(m, x, 3, at, more, &err));
	ok(mmsb_write(m, x, 3, 1, more, &err));
	ok(mmsb_commit(m, NULL, &err));
	ck_assert_double_eq(f64_at(m, "s", 0), 30 + 2 + 20 + 10);
	fails(mmsb_write(m, x, 3, 2, values, &err), MMSB_RANGE, "no number 4");
	at[1] = 4;
	fails(mmsb_scatter(m, x, 3, at, more, &err), MMSB_RANGE, "4 elements");
	fails(mmsb_write(m, id(m, "s"), 0, 1, values, &err), MMSB_NAME, "no source");
	fails(mmsb_insert(m, x, 1, at, at, values, &err), MMSB_TYPE, "dense");
	ok(mmsb_write(m, x, 0, 4, values, &err));
	mmsb_discard(m);
	ok(mmsb_commit(m, NULL, &err));
	ck_assert_double_eq(f64_at(m, "x", 0), 30);
	mmsb_instance_free(m);
}
END_TEST

START_TEST(values_are_checked)
{
	mmsb_instance *m = instance_of("param D;\npage k : index(D)[3] in;\npage b : bool[2] in;\npage x : f32[1] in;\n", 0);
	uint32_t keys[3] = {0, 4, 5}, nan_bits = 0xffc12345u;
	uint8_t two[2] = {2, 0};
	ok(mmsb_set_param(m, "D", 5, &err));
	fails(mmsb_write(m, id(m, "k"), 0, 3, keys, &err), MMSB_RANGE, "below 5");
	ok(mmsb_write(m, id(m, "k"), 0, 2, keys, &err));
	ok(mmsb_write(m, id(m, "b"), 0, 2, two, &err));
	ok(mmsb_write(m, id(m, "x"), 0, 1, &nan_bits, &err));
	ok(mmsb_commit(m, NULL, &err));
	ck_assert_uint_eq(((const uint32_t *)mmsb_data(m, id(m, "k")))[2], 0);
	ck_assert_uint_eq(((const uint8_t *)mmsb_data(m, id(m, "b")))[0], 1);
	ck_assert_uint_eq(((const uint32_t *)mmsb_data(m, id(m, "x")))[0], 0x7fc00000u);
	mmsb_instance_free(m);
	m = instance_of("param D;\npage k : index(D)[3] in;\n", 0);
	ok(mmsb_set_param(m, "D", 0, &err));
	ok(mmsb_commit(m, NULL, &err)); /* the zero that it holds is no position, and no read takes it for one */
	fails(mmsb_write(m, id(m, "k"), 0, 1, keys, &err), MMSB_RANGE, "below 0");
	mmsb_instance_free(m);
}
END_TEST

START_TEST(records_by_field)
{
	for (int soa = 0; soa < 2; soa++) {
		char text[400];
		snprintf(text, sizeof text, "record Q { size : u8; bid : f64; }\npage q : Q[3] in%s;\npage t : f64 out;\n"
		         "edge t <- sum[i] q[i].bid * f64(q[i].size);\n", soa ? " @soa" : "");
		mmsb_instance *m = instance_of(text, 0);
		struct { uint8_t size; double bid; } q[3] = {{1, 10}, {2, 20}, {3, 30}};
		int page = id(m, "q");
		ok(mmsb_write(m, page, 0, 3, q, &err));
		uint64_t at = 1;
		double bid = 100;
		ok(mmsb_scatter_field(m, page, 1, 1, &at, &bid, &err));
		fails(mmsb_scatter_field(m, page, 2, 1, &at, &bid, &err), MMSB_NAME, "no field");
		ok(mmsb_commit(m, NULL, &err));
		ck_assert_double_eq(f64_at(m, "t", 0), 10 + 200 + 90);
		mmsb_info info;
		ok(mmsb_page_info(m, page, &info));
		ck_assert(info.n_fields == 2 && info.element == sizeof *q && strcmp(info.fields[1].name, "bid") == 0 && info.fields[1].offset == 8);
		const uint8_t *data = mmsb_data(m, page);
		memcpy(&bid, data + sizeof *q + 8, sizeof bid);
		ck_assert_double_eq(bid, 100);
		ck_assert_uint_eq(data[2 * sizeof *q], 3);
		char hex[33];
		digest_of(m, hex);
		static char first[33];
		if (soa)
			ck_assert_str_eq(hex, first); /* the layout in memory is nobody's business */
		memcpy(first, hex, sizeof hex);
		mmsb_instance_free(m);
	}
}
END_TEST

/* ---- sparse pages ---- */

START_TEST(sparse_entries)
{
	mmsb_instance *m = instance_of("page W : sparse f64[3, 4] in;\npage V : sparse f64[3, 4] out like W;\npage r : f64[3] out;\npage c : f64[4] out;\n"
	                               "edge V[i, j] <- W[i, j] * 2;\nedge r[i] <- sum[j] V[i, j];\nedge c[j] <- sum[i] W[i, j];\n", 0);
	uint64_t row[4] = {2, 0, 2, 0}, col[4] = {1, 3, 0, 3}, far = 4, none = 0;
	double value[4] = {1, 2, 3, 4};
	int w = id(m, "W");
	ok(mmsb_insert(m, w, 4, row, col, value, &err));
	ok(mmsb_erase(m, w, 1, &none, &none, &err)); /* is not there */
	ok(mmsb_commit(m, NULL, &err));
	const uint64_t *rows, *cols;
	mmsb_info info;
	ok(mmsb_page_info(m, id(m, "V"), &info));
	ck_assert_uint_eq(info.count, 3);
	ok(mmsb_entries(m, id(m, "V"), &rows, &cols, &err));
	ck_assert(rows[0] == 0 && cols[0] == 3 && rows[1] == 2 && cols[1] == 0 && rows[2] == 2 && cols[2] == 1);
	ck_assert_double_eq(f64_at(m, "V", 0), 8);
	ck_assert_double_eq(f64_at(m, "r", 2), 8);
	ck_assert_double_eq(f64_at(m, "c", 3), 4);
	ok(mmsb_erase(m, w, 1, row, col, &err));
	ok(mmsb_insert(m, w, 1, row + 2, col + 2, value + 3, &err));
	ok(mmsb_commit(m, NULL, &err));
	ck_assert_double_eq(f64_at(m, "r", 2), 8);
	ck_assert_double_eq(f64_at(m, "c", 1), 0);
	fails(mmsb_insert(m, w, 1, &none, &far, value, &err), MMSB_RANGE, "4 columns");
	fails(mmsb_insert(m, id(m, "V"), 1, row, col, value, &err), MMSB_NAME, "no source");
	mmsb_instance_free(m);
}
END_TEST

/* ---- epochs that fail ---- */

static const char failing_text[] = "import semiring;\nparam K;\npage n : i64[K] in;\npage d : i64[K] in init 1;\npage W : sparse f64[3, 3] in;\n"
                                   "page q : i64[K] out;\npage run : i64[K] out;\npage Y : sparse f64[3, 3] out like W;\n"
                                   "page dist : f64[3] out;\n"
                                   "edge q[i] <- n[i] / d[i];\nedge run[i] <- prev run[i] + q[i];\nedge Y[i, j] <- W[i, j] + prev Y[i, j];\n"
                                   "edge dist[v] <- fix min(if v == 0 then 0.0 else inf, min_plus[u] W[u, v] .* dist[u]);\n";

START_TEST(failed_epoch_changes_nothing)
{
	for (int scratch = 0; scratch < 2; scratch++) {
		mmsb_instance *m = instance_of(failing_text, scratch);
		int64_t n[3] = {10, 20, 30}, zero = 0, two = 2;
		uint64_t one = 1, epoch = 0, row[2] = {0, 1}, col[2] = {1, 2};
		double length[2] = {5, 6}, negative = -1;
		ok(mmsb_set_param(m, "K", 3, &err));
		ok(mmsb_write(m, id(m, "n"), 0, 3, n, &err));
		ok(mmsb_insert(m, id(m, "W"), 2, row, col, length, &err));
		ok(mmsb_commit(m, &epoch, &err));
		char before[33], after[33];
		digest_of(m, before);
		/* a zero divisor, with sources and entries changed besides */
		ok(mmsb_write(m, id(m, "n"), 0, 1, &two, &err));
		ok(mmsb_scatter(m, id(m, "d"), 1, &one, &zero, &err));
		ok(mmsb_erase(m, id(m, "W"), 1, row, col, &err));
		fails(mmsb_commit(m, NULL, &err), MMSB_FAULT, "division by zero");
		ck_assert(err.page == id(m, "q") && err.ndim == 1 && err.index[0] == 1 && err.epoch == 2);
		digest_of(m, after);
		ck_assert_str_eq(before, after);
		/* data that an exact fixpoint cannot have */
		ok(mmsb_insert(m, id(m, "W"), 1, row, col, &negative, &err));
		fails(mmsb_commit(m, NULL, &err), MMSB_FAULT, "must be >= 0");
		digest_of(m, after);
		ck_assert_str_eq(before, after);
		ck_assert_double_eq(f64_at(m, "dist", 2), 11);
		/* and it goes on as if nothing had been */
		ok(mmsb_scatter(m, id(m, "d"), 1, &one, &two, &err));
		ok(mmsb_commit(m, &epoch, &err));
		ck_assert_uint_eq(epoch, 2);
		const int64_t *run = mmsb_data(m, id(m, "run"));
		ck_assert(run[0] == 20 && run[1] == 30 && run[2] == 60);
		ck_assert_double_eq(f64_at(m, "Y", 1), 12);
		mmsb_stats stats;
		mmsb_stats_get(m, &stats);
		ck_assert(stats.epochs == 2 && stats.failed == 2);
		mmsb_instance_free(m);
	}
}
END_TEST

START_TEST(ticks_stand_alone)
{
	mmsb_instance *m = instance_of("page x : f64 in;\npage t : i64 out;\nedge t <- prev t + 1;\n", 0);
	double v = 1;
	uint64_t epoch;
	ok(mmsb_ticks(m, 5, &epoch, &err));
	ck_assert_uint_eq(epoch, 5);
	ck_assert_int_eq(*(const int64_t *)mmsb_data(m, id(m, "t")), 5);
	ok(mmsb_write(m, id(m, "x"), 0, 1, &v, &err));
	fails(mmsb_ticks(m, 1, &epoch, &err), MMSB_ORDER, "staged");
	mmsb_instance_free(m);
}
END_TEST

/* ---- changes ---- */

START_TEST(changes_of_an_epoch)
{
	mmsb_instance *m = instance_of("page x : f64[4] in;\npage y : i64[4] out;\npage W : sparse f64[2, 2] in;\nedge y[i] <- i64(x[i]);\n", 0);
	int x = id(m, "x"), y = id(m, "y"), w = id(m, "W");
	double v[4] = {1.5, 0, 2.5, 0}, same = 1.75;
	uint64_t at[2] = {0, 1}, one = 1;
	mmsb_changes_view view;
	ck_assert_int_eq(mmsb_changes(m, y, &view), MMSB_NAME);
	ok(mmsb_watch(m, y, &err));
	ok(mmsb_watch(m, w, &err));
	ok(mmsb_write(m, x, 0, 4, v, &err));
	ok(mmsb_insert(m, w, 2, at, at, v, &err));
	ok(mmsb_commit(m, NULL, &err));
	ok(mmsb_changes(m, y, &view));
	ck_assert(view.count == 2 && view.index[0] == 0 && view.index[1] == 2 && ((const int64_t *)view.values)[1] == 2);
	ok(mmsb_changes(m, w, &view));
	ck_assert(view.count == 2 && view.row[1] == 1 && view.col[1] == 1 && !view.deleted[1]);
	ok(mmsb_scatter(m, x, 1, at, &same, &err)); /* y stays as it is */
	ok(mmsb_erase(m, w, 1, &one, &one, &err));
	ok(mmsb_commit(m, NULL, &err));
	ok(mmsb_changes(m, y, &view));
	ck_assert_uint_eq(view.count, 0);
	ok(mmsb_changes(m, w, &view));
	ck_assert(view.count == 1 && view.row[0] == 1 && view.deleted[0]);
	mmsb_instance_free(m);
}
END_TEST

START_TEST(init_pages)
{
	mmsb_instance *m = instance_of("page a : f64[2] in;\npage b : f64[2] in;\npage c : f64[2] out init a;\npage d : f64[2] out;\n"
	                               "edge c[i] <- prev c[i] + 1;\nedge d[i] <- prev b[i];\n", 0);
	double v[2] = {5, 6};
	ok(mmsb_write(m, id(m, "a"), 0, 2, v, &err));
	ok(mmsb_write(m, id(m, "b"), 0, 2, v, &err));
	ok(mmsb_commit(m, NULL, &err));
	ck_assert_double_eq(f64_at(m, "c", 1), 7);
	ck_assert_double_eq(f64_at(m, "d", 1), 0);
	ok(mmsb_ticks(m, 2, NULL, &err));
	ck_assert_double_eq(f64_at(m, "c", 1), 9);
	ck_assert_double_eq(f64_at(m, "d", 1), 6);
	mmsb_instance_free(m);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("instance");
	TCase *all = tcase_create("instance");
	tcase_set_timeout(all, 120);
	tcase_add_test(all, shapes_are_solved);
	tcase_add_test(all, shapes_contradict);
	tcase_add_test(all, contradictions_are_taken_back);
	tcase_add_test(all, params_are_checked);
	tcase_add_test(all, last_write_wins);
	tcase_add_test(all, values_are_checked);
	tcase_add_test(all, records_by_field);
	tcase_add_test(all, sparse_entries);
	tcase_add_test(all, failed_epoch_changes_nothing);
	tcase_add_test(all, ticks_stand_alone);
	tcase_add_test(all, changes_of_an_epoch);
	tcase_add_test(all, init_pages);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
