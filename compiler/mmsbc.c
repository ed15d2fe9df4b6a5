/* mmsbc.c - the compiler's program: command lines and help. What the commands do stands in cmd_*.c. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "mmsbc.h"
#include "cuda_cc.h"
#include "toolchain.h"
#include "../runtime/fpenv.h"

typedef struct command {
	const char *name;
	int (*run)(const command_line *line);
	const char *options;         /* of getopt, for this command */
	uint32_t least_files, most_files;
	const char *help;
} command;

#define HELP_SEARCH                                                                                        \
	"  -I, --include=DIR        look for imported modules in DIR too (may be given again)\n"
#define HELP_DEFINE                                                                                        \
	"  -D, --define=NAME=VALUE  give param NAME this value, unless the run gives it another\n"
#define HELP_COMMON                                                                                        \
	"  -h, --help               print this and exit\n"                                                 \
	"  -V, --version            print the version and exit\n"

static const command commands[] = {
	{"check", cmd_check, "I:hV", 1, UINT32_MAX,
	 "Usage: mmsbc check [-I DIR]... FILE...\n"
	 "Check programs and print what is wrong with them. Silent when all is well.\n\n" HELP_SEARCH HELP_COMMON},
	{"compile", cmd_compile, "I:D:o:pfm:e:ug:hV", 1, 1,
	 "Usage: mmsbc compile [OPTION]... FILE\n"
	 "Compile a program (.mmsb, or the .yaml that `mmsbc emit yaml` wrote) to a schedule (.mmsbx), with native code beside it:\n"
	 "its arithmetic as C, compiled by the C compiler that MMSB_CC or CC in the environment names, else the one MMSB was built\n"
	 "with, for each level of the processor. Where there is no compiler, the file gets none, and a note says so.\n\n"
	 "  -p, --portable           no native code\n"
	 "  -f, --or-portable        no native code (or none for CUDA devices) if a compiler fails, instead of an error\n"
	 "  -e, --embed=NAME         write NAME.c and NAME.h instead, for an application that links libmmsb: the schedule as a\n"
	 "                           constant, its native code as C, page ids and typed accessors\n"
	 "  -m, --march=NAME         native code for one kind of processor, as the compiler names it: native, x86-64-v3, ...\n"
	 "  -u, --cuda               code for CUDA devices too, by nvcc (MMSB_NVCC in the environment names another one), or else\n"
	 "                           NVRTC; where there is neither, that is an error\n"
	 "  -g, --gpu-arch=LIST      the same, for these: sm_XY with commas between (default: " CUDA_ARCHS ")\n"
	 "  -o, --output=FILE        write to FILE (default: the program's name with .mmsbx, in this folder)\n"
	 HELP_DEFINE HELP_SEARCH HELP_COMMON},
	{"emit", cmd_emit, "I:D:o:a:hV", 2, 2,
	 "Usage: mmsbc emit KIND [-o FILE] [-D NAME=VALUE]... [-I DIR]... FILE\n"
	 "Print what the compiler makes of a program. KIND is one of\n"
	 "  ast        the syntax tree\n"
	 "  ir         the graph in index notation, as text\n"
	 "  yaml       the same as YAML, which `mmsbc compile` reads\n"
	 "  schedule   the passes in order; for each page where it is stored or what it is fused into, and why\n"
	 "  bytecode   the code of each pass\n"
	 "  c          the arithmetic of each pass as C, which `mmsb run --executor native` compiles\n"
	 "  cuda       the passes that run on a CUDA device, as CUDA C, which `mmsb run --executor cuda` compiles\n"
	 "  dot        a picture for Graphviz: mmsbc emit dot FILE | dot -Tsvg > graph.svg\n"
	 "schedule, bytecode, c and cuda also take a .mmsbx file.\n\n"
	 "  -a, --after=PASS         ir, yaml: the graph after this pass (lower, fold, unused, outline, fuse, share;\n"
	 "                           default: lower)\n"
	 "  -o, --output=FILE        write to FILE instead of standard output\n"
	 HELP_DEFINE HELP_SEARCH HELP_COMMON},
	{"fmt", cmd_fmt, "ichV", 1, UINT32_MAX,
	 "Usage: mmsbc fmt [-i | --check] FILE...\n"
	 "Print programs in the canonical layout.\n\n"
	 "  -i, --in-place           rewrite the files\n"
	 "  -c, --check              list the files that would change, and fail if there are any\n"
	 HELP_COMMON},
};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static const char usage[] =
	"Usage: mmsbc COMMAND [OPTION]... FILE...\n"
	"The compiler of MMSB programs.\n\n"
	"  check      check programs and print what is wrong with them\n"
	"  compile    compile a program to a schedule that mmsb runs\n"
	"  emit       print what the compiler makes of a program\n"
	"  fmt        lay programs out canonically\n\n"
	"`mmsbc COMMAND --help` says more about each. Exit status: 0; 1 the input was wrong; 2 the usage was wrong;\n"
	"3 the machine failed (memory, disk).\n";

static const struct option long_options[] = {
	{"include", required_argument, NULL, 'I'}, {"define", required_argument, NULL, 'D'},
	{"output", required_argument, NULL, 'o'},  {"after", required_argument, NULL, 'a'},
	{"portable", no_argument, NULL, 'p'},      {"or-portable", no_argument, NULL, 'f'},
	{"march", required_argument, NULL, 'm'},   {"embed", required_argument, NULL, 'e'},
	{"cuda", no_argument, NULL, 'u'},          {"gpu-arch", required_argument, NULL, 'g'},
	{"in-place", no_argument, NULL, 'i'},      {"check", no_argument, NULL, 'c'},
	{"help", no_argument, NULL, 'h'},          {"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static int version(void)
{
	printf("mmsbc %s\n", PACKAGE_VERSION);
	return finish_output();
}

static int wrong_usage(const command *c)
{
	fprintf(stderr, "Try 'mmsbc %s%s--help'.\n", c ? c->name : "", c ? " " : "");
	return COMPILE_USAGE;
}

/* -D NAME=VALUE; the text is taken apart in place. */
static bool add_define(command_line *line, char *text)
{
	char *equals = strchr(text, '=');
	if (!equals || equals == text || equals[1] == '\0') {
		fprintf(stderr, "mmsbc: -D %s: expected NAME=VALUE\n", text);
		return false;
	}
	*equals = '\0';
	line->defines[line->n_defines++] = (compile_define){text, equals + 1};
	return true;
}

/* Options and files; -1: go on, else the exit status. */
static int parse(const command *c, int argc, char **argv, command_line *line)
{
	for (int opt; (opt = getopt_long(argc, argv, c->options, long_options, NULL)) != -1;) {
		if (opt != '?' && !strchr(c->options, opt)) {
			fprintf(stderr, "mmsbc %s: this command has no option -%c\n", c->name, opt);
			return wrong_usage(c);
		}
		switch (opt) {
		case 'I': line->dirs[line->n_dirs++] = optarg; break;
		case 'D':
			if (!add_define(line, optarg))
				return wrong_usage(c);
			break;
		case 'o': line->output = optarg; break;
		case 'a': line->after = optarg; break;
		case 'e': line->embed = optarg; break;
		case 'p': line->portable = true; break;
		case 'f': line->or_portable = true; break;
		case 'm':
			line->march = optarg;
			if (!tool_is_name(optarg)) {
				fprintf(stderr, "mmsbc %s: --march %s: this is no name of a processor\n", c->name, optarg);
				return wrong_usage(c);
			}
			break;
		case 'u': line->cuda = true; break;
		case 'g':
			line->gpu_archs = optarg;
			if (!cuda_archs_are_names(optarg)) {
				fprintf(stderr, "mmsbc %s: --gpu-arch %s: expected names like sm_90, with commas between\n", c->name, optarg);
				return wrong_usage(c);
			}
			break;
		case 'i': line->in_place = true; break;
		case 'c': line->check = true; break;
		case 'h': fputs(c->help, stdout); return finish_output();
		case 'V': return version();
		default: return wrong_usage(c);
		}
	}
	for (int i = optind; i < argc; i++)
		line->files[line->n_files++] = argv[i];
	if (line->n_files < c->least_files || line->n_files > c->most_files) {
		fprintf(stderr, line->n_files < c->least_files ? "mmsbc %s: a file is missing\n" : "mmsbc %s: too many files\n",
		        c->name);
		return wrong_usage(c);
	}
	if (line->in_place && line->check) {
		fprintf(stderr, "mmsbc %s: -i and --check exclude each other\n", c->name);
		return wrong_usage(c);
	}
	return -1;
}

static bool wants_colour(void)
{
	const char *never = getenv("NO_COLOR"), *term = getenv("TERM");
	return isatty(STDERR_FILENO) && !(never && *never) && !(term && strcmp(term, "dumb") == 0);
}

static int run(const command *c, int argc, char **argv)
{
	size_t n = (size_t)argc + 1;
	char name[32];
	snprintf(name, sizeof name, "mmsbc %s", c->name);
	argv[0] = name; /* what getopt's messages begin with */
	command_line line = {.dirs = calloc(n, sizeof *line.dirs), .defines = calloc(n, sizeof *line.defines),
	                     .files = calloc(n, sizeof *line.files), .colour = wants_colour()};
	int status = COMPILE_MACHINE;
	if (line.dirs && line.defines && line.files)
		status = parse(c, argc, argv, &line);
	else
		fputs("mmsbc: out of memory\n", stderr);
	if (status < 0)
		status = c->run(&line);
	free(line.dirs);
	free(line.defines);
	free(line.files);
	return status;
}

int main(int argc, char **argv)
{
	fpenv_enter(); /* a library may have changed it when it was loaded; constants are read and folded here */
	const char *name = argc > 1 ? argv[1] : "";
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
		return version();
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
		fputs(usage, stdout);
		return finish_output();
	}
	lang_nearest near = lang_nearest_to(name);
	for (size_t i = 0; i < N_COMMANDS; i++) {
		lang_nearest_offer(&near, commands[i].name);
		if (strcmp(name, commands[i].name) == 0)
			return run(&commands[i], argc - 1, argv + 1);
	}
	if (name[0] == '\0')
		fprintf(stderr, "mmsbc: a command is missing: check, compile, emit or fmt\n");
	else
		fprintf(stderr, near.best ? "mmsbc: no command '%s'; did you mean '%s'?\n" : "mmsbc: no command '%s'\n", name, near.best);
	return wrong_usage(NULL);
}
