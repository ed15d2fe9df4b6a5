/* check_log_ends.c - where logs end: cut off, torn, damaged, hostile; writers that go on, take turns, fail at any operation or allocation. */
static const char program[] =
    "param N, M;\nrecord Q { a : f64; at : index(N); ok : bool; }\n"
    "page x : f64[N, M] in;\npage q : Q[N] in;\npage k : index(N)[N] in;\npage W : sparse f64[N, N] in;\npage E : sparse bool[N, N] in;\n"
    "page y : f64[N] out;\nedge y[i] <- clamp(x)[k[i], 1] + q[i].a;\n";

enum { N_VALUE = 60, M_VALUE = 2, PAGES = 5, FIRST_SPARSE = 3, EPOCHS = 8, SIZES = 4, MOST = 1 << 22 };

#include "log_trial.h"

/* ---- a log in memory --------------------------------------------------------------------------- */

static uint8_t *bytes;
static size_t size;

static void read_file(unsigned i)
{
	FILE *from = fopen(name_of(i), "rb");
	ck_assert_ptr_nonnull(from);
	size = fread(bytes, 1, MOST, from);
	fclose(from);
	ck_assert(size > LOG_HEADER && size < MOST);
}

static void write_file(unsigned i)
{
	FILE *to = fopen(name_of(i), "r+b");
	ck_assert_ptr_nonnull(to);
	ck_assert_uint_eq(fwrite(bytes, 1, size, to), size);
	fclose(to);
}

/* `epochs` epochs, each of which (wait) is on the disk before the next is appended. */
static void make(mmsb_instance *m, log_durability durability, unsigned epochs, bool wait)
{
	group_ns = UINT64_C(3600000000000); /* no sync, and no mark of one, before the end */
	log_writer *w = begin(m, durability, 1 << 14, 0);
	group_ns = 1000000;
	for (uint64_t e = 1; e <= epochs; e++) {
		stage(m, 2, NULL);
		ok(append(w, m, e, "tag"));
		if (wait)
			ok(log_wait(w, e, &err));
		ok(mmsb_commit(m, NULL, &err));
	}
	ok(log_close(w, &err));
	read_file(0);
}

typedef struct records {
	log_record at[64];
	unsigned n;
	log_tail tail;
	log_record end;
} records;

/* All records; false: the file is refused, with a message. */
static bool walk(const uint8_t *data, size_t n, records *out)
{
	log_reader *r;
	err.message[0] = '\0';
	int status = log_read_memory(&r, data, n, "l", &err);
	if (status) {
		ck_assert((status == MMSB_FORMAT || status == MMSB_NUMERICS) && err.message[0]);
		return false;
	}
	out->n = 0;
	while ((out->tail = log_next(r, &out->at[out->n])) == LOG_GOES_ON)
		ck_assert_uint_lt(out->n++, 63);
	out->end = out->at[out->n];
	log_read_close(r);
	return true;
}

static uint64_t behind(const log_record *r) { return r->at + LOG_HEAD + r->n; }

static void start(void)
{
	setup();
	bytes = calloc(1, MOST);
	ck_assert_ptr_nonnull(bytes);
}

static void end(void)
{
	free(bytes);
	teardown();
}

static bool is_zero(const uint8_t *at, const uint8_t *to)
{
	while (at < to && !*at)
		at++;
	return at == to;
}

/* ---- cut off, torn, damaged -------------------------------------------------------------------- */

/* From each byte on zeros, or nothing. */
START_TEST(cut_at_every_byte)
{
	mmsb_instance *m = fresh();
	make(m, LOG_GROUP, EPOCHS, false);
	records whole, cut;
	ck_assert(walk(bytes, size, &whole) && whole.tail == LOG_WHOLE && whole.n == EPOCHS + 2);
	uint64_t used = behind(&whole.at[whole.n - 1]), first = behind(&whole.at[0]);
	uint8_t *copy = calloc(1, size);
	for (uint64_t at = 0; at < used; at++) {
		memset(copy, 0, size);
		memcpy(copy, bytes, at);
		for (int shorter = 0; shorter < 2; shorter++) {
			uint64_t n = shorter ? at : size, stands = LOG_HEADER;
			unsigned expected = 0;
			while (expected < whole.n && behind(&whole.at[expected]) <= n &&
			       memcmp(copy + whole.at[expected].at, bytes + whole.at[expected].at, LOG_HEAD + whole.at[expected].n) == 0)
				stands = behind(&whole.at[expected++]);
			if (at < first && expected == 0) {
				ck_assert(!walk(copy, n, &cut));
				continue;
			}
			ck_assert(walk(copy, n, &cut));
			ck_assert_uint_eq(cut.n, expected);
			ck_assert_uint_eq(cut.end.at, stands);
			ck_assert_int_eq(cut.tail, is_zero(copy + stands, copy + n) ? LOG_WHOLE : LOG_TORN);
		}
	}
	free(copy);
	mmsb_instance_free(m);
}
END_TEST

/* One bit is another: before what the last mark is sure of that is damage, behind it a torn write. */
START_TEST(damaged_at_every_byte)
{
	mmsb_instance *m = fresh();
	make(m, LOG_EPOCH_DURABLE, EPOCHS, true);
	records whole, damaged;
	ck_assert(walk(bytes, size, &whole) && whole.tail == LOG_WHOLE);
	uint64_t used = behind(&whole.at[whole.n - 1]), sure = 0, corrupt = 0, torn = 0;
	for (unsigned i = 0; i < whole.n; i++)
		if (whole.at[i].kind == LOG_MARK)
			memcpy(&sure, whole.at[i].payload, 8);
	for (uint64_t at = 0; at < used; at++) {
		uint8_t was = bytes[at];
		bytes[at] ^= (uint8_t)(1u << draw(8));
		bool opened = walk(bytes, size, &damaged);
		bytes[at] = was;
		ck_assert(opened == (at >= behind(&whole.at[0])));
		if (!opened)
			continue;
		unsigned i = 0;
		while (behind(&whole.at[i]) <= at)
			i++;
		ck_assert_uint_eq(damaged.n, i);
		ck_assert_uint_eq(damaged.end.at, whole.at[i].at);
		/* the mark itself may be what is damaged, and the one before it says less */
		bool last_mark = whole.at[i].kind == LOG_MARK && behind(&whole.at[i]) > sure;
		ck_assert_int_eq(damaged.tail, whole.at[i].at < sure && !last_mark ? LOG_CORRUPT : LOG_TORN);
		corrupt += damaged.tail == LOG_CORRUPT;
		torn += damaged.tail == LOG_TORN;
	}
	ck_assert(corrupt > 100 && torn > 40);
	bytes[used + 100] = 1;
	ck_assert(walk(bytes, size, &damaged) && damaged.tail == LOG_TORN && damaged.n == whole.n);
	mmsb_instance_free(m);
}
END_TEST

/* Payloads that are wrong although their checksums are right, of bits that fell anywhere. */
START_TEST(hostile_payloads)
{
	mmsb_instance *m = fresh();
	make(m, LOG_GROUP, EPOCHS, false);
	records whole;
	ck_assert(walk(bytes, size, &whole));
	unsigned refused = 0;
	for (int trial = 0; trial < 20000; trial++) {
		const log_record *r = &whole.at[draw(whole.n)];
		uint8_t *head = bytes + r->at, saved[8192];
		size_t n = LOG_HEAD + r->n;
		ck_assert_uint_lt(n, sizeof saved);
		memcpy(saved, head, n);
		for (uint64_t flips = 1 + draw(3); flips > 0; flips--)
			head[8 + draw(draw(4) ? n - 8 : 60 < n - 8 ? 60 : n - 8)] = (uint8_t)(draw(2) ? draw(256) : draw(4) * 85);
		uint64_t check = XXH3_64bits_withSeed(head + 8, n - 8, *(const uint64_t *)(const void *)(bytes + 40));
		memcpy(head, &check, 8);
		log_reader *reading;
		if (log_read_memory(&reading, bytes, size, "l", &err) == MMSB_OK) {
			log_record record;
			while (log_next(reading, &record) == LOG_GOES_ON) {
				err.message[0] = '\0';
				int status = log_stage(reading, &record, m, &err);
				ck_assert(status == MMSB_OK || err.message[0]);
				refused += status != MMSB_OK;
				if (draw(50) == 0)
					ok(mmsb_commit(m, NULL, &err));
				if (status == MMSB_OK && log_apply(reading, &record, m, &err) == MMSB_OK)
					log_apply_run(reading, m, UINT64_MAX);
			}
			log_read_close(reading);
		} else {
			ck_assert(err.message[0]);
		}
		mmsb_discard(m);
		memcpy(head, saved, n);
	}
	ck_assert(refused > 1000);
	mmsb_instance_free(m);
}
END_TEST

/* ---- going on ---------------------------------------------------------------------------------- */

/* The epochs that the segments in the names hold, in order and whole. */
static uint64_t epochs_there(log_tail *tail)
{
	uint64_t epoch = 0, before = 0;
	for (unsigned i = 0; i < names.n; i++) {
		log_reader *r = reader(i);
		log_record record;
		ck_assert_uint_eq(log_first_epoch(r), epoch + 1);
		ck_assert_uint_eq(log_before(r), before);
		while ((*tail = log_next(r, &record)) == LOG_GOES_ON) {
			before = record.check;
			if (record.kind == LOG_EPOCH)
				epoch = record.epoch;
		}
		ck_assert(i + 1 == names.n || *tail == LOG_CLOSED);
		names.segment[i].bytes = record.at;
		log_read_close(r);
	}
	return epoch;
}

static log_writer *go_on_as(mmsb_instance *m, log_durability durability, uint64_t bytes_each, int compress, uint64_t *next)
{
	log_tail tail;
	log_writer *w;
	*next = epochs_there(&tail) + 1;
	log_options options = {.durability = durability, .group_ns = 1000000, .segment_bytes = bytes_each, .compress = compress};
	log_segment *last = &names.segment[names.n - 1];
	ok(log_open(&w, &vfs_machine, folder, m, &options, *next, last, last->bytes, turn, NULL, &err));
	return w;
}

static log_writer *go_on(mmsb_instance *m, uint64_t bytes_each, int compress, uint64_t *next)
{
	return go_on_as(m, LOG_EPOCH_DURABLE, bytes_each, compress, next);
}

/* What was not sure is torn in some way; the next writer goes on, and nothing of it comes back. */
START_TEST(going_on_after_torn_writes)
{
	for (int trial = 0; trial < 40; trial++) {
		mmsb_instance *m = fresh();
		log_tail tail;
		records whole;
		uint64_t next;
		make(m, LOG_GROUP, EPOCHS, false);
		ck_assert(walk(bytes, size, &whole));
		unsigned torn = 2 + (unsigned)draw(whole.n - 2);
		bytes[whole.at[torn].at + draw(LOG_HEAD + whole.at[torn].n)] ^= 0x55;
		write_file(0);
		log_writer *w = go_on(m, 0, 0, &next);
		ck_assert_uint_eq(next, whole.at[torn].epoch);
		read_file(0);
		ck_assert(walk(bytes, size, &whole) && whole.tail == LOG_WHOLE);
		uint64_t more = draw(5);
		for (uint64_t e = next; e < next + more; e++) {
			stage(m, 1, NULL);
			ok(append(w, m, e, e % 2 ? "tag" : "other"));
			ok(log_wait(w, e, &err));
			mmsb_discard(m);
		}
		ok(log_close(w, &err));
		ck_assert_uint_eq(epochs_there(&tail), next - 1 + more);
		ck_assert_int_eq(tail, LOG_WHOLE);
		mmsb_instance_free(m);
	}
}
END_TEST

START_TEST(segments_take_turns)
{
	mmsb_instance *m = fresh();
	log_tail tail;
	uint64_t next = 1;
	log_writer *w = begin(m, LOG_EPOCH_DURABLE, 6000, 3);
	for (int life = 0; life < 4; life++) {
		for (uint64_t e = next; e < next + 60; e++) {
			stage(m, 3, NULL);
			ok(append(w, m, e, e % 7 ? "a" : "b"));
			if (e % 5 == 0)
				ok(log_wait(w, e, &err));
			mmsb_discard(m);
		}
		ok(log_close(w, &err));
		w = go_on(m, 6000, 3, &next);
		ck_assert_uint_eq(next, 60 * (unsigned)(life + 1) + 1);
	}
	ok(log_close(w, &err));
	ck_assert_uint_eq(epochs_there(&tail), 240);
	ck_assert_uint_gt(names.n, 4);
	ck_assert_uint_eq(names.packed, names.n - 1);
	for (unsigned i = 0; i + 1 < names.n; i++) { /* the plain ones are gone */
		names.segment[i].compressed = false;
		ck_assert_int_ne(access(name_of(i), F_OK), 0);
		names.segment[i].compressed = true;
	}
	read_file(0); /* and what is compressed is refused when it is damaged or cut off */
	for (size_t at = 0; at < size; at += 1 + size / 500) {
		records found;
		bytes[at] ^= 1;
		if (walk(bytes, size, &found))
			ck_assert(found.tail == LOG_CORRUPT || found.tail == LOG_CLOSED);
		bytes[at] ^= 1;
		ck_assert(!walk(bytes, at, &found));
	}
	mmsb_instance_free(m);
}
END_TEST

/* The end of a segment is there, but the names do not say so. */
START_TEST(going_on_behind_an_end)
{
	mmsb_instance *m = fresh();
	log_tail tail;
	uint64_t next;
	make(m, LOG_GROUP, EPOCHS, false);
	records whole;
	ck_assert(walk(bytes, size, &whole));
	uint64_t seed, at = behind(&whole.at[whole.n - 1]);
	memcpy(&seed, bytes + 40, 8);
	const log_record ended = {.kind = LOG_END, .epoch = EPOCHS};
	log_put(bytes + at, seed, &ended);
	write_file(0);
	log_writer *w = go_on(m, 0, 0, &next);
	ck_assert(names.n == 2 && names.segment[0].last == EPOCHS);
	stage(m, 1, NULL);
	ok(append(w, m, EPOCHS + 1, NULL));
	ok(log_close(w, &err));
	ck_assert_uint_eq(epochs_there(&tail), EPOCHS + 1);
	mmsb_instance_free(m);
}
END_TEST

/* A segment that was begun, and has neither an epoch nor room behind its pages, takes the next epoch: there is no segment without one. */
START_TEST(going_on_without_an_epoch)
{
	mmsb_instance *m = fresh();
	log_tail tail;
	uint64_t next;
	records whole;
	make(m, LOG_GROUP, EPOCHS, false);
	ck_assert(walk(bytes, size, &whole) && whole.at[0].kind == LOG_PAGES);
	ck_assert_int_eq(truncate(name_of(0), (off_t)behind(&whole.at[0])), 0);
	log_writer *w = go_on(m, 1 << 14, 0, &next);
	ck_assert_uint_eq(next, 1);
	stage(m, 1, NULL);
	ok(append(w, m, 1, NULL));
	ok(log_close(w, &err));
	ck_assert_uint_eq(names.n, 1);
	ck_assert_uint_eq(epochs_there(&tail), 1);
	mmsb_instance_free(m);
}
END_TEST

/* Where nobody waits for syncs the file grows with its records; who goes on so goes on in it, who waits begins another. */
START_TEST(a_file_that_grows)
{
	mmsb_instance *m = fresh();
	log_tail tail;
	uint64_t next;
	records whole;
	make(m, LOG_NONE, EPOCHS, false);
	for (unsigned life = 0; life < 3; life++) {
		ck_assert(walk(bytes, size, &whole) && whole.tail == LOG_WHOLE);
		ck_assert_uint_eq(behind(&whole.at[whole.n - 1]), size);
		log_writer *w = go_on_as(m, life < 2 ? LOG_OS : LOG_EPOCH_DURABLE, 1 << 14, 0, &next);
		ck_assert_uint_eq(next, EPOCHS + life + 1);
		stage(m, 1, NULL);
		ok(append(w, m, next, NULL));
		ok(log_close(w, &err));
		mmsb_discard(m);
		read_file(0);
		ck_assert_uint_eq(names.n, life < 2 ? 1 : 2);
	}
	ck_assert_uint_eq(epochs_there(&tail), EPOCHS + 3);
	mmsb_instance_free(m);
}
END_TEST

/* What a writer found when it went on is marked by its first write: a byte of it that changes later is damage, not a torn write. */
START_TEST(what_was_found_is_marked)
{
	mmsb_instance *m = fresh();
	uint64_t next, corrupt = 0;
	records whole, damaged;
	make(m, LOG_GROUP, 3, false);
	ck_assert(walk(bytes, size, &whole) && whole.tail == LOG_WHOLE);
	uint64_t found = behind(&whole.at[whole.n - 1]);
	for (int life = 0; life < 2; life++) { /* in the second there is a mark already, of less */
		log_writer *w = go_on(m, 1 << 14, 0, &next);
		stage(m, 1, NULL);
		ok(append(w, m, next, NULL));
		ok(log_close(w, &err));
		mmsb_discard(m);
		read_file(0);
		ck_assert(walk(bytes, size, &whole) && whole.tail == LOG_WHOLE && whole.end.epoch == next);
		for (uint64_t at = behind(&whole.at[0]); at < found; at++) {
			bytes[at] ^= (uint8_t)(1u << draw(8));
			ck_assert(walk(bytes, size, &damaged) && damaged.n < whole.n);
			ck_assert_int_eq(damaged.tail, LOG_CORRUPT);
			read_file(0);
			corrupt++;
		}
		found = behind(&whole.at[whole.n - 1]);
	}
	ck_assert_uint_gt(corrupt, 100);
	mmsb_instance_free(m);
}
END_TEST

/* ---- failures ---------------------------------------------------------------------------------- */

/* The machine's files, of which operation number `at` does not do what it should. */
static struct {
	pthread_mutex_t lock;
	long at, done;
	int error; /* 0: a short write */
	bool syncs;
} plan = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool happens(bool sync)
{
	pthread_mutex_lock(&plan.lock);
	bool now_ = (!plan.syncs || sync) && ++plan.done == plan.at;
	pthread_mutex_unlock(&plan.lock);
	return now_;
}

static int64_t failing_pwrite(void *at, int handle, const void *from, size_t n, uint64_t to)
{
	if (happens(false)) {
		if (plan.error)
			return plan.error;
		n = n / 2 + 1;
	}
	return vfs_machine.ops->pwrite(at, handle, from, n, to);
}

static int failing_sync(void *at, int handle) { return happens(true) && plan.error ? plan.error : vfs_machine.ops->sync(at, handle); }

static int failing_open(void *at, const char *name, int flags)
{
	return flags & VFS_WRITE && happens(false) && plan.error ? plan.error : vfs_machine.ops->open(at, name, flags);
}

static int failing_rename(void *at, const char *from, const char *to)
{
	return happens(false) && plan.error ? plan.error : vfs_machine.ops->rename(at, from, to);
}

static int failing_folder(void *at, const char *name) { return happens(true) && plan.error ? plan.error : vfs_machine.ops->sync_folder(at, name); }

/* Allocation number `pending` of those within calls of the log fails. */
static long pending;

static void enter(void) { left = pending; }

static int leave(int status)
{
	pending = left;
	left = 0;
	return status;
}

#define CALL(call) (enter(), leave(call))

/* A life of a writer; *acknowledged: the last epoch that it said was durable. Returns whether anything failed. */
static bool live(mmsb_instance *m, const vfs *fs, uint64_t *acknowledged)
{
	log_writer *w;
	log_options options = {.durability = LOG_EPOCH_DURABLE, .segment_bytes = 3000, .compress = 1};
	names.n = names.packed = 0;
	*acknowledged = 0;
	err.message[0] = '\0';
	if (CALL(log_open(&w, fs, folder, m, &options, 1, NULL, 0, turn, NULL, &err)))
		return ck_assert(err.message[0]), true;
	bool failed = false;
	for (uint64_t e = 1; e <= 24 && !failed; e++) {
		stage(m, 1, NULL);
		err.message[0] = '\0';
		failed = CALL(append(w, m, e, "tag")) || (e % 2 && CALL(log_wait(w, e, &err)));
		if (!failed && e % 2)
			*acknowledged = e;
		mmsb_discard(m);
	}
	if (failed) {
		ck_assert(err.message[0]);
		ck_assert_int_ne(append(w, m, 25, NULL), MMSB_OK);
		ck_assert_int_ne(append(w, m, *acknowledged + 1, NULL), MMSB_OK);
		ck_assert_int_ne(log_wait(w, 24, &err), MMSB_OK);
		mmsb_discard(m);
	}
	*acknowledged = log_durable(w) > *acknowledged ? log_durable(w) : *acknowledged;
	bool closing = CALL(log_close(w, &err)) != MMSB_OK;
	ck_assert(closing >= failed);
	return closing;
}

static void clear_folder(void)
{
	char command[64];
	snprintf(command, sizeof command, "rm -f %s/*", folder);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(files_that_fail)
{
	vfs_ops ops = *vfs_machine.ops;
	ops.pwrite = failing_pwrite;
	ops.sync = failing_sync;
	ops.open = failing_open;
	ops.rename = failing_rename;
	ops.sync_folder = failing_folder;
	const vfs fs = {&ops, NULL};
	static const int errors[] = {-EIO, -ENOSPC, 0, -EIO};
	mmsb_instance *m = fresh();
	unsigned sum = 0;
	for (int kind = 0; kind < 4; kind++)
		for (long k = 1;; k++) {
			uint64_t acknowledged;
			log_tail tail = LOG_WHOLE;
			plan.at = k, plan.done = 0, plan.error = errors[kind], plan.syncs = kind == 3;
			bool failed = live(m, &fs, &acknowledged);
			ck_assert(!failed || plan.error);
			sum += failed;
			ck_assert_uint_ge(epochs_there(&tail), acknowledged);
			ck_assert(tail == LOG_WHOLE || tail == LOG_TORN || tail == LOG_CLOSED);
			clear_folder();
			if (plan.done < k)
				break;
		}
	ck_assert_uint_gt(sum, 60);
	mmsb_instance_free(m);
}
END_TEST

START_TEST(no_memory)
{
	mmsb_instance *m = fresh();
	stage(m, 5, NULL);
	mmsb_discard(m);
#ifndef HAS_OWN_ALLOCATOR
	for (long k = 1; k < 400; k++) {
		uint64_t acknowledged;
		log_tail tail = LOG_WHOLE;
		long before = held;
		pending = k;
		failed_one = 0;
		live(m, &vfs_machine, &acknowledged);
		pending = 0;
		ck_assert_uint_ge(epochs_there(&tail), acknowledged);
		clear_folder();
		if (!failed_one)
			break;
		ck_assert_int_le(held - before, 8); /* what staging has kept */
	}
	ck_assert(!failed_one);
#endif
	mmsb_instance_free(m);
}
END_TEST

/* ---- threads ----------------------------------------------------------------------------------- */

enum { WAITERS = 4, MANY = 400 };

static _Atomic uint64_t there;

static void *waiter(void *at)
{
	log_writer *w = at;
	mmsb_error mine;
	for (uint64_t epoch = 0; epoch < MANY;) {
		uint64_t now_ = there;
		if (now_ == epoch)
			continue;
		epoch = now_;
		if (log_sync(w, epoch, &mine) || log_durable(w) < epoch)
			return at;
	}
	return NULL;
}

START_TEST(threads_share_syncs)
{
	for (int durability = LOG_EPOCH_DURABLE; durability <= LOG_NONE; durability++) {
		mmsb_instance *m = fresh();
		log_writer *w = begin(m, (log_durability)durability, 30000, 1);
		pthread_t threads[WAITERS];
		log_tail tail;
		there = 0;
		for (int i = 0; i < WAITERS; i++)
			ck_assert_int_eq(pthread_create(&threads[i], NULL, waiter, w), 0);
		for (uint64_t e = 1; e <= MANY; e++) {
			stage(m, 1, NULL);
			ok(append(w, m, e, NULL));
			mmsb_discard(m);
			ok(log_hand_over(w, &err));
			there = e;
			ok(log_wait(w, e, &err));
		}
		for (int i = 0; i < WAITERS; i++) {
			void *bad;
			pthread_join(threads[i], &bad);
			ck_assert_ptr_null(bad);
		}
		ok(log_close(w, &err));
		ck_assert_uint_eq(epochs_there(&tail), MANY);
		clear_folder();
		mmsb_instance_free(m);
	}
}
END_TEST

/* Without anybody who waits: after a while all is on the disk. */
START_TEST(groups_are_synced_in_time)
{
	mmsb_instance *m = fresh();
	log_writer *w = begin(m, LOG_GROUP, 0, 0);
	for (uint64_t e = 1; e <= 3; e++) {
		stage(m, 1, NULL);
		ok(append(w, m, e, NULL));
		ok(log_wait(w, e, &err));
		mmsb_discard(m);
		uint64_t start_ns = now_ns();
		while (log_durable(w) < e)
			ck_assert_uint_lt(now_ns() - start_ns, UINT64_C(20000000000));
	}
	ok(log_close(w, &err));
	mmsb_instance_free(m);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("log ends");
	TCase *c = tcase_create("log ends");
	tcase_set_timeout(c, 240);
	tcase_add_checked_fixture(c, start, end);
	tcase_add_test(c, cut_at_every_byte);
	tcase_add_test(c, damaged_at_every_byte);
	tcase_add_test(c, hostile_payloads);
	tcase_add_test(c, going_on_after_torn_writes);
	tcase_add_test(c, segments_take_turns);
	tcase_add_test(c, going_on_behind_an_end);
	tcase_add_test(c, going_on_without_an_epoch);
	tcase_add_test(c, a_file_that_grows);
	tcase_add_test(c, what_was_found_is_marked);
	tcase_add_test(c, files_that_fail);
	tcase_add_test(c, no_memory);
	tcase_add_test(c, threads_share_syncs);
	tcase_add_test(c, groups_are_synced_in_time);
	suite_add_tcase(s, c);
	return s;
}

int main(void) { return unit_run(suite()); }
