/* The arguments of `mmsb run` and `mmsb bench`. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "args.h"

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
	"                            processor fits), portable (runs none), native (compiles it where there is none), cuda (a\n"
	"                            CUDA device, beside the CPU)\n"
	"      --or-portable         where the compiler of --executor native or cuda fails: a note, and portable\n"
	"      --stats               print figures of the run on standard error\n"
	"      --progress            show a bar on standard error, on a terminal\n"
	"      --state DIR           keep the run in a folder: a log and checkpoints; a folder that has epochs is gone on\n"
	"                            from, and --in is ignored. SIGINT and SIGTERM end the run cleanly, SIGUSR1 makes a checkpoint\n"
	"      --durability HOW      epoch: what the run has told of is on disk (the default); group=MS: so many milliseconds\n"
	"                            later; os: the system has it; none: when the run ends\n"
	"      --checkpoint-every N  also after N epochs; or bytes of log (64M, 1G), or seconds (30s)\n"
	"      --keep N              keep N checkpoints (default: 2)\n"
	"      --digest-every N      put a digest into the log every N epochs (default: 1000; 0: never)\n"
	"      --source TAG          who makes the changes, for the log and for events\n"
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
	"                            processor fits), portable (runs none), native (compiles it where there is none), cuda (a\n"
	"                            CUDA device, beside the CPU)\n"
	"      --or-portable         where the compiler of --executor native or cuda fails: a note, and portable\n"
	"      --progress            show a bar on standard error, on a terminal\n"
	"      --help, --version\n"
	"\n"
	"Exit status: 0 fine, 1 the input was wrong or the two states differ, 2 wrong usage, 3 the machine.\n";

enum { OPT_IN = 256, OPT_DELTAS, OPT_BATCH, OPT_TICKS, OPT_OUT, OPT_WATCH, OPT_DIGEST, OPT_STRICT, OPT_SKIP_BAD, OPT_SCRATCH,
       OPT_THREADS, OPT_EXECUTOR, OPT_OR_PORTABLE, OPT_STATS, OPT_PROGRESS, OPT_PAGE, OPT_K, OPT_EPOCHS, OPT_SEED, OPT_EVENTS, OPT_JSON, OPT_VERSION,
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
	{"or-portable", no_argument, OPT_OR_PORTABLE, EACH_COMMAND}, {"stats", no_argument, OPT_STATS, RUN_COMMAND}, {"progress", no_argument, OPT_PROGRESS, EACH_COMMAND},
	{"state", required_argument, OPT_STATE, RUN_COMMAND}, {"durability", required_argument, OPT_DURABILITY, RUN_COMMAND},
	{"checkpoint-every", required_argument, OPT_CHECKPOINT_EVERY, RUN_COMMAND}, {"keep", required_argument, OPT_KEEP, RUN_COMMAND},
	{"digest-every", required_argument, OPT_DIGEST_EVERY, RUN_COMMAND}, {"source", required_argument, OPT_SOURCE, RUN_COMMAND},
	{"page", required_argument, OPT_PAGE, BENCH_COMMAND}, {"k", required_argument, OPT_K, BENCH_COMMAND},
	{"epochs", required_argument, OPT_EPOCHS, BENCH_COMMAND}, {"seed", required_argument, OPT_SEED, BENCH_COMMAND},
	{"help", no_argument, 'h', EACH_COMMAND}, {"version", no_argument, OPT_VERSION, EACH_COMMAND},
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

/* The command at hand. */
static struct option options[N_ROWS + 1];
static args_command the_command = {.options = options, .letters = "D:I:", .least = 1, .most = INT_MAX,
                                   .missing = "a program is missing: FILE.mmsb, FILE.mmsbx or RUN.yaml"};

static void choose_command(run_command command)
{
	size_t n = 0;
	the_command.name = command == RUN_COMMAND ? "run" : "bench";
	the_command.help = command == RUN_COMMAND ? run_help : bench_help;
	for (size_t i = 0; i < N_ROWS; i++)
		if (rows[i].commands & command)
			options[n++] = (struct option){rows[i].name, rows[i].has_value, NULL, rows[i].id};
	options[n] = (struct option){NULL, 0, NULL, 0};
}

#define usage(...) args_usage(&the_command, __VA_ARGS__)

static int take_count(run_spec *spec, run_option option, const char *name, const char *text, uint64_t least, uint64_t most)
{
	uint64_t value;
	int status = args_count(&the_command, name, text, least, most, &value);
	if (status == RUNOPTS_GO)
		runspec_set(spec, option, value);
	return status;
}

static int take_checkpoint(run_spec *spec, const char *text)
{
	return runspec_checkpoint(spec, text) ? RUNOPTS_GO : usage("--checkpoint-every takes " CHECKPOINT_EXPECTED ", not '%s'", text);
}

static int take_durability(run_spec *spec, const char *text)
{
	return runspec_durability(spec, text) ? RUNOPTS_GO : usage("--durability is " DURABILITY_EXPECTED ", not '%s'", text);
}

static int take_tag(run_spec *spec, const char *text)
{
	if (strlen(text) > RUN_LONGEST_TAG)
		return usage("--source takes a tag of at most %d bytes", RUN_LONGEST_TAG);
	return runspec_text(&spec->source, text) ? RUNOPTS_GO : args_no_memory();
}

static int take_flag(run_spec *spec, run_option option, bool value)
{
	runspec_set(spec, option, value);
	return RUNOPTS_GO;
}

static int take_option(void *user, int option, char *value)
{
	run_spec *spec = user;
	switch (option) {
	case 'D': return args_pair(&the_command, &spec->params, "-D", "NAME=VALUE", value, false);
	case 'I': return runspec_add(&spec->dirs, "", value, NULL, 0, 0) ? RUNOPTS_GO : args_no_memory();
	case OPT_IN: return args_pair(&the_command, &spec->ins, "--in", "PAGE=SOURCE", value, false);
	case OPT_OUT: return args_pair(&the_command, &spec->outs, "--out", "PAGE=PATH or PAGE=-", value, false);
	case OPT_WATCH: return args_pair(&the_command, &spec->watches, "--watch", "PAGE or PAGE=PATH", value, true);
	case OPT_DELTAS: return runspec_text(&spec->deltas, value) ? RUNOPTS_GO : args_no_memory();
	case OPT_EVENTS: return runspec_text(&spec->events, value) ? RUNOPTS_GO : args_no_memory();
	case OPT_JSON: return take_flag(spec, RUN_JSON, true);
	case OPT_EXECUTOR: return runspec_text(&spec->executor, value) ? RUNOPTS_GO : args_no_memory();
	case OPT_OR_PORTABLE: return take_flag(spec, RUN_OR_PORTABLE, true);
	case OPT_BATCH: return take_count(spec, RUN_BATCH, "--batch", value, 1, UINT64_MAX);
	case OPT_TICKS: return take_count(spec, RUN_TICKS, "--ticks", value, 0, UINT64_MAX);
	case OPT_THREADS: return take_count(spec, RUN_THREADS, "--threads", value, 1, RUN_MOST_THREADS);
	case OPT_DIGEST: return args_digest(&the_command, spec, value);
	case OPT_STRICT: return take_flag(spec, RUN_SKIP_BAD, false);
	case OPT_SKIP_BAD: return take_flag(spec, RUN_SKIP_BAD, true);
	case OPT_SCRATCH: return take_flag(spec, RUN_SCRATCH, true);
	case OPT_STATS: return take_flag(spec, RUN_STATS, true);
	case OPT_PROGRESS: return take_flag(spec, RUN_PROGRESS, true);
	case OPT_STATE: return runspec_text(&spec->state, value) ? RUNOPTS_GO : args_no_memory();
	case OPT_DURABILITY: return take_durability(spec, value);
	case OPT_CHECKPOINT_EVERY: return take_checkpoint(spec, value);
	case OPT_KEEP: return take_count(spec, RUN_KEEP, "--keep", value, 1, RUN_MOST_KEPT);
	case OPT_DIGEST_EVERY: return take_count(spec, RUN_DIGEST_EVERY, "--digest-every", value, 0, UINT64_MAX);
	case OPT_SOURCE: return take_tag(spec, value);
	case OPT_PAGE: return runspec_text(&spec->page, value) ? RUNOPTS_GO : args_no_memory();
	case OPT_K: return take_count(spec, BENCH_K, "--k", value, 1, UINT64_MAX);
	case OPT_EPOCHS: return take_count(spec, BENCH_EPOCHS, "--epochs", value, 1, UINT64_MAX);
	case OPT_SEED: return take_count(spec, BENCH_SEED, "--seed", value, 0, UINT64_MAX);
	default: return printf("mmsb %s\n", mmsb_version()) < 0 || fflush(stdout) != 0 ? 3 : 0;
	}
}

int runopts_parse(int argc, char **argv, run_command command, run_spec *spec)
{
	choose_command(command);
	int status = args_parse(argc, argv, &the_command, take_option, spec);
	if (status != RUNOPTS_GO)
		return status;
	if (command == BENCH_COMMAND && spec->page == NULL)
		return usage("a page to change is missing: --page PAGE");
	if (optind + 1 < argc)
		return usage("one program at a time: '%s' and '%s' are two", argv[optind], argv[optind + 1]);
	return runspec_text(&spec->program, argv[optind]) ? RUNOPTS_GO : args_no_memory();
}
