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
enum { NATIVE_ABI = 6, NATIVE_MOST = 64 /* operands; results */, NATIVE_LEAST = 2, NATIVE_NAME = 48 };

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

/* ---- native_load.c: where the functions are ---------------------------------------------------- */

/* The level of an object that was compiled for a processor of the user's choice: its text says what it needs. */
#define NATIVE_OWN_LEVEL "own"

/* What a schedule has of native code; once it has been looked for, it stays as it is while the schedule is there. */
typedef struct native_code {
	void *handle;                        /* of a shared object, or NULL */
	bool from_memory;                    /* it was loaded from there: */
	int fd;                              /* its memory, open as long as the object: by this number others would be taken for it */
	const struct mmsb_native_level *linked, *functions; /* what the program has; of it, the one for this processor; or NULL */
	size_t n_linked;
	uint32_t linked_abi;
	bool found;                          /* the rest is filled in */
	int status;                          /* MMSB_OK: there is code */
	mmsb_error why;                      /* else */
} native_code;

/* Loads the code that came with a schedule, if that was not done: code that is run. MMSB_INPUT: there is none that this processor runs;
 * MMSB_FORMAT: of another version; MMSB_IO. From any thread. */
int native_ready(mmsb_schedule *, mmsb_error *err);

/* Where a schedule has no code: takes that of a shared object, which was compiled from it. MMSB_IO, MMSB_FORMAT, MMSB_INPUT (not for this
 * processor). Instances that are there stay as they are. */
int native_attach(mmsb_schedule *, const char *path, mmsb_error *err);
void native_detach(mmsb_schedule *);

/* Whether a new instance runs native code, by its options: m->native. Fails where it was asked for and there is none. */
int native_choose(mmsb_instance *, mmsb_error *err);

/* Why an instance runs none: "" if it does. */
const char *native_why_not(const mmsb_instance *);

/* A function of the schedule, or NULL. */
native_fn *native_find(const mmsb_schedule *, const char *name);

/* The first of a list of extensions (processor.def, names between spaces) that this machine does not have: its length, and where it
 * stands in the list. 0: it has all of them. */
size_t processor_lacks(const char *needs, const char **name);

/* How many functions of native code a pass of an instance runs; 0 before its sizes are bound. */
uint32_t native_functions(const mmsb_instance *, uint32_t pass);

#endif
