/* stream.h - a file that is written from its start to its end, and then its head. Internal.
 *
 * Large files go past the cache of files (vfs.h), one buffer being filled while a thread writes the other: that takes half the time, and dirties
 * no memory that others wait for. */
#ifndef MMSB_STREAM_H
#define MMSB_STREAM_H

#include "vfs.h"

enum { STREAM_BLOCK = 4096 };

typedef struct stream stream;

/* Of `length` bytes, the first n_head of which come last. NULL: no memory. */
stream *stream_new(uint64_t length, uint64_t n_head);
void stream_free(stream *); /* NULL is allowed */

/* How the file is to be opened (vfs.h). */
int stream_flags(const stream *);

/* Begins with an empty file. Where `parent` is a process, this one is its child: it has no threads, and gives up (-ECANCELED) when the parent is
 * gone; 0: no child. */
void stream_begin(stream *, const vfs *, int handle, int parent);

/* The place of the next bytes, *n of them, at most `most`; where that is a multiple of STREAM_BLOCK and so is what was put before, *n is a multiple
 * or `most`. To be filled before the next call. */
uint8_t *stream_room(stream *, size_t most, size_t *n);
void stream_zeros(stream *, size_t n);
uint64_t stream_at(const stream *); /* bytes so far, the head's among them */

/* The head, and all is synced. 0, or a negative errno: of the first failure. */
int stream_end(stream *, const void *head);

#endif
