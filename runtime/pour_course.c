/* pour_course.c - writes courses: the tree over each key's positions, then the order in which positions come. */
#include "pour_course.h"

#include <string.h>

enum {
	POSITIONS_OF_LEAF = 12, /* of which there is room for one leaf, besides some for each key */
	LEAVES_OF_KEY = 2,
	LINE = 64
};

/* ---- memory ------------------------------------------------------------------------------------ */

void pour_course_set(pour_course *c, uint64_t n_keys, uint64_t n_positions, uint32_t n_parts)
{
	uint64_t most = n_positions / POSITIONS_OF_LEAF + LEAVES_OF_KEY * n_keys;
	*c = (pour_course){.n_keys = n_keys, .n_positions = n_positions, .n_parts = n_parts, .most = (uint32_t)(most < n_positions + 1 ? most : n_positions + 1)};
}

static uint64_t most_moves(const pour_course *c) { return (c->n_parts - 1) * c->n_keys; }

/* Rows of open leaves, of those that are complete with a tile, and of late ones, part by part. */
uint64_t pour_course_rows(const pour_course *c)
{
	uint64_t rows = (2 * c->n_keys + TILE) * c->n_parts, needed = c->most + most_moves(c);
	return rows < needed ? rows : needed;
}

static void *take(uint8_t *memory, size_t *used, uint64_t n, size_t size)
{
	void *at = memory ? memory + *used : NULL;
	*used += (n * size + LINE - 1) / LINE * LINE;
	return at;
}

size_t pour_course_place(pour_course *c, uint8_t *memory)
{
	uint64_t n = c->n_positions, most = c->most;
	size_t used = 0;
	c->place = take(memory, &used, n, sizeof *c->place);
	c->first = take(memory, &used, most, sizeof *c->first);
	c->to = take(memory, &used, most, sizeof *c->to);
	c->n = take(memory, &used, most, sizeof *c->n);
	c->moves = take(memory, &used, most_moves(c), sizeof *c->moves);
	c->ends = take(memory, &used, n / TILE + 1, sizeof *c->ends);
	c->up = take(memory, &used, most, sizeof *c->up);
	c->keys = take(memory, &used, c->n_keys, sizeof *c->keys);
	c->positions = take(memory, &used, n, sizeof *c->positions);
	c->leaf_n = take(memory, &used, most, sizeof *c->leaf_n);
	c->height = take(memory, &used, most, sizeof *c->height);
	c->leaf_to = take(memory, &used, most, sizeof *c->leaf_to);
	c->node_to = take(memory, &used, most, sizeof *c->node_to);
	c->rank = take(memory, &used, most, sizeof *c->rank);
	c->free_rows = take(memory, &used, pour_course_rows(c), sizeof *c->free_rows);
	c->closed_rows = take(memory, &used, TILE, sizeof *c->closed_rows);
	return used;
}

/* ---- trees ------------------------------------------------------------------------------------- */

/* A leaf (of height 0) or a node. */
typedef struct branch {
	uint32_t id, height;
} branch;

static void put_to(pour_course *c, branch of, uint32_t to)
{
	if (of.height == 0)
		c->leaf_to[of.id] = to;
	else
		c->node_to[of.id] = to;
}

/* The tree over n ascending positions; false: there is no room. */
static bool grow(pour_course *c, const uint32_t *positions, uint32_t n, branch *top)
{
	branch left, right;
	if (n <= LEAF) {
		if (c->n_leaves == c->most)
			return false;
		*top = (branch){c->n_leaves++, 0};
		c->leaf_n[top->id] = (uint8_t)n;
		return true;
	}
	uint32_t middle = positions_split(positions, n);
	if (!grow(c, positions, middle, &left) || !grow(c, positions + middle, n - middle, &right))
		return false;
	*top = (branch){c->n_nodes++, 1 + (left.height > right.height ? left.height : right.height)}; /* fewer than leaves */
	c->height[top->id] = (uint8_t)top->height;
	put_to(c, left, top->id);
	put_to(c, right, c->most + top->id);
	return true;
}

static const uint32_t *positions_of(pour_course *c, const lists *l, uint64_t key)
{
	uint32_t n = 0;
	if (l->heads[key].room != LIST_CUT)
		return l->key + l->heads[key].at;
	LISTS_FOR(l, key, at)
		c->positions[n++] = l->key[at];
	return c->positions;
}

static bool grow_all(pour_course *c, const lists *l)
{
	c->n_leaves = c->n_nodes = 0;
	for (uint64_t key = 0; key < c->n_keys; key++) {
		uint64_t n = key < l->n_lists ? lists_length(l, key) : 0;
		branch top;
		c->keys[key] = (pour_key){.leaf = c->n_leaves};
		if (n > 0 && !grow(c, positions_of(c, l, key), (uint32_t)n, &top))
			return false;
		if (n > 0)
			put_to(c, top, (uint32_t)(2 * c->most + key));
	}
	return true;
}

/* Where a value goes, of nodes as they are numbered in the end. */
static uint32_t renumbered(const pour_course *c, uint32_t to)
{
	return to >= 2 * c->most ? to : to >= c->most ? c->most + c->rank[to - c->most] : c->rank[to];
}

/* Numbers nodes by their heights. */
static void sort_nodes(pour_course *c)
{
	uint32_t at[POUR_HEIGHTS + 1] = {0};
	for (uint32_t i = 0; i < c->n_nodes; i++)
		at[c->height[i]]++; /* from 1 on */
	for (uint32_t h = 1; h < POUR_HEIGHTS; h++)
		at[h + 1] += at[h];
	memcpy(c->levels, at + 1, sizeof c->levels);
	for (uint32_t i = c->n_nodes; i-- > 0;)
		c->rank[i] = --at[c->height[i]];
	for (uint32_t i = 0; i < c->n_nodes; i++)
		c->up[c->rank[i]] = renumbered(c, c->node_to[i]);
}

/* ---- places ------------------------------------------------------------------------------------ */

static void open_leaf(pour_course *c, pour_key *k)
{
	uint32_t row = c->n_free > 0 ? c->free_rows[--c->n_free] : c->n_rows++;
	k->at = row * LEAF;
	k->left = c->leaf_n[k->leaf];
	k->late = false;
}

/* Returns how many leaves are complete, without late ones. */
static uint32_t close_leaf(pour_course *c, pour_key *k, uint32_t complete)
{
	uint32_t n = c->leaf_n[k->leaf], id = k->late ? c->most - ++c->n_late : complete;
	c->first[id] = k->at - n;
	c->n[id] = (uint8_t)n;
	c->to[id] = renumbered(c, c->leaf_to[k->leaf++]);
	if (k->late)
		return complete;
	c->closed_rows[c->n_closed++] = c->first[id] / LEAF;
	return complete + 1;
}

static uint32_t place_tile(pour_course *c, const uint32_t *key, uint64_t first, uint64_t end, uint32_t complete)
{
	for (uint64_t i = first; i < end; i++) {
		pour_key *k = &c->keys[key[i]];
		if (k->left == 0)
			open_leaf(c, k);
		c->place[i] = k->at++;
		if (--k->left == 0)
			complete = close_leaf(c, k, complete);
	}
	while (c->n_closed > 0)
		c->free_rows[c->n_free++] = c->closed_rows[--c->n_closed];
	return complete;
}

/* Nothing goes to the rows of the parts before: they may be in use while this one is gone through. */
static void begin_part(pour_course *c)
{
	c->n_free = 0;
	for (uint64_t key = 0; key < c->n_keys; key++) {
		pour_key *k = &c->keys[key];
		if (k->left == 0)
			continue;
		uint32_t n = c->leaf_n[k->leaf] - k->left, row = c->n_rows++;
		c->moves[c->n_moves++] = (pour_move){k->at - n, row * LEAF, n};
		k->at = row * LEAF + n;
		k->late = true;
	}
}

static void place_all(pour_course *c, const uint32_t *key)
{
	uint32_t complete = 0;
	c->n_rows = c->n_closed = c->n_late = c->n_moves = 0;
	for (uint32_t part = 0; part < c->n_parts; part++) {
		begin_part(c);
		for (uint64_t t = pour_course_part(c, part); t < pour_course_part(c, part + 1); t++) {
			uint64_t end = (t + 1) * TILE;
			complete = place_tile(c, key, t * TILE, end < c->n_positions ? end : c->n_positions, complete);
			c->ends[t] = complete;
		}
	}
}

bool pour_course_follow(pour_course *c, const group_index *g)
{
	if (c->groups == g && c->version == g->version)
		return c->fits;
	c->groups = g;
	c->version = g->version;
	c->fits = grow_all(c, &g->positions);
	if (!c->fits)
		return false;
	sort_nodes(c);
	place_all(c, g->key);
	return true;
}
