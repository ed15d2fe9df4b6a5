/* stream.c - a file that is written from its start to its end, and then its head (stream.h). */
#include "stream.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER = 4 << 20, DIRECT_LEAST = 16 << 20 };

struct stream {
	uint64_t length, n_head;
	uint8_t *buffer[2];     /* of `room` bytes each; one of the first alone where there is no thread */
	size_t room, used;      /* of the one that is being filled: buffer[at_hand] */
	unsigned at_hand;
	uint64_t at;            /* where that one begins in the file */
	const vfs *fs;
	int handle, parent;
	bool has_thread;
	pthread_t thread;
	pthread_mutex_t lock;   /* for what follows */
	pthread_cond_t moved;
	size_t to_write;        /* bytes of the other buffer that wait, or are being written; 0: it is free */
	uint64_t write_at;
	bool over;
	int error;              /* the first failure */
};

static size_t round_up(uint64_t n) { return (n + STREAM_BLOCK - 1) / STREAM_BLOCK * STREAM_BLOCK; }

static bool is_direct(const stream *s) { return s->length >= DIRECT_LEAST; }

stream *stream_new(uint64_t length, uint64_t n_head)
{
	stream *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->length = length;
	s->n_head = n_head;
	s->room = length < BUFFER ? round_up(length) : BUFFER;
	for (int i = 0; i <= is_direct(s); i++)
		s->buffer[i] = aligned_alloc(STREAM_BLOCK, s->room);
	if (!s->buffer[0] || (is_direct(s) && !s->buffer[1])) {
		free(s->buffer[0]);
		free(s->buffer[1]);
		free(s);
		return NULL;
	}
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->moved, NULL);
	return s;
}

void stream_free(stream *s)
{
	if (!s)
		return;
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->moved);
	free(s->buffer[0]);
	free(s->buffer[1]);
	free(s);
}

int stream_flags(const stream *s) { return VFS_WRITE | VFS_CREATE | VFS_TRUNCATE | (is_direct(s) ? VFS_DIRECT : 0); }

/* ---- the thread -------------------------------------------------------------------------------- */

static int write_bytes(stream *s, const uint8_t *bytes, size_t n, uint64_t at)
{
	if (s->parent && getppid() != s->parent)
		return -ECANCELED;
	return vfs_write_all(s->fs, s->handle, bytes, n, at);
}

static void *write_others(void *of)
{
	stream *s = of;
	pthread_mutex_lock(&s->lock);
	for (;;) {
		while (!s->to_write && !s->over)
			pthread_cond_wait(&s->moved, &s->lock);
		if (!s->to_write)
			break;
		const uint8_t *bytes = s->buffer[!s->at_hand];
		size_t n = s->to_write;
		int error = s->error;
		pthread_mutex_unlock(&s->lock);
		if (!error)
			error = write_bytes(s, bytes, n, s->write_at);
		pthread_mutex_lock(&s->lock);
		s->error = error;
		s->to_write = 0;
		pthread_cond_signal(&s->moved);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

/* Until the other buffer is written. */
static void wait_for_other(stream *s)
{
	pthread_mutex_lock(&s->lock);
	while (s->to_write)
		pthread_cond_wait(&s->moved, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

/* The buffer at hand is full, or the last. */
static void flush(stream *s)
{
	if (!s->has_thread) {
		if (!s->error && s->used > 0)
			s->error = write_bytes(s, s->buffer[0], s->used, s->at);
	} else if (s->used > 0) {
		wait_for_other(s);
		pthread_mutex_lock(&s->lock);
		s->at_hand = !s->at_hand;
		s->to_write = s->used;
		s->write_at = s->at;
		pthread_cond_signal(&s->moved);
		pthread_mutex_unlock(&s->lock);
	}
	s->at += s->used;
	s->used = 0;
}

/* ---- the bytes --------------------------------------------------------------------------------- */

void stream_begin(stream *s, const vfs *fs, int handle, int parent)
{
	s->fs = fs;
	s->handle = handle;
	s->parent = parent;
	s->has_thread = s->buffer[1] && !parent && pthread_create(&s->thread, NULL, write_others, s) == 0;
	stream_zeros(s, s->n_head);
}

uint8_t *stream_room(stream *s, size_t most, size_t *n)
{
	if (s->used == s->room)
		flush(s);
	*n = s->room - s->used < most ? s->room - s->used : most;
	s->used += *n;
	return s->buffer[s->at_hand] + s->used - *n;
}

void stream_zeros(stream *s, size_t n)
{
	for (size_t some; n > 0; n -= some) {
		uint8_t *to = stream_room(s, n, &some);
		memset(to, 0, some);
	}
}

uint64_t stream_at(const stream *s) { return s->at + s->used; }

/* Its place was kept by zeros: in the buffer, or at the start of the file. */
static void put_head(stream *s, const uint8_t *head)
{
	if (s->at == 0) {
		memcpy(s->buffer[s->at_hand], head, s->n_head);
		flush(s);
		return;
	}
	flush(s);
	s->at = 0;
	for (size_t done = 0, some; done < s->n_head; done += some) {
		uint8_t *to = stream_room(s, s->n_head - done, &some);
		memcpy(to, head + done, some);
	}
	stream_zeros(s, (size_t)(-s->used % STREAM_BLOCK));
	flush(s);
}

int stream_end(stream *s, const void *head)
{
	stream_zeros(s, (size_t)(-stream_at(s) % STREAM_BLOCK)); /* writes are of whole blocks */
	put_head(s, head);
	if (s->has_thread) {
		wait_for_other(s);
		pthread_mutex_lock(&s->lock);
		s->over = true;
		pthread_cond_signal(&s->moved);
		pthread_mutex_unlock(&s->lock);
		pthread_join(s->thread, NULL);
		s->has_thread = false;
	}
	if (!s->error && stream_at(s) != s->length)
		s->error = s->fs->ops->truncate(s->fs->at, s->handle, s->length);
	return s->error ? s->error : s->fs->ops->sync(s->fs->at, s->handle);
}
