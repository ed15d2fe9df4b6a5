#include "pool.h"

#include <string.h>
#include <sys/mman.h>

enum { POOL_LARGE = 16 << 20 };

/* Blocks are touched here and there: large pages of memory save most of the walks to find their places. */
static void ask_for_large_pages(uint8_t *base, size_t bytes)
{
#ifdef MADV_HUGEPAGE
	if (bytes >= POOL_LARGE)
		madvise(base, bytes, MADV_HUGEPAGE); /* a hint: failing changes nothing */
#else
	(void)base;
	(void)bytes;
#endif
}

int pool_new(pool *p, size_t most, size_t *left)
{
	uint64_t units = most / POOL_UNIT + 2;
	if (units > UINT32_MAX)
		units = UINT32_MAX;
	void *base = mmap(NULL, units * POOL_UNIT, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return -1;
	ask_for_large_pages(base, units * POOL_UNIT);
	p->base = base;
	p->limit = (uint32_t)units;
	p->used = p->kept = 1;
	p->left = left;
	memset(p->free, 0, sizeof p->free);
	return 0;
}

void pool_free(pool *p)
{
	if (!p->base)
		return;
	*p->left += (size_t)(p->used - 1) * POOL_UNIT;
	munmap(p->base, (size_t)p->limit * POOL_UNIT);
	p->base = NULL;
}

static uint32_t cut(pool *p, uint64_t units)
{
	if (units > p->limit - p->used || units * POOL_UNIT > *p->left)
		return 0;
	uint32_t block = p->used;
	p->used += (uint32_t)units;
	*p->left -= units * POOL_UNIT;
	return block;
}

void *pool_keep(pool *p, size_t bytes)
{
	uint32_t block = cut(p, bytes / POOL_UNIT + 1);
	p->kept = p->used;
	return block ? pool_at(p, block) : NULL;
}

uint32_t pool_take(pool *p, unsigned size)
{
	uint32_t block = p->free[size];
	if (!block)
		return cut(p, p->units[size]);
	memcpy(&p->free[size], pool_at(p, block), sizeof(uint32_t));
	return block;
}

void pool_give(pool *p, unsigned size, uint32_t block)
{
	memcpy(pool_at(p, block), &p->free[size], sizeof(uint32_t));
	p->free[size] = block;
}

void pool_reset(pool *p)
{
	*p->left += (size_t)(p->used - p->kept) * POOL_UNIT;
	p->used = p->kept;
	memset(p->free, 0, sizeof p->free);
}
