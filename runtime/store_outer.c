/* store_outer.c - the outer elements of stores: which variables tell them apart, which elements of the page have the value of which, and what
 * is made ready for elements that ask for a value that is not held. */
#include <string.h>

#include "plan.h"
#include "route.h"
#include "store_parts.h"

/* ---- which variables --------------------------------------------------------------------------- */

static void need_local(void *needed, uint32_t local) { ((uint8_t *)needed)[local] = 1; }

uint32_t store_var_set(const kernel_plan *p, uint32_t local)
{
	for (uint32_t d = 0; d < p->regions[0].def->n_vars; d++)
		if (p->root_vars[d] == local)
			return 1u << d;
	return ALL_VARS; /* the position in the page, or an entry */
}

static uint32_t vars_of_step(const kernel_plan *p, const step *s)
{
	uint32_t vars = s->code == CODE_VAR ? store_var_set(p, s->args[0]) : 0;
	if (s->code != CODE_READ)
		return vars;
	for (uint32_t t = 0; t < s->read->n_terms; t++)
		vars |= store_var_set(p, s->read->terms[t].var);
	for (uint32_t d = 0; d < s->read->n_dims; d++)
		for (uint32_t t = 0; t < s->read->dims[d].n_terms; t++)
			vars |= store_var_set(p, s->read->dims[d].terms[t].var);
	return vars;
}

bool store_find_steps(planner *pl, uint8_t *needed, store_steps *out, uint32_t *vars)
{
	const region_plan *root = &pl->p->regions[0];
	out->at = plan_take(pl, root->n_steps, sizeof *out->at);
	if (!out->at)
		return false;
	uint32_t n = 0;
	for (uint32_t i = root->n_steps; i-- > 0;) {
		const step *s = &root->steps[i];
		if (!needed[s->dst] && (s->count == NONE || !needed[s->count]))
			continue;
		if (s->code == CODE_REDUCE)
			return false;
		*vars |= vars_of_step(pl->p, s);
		plan_each_use(s, need_local, needed);
		out->at[n++] = s;
	}
	for (uint32_t i = 0; i < n / 2; i++) {
		const step *s = out->at[i];
		out->at[i] = out->at[n - 1 - i];
		out->at[n - 1 - i] = s;
	}
	out->n = n;
	return true;
}

/* What operands need of region 0, and which variables they depend on. */
static bool find_needed(planner *pl, struct store *st, uint32_t *vars)
{
	const region_plan *root = &pl->p->regions[0], *r = st->plan;
	uint8_t *needed = plan_take(pl, root->n_locals + 1u, 1);
	if (!needed)
		return false;
	for (uint32_t i = 0; i < r->n_imports; i++)
		needed[r->imports[i].from] = 1;
	for (uint32_t i = 0; i < r->n_var_imports; i++)
		*vars |= store_var_set(pl->p, r->var_imports[i].from);
	return store_find_steps(pl, needed, &st->needed, vars);
}

static bool find_reduce(struct store *st)
{
	const region_plan *root = &st->kernel->regions[0];
	for (uint32_t i = 0; i < root->n_steps; i++)
		if (root->steps[i].child == st->plan)
			st->reduce = &root->steps[i];
	return st->reduce != NULL;
}

/* The same of what the region goes by; NONE, or the variable that it is. */
static bool find_key(planner *pl, struct store *st, uint32_t *vars)
{
	const region_plan *root = &pl->p->regions[0], *r = st->plan;
	uint8_t *needed = plan_take(pl, root->n_locals + 1u, 1);
	st->shape.key = NONE;
	if (!needed)
		return false;
	needed[r->at] = 1;
	st->key_found = store_find_steps(pl, needed, &st->key_steps, vars);
	if (!st->key_found)
		*vars = ALL_VARS;
	else if (st->key_steps.n == 1 && st->key_steps.at[0]->code == CODE_VAR && *vars != ALL_VARS)
		st->shape.key = (uint32_t)__builtin_ctz(*vars);
	return !pl->failed;
}

/* ---- axes -------------------------------------------------------------------------------------- */

static bool add_axis(struct store *st, uint32_t var, uint64_t extent)
{
	st->axes[st->n_axes++] = (store_axis){var, extent};
	return !__builtin_mul_overflow(st->outers, extent, &st->outers) && st->outers < UINT32_MAX;
}

static bool add_others(struct store *st, uint32_t var, uint64_t extent)
{
	st->shape.vars[st->shape.n] = var;
	st->shape.dims[st->shape.n++] = (int64_t)extent;
	st->others *= extent;
	return add_axis(st, var, extent);
}

static uint64_t keys_of(const struct store *st)
{
	const region_plan *r = st->plan;
	switch ((region_kind)r->def->kind) {
	case REGION_GROUP: return (uint64_t)r->keys;
	case REGION_ROW: return (uint64_t)r->driver->dims[0];
	default: return (uint64_t)r->driver->dims[1];
	}
}

/* Of operands that elements have a part of each: by the variables that these depend on. */
static bool bounded_axes(planner *pl, struct store *st)
{
	const sch_region *root = pl->p->regions[0].def;
	uint32_t vars = 0;
	if (!bounded_find(pl, st, &vars))
		return false;
	for (uint32_t d = 0; d < root->n_vars; d++)
		if (vars >> d & 1 && !add_others(st, d, (uint64_t)st->to->dims[d]))
			return false;
	return st->outers > 0;
}

/* Elements that agree in the variables on which operands depend, and in what the region goes by, have one value. Where that is all of the
 * variables, outer elements are the page's. */
bool store_axes(planner *pl, struct store *st)
{
	const sch_region *root = pl->p->regions[0].def;
	uint32_t all = (1u << root->n_vars) - 1, vars = 0, key_vars = 0;
	region_kind kind = (region_kind)st->plan->def->kind;
	bool keyed = st->keyed = kind == REGION_GROUP || kind == REGION_ROW || kind == REGION_COL;
	st->shape.key = NONE;
	st->outers = st->others = st->inner = 1;
	if (!find_reduce(st))
		return false;
	if (st->bounded)
		return bounded_axes(pl, st);
	if (!find_needed(pl, st, &vars) || (keyed && !find_key(pl, st, &key_vars)))
		return false;
	if (kind == REGION_PREFIX) {
		st->same = true;
		st->outers = st->to->count;
		return st->outers > 0;
	}
	if (vars & ALL_VARS)
		vars = all;
	if (key_vars & ALL_VARS)
		key_vars |= all;
	uint32_t own = st->shape.key == NONE ? 0 : 1u << st->shape.key;
	if (keyed && !own && (key_vars & vars)) { /* pairs of a key and others that no element asks for */
		st->apart = st->key_found && st->reduce;
		return false;
	}
	if (root->kind != REGION_DOMAIN && (vars & ~own) && (keyed || (vars & (vars - 1))))
		return false; /* of entries: by row, or by column */
	st->same = root->kind == REGION_DOMAIN && (vars | own) == all && (!keyed || own);
	bool fits = true;
	if (keyed && !st->same)
		fits &= add_axis(st, st->shape.key, st->keys = own ? (uint64_t)st->to->dims[st->shape.key] : keys_of(st));
	for (uint32_t d = 0; d < root->n_vars; d++) {
		uint64_t extent = (uint64_t)st->to->dims[d];
		if (st->same && d == st->shape.key) {
			fits &= add_axis(st, d, st->keys = extent);
			st->inner = 1;
		} else if (vars & ~own & 1u << d) {
			fits &= add_others(st, d, extent);
			st->inner *= extent;
		}
	}
	return fits && st->outers > 0;
}

const store_shape *store_others(const region_plan *r) { return &r->store->shape; }

void store_mark_operand(const region_plan *r, bitset *to, uint64_t position)
{
	uint64_t n = r->store->others;
	bitset_set_range(to, position * n, (position + 1) * n);
}

/* ---- elements ---------------------------------------------------------------------------------- */

static uint64_t key_lane(const struct store *st, const run *r, uint32_t lane)
{
	uint8_t type = st->plan->def->at_type;
	scalar v = reg_lane(&r->regs[st->plan->at], width_of(type), lane);
	return type == T_U32 ? v.U32 : v.U64;
}

bool store_outer_of(const struct store *st, const run *r, uint32_t lane, uint64_t *outer)
{
	if (st->same) {
		*outer = (uint64_t)var_lane(&r->vars[r->plan->flat], lane);
		return true;
	}
	*outer = 0;
	for (uint32_t i = 0; i < st->n_axes; i++) {
		const store_axis *x = &st->axes[i];
		uint64_t v = x->var == NONE ? key_lane(st, r, lane) : (uint64_t)var_lane(&r->vars[st->kernel->root_vars[x->var]], lane);
		if (v >= x->extent)
			return false;
		*outer = *outer * x->extent + v;
	}
	return true;
}

void store_axes_of(const struct store *st, uint64_t outer, int64_t *at)
{
	for (uint32_t i = st->n_axes; i-- > 0; outer /= st->axes[i].extent)
		at[i] = (int64_t)(outer % st->axes[i].extent);
}

void store_vars(const update *u, const int64_t *outers, uint32_t n)
{
	const struct store *st = u->st;
	const kernel_plan *p = st->kernel;
	run *r = u->r;
	int64_t *x = (void *)(u->w->arena + r->plan->stack), at[MAX_DIMS + 1] = {0};
	r->vars[r->plan->flat] = (var_lanes){VAR_UNIFORM, 0, NULL};
	for (uint32_t d = 0; d < r->plan->def->n_vars; d++)
		r->vars[p->root_vars[d]] = (var_lanes){VAR_UNIFORM, 0, NULL};
	for (uint32_t lane = 0; lane < n; lane++) {
		store_axes_of(st, (uint64_t)outers[lane], at);
		for (uint32_t i = 0; i < st->n_axes; i++)
			if (st->axes[i].var != NONE)
				x[st->axes[i].var * TILE + lane] = at[i];
	}
	for (uint32_t i = 0; i < st->n_axes; i++) {
		uint32_t d = st->axes[i].var;
		if (d != NONE)
			r->vars[p->root_vars[d]] = (var_lanes){VAR_I64, 0, x + d * TILE};
	}
}

/* Elements that have the value of an outer element are to be evaluated. */
static void concern(const update *u, uint64_t outer)
{
	const struct store *st = u->st;
	struct executor *ex = u->w->ex;
	int64_t at[MAX_DIMS + 1] = {0}, fixed[MAX_DIMS], key = 0;
	route_sink sink = {.lanes = u->outer};
	for (uint32_t d = 0; d < MAX_DIMS; d++)
		fixed[d] = -1;
	store_axes_of(st, outer, at);
	for (uint32_t i = 0; i < st->n_axes; i++) {
		if (st->axes[i].var == NONE)
			key = at[i];
		else
			fixed[st->axes[i].var] = at[i];
	}
	route_within(ex, st->kernel, st->keyed && st->shape.key == NONE ? st->plan->id : 0, key, fixed, &sink);
	if (!sink.all)
		return;
	bitset_set_range(u->outer, 0, st->to->count);
	const pattern *pat = ex->patterns[0];
	if (pat)
		pattern_leave_out_holes(pat, u->outer);
}

void store_changed(const update *u, uint64_t outer)
{
	if (u->st->same)
		bitset_set(u->outer, outer);
	else if (u->st->ready)
		bitset_set(&u->st->changed, outer);
	else
		concern(u, outer);
}

void store_spread(const update *u)
{
	struct store *st = u->st;
	if (st->same)
		return;
	BITSET_FOR(&st->changed, outer)
		concern(u, outer);
	bitset_clear(&st->changed);
}

/* ---- values that are asked for ----------------------------------------------------------------- */

/* The outer elements of n elements; returns of how many there are some. */
static uint32_t outers_of(const update *u, int64_t *elements, uint32_t n)
{
	const struct store *st = u->st;
	uint32_t found = 0;
	u->r->n = n;
	u->r->live = NULL;
	pass_positions(u->w, st->kernel, st->to, u->r, elements);
	if (st->keyed && st->shape.key == NONE) {
		for (uint32_t i = 0; i < st->key_steps.n; i++)
			run_step(u->w, u->r, st->key_steps.at[i]);
		if (store_failed(u)) /* the pass fails, and says how */
			return 0;
	}
	int64_t outers[TILE];
	for (uint32_t i = 0; i < n; i++) {
		uint64_t outer;
		if (store_outer_of(st, u->r, i, &outer))
			outers[found++] = (int64_t)outer;
	}
	memcpy(elements, outers, found * sizeof *outers);
	return found;
}

void store_each_asked(const update *u, const bitset *elements, store_outer_fn *use)
{
	const struct store *st = u->st;
	int64_t list[TILE];
	uint32_t n = 0;
	if (st->same || (st->keyed && !st->key_found))
		return;
	for (uint64_t at = bitset_next(elements, 0);; at = bitset_next(elements, at + 1)) {
		if (at != BITSET_END)
			list[n++] = (int64_t)at;
		if (n == TILE || at == BITSET_END) {
			uint32_t found = n ? outers_of(u, list, n) : 0;
			for (uint32_t i = 0; i < found; i++)
				use(u, (uint64_t)list[i]);
			n = 0;
		}
		if (at == BITSET_END)
			return;
	}
}

/* ---- operands --------------------------------------------------------------------------------- */

uint64_t store_outer_with(const struct store *st, uint64_t key, uint64_t other)
{
	if (key >= st->keys)
		return st->outers;
	return st->others == 1 ? key : (other / st->inner * st->keys + key) * st->inner + other % st->inner;
}

bool store_locate(const update *u, store_operand *o)
{
	const struct store *st = u->st;
	uint64_t lane = o->lane, other = 0, key;
	if (!st->keyed) {
		o->outer = (uint32_t)(lane / (uint64_t)st->plan->extent);
		o->position = (uint32_t)(lane % (uint64_t)st->plan->extent);
		return true;
	}
	if (st->others > 1) {
		other = lane % st->others;
		o->lane = lane /= st->others;
	}
	switch ((region_kind)st->plan->def->kind) {
	case REGION_GROUP:
		key = *(const uint32_t *)(const void *)(u->keys.base + lane * u->keys.stride);
		o->position = (uint32_t)lane;
		break;
	case REGION_ROW:
		key = u->pat->row[lane];
		o->position = u->pat->col[lane];
		break;
	default:
		key = u->pat->col[lane];
		o->position = u->pat->row[lane];
	}
	uint64_t outer = store_outer_with(st, key, other);
	o->outer = (uint32_t)outer;
	return outer < st->outers;
}

void store_each_batch(const update *u, const bitset *set, store_batch_fn *use)
{
	int64_t list[TILE];
	uint32_t n = 0;
	BITSET_FOR(set, at) {
		list[n++] = (int64_t)at;
		if (n == TILE) {
			use(u, list, n);
			n = 0;
		}
	}
	if (n > 0)
		use(u, list, n);
}
