/* arena.h - the memory of an instance's dense pages: one reservation, places fixed when sizes are bound. */
#ifndef MMSB_ARENA_H
#define MMSB_ARENA_H

#include <stddef.h>
#include <stdint.h>

/* A plan of places, then the memory for it. Zero-initialise. */
typedef struct arena {
	uint8_t *base;
	size_t bytes;    /* planned so far; after arena_take: reserved */
} arena;

enum { ARENA_ALIGN = 64, ARENA_HUGE = 2 << 20 };

/* Plans n bytes: *offset gets their place, aligned to 64 bytes (2 MiB for what is that large). -1 when the total overflows. */
int arena_plan(arena *, size_t n, size_t *offset);

/* Reserves what was planned, zeroed by the kernel when first touched. -1: the system gives no memory. */
int arena_take(arena *);
void arena_free(arena *);

/* A hint for memory from the allocator that is looked at here and there: where it is large, large pages save most of the walks to find its places. */
void memory_ask_large(void *at, size_t bytes);

#endif
