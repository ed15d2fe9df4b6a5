/* store_within.c - trees seen from elements that have a part of their operands each, those within some bounds: what these come to, and which such
 * elements a change concerns. */
#include <string.h>

#include "schedule.h"
#include "store_node.h"

static const tree_span everything = {0, (uint64_t)1 << 32}, nothing = {1, 0};

/* The positions of an inner node; of the child on a side. */
static tree_span span_of(const node *n)
{
	uint64_t first = (uint64_t)n->prefix >> (n->level + 1) << (n->level + 1);
	return (tree_span){first, first + ((uint64_t)2 << n->level)};
}

static tree_span half_of(const node *n, unsigned side)
{
	tree_span s = span_of(n);
	uint64_t half = (uint64_t)1 << n->level;
	return (tree_span){s.first + side * half, s.first + (side + 1) * half};
}

/* ---- which nodes change ------------------------------------------------------------------------ */

typedef struct telling {
	const tree_kind *t;
	tree_told_fn *tell;
	void *context;
} telling;

/* An operand of a leaf counts by itself where few others are combined with it by rank. */
static void tell_node(const telling *q, node *n, tree_span part, tree_span around)
{
	const node was = *n;
	bool leaf = is_leaf(n);
	for (unsigned side = 0; side < 2 && !leaf; side++)
		if (was.stale >> side & 1) {
			node *child = node_at(q->t, n->child[side]);
			if (child->stale)
				tell_node(q, child, half_of(n, side), part);
		}
	tree_refresh_node(q->t, n);
	bool each = leaf && q->t->kind == RED_LIST, moved = q->t->kind == RED_ARG && n->best != was.best;
	if (was.fresh || each || moved || n->value != was.value)
		q->tell(q->context, part, around);
}

void tree_refresh_told(const tree_kind *t, uint32_t root, tree_told_fn *tell, void *context)
{
	const telling q = {t, tell, context};
	node *n = node_at(t, root);
	if (n->stale)
		tell_node(&q, n, everything, nothing);
}

tree_span tree_part_of(const tree_kind *t, uint32_t root, uint32_t position, tree_span *around)
{
	tree_span part = everything;
	*around = nothing;
	for (const node *n = node_at(t, root); !is_leaf(n) && (uint64_t)(position ^ n->prefix) >> n->level <= 1;) {
		unsigned side = side_of(n, position);
		*around = part;
		part = half_of(n, side);
		n = node_at(t, n->child[side]);
	}
	return part;
}

/* ---- what is within ---------------------------------------------------------------------------- */

/* Some operands side by side in the tree. LIST: at most LEAF of them stand for themselves. */
typedef struct piece {
	uint64_t n, value;
	uint32_t best;          /* ARG */
	bool known;             /* the value */
	const uint8_t *few;     /* LIST, n <= LEAF */
	uint64_t room[LEAF];    /* of some of the few */
} piece;

static uint64_t piece_value(const tree_kind *t, const piece *p)
{
	uint64_t scratch[LEAF], v = 0;
	if (p->known)
		return p->value;
	if (p->n == 1)
		memcpy(&v, p->few, (size_t)1 << t->width);
	else
		t->k->tree[t->op][t->type](&v, p->few, scratch, p->n);
	return v;
}

static void take_leaf(const tree_kind *t, node *leaf, tree_span s, piece *out)
{
	uint32_t first = s.first > UINT32_MAX ? leaf->count : rank_in(leaf, (uint32_t)s.first);
	uint32_t end = s.end > UINT32_MAX ? leaf->count : rank_in(leaf, (uint32_t)s.end);
	const uint8_t *values = values_of(leaf) + ((size_t)first << t->width);
	uint64_t scratch[LEAF];
	out->n = end > first ? end - first : 0;
	out->few = values;
	out->known = t->kind != RED_LIST || out->n == leaf->count;
	out->value = leaf->value;
	out->best = leaf->best;
	if (out->n == 0 || out->n == leaf->count || t->kind == RED_LIST)
		return;
	out->value = 0;
	if (t->kind == RED_ARG) {
		size_t i = t->k->arg_find[t->arg][t->type](values, out->n);
		out->best = positions_of(leaf)[first + i];
		memcpy(&out->value, values + (i << t->width), (size_t)1 << t->width);
	} else if (out->n == 1) {
		memcpy(&out->value, values, (size_t)1 << t->width);
	} else {
		t->k->tree[t->op][t->type](&out->value, values, scratch, out->n);
	}
}

static void join_few(const tree_kind *t, piece *left, const piece *right)
{
	size_t bytes = (size_t)left->n << t->width;
	if (left->few != (const uint8_t *)left->room)
		memcpy(left->room, left->few, bytes);
	memcpy((uint8_t *)left->room + bytes, right->few, (size_t)right->n << t->width);
	left->few = (const uint8_t *)left->room;
	left->known = false;
	left->n += right->n;
}

/* The piece on the right joins the one before it. */
static void join(const tree_kind *t, piece *left, const piece *right)
{
	if (t->kind == RED_LIST && left->n + right->n <= LEAF) {
		join_few(t, left, right);
		return;
	}
	if (t->kind == RED_ARG) {
		uint8_t seen = 1;
		t->k->arg[t->arg][t->type](&left->value, &left->best, &seen, &right->value, right->best, NULL, 1);
	} else {
		uint64_t a = piece_value(t, left), b = piece_value(t, right);
		left->value = 0;
		t->k->op[t->op][t->type](&left->value, &a, &b, NULL, 1);
	}
	left->known = true;
	left->n += right->n;
}

static void move_piece(piece *to, const piece *from)
{
	bool own = from->few == (const uint8_t *)from->room;
	to->n = from->n;
	to->value = from->value;
	to->best = from->best;
	to->known = from->known;
	to->few = own ? (const uint8_t *)to->room : from->few;
	if (own && !from->known)
		memcpy(to->room, from->room, sizeof to->room);
}

static void take(const tree_kind *t, node *n, tree_span s, piece *out)
{
	while (!is_leaf(n)) {
		tree_span own = span_of(n);
		uint64_t middle = own.first + ((uint64_t)1 << n->level);
		if (s.first <= own.first && own.end <= s.end) {
			out->n = n->count;
			out->value = n->value;
			out->best = n->best;
			out->known = true;
			out->few = NULL;
			return;
		}
		if (s.end <= own.first || own.end <= s.first) {
			out->n = 0;
			return;
		}
		if (s.first < middle && middle < s.end) {
			piece right;
			take(t, node_at(t, n->child[0]), s, out);
			take(t, node_at(t, n->child[1]), s, &right);
			if (out->n == 0)
				move_piece(out, &right);
			else if (right.n > 0)
				join(t, out, &right);
			return;
		}
		n = node_at(t, n->child[s.first >= middle]);
	}
	take_leaf(t, n, s, out);
}

scalar tree_within(const tree_kind *t, uint32_t root, tree_span s, uint64_t *count)
{
	piece p;
	scalar v = {0};
	take(t, node_at(t, root), s, &p);
	*count = p.n;
	if (p.n > 0)
		v.bits = t->kind == RED_ARG ? p.best : piece_value(t, &p);
	return v;
}

/* ---- many spans -------------------------------------------------------------------------------- */

enum { FEW_SPANS = 4, MOST_BESIDE = 34 };

/* From a child of the node where a span begins in one and ends in the other, down to where it ends: spans with a bound in from..to-1 go the same way, and have
 * the same nodes besides. */
typedef struct path {
	node *last;             /* of a leaf a part is theirs */
	bool whole, none;       /* all of it; nothing */
	uint32_t n;
	const node *beside[MOST_BESIDE]; /* whole, from the top */
	uint64_t from, to;
} path;

static void at_least(path *p, uint64_t bound) { p->from = bound > p->from ? bound : p->from; }
static void below(path *p, uint64_t bound) { p->to = bound < p->to ? bound : p->to; }

static void path_begin(path *p)
{
	p->whole = p->none = false;
	p->n = 0;
	p->from = 0;
	p->to = UINT64_MAX;
}

/* What comes from `first` on. */
static void left_path(const tree_kind *t, node *n, uint64_t first, path *p)
{
	for (; !is_leaf(n) && !p->whole && !p->none;) {
		tree_span own = span_of(n);
		uint64_t middle = own.first + ((uint64_t)1 << n->level);
		if (first <= own.first) {
			p->whole = true;
			below(p, own.first + 1);
			break;
		}
		at_least(p, first < own.end ? own.first + 1 : own.end);
		if (first >= own.end) {
			p->none = true;
		} else if (first >= middle) {
			at_least(p, middle);
			below(p, own.end);
			n = node_at(t, n->child[1]);
		} else {
			below(p, middle);
			p->beside[p->n++] = node_at(t, n->child[1]);
			n = node_at(t, n->child[0]);
		}
	}
	p->last = n;
}

/* What comes before `end`. */
static void right_path(const tree_kind *t, node *n, uint64_t end, path *p)
{
	for (; !is_leaf(n) && !p->whole && !p->none;) {
		tree_span own = span_of(n);
		uint64_t middle = own.first + ((uint64_t)1 << n->level);
		if (end >= own.end) {
			p->whole = true;
			at_least(p, own.end);
			break;
		}
		below(p, end > own.first ? own.end : own.first + 1);
		if (end <= own.first) {
			p->none = true;
		} else if (end <= middle) {
			at_least(p, own.first + 1);
			below(p, middle + 1);
			n = node_at(t, n->child[0]);
		} else {
			at_least(p, middle + 1);
			p->beside[p->n++] = node_at(t, n->child[0]);
			n = node_at(t, n->child[1]);
		}
	}
	p->last = n;
}

/* Both paths of a span; false: it does not part at an inner node. */
static bool paths_of(const tree_kind *t, uint32_t root, tree_span s, path *left, path *right)
{
	node *n = node_at(t, root);
	path_begin(left);
	path_begin(right);
	while (!is_leaf(n)) {
		tree_span own = span_of(n);
		uint64_t middle = own.first + ((uint64_t)1 << n->level);
		if ((s.first <= own.first && own.end <= s.end) || s.end <= own.first || own.end <= s.first)
			return false;
		if (s.first < middle && middle < s.end) {
			below(left, middle);
			at_least(right, middle + 1);
			left_path(t, node_at(t, n->child[0]), s.first, left);
			right_path(t, node_at(t, n->child[1]), s.end, right);
			return true;
		}
		if (s.end <= middle)
			below(right, middle + 1);
		else
			at_least(left, middle);
		n = node_at(t, n->child[s.end > middle]);
	}
	return false;
}

/* Spans that go the same way on both sides. */
typedef struct together {
	const tree_kind *t;
	const tree_span *spans;
	uint32_t n;
	uint64_t *counts;
	uint8_t apart[TILE];    /* to be looked at one by one */
	_Alignas(64) uint64_t values[2][TILE], beside[TILE];
} together;

static void end_piece(const together *g, const path *p, uint32_t i, bool left, piece *out)
{
	tree_span s = left ? (tree_span){g->spans[i].first, everything.end} : (tree_span){0, g->spans[i].end};
	out->n = 0;
	if (p->whole) {
		out->n = p->last->count;
		out->value = p->last->value;
		out->known = true;
	} else if (!p->none) {
		take_leaf(g->t, p->last, s, out);
	}
}

/* The values of a side, lane by lane, where nodes are combined by their values from the leaf on: but for the leaf, what is combined has more operands than are
 * by rank. */
static void side_values(together *g, const path *p, bool left)
{
	const tree_kind *t = g->t;
	uint8_t *values = (uint8_t *)g->values[!left];
	uint64_t beside = p->n > 0 ? p->beside[p->n - 1]->count : 0, count = 0;
	for (uint32_t i = 0; i < g->n; i++) {
		piece e;
		end_piece(g, p, i, left, &e);
		uint64_t v = 0;
		if (e.n > 0 && (t->kind != RED_LIST || e.n + beside > LEAF))
			v = piece_value(t, &e);
		else
			g->apart[i] = 1;
		memcpy(values + ((size_t)i << t->width), &v, (size_t)1 << t->width);
		g->counts[i] += e.n;
	}
	for (uint32_t k = p->n; k-- > 0; count += p->beside[k]->count) {
		t->k->fill[t->width](g->beside, &p->beside[k]->value, g->n);
		t->k->op[t->op][t->type](values, left ? (void *)values : (void *)g->beside, left ? (void *)g->beside : (void *)values, NULL, g->n);
	}
	for (uint32_t i = 0; i < g->n; i++)
		g->counts[i] += count;
}

static void take_together(together *g, uint32_t root, const path *left, const path *right, scalar *values)
{
	const tree_kind *t = g->t;
	memset(g->apart, 0, g->n);
	memset(g->counts, 0, g->n * sizeof *g->counts);
	side_values(g, left, true);
	side_values(g, right, false);
	t->k->op[t->op][t->type](g->values[0], g->values[0], g->values[1], NULL, g->n);
	for (uint32_t i = 0; i < g->n; i++) {
		values[i] = (scalar){0};
		memcpy(&values[i], (const uint8_t *)g->values[0] + ((size_t)i << t->width), (size_t)1 << t->width);
		if (g->apart[i])
			values[i] = tree_within(t, root, g->spans[i], &g->counts[i]);
	}
}

void tree_within_each(const tree_kind *t, uint32_t root, const tree_span *spans, uint32_t n, scalar *values, uint64_t *counts)
{
	together g;
	g.t = t;
	path left, right;
	for (uint32_t i = 0, end; i < n; i = end) {
		end = i + 1;
		if (n - i >= FEW_SPANS && t->kind != RED_ARG && paths_of(t, root, spans[i], &left, &right))
			while (end < n && spans[end].first >= left.from && spans[end].first < left.to && spans[end].end >= right.from && spans[end].end < right.to)
				end++;
		g.spans = spans + i;
		g.n = end - i;
		g.counts = counts + i;
		if (g.n >= FEW_SPANS)
			take_together(&g, root, &left, &right, values + i);
		else
			for (uint32_t k = i; k < end; k++)
				values[k] = tree_within(t, root, spans[k], &counts[k]);
	}
}
