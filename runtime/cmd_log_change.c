/* `mmsb log repair` and `mmsb log compact`. */
#include <stdio.h>
#include <string.h>

#include "../state/branch.h"
#include "args.h"
#include "cmd_log.h"

/* ---- repair ------------------------------------------------------------------------------------ */

static const char repair_help[] =
	"Usage: mmsb log repair DIR NEWDIR\n"
	"\n"
	"Copies what verifies of a damaged state folder (also one without its MANIFEST) to a new one, and says what was lost.\n"
	"DIR is not changed.\n"
	"\n"
	"Exit status: 0 fine, 1 nothing can be had, 2 wrong usage, 3 the machine.\n";

static const struct option repair_options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
static const args_command repair_command = {"log repair", repair_help, repair_options, 2, 2, "two folders are missing: mmsb log repair DIR NEWDIR", NULL};

static int no_option(void *user, int option, char *value)
{
	(void)user, (void)option, (void)value;
	return RUNOPTS_GO;
}

static void print_line(void *user, const char *line)
{
	(void)user;
	printf("%s\n", line);
}

int cmd_log_repair(int argc, char **argv)
{
	mmsb_error err = {.message = ""};
	uint64_t first = 0, last = 0;
	int status = args_parse(argc, argv, &repair_command, no_option, NULL);
	if (status != RUNOPTS_GO)
		return status;
	const char *to = argv[optind + 1];
	status = repair_make(&vfs_machine, argv[optind], to, print_line, NULL, &first, &last, &err);
	if (status == MMSB_OK)
		printf("%s: epochs %llu to %llu\n", to, (unsigned long long)first, (unsigned long long)last);
	return args_end(status, &err);
}

/* ---- compact ----------------------------------------------------------------------------------- */

static const char compact_help[] =
	"Usage: mmsb log compact DIR --before EPOCH|TIME\n"
	"\n"
	"Forgets epochs before the one named: of the log and the checkpoints stays what is needed to have that epoch and\n"
	"those after it. Nobody may be writing to the folder.\n"
	"\n"
	"Exit status: 0 fine, 1 the folder is wrong, 2 wrong usage, 3 the machine.\n";

enum { OPT_BEFORE = 256 };
static const struct option compact_options[] = {{"before", required_argument, NULL, OPT_BEFORE}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
static const args_command compact_command = {"log compact", compact_help, compact_options, 1, 1, "a folder is missing: mmsb log compact DIR --before EPOCH", NULL};

static int take_before(void *user, int option, char *value)
{
	(void)option;
	*(const char **)user = value;
	return RUNOPTS_GO;
}

int cmd_log_compact(int argc, char **argv)
{
	mmsb_error err = {.message = ""};
	const char *before = NULL;
	history *h;
	uint64_t epoch = 0;
	compacted done;
	int status = args_parse(argc, argv, &compact_command, take_before, &before);
	if (status != RUNOPTS_GO)
		return status;
	if (before == NULL)
		return args_usage(&compact_command, "--before EPOCH is missing: which epoch is to be the first that can be had");
	status = history_open(&h, &vfs_machine, argv[optind], &err);
	if (status == MMSB_OK)
		status = history_find(h, before, &epoch, &err);
	history_close(h);
	if (status == MMSB_OK)
		status = compact_log(&vfs_machine, argv[optind], epoch, &done, &err);
	if (status == MMSB_OK)
		printf("%s: %u file%s of the log removed%s (%llu bytes); the first epoch is %llu now\n", argv[optind], done.segments, done.segments == 1 ? "" : "s",
		       done.shortened ? ", the next one shortened" : "", (unsigned long long)done.bytes, (unsigned long long)done.earliest);
	return args_end(status, &err);
}
