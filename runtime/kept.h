/* kept.h - what a reduction over rows or columns keeps of its lists while they stay as they are: their courses, arranged, with keys and slots in the
 * same order (course.h). Keys of a row of places that count up are one number. Internal.
 *
 * Lists are taken in blocks of COURSE_LISTS. A block is written when it is first walked, by the one thread that walks it; many threads write blocks at a
 * time. Where elements share lists nothing is kept if there are several threads (rows.c). */
#ifndef MMSB_KEPT_H
#define MMSB_KEPT_H

#include "course.h"
#include "lists.h"

typedef struct kept_block {
	arrangement arranged;   /* n_lists of 0: not written */
	uint64_t place, first_key; /* where its places and its keys begin, among those of all blocks */
	uint32_t n_operands;
	uint32_t copied;        /* whose values its entries' copies are (rows.c) */
} kept_block;

typedef struct kept_lists {
	const lists *of;
	uint64_t version;
	bool keep;              /* the lists have been as they are in a whole evaluation before */
	bool slots;             /* somebody reads what belongs to entries */
	uint64_t n_keys;        /* keys are below */
	uint32_t lanes;         /* arranged_lanes of the operands */
	kept_block *blocks;
	uint64_t n_blocks;
	uint8_t *memory;        /* of arrangements */
	size_t size, used;
	uint32_t *key, *slot;   /* slot: by place; NULL where nobody reads it */
	uint64_t n_places, used_places, used_keys;
} kept_lists;

void kept_free(kept_lists *);

/* Before a whole evaluation. Lists that are now as they were in the last one are expected to stay so. */
void kept_begin(kept_lists *, const lists *, uint64_t n_keys);

/* The block of n lists from `first` on, or NULL: they are not kept. */
kept_block *kept_at(const kept_lists *, const lists *, uint64_t first, uint32_t n);

/* Writes a block whose keys and slots lie side by side; scratch: room for an arrangement, numbers for places, and `spare` for arrange. False: no room. */
bool kept_write(kept_lists *, kept_block *, const course *, const uint32_t *key, const uint32_t *slot, void *scratch, uint32_t *place, uint16_t *spare);

#endif
