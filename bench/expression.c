/* expression.c - d = (a - b) * c + a / 2 over 16M f32, and its sum: k random elements of a change.
 *
 *   expression FILE.mmsbx     N in the environment
 *
 * Rivals: C that keeps the sums of blocks of 64 elements and the tree of pairs above them (the same bits), and MMSB's own evaluation of
 * everything. */
#include "bench.h"

enum { BLOCK = 64, ROUNDS = 5, SECOND = 1000000000, LEVELS = 40, MOST_CHANGES = 1 << 22 };

typedef struct sums {
	size_t n;
	float *a, *b, *c, *d;
	float *level[LEVELS];    /* 0: of blocks; each next one half as long */
	size_t length[LEVELS];
	uint8_t *dirty[LEVELS];
	uint32_t *list[LEVELS];
	uint32_t levels;
} sums;

static inline bool same(float x, float y) { return memcmp(&x, &y, sizeof x) == 0; }

static inline float element(const sums *s, size_t i) { return (s->a[i] - s->b[i]) * s->c[i] + s->a[i] / 2.0f; }

/* A whole block: adjacent pairs, in a form that compiles to vectors. */
static inline float whole_block(const float *v)
{
	float w[BLOCK / 2];
	for (uint32_t i = 0; i < 32; i++)
		w[i] = v[2 * i] + v[2 * i + 1];
	float x[16], y[8], z[4];
	for (uint32_t i = 0; i < 16; i++)
		x[i] = w[2 * i] + w[2 * i + 1];
	for (uint32_t i = 0; i < 8; i++)
		y[i] = x[2 * i] + x[2 * i + 1];
	for (uint32_t i = 0; i < 4; i++)
		z[i] = y[2 * i] + y[2 * i + 1];
	return (z[0] + z[1]) + (z[2] + z[3]);
}

static float block_sum(const sums *s, size_t block)
{
	size_t n = s->n - block * BLOCK;
	if (n >= BLOCK)
		return whole_block(s->d + block * BLOCK);
	float v[BLOCK];
	for (size_t i = 0; i < BLOCK; i++) /* what is absent is skipped, as if it were -0 */
		v[i] = i < n ? s->d[block * BLOCK + i] : -0.0f;
	return whole_block(v);
}

static float node_sum(const sums *s, uint32_t l, size_t i)
{
	const float *v = s->level[l - 1];
	return 2 * i + 1 < s->length[l - 1] ? v[2 * i] + v[2 * i + 1] : v[2 * i];
}

static void sums_make(sums *s, size_t n)
{
	float **pages[] = {&s->a, &s->b, &s->c, &s->d};
	for (int p = 0; p < 4; p++)
		*pages[p] = bench_alloc(n, sizeof(float));
	s->n = n;
	size_t length = (n + BLOCK - 1) / BLOCK;
	for (s->levels = 0;; length = (length + 1) / 2) {
		uint32_t l = s->levels++;
		s->length[l] = length;
		s->level[l] = bench_alloc(length, sizeof(float));
		s->dirty[l] = bench_alloc(length, 1);
		s->list[l] = bench_alloc(length, sizeof(uint32_t));
		if (length <= 1)
			break;
	}
}

static void sums_all(sums *s)
{
	for (size_t i = 0; i < s->n; i++)
		s->d[i] = element(s, i);
	for (size_t i = 0; i < s->length[0]; i++)
		s->level[0][i] = block_sum(s, i);
	for (uint32_t l = 1; l < s->levels; l++)
		for (size_t i = 0; i < s->length[l]; i++)
			s->level[l][i] = node_sum(s, l, i);
}

static inline void soil(sums *s, uint32_t l, size_t i, uint32_t *n)
{
	if (s->dirty[l][i])
		return;
	s->dirty[l][i] = 1;
	s->list[l][n[l]++] = (uint32_t)i;
}

static __attribute__((noinline)) void sums_epoch(sums *s, uint32_t k, const uint64_t *at, const float *to)
{
	uint32_t n[LEVELS] = {0};
	for (uint32_t i = 0; i < k; i++) {
		s->a[at[i]] = to[i];
		float d = element(s, at[i]);
		if (same(d, s->d[at[i]]))
			continue;
		s->d[at[i]] = d;
		soil(s, 0, at[i] / BLOCK, n);
	}
	for (uint32_t l = 0; l < s->levels; l++)
		for (uint32_t j = 0; j < n[l]; j++) {
			size_t i = s->list[l][j];
			float v = l == 0 ? block_sum(s, i) : node_sum(s, l, i);
			s->dirty[l][i] = 0;
			if (same(v, s->level[l][i]))
				continue;
			s->level[l][i] = v;
			if (l + 1 < s->levels)
				soil(s, l + 1, i / 2, n);
		}
}

/* ---- the run ---- */

typedef struct changes {
	uint32_t k, epochs;
	uint64_t *at, state;
	float *to;
} changes;

static void make_round(changes *x, uint32_t k, size_t n)
{
	x->k = k;
	x->epochs = 1000000 / k < 2000 ? 1000000 / k : 2000;
	x->epochs = x->epochs < 3 ? 3 : x->epochs;
	for (size_t i = 0; i < (size_t)x->epochs * k; i++) {
		x->at[i] = bench_random(&x->state) % n;
		x->to[i] = (float)(1.0 + bench_unit(&x->state));
	}
}

/* Ends the round after a second, for the rival too. */
static double run_ours(mmsb_instance *m, changes *x)
{
	samples s = {0};
	int a = mmsb_page(m, "a");
	double first = bench_ns();
	mmsb_error err;
	for (uint32_t e = 0; e < x->epochs; e++) {
		double start = bench_ns();
		bench_check(mmsb_scatter(m, a, x->k, x->at + (size_t)e * x->k, x->to + (size_t)e * x->k, &err), &err);
		bench_check(mmsb_commit(m, NULL, &err), &err);
		samples_add(&s, bench_ns() - start);
		if (bench_ns() - first > SECOND)
			x->epochs = e + 1;
	}
	double median = samples_median(&s);
	free(s.v);
	return median;
}

static double run_rival(sums *r, const changes *x)
{
	samples s = {0};
	for (uint32_t e = 0; e < x->epochs; e++) {
		double start = bench_ns();
		sums_epoch(r, x->k, x->at + (size_t)e * x->k, x->to + (size_t)e * x->k);
		samples_add(&s, bench_ns() - start);
	}
	double median = samples_median(&s);
	free(s.v);
	return median;
}

static void compare(mmsb_instance *m, const sums *r)
{
	if (!same(*(const float *)bench_data(m, "s"), r->level[r->levels - 1][0]) ||
	    memcmp(bench_data(m, "d"), r->d, r->n * sizeof(float)) != 0)
		bench_stop("expression: the bits differ");
}

static mmsb_instance *begin(const char *path, const sums *r, bool scratch)
{
	mmsb_instance *m = bench_instance(path, scratch);
	bench_param(m, "N", r->n);
	bench_write(m, "a", 0, r->n, r->a);
	bench_write(m, "b", 0, r->n, r->b);
	bench_write(m, "c", 0, r->n, r->c);
	bench_commit(m);
	return m;
}

/* Own full evaluation, of one change: the median of some epochs. */
static double whole_ns(mmsb_instance *m, size_t n, uint64_t *state)
{
	samples s = {0};
	for (uint64_t e = bench_env("WHOLE_EPOCHS", 7); e > 0; e--) {
		float to = (float)(1.0 + bench_unit(state));
		bench_write(m, "a", bench_random(state) % n, 1, &to);
		double start = bench_ns();
		bench_commit(m);
		samples_add(&s, bench_ns() - start);
	}
	double median = samples_median(&s);
	free(s.v);
	return median;
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return fprintf(stderr, "expression FILE.mmsbx\n"), 2;
	sums r = {0};
	changes x = {.state = 1, .at = bench_alloc(MOST_CHANGES, sizeof *x.at), .to = bench_alloc(MOST_CHANGES, sizeof *x.to)};
	sums_make(&r, bench_env("N", 16777216));
	for (size_t i = 0; i < r.n; i++) {
		r.a[i] = (float)(1.0 + bench_unit(&x.state));
		r.b[i] = (float)bench_unit(&x.state);
		r.c[i] = (float)(2.0 * bench_unit(&x.state) - 1.0);
	}
	sums_all(&r);
	mmsb_instance *m = begin(argv[1], &r, false), *whole = begin(argv[1], &r, true);
	for (uint32_t k = (uint32_t)bench_env("LEAST_K", 1), most = (uint32_t)bench_env("MOST_K", 1000000); k <= most && k <= r.n; k *= 10) {
		samples a = {0}, b = {0}, w = {0};
		for (int round = 0; round < ROUNDS; round++) {
			make_round(&x, k, r.n);
			samples_add(&a, run_ours(m, &x));
			samples_add(&b, run_rival(&r, &x));
			samples_add(&w, whole_ns(whole, r.n, &x.state));
			compare(m, &r);
		}
		double us = samples_median(&a), c = samples_median(&b), all = samples_median(&w);
		printf("| expression and sum, %zu f32, k = %u | %.2f us | C blocks %.2f us; own whole %.1f ms | C %.2f; whole %.0f times | %s |\n", r.n, k,
		       us / 1e3, c / 1e3, all / 1e6, us / c, all / us,
		       k == 1 ? "whole at least 5,000 times" : k == 1000 ? "C at most 2" : "");
		fflush(stdout);
	}
	mmsb_instance_free(m);
	mmsb_instance_free(whole);
	return 0;
}
