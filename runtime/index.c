/* index.c - reverse indexes: the positions of an index page by their value, by counting sort. */
#include <stdlib.h>

#include "instance.h"

static void count_sort(group_index *g, const column *c)
{
	uint64_t *next = g->start + 1; /* as in sparse.c: ends as the start of the next key */
	for (uint64_t k = 0; k <= g->n_keys; k++)
		g->start[k] = 0;
	for (uint64_t i = 0; i < g->n_positions; i++) {
		uint32_t key = *(const uint32_t *)(const void *)(c->base + i * c->stride);
		if ((uint64_t)key + 1 < g->n_keys)
			next[key + 1]++;
	}
	for (uint64_t k = 1; k < g->n_keys; k++)
		next[k] += next[k - 1];
	for (uint64_t i = 0; i < g->n_positions; i++) {
		uint32_t key = *(const uint32_t *)(const void *)(c->base + i * c->stride);
		if (key < g->n_keys)
			g->pos[next[key]++] = (uint32_t)i;
	}
}

static group_index *index_new(uint64_t n_keys, uint64_t n_positions)
{
	group_index *g = calloc(1, sizeof *g);
	if (!g)
		return NULL;
	*g = (group_index){.n_keys = n_keys, .n_positions = n_positions, .version = UINT64_MAX};
	g->start = calloc(n_keys + 2, sizeof *g->start);
	g->pos = malloc((n_positions + 1) * sizeof *g->pos);
	if (!g->start || !g->pos) {
		index_free(g);
		return NULL;
	}
	return g;
}

void index_free(group_index *g)
{
	if (!g)
		return;
	free(g->start);
	free(g->pos);
	free(g);
}

const group_index *page_groups(mmsb_instance *m, page *p, bool prev)
{
	group_index **slot = prev ? &p->prev_groups : &p->groups;
	uint64_t version = prev ? m->commits : p->version;
	if (!*slot) {
		/* Along a dimension of size 0 every value is 0: a group like any other. */
		uint64_t n_keys = (uint64_t)m->sizes[p->def->index_size];
		*slot = index_new(n_keys ? n_keys : 1, p->count);
		if (!*slot)
			return NULL;
	}
	if ((*slot)->version != version) {
		column c = page_column(m, p, prev, NONE);
		count_sort(*slot, &c);
		(*slot)->version = version;
	}
	return *slot;
}
