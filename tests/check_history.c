/* check_history.c - a state folder looked at: every epoch from every way to it has the digest that it had when it was made; branches, repaired
 * and compacted folders as well; damage is told with its place; reads of an element are those that its edge says. */
#include <xxhash.h>

#include "io_instance.h"
#include "runtime/trace.h"
#include "state/branch.h"
#include "state/log_format.h"
#include "state/state.h"
#include "state_folder.h"

static const char with_state[] =
    "param N;\npage x : f64[N] in;\npage k : index(N)[N] in;\npage W : sparse f64[N, N] in;\npage y : f64[N] out;\npage s : f64 out;\npage g : f64[N] out;\n"
    "page r : f64[N] out;\nedge y[i] <- if x[i] > 5 then x[k[i]] else 0;\nedge s <- prev s + (sum[i] prev x[i]);\nedge g[c] <- sum[i where k[i] == c] x[i];\n"
    "edge r[i] <- sum[j] W[i, j] * x[j];\n";
static const char without[] =
    "param N;\npage x : f64[N] in;\npage k : index(N)[N] in;\npage W : sparse f64[N, N] in;\npage y : f64[N] out;\npage r : f64[N] out;\n"
    "edge y[i] <- x[k[i]] + x[i];\nedge r[i] <- sum[j] W[i, j] * x[j];\n";

enum { SIZE = 9, EPOCHS = 60 };

static char path[] = "/tmp/mmsb-history-XXXXXX";
static mmsb_error err;
static char digests[EPOCHS + 1][33];
static uint64_t segment_bytes = 2000;

static void ok(int status) { ck_assert_msg(status == MMSB_OK, "%s", err.message); }

static void stage(mmsb_instance *m, unsigned number)
{
	for (uint64_t i = 0; i < 4; i++) {
		double value = (double)((number * 7 + i * 3) % 11);
		uint32_t key = (uint32_t)((number + i * i) % SIZE);
		uint64_t at = (number * 5 + i) % SIZE, col = (i * 4 + number) % SIZE;
		ok(mmsb_scatter(m, mmsb_page(m, "x"), 1, &at, &value, &err));
		ok(mmsb_scatter(m, mmsb_page(m, "k"), 1, &at, &key, &err));
		ok(mmsb_insert(m, mmsb_page(m, "W"), 1, &at, &col, &value, &err));
		ok(mmsb_erase(m, mmsb_page(m, "W"), 1, &col, &at, &err));
	}
}

/* Epochs of deltas and of ticks, in several segments, with two checkpoints. */
static void make(const char *program)
{
	strcpy(path + sizeof path - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(path));
	mmsb_schedule *compiled = io_schedule(program);
	ck_assert_ptr_nonnull(compiled);
	mmsb_instance *m = io_instance(compiled);
	state_folder f;
	ok(mmsb_set_param(m, "N", SIZE, &err));
	ok(mmsb_bind(m, &err));
	folder_begin(&f, path, m, segment_bytes);
	while (m->epoch < EPOCHS) {
		if (m->epoch % 10 == 7) {
			ok(mmsb_ticks(m, 3, NULL, &err));
			strcpy(digests[m->epoch - 2], "");
			strcpy(digests[m->epoch - 1], "");
		} else {
			stage(m, (unsigned)m->epoch);
			ok(mmsb_commit_from(m, m->epoch % 2 ? "feed" : NULL, NULL, &err));
		}
		ok(mmsb_digest(m, digests[m->epoch], &err));
		if (m->epoch == 22 || m->epoch == 41)
			folder_checkpoint(&f, m);
	}
	folder_end(&f, m);
	mmsb_instance_free(m);
	mmsb_schedule_close(compiled);
}

static void make_with_state(void) { make(with_state); }

static void remove_folder(const char *folder)
{
	char command[200];
	snprintf(command, sizeof command, "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

static void unmake(void) { remove_folder(path); }

static void same_digest(mmsb_instance *m)
{
	char hex[33];
	ok(mmsb_digest(m, hex, &err));
	if (digests[m->epoch][0] != '\0')
		ck_assert_str_eq(hex, digests[m->epoch]);
}

static int see(void *user, const history_epoch *now, mmsb_error *error)
{
	player *p = user;
	(void)error;
	ck_assert_uint_eq(now->epoch, p->m->epoch);
	bool tick = (now->epoch - 1) % 10 >= 7;
	ck_assert_str_eq(now->source, !tick && (now->epoch - 1) % 2 ? "feed" : "");
	same_digest(p->m);
	return MMSB_OK;
}

/* Every epoch that a folder has, alone; and all from the first on, with the digests of the log. */
static void check_folder(const char *folder, uint64_t first, uint64_t last)
{
	history *h;
	player *p;
	ok(history_open(&h, &vfs_machine, folder, &err));
	ck_assert_uint_eq(h->earliest, first);
	ck_assert_uint_eq(h->last, last);
	for (uint64_t e = first; e <= last; e++) {
		ok(player_new(&p, h, e, false, NULL, &err));
		ok(player_to(p, e, NULL, NULL, &err));
		ck_assert_uint_eq(p->m->epoch, e);
		same_digest(p->m);
		player_free(p);
	}
	ok(player_new(&p, h, first, first == 1, NULL, &err));
	p->verify = true;
	ok(player_to(p, last, see, p, &err));
	if (first == 1)
		ck_assert_uint_ge(p->digests, last / 10);
	player_free(p);
	ck_assert_int_eq(history_has(h, last + 1, &err), MMSB_RANGE);
	history_close(h);
}

START_TEST(each_epoch)
{
	check_folder(path, 1, EPOCHS);
}
END_TEST

START_TEST(merged_epochs)
{
	history *h;
	player *p;
	unmake();
	make(without);
	check_folder(path, 1, EPOCHS);
	ok(history_open(&h, &vfs_machine, path, &err));
	ok(player_new(&p, h, EPOCHS, true, NULL, &err));
	ck_assert(p->merges);
	for (uint64_t e = 1; e <= EPOCHS; e += 1 + e % 7) {
		ok(player_to(p, e, NULL, NULL, &err));
		same_digest(p->m);
	}
	ck_assert_uint_lt(p->m->stats.epochs, EPOCHS); /* they were taken together */
	player_free(p);
	history_close(h);
}
END_TEST

START_TEST(branches)
{
	static const uint64_t at[] = {1, 8, 9, 10, 22, 30, 41, 42, EPOCHS};
	for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
		history *h;
		char to[100];
		snprintf(to, sizeof to, "%s-branch", path);
		ok(history_open(&h, &vfs_machine, path, &err));
		ok(branch_make(h, at[i], to, &err));
		ck_assert_int_eq(branch_make(h, at[i], to, &err), MMSB_USAGE); /* it is there now */
		history_close(h);
		check_folder(to, 1, at[i]);
		remove_folder(to);
	}
	check_folder(path, 1, EPOCHS);
}
END_TEST

START_TEST(compaction)
{
	compacted done;
	history *h;
	char name[200];
	ck_assert_int_eq(compact_log(&vfs_machine, path, 21, &done, &err), MMSB_INPUT);
	check_folder(path, 1, EPOCHS);
	ok(compact_log(&vfs_machine, path, 45, &done, &err));
	ck_assert_uint_eq(done.earliest, 41);
	ck_assert_uint_gt(done.segments, 0);
	ok(history_open(&h, &vfs_machine, path, &err));
	ck_assert_uint_eq(h->files.segments[0].first, 42); /* right behind the checkpoint */
	snprintf(name, sizeof name, "%s/log-%020d", path, 42);
	ck_assert_int_eq(access(name, F_OK) == 0, done.shortened && !h->files.segments[0].compressed);
	history_close(h);
	check_folder(path, 41, EPOCHS);
	ok(compact_log(&vfs_machine, path, 45, &done, &err)); /* again: there is nothing left to do */
	ck_assert(done.earliest == 41 && done.segments == 0 && !done.shortened && done.bytes == 0);
	check_folder(path, 41, EPOCHS);
	ok(history_open(&h, &vfs_machine, path, &err));
	ck_assert_int_eq(history_has(h, 40, &err), MMSB_RANGE);
	history_close(h);
}
END_TEST

static void no_line(void *user, const char *line)
{
	(void)line;
	++*(int *)user;
}

/* A byte of the log is another: epochs before it can be had, those behind it from a checkpoint. */
START_TEST(damage)
{
	history *h;
	char to[100], name[200];
	uint64_t first, last;
	int lines = 0;
	ok(history_open(&h, &vfs_machine, path, &err));
	ck_assert_uint_gt(h->files.n_segments, 4);
	log_segment s = h->files.segments[1];
	uint64_t whole = h->files.segments[2].first <= 23 ? 22 : 41; /* the first checkpoint that the segments behind it lead on from */
	char file[STATE_NAME];
	manifest_segment_name(&s, file);
	snprintf(name, sizeof name, "%s/%s", path, file);
	FILE *f = fopen(name, "r+b");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fseek(f, (long)s.bytes / 2, SEEK_SET), 0);
	int byte = fgetc(f);
	ck_assert_int_eq(fseek(f, (long)s.bytes / 2, SEEK_SET), 0);
	fputc(byte ^ 1, f);
	fclose(f);
	player *p;
	ok(player_new(&p, h, s.first, true, NULL, &err));
	ok(player_to(p, s.first - 1, NULL, NULL, &err));
	same_digest(p->m);
	ck_assert_int_eq(player_to(p, s.last, NULL, NULL, &err), MMSB_FORMAT);
	ck_assert_ptr_nonnull(strstr(err.message, "mmsb log repair"));
	ck_assert_ptr_nonnull(strstr(err.message, file));
	player_free(p);
	history_close(h);
	snprintf(to, sizeof to, "%s-repaired", path);
	ok(repair_make(&vfs_machine, path, to, no_line, &lines, &first, &last, &err));
	ck_assert_int_gt(lines, 0);
	ck_assert_uint_eq(last, EPOCHS);
	ck_assert_uint_eq(first, whole);
	check_folder(to, whole, EPOCHS);
	remove_folder(to);
}
END_TEST

/* A segment of these epochs, but of another log: its header names another record before it. */
START_TEST(another_segment)
{
	enum { BEFORE = 48, CHECK = 56 };
	history *h;
	player *p;
	uint8_t header[LOG_HEADER];
	char name[200], file[STATE_NAME];
	ok(history_open(&h, &vfs_machine, path, &err));
	log_segment s = h->files.segments[2];
	manifest_segment_name(&s, file);
	snprintf(name, sizeof name, "%s/%s", path, file);
	FILE *f = fopen(name, "r+b");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fread(header, 1, sizeof header, f), sizeof header);
	header[BEFORE] ^= 1;
	uint64_t check = XXH3_64bits(header, CHECK);
	memcpy(header + CHECK, &check, sizeof check);
	rewind(f);
	ck_assert_uint_eq(fwrite(header, 1, sizeof header, f), sizeof header);
	fclose(f);
	ok(player_new(&p, h, 1, true, NULL, &err));
	ok(player_to(p, s.first - 1, NULL, NULL, &err));
	ck_assert_int_eq(player_to(p, s.first, NULL, NULL, &err), MMSB_FORMAT);
	ck_assert_ptr_nonnull(strstr(err.message, "does not follow"));
	player_free(p);
	history_close(h);
}
END_TEST

/* ---- a checkpoint behind damage in the segment that it lies in ---- */

/* All in one segment. */
static void make_long(void)
{
	segment_bytes = 1 << 20;
	make(with_state);
	segment_bytes = 2000;
}

/* Where the record of an epoch lies in the only segment. */
static uint64_t place_of(uint64_t epoch)
{
	history *h;
	log_reader *r = NULL;
	log_record record = {.epoch = 0};
	ok(history_open(&h, &vfs_machine, path, &err));
	ck_assert_uint_eq(h->files.n_segments, 1);
	ok(history_open_segment(h, &h->files.segments[0], &r, &err));
	while (log_next(r, &record) == LOG_GOES_ON)
		if ((record.kind == LOG_EPOCH || record.kind == LOG_TICKS) && record.epoch >= epoch)
			break;
	log_read_close(r);
	history_close(h);
	return record.at;
}

static void flip(uint64_t at)
{
	char name[200];
	snprintf(name, sizeof name, "%s/log-00000000000000000001", path);
	FILE *f = fopen(name, "r+b");
	ck_assert(f && fseek(f, (long)at, SEEK_SET) == 0);
	int byte = fgetc(f);
	ck_assert(fseek(f, (long)at, SEEK_SET) == 0 && fputc(byte ^ 1, f) != EOF && fclose(f) == 0);
}

typedef struct told {
	char text[2000];
} told;

static void keep_line(void *user, const char *line)
{
	told *t = user;
	ck_assert_uint_lt(strlen(t->text) + strlen(line), sizeof t->text - 2);
	strcat(strcat(t->text, line), "\n");
}

static void repair_damaged(const uint64_t *damaged, unsigned n, uint64_t first, uint64_t last, const char *lost)
{
	char to[100];
	told t = {""};
	uint64_t is_first, is_last, at[4];
	for (unsigned i = 0; i < n; i++)
		at[i] = place_of(damaged[i]);
	for (unsigned i = 0; i < n; i++)
		flip(at[i] + 24);
	snprintf(to, sizeof to, "%s-repaired", path);
	ok(repair_make(&vfs_machine, path, to, keep_line, &t, &is_first, &is_last, &err));
	ck_assert_uint_eq(is_first, first);
	ck_assert_uint_eq(is_last, last);
	ck_assert_msg(strstr(t.text, lost) != NULL, "'%s' is not told: %s", lost, t.text);
	check_folder(to, first, last);
	mmsb_schedule *compiled = io_schedule(with_state);
	mmsb_instance *m = io_instance(compiled);
	mmsb_state *s;
	ok(mmsb_state_open(&s, m, to, NULL, &err)); /* and it can be gone on in */
	ck_assert_uint_eq(m->epoch, last);
	ck_assert_str_eq(mmsb_state_note(s), "");
	same_digest(m);
	stage(m, (unsigned)m->epoch);
	ok(mmsb_commit_from(m, "feed", NULL, &err));
	ok(mmsb_state_close(s, &err));
	mmsb_instance_free(m);
	mmsb_schedule_close(compiled);
	remove_folder(to);
}

START_TEST(damage_before_a_checkpoint)
{
	repair_damaged((const uint64_t[]){4}, 1, 22, EPOCHS, "lost: epochs 4 to 21,");
}
END_TEST

START_TEST(damage_behind_a_checkpoint)
{
	repair_damaged((const uint64_t[]){4, 31}, 2, 41, EPOCHS, "lost: epochs 4 to 40,");
}
END_TEST

/* From the one of 22 the records lead to 29; behind the one of 41 there are none that follow it. */
START_TEST(damage_around_a_checkpoint)
{
	repair_damaged((const uint64_t[]){4, 30, 42}, 3, 41, 41, "lost: epochs 42 to 60,");
}
END_TEST

/* ---- times ------------------------------------------------------------------------------------- */

START_TEST(times)
{
	uint64_t ns;
	char text[TIME_ROOM];
	static const char *const wrong[] = {"", "2026", "2026-13-01", "2026-01-01T", "2026-01-01T10", "2026-01-01T10:00:00x", "26-01-01", "2026-01-01T24:00",
	                                    "2026-02-29", "2026-04-31T10:00", "2026-01-01T10:00:60"};
	ck_assert(history_parse_time("1970-01-01", &ns) && ns == 0);
	ck_assert(history_parse_time("1970-01-01T00:00:01.5Z", &ns) && ns == 1500000000);
	ck_assert(history_parse_time("2026-11-27 10:20", &ns));
	history_print_time(ns, text);
	ck_assert_str_eq(text, "2026-11-27T10:20:00.000000000Z");
	ck_assert(history_parse_time("2554-01-01", &ns) && ns < UINT64_MAX);
	ck_assert(history_parse_time("9999-12-31T23:59:59", &ns) && ns == UINT64_MAX);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		ck_assert_msg(!history_parse_time(wrong[i], &ns), "%s", wrong[i]);
}
END_TEST

/* ---- reads ------------------------------------------------------------------------------------- */

typedef struct written {
	const mmsb_instance *m;
	char text[2000];
} written;

static int write_read(void *user, const trace_read *r, mmsb_error *error)
{
	written *w = user;
	(void)error;
	const page *p = &w->m->pages[r->page];
	char one[80];
	bool sparse = (p->def->flags & PAGEF_SPARSE) != 0;
	snprintf(one, sizeof one, sparse ? "%s%s%s%d,%d " : "%s%s%s%d ", r->prev ? "prev " : "", sch_text(w->m->sch, p->def->name), r->presence ? "?" : "",
	         sparse ? (int)(r->at >> 32) : (int)r->at, (int)(r->at & UINT32_MAX));
	strcat(w->text, one);
	return MMSB_OK;
}

static const char *reads_of(mmsb_instance *now, mmsb_instance *before, const char *name, uint64_t at)
{
	static written w;
	w = (written){.m = now};
	ok(trace_element(now, before, (uint32_t)mmsb_page(now, name), NONE, at, write_read, &w, &err));
	return w.text;
}

START_TEST(reads)
{
	mmsb_schedule *compiled = io_schedule(with_state);
	mmsb_instance *m = io_instance(compiled), *before = io_instance(compiled);
	const double x[4] = {6, 1, 7, 2};
	const uint32_t k[4] = {2, 0, 2, 3};
	const uint64_t row[3] = {1, 1, 3}, col[3] = {0, 3, 2};
	const double w[3] = {1, 2, 3};
	ok(mmsb_set_param(m, "N", 4, &err));
	ok(mmsb_set_param(before, "N", 4, &err));
	ok(mmsb_bind(before, &err));
	ok(mmsb_write(m, mmsb_page(m, "x"), 0, 4, x, &err));
	ok(mmsb_write(m, mmsb_page(m, "k"), 0, 4, k, &err));
	ok(mmsb_insert(m, mmsb_page(m, "W"), 3, row, col, w, &err));
	ok(mmsb_commit(m, NULL, &err));
	ck_assert_str_eq(reads_of(m, before, "y", 0), "x0 k0 x2 ");
	ck_assert_str_eq(reads_of(m, before, "y", 1), "x1 "); /* the branch that counts alone */
	ck_assert_str_eq(reads_of(m, before, "g", 2), "k0 x0 k2 x2 ");
	ck_assert_str_eq(reads_of(m, before, "g", 1), "");
	ck_assert_str_eq(reads_of(m, before, "r", 1), "W?1,0 W1,0 x0 W?1,3 W1,3 x3 ");
	ck_assert_str_eq(reads_of(m, before, "s", 0), "prev s0 prev x0 prev x1 prev x2 prev x3 ");
	mmsb_instance_free(m);
	mmsb_instance_free(before);
	mmsb_schedule_close(compiled);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("history");
	TCase *c = tcase_create("history");
	tcase_add_checked_fixture(c, make_with_state, unmake);
	tcase_add_test(c, each_epoch);
	tcase_add_test(c, merged_epochs);
	tcase_add_test(c, branches);
	tcase_add_test(c, compaction);
	tcase_add_test(c, damage);
	tcase_add_test(c, another_segment);
	tcase_add_test(c, times);
	tcase_add_test(c, reads);
	tcase_set_timeout(c, 120);
	suite_add_tcase(s, c);
	c = tcase_create("one segment");
	tcase_add_checked_fixture(c, make_long, unmake);
	tcase_add_test(c, damage_before_a_checkpoint);
	tcase_add_test(c, damage_behind_a_checkpoint);
	tcase_add_test(c, damage_around_a_checkpoint);
	tcase_set_timeout(c, 120);
	suite_add_tcase(s, c);
	return unit_run(s);
}
