/* log_keep.c - the threads behind a log: in one, files for the next segment, and compression of closed ones, whose bytes are written over then; in the
 * other, writes of what is much and syncs when it is time. What the first cannot do is left: a segment that is new is slower, one that is not
 * compressed longer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <zstd.h>

#include "log_writer.h"

/* ---- compression ------------------------------------------------------------------------------- */

/* A frame of a segment's bytes. Returns 0 or a negative errno. */
static int pack_to(const log_writer *w, ZSTD_CCtx *z, int handle, const uint8_t *data, size_t n)
{
	size_t room = ZSTD_CStreamOutSize(), left = 1;
	uint8_t *buffer = malloc(room);
	int error = buffer ? 0 : -ENOMEM;
	uint64_t at = 0;
	ZSTD_inBuffer in = {data, n, 0};
	while (left != 0 && !error) {
		ZSTD_outBuffer out = {buffer, room, 0};
		left = ZSTD_compressStream2(z, &out, &in, ZSTD_e_end);
		error = ZSTD_isError(left) ? -ENOMEM : vfs_write_all(w->fs, handle, buffer, out.pos, at);
		at += out.pos;
	}
	free(buffer);
	return error ? error : w->fs->ops->sync(w->fs->at, handle);
}

static int pack_file(const log_writer *w, int handle, const uint8_t *data, size_t n)
{
	ZSTD_CCtx *z = ZSTD_createCCtx();
	if (!z)
		return -ENOMEM;
	size_t bad = ZSTD_CCtx_setParameter(z, ZSTD_c_compressionLevel, w->options.compress);
	if (!ZSTD_isError(bad))
		bad = ZSTD_CCtx_setPledgedSrcSize(z, n);
	int error = ZSTD_isError(bad) ? -EINVAL : pack_to(w, z, handle, data, n);
	ZSTD_freeCCtx(z);
	return error;
}

/* ---- closed segments that nobody needs ---------------------------------------------------------- */

/* Under another name, so that nobody opens it any more; it is a spare if nobody has it open and no other folder has it, and it is long enough. A handle,
 * or -1. */
static int spare_of(const log_writer *w, uint64_t bytes)
{
	const vfs_ops *ops = w->fs->ops;
	segment_other(w, w->keep_other, "spare");
	if (!ops->alone || ops->rename(w->fs->at, w->keep_path, w->keep_other)) {
		ops->unlink(w->fs->at, w->keep_path);
		return -1;
	}
	int handle = ops->open(w->fs->at, w->keep_other, VFS_WRITE);
	int64_t size = handle < 0 ? 0 : ops->size(w->fs->at, handle);
	if (handle >= 0 && size >= 0 && (uint64_t)size >= bytes && ops->alone(w->fs->at, handle) == 1)
		return handle;
	if (handle >= 0)
		ops->close(w->fs->at, handle);
	ops->unlink(w->fs->at, w->keep_other);
	return -1;
}

/* No manifest names log-FIRST any more. */
static void drop(log_writer *w, uint64_t first)
{
	segment_path(w, w->keep_path, first, "");
	pthread_mutex_lock(&w->lock);
	bool wanted = w->spare < 0 && !w->stop;
	uint64_t bytes = segment_length(w, w->limit);
	pthread_mutex_unlock(&w->lock);
	int handle = wanted ? spare_of(w, bytes) : -1;
	if (!wanted)
		w->fs->ops->unlink(w->fs->at, w->keep_path);
	if (handle < 0)
		return;
	pthread_mutex_lock(&w->lock);
	w->spare = handle;
	pthread_mutex_unlock(&w->lock);
}

/* ---- compressed ones ---------------------------------------------------------------------------- */

/* log-FIRST.zst beside log-FIRST; then nobody needs that. */
static void pack(log_writer *w, log_segment *closed)
{
	vfs_bytes file;
	const vfs_ops *ops = w->fs->ops;
	segment_path(w, w->keep_path, closed->first, "");
	segment_path(w, w->keep_other, closed->first, ".zst.new");
	segment_path(w, w->pack_path, closed->first, ".zst");
	if (vfs_view(w->fs, w->keep_path, &file))
		return;
	int handle = ops->open(w->fs->at, w->keep_other, VFS_WRITE | VFS_CREATE | VFS_TRUNCATE);
	int error = handle < 0 || file.size < closed->bytes ? -EIO : pack_file(w, handle, file.data, (size_t)closed->bytes);
	if (handle >= 0) {
		int ended = ops->close(w->fs->at, handle);
		error = error ? error : ended;
	}
	vfs_release(w->fs, &file);
	if (!error)
		error = ops->rename(w->fs->at, w->keep_other, w->pack_path);
	if (error) {
		ops->unlink(w->fs->at, w->keep_other);
		return;
	}
	closed->compressed = true;
	mmsb_error ignored;
	if (!ops->sync_folder(w->fs->at, w->folder) && (!w->turn || !w->turn(w->user, closed, NULL, &ignored)))
		drop(w, closed->first);
}

void keep_job(log_writer *w, const log_segment *closed, bool drops)
{
	if ((!drops && w->options.compress == 0) || w->n_jobs == JOBS_MOST)
		return;
	w->jobs[w->n_jobs++] = (log_job){*closed, drops};
	pthread_cond_signal(&w->work);
}

/* ---- the thread that keeps --------------------------------------------------------------------- */

static void make_next(log_writer *w)
{
	uint64_t bytes = segment_length(w, w->limit);
	int handle = w->spare;
	bool spare = handle >= 0;
	w->spare = -1;
	w->next = NEXT_AT_WORK;
	pthread_mutex_unlock(&w->lock);
	segment_other(w, w->keep_path, "next");
	segment_other(w, w->keep_other, "spare");
	if (spare && w->fs->ops->rename(w->fs->at, w->keep_other, w->keep_path)) {
		w->fs->ops->close(w->fs->at, handle);
		spare = false;
	}
	if (!spare)
		handle = segment_zeros(w, w->keep_path, segment_ahead(w) ? bytes : 0);
	pthread_mutex_lock(&w->lock);
	w->next = handle < 0 ? NEXT_FAILED : NEXT_READY;
	w->next_handle = handle < 0 ? -1 : handle;
	w->next_bytes = bytes;
	w->next_reused = spare;
	pthread_cond_broadcast(&w->done);
}

static void do_first(log_writer *w)
{
	log_job job = w->jobs[0];
	memmove(w->jobs, w->jobs + 1, --w->n_jobs * sizeof *w->jobs);
	pthread_mutex_unlock(&w->lock);
	if (job.drop)
		drop(w, job.segment.first);
	else
		pack(w, &job.segment);
	pthread_mutex_lock(&w->lock);
}

static void *keeper(void *at)
{
	log_writer *w = at;
	pthread_mutex_lock(&w->lock);
	for (;;) {
		if (w->next == NEXT_WANTED && !w->stop && !w->failure.status)
			make_next(w);
		else if (w->n_jobs)
			do_first(w);
		else if (w->stop)
			break;
		else
			pthread_cond_wait(&w->work, &w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* ---- the thread that writes and syncs ---------------------------------------------------------- */

static void *pourer(void *at)
{
	log_writer *w = at;
	pthread_mutex_lock(&w->lock);
	while (!w->stop && !w->failure.status) {
		uint64_t now = w->deadline ? now_ns() : 0;
		bool due = w->deadline && now >= w->deadline, much = w->fill.used >= POUR;
		if ((due || much) && w->busy) {
			pthread_cond_wait(&w->done, &w->lock);
		} else if (due) {
			w->deadline = 0;
			if (w->durable < w->handed)
				writer_flush(w, true);
		} else if (much) {
			writer_flush(w, false);
		} else if (w->deadline) {
			const struct timespec until = {(time_t)(w->deadline / 1000000000u), (long)(w->deadline % 1000000000u)};
			pthread_cond_timedwait(&w->due, &w->lock, &until);
		} else {
			pthread_cond_wait(&w->due, &w->lock);
		}
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* ---- both -------------------------------------------------------------------------------------- */

int keep_start(log_writer *w, mmsb_error *err)
{
	w->keeps = pthread_create(&w->keeper, NULL, keeper, w) == 0;
	w->pours = w->keeps && pthread_create(&w->pourer, NULL, pourer, w) == 0;
	if (w->pours)
		return MMSB_OK;
	keep_stop(w);
	return fail(err, MMSB_MEMORY, "%s: a log needs two threads, and the system gives none", w->folder);
}

void keep_stop(log_writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_broadcast(&w->work);
	pthread_cond_broadcast(&w->due);
	pthread_cond_broadcast(&w->done);
	pthread_mutex_unlock(&w->lock);
	if (w->keeps)
		pthread_join(w->keeper, NULL);
	if (w->pours)
		pthread_join(w->pourer, NULL);
	w->keeps = w->pours = false;
}
