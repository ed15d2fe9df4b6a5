/* emit_cuda.h - what the parts of the writer of CUDA C share. Internal.
 *
 *   emit_cuda.c         kernels, reads, arithmetic
 *   emit_cuda_reduce.c  reductions: by one thread, or by blocks of threads
 *   emit_cuda_along.c   those along rows, columns and groups
 *   emit_cuda_prefix.c  those of prefixes */
#ifndef MMSB_COMPILER_EMIT_CUDA_H
#define MMSB_COMPILER_EMIT_CUDA_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../runtime/native.h"
#include "../runtime/schedule.h"

/* What a kernel does of a pass: all of it, or one of the three steps of a reduction by blocks (launch.h). */
typedef enum kernel_step { STEP_WHOLE, STEP_PART, STEP_JOIN, STEP_END } kernel_step;

/* The kernel at hand. The body is written first: it says which sizes and params the head must name. */
typedef struct writer {
	const schedule *s;
	const sch_kernel *k;
	const sch_pass *pass;
	const sch_instr *instrs;
	const uint8_t *types;   /* of registers */
	FILE *out;
	unsigned depth;         /* of indentation */
	uint8_t *sizes;         /* by id: used */
	bool can_fail;
	kernel_step step;
	uint32_t split;         /* the region that is reduced by blocks, or NONE */
	const char *prefix;     /* of names */
	native_stages st;
} writer;

void cuda_indent(const writer *);
void cuda_put_size(writer *, uint32_t id);
void cuda_put_constant(FILE *, uint8_t type, uint64_t bits);
void cuda_put_reg(const writer *, uint32_t reg);

/* The variables of element e. */
void cuda_put_vars(writer *);

/* Those instructions of a region that `where` needs, or the others. */
void cuda_put_instrs(writer *, const sch_region *, bool late);

/* A region, where its CODE_REDUCE stands. */
void cuda_put_region(writer *, uint32_t region);

/* What the text needs before the kernels of w's pass: types of partial results. */
void cuda_put_types(const writer *);

/* The bodies of the steps that are about the split region alone. */
void cuda_put_part(writer *);
void cuda_put_join(writer *);

/* ---- for reductions alone ---- */

void cuda_put_type_name(const writer *, uint32_t region);

/* A reduction's value of nothing; and, where it has operands, what their function whose name goes on from here gives: _end, say. */
void cuda_put_identity(const writer *, const sch_region *, uint32_t dst);
void cuda_put_if_any(const writer *, uint32_t region, uint32_t dst);

/* The instruction that gives a region's value. */
const sch_instr *cuda_reduce_of(const writer *, uint32_t region);

/* What comes before the split region is for every thread of a part. */
void cuda_put_before(writer *);

/* `&&` after the condition that what is nested in a region is not empty. */
void cuda_put_not_empty(writer *, const sch_region *);

/* The loop along a list, by one thread; a leaf by a warp; nodes of leaves; what they come to. */
void cuda_put_along_head(writer *, const sch_region *, uint32_t region);
void cuda_put_leaf(writer *);
void cuda_put_nodes(writer *);
void cuda_put_list_value(writer *, const sch_region *, uint32_t region, uint32_t dst);

/* The same of prefixes; what their blocks do first, before a part or the end, stands before the element. */
void cuda_put_prefix_head(writer *, const sch_region *);
void cuda_put_prefix_nodes(writer *, kernel_step step);
void cuda_put_prefix_value(writer *, const sch_region *, uint32_t region, uint32_t dst);

#endif
