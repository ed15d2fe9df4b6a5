/* route_step.h - what routes are made of: made by route.c, walked by route_run.c. Internal.
 *
 * Values are numbered by slot: the coordinates of what changed come first, others are found on the way. Variables hold an interval
 * each, at first their whole range. */
#ifndef MMSB_ROUTE_STEP_H
#define MMSB_ROUTE_STEP_H

#include "route.h"

enum { ROUTE_SLOTS = 64, ROUTE_MOST_STEPS = 64 };

typedef enum route_op {
	ROUTE_SOLVE,   /* constant + terms, under the view, is the value of `slot`: narrows a variable */
	ROUTE_INDEX,   /* for each position of `page` (an index page) whose value is that of `slot`: its coordinates to first_slot.. */
	ROUTE_ROWS,    /* for each row that has an entry in column `var`: the row to first_slot */
	ROUTE_COLUMNS, /* for each column that has an entry in row `var`: to first_slot */
	ROUTE_KEY,     /* the key of position `var` of `page` to first_slot */
	ROUTE_AFTER    /* a prefix: `at` (a variable) from `var` on */
} route_op;

typedef struct route_term {
	uint32_t var;
	int64_t coef;
} route_term;

struct route_step {
	uint8_t op;             /* route_op */
	uint8_t view;           /* SOLVE: read_view */
	bool strict;            /* AFTER */
	bool prev;              /* the values or the pattern of the epoch before */
	uint32_t slot, first_slot;
	uint32_t var, at;
	uint32_t skip;          /* ROWS, COLUMNS, KEY: how many steps after it make use of what it finds */
	int64_t extent, constant;
	const route_term *terms;
	uint32_t n_terms;
	page *page;
	uint32_t field;
};

#endif
