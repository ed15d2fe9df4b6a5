/* lists.c - single elements by native code: k random elements of a page change, and what follows from them is listed and computed.
 *
 *   lists expression.mmsb heat.mmsb options.mmsb     N, SIDE, M in the environment: elements, those of a side, elements; LEAST_K, MOST_K
 *
 * By turns on one instance and thread: the functions that compute whole passes, the executor's tiles (the same instance is told not to use the functions),
 * and C that puts the changes into its page and computes each element that reads them, and writes it where it differs. From the first delta staged to the end of the
 * commit; the C marks nothing, and has no order to keep. */
#include <math.h>

#include "bench.h"
#include "program.h"
#include "../runtime/spans.h"

enum { EPOCHS = 15, MOST = 1 << 17, TEXT = 4096 };

typedef struct work {
	const char *name, *page, *out;
	size_t n, side;
	float *in[3], *to;
	void (*rival)(struct work *, const uint64_t *at, const float *values, size_t k);
} work;

static inline void put(float *at, float v)
{
	if (memcmp(at, &v, sizeof v) != 0)
		*at = v;
}

static void rival_expression(work *w, const uint64_t *at, const float *values, size_t k)
{
	for (size_t i = 0; i < k; i++)
		w->in[0][at[i]] = values[i];
	for (size_t i = 0; i < k; i++) {
		float a = w->in[0][at[i]];
		put(&w->to[at[i]], (a - w->in[1][at[i]]) * w->in[2][at[i]] + a / 2.0f);
	}
}

static void heat_cell(work *w, size_t i, size_t j)
{
	const size_t n = w->side, up = i ? i - 1 : i, down = i + 1 < n ? i + 1 : i, left = j ? j - 1 : j, right = j + 1 < n ? j + 1 : j;
	const float *u = w->in[0];
	put(&w->to[i * n + j], u[i * n + j] + 0.2f * (u[up * n + j] + u[down * n + j] + u[i * n + left] + u[i * n + right] - 4.0f * u[i * n + j]));
}

static void rival_heat(work *w, const uint64_t *at, const float *values, size_t k)
{
	for (size_t i = 0; i < k; i++)
		w->in[0][at[i]] = values[i];
	for (size_t c = 0; c < k; c++) {
		size_t i = at[c] / w->side, j = at[c] % w->side;
		heat_cell(w, i, j);
		if (i)
			heat_cell(w, i - 1, j);
		if (i + 1 < w->side)
			heat_cell(w, i + 1, j);
		if (j)
			heat_cell(w, i, j - 1);
		if (j + 1 < w->side)
			heat_cell(w, i, j + 1);
	}
}

static void use_functions(mmsb_instance *m, native_fn **functions, bool use)
{
	for (uint32_t p = 0; p < m->sch->n_passes; p++)
		if (m->executor->passes[p]->span)
			m->executor->passes[p]->span->listed = use ? functions[p] : NULL;
}

/* Program `path` with the work's pages, everything evaluated once. */
static mmsb_instance *instance(const work *w, const char *path)
{
	static const char *const names[][3] = {{"a", "b", "c"}, {"u"}, {"spot", "strike", "years"}};
	char text[TEXT] = "";
	FILE *in = fopen(path, "r");
	size_t n = in ? fread(text, 1, sizeof text - 1, in) : 0;
	if (n == 0)
		bench_stop(path);
	fclose(in);
	mmsb_instance *m = bench_instance_of(bench_program(text, true), 1, false);
	bench_param(m, "N", w->side);
	for (size_t set = 0; set < 3; set++)
		for (size_t p = 0; p < 3 && names[set][p] && mmsb_page(m, names[set][0]) >= 0; p++)
			bench_write(m, names[set][p], 0, w->n, w->in[p]);
	if (mmsb_page(m, "rate") >= 0) {
		bench_write(m, "rate", 0, 1, &(float){0.03f});
		bench_write(m, "vol", 0, 1, &(float){0.2f});
	}
	bench_commit(m);
	return m;
}

static double time_epoch(mmsb_instance *m, const work *w, const uint64_t *at, const float *values, size_t k)
{
	mmsb_error err;
	double start = bench_ns();
	bench_check(mmsb_scatter(m, mmsb_page(m, w->page), k, at, values, &err), &err);
	bench_commit(m);
	return bench_ns() - start;
}

static void run_changes(work *w, mmsb_instance *m, native_fn **functions, size_t k, uint64_t *state)
{
	static uint64_t at[MOST];
	static float values[MOST];
	samples times[3] = {{0}};
	for (size_t e = 0; e < 3 * EPOCHS; e++) {
		for (size_t i = 0; i < k; i++) {
			at[i] = bench_random(state) % w->n;
			values[i] = (float)bench_unit(state) + 1.0f;
		}
		double start = bench_ns();
		if (w->rival)
			w->rival(w, at, values, k);
		samples_add(&times[2], bench_ns() - start);
		use_functions(m, functions, e % 2);
		samples_add(&times[e % 2], time_epoch(m, w, at, values, k));
	}
	use_functions(m, functions, true);
	if (w->rival && memcmp(bench_data(m, w->out), w->to, w->n * sizeof(float)) != 0)
		bench_stop("the answers differ");
	double tiles = samples_median(&times[0]), listed = samples_median(&times[1]), c = samples_median(&times[2]);
	printf("| %s, %zu f32, k = %zu | %.1f us | by tiles %.1f us | %.2f | |\n", w->name, w->n, k, listed / 1e3, tiles / 1e3, listed / tiles);
	if (w->rival)
		printf("| the same | %.1f us | C %.1f us | %.2f | |\n", listed / 1e3, c / 1e3, listed / c);
	fflush(stdout);
	for (int i = 0; i < 3; i++)
		free(times[i].v);
}

static void run_work(work *w, const char *path)
{
	uint64_t state = 1;
	for (int p = 0; p < 3; p++) {
		w->in[p] = bench_alloc(w->n, sizeof(float));
		for (size_t i = 0; i < w->n; i++)
			w->in[p][i] = (float)bench_unit(&state) + 1.0f;
	}
	mmsb_instance *m = instance(w, path);
	w->to = bench_alloc(w->n, sizeof(float));
	memcpy(w->to, bench_data(m, w->out), w->n * sizeof(float));
	native_fn **functions = bench_alloc(m->sch->n_passes, sizeof *functions);
	for (uint32_t p = 0; p < m->sch->n_passes; p++)
		functions[p] = m->executor->passes[p]->span ? m->executor->passes[p]->span->listed : NULL;
	for (size_t k = bench_env("LEAST_K", 100), most = bench_env("MOST_K", 100000); k <= most && k <= MOST && k <= w->n; k *= 10)
		run_changes(w, m, functions, k, &state);
	mmsb_instance_free(m);
	for (int p = 0; p < 3; p++)
		free(w->in[p]);
	free(w->to);
	free(functions);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return fprintf(stderr, "lists expression.mmsb heat.mmsb options.mmsb\n"), 2;
	size_t n = bench_env("N", 16777216), side = bench_env("SIDE", 4096), options = bench_env("M", 4000000);
	work works[] = {
		{.name = "expression", .page = "a", .out = "d", .n = n, .side = n, .rival = rival_expression},
		{.name = "heat", .page = "u", .out = "v", .n = side * side, .side = side, .rival = rival_heat},
		{.name = "options", .page = "spot", .out = "call", .n = options, .side = options}};
	for (int i = 0; i < 3; i++)
		run_work(&works[i], argv[1 + i]);
	return 0;
}
