/* info.c - what there is to know and to read of an instance's pages. */
#include <stdlib.h>
#include <string.h>

#include "instance.h"

_Static_assert((int)MMSB_F64 == (int)T_F64 && (int)MMSB_RECORD == (int)T_COUNT, "mmsb.h names the rows of types.def");

int mmsb_page_count(mmsb_instance *m) { return (int)m->sch->n_pages; }

int mmsb_page(mmsb_instance *m, const char *name)
{
	for (uint32_t i = 0; i < m->sch->n_pages; i++)
		if (strcmp(sch_text(m->sch, m->sch->pages[i].name), name) == 0)
			return (int)i;
	return -1;
}

static page *stored_page(mmsb_instance *m, int id)
{
	bool there = m->bound && id >= 0 && (uint32_t)id < m->sch->n_pages && (m->sch->pages[id].flags & PAGEF_STORED);
	return there ? &m->pages[id] : NULL;
}

int mmsb_page_info(mmsb_instance *m, int id, mmsb_info *info)
{
	memset(info, 0, sizeof *info);
	if (id < 0 || (uint32_t)id >= m->sch->n_pages)
		return MMSB_NAME;
	const sch_page *d = &m->sch->pages[id];
	const page *p = &m->pages[id];
	*info = (mmsb_info){
		.name = sch_text(m->sch, d->name),
		.type = d->type,
		.role = d->role,
		.sparse = (d->flags & PAGEF_SPARSE) != 0,
		.stored = (d->flags & PAGEF_STORED) != 0,
		.is_index = d->index_size != NONE,
		.ndim = d->ndim,
	};
	if (d->record != NONE) {
		info->n_fields = m->sch->records[d->record].n_fields;
		info->fields = &m->fields[m->sch->records[d->record].first_field];
	}
	info->element = d->record != NONE ? m->sch->records[d->record].size : type_table[d->type].bytes;
	if (!m->bound)
		return MMSB_OK;
	info->range = d->index_size != NONE ? (uint64_t)m->sizes[d->index_size] : 0;
	for (uint32_t k = 0; k < d->ndim; k++)
		info->shape[k] = (uint64_t)p->dims[k];
	info->count = p->pat ? p->pat->n_entries : p->count;
	info->element = p->element;
	return MMSB_OK;
}

const void *mmsb_data(mmsb_instance *m, int id)
{
	page *p = stored_page(m, id);
	if (p && lazy_settle(m, p, NULL))
		return NULL;
	return p && !(p->pat && p->element == 0) ? page_packed(m, p) : NULL;
}

int mmsb_entries(mmsb_instance *m, int id, const uint64_t **row, const uint64_t **col, mmsb_error *err)
{
	page *p = stored_page(m, id);
	if (!p || !p->pat)
		return fail(err, MMSB_TYPE, "page number %d has no entries: it is not sparse, or nothing is bound yet", id);
	uint64_t n = p->pat->n_entries, *out;
	if (reserve(&p->packed, &p->packed_capacity, n * (2 * sizeof *out + p->element)))
		return fail_memory(err, 2 * n * sizeof *out, "the entries of a page");
	out = p->packed;
	uint64_t e = 0;
	PATTERN_FOR(p->pat, slot) {
		out[e] = p->pat->row[slot];
		out[n + e++] = p->pat->col[slot];
	}
	*row = out;
	*col = out ? out + n : NULL;
	return MMSB_OK;
}

void mmsb_stats_get(mmsb_instance *m, mmsb_stats *out)
{
	latch_enter(&m->lock);
	*out = m->stats; /* whose last fields are zero */
	latch_leave(&m->lock);
	out->n_passes = m->sch->n_passes;
	out->passes = m->pass_stats;
	out->portable_because = native_why_not(m);
	for (uint32_t i = 0; i < m->sch->n_passes; i++)
		out->native_functions += native_functions(m, i);
}
