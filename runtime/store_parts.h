/* store_parts.h - what the files of stores share. Internal. */
#ifndef MMSB_STORE_PARTS_H
#define MMSB_STORE_PARTS_H

#include "store.h"
#include "store_bounded.h"
#include "store_flat.h"
#include "store_laid.h"
#include "store_pairs.h"
#include "store_prefix.h"
#include "store_running.h"
#include "store_tree.h"

/* An operand of a tree. */
typedef struct store_operand {
	uint32_t outer, position;
	uint64_t lane;
} store_operand;

enum { STORE_WINDOW = 4096 /* operands that are looked at together */ };

/* Steps of region 0. */
typedef struct store_steps {
	const step **at;
	uint32_t n;
} store_steps;

/* What tells outer elements apart: a variable of the domain; NONE: what the region goes by, where that is none. */
typedef struct store_axis {
	uint32_t var;
	uint64_t extent;
} store_axis;

struct store {
	const kernel_plan *kernel;
	const region_plan *plan;
	const page *to;
	const step *reduce;     /* of region 0: this reduction */
	store_steps needed;     /* that operands need */
	store_steps key_steps;  /* that make what the region goes by */
	bool key_found;         /* ... and no others: no reductions */
	bool flat, prefix, laid, running, pairs; /* else trees */
	bounded *bounded;       /* of trees: elements have a part of the operands each; or NULL */
	bool apart;             /* it is none of those, as operands depend on the element besides what they share */
	bool can_lay;           /* groups may be laid out: they are while no member moves */
	bool no_room;           /* ... or trees of bounded operands held, but there was none: no more */
	uint64_t quiet;         /* trees: operands that changed since a member moved */
	bool keyed;             /* GROUP, ROW, COL */
	bool same;              /* outer elements are those of the page */
	uint32_t n_axes;
	store_axis axes[MAX_DIMS + 1];
	store_shape shape;      /* the axes without the key's */
	uint64_t keys, others, inner; /* extents: of the key; of the other axes; of those after the key */
	uint64_t outers, lanes;
	uint64_t key;           /* of the outer element at hand, of either type of index */
	uint64_t least;         /* operands of an element of which something is held */
	size_t *left;           /* bytes that the instance's stores may still take */
	bool ready;             /* has memory ... */
	bool refused;           /* ... or there is none */
	bitset held;            /* outer elements of which something is held; prefixes: rows; running totals: 0, all */
	bitset touched;         /* trees: of the held, those to be refreshed */
	bitset settled;         /* not held until now, and dealt with in this update */
	bitset changed;         /* unless `same`: whose value has changed in this update */
	uint32_t *dirty;        /* trees: operands of each outer element in this update, while they are counted; else 0 */
	store_operand *window;  /* trees: two of them */
	uint32_t *block;        /* of each outer element held */
	union {
		flat_kind flats;
		tree_kind trees;
		prefix_kind prefixes;
		running_kind runnings;
		pairs_kind pairings;
		laid_kind laids;
	};
	uint32_t *positions;    /* trees, groups: operands in the building */
	uint8_t *values;
	size_t n, cap_positions, cap_values;
};

static inline pool *store_pool(struct store *st)
{
	return st->prefix ? &st->prefixes.pool : st->running ? &st->runnings.pool : st->pairs ? &st->pairings.pool : st->flat ? &st->flats.pool : st->laid ? &st->laids.pool : &st->trees.pool;
}

/* Takes memory for the sets when it is first needed; false: there is none. */
bool store_make_ready(struct store *);

/* Nothing is held of an element of which something is; of any. */
void store_drop(struct store *, uint64_t outer);
void store_drop_held(struct store *);

/* ---- an update at work ------------------------------------------------------------------------- */

typedef struct update {
	struct store *st;
	worker *w;
	run *r, *c;             /* of region 0 and of the reduction */
	const pattern *pat;
	const group_index *groups;
	column keys;            /* GROUP */
	bitset *outer;
	const bitset *whole;
	struct batch *batch;
} update;

/* store_outer.c: the steps of region 0 that make the needed locals, in the order of running, and the set of variables of the domain that they depend on,
 * added to *vars; that of a local variable of region 0 (ALL_VARS: it is none of the domain's). false: one is a reduction. */
enum { ALL_VARS = 1 << MAX_DIMS };
struct planner;
bool store_find_steps(struct planner *, uint8_t *needed, store_steps *, uint32_t *vars);
uint32_t store_var_set(const kernel_plan *, uint32_t local);

/* store_outer.c: axes, once the region's steps are planned; false: nothing is kept of it. */
bool store_axes(struct planner *, struct store *);

/* The outer element whose value an element has, a lane of region 0; false: there is none. */
bool store_outer_of(const struct store *, const run *, uint32_t lane, uint64_t *outer);

/* Variables of region 0 for n outer elements (unless `same`). */
void store_vars(const update *, const int64_t *outers, uint32_t n);

/* The key, row or column of an outer element. */
static inline uint64_t store_key_of(const struct store *st, uint64_t outer) { return st->others == 1 ? outer : outer / st->inner % st->keys; }

/* The outer element of a key and what else tells it apart; `outers`: there is none. */
uint64_t store_outer_with(const struct store *, uint64_t key, uint64_t other);

/* Which operand a lane is; false: of no outer element. Its `lane` becomes the position, or entry. */
bool store_locate(const update *, store_operand *);

/* The elements with the value of an outer element are to be evaluated: at once, or when they are spread. */
void store_changed(const update *, uint64_t outer);
void store_spread(const update *);

/* The value of each axis for an outer element. */
void store_axes_of(const struct store *, uint64_t outer, int64_t *at);

/* The outer elements of a set of elements, some of them more than once (unless `same`). */
typedef void store_outer_fn(const update *, uint64_t outer);
void store_each_asked(const update *, const bitset *elements, store_outer_fn *);

/* A set, in ascending order, at most TILE at a time. */
typedef void store_batch_fn(const update *, const int64_t *list, uint32_t n);
void store_each_batch(const update *, const bitset *, store_batch_fn *);

/* Region 0 for one outer element; then its operands at positions first .. end-1, at most TILE (enter: the first time). */
void store_enter(const update *, uint64_t outer);
const void *store_operands(const update *, uint64_t first, uint64_t end, bool enter);

/* Region 0's steps that operands need. */
void store_run_needed(const update *);

/* Something has failed since this was asked last. */
bool store_failed(const update *);

/* The pass evaluates the outer element, and tells what fails if something does. */
void store_give_up(const update *, uint64_t outer);

/* store_tree_update.c: dirty operands of trees; the tree of an outer element, anew; a member that has left one. false: nothing is held of it. */
void store_tree_update(const update *, const bitset *dirty);
bool store_tree_build(const update *, uint64_t outer);
void store_tree_leave(const update *, uint64_t outer, uint32_t position);

/* Groups are laid out, or kept as trees, from now on; nothing is held. */
void store_lay(struct store *, bool laid);

/* store_laid.c: dirty operands of groups that are laid out. Holds a group from now on; the pass evaluates it in any case. */
void store_laid_update(const update *, const bitset *dirty);
void store_laid_hold(const update *, uint32_t group);

/* Lays out all groups that are not held, as far as there is room, and evaluates all operands, in the order of positions. false: most operands are of groups that are
 * too small; nothing was evaluated, and what is held is not to be trusted. */
bool store_laid_fill(const update *);

/* store_prefix.c: what dirty operands concern, by what is held, or without it; rows with some of these elements lose what is held. */
void store_prefix_update(const update *, const bitset *dirty);
void store_prefix_concern(const update *, const bitset *dirty);
void store_prefix_drop(struct store *, const bitset *whole);

/* store_running.c: whether a region is a running total by key; what dirty operands concern; all operands and totals anew. */
bool store_running_set(struct planner *, struct store *);
void store_running_update(const update *, const bitset *dirty);
void store_running_fill(const update *);

/* store_pairs.c: whether a region that is none of the others is one of pairs; what dirty operands concern; the inputs of all positions, and from now on what elements come to
 * is kept; nothing is. */
bool store_pairs_set(struct planner *, struct store *);
void store_pairs_update(const update *, const bitset *dirty);
void store_pairs_fill(const update *);
void store_pairs_drop(struct store *);
bool store_pairs_holds(const region_plan *, const run *, uint32_t lane);
uint32_t store_pairs_give(worker *, run *r, const step *s);

#endif
