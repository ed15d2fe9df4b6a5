/* digraph.h - directed graphs with lengths, changed arc by arc, for the rivals of paths.c: shortest paths from vertex 0 from scratch
 * (Dijkstra, delta-stepping) and repaired after changes. */
#ifndef MMSB_BENCH_DIGRAPH_H
#define MMSB_BENCH_DIGRAPH_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NO_VERTEX UINT32_MAX

/* In the list of one end: the other end, and where the arc stands in the other end's list. */
typedef struct arc {
	double length;
	uint32_t to, back;
} arc;

typedef struct arc_list {
	arc *arcs;
	uint32_t n, capacity;
	bool own;             /* arcs is its own memory, no part of the block of all */
} arc_list;

typedef struct heap_item {
	double key;
	uint32_t vertex;
} heap_item;

typedef struct heap {
	heap_item *items;
	size_t n, capacity;
} heap;

typedef struct change {
	uint32_t from, to;
	double length; /* inf: the arc goes */
} change;

/* What a program keeps besides that promises what a commit of MMSB does. */
typedef struct promise {
	pthread_mutex_t lock;
	change *staged;       /* checked, and then the epoch's */
	double *was;          /* what the lengths of these arcs were */
	size_t n_staged, cap_staged;
	heap_item *noted;     /* distances that changed, and what they were: the way back, and the way on for whoever reads the epoch before */
	size_t n_noted, cap_noted;
	uint64_t *marks;      /* the same on two levels: level 1 behind level 0 */
	double *shown;        /* distances at the end of the epoch before */
	_Atomic uint64_t epoch;
} promise;

typedef struct digraph {
	uint32_t n;
	arc_list *out, *in;
	arc *block_out, *block_in;
	/* (u, v) to 1 + the arc's place in out[u] */
	uint64_t *keys;
	uint32_t *places;
	uint64_t n_slots, n_arcs;
	/* shortest paths, kept by repair: a forest of parents */
	double *dist;
	uint32_t *parent, *child, *next, *before; /* children are doubly linked */
	uint8_t *reset;
	uint32_t *resets;
	heap queue;
	promise *promise;     /* or NULL */
} digraph;

/* n_arcs different arcs. The shortest paths are not yet there: dijkstra(g, true). */
digraph *digraph_new(uint32_t n, size_t n_arcs, const change *arcs);
void digraph_free(digraph *);

/* Sets the length of an arc, inserts it, or (inf) deletes it. Returns the length it had, or inf. */
double digraph_set(digraph *, const change *);

/* From scratch, into g->dist; with_parents: ready for repair. */
void dijkstra(digraph *, bool with_parents);

/* From scratch into dist, by buckets of a width. */
void delta_stepping(const digraph *, double width, double *dist);

/* Makes the changes and repairs g->dist. */
void digraph_repair(digraph *, const change *, size_t n);

/* The same with what MMSB promises besides: changes are checked and staged under a lock, what was there is kept for the way back, changed distances are marked for
 * whoever reads them next, there is a second buffer with those of the epoch before, and the epoch is published. */
void digraph_promise(digraph *);
void digraph_commit(digraph *, const change *, size_t n);

#endif
