/* dirty.h - which elements of a pass the changes of an epoch concern. Internal. */
#ifndef MMSB_DIRTY_H
#define MMSB_DIRTY_H

#include "exec.h"

/* Sets of a plan; empty between passes. */
typedef struct dirty_sets {
	bool all;               /* of a pass that is put off (lazy.c): all elements */
	bitset elements;        /* of region 0, to be evaluated */
	bool stored;            /* the plan has reductions with stores: */
	bitset fed;             /* ... elements of which all of their operands are to be evaluated */
	bitset *lanes;          /* by region: operands of reductions with stores, as store.h numbers them */
} dirty_sets;

typedef enum reach { REACH_NONE, REACH_SOME, REACH_WHOLE } reach;

dirty_sets *dirty_new(struct executor *, const kernel_plan *); /* NULL: no memory */
void dirty_free(dirty_sets *, const kernel_plan *);

/* Fills the plan's sets from what the pass reads and what of it has changed. Not for reads of the pass's own page, which are the
 * rounds of a fixpoint. */
reach dirty_find(struct executor *, const kernel_plan *, uint64_t epoch);

/* Adds to the plan's sets what the next round of a fixpoint is to evaluate after one that changed these elements of its page; an update of stores comes before it.
 * false: all is, and nothing that stores hold is right. Needs pass_look_up. */
bool dirty_round(struct executor *, const kernel_plan *, const bitset *changed);

/* Operands of reductions with stores, by the plan's sets: adds to its elements those of whose values one has changed (store_update). */
void stores_update(struct executor *, const kernel_plan *);

void dirty_clear(const kernel_plan *);

/* The page's values, or those of the epoch before, have changed in what `epoch` reads. */
bool page_changed_in(const page *, uint64_t epoch, bool prev);

#endif
