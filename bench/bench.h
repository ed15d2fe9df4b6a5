/* bench.h - what the benchmarks share: the clock, medians, random numbers, sizes from the environment, an instance.
 *
 * A benchmark runs MMSB and its rivals by turns in one process (A B A B ...), checks that they give the same answers, and prints rows of
 * Markdown. Where something fails it says so and exits: figures of a broken run are none. */
#ifndef MMSB_BENCH_H
#define MMSB_BENCH_H

#include <mmsb.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static inline double bench_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* What the process has computed, all threads together: for work that waits for nothing, where other programs run beside it. */
static inline double bench_cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static inline _Noreturn void bench_stop(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

static inline void bench_check(int status, const mmsb_error *err)
{
	if (status)
		bench_stop(err->message);
}

static inline void *bench_alloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);
	if (!p)
		bench_stop("out of memory");
	return p;
}

/* A size that the environment may change. */
static inline uint64_t bench_env(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

/* ---- random numbers: splitmix64 ---- */

static inline uint64_t bench_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static inline double bench_unit(uint64_t *state) { return (double)(bench_random(state) >> 11) * 0x1p-53; }

/* ---- samples ---- */

typedef struct samples {
	double *v;
	size_t n, capacity;
} samples;

static inline void samples_add(samples *s, double v)
{
	if (s->n == s->capacity) {
		s->capacity = s->capacity * 2 + 64;
		s->v = realloc(s->v, s->capacity * sizeof *s->v);
		if (!s->v)
			bench_stop("out of memory");
	}
	s->v[s->n++] = v;
}

static inline int samples_order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* The value that a share q of the samples does not exceed. Sorts them. */
static inline double samples_at(samples *s, double q)
{
	if (s->n == 0)
		return 0;
	qsort(s->v, s->n, sizeof *s->v, samples_order);
	double at = q * (double)(s->n - 1);
	return s->v[(size_t)(at + 0.5)];
}

static inline double samples_median(samples *s) { return samples_at(s, 0.5); }

/* ---- instances ---- */

/* An instance of a compiled program; sizes and values are still to be given. */
static inline mmsb_instance *bench_instance_with(const char *path, const mmsb_options *options)
{
	mmsb_schedule *schedule;
	mmsb_instance *m;
	mmsb_error err;
	bench_check(mmsb_schedule_open(&schedule, path, &err), &err);
	bench_check(mmsb_instance_new(&m, schedule, options, &err), &err);
	mmsb_schedule_close(schedule);
	return m;
}

/* The same on one thread. */
static inline mmsb_instance *bench_instance_on(const char *path, bool scratch, int executor)
{
	mmsb_options options = {.size = sizeof options, .threads = 1, .scratch = scratch, .executor = executor};
	return bench_instance_with(path, &options);
}

static inline mmsb_instance *bench_instance(const char *path, bool scratch) { return bench_instance_on(path, scratch, 0); }

static inline void bench_param(mmsb_instance *m, const char *name, uint64_t value)
{
	mmsb_error err;
	bench_check(mmsb_set_param(m, name, (double)value, &err), &err);
}

static inline void bench_write(mmsb_instance *m, const char *page, size_t first, size_t n, const void *values)
{
	mmsb_error err;
	bench_check(mmsb_write(m, mmsb_page(m, page), first, n, values, &err), &err);
}

static inline void bench_commit(mmsb_instance *m)
{
	mmsb_error err;
	bench_check(mmsb_commit(m, NULL, &err), &err);
}

static inline const void *bench_data(mmsb_instance *m, const char *page) { return mmsb_data(m, mmsb_page(m, page)); }

/* Both have the same state. */
static inline void bench_same_state(mmsb_instance *a, mmsb_instance *b)
{
	char x[33], y[33];
	mmsb_error err;
	bench_check(mmsb_digest(a, x, &err), &err);
	bench_check(mmsb_digest(b, y, &err), &err);
	if (strcmp(x, y) != 0)
		bench_stop("propagated and evaluated whole, the states differ");
}

#endif
