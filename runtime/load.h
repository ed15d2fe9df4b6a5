/* load.h - from what the command line and a run file say to an instance with its inputs: shared by the commands. */
#ifndef MMSB_LOAD_H
#define MMSB_LOAD_H

#include "instance.h"
#include "progress.h"
#include "runspec.h"

/* Where the program is a run file: it gives what the command line does not. Checks that the executor is known. */
int load_run_file(run_spec *, mmsb_error *err);

/* Makes the code that the executor asks for, where a schedule has none. Where that fails and the portable executor is allowed then, it becomes
 * the executor of the spec, and a note on standard error says why. */
int load_code(run_spec *, mmsb_schedule *, mmsb_error *err);

/* The program: compiled where it is a .mmsb, whose messages are printed (err's is empty then). For the native executor it
 * has native code then, through the cache where its file has none. *out is owned by the caller. */
int load_schedule(run_spec *, mmsb_schedule **out, mmsb_error *err);

/* enum mmsb_executor */
int load_executor(const run_spec *);

/* Gives the instance the params of -D. */
int load_params(mmsb_instance *, const run_spec *, mmsb_error *err);

/* Gives the instance its params and sizes, and stages what `--in` says for epoch 1. */
int load_inputs(mmsb_instance *, const run_spec *, progress *bar, mmsb_error *err);

/* Of what a run file says, an error names the place there unless it names one already. Returns status. */
int load_placed(const run_pair *, int status, mmsb_error *err);

/* A page whose next value depends on how changes are cut into epochs, and what makes it so; NULL: there is none. */
const char *load_state_page(const mmsb_instance *, const char **why);

#endif
