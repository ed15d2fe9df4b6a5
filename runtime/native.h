/* native.h - arithmetic of kernels compiled by a C compiler: which instructions run as one function, and where the functions are found.
 * Internal.
 *
 * The instructions of a region are run in *stages*. Those of an odd stage are arithmetic that cannot fail: one loop over lanes can do
 * them all, with what lies between them in registers of the processor. Reads, reductions and what can fail stand in even stages, and run
 * as they always do. Compiler and planner find the same stages, since both call native_stages. A function is called
 * native_name(kernel, region, stage); its operands and results are in the order of the instructions: docs/native.md. */
#ifndef MMSB_NATIVE_H
#define MMSB_NATIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mmsb.h"
#include "schedule.h"

/* n lanes of each result from n lanes of each operand; of an operand that is known before the run, one value. Results may lie where
 * operands do, lane by lane. */
typedef void native_fn(void *const *out, const void *const *in, size_t n);

/* NATIVE_LEAST: of fewer instructions a function gains nothing. */
enum { NATIVE_ABI = 1, NATIVE_MOST = 64 /* operands; results */, NATIVE_LEAST = 2, NATIVE_NAME = 48 };

typedef struct native_stages {
	uint32_t *stage;      /* by instruction of the kernel: first those that `where` needs, as the planner has them */
	uint32_t *def;        /* by register: the instruction that writes it */
	uint8_t *outside;     /* by register: something of another stage or region reads it */
} native_stages;

enum { NATIVE_LATE = 1u << 30 }; /* set in stages of instructions that `where` does not need */

/* False: no memory. */
bool native_stages_find(native_stages *, const schedule *, uint32_t kernel);
void native_stages_free(native_stages *);

/* The group of instructions of a region that are of an odd stage: its operands and results, as registers of the kernel. */
typedef struct native_group {
	uint32_t n_instr, n_in, n_out;
	uint32_t in[NATIVE_MOST], out[NATIVE_MOST];
} native_group;

/* False: it has no function: too few instructions, or too many operands or results. */
bool native_group_find(native_group *, const native_stages *, const schedule *, uint32_t kernel, uint32_t region, uint32_t stage);

static inline bool native_known(const sch_instr *in) { return in->code == CODE_CONST || in->code == CODE_PARAM || in->code == CODE_SIZE; }

void native_name(char name[NATIVE_NAME], uint32_t kernel, uint32_t region, uint32_t stage);

/* From now on instances of the schedule use the functions of a shared object, which was compiled from it: code that is run. MMSB_IO,
 * MMSB_FORMAT. */
int native_attach(mmsb_schedule *, const char *path, mmsb_error *err);
void native_detach(mmsb_schedule *);

/* A function of the schedule, or NULL. */
native_fn *native_find(const mmsb_schedule *, const char *name);

/* How many functions of native code a pass of an instance runs; 0 before its sizes are bound. */
uint32_t native_functions(const mmsb_instance *, uint32_t pass);

#endif
