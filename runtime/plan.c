/* plan.c - makes a kernel ready to run: the code of each region in the order of running, its registers and variables numbered
 * within the region, and places for them in a worker's arena. Needs bound sizes for all but constants. */
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "plan.h"
#include "blocks.h"
#include "pour.h"
#include "ranges.h"
#include "rows.h"
#include "store.h"
#include "route.h"
#include "route_site.h"

/* ---- memory of a plan: blocks that are freed together ------------------------------------------ */

struct plan_memory {
	struct plan_memory *next;
	max_align_t data[];
};

void *plan_take(planner *pl, size_t n, size_t size)
{
	if (pl->failed || (size && n > (SIZE_MAX - sizeof(struct plan_memory)) / size)) {
		pl->failed = true;
		return NULL;
	}
	struct plan_memory *m = calloc(1, sizeof *m + (n ? n : 1) * size);
	if (!m) {
		pl->failed = true;
		return NULL;
	}
	m->next = pl->p->memory;
	pl->p->memory = m;
	return m->data;
}

void plan_free(kernel_plan *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; p->regions && i < p->n_regions; i++) {
		pour_free(p->regions[i].pour);
		store_free(p->regions[i].store);
		rows_free(p->regions[i].rows);
	}
	route_sites_free(p);
	while (p->memory) {
		struct plan_memory *next = p->memory->next;
		free(p->memory);
		p->memory = next;
	}
	free(p);
}

/* ---- places in the arena ----------------------------------------------------------------------- */

size_t plan_place(planner *pl, size_t bytes)
{
	size_t at = pl->p->arena;
	pl->p->arena += (bytes + 63) & ~(size_t)63;
	return at;
}

/* ---- regions ----------------------------------------------------------------------------------- */

static int64_t extent_of(planner *pl, const sch_region *g)
{
	if (g->hi == NONE)
		return 0;
	int64_t lo = g->kind == REGION_RANGE && g->lo != NONE ? pl->inst->sizes[g->lo] : 0, hi = pl->inst->sizes[g->hi];
	return hi > lo ? hi - lo : 0;
}

/* A range is empty when the range nested in it is. */
static int64_t nested_extent(planner *pl, const sch_region *g)
{
	int64_t own = extent_of(pl, g);
	for (uint32_t n = g->nest; n != NONE; n = region_of(pl, n)->nest)
		if (extent_of(pl, region_of(pl, n)) == 0)
			return 0;
	return own;
}

static void plan_head(planner *pl, region_plan *r)
{
	const sch_region *g = r->def;
	r->where = local_reg(pl, r, g->where);
	r->value = local_reg(pl, r, g->value);
	r->var = r->entry = r->flat = r->at = NONE;
	r->driver = g->page == NONE ? NULL : &pl->inst->pages[g->page];
	if (r->id == 0)
		return;
	r->at = g->kind == REGION_PREFIX ? local_var(pl, r->parent, g->at) : g->kind == REGION_RANGE ? NONE : local_reg(pl, r->parent, g->at);
	r->keys = g->kind == REGION_GROUP ? pl->inst->sizes[r->driver->def->index_size] : 0;
	r->lo = g->kind == REGION_RANGE ? pl->inst->sizes[g->lo] : 0;
	r->extent = r->usual = nested_extent(pl, g);
	r->type = g->value == NONE ? g->type : type_of(pl, g->value);
	r->width = (uint8_t)width_of(r->type);
	r->out_width = (uint8_t)width_of(g->reducer == REDUCER_OP ? r->type : T_U32);
	r->order_free = g->reducer != REDUCER_OP || op_table[g->op].reduce == REDUCE_IDEM || !(TYPES_FLT >> r->type & 1);
	if (g->kind == REGION_RANGE || g->kind == REGION_PREFIX) {
		r->n_stack = 2;
		while (r->n_stack < 64 && r->extent >> (r->n_stack - 2))
			r->n_stack++;
		r->stack = plan_place(pl, ((size_t)pl->lanes << r->width) * r->n_stack);
	}
}

static void plan_outputs(planner *pl, region_plan *r)
{
	const sch_kernel *k = pl->p->def;
	pl->p->outputs = plan_take(pl, k->n_outputs, sizeof *pl->p->outputs);
	for (uint32_t o = 0; o < k->n_outputs && !pl->failed; o++)
		pl->p->outputs[o] = local_reg(pl, r, pl->s->outputs[k->first_output + o].reg);
}

void plan_region(planner *pl, region_plan *r)
{
	const sch_region *g = r->def;
	const sch_kernel *k = pl->p->def;
	r->parent = g->parent == NONE ? NULL : &pl->p->regions[g->parent];
	region_names *names = &pl->names[r->id];
	names->regs = malloc((size_t)(k->n_regs + 1) * sizeof *names->regs);
	if (!names->regs) {
		pl->failed = true;
		return;
	}
	memset(names->regs, 0xff, (size_t)k->n_regs * sizeof *names->regs);
	plan_steps(pl, r);
	if (!pl->failed)
		plan_head(pl, r);
	if (r->id == 0 && !pl->failed)
		plan_outputs(pl, r);
	plan_order(pl, r);
	plan_native(pl, r);
	if (!pl->failed)
		plan_places(pl, r);
	free(names->regs);
	names->regs = NULL;
}

/* The position trees and messages ask for these variables even where the code does not. */
static void finish_vars(planner *pl, region_plan *r)
{
	if (r->id == 0) {
		local_var(pl, r, flat_var(pl));
		for (uint32_t v = 0; v < r->def->n_vars; v++)
			pl->p->root_vars[v] = local_var(pl, r, v);
	} else {
		local_var(pl, r, r->def->first_var);
	}
	if (pl->failed)
		return;
	r->flat = find_var(pl, r, flat_var(pl));
	r->entry = goes_by_entries(r->def) ? find_var(pl, r, entry_var(pl, r->id)) : NONE;
	r->var = r->def->n_vars ? find_var(pl, r, r->def->first_var) : NONE;
}

static red_kind kind_of(const region_plan *r)
{
	if (r->def->reducer != REDUCER_OP)
		return RED_ARG;
	return r->order_free ? RED_ANY : r->def->dense ? RED_DENSE : RED_LIST;
}

/* The rest of what a worker needs for a region, once the number of its locals is known. */
static void place_run(planner *pl, region_plan *r)
{
	for (unsigned i = 0; i < PLACE_COUNT; i++)
		r->places[i] = plan_place(pl, pl->lanes * 8);
	r->kind = kind_of(r);
	r->regs_place = plan_place(pl, r->n_locals * sizeof(lanes));
	r->vars_place = plan_place(pl, r->n_vars * sizeof(var_lanes));
	r->outer_place = plan_place(pl, pl->lanes * sizeof(uint16_t));
	r->live_place = plan_place(pl, pl->lanes);
	r->red_place = plan_place(pl, sizeof(reduction));
	if (r->id == 0)
		r->stack = plan_place(pl, (size_t)r->def->n_vars * TILE * sizeof(int64_t)); /* vectors of the domain's variables */
	if (r->id != 0 && r->kind == RED_LIST)
		r->list_place = plan_place(pl, sizeof(list_tree));
	r->segments_place = plan_place(pl, pl->lanes * sizeof(segment));
	r->key_place = plan_place(pl, (r->parent ? r->parent->n_vars : 0) * sizeof(int64_t));
}

static void find_definitions(planner *pl)
{
	for (uint32_t r = 0; r < pl->p->def->n_regions; r++) {
		const sch_region *g = region_of(pl, r);
		for (uint32_t i = g->first_instr; i < g->first_instr + g->n_instr; i++) {
			const sch_instr *in = instr_of(pl, i);
			pl->def_region[in->dst] = r;
			pl->def_instr[in->dst] = i;
			if (in->code == CODE_REDUCE && in->b != NONE) {
				pl->def_region[in->b] = r;
				pl->def_instr[in->b] = i;
			}
		}
	}
}

static void plan_tables(planner *pl)
{
	const sch_kernel *k = pl->p->def;
	pl->names = plan_take(pl, k->n_regions, sizeof *pl->names);
	pl->def_region = plan_take(pl, k->n_regs, sizeof(uint32_t));
	pl->def_instr = plan_take(pl, k->n_regs, sizeof(uint32_t));
	pl->needed = plan_take(pl, k->n_instr, 1);
	pl->p->regions = plan_take(pl, k->n_regions, sizeof *pl->p->regions);
	pl->p->reads = plan_take(pl, k->n_reads, sizeof *pl->p->reads);
	pl->p->n_regions = k->n_regions;
	pl->p->n_reads = k->n_reads;
}

/* A page of few elements, in one region: its lanes have room of their own, so that running it needs no preparation. */
static bool is_small(const planner *pl)
{
	const page *to = pl->p->pass ? &pl->inst->pages[pl->p->pass->page] : NULL;
	return to && pl->p->pass->kind == PASS_MAP && pl->p->def->n_regions == 1 && !(to->def->flags & PAGEF_SPARSE) &&
	       to->count <= SMALL_COUNT && pl->p->def->n_outputs <= SMALL_OUTPUTS;
}

kernel_plan *plan_new(mmsb_instance *inst, const kernel_table *k, uint32_t kernel, const sch_pass *pass)
{
	planner pl = {.inst = inst, .s = inst->sch, .k = k};
	pl.p = calloc(1, sizeof *pl.p);
	if (!pl.p)
		return NULL;
	pl.p->def = &inst->sch->kernels[kernel];
	pl.p->pass = pass;
	pl.p->by_entry = pl.p->by_region = NONE;
	pl.p->small = is_small(&pl);
	pl.lanes = pl.p->small ? (size_t)(inst->pages[pass->page].count + 7) / 8 * 8 : TILE;
	plan_tables(&pl);
	if (!pl.failed) {
		find_definitions(&pl);
		for (uint32_t r = 0; r < pl.p->n_regions; r++) {
			pl.p->regions[r].id = r;
			pl.p->regions[r].def = region_of(&pl, r);
			if (region_of(&pl, r)->parent != NONE)
				pl.p->regions[r].parent = &pl.p->regions[region_of(&pl, r)->parent];
		}
		plan_region(&pl, &pl.p->regions[0]);
		for (uint32_t r = 0; r < pl.p->n_regions && !pl.failed; r++)
			finish_vars(&pl, &pl.p->regions[r]);
		for (uint32_t r = 0; r < pl.p->n_regions && !pl.failed; r++)
			bounds_plan(&pl, &pl.p->regions[r]);
		for (uint32_t r = 0; r < pl.p->n_regions && !pl.failed; r++)
			place_run(&pl, &pl.p->regions[r]);
		pl.p->runs_place = plan_place(&pl, pl.p->n_regions * sizeof(run));
	}
	if (!pl.failed)
		plan_costs(&pl);
	for (uint32_t r = 1; r < pl.p->n_regions && inst->native && pass && !pl.failed; r++)
		pl.p->regions[r].block = block_plan_new(&pl, &pl.p->regions[r], (uint32_t)(pass - inst->sch->passes));
	if (!pl.failed)
		pour_plan(&pl);
	if (!pl.failed)
		ranges_plan(&pl);
	if (!pl.failed)
		store_plan(&pl);
	if (!pl.failed && pass)
		plan_routes(&pl);
	if (pl.failed) {
		plan_free(pl.p);
		return NULL;
	}
	return pl.p;
}
