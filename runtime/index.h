/* index.h - reverse indexes: the positions of a column of indices, by their value. Internal.
 *
 * An index is built when it is first asked for and then follows its column by *moves*: in proportion to the positions that
 * changed, or by building it anew where many did. The moves of an epoch stay readable until the next update. */
#ifndef MMSB_INDEX_H
#define MMSB_INDEX_H

#include "bitset.h"
#include "lists.h"

struct column;

typedef struct index_move {
	uint32_t position, from, to; /* from, to: values; one that is no key stands for "nowhere" */
} index_move;

typedef struct group_index {
	uint64_t n_keys, n_positions;
	lists positions;        /* a list for each key */
	uint32_t *key;          /* of each position, as it is listed */
	bool built;             /* else the next update builds it */
	uint64_t version;       /* of the lists: another one after every move; never 0 once built */
	uint64_t synced;        /* it follows its column as of the end of this epoch ... */
	uint64_t synced_before; /* ... and did as of this one before the moves */
	/* What the updates of epoch moved_in did. Nothing moved in other epochs. */
	uint64_t moved_in;
	bool moved_all;         /* it was built anew: moves[] says nothing */
	index_move *moves;
	size_t n_moves, cap_moves; /* cap_moves in bytes */
} group_index;

/* An index of n_positions (below 2^32) by n_keys; not built. NULL: no memory. */
group_index *index_new(uint64_t n_keys, uint64_t n_positions);
void index_free(group_index *); /* NULL is allowed */

/* Follows the column to the values `now` of (epoch's) state `state`. changed: positions among which all are that differ from what
 * is listed; NULL: any may. -1: no memory; the next update builds the index. */
int index_update(group_index *, const struct column *now, const bitset *changed, uint64_t epoch, uint64_t state);

/* The epoch has failed: takes its moves back. */
void index_rollback(group_index *, uint64_t epoch);

/* What is known besides of the moves of the last update: there were none in its epoch, or (all) some are of epochs before. */
static inline void index_moved(group_index *g, bool all)
{
	g->moved_all = all;
	g->n_moves = 0;
}

/* Every position is listed: has a key. */
static inline bool index_is_complete(const group_index *g) { return g->built && g->positions.count == g->n_positions; }

/* The values are unknown: the next update builds the index. */
static inline void index_forget(group_index *g) { g->built = false; }

/* The moves of an epoch; *all: it was built anew, anything may have moved. */
static inline const index_move *index_moves(const group_index *g, uint64_t epoch, size_t *n, bool *all)
{
	bool moved = g->moved_in == epoch;
	*all = moved && g->moved_all;
	*n = moved && !g->moved_all ? g->n_moves : 0;
	return g->moves;
}

#endif
