/* store_bounded.c - operands of which elements have a part each. A changed operand costs a path of its row's tree; the elements to be evaluated are those that
 * have it, but for those that have all of some node around it whose value came out as it was. */
#include <string.h>

#include "bounds.h"
#include "plan.h"
#include "route_step.h"
#include "store_parts.h"

/* ---- which regions ----------------------------------------------------------------------------- */

static void need_local(void *needed, uint32_t local) { ((uint8_t *)needed)[local] = 1; }

/* The variables of the domain that a local variable of the region stands for. */
static uint32_t vars_of_local(const kernel_plan *p, const region_plan *r, uint32_t local)
{
	if (local == r->var)
		return 0;
	for (uint32_t i = 0; i < r->n_var_imports; i++)
		if (r->var_imports[i].to == local)
			return store_var_set(p, r->var_imports[i].from);
	return ALL_VARS;
}

static uint32_t vars_of_terms(const kernel_plan *p, const region_plan *r, const var_term *terms, uint32_t n)
{
	uint32_t vars = 0;
	for (uint32_t t = 0; t < n; t++)
		vars |= vars_of_local(p, r, terms[t].var);
	return vars;
}

static uint32_t vars_of_step(const kernel_plan *p, const region_plan *r, const step *s)
{
	if (s->code == CODE_VAR)
		return vars_of_local(p, r, s->args[0]);
	if (s->code != CODE_READ)
		return 0;
	uint32_t vars = vars_of_terms(p, r, s->read->terms, s->read->n_terms);
	for (uint32_t d = 0; d < s->read->n_dims; d++)
		vars |= vars_of_terms(p, r, s->read->dims[d].terms, s->read->dims[d].n_terms);
	return vars;
}

/* The steps that say whether an operand is present, and what it is. */
static bool find_steps(planner *pl, const region_plan *r, bounded *x, uint8_t *needed, uint32_t *vars)
{
	x->steps = plan_take(pl, r->n_steps, sizeof *x->steps);
	if (pl->failed)
		return false;
	uint32_t first = r->n_steps;
	for (uint32_t i = r->n_steps; i-- > 0;) {
		const step *s = &r->steps[i];
		if (!needed[s->dst])
			continue;
		x->steps[--first] = s;
		if (s->bound)
			continue;
		if (s->child)
			return false;
		*vars |= vars_of_step(pl->p, r, s);
		plan_each_use(s, need_local, needed);
	}
	x->n_steps = r->n_steps - first;
	x->steps += first;
	return true;
}

/* ... and what these need of region 0. */
static bool find_imports(planner *pl, struct store *st, const uint8_t *needed, uint32_t *vars)
{
	const region_plan *r = st->plan;
	bounded *x = st->bounded;
	uint8_t *outside = plan_take(pl, pl->p->regions[0].n_locals + 1u, 1);
	x->imports = plan_take(pl, r->n_imports, sizeof *x->imports);
	if (pl->failed)
		return false;
	for (uint32_t i = 0; i < r->n_imports; i++)
		if (needed[r->imports[i].to]) {
			x->imports[x->n_imports++] = &r->imports[i];
			outside[r->imports[i].from] = 1;
		}
	return store_find_steps(pl, outside, &st->needed, vars);
}

/* Adds a line with one term for each of the element's variables; false: some are not of the domain. */
static bool add_line(const kernel_plan *p, bounded *x, int64_t constant, int64_t position, const var_term *terms, uint32_t n, uint32_t *vars)
{
	bounded_line *l = &x->lines[x->n_lines++];
	*l = (bounded_line){.constant = constant, .position = position};
	for (uint32_t t = 0; t < n; t++) {
		uint32_t var = store_var_set(p, terms[t].var);
		if (var == ALL_VARS)
			return false;
		*vars |= var;
		l->element[__builtin_ctz(var)] += terms[t].coef;
	}
	return true;
}

/* *vars: of elements in the bounds. */
static bool find_lines(planner *pl, struct store *st, uint32_t *vars)
{
	const region_plan *r = st->plan;
	bounded *x = st->bounded;
	bool fits = true;
	x->lines = plan_take(pl, r->n_bounds + 1u, sizeof *x->lines);
	if (pl->failed)
		return false;
	if (r->def->kind == REGION_PREFIX)
		return add_line(pl->p, x, r->def->strict ? -1 : 0, -1, &(var_term){r->at, 1}, 1, vars);
	for (uint32_t i = 0; i < r->n_bounds && fits; i++)
		fits = add_line(pl->p, x, r->bounds[i].constant, r->bounds[i].coef, r->bounds[i].terms, r->bounds[i].n_terms, vars);
	return fits && *vars != 0;
}

static void choose_var(struct store *st, uint32_t vars)
{
	bounded *x = st->bounded;
	x->var = (uint32_t)__builtin_ctz(vars);
	for (uint32_t d = 0; d < MAX_DIMS; d++)
		if (vars >> d & 1 && st->to->dims[d] > st->to->dims[x->var])
			x->var = d;
	for (uint32_t d = 0; d < MAX_DIMS; d++)
		if (vars >> d & 1 && d != x->var)
			x->others[x->n_others++] = d;
}

bool bounded_find(planner *pl, struct store *st, uint32_t *vars)
{
	const region_plan *r = st->plan;
	uint8_t *needed = plan_take(pl, r->n_locals + 1u, 1);
	uint32_t own = 0;
	if (!needed || !find_lines(pl, st, &own))
		return false;
	choose_var(st, own);
	needed[r->value] = 1;
	if (r->where != NONE)
		needed[r->where] = 1;
	if (!find_steps(pl, r, st->bounded, needed, vars) || !find_imports(pl, st, needed, vars))
		return false;
	return !(*vars & ALL_VARS) && !(*vars & own);
}

/* ---- operands ---------------------------------------------------------------------------------- */

/* Region 0 for a row, and what its operands take from there. */
static void enter_row(const update *u, uint64_t row)
{
	const struct store *st = u->st;
	const kernel_plan *p = st->kernel;
	const region_plan *rp = st->plan;
	run *r = u->r, *c = u->c;
	int64_t at[MAX_DIMS + 1] = {0};
	store_axes_of(st, row, at);
	r->n = 1;
	r->live = NULL;
	r->vars[r->plan->flat] = (var_lanes){VAR_UNIFORM, 0, NULL};
	for (uint32_t d = 0; d < r->plan->def->n_vars; d++)
		r->vars[p->root_vars[d]] = (var_lanes){VAR_UNIFORM, 0, NULL};
	for (uint32_t i = 0; i < st->n_axes; i++)
		r->vars[p->root_vars[st->axes[i].var]] = (var_lanes){VAR_UNIFORM, at[i], NULL};
	for (uint32_t i = 0; i < st->needed.n; i++)
		run_step(u->w, r, st->needed.at[i]);
	for (uint32_t i = 0; i < st->bounded->n_imports; i++)
		c->regs[st->bounded->imports[i]->to] = r->regs[st->bounded->imports[i]->from];
	for (uint32_t i = 0; i < rp->n_var_imports; i++)
		c->vars[rp->var_imports[i].to] = r->vars[rp->var_imports[i].from];
	c->live = NULL;
	c->form = OUTER_SAME;
}

static void hold_true(worker *w, run *c, const step *s)
{
	void *dst = w->arena + s->place;
	*(uint8_t *)dst = 1;
	c->regs[s->dst] = (lanes){dst, 1, true};
}

/* The values of n operands of the row that was entered; *present: which of them are there, or NULL: all. */
static const uint8_t *evaluate(const update *u, var_lanes positions, uint32_t n, const uint8_t **present)
{
	const region_plan *rp = u->st->plan;
	const bounded *x = u->st->bounded;
	run *c = u->c;
	c->n = n;
	c->vars[rp->var] = positions;
	u->w->operands += n;
	u->w->work += n + BATCH_WORK;
	for (uint32_t i = 0; i < x->n_steps; i++) {
		if (x->steps[i]->bound)
			hold_true(u->w, c, x->steps[i]);
		else
			run_step(u->w, c, x->steps[i]);
	}
	lanes *value = &c->regs[rp->value], *where = rp->where == NONE ? NULL : &c->regs[rp->where];
	lanes_fill(u->w, value, rp->width, n);
	if (where && where->uniform && !*(const uint8_t *)where->at)
		lanes_fill(u->w, where, 0, n);
	*present = !where || (where->uniform && *(const uint8_t *)where->at) ? NULL : where->at;
	return value->at;
}

/* ---- which elements ---------------------------------------------------------------------------- */

/* A row's elements with the same values of all variables in the bounds but one, which is to be found: first those with the least values. */
static void box_of(const struct store *st, uint64_t row, interval *box)
{
	int64_t at[MAX_DIMS + 1] = {0};
	store_axes_of(st, row, at);
	for (uint32_t d = 0; d < st->to->def->ndim; d++)
		box[d] = (interval){0, st->to->dims[d]};
	for (uint32_t i = 0; i < st->n_axes; i++)
		box[st->axes[i].var] = (interval){at[i], at[i] + 1};
	for (uint32_t i = 0; i < st->bounded->n_others; i++)
		box[st->bounded->others[i]].hi = 1;
}

/* The next of them; false: these were the last. */
static bool next_box(const struct store *st, interval *box)
{
	for (uint32_t i = 0; i < st->bounded->n_others; i++) {
		interval *v = &box[st->bounded->others[i]];
		int64_t lo = v->hi < st->to->dims[st->bounded->others[i]] ? v->lo + 1 : 0;
		*v = (interval){lo, lo + 1};
		if (lo > 0)
			return true;
	}
	return false;
}

/* The values of the variable for which elements of a box have all positions first .. end-1, which are not beyond the last. */
static interval holders(const struct store *st, const interval *box, uint64_t first, uint64_t end)
{
	const bounded *x = st->bounded;
	uint64_t extent = (uint64_t)st->plan->extent;
	int64_t low = st->plan->lo + (int64_t)first, high = st->plan->lo + (int64_t)(end < extent ? end : extent) - 1;
	interval v = {0, st->to->dims[x->var]};
	for (uint32_t i = 0; i < x->n_lines; i++) {
		const bounded_line *l = &x->lines[i];
		int64_t rest = l->constant + l->position * (l->position > 0 ? low : high);
		for (uint32_t k = 0; k < x->n_others; k++)
			rest += l->element[x->others[k]] * box[x->others[k]].lo;
		bound_narrow(l->element[x->var], rest, &v.lo, &v.hi);
	}
	return v;
}

static void mark(const update *u, interval *box, interval v)
{
	const struct store *st = u->st;
	if (v.lo >= v.hi)
		return;
	box[st->bounded->var] = v;
	route_mark_box(u->outer, st->to->dims, box, st->to->def->ndim, 0);
}

/* Those of a row that have `part` and not all of `around`. */
static void mark_between(const update *u, uint64_t row, tree_span part, tree_span around)
{
	interval box[MAX_DIMS];
	box_of(u->st, row, box);
	do {
		interval in = holders(u->st, box, part.first, part.end), out = {in.hi, in.hi};
		if (around.first <= around.end)
			out = holders(u->st, box, around.first, around.end);
		if (out.lo >= out.hi)
			out = (interval){in.hi, in.hi};
		mark(u, box, (interval){in.lo, out.lo});
		mark(u, box, (interval){out.hi, in.hi});
	} while (next_box(u->st, box));
}

/* All that have dirty operands of a row: runs of them together. */
static void mark_dirty(const update *u, const bitset *dirty, uint64_t row)
{
	uint64_t extent = (uint64_t)u->st->plan->extent, base = row * extent;
	interval box[MAX_DIMS];
	box_of(u->st, row, box);
	do {
		interval all = {0, 0};
		for (uint64_t lane = bitset_next(dirty, base); lane < base + extent; lane = bitset_next(dirty, lane + 1)) {
			interval v = holders(u->st, box, lane - base, lane - base + 1);
			if (v.lo >= v.hi)
				continue;
			if (v.lo > all.hi || v.hi < all.lo) {
				mark(u, box, all);
				all = v;
			}
			all.lo = v.lo < all.lo ? v.lo : all.lo;
			all.hi = v.hi > all.hi ? v.hi : all.hi;
		}
		mark(u, box, all);
	} while (next_box(u->st, box));
}

/* ---- rows -------------------------------------------------------------------------------------- */

/* Adds those of n operands that are present to the ones in the building. */
static void collect(struct store *st, uint64_t first, uint32_t n, const uint8_t *values, const uint8_t *present)
{
	unsigned width = st->plan->width;
	if (!present)
		memcpy(st->values + (st->n << width), values, (size_t)n << width);
	for (uint32_t i = 0; i < n; i++) {
		if (present && !present[i])
			continue;
		st->positions[st->n] = (uint32_t)(first + i);
		if (present)
			memcpy(st->values + (st->n << width), values + ((size_t)i << width), (size_t)1 << width);
		st->n++;
	}
}

/* The tree of a row, of which nothing is held; nor is it where an operand fails: the pass tells of that, if an element has it. */
static void build_row(const update *u, uint64_t row)
{
	struct store *st = u->st;
	uint64_t extent = (uint64_t)st->plan->extent;
	if (st->no_room)
		return;
	if (reserve(&st->positions, &st->cap_positions, extent * sizeof *st->positions) || reserve(&st->values, &st->cap_values, (size_t)extent << st->plan->width)) {
		st->no_room = true;
		return;
	}
	st->n = 0;
	enter_row(u, row);
	for (uint64_t at = 0; at < extent; at += TILE) {
		uint32_t n = (uint32_t)(extent - at < TILE ? extent - at : TILE);
		const uint8_t *present, *values = evaluate(u, (var_lanes){VAR_IOTA, st->plan->lo + (int64_t)at, NULL}, n, &present);
		collect(st, at, n, values, present);
	}
	if (store_failed(u))
		return;
	uint32_t root = tree_build(&st->trees, st->positions, st->values, st->n);
	if (!root) {
		st->no_room = true;
		return;
	}
	tree_refresh(&st->trees, root);
	st->block[row] = root;
	bitset_set(&st->held, row);
}

/* Some dirty operands of a row; those that turn out to have changed come first in the end. */
typedef struct some {
	const update *u;
	uint64_t row;
	uint32_t n;
	int64_t at[TILE];
	bool moved[TILE];       /* came or went */
} some;

static void tell(void *context, tree_span node, tree_span around)
{
	const some *b = context;
	mark_between(b->u, b->row, node, around);
}

/* Puts them into the tree. false: one fails, or there is no room. */
static bool put_some(some *b)
{
	struct store *st = b->u->st;
	uint32_t changed = 0;
	const uint8_t *present, *values = evaluate(b->u, (var_lanes){VAR_I64, 0, b->at}, b->n, &present);
	if (store_failed(b->u))
		return false;
	for (uint32_t i = 0; i < b->n; i++) {
		uint32_t position = (uint32_t)(b->at[i] - st->plan->lo), *root = &st->block[b->row];
		bool there = !present || present[i];
		tree_change change = there ? tree_set(&st->trees, root, position, values + ((size_t)i << st->plan->width)) : tree_remove(&st->trees, root, position);
		if (change == TREE_NO_ROOM) {
			st->no_room = true;
			return false;
		}
		if (change == TREE_SAME)
			continue;
		b->at[changed] = position;
		b->moved[changed++] = change == TREE_MEMBERS;
	}
	b->n = changed;
	return true;
}

/* Who has a part of the leaf of a changed operand, or, where one came or went, of the node around; who asks for their number has another one. */
static void mark_some(some *b)
{
	struct store *st = b->u->st;
	bool counts = st->reduce->count != NONE;
	for (uint32_t i = 0; i < b->n; i++) {
		uint64_t at = (uint64_t)b->at[i];
		tree_span around, part = tree_part_of(&st->trees, st->block[b->row], (uint32_t)at, &around);
		tree_span none = {1, 0};
		mark_between(b->u, b->row, (tree_span){at, at + 1}, !b->moved[i] ? part : counts ? none : around);
	}
	tree_refresh_told(&st->trees, st->block[b->row], tell, b);
	b->n = 0;
}

static bool is_dense(const update *u, const bitset *dirty, uint64_t base)
{
	uint64_t extent = (uint64_t)u->st->plan->extent, left = extent / ROW_SHARE + 1;
	for (uint64_t lane = bitset_next(dirty, base); lane < base + extent && left > 0; left--)
		lane = bitset_next(dirty, lane + 1);
	return left == 0 && u->st->least == LEAST_MEMBERS;
}

static void change_row(const update *u, const bitset *dirty, uint64_t row)
{
	struct store *st = u->st;
	uint64_t extent = (uint64_t)st->plan->extent, base = row * extent;
	some b = {.u = u, .row = row};
	bool room = true;
	enter_row(u, row);
	for (uint64_t lane = bitset_next(dirty, base); room && lane < base + extent;) {
		b.at[b.n++] = st->plan->lo + (int64_t)(lane - base);
		lane = bitset_next(dirty, lane + 1);
		if (b.n < TILE && lane < base + extent)
			continue;
		room = put_some(&b);
		if (room)
			mark_some(&b);
	}
	if (room)
		return;
	store_drop(st, row);
	mark_dirty(u, dirty, row);
}

void bounded_update(const update *u, const bitset *dirty)
{
	struct store *st = u->st;
	uint64_t extent = (uint64_t)st->plan->extent;
	for (uint64_t lane = bitset_next(dirty, 0); lane != BITSET_END;) {
		uint64_t row = lane / extent, next = (row + 1) * extent;
		bool held = bitset_test(&st->held, row);
		if (held && is_dense(u, dirty, row * extent)) {
			store_drop(st, row);
			held = false;
		}
		if (held) {
			change_row(u, dirty, row);
		} else {
			build_row(u, row);
			mark_dirty(u, dirty, row);
		}
		lane = next < dirty->n ? bitset_next(dirty, next) : BITSET_END;
	}
}

void bounded_concern(const update *u, const bitset *dirty)
{
	uint64_t extent = (uint64_t)u->st->plan->extent;
	for (uint64_t lane = bitset_next(dirty, 0); lane != BITSET_END;) {
		uint64_t next = (lane / extent + 1) * extent;
		mark_dirty(u, dirty, lane / extent);
		lane = next < dirty->n ? bitset_next(dirty, next) : BITSET_END;
	}
}

/* ---- elements that ask -------------------------------------------------------------------------- */

static void hold_row(const update *u, uint64_t row)
{
	if (!bitset_test(&u->st->held, row))
		build_row(u, row);
}

void bounded_ask(const update *u, const bitset *elements)
{
	const struct store *st = u->st;
	if (st->no_room || bitset_count(&st->held) == st->outers)
		return;
	if ((double)bitset_count(elements) * (double)st->plan->usual >= 2 * (double)st->plan->extent)
		store_each_asked(u, elements, hold_row);
}

/* Of a prefix all ends are evaluated by going through the operands once. */
void bounded_all(const update *u)
{
	const struct store *st = u->st;
	bool many = (double)st->to->count * (double)st->plan->usual >= 2 * (double)st->lanes;
	for (uint64_t row = 0; row < st->outers && many && st->plan->def->kind == REGION_RANGE; row++)
		hold_row(u, row);
}

/* The positions that an element has, a lane of region 0. */
static tree_span bounds_within(const struct store *st, const run *r, uint32_t lane)
{
	const region_plan *rp = st->plan;
	const bounded *x = st->bounded;
	int64_t at[MAX_DIMS], lo = rp->lo, hi = rp->lo + rp->extent;
	at[x->var] = var_lane(&r->vars[st->kernel->root_vars[x->var]], lane);
	for (uint32_t k = 0; k < x->n_others; k++)
		at[x->others[k]] = var_lane(&r->vars[st->kernel->root_vars[x->others[k]]], lane);
	for (uint32_t i = 0; i < x->n_lines; i++) {
		const bounded_line *l = &x->lines[i];
		int64_t rest = l->constant + l->element[x->var] * at[x->var];
		for (uint32_t k = 0; k < x->n_others; k++)
			rest += l->element[x->others[k]] * at[x->others[k]];
		bound_narrow(l->position, rest, &lo, &hi);
	}
	return (tree_span){(uint64_t)(lo - rp->lo), (uint64_t)((hi > lo ? hi : lo) - rp->lo)};
}

/* Lanes of one row that ask. */
typedef struct asking {
	uint64_t row;
	uint32_t n, lane[TILE];
	tree_span spans[TILE];
} asking;

static void answer(worker *w, run *r, const step *s, asking *q)
{
	const region_plan *rp = s->child;
	const struct store *st = rp->store;
	scalar values[TILE];
	uint64_t counts[TILE];
	if (q->n > 0)
		tree_within_each(&st->trees, st->block[q->row], q->spans, q->n, values, counts);
	for (uint32_t i = 0; i < q->n; i++) {
		if (rp->kind == RED_ARG)
			values[i].U32 += (uint32_t)rp->lo;
		if (counts[i] > 0)
			give_value(w, r, s, q->lane[i], values[i], counts[i]);
		else
			give_identity(w, r, s, q->lane[i]);
	}
	q->n = 0;
}

uint32_t bounded_give(worker *w, run *r, const step *s)
{
	const struct store *st = s->child->store;
	uint32_t n = 0;
	asking q;
	q.n = 0;
	for (uint32_t lane = 0; lane < r->n; lane++) {
		uint64_t row;
		if (!store_outer_of(st, r, lane, &row) || !bitset_test(&st->held, row))
			continue;
		if (q.n > 0 && row != q.row)
			answer(w, r, s, &q);
		q.row = row;
		q.lane[q.n] = lane;
		q.spans[q.n++] = bounds_within(st, r, lane);
		n++;
	}
	answer(w, r, s, &q);
	return n;
}
