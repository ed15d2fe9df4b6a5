/* execute.h - what an operator gives: the functions of runtime/scalar.h by the numbers of ops.def and types.def. */
#ifndef MMSB_COMPILER_EXECUTE_H
#define MMSB_COMPILER_EXECUTE_H

#include "../lang/ops.h"
#include "../runtime/types.h"

/* type: of the operands (OP_SELECT: of the arms). All of args are values, those beyond the operator's arity zero. */
scalar execute_op(op_id op, uint8_t type, const scalar args[3]);
scalar execute_conv(uint8_t from, uint8_t to, scalar arg);
/* The one NaN that pages hold, for any NaN. */
scalar execute_canon(uint8_t type, scalar value);

#endif
