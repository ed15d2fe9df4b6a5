/* ranges.c - operands that many elements share, each with bounds of its own: evaluated once, with the values of aligned nodes of LEAF of them and of
 * all nodes above. Of a node that an element has whole the value is there; one of which it has at most LEAF operands combines these by
 * rank; another splits: the order of the language (reduce.h). */
#include "ranges.h"

#include <string.h>

#include "bounds.h"
#include "fpenv.h"
#include "plan.h"
#include "store.h"

enum { MOST_LEVELS = 40, LEAF_BITS = 5, MOST_BYTES = 64 << 20, LEAST_USUAL = 2 * LEAF };
_Static_assert(1 << LEAF_BITS == LEAF, "leaves are nodes of the tree");

struct ranges {
	bool given;
	const step **steps;     /* that make an operand */
	uint32_t n_steps, n_levels;
	uint64_t n;             /* operands */
	uint8_t *values;
	uint8_t *nodes[MOST_LEVELS]; /* by level: of LEAF << level operands each; the whole ones */
};

/* ---- which regions ----------------------------------------------------------------------------- */

static void need_local(void *needed, uint32_t local) { ((uint8_t *)needed)[local] = 1; }

/* Depends on the position alone, and cannot fail. */
static bool is_plain(const region_plan *r, const step *s)
{
	if (s->child || s->can_fail || s->code == CODE_TO_INDEX || s->code == CODE_GUARD || (s->code == CODE_VAR && s->args[0] != r->var))
		return false;
	if (s->code != CODE_READ)
		return true;
	for (uint32_t t = 0; t < s->read->n_terms; t++)
		if (s->read->terms[t].var != r->var)
			return false;
	for (uint32_t d = 0; d < s->read->n_dims; d++)
		for (uint32_t t = 0; t < s->read->dims[d].n_terms; t++)
			if (s->read->dims[d].terms[t].var != r->var)
				return false;
	return true;
}

bool ranges_steps(planner *pl, const region_plan *r, const step ***steps, uint32_t *n)
{
	uint8_t *needed = plan_take(pl, r->n_locals + 1u, 1);
	const step **at = plan_take(pl, r->n_steps, sizeof *at);
	if (pl->failed)
		return false;
	needed[r->value] = 1;
	uint32_t first = r->n_steps;
	for (uint32_t i = r->n_steps; i-- > 0;) {
		const step *s = &r->steps[i];
		if (!needed[s->dst])
			continue;
		if (!is_plain(r, s))
			return false;
		plan_each_use(s, need_local, needed);
		at[--first] = s;
	}
	for (uint32_t i = 0; i < r->n_imports; i++)
		if (needed[r->imports[i].to])
			return false;
	*n = r->n_steps - first;
	*steps = at + first;
	return true;
}

static void take_room(planner *pl, const region_plan *r, struct ranges *x)
{
	x->values = plan_take(pl, x->n, (size_t)1 << r->width);
	for (uint64_t n = x->n >> LEAF_BITS; n > 0 && x->n_levels < MOST_LEVELS; n /= 2)
		x->nodes[x->n_levels++] = plan_take(pl, n, (size_t)1 << r->width);
}

void ranges_plan(planner *pl)
{
	kernel_plan *p = pl->p;
	for (uint32_t id = 1; id < p->n_regions && p->pass; id++) {
		region_plan *r = &p->regions[id];
		bool kind = r->def->kind == REGION_RANGE && r->parent == &p->regions[0] && (r->kind == RED_LIST || r->kind == RED_ANY);
		if (!kind || !r->bounded_only || r->usual < LEAST_USUAL || (uint64_t)r->extent > MOST_BYTES / 8)
			continue;
		struct ranges *x = plan_take(pl, 1, sizeof *x);
		if (!x)
			return;
		x->n = (uint64_t)r->extent;
		if (!ranges_steps(pl, r, &x->steps, &x->n_steps))
			continue;
		take_room(pl, r, x);
		r->ranges = x;
	}
}

/* ---- operands and nodes -------------------------------------------------------------------------- */

static void evaluate(worker *w, const region_plan *r, struct ranges *x)
{
	run *c = &w->runs[r->id];
	c->live = NULL;
	c->form = OUTER_ONE;
	c->outer_lane = 0;
	for (uint64_t at = 0; at < x->n; at += c->n) {
		c->n = (uint32_t)(x->n - at < TILE ? x->n - at : TILE);
		c->vars[r->var] = (var_lanes){VAR_IOTA, r->lo + (int64_t)at, NULL};
		w->operands += c->n;
		for (uint32_t i = 0; i < x->n_steps; i++)
			run_step(w, c, x->steps[i]);
		lanes *value = &c->regs[r->value];
		lanes_fill(w, value, r->width, c->n);
		memcpy(x->values + (at << r->width), value->at, (size_t)c->n << r->width);
	}
}

static void build(worker *w, const region_plan *r, struct ranges *x)
{
	size_t bytes = (size_t)1 << r->width;
	void *scratch = w->arena + r->places[PLACE_SCRATCH];
	for (uint64_t i = 0; i < x->n >> LEAF_BITS; i++)
		w->k->tree[r->def->op][r->type](x->nodes[0] + i * bytes, x->values + (i * bytes << LEAF_BITS), scratch, LEAF);
	for (uint32_t level = 1; level < x->n_levels; level++)
		for (uint64_t i = 0; i < x->n >> (LEAF_BITS + level); i++) {
			const uint8_t *below = x->nodes[level - 1] + 2 * i * bytes;
			w->k->op[r->def->op][r->type](x->nodes[level] + i * bytes, below, below + bytes, NULL, 1);
		}
}

void ranges_all(struct executor *ex, const kernel_plan *p, uint64_t elements)
{
	worker *w = &ex->workers[0];
	uint64_t fault_at = UINT64_MAX, env = 0;
	bool any = false;
	for (uint32_t id = 1; id < p->n_regions; id++) {
		const region_plan *r = &p->regions[id];
		if (!r->ranges || ex->force || store_holds_any(r) || (double)elements * (double)r->usual < 2 * (double)r->extent)
			continue;
		if (!any) {
			ex->fault_at = &fault_at;
			env = fpenv_enter();
			worker_prepare(w, p);
			any = true;
		}
		evaluate(w, r, r->ranges);
		build(w, r, r->ranges);
		r->ranges->given = true;
	}
	if (any)
		fpenv_leave(env);
}

void ranges_end(const kernel_plan *p)
{
	for (uint32_t id = 1; id < p->n_regions; id++)
		if (p->regions[id].ranges)
			p->regions[id].ranges->given = false;
}

/* ---- values ------------------------------------------------------------------------------------ */

typedef struct query {
	worker *w;
	const region_plan *r;
	const struct ranges *x;
	uint64_t first, end;
} query;

/* What the element has of node i of a level, of LEAF << level positions: some. */
static scalar node_value(const query *q, unsigned level, uint64_t i)
{
	const region_plan *r = q->r;
	uint64_t from = i << (LEAF_BITS + level), to = (i + 1) << (LEAF_BITS + level);
	uint64_t first = from > q->first ? from : q->first, end = to < q->end ? to : q->end;
	scalar v = {0};
	if (first == from && end == to && level < q->x->n_levels) {
		memcpy(&v, q->x->nodes[level] + (i << r->width), (size_t)1 << r->width);
	} else if (end - first <= LEAF) {
		q->w->k->tree[r->def->op][r->type](&v, q->x->values + (first << r->width), q->w->arena + r->places[PLACE_SCRATCH], end - first);
	} else {
		uint64_t middle = from + ((to - from) >> 1);
		if (end <= middle)
			return node_value(q, level - 1, 2 * i);
		if (first >= middle)
			return node_value(q, level - 1, 2 * i + 1);
		scalar left = node_value(q, level - 1, 2 * i), right = node_value(q, level - 1, 2 * i + 1);
		q->w->k->op[r->def->op][r->type](&v, &left, &right, NULL, 1);
	}
	return v;
}

bool ranges_give(worker *w, run *r, const step *s)
{
	const region_plan *rp = s->child;
	if (!rp->ranges || !rp->ranges->given)
		return false;
	for (uint32_t lane = 0; lane < r->n; lane++) {
		int64_t first, end;
		bounds_of(r, rp, lane, &first, &end);
		if (first < end) {
			const query q = {w, rp, rp->ranges, (uint64_t)first, (uint64_t)end};
			give_value(w, r, s, lane, node_value(&q, rp->ranges->n_levels, 0), (uint64_t)(end - first));
		} else {
			give_identity(w, r, s, lane);
		}
	}
	return true;
}
