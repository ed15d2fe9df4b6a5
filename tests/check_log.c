/* check_log.c - the log of durable state: what is staged comes back as it was, through all encodings and types; where damaged and torn segments
 * end; writers that go on, turn to new segments, fail. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <xxhash.h>

#include "failing_malloc.h"
#include "io_instance.h"
#include "runtime/delta.h"
#include "state/log.h"
#include "state/log_format.h"
#include "unit.h"

static const char program[] =
    "param N, M;\nparam F : f64 = 0.5;\n"
    "record Q { a : f64; b : i16; at : index(N); ok : bool; }\n"
    "page t0 : bool[N] in;\npage t1 : i8[N] in;\npage t2 : i16[N] in;\npage t3 : i32[N] in;\npage t4 : i64[N] in;\n"
    "page t5 : u8[N] in;\npage t6 : u16[N] in;\npage t7 : u32[N] in;\npage t8 : u64[N] in;\npage t9 : f32[N] in;\npage t10 : f64[N, M] in;\n"
    "page one : f64 in;\npage q : Q[N] in;\npage soa : Q[N] in @soa;\npage at : index(N)[N] in;\n"
    "page W : sparse f64[N, N] in;\npage E : sparse bool[N, N] in;\npage R : sparse u8[N, N] in;\n"
    "page y : f64[N] out;\npage s : f64 out;\npage d : f64[N] out;\n"
    "edge y[i] <- clamp(t10)[at[i], 1] + q[i].a + one;\nedge s <- sum[i, j] W[i, j];\nedge d[i] <- f64(count[j] E[i, j]);\n";

enum { N = 70000, M = 3, PAGES = 18, CALLS = 40, FIRST_SPARSE = 15 };

static char folder[] = "/tmp/mmsb-log-XXXXXX", path[128];
static mmsb_error err;
static mmsb_schedule *compiled;
static uint64_t state = 7;

static void ok(int status) { ck_assert_msg(status == MMSB_OK, "%s", err.message); }

static uint64_t draw(uint64_t below)
{
	uint64_t z = state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % below;
}

static void setup(void)
{
	compiled = io_schedule(program);
	ck_assert_ptr_nonnull(compiled);
	strcpy(folder + sizeof folder - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void teardown(void)
{
	char command[64];
	left = 0;
	mmsb_schedule_close(compiled);
	snprintf(command, sizeof command, "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

static mmsb_instance *fresh(void)
{
	mmsb_instance *m = io_instance(compiled);
	ck_assert_ptr_nonnull(m);
	ok(mmsb_set_param(m, "N", N, &err));
	ok(mmsb_set_param(m, "M", M, &err));
	ok(mmsb_bind(m, &err));
	return m;
}

/* ---- deltas and a plain model of them ---------------------------------------------------------- */

/* For each page what was staged, one element after the other: field, kind, position, value. */
typedef struct model {
	struct said {
		uint8_t *at;
		size_t n, capacity;
	} page[PAGES];
} model;

static void say(struct said *to, uint32_t field, uint32_t kind, uint64_t position, const void *value, size_t bytes)
{
	ck_assert_int_eq(reserve(&to->at, &to->capacity, to->n + 16 + bytes), 0);
	const uint32_t what[] = {field, kind};
	memcpy(to->at + to->n, what, 8);
	memcpy(to->at + to->n + 8, &position, 8);
	if (bytes)
		memcpy(to->at + to->n + 16, value, bytes);
	to->n += 16 + bytes;
}

static void forget(model *x)
{
	for (int i = 0; i < PAGES; i++) {
		free(x->page[i].at);
		x->page[i] = (struct said){0};
	}
}

/* Values that staging takes as they are. */
static void draw_values(mmsb_instance *m, int id, unsigned field, uint64_t n, uint8_t *to)
{
	const page *p = &m->pages[id];
	const sch_record *r = p->def->record == NONE ? NULL : &m->sch->records[p->def->record];
	for (uint64_t i = 0; i < n; i++) {
		uint32_t first = !r ? 0 : field == NONE ? 0 : field, end = !r ? 1 : field == NONE ? r->n_fields : field + 1;
		size_t width = !r || field == NONE ? p->element : type_table[m->sch->fields[r->first_field + field].type].bytes;
		memset(to + i * width, 0, width);
		for (uint32_t k = first; k < end && width; k++) {
			const sch_field *f = r ? &m->sch->fields[r->first_field + k] : NULL;
			uint8_t type = r ? f->type : p->def->type;
			scalar v = {.bits = draw(UINT64_MAX)};
			if (type == T_BOOL || (r ? f->index_size : p->def->index_size) != NONE)
				v.bits &= type == T_BOOL ? 1 : 0xffff;
			if (type == T_F32)
				v.F32 = (float)draw(1000) / 8;
			if (type == T_F64)
				v.F64 = (double)draw(1000) / 8;
			memcpy(to + i * width + (r && field == NONE ? f->offset : 0), &v, type_table[type].bytes);
		}
	}
}

/* Positions of each kind that there is an encoding for. */
static void draw_positions(uint64_t count, uint64_t n, uint64_t *at)
{
	uint64_t how = draw(6), first = draw(count), step = 1 + draw(3);
	for (uint64_t i = 0; i < n; i++)
		switch (how) {
		case 0: at[i] = draw(count); break;
		case 1: at[i] = (first + i) % count; break;              /* a range, perhaps around the end */
		case 2: at[i] = (first + i * step) % count; break;       /* masks, or small gaps */
		case 3: at[i] = (first + i * 200) % count; break;        /* gaps of two bytes */
		case 4: at[i] = draw(count < 60000 ? count : 60000); break;
		default: at[i] = (first + count - (i * 40) % count) % count; /* downwards */
		}
}

static void stage_dense(mmsb_instance *m, int id, uint64_t n, model *x)
{
	static uint64_t at[4096];
	static uint8_t values[4096 * 32];
	const page *p = &m->pages[id];
	unsigned fields = p->def->record == NONE ? 0 : m->sch->records[p->def->record].n_fields;
	unsigned field = fields && draw(2) ? (unsigned)draw(fields) : NONE;
	size_t width = field == NONE ? p->element : type_table[m->sch->fields[m->sch->records[p->def->record].first_field + field].type].bytes;
	bool range = field == NONE && draw(4) == 0;
	uint64_t first = draw(p->count);
	n = range && n > p->count - first ? p->count - first : n;
	draw_values(m, id, field, n, values);
	draw_positions(p->count, n, at);
	if (range)
		ok(mmsb_write(m, id, first, n, values, &err));
	else if (field == NONE)
		ok(mmsb_scatter(m, id, n, at, values, &err));
	else
		ok(mmsb_scatter_field(m, id, field, n, at, values, &err));
	for (uint64_t i = 0; x && i < n; i++)
		say(&x->page[id], field, 0, range ? first + i : at[i], values + i * width, width);
}

static void stage_sparse(mmsb_instance *m, int id, uint64_t n, model *x)
{
	static uint64_t row[4096], col[4096];
	static uint8_t values[4096 * 8];
	const page *p = &m->pages[id];
	bool insert = draw(3) > 0;
	draw_values(m, id, NONE, n, values);
	draw_positions(N, n, row);
	draw_positions(draw(2) ? 50 : N, n, col);
	if (insert)
		ok(mmsb_insert(m, id, n, row, col, values, &err));
	else
		ok(mmsb_erase(m, id, n, row, col, &err));
	for (uint64_t i = 0; x && i < n; i++)
		say(&x->page[id], NONE, insert ? STAGED_INSERT : STAGED_ERASE, row[i] << 32 | col[i], values + i * p->element, insert ? p->element : 0);
}

static void stage(mmsb_instance *m, unsigned calls, model *x)
{
	for (unsigned i = 0; i < calls; i++) {
		static const uint64_t sizes[] = {1, 2, 5, 17, 100, 1000, 4096};
		int id = (int)draw(PAGES);
		uint64_t n = sizes[draw(7)];
		if (id >= FIRST_SPARSE)
			stage_sparse(m, id, n, x);
		else
			stage_dense(m, id, m->pages[id].count == 1 ? 1 : n, x);
	}
}

/* As one_epoch does it: what is staged is closed, and goes to the log; then it is open again, for a commit. */
static int append(log_writer *w, mmsb_instance *m, uint64_t epoch, const char *source)
{
	staging_close(m);
	int status = log_append_epoch(w, m, epoch, source, &err);
	staging_close(m);
	return status;
}

static void digest(mmsb_instance *m, char *hex) { ok(mmsb_digest(m, hex, &err)); }

/* ---- a state of one writer, whose manifest is this --------------------------------------------- */

static struct {
	log_segment segment[64];
	unsigned n, packed;
	pthread_mutex_t lock;
} names = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int turn(void *user, const log_segment *closed, const log_segment *opened, mmsb_error *e)
{
	(void)user, (void)e;
	pthread_mutex_lock(&names.lock);
	for (unsigned i = 0; closed && i < names.n; i++)
		if (names.segment[i].first == closed->first)
			names.segment[i] = *closed, names.packed += closed->compressed;
	if (opened)
		names.segment[names.n++] = *opened;
	pthread_mutex_unlock(&names.lock);
	return MMSB_OK;
}

static const char *name_of(unsigned i)
{
	snprintf(path, sizeof path, "%s/log-%020" PRIu64 "%s", folder, names.segment[i].first, names.segment[i].compressed ? ".zst" : "");
	return path;
}

static log_writer *begin(const mmsb_instance *m, log_durability durability, uint64_t bytes, int compress)
{
	log_writer *w;
	log_options options = {.durability = durability, .group_ns = 1000000, .segment_bytes = bytes, .compress = compress};
	names.n = names.packed = 0;
	ok(log_open(&w, &vfs_machine, folder, m, &options, 1, NULL, 0, turn, NULL, &err));
	ck_assert_uint_eq(names.n, 1);
	return w;
}

static log_reader *reader(unsigned i)
{
	log_reader *r;
	ok(log_read_open(&r, &vfs_machine, name_of(i), &err));
	return r;
}

/* ---- what is staged comes back ----------------------------------------------------------------- */

static void hear(log_reader *r, const log_record *record, model *x)
{
	log_walk w;
	log_delta d;
	int found;
	log_walk_begin(&w, r, record);
	while ((found = log_walk_next(&w, &d, &err)) == 1) {
		const log_page *p = log_page_at(r, d.page);
		size_t width = !d.values ? 0 : d.field == NONE ? p->element : type_table[p->fields[d.field].type].bytes;
		for (uint64_t i = 0; i < d.count; i++)
			say(&x->page[p->id], d.field, p->sparse ? d.kind : 0, d.index ? d.index[i] : d.first + i, d.values ? d.values + i * width : NULL, width);
	}
	ck_assert_msg(found == 0, "%s", err.message);
}

START_TEST(what_is_staged_comes_back)
{
	mmsb_instance *m = fresh(), *other = fresh();
	log_writer *w = begin(m, LOG_NONE, 0, 0);
	char mine[33], theirs[33];
	enum { EPOCHS = 60 };
	static model said[EPOCHS];
	for (uint64_t e = 1; e <= EPOCHS; e++) {
		stage(m, e == 9 ? 0 : (unsigned)draw(CALLS), &said[e - 1]);
		ok(append(w, m, e, e % 3 ? e % 2 ? "feed" : "hand" : NULL));
		ok(mmsb_commit(m, NULL, &err));
	}
	digest(m, mine);
	ok(log_append_digest(w, EPOCHS, (const uint8_t *)"0123456789abcdef", &err));
	ok(log_append_ticks(w, EPOCHS + 5, 5, "clock", &err));
	ok(log_close(w, &err));
	uint64_t expected = 1, ticks = 0, digests = 0;
	for (unsigned i = 0; i < names.n; i++) {
		log_reader *r = reader(i);
		ck_assert_uint_eq(log_page_count(r), PAGES);
		ck_assert_uint_eq(log_param_count(r), 3);
		ck_assert_uint_eq(log_first_epoch(r), expected);
		log_record record;
		log_tail tail;
		while ((tail = log_next(r, &record)) == LOG_GOES_ON) {
			ticks += record.kind == LOG_TICKS && record.epoch == EPOCHS + 5 && log_record_first(&record) == EPOCHS + 1;
			digests += record.kind == LOG_DIGEST && memcmp(record.payload, "0123456789abcdef", 16) == 0;
			if (record.kind != LOG_EPOCH)
				continue;
			model heard = {0};
			ck_assert_uint_eq(record.epoch, expected);
			ck_assert_str_eq(log_source(r, record.source), expected % 3 ? expected % 2 ? "feed" : "hand" : "");
			hear(r, &record, &heard);
			for (int p = 0; p < PAGES; p++)
				ck_assert(heard.page[p].n == said[expected - 1].page[p].n &&
				          (heard.page[p].n == 0 || memcmp(heard.page[p].at, said[expected - 1].page[p].at, heard.page[p].n) == 0));
			forget(&heard);
			ok(log_stage(r, &record, other, &err));
			ok(mmsb_commit(other, NULL, &err));
			expected++;
		}
		ck_assert_int_eq(tail, i + 1 < names.n ? LOG_CLOSED : LOG_WHOLE);
		log_read_close(r);
	}
	ck_assert(names.n > 2 && expected == EPOCHS + 1 && ticks == 1 && digests == 1);
	digest(other, theirs);
	ck_assert_str_eq(mine, theirs);
	for (int e = 0; e < EPOCHS; e++)
		forget(&said[e]);
	mmsb_instance_free(m);
	mmsb_instance_free(other);
}
END_TEST

/* Epoch 1 staged, the others put into the pages at once, the last made of them. */
START_TEST(values_put_into_pages_at_once)
{
	mmsb_instance *m = fresh(), *other = fresh();
	log_writer *w = begin(m, LOG_NONE, 0, 0);
	char mine[33], theirs[33];
	for (uint64_t e = 1; e <= 30; e++) {
		stage(m, (unsigned)draw(CALLS), NULL);
		ok(append(w, m, e, NULL));
		ok(mmsb_commit(m, NULL, &err));
	}
	ok(log_close(w, &err));
	for (unsigned i = 0; i < names.n; i++) {
		log_reader *r = reader(i);
		log_record record;
		while (log_next(r, &record) == LOG_GOES_ON) {
			if (record.kind != LOG_EPOCH)
				continue;
			ok(record.epoch == 1 ? log_stage(r, &record, other, &err) : log_apply(r, &record, other, &err));
			if (record.epoch == 1)
				ok(mmsb_commit(other, NULL, &err));
		}
		log_read_close(r);
	}
	log_apply_end(other, 30);
	ok(mmsb_commit(other, NULL, &err));
	digest(m, mine);
	digest(other, theirs);
	ck_assert(other->epoch == 30);
	ck_assert_str_eq(mine, theirs);
	for (int e = 0; e < 5; e++) { /* and both go on alike */
		uint64_t again = state;
		stage(m, 10, NULL);
		state = again;
		stage(other, 10, NULL);
		ok(mmsb_commit(m, NULL, &err));
		ok(mmsb_commit(other, NULL, &err));
	}
	digest(m, mine);
	digest(other, theirs);
	ck_assert_str_eq(mine, theirs);
	mmsb_instance_free(m);
	mmsb_instance_free(other);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("log");
	TCase *c = tcase_create("log");
	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, what_is_staged_comes_back);
	tcase_add_test(c, values_put_into_pages_at_once);
	suite_add_tcase(s, c);
	return s;
}

int main(void) { return unit_run(suite()); }
