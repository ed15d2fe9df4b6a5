/* trial_make.c - a random program made ready: checked, compiled, bound in instances and in the naive evaluator. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../compiler/compile.h"
#include "../compiler/cuda_cc.h"
#include "../compiler/native_cc.h"
#include "../lang/module.h"
#include "../state/checkpoint.h"
#include "../runtime/container.h"
#include "../runtime/device.h"
#include "trial.h"

bool complain(trial *t, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(t->why, sizeof t->why, fmt, args);
	va_end(args);
	return false;
}

static bool check(trial *t)
{
	const char *stdlib = getenv("MMSB_STDLIB");
	lang_search search = {NULL, 0, stdlib ? stdlib : "stdlib"}; /* as seen from the sources */
	t->ctx = lang_ctx_new();
	if (!t->ctx)
		return complain(t, "out of memory");
	lang_program *loaded = lang_load_text(t->ctx, "program.mmsb", t->program.text, strlen(t->program.text), &search);
	t->checked = loaded ? lang_check(t->ctx, loaded) : NULL;
	return t->checked ? true : complain(t, "the checker does not take it");
}

static bool make_naive(trial *t)
{
	uint32_t n = t->checked->n_params;
	scalar *values = naive_room(NULL, n, sizeof *values);
	bool *given = naive_room(NULL, n, sizeof *given);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < t->program.n_sizes; k++)
			if (strcmp(t->checked->params[i]->name, t->program.size_names[k]) == 0) {
				values[i].I64 = t->program.sizes[k];
				given[i] = true;
			}
	t->naive = naive_new(t->checked, values, given);
	free(values);
	free(given);
	return t->naive ? true : complain(t, "the naive evaluator does not take it");
}

/* What the executor would choose by size is chosen by the seed. */
static void choose_ways(const trial *t)
{
	static const char *const regions[] = {"", "", "A", "B", "C", "P"};
	static const char *const grains[] = {"1", "64", ""};
	static const char *const stores[] = {"", "", "1", "33"}; /* operands from which on partial results are kept */
	setenv("MMSB_REGIONS", regions[t->seed % 6], 1);
	setenv("MMSB_GRAIN", grains[t->seed / 6 % 3], 1);
	setenv("MMSB_STORES", stores[t->seed / 18 % 4], 1);
}

static bool make_schedule(trial *t)
{
	schedule sch = {0};
	mmsb_error err;
	uint8_t *bytes = NULL;
	size_t n = 0;
	ir_graph *graph = ir_lower(t->checked);
	if (!graph || !ir_run_passes(graph, NULL) || !ir_schedule(graph, &sch))
		return complain(t, "the compiler does not take it");
	const char *wrong = ir_verify(graph);
	if (wrong)
		return complain(t, "the graph is wrong: %s", wrong);
	if (schedule_write(&sch, &bytes, &n, &err))
		return complain(t, "the schedule cannot be written: %s", err.message);
	choose_ways(t);
	int status = mmsb_schedule_load(&t->schedule, bytes, n, &err);
	free(bytes);
	if (status)
		return complain(t, "the schedule does not load: %s", err.message);
	if (t->set->cuda) {
		char image[600];
		int length = snprintf(image, sizeof image, "MMSB-FAKE\n%s\ns%" PRIu64 "_", t->set->cuda, t->seed);
		if (device_attach(t->schedule, image, (size_t)length + 1, &err))
			return complain(t, "no device code: %s", err.message);
	}
	if (t->set->device && cuda_use(t->schedule, &err))
		return complain(t, "no device code: %s", err.message);
	return t->set->native && native_use(t->schedule, &err) ? complain(t, "no native code: %s", err.message) : true;
}

bool trial_run(trial *t, int run)
{
	mmsb_error err;
	mmsb_options options = {.size = sizeof options, .threads = run == RUN_MANY ? (int)t->set->threads : 1, .scratch = run == RUN_SCRATCH,
	                        .executor = t->set->cuda || t->set->device ? MMSB_CUDA : MMSB_AUTOMATIC};
	mmsb_instance **out = &t->runs[run];
	if (mmsb_instance_new(out, t->schedule, &options, &err))
		return complain(t, "no instance: %s", err.message);
	for (uint32_t i = 0; i < t->checked->n_pages && t->seed % 3 == 0; i++)
		if (t->checked->pages[i]->role == ROLE_IN && mmsb_set_shape(*out, mmsb_page(*out, t->checked->pages[i]->name),
		                                                            t->checked->pages[i]->ndim, t->naive->pages[i].dims, NULL, &err))
			return complain(t, "no shape: %s", err.message);
	if (t->seed % 3 == 0 && mmsb_bind(*out, NULL) == MMSB_OK)
		return true; /* the shapes say everything */
	for (uint32_t k = 0; k < t->program.n_sizes; k++)
		if (mmsb_set_param_value(*out, t->program.size_names[k], &t->program.sizes[k], NULL, &err))
			return complain(t, "no param: %s", err.message);
	return mmsb_bind(*out, &err) ? complain(t, "no binding: %s", err.message) : true;
}

bool trial_resume(trial *t, int run)
{
	char path[512];
	mmsb_error err;
	mmsb_instance *was = t->runs[run];
	snprintf(path, sizeof path, "%s-%" PRIu64 ".checkpoint", t->set->keep, t->seed);
	bool done = checkpoint_write(was, &vfs_machine, path, &err) == MMSB_OK || complain(t, "run %d: no checkpoint: %s", run, err.message);
	if (done) {
		t->runs[run] = NULL;
		mmsb_instance_free(was);
		done = trial_run(t, run) && (checkpoint_read(t->runs[run], &vfs_machine, path, NULL, NULL, &err) == MMSB_OK || complain(t, "run %d: %s", run, err.message));
	}
	remove(path);
	return done;
}

/* ---- a checkpoint that is held ---- */

static void held_path(const trial *t, const char *kind, char to[512]) { snprintf(to, 512, "%s-%" PRIu64 ".%s", t->set->keep, t->seed, kind); }

bool trial_hold(trial *t, int run, uint32_t epochs)
{
	char path[512];
	mmsb_error err;
	held_path(t, "now", path);
	if (checkpoint_write(t->runs[run], &vfs_machine, path, &err) || checkpoint_plan(&t->held.writer, t->runs[run], NULL, &err) ||
	    checkpoint_hold(t->held.writer, &err))
		return complain(t, "run %d: no checkpoint: %s", run, err.message);
	t->held.epochs = epochs;
	return true;
}

static bool same_files(const char *path_a, const char *path_b)
{
	vfs_bytes a, b;
	bool same = vfs_view(&vfs_machine, path_a, &a) == 0 && vfs_view(&vfs_machine, path_b, &b) == 0 && a.size == b.size && a.size > 0 &&
	            memcmp(a.data, b.data, a.size) == 0;
	vfs_release(&vfs_machine, &a);
	vfs_release(&vfs_machine, &b);
	return same;
}

bool trial_held(trial *t)
{
	char now[512], later[512];
	if (!t->held.writer || t->held.epochs-- > 0)
		return true;
	held_path(t, "now", now);
	held_path(t, "later", later);
	int handle = vfs_machine.ops->open(NULL, later, checkpoint_flags(t->held.writer));
	bool same = handle >= 0 && checkpoint_put(t->held.writer, &vfs_machine, handle, 0) == 0 && vfs_machine.ops->close(NULL, handle) == 0 &&
	            same_files(now, later);
	checkpoint_writer_free(t->held.writer);
	t->held.writer = NULL;
	remove(now);
	remove(later);
	return same || complain(t, "a checkpoint that was held while epochs went on is not that of the epoch in which it began");
}

/* ---- a run that is kept in a folder ---- */

static void folder_of(const trial *t, char to[512]) { snprintf(to, 512, "%s-%" PRIu64 ".state", t->set->keep, t->seed); }

static void remove_folder(const trial *t)
{
	char folder[512], path[1024];
	folder_of(t, folder);
	DIR *d = opendir(folder);
	for (const struct dirent *e; d && (e = readdir(d));) {
		snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
		unlink(path);
	}
	if (d)
		closedir(d);
	rmdir(folder);
}

bool trial_open_state(trial *t)
{
	char folder[512];
	mmsb_error err;
	mmsb_state_options options = {.size = sizeof options, .durability = MMSB_DURABLE_OS, .digest_every = 3,
	                              .checkpoint_epochs = 2 + t->seed / 4 % 5, .keep = 1 + (unsigned)(t->seed / 8 % 3)};
	folder_of(t, folder);
	int status = mmsb_state_open(&t->state, t->runs[RUN_MANY], folder, &options, &err);
	return status == MMSB_OK || complain(t, "no state: %s", err.message);
}

bool trial_reopen_state(trial *t, bool killed)
{
	mmsb_error err;
	uint64_t epoch = mmsb_state_epoch(t->state);
	t->runs[RUN_MANY]->readonly = killed; /* then nothing is written at the end */
	int status = mmsb_state_close(t->state, &err);
	t->state = NULL;
	mmsb_instance_free(t->runs[RUN_MANY]);
	t->runs[RUN_MANY] = NULL;
	if (status)
		return complain(t, "the state does not close: %s", err.message);
	if (!trial_run(t, RUN_MANY) || !trial_open_state(t))
		return false;
	if (mmsb_state_epoch(t->state) != epoch || *mmsb_state_note(t->state))
		return complain(t, "the state has epoch %" PRIu64 " again, not %" PRIu64 ": %s", mmsb_state_epoch(t->state), epoch, mmsb_state_note(t->state));
	return true;
}

bool trial_program(trial *t)
{
	t->r = (rng){t->seed ^ UINT64_C(0x5851f42d4c957f2d)};
	t->program = generate_program(t->seed);
	if (!check(t) || !make_naive(t) || !make_schedule(t))
		return false;
	for (uint32_t i = 0; i < t->checked->n_pages; i++)
		t->has_lazy = t->has_lazy || (t->checked->pages[i]->attrs & PAGE_LAZY);
	return true;
}

void trial_end(trial *t)
{
	if (t->state) {
		mmsb_state_close(t->state, NULL);
		remove_folder(t);
	}
	t->held.epochs = 0;
	trial_held(t);
	for (int k = 0; k < RUNS; k++)
		mmsb_instance_free(t->runs[k]);
	mmsb_schedule_close(t->schedule);
	trial_unwatch(t);
	naive_free(t->naive);
	lang_ctx_free(t->ctx);
	generated_free(&t->program);
	free(t->deltas.items);
}
