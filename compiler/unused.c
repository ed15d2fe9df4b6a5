/* unused.c - internal pages that nothing reads: their edges are left out.
 *
 * Needs: edges in the order of evaluation. A page is needed when it is observable, is state, is read by what is needed, or
 * can fail the epoch: whether an epoch holds does not depend on what is looked at. */
#include "pass.h"

static void need_page(const ir_graph *g, bool *needed, uint32_t page)
{
	if (page == NONE)
		return;
	needed[page] = true;
	needed[ir_pattern(g, page)] = true;
}

static void need_reads(ir_graph *g, bool *needed, const ir_edge *e)
{
	ir_list nodes = {0};
	ir_edge_nodes(g, &g->walk, e, &nodes);
	for (uint32_t i = 0; i < nodes.count; i++) {
		const ir_node *n = ir_at(g, nodes.items[i]);
		if (n->kind == IR_READ)
			need_page(g, needed, n->u.read.page);
		if (n->kind == IR_REDUCE)
			need_page(g, needed, n->u.reduce.page);
	}
	need_page(g, needed, e->start_page);
}

void ir_pass_unused(ir_graph *g)
{
	bool *needed = LANG_NEW_ARRAY(g->ctx, bool, g->n_pages + 1);
	if (!needed)
		return;
	for (uint32_t i = 0; i < g->n_pages; i++)
		if (g->pages[i].role != PAGE_ROLE_INTERNAL || g->pages[i].state)
			need_page(g, needed, i);
	for (uint32_t i = g->n_order; i-- > 0 && !g->ctx->oom;) {
		ir_edge *e = &g->edges[g->order[i]];
		ir_page *p = &g->pages[e->page];
		if (e->dead)
			continue;
		if (needed[e->page] || e->fix == FIX_BOUNDED || ir_facts_of(g, e->outputs, e->n_outputs).fails) {
			need_reads(g, needed, e);
			continue;
		}
		e->dead = true;
		p->fate = FATE_UNUSED;
		p->why = "nothing reads it";
	}
}
