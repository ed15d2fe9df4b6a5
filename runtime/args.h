/* args.h - the arguments of commands: options; and of those that look at state folders DIR@EPOCH, PAGE[INDEX]. */
#ifndef MMSB_ARGS_H
#define MMSB_ARGS_H

#include <getopt.h>

#include "../state/history.h"
#include "commands.h"

/* A command as the user sees it. Option values: 'h' is --help in all of them. */
typedef struct args_command {
	const char *name;               /* "log" */
	const char *help;
	const struct option *options;   /* ended by a zero one */
	int least, most;                /* arguments besides options */
	const char *missing;            /* what is said when there are too few */
	const char *letters;            /* options that are a letter, as getopt takes them; NULL: none */
} args_command;

/* "mmsb NAME: " and a message, and where help is. Returns 2. */
int args_usage(const args_command *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Says so, and returns 3. */
int args_no_memory(void);

/* Reads the options; take gets each and returns RUNOPTS_GO or an exit status. Arguments are argv[optind..argc) afterwards. Returns RUNOPTS_GO, or the
 * exit status to end with. */
int args_parse(int argc, char **argv, const args_command *, int (*take)(void *user, int option, char *value), void *user);

/* A whole number that an option takes: least to most. */
int args_count(const args_command *, const char *option, const char *text, uint64_t least, uint64_t most, uint64_t *out);

/* "NAME=VALUE" into the list; the value may be missing where it is optional. form: what is expected. Takes text apart. */
int args_pair(const args_command *, run_list *, const char *option, const char *form, char *text, bool optional);

/* --digest[=each] */
int args_digest(const args_command *, run_spec *, const char *text);

/* history.note: on standard error. */
void args_note(const char *why);

/* Opens the folder of DIR[@EPOCH|@TIME], or (when: not NULL) DIR as of an epoch or time that stands elsewhere. *epoch: the one asked for; without one the
 * last (a damaged log is an error then). */
int args_history(history **out, const char *text, const char *when, uint64_t *epoch, mmsb_error *err);

/* Elements of a page: PAGE, PAGE.FIELD, with [i, j..k] behind it: an index, or a range without its end, for each dimension. */
typedef struct args_elements {
	int page;
	int field;              /* of a record page; -1: all */
	bool all;               /* no brackets */
	uint64_t lo[8], hi[8];  /* by dimension; the end is left out */
} args_elements;

/* one: a single element is asked for. MMSB_NAME, MMSB_USAGE, MMSB_RANGE, MMSB_INPUT: the page has no values of its own. */
int args_elements_parse(args_elements *, mmsb_instance *, const char *text, bool one, mmsb_error *err);

/* Prints what an error says, if anything, and gives the exit status. */
int args_end(int status, const mmsb_error *err);

#endif
