/* journal.h - what a commit tells of an epoch before it is published: how durable state (state/) follows an instance. Internal.
 *
 * The runtime knows this table and nothing of what is behind it. Calls come from the committing thread, within one_epoch (epoch.c), in this order;
 * where several threads commit, from one after another (turn.h). */
#ifndef MMSB_JOURNAL_H
#define MMSB_JOURNAL_H

#include "mmsb.h"

typedef struct journal_ops {
	/* An epoch has been evaluated; m->staging still holds what it took. A failure rolls it back, and the instance is read-only from then on. */
	int (*append)(void *journal, mmsb_instance *, uint64_t epoch, const char *source, mmsb_error *err);
	/* Ticks from the last record to `last`, n of them. */
	int (*append_ticks)(void *journal, mmsb_instance *, uint64_t last, uint64_t n, const char *source, mmsb_error *err);
	/* Until the epoch is as durable as is asked for. A failure as above. */
	int (*wait)(void *journal, mmsb_instance *, uint64_t epoch, mmsb_error *err);
	/* It is published: checkpoints and digests are made here. A failure makes the instance read-only; the epoch stands. */
	int (*after)(void *journal, mmsb_instance *, uint64_t epoch, mmsb_error *err);
	/* The instance is freed. */
	void (*gone)(void *journal);
} journal_ops;

typedef struct journal {
	const journal_ops *ops;
	void *at;
} journal;

#endif
