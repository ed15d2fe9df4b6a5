/* fold.c - what can be known before anything runs.
 *
 * Only where no bit can move: constants are folded by executing the very functions of scalar.h that the executors execute;
 * x * 1, x + 0 and the like are taken away from integers alone; a float is divided by a power of two by multiplying; a sign moves out of products
 * and of functions that are odd to the bit, so that f(x) and f(-x) are one evaluation. A mask that is true is dropped. What can fail stays. */
#include "pass.h"

#include "execute.h"

static ir_id constant(ir_graph *g, uint8_t type, scalar value)
{
	return ir_const(g, type, execute_canon(type, value));
}

/* ---- simplifying ------------------------------------------------------------------------------- */

static bool is_const(const ir_graph *g, ir_id id)
{
	return ir_at(g, id)->kind == IR_CONST;
}

static bool is_value(const ir_graph *g, ir_id id, uint64_t bits)
{
	return is_const(g, id) && ir_at(g, id)->u.value.bits == bits;
}

/* Nothing in it can fail the epoch, so that it may go. */
static bool may_go(ir_graph *g, ir_id id)
{
	return !ir_facts_of(g, &id, 1).fails;
}

/* Both sides are values already, so that a constant side decides whatever the other may be. */
static ir_id fold_logic(ir_graph *g, const ir_node *n)
{
	bool is_and = n->op == OP_LAND;
	for (uint32_t i = 0; i < 2; i++) {
		if (!is_const(g, n->args[i]))
			continue;
		bool value = ir_at(g, n->args[i])->u.value.bits != 0;
		if (value == is_and)
			return n->args[1 - i];
		return may_go(g, n->args[1 - i]) ? n->args[i] : NONE;
	}
	return n->args[0] == n->args[1] ? n->args[0] : NONE;
}

static ir_id fold_integer(const ir_graph *g, const ir_node *n)
{
	bool right_zero = is_value(g, n->args[1], 0);
	switch (n->op) {
	case OP_ADD:
		if (is_value(g, n->args[0], 0))
			return n->args[1];
		return right_zero ? n->args[0] : NONE;
	case OP_SUB: return right_zero ? n->args[0] : NONE;
	case OP_MUL:
		if (is_value(g, n->args[0], 1))
			return n->args[1];
		return is_value(g, n->args[1], 1) ? n->args[0] : NONE;
	default: return NONE;
	}
}

/* x / 2^k is x * 2^-k: the same real number, rounded once either way. */
static ir_id fold_division(ir_graph *g, const ir_node *n)
{
	if (!is_const(g, n->args[1]))
		return NONE;
	scalar by = ir_at(g, n->args[1])->u.value;
	bool single = n->type == T_F32;
	uint64_t places = single ? 23 : 52, most = single ? 254 : 2046;
	uint64_t sign = by.bits >> (single ? 31 : 63) << (single ? 31 : 63), exponent = (by.bits ^ sign) >> places;
	bool power = (by.bits & ((UINT64_C(1) << places) - 1)) == 0;
	if (!power || exponent < 1 || exponent >= most)
		return NONE;
	by.bits = sign | (most - exponent) << places;
	return ir_op2(g, OP_MUL, n->type, n->args[0], ir_const(g, n->type, by));
}

static bool is_neg(const ir_graph *g, ir_id id)
{
	return ir_at(g, id)->kind == IR_OP && ir_at(g, id)->op == OP_NEG;
}

static ir_id negated(ir_graph *g, uint8_t type, ir_id of) { return ir_op1(g, OP_NEG, type, of); }

/* Rounding to nearest does not ask for signs: (-x) * y is -(x * y), f(-x) is -f(x), x + (-y) is x - y and x - (-y) is x + y, zeros and
 * infinities included. (What a nan's sign is does not show.) */
static ir_id fold_sign(ir_graph *g, const ir_node *n)
{
	ir_id a = n->args[0], b = n->n_args > 1 ? n->args[1] : NONE;
	bool neg_a = is_neg(g, a), neg_b = b != NONE && is_neg(g, b);
	ir_id of_a = neg_a ? ir_at(g, a)->args[0] : a, of_b = neg_b ? ir_at(g, b)->args[0] : b;
	switch (n->op) {
	case OP_MUL: case OP_DIV:
		if (neg_a && neg_b)
			return ir_op2(g, n->op, n->type, of_a, of_b);
		return neg_a || neg_b ? negated(g, n->type, ir_op2(g, n->op, n->type, of_a, of_b)) : NONE;
	case OP_ADD: return neg_b ? ir_op2(g, OP_SUB, n->type, a, of_b) : NONE;
	case OP_SUB: return neg_b ? ir_op2(g, OP_ADD, n->type, a, of_b) : NONE;
	case OP_NEG: return neg_a ? of_a : NONE;
	case OP_ERF: return neg_a ? negated(g, n->type, ir_op1(g, OP_ERF, n->type, of_a)) : NONE;
	default: return NONE;
	}
}

static ir_id fold_float(ir_graph *g, const ir_node *n)
{
	ir_id known = n->op == OP_DIV ? fold_division(g, n) : NONE;
	return known == NONE ? fold_sign(g, n) : known;
}

static ir_id fold_op(ir_graph *g, const ir_node *n)
{
	scalar args[3] = {{0}, {0}, {0}};
	bool all = true;
	for (uint32_t i = 0; i < n->n_args; i++) {
		all = all && is_const(g, n->args[i]);
		if (is_const(g, n->args[i]))
			args[i] = ir_at(g, n->args[i])->u.value;
	}
	if (all && (!ir_fails(g, n) || args[1].bits != 0)) {
		uint8_t type = n->op == OP_SELECT ? n->type : ir_at(g, n->args[0])->type;
		return constant(g, n->type, execute_op(n->op, type, args));
	}
	if (n->op == OP_LAND || n->op == OP_LOR)
		return fold_logic(g, n);
	if (n->op == OP_SELECT) {
		if (is_const(g, n->args[0]))
			return may_go(g, n->args[args[0].bits ? 2 : 1]) ? n->args[args[0].bits ? 1 : 2] : NONE;
		return n->args[1] == n->args[2] && may_go(g, n->args[0]) ? n->args[1] : NONE;
	}
	if (n->op == OP_LNOT && ir_at(g, n->args[0])->kind == IR_OP && ir_at(g, n->args[0])->op == OP_LNOT)
		return ir_at(g, n->args[0])->args[0];
	if (n->n_args == 2 && (type_table[n->type].kind == KIND_S || type_table[n->type].kind == KIND_U))
		return fold_integer(g, n);
	return type_table[n->type].kind == KIND_F ? fold_float(g, n) : NONE;
}

static ir_id fold_node(void *user, ir_id old, const ir_node *node)
{
	ir_graph *g = user;
	ir_node n = *node;
	ir_id args[IR_REDUCE_ARGS], known = NONE;
	(void)old;
	if (n.mask != NONE && is_value(g, n.mask, 1))
		n.mask = NONE;
	/* A failure that counts nowhere: in the arm of a choice that is never taken. An index stays what proves its own range. */
	if (n.mask != NONE && is_value(g, n.mask, 0) && n.kind != IR_TO_INDEX) {
		known = n.kind == IR_GUARD ? n.args[0] : constant(g, n.type, (scalar){0});
	} else if (n.kind == IR_OP) {
		known = fold_op(g, &n);
	} else if (n.kind == IR_CONV && is_const(g, n.args[0])) {
		const ir_node *from = ir_at(g, n.args[0]);
		known = constant(g, n.type, execute_conv(from->type, n.type, from->u.value));
	} else if (n.kind == IR_REDUCE && n.args[IR_WHERE] != NONE && is_value(g, n.args[IR_WHERE], 1)) {
		args[IR_BODY] = n.args[IR_BODY];
		args[IR_WHERE] = NONE;
		args[IR_AT] = n.args[IR_AT];
		n.args = args;
	}
	return known == NONE ? ir_intern(g, n) : known;
}

/* What a numeric fixpoint reads, as it is written, decides in which epochs it runs: there no read may go. */
static ir_id fold_root(void *user, uint32_t edge, ir_id root)
{
	const ir_rewriter *r = user;
	if (edge != NONE && r->g->edges[edge].fix == FIX_NUMERIC)
		return root;
	return ir_rewrite(user, root);
}

void ir_pass_fold(ir_graph *g)
{
	ir_rewriter r = {.g = g, .make = fold_node, .user = g};
	ir_each_root(g, fold_root, &r);
}
