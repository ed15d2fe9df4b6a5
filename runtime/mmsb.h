/* mmsb.h - the memory-mapped state bus: the one installed header.
 *
 * A *schedule* is a compiled program (.mmsbx). An *instance* is a schedule with its pages. Deltas to
 * source pages are staged, then committed as one *epoch*; after it every page holds what follows from the sources.
 *
 * Every function that can fail returns a status (MMSB_OK is 0) and, when err is not NULL, fills it in; nothing is
 * changed by a call that fails unless it says so. Nothing here aborts, prints, or exits.
 *
 * Threads: a schedule may be shared by all threads. Deltas may be staged from any thread, also while a commit runs, which they do not
 * wait for: mmsb_write, mmsb_scatter, mmsb_scatter_field, mmsb_insert, mmsb_erase and mmsb_discard; mmsb_page, mmsb_page_count
 * and, once sizes are bound, mmsb_page_info may be called from any thread too (its count of a sparse page is for the committing thread).
 * Readers in any thread see whole epochs (mmsb_read_begin). Any thread may commit (mmsb_commit), but what looks at pages without a reader belongs to
 * one at a time, the *committing thread*, as does all else that takes an instance: where several commit, nobody may while one of them does. Params and shapes are given before other threads use the instance, and it is freed after them.
 *
 * Values in memory have the machine's layout of the C types: bool is one byte (0 or 1), index(D) a uint32_t, records
 * are packed with natural alignment as mmsb_info says. Arrays are row-major. */
#ifndef MMSB_H
#define MMSB_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mmsb_schedule mmsb_schedule;
typedef struct mmsb_instance mmsb_instance;

/* Status codes: texts and exit statuses are in status.def. */
enum mmsb_status {
	MMSB_OK = 0,
	MMSB_INPUT = 1,
	MMSB_USAGE = 2,
	MMSB_MEMORY = 3,
	MMSB_IO = 4,
	MMSB_FORMAT = 5,
	MMSB_NUMERICS = 6,
	MMSB_RANGE = 7,
	MMSB_TYPE = 8,
	MMSB_SHAPE = 9,
	MMSB_NAME = 10,
	MMSB_FAULT = 11,
	MMSB_ORDER = 12,
	MMSB_BUSY = 13,
	MMSB_READONLY = 14,
	MMSB_DEVICE = 15
};

/* What went wrong. Owned by the caller; needs no initialisation. */
typedef struct mmsb_error {
	int status;           /* enum mmsb_status */
	int page;             /* at fault, or -1 */
	unsigned ndim;        /* how many of index[] are filled in */
	uint64_t index[8];    /* the element at fault */
	uint64_t epoch;       /* the epoch that failed, or 0 */
	char message[960];    /* one or more lines, no newline at the end; always NUL-terminated */
} mmsb_error;

/* A short text for a status code; never NULL. */
const char *mmsb_status_text(int status);

/* The library's version, "MAJOR.MINOR.PATCH". */
const char *mmsb_version(void);

/* ---- schedules --------------------------------------------------------------------------------- */

/* Reads a .mmsbx file whole and checks it. *out is owned by the caller (mmsb_schedule_close).
 * MMSB_IO, MMSB_FORMAT, MMSB_NUMERICS, MMSB_MEMORY. */
int mmsb_schedule_open(mmsb_schedule **out, const char *path, mmsb_error *err);

/* The same from n bytes in memory, which are copied. */
int mmsb_schedule_load(mmsb_schedule **out, const void *bytes, size_t n, mmsb_error *err);

/* A function of native code, and those of one level of the processor. For the C text that `mmsbc compile --embed` writes. */
typedef struct mmsb_native_function {
	const char *name;
	void (*function)(void);
} mmsb_native_function;
typedef struct mmsb_native_level {
	const char *level;
	size_t count;
	const mmsb_native_function *functions;
} mmsb_native_level;

/* mmsb_schedule_load for that text: with native code that is linked into the program, the best level first. levels must live as long as
 * the schedule. Code that was compiled with options that change the results of arithmetic is not used. */
int mmsb_schedule_linked(mmsb_schedule **out, const void *bytes, size_t n, const mmsb_native_level *levels, size_t n_levels, uint32_t abi,
                         mmsb_error *err);

/* Instances keep what they need of it: may be called before they are freed. NULL is allowed. */
void mmsb_schedule_close(mmsb_schedule *);

/* ---- instances --------------------------------------------------------------------------------- */

typedef struct mmsb_options {
	size_t size;        /* sizeof(mmsb_options): set it first; fields beyond it count as zero */
	int threads;        /* most threads that a commit uses; 0: all cores */
	int scratch;        /* evaluate every pass whole in every epoch */
	int time_passes;    /* measure each pass (mmsb_pass_stats.ns): two looks at the clock */
	int readers;        /* most concurrent readers at a time (mmsb_read_begin); 0: none, and nothing is kept for them */
	int copies;         /* most copies of a page, beyond two, for readers that stay in old epochs: see mmsb_read_begin. 0: one for each
	                       reader; below 0: none */
	int executor;       /* enum mmsb_executor; 0: automatic */
} mmsb_options;

/* What evaluates; all give the same bits. A compiled file may hold machine code beside the schedule ("native code"), which is loaded, and so trusted, when the
 * first instance is made that may use it. */
enum mmsb_executor {
	MMSB_AUTOMATIC, /* native code, if the schedule has some that this processor runs and that can be loaded; mmsb_stats.portable_because says
	                   why not */
	MMSB_PORTABLE,  /* nothing of it is ever loaded: for files that are not trusted */
	MMSB_NATIVE,    /* as automatic, but mmsb_instance_new fails where there is none: MMSB_INPUT (no code, or for other processors),
	                   MMSB_FORMAT (of another version), MMSB_IO (it cannot be loaded), MMSB_NUMERICS (mmsb_schedule_linked) */
	MMSB_CUDA       /* a CUDA device evaluates the passes for which there is code and which are large enough, the CPU the others, as with
	                   MMSB_AUTOMATIC; mmsb_instance_new fails where there is no device (MMSB_DEVICE) or no code (MMSB_INPUT). A commit in which the
	                   device fails fails with MMSB_DEVICE; the CPU evaluates all from then on */
};

/* A new instance without values: sizes are bound by mmsb_set_param and mmsb_set_shape, values of sources given by
 * mmsb_write and the others, and the first mmsb_commit makes epoch 1 of them. options may be NULL: all zero; they are copied. *out is owned by
 * the caller (mmsb_instance_free). MMSB_MEMORY; MMSB_USAGE: no such executor; what MMSB_NATIVE says. */
int mmsb_instance_new(mmsb_instance **out, mmsb_schedule *, const mmsb_options *options, mmsb_error *err);
void mmsb_instance_free(mmsb_instance *); /* NULL is allowed */

/* The value of a param (a size, or of any scalar type: converted, and it must be exact for integers and bool). Before
 * the first write or commit; a second value for the same param is an error unless it is equal.
 * MMSB_NAME, MMSB_RANGE, MMSB_SHAPE (contradicts a shape given), MMSB_ORDER. */
int mmsb_set_param(mmsb_instance *, const char *name, double value, mmsb_error *err);

/* The same with the value in the param's own type (sizes: int64_t); exact for all 64 bits. `from` names where it comes from
 * in messages of contradiction ("-D N=4"); may be NULL. */
int mmsb_set_param_value(mmsb_instance *, const char *name, const void *value, const char *from, mmsb_error *err);

/* Says that a source page has this shape, which binds the size params in it where they can be solved for (a size
 * N, N+1, 2*N, ...). `from` names where the shape comes from; may be NULL. MMSB_SHAPE names both sources of a contradiction. */
int mmsb_set_shape(mmsb_instance *, int page, unsigned ndim, const uint64_t *shape, const char *from, mmsb_error *err);

/* Fixes the sizes and takes the memory; done by the first write or commit if not before. MMSB_INPUT names the
 * params without value; MMSB_RANGE a negative size; MMSB_MEMORY. */
int mmsb_bind(mmsb_instance *, mmsb_error *err);

/* ---- what there is ----------------------------------------------------------------------------- */

enum mmsb_type {
	MMSB_BOOL, MMSB_I8, MMSB_I16, MMSB_I32, MMSB_I64, MMSB_U8, MMSB_U16, MMSB_U32, MMSB_U64, MMSB_F32, MMSB_F64,
	MMSB_RECORD
};
enum mmsb_role { MMSB_INTERNAL, MMSB_IN, MMSB_OUT };

typedef struct mmsb_field {
	const char *name;
	int type;             /* enum mmsb_type */
	int is_index;         /* index(D): range then holds D */
	uint64_t range;
	size_t offset;        /* bytes within the record */
} mmsb_field;

typedef struct mmsb_info {
	const char *name;
	int type;             /* enum mmsb_type; MMSB_U32 for index(D) */
	int role;             /* enum mmsb_role */
	int sparse;           /* 0, 1 */
	int stored;           /* 0: fused away, has no values of its own */
	int is_index;         /* index(D): range then holds D */
	uint64_t range;
	unsigned ndim;
	uint64_t shape[8];    /* valid once sizes are bound */
	uint64_t count;       /* elements; of a sparse page: its entries now */
	size_t element;       /* bytes of one element */
	unsigned n_fields;    /* of a record */
	const mmsb_field *fields; /* owned by the instance */
} mmsb_info;

int mmsb_page_count(mmsb_instance *);
int mmsb_page(mmsb_instance *, const char *name);                 /* id, or -1 */
int mmsb_page_info(mmsb_instance *, int page, mmsb_info *info);   /* MMSB_NAME when there is no such page */

/* ---- staging: takes effect with the next commit ------------------------------------------------
 *
 * From any thread. A call is staged as a whole or, when it fails, not at all. Calls have one order, that of the last write to an
 * element too: those of one thread are in the order of that thread. A commit takes the calls that were finished when it began; what is
 * staged while it runs belongs to the next epoch. Values are checked here, and copied. */

/* count elements (records whole) from position `first` in row-major order, of a dense source page. The last write to an element wins.
 * MMSB_NAME: not a source; MMSB_TYPE: sparse; MMSB_RANGE: not within the page, or a value that is no index(D); MMSB_MEMORY; and what
 * mmsb_bind says. So for all of them. */
int mmsb_write(mmsb_instance *, int page, size_t first, size_t count, const void *values, mmsb_error *err);

/* Elements at the given row-major positions. */
int mmsb_scatter(mmsb_instance *, int page, size_t count, const uint64_t *index, const void *values, mmsb_error *err);

/* One field of records: as mmsb_scatter, values of the field's type. */
int mmsb_scatter_field(mmsb_instance *, int page, unsigned field, size_t count, const uint64_t *index, const void *values,
                       mmsb_error *err);

/* Entries of a sparse source page: set or insert; values is NULL for `sparse bool`. */
int mmsb_insert(mmsb_instance *, int page, size_t count, const uint64_t *row, const uint64_t *col, const void *values,
                mmsb_error *err);
/* Deletes entries; one that is not there changes nothing. */
int mmsb_erase(mmsb_instance *, int page, size_t count, const uint64_t *row, const uint64_t *col, mmsb_error *err);

/* Forgets what is staged; a commit at work keeps what it has taken. */
void mmsb_discard(mmsb_instance *);

/* ---- epochs ------------------------------------------------------------------------------------ */

/* One epoch of all that is staged. On failure (MMSB_FAULT: the error names page, position and epoch; MMSB_MEMORY) the
 * state is as before and the staged deltas are gone: those that it took, not what was staged meanwhile. MMSB_BUSY (concurrent readers stay in too many
 * old epochs): the state is as before, nothing was taken, and what is staged stays staged: commit again when one has ended.
 * epoch (may be NULL) gets the number of the epoch: 1, 2, ...
 * Several threads may commit (and tick) at a time: one does, and those that come meanwhile make one epoch together of what they have staged, which
 * takes one record of a log and one sync. All of them get its number, or its error, and its source is that of the one that came first. */
int mmsb_commit(mmsb_instance *, uint64_t *epoch, mmsb_error *err);

/* The same; `source` says who made the changes, in a log (mmsb_state_open): up to 255 bytes of text, copied. NULL: nobody in particular. */
int mmsb_commit_from(mmsb_instance *, const char *source, uint64_t *epoch, mmsb_error *err);

/* n epochs without deltas; stops at the first that fails (those before stand). Once one changes nothing the others do neither, and take no time.
 * Concurrent readers see the last alone. MMSB_ORDER when deltas are staged; what is staged while it runs is left for the next commit. MMSB_RANGE:
 * numbers of epochs do not go so far. Otherwise as mmsb_commit. */
int mmsb_ticks(mmsb_instance *, uint64_t n, uint64_t *epoch, mmsb_error *err);

/* ---- reading ----------------------------------------------------------------------------------- */

/* The values of a dense stored page (records: packed), row-major, valid until the next commit; NULL if there is no such page or it is not
 * stored. Of a sparse page: its values in the order of mmsb_entries (NULL for `sparse bool`). For the committing thread. */
const void *mmsb_data(mmsb_instance *, int page);

/* The entries of a sparse page sorted by row, then column: count of them in mmsb_info. Pointers valid until the next commit.
 * MMSB_MEMORY, MMSB_TYPE. */
int mmsb_entries(mmsb_instance *, int page, const uint64_t **row, const uint64_t **col, mmsb_error *err);

/* ---- reading in other threads ------------------------------------------------------------------
 *
 * For an instance whose options ask for readers, every dense or sparse `out` page (but @lazy ones) has, besides its own memory, two copies for
 * readers: the one that they see, and the one that the next commit brings up to date and shows. Neither waits for the other: a commit
 * takes no lock that a reader holds. When a reader still sees the second copy the commit makes a further one, and keeps it for later;
 * there are as many as the option `copies` says, and beyond it, or when there is no memory for it, the commit returns MMSB_BUSY.
 * A commit copies what has changed, but a sparse page whole when entries have come or gone. Of sources, internal and @lazy pages readers see nothing: an `out`
 * page that is equal to one shows it. */

/* A reader: one epoch, from mmsb_read_begin to mmsb_read_end. Owned by the caller, and for one thread at a time; may be handed on. */
typedef struct mmsb_reader {
	uint64_t epoch;          /* that it sees */
	mmsb_instance *instance; /* the rest is not for the caller */
	const void *snapshot;
	void *slot;
} mmsb_reader;

/* Pins the last epoch published. From any thread, while the instance is there; every reader is to be ended before it is freed.
 * MMSB_ORDER: no epoch yet, or the option `readers` is 0; MMSB_BUSY: as many readers as it says are at work. After a failure the
 * reader sees nothing, and mmsb_read_end may be called or not. */
int mmsb_read_begin(mmsb_instance *, mmsb_reader *, mmsb_error *err);

/* The values of an `out` page in that epoch, until mmsb_read_end: as mmsb_data has them (sparse pages: in the order of mmsb_read_entries). NULL
 * for any other page. Calls for one reader see the same epoch. */
const void *mmsb_read(mmsb_reader *, int page);

/* The entries of a sparse `out` page in that epoch, sorted by row, then column, until mmsb_read_end. MMSB_TYPE for any other page. */
int mmsb_read_entries(mmsb_reader *, int page, uint64_t *count, const uint64_t **row, const uint64_t **col);

/* Lets the epoch go. A second call does nothing. */
void mmsb_read_end(mmsb_reader *);

/* ---- what has changed -------------------------------------------------------------------------- */

/* What the last commit (of mmsb_ticks: the last epoch) changed in a page that is watched: each element or entry whose bits are others than
 * before, with its new value. Nothing after a commit that failed. Where one failed for lack of memory, and there was not even enough to evaluate
 * derived pages as they were before, the next view may hold elements of them that have not changed. Owned by the instance, until the next commit. */
typedef struct mmsb_changes_view {
	uint64_t count;
	const uint64_t *index;  /* dense: row-major positions, ascending */
	const uint64_t *row;    /* sparse: entries, sorted */
	const uint64_t *col;
	const uint8_t *deleted; /* sparse: 1 where the entry is gone */
	const void *values;     /* the new values (zero where deleted); NULL for `sparse bool` */
} mmsb_changes_view;

/* From the next commit on, changes of this stored page are kept. The first view after that holds what differs from now
 * (before epoch 1: from the initial values). Binds sizes; watching a page twice is watching it once. MMSB_NAME: no stored page; what
 * mmsb_bind says. */
int mmsb_watch(mmsb_instance *, int page, mmsb_error *err);

/* The view of a page: MMSB_NAME, and an empty view, when it is not watched. */
int mmsb_changes(mmsb_instance *, int page, mmsb_changes_view *out);

/* ---- events ------------------------------------------------------------------------------------
 *
 * Whoever subscribes is told of every epoch by the committing thread, once it is published (and durable, where a folder keeps it), before the
 * commit returns. Epochs are told in their order: that one began, each watched page that it changed, that it is there. A callback may read the
 * instance, stage deltas for a later epoch, subscribe (from the next epoch on) and unsubscribe; a commit or ticks from it return MMSB_ORDER. */

enum mmsb_event_kind {
	MMSB_EVENT_BEGIN,       /* an epoch: what follows, up to MMSB_EVENT_COMMIT, is of it */
	MMSB_EVENT_PAGE,        /* a page that it changed, and what */
	MMSB_EVENT_COMMIT,
	MMSB_EVENT_CHECKPOINT,  /* `epoch` has a checkpoint that counts (mmsb_state_checkpoint) */
	MMSB_EVENT_ERROR        /* `epoch` failed, and its number is used again; or no more epochs can be kept */
};

typedef struct mmsb_event {
	int kind;                    /* enum mmsb_event_kind */
	int page;                    /* of MMSB_EVENT_PAGE; of MMSB_EVENT_ERROR: at fault, or -1 */
	uint64_t epoch;
	const char *source;          /* as given to the commit; "": none */
	mmsb_changes_view changes;   /* of MMSB_EVENT_PAGE: valid until the callback returns */
	const mmsb_error *error;     /* of MMSB_EVENT_ERROR */
} mmsb_event;

typedef void (*mmsb_event_fn)(void *user, mmsb_instance *, const mmsb_event *);

enum { MMSB_ALL_PAGES = -1 };

/* From the next epoch on. Of a page (a stored one, which is watched from now on) or of every source and `out` page; the events without a page come
 * in any case. The pages stay watched. While somebody is subscribed, each of several ticks is published and kept like a commit.
 * MMSB_NAME, MMSB_MEMORY, and what mmsb_bind says. */
int mmsb_subscribe(mmsb_instance *, int page, mmsb_event_fn, void *user, mmsb_error *err);

/* Ends all subscriptions of this function with this user. */
void mmsb_unsubscribe(mmsb_instance *, mmsb_event_fn, void *user);

/* XXH3-128 over the canonical bytes of all source, out and state pages, in the order of declaration, as 32
 * hexadecimal digits and a NUL. The same on every executor, number of threads and machine. MMSB_MEMORY, and what mmsb_bind says; hex is then
 * left alone. */
int mmsb_digest(mmsb_instance *, char hex[33], mmsb_error *err);

/* ---- figures ----------------------------------------------------------------------------------- */

/* Counted since the instance was made. Times are in nanoseconds of a clock on the wall. */
typedef struct mmsb_pass_stats {
	const char *name;     /* of the page */
	uint64_t epochs;      /* in which it ran */
	uint64_t evaluated;   /* elements (of a fixpoint: over all rounds) */
	uint64_t changed;     /* elements whose bits changed */
	uint64_t rounds;      /* of fixpoints */
	uint64_t dense;       /* runs of elements all of which were to be evaluated */
	uint64_t masked;      /* runs in which most were */
	uint64_t single;      /* runs of single elements, up to 512 at a time */
	uint64_t ns;          /* time that it took; 0 without options.time_passes */
	uint64_t operands;    /* of its reductions, that the CPU evaluated: an element evaluated whole takes all of its own */
} mmsb_pass_stats;

typedef struct mmsb_stats {
	uint64_t epochs;              /* that succeeded */
	uint64_t failed;              /* that did not; MMSB_BUSY is no epoch */
	uint64_t staged;              /* deltas that epochs took, each element or entry one */
	uint64_t ns_stage;            /* in staging calls, of all threads together; of calls of fewer than 2,048 deltas an estimate from one in 64 */
	uint64_t ns_apply;            /* taking the staged deltas and changing the sources: these three of epochs that succeeded; where epochs take
	                               * less than 20 us, an estimate from one in 16 */
	uint64_t ns_passes;           /* evaluating */
	uint64_t ns_publish;          /* collecting what is watched, and showing the epoch to readers */
	unsigned native_functions;    /* of native code, that passes run, once sizes are bound */
	const char *portable_because; /* why no native code is run; "": it is. Owned by the instance */
	unsigned n_passes;
	const mmsb_pass_stats *passes; /* in the order of the schedule; owned by the instance */
} mmsb_stats;

/* Fills *out in. For the committing thread; *passes counts on with later commits. */
void mmsb_stats_get(mmsb_instance *, mmsb_stats *out);

/* ---- durable state ----------------------------------------------------------------------------
 *
 * A folder keeps what an instance went through: a log, in which every epoch stands with its deltas, and checkpoints of all pages. The
 * instance that opens it goes on after the last epoch that is in it, with the bits of one that was never interrupted. docs/state.md shows
 * how; docs/format.md has the files.
 *
 * While a folder is open, mmsb_commit and mmsb_ticks return when the epoch is as durable as the options say. When it cannot be written to the
 * log the commit fails, the pages are as before (ticks: as after the last of them, of which none is in the log), and the instance is
 * read-only from then on: reading goes on, commits return MMSB_READONLY. A digest that cannot be written to the log makes it read-only as well;
 * the epoch stands, and its number is given. A checkpoint that fails makes nothing read-only: mmsb_state_wait says so. */

typedef struct mmsb_state mmsb_state;

/* When an epoch is durable that was committed. */
enum mmsb_durability {
	MMSB_DURABLE_EPOCH, /* when the commit returns it is on disk */
	MMSB_DURABLE_GROUP, /* it is on disk `group_ms` after the commit at the latest: a crash of the machine may take those of the last moments */
	MMSB_DURABLE_OS,    /* the system has it when the commit returns: a crash of the program takes nothing, one of the machine may */
	MMSB_DURABLE_NONE   /* it is written when there is much to write, and when the folder is closed */
};

typedef struct mmsb_state_options {
	size_t size;                 /* sizeof(mmsb_state_options): set it first; fields beyond it count as zero */
	int durability;              /* enum mmsb_durability */
	unsigned group_ms;           /* 0: 10 */
	uint64_t digest_every;       /* epochs from one digest in the log to the next; 0: 1,000; UINT64_MAX: none */
	uint64_t checkpoint_epochs;  /* a checkpoint after so many epochs, */
	uint64_t checkpoint_bytes;   /* so many bytes of log, */
	uint64_t checkpoint_seconds; /* so much time since the last, whichever comes first; 0: not for this reason. Looked at by commits */
	unsigned keep;               /* checkpoints that are kept; 0: 2 */
	uint64_t segment_bytes;      /* of a file of the log, which is closed then; 0: 64 MiB */
	int compress;                /* level of zstd for closed files of the log; 0: 3; below 0: they are left as they are */
} mmsb_state_options;

/* Opens the folder, or makes it. An instance that has had no epoch, with nothing staged, becomes as at the end of the folder's last epoch, if there
 * is one (stage what makes epoch 1 after looking at mmsb_state_epoch): from the newest checkpoint that verifies, then the log. Params that
 * the instance has must be those of the folder. options may be NULL: all zero; they are copied. *out is owned by the caller, and closed before
 * the instance is freed. One folder is open for writing once at a time.
 * MMSB_IO; MMSB_BUSY: another process has it open; MMSB_FORMAT: it is another program's, or damaged: the message has file and
 * offset, and nothing was changed; MMSB_NUMERICS; MMSB_SHAPE; MMSB_ORDER; MMSB_FAULT: an epoch of the log does not give the digest that
 * stands there; MMSB_MEMORY. After a failure an instance that was bound by it can only be freed. */
int mmsb_state_open(mmsb_state **out, mmsb_instance *, const char *folder, const mmsb_state_options *options, mmsb_error *err);

/* The last epoch that the folder has; 0: none yet. */
uint64_t mmsb_state_epoch(mmsb_state *);

/* What opening found that somebody should be told, as lines without a newline at the end (a record that was cut off, a checkpoint
 * that does not verify); "": nothing. Owned by the state. */
const char *mmsb_state_note(mmsb_state *);

/* Until every epoch that was committed is on disk, whatever the options say. */
int mmsb_state_sync(mmsb_state *, mmsb_error *err);

/* A checkpoint of the last epoch, written by a thread while commits go on: mmsb_state_wait says how it ended. What commits change meanwhile is
 * kept aside until it is written: memory for as much of the pages, at most. Of an instance with many entries in sparse pages a child process
 * (fork) writes it. One is made at a time: MMSB_BUSY while another is at work. MMSB_ORDER: there was no epoch yet. Committing thread. */
int mmsb_state_checkpoint(mmsb_state *, mmsb_error *err);

/* Waits for the checkpoint at work, if there is one, and says how the last ended. */
int mmsb_state_wait(mmsb_state *, mmsb_error *err);

/* A checkpoint of what is not in one yet, unless the instance is read-only; then all is on disk, and the state is freed whatever is returned.
 * NULL is allowed. Committing thread. */
int mmsb_state_close(mmsb_state *, mmsb_error *err);

#ifdef __cplusplus
}
#endif

#endif
