/* state.c - a state folder that is open for writing: what mmsb.h says of it, and what it does in a commit (state.h). */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/delta.h"
#include "runtime/events.h"
#include "state.h"

enum { RECORD_BYTES = 48, DIGEST_EVERY = 1000, KEEP = 2, GROUP_MS = 10, COMPRESS = 3, SEGMENT = 64 << 20, LATER_NS = 20000000 };

void state_add_note(mmsb_state *s, const char *fmt, ...)
{
	size_t n = strlen(s->note);
	va_list args;
	va_start(args, fmt);
	if (n > 0 && n + 1 < sizeof s->note)
		s->note[n++] = '\n';
	vsnprintf(s->note + n, sizeof s->note - n, fmt, args);
	va_end(args);
}

void state_fail(mmsb_state *s, const mmsb_error *why)
{
	pthread_mutex_lock(&s->guard);
	if (!atomic_load(&s->failed))
		s->failure = *why;
	atomic_store(&s->failed, true);
	pthread_mutex_unlock(&s->guard);
}

/* ---- the log ----------------------------------------------------------------------------------- */

/* The last segment is closed now, or one that was closed is compressed. */
static void note_closed(manifest *names, const log_segment *closed)
{
	for (size_t i = 0; i < names->n_segments; i++)
		if (names->segments[i].first == closed->first)
			names->segments[i] = *closed;
}

int state_turn(void *state, const log_segment *closed, const log_segment *opened, mmsb_error *err)
{
	mmsb_state *s = state;
	int status = MMSB_OK;
	pthread_mutex_lock(&s->guard);
	if (closed)
		note_closed(&s->names, closed);
	if (opened)
		status = manifest_add_segment(&s->names, opened, err);
	if (!status)
		status = manifest_write(&s->names, &s->fs, s->folder, err);
	s->has_manifest |= !status;
	pthread_mutex_unlock(&s->guard);
	return status;
}

int state_open_log(mmsb_state *s, uint64_t next, const log_segment *last, uint64_t at, mmsb_error *err)
{
	const log_options options = {.durability = (log_durability)s->options.durability,
	                             .group_ns = (uint64_t)s->options.group_ms * 1000000,
	                             .segment_bytes = s->options.segment_bytes,
	                             .compress = s->options.compress};
	log_segment copy;
	if (last) {
		copy = *last;
		last = &copy; /* the manifest's may move */
	}
	int status = log_open(&s->log, &s->fs, s->folder, s->m, &options, next, last, at, state_turn, s, err);
	for (size_t i = 0; i < s->names.n_segments && !status && s->options.compress; i++)
		if (s->names.segments[i].last && !s->names.segments[i].compressed)
			log_compress(s->log, &s->names.segments[i]);
	return status;
}

/* ---- what a commit does ------------------------------------------------------------------------ */

static int check_failed(mmsb_state *s, mmsb_error *err)
{
	if (!atomic_load(&s->failed))
		return MMSB_OK;
	pthread_mutex_lock(&s->guard);
	*err = s->failure;
	pthread_mutex_unlock(&s->guard);
	return err->status;
}

/* Before the first record: the schedule, and a log. */
static int begin_log(mmsb_state *s, uint64_t epoch, mmsb_error *err)
{
	int status = check_failed(s, err);
	if (status || s->log)
		return status;
	status = folder_schedule(s, err);
	s->names.n_segments = 0; /* one that was left without an epoch is begun anew */
	return status ? status : state_open_log(s, epoch, NULL, 0, err);
}

static int append(void *state, mmsb_instance *m, uint64_t epoch, const char *source, mmsb_error *err)
{
	mmsb_state *s = state;
	int status = begin_log(s, epoch, err);
	if (status)
		return status;
	s->bytes += RECORD_BYTES;
	for (uint32_t i = 0; i < m->staging->n_touched; i++) {
		const staged_page *p = &m->staging->pages[m->staging->touched[i]];
		s->bytes += p->n_values + p->n_index * 2;
	}
	return log_append_epoch(s->log, m, epoch, source, err);
}

static int append_ticks(void *state, mmsb_instance *m, uint64_t last, uint64_t n, const char *source, mmsb_error *err)
{
	mmsb_state *s = state;
	(void)m;
	int status = begin_log(s, last - n + 1, err);
	s->bytes += RECORD_BYTES;
	return status ? status : log_append_ticks(s->log, last, n, source, err);
}

static int wait_for(void *state, mmsb_instance *m, uint64_t epoch, mmsb_error *err)
{
	mmsb_state *s = state;
	(void)m;
	if (s->later) {
		uint64_t now = now_ns();
		if (now - s->later_since < LATER_NS)
			return MMSB_OK;
		s->later_since = now;
	}
	return log_wait(s->log, epoch, err);
}

static int append_digest(mmsb_state *s, mmsb_error *err)
{
	char hex[33];
	uint8_t digest[16];
	int status = mmsb_digest(s->m, hex, err);
	for (int i = 0; i < 16 && !status; i++) {
		unsigned byte;
		sscanf(hex + 2 * i, "%2x", &byte);
		digest[i] = (uint8_t)byte;
	}
	return status ? status : log_append_digest(s->log, s->m->epoch, digest, err);
}

static bool is_due(const mmsb_state *s, uint64_t epoch)
{
	const mmsb_state_options *o = &s->options;
	return (o->checkpoint_epochs && epoch - s->checkpoint_epoch >= o->checkpoint_epochs) ||
	       (o->checkpoint_bytes && s->bytes - s->checkpoint_bytes >= o->checkpoint_bytes) ||
	       (o->checkpoint_seconds && now_ns() - s->checkpoint_ns >= o->checkpoint_seconds * UINT64_C(1000000000));
}

/* Subscribers are told by the committing thread of what a child and a thread have made meanwhile. */
static void tell_checkpoint(mmsb_state *s)
{
	if (!s->m || events_telling(s->m) || atomic_load(&s->shot.at_work) || !s->table.parts || s->table.epoch == s->told_checkpoint)
		return;
	s->told_checkpoint = s->table.epoch;
	events_checkpoint(s->m, s->told_checkpoint);
}

static int after(void *state, mmsb_instance *m, uint64_t epoch, mmsb_error *err)
{
	mmsb_state *s = state;
	int status = MMSB_OK;
	(void)m; /* s->m */
	if (s->shot.begun && !atomic_load(&s->shot.at_work))
		snapshot_settle(s);
	tell_checkpoint(s);
	uint64_t every = s->options.digest_every;
	if (every != UINT64_MAX && epoch / every > s->digest_epoch / every)
		status = append_digest(s, err);
	s->digest_epoch = epoch;
	if (!status && is_due(s, epoch) && !atomic_load(&s->shot.at_work))
		snapshot_begin(s, true, NULL); /* one that fails is told by mmsb_state_wait, and tried again when the next is due */
	tell_checkpoint(s);
	return status;
}

static void gone(void *state)
{
	mmsb_state *s = state;
	snapshot_settle(s);
	s->m = NULL;
}

static const journal_ops ops = {append, append_ticks, wait_for, after, gone};

/* ---- opening and closing ----------------------------------------------------------------------- */

static void take_options(mmsb_state *s, const mmsb_state_options *options)
{
	mmsb_state_options *o = &s->options;
	if (options)
		memcpy(o, options, options->size < sizeof *o ? options->size : sizeof *o);
	o->digest_every = o->digest_every ? o->digest_every : DIGEST_EVERY;
	o->group_ms = o->group_ms ? o->group_ms : GROUP_MS;
	o->keep = o->keep ? o->keep : KEEP;
	o->segment_bytes = o->segment_bytes ? o->segment_bytes : SEGMENT;
	o->compress = o->compress < 0 ? 0 : o->compress ? o->compress : COMPRESS;
}

static void state_free(mmsb_state *s)
{
	background_end(s);
	if (s->m)
		s->m->journal = (journal){NULL, NULL};
	folder_release(s);
	checkpoint_table_free(&s->table);
	manifest_free(&s->names);
	pthread_mutex_destroy(&s->guard);
	free(s->folder);
	free(s);
}

/* A folder's name without slashes at its end. */
static char *copy_folder(const char *folder)
{
	size_t n = strlen(folder);
	while (n > 1 && folder[n - 1] == '/')
		n--;
	return n > 0 ? strndup(folder, n) : NULL;
}

int state_open(mmsb_state **out, const vfs *fs, mmsb_instance *m, const char *folder, const mmsb_state_options *options, mmsb_error *err)
{
	mmsb_error local;
	err = err ? err : &local;
	*out = NULL;
	if (m->journal.ops)
		return fail(err, MMSB_ORDER, "%s: the instance has a state open already", folder);
	mmsb_state *s = calloc(1, sizeof *s);
	if (!s || !(s->folder = copy_folder(folder)) || pthread_mutex_init(&s->guard, NULL)) {
		free(s ? s->folder : NULL);
		free(s);
		return folder[0] ? fail_memory(err, sizeof *s, "a state") : fail(err, MMSB_USAGE, "a state is a folder: its name is empty");
	}
	s->fs = *fs;
	s->m = m;
	s->lock = -1;
	take_options(s, options);
	int status = folder_take(s, err);
	if (!status && !s->has_manifest && m->epoch > 0)
		status = fail(err, MMSB_ORDER, "%s: a new state begins with epoch 1, and the instance has had some", folder);
	if (!status)
		status = recover(s, err);
	if (status) {
		log_close(s->log, NULL);
		state_free(s);
		return status;
	}
	s->told_checkpoint = s->table.epoch;
	folder_sweep(s);
	s->digest_epoch = m->epoch;
	s->checkpoint_ns = s->later_since = now_ns();
	m->journal = (journal){&ops, s};
	*out = s;
	return MMSB_OK;
}

int mmsb_state_open(mmsb_state **out, mmsb_instance *m, const char *folder, const mmsb_state_options *options, mmsb_error *err)
{
	return state_open(out, &vfs_machine, m, folder, options, err);
}

void state_later(mmsb_state *s) { s->later = true; }

uint64_t mmsb_state_epoch(mmsb_state *s) { return s->m ? s->m->epoch : 0; }

const char *mmsb_state_note(mmsb_state *s) { return s->note; }

int mmsb_state_sync(mmsb_state *s, mmsb_error *err)
{
	s->later_since = now_ns();
	return s->log && s->m ? log_sync(s->log, s->m->epoch, err) : MMSB_OK;
}

int mmsb_state_checkpoint(mmsb_state *s, mmsb_error *err)
{
	if (!s->m || !s->log)
		return fail(err, MMSB_ORDER, "%s: there is no epoch yet to make a checkpoint of", s->folder);
	if (s->m->readonly)
		return fail(err, MMSB_READONLY, "%s: no checkpoint is made of an instance that is read-only", s->folder);
	return snapshot_begin(s, true, err);
}

int mmsb_state_wait(mmsb_state *s, mmsb_error *err)
{
	int status = snapshot_end(s, err);
	tell_checkpoint(s);
	return status;
}

int state_finish(mmsb_state *s, mmsb_error *err)
{
	int status = snapshot_end(s, err);
	bool made = s->table.parts && s->m && s->table.epoch == s->m->epoch;
	if (!s->m || !s->log || s->m->readonly || s->m->stale || atomic_load(&s->failed) || made)
		status = made ? MMSB_OK : status;
	else
		status = snapshot_begin(s, false, err);
	tell_checkpoint(s);
	return status;
}

int mmsb_state_close(mmsb_state *s, mmsb_error *err)
{
	mmsb_error ignored;
	if (!s)
		return MMSB_OK;
	int status = state_finish(s, err);
	int closed = log_close(s->log, status ? &ignored : err);
	state_free(s);
	return status ? status : closed;
}
