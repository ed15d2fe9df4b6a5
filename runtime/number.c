/* Numbers as text. Most numbers in data files have few digits and small exponents: those are read with one exact
 * multiplication or division. The rest goes through the C library with the decimal point of the C locale. */
#define _GNU_SOURCE /* strtod_l */
#include "number.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A number as it is written: (-1)^negative * mantissa * 10^exponent. */
typedef struct decimal {
	const char *first;   /* the first digit, for those that mantissa does not hold */
	uint64_t mantissa;   /* of the first 19 significant digits */
	int64_t exponent;
	bool negative, hex;
	bool real;           /* has a point or an exponent */
	bool cut;            /* digits were left out of mantissa */
} decimal;

enum { MANTISSA_DIGITS = 19, MOST_DIGITS = 800, EXPONENT_LIMIT = 1000000 };

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Takes digits with single underscores between them, from [p, end). NULL: an underscore in a wrong place. */
static const char *take_digits(const char *p, const char *end, decimal *d, unsigned *kept, bool fraction)
{
	while (p < end) {
		if (*p == '_') {
			if (p + 1 == end || !is_digit(p[1]) || !is_digit(p[-1]))
				return NULL;
			p++;
		}
		unsigned digit = (unsigned)(*p - '0');
		if (digit > 9)
			break;
		if (*kept < MANTISSA_DIGITS) {
			d->mantissa = d->mantissa * 10 + digit;
			*kept += d->mantissa != 0;
			d->exponent -= fraction;
		} else {
			d->cut |= digit != 0;
			d->exponent += !fraction;
		}
		p++;
	}
	return p;
}

static const char *take_exponent(const char *p, const char *end, decimal *d)
{
	bool negative = false;
	if (p < end && (*p == '+' || *p == '-'))
		negative = *p++ == '-';
	if (p == end || !is_digit(*p))
		return NULL;
	int64_t exponent = 0;
	for (; p < end; p++) {
		if (*p == '_' && p + 1 < end && is_digit(p[1]) && is_digit(p[-1]))
			continue;
		if (!is_digit(*p))
			return NULL;
		if (exponent < EXPONENT_LIMIT)
			exponent = exponent * 10 + (*p - '0');
	}
	d->exponent += negative ? -exponent : exponent;
	return p;
}

static number_result take_hex(const char *p, const char *end, decimal *d)
{
	d->hex = true;
	bool digit_before = false;
	for (; p < end; p++) {
		unsigned c = (unsigned char)*p, lower = c | 0x20, digit;
		if (c == '_' && digit_before && p + 1 < end && p[1] != '_') {
			digit_before = false;
			continue;
		}
		if (c - '0' <= 9)
			digit = c - '0';
		else if (lower - 'a' <= 5)
			digit = lower - 'a' + 10;
		else
			return NUMBER_SYNTAX;
		if (d->mantissa >> 60 != 0)
			return NUMBER_TOO_LARGE;
		d->mantissa = d->mantissa << 4 | digit;
		digit_before = true;
	}
	return digit_before ? NUMBER_OK : NUMBER_SYNTAX;
}

/* Splits what stands after the sign. */
static number_result take_number(const char *p, const char *end, number_style style, decimal *d)
{
	if (end - p > 2 && p[0] == '0' && p[1] == 'x')
		return take_hex(p + 2, end, d);
	d->first = p;
	unsigned kept = 0;
	const char *q = p;
	if (q < end && is_digit(*q))
		q = take_digits(q, end, d, &kept, false);
	else if (style == NUMBER_STRICT || q == end || *q != '.')
		return NUMBER_SYNTAX;
	if (q == NULL)
		return NUMBER_SYNTAX;
	bool before = q > p;
	if (q < end && *q == '.') {
		d->real = true;
		const char *fraction = ++q;
		if (q < end && is_digit(*q))
			q = take_digits(q, end, d, &kept, true);
		if (q == NULL || (q == fraction && (style == NUMBER_STRICT || !before)))
			return NUMBER_SYNTAX;
	}
	if (q < end && (*q | 0x20) == 'e') {
		d->real = true;
		q = take_exponent(q + 1, end, d);
	}
	return q == end ? NUMBER_OK : NUMBER_SYNTAX;
}

/* ---- decimal to binary ------------------------------------------------------------------------- */

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;
static void make_c_locale(void) { c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); }

static double library_f64(const char *text)
{
	return c_locale != (locale_t)0 ? strtod_l(text, NULL, c_locale) : strtod(text, NULL);
}

static float library_f32(const char *text)
{
	return c_locale != (locale_t)0 ? strtof_l(text, NULL, c_locale) : strtof(text, NULL);
}

/* Writes the digits again, at most MOST_DIGITS of them: no tie between two floats has more, so one digit that
 * is not zero can stand for all that are left out. */
static void rewrite(const decimal *d, const char *end, char *out, size_t size)
{
	size_t n = 0;
	int64_t exponent = 0;
	bool point = false, rest = false;
	const char *p = d->first;
	for (; p < end && (*p | 0x20) != 'e'; p++) {
		if (*p == '.')
			point = true;
		if (!is_digit(*p))
			continue;
		exponent -= point;
		if (n < MOST_DIGITS) {
			n += n > 0 || *p != '0' ? 1 : 0;
			if (n > 0)
				out[n - 1] = *p;
		} else {
			rest |= *p != '0';
			exponent++;
		}
	}
	if (rest) {
		out[n++] = '1';
		exponent--;
	}
	if (n == 0)
		out[n++] = '0';
	decimal written = {.exponent = 0};
	if (p < end)
		take_exponent(p + 1, end, &written);
	snprintf(out + n, size - n, "e%lld", (long long)(exponent + written.exponent));
}

#if LDBL_MANT_DIG == 64
/* A product or quotient of two numbers of at most 64 bits, rounded to 64 bits, rounds on to fewer as the exact one would unless it lies
 * right between two of those: `tail` are the bits that go. */
static bool quick(const decimal *d, unsigned tail, long double *out)
{
	static const long double ten[] = {
		1e0L, 1e1L, 1e2L, 1e3L, 1e4L, 1e5L, 1e6L, 1e7L, 1e8L, 1e9L, 1e10L, 1e11L, 1e12L, 1e13L, 1e14L, 1e15L,
		1e16L, 1e17L, 1e18L, 1e19L, 1e20L, 1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L};
	if (d->cut || d->exponent > 27 || d->exponent < -27)
		return false;
	long double value = (long double)d->mantissa;
	value = d->exponent < 0 ? value / ten[-d->exponent] : value * ten[d->exponent];
	uint64_t bits;
	memcpy(&bits, &value, sizeof bits);
	*out = value;
	return (bits & ((UINT64_C(1) << tail) - 1)) != UINT64_C(1) << (tail - 1);
}
#else
/* Clinger's case: both numbers are exact in a double, so one operation rounds once. Good for f64 alone. */
static bool quick(const decimal *d, unsigned tail, long double *out)
{
	static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
	                             1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	if (tail != 11 || d->cut || d->exponent > 22 || d->exponent < -22 || d->mantissa >> 53 != 0)
		return false;
	double value = (double)d->mantissa;
	*out = d->exponent < 0 ? value / ten[-d->exponent] : value * ten[d->exponent];
	return true;
}
#endif

static number_result to_f64(const decimal *d, const char *end, scalar *out)
{
	long double value;
	double result;
	if (d->hex || quick(d, 11, &value)) {
		result = d->hex ? (double)d->mantissa : (double)value;
	} else {
		char text[MOST_DIGITS + 32];
		rewrite(d, end, text, sizeof text);
		result = library_f64(text);
	}
	if (isinf(result))
		return NUMBER_TOO_LARGE;
	out->bits = 0;
	out->F64 = d->negative ? -result : result;
	return NUMBER_OK;
}

static number_result to_f32(const decimal *d, const char *end, scalar *out)
{
	long double value;
	float result;
	if (d->hex) {
		result = (float)d->mantissa;
	} else if (quick(d, 40, &value) && value < (long double)FLT_MAX) {
		result = (float)value;
	} else {
		char text[MOST_DIGITS + 32];
		rewrite(d, end, text, sizeof text);
		result = library_f32(text);
	}
	if (isinf(result))
		return NUMBER_TOO_LARGE;
	out->bits = 0;
	out->F32 = d->negative ? -result : result;
	return NUMBER_OK;
}

/* ---- words ------------------------------------------------------------------------------------- */

static bool is_word(const char *p, const char *end, const char *word, number_style style)
{
	size_t n = strlen(word);
	if ((size_t)(end - p) != n)
		return false;
	return style == NUMBER_STRICT ? memcmp(p, word, n) == 0 : strncasecmp(p, word, n) == 0;
}

static number_result take_word(const char *p, const char *end, unsigned type, number_style style, bool negative, bool sign,
                               scalar *out)
{
	bool inf = is_word(p, end, "inf", style) || (style == NUMBER_LENIENT && is_word(p, end, "infinity", style));
	bool nan_ = is_word(p, end, "nan", style);
	out->bits = 0;
	if (inf || nan_) {
		if (type == T_F64)
			out->bits = nan_ ? UINT64_C(0x7ff8000000000000)
			                 : UINT64_C(0x7ff0000000000000) | (uint64_t)negative << 63;
		else if (type == T_F32)
			out->bits = nan_ ? 0x7fc00000u : 0x7f800000u | (uint64_t)negative << 31;
		else
			return type == T_BOOL ? NUMBER_NOT_BOOL : NUMBER_NOT_WHOLE;
		return NUMBER_OK;
	}
	bool yes = is_word(p, end, "true", style), no = is_word(p, end, "false", style);
	if (sign || (!yes && !no))
		return NUMBER_SYNTAX;
	if (type != T_BOOL)
		return NUMBER_IS_BOOL;
	out->BOOL = yes;
	return NUMBER_OK;
}

/* ---- integers ---------------------------------------------------------------------------------- */

static number_result to_integer(const decimal *d, unsigned type, scalar *out)
{
	const type_facts *facts = &type_table[type];
	unsigned bits = facts->bytes * 8u;
	uint64_t most = UINT64_MAX >> (64 - bits);
	if (facts->kind == KIND_S)
		most = d->negative ? UINT64_C(1) << (bits - 1) : most >> 1;
	else if (d->negative)
		most = 0;
	if (d->mantissa > most)
		return NUMBER_TOO_LARGE;
	uint64_t value = d->negative ? 0 - d->mantissa : d->mantissa;
	out->bits = value & (UINT64_MAX >> (64 - bits));
	return NUMBER_OK;
}

/* All 64 bits of an integer that is written with more digits than the mantissa takes. */
static number_result wide_integer(const decimal *d, const char *end, uint64_t *out)
{
	uint64_t value = 0;
	for (const char *p = d->first; p < end; p++) {
		if (*p == '_')
			continue;
		uint64_t digit = (uint64_t)(*p - '0');
		if (value > (UINT64_MAX - digit) / 10)
			return NUMBER_TOO_LARGE;
		value = value * 10 + digit;
	}
	*out = value;
	return NUMBER_OK;
}

number_result number_parse(const char *text, const char *end, unsigned type, number_style style, scalar *out)
{
	const char *p = text;
	decimal d = {.exponent = 0};
	if (p < end && (*p == '-' || (*p == '+' && style == NUMBER_LENIENT)))
		d.negative = *p++ == '-';
	if (p == end)
		return NUMBER_SYNTAX;
	if (!is_digit(*p) && *p != '.')
		return take_word(p, end, type, style, d.negative, p != text, out);
	number_result result = take_number(p, end, style, &d);
	if (result != NUMBER_OK)
		return result;
	if (type_table[type].kind == KIND_F) {
		pthread_once(&c_locale_once, make_c_locale);
		return type == T_F64 ? to_f64(&d, end, out) : to_f32(&d, end, out);
	}
	if (d.real)
		return type == T_BOOL ? NUMBER_NOT_BOOL : NUMBER_NOT_WHOLE;
	if (!d.hex && d.exponent != 0 && (result = wide_integer(&d, end, &d.mantissa)) != NUMBER_OK)
		return result;
	if (type == T_BOOL) {
		out->bits = d.mantissa;
		return d.mantissa <= 1 && p == text ? NUMBER_OK : NUMBER_NOT_BOOL;
	}
	return to_integer(&d, type, out);
}

const char *number_explain(number_result result, unsigned type, char *buffer, size_t size)
{
	const type_facts *facts = &type_table[type];
	unsigned bits = facts->bytes * 8u;
	switch (result) {
	case NUMBER_OK:
		snprintf(buffer, size, "is a number");
		break;
	case NUMBER_SYNTAX:
		snprintf(buffer, size, type == T_BOOL ? "is not true or false" : "is not a number");
		break;
	case NUMBER_NOT_WHOLE:
		snprintf(buffer, size, "is not a whole number, which %s must be", facts->name);
		break;
	case NUMBER_NOT_BOOL:
		snprintf(buffer, size, "is not true or false");
		break;
	case NUMBER_IS_BOOL:
		snprintf(buffer, size, "is a bool and not a number of type %s", facts->name);
		break;
	case NUMBER_TOO_LARGE:
		if (facts->kind == KIND_F)
			snprintf(buffer, size, "is larger than any %s (infinity is written inf)", facts->name);
		else if (facts->kind == KIND_S)
			snprintf(buffer, size, "does not fit %s (%lld to %lld)", facts->name,
			         -(long long)(UINT64_MAX >> (65 - bits)) - 1, (long long)(UINT64_MAX >> (65 - bits)));
		else
			snprintf(buffer, size, "does not fit %s (0 to %llu)", facts->name,
			         (unsigned long long)(UINT64_MAX >> (64 - bits)));
		break;
	}
	return buffer;
}

scalar number_load(const void *at, unsigned type)
{
	scalar value = {0};
	memcpy(&value, at, type_table[type].bytes);
	return value;
}

void number_store(void *at, unsigned type, scalar value)
{
	memcpy(at, &value, type_table[type].bytes);
}
