/* store_running.c - what a change costs totals up to an element by key. An operand that comes out with another value concerns what its group comes to
 * from there on: the nodes of the tree before it are as they were, the members after it are combined anew, one by one, from operands that are kept. */
#include "store_running.h"

#include <string.h>

#include "bounds.h"
#include "index.h"
#include "plan.h"
#include "ranges.h"
#include "route.h"
#include "store_parts.h"

enum { FAR = 1 << 30 /* no shift is larger */, SOME = LEAF + 1 /* members of a node with a place */ };

/* ---- which regions ----------------------------------------------------------------------------- */

/* The variable of the domain of which a region's only bound is a sum: position <= variable + constant. */
static bool find_end(const planner *pl, const region_plan *r, running_kind *x)
{
	const bound *b = r->bounds;
	if (r->n_bounds != 1 || !r->bounded_only || b->coef != -1 || b->n_terms != 1 || b->terms[0].coef != 1 || b->constant < -FAR || b->constant > FAR)
		return false;
	x->shift = -b->constant;
	for (x->var = 0; x->var < pl->p->regions[0].def->n_vars; x->var++)
		if (pl->p->root_vars[x->var] == b->terms[0].var)
			return true;
	return false;
}

bool store_running_set(planner *pl, struct store *st)
{
	const region_plan *r = st->plan, *root = &pl->p->regions[0];
	running_kind x = {.listed = r->kind == RED_LIST, .width = r->width, .out_width = r->out_width, .keys = (uint64_t)(r->keys > 0 ? r->keys : 1)};
	if (r->def->kind != REGION_GROUP || root->def->kind != REGION_DOMAIN || r->where == NONE || !find_end(pl, r, &x) || !ranges_steps(pl, r, &x.steps, &x.n_steps))
		return false;
	x.positions = r->driver->count;
	for (uint32_t i = 0; i < root->n_steps; i++)
		x.counts |= root->steps[i].child == r && root->steps[i].count != NONE;
	st->runnings = x;
	return x.positions > 0 && x.positions < UINT32_MAX && x.keys < UINT32_MAX;
}

size_t running_kind_bytes(const running_kind *x)
{
	uint64_t each = ((uint64_t)1 << x->width) + ((uint64_t)1 << x->out_width) + (x->listed ? (uint64_t)1 << x->width : 0) + (x->counts ? sizeof *x->ranks : 0);
	return x->positions * each + x->keys * 3 * sizeof *x->first + (size_t)9 * POOL_UNIT;
}

bool running_kind_place(running_kind *x)
{
	pool *p = &x->pool;
	x->values = pool_keep(p, x->positions << x->width);
	x->upto = pool_keep(p, x->positions << x->out_width);
	x->nodes = x->listed ? pool_keep(p, x->positions << x->width) : NULL;
	x->ranks = x->counts ? pool_keep(p, x->positions * sizeof *x->ranks) : NULL;
	x->first = pool_keep(p, x->keys * sizeof *x->first);
	x->last = pool_keep(p, x->keys * sizeof *x->last);
	x->touched = pool_keep(p, x->keys * sizeof *x->touched);
	return x->values && x->upto && (!x->listed || x->nodes) && (!x->counts || x->ranks) && x->first && x->last && x->touched;
}

/* ---- members of a group ------------------------------------------------------------------------ */

/* A walk along a group from a position on: `left` members side by side. */
typedef struct members {
	const lists *l;
	const uint32_t *at;
	uint32_t left, block;
	const long_list *cut;
} members;

/* How many of n ascending numbers are below `position`. */
static uint32_t below(const uint32_t *at, uint32_t n, uint64_t position)
{
	uint32_t low = 0;
	while (n > 0) {
		uint32_t half = n / 2;
		bool right = at[low + half] < position;
		low = right ? low + half + 1 : low;
		n = right ? n - half - 1 : half;
	}
	return low;
}

static void next_block(members *m)
{
	while (m->left == 0 && m->cut && ++m->block < m->cut->n) {
		m->at = m->l->key + m->cut->blocks[m->block].at;
		m->left = m->cut->blocks[m->block].n;
	}
}

static members members_from(const lists *l, uint64_t key, uint64_t position)
{
	const list_head *h = &l->heads[key];
	members m = {.l = l, .at = l->key, .left = 0};
	if (position > UINT32_MAX)
		return m;
	if (h->room == LIST_CUT) {
		m.cut = &l->long_lists[h->at];
		m.block = lists_block_of(m.cut, (uint32_t)position);
		m.at += m.cut->blocks[m.block].at;
		m.left = m.cut->blocks[m.block].n;
	} else {
		m.at += h->at;
		m.left = h->n;
	}
	uint32_t before = below(m.at, m.left, position);
	m.at += before;
	m.left -= before;
	next_block(&m);
	return m;
}

static bool members_next(members *m, uint32_t *position)
{
	if (m->left == 0)
		return false;
	*position = *m->at++;
	m->left--;
	next_block(m);
	return true;
}

/* The last member before a position; NONE: there is none. */
static uint32_t member_before(const lists *l, uint64_t key, uint64_t position)
{
	const list_head *h = &l->heads[key];
	if (h->n == 0 || position == 0)
		return NONE;
	if (h->room != LIST_CUT) {
		uint32_t n = below(l->key + h->at, h->n, position);
		return n > 0 ? l->key[h->at + n - 1] : NONE;
	}
	const long_list *cut = &l->long_lists[h->at];
	for (uint32_t b = lists_block_of(cut, position > UINT32_MAX ? UINT32_MAX : (uint32_t)position) + 1; b-- > 0;) {
		uint32_t n = below(l->key + cut->blocks[b].at, cut->blocks[b].n, position);
		if (n > 0)
			return l->key[cut->blocks[b].at + n - 1];
	}
	return NONE;
}

/* ---- totals ------------------------------------------------------------------------------------ */

/* A group at work: totals from member `first` on are made anew, in ascending order. */
typedef struct work {
	const update *u;
	const running_kind *x;
	const lists *l;
	uint64_t key;
	uint32_t first, last;   /* positions with other operands lie between */
	uint32_t rank;          /* members so far, where somebody asks */
	int64_t changed_from;   /* all totals since are others; -1: none are */
	scalar spine[33];       /* nodes on the left of what is looked at */
	uint32_t depth;
} work;

static scalar value_at(const uint8_t *values, uint64_t at, unsigned width)
{
	scalar v = {0};
	memcpy(&v, values + (at << width), (size_t)1 << width);
	return v;
}

/* Elements with members up to from .. end-1 of the group are to be evaluated. */
static void mark(const work *g, int64_t from, int64_t end)
{
	const running_kind *x = g->x;
	const update *u = g->u;
	route_sink sink = {.lanes = u->outer};
	int64_t extent = u->st->to->dims[x->var];
	from = from + x->shift < 0 ? 0 : from + x->shift;
	end = end > extent - x->shift ? extent : end + x->shift;
	if (from >= end)
		return;
	route_between(u->w->ex, u->st->kernel, u->st->plan->id, (int64_t)g->key, x->var, from, end, &sink);
	if (sink.all)
		bitset_set_range(u->outer, 0, u->outer->n);
}

/* Puts a value in place of another; true: it has other bits. */
static bool put(void *to, const void *value, size_t bytes)
{
	uint64_t was = 0, now = 0;
	memcpy(&was, to, bytes);
	memcpy(&now, value, bytes);
	memcpy(to, value, bytes);
	return was != now;
}

/* The total up to a member; true: it was another. */
static bool emit(work *g, uint32_t position, const void *total)
{
	const running_kind *x = g->x;
	bool changed = put(x->upto + ((uint64_t)position << x->out_width), total, (size_t)1 << x->out_width);
	g->rank++;
	if (x->counts)
		changed |= put(&x->ranks[position], &g->rank, sizeof g->rank);
	if (!changed && g->changed_from >= 0 && g->u->outer)
		mark(g, g->changed_from, position);
	g->changed_from = !changed ? -1 : g->changed_from < 0 ? position : g->changed_from;
	return changed;
}

static void emit_end(const work *g)
{
	if (g->changed_from >= 0 && g->u->outer)
		mark(g, g->changed_from, (int64_t)g->x->positions + FAR);
}

/* ---- by the tree ------------------------------------------------------------------------------- */

/* Up to SOME members at from .. end-1, and the operands of at most LEAF; returns how many. */
static uint32_t take(const work *g, uint64_t from, uint64_t end, uint32_t *positions, uint64_t *operands)
{
	members m = members_from(g->l, g->key, from);
	uint32_t n = 0;
	while (n < SOME && members_next(&m, &positions[n]) && positions[n] < end)
		n++;
	if (n > 0)
		g->u->w->k->gather_u32[g->x->width](operands, g->x->values, (size_t)1 << g->x->width, positions, n < LEAF ? n : LEAF);
	return n;
}

/* A node with more than LEAF members: the position at which they part. */
typedef struct parting {
	uint64_t middle, end;
	uint32_t at;            /* the first member on the right: the node's value has its place there */
} parting;

static parting part(const work *g, uint32_t first, uint64_t end)
{
	uint32_t last = member_before(g->l, g->key, end);
	unsigned level = 31u - (unsigned)__builtin_clz(first ^ last);
	uint64_t middle = (uint64_t)last >> level << level;
	members right = members_from(g->l, g->key, middle);
	return (parting){middle, middle + ((uint64_t)1 << level), *right.at};
}

/* Totals up to members of a node that are combined by rank, with the nodes on their left. */
static void emit_leaf(work *g, const uint32_t *positions, const uint64_t *sums, uint32_t from, uint32_t end)
{
	const region_plan *rp = g->u->st->plan;
	const kernel_table *k = g->u->w->k;
	unsigned width = g->x->width;
	uint64_t totals[LEAF], left[LEAF];
	if (from >= end)
		return;
	memcpy(totals, (const uint8_t *)sums + ((size_t)from << width), (size_t)(end - from) << width);
	for (uint32_t d = g->depth; d-- > 0;) {
		k->fill[width](left, &g->spine[d], end - from);
		k->op[rp->def->op][rp->type](totals, left, totals, NULL, end - from);
	}
	for (uint32_t i = from; i < end; i++)
		emit(g, positions[i], (const uint8_t *)totals + ((size_t)(i - from) << width));
}

/* What the members at from .. end-1 come to, of which some may have other operands than before: values of nodes that end at or before the first of these are there. Of
 * members up to each from `skip` on the node is no leaf of their tree; before, they belong to a leaf around it. *n: how many there are, at most SOME. */
static scalar walk_node(work *g, uint64_t from, uint64_t end, uint32_t skip, uint32_t *n)
{
	const running_kind *x = g->x;
	const region_plan *rp = g->u->st->plan;
	const kernel_table *k = g->u->w->k;
	uint64_t sums[LEAF];
	uint32_t positions[SOME], leaf, begin = skip, m;
	scalar v = {0};
	*n = take(g, from, end, positions, sums);
	if (*n == 0)
		return v;
	parting p = {0};
	if (*n > LEAF) {
		p = part(g, positions[0], end);
		if (p.end <= g->first)
			return value_at(x->nodes, p.at, x->width);
	}
	leaf = *n < LEAF ? *n : LEAF;
	k->scan[rp->def->op][rp->type](sums, sums, leaf);
	while (begin < leaf && positions[begin] < g->first)
		begin++;
	emit_leaf(g, positions, sums, begin, leaf);
	if (*n <= LEAF)
		return value_at((const uint8_t *)sums, leaf - 1, x->width);
	scalar left = walk_node(g, from, p.middle, LEAF, &m);
	g->spine[g->depth++] = left;
	scalar right = walk_node(g, p.middle, end, m < LEAF ? LEAF - m : 0, &m);
	g->depth--;
	k->op[rp->def->op][rp->type](&v, &left, &right, NULL, 1);
	memcpy(x->nodes + ((uint64_t)p.at << x->width), &v, (size_t)1 << x->width);
	return v;
}

/* ---- in any order ------------------------------------------------------------------------------ */

/* Once a total after the last operand that changed is as it was, so are all others. */
static void walk_any(work *g, uint32_t before)
{
	const running_kind *x = g->x;
	const region_plan *rp = g->u->st->plan;
	const kernel_table *k = g->u->w->k;
	uint64_t sums[LEAF], left[LEAF];
	uint32_t positions[SOME], n;
	for (uint64_t from = g->first; (n = take(g, from, x->positions, positions, sums)) > 0; from = (uint64_t)before + 1) {
		n = n < LEAF ? n : LEAF;
		k->scan[rp->def->op][rp->type](sums, sums, n);
		if (before != NONE) {
			k->fill[x->width](left, x->upto + ((uint64_t)before << x->width), n);
			k->op[rp->def->op][rp->type](sums, left, sums, NULL, n);
		}
		before = positions[n - 1];
		for (uint32_t i = 0; i < n; i++)
			if (!emit(g, positions[i], (const uint8_t *)sums + ((size_t)i << x->width)) && positions[i] > g->last)
				return;
	}
}

/* argmin and argmax: the position of the best so far is the total. */
static void walk_arg(work *g, uint32_t before)
{
	const running_kind *x = g->x;
	const region_plan *rp = g->u->st->plan;
	bool most = rp->def->reducer == REDUCER_ARGMAX;
	members m = members_from(g->l, g->key, g->first);
	uint8_t seen = before != NONE;
	uint32_t position, best = seen ? value_at(x->upto, before, x->out_width).U32 : 0;
	scalar v = seen ? value_at(x->values, best, x->width) : (scalar){0};
	while (members_next(&m, &position)) {
		g->u->w->k->arg[most][rp->type](&v, &best, &seen, x->values + ((uint64_t)position << x->width), position, NULL, 1);
		emit(g, position, &best);
	}
}

static void renew_group(const update *u, uint64_t key, uint32_t first, uint32_t last)
{
	const running_kind *x = &u->st->runnings;
	work g = {.u = u, .x = x, .l = &u->groups->positions, .key = key, .first = first, .last = last, .changed_from = -1};
	uint32_t before = member_before(g.l, key, first), n;
	g.rank = x->counts && before != NONE ? x->ranks[before] : 0;
	if (x->listed)
		walk_node(&g, 0, x->positions, 0, &n);
	else if (u->st->plan->kind == RED_ARG)
		walk_arg(&g, before);
	else
		walk_any(&g, before);
	emit_end(&g);
}

/* ---- operands ---------------------------------------------------------------------------------- */

static const void *evaluate(const update *u, var_lanes at, uint32_t n)
{
	const running_kind *x = &u->st->runnings;
	const region_plan *rp = u->st->plan;
	run *c = u->c;
	c->n = n;
	c->live = NULL;
	c->form = OUTER_ONE;
	c->outer_lane = 0;
	c->vars[rp->var] = at;
	u->w->operands += n;
	for (uint32_t i = 0; i < x->n_steps; i++)
		run_step(u->w, c, x->steps[i]);
	lanes *value = &c->regs[rp->value];
	lanes_fill(u->w, value, rp->width, n);
	return value->at;
}

/* All of them, and all groups. */
static void fill(const update *u)
{
	running_kind *x = &u->st->runnings;
	for (uint64_t at = 0; at < x->positions; at += TILE) {
		uint32_t n = (uint32_t)(x->positions - at < TILE ? x->positions - at : TILE);
		memcpy(x->values + (at << x->width), evaluate(u, (var_lanes){VAR_IOTA, (int64_t)at, NULL}, n), (size_t)n << x->width);
	}
	for (uint64_t key = 0; key < x->keys; key++)
		if (lists_length(&u->groups->positions, key) > 0)
			renew_group(u, key, 0, UINT32_MAX);
	x->version = u->groups->version;
	bitset_set(&u->st->held, 0);
}

void store_running_fill(const update *u) { fill(u); }

/* ---- updates ----------------------------------------------------------------------------------- */

static uint32_t key_at(const update *u, uint64_t position)
{
	uint32_t key;
	memcpy(&key, u->keys.base + position * u->keys.stride, sizeof key);
	return key;
}

static void touch(running_kind *x, uint64_t key, uint32_t position)
{
	if (key >= x->keys)
		return;
	if (x->first[key] == 0)
		x->touched[x->n_touched++] = (uint32_t)key;
	if (x->first[key] == 0 || position + 1 < x->first[key])
		x->first[key] = position + 1;
	if (position + 1 > x->last[key])
		x->last[key] = position + 1;
}

static void put_batch(const update *u, const int64_t *positions, uint32_t n)
{
	running_kind *x = &u->st->runnings;
	const uint8_t *values = evaluate(u, (var_lanes){VAR_I64, 0, positions}, n);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t at = (uint64_t)positions[i];
		if (put(x->values + (at << x->width), values + ((size_t)i << x->width), (size_t)1 << x->width))
			touch(x, key_at(u, at), (uint32_t)at);
	}
}

/* A position has come or gone: who has it as the last one has another total. */
static void mark_moved(const work *g, uint32_t position)
{
	members m = members_from(g->l, g->key, (uint64_t)position + 1);
	mark(g, position, m.left > 0 ? *m.at : (int64_t)g->x->positions + FAR);
}

static void follow(const update *u, const index_move *moves, size_t n)
{
	running_kind *x = &u->st->runnings;
	for (size_t i = 0; i < n; i++) {
		const uint64_t keys[] = {moves[i].from, moves[i].to};
		for (unsigned k = 0; k < 2; k++) {
			const work g = {.u = u, .x = x, .l = &u->groups->positions, .key = keys[k]};
			touch(x, keys[k], moves[i].position);
			if (keys[k] < x->keys)
				mark_moved(&g, moves[i].position);
		}
	}
}

static void change_groups(const update *u, const bitset *dirty)
{
	running_kind *x = &u->st->runnings;
	store_each_batch(u, dirty, put_batch);
	for (uint32_t i = 0; i < x->n_touched; i++)
		renew_group(u, x->touched[i], x->first[x->touched[i]] - 1, x->last[x->touched[i]] - 1);
	x->version = u->groups->version;
}

/* What was is not known: all that may rest on an operand is to be evaluated. */
static void begin_groups(const update *u, const bitset *dirty)
{
	running_kind *x = &u->st->runnings;
	update quiet = *u;
	quiet.outer = NULL;
	BITSET_FOR(dirty, position)
		touch(x, key_at(u, position), (uint32_t)position);
	for (uint32_t i = 0; i < x->n_touched; i++) {
		const work g = {.u = u, .x = x, .l = &u->groups->positions, .key = x->touched[i]};
		mark(&g, (int64_t)x->first[g.key] - 1, (int64_t)x->positions + FAR);
	}
	fill(&quiet);
}

void store_running_update(const update *u, const bitset *dirty)
{
	struct store *st = u->st;
	running_kind *x = &st->runnings;
	bool held = st->ready && bitset_test(&st->held, 0), all;
	size_t n;
	const index_move *moves = index_moves(u->groups, u->w->ex->inst->epoch + 1, &n, &all);
	if (u->w->ex->again) { /* they were followed in an earlier round */
		n = 0;
		all = false;
	}
	if (!st->ready || all || (held && x->version + n != u->groups->version)) { /* no memory; or members have moved, nobody knows which */
		bitset_set_range(u->outer, 0, u->outer->n);
		store_drop_held(st);
		return;
	}
	follow(u, moves, n);
	if (held)
		change_groups(u, dirty);
	else
		begin_groups(u, dirty);
	for (uint32_t i = 0; i < x->n_touched; i++)
		x->first[x->touched[i]] = x->last[x->touched[i]] = 0;
	x->n_touched = 0;
}

/* ---- values ------------------------------------------------------------------------------------ */

/* The last member up to `end`. */
static uint32_t last_of(const running_kind *x, const group_index *groups, uint64_t key, int64_t end)
{
	if (end < 0 || key >= x->keys)
		return NONE;
	if ((uint64_t)end < x->positions && groups->key[end] == key)
		return (uint32_t)end;
	return member_before(&groups->positions, key, (uint64_t)end + 1);
}

bool store_running_give(worker *w, run *r, const step *s)
{
	const region_plan *rp = s->child;
	const struct store *st = rp->store;
	const group_index *groups = w->ex->groups[rp->id];
	if (!rp->stored || !st->running || !st->ready || w->ex->force || bitset_empty(&st->held))
		return false;
	const running_kind *x = &st->runnings;
	const var_lanes *var = &r->vars[st->kernel->root_vars[x->var]];
	for (uint32_t lane = 0; lane < r->n; lane++) {
		scalar key = reg_lane(&r->regs[rp->at], width_of(rp->def->at_type), lane);
		uint32_t last = last_of(x, groups, rp->def->at_type == T_U32 ? key.U32 : key.U64, var_lane(var, lane) - x->shift);
		if (last == NONE)
			give_identity(w, r, s, lane);
		else
			give_value(w, r, s, lane, value_at(x->upto, last, x->out_width), x->counts ? x->ranks[last] : 0);
	}
	return true;
}
