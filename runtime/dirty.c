/* dirty.c - from change sets to dirty sets: follows the routes of what a pass reads, or says that all of it is to be evaluated. */
#include "dirty.h"

#include <stdlib.h>

#include "index.h"
#include "route_site.h"
#include "store.h"

/* ---- sets -------------------------------------------------------------------------------------- */

/* Rows and columns have lanes as there are entries. */
static bool lanes_room(const struct executor *ex, const kernel_plan *p, dirty_sets *d, uint32_t region)
{
	uint64_t n = p->regions[region].stored ? store_lanes(ex, &p->regions[region]) : 0;
	return d->lanes[region].n >= n || !bitset_grow(&d->lanes[region], n);
}

dirty_sets *dirty_new(struct executor *ex, const kernel_plan *p)
{
	dirty_sets *d = calloc(1, sizeof *d);
	if (!d)
		return NULL;
	d->lanes = calloc(p->n_regions, sizeof *d->lanes);
	uint64_t n = ex->inst->pages[p->pass->page].count;
	bool room = d->lanes != NULL;
	for (uint32_t i = 1; i < p->n_regions && room; i++) {
		d->stored |= p->regions[i].stored;
		room = lanes_room(ex, p, d, i);
	}
	if (!room || bitset_new(&d->elements, n) || (d->stored && bitset_new(&d->fed, n))) {
		dirty_free(d, p);
		return NULL;
	}
	return d;
}

void dirty_free(dirty_sets *d, const kernel_plan *p)
{
	if (!d)
		return;
	for (uint32_t i = 0; d->lanes && i < p->n_regions; i++)
		bitset_free(&d->lanes[i]);
	free(d->lanes);
	bitset_free(&d->elements);
	bitset_free(&d->fed);
	free(d);
}

void dirty_clear(const kernel_plan *p)
{
	dirty_sets *d = p->dirty;
	bitset_clear(&d->elements);
	bitset_clear(&d->fed);
	for (uint32_t i = 1; i < p->n_regions; i++)
		bitset_clear(&d->lanes[i]);
}

/* ---- finding ----------------------------------------------------------------------------------- */

typedef struct finder {
	struct executor *ex;
	const kernel_plan *p;
	uint64_t epoch;
	bool whole;
} finder;

bool page_changed_in(const page *p, uint64_t epoch, bool prev)
{
	return prev ? p->changed_before + 1 == epoch : p->changed == epoch;
}

/* The set that a route fills, with room for all that it may mark. */
static bitset *set_of(const finder *f, const route *r)
{
	dirty_sets *d = f->p->dirty;
	if (r->target == 0)
		return r->feeds ? &d->fed : &d->elements;
	return &d->lanes[r->target];
}

/* How many elements (or lanes) a position of what is read concerns, on average: those that are read for all elements, over the positions. */
static double fan_of(const finder *f, uint32_t read, const bitset *to, const bitset *changed)
{
	const route *r = &f->p->routes.reads[read];
	double pairs = (double)to->n;
	for (const region_plan *at = &f->p->regions[f->p->reads[read].def->region]; at->id != r->target && at->parent; at = at->parent)
		if (at->def->kind == REGION_RANGE)
			pairs *= (double)at->usual;
	return pairs > (double)changed->n && changed->n ? pairs / (double)changed->n : 1;
}

/* Following each changed position would cost more than evaluating everything. Of a few that are solved for at once it is not guessed how many elements
 * they concern: following them shows it. */
static bool too_many(const finder *f, uint32_t read, const bitset *to, const bitset *changed)
{
	if (f->p->routes.reads[read].direct && !bitset_above(changed, FEW_CHANGES))
		return false;
	uint32_t target = f->p->routes.reads[read].target;
	uint64_t share = target ? LANE_SHARE : f->p->pass->kind == PASS_MAP ? ELEMENT_SHARE : FIXPOINT_SHARE, n = to->n;
	if (target && store_is_short(&f->p->regions[target])) { /* most operands are those of an element that is evaluated whole */
		share = f->p->regions[target].rows ? ELEMENT_SHARE : SHORT_SHARE;
		n = f->p->dirty->elements.n;
	}
	return bitset_above(changed, (uint64_t)((double)(n / share) / fan_of(f, read, to, changed)));
}

/* All elements; what reductions with stores come to is kept where it does not depend on this. */
static void reach_all(finder *f, const route *r)
{
	dirty_sets *d = f->p->dirty;
	if (r->target == 0 && !r->feeds && d->stored)
		bitset_set_range(&d->elements, 0, f->ex->inst->pages[f->p->pass->page].count);
	else
		f->whole = true;
}

static void walk_route(finder *f, uint32_t read, const bitset *changed)
{
	const route *r = &f->p->routes.reads[read];
	route_sink sink = {.lanes = set_of(f, r), .elements = &f->p->dirty->elements};
	route_changes(f->ex, f->p, read, changed, &sink);
	if (sink.all)
		reach_all(f, r);
}

static void follow(finder *f, uint32_t read, const change_set *set)
{
	const route *r = &f->p->routes.reads[read];
	bitset *to = set_of(f, r);
	if (bitset_empty(&set->bits) && !set->all)
		return;
	if (set->all || r->kind == ROUTE_WHOLE || too_many(f, read, to, &set->bits)) {
		reach_all(f, r);
	} else {
		walk_route(f, read, &set->bits);
	}
}

/* The entries that came and went in the pattern that a pass sees, or NULL: none did. */
static const pattern_log *entries_changed(const finder *f, const page *p, bool prev)
{
	const pattern *pat = prev ? p->prev_pat : p->pat;
	bool any = pat && pat->log.n > 0 && pat->log.epoch == (prev ? f->epoch - 1 : f->epoch);
	return any ? &pat->log : NULL;
}

/* A lookup finds an entry that was not there, or none where there was one; its value may be the same. */
static void find_looked_up(finder *f, uint32_t read)
{
	const read_plan *rp = &f->p->reads[read];
	const route *r = &f->p->routes.reads[read];
	const pattern_log *log = entries_changed(f, rp->from, rp->def->prev);
	route_sink sink = {.lanes = set_of(f, r)};
	if (!log)
		return;
	sink.all = log->all || log->n > rp->from->pat->n_entries / LANE_SHARE || r->kind != ROUTE_STEPS;
	for (size_t k = 0; k < log->n && !sink.all; k++)
		route_entry(f->ex, f->p, read, log->at[k].row, log->at[k].col, &sink);
	if (sink.all)
		reach_all(f, r);
}

static void find_read(finder *f, uint32_t i)
{
	const read_plan *rp = &f->p->reads[i];
	if (!rp->def || f->whole || (rp->def->page == f->p->pass->page && !rp->def->prev))
		return;
	if (rp->from->stale) { /* @lazy, like this pass: what is to be evaluated there is to be here */
		const dirty_sets *d = f->ex->passes[rp->from->def->pass]->dirty;
		const change_set late = {d->all, d->elements};
		follow(f, i, &late);
		return;
	}
	if (!page_changed_in(rp->from, f->epoch, rp->def->prev))
		return;
	const change_set *sets = rp->def->prev ? rp->from->before : rp->from->now;
	const change_set *set = &sets[column_number(rp->from, rp->def->field)];
	if (i != f->p->by_entry || set->all)
		follow(f, i, set);
	if (rp->def->cls == READ_LOOKUP && !f->whole)
		find_looked_up(f, i);
}

/* Where elements go of which a region has other members: where the region is part of operands of a reduction with stores, all of
 * these are to be evaluated. */
static bitset *outer_set(const finder *f, uint32_t region)
{
	for (const region_plan *r = f->p->regions[region].parent; r; r = r->parent)
		if (r->stored)
			return &f->p->dirty->fed;
	return &f->p->dirty->elements;
}

/* Positions that moved from group to group: both are concerned. */
static void find_moves(finder *f, uint32_t i)
{
	const region_plan *r = &f->p->regions[i];
	dirty_sets *d = f->p->dirty;
	route_sink sink = {.lanes = outer_set(f, i)};
	size_t n;
	bool all;
	const index_move *moves = index_moves(f->ex->groups[i], f->epoch, &n, &all);
	if (all || n > r->driver->count / LANE_SHARE) {
		f->whole = true;
		return;
	}
	for (size_t k = 0; k < n && !sink.all; k++) {
		if (r->stored) {
			store_mark_operand(r, &d->lanes[i], moves[k].position);
			continue;
		}
		route_region(f->ex, f->p, i, moves[k].from, &sink);
		route_region(f->ex, f->p, i, moves[k].to, &sink);
	}
	f->whole |= sink.all;
}

/* Entries that came or went concern their row, or column; a page like the pattern's has new elements. */
static void find_entries(finder *f, uint32_t i)
{
	const region_plan *r = &f->p->regions[i];
	const pattern_log *log = entries_changed(f, r->driver, r->def->prev);
	dirty_sets *d = f->p->dirty;
	route_sink sink = {.lanes = outer_set(f, i)};
	if (!log || (i == f->p->by_region && !log->all)) /* the fixpoint looks at these entries itself */
		return;
	if (log->all || log->n > r->driver->pat->n_entries / LANE_SHARE) {
		f->whole = true;
		return;
	}
	for (size_t k = 0; k < log->n && !sink.all; k++) {
		const entry_change *c = &log->at[k];
		if (i == 0 && !c->gone)
			bitset_set(&d->elements, c->slot);
		else if (r->stored)
			store_mark_operand(r, &d->lanes[i], c->slot);
		else if (i > 0)
			route_region(f->ex, f->p, i, r->def->kind == REGION_ROW ? c->row : c->col, &sink);
	}
	f->whole |= sink.all;
}

static void find_region(finder *f, uint32_t i)
{
	const region_plan *r = &f->p->regions[i];
	const page *by = r->driver;
	if (!by || f->whole)
		return;
	if (by->stale) /* @lazy keys, like this pass: nobody knows yet what moves */
		f->whole = true;
	else if (by->def->flags & PAGEF_SPARSE)
		find_entries(f, i);
	else if (page_changed_in(by, f->epoch, r->def->prev))
		find_moves(f, i);
}

/* A sparse page has as many elements as slots; those of entries that went are none. */
static bool elements_room(const struct executor *ex, const kernel_plan *p)
{
	const page *to = &ex->inst->pages[p->pass->page];
	dirty_sets *d = p->dirty;
	return !to->pat || !(bitset_grow(&d->elements, to->now[0].bits.n) || (d->stored && bitset_grow(&d->fed, to->now[0].bits.n)));
}

reach dirty_find(struct executor *ex, const kernel_plan *p, uint64_t epoch)
{
	finder f = {.ex = ex, .p = p, .epoch = epoch, .whole = !elements_room(ex, p)};
	dirty_sets *d = p->dirty;
	bool any = false;
	route_sites_follow(ex, p, epoch);
	for (uint32_t i = 0; i < p->n_regions; i++) {
		f.whole |= !lanes_room(ex, p, d, i);
		find_region(&f, i);
	}
	for (uint32_t i = 0; i < p->n_reads; i++)
		find_read(&f, i);
	if (f.whole) {
		dirty_clear(p);
		return REACH_WHOLE;
	}
	for (uint32_t i = 1; i < p->n_regions; i++)
		any |= !bitset_empty(&d->lanes[i]);
	if (d->stored)
		bitset_union(&d->elements, &d->fed);
	if (ex->inst->pages[p->pass->page].pat)
		pattern_leave_out_holes(ex->inst->pages[p->pass->page].pat, &d->elements);
	return any || !bitset_empty(&d->elements) ? REACH_SOME : REACH_NONE;
}

/* ---- rounds ------------------------------------------------------------------------------------ */

/* So many operands of a reduction with a store that evaluating all is cheaper. */
static bool many_operands(const finder *f, uint32_t region)
{
	const bitset *operands = &f->p->dirty->lanes[region];
	return f->p->regions[region].stored && bitset_above(operands, store_lanes(f->ex, &f->p->regions[region]) / LANE_SHARE);
}

/* Which of their elements a round concerns is known when its routes have been walked, which costs no more than these elements. Operands are only
 * walked to where they may be few enough. */
static bool many_moved(const finder *f, uint32_t read, const bitset *changed)
{
	uint32_t target = f->p->routes.reads[read].target;
	if (bitset_above(changed, changed->n / ROUND_SHARE))
		return true;
	return target && !store_is_short(&f->p->regions[target]) && too_many(f, read, &f->p->dirty->lanes[target], changed);
}

bool dirty_round(struct executor *ex, const kernel_plan *p, const bitset *changed)
{
	finder f = {.ex = ex, .p = p, .whole = !elements_room(ex, p)};
	for (uint32_t i = 1; i < p->n_regions; i++)
		f.whole |= !lanes_room(ex, p, p->dirty, i);
	for (uint32_t i = 0; i < p->n_reads && !f.whole && !bitset_empty(changed); i++) {
		const read_plan *rp = &p->reads[i];
		if (!rp->def || rp->def->page != p->pass->page || rp->def->prev)
			continue;
		if (p->routes.reads[i].kind == ROUTE_WHOLE || many_moved(&f, i, changed))
			reach_all(&f, &p->routes.reads[i]);
		else
			walk_route(&f, i, changed);
	}
	for (uint32_t i = 1; i < p->n_regions && !f.whole; i++)
		f.whole = many_operands(&f, i);
	if (!f.whole && p->dirty->stored)
		bitset_union(&p->dirty->elements, &p->dirty->fed);
	if (!f.whole && ex->inst->pages[p->pass->page].pat)
		pattern_leave_out_holes(ex->inst->pages[p->pass->page].pat, &p->dirty->elements);
	return !f.whole;
}
