/* portfolio.c - 10^6 positions in 10^3 books over 10^4 instruments: k prices change, `total` is read.
 *
 *   portfolio FILE.mmsbx     K, N, B in the environment
 *
 * Rivals in C, all over positions sorted by book, so that a book is one run of memory, with a list of positions by instrument:
 *   tree    bit-stable, with the partial results of the language's order kept: a dirty leaf of at most 32 is added up again, and its path
 *   books   bit-stable: dirty books are added up again whole, in the language's order
 *   whole   everything again, in the language's order
 *   plain   book += new - old: the order of additions, and so the bits, depend on the history */
#include "bench.h"

enum { LEAF = 32, ROUNDS = 5, SECOND = 1000000000, WHOLE_EPOCHS = 20 };

typedef struct tree_node {
	double value;
	uint32_t first, n;    /* its positions (in the order by book); more than LEAF: it has two nodes */
	uint32_t left, right; /* a child stands before its parent */
	uint32_t parent, height;
} tree_node;

enum { NOBODY = UINT32_MAX, HEIGHTS = 34 };

/* What a change of a price needs of a position, side by side. */
typedef struct position {
	double cost, qty, pnl;
	uint32_t leaf, book;
} position;

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
				d->bybook[d->of[t->first].book] = v;
			else
				soil(d, n, t->parent);
		}
	}
	d->total = sum_books(d);
}

/* ---- the run ---- */

typedef void epoch_fn(desk *d, uint32_t k, const uint64_t *which, const double *price);
static const struct rival {
	const char *name;
	epoch_fn *epoch;
	bool stable;
} rivals[] = {{"tree", epoch_tree, true}, {"books", epoch_books, true}, {"whole", epoch_whole, true}, {"plain", epoch_plain, false}};
enum { RIVALS = sizeof rivals / sizeof *rivals };

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
	x->epochs = (uint32_t)(k >= 1000 ? 2000000 / k / 5 : 400000 / k);
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

/* Ends the round after SECOND, for the rivals too: who is slow gets fewer epochs. */
static double run_ours(mmsb_instance *m, market *x, double *total)
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
		if (bench_ns() - begin_ns > SECOND)
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

static mmsb_instance *begin(const char *path, const market *x)
{
	mmsb_instance *m = bench_instance(path, false);
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

static void print_row(const market *x, double a, const double *b)
{
	double best = b[0] < b[1] ? b[0] : b[1];
	best = best < b[2] ? best : b[2];
	printf("| portfolio, k = %u | %.1f us | tree %.1f us, books %.1f us, whole %.1f us, plain %.1f us | best stable %.2f, plain %.2f | stable at most 2%s |\n",
	       x->k, a / 1e3, b[0] / 1e3, b[1] / 1e3, b[2] / 1e3, b[3] / 1e3, a / best, a / b[3], x->k == 1 ? ", plain at most 4" : "");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return fprintf(stderr, "portfolio FILE.mmsbx\n"), 2;
	market x;
	make_market(&x);
	mmsb_instance *m = begin(argv[1], &x);
	desk *d[RIVALS];
	for (int r = 0; r < RIVALS; r++) {
		d[r] = desk_new(x.K, x.N, x.B, x.price, x.inst, x.book, x.qty, x.cost);
		epoch_whole(d[r], 0, NULL, NULL);
		for (uint32_t i = 0; i < x.N; i++)
			d[r]->of[i].pnl = d[r]->pnl[i];
	}
	for (uint32_t k = (uint32_t)bench_env("LEAST_K", 1), most = (uint32_t)bench_env("MOST_K", 10000); k <= most && k <= x.K; k *= 10) {
		samples a = {0}, b[RIVALS] = {{0}};
		double median[RIVALS], total = 0;
		for (int round = 0; round < ROUNDS; round++) {
			make_round(&x, k);
			samples_add(&a, run_ours(m, &x, &total));
			for (int r = 0; r < RIVALS; r++)
				samples_add(&b[r], run_rival(&rivals[r], d[r], &x));
			compare(m, total, d);
		}
		for (int r = 0; r < RIVALS; r++)
			median[r] = samples_median(&b[r]);
		print_row(&x, samples_median(&a), median);
	}
	mmsb_instance_free(m);
	return 0;
}
