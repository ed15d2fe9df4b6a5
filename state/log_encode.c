/* log_encode.c - what is staged, as the payload of a record; and records around payloads. docs/format.md has the bytes.
 *
 * Positions take the fewest bytes of: gaps, all of one width but the first (numbers of more bytes than they need are allowed), or 2, 4, 8 bytes each.
 * So their loops have no branches. */
#include "log.h"
#include "log_bytes.h"
#include "checkpoint.h"
#include "runtime/kernels.h"

/* What a delta takes at most besides its index[] and values[]; a section; what is written behind an end. */
enum { OP_MOST = 1 + 4 * VARINT_MOST, SECTION_MOST = 2 * VARINT_MOST, SLACK = 8, GAP_MOST = 7 };

/* ---- positions --------------------------------------------------------------------------------- */

/* n numbers of `width` bytes each, at most GAP_MOST: the zigzags of the differences from at[-1] on. */
static inline __attribute__((always_inline)) uint8_t *put_gaps_of(uint8_t *to, const uint64_t *at, size_t n, unsigned width)
{
	uint64_t goes_on = CONTINUES & ((UINT64_C(1) << 8 * (width - 1)) - 1);
	for (size_t i = 0; i < n; i++, to += width) {
		uint64_t bytes = spread7(zigzag(at[i] - at[i - 1])) | goes_on;
		memcpy(to, &bytes, sizeof bytes);
	}
	return to;
}

static uint8_t *put_bytes(uint8_t *to, const uint64_t *at, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)zigzag(at[i] - at[i - 1]);
	return to + n;
}

static uint8_t *put_gaps(uint8_t *to, const uint64_t *at, size_t n, unsigned width)
{
	to = put_varint(to, zigzag(at[0]));
	switch (width) {
	case 1: return put_bytes(to, at + 1, n - 1);
	case 2: return put_gaps_of(to, at + 1, n - 1, 2);
	case 3: return put_gaps_of(to, at + 1, n - 1, 3);
	default: return put_gaps_of(to, at + 1, n - 1, width);
	}
}

#define DEFINE_FIXED(type)                                                       \
	static uint8_t *put_##type(uint8_t *to, const uint64_t *at, size_t n)    \
	{                                                                        \
		for (size_t i = 0; i < n; i++) {                                 \
			type v = (type)at[i];                                    \
			memcpy(to + i * sizeof v, &v, sizeof v);                 \
		}                                                                \
		return to + n * sizeof(type);                                    \
	}
DEFINE_FIXED(uint16_t)
DEFINE_FIXED(uint32_t)

static uint8_t *put_list(uint8_t *to, log_positions *how, const uint64_t *at, size_t n)
{
	uint64_t all = at[0], gaps = 0;
	for (size_t i = 1; i < n; i++) {
		all |= at[i];
		gaps |= zigzag(at[i] - at[i - 1]);
	}
	size_t fixed = all <= UINT16_MAX ? 2 : all <= UINT32_MAX ? 4 : 8;
	unsigned width = varint_bytes(gaps);
	bool one_way = n == 1 && all <= UINT32_MAX; /* not now this, now that: whoever reads single deltas sees one kind */
	if (one_way || (width <= GAP_MOST && varint_bytes(zigzag(at[0])) + (n - 1) * width < n * fixed)) {
		*how = POSITIONS_GAPS;
		return put_gaps(to, at, n, width);
	}
	switch (fixed) {
	case 2: *how = POSITIONS_U16; return put_uint16_t(to, at, n);
	case 4: *how = POSITIONS_U32; return put_uint32_t(to, at, n);
	}
	*how = POSITIONS_U64;
	memcpy(to, at, n * sizeof *at);
	return to + n * sizeof *at;
}

/* ---- deltas ------------------------------------------------------------------------------------ */

/* Bytes of a value that comes with each element. */
static size_t value_bytes(const mmsb_instance *m, const page *p, const staged_op *op)
{
	if (op->kind == STAGED_ERASE)
		return 0;
	if (op->field == NONE)
		return p->element;
	return type_table[m->sch->fields[m->sch->records[p->def->record].first_field + op->field].type].bytes;
}

static uint8_t *put_op(uint8_t *to, const mmsb_instance *m, const page *p, const staged_page *s, size_t i)
{
	const staged_op *op = &s->ops[i];
	const uint64_t *index = s->index + op->index;
	log_change change = op->kind == STAGED_INSERT ? CHANGE_INSERT : op->kind == STAGED_ERASE ? CHANGE_ERASE : op->field == NONE ? CHANGE_SET : CHANGE_FIELD;
	log_positions how = POSITIONS_RANGE;
	uint8_t *first = to++;
	to = put_varint(to, op->count);
	if (change == CHANGE_FIELD)
		to = put_varint(to, op->field);
	if (op->kind == STAGED_RANGE) {
		to = put_varint(to, op->first);
	} else if (op->kind == STAGED_MASK) {
		size_t words = (i + 1 < s->n_ops ? s->ops[i + 1].index : s->n_index) - op->index;
		how = POSITIONS_MASK;
		to = put_varint(put_varint(to, op->first), words);
		memcpy(to, index, words * sizeof *index);
		to += words * sizeof *index;
	} else {
		to = put_list(to, &how, index, op->count);
	}
	*first = (uint8_t)((unsigned)how | (unsigned)change << 3);
	size_t bytes = op->count * value_bytes(m, p, op);
	if (bytes)
		memcpy(to, s->values + op->values, bytes);
	return to + bytes;
}

int log_encode(const mmsb_instance *m, const staging *batch, const uint32_t *place, uint8_t **to, size_t *capacity, size_t *used, mmsb_error *err)
{
	size_t most = SLACK;
	for (uint32_t i = 0; i < batch->n_touched; i++) {
		const staged_page *s = &batch->pages[batch->touched[i]];
		most += SECTION_MOST + s->n_ops * OP_MOST + s->n_index * sizeof *s->index + s->n_values;
	}
	if (reserve(to, capacity, *used + most))
		return fail_memory(err, most, "a record of the log");
	uint8_t *at = *to + *used;
	for (uint32_t i = 0; i < batch->n_touched; i++) {
		uint32_t id = batch->touched[i];
		const staged_page *s = &batch->pages[id];
		at = put_varint(put_varint(at, place[id]), s->n_ops);
		for (size_t k = 0; k < s->n_ops; k++)
			at = put_op(at, m, &m->pages[id], s, k);
	}
	*used = (size_t)(at - *to);
	return MMSB_OK;
}

/* ---- pages ------------------------------------------------------------------------------------- */

static uint8_t *put_text(uint8_t *to, const char *text)
{
	size_t n = strlen(text);
	to = put_varint(to, n);
	memcpy(to, text, n);
	return to + n;
}

/* More than a page takes. */
static size_t page_room(const mmsb_instance *m, const sch_page *d)
{
	size_t n = (6 + MAX_DIMS) * VARINT_MOST + strlen(sch_text(m->sch, d->name));
	for (uint32_t k = 0; d->record != NONE && k < m->sch->records[d->record].n_fields; k++)
		n += 3 * VARINT_MOST + strlen(sch_text(m->sch, m->sch->fields[m->sch->records[d->record].first_field + k].name));
	return n;
}

static uint8_t *put_page(uint8_t *to, const mmsb_instance *m, const page *p)
{
	const sch_page *d = p->def;
	const sch_record *r = d->record == NONE ? NULL : &m->sch->records[d->record];
	to = put_varint(to, p->id);
	*to++ = d->flags & PAGEF_SPARSE ? 1 : 0;
	*to++ = d->type;
	to = put_varint(put_varint(to, p->element), d->ndim);
	for (uint32_t k = 0; k < d->ndim; k++)
		to = put_varint(to, (uint64_t)p->dims[k]);
	to = put_text(to, sch_text(m->sch, d->name));
	to = put_varint(to, r ? r->n_fields : 0);
	for (uint32_t k = 0; r && k < r->n_fields; k++) {
		const sch_field *f = &m->sch->fields[r->first_field + k];
		*to++ = f->type;
		to = put_text(put_varint(to, f->offset), sch_text(m->sch, f->name));
	}
	return to;
}

int log_encode_pages(const mmsb_instance *m, const uint32_t *ids, uint32_t n, uint8_t **to, size_t *capacity, size_t *used, mmsb_error *err)
{
	size_t most = 2 * VARINT_MOST + m->sch->n_params * sizeof(uint64_t);
	for (uint32_t i = 0; i < n; i++)
		most += page_room(m, &m->sch->pages[ids[i]]);
	if (reserve(to, capacity, *used + most))
		return fail_memory(err, most, "the names of a log's pages");
	uint8_t *at = put_varint(*to + *used, m->sch->n_params);
	for (uint32_t i = 0; i < m->sch->n_params; i++, at += sizeof(uint64_t))
		memcpy(at, &m->params[i].bits, sizeof(uint64_t));
	at = put_varint(at, n);
	for (uint32_t i = 0; i < n; i++)
		at = put_page(at, m, &m->pages[ids[i]]);
	*used = (size_t)(at - *to);
	return MMSB_OK;
}

/* ---- records ----------------------------------------------------------------------------------- */

size_t log_room(size_t n) { return record_bytes(n); }

size_t log_put(uint8_t *to, uint64_t seed, const log_record *r)
{
	if (r->n && r->payload != to + LOG_HEAD)
		memcpy(to + LOG_HEAD, r->payload, r->n);
	size_t length = put_head(to, r->n, r->kind, r->source, r->epoch, r->time);
	put64(to, record_check(to, length, seed));
	return length;
}

uint64_t log_seal(uint8_t *records, size_t n, uint64_t seed)
{
	uint64_t check = 0;
	for (size_t at = 0, length; at < n; at += length) {
		log_head head;
		memcpy(&head, records + at, sizeof head);
		length = (size_t)head.units * LOG_UNIT;
		put64(records + at, check = record_check(records + at, length, seed));
	}
	return check;
}

/* With the widest instructions that the machine has, as a loop over values. */
uint64_t record_check_long(const uint8_t *record, size_t n, uint64_t seed)
{
	static _Atomic(const kernel_table *) table;
	const kernel_table *k = atomic_load_explicit(&table, memory_order_relaxed);
	if (!k)
		atomic_store_explicit(&table, k = kernel_table_pick(), memory_order_relaxed);
	return k->hash(record + sizeof(uint64_t), n - sizeof(uint64_t), seed);
}

uint64_t log_record_check(const uint8_t *record, size_t n, uint64_t seed) { return record_check(record, n, seed); }

void log_put_header(uint8_t to[LOG_HEADER], const mmsb_instance *m, uint32_t version, uint64_t first, uint64_t seed, uint64_t before)
{
	log_file_header h = {.version = version, .numerics = NUMERICS, .first = first, .seed = seed, .before = before};
	memcpy(h.magic, LOG_MAGIC, sizeof h.magic);
	checkpoint_identity(m->sch, h.identity);
	memcpy(to, &h, sizeof h);
	h.check = XXH3_64bits(to, offsetof(log_file_header, check));
	memcpy(to, &h, sizeof h);
}
