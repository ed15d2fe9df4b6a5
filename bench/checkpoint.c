/* checkpoint.c - checkpoints of a state beside writing the same bytes and syncing: checkpoint PROGRAM.mmsbx FOLDER
 *
 * The pages have CHECKPOINT bytes (1 GiB), all of which are new in each checkpoint. Commits of 8 random changes go on meanwhile: how long the
 * slowest of a hundred takes, quiet and during a checkpoint. Then the folder is opened, and the first commit made. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "state/state.h"

enum { CHANGES = 8, PIECE = 1 << 20, MOST = 4000000 };

static mmsb_error err;
static uint64_t seed = 1, elements;
static double *times;

static double write_raw(const char *folder, const uint8_t *bytes, size_t n)
{
	char path[4096];
	snprintf(path, sizeof path, "%s/raw", folder);
	double start = bench_ns();
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	for (size_t at = 0; at < n; at += PIECE)
		if (fd < 0 || write(fd, bytes + at, n - at < PIECE ? n - at : PIECE) < 0)
			bench_stop("cannot write");
	if (fsync(fd) || close(fd))
		bench_stop("cannot sync");
	double took = bench_ns() - start;
	unlink(path);
	return took;
}

static double commit(mmsb_instance *m)
{
	uint64_t at[CHANGES];
	double value[CHANGES];
	for (int i = 0; i < CHANGES; i++) {
		at[i] = bench_random(&seed) % elements;
		value[i] = bench_unit(&seed);
	}
	double start = bench_ns();
	bench_check(mmsb_scatter(m, mmsb_page(m, "x"), CHANGES, at, value, &err), &err);
	bench_check(mmsb_commit(m, NULL, &err), &err);
	return bench_ns() - start;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double p99(size_t n)
{
	qsort(times, n, sizeof *times, by_value);
	return n ? times[n * 99 / 100] : 0;
}

static mmsb_instance *instance(mmsb_schedule *compiled, uint64_t n)
{
	mmsb_instance *m;
	mmsb_options options = {.size = sizeof options, .threads = 1};
	bench_check(mmsb_instance_new(&m, compiled, &options, &err), &err);
	if (n)
		bench_check(mmsb_set_param(m, "N", (double)n, &err), &err);
	return m;
}

static mmsb_state *open_state(mmsb_instance *m, const char *folder)
{
	mmsb_state *s;
	mmsb_state_options options = {.size = sizeof options, .durability = (int)bench_env("DURABILITY", MMSB_DURABLE_OS), .keep = 1,
	                              .digest_every = UINT64_MAX, .compress = -1};
	bench_check(mmsb_state_open(&s, m, folder, &options, &err), &err);
	return s;
}

typedef struct figures {
	double raw, ours, alone, begin, quiet, busy;
} figures;

static void least(double *to, double value)
{
	if (*to == 0 || value < *to)
		*to = value;
}

static void one_round(mmsb_instance *m, mmsb_state *s, const char *folder, const uint8_t *bytes, size_t n, figures *f)
{
	size_t count = 0;
	least(&f->raw, write_raw(folder, bytes, n));
	commit(m);
	double start = bench_ns();
	bench_check(mmsb_state_checkpoint(s, &err), &err); /* and nothing else */
	bench_check(mmsb_state_wait(s, &err), &err);
	least(&f->alone, bench_ns() - start);
	for (double until = bench_ns() + 1e9; bench_ns() < until && count < MOST;)
		times[count++] = commit(m);
	least(&f->quiet, p99(count));
	start = bench_ns();
	bench_check(mmsb_state_checkpoint(s, &err), &err);
	least(&f->begin, bench_ns() - start);
	for (count = 0; atomic_load(&s->shot.at_work) && count < MOST;)
		times[count++] = commit(m);
	bench_check(mmsb_state_wait(s, &err), &err);
	least(&f->ours, bench_ns() - start);
	least(&f->busy, p99(count));
}

static void opening(mmsb_schedule *compiled, const char *folder)
{
	char path[4096];
	mmsb_instance *m = instance(compiled, 0);
	double start = bench_ns();
	mmsb_state *s = open_state(m, folder);
	double opened = bench_ns() - start, first = commit(m);
	snprintf(path, sizeof path, "%s/checkpoint-%020llu", folder, (unsigned long long)s->checkpoint_epoch);
	double begin = bench_ns();
	int fd = open(path, O_RDONLY);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) || mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED)
		bench_stop("cannot map");
	printf("| opening it, to the end of the first commit | %.1f ms, of it the commit %.2f ms | mmap %.3f ms | | commit within 20 ms |\n",
	       (opened + first) / 1e6, first / 1e6, (bench_ns() - begin) / 1e6);
	bench_check(mmsb_state_close(s, &err), &err);
	mmsb_instance_free(m);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		bench_stop("checkpoint PROGRAM.mmsbx FOLDER");
	mmsb_schedule *compiled;
	bench_check(mmsb_schedule_open(&compiled, argv[1], &err), &err);
	size_t n = bench_env("CHECKPOINT", (uint64_t)1 << 30);
	elements = n / 16; /* of x, and of y */
	times = bench_alloc(MOST, sizeof *times);
	double *values = bench_alloc(elements, 16);
	for (uint64_t i = 0; i < 2 * elements; i++)
		values[i] = bench_unit(&seed);
	mmsb_instance *m = instance(compiled, elements);
	mmsb_state *s = open_state(m, argv[2]);
	bench_check(mmsb_write(m, mmsb_page(m, "x"), 0, elements, values, &err), &err);
	bench_check(mmsb_commit(m, NULL, &err), &err);
	figures f = {.raw = 0};
	for (uint64_t i = 0; i < bench_env("ROUNDS", 3); i++)
		one_round(m, s, argv[2], (const uint8_t *)values, n, &f);
	printf("| a checkpoint of %.2f GiB, nothing else at work | %.0f ms | write + fsync %.0f ms | %.2f | at most 1.15 |\n", (double)n / (1 << 30),
	       f.alone / 1e6, f.raw / 1e6, f.alone / f.raw);
	printf("| the same, commits meanwhile | %.0f ms, begun in %.1f ms | write + fsync %.0f ms | %.2f | |\n", f.ours / 1e6, f.begin / 1e6, f.raw / 1e6,
	       f.ours / f.raw);
	printf("| a commit meanwhile, 99 of 100 | %.1f us | quiet %.1f us | %.2f | under 3 |\n", f.busy / 1e3, f.quiet / 1e3, f.busy / f.quiet);
	bench_check(mmsb_state_close(s, &err), &err);
	mmsb_instance_free(m);
	opening(compiled, argv[2]);
	mmsb_schedule_close(compiled);
	free(values);
	free(times);
	return 0;
}
