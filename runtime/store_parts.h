/* store_parts.h - what the files of stores share. Internal. */
#ifndef MMSB_STORE_PARTS_H
#define MMSB_STORE_PARTS_H

#include "store.h"
#include "store_flat.h"
#include "store_tree.h"

enum { LEAST_MEMBERS = 128 }; /* elements of fewer operands are evaluated whole, unless MMSB_STORES says another number */

struct store {
	const kernel_plan *kernel;
	const region_plan *plan;
	const page *to;
	const step *reduce;     /* of region 0: this reduction */
	const step **needed;    /* steps of region 0 that operands need */
	uint32_t n_needed;
	bool flat;
	uint64_t outers, lanes;
	uint64_t least;         /* operands of an element of which something is held */
	size_t *left;           /* bytes that the instance's stores may still take */
	bool ready;             /* has memory ... */
	bool refused;           /* ... or there is none */
	bitset held;            /* outer elements of which something is held */
	bitset touched;         /* trees: of the held, those to be refreshed */
	bitset settled;         /* not held until now, and dealt with in this update */
	uint32_t *dirty;        /* trees: operands of each outer element in this update, while they are counted; else 0 */
	uint32_t *block;        /* of each outer element held */
	union {
		flat_kind flats;
		tree_kind trees;
	};
	uint32_t *positions;    /* trees: operands in the building */
	uint8_t *values;
	size_t n, cap_positions, cap_values;
};

static inline pool *store_pool(struct store *st) { return st->flat ? &st->flats.pool : &st->trees.pool; }

/* Takes memory for the sets when it is first needed; false: there is none. */
bool store_make_ready(struct store *);

/* Nothing is held of an element of which something is; of any. */
void store_drop(struct store *, uint64_t outer);
void store_drop_held(struct store *);

#endif
