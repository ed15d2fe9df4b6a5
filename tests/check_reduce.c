/* check_reduce.c - the order of reductions, held against a recursive text of docs/determinism.md and against bits that are
 * checked in (golden/reduce.txt; `check_reduce --write FILE` makes it anew, which only a change of `numerics` allows). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../runtime/reduce.h"
#include "../runtime/scalar.h"
#include "../runtime/schedule.h"
#include "unit.h"

enum { MOST = 4097 };

static const size_t sizes[] = {0, 1, 2, 3, 31, 32, 33, 63, 64, 65, 511, 512, 513, 1000, 4097};

/* ---- operands ---------------------------------------------------------------------------------- */

static uint64_t random_at(uint64_t seed, uint64_t i) { return mmsb_rand_step_u64(0x6d6d7362, seed, i); }

/* Floats of many magnitudes and both signs, so that any other order gives other bits. */
static scalar operand(unsigned type, uint64_t seed, size_t i)
{
	scalar v = {0};
	uint64_t r = random_at(seed, i);
	double x = mmsb_rand_unit_u64(r) * (r & 1 ? -1.0 : 1.0) * (double)(UINT64_C(1) << (r >> 1 & 31));
	if (type == T_F64)
		v.F64 = x;
	else if (type == T_F32)
		v.F32 = (float)x;
	else if (type == T_BOOL)
		v.BOOL = (r & 3) != 0;
	else
		v.bits = type_table[type].bytes == 8 ? r : r & ((UINT64_C(1) << 8 * type_table[type].bytes) - 1);
	return v;
}

/* Products of the same would leave the range: near one instead. */
static scalar factor(unsigned type, uint64_t seed, size_t i)
{
	scalar v = operand(type, seed, i);
	double x = 0.5 + mmsb_rand_unit_u64(random_at(seed, i));
	if (type == T_F64)
		v.F64 = x;
	else if (type == T_F32)
		v.F32 = (float)x;
	return v;
}

typedef enum presence { ALL, NOBODY, SINGLE, FIRST_32, FIRST_33, EVERY_OTHER, CLUSTERED, RANDOM, PRESENCES } presence;
static const char *const presence_names[] = {"all", "none", "one", "32", "33", "every-other", "clustered", "random"};

static bool present(presence p, size_t i, size_t n)
{
	switch (p) {
	case ALL: return true;
	case NOBODY: return false;
	case SINGLE: return i == n / 2;
	case FIRST_32: return i < 32;
	case FIRST_33: return i % 7 == 3 && i / 7 < 33;
	case EVERY_OTHER: return i % 2 == 1;
	case CLUSTERED: return (i / 40) % 3 == 1 || i % 257 == 0;
	default: return random_at(99, i) % 5 == 0;
	}
}

/* ---- the definition ---------------------------------------------------------------------------- */

typedef struct operands {
	unsigned op, type;
	size_t n;               /* positions */
	bool here[MOST];
	scalar at[MOST];
} operands;

static scalar combine(const operands *o, scalar a, scalar b)
{
	scalar v = {0};
	kernel_table_level("base")->op[o->op][o->type](&v, &a, &b, NULL, 1);
	return v;
}

/* The node [lo, lo + size) over list[0..n): left and right; an absent operand is skipped. False: nothing in it. */
static bool by_rank(const operands *o, const scalar *list, size_t n, size_t lo, size_t size, scalar *out)
{
	scalar left, right;
	if (lo >= n)
		return false;
	if (size == 1) {
		*out = list[lo];
		return true;
	}
	bool a = by_rank(o, list, n, lo, size / 2, &left), b = by_rank(o, list, n, lo + size / 2, size / 2, &right);
	*out = a && b ? combine(o, left, right) : a ? left : right;
	return a || b;
}

static bool dense_value(const operands *o, scalar *out) { return by_rank(o, o->at, o->n, 0, 8192, out); }

static bool list_value(const operands *o, size_t lo, size_t size, scalar *out)
{
	scalar few[32], left, right;
	size_t n = 0;
	for (size_t i = lo; i < lo + size && i < o->n; i++)
		if (o->here[i] && n++ < 32)
			few[n - 1] = o->at[i];
	if (n <= 32)
		return by_rank(o, few, n, 0, 32, out);
	bool a = list_value(o, lo, size / 2, &left), b = list_value(o, lo + size / 2, size / 2, &right);
	*out = a && b ? combine(o, left, right) : a ? left : right;
	return a || b;
}

static bool defined_value(const operands *o, bool dense, scalar *out)
{
	out->bits = 0;
	return dense ? dense_value(o, out) : list_value(o, 0, 8192, out);
}

/* ---- the implementation ------------------------------------------------------------------------ */

static list_tree list;
static reduction red;
static uint8_t packed[8 * MOST], scratch[8 * MOST];
static int64_t positions[MOST];

/* Present operands side by side, as kernels hold them. */
static size_t pack(const operands *o, size_t from, size_t end)
{
	size_t n = 0, bytes = type_table[o->type].bytes;
	for (size_t i = from; i < end; i++)
		if (o->here[i]) {
			memcpy(packed + n * bytes, &o->at[i], bytes);
			positions[n++] = (int64_t)i;
		}
	return n;
}

static void begin(const operands *o, const kernel_table *k, red_kind kind)
{
	reduction_set(&red, k, kind, o->op, o->type, 0, &list);
	reduction_begin(&red);
}

/* In chunks: of TILE positions where all are present, else of any lengths. */
static bool given_value(const operands *o, const kernel_table *k, bool dense, uint64_t seed, scalar *out)
{
	begin(o, k, dense ? RED_DENSE : RED_LIST);
	for (size_t i = 0, chunk; i < o->n; i += chunk) {
		chunk = dense || seed == 0 ? TILE : 1 + random_at(seed, i) % TILE;
		size_t n = pack(o, i, i + chunk < o->n ? i + chunk : o->n);
		if (dense && n < TILE)
			reduction_push_tail(&red, packed, n, scratch);
		else
			reduction_push(&red, packed, n, positions, scratch);
	}
	return reduction_value(&red, out);
}

/* In aligned blocks, each by itself, as threads do it. */
static bool joined_value(const operands *o, const kernel_table *k, size_t block, scalar *out)
{
	static tree_node nodes[MOST];
	size_t n_blocks = (o->n + block - 1) / block;
	for (size_t b = 0; b < n_blocks; b++) {
		begin(o, k, RED_LIST);
		size_t end = (b + 1) * block, n = pack(o, b * block, end < o->n ? end : o->n);
		reduction_push(&red, packed, n, positions, scratch);
		reduction_node(&red, &nodes[b]);
	}
	begin(o, k, RED_LIST);
	for (size_t b = 0; b < n_blocks; b++)
		reduction_push_node(&red, &nodes[b], b * block);
	return reduction_value(&red, out);
}

/* ---- cases ------------------------------------------------------------------------------------- */

typedef struct reducer {
	unsigned op, type;
	const char *name;
} reducer;

static const reducer reducers[] = {
	{OP_ADD, T_F64, "sum f64"}, {OP_ADD, T_F32, "sum f32"}, {OP_MUL, T_F64, "prod f64"}, {OP_MUL, T_F32, "prod f32"},
	{OP_MIN, T_F64, "min f64"}, {OP_MAX, T_F32, "max f32"}, {OP_ADD, T_I64, "sum i64"}, {OP_ADD, T_U64, "sum u64"},
	{OP_MUL, T_I32, "prod i32"}, {OP_MIN, T_I8, "min i8"}, {OP_MAX, T_U16, "max u16"}, {OP_LAND, T_BOOL, "all bool"},
	{OP_LOR, T_BOOL, "any bool"}, {OP_BXOR, T_U32, "xor u32"},
};
enum { N_REDUCERS = sizeof reducers / sizeof *reducers, N_SIZES = sizeof sizes / sizeof *sizes };

static operands *make(const reducer *r, presence p, size_t n)
{
	static operands o;
	o.op = r->op;
	o.type = r->type;
	o.n = n;
	for (size_t i = 0; i < n; i++) {
		o.here[i] = present(p, i, n);
		o.at[i] = r->op == OP_MUL ? factor(r->type, 7, i) : operand(r->type, 7, i);
	}
	return &o;
}

static void write_golden(FILE *out)
{
	fprintf(out, "# reducer, type, who is present (dense: everyone, by position), positions, bits of the value\n");
	for (size_t r = 0; r < N_REDUCERS; r++)
		for (int p = -1; p < PRESENCES; p++)
			for (size_t s = 0; s < N_SIZES; s++) {
				scalar v;
				const operands *o = make(&reducers[r], p < 0 ? ALL : (presence)p, sizes[s]);
				bool any = defined_value(o, p < 0, &v);
				fprintf(out, "%s %s %zu ", reducers[r].name, p < 0 ? "dense" : presence_names[p], sizes[s]);
				if (any)
					fprintf(out, "%0*llx\n", 2 * type_table[o->type].bytes, (unsigned long long)v.bits);
				else
					fprintf(out, "nothing\n");
			}
}

static const char *const levels[] = {"base", "v3", "v4"};

START_TEST(order)
{
	const kernel_table *k = kernel_table_level(levels[_i]);
	if (!k)
		return; /* this machine does not run it */
	for (size_t r = 0; r < N_REDUCERS; r++)
		for (int p = -1; p < PRESENCES; p++)
			for (size_t s = 0; s < N_SIZES; s++) {
				scalar want, got;
				bool dense = p < 0;
				const operands *o = make(&reducers[r], dense ? ALL : (presence)p, sizes[s]);
				bool any = defined_value(o, dense, &want);
				for (uint64_t seed = 0; seed < (dense ? 1 : 4); seed++) {
					ck_assert_int_eq(given_value(o, k, dense, seed, &got), any);
					ck_assert_msg(!any || got.bits == want.bits, "%s %s %zu seed %llu: %llx, not %llx", reducers[r].name,
					              dense ? "dense" : presence_names[p], sizes[s], (unsigned long long)seed,
					              (unsigned long long)got.bits, (unsigned long long)want.bits);
				}
				for (size_t block = 1; !dense && block <= TILE; block *= 8) {
					ck_assert_int_eq(joined_value(o, k, block, &got), any);
					ck_assert_msg(!any || got.bits == want.bits, "%s %s %zu in blocks of %zu", reducers[r].name,
					              presence_names[p], sizes[s], block);
				}
			}
}
END_TEST

/* A prefix has the bits of the sum over its range. */
START_TEST(prefixes)
{
	const kernel_table *k = kernel_table_level(levels[_i]);
	if (!k)
		return;
	for (size_t r = 0; r < 4; r++) {
		operands *o = make(&reducers[r], ALL, TILE);
		size_t bytes = type_table[o->type].bytes;
		pack(o, 0, TILE);
		k->scan[o->op][o->type](scratch, packed, TILE);
		for (size_t n = 1; n <= TILE; n++) {
			scalar want, got = {0};
			o->n = n;
			dense_value(o, &want);
			memcpy(&got, scratch + (n - 1) * bytes, bytes);
			ck_assert_msg(got.bits == want.bits, "%s: prefix of %zu", reducers[r].name, n);
		}
	}
}
END_TEST

START_TEST(golden)
{
	char path[4096], *made = NULL;
	size_t n = 0, length = 0;
	const char *dir = getenv("MMSB_SRCDIR");
	snprintf(path, sizeof path, "%s/tests/golden/reduce.txt", dir ? dir : ".");
	FILE *in = fopen(path, "r");
	ck_assert_msg(in != NULL, "cannot read %s", path);
	FILE *out = open_memstream(&made, &n);
	write_golden(out);
	fclose(out);
	char line[256];
	const char *at = made;
	while (fgets(line, sizeof line, in)) {
		length = strlen(line);
		ck_assert_msg(strncmp(at, line, length) == 0, "not the bits of %s: %s", path, line);
		at += length;
	}
	ck_assert_int_eq(*at, '\0');
	fclose(in);
	free(made);
}
END_TEST

START_TEST(signed_zeros)
{
	const kernel_table *k = kernel_table_pick();
	double minus = -0.0, zeros[2] = {-0.0, 0.0};
	scalar v;
	reduction_set(&red, k, RED_DENSE, OP_ADD, T_F64, 0, &list);
	reduction_begin(&red);
	ck_assert(!reduction_value(&red, &v));
	reduction_push_tail(&red, &minus, 1, scratch);
	ck_assert(reduction_value(&red, &v));
	ck_assert_uint_eq(v.bits, UINT64_C(1) << 63);
	reduction_begin(&red);
	reduction_push_tail(&red, zeros, 2, scratch);
	ck_assert(reduction_value(&red, &v));
	ck_assert_uint_eq(v.bits, 0);
}
END_TEST

/* The first of equals; the first nan before all else. */
/* Whole tiles, which have loops of their own: zeros of both signs, infinities and NaNs at any place among larger and smaller values. */
START_TEST(whole_tiles)
{
	static const double some[] = {0.0, -0.0, 1.0, -1.0, INFINITY, -INFINITY, NAN, 2.5};
	static const uint8_t ops[] = {OP_MIN, OP_MAX};
	const kernel_table *k = kernel_table_level(levels[_i]);
	double values[TILE];
	if (!k)
		return;
	for (unsigned round = 0; round < 4000; round++) {
		unsigned kinds = round % 8 + 1, op = ops[round / 8 % 2];
		double want, got;
		for (unsigned i = 0; i < TILE; i++)
			values[i] = some[kinds == 8 && i != round % TILE ? i % 3 : (i * (round + 1) * 7919 >> 5) % kinds];
		want = values[0];
		for (unsigned i = 1; i < TILE; i++)
			k->op[op][T_F64](&want, &want, &values[i], NULL, 1);
		k->tree[op][T_F64](&got, values, scratch, TILE);
		ck_assert_msg(memcmp(&got, &want, sizeof got) == 0 || (got != got && want != want), "round %u: %a instead of %a", round, got, want);
		size_t at = k->arg_find[op == OP_MAX][T_F64](values, TILE), first = 0;
		while (!(values[first] == want || values[first] != values[first]))
			first++;
		ck_assert_uint_eq(at, first);
	}
}
END_TEST

START_TEST(first_best)
{
	const kernel_table *k = kernel_table_level(levels[_i]);
	if (!k)
		return;
	double nan = mmsb_from_bits_f64(0x7ff8000000000000u);
	const double equal[] = {3, 1, 2, 1, 3}, broken[] = {1, nan, 0, nan, 5}, zero[] = {0.0, -0.0};
	ck_assert_uint_eq(k->arg_find[0][T_F64](equal, 5), 1);
	ck_assert_uint_eq(k->arg_find[1][T_F64](equal, 5), 0);
	ck_assert_uint_eq(k->arg_find[0][T_F64](broken, 5), 1);
	ck_assert_uint_eq(k->arg_find[1][T_F64](broken, 5), 1);
	ck_assert_uint_eq(k->arg_find[0][T_F64](zero, 2), 0);
	for (size_t split = 1; split < 5; split++) {
		int64_t at[] = {10, 11, 12, 13, 14};
		scalar v;
		reduction_set(&red, k, RED_ARG, OP_MIN, T_F64, 0, NULL);
		reduction_begin(&red);
		reduction_push(&red, broken, split, at, scratch);
		reduction_push(&red, broken + split, 5 - split, at + split, scratch);
		ck_assert(reduction_value(&red, &v));
		ck_assert_uint_eq(v.U32, 11);
	}
}
END_TEST

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--write") == 0) {
		FILE *out = fopen(argv[2], "w");
		if (!out)
			return 1;
		write_golden(out);
		return fclose(out) != 0;
	}
	Suite *s = suite_create("reduce");
	TCase *t = tcase_create("order");
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, order, 0, 3);
	tcase_add_loop_test(t, prefixes, 0, 3);
	tcase_add_loop_test(t, first_best, 0, 3);
	tcase_add_loop_test(t, whole_tiles, 0, 3);
	tcase_add_test(t, golden);
	tcase_add_test(t, signed_zeros);
	suite_add_tcase(s, t);
	return unit_run(s);
}
