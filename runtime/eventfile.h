/* eventfile.h - what subscribers are told, as a stream of records (docs/format.md, "Streams of events") or as lines of JSON, and back. */
#ifndef MMSB_EVENTFILE_H
#define MMSB_EVENTFILE_H

#include "iofile.h"

/* Kinds of records that only streams have. */
enum { STREAM_WHOLE = 9, STREAM_CHECKPOINT = 10, STREAM_ERROR = 11 };

/* ---- writing: eventfile.c, eventjson.c ---- */

typedef struct eventfile eventfile;

/* Writes what happens from now on to `path` ("-": to `standard`, which stays the caller's). The stream begins with all values: of the last
 * epoch, or of epoch 1. Owned by the caller, freed before the instance. MMSB_IO, MMSB_MEMORY, and what mmsb_subscribe says. */
int eventfile_new(eventfile **out, mmsb_instance *, const char *path, bool json, outfile *standard, mmsb_error *err);

/* How writing went up to now: MMSB_OK, MMSB_IO, MMSB_MEMORY. NULL is allowed, here and below. */
int eventfile_status(eventfile *, mmsb_error *err);
void eventfile_flush(eventfile *);

/* Writes the end and closes the file. */
int eventfile_close(eventfile *, mmsb_error *err);
void eventfile_free(eventfile *);

/* One event as a line of JSON. */
void eventjson_write(outfile *, mmsb_instance *, const mmsb_event *);

/* ---- reading: eventread.c ---- */

typedef struct eventreader eventreader;

typedef enum event_taken {
	TAKEN_MORE,   /* the bytes are no whole record */
	TAKEN_OTHER,  /* a record without changes */
	TAKEN_EPOCH,  /* an epoch, whose changes are staged */
	TAKEN_END     /* the stream ends here */
} event_taken;

/* Whether bytes begin like a stream or a log. */
bool eventreader_knows(const uint8_t *bytes, size_t n);
enum { EVENT_MAGIC = 8 };

int eventreader_new(eventreader **out, mmsb_instance *, const char *path, mmsb_error *err);
void eventreader_free(eventreader *); /* NULL is allowed */

/* What the user should know of the stream, once its pages have been read (or NULL). The reader's. */
const char *eventreader_note(const eventreader *);

/* Takes the record at the front of n bytes: *used of them. After MMSB_FORMAT, and any failure of the first record, nothing can be read behind it; other failures (MMSB_INPUT,
 * MMSB_RANGE, MMSB_MEMORY) are of this epoch alone, part of which may be staged. */
int eventreader_take(eventreader *, const uint8_t *bytes, size_t n, size_t *used, event_taken *what, mmsb_error *err);

#endif
