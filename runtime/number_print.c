/* Numbers as text: the shortest form that reads back to the same bits. */
#include "number.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t number_print_u64(char *out, uint64_t value)
{
	char digits[20];
	size_t n = 0;
	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value != 0);
	for (size_t i = 0; i < n; i++)
		out[i] = digits[n - 1 - i];
	return n;
}

/* The digits d1 d2 ... dn, which stand for d1.d2...dn * 10^exponent, with a point or an exponent where one is needed. */
static size_t lay_out(char *out, const char *digits, size_t n, int exponent)
{
	char *p = out;
	while (n > 1 && digits[n - 1] == '0')
		n--;
	if (exponent < -5 || exponent > 15) {
		*p++ = digits[0];
		if (n > 1) {
			*p++ = '.';
			memcpy(p, digits + 1, n - 1);
			p += n - 1;
		}
		*p++ = 'e';
		if (exponent < 0)
			*p++ = '-';
		p += number_print_u64(p, (uint64_t)(exponent < 0 ? -exponent : exponent));
		return (size_t)(p - out);
	}
	if (exponent < 0) {
		memcpy(p, "0.000000", 8);
		p += 1 - exponent;
		memcpy(p, digits, n);
		return (size_t)(p - out) + n;
	}
	size_t whole = (size_t)exponent + 1;
	for (size_t i = 0; i < whole; i++)
		*p++ = i < n ? digits[i] : '0';
	if (n > whole) {
		*p++ = '.';
		memcpy(p, digits + whole, n - whole);
		p += n - whole;
	}
	return (size_t)(p - out);
}

static bool reads_back(const char *text, size_t n, unsigned type, uint64_t bits)
{
	scalar back;
	return number_parse(text, text + n, type, NUMBER_STRICT, &back) == NUMBER_OK && back.bits == bits;
}

/* Few decimals: the whole number m with m / 10^k equal to the value, for the least k. m has at most `most_digits` digits, so no
 * shorter number is as near. */
static bool few_decimals(double value, double limit, unsigned type, scalar wanted, char *out, size_t *n)
{
	static const double ten[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
	for (int k = 0; k <= 6; k++) {
		double scaled = value * ten[k];
		if (!(scaled < limit))
			return false;
		uint64_t m = (uint64_t)(scaled + 0.5);
		m -= m % 2 == 1 && (double)m - scaled == 0.5; /* of two as near, the even one */
		double back = (double)m / ten[k];
		if (type == T_F64 ? back != value : (float)back != wanted.F32)
			continue;
		char digits[20];
		size_t count = number_print_u64(digits, m);
		*n = lay_out(out, digits, count, (int)count - 1 - k);
		return type == T_F64 || reads_back(out, *n, type, wanted.bits);
	}
	return false;
}

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 u128;

/* A positive value as significand * 2^exponent, and what reads back to it, seen from there in units of a quarter of the last bit: from
 * `below` under it to `above` over it, the ends taken in or not. */
typedef struct binary {
	uint64_t significand;
	int exponent;
	unsigned below, above;
	bool ends;
} binary;

static binary take_apart(unsigned type, scalar value)
{
	unsigned width = type == T_F64 ? 52 : 23;
	int field = (int)(value.bits >> width), bias = type == T_F64 ? 1075 : 150;
	uint64_t fraction = value.bits & ((UINT64_C(1) << width) - 1);
	binary b = {field > 0 ? fraction | UINT64_C(1) << width : fraction, (field > 0 ? field : 1) - bias, 2, 2, fraction % 2 == 0};
	if (fraction == 0 && field > 1) /* the floats below a power of two stand closer */
		b.below = 1;
	return b;
}

/* The multiple of 10^j that is nearest to x / 2^t (of two the even one) among those that read back: *q times 10^j. */
static bool nearest_multiple(u128 x, int t, uint64_t ten_j, u128 below, u128 above, bool ends, uint64_t *q)
{
	uint64_t low = (uint64_t)(x >> t) / ten_j;
	u128 down = x - ((u128)(low * ten_j) << t), up = ((u128)((low + 1) * ten_j) << t) - x;
	bool low_fits = ends ? down <= below : down < below, high_fits = ends ? up <= above : up < above;
	bool high_nearer = up < down || (up == down && low % 2 == 1);
	*q = high_fits && (!low_fits || high_nearer) ? low + 1 : low;
	return low_fits || high_fits;
}

/* The shortest digits in exact integers: the value times 10^k, which has as many digits as are ever needed, is x / 2^t. False for
 * values so large or small that 128 bits do not hold it. */
static bool exact_digits(unsigned type, scalar value, char *out, size_t *n)
{
	static const uint64_t five[28] = {
		UINT64_C(1), UINT64_C(5), UINT64_C(25), UINT64_C(125), UINT64_C(625), UINT64_C(3125), UINT64_C(15625),
		UINT64_C(78125), UINT64_C(390625), UINT64_C(1953125), UINT64_C(9765625), UINT64_C(48828125), UINT64_C(244140625),
		UINT64_C(1220703125), UINT64_C(6103515625), UINT64_C(30517578125), UINT64_C(152587890625), UINT64_C(762939453125),
		UINT64_C(3814697265625), UINT64_C(19073486328125), UINT64_C(95367431640625), UINT64_C(476837158203125),
		UINT64_C(2384185791015625), UINT64_C(11920928955078125), UINT64_C(59604644775390625), UINT64_C(298023223876953125),
		UINT64_C(1490116119384765625), UINT64_C(7450580596923828125)};
	binary b = take_apart(type, value);
	uint64_t limit = type == T_F64 ? UINT64_C(100000000000000000) : UINT64_C(1000000000);
	int log2 = 63 - __builtin_clzll(b.significand) + b.exponent;
	int k = (type == T_F64 ? 16 : 8) - (log2 * 1233 >> 12);
	if (k < 0 || k > 27 || -(b.exponent + k) + 2 < 0)
		return false;
	if ((u128)b.significand * five[k] * 4 >> (2 - b.exponent - k) >= limit)
		k--;
	int t = 2 - b.exponent - k;
	if (k < 0 || t > 127)
		return false;
	u128 x = (u128)b.significand * five[k] * 4;
	uint64_t best = 0, q = 0, ten_j = 1;
	int zeros = 0;
	if (!nearest_multiple(x, t, 1, (u128)five[k] * b.below, (u128)five[k] * b.above, b.ends, &best))
		return false;
	for (int j = 1; j < 17; j++) {
		ten_j *= 10;
		if (!nearest_multiple(x, t, ten_j, (u128)five[k] * b.below, (u128)five[k] * b.above, b.ends, &q))
			break;
		best = q;
		zeros = j;
	}
	char digits[20];
	size_t count = number_print_u64(digits, best);
	*n = lay_out(out, digits, count, (int)count - 1 + zeros - k);
	return true;
}
#else
static bool exact_digits(unsigned type, scalar value, char *out, size_t *n)
{
	(void)type;
	(void)value;
	(void)out;
	(void)n;
	return false;
}
#endif

/* The digits of the C library, with as many as it takes. */
static size_t any_digits(char *out, double value, unsigned type, scalar wanted)
{
	int most = type == T_F64 ? 17 : 9, least = type == T_F64 ? 15 : 6;
	size_t n = 0;
	if (value < (type == T_F64 ? DBL_MIN : (double)FLT_MIN))
		least = 1; /* the smaller, the fewer bits there are */
	for (int precision = least; precision <= most; precision++) {
		char text[40], digits[24];
		snprintf(text, sizeof text, "%.*e", precision - 1, value);
		size_t count = 0;
		const char *p = text;
		for (; *p != 'e'; p++)
			if (*p >= '0' && *p <= '9') /* the point may be another character */
				digits[count++] = *p;
		n = lay_out(out, digits, count, atoi(p + 1));
		if (precision == most || reads_back(out, n, type, wanted.bits))
			break;
	}
	return n;
}

static size_t print_real(char *out, unsigned type, scalar value)
{
	double wide = type == T_F64 ? value.F64 : (double)value.F32;
	if (isnan(wide)) {
		memcpy(out, "nan", 3);
		return 3;
	}
	size_t sign = signbit(wide) != 0;
	out[0] = '-';
	out += sign;
	if (isinf(wide)) {
		memcpy(out, "inf", 3);
		return sign + 3;
	}
	wide = fabs(wide);
	if (type == T_F64)
		value.F64 = wide;
	else
		value.F32 = (float)wide;
	size_t n;
	if (wide == 0) {
		out[0] = '0';
		n = 1;
	} else if ((wide < 1e-5 || !few_decimals(wide, type == T_F64 ? 1e15 : 16777216.0, type, value, out, &n)) &&
	           !exact_digits(type, value, out, &n)) {
		n = any_digits(out, wide, type, value);
	}
	return sign + n;
}

size_t number_print(char *out, unsigned type, scalar value)
{
	if (type == T_BOOL) {
		const char *word = value.BOOL ? "true" : "false";
		size_t n = strlen(word);
		memcpy(out, word, n);
		return n;
	}
	if (type_table[type].kind == KIND_F)
		return print_real(out, type, value);
	uint64_t bits = value.bits;
	unsigned width = type_table[type].bytes * 8u;
	if (type_table[type].kind == KIND_S && bits >> (width - 1) != 0) {
		*out = '-';
		uint64_t low = UINT64_MAX >> (64 - width);
		return 1 + number_print_u64(out + 1, (0 - bits) & low);
	}
	return number_print_u64(out, bits);
}
