/* eventread.c - a stream of events, or a segment of a log, read as deltas of another graph: pages are those of the same name. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eventfile.h"
#include "instance.h"
#include "state/log.h"
#include "state/log_format.h"
#include "types.h"

#define LONGEST_RECORD ((uint64_t)1 << 32)

struct eventreader {
	mmsb_instance *m;
	char *path;
	uint8_t *head;      /* the header and the record of pages, once they are there */
	log_reader *names;
	log_file_header header;
	int *page;          /* by page of the stream: ours, or -1 */
	uint64_t at;        /* of what was taken */
	char note[600];     /* what is to be told to the user; empty: nothing */
	bool ended;         /* by damage, or by pages that do not fit: nothing can be read behind it */
	uint64_t ticks;     /* epochs without changes still to be handed out */
};

bool eventreader_knows(const uint8_t *bytes, size_t n) { return n >= EVENT_MAGIC && memcmp(bytes, LOG_MAGIC, EVENT_MAGIC) == 0; }

int eventreader_new(eventreader **out, mmsb_instance *m, const char *path, mmsb_error *err)
{
	eventreader *r = *out = calloc(1, sizeof *r);
	if (!r || !(r->path = strdup(path))) {
		free(r);
		*out = NULL;
		return fail_memory(err, sizeof *r, path);
	}
	r->m = m;
	return MMSB_OK;
}

void eventreader_free(eventreader *r)
{
	if (!r)
		return;
	log_read_close(r->names);
	free(r->head);
	free(r->page);
	free(r->path);
	free(r);
}

const char *eventreader_note(const eventreader *r) { return r && r->note[0] ? r->note : NULL; }

/* ---- pages ---- */

static bool same_fields(const log_page *p, const mmsb_info *info)
{
	bool same = p->n_fields == info->n_fields;
	for (unsigned k = 0; same && k < p->n_fields; k++) {
		const log_field *f = &p->fields[k];
		const mmsb_field *g = &info->fields[k];
		same = f->type == g->type && f->offset == g->offset && strlen(g->name) == f->n_name && memcmp(g->name, f->name, f->n_name) == 0;
	}
	return same;
}

static size_t put_form(char *to, size_t room, bool sparse, unsigned type, unsigned ndim, const uint64_t *shape)
{
	size_t n = (size_t)snprintf(to, room, "%s%s[", sparse ? "sparse " : "", type < T_COUNT ? type_table[type].name : "a record");
	for (unsigned k = 0; k < ndim && n < room; k++)
		n += (size_t)snprintf(to + n, room - n, "%s%" PRIu64, k ? ", " : "", shape[k]);
	if (n < room)
		n += (size_t)snprintf(to + n, room - n, "]");
	return n;
}

static int check_page(eventreader *r, const log_page *p, const mmsb_info *info, mmsb_error *err)
{
	bool same = p->type == info->type && p->sparse == info->sparse && p->ndim == info->ndim && p->element == info->element && same_fields(p, info);
	for (unsigned k = 0; same && k < p->ndim; k++)
		same = p->shape[k] == info->shape[k];
	if (same)
		return MMSB_OK;
	char there[200], here[200];
	put_form(there, sizeof there, p->sparse, p->type, p->ndim, p->shape);
	put_form(here, sizeof here, info->sparse, (unsigned)info->type, info->ndim, info->shape);
	return fail(err, MMSB_FORMAT, "%s: page '%s' is %s in the stream, and %s here%s", r->path, info->name, there, here,
	            strcmp(there, here) == 0 ? " with other fields" : "");
}

/* Which of our sources each page is; what is none of them is told once. */
static int match_pages(eventreader *r, mmsb_error *err)
{
	unsigned n = log_page_count(r->names), left = 0;
	char names[400] = "";
	r->page = calloc(n + 1, sizeof *r->page);
	if (!r->page)
		return fail_memory(err, n * sizeof *r->page, r->path);
	for (unsigned i = 0; i < n; i++) {
		const log_page *p = log_page_at(r->names, i);
		char name[256];
		mmsb_info info = {.role = MMSB_INTERNAL};
		snprintf(name, sizeof name, "%.*s", (int)(p->n_name < sizeof name ? p->n_name : sizeof name - 1), p->name);
		r->page[i] = p->n_name < sizeof name ? mmsb_page(r->m, name) : -1;
		if (r->page[i] >= 0)
			mmsb_page_info(r->m, r->page[i], &info);
		if (info.role != MMSB_IN) {
			size_t used = strlen(names);
			r->page[i] = -1;
			snprintf(names + used, sizeof names - used, "%s%s", left++ ? ", " : "", name);
			continue;
		}
		int status = check_page(r, p, &info, err);
		if (status)
			return status;
	}
	if (left == n)
		return fail(err, MMSB_FORMAT, "%s: none of the stream's pages (%s) is a source here", r->path, names);
	if (left > 0)
		snprintf(r->note, sizeof r->note, "%.120s: left out, for they are no sources here: %s", r->path, names);
	return MMSB_OK;
}

/* ---- records ---- */

static int damaged(eventreader *r, const char *what, mmsb_error *err)
{
	return fail(err, MMSB_FORMAT, "%s: the %s at byte %" PRIu64 " is damaged; the epochs before it stand", r->path, what, r->at);
}

/* The length of the record at the front; 0: there is no whole one. */
static int look_at(eventreader *r, const uint8_t *bytes, size_t n, log_head *head, uint64_t *length, mmsb_error *err)
{
	*length = 0;
	if (n < sizeof *head)
		return MMSB_OK;
	memcpy(head, bytes, sizeof *head);
	uint64_t all = (uint64_t)head->units * LOG_UNIT;
	if (all > LONGEST_RECORD || (all > 0 && all < sizeof *head))
		return damaged(r, "record", err);
	*length = all <= n ? all : 0;
	return MMSB_OK;
}

static int take_start(eventreader *r, const uint8_t *bytes, size_t n, size_t *used, mmsb_error *err)
{
	log_head head;
	uint64_t length;
	int status = n < LOG_HEADER ? MMSB_OK : look_at(r, bytes + LOG_HEADER, n - LOG_HEADER, &head, &length, err);
	if (status || n < LOG_HEADER || length == 0)
		return status;
	r->head = malloc(LOG_HEADER + length);
	if (!r->head)
		return fail_memory(err, LOG_HEADER + length, r->path);
	memcpy(r->head, bytes, LOG_HEADER + length);
	memcpy(&r->header, bytes, sizeof r->header);
	status = log_read_memory(&r->names, r->head, LOG_HEADER + length, r->path, err);
	*used = LOG_HEADER + length;
	return status ? status : match_pages(r, err);
}

/* All that a sparse page has, before it is given anew. */
static int erase_all(eventreader *r, int id, mmsb_error *err)
{
	mmsb_info info;
	const uint64_t *row, *col;
	mmsb_page_info(r->m, id, &info);
	if (!info.sparse || info.count == 0)
		return MMSB_OK;
	int status = mmsb_entries(r->m, id, &row, &col, err);
	return status ? status : mmsb_erase(r->m, id, info.count, row, col, err);
}

static int take_deltas(eventreader *r, const log_record *record, bool whole, mmsb_error *err)
{
	log_walk walk;
	log_delta d;
	int more, status = MMSB_OK;
	for (unsigned i = 0; whole && i < log_page_count(r->names) && !status; i++)
		status = r->page[i] >= 0 ? erase_all(r, r->page[i], err) : MMSB_OK;
	log_walk_begin(&walk, r->names, record);
	while (!status && (more = log_walk_next(&walk, &d, err)) != 0) {
		if (more < 0)
			return damaged(r, "record of an epoch", err);
		if (r->page[d.page] >= 0)
			status = log_stage_delta(r->names, &d, r->m, r->page[d.page], err);
	}
	if (!status || status == MMSB_MEMORY)
		return status;
	char text[600];
	snprintf(text, sizeof text, "%.590s", err->message);
	return fail(err, status, "%s: epoch %" PRIu64 ", at byte %" PRIu64 ": %s", r->path, record->epoch, r->at, text);
}

/* A number at the front of a payload. */
static bool take_number(const uint8_t *at, size_t n, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < n && i < 10; i++) {
		*out |= (uint64_t)(at[i] & 127) << 7 * i;
		if (at[i] < 128)
			return true;
	}
	return false;
}

static int take_record(eventreader *r, log_record *record, event_taken *what, mmsb_error *err)
{
	int kind = (int)record->kind;
	*what = TAKEN_OTHER;
	switch (kind) {
	case LOG_EPOCH:
	case STREAM_WHOLE:
		*what = TAKEN_EPOCH;
		record->kind = LOG_EPOCH; /* the payload of the one is that of the other */
		return take_deltas(r, record, kind == STREAM_WHOLE, err);
	case LOG_TICKS: return take_number(record->payload, record->n, &r->ticks) ? MMSB_OK : damaged(r, "record of ticks", err);
	case LOG_END: *what = TAKEN_END; return MMSB_OK;
	case LOG_PAGES: return damaged(r, "second record of pages", err);
	default: return MMSB_OK;
	}
}

static int take_one(eventreader *r, const uint8_t *bytes, size_t n, size_t *used, event_taken *what, mmsb_error *err)
{
	log_head head;
	uint64_t length;
	*used = 0;
	*what = TAKEN_MORE;
	if (r->ticks > 0) {
		r->ticks--;
		*what = TAKEN_EPOCH;
		return MMSB_OK;
	}
	int status;
	if (!r->head) {
		status = take_start(r, bytes, n, used, err);
		r->at += *used;
		*what = *used ? TAKEN_OTHER : TAKEN_MORE;
		return status;
	}
	status = look_at(r, bytes, n, &head, &length, err);
	if (status || n < sizeof head)
		return status;
	if (head.units == 0) { /* a segment that is written to still */
		*what = TAKEN_END;
		return MMSB_OK;
	}
	if (length == 0)
		return MMSB_OK;
	log_record record = {.kind = head.kind, .source = head.source, .epoch = head.epoch, .time = head.time, .payload = bytes + sizeof head,
	                     .n = length - sizeof head, .at = r->at};
	if (head.flags != 0 || log_record_check(bytes, length, r->header.seed) != head.check)
		return damaged(r, "record", err);
	status = take_record(r, &record, what, err);
	*used = length;
	r->at += length;
	return status;
}

int eventreader_take(eventreader *r, const uint8_t *bytes, size_t n, size_t *used, event_taken *what, mmsb_error *err)
{
	if (r->ended) {
		*used = 0;
		return fail(err, MMSB_FORMAT, "%s: nothing can be read behind byte %" PRIu64, r->path, r->at);
	}
	bool begins = !r->head;
	int status = take_one(r, bytes, n, used, what, err);
	r->ended = status != MMSB_OK && (begins || status == MMSB_FORMAT);
	return status;
}
