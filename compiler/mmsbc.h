/* mmsbc.h - what the commands of mmsbc share. */
#ifndef MMSB_COMPILER_MMSBC_H
#define MMSB_COMPILER_MMSBC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "compile.h"

/* What the command line gave; the arrays are the caller's. */
typedef struct command_line {
	const char **dirs;           /* -I */
	uint32_t n_dirs;
	compile_define *defines;     /* -D */
	uint32_t n_defines;
	const char *output;          /* -o, or NULL */
	const char *after;           /* --after of emit, or NULL */
	bool portable, or_portable;  /* compile: no native code; none if the C compiler fails */
	const char *march;           /* compile: --march, or NULL */
	bool cuda;                   /* compile: code for CUDA devices too */
	const char *gpu_archs;       /* compile: --gpu-arch, or NULL */
	const char *embed;           /* compile: --embed, or NULL */
	bool in_place, check;        /* fmt */
	bool colour;                 /* of messages */
	const char **files;
	uint32_t n_files;
} command_line;

compile_options command_options(const command_line *line);

int cmd_check(const command_line *line);
int cmd_compile(const command_line *line);
int cmd_emit(const command_line *line);
int cmd_fmt(const command_line *line);

/* Writes a file so that it is there whole or not at all: under another name first, then renamed. path "-": standard output.
 * Returns an exit status; what went wrong is on standard error. */
int write_whole(const char *path, const void *bytes, size_t n);

/* Standard output is flushed and had no error; else a message and COMPILE_MACHINE. */
int finish_output(void);

#endif
