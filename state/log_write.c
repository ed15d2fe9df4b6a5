/* log_write.c - records of epochs, appended, written and synced: log_writer.h says who does what. */
#include <stdlib.h>
#include <time.h>

#include "log_bytes.h"
#include "log_writer.h"

/* What is appended is written, not synced, when it is so much: memory stays warm, and buffers small. */
enum { FLUSH = 1 << 18 };

/* The time of a record. SOURCE_DATE_EPOCH, for logs that are to be the same every time: epoch e was committed so many
 * seconds after 1970, and e. */
static uint64_t wall_ns(const log_writer *w, uint64_t epoch)
{
	struct timespec t;
	if (w->dated)
		return (w->date + epoch) * 1000000000u;
	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- writing ----------------------------------------------------------------------------------- */

int writer_fail(log_writer *w, int error, const char *path, const char *what)
{
	if (!w->failure.status)
		vfs_fail(&w->failure, error, path, what);
	pthread_cond_broadcast(&w->done);
	return w->failure.status;
}

/* The writer's failure, as the caller's. */
static int failed(const log_writer *w, mmsb_error *err)
{
	if (err)
		*err = w->failure;
	return w->failure.status;
}

void writer_wait(log_writer *w)
{
	while (w->busy)
		pthread_cond_wait(&w->done, &w->lock);
}

/* The room before the records, if a sync came after the last mark: what it made sure of. Returns what is written, from where on. */
static size_t put_mark(log_writer *w, log_buffer *b)
{
	if (w->synced == w->marked)
		return LOG_MARK_BYTES;
	const log_record mark = {.kind = LOG_MARK, .epoch = w->written, .time = wall_ns(w, w->written), .payload = (const uint8_t *)&w->synced, .n = sizeof w->synced};
	log_put(b->at, w->seed, &mark);
	w->marked = w->synced;
	return 0;
}

int writer_flush(log_writer *w, bool sync)
{
	log_buffer b = w->fill;
	uint64_t epoch = w->appended;
	w->fill = w->out;
	w->fill.used = LOG_MARK_BYTES;
	w->busy = true;
	size_t from = b.used > LOG_MARK_BYTES ? put_mark(w, &b) : b.used;
	uint64_t end = w->end + (b.used - from);
	pthread_mutex_unlock(&w->lock);
	int error = vfs_write_all(w->fs, w->handle, b.at + from, b.used - from, w->end);
	if (!error && sync)
		error = w->fs->ops->sync(w->fs->at, w->handle);
	pthread_mutex_lock(&w->lock);
	w->out = b;
	w->busy = false;
	if (error) {
		segment_path(w, w->path, w->first, "");
		return writer_fail(w, error, w->path, "written");
	}
	w->end = end;
	w->written = epoch;
	if (sync) {
		w->synced = end;
		w->durable = epoch;
	}
	if (w->next == NEXT_NONE && end >= w->limit / 2) {
		w->next = NEXT_WANTED;
		pthread_cond_signal(&w->work);
	}
	pthread_cond_broadcast(&w->done);
	return MMSB_OK;
}

/* Whoever finds nobody at work does it for all that wait. */
static int wait_for(log_writer *w, uint64_t epoch, bool sync, mmsb_error *err)
{
	int status = MMSB_OK;
	pthread_mutex_lock(&w->lock);
	if (epoch > w->appended)
		status = fail(err, MMSB_ORDER, "epoch %llu is not in the log yet", (unsigned long long)epoch);
	while (!status && (sync ? w->durable : w->written) < epoch) {
		if (w->failure.status)
			status = failed(w, err);
		else if (w->busy)
			pthread_cond_wait(&w->done, &w->lock);
		else
			writer_flush(w, sync);
	}
	pthread_mutex_unlock(&w->lock);
	return status;
}

int log_sync(log_writer *w, uint64_t epoch, mmsb_error *err) { return wait_for(w, epoch, true, err); }

int log_wait(log_writer *w, uint64_t epoch, mmsb_error *err)
{
	if (w->options.durability == LOG_EPOCH_DURABLE || w->options.durability == LOG_OS)
		return wait_for(w, epoch, w->options.durability == LOG_EPOCH_DURABLE, err);
	pthread_mutex_lock(&w->lock);
	int status = w->failure.status ? failed(w, err) : MMSB_OK;
	pthread_mutex_unlock(&w->lock);
	return status;
}

uint64_t log_durable(log_writer *w)
{
	pthread_mutex_lock(&w->lock);
	uint64_t epoch = w->durable;
	pthread_mutex_unlock(&w->lock);
	return epoch;
}

/* ---- appending --------------------------------------------------------------------------------- */

/* The record whose payload was put behind room for its head at `from`. */
static void seal(log_writer *w, size_t from, log_kind kind, uint16_t source, uint64_t epoch)
{
	log_buffer *b = &w->fill;
	const log_record record = {.kind = kind, .source = source, .epoch = epoch, .time = wall_ns(w, epoch), .payload = b->at + from + LOG_HEAD,
	                           .n = b->used - from - LOG_HEAD};
	b->used = from + log_put(b->at + from, w->seed, &record);
	memcpy(&w->last_check, b->at + from, sizeof w->last_check);
}

static int append_bytes(log_writer *w, log_kind kind, uint16_t source, uint64_t epoch, const uint8_t *payload, size_t n, mmsb_error *err)
{
	log_buffer *b = &w->fill;
	size_t from = b->used;
	if (reserve(&b->at, &b->capacity, from + log_room(n)))
		return fail_memory(err, log_room(n), "a record of the log");
	if (n)
		memcpy(b->at + from + LOG_HEAD, payload, n);
	b->used = from + LOG_HEAD + n;
	seal(w, from, kind, source, epoch);
	return MMSB_OK;
}

/* The number of a tag, named before its first use. */
static int take_tag(log_writer *w, const char *source, uint64_t epoch, uint16_t *number, mmsb_error *err)
{
	size_t n = source ? strlen(source) : 0;
	bool fresh;
	*number = 0;
	if (n == 0)
		return MMSB_OK;
	if (n > LOG_TAG)
		return fail(err, MMSB_USAGE, "a source tag has %zu bytes: at most %d are allowed", n, LOG_TAG);
	*number = log_tag_number(&w->tags, source, n, &fresh);
	if (!*number)
		return fail_memory(err, n, "a source tag");
	if (!fresh)
		return MMSB_OK;
	uint8_t payload[VARINT_MOST + LOG_TAG], *to = put_varint(payload, n);
	memcpy(to, source, n);
	return append_bytes(w, LOG_SOURCE, *number, epoch, payload, (size_t)(to - payload) + n, err);
}

/* Before the record of epochs from `first` on: it is their turn, and there is a segment for it. */
static int admit(log_writer *w, uint64_t first, mmsb_error *err)
{
	if (w->failure.status)
		return failed(w, err);
	if (first != w->appended + 1)
		return fail(err, MMSB_ORDER, "epoch %llu does not follow epoch %llu in the log", (unsigned long long)first,
		            (unsigned long long)w->appended);
	bool empty = w->appended < w->first; /* it was begun before a crash, and may have no room ahead: it is not ended without an epoch */
	bool full = !empty && (w->end + w->fill.used - LOG_MARK_BYTES >= w->limit || w->tags.n == TAGS_MOST);
	return full && segment_turn(w) ? failed(w, err) : MMSB_OK;
}

/* After it: what is too much for the buffer is written, what is to be synced soon is noted. */
static int appended(log_writer *w, uint64_t epoch, mmsb_error *err)
{
	w->appended = epoch;
	if (w->options.durability == LOG_GROUP && w->deadline == 0) {
		w->deadline = now_ns() + w->options.group_ns;
		pthread_cond_signal(&w->due);
	}
	return w->fill.used >= FLUSH && !w->busy && writer_flush(w, false) ? failed(w, err) : MMSB_OK;
}

/* A record that is missing would be a gap. */
static int ended(log_writer *w, int status, mmsb_error *err)
{
	if (status && !w->failure.status) {
		w->failure = *err;
		pthread_cond_broadcast(&w->done);
	}
	pthread_mutex_unlock(&w->lock);
	return status;
}

int log_append_epoch(log_writer *w, const mmsb_instance *m, uint64_t epoch, const char *source, mmsb_error *err)
{
	mmsb_error local;
	uint16_t number;
	err = err ? err : &local;
	pthread_mutex_lock(&w->lock);
	int status = admit(w, epoch, err);
	if (!status)
		status = take_tag(w, source, epoch, &number, err);
	log_buffer *b = &w->fill;
	size_t from = b->used;
	if (!status && reserve(&b->at, &b->capacity, from + LOG_HEAD))
		status = fail_memory(err, LOG_HEAD, "a record of the log");
	if (!status) {
		b->used += LOG_HEAD;
		status = log_encode(m, m->staging, w->place, &b->at, &b->capacity, &b->used, err);
	}
	if (!status) {
		seal(w, from, LOG_EPOCH, number, epoch);
		status = appended(w, epoch, err);
	}
	return ended(w, status, err);
}

int log_append_ticks(log_writer *w, uint64_t last, uint64_t n, const char *source, mmsb_error *err)
{
	mmsb_error local;
	uint16_t number;
	uint8_t payload[VARINT_MOST];
	err = err ? err : &local;
	pthread_mutex_lock(&w->lock);
	int status = admit(w, last - n + 1, err);
	if (!status && n == 0)
		status = fail(err, MMSB_USAGE, "no ticks make no record of the log");
	if (!status)
		status = take_tag(w, source, last, &number, err);
	if (!status)
		status = append_bytes(w, LOG_TICKS, number, last, payload, (size_t)(put_varint(payload, n) - payload), err);
	if (!status)
		status = appended(w, last, err);
	return ended(w, status, err);
}

int log_append_digest(log_writer *w, uint64_t epoch, const uint8_t digest[16], mmsb_error *err)
{
	mmsb_error local;
	err = err ? err : &local;
	pthread_mutex_lock(&w->lock);
	int status = w->failure.status ? failed(w, err) : MMSB_OK;
	if (!status && epoch != w->appended)
		status = fail(err, MMSB_ORDER, "the log is at epoch %llu, not %llu", (unsigned long long)w->appended, (unsigned long long)epoch);
	if (!status)
		status = append_bytes(w, LOG_DIGEST, 0, epoch, digest, 16, err);
	return ended(w, status, err);
}

/* ---- from beginning to end --------------------------------------------------------------------- */

static void writer_free(log_writer *w)
{
	if (w->handle >= 0)
		w->fs->ops->close(w->fs->at, w->handle);
	if (w->next_handle >= 0) {
		w->fs->ops->close(w->fs->at, w->next_handle);
		segment_path(w, w->path, 0, NULL);
		w->fs->ops->unlink(w->fs->at, w->path);
	}
	char *const paths[] = {w->folder, w->path, w->other, w->keep_path, w->keep_other, w->pack_path};
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		free(paths[i]);
	free(w->place);
	free(w->start);
	free(w->fill.at);
	free(w->out.at);
	log_tags_free(&w->tags);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->done);
	pthread_cond_destroy(&w->work);
	pthread_cond_destroy(&w->due);
	free(w);
}

/* Locks, paths and buffers. */
static int prepare(log_writer *w, const char *folder, mmsb_error *err)
{
	enum { NAME_ROOM = 64, BUFFER = FLUSH + (FLUSH >> 2) }; /* so that they seldom grow; memory that is not used is not there */
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->done, NULL);
	pthread_cond_init(&w->work, NULL);
	pthread_cond_init(&w->due, &monotonic);
	pthread_condattr_destroy(&monotonic);
	w->path_room = strlen(folder) + NAME_ROOM;
	w->folder = strdup(folder);
	char **const paths[] = {&w->path, &w->other, &w->keep_path, &w->keep_other, &w->pack_path};
	bool lacking = !w->folder;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		lacking |= !(*paths[i] = malloc(w->path_room));
	lacking |= reserve(&w->fill.at, &w->fill.capacity, BUFFER) || reserve(&w->out.at, &w->out.capacity, BUFFER);
	w->fill.used = w->out.used = LOG_MARK_BYTES;
	return lacking ? fail_memory(err, 5 * w->path_room + 2 * BUFFER, "a log") : MMSB_OK;
}

/* Source pages have numbers, in their order; what they are begins each segment. */
static int name_pages(log_writer *w, mmsb_error *err)
{
	uint32_t n_pages = w->m->sch->n_pages, n = 0;
	uint32_t *ids = malloc((n_pages + 1) * sizeof *ids);
	w->place = malloc((n_pages + 1) * sizeof *w->place);
	w->n_start = LOG_HEADER + LOG_HEAD;
	int status = ids && w->place && !reserve(&w->start, &w->cap_start, w->n_start) ? MMSB_OK : fail_memory(err, 2 * n_pages * sizeof *ids, "a log");
	for (uint32_t i = 0; i < n_pages && !status; i++) {
		w->place[i] = n;
		if (w->m->sch->pages[i].role == PAGE_ROLE_IN)
			ids[n++] = i;
	}
	if (!status)
		status = log_encode_pages(w->m, ids, n, &w->start, &w->cap_start, &w->n_start, err);
	if (!status && reserve(&w->start, &w->cap_start, w->n_start + LOG_UNIT))
		status = fail_memory(err, w->n_start, "a log");
	free(ids);
	return status;
}

static void take_date(log_writer *w)
{
	const char *date = getenv("SOURCE_DATE_EPOCH");
	char *end = NULL;
	w->date = date ? strtoull(date, &end, 10) : 0;
	w->dated = end && end != date && *end == '\0';
}

int log_open(log_writer **out, const vfs *fs, const char *folder, const mmsb_instance *m, const log_options *options, uint64_t next,
             const log_segment *last, uint64_t at, log_turn turn, void *user, mmsb_error *err)
{
	*out = NULL;
	if (!m->bound)
		return fail(err, MMSB_ORDER, "%s: a log begins when sizes are known", folder);
	log_writer *w = calloc(1, sizeof *w);
	if (!w)
		return fail_memory(err, sizeof *w, "a log");
	w->fs = fs;
	w->m = m;
	w->options = *options;
	w->turn = turn;
	w->user = user;
	w->handle = w->next_handle = -1;
	w->appended = w->written = w->durable = next - 1;
	take_date(w);
	int status = prepare(w, folder, err);
	if (!status)
		status = name_pages(w, err);
	if (!status)
		status = last ? segment_resume(w, next, last, at, err) : segment_begin(w, next, 0, NULL, err);
	if (!status)
		status = keep_start(w, err);
	if (status)
		writer_free(w);
	else
		*out = w;
	return status;
}

void log_compress(log_writer *w, const log_segment *closed)
{
	pthread_mutex_lock(&w->lock);
	keep_pack(w, closed);
	pthread_mutex_unlock(&w->lock);
}

int log_close(log_writer *w, mmsb_error *err)
{
	if (!w)
		return MMSB_OK;
	pthread_mutex_lock(&w->lock);
	writer_wait(w);
	int status = w->failure.status;
	if (!status && (w->synced != w->end || w->fill.used > LOG_MARK_BYTES))
		status = writer_flush(w, true);
	if (status)
		failed(w, err);
	pthread_mutex_unlock(&w->lock);
	keep_stop(w);
	writer_free(w);
	return status;
}
