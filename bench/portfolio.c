/* portfolio.c - 10^6 positions in 10^3 books over 10^4 instruments: k prices change, `total` is read.
 *
 *   portfolio FILE.mmsbx     K, N, B in the environment
 *
 * Rivals in C, all over positions sorted by book, so that a book is one run of memory, with a list of positions by instrument:
 *   tree    bit-stable, with the partial results of the language's order kept: a dirty leaf of at most 32 is added up again, and its path
 *   books   bit-stable: dirty books are added up again whole, in the language's order
 *   whole   everything again, in the language's order
 *   promise tree, and what else MMSB promises: changes checked and staged under a lock, compared, marked for whoever reads them next, with a way back
 *           should the epoch fail, and published
 *   plain   book += new - old: the order of additions, and so the bits, depend on the history */
#include "bench.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

enum { LEAF = 32, ROUNDS = 5, SECOND = 1000000000, WHOLE_EPOCHS = 20, SCRATCH_EPOCHS = 101 };

typedef struct tree_node {
	double value;
	uint32_t first, n;    /* its positions (in the order by book); more than LEAF: it has two nodes */
	uint32_t left, right; /* a child stands before its parent */
	uint32_t parent, height;
} tree_node;

#define NOBODY UINT32_MAX
enum { HEIGHTS = 34 };

/* What a change of a price needs of a position, side by side. */
typedef struct position {
	double cost, qty, pnl;
	uint32_t leaf, book;
} position;

/* What a program keeps that promises what MMSB does. */
typedef struct old_value {
	uint32_t at;
	double was;
} old_value;

typedef struct contract {
	pthread_mutex_t lock;
	uint64_t *at;                       /* staged: positions and values */
	double *to;
	old_value *prices, *books;          /* what was there, to be put back */
	uint32_t n_prices, n_books;
	double total;
	uint64_t *price_marks, *book_marks; /* what changed; level 1 behind level 0 */
	_Atomic uint64_t epoch;
} contract;

typedef struct desk {
	uint32_t K, N, B;
	double *price;
	/* positions by book */
	uint32_t *inst, *place;
	double *qty, *cost, *pnl;
	position *of;
	uint32_t *book_start; /* B + 1 */
	/* positions by instrument */
	uint32_t *by_start, *by;
	/* the order of additions in each book */
	tree_node *nodes;
	uint32_t *node_start, n_nodes; /* of each book: its root is the last */
	uint8_t *dirty;                /* by book, or by node */
	uint32_t *list[HEIGHTS];       /* of dirty nodes by height; books: list[0] */
	double *bybook, *room, total;
	contract *kept;
} desk;

/* ---- the language's order ---- */

static inline void halve(double *restrict to, const double *restrict v, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		to[i] = v[2 * i] + v[2 * i + 1];
}

/* 32 values: adjacent pairs. */
static inline double pairs(const double *v)
{
	double a[16], b[8], c[4];
	halve(a, v, 16);
	halve(b, a, 8);
	halve(c, b, 4);
	return (c[0] + c[1]) + (c[2] + c[3]);
}

/* n <= LEAF values by rank. One that is absent is skipped, as if it were -0. */
static inline double pairs_of(const double *v, uint32_t n)
{
	double w[LEAF];
	if (n == LEAF)
		return pairs(v);
	for (uint32_t i = 0; i < LEAF; i++)
		w[i] = -0.0;
	for (uint32_t i = 0; i < n; i++)
		w[i] = v[i];
	return n ? pairs(w) : 0.0;
}

/* Any number of values by position: adjacent pairs. room: for n + 1. */
static double dense_sum(const double *v, uint32_t n, double *room)
{
	if (n == 0)
		return 0.0;
	double *to = room;
	while (n > 1) {
		uint32_t half = n / 2;
		halve(to, v, half);
		if (n & 1)
			to[half] = v[n - 1];
		v = to;
		to += half + 1;
		n = half + (n & 1);
	}
	return v[0];
}

/* The nodes over positions first .. first+n of the order by book, all within one aligned block of 2^level places. */
static uint32_t make_nodes(desk *d, uint32_t first, uint32_t n, int level)
{
	uint32_t left = NOBODY, right = NOBODY;
	if (n > LEAF) {
		uint32_t split = 0;
		while (split < n && !(d->place[first + split] >> (level - 1) & 1))
			split++;
		if (split == 0 || split == n)
			return make_nodes(d, first, n, level - 1);
		left = make_nodes(d, first, split, level - 1);
		right = make_nodes(d, first + split, n - split, level - 1);
	}
	uint32_t id = d->n_nodes++;
	d->nodes[id] = (tree_node){0, first, n, left, right, NOBODY, 0};
	if (n > LEAF) {
		uint32_t l = d->nodes[left].height, r = d->nodes[right].height;
		d->nodes[left].parent = d->nodes[right].parent = id;
		d->nodes[id].height = (l > r ? l : r) + 1;
	}
	for (uint32_t i = 0; i < n && n <= LEAF; i++)
		d->of[first + i].leaf = id;
	return id;
}

/* ---- making a desk ---- */

static void sort_by_book(desk *d, const uint32_t *inst, const uint32_t *book, const double *qty, const double *cost)
{
	for (uint32_t i = 0; i < d->N; i++)
		d->book_start[book[i] + 1]++;
	for (uint32_t b = 0; b < d->B; b++)
		d->book_start[b + 1] += d->book_start[b];
	uint32_t *at = bench_alloc(d->B, sizeof *at);
	memcpy(at, d->book_start, d->B * sizeof *at);
	for (uint32_t i = 0; i < d->N; i++) {
		uint32_t s = at[book[i]]++;
		d->place[s] = i;
		d->inst[s] = inst[i];
		d->qty[s] = qty[i];
		d->cost[s] = cost[i];
		d->of[s] = (position){cost[i], qty[i], 0, 0, book[i]};
	}
	free(at);
}

static void list_by_instrument(desk *d)
{
	for (uint32_t s = 0; s < d->N; s++)
		d->by_start[d->inst[s] + 1]++;
	for (uint32_t k = 0; k < d->K; k++)
		d->by_start[k + 1] += d->by_start[k];
	uint32_t *at = bench_alloc(d->K, sizeof *at);
	memcpy(at, d->by_start, d->K * sizeof *at);
	for (uint32_t s = 0; s < d->N; s++)
		d->by[at[d->inst[s]]++] = s;
	free(at);
}

static desk *desk_new(uint32_t K, uint32_t N, uint32_t B, const double *price, const uint32_t *inst, const uint32_t *book,
                      const double *qty, const double *cost)
{
	desk *d = bench_alloc(1, sizeof *d);
	*d = (desk){.K = K, .N = N, .B = B};
	d->price = bench_alloc(K, sizeof(double));
	memcpy(d->price, price, K * sizeof(double));
	uint32_t **ids[] = {&d->inst, &d->place, &d->by};
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
		*ids[i] = bench_alloc(N, sizeof(uint32_t));
	for (int h = 0; h < HEIGHTS; h++)
		d->list[h] = bench_alloc(N + B, sizeof(uint32_t)); /* pages that are not touched take no memory */
	d->of = bench_alloc(N, sizeof *d->of);
	d->qty = bench_alloc(N, sizeof(double));
	d->cost = bench_alloc(N, sizeof(double));
	d->pnl = bench_alloc(N, sizeof(double));
	d->book_start = bench_alloc(B + 1, sizeof(uint32_t));
	d->node_start = bench_alloc(B + 1, sizeof(uint32_t));
	d->by_start = bench_alloc(K + 1, sizeof(uint32_t));
	d->bybook = bench_alloc(B, sizeof(double));
	d->room = bench_alloc(2 * (size_t)B + 64, sizeof(double));
	d->nodes = bench_alloc(2 * (size_t)N + B, sizeof *d->nodes);
	d->dirty = bench_alloc(2 * (size_t)N + B, 1);
	sort_by_book(d, inst, book, qty, cost);
	list_by_instrument(d);
	for (uint32_t b = 0; b < B; b++) {
		d->node_start[b] = d->n_nodes;
		make_nodes(d, d->book_start[b], d->book_start[b + 1] - d->book_start[b], 32);
	}
	d->node_start[B] = d->n_nodes;
	return d;
}

/* ---- the rivals ---- */

static inline double pnl_of(const desk *d, uint32_t s) { return (d->price[d->inst[s]] - d->cost[s]) * d->qty[s]; }

static inline bool same(double a, double b) { return memcmp(&a, &b, sizeof a) == 0; }

static contract *contract_new(uint32_t K, uint32_t B)
{
	contract *c = bench_alloc(1, sizeof *c);
	pthread_mutex_init(&c->lock, NULL);
	c->at = bench_alloc(K, sizeof *c->at);
	c->to = bench_alloc(K, sizeof *c->to);
	c->prices = bench_alloc(K, sizeof *c->prices);
	c->books = bench_alloc(B, sizeof *c->books);
	c->price_marks = bench_alloc(K / 64 + K / 4096 + 2, sizeof(uint64_t));
	c->book_marks = bench_alloc(B / 64 + B / 4096 + 2, sizeof(uint64_t));
	return c;
}

static inline void mark(uint64_t *marks, uint32_t n, uint32_t i)
{
	marks[i / 64] |= (uint64_t)1 << i % 64;
	marks[n / 64 + 1 + i / 4096] |= (uint64_t)1 << i / 64 % 64;
}

static inline void unmark(uint64_t *marks, uint32_t n, uint32_t i) { marks[i / 64] = marks[n / 64 + 1 + i / 4096] = 0; }

static double sum_books(const desk *d) { return dense_sum(d->bybook, d->B, d->room); }

/* All nodes of one book from its values. */
static inline double sum_book(desk *d, uint32_t b)
{
	for (uint32_t i = d->node_start[b]; i < d->node_start[b + 1]; i++) {
		tree_node *t = &d->nodes[i];
		t->value = t->n > LEAF ? d->nodes[t->left].value + d->nodes[t->right].value : pairs_of(d->pnl + t->first, t->n);
	}
	return d->nodes[d->node_start[b + 1] - 1].value;
}

static __attribute__((noinline)) void epoch_whole(desk *d, uint32_t k, const uint64_t *which, const double *price)
{
	for (uint32_t i = 0; i < k; i++)
		d->price[which[i]] = price[i];
	for (uint32_t b = 0; b < d->B; b++) {
		for (uint32_t s = d->book_start[b]; s < d->book_start[b + 1]; s++)
			d->pnl[s] = pnl_of(d, s);
		d->bybook[b] = sum_book(d, b);
	}
	d->total = sum_books(d);
}

static __attribute__((noinline)) void epoch_plain(desk *d, uint32_t k, const uint64_t *which, const double *price)
{
	for (uint32_t i = 0; i < k; i++) {
		d->price[which[i]] = price[i];
		for (uint32_t j = d->by_start[which[i]]; j < d->by_start[which[i] + 1]; j++) {
			position *p = &d->of[d->by[j]];
			double pnl = (price[i] - p->cost) * p->qty, by = pnl - p->pnl;
			p->pnl = pnl;
			d->bybook[p->book] += by;
			d->total += by;
		}
	}
}

static __attribute__((noinline)) void epoch_books(desk *d, uint32_t k, const uint64_t *which, const double *price)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < k; i++) {
		d->price[which[i]] = price[i];
		for (uint32_t j = d->by_start[which[i]]; j < d->by_start[which[i] + 1]; j++) {
			const position *p = &d->of[d->by[j]];
			d->pnl[d->by[j]] = (price[i] - p->cost) * p->qty;
			if (!d->dirty[p->book]) {
				d->dirty[p->book] = 1;
				d->list[0][n++] = p->book;
			}
		}
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t b = d->list[0][i];
		d->dirty[b] = 0;
		d->bybook[b] = sum_book(d, b);
	}
	d->total = sum_books(d);
}

static inline void soil(desk *d, uint32_t *n, uint32_t id)
{
	if (!d->dirty[id]) {
		d->dirty[id] = 1;
		d->list[d->nodes[id].height][n[d->nodes[id].height]++] = id;
	}
}

/* A book's new sum. */
static inline void put_book(desk *d, uint32_t book, double v)
{
	contract *c = d->kept;
	if (c) {
		c->books[c->n_books++] = (old_value){book, d->bybook[book]};
		mark(c->book_marks, d->B, book);
	}
	d->bybook[book] = v;
}

static __attribute__((noinline)) void epoch_tree(desk *d, uint32_t k, const uint64_t *which, const double *price)
{
	uint32_t n[HEIGHTS] = {0};
	for (uint32_t i = 0; i < k; i++) {
		d->price[which[i]] = price[i];
		for (uint32_t j = d->by_start[which[i]]; j < d->by_start[which[i] + 1]; j++) {
			uint32_t s = d->by[j];
			double pnl = (price[i] - d->of[s].cost) * d->of[s].qty;
			if (same(pnl, d->pnl[s]))
				continue;
			d->pnl[s] = pnl;
			if (!d->dirty[d->of[s].leaf]) {
				d->dirty[d->of[s].leaf] = 1;
				d->list[0][n[0]++] = d->of[s].leaf;
			}
		}
	}
	for (uint32_t h = 0; h < HEIGHTS; h++) {
		for (uint32_t i = 0; i < n[h]; i++) {
			uint32_t id = d->list[h][i];
			tree_node *t = &d->nodes[id];
			double v = t->n > LEAF ? d->nodes[t->left].value + d->nodes[t->right].value : pairs_of(d->pnl + t->first, t->n);
			d->dirty[id] = 0;
			if (same(v, t->value))
				continue;
			t->value = v;
			if (t->parent == NOBODY)
				put_book(d, d->of[t->first].book, v);
			else
				soil(d, n, t->parent);
		}
	}
	double total = sum_books(d);
	if (d->kept)
		d->kept->total = d->total;
	d->total = total;
}

/* Checks and stages, as other threads may at the same time. */
static void stage(desk *d, uint32_t k, const uint64_t *which, const double *price)
{
	contract *c = d->kept;
	pthread_mutex_lock(&c->lock);
	for (uint32_t i = 0; i < k; i++) {
		if (which[i] >= d->K)
			bench_stop("portfolio: a position is out of range");
		c->at[i] = which[i];
		c->to[i] = isnan(price[i]) ? NAN : price[i];
	}
	pthread_mutex_unlock(&c->lock);
}

static __attribute__((noinline)) void epoch_promise(desk *d, uint32_t k, const uint64_t *which, const double *price)
{
	contract *c = d->kept;
	stage(d, k, which, price);
	pthread_mutex_lock(&c->lock);
	for (uint32_t i = 0; i < c->n_prices; i++) /* of the epoch before */
		unmark(c->price_marks, d->K, c->prices[i].at);
	for (uint32_t i = 0; i < c->n_books; i++)
		unmark(c->book_marks, d->B, c->books[i].at);
	c->n_prices = c->n_books = 0;
	for (uint32_t i = 0; i < k; i++) {
		uint32_t at = (uint32_t)c->at[i];
		if (same(d->price[at], c->to[i]))
			continue;
		c->prices[c->n_prices++] = (old_value){at, d->price[at]};
		mark(c->price_marks, d->K, at);
	}
	epoch_tree(d, k, c->at, c->to);
	atomic_fetch_add_explicit(&c->epoch, 1, memory_order_release);
	pthread_mutex_unlock(&c->lock);
}

/* ---- the run ---- */

typedef void epoch_fn(desk *d, uint32_t k, const uint64_t *which, const double *price);
static const struct rival {
	const char *name;
	epoch_fn *epoch;
	bool stable;
} rivals[] = {{"tree", epoch_tree, true}, {"books", epoch_books, true}, {"whole", epoch_whole, true}, {"promise", epoch_promise, true},
             {"plain", epoch_plain, false}};
enum { RIVALS = sizeof rivals / sizeof *rivals, PROMISE = 3, PLAIN = 4 };

typedef struct market {
	uint32_t K, N, B;
	double *price, *qty, *cost;
	uint32_t *inst, *book;
	uint64_t state;
	/* the changes of the epochs of one round: the same for everyone */
	uint32_t epochs, k;
	uint64_t *which, *order;
	double *to;
} market;

static void make_market(market *x)
{
	*x = (market){.K = (uint32_t)bench_env("K", 10000), .N = (uint32_t)bench_env("N", 1000000), .B = (uint32_t)bench_env("B", 1000), .state = 1};
	x->price = bench_alloc(x->K, sizeof(double));
	x->order = bench_alloc(x->K, sizeof(uint64_t));
	x->qty = bench_alloc(x->N, sizeof(double));
	x->cost = bench_alloc(x->N, sizeof(double));
	x->inst = bench_alloc(x->N, sizeof(uint32_t));
	x->book = bench_alloc(x->N, sizeof(uint32_t));
	for (uint32_t k = 0; k < x->K; k++) {
		x->price[k] = 50 + 100 * bench_unit(&x->state);
		x->order[k] = k;
	}
	for (uint32_t i = 0; i < x->N; i++) {
		x->inst[i] = (uint32_t)(bench_random(&x->state) % x->K);
		x->book[i] = (uint32_t)(bench_random(&x->state) % x->B);
		x->qty[i] = (double)(1 + bench_random(&x->state) % 100);
		x->cost[i] = x->price[x->inst[i]] * (0.9 + 0.2 * bench_unit(&x->state));
	}
	x->which = bench_alloc(1 << 22, sizeof *x->which);
	x->to = bench_alloc(1 << 22, sizeof *x->to);
}

/* Epochs of k different prices, within 1 % of what they are. */
static void make_round(market *x, uint32_t k)
{
	x->k = k;
	x->epochs = k >= 3000 ? 20 : k >= 300 ? 50 : 400000 / k; /* the partial results of C take long where much changes */
	x->epochs = x->epochs > 4000 ? 4000 : x->epochs < 10 ? 10 : x->epochs;
	for (uint32_t e = 0; e < x->epochs; e++)
		for (uint32_t i = 0; i < k; i++) {
			uint64_t j = i + bench_random(&x->state) % (x->K - i), p = x->order[j];
			x->order[j] = x->order[i];
			x->order[i] = p;
			x->price[p] *= 0.99 + 0.02 * bench_unit(&x->state);
			x->which[(size_t)e * k + i] = p;
			x->to[(size_t)e * k + i] = x->price[p];
		}
}

/* What is evaluated whole needs no epoch but the last: a few are enough to time. */
static double run_rival(const struct rival *r, desk *d, const market *x)
{
	samples s = {0};
	uint32_t first = r->epoch == epoch_whole && x->epochs > WHOLE_EPOCHS ? x->epochs - WHOLE_EPOCHS : 0;
	for (size_t i = 0; i < (size_t)first * x->k; i++)
		d->price[x->which[i]] = x->to[i];
	for (uint32_t e = first; e < x->epochs; e++) {
		double start = bench_ns();
		r->epoch(d, x->k, x->which + (size_t)e * x->k, x->to + (size_t)e * x->k);
		samples_add(&s, bench_ns() - start);
	}
	double median = samples_median(&s);
	free(s.v);
	return median;
}

/* The same on two threads, book by book. */
static void whole_by_two(desk *d, uint32_t k, const uint64_t *which, const double *price)
{
	for (uint32_t i = 0; i < k; i++)
		d->price[which[i]] = price[i];
#pragma omp parallel for num_threads(2) schedule(static)
	for (uint32_t b = 0; b < d->B; b++) {
		for (uint32_t s = d->book_start[b]; s < d->book_start[b + 1]; s++)
			d->pnl[s] = pnl_of(d, s);
		d->bybook[b] = sum_book(d, b);
	}
	d->total = sum_books(d);
}

/* Ends the round after SECOND, for those after it too: who is slow gets fewer epochs. The portable executor is the first. */
static double run_ours(mmsb_instance *m, market *x, double *total, bool may_end)
{
	samples s = {0};
	double begin_ns = bench_ns();
	int price = mmsb_page(m, "price"), sum = mmsb_page(m, "total");
	mmsb_error err;
	for (uint32_t e = 0; e < x->epochs; e++) {
		double start = bench_ns();
		bench_check(mmsb_scatter(m, price, x->k, x->which + (size_t)e * x->k, x->to + (size_t)e * x->k, &err), &err);
		bench_check(mmsb_commit(m, NULL, &err), &err);
		*total = *(const double *)mmsb_data(m, sum);
		samples_add(&s, bench_ns() - start);
		if (may_end && bench_ns() - begin_ns > SECOND)
			x->epochs = e + 1;
	}
	double median = samples_median(&s);
	free(s.v);
	return median;
}

static void compare(mmsb_instance *m, double total, desk *const *d)
{
	const double *by = bench_data(m, "bybook");
	for (int r = 0; r < RIVALS; r++) {
		if (rivals[r].stable && (!same(total, d[r]->total) || memcmp(by, d[r]->bybook, d[r]->B * sizeof *by) != 0))
			bench_stop("portfolio: the bits differ from those of a bit-stable rival");
		double off = total - d[r]->total;
		if (off > 1e-6 * 1e9 || off < -1e-6 * 1e9)
			bench_stop("portfolio: the total is another");
	}
}

static mmsb_instance *begin(mmsb_instance *m, const market *x)
{
	bench_param(m, "K", x->K);
	bench_param(m, "N", x->N);
	bench_param(m, "B", x->B);
	bench_write(m, "price", 0, x->K, x->price);
	bench_write(m, "inst", 0, x->N, x->inst);
	bench_write(m, "book", 0, x->N, x->book);
	bench_write(m, "qty", 0, x->N, x->qty);
	bench_write(m, "cost", 0, x->N, x->cost);
	bench_commit(m);
	return m;
}

/* portable: the same on the portable executor. */
static void print_row(const market *x, double a, double portable, const double *b)
{
	double best = b[0] < b[1] ? b[0] : b[1];
	best = best < b[2] ? best : b[2];
	printf("| portfolio, k = %u | %.1f us; portable %.1f us | tree %.1f us, books %.1f us, whole %.1f us, promise %.1f us, plain %.1f us | best stable %.2f, portable %.2f; promise %.2f; "
	       "plain %.2f | stable at most 2%s |\n",
	       x->k, a / 1e3, portable / 1e3, b[0] / 1e3, b[1] / 1e3, b[2] / 1e3, b[PROMISE] / 1e3, b[PLAIN] / 1e3, a / best, portable / best, a / b[PROMISE],
	       a / b[PLAIN], x->k == 1 ? ", plain at most 4" : "");
	fflush(stdout);
}

/* One k: everyone by turns, with the same changes. */
static void measure(market *x, uint32_t k, mmsb_instance *const m[2], desk *const *d)
{
	samples ours[2] = {{0}}, b[RIVALS] = {{0}};
	double median[RIVALS], total = 0, again = 0;
	for (int round = 0; round < ROUNDS; round++) {
		make_round(x, k);
		samples_add(&ours[1], run_ours(m[1], x, &again, true));
		samples_add(&ours[0], run_ours(m[0], x, &total, false));
		for (int r = 0; r < RIVALS; r++)
			samples_add(&b[r], run_rival(&rivals[r], d[r], x));
		compare(m[0], total, d);
		if (!same(total, again))
			bench_stop("portfolio: the portable executor's bits differ");
	}
	for (int r = 0; r < RIVALS; r++)
		median[r] = samples_median(&b[r]);
	print_row(x, samples_median(&ours[0]), samples_median(&ours[1]), median);
}

/* Everything anew in each epoch, on one thread and on two, by turns. */
static void measure_scratch(const char *path, market *x)
{
	mmsb_instance *m[2] = {begin(bench_instance_with(path, &(mmsb_options){.size = sizeof(mmsb_options), .threads = 1, .scratch = true}), x),
	                       begin(bench_instance_with(path, &(mmsb_options){.size = sizeof(mmsb_options), .threads = 2, .scratch = true}), x)};
	desk *d = desk_new(x->K, x->N, x->B, x->price, x->inst, x->book, x->qty, x->cost);
	epoch_fn *const c[2] = {epoch_whole, whole_by_two};
	samples ours[2] = {{0}}, theirs[2] = {{0}};
	mmsb_error err;
	make_round(x, 1);
	for (uint32_t e = 0; e < SCRATCH_EPOCHS; e++)
		for (int two = 0; two < 2; two++) {
			double start = bench_ns();
			bench_check(mmsb_scatter(m[two], mmsb_page(m[two], "price"), 1, x->which + e, x->to + e, &err), &err);
			bench_check(mmsb_commit(m[two], NULL, &err), &err);
			double between = bench_ns();
			c[two](d, 1, x->which + e, x->to + e);
			samples_add(&theirs[two], bench_ns() - between);
			samples_add(&ours[two], between - start);
			if (!same(*(const double *)mmsb_data(m[two], mmsb_page(m[two], "total")), d->total))
				bench_stop("portfolio: the bits differ from those of a bit-stable rival");
		}
	for (int two = 0; two < 2; two++) {
		double a = samples_median(&ours[two]), b = samples_median(&theirs[two]);
		printf("| portfolio, everything, %d thread%s | %.1f us | whole %.1f us | %.2f | |\n", two + 1, two ? "s" : "", a / 1e3, b / 1e3, a / b);
		mmsb_instance_free(m[two]);
	}
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return fprintf(stderr, "portfolio FILE.mmsbx\n"), 2;
	market x;
	make_market(&x);
	mmsb_instance *m[2] = {begin(bench_instance_on(argv[1], false, 0), &x), begin(bench_instance_on(argv[1], false, MMSB_PORTABLE), &x)};
	desk *d[RIVALS];
	for (int r = 0; r < RIVALS; r++) {
		d[r] = desk_new(x.K, x.N, x.B, x.price, x.inst, x.book, x.qty, x.cost);
		d[r]->kept = r == PROMISE ? contract_new(x.K, x.B) : NULL;
		epoch_whole(d[r], 0, NULL, NULL);
		for (uint32_t i = 0; i < x.N; i++)
			d[r]->of[i].pnl = d[r]->pnl[i];
	}
	static const uint32_t changes[] = {1, 10, 100, 300, 1000, 3000, 10000};
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
		if (changes[i] >= bench_env("LEAST_K", 1) && changes[i] <= bench_env("MOST_K", 10000) && changes[i] <= x.K)
			measure(&x, changes[i], m, d);
	mmsb_instance_free(m[0]);
	mmsb_instance_free(m[1]);
	measure_scratch(argv[1], &x);
	return 0;
}
