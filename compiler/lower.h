/* lower.h - what lower.c (declarations, expressions) and lower_reduce.c (reductions) share. */
#ifndef MMSB_COMPILER_LOWER_H
#define MMSB_COMPILER_LOWER_H

#include "ir.h"

typedef struct lower_entry {
	const p_expr *expr; /* NULL: free */
	ir_id mask;
	uint32_t field;
	ir_id node;
} lower_entry;

typedef struct lowerer {
	ir_graph *g;
	const p_program *program;
	const p_edge *edge;      /* in hand, or NULL: a constant */
	uint32_t *vars;          /* of p_var.id: the graph's variable, or NONE */
	uint32_t cap_vars;
	uint32_t *sizes;         /* of p_size.id: the graph's size, or NONE */
	lower_entry *done;       /* what has been lowered, by expression, mask and field */
	uint32_t n_done, cap_done;
	uint32_t first_node;     /* of the edge in hand */
	bool too_large;
	uint32_t depth;          /* of reductions around */
} lowerer;

/* The value of an expression; what fails in it counts only under mask (NONE: always). field: of a record, else NONE. */
ir_id lower_expr(lowerer *l, const p_expr *expr, ir_id mask, uint32_t field);
ir_id lower_reduce(lowerer *l, const p_expr *expr, ir_id mask);

bool lower_can_fail(lowerer *l, const p_expr *expr);
uint32_t lower_size(lowerer *l, const p_size *size);
uint32_t lower_var(lowerer *l, const p_var *var);

/* An index (i64 or u32) as short as it can be said: a variable rather than its conversion. */
ir_id lower_short_index(lowerer *l, ir_id node);

#endif
