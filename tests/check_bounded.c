/* check_bounded.c - parts of the operands of a tree: what they come to, held against reduce.c over the same operands, and which of them a change concerns. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../runtime/scalar.h"
#include "../runtime/schedule.h"
#include "../runtime/store_tree.h"
#include "unit.h"

enum { MOST = 900, PARTS = 60, MOST_TOLD = 4096, MOST_CHANGES = 8 };

static uint64_t state;
static uint64_t draw(uint64_t below) { return mmsb_rand_step_u64(0x626f756e, 1, ++state) % below; }

typedef struct reducer {
	const char *name;
	red_kind kind;
	unsigned op, type, arg;
} reducer;

static const reducer reducers[] = {
	{"sum f64", RED_LIST, OP_ADD, T_F64, 0},    {"prod f32", RED_LIST, OP_MUL, T_F32, 0}, {"max f64", RED_ANY, OP_MAX, T_F64, 0},
	{"sum i16", RED_ANY, OP_ADD, T_I16, 0},     {"any", RED_ANY, OP_LOR, T_BOOL, 0},      {"argmin f32", RED_ARG, OP_MIN, T_F32, 0},
	{"argmax f64", RED_ARG, OP_MIN, T_F64, 1},
};

/* Few different ones, so that values often come out as they were. */
static scalar operand(unsigned type)
{
	scalar v = {0};
	uint64_t r = draw(40);
	double x = r < 12 ? (double)r : r == 12 ? -0.0 : r == 13 ? 1e16 : r == 14 && draw(20) == 0 ? NAN : 0.1 * (double)r;
	switch (type) {
	case T_F64: v.F64 = x; break;
	case T_F32: v.F32 = (float)x; break;
	case T_BOOL: v.BOOL = r == 0; break;
	default: v.I16 = (int16_t)r;
	}
	return v;
}

/* All operands, by position. */
typedef struct model {
	const reducer *d;
	uint32_t n;
	bool there[MOST];
	scalar value[MOST];
} model;

typedef struct result {
	uint64_t count;
	scalar value;
} result;

static result reduced(const model *m, const kernel_table *k, tree_span s)
{
	static list_tree list;
	static reduction r;
	uint8_t scratch[8 * TILE];
	result out = {0};
	reduction_set(&r, k, m->d->kind, m->d->op, m->d->type, m->d->arg, &list);
	reduction_begin(&r);
	for (uint64_t i = s.first; i < s.end && i < m->n; i++) {
		int64_t at = (int64_t)i;
		if (m->there[i])
			reduction_push(&r, &m->value[i], 1, &at, scratch);
	}
	out.count = r.n;
	reduction_value(&r, &out.value);
	return out;
}

static bool same(const reducer *d, scalar a, scalar b)
{
	if (d->kind != RED_ARG && d->type == T_F64 && isnan(a.F64) && isnan(b.F64))
		return true;
	if (d->kind != RED_ARG && d->type == T_F32 && isnan(a.F32) && isnan(b.F32))
		return true;
	return a.bits == b.bits;
}

/* ---- what is told ------------------------------------------------------------------------------ */

typedef struct told {
	uint32_t n;
	tree_span part[MOST_TOLD], around[MOST_TOLD];
} told;

static void tell(void *context, tree_span part, tree_span around)
{
	told *t = context;
	ck_assert_uint_lt(t->n, MOST_TOLD);
	t->part[t->n] = part;
	t->around[t->n++] = around;
}

/* Of n operands, as who has them sees them. */
static bool has(tree_span s, tree_span part, uint32_t n) { return s.first <= part.first && (part.end < n ? part.end : n) <= s.end; }

static bool is_concerned(const told *t, tree_span s, uint32_t n)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (has(s, t->part[i], n) && (t->around[i].first > t->around[i].end || !has(s, t->around[i], n)))
			return true;
	return false;
}

/* ---- a tree at work ------------------------------------------------------------------------------ */

typedef struct work {
	model m;
	const kernel_table *k;
	tree_kind t;
	uint32_t root;
	told told;
	uint32_t n_changes, changed[MOST_CHANGES];
	bool moved[MOST_CHANGES];
} work;

static void note(work *w, uint32_t position, tree_change c)
{
	if (c == TREE_SAME)
		return;
	w->changed[w->n_changes] = position;
	w->moved[w->n_changes++] = c == TREE_MEMBERS;
}

/* absent: of how many, out of 8, operands go. */
static void change(work *w, uint32_t absent)
{
	model *m = &w->m;
	w->n_changes = 0;
	w->told.n = 0;
	for (uint64_t k = 1 + draw(MOST_CHANGES); k > 0; k--) {
		uint32_t at = (uint32_t)draw(m->n);
		if (draw(8) < absent) {
			m->there[at] = false;
			note(w, at, tree_remove(&w->t, &w->root, at));
		} else {
			m->there[at] = true;
			m->value[at] = operand(m->d->type);
			note(w, at, tree_set(&w->t, &w->root, at, &m->value[at]));
		}
	}
	for (uint32_t i = 0; i < w->n_changes; i++) {
		tree_span around, part = tree_part_of(&w->t, w->root, w->changed[i], &around);
		tell(&w->told, (tree_span){w->changed[i], w->changed[i] + 1}, w->moved[i] ? around : part);
	}
	tree_refresh_told(&w->t, w->root, tell, &w->told);
}

static tree_span draw_span(uint32_t n)
{
	uint64_t a = draw(n), b = draw(n + 1);
	switch (draw(4)) {
	case 0: return (tree_span){0, b};
	case 1: return (tree_span){a, n};
	case 2: return (tree_span){a, a + 1 + draw(70)};
	default: return a < b ? (tree_span){a, b} : (tree_span){b, a};
	}
}

/* Spans side by side: of suffixes, prefixes, windows, and ones anywhere. */
static void check_each(const work *w)
{
	tree_span spans[TILE];
	scalar values[TILE];
	uint64_t counts[TILE], first = draw(w->m.n), wide = draw(200), form = draw(4);
	for (uint64_t i = 0; i < TILE; i++) {
		uint64_t at = first + i < w->m.n ? first + i : w->m.n, end = at + wide < w->m.n ? at + wide : w->m.n;
		spans[i] = form == 0 ? (tree_span){at, w->m.n} : form == 1 ? (tree_span){0, at} : form == 2 ? (tree_span){at, end} : draw_span(w->m.n);
	}
	tree_within_each(&w->t, w->root, spans, TILE, values, counts);
	for (uint64_t i = 0; i < TILE; i++) {
		uint64_t count;
		scalar one = tree_within(&w->t, w->root, spans[i], &count);
		ck_assert_uint_eq(count, counts[i]);
		ck_assert_msg(same(w->m.d, one, values[i]), "%s in %llu..%llu", w->m.d->name, (unsigned long long)spans[i].first, (unsigned long long)spans[i].end);
	}
}

static void check_step(work *w, uint32_t absent)
{
	tree_span spans[PARTS];
	result before[PARTS];
	for (int i = 0; i < PARTS; i++) {
		spans[i] = draw_span(w->m.n);
		before[i] = reduced(&w->m, w->k, spans[i]);
	}
	change(w, absent);
	for (int i = 0; i < PARTS; i++) {
		result should = reduced(&w->m, w->k, spans[i]), is;
		is.value = tree_within(&w->t, w->root, spans[i], &is.count);
		ck_assert_uint_eq(is.count, should.count);
		ck_assert_msg(same(w->m.d, is.value, should.value), "%s of %llu in %llu..%llu: %016llx, not %016llx", w->m.d->name, (unsigned long long)is.count,
		              (unsigned long long)spans[i].first, (unsigned long long)spans[i].end, (unsigned long long)is.value.bits,
		              (unsigned long long)should.value.bits);
		bool differs = !same(w->m.d, before[i].value, should.value) || (before[i].count == 0) != (should.count == 0);
		ck_assert_msg(!differs || is_concerned(&w->told, spans[i], w->m.n), "%s: %llu..%llu has changed, and nobody says so", w->m.d->name,
		              (unsigned long long)spans[i].first, (unsigned long long)spans[i].end);
	}
	check_each(w);
}

static void work_on(const reducer *d, uint32_t n, uint32_t absent)
{
	static work w;
	static uint32_t positions[MOST];
	static uint8_t values[8 * MOST];
	size_t left = 1 << 22, present = 0;
	unsigned width = width_of(d->type);
	w = (work){.m = {.d = d, .n = n}, .k = kernel_table_pick()};
	tree_kind_set(&w.t, w.k, d->kind, d->op, d->type, d->arg);
	ck_assert_int_eq(pool_new(&w.t.pool, tree_kind_bytes(&w.t, MOST), &left), 0);
	for (uint32_t i = 0; i < n; i++) {
		w.m.there[i] = draw(8) >= absent;
		w.m.value[i] = operand(d->type);
		if (!w.m.there[i])
			continue;
		positions[present] = i;
		memcpy(values + (present++ << width), &w.m.value[i], (size_t)1 << width);
	}
	w.root = tree_build(&w.t, positions, values, present);
	tree_refresh(&w.t, w.root);
	for (int i = 0; i < 150; i++)
		check_step(&w, absent);
	for (int i = 0; i < 60; i++) /* nearly all of them go, and come back */
		check_step(&w, i < 40 ? 8 : 0);
	pool_free(&w.t.pool);
}

START_TEST(parts)
{
	static const uint32_t sizes[] = {1, 31, 33, 64, 65, 200, 700};
	for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (uint32_t absent = 0; absent < 8; absent += i < 4 ? 3 : 7)
			work_on(&reducers[_i], sizes[i], absent);
}
END_TEST

/* Where a maximum is another's, nobody but those with few operands is concerned. */
START_TEST(unchanged)
{
	static told t;
	const kernel_table *k = kernel_table_pick();
	size_t left = 1 << 20;
	tree_kind kind = {0};
	uint32_t positions[512];
	double values[512];
	for (uint32_t i = 0; i < 512; i++) {
		positions[i] = i;
		values[i] = i % 32;
	}
	tree_kind_set(&kind, k, RED_ANY, OP_MAX, T_F64, 0);
	ck_assert_int_eq(pool_new(&kind.pool, 1 << 20, &left), 0);
	uint32_t root = tree_build(&kind, positions, values, 512);
	tree_refresh(&kind, root);
	double v = 7.5;
	ck_assert_int_eq(tree_set(&kind, &root, 300, &v), TREE_VALUE);
	tree_refresh_told(&kind, root, tell, &t);
	ck_assert_uint_eq(t.n, 0);
	v = 40;
	ck_assert_int_eq(tree_set(&kind, &root, 300, &v), TREE_VALUE);
	tree_refresh_told(&kind, root, tell, &t);
	ck_assert_uint_eq(t.n, 5); /* nodes of 32, 64 ... 512 */
	pool_free(&kind.pool);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("bounded");
	TCase *t = tcase_create("bounded");
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, parts, 0, sizeof reducers / sizeof *reducers);
	tcase_add_test(t, unchanged);
	suite_add_tcase(s, t);
	return unit_run(s);
}
