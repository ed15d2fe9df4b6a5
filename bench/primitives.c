/* primitives.c - what epochs are made of beside loops of C written for this machine: pages compared, masked and sparse values put into
 * place, blocks of memory taken and given back, staged deltas applied.
 *
 *   primitives PRICE.mmsbx     a program of one source page of f64[N], compiled (bench/primitives.sh)
 *
 * MMSB and its rival run by turns in one process, with the same answers; figures are medians. Compiled for the machine at hand
 * (-march=native), as MMSB's kernels are chosen for it. Allocators are looked for when it runs: those that are not installed are left
 * out. */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "runtime/bitset.h"
#include "runtime/kernels.h"
#include "runtime/mmsb.h"
#include "runtime/pool.h"

enum { ROUNDS = 21 };

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint64_t random_state = 1;
static uint64_t draw(void)
{
	uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void stop(const char *what)
{
	fprintf(stderr, "primitives: %s\n", what);
	exit(1);
}

static void *room(size_t bytes)
{
	void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);
	if (!p)
		stop("out of memory");
	return memset(p, 0, (bytes + 63) / 64 * 64);
}

static void expect(bool same, const char *what)
{
	if (!same)
		stop(what);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *v)
{
	qsort(v, ROUNDS, sizeof *v, ascending);
	return v[ROUNDS / 2];
}

/* Runs both by turns, each `n` things a run; prints what one thing takes. */
typedef void work(void *);
static void duel(const char *name, const char *rival, double n, const char *unit, work *mine, work *theirs, void *a, void *b, const char *goal)
{
	double x[ROUNDS], y[ROUNDS];
	for (int r = 0; r < ROUNDS; r++) {
		double t0 = now_ns();
		mine(a);
		double t1 = now_ns();
		theirs(b);
		double t2 = now_ns();
		x[r] = (t1 - t0) / n;
		y[r] = (t2 - t1) / n;
	}
	double p = median(x), q = median(y);
	printf("| %s | %.2f ns %s | %s, %.2f ns | %.2f | %s |\n", name, p, unit, rival, q, p / q, goal);
}

/* ---- blocks of pages --------------------------------------------------------------------------- */

enum { PAGE_BYTES = 4096, N_PAGES = 32, REPEAT = 200 };
#define ONES(bits) ((unsigned)__builtin_popcountll(bits))

static const kernel_table *kernels;

typedef struct pages {
	unsigned width;              /* of elements: 8 << width bits */
	uint8_t *a, *b;
	uint64_t *masks;             /* by 64 elements */
	uint8_t *packed;             /* values of those in the masks */
} pages;

static size_t blocks_of(unsigned width) { return (size_t)PAGE_BYTES >> width >> 6; }

static pages pages_new(unsigned width)
{
	pages p = {width, room(N_PAGES * PAGE_BYTES), room(N_PAGES * PAGE_BYTES), room(N_PAGES * PAGE_BYTES / 8), room(N_PAGES * PAGE_BYTES)};
	random_state = width + 1;
	for (size_t i = 0; i < N_PAGES * PAGE_BYTES; i++)
		p.a[i] = p.b[i] = p.packed[i] = (uint8_t)draw();
	for (size_t i = 0; i < N_PAGES * PAGE_BYTES; i += 1 + draw() % 64)
		p.b[i] ^= (uint8_t)(1 + draw() % 255);
	for (size_t i = 0; i < N_PAGES * blocks_of(width); i++)
		p.masks[i] = draw() & draw();
	return p;
}

static void pages_free(pages *p)
{
	free(p->a);
	free(p->b);
	free(p->masks);
	free(p->packed);
}

static void diff_mine(void *v)
{
	pages *p = v;
	size_t blocks = blocks_of(p->width);
	for (int r = 0; r < REPEAT; r++)
		for (size_t i = 0; i < N_PAGES; i++)
			kernels->differ[p->width](p->masks + i * blocks, p->a + i * PAGE_BYTES, p->b + i * PAGE_BYTES, blocks);
}

static __attribute__((noinline)) void diff_page_8(uint64_t *masks, const uint8_t *a, const uint8_t *b)
{
#if defined(__AVX512BW__)
	for (size_t i = 0; i < PAGE_BYTES; i += 64)
		masks[i / 64] = _mm512_cmpneq_epi8_mask(_mm512_loadu_si512(a + i), _mm512_loadu_si512(b + i));
#elif defined(__AVX2__)
	for (size_t i = 0; i < PAGE_BYTES; i += 64) {
		__m256i low = _mm256_cmpeq_epi8(_mm256_loadu_si256((const void *)(a + i)), _mm256_loadu_si256((const void *)(b + i)));
		__m256i high = _mm256_cmpeq_epi8(_mm256_loadu_si256((const void *)(a + i + 32)), _mm256_loadu_si256((const void *)(b + i + 32)));
		masks[i / 64] = ~((uint64_t)(uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32);
	}
#else
	memset(masks, 0, PAGE_BYTES / 8);
	for (size_t i = 0; i < PAGE_BYTES; i++)
		masks[i / 64] |= (uint64_t)(a[i] != b[i]) << i % 64;
#endif
}

static __attribute__((noinline)) void diff_page_64(uint64_t *masks, const uint8_t *a, const uint8_t *b)
{
#if defined(__AVX512F__)
	uint8_t *bytes = (uint8_t *)masks; /* little endian, as all with these instructions */
	for (size_t i = 0; i < PAGE_BYTES; i += 64)
		bytes[i / 64] = (uint8_t)_mm512_cmpneq_epi64_mask(_mm512_loadu_si512(a + i), _mm512_loadu_si512(b + i));
#elif defined(__AVX2__)
	for (size_t i = 0; i < PAGE_BYTES; i += 512) {
		uint64_t same = 0;
		for (size_t k = 0; k < 512; k += 32) {
			__m256i equal = _mm256_cmpeq_epi64(_mm256_loadu_si256((const void *)(a + i + k)), _mm256_loadu_si256((const void *)(b + i + k)));
			same |= (uint64_t)(uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(equal)) << k / 8;
		}
		masks[i / 512] = ~same;
	}
#else
	memset(masks, 0, PAGE_BYTES / 64);
	for (size_t i = 0; i < PAGE_BYTES / 8; i++)
		masks[i / 64] |= (uint64_t)(memcmp(a + i * 8, b + i * 8, 8) != 0) << i % 64;
#endif
}

static void diff_theirs(void *v)
{
	pages *p = v;
	size_t blocks = blocks_of(p->width);
	for (int r = 0; r < REPEAT; r++)
		for (size_t i = 0; i < N_PAGES; i++)
			(p->width ? diff_page_64 : diff_page_8)(p->masks + i * blocks, p->a + i * PAGE_BYTES, p->b + i * PAGE_BYTES);
}

static void bench_diff(const char *name, unsigned width)
{
	pages mine = pages_new(width), theirs = pages_new(width);
	duel(name, "a loop", (double)REPEAT * N_PAGES, "a page", diff_mine, diff_theirs, &mine, &theirs, "at most 1.2");
	expect(memcmp(mine.masks, theirs.masks, N_PAGES * blocks_of(width) * sizeof(uint64_t)) == 0, "pages differ otherwise");
	pages_free(&mine);
	pages_free(&theirs);
}

static void masked_mine(void *v)
{
	pages *p = v;
	size_t blocks = blocks_of(p->width), bytes = (size_t)64 << p->width;
	for (int r = 0; r < REPEAT; r++) {
		const uint8_t *from = p->packed;
		for (size_t i = 0; i < N_PAGES * blocks; i++)
			from += kernels->expand[p->width](p->a + i * bytes, from, p->masks[i]) << p->width;
	}
}

/* A page of f64 and its 8 words of masks; returns what is left of the values. */
static __attribute__((noinline)) const double *masked_page(double *page, const uint64_t *masks, const double *packed)
{
#if defined(__AVX512F__)
	for (size_t i = 0; i < PAGE_BYTES / 8; i += 8) {
		__mmask8 mask = (__mmask8)(masks[i / 64] >> i % 64);
		_mm512_storeu_pd(page + i, _mm512_mask_expandloadu_pd(_mm512_loadu_pd(page + i), mask, packed));
		packed += ONES(mask);
	}
#else
	for (size_t i = 0; i < PAGE_BYTES / 8; i += 64)
		for (uint64_t bits = masks[i / 64]; bits; bits &= bits - 1)
			page[i + (size_t)__builtin_ctzll(bits)] = *packed++;
#endif
	return packed;
}

static void masked_theirs(void *v)
{
	pages *p = v;
	for (int r = 0; r < REPEAT; r++) {
		const double *from = (const void *)p->packed;
		for (size_t i = 0; i < N_PAGES; i++)
			from = masked_page((double *)(void *)(p->a + i * PAGE_BYTES), p->masks + i * blocks_of(3), from);
	}
}

static void bench_masked(void)
{
	pages mine = pages_new(3), theirs = pages_new(3);
	duel("masked apply, 4 KiB of f64, a quarter in the mask", "a loop", (double)REPEAT * N_PAGES, "a page", masked_mine, masked_theirs, &mine,
	     &theirs, "at most 1.2");
	expect(memcmp(mine.a, theirs.a, N_PAGES * PAGE_BYTES) == 0, "masked values differ");
	pages_free(&mine);
	pages_free(&theirs);
}

/* ---- sparse apply ------------------------------------------------------------------------------ */

enum { ELEMENTS = 100000, SPARSE = 1000, BATCHES = 500 };

typedef struct sparse {
	double *page;
	bitset marks;
	const uint64_t *at;
	const double *values;
	put_old *old;
	size_t n_old;               /* of the last batch */
} sparse;

static void sparse_mine(void *v)
{
	sparse *s = v;
	for (size_t k = 0; k < BATCHES; k++) {
		put_target to = {(uint8_t *)s->page, sizeof(double), &s->marks, false};
		s->n_old = kernels->put[3](&to, 0, s->at + k * SPARSE, (const uint8_t *)(s->values + k * SPARSE), sizeof(double), SPARSE, s->old);
		bitset_clear(&s->marks);
	}
}

/* The same job: compare, store, a bit for what changed, what it was before; then the bits are cleared by what was kept. */
static __attribute__((noinline)) size_t sparse_batch(uint64_t *page, uint64_t *bits, const uint64_t *at, const uint64_t *values, put_old *old)
{
	size_t n = 0;
	for (size_t i = 0; i < SPARSE; i++) {
		uint64_t position = at[i], bit = (uint64_t)1 << position % 64;
		if (page[position] == values[i])
			continue;
		if (!(bits[position / 64] & bit)) {
			old[n++] = (put_old){position, page[position]};
			bits[position / 64] |= bit;
		}
		page[position] = values[i];
	}
	return n;
}

static void sparse_theirs(void *v)
{
	sparse *s = v;
	for (size_t k = 0; k < BATCHES; k++) {
		s->n_old = sparse_batch((uint64_t *)(void *)s->page, s->marks.level[0], s->at + k * SPARSE,
		                        (const uint64_t *)(const void *)(s->values + k * SPARSE), s->old);
		for (size_t i = 0; i < s->n_old; i++)
			s->marks.level[0][s->old[i].position / 64] = 0;
	}
}

static sparse sparse_new(const uint64_t *at, const double *values)
{
	sparse s = {.page = room(ELEMENTS * sizeof(double)), .at = at, .values = values, .old = room(SPARSE * sizeof(put_old))};
	if (bitset_new(&s.marks, ELEMENTS))
		stop("out of memory");
	return s;
}

static void bench_sparse(void)
{
	uint64_t *at = room(BATCHES * SPARSE * sizeof *at);
	double *values = room(BATCHES * SPARSE * sizeof *values);
	for (size_t i = 0; i < BATCHES * SPARSE; i++) {
		at[i] = draw() % ELEMENTS;
		values[i] = (double)(draw() % 1000000);
	}
	sparse mine = sparse_new(at, values), theirs = sparse_new(at, values);
	duel("sparse apply, 1,000 of 100,000 f64, compared, marked, undoable", "a loop", (double)BATCHES * SPARSE, "an element", sparse_mine,
	     sparse_theirs, &mine, &theirs, "at most 1.2");
	expect(mine.n_old == theirs.n_old && memcmp(mine.old, theirs.old, mine.n_old * sizeof *mine.old) == 0, "what was kept differs");
	expect(memcmp(mine.page, theirs.page, ELEMENTS * sizeof(double)) == 0, "sparse values differ");
	sparse *both[] = {&mine, &theirs};
	for (int k = 0; k < 2; k++) {
		free(both[k]->page);
		free(both[k]->old);
		bitset_free(&both[k]->marks);
	}
	free(at);
	free(values);
}

/* ---- memory ------------------------------------------------------------------------------------ */

enum { LIVE = 10000, SWAPS = 200000 };

typedef struct allocator {
	void *(*take)(size_t);
	void (*give)(void *);
	void **live;
	const uint32_t *which;
	uint64_t sum;
} allocator;

typedef struct pooled {
	pool pool;
	size_t left;
	uint32_t *live;
	const uint32_t *which;
	uint64_t sum;
} pooled;

/* One of 10,000 blocks of 4 KiB, by chance, is given back, and another taken and written to. */
static void pool_mine(void *v)
{
	pooled *p = v;
	for (uint32_t i = 0; i < SWAPS; i++) {
		uint32_t *block = &p->live[p->which[i]];
		p->sum += *(uint64_t *)pool_at(&p->pool, *block);
		pool_give(&p->pool, 0, *block);
		*block = pool_take(&p->pool, 0);
		*(uint64_t *)pool_at(&p->pool, *block) = i;
	}
}

static void pool_theirs(void *v)
{
	allocator *a = v;
	for (uint32_t i = 0; i < SWAPS; i++) {
		void **block = &a->live[a->which[i]];
		a->sum += *(uint64_t *)*block;
		a->give(*block);
		*block = a->take(PAGE_BYTES);
		*(uint64_t *)*block = i;
	}
}

static pooled pooled_new(const uint32_t *which)
{
	pooled p = {.left = (size_t)1 << 30, .live = room(LIVE * sizeof(uint32_t)), .which = which};
	p.pool.units[0] = PAGE_BYTES / POOL_UNIT;
	if (pool_new(&p.pool, p.left, &p.left))
		stop("no memory for a pool");
	for (int i = 0; i < LIVE; i++) {
		p.live[i] = pool_take(&p.pool, 0);
		*(uint64_t *)pool_at(&p.pool, p.live[i]) = (uint64_t)i;
	}
	return p;
}

static void against(const char *name, void *(*take)(size_t), void (*give)(void *), const uint32_t *which, const char *goal)
{
	pooled mine = pooled_new(which);
	allocator theirs = {take, give, room(LIVE * sizeof(void *)), which, 0};
	for (int i = 0; i < LIVE; i++) {
		theirs.live[i] = take(PAGE_BYTES);
		*(uint64_t *)theirs.live[i] = (uint64_t)i;
	}
	duel("4 KiB freed and allocated, 10,000 live", name, SWAPS, "both", pool_mine, pool_theirs, &mine, &theirs, goal);
	expect(mine.sum == theirs.sum, "what blocks hold differs");
	for (int i = 0; i < LIVE; i++)
		give(theirs.live[i]);
	free(theirs.live);
	free(mine.live);
	pool_free(&mine.pool);
}

/* A function of a library that may not be here. POSIX has data pointers hold functions, C11 does not say so: copied as bytes. */
static bool symbol(void *library, const char *name, void *function_address)
{
	void *found = dlsym(library, name);
	memcpy(function_address, &found, sizeof found);
	return found != NULL;
}

static void bench_memory(void)
{
	static const char *const others[][4] = {{"mimalloc", "libmimalloc.so.2", "mi_malloc", "mi_free"},
	                                        {"jemalloc", "libjemalloc.so.2", "malloc", "free"}};
	uint32_t *which = room(SWAPS * sizeof *which);
	for (size_t i = 0; i < SWAPS; i++)
		which[i] = (uint32_t)(draw() % LIVE);
	against("malloc", malloc, free, which, "");
	for (int k = 0; k < 2; k++) {
		void *(*take)(size_t), (*give)(void *);
		void *library = dlopen(others[k][1], RTLD_NOW | RTLD_LOCAL);
		if (library && symbol(library, others[k][2], &take) && symbol(library, others[k][3], &give))
			against(others[k][0], take, give, which, k == 0 ? "under 20 ns; at most 0.2" : "");
		else
			fprintf(stderr, "%s cannot be loaded, its row is left out: %s\n", others[k][0], dlerror());
	}
	free(which);
}

/* ---- staged deltas ----------------------------------------------------------------------------- */

enum { DELTAS = 1000000 };

typedef struct record {
	uint32_t page, kind;
	uint64_t index;
	double value;
} record;

typedef struct stream {
	mmsb_instance *m;
	size_t n;                    /* elements of the page */
	const uint64_t *at;
	const double *values;
	double *page;
	record *queue;
	size_t n_queue;
} stream;

/* Batches of 1,000, each staged by one call and committed. */
static void staged_mine(void *v)
{
	stream *s = v;
	mmsb_error err;
	for (size_t i = 0; i < DELTAS; i += SPARSE)
		if (mmsb_scatter(s->m, 0, SPARSE, s->at + i, s->values + i, &err) || mmsb_commit(s->m, NULL, &err))
			stop(err.message);
}

static __attribute__((noinline)) void stage_records(stream *s, const uint64_t *at, const double *values)
{
	for (size_t i = 0; i < SPARSE; i++) {
		if (at[i] >= s->n)
			stop("out of range");
		s->queue[s->n_queue++] = (record){0, 1, at[i], values[i]};
	}
}

static __attribute__((noinline)) void apply_records(stream *s)
{
	for (size_t i = 0; i < s->n_queue; i++)
		s->page[s->queue[i].index] = s->queue[i].value;
	s->n_queue = 0;
}

static void staged_theirs(void *v)
{
	stream *s = v;
	for (size_t i = 0; i < DELTAS; i += SPARSE) {
		stage_records(s, s->at + i, s->values + i);
		apply_records(s);
	}
}

static void bench_staged(const char *path, size_t n, const char *name)
{
	mmsb_schedule *schedule;
	mmsb_error err;
	mmsb_options options = {.size = sizeof options, .threads = 1};
	uint64_t *at = room(DELTAS * sizeof *at);
	double *values = room(DELTAS * sizeof *values);
	stream s = {.n = n, .at = at, .values = values, .page = room(n * sizeof(double)), .queue = room(SPARSE * sizeof(record))};
	for (size_t i = 0; i < DELTAS; i++) {
		at[i] = draw() % n;
		values[i] = (double)(draw() % 1000000);
	}
	if (mmsb_schedule_open(&schedule, path, &err) || mmsb_instance_new(&s.m, schedule, &options, &err) ||
	    mmsb_set_param(s.m, "N", (double)n, &err) || mmsb_commit(s.m, NULL, &err))
		stop(err.message);
	duel(name, "24-byte records", DELTAS, "a delta", staged_mine, staged_theirs, &s, &s, "under 50 ns");
	expect(memcmp(mmsb_data(s.m, 0), s.page, n * sizeof(double)) == 0, "staged values differ");
	mmsb_instance_free(s.m);
	mmsb_schedule_close(schedule);
	free(s.page);
	free(s.queue);
	free(at);
	free(values);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return fprintf(stderr, "primitives PRICE.mmsbx\n"), 2;
	kernels = kernel_table_pick();
	printf("| primitive (kernels: %s) | MMSB | rival | ratio | goal |\n| --- | --- | --- | --- | --- |\n", kernels->level);
	bench_diff("diff of 4 KiB, bytes", 0);
	bench_diff("diff of 4 KiB, f64", 3);
	bench_masked();
	bench_sparse();
	bench_memory();
	bench_staged(argv[1], 100000, "random deltas of 100,000 f64, staged and committed in batches of 1,000");
	bench_staged(argv[1], 10000000, "the same of 10,000,000 f64");
	return 0;
}
