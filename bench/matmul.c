/* matmul.c - the product of two matrices by native code, every epoch evaluated whole, beside OpenBLAS on as many threads.
 *
 *   matmul f32.mmsb f64.mmsb     SIDE in the environment; OPENBLAS: the path of the library, else the loader's libopenblas.so.0
 *
 * OpenBLAS adds in an order of its own, and multiplies and adds by one operation: its values are compared to within rounding. The bits are compared with those of
 * plain C in the order of the language. The limit without such operations is twice the time in which OpenBLAS keeps all units at work. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>

#include "program.h"

enum { ROUNDS = 9, ROW_MAJOR = 101, PLAIN = 111 };

/* With indices of 32 bits, and (NumPy's own library) of 64. */
typedef void sgemm32(int, int, int, int, int, int, float, const float *, int, const float *, int, float, float *, int);
typedef void dgemm32(int, int, int, int, int, int, double, const double *, int, const double *, int, double, double *, int);
typedef void sgemm64(int, int, int, int64_t, int64_t, int64_t, float, const float *, int64_t, const float *, int64_t, float, float *, int64_t);
typedef void dgemm64(int, int, int, int64_t, int64_t, int64_t, double, const double *, int64_t, const double *, int64_t, double, double *, int64_t);

typedef struct blas {
	void *library;
	sgemm32 *s32;
	dgemm32 *d32;
	sgemm64 *s64;
	dgemm64 *d64;
} blas;

typedef struct work {
	bool wide;
	size_t n;
	int threads;
	void *a, *b, *c;
	const blas *rival;
} work;

/* to: a pointer to a function, NULL where there is none of that name. */
static void find(void *library, const char *plain, const char *numpy, void *to)
{
	void *at = dlsym(library, plain);
	if (!at && numpy)
		at = dlsym(library, numpy);
	memcpy(to, &at, sizeof at);
}

/* False: it is not there. */
static bool blas_open(blas *b)
{
	const char *path = getenv("OPENBLAS");
	b->library = dlopen(path && *path ? path : "libopenblas.so.0", RTLD_NOW);
	if (!b->library)
		return false;
	find(b->library, "cblas_sgemm", NULL, &b->s32);
	find(b->library, "cblas_dgemm", NULL, &b->d32);
	find(b->library, "cblas_sgemm64_", "scipy_cblas_sgemm64_", &b->s64);
	find(b->library, "cblas_dgemm64_", "scipy_cblas_dgemm64_", &b->d64);
	return (b->s32 && b->d32) || (b->s64 && b->d64);
}

static void blas_threads(const blas *b, int threads)
{
	void (*set)(int);
	find(b->library, "openblas_set_num_threads", "scipy_openblas_set_num_threads64_", &set);
	if (set)
		set(threads);
}

static void rival(const work *w)
{
	const blas *b = w->rival;
	int n = (int)w->n;
	if (w->wide && b->d32)
		b->d32(ROW_MAJOR, PLAIN, PLAIN, n, n, n, 1, w->a, n, w->b, n, 0, w->c, n);
	else if (w->wide)
		b->d64(ROW_MAJOR, PLAIN, PLAIN, n, n, n, 1, w->a, n, w->b, n, 0, w->c, n);
	else if (b->s32)
		b->s32(ROW_MAJOR, PLAIN, PLAIN, n, n, n, 1, w->a, n, w->b, n, 0, w->c, n);
	else
		b->s64(ROW_MAJOR, PLAIN, PLAIN, n, n, n, 1, w->a, n, w->b, n, 0, w->c, n);
}

/* The tree over n >= 1 products, plainly. */
#define TREE(T)                                                                                              \
	static T tree_##T(const T *a, const T *b, size_t apart, size_t n)                                    \
	{                                                                                                    \
		size_t half = 1;                                                                             \
		if (n == 1)                                                                                  \
			return a[0] * b[0];                                                                  \
		while (half * 2 < n)                                                                         \
			half *= 2;                                                                           \
		return tree_##T(a, b, apart, half) + tree_##T(a + half, b + half * apart, apart, n - half);  \
	}
TREE(float)
TREE(double)

static void compare(const work *w, mmsb_instance *m)
{
	size_t n = w->n, bytes = w->wide ? sizeof(double) : sizeof(float);
	const char *mine = bench_data(m, "C");
	double most = (w->wide ? 0x1p-52 : 0x1p-23) * (double)n;
	for (size_t i = 0; w->rival && i < n * n; i++) {
		double x = w->wide ? ((const double *)(const void *)mine)[i] : (double)((const float *)(const void *)mine)[i];
		double y = w->wide ? ((double *)w->c)[i] : (double)((float *)w->c)[i];
		if (fabs(x - y) > most * fmax(1, fabs(y)))
			bench_stop("the rival's product is another one");
	}
	for (size_t k = 0; k < n * n; k += k % n == 0 ? 1 : 61) { /* the first column, and many others */
		size_t i = k / n, j = k % n;
		double x = w->wide ? tree_double((double *)w->a + i * n, (double *)w->b + j, n, n) : 0;
		float y = w->wide ? 0 : tree_float((float *)w->a + i * n, (float *)w->b + j, n, n);
		if (memcmp(mine + k * bytes, w->wide ? (void *)&x : (void *)&y, bytes) != 0)
			bench_stop("an element has not the bits of the documented order");
	}
}

static mmsb_instance *instance(const work *w, const char *path)
{
	mmsb_instance *m = bench_instance_of(bench_program_file(path, true), w->threads, true);
	for (const char *const *size = (const char *const[]){"M", "N", "K", NULL}; *size; size++)
		bench_param(m, *size, w->n);
	bench_write(m, "A", 0, w->n * w->n, w->a);
	bench_write(m, "B", 0, w->n * w->n, w->b);
	return m;
}

static void run(work *w, const char *path)
{
	samples times[2] = {{0}};
	mmsb_instance *m = instance(w, path);
	bench_commit(m);
	for (size_t round = 0; round < ROUNDS; round++) {
		bench_write(m, "A", 0, 1, (const char *)w->a + (round + 1 < ROUNDS ? (round & 1) * (w->wide ? 8 : 4) : 0));
		double start = bench_ns();
		bench_commit(m);
		samples_add(&times[0], bench_ns() - start);
		start = bench_ns();
		if (w->rival)
			rival(w);
		samples_add(&times[1], bench_ns() - start);
	}
	compare(w, m);
	double mine = samples_median(&times[0]), other = samples_median(&times[1]), flops = 2 * (double)w->n * (double)w->n * (double)w->n;
	printf("| matmul, %zu x %zu x %zu %s, %d thread%s | %.1f ms (%.0f GF/s) | ", w->n, w->n, w->n, w->wide ? "f64" : "f32", w->threads, w->threads > 1 ? "s" : "",
	       mine / 1e6, flops / mine);
	if (w->rival)
		printf("OpenBLAS %.1f ms (%.0f GF/s) | %.2f | at most 2.2; without fma 2.0 |\n", other / 1e6, flops / other, mine / other);
	else
		printf("OpenBLAS is not installed | | at most 2.2 |\n");
	mmsb_instance_free(m);
	free(times[0].v);
	free(times[1].v);
}

static void fill(work *w)
{
	uint64_t state = 1;
	size_t n = w->n * w->n, bytes = w->wide ? sizeof(double) : sizeof(float);
	void **to[3] = {&w->a, &w->b, &w->c};
	for (int p = 0; p < 3; p++) {
		*to[p] = bench_alloc(n, bytes);
		for (size_t i = 0; i < n && p < 2; i++)
			if (w->wide)
				((double *)*to[p])[i] = bench_unit(&state) - 0.5;
			else
				((float *)*to[p])[i] = (float)bench_unit(&state) - 0.5f;
	}
}

int main(int argc, char **argv)
{
	blas library = {0};
	if (argc != 3)
		bench_stop("usage: matmul f32.mmsb f64.mmsb");
	bool there = blas_open(&library);
	for (int i = 0; i < 4; i++) {
		work w = {.wide = i >= 2, .n = bench_env("SIDE", 1024), .threads = i % 2 + 1, .rival = there ? &library : NULL};
		if (there)
			blas_threads(&library, w.threads);
		fill(&w);
		run(&w, argv[1 + w.wide]);
		free(w.a);
		free(w.b);
		free(w.c);
	}
	return 0;
}
