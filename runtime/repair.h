/* repair.h - what is kept of an exact fixpoint, so that a change costs what it concerns. Internal.
 *
 *   own.c      how the fixpoint reads its own page, and who reads an element
 *   support.c  which values of the page count while an element is checked
 *   relax.c    single operands of a reduction: from an element on to those who read it, or all of an element's
 *   queue.c    elements in order of value
 *   repair.c   a repair; its first phase, resets
 *   drain.c    its second phase, improvements; all from the start on
 *   sweep.c    all from the start on, in buckets by value; hand.c: its loops
 *
 * An element's *stamp* says when it got its value: the clock moves on whenever values are written. Whatever an element's value
 * rests on came before it: better values, or equal ones with an earlier stamp. Stamp 0: the element stands at its start. */
#ifndef MMSB_REPAIR_H
#define MMSB_REPAIR_H

#include <string.h>

#include "exec.h"

/* ---- order ------------------------------------------------------------------------------------- */

/* Keys of values: numbers that ascend from the best on. */
typedef struct value_order {
	uint8_t width;          /* of elements, as in kernels.h */
	bool is_signed, is_float;
	bool most;              /* of max and ||: the greatest is the best */
	uint64_t top, mask;     /* the highest bit, and all bits */
} value_order;

static inline uint64_t value_bits(const value_order *o, const uint8_t *at)
{
	uint64_t v8;
	uint32_t v4;
	uint16_t v2;
	switch (o->width) {
	case 3: return memcpy(&v8, at, 8), v8;
	case 2: return memcpy(&v4, at, 4), v4;
	case 1: return memcpy(&v2, at, 2), v2;
	default: return *at;
	}
}

/* -0 comes before +0; there are no NaNs in an exact fixpoint. */
static inline uint64_t value_key(const value_order *o, uint64_t bits)
{
	uint64_t key = bits;
	if (o->is_float)
		key = bits & o->top ? ~bits & o->mask : bits | o->top;
	else if (o->is_signed)
		key = bits ^ o->top;
	return o->most ? ~key & o->mask : key;
}

/* ---- queue.c ----------------------------------------------------------------------------------- */

typedef struct queued {
	uint64_t key;
	uint32_t stamp, element;
} queued;

/* A heap: the best key first, then the earliest stamp. */
typedef struct queue {
	queued *at;
	uint64_t n;
	size_t capacity;        /* bytes */
} queue;

/* -1: no memory. */
int queue_put(queue *, queued);
queued queue_take(queue *);

/* ---- own.c ------------------------------------------------------------------------------------- */

typedef enum own_kind {
	OWN_SAME,  /* an element (entry) reads itself, which says nothing new: no term is better than what it reads */
	OWN_LANES, /* along the variable of a reduction in one dimension, the others being the element's own */
	OWN_SHIFT, /* the element's own position, moved */
	OWN_ROUTED /* any other way: route.h */
} own_kind;

typedef struct own_read {
	own_kind kind;
	const read_plan *read;
	/* LANES */
	const region_plan *region;
	uint32_t dim;
	const step **steps;     /* of region 0: what an operand of the reduction needs */
	uint32_t n_steps;
	uint8_t op;             /* an operand is one operation: */
	kernel_fn *fn;          /* ... fn(element read, entry) of one sparse page, both of the page's type; else NULL */
	bool turned;            /* ... fn(entry, element) */
	uint32_t entries;       /* the read of the entry */
	uint8_t guards[4];      /* conditions on the entry; */
	uint32_t n_guards;
	bool quick;             /* ... on which alone it depends whether an operand fails */
	/* SHIFT */
	int64_t by[MAX_DIMS];
} own_read;

/* The operands of a reduction that read one element: n places, in runs. */
typedef struct own_lanes {
	uint64_t n;
	uint64_t at, end;       /* places of the run at hand */
	const lists *lists;     /* of the reader's coordinate and the entry; NULL: the place is both */
	uint64_t list;
	list_run run;
	int64_t base, stride;   /* the reader: base + stride * coordinate */
	int64_t inner;          /* the reduction's variable */
} own_lanes;

own_lanes own_lanes_of(const page *to, const own_read *, uint64_t element);

/* The operands of the reduction for an element that goes by the entries of a sparse page: `reader` is then who is read. */
own_lanes own_lanes_into(const page *to, const own_read *, uint64_t element);

/* The next run; false: that was all. */
static inline bool own_run(own_lanes *l)
{
	if (!l->lists)
		return l->run.next++ == 0;
	if (!lists_next(l->lists, l->list, &l->run))
		return false;
	l->at = l->run.at;
	l->end = l->run.at + l->run.n;
	return true;
}

static inline uint64_t own_entry(const own_lanes *l) { return l->lists ? l->lists->mate[l->at] : l->at; }
static inline uint64_t own_reader(const own_lanes *l)
{
	return (uint64_t)(l->base + l->stride * (l->lists ? (int64_t)l->lists->key[l->at] : (int64_t)l->at));
}

/* Readers of an element where it stands moved: first .. end-1 along each dimension, in up to three pieces. */
typedef struct own_shift {
	uint32_t n[MAX_DIMS];
	int64_t first[MAX_DIMS][3], end[MAX_DIMS][3];
} own_shift;

/* false: none. */
bool own_shift_of(const page *to, const own_read *, uint64_t element, own_shift *out);

/* ---- what is kept ------------------------------------------------------------------------------ */

/* As an element's witness: what is left of its body without the operands of `simple` holds it up, whatever these are. No slot has this number. */
#define WITNESS_BODY (NONE - 1)

/* How an element was before the epoch. */
typedef struct repair_entry {
	uint64_t bits;
	uint32_t element, stamp, witness;
} repair_entry;

typedef struct element_list {
	int64_t *at;
	uint64_t n;
	size_t capacity;        /* bytes */
} element_list;

/* A batch of operands in the making. */
typedef struct relaxation {
	const own_read *own;
	uint32_t n;
	int64_t outer[TILE], inner[TILE];
	uint32_t entry[TILE];
	_Alignas(64) uint64_t read[TILE];
	_Alignas(64) uint64_t weight[TILE];
	_Alignas(64) uint64_t value[TILE];
} relaxation;

typedef struct fix_keep {
	bool possible;          /* repairs are */
	bool relaxes;           /* an element's readers take it as an operand of a reduction that gives their value */
	const own_read *simple; /* the only such way, of operands that are computed by one operation; NULL: another */
	bool valid;             /* stamps are those of the page's values */
	own_read *own;
	uint32_t n_own;
	value_order order;
	uint32_t *stamps;
	uint64_t room;          /* of stamps and flags, in elements: of a sparse page these are slots, of which there come more */
	uint32_t clock;
	uint32_t *witness;      /* with `simple`: the entry of an operand that holds the element up; WITNESS_BODY; NONE: not known */
	uint8_t *flags;         /* by element; all 0 between repairs */
	uint64_t whole_work;    /* of the last whole evaluation */
	uint64_t commit;        /* in which something was last written */
	bool whole;             /* ... by evaluating whole */
	repair_entry *log;      /* of that commit */
	uint64_t n_log;
	size_t log_capacity;
	queue queue;
	bitset routed;          /* readers, as routes find them; empty but for a moment. Of 0 bits where nothing is routed */
	element_list dirty, resets, batch, better; /* better: entries whose operands are better than what their readers have */
	void *chunks;           /* sweep.c: elements that wait */
	size_t chunks_capacity;
	relaxation relaxation;
} fix_keep;

/* What is kept of pass f->id, made when it first runs. */
int keep_of(fix *, fix_keep **out);
void keep_free(fix_keep *);

/* ---- support.c --------------------------------------------------------------------------------- */

/* While elements are checked, a value of the page counts for an element if it is better than the element's, or equal and earlier. */
struct support {
	const fix_keep *keep;
	const page *to;
	const uint8_t *start;   /* where elements start */
	size_t start_stride;
};

/* Of what a read of the own page gave: values that do not count give way to where their elements start. */
void support_lanes(worker *, const run *, const step *, lanes *out);

/* ---- a repair at work -------------------------------------------------------------------------- */

enum {
	QUEUED = 1, /* is a candidate, or listed for evaluation */
	RESET = 2,
	DIRTY = 4,  /* to be evaluated after the resets */
	LOGGED = 8
};

/* Elements taken from the queue together. */
enum { TAKEN_TOGETHER = 64 };

/* For so many elements repairs have room from the beginning on. */
enum { REPAIR_ROOM = 1024 };

/* In the units of its work: an element that gets a value, with its place in the log, its marks, and its turn in the queue. */
enum { WRITE_WORK = 6 };

enum { REPAIR_GIVE_UP = -1 };

typedef struct repair {
	fix *f;
	fix_keep *k;
	const kernel_plan *p;
	worker *w;
	page *to;
	uint8_t *x;
	struct support support;
	bool start_moves;       /* elements start from a page */
	bool ready;             /* the kernel can be run: repair_ready */
	column entries;         /* k->simple: values of entries */
	bool whole;             /* all is evaluated from the start on: nothing is logged, nothing marked */
	bitset *marks;
	uint64_t most_work;
	int status;
} repair;

static inline uint64_t bits_of(const repair *q, uint64_t v) { return value_bits(&q->k->order, q->x + (v << q->k->order.width)); }
static inline uint64_t key_at(const repair *q, const void *value) { return value_key(&q->k->order, value_bits(&q->k->order, value)); }
static inline uint64_t key_of(const repair *q, uint64_t v) { return value_key(&q->k->order, bits_of(q, v)); }

/* These return false after an error, which is q->status then. */
/* k->simple: where the values of entries lie; true at all of them (a stride of 0) where a pattern is all that there is. */
column repair_entries(const fix *, const fix_keep *);

void repair_begin(repair *, fix *, fix_keep *);
bool repair_ready(repair *); /* before the kernel is run; a small change needs none of that */
bool repair_no_memory(repair *);
bool repair_list(repair *, element_list *, uint64_t v);
bool repair_keep_old(repair *, uint64_t v); /* logs how the element was */
bool repair_write(repair *, uint64_t v, const void *value, uint32_t stamp, uint32_t witness);
bool repair_within_limits(repair *);
bool repair_is_start(const repair *, uint64_t v, const void *value);
void repair_tidy(repair *);

/* ---- relax.c ----------------------------------------------------------------------------------- */

/* What is done with an operand for a reader; entry: NONE where it has none. */
typedef bool operand_fn(repair *q, uint64_t reader, uint32_t entry, const void *value);

/* Operands of one read for those readers of an element to whom they may matter: who are worse, and (when it is about to be
 * reset) have not been reset and came later. They are given to `use` in batches. */
bool relax_put(repair *, const own_read *, uint64_t element, bool resetting, operand_fn *use);
bool relax_run(repair *, operand_fn *use); /* the batch in the making */
bool relax_matters(const repair *, uint64_t mine, uint32_t stamp, uint64_t reader, bool resetting);

/* One operand of k->simple more in the batch, by its entry; and a batch of entries that have changed: with the conditions on them. */
bool relax_put_entry(repair *, uint32_t entry, operand_fn *use);
bool relax_run_checked(repair *, operand_fn *use);
void relax_fetch_entry(const repair *, uint32_t entry); /* a hint that it is about to be put */

/* k->simple: the element is held up by the operand of its witness. */
bool relax_witnessed(repair *, uint64_t v);

/* k->simple: the best of all operands of an element, to its best value otherwise: `value` (in and out). *entry becomes that of the operand,
 * NONE where there are no operands and that is better, and else stays. counted: those alone that count as support. */
void relax_pull(repair *, uint64_t v, bool counted, void *value, uint32_t *entry);

/* ---- drain.c ----------------------------------------------------------------------------------- */

typedef bool visit_fn(repair *q, uint64_t reader, uint64_t element);

/* For all who may read an element. */
bool visit_readers(repair *, uint64_t element, visit_fn *);

/* Evaluates the elements of a list, empties it and takes their flags away. */
bool drain_list(repair *, element_list *, uint8_t flags);

/* Takes a value if it is better than the element's. */
bool drain_improve(repair *, uint64_t v, uint32_t entry, const void *value);

/* Until nothing changes. */
bool drain(repair *);

/* All from the start on, into the page in place; for pages that relax. */
int drain_whole(fix *, fix_keep *);

/* ---- sweep.c, hand.c ----------------------------------------------------------------------------- */

/* k->simple: conditions on entries hold, and nothing else in its reduction can fail. */
bool sweep_holds(const fix *, const fix_keep *);

/* Everything, from where a round has left the page that left the reduction out (or one that did not). */
int sweep_run(fix *, fix_keep *);

/* One element's value, for n readers by entries. */
typedef struct hand_run {
	uint64_t from;
	const uint32_t *reader, *entry;
	const uint8_t *weights; /* by entry */
	uint32_t n;
} hand_run;

/* Those of the run that have got a better value: it stands in the page. */
typedef struct hand_out {
	uint16_t which[TILE];
	double value[TILE];
} hand_out;

typedef uint32_t hand_fn(const hand_run *, uint8_t *values, hand_out *);

/* Operands op(from, weight) of a type, the greatest or the least being best. Or hand_computed: the operand is what stands as weight. */
hand_fn *hand_of(unsigned op, unsigned type, bool most);
hand_fn *hand_computed(unsigned type, bool most);

/* ---- repair.c ---------------------------------------------------------------------------------- */

/* Repairs the page in place, as fixpoint_repair does. REPAIR_GIVE_UP: it would take too much work; the log says how elements were. */
int repair_run(fix *, fix_keep *, const bitset *heads, uint64_t *changed);

/* Entries that came or went are marked, whatever their values. */
void repair_mark_entries(const fix *);

/* Puts back values and stamps from the log, and takes back the marks. */
void repair_undo(const fix *, fix_keep *);

#endif
