/* route.c - finds the routes of a kernel: delta rules, worked out from its reads and regions. */
#include "route_site.h"

#include "plan.h"
#include "store.h"

enum { MOST_PARTS = 8 /* of a condition */ };

/* A route in the making. */
typedef struct maker {
	planner *pl;
	const sch_kernel *k;
	route_step steps[ROUTE_MOST_STEPS];
	uint32_t n_steps, n_slots;
	bool failed;            /* too long: everything is evaluated */
} maker;

static route_step *add(maker *b, route_op op)
{
	if (b->n_steps == ROUTE_MOST_STEPS) {
		b->failed = true;
		return &b->steps[0];
	}
	route_step *s = &b->steps[b->n_steps++];
	*s = (route_step){.op = (uint8_t)op, .field = NONE};
	return s;
}

static uint32_t take_slots(maker *b, uint32_t n)
{
	if (b->n_slots + n > ROUTE_SLOTS) {
		b->failed = true;
		return 0;
	}
	b->n_slots += n;
	return b->n_slots - n;
}

/* ---- indices ----------------------------------------------------------------------------------- */

static void solve_register(maker *b, uint32_t reg, uint32_t slot, uint8_t view, int64_t extent);

/* The node's value, under the view, is that of the slot. */
static route_step *solve_node(maker *b, const route_node *node, uint32_t slot, uint8_t view, int64_t extent)
{
	if (!node || b->failed)
		return NULL;
	route_step *s = add(b, ROUTE_SOLVE);
	s->node = node;
	s->slot = slot;
	s->view = view;
	s->extent = extent;
	return s;
}

static void solve_index(maker *b, const sch_index *x, uint32_t slot, uint8_t view, int64_t extent)
{
	if (x->reg == NONE)
		solve_node(b, route_node_of_index(b->pl, x), slot, view, extent);
	else
		solve_register(b, x->reg, slot, view, extent);
}

/* Of a page that a route goes through: where its positions go, and the steps for their coordinates. */
static void through_page(maker *b, uint32_t at_step, const sch_read *read)
{
	route_step *s = &b->steps[at_step];
	page *p = s->page = &b->pl->inst->pages[read->page];
	s->field = read->field;
	s->prev = read->prev;
	uint32_t first = s->first_slot = take_slots(b, read->n_index);
	for (uint32_t d = 0; d < read->n_index && !b->failed; d++)
		solve_index(b, &b->pl->s->indices[read->first_index + d], first + d, RV_NONE, p->dims[d]);
}

/* A register whose value is that of the slot: computed from variables and perhaps an index page, or read from one as it stands. What it comes
 * from otherwise stays free. */
static void solve_register(maker *b, uint32_t reg, uint32_t slot, uint8_t view, int64_t extent)
{
	route_source source = {.allowed = true};
	const route_node *node = route_node_of(b->pl, reg, &source);
	struct route_site *site = route_node_is_open(b->pl, node, view, extent) ? route_site_of(b->pl, reg, view, extent) : NULL;
	uint32_t at_step = b->n_steps;
	if (site) {
		route_step *at = add(b, ROUTE_SITE);
		at->site = site;
		at->slot = slot;
		return;
	}
	route_step *s = solve_node(b, node, slot, view, extent);
	if (!s || !source.read)
		return;
	bool plain = node->op == NODE_INDEX && (view == RV_NONE || view == RV_ZERO || view == RV_PAD);
	if (plain)
		s->op = ROUTE_INDEX;
	through_page(b, at_step, source.read);
	if (!plain)
		b->steps[at_step].skip = b->n_steps - at_step - 1;
}

/* ---- regions ----------------------------------------------------------------------------------- */

/* How many keys, rows or columns there are. */
static int64_t extent_of(const maker *b, const sch_region *g)
{
	const page *by = &b->pl->inst->pages[g->page];
	return g->kind == REGION_GROUP ? b->pl->inst->sizes[by->def->index_size] : by->dims[g->kind == REGION_ROW ? 0 : 1];
}

static uint32_t find_at(maker *b, uint32_t at_step, const sch_region *g)
{
	uint32_t slot = b->steps[at_step].first_slot = take_slots(b, 1);
	uint32_t before = b->n_steps;
	solve_register(b, g->at, slot, RV_NONE, extent_of(b, g));
	return b->n_steps - before;
}

/* A position is present where its region's condition says so. */
static void within_bounds(maker *b, uint32_t where)
{
	route_condition parts[MOST_PARTS];
	uint32_t n = route_conditions(b->pl, where, parts, MOST_PARTS);
	for (uint32_t i = 0; i < n && !b->failed; i++) {
		route_step *s = add(b, ROUTE_WITHIN);
		s->node = parts[i].node;
		s->lo = parts[i].lo;
		s->hi = parts[i].hi;
	}
}

/* From lanes of a region to those of the region around it. */
static void leave_region(maker *b, uint32_t id)
{
	const sch_region *g = region_of(b->pl, id);
	within_bounds(b, g->where);
	route_op op = g->kind == REGION_ROW ? ROUTE_ROWS : g->kind == REGION_COL ? ROUTE_COLUMNS : g->kind == REGION_GROUP ? ROUTE_KEY : ROUTE_AFTER;
	if (g->kind == REGION_RANGE)
		return;
	uint32_t at_step = b->n_steps;
	route_step *s = add(b, op);
	if (b->failed)
		return;
	s->var = g->first_var;
	s->strict = g->strict;
	s->prev = g->prev;
	s->page = g->page == NONE ? NULL : &b->pl->inst->pages[g->page];
	if (op == ROUTE_AFTER)
		s->at = g->at;
	else
		b->steps[at_step].skip = find_at(b, at_step, g);
}

static void leave_until(maker *b, uint32_t region, uint32_t target)
{
	for (; region != target && region != 0; region = region_of(b->pl, region)->parent)
		leave_region(b, region);
}

/* ---- routes ------------------------------------------------------------------------------------ */

static void finish(maker *b, route *r)
{
	planner *pl = b->pl;
	route_step *steps = plan_take(pl, b->n_steps, sizeof *steps);
	if (!steps)
		return;
	r->kind = b->failed ? ROUTE_WHOLE : ROUTE_STEPS;
	r->n_steps = b->n_steps;
	r->steps = steps;
	r->direct = true;
	for (uint32_t i = 0; i < b->n_steps; i++) {
		const route_step *s = &b->steps[i];
		steps[i] = *s;
		r->direct &= s->op == ROUTE_AFTER || s->op == ROUTE_WITHIN || (s->op == ROUTE_SOLVE && s->node->op == NODE_SUM);
	}
}

/* The innermost region around that keeps partial results; 0: none. */
static uint32_t target_of(const planner *pl, uint32_t region)
{
	while (region != 0 && !pl->p->regions[region].stored)
		region = region_of(pl, region)->parent;
	return region;
}

static bool drives(const sch_region *g) { return g->kind == REGION_ROW || g->kind == REGION_COL || g->kind == REGION_ENTRIES; }

/* From an entry: its row and column are those of the region that goes by it. */
static void route_of_entry(maker *b, const sch_read *read, route *r)
{
	planner *pl = b->pl;
	uint32_t driver = read->region;
	while (!drives(region_of(pl, driver)))
		driver = region_of(pl, driver)->parent;
	const sch_region *g = region_of(pl, driver);
	if (driver == 0 || driver == r->target) {
		r->kind = ROUTE_SAME;
		return;
	}
	r->by_entry = true;
	take_slots(b, 2);
	solve_node(b, route_node_of_var(pl, g->first_var), g->kind == REGION_ROW ? 1 : 0, RV_NONE, 0);
	solve_register(b, g->at, g->kind == REGION_ROW ? 0 : 1, RV_NONE, extent_of(b, g));
	leave_until(b, g->parent, r->target);
	finish(b, r);
}

/* Position i of the page is lane i, and there are as many of both: a range may be a part of a page. */
static bool is_identity(const maker *b, const sch_read *read, const route *r)
{
	const region_plan *target = &b->pl->p->regions[r->target];
	if (r->target == 0)
		return read->cls == READ_SAME;
	const sch_region *g = target->def;
	if (read->region != r->target || read->n_index != 1 || b->n_steps != 1 || b->steps[0].op != ROUTE_SOLVE)
		return false;
	const route_step *s = &b->steps[0];
	const route_node *n = s->node;
	bool own = s->view == RV_NONE && n->op == NODE_SUM && n->constant == 0 && n->n_terms == 1 && n->terms[0].coef == 1 && n->terms[0].var == g->first_var;
	bool one = store_is_scan(target) ? b->pl->p->regions[0].def->n_vars == 1 : store_others(target)->n == 0 && (g->kind == REGION_GROUP || target->lo == 0);
	uint64_t positions = g->kind == REGION_GROUP ? target->driver->count : (uint64_t)target->extent;
	return own && one && b->pl->inst->pages[read->page].count == positions;
}

static void route_of_read(planner *pl, uint32_t id, route *r)
{
	const sch_read *read = &pl->s->reads[pl->p->def->first_read + id];
	const page *from = &pl->inst->pages[read->page];
	maker b = {.pl = pl, .k = pl->p->def};
	r->target = target_of(pl, read->region);
	if (read->cls == READ_ENTRY) {
		route_of_entry(&b, read, r);
		return;
	}
	if (read->n_index == 0)
		return; /* a scalar */
	r->by_entry = read->cls == READ_LOOKUP;
	take_slots(&b, read->n_index);
	for (uint32_t d = 0; d < read->n_index; d++)
		solve_index(&b, &pl->s->indices[read->first_index + d], d, read->view, from->dims[d]);
	leave_until(&b, read->region, r->target);
	finish(&b, r);
	if (r->kind == ROUTE_STEPS && is_identity(&b, read, r))
		r->kind = ROUTE_SAME;
}

static void route_of_region(planner *pl, uint32_t id, route *r)
{
	const sch_region *g = region_of(pl, id);
	maker b = {.pl = pl, .k = pl->p->def};
	take_slots(&b, 1);
	solve_register(&b, g->at, 0, RV_NONE, extent_of(&b, g));
	leave_until(&b, g->parent, 0);
	finish(&b, r);
}

/* ---- what goes into reductions with stores ------------------------------------------------------ */

static void need_register(planner *pl, uint8_t *needed, uint32_t reg)
{
	if (reg != NONE && pl->def_region[reg] == 0)
		needed[reg] = 1;
}

/* Registers of region 0 that an instruction of some region uses. */
static void need_of(planner *pl, uint8_t *needed, const sch_instr *in)
{
	const uint32_t args[3] = {in->a, in->b, in->c};
	bool plain = in->code == CODE_OP || in->code == CODE_CONV || in->code == CODE_TO_INDEX || in->code == CODE_GUARD;
	for (unsigned i = 0; plain && i < (in->code == CODE_OP ? op_table[in->op].arity : 1u); i++)
		need_register(pl, needed, args[i]);
	need_register(pl, needed, in->mask);
	if (in->code != CODE_READ)
		return;
	const sch_read *read = &pl->s->reads[pl->p->def->first_read + in->a];
	need_register(pl, needed, read->pad);
	for (uint32_t d = 0; d < read->n_index; d++)
		need_register(pl, needed, pl->s->indices[read->first_index + d].reg);
}

static bool under_store(const planner *pl, uint32_t region) { return target_of(pl, region) != 0; }

static void find_feeds(planner *pl)
{
	const sch_kernel *k = pl->p->def;
	uint8_t *needed = plan_take(pl, k->n_regs + 1u, 1);
	if (!needed)
		return;
	for (uint32_t id = 1; id < k->n_regions; id++) {
		const sch_region *g = region_of(pl, id);
		if (!under_store(pl, id))
			continue;
		for (uint32_t i = 0; i < g->n_instr; i++)
			need_of(pl, needed, instr_of(pl, g->first_instr + i));
		need_register(pl, needed, g->value);
		need_register(pl, needed, g->where);
		if (g->kind != REGION_PREFIX && !pl->p->regions[id].stored) /* of one that is, another key is another outer element */
			need_register(pl, needed, g->at);
	}
	const sch_region *root = region_of(pl, 0);
	for (uint32_t i = root->n_instr; i-- > 0;) {
		const sch_instr *in = instr_of(pl, root->first_instr + i);
		if (!needed[in->dst])
			continue;
		need_of(pl, needed, in);
		if (in->code == CODE_READ)
			pl->p->routes.reads[in->a].feeds = true;
	}
}

/* ---- all of a plan ----------------------------------------------------------------------------- */

void plan_routes(planner *pl)
{
	const sch_kernel *k = pl->p->def;
	routes *all = &pl->p->routes;
	all->reads = plan_take(pl, k->n_reads, sizeof *all->reads);
	all->regions = plan_take(pl, k->n_regions, sizeof *all->regions);
	for (uint32_t i = 0; i < k->n_reads && !pl->failed; i++)
		if (pl->p->reads[i].def) /* else of an instruction that is not there */
			route_of_read(pl, i, &all->reads[i]);
	for (uint32_t i = 1; i < k->n_regions && !pl->failed; i++)
		if (region_of(pl, i)->page != NONE)
			route_of_region(pl, i, &all->regions[i]);
	if (!pl->failed)
		find_feeds(pl);
}
