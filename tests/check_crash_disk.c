/* check_crash_disk.c: the disk in memory that loses its power. A protocol that is right survives every cut; the same with one step left out
 * does not, for some cut: so a harness that stands on this disk can fail. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/crash_disk.h"
#include "tests/unit.h"

enum { SEEDS = 200, VALUES = 6, MOST_OPERATIONS = 100, BYTES = 1500 };

/* ---- a value in a file that is replaced: written aside, synced, renamed, the folder synced ---- */

typedef struct steps {
	bool sync, sync_folder;
} steps;

static int put_value(disk *d, int value, steps s)
{
	uint8_t data[BYTES];
	memset(data, value, sizeof data);
	int h = disk_open(d, "/s/value.tmp", DISK_WRITE | DISK_CREATE | DISK_TRUNCATE);
	if (h < 0)
		return h;
	int64_t n = disk_pwrite(d, h, data, sizeof data, 0);
	int status = n < 0 ? (int)n : n < BYTES ? -EIO : s.sync ? disk_sync(d, h) : 0;
	disk_close(d, h);
	if (!status)
		status = disk_rename(d, "/s/value.tmp", "/s/value");
	if (!status && s.sync_folder)
		status = disk_sync_folder(d, "/s");
	return status;
}

/* The value that is there; 0: none; -1: a mixture. */
static int get_value(disk *d)
{
	uint8_t data[BYTES];
	int h = disk_open(d, "/s/value", 0);
	if (h < 0)
		return 0;
	int64_t n = disk_pread(d, h, data, sizeof data, 0);
	disk_close(d, h);
	for (int i = 1; i < BYTES; i++)
		if (n != BYTES || data[i] != data[0])
			return -1;
	return data[0];
}

/* Puts values until the disk has something against it; then the power goes. Wrong: a mixture, or less than was acknowledged. */
static bool one_run(disk_event event, uint64_t at, uint64_t seed, steps s, bool *happened)
{
	disk *d = disk_new();
	int acknowledged = 0, value = 1;
	disk_plan(d, event, at, seed);
	for (; value <= VALUES && put_value(d, value, s) == 0; value++)
		acknowledged = value;
	*happened = disk_happened(d);
	disk_power_cycle(d, seed);
	int found = get_value(d);
	disk_free(d);
	return found >= acknowledged && found <= value;
}

static int count_wrong(disk_event event, steps s)
{
	int wrong = 0;
	bool happened = true;
	for (uint64_t at = 1; happened && at < MOST_OPERATIONS; at++)
		for (uint64_t seed = 1; seed <= SEEDS; seed++)
			wrong += !one_run(event, at, seed * 1000 + at, s, &happened);
	ck_assert(!happened); /* the loop ended because a run had fewer operations */
	return wrong;
}

START_TEST(right_protocol)
{
	for (int event = DISK_STOPS; event < DISK_EVENTS; event++)
		ck_assert_msg(count_wrong((disk_event)event, (steps){true, true}) == 0, "after event %d a value was lost", event);
}
END_TEST

START_TEST(wrong_protocols)
{
	ck_assert_int_gt(count_wrong(DISK_STOPS, (steps){false, true}), 0);
	ck_assert_int_gt(count_wrong(DISK_STOPS, (steps){true, false}), 0);
}
END_TEST

/* ---- single rules ---- */

static int open_new(disk *d, const char *path)
{
	int h = disk_open(d, path, DISK_WRITE | DISK_CREATE | DISK_EXCLUSIVE);
	ck_assert_int_ge(h, 0);
	ck_assert_int_eq(disk_sync_folder(d, "/s"), 0);
	return h;
}

/* A sync that fails takes with it what it should have kept, and a second one that succeeds does not bring it back. */
START_TEST(failed_sync)
{
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		char got[8] = "";
		disk *d = disk_new();
		int h = open_new(d, "/s/a");
		ck_assert_int_eq(disk_pwrite(d, h, "first", 5, 0), 5);
		disk_plan(d, DISK_SYNC_FAILS, 1, seed);
		ck_assert_int_eq(disk_sync(d, h), -EIO);
		ck_assert_int_eq(disk_sync(d, h), 0);
		ck_assert_int_eq(disk_pread(d, h, got, 5, 0), 5); /* still seen */
		disk_power_cycle(d, seed);
		ck_assert_int_eq(disk_path_size(d, "/s/a"), 0);
		disk_free(d);
	}
}
END_TEST

/* Of two sectors written one after the other, each of the four states is seen, and one in which a sector is torn. */
START_TEST(sectors)
{
	int seen[4] = {0}, torn = 0;
	for (uint64_t seed = 1; seed <= 10 * SEEDS; seed++) {
		uint8_t data[512], got[1024] = {0};
		memset(data, 7, sizeof data);
		disk *d = disk_new();
		int h = open_new(d, "/s/a");
		ck_assert_int_eq(disk_allocate(d, h, 0, 1024), 0);
		ck_assert_int_eq(disk_sync(d, h), 0);
		ck_assert_int_eq(disk_pwrite(d, h, data, 512, 0), 512);
		ck_assert_int_eq(disk_pwrite(d, h, data, 512, 512), 512);
		disk_power_cycle(d, seed);
		h = disk_open(d, "/s/a", 0);
		ck_assert_int_eq(disk_pread(d, h, got, sizeof got, 0), 1024);
		bool whole = true;
		for (int i = 1; i < 512; i++)
			whole = whole && got[i] == got[0] && got[512 + i] == got[512];
		if (whole)
			seen[(got[0] == 7) + 2 * (got[512] == 7)]++;
		torn += !whole;
		disk_free(d);
	}
	ck_assert(seen[0] && seen[1] && seen[2] && seen[3] && torn);
}
END_TEST

START_TEST(room_and_short_writes)
{
	char data[100] = "";
	disk *d = disk_new();
	int h = open_new(d, "/s/a");
	disk_plan(d, DISK_FULL, 2, 1);
	ck_assert_int_eq(disk_pwrite(d, h, data, 100, 0), 100);
	ck_assert_int_eq(disk_pwrite(d, h, data, 100, 100), -ENOSPC);
	ck_assert_int_eq(disk_open(d, "/s/b", DISK_WRITE | DISK_CREATE), -ENOSPC);
	ck_assert_int_eq(disk_sync(d, h), 0);
	disk_plan(d, DISK_SHORT, 1, 1);
	int64_t n = disk_write(d, h, data, 100);
	ck_assert(n > 0 && n < 100);
	ck_assert_int_eq(disk_write(d, h, data, 100), 100);
	ck_assert_int_eq(disk_lock(d, h), 0);
	ck_assert_int_eq(disk_lock(d, h), -EWOULDBLOCK);
	disk_power_cycle(d, 1);
	ck_assert_int_eq(disk_lock(d, h), -EBADF);
	disk_free(d);
}
END_TEST

START_TEST(names)
{
	disk *d = disk_new();
	disk_close(d, open_new(d, "/s/b"));
	disk_close(d, open_new(d, "/s/a"));
	ck_assert_int_eq(disk_open(d, "/s/sub/c", DISK_WRITE | DISK_CREATE), -ENOENT);
	ck_assert_int_eq(disk_make_folder(d, "/s/sub"), 0);
	ck_assert_int_eq(disk_make_folder(d, "/s/sub"), -EEXIST);
	disk_close(d, open_new(d, "/s/sub/c"));
	ck_assert_str_eq(disk_name(d, "/s", 0), "a");
	ck_assert_str_eq(disk_name(d, "/s/", 1), "b");
	ck_assert_str_eq(disk_name(d, "/s", 2), "sub");
	ck_assert_ptr_null(disk_name(d, "/s", 3));
	ck_assert_int_eq(disk_link(d, "/s/a", "/s/b"), -EEXIST);
	ck_assert_int_eq(disk_link(d, "/s/a", "/s/sub/a"), 0);
	ck_assert_int_eq(disk_unlink(d, "/s/sub/a"), 0);
	ck_assert_int_eq(disk_rename(d, "/s/a", "/s/b"), 0);
	ck_assert_int_eq(disk_path_size(d, "/s/a"), -ENOENT);
	ck_assert_int_eq(disk_unlink(d, "/s/b"), 0);
	ck_assert_int_eq(disk_unlink(d, "/s/b"), -ENOENT);
	int back = 0;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		disk *e = disk_copy(d);
		int h = disk_open(e, "/s/n", DISK_WRITE | DISK_CREATE);
		ck_assert_int_eq(disk_sync(e, h), 0); /* of the bytes, not of the name */
		disk_power_cycle(e, seed);
		back += disk_path_size(e, "/s/n") == 0;
		disk_free(e);
	}
	ck_assert(back > 0 && back < SEEDS);
	disk_free(d);
}
END_TEST

/* A folder that was made and not synced in its own may be gone, and all that was made sure of in it. */
START_TEST(folders)
{
	int there = 0, gone = 0;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		disk *d = disk_new();
		ck_assert_int_eq(disk_make_folder(d, "/s/f"), 0);
		int h = disk_open(d, "/s/f/a", DISK_WRITE | DISK_CREATE);
		ck_assert_int_eq(disk_sync(d, h), 0);
		ck_assert_int_eq(disk_sync_folder(d, "/s/f"), 0);
		disk_power_cycle(d, seed);
		bool folder = disk_make_folder(d, "/s/f") == -EEXIST;
		ck_assert_int_eq(disk_path_size(d, "/s/f/a"), folder ? 0 : -ENOENT);
		there += folder;
		gone += !folder;
		disk_free(d);
	}
	ck_assert(there > 0 && gone > 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("crash_disk");
	TCase *c = tcase_create("disk");
	tcase_set_timeout(c, 120);
	tcase_add_test(c, right_protocol);
	tcase_add_test(c, wrong_protocols);
	tcase_add_test(c, failed_sync);
	tcase_add_test(c, sectors);
	tcase_add_test(c, room_and_short_writes);
	tcase_add_test(c, names);
	tcase_add_test(c, folders);
	suite_add_tcase(s, c);
	return unit_run(s);
}
