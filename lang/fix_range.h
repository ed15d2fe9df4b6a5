/* fix_range.h - what can be said at compile time about the values of an expression, for the conditions of exact
 * fixpoints: a condition that is known to hold needs no check at run time, one that is known to fail is an error. */
#ifndef MMSB_LANG_FIX_RANGE_H
#define MMSB_LANG_FIX_RANGE_H

#include "program.h"

/* Every value is within lo..hi, or nan where nan is set, or -0 where negzero is set. lo > hi: nothing but nan. */
typedef struct fix_range {
	double lo, hi;
	bool nan, negzero;
} fix_range;

typedef enum fix_answer { ANSWER_NO, ANSWER_MAYBE, ANSWER_YES } fix_answer;

fix_range fix_range_of(const p_expr *expr);

/* The range of one value of a scalar type. */
fix_range fix_range_value(scalar value, type_id type);

/* Whether every value (ANSWER_YES) or none (ANSWER_NO) meets what a guard asks. */
fix_answer fix_range_meets(fix_range range, guard_id kind);

#endif
