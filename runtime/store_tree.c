/* store_tree.c - tries over the positions of those present. What changes is marked on the way down; tree_refresh walks what is
 * marked, so that many changes of a tree cost each node once. */
#include "store_tree.h"

#include <string.h>

#include "fetch.h"
#include "schedule.h"
#include "store_node.h"

enum { INNER = 0, LEAF_SIZES = 4, MOST_DEPTH = 34 };

enum { BOTH = 3 };

static uint32_t level_of(uint32_t a, uint32_t b) { return 31u - (uint32_t)__builtin_clz(a ^ b); }

static unsigned size_for(uint32_t n)
{
	unsigned size = 1;
	while (room_of(size) < n)
		size++;
	return size;
}

static size_t leaf_bytes(const tree_kind *t, unsigned size)
{
	return sizeof(node) + room_of(size) * (sizeof(uint32_t) + ((size_t)1 << t->width));
}

void tree_kind_set(tree_kind *t, const kernel_table *k, red_kind kind, unsigned op, unsigned type, unsigned arg)
{
	t->k = k;
	t->kind = kind;
	t->op = (uint8_t)op;
	t->type = (uint8_t)type;
	t->width = (uint8_t)width_of(type);
	t->arg = (uint8_t)arg;
	t->pool.units[INNER] = sizeof(inner_node) / POOL_UNIT;
	for (unsigned size = 1; size <= LEAF_SIZES; size++)
		t->pool.units[size] = (uint32_t)((leaf_bytes(t, size) + POOL_UNIT - 1) / POOL_UNIT);
}

/* At worst every leaf has one operand, beside an inner node. */
size_t tree_kind_bytes(const tree_kind *t, uint64_t n)
{
	return (size_t)n * (t->pool.units[INNER] + t->pool.units[1]) * POOL_UNIT;
}

/* ---- building ---------------------------------------------------------------------------------- */

static uint32_t leaf_new(tree_kind *t, unsigned size)
{
	uint32_t block = pool_take(&t->pool, size);
	if (!block)
		return 0;
	*node_at(t, block) = (node){.level = LEAF_LEVEL, .size = (uint8_t)size, .stale = true, .fresh = true};
	return block;
}

static uint32_t leaf_of(tree_kind *t, const uint32_t *positions, const void *values, uint32_t n)
{
	uint32_t block = leaf_new(t, size_for(n));
	if (!block)
		return 0;
	node *leaf = node_at(t, block);
	leaf->count = n;
	if (n == 0)
		return block;
	memcpy(positions_of(leaf), positions, n * sizeof *positions);
	memcpy(values_of(leaf), values, (size_t)n << t->width);
	return block;
}

static uint32_t inner_new(tree_kind *t, uint32_t level, uint32_t prefix, uint32_t count)
{
	uint32_t block = pool_take(&t->pool, INNER);
	if (block)
		*node_at(t, block) = (node){.count = count, .prefix = prefix, .level = (uint8_t)level, .size = INNER, .stale = BOTH, .fresh = true};
	return block;
}

/* The first of n ascending positions in which bit `level` is set. */
static size_t split(const uint32_t *positions, size_t n, uint32_t level)
{
	size_t lo = 0, hi = n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (positions[mid] >> level & 1)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static size_t split_of(const node *n, const uint32_t *positions) { return split(positions, n->count, n->level); }

/* The inner nodes first: they lie together. */
static uint32_t build_inner(tree_kind *t, const uint32_t *positions, size_t n)
{
	uint32_t level = level_of(positions[0], positions[n - 1]), block = inner_new(t, level, positions[0], (uint32_t)n);
	if (!block)
		return 0;
	node *at = node_at(t, block);
	size_t mid = split_of(at, positions);
	if ((mid <= LEAF || (at->child[0] = build_inner(t, positions, mid))) &&
	    (n - mid <= LEAF || (at->child[1] = build_inner(t, positions + mid, n - mid))))
		return block;
	tree_drop(t, block);
	return 0;
}

static bool build_leaves(tree_kind *t, node *at, const uint32_t *positions, const uint8_t *values)
{
	size_t mid = split_of(at, positions), first[] = {0, mid}, n[] = {mid, at->count - mid};
	for (unsigned side = 0; side < 2; side++) {
		const uint32_t *where = positions + first[side];
		const uint8_t *what = values + (first[side] << t->width);
		if (at->child[side]) {
			if (!build_leaves(t, node_at(t, at->child[side]), where, what))
				return false;
		} else if (!(at->child[side] = leaf_of(t, where, what, (uint32_t)n[side]))) {
			return false;
		}
	}
	return true;
}

uint32_t tree_build(tree_kind *t, const uint32_t *positions, const void *values, size_t n)
{
	if (n <= LEAF)
		return leaf_of(t, positions, values, (uint32_t)n);
	uint32_t root = build_inner(t, positions, n);
	if (root && build_leaves(t, node_at(t, root), positions, values))
		return root;
	tree_drop(t, root);
	return 0;
}

void tree_drop(tree_kind *t, uint32_t root)
{
	if (!root)
		return;
	node *n = node_at(t, root);
	if (!is_leaf(n)) {
		tree_drop(t, n->child[0]);
		tree_drop(t, n->child[1]);
	}
	pool_give(&t->pool, n->size, root);
}

/* ---- the way down ------------------------------------------------------------------------------ */

/* From the root to where a position is or would be. */
typedef struct way {
	uint32_t *at[MOST_DEPTH]; /* where the nodes on it are named; the last is a leaf, or an inner node that the position is outside of */
	unsigned n;
} way;

static node *way_node(const tree_kind *t, const way *p, unsigned i) { return node_at(t, *p->at[i]); }

static node *go_down(const tree_kind *t, uint32_t *root, uint32_t position, way *p)
{
	p->n = 0;
	for (uint32_t *at = root;;) {
		node *n = node_at(t, *at);
		p->at[p->n++] = at;
		if (is_leaf(n) || (uint64_t)(position ^ n->prefix) >> n->level > 1)
			return n;
		at = &n->child[side_of(n, position)];
	}
}

static void prefetch_leaf(const tree_kind *t, const node *leaf)
{
	const char *line = (const char *)leaf, *end = line + leaf_bytes(t, leaf->size);
	while ((line += 64) < end)
		fetch_to_write(line);
}

/* It may lie across two lines. */
static void prefetch_inner(const tree_kind *t, uint32_t block)
{
	const char *at = (const char *)node_at(t, block);
	fetch_to_write(at);
	fetch_to_write(at + sizeof(inner_node) - 1);
}

void tree_prefetch(const tree_kind *t, const uint32_t *roots, const uint32_t *positions, uint32_t n)
{
	struct { uint32_t block, position; } ways[TILE];
	for (uint32_t i = 0; i < n; i++) {
		ways[i].block = roots[i];
		ways[i].position = positions[i];
		prefetch_inner(t, roots[i]);
	}
	for (uint32_t left = 0; n > 0; n = left, left = 0)
		for (uint32_t i = 0; i < n; i++) {
			const node *at = node_at(t, ways[i].block);
			if (is_leaf(at)) {
				prefetch_leaf(t, at);
				continue;
			}
			ways[left].position = ways[i].position;
			ways[left].block = at->child[side_of(at, ways[i].position)];
			prefetch_inner(t, ways[left++].block);
		}
}

/* The nodes above the last one have `by` operands more, and values that are to be made anew. */
static void mark(const tree_kind *t, const way *p, uint32_t by)
{
	for (unsigned i = 0; i + 1 < p->n; i++) {
		node *n = way_node(t, p, i);
		n->stale |= (uint8_t)(1 << (p->at[i + 1] - n->child));
		n->count += by;
	}
}

static bool is_there(node *leaf, uint32_t rank, uint32_t position) { return rank < leaf->count && positions_of(leaf)[rank] == position; }

/* ---- coming and going -------------------------------------------------------------------------- */

/* The operands of a leaf or of a few leaves, with one more or without one. */
typedef struct few {
	uint32_t n, positions[2 * LEAF];
	uint64_t values[2 * LEAF];
} few;

static void *few_value(const tree_kind *t, few *f, uint32_t i) { return (uint8_t *)f->values + ((size_t)i << t->width); }

static void few_add(const tree_kind *t, few *f, node *n)
{
	if (!is_leaf(n)) {
		few_add(t, f, node_at(t, n->child[0]));
		few_add(t, f, node_at(t, n->child[1]));
		return;
	}
	memcpy(f->positions + f->n, positions_of(n), n->count * sizeof(uint32_t));
	memcpy(few_value(t, f, f->n), values_of(n), (size_t)n->count << t->width);
	f->n += n->count;
}

static void few_insert(const tree_kind *t, few *f, uint32_t rank, uint32_t position, const void *value)
{
	uint32_t after = f->n++ - rank;
	memmove(f->positions + rank + 1, f->positions + rank, after * sizeof(uint32_t));
	memmove(few_value(t, f, rank + 1), few_value(t, f, rank), (size_t)after << t->width);
	f->positions[rank] = position;
	memcpy(few_value(t, f, rank), value, (size_t)1 << t->width);
}

static void few_remove(const tree_kind *t, few *f, uint32_t position)
{
	uint32_t rank = 0;
	while (f->positions[rank] != position)
		rank++;
	uint32_t after = --f->n - rank;
	memmove(f->positions + rank, f->positions + rank + 1, after * sizeof(uint32_t));
	memmove(few_value(t, f, rank), few_value(t, f, rank + 1), (size_t)after << t->width);
}

/* What is named at `at` becomes a tree over a few operands. */
static bool replace(tree_kind *t, uint32_t *at, const few *f)
{
	uint32_t block = tree_build(t, f->positions, f->values, f->n);
	if (!block)
		return false;
	tree_drop(t, *at);
	*at = block;
	return true;
}

static void leaf_insert(const tree_kind *t, node *leaf, uint32_t rank, uint32_t position, const void *value)
{
	uint32_t *positions = positions_of(leaf), after = leaf->count++ - rank;
	uint8_t *values = values_of(leaf) + ((size_t)rank << t->width);
	size_t bytes = (size_t)1 << t->width;
	memmove(positions + rank + 1, positions + rank, after * sizeof *positions);
	memmove(values + bytes, values, after * bytes);
	positions[rank] = position;
	memcpy(values, value, bytes);
	leaf->stale = true;
}

static void leaf_remove(const tree_kind *t, node *leaf, uint32_t rank)
{
	uint32_t *positions = positions_of(leaf), after = --leaf->count - rank;
	uint8_t *values = values_of(leaf) + ((size_t)rank << t->width);
	size_t bytes = (size_t)1 << t->width;
	memmove(positions + rank, positions + rank + 1, after * sizeof *positions);
	memmove(values, values + bytes, after * bytes);
	leaf->stale = true;
}

/* A node above the one at `at`, which the position is outside of. */
static bool branch(tree_kind *t, uint32_t *at, uint32_t position, const void *value)
{
	uint32_t prefix = node_at(t, *at)->prefix, level = level_of(prefix, position);
	uint32_t leaf = leaf_of(t, &position, value, 1);
	bool right = position >> level & 1;
	uint32_t block = leaf ? inner_new(t, level, position, node_at(t, *at)->count + 1) : 0;
	if (!block) {
		tree_drop(t, leaf);
		return false;
	}
	node_at(t, block)->child[right] = leaf;
	node_at(t, block)->child[!right] = *at;
	*at = block;
	return true;
}

static tree_change insert(tree_kind *t, const way *p, node *last, uint32_t rank, uint32_t position, const void *value)
{
	uint32_t *at = p->at[p->n - 1];
	if (!is_leaf(last)) {
		if (!branch(t, at, position, value))
			return TREE_NO_ROOM;
	} else if (last->count < room_of(last->size)) {
		leaf_insert(t, last, rank, position, value);
	} else {
		few f = {0};
		few_add(t, &f, last);
		few_insert(t, &f, rank, position, value);
		if (!replace(t, at, &f))
			return TREE_NO_ROOM;
	}
	mark(t, p, 1);
	return TREE_MEMBERS;
}

/* Puts a value in place of another; false: it has the same bits. */
static bool put_value(void *to, const void *value, unsigned width)
{
	uint64_t was = 0, now = 0;
	if (width == 3) { /* a length that is known needs no call */
		memcpy(&was, to, sizeof was);
		memcpy(&now, value, sizeof now);
	} else {
		memcpy(&was, to, (size_t)1 << width);
		memcpy(&now, value, (size_t)1 << width);
	}
	if (was == now)
		return false;
	memcpy(to, value, (size_t)1 << width);
	return true;
}

tree_change tree_set(tree_kind *t, uint32_t *root, uint32_t position, const void *value)
{
	way p;
	node *last = go_down(t, root, position, &p);
	uint32_t rank = 0;
	if (is_leaf(last))
		rank = rank_in(last, position);
	if (!is_leaf(last) || !is_there(last, rank, position))
		return insert(t, &p, last, rank, position, value);
	if (!put_value(values_of(last) + ((size_t)rank << t->width), value, t->width))
		return TREE_SAME;
	last->stale = true;
	mark(t, &p, 0);
	return TREE_VALUE;
}

/* The last operand of a leaf goes: its sibling takes the place of the node above both. */
static void cut(tree_kind *t, const way *p)
{
	uint32_t *above = p->at[p->n - 2], old = *above, leaf = *p->at[p->n - 1];
	node *n = node_at(t, old);
	uint32_t sibling = n->child[n->child[0] == leaf];
	pool_give(&t->pool, node_at(t, leaf)->size, leaf);
	pool_give(&t->pool, INNER, old);
	*above = sibling;
}

/* The highest node that is left with at most LEAF operands becomes a leaf. */
static tree_change collapse(tree_kind *t, way *p, unsigned i, uint32_t position)
{
	few f = {0};
	few_add(t, &f, way_node(t, p, i));
	few_remove(t, &f, position);
	if (!replace(t, p->at[i], &f))
		return TREE_NO_ROOM;
	p->n = i + 1;
	mark(t, p, UINT32_MAX);
	return TREE_MEMBERS;
}

tree_change tree_remove(tree_kind *t, uint32_t *root, uint32_t position)
{
	way p;
	node *last = go_down(t, root, position, &p);
	if (!is_leaf(last))
		return TREE_SAME;
	uint32_t rank = rank_in(last, position);
	if (!is_there(last, rank, position))
		return TREE_SAME;
	for (unsigned i = 0; i + 1 < p.n; i++)
		if (way_node(t, &p, i)->count - 1 <= LEAF)
			return collapse(t, &p, i, position);
	mark(t, &p, UINT32_MAX); /* one less */
	if (last->count == 1 && p.n > 1)
		cut(t, &p);
	else
		leaf_remove(t, last, rank);
	return TREE_MEMBERS;
}

/* ---- values ------------------------------------------------------------------------------------ */

static void leaf_refresh(const tree_kind *t, node *leaf)
{
	uint64_t scratch[LEAF];
	uint8_t *values = values_of(leaf);
	leaf->value = 0;
	leaf->best = 0;
	if (leaf->count == 0)
		return;
	if (t->kind == RED_ARG) {
		size_t i = t->k->arg_find[t->arg][t->type](values, leaf->count);
		leaf->best = positions_of(leaf)[i];
		memcpy(&leaf->value, values + (i << t->width), (size_t)1 << t->width);
	} else if (leaf->count == 1) {
		memcpy(&leaf->value, values, (size_t)1 << t->width);
	} else {
		t->k->tree[t->op][t->type](&leaf->value, values, scratch, leaf->count);
	}
}


/* A child with its value up to date. */
static node *refreshed(const tree_kind *t, uint32_t child)
{
	node *n = node_at(t, child);
	if (n->stale)
		tree_refresh_node(t, n);
	return n;
}

static void arg_refresh(const tree_kind *t, node *n)
{
	const node *left = refreshed(t, n->child[0]), *right = refreshed(t, n->child[1]);
	uint8_t seen = 1;
	n->value = left->value;
	n->best = left->best;
	t->k->arg[t->arg][t->type](&n->value, &n->best, &seen, &right->value, right->best, NULL, 1);
}

static void inner_refresh(const tree_kind *t, inner_node *x, unsigned stale)
{
	for (unsigned side = 0; side < 2; side++)
		if (stale >> side & 1)
			x->side[side] = refreshed(t, x->head.child[side])->value;
	x->head.value = 0;
	t->k->op[t->op][t->type](&x->head.value, &x->side[0], &x->side[1], NULL, 1);
}

void tree_refresh_node(const tree_kind *t, node *n)
{
	unsigned stale = n->stale;
	n->stale = 0;
	n->fresh = false;
	if (is_leaf(n))
		leaf_refresh(t, n);
	else if (t->kind == RED_ARG)
		arg_refresh(t, n);
	else
		inner_refresh(t, (inner_node *)(void *)n, stale);
}

bool tree_refresh(tree_kind *t, uint32_t root)
{
	node *n = node_at(t, root);
	if (!n->stale)
		return false;
	bool fresh = n->fresh;
	uint64_t value = n->value;
	uint32_t best = n->best;
	tree_refresh_node(t, n);
	return fresh || (t->kind == RED_ARG ? n->best != best : n->value != value);
}

scalar tree_value(const tree_kind *t, uint32_t root, uint64_t *count)
{
	const node *n = node_at(t, root);
	scalar v = {.bits = n->value};
	if (t->kind == RED_ARG)
		v = (scalar){.bits = n->best};
	*count = n->count;
	return v;
}
