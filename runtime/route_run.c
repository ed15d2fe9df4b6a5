/* route_run.c - walks routes, step by step, and marks the elements or lanes that are left. */
#include <string.h>

#include "route_site.h"
#include "store.h"

/* ---- marking ----------------------------------------------------------------------------------- */

static bool is_whole(interval v, int64_t extent) { return v.lo == 0 && v.hi == extent; }

void route_mark_box(bitset *to, const int64_t *dims, const interval *v, uint32_t n, uint64_t base)
{
	uint64_t extent = (uint64_t)dims[0], inner = 1;
	bool rest = true; /* all of the dimensions within: one run */
	for (uint32_t k = 1; k < n; k++) {
		rest &= is_whole(v[k], dims[k]);
		inner *= (uint64_t)dims[k];
	}
	if (rest) {
		bitset_set_range(to, (base * extent + (uint64_t)v[0].lo) * inner, (base * extent + (uint64_t)v[0].hi) * inner);
		return;
	}
	for (int64_t i = v[0].lo; i < v[0].hi; i++)
		route_mark_box(to, dims + 1, v + 1, n - 1, base * extent + (uint64_t)i);
}

static void mark(walk *q, const int64_t *dims, const interval *v, uint32_t n)
{
	bool all = true;
	for (uint32_t d = 0; d < n; d++)
		all &= is_whole(v[d], dims[d]);
	if (all)
		q->sink->all = true;
	else
		route_mark_box(q->sink->lanes, dims, v, n, 0);
}

/* What tells outer elements apart besides the key (store.h): of the operands at a position those in this box. */
typedef struct others {
	uint32_t n;
	const int64_t *dims;
	const interval *box;
} others;

static void mark_entry(walk *q, uint64_t entry, const others *o)
{
	if (o->n == 0)
		bitset_set(q->sink->lanes, entry);
	else
		route_mark_box(q->sink->lanes, o->dims, o->box, o->n, entry);
}

/* The row or column that has the entry is short: its element is evaluated whole. */
static bool mark_short(walk *q, uint64_t key)
{
	if (!q->sink->elements || !store_skips(&q->p->regions[q->r->target], q->ex->patterns[q->r->target], key))
		return false;
	bitset_set(q->sink->elements, key);
	return true;
}

/* Entries of a row, or column, in given columns, or rows. `across`: the keys of those that a reduction goes by, whose operands they are. */
static void mark_line(walk *q, const lists *l, int64_t line, interval within, bool across, const others *o)
{
	if (!across && q->r->target && mark_short(q, (uint64_t)line))
		return;
	LISTS_FOR(l, (uint64_t)line, at)
		if (l->key[at] >= within.lo && l->key[at] < within.hi && !(across && mark_short(q, l->key[at])))
			mark_entry(q, l->mate[at], o);
}

/* Entries of a pattern in given rows and columns. */
static void mark_entries(walk *q, pattern *pat, interval rows, interval cols, const others *o)
{
	region_kind kind = (region_kind)q->p->regions[q->r->target].def->kind;
	if (!pat || rows.lo >= rows.hi || cols.lo >= cols.hi)
		return;
	if (interval_single(rows) && interval_single(cols)) {
		uint64_t e = pattern_find(pat, (uint64_t)rows.lo, (uint64_t)cols.lo);
		if (e != UINT64_MAX)
			mark_entry(q, e, o);
	} else if (interval_single(rows)) {
		mark_line(q, &pat->rows, rows.lo, cols, kind == REGION_COL, o);
	} else if (interval_single(cols) && !pattern_columns(pat)) {
		mark_line(q, &pat->cols, cols.lo, rows, kind == REGION_ROW, o);
	} else {
		q->sink->all = true;
	}
}

/* The box of the others; where the key is a variable of the domain, what it may be. */
static uint32_t find_others(const walk *q, const region_plan *t, interval *box, int64_t *dims, interval *key)
{
	const store_shape *s = store_others(t);
	for (uint32_t i = 0; i < s->n; i++) {
		box[i] = q->vars[s->vars[i]];
		dims[i] = s->dims[i];
	}
	if (s->key != NONE)
		*key = q->vars[s->key];
	return s->n;
}

/* What is left when all steps are done. Lanes of reductions are numbered as store.h says. */
static void mark_result(walk *q)
{
	uint32_t target = q->r->target;
	const region_plan *t = &q->p->regions[target];
	const page *to = &q->ex->inst->pages[q->p->pass->page];
	interval *v = q->vars, own = target ? v[t->def->first_var] : (interval){0, 0}, key = {0, INT64_MAX}, box[MAX_DIMS + 2];
	int64_t dims[MAX_DIMS + 2];
	uint32_t n = to->def->ndim;
	bool scan = target && store_is_scan(t);
	if (target && !scan)
		n = find_others(q, t, box + 1, dims + 1, &key);
	switch ((region_kind)t->def->kind) {
	case REGION_DOMAIN:
		mark(q, to->dims, v, n);
		break;
	case REGION_ENTRIES:
		mark_entries(q, q->ex->patterns[0], v[0], v[1], &(others){0});
		break;
	case REGION_ROW:
		mark_entries(q, q->ex->patterns[target], key, own, &(others){n, dims + 1, box + 1});
		break;
	case REGION_COL:
		mark_entries(q, q->ex->patterns[target], own, key, &(others){n, dims + 1, box + 1});
		break;
	case REGION_GROUP:
		box[0] = own;
		dims[0] = (int64_t)t->driver->count;
		route_mark_box(q->sink->lanes, dims, box, n + 1, 0);
		break;
	default: /* RANGE, PREFIX */
		if (scan) {
			memcpy(box, v, n * sizeof *box);
			box[n - 1] = own;
			mark(q, to->dims, box, n);
			break;
		}
		box[n + 1] = (interval){own.lo - t->lo, own.hi - t->lo};
		dims[n + 1] = t->extent;
		mark(q, dims + 1, box + 1, n + 1);
	}
}

/* ---- steps ------------------------------------------------------------------------------------- */

/* Goes on with a variable from `lo` on. */
static void from_on(walk *q, uint32_t i, uint32_t var, int64_t lo)
{
	interval was = q->vars[var];
	if (lo >= was.hi)
		return;
	if (lo > was.lo)
		q->vars[var].lo = lo;
	route_step_on(q, i + 1);
	q->vars[var] = was;
}

/* A variable plus a constant, as it stands. */
static bool is_shifted(const route_step *s, uint32_t var)
{
	const route_node *n = s->node;
	return s->op == ROUTE_SOLVE && n->op == NODE_SUM && n->n_terms == 1 && n->terms[0].coef == 1 && n->terms[0].var == var;
}

/* From step `next` on each position is, moved by a constant, the lane of a group: nothing else is to be found out. */
static const route_step *last_of_group(const walk *q, const route_step *from, uint32_t next)
{
	const route_step *s = &q->r->steps[next];
	const region_plan *t = &q->p->regions[q->r->target];
	bool last = next + 1 == q->r->n_steps && s->op == ROUTE_SOLVE && s->view == RV_NONE && s->slot == from->first_slot;
	return last && t->def->kind == REGION_GROUP && is_shifted(s, t->def->first_var) ? s : NULL;
}

void route_each_position(walk *q, const route_step *s, uint64_t key, uint32_t next)
{
	const group_index *g = page_groups(q->ex->inst, s->page, s->field, s->prev);
	uint32_t n = s->page->def->ndim;
	if (!g) { /* no memory for it */
		q->sink->all = true;
		return;
	}
	if (key >= g->n_keys)
		return;
	const route_step *last = n == 1 && next < q->r->n_steps ? last_of_group(q, s, next) : NULL;
	if (last) {
		const interval within = q->vars[last->node->terms[0].var];
		LISTS_FOR(&g->positions, key, at) {
			int64_t lane = (int64_t)g->positions.key[at] - last->node->constant;
			if (lane >= within.lo && lane < within.hi)
				bitset_set(q->sink->lanes, (uint64_t)lane);
		}
		return;
	}
	LISTS_FOR(&g->positions, key, at) {
		uint64_t position = g->positions.key[at];
		if (q->sink->all)
			return;
		for (uint32_t d = n; d-- > 0;) {
			q->values[s->first_slot + d] = (int64_t)(position % (uint64_t)s->page->dims[d]);
			position /= (uint64_t)s->page->dims[d];
		}
		route_step_on(q, next);
	}
}

/* Leaves a row or column: for each that the variable's value stands in. Where the variable is not known, anything may be. */
static void each_line(walk *q, uint32_t i, bool rows)
{
	const route_step *s = &q->r->steps[i];
	pattern *pat = s->prev ? s->page->prev_pat : s->page->pat;
	interval v = q->vars[s->var];
	if (!interval_single(v) || !pat || (rows && pattern_columns(pat))) {
		route_step_on(q, i + 1 + s->skip);
		return;
	}
	const lists *l = rows ? &pat->cols : &pat->rows;
	LISTS_FOR(l, (uint64_t)v.lo, at) {
		if (q->sink->all)
			return;
		q->values[s->first_slot] = l->key[at];
		route_step_on(q, i + 1);
	}
}

static void leave_group(walk *q, uint32_t i)
{
	const route_step *s = &q->r->steps[i];
	interval v = q->vars[s->var];
	if (!interval_single(v)) {
		route_step_on(q, i + 1 + s->skip);
		return;
	}
	column c = page_column(q->ex->inst, s->page, s->prev, NONE);
	q->values[s->first_slot] = *(const uint32_t *)(const void *)(c.base + (size_t)v.lo * c.stride);
	route_step_on(q, i + 1);
}

void route_step_on(walk *q, uint32_t i)
{
	if (q->sink->all)
		return;
	if (i >= q->r->n_steps) {
		mark_result(q);
		return;
	}
	const route_step *s = &q->r->steps[i];
	switch ((route_op)s->op) {
	case ROUTE_SOLVE: route_solve(q, i); break;
	case ROUTE_WITHIN: route_within_bounds(q, i); break;
	case ROUTE_INDEX: route_each_position(q, s, (uint64_t)q->values[s->slot], i + 1); break;
	case ROUTE_ROWS: each_line(q, i, true); break;
	case ROUTE_COLUMNS: each_line(q, i, false); break;
	case ROUTE_KEY: leave_group(q, i); break;
	case ROUTE_SITE: route_each_site(q, i); break;
	case ROUTE_AFTER: from_on(q, i, s->at, q->vars[s->var].lo + (s->strict ? 1 : 0)); break;
	}
}

/* ---- walks ------------------------------------------------------------------------------------- */

/* The whole range of each variable. */
static void free_vars(const walk *q)
{
	const page *to = &q->ex->inst->pages[q->p->pass->page];
	for (uint32_t i = 0; i < q->p->n_regions; i++) {
		const region_plan *r = &q->p->regions[i];
		interval *v = &q->vars[r->def->first_var];
		if (i == 0) {
			for (uint32_t d = 0; d < r->def->n_vars; d++)
				v[d] = (interval){0, to->dims[d]};
			continue;
		}
		switch ((region_kind)r->def->kind) {
		case REGION_ROW: *v = (interval){0, r->driver->dims[1]}; break;
		case REGION_COL: *v = (interval){0, r->driver->dims[0]}; break;
		case REGION_GROUP: *v = (interval){0, (int64_t)r->driver->count}; break;
		default: *v = (interval){r->lo, r->lo + r->extent};
		}
	}
}

static void start(struct executor *ex, const kernel_plan *p, const route *r, route_sink *sink, walk *q)
{
	q->ex = ex;
	q->p = p;
	q->r = r;
	q->sink = sink;
	q->vars = (interval *)ex->route_vars;
	if (r->kind == ROUTE_WHOLE)
		sink->all = true;
	free_vars(q);
}

/* From one position; the variables are free before and after. */
static void walk_from(walk *q, const read_plan *rp, uint64_t at)
{
	const page *from = rp->from;
	if (q->r->by_entry) {
		const pattern *pat = rp->def->prev ? from->prev_pat : from->pat;
		q->values[0] = pat->row[at];
		q->values[1] = pat->col[at];
	} else {
		for (uint32_t d = from->def->ndim; d-- > 0;) {
			q->values[d] = (int64_t)(at % (uint64_t)from->dims[d]);
			at /= (uint64_t)from->dims[d];
		}
	}
	route_step_on(q, 0);
}

/* Position or entry i is element i, or the operands there of all outer elements. */
static void mark_same(const kernel_plan *p, const route *r, uint64_t at, route_sink *sink)
{
	if (r->target == 0)
		bitset_set(sink->lanes, at);
	else
		store_mark_operand(&p->regions[r->target], sink->lanes, at);
}

void route_element(struct executor *ex, const kernel_plan *p, uint32_t read, uint64_t at, route_sink *sink)
{
	const route *r = &p->routes.reads[read];
	walk q;
	if (r->kind == ROUTE_SAME) {
		mark_same(p, r, at, sink);
		return;
	}
	start(ex, p, r, sink, &q);
	walk_from(&q, &p->reads[read], at);
}

/* Along one dimension what changed concerns what stands a fixed way off: all of it moves at once, words at a time. */
static const route_step *shift_of(const kernel_plan *p, const route *r, const page *from)
{
	const route_step *s = r->steps;
	const sch_region *root = p->regions[0].def;
	bool one = r->kind == ROUTE_STEPS && r->target == 0 && r->n_steps == 1 && s->op == ROUTE_SOLVE && from->def->ndim == 1 && !r->by_entry;
	return one && root->kind == REGION_DOMAIN && root->n_vars == 1 && is_shifted(s, 0) ? s : NULL;
}

/* A view brings what is beyond the edges to positions within reach of them, or anywhere if it goes around. */
static uint64_t reach_of(const route_step *s)
{
	if (s->view == RV_NONE || s->view == RV_ZERO || s->view == RV_PAD)
		return 0;
	return (uint64_t)(s->node->constant < 0 ? -s->node->constant : s->node->constant);
}

static void walk_between(walk *q, const read_plan *rp, const bitset *changed, uint64_t first, uint64_t end)
{
	for (uint64_t at = bitset_next(changed, first); at < end && !q->sink->all; at = bitset_next(changed, at + 1))
		walk_from(q, rp, at);
}

void route_changes(struct executor *ex, const kernel_plan *p, uint32_t read, const bitset *changed, route_sink *sink)
{
	const route *r = &p->routes.reads[read];
	const read_plan *rp = &p->reads[read];
	const route_step *shift;
	walk q;
	if (r->kind == ROUTE_SAME && (r->target == 0 || store_others(&p->regions[r->target])->n == 0)) {
		bitset_union(sink->lanes, changed);
		return;
	}
	if (r->kind == ROUTE_SAME) {
		BITSET_FOR(changed, at)
			mark_same(p, r, at, sink);
		return;
	}
	start(ex, p, r, sink, &q);
	uint64_t n = rp->from->count, elements = ex->inst->pages[p->pass->page].count;
	shift = shift_of(p, r, rp->from);
	uint64_t reach = shift ? reach_of(shift) : 0;
	if (!shift || reach >= n / 2 || elements != n) {
		walk_between(&q, rp, changed, 0, BITSET_END);
		return;
	}
	bitset_union_shifted(sink->lanes, changed, -shift->node->constant, 0, elements);
	if (reach) { /* the edge itself as well: clamp brings all beyond it there */
		walk_between(&q, rp, changed, 0, reach + 1);
		walk_between(&q, rp, changed, n - reach - 1, n);
	}
}

void route_entry(struct executor *ex, const kernel_plan *p, uint32_t read, uint32_t row, uint32_t col, route_sink *sink)
{
	walk q;
	start(ex, p, &p->routes.reads[read], sink, &q);
	q.values[0] = row;
	q.values[1] = col;
	route_step_on(&q, 0);
}

void route_region(struct executor *ex, const kernel_plan *p, uint32_t region, int64_t at, route_sink *sink)
{
	walk q;
	start(ex, p, &p->routes.regions[region], sink, &q);
	q.values[0] = at;
	route_step_on(&q, 0);
}

void route_within(struct executor *ex, const kernel_plan *p, uint32_t region, int64_t at, const int64_t *vars, route_sink *sink)
{
	static const route none = {.kind = ROUTE_STEPS};
	walk q;
	start(ex, p, region ? &p->routes.regions[region] : &none, sink, &q);
	for (uint32_t d = 0; d < p->regions[0].def->n_vars; d++)
		if (vars[d] >= 0)
			q.vars[d] = (interval){vars[d], vars[d] + 1};
	q.values[0] = at;
	route_step_on(&q, 0);
}

void route_between(struct executor *ex, const kernel_plan *p, uint32_t region, int64_t at, uint32_t var, int64_t from, int64_t end, route_sink *sink)
{
	walk q;
	start(ex, p, &p->routes.regions[region], sink, &q);
	q.vars[var] = (interval){from, end};
	q.values[0] = at;
	route_step_on(&q, 0);
}
