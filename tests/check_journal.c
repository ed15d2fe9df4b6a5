/* check_journal.c - what a commit tells a journal, in which order, and what a journal that fails leaves behind: the pages as before, and an
 * instance that is read but not changed. */
#include "io_instance.h"
#include "runtime/instance.h"
#include "unit.h"

static const char program[] = "page x : f64[4] in;\npage s : f64 out;\npage n : i64 out;\npage d : i64 in;\npage q : i64 out;\n"
                              "edge s <- prev s + (sum[i] x[i]);\nedge n <- prev n + 1;\nedge q <- (prev n + 6) / (prev n - d);\n";

/* A journal that writes its calls down, and fails the one it is told to. */
typedef struct fake {
	char calls[400];
	const char *fails; /* the call that fails: a, t, w, f(after) and the epoch */
	uint64_t total;    /* deltas that were still to be seen when it was told of an epoch */
	uint64_t shown;    /* the epoch that stood then */
} fake;

static int call(fake *f, mmsb_error *err, char what, uint64_t epoch, const char *more)
{
	char text[60];
	snprintf(text, sizeof text, "%c%d", what, (int)epoch);
	snprintf(f->calls + strlen(f->calls), sizeof f->calls - strlen(f->calls), "%s%s ", text, more);
	if (!f->fails || strcmp(f->fails, text) != 0)
		return MMSB_OK;
	strcpy(err->message, "the disk is full");
	return err->status = MMSB_IO;
}

static int append(void *at, mmsb_instance *m, uint64_t epoch, const char *source, mmsb_error *err)
{
	char more[40];
	fake *f = at;
	f->total = staging_empty(m) ? 0 : 1;
	f->shown = m->epoch;
	snprintf(more, sizeof more, "%s%s", source ? "@" : "", source ? source : "");
	return call(f, err, 'a', epoch, more);
}

static int append_ticks(void *at, mmsb_instance *m, uint64_t last, uint64_t n, const char *source, mmsb_error *err)
{
	char more[40];
	(void)m;
	snprintf(more, sizeof more, "x%d%s", (int)n, source ? source : "");
	return call(at, err, 't', last, more);
}

static int wait_for(void *at, mmsb_instance *m, uint64_t epoch, mmsb_error *err)
{
	ck_assert_uint_le(m->epoch, epoch);
	return call(at, err, 'w', epoch, "");
}

static int after(void *at, mmsb_instance *m, uint64_t epoch, mmsb_error *err)
{
	ck_assert_uint_eq(m->epoch, epoch);
	return call(at, err, 'f', epoch, "");
}

static void gone(void *at) { strcat(((fake *)at)->calls, "gone"); }

static const journal_ops ops = {append, append_ticks, wait_for, after, gone};

static mmsb_error err;
static mmsb_schedule *compiled;
static mmsb_instance *m;
static fake f;

static void setup(void)
{
	compiled = io_schedule(program);
	m = io_instance(compiled);
	ck_assert_ptr_nonnull(m);
	f = (fake){.fails = NULL};
	m->journal = (journal){&ops, &f};
}

static void teardown(void)
{
	mmsb_instance_free(m);
	mmsb_schedule_close(compiled);
}

static void ok(int status) { ck_assert_msg(status == MMSB_OK, "%s", err.message); }

static void put(double value) { ok(mmsb_write(m, mmsb_page(m, "x"), 1, 1, &value, &err)); }

static void put_divisor(int64_t value) { ok(mmsb_write(m, mmsb_page(m, "d"), 0, 1, &value, &err)); }

static void commit(double value)
{
	put(value);
	ok(mmsb_commit(m, NULL, &err));
}

/* Three epochs, of which the first divides by something. */
static void begin(void)
{
	put_divisor(-7);
	commit(1);
	commit(2);
	commit(3);
	f.calls[0] = '\0';
}

static void digest(char hex[33]) { ok(mmsb_digest(m, hex, &err)); }

START_TEST(order)
{
	put_divisor(-7);
	put(1);
	uint64_t epoch;
	ok(mmsb_commit_from(m, "desk", &epoch, &err));
	ck_assert_uint_eq(epoch, 1);
	ck_assert_uint_eq(f.shown, 0);
	commit(2);
	ok(mmsb_ticks(m, 3, &epoch, &err));
	ck_assert_uint_eq(epoch, 5);
	ok(mmsb_ticks(m, 0, NULL, &err));
	commit(3);
	ck_assert_str_eq(f.calls, "a1@desk w1 f1 a2 w2 f2 t5x3 w5 f5 a6 w6 f6 ");
	mmsb_instance_free(m);
	m = NULL;
	ck_assert(strstr(f.calls, "gone") != NULL);
}
END_TEST

/* An epoch that fails is never told. */
START_TEST(failed_epoch)
{
	begin();
	put_divisor(3); /* prev n */
	ck_assert_int_eq(mmsb_commit(m, NULL, &err), MMSB_FAULT);
	ck_assert_str_eq(f.calls, "");
	commit(5);
	ck_assert_str_eq(f.calls, "a4 w4 f4 ");
	/* of ticks, those before it are */
	put_divisor(6);
	ok(mmsb_commit(m, NULL, &err));
	uint64_t epoch = 0;
	f.calls[0] = '\0';
	ck_assert_int_eq(mmsb_ticks(m, 5, &epoch, &err), MMSB_FAULT);
	ck_assert_uint_eq(epoch, 6);
	ck_assert_uint_eq(m->epoch, 6);
	ck_assert_str_eq(f.calls, "t6x1 w6 f6 ");
}
END_TEST

static void fails_at(const char *what)
{
	char before[33], after_it[33];
	begin();
	digest(before);
	f.fails = what;
	put(8);
	uint64_t epoch = 0;
	ck_assert_int_eq(mmsb_commit(m, &epoch, &err), MMSB_IO);
	ck_assert(strstr(err.message, "the disk is full") != NULL);
	ck_assert_uint_eq(epoch, 0);
	ck_assert_uint_eq(m->epoch, 3);
	digest(after_it);
	ck_assert_str_eq(before, after_it);
	f.fails = NULL;
	f.calls[0] = '\0';
	put(9);
	ck_assert_int_eq(mmsb_commit(m, NULL, &err), MMSB_READONLY);
	ck_assert(strstr(err.message, "the disk is full") != NULL);
	mmsb_discard(m);
	ck_assert_int_eq(mmsb_ticks(m, 1, NULL, &err), MMSB_READONLY);
	ck_assert_str_eq(f.calls, "");
	digest(after_it);
	ck_assert_str_eq(before, after_it);
	ck_assert_ptr_nonnull(mmsb_data(m, mmsb_page(m, "s")));
}

START_TEST(append_fails) { fails_at("a4"); }
END_TEST
START_TEST(wait_fails) { fails_at("w4"); }
END_TEST

START_TEST(after_fails)
{
	begin();
	f.fails = "f4";
	put(8);
	uint64_t epoch = 0;
	ck_assert_int_eq(mmsb_commit(m, &epoch, &err), MMSB_IO);
	ck_assert_uint_eq(epoch, 4);
	ck_assert_uint_eq(m->epoch, 4);
	ck_assert_int_eq(mmsb_commit(m, NULL, &err), MMSB_READONLY);
}
END_TEST

START_TEST(ticks_fail)
{
	begin();
	f.fails = "t5";
	ck_assert_int_eq(mmsb_ticks(m, 2, NULL, &err), MMSB_IO);
	ck_assert_int_eq(mmsb_commit(m, NULL, &err), MMSB_READONLY);
	ck_assert_str_eq(f.calls, "t5x2 ");
}
END_TEST

/* Concurrent readers see an epoch of ticks when the journal has it, and none that it has not. */
START_TEST(readers)
{
	mmsb_instance_free(m);
	mmsb_options options = {.size = sizeof options, .threads = 1, .readers = 2};
	ok(mmsb_instance_new(&m, compiled, &options, &err));
	f.calls[0] = '\0';
	m->journal = (journal){&ops, &f};
	begin();
	ok(mmsb_ticks(m, 2, NULL, &err));
	mmsb_reader r;
	ok(mmsb_read_begin(m, &r, &err));
	ck_assert_uint_eq(r.epoch, 5);
	ck_assert(*(const int64_t *)mmsb_read(&r, mmsb_page(m, "n")) == 5);
	mmsb_read_end(&r);
	f.fails = "w7";
	ck_assert_int_eq(mmsb_ticks(m, 2, NULL, &err), MMSB_IO);
	ok(mmsb_read_begin(m, &r, &err));
	ck_assert_uint_eq(r.epoch, 5);
	ck_assert(*(const int64_t *)mmsb_read(&r, mmsb_page(m, "n")) == 5);
	mmsb_read_end(&r);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("journal");
	TCase *c = tcase_create("journal");
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, order);
	tcase_add_test(c, failed_epoch);
	tcase_add_test(c, append_fails);
	tcase_add_test(c, wait_fails);
	tcase_add_test(c, after_fails);
	tcase_add_test(c, ticks_fail);
	tcase_add_test(c, readers);
	suite_add_tcase(s, c);
	return unit_run(s);
}
