/* hand.c - what an element hands on to its readers, one loop for each operation of an operand, type and direction: the loops from
 * which `sweep.c` makes a whole evaluation. */
#include "repair.h"
#include "scalar.h"

#undef bool /* a suffix in the lists of types */

/* Both zeros are equal and -0 is the less. */
#define NO_SIGN(x) 0
#define SIGN(x) (__builtin_signbit(x) != 0)
#define LESS(a, b, SIGN_) ((a) < (b) || SIGN_(a) > SIGN_(b))
#define MORE(a, b, SIGN_) ((a) > (b) || SIGN_(a) < SIGN_(b))

/* An operand that has been computed before. */
#define SECOND_OF(S, T, ...) \
	static inline T mmsb_second_##S(T a, T b) { return (void)a, b; }
MMSB_FOR_ALL(SECOND_OF, )

#define HAND(S, T, name, dir, OR_EQUAL, BETTER, SIGN_)                                                       \
	static uint32_t hand_##name##_##S##_##dir(const hand_run *h, uint8_t *values, hand_out *out)         \
	{                                                                                                    \
		T *x = (void *)values, from;                                                                   \
		const T *weights = (const void *)h->weights;                                                 \
		uint32_t n = 0;                                                                              \
		memcpy(&from, &h->from, sizeof from);                                                        \
		for (uint32_t i = 0; i < h->n; i++) {                                                        \
			T value = mmsb_##name##_##S(from, weights[h->entry[i]]), *at = &x[h->reader[i]];     \
			if (!(value OR_EQUAL * at) || !BETTER(value, *at, SIGN_))                            \
				continue;                                                                    \
			*at = value;                                                                         \
			out->which[n] = (uint16_t)i;                                                         \
			out->value[n++] = (double)value;                                                     \
		}                                                                                            \
		return n;                                                                                    \
	}
#define HANDS(S, T, name, SIGN_) HAND(S, T, name, min, <=, LESS, SIGN_) HAND(S, T, name, max, >=, MORE, SIGN_)
#define HANDS_NUM(S, T, SIGN_) \
	HANDS(S, T, add, SIGN_) HANDS(S, T, mul, SIGN_) HANDS(S, T, min, SIGN_) HANDS(S, T, max, SIGN_) HANDS(S, T, second, SIGN_)
#define HANDS_INT(S, T, ...) HANDS_NUM(S, T, NO_SIGN) HANDS(S, T, add_sat, NO_SIGN)
#define HANDS_FLT(S, T, ...) HANDS_NUM(S, T, SIGN)
MMSB_FOR_INT(HANDS_INT, )
MMSB_FOR_FLT(HANDS_FLT, )
HANDS(bool, uint8_t, land, NO_SIGN)
HANDS(bool, uint8_t, second, NO_SIGN)

enum {
	ID_bool = T_BOOL, ID_i8 = T_I8, ID_i16 = T_I16, ID_i32 = T_I32, ID_i64 = T_I64, ID_u8 = T_U8, ID_u16 = T_U16,
	ID_u32 = T_U32, ID_u64 = T_U64, ID_f32 = T_F32, ID_f64 = T_F64
};
enum { BY_SECOND, BY_ADD, BY_MUL, BY_MIN, BY_MAX, BY_LAND, BY_ADD_SAT, BY_COUNT };

#define ROW_(S, name) {hand_##name##_##S##_min, hand_##name##_##S##_max}
#define ROW_NUM(S) [BY_SECOND] = ROW_(S, second), [BY_ADD] = ROW_(S, add), [BY_MUL] = ROW_(S, mul), [BY_MIN] = ROW_(S, min), [BY_MAX] = ROW_(S, max)
#define ROW_INT(S, ...) [ID_##S] = {ROW_NUM(S), [BY_ADD_SAT] = ROW_(S, add_sat)},
#define ROW_FLT(S, ...) [ID_##S] = {ROW_NUM(S)},
static hand_fn *const table[T_COUNT][BY_COUNT][2] = {
	MMSB_FOR_INT(ROW_INT, ) MMSB_FOR_FLT(ROW_FLT, )
	[ID_bool] = {[BY_SECOND] = ROW_(bool, second), [BY_LAND] = ROW_(bool, land)}
};

/* All that are here give the same whichever operand comes first. */
static unsigned row_of(unsigned op)
{
	switch (op) {
	case OP_ADD: return BY_ADD;
	case OP_MUL: return BY_MUL;
	case OP_MIN: return BY_MIN;
	case OP_MAX: return BY_MAX;
	case OP_LAND: return BY_LAND;
	case OP_ADD_SAT: return BY_ADD_SAT;
	default: return BY_SECOND;
	}
}

hand_fn *hand_of(unsigned op, unsigned type, _Bool most) { return table[type][row_of(op)][most]; }
hand_fn *hand_computed(unsigned type, _Bool most) { return table[type][BY_SECOND][most]; }
