/* own_log.c - see own_log.h. */
#define XXH_INLINE_ALL
#include "own_log.h"

#include <inttypes.h>
#include <pthread.h>
#include <xxhash.h>

#include "bench.h"
#include "raw.h"
#include "tests/io_instance.h"

#include "runtime/delta.h" /* after headers whose parameters have names that are types here */
#include "state/log.h"
#include "state/log_format.h"

enum { PAGE = 100000, NAMES = 256 };

static mmsb_error err;

/* ---- a log ------------------------------------------------------------------------------------- */

static struct {
	mmsb_schedule *schedule;
	mmsb_instance *m;
	log_writer *w;
	const char *folder;
	uint64_t epoch, first[NAMES];
	unsigned n;
	bool drops;    /* closed segments go, as those before the oldest checkpoint do where a state forgets them */
} own;

static int turn(void *user, const log_segment *closed, const log_segment *opened, mmsb_error *e)
{
	(void)user, (void)e;
	if (closed && own.drops)
		log_drop(own.w, closed);
	if (opened && own.n < NAMES)
		own.first[own.n++] = opened->first;
	return MMSB_OK;
}

static mmsb_instance *instance(const char *text)
{
	own.schedule = io_schedule(text);
	mmsb_instance *m = own.schedule ? io_instance(own.schedule) : NULL;
	if (!m)
		bench_stop("a program cannot be compiled");
	bench_check(mmsb_set_param(m, "N", PAGE, &err), &err);
	bench_check(mmsb_commit(m, NULL, &err), &err); /* epoch 1, so that those that are logged are alike */
	return m;
}

static void begin(const char *text, const char *folder, log_durability durability)
{
	const log_options options = {.durability = durability};
	own.m = instance(text);
	own.folder = folder;
	own.n = 0;
	own.epoch = 1;
	bench_check(log_open(&own.w, &vfs_machine, folder, own.m, &options, 2, NULL, 0, turn, NULL, &err), &err);
}

static void end_log(void)
{
	bench_check(log_close(own.w, &err), &err);
	own.w = NULL;
}

static void end_instance(void)
{
	mmsb_instance_free(own.m);
	mmsb_schedule_close(own.schedule);
}

/* As a commit appends: what was staged is closed for it. It stays staged, for a commit that follows, or (drop) is forgotten. */
static void append(bool drop)
{
	staging_close(own.m);
	bench_check(log_append_epoch(own.w, own.m, ++own.epoch, NULL, &err), &err);
	if (drop)
		staging_drop(own.m);
	else
		staging_close(own.m);
}

/* ---- records ----------------------------------------------------------------------------------- */

static const char one_page[] = "param N;\npage x : f64[N] in;\npage s : f64 out;\nedge s <- 1.0;\n";

static bool own_load(void) { return true; }
static void own_open(const char *folder)
{
	own.drops = true;
	begin(one_page, folder, LOG_EPOCH_DURABLE);
}

static void own_open_kept(const char *folder) { begin(one_page, folder, LOG_EPOCH_DURABLE); }

static void own_group(uint64_t first, uint64_t n, const void *value, size_t bytes)
{
	for (uint64_t i = 0; i < n; i++) {
		bench_check(mmsb_write(own.m, 0, (first + i) % 1000, bytes / sizeof(double), value, &err), &err);
		append(true);
	}
	bench_check(log_wait(own.w, own.epoch, &err), &err);
}

static void own_close(void)
{
	own.drops = false;
	end_log();
	end_instance();
}

const rival own_log = {"MMSB", "", own_load, own_open, own_group, own_close};
const rival own_log_kept = {"MMSB", "", own_load, own_open_kept, own_group, own_close};

/* ---- commits of several threads ---------------------------------------------------------------- */

typedef struct committer {
	mmsb_instance *m;
	uint64_t number, commits;
} committer;

static void *commit_many(void *of)
{
	const committer *c = of;
	mmsb_error mine;
	for (uint64_t i = 0; i < c->commits; i++) {
		double value = (double)(i + 1);
		bench_check(mmsb_write(c->m, 0, c->number, 1, &value, &mine), &mine);
		bench_check(mmsb_commit(c->m, NULL, &mine), &mine);
	}
	return NULL;
}

double own_commits_ns(const char *folder, unsigned threads, uint64_t commits, uint64_t *epochs)
{
	const mmsb_state_options options = {.size = sizeof options, .durability = MMSB_DURABLE_EPOCH};
	committer c[64];
	pthread_t t[64];
	mmsb_state *s;
	threads = threads < 64 ? threads : 64;
	own.schedule = io_schedule(one_page);
	own.m = own.schedule ? io_instance(own.schedule) : NULL;
	if (!own.m)
		bench_stop("a program cannot be compiled");
	bench_check(mmsb_set_param(own.m, "N", PAGE, &err), &err);
	bench_check(mmsb_state_open(&s, own.m, folder, &options, &err), &err);
	bench_check(mmsb_commit(own.m, NULL, &err), &err);
	double start = bench_ns();
	for (unsigned i = 0; i < threads; i++) {
		c[i] = (committer){own.m, i, commits / threads};
		if (pthread_create(&t[i], NULL, commit_many, &c[i]))
			bench_stop("a thread cannot be started");
	}
	for (unsigned i = 0; i < threads; i++)
		pthread_join(t[i], NULL);
	double ns = (bench_ns() - start) / (double)(commits / threads * threads);
	mmsb_stats stats;
	mmsb_stats_get(own.m, &stats);
	*epochs = stats.epochs - 1;
	bench_check(mmsb_state_close(s, &err), &err);
	end_instance();
	return ns;
}

/* ---- deltas ------------------------------------------------------------------------------------ */

double own_deltas_ns(const char *folder, uint64_t elements, uint64_t epochs, uint64_t batch, const uint64_t *index, const double *value)
{
	if (elements != PAGE)
		bench_stop("the page has another size");
	begin(one_page, folder, LOG_NONE);
	double ns = 0;
	for (uint64_t e = 0; e <= epochs; e++) { /* the first makes what is made once */
		double start = bench_cpu_ns();
		uint64_t at = (e ? e - 1 : 0) * batch;
		bench_check(mmsb_scatter(own.m, 0, batch, index + at, value + at, &err), &err);
		append(false);
		bench_commit(own.m);
		ns += e ? bench_cpu_ns() - start : 0;
	}
	end_log();
	end_instance();
	return ns;
}

/* ---- replay ------------------------------------------------------------------------------------ */

static const char two_pages[] = "param N;\npage x : f64[N] in;\npage y : f64[N] in;\npage z : f64[N] out;\nedge z[i] <- x[i] + y[i];\n";

static const char *segment(unsigned i)
{
	static char path[1200];
	snprintf(path, sizeof path, "%s/log-%020" PRIu64, own.folder, own.first[i]);
	return path;
}

static double live(uint64_t epochs)
{
	uint64_t state = 5;
	double start = bench_cpu_ns();
	for (uint64_t e = 0; e < epochs; e++) {
		uint64_t at = bench_random(&state) % PAGE;
		double value = (double)(state >> 40);
		bench_check(mmsb_scatter(own.m, (int)(e % 2), 1, &at, &value, &err), &err);
		append(false);
		bench_commit(own.m);
	}
	return bench_cpu_ns() - start;
}

static volatile uint64_t kept;

/* Only the checksums. */
static void check_each(const char *path)
{
	vfs_bytes file;
	uint64_t seed, bad = 0;
	if (vfs_view(&vfs_machine, path, &file))
		bench_stop("a segment cannot be read");
	memcpy(&seed, file.data + offsetof(log_file_header, seed), sizeof seed);
	for (size_t at = LOG_HEADER; at + LOG_HEAD <= file.size;) {
		log_head h;
		memcpy(&h, file.data + at, sizeof h);
		if (h.units == 0)
			break;
		bad += XXH3_64bits_withSeed(file.data + at + 8, (size_t)h.units * LOG_UNIT - 8, seed) != h.check;
		at += (size_t)h.units * LOG_UNIT;
	}
	if (bad)
		bench_stop("a record is damaged");
	kept = bad;
	vfs_release(&vfs_machine, &file);
}

/* What the promise asks for and nothing else, of records that are known to set one value each: checksum and order of each, its page, a position
 * within it, the value stored. */
static void store_each(const char *path, double *const to[2], uint64_t *epoch)
{
	vfs_bytes file;
	uint64_t seed, bad = 0;
	if (vfs_view(&vfs_machine, path, &file))
		bench_stop("a segment cannot be read");
	memcpy(&seed, file.data + offsetof(log_file_header, seed), sizeof seed);
	for (size_t at = LOG_HEADER; at + LOG_HEAD <= file.size && !bad;) {
		log_head h;
		memcpy(&h, file.data + at, sizeof h);
		size_t length = (size_t)h.units * LOG_UNIT;
		if (length < LOG_HEAD || length > file.size - at)
			break;
		bad += XXH3_64bits_withSeed(file.data + at + 8, length - 8, seed) != h.check;
		if (h.kind == LOG_EPOCH) {
			const uint8_t *from = file.data + at + LOG_HEAD + 4;
			uint64_t z = 0;
			for (unsigned shift = 0; shift < 63; shift += 7) {
				z |= (uint64_t)(*from & 127) << shift;
				if (*from++ < 128)
					break;
			}
			z = z >> 1 ^ (0 - (z & 1));
			bad += h.epoch != *epoch + 1 || file.data[at + LOG_HEAD] > 1 || z >= PAGE;
			if (!bad)
				memcpy(&to[file.data[at + LOG_HEAD]][z], from, sizeof **to);
			*epoch = h.epoch;
		}
		at += length;
	}
	if (bad)
		bench_stop("a record is damaged");
	vfs_release(&vfs_machine, &file);
}

static void check_whole(const char *path)
{
	vfs_bytes file;
	if (vfs_view(&vfs_machine, path, &file))
		bench_stop("a segment cannot be read");
	kept = XXH3_64bits(file.data, file.size);
	vfs_release(&vfs_machine, &file);
}

static double replay(mmsb_instance *m, bool propagate)
{
	double start = bench_cpu_ns();
	for (unsigned i = 0; i < own.n; i++) {
		log_reader *r;
		log_record record;
		bench_check(log_read_open(&r, &vfs_machine, segment(i), &err), &err);
		while (log_next(r, &record) == LOG_GOES_ON)
			if (record.kind == LOG_EPOCH) {
				bench_check(log_apply(r, &record, m, &err), &err);
				log_apply_run(r, m, own.epoch);
			}
		log_read_close(r);
	}
	if (propagate) {
		log_apply_end(m, own.epoch);
		bench_commit(m);
	}
	return bench_cpu_ns() - start;
}

/* The zeros ahead of the last record are none of the log's bytes. */
static void cut_zeros(void)
{
	log_reader *r;
	log_record record;
	char path[1200];
	snprintf(path, sizeof path, "%s", segment(own.n - 1));
	bench_check(log_read_open(&r, &vfs_machine, path, &err), &err);
	while (log_next(r, &record) == LOG_GOES_ON)
		continue;
	log_read_close(r);
	if (truncate(path, (off_t)record.at))
		bench_stop("a segment cannot be cut");
}

static uint64_t size_of(const char *path)
{
	vfs_bytes file;
	if (vfs_view(&vfs_machine, path, &file))
		bench_stop("a segment cannot be read");
	uint64_t bytes = file.size;
	vfs_release(&vfs_machine, &file);
	return bytes;
}

static void least(double *to, double ns) { *to = *to == 0 || ns < *to ? ns : *to; }

own_replay own_replay_times(const char *folder, uint64_t epochs, uint64_t rounds)
{
	own_replay out = {0};
	begin(two_pages, folder, LOG_NONE);
	out.live_ns = live(epochs);
	end_log();
	cut_zeros();
	for (uint64_t round = 0; round < rounds; round++) {
		double start = bench_cpu_ns();
		for (unsigned i = 0; i < own.n; i++)
			check_whole(segment(i));
		least(&out.whole_ns, bench_cpu_ns() - start);
		start = bench_cpu_ns();
		for (unsigned i = 0; i < own.n; i++)
			check_each(segment(i));
		least(&out.each_ns, bench_cpu_ns() - start);
		double *const pages[2] = {bench_alloc(PAGE, sizeof(double)), bench_alloc(PAGE, sizeof(double))};
		uint64_t epoch = 1;
		start = bench_cpu_ns();
		for (unsigned i = 0; i < own.n; i++)
			store_each(segment(i), pages, &epoch);
		least(&out.store_ns, bench_cpu_ns() - start);
		if (epoch != own.epoch || memcmp(pages[0], mmsb_data(own.m, 0), PAGE * sizeof(double)) != 0)
			bench_stop("the C reads another log");
		free(pages[0]);
		free(pages[1]);
		mmsb_schedule *kept_schedule = own.schedule;
		mmsb_instance *m = instance(two_pages);
		least(&out.read_ns, replay(m, false));
		least(&out.propagated_ns, replay(m, true));
		bench_same_state(own.m, m);
		mmsb_instance_free(m);
		mmsb_schedule_close(own.schedule);
		own.schedule = kept_schedule;
	}
	for (unsigned i = 0; i < own.n; i++)
		out.bytes += size_of(segment(i));
	out.segments = own.n;
	end_instance();
	return out;
}
