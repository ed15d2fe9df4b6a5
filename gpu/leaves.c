/* leaves.c - in which order the operands of lists are combined by many threads: what docs/determinism.md says, written down for kernels (launch.h).
 *
 * A list of more than MMSB_LEAF operands parts at the highest bit in which their positions differ, and so on: that gives its leaves. Where a list has more
 * than MMSB_LEAF leaves, these are put together in the same way, to nodes; and so on. */
#include "device.h"

#include <stdlib.h>
#include <string.h>

/* The level at work: what it puts together parts at the bits `below`, or, of operands, where their keys do. */
typedef struct builder {
	leaf_rooms *r;
	const uint8_t *below;
	const uint32_t *key;    /* of the list at hand, from `base` on */
	uint64_t base;
	uint8_t *bit;           /* of what it makes */
	uint64_t n;
} builder;

static unsigned parting(const builder *b, uint64_t i)
{
	return b->below ? b->below[i] : 31u - (unsigned)__builtin_clz(b->key[i - b->base] ^ b->key[i + 1 - b->base]);
}

/* Where `first` .. `first` + n parts: behind the one whose bit is the highest. Keys ascend, so it is found by halving; of nodes there are few. */
static uint64_t cut_at(const builder *b, uint64_t first, uint64_t n)
{
	uint64_t best = first;
	if (!b->below) {
		const uint32_t *key = b->key + (first - b->base);
		unsigned bit = 31u - (unsigned)__builtin_clz(key[0] ^ key[n - 1]);
		uint64_t low = 1, high = n - 1; /* the first whose bit is set */
		while (low < high) {
			uint64_t middle = (low + high) / 2;
			if (key[middle] >> bit & 1)
				high = middle;
			else
				low = middle + 1;
		}
		return first + low;
	}
	for (uint64_t i = first; i + 1 < first + n; i++)
		if (b->below[i] > b->below[best])
			best = i;
	return best + 1;
}

/* There is room for as many as there are things to put together. */
static void cut(builder *b, uint64_t first, uint64_t n, bool last)
{
	if (n > MMSB_LEAF) {
		uint64_t at = cut_at(b, first, n);
		cut(b, first, at - first, false);
		cut(b, at, first + n - at, last);
		return;
	}
	b->r->at[b->n] = first;
	b->bit[b->n++] = last ? 0 : (uint8_t)parting(b, first + n - 1);
}

static int send(struct device *v, device_room *to, const void *from, size_t bytes, mmsb_error *err)
{
	int status = room_of(v, to, bytes + 1, "the order of reductions", err);
	return status ? status : copy_up(v, to->at, from, bytes, err);
}

static int end_level(struct device *v, builder *b, struct device_level *level, uint64_t n_below, mmsb_error *err)
{
	b->r->at[b->n] = n_below;
	level->n = b->n;
	int status = send(v, &level->at, b->r->at, (b->n + 1) * sizeof *b->r->at, err);
	return status ? status : send(v, &level->bit, b->bit, b->n, err);
}

/* The numbers of a list, side by side. */
static void gather_keys(const lists *l, uint64_t list, uint32_t *to)
{
	for (list_run r = {0}; lists_next(l, list, &r); to += r.n)
		memcpy(to, l->key + r.at, r.n * sizeof *to);
}

static int make_leaves(struct device *v, device_levels *to, const lists *l, mmsb_error *err)
{
	leaf_rooms *r = &v->leaves;
	builder b = {.r = r, .key = r->key, .bit = r->bit[0]};
	for (uint64_t i = 0; i < l->n_lists; i++) {
		uint64_t n = lists_length(l, i), from = b.n;
		r->first[i] = b.n;
		gather_keys(l, i, r->key);
		if (n)
			cut(&b, b.base, n, true);
		while (from < b.n)
			r->list[from++] = (uint32_t)i;
		b.base += n;
	}
	r->first[l->n_lists] = b.n;
	int status = end_level(v, &b, &to->level[0], b.base, err);
	return status ? status : send(v, &to->leaf_list, r->list, b.n * sizeof *r->list, err);
}

static int make_nodes(struct device *v, device_levels *to, uint64_t n_lists, mmsb_error *err)
{
	leaf_rooms *r = &v->leaves;
	uint32_t k = to->n_levels;
	builder b = {.r = r, .below = r->bit[(k - 1) % 2], .bit = r->bit[k % 2]};
	uint64_t first = r->first[0];
	for (uint64_t i = 0; i < n_lists; i++) {
		uint64_t end = r->first[i + 1];
		r->first[i] = b.n;
		if (end > first)
			cut(&b, first, end - first, true);
		first = end;
	}
	r->first[n_lists] = b.n;
	return end_level(v, &b, &to->level[k], to->level[k - 1].n, err);
}

static bool too_many(const leaf_rooms *r, uint64_t n_lists)
{
	for (uint64_t i = 0; i < n_lists; i++)
		if (r->first[i + 1] - r->first[i] > MMSB_LEAF)
			return true;
	return false;
}

static bool leaf_room(leaf_rooms *r, const lists *l)
{
	size_t n = l->count + 1;
	return !reserve(&r->at, &r->at_room, (n + 1) * sizeof *r->at) && !reserve(&r->first, &r->first_room, (l->n_lists + 1) * sizeof *r->first) &&
	       !reserve(&r->key, &r->key_room, n * sizeof *r->key) && !reserve(&r->list, &r->list_room, n * sizeof *r->list) &&
	       !reserve(&r->bit[0], &r->bit_room[0], n) && !reserve(&r->bit[1], &r->bit_room[1], n);
}

int leaves_up(struct device *v, device_levels *to, const lists *l, mmsb_error *err)
{
	if (to->good && to->version == l->version)
		return MMSB_OK;
	to->good = false;
	to->n_levels = 1;
	if (!leaf_room(&v->leaves, l))
		return fail_memory(err, l->count * sizeof(uint64_t), "the order of reductions");
	int status = make_leaves(v, to, l, err);
	for (; !status && to->n_levels < MOST_LEVELS && too_many(&v->leaves, l->n_lists); to->n_levels++)
		status = make_nodes(v, to, l->n_lists, err);
	if (!status)
		status = send(v, &to->top, v->leaves.first, (l->n_lists + 1) * sizeof *v->leaves.first, err);
	to->good = !status;
	to->version = l->version;
	return status;
}

void leaves_free(leaf_rooms *r)
{
	free(r->at);
	free(r->first);
	free(r->key);
	free(r->list);
	free(r->bit[0]);
	free(r->bit[1]);
}
