/* An instance whose passes run on a device that is emulated (tests/cuda_host): each call of the driver fails once, memory runs out, an element fails; what
 * was taken is given back. What the bits are is looked at by tests/cuda.sh. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "cuda_host/compile.h"
#include "cuda_programs.h"
#include "io_instance.h"
#include "../gpu/driver.h"
#include "../runtime/device.h"
#include "../runtime/instance.h"
#include "unit.h"

enum { N = 600 };

static long (*fake_fail)(long);
static long (*fake_live)(void);
static char folder[64];

/* The schedule of a program, with its kernels. */
static mmsb_schedule *made(const char *text, const char *name)
{
	mmsb_schedule *s = io_schedule(text);
	mmsb_error err;
	char image[160];
	ck_assert_ptr_nonnull(s);
	int n = snprintf(image, sizeof image, "MMSB-FAKE\n%s/%s\n", folder, name);
	ck_assert_int_eq(device_attach(s, image, (size_t)n + 1, &err), MMSB_OK);
	return s;
}

static int instance(mmsb_schedule *s, int executor, mmsb_instance **out, mmsb_error *err)
{
	mmsb_options options = {.size = sizeof options, .threads = 1, .executor = executor};
	return mmsb_instance_new(out, s, &options, err);
}

/* Entries come, two of them again with other values, and one goes. */
static void stage_entries(mmsb_instance *m, int e)
{
	uint64_t row[N], col[N];
	double w[N];
	mmsb_error err;
	int n = e == 1 ? N : 3;
	for (int i = 0; i < n; i++) {
		row[i] = (uint64_t)(i * i + e) % (e == 1 ? 40 : N);
		col[i] = (uint64_t)(i * 7 + 11 * e) % N;
		w[i] = (i + e) / 4.0;
	}
	ck_assert_int_eq(mmsb_insert(m, mmsb_page(m, "w"), (size_t)n, row, col, w, &err), MMSB_OK);
	if (e > 2)
		ck_assert_int_eq(mmsb_erase(m, mmsb_page(m, "w"), 1, row, col, &err), MMSB_OK);
}

/* Changes of epoch e: all, few, many. */
static void stage(mmsb_instance *m, int e)
{
	static double x[N];
	static int64_t d[N];
	static uint32_t k[N];
	mmsb_error err;
	for (int i = 0; i < N; i++) {
		x[i] = (i * 37 + e) % 101 / 10.0;
		d[i] = 1 + (i + e) % 7;
		k[i] = (uint32_t)(i * 7 + e) % N;
	}
	int step = e == 1 ? N : e == 2 ? 5 : N / 2;
	ck_assert_int_eq(mmsb_write(m, mmsb_page(m, "x"), 0, (size_t)step, x, &err), MMSB_OK);
	if (e == 2)
		ck_assert_int_eq(mmsb_write(m, mmsb_page(m, "x"), 590, 1, x + 10, &err), MMSB_OK);
	if (mmsb_page(m, "w") >= 0)
		stage_entries(m, e);
	if (e != 2 && mmsb_page(m, "d") >= 0)
		ck_assert_int_eq(mmsb_write(m, mmsb_page(m, "d"), 0, (size_t)step, d, &err), MMSB_OK);
	ck_assert_int_eq(mmsb_write(m, mmsb_page(m, "k"), 0, (size_t)step, k, &err), MMSB_OK);
}

enum { EPOCHS = 4 };

/* The digests of the CPU. */
static void expect(mmsb_schedule *s, char digest[EPOCHS + 1][33])
{
	mmsb_instance *m;
	mmsb_error err;
	ck_assert_int_eq(instance(s, MMSB_PORTABLE, &m, &err), MMSB_OK);
	for (int e = 1; e <= EPOCHS; e++) {
		stage(m, e);
		ck_assert_int_eq(mmsb_commit(m, NULL, &err), MMSB_OK);
		ck_assert_int_eq(mmsb_digest(m, digest[e], &err), MMSB_OK);
	}
	mmsb_instance_free(m);
}

/* The n-th call fails (0: none): an epoch fails, and changes nothing; the CPU does it again. */
static void run_failing(mmsb_schedule *s, char digest[EPOCHS + 1][33], long n)
{
	mmsb_instance *m = NULL;
	mmsb_error err = {.message = ""};
	int failures = 0;
	fake_fail(n);
	int status = instance(s, MMSB_CUDA, &m, &err);
	if (status) {
		ck_assert_msg(status == MMSB_DEVICE || status == MMSB_FORMAT, "call %ld: %s", n, err.message);
		ck_assert_ptr_null(m);
	}
	for (int e = 1; e <= EPOCHS && !status; e++) {
		char hex[33];
		stage(m, e);
		int commit = mmsb_commit(m, NULL, &err);
		if (commit) {
			ck_assert_msg(commit == MMSB_DEVICE && strstr(err.message, "CUDA"), "call %ld, epoch %d: %s", n, e, err.message);
			failures++;
			if (e > 1) {
				ck_assert_int_eq(mmsb_digest(m, hex, &err), MMSB_OK);
				ck_assert_msg(strcmp(hex, digest[e - 1]) == 0, "call %ld: epoch %d, which failed, left something", n, e);
			}
			stage(m, e);
			ck_assert_int_eq(mmsb_commit(m, NULL, &err), MMSB_OK);
		}
		ck_assert_int_eq(mmsb_digest(m, hex, &err), MMSB_OK);
		ck_assert_msg(strcmp(hex, digest[e]) == 0, "call %ld: epoch %d has other values", n, e);
	}
	ck_assert_int_le(failures, 1);
	mmsb_instance_free(m);
	ck_assert_msg(fake_live() == 0, "call %ld: %ld things are not given back", n, fake_live());
}

/* Each call, or one in `step`, fails in a run of its own. */
static void fail_all(const char *text, const char *name, long step)
{
	char digest[EPOCHS + 1][33] = {""};
	mmsb_schedule *s = made(text, name);
	expect(s, digest);
	run_failing(s, digest, 0);
	long calls = fake_fail(0);
	ck_assert_int_gt(calls, 100);
	for (long n = 1; n <= calls; n += step)
		run_failing(s, digest, n);
	mmsb_schedule_close(s);
}

START_TEST(test_failing_calls)
{
	fail_all(program, "program", 1);
}
END_TEST

START_TEST(test_failing_calls_near)
{
	fail_all(near, "near", 1);
}
END_TEST

START_TEST(test_failing_calls_ticking)
{
	fail_all(ticking, "ticking", 1);
}
END_TEST

START_TEST(test_failing_calls_settling)
{
	fail_all(settling, "settling", 23);
}
END_TEST

START_TEST(test_failing_calls_exact)
{
	fail_all(exact, "exact", 29);
}
END_TEST

START_TEST(test_failing_calls_guarded)
{
	fail_all(guarded, "guarded", 1);
}
END_TEST

static device_figures figures(const mmsb_instance *m)
{
	device_figures f;
	cuda_device.figures(m->device, &f);
	return f;
}

/* Two instances, one of them on the device, after epoch 1. */
static void begin_both(mmsb_schedule *s, mmsb_instance *m[2])
{
	mmsb_error err;
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(instance(s, i ? MMSB_CUDA : MMSB_PORTABLE, &m[i], &err), MMSB_OK);
		stage(m[i], 1);
		ck_assert_int_eq(mmsb_commit(m[i], NULL, &err), MMSB_OK);
	}
}

static void ck_same(mmsb_instance *const m[2], const char *name)
{
	const void *a = mmsb_data(m[0], mmsb_page(m[0], name)), *b = mmsb_data(m[1], mmsb_page(m[1], name));
	ck_assert_ptr_nonnull(a);
	ck_assert_ptr_nonnull(b);
	ck_assert_msg(memcmp(a, b, N * sizeof(double)) == 0, "page %s has other values", name);
}

/* Values that only the device needs stay there until somebody asks. */
START_TEST(test_stays)
{
	enum { WORDS = 768 / 8 /* of marks of a page */ };
	mmsb_schedule *s = made(near, "near");
	mmsb_instance *m[2];
	mmsb_error err;
	begin_both(s, m);
	uint64_t down = figures(m[1]).bytes_down;
	for (int i = 0; i < 2; i++) {
		stage(m[i], 3);
		ck_assert_int_eq(mmsb_commit(m[i], NULL, &err), MMSB_OK);
	}
	uint64_t epoch = figures(m[1]).bytes_down - down; /* g, t, marks and what fails of five passes */
	ck_assert_uint_le(epoch, (N + 1) * sizeof(double) + 5 * (WORDS + 8));
	ck_same(m, "a");
	ck_same(m, "b");
	ck_same(m, "c");
	ck_assert_uint_eq(figures(m[1]).bytes_down - down - epoch, 3 * N * sizeof(double));
	ck_same(m, "c");
	ck_assert_uint_eq(figures(m[1]).bytes_down - down - epoch, 3 * N * sizeof(double));
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(mmsb_watch(m[i], mmsb_page(m[i], "c"), &err), MMSB_OK);
		stage(m[i], 4);
		ck_assert_int_eq(mmsb_commit(m[i], NULL, &err), MMSB_OK);
	}
	ck_assert(!m[1]->pages[mmsb_page(m[1], "c")].away && m[1]->pages[mmsb_page(m[1], "b")].away);
	ck_same(m, "c");
	for (int i = 0; i < 2; i++)
		mmsb_instance_free(m[i]);
	mmsb_schedule_close(s);
}
END_TEST

/* An epoch of deltas that begins or ends with a zero divisor in b or in s: both fail, and say the same. */
static void fail_both(mmsb_instance *const m[2], int64_t divisor, int n)
{
	static double x[N];
	static int64_t d[N];
	mmsb_error why[2], err;
	for (int i = 0; i < n; i++)
		x[i] = 1000 + i + n;
	for (int i = 0; i < N; i++)
		d[i] = i == 11 ? divisor : 5 + i % 3;
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(mmsb_write(m[i], mmsb_page(m[i], "x"), 0, (size_t)n, x, &err), MMSB_OK);
		ck_assert_int_eq(mmsb_write(m[i], mmsb_page(m[i], "d"), 0, 12, d, &err), MMSB_OK);
		ck_assert_int_eq(mmsb_commit(m[i], NULL, &why[i]), MMSB_FAULT);
	}
	ck_assert_str_eq(why[0].message, why[1].message);
}

/* What a failed epoch has overwritten on the device is put back there. */
START_TEST(test_put_back)
{
	mmsb_schedule *s = made(guarded, "guarded");
	mmsb_instance *m[2];
	mmsb_error err;
	begin_both(s, m);
	for (int e = 2; e <= 9; e++) {
		fail_both(m, e % 2 ? 0 : 9, e % 3 ? 2 : 300);
		if (e == 3 || e == 7)
			ck_same(m, "a");
		if (e == 5)
			ck_same(m, "b");
		for (int i = 0; i < 2; i++) {
			int64_t d[12] = {5, 6, 7, 5, 6, 7, 5, 6, 7, 5, 6, 7};
			double x = e;
			ck_assert_int_eq(mmsb_write(m[i], mmsb_page(m[i], "d"), 0, 12, d, &err), MMSB_OK);
			ck_assert_int_eq(mmsb_write(m[i], mmsb_page(m[i], "x"), (uint64_t)e * 9, 1, &x, &err), MMSB_OK);
			ck_assert_int_eq(mmsb_commit(m[i], NULL, &err), MMSB_OK);
			if (e == 4)
				ck_assert_int_eq(mmsb_ticks(m[i], 3, NULL, &err), MMSB_OK);
		}
		ck_assert(m[1]->pages[mmsb_page(m[1], "b")].away && m[1]->pages[mmsb_page(m[1], "a")].away);
		ck_same(m, "r");
		ck_same(m, "s");
	}
	ck_same(m, "a");
	ck_same(m, "b");
	for (int i = 0; i < 2; i++) /* from here on they come home */
		ck_assert_int_eq(mmsb_watch(m[i], mmsb_page(m[i], "b"), &err), MMSB_OK);
	fail_both(m, 9, 40);
	fail_both(m, 0, 40);
	ck_same(m, "b");
	ck_same(m, "r");
	for (int i = 0; i < 2; i++)
		mmsb_instance_free(m[i]);
	mmsb_schedule_close(s);
}
END_TEST

/* The device is lost with values of a program that has state; then an epoch fails on the CPU. */
START_TEST(test_lost_state)
{
	mmsb_schedule *s = made(guarded, "guarded");
	mmsb_instance *m[2];
	mmsb_error err;
	begin_both(s, m);
	fake_fail(1);
	ck_assert_ptr_null(mmsb_data(m[1], mmsb_page(m[1], "b")));
	fake_fail(0);
	ck_same(m, "r");
	fail_both(m, 0, 40);
	ck_assert_ptr_null(mmsb_data(m[1], mmsb_page(m[1], "b")));
	ck_same(m, "r");
	fail_both(m, 9, 300);
	ck_same(m, "s");
	for (int e = 2; e < 5; e++)
		for (int i = 0; i < 2; i++) {
			int64_t d[12] = {5, 6, 7, 5, 6, 7, 5, 6, 7, 5, 6, 7};
			double x = e;
			ck_assert_int_eq(mmsb_write(m[i], mmsb_page(m[i], "d"), 0, 12, d, &err), MMSB_OK);
			ck_assert_int_eq(mmsb_write(m[i], mmsb_page(m[i], "x"), (uint64_t)e * 9, 1, &x, &err), MMSB_OK);
			ck_assert_int_eq(mmsb_commit(m[i], NULL, &err), MMSB_OK);
		}
	ck_same(m, "a");
	ck_same(m, "b");
	fail_both(m, 0, 300);
	ck_same(m, "a");
	ck_same(m, "b");
	ck_same(m, "r");
	ck_same(m, "s");
	for (int i = 0; i < 2; i++)
		mmsb_instance_free(m[i]);
	mmsb_schedule_close(s);
}
END_TEST

/* The device is lost with values that are nowhere else. */
START_TEST(test_lost)
{
	mmsb_schedule *s = made(near, "near");
	mmsb_instance *m[2];
	mmsb_error err;
	begin_both(s, m);
	fake_fail(1);
	ck_assert_ptr_null(mmsb_data(m[1], mmsb_page(m[1], "b")));
	ck_same(m, "g");
	for (int i = 0; i < 2; i++) {
		stage(m[i], 2);
		ck_assert_int_eq(mmsb_commit(m[i], NULL, &err), MMSB_OK);
	}
	ck_same(m, "a");
	ck_same(m, "b");
	ck_same(m, "c");
	ck_same(m, "g");
	fake_fail(0);
	for (int i = 0; i < 2; i++)
		mmsb_instance_free(m[i]);
	mmsb_schedule_close(s);
}
END_TEST

/* Rounds, and what they carry over, are those of the CPU. */
START_TEST(test_rounds)
{
	mmsb_schedule *s = made(settling, "settling");
	mmsb_instance *m[2];
	mmsb_error err;
	begin_both(s, m);
	uint64_t launches = figures(m[1]).launches;
	ck_assert_uint_ge(launches, 20 + 3 + 5);
	for (int e = 2; e <= EPOCHS + 3; e++)
		for (int i = 0; i < 2; i++) {
			stage(m[i], e);
			ck_assert_int_eq(mmsb_commit(m[i], NULL, &err), MMSB_OK);
			ck_assert_uint_eq(m[i]->pass_stats[0].rounds, m[0]->pass_stats[0].rounds);
			ck_assert_uint_eq(m[i]->pass_stats[1].rounds, m[0]->pass_stats[1].rounds);
			ck_assert_uint_eq(m[i]->pass_stats[0].changed, m[0]->pass_stats[0].changed);
		}
	ck_assert_uint_gt(m[0]->pass_stats[0].rounds, 16);
	for (int i = 0; i < 2; i++) { /* an element fails in the first round */
		int64_t d[N] = {0};
		ck_assert_int_eq(mmsb_write(m[i], mmsb_page(m[i], "d"), 0, N, d, &err), MMSB_OK);
		ck_assert_int_eq(mmsb_commit(m[i], NULL, &err), MMSB_FAULT);
		ck_assert_uint_eq(err.index[0], 0);
		stage(m[i], 2);
		ck_assert_int_eq(mmsb_commit(m[i], NULL, &err), MMSB_OK);
		stage(m[i], 1);
		ck_assert_int_eq(mmsb_commit(m[i], NULL, &err), MMSB_OK);
	}
	ck_same(m, "u");
	ck_same(m, "v");
	ck_same(m, "q");
	for (int i = 0; i < 2; i++)
		mmsb_instance_free(m[i]);
	mmsb_schedule_close(s);
}
END_TEST

static uint64_t rounds_of(mmsb_instance *m, const char *name) { return m->pass_stats[m->pages[mmsb_page(m, name)].def->pass].rounds; }

/* Rounds of exact fixpoints by the device, all of them or the first ones; the repairs after them by the CPU; what data must not be. */
static void run_exact(const char *few)
{
	setenv("MMSB_DEVICE_FEW", few, 1);
	mmsb_schedule *s = made(exact, "exact");
	mmsb_instance *m[2];
	mmsb_error err, why[2];
	begin_both(s, m);
	ck_assert_uint_ge(rounds_of(m[1], "near"), 3);
	ck_assert_uint_ge(rounds_of(m[1], "last"), 16);
	for (int e = 2; e <= 12; e++) {
		for (int i = 0; i < 2; i++) {
			stage(m[i], e < 5 ? e : 3);
			if (e == 6 || e == 9) { /* a negative weight, which only the device sees first where all is evaluated */
				uint64_t row = 40, col = 41;
				double w = -1;
				ck_assert_int_eq(mmsb_insert(m[i], mmsb_page(m[i], "w"), 1, &row, &col, &w, &err), MMSB_OK);
				ck_assert_int_eq(mmsb_commit(m[i], NULL, &why[i]), MMSB_FAULT);
				continue;
			}
			for (uint64_t at = 0; at < 40 && e == 8; at++) { /* so much that all is evaluated */
				double w[2] = {0.25, 0.5};
				uint64_t row[2] = {at * 5, at}, col[2] = {at * 7 + 1, at * 14};
				ck_assert_int_eq(mmsb_insert(m[i], mmsb_page(m[i], "w"), 2, row, col, w, &err), MMSB_OK);
			}
			ck_assert_int_eq(mmsb_commit(m[i], NULL, &err), MMSB_OK);
		}
		if (e == 6 || e == 9)
			ck_assert_str_eq(why[0].message, why[1].message);
		ck_same(m, "near");
		ck_same(m, "wide");
		ck_same(m, "last");
		ck_same(m, "s");
		ck_same(m, "t");
		ck_assert_int_eq(memcmp(mmsb_data(m[0], mmsb_page(m[0], "seen")), mmsb_data(m[1], mmsb_page(m[1], "seen")), N), 0);
	}
	for (int i = 0; i < 2; i++)
		mmsb_instance_free(m[i]);
	mmsb_schedule_close(s);
	unsetenv("MMSB_DEVICE_FEW");
}

START_TEST(test_exact)
{
	run_exact("0");
	run_exact("20");
	run_exact("1000000");
}
END_TEST

/* What was now becomes what was before without going up. */
START_TEST(test_ticks)
{
	mmsb_schedule *s = made(ticking, "ticking");
	mmsb_instance *m[2];
	mmsb_error err;
	begin_both(s, m);
	uint64_t up = figures(m[1]).bytes_up;
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(mmsb_ticks(m[i], 5, NULL, &err), MMSB_OK);
	ck_assert_uint_le(figures(m[1]).bytes_up - up, 5 * 2 * 8); /* where what fails is told, of each pass */
	ck_same(m, "r");
	ck_same(m, "s");
	for (int i = 0; i < 2; i++)
		mmsb_instance_free(m[i]);
	mmsb_schedule_close(s);
}
END_TEST

START_TEST(test_memory)
{
	mmsb_schedule *s = made(program, "program");
	mmsb_instance *m;
	mmsb_error err;
	setenv("MMSB_FAKE_MEMORY", "20000", 1);
	ck_assert_int_eq(instance(s, MMSB_CUDA, &m, &err), MMSB_OK);
	stage(m, 1);
	ck_assert_int_eq(mmsb_commit(m, NULL, &err), MMSB_DEVICE);
	ck_assert_msg(strstr(err.message, "no memory for") && strstr(err.message, "20000") && strstr(err.message, "Most of it is of pages x 4"), "%s", err.message);
	stage(m, 1);
	ck_assert_int_eq(mmsb_commit(m, NULL, &err), MMSB_OK);
	unsetenv("MMSB_FAKE_MEMORY");
	mmsb_instance_free(m);
	mmsb_schedule_close(s);
}
END_TEST

/* A zero divisor is told as by the CPU, and the epochs after it go on on the device. */
START_TEST(test_fault)
{
	mmsb_schedule *s = made(program, "program");
	mmsb_instance *m[2];
	mmsb_error err, why[2];
	char hex[2][33];
	int64_t zero = 0, one = 1;
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(instance(s, i ? MMSB_CUDA : MMSB_PORTABLE, &m[i], &err), MMSB_OK);
		stage(m[i], 1);
		ck_assert_int_eq(mmsb_commit(m[i], NULL, &err), MMSB_OK);
		ck_assert_int_eq(mmsb_write(m[i], mmsb_page(m[i], "d"), 70, 1, &zero, &err), MMSB_OK);
		ck_assert_int_eq(mmsb_write(m[i], mmsb_page(m[i], "d"), 590, 1, &zero, &err), MMSB_OK);
		ck_assert_int_eq(mmsb_commit(m[i], NULL, &why[i]), MMSB_FAULT);
		ck_assert_int_eq(mmsb_write(m[i], mmsb_page(m[i], "d"), 70, 1, &one, &err), MMSB_OK);
		ck_assert_int_eq(mmsb_commit(m[i], NULL, &err), MMSB_OK);
		ck_assert_int_eq(mmsb_digest(m[i], hex[i], &err), MMSB_OK);
	}
	ck_assert_uint_ge(figures(m[1]).launches, 10);
	ck_assert_str_eq(why[0].message, why[1].message);
	ck_assert_uint_eq(why[0].index[0], why[1].index[0]);
	ck_assert_str_eq(hex[0], hex[1]);
	mmsb_instance_free(m[0]);
	mmsb_instance_free(m[1]);
	mmsb_schedule_close(s);
}
END_TEST

static bool make_kernels(const char *program_text, const char *name)
{
	char *text = NULL, path[sizeof folder + 16];
	size_t n = 0;
	mmsb_schedule *s = io_schedule(program_text);
	FILE *out = open_memstream(&text, &n);
	bool done = s && out && emit_cuda(&s->tables, out) && fclose(out) == 0;
	snprintf(path, sizeof path, "%s/%s", folder, name);
	done = done && cuda_host_compile(text, n, path);
	free(text);
	mmsb_schedule_close(s);
	return done;
}

int main(void)
{
	char fake[600];
	const cuda_driver *d;
	mmsb_error err;
	const char *build = getenv("MMSB_BUILDDIR");
	if (system("${CXX:-c++} --version > /dev/null 2>&1") != 0) {
		puts("no C++ compiler: skipped");
		return 77;
	}
	snprintf(fake, sizeof fake, "%s/tests/cuda_host/fake_cuda.so", build ? build : ".");
	setenv("MMSB_LIBCUDA", fake, 1);
	setenv("MMSB_DEVICE_LEAST", "0", 1);
	setenv("MMSB_DEVICE_SPLIT", "100", 1);
	setenv("MMSB_DEVICE_LEAVES", "20", 1);
	setenv("MMSB_DEVICE_TIMES", "1", 1);
	void *library = dlopen(fake, RTLD_NOW);
	snprintf(folder, sizeof folder, "/tmp/mmsb-cuda-XXXXXX");
	bool made_all = library && mkdtemp(folder);
	for (size_t i = 0; i < sizeof programs / sizeof programs[0] && made_all; i++)
		made_all = make_kernels(programs[i].text, programs[i].name);
	if (!made_all || driver_open(&d, &err)) {
		fprintf(stderr, "check_cuda: %s: %s\n", fake, library ? "no kernels, or no driver" : dlerror());
		return 1;
	}
	void *at[2] = {dlsym(library, "fake_cuda_fail"), dlsym(library, "fake_cuda_live")};
	memcpy(&fake_fail, &at[0], sizeof at[0]);
	memcpy(&fake_live, &at[1], sizeof at[1]);
	Suite *s = suite_create("cuda");
	TCase *c = tcase_create("calls"), *t = tcase_create("device");
	tcase_set_timeout(c, 600);
	tcase_set_timeout(t, 600);
	tcase_add_test(c, test_failing_calls);
	tcase_add_test(c, test_failing_calls_near);
	tcase_add_test(c, test_failing_calls_ticking);
	tcase_add_test(c, test_failing_calls_settling);
	tcase_add_test(c, test_failing_calls_exact);
	tcase_add_test(c, test_failing_calls_guarded);
	tcase_add_test(t, test_exact);
	tcase_add_test(t, test_put_back);
	tcase_add_test(t, test_lost_state);
	tcase_add_test(t, test_memory);
	tcase_add_test(t, test_fault);
	tcase_add_test(t, test_stays);
	tcase_add_test(t, test_lost);
	tcase_add_test(t, test_ticks);
	tcase_add_test(t, test_rounds);
	suite_add_tcase(s, c);
	suite_add_tcase(s, t);
	int status = unit_run(s);
	for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
		char path[sizeof folder + 16];
		snprintf(path, sizeof path, "%s/%s", folder, programs[i].name);
		remove(path);
	}
	remove(folder);
	return status;
}
