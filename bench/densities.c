/* densities.c - what an epoch costs by the share of elements that change: no share is to cost more than its neighbours explain.
 *
 *   densities       N in the environment: elements of the pages; PORTABLE=1: the portable executor; ONLY: a part of a program's name
 *
 * Of a source page k elements, distinct and in random order, get other values: from one to all, three to four times as many at each step. The
 * time of an epoch, from the first delta staged to the commit's end, is the median of many,
 * and of three rounds over all steps. It is held against the better of its neighbours: that
 * of the step before, times by how much k is larger, and that of the step after, which does more. Goal: at most 1.3 times. What comes out at the end is compared with
 * an evaluation from scratch. */
#include "program.h"

enum { STEPS = 32, ROUNDS = 3, LEAST_EPOCHS = 7, MOST_EPOCHS = 2000, ENTRIES = 8, INSTRUMENTS = 10, MEMBERS = 1000 };

typedef struct program {
	const char *name, *text;
	const char *out;             /* compared at the end */
	uint64_t (*make)(mmsb_instance *, uint64_t n, uint64_t *state); /* sizes and all pages but x; how many elements x has */
	unsigned bytes;              /* of an element of x: 8 f64, 4 f32, 1 bool */
} program;

/* ---- programs: the page that changes is x ------------------------------------------------------ */

static void fill(mmsb_instance *m, const char *page, uint64_t n, uint64_t *state)
{
	float *v = bench_alloc(n, sizeof *v);
	for (uint64_t i = 0; i < n; i++)
		v[i] = (float)(1.0 + bench_unit(state));
	bench_write(m, page, 0, n, v);
	free(v);
}

static uint64_t make_plain(mmsb_instance *m, uint64_t n, uint64_t *state)
{
	(void)state;
	bench_param(m, "N", n);
	return n;
}

static uint64_t make_expression(mmsb_instance *m, uint64_t n, uint64_t *state)
{
	bench_param(m, "N", n);
	fill(m, "b", n, state);
	fill(m, "c", n, state);
	return n;
}

static uint64_t make_field(mmsb_instance *m, uint64_t n, uint64_t *state)
{
	uint64_t side = 1;
	(void)state;
	while ((side + 1) * (side + 1) <= n)
		side++;
	bench_param(m, "N", side);
	return side * side;
}

/* Random keys below `most`. */
static void fill_keys(mmsb_instance *m, const char *page, uint64_t n, uint64_t most, uint64_t *state)
{
	uint32_t *v = bench_alloc(n, sizeof *v);
	for (uint64_t i = 0; i < n; i++)
		v[i] = (uint32_t)(bench_random(state) % most);
	bench_write(m, page, 0, n, v);
	free(v);
}

static uint64_t make_portfolio(mmsb_instance *m, uint64_t n, uint64_t *state)
{
	uint64_t K = n / INSTRUMENTS + 1, B = n / MEMBERS + 1;
	bench_param(m, "K", K);
	bench_param(m, "N", n);
	bench_param(m, "B", B);
	fill_keys(m, "inst", n, K, state);
	fill_keys(m, "book", n, B, state);
	fill(m, "qty", n, state);
	return K;
}

/* Rows of ENTRIES entries in random columns. */
static uint64_t make_rows(mmsb_instance *m, uint64_t n, uint64_t *state)
{
	uint64_t rows = n / ENTRIES + 1, entries = rows * ENTRIES;
	uint64_t *row = bench_alloc(entries, sizeof *row), *col = bench_alloc(entries, sizeof *col);
	float *v = bench_alloc(entries, sizeof *v);
	mmsb_error err;
	bench_param(m, "N", rows);
	for (uint64_t i = 0; i < entries; i++) {
		row[i] = i / ENTRIES;
		col[i] = bench_random(state) % rows;
		v[i] = (float)(1.0 + bench_unit(state));
	}
	bench_check(mmsb_insert(m, mmsb_page(m, "W"), entries, row, col, v, &err), &err);
	free(row);
	free(col);
	free(v);
	return rows;
}

static const program programs[] = {
	{"expression, its sum", "param N; page x : f32[N] in; page b : f32[N] in; page c : f32[N] in; page y : f32[N] out; page s : f32 out;\n"
	 "edge y[i] <- (x[i] - b[i]) * c[i] + x[i] / 2.0; edge s <- sum[i] y[i];\n", "y", make_expression, 4},
	{"portfolio", "param K, N, B; page x : f32[K] in; page inst : index(K)[N] in @static; page book : index(B)[N] in @static; page qty : f32[N] in;\n"
	 "page y : f32[B] out; page s : f32 out; edge y[b] <- sum[i where book[i] == b] x[inst[i]] * qty[i]; edge s <- sum[b] y[b];\n", "y", make_portfolio, 4},
	{"stencil, 3 x 3", "param N; page x : bool[N, N] in; page y : bool[N, N] out;\n"
	 "let near[i, j] = count[a in 0..3, b in 0..3] wrap(x)[i + a - 1, j + b - 1]; edge y[i, j] <- near[i, j] == 3 || (near[i, j] == 4 && x[i, j]);\n",
	 "y", make_field, 1},
	{"window, 32", "param N; page x : f32[N] in; page y : f32[N] out; edge y[i] <- sum[k in 0..32] zero(x)[i - k];\n", "y", make_plain, 4},
	{"sparse rows", "param N; page W : sparse f32[N, N] in; page x : f32[N] in; page y : f32[N] out; edge y[i] <- sum[j] W[i, j] * x[j];\n", "y", make_rows, 4},
	{"prefix sums", "param N; page x : f64[N] in; page y : f64[N] out; edge y[i] <- sum[j where j <= i] x[j];\n", "y", make_plain, 8},
	{"prefix maxima", "param N; page x : f64[N] in; page y : f64[N] out; edge y[i] <- max[j where j <= i] x[j];\n", "y", make_plain, 8},
};

/* ---- changes ----------------------------------------------------------------------------------- */

typedef struct source {
	uint64_t n, state, *order;   /* positions; the first k of them are those that change */
	unsigned bytes;
	uint8_t *now, *values;       /* of x; of the changes */
} source;

static void put_random(source *s, uint8_t *at)
{
	double d = 1.0 + bench_unit(&s->state);
	float f = (float)d;
	if (s->bytes == 1)
		*at ^= 1;
	else
		memcpy(at, s->bytes == 8 ? (const void *)&d : (const void *)&f, s->bytes);
}

static source source_new(uint64_t n, unsigned bytes)
{
	source s = {n, 7, bench_alloc(n, sizeof(uint64_t)), bytes, bench_alloc(n, bytes), bench_alloc(n, bytes)};
	for (uint64_t i = 0; i < n; i++) {
		s.order[i] = i;
		if (bytes > 1)
			put_random(&s, s.now + i * bytes);
		else
			s.now[i] = bench_random(&s.state) % 3 == 0;
	}
	return s;
}

static void draw(source *s, uint64_t k)
{
	for (uint64_t i = 0; i < k; i++) {
		uint64_t j = i + bench_random(&s->state) % (s->n - i), at = s->order[j];
		s->order[j] = s->order[i];
		s->order[i] = at;
		put_random(s, s->now + at * s->bytes);
		memcpy(s->values + i * s->bytes, s->now + at * s->bytes, s->bytes);
	}
}

/* Epochs of k changes until time is up; the median. */
static double epochs_ns(mmsb_instance *m, source *s, uint64_t k)
{
	samples all = {0};
	mmsb_error err;
	int x = mmsb_page(m, "x");
	double first = bench_ns(), most = (double)bench_env("TIME_MS", 50) * 1e6;
	for (int e = 0; e < MOST_EPOCHS && (e < LEAST_EPOCHS || bench_ns() - first < most); e++) {
		draw(s, k);
		double start = bench_ns();
		bench_check(mmsb_scatter(m, x, k, s->order, s->values, &err), &err);
		bench_commit(m);
		samples_add(&all, bench_ns() - start);
	}
	double median = samples_median(&all);
	free(all.v);
	return median;
}

/* What is kept of reductions is to be that of this density: after an evaluation of everything it is made anew bit by bit. */
static double epoch_ns(mmsb_instance *m, source *s, uint64_t k)
{
	epochs_ns(m, s, k);
	return epochs_ns(m, s, k);
}

/* ---- the run ----------------------------------------------------------------------------------- */

static mmsb_instance *begin(const program *p, mmsb_schedule *compiled, uint64_t n, uint64_t *size, bool scratch)
{
	mmsb_options options = {.size = sizeof options, .threads = 1, .scratch = scratch};
	mmsb_instance *m;
	mmsb_error err;
	uint64_t state = 1;
	bench_check(mmsb_instance_new(&m, compiled, &options, &err), &err);
	*size = p->make(m, n, &state);
	return m;
}

static void compare(const program *p, mmsb_schedule *compiled, uint64_t n, mmsb_instance *m, const source *s)
{
	uint64_t size;
	mmsb_instance *scratch = begin(p, compiled, n, &size, true);
	mmsb_info info;
	bench_write(scratch, "x", 0, size, s->now);
	bench_commit(scratch);
	if (mmsb_page_info(m, mmsb_page(m, p->out), &info))
		bench_stop("densities: no such page");
	if (memcmp(bench_data(m, p->out), bench_data(scratch, p->out), info.count * info.element) != 0)
		bench_stop("densities: propagated and evaluated whole, the bits differ");
	mmsb_instance_free(scratch);
}

static void report(const program *p, uint64_t n, const uint64_t *k, const double *ns, int steps)
{
	double worst = 0;
	printf("| %s, %llu |", p->name, (unsigned long long)n);
	for (int i = 0; i < steps; i++) {
		double best = i + 1 < steps ? ns[i + 1] : ns[i];
		double before = i > 0 ? ns[i - 1] * (double)k[i] / (double)k[i - 1] : best;
		best = before < best || i + 1 == steps ? before : best;
		double ratio = ns[i] / best;
		worst = ratio > worst ? ratio : worst;
		printf(ratio > 1.3 ? " %llu: %.1f us, **%.2f** |" : " %llu: %.1f us, %.2f |", (unsigned long long)k[i], ns[i] / 1e3, ratio);
	}
	printf(" worst %.2f |\n", worst);
	fflush(stdout);
}

static void run(const program *p, uint64_t n)
{
	uint64_t size, k[STEPS];
	double ns[STEPS];
	samples all[STEPS] = {{0}};
	int steps = 0;
	mmsb_schedule *compiled = bench_program(p->text, !bench_env("PORTABLE", 0));
	mmsb_instance *m = begin(p, compiled, n, &size, false);
	source s = source_new(size, p->bytes);
	bench_write(m, "x", 0, size, s.now);
	bench_commit(m);
	for (uint64_t some = 1, next = 3; some < size && steps < STEPS - 1; steps++) { /* 1, 3, 10, 30, ... */
		k[steps] = some;
		some = next;
		next = steps % 2 ? next * 3 : next / 3 * 10;
	}
	k[steps++] = size;
	for (int i = 0; i < steps * ROUNDS; i++)
		samples_add(&all[i % steps], epoch_ns(m, &s, k[i % steps]));
	for (int i = 0; i < steps; i++) {
		ns[i] = samples_median(&all[i]);
		free(all[i].v);
	}
	compare(p, compiled, n, m, &s);
	report(p, size, k, ns, steps);
	mmsb_instance_free(m);
	mmsb_schedule_close(compiled);
	free(s.order);
	free(s.now);
	free(s.values);
}

int main(void)
{
	const char *only = getenv("ONLY");
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
		if (!only || strstr(programs[i].name, only))
			run(&programs[i], bench_env("N", 1000000));
	return 0;
}
