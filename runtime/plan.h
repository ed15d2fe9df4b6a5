/* plan.h - what the parts of the planner share. Internal.
 *
 *   plan.c         regions and their order; the arena
 *   plan_names.c   registers and variables of the kernel as locals of regions
 *   plan_read.c    reads: positions as sums over variables
 *   plan_code.c    instructions: the order of running, places for results
 *   plan_cost.c    what decides how reductions and tiles are run */
#ifndef MMSB_PLAN_H
#define MMSB_PLAN_H

#include "exec.h"

/* Where a region's registers and variables of the kernel are found: registers by number (NONE: not here; only while the
 * region or one within it is being planned), variables as a list by local. */
typedef struct region_names {
	uint32_t *regs;
	uint32_t *vars;
} region_names;

typedef struct planner {
	mmsb_instance *inst;
	const schedule *s;
	const kernel_table *k;
	kernel_plan *p;
	size_t lanes;           /* that a register holds: TILE, or fewer of a small plan */
	bool failed;            /* no memory */
	region_names *names;    /* by region */
	uint32_t *def_region;   /* of each register: the region that writes it */
	uint32_t *def_instr;
	uint8_t *needed;        /* by instruction: `where` needs it */
	size_t free_place[WIDTHS][512];
	uint32_t n_free[WIDTHS];
} planner;

/* Zeroed memory that lives as long as the plan; NULL (and pl->failed) when there is none. */
void *plan_take(planner *pl, size_t n, size_t size);

/* Bytes in the arena. */
size_t plan_place(planner *pl, size_t bytes);

/* Room for one more in an array of n that grows by doubling. */
void *plan_more(planner *pl, void *array, uint32_t n, size_t size);

static inline const sch_region *region_of(const planner *pl, uint32_t id) { return &pl->s->regions[pl->p->def->first_region + id]; }
static inline const sch_instr *instr_of(const planner *pl, uint32_t i) { return &pl->s->instrs[pl->p->def->first_instr + i]; }
static inline uint8_t type_of(const planner *pl, uint32_t reg) { return pl->s->reg_types[pl->p->def->first_reg_type + reg]; }
static inline bool goes_by_entries(const sch_region *g)
{
	return g->kind == REGION_ROW || g->kind == REGION_COL || g->kind == REGION_ENTRIES;
}

/* Constants, params and sizes: known before the pass runs. */
bool plan_known(const sch_instr *in);

/* The local number of a register or variable in region r, imported from the region around if need be. Variables are those of the
 * kernel, then the entry id of each region, then the position in the page. */
uint32_t local_reg(planner *pl, region_plan *r, uint32_t reg);
uint32_t local_var(planner *pl, region_plan *r, uint32_t var);
uint32_t find_var(const planner *pl, const region_plan *r, uint32_t var); /* NONE: not asked for yet */
static inline uint32_t entry_var(const planner *pl, uint32_t region) { return pl->p->def->n_vars + region; }
static inline uint32_t flat_var(const planner *pl) { return pl->p->def->n_vars + pl->p->def->n_regions; }

void plan_read(planner *pl, region_plan *r, uint32_t id);

/* Register `at` of region 0 is its only variable: the position in the page. */
bool plan_is_the_variable(const kernel_plan *, uint32_t at);

/* The region's steps, all but their order and places; calls plan_region for the regions of its reductions. */
void plan_steps(planner *pl, region_plan *r);
void plan_region(planner *pl, region_plan *r);

/* What `where` needs goes first; then places for results. */
void plan_order(planner *pl, region_plan *r);
void plan_places(planner *pl, region_plan *r);

/* Between the two: which steps run as one function of native code. */
void plan_native(planner *pl, region_plan *r);

/* Each local that a step uses in its region. */
typedef void plan_use_fn(void *context, uint32_t local);
void plan_each_use(const step *, plan_use_fn *, void *context);

void plan_costs(planner *pl);

#endif
