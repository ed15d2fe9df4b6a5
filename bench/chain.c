/* chain.c - 1,000 derived scalars, each `out`; the source changes; from staged to published.
 *
 *   chain FILE.mmsbx N        FILE from chain.awk
 *
 * Rivals: the way such graphs are written by hand in C, nodes with function pointers, dirty flags and a queue by height; and a task of
 * OpenMP for each node. */
#include "bench.h"

enum { ROUNDS = 7, EPOCHS = 2000, TASK_EPOCHS = 20 };

/* ---- the rival: nodes ---- */

typedef struct node {
	double value;
	double (*evaluate)(const struct node *);
	struct node **in, **out;
	struct node *next; /* in the queue */
	uint32_t n_in, n_out, height;
	bool dirty;
} node;

typedef struct graph {
	node *nodes;
	node **queue; /* by height */
	uint32_t n, lowest, highest;
} graph;

static double step(const node *v) { return v->in[0]->value * 0.999 + 1.0; }

static void graph_make(graph *g, uint32_t n)
{
	*g = (graph){bench_alloc(n + 1, sizeof(node)), bench_alloc(n + 2, sizeof(node *)), n + 1, n + 1, 0};
	node **links = bench_alloc(2 * (size_t)n + 2, sizeof *links);
	for (uint32_t i = 0; i <= n; i++) {
		node *v = &g->nodes[i];
		v->height = i;
		if (i > 0) {
			v->evaluate = step;
			v->in = links + 2 * i;
			v->in[0] = &g->nodes[i - 1];
			v->n_in = 1;
		}
		if (i < n) {
			v->out = links + 2 * i + 1;
			v->out[0] = &g->nodes[i + 1];
			v->n_out = 1;
		}
	}
}

static void mark(graph *g, node *v)
{
	if (v->dirty)
		return;
	v->dirty = true;
	v->next = g->queue[v->height];
	g->queue[v->height] = v;
	g->lowest = v->height < g->lowest ? v->height : g->lowest;
	g->highest = v->height > g->highest ? v->height : g->highest;
}

static void assign(graph *g, node *v, double value)
{
	if (memcmp(&v->value, &value, sizeof value) == 0)
		return;
	v->value = value;
	for (uint32_t i = 0; i < v->n_out; i++)
		mark(g, v->out[i]);
}

static __attribute__((noinline)) void graph_epoch(graph *g, double source)
{
	assign(g, &g->nodes[0], source);
	for (uint32_t h = g->lowest; h <= g->highest; h++) {
		while (g->queue[h]) {
			node *v = g->queue[h];
			g->queue[h] = v->next;
			v->dirty = false;
			assign(g, v, v->evaluate(v));
		}
	}
	g->lowest = g->n;
	g->highest = 0;
}

/* ---- the rival: tasks ---- */

static __attribute__((noinline)) void task_epoch(double *v, uint32_t n, double source, int threads)
{
	v[0] = source;
#pragma omp parallel num_threads(threads)
#pragma omp single
	for (uint32_t i = 1; i <= n; i++) {
#pragma omp task depend(in : v[i - 1]) depend(out : v[i]) firstprivate(i)
		v[i] = v[i - 1] * 0.999 + 1.0;
	}
}

/* ---- both ---- */

static double source_of(uint64_t epoch) { return 1.0 + (double)(epoch % 1000) / 7.0; }

static void compare(mmsb_instance *m, const graph *g)
{
	for (uint32_t i = 0; i < g->n; i++) {
		char name[32];
		snprintf(name, sizeof name, "p%u", i);
		if (memcmp(bench_data(m, name), &g->nodes[i].value, sizeof(double)) != 0)
			bench_stop("chain: the answers differ");
	}
}

static double ours(mmsb_instance *m, uint64_t *epoch)
{
	samples s = {0};
	int page = mmsb_page(m, "p0");
	mmsb_error err;
	for (int e = 0; e < EPOCHS; e++) {
		double x = source_of((*epoch)++), start = bench_ns();
		bench_check(mmsb_write(m, page, 0, 1, &x, &err), &err);
		bench_commit(m);
		samples_add(&s, bench_ns() - start);
	}
	double median = samples_median(&s);
	free(s.v);
	return median;
}

static double nodes(graph *g, uint64_t *epoch)
{
	samples s = {0};
	for (int e = 0; e < EPOCHS; e++) {
		double x = source_of((*epoch)++), start = bench_ns();
		graph_epoch(g, x);
		samples_add(&s, bench_ns() - start);
	}
	double median = samples_median(&s);
	free(s.v);
	return median;
}

static double tasks(double *v, uint32_t n, int threads)
{
	samples s = {0};
	for (int e = 0; e < TASK_EPOCHS; e++) {
		double start = bench_ns();
		task_epoch(v, n, source_of((uint64_t)e), threads);
		samples_add(&s, bench_ns() - start);
	}
	double median = samples_median(&s);
	free(s.v);
	return median;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return fprintf(stderr, "chain FILE.mmsbx N\n"), 2;
	uint32_t n = (uint32_t)strtoul(argv[2], NULL, 10);
	mmsb_instance *m = bench_instance(argv[1], false);
	bench_commit(m);
	graph g;
	graph_make(&g, n);
	for (uint32_t i = 1; i <= n; i++) /* as after epoch 1 */
		g.nodes[i].value = step(&g.nodes[i]);
	double *v = bench_alloc(n + 1, sizeof *v);
	samples a = {0}, b = {0}, t1 = {0}, t2 = {0};
	uint64_t mine = 0, theirs = 0;
	for (int round = 0; round < ROUNDS; round++) {
		samples_add(&a, ours(m, &mine));
		samples_add(&b, nodes(&g, &theirs));
		compare(m, &g);
		samples_add(&t1, tasks(v, n, 1));
		samples_add(&t2, tasks(v, n, 2));
	}
	double us = samples_median(&a), c = samples_median(&b);
	printf("| chain, %u scalar pages | %.1f us (%.1f ns a hop) | C nodes %.1f us (%.1f ns a hop) | %.2f | at most 6, 60 ns a hop |\n", n,
	       us / 1e3, us / n, c / 1e3, c / n, us / c);
	for (int k = 1; k <= 2; k++) {
		double t = samples_median(k == 1 ? &t1 : &t2);
		printf("| the same | %.1f us | OpenMP tasks, %d thread%s %.1f us (%.1f ns a hop) | %.2f | |\n", us / 1e3, k, k > 1 ? "s" : "",
		       t / 1e3, t / n, us / t);
	}
	mmsb_instance_free(m);
	return 0;
}
