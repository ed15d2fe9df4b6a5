/* delta.c - staging: deltas are checked and copied where they are given, in any thread, and wait for the commit.
 *
 * Producers add to the open batch under the instance's lock, which is held for the check and the copy of one call. A commit
 * takes the open batch by changing places with the other one, which is empty: it never waits for more than one call, and
 * producers never for the commit. The lock makes one order of all calls. */
#include "delta.h"

#include <inttypes.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernels.h"

void latch_wait(latch *g)
{
	enum { SPINS = 200, YIELDS = 200, NAP = 50000 };
	for (unsigned tries = 0; atomic_exchange_explicit(&g->shut, true, memory_order_acquire); tries++) {
		for (unsigned i = 0; i < SPINS && atomic_load_explicit(&g->shut, memory_order_relaxed); i++)
			atomic_signal_fence(memory_order_seq_cst);
		if (tries < YIELDS)
			sched_yield();
		else
			nanosleep(&(struct timespec){.tv_nsec = NAP}, NULL);
	}
}

struct staging *staging_new(uint32_t n_pages)
{
	staging *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->pages = calloc((size_t)n_pages + 1, sizeof *s->pages);
	s->touched = calloc((size_t)n_pages + 1, sizeof *s->touched);
	if (!s->pages || !s->touched) {
		staging_free(s, n_pages);
		return NULL;
	}
	return s;
}

void staging_free(struct staging *s, uint32_t n_pages)
{
	for (uint32_t i = 0; s && s->pages && i < n_pages; i++) {
		free(s->pages[i].ops);
		free(s->pages[i].index);
		free(s->pages[i].values);
		free(s->pages[i].order);
	}
	if (s) {
		free(s->pages);
		free(s->touched);
	}
	free(s);
}

static void forget(staging *s)
{
	for (uint32_t i = 0; i < s->n_touched; i++) {
		staged_page *p = &s->pages[s->touched[i]];
		p->n_ops = p->n_index = p->n_values = 0;
	}
	s->n_touched = 0;
	s->total = 0;
}

bool staging_empty(mmsb_instance *m)
{
	latch_enter(&m->lock);
	bool empty = m->open->total == 0;
	latch_leave(&m->lock);
	return empty;
}

void staging_close(mmsb_instance *m)
{
	latch_enter(&m->lock);
	staging *closed = m->open;
	m->open = m->staging;
	latch_leave(&m->lock);
	m->staging = closed;
}

void staging_drop(mmsb_instance *m) { forget(m->staging); }

void mmsb_discard(mmsb_instance *m)
{
	latch_enter(&m->lock);
	forget(m->open);
	latch_leave(&m->lock);
}

/* ---- values ---- */

/* The first of n values of index(D) that is not below D, or n. */
static size_t check_range(const uint32_t *values, uint64_t range, size_t n)
{
	uint32_t most = 0;
	for (size_t i = 0; i < n; i++)
		most = values[i] > most ? values[i] : most;
	if (n == 0 || most < range)
		return n;
	size_t at = 0;
	while (values[at] < range)
		at++;
	return at;
}

/* Copies n values of one type that lie side by side; booleans become 0 or 1, nans canonical. range: values of index(D) must lie below it
 * (0: none is checked). Returns the position of the first that does not, or n. `to` is aligned. */
static size_t copy_run(const mmsb_instance *m, uint8_t type, uint64_t range, uint8_t *to, const uint8_t *from, size_t n)
{
	if (type == T_F32 || type == T_F64) {
		m->kernels->canonical[type](to, from, n);
		return n;
	}
	memcpy(to, from, n * type_table[type].bytes);
	if (type == T_BOOL)
		for (size_t i = 0; i < n; i++)
			to[i] = to[i] != 0;
	else if (range)
		return check_range((const uint32_t *)(const void *)to, range, n);
	return n;
}

/* The same of values that lie `gap` bytes apart. */
static size_t copy_values(uint8_t type, uint64_t range, uint8_t *to, const uint8_t *from, size_t gap, size_t n)
{
	size_t width = type_table[type].bytes;
	for (size_t i = 0; i < n; i++, to += gap, from += gap) {
		scalar v = {0};
		memcpy(&v, from, width);
		if (type == T_BOOL)
			v.BOOL = v.BOOL != 0;
		else if (type == T_F32 && v.F32 != v.F32)
			v.U32 = 0x7fc00000u;
		else if (type == T_F64 && v.F64 != v.F64)
			v.U64 = UINT64_C(0x7ff8000000000000);
		else if (range && v.U32 >= range)
			return i;
		memcpy(to, &v, width);
	}
	return n;
}

/* Below what an index(D) value must lie; 0 also where it is no index (take_column tells them apart). */
static uint64_t range_of(const mmsb_instance *m, uint32_t index_size)
{
	return index_size == NONE ? 0 : (uint64_t)m->sizes[index_size];
}

static int out_of_range(const mmsb_instance *m, const page *p, const char *field, size_t at, uint64_t value, uint64_t range, mmsb_error *err)
{
	fail(err, MMSB_RANGE, "page %s%s%s: value %" PRIu64 " of the %zu. element given is no index: it must be below %" PRIu64,
	     sch_text(m->sch, p->def->name), field ? "." : "", field ? field : "", value, at + 1, range);
	if (err)
		err->page = (int)p->id;
	return MMSB_RANGE;
}

/* Takes n values of a field (or of a page without fields), `gap` bytes apart here and there. */
static int take_column(const mmsb_instance *m, const page *p, uint8_t type, uint32_t index_size, const char *field, uint8_t *to,
                       const uint8_t *from, size_t gap, size_t n, mmsb_error *err)
{
	uint64_t range = range_of(m, index_size), value = 0;
	size_t done = 0;
	if (index_size == NONE || range > 0)
		done = gap == type_table[type].bytes ? copy_run(m, type, range, to, from, n) : copy_values(type, range, to, from, gap, n);
	if (done == n)
		return MMSB_OK;
	memcpy(&value, from + done * gap, type_table[type].bytes);
	return out_of_range(m, p, field, done, value, range, err);
}

/* Takes n whole elements that are no floats. */
static int take_others(const mmsb_instance *m, const page *p, uint8_t *to, const uint8_t *from, size_t n, mmsb_error *err)
{
	const sch_page *d = p->def;
	if (d->record == NONE)
		return take_column(m, p, d->type, d->index_size, NULL, to, from, p->element, n, err);
	const sch_record *r = &m->sch->records[d->record];
	memset(to, 0, n * p->element); /* what lies between fields */
	for (uint32_t k = 0; k < r->n_fields; k++) {
		const sch_field *f = &m->sch->fields[r->first_field + k];
		int status = take_column(m, p, f->type, f->index_size, sch_text(m->sch, f->name), to + f->offset, from + f->offset, p->element, n, err);
		if (status)
			return status;
	}
	return MMSB_OK;
}

/* ---- staging ---- */

/* Parts of every call: each takes less time than calling it does. */
#define IN_PLACE static inline __attribute__((always_inline))

/* Page number `id` is no source of this kind: says why. */
static int refuse_source(const mmsb_instance *m, int id, bool sparse, mmsb_error *err)
{
	if (id < 0 || (uint32_t)id >= m->sch->n_pages)
		return fail(err, MMSB_NAME, "there is no page number %d", id);
	const sch_page *d = &m->sch->pages[id];
	const char *name = sch_text(m->sch, d->name);
	if (d->role != PAGE_ROLE_IN)
		return fail(err, MMSB_NAME, "page %s is no source: it follows from an edge and takes no deltas", name);
	if (sparse != ((d->flags & PAGEF_SPARSE) != 0))
		return fail(err, MMSB_TYPE, sparse ? "page %s is dense: write its elements" : "page %s is sparse: insert or erase its entries", name);
	return fail(err, MMSB_TYPE, "page %s shares the entries of %s: insert or erase them there", name, sch_text(m->sch, m->sch->pages[d->like].name));
}

/* The source page of this number, bound and of this kind. */
IN_PLACE int find_source(mmsb_instance *m, int id, bool sparse, page **out, mmsb_error *err)
{
	const sch_page *d = id >= 0 && (uint32_t)id < m->sch->n_pages ? &m->sch->pages[id] : NULL;
	*out = d ? &m->pages[id] : NULL;
	if (!d || d->role != PAGE_ROLE_IN || sparse != ((d->flags & PAGEF_SPARSE) != 0) || (sparse && d->like != NONE))
		return refuse_source(m, id, sparse, err);
	return m->bound ? MMSB_OK : mmsb_bind(m, err);
}

/* Calls of fewer than TIMED deltas are timed once in SAMPLE: reading the clock, twice, takes longer than they do. */
enum { TIMED = 2048, SAMPLE = 64 };

/* The page's part of the open batch, under the lock. *start: when, or 0. */
IN_PLACE staged_page *stage_begin(mmsb_instance *m, const page *p, size_t count, uint64_t *start)
{
	latch_enter(&m->lock);
	*start = count >= TIMED || m->stage_calls++ % SAMPLE == 0 ? now_ns() : 0;
	return &m->open->pages[p->id];
}

IN_PLACE int stage_end(mmsb_instance *m, size_t count, uint64_t start, int status)
{
	if (start)
		m->stats.ns_stage += (now_ns() - start) * (count >= TIMED ? 1 : SAMPLE);
	latch_leave(&m->lock);
	return status;
}

/* Few positions stay a list, to which others can be added; so do those that are fewer than MASK_LEAST in each 64. */
enum { LIST_MOST = 16, MASK_LEAST = 4 };

/* Room for one more op, n positions beside the masks that they may become, and `bytes` of values, which may begin up to 8 bytes behind
 * the end. */
IN_PLACE int make_room(staged_page *s, size_t n, size_t bytes, mmsb_error *err)
{
	if (reserve(&s->ops, &s->cap_ops, (s->n_ops + 1) * sizeof *s->ops) ||
	    (n && reserve(&s->index, &s->cap_index, (s->n_index + n + n / MASK_LEAST) * sizeof *s->index)) ||
	    reserve(&s->values, &s->cap_values, s->n_values + 8 + bytes))
		return fail_memory(err, n * sizeof *s->index + bytes, "staged deltas");
	return MMSB_OK;
}

/* The last op, if more of this field can follow it. */
IN_PLACE staged_op *last_op(staged_page *s, uint32_t field)
{
	staged_op *last = s->n_ops ? &s->ops[s->n_ops - 1] : NULL;
	return last && last->field == field ? last : NULL;
}

/* Where the values of a call are put: behind those of the last op if it is of the same field, else from a multiple of 8 on. */
IN_PLACE uint8_t *put_values(staged_page *s, uint32_t field)
{
	if (!last_op(s, field))
		s->n_values = (s->n_values + 7) & ~(size_t)7;
	return s->values + s->n_values;
}

/* What was put behind the ends of index[] and values[] becomes part of the stage: an op of `count` elements, which took n_index words and `bytes`. (As
 * numbers, not as a struct: that would be stored in parts and loaded as a whole, for which a processor has to wait.) */
IN_PLACE void add_op(mmsb_instance *m, staged_page *s, staged_kind kind, uint32_t field, uint64_t first, uint64_t count, size_t n_index, size_t bytes)
{
	staging *batch = m->open;
	staged_op *last = last_op(s, field);
	if (s->n_ops == 0)
		batch->touched[batch->n_touched++] = (uint32_t)(s - batch->pages);
	if (last && last->kind == kind && kind != STAGED_MASK && (kind != STAGED_RANGE || last->first + last->count == first))
		last->count += count;
	else
		s->ops[s->n_ops++] = (staged_op){.kind = kind, .field = field, .first = first, .count = count, .index = s->n_index, .values = s->n_values};
	s->n_index += n_index;
	s->n_values += bytes;
	batch->total += count;
}

/* Takes n whole elements; to has room. */
IN_PLACE int take_elements(const mmsb_instance *m, const page *p, uint8_t *to, const uint8_t *from, size_t n, mmsb_error *err)
{
	void (*copy)(void *, const void *, size_t) = p->def->record == NONE ? m->kernels->canonical[p->def->type] : NULL;
	if (!copy)
		return take_others(m, p, to, from, n, err);
	copy(to, from, n);
	return MMSB_OK;
}

static int bad_position(const mmsb_instance *m, const page *p, uint64_t at, mmsb_error *err)
{
	fail(err, MMSB_RANGE, "page %s has %" PRIu64 " element%s, there is no number %" PRIu64, sch_text(m->sch, p->def->name), p->count,
	     p->count == 1 ? "" : "s", at);
	if (err)
		err->page = (int)p->id;
	return MMSB_RANGE;
}

int mmsb_write(mmsb_instance *m, int id, size_t first, size_t count, const void *values, mmsb_error *err)
{
	page *p;
	int status = find_source(m, id, false, &p, err);
	if (status || count == 0)
		return status;
	if (first > p->count || count > p->count - first)
		return bad_position(m, p, first > p->count ? first : p->count, err);
	uint64_t start;
	staged_page *s = stage_begin(m, p, count, &start);
	size_t bytes = count * p->element;
	status = make_room(s, 0, bytes, err);
	if (!status)
		status = take_elements(m, p, put_values(s, NONE), values, count, err);
	if (!status)
		add_op(m, s, STAGED_RANGE, NONE, first, count, 0, bytes);
	return stage_end(m, count, start, status);
}

/* Puts positions behind the end of index[]; *ascending: each is greater than the one before. */
static int take_positions(const mmsb_instance *m, const page *p, staged_page *s, size_t count, const uint64_t *index, bool *ascending,
                          mmsb_error *err)
{
	uint64_t *to = s->index + s->n_index, most = 0, falls = 0, last = index[0];
	for (size_t i = 0; i < count; i++) {
		uint64_t at = index[i];
		to[i] = at;
		most = at > most ? at : most;
		falls += at <= last;
		last = at;
	}
	*ascending = falls == 1; /* the first is compared with itself */
	if (most < p->count)
		return MMSB_OK;
	size_t bad = 0;
	while (index[bad] < p->count)
		bad++;
	return bad_position(m, p, index[bad], err);
}

/* Chooses how ascending positions are kept, those behind the end of index[]. Returns how many words they take there. */
static size_t encode(const staged_page *s, staged_op *op)
{
	uint64_t *at = s->index + s->n_index, first = at[0], last = at[op->count - 1], word = first / 64, words = last / 64 - word + 1;
	if (op->count <= LIST_MOST || (last - first + 1 != op->count && words > op->count / MASK_LEAST))
		return op->count;
	if (last - first + 1 == op->count) {
		op->kind = STAGED_RANGE;
		op->first = first;
		return 0;
	}
	uint64_t *masks = at + op->count; /* for which there is room */
	memset(masks, 0, words * sizeof *masks);
	for (size_t i = 0; i < op->count; i++)
		masks[at[i] / 64 - word] |= (uint64_t)1 << at[i] % 64;
	memmove(at, masks, words * sizeof *masks);
	op->kind = STAGED_MASK;
	op->first = word;
	return words;
}

int mmsb_scatter(mmsb_instance *m, int id, size_t count, const uint64_t *index, const void *values, mmsb_error *err)
{
	page *p;
	int status = find_source(m, id, false, &p, err);
	if (status || count == 0)
		return status;
	uint64_t start;
	bool ascending = false;
	staged_op op = {.kind = STAGED_SCATTER, .field = NONE, .count = count};
	staged_page *s = stage_begin(m, p, count, &start);
	size_t bytes = count * p->element;
	status = make_room(s, count, bytes, err);
	if (!status)
		status = take_positions(m, p, s, count, index, &ascending, err);
	if (!status)
		status = take_elements(m, p, put_values(s, NONE), values, count, err);
	if (!status) {
		size_t words = ascending ? encode(s, &op) : count;
		add_op(m, s, op.kind, op.field, op.first, count, words, bytes);
	}
	return stage_end(m, count, start, status);
}

int mmsb_scatter_field(mmsb_instance *m, int id, unsigned field, size_t count, const uint64_t *index, const void *values, mmsb_error *err)
{
	page *p;
	int status = find_source(m, id, false, &p, err);
	if (status)
		return status;
	const sch_record *r = p->def->record == NONE ? NULL : &m->sch->records[p->def->record];
	if (!r || field >= r->n_fields)
		return fail(err, MMSB_NAME, "page %s has no field number %u", sch_text(m->sch, p->def->name), field);
	if (count == 0)
		return MMSB_OK;
	const sch_field *f = &m->sch->fields[r->first_field + field];
	size_t width = type_table[f->type].bytes, bytes = count * width;
	uint64_t start;
	bool ascending = false;
	staged_op op = {.kind = STAGED_SCATTER, .field = field, .count = count};
	staged_page *s = stage_begin(m, p, count, &start);
	status = make_room(s, count, bytes, err);
	if (!status)
		status = take_positions(m, p, s, count, index, &ascending, err);
	if (!status)
		status = take_column(m, p, f->type, f->index_size, sch_text(m->sch, f->name), put_values(s, field), values, width, count, err);
	if (!status) {
		size_t words = ascending ? encode(s, &op) : count;
		add_op(m, s, op.kind, op.field, op.first, count, words, bytes);
	}
	return stage_end(m, count, start, status);
}

static int take_entries(const mmsb_instance *m, const page *p, staged_page *s, size_t count, const uint64_t *row, const uint64_t *col,
                        mmsb_error *err)
{
	uint64_t rows = (uint64_t)p->dims[0], cols = (uint64_t)p->dims[1];
	for (size_t i = 0; i < count; i++) {
		if (row[i] >= rows || col[i] >= cols) {
			fail(err, MMSB_RANGE, "page %s has %" PRIu64 " rows and %" PRIu64 " columns, there is no entry (%" PRIu64 ", %" PRIu64 ")",
			     sch_text(m->sch, p->def->name), rows, cols, row[i], col[i]);
			if (err)
				err->page = (int)p->id;
			return MMSB_RANGE;
		}
		s->index[s->n_index + i] = row[i] << 32 | col[i];
	}
	return MMSB_OK;
}

int mmsb_insert(mmsb_instance *m, int id, size_t count, const uint64_t *row, const uint64_t *col, const void *values, mmsb_error *err)
{
	page *p;
	int status = find_source(m, id, true, &p, err);
	if (status || count == 0)
		return status;
	uint64_t start;
	staged_page *s = stage_begin(m, p, count, &start);
	size_t bytes = count * p->element;
	status = make_room(s, count, bytes, err);
	if (!status)
		status = take_entries(m, p, s, count, row, col, err);
	if (!status && p->element)
		status = take_elements(m, p, put_values(s, NONE), values, count, err);
	if (!status)
		add_op(m, s, STAGED_INSERT, NONE, 0, count, count, bytes);
	return stage_end(m, count, start, status);
}

int mmsb_erase(mmsb_instance *m, int id, size_t count, const uint64_t *row, const uint64_t *col, mmsb_error *err)
{
	page *p;
	int status = find_source(m, id, true, &p, err);
	if (status || count == 0)
		return status;
	uint64_t start;
	staged_page *s = stage_begin(m, p, count, &start);
	status = make_room(s, count, 0, err);
	if (!status)
		status = take_entries(m, p, s, count, row, col, err);
	if (!status)
		add_op(m, s, STAGED_ERASE, NONE, 0, count, count, 0);
	return stage_end(m, count, start, status);
}
