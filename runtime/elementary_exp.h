/*
 * exp, sinh, cosh, tanh.
 *
 * x = n ln 2 + r with |r| <= ln 2 / 2, n by the magic number; e^r by a polynomial. All
 * polynomials here are minimax in relative error with coefficients rounded to double one
 * after the other (fpminimax of Sollya 8.0), leading terms fixed as written; intervals
 * and errors stand beside them.
 */
#ifndef MMSB_ELEMENTARY_EXP_H
#define MMSB_ELEMENTARY_EXP_H

#include "elementary_base.h"

#define MMSB_EL_LOG2E 0x1.71547652b82fep+0
/* ln 2 in one piece and a rest, and with a head of 42 bits that n multiplies exactly. */
#define MMSB_EL_LN2 0x1.62e42fefa39efp-1
#define MMSB_EL_LN2_REST 0x1.abc9e3b39803fp-56
#define MMSB_EL_LN2_HEAD 0x1.62e42fefa3800p-1
#define MMSB_EL_LN2_TAIL 0x1.ef35793c76730p-45

/* (e^r - 1 - r) / r^2 on |r| <= 0.34658: degree 9, error of e^r 2^-57.9. */
MMSB_EL_FN double mmsb_el_exp_poly(double r)
{
	double p = 0x1.ad92d1dacb82fp-26;
	p = MMSB_FMA(p, r, 0x1.28adf8e7a4278p-22);
	p = MMSB_FMA(p, r, 0x1.71df18f7a6667p-19);
	p = MMSB_FMA(p, r, 0x1.a01999629942ap-16);
	p = MMSB_FMA(p, r, 0x1.a01a012fed2e6p-13);
	p = MMSB_FMA(p, r, 0x1.6c16c18475faap-10);
	p = MMSB_FMA(p, r, 0x1.1111111126b36p-7);
	p = MMSB_FMA(p, r, 0x1.55555555506bfp-5);
	p = MMSB_FMA(p, r, 0x1.55555555554fep-3);
	p = MMSB_FMA(p, r, 0x1.000000000000ap-1);
	return p;
}

/* The same, degree 4, error 2^-28.3. */
MMSB_EL_FN double mmsb_el_exp_poly_f32(double r)
{
	double p = 0x1.6a24485b38cf7p-10;
	p = MMSB_FMA(p, r, 0x1.1239d64eefcd5p-7);
	p = MMSB_FMA(p, r, 0x1.5558f130f832cp-5);
	p = MMSB_FMA(p, r, 0x1.555491645ffd4p-3);
	p = MMSB_FMA(p, r, 0x1.fffffb9ae39bdp-2);
	return p;
}

/* x = n ln 2 + (r + rl), with n also as an integer in the low bits of `magic`. */
typedef struct {
	double n;
	double r;
	double rl;
	uint64_t magic;
} mmsb_el_exp_parts;

/* For the number hi + lo, |hi| < 2^11. */
MMSB_EL_FN mmsb_el_exp_parts mmsb_el_exp_reduce(double hi, double lo)
{
	mmsb_el_exp_parts p;
	double t = MMSB_FMA(hi, MMSB_EL_LOG2E, MMSB_EL_MAGIC);
	double head, r;
	mmsb_el_pair v;
	p.n = t - MMSB_EL_MAGIC;
	p.magic = mmsb_el_bits(t);
	head = MMSB_FMA(p.n, -MMSB_EL_LN2_HEAD, hi); /* exact */
	r = MMSB_FMA(p.n, -MMSB_EL_LN2_TAIL, head);
	v = mmsb_el_fast_sum(r, MMSB_FMA(p.n, -MMSB_EL_LN2_TAIL, head - r) + lo);
	p.r = v.hi;
	p.rl = v.lo;
	return p;
}

/* n + 2046 out of the magic sum, as mmsb_el_scale takes it. */
MMSB_EL_FN uint64_t mmsb_el_exp_biased(uint64_t magic)
{
	return magic - (mmsb_el_bits(MMSB_EL_MAGIC) - 2046u);
}

/* e^(r + rl) as a pair, |r| <= 0.3466. */
MMSB_EL_FN mmsb_el_pair mmsb_el_exp_kernel(double r, double rl)
{
	mmsb_el_pair e = mmsb_el_fast_sum(1.0, r);
	e.lo += MMSB_FMA(r * r, mmsb_el_exp_poly(r), rl * e.hi);
	return e;
}

/* e^(hi + lo) * (f.hi + f.lo), rounded once or twice: |hi| at most 1074 or so, f near 1. */
MMSB_EL_FN double mmsb_el_exp_times(double hi, double lo, mmsb_el_pair f)
{
	mmsb_el_exp_parts p = mmsb_el_exp_reduce(hi, lo);
	mmsb_el_pair e = mmsb_el_exp_kernel(p.r, p.rl);
	mmsb_el_pair v = mmsb_el_product(e.hi, f.hi);
	v.lo += MMSB_FMA(e.hi, f.lo, e.lo * f.hi);
	return mmsb_el_scale(v.hi + v.lo, mmsb_el_exp_biased(p.magic));
}

MMSB_EL_FN double mmsb_exp_f64(double x)
{
	double c = x < -746.0 ? -746.0 : x;
	double t, n, r;
	c = c > 710.0 ? 710.0 : c;
	t = MMSB_FMA(c, MMSB_EL_LOG2E, MMSB_EL_MAGIC);
	n = t - MMSB_EL_MAGIC;
	r = MMSB_FMA(n, -MMSB_EL_LN2, c);
	r = MMSB_FMA(n, -MMSB_EL_LN2_REST, r);
	r = 1.0 + MMSB_FMA(r * r, mmsb_el_exp_poly(r), r);
	return mmsb_el_scale(r, mmsb_el_exp_biased(mmsb_el_bits(t)));
}

/* In single precision: e^x = 2^n e^r, n + magic in the bits of `magic`. */
typedef struct {
	float r;
	uint32_t magic;
} mmsb_el_exp_partsf;

/* n and r of x */
MMSB_EL_FN mmsb_el_exp_partsf mmsb_el_exp_reducef(float x)
{
	mmsb_el_exp_partsf e;
	float t = MMSB_FMAF(x, 0x1.715476p+0f, MMSB_EL_MAGICF);
	float n = t - MMSB_EL_MAGICF;
	float r = MMSB_FMAF(n, -0x1.62e43p-1f, x); /* exact */
	e.r = MMSB_FMAF(n, 0x1.05c61p-29f, r);
	e.magic = mmsb_el_bitsf(t);
	return e;
}

/* r^2 q = e^r - 1 - r, |r| <= 0.3467: error of e^r 2^-28.2 */
MMSB_EL_FN float mmsb_el_exp_polyf(float r)
{
	float p = 0x1.694cd2p-10f;
	p = MMSB_FMAF(p, r, 0x1.123988p-7f);
	p = MMSB_FMAF(p, r, 0x1.555a26p-5f);
	p = MMSB_FMAF(p, r, 0x1.555492p-3f);
	p = MMSB_FMAF(p, r, 0x1.fffffap-2f);
	return r * r * p;
}

MMSB_EL_FN float mmsb_exp_f32(float x)
{
	float c = x < -105.0f ? -105.0f : x;
	mmsb_el_exp_partsf e;
	float high, low;
	c = c > 89.0f ? 89.0f : c;
	e = mmsb_el_exp_reducef(c);
	high = 1.0f + e.r;
	low = e.r - (high - 1.0f);
	return mmsb_el_scalef(high + (low + mmsb_el_exp_polyf(e.r)), e.magic - (mmsb_el_bitsf(MMSB_EL_MAGICF) - 254u));
}

/*
 * The hyperbolic functions of x = n ln 2 + r, x >= 0, from even and odd parts C = cosh r and
 * S = sinh r, which nothing cancels in:
 *   2^-n sinh x = A C + B S,  2^-n cosh x = B C + A S,  A = (1 - 4^-n) / 2, B = (1 + 4^-n) / 2.
 */
typedef struct {
	mmsb_el_pair sinh;
	mmsb_el_pair cosh;
	uint64_t biased;
} mmsb_el_hyperbolic;

/* cosh r - 1 and sinh r - r on |r| <= 0.34658: errors of cosh 2^-70.0, of sinh 2^-64.8. */
MMSB_EL_FN double mmsb_el_cosh_poly(double z)
{
	double p = 0x1.1f8ba21952078p-29;
	p = MMSB_FMA(p, z, 0x1.27e4cc31234e8p-22);
	p = MMSB_FMA(p, z, 0x1.a01a01ad7393bp-16);
	p = MMSB_FMA(p, z, 0x1.6c16c16c15011p-10);
	p = MMSB_FMA(p, z, 0x1.5555555555558p-5);
	p = MMSB_FMA(p, z, 0x1p-1);
	return p * z;
}

MMSB_EL_FN double mmsb_el_sinh_poly(double r, double z)
{
	double p = 0x1.73ec07a057329p-33;
	p = MMSB_FMA(p, z, 0x1.ae5686abadb86p-26);
	p = MMSB_FMA(p, z, 0x1.71de3e3b2f365p-19);
	p = MMSB_FMA(p, z, 0x1.a01a019f12dccp-13);
	p = MMSB_FMA(p, z, 0x1.111111111130bp-7);
	p = MMSB_FMA(p, z, 0x1.5555555555555p-3);
	return p * z * r;
}

/* a (1 + c) + b (r + s) + rest as a pair; a and b as above or exchanged. */
MMSB_EL_FN mmsb_el_pair mmsb_el_hyperbolic_mix(double a, double c, double b, double r, double s, double rest)
{
	mmsb_el_pair p = mmsb_el_product(b, r);
	mmsb_el_pair v = mmsb_el_sum(a, p.hi);
	v.lo += (p.lo + rest) + MMSB_FMA(a, c, b * s);
	return mmsb_el_fast_sum(v.hi, v.lo);
}

MMSB_EL_FN mmsb_el_hyperbolic mmsb_el_hyperbolic_of(double x)
{
	mmsb_el_exp_parts p = mmsb_el_exp_reduce(x, 0.0);
	mmsb_el_hyperbolic h;
	double small = p.n > 60.0 ? 60.0 : p.n;
	double z = p.r * p.r;
	double c = mmsb_el_cosh_poly(z);
	double s = mmsb_el_sinh_poly(p.r, z) + p.rl * (1.0 + 0.5 * z);
	double power, a, b, al, bl;
	c = MMSB_FMA(p.r, p.rl, c);
	/* 4^-small, its exponent taken from the magic sum of 1023 - 2 small */
	power = mmsb_el_double(mmsb_el_bits(MMSB_EL_MAGIC + (1023.0 - 2.0 * small)) << 52);
	power *= 0.5;
	a = 0.5 - power;
	b = 0.5 + power;
	al = (0.5 - a) - power; /* what a and b lost, from n = 27 on */
	bl = power - (b - 0.5);
	h.sinh = mmsb_el_hyperbolic_mix(a, c, b, p.r, s, MMSB_FMA(bl, p.r, al));
	h.cosh = mmsb_el_hyperbolic_mix(b, c, a, p.r, s, MMSB_FMA(al, p.r, bl));
	h.biased = mmsb_el_exp_biased(p.magic);
	return h;
}

MMSB_EL_FN double mmsb_sinh_f64(double x)
{
	double ax = mmsb_el_abs(x);
	mmsb_el_hyperbolic h;
	double y;
	h = mmsb_el_hyperbolic_of(ax > 711.0 ? 711.0 : ax);
	y = mmsb_el_scale(h.sinh.hi + h.sinh.lo, h.biased);
	return mmsb_el_with_sign(mmsb_el_abs(y), x);
}

MMSB_EL_FN double mmsb_cosh_f64(double x)
{
	double ax = mmsb_el_abs(x);
	mmsb_el_hyperbolic h;
	h = mmsb_el_hyperbolic_of(ax > 711.0 ? 711.0 : ax);
	return mmsb_el_scale(h.cosh.hi + h.cosh.lo, h.biased);
}

/* (a.hi + a.lo) / (b.hi + b.lo) rounded to a double, good to a little over half an ulp. */
MMSB_EL_FN double mmsb_el_quotient(mmsb_el_pair a, mmsb_el_pair b)
{
	double inverse = 1.0 / b.hi;
	double q = a.hi * inverse;
	double rest = MMSB_FMA(-q, b.hi, a.hi) + MMSB_FMA(-q, b.lo, a.lo);
	return MMSB_FMA(rest, inverse, q);
}

MMSB_EL_FN double mmsb_tanh_f64(double x)
{
	double ax = mmsb_el_abs(x);
	mmsb_el_hyperbolic h;
	h = mmsb_el_hyperbolic_of(ax > 22.0 ? 22.0 : ax);
	return mmsb_el_with_sign(mmsb_el_abs(mmsb_el_quotient(h.sinh, h.cosh)), x);
}

/* The same in single precision: the parts are doubles that need not be compensated. */
typedef struct {
	double sinh;
	double cosh;
	uint64_t shift;
} mmsb_el_hyperbolic_f32;

MMSB_EL_FN mmsb_el_hyperbolic_f32 mmsb_el_hyperbolic_f32_of(double x)
{
	double t = MMSB_FMA(x, MMSB_EL_LOG2E, MMSB_EL_MAGIC);
	double n = t - MMSB_EL_MAGIC;
	double r = MMSB_FMA(n, -MMSB_EL_LN2, x);
	double z = r * r;
	double power = mmsb_el_double(mmsb_el_bits(MMSB_EL_MAGIC + (1023.0 - 2.0 * n)) << 52);
	double a = 0.5 - 0.5 * power;
	double b = 0.5 + 0.5 * power;
	mmsb_el_hyperbolic_f32 h;
	double c, s;
	/* cosh on |r| <= 0.34658: error 2^-34.3; sinh: 2^-37.5 */
	{
		double p = 0x1.6d962692f2fedp-10;
		p = MMSB_FMA(p, z, 0x1.555480aedf482p-5);
		p = MMSB_FMA(p, z, 0x1.00000042de8f8p-1);
		c = MMSB_FMA(p, z, 1.0);
	}
	{
		double p = 0x1.a16f7b262b96p-13;
		p = MMSB_FMA(p, z, 0x1.1110b211553c9p-7);
		p = MMSB_FMA(p, z, 0x1.555555735a54p-3);
		s = MMSB_FMA(p * z, r, r);
	}
	h.sinh = MMSB_FMA(a, c, b * s);
	h.cosh = MMSB_FMA(b, c, a * s);
	h.shift = mmsb_el_bits(t) << 52;
	return h;
}

MMSB_EL_FN float mmsb_sinh_f32(float x)
{
	double ax = mmsb_el_abs((double)x);
	mmsb_el_hyperbolic_f32 h;
	double y;
	h = mmsb_el_hyperbolic_f32_of(ax > 91.0 ? 91.0 : ax);
	y = h.sinh * mmsb_el_double(h.shift + 0x3ff0000000000000ull);
	return (float)mmsb_el_with_sign(mmsb_el_abs(y), (double)x);
}

MMSB_EL_FN float mmsb_cosh_f32(float x)
{
	double ax = mmsb_el_abs((double)x);
	mmsb_el_hyperbolic_f32 h;
	h = mmsb_el_hyperbolic_f32_of(ax > 91.0 ? 91.0 : ax);
	return (float)(h.cosh * mmsb_el_double(h.shift + 0x3ff0000000000000ull));
}

MMSB_EL_FN float mmsb_tanh_f32(float x)
{
	double ax = mmsb_el_abs((double)x);
	mmsb_el_hyperbolic_f32 h;
	h = mmsb_el_hyperbolic_f32_of(ax > 12.0 ? 12.0 : ax);
	return (float)mmsb_el_with_sign(mmsb_el_abs(h.sinh / h.cosh), (double)x);
}

#endif
