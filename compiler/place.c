/* place.c - which region each node of an edge stands in, and in what order: hoisting.
 *
 * A node stands in the outermost region in which all its variables live, so that nothing is evaluated again for a variable on
 * which it does not depend. Regions are numbered in the order in which their reductions stand in the code. */
#include "ir.h"

/* ---- the table of placed nodes ----------------------------------------------------------------- */

static uint32_t slot_of(const ir_place *p, ir_id node, uint32_t region)
{
	uint32_t at = (node * 2654435761u ^ region * 40503u) & (p->n_slots - 1);
	while (p->slots[at] != 0
	       && (p->placed[p->slots[at] - 1].node != node || p->placed[p->slots[at] - 1].region != region))
		at = (at + 1) & (p->n_slots - 1);
	return at;
}

static bool grow_slots(ir_place *p)
{
	if (2 * (p->n_placed + 1) < p->n_slots)
		return true;
	uint32_t n = p->n_slots ? 2 * p->n_slots : 64;
	uint32_t *slots = LANG_NEW_ARRAY(p->g->ctx, uint32_t, n);
	if (!slots)
		return false;
	p->slots = slots;
	p->n_slots = n;
	for (uint32_t i = 0; i < p->n_placed; i++)
		p->slots[slot_of(p, p->placed[i].node, p->placed[i].region)] = i + 1;
	return true;
}

static bool is_placed(const ir_place *p, ir_id node, uint32_t region)
{
	return p->slots[slot_of(p, node, region)] != 0;
}

static void add_placed(ir_place *p, ir_id node, uint32_t region, uint32_t inner)
{
	ir_placed item = {node, region, inner, NONE};
	if (!grow_slots(p)
	    || !lang_grow(p->g->ctx, (void **)&p->placed, p->n_placed, &p->cap_placed, sizeof *p->placed))
		return;
	p->placed[p->n_placed++] = item;
	p->slots[slot_of(p, node, region)] = p->n_placed;
	ir_list_add(p->g, &p->regions[region].nodes, node);
}

uint32_t ir_place_region(const ir_place *p, ir_id node, uint32_t region)
{
	uint32_t set = ir_at(p->g, node)->free;
	while (region != 0 && !ir_set_has(p->g, set, ir_at(p->g, p->regions[region].reduce)->u.reduce.var))
		region = p->regions[region].parent;
	return region;
}

ir_placed *ir_place_find(ir_place *p, ir_id node, uint32_t region)
{
	region = ir_place_region(p, node, region);
	uint32_t at = slot_of(p, node, region);
	return p->slots[at] ? &p->placed[p->slots[at] - 1] : NULL;
}

/* ---- placing ----------------------------------------------------------------------------------- */

static uint32_t add_region(ir_place *p, ir_id reduce, uint32_t parent)
{
	ir_region region = {.reduce = reduce, .parent = parent};
	if (!lang_grow(p->g->ctx, (void **)&p->regions, p->n_regions, &p->cap_regions, sizeof *p->regions))
		return NONE;
	p->regions[p->n_regions] = region;
	return p->n_regions++;
}

/* Places what roots are made of, seen from region. Recursion is over nested reductions alone. */
static void place_all(ir_place *p, const ir_id *roots, uint32_t n, uint32_t region)
{
	ir_list list = {0};
	if (!ir_walk_begin(p->g, &p->g->walk))
		return;
	for (uint32_t i = 0; i < n; i++)
		if (roots[i] != NONE)
			ir_reach(p->g, &p->g->walk, roots[i], false, &list);
	ir_list_sort(&list);
	for (uint32_t i = 0; i < list.count && !p->g->ctx->oom; i++) {
		ir_id id = list.items[i];
		uint32_t at = ir_place_region(p, id, region), inner = NONE;
		if (is_placed(p, id, at))
			continue;
		const ir_node *node = ir_at(p->g, id);
		if (node->kind == IR_REDUCE) {
			inner = add_region(p, id, at);
			if (inner == NONE)
				return;
			place_all(p, node->args, IR_AT, inner);
		}
		add_placed(p, id, at, inner);
	}
}

/* Regions are found from the inside; the code enters them in another order, in which they are numbered. */
static void number_regions(ir_place *p, uint32_t old, ir_region *now, uint32_t *number)
{
	number[old] = p->n_regions++;
	now[number[old]] = p->regions[old];
	for (uint32_t i = 0; i < p->regions[old].nodes.count; i++) {
		ir_id id = p->regions[old].nodes.items[i];
		if (ir_at(p->g, id)->kind == IR_REDUCE)
			number_regions(p, p->placed[p->slots[slot_of(p, id, old)] - 1].inner, now, number);
	}
}

static bool renumber(ir_place *p)
{
	ir_region *now = LANG_NEW_ARRAY(p->g->ctx, ir_region, p->n_regions);
	uint32_t *number = LANG_NEW_ARRAY(p->g->ctx, uint32_t, p->n_regions), n = p->n_regions;
	if (!now || !number)
		return false;
	p->n_regions = 0;
	number_regions(p, 0, now, number);
	for (uint32_t i = 1; i < n; i++)
		now[i].parent = number[now[i].parent];
	p->regions = now;
	for (uint32_t i = 0; i < p->n_placed; i++) {
		p->placed[i].region = number[p->placed[i].region];
		if (p->placed[i].inner != NONE)
			p->placed[i].inner = number[p->placed[i].inner];
	}
	for (uint32_t i = 0; i < p->n_slots; i++)
		p->slots[i] = 0;
	for (uint32_t i = 0; i < p->n_placed; i++)
		p->slots[slot_of(p, p->placed[i].node, p->placed[i].region)] = i + 1;
	return true;
}

ir_place *ir_place_new(ir_graph *g, const ir_edge *edge, const ir_id *roots, uint32_t n)
{
	ir_place *p = LANG_NEW(g->ctx, ir_place);
	if (!p)
		return NULL;
	p->g = g;
	p->edge = edge;
	if (!grow_slots(p) || add_region(p, NONE, 0) == NONE)
		return NULL;
	place_all(p, roots, n, 0);
	return g->ctx->oom || !renumber(p) ? NULL : p;
}
