/* log_tags.c - see log_tags.h. */
#include "log_tags.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "runtime/instance.h"

static uint32_t *find(const log_tags *t, const char *text, size_t n, uint64_t hash)
{
	size_t mask = t->n_slots - 1, at = (size_t)hash & mask;
	for (; t->slots[at]; at = (at + 1) & mask) {
		const log_tag *tag = &t->of[t->slots[at] - 1];
		if (tag->hash == hash && tag->n == n && memcmp(t->text + tag->at, text, n) == 0)
			break;
	}
	return &t->slots[at];
}

/* Twice as many slots. */
static int grow(log_tags *t)
{
	size_t n = t->n_slots ? 2 * t->n_slots : 16;
	uint32_t *slots = calloc(n, sizeof *slots);
	if (!slots)
		return -1;
	free(t->slots);
	t->slots = slots;
	t->n_slots = n;
	for (size_t i = 0; i < t->n; i++)
		*find(t, t->text + t->of[i].at, t->of[i].n, t->of[i].hash) = (uint32_t)i + 1;
	return 0;
}

uint16_t log_tag_number(log_tags *t, const char *text, size_t n, bool *fresh)
{
	uint64_t hash = XXH3_64bits(text, n);
	*fresh = false;
	if (2 * (t->n + 1) > t->n_slots && grow(t))
		return 0;
	uint32_t *slot = find(t, text, n, hash);
	if (*slot)
		return (uint16_t)*slot;
	if (t->n == TAGS_MOST || reserve(&t->of, &t->cap_of, (t->n + 1) * sizeof *t->of) || reserve(&t->text, &t->cap_text, t->n_text + n))
		return 0;
	memcpy(t->text + t->n_text, text, n);
	t->of[t->n++] = (log_tag){hash, t->n_text, n};
	t->n_text += n;
	*slot = (uint32_t)t->n;
	*fresh = true;
	return (uint16_t)t->n;
}

void log_tags_clear(log_tags *t)
{
	t->n = t->n_text = 0;
	if (t->slots)
		memset(t->slots, 0, t->n_slots * sizeof *t->slots);
}

void log_tags_free(log_tags *t)
{
	free(t->of);
	free(t->text);
	free(t->slots);
	*t = (log_tags){0};
}
