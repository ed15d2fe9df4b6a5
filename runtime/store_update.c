/* store_update.c - what an epoch does to stores. Operands are evaluated in batches like any others; what they are worth goes to
 * store_flat.c, or where store_tree_update.c and store_laid.c say. */
#include <string.h>

#include "fetch.h"
#include "fpenv.h"
#include "index.h"
#include "route.h"
#include "store_parts.h"

enum {
	AHEAD = 8, LINE = 64    /* blocks of a flat store that are asked for before their turn; bytes of a line of memory */
};

/* ---- an update at work ------------------------------------------------------------------------- */

void store_run_needed(const update *u)
{
	for (uint32_t i = 0; i < u->st->needed.n; i++)
		run_step(u->w, u->r, u->st->needed.at[i]);
}

/* Region 0 for one outer element. */
void store_enter(const update *u, uint64_t outer)
{
	struct store *st = u->st;
	const kernel_plan *p = st->kernel;
	const int64_t list[1] = {(int64_t)outer};
	run *r = u->r;
	r->n = 1;
	r->live = NULL;
	if (st->keyed)
		st->key = store_key_of(st, outer);
	if (st->same) {
		r->vars[r->plan->flat] = (var_lanes){VAR_UNIFORM, (int64_t)outer, NULL};
		for (uint32_t d = r->plan->def->n_vars; d-- > 0; outer /= (uint64_t)st->to->dims[d])
			r->vars[p->root_vars[d]] = (var_lanes){VAR_UNIFORM, (int64_t)(outer % (uint64_t)st->to->dims[d]), NULL};
	} else {
		store_vars(u, list, 1);
	}
	store_run_needed(u);
	if (st->keyed)
		r->regs[st->plan->at] = (lanes){&st->key, 1, true};
}

void store_give_up(const update *u, uint64_t outer)
{
	if (bitset_test(&u->st->held, outer))
		store_drop(u->st, outer);
	store_changed(u, outer);
	bitset_set(&u->st->settled, outer);
}

bool store_failed(const update *u)
{
	bool any = u->w->fault.any;
	u->w->fault.any = false;
	return any;
}

const void *store_operands(const update *u, uint64_t first, uint64_t end, bool enter)
{
	const region_plan *rp = u->st->plan;
	run *c = u->c;
	c->n = (uint32_t)(end - first);
	c->live = NULL;
	c->form = OUTER_ONE;
	c->outer_lane = 0;
	c->vars[rp->var] = (var_lanes){VAR_IOTA, rp->lo + (int64_t)first, NULL};
	if (enter)
		run_import(u->w, c);
	run_code(u->w, c);
	lanes *value = &c->regs[rp->value];
	lanes_fill(u->w, value, rp->width, c->n);
	return value->at;
}

/* ---- flat -------------------------------------------------------------------------------------- */

static void put_range(const update *u, flat_change *change, uint64_t first, uint64_t end, bool enter)
{
	const void *values = store_operands(u, first, end, enter);
	flat_put(change, first, values, (uint32_t)(end - first), u->w->arena + u->st->plan->places[PLACE_SCRATCH]);
}

static void flat_all(const update *u, flat_change *change)
{
	uint64_t n = (uint64_t)u->st->plan->extent;
	for (uint64_t at = 0; at < n; at += TILE)
		put_range(u, change, at, n - at < TILE ? n : at + TILE, at == 0);
}

/* Asks the caches for what the block of a lane reads at its lanes' own positions, and for the values of blocks beside it. */
static void ask_for_block(const update *u, const flat_change *change, uint64_t lane, uint64_t block)
{
	const struct store *st = u->st;
	for (uint32_t i = 0; i < st->kernel->n_reads; i++) {
		const route *r = &st->kernel->routes.reads[i];
		const read_now *read = &u->w->ex->reads[i];
		if (!st->kernel->reads[i].def || r->kind != ROUTE_SAME || r->target != st->plan->id)
			continue;
		for (size_t at = 0, bytes = read->stride << st->flats.bits; at < bytes; at += LINE)
			fetch(read->base + lane * read->stride + at);
	}
	flat_prefetch(change, block);
}

/* The first lane of the next block that has some, from lane `at` on; the block is asked for. */
static uint64_t look_ahead(const update *u, const flat_change *change, const bitset *dirty, uint64_t base, uint64_t at)
{
	unsigned bits = u->st->flats.bits;
	uint64_t lane = bitset_next(dirty, at);
	if (lane >= base + (uint64_t)u->st->plan->extent)
		return BITSET_END;
	uint64_t block = (lane - base) >> bits;
	ask_for_block(u, change, base + (block << bits), block);
	return base + ((block + 1) << bits);
}

/* The blocks that have lanes: those side by side together. */
static void flat_some(const update *u, flat_change *change, const bitset *dirty, uint64_t base)
{
	uint64_t n = (uint64_t)u->st->plan->extent, size = (uint64_t)1 << u->st->flats.bits, at = bitset_next(dirty, base), ahead = at;
	for (unsigned i = 0; i < AHEAD; i++)
		ahead = look_ahead(u, change, dirty, base, ahead);
	for (bool enter = true; at < base + n; enter = false) {
		ahead = look_ahead(u, change, dirty, base, ahead);
		uint64_t first = (at - base) / size * size, end = first;
		do {
			end = n - end < size ? n : end + size;
			at = bitset_next(dirty, base + end);
		} while (at < base + n && at - base < end + size && end - first < TILE);
		put_range(u, change, first, end, enter);
	}
}

/* So many blocks have lanes that evaluating the element whole is cheaper. */
static bool flat_is_dense(const update *u, const bitset *dirty, uint64_t base)
{
	const region_plan *rp = u->st->plan;
	unsigned bits = u->st->flats.bits;
	if (u->st->least != LEAST_MEMBERS)
		return false;
	double block = (double)((uint64_t)1 << bits) * rp->weight + FLAT_COST, left = (double)rp->extent * rp->weight;
	uint64_t end = base + (uint64_t)rp->extent;
	for (uint64_t at = bitset_next(dirty, base); at < end && left >= 0; left -= block)
		at = bitset_next(dirty, base + ((((at - base) >> bits) + 1) << bits));
	return left < 0;
}

static void flat_element(const update *u, const bitset *dirty, uint64_t outer)
{
	struct store *st = u->st;
	flat_change change;
	bool build = !bitset_test(&st->held, outer);
	if (dirty && flat_is_dense(u, dirty, outer * (uint64_t)st->plan->extent)) {
		if (st->same) {
			store_give_up(u, outer);
			return;
		}
		build = true; /* many elements may ask for it */
	}
	if (build) {
		if (!bitset_test(&st->held, outer))
			st->block[outer] = pool_take(&st->flats.pool, 0);
		if (!st->block[outer]) {
			store_give_up(u, outer);
			return;
		}
		bitset_set(&st->held, outer);
	}
	flat_begin(&change, &st->flats, st->block[outer], build);
	store_enter(u, outer);
	if (build)
		flat_all(u, &change);
	else
		flat_some(u, &change, dirty, outer * (uint64_t)st->plan->extent);
	bool changed = flat_end(&change);
	if (store_failed(u))
		store_give_up(u, outer);
	else if (changed)
		store_changed(u, outer);
}

static void update_flat(const update *u, const bitset *dirty)
{
	uint64_t extent = (uint64_t)u->st->plan->extent;
	for (uint64_t lane = bitset_next(dirty, 0); lane != BITSET_END;) {
		uint64_t outer = lane / extent, next = (outer + 1) * extent;
		if (!u->whole || !bitset_test(u->whole, outer))
			flat_element(u, dirty, outer);
		lane = next < dirty->n ? bitset_next(dirty, next) : BITSET_END;
	}
}

/* ---- an update --------------------------------------------------------------------------------- */

/* A position has left a group: what it comes to where it is now is evaluated with its lanes. */
static void leave(const update *u, const index_move *m, uint64_t other)
{
	struct store *st = u->st;
	uint64_t from = store_outer_with(st, m->from, other), to = store_outer_with(st, m->to, other);
	if (from < st->outers) {
		store_changed(u, from);
		if (st->ready && bitset_test(&st->held, from))
			store_tree_leave(u, from, m->position);
	}
	if (to < st->outers)
		store_changed(u, to);
}

/* The members of groups follow the keys. Entries that came or went are lanes like those that changed. */
static void follow_members(const update *u)
{
	struct store *st = u->st;
	uint64_t epoch = u->w->ex->inst->epoch + 1;
	if (u->groups && !u->w->ex->again) {
		size_t n;
		bool all;
		const index_move *moves = index_moves(u->groups, epoch, &n, &all);
		if (all)
			store_drop_held(st);
		for (size_t i = 0; i < n; i++)
			for (uint64_t other = 0; other < st->others; other++)
				leave(u, &moves[i], other);
	}
}

/* Groups are laid out while no member moves; once one has, they are again after as many operands were evaluated as laying them out takes. */
static void choose_form(const update *u, uint64_t evaluated, const bitset *whole)
{
	struct store *st = u->st;
	size_t n;
	bool all;
	if (!st->can_lay)
		return;
	index_moves(u->groups, u->w->ex->inst->epoch + 1, &n, &all);
	bool moved = (!u->w->ex->again && (all || n > 0)) || (whole && !bitset_empty(whole));
	st->can_lay = !st->no_room;
	if (st->laid) {
		if (!st->can_lay || (moved && st->ready && !bitset_empty(&st->held)))
			store_lay(st, false);
		return;
	}
	st->quiet = moved ? 0 : st->quiet + evaluated;
	if (st->can_lay && st->quiet >= st->plan->driver->count)
		store_lay(st, true);
}

/* Kinds that know what dirty operands concern with memory or without. */
static bool update_apart(const update *u, const bitset *dirty)
{
	if (u->st->running)
		store_running_update(u, dirty);
	if (u->st->pairs)
		store_pairs_update(u, dirty);
	return u->st->running || u->st->pairs;
}

/* Without memory for the sets every element that has a lane is evaluated whole. */
static void update_nothing(const update *u, const bitset *dirty)
{
	if (update_apart(u, dirty))
		return;
	if (u->st->prefix || u->st->bounded) {
		u->st->prefix ? store_prefix_concern(u, dirty) : bounded_concern(u, dirty);
		return;
	}
	BITSET_FOR(dirty, lane) {
		store_operand o = {.lane = lane};
		if (store_locate(u, &o))
			store_changed(u, o.outer);
	}
}

static void drop_outer(const update *u, uint64_t outer)
{
	if (bitset_test(&u->st->held, outer))
		store_drop(u->st, outer);
}

/* Where nobody knows which outer elements have the value of these, all may. */
static void drop_whole(const update *u, const bitset *whole)
{
	struct store *st = u->st;
	if (bitset_empty(whole))
		return;
	if (!st->same && st->keyed && st->shape.key == NONE) {
		store_drop_held(st);
		return;
	}
	store_each_asked(u, whole, drop_outer);
	if (!st->same)
		return;
	BITSET_FOR_WORDS(whole, w)
		for (uint64_t bits = whole->level[0][w] & st->held.level[0][w]; bits; bits &= bits - 1)
			store_drop(st, w * 64 + (uint64_t)__builtin_ctzll(bits));
}

/* An element is to be evaluated, and others that have this value may be, too, or the same in rounds to come: one evaluation of it is enough. */
static void hold(const update *u, uint64_t outer)
{
	struct store *st = u->st;
	if (bitset_test(&st->held, outer) || bitset_test(&st->settled, outer))
		return;
	if (st->laid)
		store_laid_hold(u, (uint32_t)outer);
	else if (st->flat)
		flat_element(u, NULL, outer);
	else
		store_tree_build(u, outer);
	bitset_set(&st->settled, outer);
}

/* In a round after the first elements are evaluated again because of something else than their operands. */
static void hold_asked(const update *u, const bitset *elements)
{
	if (!u->st->same)
		store_each_asked(u, elements, hold);
	else if (u->w->ex->again)
		BITSET_FOR(elements, element)
			hold(u, element);
}

static update update_of(struct executor *ex, const kernel_plan *p, uint32_t region)
{
	struct store *st = p->regions[region].store;
	update u = {.st = st, .w = &ex->workers[0], .pat = ex->patterns[region], .groups = ex->groups[region]};
	if (st->plan->def->kind == REGION_GROUP)
		u.keys = page_column(ex->inst, st->plan->driver, false, NONE);
	return u;
}

/* The worker is ready to evaluate operands; *fault_at has to live as long. */
static void begin(update *u, const kernel_plan *p, uint64_t *fault_at)
{
	worker *w = u->w;
	*fault_at = UINT64_MAX;
	w->ex->fault_at = fault_at;
	w->fault.any = false;
	worker_prepare(w, p);
	u->r = &w->runs[0];
	u->c = &w->runs[u->st->plan->id];
	u->c->parent = u->r;
}

static void whole_region(struct executor *ex, const kernel_plan *p, uint32_t region)
{
	struct store *st = p->regions[region].store;
	uint64_t fault_at;
	update u = update_of(ex, p, region);
	store_drop_held(st);
	if ((st->running || st->pairs || st->bounded) && !ex->force && store_make_ready(st)) {
		begin(&u, p, &fault_at);
		uint64_t env = fpenv_enter();
		st->running ? store_running_fill(&u) : st->pairs ? store_pairs_fill(&u) : bounded_all(&u);
		fpenv_leave(env);
	}
	if (!st->can_lay)
		return;
	uint64_t n = st->plan->driver->count;
	choose_form(&u, n, NULL);
	if (st->plan->pour || n < POUR_LEAST || ex->force || ex->n_workers > LAID_THREADS || !st->laid || !store_make_ready(st) || !st->laid)
		return;
	begin(&u, p, &fault_at);
	uint64_t env = fpenv_enter();
	bool done = store_laid_fill(&u);
	fpenv_leave(env);
	if (!done)
		store_drop_held(st);
}

void store_whole(struct executor *ex, const kernel_plan *p)
{
	for (uint32_t id = 1; id < p->n_regions; id++)
		if (p->regions[id].stored)
			whole_region(ex, p, id);
}

void store_update(struct executor *ex, const kernel_plan *p, uint32_t region, const bitset *dirty, const bitset *whole, bitset *elements)
{
	struct store *st = p->regions[region].store;
	update u = update_of(ex, p, region);
	uint64_t fault_at;
	u.outer = elements;
	u.whole = st->same ? whole : NULL;
	if (bitset_empty(dirty) && (!whole || bitset_empty(whole)) && ((st->same && !st->pairs && !ex->again) || bitset_empty(elements)))
		return;
	choose_form(&u, st->can_lay ? bitset_count(dirty) : 0, whole);
	if (!store_make_ready(st)) {
		follow_members(&u);
		update_nothing(&u, dirty);
		return;
	}
	begin(&u, p, &fault_at);
	uint64_t env = fpenv_enter();
	if (st->prefix) {
		if (whole)
			store_prefix_drop(st, whole);
		store_prefix_update(&u, dirty);
	} else if (st->bounded) {
		if (whole)
			drop_whole(&u, whole);
		bounded_update(&u, dirty);
		bounded_ask(&u, elements);
	} else if (!update_apart(&u, dirty)) {
		if (whole)
			drop_whole(&u, whole);
		follow_members(&u);
		if (st->flat)
			update_flat(&u, dirty);
		else if (st->laid)
			store_laid_update(&u, dirty);
		else
			store_tree_update(&u, dirty);
		store_spread(&u);
		hold_asked(&u, elements);
		if (!st->same)
			bitset_clear(&st->changed); /* of what has been held only now no value has changed */
		bitset_clear(&st->settled);
	}
	fpenv_leave(env);
}
