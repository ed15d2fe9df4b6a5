/* `mmsb bench`: what an epoch costs in which some elements change, propagated and evaluated whole. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bind.h"
#include "changer.h"
#include "commands.h"
#include "load.h"

/* Evaluated whole, the first epochs are enough: until this much time has gone, but some in any case. */
enum { LEAST_WHOLE = 3, MOST_WHOLE = 100, WHOLE_NS = 2000000000 };
/* Changes that are taken as one epoch to catch up. */
enum { CATCH_UP = 1 << 20 };

/* One of the two ways. */
typedef struct way {
	const char *name;
	mmsb_instance *inst;
	changer *changes;
	uint64_t *ns;         /* of each epoch, staged to published */
	uint64_t epochs, evaluated, total;
} way;

typedef struct bench {
	run_spec spec;
	way propagated, whole;
	uint64_t k, epochs;
	progress bar;
	mmsb_error err;
} bench;

static uint64_t evaluated(mmsb_instance *inst)
{
	mmsb_stats stats;
	mmsb_stats_get(inst, &stats);
	uint64_t n = 0;
	for (unsigned i = 0; i < stats.n_passes; i++)
		n += stats.passes[i].evaluated;
	return n;
}

/* ---- beginning --------------------------------------------------------------------------------- */

static int find_id(bench *b, mmsb_instance *inst, int *id)
{
	*id = find_page(inst, b->spec.page, &b->err);
	return *id < 0 ? MMSB_NAME : MMSB_OK;
}

/* An instance with its inputs as epoch 1. */
static int begin_way(bench *b, way *w, mmsb_schedule *schedule_, bool whole)
{
	int id;
	mmsb_options options = {.size = sizeof options, .threads = (int)b->spec.option[RUN_THREADS], .scratch = whole,
	                        .executor = load_executor(&b->spec)};
	int status = mmsb_instance_new(&w->inst, schedule_, &options, &b->err);
	if (status == MMSB_OK)
		status = find_id(b, w->inst, &id);
	if (status == MMSB_OK)
		status = load_inputs(w->inst, &b->spec, &b->bar, &b->err);
	if (status == MMSB_OK)
		status = mmsb_commit(w->inst, NULL, &b->err);
	if (status == MMSB_OK)
		status = changer_new(&w->changes, w->inst, id, b->k, b->spec.option[BENCH_SEED], &b->err);
	if (status != MMSB_OK)
		return status;
	w->name = whole ? "whole" : "propagated";
	w->ns = malloc(b->epochs * sizeof *w->ns);
	return w->ns ? MMSB_OK : fail_memory(&b->err, b->epochs * sizeof *w->ns, "the times of the epochs");
}

static int begin(bench *b)
{
	mmsb_schedule *schedule_ = NULL;
	int status = load_run_file(&b->spec, &b->err);
	progress_init(&b->bar, b->spec.option[RUN_PROGRESS] != 0);
	if (status == MMSB_OK)
		status = load_schedule(&b->spec, &schedule_, &b->err);
	if (status != MMSB_OK)
		return status;
	status = begin_way(b, &b->whole, schedule_, true);
	if (status == MMSB_OK)
		status = begin_way(b, &b->propagated, schedule_, false);
	mmsb_schedule_close(schedule_);
	return status;
}

/* ---- epochs ------------------------------------------------------------------------------------ */

static int one_epoch(bench *b, way *w)
{
	uint64_t before = evaluated(w->inst);
	int status = changer_next(w->changes, &b->err);
	if (status != MMSB_OK)
		return status;
	uint64_t start = now_ns();
	status = changer_stage(w->changes, w->inst, &b->err);
	if (status == MMSB_OK)
		status = mmsb_commit(w->inst, NULL, &b->err);
	uint64_t ns = now_ns() - start;
	w->ns[w->epochs++] = ns;
	w->total += ns;
	w->evaluated += evaluated(w->inst) - before;
	progress_at(&b->bar, w->name, w->epochs, b->epochs);
	return status;
}

static int run_whole(bench *b)
{
	way *w = &b->whole;
	int status = MMSB_OK;
	while (status == MMSB_OK && w->epochs < b->epochs && w->epochs < MOST_WHOLE &&
	       (w->epochs < LEAST_WHOLE || w->total < WHOLE_NS))
		status = one_epoch(b, w);
	return status;
}

static int run_propagated(bench *b, uint64_t epochs)
{
	int status = MMSB_OK;
	while (status == MMSB_OK && b->propagated.epochs < epochs)
		status = one_epoch(b, &b->propagated);
	return status;
}

/* Both states must be the same, and the digest is printed. */
static int compare(bench *b, uint64_t epoch)
{
	char ours[33], theirs[33];
	int status = mmsb_digest(b->propagated.inst, ours, &b->err);
	if (status == MMSB_OK)
		status = mmsb_digest(b->whole.inst, theirs, &b->err);
	if (status != MMSB_OK)
		return status;
	if (strcmp(ours, theirs) != 0)
		return fail(&b->err, MMSB_FAULT, "propagation went wrong: after %llu epochs of changes its state is %s, and evaluated whole %s",
		            (unsigned long long)epoch, ours, theirs);
	progress_clear(&b->bar);
	printf("same state after %llu: %s\n", (unsigned long long)epoch, ours);
	return MMSB_OK;
}

/* The changes of the epochs that were not evaluated whole, as few large ones. */
static int catch_up(bench *b)
{
	uint64_t staged = 0;
	int status = MMSB_OK;
	for (uint64_t e = b->whole.epochs; e < b->epochs && status == MMSB_OK; e++) {
		status = changer_next(b->whole.changes, &b->err);
		if (status == MMSB_OK)
			status = changer_stage(b->whole.changes, b->whole.inst, &b->err);
		staged += b->k;
		if (status == MMSB_OK && (staged >= CATCH_UP || e + 1 == b->epochs)) {
			status = mmsb_commit(b->whole.inst, NULL, &b->err);
			staged = 0;
		}
	}
	return status;
}

/* ---- figures ----------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static void print_way(way *w)
{
	qsort(w->ns, w->epochs, sizeof *w->ns, ascending);
	double n = (double)w->epochs;
	printf("%-12s %10llu %12.1f %12.3f %12.3f %12.3f %16.1f\n", w->name, (unsigned long long)w->epochs, n / ((double)w->total * 1e-9),
	       (double)w->ns[(w->epochs - 1) / 2] * 1e-3, (double)w->ns[(w->epochs * 99 + 99) / 100 - 1] * 1e-3,
	       (double)w->ns[w->epochs - 1] * 1e-3, (double)w->evaluated / n);
}

static void print_figures(bench *b)
{
	mmsb_info info;
	mmsb_page_info(b->whole.inst, mmsb_page(b->whole.inst, b->spec.page), &info);
	printf("page %s: %llu of %llu %s change in an epoch; seed %llu; %d thread%s\n", info.name, (unsigned long long)b->k,
	       (unsigned long long)info.count, info.sparse ? "entries" : "elements", (unsigned long long)b->spec.option[BENCH_SEED],
	       b->whole.inst->threads, b->whole.inst->threads == 1 ? "" : "s");
	printf("%-12s %10s %12s %12s %12s %12s %16s\n", "", "epochs", "epochs/s", "p50 us", "p99 us", "max us", "evaluated/epoch");
	print_way(&b->propagated);
	print_way(&b->whole);
}

static int run_bench(bench *b)
{
	const char *why;
	int status = begin(b);
	if (status == MMSB_OK)
		status = run_whole(b);
	if (status == MMSB_OK)
		status = run_propagated(b, b->whole.epochs);
	if (status == MMSB_OK)
		status = compare(b, b->whole.epochs);
	if (status == MMSB_OK)
		status = run_propagated(b, b->epochs);
	/* state depends on every epoch: then the first ones are compared alone */
	if (status == MMSB_OK && b->epochs > b->whole.epochs && load_state_page(b->whole.inst, &why) == NULL) {
		status = catch_up(b);
		if (status == MMSB_OK)
			status = compare(b, b->epochs);
	}
	progress_clear(&b->bar);
	if (status == MMSB_OK)
		print_figures(b);
	else if (b->err.message[0] != '\0')
		print_error(&b->err);
	if (status == MMSB_OK && fflush(stdout) != 0)
		return 3;
	return exit_status(status);
}

static void free_way(way *w)
{
	changer_free(w->changes);
	mmsb_instance_free(w->inst);
	free(w->ns);
}

int cmd_bench(int argc, char **argv)
{
	bench b = {.k = 1};
	int status = runopts_parse(argc, argv, BENCH_COMMAND, &b.spec);
	if (status == RUNOPTS_GO) {
		b.k = b.spec.has[BENCH_K] ? b.spec.option[BENCH_K] : 1;
		b.epochs = b.spec.has[BENCH_EPOCHS] ? b.spec.option[BENCH_EPOCHS] : 1000;
		if (!b.spec.has[BENCH_SEED])
			runspec_set(&b.spec, BENCH_SEED, 1);
		status = run_bench(&b);
	}
	free_way(&b.propagated);
	free_way(&b.whole);
	runspec_free(&b.spec);
	return status;
}
