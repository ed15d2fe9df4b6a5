/* durable.c - what durability costs on this disk: records that are there when the call returns, written without an engine and by storage
 * engines; deltas taken in, logged and applied; bytes read back with their checksum; pages written whole and mapped. The least of some rounds, by turns.
 *
 * durable FOLDER: files are made in FOLDER, on the disk that is measured. From the environment: PARTS (some of: records commits deltas replay
 * checkpoint), ROUNDS, TIME_MS of each measurement of records, WARM (bytes of records before), BYTES and GROUP (records of this size, of so many a sync, alone),
 * REPLAY (records), CHECKPOINT (bytes). */
#define XXH_INLINE_ALL
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "bench.h"
#include "own_log.h"
#include "raw.h"
#include "rivals.h"

enum { OWN = 2, RAWS = OWN + 2, PROMISE = RAWS, OTHERS, CONTESTANTS = OTHERS + RIVALS };
enum { ROUNDS = 5, HEAD = 16, SYNCS = 200, RAW_ROOM = 1 << 28, PAGE = 100000, EPOCHS = 1000, FLUSH = 1 << 19 };

/* The folder, and the paths of what is made in it. */
static struct {
	char sync[1024], store[1024], log[1024], pages[1024];
} at;

static void set_folder(const char *folder)
{
	if (strlen(folder) > 1000)
		bench_stop("the folder's name is too long");
	snprintf(at.sync, sizeof at.sync, "%s/sync", folder);
	snprintf(at.store, sizeof at.store, "%s/store", folder);
	snprintf(at.log, sizeof at.log, "%s/log", folder);
	snprintf(at.pages, sizeof at.pages, "%s/pages", folder);
}

static void empty_store(void)
{
	char command[2200];
	snprintf(command, sizeof command, "rm -rf '%s' && mkdir -p '%s'", at.store, at.store);
	if (system(command) != 0)
		bench_stop("a folder cannot be made");
}

static size_t put_varint(uint8_t *to, uint64_t v)
{
	size_t n = 0;
	for (; v >= 128; v >>= 7)
		to[n++] = (uint8_t)(v | 128);
	to[n++] = (uint8_t)v;
	return n;
}

/* ---- the same bytes without an engine ---- */

static raw_log raw;
static uint64_t raw_limit;

static void raw_start(const char *where, bool written)
{
	char file[1200];
	snprintf(file, sizeof file, "%s/log", where);
	raw_open(&raw, file, raw_limit = RAW_ROOM, written);
}

static void raw_start_allocated(const char *where) { raw_start(where, false); }
static void raw_start_written(const char *where) { raw_start(where, true); }

static void raw_group(uint64_t first, uint64_t n, const void *value, size_t bytes)
{
	for (uint64_t i = 0; i < n; i++)
		raw_append(&raw, first + i, value, bytes + HEAD); /* as many bytes as MMSB's record has */
	if (raw.end + raw.at > raw_limit)
		raw.end = 0; /* over again, in place */
	raw_sync(&raw);
}

/* What MMSB promises of a record, and nothing else, in one thread: it is taken from any thread, under a lock, and closed under it; its position is within
 * the page, its nans are canonical; it has its time; its bytes are a delta's, with a checksum of its own. */
static struct {
	atomic_bool shut;
	double values[2][1024 / sizeof(double)];
	unsigned open;
} stage;

static void stage_values(uint64_t first, size_t n, const uint8_t *from)
{
	while (atomic_exchange_explicit(&stage.shut, true, memory_order_acquire))
		continue;
	if (first > PAGE || n > PAGE - first)
		bench_stop("a position out of range");
	for (size_t i = 0; i < n; i++) {
		double v;
		memcpy(&v, from + i * sizeof v, sizeof v);
		stage.values[stage.open][i] = v == v ? v : __builtin_nan("");
	}
	atomic_store_explicit(&stage.shut, false, memory_order_release);
}

static const double *stage_close(void)
{
	while (atomic_exchange_explicit(&stage.shut, true, memory_order_acquire))
		continue;
	const double *closed = stage.values[stage.open];
	stage.open ^= 1;
	atomic_store_explicit(&stage.shut, false, memory_order_release);
	return closed;
}

static void promise_append(uint64_t number, uint64_t first, size_t bytes)
{
	enum { LENGTH = 8, EPOCH = 16, TIME = 24, PAYLOAD = 32, DELTA_MOST = 16 };
	struct timespec t;
	const double *closed = stage_close();
	uint8_t payload[DELTA_MOST] = {0, 1, 0}; /* page 0, one delta, a range */
	size_t n = 3 + put_varint(payload + 3, bytes / sizeof *closed);
	n += put_varint(payload + n, first);
	size_t length = (PAYLOAD + n + bytes + 7) / 8 * 8;
	uint8_t *to = raw_take(&raw, length);
	memset(to + length - 8, 0, 8);
	memcpy(to + PAYLOAD, payload, DELTA_MOST); /* the rest is written over */
	memcpy(to + PAYLOAD + n, closed, bytes);
	clock_gettime(CLOCK_REALTIME_COARSE, &t);
	uint64_t time = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	memcpy(to + LENGTH, &length, 8);
	memcpy(to + EPOCH, &number, 8);
	memcpy(to + TIME, &time, 8);
	uint64_t hash = XXH3_64bits_withSeed(to + 8, length - 8, 1);
	memcpy(to, &hash, 8);
}

static void promise_group(uint64_t first, uint64_t n, const void *value, size_t bytes)
{
	for (uint64_t i = 0; i < n; i++) {
		stage_values((first + i) % 1000, bytes / sizeof(double), value);
		promise_append(first + i, (first + i) % 1000, bytes);
	}
	if (raw.end + raw.at > raw_limit)
		raw.end = 0;
	raw_sync(&raw);
}

static void raw_end(void) { raw_close(&raw); }
static bool raw_load(void) { return true; }

/* ---- records ---- */

static rival contestants[CONTESTANTS] = {{"MMSB", "", NULL, NULL, NULL, NULL}, {"MMSB", "", NULL, NULL, NULL, NULL}, /* own_log, own_log_kept */
                                         {"C, file allocated before", "", raw_load, raw_start_allocated, raw_group, raw_end},
                                         {"C, file written before", "", raw_load, raw_start_written, raw_group, raw_end},
                                         {"C that keeps the promise", "", raw_load, raw_start_written, promise_group, raw_end}};

/* MMSB's segments grow, and are written over once they are not needed any more: so many bytes come first that they do, as the
 * C's file was written before. */
static void warm(const rival *r, uint8_t *value)
{
	uint64_t n = bench_env("WARM", 300 << 20) / 1024, group = n < 10000 ? n : 10000;
	for (uint64_t i = 0; group && i + group <= n; i += group)
		r->group(1, group, value, 1024);
}

/* Nanoseconds of a record, over about `ms` of groups. */
static double time_groups(const rival *r, uint64_t group, size_t bytes, double ms)
{
	uint8_t value[1024 + HEAD];
	uint64_t done = 0, state = group;
	for (size_t i = 0; i < sizeof value; i += sizeof(double)) {
		double number = bench_unit(&state);
		memcpy(value + i, &number, sizeof number);
	}
	empty_store();
	r->open(at.store);
	if (r == contestants)
		warm(r, value);
	r->group(1, group, value, bytes); /* makes what is made once */
	double start = bench_ns(), end = start;
	for (; end - start < ms * 1e6; done += group, end = bench_ns())
		r->group(1 + group + done, group, value, bytes);
	r->close();
	return (end - start) / (double)done;
}

static void records(size_t bytes, uint64_t group, const bool *there)
{
	samples times[CONTESTANTS] = {{0}};
	for (uint64_t round = 0; round < bench_env("ROUNDS", ROUNDS); round++)
		for (int i = 0; i < CONTESTANTS; i++)
			if (there[i])
				samples_add(&times[i], time_groups(&contestants[i], group, bytes, (double)bench_env("TIME_MS", 300)));
	double mine = samples_at(&times[0], 0), least = 0;
	printf("| durable records of %zu B, %llu a sync | %.3f us, over closed segments; %.3f us into new ones |", bytes, (unsigned long long)group,
	       mine / 1e3, samples_at(&times[1], 0) / 1e3);
	for (int i = OWN; i < CONTESTANTS; i++) {
		double ns = there[i] ? samples_at(&times[i], 0) : 0;
		least = i < RAWS && (least == 0 || ns < least) ? ns : least;
		if (there[i])
			printf("%s %s %.3f us (%.2f)", i > OWN ? ";" : "", contestants[i].name, ns / 1e3, ns / mine);
		else
			printf("; %s is not installed (Debian: %s)", contestants[i].name, contestants[i].package);
	}
	printf(" | %.2f of the faster C | |\n", mine / least);
	fflush(stdout);
}

/* ---- commits of several threads ---- */

static void commits(void)
{
	enum { THREADS = 8, COMMITS = 4000 };
	double one = 1e300, many = 1e300;
	uint64_t epochs = 0, alone;
	for (uint64_t round = 0; round < bench_env("ROUNDS", ROUNDS); round++) {
		empty_store();
		double ns = own_commits_ns(at.store, 1, COMMITS, &alone);
		one = ns < one ? ns : one;
		empty_store();
		ns = own_commits_ns(at.store, THREADS, COMMITS, &epochs);
		many = ns < many ? ns : many;
	}
	printf("| %d commits of one delta, each durable when it returns, of %d threads | %.1f us a commit, as %llu epochs | of one thread %.1f us | %.2f of its time | |\n",
	       COMMITS, THREADS, many / 1e3, (unsigned long long)epochs, one / 1e3, many / one);
	fflush(stdout);
}

/* ---- deltas taken in, written, applied ---- */

enum { BATCH = 1000, BITS = 64 };

/* What a program would do without an engine, with the same bytes in its log: the last write of a position wins, positions ascend. */
typedef struct plain {
	double *page, *value;     /* the page; the batch by position */
	uint64_t *marks, *groups; /* positions of the batch; words of marks that are not zero */
	raw_log log;
	uint8_t *record;
} plain;

static void plain_epoch(plain *p, uint64_t number, const uint64_t *index, const double *value)
{
	for (size_t i = 0; i < BATCH; i++) {
		uint64_t word = index[i] / BITS;
		if (index[i] >= PAGE)
			bench_stop("a position out of range");
		p->marks[word] |= UINT64_C(1) << index[i] % BITS;
		p->groups[word / BITS] |= UINT64_C(1) << word % BITS;
		p->value[index[i]] = value[i];
	}
	size_t n = 0, changed = 0;
	uint64_t last = 0;
	uint8_t *gap = p->record;
	double *values = (double *)(void *)(p->record + 16 * BATCH);
	for (size_t g = 0; g <= PAGE / BITS / BITS; g++) {
		for (; p->groups[g]; p->groups[g] &= p->groups[g] - 1) {
			size_t word = g * BITS + (size_t)__builtin_ctzll(p->groups[g]);
			for (; p->marks[word]; p->marks[word] &= p->marks[word] - 1) {
				uint64_t i = word * BITS + (uint64_t)__builtin_ctzll(p->marks[word]);
				n += put_varint(gap + n, i - last);
				last = i;
				p->page[i] = values[changed++] = p->value[i];
			}
		}
	}
	memmove(p->record + n, values, changed * sizeof *values);
	raw_append(&p->log, number, p->record, n + changed * sizeof *values);
	if (p->log.at > FLUSH)
		raw_write(&p->log);
}

static void deltas(void)
{
	plain p = {bench_alloc(PAGE, 8), bench_alloc(PAGE, 8), bench_alloc(PAGE / BITS + 1, 8), bench_alloc(PAGE / BITS / BITS + 1, 8), {.fd = -1}, bench_alloc(24 * BATCH, 1)};
	uint64_t *index = bench_alloc(EPOCHS * BATCH, 8), state = 1;
	double *value = bench_alloc(EPOCHS * BATCH, 8), best = 1e300, mine = 1e300;
	for (size_t i = 0; i < EPOCHS * BATCH; i++) {
		index[i] = bench_random(&state) % PAGE;
		value[i] = bench_unit(&state);
	}
	for (uint64_t round = 0; round < bench_env("ROUNDS", ROUNDS); round++) {
		raw_open(&p.log, at.log, (uint64_t)EPOCHS * BATCH * 16, true);
		double start = bench_cpu_ns();
		for (uint64_t e = 0; e < EPOCHS; e++)
			plain_epoch(&p, e, index + e * BATCH, value + e * BATCH);
		raw_write(&p.log);
		double ns = bench_cpu_ns() - start;
		best = ns < best ? ns : best;
		raw_close(&p.log);
		empty_store();
		ns = own_deltas_ns(at.store, PAGE, EPOCHS, BATCH, index, value);
		mine = ns < mine ? ns : mine;
	}
	printf("| %d random deltas an epoch of %d f64, staged, to the log (no sync), applied | %.1f ns a delta | C without an engine %.1f ns | %.2f of its speed | |\n",
	       BATCH, PAGE, mine / EPOCHS / BATCH, best / EPOCHS / BATCH, best / mine);
	fflush(stdout);
}

/* ---- what is read back ---- */

static void replay(void)
{
	uint64_t epochs = bench_env("REPLAY", 10000000);
	empty_store();
	own_replay t = own_replay_times(at.store, epochs, bench_env("ROUNDS", ROUNDS));
	printf("| %llu epochs of one delta, %llu MB in %llu segments: verified, put into pages | %.0f ms | XXH3 over the mapped files %.0f ms; of each record %.0f ms; "
	       "C that checks and stores each %.0f ms | %.2f; %.2f; %.2f of the speed | |\n", (unsigned long long)epochs, (unsigned long long)(t.bytes / 1000000), (unsigned long long)t.segments,
	       t.read_ns / 1e6, t.whole_ns / 1e6, t.each_ns / 1e6, t.store_ns / 1e6, t.whole_ns / t.read_ns, t.each_ns / t.read_ns, t.store_ns / t.read_ns);
	printf("| the same with propagation | %.0f ms | live run, log not synced, %.0f ms | %.1f times as fast | |\n", t.propagated_ns / 1e6, t.live_ns / 1e6,
	       t.live_ns / t.propagated_ns);
	fflush(stdout);
}

static void checkpoint(void)
{
	size_t bytes = (size_t)bench_env("CHECKPOINT", 1 << 30);
	uint8_t *pages = bench_alloc(bytes, 1);
	samples written = {0}, mapped = {0};
	for (size_t i = 0; i < bytes; i += 512)
		pages[i] = (uint8_t)(i >> 9);
	for (uint64_t round = 0; round < bench_env("ROUNDS", ROUNDS); round++) {
		samples_add(&written, raw_file_ns(at.pages, pages, bytes));
		samples_add(&mapped, raw_map_ns(at.pages, bytes));
	}
	printf("| %.0f MiB of pages | | write and fsync of a new file %.0f ms; mmap, each 4 KiB touched, %.1f ms | | |\n", (double)bytes / 1048576,
	       samples_at(&written, 0) / 1e6, samples_at(&mapped, 0) / 1e6);
	free(pages);
}

static void all_records(const bool *there)
{
	printf("| write of 4 KiB and fdatasync, in place | | the disk, %.1f us | | |\n", raw_sync_ns(at.sync, SYNCS) / 1e3);
	uint64_t bytes = bench_env("BYTES", 0), group = bench_env("GROUP", 0);
	for (size_t b = 64; b <= 1024; b *= 16)
		for (uint64_t g = 1; g <= 10000; g *= 100)
			if ((!bytes || bytes == b) && (!group || group == g))
				records(b, g, there);
}

static bool wanted(const char *part)
{
	const char *parts = getenv("PARTS");
	return !parts || !*parts || strstr(parts, part);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return fprintf(stderr, "durable FOLDER\n"), 2;
	bool there[CONTESTANTS] = {true, true, true, true, true};
	set_folder(argv[1]);
	contestants[0] = own_log;
	contestants[1] = own_log_kept;
	for (int i = 0; i < RIVALS; i++) {
		contestants[OTHERS + i] = rivals[i];
		there[OTHERS + i] = rivals[i].load();
	}
	if (wanted("records"))
		all_records(there);
	if (wanted("commits"))
		commits();
	if (wanted("deltas"))
		deltas();
	if (wanted("replay"))
		replay();
	if (wanted("checkpoint"))
		checkpoint();
	return 0;
}
