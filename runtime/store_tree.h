/* store_tree.h - the operands of reductions in which presence matters, and the partial results of the position tree over them
 * (docs/determinism.md). Internal.
 *
 * A tree is a binary trie over positions without nodes of one child. Leaves hold at most LEAF operands, side by side in ascending order: they are
 * combined by rank. An inner node has more, and parts at the highest bit in which their positions differ. Values of nodes are made
 * anew by tree_refresh alone. Trees are named by a block of the pool; 0 is none. */
#ifndef MMSB_STORE_TREE_H
#define MMSB_STORE_TREE_H

#include "kernels.h"
#include "pool.h"
#include "reduce.h"

/* What trees of one region have in common. */
typedef struct tree_kind {
	pool pool;
	const kernel_table *k;
	red_kind kind;          /* LIST, ANY, ARG */
	uint8_t op, type, width, arg;
} tree_kind;

/* Sets all but the pool's memory: pool_new comes after it. */
void tree_kind_set(tree_kind *, const kernel_table *, red_kind kind, unsigned op, unsigned type, unsigned arg);

/* Bytes of the pool that trees over n operands can take altogether. */
size_t tree_kind_bytes(const tree_kind *, uint64_t n);

/* The tree over n operands with ascending positions. 0: no memory. */
uint32_t tree_build(tree_kind *, const uint32_t *positions, const void *values, size_t n);
void tree_drop(tree_kind *, uint32_t root);

/* What an operation did to a tree. NO_ROOM: nothing. */
typedef enum tree_change { TREE_SAME, TREE_VALUE, TREE_MEMBERS, TREE_NO_ROOM } tree_change;

/* The operand at a position is there, with this value; or is not there. */
tree_change tree_set(tree_kind *, uint32_t *root, uint32_t position, const void *value);
tree_change tree_remove(tree_kind *, uint32_t *root, uint32_t position);

/* Asks the caches for the nodes on the ways to n <= TILE positions, each in a tree of its own or not: all ways at a time. */
void tree_prefetch(const tree_kind *, const uint32_t *roots, const uint32_t *positions, uint32_t n);

/* Brings the values of nodes up to date; false: the tree's value (ARG: position) has the bits that it had. */
bool tree_refresh(tree_kind *, uint32_t root);

/* Positions first .. end-1. */
typedef struct tree_span {
	uint64_t first, end;
} tree_span;

/* store_within.c: tree_refresh that tells of each node that has other operands within, or another value: the positions that are its part of the tree, and those of
 * the node around it (none: first > end). Who has all of the first and not all of the second combined it with others. */
typedef void tree_told_fn(void *context, tree_span node, tree_span around);
void tree_refresh_told(const tree_kind *, uint32_t root, tree_told_fn *, void *context);

/* The part of the tree that a position is or would be in, down to a leaf; and the part around that. */
tree_span tree_part_of(const tree_kind *, uint32_t root, uint32_t position, tree_span *around);

/* What the operands within a span come to, in the order of the language, of a tree that is up to date (ARG: the position); of nothing 0. */
scalar tree_within(const tree_kind *, uint32_t root, tree_span, uint64_t *count);

/* The same of n <= TILE spans; those side by side that end in the same leaves together. */
void tree_within_each(const tree_kind *, uint32_t root, const tree_span *, uint32_t n, scalar *values, uint64_t *counts);

/* The value (ARG: the position) and the number of operands of a tree that is up to date; without operands the value is 0. */
scalar tree_value(const tree_kind *, uint32_t root, uint64_t *count);

#endif
