/* log_read.c - segments, walked record by record; where they end, and why. docs/format.md, "Where a log ends". */
#include "log_reader.h"

#include <inttypes.h>
#include <stdlib.h>

#include <zstd.h>

#include "log_bytes.h"

/* ---- compressed segments ----------------------------------------------------------------------- */

static bool is_packed(const vfs_bytes *file)
{
	uint32_t magic = 0;
	if (file->size >= sizeof magic)
		memcpy(&magic, file->data, sizeof magic);
	return magic == ZSTD_MAGICNUMBER;
}

/* Grows with what is there, whatever the frame says of itself. */
static int unpack_stream(log_reader *r, ZSTD_DStream *z, mmsb_error *err)
{
	ZSTD_inBuffer in = {r->file.data, r->file.size, 0};
	size_t capacity = 0, more = 1;
	while (more != 0) {
		if (reserve(&r->unpacked, &capacity, r->size + ZSTD_DStreamOutSize()))
			return fail_memory(err, r->size + ZSTD_DStreamOutSize(), r->path);
		ZSTD_outBuffer out = {r->unpacked, capacity, r->size};
		size_t before = in.pos;
		more = ZSTD_decompressStream(z, &out, &in);
		if (ZSTD_isError(more))
			return fail(err, MMSB_FORMAT, "%s: the compressed segment is damaged at byte %zu: %s", r->path, in.pos, ZSTD_getErrorName(more));
		if (more != 0 && in.pos == before && out.pos == r->size)
			return fail(err, MMSB_FORMAT, "%s: the compressed segment is cut off at byte %zu", r->path, in.size);
		r->size = out.pos;
	}
	r->data = r->unpacked;
	return MMSB_OK;
}

static int unpack(log_reader *r, mmsb_error *err)
{
	r->size = 0;
	ZSTD_DStream *z = ZSTD_createDStream();
	int status = z ? unpack_stream(r, z, err) : fail_memory(err, ZSTD_DStreamOutSize(), r->path);
	ZSTD_freeDStream(z);
	return status;
}

/* ---- opening ----------------------------------------------------------------------------------- */

static int check_header(log_reader *r, mmsb_error *err)
{
	log_file_header *h = &r->head;
	if (r->size < sizeof *h || memcmp(r->data, LOG_MAGIC, sizeof h->magic) != 0)
		return fail(err, MMSB_FORMAT, "%s: this is no segment of a log", r->path);
	memcpy(h, r->data, sizeof *h);
	if (h->version < LOG_FRESH || h->version > LOG_REUSED)
		return fail(err, MMSB_FORMAT, "%s: the log has version %" PRIu32 ", this library reads versions %d to %d", r->path, h->version, LOG_FRESH,
		            LOG_REUSED);
	if (XXH3_64bits(r->data, offsetof(log_file_header, check)) != h->check)
		return fail(err, MMSB_FORMAT, "%s: the header is damaged: its checksum is wrong", r->path);
	if (h->numerics != NUMERICS)
		return fail(err, MMSB_NUMERICS, "%s: the log was made with numerics %" PRIu32 ", this library computes with numerics %u", r->path,
		            h->numerics, (unsigned)NUMERICS);
	return h->first > 0 ? MMSB_OK : fail(err, MMSB_FORMAT, "%s: there is no epoch 0", r->path);
}

/* A record that stands at r->at, if one does. */
static bool record_at(const log_reader *r, uint64_t at, log_record *out)
{
	log_head head;
	if (at > r->size || r->size - at < sizeof head)
		return false;
	memcpy(&head, r->data + at, sizeof head);
	uint64_t length = (uint64_t)head.units * LOG_UNIT;
	if (length < sizeof head || length > r->size - at || record_check(r->data + at, length, r->head.seed) != head.check)
		return false;
	*out = (log_record){.kind = head.kind, .source = head.source, .epoch = head.epoch, .time = head.time, .payload = r->data + at + sizeof head,
	                    .n = length - sizeof head, .at = at, .check = head.check};
	return head.flags == 0;
}

static int read_pages(log_reader *r, mmsb_error *err)
{
	log_record pages;
	if (!record_at(r, sizeof r->head, &pages) || pages.kind != LOG_PAGES || pages.epoch != r->head.first)
		return fail(err, MMSB_FORMAT, "%s: the record of the pages, at byte %zu, is damaged", r->path, sizeof r->head);
	return log_decode_pages(r, pages.payload, pages.n, err);
}

static int open_segment(log_reader *r, mmsb_error *err)
{
	int status = is_packed(&r->file) ? unpack(r, err) : MMSB_OK;
	if (!status)
		status = check_header(r, err);
	if (!status)
		status = read_pages(r, err);
	log_rewind(r);
	return status;
}

static log_reader *reader_new(const char *path, mmsb_error *err)
{
	log_reader *r = calloc(1, sizeof *r);
	if (r && !(r->path = strdup(path))) {
		free(r);
		r = NULL;
	}
	if (!r)
		fail_memory(err, sizeof *r + strlen(path), path);
	return r;
}

int log_read_memory(log_reader **out, const uint8_t *bytes, size_t n, const char *path, mmsb_error *err)
{
	log_reader *r = *out = reader_new(path, err);
	if (!r)
		return MMSB_MEMORY;
	r->file = (vfs_bytes){bytes, n, false};
	r->data = bytes;
	r->size = n;
	int status = open_segment(r, err);
	if (status) {
		log_read_close(r);
		*out = NULL;
	}
	return status;
}

int log_read_open(log_reader **out, const vfs *fs, const char *path, mmsb_error *err)
{
	vfs_bytes file;
	*out = NULL;
	int error = vfs_view(fs, path, &file);
	if (error)
		return vfs_fail(err, error, path, "read");
	int status = log_read_memory(out, file.data, file.size, path, err);
	if (status)
		vfs_release(fs, &file);
	else
		(*out)->fs = fs, (*out)->file = file;
	return status;
}

void log_read_close(log_reader *r)
{
	if (!r)
		return;
	if (r->fs)
		vfs_release(r->fs, &r->file);
	for (unsigned i = 0; i < r->n_sources; i++)
		free(r->sources[i]);
	free(r->sources);
	free(r->unpacked);
	free(r->pages);
	free(r->fields);
	free(r->index);
	free(r->pair);
	free(r->plain);
	free(r->path);
	free(r);
}

/* ---- records ----------------------------------------------------------------------------------- */

void log_rewind(log_reader *r)
{
	r->at = sizeof r->head;
	r->epoch = r->head.first - 1;
	r->closed = false;
}

static bool take_source(log_reader *r, const log_record *record)
{
	uint64_t n;
	const uint8_t *end = record->payload + record->n, *text = get_varint(record->payload, end, &n);
	if (!text || n > (uint64_t)(end - text) || n > LOG_TAG || record->source == 0 || memchr(text, '\0', n))
		return false;
	if (record->source > r->n_sources) {
		if (reserve(&r->sources, &r->cap_sources, record->source * sizeof *r->sources))
			return false;
		memset(r->sources + r->n_sources, 0, (record->source - r->n_sources) * sizeof *r->sources);
		r->n_sources = record->source;
	}
	char *copy = malloc(n + 1);
	if (!copy)
		return false;
	memcpy(copy, text, n);
	copy[n] = '\0';
	free(r->sources[record->source - 1]);
	r->sources[record->source - 1] = copy;
	return true;
}

uint64_t log_record_first(const log_record *record)
{
	uint64_t n = 1;
	if (record->kind == LOG_TICKS && !get_varint(record->payload, record->payload + record->n, &n))
		n = 1;
	return record->epoch + 1 - n;
}

/* Whether it may stand where it does: epochs follow one another. */
static bool in_order(log_reader *r, const log_record *record)
{
	uint64_t n;
	switch (record->kind) {
	case LOG_PAGES: return record->at == sizeof r->head;
	case LOG_SOURCE: return take_source(r, record);
	case LOG_EPOCH: return record->epoch == r->epoch + 1 && record->epoch != 0;
	case LOG_TICKS:
		return get_varint(record->payload, record->payload + record->n, &n) && n > 0 && record->epoch > r->epoch && record->epoch - r->epoch == n;
	case LOG_DIGEST: return record->epoch == r->epoch && record->n == 16;
	case LOG_MARK: return record->n == 8;
	case LOG_END: return record->epoch == r->epoch;
	}
	return false;
}

static bool all_zero(const log_reader *r, uint64_t at)
{
	for (; at < r->size && at % 8; at++)
		if (r->data[at])
			return false;
	for (; r->size - at >= 4096; at += 4096) {
		uint64_t any = 0;
		for (size_t i = 0; i < 4096; i += 8)
			any |= load64(r->data + at + i);
		if (any)
			return false;
	}
	for (; at < r->size; at++)
		if (r->data[at])
			return false;
	return true;
}

/* What stands behind a place where no record is: records of the segment, which were never acknowledged, or marks that say that the place was durable. */
typedef struct behind {
	bool records, marked;
	uint64_t end;            /* of the last of the records */
} behind;

/* Of bytes whose checksum is taken in a search: a file may say anything of its records, at every place. */
static uint64_t budget_of(const log_reader *r) { return 4 * r->size; }

static behind look_behind(const log_reader *r, uint64_t at)
{
	behind b = {.end = at};
	uint64_t budget = r->head.version == LOG_REUSED ? budget_of(r) : 0;
	for (uint64_t i = at + LOG_UNIT; i < r->size && r->size - i >= LOG_HEAD && !b.marked; i += LOG_UNIT) {
		log_head head;
		log_record record;
		memcpy(&head, r->data + i, sizeof head);
		uint64_t length = (uint64_t)head.units * LOG_UNIT;
		bool mark = head.kind == LOG_MARK && length == LOG_MARK_BYTES;
		/* what an earlier segment left there is of earlier epochs */
		bool may = length <= budget && head.kind >= LOG_SOURCE && head.kind <= LOG_END && head.flags == 0 && head.epoch >= r->epoch && i >= b.end;
		budget -= may ? length : 0;
		if ((!may && !mark) || !record_at(r, i, &record))
			continue;
		b.marked = mark && load64(record.payload) > at;
		b.records = true;
		b.end = i + length;
	}
	return b;
}

/* Where records end in a segment that has older bytes behind them. */
static bool stops_at(const log_reader *r, uint64_t at)
{
	uint64_t any = 0;
	for (uint64_t i = at; i < r->size && i < at + LOG_STOP; i += LOG_UNIT)
		any |= r->size - i >= LOG_UNIT ? load64(r->data + i) : 1;
	return any == 0;
}

/* How many bytes of a record, or more of them, stand where none is whole: up to the last that is not zero, or (there are older bytes behind it) to the end of
 * the last record that is whole, or as many as the record says. */
static uint64_t torn_bytes(const log_reader *r, const behind *b)
{
	uint64_t end = r->size;
	log_head head = {.units = 0};
	if (r->head.version != LOG_REUSED) {
		while (end > r->at && r->data[end - 1] == 0)
			end--;
		return end - r->at;
	}
	if (b->records)
		return b->end - r->at;
	if (r->size - r->at >= sizeof head)
		memcpy(&head, r->data + r->at, sizeof head);
	uint64_t length = (uint64_t)head.units * LOG_UNIT, left = r->size - r->at;
	return length >= sizeof head && length < left ? length : left < sizeof head ? left : sizeof head;
}

/* In a compressed segment nothing is left for later. */
static log_tail tail_of(const log_reader *r, bool record, uint64_t *torn)
{
	if (r->closed)
		return LOG_CLOSED;
	if (record || r->unpacked)
		return LOG_CORRUPT;
	if (all_zero(r, r->at))
		return LOG_WHOLE;
	behind b = look_behind(r, r->at);
	if (b.marked)
		return LOG_CORRUPT;
	if (r->head.version == LOG_REUSED && !b.records && stops_at(r, r->at))
		return LOG_WHOLE;
	*torn = torn_bytes(r, &b);
	return LOG_TORN;
}

static uint64_t behind_record(const log_record *record) { return record->at + LOG_HEAD + record->n; }

log_tail log_next(log_reader *r, log_record *record)
{
	bool there = !r->closed && record_at(r, r->at, record);
	if (!there || !in_order(r, record)) {
		uint64_t torn = 0;
		log_tail tail = tail_of(r, there, &torn);
		*record = (log_record){.at = r->at, .epoch = r->epoch, .n = torn};
		return tail;
	}
	r->at = behind_record(record);
	if (record->kind == LOG_EPOCH || record->kind == LOG_TICKS)
		r->epoch = record->epoch;
	r->closed = record->kind == LOG_END;
	return LOG_GOES_ON;
}

/* A search finds records in no order, whose numbers may be any. */
static bool is_possible(const log_record *record)
{
	uint64_t n;
	if (record->kind == LOG_TICKS)
		return get_varint(record->payload, record->payload + record->n, &n) && n > 0 && n <= record->epoch;
	return record->epoch != 0;
}

/* The next record from `at` on, whatever it is: all begin at multiples of LOG_UNIT. What looks like a record and is none, which the bytes of a damaged one
 * may at every place, is paid from the budget; one that would cost more than is left is passed over. */
static bool find_record(const log_reader *r, uint64_t at, uint64_t *budget, log_record *out)
{
	for (; at < r->size && r->size - at >= LOG_HEAD; at += LOG_UNIT) {
		log_head head;
		memcpy(&head, r->data + at, sizeof head);
		uint64_t length = (uint64_t)head.units * LOG_UNIT;
		bool may = length >= LOG_HEAD && length <= r->size - at && length <= *budget && head.kind >= LOG_PAGES && head.kind <= LOG_END && head.flags == 0;
		if (may && record_at(r, at, out))
			return true;
		*budget -= may ? length : 0;
	}
	return false;
}

/* The same of a kind, with an epoch in it (0: any): between whole records there is nothing to look at. */
static bool find_kind(const log_reader *r, uint64_t at, unsigned kinds, uint64_t epoch, uint64_t *budget, log_record *out)
{
	for (; find_record(r, at, budget, out); at = behind_record(out))
		if ((kinds >> out->kind & 1) && is_possible(out) && out->epoch >= epoch && (epoch == 0 || log_record_first(out) <= epoch))
			return true;
	return false;
}

bool log_seek(log_reader *r, uint64_t epoch)
{
	log_record record;
	uint64_t budget = budget_of(r);
	for (uint64_t at = sizeof r->head; find_kind(r, at, 1u << LOG_SOURCE, 0, &budget, &record); at = behind_record(&record))
		take_source(r, &record);
	budget = budget_of(r);
	bool found = find_kind(r, sizeof r->head, 1u << LOG_EPOCH | 1u << LOG_TICKS, epoch, &budget, &record);
	r->at = found ? record.at : r->size;
	r->epoch = found ? log_record_first(&record) - 1 : epoch - 1;
	r->closed = false;
	return found;
}

uint64_t log_highest(const log_reader *r)
{
	log_record record;
	uint64_t last = 0, budget = budget_of(r);
	for (uint64_t at = sizeof r->head; find_kind(r, at, 1u << LOG_EPOCH | 1u << LOG_TICKS, 0, &budget, &record); at = behind_record(&record))
		last = record.epoch > last ? record.epoch : last;
	return last;
}

/* ---- what it is -------------------------------------------------------------------------------- */

uint64_t log_first_epoch(const log_reader *r) { return r->head.first; }
uint64_t log_seed(const log_reader *r) { return r->head.seed; }
uint64_t log_before(const log_reader *r) { return r->head.before; }
const uint8_t *log_bytes(const log_reader *r) { return r->data; }
uint64_t log_size(const log_reader *r) { return r->size; }
const char *log_path(const log_reader *r) { return r->path; }
void log_identity(const log_reader *r, uint64_t out[2]) { memcpy(out, r->head.identity, sizeof r->head.identity); }
unsigned log_page_count(const log_reader *r) { return r->n_pages; }
const log_page *log_page_at(const log_reader *r, unsigned i) { return i < r->n_pages ? &r->pages[i] : NULL; }
unsigned log_param_count(const log_reader *r) { return r->n_params; }
uint64_t log_param(const log_reader *r, unsigned i) { return load64(r->params + i * sizeof(uint64_t)); }

unsigned log_source_count(const log_reader *r) { return r->n_sources; }

const char *log_source(const log_reader *r, uint16_t number)
{
	if (number == 0)
		return "";
	return number <= r->n_sources ? r->sources[number - 1] : NULL;
}
