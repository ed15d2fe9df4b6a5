/* pour.h - grouped reductions of a whole evaluation, by position: operands are read in the order of their page, and each goes to its key, whose
 * node of the tree is open. Group by group they would be gathered from all over the page. Internal.
 *
 * The order of the tree does not depend on values: it is written down (pour_course.h). */
#ifndef MMSB_POUR_H
#define MMSB_POUR_H

#include "exec.h"

struct planner;

/* Decides for each region of a plan whether its operands can be poured, and takes the memory for it. */
void pour_plan(struct planner *);
void pour_free(struct pour *); /* NULL is allowed */

/* A grouped reduction of which all positions count, nothing differs from key to key, and nothing fails: what is told of a failure begins with its element. */
bool pour_possible(const kernel_plan *, const region_plan *);

/* Before a whole evaluation of the pass at hand: values of those of its grouped reductions for which this is the cheaper way. */
void pour_all(struct executor *, const kernel_plan *);

/* Of the dirty elements of a pass so many are evaluated from all of their operands, as nothing is kept of them, that it is cheaper too. */
bool pour_worth(const kernel_plan *);

/* Gives these values to the lanes of region 0; false: there are none. pour_end forgets them. */
bool pour_give(worker *, run *r, const step *s);
void pour_end(const kernel_plan *);

#endif
