/* check_changes.c - random epochs of a program that has a page of every kind: what mmsb_changes says is what differs from a copy made
 * before, and what a reader sees is what the pages had in its epoch, however long it stays. */
#include "io_instance.h"
#include "runtime/sort.h"
#include "unit.h"

enum { MOST_PAGES = 32, ROUNDS = 400, MOST_READERS = 3 };

static const char program[] =
    "record Q { a : f64; b : i32; c : u8; }\n"
    "page x : f64[70] in;\npage k : index(70)[130] in;\npage q : Q[67] in;\npage qs : Q[67] in @soa;\npage W : sparse f64[9, 9] in;\n"
    "page E : sparse bool[5, 6] in;\npage d : i64 in init 1;\npage begin : i64[3] in;\n"
    "page y : f64[130] out;\npage total : f64 out;\npage p : Q[67] out @soa;\npage ps : Q[67] out;\npage moved : i64[70] out;\n"
    "page V : sparse f64[9, 9] out like W;\npage deg : i64[9] out;\npage dist : f64[9] out;\npage f : i64 out;\npage c : i64[3] out init begin;\n"
    "edge y[i] <- x[k[i]];\nedge total <- sum[i] x[i];\nedge p[i] <- q[i];\nedge ps[i] <- qs[i];\n"
    "edge moved[i] <- prev moved[i] + (if x[i] == prev x[i] then 0 else 1);\nedge V[i, j] <- 2 * W[i, j];\n"
    "edge deg[i] <- sum[j] (if W[i, j] > 0 then 1 else 0);\n"
    "edge dist[v] <- fix min(if v == 0 then 0 else inf, min[u] (dist[u] + W[u, v]));\nedge f <- 10 / d;\nedge c[i] <- prev c[i] + d;\n";

static mmsb_error err;
static uint64_t state;

static uint64_t pick(uint64_t below)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (state >> 33) % below;
}

static void ok(int status) { ck_assert_msg(status == MMSB_OK, "%s", err.message); }

/* ---- copies of pages ---- */

typedef struct image {
	uint64_t count;
	size_t element;
	uint8_t *values;
	uint64_t *row, *col;
} image;

static void *copy_of(const void *from, size_t bytes)
{
	void *to = calloc(1, bytes + 1);
	ck_assert_ptr_nonnull(to);
	if (bytes)
		memcpy(to, from, bytes);
	return to;
}

static image image_of(mmsb_instance *m, int page)
{
	mmsb_info info;
	ok(mmsb_page_info(m, page, &info));
	image i = {.count = info.count, .element = info.element};
	i.values = copy_of(mmsb_data(m, page), info.count * info.element);
	if (info.sparse) {
		const uint64_t *row, *col;
		ok(mmsb_entries(m, page, &row, &col, &err));
		i.row = copy_of(row, info.count * sizeof *row);
		i.col = copy_of(col, info.count * sizeof *col);
	}
	return i;
}

static void image_free(image *i)
{
	free(i->values);
	free(i->row);
	free(i->col);
}

/* ---- changes ---- */

static void check_dense(const image *was, const image *now, const mmsb_changes_view *v)
{
	uint64_t n = 0;
	for (uint64_t i = 0; i < now->count; i++) {
		const uint8_t *value = now->values + i * now->element;
		if (memcmp(was->values + i * now->element, value, now->element) == 0)
			continue;
		ck_assert(n < v->count && v->index[n] == i);
		ck_assert(memcmp((const uint8_t *)v->values + n * now->element, value, now->element) == 0);
		n++;
	}
	ck_assert_uint_eq(n, v->count);
}

static uint64_t key(const image *i, uint64_t e) { return e < i->count ? i->row[e] * 100 + i->col[e] : UINT64_MAX; }

static void check_sparse(const image *was, const image *now, const mmsb_changes_view *v)
{
	uint64_t n = 0, a = 0, b = 0;
	size_t width = now->element;
	while (a < was->count || b < now->count) {
		uint64_t old = key(was, a), new = key(now, b), at = old < new ? old : new;
		bool gone = old < new;
		if (old != new || memcmp(was->values + a * width, now->values + b * width, width) != 0) {
			ck_assert(n < v->count && v->row[n] * 100 + v->col[n] == at && v->deleted[n] == gone);
			if (width && !gone)
				ck_assert(memcmp((const uint8_t *)v->values + n * width, now->values + b * width, width) == 0);
			n++;
		}
		a += old == at;
		b += new == at;
	}
	ck_assert_uint_eq(n, v->count);
}

/* Compares with the image, which becomes that of now. */
static void check_changes(mmsb_instance *m, int page, image *was)
{
	image now = image_of(m, page);
	mmsb_changes_view v;
	ck_assert_int_eq(mmsb_changes(m, page, &v), MMSB_OK);
	if (now.row)
		check_sparse(was, &now, &v);
	else
		check_dense(was, &now, &v);
	image_free(was);
	*was = now;
}

/* ---- deltas ---- */

static void stage_records(mmsb_instance *m, const char *name)
{
	struct { double a; int32_t b; uint8_t c; } q[67];
	memset(q, 0, sizeof q);
	uint64_t n = pick(2) ? 1 : pick(68), first = pick(68 - n), at = pick(67);
	for (uint64_t i = 0; i < n; i++) {
		q[i].a = (double)pick(3);
		q[i].b = (int32_t)pick(2);
		q[i].c = (uint8_t)pick(2);
	}
	ok(mmsb_write(m, mmsb_page(m, name), first, n, q, &err));
	ok(mmsb_scatter_field(m, mmsb_page(m, name), 1, 1, &at, &q[0].b, &err));
}

static void stage_entries(mmsb_instance *m)
{
	for (uint64_t i = pick(6); i > 0; i--) {
		uint64_t row = pick(9), col = pick(9), small_row = row % 5, small_col = col % 6;
		double w = (double)pick(4);
		if (pick(2)) {
			ok(mmsb_insert(m, mmsb_page(m, "W"), 1, &row, &col, &w, &err));
			ok(mmsb_insert(m, mmsb_page(m, "E"), 1, &small_row, &small_col, NULL, &err));
		} else {
			ok(mmsb_erase(m, mmsb_page(m, "W"), 1, &row, &col, &err));
			ok(mmsb_erase(m, mmsb_page(m, "E"), 1, &small_row, &small_col, &err));
		}
	}
}

static void stage_arrays(mmsb_instance *m)
{
	double x[70];
	for (int i = 0; i < 70; i++)
		x[i] = (double)pick(3);
	uint64_t n = pick(3) ? pick(4) : pick(71), at[3] = {pick(130), pick(130), pick(130)};
	uint32_t k[3] = {(uint32_t)pick(70), (uint32_t)pick(70), (uint32_t)pick(70)};
	ok(mmsb_write(m, mmsb_page(m, "x"), pick(71 - n), n, x, &err));
	if (pick(2))
		ok(mmsb_scatter(m, mmsb_page(m, "k"), 3, at, k, &err));
}

static void stage_some(mmsb_instance *m)
{
	if (pick(2))
		stage_arrays(m);
	if (pick(3) == 0)
		stage_records(m, pick(2) ? "q" : "qs");
	if (pick(2))
		stage_entries(m);
	int64_t divisor = pick(4) ? 1 + (int64_t)pick(3) : 0;
	if (pick(3) == 0)
		ok(mmsb_write(m, mmsb_page(m, "d"), 0, 1, &divisor, &err));
}

/* ---- readers ---- */

typedef struct pinned {
	bool on;
	mmsb_reader reader;
	image seen[MOST_PAGES];
} pinned;

static bool same(const void *a, const void *b, size_t bytes) { return bytes == 0 || memcmp(a, b, bytes) == 0; }

static void check_reader(mmsb_instance *m, pinned *p)
{
	for (int page = 0; page < mmsb_page_count(m); page++) {
		mmsb_info info;
		ok(mmsb_page_info(m, page, &info));
		const uint8_t *values = mmsb_read(&p->reader, page);
		ck_assert((values != NULL) == (info.role == MMSB_OUT));
		if (!values)
			continue;
		const image *seen = &p->seen[page];
		ck_assert(same(values, seen->values, seen->count * seen->element));
		uint64_t n;
		const uint64_t *row, *col;
		ck_assert_int_eq(mmsb_read_entries(&p->reader, page, &n, &row, &col), info.sparse ? MMSB_OK : MMSB_TYPE);
		ck_assert(!info.sparse || (n == seen->count && same(row, seen->row, n * sizeof *row) && same(col, seen->col, n * sizeof *col)));
	}
}

static void pin(mmsb_instance *m, pinned *p)
{
	ok(mmsb_read_begin(m, &p->reader, &err));
	for (int page = 0; page < mmsb_page_count(m); page++)
		p->seen[page] = image_of(m, page);
	p->on = true;
	check_reader(m, p);
}

static void let_go(mmsb_instance *m, pinned *p)
{
	if (!p->on)
		return;
	check_reader(m, p);
	mmsb_read_end(&p->reader);
	for (int page = 0; page < mmsb_page_count(m); page++)
		image_free(&p->seen[page]);
	p->on = false;
}

/* ---- epochs ---- */

/* again: what is staged already is to be committed. */
static int commit_some(mmsb_instance *m, bool again, bool *ticked)
{
	*ticked = !again && pick(8) == 0;
	if (*ticked)
		return mmsb_ticks(m, 1 + pick(3), NULL, &err);
	stage_some(m);
	return mmsb_commit(m, NULL, &err);
}

static void run_epochs(uint64_t seed, int copies, int scratch)
{
	mmsb_schedule *s = io_schedule(program);
	ck_assert_ptr_nonnull(s);
	mmsb_options o = {.size = sizeof o, .threads = 1, .scratch = scratch, .readers = MOST_READERS, .copies = copies};
	mmsb_instance *m;
	ok(mmsb_instance_new(&m, s, &o, &err));
	mmsb_schedule_close(s);
	ok(mmsb_bind(m, &err));
	state = seed;
	image was[MOST_PAGES];
	pinned readers[MOST_READERS] = {{.on = false}};
	int n = mmsb_page_count(m), from[MOST_PAGES], busy = 0, status = MMSB_OK;
	uint64_t epoch_seen = 0;
	ck_assert_int_le(n, MOST_PAGES);
	for (int page = 0; page < n; page++)
		from[page] = pick(2) ? 0 : (int)pick(5);
	for (int round = 0; round < ROUNDS; round++) {
		for (int page = 0; page < n; page++) /* views are kept from the first commit after this on */
			if (from[page] == round) {
				ok(mmsb_watch(m, page, &err));
				was[page] = image_of(m, page);
			}
		bool ticked;
		status = commit_some(m, status == MMSB_BUSY, &ticked);
		ck_assert_msg(status == MMSB_OK || status == MMSB_FAULT || (status == MMSB_BUSY && copies != 0), "%s", err.message);
		busy += status == MMSB_BUSY;
		for (int page = 0; page < n && status != MMSB_BUSY; page++)
			if (from[page] <= round && ticked) { /* views are of the last tick alone */
				image_free(&was[page]);
				was[page] = image_of(m, page);
			} else if (from[page] <= round) {
				check_changes(m, page, &was[page]);
			}
		pinned *r = &readers[pick(MOST_READERS)];
		let_go(m, r);
		mmsb_stats stats;
		mmsb_stats_get(m, &stats);
		if (pick(2) && stats.epochs > 0) {
			pin(m, r);
			ck_assert(r->reader.epoch == stats.epochs && r->reader.epoch >= epoch_seen);
			epoch_seen = r->reader.epoch;
		}
	}
	ck_assert(copies >= 0 || busy > 0);
	for (int i = 0; i < MOST_READERS; i++)
		let_go(m, &readers[i]);
	for (int page = 0; page < n; page++)
		image_free(&was[page]);
	mmsb_instance_free(m);
}

START_TEST(views_and_readers)
{
	for (int copies = -1; copies < 2; copies++)
		run_epochs(7 + (uint64_t)copies * 3 + (uint64_t)_i * 100, copies, _i % 2);
}
END_TEST

typedef struct record {
	uint64_t key, place;
} record;
DEFINE_SORT(sort_items, record)

START_TEST(sorting_keeps_equal_ones_in_order)
{
	static record items[1000], scratch[1000];
	for (size_t n = 0; n < 1000; n = n < 40 ? n + 1 : n * 3 / 2) {
		uint64_t keys = 1 + pick(n + 1);
		for (size_t i = 0; i < n; i++)
			items[i] = (record){pick(keys), i};
		sort_items(items, scratch, n);
		uint64_t places = 0;
		for (size_t i = 0; i < n; i++) {
			ck_assert(i == 0 || items[i - 1].key < items[i].key || (items[i - 1].key == items[i].key && items[i - 1].place < items[i].place));
			places += items[i].place;
		}
		ck_assert_uint_eq(places, n * (n ? n - 1 : 0) / 2);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("changes");
	TCase *all = tcase_create("changes");
	tcase_set_timeout(all, 300);
	tcase_add_loop_test(all, views_and_readers, 0, 6);
	tcase_add_test(all, sorting_keeps_equal_ones_in_order);
	suite_add_tcase(suite, all);
	return unit_run(suite);
}
