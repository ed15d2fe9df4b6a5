/* share.c - reductions that differ only in the name of their variable become one node: a let that is put in twice is
 * evaluated once.
 *
 * Needs: nothing is put into anything any more (a shared variable could be captured). Keeps: no variable is that of a reduction
 * and of one inside it, because variables are shared among reductions of the same height alone: 1 for those without a reduction
 * inside, else one more than the highest inside. */
#include "pass.h"

typedef struct sharer {
	ir_graph *g;
	uint32_t *height;   /* of each node: of the highest reduction that it is made of */
	uint32_t *of_var;   /* the height of the reductions over each variable; 0: none, NONE: they differ */
	uint32_t *now;      /* what each variable becomes */
	uint32_t *first;    /* the variables that others become */
} sharer;

static uint32_t height_of(const sharer *s, const ir_node *n)
{
	uint32_t highest = 0;
	for (uint32_t k = 0; k < n->n_args; k++)
		if (n->args[k] != NONE && s->height[n->args[k]] > highest)
			highest = s->height[n->args[k]];
	if (n->mask != NONE && s->height[n->mask] > highest)
		highest = s->height[n->mask];
	return highest + (n->kind == IR_REDUCE);
}

static void find_heights(sharer *s)
{
	for (ir_id id = 0; id < s->g->n_nodes; id++) {
		const ir_node *n = ir_at(s->g, id);
		s->height[id] = height_of(s, n);
		if (n->kind != IR_REDUCE)
			continue;
		uint32_t *at = &s->of_var[n->u.reduce.var];
		*at = *at == 0 || *at == s->height[id] ? s->height[id] : NONE;
	}
}

/* Each variable becomes the first one of its range and height; there are few of these. */
static void choose(sharer *s)
{
	const ir_graph *g = s->g;
	uint32_t n_first = 0;
	for (uint32_t v = 0; v < g->n_vars; v++) {
		uint32_t i = 0;
		s->now[v] = v;
		if (s->of_var[v] == 0 || s->of_var[v] == NONE)
			continue;
		while (i < n_first && (s->of_var[s->first[i]] != s->of_var[v] || g->vars[s->first[i]].lo != g->vars[v].lo ||
		                       g->vars[s->first[i]].hi != g->vars[v].hi))
			i++;
		if (i == n_first)
			s->first[n_first++] = v;
		s->now[v] = s->first[i];
	}
}

static ir_id rename_node(void *user, ir_id old, const ir_node *node)
{
	(void)old;
	sharer *s = user;
	ir_node n = *node;
	if (n.kind == IR_VAR)
		n.u.id = s->now[n.u.id];
	if (n.kind == IR_REDUCE) {
		n.u.reduce.var = s->now[n.u.reduce.var];
		if (n.u.reduce.at_var != NONE)
			n.u.reduce.at_var = s->now[n.u.reduce.at_var];
	}
	return ir_intern(s->g, n);
}

static ir_id rename_root(void *user, uint32_t edge, ir_id root)
{
	return edge == NONE ? root : ir_rewrite(user, root);
}

void ir_pass_share(ir_graph *g)
{
	sharer s = {g, LANG_NEW_ARRAY(g->ctx, uint32_t, g->n_nodes + 1), LANG_NEW_ARRAY(g->ctx, uint32_t, g->n_vars + 1),
	            LANG_NEW_ARRAY(g->ctx, uint32_t, g->n_vars + 1), LANG_NEW_ARRAY(g->ctx, uint32_t, g->n_vars + 1)};
	if (!s.height || !s.of_var || !s.now || !s.first)
		return;
	find_heights(&s);
	choose(&s);
	ir_rewriter r = {.g = g, .make = rename_node, .user = &s};
	ir_each_root(g, rename_root, &r);
}
