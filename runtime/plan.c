/* plan.c - makes a kernel ready to run: the code of each region in the order of running, its registers and variables numbered
 * within the region, and places for them in a worker's arena. Needs bound sizes for all but constants. */
#include <stdlib.h>
#include <string.h>

#include "exec.h"

/* ---- memory of a plan: blocks that are freed together ------------------------------------------ */

struct plan_memory {
	struct plan_memory *next;
	max_align_t data[];
};

typedef struct planner {
	mmsb_instance *inst;
	const schedule *s;
	const kernel_table *k;
	kernel_plan *p;
	bool failed;            /* no memory */
	struct region_maps *maps; /* by region */
	uint32_t *def_region;   /* of each register: the region that writes it */
	uint32_t *def_instr;
	uint32_t *last_use;     /* by local: step */
	uint8_t *needed;        /* by instruction: `where` needs it */
	size_t free_place[WIDTHS][512];
	uint32_t n_free[WIDTHS];
} planner;

/* Registers and variables of the kernel to locals of a region, or NONE. */
typedef struct region_maps {
	uint32_t *regs, *vars;
} region_maps;

static void *take(planner *pl, size_t n, size_t size)
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
	while (p->memory) {
		struct plan_memory *next = p->memory->next;
		free(p->memory);
		p->memory = next;
	}
	free(p);
}

/* ---- places in the arena ----------------------------------------------------------------------- */

static size_t place(planner *pl, size_t bytes)
{
	size_t at = pl->p->arena;
	pl->p->arena += (bytes + 63) & ~(size_t)63;
	return at;
}

static size_t place_lanes(planner *pl, unsigned width)
{
	if (pl->n_free[width] > 0)
		return pl->free_place[width][--pl->n_free[width]];
	return place(pl, (size_t)TILE << width);
}

static void release_lanes(planner *pl, unsigned width, size_t at)
{
	if (pl->n_free[width] < 512)
		pl->free_place[width][pl->n_free[width]++] = at;
}

/* ---- names within a region --------------------------------------------------------------------- */

static const sch_region *region_of(const planner *pl, uint32_t id) { return &pl->s->regions[pl->p->def->first_region + id]; }
static const sch_instr *instr_of(const planner *pl, uint32_t i) { return &pl->s->instrs[pl->p->def->first_instr + i]; }
static uint8_t type_of(const planner *pl, uint32_t reg) { return pl->s->reg_types[pl->p->def->first_reg_type + reg]; }

static bool is_known(const sch_instr *in) { return in->code == CODE_CONST || in->code == CODE_PARAM || in->code == CODE_SIZE; }

static scalar known_value(const planner *pl, const sch_instr *in)
{
	scalar v = {.bits = in->imm};
	if (in->code == CODE_PARAM)
		v = pl->inst->params[in->a];
	else if (in->code == CODE_SIZE)
		v.I64 = pl->inst->sizes[in->a];
	return v;
}

/* Room for one more in an array of a region that grows by doubling (old copies stay in the plan's memory). */
static void *more(planner *pl, void *array, uint32_t n, size_t size)
{
	if (n & (n - 1) || (n == 0 && array))
		return array;
	void *bigger = take(pl, n ? (size_t)n * 2 : 1, size);
	if (bigger && n)
		memcpy(bigger, array, n * size);
	return bigger ? bigger : array;
}

static void region_locals(planner *pl, region_plan *r);

static region_maps *maps_of(planner *pl, const region_plan *r) { return &pl->maps[r->id]; }

static uint32_t add_known(planner *pl, region_plan *r, const sch_instr *in)
{
	r->knowns = more(pl, r->knowns, r->n_knowns, sizeof *r->knowns);
	if (pl->failed)
		return 0;
	known *k = &r->knowns[r->n_knowns++];
	*k = (known){r->n_locals++, in->type, known_value(pl, in), place(pl, (size_t)TILE << width_of(in->type))};
	return k->local;
}

/* The local number of a register in region r, imported from the region around if need be. */
static uint32_t local_reg(planner *pl, region_plan *r, uint32_t reg)
{
	if (reg == NONE || pl->failed)
		return NONE;
	uint32_t *map = maps_of(pl, r)->regs;
	if (map[reg] != NONE)
		return map[reg];
	const sch_instr *in = instr_of(pl, pl->def_instr[reg]);
	if (is_known(in) && in->dst == reg)
		return map[reg] = add_known(pl, r, in);
	if (pl->def_region[reg] == r->id)
		return map[reg] = r->n_locals++;
	uint32_t from = local_reg(pl, r->parent, reg);
	r->imports = more(pl, r->imports, r->n_imports, sizeof *r->imports);
	if (pl->failed)
		return 0;
	unsigned width = width_of(type_of(pl, reg));
	import *im = &r->imports[r->n_imports++];
	*im = (import){from, r->n_locals++, (uint8_t)width, place(pl, (size_t)TILE << width)};
	return map[reg] = im->to;
}

/* Variables: those of the kernel, then for each region its entry id, then the position in the page. */
static uint32_t var_owner(const planner *pl, uint32_t var)
{
	const sch_kernel *k = pl->p->def;
	if (var == k->n_vars + k->n_regions)
		return 0;
	if (var >= k->n_vars)
		return var - k->n_vars;
	return NONE;
}

static bool owns_var(const planner *pl, const region_plan *r, uint32_t var)
{
	uint32_t owner = var_owner(pl, var);
	return owner == NONE ? var >= r->def->first_var && var - r->def->first_var < r->def->n_vars : owner == r->id;
}

static uint32_t local_var(planner *pl, region_plan *r, uint32_t var)
{
	if (pl->failed)
		return NONE;
	uint32_t *map = maps_of(pl, r)->vars;
	if (map[var] != NONE)
		return map[var];
	if (owns_var(pl, r, var))
		return map[var] = r->n_vars++;
	uint32_t from = local_var(pl, r->parent, var);
	r->var_imports = more(pl, r->var_imports, r->n_var_imports, sizeof *r->var_imports);
	if (pl->failed)
		return 0;
	import *im = &r->var_imports[r->n_var_imports++];
	*im = (import){from, r->n_vars++, 3, place(pl, TILE * 8)};
	return map[var] = im->to;
}

/* ---- reads ------------------------------------------------------------------------------------- */

static void plan_dim(planner *pl, region_plan *r, read_plan *rp, const sch_index *x, dim_plan *d)
{
	var_term *terms = take(pl, x->n_terms, sizeof *terms);
	if (pl->failed)
		return;
	d->constant = x->constant;
	d->terms = terms;
	d->reg = local_reg(pl, r, x->reg);
	d->reg_type = (uint8_t)x->reg_type;
	rp->n_regs += x->reg != NONE;
	for (uint32_t t = 0; t < x->n_terms; t++) {
		const sch_term *term = &pl->s->terms[x->first_term + t];
		if (term->kind == TERM_SIZE)
			d->constant = (int64_t)((uint64_t)d->constant + (uint64_t)term->coef * (uint64_t)pl->inst->sizes[term->id]);
		else if (term->coef != 0)
			terms[d->n_terms++] = (var_term){local_var(pl, r, term->id), term->coef};
	}
}

/* Without a view the position is one sum over all dimensions. */
static void flatten(planner *pl, read_plan *rp)
{
	uint32_t n = 0;
	for (uint32_t d = 0; d < rp->n_dims; d++)
		n += rp->dims[d].n_terms;
	var_term *terms = take(pl, n, sizeof *terms);
	if (pl->failed)
		return;
	rp->terms = terms;
	for (uint32_t d = 0; d < rp->n_dims; d++) {
		const dim_plan *dim = &rp->dims[d];
		rp->constant = (int64_t)((uint64_t)rp->constant + (uint64_t)dim->constant * (uint64_t)dim->stride);
		for (uint32_t t = 0; t < dim->n_terms; t++) {
			int64_t coef = (int64_t)((uint64_t)dim->terms[t].coef * (uint64_t)dim->stride);
			uint32_t at = 0;
			while (at < rp->n_terms && terms[at].var != dim->terms[t].var)
				at++;
			if (at == rp->n_terms)
				terms[rp->n_terms++] = (var_term){dim->terms[t].var, 0};
			terms[at].coef = (int64_t)((uint64_t)terms[at].coef + (uint64_t)coef);
		}
	}
}

static bool goes_by_entries(const sch_region *g)
{
	return g->kind == REGION_ROW || g->kind == REGION_COL || g->kind == REGION_ENTRIES;
}

static void one_term(planner *pl, region_plan *r, read_plan *rp, uint32_t var)
{
	var_term *term = take(pl, 1, sizeof *term);
	if (!term)
		return;
	*term = (var_term){local_var(pl, r, var), 1};
	rp->terms = term;
	rp->n_terms = 1;
}

static void plan_read(planner *pl, region_plan *r, uint32_t id)
{
	read_plan *rp = &pl->p->reads[id];
	const sch_read *def = &pl->s->reads[pl->p->def->first_read + id];
	const sch_kernel *k = pl->p->def;
	rp->def = def;
	rp->from = &pl->inst->pages[def->page];
	rp->type = def->field == NONE ? rp->from->def->type : pl->s->fields[pl->s->records[rp->from->def->record].first_field + def->field].type;
	rp->pad = local_reg(pl, r, def->pad);
	if (def->cls == READ_ENTRY) {
		region_plan *driver = r;
		while (!goes_by_entries(driver->def))
			driver = driver->parent;
		one_term(pl, r, rp, k->n_vars + driver->id);
		return;
	}
	dim_plan *dims = take(pl, def->n_index, sizeof *dims);
	if (!dims)
		return;
	rp->dims = dims;
	rp->n_dims = def->n_index;
	for (uint32_t d = 0; d < def->n_index; d++) {
		dims[d].extent = rp->from->dims[d];
		dims[d].stride = rp->from->strides[d];
		rp->empty |= dims[d].extent <= 0;
	}
	if (def->cls == READ_SAME) {
		rp->n_dims = 0;
		one_term(pl, r, rp, k->n_vars + k->n_regions);
		return;
	}
	for (uint32_t d = 0; d < def->n_index; d++)
		plan_dim(pl, r, rp, &pl->s->indices[def->first_index + d], &dims[d]);
	if (def->view == RV_NONE && def->cls != READ_LOOKUP && !pl->failed)
		flatten(pl, rp);
}

/* ---- code -------------------------------------------------------------------------------------- */

static uint8_t arity_of(const sch_instr *in)
{
	switch ((code_id)in->code) {
	case CODE_OP: return op_table[in->op].arity;
	case CODE_CONV: case CODE_TO_INDEX: case CODE_GUARD: return 1;
	default: return 0;
	}
}

static void plan_step(planner *pl, region_plan *r, const sch_instr *in)
{
	step *s = &r->steps[r->n_steps++];
	const uint32_t args[3] = {in->a, in->b, in->c};
	*s = (step){.code = in->code, .op = in->op, .type = in->type, .type2 = in->type2, .def = in, .count = NONE};
	s->arity = arity_of(in);
	for (unsigned i = 0; i < 3; i++)
		s->args[i] = i < s->arity ? local_reg(pl, r, args[i]) : NONE;
	s->mask = local_reg(pl, r, in->mask);
	s->dst_type = type_of(pl, in->dst);
	s->dst = local_reg(pl, r, in->dst);
	switch ((code_id)in->code) {
	case CODE_OP:
		s->fn = pl->k->op[in->op][in->type];
		s->can_fail = (op_table[in->op].flags & OPF_FAILS) && (TYPES_INT >> in->type & 1);
		break;
	case CODE_CONV:
		s->fn = pl->k->conv[in->type2][in->type];
		break;
	case CODE_VAR:
		s->args[0] = local_var(pl, r, in->a);
		break;
	case CODE_READ:
		plan_read(pl, r, in->a);
		s->read = &pl->p->reads[in->a];
		break;
	case CODE_TO_INDEX:
		s->size = pl->inst->sizes[in->b];
		s->can_fail = true;
		break;
	case CODE_GUARD:
		s->read = in->b == NONE ? NULL : &pl->p->reads[in->b];
		s->can_fail = true;
		break;
	case CODE_REDUCE:
		s->child = &pl->p->regions[in->a];
		if (in->b != NONE)
			s->count = local_reg(pl, r, in->b);
		region_locals(pl, s->child);
		break;
	default:
		break;
	}
}

/* Marks what a register of region r needs within r. */
static void need(planner *pl, const region_plan *r, uint32_t reg);

static void need_region(planner *pl, const region_plan *outer, const region_plan *child)
{
	for (uint32_t i = 0; i < child->n_imports; i++)
		for (uint32_t j = 0; j < outer->n_steps; j++)
			if (outer->steps[j].dst == child->imports[i].from || outer->steps[j].count == child->imports[i].from)
				need(pl, outer, outer->steps[j].def->dst);
	if (child->def->kind != REGION_PREFIX && child->def->kind != REGION_RANGE)
		need(pl, outer, child->def->at);
}

static void need(planner *pl, const region_plan *r, uint32_t reg)
{
	if (reg == NONE || pl->def_region[reg] != r->id)
		return;
	uint32_t i = pl->def_instr[reg];
	if (pl->needed[i])
		return;
	pl->needed[i] = 1;
	const sch_instr *in = instr_of(pl, i);
	const uint32_t args[3] = {in->a, in->b, in->c};
	for (unsigned a = 0; a < arity_of(in); a++)
		need(pl, r, args[a]);
	need(pl, r, in->mask);
	if (in->code == CODE_REDUCE)
		need_region(pl, r, &pl->p->regions[in->a]);
	if (in->code != CODE_READ)
		return;
	const sch_read *read = &pl->s->reads[pl->p->def->first_read + in->a];
	need(pl, r, read->pad);
	for (uint32_t d = 0; d < read->n_index; d++)
		need(pl, r, pl->s->indices[read->first_index + d].reg);
}

/* What `where` needs goes first, so that the rest knows who is present. */
static void order_steps(planner *pl, region_plan *r)
{
	r->n_before = 0;
	if (r->def->where == NONE || pl->failed)
		return;
	need(pl, r, r->def->where);
	step *sorted = take(pl, r->n_steps, sizeof *sorted);
	if (!sorted)
		return;
	uint32_t n = 0;
	for (int late = 0; late < 2; late++) {
		for (uint32_t i = 0; i < r->n_steps; i++) {
			uint32_t id = (uint32_t)(r->steps[i].def - instr_of(pl, 0));
			if (pl->needed[id] == !late)
				sorted[n++] = r->steps[i];
		}
		if (!late)
			r->n_before = n;
	}
	r->steps = sorted;
}

static void use(planner *pl, uint32_t local, uint32_t at)
{
	if (local != NONE)
		pl->last_use[local] = at;
}

static void use_read(planner *pl, const read_plan *rp, uint32_t at)
{
	use(pl, rp->pad, at);
	for (uint32_t d = 0; d < rp->n_dims; d++)
		use(pl, rp->dims[d].reg, at);
}

static void find_uses(planner *pl, region_plan *r)
{
	const sch_kernel *k = pl->p->def;
	for (uint32_t i = 0; i < r->n_steps; i++) {
		const step *s = &r->steps[i];
		if (s->code != CODE_VAR)
			for (unsigned a = 0; a < 3; a++)
				use(pl, s->args[a], i);
		use(pl, s->mask, i);
		if (s->read)
			use_read(pl, s->read, i);
		if (s->code == CODE_REDUCE) {
			for (uint32_t m = 0; m < s->child->n_imports; m++)
				use(pl, s->child->imports[m].from, i);
			if (s->child->def->kind != REGION_PREFIX)
				use(pl, s->child->at, i);
		}
	}
	use(pl, r->where, UINT32_MAX);
	use(pl, r->value, UINT32_MAX);
	if (r->id == 0)
		for (uint32_t o = 0; o < k->n_outputs; o++)
			use(pl, pl->p->outputs[o], UINT32_MAX);
}

/* Places for results: a register's place is free again after its last use. What a step makes by pointing at another register's lanes (GUARD,
 * VAR) prolongs that register's life. */
static void place_steps(planner *pl, region_plan *r)
{
	uint32_t *uses = take(pl, r->n_locals, sizeof *uses);
	size_t *places = take(pl, r->n_locals, sizeof *places);
	uint8_t *widths = take(pl, r->n_locals, 1), *placed = take(pl, r->n_locals, 1);
	if (pl->failed)
		return;
	pl->last_use = uses;
	find_uses(pl, r);
	for (uint32_t i = r->n_steps; i-- > 0;) {
		const step *s = &r->steps[i];
		if (s->code == CODE_GUARD && uses[s->args[0]] < uses[s->dst])
			uses[s->args[0]] = uses[s->dst];
	}
	memset(pl->n_free, 0, sizeof pl->n_free);
	for (uint32_t i = 0; i < r->n_steps; i++) {
		step *s = &r->steps[i];
		s->place = place_lanes(pl, width_of(s->dst_type));
		places[s->dst] = s->place;
		widths[s->dst] = (uint8_t)width_of(s->dst_type);
		placed[s->dst] = 1;
		if (s->count != NONE) {
			s->count_place = place_lanes(pl, 3);
			places[s->count] = s->count_place;
			widths[s->count] = 3;
			placed[s->count] = 1;
		}
		for (uint32_t l = 0; l < r->n_locals; l++)
			if (placed[l] && uses[l] <= i) {
				release_lanes(pl, widths[l], places[l]);
				placed[l] = 0;
			}
	}
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
	r->extent = nested_extent(pl, g);
	r->type = g->value == NONE ? g->type : type_of(pl, g->value);
	r->width = (uint8_t)width_of(r->type);
	r->out_width = (uint8_t)width_of(g->reducer == REDUCER_OP ? r->type : T_U32);
	r->order_free = g->reducer != REDUCER_OP || op_table[g->op].reduce == REDUCE_IDEM || !(TYPES_FLT >> r->type & 1);
	if (g->kind == REGION_RANGE || g->kind == REGION_PREFIX) {
		r->n_stack = 2;
		while (r->n_stack < 64 && r->extent >> (r->n_stack - 2))
			r->n_stack++;
		r->stack = place(pl, ((size_t)TILE << r->width) * r->n_stack);
	}
}

static void region_locals(planner *pl, region_plan *r)
{
	const sch_region *g = r->def;
	r->parent = g->parent == NONE ? NULL : &pl->p->regions[g->parent];
	r->steps = take(pl, g->n_instr, sizeof *r->steps);
	if (pl->failed)
		return;
	for (uint32_t i = 0; i < g->n_instr && !pl->failed; i++) {
		const sch_instr *in = instr_of(pl, g->first_instr + i);
		if (!is_known(in))
			plan_step(pl, r, in);
	}
	plan_head(pl, r);
	if (pl->failed)
		return;
	const sch_kernel *k = pl->p->def;
	if (r->id == 0) {
		pl->p->outputs = take(pl, k->n_outputs, sizeof *pl->p->outputs);
		for (uint32_t o = 0; o < k->n_outputs && !pl->failed; o++)
			pl->p->outputs[o] = local_reg(pl, r, pl->s->outputs[k->first_output + o].reg);
	}
	order_steps(pl, r);
	if (!pl->failed)
		place_steps(pl, r);
}

/* The position trees and messages ask for these variables even where the code does not. */
static void finish_vars(planner *pl, region_plan *r)
{
	const sch_kernel *k = pl->p->def;
	uint32_t *map = maps_of(pl, r)->vars;
	if (r->id == 0) {
		local_var(pl, r, k->n_vars + k->n_regions);
		for (uint32_t v = 0; v < r->def->n_vars; v++)
			pl->p->root_vars[v] = local_var(pl, r, v);
	} else {
		local_var(pl, r, r->def->first_var);
	}
	if (pl->failed)
		return;
	r->flat = map[k->n_vars + k->n_regions];
	r->entry = goes_by_entries(r->def) ? map[k->n_vars + r->id] : NONE;
	r->var = r->def->n_vars ? map[r->def->first_var] : NONE;
}

/* How many of a read's positions lie apart when its lanes go along `var`. */
static bool strides(planner *pl, const region_plan *at, const read_plan *rp, uint32_t var)
{
	uint32_t local = maps_of(pl, at)->vars[var];
	if (local == NONE || rp->def->cls == READ_LOOKUP || rp->def->cls == READ_ENTRY)
		return false;
	int64_t coef = 0;
	for (uint32_t d = 0; d < rp->n_dims; d++)
		for (uint32_t t = 0; t < rp->dims[d].n_terms; t++)
			if (rp->dims[d].terms[t].var == local)
				coef += rp->dims[d].terms[t].coef * rp->dims[d].stride;
	return coef > 1 || coef < -1;
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
	case REGION_RANGE: return (double)r->extent;
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

static void shape_tiles(planner *pl)
{
	kernel_plan *p = pl->p;
	const sch_region *g = p->regions[0].def;
	p->nested = p->n_regions > 1;
	if (g->kind != REGION_DOMAIN || g->n_vars == 0)
		return;
	p->serial = has_prefix_along(p, g->n_vars - 1);
	int64_t last = p->pass ? pl->inst->pages[p->pass->page].dims[g->n_vars - 1] : 0;
	p->by_rows = g->n_vars == 1 || last >= 64 || p->serial;
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
		r->places[i] = place(pl, TILE * 8);
	r->kind = kind_of(r);
	r->regs_place = place(pl, r->n_locals * sizeof(lanes));
	r->vars_place = place(pl, r->n_vars * sizeof(var_lanes));
	r->outer_place = place(pl, TILE * sizeof(uint16_t));
	r->live_place = place(pl, TILE);
	r->red_place = place(pl, sizeof(reduction));
	if (r->id == 0)
		r->stack = place(pl, (size_t)r->def->n_vars * TILE * sizeof(int64_t)); /* vectors of the domain's variables */
	if (r->id != 0 && r->kind == RED_LIST)
		r->list_place = place(pl, sizeof(list_tree));
	r->segments_place = place(pl, TILE * sizeof(segment));
	r->key_place = place(pl, (r->parent ? r->parent->n_vars : 0) * sizeof(int64_t));
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

static void plan_maps(planner *pl)
{
	const sch_kernel *k = pl->p->def;
	uint32_t n_vars = k->n_vars + k->n_regions + 1;
	region_maps *maps = take(pl, k->n_regions, sizeof *maps);
	pl->maps = maps;
	for (uint32_t r = 0; r < k->n_regions && !pl->failed; r++) {
		maps[r].regs = take(pl, k->n_regs, sizeof(uint32_t));
		maps[r].vars = take(pl, n_vars, sizeof(uint32_t));
		if (pl->failed)
			return;
		memset(maps[r].regs, 0xff, k->n_regs * sizeof(uint32_t));
		memset(maps[r].vars, 0xff, n_vars * sizeof(uint32_t));
	}
	pl->def_region = take(pl, k->n_regs, sizeof(uint32_t));
	pl->def_instr = take(pl, k->n_regs, sizeof(uint32_t));
	pl->needed = take(pl, k->n_instr, 1);
	pl->p->regions = take(pl, k->n_regions, sizeof *pl->p->regions);
	pl->p->reads = take(pl, k->n_reads, sizeof *pl->p->reads);
	pl->p->n_regions = k->n_regions;
	pl->p->n_reads = k->n_reads;
}

kernel_plan *plan_new(mmsb_instance *inst, const kernel_table *k, uint32_t kernel, const sch_pass *pass)
{
	planner pl = {.inst = inst, .s = inst->sch, .k = k};
	pl.p = calloc(1, sizeof *pl.p);
	if (!pl.p)
		return NULL;
	pl.p->def = &inst->sch->kernels[kernel];
	pl.p->pass = pass;
	plan_maps(&pl);
	if (!pl.failed) {
		find_definitions(&pl);
		for (uint32_t r = 0; r < pl.p->n_regions; r++) {
			pl.p->regions[r].id = r;
			pl.p->regions[r].def = region_of(&pl, r);
			if (region_of(&pl, r)->parent != NONE)
				pl.p->regions[r].parent = &pl.p->regions[region_of(&pl, r)->parent];
		}
		region_locals(&pl, &pl.p->regions[0]);
		for (uint32_t r = 0; r < pl.p->n_regions && !pl.failed; r++)
			finish_vars(&pl, &pl.p->regions[r]);
		for (uint32_t r = 0; r < pl.p->n_regions && !pl.failed; r++)
			place_run(&pl, &pl.p->regions[r]);
		pl.p->runs_place = place(&pl, pl.p->n_regions * sizeof(run));
	}
	if (!pl.failed) {
		weigh(&pl, &pl.p->regions[0]);
		shape_tiles(&pl);
	}
	if (pl.failed) {
		plan_free(pl.p);
		return NULL;
	}
	return pl.p;
}
