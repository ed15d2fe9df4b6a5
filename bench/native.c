/* native.c - native code beside the portable executor and C: element-wise work, every epoch evaluated whole, on one thread and on two.
 *
 *   native expression.mmsb heat.mmsb options.mmsb     N, SIDE, M in the environment: elements, those of a side, elements
 *
 * Rivals: C for this very machine, hand-fused; of the options with libmvec's vectors and -ffast-math. MMSB also compares what it stores with
 * what was there, and knows then what changed. The values of `expression` and `heat` are compared bit by bit; those of the options to 1e-4. */
#include <math.h>

#include "bench.h"
#include "../compiler/compile.h"
#include "../compiler/native_cc.h"

enum { ROUNDS = 9 };

/* libmvec's functions, which <math.h> declares with -ffast-math alone. */
extern float expf(float) __attribute__((simd("notinbranch")));
extern float logf(float) __attribute__((simd("notinbranch")));
extern float erff(float) __attribute__((simd("notinbranch")));

typedef struct work {
	const char *name, *limit;
	size_t n, size;          /* elements; what N is */
	int threads;
	uint32_t n_in, n_out;
	const char *in[3], *out[2];
	float *from[3], *to[2];
	void (*rival)(struct work *);
	float most;              /* that a value may differ from the rival's, by its size; 0: not by a bit */
} work;

static void rival_expression(work *w)
{
	const float *restrict a = w->from[0], *restrict b = w->from[1], *restrict c = w->from[2];
	float *restrict d = w->to[0];
#pragma omp parallel for num_threads(w->threads)
	for (size_t i = 0; i < w->n; i++)
		d[i] = (a[i] - b[i]) * c[i] + a[i] / 2.0f;
}

static inline float heat_cell(const float *up, const float *row, const float *down, size_t left, size_t j, size_t right)
{
	return row[j] + 0.2f * (up[j] + down[j] + row[left] + row[right] - 4.0f * row[j]);
}

static void rival_heat(work *w)
{
	const size_t n = w->size;
#pragma omp parallel for num_threads(w->threads)
	for (size_t i = 0; i < n; i++) {
		const float *restrict row = w->from[0] + i * n, *restrict up = i ? row - n : row, *restrict down = i + 1 < n ? row + n : row;
		float *restrict to = w->to[0] + i * n;
		to[0] = heat_cell(up, row, down, 0, 0, 1);
		for (size_t j = 1; j + 1 < n; j++)
			to[j] = heat_cell(up, row, down, j - 1, j, j + 1);
		to[n - 1] = heat_cell(up, row, down, n - 2, n - 1, n - 1);
	}
}

enum { RATE_PERCENT = 3, VOL_PERCENT = 20 };

__attribute__((optimize("fast-math"))) static void rival_options(work *w)
{
	const float *restrict spot = w->from[0], *restrict strike = w->from[1], *restrict years = w->from[2];
	float *restrict call = w->to[0], *restrict put = w->to[1];
	const float rate = RATE_PERCENT / 100.0f, vol = VOL_PERCENT / 100.0f, root = 0.70710678f;
#pragma omp parallel for num_threads(w->threads)
	for (size_t i = 0; i < w->n; i++) {
		float spread = vol * sqrtf(years[i]), due = strike[i] * expf(-rate * years[i]);
		float d1 = (logf(spot[i] / strike[i]) + (rate + vol * vol * 0.5f) * years[i]) / spread, d2 = d1 - spread;
		float e1 = erff(d1 * root), e2 = erff(d2 * root);
		call[i] = spot[i] * 0.5f * (1.0f + e1) - due * 0.5f * (1.0f + e2);
		put[i] = due * 0.5f * (1.0f - e2) - spot[i] * 0.5f * (1.0f - e1);
	}
}

static mmsb_instance *instance(const work *w, const char *path, bool native)
{
	compile_options how = {0};
	mmsb_options options = {.size = sizeof options, .threads = w->threads, .scratch = 1};
	mmsb_schedule *program;
	mmsb_instance *m;
	mmsb_error err;
	uint8_t *bytes = NULL;
	size_t n = 0;
	if (compile_file(path, &how, stderr, false, &bytes, &n) != COMPILE_OK)
		bench_stop(path);
	bench_check(mmsb_schedule_load(&program, bytes, n, &err), &err);
	free(bytes);
	if (native)
		bench_check(native_use(program, &err), &err);
	bench_check(mmsb_instance_new(&m, program, &options, &err), &err);
	mmsb_schedule_close(program);
	bench_param(m, "N", w->size);
	for (uint32_t p = 0; p < w->n_in; p++)
		bench_write(m, w->in[p], 0, w->n, w->from[p]);
	return m;
}

static double time_commit(mmsb_instance *m, const work *w, size_t round)
{
	bench_write(m, w->in[0], 0, 1, &w->from[0][round % 2]);
	double start = bench_ns();
	bench_commit(m);
	return bench_ns() - start;
}

static void compare(work *w, mmsb_instance *m)
{
	for (uint32_t p = 0; p < w->n_out; p++) {
		const float *mine = bench_data(m, w->out[p]);
		for (size_t i = 0; i < w->n; i++)
			if (w->most == 0 ? memcmp(&mine[i], &w->to[p][i], sizeof *mine) != 0
			                 : fabsf(mine[i] - w->to[p][i]) > w->most * fmaxf(1.0f, fabsf(mine[i])))
				bench_stop("the answers differ");
	}
}

static void run(work *w, mmsb_instance *portable, mmsb_instance *native)
{
	samples times[3] = {{0}};
	bench_commit(portable);
	bench_commit(native);
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
	compare(w, native);
	bench_same_state(portable, native);
	double p = samples_at(&times[0], 0), q = samples_at(&times[1], 0), c = samples_at(&times[2], 0);
	printf("| %s, %zu f32, whole, native, %d thread%s | %.2f ms | portable %.2f ms | %.2f | |\n", w->name, w->n, w->threads,
	       w->threads > 1 ? "s" : "", q / 1e6, p / 1e6, q / p);
	printf("| the same | %.2f ms | C %.2f ms | %.2f | %s |\n", q / 1e6, c / 1e6, q / c, w->limit);
	for (int i = 0; i < 3; i++)
		free(times[i].v);
}

static void prepare(work *w)
{
	uint64_t state = 1;
	for (uint32_t p = 0; p < w->n_in; p++) {
		w->from[p] = bench_alloc(w->n, sizeof(float));
		for (size_t i = 0; i < w->n; i++)
			w->from[p][i] = (float)bench_unit(&state) + (p < 2 ? 1.0f : 0.25f);
	}
	for (uint32_t p = 0; p < w->n_out; p++)
		w->to[p] = bench_alloc(w->n, sizeof(float));
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

int main(int argc, char **argv)
{
	size_t side = bench_env("SIDE", 4096), n = bench_env("N", 1 << 24), options = bench_env("M", 4000000);
	work works[3] = {
		{.name = "expression", .limit = "at most 1.05", .n = n, .size = n, .n_in = 3, .n_out = 1, .in = {"a", "b", "c"},
		 .out = {"d"}, .rival = rival_expression},
		{.name = "heat", .limit = "at most 1.05", .n = side * side, .size = side, .n_in = 1, .n_out = 1, .in = {"u"},
		 .out = {"v"}, .rival = rival_heat},
		{.name = "options", .limit = "libmvec, -ffast-math; at most 1.15", .n = options, .size = options, .n_in = 3, .n_out = 2,
		 .in = {"spot", "strike", "years"}, .out = {"call", "put"}, .rival = rival_options, .most = 1e-4f}};
	const float rate = RATE_PERCENT / 100.0f, vol = VOL_PERCENT / 100.0f;
	if (argc != 4 || side < 2)
		bench_stop("usage: native expression.mmsb heat.mmsb options.mmsb");
	for (int i = 0; i < 6; i++) {
		work *w = &works[i / 2];
		w->threads = i % 2 + 1;
		prepare(w);
		mmsb_instance *m[2] = {instance(w, argv[i / 2 + 1], false), instance(w, argv[i / 2 + 1], true)};
		for (int k = 0; k < 2 && w->rival == rival_options; k++) {
			bench_write(m[k], "rate", 0, 1, &rate);
			bench_write(m[k], "vol", 0, 1, &vol);
		}
		run(w, m[0], m[1]);
		finish(w, m[0], m[1]);
	}
	return 0;
}
