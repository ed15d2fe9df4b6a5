/* launch.h - what a kernel of a pass is given: the host fills it in, and device code holds a copy of this text. */
#ifndef MMSB_LAUNCH_H
#define MMSB_LAUNCH_H

/* A pass with more reads, or of a record with more fields, or with more regions that go along lists, has no kernel. Threads of a block: a multiple of 64, so that nobody shares
 * a word of `marks`. */
enum { MMSB_CUDA_ABI = 6, MMSB_MOST_READS = 64, MMSB_MOST_OUTPUTS = 16, MMSB_MOST_ALONG = 8, MMSB_BLOCK = 256 };

/* A reduction by blocks has three kernels beside the one of a thread for each element. PART: each block reduces a part of an element's operands, of part_size
 * positions, to partial. JOIN: a block for each element makes one of its parts, to joined. END: a thread for each element does the rest.
 * Threads take MMSB_EACH positions side by side; part_size is a power of two and a multiple of what a block takes. */
/* Of a reduction along lists: PART: each warp reduces a leaf of a list, of at most MMSB_LEAF operands, to partial[leaf]. JOIN: a thread for each node makes one of its
 * children, which stand in partial, to joined[node]; as often as the lists need. END: a thread for each element joins the nodes of its list. What is side
 * by side parts at the bit of positions that node_bit has. */
enum { MMSB_LEAF = 32 };

/* Of prefixes: nodes of the tree over all positions. PART: each block makes those over its MMSB_BLOCK positions, and keeps the one over all of them. JOIN: each block
 * those of the next MMSB_UP levels above MMSB_BLOCK nodes of level `level`. They stand in partial, level by level from MMSB_UP on, complete ones
 * alone. END: blocks make the nodes below anew, and a thread for each element combines what its prefix is made of. */
enum { MMSB_UP = 8 /* 1 << MMSB_UP is MMSB_BLOCK */ };

enum { MMSB_EACH = 8, MMSB_PARTIAL = 16 /* most bytes of a partial result */ };

/* Rows or columns of a sparse page, or the positions of each key: list i is of the places start[i] .. start[i + 1], ascending. */
typedef struct mmsb_lists {
	uint64_t n;                    /* lists */
	const uint64_t *start;
	const uint32_t *key, *slot;    /* by place; slot: where the values of an entry lie, or NULL */
} mmsb_lists;

typedef struct mmsb_launch {
	uint64_t n;                    /* elements to evaluate: all of the page, or those of the list */
	const uint64_t *list;          /* their positions, ascending; NULL: all */
	const uint64_t *mask;          /* without a list: a bit for each of n, is it to be evaluated? NULL: all are */
	uint64_t stride;               /* of scatter and take: bytes from element to element in out[0] */
	const int64_t *sizes;          /* of the schedule, by id */
	const uint64_t *params;        /* their bits, by id */
	uint64_t parts, part_size;     /* of a reduction by blocks: parts of an element, positions of a part; along lists: leaves, or nodes to be made */
	uint64_t level;                /* of prefixes: of the nodes that are there */
	uint8_t *partial, *joined;     /* parts x n, and n partial results; along lists: of leaves or nodes */
	const uint64_t *node_at;       /* along lists: where a leaf, or the children of a node (or list), begin, and behind the last of them */
	const uint32_t *leaf_list;     /* the list of each leaf */
	const uint8_t *node_bit;       /* of each child: the bit of positions at which it parts from the next one */
	uint32_t *round;               /* of a fixpoint: becomes 1 when an element moves by more than tol (of an exact one: how many have changed); where round[-1]
	                                * is 0 the round does nothing */
	double tol;
	const uint8_t *was;            /* ... the values of the round before; out[0] gets those of this one */
	uint32_t *stamps, stamp;       /* of settle: stamps of elements; what those get that have changed */
	uint32_t *wanted;              /* ... a bit for each element that the next round is to evaluate; NULL: it evaluates all */
	uint64_t *used;                /* ... the mask of this one, which becomes empty; or NULL */
	const uint32_t *entry_row, *entry_col; /* of a sparse page: by slot, which count as its elements; */
	const uint8_t *alive;          /* ... 0: nothing is there, and nothing is evaluated */
	uint64_t *fault;               /* becomes the least position at which something failed; UINT64_MAX: nothing has */
	const uint8_t *in[MMSB_MOST_READS];    /* by read: where its page, or that field of it, begins */
	mmsb_lists along[MMSB_MOST_ALONG];     /* by region that goes along lists, in their order */
	uint8_t *out[MMSB_MOST_OUTPUTS];       /* by output: the same of the page that is written, which holds the values of the epoch before */
	uint8_t *values[MMSB_MOST_OUTPUTS];    /* of a list: its results side by side as well; NULL: not wanted */
	uint32_t *marks[MMSB_MOST_OUTPUTS];    /* a bit for each of n: its value has changed; whole blocks are written */
} mmsb_launch;

#endif
