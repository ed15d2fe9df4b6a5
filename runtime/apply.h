/* apply.h - what apply.c (dense) and apply_sparse.c share: how an epoch's changes of sources are undone. Internal. */
#ifndef MMSB_APPLY_H
#define MMSB_APPLY_H

#include "delta.h"

typedef enum undo_kind { UNDO_RANGE, UNDO_SCATTER, UNDO_PATTERN } undo_kind;

typedef struct undo_pair {
	uint64_t position;
	uint64_t bits;
} undo_pair;

typedef struct undo_op {
	uint32_t kind;
	uint32_t page, field;
	uint64_t changed;      /* page.changed before */
	uint64_t first, count;
	size_t at;             /* in bytes[] (RANGE) or pairs[] (SCATTER) */
	pattern *pat;          /* PATTERN: owned, with values */
	uint8_t *values;
	size_t capacity;
} undo_op;

/* Undone from the last op to the first. */
typedef struct undo {
	undo_op *ops;
	uint8_t *bytes;
	undo_pair *pairs;
	size_t n_ops, n_bytes, n_pairs;
	size_t cap_ops, cap_bytes, cap_pairs; /* in bytes */
} undo;

uint64_t store_column(const column *, uint64_t first, const uint64_t *at, uint64_t n, const uint8_t *from, size_t step, undo_pair *pairs);

/* Hands the page's pattern and values to the undo. */
int undo_pattern(undo *, page *, pattern *, uint8_t *values, size_t capacity, mmsb_error *err);

int apply_sparse(mmsb_instance *, page *, staged_page *, uint64_t *changed, mmsb_error *err);

/* Gives the page, and all pages like it, this pattern; the page itself these values. Takes both over, frees what was there. */
void sparse_put(mmsb_instance *, page *, pattern *, uint8_t *values, size_t capacity);

#endif
