/* property.c - random programs on random data and random deltas: after every epoch the executor that propagates, with one
 * thread and with several, the one that evaluates everything in every epoch, and the naive evaluator hold the same bits in
 * every page; an epoch that fails for one fails for all and changes nothing; what is told of changes is what changed. In one program
 * of four, runs end now and then, and go on from a checkpoint; in another one, a run is kept in a state folder, ends now and then, properly or
 * not, and goes on from there; in the other two, checkpoints are held while epochs go on, and are then what they were to be.
 *
 *   property [--programs N] [--seed S|random] [--epochs E] [--threads T] [--keep PATH] [--print] [--naive] [--native] [--cuda | --device]
 *
 * Program number i has the seed S + i: a failure prints it and keeps the program's text and deltas beside PATH. Without
 * --epochs a program gets 5 to 30, for what propagation does wrong shows late. Pages are
 * small, so the executor is told to share work among threads all the same, and in other programs which way to go in
 * reductions; a few programs have pages of thousands of elements, which the naive evaluator is spared. With --naive the
 * executor is left out; with --cuda a device that tests/cuda_host emulates evaluates what it can, with --device
 * that of the driver, whose code is compiled program by program. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../lang/module.h"
#include "trial.h"

typedef struct totals {
	uint32_t passed, failed, empty, large;
	uint64_t epochs, failing_epochs, launches;
} totals;

/* ---- reports --------------------------------------------------------------------------- */

static void write_text(const char *path, const char *bytes, size_t n)
{
	FILE *to = fopen(path, "w");
	if (!to || fwrite(bytes, 1, n, to) != n || fclose(to) != 0)
		fprintf(stderr, "property: cannot write %s: %s\n", path, strerror(errno));
}

/* What one needs to see it again: the program, its sizes and the deltas up to the failure. */
static void keep(trial *t)
{
	char path[512];
	if (t->log)
		fflush(t->log);
	snprintf(path, sizeof path, "%s-%" PRIu64 ".mmsb", t->set->keep, t->seed);
	write_text(path, t->program.text, strlen(t->program.text));
	printf("seed %" PRIu64 ": %s\n  program %s", t->seed, t->why, path);
	if (t->log_text) {
		snprintf(path, sizeof path, "%s-%" PRIu64 ".delta", t->set->keep, t->seed);
		write_text(path, t->log_text, t->log_size);
		printf(", deltas %s", path);
	}
	for (uint32_t i = 0; i < t->program.n_sizes; i++)
		printf(" -D %s=%" PRId64, t->program.size_names[i], t->program.sizes[i]);
	printf("\n");
	if (t->ctx && lang_failed(t->ctx))
		lang_print_diags(t->ctx, stdout, false);
}

/* ---- epochs ---------------------------------------------------------------------------- */

/* The page and position at fault are the same for all. */
static bool same_fault(trial *t, int run, const mmsb_error *first, const mmsb_error *err, uint32_t number)
{
	if (err->page == first->page && err->ndim == first->ndim && memcmp(err->index, first->index, err->ndim * sizeof *err->index) == 0)
		return true;
	return complain(t, "epoch %u, run %d: another fault: %s, should be: %s", number, run, err->message, first->message);
}

/* Commits; epochs without deltas, `ticks` of them, in some runs as one call. */
static int commit_epochs(trial *t, int run, uint32_t ticks, mmsb_error *err)
{
	int status = MMSB_OK;
	if (t->deltas.n == 0 && run == RUN_MANY)
		return mmsb_ticks(t->runs[run], ticks, NULL, err);
	for (uint32_t i = 0; i < ticks && status == MMSB_OK; i++)
		status = mmsb_commit(t->runs[run], NULL, err);
	return status;
}

/* Whether the epoch stands in the run, as it must; first: what the first run said of a failure. */
static bool commit_run(trial *t, int run, uint32_t ticks, bool *stands, mmsb_error *first, uint32_t number)
{
	mmsb_error err = {.page = -1, .message = ""};
	int status = commit_epochs(t, run, ticks, &err);
	if (status != MMSB_OK && status != MMSB_FAULT)
		return complain(t, "epoch %u, run %d: %s", number, run, err.message);
	if (run == 0 && t->program.large)
		*stands = status == MMSB_OK;
	if ((status == MMSB_OK) != *stands)
		return complain(t, "epoch %u, run %d: %s, should %s", number, run, status ? err.message : "succeeds",
		                *stands ? "succeed" : t->naive->why);
	if (run == 0)
		*first = err;
	return status == MMSB_OK || same_fault(t, run, first, &err, number);
}

/* In some programs a checkpoint is held now and then, until some epochs later; in some a run ends now and then, and goes on from a checkpoint.
 * (Not one whose changes are watched.) */
static bool resume(trial *t, uint32_t number)
{
	uint64_t draw = (t->seed * 31 + number) * UINT64_C(0x9e3779b97f4a7c15) >> 32;
	if (t->state)
		return draw % 5 > 0 || trial_reopen_state(t, draw / 5 % 2);
	if (t->seed % 4 % 2 == 0)
		return trial_held(t) && (t->held.writer || !t->runs[0] || draw % 3 > 0 || trial_hold(t, (int)(draw / 3 % RUNS), (uint32_t)(draw / 16 % 5)));
	int run = t->watched ? RUN_MANY : (int)(draw / 5 % RUNS);
	return t->seed % 4 != 1 || draw % 5 > 0 || !t->runs[run] || trial_resume(t, run);
}

static bool one_epoch(trial *t, uint32_t number, totals *sum)
{
	generate_epoch(&t->r, t->naive, t->naive->epoch == 0, &t->deltas);
	if (rng_chance(&t->r, 15) && !trial_watch(t))
		return false;
	if (!trial_stage(t))
		return false;
	/* What is told of changes is that of the last epoch alone. */
	uint32_t ticks = t->deltas.n == 0 && !t->watched && !t->program.large ? 1 + rng_below(&t->r, 3) : 1;
	bool stands = true;
	mmsb_error first;
	for (uint32_t i = 0; i < ticks && stands && !t->program.large; i++)
		stands = naive_commit(t->naive);
	sum->epochs++;
	if (t->naive->broken)
		return complain(t, "epoch %u: %s", number, t->naive->why);
	for (int k = 0; k < RUNS && t->runs[k]; k++)
		if (!commit_run(t, k, ticks, &stands, &first, number))
			return false;
	if (t->program.large)
		naive_follow(t->naive, stands);
	sum->failing_epochs += !stands;
	/* Before the first epoch that stands, pages have no values to compare. */
	if (t->naive->epoch == 0)
		return true;
	return trial_same_pages(t, number) && (!stands || trial_same_changes(t, number)) && resume(t, number);
}

static bool run_trial(trial *t, totals *sum)
{
	t->log = open_memstream(&t->log_text, &t->log_size);
	if (!trial_program(t))
		return false;
	for (int k = 0; k < RUNS && !t->set->naive_only; k++)
		if (!trial_run(t, k))
			return false;
	if (t->set->print)
		fputs(t->program.text, stdout);
	if (t->seed % 4 == 3 && t->runs[RUN_MANY] && !trial_open_state(t))
		return false;
	uint32_t epochs = t->set->epochs ? t->set->epochs : 5 + rng_below(&t->r, 26);
	for (uint32_t e = 1; e <= epochs; e++)
		if (!one_epoch(t, e, sum))
			return false;
	sum->empty += t->naive->epoch == 0;
	sum->large += t->program.large;
	return true;
}

static void one_program(const settings *set, uint64_t seed, totals *sum)
{
	trial t = {.set = set, .seed = seed};
	if (run_trial(&t, sum)) {
		sum->passed++;
	} else {
		sum->failed++;
		keep(&t);
	}
	sum->launches += trial_launches(&t);
	trial_end(&t);
	if (t.log)
		fclose(t.log);
	free(t.log_text);
}

/* ---- the program ----------------------------------------------------------------------- */

static bool number(const char *text, uint64_t *out)
{
	char *end;
	errno = 0;
	*out = strtoull(text, &end, 0);
	return errno == 0 && *text && !*end;
}

static bool options(settings *set, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		uint64_t value = 0;
		const char *name = argv[i];
		if (strcmp(name, "--print") == 0) {
			set->print = true;
			continue;
		}
		if (strcmp(name, "--native") == 0) {
			set->native = true;
			continue;
		}
		if (strcmp(name, "--cuda") == 0) {
			set->cuda = "";
			continue;
		}
		if (strcmp(name, "--device") == 0) {
			set->device = true;
			continue;
		}
		if (strcmp(name, "--naive") == 0) {
			set->naive_only = true;
			continue;
		}
		if (++i >= argc)
			return false;
		if (strcmp(name, "--keep") == 0) {
			set->keep = argv[i];
			continue;
		}
		if (strcmp(argv[i], "random") == 0 && strcmp(name, "--seed") == 0)
			value = (uint64_t)time(NULL) << 20;
		else if (!number(argv[i], &value))
			return false;
		if (strcmp(name, "--seed") == 0)
			set->seed = value;
		else if (strcmp(name, "--programs") == 0)
			set->programs = (uint32_t)value;
		else if (strcmp(name, "--epochs") == 0)
			set->epochs = (uint32_t)value;
		else if (strcmp(name, "--threads") == 0)
			set->threads = (uint32_t)value;
		else
			return false;
	}
	return true;
}

/* The builds of a check share the work: each takes programs of its own. */
#ifdef __SANITIZE_ADDRESS__
enum { FIRST_SEED = 1000001, PROGRAMS = 300 }; /* each takes several times as long there */
#else
enum { FIRST_SEED = 1, PROGRAMS = 900 };
#endif

int main(int argc, char **argv)
{
	settings set = {.seed = FIRST_SEED, .programs = PROGRAMS, .threads = 3, .keep = "property"};
	totals sum = {0};
	if (!options(&set, argc, argv)) {
		fputs("usage: property [--programs N] [--seed S|random] [--epochs E] [--threads T] [--keep PATH] [--print] [--naive]\n",
		      stderr);
		return 2;
	}
	char path[600];
	if (set.cuda) {
		snprintf(path, sizeof path, "%s%s-%" PRIu64 ".kernels", set.keep[0] == '/' ? "" : "./", set.keep, set.seed);
		set.cuda = NULL;
		if (!trial_kernels(&set, path))
			return 1;
		set.cuda = path;
	}
	if (set.cuda || set.device)
		setenv("MMSB_DEVICE_LEAST", "0", 0);
	for (uint32_t i = 0; i < set.programs; i++)
		one_program(&set, set.seed + i, &sum);
	if (set.cuda)
		remove(path);
	if (set.cuda || set.device) {
		printf("%" PRIu64 " kernels run\n", sum.launches);
		sum.failed += sum.launches == 0;
	}
	printf("seeds %" PRIu64 " to %" PRIu64 ": %" PRIu64 " epochs of %u programs, %" PRIu64 " of them failing in all runs; %u programs "
	       "without a good epoch, %u too large for the naive evaluator\n",
	       set.seed, set.seed + set.programs - 1, sum.epochs, set.programs, sum.failing_epochs, sum.empty, sum.large);
	printf("%u passed, %u failed\n", sum.passed, sum.failed);
	return sum.failed > 0;
}
