/* naive_scalar.c - what each operator means for one value: language.md section 3, "Arithmetic". Integers are computed in 128
 * bits and cut to their type. */
#include "naive.h"

#include <math.h>

#include "../runtime/elementary.h"

__extension__ typedef __int128 wide;
__extension__ typedef unsigned __int128 uwide;

static type_kind kind_of(type_id type)
{
	return (type_kind)type_table[type].kind;
}

static int bits_of(type_id type)
{
	return 8 * type_table[type].bytes;
}

static wide to_wide(scalar s, type_id type)
{
	switch (type) {
	case T_BOOL: return s.BOOL;
	case T_I8: return s.I8;
	case T_I16: return s.I16;
	case T_I32: return s.I32;
	case T_I64: return s.I64;
	case T_U8: return s.U8;
	case T_U16: return s.U16;
	case T_U32: return s.U32;
	default: return s.U64;
	}
}

/* The value modulo 2^width, as the type reads it. */
static scalar cut(uwide value, type_id type)
{
	scalar s = {0};
	uint64_t low = (uint64_t)value;
	s.bits = bits_of(type) == 64 ? low : low & ((UINT64_C(1) << bits_of(type)) - 1);
	return s;
}

static double to_double(scalar s, type_id type)
{
	return type == T_F32 ? (double)s.F32 : s.F64;
}

static scalar from_double(double value, type_id type)
{
	scalar s = {0};
	if (type == T_F32)
		s.F32 = (float)value;
	else
		s.F64 = value;
	return s;
}

static scalar truth(bool value)
{
	return (scalar){.bits = value};
}

scalar naive_canonical(scalar value, type_id type)
{
	if (type == T_F32 && isnan(value.F32))
		return (scalar){.bits = 0x7fc00000u};
	if (type == T_F64 && isnan(value.F64))
		return (scalar){.bits = UINT64_C(0x7ff8000000000000)};
	return value;
}

/* ---- conversions ----------------------------------------------------------------------- */

static scalar float_to_int(double v, type_id to)
{
	if (isnan(v))
		return (scalar){0};
	bool is_signed = kind_of(to) == KIND_S;
	int bits = bits_of(to);
	double top = ldexp(1, is_signed ? bits - 1 : bits), bottom = is_signed ? -top : 0;
	v = trunc(v);
	if (v >= top)
		return cut(((uwide)1 << (is_signed ? bits - 1 : bits)) - 1, to);
	if (v <= bottom)
		return is_signed ? cut((uwide)1 << (bits - 1), to) : (scalar){0};
	return cut(v < 0 ? (uwide)(wide)(int64_t)v : (uwide)(uint64_t)v, to);
}

scalar naive_convert(scalar value, type_id from, type_id to)
{
	bool from_float = kind_of(from) == KIND_F, to_float = kind_of(to) == KIND_F;
	scalar s = {0};
	if (from == to)
		return value;
	if (to == T_BOOL)
		return truth(from_float ? to_double(value, from) != 0 : to_wide(value, from) != 0);
	if (from_float && to_float)
		return from_double(to_double(value, from), to);
	if (from_float)
		return float_to_int(to_double(value, from), to);
	if (!to_float)
		return cut((uwide)to_wide(value, from), to);
	if (from == T_U64) {
		if (to == T_F32)
			s.F32 = (float)value.U64;
		else
			s.F64 = (double)value.U64;
		return s;
	}
	int64_t v = (int64_t)to_wide(value, from);
	if (to == T_F32)
		s.F32 = (float)v;
	else
		s.F64 = (double)v;
	return s;
}

/* ---- order ----------------------------------------------------------------------------- */

/* IEEE 754-2019 minimum: nan if there is one, and -0 below +0. */
static double least(double a, double b)
{
	if (isnan(a) || isnan(b))
		return NAN;
	if (a == b)
		return signbit(a) ? a : b;
	return a < b ? a : b;
}

static double greatest(double a, double b)
{
	return -least(-a, -b);
}

/* Equal as the language compares: -0 and +0 are. */
bool naive_better(op_id op, scalar a, scalar b, type_id type)
{
	if (kind_of(type) == KIND_F) {
		double x = to_double(a, type), y = to_double(b, type);
		return op == OP_MIN ? x < y : x > y;
	}
	return op == OP_MIN ? to_wide(a, type) < to_wide(b, type) : to_wide(a, type) > to_wide(b, type);
}

/* ---- operators ------------------------------------------------------------------------- */

static scalar op_bool(op_id op, const scalar *a)
{
	bool x = a[0].BOOL, y = a[1].BOOL;
	switch (op) {
	case OP_LAND: case OP_BAND: return truth(x && y);
	case OP_LOR: case OP_BOR: return truth(x || y);
	case OP_BXOR: case OP_NE: return truth(x != y);
	case OP_EQ: return truth(x == y);
	case OP_LNOT: case OP_BNOT: return truth(!x);
	default: return truth(false);
	}
}

static int64_t population(scalar s)
{
	int64_t count = 0;
	for (int i = 0; i < 64; i++)
		count += (int64_t)(s.bits >> i & 1);
	return count;
}

/* b is a power of two widths: every count reads as its remainder. */
static scalar op_shift(op_id op, wide x, wide y, type_id type)
{
	int by = (int)((uwide)y % (unsigned)bits_of(type));
	return cut(op == OP_SHL ? (uwide)x << by : (uwide)(x >> by), type);
}

static scalar saturating(wide sum, type_id type)
{
	bool is_signed = kind_of(type) == KIND_S;
	wide top = ((wide)1 << (is_signed ? bits_of(type) - 1 : bits_of(type))) - 1;
	wide bottom = is_signed ? -top - 1 : 0;
	return cut((uwide)(sum > top ? top : sum < bottom ? bottom : sum), type);
}

static scalar op_int(op_id op, type_id type, const scalar *a, bool *failed)
{
	wide x = to_wide(a[0], type), y = to_wide(a[1], type), z = to_wide(a[2], type);
	if ((op == OP_DIV || op == OP_MOD) && y == 0) {
		*failed = true;
		return (scalar){0};
	}
	switch (op) {
	case OP_ADD: return cut((uwide)x + (uwide)y, type);
	case OP_SUB: return cut((uwide)x - (uwide)y, type);
	case OP_MUL: return cut((uwide)x * (uwide)y, type);
	case OP_DIV: return cut((uwide)(x / y), type);
	case OP_MOD: return cut((uwide)(x % y), type);
	case OP_NEG: return cut(-(uwide)x, type);
	case OP_ABS: return cut((uwide)(x < 0 ? -x : x), type);
	case OP_ADD_SAT: return saturating(x + y, type);
	case OP_BAND: return cut((uwide)x & (uwide)y, type);
	case OP_BOR: return cut((uwide)x | (uwide)y, type);
	case OP_BXOR: return cut((uwide)x ^ (uwide)y, type);
	case OP_BNOT: return cut(~(uwide)x, type);
	case OP_SHL: case OP_SHR: return op_shift(op, x, y, type);
	case OP_MIN: return x < y ? a[0] : a[1];
	case OP_MAX: return x > y ? a[0] : a[1];
	case OP_CLAMP: x = x > y ? x : y; return cut((uwide)(x < z ? x : z), type);
	case OP_EQ: return truth(x == y);
	case OP_NE: return truth(x != y);
	case OP_LT: return truth(x < y);
	case OP_LE: return truth(x <= y);
	case OP_GT: return truth(x > y);
	case OP_GE: return truth(x >= y);
	case OP_POPCOUNT: return (scalar){.I64 = population(a[0])};
	default: return (scalar){0};
	}
}

static scalar op_f32(op_id op, float x, float y)
{
	scalar s = {0};
	switch (op) {
	case OP_ADD: s.F32 = x + y; break;
	case OP_SUB: s.F32 = x - y; break;
	case OP_MUL: s.F32 = x * y; break;
	case OP_DIV: s.F32 = x / y; break;
	case OP_MOD: s.F32 = fmodf(x, y); break;
	case OP_SQRT: s.F32 = sqrtf(x); break;
	case OP_EXP: s.F32 = mmsb_exp_f32(x); break;
	case OP_LOG: s.F32 = mmsb_log_f32(x); break;
	case OP_POW: s.F32 = mmsb_pow_f32(x, y); break;
	case OP_SIN: s.F32 = mmsb_sin_f32(x); break;
	case OP_COS: s.F32 = mmsb_cos_f32(x); break;
	case OP_TAN: s.F32 = mmsb_tan_f32(x); break;
	case OP_ASIN: s.F32 = mmsb_asin_f32(x); break;
	case OP_ACOS: s.F32 = mmsb_acos_f32(x); break;
	case OP_ATAN: s.F32 = mmsb_atan_f32(x); break;
	case OP_ATAN2: s.F32 = mmsb_atan2_f32(x, y); break;
	case OP_SINH: s.F32 = mmsb_sinh_f32(x); break;
	case OP_COSH: s.F32 = mmsb_cosh_f32(x); break;
	case OP_TANH: s.F32 = mmsb_tanh_f32(x); break;
	case OP_ERF: s.F32 = mmsb_erf_f32(x); break;
	case OP_NORMCDF: s.F32 = mmsb_normcdf_f32(x); break;
	default: break;
	}
	return s;
}

static scalar op_f64(op_id op, double x, double y)
{
	scalar s = {0};
	switch (op) {
	case OP_ADD: s.F64 = x + y; break;
	case OP_SUB: s.F64 = x - y; break;
	case OP_MUL: s.F64 = x * y; break;
	case OP_DIV: s.F64 = x / y; break;
	case OP_MOD: s.F64 = fmod(x, y); break;
	case OP_SQRT: s.F64 = sqrt(x); break;
	case OP_EXP: s.F64 = mmsb_exp_f64(x); break;
	case OP_LOG: s.F64 = mmsb_log_f64(x); break;
	case OP_POW: s.F64 = mmsb_pow_f64(x, y); break;
	case OP_SIN: s.F64 = mmsb_sin_f64(x); break;
	case OP_COS: s.F64 = mmsb_cos_f64(x); break;
	case OP_TAN: s.F64 = mmsb_tan_f64(x); break;
	case OP_ASIN: s.F64 = mmsb_asin_f64(x); break;
	case OP_ACOS: s.F64 = mmsb_acos_f64(x); break;
	case OP_ATAN: s.F64 = mmsb_atan_f64(x); break;
	case OP_ATAN2: s.F64 = mmsb_atan2_f64(x, y); break;
	case OP_SINH: s.F64 = mmsb_sinh_f64(x); break;
	case OP_COSH: s.F64 = mmsb_cosh_f64(x); break;
	case OP_TANH: s.F64 = mmsb_tanh_f64(x); break;
	case OP_ERF: s.F64 = mmsb_erf_f64(x); break;
	case OP_NORMCDF: s.F64 = mmsb_normcdf_f64(x); break;
	default: break;
	}
	return s;
}

/* What is exact, or a choice, is the same in both formats. */
static scalar op_float(op_id op, type_id type, const scalar *a)
{
	double x = to_double(a[0], type), y = to_double(a[1], type), z = to_double(a[2], type);
	switch (op) {
	case OP_NEG: return from_double(-x, type);
	case OP_ABS: return from_double(fabs(x), type);
	case OP_FLOOR: return from_double(floor(x), type);
	case OP_CEIL: return from_double(ceil(x), type);
	case OP_ROUND: return from_double(round(x), type);
	case OP_TRUNC: return from_double(trunc(x), type);
	case OP_MIN: return from_double(least(x, y), type);
	case OP_MAX: return from_double(greatest(x, y), type);
	case OP_CLAMP: return from_double(least(greatest(x, y), z), type);
	case OP_EQ: return truth(x == y);
	case OP_NE: return truth(x != y);
	case OP_LT: return truth(x < y);
	case OP_LE: return truth(x <= y);
	case OP_GT: return truth(x > y);
	case OP_GE: return truth(x >= y);
	case OP_IS_NAN: return truth(isnan(x) != 0);
	default: return type == T_F32 ? op_f32(op, a[0].F32, a[1].F32) : op_f64(op, x, y);
	}
}

/* Philox4x32-10, from its paper: ten rounds of two 32 x 32 bit products. */
static scalar philox(uint64_t key, uint64_t a, uint64_t b)
{
	uint32_t x[4] = {(uint32_t)a, (uint32_t)(a >> 32), (uint32_t)b, (uint32_t)(b >> 32)};
	uint32_t k[2] = {(uint32_t)key, (uint32_t)(key >> 32)};
	for (int round = 0; round < 10; round++) {
		if (round > 0) {
			k[0] += 0x9E3779B9u;
			k[1] += 0xBB67AE85u;
		}
		uint64_t m0 = UINT64_C(0xD2511F53) * x[0], m1 = UINT64_C(0xCD9E8D57) * x[2];
		uint32_t next[4] = {(uint32_t)(m1 >> 32) ^ x[1] ^ k[0], (uint32_t)m1,
		                    (uint32_t)(m0 >> 32) ^ x[3] ^ k[1], (uint32_t)m0};
		for (int i = 0; i < 4; i++)
			x[i] = next[i];
	}
	return (scalar){.U64 = (uint64_t)x[1] << 32 | x[0]};
}

scalar naive_op(op_id op, type_id type, const scalar *args, bool *failed)
{
	switch (op) {
	case OP_SELECT:
		return args[0].BOOL ? args[1] : args[2];
	case OP_RAND_STEP:
		return philox(args[0].U64, args[1].U64, args[2].U64);
	case OP_RAND_UNIT:
		return (scalar){.F64 = ldexp((double)(args[0].U64 >> 11), -53)};
	default:
		break;
	}
	switch (kind_of(type)) {
	case KIND_B:
		return op_bool(op, args);
	case KIND_F:
		return op_float(op, type, args);
	default:
		return op_int(op, type, args, failed);
	}
}

/* ---- guards ---------------------------------------------------------------------------- */

bool naive_guard(guard_id kind, scalar value, type_id type)
{
	bool is_float = kind_of(type) == KIND_F;
	double v = is_float ? to_double(value, type) : kind_of(type) == KIND_U ? (double)(uint64_t)to_wide(value, type)
	                                                                       : (double)(int64_t)to_wide(value, type);
	bool negzero = is_float && v == 0 && signbit(v);
	switch (kind) {
	case GUARD_NONNEG: return v >= 0;
	case GUARD_NONPOS: return v <= 0;
	case GUARD_UNIT: return v >= 0 && v <= 1 && !negzero;
	case GUARD_GE_ONE: return v >= 1;
	case GUARD_NOT_NAN: return !isnan(v);
	case GUARD_NOT_NEGINF: return !isnan(v) && v != -INFINITY;
	case GUARD_NOT_POSINF: return !isnan(v) && v != INFINITY;
	case GUARD_NONNEG_FINITE: return v >= 0 && v < INFINITY;
	case GUARD_POSITIVE: return v > 0;
	case GUARD_NOT_NEGZERO: return !negzero;
	default: return false;
	}
}
