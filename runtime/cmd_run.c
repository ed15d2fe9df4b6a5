/* `mmsb run`: a program, its inputs, its epochs, its outputs. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bind.h"
#include "commands.h"
#include "deltatext.h"
#include "eventfile.h"
#include "load.h"
#include "outputs.h"
#include "run_state.h"
#include "watch.h"

typedef struct run {
	run_spec spec;
	mmsb_instance *inst;
	outfile standard;     /* standard output */
	run_state *state;     /* of --state, or NULL */
	watchers *watching;
	eventfile *events;    /* NULL: none are written */
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

static uint64_t batch_of(const run *r)
{
	return r->spec.has[RUN_BATCH] ? r->spec.option[RUN_BATCH] : 1;
}

/* Commits taken together are one epoch, which is the same state only where none hangs on how many epochs there were. */
static int check_batch(run *r)
{
	const char *why, *name = load_state_page(r->inst, &why);
	if (batch_of(r) == 1 || name == NULL)
		return MMSB_OK;
	return fail(&r->err, MMSB_USAGE, "--batch %llu: page '%s' is state (%s), so its values depend on every single epoch",
	            (unsigned long long)batch_of(r), name, why);
}

static int new_instance(run *r)
{
	mmsb_schedule *schedule_ = NULL;
	int status = load_schedule(&r->spec, &schedule_, &r->err);
	if (status != MMSB_OK)
		return status;
	mmsb_options options = {.size = sizeof options, .threads = (int)r->spec.option[RUN_THREADS], .time_passes = r->spec.option[RUN_STATS] != 0,
	                        .scratch = r->spec.option[RUN_SCRATCH] != 0, .executor = load_executor(&r->spec)};
	status = mmsb_instance_new(&r->inst, schedule_, &options, &r->err);
	mmsb_schedule_close(schedule_);
	return status == MMSB_OK ? check_batch(r) : status;
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
		status = load_placed(p, id < 0 ? r->err.status : output_check(r->inst, id, p->value, &r->err), &r->err);
		status = status == MMSB_OK ? check_path(r, i) : status;
	}
	if (status != MMSB_OK)
		return status;
	r->watching = watchers_new(r->inst, &r->standard);
	if (r->watching == NULL)
		return fail_memory(&r->err, 64, "the watched pages");
	for (size_t i = 0; i < r->spec.watches.count && status == MMSB_OK; i++)
		status = load_placed(&r->spec.watches.items[i], add_watch(r, &r->spec.watches.items[i]), &r->err);
	return status;
}

/* Records on standard output stand alone there. */
static bool prints(const run *r)
{
	bool any = r->spec.option[RUN_DIGEST] != DIGEST_NONE;
	for (size_t i = 0; i < r->spec.outs.count; i++)
		any |= strcmp(r->spec.outs.items[i].value, "-") == 0;
	for (size_t i = 0; i < r->spec.watches.count; i++)
		any |= r->spec.watches.items[i].value == NULL || strcmp(r->spec.watches.items[i].value, "-") == 0;
	return any;
}

static int prepare_events(run *r)
{
	bool json = r->spec.option[RUN_JSON] != 0;
	if (r->spec.events == NULL)
		return MMSB_OK;
	if (!json && strcmp(r->spec.events, "-") == 0 && prints(r))
		return fail(&r->err, MMSB_USAGE, "--events - writes records, which other output would break: give one of them a file, or add --json");
	return eventfile_new(&r->events, r->inst, r->spec.events, json, &r->standard, &r->err);
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
	if (status == MMSB_OK)
		status = eventfile_status(r->events, &r->err);
	if (status == MMSB_OK && r->spec.option[RUN_DIGEST] == DIGEST_EACH)
		status = print_digest(r);
	return status;
}

static int commit(run *r)
{
	int status = mmsb_commit_from(r->inst, r->spec.source, &r->epoch, &r->err);
	return status == MMSB_OK ? after_epoch(r) : status;
}

/* Before the reader of deltas waits for more. */
static bool hand_on(void *arg, int fd)
{
	run *r = arg;
	if (r->standard.used > 0)
		progress_clear(&r->bar);
	watchers_flush(r->watching);
	eventfile_flush(r->events);
	outfile_flush(&r->standard);
	return r->state == NULL || (run_state_sync(r->state, NULL) == MMSB_OK && run_state_wait(r->state, fd));
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

static void tell_note(run *r, const char *note)
{
	if (note == NULL)
		return;
	progress_clear(&r->bar);
	fprintf(stderr, "mmsb: note: %s\n", note);
}

/* Stages the next commits of the stream, as many as make an epoch. *taken: how many there were; 0: the stream has ended. */
static int stage_batch(run *r, delta_reader *reader, uint64_t *taken)
{
	double start = seconds();
	delta_event event = DELTA_COMMIT;
	int status = MMSB_OK;
	for (*taken = 0; *taken < batch_of(r) && event == DELTA_COMMIT; *taken += event != DELTA_END) {
		status = delta_next(reader, &event, &r->err);
		tell_note(r, delta_note(reader));
		if (status != MMSB_OK)
			break;
		if (event == DELTA_STOPPED) { /* a part of an epoch is none */
			*taken = 0;
			break;
		}
	}
	r->times.deltas += seconds() - start;
	return status;
}

/* Behind a bad delta: the rest of the epoch is left out as well. */
static int skip_batch(run *r, delta_reader *reader, uint64_t taken)
{
	int status = MMSB_OK;
	for (; taken < batch_of(r) && status == MMSB_OK; taken++)
		status = delta_skip(reader, &r->err);
	return status;
}

static int apply_deltas(run *r, delta_reader *reader)
{
	bool skip_bad = r->spec.option[RUN_SKIP_BAD] != 0;
	for (;;) {
		uint64_t taken, done, total;
		int status = stage_batch(r, reader, &taken);
		if (status != MMSB_OK && skip_bad && is_bad_data(status)) {
			leave_out(r);
			status = skip_batch(r, reader, taken);
			if (status != MMSB_OK)
				return status;
			continue;
		}
		if (status != MMSB_OK || taken == 0)
			return status;
		if (run_state_stops(r->state))
			return MMSB_OK; /* perhaps amid an epoch */
		status = mmsb_commit_from(r->inst, r->spec.source, &r->epoch, &r->err);
		if (status != MMSB_OK && skip_bad && is_bad_data(status)) {
			leave_out(r);
			continue;
		}
		if (status == MMSB_OK)
			status = after_epoch(r);
		if (status != MMSB_OK)
			return status;
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

/* Of a run with a state: so many that it can be ended in between. */
static uint64_t next_piece(uint64_t piece, double took)
{
	return took < 0.02 && piece < UINT64_MAX / 2 ? 2 * piece : took > 0.1 && piece > 1 ? piece / 2 : piece;
}

static int run_ticks(run *r)
{
	uint64_t ticks = r->spec.option[RUN_TICKS];
	/* by the piece where somebody looks */
	uint64_t piece = shows_each(r) || r->state != NULL ? 1 : r->bar.on ? ticks / 1000 + 1 : ticks;
	for (uint64_t done = 0, n; done < ticks && !run_state_stops(r->state); done += n) {
		double start = seconds();
		n = ticks - done < piece ? ticks - done : piece;
		int status = shows_each(r) ? commit(r) : mmsb_ticks(r->inst, n, &r->epoch, &r->err);
		if (status != MMSB_OK)
			return status;
		if (!shows_each(r) && r->state != NULL)
			piece = next_piece(piece, seconds() - start);
		progress_at(&r->bar, "ticks", done + n, ticks);
	}
	return MMSB_OK;
}

/* ---- the whole --------------------------------------------------------------------------------- */

static void report(run *r, int status)
{
	progress_clear(&r->bar);
	/* what failed in an epoch or under --watch fails again at the end */
	if (r->err.message[0] != '\0' && strstr(r->told.message, r->err.message) == NULL) {
		print_error(&r->err);
		r->told = r->err;
	}
	if (r->failed == 0)
		r->failed = exit_status(status);
}

/* A state that has epochs is gone on from. */
static int open_state(run *r)
{
	int status = load_params(r->inst, &r->spec, &r->err);
	if (status == MMSB_OK)
		status = run_state_open(&r->state, r->inst, &r->spec, &r->bar, &r->err);
	return status;
}

/* Everything up to the end of epoch 1: without it there is nothing to write. */
static int begin(run *r)
{
	double start = seconds();
	int status = new_instance(r);
	r->times.load = seconds() - start;
	start = seconds();
	if (status == MMSB_OK && r->spec.state != NULL)
		status = open_state(r);
	bool goes_on = run_state_epoch(r->state) > 0;
	if (status == MMSB_OK && !goes_on)
		status = load_inputs(r->inst, &r->spec, &r->bar, &r->err);
	r->times.inputs = seconds() - start;
	if (status == MMSB_OK)
		status = prepare_outputs(r);
	if (status == MMSB_OK)
		status = prepare_events(r);
	if (status != MMSB_OK || !goes_on)
		return status == MMSB_OK ? commit(r) : status;
	r->epoch = run_state_epoch(r->state);
	return MMSB_OK;
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

static void end_state(run *r)
{
	r->err.message[0] = '\0';
	int status = run_state_close(r->state, &r->err);
	r->state = NULL;
	if (status != MMSB_OK)
		report(r, status);
}

static void end(run *r)
{
	double start = seconds();
	r->err.message[0] = '\0';
	int status = run_state_sync(r->state, &r->err);
	if (status == MMSB_OK)
		status = write_outputs(r);
	if (status != MMSB_OK)
		report(r, status);
	r->err.message[0] = '\0';
	status = r->events == NULL ? MMSB_OK : run_state_finish(r->state, &r->err);
	if (status != MMSB_OK)
		report(r, status);
	r->err.message[0] = '\0';
	status = eventfile_close(r->events, &r->err);
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
	end_state(r);
	if (r->left_out > 0)
		fprintf(stderr, "mmsb: %llu epoch%s left out because of bad deltas\n", (unsigned long long)r->left_out,
		        r->left_out == 1 ? " was" : "s were");
}

static int run_all(run *r)
{
	double start = seconds();
	int status = load_run_file(&r->spec, &r->err);
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
	int status = runopts_parse(argc, argv, RUN_COMMAND, &r.spec);
	if (status == RUNOPTS_GO)
		status = run_all(&r);
	watchers_free(r.watching);
	eventfile_free(r.events);
	outfile_abort(&r.standard);
	run_state_close(r.state, NULL);
	mmsb_instance_free(r.inst);
	runspec_free(&r.spec);
	return status;
}
