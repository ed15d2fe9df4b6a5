/* log_stage.c - what was read of a log, into an instance of the same schedule: staged like any deltas, or put into source pages at once. */
#include <inttypes.h>
#include <stdlib.h>

#include "checkpoint.h"
#include "log_bytes.h"
#include "log_reader.h"

/* ---- the instance is of the log's schedule ----------------------------------------------------- */

static bool same_page(const mmsb_instance *m, const log_page *p)
{
	if (p->id >= m->sch->n_pages || m->sch->pages[p->id].role != PAGE_ROLE_IN)
		return false;
	const page *q = &m->pages[p->id];
	const sch_page *d = q->def;
	bool sparse = (d->flags & PAGEF_SPARSE) != 0, same = p->sparse == sparse && p->type == d->type && p->element == q->element && p->ndim == d->ndim;
	for (unsigned k = 0; same && k < p->ndim; k++)
		same = p->shape[k] == (uint64_t)q->dims[k];
	uint32_t n_fields = d->record == NONE ? 0 : m->sch->records[d->record].n_fields;
	same = same && p->n_fields == n_fields;
	for (unsigned k = 0; same && k < n_fields; k++) {
		const sch_field *f = &m->sch->fields[m->sch->records[d->record].first_field + k];
		same = p->fields[k].type == f->type && p->fields[k].offset == f->offset;
	}
	return same;
}

/* The pages whose values need no look before they are stored. */
static int list_plain(log_reader *r, const mmsb_instance *m, mmsb_error *err)
{
	free(r->plain);
	r->plain = calloc(r->n_pages + 1, sizeof *r->plain);
	for (unsigned i = 0; r->plain && i < r->n_pages; i++) {
		page *p = &m->pages[r->pages[i].id];
		if (!r->pages[i].sparse && p->def->type < T_COUNT && p->def->type != T_BOOL && p->def->index_size == NONE)
			r->plain[i] = p;
	}
	return r->plain ? MMSB_OK : fail_memory(err, r->n_pages * sizeof *r->plain, r->path);
}

static int bind(log_reader *r, const mmsb_instance *m, mmsb_error *err)
{
	uint64_t identity[2];
	if (!m->bound)
		return fail(err, MMSB_ORDER, "%s: the instance has no sizes yet", r->path);
	checkpoint_identity(m->sch, identity);
	if (memcmp(identity, r->head.identity, sizeof identity) != 0)
		return fail(err, MMSB_FORMAT, "%s: the log is of another schedule", r->path);
	for (unsigned i = 0; i < r->n_pages; i++)
		if (!same_page(m, &r->pages[i]))
			return fail(err, MMSB_FORMAT, "%s: page %.*s is another there than in the instance (other sizes?)", r->path,
			            r->pages[i].n_name < 200 ? (int)r->pages[i].n_name : 200, r->pages[i].name);
	r->bound = m;
	return list_plain(r, m, err);
}

/* ---- staging ----------------------------------------------------------------------------------- */

static int stage_entries(log_reader *r, const log_delta *d, mmsb_instance *m, int id, mmsb_error *err)
{
	if (reserve(&r->pair, &r->cap_pair, 2 * d->count * sizeof *r->pair))
		return fail_memory(err, 2 * d->count * sizeof *r->pair, "entries of a sparse page");
	uint64_t *row = r->pair, *col = r->pair + d->count;
	for (uint64_t i = 0; i < d->count; i++) {
		row[i] = d->index[i] >> 32;
		col[i] = d->index[i] & UINT32_MAX;
	}
	return d->kind == STAGED_INSERT ? mmsb_insert(m, id, d->count, row, col, d->values, err) : mmsb_erase(m, id, d->count, row, col, err);
}

int log_stage_delta(log_reader *r, const log_delta *d, mmsb_instance *m, int id, mmsb_error *err)
{
	switch (d->kind) {
	case STAGED_INSERT:
	case STAGED_ERASE: return stage_entries(r, d, m, id, err);
	case STAGED_RANGE:
		if (d->field == NONE)
			return mmsb_write(m, id, d->first, d->count, d->values, err);
		if (reserve(&r->pair, &r->cap_pair, d->count * sizeof *r->pair))
			return fail_memory(err, d->count * sizeof *r->pair, "positions of a field");
		for (uint64_t i = 0; i < d->count; i++)
			r->pair[i] = d->first + i;
		return mmsb_scatter_field(m, id, d->field, d->count, r->pair, d->values, err);
	}
	return d->field == NONE ? mmsb_scatter(m, id, d->count, d->index, d->values, err)
	                        : mmsb_scatter_field(m, id, d->field, d->count, d->index, d->values, err);
}

/* ---- values at once ---------------------------------------------------------------------------- */

#define DEFINE_SET(type)                                                                                                    \
	static void set_##type(const column *c, const log_delta *d, const uint8_t *from, size_t step)                       \
	{                                                                                                                   \
		for (uint64_t i = 0; i < d->count; i++)                                                                     \
			memcpy(c->base + (d->index ? d->index[i] : d->first + i) * c->stride, from + i * step, sizeof(type)); \
	}
DEFINE_SET(uint8_t)
DEFINE_SET(uint16_t)
DEFINE_SET(uint32_t)
DEFINE_SET(uint64_t)

static void set_column(const column *c, const log_delta *d, const uint8_t *from, size_t step)
{
	switch (type_table[c->type].bytes) {
	case 1: set_uint8_t(c, d, from, step); return;
	case 2: set_uint16_t(c, d, from, step); return;
	case 4: set_uint32_t(c, d, from, step); return;
	default: set_uint64_t(c, d, from, step); return;
	}
}

/* What staging would not have let in: an index(D) outside D, a bool neither 0 nor 1. below: D; -1: any number. */
static bool column_holds(uint8_t type, int64_t below, const uint8_t *from, size_t step, uint64_t n)
{
	bool good = true;
	for (uint64_t i = 0; i < n && type == T_BOOL; i++)
		good &= from[i * step] <= 1;
	for (uint64_t i = 0; i < n && below >= 0; i++) {
		uint32_t index;
		memcpy(&index, from + i * step, sizeof index);
		good &= (int64_t)index < below;
	}
	return good;
}

static int apply_column(const mmsb_instance *m, const page *p, uint32_t field, uint32_t index_size, const log_delta *d, const uint8_t *from,
                        size_t step, mmsb_error *err)
{
	column c = page_column(m, p, false, field);
	if ((c.type == T_BOOL || index_size != NONE) &&
	    !column_holds(c.type, index_size == NONE ? -1 : m->sizes[index_size], from, step, d->count))
		return fail(err, MMSB_FORMAT, "page %s: a value of the log is no index of it, or no bool", sch_text(m->sch, p->def->name));
	set_column(&c, d, from, step);
	return MMSB_OK;
}

static int apply_one(const log_reader *r, const log_delta *d, mmsb_instance *m, mmsb_error *err)
{
	page *p = &m->pages[r->pages[d->page].id];
	p->version++;
	if (p->def->record == NONE)
		return apply_column(m, p, NONE, p->def->index_size, d, d->values, p->element, err);
	const sch_record *record = &m->sch->records[p->def->record];
	const sch_field *f = &m->sch->fields[record->first_field];
	if (d->field != NONE)
		return apply_column(m, p, d->field, f[d->field].index_size, d, d->values, type_table[f[d->field].type].bytes, err);
	int status = MMSB_OK;
	for (uint32_t k = 0; k < record->n_fields && !status; k++)
		status = apply_column(m, p, k, f[k].index_size, d, d->values + f[k].offset, p->element, err);
	return status;
}

/* One value of one plain page, which most small epochs are: in a few steps what walk does in many. false: it is something else, or wrong. */
static bool apply_single(const log_reader *r, const uint8_t *at, size_t n)
{
	enum { LEAST = 4 };
	const uint8_t *end = at + n;
	if (n < LOG_UNIT || at[0] >= r->n_pages || at[0] >= 128 || !r->plain[at[0]] || at[1] != 1 || at[2] > POSITIONS_GAPS || at[2] == POSITIONS_MASK || at[3] != 1)
		return false;
	page *p = r->plain[at[0]];
	log_positions how = at[2];
	uint64_t position;
	at = get_varint(at + LEAST, end, &position);
	position = !at ? 0 : how == POSITIONS_GAPS ? unzigzag(position) : position;
	if (!at || position >= p->count || (size_t)(end - at) < p->element || (size_t)(end - at) - p->element >= LOG_UNIT)
		return false;
	size_t rest = (size_t)(end - at) - p->element;
	if (rest && load64(end - sizeof(uint64_t)) >> (64 - 8 * rest))
		return false;
	uint8_t *to = p->cur + position * p->element;
	switch (p->element) {
	case 8: memcpy(to, at, 8); break;
	case 4: memcpy(to, at, 4); break;
	default: memcpy(to, at, p->element);
	}
	p->version++;
	return true;
}

/* The same of 8 bytes, at a position of at most four bytes (28 bits): two words, all of the payload. */
static inline bool apply_word(page *const *plain, unsigned n_pages, const uint8_t *at)
{
	uint64_t w = load64(at), number = w & 0xff, how = w >> 16 & 0xff;
	uint32_t bits = (uint32_t)(w >> 32), stops = ~bits & (uint32_t)CONTINUES;
	page *p = number < n_pages && number < 128 ? plain[number] : NULL;
	if ((w & 0xff00ff00) != 0x01000100 || (how != POSITIONS_GAPS && how != POSITIONS_RANGE) || !stops || !p || p->element != sizeof w)
		return false;
	bits &= stops ^ (stops - 1);
	uint64_t position = (bits & 0x7f) | (bits >> 1 & 0x3f80) | (bits >> 2 & 0x1fc000) | (bits >> 3 & 0xfe00000);
	position = how == POSITIONS_GAPS ? unzigzag(position) : position;
	unsigned last = (unsigned)__builtin_ctz(stops) / 8; /* of its bytes */
	if (position >= p->count || load64(at + sizeof w) >> 8 * (4 + last) >> 8) /* zeros follow the value */
		return false;
	memcpy(p->cur + position * sizeof w, at + 5 + last, sizeof w);
	p->version++;
	return true;
}

/* Numbers are taken where they stand: where the next record begins is known as soon as its length is. */
uint64_t log_apply_run(log_reader *r, const mmsb_instance *m, uint64_t last)
{
	const uint8_t *end = r->data + r->size, *at = r->data + r->at;
	const uint64_t seed = r->head.seed;
	page *const *plain = r->plain;
	const unsigned n_pages = r->n_pages;
	uint64_t epoch = r->epoch;
	while (r->bound == m && !r->closed && epoch < last && (size_t)(end - at) >= LOG_HEAD) {
		uint64_t what = load64(at + offsetof(log_head, units)), kind = what >> 48; /* and flags, which are 0 */
		size_t length = (size_t)(uint32_t)what * LOG_UNIT, n = length - LOG_HEAD;
		bool single = kind == LOG_EPOCH && load64(at + offsetof(log_head, epoch)) == epoch + 1, mark = kind == LOG_MARK && length == LOG_MARK_BYTES;
		if ((!single && !mark) || length < LOG_HEAD || length > HASH_SHORT || length > (size_t)(end - at) || record_check(at, length, seed) != load64(at))
			break;
		if (single && !(n == 2 * LOG_UNIT && apply_word(plain, n_pages, at + LOG_HEAD)) && !apply_single(r, at + LOG_HEAD, n))
			break;
		at += length;
		epoch += single;
	}
	r->at = (uint64_t)(at - r->data);
	return r->epoch = epoch;
}

/* ---- records ----------------------------------------------------------------------------------- */

static int walk(log_reader *r, const log_record *record, mmsb_instance *m, bool at_once, mmsb_error *err)
{
	int status = r->bound == m ? MMSB_OK : bind(r, m, err), found = 1;
	log_walk w;
	log_delta d;
	log_walk_begin(&w, r, record);
	while (!status && (found = log_walk_next(&w, &d, err)) == 1)
		status = at_once && !r->pages[d.page].sparse ? apply_one(r, &d, m, err) : log_stage_delta(r, &d, m, (int)r->pages[d.page].id, err);
	return status || found == 0 ? status : MMSB_FORMAT;
}

int log_stage(log_reader *r, const log_record *record, mmsb_instance *m, mmsb_error *err) { return walk(r, record, m, false, err); }

int log_apply(log_reader *r, const log_record *record, mmsb_instance *m, mmsb_error *err)
{
	if (record->kind == LOG_EPOCH && r->bound == m && apply_single(r, record->payload, record->n))
		return MMSB_OK;
	return walk(r, record, m, true, err);
}

void log_apply_end(mmsb_instance *m, uint64_t epoch)
{
	m->epoch = m->at_hand = epoch - 1;
	m->stale = true;
}
