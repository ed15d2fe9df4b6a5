/* apply.h - what apply.c (dense) and apply_sparse.c share: how an epoch's changes of sources are undone (undo.c). Internal. */
#ifndef MMSB_APPLY_H
#define MMSB_APPLY_H

#include "delta.h"
#include "kernels.h"

typedef enum undo_kind { UNDO_MASK, UNDO_SCATTER, UNDO_ENTRIES /* as the pattern's log says */ } undo_kind;

/* Elements of one word of 64 positions; what they were lies packed in bytes[]. */
typedef struct undo_word {
	uint64_t word, mask;
} undo_word;

/* Of one column. No element is in two of them, so that what they hold is what was there before the epoch. */
typedef struct undo_op {
	uint32_t kind;
	uint32_t page, field;
	uint64_t changed;      /* page.changed before */
	uint64_t count;        /* words or pairs */
	size_t at;             /* in words[] (MASK) or pairs[] (SCATTER) */
	size_t bytes;          /* MASK: in bytes[] */
} undo_op;

typedef struct undo {
	undo_op *ops;
	uint8_t *bytes;
	undo_word *words;
	put_old *pairs;          /* (position, bits) */
	size_t n_ops, n_bytes, n_words, n_pairs;
	size_t cap_ops, cap_bytes, cap_words, cap_pairs; /* in bytes */
} undo;

/* ---- undo.c ---- */

/* A new op of this column of the page. NULL: no memory. */
undo_op *undo_begin(undo *, undo_kind, const page *, uint32_t field, mmsb_error *err);

/* Entries of the page are about to come and go. */
int undo_entries(undo *, const page *, mmsb_error *err);

/* Elements that are now what they were before, of those that the ops from `first` on hold, lose their marks. */
void undo_settle(mmsb_instance *, page *, size_t first);

/* ---- apply.c, apply_sparse.c ---- */

uint64_t store_column(const column *, uint64_t first, const uint64_t *at, uint64_t n, const uint8_t *from, size_t step, put_old *pairs);

int apply_sparse(mmsb_instance *, page *, staged_page *, mmsb_error *err);

/* Room for n_slots entries in a pattern and in all pages that share it. */
int sparse_room(mmsb_instance *, page *owner, uint64_t n_slots, mmsb_error *err);

#endif
