/* reduce.c - operands in ascending order, combined as the position tree says. */
#include "reduce.h"

#include <string.h>

#include "schedule.h"

enum { NO_BOUNDARY = 64 }; /* of the first node: nothing is on its left */

void reduction_set(reduction *r, const kernel_table *k, red_kind kind, unsigned op, unsigned type, unsigned arg, list_tree *list)
{
	r->k = k;
	r->kind = kind;
	r->op = (uint8_t)op;
	r->type = (uint8_t)type;
	r->width = (uint8_t)width_of(type);
	r->arg = (uint8_t)arg;
	r->list = list;
}

void reduction_begin(reduction *r)
{
	r->n = 0;
	r->chunks = 0;
	r->has_tail = false;
	r->position = 0;
	if (r->list)
		r->list->depth = 0;
}

static inline const void *lane_at(const reduction *r, const void *values, size_t i)
{
	return (const uint8_t *)values + (i << r->width);
}

static inline scalar lane_value(const reduction *r, const void *values, size_t i)
{
	scalar v = {0};
	memcpy(&v, lane_at(r, values, i), (size_t)1 << r->width);
	return v;
}

static inline scalar combine(const reduction *r, scalar a, scalar b)
{
	scalar v = {0};
	r->k->op[r->op][r->type](&v, &a, &b, NULL, 1);
	return v;
}

static inline scalar tree(const reduction *r, const void *values, size_t n, void *scratch)
{
	if (n == 1)
		return lane_value(r, values, 0);
	scalar v = {0};
	r->k->tree[r->op][r->type](&v, values, scratch, n);
	return v;
}

/* ---- lists ------------------------------------------------------------------------------------- */

static uint32_t boundary_of(uint64_t a, uint64_t b) { return 63u - (uint32_t)__builtin_clzll(a ^ b); }

static scalar node_value(const reduction *r, const tree_node *node)
{
	uint64_t scratch[LEAF];
	if (node->n > LEAF) {
		scalar v = {.bits = node->values[0]};
		return v;
	}
	return tree(r, node->values, node->n, scratch);
}

/* The node on the right joins the one before it. */
static void merge(const reduction *r, tree_node *left, const tree_node *right)
{
	if (left->n + right->n <= LEAF) {
		memcpy((uint8_t *)left->values + (left->n << r->width), right->values, right->n << r->width);
		left->n += right->n;
		return;
	}
	scalar v = combine(r, node_value(r, left), node_value(r, right));
	left->values[0] = v.bits;
	left->n += right->n;
}

/* Room on top for a node that parts from what is there at `boundary`: all that parts at lower levels is closed now. */
static tree_node *open_node(const reduction *r, uint32_t boundary)
{
	list_tree *t = r->list;
	while (t->depth > 1 && t->nodes[t->depth - 1].boundary < boundary) {
		merge(r, &t->nodes[t->depth - 2], &t->nodes[t->depth - 1]);
		t->depth--;
	}
	tree_node *node = &t->nodes[t->depth++];
	node->boundary = boundary;
	return node;
}

/* The first of n ascending positions in which bit `level` is set. */
static size_t split(const int64_t *positions, size_t n, uint32_t level)
{
	size_t lo = 0, hi = n;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if ((uint64_t)positions[mid] >> level & 1)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static scalar closed_value(const reduction *r, const void *values, const int64_t *positions, size_t n)
{
	uint64_t scratch[LEAF];
	if (n <= LEAF)
		return tree(r, values, n, scratch);
	uint32_t level = boundary_of((uint64_t)positions[0], (uint64_t)positions[n - 1]);
	size_t mid = split(positions, n, level);
	scalar left = closed_value(r, values, positions, mid);
	return combine(r, left, closed_value(r, lane_at(r, values, mid), positions + mid, n - mid));
}

static void push_closed(reduction *r, const void *values, const int64_t *positions, size_t n, uint32_t boundary)
{
	tree_node *node = open_node(r, boundary);
	node->n = n;
	if (n <= LEAF)
		memcpy(node->values, values, n << r->width);
	else
		node->values[0] = closed_value(r, values, positions, n).bits;
}

/* Pushes nodes for the operands so that each is closed: nothing that comes before or after belongs into it. What follows on the right is not
 * known yet, so along that edge every split is a node of its own. */
static void push_list(reduction *r, const void *values, const int64_t *positions, size_t n, uint32_t boundary, bool open)
{
	while (n > 1) {
		uint32_t level = boundary_of((uint64_t)positions[0], (uint64_t)positions[n - 1]);
		if (!open && level < boundary)
			break;
		size_t mid = split(positions, n, level);
		push_list(r, values, positions, mid, boundary, false);
		values = lane_at(r, values, mid);
		positions += mid;
		n -= mid;
		boundary = level;
	}
	push_closed(r, values, positions, n, boundary);
}

static void list_push(reduction *r, const void *values, size_t n, const int64_t *positions)
{
	list_tree *t = r->list;
	uint32_t boundary = t->depth == 0 ? NO_BOUNDARY : boundary_of(t->last, (uint64_t)positions[0]);
	push_list(r, values, positions, n, boundary, true);
	t->last = (uint64_t)positions[n - 1];
}

void reduction_push_node(reduction *r, const tree_node *from, uint64_t position)
{
	list_tree *t = r->list;
	if (from->n == 0)
		return;
	uint32_t boundary = t->depth == 0 ? NO_BOUNDARY : boundary_of(t->last, position);
	tree_node *node = open_node(r, boundary);
	*node = *from;
	node->boundary = boundary;
	t->last = position;
	r->n += from->n;
}

/* ---- chunks ------------------------------------------------------------------------------------ */

/* A binary counter: bit k of chunks stands for a node of 2^k chunks in levels[k]. */
void reduction_push_block(reduction *r, scalar value)
{
	unsigned level = 0;
	for (uint64_t c = r->chunks; c & 1; c >>= 1)
		value = combine(r, r->levels[level++], value);
	r->levels[level] = value;
	r->chunks++;
}

static void arg_push(reduction *r, const void *values, size_t n, const int64_t *positions)
{
	size_t i = r->k->arg_find[r->arg][r->type](values, n);
	uint8_t seen = r->n > 0;
	r->k->arg[r->arg][r->type](&r->best, &r->position, &seen, lane_at(r, values, i), (uint32_t)positions[i], NULL, 1);
}

void reduction_push(reduction *r, const void *values, size_t n, const int64_t *positions, void *scratch)
{
	if (n == 0)
		return;
	switch (r->kind) {
	case RED_DENSE:
		reduction_push_block(r, tree(r, values, n, scratch));
		break;
	case RED_LIST:
		list_push(r, values, n, positions);
		break;
	case RED_ANY: {
		scalar v = tree(r, values, n, scratch);
		r->best = r->n > 0 ? combine(r, r->best, v) : v;
		break;
	}
	case RED_ARG:
		arg_push(r, values, n, positions);
		break;
	}
	r->n += n;
}

void reduction_push_tail(reduction *r, const void *values, size_t n, void *scratch)
{
	if (n == 0)
		return;
	r->tail = tree(r, values, n, scratch);
	r->has_tail = true;
	r->n += n;
}

/* 2^level blocks as one, after a number of them that 2^level divides. */
static void push_blocks(reduction *r, scalar value, unsigned level)
{
	for (; r->chunks >> level & 1; level++) {
		value = combine(r, r->levels[level], value);
		r->chunks -= (uint64_t)1 << level;
	}
	r->levels[level] = value;
	r->chunks += (uint64_t)1 << level;
}

static void push_dense(reduction *r, const void *values, size_t n, void *scratch)
{
	enum { LEVEL = 6 };
	size_t whole = n / TILE, i = 0;
	for (; i < whole; i++) {
		bool many = r->chunks % (1u << LEVEL) == 0 && whole - i >= 1u << LEVEL;
		push_blocks(r, many ? tree(r, lane_at(r, values, i), 1u << LEVEL, scratch) : lane_value(r, values, i), many ? LEVEL : 0);
		i += many ? (1u << LEVEL) - 1 : 0;
	}
	if (n % TILE) {
		r->tail = lane_value(r, values, whole);
		r->has_tail = true;
	}
}

void reduction_push_chunks(reduction *r, const void *values, const uint32_t *best, size_t n, int64_t first, void *scratch)
{
	size_t chunks = (n + TILE - 1) / TILE;
	if (r->kind == RED_DENSE) {
		push_dense(r, values, n, scratch);
	} else if (r->kind == RED_ANY) {
		scalar v = tree(r, values, chunks, scratch);
		r->best = r->n > 0 ? combine(r, r->best, v) : v;
	} else {
		uint8_t seen = r->n > 0;
		for (size_t i = 0; i < chunks; i++)
			r->k->arg[r->arg][r->type](&r->best, &r->position, &seen, lane_at(r, values, i), (uint32_t)first + (uint32_t)(i * TILE) + best[i], NULL, 1);
	}
	r->n += n;
}

static scalar dense_value(const reduction *r)
{
	scalar v = r->tail;
	bool have = r->has_tail;
	for (unsigned level = 0; level < 64 && r->chunks >> level; level++) {
		if (!(r->chunks >> level & 1))
			continue;
		v = have ? combine(r, r->levels[level], v) : r->levels[level];
		have = true;
	}
	return v;
}

/* All nodes of the list as one, from the right. */
static tree_node list_node(const reduction *r)
{
	const list_tree *t = r->list;
	tree_node node = t->nodes[t->depth - 1];
	for (uint32_t i = t->depth - 1; i-- > 0;) {
		tree_node left = t->nodes[i];
		merge(r, &left, &node);
		node = left;
	}
	return node;
}

bool reduction_value(const reduction *r, scalar *out)
{
	out->bits = 0;
	if (r->n == 0)
		return false;
	switch (r->kind) {
	case RED_DENSE: *out = dense_value(r); break;
	case RED_ANY: *out = r->best; break;
	case RED_ARG: out->U32 = r->position; break;
	case RED_LIST: {
		tree_node node = list_node(r);
		*out = node_value(r, &node);
		break;
	}
	}
	return true;
}

void reduction_node(const reduction *r, tree_node *out)
{
	if (r->list->depth == 0)
		out->n = 0;
	else
		*out = list_node(r);
}
