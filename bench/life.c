/* life.c - Conway's Life, one glider in an empty field: a tick, propagated and evaluated whole.
 *
 *   life FILE.mmsbx     SIDE in the environment: the largest field; a quarter of it and a half are measured too */
#include "bench.h"

enum { ROUNDS = 5, TICKS = 2000, SECOND = 1000000000, WHOLE_TICKS = 3 };

static mmsb_instance *begin(const char *path, uint64_t side, bool scratch)
{
	static const uint8_t glider[3][3] = {{0, 1, 0}, {0, 0, 1}, {1, 1, 1}};
	mmsb_instance *m = bench_instance(path, scratch);
	bench_param(m, "R", side);
	bench_param(m, "C", side);
	for (uint64_t i = 0; i < 3; i++)
		bench_write(m, "seed", (side / 2 + i) * side + side / 2, 3, glider[i]);
	bench_commit(m);
	return m;
}

static double ticks(mmsb_instance *m, int n, int *done)
{
	samples s = {0};
	double first = bench_ns();
	for (*done = 0; *done < n && (*done < WHOLE_TICKS || bench_ns() - first < SECOND); ++*done) {
		double start = bench_ns();
		bench_commit(m);
		samples_add(&s, bench_ns() - start);
	}
	double median = samples_median(&s);
	free(s.v);
	return median;
}

static void compare(const char *path, uint64_t side)
{
	mmsb_instance *a = begin(path, side, false), *b = begin(path, side, true);
	mmsb_error err;
	uint64_t epoch;
	bench_check(mmsb_ticks(a, 9, &epoch, &err), &err);
	bench_check(mmsb_ticks(b, 9, &epoch, &err), &err);
	bench_same_state(a, b);
	if (*(const int64_t *)bench_data(a, "alive") != 5)
		bench_stop("life: a glider has five cells");
	mmsb_instance_free(a);
	mmsb_instance_free(b);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return fprintf(stderr, "life FILE.mmsbx\n"), 2;
	uint64_t largest = bench_env("SIDE", 8192);
	for (uint64_t side = largest / 4; side <= largest; side *= 2) {
		samples a = {0}, b = {0};
		compare(argv[1], side);
		mmsb_instance *m = begin(argv[1], side, false), *whole = begin(argv[1], side, true);
		int done;
		for (int round = 0; round < ROUNDS; round++) {
			samples_add(&a, ticks(m, TICKS, &done));
			samples_add(&b, ticks(whole, WHOLE_TICKS, &done));
		}
		double us = samples_median(&a), ms = samples_median(&b);
		printf("| life, %llu x %llu, a glider | %.2f us a tick | own whole %.1f ms | 1/%.0f | 1/10,000, and not growing with the field |\n",
		       (unsigned long long)side, (unsigned long long)side, us / 1e3, ms / 1e6, ms / us);
		fflush(stdout);
		mmsb_instance_free(m);
		mmsb_instance_free(whole);
	}
	return 0;
}
