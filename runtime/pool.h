/* pool.h - memory of partial results: blocks of a few sizes, cut from one reservation and given back by size, so that the allocator is
 * called once. Internal. */
#ifndef MMSB_POOL_H
#define MMSB_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { POOL_UNIT = 16, POOL_SIZES = 8 };

typedef struct pool {
	uint8_t *base;
	uint32_t limit;              /* units reserved */
	uint32_t used;               /* units cut so far; blocks are named by their first unit, and 0 names none */
	uint32_t kept;               /* of those, never given back */
	uint32_t units[POOL_SIZES];  /* of a block of each size */
	uint32_t free[POOL_SIZES];   /* the first free block of each size; each begins with the name of the next */
	size_t *left;                /* bytes that pools may still cut together */
} pool;

/* Reserves up to `most` bytes of address space; memory is taken when it is first touched. -1: the system gives none. */
int pool_new(pool *, size_t most, size_t *left);
void pool_free(pool *);

/* Zeroed memory for as long as the pool is there; only before the first block. NULL: there is no more. */
void *pool_keep(pool *, size_t bytes);

/* A block (its bytes are undefined), or 0: there is no more. */
uint32_t pool_take(pool *, unsigned size);
void pool_give(pool *, unsigned size, uint32_t block);

/* All blocks are given back. */
void pool_reset(pool *);

static inline void *pool_at(const pool *p, uint32_t block) { return p->base + (size_t)block * POOL_UNIT; }

#endif
