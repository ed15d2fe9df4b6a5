/* scalar.h - what each operator of ops.def means, for each type of its set: mmsb_NAME_TYPE. This is the only text of it:
 * the portable executor compiles it, generated C holds a copy, and CUDA C compiles it on the device. So it keeps to what
 * C and CUDA C share, calls nothing but builtins that are exact, and has no undefined behaviour.
 *
 *   integers    two's complement, wrap; / truncates, INT_MIN / -1 wraps, INT_MIN % -1 is 0; a zero divisor
 *               gives 0 (whoever runs it finds the fault); shift counts are modulo the width; >> keeps the sign
 *   floats      IEEE 754; min and max are minimum and maximum of IEEE 754-2019; % is fmod, exact;
 *               round takes halves away from zero
 *   conversions integers wrap; float to integer truncates and saturates, nan gives 0; to bool: is it not 0
 *
 * A NaN that comes out may have any payload: it is made canonical where it is stored (mmsb_canon_TYPE). */
#ifndef MMSB_SCALAR_H
#define MMSB_SCALAR_H

#ifdef __CUDACC__
#define MMSB_FN static __device__ __forceinline__
#define MMSB_BUILTIN(name) name
#else
#include <stdint.h>
#define MMSB_FN static inline
#define MMSB_BUILTIN(name) __builtin_##name
#endif

/* The suffix `bool` is not to become what <stdbool.h> makes of it (whoever uses the lists below says #undef bool, too). */
#pragma push_macro("bool")
#undef bool

/* The sets of types of ops.def: X(suffix, C type, ...) for each type in it. */
#define MMSB_FOR_BOOL_(X, ...) X(bool, uint8_t, __VA_ARGS__)
#define MMSB_FOR_SIGNED(X, ...) \
	X(i8, int8_t, __VA_ARGS__) X(i16, int16_t, __VA_ARGS__) X(i32, int32_t, __VA_ARGS__) X(i64, int64_t, __VA_ARGS__)
#define MMSB_FOR_UNSIGNED(X, ...) \
	X(u8, uint8_t, __VA_ARGS__) X(u16, uint16_t, __VA_ARGS__) X(u32, uint32_t, __VA_ARGS__) X(u64, uint64_t, __VA_ARGS__)
#define MMSB_FOR_INT(X, ...) MMSB_FOR_SIGNED(X, __VA_ARGS__) MMSB_FOR_UNSIGNED(X, __VA_ARGS__)
#define MMSB_FOR_FLT(X, ...) X(f32, float, __VA_ARGS__) X(f64, double, __VA_ARGS__)
#define MMSB_FOR_NUM(X, ...) MMSB_FOR_INT(X, __VA_ARGS__) MMSB_FOR_FLT(X, __VA_ARGS__)
#define MMSB_FOR_BITS(X, ...) MMSB_FOR_BOOL_(X, __VA_ARGS__) MMSB_FOR_INT(X, __VA_ARGS__)
#define MMSB_FOR_ALL(X, ...) MMSB_FOR_BOOL_(X, __VA_ARGS__) MMSB_FOR_NUM(X, __VA_ARGS__)
#define MMSB_FOR_U64_(X, ...) X(u64, uint64_t, __VA_ARGS__)

/* ---- integers ---------------------------------------------------------------------------------- */

/* S: suffix, T: type, W: unsigned type in which no promotion to int can overflow, B: bits. Conversion of an unsigned value to a
 * signed type of the same width takes it modulo 2^B on every compiler that we build with. */
#define MMSB_INT_COMMON(S, T, W, B)                                                                          \
	MMSB_FN T mmsb_add_##S(T a, T b) { return (T)((W)a + (W)b); }                                        \
	MMSB_FN T mmsb_sub_##S(T a, T b) { return (T)((W)a - (W)b); }                                        \
	MMSB_FN T mmsb_mul_##S(T a, T b) { return (T)((W)a * (W)b); }                                        \
	MMSB_FN T mmsb_band_##S(T a, T b) { return (T)(a & b); }                                             \
	MMSB_FN T mmsb_bor_##S(T a, T b) { return (T)(a | b); }                                              \
	MMSB_FN T mmsb_bxor_##S(T a, T b) { return (T)(a ^ b); }                                             \
	MMSB_FN T mmsb_bnot_##S(T a) { return (T)~a; }                                                       \
	MMSB_FN T mmsb_shl_##S(T a, T b) { return (T)((W)a << ((W)b & (W)(B - 1))); }                        \
	MMSB_FN T mmsb_shr_##S(T a, T b) { return (T)(a >> ((W)b & (W)(B - 1))); }                           \
	MMSB_FN T mmsb_neg_##S(T a) { return (T)((W)0 - (W)a); }                                             \
	MMSB_FN T mmsb_min_##S(T a, T b) { return (T)(a < b ? a : b); }                                      \
	MMSB_FN T mmsb_max_##S(T a, T b) { return (T)(a > b ? a : b); }

#define MMSB_SIGNED(S, T, W, B, MIN, MAX)                                                                    \
	MMSB_INT_COMMON(S, T, W, B)                                                                          \
	MMSB_FN T mmsb_div_##S(T a, T b)                                                                     \
	{                                                                                                    \
		if (b == 0)                                                                                  \
			return 0;                                                                            \
		return (T)(b == -1 ? mmsb_neg_##S(a) : a / b);                                               \
	}                                                                                                    \
	MMSB_FN T mmsb_mod_##S(T a, T b) { return (T)(b == 0 || b == -1 ? 0 : a % b); }                      \
	MMSB_FN T mmsb_abs_##S(T a) { return (T)(a < 0 ? mmsb_neg_##S(a) : a); }                             \
	MMSB_FN T mmsb_add_sat_##S(T a, T b)                                                                 \
	{                                                                                                    \
		T r = mmsb_add_##S(a, b);                                                                    \
		T over = (T)((a ^ r) & (b ^ r));                                                             \
		return (T)(over >= 0 ? r : a < 0 ? MIN : MAX);                                               \
	}

#define MMSB_UNSIGNED(S, T, W, B, MAX)                                                                       \
	MMSB_INT_COMMON(S, T, W, B)                                                                          \
	MMSB_FN T mmsb_div_##S(T a, T b) { return (T)(b == 0 ? 0 : a / b); }                                 \
	MMSB_FN T mmsb_mod_##S(T a, T b) { return (T)(b == 0 ? 0 : a % b); }                                 \
	MMSB_FN T mmsb_abs_##S(T a) { return a; }                                                            \
	MMSB_FN T mmsb_add_sat_##S(T a, T b)                                                                 \
	{                                                                                                    \
		T r = mmsb_add_##S(a, b);                                                                    \
		return (T)(r < a ? MAX : r);                                                                 \
	}

MMSB_SIGNED(i8, int8_t, uint32_t, 8, INT8_MIN, INT8_MAX)
MMSB_SIGNED(i16, int16_t, uint32_t, 16, INT16_MIN, INT16_MAX)
MMSB_SIGNED(i32, int32_t, uint32_t, 32, INT32_MIN, INT32_MAX)
MMSB_SIGNED(i64, int64_t, uint64_t, 64, INT64_MIN, INT64_MAX)
MMSB_UNSIGNED(u8, uint8_t, uint32_t, 8, UINT8_MAX)
MMSB_UNSIGNED(u16, uint16_t, uint32_t, 16, UINT16_MAX)
MMSB_UNSIGNED(u32, uint32_t, uint32_t, 32, UINT32_MAX)
MMSB_UNSIGNED(u64, uint64_t, uint64_t, 64, UINT64_MAX)

/* How many bits are set. */
MMSB_FN int64_t mmsb_popcount_u64(uint64_t x)
{
	x -= (x >> 1) & 0x5555555555555555u;
	x = (x & 0x3333333333333333u) + ((x >> 2) & 0x3333333333333333u);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
	return (int64_t)((x * 0x0101010101010101u) >> 56);
}
MMSB_FN int64_t mmsb_popcount_i8(int8_t x) { return mmsb_popcount_u64((uint8_t)x); }
MMSB_FN int64_t mmsb_popcount_i16(int16_t x) { return mmsb_popcount_u64((uint16_t)x); }
MMSB_FN int64_t mmsb_popcount_i32(int32_t x) { return mmsb_popcount_u64((uint32_t)x); }
MMSB_FN int64_t mmsb_popcount_i64(int64_t x) { return mmsb_popcount_u64((uint64_t)x); }
MMSB_FN int64_t mmsb_popcount_u8(uint8_t x) { return mmsb_popcount_u64(x); }
MMSB_FN int64_t mmsb_popcount_u16(uint16_t x) { return mmsb_popcount_u64(x); }
MMSB_FN int64_t mmsb_popcount_u32(uint32_t x) { return mmsb_popcount_u64(x); }

/* ---- bool: one byte, 0 or 1 -------------------------------------------------------------------- */

MMSB_FN uint8_t mmsb_land_bool(uint8_t a, uint8_t b) { return (uint8_t)(a & b); }
MMSB_FN uint8_t mmsb_lor_bool(uint8_t a, uint8_t b) { return (uint8_t)(a | b); }
MMSB_FN uint8_t mmsb_lnot_bool(uint8_t a) { return (uint8_t)(a ^ 1); }
MMSB_FN uint8_t mmsb_band_bool(uint8_t a, uint8_t b) { return (uint8_t)(a & b); }
MMSB_FN uint8_t mmsb_bor_bool(uint8_t a, uint8_t b) { return (uint8_t)(a | b); }
MMSB_FN uint8_t mmsb_bxor_bool(uint8_t a, uint8_t b) { return (uint8_t)(a ^ b); }
MMSB_FN uint8_t mmsb_bnot_bool(uint8_t a) { return (uint8_t)(a ^ 1); }

/* ---- floats ------------------------------------------------------------------------------------ */

typedef union mmsb_pun32 { float f; uint32_t u; } mmsb_pun32;
typedef union mmsb_pun64 { double f; uint64_t u; } mmsb_pun64;

MMSB_FN uint32_t mmsb_bits_f32(float x) { mmsb_pun32 p; p.f = x; return p.u; }
MMSB_FN uint64_t mmsb_bits_f64(double x) { mmsb_pun64 p; p.f = x; return p.u; }
MMSB_FN float mmsb_from_bits_f32(uint32_t u) { mmsb_pun32 p; p.u = u; return p.f; }
MMSB_FN double mmsb_from_bits_f64(uint64_t u) { mmsb_pun64 p; p.u = u; return p.f; }

/* The one NaN that pages hold. */
MMSB_FN float mmsb_canon_f32(float x) { return x == x ? x : mmsb_from_bits_f32(0x7fc00000u); }
MMSB_FN double mmsb_canon_f64(double x) { return x == x ? x : mmsb_from_bits_f64(0x7ff8000000000000u); }

/* Equal operands have equal bits unless they are zeros: then | and & of the bits choose -0 and +0. */
#define MMSB_FLOAT(S, T, F)                                                                                  \
	MMSB_FN T mmsb_add_##S(T a, T b) { return a + b; }                                                   \
	MMSB_FN T mmsb_sub_##S(T a, T b) { return a - b; }                                                   \
	MMSB_FN T mmsb_mul_##S(T a, T b) { return a * b; }                                                   \
	MMSB_FN T mmsb_div_##S(T a, T b) { return a / b; }                                                   \
	MMSB_FN T mmsb_neg_##S(T a) { return -a; }                                                           \
	MMSB_FN T mmsb_abs_##S(T a) { return MMSB_BUILTIN(fabs##F)(a); }                                     \
	MMSB_FN T mmsb_min_##S(T a, T b)                                                                     \
	{                                                                                                    \
		T r = a < b ? a : b;                                                                         \
		r = a == b ? mmsb_from_bits_##S(mmsb_bits_##S(a) | mmsb_bits_##S(b)) : r;                    \
		return a == a ? r : a;                                                                       \
	}                                                                                                    \
	MMSB_FN T mmsb_max_##S(T a, T b)                                                                     \
	{                                                                                                    \
		T r = a > b ? a : b;                                                                         \
		r = a == b ? mmsb_from_bits_##S(mmsb_bits_##S(a) & mmsb_bits_##S(b)) : r;                    \
		return a == a ? r : a;                                                                       \
	}                                                                                                    \
	MMSB_FN T mmsb_floor_##S(T a) { return MMSB_BUILTIN(floor##F)(a); }                                  \
	MMSB_FN T mmsb_ceil_##S(T a) { return MMSB_BUILTIN(ceil##F)(a); }                                    \
	MMSB_FN T mmsb_trunc_##S(T a) { return MMSB_BUILTIN(trunc##F)(a); }                                  \
	MMSB_FN T mmsb_round_##S(T a)                                                                        \
	{                                                                                                    \
		T t = MMSB_BUILTIN(trunc##F)(a);                                                             \
		T up = MMSB_BUILTIN(fabs##F)(a - t) >= (T)0.5 ? (T)1 : (T)0;                                 \
		return up == (T)0 ? t : t + MMSB_BUILTIN(copysign##F)(up, a);                                \
	}                                                                                                    \
	MMSB_FN T mmsb_sqrt_##S(T a) { return MMSB_BUILTIN(sqrt##F)(a); }                                    \
	MMSB_FN uint8_t mmsb_is_nan_##S(T a) { return a != a; }

MMSB_FLOAT(f32, float, f)
MMSB_FLOAT(f64, double, )

/* fmod: the remainder of the significands, CHUNK bits of the difference of exponents at a time; every step is exact.
 * M: bits of the significand without the hidden one; CHUNK + M + 1 <= 64. */
#define MMSB_FMOD(S, T, U, M, EXPMASK, CHUNK)                                                                \
	MMSB_FN T mmsb_mod_##S(T x, T y)                                                                     \
	{                                                                                                    \
		const U one = 1, sign = (U)(one << (sizeof(U) * 8 - 1));                                     \
		U ux = mmsb_bits_##S(x), uy = mmsb_bits_##S(y);                                              \
		const U sx = ux & sign;                                                                      \
		ux &= (U)~sign;                                                                              \
		uy &= (U)~sign;                                                                              \
		const U inf = (U)((U)EXPMASK << M);                                                          \
		if (ux >= inf || uy > inf || uy == 0)                                                        \
			return (x * y) / (x * y);                                                            \
		if (ux < uy)                                                                                 \
			return x;                                                                            \
		int ex = (int)(ux >> M), ey = (int)(uy >> M);                                                \
		uint64_t mx = ux & (U)((one << M) - 1), my = uy & (U)((one << M) - 1);                       \
		if (ex == 0)                                                                                 \
			ex = 1;                                                                              \
		else                                                                                         \
			mx |= (uint64_t)1 << M;                                                              \
		if (ey == 0)                                                                                 \
			ey = 1;                                                                              \
		else                                                                                         \
			my |= (uint64_t)1 << M;                                                              \
		mx %= my;                                                                                    \
		while (ex > ey && mx != 0) {                                                                 \
			int part = ex - ey < CHUNK ? ex - ey : CHUNK;                                        \
			mx = (mx << part) % my;                                                              \
			ex -= part;                                                                          \
		}                                                                                            \
		if (mx == 0)                                                                                 \
			return mmsb_from_bits_##S(sx);                                                       \
		ex = ey;                                                                                     \
		while (mx >> M == 0 && ex > 1) {                                                             \
			mx <<= 1;                                                                            \
			ex--;                                                                                \
		}                                                                                            \
		if (mx >> M != 0)                                                                            \
			mx += (uint64_t)(ex - 1) << M;                                                       \
		return mmsb_from_bits_##S((U)(sx | (U)mx));                                                  \
	}

MMSB_FMOD(f32, float, uint32_t, 23, 0xff, 40)
MMSB_FMOD(f64, double, uint64_t, 52, 0x7ff, 11)

/* ---- every type -------------------------------------------------------------------------------- */

#define MMSB_EQUAL(S, T, ...)                                                                                \
	MMSB_FN uint8_t mmsb_eq_##S(T a, T b) { return a == b; }                                             \
	MMSB_FN uint8_t mmsb_ne_##S(T a, T b) { return a != b; }                                             \
	MMSB_FN T mmsb_select_##S(uint8_t c, T a, T b) { return (T)(c ? a : b); }
MMSB_FOR_ALL(MMSB_EQUAL, )

#define MMSB_ORDER(S, T, ...)                                                                                \
	MMSB_FN uint8_t mmsb_lt_##S(T a, T b) { return a < b; }                                              \
	MMSB_FN uint8_t mmsb_le_##S(T a, T b) { return a <= b; }                                             \
	MMSB_FN uint8_t mmsb_gt_##S(T a, T b) { return a > b; }                                              \
	MMSB_FN uint8_t mmsb_ge_##S(T a, T b) { return a >= b; }                                             \
	MMSB_FN T mmsb_clamp_##S(T x, T lo, T hi) { return mmsb_min_##S(mmsb_max_##S(x, lo), hi); }
MMSB_FOR_NUM(MMSB_ORDER, )

/* ---- conversions: mmsb_conv_FROM_TO ------------------------------------------------------------ */

#define MMSB_CAST(TO, TT, FROM, FT) MMSB_FN TT mmsb_conv_##FROM##_##TO(FT x) { return (TT)x; }
#define MMSB_TO_BOOL(FROM, FT, ...) MMSB_FN uint8_t mmsb_conv_##FROM##_bool(FT x) { return x != 0; }
/* GCC takes (double)(int)x for trunc(x) with -fno-trapping-math, which is -0 where the integer is 0: so 0 is asked for. */
#define MMSB_INT_TO_FLOAT(TO, TT, FROM, FT) MMSB_FN TT mmsb_conv_##FROM##_##TO(FT x) { return x == 0 ? (TT)0 : (TT)x; }
#define MMSB_FROM_INT(FROM, FT, ...)                                                                         \
	MMSB_FOR_INT(MMSB_CAST, FROM, FT)                                                                    \
	MMSB_INT_TO_FLOAT(f32, float, FROM, FT)                                                              \
	MMSB_INT_TO_FLOAT(f64, double, FROM, FT)

MMSB_FROM_INT(bool, uint8_t, )
MMSB_FROM_INT(i8, int8_t, )
MMSB_FROM_INT(i16, int16_t, )
MMSB_FROM_INT(i32, int32_t, )
MMSB_FROM_INT(i64, int64_t, )
MMSB_FROM_INT(u8, uint8_t, )
MMSB_FROM_INT(u16, uint16_t, )
MMSB_FROM_INT(u32, uint32_t, )
MMSB_FROM_INT(u64, uint64_t, )
MMSB_FOR_ALL(MMSB_TO_BOOL, )

/* LOW and HIGH are powers of two (or 0), exact in both types: HIGH is the largest value plus one. */
#define MMSB_SATURATE(FROM, FT, TO, TT, LOW, MIN, HIGH, MAX)                                                 \
	MMSB_FN TT mmsb_conv_##FROM##_##TO(FT x)                                                             \
	{                                                                                                    \
		return (TT)(x >= (FT)HIGH ? MAX : x > (FT)LOW ? (TT)x : x <= (FT)LOW ? MIN : 0);             \
	}
#define MMSB_FROM_FLOAT(FROM, FT)                                                                            \
	MMSB_CAST(f32, float, FROM, FT)                                                                      \
	MMSB_CAST(f64, double, FROM, FT)                                                                     \
	MMSB_SATURATE(FROM, FT, i8, int8_t, -128.0, INT8_MIN, 128.0, INT8_MAX)                               \
	MMSB_SATURATE(FROM, FT, i16, int16_t, -32768.0, INT16_MIN, 32768.0, INT16_MAX)                       \
	MMSB_SATURATE(FROM, FT, i32, int32_t, -2147483648.0, INT32_MIN, 2147483648.0, INT32_MAX)             \
	MMSB_SATURATE(FROM, FT, i64, int64_t, -9223372036854775808.0, INT64_MIN, 9223372036854775808.0, INT64_MAX) \
	MMSB_SATURATE(FROM, FT, u8, uint8_t, 0.0, 0, 256.0, UINT8_MAX)                                       \
	MMSB_SATURATE(FROM, FT, u16, uint16_t, 0.0, 0, 65536.0, UINT16_MAX)                                  \
	MMSB_SATURATE(FROM, FT, u32, uint32_t, 0.0, 0, 4294967296.0, UINT32_MAX)                             \
	MMSB_SATURATE(FROM, FT, u64, uint64_t, 0.0, 0, 18446744073709551616.0, UINT64_MAX)
MMSB_FROM_FLOAT(f32, float)
MMSB_FROM_FLOAT(f64, double)

/* ---- random numbers ---------------------------------------------------------------------------- */

/* The first 64 bits of Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011): key of two words, counter of four, low words first. */
MMSB_FN uint64_t mmsb_rand_step_u64(uint64_t key, uint64_t a, uint64_t b)
{
	uint32_t c0 = (uint32_t)a, c1 = (uint32_t)(a >> 32), c2 = (uint32_t)b, c3 = (uint32_t)(b >> 32);
	uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
	for (int round = 0; round < 10; round++) {
		uint64_t p0 = (uint64_t)0xd2511f53u * c0, p1 = (uint64_t)0xcd9e8d57u * c2;
		uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
		c1 = (uint32_t)p1;
		c3 = (uint32_t)p0;
		c0 = n0;
		c2 = n2;
		k0 += 0x9e3779b9u;
		k1 += 0xbb67ae85u;
	}
	return (uint64_t)c0 | (uint64_t)c1 << 32;
}

/* 53 bits as a float in [0, 1). */
MMSB_FN double mmsb_rand_unit_u64(uint64_t x) { return (double)(x >> 11) * 0x1p-53; }

#pragma pop_macro("bool")

#endif
