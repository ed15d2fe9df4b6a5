/* check_course.c - courses, written and walked at every level that this machine runs, against reductions one list at a time. */
#include <stdlib.h>
#include <string.h>

#include "../lang/ops.h"
#include "../runtime/course.h"
#include "../runtime/reduce.h"
#include "../runtime/scalar.h"
#include "unit.h"

enum { TRIALS = 40, LONGEST = 700, MOST = COURSE_LISTS * LONGEST };

static const char *const levels[] = {"base", "v3", "v4"};
enum { LEVELS = 3 };

static uint64_t seed, drawn;
static uint64_t random_below(uint64_t n) { return mmsb_rand_step_u64(0x6d6d7362, seed, drawn++) % n; }

/* Floats of many magnitudes, of both signs and zeros: another order gives other bits. */
static void draw_value(unsigned type, void *at)
{
	scalar v = {0};
	uint64_t r = random_below(UINT64_MAX);
	double x = r % 16 == 0 ? 0.0 : mmsb_rand_unit_u64(r) * (double)(UINT64_C(1) << (r >> 1 & 7));
	x = r & 1 ? -x : x;
	if (type == T_F64)
		v.F64 = x;
	else if (type == T_F32)
		v.F32 = (float)x;
	else if (type == T_BOOL)
		v.BOOL = (r & 3) != 0;
	else
		v.bits = r;
	memcpy(at, &v, type_table[type].bytes);
}

/* Lengths about the limits between classes of leaves; a trial has lists of one kind or of all. */
static uint32_t draw_length(unsigned trial)
{
	static const uint32_t most[] = {5, 9, 17, 33, 34, 120, LONGEST};
	uint32_t kind = trial % 8 < 7 ? trial % 8 : (uint32_t)random_below(7);
	return (uint32_t)random_below(most[kind]);
}

typedef struct lists {
	uint32_t n, ends[COURSE_LISTS], key[MOST + COURSE_SLACK];
	int64_t position[MOST];
	uint64_t values[MOST + COURSE_SLACK]; /* as bytes of the type */
} lists;

static void draw_lists(lists *l, unsigned trial, unsigned type)
{
	uint32_t total = 0;
	l->n = trial % 3 == 0 ? 1 + (uint32_t)random_below(COURSE_LISTS) : COURSE_LISTS;
	for (uint32_t i = 0; i < l->n; i++) {
		uint32_t length = draw_length(trial), key = (uint32_t)random_below(70), step = random_below(2) ? 2 : 90;
		if (total + length > COURSE_MOST)
			length = 0;
		for (uint32_t e = 0; e < length; e++, total++) {
			l->key[total] = key;
			l->position[total] = key;
			key += 1 + (uint32_t)random_below(step);
			draw_value(type, (uint8_t *)l->values + (size_t)total * type_table[type].bytes);
		}
		l->ends[i] = total;
	}
}

static lists the;

/* Lists whose values are wrong. */
static unsigned compare(const lists *l, const kernel_table *k, unsigned op, unsigned type, bool ordered, const uint8_t *out, scalar empty)
{
	static list_tree tree;
	static uint64_t scratch[LONGEST + COURSE_SLACK];
	size_t bytes = type_table[type].bytes;
	unsigned wrong = 0;
	reduction red;
	reduction_set(&red, k, ordered ? RED_LIST : RED_ANY, op, type, 0, &tree);
	for (uint32_t i = 0, at = 0; i < l->n; at = l->ends[i++]) {
		scalar value = {0};
		reduction_begin(&red);
		if (l->ends[i] > at)
			reduction_push(&red, (const uint8_t *)l->values + at * bytes, l->ends[i] - at, l->position + at, scratch);
		if (!reduction_value(&red, &value))
			value = empty;
		wrong += memcmp(out + i * bytes, &value, bytes) != 0;
	}
	return wrong;
}

static uint64_t memory[(COURSE_LISTS + 1 + 4 * COURSE_MOST) / 4 + 1], nodes[COURSE_MOST + COURSE_SLACK], out[COURSE_LISTS + ARRANGED_LANES];

/* The same operands as they are arranged; the lists whose operands they are are checked on the way. */
static unsigned try_arranged(const course_kernels *kernels, const course *c, unsigned op, unsigned type, bool ordered, scalar empty, const kernel_table *k)
{
	static uint64_t scratch[COURSE_MOST + 64], values[COURSE_MOST + ARRANGED_FILL];
	static uint32_t place[COURSE_MOST + ARRANGED_FILL];
	static uint16_t spare[2 * (COURSE_MOST + ARRANGED_FILL)];
	size_t bytes = type_table[type].bytes;
	unsigned wrong = 0, there = 0;
	arrangement a;
	arrange(&a, c, arranged_lanes(bytes), scratch, place, spare);
	ck_assert_uint_le(arranged_bytes(&a), arranged_room(c->n_lists, c->n_operands));
	ck_assert_uint_le(a.n_places, c->n_operands + ARRANGED_FILL);
	ck_assert_uint_le(a.n_places, arranged_places(c->n_operands, 1, a.lanes));
	arranged_move(&a, memory); /* where the course was */
	for (uint32_t i = 0; i < a.n_places; i++)
		memcpy((uint8_t *)values + i * bytes, (const uint8_t *)the.values + place[i] * bytes, bytes);
	for (uint32_t g = 0, at = 0; g < a.n_groups; at += a.width[g++] * a.lanes)
		for (uint32_t j = 0; j < a.lanes; j++) {
			uint32_t leaf = g * a.lanes + j, list = a.list[leaf];
			for (uint32_t e = 0; e < a.width[g] && j < a.row[at / a.lanes + e]; e++)
				wrong += place[at + e * a.lanes + j] >= the.ends[list] || (list > 0 && place[at + e * a.lanes + j] < the.ends[list - 1]);
		}
	for (uint32_t r = 0; r < a.n_rows; r++)
		there += a.row[r];
	wrong += there != c->n_operands || a.n_rows * a.lanes != a.n_places;
	kernels->walk_arranged[op][type](out, nodes, &a, values, &empty);
	return wrong + compare(&the, k, op, type, ordered, (const uint8_t *)out, empty);
}

static unsigned try_one(const kernel_table *k, unsigned op, unsigned type, unsigned trial)
{
	const course_kernels *kernels = course_kernels_of(k);
	bool ordered = (type == T_F32 || type == T_F64) && (op == OP_ADD || op == OP_MUL);
	scalar empty = {.bits = 1};
	course c;
	seed = (uint64_t)op << 32 | type << 16 | trial;
	drawn = 0;
	draw_lists(&the, trial, type);
	course_place(&c, memory, COURSE_LISTS, COURSE_MOST, COURSE_MOST);
	kernels->write(&c, the.key, the.ends, the.n, ordered);
	kernels->walk[op][type](out, nodes, &c, the.values, &empty);
	unsigned wrong = compare(&the, k, op, type, ordered, (const uint8_t *)out, empty);
	return wrong + (c.n_operands > 0 ? try_arranged(kernels, &c, op, type, ordered, empty, k) : 0);
}

START_TEST(test_walks)
{
	const kernel_table *k = kernel_table_level(levels[_i]);
	unsigned tried = 0;
	for (unsigned op = 0; k && op < OP_COUNT; op++)
		for (unsigned type = 0; type < T_COUNT; type++)
			for (unsigned trial = 0; course_kernels_of(k)->walk[op][type] && trial < TRIALS; trial++, tried++)
				ck_assert_msg(try_one(k, op, type, trial) == 0, "%s, %s of %s, trial %u: other values", levels[_i], op_table[op].name, type_table[type].name, trial);
	ck_assert(k == NULL || tried > 60 * TRIALS);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("course");
	TCase *t = tcase_create("walks");
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, test_walks, 0, LEVELS);
	suite_add_tcase(s, t);
	return unit_run(s);
}
