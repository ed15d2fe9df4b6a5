/* bounds.h - conditions of reductions that rest on variables alone, `where j > i - 10 && j <= i`: they bound the positions of an element,
 * whatever the data, and say which elements a position concerns. Internal. */
#ifndef MMSB_BOUNDS_H
#define MMSB_BOUNDS_H

#include "exec.h"

enum { BOUND_SAMPLES = 3 };

/* constant + coef * position + terms >= 0; terms are of locals of the region around. */
typedef struct bound {
	int64_t constant, coef;
	const var_term *terms;
	uint32_t n_terms;
	int64_t rest[BOUND_SAMPLES]; /* constant + terms, where variables are so far in their ranges */
} bound;

/* Finds the bounds of a range; its variables are numbered, and its steps in order. */
struct planner;
void bounds_plan(struct planner *, region_plan *);

/* Positions first .. end-1 (from the range's begin on) of an element, a lane of the region around: no others are present. */
void bounds_of(const run *, const region_plan *, uint32_t lane, int64_t *first, int64_t *end);

/* Narrows lo..hi-1 to where coef * position + rest >= 0. */
void bound_narrow(int64_t coef, int64_t rest, int64_t *lo, int64_t *hi);

/* Which positions are present differs from element to element. */
bool bounds_differ(const region_plan *);

#endif
