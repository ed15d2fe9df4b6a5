/* history.h - a state folder, looked at: which epochs it has, and instances as they were after any of them. Internal.
 *
 * Nothing is locked and nothing written: a folder may be looked at while somebody writes to it, and shows what it held when it was opened. */
#ifndef MMSB_HISTORY_H
#define MMSB_HISTORY_H

#include "log.h"
#include "manifest.h"

typedef struct history {
	const vfs *fs;
	char *folder;
	manifest files;
	mmsb_schedule *schedule;
	uint64_t earliest, last; /* the epochs that can be had: from a checkpoint or the beginning of the log to the last whole record */
	uint64_t torn;           /* bytes behind the last record that are none */
	void (*note)(const char *why); /* told of a checkpoint that is passed over for an older one; NULL: nobody. The caller's to set */
	mmsb_error damage;       /* of the open segment: what stands in the way of epochs after `last`; status MMSB_OK: nothing */
} history;

/* Opens a folder. MMSB_IO, MMSB_FORMAT, MMSB_NUMERICS, MMSB_MEMORY, MMSB_INPUT: no epoch yet. */
int history_open(history **out, const vfs *, const char *folder, mmsb_error *err);
void history_close(history *); /* NULL is allowed */

/* What stands behind DIR@: an epoch, or a time as 2026-11-27T10:00:00 (UTC; a date alone: its first moment): the last epoch that was committed by then.
 * MMSB_USAGE, MMSB_RANGE: outside what the folder has. */
int history_find(history *, const char *text, uint64_t *epoch, mmsb_error *err);

/* An epoch that can be had: MMSB_OK, or MMSB_RANGE and a message that says which can. */
int history_has(const history *, uint64_t epoch, mmsb_error *err);

/* The schedule of a folder. MMSB_IO, MMSB_FORMAT, MMSB_NUMERICS, MMSB_MEMORY. */
int history_load_schedule(const vfs *, const char *folder, mmsb_schedule **out, mmsb_error *err);

/* A segment of it. */
int history_open_segment(const history *, const log_segment *, log_reader **out, mmsb_error *err);

/* A time in nanoseconds since 1970 as text, 2026-11-27T10:00:00.000000000Z; and back: false: it is none. */
enum { TIME_ROOM = 40 };
void history_print_time(uint64_t ns, char to[TIME_ROOM]);
bool history_parse_time(const char *text, uint64_t *ns);

/* ---- records in order -------------------------------------------------------------------------- */

typedef struct history_walk {
	history *h;
	size_t segment;         /* at hand */
	log_reader *reader;     /* of it */
	uint64_t check;         /* of the last record */
} history_walk;

/* Begins with the segment that holds `epoch`; records before it may come first. */
void history_walk_begin(history_walk *, history *, uint64_t epoch);

/* The next record, up to the end of h->last; *more: there was one. A record's bytes are good until the next call. MMSB_IO, MMSB_FORMAT, ... */
int history_walk_next(history_walk *, log_record *, bool *more, mmsb_error *err);
void history_walk_end(history_walk *);

/* ---- instances --------------------------------------------------------------------------------- */

/* An epoch that was played. */
typedef struct history_epoch {
	uint64_t epoch, time;
	const char *source;     /* "": none */
} history_epoch;

typedef int history_each(void *user, const history_epoch *, mmsb_error *err);

/* An instance on its way through the epochs. */
typedef struct player {
	history *h;
	mmsb_instance *m;       /* owned; its epoch: m->epoch */
	history_walk walk;
	log_record record;      /* read, and not taken whole yet */
	bool holds;             /* there is one */
	bool verify;            /* compare digests of the log */
	bool changes_only;      /* each need not be called for ticks that change nothing */
	uint64_t digests;       /* compared */
	bool merges;            /* epochs may be taken together: nothing reads the epoch before */
	size_t applied;         /* bytes of records that are in the sources, but not evaluated */
} player;

/* An instance as after the nearest checkpoint at or before `epoch` or, where there is none (or `first` is set), before epoch 1: bound then, without
 * an epoch. options may be NULL. MMSB_RANGE: the log does not go so far back. */
int player_new(player **out, history *, uint64_t epoch, bool first, const mmsb_options *, mmsb_error *err);
/* The same from a checkpoint that is in no folder: of an epoch that the log leads on from. */
int player_from(player **out, history *, const char *checkpoint, const mmsb_options *, mmsb_error *err);
void player_free(player *); /* NULL is allowed */

/* Goes on until `epoch` is the last; each (NULL: nobody looks, and epochs may be taken together) is called after every one. */
int player_to(player *, uint64_t epoch, history_each *, void *user, mmsb_error *err);

#endif
