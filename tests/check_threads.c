/* check_threads.c - several threads at one instance: staging while commits run, readers that pin epochs. `make check-threads` runs it under
 * the thread sanitizer. Threads count what is wrong; the main one asserts. */
#include <pthread.h>
#include <stdatomic.h>

#include "io_instance.h"
#include "unit.h"

enum { N = 64, PRODUCERS = 4, SHARE = N / PRODUCERS, CALLS = 3000, READERS = 3, EPOCHS = 2000 };

static mmsb_error err;

static void ok(int status) { ck_assert_msg(status == MMSB_OK, "%s", err.message); }

static void fails(int status, int expected, const char *part)
{
	ck_assert_int_eq(status, expected);
	ck_assert_msg(strstr(err.message, part) != NULL, "'%s' is not in: %s", part, err.message);
}

static mmsb_instance *instance_of(const char *text, int readers, int copies)
{
	mmsb_schedule *s = io_schedule(text);
	ck_assert_ptr_nonnull(s);
	mmsb_options options = {.size = sizeof options, .threads = 1, .readers = readers, .copies = copies};
	mmsb_instance *m;
	ok(mmsb_instance_new(&m, s, &options, &err));
	mmsb_schedule_close(s);
	return m;
}

static int id(mmsb_instance *m, const char *name)
{
	int page = mmsb_page(m, name);
	ck_assert_msg(page >= 0, "no page %s", name);
	return page;
}

static void set(mmsb_instance *m, const char *name, uint64_t at, int64_t value) { ok(mmsb_scatter(m, id(m, name), 1, &at, &value, &err)); }

/* What is read fits together only within one epoch: b and total follow from a. */
static const char program[] = "page x : i64[64] in;\npage d : i64 in init 1;\npage a : i64[64] out;\npage b : i64[64] out;\n"
                              "page total : i64 out;\npage once : i64 out;\n"
                              "edge a[i] <- x[i] / d;\nedge b[i] <- 3 * a[i] + 1;\nedge total <- sum[i] a[i];\nedge once <- d;\n";

/* ---- staging ---- */

typedef struct producer {
	mmsb_instance *m;
	int64_t number;
	bool fault;       /* every tenth call makes epochs fail, until the next one of its kind */
	uint64_t staged;
	int bad;
	atomic_int *at_work;
} producer;

/* Each call gives the elements of the thread's share the same value, higher from call to call. */
static void *produce(void *argument)
{
	producer *p = argument;
	mmsb_error e;
	int x = mmsb_page(p->m, "x"), d = mmsb_page(p->m, "d");
	for (int64_t k = 1; k <= CALLS; k++) {
		int64_t values[SHARE];
		uint64_t at[SHARE], first = (uint64_t)p->number * SHARE;
		for (uint64_t i = 0; i < SHARE; i++) {
			values[i] = k;
			at[i] = first + i;
		}
		p->bad += (k % 2 ? mmsb_write(p->m, x, first, SHARE, values, &e) : mmsb_scatter(p->m, x, SHARE, at, values, &e)) != MMSB_OK;
		p->staged += SHARE;
		at[SHARE - 1] = N; /* refused as a whole */
		p->bad += mmsb_scatter(p->m, x, SHARE, at, values, &e) != MMSB_RANGE;
		if (p->fault && k % 10 == 0) {
			int64_t divisor = k % 20 == 0;
			p->bad += mmsb_write(p->m, d, 0, 1, &divisor, &e) != MMSB_OK;
			p->staged++;
		}
	}
	atomic_fetch_sub(p->at_work, 1);
	return NULL;
}

/* Calls came whole and in the order of each thread. */
static void check_shares(mmsb_instance *m, int64_t last[PRODUCERS])
{
	const int64_t *x = mmsb_data(m, id(m, "x")), *a = mmsb_data(m, id(m, "a"));
	for (int k = 0; k < PRODUCERS; k++) {
		int64_t value = x[k * SHARE];
		ck_assert(value >= last[k]);
		last[k] = value;
		for (int i = 0; i < SHARE; i++)
			ck_assert(x[k * SHARE + i] == value && a[k * SHARE + i] == value);
	}
}

static void stage_and_commit(bool fault)
{
	mmsb_instance *m = instance_of(program, 0, 0);
	atomic_int at_work = PRODUCERS;
	pthread_t threads[PRODUCERS];
	producer p[PRODUCERS];
	int64_t last[PRODUCERS] = {0};
	uint64_t staged = 0, failed = 0;
	for (int k = 0; k < PRODUCERS; k++) { /* the first to stage binds */
		p[k] = (producer){.m = m, .number = k, .fault = fault && k == 0, .at_work = &at_work};
		ck_assert_int_eq(pthread_create(&threads[k], NULL, produce, &p[k]), 0);
	}
	for (bool more = true; more;) {
		more = atomic_load(&at_work) > 0;
		int status = mmsb_commit(m, NULL, &err);
		ck_assert(status == MMSB_OK || (fault && status == MMSB_FAULT));
		failed += status != MMSB_OK;
		if (status == MMSB_OK)
			check_shares(m, last);
	}
	for (int k = 0; k < PRODUCERS; k++) {
		ck_assert_int_eq(pthread_join(threads[k], NULL), 0);
		ck_assert_int_eq(p[k].bad, 0);
		staged += p[k].staged;
	}
	mmsb_stats stats;
	mmsb_stats_get(m, &stats);
	ck_assert_uint_eq(stats.staged, staged); /* no delta was lost, none came twice */
	ck_assert_uint_eq(stats.failed, failed);
	ck_assert_uint_gt(stats.ns_stage, 0);
	for (int k = 0; k < PRODUCERS && !fault; k++)
		ck_assert_int_eq(last[k], CALLS);
	mmsb_instance_free(m);
}

START_TEST(staging_while_commits_run) { stage_and_commit(false); }
END_TEST

START_TEST(staging_while_epochs_fail) { stage_and_commit(true); }
END_TEST

/* ---- readers ---- */

typedef struct reading {
	mmsb_instance *m;
	uint64_t step;    /* epochs that are published */
	uint64_t read;
	int bad;
	atomic_bool *end;
} reading;

static int whole(const reading *r, mmsb_reader *reader)
{
	const int64_t *a = mmsb_read(reader, mmsb_page(r->m, "a")), *b = mmsb_read(reader, mmsb_page(r->m, "b"));
	const int64_t *total = mmsb_read(reader, mmsb_page(r->m, "total"));
	int64_t sum = 0;
	int bad = reader->epoch % r->step != 0 || a[N - 1] != (int64_t)reader->epoch;
	for (int i = 0; i < N; i++) {
		bad += b[i] != 3 * a[i] + 1;
		sum += a[i];
	}
	return bad + (*total != sum);
}

static void *keep_reading(void *argument)
{
	reading *r = argument;
	mmsb_error e;
	uint64_t last = 0;
	while (!atomic_load(r->end)) {
		mmsb_reader reader;
		int status = mmsb_read_begin(r->m, &reader, &e);
		if (status == MMSB_ORDER)
			continue; /* no epoch yet */
		r->bad += status != MMSB_OK || reader.epoch < last;
		last = reader.epoch;
		r->bad += whole(r, &reader) + whole(r, &reader);
		mmsb_read_end(&reader);
		r->read++;
	}
	return NULL;
}

static void start_readers(mmsb_instance *m, pthread_t threads[READERS], reading r[READERS], atomic_bool *end, uint64_t step)
{
	for (int k = 0; k < READERS; k++) {
		r[k] = (reading){.m = m, .step = step, .end = end};
		ck_assert_int_eq(pthread_create(&threads[k], NULL, keep_reading, &r[k]), 0);
	}
}

static void end_readers(pthread_t threads[READERS], reading r[READERS], atomic_bool *end)
{
	atomic_store(end, true);
	for (int k = 0; k < READERS; k++) {
		ck_assert_int_eq(pthread_join(threads[k], NULL), 0);
		ck_assert_int_eq(r[k].bad, 0);
	}
}

START_TEST(readers_see_whole_epochs)
{
	mmsb_instance *m = instance_of(program, READERS, 0); /* enough copies for all: never MMSB_BUSY */
	atomic_bool end = false;
	pthread_t threads[READERS];
	reading r[READERS];
	start_readers(m, threads, r, &end, 1);
	for (int64_t e = 1; e <= EPOCHS; e++) {
		for (int k = 0; k < 5; k++)
			set(m, "x", (uint64_t)(e * 7 + k * 13) % (N - 1), e * k);
		set(m, "x", N - 1, e);
		ok(mmsb_commit(m, NULL, &err));
	}
	end_readers(threads, r, &end);
	mmsb_instance_free(m);
}
END_TEST

START_TEST(busy_commits_lose_nothing)
{
	mmsb_instance *m = instance_of(program, READERS, -1);
	atomic_bool end = false;
	pthread_t threads[READERS];
	reading r[READERS];
	start_readers(m, threads, r, &end, 1);
	for (int64_t e = 1; e <= EPOCHS;) {
		set(m, "x", (uint64_t)(e * 7) % (N - 1), e);
		set(m, "x", N - 1, e);
		int status = mmsb_commit(m, NULL, &err);
		ck_assert(status == MMSB_OK || status == MMSB_BUSY);
		e += status == MMSB_OK;
	}
	end_readers(threads, r, &end);
	mmsb_instance_free(m);
}
END_TEST

static const char ticking[] = "page a : i64[64] out;\npage b : i64[64] out;\npage total : i64 out;\n"
                              "edge a[i] <- prev a[i] + 1;\nedge b[i] <- 3 * a[i] + 1;\nedge total <- sum[i] a[i];\n";

START_TEST(of_ticks_the_last_is_published)
{
	mmsb_instance *m = instance_of(ticking, READERS, 0);
	atomic_bool end = false;
	pthread_t threads[READERS];
	reading r[READERS];
	start_readers(m, threads, r, &end, 4);
	for (int k = 0; k < EPOCHS / 4; k++)
		ok(mmsb_ticks(m, 4, NULL, &err));
	end_readers(threads, r, &end);
	mmsb_instance_free(m);
}
END_TEST

/* ---- what readers hold, step by step ---- */

static int64_t value_of(mmsb_reader *r, const char *name, size_t i) { return ((const int64_t *)mmsb_read(r, id(r->instance, name)))[i]; }

START_TEST(readers_begin_and_end)
{
	mmsb_reader r[3], none;
	mmsb_instance *m = instance_of(program, 0, 0);
	ok(mmsb_commit(m, NULL, &err));
	fails(mmsb_read_begin(m, &none, &err), MMSB_ORDER, "readers");
	ck_assert_ptr_null(mmsb_read(&none, 0));
	mmsb_read_end(&none);
	mmsb_instance_free(m);
	m = instance_of(program, 2, 0);
	fails(mmsb_read_begin(m, &none, &err), MMSB_ORDER, "no epoch");
	ok(mmsb_bind(m, &err));
	fails(mmsb_read_begin(m, &none, &err), MMSB_ORDER, "no epoch");
	ok(mmsb_commit(m, NULL, &err));
	ok(mmsb_read_begin(m, &r[0], &err));
	ok(mmsb_read_begin(m, &r[1], &err));
	fails(mmsb_read_begin(m, &r[2], &err), MMSB_BUSY, "2 readers");
	ck_assert_ptr_null(mmsb_read(&r[0], id(m, "x"))); /* no out page */
	ck_assert_ptr_null(mmsb_read(&r[0], -1));
	ck_assert_ptr_null(mmsb_read(&r[0], mmsb_page_count(m)));
	uint64_t n;
	const uint64_t *row, *col;
	ck_assert_int_eq(mmsb_read_entries(&r[0], id(m, "a"), &n, &row, &col), MMSB_TYPE);
	mmsb_read_end(&r[0]);
	mmsb_read_end(&r[0]);
	ck_assert_ptr_null(mmsb_read(&r[0], id(m, "a")));
	ok(mmsb_read_begin(m, &r[2], &err));
	ck_assert_int_eq(value_of(&r[2], "b", 5), 1);
	mmsb_read_end(&r[1]);
	mmsb_read_end(&r[2]);
	mmsb_instance_free(m);
}
END_TEST

/* With `copies` more than two, that many epochs later a commit finds no copy. */
static void stay_in_an_epoch(int copies)
{
	mmsb_instance *m = instance_of(program, 3, copies);
	char before[33], after[33];
	mmsb_reader r[3];
	uint64_t epoch = 0;
	int more = copies < 0 ? 0 : copies;
	for (int k = 0; k <= more; k++) {
		set(m, "x", 3, 10 + k);
		ok(mmsb_commit(m, &epoch, &err));
		ok(mmsb_read_begin(m, &r[k], &err));
	}
	set(m, "x", 3, 20); /* takes the back copy: all others are held */
	ok(mmsb_commit(m, &epoch, &err));
	set(m, "x", 3, 21);
	set(m, "x", 4, 1);
	ok(mmsb_digest(m, before, &err));
	for (int k = 0; k < 2; k++) {
		fails(mmsb_commit(m, NULL, &err), MMSB_BUSY, "copies of page");
		ok(mmsb_digest(m, after, &err));
		ck_assert_str_eq(before, after);
	}
	for (int k = 0; k <= more; k++) {
		ck_assert_int_eq(value_of(&r[k], "a", 3), 10 + k);
		ck_assert_int_eq(value_of(&r[k], "total", 0), 10 + k);
		ck_assert_int_eq(value_of(&r[k], "once", 0), 1);
	}
	mmsb_read_end(&r[more]);
	uint64_t next;
	ok(mmsb_commit(m, &next, &err));
	ck_assert_uint_eq(next, epoch + 1);
	ok(mmsb_read_begin(m, &r[more], &err));
	ck_assert_int_eq(value_of(&r[more], "total", 0), 22);
	for (int k = 0; k <= more; k++)
		mmsb_read_end(&r[k]);
	mmsb_stats stats;
	mmsb_stats_get(m, &stats);
	ck_assert(stats.epochs == next && stats.failed == 0);
	mmsb_instance_free(m);
}

START_TEST(copies_are_bounded)
{
	stay_in_an_epoch(-1);
	stay_in_an_epoch(1);
	stay_in_an_epoch(2);
}
END_TEST

START_TEST(failed_epochs_are_not_seen)
{
	mmsb_instance *m = instance_of(program, 1, -1);
	mmsb_reader r;
	for (int k = 0; k < 4; k++) {
		set(m, "x", 1, k);
		set(m, "d", 0, 1);
		ok(mmsb_commit(m, NULL, &err));
		set(m, "x", 2, 50 + k);
		set(m, "d", 0, 0);
		fails(mmsb_commit(m, NULL, &err), MMSB_FAULT, "zero");
		ok(mmsb_read_begin(m, &r, &err));
		ck_assert_uint_eq(r.epoch, (uint64_t)k + 1);
		ck_assert(value_of(&r, "a", 1) == k && value_of(&r, "a", 2) == 0 && value_of(&r, "total", 0) == k);
		mmsb_read_end(&r);
	}
	mmsb_instance_free(m);
}
END_TEST

START_TEST(sparse_pages_and_records)
{
	mmsb_instance *m = instance_of("record Q { size : u8; bid : f64; }\npage W : sparse f64[3, 3] in;\npage q : Q[2] in @soa;\n"
	                               "page V : sparse f64[3, 3] out like W;\npage p : Q[2] out @soa;\n"
	                               "edge V[i, j] <- 2 * W[i, j];\nedge p[i] <- q[i];\n", 2, 0);
	struct { uint8_t size; double bid; } q[2] = {{1, 10}, {2, 20}}, seen;
	uint64_t row[2] = {2, 0}, col[2] = {1, 2}, n;
	const uint64_t *at_row, *at_col;
	double w[2] = {5, 6}, value;
	mmsb_reader old, new;
	ok(mmsb_write(m, id(m, "q"), 0, 2, q, &err));
	ok(mmsb_insert(m, id(m, "W"), 2, row, col, w, &err));
	ok(mmsb_commit(m, NULL, &err));
	ok(mmsb_read_begin(m, &old, &err));
	ok(mmsb_erase(m, id(m, "W"), 1, row, col, &err));
	ok(mmsb_commit(m, NULL, &err));
	ok(mmsb_read_begin(m, &new, &err));
	ok(mmsb_read_entries(&old, id(m, "V"), &n, &at_row, &at_col));
	ck_assert(n == 2 && at_row[0] == 0 && at_col[0] == 2 && at_row[1] == 2 && at_col[1] == 1);
	ok(mmsb_read_entries(&new, id(m, "V"), &n, &at_row, &at_col));
	ck_assert(n == 1 && at_row[0] == 0 && at_col[0] == 2);
	memcpy(&value, mmsb_read(&new, id(m, "V")), sizeof value);
	ck_assert_double_eq(value, 12);
	memcpy(&seen, (const char *)mmsb_read(&new, id(m, "p")) + sizeof seen, sizeof seen);
	ck_assert(seen.size == 2 && seen.bid == 20);
	mmsb_read_end(&old);
	mmsb_read_end(&new);
	mmsb_instance_free(m);
}
END_TEST

/* What a reader sees of the last epoch is what the committing thread does. */
static void check_entries(mmsb_instance *m, mmsb_reader *r, int page)
{
	uint64_t n;
	const uint64_t *row, *col, *own_row, *own_col;
	mmsb_info info;
	ok(mmsb_page_info(m, page, &info));
	ok(mmsb_entries(m, page, &own_row, &own_col, &err));
	ok(mmsb_read_entries(r, page, &n, &row, &col));
	ck_assert_uint_eq(n, info.count);
	ck_assert(n == 0 || (memcmp(row, own_row, n * 8) == 0 && memcmp(col, own_col, n * 8) == 0 &&
	                     memcmp(mmsb_read(r, page), mmsb_data(m, page), n * 8) == 0));
}

/* Values change often, entries seldom; a reader stays now and then, epochs fail, and entries are sorted anew. */
START_TEST(values_of_sparse_pages)
{
	enum { ROWS = 40 };
	mmsb_instance *m = instance_of("page W : sparse i64[40, 40] in;\npage d : i64 in init 1;\npage V : sparse i64[40, 40] out like W;\n"
	                               "page once : i64 out;\nedge V[i, j] <- 2 * W[i, j];\nedge once <- 1 / d;\n", 2, 0);
	mmsb_reader stays = {0}, now;
	uint64_t state = 1;
	for (int epoch = 0; epoch < 400; epoch++) {
		uint64_t few = epoch % 50 == 1 ? 600 : 1 + (uint64_t)epoch % 3;
		for (uint64_t i = 0; i < few; i++) {
			state = state * 6364136223846793005u + 1442695040888963407u;
			uint64_t row = (state >> 33) % ROWS, col = few > 3 ? (state >> 45) % ROWS : row * 7 % ROWS;
			int64_t value = (int64_t)(state >> 20);
			if (epoch % 10 == 3)
				ok(mmsb_erase(m, id(m, "W"), 1, &row, &col, &err));
			else
				ok(mmsb_insert(m, id(m, "W"), 1, &row, &col, &value, &err));
		}
		bool bad = epoch % 7 == 6;
		set(m, "d", 0, !bad);
		ck_assert_int_eq(mmsb_commit(m, NULL, &err), bad ? MMSB_FAULT : MMSB_OK);
		ok(mmsb_read_begin(m, &now, &err));
		check_entries(m, &now, id(m, "V"));
		if (epoch % 16 == 5) {
			mmsb_read_end(&stays);
			stays = now;
		} else {
			mmsb_read_end(&now);
		}
	}
	mmsb_read_end(&stays);
	mmsb_instance_free(m);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("threads");
	TCase *all = tcase_create("threads");
	tcase_set_timeout(all, 300);
	tcase_add_test(all, staging_while_commits_run);
	tcase_add_test(all, staging_while_epochs_fail);
	tcase_add_test(all, readers_see_whole_epochs);
	tcase_add_test(all, busy_commits_lose_nothing);
	tcase_add_test(all, of_ticks_the_last_is_published);
	tcase_add_test(all, readers_begin_and_end);
	tcase_add_test(all, copies_are_bounded);
	tcase_add_test(all, failed_epochs_are_not_seen);
	tcase_add_test(all, sparse_pages_and_records);
	tcase_add_test(all, values_of_sparse_pages);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
