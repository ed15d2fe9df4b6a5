/* compile.h - from a .mmsb file (or the YAML form of its graph) to a schedule. */
#ifndef MMSB_COMPILER_COMPILE_H
#define MMSB_COMPILER_COMPILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../lang/module.h"
#include "../runtime/schedule.h"
#include "ir.h"

/* A value for a param, as `-D NAME=VALUE` gives it. */
typedef struct compile_define {
	const char *name;
	const char *value;
} compile_define;

typedef struct compile_options {
	const char *const *dirs;     /* of -I, in order */
	uint32_t n_dirs;
	const char *stdlib;          /* or NULL: looked for where it belongs */
	const compile_define *defines;
	uint32_t n_defines;
	bool native;                 /* compile_file: with native code in the file (native_cc.h) */
	const char *gpu_archs;       /* compile_file: with code for these CUDA devices (cuda_cc.h); NULL: none */
	const char *march;           /* ... of one kind of processor; NULL: of each level */
	bool or_portable;            /* ... and without it if the C compiler fails */
	const char *stop_after;      /* the name of a pass after which compile_graph stops; NULL: all run; "lower": none */
} compile_options;

/* Exit statuses of the programs (runtime/status.def): fine, wrong input, wrong usage, the machine failed. */
enum { COMPILE_OK = 0, COMPILE_INPUT = 1, COMPILE_USAGE = 2, COMPILE_MACHINE = 3 };

/* The whole way: *bytes (the caller's to free()) is a .mmsbx. Diagnostics are printed to `messages`. Returns an exit status. */
int compile_file(const char *path, const compile_options *options, FILE *messages, bool colour, uint8_t **bytes,
                 size_t *n);

/* Parts of it, for mmsbc emit and for tests. What they return lives in ctx; NULL: look at ctx. */
ir_graph *compile_graph(lang_ctx *ctx, const char *path, const compile_options *options);
/* The same of a text in memory; path says what it is (.mmsb, .yaml) and what messages show. NULL: read from path. */
ir_graph *compile_graph_text(lang_ctx *ctx, const char *path, const char *text, size_t n, const compile_options *options);
bool compile_is_yaml(const char *path);

/* The passes over a graph, in order (pass.c). stop_after: see compile_options. False: a name that no pass has, or no memory. */
bool ir_run_passes(ir_graph *g, const char *stop_after);
/* The name of pass i, or NULL. */
const char *ir_pass_name(uint32_t i);

/* Gives params the values of -D. False: a diagnostic was reported. */
bool ir_define(ir_graph *g, const compile_define *defines, uint32_t n);

/* The graph as a schedule, whose tables live in the graph's arena. False: no memory. */
bool ir_schedule(ir_graph *g, schedule *out);

/* ---- what the emits print ---------------------------------------------------------------------- */

void emit_schedule(const schedule *s, FILE *out);
void emit_bytecode(const schedule *s, FILE *out);
/* The C text of native code (runtime/native.h). False: no memory. */
bool emit_c(const schedule *s, FILE *out);
/* Two parts of it: what operators mean; the functions, each with a declaration `void NAME(...);` in a line of its own before it. */
void emit_c_operators(FILE *out);
bool emit_c_functions(const schedule *s, FILE *out);
/* The kernels for a CUDA device (runtime/device_code.h). False: no memory. Two parts of it: what operators mean; the kernels, with a prefix to
 * their names. */
bool emit_cuda(const schedule *s, FILE *out);
void emit_cuda_operators(FILE *out);
bool emit_cuda_kernels(const schedule *s, const char *prefix, FILE *out);
/* before: the graph whose arrows are drawn (after "outline"); after: the same at the end, which says what became of pages. */
void emit_dot(ir_graph *before, const ir_graph *after, FILE *out);

#endif
