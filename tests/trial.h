/* trial.h - one random program at work: the instances that must agree, and the naive evaluator that they must agree with. */
#ifndef MMSB_TESTS_TRIAL_H
#define MMSB_TESTS_TRIAL_H

#include <stdio.h>

#include "../runtime/mmsb.h"
#include "generate.h"

typedef struct settings {
	uint64_t seed;
	uint32_t programs, epochs, threads; /* epochs 0: as many as the seed says */
	const char *keep;
	bool print, naive_only, native, device;
	const char *cuda; /* a shared object with the kernels of all programs, for tests/cuda_host; or NULL */
} settings;

/* The executor that propagates, with one thread and with several, and the one that evaluates everything in every epoch. */
enum { RUN_ONE, RUN_MANY, RUN_SCRATCH, RUNS };

/* A page whose changes are watched in the first run: as it was after the last epoch. */
typedef struct watched {
	bool on;
	naive_table was;
} watched;

/* A checkpoint that is held while epochs go on (checkpoint.h); writer NULL: none is. */
typedef struct held_checkpoint {
	struct checkpoint_writer *writer;
	uint32_t epochs; /* left until it is written */
} held_checkpoint;

typedef struct trial {
	const settings *set;
	uint64_t seed;
	rng r;
	generated program;
	struct lang_ctx *ctx;
	p_program *checked;
	naive *naive;
	mmsb_schedule *schedule;
	mmsb_instance *runs[RUNS];
	mmsb_state *state; /* of RUN_MANY, in some programs */
	held_checkpoint held;
	watched *watched; /* by id of the page */
	bool has_lazy;
	changes deltas;
	FILE *log;       /* the deltas so far, as text */
	char *log_text;
	size_t log_size;
	char why[1400];
} trial;

/* Says what is wrong; false. */
bool complain(trial *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* trial_make.c: the program of the seed, checked and compiled, in the naive evaluator; an instance of it; the end of both. */
bool trial_program(trial *t);
bool trial_run(trial *t, int run);
/* The run goes on as another instance, from a checkpoint of what it is now. */
bool trial_resume(trial *t, int run);
/* A checkpoint of the run as it is now is held for some epochs; in the end (epoch by epoch, false: it is none) it has the bytes of one that was
 * written at once. */
bool trial_hold(trial *t, int run, uint32_t epochs);
bool trial_held(trial *t);
/* RUN_MANY is kept in a folder from its first epoch on; it goes on as another instance that opens the folder, after the end of a run
 * or (killed) as if there had been none. */
bool trial_open_state(trial *t);
bool trial_reopen_state(trial *t, bool killed);
void trial_end(trial *t);

/* The kernels of the trials of all seeds, compiled for the host, in the shared object `path`. False: a message was printed. */
bool trial_kernels(const settings *set, const char *path);
/* How many kernels the device has run for the runs of now. */
uint64_t trial_launches(const trial *t);

/* trial_stage.c: the deltas of the epoch, to the naive evaluator and to each run in calls of another kind; to one run. */
bool trial_stage(trial *t);
int trial_stage_run(trial *t, int run, mmsb_error *err);

/* trial_compare.c: the pages of each run against the naive evaluator (or, where the program is too large for it, against the
 * run from scratch), and their digests. */
bool trial_same_pages(trial *t, uint64_t epoch);
/* Watches some pages; what the last commit changed in them. */
bool trial_watch(trial *t);
bool trial_same_changes(trial *t, uint64_t epoch);
void trial_unwatch(trial *t);

#endif
