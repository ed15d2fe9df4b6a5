/* blocks.h - reductions that functions of native code compute block by block (native_block.h), ready to run. Internal. */
#ifndef MMSB_BLOCKS_H
#define MMSB_BLOCKS_H

#include "exec.h"

/* The function of a region, once the steps of all regions are known; NULL: it has none, or not for these sizes. */
struct planner;
const struct block_plan *block_plan_new(struct planner *, const region_plan *, uint32_t pass);

/* Whether reductions of a pass are to be computed so, as memory and what is kept of them are now; how many rows make a block. */
bool blocks_ready(const struct executor *, const kernel_plan *);
uint32_t blocks_rows(const kernel_plan *);

/* Bytes that a worker needs for the blocks of any pass. */
size_t blocks_room(const struct executor *);

/* Computes reductions for `rows` rows (of the page's elements) from `row` on, and in each the n <= TILE elements from `lane` on; all variables but the
 * last two are the same in them. Until the next call the region code takes them from there, once block_row says in which of the rows it is. */
void blocks_compute(worker *, const kernel_plan *, const page *to, uint64_t row, uint32_t rows, uint64_t lane, uint32_t n);

/* Gives r the values of a reduction, if the row it is in was computed. */
bool blocks_give(worker *, run *r, const step *s);

#endif
