/* log_write.c - records of epochs, appended, written and synced: log_writer.h says who does what. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "log_bytes.h"
#include "log_writer.h"

/* Where the disk does not follow, nobody appends behind so much. */
enum { MOST = 1 << 23 };

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

/* The same for the committing thread. Asking the clock takes longer than a small record: where many follow one another and nobody waits for them, some
 * have the time of one before them, in the same tick of the system (some milliseconds). */
static uint64_t time_of(log_writer *w, uint64_t epoch)
{
	enum { ALIKE = 15 };
	struct timespec t;
	if (w->dated || clock_gettime(CLOCK_REALTIME_COARSE, &t))
		return wall_ns(w, epoch);
	uint64_t tick = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
	bool again = w->alike < ALIKE && w->own.used > LOG_MARK_BYTES && tick == w->tick;
	w->alike = again ? w->alike + 1 : 0;
	w->tick = tick;
	return again ? w->time : (w->time = wall_ns(w, epoch));
}

/* ---- writing ----------------------------------------------------------------------------------- */

int writer_fail(log_writer *w, int error, const char *path, const char *what)
{
	if (!w->failure.status)
		vfs_fail(&w->failure, error, path, what);
	atomic_store(&w->failing, true);
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

/* The same, with a look that costs nothing. */
static int check(log_writer *w, mmsb_error *err)
{
	if (!atomic_load_explicit(&w->failing, memory_order_relaxed))
		return MMSB_OK;
	pthread_mutex_lock(&w->lock);
	int status = failed(w, err);
	pthread_mutex_unlock(&w->lock);
	return status;
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
	w->mark_bytes += LOG_MARK_BYTES;
	return 0;
}

/* Behind the last record of a segment that has older bytes: zeros, to the end of the page of memory, which the system need not read then. Returns
 * what is written with the buffer. */
static size_t put_stop(log_writer *w, log_buffer *b, uint64_t end)
{
	if (!w->reused || end + LOG_STOP <= w->cleared)
		return b->used;
	w->cleared = (end + LOG_STOP + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
	memset(b->at + b->used, 0, w->cleared - end);
	return b->used + (w->cleared - end);
}

int writer_hand_over(log_writer *w)
{
	size_t n = w->own.used - LOG_MARK_BYTES;
	w->length += w->mark_bytes;
	w->mark_bytes = 0;
	if (n == 0)
		return w->failure.status;
	if (w->fill.used == LOG_MARK_BYTES) {
		log_buffer empty = w->fill;
		w->fill = w->own;
		w->own = empty;
	} else {
		if (reserve(&w->fill.at, &w->fill.capacity, w->fill.used + n))
			return writer_fail(w, -ENOMEM, w->folder, "written");
		memcpy(w->fill.at + w->fill.used, w->own.at + LOG_MARK_BYTES, n);
		w->fill.used += n;
	}
	if (reserve(&w->fill.at, &w->fill.capacity, w->fill.used + PAGE_BYTES + LOG_STOP))
		return writer_fail(w, -ENOMEM, w->folder, "written");
	w->own.used = LOG_MARK_BYTES;
	w->handed = w->appended;
	return w->failure.status;
}

/* The disk begins with the pages of memory that are complete. */
static void start(const log_writer *w, uint64_t from, uint64_t end)
{
	from -= from % PAGE_BYTES;
	end -= end % PAGE_BYTES;
	if (from < end)
		w->fs->ops->start(w->fs->at, w->handle, from, end - from);
}

int writer_flush(log_writer *w, bool sync)
{
	log_buffer b = w->fill;
	uint64_t epoch = w->handed;
	w->fill = w->out;
	w->fill.used = LOG_MARK_BYTES;
	w->busy = true;
	size_t from = b.used > LOG_MARK_BYTES ? put_mark(w, &b) : b.used;
	uint64_t end = w->end + (b.used - from);
	size_t upto = b.used > from ? put_stop(w, &b, end) : b.used;
	bool begins = w->fs->ops->start && segment_ahead(w);
	pthread_mutex_unlock(&w->lock);
	if (b.used > LOG_MARK_BYTES)
		w->last_check = log_seal(b.at + LOG_MARK_BYTES, b.used - LOG_MARK_BYTES, w->seed);
	int error = vfs_write_all(w->fs, w->handle, b.at + from, upto - from, w->end);
	if (!error && sync)
		error = w->fs->ops->sync(w->fs->at, w->handle);
	else if (!error && begins)
		start(w, w->end, end);
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
	if (epoch > w->handed && writer_hand_over(w)) /* who knows of it is the committing thread */
		status = failed(w, err);
	else if (epoch > w->handed)
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
	return check(w, err);
}

int log_hand_over(log_writer *w, mmsb_error *err)
{
	pthread_mutex_lock(&w->lock);
	int status = writer_hand_over(w) ? failed(w, err) : MMSB_OK;
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

/* Parts of every append: each takes less time than calling it does. */
#define IN_PLACE static inline __attribute__((always_inline))

/* The record whose payload was put behind room for its head at `from`; its checksum comes when it is written. */
IN_PLACE void finish(log_writer *w, size_t from, log_kind kind, uint16_t source, uint64_t epoch)
{
	log_buffer *b = &w->own;
	size_t n = put_head(b->at + from, b->used - from - LOG_HEAD, kind, source, epoch, time_of(w, epoch));
	b->used = from + n;
	w->length += n;
}

static int append_bytes(log_writer *w, log_kind kind, uint16_t source, uint64_t epoch, const uint8_t *payload, size_t n, mmsb_error *err)
{
	log_buffer *b = &w->own;
	size_t from = b->used;
	if (reserve(&b->at, &b->capacity, from + log_room(n)))
		return fail_memory(err, log_room(n), "a record of the log");
	if (n)
		memcpy(b->at + from + LOG_HEAD, payload, n);
	b->used = from + LOG_HEAD + n;
	finish(w, from, kind, source, epoch);
	return MMSB_OK;
}

/* The number of a tag, named before its first use. */
static int find_tag(log_writer *w, const char *source, uint64_t epoch, uint16_t *number, mmsb_error *err)
{
	size_t n = strlen(source);
	bool fresh;
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

IN_PLACE int take_tag(log_writer *w, const char *source, uint64_t epoch, uint16_t *number, mmsb_error *err)
{
	*number = 0;
	return source && *source ? find_tag(w, source, epoch, number, err) : MMSB_OK;
}

static int take_turn(log_writer *w, mmsb_error *err)
{
	pthread_mutex_lock(&w->lock);
	int status = segment_turn(w) ? failed(w, err) : MMSB_OK;
	pthread_mutex_unlock(&w->lock);
	return status;
}

/* Before the record of epochs from `first` on: it is their turn, and there is a segment for it. */
IN_PLACE int admit(log_writer *w, uint64_t first, mmsb_error *err)
{
	int status = check(w, err);
	if (status)
		return status;
	if (first != w->appended + 1)
		return fail(err, MMSB_ORDER, "epoch %llu does not follow epoch %llu in the log", (unsigned long long)first,
		            (unsigned long long)w->appended);
	bool empty = w->appended < w->first; /* it was begun before a crash, and may have no room ahead: it is not ended without an epoch */
	return !empty && (w->length >= w->limit || w->tags.n == TAGS_MOST) ? take_turn(w, err) : MMSB_OK;
}

/* There is much, or a sync is due after a while. */
static int pass_on(log_writer *w, mmsb_error *err)
{
	pthread_mutex_lock(&w->lock);
	int status = writer_hand_over(w);
	if (w->options.durability == LOG_GROUP && w->deadline == 0) {
		w->deadline = now_ns() + w->options.group_ns;
		pthread_cond_signal(&w->due);
	}
	if (w->fill.used >= POUR && !w->busy)
		pthread_cond_signal(&w->due);
	while (!status && w->fill.used >= MOST) {
		if (w->busy)
			pthread_cond_wait(&w->done, &w->lock);
		else
			writer_flush(w, false);
		status = w->failure.status;
	}
	if (status)
		failed(w, err);
	pthread_mutex_unlock(&w->lock);
	return status;
}

/* A record that is missing would be a gap. */
static int fail_for_good(log_writer *w, int status, const mmsb_error *err)
{
	pthread_mutex_lock(&w->lock);
	if (!w->failure.status)
		w->failure = *err;
	atomic_store(&w->failing, true);
	pthread_cond_broadcast(&w->done);
	pthread_mutex_unlock(&w->lock);
	return status;
}

/* After it. */
IN_PLACE int ended(log_writer *w, int status, uint64_t epoch, mmsb_error *err)
{
	if (status)
		return fail_for_good(w, status, err);
	w->appended = epoch;
	return w->own.used >= POUR || w->options.durability == LOG_GROUP ? pass_on(w, err) : MMSB_OK;
}

int log_append_epoch(log_writer *w, const mmsb_instance *m, uint64_t epoch, const char *source, mmsb_error *err)
{
	mmsb_error local;
	uint16_t number;
	err = err ? err : &local;
	int status = admit(w, epoch, err);
	if (!status)
		status = take_tag(w, source, epoch, &number, err);
	log_buffer *b = &w->own;
	size_t from = b->used;
	if (!status && reserve(&b->at, &b->capacity, from + LOG_HEAD))
		status = fail_memory(err, LOG_HEAD, "a record of the log");
	if (!status) {
		b->used += LOG_HEAD;
		status = log_encode(m, m->staging, w->place, &b->at, &b->capacity, &b->used, err);
	}
	if (!status)
		finish(w, from, LOG_EPOCH, number, epoch);
	return ended(w, status, epoch, err);
}

int log_append_ticks(log_writer *w, uint64_t last, uint64_t n, const char *source, mmsb_error *err)
{
	mmsb_error local;
	uint16_t number;
	uint8_t payload[VARINT_MOST];
	err = err ? err : &local;
	int status = admit(w, last - n + 1, err);
	if (!status && n == 0)
		status = fail(err, MMSB_USAGE, "no ticks make no record of the log");
	if (!status)
		status = take_tag(w, source, last, &number, err);
	if (!status)
		status = append_bytes(w, LOG_TICKS, number, last, payload, (size_t)(put_varint(payload, n) - payload), err);
	return ended(w, status, last, err);
}

int log_append_digest(log_writer *w, uint64_t epoch, const uint8_t digest[16], mmsb_error *err)
{
	mmsb_error local;
	err = err ? err : &local;
	int status = check(w, err);
	if (!status && epoch != w->appended)
		status = fail(err, MMSB_ORDER, "the log is at epoch %llu, not %llu", (unsigned long long)w->appended, (unsigned long long)epoch);
	if (!status)
		status = append_bytes(w, LOG_DIGEST, 0, epoch, digest, 16, err);
	return ended(w, status, epoch, err);
}

/* ---- from beginning to end --------------------------------------------------------------------- */

static void writer_free(log_writer *w)
{
	if (w->handle >= 0)
		w->fs->ops->close(w->fs->at, w->handle);
	const int ahead[] = {w->next_handle, w->spare};
	for (size_t i = 0; i < 2; i++) {
		if (ahead[i] < 0)
			continue;
		w->fs->ops->close(w->fs->at, ahead[i]);
		segment_other(w, w->path, i ? "spare" : "next");
		w->fs->ops->unlink(w->fs->at, w->path);
	}
	char *const paths[] = {w->folder, w->path, w->other, w->keep_path, w->keep_other, w->pack_path};
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		free(paths[i]);
	free(w->place);
	free(w->start);
	free(w->own.at);
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
	enum { NAME_ROOM = 64, BUFFER = POUR + (POUR >> 2) + PAGE_BYTES }; /* so that they seldom grow; memory that is not used is not there */
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
	log_buffer *const buffers[] = {&w->own, &w->fill, &w->out};
	for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++) {
		lacking |= reserve(&buffers[i]->at, &buffers[i]->capacity, BUFFER) != 0;
		buffers[i]->used = LOG_MARK_BYTES;
	}
	return lacking ? fail_memory(err, 5 * w->path_room + 3 * BUFFER, "a log") : MMSB_OK;
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
	w->handle = w->next_handle = w->spare = -1;
	w->appended = w->handed = w->written = w->durable = next - 1;
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
	keep_job(w, closed, false);
	pthread_mutex_unlock(&w->lock);
}

void log_drop(log_writer *w, const log_segment *closed)
{
	pthread_mutex_lock(&w->lock);
	keep_job(w, closed, true);
	pthread_mutex_unlock(&w->lock);
}

int log_close(log_writer *w, mmsb_error *err)
{
	if (!w)
		return MMSB_OK;
	pthread_mutex_lock(&w->lock);
	writer_wait(w);
	int status = writer_hand_over(w);
	if (!status && (w->synced != w->end || w->fill.used > LOG_MARK_BYTES))
		status = writer_flush(w, true);
	if (status)
		failed(w, err);
	pthread_mutex_unlock(&w->lock);
	keep_stop(w);
	writer_free(w);
	return status;
}
