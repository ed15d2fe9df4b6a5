/* case_compare.h: expected lines against the lines that came. */
#ifndef MMSB_TESTS_CASE_COMPARE_H
#define MMSB_TESTS_CASE_COMPARE_H

#include "cases.h"

/* Among the expected lines, `...` alone stands for any lines and `[...]` inside a line for any text. */
bool compare_lines(const Lines *expected, const Lines *actual);
/* Prints the difference: '-' expected but missing, '+' came unexpected. */
void compare_show(const Lines *expected, const Lines *actual);

#endif
