/* bounded.h - bounded fixpoints whose rounds are kept from epoch to epoch. Internal. */
#ifndef MMSB_BOUNDED_H
#define MMSB_BOUNDED_H

#include "exec.h"

typedef struct kept_rounds kept_rounds;

enum { BOUNDED_WHOLE = -1, BOUNDED_NOT_KEPT = -2 };

/* Brings the page from the values of the epoch before to those of this one, in place; what differs is marked and counted. BOUNDED_WHOLE: nothing that fits is kept, or too
 * much has changed; the page is as it was. */
int bounded_run(fix *, uint64_t epoch, uint64_t *changed);

/* Runs all rounds and keeps them; f->now: the values of the last. BOUNDED_NOT_KEPT: there is no room for them. */
int bounded_whole(fix *);

/* What is kept is that of an epoch that failed, say. NULL is allowed, in both. */
void bounded_forget(kept_rounds *);
void bounded_free(kept_rounds *, size_t element);

#endif
