/* sparse.c - patterns of sparse pages: entries at slots that they keep, in lists of rows and columns. */
#include "sparse.h"

#include <stdlib.h>
#include <string.h>

#include "instance.h"

void pattern_free(pattern *p)
{
	if (!p)
		return;
	free(p->row);
	free(p->col);
	free(p->alive);
	bitset_free(&p->free);
	lists_free(&p->rows);
	lists_free(&p->cols);
	free(p->log.at);
	free(p);
}

pattern *pattern_new(uint64_t n_rows, uint64_t n_cols)
{
	pattern *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	*p = (pattern){.n_rows = n_rows, .n_cols = n_cols, .in_order = true};
	if (lists_new(&p->rows, n_rows, true) || bitset_new(&p->free, 0)) {
		pattern_free(p);
		return NULL;
	}
	return p;
}

uint64_t pattern_find(const pattern *p, uint64_t row, uint64_t col)
{
	if (row >= p->n_rows || col > UINT32_MAX)
		return UINT64_MAX;
	uint64_t at = lists_find(&p->rows, row, (uint32_t)col);
	return at == LISTS_NONE ? UINT64_MAX : p->rows.mate[at];
}

/* ---- room -------------------------------------------------------------------------------------- */

int pattern_columns(pattern *p)
{
	lists cols;
	if (p->columns)
		return 0;
	if (lists_new(&cols, p->n_cols, true) || lists_reserve(&cols, p->n_entries + p->n_entries / 4)) {
		lists_free(&cols);
		return -1;
	}
	lists_fill(&cols, p->n_slots, p->col, p->row, p->alive);
	p->cols = cols;
	p->columns = true;
	return 0;
}

int pattern_reserve(pattern *p, uint64_t n_slots)
{
	size_t before = p->cap_col;
	if (reserve(&p->row, &p->cap_row, n_slots * sizeof *p->row) || reserve(&p->col, &p->cap_col, n_slots * sizeof *p->col) ||
	    reserve(&p->alive, &p->cap_alive, n_slots))
		return -1;
	if (p->cap_col > before) {
		memory_ask_large(p->row, p->cap_row);
		memory_ask_large(p->col, p->cap_col);
	}
	return bitset_grow(&p->free, n_slots);
}

int pattern_reserve_lists(pattern *p, uint64_t n_entries)
{
	uint64_t n = n_entries + n_entries / 4; /* for what comes one by one */
	bool enough = p->rows.capacity >= n_entries && (!p->columns || p->cols.capacity >= n_entries);
	return !enough && (lists_reserve(&p->rows, n) || (p->columns && lists_reserve(&p->cols, n))) ? -1 : 0;
}

int pattern_reserve_log(pattern *p, uint64_t n) { return reserve(&p->log.at, &p->log.capacity, (p->log.n + n) * sizeof *p->log.at); }

/* ---- entries ----------------------------------------------------------------------------------- */

uint32_t pattern_slot(pattern *p)
{
	uint64_t slot = p->n_entries < p->n_slots ? bitset_next(&p->free, 0) : BITSET_END;
	if (slot == BITSET_END) {
		p->alive[p->n_slots] = 0;
		return (uint32_t)p->n_slots++;
	}
	bitset_unset(&p->free, slot);
	return (uint32_t)slot;
}

void pattern_set(pattern *p, uint32_t row, uint32_t col, uint32_t slot, bool alive)
{
	p->row[slot] = row;
	p->col[slot] = col;
	p->n_entries += (uint64_t)alive - p->alive[slot];
	p->alive[slot] = alive;
	p->in_order = false;
}

static const entry_place nowhere = {LISTS_NONE, LISTS_NONE};

int pattern_put(pattern *p, uint32_t row, uint32_t col, uint32_t slot, const entry_place *near)
{
	near = near ? near : &nowhere;
	if (lists_add(&p->rows, row, col, slot, near->in_row))
		return -1;
	if (p->columns && lists_add(&p->cols, col, row, slot, near->in_col)) {
		lists_remove(&p->rows, row, col, near->in_row);
		return -1;
	}
	pattern_set(p, row, col, slot, true);
	return 0;
}

void pattern_take(pattern *p, uint32_t slot, const entry_place *near)
{
	uint32_t row = p->row[slot], col = p->col[slot];
	near = near ? near : &nowhere;
	lists_remove(&p->rows, row, col, near->in_row);
	if (p->columns)
		lists_remove(&p->cols, col, row, near->in_col);
	pattern_set(p, row, col, slot, false);
}

static bool find_order(const pattern *p)
{
	for (uint64_t at = 0; at < p->n_entries; at++)
		if (p->rows.mate[at] != at)
			return false;
	return true;
}

void pattern_sort(pattern *p)
{
	lists_fill(&p->rows, p->n_slots, p->row, p->col, p->alive);
	if (p->columns)
		lists_fill(&p->cols, p->n_slots, p->col, p->row, p->alive);
	p->in_order = find_order(p);
}

void pattern_clear_holes(const pattern *p, uint8_t *values, size_t element)
{
	for (uint64_t slot = 0; slot < p->n_slots && pattern_holes(p); slot++)
		if (!p->alive[slot])
			memset(values + slot * element, 0, element);
}

void pattern_leave_out_holes(const pattern *p, bitset *slots)
{
	if (!pattern_holes(p))
		return;
	BITSET_FOR(slots, slot)
		if (!p->alive[slot])
			bitset_unset(slots, slot);
}

void pattern_pack(const pattern *p, const uint8_t *values, size_t element, uint8_t *to)
{
	if (p->in_order) {
		if (p->n_entries > 0 && element > 0)
			memcpy(to, values, p->n_entries * element);
		return;
	}
	PATTERN_FOR(p, slot) {
		memcpy(to, values + slot * element, element);
		to += element;
	}
}

/* ---- epochs ------------------------------------------------------------------------------------ */

/* Makes a change, or (back) takes it back. sorted: the lists do not matter. */
static int replay(pattern *p, const entry_change *c, bool back, bool sorted)
{
	bool alive = (c->gone != 0) == back;
	if (sorted)
		pattern_set(p, c->row, c->col, c->slot, alive);
	else if (alive)
		return pattern_put(p, c->row, c->col, c->slot, NULL);
	else
		pattern_take(p, c->slot, NULL);
	return 0;
}

void pattern_undo(pattern *p)
{
	pattern_log *log = &p->log;
	bool sort = log->all, changed = log->n > 0;
	while (log->n > 0) {
		const entry_change *c = &log->at[--log->n];
		if (!sort && replay(p, c, true, false))
			sort = true; /* without memory: their old places in the lists are sure to hold all entries, sorted */
		if (sort)
			replay(p, c, true, true);
		if (!c->gone)
			bitset_set(&p->free, c->slot);
	}
	if (sort && changed)
		pattern_sort(p);
	if (changed)
		p->in_order = log->was_in_order;
	log->all = false;
}

void pattern_keep(pattern *p)
{
	for (size_t i = 0; i < p->log.n; i++)
		if (p->log.at[i].gone)
			bitset_set(&p->free, p->log.at[i].slot);
}

/* All that lists of entries are made of; the copy gives out no slots itself. */
static int copy_pattern(pattern *to, const pattern *from)
{
	if (pattern_reserve(to, from->n_slots) || pattern_reserve_lists(to, from->n_entries))
		return -1;
	if (from->n_slots) {
		memcpy(to->row, from->row, from->n_slots * sizeof *to->row);
		memcpy(to->col, from->col, from->n_slots * sizeof *to->col);
		memcpy(to->alive, from->alive, from->n_slots);
	}
	to->n_slots = from->n_slots;
	to->n_entries = from->n_entries;
	to->in_order = from->in_order;
	if (to->columns && !from->columns)
		lists_fill(&to->cols, to->n_slots, to->col, to->row, to->alive);
	return lists_copy(&to->rows, &from->rows) || (to->columns && from->columns && lists_copy(&to->cols, &from->cols)) ? -1 : 0;
}

static int follow(pattern *prev, const pattern *p)
{
	if (prev->lost || p->log.all)
		return copy_pattern(prev, p);
	if (pattern_reserve(prev, p->n_slots))
		return -1;
	for (; prev->n_slots < p->n_slots; prev->n_slots++)
		prev->alive[prev->n_slots] = 0;
	for (size_t i = 0; i < p->log.n; i++)
		if (replay(prev, &p->log.at[i], false, false))
			return -1;
	return 0;
}

int pattern_begin(pattern *p, pattern *prev, uint64_t epoch)
{
	if (prev && (prev->lost || (prev->synced < p->log.epoch && p->log.n > 0))) {
		prev->lost = follow(prev, p) != 0;
		if (prev->lost)
			return -1;
		if (prev->synced < p->log.epoch) {
			pattern_log log = prev->log;
			prev->log = p->log;
			p->log = log;
			prev->synced = prev->log.epoch;
		}
	}
	if (prev && prev->log.epoch + 1 != epoch)
		prev->log.n = 0;
	p->log.n = 0;
	p->log.all = false;
	p->log.epoch = epoch;
	p->log.was_in_order = p->in_order;
	return 0;
}
