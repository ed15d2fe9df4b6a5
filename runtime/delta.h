/* delta.h - what is staged for the next epoch: written by delta.c, put into pages by apply.c. Internal. */
#ifndef MMSB_DELTA_H
#define MMSB_DELTA_H

#include "instance.h"

/* How a call is kept: by what its positions are, whichever is smallest. RANGE: they follow one another. MASK: they ascend and lie
 * close: a bit for each. SCATTER: a list. */
typedef enum staged_kind { STAGED_RANGE, STAGED_MASK, STAGED_SCATTER, STAGED_INSERT, STAGED_ERASE } staged_kind;

/* One call, or several alike in a row. Its values lie in the page's values[] side by side, aligned to 8 bytes: whole elements, or values
 * of one field. In index[]: its positions (SCATTER; INSERT and ERASE: row << 32 | column), or words of masks. */
typedef struct staged_op {
	uint32_t kind;     /* staged_kind */
	uint32_t field;    /* NONE: whole elements */
	uint64_t first;    /* RANGE: the first position; MASK: the first word of 64 positions */
	uint64_t count;    /* of elements */
	size_t index;      /* where in index[] */
	size_t values;     /* where in values[], bytes */
} staged_op;

typedef struct staged_page {
	staged_op *ops;
	uint64_t *index;
	uint8_t *values;
	size_t n_ops, n_index, n_values;                 /* n_values in bytes */
	size_t cap_ops, cap_index, cap_values;           /* in bytes */
	void *order;                                     /* apply_sparse.c: sorting the entries of a sparse page */
	size_t cap_order;
} staged_page;

/* A batch: what one epoch takes. An instance has two, one open to producers and one for the commit at hand. */
typedef struct staging {
	uint64_t total;    /* deltas in it */
	staged_page *pages;
	uint32_t *touched; /* the pages that have some, by id, in the order of their first */
	uint32_t n_touched;
} staging;

#endif
