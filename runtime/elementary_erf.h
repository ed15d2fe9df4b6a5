/*
 * erf and normcdf.
 *
 * normcdf comes from the upper tail of the normal distribution, with t >= 0 and u = (t-4)/(t+4):
 *   Q(t) = erfc(t / sqrt 2) / 2 = e^(-t^2 / 2) G(u) / (t + 4),
 * where G is so smooth that one polynomial serves from 0 to where Q underflows. erf needs no such tail
 * and has cheaper ways. Polynomials by fpminimax (Sollya 8.0), relative error, unless said otherwise.
 */
#ifndef MMSB_ELEMENTARY_ERF_H
#define MMSB_ELEMENTARY_ERF_H

#include "elementary_base.h"
#include "elementary_erf_table.h"
#include "elementary_exp.h"

/* G(u) / (t + 4) as a pair, 0 <= t <= 38.7: degree 23, error 2^-57.6. */
MMSB_EL_FN mmsb_el_pair mmsb_el_tail_ratio(double t)
{
	mmsb_el_pair d = mmsb_el_sum(t, 4.0);
	double inverse = 1.0 / d.hi;
	/* 1/d = inverse + inverse * miss */
	double miss = MMSB_FMA(-inverse, d.hi, 1.0) - inverse * d.lo;
	/* u = 1 - 8/d */
	mmsb_el_pair u = mmsb_el_sum(1.0, -8.0 * inverse);
	mmsb_el_pair g, r;
	u.lo -= 8.0 * inverse * miss;
	double p = -0x1.7347a0beec779p-31;
	p = MMSB_FMA(p, u.hi, -0x1.4d3aa84d0c294p-29);
	p = MMSB_FMA(p, u.hi, 0x1.e6b6bfdf2d596p-30);
	p = MMSB_FMA(p, u.hi, 0x1.4adaf3e24b498p-26);
	p = MMSB_FMA(p, u.hi, 0x1.cdbdac6cf7ec3p-27);
	p = MMSB_FMA(p, u.hi, -0x1.6c55bdc4ac84p-24);
	p = MMSB_FMA(p, u.hi, -0x1.4ce77d5d42839p-23);
	p = MMSB_FMA(p, u.hi, 0x1.2347bee26efap-22);
	p = MMSB_FMA(p, u.hi, 0x1.12369fcb99a63p-20);
	p = MMSB_FMA(p, u.hi, -0x1.51e782a5afee2p-21);
	p = MMSB_FMA(p, u.hi, -0x1.8d4b22bb1e1f8p-18);
	p = MMSB_FMA(p, u.hi, 0x1.80b2af1556a58p-21);
	p = MMSB_FMA(p, u.hi, 0x1.26d099c3c5238p-15);
	p = MMSB_FMA(p, u.hi, -0x1.001e5c5874288p-19);
	p = MMSB_FMA(p, u.hi, -0x1.e4a425734c056p-13);
	p = MMSB_FMA(p, u.hi, 0x1.17a4ae364abb9p-13);
	p = MMSB_FMA(p, u.hi, 0x1.ab825fc10ffe1p-10);
	p = MMSB_FMA(p, u.hi, -0x1.c81719d55097ap-9);
	p = MMSB_FMA(p, u.hi, -0x1.ee2761047f88ep-8);
	p = MMSB_FMA(p, u.hi, 0x1.eec4cc3e4d2e1p-5);
	p = MMSB_FMA(p, u.hi, -0x1.7dff2bff68398p-3);
	p = MMSB_FMA(p, u.hi, 0x1.8c6dbf2cfc2b4p-2);
	/* G = c0 + u (c1 + u p); for u.lo, G' / G is within 5 % of 0.308 u - 0.795 */
	p = MMSB_FMA(u.hi, p, -0x1.373e3a893c28ap-1);
	g = mmsb_el_product(u.hi, p);
	r = mmsb_el_sum(0x1.82b4bb8c94dcep-1, g.hi);
	r.lo += (g.lo + MMSB_FMA(u.hi, -0x1.e2bc857d0a684p-57, -0x1.a906f88e6be1p-56)) + u.lo * (r.hi * MMSB_FMA(u.hi, 0.308, -0.795));
	g = mmsb_el_product(r.hi, inverse);
	g.lo += MMSB_FMA(r.hi * inverse, miss, r.lo * inverse);
	return g;
}

MMSB_EL_FN double mmsb_normcdf_f64(double x)
{
	double a = mmsb_el_abs(x);
	mmsb_el_pair s, ratio;
	double tail;
	a = a > 39.0 ? 39.0 : a;
	ratio = mmsb_el_tail_ratio(a);
	s = mmsb_el_product(a, a);
	tail = mmsb_el_exp_times(-0.5 * s.hi, -0.5 * s.lo, ratio);
	return x > 0.0 ? 1.0 - tail : tail;
}

/*
 * erf by Taylor's series around the nearest c = i / 64, |d| = |x - c| <= 1 / 128: with s = erf'(c) d,
 *   erf(c + d) = erf c + s (1 + sum over k of (-d)^k 2 H_k(c) / (2 (k+1)!)),
 * H_k the Hermite polynomials, up to k = 6: what is left out is below 2^-60 of the result. Between 6 and
 * infinity erf rounds to 1.
 */
MMSB_EL_FN double mmsb_erf_f64(double x)
{
	double a = mmsb_el_abs(x);
	double t, c, d, cc, k2, k3, k4, k5, k6, p, s;
	int64_t i;
	a = a < 6.0 ? a : 6.0; /* a nan too */
	t = MMSB_FMA(a, 64.0, MMSB_EL_MAGIC);
	c = (t - MMSB_EL_MAGIC) * 0x1p-6;
	d = a - c;
	i = (int64_t)(mmsb_el_bits(t) & 0x1ffu);
	s = mmsb_el_erf_table[2][i] * d;
	cc = c * c;
	k2 = MMSB_FMA(cc, 2.0 / 3.0, -1.0 / 3.0);
	k3 = c * MMSB_FMA(cc, -1.0 / 3.0, 1.0 / 2.0);
	k4 = MMSB_FMA(MMSB_FMA(cc, 2.0 / 15.0, -2.0 / 5.0), cc, 1.0 / 10.0);
	k5 = c * MMSB_FMA(MMSB_FMA(cc, -2.0 / 45.0, 2.0 / 9.0), cc, -1.0 / 6.0);
	k6 = MMSB_FMA(MMSB_FMA(MMSB_FMA(cc, 4.0 / 315.0, -2.0 / 21.0), cc, 1.0 / 7.0), cc, -1.0 / 42.0);
	p = MMSB_FMA(k6, d, k5);
	p = MMSB_FMA(p, d, k4);
	p = MMSB_FMA(p, d, k3);
	p = MMSB_FMA(p, d, k2);
	p = MMSB_FMA(p, d, -c) * d;
	p = mmsb_el_erf_table[0][i] + MMSB_FMA(s, p, s + mmsb_el_erf_table[1][i]);
	return x != x ? x : mmsb_el_with_sign(p, x);
}

/* Single precision, in double. Degree 11 for 0 <= t <= 14.5: error 2^-32.2. */
MMSB_EL_FN double mmsb_el_tail_f32(double t)
{
	double inverse = 1.0 / (t + 4.0);
	double u = MMSB_FMA(-8.0, inverse, 1.0);
	double h = -0.5 * t * t;
	double m = MMSB_FMA(h, MMSB_EL_LOG2E, MMSB_EL_MAGIC);
	double r = MMSB_FMA(m - MMSB_EL_MAGIC, -MMSB_EL_LN2, h);
	double e = 1.0 + MMSB_FMA(r * r, mmsb_el_exp_poly_f32(r), r);
	double p = 0x1.0b7b069c46e65p-16;
	p = MMSB_FMA(p, u, -0x1.d01b1724dafa3p-17);
	p = MMSB_FMA(p, u, -0x1.ca788784de816p-13);
	p = MMSB_FMA(p, u, 0x1.2e1a45cbbb192p-13);
	p = MMSB_FMA(p, u, 0x1.aab18bd5a0ee6p-10);
	p = MMSB_FMA(p, u, -0x1.c888e902a5a5ep-9);
	p = MMSB_FMA(p, u, -0x1.ee2198578548bp-8);
	p = MMSB_FMA(p, u, 0x1.eec5bc5104757p-5);
	p = MMSB_FMA(p, u, -0x1.7dff2e8ebf4eep-3);
	p = MMSB_FMA(p, u, 0x1.8c6dbdc69ff62p-2);
	p = MMSB_FMA(p, u, -0x1.373e3a850325fp-1);
	p = MMSB_FMA(p, u, 0x1.82b4bb8de54aep-1);
	return e * (p * inverse) * mmsb_el_double((mmsb_el_bits(m) << 52) + 0x3ff0000000000000ull);
}

MMSB_EL_FN float mmsb_normcdf_f32(float x)
{
	double a = mmsb_el_abs((double)x);
	double tail = mmsb_el_tail_f32(a > 14.5 ? 14.5 : a);
	return (float)(x > 0.0f ? 1.0 - tail : tail);
}

/*
 * In single precision: an odd polynomial up to 0.84 (error 2^-30.8), 1 - e^-(x^2 + m) beyond, where m is
 * -log erfc x - x^2 fitted on [0.84, 4] with the weight erfc x (Remez; each coefficient rounded and the
 * higher ones fitted again: absolute error of erf 2^-28.9), and the exponent a pair.
 */
MMSB_EL_FN float mmsb_erf_f32(float x)
{
	float a = mmsb_el_absf(x);
	float z, near, far, power, exponent, rest;
	mmsb_el_exp_partsf e;
	a = a > 4.0f ? 4.0f : a;
	z = a * a;
	{
		float p = 0x1.603d94p-14f;
		p = MMSB_FMAF(p, z, -0x1.ab4d52p-11f);
		p = MMSB_FMAF(p, z, 0x1.54e7bap-8f);
		p = MMSB_FMAF(p, z, -0x1.b8121cp-6f);
		p = MMSB_FMAF(p, z, 0x1.ce2e3ap-4f);
		p = MMSB_FMAF(p, z, -0x1.812744p-2f);
		near = MMSB_FMAF(a, 0x1.20dd76p+0f, a * MMSB_FMAF(z, p, -0x1.f7ac92p-25f));
	}
	{
		float p = -0x1.aadcd6p-13f;
		p = MMSB_FMAF(p, a, 0x1.988876p-9f);
		p = MMSB_FMAF(p, a, -0x1.70e85p-6f);
		p = MMSB_FMAF(p, a, 0x1.ac201ap-4f);
		p = MMSB_FMAF(p, a, -0x1.74342ep-2f);
		p = MMSB_FMAF(p, a, 0x1.20c8aep0f);
		p = MMSB_FMAF(p, a, 0x1.b3c8bep-14f);
		exponent = z + p;
		rest = ((z - exponent) + p) + MMSB_FMAF(a, a, -z);
	}
	e = mmsb_el_exp_reducef(-exponent);
	e.r -= rest;
	power = mmsb_el_float((e.magic << 23) + 0x3f800000u);
	far = MMSB_FMAF(-power, e.r + mmsb_el_exp_polyf(e.r), 1.0f - power);
	a = mmsb_el_float(mmsb_el_bitsf(a < 0.84f ? near : far) | (mmsb_el_bitsf(x) & 0x80000000u));
	return x != x ? x : a;
}

#endif
