/* pour.c - grouped reductions of a whole evaluation, by position. */
#include "pour.h"

#include <stdlib.h>
#include <string.h>

#include "dirty.h"
#include "fetch.h"
#include "fpenv.h"
#include "index.h"
#include "plan.h"
#include "store.h"
#include "thresholds.h"

enum { AHEAD = 16 /* operands whose places are asked for before their turn */, MOST_OPEN = 34 /* nodes of a key that wait for those on their right: one for each bit of a position, and some */ };

/* A key at work. Leaves end at the end of the room for them. */
typedef struct key_now {
	uint32_t leaf;          /* in the courses: the open one */
	uint32_t open;          /* nodes */
} key_now;

struct pour {
	uint64_t n_keys;
	bool given;             /* values are those of the pass at hand */
	bool own;               /* the key of an element is its position; else computed, or read from a page */
	/* courses: leaf by leaf, key by key */
	const group_index *groups;
	uint64_t version;       /* of the groups that they follow; 0: of none */
	uint32_t *start;        /* of each key, and the end */
	uint8_t *size, *joins;  /* operands of a leaf; nodes that are complete with it */
	uint32_t *positions;    /* of a key whose list is cut */
	/* work */
	key_now *keys;
	uint32_t *place;        /* in `leaves`: of the next operand of each key */
	uint8_t *leaves;        /* LEAF operands of each key */
	uint64_t *nodes;        /* MOST_OPEN of each key; in the end the first is its value */
};

/* ---- which regions ----------------------------------------------------------------------------- */

static bool plain_code(const region_plan *r)
{
	for (uint32_t i = 0; i < r->n_steps; i++) {
		const step *s = &r->steps[i];
		if (s->child || s->can_fail || s->code == CODE_TO_INDEX || s->code == CODE_GUARD)
			return false;
	}
	return true;
}

bool pour_possible(const kernel_plan *p, const region_plan *r)
{
	return r->def->kind == REGION_GROUP && r->parent == &p->regions[0] && p->regions[0].def->kind == REGION_DOMAIN &&
	       (r->kind == RED_LIST || r->kind == RED_ANY) && r->where == NONE && r->n_imports == 0 &&
	       r->n_var_imports == 0 && r->driver->count < UINT32_MAX && plain_code(r);
}

/* One block; what is not touched of it takes no memory. */
static struct pour *new_pour(uint64_t n_keys, uint64_t n, unsigned width)
{
	size_t sizes[] = {sizeof(struct pour), n_keys * sizeof(key_now), n_keys * MOST_OPEN * sizeof(uint64_t), n_keys * ((size_t)LEAF << width),
	                  n_keys * sizeof(uint32_t), (n_keys + 1) * sizeof(uint32_t), n * sizeof(uint32_t), n, n};
	uint8_t *parts[sizeof sizes / sizeof *sizes];
	size_t bytes = 0;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		bytes += (sizes[i] + 63) / 64 * 64;
	uint8_t *at = calloc(1, bytes);
	if (!at)
		return NULL;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; at += (sizes[i++] + 63) / 64 * 64)
		parts[i] = at;
	struct pour *p = (void *)parts[0];
	*p = (struct pour){.n_keys = n_keys, .keys = (void *)parts[1], .nodes = (void *)parts[2], .leaves = parts[3], .place = (void *)parts[4],
	                   .start = (void *)parts[5], .positions = (void *)parts[6], .size = parts[7], .joins = parts[8]};
	return p;
}

void pour_plan(planner *pl)
{
	kernel_plan *p = pl->p;
	const char *force = getenv("MMSB_REGIONS");
	uint64_t least = !force || !*force ? POUR_LEAST : *force == 'P' ? 0 : UINT64_MAX;
	for (uint32_t id = 1; id < p->n_regions && p->pass; id++) {
		region_plan *r = &p->regions[id];
		uint64_t n_keys = (uint64_t)(r->keys > 0 ? r->keys : 1);
		bool own = plan_is_the_variable(p, r->at), asked = own || pl->inst->pages[p->pass->page].count >= n_keys;
		if (!pour_possible(p, r) || !asked || n_keys > POUR_BYTES / (LEAF * 8) || r->driver->count < least)
			continue;
		r->pour = new_pour(n_keys, r->driver->count, r->width);
		if (r->pour)
			r->pour->own = own;
	}
}

void pour_free(struct pour *p) { free(p); }

/* ---- courses ----------------------------------------------------------------------------------- */

static uint32_t put_leaf(struct pour *p, uint32_t at, size_t n, unsigned joins)
{
	p->size[at] = (uint8_t)n;
	p->joins[at] = (uint8_t)joins;
	return at + 1;
}

/* The course of n ascending positions, a node of the tree that is complete `joins` nodes above it; returns where the next begins. */
static uint32_t course_of(struct pour *p, uint32_t at, const uint32_t *positions, size_t n, unsigned joins)
{
	while (n > LEAF) {
		uint32_t bit = (uint32_t)1 << (31 - __builtin_clz(positions[0] ^ positions[n - 1]));
		size_t lo = 0, hi = n;
		while (lo < hi) {
			size_t mid = lo + (hi - lo) / 2;
			if (positions[mid] & bit)
				hi = mid;
			else
				lo = mid + 1;
		}
		at = course_of(p, at, positions, lo, 0);
		positions += lo;
		n -= lo;
		joins++;
	}
	return put_leaf(p, at, n, joins);
}

/* Where the order does not matter: leaves as they come. */
static uint32_t course_of_any(struct pour *p, uint32_t at, size_t n)
{
	for (unsigned joins = 0; n > 0; joins = 1) {
		size_t m = n < LEAF ? n : LEAF;
		at = put_leaf(p, at, m, joins);
		n -= m;
	}
	return at;
}

static const uint32_t *positions_of(struct pour *p, const lists *l, uint64_t key)
{
	uint32_t n = 0;
	if (l->heads[key].room != LIST_CUT)
		return l->key + l->heads[key].at;
	LISTS_FOR(l, key, at)
		p->positions[n++] = l->key[at];
	return p->positions;
}

static void follow_groups(struct pour *p, const group_index *g, red_kind kind)
{
	const lists *l = &g->positions;
	uint32_t at = 0;
	if (p->groups == g && p->version == g->version)
		return;
	for (uint64_t key = 0; key < p->n_keys; key++) {
		size_t n = key < l->n_lists ? lists_length(l, key) : 0;
		p->start[key] = at;
		if (kind == RED_ANY)
			at = course_of_any(p, at, n);
		else if (n > 0)
			at = course_of(p, at, positions_of(p, l, key), n, 0);
	}
	p->start[p->n_keys] = at;
	p->groups = g;
	p->version = g->version;
}

/* ---- pouring ----------------------------------------------------------------------------------- */

typedef struct flow {
	struct pour *p;
	const kernel_table *k;
	const region_plan *plan;
} flow;

/* Opens a leaf of a key, if it has one more. */
static void open_leaf(struct pour *p, uint64_t key)
{
	uint32_t leaf = p->keys[key].leaf, n = leaf < p->start[key + 1] ? p->size[leaf] : LEAF;
	p->place[key] = (uint32_t)((key + 1) * LEAF - n);
}

/* The open leaf of a key has all of its operands. */
static __attribute__((noinline)) void close_leaf(const flow *f, uint64_t key)
{
	struct pour *p = f->p;
	key_now *now = &p->keys[key];
	uint64_t *node = p->nodes + key * MOST_OPEN + now->open, scratch[LEAF];
	uint32_t n = p->size[now->leaf];
	const uint8_t *operands = p->leaves + (((key + 1) * LEAF - n) << f->plan->width);
	*node = 0;
	if (n == 1)
		memcpy(node, operands, (size_t)1 << f->plan->width);
	else
		f->k->tree[f->plan->def->op][f->plan->type](node, operands, scratch, n);
	for (unsigned joins = p->joins[now->leaf]; joins > 0; joins--, node--)
		f->k->op[f->plan->def->op][f->plan->type](node - 1, node - 1, node, NULL, 1);
	now->open = (uint32_t)(node + 1 - (p->nodes + key * MOST_OPEN));
	now->leaf++;
	open_leaf(p, key);
}

#define DEFINE_POUR(T)                                                                                 \
	static void pour_##T(const flow *f, const uint32_t *key, const void *values, uint32_t n)       \
	{                                                                                              \
		uint32_t *place = f->p->place;                                                         \
		const T *value = values;                                                               \
		T *leaves = (T *)(void *)f->p->leaves;                                                 \
		for (uint32_t i = 0; i < n; i++) {                                                     \
			if (i + AHEAD < n)                                                             \
				fetch_to_write(&leaves[place[key[i + AHEAD]]]);                 \
			uint32_t at = place[key[i]];                                                   \
			leaves[at++] = value[i];                                                       \
			place[key[i]] = at;                                                            \
			if (at % LEAF == 0)                                                            \
				close_leaf(f, key[i]);                                                 \
		}                                                                                      \
	}
DEFINE_POUR(uint8_t)
DEFINE_POUR(uint16_t)
DEFINE_POUR(uint32_t)
DEFINE_POUR(uint64_t)

static void pour_values(const flow *f, const uint32_t *key, const void *values, uint32_t n)
{
	switch (f->plan->width) {
	case 0: pour_uint8_t(f, key, values, n); break;
	case 1: pour_uint16_t(f, key, values, n); break;
	case 2: pour_uint32_t(f, key, values, n); break;
	default: pour_uint64_t(f, key, values, n);
	}
}

static void begin_keys(struct pour *p)
{
	for (uint64_t key = 0; key < p->n_keys; key++) {
		p->keys[key] = (key_now){p->start[key], 0};
		open_leaf(p, key);
	}
}

static void pour_region(worker *w, const region_plan *rp, const group_index *g)
{
	run *c = &w->runs[rp->id];
	const flow f = {rp->pour, w->k, rp};
	follow_groups(rp->pour, g, rp->kind);
	begin_keys(rp->pour);
	c->live = NULL;
	c->form = OUTER_ONE;
	c->outer_lane = 0;
	for (uint64_t at = 0, n = rp->driver->count; at < n; at += c->n) {
		c->n = (uint32_t)(n - at < TILE ? n - at : TILE);
		c->vars[rp->var] = (var_lanes){VAR_IOTA, (int64_t)at, NULL};
		run_code(w, c);
		lanes *value = &c->regs[rp->value];
		lanes_fill(w, value, rp->width, c->n);
		pour_values(&f, g->key + at, value->at, c->n);
	}
	rp->pour->given = true;
}

void pour_all(struct executor *ex, const kernel_plan *p)
{
	worker *w = &ex->workers[0];
	uint64_t fault_at = UINT64_MAX, env = 0;
	bool any = false;
	for (uint32_t id = 1; id < p->n_regions; id++) {
		const region_plan *rp = &p->regions[id];
		if (!rp->pour || ex->n_workers > POUR_THREADS || !index_is_complete(ex->groups[id]) || store_holds_most(rp))
			continue;
		if (!any) {
			ex->fault_at = &fault_at;
			env = fpenv_enter();
			worker_prepare(w, p);
			any = true;
		}
		pour_region(w, rp, ex->groups[id]);
	}
	if (any)
		fpenv_leave(env);
}

bool pour_worth(const kernel_plan *p)
{
	for (uint32_t id = 1; id < p->n_regions; id++) {
		const region_plan *rp = &p->regions[id];
		uint64_t anew = 0;
		if (!rp->pour || !rp->pour->own)
			continue;
		BITSET_FOR(&p->dirty->elements, element)
			anew += !store_holds_outer(rp, element);
		if (anew > p->dirty->elements.n / POUR_SHARE)
			return true;
	}
	return false;
}

void pour_end(const kernel_plan *p)
{
	for (uint32_t id = 1; id < p->n_regions; id++)
		if (p->regions[id].pour)
			p->regions[id].pour->given = false;
}

static uint64_t key_of(const struct pour *p, const region_plan *rp, const run *r, uint32_t lane)
{
	if (p->own)
		return (uint64_t)var_lane(&r->vars[r->plan->flat], lane);
	scalar v = reg_lane(&r->regs[rp->at], width_of(rp->def->at_type), lane);
	return rp->def->at_type == T_U32 ? v.U32 : v.U64;
}

bool pour_give(worker *w, run *r, const step *s)
{
	const region_plan *rp = s->child;
	const struct pour *p = rp->pour;
	if (!p || !p->given)
		return false;
	for (uint32_t lane = 0; lane < r->n; lane++) {
		uint64_t key = key_of(p, rp, r, lane);
		if (key < p->n_keys && p->start[key + 1] > p->start[key])
			give_value(w, r, s, lane, (scalar){.bits = p->nodes[key * MOST_OPEN]}, lists_length(&p->groups->positions, key));
		else
			give_identity(w, r, s, lane);
	}
	return true;
}
