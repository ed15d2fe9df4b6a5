/* route.h - delta rules at work: from what changed in a page to the elements of a pass that it concerns. Internal.
 *
 * A *route* belongs to a read of a kernel, or to what a region goes by (the keys of a group, the entries of a row). It is found once
 * sizes are bound, from the kernel itself: the indices of the read are solved for the variables, an index that is read from another
 * page through the reverse index of that page, and each region around is left towards the element that it belongs to. What cannot be
 * solved stays free and stands for its whole range: a route may name more than what changes, never less.
 *
 * Where it leads: to elements of region 0, or to *lanes* of a reduction whose partial results are kept (store.h). */
#ifndef MMSB_ROUTE_H
#define MMSB_ROUTE_H

#include "exec.h"

typedef enum route_kind {
	ROUTE_WHOLE, /* everything */
	ROUTE_SAME,  /* position i concerns element i, or the lanes of operand i */
	ROUTE_STEPS
} route_kind;

typedef struct route_step route_step;

typedef struct route {
	route_kind kind;
	uint32_t target;        /* region: 0, or one with a store */
	bool by_entry;          /* starts from a row and a column, not from a position in a page */
	bool feeds;             /* region 0's: what it reads goes into reductions with stores: their operands of the element change too */
	bool direct;            /* a changed position is solved for at once: no lists are gone through */
	const route_step *steps;
	uint32_t n_steps;
} route;

/* Where lanes are marked. */
typedef struct route_sink {
	bitset *lanes;
	bool all;               /* all of them */
	bitset *elements;       /* whose operands are lanes: those that are to be evaluated whole in any case may be marked here instead; or NULL */
} route_sink;

struct planner;
void plan_routes(struct planner *);

/* Marks what position `at` (of a sparse page: entry `at`) of the page of read `read` concerns; what the positions in a set concern. Needs
 * pass_look_up of the plan. */
void route_element(struct executor *, const kernel_plan *, uint32_t read, uint64_t at, route_sink *);
void route_changes(struct executor *, const kernel_plan *, uint32_t read, const bitset *changed, route_sink *);

/* Marks what the group, row or column `at` of a region concerns: elements of region 0. Of these (region 0: of all) route_within marks those
 * with the given value of each of the domain's variables; -1: any. */
void route_region(struct executor *, const kernel_plan *, uint32_t region, int64_t at, route_sink *);
void route_within(struct executor *, const kernel_plan *, uint32_t region, int64_t at, const int64_t *vars, route_sink *);

/* The same of those with one variable of the domain at from .. end-1. */
void route_between(struct executor *, const kernel_plan *, uint32_t region, int64_t at, uint32_t var, int64_t from, int64_t end, route_sink *);

/* An entry that came or went in the page of a lookup. */
void route_entry(struct executor *, const kernel_plan *, uint32_t read, uint32_t row, uint32_t col, route_sink *);

#endif
