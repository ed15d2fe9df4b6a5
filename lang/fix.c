/* fix.c - the three kinds of fixpoints: what each asks of its page, and whether an exact one is exact.
 *
 * Needs: a typed edge whose self-reads are marked. Keeps everything else. Of an exact fixpoint the body is rewritten: guards
 * for what its data must satisfy, saturating integer additions, and its init as a term where it needs a guard. */
#include "fix_term.h"

/* ---- the outermost operation ----------------------------------------------------------- */

/* What the operations on the way from the root say: one of min, max, ||, && when they agree. */
typedef struct vote {
	op_id op;          /* OP_COUNT: nobody has voted */
	bool split;        /* they do not agree */
	bool has_zero;     /* a semiring with a zero of its own took part */
	bool zeros_differ;
	uint64_t zero;
} vote;

static bool is_choice(op_id op)
{
	return op == OP_MIN || op == OP_MAX || op == OP_LOR || op == OP_LAND;
}

static void vote_for(vote *v, op_id op)
{
	if (v->op != OP_COUNT && v->op != op)
		v->split = true;
	v->op = op;
}

static void outermost(const p_expr *expr, vote *v)
{
	if (expr->kind == P_IF || (expr->kind == P_OP && expr->op == OP_SELECT)) {
		outermost(expr->args[1], v);
		outermost(expr->args[2], v);
	} else if (expr->kind == P_OP && is_choice((op_id)expr->op)) {
		vote_for(v, (op_id)expr->op);
		/* A semiring's zero below tells where its values begin. */
		for (uint32_t i = 0; i < expr->n_args; i++) {
			vote below = {.op = OP_COUNT};
			outermost(expr->args[i], &below);
			if (below.op == v->op && below.has_zero) {
				v->zeros_differ = v->zeros_differ || below.zeros_differ || (v->has_zero && v->zero != below.zero);
				v->has_zero = true;
				v->zero = below.zero;
			}
		}
	} else if (expr->kind == P_REDUCE && expr->u.reduce->reducer == RED_OP
	           && is_choice((op_id)expr->u.reduce->op)) {
		const p_reduce *r = expr->u.reduce;
		vote_for(v, (op_id)r->op);
		if (r->identity != op_identity((op_id)r->op, expr->type.scalar)) {
			v->zeros_differ = v->zeros_differ || (v->has_zero && v->zero != r->identity);
			v->has_zero = true;
			v->zero = r->identity;
		}
	}
}

/* ---- exact ----------------------------------------------------------------------------- */

static const uint32_t implied[GUARD_COUNT] = {
	[GUARD_NONNEG] = 1u << GUARD_NOT_NAN | 1u << GUARD_NOT_NEGINF,
	[GUARD_NONPOS] = 1u << GUARD_NOT_NAN | 1u << GUARD_NOT_POSINF,
	[GUARD_UNIT] = 1u << GUARD_NOT_NAN | 1u << GUARD_NOT_NEGINF | 1u << GUARD_NOT_POSINF | 1u << GUARD_NONNEG
	               | 1u << GUARD_NONNEG_FINITE | 1u << GUARD_NOT_NEGZERO,
	[GUARD_GE_ONE] = 1u << GUARD_NOT_NAN | 1u << GUARD_NOT_NEGINF | 1u << GUARD_NONNEG | 1u << GUARD_POSITIVE
	                 | 1u << GUARD_NOT_NEGZERO,
	[GUARD_NOT_NEGINF] = 1u << GUARD_NOT_NAN,
	[GUARD_NOT_POSINF] = 1u << GUARD_NOT_NAN,
	[GUARD_NONNEG_FINITE] = 1u << GUARD_NOT_NAN | 1u << GUARD_NOT_NEGINF | 1u << GUARD_NOT_POSINF
	                        | 1u << GUARD_NONNEG,
	[GUARD_POSITIVE] = 1u << GUARD_NOT_NAN | 1u << GUARD_NOT_NEGINF | 1u << GUARD_NONNEG | 1u << GUARD_NOT_NEGZERO,
};

static uint32_t without_implied(uint32_t needs)
{
	uint32_t less = 0;
	for (int kind = 0; kind < GUARD_COUNT; kind++)
		if (needs & 1u << kind)
			less |= implied[kind];
	return needs & ~less;
}

static bool not_exact(lang_ctx *ctx, const p_edge *edge, const vote *v)
{
	lang_diag *diag = v->split
		? lang_error(ctx, edge->body->span, "the arms of an exact fixpoint take the same operation, one of min, max, "
		             "'||' and '&&', and these differ")
		: lang_error(ctx, edge->body->span, "an exact fixpoint takes min, max, '||' or '&&' of its terms, and the "
		             "outermost operation here is none of them");
	lang_help(ctx, diag, "write fix(max = R) for at most R rounds of this body, or fix(tol = T, max = R) for a numeric "
	          "fixpoint");
	return false;
}

/* Without an init the page begins at the worst value; with one, the init is a value that enters. */
static bool check_start(fix_body *f, p_edge *edge)
{
	if (edge->page->init || edge->page->init_page || edge->page->type.scalar == T_BOOL)
		return true;
	fix_range start = fix_range_value(edge->fix_start, edge->page->type.scalar);
	for (int kind = 0; kind < GUARD_COUNT; kind++) {
		if (!(f->needs & 1u << kind) || fix_range_meets(start, (guard_id)kind) != ANSWER_NO)
			continue;
		lang_diag *diag = lang_error(f->ctx, edge->page->span, "this fixpoint is not exact: '%s' begins at the identity "
		                             "of its operation, and multiplying or dividing asks for values >= 0",
		                             edge->page->name);
		lang_help(f->ctx, diag, "write where it begins: 'init 0'");
		return false;
	}
	return true;
}

/* The init as an expression of the body. */
static p_expr *init_term(lang_ctx *ctx, const p_edge *edge)
{
	const p_page *page = edge->page;
	if (page->init)
		return (p_expr *)(uintptr_t)page->init;
	p_expr *read = LANG_NEW(ctx, p_expr);
	p_expr **args = LANG_NEW_ARRAY(ctx, p_expr *, MAX_DIMS);
	if (!read || !args)
		return NULL;
	*read = (p_expr){.kind = P_READ, .n_args = (uint8_t)edge->n_vars, .depth = 2, .weight = edge->n_vars + 1,
	                 .type = page->type, .span = page->span, .args = args};
	read->u.read = (p_read){.page = (p_page *)(uintptr_t)page->init_page, .field = -1,
	                        .access = edge->n_vars ? ACCESS_SAME : ACCESS_BROADCAST};
	for (uint32_t k = 0; k < edge->n_vars; k++) {
		args[k] = LANG_NEW(ctx, p_expr);
		if (!args[k])
			return NULL;
		*args[k] = (p_expr){.kind = P_VAR, .depth = 1, .weight = 1, .type = {.base = B_SCALAR, .scalar = T_I64},
		                    .span = edge->vars[k]->span};
		args[k]->u.var = edge->vars[k];
	}
	return read;
}

/* op(init, body): the value is that anyway; here it carries the init's guard. */
static p_expr *with_init(fix_body *f, const p_edge *edge, p_expr *body)
{
	if (!edge->page->init && !edge->page->init_page)
		return body;
	p_expr *init = init_term(f->ctx, edge);
	p_expr *checked = init ? fix_source(f, init, f->needs) : NULL;
	if (!checked)
		return NULL;
	if (checked == init)
		return body;
	p_expr *node = LANG_NEW(f->ctx, p_expr);
	p_expr **args = LANG_NEW_ARRAY(f->ctx, p_expr *, 2);
	if (!node || !args)
		return NULL;
	*node = *body;
	node->kind = P_OP;
	node->op = edge->fix_op;
	node->n_args = 2;
	node->args = args;
	args[0] = checked;
	args[1] = body;
	return node;
}

static bool fix_exact(lang_ctx *ctx, p_edge *edge)
{
	vote v = {.op = OP_COUNT};
	outermost(edge->body, &v);
	if (v.op == OP_COUNT || v.split)
		return not_exact(ctx, edge, &v);
	fix_body f = {.ctx = ctx, .edge = edge, .ok = true, .needs = 1u << GUARD_NOT_NAN,
	              .least = v.op == OP_MIN || v.op == OP_LAND, .selves = expr_map_new(ctx), .plain = expr_map_new(ctx),
	              .done = {expr_map_new(ctx), expr_map_new(ctx)}};
	edge->fix_op = (uint8_t)v.op;
	edge->fix_start.bits = v.has_zero && !v.zeros_differ ? v.zero : op_identity(v.op, edge->page->type.scalar);
	fix_term(&f, edge->body);
	if (!f.ok || ctx->oom)
		return false;
	f.needs = without_implied(f.needs);
	if (!check_start(&f, edge))
		return false;
	f.emit = true;
	f.done[0] = f.done[1] = expr_map_new(ctx);
	p_expr *body = fix_term(&f, edge->body);
	body = body ? with_init(&f, edge, body) : NULL;
	if (!body || !f.ok)
		return false;
	edge->body = body;
	return true;
}

/* ---- all three ------------------------------------------------------------------------- */

bool lang_fix_edge(lang_ctx *ctx, p_program *program, p_edge *edge)
{
	(void)program;
	if (edge->fix == FIX_NONE)
		return true;
	const p_type *type = &edge->page->type;
	type_kind kind = (type_kind)type_table[type->scalar].kind;
	if (type->base != B_SCALAR) {
		lang_diag *diag = lang_error(ctx, edge->page->span, "'%s' is defined by a fixpoint, so its elements must be "
		                             "numbers or bool", edge->page->name);
		lang_help(ctx, diag, "use i64 for positions, and a page for each field of a record");
		return false;
	}
	if (edge->fix == FIX_EXACT)
		return fix_exact(ctx, edge);
	if (edge->fix == FIX_BOUNDED) {
		vote v = {.op = OP_COUNT};
		outermost(edge->body, &v);
		bool agreed = v.op != OP_COUNT && !v.split;
		edge->fix_op = (uint8_t)(agreed ? v.op : OP_COUNT);
		edge->fix_start.bits = !agreed ? 0 : v.has_zero && !v.zeros_differ ? v.zero : op_identity(v.op, type->scalar);
		return true;
	}
	if (kind == KIND_B) {
		lang_diag *diag = lang_error(ctx, edge->page->span, "'%s' is a numeric fixpoint, so its elements must be numbers",
		                             edge->page->name);
		lang_help(ctx, diag, "of bools, fix with '||' or '&&' outermost is exact and needs no tolerance");
		return false;
	}
	edge->page->is_state = true;
	return true;
}
