/* exec.h - what the parts of the portable executor share. Internal.
 *
 *   plan*.c     a kernel made ready to run once sizes are bound: code in the order of running, places for registers
 *   run.c       the code of a region over the lanes of a batch
 *   read.c      reads of pages: aliases, strides, gathers, views
 *   over.c      reductions with a lane for each outer element, over the positions in turn
 *   fold.c      runs of positions of a reduction by a function of native code; across.c: of elements side by side; blocks.[ch]: reductions of some rows side by side
 *   expand.c    reductions with a lane for each position, of one outer element or of several side by side
 *   prefix.c    prefix reductions along the lanes
 *   bounds.[ch] conditions that bound the positions of an element
 *   ranges.[ch] operands that elements share, each with bounds of its own, where nothing is held of them
 *   reduce.[ch] the order of reductions
 *   wave.[ch]   several ticks in one walk over rows
 *   fault.c     what failed, where, and which of several failures is told
 *   tiles.c     elements of region 0 in tiles, on one thread or on all; spans.c, span_*.c: by functions of native code; marks.c: what changed
 *   dirty.c     which elements are to be evaluated; route*.c: how what changed reaches them
 *   portable.c  passes, and the executor itself
 *   fixpoint.c  rounds; what repairs keep of them is in repair.h
 *   pour.[ch]   grouped reductions of whole evaluations, by position
 *   rows.[ch]   reductions over rows and columns by functions of native code
 *   store*.[ch] partial results of reductions, kept from epoch to epoch
 *
 * A *batch* is a run of a region's code over up to TILE lanes. A lane is one setting of the variables of the region and of those
 * around it. Within a region registers and variables have numbers of their own ("locals"). */
#ifndef MMSB_EXEC_H
#define MMSB_EXEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guard.h"
#include "instance.h"
#include "kernels.h"
#include "native.h"
#include "reduce.h"
#include "thresholds.h"

/* ---- values of lanes --------------------------------------------------------------------------- */

/* A register over the lanes of a batch. Uniform: lane 0 holds the value of all lanes, and the first `filled` lanes have been
 * filled with it. `at` may be a place in a page, but only where it is not uniform. */
typedef struct lanes {
	void *at;
	uint32_t filled;
	bool uniform;
} lanes;

/* A variable over the lanes of a batch: the same for all, counting up from lane to lane, or listed. */
typedef enum var_form { VAR_UNIFORM, VAR_IOTA, VAR_I64, VAR_U32 } var_form;
typedef struct var_lanes {
	var_form form;
	int64_t start;  /* UNIFORM, IOTA */
	const void *at; /* I64, U32 */
} var_lanes;

/* ---- plans: shared by all threads, fixed between bindings --------------------------------------- */

typedef struct region_plan region_plan;

/* coef times a local variable */
typedef struct var_term {
	uint32_t var;
	int64_t coef;
} var_term;

typedef struct dim_plan {
	int64_t extent, stride; /* in elements */
	int64_t constant;
	const var_term *terms;
	uint32_t n_terms;
	uint32_t reg;           /* local register that is the index, or NONE */
	uint8_t reg_type;
} dim_plan;

typedef struct read_plan {
	const sch_read *def;
	page *from;
	uint8_t type;
	uint32_t n_dims;
	const dim_plan *dims;
	int64_t constant;       /* position of an element without a view: constant + terms + registers by their strides */
	const var_term *terms;
	uint32_t n_terms, n_regs;
	uint32_t pad;           /* local register, or NONE */
	bool empty;             /* the page has no elements */
	bool own;               /* of the pass's own page, in this epoch: a fixpoint's */
} read_plan;

/* Steps that a function of native code runs as one. */
typedef struct fused_operand {
	uint32_t local;
	uint8_t width;
	bool known;             /* before the run: the function takes one value */
} fused_operand;

typedef struct fused {
	native_fn *fn;
	uint32_t n_steps, n_in, n_out;
	const fused_operand *in;
	const struct step **out; /* the steps whose results something else reads */
} fused;

typedef struct step {
	uint8_t code, op, type, type2, arity, dst_type;
	bool can_fail;
	bool bound;             /* a part of the condition that says no more than the region's bounds */
	uint32_t dst, args[3], mask; /* local registers */
	uint32_t count;         /* REDUCE: local register for the number present, or NONE */
	kernel_fn *fn;
	size_t place;           /* where dst goes: offset in the worker's arena */
	size_t count_place;
	const sch_instr *def;
	const read_plan *read;  /* READ; GUARD: the read at fault, or NULL */
	region_plan *child;     /* REDUCE */
	int64_t size;           /* TO_INDEX */
	const struct fused *fused; /* this step and those after it are run by it; or NULL */
} step;

typedef struct import {
	uint32_t reg;           /* of the kernel (or variable) */
	uint32_t from, to;      /* local in the region around, local here */
	uint8_t width;
	size_t place;
} import;

/* A register whose value is known before the pass runs. */
typedef struct known {
	uint32_t local;
	uint8_t type;
	scalar value;
	size_t place;
} known;

/* Lanes of 8 bytes that a region has for itself. */
enum { PLACE_VAR, PLACE_ENTRY, PLACE_PACKED, PLACE_SCRATCH, PLACE_POSITIONS, PLACE_SPARE, PLACE_COUNT };

struct region_plan {
	const sch_region *def;
	uint32_t id;
	region_plan *parent;
	step *steps;
	uint32_t n_steps, n_before; /* steps up to n_before are what `where` needs */
	uint32_t n_locals, n_vars;
	import *imports, *var_imports;
	uint32_t n_imports, n_var_imports;
	known *knowns;
	uint32_t n_knowns;
	uint32_t var;           /* local of its own variable (region 0: the first), or NONE when nobody asks */
	uint32_t entry;         /* local of the entry id of ROW, COL, ENTRIES */
	uint32_t flat;          /* region 0: local of the position in the page */
	uint32_t at;            /* local in the parent: register (ROW, COL, GROUP) or variable (PREFIX) */
	uint32_t where, value;  /* locals */
	page *driver;
	int64_t lo, extent;     /* RANGE; PREFIX: the most */
	int64_t keys;           /* GROUP: of the key page */
	struct ranges *ranges;  /* operands that elements share: ranges.h; or NULL */
	bool bounded_only;      /* RANGE, GROUP: bounds are all that the condition is */
	struct bound *bounds;   /* RANGE: what a condition says of positions: bounds.h */
	uint32_t n_bounds;
	int64_t usual;          /* RANGE: so many positions an element has within them */
	bool order_free;        /* the reduction has the same bits in any order */
	bool stored;            /* partial results may be kept: store.h */
	uint8_t type, width;    /* of the value */
	uint8_t out_width;      /* of what REDUCE gives */
	size_t places[PLACE_COUNT];
	red_kind kind;          /* of the reduction */
	/* arena: what struct run points to */
	size_t regs_place, vars_place, outer_place, live_place, red_place, list_place, key_place, segments_place;
	size_t stack;           /* arena: tiles of the counter of over.c */
	uint32_t n_stack;
	double weight;          /* about how many element operations a lane of this region takes */
	struct store *store;    /* what is kept, where `stored` */
	struct pour *pour;      /* grouped reductions by position: pour.h; or NULL */
	const struct fold *fold; /* a function of native code that evaluates runs of positions: fold.c; or NULL */
	const struct across *across; /* ... that evaluates elements side by side: across.c; or NULL */
	const struct block_plan *block; /* ... that evaluates some rows side by side: blocks.h; or NULL */
	struct row_plan *rows;  /* rows and columns by functions of native code: rows.h; or NULL */
	int over_cost, expand_cost; /* reads that stride when lanes are outer elements; when lanes are positions */
};

/* How what changed reaches a kernel: route.h. */
typedef struct routes {
	struct route *reads;    /* by read */
	struct route *regions;  /* by region that goes by a page: from a key, row or column (its `at`) outwards */
} routes;

typedef struct known_ahead {
	bool known;             /* in the epoch at hand, until it is taken */
	scalar value;
	uint64_t n;             /* operands */
} known_ahead;

typedef struct kernel_plan {
	const sch_kernel *def;
	const sch_pass *pass;   /* NULL for a constant */
	region_plan *regions;
	read_plan *reads;
	uint32_t n_regions, n_reads;
	uint32_t root_vars[MAX_DIMS]; /* locals of the domain's variables in region 0 */
	uint32_t *outputs;      /* locals of the results, by output */
	size_t arena;           /* bytes a worker needs */
	size_t runs_place;
	bool by_rows;           /* tiles of region 0 keep to rows */
	bool serial;            /* has a prefix along the last variable: a row is one task */
	bool nested;            /* has reductions */
	bool heavy;             /* ... over more than a few positions of a range */
	bool small;             /* few elements, one region: */
	uint8_t *own_arena;     /* ... prepared once, for the committing thread */
	struct output_now *own_outputs;
	struct tape *tape;      /* ... or NULL: tape.c */
	struct span_plan *span, *spans; /* spans.h: a function that computes the pass, and one that computes those after it, too; or NULL */
	struct known_ahead *ahead;    /* of its one reduction, evaluated with what it reads: span_fold.c; or NULL */
	bool done;              /* ... by the function of one before it, in the epoch at hand */
	uint64_t done_changed;
	routes routes;
	struct route_site **sites; /* route_site.h */
	uint32_t n_sites;
	struct dirty_sets *dirty; /* dirty.h; of passes */
	bool deferred;          /* lazy.c */
	bool on_device;         /* a device evaluates it where it can: device.c */
	bool kept;              /* partial results of its reductions may be kept */
	bool far;               /* it reads a page that stays on the device */
	uint32_t by_entry, by_region; /* exact fixpoints: a read of entries, and the region that goes by them, whose changes repairs follow one by one
	                                 (repair.h); or NONE */
	struct plan_memory *memory;
} kernel_plan;

/* The plan of a kernel; pass may be NULL. NULL: no memory. */
kernel_plan *plan_new(mmsb_instance *, const kernel_table *, uint32_t kernel, const sch_pass *pass);
void plan_free(kernel_plan *);

/* ---- runs -------------------------------------------------------------------------------------- */

/* How lanes belong to lanes of the region around: the same ones, all to one, as `outer` lists, or (prefix.c) counting up. */
typedef enum outer_form { OUTER_SAME, OUTER_ONE, OUTER_MAP, OUTER_SCAN } outer_form;

/* A piece of an outer element's positions within a batch of expand.c. */
typedef struct segment {
	int64_t offset;         /* of its first position among the element's */
	uint16_t lane, first, n;
	bool ends;              /* the element's last */
} segment;

/* A batch in the making or at work; a worker has one for each region. */
typedef struct run {
	const region_plan *plan;
	struct run *parent;     /* perhaps another worker's */
	lanes *regs;
	var_lanes *vars;
	uint32_t n;
	outer_form form;
	uint32_t outer_lane;    /* ONE */
	int64_t scan_first;     /* SCAN: of lane 0 */
	uint16_t *outer;        /* MAP */
	segment *segments;
	const uint8_t *live;    /* lanes that count, or NULL: all */
	uint8_t *live_mask;     /* TILE bytes of its own */
	reduction *red;         /* with its list, when the plan needs one */
	/* prefix.c: how many positions have been scanned, for which values of the other variables */
	int64_t scanned;
	bool scan_valid;
	int64_t *scan_key;
	/* run.c: what the reduction gives, and of how many, where that is the same for all elements; good for one job or batch */
	bool same_known;
	uint64_t same, same_count;
} run;

/* What failed: see fault.c. */
enum { FAULT_VARS = 24 };
typedef struct fault {
	bool any;
	uint64_t position;      /* row-major, in the pass's page */
	uint32_t instr;
	uint32_t n_vars;
	int64_t vars[FAULT_VARS]; /* of the regions around, outermost first */
	mmsb_error error;
} fault;

/* What a read sees in this pass; the pages' memory moves from epoch to epoch. */
typedef struct read_now {
	const uint8_t *base;
	size_t stride;
	const pattern *pat;     /* LOOKUP */
} read_now;

/* How dirty elements are run: words of which all are dirty; words of which some are; listed. */
enum { MODE_DENSE, MODE_MASKED, MODE_SINGLE, MODES };

typedef struct worker {
	struct executor *ex;
	const kernel_table *k;
	uint8_t *arena;
	size_t arena_size;
	run *runs;              /* by region of the plan at hand */
	bool in_team;
	int64_t *index, *index2; /* TILE each, for reads and positions */
	int64_t *list;          /* TILE: listed elements of region 0 */
	void *values;           /* TILE of 8 bytes: their results */
	uint8_t *outside;
	uint8_t *rows, *blocks; /* rows.c, blocks.c: room of their own; or NULL */
	uint32_t block_row;     /* blocks.h; or NONE */
	uint64_t changed, evaluated; /* elements */
	uint64_t operands;      /* of reductions, so far */
	uint64_t work;          /* lanes run so far, and something for each batch */
	uint64_t modes[MODES];  /* runs of each mode */
	fault fault;
	bool no_memory;
} worker;

/* Values of a block of a reduction that threads share. */
typedef struct partial {
	tree_node node;
	uint32_t position;
} partial;

/* Buffers of fixpoints: the next round; the values before the epoch; elements to evaluate, their values, and marks (frontier.c). */
enum { ROUND_NEXT, ROUND_WAS, ROUND_LIST, ROUND_VALUES, ROUND_MARKS, ROUND_BUFFERS };

/* The constants of a fixpoint, evaluated when it first runs. */
typedef struct fix_constants {
	bool known;
	scalar most, tol;
	scalar *start;          /* of each field */
} fix_constants;

/* Of a numeric fixpoint: what is to be evaluated in the next round; sets of a round and of an epoch at work. */
typedef struct carry {
	bool all;
	bitset dirty;
	bitset moved;           /* in this epoch */
	change_set changed;     /* in this round */
} carry;

struct executor {
	mmsb_instance *inst;
	const kernel_table *k;
	kernel_plan **passes;          /* by pass */
	worker *workers;
	uint32_t n_workers;
	partial *partials;
	/* the pass at hand */
	const kernel_plan *plan;
	read_now *reads;        /* by kernel-relative read */
	pattern **patterns;     /* by region */
	const group_index **groups;
	const uint8_t *self;    /* fixpoints: where reads of the own page look; NULL: its place */
	const struct support *support; /* fixpoints: which values of the own page count (support.c); NULL: all */
	const region_plan *bare; /* fixpoints: a reduction that is left out; NULL: none */
	bool again;             /* fixpoints: not the first round of the epoch: stores have followed what came, went and moved in it */
	uint64_t *fault_at;     /* the lowest position of a fault so far, shared by the team */
	uint64_t list_fault_at;
	char force;             /* MMSB_REGIONS: A, B or C whatever the sizes (P: pour.c); 0: chosen */
	double give_up;         /* MMSB_REPAIR (in percent): how much of the work of a whole evaluation a repair may take */
	double grain;           /* MMSB_GRAIN: element operations worth a task of their own */
	uint32_t max_reads, max_regions, max_vars;
	void *route_vars;              /* route_run.c: an interval for each variable */
	/* fixpoints */
	fix_constants *constants; /* by pass */
	carry *carries;         /* by pass */
	struct wave *wave;      /* several ticks at once: wave.h; or NULL */
	struct kept_rounds **kept; /* by pass: the rounds of bounded ones (bounded.h); NULL until one runs */
	struct fix_keep **keeps;  /* by pass: what repairs keep of exact ones; NULL until one runs */
	uint8_t *rounds[ROUND_BUFFERS];
	size_t rounds_size[ROUND_BUFFERS];
};

enum { SMALL_COUNT = 64 /* elements */, SMALL_OUTPUTS = 16 };

enum { MAX_PARTIALS = 2048 };

/* ---- run.c ------------------------------------------------------------------------------------- */

/* Makes a worker's runs ready for a plan. */
void worker_prepare(worker *, const kernel_plan *);

/* Fills the lanes of a uniform register, so that a kernel may read n of them. */
void lanes_fill(worker *, lanes *, unsigned width, uint32_t n);

/* Brings what the region reads of the regions around to its lanes, as r->form says. */
void run_import(worker *, run *r);

/* Runs the code over r->n lanes; false when no lane is present (its value was not computed then). */
bool run_code(worker *, run *r);
void run_step(worker *, run *r, const step *);

/* The lane of the region around that a lane belongs to. */
uint32_t run_outer_lane(const run *, uint32_t lane);

/* Values of variables and registers in one lane. */
int64_t var_lane(const var_lanes *, uint32_t lane);
scalar reg_lane(const lanes *, unsigned width, uint32_t lane);

/* ---- read.c ------------------------------------------------------------------------------------ */

void read_lanes(worker *, run *, const step *, lanes *out);

/* Brings an index into its dimension as a view (read_view) says; -1: it is outside, of a view that answers there. */
int64_t view_position(unsigned view, int64_t i, int64_t extent);

/* The position of a read in one lane, for messages: indices along its dimensions (of an entry: row and column). */
void read_position(const worker *, const run *, const read_plan *, uint32_t lane, int64_t index[MAX_DIMS]);

/* ---- reductions: put the values of region s->child, for the lanes of r, into s->dst -------------- */

void reduce_over(worker *, run *r, const step *s);
void reduce_expand(worker *, run *r, const step *s, uint32_t first, uint32_t n); /* lanes first .. first + n - 1 */
bool reduce_prefix(worker *, run *r, const step *s); /* false: not of the form that it knows */

/* expand.c: pushes positions first .. end-1 of the RANGE of one outer element into c->red, where c is a run of any worker's. */
void expand_range(worker *, run *c, uint32_t lane, int64_t first, int64_t end);

/* expand.c: gives the present operands of one outer element of r, in ascending order. Positions are those of reduction_push. */
typedef void operands_fn(void *context, const void *values, const int64_t *positions, size_t n);
void expand_operands(worker *, run *r, const step *s, uint32_t lane, operands_fn *, void *context);

/* fold.c: the fold of a region, once its steps are known (plan_native.c); NULL: it has none. */
struct planner;
const struct fold *fold_plan(struct planner *, const region_plan *, uint32_t pass);

/* Whether it can be used as memory is now. */
bool fold_ready(const worker *, const region_plan *);

/* Pushes positions first .. end-1 into c->red, once what c takes from the region around is there (OUTER_ONE). */
void fold_push(worker *, run *c, int64_t first, int64_t end);

/* across.c: the function for elements side by side, likewise; c has what it takes from the region around, nodes is room for the counter's tiles. False: it cannot be used
 * as memory is now. */
const struct across *across_plan(struct planner *, const region_plan *, uint32_t pass);
bool across_run(worker *, run *c, void *values, void *nodes, int64_t positions);

/* split.c: positions first .. end-1 of a RANGE, a block; the value of all blocks of 2^bits, and in red->n of how many operands (false: of none). */
void split_block(worker *, run *c, uint32_t lane, int64_t first, int64_t end, partial *out);
bool split_join(reduction *, const partial *blocks, int64_t extent, unsigned bits, scalar *value);

/* One outer element's RANGE by all threads, or what is known of it ahead; false: not worth it. */
bool reduce_split(worker *, run *r, const step *s, uint32_t lane);

/* The value for an outer element that has none present. */
void give_identity(worker *, run *r, const step *s, uint32_t lane);
void give_value(worker *, run *r, const step *s, uint32_t lane, scalar value, uint64_t count);

/* ---- fault.c ----------------------------------------------------------------------------------- */

/* Looks at the lanes of r whose bad[] is set: those that count fail. */
void fault_lanes(worker *, run *, const step *, const uint8_t *bad);

/* Is a a failure to be told rather than b? */
bool fault_before(const fault *a, const fault *b);

/* ---- device.c: passes that a device evaluates (device.h) ---------------------------------------- */

/* Whether it is one of them: on_device. Of a bound instance, once its plan is made. */
void device_place(struct executor *, kernel_plan *, uint32_t pass);

/* Which pages stay on the device: once all plans are made, and anew when a page begins to be watched. */
void device_plan(mmsb_instance *);

/* An epoch has failed: what it wrote on the device is put back, or is lost. */
void device_forget(mmsb_instance *);

/* Before the CPU evaluates a pass, all of it or some elements: brings what that reads of the device. */
int device_home(struct executor *, const kernel_plan *, bool whole, mmsb_error *err);

/* False: the CPU is to evaluate it. Else *status says how it went. */
bool device_map(struct executor *, uint32_t pass, uint64_t epoch, bool whole, uint64_t *changed, int *status, mmsb_error *err);

/* ---- portable.c -------------------------------------------------------------------------------- */

/* What workers have run of operands of reductions since this was called last are those of this pass. */
void executor_count_operands(struct executor *, uint32_t pass);

/* Makes ready what the reads and regions of a plan look at. */
int pass_look_up(struct executor *, const kernel_plan *, mmsb_error *err);

/* ---- marks.c ----------------------------------------------------------------------------------- */

/* Sets bits of a word of a set; several threads may be at it (`shared`). */
void marks_add_word(bitset *, uint64_t word, uint64_t bits, bool shared);

/* Marks n elements from `flat` on where the mask says so; other threads may be at it, too (`shared`). */
void marks_add(bitset *, uint64_t flat, const uint64_t *mask, uint32_t n, bool shared);

/* ---- tiles.c ----------------------------------------------------------------------------------- */

/* Where the results of region 0 go. */
typedef struct pass_target {
	uint8_t *at;
	const uint8_t *was;     /* or NULL */
	change_set *marks;      /* of the page's columns: what differs from `was` is marked; or NULL */
	uint32_t *stamps;       /* by element: *clock where it differs (of pages of one output); or NULL */
	uint32_t *clock;
	bool ticks;             /* the clock moves on after every tile; else it stands still */
} pass_target;

/* Where a result of region 0 goes. */
typedef struct output_now {
	uint32_t local, column;
	uint8_t type;
	uint8_t *at;
	const uint8_t *was;
	size_t stride;
	bitset *marks;           /* of what changed, or NULL */
} output_now;

/* The place of an output of a plan. */
output_now pass_output(const mmsb_instance *, const kernel_plan *, const pass_target *, uint32_t output);

/* Evaluates the plan over its whole domain; *changed gets how many elements differ from `was`. */
int pass_run(struct executor *, const kernel_plan *, const pass_target *, uint64_t *changed, mmsb_error *err);

/* The same once pass_look_up has been called; operands that elements share are evaluated once. portable.c. */
int pass_run_whole(struct executor *, const kernel_plan *, const pass_target *, uint64_t *changed, mmsb_error *err);

/* tape.c: the tape of a small plan of one element, once it is ready to run; NULL: it has none, or no memory for it. tape_run: has the
 * element changed? */
struct tape *tape_new(const mmsb_instance *, const kernel_plan *);
bool tape_run(const struct executor *, const struct tape *);

/* Where the results of a small plan go; false: no memory. */
bool small_outputs(struct executor *, kernel_plan *);

/* The same of a small plan, in place, on the committing thread with its floating-point environment. */
int pass_run_small(struct executor *, const kernel_plan *, uint64_t *changed, mmsb_error *err);

/* Evaluates the elements of a set, in place (target->was is target->at), once pass_look_up has been called. */
int pass_run_dirty(struct executor *, const kernel_plan *, const pass_target *, const bitset *dirty, uint64_t *changed, mmsb_error *err);
void pass_note_stats(struct executor *, uint32_t pass); /* how many it evaluated, and in which modes */

/* Begins and ends what may fault: the worst failure of all workers is told. */
void job_begin(struct executor *, uint64_t *fault_at);
int job_end(struct executor *, uint64_t *changed, mmsb_error *err);

/* Evaluates single elements on the calling thread: after pass_begin, any number of batches. pass_batch runs up to TILE elements at any
 * positions and returns their values (of the one output), good until the next batch; faults gather in workers[0]. */
int pass_begin(struct executor *, const kernel_plan *, mmsb_error *err);
const void *pass_batch(struct executor *, const kernel_plan *, const int64_t *positions, uint32_t n);

/* Variables of region 0 for the elements at r->n listed positions (of a sparse page: slots). */
void pass_positions(worker *, const kernel_plan *, const page *to, run *r, const int64_t *positions);

/* Evaluates n elements of the plan's page (of one output) at ascending positions; their values go to `values`, side by side. */
int pass_run_list(struct executor *, const kernel_plan *, const int64_t *positions, uint64_t n, uint8_t *values, mmsb_error *err);

/* ---- fixpoint.c, frontier.c -------------------------------------------------------------------- */

/* A fixpoint at work. */
typedef struct fix {
	struct executor *ex;
	mmsb_instance *inst;
	const sch_pass *pass;
	uint32_t id;
	page *to;
	size_t bytes;
	uint8_t *now, *next;    /* the round before, and where the next one goes */
	const uint8_t *was;
	const fix_constants *constants;
	mmsb_error *err;
	struct fix_keep *keep;  /* repair.h: exact ones whose changes can be repaired; else NULL */
} fix;

/* was: the values of the epoch before, in the same layout (perhaps the page's own place); NULL: there are none. */
int fixpoint_run(struct executor *, uint32_t pass, uint64_t epoch, const uint8_t *was, uint64_t *changed, mmsb_error *err);

/* Brings an exact fixpoint's page, which holds the values of the epoch before, to those of this one, in place. heads: the elements of
 * whose inputs some have changed (besides the page itself), or NULL: not known, all is evaluated. What differs in the end is marked
 * in page.now, and counted in *changed. A failure leaves page and marks as they were. */
int fixpoint_repair(struct executor *, uint32_t pass, const bitset *heads, uint64_t *changed, mmsb_error *err);

/* The epoch at hand has failed, and pages are put back. */
void fixpoints_roll_back(struct executor *);

/* f->now gets the values that rounds begin with; the failure of a bounded fixpoint that did not settle. */
void fix_start_rounds(fix *);
int fix_unsettled(fix *);

uint64_t page_elements(const page *);

/* One of the executor's buffers, of at least `bytes`, zero where it has grown. */
int fix_buffer(fix *, unsigned which, size_t bytes, void *out_address);

/* numeric.c: a numeric fixpoint whose rounds evaluate only what is dirty. carry_new: -1: no memory. */
int carry_new(carry *, uint64_t elements);
void carry_free(carry *);
bool numeric_possible(const fix *);
int numeric_run(fix *, carry *, uint64_t epoch, uint64_t *changed);

/* Whether the elements that a change concerns can be found. */
bool frontier_possible(const fix *);

/* After a round from f->next to f->now that changed something: evaluates what it concerns until nothing changes. */
int frontier_rounds(fix *);

#endif
