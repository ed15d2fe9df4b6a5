/* recover.c - an instance as after the last epoch of a folder: the newest checkpoint that verifies, then the log (state.h). */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"

/* ---- checkpoints ------------------------------------------------------------------------------- */

/* What another checkpoint would not have either ends the search. */
static bool is_final(int status) { return status == MMSB_MEMORY || status == MMSB_SHAPE || status == MMSB_RANGE || status == MMSB_ORDER; }

static int from_checkpoint(mmsb_state *s, mmsb_error *err)
{
	for (size_t i = s->names.n_checkpoints; i-- > 0;) {
		char name[STATE_NAME];
		checkpoint_rest *rest;
		manifest_checkpoint_name(s->names.checkpoints[i].epoch, name);
		char *path = vfs_path(s->folder, name);
		if (!path)
			return fail_memory(err, strlen(s->folder), s->folder);
		int status = checkpoint_read(s->m, &s->fs, path, &rest, &s->table, err);
		if (!status && s->m->epoch != s->names.checkpoints[i].epoch)
			status = fail(err, MMSB_FORMAT, "%s: the checkpoint is of epoch %" PRIu64 ", not of the one that its name says", path, s->m->epoch);
		free(path);
		if (status == MMSB_OK) {
			s->checkpoint_epoch = s->m->epoch;
			background_begin(s, rest, s->m->epoch);
			return MMSB_OK;
		}
		if (is_final(status) || s->m->epoch > 0)
			return status;
		state_add_note(s, "%s; it is passed over", err->message);
	}
	return MMSB_OK;
}

/* ---- the log ----------------------------------------------------------------------------------- */

typedef struct replay {
	mmsb_state *s;
	const log_segment *segment;
	char *path;
	log_reader *reader;
	uint64_t before;        /* checksum of the last record of the segment before; 0: it was not read */
	uint64_t from;          /* the epoch of the checkpoint */
	uint64_t at;            /* where the last segment ends */
} replay;

static int corrupt(const replay *r, uint64_t at, uint64_t epoch, const char *what, mmsb_error *err)
{
	return fail(err, MMSB_FORMAT, "%s: the log is damaged at byte %" PRIu64 ", after epoch %" PRIu64 ": %s. `mmsb log repair` copies what verifies "
	                              "to a new folder", r->path, at, epoch, what);
}

/* Params that the instance has not got from a checkpoint. */
static int take_params(replay *r, mmsb_error *err)
{
	mmsb_instance *m = r->s->m;
	int status = MMSB_OK;
	if (log_param_count(r->reader) != m->sch->n_params)
		return fail(err, MMSB_FORMAT, "%s: the log is another program's", r->path);
	for (uint32_t i = 0; i < m->sch->n_params && !status; i++) {
		uint64_t value = log_param(r->reader, i);
		const char *name = sch_text(m->sch, m->sch->params[i].name);
		if (!m->bound)
			status = mmsb_set_param_value(m, name, &value, r->path, err);
		else if (memcmp(&m->params[i].bits, &value, sizeof value) != 0)
			status = fail(err, MMSB_SHAPE, "%s: param %s has another value there", r->path, name);
	}
	return status ? status : mmsb_bind(m, err);
}

static int check_digest(const replay *r, const log_record *record, mmsb_error *err)
{
	char is[33], was[33];
	if (record->n < 16)
		return corrupt(r, record->at, r->s->m->epoch, "a digest is too short", err);
	for (int i = 0; i < 16; i++)
		snprintf(was + 2 * i, 3, "%02x", record->payload[i]);
	int status = mmsb_digest(r->s->m, is, err);
	if (!status && strcmp(is, was) != 0)
		status = fail(err, MMSB_FAULT, "%s: after epoch %" PRIu64 " the state has digest %s, and the log says %s (byte %" PRIu64 "): the log, the "
		                               "checkpoint before it, or this machine is wrong; nothing was changed", r->path, record->epoch, is, was,
		              record->at);
	return status;
}

static int take_record(replay *r, const log_record *record, mmsb_error *err)
{
	mmsb_instance *m = r->s->m;
	int status = MMSB_OK;
	if (record->kind == LOG_DIGEST)
		return record->epoch == m->epoch && m->epoch > r->from ? check_digest(r, record, err) : MMSB_OK;
	if ((record->kind != LOG_EPOCH && record->kind != LOG_TICKS) || record->epoch <= m->epoch)
		return MMSB_OK;
	if (record->kind == LOG_EPOCH && record->epoch != m->epoch + 1)
		return corrupt(r, record->at, m->epoch, "the next epoch is missing", err);
	if (record->kind == LOG_TICKS)
		return mmsb_ticks(m, record->epoch - m->epoch, NULL, err);
	status = log_stage(r->reader, record, m, err);
	if (!status)
		status = mmsb_commit(m, NULL, err);
	else
		mmsb_discard(m);
	return status;
}

/* How a segment ended. */
static int take_end(replay *r, log_tail tail, const log_record *last, mmsb_error *err)
{
	bool open = r->segment->last == 0;
	r->at = last->at;
	if (tail == LOG_CORRUPT)
		return corrupt(r, last->at, last->epoch, "a record is wrong, and later ones say that it was written", err);
	if (!open && (tail != LOG_CLOSED || last->epoch != r->segment->last))
		return corrupt(r, last->at, last->epoch, "the file is closed, and should go on", err);
	if (open && last->epoch != r->s->m->epoch)
		return corrupt(r, last->at, last->epoch, "it ends there, before the epoch of the checkpoint", err);
	if (tail == LOG_TORN)
		state_add_note(r->s, "%s: the log ends amid a record: %" PRIu64 " bytes behind epoch %" PRIu64 " (byte %" PRIu64 ") are cut off; no commit "
		                     "of them had returned", r->path, (uint64_t)last->n, last->epoch, last->at);
	return MMSB_OK;
}

static int check_segment(const replay *r, mmsb_error *err)
{
	uint64_t identity[2];
	log_identity(r->reader, identity);
	if (memcmp(identity, r->s->names.identity, sizeof identity) != 0)
		return fail(err, MMSB_FORMAT, "%s: the log is another program's", r->path);
	if (log_first_epoch(r->reader) != r->segment->first)
		return fail(err, MMSB_FORMAT, "%s: the log begins with epoch %" PRIu64 ", not with the one that its name says", r->path,
		            log_first_epoch(r->reader));
	if (r->before && log_before(r->reader) != r->before)
		return fail(err, MMSB_FORMAT, "%s: the file does not go on from the one before it: one of them is of another log", r->path);
	return MMSB_OK;
}

static int take_segment(replay *r, mmsb_error *err)
{
	log_record record = {.epoch = 0};
	log_tail tail = LOG_GOES_ON;
	int status = check_segment(r, err);
	if (!status)
		status = take_params(r, err);
	while (!status && (tail = log_next(r->reader, &record)) == LOG_GOES_ON) {
		r->before = record.check;
		status = take_record(r, &record, err);
	}
	return status ? status : take_end(r, tail, &record, err);
}

static int open_segment(replay *r, mmsb_error *err)
{
	char name[STATE_NAME];
	manifest_segment_name(r->segment, name);
	r->path = vfs_path(r->s->folder, name);
	if (!r->path)
		return fail_memory(err, strlen(r->s->folder), r->s->folder);
	int status = log_read_open(&r->reader, &r->s->fs, r->path, err);
	if (!status)
		status = take_segment(r, err);
	log_read_close(r->reader);
	r->reader = NULL;
	free(r->path);
	r->path = NULL;
	return status;
}

static int from_log(replay *r, mmsb_error *err)
{
	const manifest *names = &r->s->names;
	const mmsb_instance *m = r->s->m;
	int status = MMSB_OK;
	if (names->segments[0].first > m->epoch + 1)
		return fail(err, MMSB_FORMAT, "%s: the log begins with epoch %" PRIu64 ", and no checkpoint of the epochs before it verifies", r->s->folder,
		            names->segments[0].first);
	for (size_t i = 0; i < names->n_segments && !status; i++) {
		r->segment = &names->segments[i];
		if (r->segment->last == 0 || r->segment->last > m->epoch)
			status = open_segment(r, err);
		else
			r->before = 0;
	}
	return status;
}

/* Whether the folder was left before its first epoch: there is a log, and none in it. Its params need not be the next run's. */
static bool never_began(mmsb_state *s)
{
	const manifest *names = &s->names;
	char name[STATE_NAME];
	log_reader *reader;
	log_record record = {.epoch = 0};
	mmsb_error ignored;
	if (names->n_checkpoints || names->n_segments != 1 || names->segments[0].first != 1 || names->segments[0].last)
		return false;
	manifest_segment_name(&names->segments[0], name);
	char *path = vfs_path(s->folder, name);
	if (!path || log_read_open(&reader, &s->fs, path, &ignored)) {
		free(path);
		return false; /* from_log says why */
	}
	log_tail tail = LOG_GOES_ON;
	while (tail == LOG_GOES_ON && record.kind != LOG_EPOCH && record.kind != LOG_TICKS)
		tail = log_next(reader, &record);
	log_read_close(reader);
	if (tail == LOG_TORN)
		state_add_note(s, "%s: the log ends amid a record behind epoch 0 (byte %" PRIu64 "), which is cut off; no commit of it had returned", path,
		               record.at);
	free(path);
	return tail == LOG_WHOLE || tail == LOG_TORN;
}

int recover(mmsb_state *s, mmsb_error *err)
{
	if (!s->has_manifest)
		return MMSB_OK;
	if (s->m->epoch > 0 || !staging_empty(s->m))
		return fail(err, MMSB_ORDER, "%s: the state has epochs: it can be opened for an instance that has had none and has nothing staged", s->folder);
	if (never_began(s))
		return MMSB_OK;
	int status = from_checkpoint(s, err);
	replay r = {.s = s, .from = s->m->epoch};
	if (!status)
		status = from_log(&r, err);
	if (status)
		return status;
	const log_segment *last = &s->names.segments[s->names.n_segments - 1];
	return state_open_log(s, s->m->epoch + 1, last, r.at, err);
}
