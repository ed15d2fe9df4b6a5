/* check_crash.c - a scripted run of a state folder on a disk that loses its power, or fails, at one operation after the other (crash_disk.h).
 * What is there afterwards must open, and have every epoch that was acknowledged and none that was not begun, with the digest of a run
 * without a folder; and it must go on from there.
 *
 * MMSB_CRASH_FULL=N: every operation, N seeds each; without it some operations, one seed each. */
#include "crash_vfs.h"
#include "io_instance.h"
#include "state/state.h"
#include "unit.h"

enum { EPOCHS = 26, MORE = 3, CLOSED_AT = 13, MOST_OPERATIONS = 5000, STRIDE = 9 };

static const char *const programs[] = {
	"page x : f64[40] in;\npage y : f64[40] out;\npage s : f64 out;\nedge y[i] <- x[i] * 2;\nedge s <- sum[i] y[i];\n",
	"page W : sparse f64[12, 12] in;\npage E : sparse bool[9, 9] in;\npage V : sparse f64[12, 12] out like W;\npage s : f64 out;\n"
	"edge V[i, j] <- W[i, j] + 1;\nedge s <- (sum[i, j] W[i, j]) + (sum[i, j] (if E[i, j] then 1.0 else 0.0));\n",
	"page x : f64[20] in;\npage y : f64[20] out;\npage n : i64 out;\nedge y[i] <- prev y[i] * 0.5 + x[i] + prev x[i];\nedge n <- prev n + 1;\n",
	"page x : f64[20] in;\npage o : f64[20] out;\nedge o[i] <- fix(tol = 1e-3, max = 9) 0.25 * (clamp(o)[i - 1] + clamp(o)[i + 1]) + x[i];\n",
	"record Q { bid : f64; n : i32; }\npage q : Q[16] in;\npage x : f64[6] in;\npage best : f64 out;\npage r : Q[16] out;\n"
	"edge best <- max[i] q[i].bid;\nedge r[i] <- q[i];\n",
};
enum { PROGRAMS = sizeof programs / sizeof programs[0] };

static mmsb_error err;
static mmsb_schedule *compiled[PROGRAMS];
static char expected[PROGRAMS][EPOCHS + MORE + 2][33]; /* digests after each epoch */

static void ok(int status) { ck_assert_msg(status == MMSB_OK, "%s", err.message); }

static uint64_t draw(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state >> 33;
}

/* ---- the script: the deltas of an epoch hang on its number alone ---- */

static int stage_page(mmsb_instance *m, int id, const mmsb_info *info, uint64_t *state)
{
	uint64_t at[4], col[4];
	double values[8];
	uint64_t n = 1 + draw(state) % 4, most = info->sparse ? info->shape[0] : info->count;
	for (uint64_t i = 0; i < n; i++) {
		at[i] = draw(state) % most;
		col[i] = info->sparse ? draw(state) % info->shape[1] : 0;
		values[i] = (double)(draw(state) % 1000) / 8;
	}
	if (info->sparse && draw(state) % 3 == 0)
		return mmsb_erase(m, id, n, at, col, &err);
	if (info->sparse)
		return mmsb_insert(m, id, n, at, col, info->element ? values : NULL, &err);
	if (info->type == MMSB_RECORD)
		return mmsb_scatter_field(m, id, 0, n, at, values, &err);
	return mmsb_scatter(m, id, n, at, values, &err);
}

static int stage(mmsb_instance *m, uint64_t e)
{
	uint64_t state = e * 977 + 5;
	int status = MMSB_OK;
	for (int id = 0; id < mmsb_page_count(m) && !status; id++) {
		mmsb_info info;
		ck_assert_int_eq(mmsb_page_info(m, id, &info), MMSB_OK);
		if (info.role == MMSB_IN && draw(&state) % 4 != 0)
			status = stage_page(m, id, &info, &state);
	}
	return status;
}

static int one_epoch(mmsb_instance *m, uint64_t e)
{
	uint64_t made = 0;
	ok(mmsb_bind(m, &err)); /* shapes are there then */
	if (e % 5 == 0)
		return mmsb_ticks(m, 1, &made, &err);
	int status = stage(m, e);
	return status ? status : mmsb_commit_from(m, e % 3 == 0 ? "desk" : NULL, &made, &err);
}

static void prepare(void)
{
	for (int p = 0; p < PROGRAMS; p++) {
		compiled[p] = io_schedule(programs[p]);
		ck_assert_ptr_nonnull(compiled[p]);
		mmsb_instance *m = io_instance(compiled[p]);
		for (uint64_t e = 1; e <= EPOCHS + MORE; e++) {
			ok(one_epoch(m, e));
			ok(mmsb_digest(m, expected[p][e], &err));
		}
		mmsb_instance_free(m);
	}
}

/* ---- a run on a disk ---- */

typedef struct trial {
	int program, durability;
	disk *disk;
	uint64_t acknowledged, begun;
} trial;

static int open_state(const trial *t, mmsb_instance *m, mmsb_state **out)
{
	vfs fs = crash_vfs(t->disk);
	mmsb_state_options options = {.size = sizeof options, .durability = t->durability, .digest_every = 3, .checkpoint_epochs = 7, .keep = 2,
	                              .segment_bytes = 1500, .compress = 1};
	return state_open(out, &fs, m, "/disk/state", &options, &err);
}

/* Epochs up to `last`, or until something is wrong. False: it is. */
static bool run_to(trial *t, uint64_t last)
{
	mmsb_instance *m = io_instance(compiled[t->program]);
	mmsb_state *s = NULL;
	int status = open_state(t, m, &s);
	for (uint64_t e = status ? last : mmsb_state_epoch(s); !status && e < last; e++) {
		t->begun = e + 1;
		status = one_epoch(m, e + 1);
		if (!status)
			t->acknowledged = e + 1;
	}
	int closed = mmsb_state_close(s, &err);
	mmsb_instance_free(m);
	return !status && !closed;
}

/* What is on the disk is what a run without a disk had, and goes on like it. */
static void check_recovery(trial *t, const char *what, uint64_t at, uint64_t seed)
{
	char hex[33];
	mmsb_instance *m = io_instance(compiled[t->program]);
	mmsb_state *s = NULL;
	int status = open_state(t, m, &s);
	ck_assert_msg(status == MMSB_OK, "program %d, %s at %d, seed %d: does not open: %s", t->program, what, (int)at, (int)seed, err.message);
	uint64_t e = mmsb_state_epoch(s), least = t->durability == MMSB_DURABLE_EPOCH ? t->acknowledged : 0;
	ck_assert_msg(e >= least && e <= t->begun, "program %d, %s at %d, seed %d: %d epochs acknowledged, %d begun, %d found", t->program, what,
	              (int)at, (int)seed, (int)t->acknowledged, (int)t->begun, (int)e);
	for (uint64_t last = e + MORE; e <= last; e++) {
		if (e > 0) {
			ok(mmsb_digest(m, hex, &err));
			ck_assert_msg(strcmp(hex, expected[t->program][e]) == 0, "program %d, %s at %d, seed %d: epoch %d has another digest", t->program,
			              what, (int)at, (int)seed, (int)e);
		}
		if (e < last && e < EPOCHS + MORE)
			ok(one_epoch(m, e + 1));
		else
			break;
	}
	t->acknowledged = t->begun = e;
	ck_assert_msg(mmsb_state_close(s, &err) == MMSB_OK, "program %d, %s at %d, seed %d: %s", t->program, what, (int)at, (int)seed, err.message);
	mmsb_instance_free(m);
}

static const char *const events[] = {"nothing", "the power goes", "EIO", "ENOSPC", "a short write", "a failed sync"};
static long trials, found;

/* One run in which something happens at one operation; then the power goes, or (killed) the process alone. False: there are fewer operations. */
static bool trial_at(int program, int durability, disk_event event, uint64_t at, uint64_t seed, bool killed)
{
	trial t = {.program = program, .durability = durability, .disk = disk_new()};
	disk_plan(t.disk, event, at, seed);
	if (run_to(&t, CLOSED_AT))
		run_to(&t, EPOCHS);
	bool happened = disk_happened(t.disk);
	trials++;
	found += happened;
	if (killed && event != DISK_STOPS) {
		disk *copy = disk_copy(t.disk);
		disk_free(t.disk);
		t.disk = copy;
	} else {
		disk_power_cycle(t.disk, seed);
	}
	check_recovery(&t, events[event], at, seed);
	check_recovery(&t, "opened again", at, seed);
	disk_free(t.disk);
	return happened;
}

static void all_operations(int durability)
{
	const char *full = getenv("MMSB_CRASH_FULL");
	uint64_t seeds = full ? strtoull(full, NULL, 10) : 1, stride = full ? 1 : STRIDE;
	for (int p = 0; p < PROGRAMS; p++)
		for (int event = DISK_STOPS; event < DISK_EVENTS; event++) {
			bool happened = true;
			for (uint64_t at = 1 + (uint64_t)(p + event) % stride; happened && at < MOST_OPERATIONS; at += stride)
				for (uint64_t seed = 1; seed <= seeds; seed++)
					happened = trial_at(p, durability, (disk_event)event, at, at * 1000 + seed, seed % 2 == 0);
			ck_assert(!happened); /* it ended because a run has fewer operations */
		}
	printf("%ld runs, in %ld of which something happened\n", trials, found);
}

START_TEST(durable_epochs)
{
	prepare();
	all_operations(MMSB_DURABLE_EPOCH);
}
END_TEST

START_TEST(no_durability)
{
	prepare();
	all_operations(MMSB_DURABLE_NONE);
}
END_TEST

START_TEST(durable_in_groups)
{
	prepare();
	all_operations(MMSB_DURABLE_GROUP);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("crash");
	TCase *c = tcase_create("crash");
	tcase_set_timeout(c, 3600);
	tcase_add_test(c, durable_epochs);
	tcase_add_test(c, no_durability);
	tcase_add_test(c, durable_in_groups);
	suite_add_tcase(s, c);
	return unit_run(s);
}
