/* run_cases.c: runs the blocks of .test files and the examples of Markdown documents.
   cases/README.md describes the former, CONTRIBUTING.md the latter. */
#define _GNU_SOURCE /* nftw */
#include "case_compare.h"
#include "case_file.h"
#include "cases.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char NO_NEWLINE[] = "\\ no newline at the end";

typedef struct {
	bool update, keep, list;
	const char *filter;
	unsigned seconds;         /* a command may take */
	int output;               /* an unlinked file that commands write to */
	size_t passed, failed;
} Run;

static volatile sig_atomic_t running; /* process group of the command, for the alarm */
static volatile sig_atomic_t timed_out;

static void on_alarm(int signal_number)
{
	(void)signal_number;
	timed_out = 1;
	if (running > 0)
		kill(-running, SIGKILL);
}

static _Noreturn void fatal(const char *what)
{
	fprintf(stderr, "run_cases: %s: %s\n", what, strerror(errno));
	exit(3);
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
	(void)info;
	(void)kind;
	(void)where;
	return remove(path);
}

/* A fresh folder; for a document with a link to the examples, so that they run by the name a reader sees. */
static char *folder_make(bool document)
{
	const char *base = getenv("TMPDIR"), *source = document ? getenv("MMSB_SRCDIR") : NULL;
	Text path = {0};
	if (!base || base[0] == '\0')
		base = "/tmp";
	text_add(&path, base, strlen(base));
	text_add(&path, "/mmsb-case-XXXXXX", 17);
	if (!mkdtemp(path.data))
		fatal(path.data);
	if (source) {
		Text target = {0}, link = {0};
		text_add(&target, source, strlen(source));
		text_add(&target, "/examples", 9);
		text_add(&link, path.data, strlen(path.data));
		text_add(&link, "/examples", 9);
		if (symlink(target.data, link.data) != 0)
			fatal(link.data);
		free(target.data);
		free(link.data);
	}
	return path.data;
}

static void folder_done(const Run *run, char *folder, bool failed)
{
	if (failed && run->keep)
		printf("  kept: %s\n", folder);
	else
		nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(folder);
}

static void write_file(const char *folder, const Step *step)
{
	Text path = {0};
	text_add(&path, folder, strlen(folder));
	text_add(&path, "/", 1);
	for (const char *at = step->text; *at; at++) { /* the folders on the way */
		if (*at == '/' && mkdir(path.data, 0777) != 0 && errno != EEXIST)
			fatal(path.data);
		text_add(&path, at, 1);
	}
	FILE *out = fopen(path.data, "wb");
	if (!out || fwrite(step->content.size ? step->content.data : "", 1, step->content.size, out) != step->content.size ||
		fclose(out) != 0)
		fatal(path.data);
	free(path.data);
}

static _Noreturn void child(const char *folder, const char *command, int output)
{
	int null = open("/dev/null", O_RDONLY);
	setpgid(0, 0);
	if (chdir(folder) != 0 || null < 0 || dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
		_exit(126);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

/* Runs a command in the folder; gives its status, or 128 + the signal, and what it wrote. */
static int run_command(const Run *run, const char *folder, const char *command, Text *output)
{
	char part[65536];
	int status;
	if (ftruncate(run->output, 0) != 0 || lseek(run->output, 0, SEEK_SET) < 0)
		fatal("the output file");
	fflush(stdout);
	timed_out = 0;
	pid_t pid = fork();
	if (pid < 0)
		fatal("fork");
	if (pid == 0)
		child(folder, command, run->output);
	setpgid(pid, pid);
	running = pid;
	alarm(run->seconds);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			fatal("waitpid");
	alarm(0);
	running = 0;
	if (lseek(run->output, 0, SEEK_SET) < 0)
		fatal("the output file");
	for (ssize_t got; (got = read(run->output, part, sizeof part)) > 0;)
		text_add(output, part, (size_t)got);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void report(const CaseFile *file, const Block *block, const Step *step)
{
	printf("FAIL %s:%zu: %s\n  $ %s\n", file->path, step->line, block->name, step->text);
	if (timed_out)
		printf("  took too long and was ended\n");
}

/* Judges one command; prints what is wrong. */
static bool judge(const CaseFile *file, const Block *block, const Step *step, const Text *output, const Lines *actual, int status)
{
	if (step->expect == EXPECT_ERROR) {
		if (status == 1 && output->size && strstr(output->data, step->needle))
			return true;
		report(file, block, step);
		printf("  expected status 1 and a message with '%s'; got status %d and\n%s", step->needle, status,
			   output->size ? output->data : "");
		return false;
	}
	if (!timed_out && status == step->status && compare_lines(&step->expected, actual))
		return true;
	report(file, block, step);
	compare_show(&step->expected, actual);
	if (status != step->status)
		printf("  expected exit status %d, got %d\n", step->status, status);
	return false;
}

/* Runs one block; with --update keeps what the steps gave in `outcome`. */
static bool run_block(const Run *run, const CaseFile *file, const Block *block, const char *folder, Outcome *outcome, size_t *outcomes)
{
	bool good = true;
	for (size_t i = 0; i < block->count && (good || run->update); i++) {
		const Step *step = &block->step[i];
		if (step->kind == STEP_FILE) {
			write_file(folder, step);
			continue;
		}
		Text output = {0};
		Lines actual = {0};
		int status = run_command(run, folder, step->text, &output);
		lines_split(&actual, &output, NO_NEWLINE);
		lines_drop_blank_end(&actual);
		bool right = judge(file, block, step, &output, &actual, status);
		good = good && right;
		free(output.data);
		if (!right && run->update && !step->fixed && !timed_out)
			outcome[(*outcomes)++] = (Outcome){step, actual, status};
		else
			lines_free(&actual);
	}
	return good;
}

static size_t count_steps(const CaseFile *file)
{
	size_t count = 0;
	for (size_t i = 0; i < file->count; i++)
		count += file->block[i].count;
	return count;
}

static void run_file(Run *run, const CaseFile *file)
{
	Outcome *outcome = case_memory(NULL, count_steps(file) + 1, sizeof *outcome);
	size_t outcomes = 0, failed_before = run->failed;
	char *folder = NULL;
	for (size_t i = 0; i < file->count; i++) {
		const Block *block = &file->block[i];
		bool wanted = !run->filter || strstr(block->name, run->filter);
		if (run->list && wanted)
			printf("%s:%zu: %s\n", file->path, block->line, block->name);
		/* the blocks of a document build on those before */
		if (run->list || (!wanted && !file->document))
			continue;
		if (!folder)
			folder = folder_make(file->document);
		bool good = run_block(run, file, block, folder, outcome, &outcomes);
		*(good ? &run->passed : &run->failed) += 1;
		if (!file->document) {
			folder_done(run, folder, !good);
			folder = NULL;
		}
	}
	if (folder)
		folder_done(run, folder, run->failed > failed_before);
	if (outcomes > 0 && case_file_update(file, outcome, outcomes))
		printf("%s: %zu expectations rewritten\n", file->path, outcomes);
	for (size_t i = 0; i < outcomes; i++)
		lines_free(&outcome[i].lines);
	free(outcome);
}

/* The folder of the programs under test comes first on the PATH; nothing of the user's settings gets in. */
static void set_environment(const char *programs)
{
	const char *path = getenv("PATH");
	Text text = {0};
	if (programs) {
		char *full = realpath(programs, NULL);
		if (!full)
			fatal(programs);
		text_add(&text, full, strlen(full));
		text_add(&text, ":", 1);
		text_add(&text, path ? path : "", path ? strlen(path) : 0);
		setenv("PATH", text.data, 1);
		free(full);
		free(text.data);
	}
	char here[4096], cache[4200]; /* of native code; the user's stays as it is */
	if (!getcwd(here, sizeof here))
		fatal("the folder at hand");
	snprintf(cache, sizeof cache, "%s/native-cache", here);
	setenv("XDG_CACHE_HOME", cache, 1);
	setenv("LC_ALL", "C", 1);
	setenv("TZ", "UTC", 1);
	unsetenv("MMSB_STDLIB");
}

static int usage(FILE *out)
{
	fputs("Usage: run_cases [OPTION]... FILE...\n"
		  "Run the blocks of .test files and the examples of .md files.\n\n"
		  "      --bin=DIR        where mmsbc and mmsb are\n"
		  "      --update         put what the commands gave in place of what was expected\n"
		  "      --filter=TEXT    only blocks with TEXT in their name (of .test files)\n"
		  "      --list           print the names of the blocks, run nothing\n"
		  "      --keep           keep the folders of failing blocks\n"
		  "      --timeout=SECS   a command may take this long (default 120)\n"
		  "      --help           print this\n",
		  out);
	return out == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"bin", required_argument, NULL, 'b'}, {"update", no_argument, NULL, 'u'},  {"filter", required_argument, NULL, 'f'},
		{"list", no_argument, NULL, 'l'},      {"keep", no_argument, NULL, 'k'},    {"timeout", required_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},      {NULL, 0, NULL, 0},
	};
	Run run = {.seconds = 120};
	const char *programs = NULL;
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;)
		switch (c) {
		case 'b': programs = optarg; break;
		case 'u': run.update = true; break;
		case 'f': run.filter = optarg; break;
		case 'l': run.list = true; break;
		case 'k': run.keep = true; break;
		case 't': run.seconds = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'h': return usage(stdout);
		default: return usage(stderr);
		}
	if (optind == argc)
		return usage(stderr);
	set_environment(programs);
	FILE *output = tmpfile();
	if (!output)
		fatal("a temporary file");
	run.output = fileno(output);
	sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_alarm}, NULL);
	bool readable = true;
	for (int i = optind; i < argc; i++) {
		CaseFile file;
		if (case_file_load(&file, argv[i]) && (file.count > 0 || case_error(&file, 1, "holds nothing to run")))
			run_file(&run, &file);
		else
			readable = false;
		case_file_free(&file);
	}
	fclose(output);
	if (!readable)
		run.failed++;
	if (!run.list)
		printf("%zu passed, %zu failed\n", run.passed, run.failed);
	return run.failed > 0;
}
