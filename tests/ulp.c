/*
 * The error of the elementary functions, in ulps, against MPFR.
 *
 *   ulp FUNCTION TYPE --all              every f32 (functions of one argument)
 *   ulp FUNCTION TYPE --random N [--seed S]
 *   ulp FUNCTION TYPE --table N [--seed S]    N rows of C: inputs and correctly rounded results, as bits
 *
 * The largest error and where it is go to standard output; the exit status is 1 when it is beyond the
 * language's promise (1 ulp for f32, 2 for f64).
 *
 * MPFR costs microseconds, so something one precision up looks first, and MPFR decides wherever that estimate
 * comes near the largest error so far, wherever the two disagree about what is nan or infinite, and on every
 * 256th input whatever the estimate. For random inputs it is libm (double for f32, long double for f64); for
 * --all it is the f64 function, in vectors, and every 1021st input goes to MPFR.
 */
#include <inttypes.h>
#include <math.h>
#include <mpfr.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/elementary.h"

enum { PRECISION = 200, BLOCK = 4096 };

typedef struct {
	const char *name;
	int arguments;
	double (*f64)(double x, double y);
	float (*f32)(float x, float y);
	int (*exact)(mpfr_t r, mpfr_srcptr x, mpfr_srcptr y);
	double (*guess)(double x, double y);
	long double (*guess_long)(long double x, long double y);
	void (*many_f32)(const float *x, float *y);		 /* BLOCK at a time; NULL for two arguments */
	void (*many_f64)(const double *x, double *y);
	double low, high; /* where something happens */
	double marks[6];  /* thresholds to look around */
} function;

#define ONE(NAME, MPFR, GUESS)                                                                                         \
	static double NAME##_f64(double x, double y)                                                                   \
	{                                                                                                              \
		return (void)y, mmsb_##NAME##_f64(x);                                                                  \
	}                                                                                                              \
	static float NAME##_f32(float x, float y)                                                                      \
	{                                                                                                              \
		return (void)y, mmsb_##NAME##_f32(x);                                                                  \
	}                                                                                                              \
	static double NAME##_guess(double x, double y)                                                                 \
	{                                                                                                              \
		return (void)y, GUESS;                                                                                 \
	}                                                                                                              \
	static int NAME##_exact(mpfr_t r, mpfr_srcptr x, mpfr_srcptr y)                                                \
	{                                                                                                              \
		return (void)y, MPFR(r, x, MPFR_RNDN);                                                                 \
	}                                                                                                              \
	static void NAME##_many_f32(const float *restrict x, float *restrict y)                                        \
	{                                                                                                              \
		for (int i = 0; i < BLOCK; i++)                                                                        \
			y[i] = mmsb_##NAME##_f32(x[i]);                                                                \
	}                                                                                                              \
	static void NAME##_many_f64(const double *restrict x, double *restrict y)                                      \
	{                                                                                                              \
		for (int i = 0; i < BLOCK; i++)                                                                        \
			y[i] = mmsb_##NAME##_f64(x[i]);                                                                \
	}

#define ONE_OF_LIBM(NAME)                                                                                              \
	ONE(NAME, mpfr_##NAME, NAME(x))                                                                                \
	static long double NAME##_long(long double x, long double y)                                                   \
	{                                                                                                              \
		return (void)y, NAME##l(x);                                                                            \
	}

#define TWO(NAME, MPFR)                                                                                                \
	static double NAME##_f64(double x, double y)                                                                   \
	{                                                                                                              \
		return mmsb_##NAME##_f64(x, y);                                                                        \
	}                                                                                                              \
	static float NAME##_f32(float x, float y)                                                                      \
	{                                                                                                              \
		return mmsb_##NAME##_f32(x, y);                                                                        \
	}                                                                                                              \
	static double NAME##_guess(double x, double y)                                                                 \
	{                                                                                                              \
		return NAME(x, y);                                                                                     \
	}                                                                                                              \
	static long double NAME##_long(long double x, long double y)                                                   \
	{                                                                                                              \
		return NAME##l(x, y);                                                                                  \
	}                                                                                                              \
	static int NAME##_exact(mpfr_t r, mpfr_srcptr x, mpfr_srcptr y)                                                \
	{                                                                                                              \
		return MPFR(r, x, y, MPFR_RNDN);                                                                       \
	}

static int mpfr_normcdf(mpfr_t r, mpfr_srcptr x, mpfr_rnd_t rnd)
{
	mpfr_t t;
	mpfr_init2(t, PRECISION + 60);
	mpfr_sqrt_ui(t, 2, rnd);
	mpfr_div(t, x, t, rnd);
	mpfr_neg(t, t, rnd);
	mpfr_erfc(r, t, rnd);
	mpfr_clear(t);
	return mpfr_div_2ui(r, r, 1, rnd);
}

ONE_OF_LIBM(exp)
ONE_OF_LIBM(log)
ONE_OF_LIBM(sin)
ONE_OF_LIBM(cos)
ONE_OF_LIBM(tan)
ONE_OF_LIBM(asin)
ONE_OF_LIBM(acos)
ONE_OF_LIBM(atan)
ONE_OF_LIBM(sinh)
ONE_OF_LIBM(cosh)
ONE_OF_LIBM(tanh)
ONE_OF_LIBM(erf)
ONE(normcdf, mpfr_normcdf, 0.5 * erfc(-x * 0.70710678118654752440))

/* erfc of x / sqrt(2) rounded, set right for what that rounding lost: erfc'(t) / erfc(t) is about -2t - 1/t. */
static long double normcdf_long(long double x, long double y)
{
	long double t = -x * 0x1.6a09e667f3bcc908p-1L;
	long double lost = fmal(-x, 0x1.6a09e667f3bcc908p-1L, -t) - x * 0x1.65f626cdd52bp-66L;
	return (void)y, 0.5L * erfcl(t) * (t > 1 ? 1 - lost * (2 * t + 1 / t) : 1);
}

TWO(pow, mpfr_pow)
TWO(atan2, mpfr_atan2)

#define ROW(NAME, ARGUMENTS) #NAME, ARGUMENTS, NAME##_f64, NAME##_f32, NAME##_exact, NAME##_guess
#define MANY(NAME) NAME##_many_f32, NAME##_many_f64

static const function functions[] = {
	{ROW(exp, 1), exp_long, MANY(exp), -746, 710, {0, -708.4, -745.13, 709.78, 0.34657, -0.34657}},
	{ROW(log, 1), log_long, MANY(log), 0, 4, {1, 0.70710678118654757, 1.4142135623730951, 0x1p-1022, 2, 0.5}},
	{ROW(sin, 1),
	 sin_long,
	 MANY(sin),
	 -40,
	 40,
	 {0, 1.5707963267948966, 3.1415926535897931, 0x1p24, 0x1p68, 0x1p-26}},
	{ROW(cos, 1), cos_long, MANY(cos), -40, 40, {0, 1.5707963267948966, 3.1415926535897931, 0x1p24, 0x1p68, 0.5}},
	{ROW(tan, 1),
	 tan_long,
	 MANY(tan),
	 -40,
	 40,
	 {0, 0.78539816339744828, 1.5707963267948966, 0x1p24, 0x1p-30, 0x1p68}},
	{ROW(asin, 1), asin_long, MANY(asin), -1, 1, {0, 0.5, -0.5, 1, -1, 0.99999}},
	{ROW(acos, 1), acos_long, MANY(acos), -1, 1, {0, 0.5, -0.5, 1, -1, 0.99999}},
	{ROW(atan, 1), atan_long, MANY(atan), -8, 8, {0, 0.41421356237309503, 1, 2.4142135623730949, 0x1p60, 0x1p-500}},
	{ROW(sinh, 1), sinh_long, MANY(sinh), -711, 711, {0, 0.34657, 1.0397, 710.475, 0x1p-26, 22}},
	{ROW(cosh, 1), cosh_long, MANY(cosh), -711, 711, {0, 0.34657, 1.0397, 710.475, 0x1p-26, 22}},
	{ROW(tanh, 1), tanh_long, MANY(tanh), -23, 23, {0, 0.34657, 1.0397, 22, 19.06, 0x1p-26}},
	{ROW(erf, 1), erf_long, MANY(erf), -6.5, 6.5, {0, 1, 2.828, 5.92, 0x1p-26, 0x1p-1020}},
	{ROW(normcdf, 1), normcdf_long, MANY(normcdf), -39, 10, {0, -4, -37.519, -38.485, 4, 8.29}},
	{ROW(pow, 2), pow_long, NULL, NULL, 0, 4, {1, -1, 0.70710678118654757, 1.4142135623730951, 2, 10}},
	{ROW(atan2, 2), atan2_long, NULL, NULL, -4, 4, {0, 1, -1, 0.41421356237309503, 2.4142135623730949, 0x1p-1000}},
};

/* xorshift64*, so that a seed means the same everywhere */
static uint64_t state = 1;

static uint64_t random64(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dull;
}

static double random_unit(void)
{
	return (double)(random64() >> 11) * 0x1p-53;
}

typedef struct {
	const function *f;
	bool single;
	mpfr_t x, y, exact, got, unit;
	double worst;
	double at_x, at_y, value;
	uint64_t inputs, asked;
} search;

static double round_to(const search *s, double x)
{
	return s->single ? (double)(float)x : x;
}

static double value_of(const search *s, double x, double y)
{
	return s->single ? (double)s->f->f32((float)x, (float)y) : s->f->f64(x, y);
}

/* The ulp of a result of that size as a power of two; denormals have the smallest one. */
static long unit_exponent(const search *s, long exponent)
{
	long digits = s->single ? 24 : 53;
	long least = s->single ? -149 : -1074;
	return exponent - digits > least ? exponent - digits : least;
}

/* The error in ulps, by MPFR; an infinite result counts as the power of two that it stands for. */
static double exact_error(search *s, double x, double y, double got)
{
	mpfr_set_d(s->x, x, MPFR_RNDN);
	mpfr_set_d(s->y, y, MPFR_RNDN);
	s->f->exact(s->exact, s->x, s->y);
	s->asked++;
	if (mpfr_nan_p(s->exact) || isnan(got))
		return mpfr_nan_p(s->exact) && isnan(got) ? 0 : INFINITY;
	if (mpfr_inf_p(s->exact))
		return isinf(got) && (mpfr_sgn(s->exact) > 0) == (got > 0) ? 0 : INFINITY;
	if (mpfr_zero_p(s->exact))
		return got == 0 && !mpfr_signbit(s->exact) == !signbit(got) ? 0 : INFINITY;
	if (!signbit(got) != (mpfr_sgn(s->exact) > 0))
		return INFINITY;
	long top = s->single ? 128 : 1024;
	long e = (long)mpfr_get_exp(s->exact);
	if (isinf(got)) {
		if (e > top)
			return 0;
		mpfr_set_si_2exp(s->got, got > 0 ? 1 : -1, top, MPFR_RNDN);
	} else {
		mpfr_set_d(s->got, got, MPFR_RNDN);
		if (e > top)
			mpfr_set_si_2exp(s->exact, got > 0 ? 1 : -1, top, MPFR_RNDN);
	}
	mpfr_sub(s->unit, s->got, s->exact, MPFR_RNDN);
	mpfr_div_2si(s->unit, s->unit, unit_exponent(s, e > top ? top : e), MPFR_RNDN);
	return fabs(mpfr_get_d(s->unit, MPFR_RNDN));
}

/* The same against libm, or infinity where that does not say. */
static double guessed_error(const search *s, double x, double y, double got)
{
	long double want;
	int e;
	if (s->single)
		want = s->f->guess(x, y);
	else
		want = s->f->guess_long(x, y);
	if (isnan(got) && isnan(want))
		return 0;
	if (isinf(got) && fabsl(want) >= (s->single ? 0x1p128L : 0x1p1024L) && (got > 0) == (want > 0))
		return 0;
	if (want == 0 && got == 0)
		return !signbit(want) == !signbit(got) ? 0 : INFINITY;
	if (!isfinite(want) || !isfinite(got) || !signbit(want) != !signbit(got))
		return INFINITY;
	frexpl(want, &e);
	return (double)fabsl(ldexpl((long double)got - want, (int)-unit_exponent(s, e)));
}

static void judge(search *s, double x, double y, double got)
{
	double e = exact_error(s, x, y, got);
	if (!(e > s->worst))
		return;
	s->worst = e;
	s->at_x = x;
	s->at_y = y;
	s->value = got;
}

static void look(search *s, double x, double y)
{
	double got = value_of(s, x, y);
	double e = guessed_error(s, x, y, got);
	s->inputs++;
	if (!(e < s->worst - 0.01) || s->inputs % 256 == 0)
		judge(s, x, y, got);
}

static double from_bits(const search *s, uint64_t u)
{
	return s->single ? (double)mmsb_el_float((uint32_t)(u >> 32)) : mmsb_el_double(u);
}

/* x moved by up to 2^steps representable numbers. */
static double nudge(const search *s, double x, unsigned steps)
{
	int64_t d = (int64_t)(random64() >> (63u - steps)) - (int64_t)1 * ((int64_t)1 << steps);
	if (s->single)
		return (double)mmsb_el_float(mmsb_el_bitsf((float)x) + (uint32_t)d);
	return mmsb_el_double(mmsb_el_bits(x) + (uint64_t)d);
}

/* A number next to a random multiple of pi / 2, of any size. */
static double near_quarter(search *s)
{
	unsigned bits = 1u + (unsigned)(random64() % (random64() % 8u ? 53u : 1000u));
	mpfr_const_pi(s->x, MPFR_RNDN);
	mpfr_prec_round(s->x, 1300, MPFR_RNDN);
	mpfr_const_pi(s->x, MPFR_RNDN);
	mpfr_set_d(s->y, ldexp(0.5 + 0.5 * random_unit(), (int)bits), MPFR_RNDN);
	mpfr_rint(s->y, s->y, MPFR_RNDN);
	mpfr_mul(s->x, s->x, s->y, MPFR_RNDN);
	mpfr_div_2ui(s->x, s->x, 1, MPFR_RNDN);
	double x = mpfr_get_d(s->x, MPFR_RNDN);
	mpfr_set_prec(s->x, PRECISION);
	return random64() & 1u ? x : -x;
}

static bool periodic(const function *f)
{
	return !strcmp(f->name, "sin") || !strcmp(f->name, "cos") || !strcmp(f->name, "tan");
}

static double pick(search *s)
{
	const function *f = s->f;
	switch (random64() % 8u) {
	case 0:
		return from_bits(s, random64());
	case 1:
		return nudge(s, round_to(s, f->marks[random64() % 6u]), 4u);
	case 2:
		return nudge(s, round_to(s, f->marks[random64() % 6u]), s->single ? 18u : 44u);
	case 3:
		return round_to(s, ldexp(random_unit() - 0.5, (int)(random64() % 24u) - 12));
	case 4:
		if (periodic(f))
			return round_to(s, nudge(s, round_to(s, near_quarter(s)), 1u));
		return round_to(s, (double)(int64_t)(random64() % 4096u) / 64.0 - 32.0);
	default:
		return round_to(s, f->low + (f->high - f->low) * random_unit());
	}
}

static void pick_pair(search *s, double *x, double *y)
{
	*x = pick(s);
	*y = pick(s);
	uint64_t r = random64() % 8u;
	if (!strcmp(s->f->name, "pow") && r < 6u) {
		/* over the whole range of results, and beyond it a little */
		double range = s->single ? 105.0 : 750.0;
		*y = round_to(s, range * (2.0 * random_unit() - 1.0) / log(fabs(*x)));
		if (r == 0)
			*y = rint(*y);
		if (r == 1)
			*y = rint(2.0 * *y) / 2.0;
	} else if (r < 2u) {
		*y = nudge(s, *x, 20u);
	} else if (r < 4u) {
		*y = round_to(s, ldexp(*x * (0.5 + random_unit()), (int)(random64() % 128u) - 64));
	}
}

/*
 * The error of got against want, in ulps of want, for a vectorised loop: infinity counts as 2^128, two nans
 * agree, and what does not agree in sign or nan is infinitely wrong.
 */
static double quick_error(float got, double want)
{
	double w = want > 0x1p128 ? 0x1p128 : want;
	double g = got > 0x1p127f * 1.99f && got - got != 0 ? 0x1p128 : (double)got;
	w = w < -0x1p128 ? -0x1p128 : w;
	g = got < -0x1p127f && got - got != 0 ? -0x1p128 : g;
	uint64_t e = (mmsb_el_bits(w) >> 52) & 0x7ffu;
	e = e > 1023u - 126u ? e : 1023u - 126u;
	double unit = mmsb_el_double((2046u + 23u - e) << 52); /* 2^-(e - 1023 - 23) */
	double error = mmsb_el_abs(g - w) * unit;
	error = (mmsb_el_bits(w) ^ mmsb_el_bits(g)) >> 63 ? INFINITY : error;
	return got != got && want != want ? 0 : error;
}

static void run_random(search *s, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		double x, y = 0;
		if (s->f->arguments == 2)
			pick_pair(s, &x, &y);
		else
			x = pick(s);
		look(s, x, y);
	}
}

static void run_all(search *s)
{
	static float x[BLOCK], y[BLOCK];
	static double wide[BLOCK], want[BLOCK], error[BLOCK];
	run_random(s, 50000); /* a largest error to begin with */
	s->inputs = 0;
	for (uint64_t first = 0; first <= 0xffffffffu; first += BLOCK) {
		for (uint32_t i = 0; i < BLOCK; i++)
			x[i] = mmsb_el_float((uint32_t)first + i);
		for (uint32_t i = 0; i < BLOCK; i++)
			wide[i] = (double)x[i];
		s->f->many_f32(x, y);
		s->f->many_f64(wide, want);
		for (uint32_t i = 0; i < BLOCK; i++)
			error[i] = quick_error(y[i], want[i]);
		for (uint32_t i = 0; i < BLOCK; i++) {
			if (error[i] < s->worst - 0.001 && (first + i) % 1021u != 0)
				continue;
			judge(s, wide[i], 0, (double)y[i]);
		}
		s->inputs += BLOCK;
	}
}

static void print_bits(const search *s, double v)
{
	if (isnan(v))
		printf(s->single ? "0x7fc00000u" : "0x7ff8000000000000u");
	else if (s->single)
		printf("0x%08" PRIx32 "u", mmsb_el_bitsf((float)v));
	else
		printf("0x%016" PRIx64 "u", mmsb_el_bits(v));
}

/* MPFR's own rounding to 53 or 24 bits, denormals rounded once. */
static double correctly_rounded(search *s, double x, double y)
{
	mpfr_set_d(s->x, x, MPFR_RNDN);
	mpfr_set_d(s->y, y, MPFR_RNDN);
	s->f->exact(s->exact, s->x, s->y);
	return s->single ? (double)mpfr_get_flt(s->exact, MPFR_RNDN) : mpfr_get_d(s->exact, MPFR_RNDN);
}

static void run_table(search *s, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		double x, y = 0;
		if (s->f->arguments == 2)
			pick_pair(s, &x, &y);
		else
			x = pick(s);
		printf("    {");
		print_bits(s, x);
		printf(", ");
		print_bits(s, y);
		printf(", ");
		print_bits(s, correctly_rounded(s, x, y));
		printf("},\n");
	}
}

static int usage(void)
{
	fprintf(stderr, "usage: ulp FUNCTION f32|f64 (--all | --random N | --table N) [--seed S]\nfunctions:");
	for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
		fprintf(stderr, " %s", functions[i].name);
	fprintf(stderr, "\n");
	return 2;
}

static int report(const search *s)
{
	const char *type = s->single ? "f32" : "f64";
	printf("%s %s: max %.4f ulp at %a", s->f->name, type, s->worst, s->at_x);
	if (s->f->arguments == 2)
		printf(", %a", s->at_y);
	printf(" (%.17g), result %a; %" PRIu64 " inputs, %" PRIu64 " by MPFR\n", s->at_x, s->value, s->inputs,
	       s->asked);
	return s->worst <= (s->single ? 1.0 : 2.0) ? 0 : 1;
}

int main(int argc, char **argv)
{
	search s = {0};
	if (argc < 4)
		return usage();
	for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
		if (!strcmp(argv[1], functions[i].name))
			s.f = &functions[i];
	s.single = !strcmp(argv[2], "f32");
	if (!s.f || (!s.single && strcmp(argv[2], "f64") != 0))
		return usage();
	uint64_t n = argc > 4 ? strtoull(argv[4], NULL, 10) : 0;
	uint64_t seed = argc > 6 && !strcmp(argv[5], "--seed") ? strtoull(argv[6], NULL, 10) : 1;
	state = seed * 0x9e3779b97f4a7c15ull | 1u;
	mpfr_inits2(PRECISION, s.x, s.y, s.exact, s.got, s.unit, (mpfr_ptr)0);
	int status = 0;
	if (!strcmp(argv[3], "--all") && s.single && s.f->arguments == 1)
		run_all(&s);
	else if (!strcmp(argv[3], "--random") && n > 0)
		run_random(&s, n);
	else if (!strcmp(argv[3], "--table") && n > 0)
		run_table(&s, n);
	else
		status = usage();
	if (status == 0 && strcmp(argv[3], "--table") != 0)
		status = report(&s);
	mpfr_clears(s.x, s.y, s.exact, s.got, s.unit, (mpfr_ptr)0);
	mpfr_free_cache();
	return status;
}
