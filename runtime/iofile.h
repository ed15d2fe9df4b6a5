/* iofile.h - whole files in, buffered files out, for the program's readers and writers. */
#ifndef MMSB_IOFILE_H
#define MMSB_IOFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mmsb.h"

/* A file's bytes, with a NUL behind them that does not count. */
typedef struct file_bytes {
	char *data;   /* owned, from malloc */
	size_t size;
} file_bytes;

/* Reads a file (or a pipe) to its end. MMSB_IO, MMSB_MEMORY. Frees nothing that was in *out. */
int file_read(const char *path, file_bytes *out, mmsb_error *err);
void file_bytes_free(file_bytes *);

/* An output. Failures are sticky: writers may go on, and outfile_close reports the first. */
typedef struct outfile {
	int fd;            /* -1: closed */
	int error;         /* errno of the first failure, or 0; ECANCELED: the gate's */
	char *path;        /* as messages show it */
	char *target;      /* where temp is renamed to; NULL: written in place */
	char *temp;
	char *buffer;
	size_t used, capacity;
} outfile;

/* Opens `path` ("-": standard output) for writing. whole: the file appears under its name only when it is closed without
 * failure (devices and pipes are written in place). MMSB_IO, MMSB_MEMORY; *out needs no closing then. */
int outfile_open(outfile *out, const char *path, bool whole, mmsb_error *err);

/* Called before anything is written by any output; a failure becomes the output's. NULL: nothing is. */
void outfile_gate(int (*before)(void *arg, mmsb_error *err), void *arg);

/* n bytes of room at the end of the buffer, n <= OUTFILE_ROOM: fill them, then add what was used to out->used. */
enum { OUTFILE_BUFFER = 1 << 18, OUTFILE_ROOM = 1 << 12 };
void outfile_flush(outfile *);
static inline char *outfile_room(outfile *out)
{
	if (out->capacity - out->used < OUTFILE_ROOM)
		outfile_flush(out);
	return out->buffer + out->used;
}

void outfile_write(outfile *, const void *bytes, size_t n);
void outfile_text(outfile *, const char *text);

/* Writes what is left, closes, renames. MMSB_IO when anything failed: then no file of that name was made or changed. */
int outfile_close(outfile *, mmsb_error *err);

/* Closes and leaves nothing behind; harmless after outfile_close. */
void outfile_abort(outfile *);

/* Whether a path ends in an ending, such as ".npy" (any case). */
bool path_ends(const char *path, const char *ending);

/* path as seen from the folder of `file` (both as given; absolute paths and "-" stay). From malloc; NULL: no memory. */
char *path_beside(const char *file, const char *path);

/* A copy of a piece of a file for a message: at most 48 bytes of it, with what cannot be printed replaced. */
enum { SHOWN_ROOM = 64 };
const char *text_shown(const char *text, const char *end, char out[SHOWN_ROOM]);

/* "PATH:LINE:COLUMN: error: " and a message. Returns status. */
int fail_at(mmsb_error *err, int status, const char *path, uint64_t line, uint64_t at, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));

#endif
