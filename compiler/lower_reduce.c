/* lower_reduce.c - reductions as nodes of one variable each.
 *
 * Several variables nest, outermost first, and an outer position is present when it has a present inner one. A sparse
 * page that drives gives one variable its rows or columns. mean becomes a sum, a count and one division. */
#include "lower.h"

enum { MAX_NESTING = 128 };

/* A reduction while it is lowered. Variables are numbered as in r->vars, outermost first. */
typedef struct reduction {
	const p_reduce *r;
	const p_expr *expr;
	ir_id mask;         /* of the reduction itself */
	ir_id inside;       /* and of what is evaluated for its positions: false where there is none */
	uint8_t type;       /* of the value */
	uint32_t n;
	uint32_t *vars;     /* of the graph */
	uint8_t *regions;   /* region_kind */
	ir_id *where;       /* or NONE */
	ir_id *at;          /* ROW, COL, GROUP */
	uint32_t page;      /* ROW, COL, GROUP */
	uint32_t at_var;    /* PREFIX */
	ir_id body_mask;
} reduction;

static ir_id var_node(lowerer *l, uint32_t var)
{
	return ir_leaf(l->g, IR_VAR, T_I64, var);
}

static ir_id size_node(lowerer *l, uint32_t size)
{
	if (l->g->sizes[size].kind == SIZE_CONST)
		return ir_const_i64(l->g, l->g->sizes[size].value);
	return ir_leaf(l->g, IR_SIZE, T_I64, size);
}

/* ROW, COL and GROUP run over a whole dimension: a smaller range becomes a condition. */
static void keep_range(lowerer *l, reduction *d, uint32_t k, uint32_t dim)
{
	ir_graph *g = l->g;
	ir_var var = g->vars[d->vars[k]];
	ir_id v = var_node(l, d->vars[k]);
	if (var.lo != ir_size_const(g, 0))
		d->where[k] = ir_and(g, d->where[k], ir_op2(g, OP_GE, T_BOOL, v, size_node(l, var.lo)));
	if (var.hi != dim)
		d->where[k] = ir_and(g, d->where[k], ir_op2(g, OP_LT, T_BOOL, v, size_node(l, var.hi)));
}

/* ---- who is present ---------------------------------------------------------------------------- */

static void add_condition(lowerer *l, reduction *d, const p_expr *cond, bool split)
{
	ir_graph *g = l->g;
	if (split && cond->kind == P_OP && cond->op == OP_LAND) {
		add_condition(l, d, cond->args[0], split);
		add_condition(l, d, cond->args[1], split);
		return;
	}
	ir_id node = lower_expr(l, cond, d->inside, NONE);
	uint32_t k = d->n - 1;
	while (split && k > 0 && !ir_depends(g, node, d->vars[k]))
		k--;
	d->where[k] = ir_and(g, d->where[k], node);
	d->body_mask = ir_and(g, d->body_mask, node);
}

/* A condition that cannot fail is taken apart, each part to the innermost variable that it needs. */
static void add_conditions(lowerer *l, reduction *d)
{
	bool recognised = d->regions[d->n - 1] == REGION_GROUP || d->regions[d->n - 1] == REGION_PREFIX;
	const p_expr *cond = recognised ? d->r->rest : d->expr->n_args > 1 ? d->expr->args[1] : NULL;
	if (cond)
		add_condition(l, d, cond, !lower_can_fail(l, cond));
}

/* ---- what it runs over ------------------------------------------------------------------------- */

static const p_var *plain_var(const p_expr *expr)
{
	while (expr->kind == P_CONV)
		expr = expr->args[0];
	return expr->kind == P_VAR ? expr->u.var : NULL;
}

/* The row or column to go by must be seen to be in range: a variable or an index is, anything else is checked. */
static ir_id driving_index(lowerer *l, const reduction *d, const p_expr *expr, uint32_t dim)
{
	ir_graph *g = l->g;
	ir_id at = lower_short_index(l, lower_expr(l, expr, d->mask, NONE));
	const ir_node *n = ir_at(g, at);
	if (n->kind == IR_VAR || n->type == T_U32)
		return at;
	return ir_intern(g, (ir_node){.kind = IR_TO_INDEX, .type = T_U32, .n_args = 1, .mask = d->mask, .args = &at,
	                              .u.id = dim});
}

static void drive(lowerer *l, reduction *d)
{
	ir_graph *g = l->g;
	const p_expr *driver = d->r->driver;
	const ir_page *page = &g->pages[driver->u.read.page->id];
	for (uint32_t k = d->n; k-- > 0;) {
		for (uint32_t side = 0; side < 2; side++) {
			if (plain_var(driver->args[side]) != d->r->vars[k])
				continue;
			ir_id at = driving_index(l, d, driver->args[1 - side], page->dims[1 - side]);
			d->regions[k] = side == 1 ? REGION_ROW : REGION_COL;
			d->page = ir_pattern(g, driver->u.read.page->id);
			d->at[k] = at;
			keep_range(l, d, k, page->dims[side]);
			for (uint32_t i = k; i < d->n; i++) {
				if (!ir_depends(g, at, d->vars[i]))
					continue;
				lang_diag *e = lang_error(g->ctx, driver->span,
				                          "the %s of '%s' that this reduction goes by depends on '%s', which is inside",
				                          side == 1 ? "row" : "column", page->name, g->vars[d->vars[i]].name);
				lang_help(g->ctx, e, "put '%s' before '%s' in the brackets", g->vars[d->vars[i]].name,
				          g->vars[d->vars[k]].name);
			}
			return;
		}
	}
}

static bool is_domain_var(const lowerer *l, const p_var *var)
{
	for (uint32_t i = 0; l->edge && i < l->edge->n_vars; i++)
		if (l->edge->vars[i] == var)
			return !l->edge->page->sparse;
	return false;
}

static void choose_regions(lowerer *l, reduction *d)
{
	const p_reduce *r = d->r;
	ir_graph *g = l->g;
	if (r->driver) {
		drive(l, d);
		return;
	}
	if (r->rclass == RC_GROUP && r->n_vars == 1) {
		d->regions[0] = REGION_GROUP;
		d->page = r->key->u.read.page->id;
		d->at[0] = lower_short_index(l, lower_expr(l, r->at, d->mask, NONE));
		if (g->nodes[d->at[0]].type != T_U32)
			d->at[0] = ir_conv(g, T_I64, d->at[0]);
		keep_range(l, d, 0, g->pages[d->page].dims[0]);
	} else if (r->rclass == RC_PREFIX && r->n_vars == 1 && is_domain_var(l, r->at->u.var)
	           && r->at->u.var->hi == r->vars[0]->hi) {
		d->regions[0] = REGION_PREFIX;
		d->at_var = lower_var(l, r->at->u.var);
	}
}

/* ---- nesting ----------------------------------------------------------------------------------- */

static ir_id count_of(ir_graph *g, ir_id reduce)
{
	return ir_intern(g, (ir_node){.kind = IR_COUNT, .type = T_I64, .n_args = 1, .mask = NONE, .args = &reduce});
}

static bool is_dense(const ir_node *n)
{
	return n->u.reduce.region == REGION_RANGE && n->args[IR_WHERE] == NONE;
}

/* Whether a range is never empty, whatever the sizes. */
static bool never_empty(const ir_graph *g, const ir_node *n)
{
	const sch_size *lo = &g->sizes[g->vars[n->u.reduce.var].lo], *hi = &g->sizes[g->vars[n->u.reduce.var].hi];
	return lo->kind == SIZE_CONST && hi->kind == SIZE_CONST && lo->value < hi->value;
}

/* The reduction over variable k of value; inner: that over variable k+1, whose presence decides (NONE: k is the innermost). */
static ir_id reduce_over(lowerer *l, const reduction *d, uint32_t k, ir_reduce what, ir_id value, ir_id inner,
                         uint8_t type)
{
	ir_graph *g = l->g;
	ir_id args[IR_REDUCE_ARGS] = {value, d->where[k], d->at[k]};
	what.var = d->vars[k];
	what.region = d->regions[k];
	what.page = d->at[k] == NONE ? NONE : d->page;
	what.at_var = what.region == REGION_PREFIX ? d->at_var : NONE;
	what.strict = what.region == REGION_PREFIX && d->r->strict;
	what.prev = d->r->driver && d->at[k] != NONE && d->r->driver->u.read.prev;
	if (inner != NONE) {
		const ir_node *n = ir_at(g, inner);
		bool neutral = what.identity == op_identity(what.op, type);
		/* An outer position without any inner one gives an identity: nobody can tell where the order does not matter, nor where
		 * all inner positions are present. */
		bool ordered = type_table[type].kind == KIND_F && op_table[what.op].reduce != REDUCE_IDEM;
		if (is_dense(n) && !n->u.reduce.nest && !neutral && value == inner && what.region == REGION_RANGE
		    && !never_empty(g, n))
			what.nest = 1;
		else if (is_dense(n) ? !neutral && !never_empty(g, n) : !neutral || ordered)
			args[IR_WHERE] = ir_and(g, args[IR_WHERE], ir_op2(g, OP_GT, T_BOOL, count_of(g, inner), ir_const_i64(g, 0)));
	}
	return ir_intern(g, (ir_node){.kind = IR_REDUCE, .type = type, .n_args = IR_REDUCE_ARGS, .mask = NONE, .args = args,
	                              .u.reduce = what});
}

static ir_id divide(lowerer *l, uint8_t type, ir_id sum, ir_id count)
{
	return ir_op2(l->g, OP_DIV, type, ir_conv(l->g, type, sum), ir_conv(l->g, type, count));
}

/* How many there are where everyone is present; NONE: some may be absent. */
static ir_id dense_count(lowerer *l, const reduction *d)
{
	ir_graph *g = l->g;
	ir_id count = NONE;
	for (uint32_t k = 0; k < d->n; k++) {
		if (d->regions[k] != REGION_RANGE || d->where[k] != NONE)
			return NONE;
		ir_var v = g->vars[d->vars[k]];
		ir_id length = ir_op2(g, OP_MAX, T_I64, ir_op2(g, OP_SUB, T_I64, size_node(l, v.hi), size_node(l, v.lo)),
		                      ir_const_i64(g, 0));
		count = count == NONE ? length : ir_op2(g, OP_MUL, T_I64, count, length);
	}
	return count;
}

static ir_id lower_nest(lowerer *l, reduction *d, ir_id body)
{
	ir_graph *g = l->g;
	bool mean = d->r->reducer == RED_MEAN;
	ir_reduce what = {.identity = d->r->identity, .reducer = REDUCER_OP, .op = mean ? OP_ADD : d->r->op};
	ir_reduce counting = {.identity = 0, .reducer = REDUCER_OP, .op = OP_ADD};
	if (d->r->reducer == RED_ARGMIN || d->r->reducer == RED_ARGMAX) {
		what.reducer = d->r->reducer == RED_ARGMIN ? REDUCER_ARGMIN : REDUCER_ARGMAX;
		what.identity = 0;
		return reduce_over(l, d, 0, what, body, NONE, T_U32);
	}
	uint8_t type = g->nodes[body].type;
	ir_id value = reduce_over(l, d, d->n - 1, what, body, NONE, type);
	ir_id dense = dense_count(l, d), count = dense != NONE ? dense : count_of(g, value);
	for (uint32_t k = d->n - 1; k-- > 0;) {
		ir_id inner = value;
		value = reduce_over(l, d, k, what, inner, inner, type);
		if (mean && dense == NONE)
			count = reduce_over(l, d, k, counting, count, inner, T_I64);
	}
	return mean ? divide(l, d->expr->type.scalar, value, count) : value;
}

/* The type in which mean adds: integers as i64 or u64. */
static ir_id mean_body(ir_graph *g, ir_id body)
{
	uint8_t type = g->nodes[body].type;
	if (type_table[type].kind == KIND_F)
		return body;
	return ir_conv(g, type == T_U64 ? T_U64 : T_I64, body);
}

/* What does not depend on the position is evaluated outside, once; but where there is no position it may not fail. Sizes tell
 * that of a range; elsewhere a condition that every position meets keeps it among them. */
static ir_id inside(lowerer *l, const reduction *d)
{
	ir_graph *g = l->g;
	ir_id mask = d->mask;
	if (!lower_can_fail(l, d->expr))
		return mask;
	for (uint32_t k = 0; k < d->n; k++) {
		ir_var v = g->vars[d->vars[k]];
		const sch_size *lo = &g->sizes[v.lo], *hi = &g->sizes[v.hi];
		if (d->regions[k] != REGION_RANGE)
			mask = ir_and(g, mask, ir_op2(g, OP_GE, T_BOOL, var_node(l, d->vars[k]), ir_const_i64(g, 0)));
		else if (lo->kind != SIZE_CONST || hi->kind != SIZE_CONST || lo->value >= hi->value)
			mask = ir_and(g, mask, ir_op2(g, OP_LT, T_BOOL, size_node(l, v.lo), size_node(l, v.hi)));
	}
	return mask;
}

static ir_id lower_one(lowerer *l, const p_expr *expr, ir_id mask)
{
	lang_ctx *ctx = l->g->ctx;
	const p_reduce *r = expr->u.reduce;
	reduction d = {.r = r, .expr = expr, .mask = mask, .type = expr->type.scalar, .n = r->n_vars, .page = NONE,
	               .at_var = NONE, .vars = LANG_NEW_ARRAY(ctx, uint32_t, r->n_vars),
	               .regions = LANG_NEW_ARRAY(ctx, uint8_t, r->n_vars), .where = LANG_NEW_ARRAY(ctx, ir_id, r->n_vars),
	               .at = LANG_NEW_ARRAY(ctx, ir_id, r->n_vars)};
	if (!d.vars || !d.regions || !d.where || !d.at)
		return 0;
	for (uint32_t k = 0; k < d.n; k++) {
		d.vars[k] = lower_var(l, r->vars[k]);
		d.regions[k] = REGION_RANGE;
		d.where[k] = d.at[k] = NONE;
	}
	choose_regions(l, &d);
	d.inside = d.body_mask = inside(l, &d);
	add_conditions(l, &d);
	ir_id body = lower_expr(l, expr->args[0], d.body_mask, NONE);
	if (r->reducer == RED_MEAN)
		body = mean_body(l->g, body);
	/* A prefix is one scan only where nothing inside depends on where it ends, masks included. */
	if (d.regions[0] == REGION_PREFIX
	    && (ir_depends(l->g, body, d.at_var) || (d.where[0] != NONE && ir_depends(l->g, d.where[0], d.at_var)))) {
		d.regions[0] = REGION_RANGE;
		d.where[0] = NONE;
		d.inside = d.body_mask = inside(l, &d);
		add_conditions(l, &d);
		body = lower_expr(l, expr->args[0], d.body_mask, NONE);
		body = r->reducer == RED_MEAN ? mean_body(l->g, body) : body;
	}
	return lower_nest(l, &d, body);
}

ir_id lower_reduce(lowerer *l, const p_expr *expr, ir_id mask)
{
	uint32_t n = expr->u.reduce->n_vars;
	if (l->depth + n > MAX_NESTING) {
		lang_diag *d = lang_error(l->g->ctx, expr->span, "reductions nest more than %d deep here", MAX_NESTING);
		lang_help(l->g->ctx, d, "give an inner one a page of its own");
		return 0;
	}
	l->depth += n;
	ir_id id = lower_one(l, expr, mask);
	l->depth -= n;
	return id;
}
