/* why.h - what changed an element: the reads of it that changed in the same epoch. Internal to the program. */
#ifndef MMSB_WHY_H
#define MMSB_WHY_H

#include "../state/history.h"
#include "trace.h"

/* Instances as they were after the epochs that are looked at now. */
enum { WHY_INSTANCES = 3, WHY_MARKS = 8 };

/* A checkpoint in memory of an epoch that was passed on the way to another. */
typedef struct why_mark {
	uint64_t epoch;         /* 0: there is none */
	uint64_t used;
	int fd;
} why_mark;

/* All zero but for h at first. */
typedef struct why {
	history *h;
	player *players[WHY_INSTANCES];
	uint64_t used[WHY_INSTANCES], clock; /* when it was last asked for */
	why_mark marks[WHY_MARKS];
} why;

typedef struct why_element {
	uint32_t page;
	uint32_t field;         /* of a record page, or NONE: all of it */
	uint64_t at;            /* row-major position; of a sparse page: row << 32 | column */
	uint64_t epoch;         /* in which it changed */
	bool prev;              /* it was read with prev: in the epoch after that */
} why_element;

void why_end(why *);

/* The instance as after an epoch (0: before the first), until two others were asked for. Lazy pages are evaluated where values are asked for. */
int why_instance(why *, uint64_t epoch, mmsb_instance **out, mmsb_error *err);

/* The last epoch up to `upto` in which the element changed. 0: it has not, since epoch *since (0: the beginning). */
int why_last_change(why *, const why_element *, uint64_t upto, uint64_t *epoch, uint64_t *since, mmsb_error *err);

/* The elements that this one, of a page that a pass defines, read and that changed. *out: from malloc, sorted; owned by the caller. */
int why_reads(why *, const why_element *, why_element **out, size_t *n, mmsb_error *err);

/* Source and time of an epoch. source: at most `room` bytes with the NUL. */
int why_epoch(why *, uint64_t epoch, char *source, size_t room, uint64_t *time, mmsb_error *err);

#endif
