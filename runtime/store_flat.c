/* store_flat.c - blocks of positions and the nodes above them. A node is made anew when the changes have gone past it. */
#include "store_flat.h"

#include <string.h>

#include "fetch.h"

#define NONE_PENDING UINT64_MAX

bool flat_kind_set(flat_kind *f, const kernel_table *k, red_kind kind, unsigned op, unsigned type, unsigned arg, uint64_t n, unsigned bits)
{
	f->k = k;
	f->kind = kind;
	f->op = (uint8_t)op;
	f->type = (uint8_t)type;
	f->width = (uint8_t)width_of(type);
	f->arg = (uint8_t)arg;
	f->bits = (uint8_t)bits;
	f->n_levels = 0;
	size_t bytes = 0;
	uint64_t nodes = ((n - 1) >> bits) + 1;
	for (;; nodes = (nodes - 1) / FLAT_FAN + 1) {
		if (f->n_levels == FLAT_LEVELS || nodes > UINT32_MAX)
			return false;
		unsigned level = f->n_levels++;
		f->nodes[level] = nodes;
		f->values[level] = bytes;
		bytes += ((nodes << f->width) + 63) / 64 * 64;
		f->bests[level] = bytes;
		if (kind == RED_ARG)
			bytes += (nodes * sizeof(uint32_t) + 63) / 64 * 64;
		if (nodes == 1)
			break;
	}
	f->pool.units[0] = (uint32_t)(bytes / POOL_UNIT);
	return bytes / POOL_UNIT < UINT32_MAX;
}

static uint8_t *value_at(const flat_kind *f, uint8_t *held, unsigned level, uint64_t i)
{
	return held + f->values[level] + ((size_t)i << f->width);
}

static uint32_t *best_at(const flat_kind *f, uint8_t *held, unsigned level, uint64_t i)
{
	return (uint32_t *)(void *)(held + f->bests[level]) + i;
}

void flat_begin(flat_change *c, const flat_kind *f, uint32_t block, bool build)
{
	c->kind = f;
	c->held = pool_at(&f->pool, block);
	c->build = build;
	c->changed = build;
	for (unsigned level = 0; level < f->n_levels; level++)
		c->pending[level] = NONE_PENDING;
}

static void renew(flat_change *c, unsigned level, uint64_t i);

/* A node below node i / FLAT_FAN of the next level has changed. */
static void pend(flat_change *c, unsigned level, uint64_t i)
{
	if (level + 1 == c->kind->n_levels) {
		c->changed = true;
		return;
	}
	uint64_t above = i >> FLAT_FAN_BITS, pending = c->pending[level + 1];
	if (above == pending)
		return;
	c->pending[level + 1] = above;
	if (pending != NONE_PENDING)
		renew(c, level + 1, pending);
}

/* Gives node i of a level a value; ARG: and a position. */
static void put_node(flat_change *c, unsigned level, uint64_t i, scalar value, uint32_t best)
{
	const flat_kind *f = c->kind;
	uint8_t *to = value_at(f, c->held, level, i);
	size_t bytes = (size_t)1 << f->width;
	bool same = !c->build && memcmp(to, &value, bytes) == 0;
	memcpy(to, &value, bytes);
	if (f->kind == RED_ARG) {
		uint32_t *at = best_at(f, c->held, level, i);
		same = same && *at == best;
		*at = best;
	}
	if (!same)
		pend(c, level, i);
}

void flat_prefetch(const flat_change *c, uint64_t i)
{
	for (unsigned level = 0; level < 2 && level < c->kind->n_levels; level++, i >>= FLAT_FAN_BITS) {
		const uint8_t *first = value_at(c->kind, c->held, level, i >> FLAT_FAN_BITS << FLAT_FAN_BITS);
		for (size_t at = 0; at < (size_t)FLAT_FAN << c->kind->width; at += 64)
			fetch_to_write(first + at);
	}
}

/* The value over n operands; ARG: *i becomes which one. */
static scalar over(const flat_kind *f, const void *values, uint32_t n, void *scratch, size_t *i)
{
	scalar v = {0};
	*i = 0;
	if (f->kind == RED_ARG)
		*i = f->k->arg_find[f->arg][f->type](values, n);
	if (f->kind == RED_ARG || n == 1)
		memcpy(&v, (const uint8_t *)values + (*i << f->width), (size_t)1 << f->width);
	else
		f->k->tree[f->op][f->type](&v, values, scratch, n);
	return v;
}

static void renew(flat_change *c, unsigned level, uint64_t i)
{
	const flat_kind *f = c->kind;
	uint64_t scratch[FLAT_FAN], first = i << FLAT_FAN_BITS, left = f->nodes[level - 1] - first;
	size_t which;
	scalar v = over(f, value_at(f, c->held, level - 1, first), left < FLAT_FAN ? (uint32_t)left : FLAT_FAN, scratch, &which);
	put_node(c, level, i, v, f->kind == RED_ARG ? *best_at(f, c->held, level - 1, first + which) : 0);
}

void flat_put(flat_change *c, uint64_t first, const void *values, uint32_t n, void *scratch)
{
	const flat_kind *f = c->kind;
	uint32_t most = 1u << f->bits;
	for (uint32_t at = 0; at < n; at += most) {
		size_t which;
		const void *here = (const uint8_t *)values + ((size_t)at << f->width);
		scalar v = over(f, here, n - at < most ? n - at : most, scratch, &which);
		put_node(c, 0, (first + at) >> f->bits, v, (uint32_t)(first + at + which));
	}
}

bool flat_end(flat_change *c)
{
	for (unsigned level = 1; level < c->kind->n_levels; level++) {
		uint64_t i = c->pending[level];
		c->pending[level] = NONE_PENDING;
		if (i != NONE_PENDING)
			renew(c, level, i);
	}
	return c->changed;
}

scalar flat_value(const flat_kind *f, uint32_t block)
{
	uint8_t *held = pool_at(&f->pool, block);
	unsigned top = f->n_levels - 1;
	scalar v = {0};
	if (f->kind == RED_ARG)
		v.U32 = *best_at(f, held, top, 0);
	else
		memcpy(&v, value_at(f, held, top, 0), (size_t)1 << f->width);
	return v;
}
