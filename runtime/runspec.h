/* runspec.h - what one `mmsb run` or `mmsb bench` is to do: from the command line, and from a run file. */
#ifndef MMSB_RUNSPEC_H
#define MMSB_RUNSPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mmsb.h"

typedef struct run_pair {
	char *name;           /* of a page or param; of a folder: empty. Owned, as all of these */
	char *value;          /* source, path, value; NULL: none was given */
	char *file;           /* the run file it stands in; NULL: the command line */
	uint64_t line, column; /* there */
} run_pair;

typedef struct run_list {
	run_pair *items;
	size_t count, capacity;
} run_list;

typedef enum digest_mode { DIGEST_NONE, DIGEST_END, DIGEST_EACH } digest_mode;

/* The options that are one value; each is set or not. */
typedef enum run_option {
	RUN_TICKS, RUN_BATCH, RUN_JSON, RUN_DIGEST, RUN_SCRATCH, RUN_THREADS, RUN_OR_PORTABLE, RUN_STATS, RUN_PROGRESS, RUN_SKIP_BAD,
	RUN_DURABILITY, RUN_GROUP_MS, RUN_DIGEST_EVERY, RUN_CHECKPOINT_EPOCHS, RUN_CHECKPOINT_BYTES, RUN_CHECKPOINT_SECONDS, RUN_KEEP,
	BENCH_K, BENCH_EPOCHS, BENCH_SEED, RUN_OPTIONS
} run_option;

enum { RUN_MOST_THREADS = 4096, RUN_MOST_KEPT = 1000000, RUN_LONGEST_TAG = 255 };

typedef struct run_spec {
	char *program, *deltas, *executor;
	char *events;         /* where what happens is written */
	char *state, *source; /* the folder of --state, the tag of --source */
	char *page;           /* of bench */
	run_list params, ins, outs, watches, dirs;
	uint64_t option[RUN_OPTIONS];
	bool has[RUN_OPTIONS];
} run_spec;

void runspec_free(run_spec *);

static inline void runspec_set(run_spec *spec, run_option option, uint64_t value)
{
	spec->option[option] = value;
	spec->has[option] = true;
}

/* Adds copies. False: no memory. */
bool runspec_add(run_list *list, const char *name, const char *value, const char *file, uint64_t line, uint64_t column);

/* What durability or the times of checkpoints are said by, as text: `group=50`; `1000`, `64M`, `30s`. False: it is none; the expected is ... */
bool runspec_durability(run_spec *, const char *text);
bool runspec_checkpoint(run_spec *, const char *text);
#define DURABILITY_EXPECTED "epoch, group=MS (1 to 3600000 milliseconds), os or none"
#define CHECKPOINT_EXPECTED "epochs (1000), bytes (K, M, G: 64M) or seconds (30s)"

/* Whether all options that are about another one have it. MMSB_USAGE. */
int runspec_check(const run_spec *, mmsb_error *err);

/* The executor of this name (enum mmsb_executor), or -1. */
int runspec_executor(const char *name);

/* Replaces an owned text by a copy of another. False: no memory. */
bool runspec_text(char **at, const char *text);

/* Adds what `over` says to `base`: single options, when checkpoints are made, and bindings of the same param or source page replace those of
 * base. Consumes over. */
int runspec_merge(run_spec *base, run_spec *over, mmsb_error *err);

#endif
