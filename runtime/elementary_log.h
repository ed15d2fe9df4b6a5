/*
 * log and pow.
 *
 * x = 2^k m with m in [sqrt(1/2), sqrt(2)); log m = log((1+s)/(1-s)) with s = f / (2+f), f = m-1:
 * an odd polynomial in s, |s| <= 0.17158. Polynomials by fpminimax (Sollya 8.0), relative error.
 */
#ifndef MMSB_ELEMENTARY_LOG_H
#define MMSB_ELEMENTARY_LOG_H

#include "elementary_base.h"
#include "elementary_exp.h"

/* x = 2^k m, m in [sqrt(1/2), sqrt(2)), for x finite and positive, denormal or not. */
typedef struct {
	double k;
	double m;
} mmsb_el_log_parts;

MMSB_EL_FN mmsb_el_log_parts mmsb_el_log_split(double x)
{
	mmsb_el_log_parts p;
	int tiny = x < 0x1p-1022;
	uint64_t u = mmsb_el_bits(tiny ? x * 0x1p54 : x);
	/* Shifted by the distance from sqrt(1/2) to 1, the exponent field changes at sqrt(1/2). */
	uint64_t shifted = u + (0x3ff0000000000000ull - 0x3fe6a09e667f3bcdull);
	/* the biased exponent, 12 bits, as a double: 2^52 + it, less 2^52 */
	double biased = mmsb_el_double((shifted >> 52) | 0x4330000000000000ull) - 0x1p52;
	p.k = biased - (tiny ? 1077.0 : 1023.0);
	p.m = mmsb_el_double((shifted & 0x000fffffffffffffull) + 0x3fe6a09e667f3bcdull);
	return p;
}

/* What log gives for x that is not finite and positive; y elsewhere. */
MMSB_EL_FN double mmsb_el_log_special(double x, double y)
{
	y = x == MMSB_EL_INF ? x : y;
	y = x == 0.0 ? -MMSB_EL_INF : y;
	y = x < 0.0 ? MMSB_EL_NAN : y;
	return x != x ? x : y;
}

MMSB_EL_FN double mmsb_log_f64(double x)
{
	mmsb_el_log_parts v = mmsb_el_log_split(x);
	double f = v.m - 1.0;
	double s = f / (2.0 + f);
	double z = s * s;
	double head = v.k * MMSB_EL_LN2_HEAD; /* exact */
	mmsb_el_pair y = mmsb_el_fast_sum(head, f);
	/* (log m - 2s) / s^3: error of log m 2^-59.5 */
	double p = 0x1.2f02bc1e5f33ep-3;
	p = MMSB_FMA(p, z, 0x1.39a2024cdf70ap-3);
	p = MMSB_FMA(p, z, 0x1.74663bf27f228p-3);
	p = MMSB_FMA(p, z, 0x1.c71c5218e11ccp-3);
	p = MMSB_FMA(p, z, 0x1.24924941dc60dp-2);
	p = MMSB_FMA(p, z, 0x1.999999997ff58p-2);
	p = MMSB_FMA(p, z, 0x1.5555555555592p-1);
	/* log m = 2s + s z p, and 2s = f - s f: the large part of it is exact. */
	y.lo += MMSB_FMA(s, MMSB_FMA(z, p, -f), v.k * MMSB_EL_LN2_TAIL);
	return mmsb_el_log_special(x, y.hi + y.lo);
}

/* In single precision, without the division: log m = f - f^2/2 + f^3 p. */
MMSB_EL_FN float mmsb_log_f32(float x)
{
	int tiny = x < 0x1p-126f;
	uint32_t shifted = mmsb_el_bitsf(tiny ? x * 0x1p25f : x) + (0x3f800000u - 0x3f3504f3u);
	float k = (float)(int32_t)(shifted >> 23) - (tiny ? 152.0f : 127.0f);
	float f = mmsb_el_float((shifted & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
	float head = k * 0x1.62e4p-1f; /* ln 2 to 15 bits: exact */
	float high = head + f;
	float low = f - (high - head);
	float y, other;
	/* -0.2929 <= f <= 0.41422: error of log m 2^-30.2 */
	float p = 0x1.13be12p-4f;
	p = MMSB_FMAF(p, f, -0x1.dd9932p-4f);
	p = MMSB_FMAF(p, f, 0x1.e6dd26p-4f);
	p = MMSB_FMAF(p, f, -0x1.fc3e3ap-4f);
	p = MMSB_FMAF(p, f, 0x1.233af6p-3f);
	p = MMSB_FMAF(p, f, -0x1.555b8cp-3f);
	p = MMSB_FMAF(p, f, 0x1.99a478p-3f);
	p = MMSB_FMAF(p, f, -0x1.000008p-2f);
	p = MMSB_FMAF(p, f, 0x1.555548p-2f);
	low += MMSB_FMAF(f * f, MMSB_FMAF(f, p, -0.5f), k * 0x1.7f7d1cp-20f);
	y = high + low;
	other = x < 0.0f ? (x - x) / (x - x) : x;
	other = x == 0.0f ? (float)-MMSB_EL_INF : other;
	return x > 0.0f && x < (float)MMSB_EL_INF ? y : other;
}

/*
 * log x for pow, x finite and positive, as a pair good to about 2^-65 relative: s and s^2 as
 * pairs, the s^3 term too, doubles from s^5 on.
 */
MMSB_EL_FN mmsb_el_pair mmsb_el_log_pair(double x)
{
	mmsb_el_log_parts v = mmsb_el_log_split(x);
	double f = v.m - 1.0;
	mmsb_el_pair d = mmsb_el_fast_sum(2.0, f);
	double inverse = 1.0 / d.hi;
	mmsb_el_pair s, z, c, t, w, y;
	s.hi = f * inverse;
	s.lo = (MMSB_FMA(-s.hi, d.hi, f) - s.hi * d.lo) * inverse;
	z.hi = s.hi * s.hi;
	z.lo = MMSB_FMA(s.hi, s.hi, -z.hi) + 2.0 * s.hi * s.lo;
	/* (log m - 2s) / s^3, its first coefficient a pair: error of log m 2^-73.9 */
	double p = 0x1.eceecc4a0a26p-4;
	p = MMSB_FMA(p, z.hi, 0x1.ddf20b205e76fp-4);
	p = MMSB_FMA(p, z.hi, 0x1.11229592a429p-3);
	p = MMSB_FMA(p, z.hi, 0x1.3b1353c764554p-3);
	p = MMSB_FMA(p, z.hi, 0x1.745d18782cb3ep-3);
	p = MMSB_FMA(p, z.hi, 0x1.c71c71c4beac2p-3);
	p = MMSB_FMA(p, z.hi, 0x1.24924924939bcp-2);
	p = MMSB_FMA(p, z.hi, 0x1.999999999998ep-2);
	c = mmsb_el_fast_sum(0x1.5555555555555p-1, p * z.hi);
	c.lo += 0x1.59b775b361a25p-55;
	t = mmsb_el_product(z.hi, c.hi);
	t.lo += MMSB_FMA(z.hi, c.lo, z.lo * c.hi);
	w = mmsb_el_product(s.hi, t.hi);
	w.lo += MMSB_FMA(s.hi, t.lo, s.lo * t.hi);
	/* k ln 2 + 2s + w, each smaller than the one before or that one zero */
	y = mmsb_el_fast_sum(v.k * MMSB_EL_LN2_HEAD, 2.0 * s.hi);
	t = mmsb_el_fast_sum(y.hi, w.hi);
	t.lo += y.lo + (w.lo + MMSB_FMA(v.k, MMSB_EL_LN2_TAIL, 2.0 * s.lo));
	return mmsb_el_fast_sum(t.hi, t.lo);
}

/* For finite y: 0 not an integer, 1 odd, 2 even. */
MMSB_EL_FN int mmsb_el_parity(double y)
{
	double a = mmsb_el_abs(y);
	double t = a + 0x1p52;
	int whole = a >= 0x1p52 || t - 0x1p52 == a;
	/* the lowest bit of t is the unit's up to 2^52, that of a itself up to 2^53 */
	uint64_t unit = a >= 0x1p53 ? 0u : mmsb_el_bits(a >= 0x1p52 ? a : t);
	int odd = (int)(unit & 1u);
	return whole ? 2 - odd : 0;
}

/* pow(x, y) out of magnitude = pow(|x|, y): signs, and what C99 says of the corners. */
MMSB_EL_FN double mmsb_el_pow_finish(double x, double y, double magnitude)
{
	int parity = mmsb_el_parity(y);
	int negative = (mmsb_el_bits(x) >> 63) != 0u;
	double r = negative && parity == 1 ? -magnitude : magnitude;
	r = x < 0.0 && x > -MMSB_EL_INF && parity == 0 ? MMSB_EL_NAN : r;
	r = x != x || y != y ? x + y : r;
	r = x == -1.0 && mmsb_el_abs(y) == MMSB_EL_INF ? 1.0 : r;
	return x == 1.0 || y == 0.0 ? 1.0 : r;
}

MMSB_EL_FN double mmsb_pow_f64(double x, double y)
{
	double ax = mmsb_el_abs(x);
	mmsb_el_pair l = mmsb_el_log_pair(ax);
	mmsb_el_pair one, w;
	double lhi, beyond;
	lhi = ax == 0.0 ? -MMSB_EL_INF : l.hi;
	lhi = ax == MMSB_EL_INF ? MMSB_EL_INF : lhi;
	w.hi = y * lhi;
	w.lo = MMSB_FMA(y, lhi, -w.hi) + y * l.lo;
	beyond = w.hi > 0.0 ? 800.0 : -800.0;
	w.lo = mmsb_el_abs(w.hi) < 800.0 ? w.lo : 0.0;
	w.hi = mmsb_el_abs(w.hi) < 800.0 ? w.hi : beyond;
	one.hi = 1.0;
	one.lo = 0.0;
	return mmsb_el_pow_finish(x, y, mmsb_el_exp_times(w.hi, w.lo, one));
}

/* In double: log to 2^-44 or so keeps y log x, at most 104, right to 2^-37. */
MMSB_EL_FN float mmsb_pow_f32(float x, float y)
{
	double dx = (double)x;
	double dy = (double)y;
	double ax = mmsb_el_abs(dx);
	mmsb_el_log_parts v = mmsb_el_log_split(ax);
	double f = v.m - 1.0;
	double s = f / (2.0 + f);
	double z = s * s;
	double l, w, t, n, r;
	/* error of log m 2^-59.5 */
	double p = 0x1.2f02bc1e5f33ep-3;
	p = MMSB_FMA(p, z, 0x1.39a2024cdf70ap-3);
	p = MMSB_FMA(p, z, 0x1.74663bf27f228p-3);
	p = MMSB_FMA(p, z, 0x1.c71c5218e11ccp-3);
	p = MMSB_FMA(p, z, 0x1.24924941dc60dp-2);
	p = MMSB_FMA(p, z, 0x1.999999997ff58p-2);
	p = MMSB_FMA(p, z, 0x1.5555555555592p-1);
	l = MMSB_FMA(s, MMSB_FMA(z, p, 2.0), v.k * MMSB_EL_LN2);
	l = ax == 0.0 ? -MMSB_EL_INF : l;
	l = ax == MMSB_EL_INF ? MMSB_EL_INF : l;
	w = dy * l;
	w = w > 110.0 ? 110.0 : w;
	w = w < -110.0 ? -110.0 : w;
	t = MMSB_FMA(w, MMSB_EL_LOG2E, MMSB_EL_MAGIC);
	n = t - MMSB_EL_MAGIC;
	r = MMSB_FMA(n, -MMSB_EL_LN2, w);
	r = 1.0 + MMSB_FMA(r * r, mmsb_el_exp_poly_f32(r), r);
	r *= mmsb_el_double((mmsb_el_bits(t) << 52) + 0x3ff0000000000000ull);
	return (float)mmsb_el_pow_finish(dx, dy, r);
}

#endif
