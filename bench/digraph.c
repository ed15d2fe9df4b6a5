/* Shortest paths from vertex 0 in C: from scratch, and repaired. */
#include "digraph.h"

#include <math.h>
#include <stdatomic.h>

#include "bench.h"

/* ---- arcs -------------------------------------------------------------------------------------- */

static uint64_t key_of(uint32_t u, uint32_t v) { return ((uint64_t)u << 32 | v) + 1; }

static uint64_t find(const digraph *g, uint64_t key)
{
	uint64_t z = key * 0x9e3779b97f4a7c15u, s = (z ^ (z >> 32)) & (g->n_slots - 1);
	while (g->keys[s] && g->keys[s] != key)
		s = (s + 1) & (g->n_slots - 1);
	return s;
}

static uint32_t push_arc(arc_list *l, arc a)
{
	if (l->n == l->capacity) {
		uint32_t capacity = l->capacity * 2 + 4;
		arc *larger = bench_alloc(capacity, sizeof *larger);
		memcpy(larger, l->arcs, l->n * sizeof *larger);
		if (l->own)
			free(l->arcs);
		*l = (arc_list){larger, l->n, capacity, true};
	}
	l->arcs[l->n] = a;
	return l->n++;
}

static void insert_arc(digraph *g, const change *c)
{
	uint64_t s = find(g, key_of(c->from, c->to));
	arc_list *out = &g->out[c->from], *in = &g->in[c->to];
	g->keys[s] = key_of(c->from, c->to);
	g->places[s] = out->n;
	uint32_t back = in->n;
	uint32_t at = push_arc(out, (arc){c->length, c->to, back});
	push_arc(in, (arc){c->length, c->from, at});
	g->n_arcs++;
}

/* An arc is gone: keys that stand behind only because its slot was taken move back. */
static void free_key(digraph *g, uint64_t hole)
{
	uint64_t mask = g->n_slots - 1;
	for (uint64_t s = (hole + 1) & mask; g->keys[s]; s = (s + 1) & mask) {
		uint64_t z = g->keys[s] * 0x9e3779b97f4a7c15u, home = (z ^ (z >> 32)) & mask;
		if (((s - home) & mask) < ((s - hole) & mask))
			continue;
		g->keys[hole] = g->keys[s];
		g->places[hole] = g->places[s];
		hole = s;
	}
	g->keys[hole] = 0;
}

static void erase_arc(digraph *g, uint64_t slot, uint32_t u, uint32_t v)
{
	arc_list *out = &g->out[u], *in = &g->in[v];
	uint32_t at = g->places[slot], back = out->arcs[at].back;
	free_key(g, slot);
	if (at != --out->n) { /* the last takes its place */
		arc last = out->arcs[at] = out->arcs[out->n];
		g->in[last.to].arcs[last.back].back = at;
		g->places[find(g, key_of(u, last.to))] = at;
	}
	if (back != --in->n) {
		arc last = in->arcs[back] = in->arcs[in->n];
		g->out[last.to].arcs[last.back].back = back;
	}
	g->n_arcs--;
}

double digraph_set(digraph *g, const change *c)
{
	uint64_t s = find(g, key_of(c->from, c->to));
	if (!g->keys[s]) {
		if (!isinf(c->length))
			insert_arc(g, c);
		return INFINITY;
	}
	arc *a = &g->out[c->from].arcs[g->places[s]];
	double was = a->length;
	if (isinf(c->length)) {
		erase_arc(g, s, c->from, c->to);
	} else {
		a->length = c->length;
		g->in[c->to].arcs[a->back].length = c->length;
	}
	return was;
}

static void make_lists(digraph *g, size_t n_arcs, const change *arcs)
{
	uint32_t *out = bench_alloc(g->n, sizeof *out), *in = bench_alloc(g->n, sizeof *in);
	size_t at_out = 0, at_in = 0, room = n_arcs + n_arcs / 4 + 8 * (size_t)g->n;
	for (size_t i = 0; i < n_arcs; i++) {
		out[arcs[i].from]++;
		in[arcs[i].to]++;
	}
	g->block_out = bench_alloc(room, sizeof(arc));
	g->block_in = bench_alloc(room, sizeof(arc));
	for (uint32_t v = 0; v < g->n; v++) {
		g->out[v] = (arc_list){g->block_out + at_out, 0, out[v] + out[v] / 4 + 4, false};
		g->in[v] = (arc_list){g->block_in + at_in, 0, in[v] + in[v] / 4 + 4, false};
		at_out += g->out[v].capacity;
		at_in += g->in[v].capacity;
	}
	free(out);
	free(in);
}

digraph *digraph_new(uint32_t n, size_t n_arcs, const change *arcs)
{
	digraph *g = bench_alloc(1, sizeof *g);
	g->n = n;
	g->out = bench_alloc(n, sizeof *g->out);
	g->in = bench_alloc(n, sizeof *g->in);
	make_lists(g, n_arcs, arcs);
	for (g->n_slots = 64; g->n_slots < 3 * n_arcs;)
		g->n_slots *= 2;
	g->keys = bench_alloc(g->n_slots, sizeof *g->keys);
	g->places = bench_alloc(g->n_slots, sizeof *g->places);
	g->dist = bench_alloc(n, sizeof *g->dist);
	uint32_t **lists[] = {&g->parent, &g->child, &g->next, &g->before, &g->resets};
	for (int i = 0; i < 5; i++)
		*lists[i] = bench_alloc(n, sizeof(uint32_t));
	g->reset = bench_alloc(n, 1);
	for (size_t i = 0; i < n_arcs; i++)
		insert_arc(g, &arcs[i]);
	return g;
}

void digraph_free(digraph *g)
{
	for (uint32_t v = 0; v < g->n; v++) {
		if (g->out[v].own)
			free(g->out[v].arcs);
		if (g->in[v].own)
			free(g->in[v].arcs);
	}
	void *all[] = {g->out, g->in, g->block_out, g->block_in, g->keys, g->places, g->dist, g->parent, g->child,
	               g->next, g->before, g->resets, g->reset, g->queue.items, g};
	if (g->promise) {
		free(g->promise->staged);
		free(g->promise->was);
		free(g->promise->noted);
		free(g->promise->marks);
		free(g->promise->shown);
		free(g->promise);
	}
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		free(all[i]);
}

/* ---- a queue by key ---------------------------------------------------------------------------- */

static void push(heap *h, double key, uint32_t vertex)
{
	if (h->n == h->capacity) {
		h->capacity = h->capacity * 2 + 1024;
		h->items = realloc(h->items, h->capacity * sizeof *h->items);
		if (!h->items)
			bench_stop("out of memory");
	}
	size_t i = h->n++;
	while (i > 0 && h->items[(i - 1) / 4].key > key) {
		h->items[i] = h->items[(i - 1) / 4];
		i = (i - 1) / 4;
	}
	h->items[i] = (heap_item){key, vertex};
}

static heap_item pop(heap *h)
{
	heap_item top = h->items[0], last = h->items[--h->n];
	size_t i = 0;
	for (;;) {
		size_t first = 4 * i + 1, end = first + 4 < h->n ? first + 4 : h->n, least = first;
		if (first >= h->n)
			break;
		for (size_t k = first + 1; k < end; k++)
			if (h->items[k].key < h->items[least].key)
				least = k;
		if (h->items[least].key >= last.key)
			break;
		h->items[i] = h->items[least];
		i = least;
	}
	h->items[i] = last;
	return top;
}

/* ---- what is promised -------------------------------------------------------------------------- */

static void *room_for(void *array, size_t *capacity, size_t n, size_t size)
{
	if (n <= *capacity)
		return array;
	*capacity = 2 * n + 1024;
	array = realloc(array, *capacity * size);
	if (!array)
		bench_stop("out of memory");
	return array;
}

void digraph_promise(digraph *g)
{
	promise *p = g->promise = bench_alloc(1, sizeof *p);
	pthread_mutex_init(&p->lock, NULL);
	p->marks = bench_alloc(g->n / 64 + g->n / 4096 + 2, sizeof *p->marks);
	p->shown = bench_alloc(g->n, sizeof *p->shown);
	memcpy(p->shown, g->dist, g->n * sizeof *p->shown);
}

static void note(const digraph *g, uint32_t v)
{
	promise *p = g->promise;
	p->noted = room_for(p->noted, &p->cap_noted, p->n_noted + 1, sizeof *p->noted);
	p->noted[p->n_noted++] = (heap_item){g->dist[v], v};
	p->marks[v / 64] |= (uint64_t)1 << v % 64;
	p->marks[g->n / 64 + 1 + v / 4096] |= (uint64_t)1 << v / 64 % 64;
}

static inline void put_distance(digraph *g, uint32_t v, double d)
{
	if (g->promise)
		note(g, v);
	g->dist[v] = d;
}

/* Other threads may stage, too. */
static void stage(digraph *g, const change *c, size_t n)
{
	promise *p = g->promise;
	pthread_mutex_lock(&p->lock);
	p->staged = room_for(p->staged, &p->cap_staged, n, sizeof *p->staged);
	for (size_t i = 0; i < n; i++) {
		if (c[i].from >= g->n || c[i].to >= g->n || !(c[i].length >= 0))
			bench_stop("paths: an arc cannot be");
		p->staged[i] = c[i];
	}
	p->n_staged = n;
	pthread_mutex_unlock(&p->lock);
}

void digraph_commit(digraph *g, const change *c, size_t n)
{
	promise *p = g->promise;
	stage(g, c, n);
	pthread_mutex_lock(&p->lock);
	p->was = realloc(p->was, p->cap_staged * sizeof *p->was);
	if (!p->was)
		bench_stop("out of memory");
	for (size_t i = 0; i < p->n_noted; i++) { /* of the epoch before */
		uint32_t v = p->noted[i].vertex;
		p->shown[v] = g->dist[v];
		p->marks[v / 64] = p->marks[g->n / 64 + 1 + v / 4096] = 0;
	}
	p->n_noted = 0;
	digraph_repair(g, p->staged, n);
	atomic_fetch_add_explicit(&p->epoch, 1, memory_order_release);
	pthread_mutex_unlock(&p->lock);
}

/* ---- the forest -------------------------------------------------------------------------------- */

static void leave_parent(digraph *g, uint32_t v)
{
	uint32_t p = g->parent[v], next = g->next[v], before = g->before[v];
	if (p == NO_VERTEX)
		return;
	if (before == NO_VERTEX)
		g->child[p] = next;
	else
		g->next[before] = next;
	if (next != NO_VERTEX)
		g->before[next] = before;
	g->parent[v] = NO_VERTEX;
}

static void take_parent(digraph *g, uint32_t v, uint32_t p)
{
	if (g->parent[v] == p)
		return;
	leave_parent(g, v);
	g->parent[v] = p;
	g->before[v] = NO_VERTEX;
	g->next[v] = g->child[p];
	if (g->child[p] != NO_VERTEX)
		g->before[g->child[p]] = v;
	g->child[p] = v;
}

/* ---- from scratch ------------------------------------------------------------------------------ */

/* Takes vertices in order of distance until nothing improves. */
static void drain(digraph *g, bool with_parents)
{
	while (g->queue.n > 0) {
		heap_item top = pop(&g->queue);
		uint32_t u = top.vertex;
		if (top.key > g->dist[u])
			continue;
		const arc_list *l = &g->out[u];
		for (uint32_t i = 0; i < l->n; i++) {
			double d = top.key + l->arcs[i].length;
			uint32_t v = l->arcs[i].to;
			if (d >= g->dist[v])
				continue;
			put_distance(g, v, d);
			if (with_parents)
				take_parent(g, v, u);
			push(&g->queue, d, v);
		}
	}
}

void dijkstra(digraph *g, bool with_parents)
{
	for (uint32_t v = 0; v < g->n; v++)
		g->dist[v] = INFINITY;
	if (with_parents) {
		memset(g->parent, 0xff, g->n * sizeof *g->parent);
		memset(g->child, 0xff, g->n * sizeof *g->child);
	}
	g->dist[0] = 0;
	push(&g->queue, 0, 0);
	drain(g, with_parents);
}

typedef struct bucket {
	uint32_t *v;
	size_t n, capacity;
} bucket;

static void put(bucket *b, uint32_t v)
{
	if (b->n == b->capacity) {
		b->capacity = b->capacity * 2 + 64;
		b->v = realloc(b->v, b->capacity * sizeof *b->v);
		if (!b->v)
			bench_stop("out of memory");
	}
	b->v[b->n++] = v;
}

enum { BUCKETS = 4096 }; /* a ring: no arc is longer than BUCKETS - 1 widths */

/* Vertices of the lowest bucket, until it stays empty; one whose distance has improved since is in its own bucket again. */
void delta_stepping(const digraph *g, double width, double *dist)
{
	static bucket ring[BUCKETS];
	bucket now = {0};
	uint64_t in_ring = 1, at = 0;
	for (uint32_t v = 0; v < g->n; v++)
		dist[v] = INFINITY;
	dist[0] = 0;
	put(&ring[0], 0);
	for (; in_ring > 0; at++) {
		bucket *b = &ring[at % BUCKETS];
		while (b->n > 0) {
			bucket swap = now;
			now = *b;
			*b = swap;
			b->n = 0;
			in_ring -= now.n;
			for (size_t k = 0; k < now.n; k++) {
				uint32_t u = now.v[k];
				double du = dist[u];
				if (du < (double)at * width) /* it was done in an earlier bucket */
					continue;
				for (uint32_t i = 0; i < g->out[u].n; i++) {
					const arc *a = &g->out[u].arcs[i];
					double d = du + a->length;
					if (d >= dist[a->to])
						continue;
					dist[a->to] = d;
					uint64_t to = (uint64_t)(d / width);
					put(&ring[(to > at ? to : at) % BUCKETS], a->to);
					in_ring++;
				}
			}
			now.n = 0;
		}
	}
	free(now.v);
}

/* ---- repair ------------------------------------------------------------------------------------ */

/* Another arc that gives v what it has, from a vertex that stands and is strictly nearer: strictly, since vertices of equal distance may
 * hang on each other. */
static uint32_t other_parent(const digraph *g, uint32_t v)
{
	const arc_list *l = &g->in[v];
	double d = g->dist[v];
	for (uint32_t i = 0; i < l->n; i++) {
		uint32_t u = l->arcs[i].to;
		if (g->dist[u] < d && !g->reset[u] && g->dist[u] + l->arcs[i].length <= d)
			return u;
	}
	return NO_VERTEX;
}

/* Decides the candidates, nearest first: one stays, or is reset and makes candidates of its children. */
static size_t decide(digraph *g)
{
	size_t n = 0;
	while (g->queue.n > 0) {
		uint32_t v = pop(&g->queue).vertex;
		if (g->reset[v] || v == 0)
			continue;
		uint32_t p = other_parent(g, v);
		if (p != NO_VERTEX) {
			take_parent(g, v, p);
			continue;
		}
		g->reset[v] = 1;
		g->resets[n++] = v;
		for (uint32_t c = g->child[v]; c != NO_VERTEX; c = g->next[c])
			push(&g->queue, g->dist[c], c);
	}
	return n;
}

/* What a reset vertex has from those that stand. */
static void evaluate(digraph *g, uint32_t v)
{
	const arc_list *l = &g->in[v];
	double best = INFINITY;
	uint32_t p = NO_VERTEX;
	for (uint32_t i = 0; i < l->n; i++) {
		double d = g->dist[l->arcs[i].to] + l->arcs[i].length;
		if (d < best) {
			best = d;
			p = l->arcs[i].to;
		}
	}
	if (p == NO_VERTEX)
		return;
	put_distance(g, v, best);
	take_parent(g, v, p);
	push(&g->queue, best, v);
}

void digraph_repair(digraph *g, const change *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double was = digraph_set(g, &c[i]);
		if (g->promise)
			g->promise->was[i] = was;
		if (g->parent[c[i].to] == c[i].from && g->dist[c[i].from] + c[i].length > g->dist[c[i].to])
			push(&g->queue, g->dist[c[i].to], c[i].to);
	}
	size_t resets = decide(g);
	for (size_t i = 0; i < resets; i++) {
		put_distance(g, g->resets[i], INFINITY);
		leave_parent(g, g->resets[i]);
	}
	for (size_t i = 0; i < resets; i++)
		g->reset[g->resets[i]] = 0;
	for (size_t i = 0; i < resets; i++)
		evaluate(g, g->resets[i]);
	for (size_t i = 0; i < n; i++) {
		double d = g->dist[c[i].from] + c[i].length;
		if (d < g->dist[c[i].to]) {
			put_distance(g, c[i].to, d);
			take_parent(g, c[i].to, c[i].from);
			push(&g->queue, d, c[i].to);
		}
	}
	drain(g, true);
}
