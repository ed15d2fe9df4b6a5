/* log_keep.c - the threads behind a log: zeros for the next segment and compression of closed ones in one, syncs when it is time in the other.
 * What the first cannot do is left: a segment without zeros is slower, one that is not compressed longer. */
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
		ops->unlink(w->fs->at, w->keep_path);
}

void keep_pack(log_writer *w, const log_segment *closed)
{
	if (w->options.compress == 0 || w->n_packs == PACKS_MOST)
		return;
	w->packs[w->n_packs++] = *closed;
	pthread_cond_signal(&w->work);
}

/* ---- the thread that keeps --------------------------------------------------------------------- */

static void make_next(log_writer *w)
{
	uint64_t bytes = segment_length(w, w->limit);
	w->next = NEXT_AT_WORK;
	pthread_mutex_unlock(&w->lock);
	segment_path(w, w->keep_path, 0, NULL);
	int handle = segment_zeros(w, w->keep_path, bytes);
	pthread_mutex_lock(&w->lock);
	w->next = handle < 0 ? NEXT_FAILED : NEXT_READY;
	w->next_handle = handle < 0 ? -1 : handle;
	w->next_bytes = bytes;
	pthread_cond_broadcast(&w->done);
}

static void pack_first(log_writer *w)
{
	log_segment closed = w->packs[0];
	memmove(w->packs, w->packs + 1, --w->n_packs * sizeof *w->packs);
	pthread_mutex_unlock(&w->lock);
	pack(w, &closed);
	pthread_mutex_lock(&w->lock);
}

static void *keeper(void *at)
{
	log_writer *w = at;
	pthread_mutex_lock(&w->lock);
	for (;;) {
		if (w->next == NEXT_WANTED && !w->stop && !w->failure.status)
			make_next(w);
		else if (w->n_packs)
			pack_first(w);
		else if (w->stop)
			break;
		else
			pthread_cond_wait(&w->work, &w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* ---- the thread that syncs --------------------------------------------------------------------- */

static void *grouper(void *at)
{
	log_writer *w = at;
	pthread_mutex_lock(&w->lock);
	while (!w->stop && !w->failure.status) {
		uint64_t now = now_ns();
		if (w->deadline == 0) {
			pthread_cond_wait(&w->due, &w->lock);
		} else if (now < w->deadline) {
			const struct timespec until = {(time_t)(w->deadline / 1000000000u), (long)(w->deadline % 1000000000u)};
			pthread_cond_timedwait(&w->due, &w->lock, &until);
		} else if (w->busy) {
			pthread_cond_wait(&w->done, &w->lock);
		} else {
			w->deadline = 0;
			if (w->durable < w->appended)
				writer_flush(w, true);
		}
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

/* ---- both -------------------------------------------------------------------------------------- */

int keep_start(log_writer *w, mmsb_error *err)
{
	w->keeps = pthread_create(&w->keeper, NULL, keeper, w) == 0;
	w->groups = w->keeps && w->options.durability == LOG_GROUP && pthread_create(&w->grouper, NULL, grouper, w) == 0;
	if (w->keeps && (w->groups || w->options.durability != LOG_GROUP))
		return MMSB_OK;
	keep_stop(w);
	return fail(err, MMSB_MEMORY, "%s: a log needs a thread, and the system gives none", w->folder);
}

void keep_stop(log_writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_broadcast(&w->work);
	pthread_cond_broadcast(&w->due);
	pthread_mutex_unlock(&w->lock);
	if (w->keeps)
		pthread_join(w->keeper, NULL);
	if (w->groups)
		pthread_join(w->grouper, NULL);
	w->keeps = w->groups = false;
}
