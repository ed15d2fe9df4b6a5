/* store_node.h - nodes of the trees of store_tree.h, for the files that walk them. Internal. */
#ifndef MMSB_STORE_NODE_H
#define MMSB_STORE_NODE_H

#include "store_tree.h"

enum { LEAF_LEVEL = 255 };

/* An inner node, or what a leaf begins with. */
typedef struct node {
	uint64_t value;     /* ARG: the best one */
	uint32_t count;     /* operands */
	uint32_t prefix;    /* inner: its positions have the bits above `level` in common with this */
	uint32_t child[2];  /* inner: those with bit `level` clear, and set */
	uint32_t best;      /* ARG: the position of the best */
	uint8_t level;      /* LEAF_LEVEL: a leaf, followed by room for positions and values */
	uint8_t size;       /* of its block; a leaf has room for 2 << size operands */
	uint8_t stale;      /* value is to be made anew; inner: as the children are whose bits are set */
	bool fresh;         /* never had a value */
} node;

/* An inner node has the values of its children beside it, so that who makes it anew goes to those that changed alone. */
typedef struct inner_node {
	node head;
	uint64_t side[2];   /* but for ARG */
} inner_node;

static inline node *node_at(const tree_kind *t, uint32_t block) { return pool_at(&t->pool, block); }
static inline bool is_leaf(const node *n) { return n->level == LEAF_LEVEL; }
static inline uint32_t room_of(unsigned size) { return 2u << size; }
static inline uint32_t *positions_of(node *n) { return (uint32_t *)(void *)(n + 1); }
static inline uint8_t *values_of(node *n) { return (uint8_t *)(n + 1) + room_of(n->size) * sizeof(uint32_t); }
static inline unsigned side_of(const node *n, uint32_t position) { return position >> n->level & 1; }

/* How many operands of a leaf come before a position. */
static inline uint32_t rank_in(node *leaf, uint32_t position)
{
	const uint32_t *positions = positions_of(leaf);
	uint32_t rank = 0;
	for (uint32_t step = LEAF; step > 0; step /= 2) {
		uint32_t next = rank + step;
		rank = next <= leaf->count && positions[next - 1] < position ? next : rank;
	}
	return rank;
}


/* Brings the value of a node and of the stale ones below it up to date. */
void tree_refresh_node(const tree_kind *, node *);

#endif
