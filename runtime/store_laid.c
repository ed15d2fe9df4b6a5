/* store_laid.c - groups laid out: their slots, their values, and what an epoch changes of them. */
#include "store_laid.h"

#include <string.h>

#include "fetch.h"
#include "store_parts.h"

enum {
	POSITIONS_OF_LEAF = 12, /* of which there is memory for one leaf, besides one for each group: leaves of many members hold 16 to 32, in the middle 23 */
	AHEAD = 12,             /* leaves that are asked for before their turn */
	FEW_NODES = 32,         /* that are made anew together */
	LINE = 64
};

/* ---- memory ------------------------------------------------------------------------------------ */

void laid_kind_set(laid_kind *l, const kernel_table *k, unsigned op, unsigned type, uint64_t groups, uint64_t positions)
{
	uint64_t most = positions / POSITIONS_OF_LEAF + groups + 2;
	*l = (laid_kind){.k = k, .op = (uint8_t)op, .type = (uint8_t)type, .width = (uint8_t)width_of(type), .filled = op == OP_ADD, .groups = groups,
	                 .positions = positions, .most = most < UINT32_MAX / LEAF ? (uint32_t)most : UINT32_MAX / LEAF, .n_leaves = 1};
}

size_t laid_kind_bytes(const laid_kind *l)
{
	size_t leaf = ((size_t)LEAF << l->width) + sizeof *l->count + sizeof *l->leaf_above + sizeof *l->nodes + 2 * sizeof *l->wave[0] + sizeof *l->waits;
	return l->positions * sizeof *l->slot + l->most * leaf + l->groups * (sizeof *l->value + sizeof *l->members) + bitset_bytes(l->most) + (size_t)16 * LINE;
}

/* At the beginning of a line. */
static void *keep(laid_kind *l, size_t bytes)
{
	uint8_t *at = pool_keep(&l->pool, bytes + LINE);
	return at ? at + (LINE - (uintptr_t)at % LINE) % LINE : NULL;
}

bool laid_kind_place(laid_kind *l)
{
	l->slot = keep(l, l->positions * sizeof *l->slot);
	l->values = keep(l, (size_t)l->most * LEAF << l->width);
	l->count = keep(l, l->most * sizeof *l->count);
	l->leaf_above = keep(l, l->most * sizeof *l->leaf_above);
	l->nodes = keep(l, l->most * sizeof *l->nodes);
	l->value = keep(l, l->groups * sizeof *l->value);
	l->members = keep(l, l->groups * sizeof *l->members);
	l->wave[0] = keep(l, l->most * sizeof *l->wave[0]);
	l->wave[1] = keep(l, l->most * sizeof *l->wave[1]);
	l->waits = keep(l, l->most * sizeof *l->waits);
	void *leaves = keep(l, bitset_bytes(l->most));
	if (!l->slot || !l->values || !l->count || !l->leaf_above || !l->nodes || !l->value || !l->members || !l->wave[0] || !l->wave[1] || !l->waits || !leaves)
		return false;
	bitset_place(&l->leaves, l->most, leaves);
	return true;
}

void laid_reset(laid_kind *l)
{
	memset(l->slot, 0, l->positions * sizeof *l->slot);
	l->n_leaves = 1;
	l->n_nodes = 0;
	l->n_slots = 0;
}

/* ---- laying out -------------------------------------------------------------------------------- */

/* A leaf, or a node above. */
typedef struct laid_name {
	uint32_t id;
	bool leaf;
} laid_name;

static void put_above(laid_kind *l, laid_name of, laid_above above)
{
	if (of.leaf)
		l->leaf_above[of.id] = above;
	else
		l->nodes[of.id].above = above;
}

static bool lay_leaf(laid_kind *l, const uint32_t *positions, uint32_t n, laid_name *name)
{
	if (l->n_leaves == l->most)
		return false;
	uint32_t leaf = l->n_leaves++;
	for (uint32_t i = 0; i < n; i++)
		l->slot[positions[i]] = leaf * LEAF + i;
	l->count[leaf] = (uint8_t)n;
	*name = (laid_name){leaf, true};
	return true;
}

/* The node over n positions; its children have lower numbers. */
static bool lay(laid_kind *l, const uint32_t *positions, uint32_t n, laid_name *name)
{
	laid_name child[2];
	if (n <= LEAF)
		return lay_leaf(l, positions, n, name);
	uint32_t mid = positions_split(positions, n);
	if (!lay(l, positions, mid, &child[0]) || !lay(l, positions + mid, n - mid, &child[1]) || l->n_nodes == l->most)
		return false;
	*name = (laid_name){l->n_nodes++, false};
	for (uint8_t side = 0; side < 2; side++)
		put_above(l, child[side], (laid_above){name->id, side});
	return true;
}

/* What a leaf has beyond its operands. The bits of -0 of a float, of 0 of an integer. */
static void fill_up(laid_kind *l, uint32_t leaf)
{
	uint64_t nothing = l->type == T_F64 ? UINT64_C(1) << 63 : l->type == T_F32 ? UINT64_C(1) << 31 : 0;
	for (uint32_t i = l->count[leaf]; l->filled && i < LEAF; i++)
		memcpy(l->values + (((size_t)leaf * LEAF + i) << l->width), &nothing, (size_t)1 << l->width);
}

bool laid_group(laid_kind *l, uint32_t group, const uint32_t *positions, uint32_t n)
{
	uint32_t leaves = l->n_leaves, nodes = l->n_nodes;
	laid_name root;
	if (!lay(l, positions, n, &root)) {
		for (uint32_t i = 0; i < n; i++)
			l->slot[positions[i]] = 0;
		l->n_leaves = leaves;
		l->n_nodes = nodes;
		return false;
	}
	put_above(l, root, (laid_above){group, LAID_ROOT});
	for (uint32_t leaf = leaves; leaf < l->n_leaves; leaf++)
		fill_up(l, leaf);
	l->members[group] = n;
	l->n_slots += n;
	return true;
}

/* ---- values ------------------------------------------------------------------------------------ */

static uint64_t leaf_value(const laid_kind *l, uint32_t leaf)
{
	uint64_t value = 0, scratch[LEAF];
	uint32_t n = l->filled ? LEAF : l->count[leaf];
	const uint8_t *operands = l->values + ((size_t)leaf * LEAF << l->width);
	if (n == 1)
		memcpy(&value, operands, (size_t)1 << l->width);
	else
		l->k->tree[l->op][l->type](&value, operands, scratch, n);
	return value;
}

/* Values of a few nodes, side by side: what is added up is brought together first. */
static void node_values(const laid_kind *l, const uint32_t *nodes, uint32_t n, uint64_t *values)
{
	uint64_t left[FEW_NODES], right[FEW_NODES];
	size_t bytes = (size_t)1 << l->width;
	for (uint32_t i = 0; i < n; i++) {
		const laid_node *node = &l->nodes[nodes[i]];
		memcpy((uint8_t *)left + i * bytes, &node->side[0], bytes);
		memcpy((uint8_t *)right + i * bytes, &node->side[1], bytes);
	}
	l->k->op[l->op][l->type](left, left, right, NULL, n);
	for (uint32_t i = 0; i < n; i++) {
		values[i] = 0;
		memcpy(&values[i], (const uint8_t *)left + i * bytes, bytes);
	}
}

static uint64_t node_value(const laid_kind *l, uint32_t node)
{
	uint64_t value;
	node_values(l, &node, 1, &value);
	return value;
}

/* Hands a value on; false: it is the one that was there. */
static bool hand_up(laid_kind *l, laid_above to, uint64_t value)
{
	uint64_t *at = to.side == LAID_ROOT ? &l->value[to.node] : &l->nodes[to.node].side[to.side];
	if (*at == value)
		return false;
	*at = value;
	return true;
}

void laid_fresh(laid_kind *l, uint32_t group)
{
	uint32_t leaf = l->n_leaves, node = l->n_nodes;
	for (uint32_t left = l->members[group]; left > 0; left -= l->count[leaf]) {
		leaf--;
		hand_up(l, l->leaf_above[leaf], leaf_value(l, leaf));
	}
	for (node = l->n_nodes - (l->n_leaves - leaf - 1); node < l->n_nodes; node++)
		hand_up(l, l->nodes[node].above, node_value(l, node));
}

#define DEFINE_LAID(T)                                                                                               \
	static void fill_##T(const laid_kind *l, const uint32_t *slots, const void *values, uint32_t n)             \
	{                                                                                                            \
		const T *from = values;                                                                              \
		T *to = (T *)(void *)l->values;                                                                      \
		for (uint32_t i = 0; i < n; i++)                                                                     \
			to[slots[i]] = from[i];                                                                      \
	}                                                                                                            \
	static void put_##T(laid_kind *l, const uint32_t *slots, const void *values, uint32_t n)                     \
	{                                                                                                            \
		const T *from = values;                                                                              \
		T *to = (T *)(void *)l->values;                                                                      \
		for (uint32_t i = 0; i < n; i++) {                                                                   \
			if (to[slots[i]] == from[i])                                                                 \
				continue;                                                                            \
			to[slots[i]] = from[i];                                                                      \
			bitset_set(&l->leaves, slots[i] / LEAF);                                                     \
		}                                                                                                    \
	}
DEFINE_LAID(uint8_t)
DEFINE_LAID(uint16_t)
DEFINE_LAID(uint32_t)
DEFINE_LAID(uint64_t)

void laid_fill(laid_kind *l, const uint32_t *slots, const void *values, uint32_t n)
{
	switch (l->width) {
	case 0: fill_uint8_t(l, slots, values, n); break;
	case 1: fill_uint16_t(l, slots, values, n); break;
	case 2: fill_uint32_t(l, slots, values, n); break;
	default: fill_uint64_t(l, slots, values, n);
	}
}

void laid_put(laid_kind *l, const uint32_t *slots, const void *values, uint32_t n)
{
	switch (l->width) {
	case 0: put_uint8_t(l, slots, values, n); break;
	case 1: put_uint16_t(l, slots, values, n); break;
	case 2: put_uint32_t(l, slots, values, n); break;
	default: put_uint64_t(l, slots, values, n);
	}
}

/* Asks the caches for the next leaf from `leaf` on that is marked; returns where to go on. */
static uint64_t look_ahead(const laid_kind *l, uint64_t leaf)
{
	leaf = leaf == BITSET_END ? leaf : bitset_next(&l->leaves, leaf);
	if (leaf == BITSET_END)
		return BITSET_END;
	const uint8_t *first = l->values + (leaf * LEAF << l->width);
	for (size_t at = 0; at < (size_t)LEAF << l->width; at += LINE)
		fetch(first + at);
	if (l->leaf_above[leaf].side != LAID_ROOT)
		fetch_to_write(&l->nodes[l->leaf_above[leaf].node]);
	return leaf + 1;
}

/* A leaf or node has a value: what is above it joins the next wave, or its group has another value. */
static void go_on(laid_kind *l, laid_above to, uint64_t value, uint32_t *next, uint32_t *n, bitset *groups)
{
	if (!hand_up(l, to, value))
		return;
	if (to.side == LAID_ROOT) {
		bitset_set(groups, to.node);
	} else if (!l->waits[to.node]) {
		l->waits[to.node] = 1;
		next[(*n)++] = to.node;
	}
}

/* A node whose children are not equally far from the leaves may come twice: the last time counts. */
static uint32_t next_wave(laid_kind *l, const uint32_t *wave, uint32_t n, uint32_t *next, bitset *groups)
{
	uint32_t n_next = 0;
	for (uint32_t at = 0; at < n; at += FEW_NODES) {
		uint32_t some = n - at < FEW_NODES ? n - at : FEW_NODES;
		uint64_t values[FEW_NODES];
		for (uint32_t i = at; i < at + some; i++) {
			l->waits[wave[i]] = 0; /* it may be below another of these few */
			fetch_to_write(&l->nodes[l->nodes[wave[i]].above.node]);
		}
		node_values(l, wave + at, some, values);
		for (uint32_t i = 0; i < some; i++)
			go_on(l, l->nodes[wave[at + i]].above, values[i], next, &n_next, groups);
	}
	return n_next;
}

void laid_refresh_all(laid_kind *l)
{
	for (uint32_t leaf = 1; leaf < l->n_leaves; leaf++)
		hand_up(l, l->leaf_above[leaf], leaf_value(l, leaf));
	for (uint32_t node = 0; node < l->n_nodes; node++) /* each comes after its children */
		hand_up(l, l->nodes[node].above, node_value(l, node));
}

void laid_refresh(laid_kind *l, bitset *groups)
{
	uint64_t ahead = 0;
	uint32_t n = 0;
	for (unsigned i = 0; i < AHEAD; i++)
		ahead = look_ahead(l, ahead);
	BITSET_FOR(&l->leaves, leaf) {
		ahead = look_ahead(l, ahead);
		go_on(l, l->leaf_above[leaf], leaf_value(l, (uint32_t)leaf), l->wave[0], &n, groups);
	}
	bitset_clear(&l->leaves);
	for (unsigned at = 0; n > 0; at = 1 - at)
		n = next_wave(l, l->wave[at], n, l->wave[1 - at], groups);
}

/* ---- an update --------------------------------------------------------------------------------- */

/* Operands at listed positions, or (NULL) from position `first` on. */
static const void *operands_at(const update *u, const int64_t *list, int64_t first, uint32_t n)
{
	const region_plan *rp = u->st->plan;
	run *c = u->c;
	c->n = n;
	c->live = NULL;
	c->form = OUTER_ONE;
	c->outer_lane = 0;
	c->vars[rp->var] = list ? (var_lanes){VAR_I64, 0, list} : (var_lanes){VAR_IOTA, first, NULL};
	run_code(u->w, c);
	lanes *value = &c->regs[rp->value];
	lanes_fill(u->w, value, rp->width, n);
	return value->at;
}

/* Gives slots to a group of which nothing is held; its positions are then in st->positions. 0: it is too small, or there is no room. */
static uint32_t lay_out(const update *u, uint32_t group)
{
	struct store *st = u->st;
	const lists *of = &u->groups->positions;
	uint64_t n = group < of->n_lists ? lists_length(of, group) : 0, i = 0;
	if (n < (st->least < LAID_MEMBERS ? st->least : LAID_MEMBERS) || n == 0 || n > UINT32_MAX || reserve(&st->positions, &st->cap_positions, n * sizeof *st->positions))
		return 0;
	LISTS_FOR(of, group, at)
		st->positions[i++] = of->key[at];
	if (!laid_group(&st->laids, group, st->positions, (uint32_t)n)) {
		st->no_room = true;
		return 0;
	}
	bitset_set(&st->held, group);
	return (uint32_t)n;
}

void store_laid_hold(const update *u, uint32_t group)
{
	struct store *st = u->st;
	laid_kind *l = &st->laids;
	bitset_set(u->outer, group);
	if (bitset_test(&st->settled, group))
		return;
	bitset_set(&st->settled, group);
	uint32_t n = lay_out(u, group);
	for (uint32_t done = 0; done < n; done += TILE) {
		uint32_t some = n - done < TILE ? n - done : TILE, slots[TILE];
		int64_t list[TILE];
		for (uint32_t k = 0; k < some; k++) {
			list[k] = st->positions[done + k];
			slots[k] = l->slot[list[k]];
		}
		laid_fill(l, slots, operands_at(u, list, 0, some), some);
	}
	if (n > 0)
		laid_fresh(l, group);
}

/* Lanes of groups that are held; the others get theirs, with all of their operands. Returns how many are left. */
static uint32_t leave_held(const update *u, int64_t *list, uint32_t *slots, uint32_t n)
{
	uint32_t left = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (slots[i]) {
			list[left] = list[i];
			slots[left++] = slots[i];
			continue;
		}
		uint32_t group = *(const uint32_t *)(const void *)(u->keys.base + (size_t)list[i] * u->keys.stride);
		if (group < u->st->outers)
			store_laid_hold(u, group);
	}
	return left;
}

static void put_lanes(const update *u, int64_t *list, uint32_t n)
{
	laid_kind *l = &u->st->laids;
	uint32_t slots[TILE];
	bool all = true;
	for (uint32_t i = 0; i < n; i++) {
		slots[i] = l->slot[list[i]];
		all &= slots[i] != 0;
	}
	if (!all)
		n = leave_held(u, list, slots, n);
	if (n == 0)
		return;
	for (uint32_t i = 0; i < n; i++)
		fetch_to_write(l->values + ((size_t)slots[i] << l->width));
	bool side_by_side = list[n - 1] - list[0] == n - 1;
	laid_put(l, slots, operands_at(u, side_by_side ? NULL : list, list[0], n), n);
}

bool store_laid_fill(const update *u)
{
	struct store *st = u->st;
	laid_kind *l = &st->laids;
	for (uint64_t group = 0; group < st->outers; group++)
		if (!bitset_test(&st->held, group))
			lay_out(u, (uint32_t)group);
	if (!store_holds_most(st->plan))
		return false;
	for (uint64_t at = 0; at < l->positions; at += TILE) {
		uint32_t n = (uint32_t)(l->positions - at < TILE ? l->positions - at : TILE);
		for (uint32_t i = 0; i < n; i++)
			fetch_to_write(l->values + ((size_t)l->slot[at + i] << l->width));
		laid_fill(l, l->slot + at, operands_at(u, NULL, (int64_t)at, n), n);
	}
	laid_refresh_all(l);
	return true;
}

void store_laid_update(const update *u, const bitset *dirty)
{
	int64_t list[TILE];
	uint32_t n = 0;
	BITSET_FOR_WORDS(dirty, w) {
		uint64_t bits = dirty->level[0][w];
		if (n + (uint32_t)__builtin_popcountll(bits) > TILE) {
			put_lanes(u, list, n);
			n = 0;
		}
		for (; bits; bits &= bits - 1)
			list[n++] = (int64_t)(w * 64 + (uint64_t)__builtin_ctzll(bits));
	}
	put_lanes(u, list, n);
	laid_refresh(&u->st->laids, u->outer);
}
