/* From what the command line and a run file say to an instance with its inputs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../compiler/compile.h"
#include "../compiler/cuda_cc.h"
#include "../compiler/native_cc.h"
#include "bind.h"
#include "device.h"
#include "iofile.h"
#include "load.h"
#include "number.h"
#include "runfile.h"

/* ---- the program ------------------------------------------------------------------------------- */

static int load_text(const run_spec *spec, mmsb_schedule **out, mmsb_error *err)
{
	if (access(spec->program, R_OK) != 0) /* the machine's failure, not the program's */
		return fail(err, MMSB_IO, "cannot open '%s': %s", spec->program, strerror(errno));
	const run_list *list = &spec->dirs;
	const char **dirs = calloc(list->count + 1, sizeof *dirs);
	if (dirs == NULL)
		return fail_memory(err, list->count * sizeof *dirs, "the folders of -I");
	for (size_t i = 0; i < list->count; i++)
		dirs[i] = list->items[i].value;
	compile_options options = {.dirs = dirs, .n_dirs = (uint32_t)list->count};
	uint8_t *bytes = NULL;
	size_t n = 0;
	bool colour = isatty(STDERR_FILENO) && getenv("NO_COLOR") == NULL;
	int status = compile_file(spec->program, &options, stderr, colour, &bytes, &n);
	free(dirs);
	if (status != COMPILE_OK) { /* the messages are printed */
		free(bytes);
		err->message[0] = '\0';
		return status == COMPILE_MACHINE ? MMSB_IO : status == COMPILE_USAGE ? MMSB_USAGE : MMSB_INPUT;
	}
	status = mmsb_schedule_load(out, bytes, n, err);
	free(bytes);
	return status;
}

static int open_schedule(const run_spec *spec, mmsb_schedule **out, mmsb_error *err)
{
	const char *path = spec->program;
	if (path_ends(path, ".mmsb"))
		return load_text(spec, out, err);
	if (path_ends(path, ".mmsbx"))
		return mmsb_schedule_open(out, path, err);
	return fail(err, MMSB_USAGE, "'%s': a program is a .mmsb or a .mmsbx, or a run file (.yaml) that names one", path);
}

int load_executor(const run_spec *spec)
{
	int id = spec->executor ? runspec_executor(spec->executor) : MMSB_AUTOMATIC;
	return id < 0 ? MMSB_AUTOMATIC : id;
}

static int make_code(int executor, mmsb_schedule *s, mmsb_error *err)
{
	if (executor == MMSB_NATIVE && native_ready(s, NULL) != MMSB_OK)
		return native_use(s, err);
	return executor == MMSB_CUDA && !device_has_code(s) ? cuda_use(s, err) : MMSB_OK;
}

int load_code(run_spec *spec, mmsb_schedule *s, mmsb_error *err)
{
	int status = make_code(load_executor(spec), s, err);
	if (status == MMSB_OK || status == MMSB_MEMORY || spec->option[RUN_OR_PORTABLE] == 0)
		return status;
	fprintf(stderr, "mmsb: %s\nmmsb: the program runs on the portable executor\n", err->message);
	err->message[0] = '\0';
	return runspec_text(&spec->executor, "portable") ? MMSB_OK : fail_memory(err, sizeof "portable", "the name of the executor");
}

int load_schedule( run_spec *spec, mmsb_schedule **out, mmsb_error *err)
{
	int status = open_schedule(spec, out, err);
	if (status == MMSB_OK)
		status = load_code(spec, *out, err);
	if (status != MMSB_OK && *out) {
		mmsb_schedule_close(*out);
		*out = NULL;
	}
	return status;
}

static int check_executor(const run_spec *spec, mmsb_error *err)
{
	const char *name = spec->executor;
	if (name == NULL || runspec_executor(name) >= 0)
		return MMSB_OK;
	return fail(err, MMSB_USAGE, "there is no executor '%s' here; there are 'automatic', 'portable', 'native' and 'cuda'", name);
}

int load_run_file(run_spec *spec, mmsb_error *err)
{
	const char *path = spec->program;
	if (path_ends(path, ".yaml") || path_ends(path, ".yml")) {
		run_spec file = {.program = NULL};
		int status = runfile_read(path, &file, err);
		if (status != MMSB_OK) {
			runspec_free(&file);
			return status;
		}
		run_spec given = *spec;
		*spec = file;
		status = runspec_merge(spec, &given, err);
		if (status != MMSB_OK)
			return status;
	}
	int status = runspec_check(spec, err);
	return status == MMSB_OK ? check_executor(spec, err) : status;
}

int load_placed(const run_pair *p, int status, mmsb_error *err)
{
	char message[700];
	if (status == MMSB_OK || status == MMSB_MEMORY || p->file == NULL || strstr(err->message, ": error: ") != NULL)
		return status;
	snprintf(message, sizeof message, "%.*s", (int)sizeof message - 1, err->message);
	return fail_at(err, status, p->file, p->line, p->column, "%s", message);
}

/* ---- inputs ------------------------------------------------------------------------------------ */

static int set_param(mmsb_instance *inst, const run_pair *p, mmsb_error *err)
{
	const schedule *s = inst->sch;
	lang_nearest nearest = lang_nearest_to(p->name);
	for (uint32_t i = 0; i < s->n_params; i++) {
		const char *name = sch_text(s, s->params[i].name);
		lang_nearest_offer(&nearest, name);
		if (strcmp(name, p->name) != 0)
			continue;
		unsigned type = s->params[i].type;
		scalar value;
		char why[120], from[200];
		number_result result = number_parse(p->value, p->value + strlen(p->value), type, NUMBER_STRICT, &value);
		if (result != NUMBER_OK)
			return fail(err, MMSB_INPUT, "param '%s': '%s' %s", name, p->value, number_explain(result, type, why, sizeof why));
		if (p->file != NULL)
			snprintf(from, sizeof from, "%s:%llu", p->file, (unsigned long long)p->line);
		else
			snprintf(from, sizeof from, "-D %s=%s", name, p->value);
		return mmsb_set_param_value(inst, name, &value, from, err);
	}
	if (nearest.best != NULL)
		return fail(err, MMSB_NAME, "the program has no param '%s'; did you mean '%s'?", p->name, nearest.best);
	return fail(err, MMSB_NAME, "the program has no param '%s'", p->name);
}

static int check_inputs(const run_list *ins, mmsb_error *err)
{
	for (size_t i = 0; i < ins->count; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(ins->items[i].name, ins->items[k].name) == 0)
				return fail(err, MMSB_USAGE, "page '%s' has two sources: '%s' and '%s'", ins->items[i].name, ins->items[k].value,
				            ins->items[i].value);
	return MMSB_OK;
}

static int stage_inputs(mmsb_instance *inst, const run_list *ins, binding *bindings, progress *bar, mmsb_error *err)
{
	int status = MMSB_OK;
	for (size_t i = 0; i < ins->count && status == MMSB_OK; i++) {
		progress_at(bar, "inputs", i, ins->count);
		const run_pair *p = &ins->items[i];
		status = load_placed(p, binding_open(&bindings[i], inst, p->name, p->value, p->file, err), err);
	}
	if (status == MMSB_OK)
		status = mmsb_bind(inst, err);
	for (size_t i = 0; i < ins->count && status == MMSB_OK; i++)
		status = load_placed(&ins->items[i], binding_write(&bindings[i], inst, err), err);
	return status;
}

int load_params(mmsb_instance *inst, const run_spec *spec, mmsb_error *err)
{
	int status = MMSB_OK;
	for (size_t i = 0; i < spec->params.count && status == MMSB_OK; i++)
		status = load_placed(&spec->params.items[i], set_param(inst, &spec->params.items[i], err), err);
	return status;
}

int load_inputs(mmsb_instance *inst, const run_spec *spec, progress *bar, mmsb_error *err)
{
	int status = check_inputs(&spec->ins, err);
	if (status == MMSB_OK)
		status = load_params(inst, spec, err);
	if (status != MMSB_OK)
		return status;
	size_t n = spec->ins.count;
	binding *bindings = calloc(n + 1, sizeof *bindings);
	if (bindings == NULL)
		return fail_memory(err, n * sizeof *bindings, "the inputs");
	status = stage_inputs(inst, &spec->ins, bindings, bar, err);
	for (size_t i = 0; i < n; i++)
		binding_free(&bindings[i]);
	free(bindings);
	return status;
}

/* ---- state ------------------------------------------------------------------------------------- */

const char *load_state_page(const mmsb_instance *inst, const char **why)
{
	const schedule *s = inst->sch;
	for (uint32_t i = 0; i < s->n_pages; i++) {
		const sch_page *p = &s->pages[i];
		if ((p->flags & (PAGEF_PREV | PAGEF_STATE)) == 0)
			continue;
		*why = p->flags & PAGEF_PREV ? "it is read with prev" : "it is a numeric fixpoint";
		return sch_text(s, p->name);
	}
	return NULL;
}
