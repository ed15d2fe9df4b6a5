/* reductions.c - dense reductions by native code beside C: every epoch evaluated whole, on one thread and on two.
 *
 *   reductions      SIDE in the environment: pages have SIDE x SIDE elements
 *
 * The C is for this very machine. Its sums have the order of the language (adjacent pairs, which vectors do well), since another order gives
 * other bits; minima, counts and positions need none. All values are compared bit by bit. */
#include <math.h>

#include "bench.h"
#include "lanes.h"
#include "program.h"

enum { ROUNDS = 9, TILE_ = 512, MOST_TILES = 1 << 16 };

typedef union value {
	float f;
	double d;
	int64_t i;
	uint32_t u;
} value;

typedef struct work {
	const char *name, *program, *limit;
	size_t bytes;            /* of a result */
	bool many;               /* a result for each row or column */
	void (*rival)(struct work *);
	size_t side;
	int threads;
	float *f[3];
	double *g;
	void *to;                /* of the rival */
	float *kept;             /* the rival's page d */
} work;

#define HALVE_(to, from, n) LANES for (size_t i = 0; i < (n); i++) (to)[i] = (from)[2 * i] + (from)[2 * i + 1]
#define TREE(T)                                                                                              \
	static inline T tree_##T(const T *a, size_t n)                                                       \
	{                                                                                                    \
		T b[256], c[128], d[64], e[32], f[16], g[8], h[4];                                           \
		if (n == TILE_) {                                                                            \
			HALVE_(b, a, 256);                                                                   \
			HALVE_(c, b, 128);                                                                   \
			HALVE_(d, c, 64);                                                                    \
			HALVE_(e, d, 32);                                                                    \
			HALVE_(f, e, 16);                                                                    \
			HALVE_(g, f, 8);                                                                     \
			HALVE_(h, g, 4);                                                                     \
			return (h[0] + h[1]) + (h[2] + h[3]);                                                \
		}                                                                                            \
		for (; n > 1; a = b) {                                                                       \
			HALVE_(b, a, n / 2);                                                                 \
			if (n & 1)                                                                           \
				b[n / 2] = a[n - 1];                                                         \
			n = (n + 1) / 2;                                                                     \
		}                                                                                            \
		return a[0];                                                                                 \
	}                                                                                                    \
	/* The values of tiles, and those of tiles of them, until one is left. */                            \
	static T sum_##T(const T *a, size_t n, T *tiles, int threads)                                        \
	{                                                                                                    \
		size_t m = (n + TILE_ - 1) / TILE_;                                                          \
		if (n <= TILE_)                                                                              \
			return tree_##T(a, n);                                                               \
		_Pragma("omp parallel for num_threads(threads)")                                             \
		for (size_t t = 0; t < m; t++)                                                               \
			tiles[t] = tree_##T(a + t * TILE_, n - t * TILE_ < TILE_ ? n - t * TILE_ : TILE_);   \
		return sum_##T(tiles, m, tiles + m, 1);                                                      \
	}
TREE(float)
TREE(double)

static size_t elements(const work *w) { return w->side * w->side; }

static void rival_sum(work *w)
{
	static float tiles[2 * MOST_TILES];
	*(float *)w->to = sum_float(w->f[0], elements(w), tiles, w->threads);
}

static void rival_sum_f64(work *w)
{
	static double tiles[2 * MOST_TILES];
	*(double *)w->to = sum_double(w->g, elements(w), tiles, w->threads);
}

static void rival_mean(work *w)
{
	rival_sum(w);
	*(float *)w->to /= (float)elements(w);
}

static void rival_min(work *w)
{
	float least = INFINITY;
	const float *a = w->f[0];
	size_t n = elements(w);
#pragma omp parallel for num_threads(w->threads) reduction(min : least)
	for (size_t t = 0; t < n; t += TILE_) {
		float best[64], own = INFINITY;
		size_t i = t, end = n - t < TILE_ ? n : t + TILE_;
		for (size_t k = 0; k < 64; k++)
			best[k] = INFINITY;
		for (; i + 64 <= end; i += 64)
			LANES for (size_t k = 0; k < 64; k++) best[k] = a[i + k] < best[k] ? a[i + k] : best[k];
		for (; i < end; i++)
			own = a[i] < own ? a[i] : own;
		for (size_t k = 0; k < 64; k++)
			own = best[k] < own ? best[k] : own;
		least = own < least ? own : least;
	}
	*(float *)w->to = least;
}

static void rival_argmin(work *w)
{
	uint32_t at = 0;
	float least;
	rival_min(w);
	least = *(float *)w->to;
	while (w->f[0][at] != least)
		at++;
	*(uint32_t *)w->to = at;
}

static void rival_count(work *w)
{
	int64_t count = 0;
	const float *a = w->f[0];
	size_t n = elements(w);
#pragma omp parallel for num_threads(w->threads) reduction(+ : count)
	for (size_t t = 0; t < n; t += TILE_) {
		int32_t own = 0;
		size_t end = n - t < TILE_ ? n : t + TILE_;
		for (size_t i = t; i < end; i++)
			own += a[i] > 1.5f;
		count += own;
	}
	*(int64_t *)w->to = count;
}

static void rival_rows(work *w)
{
#pragma omp parallel for num_threads(w->threads)
	for (size_t i = 0; i < w->side; i++) {
		float tiles[2 * TILE_];
		((float *)w->to)[i] = sum_float(w->f[0] + i * w->side, w->side, tiles, 1);
	}
}

/* Tiles of columns; a binary counter of rows. */
static void rival_columns(work *w)
{
	const size_t n = w->side;
#pragma omp parallel for num_threads(w->threads)
	for (size_t first = 0; first < n; first += TILE_) {
		float digits[32][TILE_];
		size_t m = n - first < TILE_ ? n - first : TILE_;
		for (size_t i = 0; i < n; i++) {
			const float *row = w->f[0] + i * n + first;
			unsigned d = (unsigned)__builtin_ctzll(~(uint64_t)i);
			float *to = digits[d];
			if (d == 0) {
				memcpy(to, row, m * sizeof *to);
				continue;
			}
			LANES for (size_t j = 0; j < m; j++) to[j] = digits[0][j] + row[j];
			for (unsigned k = 1; k < d; k++)
				LANES for (size_t j = 0; j < m; j++) to[j] = digits[k][j] + to[j];
		}
		float *sum = NULL, *to = (float *)w->to + first;
		for (unsigned d = 0; n >> d; d++)
			if (n >> d & 1) {
				for (size_t j = 0; j < m && sum; j++)
					digits[d][j] = digits[d][j] + sum[j];
				sum = digits[d];
			}
		memcpy(to, sum, m * sizeof *to);
	}
}

static void rival_products(work *w)
{
	static float tiles[2 * MOST_TILES];
	const float *a = w->f[0], *b = w->f[1];
	size_t n = elements(w), m = (n + TILE_ - 1) / TILE_;
#pragma omp parallel for num_threads(w->threads)
	for (size_t t = 0; t < m; t++) {
		float v[TILE_];
		size_t k = n - t * TILE_ < TILE_ ? n - t * TILE_ : TILE_;
		LANES for (size_t i = 0; i < k; i++) v[i] = a[t * TILE_ + i] * b[t * TILE_ + i];
		tiles[t] = tree_float(v, k);
	}
	*(float *)w->to = sum_float(tiles, m, tiles + m, 1);
}

/* The page and its sum, in one way over memory. */
static void rival_kept(work *w)
{
	static float tiles[2 * MOST_TILES];
	const float *restrict a = w->f[0], *restrict b = w->f[1], *restrict c = w->f[2];
	float *restrict d = w->kept;
	size_t n = elements(w), m = (n + TILE_ - 1) / TILE_;
#pragma omp parallel for num_threads(w->threads)
	for (size_t t = 0; t < m; t++) {
		size_t first = t * TILE_, end = n - first < TILE_ ? n : first + TILE_;
		for (size_t i = first; i < end; i++)
			d[i] = (a[i] - b[i]) * c[i] + a[i] / 2.0f;
		tiles[t] = tree_float(d + first, end - first);
	}
	*(float *)w->to = sum_float(tiles, m, tiles + m, 1);
}

/* ---- MMSB -------------------------------------------------------------------------------------- */

static mmsb_instance *instance(const work *w)
{
	mmsb_instance *m = bench_instance_of(bench_program(w->program, true), w->threads, true);
	bench_param(m, "N", strstr(w->program, "[N, N]") ? w->side : elements(w));
	return m;
}

static void fill(mmsb_instance *m, const work *w)
{
	static const char *const names[] = {"a", "b", "c"};
	for (int p = 0; p < 3; p++)
		if (mmsb_page(m, names[p]) >= 0)
			bench_write(m, names[p], 0, elements(w), w->f[p]);
	if (mmsb_page(m, "g") >= 0)
		bench_write(m, "g", 0, elements(w), w->g);
}

static double time_commit(mmsb_instance *m, const work *w, size_t round)
{
	bool wide = mmsb_page(m, "g") >= 0;
	bench_write(m, wide ? "g" : "a", 0, 1, wide ? (const void *)&w->g[round % 2] : &w->f[0][round % 2]);
	double start = bench_ns();
	bench_commit(m);
	return bench_ns() - start;
}

static void run(work *w)
{
	samples times[2] = {{0}};
	mmsb_instance *m = instance(w);
	fill(m, w);
	bench_commit(m);
	w->rival(w);
	for (size_t round = 0; round < ROUNDS; round++) {
		samples_add(&times[0], time_commit(m, w, round));
		double start = bench_ns();
		w->rival(w);
		samples_add(&times[1], bench_ns() - start);
	}
	time_commit(m, w, 0); /* the first element as the rival has it */
	if (memcmp(bench_data(m, "s"), w->to, w->bytes * (w->many ? w->side : 1)) != 0)
		bench_stop("the answers differ");
	double mine = samples_at(&times[0], 0), c = samples_at(&times[1], 0);
	printf("| %s, %d thread%s | %.2f ms | C %.2f ms | %.2f | %s |\n", w->name, w->threads, w->threads > 1 ? "s" : "", mine / 1e6, c / 1e6, mine / c, w->limit);
	mmsb_instance_free(m);
	free(times[0].v);
	free(times[1].v);
}

#define PAGE "param N;\npage a : f32[N] in;\n"
#define SQUARE "param N;\npage a : f32[N, N] in;\n"

int main(void)
{
	const char *limit = "at most 1.05";
	work works[] = {
		{.name = "sum, f32", .program = PAGE "page s : f32 out;\nedge s <- sum[i] a[i];\n", .bytes = 4, .rival = rival_sum},
		{.name = "sum, f64", .program = "param N;\npage g : f64[N] in;\npage s : f64 out;\nedge s <- sum[i] g[i];\n", .bytes = 8, .rival = rival_sum_f64},
		{.name = "mean, f32", .program = PAGE "page s : f32 out;\nedge s <- mean[i] a[i];\n", .bytes = 4, .rival = rival_mean},
		{.name = "min, f32", .program = PAGE "page s : f32 out;\nedge s <- min[i] a[i];\n", .bytes = 4, .rival = rival_min},
		{.name = "argmin, f32", .program = PAGE "page s : index(N) out;\nedge s <- argmin[i] a[i];\n", .bytes = 4, .rival = rival_argmin},
		{.name = "count, f32", .program = PAGE "page s : i64 out;\nedge s <- count[i] (a[i] > 1.5);\n", .bytes = 8, .rival = rival_count},
		{.name = "sum of products, f32", .program = PAGE "page b : f32[N] in;\npage s : f32 out;\nedge s <- sum[i] a[i] * b[i];\n", .bytes = 4, .rival = rival_products},
		{.name = "sums of rows, f32", .program = SQUARE "page s : f32[N] out;\nedge s[i] <- sum[j] a[i, j];\n", .bytes = 4, .many = true, .rival = rival_rows},
		{.name = "sums of columns, f32", .program = SQUARE "page s : f32[N] out;\nedge s[j] <- sum[i] a[i, j];\n", .bytes = 4, .many = true, .rival = rival_columns},
		{.name = "expression, kept, and its sum, f32", .program = PAGE "page b : f32[N] in;\npage c : f32[N] in;\npage d : f32[N] out;\npage s : f32 out;\n"
		 "edge d[i] <- (a[i] - b[i]) * c[i] + a[i] / 2.0;\nedge s <- sum[i] d[i];\n", .bytes = 4, .rival = rival_kept}};
	size_t side = bench_env("SIDE", 4096), n = side * side;
	uint64_t state = 1;
	float *f[3], *kept = bench_alloc(n, sizeof *kept);
	double *g = bench_alloc(n, sizeof *g);
	void *to = bench_alloc(side, sizeof(value));
	if (side < 1 || n > (size_t)MOST_TILES * TILE_)
		bench_stop("SIDE is out of range");
	for (int p = 0; p < 3; p++) {
		f[p] = bench_alloc(n, sizeof *f[p]);
		for (size_t i = 0; i < n; i++)
			f[p][i] = (float)bench_unit(&state) + 1.0f;
	}
	for (size_t i = 0; i < n; i++)
		g[i] = bench_unit(&state) + 1.0;
	for (size_t k = 0; k < sizeof works / sizeof works[0]; k++)
		for (int threads = 1; threads <= 2; threads++) {
			work *w = &works[k];
			w->limit = limit;
			w->side = side;
			w->threads = threads;
			for (int p = 0; p < 3; p++)
				w->f[p] = f[p];
			w->g = g;
			w->kept = kept;
			w->to = to;
			run(w);
		}
	return 0;
}
