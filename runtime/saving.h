/* saving.h - what dense pages hold at a moment, read by another thread while commits go on. Internal.
 *
 * Whoever writes to a page says so before: what is there of the moment, and has not been read yet, is kept aside, in blocks. A commit pays for
 * the blocks that it changes first, and nobody waits but for the copying of one. Without a saving all of this is a test of a pointer.
 *
 * Who says so: apply.c (sources), buffers.c (second buffers, which may change places with the first), portable.c and lazy.c (what a pass
 * is to evaluate), fixpoint.c, numeric.c and repair.c (fixpoints). Of pages of one element (tape.c) and of sparse
 * pages, which move, nobody does: they are in no saving. */
#ifndef MMSB_SAVING_H
#define MMSB_SAVING_H

#include "instance.h"

typedef struct saving saving;

/* Between commits, by the thread that commits: the values of some pages as they are now; there is one saving at a time. NULL: no memory. */
saving *saving_begin(mmsb_instance *, const uint32_t *pages, uint32_t n);

/* n bytes of the values of a page of it, from byte `from`. One thread reads, any one, and each byte once, in pieces that begin at a multiple of
 * SAVING_BLOCK and end at one or with the page. */
enum { SAVING_BLOCK = 1024 };
void saving_read(saving *, uint32_t id, uint64_t from, void *to, size_t n);

/* The same thread, now and then: memory is made ready for what commits keep aside, so that they need not wait for it. */
void saving_prepare(saving *);

/* The same thread, when all has been read: what was kept aside goes. */
void saving_over(saving *);

/* By the thread that commits, when the other one has finished: the end. NULL is allowed. */
void saving_end(mmsb_instance *, saving *);

/* ---- for those who write to pages: before they do, `at` being a place in the values of the page (in either buffer) ---- */

void saving_keep(saving *, uint32_t id, const uint8_t *at, size_t n);
void saving_keep_set(const mmsb_instance *, const page *, bool prev, uint32_t field, const bitset *elements);

static inline void saving_bytes(const mmsb_instance *m, const page *p, const uint8_t *at, size_t n)
{
	if (__builtin_expect(m->saving != NULL, 0))
		saving_keep(m->saving, p->id, at, n);
}

/* All that a dense page has in a buffer: its cur, or its prev. */
static inline void saving_whole(const mmsb_instance *m, const page *p, const uint8_t *buffer)
{
	if (__builtin_expect(m->saving != NULL, 0) && !p->pat)
		saving_keep(m->saving, p->id, buffer, p->count * p->element);
}

/* Elements of one field (of all: those of any, where records are packed), words of 64 at a time. */
static inline void saving_column(const mmsb_instance *m, const page *p, bool prev, uint32_t field, const bitset *elements)
{
	if (__builtin_expect(m->saving != NULL, 0) && !p->pat)
		saving_keep_set(m, p, prev, field, elements);
}

/* Elements, with all their fields. */
static inline void saving_elements(const mmsb_instance *m, const page *p, const bitset *elements)
{
	for (uint32_t k = 0; m->saving && k < p->n_columns; k++)
		saving_column(m, p, false, p->def->record == NONE ? NONE : k, elements);
}

#endif
