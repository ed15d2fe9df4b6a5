/* store_running.h - partial results of running totals by key, `sum[j where j <= i && k[j] == k[i]] x[j]`: the operand of each position, what the members of its
 * group come to up to it, and of floats the nodes of the tree over the group. Internal.
 *
 * An element takes the members of one group up to a position that is its variable and a constant. Who asks for which group does not matter. A node that parts its
 * operands at a member, the first of those on the right, has its place there: members may come and go without anything being moved. */
#ifndef MMSB_STORE_RUNNING_H
#define MMSB_STORE_RUNNING_H

#include "kernels.h"
#include "pool.h"
#include "reduce.h"

struct step;

typedef struct running_kind {
	pool pool;
	const struct step **steps; /* that make an operand */
	uint32_t n_steps;
	uint32_t var;           /* of the domain: an element at v has members up to v - shift */
	int64_t shift;
	bool counts;            /* somebody asks how many were present */
	bool listed;            /* the order matters: nodes are kept */
	uint8_t width, out_width;
	uint64_t positions, keys;
	uint64_t version;       /* of the groups that are followed */
	uint8_t *values;        /* by position: the operand */
	uint8_t *nodes;         /* ... the value of the node with more than LEAF operands that parts there */
	uint8_t *upto;          /* ... what its group comes to up to it */
	uint32_t *ranks;        /* ... of how many */
	uint32_t *first, *last; /* by key, in an update: positions with another operand, and 1; 0: none */
	uint32_t *touched, n_touched; /* keys with such */
} running_kind;

size_t running_kind_bytes(const running_kind *);
bool running_kind_place(running_kind *); /* from its pool; false: there is no memory */

#endif
