/* store_flat.h - partial results of reductions whose positions are all present: the values of aligned blocks of positions, and of nodes
 * of FLAT_FAN aligned nodes above them, up to one. Internal.
 *
 * All elements of a region have the same number of positions, so that what is held of one is one block of the pool. */
#ifndef MMSB_STORE_FLAT_H
#define MMSB_STORE_FLAT_H

#include "kernels.h"
#include "pool.h"
#include "reduce.h"

enum { FLAT_BITS = 6, FLAT_FAN_BITS = 5, FLAT_FAN = 1 << FLAT_FAN_BITS, FLAT_LEVELS = 12 };

typedef struct flat_kind {
	pool pool;
	const kernel_table *k;
	red_kind kind;          /* DENSE, ANY, ARG */
	uint8_t op, type, width, arg;
	uint8_t bits;           /* positions of a block: 2^bits, at most 2^FLAT_BITS */
	uint32_t n_levels;
	uint64_t nodes[FLAT_LEVELS];  /* of each level; of the last one */
	size_t values[FLAT_LEVELS];   /* where they are in a block of the pool */
	size_t bests[FLAT_LEVELS];    /* ARG: u32 positions */
} flat_kind;

/* Sets all but the pool's memory. false: too many positions. */
bool flat_kind_set(flat_kind *, const kernel_table *, red_kind kind, unsigned op, unsigned type, unsigned arg, uint64_t n, unsigned bits);

static inline size_t flat_kind_bytes(const flat_kind *f) { return (size_t)f->pool.units[0] * POOL_UNIT; }

/* The work on one element's nodes: blocks come in ascending order. */
typedef struct flat_change {
	const flat_kind *kind;
	uint8_t *held;
	bool build;             /* nothing was held before: every block comes */
	bool changed;           /* the value of the top */
	uint64_t pending[FLAT_LEVELS]; /* a node of each level that is to be made anew, or NONE_PENDING */
} flat_change;

void flat_begin(flat_change *, const flat_kind *, uint32_t block, bool build);

/* Asks the caches for the values of block i and of those that it is combined with. */
void flat_prefetch(const flat_change *, uint64_t i);

/* The values at positions first .. first + n - 1, which are whole blocks (the last of all may be shorter). ARG positions count from 0. */
void flat_put(flat_change *, uint64_t first, const void *values, uint32_t n, void *scratch);

/* Makes the nodes above anew; false: the value has the bits that it had. */
bool flat_end(flat_change *);

scalar flat_value(const flat_kind *, uint32_t block);

#endif
