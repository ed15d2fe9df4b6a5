/* index.c - reverse indexes: the positions of index pages, and of index fields of record pages, by their value. */
#include "index.h"

#include <stdlib.h>
#include <string.h>

#include "instance.h"
#include "thresholds.h"

group_index *index_new(uint64_t n_keys, uint64_t n_positions)
{
	group_index *g = calloc(1, sizeof *g);
	if (!g)
		return NULL;
	*g = (group_index){.n_keys = n_keys, .n_positions = n_positions};
	g->key = malloc((n_positions + 1) * sizeof *g->key);
	if (lists_new(&g->positions, n_keys, false) || !g->key) {
		index_free(g);
		return NULL;
	}
	return g;
}

void index_free(group_index *g)
{
	if (!g)
		return;
	lists_free(&g->positions);
	free(g->key);
	free(g->moves);
	free(g);
}

static uint32_t key_at(const column *c, uint64_t position)
{
	uint32_t key;
	memcpy(&key, c->base + position * c->stride, sizeof key);
	return key;
}

static int build(group_index *g, const column *now)
{
	g->moved_all = true;
	g->n_moves = 0;
	g->built = false;
	g->version++;
	if (g->positions.capacity < g->n_positions && lists_reserve(&g->positions, g->n_positions + g->n_positions / 4)) /* room for moves */
		return -1;
	for (uint64_t i = 0; i < g->n_positions; i++)
		g->key[i] = key_at(now, i);
	lists_fill(&g->positions, g->n_positions, g->key, NULL, NULL);
	g->built = true;
	return 0;
}

/* ---- moves ------------------------------------------------------------------------------------- */

static int move_one(group_index *g, uint32_t position, uint32_t from, uint32_t to)
{
	g->version++;
	if (from < g->n_keys)
		lists_remove(&g->positions, from, position, LISTS_NONE);
	g->key[position] = to;
	return to < g->n_keys ? lists_add(&g->positions, to, position, 0, LISTS_NONE) : 0;
}

/* Those of 64 positions from `first` on whose bits are set and whose keys are others now. */
static int note_moves(group_index *g, const column *now, uint64_t first, uint64_t bits)
{
	for (; bits; bits &= bits - 1) {
		uint64_t i = first + (uint64_t)__builtin_ctzll(bits);
		uint32_t key = key_at(now, i);
		if (key == g->key[i])
			continue;
		if (reserve(&g->moves, &g->cap_moves, (g->n_moves + 1) * sizeof *g->moves))
			return -1;
		g->moves[g->n_moves++] = (index_move){(uint32_t)i, g->key[i], key};
	}
	return 0;
}

/* Adds what has moved to the moves; stops when they are more than `most`. */
static int find_moves(group_index *g, const column *now, const bitset *changed, size_t most)
{
	int status = 0;
	if (changed) {
		for (uint64_t w = bitset_next_word(changed, 0); w != BITSET_END && !status && g->n_moves <= most; w = bitset_next_word(changed, w + 1))
			status = note_moves(g, now, w * 64, changed->level[0][w]);
		return status;
	}
	for (uint64_t first = 0; first < g->n_positions && !status && g->n_moves <= most; first += 64) {
		uint64_t n = g->n_positions - first < 64 ? g->n_positions - first : 64, bits = 0;
		for (uint64_t i = 0; i < n; i++)
			bits |= (uint64_t)(key_at(now, first + i) != g->key[first + i]) << i;
		status = note_moves(g, now, first, bits);
	}
	return status;
}

static int follow(group_index *g, const column *now, const bitset *changed)
{
	size_t before = g->n_moves, most = before + g->n_positions / REBUILD;
	if (find_moves(g, now, changed, most))
		return -1;
	if (g->n_moves > most)
		return build(g, now);
	for (size_t i = before; i < g->n_moves; i++)
		if (move_one(g, g->moves[i].position, g->moves[i].from, g->moves[i].to))
			return -1;
	return 0;
}

int index_update(group_index *g, const column *now, const bitset *changed, uint64_t epoch, uint64_t state)
{
	if (g->moved_in != epoch) {
		g->moved_in = epoch;
		g->moved_all = false;
		g->n_moves = 0;
		g->synced_before = g->synced;
	}
	int status = !g->built || g->moved_all ? build(g, now) : follow(g, now, changed);
	if (status)
		g->built = false;
	else
		g->synced = state;
	return status;
}

void index_rollback(group_index *g, uint64_t epoch)
{
	if (g->moved_in != epoch)
		return;
	if (g->moved_all)
		g->built = false;
	for (size_t i = g->n_moves; i-- > 0 && g->built;)
		if (move_one(g, g->moves[i].position, g->moves[i].to, g->moves[i].from))
			g->built = false;
	g->moved_all = false;
	g->n_moves = 0;
	g->synced = g->synced_before;
}

/* ---- of pages ---------------------------------------------------------------------------------- */

void page_indexes_free(page *p)
{
	for (int prev = 0; prev < 2; prev++) {
		for (uint32_t k = 0; p->indexes[prev] && k < p->n_columns; k++)
			index_free(p->indexes[prev][k]);
		free(p->indexes[prev]);
		p->indexes[prev] = NULL;
	}
}

void page_indexes_rollback(page *p, uint64_t epoch)
{
	for (uint32_t k = 0; p->indexes[0] && k < p->n_columns; k++) {
		group_index *g = p->indexes[0][k];
		if (g)
			index_rollback(g, epoch);
		if (g && p->def->pass != NONE && !p->prev)
			index_forget(g); /* its values are not put back */
	}
}

static group_index *index_of(mmsb_instance *m, page *p, uint32_t field, bool prev)
{
	group_index ***all = &p->indexes[prev];
	if (!*all)
		*all = calloc(p->n_columns, sizeof **all);
	if (!*all)
		return NULL;
	group_index **g = &(*all)[field == NONE ? 0 : field];
	if (!*g) {
		uint32_t size = field == NONE ? p->def->index_size : m->sch->fields[m->sch->records[p->def->record].first_field + field].index_size;
		/* Along a dimension of size 0 every value is 0: a group like any other. */
		uint64_t n_keys = (uint64_t)m->sizes[size];
		*g = index_new(n_keys ? n_keys : 1, p->count);
	}
	return *g;
}

const group_index *page_groups(mmsb_instance *m, page *p, uint32_t field, bool prev)
{
	group_index *g = index_of(m, p, field, prev);
	uint64_t epoch = m->at_hand, state = prev ? epoch - 1 : epoch;
	if (!g || (g->built && (prev ? p->changed_before : p->changed) <= g->synced))
		return g;
	bool moved = (prev ? p->changed_before : p->changed) == state;
	bool late = !g->built || g->synced < (prev ? state - 1 : p->changed_before); /* it missed changes of epochs before */
	/* Between commits, and for a pass that was put off, the sets may be of a later epoch than the change. */
	late |= !bitset_test(prev ? &m->touched_before : &m->touched, p->id);
	const change_set *sets = prev ? p->before : p->now, *set = sets ? &sets[column_number(p, field)] : NULL;
	column now = page_column(m, p, prev, field);
	if (index_update(g, &now, !late && set && !set->all ? &set->bits : NULL, epoch, state))
		return NULL;
	if (!moved || late)
		index_moved(g, moved);
	return g;
}
