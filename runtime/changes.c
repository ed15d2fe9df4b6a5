/* changes.c - what a commit changed in the pages that are watched: what is marked in the page's sets, with its values. */
#include <stdlib.h>
#include <string.h>

#include "instance.h"
#include "sort.h"

typedef struct watch {
	bool on;
	struct marked *marked;    /* sparse: room for sorting */
	uint64_t *index, *row, *col;
	uint8_t *deleted, *fresh; /* fresh: the new values */
	size_t cap_index, cap_row, cap_col, cap_deleted, cap_fresh, cap_marked;
	mmsb_changes_view view;
} watch;

typedef struct watches {
	uint64_t commit;          /* that the views are of, as mmsb_instance.commits counts */
	watch *pages;             /* by page */
	uint32_t *on, n_on;       /* the pages that are watched */
	uint32_t *changed, n_changed; /* those of which the views hold something */
} watches;

static watches *watches_new(uint32_t n_pages)
{
	watches *all = calloc(1, sizeof *all);
	if (!all)
		return NULL;
	all->pages = calloc(n_pages, sizeof *all->pages);
	all->on = calloc(n_pages, sizeof *all->on);
	all->changed = calloc(n_pages, sizeof *all->changed);
	if (all->pages && all->on && all->changed)
		return all;
	free(all->pages);
	free(all->on);
	free(all->changed);
	free(all);
	return NULL;
}

int mmsb_watch(mmsb_instance *m, int id, mmsb_error *err)
{
	if (id < 0 || (uint32_t)id >= m->sch->n_pages || !(m->sch->pages[id].flags & PAGEF_STORED))
		return fail(err, MMSB_NAME, "there is no stored page number %d to watch", id);
	int status = mmsb_bind(m, err);
	if (status)
		return status;
	if (!m->watches && !(m->watches = watches_new(m->sch->n_pages)))
		return fail_memory(err, m->sch->n_pages * sizeof(watch), "watching pages");
	watch *w = &m->watches->pages[id];
	status = lazy_settle(m, &m->pages[id], err);
	if (!w->on && !status) {
		m->watches->on[m->watches->n_on++] = (uint32_t)id;
		w->on = true;
		m->pages[id].watched = true;
		lazy_plan(m);
	}
	return status;
}

static int no_room(mmsb_error *err) { return fail_memory(err, 64, "the changes of a page"); }

/* ---- dense pages ---- */

/* Room for n changes in all. */
static int dense_room(watch *w, const page *p, uint64_t n)
{
	return reserve(&w->fresh, &w->cap_fresh, n * p->element + 1) || reserve(&w->index, &w->cap_index, n * sizeof *w->index);
}

/* One element more, which there is room for. */
static void note_element(const mmsb_instance *m, watch *w, const page *p, uint64_t at)
{
	uint64_t n = w->view.count++;
	w->index[n] = at;
	page_pack(m, p, at, 1, w->fresh + n * p->element);
}

/* Every element that is not zero or, as `all`, every one: where the sets do not know what there was before. */
static int collect_whole(const mmsb_instance *m, watch *w, const page *p, bool all, mmsb_error *err)
{
	if (dense_room(w, p, p->count + 1)) /* one more, to write to and see */
		return no_room(err);
	for (uint64_t i = 0; i < p->count; i++) {
		note_element(m, w, p, i);
		const uint8_t *value = w->fresh + (w->view.count - 1) * p->element;
		bool zero = value[0] == 0 && memcmp(value, value + 1, p->element - 1) == 0;
		w->view.count -= zero && !all;
	}
	return MMSB_OK;
}

/* The first word from `w` on that has a bit in the set of some column, or BITSET_END. */
static uint64_t next_word(const page *p, uint64_t w)
{
	uint64_t first = BITSET_END;
	for (uint32_t k = 0; k < p->n_columns; k++) {
		uint64_t next = bitset_next_word(&p->now[k].bits, w);
		first = next < first ? next : first;
	}
	return first;
}

static int collect_marked(const mmsb_instance *m, watch *w, const page *p, mmsb_error *err)
{
	for (uint64_t at = next_word(p, 0); at != BITSET_END; at = next_word(p, at + 1)) {
		uint64_t bits = 0;
		for (uint32_t k = 0; k < p->n_columns; k++)
			bits |= p->now[k].bits.level[0][at];
		if (dense_room(w, p, w->view.count + 64))
			return no_room(err);
		for (; bits; bits &= bits - 1)
			note_element(m, w, p, at * 64 + (uint64_t)__builtin_ctzll(bits));
	}
	return MMSB_OK;
}

/* An epoch before this one ran out of memory: nobody knows what it left in a page of one buffer. */
static bool is_unknown(const mmsb_instance *m, const page *p) { return m->stale && p->def->pass != NONE && !p->before; }

/* Zero until the first epoch, which began it with the value of a source. */
static bool is_from_zero(const page *p, uint64_t epoch) { return epoch == 1 && p->def->pass != NONE && p->def->init_page != NONE; }

static int collect_dense(const mmsb_instance *m, watch *w, const page *p, uint64_t epoch, mmsb_error *err)
{
	bool all = is_unknown(m, p);
	for (uint32_t k = 0; k < p->n_columns; k++)
		all |= p->now[k].all;
	return all || is_from_zero(p, epoch) ? collect_whole(m, w, p, all, err) : collect_marked(m, w, p, err);
}

/* ---- sparse pages ---- */

static int sparse_room(watch *w, const page *p, uint64_t n)
{
	return reserve(&w->fresh, &w->cap_fresh, n * p->element + 1) || reserve(&w->row, &w->cap_row, n * sizeof *w->row) ||
	       reserve(&w->col, &w->cap_col, n * sizeof *w->col) || reserve(&w->deleted, &w->cap_deleted, n);
}

static int note_entry(watch *w, const page *p, uint64_t row, uint64_t col, const uint8_t *value, mmsb_error *err)
{
	uint64_t n = w->view.count;
	if (sparse_room(w, p, n + 1))
		return no_room(err);
	w->row[n] = row;
	w->col[n] = col;
	w->deleted[n] = value == NULL;
	if (value && p->element)
		memcpy(w->fresh + n * p->element, value, p->element);
	else if (p->element)
		memset(w->fresh + n * p->element, 0, p->element);
	w->view.count++;
	return MMSB_OK;
}

typedef struct marked {
	uint64_t key;           /* row << 32 | column */
	uint64_t slot;
} marked;

DEFINE_SORT(sort_by_key, marked)

/* The entry at this slot may be another, or gone. Where the set does not know (all), those that came or went are marked still. */
static bool is_marked(const page *p, uint64_t slot, bool all)
{
	return bitset_test(&p->now[0].bits, slot) || (all && p->pat->alive[slot]);
}

/* Entries of which the value is another now, and those that came or went, by row and column. */
static int sort_marked(const page *p, watch *w, bool all, size_t *out, mmsb_error *err)
{
	size_t n = 0;
	bool sorted = true;
	for (uint64_t slot = all ? 0 : bitset_next(&p->now[0].bits, 0); slot < p->count;
	     slot = all ? slot + 1 : bitset_next(&p->now[0].bits, slot + 1)) {
		if (!is_marked(p, slot, all))
			continue;
		if (reserve(&w->marked, &w->cap_marked, 2 * (n + 1) * sizeof *w->marked)) /* the other half is for sorting */
			return no_room(err);
		w->marked[n] = (marked){(uint64_t)p->pat->row[slot] << 32 | p->pat->col[slot], slot};
		sorted &= n == 0 || w->marked[n - 1].key < w->marked[n].key;
		n++;
	}
	if (!sorted)
		sort_by_key(w->marked, w->marked + n, n);
	*out = n;
	return MMSB_OK;
}

static int collect_sparse(const mmsb_instance *m, const page *p, watch *w, mmsb_error *err)
{
	size_t n = 0;
	int status = sort_marked(p, w, p->now[0].all || is_unknown(m, p), &n, err);
	for (size_t i = 0; i < n && !status; i++) {
		const marked *at = &w->marked[i];
		const uint8_t *value = p->pat->alive[at->slot] ? p->cur + at->slot * p->element : NULL;
		status = note_entry(w, p, at->key >> 32, at->key & UINT32_MAX, value, err);
	}
	return status;
}

/* ---- of an epoch ---- */

int changes_collect(mmsb_instance *m, uint64_t epoch, mmsb_error *err)
{
	int status = MMSB_OK;
	if (m->watches)
		m->watches->n_changed = 0;
	for (uint32_t i = 0; m->watches && i < m->watches->n_on && !status; i++) {
		watch *w = &m->watches->pages[m->watches->on[i]];
		page *p = &m->pages[m->watches->on[i]];
		w->view.count = 0;
		if (p->changed != epoch && !is_unknown(m, p) && !is_from_zero(p, epoch))
			continue;
		status = p->pat ? collect_sparse(m, p, w, err) : collect_dense(m, w, p, epoch, err);
		if (w->view.count > 0)
			m->watches->changed[m->watches->n_changed++] = p->id;
	}
	if (m->watches && !status)
		m->watches->commit = m->commits;
	return status;
}

bool changes_watched(const mmsb_instance *m) { return m->watches && m->watches->n_on > 0; }

uint32_t changes_pages(const mmsb_instance *m)
{
	return m->watches && m->watches->commit == m->commits ? m->watches->n_changed : 0;
}

int changes_page(const mmsb_instance *m, uint32_t i) { return (int)m->watches->changed[i]; }

int mmsb_changes(mmsb_instance *m, int id, mmsb_changes_view *out)
{
	memset(out, 0, sizeof *out);
	if (id < 0 || (uint32_t)id >= m->sch->n_pages || !m->watches || !m->watches->pages[id].on)
		return MMSB_NAME;
	watch *w = &m->watches->pages[id];
	bool sparse = m->pages[id].pat != NULL;
	*out = (mmsb_changes_view){
		.count = m->watches->commit == m->commits ? w->view.count : 0, /* what failed changed nothing */
		.index = sparse ? NULL : w->index,
		.row = sparse ? w->row : NULL,
		.col = sparse ? w->col : NULL,
		.deleted = sparse ? w->deleted : NULL,
		.values = m->pages[id].element ? w->fresh : NULL,
	};
	return MMSB_OK;
}

void changes_free(mmsb_instance *m)
{
	for (uint32_t i = 0; m->watches && i < m->watches->n_on; i++) {
		watch *w = &m->watches->pages[m->watches->on[i]];
		free(w->marked);
		free(w->index);
		free(w->row);
		free(w->col);
		free(w->deleted);
		free(w->fresh);
	}
	if (m->watches) {
		free(m->watches->pages);
		free(m->watches->on);
		free(m->watches->changed);
	}
	free(m->watches);
	m->watches = NULL;
}
