/* plan_cost.c - how much work a lane of each region is, and how its reads lie in memory: what decides between the ways of
 * running reductions, and how region 0 is cut into tiles. */
#include "plan.h"

/* How many of a read's positions lie apart when its lanes go along `var`. */
static bool strides(planner *pl, const region_plan *at, const read_plan *rp, uint32_t var)
{
	uint32_t local = find_var(pl, at, var);
	if (local == NONE || rp->def->cls == READ_LOOKUP || rp->def->cls == READ_ENTRY)
		return false;
	uint64_t coef = 0;
	for (uint32_t d = 0; d < rp->n_dims; d++)
		for (uint32_t t = 0; t < rp->dims[d].n_terms; t++)
			if (rp->dims[d].terms[t].var == local)
				coef += (uint64_t)rp->dims[d].terms[t].coef * (uint64_t)rp->dims[d].stride;
	return (int64_t)coef > 1 || (int64_t)coef < -1;
}

static void count_costs(planner *pl, region_plan *r, region_plan *of, uint32_t lane_var)
{
	for (uint32_t i = 0; i < r->n_steps; i++) {
		const step *s = &r->steps[i];
		if (s->code == CODE_READ) {
			of->over_cost += lane_var != NONE && strides(pl, r, s->read, lane_var);
			of->expand_cost += strides(pl, r, s->read, of->def->first_var);
		} else if (s->code == CODE_REDUCE) {
			count_costs(pl, s->child, of, lane_var);
		}
	}
}

static double region_length(const region_plan *r)
{
	switch ((region_kind)r->def->kind) {
	case REGION_RANGE: return (double)r->usual;
	case REGION_PREFIX: return 1;
	case REGION_GROUP: return (double)r->driver->count / (double)(r->keys > 0 ? r->keys : 1);
	default: return 8; /* the length of rows is known only when the pass runs */
	}
}

static void weigh(planner *pl, region_plan *r)
{
	uint32_t last = r->def->n_vars ? r->def->first_var + r->def->n_vars - 1 : NONE;
	r->weight = r->n_steps + 1;
	for (uint32_t i = 0; i < r->n_steps; i++) {
		region_plan *child = r->steps[i].child;
		if (!child)
			continue;
		weigh(pl, child);
		r->weight += child->weight * region_length(child);
		count_costs(pl, child, child, last);
	}
}

static bool has_prefix_along(const kernel_plan *p, uint32_t var)
{
	for (uint32_t i = 1; i < p->n_regions; i++)
		if (p->regions[i].def->kind == REGION_PREFIX && p->regions[i].def->at == var)
			return true;
	return false;
}

static void shape_tiles(const planner *pl)
{
	kernel_plan *p = pl->p;
	const sch_region *g = p->regions[0].def;
	p->nested = p->n_regions > 1;
	for (uint32_t i = 1; i < p->n_regions; i++)
		p->heavy |= p->regions[i].def->kind != REGION_RANGE || p->regions[i].usual > SHORT_RANGE;
	if (g->kind != REGION_DOMAIN || g->n_vars == 0)
		return;
	p->serial = has_prefix_along(p, g->n_vars - 1);
	int64_t last = p->pass ? pl->inst->pages[p->pass->page].dims[g->n_vars - 1] : 0;
	p->by_rows = g->n_vars == 1 || last >= 64 || p->serial;
}

void plan_costs(planner *pl)
{
	weigh(pl, &pl->p->regions[0]);
	shape_tiles(pl);
}
