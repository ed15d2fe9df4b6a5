/* inject_readers.c: every allocation of an instance with concurrent readers fails once: when it is made, bound, staged, watched and committed, and when
 * a copy more is needed since a reader stays in its epoch. What follows is MMSB_MEMORY or, for that copy, MMSB_BUSY; the state is as before,
 * readers see what they saw, and the same calls then succeed. After warm-up nothing allocates. Exits 77 (skipped) under a sanitizer,
 * which has an allocator of its own. */
#include <stdio.h>
#include <string.h>

#include "tests/failing_malloc.h"
#include "tests/io_instance.h"

enum { N = 40, EPOCHS = 6, MOST_ALLOCATIONS = 2000, WARM = 60, COUNTED = 60 };

static mmsb_error err;
static mmsb_schedule *compiled;

static int fails(const char *what, long k)
{
	printf("allocation %ld failed: %s: %s\n", k, what, err.message);
	return 1;
}

static mmsb_instance *instance_of(void)
{
	mmsb_instance *m = NULL;
	mmsb_options o = {.size = sizeof o, .threads = 1, .readers = 2, .copies = 1};
	if (mmsb_instance_new(&m, compiled, &o, &err) != MMSB_OK)
		mmsb_instance_new(&m, compiled, &o, &err);
	return m;
}

/* The epoch's deltas: y becomes e everywhere, and V has 2 e at (0, 0) and entries that come and go. */
static int stage(mmsb_instance *m, uint64_t e)
{
	double x[N], w[2] = {(double)e, (double)e};
	uint64_t row[2] = {0, e % 5}, col[2] = {0, 4}, gone[2] = {(e + 4) % 5, 4};
	for (int i = 0; i < N; i++)
		x[i] = (double)e;
	int status = mmsb_write(m, mmsb_page(m, "x"), 0, N, x, &err);
	if (!status)
		status = mmsb_erase(m, mmsb_page(m, "W"), 1, &gone[0], &gone[1], &err);
	return status ? status : mmsb_insert(m, mmsb_page(m, "W"), 2, row, col, w, &err);
}

/* A reader sees the whole epoch. */
static bool sees(mmsb_reader *r, uint64_t e)
{
	mmsb_instance *m = r->instance;
	const double *y = mmsb_read(r, mmsb_page(m, "y")), *v = mmsb_read(r, mmsb_page(m, "V"));
	uint64_t n;
	const uint64_t *row, *col;
	bool right = r->epoch == e && mmsb_read_entries(r, mmsb_page(m, "V"), &n, &row, &col) == MMSB_OK && n == 2 && v[0] == 2 * (double)e;
	for (int i = 0; i < N && right; i++)
		right = y[i] == (double)e;
	return right && row[1] == e % 5 && col[1] == 4;
}

static bool see_now(mmsb_instance *m, uint64_t e)
{
	mmsb_reader r;
	bool right = mmsb_read_begin(m, &r, &err) == (e > 0 ? MMSB_OK : MMSB_ORDER) && (e == 0 || sees(&r, e));
	mmsb_read_end(&r);
	return right;
}

/* Stages and commits epoch e. The call that an allocation failed in is made again; after MMSB_MEMORY what was staged is gone. */
static int one_epoch(mmsb_instance *m, uint64_t e, long k)
{
	for (int tried = 0; tried < 2; tried++) {
		int status = stage(m, e);
		if (!status)
			status = mmsb_commit(m, NULL, &err);
		if (status == MMSB_BUSY && failed_one && see_now(m, e - 1))
			status = mmsb_commit(m, NULL, &err); /* it is still staged */
		if (!status)
			return see_now(m, e) ? 0 : fails("a reader does not see the epoch", k);
		if (status != MMSB_MEMORY || !failed_one)
			break;
		mmsb_discard(m);
		if (!see_now(m, e - 1))
			return fails("a reader does not see the epoch before", k);
	}
	return fails("an epoch", k);
}

/* Epochs in which a reader stays for two others; allocation number k fails. */
static int live(long k)
{
	left = k;
	failed_one = 0;
	mmsb_instance *m = instance_of();
	mmsb_reader old = {.epoch = 0};
	int bad = m == NULL;
	if (!bad && mmsb_watch(m, mmsb_page(m, "V"), &err) && mmsb_watch(m, mmsb_page(m, "V"), &err))
		bad = fails("a watch", k);
	for (uint64_t e = 1; e <= EPOCHS && !bad; e++) {
		bad = one_epoch(m, e, k);
		if (!bad && e % 3 == 1) {
			if (old.slot && !sees(&old, e - 3))
				bad = fails("a reader does not see what it saw", k);
			mmsb_read_end(&old);
			bad = bad || mmsb_read_begin(m, &old, &err) != MMSB_OK;
		}
	}
	left = 0;
	mmsb_read_end(&old);
	mmsb_instance_free(m);
	return bad;
}

static int inject(void)
{
	int bad = live(0);
	long before = held;
	for (long k = 1; k < MOST_ALLOCATIONS && !bad; k++) {
		bad = live(k);
		if (!bad && held != before)
			bad = fails("some are never freed", k);
		if (!failed_one)
			return bad || k < 20;
	}
	return 1;
}

/* Values of 100 entries of W, in no order, of which one is new, and one goes. */
static int stage_entries(mmsb_instance *m, uint64_t e)
{
	uint64_t row[100], col[100], gone = (e + 10) % 20, last = 19;
	double w[100];
	for (uint64_t i = 0; i < 100; i++) {
		row[i] = i * 7 % 20;
		col[i] = i * 7 / 20 % 19;
		w[i] = (double)(e + i);
	}
	row[0] = e % 20;
	col[0] = last;
	return mmsb_insert(m, mmsb_page(m, "W"), 100, row, col, w, &err) || mmsb_erase(m, mmsb_page(m, "W"), 1, &gone, &last, &err);
}

static int count_warm(void)
{
	mmsb_instance *m = instance_of();
	long before = 0;
	int bad = mmsb_watch(m, mmsb_page(m, "y"), &err) || mmsb_watch(m, mmsb_page(m, "x"), &err) || mmsb_watch(m, mmsb_page(m, "V"), &err);
	mmsb_reader old = {.epoch = 0};
	for (uint64_t e = 1; e <= WARM + COUNTED && !bad; e++) {
		if (e == WARM)
			before = allocated;
		mmsb_changes_view v;
		double x = (double)e;
		uint64_t at[2] = {e % N, (e * 7) % N};
		double two[2] = {x, x};
		bad = stage_entries(m, e) || mmsb_write(m, mmsb_page(m, "x"), e % N, 1, &x, &err) || mmsb_scatter(m, mmsb_page(m, "x"), 2, at, two, &err) ||
		      mmsb_commit(m, NULL, &err) || mmsb_changes(m, mmsb_page(m, "y"), &v) || v.count < 1;
		if (e % 3 == 0) {
			mmsb_read_end(&old);
			bad = bad || mmsb_read_begin(m, &old, &err);
		}
	}
	if (!bad && allocated != before)
		printf("%ld allocations in %d epochs after %d\n", allocated - before, COUNTED, WARM);
	bad = bad || allocated != before;
	mmsb_read_end(&old);
	mmsb_instance_free(m);
	return bad;
}

int main(void)
{
#ifdef HAS_OWN_ALLOCATOR
	return 77;
#endif
	static char buffer[BUFSIZ]; /* which printf would else allocate amid a count */
	setvbuf(stdout, buffer, _IOLBF, sizeof buffer);
	compiled = io_schedule("page x : f64[40] in;\npage W : sparse f64[20, 20] in;\npage y : f64[40] out;\npage V : sparse f64[20, 20] out like W;\n"
	                       "edge y[i] <- x[i];\nedge V[i, j] <- 2 * W[i, j];\n");
	int failed = compiled == NULL ? 2 : inject() + count_warm();
	mmsb_schedule_close(compiled);
	printf("%d passed, %d failed\n", 2 - failed, failed);
	return failed > 0;
}
