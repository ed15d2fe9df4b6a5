/* The operator table as data, and the two questions that everybody asks of it. */
#include "ops.h"

#include <stddef.h>
#include <string.h>

#include "../runtime/types.h"


const op_facts op_table[OP_COUNT] = {
#define OP(id, name_, spelling_, form_, arity_, rule_, types_, reduce_, d0, d1, d2, flags_)             \
	[OP_##id] = {                                                                                  \
		.name = #name_,                                                                        \
		.spelling = spelling_,                                                                 \
		.form = FORM_##form_,                                                                  \
		.arity = arity_,                                                                       \
		.rule = RULE_##rule_,                                                                  \
		.reduce = REDUCE_##reduce_,                                                            \
		.flags = OPF_##flags_,                                                                 \
		.types = TYPES_##types_,                                                               \
		.dir = {DIR_##d0, DIR_##d1, DIR_##d2},                                                 \
	},
#include "ops.def"
#undef OP
};

op_id op_find(const char *spelling, op_form form, int arity)
{
	for (int op = 0; op < OP_COUNT; op++) {
		const op_facts *facts = &op_table[op];
		if (facts->spelling != NULL && facts->form == form && facts->arity == arity &&
		    strcmp(facts->spelling, spelling) == 0)
			return (op_id)op;
	}
	return OP_COUNT;
}

/* A value of a type from the three things an identity can be: a number, or one of the ends of the type. */
typedef enum op_end { END_LOW, END_HIGH } op_end;

static uint64_t type_end(int type, op_end end)
{
	unsigned bits = 8u * type_table[type].bytes;
	uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
	uint64_t top = UINT64_C(1) << (bits - 1);

	switch (type_table[type].kind) {
	case KIND_B:
		return end == END_HIGH;
	case KIND_U:
		return end == END_HIGH ? mask : 0;
	case KIND_S:
		return end == END_HIGH ? top - 1 : top;
	default:
		break;
	}
	scalar infinity = {0};
	if (type == T_F32)
		infinity.bits = end == END_HIGH ? UINT64_C(0x7f800000) : UINT64_C(0xff800000);
	else
		infinity.bits = end == END_HIGH ? UINT64_C(0x7ff0000000000000) : UINT64_C(0xfff0000000000000);
	return infinity.bits;
}

static uint64_t type_one(int type)
{
	if (type == T_F32)
		return UINT64_C(0x3f800000);
	return type == T_F64 ? UINT64_C(0x3ff0000000000000) : 1;
}

uint64_t op_identity(op_id op, int type)
{
	switch (op) {
	case OP_MUL:
	case OP_LAND:
		return type_one(type);
	case OP_MIN:
		return type_end(type, END_HIGH);
	case OP_MAX:
		return type_end(type, END_LOW);
	case OP_BAND:
		return type_table[type].kind == KIND_S ? type_end(type, END_HIGH) | type_end(type, END_LOW)
		                                       : type_end(type, END_HIGH);
	default:
		return 0;
	}
}
