/* instance.h - a schedule with its pages, as the rooms behind mmsb.h see it. Internal.
 *
 * Who does what: instance.c binds sizes and owns pages; sparse.c patterns; index.c reverse indexes; delta.c staging;
 * epoch.c the order of a commit; portable.c and what is behind executor.h evaluate passes. */
#ifndef MMSB_INSTANCE_H
#define MMSB_INSTANCE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "bitset.h"
#include "index.h"
#include "journal.h"
#include "latch.h"
#include "turn.h"
#include "mmsb.h"
#include "native.h"
#include "schedule.h"
#include "sparse.h"

/* Where a field (or the only value) of a page's elements lies: element p at base + p * stride bytes. */
typedef struct column {
	uint8_t *base;
	size_t stride;
	uint8_t type;           /* type_id */
} column;

/* What changed in an epoch in one column of a page: elements of a dense page, slots of a sparse one (of entries that came or went too). */
typedef struct change_set {
	bool all;               /* anything may have: bits say nothing */
	bitset bits;
} change_set;

typedef struct page {
	const sch_page *def;
	uint32_t id;
	int64_t dims[MAX_DIMS];
	int64_t strides[MAX_DIMS]; /* in elements, row-major */
	uint64_t count;         /* elements of a dense page; slots of a sparse one, of which pat->n_entries are entries (sparse.h) */
	size_t element;         /* bytes; records packed; 0 for a source `sparse bool`, whose entries read true */
	uint8_t *cur;           /* the values; where a pass writes */
	uint8_t *prev;          /* the values at the end of the epoch before, during a commit: NULL unless PAGEF_PREV or can roll back */
	uint32_t n_columns;     /* the fields of a record page; else 1 */
	change_set *now;        /* by column: what changed in the epoch at hand or, between commits, in the last one; NULL unless stored */
	change_set *before;     /* the same of the epoch before that; NULL unless there is a second buffer */
	bool behind;            /* cur holds the values of two epochs ago: prev has those of the epoch before */
	bool prev_lost;         /* prev is to be copied whole */
	bool stale;             /* @lazy: not evaluated since something that it reads changed: lazy.c */
	bool watched;           /* its changes are: changes.c */
	bool stays;             /* what a device computes of it stays there until somebody reads it: device.c */
	bool away;              /* cur lacks values that are on the device */
	uint64_t gone;          /* the commit in which it was written anew and nobody had what it was before; 0: none */
	pattern *pat;           /* sparse: the owner's */
	pattern *prev_pat;      /* of the epoch before: the owner's, where some page of the family is read with prev */
	uint64_t slots_room;    /* owner: the slots for which all of the family have room */
	uint64_t changed;       /* the last epoch in which a bit changed (`prev` then changes one later); 0: never */
	uint64_t changed_before; /* `changed` when the commit at hand began */
	uint64_t pattern_changed; /* owner: the last epoch in which entries came or went: pat->log says which */
	uint64_t version;       /* counts the changes of cur, for what is built from it */
	group_index **indexes[2]; /* reverse indexes by field, once one is asked for; [1]: of prev */
	size_t capacity;        /* of cur, in bytes; sparse pages alone: they grow, and own cur and prev. The same for all of a family */
	size_t prev_capacity;
	void *packed;           /* mmsb_data of a @soa page; rows and columns of mmsb_entries, with the values of mmsb_data behind them */
	size_t packed_capacity;
} page;

struct mmsb_schedule {
	schedule tables;
	uint32_t references; /* atomic */
	pthread_mutex_t native_lock; /* of the next */
	native_code native;
	uint8_t *device_image; /* code for a device, or NULL: device.h */
};

struct mmsb_instance {
	mmsb_schedule *owner;
	const schedule *sch;
	mmsb_options options;
	const struct kernel_table *kernels; /* kernels.h */
	int threads;
	struct device *device;  /* that evaluates passes beside the CPU, or NULL: device.h */
	const struct device_ops *device_ops;
	bool native;            /* functions of native code are run where there are some: native_load.c */
	latch lock;              /* held for binding and while something is staged: for open, bound, stage_calls and stats.ns_stage */
	commit_turn turn;        /* whose it is to commit; has_turn: it is there */
	bool has_turn;
	atomic_bool bound;      /* written under the lock; what binding made is fixed from then on */
	bool stale;             /* memory ran out amid an epoch: pages of one buffer are to be computed anew */
	bool can_fail;          /* some pass can: derived pages have two buffers */
	bool has_state;         /* something reads the epoch before: a page cannot be had back by evaluating it again, so they have two as well */
	int64_t *sizes;         /* value of each sch_size, once bound */
	scalar *params;         /* value of each param */
	uint8_t *param_known;
	char **param_from;      /* where the value comes from, for messages */
	struct shape_given *shapes; /* what is known of sizes: sizes.c */
	uint32_t n_shapes, cap_shapes;
	arena arena;            /* of the dense pages */
	page *pages;
	bitset touched;         /* pages of which some `now` is not empty */
	bitset touched_before;  /* ... `before` */
	bitset pending;         /* passes to be run: epoch.c */
	uint32_t *reader_start, *readers_of; /* passes that read page i: from reader_start[2 * i] on; its values of the epoch before: [2 * i + 1] */
	mmsb_field *fields;     /* of all records, for mmsb_page_info */
	uint64_t epoch;         /* the last that succeeded */
	uint64_t at_hand;       /* during a commit the epoch that it makes; else as `epoch` */
	uint64_t commits;       /* counts commits begun, failed ones too */
	mmsb_pass_stats *pass_stats;
	mmsb_stats stats;
	uint64_t weight;        /* of the commit at hand: for how many its time counts; 0: it is not taken */
	uint64_t last_ns;       /* what the last that was timed took */
	struct staging *open;     /* delta.c: what producers add to, in any thread */
	struct staging *staging;  /* delta.c: what the commit at hand takes; else empty */
	uint64_t stage_calls;     /* counted to time some of them */
	struct readers *readers;  /* readers.c, or NULL */
	struct watches *watches;  /* changes.c, or NULL */
	struct events *events;    /* events.c, or NULL */
	struct undo *undo;        /* apply.c */
	struct saving *saving;    /* saving.h, or NULL */
	void *digest;             /* digest.c: its state, kept from call to call; or NULL */
	struct executor *executor; /* executor.h: buffers of the threads */
	size_t store_left;      /* store.h: bytes that partial results may still take */
	journal journal;        /* what epochs are told to before they are published; ops NULL: nothing */
	bool readonly;          /* the journal has failed: nothing is committed any more */
	char readonly_why[512];
};

/* ---- instance.c -------------------------------------------------------------------------------- */

static inline const char *sch_text(const schedule *s, uint32_t at) { return s->text + at; }

/* The place of a field of a page's values (NONE: the only one); prev: in the values of the epoch before. */
column page_column(const mmsb_instance *, const page *, bool prev, uint32_t field);

/* Fills in err (may be NULL); returns status. The message is formatted as by printf. */
int fail(mmsb_error *err, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
int fail_memory(mmsb_error *err, size_t bytes, const char *what);

/* Keeps a schedule alive; mmsb_schedule_close lets go. */
void schedule_retain(mmsb_schedule *);

/* A clock for figures. */
uint64_t now_ns(void);

/* Derived pages of one buffer, and those that took their first values from another page, are as before epoch 1. */
int instance_refill(mmsb_instance *, mmsb_error *err);

/* Makes *buffer hold at least `bytes`; what was in it stays. -1: no memory, and nothing has changed. */
int reserve_more(void *buffer_address, size_t *capacity, size_t bytes);

static inline int reserve(void *buffer_address, size_t *capacity, size_t bytes)
{
	return bytes <= *capacity ? 0 : reserve_more(buffer_address, capacity, bytes);
}

/* The values of a page as packed records, row-major; of a @soa page a copy in page.packed (NULL: no memory). */
const uint8_t *page_packed(mmsb_instance *, page *);

/* Elements first .. first + n of a dense page, records packed. */
void page_pack(const mmsb_instance *, const page *, uint64_t first, uint64_t n, uint8_t *to);

/* ---- buffers.c: what changed, and the second buffers ------------------------------------------- */

/* Sets for what changes, of all stored pages; after the pages have their counts. */
int buffers_new(mmsb_instance *, mmsb_error *err);
void buffers_free(mmsb_instance *);

/* The number of a column: of a field of a record page, or of NONE. */
static inline uint32_t column_number(const page *p, uint32_t field) { return p->def->record == NONE ? 0 : field; }

/* Position `at` of a column (by its number) has changed in this epoch. */
static inline void page_mark(mmsb_instance *m, page *p, uint32_t number, uint64_t at)
{
	bitset_set(&p->now[number].bits, at);
	bitset_set(&m->touched, p->id);
}

/* Before anything changes in an epoch: what changed in the last one is now what changed before, and goes to the second buffers. */
void buffers_begin(mmsb_instance *);

/* A page whose buffers were swapped and that is not written whole gets the values of the epoch before. */
void buffers_catch_up(const mmsb_instance *, page *);

/* Puts back what a failed epoch changed in derived pages of two buffers. */
void buffers_roll_back(mmsb_instance *);

/* Nothing is marked any more as changed in the epoch at hand. */
void buffers_forget_marks(mmsb_instance *);

/* ---- sizes.c: params and the sizes that follow ------------------------------------------------- */

/* Solves and evaluates all params and sizes. */
int sizes_bind(mmsb_instance *, mmsb_error *err);
void sizes_free(mmsb_instance *);

/* ---- delta.c, apply.c, changes.c, digest.c, epoch.c -------------------------------------------- */

struct staging *staging_new(uint32_t n_pages);
void staging_free(struct staging *, uint32_t n_pages);
bool staging_empty(mmsb_instance *); /* nothing waits for the next commit */

/* What was staged until now is what the commit at hand takes; the rest is the next epoch's. */
void staging_close(mmsb_instance *);

/* Forgets what staging_close took. */
void staging_drop(mmsb_instance *);

/* Puts what is staged into the source pages, keeping how to undo it; pages that really changed get `changed` = epoch. */
int apply_staged(mmsb_instance *, uint64_t epoch, mmsb_error *err);
void apply_undo(mmsb_instance *);  /* puts back what apply_staged changed */
void apply_keep(mmsb_instance *);  /* forgets how to */
void undo_free(mmsb_instance *);

int passes_new(mmsb_instance *, mmsb_error *err); /* epoch.c: which passes read a page */
/* The next tick, and any after it, changes nothing: so many are passed over at once. */
bool ticks_are_idle(const mmsb_instance *);
void passes_free(mmsb_instance *);

void digest_free(mmsb_instance *);

/* What an epoch changed in the pages that are watched; the last that may fail of it. */
int changes_collect(mmsb_instance *, uint64_t epoch, mmsb_error *err);
void changes_free(mmsb_instance *);

/* The watched pages that the last commit changed, in the order in which they began to be watched: how many, and the i-th. */
uint32_t changes_pages(const mmsb_instance *);
bool changes_watched(const mmsb_instance *); /* any page */
int changes_page(const mmsb_instance *, uint32_t i);

/* ---- readers.c: what concurrent readers see ---------------------------------------------------- */

/* Slots, snapshots and copies of pages, as the options say; after the pages have their counts. */
int readers_new(mmsb_instance *, mmsb_error *err);
void readers_free(mmsb_instance *);

/* Before anything is taken or changed: there will be room for what the commit publishes. MMSB_BUSY: readers hold all. */
int readers_admit(mmsb_instance *, mmsb_error *err);

/* What has changed in the epoch at hand is to be published with it or with a later one (mmsb_ticks). It may still fail. */
void readers_note(mmsb_instance *);

/* Writes what was noted to copies that nobody sees yet. MMSB_MEMORY, of sparse pages. */
int readers_fill(mmsb_instance *, mmsb_error *err);

/* From now on readers see what was filled in. */
void readers_publish(mmsb_instance *, uint64_t epoch);

/* ---- lazy.c: @lazy pages ----------------------------------------------------------------------- */

/* Which passes wait until their page is read: anew when a page begins to be watched. */
void lazy_plan(mmsb_instance *);

/* Puts off a pass whose inputs changed, if it may; what is to be evaluated is kept in its dirty sets. */
bool lazy_defer(mmsb_instance *, uint32_t pass, uint64_t epoch, bool whole);

/* Evaluates what is stale of a page and of what it reads. MMSB_MEMORY: it stays stale. */
int lazy_settle(mmsb_instance *, const page *, mmsb_error *err);

/* ---- index.c ----------------------------------------------------------------------------------- */

/* The positions of an index page (field NONE), or of an index field of a record page, by value: row-major positions, as of the values that
 * the page (prev: the page with prev) has now. Built when first asked for, then kept up to date once for an epoch; index_moves
 * says what moved in it. NULL: no memory. */
const group_index *page_groups(mmsb_instance *, page *, uint32_t field, bool prev);
void page_indexes_rollback(page *, uint64_t epoch);
void page_indexes_free(page *);

/* ---- executor.h: what evaluates, implemented by portable.c ------------------------------------- */

/* Buffers for the instance's threads; after binding. */
int executor_new(mmsb_instance *, mmsb_error *err);
void executor_free(struct executor *);

/* The value of a constant kernel (init, default, tol, max rounds): of its one output, or of each field of a record in
 * order. Needs no bound sizes unless it reads them; params must be known. MMSB_FAULT when it divides by zero. */
int executor_constant(mmsb_instance *, uint32_t kernel, scalar *out, mmsb_error *err);

/* Evaluates pass `id` in place: whole, or what the changes of the epoch concern. What differs from before is marked in the page's sets and
 * counted in *changed; elements evaluated are added to the pass's stats. MMSB_FAULT fills in err with page, position, line and reason; what
 * has changed is marked then too, and cur is otherwise as before. Needs no memory from the system once it has run, or reports
 * MMSB_MEMORY. */
int executor_pass(mmsb_instance *, uint32_t id, uint64_t epoch, bool whole, uint64_t *changed, mmsb_error *err);

/* The same of a pass of one element that is ready to run (tape.c), if it is; nothing is marked. */
bool executor_tape(mmsb_instance *, uint32_t id, bool *changed);

/* How many ticks, of which the last leaves what as many commits of nothing would, can be evaluated at once as things are, at most `most`; less than 2: none. And
 * evaluates them, up to `epoch`: marks say then what may have changed. */
uint64_t executor_steps(mmsb_instance *, uint64_t most);
int executor_ticks(mmsb_instance *, uint64_t steps, uint64_t epoch, mmsb_error *err);

/* An epoch has failed: what is kept from epoch to epoch to save work is not to be trusted. */
void executor_forget(struct executor *);

#endif
