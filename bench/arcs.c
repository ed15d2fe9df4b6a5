/* arcs.c - R-MAT graphs and grids, the same in every run. */
#include "arcs.h"

#include "bench.h"

double length_of(uint64_t *state) { return 1.0 - bench_unit(state); }

static change rmat_arc(uint32_t scale, uint64_t *state)
{
	uint32_t u = 0, v = 0;
	for (uint32_t bit = 0; bit < scale; bit++) {
		double r = bench_unit(state);
		u = u << 1 | (r >= 0.76);
		v = v << 1 | ((r >= 0.57 && r < 0.76) || r >= 0.95);
	}
	return (change){u, v, length_of(state)};
}

/* Labels are mixed, and vertex 0 is the one of the greatest degree. */
static void relabel(roads *r)
{
	uint32_t *label = bench_alloc(r->n, sizeof *label);
	for (uint32_t v = 0; v < r->n; v++)
		label[v] = v;
	for (uint32_t v = 1; v < r->n; v++) { /* 0 has the greatest in R-MAT */
		uint32_t j = v + (uint32_t)(bench_random(&r->state) % (r->n - v)), l = label[v];
		label[v] = label[j];
		label[j] = l;
	}
	for (size_t i = 0; i < r->n_arcs; i++) {
		r->arcs[i].from = label[r->arcs[i].from];
		r->arcs[i].to = label[r->arcs[i].to];
	}
	free(label);
}

static int arc_order(const void *a, const void *b)
{
	const change *x = a, *y = b;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return (x->to > y->to) - (x->to < y->to);
}

static void without_twins(roads *r)
{
	size_t n = 0;
	qsort(r->arcs, r->n_arcs, sizeof *r->arcs, arc_order);
	for (size_t i = 0; i < r->n_arcs; i++)
		if (r->arcs[i].from != r->arcs[i].to && (n == 0 || arc_order(&r->arcs[n - 1], &r->arcs[i]) != 0))
			r->arcs[n++] = r->arcs[i];
	r->n_arcs = n;
}

/* One in 100 arcs is not there at first. */
static void hold_back(roads *r)
{
	for (size_t i = 0; i + 1 < r->n_arcs; i++) {
		size_t j = i + bench_random(&r->state) % (r->n_arcs - i);
		change c = r->arcs[i];
		r->arcs[i] = r->arcs[j];
		r->arcs[j] = c;
	}
	r->n_there = r->n_arcs - r->n_arcs / 100;
}

void make_rmat(roads *r, uint32_t scale, uint32_t degree)
{
	r->n = 1u << scale;
	r->n_arcs = (size_t)r->n * degree;
	r->arcs = bench_alloc(r->n_arcs, sizeof *r->arcs);
	for (size_t i = 0; i < r->n_arcs; i++)
		r->arcs[i] = rmat_arc(scale, &r->state);
	relabel(r);
	without_twins(r);
	hold_back(r);
}

void make_grid(roads *r, uint32_t side)
{
	r->n = side * side;
	r->arcs = bench_alloc(4 * (size_t)r->n, sizeof *r->arcs);
	for (uint32_t v = 0; v < r->n; v++) {
		uint32_t to[2] = {v % side + 1 < side ? v + 1 : v, v / side + 1 < side ? v + side : v};
		for (int i = 0; i < 2; i++) {
			if (to[i] == v)
				continue;
			r->arcs[r->n_arcs++] = (change){v, to[i], length_of(&r->state)};
			r->arcs[r->n_arcs++] = (change){to[i], v, length_of(&r->state)};
		}
	}
	hold_back(r);
}
