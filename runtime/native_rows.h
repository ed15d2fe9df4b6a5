/* native_rows.h - operands of reductions over rows and columns of sparse pages as functions: which they are, and what they compute. Internal.
 *
 * The operands of many rows lie side by side in their lists. A function computes a run of them in one loop: reads at the place of the entry's
 * row or column (the *key*), what belongs to the entry, and arithmetic. What depends on the key alone is the same for all entries with it: a second function
 * computes it for a run of keys, and a third the operands from there. Of operands that are arranged (course.h) the same is computed row by row:
 * keys of a row that count up are one number, and what is read at them lies side by side. Compiler and planner find the same functions, since
 * both call native_rows_find: docs/native.md. */
#ifndef MMSB_NATIVE_ROWS_H
#define MMSB_NATIVE_ROWS_H

#include "native_span.h"

/* What a function reads besides the keys. */
typedef enum rows_source {
	ROWS_ENTRY,    /* READ of the entry's value: side by side */
	ROWS_OUTER,    /* a register of the region around: side by side, repeated for each operand of its lane */
	ROWS_PAGE,     /* READ of a page of one dimension, at the key or at a computed place: the page */
	ROWS_KNOWN     /* a constant, param or size: one value */
} rows_source;

/* Compared by their bytes. */
typedef struct rows_operand {
	uint8_t source;
	uint8_t type;
	uint16_t at_key;    /* PAGE: 1: read at the key */
	uint32_t instr;     /* kernel-relative: READ, PARAM, SIZE */
	uint32_t reg;       /* OUTER, of the kernel */
} rows_operand;

enum { ROWS_VALUES = 256, ROWS_HOISTED = 4 };

/* Values are those of spans: LANES (ENTRY, OUTER), ONE, FIRST (the key), GATHER, CODE, CONST. */
typedef struct native_rows {
	uint32_t kernel, region;
	uint32_t n_values, n_in, n_hoisted;
	uint32_t value;                       /* the operand's */
	const char *why;                      /* not found: the reason, for people */
	span_value values[ROWS_VALUES];
	uint8_t by_key[ROWS_VALUES];          /* depends on the key alone */
	rows_operand in[NATIVE_MOST];
	uint32_t hoisted[ROWS_HOISTED];       /* values that the second function computes */
} native_rows;

/* Which function. */
typedef enum rows_part { ROWS_DIRECT, ROWS_DIRECT_ARRANGED, ROWS_EACH, ROWS_REST, ROWS_REST_ARRANGED, ROWS_PARTS } rows_part;

static inline bool rows_part_is_rest(rows_part p) { return p == ROWS_REST || p == ROWS_REST_ARRANGED; }
static inline bool rows_part_is_arranged(rows_part p) { return p == ROWS_DIRECT_ARRANGED || p == ROWS_REST_ARRANGED; }

/* False: the region has none. The functions EACH, REST and REST_ARRANGED are there where n_hoisted > 0. */
bool native_rows_find(native_rows *, const schedule *, uint32_t kernel, uint32_t region);

/* The values that a function computes or reads: used[] by value. */
void native_rows_used(const native_rows *, rows_part, uint8_t used[ROWS_VALUES]);

void native_rows_name(char name[NATIVE_NAME], const native_rows *, rows_part);

#endif
