/* `mmsb run`: a program, its inputs, its epochs, its outputs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../compiler/compile.h"
#include "bind.h"
#include "commands.h"
#include "deltatext.h"
#include "instance.h"
#include "number.h"
#include "outputs.h"
#include "progress.h"
#include "runfile.h"
#include "watch.h"

typedef struct run {
	run_spec spec;
	mmsb_instance *inst;
	outfile standard;     /* standard output */
	watchers *watching;
	progress bar;
	run_times times;
	uint64_t epoch;       /* the last that stands; 0: none */
	uint64_t left_out;    /* by --skip-bad */
	int failed;           /* exit status of what ended the run early, or 0 */
	mmsb_error err;
	mmsb_error told;      /* the last error that was printed */
} run;

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- the program ------------------------------------------------------------------------------- */

static int load_text(run *r, mmsb_schedule **out)
{
	if (access(r->spec.program, R_OK) != 0) /* the machine's failure, not the program's */
		return fail(&r->err, MMSB_IO, "cannot open '%s': %s", r->spec.program, strerror(errno));
	const run_list *list = &r->spec.dirs;
	const char **dirs = calloc(list->count + 1, sizeof *dirs);
	if (dirs == NULL)
		return fail_memory(&r->err, list->count * sizeof *dirs, "the folders of -I");
	for (size_t i = 0; i < list->count; i++)
		dirs[i] = list->items[i].value;
	compile_options options = {.dirs = dirs, .n_dirs = (uint32_t)list->count};
	uint8_t *bytes = NULL;
	size_t n = 0;
	bool colour = isatty(STDERR_FILENO) && getenv("NO_COLOR") == NULL;
	int status = compile_file(r->spec.program, &options, stderr, colour, &bytes, &n);
	free(dirs);
	if (status != COMPILE_OK) { /* the messages are printed */
		free(bytes);
		r->err.message[0] = '\0';
		return status == COMPILE_MACHINE ? MMSB_IO : status == COMPILE_USAGE ? MMSB_USAGE : MMSB_INPUT;
	}
	status = mmsb_schedule_load(out, bytes, n, &r->err);
	free(bytes);
	return status;
}

static int load_schedule(run *r, mmsb_schedule **out)
{
	const char *path = r->spec.program;
	if (path_ends(path, ".mmsb"))
		return load_text(r, out);
	if (path_ends(path, ".mmsbx"))
		return mmsb_schedule_open(out, path, &r->err);
	return fail(&r->err, MMSB_USAGE, "'%s': a program is a .mmsb or a .mmsbx, or a run file (.yaml) that names one", path);
}

static int new_instance(run *r)
{
	mmsb_schedule *schedule_ = NULL;
	int status = load_schedule(r, &schedule_);
	if (status != MMSB_OK)
		return status;
	mmsb_options options = {.size = sizeof options, .threads = (int)r->spec.option[RUN_THREADS],
	                        .scratch = r->spec.option[RUN_SCRATCH] != 0};
	status = mmsb_instance_new(&r->inst, schedule_, &options, &r->err);
	mmsb_schedule_close(schedule_);
	return status;
}

/* Of what a run file says, an error names the place there unless it names one already. */
static int placed(run *r, const run_pair *p, int status)
{
	char message[700];
	if (status == MMSB_OK || status == MMSB_MEMORY || p->file == NULL || strstr(r->err.message, ": error: ") != NULL)
		return status;
	snprintf(message, sizeof message, "%.*s", (int)sizeof message - 1, r->err.message);
	return fail_at(&r->err, status, p->file, p->line, p->column, "%s", message);
}

/* ---- inputs ------------------------------------------------------------------------------------ */

static int set_param(run *r, const run_pair *p)
{
	const schedule *s = r->inst->sch;
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
			return fail(&r->err, MMSB_INPUT, "param '%s': '%s' %s", name, p->value,
			            number_explain(result, type, why, sizeof why));
		if (p->file != NULL)
			snprintf(from, sizeof from, "%s:%llu", p->file, (unsigned long long)p->line);
		else
			snprintf(from, sizeof from, "-D %s=%s", name, p->value);
		return mmsb_set_param_value(r->inst, name, &value, from, &r->err);
	}
	if (nearest.best != NULL)
		return fail(&r->err, MMSB_NAME, "the program has no param '%s'; did you mean '%s'?", p->name, nearest.best);
	return fail(&r->err, MMSB_NAME, "the program has no param '%s'", p->name);
}

static int check_inputs(run *r)
{
	const run_list *ins = &r->spec.ins;
	for (size_t i = 0; i < ins->count; i++)
		for (size_t k = 0; k < i; k++)
			if (strcmp(ins->items[i].name, ins->items[k].name) == 0)
				return fail(&r->err, MMSB_USAGE, "page '%s' has two sources: '%s' and '%s'", ins->items[i].name,
				            ins->items[k].value, ins->items[i].value);
	return MMSB_OK;
}

static int stage_inputs(run *r, binding *bindings)
{
	const run_list *ins = &r->spec.ins;
	int status = MMSB_OK;
	for (size_t i = 0; i < ins->count && status == MMSB_OK; i++) {
		progress_at(&r->bar, "inputs", i, ins->count);
		const run_pair *p = &ins->items[i];
		status = placed(r, p, binding_open(&bindings[i], r->inst, p->name, p->value, p->file, &r->err));
	}
	if (status == MMSB_OK)
		status = mmsb_bind(r->inst, &r->err);
	for (size_t i = 0; i < ins->count && status == MMSB_OK; i++)
		status = placed(r, &ins->items[i], binding_write(&bindings[i], r->inst, &r->err));
	return status;
}

static int read_inputs(run *r)
{
	int status = check_inputs(r);
	for (size_t i = 0; i < r->spec.params.count && status == MMSB_OK; i++)
		status = placed(r, &r->spec.params.items[i], set_param(r, &r->spec.params.items[i]));
	if (status != MMSB_OK)
		return status;
	size_t n = r->spec.ins.count;
	binding *bindings = calloc(n + 1, sizeof *bindings);
	if (bindings == NULL)
		return fail_memory(&r->err, n * sizeof *bindings, "the inputs");
	status = stage_inputs(r, bindings);
	for (size_t i = 0; i < n; i++)
		binding_free(&bindings[i]);
	free(bindings);
	return status;
}

/* ---- outputs ----------------------------------------------------------------------------------- */

/* Whether another output goes to the same file. */
static int check_path(run *r, size_t i)
{
	const run_pair *outs = r->spec.outs.items;
	for (size_t k = 0; k < i && strcmp(outs[i].value, "-") != 0; k++)
		if (strcmp(outs[k].value, outs[i].value) == 0)
			return fail(&r->err, MMSB_USAGE, "'%s' cannot hold both page '%s' and page '%s'", outs[i].value, outs[k].name,
			            outs[i].name);
	return MMSB_OK;
}

static int add_watch(run *r, const run_pair *p)
{
	int id = find_page(r->inst, p->name, &r->err);
	mmsb_info info = {.name = ""};
	if (id < 0 || mmsb_page_info(r->inst, id, &info) != MMSB_OK)
		return MMSB_NAME;
	if (!info.stored)
		return fail(&r->err, MMSB_INPUT, "page '%s' has no values of its own, for it is computed where it is used; declare it 'out'",
		            info.name);
	return watchers_add(r->watching, id, p->value == NULL ? "-" : p->value, &r->err);
}

/* What is asked for must be possible before anything runs. */
static int prepare_outputs(run *r)
{
	int status = outfile_open(&r->standard, "-", false, &r->err);
	for (size_t i = 0; i < r->spec.outs.count && status == MMSB_OK; i++) {
		const run_pair *p = &r->spec.outs.items[i];
		int id = find_page(r->inst, p->name, &r->err);
		status = placed(r, p, id < 0 ? r->err.status : output_check(r->inst, id, p->value, &r->err));
		status = status == MMSB_OK ? check_path(r, i) : status;
	}
	if (status != MMSB_OK)
		return status;
	r->watching = watchers_new(r->inst, &r->standard);
	if (r->watching == NULL)
		return fail_memory(&r->err, 64, "the watched pages");
	for (size_t i = 0; i < r->spec.watches.count && status == MMSB_OK; i++)
		status = placed(r, &r->spec.watches.items[i], add_watch(r, &r->spec.watches.items[i]));
	return status;
}

static int print_digest(run *r)
{
	char hex[33], line[80];
	int status = mmsb_digest(r->inst, hex, &r->err);
	if (status != MMSB_OK)
		return status;
	snprintf(line, sizeof line, "digest %llu %s\n", (unsigned long long)r->epoch, hex);
	outfile_text(&r->standard, line);
	return MMSB_OK;
}

static int write_outputs(run *r)
{
	int status = MMSB_OK;
	for (size_t i = 0; i < r->spec.outs.count && status == MMSB_OK; i++) {
		const run_pair *p = &r->spec.outs.items[i];
		progress_at(&r->bar, "outputs", i, r->spec.outs.count);
		status = output_write(r->inst, mmsb_page(r->inst, p->name), p->value, &r->standard, &r->err);
	}
	if (status == MMSB_OK && r->spec.option[RUN_DIGEST] == DIGEST_END)
		status = print_digest(r);
	return status;
}

/* ---- epochs ------------------------------------------------------------------------------------ */

static bool shows_each(const run *r)
{
	return !watchers_empty(r->watching) || r->spec.option[RUN_DIGEST] == DIGEST_EACH;
}

static int after_epoch(run *r)
{
	int status = watchers_epoch(r->watching, &r->err);
	if (status == MMSB_OK && r->spec.option[RUN_DIGEST] == DIGEST_EACH)
		status = print_digest(r);
	return status;
}

static int commit(run *r)
{
	int status = mmsb_commit(r->inst, &r->epoch, &r->err);
	return status == MMSB_OK ? after_epoch(r) : status;
}

/* Before the reader of deltas waits for more. */
static void hand_on(void *arg)
{
	run *r = arg;
	if (r->standard.used > 0)
		progress_clear(&r->bar);
	watchers_flush(r->watching);
	outfile_flush(&r->standard);
}

/* Whether it was the data that was wrong, which --skip-bad passes over. */
static bool is_bad_data(int status)
{
	return exit_status(status) == 1;
}

static void leave_out(run *r)
{
	progress_clear(&r->bar);
	print_error(&r->err);
	mmsb_discard(r->inst);
	r->left_out++;
}

static int apply_deltas(run *r, delta_reader *reader)
{
	bool skip_bad = r->spec.option[RUN_SKIP_BAD] != 0;
	for (;;) {
		delta_event event = DELTA_END;
		double start = seconds();
		int status = delta_next(reader, &event, &r->err);
		r->times.deltas += seconds() - start;
		if (status != MMSB_OK && skip_bad && is_bad_data(status)) {
			leave_out(r);
			status = delta_skip(reader, &r->err);
			if (status != MMSB_OK)
				return status;
			continue;
		}
		if (status != MMSB_OK || event == DELTA_END)
			return status;
		status = mmsb_commit(r->inst, &r->epoch, &r->err);
		if (status != MMSB_OK && skip_bad && is_bad_data(status)) {
			leave_out(r);
			continue;
		}
		if (status == MMSB_OK)
			status = after_epoch(r);
		if (status != MMSB_OK)
			return status;
		uint64_t done, total;
		delta_position(reader, &done, &total);
		progress_at(&r->bar, "deltas", done, total);
	}
}

static int run_deltas(run *r)
{
	delta_reader *reader;
	int status = delta_open(&reader, r->inst, r->spec.deltas, hand_on, r, &r->err);
	if (status != MMSB_OK)
		return status;
	status = apply_deltas(r, reader);
	mmsb_discard(r->inst);
	delta_close(reader);
	return status;
}

static int run_ticks(run *r)
{
	uint64_t ticks = r->spec.option[RUN_TICKS];
	/* by the piece where somebody looks */
	uint64_t piece = shows_each(r) ? 1 : r->bar.on ? ticks / 1000 + 1 : ticks;
	for (uint64_t done = 0; done < ticks; done += piece) {
		piece = ticks - done < piece ? ticks - done : piece;
		int status = shows_each(r) ? commit(r) : mmsb_ticks(r->inst, piece, &r->epoch, &r->err);
		if (status != MMSB_OK)
			return status;
		progress_at(&r->bar, "ticks", done + piece, ticks);
	}
	return MMSB_OK;
}

/* ---- the whole --------------------------------------------------------------------------------- */

static void report(run *r, int status)
{
	progress_clear(&r->bar);
	/* a file that failed under --watch fails again when it is closed */
	if (r->err.message[0] != '\0' && strcmp(r->err.message, r->told.message) != 0)
		print_error(&r->err);
	r->told = r->err;
	if (r->failed == 0)
		r->failed = exit_status(status);
}

/* Everything up to the end of epoch 1: without it there is nothing to write. */
static int begin(run *r)
{
	double start = seconds();
	int status = new_instance(r);
	r->times.load = seconds() - start;
	start = seconds();
	if (status == MMSB_OK)
		status = read_inputs(r);
	r->times.inputs = seconds() - start;
	if (status == MMSB_OK)
		status = prepare_outputs(r);
	return status == MMSB_OK ? commit(r) : status;
}

/* The epochs after the first. When one cannot be had, the run ends there; the epochs before it stand, and are written. */
static void go_on(run *r)
{
	int status = r->spec.deltas != NULL ? run_deltas(r) : MMSB_OK;
	if (status == MMSB_OK)
		status = run_ticks(r);
	if (status != MMSB_OK)
		report(r, status);
}

static void end(run *r)
{
	double start = seconds();
	r->err.message[0] = '\0';
	int status = write_outputs(r);
	if (status != MMSB_OK)
		report(r, status);
	r->err.message[0] = '\0';
	status = watchers_close(r->watching, &r->err);
	if (status != MMSB_OK)
		report(r, status);
	r->err.message[0] = '\0';
	progress_clear(&r->bar);
	status = outfile_close(&r->standard, &r->err);
	if (status != MMSB_OK)
		report(r, status);
	r->times.outputs = seconds() - start;
	if (r->left_out > 0)
		fprintf(stderr, "mmsb: %llu epoch%s left out because of bad deltas\n", (unsigned long long)r->left_out,
		        r->left_out == 1 ? " was" : "s were");
}

static int check_executor(run *r)
{
	const char *name = r->spec.executor;
	if (name == NULL || runspec_executor(name))
		return MMSB_OK;
	return fail(&r->err, MMSB_USAGE, "there is no executor '%s' here; the one there is, is 'portable'", name);
}

/* A run file gives what the command line does not. */
static int read_run_file(run *r)
{
	const char *path = r->spec.program;
	if (!path_ends(path, ".yaml") && !path_ends(path, ".yml"))
		return MMSB_OK;
	run_spec file = {.program = NULL};
	int status = runfile_read(path, &file, &r->err);
	if (status != MMSB_OK) {
		runspec_free(&file);
		return status;
	}
	run_spec given = r->spec;
	r->spec = file;
	return runspec_merge(&r->spec, &given, &r->err);
}

static int run_all(run *r)
{
	double start = seconds();
	int status = read_run_file(r);
	if (status == MMSB_OK)
		status = check_executor(r);
	progress_init(&r->bar, r->spec.option[RUN_PROGRESS] != 0);
	if (status == MMSB_OK)
		status = begin(r);
	if (status != MMSB_OK)
		report(r, status);
	if (r->epoch > 0) {
		if (status == MMSB_OK)
			go_on(r);
		end(r);
	}
	r->times.total = seconds() - start;
	if (r->spec.option[RUN_STATS] != 0 && r->inst != NULL)
		print_stats(r->inst, &r->times);
	return r->failed;
}

int cmd_run(int argc, char **argv)
{
	run r = {.standard = {.fd = -1}};
	int status = runopts_parse(argc, argv, &r.spec);
	if (status == RUNOPTS_GO)
		status = run_all(&r);
	watchers_free(r.watching);
	outfile_abort(&r.standard);
	mmsb_instance_free(r.inst);
	runspec_free(&r.spec);
	return status;
}
