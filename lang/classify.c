/* classify.c - how each read of an edge accesses its page, and what special form a reduction has.
 *
 * Needs: a typed edge. Fills in p_read.access, p_reduce.rclass, key, at, strict and rest. A class is a promise that
 * later rooms build on, so anything unsure gets the general one; no class ever changes what an expression means. */
#include "expr_map.h"

/* The sparse reads whose current entry is at hand, innermost first. */
typedef struct drivers {
	const p_expr *read;
	const struct drivers *outer;
} drivers;

typedef struct classifier {
	lang_ctx *ctx;
	const p_edge *edge;
	expr_map seen;
} classifier;

/* ---- index expressions ----------------------------------------------------------------- */

typedef enum index_form {
	INDEX_CONST,   /* literals, params and sizes alone */
	INDEX_PLAIN,   /* a variable */
	INDEX_OFFSET,  /* a variable and a literal */
	INDEX_LINEAR,  /* a sum of variables with constant factors, and constants */
	INDEX_OTHER    /* read from a page, or computed in another way */
} index_form;

typedef struct index_facts {
	index_form form;
	const p_var *var; /* INDEX_PLAIN, INDEX_OFFSET */
} index_facts;

static index_facts index_of(const p_expr *expr);

static bool is_literal(const p_expr *expr)
{
	while (expr->kind == P_CONV)
		expr = expr->args[0];
	return expr->kind == P_CONST;
}

static index_facts index_of_op(const p_expr *expr)
{
	index_facts other = {INDEX_OTHER, NULL}, linear = {INDEX_LINEAR, NULL};
	if (expr->op == OP_NEG) {
		index_facts a = index_of(expr->args[0]);
		return a.form == INDEX_OTHER || a.form == INDEX_CONST ? a : linear;
	}
	if (expr->op != OP_ADD && expr->op != OP_SUB && expr->op != OP_MUL)
		return other;
	index_facts a = index_of(expr->args[0]), b = index_of(expr->args[1]);
	if (a.form == INDEX_OTHER || b.form == INDEX_OTHER)
		return other;
	if (a.form == INDEX_CONST && b.form == INDEX_CONST)
		return a;
	if (expr->op == OP_MUL)
		return a.form == INDEX_CONST || b.form == INDEX_CONST ? linear : other;
	if ((a.form == INDEX_PLAIN || a.form == INDEX_OFFSET) && is_literal(expr->args[1]))
		return (index_facts){INDEX_OFFSET, a.var};
	if (expr->op == OP_ADD && (b.form == INDEX_PLAIN || b.form == INDEX_OFFSET) && is_literal(expr->args[0]))
		return (index_facts){INDEX_OFFSET, b.var};
	return linear;
}

static index_facts index_of(const p_expr *expr)
{
	switch (expr->kind) {
	case P_CONST:
	case P_PARAM:
	case P_SIZE:
		return (index_facts){INDEX_CONST, NULL};
	case P_VAR:
		return (index_facts){INDEX_PLAIN, expr->u.var};
	case P_CONV: {
		/* Variables count from 0 to below 2^63: to and fro between i64, u64 and index(D) they stay what they are. */
		type_id to = expr->type.scalar;
		bool keeps = to == T_I64 || to == T_U64 || expr->type.base == B_INDEX;
		index_facts a = index_of(expr->args[0]);
		if (keeps && (a.form == INDEX_CONST || a.form == INDEX_PLAIN))
			return a;
		return (index_facts){INDEX_OTHER, NULL};
	}
	case P_OP:
		return expr->type.scalar == T_I64 ? index_of_op(expr) : (index_facts){INDEX_OTHER, NULL};
	default:
		return (index_facts){INDEX_OTHER, NULL};
	}
}

/* Two index expressions that are the same variable, literal or node. */
static bool same_index(const p_expr *a, const p_expr *b)
{
	if (a == b)
		return true;
	index_facts fa = index_of(a), fb = index_of(b);
	if (fa.form == INDEX_PLAIN && fb.form == INDEX_PLAIN)
		return fa.var == fb.var;
	return a->kind == P_CONST && b->kind == P_CONST && a->u.value.bits == b->u.value.bits;
}

/* ---- reads ----------------------------------------------------------------------------- */

static const p_page *family(const p_page *page)
{
	return page->like ? page->like : page;
}

static bool is_entry(const classifier *c, const drivers *outer, const p_expr *expr)
{
	const p_read *read = &expr->u.read;
	if (!read->page->sparse || read->view != VIEW_NONE)
		return false;
	for (const drivers *d = outer; d; d = d->outer) {
		const p_read *by = &d->read->u.read;
		if (d->read == expr)
			return true;
		if (by->prev == read->prev && family(by->page) == family(read->page)
		    && same_index(expr->args[0], d->read->args[0]) && same_index(expr->args[1], d->read->args[1]))
			return true;
	}
	const p_edge *edge = c->edge;
	if (!edge->page->sparse || read->prev || family(edge->page) != family(read->page))
		return false;
	for (uint32_t k = 0; k < 2; k++) {
		index_facts f = index_of(expr->args[k]);
		if (f.form != INDEX_PLAIN || f.var != edge->vars[k])
			return false;
	}
	return true;
}

static bool own_shape(const p_edge *edge, const p_page *page)
{
	if (page->ndim != edge->n_vars)
		return false;
	for (uint32_t k = 0; k < page->ndim; k++)
		if (page->dims[k] != edge->page->dims[k])
			return false;
	return true;
}

static p_access access_of(const classifier *c, const drivers *outer, const p_expr *expr)
{
	const p_read *read = &expr->u.read;
	if (is_entry(c, outer, expr))
		return ACCESS_ENTRY;
	index_form most = INDEX_CONST, least = INDEX_OTHER;
	index_facts facts[MAX_DIMS];
	bool own = own_shape(c->edge, read->page), distinct = true;
	for (uint32_t k = 0; k < expr->n_args; k++) {
		facts[k] = index_of(expr->args[k]);
		most = facts[k].form > most ? facts[k].form : most;
		least = facts[k].form < least ? facts[k].form : least;
		own = own && facts[k].var == c->edge->vars[k];
		for (uint32_t i = 0; i < k; i++)
			distinct = distinct && facts[i].var != facts[k].var;
	}
	if (most == INDEX_OTHER)
		return ACCESS_INDIRECT;
	if (most == INDEX_CONST)
		return ACCESS_BROADCAST;
	if (own && most == INDEX_PLAIN)
		return ACCESS_SAME;
	if (own && most == INDEX_OFFSET)
		return ACCESS_SHIFT;
	if (most == INDEX_PLAIN && least == INDEX_PLAIN && distinct && read->view == VIEW_NONE)
		return ACCESS_PERMUTED;
	return ACCESS_AFFINE;
}

/* ---- reductions ------------------------------------------------------------------------ */

/* The conjuncts of a condition in the order in which they are evaluated. */
typedef struct conjuncts {
	uint32_t count, cap;
	const p_expr **items;
} conjuncts;

static bool split(lang_ctx *ctx, const p_expr *expr, conjuncts *out)
{
	if (expr->kind == P_OP && expr->op == OP_LAND)
		return split(ctx, expr->args[0], out) && split(ctx, expr->args[1], out);
	if (!lang_grow(ctx, (void **)&out->items, out->count, &out->cap, sizeof *out->items))
		return false;
	out->items[out->count++] = expr;
	return true;
}

/* All but number `taken`, joined again; NULL when nothing is left (or no memory: *ok is false). */
static const p_expr *join_rest(lang_ctx *ctx, const conjuncts *all, uint32_t taken, bool *ok)
{
	const p_expr *rest = NULL;
	for (uint32_t i = 0; i < all->count; i++) {
		if (i == taken)
			continue;
		if (!rest) {
			rest = all->items[i];
			continue;
		}
		p_expr *both = LANG_NEW(ctx, p_expr);
		p_expr **args = LANG_NEW_ARRAY(ctx, p_expr *, 2);
		if (!both || !args) {
			*ok = false;
			return NULL;
		}
		*both = *all->items[i];
		both->kind = P_OP;
		both->op = OP_LAND;
		both->n_args = 2;
		both->span = lang_span_join(rest->span, all->items[i]->span);
		both->args = args;
		args[0] = (p_expr *)(uintptr_t)rest;
		args[1] = (p_expr *)(uintptr_t)all->items[i];
		rest = both;
	}
	return rest;
}

/* A special form visits fewer positions than the condition as written; only what cannot fail may stand before. */
static bool may_skip(lang_ctx *ctx, const conjuncts *all, uint32_t taken)
{
	for (uint32_t i = 0; i < taken; i++)
		if (expr_can_fail(ctx, all->items[i]))
			return false;
	return true;
}

static const p_expr *unconverted(const p_expr *expr)
{
	return expr->kind == P_CONV && expr->args[0]->type.base == B_INDEX ? expr->args[0] : expr;
}

/* key[i] for the variable i of the reduction, all of it and plainly. */
static bool is_key(const p_expr *expr, const p_var *i)
{
	if (expr->kind != P_READ || expr->type.base != B_INDEX)
		return false;
	const p_read *read = &expr->u.read;
	if (read->prev || read->self || read->field >= 0 || read->view != VIEW_NONE || read->page->ndim != 1
	    || read->page->type.base != B_INDEX)
		return false;
	index_facts f = index_of(expr->args[0]);
	return f.form == INDEX_PLAIN && f.var == i && i->lo->n == 0 && i->hi == read->page->dims[0];
}

static bool as_group(lang_ctx *ctx, const p_expr *expr, const conjuncts *all)
{
	p_reduce *r = expr->u.reduce;
	for (uint32_t n = 0; n < all->count; n++) {
		const p_expr *test = all->items[n];
		if (test->kind != P_OP || test->op != OP_EQ)
			continue;
		for (int side = 0; side < 2; side++) {
			const p_expr *key = unconverted(test->args[side]), *at = test->args[1 - side];
			if (!is_key(key, r->vars[0]) || expr_uses_var(ctx, at, r->vars[0]) || expr_can_fail(ctx, at)
			    || !may_skip(ctx, all, n))
				continue;
			bool ok = true;
			r->rest = join_rest(ctx, all, n, &ok);
			r->key = key;
			r->at = at;
			return ok;
		}
	}
	return false;
}

/* j <= i, j < i, i >= j or i > j: the variable i, or NULL. */
static const p_expr *prefix_end(const p_expr *test, const p_var *j, bool *strict)
{
	if (test->kind != P_OP)
		return NULL;
	bool mirrored = test->op == OP_GE || test->op == OP_GT;
	if (!mirrored && test->op != OP_LE && test->op != OP_LT)
		return NULL;
	const p_expr *left = test->args[mirrored ? 1 : 0], *right = test->args[mirrored ? 0 : 1];
	if (left->kind != P_VAR || right->kind != P_VAR || left->u.var != j || right->u.var == j)
		return NULL;
	*strict = test->op == OP_LT || test->op == OP_GT;
	return right->u.var->lo->n == 0 && j->lo->n == 0 ? right : NULL;
}

static bool as_prefix(lang_ctx *ctx, const p_expr *expr, const conjuncts *all)
{
	p_reduce *r = expr->u.reduce;
	for (uint32_t n = 0; n < all->count; n++) {
		bool strict = false, ok = true;
		const p_expr *end = prefix_end(all->items[n], r->vars[0], &strict);
		if (!end || expr_uses_var(ctx, expr->args[0], end->u.var) || !may_skip(ctx, all, n))
			continue;
		bool free_of_end = true;
		for (uint32_t k = 0; k < all->count; k++)
			free_of_end = free_of_end && (k == n || !expr_uses_var(ctx, all->items[k], end->u.var));
		if (!free_of_end)
			continue;
		r->rest = join_rest(ctx, all, n, &ok);
		r->at = end;
		r->strict = strict;
		return ok;
	}
	return false;
}

/* The factor of var in an index, when the index is linear in it; 0 when it is absent or this cannot be told. */
static int64_t factor(const p_expr *expr, const p_var *var)
{
	if (expr->kind == P_VAR)
		return expr->u.var == var;
	if (expr->kind == P_OP && expr->op == OP_ADD)
		return factor(expr->args[0], var) + factor(expr->args[1], var);
	if (expr->kind == P_OP && expr->op == OP_SUB)
		return factor(expr->args[0], var) - factor(expr->args[1], var);
	return 0;
}

/* x[i - k] or x[i + k], with constants or without. */
static bool slides(const p_expr *expr, const void *user)
{
	const p_var *k = user;
	if (expr->kind != P_READ)
		return false;
	for (uint32_t i = 0; i < expr->n_args; i++) {
		if (index_of(expr->args[i]).form != INDEX_LINEAR)
			continue;
		int64_t by = factor(expr->args[i], k);
		if (by == 1 || by == -1)
			return true;
	}
	return false;
}

static p_rclass rclass_of(lang_ctx *ctx, const p_expr *expr)
{
	const p_reduce *r = expr->u.reduce;
	if (r->driver)
		return RC_SPARSE;
	if (expr->n_args > 1) {
		conjuncts all = {0};
		if (r->n_vars != 1 || !split(ctx, expr->args[1], &all))
			return RC_WHERE;
		if (as_group(ctx, expr, &all))
			return RC_GROUP;
		return as_prefix(ctx, expr, &all) ? RC_PREFIX : RC_WHERE;
	}
	if (r->n_vars == 1 && r->vars[0]->lo->n == 0 && expr_any(ctx, expr->args[0], slides, r->vars[0]))
		return RC_WINDOW;
	return RC_WHOLE;
}

/* ---- the walk -------------------------------------------------------------------------- */

static void visit(classifier *c, const p_expr *constant, const drivers *outer)
{
	/* The program is ours while it is being checked. */
	p_expr *expr = (p_expr *)(uintptr_t)constant;
	if (!expr_map_first(&c->seen, expr))
		return;
	drivers here = {NULL, outer};
	if (expr->kind == P_READ) {
		expr->u.read.access = (uint8_t)access_of(c, outer, expr);
		if (expr->u.read.pad)
			visit(c, expr->u.read.pad, outer);
	} else if (expr->kind == P_REDUCE) {
		p_reduce *r = expr->u.reduce;
		r->key = r->at = r->rest = NULL;
		r->strict = false;
		r->rclass = (uint8_t)rclass_of(c->ctx, expr);
		if (r->driver) {
			here.read = r->driver;
			outer = &here;
			visit(c, r->driver, outer);
		}
	}
	for (uint32_t i = 0; i < expr->n_args; i++)
		visit(c, expr->args[i], outer);
	if (expr->kind == P_REDUCE && expr->u.reduce->rest)
		visit(c, expr->u.reduce->rest, outer);
}

void lang_classify_edge(lang_ctx *ctx, p_edge *edge)
{
	classifier c = {.ctx = ctx, .edge = edge, .seen = expr_map_new(ctx)};
	if (edge->body)
		visit(&c, edge->body, NULL);
}
