/* store.h - reductions that keep partial results from epoch to epoch, so that a changed operand costs a path to the top instead of
 * the whole reduction. Internal.
 *
 * A *store* belongs to a reduction region within region 0. Elements of the page that agree in the variables on which the operands depend, and in the
 * key, row or column that the region goes by, have one value of the reduction: they share an *outer element*. In most edges these variables are
 * all that there are, and outer elements are the page's. A store holds partial results of some outer elements and nothing of the others, which are
 * evaluated whole. A value that it has is right for what is read now: who evaluates a pass first brings its stores up to date (store_update) or
 * drops what they hold (store_drop_all).
 *
 * The operands of all outer elements are numbered: these numbers are the region's *lanes*. `others` is what tells outer elements apart besides the key:
 *   GROUP      the position in the page of keys * others + other
 *   ROW, COL   the entry * others + other
 *   RANGE      outer element * extent + (variable - lo)
 *   PREFIX     the same, or, of a scan, row of elements * extent + variable
 *
 *   store.c        which regions, their memory, and the values that are held
 *   store_outer.c  outer elements
 *   store_update.c the epoch's work: evaluation of operands; store_tree_update.c: of trees
 *   store_flat.c   operands that are all present: values of aligned blocks and of nodes above them
 *   store_tree.c   the others: a trie over the positions of those present
 *   store_laid.c   groups none of whose members moves: leaves side by side
 *   store_within.c trees, seen from elements that have what is within some bounds
 *   store_bounded.c the trees of operands of which elements have a part each: suffixes, long windows, prefixes that are no scans
 *   store_prefix.c prefixes along the last dimension: scans
 *   store_running.c totals up to an element by key
 *   store_pairs.c  operands that depend on the position and on the element
 *   pool.c         memory for both */
#ifndef MMSB_STORE_H
#define MMSB_STORE_H

#include "bitset.h"
#include "exec.h"

struct planner;

/* Stores of an instance take at most as many bytes as its dense pages, and some. A set of lanes takes a quarter, and some; of an entry there are at most so many. */
enum { STORE_BYTES = 64 << 20, STORE_LANES_BYTES = 4 << 20, STORE_LANES_OF_ENTRY = 512 };

/* Decides for each region of a plan whether it has a store (region_plan.stored); memory for what stores hold is taken when it is needed. */
void store_plan(struct planner *);
void store_free(struct store *); /* NULL is allowed */

bool store_possible(const region_plan *);

/* A prefix of which all positions are present, along the last dimension. */
bool store_is_scan(const region_plan *);

/* Variables of the domain, and how many values each has. */
typedef struct store_shape {
	uint32_t key;           /* that the region goes by; NONE: by none of them */
	uint32_t n;
	uint32_t vars[MAX_DIMS];
	int64_t dims[MAX_DIMS];
} store_shape;

/* What tells outer elements apart besides the key. Not of scans. */
const store_shape *store_others(const region_plan *);

/* Marks the operands at a position (or entry) of all outer elements that have it. */
void store_mark_operand(const region_plan *, bitset *lanes, uint64_t position);

/* How many lanes a region with a store has. */
uint64_t store_lanes(const struct executor *, const region_plan *);

/* Nothing is held of a row or column that has an element of its own, nor will anything be: it has too few entries. */
bool store_skips(const region_plan *, const pattern *, uint64_t key);

/* Rows or columns of which most have too few entries for anything to be kept of them. */
bool store_is_short(const region_plan *);

/* Brings a region's store up to date. `lanes`: operands that may have changed, come or gone; `elements`: those of the page that are to be evaluated in
 * any case; `whole` (or NULL): those of which all operands may have changed: what is held of their outer elements goes. Adds to `elements`
 * those with a value that has changed, and those with lanes of which nothing is held.
 * The executor has looked up what the pass sees (ex->plan, reads, patterns, groups). Never fails: where there is no memory nothing is held, and an outer
 * element with an operand that fails loses what is held, so that the pass evaluates it, fails, and says how. */
void store_update(struct executor *, const kernel_plan *, uint32_t region, const bitset *lanes, const bitset *whole, bitset *elements);

/* Nothing is held of any region of the plan: before an evaluation that does not begin with store_update or store_whole, and after an epoch that failed. */
void store_drop_all(const kernel_plan *);

/* Before all elements of a pass are evaluated: drops what stores hold. Groups that cannot be poured (pour.h) and of which no member moves are held from now on, as
 * their operands are then evaluated in the order of positions. */
void store_whole(struct executor *, const kernel_plan *);

/* Whether the value of an element, a lane of region 0, is held; of any (of scans and running totals: never by element). */
bool store_holds(const region_plan *, const run *, uint32_t lane);
bool store_holds_any(const region_plan *);
bool store_holds_most(const region_plan *); /* operands of groups, at least half of them */

/* The same of an outer element. */
bool store_holds_outer(const region_plan *, uint64_t outer);

/* Scans: the nodes before `block` (of TILE operands) of the outer element's row, as if its operands had been pushed; false: nothing is held. */
bool store_prefix_before(const region_plan *, uint64_t outer, uint64_t block, reduction *);

/* Running totals by key: gives their values to the lanes of region 0; false: the region is none, or nothing is held. */
bool store_running_give(worker *, run *r, const step *s);

/* Operands that depend on position and element: what the lanes of region 0 have come to is held from now on. */
void store_keep(worker *, const run *r, const step *s);

/* Gives the values of what is held to the lanes of region 0; returns how many have one. */
uint32_t store_give(worker *, run *r, const step *s);

#endif
