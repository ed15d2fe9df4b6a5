/* number.h - the language's numbers as text: read for a type, printed in the shortest form that reads back. */
#ifndef MMSB_NUMBER_H
#define MMSB_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

#include "types.h"

typedef enum number_result {
	NUMBER_OK,
	NUMBER_SYNTAX,   /* no number at all */
	NUMBER_NOT_WHOLE, /* a fraction, an exponent, inf or nan where an integer must stand */
	NUMBER_NOT_BOOL,
	NUMBER_IS_BOOL,  /* true or false where a number must stand */
	NUMBER_TOO_LARGE /* outside the type's range */
} number_result;

/* How text is written: as in programs (`1_000`, `0xff`, `1.5`, `-inf`, `nan`, `true`), or also as other programs write numbers
 * into data files (`+1`, `.5`, `5.`, `NaN`, `Infinity`, `TRUE`). A bool is true, false, 1 or 0 in both. */
typedef enum number_style { NUMBER_STRICT, NUMBER_LENIENT } number_style;

/* Reads the whole of [text, end) as a value of a scalar type. Rounds to nearest, once. Does not depend on the locale. */
number_result number_parse(const char *text, const char *end, unsigned type, number_style, scalar *out);

/* What is wrong, to follow the text in quotes: "is not a number", "does not fit i8 (-128 to 127)", ... Writes into buffer. */
const char *number_explain(number_result, unsigned type, char *buffer, size_t size);

enum { NUMBER_ROOM = 32 }; /* bytes that a printed number needs at most */

/* Prints a value; the length, without a NUL. Reading it back as the same type gives the same bits (of a nan: the canonical ones). */
size_t number_print(char *out, unsigned type, scalar value);

/* A non-negative integer in decimal; the length. */
size_t number_print_u64(char *out, uint64_t value);

/* The value at `at`, of `type`'s bytes, and back. */
scalar number_load(const void *at, unsigned type);
void number_store(void *at, unsigned type, scalar value);

#endif
