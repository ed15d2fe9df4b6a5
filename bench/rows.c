/* rows.c - products of a sparse matrix and a vector: all of the vector changes in each epoch, and all of the product is evaluated.
 *
 *   rows rmat|grid SIZE THREADS PLUS_TIMES.mmsbx MIN_PLUS.mmsbx OR_AND.mmsbx
 *
 * Rival: C over rows (CSR), from left to right, with as many threads. The results of min_plus and or_and are compared bit by bit; sums, which
 * are added in another order, to 1e-12 of their size. What GraphBLAS takes is found by graphblas_rows.py, for which ARCS names a file. */
#include <math.h>

#include "arcs.h"
#include "bench.h"

enum { ROUNDS = 15 };

typedef struct csr {
	uint32_t n;
	size_t *row;
	uint32_t *col;
	double *value;
	int threads;
} csr;

static int by_row(const void *a, const void *b)
{
	const change *x = a, *y = b;
	return x->from != y->from ? (x->from > y->from) - (x->from < y->from) : (x->to > y->to) - (x->to < y->to);
}

static csr make_csr(roads *r, int threads)
{
	csr a = {r->n, bench_alloc(r->n + 1, sizeof *a.row), bench_alloc(r->n_there, 4), bench_alloc(r->n_there, 8), threads};
	qsort(r->arcs, r->n_there, sizeof *r->arcs, by_row);
	for (size_t i = 0; i < r->n_there; i++) {
		a.row[r->arcs[i].from + 1]++;
		a.col[i] = r->arcs[i].to;
		a.value[i] = r->arcs[i].length;
	}
	for (uint32_t i = 0; i < r->n; i++)
		a.row[i + 1] += a.row[i];
	return a;
}

static void plus_times(const csr *a, const void *px, void *py)
{
	const double *x = px;
	double *y = py;
#pragma omp parallel for schedule(dynamic, 1024) num_threads(a->threads)
	for (uint32_t i = 0; i < a->n; i++) {
		double sum = 0;
		for (size_t e = a->row[i]; e < a->row[i + 1]; e++)
			sum += a->value[e] * x[a->col[e]];
		y[i] = sum;
	}
}

static void min_plus(const csr *a, const void *px, void *py)
{
	const double *x = px;
	double *y = py;
#pragma omp parallel for schedule(dynamic, 1024) num_threads(a->threads)
	for (uint32_t i = 0; i < a->n; i++) {
		double least = INFINITY;
		for (size_t e = a->row[i]; e < a->row[i + 1]; e++) {
			double v = a->value[e] + x[a->col[e]];
			least = v < least ? v : least;
		}
		y[i] = least;
	}
}

static void or_and(const csr *a, const void *px, void *py)
{
	const uint8_t *x = px;
	uint8_t *y = py;
#pragma omp parallel for schedule(dynamic, 1024) num_threads(a->threads)
	for (uint32_t i = 0; i < a->n; i++) {
		uint8_t any = 0;
		for (size_t e = a->row[i]; e < a->row[i + 1] && !any; e++)
			any = x[a->col[e]];
		y[i] = any;
	}
}

static mmsb_instance *begin(const char *path, const roads *r, int threads, bool values)
{
	mmsb_options options = {.size = sizeof options, .threads = threads, .scratch = 1};
	mmsb_schedule *schedule;
	mmsb_instance *m;
	mmsb_error err;
	uint64_t *row = bench_alloc(r->n_there, 8), *col = bench_alloc(r->n_there, 8);
	double *value = bench_alloc(r->n_there, 8);
	bench_check(mmsb_schedule_open(&schedule, path, &err), &err);
	bench_check(mmsb_instance_new(&m, schedule, &options, &err), &err);
	mmsb_schedule_close(schedule);
	bench_param(m, "N", r->n);
	for (size_t i = 0; i < r->n_there; i++) {
		row[i] = r->arcs[i].from;
		col[i] = r->arcs[i].to;
		value[i] = r->arcs[i].length;
	}
	bench_check(mmsb_insert(m, mmsb_page(m, "A"), r->n_there, row, col, values ? value : NULL, &err), &err);
	free(row);
	free(col);
	free(value);
	return m;
}

/* Another vector in each round: one in 1,000 is marked of bools. */
static void *make_vector(const roads *r, bool marks, uint64_t *state)
{
	double *x = bench_alloc(r->n, 8);
	for (uint32_t i = 0; i < r->n; i++) {
		double u = bench_unit(state);
		if (marks)
			((uint8_t *)x)[i] = u < 0.001;
		else
			x[i] = u;
	}
	return x;
}

static void compare(const void *ours, const void *theirs, uint32_t n, bool sums, size_t bytes)
{
	const double *a = ours, *b = theirs;
	for (uint32_t i = 0; i < n && sums; i++)
		if (!(fabs(a[i] - b[i]) <= 1e-12 * fabs(b[i])))
			bench_stop("rows: the sums differ");
	if (!sums && memcmp(ours, theirs, n * bytes) != 0)
		bench_stop("rows: the results differ");
}

static void measure(const char *graph, const char *name, const char *path, const roads *r, const csr *a, void (*rival)(const csr *, const void *, void *))
{
	bool marks = strcmp(name, "or_and") == 0, sums = strcmp(name, "plus_times") == 0;
	mmsb_instance *m = begin(path, r, a->threads, !marks);
	void *y = bench_alloc(r->n, 8);
	samples ours = {0}, theirs = {0};
	uint64_t state = 5;
	for (int round = 0; round < ROUNDS + 3; round++) { /* the first ones warm up */
		void *x = make_vector(r, marks, &state);
		bench_write(m, "x", 0, r->n, x);
		double start = bench_ns();
		bench_commit(m);
		double between = bench_ns();
		rival(a, x, y);
		double end = bench_ns();
		if (round >= 3) {
			samples_add(&ours, between - start);
			samples_add(&theirs, end - between);
		}
		compare(bench_data(m, "y"), y, r->n, sums, marks ? 1 : 8);
		free(x);
	}
	double mine = samples_at(&ours, 0), c = samples_at(&theirs, 0);
	printf("| %s, %s, %d thread%s | %.2f ms | C over rows %.2f ms | %.2f | |\n", name, graph, a->threads, a->threads > 1 ? "s" : "", mine / 1e6, c / 1e6, mine / c);
	fflush(stdout);
	free(y);
	mmsb_instance_free(m);
}

static void write_arcs(const roads *r)
{
	const char *path = getenv("ARCS");
	FILE *f = path ? fopen(path, "wb") : NULL;
	uint64_t n[2] = {r->n, r->n_there};
	if (path && (!f || fwrite(n, sizeof n, 1, f) != 1 || fwrite(r->arcs, sizeof *r->arcs, r->n_there, f) != r->n_there || fclose(f)))
		bench_stop("rows: the graph cannot be written");
}

int main(int argc, char **argv)
{
	if (argc != 7)
		return fprintf(stderr, "rows rmat|grid SIZE THREADS PLUS_TIMES.mmsbx MIN_PLUS.mmsbx OR_AND.mmsbx\n"), 2;
	bool grid = strcmp(argv[1], "grid") == 0;
	uint32_t size = (uint32_t)strtoul(argv[2], NULL, 10);
	roads r = {.state = 1};
	char name[64];
	snprintf(name, sizeof name, grid ? "grid %u" : "R-MAT-%u", size);
	if (grid)
		make_grid(&r, size);
	else
		make_rmat(&r, size, 16);
	csr a = make_csr(&r, (int)strtol(argv[3], NULL, 10));
	write_arcs(&r);
	measure(name, "plus_times", argv[4], &r, &a, plus_times);
	measure(name, "min_plus", argv[5], &r, &a, min_plus);
	measure(name, "or_and", argv[6], &r, &a, or_and);
	return 0;
}
