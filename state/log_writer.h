/* log_writer.h - a log that is written: what log_write.c, log_segment.c and log_keep.c share. Internal.
 *
 * The committing thread appends records to the buffer `own`, which it hands over to `fill` when it is much, or somebody is to wait for it: a lock
 * for each record would take longer than the record. Whoever wants records on the disk and finds nobody at work takes `fill`, puts checksums
 * into its records (so where many come it is another thread that does), writes it and syncs (flush), without the lock; the others wait for it, or hand over more meanwhile. `busy` is held for that, and while a
 * segment takes the place of another, so that writes of a segment never overlap. Two threads wait for work: one (keep) makes files for the next
 * segment and compresses closed ones, one (pour) writes what is much and syncs when it is time, while the committing thread makes the next records. */
#ifndef MMSB_LOG_WRITER_H
#define MMSB_LOG_WRITER_H

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "log.h"
#include "log_format.h"
#include "log_tags.h"

/* Records that wait to be written, behind room for a mark. */
typedef struct log_buffer {
	uint8_t *at;
	size_t used, capacity;
} log_buffer;

/* log-next, a file whose bytes were all written once, so that what is written over them changes nothing else of it (bench/RESULTS.md): zeros, or
 * a closed segment that nobody needs, which waits as log-spare. */
typedef enum log_next_state { NEXT_NONE, NEXT_WANTED, NEXT_AT_WORK, NEXT_READY, NEXT_FAILED } log_next_state;

enum { JOBS_MOST = 64, PAGE_BYTES = 4096 };

/* What was handed over is written, not synced, when it is so much: memory stays warm, buffers small, and the disk works while the next records are
 * made. */
enum { POUR = 1 << 17 };

/* A closed segment that is to be compressed, or (drop) that nobody needs. */
typedef struct log_job {
	log_segment segment;
	bool drop;
} log_job;

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

	/* Of the committing thread, without the lock. */
	log_buffer own;
	uint64_t appended;           /* the last epoch that is */
	uint64_t length;             /* bytes of the segment, with all that was appended */
	uint64_t time;               /* what the clock said last, */
	uint64_t tick;               /* in which tick, */
	unsigned alike;              /* and how often it was taken for the time of a later record */
	log_tags tags;

	pthread_mutex_t lock;        /* of all that follows */
	pthread_cond_t done;         /* busy, written, durable, failure, next have changed */
	pthread_cond_t work;         /* for keep: next is wanted, there is a job, stop */
	pthread_cond_t due;          /* for pour: a deadline, much to be written, stop */
	log_buffer fill, out;
	uint64_t handed, written, durable; /* the last epoch that is */
	uint64_t mark_bytes;         /* of marks that were put between records and are not in `length` yet */
	bool busy, stop;
	atomic_bool failing;         /* there is a failure: for a look without the lock */
	mmsb_error failure;          /* status: MMSB_OK: there was none */

	int handle;                  /* of the segment */
	uint64_t first, seed;
	uint64_t end;                /* bytes written */
	uint64_t synced, marked;     /* bytes that are durable; of these, what the last mark says */
	uint64_t last_check;         /* of the last record written; whoever has `busy` owns it */
	uint64_t limit;              /* a segment that has so many is closed */
	bool reused;                 /* behind its records are those of an earlier segment */
	uint64_t cleared;            /* reused: up to here zeros follow the records */

	log_next_state next;
	int next_handle, spare;      /* handles; -1 */
	uint64_t next_bytes;
	bool next_reused;

	log_job jobs[JOBS_MOST];
	unsigned n_jobs;
	uint64_t deadline;           /* of the next sync; 0: nothing waits for one */
	pthread_t keeper, pourer;
	bool dated;                  /* SOURCE_DATE_EPOCH is set, to `date` seconds */
	uint64_t date;
	bool keeps, pours;           /* the threads run */
};

/* ---- log_write.c: all with the lock held ---- */

/* Keeps the first failure; returns it. */
int writer_fail(log_writer *, int error, const char *path, const char *what);

/* Until nobody writes. */
void writer_wait(log_writer *);

/* What was appended becomes everybody's: by the committing thread. */
int writer_hand_over(log_writer *);

/* What was handed over goes to the system or (sync) to the disk; nobody writes. The lock is given up meanwhile. */
int writer_flush(log_writer *, bool sync);

/* ---- log_segment.c ---- */

/* A new segment, which begins with epoch `first`; closed (NULL: none) is the one before. Nobody else writes: without the lock. */
int segment_begin(log_writer *, uint64_t first, uint64_t before, const log_segment *closed, mmsb_error *err);

/* Goes on in a segment: see log_open. */
int segment_resume(log_writer *, uint64_t next, const log_segment *last, uint64_t at, mmsb_error *err);

/* Ends the segment and begins the next; with the lock held. */
int segment_turn(log_writer *);

/* "folder/log-FIRST" and what follows, in a path of the writer; segment_other: "folder/log-WHICH". */
void segment_path(const log_writer *, char *to, uint64_t first, const char *suffix);
void segment_other(const log_writer *, char *to, const char *which);

/* How long the segment after one of so many bytes (0: there is none) is to be. */
uint64_t segment_length(const log_writer *, uint64_t bytes);

/* Whether it is to be bytes that were written before. */
bool segment_ahead(const log_writer *);

/* A file of zeros, synced; a handle, or a negative errno. */
int segment_zeros(const log_writer *, const char *path, uint64_t bytes);

/* ---- log_keep.c ---- */

int keep_start(log_writer *, mmsb_error *err);
void keep_stop(log_writer *);
void keep_job(log_writer *, const log_segment *closed, bool drop); /* with the lock held */

#endif
