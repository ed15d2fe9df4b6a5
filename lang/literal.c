/* Literals: a P_CONST of type LIT_INT holds a magnitude, one of type LIT_FLOAT a double; `op` is 1 when a minus
 * stands before it. They keep that form until the place where they go has told their type. */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NAN_F64 UINT64_C(0x7ff8000000000000)
#define NAN_F32 UINT64_C(0x7fc00000)

p_expr *literal_node(site *s, const ast_expr *e)
{
	p_type type = scalar_type(e->kind == AST_INT ? LIT_INT : e->kind == AST_FLOAT ? LIT_FLOAT : T_BOOL);
	p_expr *node = new_node(s, P_CONST, type, e->span, 0, NULL);
	if (is_poison(node))
		return node;
	if (e->kind == AST_INT)
		node->u.value.bits = e->u.integer.value;
	else if (e->kind == AST_FLOAT)
		node->u.value.F64 = e->u.real.value;
	else
		node->u.value.bits = e->u.boolean;
	return node;
}

p_expr *negate(site *s, p_expr *e, lang_span span)
{
	if (is_poison(e))
		return e;
	if (e->kind == P_CONST && is_literal(e)) {
		p_expr *node = copy_node(s, e);
		if (!is_poison(node))
			node->op = !e->op;
		return node;
	}
	return make_op(s, OP_NEG, span, 1, &e, "-");
}

/* The f32 nearest to what is written, which the f64 nearest to it does not always round to. */
static float nearest_f32(checker *ck, const p_expr *literal, double value)
{
	size_t length = 0, kept = 0;
	const char *text = lang_span_text(ck->ctx, literal->span, &length);
	char digits[64];
	uint64_t bits;

	memcpy(&bits, &value, sizeof bits);
	if ((bits & 0x1fffffff) != 0x10000000 || text == NULL || length >= sizeof digits)
		return (float)value;
	for (size_t i = 0; i < length; i++)
		if (text[i] != '_')
			digits[kept++] = text[i];
	digits[kept] = '\0';
	char *end;
	float nearest = strtof(digits, &end);
	return *end == '\0' ? nearest : (float)value;
}

static bool float_value(checker *ck, const p_expr *literal, int type, scalar *out)
{
	bool whole = literal->type.scalar == LIT_INT;
	double value = whole ? (double)literal->u.value.bits : literal->u.value.F64;
	out->bits = 0;
	if (isnan(value)) {
		out->bits = type == T_F32 ? NAN_F32 : NAN_F64;
		return true;
	}
	if (type == T_F64) {
		out->F64 = literal->op ? -value : value;
		return true;
	}
	float narrow = whole ? (float)literal->u.value.bits : nearest_f32(ck, literal, value);
	out->F32 = literal->op ? -narrow : narrow;
	return isinf(value) || !isinf(narrow);
}

bool literal_value(checker *ck, const p_expr *literal, int type, scalar *out)
{
	uint64_t magnitude = literal->u.value.bits;
	unsigned bits = 8u * type_table[type].bytes;

	out->bits = 0;
	if (type_table[type].kind == KIND_F)
		return float_value(ck, literal, type, out);
	if (literal->type.scalar != LIT_INT || type_table[type].kind == KIND_B)
		return false;
	uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
	uint64_t top = UINT64_C(1) << (bits - 1);
	uint64_t most = type_table[type].kind == KIND_U ? (literal->op ? 0 : mask) : literal->op ? top : top - 1;
	out->bits = (literal->op ? 0 - magnitude : magnitude) & mask;
	return magnitude <= most;
}

/* The zero or one of a semiring: inf is the end of an integer type. */
p_expr *ring_constant(site *s, const p_expr *literal, int type)
{
	if (type_table[type].kind == KIND_B || type_table[type].kind == KIND_F || literal->type.scalar != LIT_FLOAT ||
	    !isinf(literal->u.value.F64))
		return settle(s, copy_node(s, literal), type);
	p_expr *node = copy_node(s, literal);
	if (is_poison(node))
		return node;
	node->type = scalar_type(type);
	node->u.value.bits = op_identity(literal->op ? OP_MAX : OP_MIN, type);
	node->op = 0;
	return node;
}
