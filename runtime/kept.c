/* kept.c - what reductions over rows and columns keep of their lists (kept.h). */
#include "kept.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"

void kept_free(kept_lists *k)
{
	free(k->blocks);
	free(k->memory);
	free(k->key);
	free(k->slot);
	*k = (kept_lists){.slots = k->slots, .lanes = k->lanes};
}

static bool numbers_room(uint32_t **at, uint64_t n)
{
	free(*at);
	*at = malloc(n * sizeof **at);
	if (*at)
		memory_ask_large(*at, n * sizeof **at);
	return *at != NULL;
}

/* Memory for the places and courses of all lists; what is not touched takes none. Without it they are written each time. */
static bool kept_room(kept_lists *k, const lists *l)
{
	uint64_t blocks = (l->n_lists + COURSE_LISTS - 1) / COURSE_LISTS, places = arranged_places(l->count, blocks, k->lanes);
	size_t bytes = arranged_room(l->n_lists, l->count) + blocks * arranged_room(0, 0);
	if (blocks > k->n_blocks) {
		free(k->blocks);
		k->blocks = malloc(blocks * sizeof *k->blocks);
		k->n_blocks = k->blocks ? blocks : 0;
	}
	if (bytes > k->size) {
		free(k->memory);
		k->memory = malloc(bytes);
		k->size = k->memory ? bytes : 0;
	}
	if (places > k->n_places) {
		bool ok = numbers_room(&k->key, places) && (!k->slots || numbers_room(&k->slot, places));
		k->n_places = ok ? places : 0;
	}
	return k->n_blocks >= blocks && k->size >= bytes && k->n_places >= places;
}

void kept_begin(kept_lists *k, const lists *l, uint64_t n_keys)
{
	bool same = k->of == l && k->version == l->version;
	if (same && k->keep)
		return;
	k->of = l;
	k->version = l->version;
	k->keep = same && l->count > 0 && kept_room(k, l);
	k->used = 0;
	k->used_places = 0;
	k->used_keys = 0;
	k->n_keys = n_keys;
	for (uint64_t b = 0; b < k->n_blocks && k->keep; b++)
		k->blocks[b].arranged.n_lists = 0;
}

kept_block *kept_at(const kept_lists *k, const lists *l, uint64_t first, uint32_t n)
{
	bool whole = first % COURSE_LISTS == 0 && (n == COURSE_LISTS || first + n == l->n_lists);
	return k->keep && whole && k->of == l && k->version == l->version ? &k->blocks[first / COURSE_LISTS] : NULL;
}

/* Whether keys of a row count up: of its first places, and there are keys enough for the others. */
static bool is_run(const uint32_t *key, const uint32_t *place, uint32_t n, uint32_t side, uint64_t n_keys)
{
	uint32_t first = key[place[0]], apart = 0;
	for (uint32_t j = 0; j < n; j++)
		apart |= key[place[j]] ^ (first + j);
	return apart == 0 && first + (uint64_t)side <= n_keys;
}

/* From the operands' keys to those of rows, in place[]; returns how many there are. */
static uint32_t keys_of_rows(const kept_lists *k, arrangement *a, const uint32_t *key, uint32_t *place)
{
	uint32_t n = 0;
	for (uint32_t r = 0; r < a->n_rows; r++) {
		const uint32_t *at = place + (size_t)r * k->lanes;
		bool run = is_run(key, at, a->row[r], k->lanes, k->n_keys);
		for (uint32_t j = 0; j < (run ? 1 : k->lanes); j++)
			place[n++] = key[at[j]];
		a->row[r] |= run ? ARRANGED_RUN : 0;
	}
	return n;
}

bool kept_write(kept_lists *k, kept_block *to, const course *c, const uint32_t *key, const uint32_t *slot, void *scratch, uint32_t *place, uint16_t *spare)
{
	arrangement a;
	arrange(&a, c, k->lanes, scratch, place, spare);
	size_t bytes = (arranged_bytes(&a) + 7) & ~(size_t)7, at = __atomic_fetch_add(&k->used, bytes, __ATOMIC_RELAXED);
	uint64_t first = __atomic_fetch_add(&k->used_places, a.n_places, __ATOMIC_RELAXED);
	if (at + bytes > k->size || first + a.n_places > k->n_places)
		return false;
	for (uint32_t i = 0; i < a.n_places && k->slots; i++)
		k->slot[first + i] = slot[place[i]];
	uint32_t n_keys = keys_of_rows(k, &a, key, place);
	uint64_t first_key = __atomic_fetch_add(&k->used_keys, n_keys, __ATOMIC_RELAXED);
	memcpy(k->key + first_key, place, n_keys * sizeof *place);
	arranged_move(&a, k->memory + at);
	*to = (kept_block){.arranged = a, .place = first, .first_key = first_key, .n_operands = c->n_operands};
	return true;
}
