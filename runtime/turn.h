/* turn.h - whose turn it is to commit, where several threads do. Internal.
 *
 * One commits at a time. Those that come meanwhile wait; the first of them then makes one epoch of what all of them have staged, which is one
 * record of a log and one sync, and the others get its number, or its error. So commits that come faster than the disk syncs share its syncs. */
#ifndef MMSB_TURN_H
#define MMSB_TURN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "mmsb.h"

/* A call that waits, on its stack. */
typedef struct turn_call {
	struct turn_call *next;
	bool shares;            /* it may be one epoch with others */
	bool leads;             /* it is its turn */
	bool over;              /* another one has made its epoch: */
	int status;
	uint64_t epoch;
	mmsb_error *err;        /* the caller's */
} turn_call;

typedef struct commit_turn {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	bool taken;             /* somebody has it, or is to have it next */
	_Atomic(const void *) by; /* who has it: an address of the thread's own; NULL: nobody */
	turn_call *first, **last; /* those that wait, in their order */
} commit_turn;

/* False: no memory or other means. */
bool turn_init(commit_turn *);
void turn_destroy(commit_turn *);

/* This thread has it: it is within a commit, in a callback. */
bool turn_is_mine(commit_turn *);

/* Waits. True: it is this call's turn, alone or, if it shares, with those that wait, up to one that does not; it gets their list; to be ended by
 * turn_end. False: another call has made its epoch, and what it came to stands in *call. */
bool turn_begin(commit_turn *, turn_call *call, turn_call **others);

/* The others get what `call` says; the next one's turn begins. */
void turn_end(commit_turn *, const turn_call *call, turn_call *others);

#endif
