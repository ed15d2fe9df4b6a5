/* buffers.c - what changed in which epoch, and the second buffers of pages: for `prev`, and for putting back what a failed epoch
 * changed.
 *
 * A second buffer holds the values at the end of the epoch before. It is brought there at the beginning of an epoch by copying what
 * changed in the last one; where that is most of a page the two buffers change places instead, and cur is `behind` until its pass
 * has written all of it or caught up. */
#include <stdlib.h>
#include <string.h>

#include "saving.h"
#include "thresholds.h"

static bool is_sparse(const page *p) { return (p->def->flags & PAGEF_SPARSE) != 0; }
static size_t value_bytes(const page *p) { return p->count * p->element; }

/* ---- sets -------------------------------------------------------------------------------------- */

static change_set *sets_new(const page *p)
{
	change_set *sets = calloc(p->n_columns, sizeof *sets);
	for (uint32_t k = 0; sets && k < p->n_columns; k++)
		if (bitset_new(&sets[k].bits, p->count)) {
			while (k-- > 0)
				bitset_free(&sets[k].bits);
			free(sets);
			return NULL;
		}
	return sets;
}

static void sets_free(const page *p, change_set *sets)
{
	for (uint32_t k = 0; sets && k < p->n_columns; k++)
		bitset_free(&sets[k].bits);
	free(sets);
}

static void sets_clear(const page *p, change_set *sets)
{
	for (uint32_t k = 0; sets && k < p->n_columns; k++) {
		bitset_clear(&sets[k].bits);
		sets[k].all = false;
	}
}

int buffers_new(mmsb_instance *m, mmsb_error *err)
{
	uint32_t n = m->sch->n_pages;
	if (bitset_new(&m->touched, n) || bitset_new(&m->touched_before, n))
		return fail_memory(err, n, "what changes");
	for (uint32_t i = 0; i < n; i++) {
		page *p = &m->pages[i];
		p->n_columns = p->def->record == NONE ? 1 : m->sch->records[p->def->record].n_fields;
		if (!(p->def->flags & PAGEF_STORED))
			continue;
		p->now = sets_new(p);
		bool two = p->prev != NULL;
		if (two)
			p->before = sets_new(p);
		if (p->prev && !is_sparse(p)) { /* the first epoch begins with copying it whole */
			p->prev_lost = true;
			bitset_set(&m->touched, i);
		}
		if (!p->now || (two && !p->before))
			return fail_memory(err, bitset_bytes(p->count), "what changes in a page");
	}
	return MMSB_OK;
}

void buffers_free(mmsb_instance *m)
{
	for (uint32_t i = 0; m->pages && i < m->sch->n_pages; i++) {
		page *p = &m->pages[i];
		sets_free(p, p->now);
		sets_free(p, p->before);
		p->now = p->before = NULL;
	}
	bitset_free(&m->touched);
	bitset_free(&m->touched_before);
}

static void swap_sets(page *p)
{
	change_set *sets = p->now;
	p->now = p->before;
	p->before = sets;
}

/* ---- values ------------------------------------------------------------------------------------ */

/* Copies those elements of a column that are set. Both buffers have the page's layout. */
static void copy_column(const mmsb_instance *m, const page *p, uint32_t column_at, const change_set *set, const uint8_t *from, uint8_t *to)
{
	column c = page_column(m, p, false, p->def->record == NONE ? NONE : column_at);
	size_t offset = (size_t)(c.base - p->cur), width = type_table[c.type].bytes;
	BITSET_FOR_WORDS(&set->bits, w) {
		uint64_t bits = set->bits.level[0][w];
		size_t at = offset + w * 64 * c.stride;
		if (bits == ~(uint64_t)0 && c.stride == width) {
			memcpy(to + at, from + at, 64 * width);
			continue;
		}
		for (; bits; bits &= bits - 1) {
			size_t i = at + (size_t)__builtin_ctzll(bits) * c.stride;
			switch (width) {
			case 1: to[i] = from[i]; break;
			case 2: memcpy(to + i, from + i, 2); break;
			case 4: memcpy(to + i, from + i, 4); break;
			default: memcpy(to + i, from + i, 8); break;
			}
		}
	}
}

/* Makes `to` equal to `from`, which differ in what is in the sets: the page's buffers. */
static void copy_changes(const mmsb_instance *m, const page *p, const change_set *sets, const uint8_t *from, uint8_t *to)
{
	if (p->element == 0)
		return;
	for (uint32_t k = 0; k < p->n_columns; k++) {
		if (sets[k].all) {
			saving_whole(m, p, to);
			memcpy(to, from, value_bytes(p));
			return;
		}
		saving_column(m, p, to == p->prev, p->def->record == NONE ? NONE : k, &sets[k].bits);
		copy_column(m, p, k, &sets[k], from, to);
	}
}

static void swap_buffers(page *p)
{
	uint8_t *values = p->cur;
	p->cur = p->prev;
	p->prev = values;
}

static bool most_changed(const page *p)
{
	return !is_sparse(p) && p->def->pass != NONE && p->n_columns == 1 && p->count >= SWAP_LEAST &&
	       (p->before->all || bitset_above(&p->before->bits, p->count / SWAP_SHARE));
}

static void begin_values(const mmsb_instance *m, page *p)
{
	if (!p->prev)
		return;
	if (p->stays || p->away) {
		p->prev_lost = true; /* the device puts back what it has changed */
	} else if (p->prev_lost) {
		saving_whole(m, p, p->prev);
		if (value_bytes(p))
			memcpy(p->prev, p->cur, value_bytes(p));
		p->prev_lost = false;
	} else if (most_changed(p)) {
		swap_buffers(p);
		p->behind = true;
	} else {
		copy_changes(m, p, p->before, p->cur, p->prev);
	}
}

void buffers_catch_up(const mmsb_instance *m, page *p)
{
	if (!p->behind)
		return;
	saving_whole(m, p, p->cur);
	memcpy(p->cur, p->prev, value_bytes(p));
	p->behind = false;
}

/* ---- epochs ------------------------------------------------------------------------------------ */

void buffers_begin(mmsb_instance *m)
{
	BITSET_FOR(&m->touched_before, i)
		sets_clear(&m->pages[i], m->pages[i].before);
	bitset_clear(&m->touched_before);
	BITSET_FOR(&m->touched, i) {
		page *p = &m->pages[i];
		p->changed_before = p->changed;
		if (!p->before) {
			sets_clear(p, p->now);
			continue;
		}
		swap_sets(p);
		bitset_set(&m->touched_before, i);
		begin_values(m, p);
	}
	bitset_clear(&m->touched);
}

void buffers_forget_marks(mmsb_instance *m)
{
	BITSET_FOR(&m->touched, i)
		sets_clear(&m->pages[i], m->pages[i].now);
	bitset_clear(&m->touched);
	for (uint32_t i = 0; i < m->sch->n_pages; i++)
		if (m->pages[i].prev_lost)
			bitset_set(&m->touched, i);
}

void buffers_roll_back(mmsb_instance *m)
{
	BITSET_FOR(&m->touched, i) {
		page *p = &m->pages[i];
		bool derived = p->def->pass != NONE;
		if (derived && p->prev && !p->behind && !p->prev_lost)
			copy_changes(m, p, p->now, p->prev, p->cur);
		sets_clear(p, p->now);
	}
	bitset_clear(&m->touched);
	BITSET_FOR(&m->touched_before, i) {
		page *p = &m->pages[i];
		if (p->behind) { /* cur, which the epoch was to write, becomes the second buffer again */
			swap_buffers(p);
			p->behind = false;
			p->prev_lost = true;
		}
		swap_sets(p);
		bitset_set(&m->touched, i);
	}
	bitset_clear(&m->touched_before);
}
