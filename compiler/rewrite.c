/* rewrite.c - building expressions anew, and facts about them, for the passes. */
#include "pass.h"

ir_id ir_rewrite(ir_rewriter *r, ir_id root)
{
	ir_graph *g = r->g;
	ir_list list = {0};
	if (!r->now) {
		r->n_now = g->n_nodes;
		r->now = LANG_NEW_ARRAY(g->ctx, ir_id, r->n_now);
	}
	/* What make built itself is as it should be. */
	if (!r->now || root >= r->n_now || !ir_walk_begin(g, &g->walk))
		return root;
	ir_reach(g, &g->walk, root, true, &list);
	ir_list_sort(&list);
	for (uint32_t i = 0; i < list.count && !g->ctx->oom; i++) {
		ir_id old = list.items[i], args[MAX_DIMS + 1];
		if (r->now[old])
			continue;
		ir_node n = *ir_at(g, old);
		for (uint32_t k = 0; k < n.n_args; k++)
			args[k] = n.args[k] == NONE ? NONE : r->now[n.args[k]] - 1;
		n.args = args;
		n.mask = n.mask == NONE ? NONE : r->now[n.mask] - 1;
		ir_id now = r->make(r->user, old, &n);
		r->now[old] = now + 1;
		r->any = r->any || now != old;
	}
	return g->ctx->oom ? root : r->now[root] - 1;
}

static uint32_t cost_of(const ir_graph *g, const ir_node *n)
{
	if (n->kind == IR_CONV || n->kind == IR_GUARD || n->kind == IR_TO_INDEX || n->kind == IR_COUNT)
		return 1;
	if (n->kind == IR_OP) {
		if (op_table[n->op].flags & OPF_ELEM)
			return 10;
		return n->op == OP_DIV || n->op == OP_MOD || n->op == OP_SQRT || n->op == OP_RAND_STEP ? 4 : 1;
	}
	if (n->kind != IR_READ)
		return 0;
	for (uint32_t i = 0; i + n->u.read.has_pad < n->n_args; i++)
		if (ir_at(g, n->args[i])->kind != IR_VAR)
			return 2; /* gathered, or at an index that is computed */
	return 0;
}

ir_facts ir_facts_of(ir_graph *g, const ir_id *roots, uint32_t n)
{
	ir_facts f = {0};
	ir_list list = {0};
	if (!ir_walk_begin(g, &g->walk))
		return f;
	for (uint32_t i = 0; i < n; i++)
		ir_reach(g, &g->walk, roots[i], true, &list);
	for (uint32_t i = 0; i < list.count; i++) {
		const ir_node *node = ir_at(g, list.items[i]);
		f.nodes++;
		f.cost += cost_of(g, node);
		f.reads += node->kind == IR_READ;
		f.fails |= ir_fails(g, node);
		f.reduces |= node->kind == IR_REDUCE;
	}
	return f;
}

uint32_t ir_index_range(const ir_graph *g, ir_id id)
{
	const ir_node *n = ir_at(g, id);
	if (n->type != T_U32)
		return NONE;
	switch ((ir_kind)n->kind) {
	case IR_TO_INDEX: return n->u.id;
	case IR_READ: {
		const ir_page *p = &g->pages[n->u.read.page];
		return p->type == T_COUNT ? g->records[p->record].fields[n->u.read.field].index_size : p->index_size;
	}
	case IR_REDUCE: {
		const ir_reduce *r = &n->u.reduce;
		if (r->reducer == REDUCER_OP)
			return NONE;
		if (r->page == NONE)
			return g->vars[r->var].hi;
		return g->pages[r->page].dims[r->region == REGION_ROW ? 1 : 0];
	}
	case IR_OP:
		if (n->op == OP_SELECT && ir_index_range(g, n->args[1]) == ir_index_range(g, n->args[2]))
			return ir_index_range(g, n->args[1]);
		return NONE;
	case IR_GUARD: return ir_index_range(g, n->args[0]);
	default: return NONE;
	}
}

bool ir_is_var(const ir_graph *g, ir_id node, uint32_t *var)
{
	ir_affine a;
	if (!ir_affine_of(g, node, &a) || a.n != 1 || a.constant != 0 || a.terms[0].kind != TERM_VAR || a.terms[0].coef != 1)
		return false;
	*var = a.terms[0].id;
	return true;
}
