/* eventfile.c - events as records of a log: the changes of an epoch are written as if they were its deltas. */
#include "eventfile.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "instance.h"
#include "state/log.h"
#include "state/log_format.h"

enum { MOST_SOURCES = UINT16_MAX };

struct eventfile {
	mmsb_instance *m;
	outfile file;          /* unless it goes to standard output */
	outfile *out;
	bool json, whole;      /* whole: all values were written */
	uint32_t *place;       /* by page: what records call it */
	uint32_t *ids, n_ids;
	staging batch;         /* the changes of the epoch at hand */
	uint8_t **values;      /* by page: owned, of the entries that are not erased */
	size_t *cap_values;
	staged_op *ops;        /* by page, two each */
	uint8_t *record;
	size_t cap_record, used;
	char **sources;
	uint32_t n_sources;
	mmsb_error failed;     /* the first failure to make a record */
};

/* ---- records ---- */

static uint64_t wall_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The payload stands in e->record behind LOG_HEAD bytes. */
static int put_record(eventfile *e, int kind, uint64_t epoch, uint16_t source)
{
	size_t n = e->used - LOG_HEAD;
	if (reserve(&e->record, &e->cap_record, log_room(n)))
		return fail_memory(&e->failed, log_room(n), "an event");
	log_record r = {.kind = (log_kind)kind, .source = source, .epoch = epoch, .time = wall_ns(), .payload = e->record + LOG_HEAD, .n = n};
	outfile_write(e->out, e->record, log_put(e->record, 0, &r));
	return MMSB_OK;
}

/* Room for a payload that is empty yet. */
static int begin_record(eventfile *e)
{
	e->used = LOG_HEAD;
	return reserve(&e->record, &e->cap_record, LOG_HEAD) ? fail_memory(&e->failed, LOG_HEAD, "an event") : MMSB_OK;
}

static int put_bytes(eventfile *e, const void *bytes, size_t n)
{
	if (reserve(&e->record, &e->cap_record, e->used + n))
		return fail_memory(&e->failed, n, "an event");
	memcpy(e->record + e->used, bytes, n);
	e->used += n;
	return MMSB_OK;
}

static int put_number(eventfile *e, uint64_t v)
{
	uint8_t bytes[10];
	size_t n = 0;
	for (; v >= 128; v >>= 7)
		bytes[n++] = (uint8_t)(v | 128);
	bytes[n++] = (uint8_t)v;
	return put_bytes(e, bytes, n);
}

static int put_start(eventfile *e)
{
	uint8_t head[LOG_HEADER];
	uint64_t first = e->m->epoch > 0 ? e->m->epoch : 1;
	log_put_header(head, e->m, LOG_FRESH, first, 0, 0);
	outfile_write(e->out, head, sizeof head);
	int status = begin_record(e);
	if (!status)
		status = log_encode_pages(e->m, e->ids, e->n_ids, &e->record, &e->cap_record, &e->used, &e->failed);
	return status ? status : put_record(e, LOG_PAGES, first, 0);
}

/* The number of a tag, told before its first use; 0 where there is none left. */
static uint16_t source_number(eventfile *e, const char *tag, uint64_t epoch)
{
	for (uint32_t i = e->n_sources; i > 0; i--)
		if (strcmp(e->sources[i - 1], tag) == 0)
			return (uint16_t)i;
	if (*tag == '\0' || e->n_sources == MOST_SOURCES)
		return 0;
	char **larger = realloc(e->sources, (e->n_sources + 1) * sizeof *larger);
	if (larger)
		e->sources = larger;
	if (!larger || !(e->sources[e->n_sources] = strdup(tag))) {
		fail_memory(&e->failed, strlen(tag), "a source tag");
		return 0;
	}
	uint16_t number = (uint16_t)++e->n_sources;
	if (begin_record(e) || put_number(e, strlen(tag)) || put_bytes(e, tag, strlen(tag)) || put_record(e, LOG_SOURCE, epoch, number))
		return 0;
	return number;
}

/* ---- changes, as deltas ---- */

static staged_page *begin_page(eventfile *e, int id)
{
	staged_page *s = &e->batch.pages[id];
	s->ops = e->ops + 2 * id;
	s->n_ops = s->n_index = s->n_values = 0;
	e->batch.touched[e->batch.n_touched++] = (uint32_t)id;
	return s;
}

static void add_op(staged_page *s, uint32_t kind, uint64_t first, uint64_t count, size_t index, size_t bytes)
{
	s->ops[s->n_ops++] = (staged_op){.kind = kind, .field = NONE, .first = first, .count = count, .index = index, .values = 0};
	s->n_values += bytes;
	if (kind != STAGED_RANGE)
		s->n_index += count;
}

static void note_dense(eventfile *e, int id, const mmsb_changes_view *v)
{
	staged_page *s = begin_page(e, id);
	uint64_t first = v->index[0], last = v->index[v->count - 1];
	size_t bytes = v->count * e->m->pages[id].element;
	s->values = (uint8_t *)(uintptr_t)v->values;
	s->index = (uint64_t *)(uintptr_t)v->index;
	if (last - first == v->count - 1)
		add_op(s, STAGED_RANGE, first, v->count, 0, bytes);
	else
		add_op(s, STAGED_SCATTER, 0, v->count, 0, bytes);
}

/* Entries that are set, then those that are gone: each stands in one of the two. */
static int note_entries(eventfile *e, int id, uint64_t n, const uint64_t *row, const uint64_t *col, const uint8_t *deleted, const uint8_t *values)
{
	staged_page *s = begin_page(e, id);
	size_t width = e->m->pages[id].element, set = 0, gone = 0;
	if (reserve(&s->index, &s->cap_index, (n + 1) * sizeof *s->index) || reserve(&e->values[id], &e->cap_values[id], n * width + 1))
		return fail_memory(&e->failed, n * (sizeof *s->index + width), "events of a sparse page");
	s->values = e->values[id];
	for (uint64_t i = 0; i < n; i++) {
		if (deleted && deleted[i]) {
			s->index[n - ++gone] = row[i] << 32 | col[i];
			continue;
		}
		if (width)
			memcpy(s->values + set * width, values + i * width, width);
		s->index[set++] = row[i] << 32 | col[i];
	}
	if (set)
		add_op(s, STAGED_INSERT, 0, set, 0, set * width);
	if (gone)
		add_op(s, STAGED_ERASE, 0, gone, set, 0);
	e->batch.n_touched -= s->n_ops == 0;
	return MMSB_OK;
}

static int note_page(eventfile *e, int id, const mmsb_changes_view *v)
{
	if (e->m->pages[id].pat)
		return note_entries(e, id, v->count, v->row, v->col, v->deleted, v->values);
	note_dense(e, id, v);
	return MMSB_OK;
}

/* Everything that a page holds. */
static int note_whole(eventfile *e, int id)
{
	mmsb_info info;
	mmsb_page_info(e->m, id, &info);
	const void *values = mmsb_data(e->m, id);
	if (info.count > 0 && info.element > 0 && !values)
		return fail_memory(&e->failed, info.count * info.element, "the values of a page");
	if (info.sparse) {
		const uint64_t *row, *col;
		int status = mmsb_entries(e->m, id, &row, &col, &e->failed);
		return status ? status : note_entries(e, id, info.count, row, col, NULL, values);
	}
	if (info.count == 0)
		return MMSB_OK;
	staged_page *s = begin_page(e, id);
	s->values = (uint8_t *)(uintptr_t)values;
	add_op(s, STAGED_RANGE, 0, info.count, 0, info.count * info.element);
	return MMSB_OK;
}

static int put_epoch(eventfile *e, int kind, uint64_t epoch, const char *source)
{
	uint16_t number = source_number(e, source, epoch);
	int status = begin_record(e);
	if (!status)
		status = log_encode(e->m, &e->batch, e->place, &e->record, &e->cap_record, &e->used, &e->failed);
	return status ? status : put_record(e, kind, epoch, number);
}

static int put_whole(eventfile *e, uint64_t epoch, const char *source)
{
	int status = MMSB_OK;
	e->batch.n_touched = 0;
	for (uint32_t i = 0; i < e->n_ids && !status; i++)
		status = note_whole(e, (int)e->ids[i]);
	e->whole = true;
	return status ? status : put_epoch(e, STREAM_WHOLE, epoch, source);
}

static int put_error(eventfile *e, const mmsb_event *event)
{
	size_t n = strlen(event->error->message);
	int status = begin_record(e);
	status = status ? status : put_number(e, (uint64_t)event->error->status);
	status = status ? status : put_number(e, n);
	status = status ? status : put_bytes(e, event->error->message, n);
	return status ? status : put_record(e, STREAM_ERROR, event->epoch, 0);
}

static void hear(void *user, mmsb_instance *m, const mmsb_event *event)
{
	eventfile *e = user;
	(void)m;
	if (e->failed.status || e->out->error)
		return;
	switch (event->kind) {
	case MMSB_EVENT_BEGIN: e->batch.n_touched = 0; break;
	case MMSB_EVENT_PAGE:
		if (e->whole)
			note_page(e, event->page, &event->changes);
		break;
	case MMSB_EVENT_COMMIT:
		if (e->whole)
			put_epoch(e, LOG_EPOCH, event->epoch, event->source);
		else
			put_whole(e, event->epoch, event->source);
		break;
	case MMSB_EVENT_CHECKPOINT:
		if (begin_record(e) == MMSB_OK)
			put_record(e, STREAM_CHECKPOINT, event->epoch, 0);
		break;
	default: put_error(e, event); break;
	}
}

static void hear_json(void *user, mmsb_instance *m, const mmsb_event *event)
{
	eventfile *e = user;
	if (!e->out->error)
		eventjson_write(e->out, m, event);
}

/* ---- opening, closing ---- */

static int take_pages(eventfile *e, mmsb_error *err)
{
	uint32_t n = e->m->sch->n_pages;
	e->place = calloc(n + 1, sizeof *e->place);
	e->ids = calloc(n + 1, sizeof *e->ids);
	e->batch.pages = calloc(n + 1, sizeof *e->batch.pages);
	e->batch.touched = calloc(n + 1, sizeof *e->batch.touched);
	e->values = calloc(n + 1, sizeof *e->values);
	e->cap_values = calloc(n + 1, sizeof *e->cap_values);
	e->ops = calloc(2 * (size_t)n + 1, sizeof *e->ops);
	if (!e->place || !e->ids || !e->batch.pages || !e->batch.touched || !e->values || !e->cap_values || !e->ops)
		return fail_memory(err, n * sizeof(staged_page), "events");
	for (uint32_t i = 0; i < n; i++) {
		const sch_page *p = &e->m->sch->pages[i];
		if ((p->flags & PAGEF_STORED) && (p->role == PAGE_ROLE_IN || p->role == PAGE_ROLE_OUT)) {
			e->place[i] = e->n_ids;
			e->ids[e->n_ids++] = i;
		}
	}
	return MMSB_OK;
}

static int start(eventfile *e, mmsb_error *err)
{
	int status = mmsb_subscribe(e->m, MMSB_ALL_PAGES, e->json ? hear_json : hear, e, err);
	if (!status && !e->json)
		status = take_pages(e, err);
	if (status || e->json)
		return status;
	status = put_start(e);
	if (!status && e->m->epoch > 0)
		status = put_whole(e, e->m->epoch, "");
	return status ? eventfile_status(e, err) : MMSB_OK;
}

int eventfile_new(eventfile **out, mmsb_instance *m, const char *path, bool json, outfile *standard, mmsb_error *err)
{
	eventfile *e = *out = calloc(1, sizeof *e);
	if (!e)
		return fail_memory(err, sizeof *e, "events");
	*e = (eventfile){.m = m, .file = {.fd = -1}, .out = standard, .json = json};
	int status = MMSB_OK;
	if (strcmp(path, "-") != 0) {
		e->out = &e->file;
		status = outfile_open(&e->file, path, false, err);
	}
	return status ? status : start(e, err);
}

int eventfile_status(eventfile *e, mmsb_error *err)
{
	if (!e)
		return MMSB_OK;
	if (e->failed.status)
		return fail(err, e->failed.status, "%s", e->failed.message);
	if (e->out->error)
		return fail(err, MMSB_IO, "cannot write '%s': %s", e->out->path, strerror(e->out->error));
	return MMSB_OK;
}

void eventfile_flush(eventfile *e)
{
	if (e)
		outfile_flush(e->out);
}

int eventfile_close(eventfile *e, mmsb_error *err)
{
	if (!e)
		return MMSB_OK;
	if (!e->json && !e->failed.status && begin_record(e) == MMSB_OK)
		put_record(e, LOG_END, e->m->epoch, 0);
	mmsb_unsubscribe(e->m, e->json ? hear_json : hear, e);
	mmsb_error other;
	int status = eventfile_status(e, err), closed = outfile_close(&e->file, status ? &other : err);
	return status ? status : closed;
}

void eventfile_free(eventfile *e)
{
	if (!e)
		return;
	mmsb_unsubscribe(e->m, e->json ? hear_json : hear, e);
	outfile_abort(&e->file);
	for (uint32_t i = 0; i < e->n_ids; i++) {
		uint32_t id = e->ids[i];
		free(e->values[id]);
		if (e->m->pages[id].pat)
			free(e->batch.pages[id].index);
	}
	for (uint32_t i = 0; i < e->n_sources; i++)
		free(e->sources[i]);
	free(e->sources);
	free(e->place);
	free(e->ids);
	free(e->batch.pages);
	free(e->batch.touched);
	free(e->values);
	free(e->cap_values);
	free(e->ops);
	free(e->record);
	free(e);
}
