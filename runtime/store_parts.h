/* store_parts.h - what the files of stores share. Internal. */
#ifndef MMSB_STORE_PARTS_H
#define MMSB_STORE_PARTS_H

#include "store.h"
#include "store_flat.h"
#include "store_prefix.h"
#include "store_tree.h"

/* An operand of a tree. */
typedef struct store_operand {
	uint32_t outer, position;
	uint64_t lane;
} store_operand;

enum { STORE_WINDOW = 4096 /* operands that are looked at together */ };

struct store {
	const kernel_plan *kernel;
	const region_plan *plan;
	const page *to;
	const step *reduce;     /* of region 0: this reduction */
	const step **needed;    /* steps of region 0 that operands need */
	uint32_t n_needed;
	bool flat, prefix;      /* else trees */
	uint64_t outers, lanes;
	uint64_t least;         /* operands of an element of which something is held */
	size_t *left;           /* bytes that the instance's stores may still take */
	bool ready;             /* has memory ... */
	bool refused;           /* ... or there is none */
	bitset held;            /* outer elements of which something is held; prefixes: rows */
	bitset touched;         /* trees: of the held, those to be refreshed */
	bitset settled;         /* not held until now, and dealt with in this update */
	uint32_t *dirty;        /* trees: operands of each outer element in this update, while they are counted; else 0 */
	store_operand *window;  /* trees: two of them */
	uint32_t *block;        /* of each outer element held */
	union {
		flat_kind flats;
		tree_kind trees;
		prefix_kind prefixes;
	};
	uint32_t *positions;    /* trees: operands in the building */
	uint8_t *values;
	size_t n, cap_positions, cap_values;
};

static inline pool *store_pool(struct store *st)
{
	return st->prefix ? &st->prefixes.pool : st->flat ? &st->flats.pool : &st->trees.pool;
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

/* Region 0 for one outer element; then its operands at positions first .. end-1, at most TILE (enter: the first time). */
void store_enter(const update *, uint64_t outer);
const void *store_operands(const update *, uint64_t first, uint64_t end, bool enter);

/* Something has failed since this was asked last. */
bool store_failed(const update *);

/* store_prefix.c: what dirty operands concern, by what is held, or without it; rows with some of these elements lose what is held. */
void store_prefix_update(const update *, const bitset *dirty);
void store_prefix_concern(const update *, const bitset *dirty);
void store_prefix_drop(struct store *, const bitset *whole);

#endif
