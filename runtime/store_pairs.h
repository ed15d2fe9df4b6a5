/* store_pairs.h - reductions whose operands depend on the position and on the element, `count[j where k[j] == k[i]] (x[j] < x[i])`, and whose value an operand can be
 * taken out of: sums of integers, and the best of what there is. Internal.
 *
 * Of each position what an operand needs of it is kept, of each element what an operand needs of that, and its value. So what an operand was can be computed when one of
 * the two has changed: it goes out of the value, and what it is now goes in. */
#ifndef MMSB_STORE_PAIRS_H
#define MMSB_STORE_PAIRS_H

#include "bitset.h"
#include "exec.h"
#include "pool.h"

/* Of an element nothing is held; its value; what its value is not better than. */
enum { PAIRS_NOTHING, PAIRS_HELD, PAIRS_BOUND };

/* A register that operands need: of the region, known by the position; or of the region around. */
typedef struct pair_input {
	uint32_t local;
	uint8_t width;
	uint8_t *kept;          /* by position, or element */
	uint8_t *now, *one;     /* TILE lanes each: of those at work; of one of them */
} pair_input;

typedef struct pairs_kind {
	pool pool;
	bool keyed, counts, sums;
	const step **own, **mixed; /* steps of the region: that the position alone decides, and the others */
	uint32_t n_own, n_mixed;
	pair_input *inputs, *outer; /* of the position, of the element */
	uint32_t n_inputs, n_outer;
	uint64_t positions, elements;
	uint64_t version;       /* of the groups */
	bool open;              /* inputs of positions are kept */
	uint8_t *held;          /* by element: PAIRS_... */
	uint8_t *values;
	uint32_t *ranks;        /* by element: of how many operands, where somebody asks */
	uint32_t *asked;        /* by element: its key */
	bitset asks;            /* elements with the key at hand */
	uint64_t key;           /* which that is; NO_KEY: none */
	int64_t *list;          /* TILE */
} pairs_kind;

size_t pairs_kind_bytes(const pairs_kind *, unsigned width);
bool pairs_kind_place(pairs_kind *, unsigned width); /* from its pool; false: there is no memory */

#endif
