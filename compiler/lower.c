/* lower.c - the checked program as a graph: declarations and expressions.
 *
 * Both arms of a choice are evaluated; what can fail in an arm gets the condition that leads to it as its mask. */
#include "lower.h"

#include <string.h>

enum { MAX_EDGE_NODES = 1 << 17 };

/* ---- what has been lowered --------------------------------------------------------------------- */

static lower_entry *entry_of(lowerer *l, const p_expr *expr, ir_id mask, uint32_t field)
{
	uint64_t key = (uint64_t)(uintptr_t)expr * 0x9e3779b97f4a7c15u ^ (uint64_t)mask * 0xc2b2ae3d27d4eb4fu ^ field;
	uint32_t at = (uint32_t)(key >> 29) & (l->cap_done - 1);
	while (l->done[at].expr
	       && (l->done[at].expr != expr || l->done[at].mask != mask || l->done[at].field != field))
		at = (at + 1) & (l->cap_done - 1);
	return &l->done[at];
}

static bool grow_done(lowerer *l)
{
	if (2 * (l->n_done + 1) < l->cap_done)
		return true;
	lower_entry *old = l->done;
	uint32_t n = l->cap_done;
	lower_entry *now = LANG_NEW_ARRAY(l->g->ctx, lower_entry, n ? 2 * n : 256);
	if (!now)
		return false;
	l->done = now;
	l->cap_done = n ? 2 * n : 256;
	for (uint32_t i = 0; i < n; i++)
		if (old[i].expr)
			*entry_of(l, old[i].expr, old[i].mask, old[i].field) = old[i];
	return true;
}

static void remember(lowerer *l, const p_expr *expr, ir_id mask, uint32_t field, ir_id node)
{
	if (!grow_done(l))
		return;
	lower_entry *e = entry_of(l, expr, mask, field);
	l->n_done += e->expr == NULL;
	*e = (lower_entry){expr, mask, field, node};
}

/* A field that none has: under it, `done` keeps whether an expression can fail. */
enum { CAN_FAIL_FIELD = 0x7fffffff };

static bool finds_failing(lowerer *l, const p_expr *expr)
{
	if (expr->kind == P_INDEX || expr->kind == P_GUARD)
		return true;
	if (expr->kind == P_OP && (op_table[expr->op].flags & OPF_FAILS) && type_table[expr->type.scalar].kind != KIND_F)
		return true;
	if (expr->kind == P_READ && expr->u.read.pad && lower_can_fail(l, expr->u.read.pad))
		return true;
	for (uint32_t i = 0; i < expr->n_args; i++)
		if (lower_can_fail(l, expr->args[i]))
			return true;
	return false;
}

bool lower_can_fail(lowerer *l, const p_expr *expr)
{
	if (!grow_done(l))
		return true;
	lower_entry *known = entry_of(l, expr, NONE, CAN_FAIL_FIELD);
	if (known->expr)
		return known->node != 0;
	bool fails = finds_failing(l, expr);
	remember(l, expr, NONE, CAN_FAIL_FIELD, fails);
	return fails;
}

/* ---- sizes and variables ----------------------------------------------------------------------- */

static uint32_t lower_monomial(ir_graph *g, const p_monomial *m, int64_t coef)
{
	uint32_t size = NONE;
	for (uint32_t i = 0; i < m->n_params; i++) {
		uint32_t param = ir_size(g, SIZE_PARAM, m->params[i]->id, 0, 0);
		size = size == NONE ? param : ir_size(g, SIZE_MUL, size, param, 0);
	}
	if (size == NONE)
		return ir_size_const(g, coef);
	return coef == 1 ? size : ir_size(g, SIZE_MUL, ir_size_const(g, coef), size, 0);
}

/* Terms with a plus first, then those with a minus: N - 1, not -1 + N. Constants last in each. */
static uint32_t lower_polynomial(ir_graph *g, const p_size *size)
{
	uint32_t sum = NONE;
	for (int pass = 0; pass < 4; pass++) {
		for (uint32_t i = 0; i < size->n; i++) {
			const p_monomial *m = &size->terms[i];
			bool minus = m->coef < 0 && m->coef != INT64_MIN;
			if ((m->n_params == 0) != (pass & 1) || minus != (pass >= 2))
				continue;
			if (minus && sum == NONE)
				sum = ir_size_const(g, 0);
			uint32_t term = lower_monomial(g, m, minus ? -m->coef : m->coef);
			sum = sum == NONE ? term : ir_size(g, minus ? SIZE_SUB : SIZE_ADD, sum, term, 0);
		}
	}
	return sum == NONE ? ir_size_const(g, 0) : sum;
}

uint32_t lower_size(lowerer *l, const p_size *size)
{
	if (l->sizes[size->id] == NONE)
		l->sizes[size->id] = lower_polynomial(l->g, size);
	return l->sizes[size->id];
}

uint32_t lower_var(lowerer *l, const p_var *var)
{
	uint32_t known = l->cap_vars;
	while (var->id >= l->cap_vars) {
		if (!lang_grow(l->g->ctx, (void **)&l->vars, l->cap_vars, &l->cap_vars, sizeof *l->vars))
			return 0;
		for (; known < l->cap_vars; known++)
			l->vars[known] = NONE;
	}
	if (l->vars[var->id] == NONE)
		l->vars[var->id] = ir_new_var(l->g, var->name, lower_size(l, var->lo), lower_size(l, var->hi));
	return l->vars[var->id];
}

/* ---- expressions ------------------------------------------------------------------------------- */

/* Where what can fail stands; the line of the edge when it came in from another file. */
static lang_place place_of(const lowerer *l, lang_span span)
{
	const lang_ctx *ctx = l->g->ctx;
	if (l->edge && span.file != l->edge->span.file)
		span = l->edge->span;
	if (span.file >= ctx->source_count)
		return (lang_place){0, 0};
	return lang_place_of(ctx->sources[span.file], span.begin);
}

static ir_id intern_failing(lowerer *l, ir_node node, const p_expr *expr, ir_id mask)
{
	if (ir_fails(l->g, &node)) {
		lang_place place = place_of(l, expr->span);
		node.mask = mask;
		node.line = place.line;
		node.column = place.column;
	}
	return ir_intern(l->g, node);
}

static ir_id lower_op(lowerer *l, const p_expr *expr, ir_id mask)
{
	ir_graph *g = l->g;
	ir_id args[3] = {0};
	args[0] = lower_expr(l, expr->args[0], mask, NONE);
	if (expr->op == OP_LAND || expr->op == OP_LOR) {
		ir_id leads = NONE;
		if (lower_can_fail(l, expr->args[1]))
			leads = ir_and(g, mask, expr->op == OP_LAND ? args[0] : ir_not(g, args[0]));
		args[1] = lower_expr(l, expr->args[1], leads, NONE);
	} else {
		for (uint32_t i = 1; i < expr->n_args; i++)
			args[i] = lower_expr(l, expr->args[i], mask, NONE);
	}
	if (op_table[expr->op].rule == RULE_SHIFT)
		args[1] = ir_conv(g, expr->type.scalar, args[1]);
	ir_node node = {.kind = IR_OP, .op = expr->op, .type = expr->type.scalar, .n_args = expr->n_args, .mask = NONE,
	                .args = args};
	return intern_failing(l, node, expr, mask);
}

static ir_id lower_if(lowerer *l, const p_expr *expr, ir_id mask, uint32_t field)
{
	ir_graph *g = l->g;
	ir_id args[3] = {lower_expr(l, expr->args[0], mask, NONE)};
	for (uint32_t arm = 1; arm <= 2; arm++) {
		ir_id leads = NONE;
		if (lower_can_fail(l, expr->args[arm]))
			leads = ir_and(g, mask, arm == 1 ? args[0] : ir_not(g, args[0]));
		args[arm] = lower_expr(l, expr->args[arm], leads, field);
	}
	return ir_intern(g, (ir_node){.kind = IR_OP, .op = OP_SELECT, .type = g->nodes[args[1]].type, .n_args = 3,
	                              .mask = NONE, .args = args});
}

ir_id lower_short_index(lowerer *l, ir_id id)
{
	const ir_node *n = ir_at(l->g, id);
	if (n->kind != IR_CONV)
		return id;
	const ir_node *from = ir_at(l->g, n->args[0]);
	bool from_index = n->type == T_I64 && from->type == T_U32;
	bool from_var = n->type == T_U32 && from->kind == IR_VAR;
	return from_index || from_var ? n->args[0] : id;
}

static ir_id lower_read(lowerer *l, const p_expr *expr, ir_id mask, uint32_t field)
{
	const p_read *r = &expr->u.read;
	const ir_page *page = &l->g->pages[r->page->id];
	ir_id args[MAX_DIMS + 1];
	uint32_t n = 0;
	if (r->field >= 0)
		field = (uint32_t)r->field;
	for (; n < expr->n_args && n < MAX_DIMS; n++)
		args[n] = lower_short_index(l, lower_expr(l, expr->args[n], mask, NONE));
	uint8_t type = page->type == T_COUNT ? l->g->records[page->record].fields[field].type : page->type;
	ir_read read = {.page = r->page->id, .field = page->type == T_COUNT ? field : NONE, .prev = r->prev,
	                .view = r->view, .entry = page->sparse && r->access == ACCESS_ENTRY};
	if (page->sparse && !read.entry) {
		args[n++] = r->pad ? lower_expr(l, r->pad, mask, NONE) : ir_zero(l->g, type);
		read.view = RV_NONE;
		read.has_pad = 1;
	} else if (r->view == VIEW_PAD) {
		args[n++] = lower_expr(l, r->pad, mask, NONE);
		read.has_pad = 1;
	}
	return ir_intern(l->g, (ir_node){.kind = IR_READ, .type = type, .n_args = (uint8_t)n, .mask = NONE, .args = args,
	                                 .u.read = read});
}

static ir_id lower_kind(lowerer *l, const p_expr *expr, ir_id mask, uint32_t field)
{
	ir_graph *g = l->g;
	ir_node node = {.type = expr->type.scalar, .n_args = 1, .mask = NONE};
	ir_id arg;
	switch ((p_kind)expr->kind) {
	case P_CONST: return ir_const(g, expr->type.scalar, expr->u.value);
	case P_PARAM: return ir_leaf(g, IR_PARAM, expr->type.scalar, expr->u.param->id);
	case P_VAR: return ir_leaf(g, IR_VAR, T_I64, lower_var(l, expr->u.var));
	case P_SIZE: {
		uint32_t size = lower_size(l, expr->u.size);
		if (g->sizes[size].kind == SIZE_CONST)
			return ir_const_i64(g, g->sizes[size].value);
		return ir_leaf(g, IR_SIZE, T_I64, size);
	}
	case P_OP: return lower_op(l, expr, mask);
	case P_IF: return lower_if(l, expr, mask, field);
	case P_READ: return lower_read(l, expr, mask, field);
	case P_REDUCE: return lower_reduce(l, expr, mask);
	case P_CONV: return ir_conv(g, expr->type.scalar, lower_expr(l, expr->args[0], mask, NONE));
	case P_INDEX:
		arg = lower_expr(l, expr->args[0], mask, NONE);
		if (g->nodes[arg].type != T_U64)
			arg = ir_conv(g, T_I64, arg);
		node.kind = IR_TO_INDEX;
		node.u.id = lower_size(l, expr->type.dim);
		break;
	case P_GUARD:
		arg = lower_expr(l, expr->args[0], mask, NONE);
		node.kind = IR_GUARD;
		node.u.id = expr->u.guard.kind;
		break;
	default: return 0;
	}
	node.args = &arg;
	return intern_failing(l, node, expr, mask);
}

ir_id lower_expr(lowerer *l, const p_expr *expr, ir_id mask, uint32_t field)
{
	if (!lower_can_fail(l, expr))
		mask = NONE;
	if (l->g->n_nodes - l->first_node > MAX_EDGE_NODES)
		l->too_large = true;
	if (l->too_large || l->g->ctx->oom || !grow_done(l))
		return 0;
	lower_entry *known = entry_of(l, expr, mask, field);
	if (known->expr)
		return known->node;
	ir_id node = lower_kind(l, expr, mask, field);
	remember(l, expr, mask, field, node);
	return node;
}

/* ---- declarations ------------------------------------------------------------------------------ */

static void lower_params(lowerer *l)
{
	for (uint32_t i = 0; i < l->program->n_params; i++) {
		const p_param *p = l->program->params[i];
		ir_param param = {p->name, p->is_size ? T_I64 : p->type.scalar, p->is_size, NONE, place_of(l, p->span).line};
		if (p->init)
			param.init = ir_conv(l->g, param.type, lower_expr(l, p->init, NONE, NONE));
		IR_PUSH(l->g, params, param);
	}
}

static void lower_records(lowerer *l)
{
	for (uint32_t i = 0; i < l->program->n_records; i++) {
		const p_record *r = l->program->records[i];
		ir_record record = {r->name, r->size, r->n_fields, LANG_NEW_ARRAY(l->g->ctx, ir_field, r->n_fields)};
		for (uint32_t k = 0; record.fields && k < r->n_fields; k++) {
			const p_field *f = &r->fields[k];
			record.fields[k] = (ir_field){f->name, f->type->scalar,
			                              f->type->base == B_INDEX ? lower_size(l, f->type->dim) : NONE, f->offset};
		}
		IR_PUSH(l->g, records, record);
	}
}

static void lower_page(lowerer *l, const p_page *p)
{
	lang_place place = place_of(l, p->span);
	bool record = p->type.base == B_RECORD;
	ir_page page = {.name = p->name, .type = record ? T_COUNT : p->type.scalar, .role = p->role, .sparse = p->sparse,
	                .state = p->is_state, .attrs = p->attrs, .tile = {p->tile[0], p->tile[1]}, .index_size = NONE,
	                .record = record ? p->type.record->id : NONE, .ndim = p->ndim,
	                .like = p->like ? p->like->id : NONE, .init = NONE,
	                .init_page = p->init_page ? p->init_page->id : NONE, .edge = NONE, .user = NONE,
	                .file = p->span.file < l->g->n_files ? p->span.file : 0, .line = place.line, .column = place.column,
	                .doc = p->doc};
	if (p->type.base == B_INDEX)
		page.index_size = lower_size(l, p->type.dim);
	for (uint32_t d = 0; d < p->ndim; d++)
		page.dims[d] = lower_size(l, p->dims[d]);
	if (p->init)
		page.init = lower_expr(l, p->init, NONE, NONE);
	ir_new_page(l->g, &page);
}

/* A fixpoint's start, and for an exact one the whole right side op(init, body). */
static void lower_fix(lowerer *l, const p_edge *e, ir_edge *edge)
{
	ir_graph *g = l->g;
	const ir_page *page = &g->pages[edge->page];
	if (e->max_rounds)
		edge->max_rounds = ir_conv(g, T_I64, lower_expr(l, e->max_rounds, NONE, NONE));
	if (e->tol)
		edge->tol = ir_conv(g, T_F64, lower_expr(l, e->tol, NONE, NONE));
	if (e->fix == FIX_NUMERIC)
		return;
	ir_id init;
	if (page->init_page != NONE) {
		ir_id args[MAX_DIMS];
		for (uint32_t d = 0; d < page->ndim; d++)
			args[d] = ir_leaf(g, IR_VAR, T_I64, edge->vars[d]);
		edge->start_page = page->init_page;
		init = ir_intern(g, (ir_node){.kind = IR_READ, .type = page->type, .n_args = (uint8_t)page->ndim, .mask = NONE,
		                              .args = args, .u.read = {.page = page->init_page, .field = NONE}});
	} else {
		edge->start = init = page->init != NONE ? page->init : ir_const(g, page->type, e->fix_start);
	}
	bool neutral = init == edge->start && g->nodes[init].kind == IR_CONST
	               && g->nodes[init].u.value.bits == op_identity(e->fix_op, page->type);
	if (e->fix == FIX_EXACT && !neutral)
		edge->outputs[0] = ir_op2(g, e->fix_op, page->type, init, edge->outputs[0]);
}

static void lower_edge(lowerer *l, const p_edge *e)
{
	ir_graph *g = l->g;
	const ir_page *page = &g->pages[e->page->id];
	l->edge = e;
	l->first_node = g->n_nodes;
	uint32_t n = page->type == T_COUNT ? g->records[page->record].n_fields : 1;
	lang_place place = place_of(l, e->span);
	ir_edge edge = {.page = e->page->id, .n_vars = e->n_vars, .n_outputs = n, .fix = e->fix, .fix_op = e->fix_op,
	                .outputs = LANG_NEW_ARRAY(g->ctx, ir_id, n), .start = NONE, .start_page = NONE, .max_rounds = NONE,
	                .tol = NONE, .file = e->span.file < g->n_files ? e->span.file : 0, .line = place.line,
	                .column = place.column};
	if (!edge.outputs)
		return;
	for (uint32_t i = 0; i < e->n_vars; i++)
		edge.vars[i] = lower_var(l, e->vars[i]);
	for (uint32_t i = 0; i < n; i++)
		edge.outputs[i] = lower_expr(l, e->body, NONE, page->type == T_COUNT ? i : NONE);
	if (e->fix != FIX_NONE)
		lower_fix(l, e, &edge);
	if (l->too_large) {
		lang_diag *d = lang_error(g->ctx, e->span, "this edge is too large once its lets and functions are put in");
		lang_help(g->ctx, d, "give a part of it a page of its own");
		l->too_large = false;
	}
	uint32_t id = ir_new_edge(g, &edge);
	if (id == NONE)
		return;
	g->pages[edge.page].edge = id;
	IR_PUSH(g, order, id);
	l->edge = NULL;
}

ir_graph *ir_lower(const p_program *program)
{
	lang_ctx *ctx = program->ctx;
	lowerer l = {.g = ir_new(ctx), .program = program};
	l.sizes = LANG_NEW_ARRAY(ctx, uint32_t, program->n_sizes + 1);
	if (!l.g || !l.sizes || !grow_done(&l))
		return NULL;
	for (uint32_t i = 0; i < program->n_sizes; i++)
		l.sizes[i] = NONE;
	for (uint32_t i = 0; i < ctx->source_count; i++)
		IR_PUSH(l.g, files, ctx->sources[i]->path);
	lower_params(&l);
	lower_records(&l);
	for (uint32_t i = 0; i < program->n_pages; i++)
		lower_page(&l, program->pages[i]);
	for (uint32_t i = 0; i < program->n_edges && !ctx->oom; i++)
		lower_edge(&l, program->edges[i]);
	if (lang_failed(ctx))
		return NULL;
	ir_compact(l.g);
	return lang_failed(ctx) ? NULL : l.g;
}
