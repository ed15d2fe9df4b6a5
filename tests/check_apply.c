/* check_apply.c - deltas of dense sources, staged and applied in every form, against a model that writes one element after the other:
 * the values, what is marked as changed, and that an epoch that fails leaves everything as it was. */
#include <stdlib.h>
#include <string.h>

#include "io_instance.h" /* first: names of the compiler are others' there */

#include "../runtime/delta.h"
#include "../runtime/instance.h"
#include "../runtime/scalar.h"
#include "unit.h"

/* Pages of every width, of records in both layouts, one with a second buffer, and what makes an epoch fail. */
static const char text[] = "record R { x : f64; n : u8; y : f32; to : index(K); on : bool; s : i16; }\n"
                           "param N, K;\n"
                           "page a : f64[N] in;\npage b : u8[N] in;\npage c : i16[N] in;\npage d : f32[N] in;\npage e : bool[N] in;\n"
                           "page f : index(K)[N] in;\npage g : R[N] in;\npage h : R[N] in @soa;\npage p : i32[N] in;\n"
                           "page divisor : i32 in;\npage quotient : i32 out;\npage before : i32[N] out;\n"
                           "edge quotient <- 1 / divisor;\nedge before[i] <- prev p[i];\n";
enum { PAGES = 9, KEYS = 1000, FIELDS = 6 };

static uint64_t draws;
static uint64_t draw(void) { return mmsb_rand_step_u64(11, draws++, 0); }
static uint64_t below(uint64_t n) { return draw() % n; }

static mmsb_error err;
static mmsb_instance *m;
static uint64_t n;
static uint8_t *model[PAGES], *committed[PAGES];

/* ---- values ------------------------------------------------------------------------------------ */

typedef struct part {
	uint32_t field, type, offset;
	bool index;
} part;

/* The columns of a page. */
static unsigned parts_of(const page *p, part parts[FIELDS])
{
	if (p->def->record == NONE) {
		parts[0] = (part){NONE, p->def->type, 0, p->def->index_size != NONE};
		return 1;
	}
	const sch_record *r = &m->sch->records[p->def->record];
	for (uint32_t k = 0; k < r->n_fields; k++) {
		const sch_field *f = &m->sch->fields[r->first_field + k];
		parts[k] = (part){k, f->type, f->offset, f->index_size != NONE};
	}
	return r->n_fields;
}

/* A value, as it is given and as it is to be kept: few different ones, so that some change nothing. */
static void value_of(const part *q, uint8_t *given, uint8_t *kept)
{
	uint64_t r = draw(), v = r % 3;
	if (q->type == T_F64)
		v = r % 5 == 4 ? UINT64_C(0xfff0000000000001) : mmsb_bits_f64((double)(r % 5) - 1);
	else if (q->type == T_F32)
		v = r % 5 == 4 ? 0xff800001u : mmsb_bits_f32((float)(r % 5) - 1);
	else if (q->type == T_BOOL)
		v = r % 3 * 2;
	else if (q->index)
		v = r % 7 ? r % 2 : KEYS - 1;
	memcpy(given, &v, type_table[q->type].bytes);
	if (q->type == T_F64 && r % 5 == 4)
		v = UINT64_C(0x7ff8000000000000);
	else if (q->type == T_F32 && r % 5 == 4)
		v = 0x7fc00000u;
	else if (q->type == T_BOOL)
		v = v != 0;
	memcpy(kept, &v, type_table[q->type].bytes);
}

/* ---- staging ----------------------------------------------------------------------------------- */

enum { FORM_RANGE, FORM_RANDOM, FORM_CLOSE, FORM_THIN, FORM_RUN, FORM_ONE, FORMS };

/* Positions of a call, in *at; returns how many. */
static uint64_t choose(unsigned form, uint64_t *at)
{
	uint64_t first = below(n), count = 0, step = form == FORM_THIN ? 200 : 3;
	if (form == FORM_RANGE || form == FORM_RUN) {
		for (uint64_t length = below(3) ? 1 + below(n - first) : n - first; count < length; count++)
			at[count] = first + count;
	} else if (form == FORM_CLOSE || form == FORM_THIN) {
		for (; first < n; first += 1 + below(step))
			at[count++] = first;
	} else {
		for (uint64_t length = form == FORM_ONE ? 1 : 1 + below(300); count < length; count++)
			at[count] = below(count % 7 ? n : n < 5 ? n : 5);
	}
	return count;
}

/* One call, of whole elements or of one field; the model follows. */
static void stage(unsigned number, unsigned form)
{
	const page *p = &m->pages[number];
	part parts[FIELDS];
	unsigned n_parts = parts_of(p, parts), one = form != FORM_RANGE && n_parts > 1 && below(2) ? (unsigned)below(n_parts) : FIELDS;
	size_t width = one < FIELDS ? type_table[parts[one].type].bytes : p->element;
	uint64_t *at = malloc(n * sizeof *at + 300 * sizeof *at), count = choose(form, at);
	uint8_t *memory = calloc(count * width + 1, 1), *values = memory + 1; /* aligned to nothing */
	for (uint64_t i = 0; i < count; i++)
		for (unsigned k = 0; k < n_parts; k++) {
			uint8_t *kept = model[number] + at[i] * p->element + parts[k].offset;
			if (one == FIELDS)
				value_of(&parts[k], values + i * width + parts[k].offset, kept);
			else if (one == k)
				value_of(&parts[k], values + i * width, kept);
		}
	int status = form == FORM_RANGE ? mmsb_write(m, (int)number, at[0], count, values, &err)
	             : one < FIELDS     ? mmsb_scatter_field(m, (int)number, one, count, at, values, &err)
	                                : mmsb_scatter(m, (int)number, count, at, values, &err);
	ck_assert_msg(status == MMSB_OK, "%s", err.message);
	free(memory);
	free(at);
}

/* ---- epochs ------------------------------------------------------------------------------------ */

static void check_values(uint8_t *const want[PAGES])
{
	for (int k = 0; k < PAGES; k++)
		ck_assert_mem_eq(mmsb_data(m, k), want[k], n * m->pages[k].element);
}

/* A mark for each element of each column that differs from the epoch before, and no other. */
static void check_marks(void)
{
	for (unsigned number = 0; number < PAGES; number++) {
		const page *p = &m->pages[number];
		part parts[FIELDS];
		for (unsigned k = 0, n_parts = parts_of(p, parts); k < n_parts; k++)
			for (uint64_t i = 0; i < n; i++) {
				size_t offset = i * p->element + parts[k].offset;
				bool differs = memcmp(model[number] + offset, committed[number] + offset, type_table[parts[k].type].bytes) != 0;
				if (bitset_test(&p->now[k].bits, i) != differs || p->now[k].all)
					ck_abort_msg("page %u, column %u, element %llu: changed is %d", number, k, (unsigned long long)i, differs);
			}
	}
}

static void commit(bool succeeds)
{
	int32_t divisor = succeeds;
	char was[33], is[33];
	ck_assert_int_eq(mmsb_digest(m, was, &err), MMSB_OK);
	ck_assert_int_eq(mmsb_write(m, mmsb_page(m, "divisor"), 0, 1, &divisor, &err), MMSB_OK);
	int status = mmsb_commit(m, NULL, &err);
	ck_assert_msg(status == (succeeds ? MMSB_OK : MMSB_FAULT), "%d: %s", status, err.message);
	if (succeeds) {
		check_values(model);
		check_marks();
		for (int k = 0; k < PAGES; k++)
			memcpy(committed[k], model[k], n * m->pages[k].element);
		return;
	}
	check_values(committed);
	ck_assert_int_eq(mmsb_digest(m, is, &err), MMSB_OK);
	ck_assert_str_eq(was, is);
	for (int k = 0; k < PAGES; k++)
		memcpy(model[k], committed[k], n * m->pages[k].element);
}

static const uint64_t sizes[] = {1, 5, 63, 64, 65, 130, 200, 1000, 4096, 9001};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void begin(uint64_t size)
{
	mmsb_schedule *s = io_schedule(text);
	ck_assert_ptr_nonnull(s);
	m = io_instance(s);
	ck_assert_ptr_nonnull(m);
	mmsb_schedule_close(s);
	n = size;
	ck_assert_int_eq(mmsb_set_param(m, "N", (double)n, &err), MMSB_OK);
	ck_assert_int_eq(mmsb_set_param(m, "K", KEYS, &err), MMSB_OK);
	ck_assert_int_eq(mmsb_bind(m, &err), MMSB_OK);
	for (int k = 0; k < PAGES; k++) {
		model[k] = calloc(n, m->pages[k].element);
		committed[k] = calloc(n, m->pages[k].element);
		ck_assert(model[k] && committed[k]);
	}
}

static void end(void)
{
	for (int k = 0; k < PAGES; k++) {
		free(model[k]);
		free(committed[k]);
	}
	mmsb_instance_free(m);
}

START_TEST(epochs)
{
	begin(sizes[_i]);
	commit(true);
	for (unsigned e = 0; e < 120; e++) {
		unsigned page_at = (unsigned)below(PAGES);
		for (uint64_t calls = below(6); calls > 0; calls--) { /* mostly of one page, in forms that meet */
			stage(page_at, (unsigned)below(FORMS));
			if (below(4) == 0)
				page_at = (unsigned)below(PAGES);
		}
		commit(below(4) != 0);
	}
	end();
}
END_TEST

/* ---- how calls are kept ------------------------------------------------------------------------ */

static const staged_page *staged(int k) { return &m->open->pages[k]; }

static void scatter(uint64_t first, uint64_t step, uint64_t count)
{
	uint64_t *at = calloc(count, sizeof *at);
	double *values = calloc(count, sizeof *values);
	for (uint64_t i = 0; i < count; i++)
		at[i] = first + i * step;
	ck_assert_int_eq(mmsb_scatter(m, 0, count, at, values, &err), MMSB_OK);
	free(at);
	free(values);
}

START_TEST(encodings)
{
	begin(9001);
	const staged_page *s = staged(0);
	scatter(0, 3, 2000);
	ck_assert_uint_eq(s->ops[0].kind, STAGED_MASK);
	ck_assert_uint_le(s->n_index, 2000 * 3 / 64 + 1);
	scatter(100, 1, 500); /* positions that follow one another need not be listed */
	scatter(600, 1, 500);
	ck_assert_uint_eq(s->ops[1].kind, STAGED_RANGE);
	ck_assert_uint_eq(s->ops[1].count, 1000);
	ck_assert_uint_le(s->n_index, 2000 * 3 / 64 + 1);
	scatter(5, 90, 100);
	scatter(7, 1, 1); /* single ones join */
	scatter(7, 1, 1);
	ck_assert_uint_eq(s->n_ops, 3);
	ck_assert_uint_eq(s->ops[2].kind, STAGED_SCATTER);
	ck_assert_uint_eq(s->ops[2].count, 102);
	ck_assert_uint_eq(s->n_values, (2000 + 1000 + 102) * sizeof(double));
	end();
}
END_TEST

/* Nothing of a call that is refused is staged. */
START_TEST(refused)
{
	begin(100);
	uint64_t at[3] = {1, 2, 100};
	double values[3] = {1, 2, 3};
	uint32_t keys[3] = {0, KEYS - 1, KEYS};
	ck_assert_int_eq(mmsb_scatter(m, 0, 3, at, values, &err), MMSB_RANGE);
	ck_assert_ptr_nonnull(strstr(err.message, "no number 100"));
	at[2] = 3;
	ck_assert_int_eq(mmsb_scatter(m, 5, 3, at, keys, &err), MMSB_RANGE);
	ck_assert_ptr_nonnull(strstr(err.message, "value 1000 of the 3. element given"));
	ck_assert_int_eq(mmsb_scatter_field(m, 7, 3, 3, at, keys, &err), MMSB_RANGE);
	ck_assert_ptr_nonnull(strstr(err.message, "page h.to: value 1000"));
	ck_assert_int_eq(mmsb_write(m, 0, 98, 3, values, &err), MMSB_RANGE);
	ck_assert_uint_eq(m->open->total, 0);
	commit(true);
	end();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("apply");
	TCase *t = tcase_create("dense");
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, epochs, 0, SIZES);
	tcase_add_test(t, encodings);
	tcase_add_test(t, refused);
	suite_add_tcase(s, t);
	return unit_run(s);
}
