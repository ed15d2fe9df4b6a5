/* native_block.h - which reductions are computed block by block, and from which values. Internal.
 *
 * A *block* is some rows of a page times some elements of a row, its lanes. A reduction over a range whose operand is a sum or product of what belongs to the
 * row (A[i, k]), what belongs to the lane (B[k, j]), and what is the same for all, has a function that computes it for all rows and 64 bytes of lanes:
 * what it reads of lanes stays in registers for all rows. Compiler and planner find the same, since both call native_block_find: docs/native.md. */
#ifndef MMSB_NATIVE_BLOCK_H
#define MMSB_NATIVE_BLOCK_H

#include "native.h"

typedef enum block_kind {
	BLOCK_ROWS,    /* differs from row to row, or from position to position, and not from lane to lane */
	BLOCK_LANES,   /* differs from lane to lane, not from row to row */
	BLOCK_ONE      /* a param */
} block_kind;

/* A READ or PARAM of the kernel. */
typedef struct block_operand {
	uint32_t instr;        /* kernel-relative */
	uint8_t kind;          /* block_kind */
} block_operand;

enum { BLOCK_OPERANDS = 8, BLOCK_VALUES = 16 };

/* What an operand of the reduction is: an operand, a constant, or op(args). */
typedef struct block_value {
	uint8_t is_op, is_constant, op;
	uint32_t operand, args[2];
	uint64_t imm;
} block_value;

typedef struct native_block {
	uint8_t type;          /* of all of it: T_F32 or T_F64 */
	uint8_t op;            /* OP_ADD or OP_MUL: of the reduction */
	uint32_t n_in, n_values, value;
	const char *why;       /* not found: the reason, for people */
	block_operand in[BLOCK_OPERANDS];
	block_value values[BLOCK_VALUES];
} native_block;

/* False: it has no function. */
bool native_block_find(native_block *, const schedule *, uint32_t pass, uint32_t region);

/* The function takes in in[] each operand: of ROWS packed as block.h says, of LANES where the first lane's position 0 is, of ONE the value; and
 * after them an array of size_t: the number of rows, then for each operand how far its positions lie apart (LANES). n: positions, at least one.
 * out[0]: 64 bytes of lanes for each row; out[1]: room for d of MMSB_BLOCK_NODES, as many levels as n has bits. */
void native_block_name(char name[NATIVE_NAME], const schedule *, uint32_t pass, uint32_t region);

#endif
