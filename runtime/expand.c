/* expand.c - reductions with a lane for each position. A long outer element fills batches of its own; short ones lie side by
 * side in one batch, with what they need of the regions around brought to their lanes. */
#include <string.h>

#include "bounds.h"
#include "exec.h"
#include "store.h"

typedef struct expansion {
	worker *w;
	run *r, *c;
	const step *s;
	const region_plan *plan;
	const lists *lists;     /* of the positions of ROW, COL, GROUP */
	bool by_place;          /* ROW: the slot of each entry is its place in the lists */
	uint32_t n_segments;
} expansion;

void give_value(worker *w, run *r, const step *s, uint32_t lane, scalar value, uint64_t count)
{
	size_t bytes = (size_t)1 << s->child->out_width;
	(void)r;
	memcpy(w->arena + s->place + lane * bytes, &value, bytes);
	if (s->count != NONE)
		((int64_t *)(void *)(w->arena + s->count_place))[lane] = (int64_t)count;
}

void give_identity(worker *w, run *r, const step *s, uint32_t lane)
{
	scalar v = {.bits = s->child->def->reducer == REDUCER_OP ? s->child->def->identity : 0};
	give_value(w, r, s, lane, v, 0);
}

/* ---- the positions of an outer element --------------------------------------------------------- */

/* n positions. Of those that have not been taken `left` begin at `start`: a position, or a place in the lists. */
typedef struct span {
	int64_t n, start, left;
	uint64_t list;
	list_run run;
} span;

static span side_by_side(int64_t start, int64_t n) { return (span){.n = n, .start = start, .left = n}; }

static span span_of_list(const lists *l, int64_t at)
{
	if (!l || at < 0 || (uint64_t)at >= l->n_lists)
		return side_by_side(0, 0);
	const list_head *h = &l->heads[at];
	if (h->room != LIST_CUT)
		return side_by_side((int64_t)h->at, h->n);
	return (span){.n = h->n, .list = (uint64_t)at};
}

/* Takes up to TILE positions that lie side by side. */
static uint32_t take_piece(const expansion *e, span *sp, int64_t *start)
{
	if (sp->left == 0 && lists_next(e->lists, sp->list, &sp->run)) {
		sp->start = (int64_t)sp->run.at;
		sp->left = sp->run.n;
	}
	uint32_t n = sp->left < TILE ? (uint32_t)sp->left : TILE;
	*start = sp->start;
	sp->start += n;
	sp->left -= n;
	return n;
}

static span span_of(const expansion *e, uint32_t lane)
{
	const region_plan *plan = e->plan;
	const sch_region *g = plan->def;
	if (g->kind == REGION_RANGE) {
		int64_t first = 0, end = plan->extent;
		if (plan->n_bounds > 0)
			bounds_of(e->r, plan, lane, &first, &end);
		return side_by_side(first, end - first);
	}
	if (g->kind == REGION_PREFIX)
		return side_by_side(0, plan->extent == 0 ? 0 : var_lane(&e->r->vars[plan->at], lane) + !g->strict);
	scalar v = reg_lane(&e->r->regs[plan->at], width_of(g->at_type), lane);
	int64_t at = g->at_type == T_U32 ? (int64_t)v.U32 : v.I64;
	return span_of_list(e->lists, at);
}

/* ---- variables of a batch ---------------------------------------------------------------------- */

/* n slots that count up. */
static bool counts_up(const uint32_t *slot, uint32_t n)
{
	enum { STEP = 16 }; /* known, so that compilers make vectors of it */
	uint32_t i = 0, apart = slot[n - 1] ^ (slot[0] + n - 1);
	for (; !apart && i + STEP <= n; i += STEP)
		for (uint32_t k = 0; k < STEP; k++)
			apart |= slot[i + k] ^ (slot[0] + i + k);
	for (; !apart && i < n; i++)
		apart |= slot[i] ^ (slot[0] + i);
	return !apart;
}

/* The entries of n places of the lists that lie side by side. */
static var_lanes entries_at(const expansion *e, int64_t start, uint32_t n)
{
	const uint32_t *slot = e->lists->mate + start;
	if (e->by_place)
		return (var_lanes){VAR_IOTA, start, NULL};
	return counts_up(slot, n) ? (var_lanes){VAR_IOTA, slot[0], NULL} : (var_lanes){VAR_U32, 0, slot};
}

/* A run of positions that lie side by side in their list. */
static void vars_listed(const expansion *e, int64_t start)
{
	const region_plan *plan = e->plan;
	run *c = e->c;
	if (!e->lists) {
		c->vars[plan->var] = (var_lanes){VAR_IOTA, plan->lo + start, NULL};
		return;
	}
	c->vars[plan->var] = (var_lanes){VAR_U32, 0, e->lists->key + start};
	if (plan->entry != NONE)
		c->vars[plan->entry] = entries_at(e, start, c->n);
}

/* Pieces that do not lie side by side: copied together. starts[i]: of the i-th segment, where its positions are listed. */
static void vars_pieces(const expansion *e, const int64_t *starts)
{
	const region_plan *plan = e->plan;
	run *c = e->c;
	int64_t *x = (void *)(e->w->arena + plan->places[PLACE_VAR]), *entry = (void *)(e->w->arena + plan->places[PLACE_ENTRY]);
	for (uint32_t i = 0; i < e->n_segments; i++) {
		const segment *seg = &c->segments[i];
		for (uint32_t j = 0; j < seg->n; j++) {
			int64_t at = starts[i] + j, lane = seg->first + j;
			x[lane] = e->lists ? (int64_t)e->lists->key[at] : plan->lo + at;
			if (plan->entry != NONE)
				entry[lane] = e->lists->mate[at];
		}
	}
	c->vars[plan->var] = (var_lanes){VAR_I64, 0, x};
	if (plan->entry != NONE)
		c->vars[plan->entry] = (var_lanes){VAR_I64, 0, entry};
}

/* ---- values of a batch into reductions --------------------------------------------------------- */

/* The operands of a segment: those present of its lanes. */
typedef struct operands {
	const void *values;
	const int64_t *positions; /* LIST: from the range's begin; ARG: as they are; else NULL */
	size_t n;
} operands;

static const int64_t *positions_of(worker *w, const run *c, const segment *seg, const uint8_t *mask)
{
	const region_plan *plan = c->plan;
	int64_t *x = (void *)(w->arena + plan->places[PLACE_POSITIONS]);
	int64_t lo = plan->kind == RED_LIST ? plan->lo : 0;
	const var_lanes *v = &c->vars[plan->var];
	bool counts = v->form == VAR_IOTA || v->form == VAR_UNIFORM;
	w->k->iota(x, (counts ? v->start + (v->form == VAR_IOTA ? seg->first : 0) : 0) - lo, v->form == VAR_IOTA, seg->n);
	if (v->form == VAR_U32)
		w->k->axpy_u32(x, 1, (const uint32_t *)v->at + seg->first, seg->n);
	else if (v->form == VAR_I64)
		w->k->axpy_i64(x, 1, (const int64_t *)v->at + seg->first, seg->n);
	if (mask)
		w->k->pack[3](x, x, mask, seg->n);
	return x;
}

static operands operands_of(worker *w, run *c, const segment *seg, bool whole)
{
	const region_plan *plan = c->plan;
	lanes *value = &c->regs[plan->value];
	lanes_fill(w, value, plan->width, c->n);
	const uint8_t *mask = c->live ? c->live + seg->first : NULL;
	operands o = {(const uint8_t *)value->at + ((size_t)seg->first << plan->width), NULL, seg->n};
	if (mask) {
		void *packed = w->arena + plan->places[PLACE_PACKED];
		o.n = w->k->pack[plan->width](packed, o.values, mask, seg->n);
		o.values = packed;
	}
	if (o.n > 0 && (plan->kind == RED_ARG || (plan->kind == RED_LIST && !(whole && o.n <= LEAF))))
		o.positions = positions_of(w, c, seg, mask);
	return o;
}

static void push(worker *w, run *c, const segment *seg, bool any)
{
	if (!any)
		return;
	operands o = operands_of(w, c, seg, false);
	void *scratch = w->arena + c->plan->places[PLACE_SCRATCH];
	if (c->plan->kind == RED_DENSE && o.n < TILE)
		reduction_push_tail(c->red, o.values, o.n, scratch);
	else
		reduction_push(c->red, o.values, o.n, o.positions, scratch);
}

/* An outer element that lies whole in one batch. */
static void give_whole(const expansion *e, const segment *seg, bool any)
{
	worker *w = e->w;
	const region_plan *plan = e->plan;
	operands o = {NULL, NULL, 0};
	if (any)
		o = operands_of(w, e->c, seg, true);
	if (o.n == 0) {
		give_identity(w, e->r, e->s, seg->lane);
		return;
	}
	scalar v = {0};
	if (plan->kind == RED_ARG) {
		v.U32 = (uint32_t)o.positions[w->k->arg_find[e->c->red->arg][plan->type](o.values, o.n)];
	} else if (plan->kind == RED_LIST && o.n > LEAF) {
		reduction_begin(e->c->red);
		reduction_push(e->c->red, o.values, o.n, o.positions, NULL);
		reduction_value(e->c->red, &v);
	} else {
		w->k->tree[plan->def->op][plan->type](&v, o.values, w->arena + plan->places[PLACE_SCRATCH], o.n);
	}
	give_value(w, e->r, e->s, seg->lane, v, o.n);
}

static void give_result(const expansion *e, uint32_t lane)
{
	scalar v;
	if (reduction_value(e->c->red, &v))
		give_value(e->w, e->r, e->s, lane, v, e->c->red->n);
	else
		give_identity(e->w, e->r, e->s, lane);
}

static void take_segment(const expansion *e, const segment *seg, bool any)
{
	if (seg->offset == 0 && seg->ends) {
		give_whole(e, seg, any);
		return;
	}
	if (seg->offset == 0)
		reduction_begin(e->c->red);
	push(e->w, e->c, seg, any);
	if (seg->ends)
		give_result(e, seg->lane);
}

/* ---- batches ----------------------------------------------------------------------------------- */

static void map_outer(const expansion *e)
{
	for (uint32_t i = 0; i < e->n_segments; i++) {
		const segment *seg = &e->c->segments[i];
		for (uint32_t j = 0; j < seg->n; j++)
			e->c->outer[seg->first + j] = seg->lane;
	}
}

/* Runs the batch that has been put together and forgets it. */
static void flush(expansion *e, int64_t *starts)
{
	run *c = e->c;
	if (e->n_segments == 0)
		return;
	bool listed = e->plan->def->kind != REGION_RANGE && e->plan->def->kind != REGION_PREFIX, side_by_side = listed;
	c->live = NULL;
	c->form = OUTER_MAP;
	map_outer(e);
	for (uint32_t i = 1; i < e->n_segments && side_by_side; i++)
		side_by_side = starts[i] == starts[i - 1] + c->segments[i - 1].n;
	if (side_by_side || e->n_segments == 1)
		vars_listed(e, starts[0]);
	else
		vars_pieces(e, starts);
	run_import(e->w, c);
	bool any = run_code(e->w, c);
	for (uint32_t i = 0; i < e->n_segments; i++)
		take_segment(e, &c->segments[i], any);
	e->n_segments = 0;
	c->n = 0;
}

/* A batch of one outer element. */
static bool run_one(const expansion *e, uint32_t lane, int64_t start, uint32_t n, bool first)
{
	run *c = e->c;
	c->n = n;
	c->live = NULL;
	c->form = OUTER_ONE;
	c->outer_lane = lane;
	vars_listed(e, start);
	if (first)
		run_import(e->w, c);
	return run_code(e->w, c);
}

/* The same by a function of native code. */
static void fold_element(const expansion *e, uint32_t lane)
{
	run *c = e->c;
	c->n = 1;
	c->live = NULL;
	c->form = OUTER_ONE;
	c->outer_lane = lane;
	run_import(e->w, c);
	reduction_begin(c->red);
	fold_push(e->w, c, 0, e->plan->extent);
	give_result(e, lane);
}

static void add_piece(expansion *e, int64_t *starts, const segment *piece, int64_t start)
{
	starts[e->n_segments] = start;
	e->c->segments[e->n_segments] = *piece;
	e->c->segments[e->n_segments++].first = (uint16_t)e->c->n;
	e->c->n += piece->n;
}

/* All positions of one outer element, in batches of its own where they are many. */
static void add_element(expansion *e, int64_t *starts, uint32_t lane, span sp)
{
	char force = e->w->ex->force;
	int64_t alone = force == 'B' ? 1 : force == 'C' ? INT64_MAX : TILE / 2;
	bool first = true;
	for (int64_t at = 0; at < sp.n;) {
		int64_t left = sp.n - at, start;
		uint32_t part = take_piece(e, &sp, &start);
		segment seg = {at, (uint16_t)lane, 0, (uint16_t)part, part == left};
		if (left >= alone) {
			flush(e, starts);
			bool any = run_one(e, lane, start, part, first);
			take_segment(e, &seg, any);
			e->c->n = 0;
			first = false;
		} else {
			if (e->c->n + part > TILE)
				flush(e, starts);
			add_piece(e, starts, &seg, start);
		}
		at += part;
	}
}

/* Where the positions of a region are listed; NULL: they count up, or there are none. */
static const lists *lists_of(const worker *w, const region_plan *plan)
{
	const pattern *pat = w->ex->patterns[plan->id];
	const group_index *groups = w->ex->groups[plan->id];
	if (plan->def->kind == REGION_GROUP)
		return groups ? &groups->positions : NULL;
	return !pat ? NULL : plan->def->kind == REGION_ROW ? &pat->rows : &pat->cols;
}

static expansion begin(worker *w, run *r, const step *s)
{
	const pattern *pat = w->ex->patterns[s->child->id];
	bool by_place = pat && s->child->def->kind == REGION_ROW && pat->in_order && pat->rows.used == pat->rows.count;
	expansion e = {w, r, &w->runs[s->child->id], s, s->child, lists_of(w, s->child), by_place, 0};
	e.c->parent = r;
	e.c->n = 0;
	return e;
}

void reduce_expand(worker *w, run *r, const step *s, uint32_t first, uint32_t n)
{
	int64_t starts[TILE];
	expansion e = begin(w, r, s);
	bool given = store_holds_any(s->child), fold = fold_ready(w, s->child);
	for (uint32_t lane = first; lane < first + n; lane++) {
		if (given && store_holds(s->child, r, lane))
			continue; /* has its value */
		span sp = r->live && !r->live[lane] ? side_by_side(0, 0) : span_of(&e, lane);
		if (sp.n <= 0)
			give_identity(w, r, s, lane);
		else if (s->child->n_bounds > 0 || !reduce_split(w, r, s, lane))
			fold ? fold_element(&e, lane) : add_element(&e, starts, lane, sp);
	}
	flush(&e, starts);
}

void expand_operands(worker *w, run *r, const step *s, uint32_t lane, operands_fn *give, void *context)
{
	expansion e = begin(w, r, s);
	span sp = span_of(&e, lane);
	bool first = true;
	for (int64_t at = 0, start; at < sp.n; at += e.c->n, first = false) {
		uint32_t n = take_piece(&e, &sp, &start);
		if (!run_one(&e, lane, start, n, first))
			continue;
		segment seg = {at, (uint16_t)lane, 0, (uint16_t)n, false};
		operands o = operands_of(w, e.c, &seg, false);
		if (!o.positions)
			o.positions = positions_of(w, e.c, &seg, e.c->live);
		if (o.n > 0)
			give(context, o.values, o.positions, o.n);
	}
}

void expand_range(worker *w, run *c, uint32_t lane, int64_t first, int64_t end)
{
	expansion e = {w, c->parent, c, NULL, c->plan, NULL, false, 0};
	reduction_begin(c->red);
	if (fold_ready(w, c->plan)) {
		c->n = 1;
		c->live = NULL;
		c->form = OUTER_ONE;
		c->outer_lane = lane;
		run_import(w, c);
		fold_push(w, c, first, end);
		return;
	}
	for (int64_t at = first; at < end;) {
		uint32_t part = end - at < TILE ? (uint32_t)(end - at) : TILE;
		segment seg = {at, (uint16_t)lane, 0, (uint16_t)part, false};
		bool any = run_one(&e, lane, at, part, at == first);
		push(w, c, &seg, any);
		at += part;
	}
}
