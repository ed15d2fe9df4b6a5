/* check_log_reused.c - segments that are written over earlier ones, which nobody needs: what the earlier one left is none of the later one's records, where it
 * ends is known, torn writes are told from damage, writers go on; files that somebody reads, or that another folder has, are left alone. */
static const char program[] = "param N, M;\npage x : f64[N, M] in;\npage k : index(N)[N] in;\npage y : f64[N] out;\nedge y[i] <- clamp(x)[k[i], 1];\n";

enum { N_VALUE = 60, M_VALUE = 2, PAGES = 2, FIRST_SPARSE = 2, SIZES = 4, EACH = 4000, MOST = 1 << 16, LATER = 6, PATIENCE = 20000 };

#include "log_trial.h"

static log_writer *writer;
static uint8_t bytes[MOST], copy[MOST];
static size_t size;

static int drop_closed(void *user, const log_segment *closed, const log_segment *opened, mmsb_error *e)
{
	(void)user, (void)e;
	if (opened)
		names.segment[0] = *opened;
	if (closed)
		log_drop(writer, closed);
	return MMSB_OK;
}

static void begin_dropping(mmsb_instance *m, uint64_t next, const log_segment *last, uint64_t at)
{
	log_options options = {.durability = LOG_EPOCH_DURABLE, .segment_bytes = EACH};
	ok(log_open(&writer, &vfs_machine, folder, m, &options, next, last, at, drop_closed, NULL, &err));
}

static void read_last(void)
{
	FILE *from = fopen(name_of(0), "rb");
	ck_assert_ptr_nonnull(from);
	size = fread(bytes, 1, MOST, from);
	fclose(from);
	ck_assert(size > LOG_HEADER && size < MOST);
}

static void one(mmsb_instance *m, uint64_t e)
{
	stage(m, 1, NULL);
	ok(append(writer, m, e, "tag"));
	ok(log_wait(writer, e, &err));
	mmsb_discard(m);
}

static void nap(void) { nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL); }

/* Epochs until a segment has just been begun over an earlier one; the last. */
static uint64_t reach_reused(mmsb_instance *m, uint64_t e)
{
	uint64_t first = names.segment[0].first;
	for (int i = 0; i < PATIENCE; i++) {
		one(m, ++e);
		if (names.segment[0].first == first)
			continue;
		first = names.segment[0].first;
		read_last();
		if (bytes[8] == LOG_REUSED)
			return e;
		nap(); /* the thread behind may not have had its turn */
	}
	ck_abort_msg("no segment was written over an earlier one");
	return 0;
}

typedef struct records {
	log_record at[64];
	unsigned n;
	log_tail tail;
	log_record end;
} records;

static bool walk(const uint8_t *data, records *out)
{
	log_reader *r;
	if (log_read_memory(&r, data, size, "l", &err))
		return false;
	out->n = 0;
	while ((out->tail = log_next(r, &out->at[out->n])) == LOG_GOES_ON)
		ck_assert_uint_lt(out->n++, 63);
	out->end = out->at[out->n];
	log_read_close(r);
	return true;
}

static bool any_behind(uint64_t at)
{
	bool any = false;
	for (; at < size; at++)
		any |= bytes[at] != 0;
	return any;
}

/* Where the log has just turned, most of the file is the earlier segment's: each bit that is another is found, none of the earlier records is taken. */
START_TEST(older_bytes_are_none)
{
	mmsb_instance *m = fresh();
	records whole, other;
	begin_dropping(m, 1, NULL, 0);
	uint64_t e = reach_reused(m, 0), sure = 0, corrupt = 0, torn = 0;
	for (int i = 0; i < LATER; i++)
		one(m, ++e);
	read_last();
	ck_assert(walk(bytes, &whole) && whole.tail == LOG_WHOLE && whole.end.epoch == e);
	uint64_t used = whole.end.at;
	ck_assert(used + 64 < size);
	for (unsigned i = 0; i < whole.n; i++)
		if (whole.at[i].kind == LOG_MARK)
			memcpy(&sure, whole.at[i].payload, 8);
	for (uint64_t at = LOG_HEADER + LOG_HEAD + whole.at[0].n; at < used + LOG_STOP; at++) {
		memcpy(copy, bytes, size);
		copy[at] ^= (uint8_t)(1u << draw(8));
		unsigned i = 0;
		while (i < whole.n && whole.at[i].at + LOG_HEAD + whole.at[i].n <= at)
			i++;
		ck_assert(walk(copy, &other) && other.n == i);
		bool last_mark = i < whole.n && whole.at[i].kind == LOG_MARK && whole.at[i].at + LOG_MARK_BYTES > sure;
		ck_assert_int_eq(other.tail, i < whole.n && whole.at[i].at < sure && !last_mark ? LOG_CORRUPT : LOG_TORN);
		corrupt += other.tail == LOG_CORRUPT;
		torn += other.tail == LOG_TORN;
	}
	ck_assert(corrupt > 100 && torn > 40);
	ok(log_close(writer, &err));
	mmsb_instance_free(m);
}
END_TEST

/* The first bytes of a write are not there, and the zeros that stood there are: nothing of it counts, and what follows is told, and never comes back. */
START_TEST(going_on_over_older_bytes)
{
	for (int trial = 0; trial < 8; trial++) {
		mmsb_instance *m = fresh();
		records whole, other;
		begin_dropping(m, 1, NULL, 0);
		uint64_t e = reach_reused(m, 0);
		for (int i = 0; i < LATER; i++)
			one(m, ++e);
		ok(log_close(writer, &err));
		read_last();
		ck_assert(walk(bytes, &whole) && whole.tail == LOG_WHOLE);
		unsigned last = whole.n - 1, lost = trial % 2 ? last - 1 : last; /* the last epoch, or with the mark before it */
		bool marked = whole.at[lost].kind == LOG_MARK;
		uint64_t end = whole.at[lost].at;
		memset(bytes + end, 0, LOG_HEAD);
		ck_assert(walk(bytes, &other) && other.end.at == end && other.end.epoch == e - 1);
		ck_assert_int_eq(other.tail, marked ? LOG_TORN : LOG_WHOLE);
		ck_assert(!marked || other.end.n == whole.end.at - end);
		FILE *to = fopen(name_of(0), "r+b");
		ck_assert(to && fwrite(bytes, 1, size, to) == size);
		fclose(to);
		const log_segment segment = names.segment[0];
		begin_dropping(m, e, &segment, end);
		read_last();
		ck_assert(walk(bytes, &other) && other.tail == LOG_WHOLE && other.end.at == end);
		ck_assert(any_behind(end + LOG_STOP) == !marked);
		uint64_t more = draw(4);
		for (uint64_t i = 0; i < more; i++)
			one(m, e + i);
		ok(log_close(writer, &err));
		read_last();
		ck_assert(walk(bytes, &other) && other.tail == LOG_WHOLE && other.end.epoch == e - 1 + more);
		char command[1200];
		snprintf(command, sizeof command, "rm -f '%s'/log-*", folder);
		ck_assert_int_eq(system(command), 0);
		mmsb_instance_free(m);
	}
}
END_TEST

/* A reader that has the file, mapped or open, or a second name: it is removed, and never written over. */
START_TEST(files_that_others_have)
{
	char file[1200], second[1200];
	for (int how = 0; how < 3; how++) {
		snprintf(file, sizeof file, "%s/file", folder);
		snprintf(second, sizeof second, "%s/second", folder);
		vfs_bytes view = {NULL, 0, false};
		ck_assert_int_eq(vfs_replace(&vfs_machine, folder, "file", "bytes", 5), 0);
		int handle = vfs_machine.ops->open(NULL, file, VFS_WRITE), other = -1;
		ck_assert_int_ge(handle, 0);
		if (vfs_machine.ops->alone(NULL, handle) != 1)
			return; /* a file system without leases: nothing is reused there */
		if (how == 0)
			ck_assert_int_eq(vfs_view(&vfs_machine, file, &view), 0);
		else if (how == 1)
			ck_assert_int_ge(other = vfs_machine.ops->open(NULL, file, 0), 0);
		else
			ck_assert_int_eq(vfs_machine.ops->link(NULL, file, second), 0);
		ck_assert_int_eq(vfs_machine.ops->alone(NULL, handle), 0);
		if (how == 0)
			vfs_release(&vfs_machine, &view);
		else if (how == 1)
			vfs_machine.ops->close(NULL, other);
		else
			vfs_machine.ops->unlink(NULL, second);
		ck_assert_int_eq(vfs_machine.ops->alone(NULL, handle), 1);
		vfs_machine.ops->close(NULL, handle);
		vfs_machine.ops->unlink(NULL, file);
	}
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("log reused");
	TCase *c = tcase_create("log reused");
	tcase_set_timeout(c, 240);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, older_bytes_are_none);
	tcase_add_test(c, going_on_over_older_bytes);
	tcase_add_test(c, files_that_others_have);
	suite_add_tcase(s, c);
	return s;
}

int main(void) { return unit_run(suite()); }
