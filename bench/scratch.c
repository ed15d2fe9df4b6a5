/* scratch.c - times epochs of a compiled program on the portable executor, each evaluated whole.
 *
 *   scratch FILE.mmsbx N THREADS EPOCHS
 *
 * Every f32 source page gets the values of bench/rival.py; each epoch changes element 0 of page a by turns. Prints the median
 * seconds of an epoch and the first and last element of each out page, which the rival must print as well. */
#include <mmsb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static int stop(const mmsb_error *err)
{
	fprintf(stderr, "scratch: %s\n", err->message);
	return 1;
}

/* Element k of source page p: small multiples of 1/1024, so that every sum of them is exact in f64. */
static float value(int p, size_t k) { return (float)((k * 7 + (size_t)p * 13) % 4099) / 1024.0f - 2.0f; }

static int fill(mmsb_instance *m, size_t n, mmsb_error *err)
{
	float *values = malloc(n * sizeof *values);
	int status = values ? MMSB_OK : MMSB_MEMORY;
	for (int p = 0; p < mmsb_page_count(m) && !status; p++) {
		mmsb_info info;
		mmsb_page_info(m, p, &info);
		if (info.role != MMSB_IN)
			continue;
		for (size_t k = 0; k < n; k++)
			values[k] = value(p, k);
		status = mmsb_write(m, p, 0, n, values, err);
	}
	free(values);
	return status;
}

static void print_ends(mmsb_instance *m)
{
	for (int p = 0; p < mmsb_page_count(m); p++) {
		mmsb_info info;
		mmsb_page_info(m, p, &info);
		const float *v = mmsb_data(m, p);
		if (info.role == MMSB_OUT)
			printf("%s %.9g %.9g\n", info.name, (double)v[0], (double)v[info.count - 1]);
	}
}

int main(int argc, char **argv)
{
	if (argc != 5)
		return fprintf(stderr, "scratch FILE.mmsbx N THREADS EPOCHS\n"), 2;
	size_t n = strtoul(argv[2], NULL, 10);
	int epochs = atoi(argv[4]);
	mmsb_options options = {.size = sizeof options, .threads = atoi(argv[3]), .scratch = 1};
	mmsb_schedule *schedule;
	mmsb_instance *m;
	mmsb_error err;
	double *seconds = calloc((size_t)epochs, sizeof *seconds);
	if (!seconds || mmsb_schedule_open(&schedule, argv[1], &err) || mmsb_instance_new(&m, schedule, &options, &err) ||
	    mmsb_set_param(m, "N", (double)n, &err) || fill(m, n, &err) || mmsb_commit(m, NULL, &err))
		return stop(&err);
	for (int e = 0; e < epochs; e++) {
		float first = value(0, (size_t)(epochs - 1 - e) % 2); /* the last epoch puts it back */
		if (mmsb_write(m, mmsb_page(m, "a"), 0, 1, &first, &err))
			return stop(&err);
		double start = now();
		if (mmsb_commit(m, NULL, &err))
			return stop(&err);
		seconds[e] = now() - start;
	}
	qsort(seconds, (size_t)epochs, sizeof *seconds, ascending);
	printf("seconds %.9f\n", seconds[epochs / 2]);
	print_ends(m);
	mmsb_instance_free(m);
	mmsb_schedule_close(schedule);
	free(seconds);
	return 0;
}
