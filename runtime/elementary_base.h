/*
 * What every elementary function is built from: bit casts, rounding by a magic
 * number, scaling by powers of two.
 *
 * The functions of elementary*.h are fixed sequences of IEEE 754 operations:
 * + - * / sqrt, explicit fma, integer operations, comparisons and selects. The
 * bits of a result are therefore the same with every compiler, every vector
 * width and on a GPU. That needs: no contraction (-ffp-contract=off), round to
 * nearest, denormals kept, and no excess precision. They are branch-free, so
 * that a plain loop over any of them is vectorised.
 *
 * The text is valid C11, C++ and CUDA C++.
 */
#ifndef MMSB_ELEMENTARY_BASE_H
#define MMSB_ELEMENTARY_BASE_H

#ifdef __CUDACC_RTC__
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long long int64_t;
typedef unsigned long long uint64_t;
#else
#include <float.h>
#include <stdint.h>
#if !defined(__CUDACC__) && defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 16 /* half floats alone */
#error "elementary functions need arithmetic without excess precision (FLT_EVAL_METHOD 0)"
#endif
#endif

#ifdef __FAST_MATH__
#error "elementary functions must not be compiled with -ffast-math: their bits are a promise"
#endif

#ifdef __CUDACC__
#define MMSB_EL_FN static __device__ __forceinline__
#define MMSB_EL_TABLE static __device__ const
#define MMSB_FMA(a, b, c) __fma_rn((a), (b), (c))
#define MMSB_FMAF(a, b, c) __fmaf_rn((a), (b), (c))
#define MMSB_SQRT(a) __dsqrt_rn(a)
#define MMSB_SQRTF(a) __fsqrt_rn(a)
#define MMSB_EL_COPY(to, from) memcpy(&(to), &(from), sizeof(to))
#else
#define MMSB_EL_FN static inline
#define MMSB_EL_TABLE static const
#define MMSB_FMA(a, b, c) __builtin_fma((a), (b), (c))
#define MMSB_FMAF(a, b, c) __builtin_fmaf((a), (b), (c))
#define MMSB_SQRT(a) __builtin_sqrt(a)
#define MMSB_SQRTF(a) __builtin_sqrtf(a)
#define MMSB_EL_COPY(to, from) __builtin_memcpy(&(to), &(from), sizeof(to))
#endif

/* An unevaluated sum hi + lo, |lo| at most about half an ulp of hi. */
typedef struct {
	double hi;
	double lo;
} mmsb_el_pair;

MMSB_EL_FN uint64_t mmsb_el_bits(double x)
{
	uint64_t u;
	MMSB_EL_COPY(u, x);
	return u;
}

MMSB_EL_FN double mmsb_el_double(uint64_t u)
{
	double x;
	MMSB_EL_COPY(x, u);
	return x;
}

MMSB_EL_FN uint32_t mmsb_el_bitsf(float x)
{
	uint32_t u;
	MMSB_EL_COPY(u, x);
	return u;
}

MMSB_EL_FN float mmsb_el_float(uint32_t u)
{
	float x;
	MMSB_EL_COPY(x, u);
	return x;
}

#define MMSB_EL_SIGN 0x8000000000000000ull
#define MMSB_EL_INF (mmsb_el_double(0x7ff0000000000000ull))
#define MMSB_EL_NAN (mmsb_el_double(0x7ff8000000000000ull))

MMSB_EL_FN float mmsb_el_absf(float x)
{
	return mmsb_el_float(mmsb_el_bitsf(x) & 0x7fffffffu);
}

MMSB_EL_FN double mmsb_el_abs(double x)
{
	return mmsb_el_double(mmsb_el_bits(x) & ~MMSB_EL_SIGN);
}

/* |x| with the sign of s; x is not negative. */
MMSB_EL_FN double mmsb_el_with_sign(double x, double s)
{
	return mmsb_el_double(mmsb_el_bits(x) | (mmsb_el_bits(s) & MMSB_EL_SIGN));
}

/*
 * Adding 1.5 * 2^52 to |x| < 2^51 rounds x to an integer, ties to even, and leaves
 * that integer in two's complement in the low bits of the sum.
 */
#define MMSB_EL_MAGIC 0x1.8p52
#define MMSB_EL_MAGICF 0x1.8p23f /* the same for |x| < 2^22 in single precision */

/* What mmsb_el_scale does, in single precision, for biased = n + 254, -152 <= n <= 129. */
MMSB_EL_FN float mmsb_el_scalef(float y, uint32_t biased)
{
	uint32_t half = biased >> 1;
	return y * mmsb_el_float(half << 23) * mmsb_el_float((biased - half) << 23);
}

/* The sum of a and b exactly, as a pair; any a and b. */
MMSB_EL_FN mmsb_el_pair mmsb_el_sum(double a, double b)
{
	mmsb_el_pair r;
	double t;
	r.hi = a + b;
	t = r.hi - a;
	r.lo = (a - (r.hi - t)) + (b - t);
	return r;
}

/* The same for |a| >= |b| or a == 0. */
MMSB_EL_FN mmsb_el_pair mmsb_el_fast_sum(double a, double b)
{
	mmsb_el_pair r;
	r.hi = a + b;
	r.lo = b - (r.hi - a);
	return r;
}

/* The product of a and b exactly, as a pair (away from under- and overflow). */
MMSB_EL_FN mmsb_el_pair mmsb_el_product(double a, double b)
{
	mmsb_el_pair r;
	r.hi = a * b;
	r.lo = MMSB_FMA(a, b, -r.hi);
	return r;
}

/*
 * y * 2^n for biased = n + 2046, -1076 <= n <= 1025, rounded once: by two factors, so that both
 * are normal numbers even where the result is denormal or overflows.
 */
MMSB_EL_FN double mmsb_el_scale(double y, uint64_t biased)
{
	uint64_t half = biased >> 1;
	return y * mmsb_el_double(half << 52) * mmsb_el_double((biased - half) << 52);
}

#endif
