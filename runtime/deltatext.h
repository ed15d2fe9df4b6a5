/* deltatext.h - changes as text, read line by line as they arrive:
 *
 *   # comment
 *   price,17,101.25        page, one index per dimension, value
 *   price,20,1.0,2.5,3.0   more values: the next positions along the last dimension
 *   quote.bid,4,99.5       a field of a record page
 *   rate,0.05              a scalar page has no index
 *   W,3,5,0.7              a sparse page: set or insert (of `sparse bool`: true)
 *   W,3,5,-                a sparse page: delete
 *   commit                 ends the epoch
 *
 * Blanks around cells, blank lines, CRLF and a missing newline at the end do not matter.
 *
 * A stream of events (eventfile.h) or a segment of a log is known by its first bytes and read instead: each of its epochs is one. */
#ifndef MMSB_DELTATEXT_H
#define MMSB_DELTATEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "iofile.h"
#include "mmsb.h"

typedef struct delta_reader delta_reader;

typedef enum delta_event {
	DELTA_COMMIT, /* a commit line was read: commit what is staged */
	DELTA_REST,   /* the text ended with changes behind the last commit line: commit them */
	DELTA_END,    /* nothing is left */
	DELTA_STOPPED /* before_wait ended the text amid an epoch, or behind one: what was staged since the last commit is discarded */
} delta_event;

/* Opens a file, or standard input ("-"). The instance is bound. before_wait (may be NULL) is called before more is read from fd, which may
 * take long: outputs should be flushed. When it returns false, the text ends for the reader with its last commit (DELTA_STOPPED). The reader is owned by the caller. MMSB_IO, MMSB_MEMORY. */
int delta_open(delta_reader **out, mmsb_instance *inst, const char *path, bool (*before_wait)(void *arg, int fd), void *arg, mmsb_error *err);

/* The same over bytes in memory, which must stay. */
int delta_open_memory(delta_reader **out, mmsb_instance *inst, const char *path, const char *text, size_t n, mmsb_error *err);

void delta_close(delta_reader *); /* NULL is allowed */

/* Stages the changes up to the next commit line or the end. On failure part of the epoch may be staged: mmsb_discard it; then
 * delta_skip can go on behind that epoch. MMSB_INPUT (the message has file, line, column, page), MMSB_IO, MMSB_MEMORY. */
int delta_next(delta_reader *, delta_event *event, mmsb_error *err);

/* Passes over the rest of the epoch, its commit line included. MMSB_IO, MMSB_MEMORY. */
int delta_skip(delta_reader *, mmsb_error *err);

/* What the user should know of a stream of events, once: NULL when there is nothing (more). The reader's. */
const char *delta_note(delta_reader *);

/* Bytes read so far, and of a file its size (else 0): for a bar. */
void delta_position(const delta_reader *, uint64_t *done, uint64_t *total);

/* Writes changes of a page as this text, without a commit line; positions ascend. field: of a record page, one alone; -1: all. */
void delta_write(outfile *, const mmsb_info *, int field, const mmsb_changes_view *);

#endif
