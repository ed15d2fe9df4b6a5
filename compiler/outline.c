/* outline.c - what is reduced once for many elements gets a page of its own.
 *
 *     y[i] <- x[i] / sum[j] x[j]      becomes      y.part1 <- sum[j] x[j];  y[i] <- x[i] / y.part1
 *
 * A value that contains a reduction, and that does not depend on every variable of the region in which it stands, would be
 * evaluated again for each value of the others. So would a prefix whose end is not the variable that runs fastest, and what a fixpoint reduces that
 * does not read its page.
 *
 *     y[t, a] <- sum[s where s <= t] x[s, a]      becomes      y.part1[a, t] <- sum[s where s <= t] x[s, a];  y[t, a] <- y.part1[a, t]
 *     s <- sum[i, j] x[i, j]                      becomes      s.part1[i] <- sum[j] x[i, j];  s <- sum[i] s.part1[i]
 *
 * Partial results are kept of reductions that stand directly in their edge: so a change costs no whole row. Needs: graph in order. Keeps: every bit, and every fault: what can fail stays
 * where it is. New edges stand just before the edge that they were part of. */
#include "pass.h"

/* What is the same for many elements; a prefix whose end does not run fastest; what a fixpoint does not change; rows of a reduction over two dimensions. */
enum { NO_PART, SAME_PART, ACROSS_PART, ROUND_PART, ROW_PART };

/* Shorter rows are evaluated as soon as partial results of them are found (LEAST_MEMBERS). */
enum { ROW_LEAST = 128 };

typedef struct outliner {
	ir_graph *g;
	uint32_t edge_id;
	ir_place *place;
	ir_list nodes;       /* of the edge, ascending */
	ir_id first;         /* lowest id; arrays below are of `span` nodes from it on */
	uint32_t span;
	uint8_t *reduces;    /* contains a reduction */
	uint8_t *chosen;     /* becomes a page: a `part` */
	bool counts;         /* some node asks how many were present in a reduction */
	uint32_t n_parts;
	ir_list order;       /* of all edges, as it becomes */
} outliner;

static bool is_dim(const ir_graph *g, uint32_t var)
{
	const sch_size *lo = &g->sizes[g->vars[var].lo];
	return lo->kind == SIZE_CONST && lo->value == 0;
}

/* The variables of a region and of those around it. */
static uint32_t scope_of(const outliner *o, uint32_t region, uint32_t *vars, uint32_t room)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < o->place->edge->n_vars; i++)
		vars[n++] = o->place->edge->vars[i];
	for (; region != 0 && n < room; region = o->place->regions[region].parent)
		vars[n++] = ir_at(o->g, o->place->regions[region].reduce)->u.reduce.var;
	return n;
}

/* An entry of a pattern is at hand only inside of what goes by the pattern: that must be part of the value too. */
static bool entries_stay(ir_graph *g, const ir_list *nodes)
{
	for (uint32_t i = 0; i < nodes->count; i++) {
		const ir_node *n = ir_at(g, nodes->items[i]);
		bool driven = n->kind != IR_READ || !n->u.read.entry;
		for (uint32_t k = 0; k < nodes->count && !driven; k++) {
			const ir_node *r = ir_at(g, nodes->items[k]);
			driven = r->kind == IR_REDUCE && (r->u.reduce.region == REGION_ROW || r->u.reduce.region == REGION_COL)
			         && r->u.reduce.page == ir_pattern(g, n->u.read.page) && r->u.reduce.prev == n->u.read.prev
			         && ir_set_has(g, n->free, r->u.reduce.var);
		}
		if (!driven)
			return false;
	}
	return true;
}

static bool may_move(ir_graph *g, const ir_edge *e, ir_id id)
{
	ir_list nodes = {0};
	ir_set free = g->sets[ir_at(g, id)->free];
	if (free.count > MAX_DIMS || !ir_walk_begin(g, &g->walk))
		return false;
	for (uint32_t i = 0; i < free.count; i++)
		if (!is_dim(g, free.vars[i]))
			return false;
	ir_reach(g, &g->walk, id, true, &nodes);
	for (uint32_t i = 0; i < nodes.count; i++) {
		const ir_node *n = ir_at(g, nodes.items[i]);
		bool self = n->kind == IR_READ && n->u.read.page == e->page && !n->u.read.prev;
		if (self || ir_fails(g, n))
			return false;
	}
	return entries_stay(g, &nodes);
}

/* Whether it is evaluated for values of variables that it does not depend on, seen from where it is used. */
static bool repeats(const outliner *o, ir_id id, uint32_t region)
{
	uint32_t vars[64];
	const ir_node *n = ir_at(o->g, id);
	uint32_t n_vars = scope_of(o, ir_place_region(o->place, id, region), vars, 64);
	for (uint32_t i = 0; i < n_vars; i++)
		if (!ir_set_has(o->g, n->free, vars[i]))
			return true;
	return false;
}

/* The prefix that a value is, or whose mean it is: a sum over its count, which go together. NULL: it is none, or a count may ask for it besides. */
static const ir_node *prefix_of(const outliner *o, const ir_node *n)
{
	const ir_graph *g = o->g;
	bool quotient = n->kind == IR_OP && n->op == OP_DIV;
	const ir_node *r = quotient ? ir_at(g, n->args[0]) : n;
	if (r->kind != IR_REDUCE || r->u.reduce.region != REGION_PREFIX)
		return NULL;
	if (!quotient)
		return o->counts ? NULL : r;
	const ir_node *count = ir_at(g, n->args[1]);
	count = count->kind == IR_CONV ? ir_at(g, count->args[0]) : count;
	return count->kind == IR_COUNT && count->args[0] == n->args[0] ? r : NULL;
}

/* A prefix whose end is not what runs fastest where it is used would begin anew for each end; as a page of its own whose last variable is the end, each
 * operand is evaluated once. */
static bool across(const outliner *o, ir_id id, uint32_t region)
{
	const ir_node *r = prefix_of(o, ir_at(o->g, id));
	const ir_edge *e = o->place->edge;
	if (!r)
		return false;
	uint32_t fastest = region ? ir_at(o->g, o->place->regions[region].reduce)->u.reduce.var : e->n_vars ? e->vars[e->n_vars - 1] : NONE;
	return r->u.reduce.at_var != fastest;
}

/* What a fixpoint does not change would be evaluated again in every round, and whole whenever an operand changes. */
static bool in_rounds(const outliner *o)
{
	const ir_edge *e = o->place->edge;
	return e->fix != FIX_NONE && !o->g->pages[e->page].sparse;
}

static uint8_t part_of(const outliner *o, ir_id id, uint32_t region)
{
	if (repeats(o, id, region))
		return SAME_PART;
	if (across(o, id, region))
		return ACROSS_PART;
	return region == 0 && in_rounds(o) ? ROUND_PART : NO_PART;
}

static bool find_reductions(outliner *o)
{
	ir_graph *g = o->g;
	ir_edge_nodes(g, &g->walk, &g->edges[o->edge_id], &o->nodes);
	if (o->nodes.count == 0)
		return false;
	o->first = o->nodes.items[0];
	o->span = o->nodes.items[o->nodes.count - 1] - o->first + 1;
	o->reduces = LANG_NEW_ARRAY(g->ctx, uint8_t, o->span);
	o->chosen = LANG_NEW_ARRAY(g->ctx, uint8_t, o->span);
	bool any = false;
	for (uint32_t i = 0; o->chosen && o->reduces && i < o->nodes.count; i++) {
		ir_id id = o->nodes.items[i];
		const ir_node *n = ir_at(g, id);
		uint8_t reduces = n->kind == IR_REDUCE;
		for (uint32_t k = 0; k < n->n_args; k++)
			reduces |= n->args[k] != NONE && o->reduces[n->args[k] - o->first];
		if (n->mask != NONE)
			reduces |= o->reduces[n->mask - o->first];
		o->counts |= n->kind == IR_COUNT;
		o->reduces[id - o->first] = reduces;
		any |= reduces;
	}
	return any && o->chosen && o->reduces;
}

/* A reduction over a range of at least ROW_LEAST, as far as is known. */
static bool is_long(const ir_graph *g, const ir_node *n)
{
	if (n->kind != IR_REDUCE || n->u.reduce.region != REGION_RANGE)
		return false;
	const sch_size *lo = &g->sizes[g->vars[n->u.reduce.var].lo], *hi = &g->sizes[g->vars[n->u.reduce.var].hi];
	return lo->kind != SIZE_CONST || hi->kind != SIZE_CONST || hi->value - lo->value >= ROW_LEAST;
}

/* Whether what a reduction reduces is rows: of a page with one element, all of whose positions are present. In others a page of rows could be
 * much larger than what they are made from. Rows are evaluated in each commit, what is lazy is not. */
static bool reduces_rows(const outliner *o, const ir_node *outer, uint32_t region)
{
	ir_graph *g = o->g;
	const ir_edge *e = &g->edges[o->edge_id];
	ir_id body = outer->args[IR_BODY];
	ir_list nodes = {0};
	bool any = false;
	if (e->n_vars > 0 || e->fix != FIX_NONE || (g->pages[e->page].attrs & PAGE_LAZY) || region != 0 || o->counts || outer->u.reduce.region != REGION_RANGE || outer->u.reduce.nest ||
	    outer->args[IR_WHERE] != NONE || !o->reduces[body - o->first] || !may_move(g, e, body) || !ir_walk_begin(g, &g->walk))
		return false;
	ir_reach(g, &g->walk, body, true, &nodes);
	for (uint32_t i = 0; i < nodes.count; i++) {
		const ir_node *n = ir_at(g, nodes.items[i]);
		any |= is_long(g, n) && ir_set_has(g, n->free, outer->u.reduce.var);
	}
	return any;
}

/* Chooses the largest such values, from the roots down. */
static bool choose(outliner *o, const ir_id *roots, uint32_t n_roots, uint32_t region)
{
	ir_graph *g = o->g;
	bool any = false;
	ir_list work = {0};
	uint8_t *seen = LANG_NEW_ARRAY(g->ctx, uint8_t, o->span);
	if (!seen)
		return false;
	for (uint32_t i = 0; i < n_roots; i++)
		ir_list_add(g, &work, roots[i]);
	while (work.count > 0) {
		ir_id id = work.items[--work.count];
		if (id == NONE || seen[id - o->first] || !o->reduces[id - o->first])
			continue;
		seen[id - o->first] = 1;
		const ir_node *n = ir_at(g, id);
		uint8_t part = part_of(o, id, region);
		if (part != NO_PART && may_move(g, &g->edges[o->edge_id], id)) {
			o->chosen[id - o->first] = part;
			any = true;
			continue;
		}
		if (n->kind == IR_REDUCE && reduces_rows(o, n, region)) {
			o->chosen[n->args[IR_BODY] - o->first] = ROW_PART;
			any = true;
			continue;
		}
		ir_list_add(g, &work, n->mask);
		uint32_t first = 0;
		if (n->kind == IR_REDUCE) {
			const ir_placed *at = ir_place_find(o->place, id, region);
			if (at)
				any |= choose(o, n->args, IR_AT, at->inner);
			first = IR_AT;
		}
		for (uint32_t k = first; k < n->n_args; k++)
			ir_list_add(g, &work, n->args[k]);
	}
	return any;
}

static void outline_edge(outliner *o, uint32_t id);

/* ---- the new page ------------------------------------------------------------------------------ */

/* The variables of the new page; the end of a prefix is the last. */
static ir_set part_vars(const outliner *o, ir_id id)
{
	ir_graph *g = o->g;
	const ir_node *prefix = prefix_of(o, ir_at(g, id));
	ir_set free = g->sets[ir_at(g, id)->free];
	uint32_t *vars = LANG_NEW_ARRAY(g->ctx, uint32_t, free.count + 1), k = 0;
	uint32_t last = prefix ? prefix->u.reduce.at_var : NONE;
	for (uint32_t i = 0; vars && i < free.count; i++)
		if (free.vars[i] != last)
			vars[k++] = free.vars[i];
	if (vars && k < free.count)
		vars[k] = last;
	return vars ? (ir_set){free.count, vars} : free;
}

static ir_id read_part(ir_graph *g, uint32_t page, ir_set vars)
{
	ir_id args[MAX_DIMS];
	for (uint32_t i = 0; i < vars.count; i++)
		args[i] = ir_leaf(g, IR_VAR, T_I64, vars.vars[i]);
	return ir_intern(g, (ir_node){.kind = IR_READ, .type = g->pages[page].type, .n_args = (uint8_t)vars.count,
	                              .mask = NONE, .args = args, .u.read = {.page = page, .field = NONE}});
}

/* The variables of an edge are its own: those that the value is free in get new ones. */
typedef struct renaming {
	ir_graph *g;
	ir_set from;
	const uint32_t *to;
} renaming;

static uint32_t renamed(const renaming *r, uint32_t var)
{
	for (uint32_t i = 0; i < r->from.count; i++)
		if (r->from.vars[i] == var)
			return r->to[i];
	return var;
}

static ir_id rename_node(void *user, ir_id old, const ir_node *node)
{
	const renaming *r = user;
	ir_node n = *node;
	(void)old;
	if (n.kind == IR_VAR)
		n.u.id = renamed(r, n.u.id);
	if (n.kind == IR_REDUCE && n.u.reduce.at_var != NONE)
		n.u.reduce.at_var = renamed(r, n.u.reduce.at_var);
	return ir_intern(r->g, n);
}

static ir_id make_page(outliner *o, ir_id id)
{
	static const char *const whys[] = {[SAME_PART] = "part of %s that is the same for many of its elements",
	                                   [ACROSS_PART] = "prefixes of %s, of which each operand is to be evaluated once",
	                                   [ROUND_PART] = "part of %s that is the same in every round",
	                                   [ROW_PART] = "rows that %s reduces, so that a change costs no whole row"};
	ir_graph *g = o->g;
	const ir_edge *from = &g->edges[o->edge_id];
	const ir_page *owner = &g->pages[from->page];
	ir_set free = part_vars(o, id);
	ir_page page = {.name = lang_sprintf(g->ctx, "%s.part%u", owner->name, ++o->n_parts), .type = ir_at(g, id)->type,
	                .index_size = ir_index_range(g, id), .record = NONE, .ndim = free.count, .like = NONE, .init = NONE,
	                .init_page = NONE, .user = NONE, .file = owner->file, .line = from->line, .column = from->column,
	                .why = lang_sprintf(g->ctx, whys[o->chosen[id - o->first]], owner->name)};
	ir_edge edge = {.n_vars = free.count, .n_outputs = 1, .outputs = LANG_NEW(g->ctx, ir_id), .start = NONE,
	                .start_page = NONE, .max_rounds = NONE, .tol = NONE, .file = from->file, .line = from->line,
	                .column = from->column};
	if (!edge.outputs)
		return id;
	for (uint32_t i = 0; i < free.count; i++) {
		ir_var v = g->vars[free.vars[i]];
		edge.vars[i] = ir_new_var(g, v.name, v.lo, v.hi);
		page.dims[i] = v.hi;
	}
	renaming own = {g, free, edge.vars};
	ir_rewriter rewriter = {.g = g, .make = rename_node, .user = &own};
	edge.outputs[0] = ir_rewrite(&rewriter, id);
	page.edge = g->n_edges;
	edge.page = ir_new_page(g, &page);
	/* A part may have parts. */
	outliner inner = {.g = g, .order = o->order};
	outline_edge(&inner, ir_new_edge(g, &edge));
	o->order = inner.order;
	return g->ctx->oom ? id : read_part(g, edge.page, free);
}

static ir_id make_node(void *user, ir_id old, const ir_node *n)
{
	outliner *o = user;
	return o->chosen[old - o->first] ? make_page(o, old) : ir_intern(o->g, *n);
}

static void move_parts(outliner *o)
{
	ir_graph *g = o->g;
	ir_edge *e = &g->edges[o->edge_id];
	o->place = ir_place_new(g, e, e->outputs, e->n_outputs);
	if (!o->place || !choose(o, e->outputs, e->n_outputs, 0))
		return;
	ir_rewriter r = {.g = g, .make = make_node, .user = o};
	for (uint32_t i = 0; i < e->n_outputs; i++)
		e->outputs[i] = ir_rewrite(&r, e->outputs[i]);
}

/* Adds the edge to the order, behind the edges of its parts. */
static void outline_edge(outliner *o, uint32_t id)
{
	if (id == NONE)
		return;
	o->edge_id = id;
	o->n_parts = 0;
	o->counts = false;
	/* What a numeric fixpoint reads, as it is written, decides in which epochs it runs. */
	const ir_edge *e = &o->g->edges[id];
	if (!e->dead && e->fix != FIX_NUMERIC && find_reductions(o))
		move_parts(o);
	ir_list_add(o->g, &o->order, id);
}

void ir_pass_outline(ir_graph *g)
{
	outliner o = {.g = g};
	for (uint32_t i = 0; i < g->n_order && !g->ctx->oom; i++)
		outline_edge(&o, g->order[i]);
	g->order = o.order.items;
	g->n_order = o.order.count;
	g->cap_order = o.order.cap;
}
