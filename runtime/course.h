/* course.h - the order in which the operands of many short lists are combined (docs/determinism.md), written down. Internal.
 *
 * A list of at most LEAF operands is one leaf; a longer one parts into leaves by position. A *course* says for some lists that lie side by side
 * which operands each leaf has, and which nodes are then combined with which. It depends on positions alone, so it can be kept and walked
 * again with other operands; and walking it takes no branch that depends on data. Of an operation that needs no order each list is one leaf.
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

/* Bytes that a course of so many lists and operands takes at most; of one that is written, exactly. */
static inline size_t course_room(size_t n_lists, size_t n_operands) { return (n_lists + 1 + 4 * n_operands) * sizeof(uint16_t); }
static inline size_t course_bytes(const course *c)
{
	return (c->n_lists + 2 * (size_t)c->n_leaves + 1 + 2 * (size_t)c->n_joins) * sizeof(uint16_t);
}

/* The arrays of a course in memory for so many lists, leaves and joins, aligned to 2. */
static inline void course_place(course *c, void *memory, size_t n_lists, size_t n_leaves, size_t n_joins)
{
	c->first = memory;
	c->at = c->first + n_lists;
	c->leaf = c->at + n_leaves + 1;
	c->left = c->leaf + n_leaves;
	c->right = c->left + n_joins;
}

/* A copy in memory of course_bytes. */
static inline void course_copy(course *to, const course *from, void *memory)
{
	course_place(to, memory, from->n_lists, from->n_leaves, from->n_joins);
	memcpy(to->first, from->first, from->n_lists * sizeof *to->first);
	memcpy(to->at, from->at, (from->n_leaves + 1) * sizeof *to->at);
	memcpy(to->leaf, from->leaf, from->n_leaves * sizeof *to->leaf);
	memcpy(to->left, from->left, from->n_joins * sizeof *to->left);
	memcpy(to->right, from->right, from->n_joins * sizeof *to->right);
	to->n_operands = from->n_operands;
	to->n_leaves = from->n_leaves;
	to->n_joins = from->n_joins;
	memcpy(to->end_of, from->end_of, sizeof to->end_of);
	to->n_lists = from->n_lists;
}

typedef struct course_kernels {
	/* Writes the course of n <= COURSE_LISTS lists, which end at ends[i] (at most COURSE_MOST): positions of operands in key[], ascending in
	 * each list. ordered: the operation needs an order. */
	void (*write)(course *, const uint32_t *key, const uint32_t *ends, uint32_t n, bool ordered);
	/* out[i]: the value of list i, or *empty. nodes: room for n_leaves + COURSE_SLACK. */
	void (*walk[OP_COUNT][T_COUNT])(void *out, void *nodes, const course *, const void *values, const void *empty);
} course_kernels;

/* Those of a level of kernel_table. */
const course_kernels *course_kernels_of(const kernel_table *);

#endif
