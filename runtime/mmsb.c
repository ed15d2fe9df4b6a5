/* mmsb - the program. One file for each command. */
#include <stdio.h>
#include <string.h>

#include "../lang/source.h"
#include "fpenv.h"
#include "instance.h"
#include "commands.h"

static const char help[] =
	"Usage: mmsb COMMAND [ARGUMENT]...\n"
	"\n"
	"  run FILE.mmsb|FILE.mmsbx|RUN.yaml     run a program on data and streams of changes\n"
	"  bench FILE.mmsb|FILE.mmsbx|RUN.yaml   time random changes of a page\n"
	"\n"
	"Of a state folder, which mmsb run --state DIR keeps:\n"
	"  log DIR                               list its epochs; log repair, log compact: change it\n"
	"  replay DIR                            go through its epochs again\n"
	"  show DIR[@EPOCH] PAGE[INDEX]          print elements as they were after an epoch\n"
	"  diff DIR[@EPOCH] DIR2[@EPOCH]         print where two states differ\n"
	"  why DIR PAGE[INDEX] [@EPOCH]          say what changed an element\n"
	"  branch DIR[@EPOCH] NEWDIR             begin a new folder from an epoch\n"
	"\n"
	"  --help       this text; `mmsb COMMAND --help` has the options of a command\n"
	"  --version    the version\n";

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{"bench", cmd_bench}, {"branch", cmd_branch}, {"diff", cmd_diff}, {"log", cmd_log}, {"replay", cmd_replay}, {"run", cmd_run},
	{"show", cmd_show}, {"why", cmd_why},
};

int exit_status(int status)
{
	switch (status) {
#define STATUS(id, value, exit_code, text) case value: return exit_code;
#include "status.def"
#undef STATUS
	default: return 3;
	}
}

void print_error(const mmsb_error *err)
{
	bool placed = strstr(err->message, ": error: ") != NULL;
	fprintf(stderr, "%s%s\n", placed ? "" : "mmsb: error: ", err->message);
}

static int unknown_command(const char *name)
{
	lang_nearest nearest = lang_nearest_to(name);
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		lang_nearest_offer(&nearest, commands[i].name);
	fprintf(stderr, "mmsb: there is no command '%s'", name);
	if (nearest.best != NULL)
		fprintf(stderr, "; did you mean '%s'?", nearest.best);
	else if (strchr(name, '.') != NULL)
		fprintf(stderr, "; did you mean: mmsb run %s", name);
	fputs("\ntry: mmsb --help\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	fpenv_enter(); /* a library may have changed it when it was loaded; numbers are read and printed here as well */
	if (argc < 2) {
		fputs(help, stderr);
		return 2;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return fputs(help, stdout) < 0 || fflush(stdout) != 0 ? 3 : 0;
	if (strcmp(argv[1], "--version") == 0)
		return printf("mmsb %s\n", mmsb_version()) < 0 || fflush(stdout) != 0 ? 3 : 0;
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(commands[i].name, argv[1]) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return unknown_command(argv[1]);
}
