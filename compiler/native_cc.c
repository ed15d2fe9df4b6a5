/* native_cc.c - runs the C compiler on what emit_c.c writes, and keeps what comes of it (native_cc.h). */
#define _GNU_SOURCE /* open_memstream */
#include "native_cc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compile.h"
#include "../runtime/instance.h"
#include "../runtime/kernels.h"
#include "../runtime/native.h"
#include "config.h"
#include "toolchain.h"

/* Values must come out as those of the kernels do: nothing here may move a bit. Results may lie where operands of another type do. Without names
 * that only debuggers use: those of files made aside would be among them, and the same text is to give the same bytes. */
#define FLAGS "-std=gnu11 -O3 -shared -fPIC -s -ffp-contract=off -fno-math-errno -fno-trapping-math -fno-strict-aliasing"

static const char *compiler(void)
{
	static const char *const names[] = {"MMSB_CC", "CC"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *given = getenv(names[i]);
		if (given && *given)
			return given;
	}
	return MMSB_DEFAULT_CC;
}

static int c_compiler(tool *out, mmsb_error *err)
{
	*out = (tool){.what = "C compiler", .variable = "MMSB_CC", .command = compiler(), .before = "-x c", .after = "-lm"};
	return tool_ask_version(out, err);
}

/* The levels of the kernels, the best first, with the flags that ask the compiler for them. Of processors that have v4, elements of tables are best
 * gathered by one instruction, which compilers think of only when they tune for one of them. */
static const struct level {
	const char *name, *flags;
} levels[] = {
#ifdef HAVE_KERNEL_LEVELS
	{"v4", " -march=x86-64-v4 -mtune=icelake-server -mprefer-vector-width=512"},
	{"v3", " -march=x86-64-v3"},
#endif
	{"base", ""},
};
enum { N_LEVELS = sizeof levels / sizeof levels[0] };

static const char *flags_of_level(const char *name)
{
	for (size_t i = 0; i < N_LEVELS; i++)
		if (strcmp(levels[i].name, name) == 0)
			return levels[i].flags;
	return "";
}

static int emit_text(const schedule *s, char **text, size_t *n, mmsb_error *err)
{
	*text = NULL;
	FILE *out = open_memstream(text, n);
	bool ok = out && emit_c(s, out);
	if (out)
		ok &= fclose(out) == 0;
	return ok ? MMSB_OK : fail_memory(err, *n, "the C text of the program");
}

int native_use(mmsb_schedule *s, mmsb_error *err)
{
	bool own;
	tool cc;
	char *text = NULL;
	tool_job j = {.by = &cc, .folder = tool_folder(&own)};
	char *folder = (char *)(uintptr_t)j.folder;
	int status = folder ? emit_text(&s->tables, &text, &j.n, err) : tool_no_folder(err);
	if (!status)
		status = c_compiler(&cc, err);
	if (!status) {
		j.text = text;
		snprintf(j.flags, sizeof j.flags, "%s%s", FLAGS, flags_of_level(kernel_table_pick()->level));
		tool_run(&j);
		status = j.status == TOOL_MISSING ? fail(err, MMSB_IO, "%s, or use --executor portable", j.err.message)
		         : j.status               ? fail(err, j.status, "%s", j.err.message)
		                                  : MMSB_OK;
	}
	if (!status)
		status = native_attach(s, j.path, err);
	tool_done(&j, 1, folder, own);
	free(text);
	return status;
}

/* ---- for a file -------------------------------------------------------------------------------- */

/* Whether the compiler fails even with nothing to compile: it does not know the level. */
static bool knows(const tool_job *j)
{
	char *command = NULL;
	if (asprintf(&command, "{ %s %s -E -x c /dev/null; } >/dev/null 2>&1", compiler(), j->flags) < 0)
		return true;
	int status = system(command);
	free(command);
	return status == 0;
}

/* The objects of those jobs that the compiler could do. */
static int collect(const tool_job *jobs, uint32_t n, uint8_t **section, size_t *size, mmsb_error *err)
{
	code_object objects[N_LEVELS];
	uint32_t found = 0;
	int status = MMSB_OK;
	for (uint32_t i = 0; i < n && !status; i++) {
		if (jobs[i].status && (n == 1 || jobs[i].status == TOOL_MISSING || knows(&jobs[i])))
			status = fail(err, jobs[i].status, "%s", jobs[i].err.message);
		else if (!jobs[i].status && (status = tool_read(&jobs[i], "\177ELF", &objects[found], err)) == MMSB_OK)
			found++;
	}
	if (!status && found == 0)
		status = fail(err, jobs[n - 1].status, "%s", jobs[n - 1].err.message);
	if (!status)
		status = code_section_write(NATIVE_ABI, objects, found, section, size, err);
	while (found > 0)
		free((void *)(uintptr_t)objects[--found].bytes);
	return status;
}

int native_build(const schedule *s, const char *march, uint8_t **section, size_t *size, mmsb_error *err)
{
	bool own;
	tool cc;
	char *text = NULL, *folder = tool_folder(&own);
	tool_job jobs[N_LEVELS] = {{.text = NULL}};
	size_t n = 0;
	uint32_t n_jobs = march ? 1 : N_LEVELS;
	int status = folder ? emit_text(s, &text, &n, err) : tool_no_folder(err);
	if (!status)
		status = c_compiler(&cc, err);
	for (uint32_t i = 0; i < n_jobs && !status; i++) {
		jobs[i] = (tool_job){.by = &cc, .text = text, .n = n, .folder = folder};
		snprintf(jobs[i].level, sizeof jobs[i].level, "%s", march ? NATIVE_OWN_LEVEL : levels[i].name);
		snprintf(jobs[i].flags, sizeof jobs[i].flags, "%s%s%s", FLAGS, march ? " -march=" : levels[i].flags, march ? march : "");
	}
	if (!status) {
		tool_run_all(jobs, n_jobs);
		status = collect(jobs, n_jobs, section, size, err);
	}
	tool_done(jobs, n_jobs, folder, own);
	free(text);
	return status;
}
