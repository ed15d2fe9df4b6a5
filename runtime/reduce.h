/* reduce.h - the order of reductions (docs/determinism.md). Internal.
 *
 * A reduction of one outer element takes its operands in ascending order of position, in chunks of any length:
 *   dense   every position is there; chunks begin at multiples of TILE and all but the last are TILE long
 *   list    some are: a node of the position tree with at most LEAF present combines them by rank, a larger one splits
 *   any     the order does not matter
 *   arg     the first best position */
#ifndef MMSB_REDUCE_H
#define MMSB_REDUCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels.h"
#include "types.h"

enum { LEAF = 32, MAX_LEVELS = 66 };

/* A node of the tree over present positions: its operands while there are at most LEAF, else their value in values[0]. */
typedef struct tree_node {
	uint64_t n;
	uint32_t boundary; /* the level at which it parts from the node on its left: the highest bit in which the positions differ */
	uint32_t reserved;
	uint64_t values[LEAF];
} tree_node;

typedef struct list_tree {
	tree_node nodes[MAX_LEVELS];
	uint32_t depth;
	uint64_t last;     /* position */
} list_tree;

/* How many of n ascending positions, at least two, are in the left half of the smallest aligned block that holds all. */
static inline uint32_t positions_split(const uint32_t *positions, uint32_t n)
{
	uint32_t bit = (uint32_t)1 << (31 - __builtin_clz(positions[0] ^ positions[n - 1])), lo = 0, hi = n;
	while (lo < hi) {
		uint32_t middle = lo + (hi - lo) / 2;
		if (positions[middle] & bit)
			hi = middle;
		else
			lo = middle + 1;
	}
	return lo;
}

typedef enum red_kind { RED_DENSE, RED_LIST, RED_ANY, RED_ARG } red_kind;

typedef struct reduction {
	/* set by reduction_set */
	const kernel_table *k;
	red_kind kind;
	uint8_t op, type, width;
	uint8_t arg;       /* 0 argmin, 1 argmax */
	list_tree *list;   /* LIST */
	/* of the outer element at hand */
	uint64_t n;        /* operands so far */
	uint64_t chunks;   /* DENSE: whole chunks so far */
	scalar levels[64]; /* DENSE: a node for each bit of chunks */
	scalar tail;
	bool has_tail;
	scalar best;       /* ANY, ARG */
	uint32_t position; /* ARG */
} reduction;

/* list may be NULL unless kind is RED_LIST. */
void reduction_set(reduction *, const kernel_table *, red_kind kind, unsigned op, unsigned type, unsigned arg, list_tree *list);

void reduction_begin(reduction *);

/* The next n operands. scratch: n lanes. positions (LIST and ARG; relative to the range's begin for LIST). */
void reduction_push(reduction *, const void *values, size_t n, const int64_t *positions, void *scratch);

/* A chunk of a dense reduction that is not whole. It is the last. */
void reduction_push_tail(reduction *, const void *values, size_t n, void *scratch);

/* The value of what was pushed; false when there was nothing. ARG: the position. More can be pushed. */
bool reduction_value(const reduction *, scalar *out);

/* LIST: all pushed so far as one node. The positions must be a node of the tree, or everything. */
void reduction_node(const reduction *, tree_node *out);

/* LIST: the node of an aligned block that begins at `position`, after all that came before. */
void reduction_push_node(reduction *, const tree_node *, uint64_t position);

/* Values of n / TILE whole chunks and of what is left of n operands, in the order of operands; of ARG the first best operand of each, too. After
 * whole chunks alone. scratch: 32 lanes. */
void reduction_push_chunks(reduction *, const void *values, const uint32_t *best, size_t n, int64_t first, void *scratch);

/* DENSE: the value of a whole block after blocks like it, of a length that is a power of two (the last may be shorter). */
void reduction_push_block(reduction *, scalar value);

#endif
