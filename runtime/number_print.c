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
	static const double ten[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12};
	for (int k = 0; k <= 12; k++) {
		double scaled = value * ten[k];
		if (!(scaled < limit))
			return false;
		uint64_t m = (uint64_t)(scaled + 0.5);
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
	} else if (wide < 1e-5 || !few_decimals(wide, type == T_F64 ? 1e15 : 16777216.0, type, value, out, &n)) {
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
