/* The arguments of `mmsb run` and `mmsb bench`. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lang/source.h"
#include "instance.h"
#include "number.h"
#include "commands.h"

static const char run_help[] =
	"Usage: mmsb run FILE.mmsb|FILE.mmsbx|RUN.yaml [OPTION]...\n"
	"\n"
	"Runs a program on data. The inputs make epoch 1; deltas and ticks make the epochs after it.\n"
	"\n"
	"  -D, --define NAME=VALUE   give a param its value (sizes also follow from the shapes of inputs)\n"
	"  -I, --include DIR         look for imported modules in DIR (of a .mmsb)\n"
	"      --in PAGE=SOURCE      fill a source page: a .npy, .csv or .mtx file, or a number;\n"
	"                            FILE.csv:A,C..E takes the columns A, and C to E, of a file with a header\n"
	"      --deltas PATH|-       apply a text of changes, epoch by epoch; - is standard input\n"
	"      --batch N             take N commits of the changes as one epoch\n"
	"      --ticks N             add N epochs without changes at the end\n"
	"      --out PAGE=PATH|-     write a page when the run ends: .npy, .csv, .mtx or .pgm; - prints CSV\n"
	"      --watch PAGE[=PATH]   write after each epoch what changed, as a text of deltas\n"
	"      --events PATH|-       write what happens, epoch by epoch, as records that --deltas of another run takes\n"
	"      --json                write --events as lines of JSON\n"
	"      --digest[=each]       print `digest EPOCH HEX` at the end, or after each epoch\n"
	"      --strict              stop at the first bad delta (the default)\n"
	"      --skip-bad            leave out the epochs that hold a bad delta, and count them\n"
	"      --scratch             evaluate every epoch whole\n"
	"      --threads N           use N threads (default: all cores)\n"
	"      --executor NAME       what evaluates: automatic (the default: native code where the file has it and the\n"
	"                            processor fits), portable (runs none), native (compiles it where there is none)\n"
	"      --stats               print figures of the run on standard error\n"
	"      --progress            show a bar on standard error, on a terminal\n"
	"      --state DIR           keep the run in a folder: a log and checkpoints; a folder that has epochs is gone on\n"
	"                            from, and --in is ignored. SIGINT and SIGTERM end the run cleanly, SIGUSR1 makes a checkpoint\n"
	"      --durability HOW      epoch: what the run has told of is on disk (the default); group=MS: so many milliseconds\n"
	"                            later; os: the system has it; none: when the run ends\n"
	"      --checkpoint-every N  also after N epochs; or bytes of log (64M, 1G), or seconds (30s)\n"
	"      --keep N              keep N checkpoints (default: 2)\n"
	"      --digest-every N      put a digest into the log every N epochs (default: 1000; 0: never)\n"
	"      --source TAG          who makes the changes, for the log\n"
	"      --help, --version\n"
	"\n"
	"Exit status: 0 fine, 1 the input was wrong, 2 wrong usage, 3 the machine (memory, disk, I/O).\n";

static const char bench_help[] =
	"Usage: mmsb bench FILE.mmsb|FILE.mmsbx|RUN.yaml --page PAGE [OPTION]...\n"
	"\n"
	"Times epochs in which random elements of a source page change, propagated and evaluated whole, and checks that\n"
	"both come to the same state.\n"
	"\n"
	"      --page PAGE           the page to change; needed\n"
	"      --k N                 how many elements change in an epoch (default: 1)\n"
	"      --epochs N            how many epochs (default: 1000)\n"
	"      --seed N              another sequence of changes (default: 1)\n"
	"  -D, --define NAME=VALUE   give a param its value (sizes also follow from the shapes of inputs)\n"
	"  -I, --include DIR         look for imported modules in DIR (of a .mmsb)\n"
	"      --in PAGE=SOURCE      fill a source page, as in mmsb run\n"
	"      --threads N           use N threads (default: all cores)\n"
	"      --executor NAME       what evaluates: automatic (the default: native code where the file has it and the\n"
	"                            processor fits), portable (runs none), native (compiles it where there is none)\n"
	"      --progress            show a bar on standard error, on a terminal\n"
	"      --help, --version\n"
	"\n"
	"Exit status: 0 fine, 1 the input was wrong or the two states differ, 2 wrong usage, 3 the machine.\n";

enum { OPT_IN = 256, OPT_DELTAS, OPT_BATCH, OPT_TICKS, OPT_OUT, OPT_WATCH, OPT_DIGEST, OPT_STRICT, OPT_SKIP_BAD, OPT_SCRATCH,
       OPT_THREADS, OPT_EXECUTOR, OPT_STATS, OPT_PROGRESS, OPT_PAGE, OPT_K, OPT_EPOCHS, OPT_SEED, OPT_EVENTS, OPT_JSON, OPT_HELP, OPT_VERSION,
       OPT_STATE, OPT_DURABILITY, OPT_CHECKPOINT_EVERY, OPT_KEEP, OPT_DIGEST_EVERY, OPT_SOURCE };

/* The options, and the commands that have them. */
enum { EACH_COMMAND = RUN_COMMAND | BENCH_COMMAND };
static const struct option_row {
	const char *name;
	int has_value, id;
	unsigned commands;
} rows[] = {
	{"define", required_argument, 'D', EACH_COMMAND}, {"include", required_argument, 'I', EACH_COMMAND},
	{"in", required_argument, OPT_IN, EACH_COMMAND}, {"deltas", required_argument, OPT_DELTAS, RUN_COMMAND},
	{"batch", required_argument, OPT_BATCH, RUN_COMMAND}, {"ticks", required_argument, OPT_TICKS, RUN_COMMAND},
	{"out", required_argument, OPT_OUT, RUN_COMMAND}, {"watch", required_argument, OPT_WATCH, RUN_COMMAND},
	{"events", required_argument, OPT_EVENTS, RUN_COMMAND}, {"json", no_argument, OPT_JSON, RUN_COMMAND},
	{"digest", optional_argument, OPT_DIGEST, RUN_COMMAND}, {"strict", no_argument, OPT_STRICT, RUN_COMMAND},
	{"skip-bad", no_argument, OPT_SKIP_BAD, RUN_COMMAND}, {"scratch", no_argument, OPT_SCRATCH, RUN_COMMAND},
	{"threads", required_argument, OPT_THREADS, EACH_COMMAND}, {"executor", required_argument, OPT_EXECUTOR, EACH_COMMAND},
	{"stats", no_argument, OPT_STATS, RUN_COMMAND}, {"progress", no_argument, OPT_PROGRESS, EACH_COMMAND},
	{"state", required_argument, OPT_STATE, RUN_COMMAND}, {"durability", required_argument, OPT_DURABILITY, RUN_COMMAND},
	{"checkpoint-every", required_argument, OPT_CHECKPOINT_EVERY, RUN_COMMAND}, {"keep", required_argument, OPT_KEEP, RUN_COMMAND},
	{"digest-every", required_argument, OPT_DIGEST_EVERY, RUN_COMMAND}, {"source", required_argument, OPT_SOURCE, RUN_COMMAND},
	{"page", required_argument, OPT_PAGE, BENCH_COMMAND}, {"k", required_argument, OPT_K, BENCH_COMMAND},
	{"epochs", required_argument, OPT_EPOCHS, BENCH_COMMAND}, {"seed", required_argument, OPT_SEED, BENCH_COMMAND},
	{"help", no_argument, OPT_HELP, EACH_COMMAND}, {"version", no_argument, OPT_VERSION, EACH_COMMAND},
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

/* The command at hand. */
static const char *command_name;
static struct option options[N_ROWS + 1];

static void choose_command(run_command command)
{
	size_t n = 0;
	command_name = command == RUN_COMMAND ? "run" : "bench";
	for (size_t i = 0; i < N_ROWS; i++)
		if (rows[i].commands & command)
			options[n++] = (struct option){rows[i].name, rows[i].has_value, NULL, rows[i].id};
	options[n] = (struct option){NULL, 0, NULL, 0};
}

static int usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static int usage(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	fprintf(stderr, "mmsb %s: ", command_name);
	vfprintf(stderr, fmt, args);
	fprintf(stderr, "\ntry: mmsb %s --help\n", command_name);
	va_end(args);
	return 2;
}

static int no_memory(void)
{
	fputs("mmsb: error: out of memory\n", stderr);
	return 3;
}

/* "NAME=VALUE" into the list; the value may be missing where it is optional. */
static int take_pair(run_list *list, const char *option, const char *form, char *text, bool optional)
{
	char *equals = strchr(text, '=');
	if (equals == text || (equals == NULL && !optional) || (equals != NULL && equals[1] == '\0'))
		return usage("%s takes %s, not '%s'", option, form, text);
	if (equals != NULL)
		*equals = '\0';
	bool added = runspec_add(list, text, equals == NULL ? NULL : equals + 1, NULL, 0, 0);
	return added ? RUNOPTS_GO : no_memory();
}

static int take_count(run_spec *spec, run_option option, const char *name, const char *text, uint64_t least, uint64_t most)
{
	scalar value;
	if (number_parse(text, text + strlen(text), T_U64, NUMBER_STRICT, &value) != NUMBER_OK || value.U64 < least || value.U64 > most) {
		if (most == UINT64_MAX)
			return usage("%s takes a whole number%s, not '%s'", name, least > 0 ? " from 1 on" : "", text);
		return usage("%s takes a whole number from %llu to %llu, not '%s'", name, (unsigned long long)least,
		             (unsigned long long)most, text);
	}
	runspec_set(spec, option, value.U64);
	return RUNOPTS_GO;
}

static int take_digest(run_spec *spec, const char *text)
{
	if (text != NULL && strcmp(text, "each") != 0)
		return usage("--digest stands alone or is --digest=each, not '--digest=%s'", text);
	runspec_set(spec, RUN_DIGEST, text == NULL ? DIGEST_END : DIGEST_EACH);
	return RUNOPTS_GO;
}

/* The option that a checkpoint is due by: epochs, bytes (K, M, G), seconds (s). */
static int take_checkpoint(run_spec *spec, const char *text)
{
	static const struct {
		const char *unit;
		run_option option;
		unsigned shift;
	} units[] = {{"", RUN_CHECKPOINT_EPOCHS, 0}, {"s", RUN_CHECKPOINT_SECONDS, 0}, {"K", RUN_CHECKPOINT_BYTES, 10},
	             {"M", RUN_CHECKPOINT_BYTES, 20}, {"G", RUN_CHECKPOINT_BYTES, 30}};
	size_t digits = strspn(text, "0123456789");
	scalar value;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcmp(text + digits, units[i].unit) != 0 || number_parse(text, text + digits, T_U64, NUMBER_STRICT, &value) != NUMBER_OK ||
		    value.U64 == 0 || value.U64 > UINT64_MAX >> units[i].shift)
			continue;
		runspec_set(spec, units[i].option, value.U64 << units[i].shift);
		return RUNOPTS_GO;
	}
	return usage("--checkpoint-every takes epochs (1000), bytes (K, M, G: 64M) or seconds (30s), not '%s'", text);
}

static int take_durability(run_spec *spec, const char *text)
{
	static const char *const names[] = {[MMSB_DURABLE_EPOCH] = "epoch", [MMSB_DURABLE_OS] = "os", [MMSB_DURABLE_NONE] = "none"};
	for (int i = 0; i <= MMSB_DURABLE_NONE; i++)
		if (names[i] != NULL && strcmp(names[i], text) == 0) {
			runspec_set(spec, RUN_DURABILITY, (uint64_t)i);
			return RUNOPTS_GO;
		}
	if (strncmp(text, "group=", 6) != 0)
		return usage("--durability is epoch, group=MS, os or none, not '%s'", text);
	runspec_set(spec, RUN_DURABILITY, MMSB_DURABLE_GROUP);
	return take_count(spec, RUN_GROUP_MS, "--durability group=MS", text + 6, 1, 3600000);
}

static int take_tag(run_spec *spec, const char *text)
{
	if (strlen(text) > 255)
		return usage("--source takes a tag of at most 255 bytes");
	return runspec_text(&spec->source, text) ? RUNOPTS_GO : no_memory();
}

static int take_flag(run_spec *spec, run_option option, bool value)
{
	runspec_set(spec, option, value);
	return RUNOPTS_GO;
}

static int print_help(void)
{
	const char *help = strcmp(command_name, "run") == 0 ? run_help : bench_help;
	return fputs(help, stdout) < 0 || fflush(stdout) != 0 ? 3 : 0;
}

static int take_option(run_spec *spec, int option, char *value)
{
	switch (option) {
	case 'D': return take_pair(&spec->params, "-D", "NAME=VALUE", value, false);
	case 'I': return runspec_add(&spec->dirs, "", value, NULL, 0, 0) ? RUNOPTS_GO : no_memory();
	case OPT_IN: return take_pair(&spec->ins, "--in", "PAGE=SOURCE", value, false);
	case OPT_OUT: return take_pair(&spec->outs, "--out", "PAGE=PATH or PAGE=-", value, false);
	case OPT_WATCH: return take_pair(&spec->watches, "--watch", "PAGE or PAGE=PATH", value, true);
	case OPT_DELTAS: return runspec_text(&spec->deltas, value) ? RUNOPTS_GO : no_memory();
	case OPT_EVENTS: return runspec_text(&spec->events, value) ? RUNOPTS_GO : no_memory();
	case OPT_JSON: return take_flag(spec, RUN_JSON, true);
	case OPT_EXECUTOR: return runspec_text(&spec->executor, value) ? RUNOPTS_GO : no_memory();
	case OPT_BATCH: return take_count(spec, RUN_BATCH, "--batch", value, 1, UINT64_MAX);
	case OPT_TICKS: return take_count(spec, RUN_TICKS, "--ticks", value, 0, UINT64_MAX);
	case OPT_THREADS: return take_count(spec, RUN_THREADS, "--threads", value, 1, 4096);
	case OPT_DIGEST: return take_digest(spec, value);
	case OPT_STRICT: return take_flag(spec, RUN_SKIP_BAD, false);
	case OPT_SKIP_BAD: return take_flag(spec, RUN_SKIP_BAD, true);
	case OPT_SCRATCH: return take_flag(spec, RUN_SCRATCH, true);
	case OPT_STATS: return take_flag(spec, RUN_STATS, true);
	case OPT_PROGRESS: return take_flag(spec, RUN_PROGRESS, true);
	case OPT_STATE: return runspec_text(&spec->state, value) ? RUNOPTS_GO : no_memory();
	case OPT_DURABILITY: return take_durability(spec, value);
	case OPT_CHECKPOINT_EVERY: return take_checkpoint(spec, value);
	case OPT_KEEP: return take_count(spec, RUN_KEEP, "--keep", value, 1, 1000000);
	case OPT_DIGEST_EVERY: return take_count(spec, RUN_DIGEST_EVERY, "--digest-every", value, 0, UINT64_MAX);
	case OPT_SOURCE: return take_tag(spec, value);
	case OPT_PAGE: return runspec_text(&spec->page, value) ? RUNOPTS_GO : no_memory();
	case OPT_K: return take_count(spec, BENCH_K, "--k", value, 1, UINT64_MAX);
	case OPT_EPOCHS: return take_count(spec, BENCH_EPOCHS, "--epochs", value, 1, UINT64_MAX);
	case OPT_SEED: return take_count(spec, BENCH_SEED, "--seed", value, 0, UINT64_MAX);
	case OPT_HELP: return print_help();
	default: return printf("mmsb %s\n", mmsb_version()) < 0 || fflush(stdout) != 0 ? 3 : 0;
	}
}

/* An option that getopt_long did not take. */
static int bad_option(const char *text, int letter, bool lacks_value)
{
	if (lacks_value)
		return usage("%s needs a value", text);
	if (letter != 0 && (text[0] != '-' || text[1] != '-')) /* a letter, perhaps among others */
		return usage("there is no option -%c", letter);
	size_t n = strcspn(text, "=");
	char name[64];
	if (n < sizeof name) {
		memcpy(name, text, n);
		name[n] = '\0';
		for (const struct option *o = options; o->name != NULL; o++)
			if (n > 2 && strcmp(o->name, name + 2) == 0)
				return usage("%s takes no value", name);
		lang_nearest nearest = lang_nearest_to(name + (n > 2 ? 2 : 0));
		for (const struct option *o = options; o->name != NULL; o++)
			lang_nearest_offer(&nearest, o->name);
		if (nearest.best != NULL)
			return usage("there is no option %s; did you mean --%s?", name, nearest.best);
	}
	return usage("there is no option %.*s", (int)n, text);
}

/* What says something of a state says it of one that there is. */
static int check_state(const run_spec *spec)
{
	static const struct {
		run_option option;
		const char *name;
	} needs[] = {{RUN_DURABILITY, "--durability"}, {RUN_DIGEST_EVERY, "--digest-every"}, {RUN_CHECKPOINT_EPOCHS, "--checkpoint-every"},
	             {RUN_CHECKPOINT_BYTES, "--checkpoint-every"}, {RUN_CHECKPOINT_SECONDS, "--checkpoint-every"}, {RUN_KEEP, "--keep"}};
	if (spec->state != NULL)
		return RUNOPTS_GO;
	for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
		if (spec->has[needs[i].option])
			return usage("%s is for a run with --state", needs[i].name);
	return spec->source != NULL ? usage("--source is for a run with --state") : RUNOPTS_GO;
}

int runopts_parse(int argc, char **argv, run_command command, run_spec *spec)
{
	choose_command(command);
	opterr = 0;
	for (;;) {
		int before = optind;
		int option = getopt_long(argc, argv, ":D:I:", options, NULL);
		if (option == -1)
			break;
		int status = option == '?' || option == ':' ? bad_option(argv[optind > before ? optind - 1 : before], optopt, option == ':')
		                                            : take_option(spec, option, optarg);
		if (status != RUNOPTS_GO)
			return status;
	}
	if (optind == argc)
		return usage("a program is missing: FILE.mmsb, FILE.mmsbx or RUN.yaml");
	int stated = check_state(spec);
	if (stated != RUNOPTS_GO)
		return stated;
	if (command == BENCH_COMMAND && spec->page == NULL)
		return usage("a page to change is missing: --page PAGE");
	if (spec->option[RUN_JSON] != 0 && spec->events == NULL)
		return usage("--json is about --events, which is missing");
	if (optind + 1 < argc)
		return usage("one program at a time: '%s' and '%s' are two", argv[optind], argv[optind + 1]);
	return runspec_text(&spec->program, argv[optind]) ? RUNOPTS_GO : no_memory();
}
