/* store_prefix.h - partial results of prefix reductions along the last dimension, where all positions are present: the values of blocks of
 * TILE operands and of the nodes above them, by row. A prefix is the nodes before its end, and what it has of a block. Internal. */
#ifndef MMSB_STORE_PREFIX_H
#define MMSB_STORE_PREFIX_H

#include "kernels.h"
#include "pool.h"
#include "reduce.h"

enum { PREFIX_LEVELS = 48 };

typedef struct prefix_kind {
	pool pool;
	const kernel_table *k;
	uint8_t op, type, width;
	bool strict;
	uint64_t rows, extent;  /* operands of a row, as many as it has ends */
	uint64_t blocks;        /* whole ones */
	uint64_t nodes;         /* of a row */
	uint64_t level_at[PREFIX_LEVELS]; /* the first of them of each level, which has blocks >> level */
	uint8_t *values;
	uint32_t *changed;      /* nodes of a level, during an update */
} prefix_kind;

/* Sets all but the memory, of which it takes that many bytes. false: rows are too short to keep anything, or too long. */
bool prefix_kind_set(prefix_kind *, const kernel_table *, unsigned op, unsigned type, bool strict, uint64_t rows, uint64_t extent);
size_t prefix_kind_bytes(const prefix_kind *);
bool prefix_kind_place(prefix_kind *); /* from its pool; false: there is no memory */

#endif
