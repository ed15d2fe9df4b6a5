/* `mmsb branch`: a new state folder that shares the past of another. */
#include <stdio.h>
#include <string.h>

#include "../state/branch.h"
#include "args.h"

static const char help[] =
	"Usage: mmsb branch DIR[@EPOCH|@TIME] NEWDIR\n"
	"\n"
	"Makes a state folder whose last epoch is the one named, from which `mmsb run --state NEWDIR` goes on in another way. Files\n"
	"that do not change any more are shared with DIR where the disk can do that (hard links).\n"
	"\n"
	"Exit status: 0 fine, 1 the folder is wrong, 2 wrong usage, 3 the machine.\n";

static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
static const args_command command = {"branch", help, options, 2, 2, "two folders are missing: mmsb branch DIR@EPOCH NEWDIR", NULL};

static int no_option(void *user, int option, char *value)
{
	(void)user, (void)option, (void)value;
	return RUNOPTS_GO;
}

int cmd_branch(int argc, char **argv)
{
	mmsb_error err = {.message = ""};
	history *h;
	uint64_t epoch = 0;
	int status = args_parse(argc, argv, &command, no_option, NULL);
	if (status != RUNOPTS_GO)
		return status;
	status = args_history(&h, argv[optind], NULL, &epoch, &err);
	if (status == MMSB_OK)
		status = branch_make(h, epoch, argv[optind + 1], &err);
	if (status == MMSB_OK)
		printf("%s: epochs %llu to %llu\n", argv[optind + 1], (unsigned long long)h->earliest, (unsigned long long)epoch);
	history_close(h);
	return args_end(status, &err);
}
