/* saving.c - what dense pages hold at a moment, in blocks that are copied before they change, or when they are read (saving.h). */
#define _GNU_SOURCE /* MAP_ANONYMOUS, madvise */
#include "saving.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* A block is as it was, being copied, or read; else kept in slot (state - KEPT) of `aside`. */
enum { UNTOUCHED, BUSY, READ, KEPT };

/* What is ready ahead of the slots in use. */
enum { AHEAD = 16 << 20, STEP = 2 << 20 };

typedef struct region {
	const uint8_t *base;    /* of the page's cur when it began */
	size_t bytes;           /* 0: the page is in no saving */
	size_t first;           /* its first block */
} region;

struct saving {
	region *regions;        /* by page */
	_Atomic uint32_t *blocks;
	size_t n_blocks;
	uint8_t *aside;         /* a slot for each block: address space, which takes memory when it is used */
	atomic_size_t used;     /* slots; the committing thread's */
	size_t ready;           /* bytes of `aside` that have memory; the reader's */
};

static size_t blocks_of(size_t bytes) { return (bytes + SAVING_BLOCK - 1) / SAVING_BLOCK; }

static void *take(size_t bytes)
{
	void *at = mmap(NULL, bytes + STEP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return at == MAP_FAILED ? NULL : at;
}

static void give_back(void *at, size_t bytes)
{
	if (at)
		munmap(at, bytes + STEP);
}

static void saving_free(saving *s)
{
	give_back(s->blocks, s->n_blocks * sizeof *s->blocks);
	give_back(s->aside, s->n_blocks * SAVING_BLOCK);
	free(s->regions);
	free(s);
}

saving *saving_begin(mmsb_instance *m, const uint32_t *pages, uint32_t n)
{
	saving *s = calloc(1, sizeof *s);
	if (!s || !(s->regions = calloc(m->sch->n_pages, sizeof *s->regions))) {
		free(s);
		return NULL;
	}
	for (uint32_t i = 0; i < n; i++) {
		const page *p = &m->pages[pages[i]];
		s->regions[p->id] = (region){p->cur, p->count * p->element, s->n_blocks};
		s->n_blocks += blocks_of(p->count * p->element);
	}
	if (s->n_blocks < UINT32_MAX - KEPT) {
		s->blocks = take(s->n_blocks * sizeof *s->blocks);
		s->aside = take(s->n_blocks * SAVING_BLOCK);
	}
	if (!s->blocks || !s->aside) {
		saving_free(s);
		return NULL;
	}
#ifdef MADV_HUGEPAGE
	if (s->n_blocks * SAVING_BLOCK >= AHEAD)
		madvise(s->aside, s->n_blocks * SAVING_BLOCK + STEP, MADV_HUGEPAGE); /* a hint */
#endif
	m->saving = s;
	return s;
}

void saving_end(mmsb_instance *m, saving *s)
{
	if (!s)
		return;
	m->saving = NULL;
	saving_free(s);
}

/* ---- who reads --------------------------------------------------------------------------------- */

void saving_prepare(saving *s)
{
#ifdef MADV_POPULATE_WRITE
	size_t most = s->n_blocks * SAVING_BLOCK, want = atomic_load(&s->used) * SAVING_BLOCK + AHEAD;
	want = want < most ? want : most;
	for (; s->ready < want; s->ready += STEP)
		madvise(s->aside + s->ready, STEP, MADV_POPULATE_WRITE); /* what has none yet gets it when it is used */
#else
	(void)s;
#endif
}

/* The block is this thread's to copy; else it was so of another before, or is. */
static bool claim(saving *s, size_t block)
{
	uint32_t state = UNTOUCHED;
	return atomic_compare_exchange_strong_explicit(&s->blocks[block], &state, BUSY, memory_order_acquire, memory_order_acquire);
}

/* Its state, once nobody copies it. */
static uint32_t settled(saving *s, size_t block)
{
	uint32_t state;
	while ((state = atomic_load_explicit(&s->blocks[block], memory_order_acquire)) == BUSY)
		sched_yield();
	return state;
}

static void read_block(saving *s, size_t block, const uint8_t *from, uint8_t *to, size_t n)
{
	if (claim(s, block)) {
		memcpy(to, from, n);
		atomic_store_explicit(&s->blocks[block], READ, memory_order_release);
		return;
	}
	memcpy(to, s->aside + (settled(s, block) - KEPT) * (size_t)SAVING_BLOCK, n);
}

void saving_read(saving *s, uint32_t id, uint64_t from, void *to, size_t n)
{
	const region *r = &s->regions[id];
	size_t block = r->first + from / SAVING_BLOCK;
	for (size_t done = 0, some; done < n; done += some, block++) {
		some = n - done < SAVING_BLOCK ? n - done : SAVING_BLOCK;
		read_block(s, block, r->base + from + done, (uint8_t *)to + done, some);
	}
}

void saving_over(saving *s)
{
	give_back(s->aside, s->n_blocks * SAVING_BLOCK);
	s->aside = NULL;
}

/* ---- who writes -------------------------------------------------------------------------------- */

static void keep_block(saving *s, size_t block, const uint8_t *from, size_t n)
{
	if (!claim(s, block)) {
		settled(s, block);
		return;
	}
	size_t slot = atomic_load_explicit(&s->used, memory_order_relaxed);
	memcpy(s->aside + slot * SAVING_BLOCK, from, n);
	atomic_store_explicit(&s->used, slot + 1, memory_order_relaxed);
	atomic_store_explicit(&s->blocks[block], (uint32_t)(KEPT + slot), memory_order_release);
}

void saving_keep(saving *s, uint32_t id, const uint8_t *at, size_t n)
{
	const region *r = &s->regions[id];
	if (n == 0 || at < r->base || at >= r->base + r->bytes) /* of another buffer, or page */
		return;
	size_t offset = (size_t)(at - r->base), block = offset / SAVING_BLOCK, end = blocks_of(offset + n);
	for (; block < end; block++) {
		size_t from = block * SAVING_BLOCK, left = r->bytes - from;
		uint32_t state = atomic_load_explicit(&s->blocks[r->first + block], memory_order_acquire);
		if (state == UNTOUCHED || state == BUSY)
			keep_block(s, r->first + block, r->base + from, left < SAVING_BLOCK ? left : SAVING_BLOCK);
	}
}

void saving_keep_set(const mmsb_instance *m, const page *p, bool prev, uint32_t field, const bitset *elements)
{
	column c = page_column(m, p, prev, field);
	size_t width = type_table[c.type].bytes;
	BITSET_FOR_WORDS(elements, w) {
		uint64_t bits = elements->level[0][w], first = w * 64 + (uint64_t)__builtin_ctzll(bits), last = w * 64 + 63 - (uint64_t)__builtin_clzll(bits);
		saving_keep(m->saving, p->id, c.base + first * c.stride, (last - first) * c.stride + width);
	}
}
