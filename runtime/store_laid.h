/* store_laid.h - the operands of groups none of whose members moves, and the partial results of the position tree over them
 * (docs/determinism.md). Internal.
 *
 * The leaves of a group, of at most LEAF operands, are laid out side by side, each with room for LEAF; a position knows its slot. What
 * changes is made anew level by level, leaves and then the nodes above them, many groups at a time: so that they are waited for together. A group that
 * is not held has no slots. What is held follows no moves: who has them drops everything, and keeps trees (store_tree.h). */
#ifndef MMSB_STORE_LAID_H
#define MMSB_STORE_LAID_H

#include "bitset.h"
#include "kernels.h"
#include "pool.h"
#include "reduce.h"

/* Where the value of a node goes: a side of the node above it, or (of a root) the group's. */
typedef struct laid_above {
	uint32_t node;          /* or, of a root, the group */
	uint8_t side;           /* LAID_ROOT: a root */
} laid_above;

enum { LAID_ROOT = 2 };

typedef struct laid_node {
	uint64_t side[2];       /* the values below */
	laid_above above;
} laid_node;

typedef struct laid_kind {
	pool pool;
	const kernel_table *k;
	uint8_t op, type, width;
	bool filled;            /* leaves are filled up with what moves no bit of a sum */
	uint64_t groups, positions;
	uint32_t most;          /* leaves, and nodes */
	uint32_t n_leaves, n_nodes; /* in use; leaf 0 is none, and takes what has no slot */
	uint64_t n_slots;       /* positions that have one */
	uint32_t *slot;         /* of a position: LEAF * leaf + rank, or 0 */
	uint8_t *values;        /* by slot */
	uint8_t *count;         /* of a leaf */
	laid_above *leaf_above;
	laid_node *nodes;
	uint64_t *value;        /* of a group */
	uint32_t *members;
	bitset leaves;          /* that changed, during an update */
	uint32_t *wave[2];      /* nodes that are to be made anew, and those above them that are next */
	uint8_t *waits;         /* of a node: it is among the next */
} laid_kind;

/* Sets all but the memory, of which it takes that many bytes. */
void laid_kind_set(laid_kind *, const kernel_table *, unsigned op, unsigned type, uint64_t groups, uint64_t positions);
size_t laid_kind_bytes(const laid_kind *);
bool laid_kind_place(laid_kind *); /* from its pool; false: there is no memory */

/* No group has slots any more. */
void laid_reset(laid_kind *);

/* Slots for the n > 0 ascending positions of a group, whose operands are to be put there before laid_fresh. false: there is no room, and nothing has changed. */
bool laid_group(laid_kind *, uint32_t group, const uint32_t *positions, uint32_t n);

/* The values of a group that was laid out last. */
void laid_fresh(laid_kind *, uint32_t group);

/* Operands in their slots; laid_put: marks the leaves of those that differ from what was there. */
void laid_fill(laid_kind *, const uint32_t *slots, const void *values, uint32_t n);
void laid_put(laid_kind *, const uint32_t *slots, const void *values, uint32_t n);

/* Makes anew all that is laid out. */
void laid_refresh_all(laid_kind *);

/* Makes anew what is marked; groups whose values have other bits are added to `groups`. */
void laid_refresh(laid_kind *, bitset *groups);

#endif
