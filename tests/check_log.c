/* check_log.c - the log of durable state: what is staged comes back as it was, through all encodings and types; where damaged and torn segments
 * end; writers that go on, turn to new segments, fail. */
static const char program[] =
    "param N, M;\nparam F : f64 = 0.5;\n"
    "record Q { a : f64; b : i16; at : index(N); ok : bool; }\n"
    "page t0 : bool[N] in;\npage t1 : i8[N] in;\npage t2 : i16[N] in;\npage t3 : i32[N] in;\npage t4 : i64[N] in;\n"
    "page t5 : u8[N] in;\npage t6 : u16[N] in;\npage t7 : u32[N] in;\npage t8 : u64[N] in;\npage t9 : f32[N] in;\npage t10 : f64[N, M] in;\n"
    "page one : f64 in;\npage q : Q[N] in;\npage soa : Q[N] in @soa;\npage at : index(N)[N] in;\n"
    "page W : sparse f64[N, N] in;\npage E : sparse bool[N, N] in;\npage R : sparse u8[N, N] in;\n"
    "page y : f64[N] out;\npage s : f64 out;\npage d : f64[N] out;\n"
    "edge y[i] <- clamp(t10)[at[i], 1] + q[i].a + one;\nedge s <- sum[i, j] W[i, j];\nedge d[i] <- f64(count[j] E[i, j]);\n";

enum { N_VALUE = 70000, M_VALUE = 3, PAGES = 18, FIRST_SPARSE = 15, CALLS = 40, SIZES = 7 };

#include "log_trial.h"

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
	log_writer *w = begin(m, LOG_NONE, 300000, 0);
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

/* Epoch 1 staged, the others put into the pages at once, record by record or in runs, the last made of them. */
START_TEST(values_put_into_pages_at_once)
{
	uint64_t in_runs = 0;
	mmsb_instance *m = fresh(), *other = fresh();
	log_writer *w = begin(m, LOG_NONE, 0, 0);
	char mine[33], theirs[33];
	for (uint64_t e = 1; e <= 90; e++) {
		if (e > 10 && e % 4) { /* one value: of all types, as a range, or as a list */
			uint8_t value[8];
			uint64_t at = draw(m->pages[e % 11].count);
			draw_values(m, (int)(e % 11), NONE, 1, value);
			int status = e % 3 ? mmsb_scatter(m, (int)(e % 11), 1, &at, value, &err) : mmsb_write(m, (int)(e % 11), at % N_VALUE, 1, value, &err);
			ok(status);
		} else {
			stage(m, (unsigned)draw(CALLS), NULL);
		}
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
			else if (_i)
				in_runs += log_apply_run(r, other, record.epoch + draw(20)) - record.epoch;
		}
		log_read_close(r);
	}
	log_apply_end(other, 90);
	ok(mmsb_commit(other, NULL, &err));
	digest(m, mine);
	digest(other, theirs);
	ck_assert(other->epoch == 90);
	ck_assert_str_eq(mine, theirs);
	ck_assert(_i ? in_runs > 30 && in_runs < 80 : in_runs == 0);
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

/* The last epoch that can be read, with runs or without; where and how the records end. */
static log_tail read_through(mmsb_instance *m, const uint8_t *bytes, size_t n, bool runs, log_record *end)
{
	log_reader *r;
	if (log_read_memory(&r, bytes, n, "l", &err))
		return LOG_GOES_ON;
	log_tail tail;
	while ((tail = log_next(r, end)) == LOG_GOES_ON) {
		if (runs && end->kind == LOG_EPOCH && log_apply(r, end, m, &err) == MMSB_OK)
			log_apply_run(r, m, UINT64_MAX);
	}
	log_read_close(r);
	return tail;
}

/* Damage of any byte ends a run where it ends the walk over records: nothing behind it is applied. */
START_TEST(runs_end_where_records_do)
{
	enum { SINGLES = 40, MOST = 1 << 15 };
	static uint8_t bytes[MOST];
	mmsb_instance *m = fresh();
	log_writer *w = begin(m, LOG_NONE, 0, 0);
	for (uint64_t e = 1; e <= SINGLES; e++) {
		uint8_t value[8];
		int id = (int)draw(11);
		draw_values(m, id, NONE, 1, value);
		ok(mmsb_write(m, id, draw(m->pages[id].count), 1, value, &err));
		ok(append(w, m, e, NULL));
		ok(mmsb_commit(m, NULL, &err));
		if (e % 8 == 0)
			ok(log_sync(w, e, &err)); /* so there are marks */
	}
	ok(log_close(w, &err));
	FILE *from = fopen(name_of(0), "rb");
	ck_assert_ptr_nonnull(from);
	size_t n = fread(bytes, 1, MOST, from);
	fclose(from);
	ck_assert(n > SINGLES * LOG_HEAD && n < MOST);
	for (size_t i = 0; i <= n; i++) { /* the last time nothing is damaged */
		log_record each = {.at = 0}, run = {.at = 0};
		uint8_t damage = (uint8_t)(i < n ? 1u << draw(8) : 0u);
		bytes[i] ^= damage;
		log_tail tail = read_through(m, bytes, n, false, &each);
		ck_assert_int_eq(read_through(m, bytes, n, true, &run), tail);
		ck_assert(run.at == each.at && run.epoch == each.epoch && run.n == each.n);
		ck_assert(damage || (tail == LOG_WHOLE && run.epoch == SINGLES));
		bytes[i] ^= damage;
	}
	mmsb_instance_free(m);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("log");
	TCase *c = tcase_create("log");
	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, what_is_staged_comes_back);
	tcase_add_loop_test(c, values_put_into_pages_at_once, 0, 2);
	tcase_add_test(c, runs_end_where_records_do);
	suite_add_tcase(s, c);
	return s;
}

int main(void) { return unit_run(suite()); }
