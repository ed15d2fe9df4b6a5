/* log_writer.h - a log that is written: what log_write.c, log_segment.c and log_keep.c share. Internal.
 *
 * The committing thread appends records to the buffer `fill`. Whoever wants them on the disk and finds nobody at work takes the buffer, writes it
 * and syncs (flush), without the lock; the others wait for it, or append to the other buffer meanwhile. `busy` is held for that, and while a
 * segment takes the place of another, so that writes of a segment never overlap. Two threads wait for work: one (keep) writes zeros for the next
 * segment and compresses closed ones, one (group) syncs when it is time. */
#ifndef MMSB_LOG_WRITER_H
#define MMSB_LOG_WRITER_H

#include <pthread.h>

#include "log.h"
#include "log_format.h"
#include "log_tags.h"

/* Records that wait to be written, behind room for a mark. */
typedef struct log_buffer {
	uint8_t *at;
	size_t used, capacity;
} log_buffer;

/* log-next, with zeros up to its length: so that what is written over them changes nothing else of the file (bench/RESULTS.md). */
typedef enum log_next_state { NEXT_NONE, NEXT_WANTED, NEXT_AT_WORK, NEXT_READY, NEXT_FAILED } log_next_state;

enum { PACKS_MOST = 64 };

struct log_writer {
	const vfs *fs;
	char *folder;
	char *path, *other;          /* of the committing thread; with room for any name in the folder */
	char *keep_path, *keep_other, *pack_path; /* of the thread that keeps */
	size_t path_room;
	log_options options;
	log_turn turn;
	void *user;
	const mmsb_instance *m;
	uint32_t *place;             /* what records call a page, by its id */
	uint8_t *start;              /* what a segment begins with: header and pages */
	size_t n_start, cap_start;

	pthread_mutex_t lock;        /* of all that follows */
	pthread_cond_t done;         /* busy, written, durable, failure, next have changed */
	pthread_cond_t work;         /* for keep: next is wanted, there is something to compress, stop */
	pthread_cond_t due;          /* for group: a deadline, stop */
	log_buffer fill, out;
	uint64_t appended, written, durable; /* the last epoch that is */
	bool busy, stop;
	mmsb_error failure;          /* status: MMSB_OK: there was none */

	int handle;                  /* of the segment */
	uint64_t first, seed;
	uint64_t end;                /* bytes written */
	uint64_t synced, marked;     /* bytes that are durable; of these, what the last mark says */
	uint64_t limit;              /* a segment that has so many is closed */
	uint64_t last_check;         /* of the last record appended */
	log_tags tags;

	log_next_state next;
	int next_handle;
	uint64_t next_bytes;

	log_segment packs[PACKS_MOST];
	unsigned n_packs;
	uint64_t deadline;           /* of the next sync; 0: nothing waits for one */
	pthread_t keeper, grouper;
	bool dated;                  /* SOURCE_DATE_EPOCH is set, to `date` seconds */
	uint64_t date;
	bool keeps, groups;          /* the threads run */
};

/* ---- log_write.c: all with the lock held ---- */

/* Keeps the first failure; returns it. */
int writer_fail(log_writer *, int error, const char *path, const char *what);

/* Until nobody writes. */
void writer_wait(log_writer *);

/* What was appended goes to the system or (sync) to the disk; nobody writes. The lock is given up meanwhile. */
int writer_flush(log_writer *, bool sync);

/* ---- log_segment.c ---- */

/* A new segment, which begins with epoch `first`; closed (NULL: none) is the one before. Nobody else writes: without the lock. */
int segment_begin(log_writer *, uint64_t first, uint64_t before, const log_segment *closed, mmsb_error *err);

/* Goes on in a segment: see log_open. */
int segment_resume(log_writer *, uint64_t next, const log_segment *last, uint64_t at, mmsb_error *err);

/* Ends the segment and begins the next; with the lock held. */
int segment_turn(log_writer *);

/* "folder/log-FIRST" and what follows, in a path of the writer. */
void segment_path(const log_writer *, char *to, uint64_t first, const char *suffix);

/* How long the segment after one of so many bytes (0: there is none) is to be. */
uint64_t segment_length(const log_writer *, uint64_t bytes);

/* A file of zeros, synced; a handle, or a negative errno. */
int segment_zeros(const log_writer *, const char *path, uint64_t bytes);

/* ---- log_keep.c ---- */

int keep_start(log_writer *, mmsb_error *err);
void keep_stop(log_writer *);
void keep_pack(log_writer *, const log_segment *closed); /* to be compressed; with the lock held */

#endif
