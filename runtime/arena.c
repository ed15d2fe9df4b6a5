#include "arena.h"

#include <sys/mman.h>

int arena_plan(arena *a, size_t n, size_t *offset)
{
	size_t align = n >= ARENA_HUGE ? ARENA_HUGE : ARENA_ALIGN, at, end;
	if (__builtin_add_overflow(a->bytes, align - 1, &at))
		return -1;
	at = at / align * align;
	if (__builtin_add_overflow(at, n, &end) || end > (SIZE_MAX >> 17))
		return -1;
	*offset = at;
	a->bytes = end;
	return 0;
}

int arena_take(arena *a)
{
	if (a->bytes == 0)
		a->bytes = ARENA_ALIGN; /* pages without elements have an address too */
	size_t n = a->bytes + ARENA_HUGE; /* room to align the base */
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return -1;
	uintptr_t start = (uintptr_t)p, base = (start + ARENA_HUGE - 1) / ARENA_HUGE * ARENA_HUGE;
	if (base > start)
		munmap(p, base - start);
	if (start + n > base + a->bytes) {
		uintptr_t end = (base + a->bytes + 4095) / 4096 * 4096;
		if (start + n > end)
			munmap((void *)end, start + n - end);
	}
	a->base = (uint8_t *)base;
	memory_ask_large(a->base, a->bytes);
	return 0;
}

/* Of what is not aligned the whole large pages in it. */
void memory_ask_large(void *at, size_t bytes)
{
#ifdef MADV_HUGEPAGE
	uintptr_t start = ((uintptr_t)at + ARENA_HUGE - 1) / ARENA_HUGE * ARENA_HUGE, end = ((uintptr_t)at + bytes) / ARENA_HUGE * ARENA_HUGE;
	if (start < end)
		madvise((void *)start, end - start, MADV_HUGEPAGE); /* failing changes nothing */
#else
	(void)at;
	(void)bytes;
#endif
}

void arena_free(arena *a)
{
	if (a->base)
		munmap(a->base, (a->bytes + 4095) / 4096 * 4096);
	*a = (arena){0};
}
