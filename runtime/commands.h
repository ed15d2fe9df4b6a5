/* commands.h - what the parts of the program mmsb share. */
#ifndef MMSB_COMMANDS_H
#define MMSB_COMMANDS_H

#include "runspec.h"

/* `mmsb run ...`: argv[0] is "run". Returns an exit status. */
int cmd_run(int argc, char **argv);

/* `mmsb bench ...`: likewise. */
int cmd_bench(int argc, char **argv);

/* Commands that look at state folders. */
int cmd_branch(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_log(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_why(int argc, char **argv);

/* The exit status of a status code (status.def). */
int exit_status(int status);

/* Prints an error on standard error: as it is when it begins with a place in a file, else after "mmsb: error: ". */
void print_error(const mmsb_error *err);

/* Reads the arguments of a command. Returns RUNOPTS_GO, or the exit status to end with (help was printed, or an error). */
enum { RUNOPTS_GO = -1 };
typedef enum run_command { RUN_COMMAND = 1, BENCH_COMMAND = 2 } run_command;
int runopts_parse(int argc, char **argv, run_command command, run_spec *spec);

/* Prints what `--stats` shows. The seconds of a run, besides those of its epochs: loading the program, reading and staging
 * inputs, reading and staging deltas, writing outputs. */
typedef struct run_times {
	double load, inputs, deltas, outputs, total;
} run_times;
void print_stats(mmsb_instance *inst, const run_times *times);

#endif
