/* store_prefix.c - what a change costs a prefix reduction. A block that comes out with another value concerns the ends in the node beside
 * it, if that comes after it, and the node around both; so on upwards, until a node comes out as it was. */
#include <string.h>

#include "store_parts.h"

bool prefix_kind_set(prefix_kind *x, const kernel_table *k, unsigned op, unsigned type, bool strict, uint64_t rows, uint64_t extent)
{
	x->k = k;
	x->op = (uint8_t)op;
	x->type = (uint8_t)type;
	x->width = (uint8_t)width_of(type);
	x->strict = strict;
	x->rows = rows;
	x->extent = extent;
	x->blocks = extent / TILE;
	x->nodes = 0;
	for (unsigned level = 0; x->blocks >> level; level++) {
		if (level == PREFIX_LEVELS)
			return false;
		x->level_at[level] = x->nodes;
		x->nodes += x->blocks >> level;
	}
	return x->blocks > 0 && x->blocks < UINT32_MAX;
}

size_t prefix_kind_bytes(const prefix_kind *x)
{
	size_t bytes;
	if (__builtin_mul_overflow(x->rows, x->nodes << x->width, &bytes) || bytes > SIZE_MAX / 2)
		return SIZE_MAX / 2;
	return bytes + x->blocks * sizeof *x->changed + (size_t)2 * POOL_UNIT;
}

bool prefix_kind_place(prefix_kind *x)
{
	x->values = pool_keep(&x->pool, x->rows * x->nodes << x->width);
	x->changed = pool_keep(&x->pool, x->blocks * sizeof *x->changed);
	return x->values && x->changed;
}

static uint8_t *node_at(const prefix_kind *x, uint64_t row, unsigned level, uint64_t i)
{
	return x->values + ((row * x->nodes + x->level_at[level] + i) << x->width);
}

/* ---- values ------------------------------------------------------------------------------------ */

bool store_prefix_before(const region_plan *r, uint64_t outer, uint64_t block, reduction *red)
{
	const struct store *st = r->store;
	if (!r->stored || !st->ready)
		return false;
	const prefix_kind *x = &st->prefixes;
	uint64_t row = outer / x->extent;
	if (!bitset_test(&st->held, row))
		return false;
	for (unsigned level = 0; block >> level; level++)
		if (block >> level & 1)
			memcpy(&red->levels[level], node_at(x, row, level, (block >> level) - 1), (size_t)1 << x->width);
	red->chunks = block;
	return true;
}

/* ---- updates ----------------------------------------------------------------------------------- */

/* Ends whose last operand is at first .. end-1. */
static void mark_ends(const update *u, uint64_t row, uint64_t first, uint64_t end)
{
	const prefix_kind *x = &u->st->prefixes;
	first += x->strict;
	end += x->strict;
	end = end < x->extent ? end : x->extent;
	if (first < end)
		bitset_set_range(u->outer, row * x->extent + first, row * x->extent + end);
}

/* Gives a node a value; true: it had another. */
static bool put_node(uint8_t *to, const scalar *value, unsigned width)
{
	bool same = memcmp(to, value, (size_t)1 << width) == 0;
	memcpy(to, value, (size_t)1 << width);
	return !same;
}

static bool renew_block(const update *u, uint64_t row, uint64_t block, bool enter)
{
	const prefix_kind *x = &u->st->prefixes;
	const region_plan *rp = u->st->plan;
	scalar v = {0};
	const void *values = store_operands(u, block * TILE, (block + 1) * TILE, enter);
	x->k->tree[x->op][x->type](&v, values, u->w->arena + rp->places[PLACE_SCRATCH], TILE);
	return put_node(node_at(x, row, 0, block), &v, x->width);
}

static bool renew_node(const prefix_kind *x, uint64_t row, unsigned level, uint64_t i)
{
	scalar v = {0};
	x->k->op[x->op][x->type](&v, node_at(x, row, level - 1, 2 * i), node_at(x, row, level - 1, 2 * i + 1), NULL, 1);
	return put_node(node_at(x, row, level, i), &v, x->width);
}

static void build_row(const update *u, uint64_t row)
{
	const prefix_kind *x = &u->st->prefixes;
	for (uint64_t i = 0; i < x->blocks; i++)
		renew_block(u, row, i, i == 0);
	for (unsigned level = 1; x->blocks >> level; level++)
		for (uint64_t i = 0; i < x->blocks >> level; i++)
			renew_node(x, row, level, i);
}

/* From n nodes of a level that have changed to those around them; returns how many of these have. */
static uint32_t climb(const update *u, uint64_t row, unsigned level, uint32_t n)
{
	const prefix_kind *x = &u->st->prefixes;
	uint64_t size = (uint64_t)TILE << level, last = UINT64_MAX;
	uint32_t m = 0;
	for (uint32_t k = 0; k < n; k++) {
		uint64_t i = x->changed[k];
		if (i % 2 == 0)
			mark_ends(u, row, (i + 1) * size, (i + 2) * size);
		if ((i | 1) >= x->blocks >> level || i / 2 == last)
			continue;
		last = i / 2;
		if (renew_node(x, row, level + 1, last))
			x->changed[m++] = (uint32_t)last;
	}
	return m;
}

static void change_row(const update *u, const bitset *dirty, uint64_t row)
{
	const prefix_kind *x = &u->st->prefixes;
	uint64_t base = row * x->extent, end = base + x->extent;
	uint32_t n = 0;
	bool enter = true;
	for (uint64_t lane = bitset_next(dirty, base); lane < end;) {
		uint64_t position = lane - base, block = position / TILE, next = (block + 1) * TILE;
		mark_ends(u, row, position, next);
		if (block < x->blocks) {
			if (renew_block(u, row, block, enter))
				x->changed[n++] = (uint32_t)block;
			enter = false;
		}
		lane = bitset_next(dirty, base + next);
	}
	for (unsigned level = 0; n > 0; level++)
		n = climb(u, row, level, n);
}

static void update_row(const update *u, const bitset *dirty, uint64_t row, uint64_t first)
{
	struct store *st = u->st;
	const prefix_kind *x = &st->prefixes;
	bool held = bitset_test(&st->held, row);
	store_enter(u, row * x->extent);
	if (held)
		change_row(u, dirty, row);
	else
		build_row(u, row);
	bool failed = store_failed(u); /* the pass tells of what */
	if (failed)
		bitset_unset(&st->held, row);
	else
		bitset_set(&st->held, row);
	if (failed || !held)
		mark_ends(u, row, first, x->extent);
}

void store_prefix_update(const update *u, const bitset *dirty)
{
	const prefix_kind *x = &u->st->prefixes;
	for (uint64_t lane = bitset_next(dirty, 0); lane != BITSET_END;) {
		uint64_t row = lane / x->extent;
		update_row(u, dirty, row, lane % x->extent);
		lane = bitset_next(dirty, (row + 1) * x->extent);
	}
}

void store_prefix_concern(const update *u, const bitset *dirty)
{
	const prefix_kind *x = &u->st->prefixes;
	for (uint64_t lane = bitset_next(dirty, 0); lane != BITSET_END; lane = bitset_next(dirty, (lane / x->extent + 1) * x->extent))
		mark_ends(u, lane / x->extent, lane % x->extent, x->extent);
}

void store_prefix_drop(struct store *st, const bitset *whole)
{
	const prefix_kind *x = &st->prefixes;
	for (uint64_t at = bitset_next(whole, 0); at != BITSET_END; at = bitset_next(whole, (at / x->extent + 1) * x->extent))
		if (bitset_test(&st->held, at / x->extent))
			bitset_unset(&st->held, at / x->extent);
}
