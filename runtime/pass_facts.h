/* pass_facts.h - what a schedule says of a pass to whoever keeps something of it: whether it may fail, and what of it is kept. Internal.
 *
 * Sizes and memory may keep it from being so; that is found at load. Runtime and `mmsbc emit schedule` ask the same functions. */
#ifndef MMSB_PASS_FACTS_H
#define MMSB_PASS_FACTS_H

#include <stdbool.h>

#include "schedule.h"

static inline bool pass_can_fail(const schedule *s, const sch_pass *p)
{
	return s->kernels[p->kernel].can_fail || p->kind == PASS_FIX_BOUNDED;
}

/* Its reductions may keep partial results: ordinary passes, and numeric fixpoints that know what moves (numeric.c). An exact one is repaired by single operands, or
 * with values of its page that count for one element and not for another; a bounded one begins anew. */
static inline bool pass_keeps_partials(const schedule *s, const sch_pass *p)
{
	return p->kind == PASS_MAP || (p->kind == PASS_FIX_NUMERIC && s->pages[p->page].record == NONE);
}

/* An exact fixpoint that a change may repair (repair.c): REPAIR_BYTES are kept of each element, its stamp and its flags. */
enum { REPAIR_BYTES = 5 };
static inline bool pass_is_repaired(const schedule *s, const sch_pass *p)
{
	return p->kind == PASS_FIX_EXACT && s->pages[p->page].record == NONE && s->kernels[p->kernel].n_outputs == 1 && (p->start != NONE || p->start_page != NONE);
}

#endif
