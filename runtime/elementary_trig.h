/*
 * sin, cos, tan.
 *
 * Arguments up to 2^24 lose multiples of pi by three fused multiplications with the pieces of pi;
 * larger ones are multiplied by 1/pi modulo 2, as four doubles from a table with a row for each
 * 16 binary orders (Payne and Hanek's idea). Both ways give what is left as a pair. For |x| <= 2^24 the
 * _small functions are the same bits as the whole ones at a fifth of the time: whoever has a tile of
 * arguments asks mmsb_trig_small_TYPE and calls them for all of it.
 */
#ifndef MMSB_ELEMENTARY_TRIG_H
#define MMSB_ELEMENTARY_TRIG_H

#include "elementary_base.h"

#define MMSB_EL_INV_PI 0x1.45f306dc9c883p-2
#define MMSB_EL_PI_1 0x1.921fb54442d18p+1
#define MMSB_EL_PI_2 0x1.1a62633145c07p-53
#define MMSB_EL_PI_3 -0x1.f1976b7ed8fbcp-109

/* Up to here the _small functions hold. */
#define MMSB_EL_TRIG_SMALL 0x1p24

/* r + rl = x - n pi (or of that kind), the parity of n in the top bit of sign. */
typedef struct {
	double r;
	double rl;
	uint64_t sign;
} mmsb_el_angle;

/* x - n p, n of at most 26 bits or half of such, p = step * pi, step a power of two. */
MMSB_EL_FN mmsb_el_angle mmsb_el_angle_less(double x, double n, double step)
{
	mmsb_el_angle a;
	double m = n * step;
	double r1 = MMSB_FMA(-m, MMSB_EL_PI_1, x);     /* exact but for n = 1/2 */
	double e1 = x - MMSB_FMA(m, MMSB_EL_PI_1, r1); /* what that left out */
	mmsb_el_pair w = mmsb_el_product(m, MMSB_EL_PI_2);
	a.r = r1 - w.hi;
	a.rl = ((r1 - a.r) - w.hi) - w.lo;
	a.rl = MMSB_FMA(-m, MMSB_EL_PI_3, a.rl + e1);
	a.sign = 0u;
	return a;
}

/* 2^(16 q) / pi modulo 2 (in [-1, 1]), q = 0 .. 60, as sums of four doubles; from pi to 1400 bits. Infinities and nan look
 * at rows up to 62, which hold zeros: the result is nan. */
MMSB_EL_TABLE double mmsb_el_inv_pi_table[63][4] = {
	{0x1.45f306dc9c883p-2, -0x1.6b01ec5417056p-56, -0x1.6447e493ad4cep-110, 0x1.e21c820ff28b2p-164},
	{0x1.836e4e44152a0p-1, -0x1.ec54170565912p-56, 0x1.b6c52b3278872p-114, 0x1.07f9458eaf7afp-171},
	{-0x1.b1bbead603d8bp-1, 0x1.f47d4d377036ep-55, -0x1.d6a66c3bc6fbep-109, -0x1.ae9c5421443aap-169},
	{0x1.529fc2757d1f5p-5, 0x1.a6ee06db14acdp-60, -0x1.8778df7c035d4p-114, 0x1.d5ef5de2b0db9p-168},
	{0x1.fc2757d1f534ep-1, -0x1.1f924eb53361ep-56, 0x1.c820ff28b1d5fp-112, -0x1.443a9e48db91cp-169},
	{-0x1.505c1596447e5p-2, 0x1.b14acc9e21c82p-56, 0x1.fe5163abdebbcp-113, 0x1.586dc91b8e909p-167},
	{0x1.f534ddc0db629p-1, 0x1.664f10e4107f9p-55, 0x1.163abdebbc562p-109, -0x1.236e4716f6c8bp-163},
	{0x1.bb81b6c52b328p-2, -0x1.de37df00d74e3p-56, 0x1.7bd778ac36e49p-110, -0x1.1c5bdb22d1ffap-165},
	{0x1.b6c52b3278872p-2, 0x1.07f9458eaf7afp-59, -0x1.d4f246dc8e2dfp-116, 0x1.374b801924bbbp-171},
	{-0x1.6a66c3bc6fbe0p-1, -0x1.ae9c5421443aap-57, 0x1.b7246e3a424ddp-113, 0x1.700324977504fp-168},
	{0x1.3c439041fe516p-1, 0x1.d5ef5de2b0db9p-56, 0x1.1b8e909374b80p-111, 0x1.924bba8274648p-167},
	{-0x1.bef806ba71508p-3, -0x1.443a9e48db91cp-57, -0x1.6f6c8b47fe6dbp-111, -0x1.115f62e6de302p-165},
	{0x1.fe5163abdebbcp-1, 0x1.586dc91b8e909p-55, 0x1.ba5c00c925dd4p-110, 0x1.3a32439fc3bd6p-166},
	{0x1.63abdebbc561bp-1, 0x1.c91b8e909374cp-55, -0x1.ff9b6d115f62ep-109, -0x1.b78c0788538d4p-163},
	{-0x1.0a21d4f246dc9p-4, 0x1.d2126e9700325p-60, -0x1.a22bec5cdbc60p-114, -0x1.e214e34ed658cp-169},
	{-0x1.d4f246dc8e2dfp-4, 0x1.374b801924bbbp-59, -0x1.f62e6de301e21p-113, -0x1.38d3b5963045ep-167},
	{0x1.b7246e3a424ddp-1, 0x1.700324977504fp-56, -0x1.cdbc603c429c7p-110, 0x1.894d39f74411bp-164},
	{0x1.b8e909374b802p-3, -0x1.b6d115f62e6dep-57, -0x1.80f10a71a76b3p-112, 0x1.cfba208d7d4bbp-167},
	{-0x1.bdb22d1ff9b6dp-1, -0x1.15f62e6de301ep-57, -0x1.0a71a76b2c609p-112, 0x1.1046bea5d7689p-166},
	{0x1.d2e006492eea1p-1, -0x1.8b9b78c078854p-55, 0x1.cb129a73ee882p-109, 0x1.afa975da24275p-164},
	{0x1.924bba8274648p-7, 0x1.cfe1deb1cb12ap-61, -0x1.63045df7282b4p-115, -0x1.44bb7b16638fep-169},
	{0x1.2eea09d1921d0p-1, -0x1.e214e34ed658cp-57, -0x1.177dca0ad144cp-113, 0x1.213a671c09ad1p-167},
	{-0x1.f62e6de301e21p-1, -0x1.38d3b5963045ep-55, 0x1.1afa975da2427p-112, 0x1.338e04d68befdp-166},
	{0x1.921cfe1deb1cbp-1, 0x1.29a73ee88235fp-57, 0x1.4baed1213a672p-111, -0x1.fb29741037d8dp-166},
	{0x1.fc3bd63962535p-2, -0x1.822efb9415a29p-58, 0x1.a24274ce38136p-112, -0x1.741037d8cdc54p-166},
	{0x1.eb1cb129a73efp-1, -0x1.df7282b4512eep-55, 0x1.3a671c09ad17ep-111, -0x1.bec66e29c67cbp-169},
	{0x1.62534e7dd1047p-2, -0x1.0568a25dbd8b3p-56, -0x1.c7eca5d040df6p-112, -0x1.9b8a719f2b318p-167},
	{0x1.a73ee88235f53p-1, -0x1.44bb7b16638fep-57, 0x1.ad17df904e647p-111, 0x1.639835339f49dp-165},
	{-0x1.177dca0ad144cp-1, 0x1.213a671c09ad1p-55, 0x1.f7e413991d63ap-109, -0x1.f2b3182d8dee8p-163},
	{-0x1.ca0ad144bb7b1p-1, -0x1.98e3f652e8207p-55, 0x1.3991d63983534p-113, -0x1.82d8dee81d108p-167},
	{0x1.2ebb4484e99c7p-1, 0x1.35a2fbf209cc9p-60, -0x1.4e33e566305b2p-116, 0x1.08bf177bf2507p-170},
	{-0x1.76f62cc71fb29p-2, -0x1.d040df633714ep-56, -0x1.9f2b3182d8defp-111, 0x1.f8bbdf9283b20p-165},
	{0x1.d338e04d68bf0p-2, -0x1.bec66e29c67cbp-57, 0x1.9cfa4e422fc5ep-112, -0x1.036be27003b40p-168},
	{0x1.c09ad17df904ep-3, 0x1.91d639835339fp-57, 0x1.272117e2ef7e5p-111, -0x1.7c4e007680022p-165},
	{-0x1.4ba081bec66e3p-1, 0x1.8e60d4ce7d272p-55, 0x1.17e2ef7e4a0ecp-111, 0x1.ff897ffde0598p-165},
	{-0x1.037d8cdc538d0p-2, 0x1.a99cfa4e422fcp-56, 0x1.77bf250763ff1p-110, 0x1.7ffde05980fefp-165},
	{0x1.3991d63983534p-1, -0x1.82d8dee81d108p-55, -0x1.b5f13801da001p-111, 0x1.e05980fef2f12p-165},
	{0x1.d639835339f4ap-1, -0x1.bdd03a21036bep-56, -0x1.3801da00087eap-111, 0x1.80fef2f118b5ap-165},
	{0x1.835339f49c846p-1, -0x1.d1081b5f13802p-59, 0x1.2fffbc0b301fep-114, -0x1.a1dce94beb25cp-170},
	{-0x1.8c16c6f740e88p-2, -0x1.036be27003b40p-56, -0x1.0fd33f8086877p-116, -0x1.d297d64b824b2p-171},
	{0x1.3908bf177bf25p-2, 0x1.d8ffc4bffef03p-60, -0x1.9fc04343b9d29p-115, -0x1.f592e092c9813p-169},
	{0x1.7e2ef7e4a0ec8p-3, -0x1.da00087e99fc0p-63, -0x1.0d0ee74a5f593p-117, 0x1.f6d367ecf27cbp-173},
	{-0x1.081b5f13801dap-3, -0x1.0fd33f8086877p-68, -0x1.d297d64b824b2p-123, -0x1.8130d834f648bp-177},
	{0x1.283b1ff897ffep-1, -0x1.fa67f010d0ee7p-57, -0x1.297d64b824b26p-111, -0x1.30d834f648b0cp-169},
	{-0x1.c00ed00043f4dp-2, 0x1.fde5e2316b415p-62, -0x1.2e092c98130d8p-117, -0x1.a7b24585ce04dp-172},
	{0x1.2fffbc0b301fep-2, -0x1.a1dce94beb25cp-58, -0x1.25930261b069fp-114, 0x1.b74f463f669e6p-169},
	{-0x1.0fd33f8086877p-4, -0x1.d297d64b824b2p-59, -0x1.8130d834f648bp-113, -0x1.738132c3402bap-170},
	{0x1.980fef2f118b6p-1, -0x1.7d64b824b2605p-55, 0x1.e4f96136e9e8cp-110, 0x1.fb34f2ff516bbp-164},
	{-0x1.0d0ee74a5f593p-5, 0x1.f6d367ecf27cbp-61, 0x1.36e9e8c7ecd3dp-118, -0x1.00ae9456c229cp-172},
	{-0x1.dce94beb25c12p-2, -0x1.64c0986c1a7b2p-56, -0x1.161738132c340p-110, -0x1.5d28ad8453814p-165},
	{-0x1.4beb25c125930p-2, -0x1.30d834f648b0cp-57, 0x1.8fd9a797fa8b6p-111, -0x1.5b08a7028341dp-166},
	{-0x1.92e092c98130ep-1, 0x1.f2c26dd3d18fep-55, -0x1.961a015d28ad8p-109, -0x1.14e050683a131p-163},
	{-0x1.25930261b069fp-2, 0x1.b74f463f669e6p-57, -0x1.5d28ad8453814p-117, -0x1.a0e84c2f8c608p-173},
	{-0x1.8130d834f648bp-1, -0x1.738132c3402bap-58, -0x1.456c229c0a0d0p-112, -0x1.d0985f18c10ebp-166},
	{-0x1.b069ec9161738p-2, -0x1.32c3402ba515bp-58, -0x1.14e050683a131p-115, 0x1.0739f78a5292fp-169},
	{-0x1.ec9161738132cp-2, -0x1.a015d28ad8454p-57, 0x1.faf97c5ecf41dp-111, -0x1.821d6b5b45650p-167},
	{-0x1.61738132c3403p-2, 0x1.16ba93dd63f5fp-56, 0x1.7c5ecf41ce7dep-111, 0x1.4a525d4d7f6bfp-166},
	{-0x1.c09961a015d29p-1, 0x1.49eeb1faf97c6p-55, -0x1.30be31821d6b6p-111, 0x1.2ea6bfb5fb120p-165},
	{-0x1.61a015d28ad84p-1, -0x1.4e050683a130cp-55, 0x1.ce7de294a4baap-111, -0x1.404a04ee072a3p-165},
	{-0x1.5d28ad8453814p-5, -0x1.a0e84c2f8c608p-61, -0x1.d6b5b45650128p-115, -0x1.3b81ca8bdea7fp-171},
	{0x1.7527bac7ebe5fp-1, 0x1.7b3d0739f78a5p-57, 0x1.497535fdafd89p-112, -0x1.ca8bdea7f33eep-171},
};

/* The row for x = scaled * 2^(16 q), where scaled must be an integer unless q = 0. */
typedef struct {
	int64_t q;
	double scaled;
} mmsb_el_turn_row;

/* For x a multiple of 2^(e - digits), e its exponent. */
MMSB_EL_FN mmsb_el_turn_row mmsb_el_turn_row_of(double x, uint64_t digits)
{
	uint64_t u = mmsb_el_bits(x);
	uint64_t over = ((u >> 52) & 0x7ffu) - (digits + 1023u);
	mmsb_el_turn_row t;
	over &= (over >> 63) - 1u; /* 0 where that is negative */
	over >>= 4;
	t.q = (int64_t)over;
	t.scaled = mmsb_el_double(u - (over << 56));
	return t;
}

/*
 * x / pi + shift modulo 2 for |x| >= 2^24: the fraction in [-1/2, 1/2] as a pair r + rl, the parity of
 * the rest as sign. shift is 0 or -1/2.
 */
MMSB_EL_FN mmsb_el_angle mmsb_el_turns(double x, double shift)
{
	mmsb_el_turn_row row = mmsb_el_turn_row_of(x, 52u);
	int64_t q = row.q;
	double xs = row.scaled;
	mmsb_el_pair p0 = mmsb_el_product(xs, mmsb_el_inv_pi_table[q][0]);
	mmsb_el_pair p1 = mmsb_el_product(xs, mmsb_el_inv_pi_table[q][1]);
	mmsb_el_pair p2 = mmsb_el_product(xs, mmsb_el_inv_pi_table[q][2]);
	double p3 = xs * mmsb_el_inv_pi_table[q][3];
	mmsb_el_pair a, b, c, d, g, h;
	mmsb_el_angle angle;
	double t0, t1, t2, t3, low;
	/* Multiples of 2^24 go first: p0 may reach 2^70. */
	p0.hi -= (p0.hi + 0x1.8p76) - 0x1.8p76;
	t0 = p0.hi + MMSB_EL_MAGIC;
	t1 = p0.lo + MMSB_EL_MAGIC;
	t2 = p1.hi + MMSB_EL_MAGIC;
	a = mmsb_el_sum(p0.hi - (t0 - MMSB_EL_MAGIC), shift);
	b = mmsb_el_sum(a.hi, p0.lo - (t1 - MMSB_EL_MAGIC));
	c = mmsb_el_sum(b.hi, p1.hi - (t2 - MMSB_EL_MAGIC));
	t3 = c.hi + MMSB_EL_MAGIC;
	c.hi -= t3 - MMSB_EL_MAGIC;
	/* a.lo, b.lo, c.lo, p1.lo and p2.hi are below 2^-36, the rest below 2^-88 */
	b = mmsb_el_sum(b.lo, c.lo);
	d = mmsb_el_sum(b.hi, p1.lo);
	g = mmsb_el_sum(d.hi, p2.hi);
	h = mmsb_el_sum(c.hi, g.hi);
	low = (b.lo + d.lo) + (g.lo + p2.lo) + (p3 + a.lo);
	h = mmsb_el_fast_sum(h.hi, h.lo + low);
	angle.r = h.hi;
	angle.rl = h.lo;
	angle.sign = (mmsb_el_bits(t0) + mmsb_el_bits(t1) + mmsb_el_bits(t2) + mmsb_el_bits(t3)) << 63;
	return angle;
}

/* (r + rl) * pi * scale as a pair, scale a power of two. */
MMSB_EL_FN mmsb_el_angle mmsb_el_turns_to_angle(mmsb_el_angle t, double scale)
{
	mmsb_el_pair w = mmsb_el_product(t.r, MMSB_EL_PI_1 * scale);
	w.lo += MMSB_FMA(t.r, MMSB_EL_PI_2 * scale, t.rl * (MMSB_EL_PI_1 * scale));
	t.r = w.hi;
	t.rl = w.lo;
	return t;
}

/*
 * sin(r + rl) with the sign turned by a.sign, |r| <= 1.5709: error of the polynomial 2^-61.6.
 * Towards pi/2 the terms r and r^3 / 6 are of the size of the result, so r^3 is kept as a pair and
 * their sum too; rl counts for about cos r, 1 - (2 r / pi)^2.
 */
MMSB_EL_FN double mmsb_el_sin_kernel(mmsb_el_angle a)
{
	double z = a.r * a.r;
	double zl = MMSB_FMA(a.r, a.r, -z);
	double cube = z * a.r;
	double cube_lo = MMSB_FMA(zl, a.r, MMSB_FMA(z, a.r, -cube));
	double head = MMSB_FMA(cube, -0x1.5555555555555p-3, a.r);
	double rest = MMSB_FMA(cube, -0x1.5555555555555p-3, a.r - head);
	double p = 0x1.883bf70329b0ap-49;
	p = MMSB_FMA(p, z, -0x1.ae43db6f91342p-41);
	p = MMSB_FMA(p, z, 0x1.6123ce4d97a2fp-33);
	p = MMSB_FMA(p, z, -0x1.ae6454d955e07p-26);
	p = MMSB_FMA(p, z, 0x1.71de3a52aaaa3p-19);
	p = MMSB_FMA(p, z, -0x1.a01a01a014eb5p-13);
	p = MMSB_FMA(p, z, 0x1.11111111110c9p-7);
	rest = MMSB_FMA(cube_lo, -0x1.5555555555555p-3, rest);
	rest = MMSB_FMA(a.rl, MMSB_FMA(-0x1.9f02f6222c720p-2, z, 1.0), rest);
	p = head + MMSB_FMA(cube, z * p, rest);
	return mmsb_el_double(mmsb_el_bits(p) ^ a.sign);
}

MMSB_EL_FN mmsb_el_angle mmsb_el_sin_angle(double x)
{
	double t = MMSB_FMA(x, MMSB_EL_INV_PI, MMSB_EL_MAGIC);
	mmsb_el_angle a = mmsb_el_angle_less(x, t - MMSB_EL_MAGIC, 1.0);
	a.sign = mmsb_el_bits(t) << 63;
	return a;
}

/* cos x = -(-1)^k sin(x - (k + 1/2) pi) */
MMSB_EL_FN mmsb_el_angle mmsb_el_cos_angle(double x)
{
	double t = MMSB_FMA(x, MMSB_EL_INV_PI, -0.5) + MMSB_EL_MAGIC;
	mmsb_el_angle a = mmsb_el_angle_less(x, (t - MMSB_EL_MAGIC) + 0.5, 1.0);
	a.sign = (mmsb_el_bits(t) << 63) ^ MMSB_EL_SIGN;
	return a;
}

MMSB_EL_FN double mmsb_sin_small_f64(double x)
{
	double y = mmsb_el_sin_kernel(mmsb_el_sin_angle(x));
	return x == 0.0 ? x : y;
}

MMSB_EL_FN double mmsb_cos_small_f64(double x)
{
	return mmsb_el_sin_kernel(mmsb_el_cos_angle(x));
}

/*
 * small where |x| <= 2^24, large elsewhere. By masks and not by ?:, of which compilers make a branch around the
 * loads from the table, which keeps them from vectorising.
 */
MMSB_EL_FN mmsb_el_angle mmsb_el_angle_select(double x, mmsb_el_angle small, mmsb_el_angle large)
{
	uint64_t beyond = 0u - ((mmsb_el_bits(MMSB_EL_TRIG_SMALL) - mmsb_el_bits(mmsb_el_abs(x))) >> 63);
	mmsb_el_angle a;
	a.r = mmsb_el_double((mmsb_el_bits(small.r) & ~beyond) | (mmsb_el_bits(large.r) & beyond));
	a.rl = mmsb_el_double((mmsb_el_bits(small.rl) & ~beyond) | (mmsb_el_bits(large.rl) & beyond));
	a.sign = (small.sign & ~beyond) | (large.sign & beyond);
	return a;
}

MMSB_EL_FN double mmsb_sin_f64(double x)
{
	mmsb_el_angle large = mmsb_el_turns_to_angle(mmsb_el_turns(x, 0.0), 1.0);
	double y = mmsb_el_sin_kernel(mmsb_el_angle_select(x, mmsb_el_sin_angle(x), large));
	y = x == 0.0 ? x : y;
	return mmsb_el_abs(x) < MMSB_EL_INF ? y : x - x;
}

MMSB_EL_FN double mmsb_cos_f64(double x)
{
	mmsb_el_angle large = mmsb_el_turns_to_angle(mmsb_el_turns(x, -0.5), 1.0);
	double y;
	large.sign ^= MMSB_EL_SIGN;
	y = mmsb_el_sin_kernel(mmsb_el_angle_select(x, mmsb_el_cos_angle(x), large));
	return mmsb_el_abs(x) < MMSB_EL_INF ? y : x - x;
}

/*
 * tan(r + rl), or -1 / tan for odd quarters (top bit of a.sign), |r| <= pi / 4, as sine over
 * cosine, each a pair. Errors of the polynomials: sine 2^-62.9, cosine 2^-63.9.
 */
MMSB_EL_FN double mmsb_el_tan_kernel(mmsb_el_angle a)
{
	double z = a.r * a.r;
	double half = 0.5 * z;
	mmsb_el_pair s, c, num, den;
	double p, q;
	int odd = (a.sign >> 63) != 0u;
	{
		p = -0x1.a55de05fe6ba1p-41;
		p = MMSB_FMA(p, z, 0x1.6114a7f5e6ca7p-33);
		p = MMSB_FMA(p, z, -0x1.ae643d465f38ap-26);
		p = MMSB_FMA(p, z, 0x1.71de3a401ac6dp-19);
		p = MMSB_FMA(p, z, -0x1.a01a01a006d92p-13);
		p = MMSB_FMA(p, z, 0x1.111111111108bp-7);
		p = MMSB_FMA(p, z, -0x1.5555555555555p-3);
	}
	{
		q = -0x1.8fa681e385241p-37;
		q = MMSB_FMA(q, z, 0x1.1ee9dbd0d86a6p-29);
		q = MMSB_FMA(q, z, -0x1.27e4f7f19d4b2p-22);
		q = MMSB_FMA(q, z, 0x1.a01a019c8f3eep-16);
		q = MMSB_FMA(q, z, -0x1.6c16c16c15016p-10);
		q = MMSB_FMA(q, z, 0x1.555555555554bp-5);
	}
	s = mmsb_el_fast_sum(a.r, MMSB_FMA(p * z, a.r, a.rl * (1.0 - half)));
	c.hi = 1.0 - half;
	c.lo = ((1.0 - c.hi) - half) + MMSB_FMA(z * z, q, MMSB_FMA(a.r, -a.rl, -0.5 * MMSB_FMA(a.r, a.r, -z)));
	c = mmsb_el_fast_sum(c.hi, c.lo);
	num.hi = odd ? -c.hi : s.hi;
	num.lo = odd ? -c.lo : s.lo;
	den.hi = odd ? s.hi : c.hi;
	den.lo = odd ? s.lo : c.lo;
	return mmsb_el_quotient(num, den);
}

/* x - n pi/2, odd n marked in the top bit of sign. */
MMSB_EL_FN mmsb_el_angle mmsb_el_tan_angle(double x)
{
	double t = MMSB_FMA(x, 2.0 * MMSB_EL_INV_PI, MMSB_EL_MAGIC);
	mmsb_el_angle a = mmsb_el_angle_less(x, t - MMSB_EL_MAGIC, 0.5);
	a.sign = mmsb_el_bits(t) << 63;
	return a;
}

MMSB_EL_FN mmsb_el_angle mmsb_el_tan_large(double x)
{
	mmsb_el_angle a = mmsb_el_turns(x, 0.0);
	double t = 2.0 * a.r + MMSB_EL_MAGIC;
	mmsb_el_pair h = mmsb_el_fast_sum(2.0 * a.r - (t - MMSB_EL_MAGIC), 2.0 * a.rl);
	a.r = h.hi;
	a.rl = h.lo;
	a = mmsb_el_turns_to_angle(a, 0.5);
	a.sign = mmsb_el_bits(t) << 63;
	return a;
}

MMSB_EL_FN double mmsb_tan_small_f64(double x)
{
	double y = mmsb_el_tan_kernel(mmsb_el_tan_angle(x));
	return mmsb_el_abs(x) < 0x1p-30 ? x : y;
}

MMSB_EL_FN double mmsb_tan_f64(double x)
{
	mmsb_el_angle a = mmsb_el_angle_select(x, mmsb_el_tan_angle(x), mmsb_el_tan_large(x));
	double y = mmsb_el_tan_kernel(a);
	y = mmsb_el_abs(x) < 0x1p-30 ? x : y;
	return mmsb_el_abs(x) < MMSB_EL_INF ? y : x - x;
}

/* Single precision, in double. */

/* sin on |r| <= 1.5709: error 2^-27.3. A zero keeps its sign. */
MMSB_EL_FN float mmsb_el_sin_kernel_f32(double r, uint64_t sign)
{
	double z = r * r;
	double p = 0x1.5dbd43507a84cp-19;
	p = MMSB_FMA(p, z, -0x1.9f6ff352c5681p-13);
	p = MMSB_FMA(p, z, 0x1.110ed34521d1fp-7);
	p = MMSB_FMA(p, z, -0x1.55554bc6e334ep-3);
	p = r * MMSB_FMA(p, z, 1.0);
	return (float)mmsb_el_double(mmsb_el_bits(p) ^ sign);
}

MMSB_EL_FN mmsb_el_angle mmsb_el_angle_less_f32(double x, double n, double step)
{
	mmsb_el_angle a;
	double m = n * step;
	a.r = MMSB_FMA(-m, MMSB_EL_PI_2, MMSB_FMA(-m, MMSB_EL_PI_1, x));
	a.rl = 0.0;
	a.sign = 0u;
	return a;
}

/*
 * scale * x / pi modulo 2 for a float x, |x| >= 2^24, and scale 1 or 2: two doubles of the row are enough, since
 * scaled has 24 bits and is below 2^40, so that the first product leaves an exact fraction r and the
 * rest, rl, is below 2^-11 and right to 2^-64.
 */
MMSB_EL_FN mmsb_el_angle mmsb_el_turns_f32(double x, double scale)
{
	mmsb_el_turn_row row = mmsb_el_turn_row_of(x, 24u);
	double scaled = row.scaled * scale;
	mmsb_el_pair p = mmsb_el_product(scaled, mmsb_el_inv_pi_table[row.q][0]);
	double t = p.hi + MMSB_EL_MAGIC;
	mmsb_el_angle a;
	a.r = p.hi - (t - MMSB_EL_MAGIC);
	a.rl = MMSB_FMA(scaled, mmsb_el_inv_pi_table[row.q][1], p.lo);
	a.sign = mmsb_el_bits(t) << 63;
	return a;
}

MMSB_EL_FN mmsb_el_angle mmsb_el_sin_large_f32(double x)
{
	mmsb_el_angle a = mmsb_el_turns_f32(x, 1.0);
	a.r = (a.r + a.rl) * MMSB_EL_PI_1;
	return a;
}

MMSB_EL_FN mmsb_el_angle mmsb_el_cos_large_f32(double x)
{
	mmsb_el_angle a = mmsb_el_turns_f32(x, 1.0);
	double g = a.r - 0.5;
	double t = g + MMSB_EL_MAGIC;
	a.r = ((g - (t - MMSB_EL_MAGIC)) + a.rl) * MMSB_EL_PI_1;
	a.sign ^= (mmsb_el_bits(t) << 63) ^ MMSB_EL_SIGN;
	return a;
}

MMSB_EL_FN mmsb_el_angle mmsb_el_tan_large_f32(double x)
{
	mmsb_el_angle a = mmsb_el_turns_f32(x, 2.0);
	a.r = (a.r + a.rl) * (0.5 * MMSB_EL_PI_1);
	return a;
}

MMSB_EL_FN mmsb_el_angle mmsb_el_sin_angle_f32(double x)
{
	double t = MMSB_FMA(x, MMSB_EL_INV_PI, MMSB_EL_MAGIC);
	mmsb_el_angle a = mmsb_el_angle_less_f32(x, t - MMSB_EL_MAGIC, 1.0);
	a.sign = mmsb_el_bits(t) << 63;
	return a;
}

MMSB_EL_FN mmsb_el_angle mmsb_el_cos_angle_f32(double x)
{
	double t = MMSB_FMA(x, MMSB_EL_INV_PI, -0.5) + MMSB_EL_MAGIC;
	mmsb_el_angle a = mmsb_el_angle_less_f32(x, (t - MMSB_EL_MAGIC) + 0.5, 1.0);
	a.sign = (mmsb_el_bits(t) << 63) ^ MMSB_EL_SIGN;
	return a;
}

MMSB_EL_FN float mmsb_sin_small_f32(float x)
{
	mmsb_el_angle a = mmsb_el_sin_angle_f32((double)x);
	return mmsb_el_sin_kernel_f32(a.r, a.sign);
}

MMSB_EL_FN float mmsb_cos_small_f32(float x)
{
	mmsb_el_angle a = mmsb_el_cos_angle_f32((double)x);
	return mmsb_el_sin_kernel_f32(a.r, a.sign);
}

MMSB_EL_FN float mmsb_sin_f32(float x)
{
	double d = (double)x;
	mmsb_el_angle a = mmsb_el_angle_select(d, mmsb_el_sin_angle_f32(d), mmsb_el_sin_large_f32(d));
	float y;
	y = mmsb_el_sin_kernel_f32(a.r, a.sign);
	return mmsb_el_abs(d) < MMSB_EL_INF ? y : x - x;
}

MMSB_EL_FN float mmsb_cos_f32(float x)
{
	double d = (double)x;
	mmsb_el_angle a = mmsb_el_angle_select(d, mmsb_el_cos_angle_f32(d), mmsb_el_cos_large_f32(d));
	float y;
	y = mmsb_el_sin_kernel_f32(a.r, a.sign);
	return mmsb_el_abs(d) < MMSB_EL_INF ? y : x - x;
}

/* Errors of the polynomials on |r| <= pi / 4: sine 2^-37.5, cosine 2^-33.0. */
MMSB_EL_FN float mmsb_el_tan_kernel_f32(mmsb_el_angle a)
{
	double z = a.r * a.r;
	double s, c, p, q;
	int odd = (a.sign >> 63) != 0u;
	{
		p = 0x1.6cd19d00f108bp-19;
		p = MMSB_FMA(p, z, -0x1.a00f7dc2ed4a2p-13);
		p = MMSB_FMA(p, z, 0x1.11110868a69f4p-7);
		p = MMSB_FMA(p, z, -0x1.5555554c6f717p-3);
	}
	{
		q = 0x1.99eb3241e5ef1p-16;
		q = MMSB_FMA(q, z, -0x1.6c0c323c54291p-10);
		q = MMSB_FMA(q, z, 0x1.55554a0f12643p-5);
	}
	s = MMSB_FMA(p * z, a.r, a.r);
	c = MMSB_FMA(z, MMSB_FMA(z, q, -0.5), 1.0);
	return (float)((odd ? -c : s) / (odd ? s : c));
}

MMSB_EL_FN mmsb_el_angle mmsb_el_tan_angle_f32(double x)
{
	double t = MMSB_FMA(x, 2.0 * MMSB_EL_INV_PI, MMSB_EL_MAGIC);
	mmsb_el_angle a = mmsb_el_angle_less_f32(x, t - MMSB_EL_MAGIC, 0.5);
	a.sign = mmsb_el_bits(t) << 63;
	return a;
}

MMSB_EL_FN float mmsb_tan_small_f32(float x)
{
	float y = mmsb_el_tan_kernel_f32(mmsb_el_tan_angle_f32((double)x));
	return x == 0.0f ? x : y;
}

MMSB_EL_FN float mmsb_tan_f32(float x)
{
	double d = (double)x;
	mmsb_el_angle a = mmsb_el_angle_select(d, mmsb_el_tan_angle_f32(d), mmsb_el_tan_large_f32(d));
	float y = mmsb_el_tan_kernel_f32(a);
	y = x == 0.0f ? x : y;
	return mmsb_el_abs(d) < MMSB_EL_INF ? y : x - x;
}

/* Whether the _small functions hold for a whole tile, nan and infinity not. */
MMSB_EL_FN int mmsb_trig_small_f64(const double *x, uint64_t n)
{
	uint64_t beyond = 0u;
	uint64_t i;
	for (i = 0; i < n; i++)
		beyond |= mmsb_el_bits(MMSB_EL_TRIG_SMALL) - (mmsb_el_bits(x[i]) & ~MMSB_EL_SIGN);
	return beyond >> 63 == 0u;
}

MMSB_EL_FN int mmsb_trig_small_f32(const float *x, uint64_t n)
{
	uint32_t beyond = 0u;
	uint64_t i;
	for (i = 0; i < n; i++)
		beyond |= mmsb_el_bitsf((float)MMSB_EL_TRIG_SMALL) - (mmsb_el_bitsf(x[i]) & 0x7fffffffu);
	return beyond >> 31 == 0u;
}

#endif
