/* own_log.h - MMSB's log beside its rivals (durable.c): records, deltas, replay. Uses more of the library than its header offers. */
#ifndef MMSB_OWN_LOG_H
#define MMSB_OWN_LOG_H

#include "rivals.h"

/* A record is an epoch whose delta is `bytes` of f64 from some position on. A log whose closed segments go, and one that keeps them. */
extern const rival own_log, own_log_kept;

/* Nanoseconds of the processor for `epochs` epochs of `batch` deltas each: staged, appended to a log in `folder` that nobody syncs, applied. */
double own_deltas_ns(const char *folder, uint64_t elements, uint64_t epochs, uint64_t batch, const uint64_t *index, const double *value);

/* Nanoseconds of the clock for a commit of one delta, of `commits` by so many threads together, in a state folder that syncs each; *epochs: how many they became. */
double own_commits_ns(const char *folder, unsigned threads, uint64_t commits, uint64_t *epochs);

/* A log of epochs of one delta each, of a graph that adds two pages; times (of the processor) of what is done with it. */
typedef struct own_replay {
	double live_ns;       /* staged, appended (not synced), propagated */
	double whole_ns;      /* XXH3 over the mapped segments */
	double each_ns;       /* the checksum of each record, and nothing else */
	double store_ns;      /* C that checks each record and stores its value, and can do nothing else */
	double read_ns;       /* records verified, deltas put into pages */
	double propagated_ns; /* and what follows from them */
	uint64_t bytes, segments;
} own_replay;

own_replay own_replay_times(const char *folder, uint64_t epochs, uint64_t rounds);

#endif
