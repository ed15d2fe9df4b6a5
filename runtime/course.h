/* course.h - the order in which the operands of many short lists are combined (docs/determinism.md), written down. Internal.
 *
 * A list of at most LEAF operands is one leaf; a longer one parts into leaves by position. A *course* says for some lists that lie side by side
 * which operands each leaf has, and which nodes are then combined with which. It depends on positions alone, so it can be kept and walked
 * again with other operands; and walking it takes no branch that depends on data. Of an operation that needs no order each list is one leaf.
 *
 * Of lists that stay as they are a course can be *arranged* (arrange.c): leaves of like size form groups of as many as a vector has lanes, and the operands
 * of a group lie with the first of each leaf side by side, then the second of each, and so on. Whole vectors are then combined with each other, and nothing
 * is moved within one.
 *
 * course.c is one text, compiled at the levels that kernels.c has. */
#ifndef MMSB_COURSE_H
#define MMSB_COURSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kernels.h"

/* Lists of a course; its operands at most. Values are readable for COURSE_SLACK operands beyond the last. */
enum { COURSE_LISTS = 64, COURSE_MOST = 1 << 15, COURSE_SLACK = 32 };

/* Leaves are walked by their size, so that no branch hangs on that of one leaf: of at most 4, 8, 16 operands, and others. */
enum { COURSE_CLASSES = 4 };

/* Nodes are numbered as leaves are; a node of several leaves has the number of its first. */
typedef struct course {
	uint32_t n_lists, n_operands, n_leaves, n_joins;
	uint32_t end_of[COURSE_CLASSES]; /* in leaf[], of the leaves of each class */
	uint16_t *first;        /* by list: its first leaf; n_leaves: it has none */
	uint16_t *at;           /* by leaf, and at the end: where its operands begin */
	uint16_t *leaf;         /* the leaves by class */
	uint16_t *left, *right; /* by join: node left becomes left + right */
} course;

/* Bytes that a course of so many lists and operands takes at most. */
static inline size_t course_room(size_t n_lists, size_t n_operands) { return (n_lists + 1 + 4 * n_operands) * sizeof(uint16_t); }

/* The arrays of a course in memory for so many lists, leaves and joins, aligned to 2. */
static inline void course_place(course *c, void *memory, size_t n_lists, size_t n_leaves, size_t n_joins)
{
	c->first = memory;
	c->at = c->first + n_lists;
	c->leaf = c->at + n_leaves + 1;
	c->left = c->leaf + n_leaves;
	c->right = c->left + n_joins;
}

/* Leaves of a group, for operands of so many bytes; and places that an arrangement has besides its operands at most. */
static inline uint32_t arranged_lanes(size_t bytes) { return bytes == 8 ? 8 : 16; }
enum { ARRANGED_LANES = 16, ARRANGED_FILL = ARRANGED_LANES * 32 };

/* Leaves are numbered by size, the largest first: group g has those from g * lanes on, in `width[g]` rows of places. What is no operand, since its leaf
 * is shorter or there is none, has a place all the same: the last ones of a row. Leaves of an operation that needs no order are cut as well. */
typedef struct arrangement {
	uint32_t n_lists, n_places, n_leaves, n_groups, n_rows, n_joins, lanes;
	bool straight;          /* leaf i is list i, in whole groups: nodes are results */
	uint8_t *width, *least; /* by group: operands of its longest and of its shortest leaf */
	uint8_t *list;          /* by leaf, up to whole groups: whose operands they are */
	uint16_t *first;        /* by list: its first leaf; n_leaves: it has none */
	uint16_t *join;         /* pairs: the first becomes first + second */
	uint8_t *row;           /* by row: its operands; with ARRANGED_RUN: their keys count up (kept.h) */
} arrangement;
enum { ARRANGED_RUN = 128 };

/* Bytes that an arrangement of so many lists and operands takes at most; of one that is written, exactly. */
static inline size_t arranged_room(size_t n_lists, size_t n_operands) { return 2 * n_lists + 8 * n_operands + 4 * ARRANGED_LANES; }
static inline size_t arranged_bytes(const arrangement *a)
{
	return 2 * (size_t)a->n_lists + 4 * (size_t)a->n_joins + 2 * (size_t)a->n_groups + (size_t)a->n_groups * a->lanes + a->n_rows;
}

/* The arrays of an arrangement, whose numbers are known, in memory; row[] comes last, since its length is known last. */
static inline void arranged_place(arrangement *a, void *memory)
{
	a->first = memory;
	a->join = a->first + a->n_lists;
	a->width = (uint8_t *)(a->join + 2 * (size_t)a->n_joins);
	a->least = a->width + a->n_groups;
	a->list = a->least + a->n_groups;
	a->row = a->list + (size_t)a->n_groups * a->lanes;
}

/* To memory of arranged_bytes. */
static inline void arranged_move(arrangement *a, void *memory)
{
	memcpy(memory, a->first, arranged_bytes(a));
	arranged_place(a, memory);
}

/* Places that lists of so many operands, `blocks` times COURSE_LISTS of them, take at most in groups of `side` leaves. */
static inline uint64_t arranged_places(uint64_t n_operands, uint64_t blocks, uint32_t side)
{
	uint64_t filled = n_operands + blocks * side * 32, every = n_operands * side;
	return filled < every ? filled : every;
}

/* Writes the arrangement of a course to memory of arranged_room, aligned to 2; place[]: which operand each place has (any one, where it
 * has none), at most ARRANGED_FILL more than there are operands. spare: as many numbers as operands and places are at most. */
void arrange(arrangement *, const course *, uint32_t side, void *memory, uint32_t *place, uint16_t *spare);

typedef struct course_kernels {
	/* Writes the course of n <= COURSE_LISTS lists, which end at ends[i] (at most COURSE_MOST): positions of operands in key[], ascending in
	 * each list. ordered: the operation needs an order. */
	void (*write)(course *, const uint32_t *key, const uint32_t *ends, uint32_t n, bool ordered);
	/* out[i]: the value of list i, or *empty. nodes: room for n_leaves + COURSE_SLACK. */
	void (*walk[OP_COUNT][T_COUNT])(void *out, void *nodes, const course *, const void *values, const void *empty);
	/* The same, of values that lie as they are arranged, and are used up. */
	void (*walk_arranged[OP_COUNT][T_COUNT])(void *out, void *nodes, const arrangement *, void *values, const void *empty);
} course_kernels;

/* Those of a level of kernel_table. */
const course_kernels *course_kernels_of(const kernel_table *);

#endif
