/* changes.c - what a commit changed in the pages that are watched: a copy of each page as it was, compared after the commit. */
#include <stdlib.h>
#include <string.h>

#include "instance.h"

typedef struct watch {
	bool on;
	uint8_t *values;        /* as they were */
	pattern *pat;
	size_t cap_values;
	uint64_t *index, *row, *col;
	uint8_t *deleted, *fresh; /* fresh: the new values */
	size_t cap_index, cap_row, cap_col, cap_deleted, cap_fresh;
	mmsb_changes_view view;
} watch;

static int keep_copy(mmsb_instance *m, page *p, watch *w, mmsb_error *err)
{
	size_t n = p->count * p->element;
	const uint8_t *now = page_packed(m, p);
	if ((n && !now) || reserve(&w->values, &w->cap_values, n))
		return fail_memory(err, n, "watching a page");
	if (n)
		memcpy(w->values, now, n);
	if (w->pat != p->pat) {
		pattern_release(w->pat);
		w->pat = pattern_retain(p->pat);
	}
	return MMSB_OK;
}

int mmsb_watch(mmsb_instance *m, int id, mmsb_error *err)
{
	if (id < 0 || (uint32_t)id >= m->sch->n_pages || !(m->sch->pages[id].flags & PAGEF_STORED))
		return fail(err, MMSB_NAME, "there is no stored page number %d to watch", id);
	int status = mmsb_bind(m, err);
	if (status)
		return status;
	if (!m->watches)
		m->watches = calloc(m->sch->n_pages, sizeof *m->watches);
	if (!m->watches)
		return fail_memory(err, m->sch->n_pages * sizeof *m->watches, "watching pages");
	status = keep_copy(m, &m->pages[id], &m->watches[id], err);
	if (!status)
		m->watches[id].on = true;
	return status;
}

static int no_room(mmsb_error *err) { return fail_memory(err, 64, "the changes of a page"); }

/* One change more: room in every list. */
static int make_room(watch *w, const page *p, uint64_t n)
{
	bool sparse = p->pat != NULL;
	return reserve(&w->fresh, &w->cap_fresh, n * p->element + 1) ||
	       (sparse ? reserve(&w->row, &w->cap_row, n * sizeof *w->row) || reserve(&w->col, &w->cap_col, n * sizeof *w->col) ||
	                         reserve(&w->deleted, &w->cap_deleted, n)
	               : reserve(&w->index, &w->cap_index, n * sizeof *w->index));
}

static int compare_dense(mmsb_instance *m, page *p, watch *w, mmsb_error *err)
{
	const uint8_t *now = page_packed(m, p);
	size_t width = p->element;
	if (p->count && !now)
		return no_room(err);
	for (uint64_t i = 0; i < p->count; i++) {
		if (memcmp(now + i * width, w->values + i * width, width) == 0)
			continue;
		uint64_t n = w->view.count;
		if (make_room(w, p, n + 1))
			return no_room(err);
		w->index[n] = i;
		memcpy(w->fresh + n * width, now + i * width, width);
		w->view.count++;
	}
	return MMSB_OK;
}

static int note_entry(watch *w, const page *p, uint64_t row, uint64_t col, const uint8_t *value, mmsb_error *err)
{
	uint64_t n = w->view.count;
	if (make_room(w, p, n + 1))
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

static uint64_t entry_key(const pattern *p, uint64_t e) { return e < p->n_entries ? (uint64_t)p->row[e] << 32 | p->col[e] : UINT64_MAX; }

static int compare_sparse(page *p, watch *w, mmsb_error *err)
{
	uint64_t a = 0, b = 0; /* entries as they were, and now */
	int status = MMSB_OK;
	while (!status && (a < w->pat->n_entries || b < p->pat->n_entries)) {
		uint64_t old = entry_key(w->pat, a), now = entry_key(p->pat, b);
		const uint8_t *value = p->cur + b * p->element;
		if (old < now)
			status = note_entry(w, p, old >> 32, old & UINT32_MAX, NULL, err);
		else if (now < old || (p->element && memcmp(value, w->values + a * p->element, p->element) != 0))
			status = note_entry(w, p, now >> 32, now & UINT32_MAX, value, err);
		a += old <= now;
		b += now <= old;
	}
	return status;
}

int changes_collect(mmsb_instance *m, uint64_t epoch, mmsb_error *err)
{
	int status = MMSB_OK;
	for (uint32_t i = 0; m->watches && i < m->sch->n_pages && !status; i++) {
		watch *w = &m->watches[i];
		page *p = &m->pages[i];
		w->view.count = 0;
		if (!w->on || p->changed != epoch)
			continue;
		status = p->pat ? compare_sparse(p, w, err) : compare_dense(m, p, w, err);
		if (!status)
			status = keep_copy(m, p, w, err);
	}
	return status;
}

int mmsb_changes(mmsb_instance *m, int id, mmsb_changes_view *out)
{
	memset(out, 0, sizeof *out);
	if (id < 0 || (uint32_t)id >= m->sch->n_pages || !m->watches || !m->watches[id].on)
		return MMSB_NAME;
	watch *w = &m->watches[id];
	bool sparse = m->pages[id].pat != NULL;
	*out = (mmsb_changes_view){
		.count = w->view.count,
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
	for (uint32_t i = 0; m->watches && i < m->sch->n_pages; i++) {
		watch *w = &m->watches[i];
		free(w->values);
		pattern_release(w->pat);
		free(w->index);
		free(w->row);
		free(w->col);
		free(w->deleted);
		free(w->fresh);
	}
	free(m->watches);
	m->watches = NULL;
}
