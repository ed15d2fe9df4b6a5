/* `mmsb run --state`: the folder that a run goes on in, and the signals that it listens to. */
#define _GNU_SOURCE /* pipe2 */
#include "run_state.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../state/state.h"
#include "iofile.h"
#include "load.h"

struct run_state {
	mmsb_state *state;
	progress *bar;
	const char *folder;
};

/* ---- signals ----------------------------------------------------------------------------------- */

/* A handler writes a byte to a pipe as well: whoever waits for input, in whichever thread, wakes up. */
static volatile sig_atomic_t asked_to_stop, asked_for_checkpoint;
static int wake[2] = {-1, -1};

static void take_signal(int number)
{
	int error = errno;
	if (number == SIGUSR1)
		asked_for_checkpoint = 1;
	else
		asked_to_stop = 1;
	ssize_t ignored = write(wake[1], "", 1);
	(void)ignored;
	errno = error;
}

static int listen_to(int number, mmsb_error *err)
{
	struct sigaction action = {.sa_handler = take_signal, .sa_flags = SA_RESTART};
	sigemptyset(&action.sa_mask);
	return sigaction(number, &action, NULL) ? fail(err, MMSB_IO, "cannot listen to signals: %s", strerror(errno)) : MMSB_OK;
}

/* While a folder is opened, which takes as long as its log asks for, there is nothing yet to be ended well: what ends a run then ends it at once. */
static int open_listening(run_state *s, mmsb_instance *inst, const char *folder, const mmsb_state_options *options, mmsb_error *err)
{
	if (pipe2(wake, O_CLOEXEC | O_NONBLOCK))
		return fail(err, MMSB_IO, "cannot make a pipe: %s", strerror(errno));
	int status = listen_to(SIGUSR1, err);
	if (status == MMSB_OK)
		status = mmsb_state_open(&s->state, inst, folder, options, err);
	if (status == MMSB_OK)
		status = listen_to(SIGINT, err);
	return status == MMSB_OK ? listen_to(SIGTERM, err) : status;
}

static void warn(const run_state *s, const char *text)
{
	progress_clear(s->bar);
	fprintf(stderr, "mmsb: note: %s\n", text);
}

bool run_state_stops(run_state *s)
{
	mmsb_error err;
	if (s == NULL)
		return false;
	if (asked_for_checkpoint && !asked_to_stop) {
		asked_for_checkpoint = 0;
		int status = mmsb_state_checkpoint(s->state, &err);
		if (status != MMSB_OK)
			warn(s, err.message);
	}
	return asked_to_stop;
}

bool run_state_wait(run_state *s, int fd)
{
	for (;;) {
		char bytes[64];
		struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = wake[0], .events = POLLIN}};
		if (run_state_stops(s))
			return false;
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return true; /* reading says what is wrong */
		while (fds[1].revents && read(wake[0], bytes, sizeof bytes) > 0)
			;
		if (fds[0].revents)
			return !run_state_stops(s);
	}
}

/* ---- the folder -------------------------------------------------------------------------------- */

/* Nobody is told of an epoch that is not on the disk. */
static int before_output(void *arg, mmsb_error *err) { return run_state_sync(arg, err); }

static void print_notes(const run_state *s, const run_spec *spec)
{
	char line[400];
	const char *at = mmsb_state_note(s->state);
	while (*at) {
		size_t n = strcspn(at, "\n");
		snprintf(line, sizeof line, "%.*s", (int)n, at);
		warn(s, line);
		at += n + (at[n] != '\0');
	}
	if (run_state_epoch(s) == 0 || spec->ins.count == 0)
		return;
	snprintf(line, sizeof line, "%.200s has %llu epoch%s: the run goes on from there, and --in is ignored", spec->state,
	         (unsigned long long)run_state_epoch(s), run_state_epoch(s) == 1 ? "" : "s");
	warn(s, line);
}

int run_state_open(run_state **out, mmsb_instance *inst, const run_spec *spec, progress *bar, mmsb_error *err)
{
	*out = NULL;
	run_state *s = calloc(1, sizeof *s);
	if (s == NULL)
		return fail_memory(err, sizeof *s, "the state of the run");
	*s = (run_state){.bar = bar, .folder = spec->state};
	mmsb_state_options options = {.size = sizeof options,
	                              .durability = (int)spec->option[RUN_DURABILITY],
	                              .group_ms = (unsigned)spec->option[RUN_GROUP_MS],
	                              .digest_every = spec->has[RUN_DIGEST_EVERY] && spec->option[RUN_DIGEST_EVERY] == 0
	                                                      ? UINT64_MAX : spec->option[RUN_DIGEST_EVERY],
	                              .checkpoint_epochs = spec->option[RUN_CHECKPOINT_EPOCHS],
	                              .checkpoint_bytes = spec->option[RUN_CHECKPOINT_BYTES],
	                              .checkpoint_seconds = spec->option[RUN_CHECKPOINT_SECONDS],
	                              .keep = (unsigned)spec->option[RUN_KEEP]};
	int status = open_listening(s, inst, spec->state, &options, err);
	if (status != MMSB_OK) {
		mmsb_state_close(s->state, NULL);
		free(s);
		return status;
	}
	state_later(s->state);
	outfile_gate(before_output, s);
	print_notes(s, spec);
	*out = s;
	return MMSB_OK;
}

uint64_t run_state_epoch(const run_state *s) { return s == NULL ? 0 : mmsb_state_epoch(s->state); }

int run_state_sync(run_state *s, mmsb_error *err) { return s == NULL ? MMSB_OK : mmsb_state_sync(s->state, err); }

int run_state_finish(run_state *s, mmsb_error *err) { return s == NULL ? MMSB_OK : state_finish(s->state, err); }

int run_state_close(run_state *s, mmsb_error *err)
{
	if (s == NULL)
		return MMSB_OK;
	outfile_gate(NULL, NULL);
	int status = mmsb_state_close(s->state, err);
	free(s);
	return status;
}
