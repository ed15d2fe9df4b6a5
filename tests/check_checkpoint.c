/* check_checkpoint.c - checkpoints that are damaged, of other programs and sizes, and that cannot be written: each is told, and nothing of them
 * is believed. (That an instance goes on from one with the same bits is what property.c holds.) */
#include <xxhash.h>

#include "failing_malloc.h"
#include "io_instance.h"
#include "state/checkpoint.h"
#include "unit.h"

static const char program[] =
    "param N;\nrecord Q { a : f64; b : i32; }\npage x : f64[N] in;\npage k : index(N)[N] in;\npage q : Q[N] in @soa;\npage W : sparse f64[N, N] in;\n"
    "page y : f64[N] out;\npage s : f64 out;\npage V : sparse f64[N, N] out like W;\npage root : f64[N] out @lazy;\npage r : f64[N] out;\n"
    "edge y[i] <- x[k[i]] + q[i].a;\nedge s <- prev s + (sum[i] prev x[i]);\nedge V[i, j] <- W[i, j] * 2;\nedge root[i] <- sqrt(x[i]);\n"
    "edge r[i] <- fix(tol = 0.001, max = 3) 0.5 * r[i] + x[i];\n";

static char folder[] = "/tmp/mmsb-checkpoint-XXXXXX", path[64];
static mmsb_error err;
static mmsb_schedule *compiled;
static uint8_t *file;
static size_t n_file;

static void ok(int status) { ck_assert_msg(status == MMSB_OK, "%s", err.message); }

static void stage(mmsb_instance *m, unsigned number)
{
	for (uint64_t i = 0; i < 5; i++) {
		double value = (double)((number * 7 + i * 3) % 11);
		uint32_t key = (uint32_t)((number + i * i) % 9);
		uint64_t at = (number * 5 + i) % 9, col = (i * 4 + number) % 9;
		ok(mmsb_scatter(m, mmsb_page(m, "x"), 1, &at, &value, &err));
		ok(mmsb_scatter(m, mmsb_page(m, "k"), 1, &at, &key, &err));
		ok(mmsb_scatter_field(m, mmsb_page(m, "q"), 0, 1, &col, &value, &err));
		ok(mmsb_insert(m, mmsb_page(m, "W"), 1, &at, &col, &value, &err));
		ok(mmsb_erase(m, mmsb_page(m, "W"), 1, &col, &at, &err));
	}
}

static mmsb_instance *fresh(double n)
{
	mmsb_instance *m = io_instance(compiled);
	ck_assert_ptr_nonnull(m);
	if (n > 0)
		ok(mmsb_set_param(m, "N", n, &err));
	return m;
}

static mmsb_instance *at_epoch_of(double n, unsigned epoch)
{
	mmsb_instance *m = fresh(n);
	for (unsigned e = 1; e <= epoch; e++) {
		stage(m, e);
		ok(mmsb_commit(m, NULL, &err));
	}
	return m;
}

static mmsb_instance *at_epoch(unsigned epoch) { return at_epoch_of(9, epoch); }

static void setup(void)
{
	compiled = io_schedule(program);
	ck_assert_ptr_nonnull(compiled);
	strcpy(folder + sizeof folder - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/c", folder);
	mmsb_instance *m = at_epoch(6);
	ok(checkpoint_write(m, &vfs_machine, path, &err));
	mmsb_instance_free(m);
	FILE *from = fopen(path, "rb");
	ck_assert_ptr_nonnull(from);
	file = malloc(1 << 20);
	n_file = fread(file, 1, 1 << 20, from);
	fclose(from);
	ck_assert_uint_gt(n_file, CHECKPOINT_HEADER);
}

static void teardown(void)
{
	left = 0;
	free(file);
	unlink(path);
	ck_assert_int_eq(rmdir(folder), 0); /* nothing else was left there */
	mmsb_schedule_close(compiled);
}

static void rewrite(size_t n)
{
	FILE *to = fopen(path, "wb");
	ck_assert(to && fwrite(file, 1, n, to) == n && fclose(to) == 0);
}

static int read_fresh(double n)
{
	mmsb_instance *m = fresh(n);
	int status = checkpoint_read(m, &vfs_machine, path, NULL, NULL, &err);
	mmsb_instance_free(m);
	return status;
}

static void same_digest(mmsb_instance *a, mmsb_instance *b)
{
	char x[33], y[33];
	ok(mmsb_digest(a, x, &err));
	ok(mmsb_digest(b, y, &err));
	ck_assert_str_eq(x, y);
}

/* The params, and so the sizes, come with the file. */
static void go_on(mmsb_instance *uninterrupted)
{
	mmsb_instance *m = fresh(0);
	ok(checkpoint_read(m, &vfs_machine, path, NULL, NULL, &err));
	same_digest(m, uninterrupted);
	for (unsigned e = 7; e < 20; e++) {
		uint64_t epoch;
		stage(m, e);
		stage(uninterrupted, e);
		ok(mmsb_commit(m, &epoch, &err));
		ok(mmsb_commit(uninterrupted, NULL, &err));
		ck_assert_uint_eq(epoch, e);
		same_digest(m, uninterrupted);
	}
	mmsb_instance_free(m);
	mmsb_instance_free(uninterrupted);
}

START_TEST(goes_on)
{
	go_on(at_epoch(6));
}
END_TEST

/* Pages that are mapped: what is written to them is not written to the file. */
START_TEST(large)
{
	mmsb_instance *m = at_epoch_of(300001, 6);
	ok(checkpoint_write(m, &vfs_machine, path, &err));
	go_on(m);
	go_on(at_epoch_of(300001, 6));
}
END_TEST

static void damage(size_t at)
{
	file[at] ^= 0x40;
	rewrite(n_file);
	file[at] ^= 0x40;
	int status = read_fresh(9);
	ck_assert_msg(status == MMSB_FORMAT || status == MMSB_NUMERICS, "byte %zu is wrong: %d", at, status);
}

START_TEST(damaged)
{
	checkpoint_header h;
	memcpy(&h, file, sizeof h);
	size_t table = sizeof h + h.n_params * sizeof(uint64_t), end = table + h.n_parts * sizeof(checkpoint_part);
	for (size_t at = 0; at < end; at++)
		damage(at);
	for (uint32_t i = 0; i < h.n_parts; i++) {
		checkpoint_part part;
		memcpy(&part, file + table + i * sizeof part, sizeof part);
		for (size_t at = part.offset; at < part.offset + part.bytes; at++)
			damage(at);
	}
}
END_TEST

/* With checksums that are right. */
static void seal(const checkpoint_header *was)
{
	checkpoint_header h = *was;
	size_t n = sizeof h + h.n_params * sizeof(uint64_t) + h.n_parts * sizeof(checkpoint_part);
	h.check = 0;
	memcpy(file, &h, sizeof h);
	h.check = XXH3_64bits(file, n);
	memcpy(file, &h, sizeof h);
	rewrite(n_file);
}

START_TEST(hostile)
{
	checkpoint_header h;
	memcpy(&h, file, sizeof h);
	checkpoint_part *parts = (void *)(file + sizeof h + h.n_params * sizeof(uint64_t)), *of_k = NULL, *entries = NULL, *last = parts + h.n_parts - 1;
	mmsb_instance *m = fresh(9);
	for (uint32_t i = 0; i < h.n_parts; i++) {
		if (parts[i].kind == PART_VALUES && parts[i].id == (uint32_t)mmsb_page(m, "k"))
			of_k = &parts[i];
		if (parts[i].kind == PART_PATTERN)
			entries = &parts[i];
	}
	mmsb_instance_free(m);
	ck_assert(of_k && entries && entries != last);
	seal(&h);
	ok(read_fresh(9));
	uint32_t first, beyond = 9;
	memcpy(&first, file + of_k->offset, sizeof first);
	memcpy(file + of_k->offset, &beyond, sizeof beyond);
	of_k->check = XXH3_64bits(file + of_k->offset, of_k->bytes);
	seal(&h);
	ck_assert_int_eq(read_fresh(9), MMSB_FORMAT);
	memcpy(file + of_k->offset, &first, sizeof first);
	of_k->check = XXH3_64bits(file + of_k->offset, of_k->bytes);
	*last = *entries; /* the same entries twice */
	seal(&h);
	ck_assert_int_eq(read_fresh(9), MMSB_FORMAT);
}
END_TEST

START_TEST(cut_off)
{
	for (size_t n = 0; n < n_file; n += n < 2000 ? 1 : 501) {
		rewrite(n);
		ck_assert_int_eq(read_fresh(9), MMSB_FORMAT);
	}
}
END_TEST

START_TEST(refused)
{
	ck_assert_int_eq(read_fresh(8), MMSB_SHAPE);
	mmsb_instance *m = at_epoch(1), *none = fresh(9);
	ck_assert_int_eq(checkpoint_read(m, &vfs_machine, path, NULL, NULL, &err), MMSB_ORDER);
	ck_assert_int_eq(checkpoint_write(none, &vfs_machine, path, &err), MMSB_ORDER);
	ck_assert_int_eq(checkpoint_write(m, &vfs_machine, "/nowhere/at/all", &err), MMSB_IO);
	ck_assert_ptr_nonnull(strstr(err.message, "/nowhere/at/all"));
	ck_assert_int_eq(checkpoint_read(none, &vfs_machine, "/nowhere/at/all", NULL, NULL, &err), MMSB_IO);
	mmsb_instance_free(none);
	mmsb_schedule *ours = compiled;
	compiled = io_schedule("param N;\npage x : f64[N] in;\npage y : f64[N] out;\nedge y[i] <- x[i] + 1;\n");
	ck_assert_int_eq(read_fresh(9), MMSB_FORMAT);
	ck_assert_ptr_nonnull(strstr(err.message, "another program"));
	mmsb_schedule_close(compiled);
	compiled = ours;
	mmsb_instance_free(m);
}
END_TEST

/* Without memory the old file stays, and the instance too. */
START_TEST(without_memory)
{
	mmsb_instance *m = at_epoch(7), *was = at_epoch(7);
	int failures = 0;
	for (long k = 1;; k++) {
		left = k;
		failed_one = 0;
		int status = checkpoint_write(m, &vfs_machine, path, &err);
		left = 0;
		if (!failed_one) {
			ok(status);
			break;
		}
		ck_assert_int_eq(status, MMSB_MEMORY);
		same_digest(m, was);
		ok(read_fresh(9)); /* epoch 6's */
		failures++;
	}
#ifndef HAS_OWN_ALLOCATOR
	ck_assert_int_gt(failures, 0);
#endif
	for (long k = 1;; k++) {
		mmsb_instance *next = fresh(9);
		left = k;
		failed_one = 0;
		int status = checkpoint_read(next, &vfs_machine, path, NULL, NULL, &err);
		left = 0;
		if (!failed_one) {
			ok(status);
			same_digest(next, was);
		} else if (status != MMSB_OK) { /* what speeds things up may do without */
			ck_assert_msg(status == MMSB_MEMORY, "%ld: %s", k, err.message);
		}
		mmsb_instance_free(next);
		if (!failed_one)
			break;
	}
	mmsb_instance_free(m);
	mmsb_instance_free(was);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("checkpoint");
	TCase *c = tcase_create("all");
	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, goes_on);
	tcase_add_test(c, large);
	tcase_add_test(c, damaged);
	tcase_add_test(c, hostile);
	tcase_add_test(c, cut_off);
	tcase_add_test(c, refused);
	tcase_add_test(c, without_memory);
	suite_add_tcase(s, c);
	return unit_run(s);
}
