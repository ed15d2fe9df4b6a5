/* fix_term.c - whether the body of an exact fixpoint is extensive, and under which conditions on data.
 *
 * For min (max is the mirror image) a body is the smallest of its terms: min, && and the choice of an `if` by data take
 * one of their operands, and everything that grows with its operand can be put through them, so a term is one way down to
 * the self-reads. It must grow with them and never be below one of them. The operator table says how each operator moves;
 * what it asks of other operands becomes a guard around them, what it asks of the values themselves becomes a need: as
 * no term is better than what it is made of, they all meet it when everything that enters the fixpoint does.
 *
 * "Below" is the total order with -0 < +0. Adding +0 to -0 gives +0: for max this is an improvement, hence
 * NOT_NEGZERO; multiplying by -0 turns signs round, hence UNIT without it. */
#include "fix_term.h"

#define NEED(kind) (1u << GUARD_##kind)

static const char *const guard_text[GUARD_COUNT] = {
#define GUARD(id, holds, text) text,
#include "../runtime/guard.def"
#undef GUARD
};

/* ---- small things ---------------------------------------------------------------------- */

static bool is_float_type(const p_type *type)
{
	return type_table[type->scalar].kind == KIND_F;
}

/* Every value of `from` is one of `to`. */
static bool lossless(type_id from, type_id to)
{
	const type_facts *a = &type_table[from], *b = &type_table[to];
	if (from == to)
		return true;
	if (a->kind == KIND_B || b->kind == KIND_B)
		return false;
	if (b->kind == KIND_F)
		return a->bytes < b->bytes;
	if (a->kind == KIND_F || a->bytes >= b->bytes)
		return false;
	return a->kind == KIND_U || b->kind == KIND_S;
}

/* One remembered bit per node: which of the two maps it stands in. */
bool fix_reads_self(fix_body *f, const p_expr *expr)
{
	static char known;
	if (expr_map_get(&f->selves, expr))
		return true;
	if (expr_map_get(&f->plain, expr))
		return false;
	bool self = expr->kind == P_READ && expr->u.read.self;
	for (uint32_t i = 0; i < expr->n_args; i++)
		self = fix_reads_self(f, expr->args[i]) || self;
	if (expr->kind == P_READ && expr->u.read.pad)
		self = fix_reads_self(f, expr->u.read.pad) || self;
	expr_map_put(self ? &f->selves : &f->plain, expr, &known);
	return self;
}

static const char *better(const fix_body *f)
{
	return f->least ? "below" : "above";
}

static p_expr *fail(fix_body *f, lang_diag *diag)
{
	f->ok = false;
	if (f->least)
		lang_help(f->ctx, diag, "an exact fixpoint of min may use min, max, '&&', '||', 'if' on other pages, '+' "
		          "of a value >= 0 and, on floats, '*' of one >= 1; any other body runs in rounds: "
		          "fix(max = R), with R the most that it may take");
	else
		lang_help(f->ctx, diag, "an exact fixpoint of max may use min, max, '&&', '||', 'if' on other pages, '+' "
		          "of a value <= 0 and '*' of one between 0 and 1; any other body runs in rounds: "
		          "fix(max = R), with R the most that it may take");
	return NULL;
}

static p_expr *not_in_order(fix_body *f, const p_expr *expr, const char *what)
{
	return fail(f, lang_error(f->ctx, expr->span, "this fixpoint is not exact: %s does not rise with the value of "
	                          "'%s' that it is given", what, f->edge->page->name));
}

static p_expr *not_extensive(fix_body *f, const p_expr *expr, const char *what)
{
	return fail(f, lang_error(f->ctx, expr->span, "this fixpoint is not exact: %s can bring a term %s the value of "
	                          "'%s' that it reads", what, better(f), f->edge->page->name));
}

static const char *op_text(fix_body *f, const p_expr *expr)
{
	const char *spelling = op_table[expr->op].spelling;
	const char *text = lang_sprintf(f->ctx, "'%s'", spelling ? spelling : op_table[expr->op].name);
	return text ? text : "this";
}

/* A copy with other operands; the node itself while nothing is written. */
static p_expr *with_args(fix_body *f, p_expr *expr, p_expr *const *args)
{
	for (uint32_t i = 0; i < expr->n_args; i++)
		if (!args[i])
			return NULL;
	if (!f->emit)
		return expr;
	p_expr *copy = LANG_NEW(f->ctx, p_expr);
	p_expr **kept = LANG_NEW_ARRAY(f->ctx, p_expr *, expr->n_args);
	if (!copy || !kept)
		return NULL;
	*copy = *expr;
	copy->args = kept;
	for (uint32_t i = 0; i < expr->n_args; i++)
		kept[i] = args[i];
	return copy;
}

/* ---- guards ---------------------------------------------------------------------------- */

static p_expr *guard(fix_body *f, p_expr *expr, guard_id kind)
{
	p_expr *node = LANG_NEW(f->ctx, p_expr);
	p_expr **args = LANG_NEW_ARRAY(f->ctx, p_expr *, 1);
	if (!node || !args)
		return NULL;
	*node = *expr;
	node->kind = P_GUARD;
	node->n_args = 1;
	node->depth++;
	node->weight++;
	node->args = args;
	args[0] = expr;
	node->u.guard.kind = (uint8_t)kind;
	node->u.guard.page = expr->kind == P_READ ? expr->u.read.page : NULL;
	return node;
}

/* The same demand with fewer kinds, so that a message does not speak of infinities of integers. */
static guard_id demand(const p_expr *expr, guard_id kind)
{
	if (is_float_type(&expr->type))
		return kind;
	return kind == GUARD_NONNEG_FINITE ? GUARD_NONNEG : kind;
}

/* expr, checked where it must be: a condition on data. The guard goes below a conversion that changes no value, next to
 * the read whose page and position a message can name. */
static p_expr *checked(fix_body *f, p_expr *expr, guard_id kind)
{
	kind = demand(expr, kind);
	if (expr->kind == P_CONV && lossless(expr->args[0]->type.scalar, expr->type.scalar)
	    && fix_range_meets(fix_range_of(expr), kind) == ANSWER_MAYBE) {
		p_expr *args[1] = {checked(f, expr->args[0], kind)};
		return with_args(f, expr, args);
	}
	switch (fix_range_meets(fix_range_of(expr), kind)) {
	case ANSWER_YES:
		return expr;
	case ANSWER_NO:
		fail(f, lang_error(f->ctx, expr->span, "this fixpoint is not exact: this value %s", guard_text[kind]));
		return NULL;
	case ANSWER_MAYBE:
		break;
	}
	return f->emit ? guard(f, expr, kind) : expr;
}

/* Each arm that data choose enters on its own, so that a guard stands next to what it checks. */
static p_expr *source_arms(fix_body *f, p_expr *expr, guard_id kind)
{
	kind = demand(expr, kind);
	if (expr->kind != P_IF || fix_range_meets(fix_range_of(expr), kind) == ANSWER_YES)
		return checked(f, expr, kind);
	p_expr *args[3] = {expr->args[0], source_arms(f, expr->args[1], kind), source_arms(f, expr->args[2], kind)};
	return with_args(f, expr, args);
}

p_expr *fix_source(fix_body *f, p_expr *expr, uint32_t needs)
{
	if (!f->emit || type_table[expr->type.scalar].kind == KIND_B)
		return expr; /* what is needed is known after the first walk */
	for (int kind = 0; kind < GUARD_COUNT && expr; kind++)
		if (needs & 1u << kind)
			expr = source_arms(f, expr, (guard_id)kind);
	return expr;
}

/* An infinity that a float weight may have must not meet its opposite. */
static bool may_be(const p_expr *expr, guard_id kind)
{
	return is_float_type(&expr->type) && fix_range_meets(fix_range_of(expr), kind) != ANSWER_YES;
}

/* ---- operators ------------------------------------------------------------------------- */

/* min, max, &&, ||, clamp (and & | of bool): every operand may become the value. */
static p_expr *pick(fix_body *f, p_expr *expr)
{
	/* On the side of better values, min of a fixpoint of max say, an operand can only make terms worse. */
	bool keeps = f->least ? expr->op == OP_MAX : expr->op == OP_MIN;
	uint32_t bounds = f->least ? ~0u : NEED(NOT_POSINF) | NEED(NONPOS);
	p_expr *args[3] = {NULL, NULL, NULL};
	if ((op_table[expr->op].flags & OPF_LAZY) && fix_reads_self(f, expr->args[0])
	    && expr_can_fail(f->ctx, expr->args[1])) {
		lang_diag *diag = lang_error(f->ctx, expr->args[1]->span, "this can fail, and whether it counts would depend on "
		                             "the order in which '%s' is evaluated", f->edge->page->name);
		lang_help(f->ctx, diag, "compute it in a page of its own");
		f->ok = false;
		return NULL;
	}
	for (uint32_t i = 0; i < expr->n_args; i++) {
		bool self = fix_reads_self(f, expr->args[i]);
		uint32_t needs = keeps ? (f->needs & ~bounds) | NEED(NOT_NAN) : f->needs;
		args[i] = self ? fix_term(f, expr->args[i]) : fix_source(f, expr->args[i], needs);
	}
	return with_args(f, expr, args);
}

/* What an operator computes with, so that even the worst of values is no longer without effect. */
static p_expr *operand(fix_body *f, p_expr *expr)
{
	bool inside = f->inside;
	f->inside = true;
	p_expr *made = fix_term(f, expr);
	f->inside = inside;
	return made;
}

/* `+`: integers saturate. Of two self-reads each is the weight of the other. */
static p_expr *add(fix_body *f, p_expr *expr, bool negated)
{
	bool least = f->least != negated;
	bool both = fix_reads_self(f, expr->args[0]) && fix_reads_self(f, expr->args[1]);
	p_expr *args[2] = {NULL, NULL};
	bool floats = is_float_type(&expr->type);
	if (both)
		f->needs |= f->least ? NEED(NONNEG) : NEED(NONPOS) | (floats ? NEED(NOT_NEGZERO) : 0);
	for (int i = 0; i < 2; i++) {
		if (fix_reads_self(f, expr->args[i])) {
			args[i] = operand(f, expr->args[i]);
			continue;
		}
		args[i] = checked(f, expr->args[i], least ? GUARD_NONNEG : GUARD_NONPOS);
		if (f->least && may_be(expr->args[i], least ? GUARD_NOT_POSINF : GUARD_NOT_NEGINF))
			f->needs |= NEED(NOT_NEGINF);
		if (!f->least && may_be(expr->args[i], least ? GUARD_NOT_POSINF : GUARD_NOT_NEGINF))
			f->needs |= NEED(NOT_POSINF);
		fix_range weight = fix_range_of(expr->args[i]);
		if (!f->least && floats && weight.lo <= 0 && weight.hi >= 0)
			f->needs |= NEED(NOT_NEGZERO);
	}
	p_expr *made = with_args(f, expr, args);
	if (made && f->emit && !floats)
		made->op = OP_ADD_SAT;
	return made;
}

static p_expr *subtract(fix_body *f, p_expr *expr)
{
	if (fix_reads_self(f, expr->args[1]))
		return not_in_order(f, expr, "'-'");
	if (!is_float_type(&expr->type)) {
		lang_diag *diag = lang_error(f->ctx, expr->span, "this fixpoint is not exact: '-' of integers wraps around");
		lang_help(f->ctx, diag, "write an addition: '+' on '%s' saturates here", f->edge->page->name);
		f->ok = false;
		return NULL;
	}
	return add(f, expr, true);
}

/* Signs would turn: a product of values that have gone below 0 has no order that we know. */
static bool adds_below(fix_body *f, const p_expr *expr)
{
	if (!fix_reads_self(f, expr))
		return false;
	if (expr->kind == P_OP && (expr->op == OP_ADD || expr->op == OP_SUB))
		return true;
	if (expr->kind == P_REDUCE && expr->u.reduce->op == OP_ADD)
		return true;
	for (uint32_t i = 0; i < expr->n_args; i++)
		if (adds_below(f, expr->args[i]))
			return true;
	return false;
}

static p_expr *multiply(fix_body *f, p_expr *expr)
{
	bool floats = is_float_type(&expr->type);
	bool both = fix_reads_self(f, expr->args[0]) && fix_reads_self(f, expr->args[1]);
	if (f->least && !floats) {
		lang_diag *diag = lang_error(f->ctx, expr->span, "this fixpoint is not exact: '*' of integers wraps around");
		lang_help(f->ctx, diag, "compute in f64, or in rounds: fix(max = R)");
		f->ok = false;
		return NULL;
	}
	if (!f->least && (adds_below(f, expr->args[0]) || adds_below(f, expr->args[1])))
		return not_extensive(f, expr, "'*' of a sum");
	p_expr *args[2] = {NULL, NULL};
	if (both)
		f->needs |= f->least ? NEED(GE_ONE) : NEED(UNIT);
	for (int i = 0; i < 2; i++) {
		if (fix_reads_self(f, expr->args[i])) {
			args[i] = operand(f, expr->args[i]);
			continue;
		}
		args[i] = checked(f, expr->args[i], f->least ? GUARD_GE_ONE : GUARD_UNIT);
		/* Nothing may come to 0 * inf. */
		if (f->least)
			f->needs |= may_be(expr->args[i], GUARD_NOT_POSINF) ? NEED(POSITIVE) : NEED(NONNEG);
		else
			f->needs |= may_be(expr->args[i], GUARD_POSITIVE) ? NEED(NONNEG_FINITE) : NEED(NONNEG);
	}
	return with_args(f, expr, args);
}

static p_expr *divide(fix_body *f, p_expr *expr)
{
	if (fix_reads_self(f, expr->args[1]))
		return not_in_order(f, expr, "'/'");
	if (f->least || adds_below(f, expr->args[0]))
		return not_extensive(f, expr, f->least ? "'/'" : "'/' of a sum");
	p_expr *args[2] = {operand(f, expr->args[0]), checked(f, expr->args[1], GUARD_GE_ONE)};
	f->needs |= may_be(expr->args[1], GUARD_NOT_POSINF) ? NEED(NONNEG_FINITE) : NEED(NONNEG);
	return with_args(f, expr, args);
}

static p_expr *choose(fix_body *f, p_expr *expr)
{
	if (fix_reads_self(f, expr->args[0]))
		return not_in_order(f, expr->args[0], "a choice by it");
	p_expr *args[3] = {expr->args[0], fix_term(f, expr->args[1]), fix_term(f, expr->args[2])};
	return with_args(f, expr, args);
}

static p_expr *one_sided(fix_body *f, p_expr *expr, bool fits)
{
	if (!fits)
		return not_extensive(f, expr, op_text(f, expr));
	p_expr *args[1] = {operand(f, expr->args[0])};
	return with_args(f, expr, args);
}

static p_expr *term_op(fix_body *f, p_expr *expr)
{
	bool bits_of_bool = (expr->op == OP_BAND || expr->op == OP_BOR) && expr->type.scalar == T_BOOL;
	if (bits_of_bool)
		return pick(f, expr);
	op_dir dir = DIR_NONE_D;
	for (uint32_t i = 0; i < expr->n_args && dir == DIR_NONE_D; i++)
		if (fix_reads_self(f, expr->args[i]))
			dir = op_table[expr->op].dir[i];
	if (expr->op == OP_SELECT)
		return choose(f, expr);
	switch (dir) {
	case DIR_UP_PICK:
		return pick(f, expr);
	case DIR_UP_SUM:
		return add(f, expr, false);
	case DIR_UP_DIFF:
		return subtract(f, expr);
	case DIR_UP_NONNEG:
		return multiply(f, expr);
	case DIR_UP_POS:
		return divide(f, expr);
	case DIR_UP_GE:
		return one_sided(f, expr, f->least);
	case DIR_UP_LE:
		return one_sided(f, expr, !f->least);
	case DIR_UP:
		return not_extensive(f, expr, op_text(f, expr));
	default:
		return not_in_order(f, expr, op_text(f, expr));
	}
}

/* ---- the other nodes ------------------------------------------------------------------- */

/* Rounding keeps the order and leaves alone what it can represent, which the values of the page must be. */
static p_expr *convert(fix_body *f, p_expr *expr)
{
	type_id from = expr->args[0]->type.scalar, to = expr->type.scalar, page = f->edge->page->type.scalar;
	bool ints = type_table[from].kind != KIND_F && type_table[to].kind != KIND_F;
	const char *name = lang_sprintf(f->ctx, "the conversion to %s", type_table[to].name);
	if (ints && !lossless(from, to))
		return not_in_order(f, expr, name);
	if (!lossless(page, to))
		return not_extensive(f, expr, name);
	p_expr *args[1] = {operand(f, expr->args[0])};
	return with_args(f, expr, args);
}

static p_expr *read_self(fix_body *f, p_expr *expr)
{
	for (uint32_t i = 0; i < expr->n_args; i++)
		if (fix_reads_self(f, expr->args[i]))
			return not_in_order(f, expr->args[i], "an element at a place that depends on it");
	p_read *read = &expr->u.read;
	scalar zero = {0};
	if (read->view == VIEW_ZERO && f->emit)
		for (int kind = 0; kind < GUARD_COUNT; kind++)
			if (f->needs & 1u << kind
			    && fix_range_meets(fix_range_value(zero, expr->type.scalar), (guard_id)kind) == ANSWER_NO)
				return fail(f, lang_error(f->ctx, expr->span, "this fixpoint is not exact: the 0 outside %s",
				                          guard_text[kind]));
	if (read->view != VIEW_PAD)
		return expr;
	if (fix_reads_self(f, read->pad))
		return not_in_order(f, read->pad, "what stands outside");
	p_expr *pad = fix_source(f, (p_expr *)(uintptr_t)read->pad, f->needs);
	if (!f->emit || pad == read->pad || !pad)
		return pad ? expr : NULL;
	p_expr *copy = with_args(f, expr, expr->args);
	if (copy)
		copy->u.read.pad = pad;
	return copy;
}

/* A reduction of nothing gives its identity, which enters like anything else; but the worst of values changes nothing
 * where the best of several is taken. */
static p_expr *guard_identity(fix_body *f, p_expr *expr)
{
	const p_reduce *r = expr->u.reduce;
	scalar identity = {.bits = r->identity};
	if (type_table[expr->type.scalar].kind == KIND_B)
		return expr;
	if (!f->inside && r->op == (f->least ? OP_MIN : OP_MAX) && r->identity == op_identity(r->op, expr->type.scalar))
		return expr;
	for (int kind = 0; expr && kind < GUARD_COUNT; kind++)
		if (f->needs & 1u << kind
		    && fix_range_meets(fix_range_value(identity, expr->type.scalar), (guard_id)kind) == ANSWER_NO)
			expr = guard(f, expr, demand(expr, (guard_id)kind));
	return expr;
}

static p_expr *term_reduce(fix_body *f, p_expr *expr)
{
	const p_reduce *r = expr->u.reduce;
	if (expr->n_args > 1 && fix_reads_self(f, expr->args[1]))
		return not_in_order(f, expr->args[1], "a condition");
	const char *name = lang_sprintf(f->ctx, "'%s'", r->name);
	bool picks = r->reducer == RED_OP && op_table[r->op].dir[0] == DIR_UP_PICK;
	bool adds = r->reducer == RED_OP && r->op == OP_ADD && is_float_type(&expr->type);
	if (r->reducer == RED_OP && r->op == OP_ADD && !adds)
		return not_extensive(f, expr, lang_sprintf(f->ctx, "%s of integers, which wraps around,", name));
	if (!picks && !adds)
		return not_in_order(f, expr, name);
	if (adds)
		f->needs |= f->least ? NEED(NONNEG) : NEED(NONPOS) | NEED(NOT_NEGZERO);
	p_expr *args[2] = {adds ? operand(f, expr->args[0]) : fix_term(f, expr->args[0]),
	                   expr->n_args > 1 ? expr->args[1] : NULL};
	p_expr *made = with_args(f, expr, args);
	return made && f->emit ? guard_identity(f, made) : made;
}

static p_expr *term_of(fix_body *f, p_expr *expr)
{
	switch (expr->kind) {
	case P_OP:
		return term_op(f, expr);
	case P_CONV:
		return convert(f, expr);
	case P_IF:
		return choose(f, expr);
	case P_REDUCE:
		return term_reduce(f, expr);
	case P_READ:
		if (expr->u.read.self)
			return read_self(f, expr);
		return not_in_order(f, expr, "an element at a place that depends on it");
	default:
		return not_in_order(f, expr, "a position");
	}
}

p_expr *fix_term(fix_body *f, p_expr *expr)
{
	if (!fix_reads_self(f, expr))
		return fix_source(f, expr, f->needs);
	expr_map *done = &f->done[f->inside];
	p_expr *known = expr_map_get(done, expr);
	if (known)
		return known;
	p_expr *made = term_of(f, expr);
	if (made)
		expr_map_put(done, expr, made);
	return made;
}
