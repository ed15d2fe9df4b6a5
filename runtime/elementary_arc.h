/*
 * asin, acos, atan, atan2.
 *
 * Polynomials by fpminimax (Sollya 8.0), relative error, the leading x as written.
 */
#ifndef MMSB_ELEMENTARY_ARC_H
#define MMSB_ELEMENTARY_ARC_H

#include "elementary_base.h"
#include "elementary_exp.h"

#define MMSB_EL_HALF_PI 0x1.921fb54442d18p+0
#define MMSB_EL_HALF_PI_REST 0x1.1a62633145c07p-54
#define MMSB_EL_TAN_EIGHTH_PI 0x1.a827999fcef32p-2

/* (asin x - x) / x with z = x^2 on |x| <= 1/2: error of asin 2^-59.9. */
MMSB_EL_FN double mmsb_el_asin_poly(double z)
{
	double p = 0x1.0b45e9f8e6b15p-5;
	p = MMSB_FMA(p, z, -0x1.57fad0e39eaf7p-6);
	p = MMSB_FMA(p, z, 0x1.639a895132223p-6);
	p = MMSB_FMA(p, z, 0x1.e5fbe8857f6f5p-9);
	p = MMSB_FMA(p, z, 0x1.613c1e6f4a2fp-7);
	p = MMSB_FMA(p, z, 0x1.75859dacf6aedp-7);
	p = MMSB_FMA(p, z, 0x1.ca1f8af1f1d9ap-7);
	p = MMSB_FMA(p, z, 0x1.1c49f077d5b5ap-6);
	p = MMSB_FMA(p, z, 0x1.6e8bdedebf9e1p-6);
	p = MMSB_FMA(p, z, 0x1.f1c71a95002fbp-6);
	p = MMSB_FMA(p, z, 0x1.6db6db721247bp-5);
	p = MMSB_FMA(p, z, 0x1.333333332e133p-4);
	p = MMSB_FMA(p, z, 0x1.5555555555577p-3);
	return p * z;
}

MMSB_EL_FN double mmsb_asin_f64(double x)
{
	double a = mmsb_el_abs(x);
	int inner = a < 0.5;
	double z = inner ? x * x : 0.5 - 0.5 * a; /* asin a = pi/2 - 2 asin sqrt((1 - a) / 2) */
	double s = MMSB_SQRT(z);
	double p = mmsb_el_asin_poly(z);
	double near = MMSB_FMA(a, p, a);
	mmsb_el_pair f = mmsb_el_fast_sum(MMSB_EL_HALF_PI, -2.0 * s);
	double far = f.hi + (f.lo + MMSB_FMA(-2.0 * s, p, MMSB_EL_HALF_PI_REST));
	double y = inner ? near : far;
	return a <= 1.0 ? mmsb_el_with_sign(y, x) : (x - x) / (x - x);
}

MMSB_EL_FN double mmsb_acos_f64(double x)
{
	double a = mmsb_el_abs(x);
	int inner = a < 0.5;
	double z = inner ? x * x : 0.5 - 0.5 * a;
	double s = MMSB_SQRT(z);
	double p = mmsb_el_asin_poly(z);
	/* pi/2 - asin x;  2 asin s;  pi - 2 asin s */
	double big = inner ? MMSB_EL_HALF_PI : 2.0 * MMSB_EL_HALF_PI;
	double rest = inner ? MMSB_EL_HALF_PI_REST : 2.0 * MMSB_EL_HALF_PI_REST;
	double v = inner ? x : 2.0 * s;
	mmsb_el_pair f = mmsb_el_fast_sum(big, -v);
	double y = f.hi + (f.lo + MMSB_FMA(-v, p, rest));
	y = x >= 0.5 ? MMSB_FMA(v, p, v) : y;
	return a <= 1.0 ? y : (x - x) / (x - x);
}

/* (atan t - t) / t with z = t^2 on |t| <= 0.41422: error of atan 2^-59.4. */
MMSB_EL_FN double mmsb_el_atan_poly(double z)
{
	double p = -0x1.256ae1c81b21ep-6;
	p = MMSB_FMA(p, z, 0x1.37d5d6ce4ab2ep-5);
	p = MMSB_FMA(p, z, -0x1.9cd2cc3bcaa6cp-5);
	p = MMSB_FMA(p, z, 0x1.df0f4dc53386ap-5);
	p = MMSB_FMA(p, z, -0x1.10ebb86a779eap-4);
	p = MMSB_FMA(p, z, 0x1.3b11191f75b4cp-4);
	p = MMSB_FMA(p, z, -0x1.745cf8dcacc2cp-4);
	p = MMSB_FMA(p, z, 0x1.c71c70e613401p-4);
	p = MMSB_FMA(p, z, -0x1.24924922ad6edp-3);
	p = MMSB_FMA(p, z, 0x1.999999999586dp-3);
	p = MMSB_FMA(p, z, -0x1.555555555553dp-2);
	return p * z;
}

/*
 * The angle of (across, up) for both >= 0, neither so large or small that sums or products leave
 * the range: t = small / large, or (small - large) / (small + large) and pi/4 more; then,
 * where up is the larger, pi/2 less that; where side < 0, pi less that.
 */
MMSB_EL_FN double mmsb_el_angle_of(double up, double across, double side)
{
	int steep = up > across;
	double large = steep ? up : across;
	double small = steep ? across : up;
	int middle = small > MMSB_EL_TAN_EIGHTH_PI * large;
	mmsb_el_pair d = mmsb_el_fast_sum(large, -small);
	mmsb_el_pair s = mmsb_el_fast_sum(large, small);
	mmsb_el_pair num, den, v;
	double inverse, t, rest, p, quarters, y;
	num.hi = middle ? -d.hi : small;
	num.lo = middle ? -d.lo : 0.0;
	den.hi = middle ? s.hi : large;
	den.lo = middle ? s.lo : 0.0;
	inverse = 1.0 / den.hi;
	t = num.hi * inverse;
	rest = MMSB_FMA(-t, den.hi, num.hi) + MMSB_FMA(-t, den.lo, num.lo);
	rest *= inverse;
	p = MMSB_FMA(t, mmsb_el_atan_poly(t * t), rest);
	/* quarters * pi/4 +- (t + p) */
	quarters = middle ? 1.0 : 0.0;
	quarters = steep ? 2.0 - quarters : quarters;
	quarters = side < 0.0 ? 4.0 - quarters : quarters;
	t = steep ? -t : t;
	p = steep ? -p : p;
	t = side < 0.0 ? -t : t;
	p = side < 0.0 ? -p : p;
	v = mmsb_el_fast_sum(quarters * (0.5 * MMSB_EL_HALF_PI), t);
	y = v.hi + (v.lo + MMSB_FMA(quarters, 0.5 * MMSB_EL_HALF_PI_REST, p));
	return y;
}

MMSB_EL_FN double mmsb_atan_f64(double x)
{
	double a = mmsb_el_abs(x);
	double y = mmsb_el_angle_of(a > 0x1p60 ? 0x1p60 : a, 1.0, 1.0);
	y = a < 0x1p-500 ? a : y;
	return x != x ? x : mmsb_el_with_sign(y, x);
}

MMSB_EL_FN double mmsb_atan2_f64(double y, double x)
{
	double up = mmsb_el_abs(y);
	double across = mmsb_el_abs(x);
	double larger = up > across ? up : across;
	double scale = larger > 0x1p900 ? 0x1p-200 : 1.0;
	double a, endless;
	double side = mmsb_el_with_sign(1.0, x);
	/* two infinities are as two ones, two zeros as (0, 1), one infinity as (1, 0) or (0, 1) */
	int equal = up == across;
	scale = larger < 0x1p400 ? 0x1p500 : scale; /* so that what the quotient misses is no denormal */
	endless = up == MMSB_EL_INF ? 1.0 : 0.0;
	across = larger == MMSB_EL_INF ? (across == MMSB_EL_INF ? 1.0 : 0.0) : across;
	up = larger == MMSB_EL_INF ? endless : up;
	across = equal ? 1.0 : across;
	up = equal && up > 0.0 ? 1.0 : up;
	scale = equal || larger == MMSB_EL_INF ? 1.0 : scale;
	a = mmsb_el_angle_of(up * scale, across * scale, side);
	return x != x || y != y ? x + y : mmsb_el_with_sign(a, y);
}

/* Single precision, in double: errors of the polynomials 2^-35.8 (asin), 2^-35.3 (atan). */
MMSB_EL_FN double mmsb_el_asin_poly_f32(double z)
{
	double p = 0x1.1bd2978d5e5c8p-5;
	p = MMSB_FMA(p, z, 0x1.ec2439f12ffe5p-8);
	p = MMSB_FMA(p, z, 0x1.931fa0cd443ffp-6);
	p = MMSB_FMA(p, z, 0x1.ed5d1680e9eafp-6);
	p = MMSB_FMA(p, z, 0x1.6ddabff65b4eap-5);
	p = MMSB_FMA(p, z, 0x1.3332aa05fe0a9p-4);
	p = MMSB_FMA(p, z, 0x1.55555605cd511p-3);
	return p * z;
}

MMSB_EL_FN float mmsb_asin_f32(float x)
{
	double d = (double)x;
	double a = mmsb_el_abs(d);
	int inner = a < 0.5;
	double z = inner ? d * d : 0.5 - 0.5 * a;
	double s = inner ? a : MMSB_SQRT(z);
	double v = MMSB_FMA(s, mmsb_el_asin_poly_f32(z), s);
	v = inner ? v : MMSB_FMA(-2.0, v, MMSB_EL_HALF_PI);
	return a <= 1.0 ? (float)mmsb_el_with_sign(v, d) : (x - x) / (x - x);
}

MMSB_EL_FN float mmsb_acos_f32(float x)
{
	double d = (double)x;
	double a = mmsb_el_abs(d);
	int inner = a < 0.5;
	double z = inner ? d * d : 0.5 - 0.5 * a;
	double s = inner ? d : MMSB_SQRT(z);
	double v = MMSB_FMA(s, mmsb_el_asin_poly_f32(z), s);
	double y = inner ? MMSB_EL_HALF_PI - v : 2.0 * v;
	y = d <= -0.5 ? 2.0 * MMSB_EL_HALF_PI - y : y;
	return a <= 1.0 ? (float)y : (x - x) / (x - x);
}

MMSB_EL_FN double mmsb_el_angle_of_f32(double up, double across, double side)
{
	int steep = up > across;
	double large = steep ? up : across;
	double small = steep ? across : up;
	int middle = small > MMSB_EL_TAN_EIGHTH_PI * large;
	double t = (middle ? small - large : small) / (middle ? small + large : large);
	double z = t * t;
	double quarters = middle ? 1.0 : 0.0;
	double p = 0x1.84a086710a308p-5;
	p = MMSB_FMA(p, z, -0x1.5b2fcc87021cbp-4);
	p = MMSB_FMA(p, z, 0x1.c463edc523bfep-4);
	p = MMSB_FMA(p, z, -0x1.247ed9c181424p-3);
	p = MMSB_FMA(p, z, 0x1.9999189bb8facp-3);
	p = MMSB_FMA(p, z, -0x1.555554c5fdc8bp-2);
	t = MMSB_FMA(t * z, p, t);
	quarters = steep ? 2.0 - quarters : quarters;
	quarters = side < 0.0 ? 4.0 - quarters : quarters;
	t = steep ? -t : t;
	t = side < 0.0 ? -t : t;
	return MMSB_FMA(quarters, 0.5 * MMSB_EL_HALF_PI, t);
}

MMSB_EL_FN float mmsb_atan_f32(float x)
{
	double d = (double)x;
	double a = mmsb_el_abs(d);
	double y = mmsb_el_angle_of_f32(a > 0x1p60 ? 0x1p60 : a, 1.0, 1.0);
	return x != x ? x : (float)mmsb_el_with_sign(y, d);
}

MMSB_EL_FN float mmsb_atan2_f32(float y, float x)
{
	double up = mmsb_el_abs((double)y);
	double across = mmsb_el_abs((double)x);
	double side = mmsb_el_with_sign(1.0, (double)x);
	int equal = up == across;
	double a;
	across = equal ? 1.0 : across;
	up = equal ? (up == 0.0 ? 0.0 : 1.0) : up;
	up = up == MMSB_EL_INF ? 0x1p500 : up;
	across = across == MMSB_EL_INF ? 0x1p500 : across;
	a = mmsb_el_angle_of_f32(up, across, side);
	return x != x || y != y ? x + y : (float)mmsb_el_with_sign(a, (double)y);
}

#endif
