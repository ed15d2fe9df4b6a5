/* store_tree_update.c - what an epoch does to trees: operands that changed, came or went are looked at some thousand together, sorted by
 * outer element, evaluated and put in; trees are built. */
#include <string.h>

#include "fetch.h"
#include "index.h"
#include "store_parts.h"

enum {
	PREFETCH = 8,           /* operands of a batch from which on their ways are asked for together */
	DIGIT = 11, DIGITS = 1 << DIGIT /* of outer elements, where operands are sorted by them */
};

/* Operands that are to be evaluated together. */
typedef struct batch {
	uint32_t n;
	int64_t outer[TILE], var[TILE], entry[TILE];
	uint32_t root[TILE], position[TILE];
} batch;

/* ---- trees of outer elements ------------------------------------------------------------------- */

static uint64_t list_length(const lists *l, uint64_t list) { return list < l->n_lists ? lists_length(l, list) : 0; }

static uint64_t members(const update *u, uint64_t outer)
{
	const pattern *pat = u->pat;
	switch ((region_kind)u->st->plan->def->kind) {
	case REGION_GROUP: return list_length(&u->groups->positions, store_key_of(u->st, outer));
	case REGION_ROW: return list_length(&pat->rows, store_key_of(u->st, outer));
	case REGION_COL: return list_length(&pat->cols, store_key_of(u->st, outer));
	default: return (uint64_t)u->st->plan->extent;
	}
}

/* Operands of an element in the building. */
static void collect(void *context, const void *values, const int64_t *positions, size_t n)
{
	struct store *st = context;
	int64_t lo = st->plan->kind == RED_LIST ? 0 : st->plan->lo;
	for (size_t i = 0; i < n; i++)
		st->positions[st->n + i] = (uint32_t)(positions[i] - lo);
	memcpy(st->values + (st->n << st->plan->width), values, n << st->plan->width);
	st->n += n;
}

bool store_tree_build(const update *u, uint64_t outer)
{
	struct store *st = u->st;
	uint64_t n = members(u, outer);
	if (n < st->least || reserve(&st->positions, &st->cap_positions, n * sizeof *st->positions) ||
	    reserve(&st->values, &st->cap_values, (size_t)n << st->plan->width))
		return false;
	st->n = 0;
	store_enter(u, outer);
	expand_operands(u->w, u->r, st->reduce, 0, collect, st);
	if (store_failed(u))
		return false;
	uint32_t root = tree_build(&st->trees, st->positions, st->values, st->n);
	if (!root)
		return false;
	tree_refresh(&st->trees, root);
	st->block[outer] = root;
	bitset_set(&st->held, outer);
	bitset_set(&st->settled, outer);
	store_changed(u, outer);
	return true;
}

static void note_change(const update *u, uint64_t outer, tree_change change)
{
	if (change == TREE_NO_ROOM)
		store_give_up(u, outer);
	else if (change != TREE_SAME)
		bitset_set(&u->st->touched, outer);
	if (change == TREE_MEMBERS)
		store_changed(u, outer);
}

/* The entry of a lane has not gone. */
static bool is_there(const update *u, uint64_t entry) { return !u->pat || u->pat->alive[entry]; }

/* Those that changed get the values of their nodes. */
static void refresh_touched(const update *u)
{
	struct store *st = u->st;
	BITSET_FOR(&st->touched, outer)
		if (bitset_test(&st->held, outer) && tree_refresh(&st->trees, st->block[outer]))
			store_changed(u, outer);
	bitset_clear(&st->touched);
}

/* The values of the operands of the batch; NULL: none of them is present. */
static const lanes *batch_values(const update *u)
{
	const region_plan *rp = u->st->plan;
	batch *b = u->batch;
	run *r = u->r, *c = u->c;
	r->n = c->n = b->n;
	r->live = c->live = NULL;
	if (u->st->same)
		pass_positions(u->w, u->st->kernel, u->st->to, r, b->outer);
	else
		store_vars(u, b->outer, b->n);
	store_run_needed(u);
	c->form = OUTER_SAME;
	c->vars[rp->var] = (var_lanes){VAR_I64, 0, b->var};
	if (rp->entry != NONE)
		c->vars[rp->entry] = (var_lanes){VAR_I64, 0, b->entry};
	run_import(u->w, c);
	if (!run_code(u->w, c)) /* what comes after the condition has not run */
		return NULL;
	lanes *value = &c->regs[rp->value];
	lanes_fill(u->w, value, rp->width, b->n);
	return value;
}

/* Evaluates the operands of the batch and puts them into their trees. */
static void flush(const update *u)
{
	struct store *st = u->st;
	const run *c = u->c;
	batch *b = u->batch;
	if (b->n == 0)
		return;
	if (b->n >= PREFETCH)
		tree_prefetch(&st->trees, b->root, b->position, b->n);
	const lanes *value = batch_values(u);
	bool wrong = store_failed(u);
	size_t apart = value && !value->uniform ? (size_t)1 << st->plan->width : 0;
	for (uint32_t i = 0; i < b->n; i++) {
		uint64_t outer = (uint64_t)b->outer[i];
		uint32_t position = b->position[i], *root = &st->block[outer];
		if (wrong)
			store_give_up(u, outer);
		else if (!bitset_test(&st->held, outer))
			continue;
		else if (value && (!c->live || c->live[i]) && is_there(u, (uint64_t)b->entry[i]))
			note_change(u, outer, tree_set(&st->trees, root, position, (const uint8_t *)value->at + i * apart));
		else
			note_change(u, outer, tree_remove(&st->trees, root, position));
	}
	b->n = 0;
	refresh_touched(u); /* while they are near */
}

/* ---- lanes, a window at a time ----------------------------------------------------------------- */

/* Asks the caches for what locate reads of a lane. */
static void fetch_place(const update *u, uint64_t lane)
{
	lane /= u->st->others;
	if (u->pat) {
		fetch(&u->pat->row[lane]);
		fetch(&u->pat->col[lane]);
	} else if (u->groups) {
		fetch(u->keys.base + lane * u->keys.stride);
	}
}

typedef void use_window(const update *, store_operand *, uint32_t n);

static void close_window(const update *u, uint32_t n, use_window *use)
{
	store_operand *o = u->st->window;
	uint32_t found = 0;
	for (uint32_t i = 0; i < n; i++) {
		o[found].lane = o[i].lane;
		found += store_locate(u, &o[found]);
	}
	use(u, o, found);
}

/* All dirty lanes. Where they are is asked for some time before it is looked at. */
static void each_window(const update *u, const bitset *dirty, use_window *use)
{
	store_operand *o = u->st->window;
	uint32_t n = 0;
	BITSET_FOR(dirty, lane) {
		fetch_place(u, lane);
		o[n++].lane = lane;
		if (n == STORE_WINDOW) {
			close_window(u, n, use);
			n = 0;
		}
	}
	close_window(u, n, use);
}

static void count_window(const update *u, store_operand *o, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		u->st->dirty[o[i].outer]++;
}

/* Elements of which so many operands are dirty that evaluating them whole is cheaper, or building their trees does not pay, are given up. */
static void give_up_dense(const update *u, store_operand *o, uint32_t n)
{
	struct store *st = u->st;
	double weight = st->plan->weight;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t outer = o[i].outer;
		if (st->dirty[outer] == 0)
			continue;
		double most = (double)members(u, outer) * (weight + 1) / (bitset_test(&st->held, outer) ? 1 : BUILD_SHARE) + 2 * TREE_COST;
		bool dense = st->dirty[outer] * (weight + TREE_COST) > most;
		if (dense && st->same)
			store_give_up(u, outer);
		else if (dense && bitset_test(&st->held, outer))
			store_drop(st, outer); /* and built anew: many elements may ask for it */
		st->dirty[outer] = 0;
	}
}

/* By outer element, digit by digit, so that each tree is gone through once. */
static store_operand *sort_window(store_operand *from, store_operand *to, uint32_t n, uint64_t outers)
{
	for (unsigned shift = 0; shift < 32 && (outers - 1) >> shift > 0; shift += DIGIT) {
		uint32_t start[DIGITS] = {0}, sum = 0;
		for (uint32_t i = 0; i < n; i++)
			start[from[i].outer >> shift & (DIGITS - 1)]++;
		for (uint32_t d = 0; d < DIGITS; d++) {
			uint32_t count = start[d];
			start[d] = sum;
			sum += count;
		}
		for (uint32_t i = 0; i < n; i++)
			to[start[from[i].outer >> shift & (DIGITS - 1)]++] = from[i];
		store_operand *swap = from;
		from = to;
		to = swap;
	}
	return from;
}

static void put_operand(const update *u, const store_operand *o)
{
	struct store *st = u->st;
	batch *b = u->batch;
	if ((u->whole && bitset_test(u->whole, o->outer)) || bitset_test(&st->settled, o->outer))
		return;
	if (!bitset_test(&st->held, o->outer)) {
		if (!store_tree_build(u, o->outer))
			store_give_up(u, o->outer);
		return;
	}
	b->outer[b->n] = o->outer;
	b->var[b->n] = st->plan->lo + o->position;
	b->root[b->n] = st->block[o->outer];
	b->position[b->n] = o->position;
	b->entry[b->n++] = (int64_t)o->lane;
	if (b->n == TILE)
		flush(u);
}

static void put_window(const update *u, store_operand *o, uint32_t n)
{
	struct store *st = u->st;
	if (n > TILE || st->least != LEAST_MEMBERS) /* with MMSB_STORES, which is for tests, also a few */
		o = sort_window(o, o + STORE_WINDOW, n, st->outers);
	for (uint32_t i = 0; i < n; i++)
		put_operand(u, &o[i]);
	flush(u);
}

void store_tree_update(const update *all, const bitset *dirty)
{
	batch b;
	update some = *all;
	const update *u = &some;
	some.batch = &b;
	b.n = 0;
	if (u->st->least == LEAST_MEMBERS && bitset_above(dirty, 2)) {
		each_window(u, dirty, count_window);
		each_window(u, dirty, give_up_dense);
	}
	each_window(u, dirty, put_window);
	refresh_touched(u);
}

void store_tree_leave(const update *u, uint64_t outer, uint32_t position)
{
	struct store *st = u->st;
	note_change(u, outer, tree_remove(&st->trees, &st->block[outer], position));
}
