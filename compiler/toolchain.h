/* toolchain.h - compilers of the machine that make objects of what the compiler here writes, and the folder where objects are kept. Internal. */
#ifndef MMSB_COMPILER_TOOLCHAIN_H
#define MMSB_COMPILER_TOOLCHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "../runtime/container.h"
#include "../runtime/mmsb.h"

/* The status where there is no such compiler; no status of mmsb.h. */
enum { TOOL_MISSING = 1000 };

/* A compiler: the words of its command are the shell's. */
typedef struct tool {
	const char *what;            /* in messages: "C compiler" */
	const char *variable;        /* of the environment that names another one */
	const char *command;
	const char *before, *after;  /* of the command, around the source */
	char version[960];           /* what it says of itself: tool_ask_version */
} tool;

/* One object to make, or to find among those that are kept. */
typedef struct tool_job {
	const tool *by;
	const char *folder, *text;
	size_t n;
	char flags[256], level[MMSBX_LEVEL];
	char *path;                  /* owned: of the object, once it is there */
	int status;
	mmsb_error err;
} tool_job;

/* Where objects stay: $XDG_CACHE_HOME/mmsb, else ~/.cache/mmsb, made if need be; else (*own) a new folder, which does not stay. NULL: no place.
 * tool_done takes it. */
char *tool_folder(bool *own);

/* tool_folder's complaint where it gave NULL. */
int tool_no_folder(mmsb_error *err);

/* MMSB_MEMORY. Without such a compiler the version is what the shell says. */
int tool_ask_version(tool *, mmsb_error *err);

/* A thread's function: finds or makes the object of a tool_job. Its status: MMSB_IO with what the compiler said, TOOL_MISSING, MMSB_MEMORY. */
void *tool_run(void *job);

/* tool_run for all, at a time as far as there are threads. */
void tool_run_all(tool_job *, uint32_t n);

/* The bytes of a job's object, as the caller's, who frees them; it begins with `mark`, or is not what it should be. With a NUL behind them, not counted.
 * MMSB_IO, MMSB_MEMORY. */
int tool_read(const tool_job *, const char *mark, code_object *out, mmsb_error *err);

/* Frees what jobs and the folder hold, and removes a folder that is not to stay with what is in it. */
void tool_done(tool_job *, uint32_t n, char *folder, bool own);

/* Whether it may be the name of a processor: a word of a command without a meaning for the shell. */
bool tool_is_name(const char *);

#endif
