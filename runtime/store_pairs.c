/* store_pairs.c - what a change costs reductions over pairs of a position and an element. A position whose inputs have changed is an operand of each element with its key: two
 * evaluations of the operand each, as it was and as it is, side by side for many elements. An element whose own inputs have changed is evaluated whole. */
#include <string.h>

#include "index.h"
#include "plan.h"
#include "route.h"
#include "store_parts.h"

/* ---- which regions ----------------------------------------------------------------------------- */

enum { OF_POSITION = 1, OF_ELEMENT = 2 };

#define NO_KEY UINT64_MAX

typedef struct finder {
	const region_plan *r;
	uint8_t *of;            /* by local: what it depends on */
	uint8_t found;
} finder;

static void note_use(void *context, uint32_t local)
{
	finder *f = context;
	f->found |= f->of[local];
}

static uint8_t of_var(const region_plan *r, uint32_t var) { return var == r->var ? OF_POSITION : OF_ELEMENT; }

/* What a step depends on; 0 and more is a number of bits, -1: what cannot be done apart. */
static int depends_on(finder *f, const step *s)
{
	if (s->child || s->can_fail || s->code == CODE_TO_INDEX || s->code == CODE_GUARD)
		return -1;
	f->found = s->code == CODE_VAR ? of_var(f->r, s->args[0]) : 0;
	plan_each_use(s, note_use, f);
	if (s->code != CODE_READ)
		return f->found;
	for (uint32_t t = 0; t < s->read->n_terms; t++)
		f->found |= of_var(f->r, s->read->terms[t].var);
	for (uint32_t d = 0; d < s->read->n_dims; d++)
		for (uint32_t t = 0; t < s->read->dims[d].n_terms; t++)
			f->found |= of_var(f->r, s->read->dims[d].terms[t].var);
	return f->found & OF_ELEMENT ? -1 : OF_POSITION;
}

static void add_input(planner *pl, pair_input **all, uint32_t *n, uint32_t local, uint8_t width)
{
	for (uint32_t i = 0; i < *n; i++)
		if ((*all)[i].local == local)
			return;
	pair_input *more = plan_more(pl, *all, *n, sizeof **all);
	if (pl->failed)
		return;
	*all = more;
	more[(*n)++] = (pair_input){.local = local, .width = width};
}

typedef struct needs {
	planner *pl;
	pairs_kind *x;
	const uint8_t *of;
	const step **by;        /* by local: the step that makes it */
} needs;

/* A mixed step, or the region, takes a register that the position alone decides. */
static void need_input(void *context, uint32_t local)
{
	const needs *n = context;
	if (n->by[local] && !(n->of[local] & OF_ELEMENT))
		add_input(n->pl, &n->x->inputs, &n->x->n_inputs, local, (uint8_t)width_of(n->by[local]->dst_type));
}

static bool split_steps(planner *pl, const region_plan *r, pairs_kind *x)
{
	uint8_t *of = plan_take(pl, r->n_locals + 1u, 1);
	const step **by = plan_take(pl, r->n_locals + 1u, sizeof *by);
	x->own = plan_take(pl, r->n_steps, sizeof *x->own);
	x->mixed = plan_take(pl, r->n_steps, sizeof *x->mixed);
	if (pl->failed)
		return false;
	finder f = {r, of, 0};
	for (uint32_t i = 0; i < r->n_imports; i++) {
		of[r->imports[i].to] = OF_ELEMENT;
		add_input(pl, &x->outer, &x->n_outer, r->imports[i].from, r->imports[i].width);
	}
	for (uint32_t i = 0; i < r->n_steps; i++) {
		const step *s = &r->steps[i];
		int found = depends_on(&f, s);
		if (found < 0)
			return false;
		of[s->dst] = (uint8_t)found;
		by[s->dst] = s;
		if (found & OF_ELEMENT)
			x->mixed[x->n_mixed++] = s;
		else
			x->own[x->n_own++] = s;
	}
	needs n = {pl, x, of, by};
	for (uint32_t i = 0; i < x->n_mixed; i++)
		plan_each_use(x->mixed[i], need_input, &n);
	need_input(&n, r->value);
	if (r->where != NONE)
		need_input(&n, r->where);
	return !pl->failed;
}

bool store_pairs_set(planner *pl, struct store *st)
{
	const region_plan *r = st->plan;
	pairs_kind x = {.keyed = r->def->kind == REGION_GROUP, .elements = st->to->count, .key = NO_KEY};
	bool is_float = TYPES_FLT >> r->type & 1;
	x.sums = r->def->op == OP_ADD && !is_float;
	if ((!x.keyed && r->def->kind != REGION_RANGE) || pl->p->pass->kind != PASS_MAP || pl->p->regions[0].def->kind != REGION_DOMAIN || r->kind != RED_ANY ||
	    (!x.sums && op_table[r->def->op].reduce != REDUCE_IDEM) || !st->apart || !split_steps(pl, r, &x))
		return false;
	x.positions = x.keyed ? r->driver->count : (uint64_t)r->extent;
	x.counts = st->reduce->count != NONE;
	st->pairs = st->same = true;
	st->others = 1;
	st->outers = st->to->count;
	st->lanes = x.positions;
	st->shape = (store_shape){.key = NONE};
	st->pairings = x;
	return x.n_mixed > 0 && x.positions > 0 && x.positions < UINT32_MAX && x.elements < UINT32_MAX;
}

static uint64_t bytes_of(const pair_input *all, uint32_t n, uint64_t count)
{
	uint64_t bytes = 0;
	for (uint32_t i = 0; i < n; i++)
		bytes += ((count + 2 * TILE) << all[i].width) + (uint64_t)3 * POOL_UNIT;
	return bytes;
}

size_t pairs_kind_bytes(const pairs_kind *x, unsigned width)
{
	uint64_t each = 1 + ((uint64_t)1 << width) + (x->counts ? sizeof *x->ranks : 0) + (x->keyed ? sizeof *x->asked : 0);
	return bytes_of(x->inputs, x->n_inputs, x->positions) + bytes_of(x->outer, x->n_outer, x->elements) + x->elements * each + bitset_bytes(x->elements) +
	       TILE * sizeof *x->list + (size_t)10 * POOL_UNIT;
}

static bool place_inputs(pool *p, pair_input *all, uint32_t n, uint64_t count)
{
	bool fits = true;
	for (uint32_t i = 0; i < n; i++) {
		all[i].kept = pool_keep(p, count << all[i].width);
		all[i].now = pool_keep(p, (size_t)TILE << all[i].width);
		all[i].one = pool_keep(p, (size_t)TILE << all[i].width);
		fits &= all[i].kept && all[i].now && all[i].one;
	}
	return fits;
}

bool pairs_kind_place(pairs_kind *x, unsigned width)
{
	pool *p = &x->pool;
	void *asks = pool_keep(p, bitset_bytes(x->elements));
	x->held = pool_keep(p, x->elements);
	x->values = pool_keep(p, x->elements << width);
	x->ranks = x->counts ? pool_keep(p, x->elements * sizeof *x->ranks) : NULL;
	x->asked = x->keyed ? pool_keep(p, x->elements * sizeof *x->asked) : NULL;
	x->list = pool_keep(p, TILE * sizeof *x->list);
	if (asks)
		bitset_place(&x->asks, x->elements, asks);
	return asks && x->held && x->values && (!x->counts || x->ranks) && (!x->keyed || x->asked) && x->list && place_inputs(p, x->inputs, x->n_inputs, x->positions) &&
	       place_inputs(p, x->outer, x->n_outer, x->elements);
}

void store_pairs_drop(struct store *st)
{
	if (st->pairings.open)
		memset(st->pairings.held, 0, st->pairings.elements);
	st->pairings.open = false;
}

/* ---- values ------------------------------------------------------------------------------------ */

static uint64_t key_lane(const region_plan *rp, const run *r, uint32_t lane)
{
	scalar v = reg_lane(&r->regs[rp->at], width_of(rp->def->at_type), lane);
	return rp->def->at_type == T_U32 ? v.U32 : v.U64;
}

static uint64_t element_of(const run *r, uint32_t lane) { return (uint64_t)var_lane(&r->vars[r->plan->flat], lane); }

bool store_pairs_holds(const region_plan *rp, const run *r, uint32_t lane)
{
	const pairs_kind *x = &rp->store->pairings;
	uint64_t e = element_of(r, lane);
	return x->open && x->held[e] == PAIRS_HELD && !r->live && (!x->keyed || x->asked[e] == key_lane(rp, r, lane));
}

uint32_t store_pairs_give(worker *w, run *r, const step *s)
{
	const region_plan *rp = s->child;
	const pairs_kind *x = &rp->store->pairings;
	uint32_t n = 0;
	for (uint32_t lane = 0; lane < r->n && x->open; lane++) {
		if (!store_pairs_holds(rp, r, lane))
			continue;
		uint64_t e = element_of(r, lane);
		scalar v = {0};
		memcpy(&v, x->values + (e << rp->width), (size_t)1 << rp->width);
		give_value(w, r, s, lane, v, x->counts ? x->ranks[e] : 0);
		n++;
	}
	return n;
}

/* Elements are those of no other thread. */
void store_keep(worker *w, const run *r, const step *s)
{
	const region_plan *rp = s->child;
	const pairs_kind *x = &rp->store->pairings;
	if (!rp->store->pairs || !rp->store->ready)
		return;
	const lanes *value = &r->regs[s->dst];
	for (uint32_t lane = 0; lane < r->n && x->open && !r->live && !w->ex->force; lane++) {
		uint64_t e = element_of(r, lane), key = x->keyed ? key_lane(rp, r, lane) : 0;
		if (x->held[e] == PAIRS_HELD || key >= UINT32_MAX)
			continue;
		scalar v = reg_lane(value, rp->width, lane);
		memcpy(x->values + (e << rp->width), &v, (size_t)1 << rp->width);
		if (x->counts)
			x->ranks[e] = (uint32_t)reg_lane(&r->regs[s->count], 3, lane).U64;
		if (x->keyed)
			x->asked[e] = (uint32_t)key;
		for (uint32_t i = 0; i < x->n_outer; i++) {
			v = reg_lane(&r->regs[x->outer[i].local], x->outer[i].width, lane);
			memcpy(x->outer[i].kept + (e << x->outer[i].width), &v, (size_t)1 << x->outer[i].width);
		}
		x->held[e] = PAIRS_HELD;
	}
}

/* ---- positions --------------------------------------------------------------------------------- */

/* Inputs of n positions, to `now`. A later step may use the place of an earlier one. */
static void evaluate(const update *u, var_lanes at, uint32_t n)
{
	const pairs_kind *x = &u->st->pairings;
	run *c = u->c;
	c->n = n;
	c->live = NULL;
	c->form = OUTER_ONE;
	c->outer_lane = 0;
	c->vars[u->st->plan->var] = at;
	u->w->operands += n;
	for (uint32_t i = 0; i < x->n_own; i++) {
		run_step(u->w, c, x->own[i]);
		for (uint32_t k = 0; k < x->n_inputs; k++) {
			lanes *l = &c->regs[x->inputs[k].local];
			if (x->inputs[k].local != x->own[i]->dst)
				continue;
			lanes_fill(u->w, l, x->inputs[k].width, n);
			memcpy(x->inputs[k].now, l->at, (size_t)n << x->inputs[k].width);
		}
	}
}

void store_pairs_fill(const update *u)
{
	pairs_kind *x = &u->st->pairings;
	for (uint64_t at = 0; at < x->positions; at += TILE) {
		uint32_t n = (uint32_t)(x->positions - at < TILE ? x->positions - at : TILE);
		evaluate(u, (var_lanes){VAR_IOTA, u->st->plan->lo + (int64_t)at, NULL}, n);
		for (uint32_t k = 0; k < x->n_inputs; k++)
			memcpy(x->inputs[k].kept + (at << x->inputs[k].width), x->inputs[k].now, (size_t)n << x->inputs[k].width);
	}
	x->version = u->groups ? u->groups->version : 0;
	x->open = true;
}

/* ---- pairs ------------------------------------------------------------------------------------- */

/* A position at work: with the inputs that are kept it is to be taken out of values, or put in. */
typedef struct work {
	const update *u;
	int64_t position;
	bool out;
} work;

static bool is_nan(uint8_t type, scalar v) { return type == T_F64 ? v.F64 != v.F64 : type == T_F32 && v.F32 != v.F32; }

/* Of the best of what there is: an operand as good as that has gone, perhaps the only one. What comes in may be as good. */
static void use_best(const work *g, uint64_t e, scalar v, scalar was)
{
	const pairs_kind *x = &g->u->st->pairings;
	const region_plan *rp = g->u->st->plan;
	size_t bytes = (size_t)1 << rp->width;
	scalar now = {0};
	if (memcmp(&v, &rp->def->identity, bytes) == 0)
		return;
	if (g->out) {
		if (memcmp(&v, &was, bytes) == 0 || is_nan(rp->type, v)) {
			x->held[e] = PAIRS_BOUND;
			bitset_set(g->u->outer, e);
		}
		return;
	}
	g->u->w->k->op[rp->def->op][rp->type](&now, &was, &v, NULL, 1);
	if (x->held[e] == PAIRS_BOUND && memcmp(&now, &v, bytes) == 0)
		x->held[e] = PAIRS_HELD;
	memcpy(x->values + (e << rp->width), &now, bytes);
	if (memcmp(&was, &now, bytes) != 0)
		bitset_set(g->u->outer, e);
}

static void use_pair(const work *g, uint64_t e, const void *operand)
{
	const pairs_kind *x = &g->u->st->pairings;
	const region_plan *rp = g->u->st->plan;
	size_t bytes = (size_t)1 << rp->width;
	scalar v = {0}, was = {0}, now = {0};
	memcpy(&v, operand, bytes);
	memcpy(&was, x->values + (e << rp->width), bytes);
	if (x->counts) {
		x->ranks[e] += g->out ? UINT32_MAX : 1;
		bitset_set(g->u->outer, e);
	}
	if (!x->sums) {
		use_best(g, e, v, was);
		return;
	}
	g->u->w->k->op[g->out ? OP_SUB : OP_ADD][rp->type](&now, &was, &v, NULL, 1);
	memcpy(x->values + (e << rp->width), &now, bytes);
	if (memcmp(&was, &now, bytes) != 0)
		bitset_set(g->u->outer, e);
}

/* The operands of n elements, in the list, at the position. */
static void use_batch(const work *g, uint32_t n)
{
	const update *u = g->u;
	const pairs_kind *x = &u->st->pairings;
	const region_plan *rp = u->st->plan;
	run *r = u->r, *c = u->c;
	r->n = c->n = n;
	r->live = c->live = NULL;
	pass_positions(u->w, u->st->kernel, u->st->to, r, x->list);
	for (uint32_t i = 0; i < x->n_outer; i++) {
		u->w->k->gather_i64[x->outer[i].width](x->outer[i].now, x->outer[i].kept, (size_t)1 << x->outer[i].width, x->list, n);
		r->regs[x->outer[i].local] = (lanes){x->outer[i].now, 0, false};
	}
	c->form = OUTER_SAME;
	run_import(u->w, c);
	c->vars[rp->var] = (var_lanes){VAR_UNIFORM, rp->lo + g->position, NULL};
	for (uint32_t k = 0; k < x->n_inputs; k++) {
		const pair_input *in = &x->inputs[k];
		memcpy(in->one, in->kept + ((uint64_t)g->position << in->width), (size_t)1 << in->width);
		c->regs[in->local] = (lanes){in->one, 1, true};
	}
	u->w->operands += n;
	for (uint32_t i = 0; i < x->n_mixed; i++)
		run_step(u->w, c, x->mixed[i]);
	lanes *value = &c->regs[rp->value], *where = rp->where != NONE ? &c->regs[rp->where] : NULL;
	for (uint32_t i = 0; i < n; i++)
		if (!where || reg_lane(where, 0, i).U8)
			use_pair(g, (uint64_t)x->list[i], (const uint8_t *)value->at + (value->uniform ? 0 : (size_t)i << rp->width));
}

/* The elements with a key. */
static void find_asks(const update *u, uint64_t key)
{
	pairs_kind *x = &u->st->pairings;
	if (x->key == key) /* mostly that of the last position */
		return;
	route_sink sink = {.lanes = &x->asks, .all = !x->keyed};
	x->key = key;
	bitset_clear(&x->asks);
	if (x->keyed)
		route_region(u->w->ex, u->st->kernel, u->st->plan->id, (int64_t)key, &sink);
	if (sink.all)
		bitset_set_range(&x->asks, 0, x->elements);
}

/* The operand of each element with the key goes out, or in; of what nothing is held is evaluated whole. */
static void use_position(const work *g, uint64_t key)
{
	const update *u = g->u;
	const pairs_kind *x = &u->st->pairings;
	uint32_t n = 0;
	if (x->keyed && key >= (uint64_t)(u->st->plan->keys > 0 ? u->st->plan->keys : 1))
		return;
	find_asks(u, key);
	BITSET_FOR(&x->asks, e) {
		if (!x->open || !x->held[e] || (x->keyed && x->asked[e] != key)) {
			bitset_set(u->outer, e);
			continue;
		}
		x->list[n++] = (int64_t)e;
		if (n == TILE) {
			use_batch(g, n);
			n = 0;
		}
	}
	if (n > 0)
		use_batch(g, n);
}

/* ---- updates ----------------------------------------------------------------------------------- */

static uint64_t key_at(const update *u, uint64_t position)
{
	uint32_t key = 0;
	if (u->st->pairings.keyed)
		memcpy(&key, u->keys.base + position * u->keys.stride, sizeof key);
	return key;
}

static bool inputs_changed(const pairs_kind *x, uint64_t position, uint32_t lane)
{
	bool changed = false;
	for (uint32_t k = 0; k < x->n_inputs; k++) {
		const pair_input *in = &x->inputs[k];
		changed |= memcmp(in->kept + (position << in->width), in->now + ((size_t)lane << in->width), (size_t)1 << in->width) != 0;
	}
	return changed;
}

static void keep_inputs(const pairs_kind *x, uint64_t position, uint32_t lane)
{
	for (uint32_t k = 0; k < x->n_inputs; k++) {
		const pair_input *in = &x->inputs[k];
		memcpy(in->kept + (position << in->width), in->now + ((size_t)lane << in->width), (size_t)1 << in->width);
	}
}

/* Lane `lane` of those at work is no operand any more of elements with one key, and is one of those with another, or the same. */
static void change(const update *u, int64_t position, uint32_t lane, uint64_t from, uint64_t to)
{
	use_position(&(work){u, position, true}, from);
	keep_inputs(&u->st->pairings, (uint64_t)position, lane);
	use_position(&(work){u, position, false}, to);
}

static void change_batch(const update *u, const int64_t *positions, uint32_t n)
{
	int64_t vars[TILE];
	for (uint32_t i = 0; i < n; i++)
		vars[i] = u->st->plan->lo + positions[i];
	evaluate(u, (var_lanes){VAR_I64, 0, vars}, n);
	for (uint32_t i = 0; i < n; i++)
		if (inputs_changed(&u->st->pairings, (uint64_t)positions[i], i))
			change(u, positions[i], i, key_at(u, (uint64_t)positions[i]), key_at(u, (uint64_t)positions[i]));
}

/* All elements with the key of such a position are to be evaluated: nothing is held of them. */
static void begin_batch(const update *u, const int64_t *positions, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		use_position(&(work){u, positions[i], false}, key_at(u, (uint64_t)positions[i]));
}

static void follow(const update *u, const index_move *moves, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		evaluate(u, (var_lanes){VAR_UNIFORM, moves[i].position, NULL}, 1);
		change(u, moves[i].position, 0, moves[i].from, moves[i].to);
	}
}

/* Elements that are to be evaluated for another reason than their operands keep their values. */
static void check_batch(const update *u, const int64_t *list, uint32_t n)
{
	const pairs_kind *x = &u->st->pairings;
	const struct store *st = u->st;
	run *r = u->r;
	r->n = n;
	r->live = NULL;
	pass_positions(u->w, st->kernel, st->to, r, list);
	for (uint32_t i = 0; i < st->needed.n; i++)
		run_step(u->w, r, st->needed.at[i]);
	for (uint32_t k = 0; k < x->n_outer; k++)
		for (uint32_t i = 0; i < n; i++) {
			unsigned width = x->outer[k].width;
			scalar v = reg_lane(&r->regs[x->outer[k].local], width, i);
			if (memcmp(x->outer[k].kept + ((uint64_t)list[i] << width), &v, (size_t)1 << width) != 0)
				x->held[list[i]] = PAIRS_NOTHING;
		}
	for (uint32_t i = 0; i < st->key_steps.n && x->keyed; i++)
		run_step(u->w, r, st->key_steps.at[i]);
	for (uint32_t i = 0; i < n && x->keyed; i++)
		if (x->asked[list[i]] != key_lane(st->plan, r, i))
			x->held[list[i]] = PAIRS_NOTHING;
}

void store_pairs_update(const update *u, const bitset *dirty)
{
	struct store *st = u->st;
	pairs_kind *x = &st->pairings;
	const index_move *moves = NULL;
	size_t n = 0;
	bool all = false;
	if (u->groups)
		moves = index_moves(u->groups, u->w->ex->inst->epoch + 1, &n, &all);
	if (!st->ready || all || (x->open && u->groups && x->version + n != u->groups->version)) { /* no memory; or members have moved, nobody knows which */
		bitset_set_range(u->outer, 0, u->outer->n);
		store_drop_held(st);
		return;
	}
	x->key = NO_KEY;
	if (x->open)
		store_each_batch(u, u->outer, check_batch);
	follow(u, moves, n);
	if (x->open)
		store_each_batch(u, dirty, change_batch);
	else
		store_each_batch(u, dirty, begin_batch);
	if (!x->open)
		store_pairs_fill(u);
	x->version = u->groups ? u->groups->version : 0;
}
