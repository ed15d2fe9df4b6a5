/* arcs.h - the graphs of the benchmarks. */
#ifndef MMSB_BENCH_ARCS_H
#define MMSB_BENCH_ARCS_H

#include "digraph.h"

/* Arcs that are there, then arcs that are not: changes draw from both. */
typedef struct roads {
	uint32_t n;
	change *arcs;
	size_t n_arcs, n_there;
	uint64_t state;
	change *round;        /* the changes of the epochs of a round */
	uint32_t k, epochs;
} roads;

double length_of(uint64_t *state); /* 0 < length <= 1 */

/* 2^scale vertices, about `degree` arcs of each, in R-MAT's distribution; vertex 0 has the greatest degree. */
void make_rmat(roads *, uint32_t scale, uint32_t degree);

/* side x side vertices, arcs both ways between neighbours. */
void make_grid(roads *, uint32_t side);

#endif
