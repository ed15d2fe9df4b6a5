/* runfile.h - run files: the bindings of one `mmsb run` as YAML. docs/run-files.md has every key. */
#ifndef MMSB_RUNFILE_H
#define MMSB_RUNFILE_H

#include "runspec.h"

/* Reads a run file; paths in it become relative to where the program runs. *out is zeroed by the caller, and freed by
 * runspec_free in any case. MMSB_INPUT (with line and column), MMSB_IO, MMSB_MEMORY. */
int runfile_read(const char *path, run_spec *out, mmsb_error *err);

/* The same from text; path as messages show it and paths are relative to. */
int runfile_parse(const char *path, const char *text, size_t n, run_spec *out, mmsb_error *err);

#endif
