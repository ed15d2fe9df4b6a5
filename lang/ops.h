/* ops.h - expansions of ops.def, the operator table. Any room may include it. */
#ifndef MMSB_OPS_H
#define MMSB_OPS_H

#include <stdint.h>

typedef enum op_id {
#define OP(id, name, spelling, form, arity, rule, types, reduce, d0, d1, d2, flags) OP_##id,
#include "ops.def"
#undef OP
	OP_COUNT
} op_id;

typedef enum op_form { FORM_INFIX, FORM_PREFIX, FORM_CALL, FORM_NONE_ } op_form;
typedef enum op_rule {
	RULE_ARITH, RULE_CMP, RULE_SHIFT, RULE_SELECT, RULE_TEST, RULE_COUNT, RULE_RAND
} op_rule;
typedef enum op_reduce { REDUCE_NO, REDUCE_ASSOC, REDUCE_IDEM } op_reduce;
typedef enum op_dir {
	DIR_NONE_D, DIR_UP, DIR_UP_PICK, DIR_UP_GE, DIR_UP_LE, DIR_BRANCH, DIR_UP_SUM, DIR_UP_DIFF, DIR_UP_NONNEG,
	DIR_UP_POS, DIR_DOWN, DIR_MIXED
} op_dir;

enum { OPF_0 = 0, OPF_FAILS = 1, OPF_LAZY = 2, OPF_COMM = 4, OPF_ELEM = 8 };

/* Sets of types as bits over type_id. */
enum {
	TYPES_BOOL_ = 0x001,
	TYPES_INT = 0x1fe,
	TYPES_FLT = 0x600,
	TYPES_NUM = TYPES_INT | TYPES_FLT,
	TYPES_BITS = TYPES_INT | TYPES_BOOL_,
	TYPES_ALL = TYPES_NUM | TYPES_BOOL_,
	TYPES_U64_ = 0x100
};

typedef struct op_facts {
	const char *name;     /* mmsb_NAME_TYPE in scalar.h */
	const char *spelling; /* or NULL */
	uint8_t form, arity, rule, reduce, flags;
	uint16_t types;
	uint8_t dir[3];
} op_facts;

extern const op_facts op_table[OP_COUNT];

/* The operator with this spelling, form and number of operands; OP_COUNT if there is none. */
op_id op_find(const char *spelling, op_form form, int arity);

/* The identity of a reducing operator for a scalar type, as the bits of that type. */
uint64_t op_identity(op_id op, int type);

#endif
