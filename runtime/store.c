/* store.c - which reductions keep partial results, their memory, and the values that are held. */
#include <stdlib.h>
#include <string.h>

#include "bounds.h"
#include "pass_facts.h"
#include "plan.h"
#include "pour.h"
#include "store_parts.h"

/* ---- which regions ----------------------------------------------------------------------------- */

static uint64_t least_members(void)
{
	const char *given = getenv("MMSB_STORES");
	return given && atol(given) > 0 ? (uint64_t)atol(given) : LEAST_MEMBERS;
}

/* Along the last dimension, of operands that are all there: a scan of blocks gives it. */
static bool is_scan(const kernel_plan *p, const region_plan *r)
{
	return r->def->kind == REGION_PREFIX && r->where == NONE && r->kind != RED_ARG && r->at == p->root_vars[p->regions[0].def->n_vars - 1];
}

/* Elements have a part of the operands each. */
static bool is_bounded(const kernel_plan *p, const region_plan *r)
{
	if (p->regions[0].def->kind != REGION_DOMAIN)
		return false;
	uint64_t least = least_members(), usual = least < BOUNDED_LEAST ? least : BOUNDED_LEAST;
	if (r->def->kind == REGION_PREFIX)
		return !is_scan(p, r) && r->kind != RED_DENSE && (uint64_t)r->extent >= least;
	return r->def->kind == REGION_RANGE && bounds_differ(r) && r->kind != RED_DENSE && (uint64_t)r->usual >= usual;
}

static bool has_lanes(const kernel_plan *p, const region_plan *r)
{
	const sch_region *g = r->def;
	if (r->parent != &p->regions[0] || g->prev)
		return false;
	switch ((region_kind)g->kind) {
	case REGION_RANGE: return (uint64_t)r->extent >= least_members() && (!bounds_differ(r) || is_bounded(p, r));
	case REGION_GROUP: case REGION_ROW: case REGION_COL: return true;
	case REGION_PREFIX: return p->regions[0].def->kind == REGION_DOMAIN && (is_scan(p, r) || is_bounded(p, r));
	default: return false;
	}
}

/* Blocks are smaller where an operand is much work. */
static unsigned block_bits(const region_plan *r)
{
	unsigned bits = FLAT_BITS;
	while (bits > 0 && r->weight * (double)(1u << bits) > BLOCK_WORK)
		bits--;
	return bits;
}

/* Everything but ranges and scans: trees, or groups laid out. */
static void set_groups(struct store *st, const kernel_table *k, bool laid)
{
	const region_plan *r = st->plan;
	st->laid = laid;
	if (laid)
		laid_kind_set(&st->laids, k, r->def->op, r->type, st->to->count, r->driver->count);
	else
		tree_kind_set(&st->trees, k, r->kind, r->def->op, r->type, r->def->reducer == REDUCER_ARGMAX);
}

static bool set_kind(struct store *st, const kernel_table *k)
{
	const region_plan *r = st->plan;
	unsigned arg = r->def->reducer == REDUCER_ARGMAX;
	st->prefix = r->def->kind == REGION_PREFIX && !st->bounded;
	st->flat = r->def->kind == REGION_RANGE && r->where == NONE && r->kind != RED_LIST;
	if (st->running)
		return true;
	if (st->prefix)
		return prefix_kind_set(&st->prefixes, k, r->def->op, r->type, r->def->strict, st->to->count / (uint64_t)r->extent, (uint64_t)r->extent);
	if (st->flat)
		return flat_kind_set(&st->flats, k, r->kind, r->def->op, r->type, arg, (uint64_t)r->extent, block_bits(r));
	st->can_lay = !st->bounded && st->same && st->others == 1 && pour_possible(st->kernel, r);
	set_groups(st, k, st->can_lay);
	return true;
}

/* Bits for lanes and what is kept of each outer element are to be no more than a share of the pages themselves. Of entries nobody knows how many come. */
static bool lanes_fit(const planner *pl, const struct store *st)
{
	uint64_t most = pl->inst->arena.bytes / 4 + STORE_LANES_BYTES, n = st->others;
	if (!st->keyed)
		n = st->lanes;
	else if (st->plan->def->kind == REGION_GROUP && __builtin_mul_overflow(n, st->plan->driver->count, &n))
		return false;
	bool listed = st->plan->def->kind == REGION_ROW || st->plan->def->kind == REGION_COL;
	return n / 8 <= most && (st->same || st->outers <= most / 16) && (!listed || st->others <= STORE_LANES_OF_ENTRY);
}

static bool count_lanes(planner *pl, struct store *st)
{
	const region_plan *r = st->plan;
	st->shape.key = NONE;
	st->running = store_running_set(pl, st);
	if (st->running) {
		st->same = true;
		st->others = 1;
		st->outers = st->to->count;
		return true;
	}
	if (!store_axes(pl, st))
		return false;
	if (r->def->kind == REGION_PREFIX && !st->bounded) {
		st->lanes = st->outers;
		return r->extent > 0 && st->to->dims[st->to->def->ndim - 1] == r->extent;
	}
	if (!st->keyed && ((uint64_t)r->extent >= UINT32_MAX || __builtin_mul_overflow(st->outers, (uint64_t)r->extent, &st->lanes)))
		return false;
	bool fit = lanes_fit(pl, st);
	st->apart = !fit && r->def->kind == REGION_RANGE;
	return fit;
}

static bool keeps(const planner *pl) { return pl->p->pass && pass_keeps_partials(pl->s, pl->p->pass); }

void store_plan(planner *pl)
{
	kernel_plan *p = pl->p;
	for (uint32_t id = 1; id < p->n_regions && keeps(pl); id++) {
		region_plan *r = &p->regions[id];
		if (!has_lanes(p, r))
			continue;
		struct store *st = calloc(1, sizeof *st);
		if (!st) {
			pl->failed = true;
			return;
		}
		r->store = st;
		*st = (struct store){.kernel = p, .plan = r, .to = &pl->inst->pages[p->pass->page], .left = &pl->inst->store_left,
		                    .least = least_members()};
		if (is_bounded(p, r) && !(st->bounded = plan_take(pl, 1, sizeof *st->bounded)))
			return;
		if (count_lanes(pl, st)) {
			r->stored = set_kind(st, pl->k);
			continue;
		}
		st->bounded = NULL;
		r->stored = store_pairs_set(pl, st);
	}
}

void store_free(struct store *st)
{
	if (!st)
		return;
	pool_free(store_pool(st));
	free(st->positions);
	free(st->values);
	free(st);
}

bool store_possible(const region_plan *r) { return r->stored; }
bool store_is_scan(const region_plan *r) { return r->stored && r->store->prefix; }

uint64_t store_lanes(const struct executor *ex, const region_plan *r)
{
	(void)ex;
	switch ((region_kind)r->def->kind) {
	case REGION_RANGE: case REGION_PREFIX: return r->store->lanes;
	case REGION_GROUP: return r->driver->count * r->store->others;
	default: return (r->driver->now ? r->driver->now[0].bits.n : r->driver->count) * r->store->others; /* no fewer than what is marked of entries */
	}
}

bool store_is_short(const region_plan *r)
{
	const struct store *st = r->store;
	return (r->def->kind == REGION_ROW || r->def->kind == REGION_COL) && r->driver->count / st->least < st->outers;
}

bool store_skips(const region_plan *r, const pattern *pat, uint64_t key)
{
	const struct store *st = r->store;
	const lists *l = r->def->kind == REGION_ROW ? &pat->rows : &pat->cols;
	bool alone = st && st->same && st->keyed && st->others == 1 && key < st->outers && key < l->n_lists;
	return alone && lists_length(l, key) < st->least && !(st->ready && bitset_test(&st->held, key));
}

/* ---- memory ------------------------------------------------------------------------------------ */

static size_t most_bytes(const struct store *st)
{
	if (!st->flat && (st->plan->def->kind == REGION_ROW || st->plan->def->kind == REGION_COL))
		return SIZE_MAX / 2; /* entries may come */
	if (!st->flat)
		return tree_kind_bytes(&st->trees, st->keyed ? st->plan->driver->count * st->others : st->lanes);
	size_t bytes = flat_kind_bytes(&st->flats);
	return st->outers <= SIZE_MAX / 2 / bytes ? bytes * st->outers : SIZE_MAX / 2;
}

static bool place_set(pool *p, bitset *b, uint64_t n)
{
	void *memory = pool_keep(p, bitset_bytes(n));
	if (memory)
		bitset_place(b, n, memory);
	return memory != NULL;
}

static bool make_prefixes_ready(struct store *st)
{
	prefix_kind *x = &st->prefixes;
	size_t bytes = prefix_kind_bytes(x) + bitset_bytes(x->rows) + (size_t)2 * POOL_UNIT;
	if (bytes > *st->left || pool_new(&x->pool, bytes, st->left))
		return false;
	return st->ready = prefix_kind_place(x) && place_set(&x->pool, &st->held, x->rows);
}

static bool make_running_ready(struct store *st)
{
	running_kind *x = &st->runnings;
	size_t bytes = running_kind_bytes(x) + bitset_bytes(1) + (size_t)2 * POOL_UNIT;
	if (bytes > *st->left || pool_new(&x->pool, bytes, st->left))
		return false;
	return st->ready = running_kind_place(x) && place_set(&x->pool, &st->held, 1);
}

static bool make_pairs_ready(struct store *st)
{
	pairs_kind *x = &st->pairings;
	size_t bytes = pairs_kind_bytes(x, st->plan->width);
	if (bytes > *st->left || pool_new(&x->pool, bytes, st->left))
		return false;
	return st->ready = pairs_kind_place(x, st->plan->width);
}

static bool make_laid_ready(struct store *st)
{
	laid_kind *l = &st->laids;
	size_t bytes = laid_kind_bytes(l) + 2 * bitset_bytes(st->outers) + (size_t)4 * POOL_UNIT;
	if (bytes > *st->left || pool_new(&l->pool, bytes, st->left))
		return false;
	return st->ready = laid_kind_place(l) && place_set(&l->pool, &st->held, st->outers) && place_set(&l->pool, &st->settled, st->outers);
}

void store_lay(struct store *st, bool laid)
{
	const kernel_table *k = st->laid ? st->laids.k : st->trees.k;
	pool_free(store_pool(st));
	st->ready = st->refused = st->no_room = false;
	st->quiet = 0;
	st->held = st->touched = st->settled = (bitset){0};
	set_groups(st, k, laid);
}

bool store_make_ready(struct store *st)
{
	if (st->laid && !st->ready && (st->refused || !make_laid_ready(st))) { /* trees grow with what they hold */
		st->can_lay = false;
		store_lay(st, false);
	}
	if (st->ready || st->refused)
		return st->ready;
	pool *p = store_pool(st);
	st->refused = true;
	if (st->prefix || st->running)
		return st->prefix ? make_prefixes_ready(st) : make_running_ready(st);
	if (st->pairs)
		return make_pairs_ready(st);
	bool windows = !st->flat && !st->bounded;
	size_t window = !windows ? 0 : 2 * STORE_WINDOW * sizeof *st->window, most = most_bytes(st);
	size_t kept = 4 * bitset_bytes(st->outers) + 2 * st->outers * sizeof *st->block + window + 10 * POOL_UNIT;
	if (kept > *st->left || pool_new(p, kept + (most < *st->left ? most : *st->left), st->left))
		return false;
	st->block = pool_keep(p, st->outers * sizeof *st->block);
	st->dirty = windows ? pool_keep(p, st->outers * sizeof *st->dirty) : NULL;
	st->window = windows ? pool_keep(p, window) : NULL;
	st->ready = st->block && (!windows || (st->dirty && st->window)) && place_set(p, &st->held, st->outers) && place_set(p, &st->touched, st->outers) &&
	            place_set(p, &st->settled, st->outers) && (st->same || place_set(p, &st->changed, st->outers));
	return st->ready;
}

void store_drop(struct store *st, uint64_t outer)
{
	if (st->flat)
		pool_give(&st->flats.pool, 0, st->block[outer]);
	else
		tree_drop(&st->trees, st->block[outer]);
	st->block[outer] = 0;
	bitset_unset(&st->held, outer);
}

void store_drop_held(struct store *st)
{
	if (st->pairs)
		store_pairs_drop(st);
	if (!st->ready || st->pairs || bitset_empty(&st->held))
		return;
	if (st->prefix || st->running) {
		bitset_clear(&st->held);
		return;
	}
	if (st->laid) {
		bitset_clear(&st->held);
		laid_reset(&st->laids);
		return;
	}
	BITSET_FOR(&st->held, outer)
		st->block[outer] = 0;
	bitset_clear(&st->held);
	pool_reset(store_pool(st));
}

void store_drop_all(const kernel_plan *p)
{
	for (uint32_t id = 1; id < p->n_regions; id++)
		if (p->regions[id].store)
			store_drop_held(p->regions[id].store);
}

/* ---- values ------------------------------------------------------------------------------------ */

static bool held_value(const region_plan *r, uint64_t outer, scalar *value, uint64_t *count)
{
	const struct store *st = r->store;
	if (!bitset_test(&st->held, outer))
		return false;
	if (st->flat) {
		*value = flat_value(&st->flats, st->block[outer]);
		*count = (uint64_t)r->extent;
	} else if (st->laid) {
		*value = (scalar){.bits = st->laids.value[outer]};
		*count = st->laids.members[outer];
	} else {
		*value = tree_value(&st->trees, st->block[outer], count);
	}
	if (r->kind == RED_ARG)
		value->U32 += (uint32_t)r->lo;
	return true;
}

/* By outer element. */
static bool is_ready(const region_plan *r) { return r->stored && r->store->ready && !r->store->prefix && !r->store->running && !r->store->pairs; }

static bool has_pairs(const region_plan *r) { return r->stored && r->store->pairs && r->store->ready; }

bool store_holds_any(const region_plan *r) { return has_pairs(r) || (is_ready(r) && !bitset_empty(&r->store->held)); }
bool store_holds_outer(const region_plan *r, uint64_t outer) { return is_ready(r) && bitset_test(&r->store->held, outer); }

bool store_holds(const region_plan *r, const run *of, uint32_t lane)
{
	uint64_t outer;
	if (has_pairs(r))
		return store_pairs_holds(r, of, lane);
	return is_ready(r) && store_outer_of(r->store, of, lane, &outer) && bitset_test(&r->store->held, outer);
}

bool store_holds_most(const region_plan *r) { return is_ready(r) && r->store->laid && r->store->laids.n_slots >= r->store->laids.positions / 2; }

uint32_t store_give(worker *w, run *r, const step *s)
{
	const region_plan *rp = s->child;
	if (!store_holds_any(rp))
		return 0;
	if (rp->store->bounded)
		return bounded_give(w, r, s);
	if (rp->store->pairs)
		return store_pairs_give(w, r, s);
	uint32_t n = 0;
	for (uint32_t lane = 0; lane < r->n; lane++) {
		scalar value;
		uint64_t outer, count;
		if (!store_outer_of(rp->store, r, lane, &outer) || !held_value(rp, outer, &value, &count))
			continue;
		if (count > 0)
			give_value(w, r, s, lane, value, count);
		else
			give_identity(w, r, s, lane);
		n++;
	}
	return n;
}
