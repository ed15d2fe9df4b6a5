/* ir_walk.c - questions about a graph: walks over nodes, what an index is made of, how a read accesses its page. */
#include "ir.h"

#include <stdlib.h>
#include <string.h>

/* ---- lists and walks --------------------------------------------------------------------------- */

void ir_list_add(ir_graph *g, ir_list *list, ir_id id)
{
	if (lang_grow(g->ctx, (void **)&list->items, list->count, &list->cap, sizeof *list->items))
		list->items[list->count++] = id;
}

static int ascending(const void *a, const void *b)
{
	ir_id x = *(const ir_id *)a, y = *(const ir_id *)b;
	return (x > y) - (x < y);
}

void ir_list_sort(ir_list *list)
{
	if (list->count > 1)
		qsort(list->items, list->count, sizeof *list->items, ascending);
}

bool ir_walk_begin(ir_graph *g, ir_walk *w)
{
	if (w->n_marks < g->n_nodes) {
		uint32_t n = 2 * g->n_nodes;
		uint32_t *marks = LANG_NEW_ARRAY(g->ctx, uint32_t, n);
		if (!marks)
			return false;
		w->marks = marks;
		w->n_marks = n;
		w->stamp = 0;
	}
	w->stamp++;
	w->stack.count = 0;
	return true;
}

static void push_unmarked(ir_graph *g, ir_walk *w, ir_id id)
{
	if (id == NONE || id >= w->n_marks || w->marks[id] == w->stamp)
		return;
	w->marks[id] = w->stamp;
	ir_list_add(g, &w->stack, id);
}

void ir_reach(ir_graph *g, ir_walk *w, ir_id root, bool whole, ir_list *list)
{
	ir_affine ignored;
	push_unmarked(g, w, root);
	while (w->stack.count > 0) {
		ir_id id = w->stack.items[--w->stack.count];
		const ir_node *n = ir_at(g, id);
		ir_list_add(g, list, id);
		push_unmarked(g, w, n->mask);
		for (uint32_t i = n->kind == IR_REDUCE && !whole ? IR_AT : 0; i < n->n_args; i++) {
			bool index = n->kind == IR_READ && !whole && i < (uint32_t)n->n_args - n->u.read.has_pad;
			if (!index || (!n->u.read.entry && !ir_affine_of(g, n->args[i], &ignored)))
				push_unmarked(g, w, n->args[i]);
		}
	}
}

void ir_edge_nodes(ir_graph *g, ir_walk *w, const ir_edge *edge, ir_list *list)
{
	list->count = 0;
	if (!ir_walk_begin(g, w))
		return;
	for (uint32_t i = 0; i < edge->n_outputs; i++)
		ir_reach(g, w, edge->outputs[i], true, list);
	ir_list_sort(list);
}

void ir_each_root(ir_graph *g, ir_root_fn f, void *user)
{
	for (uint32_t i = 0; i < g->n_params; i++)
		if (g->params[i].init != NONE)
			g->params[i].init = f(user, NONE, g->params[i].init);
	for (uint32_t i = 0; i < g->n_pages; i++)
		if (g->pages[i].init != NONE)
			g->pages[i].init = f(user, NONE, g->pages[i].init);
	for (uint32_t i = 0; i < g->n_order; i++) {
		ir_edge *e = &g->edges[g->order[i]];
		if (e->dead)
			continue;
		for (uint32_t k = 0; k < e->n_outputs; k++)
			e->outputs[k] = f(user, g->order[i], e->outputs[k]);
		ir_id *constants[3] = {&e->start, &e->max_rounds, &e->tol};
		for (uint32_t k = 0; k < 3; k++)
			if (*constants[k] != NONE)
				*constants[k] = f(user, NONE, *constants[k]);
	}
}

/* ---- compacting -------------------------------------------------------------------------------- */

typedef struct compactor {
	ir_graph *g;
	ir_list reached;  /* all so far, in the order in which they keep their places */
	ir_list part;
	ir_id *now;       /* old id -> new id */
} compactor;

static ir_id reach_root(void *user, uint32_t edge, ir_id root)
{
	compactor *c = user;
	(void)edge;
	c->part.count = 0;
	ir_reach(c->g, &c->g->walk, root, true, &c->part);
	ir_list_sort(&c->part);
	for (uint32_t i = 0; i < c->part.count; i++)
		ir_list_add(c->g, &c->reached, c->part.items[i]);
	return root;
}

static ir_id renumber(void *user, uint32_t edge, ir_id root)
{
	(void)edge;
	return ((const compactor *)user)->now[root];
}

void ir_compact(ir_graph *g)
{
	compactor c = {.g = g};
	ir_graph old = *g;
	if (!ir_walk_begin(g, &g->walk))
		return;
	ir_reach(g, &g->walk, 0, true, &c.reached); /* node 0 stays */
	ir_each_root(g, reach_root, &c);
	c.now = LANG_NEW_ARRAY(g->ctx, ir_id, old.n_nodes);
	g->nodes = NULL;
	g->n_nodes = g->cap_nodes = g->n_buckets = 0;
	g->buckets = NULL;
	if (!c.now || g->ctx->oom) {
		*g = old;
		return;
	}
	for (uint32_t i = 0; i < c.reached.count; i++) {
		ir_node n = old.nodes[c.reached.items[i]];
		ir_id args[MAX_DIMS + 1];
		for (uint32_t k = 0; k < n.n_args; k++)
			args[k] = n.args[k] == NONE ? NONE : c.now[n.args[k]];
		n.args = args;
		n.mask = n.mask == NONE ? NONE : c.now[n.mask];
		c.now[c.reached.items[i]] = ir_intern(g, n);
	}
	if (g->ctx->oom)
		*g = old;
	else
		ir_each_root(g, renumber, &c);
}

/* ---- indices ----------------------------------------------------------------------------------- */

static bool add_term(ir_affine *a, int64_t coef, uint32_t kind, uint32_t id)
{
	if (coef == 0)
		return true;
	for (uint32_t i = 0; i < a->n; i++) {
		sch_term *t = &a->terms[i];
		if (t->kind != kind || t->id != id)
			continue;
		t->coef = (int64_t)((uint64_t)t->coef + (uint64_t)coef);
		if (t->coef == 0)
			a->terms[i] = a->terms[--a->n];
		return true;
	}
	if (a->n == sizeof a->terms / sizeof a->terms[0])
		return false;
	a->terms[a->n++] = (sch_term){coef, kind, id};
	return true;
}

/* Adds factor * node to *out. Arithmetic wraps as the language's does, so that the sum is the value. depth: an index
 * of very many operators is left to registers. */
static bool add_affine(const ir_graph *g, ir_id id, int64_t factor, ir_affine *out, int depth)
{
	const ir_node *n = ir_at(g, id);
	if (n->type != T_I64 || depth > 64)
		return false;
	switch ((ir_kind)n->kind) {
	case IR_CONST:
		out->constant = (int64_t)((uint64_t)out->constant + (uint64_t)factor * (uint64_t)n->u.value.I64);
		return true;
	case IR_VAR: return add_term(out, factor, TERM_VAR, n->u.id);
	case IR_SIZE: return add_term(out, factor, TERM_SIZE, n->u.id);
	case IR_OP: break;
	default: return false;
	}
	int64_t minus = (int64_t)(0 - (uint64_t)factor);
	if (n->op == OP_NEG)
		return add_affine(g, n->args[0], minus, out, depth + 1);
	if (n->op == OP_ADD || n->op == OP_SUB)
		return add_affine(g, n->args[0], factor, out, depth + 1)
		       && add_affine(g, n->args[1], n->op == OP_ADD ? factor : minus, out, depth + 1);
	if (n->op != OP_MUL)
		return false;
	for (int side = 0; side < 2; side++) {
		const ir_node *by = ir_at(g, n->args[side]);
		if (by->kind == IR_CONST)
			return add_affine(g, n->args[1 - side], (int64_t)((uint64_t)factor * (uint64_t)by->u.value.I64), out,
			                  depth + 1);
	}
	return false;
}

bool ir_affine_of(const ir_graph *g, ir_id node, ir_affine *out)
{
	*out = (ir_affine){0};
	return add_affine(g, node, 1, out, 0);
}

/* ---- access classes ---------------------------------------------------------------------------- */

static bool has_shape_of(const ir_graph *g, const ir_page *page, const ir_edge *edge)
{
	const ir_page *own = &g->pages[edge->page];
	if (own->sparse || page->ndim != edge->n_vars)
		return false;
	for (uint32_t d = 0; d < page->ndim; d++)
		if (page->dims[d] != own->dims[d])
			return false;
	return true;
}

read_class ir_classify(const ir_graph *g, const ir_edge *edge, const ir_node *read)
{
	const ir_page *page = &g->pages[read->u.read.page];
	if (page->sparse)
		return read->u.read.entry ? READ_ENTRY : READ_LOOKUP;
	bool same = has_shape_of(g, page, edge), plain = true, distinct = true, uniform = true, shifted = false;
	uint32_t used[MAX_DIMS];
	for (uint32_t d = 0; d < page->ndim; d++) {
		ir_affine a;
		if (!ir_affine_of(g, read->args[d], &a))
			return READ_GATHER;
		bool one = a.n == 1 && a.terms[0].kind == TERM_VAR && a.terms[0].coef == 1;
		used[d] = one ? a.terms[0].id : NONE;
		for (uint32_t i = 0; i < d; i++)
			distinct = distinct && used[i] != used[d];
		for (uint32_t i = 0; i < a.n; i++)
			uniform = uniform && a.terms[i].kind != TERM_VAR;
		same = same && one && used[d] == edge->vars[d];
		shifted = shifted || a.constant != 0;
		plain = plain && one && a.constant == 0;
	}
	if (uniform)
		return READ_UNIFORM;
	if (same)
		return shifted ? READ_SHIFT : READ_SAME;
	return plain && distinct && read->u.read.view == RV_NONE ? READ_PERMUTE : READ_AFFINE;
}
