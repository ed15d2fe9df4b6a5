/* state.h - a state folder that is open for writing. Internal.
 *
 * state.c      opening, closing, what the journal of an instance does      folder.c    the folder, its lock, what is left over in it
 * recover.c    from checkpoint and log to an instance                      snapshot.c  checkpoints while commits go on
 *
 * The committing thread owns all but what `guard` guards. */
#ifndef MMSB_STATE_H
#define MMSB_STATE_H

#include <pthread.h>

#include "checkpoint.h"
#include "manifest.h"

/* A checkpoint at work: a thread writes it, or waits for a child that does, and puts it into the manifest. */
typedef struct snapshot {
	bool begun;              /* there is a thread to join */
	pthread_t thread;
	checkpoint_writer *writer; /* until it is settled */
	uint64_t epoch;
	int child, done;         /* the child, and the pipe whose other end goes with it; child 0: there is none */
	int *outcome;            /* in memory that a child shares: 1, or a negative errno; 0: it is not written yet, or the child was killed */
	int handle;              /* of the file */
	int status;              /* how the last ended, with err; guarded while it is at work */
	mmsb_error err;
	atomic_bool at_work;
} snapshot;

/* The checksums of a mapped checkpoint, looked at in the background. */
typedef struct background {
	bool begun;
	pthread_t thread;
	checkpoint_rest *rest;
	uint64_t epoch;          /* of the checkpoint */
	atomic_bool stop;
} background;

struct mmsb_state {
	vfs fs;
	char *folder;
	mmsb_instance *m;        /* NULL: it was freed */
	mmsb_state_options options;
	int lock;                /* handle of LOCK; -1 */
	log_writer *log;         /* from the first epoch on */
	bool later;              /* epochs need not be durable before the next mmsb_state_sync (state_later) */
	uint64_t later_since;    /* when that was last so: now_ns */
	char note[1200];
	pthread_mutex_t guard;   /* for the manifest on disk and in memory, and for failure */
	manifest names;
	bool has_manifest;
	atomic_bool failed;      /* in the background: the next commit says so */
	mmsb_error failure;
	checkpoint_table table;  /* of the last checkpoint */
	uint64_t told_checkpoint; /* the epoch of the last one that subscribers know of */
	uint64_t checkpoint_epoch, checkpoint_bytes, checkpoint_ns; /* when the last began: epoch, bytes of log, clock */
	uint64_t digest_epoch;   /* when that was last looked at */
	uint64_t bytes;          /* of the values of deltas since the state was opened: what the log has grown by, about */
	snapshot shot;
	background check;
};

/* As mmsb_state_open, on any disk. */
int state_open(mmsb_state **out, const vfs *, mmsb_instance *, const char *folder, const mmsb_state_options *, mmsb_error *err);

/* The checkpoint of a clean end, if the last one is not of the last epoch: mmsb_state_close makes none then, unless there were commits in between. */
int state_finish(mmsb_state *, mmsb_error *err);

/* Commits return before their epoch is durable from now on; nobody may be told of one before mmsb_state_sync says that it is. */
void state_later(mmsb_state *);

/* ---- folder.c ---- */

/* The lock of a folder, until the handle (-1: there is none) is closed. MMSB_BUSY: another process has it; MMSB_IO, MMSB_MEMORY. */
int folder_lock(const vfs *, const char *folder, int *handle, mmsb_error *err);

/* Makes the folder where there is none, locks it, reads its manifest. */
int folder_take(mmsb_state *, mmsb_error *err);
void folder_release(mmsb_state *);

/* The schedule's file, if there is no manifest yet. */
int folder_schedule(mmsb_state *, mmsb_error *err);

/* Removes files that do not count. What cannot be removed stays. */
void folder_sweep(mmsb_state *);

/* ---- recover.c ---- */

/* The instance becomes as after the last epoch of the folder, and the log goes on from there. */
int recover(mmsb_state *, mmsb_error *err);

/* Turns of the log: a segment was closed, another begins. */
int state_turn(void *state, const log_segment *closed, const log_segment *opened, mmsb_error *err);
int state_open_log(mmsb_state *, uint64_t next, const log_segment *last, uint64_t at, mmsb_error *err);

/* Adds a line to the note. */
void state_add_note(mmsb_state *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The instance is to be read-only: the next commit finds out. From any thread. */
void state_fail(mmsb_state *, const mmsb_error *why);

/* ---- snapshot.c ---- */

int snapshot_begin(mmsb_state *, bool aside, mmsb_error *err); /* aside: while commits go on, where that can be */
void snapshot_settle(mmsb_state *);                            /* the same, of one that is not at work any more: what was kept for it goes */
int snapshot_end(mmsb_state *, mmsb_error *err);               /* waits for it */
void background_begin(mmsb_state *, checkpoint_rest *rest, uint64_t epoch);
void background_end(mmsb_state *);

#endif
