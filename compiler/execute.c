/* execute.c - one operator on one set of operands: scalar.h's functions by number. It must not see stdbool.h, which would take
 * scalar.h's suffix `bool` for a type. */
#include "execute.h"

#include <string.h>

#include "../runtime/elementary.h"
#include "../runtime/scalar.h"

/* Suffixes of scalar.h to ids of types.def. */
enum {
	ID_bool = T_BOOL, ID_i8 = T_I8, ID_i16 = T_I16, ID_i32 = T_I32, ID_i64 = T_I64, ID_u8 = T_U8, ID_u16 = T_U16,
	ID_u32 = T_U32, ID_u64 = T_U64, ID_f32 = T_F32, ID_f64 = T_F64
};

/* ---- executing --------------------------------------------------------------------------------- */

#define FOLD(ID, S, A, B, C, R, call)                       \
	case OP_##ID * T_COUNT + ID_##S: {                  \
		A a;                                        \
		B b;                                        \
		C c;                                        \
		memcpy(&a, &args[0], sizeof a);             \
		memcpy(&b, &args[1], sizeof b);             \
		memcpy(&c, &args[2], sizeof c);             \
		(void)b;                                    \
		(void)c;                                    \
		R r = call;                                 \
		out.bits = 0;                               \
		memcpy(&out, &r, sizeof r);                 \
		return out;                                 \
	}
#define CALL_1(name, S) mmsb_##name##_##S(a)
#define CALL_2(name, S) mmsb_##name##_##S(a, b)
#define CALL_3(name, S) mmsb_##name##_##S(a, b, c)
#define FOLD_ARITH(S, T, ID, name, n) FOLD(ID, S, T, T, T, T, CALL_##n(name, S))
#define FOLD_SHIFT(S, T, ID, name, n) FOLD(ID, S, T, T, T, T, CALL_##n(name, S))
#define FOLD_CMP(S, T, ID, name, n) FOLD(ID, S, T, T, T, uint8_t, CALL_##n(name, S))
#define FOLD_SELECT(S, T, ID, name, n) FOLD(ID, S, uint8_t, T, T, T, CALL_##n(name, S))
#define FOLD_TEST(S, T, ID, name, n) FOLD(ID, S, T, T, T, uint8_t, CALL_##n(name, S))
#define FOLD_COUNT(S, T, ID, name, n) FOLD(ID, S, T, T, T, int64_t, CALL_##n(name, S))
#define RAND_1 double
#define RAND_3 uint64_t
#define FOLD_RAND(S, T, ID, name, n) FOLD(ID, S, T, T, T, RAND_##n, CALL_##n(name, S))

scalar execute_op(op_id op, uint8_t type, const scalar args[3])
{
	scalar out = {.bits = 0};
	switch ((int)op * T_COUNT + type) {
#define OP(id, name, spelling, form, arity, rule, types, reduce, d0, d1, d2, flags) \
	MMSB_FOR_##types(FOLD_##rule, id, name, arity)
#include "../lang/ops.def"
#undef OP
	default: return out;
	}
}

#define CONVERT(TO, TT, FROM, FT)                   \
	case ID_##FROM * T_COUNT + ID_##TO: {       \
		FT a;                               \
		memcpy(&a, &arg, sizeof a);         \
		TT r = mmsb_conv_##FROM##_##TO(a);  \
		memcpy(&out, &r, sizeof r);         \
		return out;                         \
	}
#define CONVERT_FROM(FROM, FT) MMSB_FOR_ALL(CONVERT, FROM, FT)

scalar execute_conv(uint8_t from, uint8_t to, scalar arg)
{
	scalar out = {.bits = 0};
	switch (from * T_COUNT + to) {
		CONVERT_FROM(bool, uint8_t)
		CONVERT_FROM(i8, int8_t)
		CONVERT_FROM(i16, int16_t)
		CONVERT_FROM(i32, int32_t)
		CONVERT_FROM(i64, int64_t)
		CONVERT_FROM(u8, uint8_t)
		CONVERT_FROM(u16, uint16_t)
		CONVERT_FROM(u32, uint32_t)
		CONVERT_FROM(u64, uint64_t)
		CONVERT_FROM(f32, float)
		CONVERT_FROM(f64, double)
	default: return out;
	}
}

scalar execute_canon(uint8_t type, scalar value)
{
	if (type == T_F32)
		value.F32 = mmsb_canon_f32(value.F32);
	if (type == T_F64)
		value.F64 = mmsb_canon_f64(value.F64);
	return value;
}
