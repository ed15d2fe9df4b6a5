/* log_segment.c - one segment after the other: begun, ended, gone on in after a crash. A segment is written over bytes that were there before it
 * had its name: zeros, or the records of a segment that nobody needs. The first are small, so that a small log takes little, and each is eight times
 * as long as the one before, up to what the options say. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "log_bytes.h"
#include "log_reader.h"
#include "log_writer.h"

enum { FIRST_BYTES = 1 << 20, GROWTH = 8, DEFAULT_BYTES = 1 << 26 };

static uint8_t zeros[1 << 18]; /* never written to */

void segment_path(const log_writer *w, char *to, uint64_t first, const char *suffix)
{
	snprintf(to, w->path_room, "%s/log-%020" PRIu64 "%s", w->folder, first, suffix);
}

void segment_other(const log_writer *w, char *to, const char *which) { snprintf(to, w->path_room, "%s/log-%s", w->folder, which); }

static int write_zeros(const log_writer *w, int handle, uint64_t from, uint64_t end)
{
	int error = 0;
	for (uint64_t at = from; at < end && !error; at += sizeof zeros)
		error = vfs_write_all(w->fs, handle, zeros, end - at < sizeof zeros ? end - at : sizeof zeros, at);
	return error;
}

int segment_zeros(const log_writer *w, const char *path, uint64_t bytes)
{
	int handle = w->fs->ops->open(w->fs->at, path, VFS_WRITE | VFS_CREATE | VFS_TRUNCATE);
	if (handle < 0)
		return handle;
	int error = write_zeros(w, handle, 0, bytes);
	if (!error)
		error = w->fs->ops->sync(w->fs->at, handle);
	if (!error)
		return handle;
	w->fs->ops->close(w->fs->at, handle);
	return error;
}

/* Zeros make syncs quicker; where nobody waits for one they are so many bytes written twice, and the file grows instead. */
bool segment_ahead(const log_writer *w) { return w->options.durability == LOG_EPOCH_DURABLE || w->options.durability == LOG_GROUP; }

uint64_t segment_length(const log_writer *w, uint64_t bytes)
{
	uint64_t most = w->options.segment_bytes ? w->options.segment_bytes : DEFAULT_BYTES, more = bytes * GROWTH;
	more = more > FIRST_BYTES ? more : FIRST_BYTES;
	return more < most ? more : most;
}

/* So that records of another segment, in blocks that were its, are none of this. */
static uint64_t draw_seed(const log_writer *w, uint64_t first, uint64_t before)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	const uint64_t what[] = {(uint64_t)t.tv_sec, (uint64_t)t.tv_nsec, first, before, (uint64_t)(uintptr_t)w};
	return XXH3_64bits(what, sizeof what);
}

/* Header and pages, durable under the segment's name. */
static int name_segment(log_writer *w, int handle, bool reused, uint64_t first, uint64_t before, mmsb_error *err)
{
	const log_record pages = {.kind = LOG_PAGES, .epoch = first, .payload = w->start + LOG_HEADER + LOG_HEAD, .n = w->n_start - LOG_HEADER - LOG_HEAD};
	uint64_t seed = draw_seed(w, first, before);
	log_put_header(w->start, w->m, reused ? LOG_REUSED : LOG_FRESH, first, seed, before);
	size_t n = LOG_HEADER + log_put(w->start + LOG_HEADER, seed, &pages);
	uint64_t cleared = (n + LOG_STOP + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
	segment_other(w, w->other, "next");
	segment_path(w, w->path, first, "");
	int error = vfs_write_all(w->fs, handle, w->start, n, 0);
	if (!error && reused)
		error = write_zeros(w, handle, n, cleared);
	if (!error)
		error = w->fs->ops->sync(w->fs->at, handle);
	if (!error)
		error = w->fs->ops->rename(w->fs->at, w->other, w->path);
	if (!error)
		error = w->fs->ops->sync_folder(w->fs->at, w->folder);
	if (error)
		return vfs_fail(err, error, w->path, "begun");
	w->first = first;
	w->seed = seed;
	w->reused = reused;
	w->cleared = cleared;
	w->end = w->synced = w->marked = w->length = n;
	memcpy(&w->last_check, w->start + LOG_HEADER, sizeof w->last_check);
	return MMSB_OK;
}

int segment_begin(log_writer *w, uint64_t first, uint64_t before, const log_segment *closed, mmsb_error *err)
{
	uint64_t bytes = w->next_handle >= 0 ? w->next_bytes : segment_length(w, closed ? closed->bytes : 0);
	int handle = w->next_handle;
	bool reused = handle >= 0 && w->next_reused;
	if (handle < 0) {
		segment_other(w, w->other, "next");
		handle = segment_zeros(w, w->other, closed || !segment_ahead(w) ? 0 : bytes); /* amid a run nobody is to wait until zeros are on the disk */
	}
	if (handle < 0)
		return vfs_fail(err, handle, w->other, "begun");
	w->next_handle = -1;
	int status = name_segment(w, handle, reused, first, before, err);
	int old = status ? handle : w->handle;
	if (old >= 0)
		w->fs->ops->close(w->fs->at, old); /* before somebody drops it */
	if (status)
		return status;
	w->handle = handle;
	pthread_mutex_lock(&w->lock); /* the thread that keeps looks at the limit meanwhile */
	w->limit = bytes;
	w->mark_bytes = 0;
	pthread_mutex_unlock(&w->lock);
	log_tags_clear(&w->tags);
	const log_segment opened = {.first = first};
	if (w->turn && (status = w->turn(w->user, closed, &opened, err)))
		return status;
	return MMSB_OK;
}

/* The last record of a segment; what was appended before is durable with it. */
static int end_segment(log_writer *w)
{
	log_buffer *b = &w->own;
	if (reserve(&b->at, &b->capacity, b->used + log_room(0)))
		return writer_fail(w, -ENOMEM, w->folder, "written");
	b->used += put_head(b->at + b->used, 0, LOG_END, 0, w->appended, 0);
	return writer_hand_over(w) ? w->failure.status : writer_flush(w, true);
}

int segment_turn(log_writer *w)
{
	mmsb_error err;
	writer_wait(w);
	if (w->failure.status || end_segment(w))
		return w->failure.status;
	w->busy = true;
	while (w->next == NEXT_AT_WORK)
		pthread_cond_wait(&w->done, &w->lock);
	w->next = NEXT_AT_WORK; /* nobody else makes one */
	const log_segment closed = {.first = w->first, .last = w->appended, .bytes = w->end};
	pthread_mutex_unlock(&w->lock);
	int status = segment_begin(w, closed.last + 1, w->last_check, &closed, &err);
	pthread_mutex_lock(&w->lock);
	w->busy = false;
	w->next = NEXT_NONE;
	if (status) {
		w->failure = err;
		atomic_store(&w->failing, true);
	} else {
		keep_job(w, &closed, false);
	}
	pthread_cond_broadcast(&w->done);
	return status;
}

/* ---- going on ---------------------------------------------------------------------------------- */

/* What a segment tells whoever goes on in it. */
typedef struct past {
	uint64_t sure;       /* its bytes up to here were durable once */
	uint64_t last_check;
	bool closed;
} past;

static bool take_tag(log_writer *w, const log_reader *r, uint16_t number)
{
	bool fresh;
	const char *text = log_source(r, number);
	return log_tag_number(&w->tags, text, strlen(text), &fresh) == number || !fresh;
}

/* Reads its records: up to `at`, and epoch `next` - 1. */
static int read_past(log_writer *w, log_reader *r, uint64_t next, uint64_t at, past *p, mmsb_error *err)
{
	log_record record = {.at = 0};
	*p = (past){.sure = LOG_HEADER};
	while (r->at < at && log_next(r, &record) == LOG_GOES_ON) {
		p->last_check = record.check;
		p->closed = record.kind == LOG_END;
		if (record.kind == LOG_MARK)
			p->sure = load64(record.payload);
		if (record.kind == LOG_SOURCE && !take_tag(w, r, record.source))
			return fail_memory(err, LOG_TAG, "source tags");
	}
	if (r->at != at || r->epoch + 1 != next || p->sure > at)
		return fail(err, MMSB_FORMAT, "%s: the segment is not what it was when it was read: its records end at byte %" PRIu64
		            " with epoch %" PRIu64 ", not at byte %" PRIu64 " with epoch %" PRIu64, r->path, r->at, r->epoch, at, next - 1);
	const uint8_t *pages = r->data + LOG_HEADER + LOG_HEAD;
	size_t n = w->n_start - LOG_HEADER - LOG_HEAD;
	if (r->size < w->n_start || memcmp(pages, w->start + LOG_HEADER + LOG_HEAD, n) != 0)
		return fail(err, MMSB_FORMAT, "%s: the segment is of other pages or params", r->path);
	return MMSB_OK;
}

/* A sync that failed may have left records in memory alone: they are written once more. What is behind them is none, and is cleared: what an earlier segment left
 * there too, where records of this one, which were never acknowledged, may be among it. */
static int mend(log_writer *w, log_reader *r, const past *p, uint64_t at)
{
	log_record none;
	uint64_t end = r->head.version == LOG_REUSED && log_next(r, &none) != LOG_TORN ? at : r->size;
	while (end > at && r->data[end - 1] == 0)
		end--;
	int error = vfs_write_all(w->fs, w->handle, r->data + p->sure, at - p->sure, p->sure);
	if (!error)
		error = write_zeros(w, w->handle, at, end);
	return error ? error : w->fs->ops->sync(w->fs->at, w->handle);
}

static int resume(log_writer *w, log_reader *r, uint64_t next, uint64_t at, mmsb_error *err)
{
	past p;
	int status = read_past(w, r, next, at, &p, err);
	if (status)
		return status;
	w->handle = w->fs->ops->open(w->fs->at, r->path, VFS_WRITE);
	int error = w->handle < 0 ? w->handle : mend(w, r, &p, at);
	if (error)
		return vfs_fail(err, error, r->path, "written");
	const log_segment closed = {.first = r->head.first, .last = next - 1, .bytes = at};
	w->first = r->head.first;
	w->seed = r->head.seed;
	w->end = w->synced = w->length = w->cleared = at;
	w->reused = r->head.version == LOG_REUSED;
	w->marked = p.sure; /* so the first write has a mark of what was found and is durable now */
	w->limit = r->size > at ? r->size : at;
	if (!segment_ahead(w) && w->limit < segment_length(w, 0))
		w->limit = segment_length(w, 0); /* the file grows */
	w->last_check = p.last_check;
	if (!p.closed)
		return MMSB_OK;
	status = segment_begin(w, next, p.last_check, &closed, err);
	if (!status)
		keep_job(w, &closed, false);
	return status;
}

int segment_resume(log_writer *w, uint64_t next, const log_segment *last, uint64_t at, mmsb_error *err)
{
	log_reader *r;
	segment_path(w, w->path, last->first, "");
	int status = log_read_open(&r, w->fs, w->path, err);
	if (!status)
		status = resume(w, r, next, at, err);
	log_read_close(r);
	return status;
}
