/* types.h - expansions of types.def: the ids of the scalar types and their facts. */
#ifndef MMSB_TYPES_H
#define MMSB_TYPES_H

#include <stddef.h>
#include <stdint.h>

typedef enum type_id {
#define TYPE(id, name, ctype, bytes, kind, npy, bits) T_##id,
#include "types.def"
#undef TYPE
	T_COUNT
} type_id;

typedef enum type_kind { KIND_B, KIND_S, KIND_U, KIND_F } type_kind;

typedef struct type_facts {
	const char *name;
	uint8_t bytes;
	uint8_t kind; /* type_kind */
	const char *npy;
} type_facts;

static const type_facts type_table[T_COUNT] = {
#define TYPE(id, name, ctype, bytes, kind, npy, bits) {name, bytes, KIND_##kind, npy},
#include "types.def"
#undef TYPE
};

/* One value of any scalar type: the low `bytes` of `bits` (little-endian), the rest zero. */
typedef union scalar {
	uint64_t bits;
	uint8_t BOOL;
	int8_t I8;
	int16_t I16;
	int32_t I32;
	int64_t I64;
	uint8_t U8;
	uint16_t U16;
	uint32_t U32;
	uint64_t U64;
	float F32;
	double F64;
} scalar;

enum { MAX_DIMS = 8 };
#define NONE UINT32_MAX /* "no such id", in every table of ids */

#endif
