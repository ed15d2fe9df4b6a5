/* pour_course.h - what pouring (pour.h) does whatever the values are, written down. Internal.
 *
 * Operands come in the order of positions. Each goes to its place in a *row* of LEAF, which the open leaf of its key has; the row of a leaf that is
 * complete is given to another from the next tile on, so that those in use stay in a core's cache. The values of leaves and nodes go to the sides of the
 * nodes above them. Tiles are cut into *parts*, which threads may go through side by side, each with rows of its own: a leaf that reaches from one into the
 * next is *late*, put together and combined in the end. A course follows the reverse index of the keys. */
#ifndef MMSB_POUR_COURSE_H
#define MMSB_POUR_COURSE_H

#include "index.h"
#include "reduce.h"
#include "schedule.h"

enum { POUR_HEIGHTS = 34 /* of nodes: one for each bit of a position, and some */ };

/* A key while the course is written. */
typedef struct pour_key {
	uint32_t at, left;      /* the next place in its open leaf; operands that this waits for, 0: none is open */
	uint32_t leaf;          /* which is next, as leaves are numbered key by key */
	bool late;              /* the open leaf began in another part */
} pour_key;

/* The first n operands of a leaf go from one row to another. */
typedef struct pour_move {
	uint32_t from, to, n;
} pour_move;

typedef struct pour_course {
	uint64_t n_keys, n_positions;
	uint32_t n_parts, most; /* room for so many leaves, and for as many nodes */
	const group_index *groups; /* that it follows */
	uint64_t version;       /* of these; 0: of none */
	bool fits;              /* there was room */
	uint32_t *place;        /* by position, in the rows */
	/* Leaves in the order in which they are complete: where their rows begin, how many operands they have, where their values go. Late ones from the
	 * end of the room downwards. */
	uint32_t *first, *to;
	uint8_t *n;
	uint32_t n_late;
	struct pour_move *moves; /* of operands of late leaves, in this order */
	uint32_t n_moves;
	uint32_t *ends;         /* by tile: leaves that are complete with it or before, without late ones */
	/* Nodes from the lowest to the highest, levels[h] of them below height h + 2: where their values go. That is i to the left of node i, most + i
	 * to the right, 2 * most + k to key k. */
	uint32_t *up;
	uint32_t levels[POUR_HEIGHTS];
	/* work */
	pour_key *keys;
	uint32_t *positions;    /* of a key whose list is cut */
	uint8_t *leaf_n, *height; /* of leaves key by key, and of nodes in the order of their making */
	uint32_t *leaf_to, *node_to, *rank;
	uint32_t *free_rows, *closed_rows; /* of leaves that are complete with the tile at hand */
	uint32_t n_rows, n_free, n_closed;
	uint32_t n_leaves, n_nodes;
} pour_course;

/* Sets all but the memory: one block of so many bytes, zeroed and aligned, which belongs to the caller. */
void pour_course_set(pour_course *, uint64_t n_keys, uint64_t n_positions, uint32_t n_parts);
size_t pour_course_place(pour_course *, uint8_t *memory); /* NULL: says how many bytes it takes, and does no more */

/* Rows that operands go to; places for values. */
uint64_t pour_course_rows(const pour_course *);
static inline uint64_t pour_course_values(const pour_course *c) { return 2 * (uint64_t)c->most + c->n_keys; }

/* Brings the course up to date, all positions having a key; false: it does not fit into its memory. */
bool pour_course_follow(pour_course *, const group_index *);

/* The first tile of a part, or (n_parts) the end. */
static inline uint64_t pour_course_part(const pour_course *c, uint32_t part)
{
	uint64_t tiles = (c->n_positions + TILE - 1) / TILE;
	return tiles * part / c->n_parts;
}

#endif
