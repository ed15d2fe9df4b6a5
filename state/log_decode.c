/* log_decode.c - payloads of records: the pages of a segment, and deltas one by one. A checksum that is right proves nothing about who wrote
 * it, so that everything is checked here: what comes out is within the payload, and positions within their pages. */
#include <inttypes.h>
#include <stdlib.h>

#include "log_bytes.h"
#include "log_reader.h"

const uint8_t *get_varint_slowly(const uint8_t *at, const uint8_t *end, uint64_t *v)
{
	uint64_t sum = 0;
	for (unsigned shift = 0; at < end && shift < 64; shift += 7) {
		uint64_t bits = *at & 127;
		if (shift == 63 && bits > 1)
			return NULL;
		sum |= bits << shift;
		if (*at++ < 128) {
			*v = sum;
			return at;
		}
	}
	return NULL;
}

/* ---- the pages of a segment -------------------------------------------------------------------- */

/* What is left of a payload; at is NULL once something in it was wrong. */
typedef struct bytes {
	const uint8_t *at, *end;
} bytes;

static uint64_t number(bytes *b, uint64_t most)
{
	uint64_t v = 0;
	b->at = b->at ? get_varint(b->at, b->end, &v) : NULL;
	if (v > most)
		b->at = NULL;
	return b->at ? v : 0;
}

static const uint8_t *run(bytes *b, uint64_t n)
{
	const uint8_t *from = b->at;
	if (from && n <= (uint64_t)(b->end - from))
		b->at += n;
	else
		from = b->at = NULL;
	return from;
}

static uint8_t byte(bytes *b, uint8_t most)
{
	const uint8_t *at = run(b, 1);
	if (at && *at > most)
		at = b->at = NULL;
	return at ? *at : 0;
}

static const char *text(bytes *b, size_t *n)
{
	*n = number(b, UINT32_MAX);
	return (const char *)run(b, *n);
}

enum { FIELD_LEAST = 3, PAGE_LEAST = 7 }; /* bytes of a field and of a page in the payload */

static void take_field(bytes *b, log_field *f, size_t element)
{
	f->type = byte(b, T_COUNT - 1);
	f->offset = number(b, element);
	f->name = text(b, &f->n_name);
	if (b->at && type_table[f->type].bytes > element - f->offset)
		b->at = NULL;
}

static void take_page(bytes *b, log_page *p)
{
	p->id = (uint32_t)number(b, NONE - 1);
	p->sparse = byte(b, 1) != 0;
	p->type = byte(b, T_COUNT);
	p->element = number(b, UINT32_MAX);
	p->ndim = (unsigned)number(b, MAX_DIMS);
	p->count = 1;
	for (unsigned k = 0; k < p->ndim && b->at; k++) {
		p->shape[k] = number(b, p->sparse ? UINT32_MAX : INT64_MAX);
		if (__builtin_mul_overflow(p->count, p->shape[k], &p->count))
			b->at = NULL;
	}
	p->name = text(b, &p->n_name);
	p->n_fields = (unsigned)number(b, UINT32_MAX);
	bool none = p->sparse && p->type == T_BOOL;
	if (p->type < T_COUNT ? p->n_fields != 0 || p->element != (none ? 0 : type_table[p->type].bytes) : p->n_fields == 0 || p->element == 0)
		b->at = NULL;
	if (p->sparse && p->ndim != 2)
		b->at = NULL;
}

static int take_pages(log_reader *r, bytes *b, mmsb_error *err)
{
	size_t n_fields = 0, most = (size_t)(b->end - b->at) / FIELD_LEAST;
	r->pages = calloc(r->n_pages + 1, sizeof *r->pages);
	r->fields = calloc(most + 1, sizeof *r->fields);
	if (!r->pages || !r->fields)
		return fail_memory(err, r->n_pages * sizeof *r->pages + most * sizeof *r->fields, r->path);
	for (unsigned i = 0; i < r->n_pages && b->at; i++) {
		log_page *p = &r->pages[i];
		take_page(b, p);
		p->fields = r->fields + n_fields;
		if (b->at && p->n_fields > (size_t)(b->end - b->at) / FIELD_LEAST)
			b->at = NULL;
		for (unsigned k = 0; k < p->n_fields && b->at; k++)
			take_field(b, &r->fields[n_fields++], p->element);
	}
	return MMSB_OK;
}

int log_decode_pages(log_reader *r, const uint8_t *at, size_t n, mmsb_error *err)
{
	bytes b = {at, at + n};
	r->n_params = (unsigned)number(&b, n / sizeof(uint64_t));
	r->params = run(&b, r->n_params * sizeof(uint64_t));
	r->n_pages = (unsigned)number(&b, n / PAGE_LEAST);
	int status = b.at ? take_pages(r, &b, err) : MMSB_OK;
	if (!status && !b.at)
		status = fail(err, MMSB_FORMAT, "%s: the record of the pages, at byte %d, is not what it should be", r->path, LOG_HEADER);
	return status;
}

/* ---- positions --------------------------------------------------------------------------------- */

/* Room for the positions of a delta, each of which takes `least` bytes of the payload at least. */
static bool room(log_reader *r, uint64_t n, uint64_t left, size_t least)
{
	return n <= left / least && (n * sizeof *r->index <= r->cap_index || reserve(&r->index, &r->cap_index, n * sizeof *r->index) == 0);
}

/* Gaps of one width, as many as there are: eight, four or two at a time. Returns how many of n there were. */
static uint64_t take_even_gaps(const uint8_t **at, const uint8_t *end, uint64_t n, uint64_t *last, uint64_t *index)
{
	uint64_t i = 0, position = *last;
	const uint8_t *from = *at;
	for (; n - i >= 8 && end - from >= 8 && !(load64(from) & CONTINUES); i += 8, from += 8)
		for (unsigned k = 0; k < 8; k++)
			index[i + k] = position += unzigzag(from[k]);
	for (; n - i >= 4 && end - from >= 8; i += 4, from += 8) {
		uint64_t four = load64(from);
		if ((four & CONTINUES) != UINT64_C(0x0080008000800080))
			break;
		for (unsigned k = 0; k < 4; k++, four >>= 16)
			index[i + k] = position += unzigzag((four & 127) | (four >> 1 & (127 << 7)));
	}
	for (; n - i >= 2 && end - from >= 8; i += 2, from += 6) {
		uint64_t two = load64(from);
		if ((two & UINT64_C(0x808080808080)) != UINT64_C(0x008080008080))
			break;
		for (unsigned k = 0; k < 2; k++, two >>= 24)
			index[i + k] = position += unzigzag((two & 127) | (two >> 1 & (127 << 7)) | (two >> 2 & (127 << 14)));
	}
	*at = from;
	*last = position;
	return i;
}

static const uint8_t *take_gaps(log_reader *r, const uint8_t *at, const uint8_t *end, uint64_t n)
{
	if (!room(r, n, (uint64_t)(end - at), 1))
		return NULL;
	uint64_t last = 0;
	for (uint64_t i = 0; i < n;) {
		uint64_t z;
		at = get_varint(at, end, &z);
		if (!at)
			return NULL;
		r->index[i++] = last += unzigzag(z);
		i += take_even_gaps(&at, end, n - i, &last, r->index + i);
	}
	return at;
}

#define DEFINE_FIXED(type)                                                                                                 \
	static const uint8_t *take_##type(log_reader *r, const uint8_t *at, const uint8_t *end, uint64_t n)             \
	{                                                                                                               \
		if (!room(r, n, (uint64_t)(end - at), sizeof(type)))                                                    \
			return NULL;                                                                                    \
		for (uint64_t i = 0; i < n; i++) {                                                                      \
			type v;                                                                                         \
			memcpy(&v, at + i * sizeof v, sizeof v);                                                        \
			r->index[i] = v;                                                                                \
		}                                                                                                       \
		return at + n * sizeof(type);                                                                           \
	}
DEFINE_FIXED(uint16_t)
DEFINE_FIXED(uint32_t)
DEFINE_FIXED(uint64_t)

static const uint8_t *take_mask(log_reader *r, const uint8_t *at, const uint8_t *end, uint64_t n)
{
	uint64_t word, words, k = 0;
	at = get_varint(at, end, &word);
	at = at ? get_varint(at, end, &words) : NULL;
	if (!at || words > (uint64_t)(end - at) / 8 || n > words * 64 || word > UINT64_MAX / 64 - words || !room(r, n, n, 1))
		return NULL;
	for (uint64_t w = 0; w < words; w++, at += 8) {
		uint64_t bits = load64(at);
		if ((uint64_t)__builtin_popcountll(bits) > n - k)
			return NULL;
		for (; bits; bits &= bits - 1)
			r->index[k++] = (word + w) * 64 + (uint64_t)__builtin_ctzll(bits);
	}
	return k == n ? at : NULL;
}

static const uint8_t *take_positions(log_reader *r, log_positions how, const uint8_t *at, const uint8_t *end, log_delta *d)
{
	switch (how) {
	case POSITIONS_RANGE: return get_varint(at, end, &d->first);
	case POSITIONS_MASK: return take_mask(r, at, end, d->count);
	case POSITIONS_GAPS: return take_gaps(r, at, end, d->count);
	case POSITIONS_U16: return take_uint16_t(r, at, end, d->count);
	case POSITIONS_U32: return take_uint32_t(r, at, end, d->count);
	case POSITIONS_U64: return take_uint64_t(r, at, end, d->count);
	}
	return NULL;
}

/* All positions are within the page. */
static bool within(const log_page *p, const log_delta *d)
{
	if (d->kind == STAGED_RANGE)
		return d->first <= p->count && d->count <= p->count - d->first;
	uint64_t most = 0, most_col = 0;
	for (uint64_t i = 0; i < d->count && !p->sparse; i++)
		most = d->index[i] > most ? d->index[i] : most;
	if (!p->sparse)
		return most < p->count;
	for (uint64_t i = 0; i < d->count; i++) {
		uint64_t row = d->index[i] >> 32, col = d->index[i] & UINT32_MAX;
		most = row > most ? row : most;
		most_col = col > most_col ? col : most_col;
	}
	return most < p->shape[0] && most_col < p->shape[1];
}

/* ---- deltas ------------------------------------------------------------------------------------ */

enum { WALK_PAGE, WALK_LEFT }; /* what is in log_walk.state */

void log_walk_begin(log_walk *w, log_reader *r, const log_record *record)
{
	bool deltas = record->kind == LOG_EPOCH;
	*w = (log_walk){.reader = r, .at = record->payload, .end = record->payload + (deltas ? record->n : 0)};
}

/* The zeros up to the record's length are fewer than a unit; a section of page 0 without deltas is none. */
static bool at_end(const log_walk *w)
{
	if (w->end - w->at >= LOG_UNIT)
		return false;
	for (const uint8_t *at = w->at; at < w->end; at++)
		if (*at)
			return false;
	return true;
}

/* The next section. false: it is wrong. */
static bool begin_section(log_walk *w)
{
	w->at = get_varint(w->at, w->end, &w->state[WALK_PAGE]);
	w->at = w->at ? get_varint(w->at, w->end, &w->state[WALK_LEFT]) : NULL;
	return w->at && w->state[WALK_PAGE] < w->reader->n_pages && w->state[WALK_LEFT] > 0;
}

static bool take_delta(log_walk *w, log_delta *d)
{
	const log_page *p = &w->reader->pages[w->state[WALK_PAGE]];
	if (w->at == w->end)
		return false;
	uint8_t first = *w->at++;
	log_change change = first >> 3 & 3;
	uint64_t field = 0;
	*d = (log_delta){.page = (unsigned)w->state[WALK_PAGE], .field = NONE};
	const uint8_t *at = get_varint(w->at, w->end, &d->count);
	if (at && change == CHANGE_FIELD)
		at = get_varint(at, w->end, &field);
	if (first >> 5 || !at || d->count == 0 || d->count > SIZE_MAX / 16 || (change == CHANGE_FIELD && field >= p->n_fields))
		return false;
	bool entries = change == CHANGE_INSERT || change == CHANGE_ERASE;
	log_positions how = first & 7;
	at = take_positions(w->reader, how, at, w->end, d);
	if (!at || entries != p->sparse || (entries && (how == POSITIONS_RANGE || how == POSITIONS_MASK)))
		return false;
	size_t width = change == CHANGE_ERASE ? 0 : p->element;
	if (change == CHANGE_FIELD) {
		d->field = (uint32_t)field;
		width = type_table[p->fields[field].type].bytes;
	}
	d->kind = change == CHANGE_INSERT ? STAGED_INSERT : change == CHANGE_ERASE ? STAGED_ERASE : how == POSITIONS_RANGE ? STAGED_RANGE : STAGED_SCATTER;
	d->index = d->kind == STAGED_RANGE ? NULL : w->reader->index;
	if ((width && d->count > (uint64_t)(w->end - at) / width) || !within(p, d))
		return false;
	d->values = width ? at : NULL;
	w->at = at + d->count * width;
	return true;
}

int log_walk_next(log_walk *w, log_delta *out, mmsb_error *err)
{
	const uint8_t *began = w->at;
	if (began && w->state[WALK_LEFT] == 0) {
		if (at_end(w))
			return 0;
		if (!begin_section(w))
			w->at = NULL;
	}
	if (w->at && take_delta(w, out)) {
		w->state[WALK_LEFT]--;
		return 1;
	}
	w->at = NULL;
	fail(err, MMSB_FORMAT, "%s: the deltas at byte %td are not what they should be (or there is no memory for them)", w->reader->path,
	     began ? began - w->reader->data : 0);
	return -1;
}
