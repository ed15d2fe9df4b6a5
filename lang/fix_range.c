/* fix_range.c - see fix_range.h. Bounds are doubles: they are only ever compared with -inf, 0, 1 and inf, and rounding
 * keeps the order of everything with those. */
#include "fix_range.h"

#include <math.h>

enum { RANGE_DEPTH = 10 }; /* how far a walk goes down: shared nodes are reached again, so it must stop early */

static fix_range walk(const p_expr *expr, int depth);

static fix_range range_of_type(type_id type)
{
	const type_facts *t = &type_table[type];
	switch (t->kind) {
	case KIND_B:
		return (fix_range){0, 1, false, false};
	case KIND_S:
		return (fix_range){-ldexp(1, 8 * t->bytes - 1), ldexp(1, 8 * t->bytes - 1) - 1, false, false};
	case KIND_U:
		return (fix_range){0, ldexp(1, 8 * t->bytes) - 1, false, false};
	default:
		return (fix_range){-INFINITY, INFINITY, true, true};
	}
}

fix_range fix_range_value(scalar value, type_id type)
{
	double v = 0;
	switch (type) {
	case T_BOOL: v = value.BOOL; break;
	case T_I8: v = value.I8; break;
	case T_I16: v = value.I16; break;
	case T_I32: v = value.I32; break;
	case T_I64: v = (double)value.I64; break;
	case T_U8: v = value.U8; break;
	case T_U16: v = value.U16; break;
	case T_U32: v = value.U32; break;
	case T_U64: v = (double)value.U64; break;
	case T_F32: v = (double)value.F32; break;
	case T_F64: v = value.F64; break;
	default: break;
	}
	if (isnan(v))
		return (fix_range){1, 0, true, false};
	return (fix_range){v, v, false, v == 0 && signbit(v)};
}

static bool is_float(const p_expr *expr)
{
	return type_table[expr->type.scalar].kind == KIND_F;
}

static bool holds_zero(fix_range r)
{
	return r.lo <= 0 && r.hi >= 0;
}

static fix_range join(fix_range a, fix_range b)
{
	return (fix_range){fmin(a.lo, b.lo), fmax(a.hi, b.hi), a.nan || b.nan, a.negzero || b.negzero};
}

/* An integer result that may have wrapped can be anything of its type; a float one may be nan where a bound is. */
static fix_range settle(const p_expr *expr, fix_range r)
{
	fix_range all = range_of_type(expr->type.scalar);
	if (isnan(r.lo) || isnan(r.hi))
		return all;
	if (is_float(expr))
		return r;
	return r.lo < all.lo || r.hi > all.hi ? all : r;
}

static fix_range product(fix_range a, fix_range b)
{
	double c[4] = {a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi};
	fix_range r = {c[0], c[0], a.nan || b.nan, false};
	for (int i = 0; i < 4; i++) {
		if (isnan(c[i])) /* 0 * inf: the bound 0, and nan where both are reached */
			r.nan = true, c[i] = 0;
		r.lo = i ? fmin(r.lo, c[i]) : c[i];
		r.hi = i ? fmax(r.hi, c[i]) : c[i];
	}
	if ((holds_zero(a) && (isinf(b.lo) || isinf(b.hi))) || (holds_zero(b) && (isinf(a.lo) || isinf(a.hi))))
		r.nan = true;
	r.negzero = a.lo < 0 || b.lo < 0 || a.negzero || b.negzero;
	return r;
}

static fix_range sum(fix_range a, fix_range b)
{
	bool opposite = (a.hi == INFINITY && b.lo == -INFINITY) || (a.lo == -INFINITY && b.hi == INFINITY);
	return (fix_range){a.lo + b.lo, a.hi + b.hi, a.nan || b.nan || opposite, a.negzero && b.negzero};
}

static fix_range range_of_op(const p_expr *expr, int depth)
{
	fix_range all = range_of_type(expr->type.scalar), a[3] = {all, all, all};
	for (uint32_t i = 0; i < expr->n_args && i < 3; i++) {
		a[i] = walk(expr->args[i], depth - 1);
		if (a[i].lo > a[i].hi) /* nothing but nan */
			a[i] = range_of_type(expr->args[i]->type.scalar);
	}
	switch (expr->op) {
	case OP_ADD:
		return settle(expr, sum(a[0], a[1]));
	case OP_MUL:
		return settle(expr, product(a[0], a[1]));
	case OP_NEG:
		return settle(expr, (fix_range){-a[0].hi, -a[0].lo, a[0].nan, holds_zero(a[0])});
	case OP_ABS:
		return settle(expr, (fix_range){holds_zero(a[0]) ? 0 : fmin(fabs(a[0].lo), fabs(a[0].hi)),
		                                fmax(fabs(a[0].lo), fabs(a[0].hi)), a[0].nan, false});
	case OP_MIN:
		return (fix_range){fmin(a[0].lo, a[1].lo), fmin(a[0].hi, a[1].hi), a[0].nan || a[1].nan,
		                   a[0].negzero || a[1].negzero};
	case OP_MAX:
		return (fix_range){fmax(a[0].lo, a[1].lo), fmax(a[0].hi, a[1].hi), a[0].nan || a[1].nan,
		                   a[0].negzero || a[1].negzero};
	case OP_SELECT:
		return join(a[1], a[2]);
	case OP_SQRT:
		return (fix_range){0, INFINITY, a[0].nan || a[0].lo < 0, a[0].negzero};
	case OP_EXP:
		return (fix_range){0, INFINITY, a[0].nan, false};
	case OP_POPCOUNT:
		return (fix_range){0, 64, false, false};
	case OP_RAND_UNIT:
		return (fix_range){0, 1, false, false};
	default:
		return all;
	}
}

static fix_range range_of_conv(const p_expr *expr, int depth)
{
	fix_range a = walk(expr->args[0], depth - 1), all = range_of_type(expr->type.scalar);
	if (a.lo > a.hi)
		return all;
	if (is_float(expr))
		return expr->type.scalar == T_F32
		       ? (fix_range){(double)(float)a.lo, (double)(float)a.hi, a.nan, a.negzero || a.lo < 0} : a;
	if (!is_float(expr->args[0]))
		return settle(expr, a);
	/* truncates and saturates; nan gives 0 */
	fix_range r = {fmin(fmax(trunc(a.lo), all.lo), all.hi), fmin(fmax(trunc(a.hi), all.lo), all.hi), false, false};
	return a.nan ? join(r, (fix_range){0, 0, false, false}) : r;
}

/* Params of sizes are not negative. */
static bool size_is_nonneg(const p_size *size)
{
	for (uint32_t i = 0; i < size->n; i++)
		if (size->terms[i].coef < 0)
			return false;
	return true;
}

static fix_range walk(const p_expr *expr, int depth)
{
	fix_range all = range_of_type(expr->type.scalar);
	if (depth == 0)
		return all;
	switch (expr->kind) {
	case P_CONST:
		return fix_range_value(expr->u.value, expr->type.scalar);
	case P_SIZE:
		return (fix_range){size_is_nonneg(expr->u.size) ? 0 : all.lo, all.hi, false, false};
	case P_VAR:
		return (fix_range){size_is_nonneg(expr->u.var->lo) ? 0 : all.lo, all.hi, false, false};
	case P_CONV:
		return range_of_conv(expr, depth);
	case P_OP:
		return range_of_op(expr, depth);
	case P_IF:
		return join(walk(expr->args[1], depth - 1), walk(expr->args[2], depth - 1));
	default:
		return all;
	}
}

fix_range fix_range_of(const p_expr *expr)
{
	return walk(expr, RANGE_DEPTH);
}

static fix_answer within(fix_range r, double lo, double hi)
{
	if (r.lo > r.hi || r.hi < lo || r.lo > hi)
		return ANSWER_NO;
	return !r.nan && r.lo >= lo && r.hi <= hi ? ANSWER_YES : ANSWER_MAYBE;
}

fix_answer fix_range_meets(fix_range r, guard_id kind)
{
	const double least = 4.9406564584124654e-324, most = 1.7976931348623157e308;
	fix_answer unit;
	switch (kind) {
	case GUARD_NONNEG:
		return within(r, 0, INFINITY);
	case GUARD_NONPOS:
		return within(r, -INFINITY, 0);
	case GUARD_UNIT:
		unit = within(r, 0, 1);
		return unit == ANSWER_YES && r.negzero ? ANSWER_MAYBE : unit;
	case GUARD_GE_ONE:
		return within(r, 1, INFINITY);
	case GUARD_NOT_NAN:
		return within(r, -INFINITY, INFINITY);
	case GUARD_NOT_NEGINF:
		return within(r, -most, INFINITY);
	case GUARD_NOT_POSINF:
		return within(r, -INFINITY, most);
	case GUARD_NONNEG_FINITE:
		return within(r, 0, most);
	case GUARD_POSITIVE:
		return within(r, least, INFINITY);
	case GUARD_NOT_NEGZERO:
		return r.negzero ? ANSWER_MAYBE : ANSWER_YES;
	case GUARD_COUNT:
		break;
	}
	return ANSWER_MAYBE;
}
