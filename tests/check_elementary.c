/*
 * check_elementary.c: the elementary functions against correctly rounded values and the values of their corners,
 * and digests of their bits: the same from every compiler, at every level of the processor, scalar or in vectors.
 */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "runtime/elementary.h"
#include "runtime/kernels.h"
#include "tests/elementary_cases.h"
#include "tests/unit.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

typedef struct {
	const char *name;
	unsigned op;
	double (*f64)(double x, double y);
	float (*f32)(float x, float y);
	const case_f64 *cases_f64;
	const case_f32 *cases_f32;
	uint64_t digest_f64, digest_f32; /* of the inputs of `draw`; a change of these is a change of `numerics` */
} function;

#define ONE(name)                                                                                                      \
	static double name##_f64(double x, double y)                                                                   \
	{                                                                                                              \
		return (void)y, mmsb_##name##_f64(x);                                                                  \
	}                                                                                                              \
	static float name##_f32(float x, float y)                                                                      \
	{                                                                                                              \
		return (void)y, mmsb_##name##_f32(x);                                                                  \
	}
#define TWO(name)                                                                                                      \
	static double name##_f64(double x, double y)                                                                   \
	{                                                                                                              \
		return mmsb_##name##_f64(x, y);                                                                        \
	}                                                                                                              \
	static float name##_f32(float x, float y)                                                                      \
	{                                                                                                              \
		return mmsb_##name##_f32(x, y);                                                                        \
	}

ONE(exp) ONE(log) ONE(sin) ONE(cos) ONE(tan) ONE(asin) ONE(acos) ONE(atan) ONE(sinh) ONE(cosh) ONE(tanh) ONE(erf)
ONE(normcdf) TWO(pow) TWO(atan2)

#define ROW(id, name) #name, OP_##id, name##_f64, name##_f32, name##_cases_f64, name##_cases_f32

enum { CASES = COUNT(exp_cases_f64) };

static const function functions[] = {
	{ROW(EXP, exp), 0x2ef6174463b3e52b, 0x12f3dc9cac9363dd},
	{ROW(LOG, log), 0x852332195ea0af24, 0x89a8d085d9e534c8},
	{ROW(POW, pow), 0x1b63778bc99602a7, 0xc5c4d2189a10a5c7},
	{ROW(SIN, sin), 0xa585e305389237a5, 0xbfebee451e07111f},
	{ROW(COS, cos), 0x277ab62d1cdcf7fb, 0x1aecca890666e824},
	{ROW(TAN, tan), 0xcdde815691da54c8, 0x386acabc54c72709},
	{ROW(ASIN, asin), 0x0b4c75fae1c25183, 0x74e92bc74c9d2ed8},
	{ROW(ACOS, acos), 0xaaf6639db833f32e, 0x83978865e16f52b0},
	{ROW(ATAN, atan), 0x375181efa5e712fa, 0x06ce5d2d36583366},
	{ROW(ATAN2, atan2), 0x38234b85f00d25f0, 0x42fe9e16a7d67174},
	{ROW(SINH, sinh), 0xc8a37339603e26be, 0xc1a67a41248ad180},
	{ROW(COSH, cosh), 0x3dcd8fa0ee9f6ba1, 0x7ee892af360b62bb},
	{ROW(TANH, tanh), 0x25ec9dd6fc1bb906, 0xba1a7ff0f7e3f1eb},
	{ROW(ERF, erf), 0xef2e6a072f4c83d8, 0x0223dfdfa5bcfcb6},
	{ROW(NORMCDF, normcdf), 0xa0f975e4adc76a6c, 0x8cea3d8f049cdd77},
};

/* ---- correctly rounded values ------------------------------------------------------------------ */

/* Within `limit` representable numbers of it, with the same sign. */
static bool near_f64(double got, double want, int64_t limit)
{
	if (isnan(got) || isnan(want) || signbit(got) != signbit(want))
		return isnan(got) && isnan(want);
	int64_t off = (int64_t)(mmsb_el_bits(got) - mmsb_el_bits(want));
	return off <= limit && off >= -limit;
}

static bool near_f32(float got, float want, int32_t limit)
{
	if (isnan(got) || isnan(want) || signbit(got) != signbit(want))
		return isnan(got) && isnan(want);
	int32_t off = (int32_t)(mmsb_el_bitsf(got) - mmsb_el_bitsf(want));
	return off <= limit && off >= -limit;
}

START_TEST(rounded_f64)
{
	const function *f = &functions[_i];
	for (int i = 0; i < CASES; i++) {
		const case_f64 *c = &f->cases_f64[i];
		double x = mmsb_el_double(c->x), y = mmsb_el_double(c->y), want = mmsb_el_double(c->result);
		double got = f->f64(x, y);
		ck_assert_msg(near_f64(got, want, 2), "%s(%a, %a) = %a, not near %a", f->name, x, y, got, want);
	}
}
END_TEST

START_TEST(rounded_f32)
{
	const function *f = &functions[_i];
	for (int i = 0; i < CASES; i++) {
		const case_f32 *c = &f->cases_f32[i];
		float x = mmsb_el_float(c->x), y = mmsb_el_float(c->y), want = mmsb_el_float(c->result);
		float got = f->f32(x, y);
		ck_assert_msg(near_f32(got, want, 1), "%s(%a, %a) = %a, not near %a", f->name, (double)x, (double)y, (double)got, (double)want);
	}
}
END_TEST

/* ---- corners ----------------------------------------------------------------------------------- */

#define PI 0x1.921fb54442d18p+1
#define TINY 0x1p-149

static const struct {
	const char *name;
	double x, y, want; /* for f32 rounded to it */
} corners[] = {
	{"exp", 0, 0, 1}, {"exp", -0.0, 0, 1}, {"exp", INFINITY, 0, INFINITY}, {"exp", -INFINITY, 0, 0},
	{"exp", 1e4, 0, INFINITY}, {"exp", -1e4, 0, 0}, {"exp", TINY, 0, 1}, {"exp", NAN, 0, NAN},
	{"log", 1, 0, 0}, {"log", 0, 0, -INFINITY}, {"log", -0.0, 0, -INFINITY}, {"log", -1, 0, NAN},
	{"log", INFINITY, 0, INFINITY}, {"log", -INFINITY, 0, NAN}, {"log", -TINY, 0, NAN}, {"log", NAN, 0, NAN},
	{"sin", 0, 0, 0}, {"sin", -0.0, 0, -0.0}, {"sin", INFINITY, 0, NAN}, {"sin", -INFINITY, 0, NAN},
	{"sin", NAN, 0, NAN}, {"sin", TINY, 0, TINY}, {"sin", -TINY, 0, -TINY},
	{"cos", 0, 0, 1}, {"cos", -0.0, 0, 1}, {"cos", TINY, 0, 1}, {"cos", 0x1p-30, 0, 1}, {"cos", INFINITY, 0, NAN},
	{"cos", -INFINITY, 0, NAN}, {"cos", NAN, 0, NAN},
	{"tan", 0, 0, 0}, {"tan", -0.0, 0, -0.0}, {"tan", INFINITY, 0, NAN}, {"tan", NAN, 0, NAN}, {"tan", TINY, 0, TINY},
	{"asin", 0, 0, 0}, {"asin", -0.0, 0, -0.0}, {"asin", 1, 0, PI / 2}, {"asin", -1, 0, -PI / 2},
	{"asin", 1.0000002384185791, 0, NAN}, {"asin", INFINITY, 0, NAN}, {"asin", NAN, 0, NAN}, {"asin", TINY, 0, TINY},
	{"acos", 1, 0, 0}, {"acos", -1, 0, PI}, {"acos", 0, 0, PI / 2}, {"acos", -0.0, 0, PI / 2}, {"acos", 2, 0, NAN},
	{"acos", -INFINITY, 0, NAN}, {"acos", NAN, 0, NAN},
	{"atan", 0, 0, 0}, {"atan", -0.0, 0, -0.0}, {"atan", INFINITY, 0, PI / 2}, {"atan", -INFINITY, 0, -PI / 2},
	{"atan", 1, 0, PI / 4}, {"atan", NAN, 0, NAN}, {"atan", TINY, 0, TINY},
	{"sinh", 0, 0, 0}, {"sinh", -0.0, 0, -0.0}, {"sinh", INFINITY, 0, INFINITY}, {"sinh", -INFINITY, 0, -INFINITY},
	{"sinh", 1e4, 0, INFINITY}, {"sinh", -1e4, 0, -INFINITY}, {"sinh", NAN, 0, NAN}, {"sinh", TINY, 0, TINY},
	{"cosh", 0, 0, 1}, {"cosh", -0.0, 0, 1}, {"cosh", INFINITY, 0, INFINITY}, {"cosh", -INFINITY, 0, INFINITY},
	{"cosh", -1e4, 0, INFINITY}, {"cosh", NAN, 0, NAN},
	{"tanh", 0, 0, 0}, {"tanh", -0.0, 0, -0.0}, {"tanh", INFINITY, 0, 1}, {"tanh", -INFINITY, 0, -1}, {"tanh", 50, 0, 1},
	{"tanh", NAN, 0, NAN}, {"tanh", -TINY, 0, -TINY},
	{"erf", 0, 0, 0}, {"erf", -0.0, 0, -0.0}, {"erf", INFINITY, 0, 1}, {"erf", -INFINITY, 0, -1}, {"erf", -7, 0, -1},
	{"erf", NAN, 0, NAN},
	{"normcdf", 0, 0, 0.5}, {"normcdf", -0.0, 0, 0.5}, {"normcdf", INFINITY, 0, 1}, {"normcdf", -INFINITY, 0, 0},
	{"normcdf", 50, 0, 1}, {"normcdf", -50, 0, 0}, {"normcdf", NAN, 0, NAN},
	/* C99 F.9.4.4 */
	{"pow", 0, -3, INFINITY}, {"pow", -0.0, -3, -INFINITY}, {"pow", 0, -2, INFINITY}, {"pow", -0.0, -2, INFINITY},
	{"pow", -0.0, -2.5, INFINITY}, {"pow", 0, -INFINITY, INFINITY}, {"pow", -0.0, -INFINITY, INFINITY},
	{"pow", 0, 3, 0}, {"pow", -0.0, 3, -0.0}, {"pow", -0.0, 2, 0}, {"pow", -0.0, 2.5, 0}, {"pow", -1, INFINITY, 1},
	{"pow", -1, -INFINITY, 1}, {"pow", 1, NAN, 1}, {"pow", 1, INFINITY, 1}, {"pow", NAN, 0, 1}, {"pow", NAN, -0.0, 1},
	{"pow", INFINITY, 0, 1}, {"pow", -INFINITY, -0.0, 1}, {"pow", 0, 0, 1}, {"pow", -2, 0.5, NAN}, {"pow", -2, -2.5, NAN},
	{"pow", 0.5, -INFINITY, INFINITY}, {"pow", -0.5, -INFINITY, INFINITY}, {"pow", 2, -INFINITY, 0},
	{"pow", -2, -INFINITY, 0}, {"pow", 0.5, INFINITY, 0}, {"pow", -0.5, INFINITY, 0}, {"pow", 2, INFINITY, INFINITY},
	{"pow", -2, INFINITY, INFINITY}, {"pow", -INFINITY, -3, -0.0}, {"pow", -INFINITY, -2, 0}, {"pow", -INFINITY, -2.5, 0},
	{"pow", -INFINITY, 3, -INFINITY}, {"pow", -INFINITY, 2, INFINITY}, {"pow", -INFINITY, 2.5, INFINITY},
	{"pow", INFINITY, -1, 0}, {"pow", INFINITY, 1, INFINITY}, {"pow", INFINITY, INFINITY, INFINITY},
	{"pow", INFINITY, -INFINITY, 0}, {"pow", NAN, 1, NAN}, {"pow", 2, NAN, NAN}, {"pow", NAN, NAN, NAN},
	{"pow", -2, 3, -8}, {"pow", -2, 2, 4}, {"pow", 2, -3, 0.125}, {"pow", 10, 3, 1000}, {"pow", -1, 16777215, -1},
	{"pow", -1, 0x1p53, 1}, {"pow", 2, 1e30, INFINITY}, {"pow", 2, -1e30, 0}, {"pow", -2, -0x1p60, 0}, {"pow", 4, 0.5, 2},
	{"pow", 1.5, 1e30, INFINITY}, {"pow", 0.5, 1e30, 0}, {"pow", TINY, -1e30, INFINITY},
	{"atan2", 0, 1, 0}, {"atan2", -0.0, 1, -0.0}, {"atan2", 0, -1, PI}, {"atan2", -0.0, -1, -PI}, {"atan2", 0, 0, 0},
	{"atan2", -0.0, 0, -0.0}, {"atan2", 0, -0.0, PI}, {"atan2", -0.0, -0.0, -PI}, {"atan2", 1, 0, PI / 2},
	{"atan2", 1, -0.0, PI / 2}, {"atan2", -1, 0, -PI / 2}, {"atan2", 1, INFINITY, 0}, {"atan2", -1, INFINITY, -0.0},
	{"atan2", 1, -INFINITY, PI}, {"atan2", -1, -INFINITY, -PI}, {"atan2", INFINITY, 1, PI / 2},
	{"atan2", -INFINITY, -1, -PI / 2}, {"atan2", INFINITY, INFINITY, PI / 4}, {"atan2", -INFINITY, INFINITY, -PI / 4},
	{"atan2", INFINITY, -INFINITY, 0.75 * PI}, {"atan2", -INFINITY, -INFINITY, -0.75 * PI}, {"atan2", 1, 1, PI / 4},
	{"atan2", NAN, 1, NAN}, {"atan2", 1, NAN, NAN}, {"atan2", NAN, INFINITY, NAN}, {"atan2", TINY, -TINY, 0.75 * PI},
	{"atan2", TINY, 1e30, 0}, {"atan2", TINY, -1e30, PI},
};

static bool same_f64(double a, double b)
{
	return isnan(b) ? isnan(a) : mmsb_el_bits(a) == mmsb_el_bits(b);
}

START_TEST(corner)
{
	double x = corners[_i].x, y = corners[_i].y, want = corners[_i].want;
	const function *f = NULL;
	for (int i = 0; i < COUNT(functions); i++)
		if (strcmp(functions[i].name, corners[_i].name) == 0)
			f = &functions[i];
	ck_assert_ptr_nonnull(f);
	double got = f->f64(x, y), got32 = (double)f->f32((float)x, (float)y);
	/* what is tiny for floats is an ordinary double */
	bool only32 = strcmp(f->name, "atan2") == 0 && want == 0 && x == TINY;
	ck_assert_msg(only32 || same_f64(got, want), "%s(%a, %a) = %a, want %a", f->name, x, y, got, want);
	ck_assert_msg(same_f64(got32, (double)(float)want), "f32 %s(%a, %a) = %a, want %a", f->name, x, y, got32, want);
}
END_TEST

/* Denormals go in and come out. */
START_TEST(denormal)
{
	ck_assert(mmsb_sin_f64(0x1p-1074) == 0x1p-1074 && mmsb_tan_f64(-0x1p-1074) == -0x1p-1074);
	ck_assert(mmsb_asin_f64(0x1p-1074) == 0x1p-1074 && mmsb_atan_f64(0x1p-1074) == 0x1p-1074);
	ck_assert(mmsb_sinh_f64(0x1p-1074) == 0x1p-1074 && mmsb_tanh_f64(0x1p-1074) == 0x1p-1074);
	ck_assert(mmsb_exp_f64(-745) == 0x1p-1074 && mmsb_exp_f32(-103) == 0x1p-149f);
	ck_assert(mmsb_pow_f64(2, -1074) == 0x1p-1074 && mmsb_pow_f64(0x1p-1074, 1) == 0x1p-1074);
	ck_assert(mmsb_pow_f32(2, -149) == 0x1p-149f && mmsb_pow_f32(0x1p-149f, 1) == 0x1p-149f);
	ck_assert(mmsb_normcdf_f64(-38.4) > 0 && mmsb_normcdf_f64(-38.4) < 0x1p-1022);
	ck_assert(mmsb_log_f64(0x1p-1074) < -744 && mmsb_log_f32(0x1p-149f) < -103);
	ck_assert(mmsb_atan2_f64(0x1p-1074, 0x1p-1074) == PI / 4);
}
END_TEST

/* ---- digests ----------------------------------------------------------------------------------- */

enum { LANES = 200, ROUNDS = 500 };

typedef struct {
	_Alignas(64) double x64[LANES], y64[LANES], r64[LANES];
	_Alignas(64) float x32[LANES], y32[LANES], r32[LANES];
} lanes;

static uint64_t draw(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1du;
}

/* Rounds in turn: any bits; within 40 of 0; within 4 of 0; within 800 of 0. */
static void fill(lanes *l, uint64_t *state, int round)
{
	static const double spans[] = {0, 40, 4, 800};
	double span = spans[round % 4];
	for (int i = 0; i < LANES; i++) {
		uint64_t a = draw(state), b = draw(state);
		double ua = 2.0 * ((double)(a >> 11) * 0x1p-53) - 1.0, ub = 2.0 * ((double)(b >> 11) * 0x1p-53) - 1.0;
		l->x64[i] = span > 0 ? span * ua : mmsb_el_double(a);
		l->y64[i] = span > 0 ? span * ub : mmsb_el_double(b);
		l->x32[i] = span > 0 ? (float)(span * ua) : mmsb_el_float((uint32_t)(a >> 32));
		l->y32[i] = span > 0 ? (float)(span * ub) : mmsb_el_float((uint32_t)(b >> 32));
	}
}

static uint64_t digest_bits(uint64_t digest, uint64_t bits)
{
	for (int i = 0; i < 8; i++)
		digest = (digest ^ (bits >> (8 * i) & 0xffu)) * 0x100000001b3u;
	return digest;
}

typedef struct {
	uint64_t f64, f32;
} digests;

/* Through the kernels of a level, or, where level is NULL, one call at a time. */
static digests digest(const function *f, const kernel_table *level)
{
	static lanes l;
	uint64_t state = 0x9e3779b97f4a7c15u;
	digests d = {0xcbf29ce484222325u, 0xcbf29ce484222325u};
	for (int round = 0; round < ROUNDS; round++) {
		fill(&l, &state, round);
		if (level) {
			level->op[f->op][T_F64](l.r64, l.x64, l.y64, NULL, LANES);
			level->op[f->op][T_F32](l.r32, l.x32, l.y32, NULL, LANES);
		}
		for (int i = 0; i < LANES && !level; i++) {
			l.r64[i] = f->f64(l.x64[i], l.y64[i]);
			l.r32[i] = f->f32(l.x32[i], l.y32[i]);
		}
		for (int i = 0; i < LANES; i++) {
			d.f64 = digest_bits(d.f64, isnan(l.r64[i]) ? UINT64_MAX : mmsb_el_bits(l.r64[i]));
			d.f32 = digest_bits(d.f32, isnan(l.r32[i]) ? UINT32_MAX : mmsb_el_bitsf(l.r32[i]));
		}
	}
	return d;
}

static void expect_digest(const function *f, const kernel_table *level)
{
	digests d = digest(f, level);
	ck_assert_msg(d.f64 == f->digest_f64 && d.f32 == f->digest_f32,
		      "%s, %s: digests 0x%016" PRIx64 " of f64, 0x%016" PRIx64 " of f32", f->name, level ? level->level : "scalar",
		      d.f64, d.f32);
}

START_TEST(digest_scalar)
{
	expect_digest(&functions[_i], NULL);
}
END_TEST

/* A level that this build or machine does not have is left out; base is always there. */
START_TEST(digest_levels)
{
	static const char *const names[] = {"base", "v3", "v4"};
	int tested = 0;
	for (int i = 0; i < COUNT(names); i++) {
		const kernel_table *level = kernel_table_level(names[i]);
		if (!level)
			continue;
		expect_digest(&functions[_i], level);
		tested++;
	}
	ck_assert_int_gt(tested, 0);
}
END_TEST

/* The _small functions are the whole ones up to MMSB_EL_TRIG_SMALL. */
START_TEST(small)
{
	uint64_t state = 7;
	for (int i = 0; i < 100000; i++) {
		double x = ((double)(draw(&state) >> 11) * 0x1p-52 - 1.0) * MMSB_EL_TRIG_SMALL;
		x = i % 2 ? x : x * mmsb_el_double((1023u - draw(&state) % 60u) << 52);
		float s = (float)x;
		ck_assert(same_f64(mmsb_sin_small_f64(x), mmsb_sin_f64(x)));
		ck_assert(same_f64(mmsb_cos_small_f64(x), mmsb_cos_f64(x)));
		ck_assert(same_f64(mmsb_tan_small_f64(x), mmsb_tan_f64(x)));
		ck_assert(same_f64((double)mmsb_sin_small_f32(s), (double)mmsb_sin_f32(s)));
		ck_assert(same_f64((double)mmsb_cos_small_f32(s), (double)mmsb_cos_f32(s)));
		ck_assert(same_f64((double)mmsb_tan_small_f32(s), (double)mmsb_tan_f32(s)));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("elementary");
	TCase *t = tcase_create("values");
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, rounded_f64, 0, COUNT(functions));
	tcase_add_loop_test(t, rounded_f32, 0, COUNT(functions));
	tcase_add_loop_test(t, corner, 0, COUNT(corners));
	tcase_add_test(t, denormal);
	tcase_add_loop_test(t, digest_scalar, 0, COUNT(functions));
	tcase_add_loop_test(t, digest_levels, 0, COUNT(functions));
	tcase_add_test(t, small);
	suite_add_tcase(s, t);
	return unit_run(s);
}
