/* native_span.h - whole passes as one function: which they are, and what the function computes. Internal.
 *
 * A *span* is a run of elements side by side in a row of a page: all variables of the domain but the last are the same for all of it. A pass
 * that is element-wise throughout, reads other pages along the row or at one place of the row, and cannot fail is computed span by span: one
 * loop, with reads and arithmetic in it. Passes that stand one after the other, have the same domain and share what they read also have a function
 * together, so that what they have in common is read and computed once. Compiler and planner find the same functions, since both
 * call native_span_find: docs/native.md.
 *
 * A function computes blocks of 64 lanes and stores them by itself (keep.h). Of n lanes the last block may have fewer that count: operands are there for
 * all 64, and results of the first ones alone are stored. For each result it takes three addresses: where lane 0 goes, what that is compared with (or NULL),
 * and a word for each block, which gets a bit for each lane that changed. */
#ifndef MMSB_NATIVE_SPAN_H
#define MMSB_NATIVE_SPAN_H

#include "native.h"

typedef enum span_kind {
	SPAN_CONST,
	SPAN_CODE,     /* an operator or conversion */
	SPAN_LANES,    /* an operand with a value for each lane, side by side in memory */
	SPAN_ONE,      /* ... with one value for the span */
	SPAN_FIRST,    /* the last variable: the operand is its value in lane 0, as an i64 */
	SPAN_GATHER    /* an element of a page of one dimension, at an index that is another value; the operand is the page */
} span_kind;

typedef struct span_value {
	uint8_t kind, type;    /* span_kind; type_id */
	uint8_t code, op, from; /* CODE: as sch_instr has them; from: the type of its operands */
	uint8_t n_args;
	uint16_t operand;      /* LANES, ONE, FIRST, GATHER */
	uint32_t args[3];      /* values; of GATHER the first is the index */
	uint32_t unused;       /* 0: values are compared by their bytes */
	uint64_t imm;          /* CONST */
} span_value;

/* Where an operand comes from: a kernel-relative READ, PARAM, SIZE or VAR of the kernel of `pass`; of a fold also any instruction of a region around. */
typedef struct span_operand {
	uint32_t pass, instr;
	uint32_t reg;          /* that has the value, of those kernel registers that a fold takes from around it; else NONE */
	uint8_t kind, type;    /* LANES, ONE, FIRST, GATHER; type_id */
} span_operand;

/* A kernel-relative output of `pass`. */
typedef struct span_result {
	uint32_t pass, output, value;
} span_result;

/* STREAMS: of operands and of results that are asked for ahead. */
enum { SPAN_VALUES = 1024, SPAN_RESULTS = 32, SPAN_MEMBERS = 16, SPAN_STREAMS = 8 };

typedef struct native_span {
	uint32_t first, n_passes;
	uint32_t n_values, n_in, n_out;
	const char *why;       /* not found: the reason, for people */
	span_value values[SPAN_VALUES];
	span_operand in[NATIVE_MOST];
	span_result out[SPAN_RESULTS];
} native_span;

/* The function of a pass alone; with `together`, of it and those after it that belong to it. False: there is none. */
bool native_span_find(native_span *, const schedule *, uint32_t pass, bool together);

/* Whether operand i (LANES) is the first of those that read along the same row. */
bool native_span_leads(const native_span *, const schedule *, uint32_t i);

void native_span_name(char name[NATIVE_NAME], const native_span *);

/* Of elements that are not side by side the function of a pass alone computes 64 at a time, once what they read has been gathered. Operands that
 * are ONE or FIRST may differ from element to element then (`varies`): with such ones there is another function for it, which takes an array for each of
 * them; so it is with results that are fields of records, which this one gives side by side. */
bool native_span_varies(const native_span *, const schedule *, uint32_t i);
bool native_span_listed(const native_span *, const schedule *);
void native_span_listed_name(char name[NATIVE_NAME], const native_span *);

/* A *fold* is the function of a reduction of which every position is there: of n operands side by side it gives the value of each tile of
 * MMSB_TREE_TILE of them (tree.h), the last one perhaps shorter, to out[0]; of argmin and argmax also the first operand of the tile that has
 * it, as u32, to out[1]. n_passes is 1, and the one result is what an operand is. False: there is none. */
bool native_fold_find(native_span *, const schedule *, uint32_t pass, uint32_t region);

void native_fold_name(char name[NATIVE_NAME], const schedule *, uint32_t pass, uint32_t region);

/* Whether the one reduction of a pass takes, position by position, what the n passes from `first` on give and stand before it: where its range is all of their
 * elements, which is known at load, it is evaluated with their spans, block by block (span_fold.c). */
bool native_fold_follows(const schedule *, uint32_t pass, uint32_t first, uint32_t n_passes);

/* The other way about: a reduction of which every position is there, and whose operands lie side by side for elements side by side, as sums of columns. Its
 * function takes n elements, no more than a tile, through all positions. Operands: LANES, for each position so many elements further on, or (a register of the
 * region around: reg) the same for all; ONE that `varies`: one value for each position, likewise; others as in folds. in[n_in] is an array of size_t: how many positions, how many elements
 * nodes lie apart, and for each operand the step from position to position, in elements. out[0] gets the values; out[1] is room for the nodes, one for each bit of the number of
 * positions. More than so many operations for an operand are none of it: the text has the operand 17 times. */
enum { ACROSS_OPERATIONS = 8 };
bool native_across_find(native_span *, const schedule *, uint32_t pass, uint32_t region);
bool native_across_varies(const native_span *, const schedule *, uint32_t i);
void native_across_name(char name[NATIVE_NAME], const schedule *, uint32_t pass, uint32_t region);

#endif
