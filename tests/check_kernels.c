/* check_kernels.c - the loops over tiles, at every level that this machine runs, against scalar.h one lane at a time: on all
 * combinations of edge values. Nan results count as equal: they are made canonical where they are stored. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "../runtime/elementary.h"
#include "../runtime/kernels.h"
#include "../runtime/scalar.h"
#include "../runtime/schedule.h"
#include "unit.h"

#undef bool /* a suffix in the lists of types */

static const char *const levels[] = {"base", "v3", "v4"};
enum { LEVELS = 3, MANY = 4096 };

/* ---- edge values ------------------------------------------------------------------------------- */

#define EDGES_INT(S, T, MIN, MAX) \
	static const T edges_##S[] = {0, 1, (T)-1, 2, 3, 7, (T)-7, 31, 64, 100, MIN, (T)(MIN + 1), MAX, (T)(MAX - 1), (T)(MAX / 2), (T)(MAX / 3)};
EDGES_INT(i8, int8_t, INT8_MIN, INT8_MAX)
EDGES_INT(i16, int16_t, INT16_MIN, INT16_MAX)
EDGES_INT(i32, int32_t, INT32_MIN, INT32_MAX)
EDGES_INT(i64, int64_t, INT64_MIN, INT64_MAX)
EDGES_INT(u8, uint8_t, 0, UINT8_MAX)
EDGES_INT(u16, uint16_t, 0, UINT16_MAX)
EDGES_INT(u32, uint32_t, 0, UINT32_MAX)
EDGES_INT(u64, uint64_t, 0, UINT64_MAX)
static const uint8_t edges_bool[] = {0, 1};
static const float edges_f32[] = {0.0f, -0.0f, 1.0f, -1.0f, 0.5f, -0.5f, 1.5f, 2.5f, -2.5f, 0.1f, 1e-40f, -1e-45f, FLT_MIN, FLT_MAX, -FLT_MAX,
	INFINITY, -INFINITY, NAN, 127.5f, 255.5f, -129.0f, 32768.0f, 65536.0f, 2147483648.0f, -2147483904.0f, 4294967296.0f,
	9223372036854775808.0f, 1.8446744e19f, 8388609.0f, 0.49999997f};
static const double edges_f64[] = {0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 0.1, 1e-310, -5e-324, DBL_MIN, DBL_MAX, -DBL_MAX,
	INFINITY, -INFINITY, NAN, 127.5, 255.5, -129.0, 32768.0, 65536.0, 2147483647.5, -2147483649.0, 4294967295.5, 9223372036854775808.0,
	18446744073709551616.0, 4503599627370497.5, 0.49999999999999994, 1e300, 3.0};
#define COUNT(S) (sizeof edges_##S / sizeof *edges_##S)

/* ---- lanes that hold all combinations ---------------------------------------------------------- */

_Alignas(64) static uint64_t in[3][MANY], out[MANY], wanted[MANY];

static size_t lanes_of(const size_t counts[3])
{
	size_t total = counts[0] * counts[1] * counts[2];
	return total < MANY ? total : MANY;
}

/* Operand k of all lanes, of evenly many of all combinations of three lists. */
static const void *fill_lanes(unsigned k, const void *edges, size_t bytes, const size_t counts[3])
{
	size_t n = lanes_of(counts), step = counts[0] * counts[1] * counts[2] / n, before = 1;
	for (unsigned i = 0; i < k; i++)
		before *= counts[i];
	for (size_t i = 0; i < n; i++)
		memcpy((uint8_t *)in[k] + i * bytes, (const uint8_t *)edges + i * step / before % counts[k] * bytes, bytes);
	return in[k];
}

static const kernel_table *now;
static size_t compared;

static int same_bits(unsigned type, scalar a, scalar b)
{
	if (type == T_F32)
		return mmsb_bits_f32(mmsb_canon_f32(a.F32)) == mmsb_bits_f32(mmsb_canon_f32(b.F32));
	if (type == T_F64)
		return mmsb_bits_f64(mmsb_canon_f64(a.F64)) == mmsb_bits_f64(mmsb_canon_f64(b.F64));
	return a.bits == b.bits;
}

/* What came out of n lanes, and what was to. */
static void compare_lanes(const char *name, const char *type_name, unsigned type, size_t n)
{
	size_t bytes = type_table[type].bytes;
	for (size_t i = 0; i < n; i++) {
		scalar got = {0}, want = {0};
		memcpy(&got, (const uint8_t *)out + i * bytes, bytes);
		memcpy(&want, (const uint8_t *)wanted + i * bytes, bytes);
		ck_assert_msg(same_bits(type, got, want), "%s_%s at %s, lane %zu: %llx, not %llx", name, type_name, now->level, i,
		              (unsigned long long)got.bits, (unsigned long long)want.bits);
	}
	compared += n;
}

enum {
	ID_bool = T_BOOL, ID_i8 = T_I8, ID_i16 = T_I16, ID_i32 = T_I32, ID_i64 = T_I64, ID_u8 = T_U8, ID_u16 = T_U16,
	ID_u32 = T_U32, ID_u64 = T_U64, ID_f32 = T_F32, ID_f64 = T_F64
};

/* One operator of one type: A, B, C the suffixes of its operands, R of its result, args the call. */
#define CHECK_LANES(OPID, name, S, R, RT, A, AT, B, BT, C, CT, NA, NB, NC, args)                             \
	static void check_##name##_##S(void)                                                                 \
	{                                                                                                    \
		const size_t counts[3] = {NA, NB, NC}, n = lanes_of(counts);                                 \
		const AT *a = fill_lanes(0, edges_##A, sizeof *a, counts);                                   \
		const BT *b = fill_lanes(1, edges_##B, sizeof *b, counts);                                   \
		const CT *c = fill_lanes(2, edges_##C, sizeof *c, counts);                                   \
		RT *w = (void *)wanted;                                                                      \
		now->op[OPID][ID_##S](out, a, b, c, n);                                                      \
		for (size_t i = 0; i < n; i++)                                                               \
			w[i] = mmsb_##name##_##S args;                                                       \
		compare_lanes(#name, #S, ID_##R, n);                                                         \
	}
#define CHECK_1(S, T, ID, name) CHECK_LANES(ID, name, S, S, T, S, T, S, T, S, T, COUNT(S), 1, 1, (a[i]))
#define CHECK_2(S, T, ID, name) CHECK_LANES(ID, name, S, S, T, S, T, S, T, S, T, COUNT(S), COUNT(S), 1, (a[i], b[i]))
#define CHECK_3(S, T, ID, name) CHECK_LANES(ID, name, S, S, T, S, T, S, T, S, T, COUNT(S), COUNT(S), COUNT(S), (a[i], b[i], c[i]))
#define CHECK_ARITH(S, T, ID, name, arity) CHECK_##arity(S, T, ID, name)
#define CHECK_SHIFT(S, T, ID, name, arity) CHECK_2(S, T, ID, name)
#define CHECK_CMP(S, T, ID, name, arity) CHECK_LANES(ID, name, S, bool, uint8_t, S, T, S, T, S, T, COUNT(S), COUNT(S), 1, (a[i], b[i]))
#define CHECK_SELECT(S, T, ID, name, arity) \
	CHECK_LANES(ID, name, S, S, T, bool, uint8_t, S, T, S, T, 2, COUNT(S), COUNT(S), (a[i], b[i], c[i]))
#define CHECK_TEST(S, T, ID, name, arity) CHECK_LANES(ID, name, S, bool, uint8_t, S, T, S, T, S, T, COUNT(S), 1, 1, (a[i]))
#define CHECK_COUNT(S, T, ID, name, arity) CHECK_LANES(ID, name, S, i64, int64_t, S, T, S, T, S, T, COUNT(S), 1, 1, (a[i]))
#define CHECK_RAND_1(S, T, ID, name) CHECK_LANES(ID, name, S, f64, double, S, T, S, T, S, T, COUNT(S), 1, 1, (a[i]))
#define CHECK_RAND_3(S, T, ID, name) CHECK_3(S, T, ID, name)
#define CHECK_RAND(S, T, ID, name, arity) CHECK_RAND_##arity(S, T, ID, name)

#define OP(id, name, spelling, form, arity, rule, types, reduce, d0, d1, d2, flags) MMSB_FOR_##types(CHECK_##rule, OP_##id, name, arity)
#include "../lang/ops.def"
#undef OP

START_TEST(operators)
{
	now = kernel_table_level(levels[_i]);
	if (!now)
		return;
	compared = 0;
#define CALL(S, T, name) check_##name##_##S();
#define OP(id, name, spelling, form, arity, rule, types, reduce, d0, d1, d2, flags) MMSB_FOR_##types(CALL, name)
#include "../lang/ops.def"
#undef OP
	ck_assert_uint_gt(compared, 50000);
	for (unsigned op = 0; op < OP_COUNT; op++)
		for (unsigned type = 0; type < T_COUNT; type++)
			ck_assert_int_eq(now->op[op][type] != NULL, op_table[op].types >> type & 1);
}
END_TEST

/* ---- conversions ------------------------------------------------------------------------------- */

#define CHECK_CONV(TO, TT, FROM, FT)                                                                         \
	static void check_conv_##FROM##_##TO(void)                                                           \
	{                                                                                                    \
		const size_t counts[3] = {COUNT(FROM), 1, 1}, n = lanes_of(counts);                          \
		const FT *a = fill_lanes(0, edges_##FROM, sizeof *a, counts);                                \
		TT *w = (void *)wanted;                                                                      \
		now->conv[ID_##FROM][ID_##TO](out, a, NULL, NULL, n);                                        \
		for (size_t i = 0; i < n; i++)                                                               \
			w[i] = mmsb_conv_##FROM##_##TO(a[i]);                                                \
		compare_lanes("conv_" #FROM, #TO, ID_##TO, n);                                               \
	}
#define CALL_CONV(TO, TT, FROM) check_conv_##FROM##_##TO();
MMSB_FOR_ALL(CHECK_CONV, bool, uint8_t)
MMSB_FOR_ALL(CHECK_CONV, i8, int8_t)
MMSB_FOR_ALL(CHECK_CONV, i16, int16_t)
MMSB_FOR_ALL(CHECK_CONV, i32, int32_t)
MMSB_FOR_ALL(CHECK_CONV, i64, int64_t)
MMSB_FOR_ALL(CHECK_CONV, u8, uint8_t)
MMSB_FOR_ALL(CHECK_CONV, u16, uint16_t)
MMSB_FOR_ALL(CHECK_CONV, u32, uint32_t)
MMSB_FOR_ALL(CHECK_CONV, u64, uint64_t)
MMSB_FOR_ALL(CHECK_CONV, f32, float)
MMSB_FOR_ALL(CHECK_CONV, f64, double)

START_TEST(conversions)
{
	now = kernel_table_level(levels[_i]);
	if (!now)
		return;
	MMSB_FOR_ALL(CALL_CONV, bool)
	MMSB_FOR_ALL(CALL_CONV, i8)
	MMSB_FOR_ALL(CALL_CONV, i16)
	MMSB_FOR_ALL(CALL_CONV, i32)
	MMSB_FOR_ALL(CALL_CONV, i64)
	MMSB_FOR_ALL(CALL_CONV, u8)
	MMSB_FOR_ALL(CALL_CONV, u16)
	MMSB_FOR_ALL(CALL_CONV, u32)
	MMSB_FOR_ALL(CALL_CONV, u64)
	MMSB_FOR_ALL(CALL_CONV, f32)
	MMSB_FOR_ALL(CALL_CONV, f64)
}
END_TEST

/* ---- what operators mean, in figures that were worked out by hand ------------------------------- */

START_TEST(meanings)
{
	ck_assert_int_eq(mmsb_div_i32(INT32_MIN, -1), INT32_MIN);
	ck_assert_int_eq(mmsb_mod_i32(INT32_MIN, -1), 0);
	ck_assert_int_eq(mmsb_div_i32(-7, 2), -3);
	ck_assert_int_eq(mmsb_mod_i32(-7, 2), -1);
	ck_assert_int_eq(mmsb_div_i64(5, 0), 0);
	ck_assert_int_eq(mmsb_add_i8(127, 1), -128);
	ck_assert_int_eq(mmsb_mul_u16(65535, 65535), 1);
	ck_assert_int_eq(mmsb_shl_i32(1, 33), 2);
	ck_assert_int_eq(mmsb_shr_i8(-128, 9), -64);
	ck_assert_int_eq(mmsb_shr_u8(128, 15), 1);
	ck_assert_int_eq(mmsb_abs_i8(-128), -128);
	ck_assert_int_eq(mmsb_add_sat_i8(100, 100), 127);
	ck_assert_int_eq(mmsb_add_sat_i8(-100, -100), -128);
	ck_assert_int_eq(mmsb_add_sat_u8(200, 100), 255);
	ck_assert_int_eq(mmsb_popcount_i8(-1), 8);
	ck_assert_uint_eq(mmsb_bits_f64(mmsb_min_f64(0.0, -0.0)), UINT64_C(1) << 63);
	ck_assert_uint_eq(mmsb_bits_f64(mmsb_max_f64(-0.0, 0.0)), 0);
	ck_assert(mmsb_is_nan_f64(mmsb_min_f64(1.0, NAN)) && mmsb_is_nan_f64(mmsb_max_f64(NAN, 1.0)));
	ck_assert_double_eq(mmsb_round_f64(2.5), 3.0);
	ck_assert_double_eq(mmsb_round_f64(-2.5), -3.0);
	ck_assert_double_eq(mmsb_round_f64(0.49999999999999994), 0.0);
	ck_assert_double_eq(mmsb_clamp_f64(5, 0, 3), 3);
	ck_assert_int_eq(mmsb_conv_f64_i32(1e30), INT32_MAX);
	ck_assert_int_eq(mmsb_conv_f64_i32(NAN), 0);
	ck_assert_int_eq(mmsb_conv_f32_u8(-5.0f), 0);
	ck_assert_int_eq(mmsb_conv_f64_i8(-1.9), -1);
	ck_assert_int_eq(mmsb_conv_i32_u8(-1), 255);
	ck_assert(mmsb_conv_f64_u64(18446744073709551615.0) == UINT64_MAX);
	/* the known answers of Philox4x32-10 */
	ck_assert(mmsb_rand_step_u64(0, 0, 0) == UINT64_C(0xe169c58d6627e8d5));
	ck_assert(mmsb_rand_step_u64(UINT64_MAX, UINT64_MAX, UINT64_MAX) == UINT64_C(0x41c83b0e408f276d));
	ck_assert_double_eq(mmsb_rand_unit_u64(UINT64_MAX), 1 - 0x1p-53);
}
END_TEST

START_TEST(remainders)
{
	for (uint64_t i = 0; i < 200000; i++) {
		uint64_t r = mmsb_rand_step_u64(1, i, 0), q = mmsb_rand_step_u64(1, i, 1);
		double x = mmsb_from_bits_f64(r), y = i & 1 ? mmsb_from_bits_f64(q) : ldexp(x, -(int)(q % 1200)) * 0.7;
		float xf = mmsb_from_bits_f32((uint32_t)r), yf = i & 1 ? mmsb_from_bits_f32((uint32_t)q) : ldexpf(xf, -(int)(q % 160)) * 0.7f;
		ck_assert(mmsb_bits_f64(mmsb_canon_f64(mmsb_mod_f64(x, y))) == mmsb_bits_f64(mmsb_canon_f64(fmod(x, y))));
		ck_assert(mmsb_bits_f32(mmsb_canon_f32(mmsb_mod_f32(xf, yf))) == mmsb_bits_f32(mmsb_canon_f32(fmodf(xf, yf))));
	}
}
END_TEST

/* ---- lanes from and to memory ------------------------------------------------------------------ */

START_TEST(moves)
{
	now = kernel_table_level(levels[_i]);
	if (!now)
		return;
	static uint8_t memory[16 * 1000];
	uint32_t index[300];
	int64_t index64[300];
	uint16_t map[300];
	uint8_t mask[300];
	for (size_t i = 0; i < sizeof memory; i++)
		memory[i] = (uint8_t)mmsb_rand_step_u64(2, i, 0);
	for (size_t i = 0; i < 300; i++) {
		uint64_t r = mmsb_rand_step_u64(3, i, 0);
		index64[i] = index[i] = (uint32_t)(r % 1000);
		map[i] = (uint16_t)(r / 1000 % 300);
		mask[i] = r >> 40 & 1;
	}
	for (unsigned width = 0; width < WIDTHS; width++) {
		size_t bytes = (size_t)1 << width;
		for (size_t stride = bytes; stride <= 16; stride *= 2) {
			const uint8_t *o = (const uint8_t *)out;
			now->gather_u32[width](out, memory, stride, index, 300);
			for (size_t i = 0; i < 300; i++)
				ck_assert_mem_eq(o + i * bytes, memory + index[i] * stride, bytes);
			now->gather_i64[width](out, memory, stride, index64, 300);
			for (size_t i = 0; i < 300; i++)
				ck_assert_mem_eq(o + i * bytes, memory + index[i] * stride, bytes);
			now->load[width](out, memory + 999 * stride, -(ptrdiff_t)stride, 300);
			for (size_t i = 0; i < 300; i++)
				ck_assert_mem_eq(o + i * bytes, memory + (999 - i) * stride, bytes);
		}
		const uint8_t *o = (const uint8_t *)out;
		now->take[width](out, memory, map, 300);
		for (size_t i = 0; i < 300; i++)
			ck_assert_mem_eq(o + i * bytes, memory + map[i] * bytes, bytes);
		size_t n = now->pack[width](out, memory, mask, 300), k = 0;
		for (size_t i = 0; i < 300; i++)
			if (mask[i])
				ck_assert_mem_eq(o + k++ * bytes, memory + i * bytes, bytes);
		ck_assert_uint_eq(n, k);
		now->fill[width](out, memory + 5 * bytes, 300);
		for (size_t i = 0; i < 300; i++)
			ck_assert_mem_eq(o + i * bytes, memory + 5 * bytes, bytes);
	}
}
END_TEST

/* Compare-and-store of n lanes, one at a time. How: bits of `form`. */
enum { STORE_APART = 1, STORE_IN_PLACE = 2, STORE_FRESH = 4, STORE_MASK = 8, STORE_FORMS = 16 };
enum { STORE_LANES = 130, STORE_STRIDE = 24 };

static uint64_t canonical(unsigned type, uint64_t bits)
{
	scalar v = {.bits = bits};
	if (type == T_F32)
		return mmsb_bits_f32(mmsb_canon_f32(v.F32));
	return type == T_F64 ? mmsb_bits_f64(mmsb_canon_f64(v.F64)) : bits;
}

/* Values of which some are equal in pairs: few different ones; of floats both zeros and, if asked, several nans. */
static uint64_t store_value(unsigned type, int nans, uint64_t random)
{
	static const uint64_t f32[] = {0, 0x80000000u, 0x7f800000u, 1, 0x3f800000u, 0x7fc00000u, 0xffc00000u, 0x7fc00001u};
	static const uint64_t f64[] = {0, UINT64_C(1) << 63, UINT64_C(0x7ff0000000000000), 1, UINT64_C(0x3ff0000000000000),
	                               UINT64_C(0x7ff8000000000000), UINT64_C(0xfff8000000000000), UINT64_C(0x7ff8000000000001)};
	if (type == T_F32)
		return f32[random % (nans ? 8 : 5)];
	if (type == T_F64)
		return f64[random % (nans ? 8 : 5)];
	uint64_t high = (uint64_t)1 << (8 * type_table[type].bytes - 1); /* lanes that differ in one bit: the highest, the lowest */
	return type == T_BOOL ? random % 2 : random % 4 < 2 ? random % 2 * high : random % 2;
}

static void check_store(unsigned type, size_t n, unsigned form)
{
	static uint8_t was[STORE_LANES * STORE_STRIDE + 8], at[sizeof was], before[sizeof was];
	size_t bytes = type_table[type].bytes, stride = form & STORE_APART ? STORE_STRIDE : bytes, want_changed = 0;
	uint64_t src[STORE_LANES], mask[3] = {0, 4, 0}, want_mask[3] = {0, 4, 0};
	for (size_t i = 0; i < sizeof was; i++)
		before[i] = at[i] = was[i] = (uint8_t)(i * 37);
	for (size_t i = 0; i < n; i++) {
		uint64_t v = store_value(type, n & 1, mmsb_rand_step_u64(4, i, n));
		uint64_t old = canonical(type, store_value(type, n & 1, mmsb_rand_step_u64(5, i, n)));
		if (n % 3 == 0)
			old = canonical(type, v); /* nothing changes */
		memcpy((uint8_t *)src + i * bytes, &v, bytes);
		memcpy(was + i * stride, &old, bytes);
		if (form & STORE_FRESH || old != canonical(type, v)) {
			want_changed++;
			want_mask[i / 64] |= (uint64_t)1 << i % 64;
		}
		v = canonical(type, v);
		memcpy(before + i * stride, &v, bytes); /* what `at` is to hold */
	}
	store_target to = {at, form & STORE_FRESH ? NULL : was, stride, form & STORE_MASK ? mask : NULL};
	if (form & STORE_IN_PLACE)
		to.at = was;
	ck_assert_msg(now->store[type](&to, src, n) == want_changed, "%s, %s, %zu lanes, form %u", now->level, type_table[type].name, n, form);
	ck_assert_mem_eq(to.at, before, sizeof before);
	if (form & STORE_MASK)
		ck_assert_mem_eq(mask, want_mask, sizeof mask);
}

/* Nans become canonical; what differs in a bit has changed (so -0 is not +0), is counted and marked besides what was marked. */
START_TEST(stores)
{
	now = kernel_table_level(levels[_i]);
	for (unsigned type = 0; now && type < T_COUNT; type++)
		for (size_t n = 0; n <= STORE_LANES; n++)
			for (unsigned form = 0; form < STORE_FORMS; form++)
				check_store(type, n, form);
}
END_TEST

/* Copies from any address: nans become canonical, nothing behind the end is touched. */
START_TEST(canonical_copies)
{
	static const unsigned types[] = {T_F32, T_F64};
	now = kernel_table_level(levels[_i]);
	for (size_t k = 0; now && k < 2; k++) {
		size_t bytes = type_table[types[k]].bytes;
		for (size_t n = 0; n <= STORE_LANES; n++) {
			uint8_t from[STORE_LANES * 8 + 8];
			uint64_t to[STORE_LANES + 1], want[STORE_LANES + 1];
			memset(to, 1, sizeof to);
			memset(want, 1, sizeof want);
			for (size_t i = 0; i < n; i++) {
				uint64_t v = store_value(types[k], 1, mmsb_rand_step_u64(6, i, n));
				memcpy(from + n % 8 + i * bytes, &v, bytes);
				v = canonical(types[k], v);
				memcpy((uint8_t *)want + i * bytes, &v, bytes);
			}
			now->canonical[types[k]](to, from + n % 8, n);
			ck_assert_mem_eq(to, want, sizeof to);
		}
	}
}
END_TEST

/* The library's, of all lengths at which XXH3 does something else. */
START_TEST(hashes)
{
	static uint8_t bytes[5000];
	now = kernel_table_level(levels[_i]);
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 167 + (i >> 8));
	for (size_t n = 0; now && n < sizeof bytes - 8; n = n < 1100 ? n + 1 : n + 501)
		ck_assert_uint_eq(now->hash(bytes + n % 8, n, n * UINT64_C(0x9e3779b97f4a7c15)), XXH3_64bits_withSeed(bytes + n % 8, n, n * UINT64_C(0x9e3779b97f4a7c15)));
}
END_TEST

/* Blocks of 64: which differ; taken out and put back, and nothing else touched. */
static void check_blocks(unsigned width, uint64_t mask)
{
	enum { BLOCKS = 3, ROOM = 64 * 8 };
	static uint8_t a[BLOCKS * ROOM + 1], b[sizeof a], packed[ROOM + 8], want[ROOM + 8], back[ROOM], want_back[ROOM];
	size_t bytes = (size_t)1 << width, k = 0;
	uint64_t masks[BLOCKS];
	for (size_t i = 0; i < sizeof a; i++)
		a[i] = b[i] = (uint8_t)mmsb_rand_step_u64(6, i, width);
	for (size_t i = 0; i < 64; i++)
		if (mask >> i & 1) {
			b[1 + (64 + i) * bytes + i % bytes] ^= (uint8_t)(1 << i % 8);
			b[1 + (128 + 63 - i) * bytes] ^= 0x80;
		}
	uint64_t turned = 0;
	for (size_t i = 0; i < 64; i++)
		turned |= (mask >> i & 1) << (63 - i);
	now->differ[width](masks, a + 1, b + 1, BLOCKS); /* aligned to nothing */
	ck_assert(masks[0] == 0 && masks[1] == mask && masks[2] == turned);
	memset(packed, 0xa5, sizeof packed);
	memset(want, 0xa5, sizeof want);
	memset(back, 0x5a, sizeof back);
	memset(want_back, 0x5a, sizeof want_back);
	for (size_t i = 0; i < 64; i++)
		if (mask >> i & 1) {
			memcpy(want + k++ * bytes, a + 1 + i * bytes, bytes);
			memcpy(want_back + i * bytes, a + 1 + i * bytes, bytes);
		}
	ck_assert_uint_eq(now->compress[width](packed, a + 1, mask), k);
	ck_assert_mem_eq(packed, want, sizeof want);
	ck_assert_uint_eq(now->expand[width](back, packed, mask), k);
	ck_assert_mem_eq(back, want_back, sizeof back);
}

START_TEST(blocks)
{
	now = kernel_table_level(levels[_i]);
	for (unsigned width = 0; now && width < WIDTHS; width++)
		for (uint64_t i = 0; i < 300; i++) {
			uint64_t r = mmsb_rand_step_u64(8, i, width), thin = r & mmsb_rand_step_u64(9, i, width) & mmsb_rand_step_u64(10, i, width);
			check_blocks(width, i < 64 ? (uint64_t)1 << i : i == 64 ? 0 : i == 65 ? ~(uint64_t)0 : i % 3 == 0 ? r : i % 3 == 1 ? thin : ~thin);
		}
}
END_TEST

/* Single elements, some of them several times: the last one stands, marks are set once and keep what was there. */
START_TEST(single)
{
	enum { N = 700, CALLS = 3, STRIDE = 16 };
	now = kernel_table_level(levels[_i]);
	for (unsigned form = 0; now && form < WIDTHS * 4; form++) {
		size_t bytes = (size_t)1 << form / 4, stride = form & 1 ? STRIDE : bytes, step = form & 2 ? 11 : bytes;
		static uint8_t page[N * STRIDE], model[sizeof page], first[sizeof page], values[N * 11];
		uint64_t at[N];
		put_old old[CALLS * N];
		size_t n_old = 0;
		bitset marks;
		ck_assert_int_eq(bitset_new(&marks, N), 0);
		put_target to = {page, stride, &marks, 0};
		int twice = 0;
		for (size_t i = 0; i < sizeof page; i++)
			page[i] = model[i] = first[i] = (uint8_t)(mmsb_rand_step_u64(12, i, form) & 1);
		for (unsigned call = 0; call < CALLS; call++) {
			size_t from = call == 1 ? 100 : 0, n = call == 1 ? 500 : N / 4;
			for (size_t i = 0; i < sizeof values; i++)
				values[i] = (uint8_t)(mmsb_rand_step_u64(13 + call, i, form) & 1);
			for (size_t i = 0; i < n; i++) {
				at[i] = call == 1 ? from + i : mmsb_rand_step_u64(17 + call, i, form) % N;
				uint8_t *element = model + at[i] * stride;
				twice |= memcmp(element, values + i * step, bytes) != 0 && memcmp(element, first + at[i] * stride, bytes) != 0;
				memcpy(element, values + i * step, bytes);
			}
			n_old += now->put[form / 4](&to, from, call == 1 ? NULL : at, values, step, n, old + n_old);
		}
		ck_assert_mem_eq(page, model, sizeof page);
		ck_assert(!twice || to.twice);
		ck_assert_uint_eq(bitset_count(&marks), n_old);
		for (size_t i = 0; i < n_old; i++) {
			ck_assert(bitset_test(&marks, old[i].position));
			ck_assert_mem_eq(&old[i].bits, first + old[i].position * stride, bytes);
			memcpy(page + old[i].position * stride, &old[i].bits, bytes);
		}
		ck_assert_mem_eq(page, first, sizeof page);
		bitset_free(&marks);
	}
}
END_TEST

START_TEST(views)
{
	now = kernel_table_level(levels[_i]);
	if (!now)
		return;
	for (int64_t extent = 1; extent < 6; extent++) {
		int64_t index[64];
		uint8_t outside[64] = {0};
		now->iota(index, -32, 1, 64);
		now->view_wrap(index, extent, 64);
		for (int64_t i = 0; i < 64; i++)
			ck_assert_int_eq(index[i], (i - 32 + 40 * extent) % extent);
		now->iota(index, -32, 1, 64);
		now->view_clamp(index, extent, 64);
		for (int64_t i = 0; i < 64; i++)
			ck_assert_int_eq(index[i], i < 32 ? 0 : i - 32 < extent ? i - 32 : extent - 1);
		now->iota(index, -32, 1, 64);
		now->view_mirror(index, extent, 64);
		for (int64_t i = 0; i < 64; i++) { /* walk to and fro */
			int64_t at = 0, step = 1, far = i < 32 ? 32 - i : i - 32;
			for (int64_t s = 0; s < far && extent > 1; s++) {
				if (at + step < 0 || at + step >= extent)
					step = -step;
				at += step;
			}
			ck_assert_int_eq(index[i], at);
		}
		now->iota(index, -32, 1, 64);
		now->view_outside(index, extent, outside, 64);
		for (int64_t i = 0; i < 64; i++)
			ck_assert_int_eq(outside[i], i < 32 || i - 32 >= extent);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("kernels");
	TCase *t = tcase_create("lanes");
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, operators, 0, LEVELS);
	tcase_add_loop_test(t, conversions, 0, LEVELS);
	tcase_add_loop_test(t, moves, 0, LEVELS);
	tcase_add_loop_test(t, stores, 0, LEVELS);
	tcase_add_loop_test(t, canonical_copies, 0, LEVELS);
	tcase_add_loop_test(t, hashes, 0, LEVELS);
	tcase_add_loop_test(t, blocks, 0, LEVELS);
	tcase_add_loop_test(t, single, 0, LEVELS);
	tcase_add_loop_test(t, views, 0, LEVELS);
	tcase_add_test(t, meanings);
	tcase_add_test(t, remainders);
	suite_add_tcase(s, t);
	return unit_run(s);
}
