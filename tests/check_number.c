/* check_number.c: numbers as text, read and printed, against the C library and by hand. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/number.h"
#include "tests/unit.h"

/* Numbers of each kind. With the address sanitizer, which takes several times as long, values are not what is looked for. */
#ifdef __SANITIZE_ADDRESS__
enum { NUMBERS = 20000 };
#else
enum { NUMBERS = 100000 };
#endif

static uint64_t state;

static uint64_t draw(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void seed(void)
{
	const char *given = getenv("MMSB_SEED");
	uint64_t s = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	printf("MMSB_SEED=%" PRIu64 "\n", s);
	fflush(stdout);
	state = s * 2862933555777941757u + 3037000493u;
}

static number_result parse(const char *text, unsigned type, number_style style, scalar *out)
{
	return number_parse(text, text + strlen(text), type, style, out);
}

static bool is_nan(unsigned type, scalar v) { return type == T_F64 ? isnan(v.F64) : type == T_F32 && isnan(v.F32); }

/* ---- by hand ----------------------------------------------------------------------------------- */

static const struct {
	const char *text;
	unsigned type;
	number_result strict, lenient;
	uint64_t bits;
} cases[] = {
	{"0", T_I32, NUMBER_OK, NUMBER_OK, 0},
	{"1_000", T_I32, NUMBER_OK, NUMBER_OK, 1000},
	{"-1_0", T_I8, NUMBER_OK, NUMBER_OK, 0xf6},
	{"0xff", T_U8, NUMBER_OK, NUMBER_OK, 255},
	{"0xFF", T_U8, NUMBER_OK, NUMBER_OK, 255},
	{"0x1_00", T_U16, NUMBER_OK, NUMBER_OK, 256},
	{"0x100", T_U8, NUMBER_TOO_LARGE, NUMBER_TOO_LARGE, 0},
	{"0x", T_U8, NUMBER_SYNTAX, NUMBER_SYNTAX, 0},
	{"0x_1", T_U8, NUMBER_SYNTAX, NUMBER_SYNTAX, 0},
	{"0x1__0", T_U16, NUMBER_SYNTAX, NUMBER_SYNTAX, 0},
	{"0x1_", T_U16, NUMBER_SYNTAX, NUMBER_SYNTAX, 0},
	{"0xffffffffffffffff", T_U64, NUMBER_OK, NUMBER_OK, UINT64_MAX},
	{"0x10000000000000000", T_U64, NUMBER_TOO_LARGE, NUMBER_TOO_LARGE, 0},
	{"0x10", T_F32, NUMBER_OK, NUMBER_OK, 0x41800000},
	{"-128", T_I8, NUMBER_OK, NUMBER_OK, 0x80},
	{"127", T_I8, NUMBER_OK, NUMBER_OK, 127},
	{"128", T_I8, NUMBER_TOO_LARGE, NUMBER_TOO_LARGE, 0},
	{"-129", T_I8, NUMBER_TOO_LARGE, NUMBER_TOO_LARGE, 0},
	{"-0", T_U32, NUMBER_OK, NUMBER_OK, 0},
	{"-1", T_U32, NUMBER_TOO_LARGE, NUMBER_TOO_LARGE, 0},
	{"9223372036854775807", T_I64, NUMBER_OK, NUMBER_OK, INT64_MAX},
	{"9223372036854775808", T_I64, NUMBER_TOO_LARGE, NUMBER_TOO_LARGE, 0},
	{"-9223372036854775808", T_I64, NUMBER_OK, NUMBER_OK, UINT64_C(1) << 63},
	{"18446744073709551615", T_U64, NUMBER_OK, NUMBER_OK, UINT64_MAX},
	{"18446744073709551616", T_U64, NUMBER_TOO_LARGE, NUMBER_TOO_LARGE, 0},
	{"00000000000000000000000000007", T_U64, NUMBER_OK, NUMBER_OK, 7},
	{"99999999999999999999999999999", T_U64, NUMBER_TOO_LARGE, NUMBER_TOO_LARGE, 0},
	{"1.0", T_I32, NUMBER_NOT_WHOLE, NUMBER_NOT_WHOLE, 0},
	{"1e3", T_I32, NUMBER_NOT_WHOLE, NUMBER_NOT_WHOLE, 0},
	{"inf", T_I32, NUMBER_NOT_WHOLE, NUMBER_NOT_WHOLE, 0},
	{"true", T_I32, NUMBER_IS_BOOL, NUMBER_IS_BOOL, 0},
	{"true", T_F64, NUMBER_IS_BOOL, NUMBER_IS_BOOL, 0},
	{"true", T_BOOL, NUMBER_OK, NUMBER_OK, 1},
	{"false", T_BOOL, NUMBER_OK, NUMBER_OK, 0},
	{"TRUE", T_BOOL, NUMBER_SYNTAX, NUMBER_OK, 1},
	{"False", T_BOOL, NUMBER_SYNTAX, NUMBER_OK, 0},
	{"-true", T_BOOL, NUMBER_SYNTAX, NUMBER_SYNTAX, 0},
	{"1", T_BOOL, NUMBER_OK, NUMBER_OK, 1},
	{"0", T_BOOL, NUMBER_OK, NUMBER_OK, 0},
	{"2", T_BOOL, NUMBER_NOT_BOOL, NUMBER_NOT_BOOL, 0},
	{"1.0", T_BOOL, NUMBER_NOT_BOOL, NUMBER_NOT_BOOL, 0},
	{"nan", T_BOOL, NUMBER_NOT_BOOL, NUMBER_NOT_BOOL, 0},
	{"1.5", T_F64, NUMBER_OK, NUMBER_OK, UINT64_C(0x3ff8000000000000)},
	{"-0", T_F64, NUMBER_OK, NUMBER_OK, UINT64_C(1) << 63},
	{"-0.0", T_F32, NUMBER_OK, NUMBER_OK, 0x80000000},
	{"nan", T_F64, NUMBER_OK, NUMBER_OK, UINT64_C(0x7ff8000000000000)},
	{"-nan", T_F32, NUMBER_OK, NUMBER_OK, 0x7fc00000},
	{"-inf", T_F64, NUMBER_OK, NUMBER_OK, UINT64_C(0xfff0000000000000)},
	{"inf", T_F32, NUMBER_OK, NUMBER_OK, 0x7f800000},
	{"NaN", T_F64, NUMBER_SYNTAX, NUMBER_OK, UINT64_C(0x7ff8000000000000)},
	{"Infinity", T_F32, NUMBER_SYNTAX, NUMBER_OK, 0x7f800000},
	{"+1", T_F32, NUMBER_SYNTAX, NUMBER_OK, 0x3f800000},
	{".5", T_F32, NUMBER_SYNTAX, NUMBER_OK, 0x3f000000},
	{"1.", T_F32, NUMBER_SYNTAX, NUMBER_OK, 0x3f800000},
	{"-.5e+1", T_F32, NUMBER_SYNTAX, NUMBER_OK, 0xc0a00000},
	{".", T_F32, NUMBER_SYNTAX, NUMBER_SYNTAX, 0},
	{"1.e1", T_F32, NUMBER_SYNTAX, NUMBER_OK, 0x41200000},
	{"1e5", T_F32, NUMBER_OK, NUMBER_OK, 0x47c35000},
	{"1E5", T_F32, NUMBER_OK, NUMBER_OK, 0x47c35000},
	{"1e+5", T_F32, NUMBER_OK, NUMBER_OK, 0x47c35000},
	{"1e1_0", T_F64, NUMBER_OK, NUMBER_OK, UINT64_C(0x4202a05f20000000)},
	{"1e", T_F32, NUMBER_SYNTAX, NUMBER_SYNTAX, 0},
	{"1e+", T_F32, NUMBER_SYNTAX, NUMBER_SYNTAX, 0},
	{"1e_5", T_F32, NUMBER_SYNTAX, NUMBER_SYNTAX, 0},
	{"1_", T_F32, NUMBER_SYNTAX, NUMBER_SYNTAX, 0},
	{"_1", T_F32, NUMBER_SYNTAX, NUMBER_SYNTAX, 0},
	{"1__0", T_F32, NUMBER_SYNTAX, NUMBER_SYNTAX, 0},
	{"1_.5", T_F32, NUMBER_SYNTAX, NUMBER_SYNTAX, 0},
	{"1._5", T_F32, NUMBER_SYNTAX, NUMBER_SYNTAX, 0},
	{"1.5_5", T_F64, NUMBER_OK, NUMBER_OK, UINT64_C(0x3ff8cccccccccccd)},
	{"1e309", T_F64, NUMBER_TOO_LARGE, NUMBER_TOO_LARGE, 0},
	{"3.5e38", T_F32, NUMBER_TOO_LARGE, NUMBER_TOO_LARGE, 0},
	{"3.4028235677973367e38", T_F32, NUMBER_TOO_LARGE, NUMBER_TOO_LARGE, 0},
	{"3.4028235677973366e38", T_F32, NUMBER_OK, NUMBER_OK, 0x7f7fffff},
	{"1e-400", T_F64, NUMBER_OK, NUMBER_OK, 0},
	{"4.9e-324", T_F64, NUMBER_OK, NUMBER_OK, 1},
	{"1e999999999999999999999", T_F64, NUMBER_TOO_LARGE, NUMBER_TOO_LARGE, 0},
	{"1e-999999999999999999999", T_F64, NUMBER_OK, NUMBER_OK, 0},
	{"0e999999999999999999999", T_F64, NUMBER_OK, NUMBER_OK, 0},
	{"", T_F64, NUMBER_SYNTAX, NUMBER_SYNTAX, 0},
	{"-", T_F64, NUMBER_SYNTAX, NUMBER_SYNTAX, 0},
	{"--1", T_F64, NUMBER_SYNTAX, NUMBER_SYNTAX, 0},
	{"1 ", T_F64, NUMBER_SYNTAX, NUMBER_SYNTAX, 0},
	{"1,5", T_F64, NUMBER_SYNTAX, NUMBER_SYNTAX, 0},
	{"1x", T_I32, NUMBER_SYNTAX, NUMBER_SYNTAX, 0},
	{"0x1p3", T_F64, NUMBER_SYNTAX, NUMBER_SYNTAX, 0},
	{"infinit", T_F64, NUMBER_SYNTAX, NUMBER_SYNTAX, 0},
};

START_TEST(reads_what_is_written)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (int style = NUMBER_STRICT; style <= NUMBER_LENIENT; style++) {
			scalar v = {0};
			number_result wanted = style == NUMBER_STRICT ? cases[i].strict : cases[i].lenient;
			number_result got = parse(cases[i].text, cases[i].type, (number_style)style, &v);
			ck_assert_msg(got == wanted, "'%s' as %s gives %d, not %d", cases[i].text, type_table[cases[i].type].name, got, wanted);
			ck_assert_msg(got != NUMBER_OK || v.bits == cases[i].bits, "'%s' as %s has bits %" PRIx64, cases[i].text,
			              type_table[cases[i].type].name, v.bits);
		}
}
END_TEST

static void check_print(unsigned type, scalar v, const char *wanted)
{
	char text[NUMBER_ROOM + 1];
	text[number_print(text, type, v)] = '\0';
	ck_assert_str_eq(text, wanted);
}

START_TEST(prints_the_shortest_form)
{
	static const struct { double value; const char *text; } f64[] = {
		{0, "0"}, {-0.0, "-0"}, {1, "1"}, {-1.5, "-1.5"}, {0.1, "0.1"}, {101.25, "101.25"}, {1e15, "1000000000000000"},
		{1e16, "1e16"}, {1e21, "1e21"}, {1.5e300, "1.5e300"}, {1e-5, "0.00001"}, {1e-6, "1e-6"}, {1.5e-7, "1.5e-7"},
		{5e-324, "5e-324"}, {1.7976931348623157e308, "1.7976931348623157e308"}, {0.30000000000000004, "0.30000000000000004"},
		{123456789.125, "123456789.125"}, {9007199254740993.0, "9007199254740992"}, {INFINITY, "inf"}, {-INFINITY, "-inf"},
		{NAN, "nan"}, {100, "100"}, {2.5e-3, "0.0025"}, {1.0 / 3, "0.3333333333333333"}};
	for (size_t i = 0; i < sizeof f64 / sizeof f64[0]; i++)
		check_print(T_F64, (scalar){.F64 = f64[i].value}, f64[i].text);
	static const struct { float value; const char *text; } f32[] = {
		{0.1f, "0.1"}, {16777216, "16777216"}, {3.4028235e38f, "3.4028235e38"}, {1e-45f, "1e-45"}, {0.3f, "0.3"},
		{1.0f / 3, "0.33333334"}, {-0.0f, "-0"}, {100.25f, "100.25"}, {1e10f, "10000000000"}};
	for (size_t i = 0; i < sizeof f32 / sizeof f32[0]; i++) {
		scalar v = {0};
		v.F32 = f32[i].value;
		check_print(T_F32, v, f32[i].text);
	}
	check_print(T_BOOL, (scalar){.bits = 1}, "true");
	check_print(T_BOOL, (scalar){.bits = 0}, "false");
	check_print(T_I8, (scalar){.bits = 0x80}, "-128");
	check_print(T_I64, (scalar){.bits = UINT64_C(1) << 63}, "-9223372036854775808");
	check_print(T_U64, (scalar){.bits = UINT64_MAX}, "18446744073709551615");
	check_print(T_I32, (scalar){.bits = 0xffffffff}, "-1");
}
END_TEST

START_TEST(explains_every_result)
{
	char text[120];
	for (unsigned type = 0; type < T_COUNT; type++)
		for (int r = NUMBER_OK; r <= NUMBER_TOO_LARGE; r++)
			ck_assert(strlen(number_explain((number_result)r, type, text, sizeof text)) > 8);
	ck_assert_str_eq(number_explain(NUMBER_TOO_LARGE, T_I8, text, sizeof text), "does not fit i8 (-128 to 127)");
	ck_assert_str_eq(number_explain(NUMBER_TOO_LARGE, T_U16, text, sizeof text), "does not fit u16 (0 to 65535)");
}
END_TEST

/* ---- at random --------------------------------------------------------------------------------- */

/* Random bits, or a number of few decimals, or a small integer. */
static scalar random_value(unsigned type)
{
	unsigned width = type_table[type].bytes * 8u;
	scalar v = {.bits = draw() >> (64 - width)};
	if (type == T_BOOL)
		v.bits &= 1;
	uint64_t form = draw() % 4;
	double small = (double)((int64_t)(draw() % 2000000) - 1000000) / (form == 0 ? 1000.0 : 1.0);
	if (type == T_F64 && form < 2)
		v.F64 = small;
	if (type == T_F32 && form < 2)
		v = (scalar){.F32 = (float)small};
	if (type == T_F32)
		v.bits &= 0xffffffff;
	return v;
}

START_TEST(prints_what_reads_back)
{
	seed();
	for (long i = 0; i < 5L * NUMBERS; i++) {
		unsigned type = (unsigned)(i & 1 ? T_F32 : i & 2 ? T_F64 : (uint64_t)i / 4 % T_COUNT);
		scalar v = random_value(type), back = {0};
		char text[NUMBER_ROOM + 1];
		size_t n = number_print(text, type, v);
		ck_assert_uint_le(n, NUMBER_ROOM);
		text[n] = '\0';
		ck_assert_msg(parse(text, type, NUMBER_STRICT, &back) == NUMBER_OK, "'%s' is not read", text);
		if (is_nan(type, v))
			ck_assert_str_eq(text, "nan");
		else
			ck_assert_msg(back.bits == v.bits, "'%s' of %" PRIx64 " reads back as %" PRIx64, text, v.bits, back.bits);
		if (type == T_F64 && !is_nan(type, v))
			ck_assert_msg(strtod(text, NULL) == v.F64, "strtod takes '%s' for another number", text);
		if (type == T_F32 && !is_nan(type, v))
			ck_assert_msg(strtof(text, NULL) == v.F32, "strtof takes '%s' for another number", text);
	}
}
END_TEST

static size_t digits_in(const char *text)
{
	size_t n = 0, zeros = 0;
	bool leading = true;
	for (; *text != '\0' && *text != 'e'; text++) {
		if (*text < '0' || *text > '9' || (leading && *text == '0'))
			continue;
		leading = false;
		n++;
		zeros = *text == '0' ? zeros + 1 : 0;
	}
	return n - (n > zeros ? zeros : 0);
}

/* The digits alone, without zeros on either side. */
static void significant(const char *text, char *out)
{
	size_t n = 0;
	for (; *text != '\0' && *text != 'e'; text++)
		if (*text >= '0' && *text <= '9' && (n > 0 || *text != '0'))
			out[n++] = *text;
	while (n > 0 && out[n - 1] == '0')
		n--;
	out[n] = '\0';
}

/* No number of fewer digits reads back: the nearest of fewer digits does not; and of as many, it is the nearest. */
START_TEST(prints_no_digit_too_many)
{
	seed();
	for (long i = 0; i < 4L * NUMBERS; i++) {
		unsigned type = i % 2 ? T_F64 : T_F32;
		scalar v = random_value(type);
		if (type == T_F64 && i % 4 == 1) /* of a size that is common */
			v.bits = (v.bits & UINT64_C(0x800fffffffffffff)) | (1023 - 40 + draw() % 100) << 52;
		double wide = type == T_F64 ? v.F64 : (double)v.F32;
		if (!isfinite(wide) || wide == 0)
			continue;
		char text[NUMBER_ROOM + 1], shorter[40];
		text[number_print(text, type, v)] = '\0';
		ck_assert_msg(type == T_F64 ? strtod(text, NULL) == v.F64 : strtof(text, NULL) == v.F32, "'%s' is another number", text);
		size_t n = digits_in(text);
		if (n < 2)
			continue;
		snprintf(shorter, sizeof shorter, "%.*e", (int)n - 2, wide);
		bool same = type == T_F64 ? strtod(shorter, NULL) == v.F64 : strtof(shorter, NULL) == v.F32;
		ck_assert_msg(!same, "'%s' is longer than '%s'", text, shorter);
		/* and of those with as many digits, the nearest: the one that the library prints */
		snprintf(shorter, sizeof shorter, "%.*e", (int)n - 1, wide);
		char ours[40], library[40];
		significant(text, ours);
		significant(shorter, library);
		/* below a power of two the floats stand closer, and the nearest need not read back */
		bool power = (v.bits & (type == T_F64 ? UINT64_C(0xfffffffffffff) : 0x7fffff)) == 0;
		ck_assert_msg(power || strcmp(ours, library) == 0, "'%s' is farther than '%s'", text, shorter);
	}
}
END_TEST

static size_t random_decimal(char *out)
{
	char *p = out;
	for (uint64_t n = draw() % 22 + 1; n > 0; n--)
		*p++ = (char)('0' + draw() % 10);
	if (draw() % 2) {
		*p++ = '.';
		for (uint64_t n = draw() % 20 + 1; n > 0; n--)
			*p++ = (char)('0' + draw() % 10);
	}
	if (draw() % 2)
		p += sprintf(p, "e%d", (int)(draw() % (draw() % 4 ? 60 : 700)) - (draw() % 2 ? 40 : 340));
	*p = '\0';
	return (size_t)(p - out);
}

static void check_against_library(const char *text)
{
	scalar v = {0};
	number_result r = parse(text, T_F64, NUMBER_STRICT, &v);
	double d = strtod(text, NULL);
	ck_assert_msg(isinf(d) ? r == NUMBER_TOO_LARGE : r == NUMBER_OK && v.F64 == d, "f64 '%s': %d, %a and not %a", text, r, v.F64, d);
	r = parse(text, T_F32, NUMBER_STRICT, &v);
	float f = strtof(text, NULL);
	ck_assert_msg(isinf(f) ? r == NUMBER_TOO_LARGE : r == NUMBER_OK && v.F32 == f, "f32 '%s': %d, %a and not %a", text, r,
	              (double)v.F32, (double)f);
}

START_TEST(reads_as_the_library_does)
{
	seed();
	char text[1200];
	for (long i = 0; i < 10L * NUMBERS; i++) {
		random_decimal(text);
		check_against_library(text);
	}
}
END_TEST

/* What lies right between two floats, and the least bit to both sides of it, with hundreds of digits. */
START_TEST(rounds_ties_once)
{
	seed();
	static char text[1600];
	for (long i = 0; i < NUMBERS / 5; i++) {
		scalar v = {.bits = draw() & ~(UINT64_C(1) << 63)};
		if (i % 2)
			v.bits = (v.bits & UINT64_C(0x800fffffffffffff)) | (1023 + draw() % 120) << 52;
		if (!isfinite(v.F64))
			continue;
		scalar next = {.bits = v.bits + 1};
		long double middle = ((long double)v.F64 + (long double)next.F64) / 2;
		if (!isfinite((double)middle))
			continue;
		int n = snprintf(text, sizeof text, "%.770Le", middle);
		ck_assert_int_lt(n, (int)sizeof text - 8);
		check_against_library(text);
		char *e = strchr(text, 'e');
		e[-1] = '1'; /* a bit more */
		check_against_library(text);
		scalar f = {.bits = draw() & 0x7effffff};
		snprintf(text, sizeof text, "%.160e", ((double)f.F32 + (double)(scalar){.bits = f.bits + 1}.F32) / 2);
		check_against_library(text);
	}
}
END_TEST

START_TEST(takes_any_number_of_digits)
{
	static char text[100100];
	scalar v = {0};
	memset(text, '0', sizeof text);
	text[1] = '.';
	memcpy(text + 90000, "12345e90000", 12);
	ck_assert_int_eq(parse(text, T_F64, NUMBER_STRICT, &v), NUMBER_OK);
	ck_assert(v.F64 == strtod(text, NULL));
	memset(text, '9', 90000);
	memcpy(text + 90000, "e-89990", 8);
	ck_assert_int_eq(parse(text, T_F64, NUMBER_STRICT, &v), NUMBER_OK);
	ck_assert(v.F64 == 1e10);
	ck_assert_int_eq(parse(text, T_U64, NUMBER_STRICT, &v), NUMBER_NOT_WHOLE);
	text[90000] = '\0';
	ck_assert_int_eq(parse(text, T_U64, NUMBER_STRICT, &v), NUMBER_TOO_LARGE);
	ck_assert_int_eq(parse(text, T_F64, NUMBER_STRICT, &v), NUMBER_TOO_LARGE);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("numbers");
	TCase *c = tcase_create("numbers");
	tcase_set_timeout(c, 300);
	tcase_add_test(c, reads_what_is_written);
	tcase_add_test(c, prints_the_shortest_form);
	tcase_add_test(c, explains_every_result);
	tcase_add_test(c, prints_what_reads_back);
	tcase_add_test(c, prints_no_digit_too_many);
	tcase_add_test(c, reads_as_the_library_does);
	tcase_add_test(c, rounds_ties_once);
	tcase_add_test(c, takes_any_number_of_digits);
	suite_add_tcase(s, c);
	return unit_run(s);
}
