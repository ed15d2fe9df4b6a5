/* fuse.c - internal pages disappear into what reads them.
 *
 * Needs: edges in the order of evaluation. A page that is not fused says why it is stored; one that is says why it could be.
 * Fusing changes no bit: the reader evaluates the very expression. It is done where an element would not be evaluated
 * much more often than it is now, and where one changed element would not cost a leaf of expensive evaluations. */
#include "pass.h"

enum {
	MAX_FUSED_NODES = 256, /* of a kernel: its registers must stay in the cache */
	LEAF_COST = 24,        /* most that an element may cost inside a reduction, of which a leaf of 32 is evaluated at once */
	AGAIN_COST = 2         /* most that an element may cost which is evaluated again and again */
};

/* What is known of a page's readers before anything is fused. */
typedef struct uses {
	uint32_t reads;        /* read nodes, over all edges */
	bool prev, view, key, computed; /* computed: at an index that is not a plain variable */
	bool fails;            /* at an index that can fail */
	bool by_fix, by_numeric;
} uses;

typedef struct fuser {
	ir_graph *g;
	uses *uses;            /* of a page */
	ir_place *place;       /* of the edge that reads */
	const ir_edge *edge;
	uint32_t n_nodes;      /* of that edge, as it grows */
	ir_rewriter rewriter;
} fuser;

/* ---- who reads --------------------------------------------------------------------------------- */

static void count_uses(ir_graph *g, uses *all)
{
	ir_list nodes = {0};
	for (uint32_t i = 0; i < g->n_order && !g->ctx->oom; i++) {
		const ir_edge *e = &g->edges[g->order[i]];
		if (e->dead)
			continue;
		ir_edge_nodes(g, &g->walk, e, &nodes);
		for (uint32_t k = 0; k < nodes.count; k++) {
			const ir_node *n = ir_at(g, nodes.items[k]);
			uint32_t var;
			if (n->kind == IR_REDUCE && n->u.reduce.page != NONE)
				all[n->u.reduce.page].key = true;
			if (n->kind != IR_READ)
				continue;
			uses *u = &all[n->u.read.page];
			u->reads++;
			u->prev |= n->u.read.prev;
			u->view |= n->u.read.view != RV_NONE;
			u->by_fix |= e->fix != FIX_NONE;
			u->by_numeric |= e->fix == FIX_NUMERIC;
			for (uint32_t d = 0; d + n->u.read.has_pad < n->n_args; d++) {
				if (ir_is_var(g, n->args[d], &var))
					continue;
				u->computed = true;
				u->fails |= ir_facts_of(g, &n->args[d], 1).fails;
			}
		}
		if (e->start_page != NONE)
			all[e->start_page].key = true;
	}
}

/* ---- where a read stands ----------------------------------------------------------------------- */

/* The indices are the domain's variables in order, over the reader's own shape. */
static bool at_own_position(const fuser *f, const ir_node *read)
{
	read_class cls = ir_classify(f->g, f->edge, read);
	return cls == READ_SAME || (f->edge->n_vars == 0 && cls == READ_UNIFORM && read->n_args == 0);
}

/* Whether, over a whole evaluation of the reader, each element of the page is met at most once: every variable around is one of
 * the indices, or says which group the position is in. */
static bool met_once(const fuser *f, ir_id id, const ir_node *read)
{
	const ir_graph *g = f->g;
	uint32_t found = 0, region = 0, divided = NONE;
	for (uint32_t r = 0; r < f->place->n_regions; r++) {
		const ir_list *nodes = &f->place->regions[r].nodes;
		for (uint32_t i = 0; i < nodes->count; i++)
			if (nodes->items[i] == id) {
				found++;
				region = r;
			}
	}
	for (uint32_t d = 0; d + read->u.read.has_pad < read->n_args; d++) {
		uint32_t var;
		if (!ir_is_var(g, read->args[d], &var))
			return false;
	}
	for (; region != 0; region = f->place->regions[region].parent) {
		const ir_node *n = ir_at(g, f->place->regions[region].reduce);
		if (!ir_set_has(g, read->free, n->u.reduce.var) || n->u.reduce.region == REGION_PREFIX)
			return false;
		if (n->u.reduce.region == REGION_GROUP)
			ir_is_var(g, n->args[IR_AT], &divided);
	}
	for (uint32_t i = 0; i < f->edge->n_vars; i++)
		if (f->edge->vars[i] != divided && !ir_set_has(g, read->free, f->edge->vars[i]))
			return false;
	return found == 1;
}

/* Operands of the groups are evaluated in the order of positions, and kept: the elements of the edge are the groups, all positions count, and an operand
 * depends on its position alone. */
static bool keeps_positions(const fuser *f, const ir_node *reduce)
{
	const ir_graph *g = f->g;
	uint32_t key;
	bool own = f->edge->n_vars == 1 && ir_is_var(g, reduce->args[IR_AT], &key) && key == f->edge->vars[0];
	return own && reduce->args[IR_WHERE] == NONE && reduce->u.reduce.reducer == REDUCER_OP && !reduce->u.reduce.prev &&
	       !ir_set_has(g, ir_at(g, reduce->args[IR_BODY])->free, key);
}

/* Its elements are met group by group. */
static bool goes_by_group(const fuser *f, const ir_node *read)
{
	for (uint32_t r = 1; r < f->place->n_regions; r++) {
		const ir_node *n = ir_at(f->g, f->place->regions[r].reduce);
		if (n->u.reduce.region == REGION_GROUP && ir_set_has(f->g, read->free, n->u.reduce.var) &&
		    !(f->place->regions[r].parent == 0 && keeps_positions(f, n)))
			return true;
	}
	return false;
}

static uint32_t count_reads(ir_graph *g, const ir_edge *def)
{
	ir_list nodes = {0};
	uint32_t n = 0;
	ir_edge_nodes(g, &g->walk, def, &nodes);
	for (uint32_t i = 0; i < nodes.count; i++)
		n += ir_at(g, nodes.items[i])->kind == IR_READ;
	return n;
}

static bool in_reduction(const fuser *f, const ir_node *read)
{
	for (uint32_t i = 0; i < f->g->sets[read->free].count; i++) {
		bool own = false;
		for (uint32_t k = 0; k < f->edge->n_vars; k++)
			own |= f->edge->vars[k] == f->g->sets[read->free].vars[i];
		if (!own)
			return true;
	}
	return false;
}

/* In its definition some page is read without a view at an index that was proved from the range of the variable: only
 * another variable may take its place. */
static bool needs_variables(ir_graph *g, const ir_edge *def)
{
	ir_list nodes = {0};
	ir_edge_nodes(g, &g->walk, def, &nodes);
	for (uint32_t i = 0; i < nodes.count; i++) {
		const ir_node *n = ir_at(g, nodes.items[i]);
		if (n->kind != IR_READ || n->u.read.view != RV_NONE)
			continue;
		for (uint32_t d = 0; d + n->u.read.has_pad < n->n_args; d++) {
			ir_affine a;
			uint32_t var;
			if (ir_affine_of(g, n->args[d], &a) && a.n > 0 && !ir_is_var(g, n->args[d], &var))
				return true;
		}
	}
	return false;
}

/* ---- deciding ---------------------------------------------------------------------------------- */

/* Why the page must be stored whatever reads it; NULL: it need not be. */
static const char *must_store(ir_graph *g, uint32_t id, const uses *u, const ir_facts *facts)
{
	const ir_page *p = &g->pages[id];
	if (p->role == PAGE_ROLE_OUT)
		return "it is observable (out)";
	if (g->edges[p->edge].fix != FIX_NONE)
		return "it is a fixpoint";
	if (p->state || u->prev)
		return "its values of the epoch before are read (prev)";
	if (p->sparse)
		return "it is sparse";
	if (p->attrs & PAGE_LAZY)
		return "it is @lazy: evaluated when it is read";
	if (u->key)
		return "positions are grouped by it";
	if (u->view)
		return "it is read through a boundary view";
	if (u->by_numeric)
		return "a numeric fixpoint runs when it changes";
	if (u->fails)
		return "it is read at an index that can fail";
	if (facts->fails)
		return "its evaluation can fail";
	if (u->reads == 0)
		return "its evaluation can fail, though nothing reads it";
	return NULL;
}

static const char *why_not_here(fuser *f, ir_id id, const ir_facts *facts, const uses *u, const char **why)
{
	ir_graph *g = f->g;
	const ir_node *read = ir_at(g, id);
	const ir_edge *def = &g->edges[g->pages[read->u.read.page].edge];
	if (u->computed && needs_variables(g, def))
		return "it is read at a computed position";
	if (facts->nodes + f->n_nodes > MAX_FUSED_NODES)
		return "the reader would grow too large";
	if (facts->cost == 0 && !facts->reduces) {
		*why = "it is another name for what it reads";
		return NULL;
	}
	if (u->reads > 1)
		return lang_sprintf(g->ctx, "it is read in %u places", u->reads);
	if (u->by_fix)
		return "a fixpoint reads it in every round";
	if (at_own_position(f, read) && !in_reduction(f, read)) {
		*why = "it is read once, at the same position";
		return NULL;
	}
	if (facts->reduces)
		return "it is a reduction that would be evaluated again for each read";
	bool reduced = in_reduction(f, read);
	if (met_once(f, id, read)) {
		if (goes_by_group(f, read) && count_reads(g, def) > 1)
			return "groups meet its elements in another order, and it reads several pages: it costs less to read them in theirs";
		if (reduced && facts->cost > LEAF_COST)
			return "it is expensive, and a change of one element would evaluate a leaf of a reduction again";
		*why = reduced ? "each element is used once, inside a reduction" : "each element is used once";
		return NULL;
	}
	if (facts->cost <= AGAIN_COST) {
		*why = "evaluating it again is as cheap as reading it";
		return NULL;
	}
	return u->computed ? "it is read through an index" : "each element is read many times";
}

/* ---- substituting ------------------------------------------------------------------------------ */

/* A definition put where it is read: its variables become the read's indices, those of its reductions get new ones. */
typedef struct substitution {
	ir_graph *g;
	const ir_edge *def;
	const ir_node *read;
	uint32_t n_renamed;
	uint32_t *from, *to;
} substitution;

static uint32_t renamed(const substitution *s, uint32_t var)
{
	for (uint32_t i = 0; i < s->n_renamed; i++)
		if (s->from[i] == var)
			return s->to[i];
	return var;
}

static ir_id substitute_var(const substitution *s, const ir_node *n)
{
	for (uint32_t i = 0; i < s->def->n_vars; i++)
		if (s->def->vars[i] == n->u.id)
			return ir_conv(s->g, T_I64, s->read->args[i]);
	return ir_leaf(s->g, IR_VAR, T_I64, renamed(s, n->u.id));
}

/* An index that became conv(i64, index(D) value) is that value itself. */
static ir_id short_index(const ir_graph *g, ir_id id)
{
	const ir_node *n = ir_at(g, id);
	return n->kind == IR_CONV && n->type == T_I64 && ir_at(g, n->args[0])->type == T_U32 ? n->args[0] : id;
}

static ir_id substitute_node(void *user, ir_id old, const ir_node *node)
{
	const substitution *s = user;
	ir_graph *g = s->g;
	ir_node n = *node;
	ir_id args[MAX_DIMS + 1];
	(void)old;
	if (n.kind == IR_VAR)
		return substitute_var(s, &n);
	if (n.kind == IR_READ) {
		for (uint32_t i = 0; i < n.n_args; i++)
			args[i] = i + n.u.read.has_pad < n.n_args ? short_index(g, n.args[i]) : n.args[i];
		n.args = args;
	}
	if (n.kind == IR_REDUCE) {
		n.u.reduce.var = renamed(s, n.u.reduce.var);
		for (uint32_t i = 0; i < s->def->n_vars && n.u.reduce.at_var != NONE; i++)
			if (s->def->vars[i] == node->u.reduce.at_var)
				ir_is_var(g, s->read->args[i], &n.u.reduce.at_var);
	}
	return ir_intern(g, n);
}

static ir_id substitute(ir_graph *g, const ir_edge *def, const ir_node *read)
{
	substitution s = {.g = g, .def = def, .read = read};
	ir_list nodes = {0};
	ir_id root = def->outputs[read->u.read.field == NONE ? 0 : read->u.read.field];
	ir_edge_nodes(g, &g->walk, def, &nodes);
	s.from = LANG_NEW_ARRAY(g->ctx, uint32_t, nodes.count + 1);
	s.to = LANG_NEW_ARRAY(g->ctx, uint32_t, nodes.count + 1);
	if (!s.from || !s.to)
		return root;
	for (uint32_t i = 0; i < nodes.count; i++) {
		const ir_node *n = ir_at(g, nodes.items[i]);
		if (n->kind != IR_REDUCE || renamed(&s, n->u.reduce.var) != n->u.reduce.var)
			continue;
		ir_var v = g->vars[n->u.reduce.var];
		s.from[s.n_renamed] = n->u.reduce.var;
		s.to[s.n_renamed++] = ir_new_var(g, v.name, v.lo, v.hi);
	}
	ir_rewriter r = {.g = g, .make = substitute_node, .user = &s};
	return ir_rewrite(&r, root);
}

static void mark_fused(ir_graph *g, uint32_t page, uint32_t user, const char *why)
{
	ir_page *p = &g->pages[page];
	if (p->fate == FATE_FUSED)
		return;
	p->fate = FATE_FUSED;
	p->user = user;
	p->why = why;
	g->edges[p->edge].dead = true;
}

static ir_id fuse_node(void *user, ir_id old, const ir_node *n)
{
	fuser *f = user;
	ir_graph *g = f->g;
	ir_id same = ir_intern(g, *n);
	if (n->kind != IR_READ || n->u.read.prev)
		return same;
	uint32_t page = n->u.read.page;
	ir_page *p = &g->pages[page];
	if (p->edge == NONE || p->edge == (uint32_t)(f->edge - g->edges) || (p->why && p->fate == FATE_STORED))
		return same;
	const ir_edge def = g->edges[p->edge];
	ir_facts facts = ir_facts_of(g, def.outputs, def.n_outputs);
	const char *why = p->why, *not = NULL;
	if (p->fate != FATE_FUSED) {
		not = must_store(g, page, &f->uses[page], &facts);
		if (!not)
			not = why_not_here(f, old, &facts, &f->uses[page], &why);
	}
	if (not) {
		p->why = not;
		return same;
	}
	mark_fused(g, page, f->edge->page, why);
	f->n_nodes += facts.nodes;
	return substitute(g, &def, ir_at(g, same));
}

static void fuse_into(ir_graph *g, uses *all, uint32_t id)
{
	ir_edge *e = &g->edges[id];
	ir_list nodes = {0};
	fuser f = {.g = g, .uses = all, .edge = e};
	ir_edge_nodes(g, &g->walk, e, &nodes);
	f.n_nodes = nodes.count;
	f.place = ir_place_new(g, e, e->outputs, e->n_outputs);
	f.rewriter = (ir_rewriter){.g = g, .make = fuse_node, .user = &f};
	for (uint32_t i = 0; i < e->n_outputs && f.place; i++)
		e->outputs[i] = ir_rewrite(&f.rewriter, e->outputs[i]);
}

/* Why the pages that are left are stored, and where those that are not ended up. */
static void settle(ir_graph *g, const uses *all)
{
	for (uint32_t i = 0; i < g->n_pages; i++) {
		ir_page *p = &g->pages[i];
		if (p->edge != NONE && p->fate == FATE_STORED && !p->why) {
			const ir_edge *e = &g->edges[p->edge];
			ir_facts facts = ir_facts_of(g, e->outputs, e->n_outputs);
			p->why = must_store(g, i, &all[i], &facts);
		}
		while (p->user != NONE && g->pages[p->user].fate == FATE_FUSED)
			p->user = g->pages[p->user].user;
	}
}

void ir_pass_fuse(ir_graph *g)
{
	uses *all = LANG_NEW_ARRAY(g->ctx, uses, g->n_pages + 1);
	if (!all)
		return;
	count_uses(g, all);
	for (uint32_t i = 0; i < g->n_order && !g->ctx->oom; i++)
		if (!g->edges[g->order[i]].dead)
			fuse_into(g, all, g->order[i]);
	settle(g, all);
}
