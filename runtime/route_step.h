/* route_step.h - what routes are made of: made by route.c and route_node.c, walked by route_run.c and route_solve.c. Internal.
 *
 * Values are numbered by slot: the coordinates of what changed come first, others are found on the way. Variables hold an interval
 * each, at first their whole range; steps narrow them. */
#ifndef MMSB_ROUTE_STEP_H
#define MMSB_ROUTE_STEP_H

#include "bitset.h"
#include "plan.h"
#include "route.h"

enum { ROUTE_SLOTS = 64, ROUTE_MOST_STEPS = 64 };

/* ---- values computed from variables ------------------------------------------------------------ */

typedef struct route_term {
	uint32_t var;
	int64_t coef;
} route_term;

typedef enum route_node_op {
	NODE_FREE,     /* some value of lo..hi: it is not known how it comes about */
	NODE_SUM,      /* constant + terms */
	NODE_INDEX,    /* read from the index page of its step */
	NODE_ADD,      /* a + b */
	NODE_SCALE,    /* a * constant */
	NODE_DIV,      /* a / constant, which is > 0, as integers divide */
	NODE_MOD,      /* a % constant, likewise */
	NODE_SHIFT,    /* a >> constant */
	NODE_XOR,      /* a ^ constant */
	NODE_MIN,      /* of a and constant */
	NODE_MAX,
	NODE_ABS,
	NODE_CHOICE    /* a or b */
} route_node_op;

/* No value is beyond, so that sums of two need no care. */
#define ROUTE_FAR ((int64_t)1 << 60)

typedef struct route_node {
	uint8_t op;             /* route_node_op */
	uint32_t n_terms;
	int64_t constant;
	int64_t lo, hi;         /* its values, whatever those of the variables */
	const route_term *terms; /* SUM: by size of the coefficient, the largest first */
	const struct route_node *a, *b;
} route_node;

/* The index page that a node reads, at most one of an expression: the read. */
typedef struct route_source {
	bool allowed;
	const sch_read *read;   /* NULL: none */
} route_source;

/* The value of a register; of an affine index; of a variable; sign * (a - b), of registers. NULL: it may be anything. */
const route_node *route_node_of(planner *, uint32_t reg, route_source *);
const route_node *route_node_difference(planner *, uint32_t a, uint32_t b, int sign);
const route_node *route_node_of_index(planner *, const sch_index *);
const route_node *route_node_of_var(planner *, uint32_t var);

/* The values of a variable of the kernel. */
void route_range_of_var(const planner *, uint32_t var, int64_t *lo, int64_t *hi);

/* A read that gives values of type index(D) as they stand in its page. */
bool route_reads_index(const planner *, const sch_read *);

/* A part of a condition that rests on variables alone: lo <= node <= hi. */
typedef struct route_condition {
	const route_node *node;
	int64_t lo, hi;
	uint32_t reg;           /* that tells */
} route_condition;

/* bounds.c: those parts of the condition that are joined by `and`; returns how many, at most `room`. */
uint32_t route_conditions(planner *, uint32_t where, route_condition *out, uint32_t room);

/* ---- steps ------------------------------------------------------------------------------------- */

typedef enum route_op {
	ROUTE_SOLVE,   /* what `node` comes to, under the view, is the value of `slot`: narrows variables. Of an index page that it reads the
	                  coordinates go to first_slot.., and the `skip` steps after it make use of them */
	ROUTE_WITHIN,  /* `node` is in lo..hi */
	ROUTE_INDEX,   /* for each position of `page` (an index page) whose value is that of `slot`: its coordinates to first_slot.. */
	ROUTE_ROWS,    /* for each row that has an entry in column `var`: the row to first_slot */
	ROUTE_COLUMNS, /* for each column that has an entry in row `var`: to first_slot */
	ROUTE_KEY,     /* the key of position `var` of `page` to first_slot */
	ROUTE_AFTER,   /* a prefix: `at` (a variable) from `var` on */
	ROUTE_SITE     /* for each site (route_site.h) that comes to the value of `slot`: its variables */
} route_op;

struct route_step {
	uint8_t op;             /* route_op */
	uint8_t view;           /* SOLVE: read_view */
	bool strict;            /* AFTER */
	bool prev;              /* the values or the pattern of the epoch before */
	uint32_t slot, first_slot;
	uint32_t var, at;
	uint32_t skip;          /* SOLVE, ROWS, COLUMNS, KEY: how many steps after it make use of what it finds */
	int64_t extent;
	int64_t lo, hi;         /* WITHIN */
	const route_node *node;
	const struct route_site *site;
	page *page;
	uint32_t field;
};

/* ---- walks ------------------------------------------------------------------------------------- */

/* A variable's values: lo <= v < hi. */
typedef struct interval {
	int64_t lo, hi;
} interval;

typedef struct walk {
	struct executor *ex;
	const kernel_plan *p;
	const route *r;
	route_sink *sink;
	interval *vars;
	int64_t values[ROUTE_SLOTS];
} walk;

static inline bool interval_single(interval v) { return v.hi - v.lo == 1; }

/* Marks the positions in a box of n dimensions, row-major, the base-th of such boxes. */
void route_mark_box(bitset *, const int64_t *dims, const interval *, uint32_t n, uint64_t base);

/* Goes on with step i; the variables are as before when it returns. */
void route_step_on(walk *, uint32_t i);

/* SOLVE, WITHIN: goes on for each way in which the values can come about. */
void route_solve(walk *, uint32_t i);
void route_within_bounds(walk *, uint32_t i);

/* For each position of the step's index page with that value: its coordinates to first_slot.., and on with step `next`. */
void route_each_position(walk *, const route_step *, uint64_t key, uint32_t next);

#endif
