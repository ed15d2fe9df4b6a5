/* run_state.h - `mmsb run --state`: the folder that a run goes on in, and the signals that it listens to. */
#ifndef MMSB_RUN_STATE_H
#define MMSB_RUN_STATE_H

#include "progress.h"
#include "runspec.h"

typedef struct run_state run_state;

/* Opens the folder of the spec: the instance has what -D says, and becomes as after its last epoch if it has one. What somebody should know
 * is printed. *out is owned by the caller. */
int run_state_open(run_state **out, mmsb_instance *, const run_spec *, progress *bar, mmsb_error *err);

/* The last epoch that it has; 0: it is new, or (state NULL) there is none. */
uint64_t run_state_epoch(const run_state *);

/* Between two epochs, and before something is waited for: makes the checkpoint that SIGUSR1 has asked for. True: SIGINT or SIGTERM ends the
 * run. */
bool run_state_stops(run_state *);

/* Waits until `fd` can be read. False: a signal ends the run. */
bool run_state_wait(run_state *, int fd);

/* All is on disk that somebody is about to be told of. */
int run_state_sync(run_state *, mmsb_error *err);

/* The clean end: a checkpoint. Frees. state may be NULL: nothing. */
/* The checkpoint at the end of a run, so that whoever writes events can hear of it; run_state_close makes it otherwise. */
int run_state_finish(run_state *, mmsb_error *err);
int run_state_close(run_state *, mmsb_error *err);

#endif
