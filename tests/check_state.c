/* check_state.c - state folders through the API: what was committed is there again, bit for bit, however the folder was left; checkpoints refer to
 * older ones for what has not changed; what is damaged is told. (tests/property.c goes on from folders in random programs.) */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "io_instance.h"
#include "state/branch.h"
#include "state/state.h"
#include "unit.h"

static const char program[] =
	"param N;\npage x : f64[N] in;\npage big : f64[N] in;\npage y : f64[N] out;\npage s : f64 out;\npage W : sparse f64[9, 9] in;\n"
	"edge y[i] <- x[i] * 2 + prev y[i] * 0.5;\nedge s <- prev s + (sum[i] y[i]) + (sum[i] big[i]) + (sum[i, j] W[i, j]);\n";

static char folder[64];
static mmsb_error err;
static mmsb_schedule *compiled;

static void ok(int status) { ck_assert_msg(status == MMSB_OK, "%s", err.message); }

static void setup(void)
{
	strcpy(folder, "/tmp/mmsb-state-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	compiled = io_schedule(program);
	ck_assert_ptr_nonnull(compiled);
}

static void teardown(void)
{
	char command[100];
	snprintf(command, sizeof command, "rm -r %s", folder);
	ck_assert_int_eq(system(command), 0);
	mmsb_schedule_close(compiled);
}

static mmsb_instance *fresh(double n)
{
	mmsb_instance *m = io_instance(compiled);
	ck_assert_ptr_nonnull(m);
	if (n > 0)
		ok(mmsb_set_param(m, "N", n, &err));
	return m;
}

static void stage(mmsb_instance *m, uint64_t e)
{
	double value = (double)(e % 7) + 0.1;
	uint64_t at = e % 5, col = e % 9;
	ok(mmsb_scatter(m, mmsb_page(m, "x"), 1, &at, &value, &err));
	ok(mmsb_insert(m, mmsb_page(m, "W"), 1, &at, &col, &value, &err));
	if (e == 1)
		ok(mmsb_write(m, mmsb_page(m, "big"), 2, 1, &value, &err));
}

static void run_on(mmsb_instance *m, uint64_t to)
{
	while (m->epoch < to) {
		stage(m, m->epoch + 1);
		ok(mmsb_commit_from(m, m->epoch % 3 ? "desk" : NULL, NULL, &err));
	}
}

static mmsb_state *open_with(mmsb_instance *m, mmsb_state_options o)
{
	mmsb_state *s;
	o.size = sizeof o;
	ok(mmsb_state_open(&s, m, folder, &o, &err));
	return s;
}

static void same_as_uninterrupted(mmsb_instance *m, double n)
{
	char is[33], should[33];
	mmsb_instance *whole = fresh(n);
	run_on(whole, m->epoch);
	ok(mmsb_digest(whole, should, &err));
	ok(mmsb_digest(m, is, &err));
	ck_assert_str_eq(is, should);
	mmsb_instance_free(whole);
}

/* Opens, looks, and ends without closing, as a process that is killed: the log alone is let go. */
static void leave(mmsb_state *s, mmsb_instance *m)
{
	ok(mmsb_state_sync(s, &err));
	m->readonly = true; /* no checkpoint */
	ok(mmsb_state_close(s, &err));
	mmsb_instance_free(m);
}

static bool exists(const char *name)
{
	char path[200];
	struct stat st;
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return stat(path, &st) == 0;
}

START_TEST(goes_on)
{
	for (uint64_t epochs = 3; epochs < 40; epochs += 9) {
		mmsb_instance *m = fresh(epochs == 3 ? 20 : 0);
		mmsb_state *s = open_with(m, (mmsb_state_options){.durability = (int)(epochs / 9) % 4, .digest_every = 4, .checkpoint_epochs = 5});
		ck_assert_uint_eq(mmsb_state_epoch(s), epochs == 3 ? 0 : epochs - 9);
		ck_assert_str_eq(mmsb_state_note(s), "");
		run_on(m, epochs);
		same_as_uninterrupted(m, 20);
		if (epochs % 2) {
			ok(mmsb_state_close(s, &err));
			mmsb_instance_free(m);
		} else {
			leave(s, m);
		}
	}
}
END_TEST

START_TEST(ticks)
{
	mmsb_instance *m = fresh(20), *whole = fresh(20);
	mmsb_state *s = open_with(m, (mmsb_state_options){.digest_every = 4});
	char is[33], should[33];
	for (int i = 0; i < 2; i++) {
		mmsb_instance *to = i ? whole : m;
		stage(to, 1);
		ok(mmsb_commit(to, NULL, &err));
		ok(mmsb_ticks(to, 9, NULL, &err));
		stage(to, 2);
		ok(mmsb_commit(to, NULL, &err));
	}
	leave(s, m);
	m = fresh(0);
	s = open_with(m, (mmsb_state_options){.digest_every = 4});
	ck_assert_uint_eq(m->epoch, 11);
	ok(mmsb_digest(m, is, &err));
	ok(mmsb_digest(whole, should, &err));
	ck_assert_str_eq(is, should);
	ok(mmsb_state_close(s, &err));
	mmsb_instance_free(m);
	mmsb_instance_free(whole);
}
END_TEST

/* A large page that has not changed is in the first checkpoint's file alone, which stays as long as it is referred to. */
START_TEST(refers)
{
	const double n = 300000;
	mmsb_instance *m = fresh(n);
	mmsb_state *s = open_with(m, (mmsb_state_options){.keep = 1});
	run_on(m, 3);
	ok(mmsb_state_checkpoint(s, &err));
	run_on(m, 6); /* meanwhile */
	ok(mmsb_state_wait(s, &err));
	ck_assert_uint_eq(s->names.checkpoints[0].epoch, 3);
	ok(mmsb_state_checkpoint(s, &err));
	ok(mmsb_state_wait(s, &err));
	ck_assert_uint_eq(s->names.n_checkpoints, 1);
	ck_assert_uint_eq(s->names.checkpoints[0].epoch, 6);
	ck_assert_uint_eq(s->names.checkpoints[0].n_bases, 1);
	ck_assert(exists("checkpoint-00000000000000000003"));
	leave(s, m);
	m = fresh(0);
	s = open_with(m, (mmsb_state_options){.keep = 1});
	ck_assert_uint_eq(m->epoch, 6);
	same_as_uninterrupted(m, n);
	run_on(m, 8);
	same_as_uninterrupted(m, n);
	double value = 3;
	ok(mmsb_write(m, mmsb_page(m, "big"), 7, 1, &value, &err));
	ok(mmsb_commit(m, NULL, &err));
	ok(mmsb_state_close(s, &err));
	ck_assert(!exists("checkpoint-00000000000000000003"));
	ck_assert(exists("checkpoint-00000000000000000009"));
	mmsb_instance_free(m);
}
END_TEST

/* More entries than a commit should wait for: a child has the pages as they were. */
START_TEST(by_a_child)
{
	enum { ROWS = 1500, COLS = 800 };
	mmsb_schedule *sparse = io_schedule("page M : sparse f64[1500, 1000] in;\npage x : f64[5000] in;\npage y : f64[5000] out;\npage s : f64 out;\n"
	                                    "edge y[i] <- prev y[i] + x[i];\nedge s <- sum[i, j] M[i, j];\n");
	mmsb_instance *m = io_instance(sparse);
	mmsb_state *s = open_with(m, (mmsb_state_options){.keep = 1});
	char was[33], is[33];
	uint64_t row[COLS], col[COLS];
	double value[COLS];
	for (uint64_t i = 0; i < ROWS; i++) {
		for (uint64_t j = 0; j < COLS; j++)
			row[j] = i, col[j] = (i + j) % 1000, value[j] = (double)(i * j % 17);
		ok(mmsb_insert(m, mmsb_page(m, "M"), COLS, row, col, value, &err));
	}
	ok(mmsb_commit(m, NULL, &err));
	ok(mmsb_state_checkpoint(s, &err));
	ck_assert_int_gt(s->shot.child, 0);
	for (uint64_t e = 0; e < 20; e++) {
		ok(mmsb_erase(m, mmsb_page(m, "M"), COLS / 20, row + e * COLS / 20, col + e * COLS / 20, &err));
		ok(mmsb_scatter(m, mmsb_page(m, "x"), COLS, col, value, &err));
		ok(mmsb_commit(m, NULL, &err));
	}
	ok(mmsb_state_wait(s, &err));
	ck_assert_uint_eq(s->names.checkpoints[0].epoch, 1);
	ok(mmsb_digest(m, was, &err));
	leave(s, m);
	m = io_instance(sparse);
	s = open_with(m, (mmsb_state_options){.keep = 1});
	ck_assert_uint_eq(s->checkpoint_epoch, 1);
	ok(mmsb_digest(m, is, &err));
	ck_assert_str_eq(is, was);
	leave(s, m);
	mmsb_schedule_close(sparse);
}
END_TEST

static void flip(const char *name, long at)
{
	char path[200];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "r+b");
	ck_assert_ptr_nonnull(f);
	fseek(f, at, at < 0 ? SEEK_END : SEEK_SET);
	int c = fgetc(f);
	fseek(f, at, at < 0 ? SEEK_END : SEEK_SET);
	fputc(c ^ 0x20, f);
	fclose(f);
}

/* A large part that is taken on trust and is wrong: found later, the instance is read-only then, and the next opening goes another way. */
START_TEST(found_later)
{
	const double n = 300000;
	mmsb_instance *m = fresh(n);
	mmsb_state *s = open_with(m, (mmsb_state_options){.keep = 2});
	run_on(m, 2);
	ok(mmsb_state_checkpoint(s, &err));
	ok(mmsb_state_wait(s, &err));
	run_on(m, 4);
	ok(mmsb_state_close(s, &err));
	mmsb_instance_free(m);
	flip("checkpoint-00000000000000000004", 1 << 20);
	m = fresh(0);
	s = open_with(m, (mmsb_state_options){.keep = 2});
	ck_assert_uint_eq(m->epoch, 4);
	for (int i = 0; i < 1000 && !atomic_load(&s->failed); i++)
		usleep(10000);
	stage(m, 5);
	ck_assert_int_eq(mmsb_commit(m, NULL, &err), MMSB_FORMAT);
	ck_assert_ptr_nonnull(strstr(err.message, "damaged"));
	ck_assert_int_eq(mmsb_commit(m, NULL, &err), MMSB_READONLY);
	mmsb_state_close(s, &err);
	mmsb_instance_free(m);
	m = fresh(0);
	s = open_with(m, (mmsb_state_options){.keep = 2});
	ck_assert_uint_eq(m->epoch, 4);
	same_as_uninterrupted(m, n);
	ok(mmsb_state_close(s, &err));
	mmsb_instance_free(m);
}
END_TEST

/* A checkpoint whose header is wrong is passed over, with a note, also where nobody asks for errors. */
START_TEST(passed_over)
{
	mmsb_instance *m = fresh(20);
	mmsb_state *s = open_with(m, (mmsb_state_options){.keep = 2}), *again = NULL;
	run_on(m, 4);
	ok(mmsb_state_close(s, &err));
	mmsb_instance_free(m);
	flip("checkpoint-00000000000000000004", 40);
	m = fresh(0);
	ok(mmsb_state_open(&again, m, folder, NULL, NULL));
	ck_assert_uint_eq(m->epoch, 4);
	ck_assert_ptr_nonnull(strstr(mmsb_state_note(again), "passed over"));
	same_as_uninterrupted(m, 20);
	ok(mmsb_state_close(again, NULL));
	mmsb_instance_free(m);
}
END_TEST

/* A checkpoint that cannot be begun hinders no commit; mmsb_state_wait tells of it, and the next that is due is made. */
START_TEST(cannot_begin)
{
	char path[200];
	mmsb_instance *m = fresh(20);
	mmsb_state *s = open_with(m, (mmsb_state_options){.checkpoint_epochs = 3});
	snprintf(path, sizeof path, "%s/checkpoint-00000000000000000003.new", folder);
	run_on(m, 2);
	ck_assert_int_eq(mkdir(path, 0777), 0);
	run_on(m, 5);
	ck_assert_int_eq(mmsb_state_wait(s, &err), MMSB_IO);
	ck_assert_ptr_nonnull(strstr(err.message, "checkpoint-00000000000000000003"));
	ck_assert(!exists("checkpoint-00000000000000000004") && !exists("checkpoint-00000000000000000005"));
	run_on(m, 6);
	ok(mmsb_state_wait(s, &err));
	ck_assert(exists("checkpoint-00000000000000000006"));
	ck_assert_int_eq(rmdir(path), 0);
	ok(mmsb_state_close(s, &err));
	mmsb_instance_free(m);
}
END_TEST

/* The log is cut off amid its last record, or says another digest. */
START_TEST(damaged_log)
{
	mmsb_instance *m = fresh(20);
	mmsb_state *s = open_with(m, (mmsb_state_options){.digest_every = UINT64_MAX});
	run_on(m, 6);
	leave(s, m);
	char path[200];
	snprintf(path, sizeof path, "%s/log-00000000000000000001", folder);
	FILE *f = fopen(path, "rb");
	static uint8_t bytes[1 << 22];
	ck_assert_ptr_nonnull(f);
	size_t n = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	while (n > 0 && bytes[n - 1] == 0)
		n--;
	flip("log-00000000000000000001", (long)n - 3);
	m = fresh(0);
	s = open_with(m, (mmsb_state_options){.digest_every = UINT64_MAX});
	ck_assert_uint_eq(m->epoch, 5);
	ck_assert_ptr_nonnull(strstr(mmsb_state_note(s), "behind epoch 5"));
	same_as_uninterrupted(m, 20);
	run_on(m, 7);
	leave(s, m);
	m = fresh(0);
	s = open_with(m, (mmsb_state_options){.digest_every = UINT64_MAX});
	ck_assert_uint_eq(m->epoch, 7);
	ck_assert_str_eq(mmsb_state_note(s), "");
	same_as_uninterrupted(m, 20);
	leave(s, m);
	flip("log-00000000000000000001", 400); /* amid what was durable */
	m = fresh(0);
	ck_assert_int_eq(mmsb_state_open(&s, m, folder, NULL, &err), MMSB_FORMAT);
	ck_assert_ptr_nonnull(strstr(err.message, "mmsb log repair"));
	mmsb_instance_free(m);
}
END_TEST

/* A process that is killed before its first epoch is on the disk leaves a log without one: the next begins, with params of its own. */
START_TEST(left_before_the_first_epoch)
{
	for (int torn = 0; torn < 2; torn++) {
		mmsb_instance *m = fresh(21);
		mmsb_state *s = open_with(m, (mmsb_state_options){.digest_every = UINT64_MAX});
		run_on(m, 1);
		leave(s, m);
		log_reader *r;
		log_record record;
		char path[200];
		snprintf(path, sizeof path, "%s/log-00000000000000000001", folder);
		ok(log_read_open(&r, &vfs_machine, path, &err));
		ck_assert_int_eq(log_next(r, &record), LOG_GOES_ON);
		ck_assert_int_eq(log_next(r, &record), LOG_GOES_ON);
		log_read_close(r);
		ck_assert_int_eq(truncate(path, (off_t)record.at + torn * 20), 0);
		m = fresh(0);
		s = open_with(m, (mmsb_state_options){.digest_every = UINT64_MAX});
		ck_assert_uint_eq(mmsb_state_epoch(s), 0);
		ck_assert_int_eq(mmsb_state_note(s)[0] != '\0', torn);
		ok(mmsb_set_param(m, "N", 20, &err));
		run_on(m, 3);
		leave(s, m);
		m = fresh(0);
		s = open_with(m, (mmsb_state_options){.digest_every = UINT64_MAX});
		ck_assert_uint_eq(mmsb_state_epoch(s), 3);
		same_as_uninterrupted(m, 20);
		leave(s, m);
		teardown();
		setup();
	}
}
END_TEST

/* A digest of the log that the state has not. */
START_TEST(wrong_digest)
{
	mmsb_instance *m = fresh(20);
	mmsb_state *s = open_with(m, (mmsb_state_options){.digest_every = UINT64_MAX});
	run_on(m, 3);
	static const uint8_t digest[16] = {0xab, 0xcd};
	ok(log_append_digest(s->log, 3, digest, &err));
	leave(s, m);
	m = fresh(0);
	ck_assert_int_eq(mmsb_state_open(&s, m, folder, NULL, &err), MMSB_FAULT);
	ck_assert_ptr_nonnull(strstr(err.message, "abcd0000000000000000000000000000"));
	mmsb_instance_free(m);
}
END_TEST

START_TEST(refuses)
{
	mmsb_instance *m = fresh(20), *other = fresh(20);
	mmsb_state *s = open_with(m, (mmsb_state_options){.keep = 2}), *second;
	ck_assert_int_eq(mmsb_state_checkpoint(s, &err), MMSB_ORDER);
	ck_assert_int_eq(mmsb_state_open(&second, m, folder, NULL, &err), MMSB_ORDER);
	ck_assert_int_eq(mmsb_state_open(&second, other, folder, NULL, &err), MMSB_BUSY);
	ck_assert_int_eq(mmsb_state_open(&second, other, "", NULL, &err), MMSB_USAGE);
	run_on(m, 2);
	ok(mmsb_state_close(s, &err));
	stage(other, 1);
	ck_assert_int_eq(mmsb_state_open(&second, other, folder, NULL, &err), MMSB_ORDER);
	mmsb_instance_free(m);
	mmsb_instance_free(other);
	m = fresh(21);
	ck_assert_int_eq(mmsb_state_open(&s, m, folder, NULL, &err), MMSB_SHAPE);
	mmsb_instance_free(m);
}
END_TEST

static int denied;
static int open_denied(void *at, const char *path, int flags)
{
	return flags & VFS_WRITE ? denied : vfs_machine.ops->open(at, path, flags);
}

/* Who may only read is told so, by whoever would write; looking is allowed. (Modes of files do not hold back who runs tests as root.) */
START_TEST(only_readable)
{
	vfs_ops ops = *vfs_machine.ops;
	const vfs reading = {&ops, NULL};
	mmsb_instance *m = fresh(9);
	mmsb_state *s = open_with(m, (mmsb_state_options){.size = 0});
	run_on(m, 3);
	ok(mmsb_state_close(s, &err));
	mmsb_instance_free(m);
	ops.open = open_denied;
	for (int i = 0; i < 2; i++) {
		compacted done;
		history *h;
		denied = i ? -EROFS : -EACCES;
		m = fresh(9);
		ck_assert_int_eq(state_open(&s, &reading, m, folder, NULL, &err), MMSB_IO);
		ck_assert_msg(strstr(err.message, "cannot be written to") && strstr(err.message, folder), "%s", err.message);
		mmsb_instance_free(m);
		ck_assert_int_eq(compact_log(&reading, folder, 3, &done, &err), MMSB_IO);
		ck_assert_msg(strstr(err.message, "cannot be written to") && strstr(err.message, folder), "%s", err.message);
		ok(history_open(&h, &reading, folder, &err));
		ck_assert_uint_eq(h->last, 3);
		history_close(h);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("state");
	TCase *c = tcase_create("state");
	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, goes_on);
	tcase_add_test(c, ticks);
	tcase_add_test(c, refers);
	tcase_add_test(c, by_a_child);
	tcase_add_test(c, found_later);
	tcase_add_test(c, passed_over);
	tcase_add_test(c, cannot_begin);
	tcase_add_test(c, damaged_log);
	tcase_add_test(c, left_before_the_first_epoch);
	tcase_add_test(c, wrong_digest);
	tcase_add_test(c, refuses);
	tcase_add_test(c, only_readable);
	suite_add_tcase(s, c);
	return unit_run(s);
}
