/* ranges.h - reductions over ranges that a condition alone bounds, and whose operands are the same for all elements: suffixes, long windows. Each
 * operand is evaluated once, with the nodes of the tree above them, and an element combines those within its bounds. Internal. */
#ifndef MMSB_RANGES_H
#define MMSB_RANGES_H

#include "exec.h"

struct planner;

/* Decides for each region of a plan whether it is one of them, and takes the memory for it. */
void ranges_plan(struct planner *);

/* The steps that make a region's operand, in the order of running; false: it depends on more than the position, or can fail. */
bool ranges_steps(struct planner *, const region_plan *, const step ***steps, uint32_t *n);

/* Before elements of a pass are evaluated, `elements` of them: operands and nodes, where that is the cheaper way. ranges_end forgets them. */
void ranges_all(struct executor *, const kernel_plan *, uint64_t elements);
void ranges_end(const kernel_plan *);

/* Gives their values to the lanes of the region around; false: there are none. */
bool ranges_give(worker *, run *r, const step *s);

#endif
