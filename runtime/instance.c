/* instance.c - instances: creation, binding of sizes, the memory of pages, and what there is to know of a page. */
#include "device.h"
#include "instance.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "events.h"
#include "kernels.h"
#include "pass_facts.h"

int reserve_more(void *buffer_address, size_t *capacity, size_t bytes)
{
	void *old, *grown;
	memcpy(&old, buffer_address, sizeof old);
	size_t want = *capacity + *capacity / 2;
	want = want < bytes ? bytes : want;
	want = want < 256 ? 256 : want;
	grown = realloc(old, want);
	if (!grown)
		return -1;
	memcpy(buffer_address, &grown, sizeof grown);
	*capacity = want;
	return 0;
}

/* ---- columns ---- */

column page_column(const mmsb_instance *m, const page *p, bool prev, uint32_t field)
{
	const sch_page *d = p->def;
	uint8_t *base = prev ? p->prev : p->cur;
	if (d->record == NONE)
		return (column){base, p->element, d->type};
	const sch_field *f = &m->sch->fields[m->sch->records[d->record].first_field + field];
	if (d->flags & PAGEF_SOA)
		return (column){base + p->count * f->offset, type_table[f->type].bytes, f->type};
	return (column){base + f->offset, p->element, f->type};
}

void page_pack(const mmsb_instance *m, const page *p, uint64_t first, uint64_t n, uint8_t *to)
{
	if (n == 0)
		return; /* perhaps there is no memory to write to */
	if (p->def->record == NONE || !(p->def->flags & PAGEF_SOA)) {
		memcpy(to, p->cur + first * p->element, n * p->element);
		return;
	}
	memset(to, 0, n * p->element); /* what lies between fields */
	const sch_record *r = &m->sch->records[p->def->record];
	for (uint32_t k = 0; k < r->n_fields; k++) {
		column c = page_column(m, p, false, k);
		uint32_t offset = m->sch->fields[r->first_field + k].offset;
		size_t width = type_table[c.type].bytes;
		for (uint64_t i = 0; i < n; i++)
			memcpy(to + i * p->element + offset, c.base + (first + i) * c.stride, width);
	}
}

const uint8_t *page_packed(mmsb_instance *m, page *p)
{
	if (p->pat && !p->pat->in_order) {
		size_t entries = p->pat->n_entries * 2 * sizeof(uint64_t); /* info.c: their rows and columns come first */
		if (reserve(&p->packed, &p->packed_capacity, entries + p->pat->n_entries * p->element))
			return NULL;
		pattern_pack(p->pat, p->cur, p->element, (uint8_t *)p->packed + entries);
		return (uint8_t *)p->packed + entries;
	}
	if (p->def->record == NONE || !(p->def->flags & PAGEF_SOA))
		return p->cur;
	if (reserve(&p->packed, &p->packed_capacity, p->count * p->element))
		return NULL;
	page_pack(m, p, 0, p->count, p->packed);
	return p->packed;
}

/* ---- creation ---- */

/* Lets go of what pages own; they are as before binding. */
static void release_pages(mmsb_instance *m)
{
	buffers_free(m);
	passes_free(m);
	for (uint32_t i = 0; m->pages && i < m->sch->n_pages; i++) {
		page *p = &m->pages[i];
		if (p->def && (p->def->flags & PAGEF_SPARSE)) {
			free(p->cur);
			free(p->prev);
			if (p->def->like == NONE) {
				pattern_free(p->pat);
				pattern_free(p->prev_pat);
			}
		}
		page_indexes_free(p);
		free(p->packed);
	}
	arena_free(&m->arena);
	if (m->pages)
		memset(m->pages, 0, m->sch->n_pages * sizeof *m->pages);
}

void mmsb_instance_free(mmsb_instance *m)
{
	if (!m)
		return;
	if (m->journal.ops)
		m->journal.ops->gone(m->journal.at);
	if (m->executor)
		executor_free(m->executor);
	if (m->device)
		m->device_ops->close(m->device);
	undo_free(m);
	digest_free(m);
	readers_free(m);
	changes_free(m);
	events_free(m);
	staging_free(m->open, m->sch->n_pages);
	staging_free(m->staging, m->sch->n_pages);
	release_pages(m);
	free(m->pages);
	free(m->fields);
	sizes_free(m);
	free(m->pass_stats);
	if (m->has_turn)
		turn_destroy(&m->turn);
	mmsb_schedule_close(m->owner);
	free(m);
}

static int default_threads(const mmsb_options *options)
{
	int n = options->threads;
#ifdef _OPENMP
	return n > 0 ? n : omp_get_num_procs();
#else
	return n > 0 ? n : 1;
#endif
}

int mmsb_instance_new(mmsb_instance **out, mmsb_schedule *owner, const mmsb_options *options, mmsb_error *err)
{
	*out = NULL;
	mmsb_instance *m = calloc(1, sizeof *m);
	if (!m)
		return fail_memory(err, sizeof *m, "an instance");
	const schedule *s = m->sch = &owner->tables;
	m->owner = owner;
	schedule_retain(owner);
	if (options)
		memcpy(&m->options, options, options->size < sizeof *options ? options->size : sizeof *options);
	m->has_turn = turn_init(&m->turn);
	m->kernels = kernel_table_pick();
	m->threads = default_threads(&m->options);
	m->sizes = calloc((size_t)s->n_sizes + 1, sizeof *m->sizes);
	m->params = calloc((size_t)s->n_params + 1, sizeof *m->params);
	m->param_known = calloc((size_t)s->n_params + 1, 1);
	m->param_from = calloc((size_t)s->n_params + 1, sizeof *m->param_from);
	m->pages = calloc((size_t)s->n_pages + 1, sizeof *m->pages);
	m->pass_stats = calloc((size_t)s->n_passes + 1, sizeof *m->pass_stats);
	m->fields = calloc((size_t)s->n_fields + 1, sizeof *m->fields);
	m->open = staging_new(s->n_pages);
	m->staging = staging_new(s->n_pages);
	if (!m->has_turn || !m->sizes || !m->params || !m->param_known || !m->param_from || !m->pages || !m->pass_stats ||
	    !m->fields || !m->open || !m->staging) {
		mmsb_instance_free(m);
		return fail_memory(err, s->n_pages * sizeof *m->pages, "an instance");
	}
	for (uint32_t i = 0; i < s->n_pages; i++)
		m->has_state |= (s->pages[i].flags & PAGEF_PREV) != 0;
	for (uint32_t i = 0; i < s->n_passes; i++) {
		m->pass_stats[i].name = sch_text(s, s->pages[s->passes[i].page].name);
		m->can_fail |= pass_can_fail(s, &s->passes[i]);
		m->has_state |= s->passes[i].kind == PASS_FIX_NUMERIC;
	}
	for (uint32_t i = 0; i < s->n_fields; i++) {
		const sch_field *f = &s->fields[i];
		m->fields[i] = (mmsb_field){.name = sch_text(s, f->name), .type = f->type, .is_index = f->index_size != NONE, .offset = f->offset};
	}
	int status = native_choose(m, err);
	if (!status)
		status = device_choose(m, err);
	if (status) {
		mmsb_instance_free(m);
		return status;
	}
	*out = m;
	return MMSB_OK;
}

/* ---- binding ---- */

/* Two buffers: what is read with prev or is state, and what an epoch that fails must put back. */
static bool has_two(const mmsb_instance *m, const sch_page *d)
{
	return (d->flags & (PAGEF_PREV | PAGEF_STATE)) || ((m->can_fail || m->has_state) && d->pass != NONE);
}

static int too_large(const mmsb_instance *m, const sch_page *d, mmsb_error *err)
{
	return fail(err, MMSB_MEMORY, "page %s is too large for this machine", sch_text(m->sch, d->name));
}

static int shape_page(mmsb_instance *m, page *p, mmsb_error *err)
{
	const sch_page *d = p->def;
	uint64_t count = 1;
	for (uint32_t k = d->ndim; k-- > 0;) {
		p->dims[k] = m->sizes[d->dims[k]];
		p->strides[k] = (int64_t)count;
		if (__builtin_mul_overflow(count, (uint64_t)p->dims[k], &count) || count > INT64_MAX / 8)
			return too_large(m, d, err);
	}
	bool sparse = (d->flags & PAGEF_SPARSE) != 0;
	p->element = d->record != NONE ? m->sch->records[d->record].size : sparse && d->type == T_BOOL && d->like == NONE ? 0 : type_table[d->type].bytes;
	p->count = sparse ? 0 : count;
	uint64_t most = d->index_size != NONE ? (uint64_t)m->sizes[d->index_size] : 0;
	if (most > UINT64_C(1) << 32 || (sparse && (p->dims[0] >= UINT32_MAX || p->dims[1] >= UINT32_MAX)) ||
	    (d->index_size != NONE && p->count > UINT32_MAX))
		return fail(err, MMSB_RANGE, "page %s: positions beyond 2^32 have no index", sch_text(m->sch, d->name));
	return MMSB_OK;
}

/* Places of all dense pages, then the memory for them. */
static int take_memory(mmsb_instance *m, mmsb_error *err)
{
	const schedule *s = m->sch;
	size_t *place = calloc(2 * (size_t)s->n_pages + 1, sizeof *place);
	if (!place)
		return fail_memory(err, 2 * s->n_pages * sizeof *place, "the plan of the pages");
	int status = MMSB_OK;
	for (uint32_t i = 0; i < s->n_pages && !status; i++) {
		page *p = &m->pages[i];
		size_t bytes;
		if (!(p->def->flags & PAGEF_STORED) || (p->def->flags & PAGEF_SPARSE))
			continue;
		if (__builtin_mul_overflow(p->count, p->element, &bytes) || arena_plan(&m->arena, bytes, &place[2 * i]) ||
		    (has_two(m, p->def) && arena_plan(&m->arena, bytes, &place[2 * i + 1])))
			status = too_large(m, p->def, err);
	}
	if (!status && arena_take(&m->arena))
		status = fail_memory(err, m->arena.bytes, "the pages of this program");
	for (uint32_t i = 0; i < s->n_pages && !status; i++) {
		page *p = &m->pages[i];
		if (!(p->def->flags & PAGEF_STORED) || (p->def->flags & PAGEF_SPARSE))
			continue;
		p->cur = m->arena.base + place[2 * i];
		if (has_two(m, p->def))
			p->prev = m->arena.base + place[2 * i + 1];
	}
	free(place);
	return status;
}

/* A pattern of its own; columns that some region goes down are kept from the beginning. */
static pattern *new_pattern(const page *p)
{
	pattern *pat = pattern_new((uint64_t)p->dims[0], (uint64_t)p->dims[1]);
	if (pat && p->def->flags & PAGEF_COLUMNS && pattern_columns(pat)) {
		pattern_free(pat);
		return NULL;
	}
	return pat;
}

static bool family_has_prev(const mmsb_instance *m, uint32_t owner)
{
	bool prev = (m->sch->pages[owner].flags & PAGEF_PREV) != 0;
	for (uint32_t i = 0; i < m->sch->n_pages; i++)
		prev |= m->sch->pages[i].like == owner && m->sch->pages[i].flags & PAGEF_PREV;
	return prev;
}

static int take_patterns(mmsb_instance *m, mmsb_error *err)
{
	for (uint32_t i = 0; i < m->sch->n_pages; i++) {
		page *p = &m->pages[i];
		if (!(p->def->flags & PAGEF_SPARSE) || p->def->like != NONE)
			continue;
		bool prev = family_has_prev(m, i);
		p->pat = new_pattern(p);
		p->prev_pat = prev ? new_pattern(p) : NULL;
		if (!p->pat || (prev && !p->prev_pat))
			return fail_memory(err, (size_t)p->dims[0] * sizeof(list_head), "the rows of a sparse page");
	}
	for (uint32_t i = 0; i < m->sch->n_pages; i++) {
		page *p = &m->pages[i];
		if (!(p->def->flags & PAGEF_SPARSE))
			continue;
		if (p->def->like != NONE) {
			p->pat = m->pages[p->def->like].pat;
			p->prev_pat = m->pages[p->def->like].prev_pat;
		}
		bool two = has_two(m, p->def); /* of one element: it is there, and grows with the pattern */
		if (!(p->def->flags & PAGEF_STORED))
			continue;
		if (reserve(&p->cur, &p->capacity, p->element + 1) || (two && reserve(&p->prev, &p->prev_capacity, p->element + 1)))
			return fail_memory(err, p->element, "the values of a sparse page");
		memset(p->cur, 0, p->capacity);
		if (two)
			memset(p->prev, 0, p->prev_capacity);
	}
	return MMSB_OK;
}

static int fill_column(const mmsb_instance *m, const page *p, uint32_t field, uint32_t index_size, scalar v, mmsb_error *err)
{
	/* Along a dimension of size 0 there is no position, and 0 stands for that (schedule.h). */
	if (index_size != NONE && p->count && v.U32 && (int64_t)v.U32 >= m->sizes[index_size])
		return fail(err, MMSB_RANGE, "page %s: its first value %" PRIu32 " is no index: it must be below %" PRId64 "%s", sch_text(m->sch, p->def->name),
		            v.U32, m->sizes[index_size], m->sizes[index_size] ? "" : " (its dimension has size 0)");
	if (v.bits == 0)
		return MMSB_OK; /* the arena is zero */
	column c = page_column(m, p, false, field);
	size_t width = type_table[c.type].bytes;
	for (uint64_t i = 0; i < p->count; i++)
		memcpy(c.base + i * c.stride, &v, width);
	return MMSB_OK;
}

/* The value before the first epoch. */
static int fill_page(mmsb_instance *m, page *p, mmsb_error *err)
{
	const sch_page *d = p->def;
	if (!(d->flags & PAGEF_STORED) || (d->flags & PAGEF_SPARSE))
		return MMSB_OK;
	const sch_record *r = d->record == NONE ? NULL : &m->sch->records[d->record];
	uint32_t n = r ? r->n_fields : 1;
	scalar *v = calloc(n, sizeof *v);
	if (!v)
		return fail_memory(err, n * sizeof *v, "first values");
	int status = d->init == NONE ? MMSB_OK : executor_constant(m, d->init, v, err);
	for (uint32_t k = 0; k < n && !status; k++) {
		uint32_t index = r ? m->sch->fields[r->first_field + k].index_size : d->index_size;
		if (d->role == PAGE_ROLE_IN || d->init != NONE) /* others are computed before they are read, or read 0 of nothing */
			status = fill_column(m, p, r ? k : NONE, index, v[k], err);
	}
	free(v);
	return status;
}

int instance_refill(mmsb_instance *m, mmsb_error *err)
{
	int status = MMSB_OK;
	for (uint32_t i = 0; i < m->sch->n_pages && !status; i++) {
		page *p = &m->pages[i];
		bool first = p->def->init_page != NONE; /* took its first values in the epoch that failed */
		if (p->def->pass == NONE || (p->before && !first) || !(p->def->flags & PAGEF_STORED))
			continue;
		if (p->count && p->element)
			memset(p->cur, 0, p->count * p->element);
		p->prev_lost = p->before != NULL;
		status = fill_page(m, p, err);
	}
	return status;
}

static int bind_pages(mmsb_instance *m, mmsb_error *err)
{
	int status = MMSB_OK;
	for (uint32_t i = 0; i < m->sch->n_pages && !status; i++) {
		m->pages[i].def = &m->sch->pages[i];
		m->pages[i].id = i;
		status = shape_page(m, &m->pages[i], err);
	}
	if (!status)
		status = take_memory(m, err);
	if (!status)
		status = take_patterns(m, err);
	for (uint32_t i = 0; i < m->sch->n_pages && !status; i++)
		status = fill_page(m, &m->pages[i], err);
	if (!status)
		status = buffers_new(m, err);
	if (!status)
		status = passes_new(m, err);
	if (!status)
		status = readers_new(m, err);
	if (!status)
		status = executor_new(m, err);
	if (!status)
		lazy_plan(m);
	return status;
}

/* Under the lock. */
static int bind_once(mmsb_instance *m, mmsb_error *err)
{
	if (m->bound)
		return MMSB_OK;
	int status = sizes_bind(m, err);
	if (status)
		return status;
	status = bind_pages(m, err);
	if (status) { /* as before: sizes may be given again */
		if (m->executor)
			executor_free(m->executor);
		m->executor = NULL;
		readers_free(m);
		release_pages(m);
		return status;
	}
	for (uint32_t i = 0; i < m->sch->n_fields; i++)
		m->fields[i].range = m->fields[i].is_index ? (uint64_t)m->sizes[m->sch->fields[i].index_size] : 0;
	m->bound = true;
	return MMSB_OK;
}

int mmsb_bind(mmsb_instance *m, mmsb_error *err)
{
	if (m->bound)
		return MMSB_OK;
	latch_enter(&m->lock);
	int status = bind_once(m, err);
	latch_leave(&m->lock);
	return status;
}
