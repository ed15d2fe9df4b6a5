/* fetch.h - asks the caches for memory that is about to be read or written. Internal.
 *
 * A prefetch alone is no effect in the eyes of gcc: of a function that does nothing else it takes the calls out. The empty volatile asm is one. */
#ifndef MMSB_FETCH_H
#define MMSB_FETCH_H

static inline void fetch(const void *at)
{
	__builtin_prefetch(at);
	__asm__ volatile("");
}

static inline void fetch_to_write(const void *at)
{
	__builtin_prefetch(at, 1);
	__asm__ volatile("");
}

#endif
