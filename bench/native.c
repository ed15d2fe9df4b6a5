/* native.c - native code beside the portable executor and C: element-wise work, every epoch evaluated whole, on one thread and on two.
 *
 *   native expression.mmsb heat.mmsb options.mmsb     N, SIDE, M in the environment: elements, those of a side, elements
 *
 * Rivals: C for this very machine, hand-fused; of the options with libmvec's vectors and -ffast-math. MMSB also compares what it stores with
 * what was there, and knows then what changed: one element of the input, and in the rows where all change a number that all of them are computed with.
 * The values of `expression` and `heat` are compared bit by bit; those of the options to 1e-4 (f32) and 1e-12 (f64). */
#include <math.h>

#include "program.h"

enum { ROUNDS = 9 };

/* libmvec's functions, which <math.h> declares with -ffast-math alone. clang knows neither attribute: its options are slower, and no rival to measure. */
#ifdef __clang__
#define FAST_MATH
#else
#define FAST_MATH __attribute__((optimize("fast-math")))
#define BY_LIBMVEC __attribute__((simd("notinbranch")))
extern float expf(float) BY_LIBMVEC;
extern float logf(float) BY_LIBMVEC;
extern float erff(float) BY_LIBMVEC;
extern double exp(double) BY_LIBMVEC;
extern double log(double) BY_LIBMVEC;
extern double erf(double) BY_LIBMVEC;
#endif

typedef struct work {
	const char *name, *limit;
	bool wide;               /* of f64 */
	const char *all;         /* a page of one number that all elements are computed with, and that changes; or NULL */
	size_t n, size;          /* elements; what N is */
	int threads;
	uint32_t n_in, n_out;
	const char *in[3], *out[2];
	void *from[3], *to[2];
	float number;            /* of the page `all` */
	void (*rival)(struct work *);
	double most;             /* that a value may differ from the rival's, by its size; 0: not by a bit */
} work;

static void rival_expression(work *w)
{
	const float *restrict a = w->from[0], *restrict b = w->from[1], *restrict c = w->from[2];
	float *restrict d = w->to[0];
#pragma omp parallel for num_threads(w->threads)
	for (size_t i = 0; i < w->n; i++)
		d[i] = (a[i] - b[i]) * c[i] + a[i] / 2.0f;
}

static inline float heat_cell(float k, const float *up, const float *row, const float *down, size_t left, size_t j, size_t right)
{
	return row[j] + k * (up[j] + down[j] + row[left] + row[right] - 4.0f * row[j]);
}

static void rival_heat(work *w)
{
	const size_t n = w->size;
	const float k = w->number;
#pragma omp parallel for num_threads(w->threads)
	for (size_t i = 0; i < n; i++) {
		const float *restrict row = (const float *)w->from[0] + i * n, *restrict up = i ? row - n : row, *restrict down = i + 1 < n ? row + n : row;
		float *restrict to = (float *)w->to[0] + i * n;
		to[0] = heat_cell(k, up, row, down, 0, 0, 1);
		for (size_t j = 1; j + 1 < n; j++)
			to[j] = heat_cell(k, up, row, down, j - 1, j, j + 1);
		to[n - 1] = heat_cell(k, up, row, down, n - 2, n - 1, n - 1);
	}
}

enum { RATE_PERCENT = 3, VOL_PERCENT = 20 };

#define OPTIONS(T, f)                                                                                         \
	FAST_MATH static void rival_options_##T(work *w)                                                     \
	{                                                                                                    \
		const T *restrict spot = w->from[0], *restrict strike = w->from[1], *restrict years = w->from[2]; \
		T *restrict call = w->to[0], *restrict put = w->to[1];                                       \
		const T rate = RATE_PERCENT / (T)100, vol = VOL_PERCENT / (T)100, root = (T)0.70710678;      \
		_Pragma("omp parallel for num_threads(w->threads)")                                          \
		for (size_t i = 0; i < w->n; i++) {                                                          \
			T spread = vol * sqrt##f(years[i]), due = strike[i] * exp##f(-rate * years[i]);      \
			T d1 = (log##f(spot[i] / strike[i]) + (rate + vol * vol * (T)0.5) * years[i]) / spread, d2 = d1 - spread; \
			T e1 = erf##f(d1 * root), e2 = erf##f(d2 * root);                                    \
			call[i] = spot[i] * (T)0.5 * (1 + e1) - due * (T)0.5 * (1 + e2);                     \
			put[i] = due * (T)0.5 * (1 - e2) - spot[i] * (T)0.5 * (1 - e1);                      \
		}                                                                                            \
	}
OPTIONS(float, f)
OPTIONS(double, )

/* The program with each `from` in it as `to`. */
static void replace(char *text, size_t room, const char *from, const char *to)
{
	size_t n = strlen(from), m = strlen(to);
	for (char *at = text; (at = strstr(at, from)) != NULL; at += m) {
		if (strlen(text) + m - n >= room)
			bench_stop("a program is too long");
		memmove(at + m, at + n, strlen(at + n) + 1);
		memcpy(at, to, m);
	}
}

/* The program as this work has it, in a file of its own. */
static void vary(const work *w, const char *path, char *varied)
{
	char text[4096];
	FILE *in = fopen(path, "r");
	size_t n = in ? fread(text, 1, sizeof text - 1, in) : 0;
	if (!in || ferror(in) || !feof(in))
		bench_stop(path);
	fclose(in);
	text[n] = '\0';
	if (w->wide)
		replace(text, sizeof text, "f32", "f64");
	if (w->all && strcmp(w->all, "k") == 0)
		replace(text, sizeof text, "param k : f32 = 0.2;", "page k : f32 in;");
	int fd = mkstemps(varied, 5);
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!out || fputs(text, out) < 0 || fclose(out))
		bench_stop(varied);
}

static mmsb_instance *instance(const work *w, const char *path, bool native)
{
	char varied[] = "/tmp/mmsb-bench-XXXXXX.mmsb";
	vary(w, path, varied);
	mmsb_schedule *program = bench_program_file(varied, native);
	remove(varied);
	mmsb_instance *m = bench_instance_of(program, w->threads, true);
	bench_param(m, "N", w->size);
	for (uint32_t p = 0; p < w->n_in; p++)
		bench_write(m, w->in[p], 0, w->n, w->from[p]);
	return m;
}

static size_t width(const work *w) { return w->wide ? sizeof(double) : sizeof(float); }

static const void *element(const work *w, const void *values, size_t i) { return (const char *)values + i * width(w); }

static double time_commit(mmsb_instance *m, work *w, size_t round)
{
	if (w->all) {
		w->number = 0.2f + (float)(round % 2) / 64;
		bench_write(m, w->all, 0, 1, &w->number);
	} else {
		bench_write(m, w->in[0], 0, 1, element(w, w->from[0], round % 2));
	}
	double start = bench_ns();
	bench_commit(m);
	return bench_ns() - start;
}

static bool same(const work *w, const void *a, const void *b)
{
	if (w->most == 0)
		return memcmp(a, b, width(w)) == 0;
	double x = w->wide ? *(const double *)a : *(const float *)a, y = w->wide ? *(const double *)b : *(const float *)b;
	return fabs(x - y) <= w->most * fmax(1, fabs(x));
}

static void compare(work *w, mmsb_instance *m)
{
	for (uint32_t p = 0; p < w->n_out; p++) {
		const void *mine = bench_data(m, w->out[p]);
		for (size_t i = 0; i < w->n; i++)
			if (!same(w, element(w, mine, i), element(w, w->to[p], i)))
				bench_stop("the answers differ");
	}
}

static void run(work *w, mmsb_instance *portable, mmsb_instance *native)
{
	samples times[3] = {{0}};
	time_commit(portable, w, 0);
	time_commit(native, w, 0);
	w->rival(w);
	for (size_t round = 0; round < ROUNDS; round++) {
		samples_add(&times[0], time_commit(portable, w, round));
		samples_add(&times[1], time_commit(native, w, round));
		double start = bench_ns();
		w->rival(w);
		samples_add(&times[2], bench_ns() - start);
	}
	time_commit(native, w, 0); /* the first element as the rival has it */
	time_commit(portable, w, 0);
	w->rival(w);
	compare(w, native);
	bench_same_state(portable, native);
	double p = samples_at(&times[0], 0), q = samples_at(&times[1], 0), c = samples_at(&times[2], 0);
	printf("| %s, %zu %s, whole, native, %d thread%s | %.2f ms | portable %.2f ms | %.2f | |\n", w->name, w->n, w->wide ? "f64" : "f32", w->threads,
	       w->threads > 1 ? "s" : "", q / 1e6, p / 1e6, q / p);
	printf("| the same | %.2f ms | C %.2f ms | %.2f | %s |\n", q / 1e6, c / 1e6, q / c, w->limit);
	for (int i = 0; i < 3; i++)
		free(times[i].v);
}

static void prepare(work *w)
{
	uint64_t state = 1;
	for (uint32_t p = 0; p < w->n_in; p++) {
		w->from[p] = bench_alloc(w->n, width(w));
		for (size_t i = 0; i < w->n; i++) {
			float value = (float)bench_unit(&state) + (p < 2 ? 1.0f : 0.25f);
			if (w->wide)
				((double *)w->from[p])[i] = value;
			else
				((float *)w->from[p])[i] = value;
		}
	}
	for (uint32_t p = 0; p < w->n_out; p++)
		w->to[p] = bench_alloc(w->n, width(w));
}

static void finish(work *w, mmsb_instance *portable, mmsb_instance *native)
{
	mmsb_instance_free(portable);
	mmsb_instance_free(native);
	for (uint32_t p = 0; p < w->n_in; p++)
		free(w->from[p]);
	for (uint32_t p = 0; p < w->n_out; p++)
		free(w->to[p]);
}

static void set_numbers(mmsb_instance *m, const work *w)
{
	const float rate = RATE_PERCENT / 100.0f, vol = VOL_PERCENT / 100.0f;
	const double wide_rate = RATE_PERCENT / 100.0, wide_vol = VOL_PERCENT / 100.0;
	bench_write(m, "rate", 0, 1, w->wide ? (const void *)&wide_rate : &rate);
	bench_write(m, "vol", 0, 1, w->wide ? (const void *)&wide_vol : &vol);
}

int main(int argc, char **argv)
{
	size_t side = bench_env("SIDE", 4096), n = bench_env("N", 1 << 24), options = bench_env("M", 4000000);
	work works[] = {
		{.name = "expression", .limit = "at most 1.05", .n = n, .size = n, .n_in = 3, .n_out = 1, .in = {"a", "b", "c"},
		 .out = {"d"}, .rival = rival_expression},
		{.name = "heat", .limit = "at most 1.05", .n = side * side, .size = side, .n_in = 1, .n_out = 1, .in = {"u"},
		 .out = {"v"}, .rival = rival_heat, .number = 0.2f},
		{.name = "heat of which all changes", .limit = "at most 1.05", .n = side * side, .size = side, .n_in = 1, .n_out = 1, .in = {"u"},
		 .out = {"v"}, .rival = rival_heat, .all = "k"},
		{.name = "options", .limit = "libmvec, -ffast-math; at most 1.15", .n = options, .size = options, .n_in = 3, .n_out = 2,
		 .in = {"spot", "strike", "years"}, .out = {"call", "put"}, .rival = rival_options_float, .most = 1e-4},
		{.name = "options", .limit = "libmvec, -ffast-math; at most 1.3", .wide = true, .n = options, .size = options, .n_in = 3, .n_out = 2,
		 .in = {"spot", "strike", "years"}, .out = {"call", "put"}, .rival = rival_options_double, .most = 1e-12}};
	static const int programs[] = {1, 2, 2, 3, 3};
	if (argc != 4 || side < 2)
		bench_stop("usage: native expression.mmsb heat.mmsb options.mmsb");
	for (size_t i = 0; i < 2 * sizeof works / sizeof works[0]; i++) {
		work *w = &works[i / 2];
		const char *path = argv[programs[i / 2]];
		w->threads = (int)(i % 2) + 1;
		prepare(w);
		mmsb_instance *m[2] = {instance(w, path, false), instance(w, path, true)};
		for (int k = 0; k < 2 && programs[i / 2] == 3; k++)
			set_numbers(m[k], w);
		run(w, m[0], m[1]);
		finish(w, m[0], m[1]);
	}
	return 0;
}
