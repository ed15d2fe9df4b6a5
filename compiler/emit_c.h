/* emit_c.h - what the writers of C share. */
#ifndef MMSB_COMPILER_EMIT_C_H
#define MMSB_COMPILER_EMIT_C_H

#include <stdio.h>

#include "../runtime/schedule.h"

/* The C type of a type_id. */
const char *emit_c_type(unsigned type);

/* A constant of a type by its bits. */
void emit_c_constant(FILE *out, uint8_t type, uint64_t bits);

/* differ.h and keep.h, for the level of the processor that stands around the text. */
void emit_c_keep(FILE *out);

/* A comment that says to people where an operand comes from; nothing where there is nothing to say. */
void emit_c_origin(FILE *out, const schedule *, uint32_t kernel, const sch_instr *def);

/* emit_span.c: the functions that begin with a pass, of the pass alone and of it with those after it. False: no memory. */
bool emit_c_spans(FILE *out, const schedule *, uint32_t pass);

/* emit_rows.c: the functions for operands of a pass's reductions over rows and columns. False: no memory. */
bool emit_c_rows(FILE *out, const schedule *, uint32_t pass);

/* emit_block.c: the functions of a pass's reductions that are computed block by block. */
void emit_c_blocks(FILE *out, const schedule *, uint32_t pass);

#endif
