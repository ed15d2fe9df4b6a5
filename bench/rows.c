/* rows.c - products of a sparse matrix and a vector, and PageRank. Little changes in each epoch, and everything is evaluated.
 *
 *   rows rmat|grid SIZE THREADS PLUS_TIMES.mmsbx MIN_PLUS.mmsbx OR_AND.mmsbx PAGERANK.mmsbx
 *
 * A program that is named - is left out.
 *
 * Rival: C over rows (of PageRank: over columns), from left to right, with as many threads. The results of min_plus and or_and are compared bit
 * by bit; sums, which are added in another order, to 1e-12 of their size. What GraphBLAS takes is found by graphblas_rows.py, for which ARCS
 * names a file. */
#include <math.h>

#include "arcs.h"
#include "bench.h"

enum { TURNS = 3, ROUNDS = 8, RANK_ROUNDS = 20, RANK_EPOCHS = 5 };

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

/* Of arcs in the order of rows. Of rows; or of columns, where `col` has the row of an entry. */
static csr make_csr(roads *r, int threads, bool columns)
{
	csr a = {r->n, bench_alloc(r->n + 1, sizeof *a.row), bench_alloc(r->n_there, 4), bench_alloc(r->n_there, 8), threads};
	for (size_t i = 0; i < r->n_there; i++)
		a.row[(columns ? r->arcs[i].to : r->arcs[i].from) + 1]++;
	for (uint32_t i = 0; i < r->n; i++)
		a.row[i + 1] += a.row[i];
	size_t *at = bench_alloc(r->n, sizeof *at);
	memcpy(at, a.row, r->n * sizeof *at);
	for (size_t i = 0; i < r->n_there; i++) {
		const change *c = &r->arcs[i];
		size_t e = at[columns ? c->to : c->from]++;
		a.col[e] = columns ? c->from : c->to;
		a.value[e] = c->length;
	}
	free(at);
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

/* One in 1,000 is marked of bools. */
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

static void turn_over(void *x, uint32_t i, bool marks)
{
	uint8_t *mark = x;
	double *value = x;
	if (marks)
		mark[i] = !mark[i];
	else
		value[i] = 1 - value[i];
}

static void change_element(mmsb_instance *m, void *x, uint32_t i, bool marks)
{
	turn_over(x, i, marks);
	bench_write(m, "x", i, 1, (const uint8_t *)x + i * (marks ? 1 : sizeof(double)));
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

/* The least of both. */
static void print(const char *name, const char *graph, int threads, samples *ours, const char *besides, samples *theirs)
{
	double mine = samples_at(ours, 0), c = samples_at(theirs, 0);
	printf("| %s, %s, %d thread%s | %.2f ms%s | C %.2f ms | %.2f | |\n", name, graph, threads, threads > 1 ? "s" : "", mine / 1e6, besides, c / 1e6, mine / c);
	fflush(stdout);
}

typedef struct product {
	bool sums, marks;
	mmsb_instance *m;
	void *x, *y;            /* the rival's */
	uint64_t state;
} product;

/* all: the whole vector is another one, which takes time to be applied. */
static double one_epoch(product *p, const roads *r, bool all)
{
	for (uint32_t i = 0; all && i < r->n; i++)
		turn_over(p->x, i, p->marks);
	if (all)
		bench_write(p->m, "x", 0, r->n, p->x);
	else
		change_element(p->m, p->x, (uint32_t)(bench_random(&p->state) % r->n), p->marks);
	double start = bench_ns();
	bench_commit(p->m);
	return bench_ns() - start;
}

/* Some epochs, then as many runs of the rival, by turns: each finds in the caches what it left there, as the rival that is measured by itself does. The
 * first of each turn warms up. */
static void rounds(product *p, const roads *r, const csr *a, bool all, void (*rival)(const csr *, const void *, void *), samples *ours, samples *theirs)
{
	for (int turn = 0; turn < TURNS; turn++) {
		for (int round = 0; round < ROUNDS; round++) {
			double time = one_epoch(p, r, all);
			if (round >= 2)
				samples_add(ours, time);
		}
		for (int round = 0; round < ROUNDS; round++) {
			double start = bench_ns();
			rival(a, p->x, p->y);
			if (round >= 2)
				samples_add(theirs, bench_ns() - start);
		}
		compare(bench_data(p->m, "y"), p->y, r->n, p->sums, p->marks ? 1 : 8);
	}
}

static void measure(const char *graph, const char *name, const char *path, const roads *r, const csr *a, void (*rival)(const csr *, const void *, void *))
{
	product p = {.sums = strcmp(name, "plus_times") == 0, .marks = strcmp(name, "or_and") == 0, .state = 5};
	samples ours = {0}, theirs = {0}, whole = {0};
	char text[64];
	if (strcmp(path, "-") == 0)
		return;
	p.m = begin(path, r, a->threads, !p.marks);
	p.x = make_vector(r, p.marks, &p.state);
	p.y = bench_alloc(r->n, 8);
	bench_write(p.m, "x", 0, r->n, p.x);
	bench_commit(p.m);
	rounds(&p, r, a, false, rival, &ours, &theirs);
	rounds(&p, r, a, true, rival, &whole, &theirs);
	snprintf(text, sizeof text, " (with a new vector %.2f ms)", samples_at(&whole, 0) / 1e6);
	print(name, graph, a->threads, &ours, text, &theirs);
	free(p.x);
	free(p.y);
	mmsb_instance_free(p.m);
}

/* ---- PageRank ---- */

static void page_rank(const csr *into, const double *out, double *rank, double *share)
{
	double n = into->n;
	for (uint32_t v = 0; v < into->n; v++)
		rank[v] = 1 / n;
	for (int round = 0; round < RANK_ROUNDS; round++) {
		double dangling = 0;
#pragma omp parallel for reduction(+ : dangling) num_threads(into->threads)
		for (uint32_t v = 0; v < into->n; v++) {
			dangling += out[v] > 0 ? 0 : rank[v];
			share[v] = rank[v] / out[v]; /* of those without arcs nobody reads it */
		}
		double all = 0.15 / n + 0.85 * dangling / n;
#pragma omp parallel for schedule(dynamic, 1024) num_threads(into->threads)
		for (uint32_t v = 0; v < into->n; v++) {
			double sum = 0;
			for (size_t e = into->row[v]; e < into->row[v + 1]; e++)
				sum += share[into->col[e]];
			rank[v] = all + 0.85 * sum;
		}
	}
}

/* For graphblas_rows.py. */
static void write_arcs(const roads *r, const double *rank)
{
	const char *path = getenv("ARCS");
	FILE *f = path ? fopen(path, "wb") : NULL;
	uint64_t n[2] = {r->n, r->n_there};
	if (path && (!f || fwrite(n, sizeof n, 1, f) != 1 || fwrite(r->arcs, sizeof *r->arcs, r->n_there, f) != r->n_there ||
	             fwrite(rank, sizeof *rank, r->n, f) != r->n || fclose(f)))
		bench_stop("rows: the graph cannot be written");
}

/* An epoch goes on from the ranks of the one before, so that only the first has those of the rival; the others, in each of which an arc goes or
 * comes back, have as many rounds and take as long. */
static void measure_ranks(const char *graph, const char *path, roads *r, int threads)
{
	csr into = make_csr(r, threads, true);
	double *rank = bench_alloc(r->n, 8), *share = bench_alloc(r->n, 8), *out = bench_alloc(r->n, 8);
	for (size_t i = 0; i < r->n_there; i++)
		out[r->arcs[i].from]++;
	mmsb_instance *m = begin(path, r, threads, false);
	mmsb_error err;
	int page = mmsb_page(m, "A");
	uint64_t from = r->arcs[0].from, to = r->arcs[0].to;
	samples ours = {0}, theirs = {0};
	bench_commit(m);
	page_rank(&into, out, rank, share);
	compare(bench_data(m, "rank"), rank, r->n, true, 8);
	write_arcs(r, bench_data(m, "rank"));
	for (int epoch = 0; epoch < 2 * RANK_EPOCHS; epoch++) {
		bench_check(epoch % 2 == 0 ? mmsb_erase(m, page, 1, &from, &to, &err) : mmsb_insert(m, page, 1, &from, &to, NULL, &err), &err);
		double start = bench_ns();
		bench_commit(m);
		double between = bench_ns();
		page_rank(&into, out, rank, share);
		samples_add(&ours, between - start);
		samples_add(&theirs, bench_ns() - between);
	}
	print("PageRank, 20 rounds", graph, threads, &ours, "", &theirs);
	free(rank);
	free(share);
	free(out);
	mmsb_instance_free(m);
}

int main(int argc, char **argv)
{
	if (argc != 8)
		return fprintf(stderr, "rows rmat|grid SIZE THREADS PLUS_TIMES.mmsbx MIN_PLUS.mmsbx OR_AND.mmsbx PAGERANK.mmsbx\n"), 2;
	bool grid = strcmp(argv[1], "grid") == 0;
	uint32_t size = (uint32_t)strtoul(argv[2], NULL, 10);
	roads r = {.state = 1};
	char name[64];
	snprintf(name, sizeof name, grid ? "grid %u" : "R-MAT-%u", size);
	if (grid)
		make_grid(&r, size);
	else
		make_rmat(&r, size, 16);
	qsort(r.arcs, r.n_there, sizeof *r.arcs, by_row);
	csr a = make_csr(&r, (int)strtol(argv[3], NULL, 10), false);
	measure(name, "plus_times", argv[4], &r, &a, plus_times);
	measure(name, "min_plus", argv[5], &r, &a, min_plus);
	measure(name, "or_and", argv[6], &r, &a, or_and);
	if (strcmp(argv[7], "-") != 0)
		measure_ranks(name, argv[7], &r, a.threads);
	return 0;
}
