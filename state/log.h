/* log.h - records of epochs in segments: docs/format.md has every byte. Internal.
 *
 * log_format.h   the layout                            log_encode.c  what is staged, as the payload of a record
 * log_bytes.h    varints, checksums                    log_decode.c  payloads, walked delta by delta
 * log_write.c    the segment that is written           log_read.c    segments, walked record by record
 * log_segment.c  segments to come and closed ones      log_stage.c   what was read, into an instance
 *
 * A writer belongs to one committing thread; log_wait, log_sync and log_durable are for any, of epochs that were handed over (log_hand_over). */
#ifndef MMSB_LOG_H
#define MMSB_LOG_H

#include "runtime/delta.h"
#include "vfs.h"

/* ---- records ---- */

typedef enum log_kind {
	LOG_PAGES = 1,   /* first of a segment: the pages and params that its records speak of */
	LOG_SOURCE = 2,  /* names a source tag by a number */
	LOG_EPOCH = 3,   /* an epoch and its deltas */
	LOG_TICKS = 4,   /* n epochs without deltas; `epoch` is the last of them */
	LOG_DIGEST = 5,  /* of the state after `epoch` */
	LOG_MARK = 6,    /* first of each write: up to where the segment is known to be durable */
	LOG_END = 7      /* last of a closed segment */
} log_kind;

typedef struct log_record {
	log_kind kind;
	uint16_t source;         /* number of the tag; 0: none */
	uint64_t epoch, time;    /* time: nanoseconds since 1970 UTC, when the epoch was committed */
	const uint8_t *payload;  /* of a record that was read: in the segment's bytes */
	size_t n;
	uint64_t at;             /* offset of the record in its segment */
	uint64_t check;          /* its checksum */
} log_record;

/* ---- writing ---- */

typedef enum log_durability { LOG_EPOCH_DURABLE, LOG_GROUP, LOG_OS, LOG_NONE } log_durability;

typedef struct log_options {
	log_durability durability;
	uint64_t group_ns;       /* LOG_GROUP: the longest time from an append to its sync */
	uint64_t segment_bytes;  /* a segment that has so many is closed */
	int compress;            /* closed segments: zstd level; 0: left as they are */
} log_options;

typedef struct log_segment {
	uint64_t first, last;    /* epochs in it; last is 0 while it is written */
	uint64_t bytes;          /* in use, uncompressed; 0 while it is written */
	bool compressed;
} log_segment;

/* Told by the writer, in the order in which it happens, before a record goes to `opened`: the manifest is to name it. `closed` (NULL: none) is
 * complete and durable. Also, later and in another thread, that a closed segment is compressed now (opened is NULL): the file without .zst
 * goes when this returns. Returns a status. The writer's lock is not held. */
typedef int (*log_turn)(void *user, const log_segment *closed, const log_segment *opened, mmsb_error *err);

typedef struct log_writer log_writer;

/* Goes on in `folder` with epoch `next`: in the open segment `last` behind its `at` bytes, which log_next found to be records (what is behind
 * them is cleared first, and what may not have reached the disk is written once more); or in a new one, where last is NULL or has its end
 * already. The instance's sizes are bound. MMSB_IO, MMSB_MEMORY; MMSB_FORMAT: the segment is not what it was when it was read. */
int log_open(log_writer **out, const vfs *, const char *folder, const mmsb_instance *, const log_options *, uint64_t next,
             const log_segment *last, uint64_t at, log_turn, void *user, mmsb_error *err);

/* The record of an epoch: what the instance has taken for the commit at hand (m->staging), or n ticks. In memory after this; durable, or
 * handed to the system, as the options say, after log_wait. source: a tag of at most LOG_TAG bytes; NULL or "": none. Epochs come one
 * after the other. After a failure the writer takes no more, and all calls return it. */
enum { LOG_TAG = 255 };
int log_append_epoch(log_writer *, const mmsb_instance *, uint64_t epoch, const char *source, mmsb_error *err);
int log_append_ticks(log_writer *, uint64_t last, uint64_t n, const char *source, mmsb_error *err);
int log_append_digest(log_writer *, uint64_t epoch, const uint8_t digest[16], mmsb_error *err);

/* Until epoch `epoch` is as durable as the options say (LOG_OS: handed to the system; LOG_GROUP, LOG_NONE: nothing is waited for);
 * log_sync: until it is on disk. Calls from several threads share a sync. */
int log_wait(log_writer *, uint64_t epoch, mmsb_error *err);
int log_sync(log_writer *, uint64_t epoch, mmsb_error *err);
/* By the committing thread, before another one waits for what was appended last. */
int log_hand_over(log_writer *, mmsb_error *err);
uint64_t log_durable(log_writer *); /* the last epoch known to be on disk */

/* A closed segment that is not compressed yet, of an earlier writer: compressed in the background, where the options say so. */
void log_compress(log_writer *, const log_segment *closed);

/* A closed segment that is not compressed, and that no manifest names any more: its file goes, or is written over by one of the next segments.
 * In the background. */
void log_drop(log_writer *, const log_segment *closed);

/* Syncs, finishes what is compressed, ends the background threads, frees. The segment stays open for the next writer. NULL is allowed. */
int log_close(log_writer *, mmsb_error *err);

/* ---- records, for whoever keeps them elsewhere (events, copies of a log) ---- */

/* Appends to *to (reserve() of instance.h). place[id]: what the records call a page. */
int log_encode(const mmsb_instance *, const struct staging *, const uint32_t *place, uint8_t **to, size_t *capacity, size_t *used, mmsb_error *err);
int log_encode_pages(const mmsb_instance *, const uint32_t *ids, uint32_t n, uint8_t **to, size_t *capacity, size_t *used, mmsb_error *err);

/* A whole record, and the header of a segment. log_put: r->kind, source, epoch, time, payload, n; `to` has room for log_room(n) bytes,
 * and the payload may stand there already, LOG_HEAD bytes behind its beginning. Returns the record's length. */
size_t log_room(size_t n);
size_t log_put(uint8_t *to, uint64_t seed, const log_record *r);
/* The checksums of n bytes of records that have none yet (put_head of log_bytes.h). Returns the last one. */
uint64_t log_seal(uint8_t *records, size_t n, uint64_t seed);
uint64_t log_record_check(const uint8_t *record, size_t n, uint64_t seed); /* the checksum that a record of n bytes is to have */
void log_put_header(uint8_t to[64], const mmsb_instance *, uint32_t version, uint64_t first, uint64_t seed, uint64_t before);

/* ---- reading ---- */

/* What the records of a segment call a page. */
typedef struct log_page {
	const char *name;        /* not NUL-terminated: n_name bytes */
	size_t n_name;
	uint32_t id;             /* of the page in the writer's schedule */
	uint8_t type;            /* type_id; T_COUNT: a record */
	bool sparse;
	unsigned ndim;
	uint64_t shape[MAX_DIMS];
	uint64_t count;          /* elements of a dense page */
	size_t element;          /* bytes of a value; 0: sparse bool */
	unsigned n_fields;
	const struct log_field *fields;
} log_page;

typedef struct log_field {
	const char *name;
	size_t n_name;
	uint8_t type;
	size_t offset;
} log_field;

typedef struct log_reader log_reader;

/* One segment's bytes, uncompressed if need be. Verifies the header and the pages. MMSB_IO, MMSB_FORMAT (among it damage of these two),
 * MMSB_NUMERICS, MMSB_MEMORY. */
int log_read_open(log_reader **out, const vfs *, const char *path, mmsb_error *err);
/* The same of bytes in memory, which stay the caller's; `path` is what messages call them. */
int log_read_memory(log_reader **out, const uint8_t *bytes, size_t n, const char *path, mmsb_error *err);
void log_read_close(log_reader *); /* NULL is allowed */

/* How a walk over a segment ended. */
typedef enum log_tail {
	LOG_GOES_ON,     /* a record was read */
	LOG_CLOSED,      /* LOG_END */
	LOG_WHOLE,       /* zeros, or the file's end, behind the last record (and then, perhaps, what an earlier segment left) */
	LOG_TORN,        /* bytes behind the last record that are none, and nothing says that they were durable */
	LOG_CORRUPT      /* a later record says that they were */
} log_tail;

/* The next record, its checksum and the order of epochs verified. Else: record->at is where, record->epoch the last epoch before it;
 * record->n, where it is torn: how many bytes stand there. */
log_tail log_next(log_reader *, log_record *record);
void log_rewind(log_reader *);

/* Behind damage: the next record is the one that holds `epoch`, wherever it lies, and source tags are those of all records that verify. False:
 * there is none; then the walk is over. */
bool log_seek(log_reader *, uint64_t epoch);
uint64_t log_highest(const log_reader *); /* the last epoch of all records that verify, in order or not; 0: none does */

/* Of an epoch or of ticks: the first epoch that the record speaks of (the last is record->epoch). */
uint64_t log_record_first(const log_record *);

uint64_t log_first_epoch(const log_reader *);
uint64_t log_seed(const log_reader *);
uint64_t log_before(const log_reader *);  /* the checksum of the last record of the segment before; 0: there is none */
const uint8_t *log_bytes(const log_reader *); /* of the segment */
uint64_t log_size(const log_reader *);    /* bytes, uncompressed, with the zeros behind the last record */
const char *log_path(const log_reader *);
void log_identity(const log_reader *, uint64_t out[2]);
unsigned log_page_count(const log_reader *);
const log_page *log_page_at(const log_reader *, unsigned i);
const char *log_source(const log_reader *, uint16_t number); /* "" for 0; NULL: not named yet */
unsigned log_source_count(const log_reader *); /* the highest number that was named */
/* The value of param i (in the order of declaration), as 8 bytes. */
unsigned log_param_count(const log_reader *);
uint64_t log_param(const log_reader *, unsigned i);

/* One delta of a payload. */
typedef struct log_delta {
	unsigned page;           /* log_page_at */
	uint32_t field;          /* NONE: whole elements */
	uint32_t kind;           /* staged_kind */
	uint64_t count;
	uint64_t first;          /* RANGE */
	const uint64_t *index;   /* SCATTER (and MASK, made to it): positions; INSERT, ERASE: row << 32 | column. The reader's, until the next call */
	const uint8_t *values;   /* in the payload: not aligned; NULL where there are none */
} log_delta;

typedef struct log_walk {
	log_reader *reader;
	const uint8_t *at, *end;
	uint64_t state[4];
} log_walk;

void log_walk_begin(log_walk *, log_reader *, const log_record *);
/* 1: a delta; 0: there are no more; -1: the payload is wrong (a checksum that is right proves nothing about a hostile file), or no memory. */
int log_walk_next(log_walk *, log_delta *, mmsb_error *err);

/* Stages the deltas of a record of an epoch into an instance of the same schedule, whose sizes are bound. MMSB_FORMAT where the payload is
 * wrong or the segment is of another schedule, and what mmsb_write and the others say; part may be staged then. */
int log_stage(log_reader *, const log_record *, mmsb_instance *, mmsb_error *err);

/* Stages one delta into a page of any instance that is like the one it was made for. */
int log_stage_delta(log_reader *, const log_delta *, mmsb_instance *, int page, mmsb_error *err);

/* The same, but values of dense pages go to the pages at once, without comparing or marking; entries of sparse pages are staged as above. For
 * replay of a graph without state (!m->has_state) that looks at some epochs only: epoch 1 is staged and committed, then records are
 * applied, and before somebody looks log_apply_end(m, epoch) and a commit, which makes epoch `epoch` (that of the last record applied) by
 * evaluating all that is derived. */
int log_apply(log_reader *, const log_record *, mmsb_instance *, mmsb_error *err);
/* As log_next and log_apply of epoch after epoch, but quicker, while each sets one value: up to epoch `last`, or to a record that is something else, or
 * wrong, which is the next one that log_next looks at. Returns the last epoch read. Takes none before a first log_apply into the instance. */
uint64_t log_apply_run(log_reader *, const mmsb_instance *, uint64_t last);
void log_apply_end(mmsb_instance *, uint64_t epoch);

#endif
