/* check_manifest.c - manifests: written and read back; every text that is none is refused, with the line; what is named is known. */
#include <xxhash.h>

#include "state/manifest.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/instance.h"

static mmsb_error err;

static void ok(int status) { ck_assert_msg(status == MMSB_OK, "%s", err.message); }

/* Parses lines behind which the right checksum is put. */
static int parse(manifest *m, const char *lines)
{
	char all[2000];
	size_t n = strlen(lines);
	snprintf(all, sizeof all, "%scheck %016llx\n", lines, (unsigned long long)XXH3_64bits(lines, n));
	return manifest_parse(m, "MANIFEST", (const uint8_t *)all, strlen(all), &err);
}

#define HEAD "mmsb-state 1\nnumerics 1\nidentity 0123456789abcdef00000000000000ff\n"

START_TEST(reads)
{
	manifest m;
	ok(parse(&m, HEAD "checkpoint 7\ncheckpoint 20 3 7\nlog 1 12 4096 zst\nlog 13 20 128 plain\nlog 21 open\n"));
	ck_assert_uint_eq(m.identity[0], UINT64_C(0x0123456789abcdef));
	ck_assert_uint_eq(m.identity[1], 0xff);
	ck_assert_uint_eq(m.n_checkpoints, 2);
	ck_assert_uint_eq(m.checkpoints[1].epoch, 20);
	ck_assert_uint_eq(m.checkpoints[1].n_bases, 2);
	ck_assert_uint_eq(m.checkpoints[1].bases[0], 3);
	ck_assert_uint_eq(m.n_segments, 3);
	ck_assert(m.segments[0].compressed && !m.segments[1].compressed);
	ck_assert_uint_eq(m.segments[0].bytes, 4096);
	ck_assert_uint_eq(m.segments[2].first, 21);
	ck_assert_uint_eq(m.segments[2].last, 0);
	ck_assert(manifest_names(&m, "log-00000000000000000001.zst"));
	ck_assert(!manifest_names(&m, "log-00000000000000000001"));
	ck_assert(manifest_names(&m, "log-00000000000000000013"));
	ck_assert(manifest_names(&m, "checkpoint-00000000000000000003"));
	ck_assert(!manifest_names(&m, "checkpoint-00000000000000000004"));
	ck_assert(manifest_names(&m, "MANIFEST") && manifest_names(&m, "schedule.mmsbx") && manifest_names(&m, "LOCK"));
	ck_assert(!manifest_names(&m, "MANIFEST.new"));
	manifest_free(&m);
}
END_TEST

START_TEST(refuses)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"mmsb-state 2\nnumerics 1\n", "format version 2"},
		{"mmsb-state\nnumerics 1\n", "this is no manifest"},
		{"mmsb-state 1\nnumerics 9\nidentity 0123456789abcdef00000000000000ff\nlog 1 open\n", "numerics 9"},
		{"mmsb-state 1\nidentity 0123456789abcdef00000000000000ff\nlog 1 open\n", "MANIFEST:2"},
		{"mmsb-state 1\nnumerics 1\nidentity 0123456789abcdef0000000000000\nlog 1 open\n", "MANIFEST:3"},
		{"mmsb-state 1\nnumerics 1\nidentity 0123456789ABCDEF00000000000000ff\nlog 1 open\n", "MANIFEST:3"},
		{HEAD, "no open segment"},
		{HEAD "log 1 5 10 plain\n", "no open segment"},
		{HEAD "log 0 open\n", "MANIFEST:4"},
		{HEAD "log 1  open\n", "MANIFEST:4"},
		{HEAD "log 1 open \n", "MANIFEST:4"},
		{HEAD "log 01 open\n", "MANIFEST:4"},
		{HEAD "log -1 open\n", "MANIFEST:4"},
		{HEAD "log 99999999999999999999 open\n", "MANIFEST:4"},
		{HEAD "log 1 5 10 gz\nlog 6 open\n", "MANIFEST:4"},
		{HEAD "log 1 5 0 plain\nlog 6 open\n", "MANIFEST:4"},
		{HEAD "log 5 1 10 plain\nlog 2 open\n", "MANIFEST:4"},
		{HEAD "log 1 5 10 plain\nlog 7 open\n", "MANIFEST:5"},
		{HEAD "log 1 open\nlog 2 open\n", "MANIFEST:5"},
		{HEAD "log 1 open\ncheckpoint 3\n", "MANIFEST:5"},
		{HEAD "checkpoint 0\nlog 1 open\n", "MANIFEST:4"},
		{HEAD "checkpoint 5\ncheckpoint 5\nlog 1 open\n", "MANIFEST:5"},
		{HEAD "checkpoint 5 6\nlog 1 open\n", "MANIFEST:4"},
		{HEAD "checkpoint 5 2 2\nlog 1 open\n", "MANIFEST:4"},
		{HEAD "checkpoint 5 x\nlog 1 open\n", "MANIFEST:4"},
		{HEAD "checkpoint 5 \nlog 1 open\n", "MANIFEST:4"},
		{HEAD "checkpoint\nlog 1 open\n", "MANIFEST:4"},
		{HEAD "log 1 open\nhello\n", "MANIFEST:5"},
		{HEAD "log 1 open\n\n", "MANIFEST:5"},
		{HEAD "log 1 open\ncheck 0000000000000000\n", "MANIFEST:5"},
	};
	manifest m;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		int status = parse(&m, bad[i].text);
		ck_assert_msg(status == MMSB_FORMAT || status == MMSB_NUMERICS, "text %zu: %d", i, status);
		ck_assert_msg(strstr(err.message, bad[i].says) != NULL, "text %zu: %s", i, err.message);
	}
}
END_TEST

/* Every byte is under the checksum, or part of it. */
START_TEST(damaged)
{
	char all[400];
	const char *lines = HEAD "checkpoint 7\nlog 1 12 4096 zst\nlog 13 open\n";
	int n = snprintf(all, sizeof all, "%scheck %016llx\n", lines, (unsigned long long)XXH3_64bits(lines, strlen(lines)));
	manifest m;
	ok(manifest_parse(&m, "MANIFEST", (const uint8_t *)all, (size_t)n, &err));
	manifest_free(&m);
	for (int i = 0; i < n; i++) {
		all[i] ^= 0x10;
		ck_assert_int_ne(manifest_parse(&m, "MANIFEST", (const uint8_t *)all, (size_t)n, &err), MMSB_OK);
		all[i] ^= 0x10;
		ck_assert_int_ne(manifest_parse(&m, "MANIFEST", (const uint8_t *)all, (size_t)i, &err), MMSB_OK);
	}
}
END_TEST

START_TEST(written_and_read)
{
	char folder[] = "/tmp/mmsb-manifest-XXXXXX", path[80];
	ck_assert_ptr_nonnull(mkdtemp(folder));
	manifest m = {.identity = {1, UINT64_MAX}}, back;
	bool found;
	ok(manifest_read(&back, &vfs_machine, folder, &found, &err));
	ck_assert(!found);
	const uint64_t bases[] = {3, 5};
	const log_segment segments[] = {{.first = 1, .last = 9, .bytes = 640, .compressed = true}, {.first = 10}};
	ok(manifest_add_checkpoint(&m, 9, bases, 2, &err));
	ok(manifest_add_checkpoint(&m, 5, NULL, 0, &err));
	ok(manifest_add_checkpoint(&m, 9, bases, 1, &err));
	ok(manifest_add_segment(&m, &segments[0], &err));
	ok(manifest_add_segment(&m, &segments[1], &err));
	ok(manifest_write(&m, &vfs_machine, folder, &err));
	ok(manifest_read(&back, &vfs_machine, folder, &found, &err));
	ck_assert(found);
	ck_assert_uint_eq(back.identity[1], UINT64_MAX);
	ck_assert_uint_eq(back.n_checkpoints, 2);
	ck_assert_uint_eq(back.checkpoints[0].epoch, 5);
	ck_assert_uint_eq(back.checkpoints[1].n_bases, 1);
	ck_assert_uint_eq(back.n_segments, 2);
	ck_assert(memcmp(back.segments, segments, sizeof segments) == 0);
	manifest_free(&m);
	manifest_free(&back);
	snprintf(path, sizeof path, "%s/MANIFEST", folder);
	unlink(path);
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("manifest");
	TCase *c = tcase_create("manifest");
	tcase_add_test(c, reads);
	tcase_add_test(c, refuses);
	tcase_add_test(c, damaged);
	tcase_add_test(c, written_and_read);
	suite_add_tcase(s, c);
	return unit_run(s);
}
