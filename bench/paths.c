/* paths.c - shortest paths by an exact fixpoint: k random arcs get another length, come or go.
 *
 *   paths FILE.mmsbx rmat SCALE     2^SCALE vertices, 16 arcs a vertex
 *   paths FILE.mmsbx grid SIDE      SIDE x SIDE, arcs both ways between neighbours
 *
 * More files may follow: programs over the graph as a sparse page A of bool, each evaluated whole, for graphblas_paths.py to compare.
 *
 * Rivals: a repair in C (digraph.h), the same with what MMSB promises besides, Dijkstra and delta-stepping from scratch, and MMSB's own evaluation of everything. The distances of
 * all are compared bit by bit. Before that, the repair is checked against Dijkstra on small graphs with lengths of zero, and such as
 * rounding absorbs. */
#include <math.h>

#include "arcs.h"
#include "bench.h"

enum { ROUNDS = 5, SECOND = 1000000000, MOST_EPOCHS = 1000, WHOLE_EPOCHS = 100, PATTERN_EPOCHS = 10 };
#define WHOLE_TIME 1e9 /* ns of evaluating whole, in each round */

/* ---- changes ---- */

static void swap_arcs(roads *r, size_t i, size_t j)
{
	change c = r->arcs[i];
	r->arcs[i] = r->arcs[j];
	r->arcs[j] = c;
}

/* k different arcs: for a half another length, for a quarter gone, for a quarter back. */
static void make_epoch(roads *r, change *c, double (*length)(uint64_t *))
{
	size_t taken = 0, gone = 0, back = 0, there = r->n_there;
	for (uint32_t i = 0; i < r->k; i++) {
		uint64_t kind = bench_random(&r->state) % 4;
		if (kind == 3 && there + back < r->n_arcs) { /* the arcs that come back, behind those that are there */
			size_t j = there + back + bench_random(&r->state) % (r->n_arcs - there - back);
			swap_arcs(r, there + back, j);
			c[i] = r->arcs[there + back];
			c[i].length = r->arcs[there + back].length = length(&r->state);
			back++;
		} else if (kind == 2 && taken + gone < there) { /* the arcs that go, at the end of those that are there */
			size_t j = taken + bench_random(&r->state) % (there - gone - taken);
			swap_arcs(r, there - ++gone, j);
			c[i] = r->arcs[there - gone];
			c[i].length = INFINITY;
		} else { /* the arcs that change, at the front */
			size_t j = taken + bench_random(&r->state) % (there - gone - taken);
			swap_arcs(r, taken, j);
			r->arcs[taken].length = length(&r->state);
			c[i] = r->arcs[taken++];
		}
	}
	for (; gone > 0 && back > 0; gone--, back--) /* the first that is gone and the last that is back change places */
		swap_arcs(r, there - gone, there + back - 1);
	r->n_there = there - gone + back;
}

/* ---- is the repair right? ---- */

static double hard_length(uint64_t *state)
{
	static const double lengths[] = {0, 0, 0, 1, 1, 2, 0x1p-60, 0x1p-30, 1024};
	return lengths[bench_random(state) % 9];
}

static void check_repair(void)
{
	roads r = {.state = 7, .k = 1};
	make_rmat(&r, 7, 4);
	for (size_t i = 0; i < r.n_arcs; i++)
		r.arcs[i].length = hard_length(&r.state);
	digraph *g = digraph_new(r.n, r.n_there, r.arcs), *h = digraph_new(r.n, r.n_there, r.arcs);
	change c[64];
	dijkstra(g, true);
	for (int e = 0; e < 20000; e++) {
		r.k = 1 + (uint32_t)(bench_random(&r.state) % 20);
		make_epoch(&r, c, hard_length);
		digraph_repair(g, c, r.k);
		for (uint32_t i = 0; i < r.k; i++)
			digraph_set(h, &c[i]);
		dijkstra(h, false);
		if (memcmp(g->dist, h->dist, r.n * sizeof(double)) != 0)
			bench_stop("paths: the repair in C is wrong");
	}
	digraph_free(g);
	digraph_free(h);
	free(r.arcs);
}

/* ---- MMSB ---- */

typedef struct entries {
	uint64_t *row, *col;
	double *value;
	size_t n;
} entries;

static entries entries_new(size_t n)
{
	return (entries){bench_alloc(n, 8), bench_alloc(n, 8), bench_alloc(n, 8), 0};
}

static mmsb_instance *begin(const char *path, const roads *r, bool scratch)
{
	mmsb_instance *m = bench_instance(path, scratch);
	mmsb_error err;
	entries e = entries_new(r->n_there);
	bench_param(m, "N", r->n);
	for (; e.n < r->n_there; e.n++) {
		e.row[e.n] = r->arcs[e.n].from;
		e.col[e.n] = r->arcs[e.n].to;
		e.value[e.n] = r->arcs[e.n].length;
	}
	bench_check(mmsb_insert(m, mmsb_page(m, "W"), e.n, e.row, e.col, e.value, &err), &err);
	bench_commit(m);
	free(e.row);
	free(e.col);
	free(e.value);
	return m;
}

static double epoch_ours(mmsb_instance *m, const change *c, uint32_t k, entries *set, entries *gone)
{
	int page = mmsb_page(m, "W");
	mmsb_error err;
	set->n = gone->n = 0;
	for (uint32_t i = 0; i < k; i++) {
		entries *e = isinf(c[i].length) ? gone : set;
		e->row[e->n] = c[i].from;
		e->col[e->n] = c[i].to;
		e->value[e->n++] = c[i].length;
	}
	double start = bench_ns();
	if (gone->n > 0)
		bench_check(mmsb_erase(m, page, gone->n, gone->row, gone->col, &err), &err);
	if (set->n > 0)
		bench_check(mmsb_insert(m, page, set->n, set->row, set->col, set->value, &err), &err);
	bench_commit(m);
	return bench_ns() - start;
}

/* ---- the run ---- */

typedef struct figures {
	samples ours, repair, promise, dijkstra, stepping, whole;
} figures;

static void compare(mmsb_instance *m, const digraph *g, const double *other)
{
	if (memcmp(bench_data(m, "dist"), g->dist, g->n * sizeof(double)) != 0)
		bench_stop("paths: the distances differ from those of the repair in C");
	if (other && memcmp(other, g->dist, g->n * sizeof(double)) != 0)
		bench_stop("paths: the distances from scratch differ from those of the repair in C");
}

/* From scratch, on the graph as it is now. */
static void from_scratch(digraph *g, double *room, double width, figures *f)
{
	double *kept = g->dist, start = bench_ns();
	g->dist = room;
	dijkstra(g, false);
	samples_add(&f->dijkstra, bench_ns() - start);
	g->dist = kept;
	if (memcmp(kept, room, g->n * sizeof *kept) != 0)
		bench_stop("paths: the repair in C is wrong");
	start = bench_ns();
	delta_stepping(g, width, room);
	samples_add(&f->stepping, bench_ns() - start);
}

/* Rounds by turns; a round of MMSB ends after a second. */
static void measure(roads *r, mmsb_instance *m, mmsb_instance *whole, digraph *g, digraph *promised, double width, figures *f)
{
	entries set = entries_new(r->k), gone = entries_new(r->k);
	double *room = bench_alloc(r->n, sizeof *room);
	for (int round = 0; round < ROUNDS; round++) {
		uint32_t done = 0;
		double first = bench_ns();
		while (done < r->epochs && bench_ns() - first < SECOND) {
			make_epoch(r, r->round + (size_t)done * r->k, length_of);
			samples_add(&f->ours, epoch_ours(m, r->round + (size_t)done++ * r->k, r->k, &set, &gone));
		}
		for (uint32_t e = 0; e < done; e++) {
			double start = bench_ns();
			digraph_repair(g, r->round + (size_t)e * r->k, r->k);
			samples_add(&f->repair, bench_ns() - start);
		}
		for (uint32_t e = 0; e < done; e++) {
			double start = bench_ns();
			digraph_commit(promised, r->round + (size_t)e * r->k, r->k);
			samples_add(&f->promise, bench_ns() - start);
		}
		from_scratch(g, room, width, f);
		compare(m, g, promised->dist);
		compare(m, g, room);
		double spent = 0;
		for (uint32_t e = 0; e < done && e < WHOLE_EPOCHS && spent < WHOLE_TIME; e++) { /* its time is what counts, not its state */
			double ns = epoch_ours(whole, r->round + (size_t)e * r->k, r->k, &set, &gone);
			samples_add(&f->whole, ns);
			spent += ns;
		}
	}
	entries *all[] = {&set, &gone};
	for (int i = 0; i < 2; i++) {
		free(all[i]->row);
		free(all[i]->col);
		free(all[i]->value);
	}
	free(room);
}

/* The best width of some, for this graph. */
static double best_width(const digraph *g)
{
	double best = 0, least = INFINITY, *room = bench_alloc(g->n, sizeof *room);
	for (double width = 1.0 / 256; width <= 1; width *= 2) {
		double start = bench_ns();
		delta_stepping(g, width, room);
		if (bench_ns() - start < least) {
			least = bench_ns() - start;
			best = width;
		}
	}
	free(room);
	return best;
}

static void print_row(const char *name, uint32_t k, figures *f)
{
	double a = samples_median(&f->ours), b = samples_median(&f->repair), promised = samples_median(&f->promise), whole = samples_median(&f->whole), slow = samples_at(&f->whole, 0.99);
	printf("| paths, %s, k = %u | p50 %.1f us, p99 %.1f us, max %.1f us | C repair p50 %.1f us, p99 %.1f us; with the promise p50 %.1f us; Dijkstra %.1f ms; "
	       "delta-stepping %.1f ms; own whole %.1f ms, p99 %.1f ms | repair %.2f, with the promise %.2f; whole: p50 %.3f, p99 %.3f, max %.3f, p99 to p99 %.3f | %s |\n",
	       name, k, a / 1e3, samples_at(&f->ours, 0.99) / 1e3, samples_at(&f->ours, 1) / 1e3, b / 1e3, samples_at(&f->repair, 0.99) / 1e3, promised / 1e3,
	       samples_median(&f->dijkstra) / 1e6, samples_median(&f->stepping) / 1e6, whole / 1e6, slow / 1e6, a / b, a / promised, a / whole,
	       samples_at(&f->ours, 0.99) / whole, samples_at(&f->ours, 1) / whole, samples_at(&f->ours, 0.99) / slow, k <= 100 && strncmp(name, "R-MAT", 5) == 0 ? "repair at most 4, whole at most 1.3" : "whole at most 1.3");
	fflush(stdout);
}

/* For graphblas_paths.py, where the environment names a file in ARCS: the graph and its distances. */
static void write_arcs(const roads *r, const double *dist)
{
	const char *path = getenv("ARCS");
	if (!path)
		return;
	FILE *f = fopen(path, "wb");
	uint64_t n[2] = {r->n, r->n_there};
	if (!f || fwrite(n, sizeof n, 1, f) != 1 || fwrite(r->arcs, sizeof *r->arcs, r->n_there, f) != r->n_there ||
	    fwrite(dist, sizeof *dist, r->n, f) != r->n || fclose(f))
		bench_stop("paths: the graph cannot be written");
}

/* One arc goes and comes, and all is evaluated. */
static void measure_pattern(const char *name, const char *path, const roads *r)
{
	mmsb_instance *m = bench_instance(path, true);
	mmsb_error err;
	samples s = {0};
	entries e = entries_new(r->n_there);
	bench_param(m, "N", r->n);
	for (; e.n < r->n_there; e.n++) {
		e.row[e.n] = r->arcs[e.n].from;
		e.col[e.n] = r->arcs[e.n].to;
	}
	int page = mmsb_page(m, "A");
	bench_check(mmsb_insert(m, page, e.n, e.row, e.col, NULL, &err), &err);
	bench_commit(m);
	for (int epoch = 0; epoch < PATTERN_EPOCHS; epoch++) {
		bool gone = epoch % 2 == 0;
		bench_check(gone ? mmsb_erase(m, page, 1, e.row, e.col, &err) : mmsb_insert(m, page, 1, e.row, e.col, NULL, &err), &err);
		double start = bench_ns();
		bench_commit(m);
		samples_add(&s, bench_ns() - start);
	}
	const char *file = strrchr(path, '/');
	printf("| %s, %s, whole | %.1f ms, best %.1f ms | | | |\n", file ? file + 1 : path, name, samples_median(&s) / 1e6, samples_at(&s, 0) / 1e6);
	free(e.row);
	free(e.col);
	free(e.value);
	mmsb_instance_free(m);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return fprintf(stderr, "paths FILE.mmsbx rmat|grid SIZE [FILE.mmsbx...]\n"), 2;
	bool grid = strcmp(argv[2], "grid") == 0;
	uint32_t size = (uint32_t)strtoul(argv[3], NULL, 10);
	char name[64];
	snprintf(name, sizeof name, grid ? "grid %u" : "R-MAT-%u", size);
	check_repair();
	roads r = {.state = 1};
	if (grid)
		make_grid(&r, size);
	else
		make_rmat(&r, size, 16);
	r.round = bench_alloc(bench_env("MOST_K", 1000) * MOST_EPOCHS, sizeof *r.round);
	mmsb_instance *m = begin(argv[1], &r, false), *whole = begin(argv[1], &r, true);
	digraph *g = digraph_new(r.n, r.n_there, r.arcs);
	digraph *promised = digraph_new(r.n, r.n_there, r.arcs);
	dijkstra(g, true);
	dijkstra(promised, true);
	digraph_promise(promised);
	compare(m, g, NULL);
	write_arcs(&r, g->dist);
	for (int i = 4; i < argc; i++)
		measure_pattern(name, argv[i], &r);
	double width = best_width(g);
	for (r.k = (uint32_t)bench_env("LEAST_K", 1); r.k <= bench_env("MOST_K", 1000); r.k *= 10) {
		figures f = {0};
		r.epochs = MOST_EPOCHS;
		measure(&r, m, whole, g, promised, width, &f);
		print_row(name, r.k, &f);
	}
	digraph_free(g);
	digraph_free(promised);
	mmsb_instance_free(m);
	mmsb_instance_free(whole);
	return 0;
}
