/* ticks.c - ten steps of heat by mmsb_ticks beside C, on one thread and on two.
 *
 *   ticks ticks.mmsb     HEAT in the environment: the plate has as many rows and columns
 *
 * Rivals, for this very machine: C that goes over the plate for every step, and C that computes the ten steps in one walk over the rows, keeping four rows of each step
 * between in a near cache. All values are compared bit by bit. MMSB knows afterwards what the last step changed. */
#include "program.h"

enum { ROUNDS = 9, STEPS = 10, RING = 4, PAD = 64 };

typedef struct plate {
	size_t n;
	int threads;
	float *at[2], *ring;     /* STEPS rings for each thread */
} plate;

static void heat_row(float *restrict to, const float *restrict up, const float *restrict row, const float *restrict down, size_t n)
{
	to[0] = row[0] + 0.2f * (up[0] + down[0] + row[0] + row[1] - 4.0f * row[0]);
	for (size_t j = 1; j + 1 < n; j++)
		to[j] = row[j] + 0.2f * (up[j] + down[j] + row[j - 1] + row[j + 1] - 4.0f * row[j]);
	to[n - 1] = row[n - 1] + 0.2f * (up[n - 1] + down[n - 1] + row[n - 2] + row[n - 1] - 4.0f * row[n - 1]);
}

static void step_by_step(plate *p)
{
	size_t n = p->n;
	for (int s = 0; s < STEPS; s++) {
		const float *from = p->at[s & 1];
		float *to = p->at[~s & 1];
#pragma omp parallel for num_threads(p->threads)
		for (size_t i = 0; i < n; i++)
			heat_row(to + i * n, from + (i ? i - 1 : 0) * n, from + i * n, from + (i + 1 < n ? i + 1 : i) * n, n);
	}
}

/* A row of step s: 0 is the plate as it was, STEPS where it goes. */
static float *row_of(const plate *p, float *ring, int s, size_t i)
{
	if (s == 0 || s == STEPS)
		return p->at[s == STEPS] + i * p->n;
	return ring + ((size_t)s * RING + i % RING) * (p->n + PAD);
}

/* Rows first .. end-1 of the last step; of the steps before, a row more on either side for each. */
static void blocked_rows(const plate *p, float *ring, size_t first, size_t end)
{
	for (size_t front = first > STEPS ? first - STEPS : 0; front < end + STEPS; front++)
		for (int s = 1; s <= STEPS && (size_t)s <= front + 1; s++) {
			size_t more = (size_t)(STEPS - s), i = front + 1 - (size_t)s, low = first > more ? first - more : 0;
			if (i >= low && i < end + more && i < p->n)
				heat_row(row_of(p, ring, s, i), row_of(p, ring, s - 1, i ? i - 1 : 0), row_of(p, ring, s - 1, i),
				         row_of(p, ring, s - 1, i + 1 < p->n ? i + 1 : i), p->n);
		}
}

static void blocked(plate *p)
{
#pragma omp parallel for num_threads(p->threads)
	for (int t = 0; t < p->threads; t++)
		blocked_rows(p, p->ring + (size_t)t * STEPS * RING * (p->n + PAD), p->n * (size_t)t / (size_t)p->threads, p->n * (size_t)(t + 1) / (size_t)p->threads);
	float *now = p->at[1];
	p->at[1] = p->at[0];
	p->at[0] = now;
}

static mmsb_instance *instance(const char *path, size_t n, int threads, const float *start)
{
	mmsb_instance *m = bench_instance_of(bench_program_file(path, true), threads, false);
	bench_param(m, "N", n);
	bench_write(m, "start", 0, n * n, start);
	bench_commit(m);
	return m;
}

static plate plate_new(size_t n, int threads, const float *values)
{
	plate p = {n, threads, {bench_alloc(n * n, sizeof(float)), bench_alloc(n * n, sizeof(float))}, NULL};
	p.ring = bench_alloc((size_t)threads * STEPS * RING * (n + PAD), sizeof(float));
	memcpy(p.at[0], values, n * n * sizeof(float));
	return p;
}

static void plate_free(plate *p)
{
	free(p->at[0]);
	free(p->at[1]);
	free(p->ring);
}

static double timed(void (*work)(plate *), plate *p)
{
	double start = bench_ns();
	work(p);
	return bench_ns() - start;
}

static void run(const char *path, size_t n, int threads, const float *start)
{
	samples times[4] = {{0}};
	mmsb_error err;
	mmsb_instance *m = instance(path, n, threads, start), *each = instance(path, n, threads, start);
	plate plain = plate_new(n, threads, bench_data(m, "u")), walk = plate_new(n, threads, bench_data(m, "u"));
	for (int round = 0; round < ROUNDS; round++) {
		double begin = bench_ns();
		bench_check(mmsb_ticks(m, STEPS, NULL, &err), &err);
		samples_add(&times[0], bench_ns() - begin);
		begin = bench_ns();
		for (int s = 0; s < STEPS; s++)
			bench_check(mmsb_ticks(each, 1, NULL, &err), &err);
		samples_add(&times[3], bench_ns() - begin);
		samples_add(&times[1], timed(step_by_step, &plain));
		samples_add(&times[2], timed(blocked, &walk));
		if (memcmp(bench_data(m, "u"), plain.at[0], n * n * sizeof(float)) != 0 || memcmp(plain.at[0], walk.at[0], n * n * sizeof(float)) != 0)
			bench_stop("the answers differ");
	}
	bench_same_state(m, each);
	double mine = samples_median(&times[0]), c = samples_median(&times[1]), w = samples_median(&times[2]), e = samples_median(&times[3]);
	printf("| ten ticks of heat, %zu x %zu f32, %d thread%s | %.1f ms | C, step by step, %.1f ms | %.2f | at most 0.77 |\n", n, n, threads, threads > 1 ? "s" : "", mine / 1e6,
	       c / 1e6, mine / c);
	printf("| the same | %.1f ms | C, blocked in time, %.1f ms | %.2f | |\n", mine / 1e6, w / 1e6, mine / w);
	printf("| the same, each tick published | %.1f ms | C, step by step, %.1f ms | %.2f | |\n", e / 1e6, c / 1e6, e / c);
	mmsb_instance_free(m);
	mmsb_instance_free(each);
	plate_free(&plain);
	plate_free(&walk);
	for (int i = 0; i < 4; i++)
		free(times[i].v);
}

int main(int argc, char **argv)
{
	size_t n = bench_env("HEAT", 4096);
	uint64_t state = 1;
	if (argc != 2 || n < 2)
		bench_stop("usage: ticks ticks.mmsb");
	float *start = bench_alloc(n * n, sizeof *start);
	for (size_t i = 0; i < n * n; i++)
		start[i] = (float)bench_unit(&state) * 100.0f;
	for (int threads = 1; threads <= 2; threads++)
		run(argv[1], n, threads, start);
	free(start);
	return 0;
}
