/* latch.h - a lock that is held for the copy of a few bytes: one atomic operation to enter, a plain store to leave, where a mutex takes two atomic
 * operations, which take as long as what is done between them. Who finds it shut spins, lets others run, then sleeps. Internal. */
#ifndef MMSB_LATCH_H
#define MMSB_LATCH_H

#include <stdatomic.h>
#include <stdbool.h>

typedef struct latch {
	atomic_bool shut;
} latch;

void latch_wait(latch *); /* delta.c */

static inline void latch_enter(latch *g)
{
	if (atomic_exchange_explicit(&g->shut, true, memory_order_acquire))
		latch_wait(g);
}

static inline void latch_leave(latch *g) { atomic_store_explicit(&g->shut, false, memory_order_release); }

#endif
