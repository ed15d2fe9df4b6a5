/* trace.h - what one element was computed from: the code of its page's pass, run for it alone, and every read of it told. Internal.
 *
 * Slow, and for people who ask why: code is run as far as it is asked for, so that of `if` and `&&` only what counts is read. */
#ifndef MMSB_TRACE_H
#define MMSB_TRACE_H

#include "instance.h"

/* A value that was read, or (entry alone) that an entry was there. */
typedef struct trace_read {
	uint32_t page;
	uint32_t field;         /* of a record page, else NONE */
	bool prev;              /* of the epoch before */
	bool presence;          /* of a sparse page: whether there is such an entry; the value was not asked for here */
	uint64_t at;            /* row-major position; of a sparse page: row << 32 | column */
} trace_read;

/* Returns a status; all but MMSB_OK end the walk. */
typedef int trace_fn(void *user, const trace_read *, mmsb_error *err);

/* Tells what element `at` of a page that a pass defines reads, field by field or (field not NONE) for one. now: the instance after an epoch; before: the
 * same after the epoch before, or bound without an epoch. Nothing of either changes but what is lazy. The same read may be told more than once.
 * MMSB_MEMORY, and what `tell` returns. */
int trace_element(mmsb_instance *now, mmsb_instance *before, uint32_t page, uint32_t field, uint64_t at, trace_fn *tell, void *user, mmsb_error *err);

/* The bits of a value (of a sparse page of which entries have none: 1); false: there is no such element. The page is stored. */
bool trace_value(const mmsb_instance *, const page *, uint32_t field, uint64_t at, scalar *out);

#endif
