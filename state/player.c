/* player.c - instances as they were after an epoch (history.h): the nearest checkpoint, then the log. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "history.h"

/* Records that wait to be evaluated may hold so many bytes: entries of sparse pages wait in memory. */
enum { MOST_APPLIED = 64 << 20 };

/* ---- beginning --------------------------------------------------------------------------------- */

static int begin_checkpoint(player *p, uint64_t epoch, mmsb_error *err)
{
	char name[STATE_NAME];
	manifest_checkpoint_name(epoch, name);
	char *path = vfs_path(p->h->folder, name);
	if (!path)
		return fail_memory(err, sizeof name, p->h->folder);
	int status = checkpoint_read(p->m, p->h->fs, path, NULL, NULL, err);
	free(path);
	return status;
}

/* Sizes follow from the params, which the log has. */
static int begin_first(player *p, mmsb_error *err)
{
	history *h = p->h;
	log_record record;
	bool more;
	const schedule *s = &h->schedule->tables;
	history_walk w;
	if (h->files.segments[0].first > 1)
		return fail(err, MMSB_RANGE, "%s: the log begins with epoch %" PRIu64 ": what was before it is not kept", h->folder, h->files.segments[0].first);
	history_walk_begin(&w, h, 0);
	int status = history_walk_next(&w, &record, &more, err);
	if (!status && log_param_count(w.reader) != s->n_params)
		status = fail(err, MMSB_FORMAT, "%s: it has %u params, and the schedule %" PRIu32, log_path(w.reader), log_param_count(w.reader), s->n_params);
	for (uint32_t i = 0; i < s->n_params && !status; i++) {
		uint64_t value = log_param(w.reader, i);
		status = mmsb_set_param_value(p->m, sch_text(s, s->params[i].name), &value, log_path(w.reader), err);
	}
	history_walk_end(&w);
	return status ? status : mmsb_bind(p->m, err);
}

/* An instance that could not read a checkpoint can only be freed; an older one is tried with another. */
static int begin(player *p, uint64_t epoch, bool first, const mmsb_options *options, mmsb_error *err)
{
	const manifest *files = &p->h->files;
	int status = mmsb_instance_new(&p->m, p->h->schedule, options, err);
	size_t n = first ? 0 : files->n_checkpoints;
	while (n > 0 && files->checkpoints[n - 1].epoch > epoch)
		n--;
	for (; n > 0 && !status; n--) {
		mmsb_error why;
		int tried = begin_checkpoint(p, files->checkpoints[n - 1].epoch, &why);
		if (!tried)
			return MMSB_OK;
		bool older = n > 1 || files->segments[0].first == 1;
		if (tried == MMSB_MEMORY || !older)
			return *err = why, tried;
		if (p->h->note)
			p->h->note(why.message);
		mmsb_instance_free(p->m);
		p->m = NULL;
		status = mmsb_instance_new(&p->m, p->h->schedule, options, err);
	}
	return status ? status : begin_first(p, err);
}

static int player_make(player **out, history *h, mmsb_error *err)
{
	*out = calloc(1, sizeof **out);
	if (!*out)
		return fail_memory(err, sizeof **out, h->folder);
	(*out)->h = h;
	return MMSB_OK;
}

/* The instance is as it begins, or could not be had. */
static int start(player *p, int status, player **out)
{
	*out = NULL;
	if (status) {
		player_free(p);
		return status;
	}
	p->merges = !p->m->has_state;
	history_walk_begin(&p->walk, p->h, p->m->epoch + 1);
	*out = p;
	return MMSB_OK;
}

int player_new(player **out, history *h, uint64_t epoch, bool first, const mmsb_options *options, mmsb_error *err)
{
	int status = player_make(out, h, err);
	return status ? status : start(*out, begin(*out, epoch, first, options, err), out);
}

int player_from(player **out, history *h, const char *checkpoint, const mmsb_options *options, mmsb_error *err)
{
	int status = player_make(out, h, err);
	if (status)
		return status;
	status = mmsb_instance_new(&(*out)->m, h->schedule, options, err);
	if (!status)
		status = checkpoint_read((*out)->m, &vfs_machine, checkpoint, NULL, NULL, err);
	return start(*out, status, out);
}

void player_free(player *p)
{
	if (!p)
		return;
	history_walk_end(&p->walk);
	mmsb_instance_free(p->m);
	free(p);
}

/* ---- going on ---------------------------------------------------------------------------------- */

static int compare_digest(player *p, mmsb_error *err)
{
	char ours[33], theirs[33];
	int status = mmsb_digest(p->m, ours, err);
	if (status)
		return status;
	if (p->record.n < 16)
		return fail(err, MMSB_FORMAT, "%s: the digest at byte %" PRIu64 " is cut off", log_path(p->walk.reader), p->record.at);
	for (unsigned i = 0; i < 16; i++)
		snprintf(theirs + 2 * i, 3, "%02x", p->record.payload[i]);
	p->digests++;
	if (strcmp(ours, theirs) == 0)
		return MMSB_OK;
	return fail(err, MMSB_FAULT, "%s: after epoch %" PRIu64 " the digest is %s, but the log says %s (byte %" PRIu64 ")", log_path(p->walk.reader),
	            p->record.epoch, ours, theirs, p->record.at);
}

/* What was put into the sources becomes an epoch. */
static int evaluate(player *p, uint64_t epoch, mmsb_error *err)
{
	log_apply_end(p->m, epoch);
	p->applied = 0;
	return mmsb_commit(p->m, NULL, err);
}

/* Several epochs as one. `upto`: the last that is asked for. */
static int merge(player *p, uint64_t upto, mmsb_error *err)
{
	uint64_t reached = p->record.epoch < upto ? p->record.epoch : upto;
	int status = MMSB_OK;
	if (p->record.kind == LOG_EPOCH)
		status = log_apply(p->walk.reader, &p->record, p->m, err);
	p->applied += p->record.n + 1;
	if (!status && p->record.kind == LOG_EPOCH && reached + 1 < upto)
		reached = log_apply_run(p->walk.reader, p->m, upto - 1);
	p->m->epoch = p->m->at_hand = reached;
	return !status && (reached == upto || p->applied >= MOST_APPLIED) ? evaluate(p, reached, err) : status;
}

static int one(player *p, history_each *each, void *user, mmsb_error *err)
{
	int status = p->record.kind == LOG_EPOCH ? log_stage(p->walk.reader, &p->record, p->m, err) : MMSB_OK;
	if (!status)
		status = mmsb_commit(p->m, NULL, err);
	const char *source = log_source(p->walk.reader, p->record.source);
	history_epoch now = {p->m->epoch, p->record.time, source ? source : ""};
	return !status && each ? each(user, &now, err) : status;
}

static int take(player *p, uint64_t upto, history_each *each, void *user, mmsb_error *err)
{
	const log_record *r = &p->record;
	if (r->kind == LOG_DIGEST && p->verify && r->epoch == p->m->epoch && p->applied == 0)
		return compare_digest(p, err);
	if (r->kind != LOG_EPOCH && r->kind != LOG_TICKS)
		return MMSB_OK;
	if (r->epoch <= p->m->epoch)
		return MMSB_OK;
	if (p->merges && !p->verify && !each && p->m->epoch > 0 && upto > p->m->epoch + 1)
		return merge(p, upto, err);
	if (p->applied > 0)
		return merge(p, upto, err);
	int status = MMSB_OK;
	uint64_t last = r->epoch < upto ? r->epoch : upto;
	if (r->kind == LOG_TICKS && !each)
		return mmsb_ticks(p->m, last - p->m->epoch, NULL, err);
	while (!status && p->m->epoch < last) {
		bool idle = r->kind == LOG_TICKS && p->changes_only && ticks_are_idle(p->m);
		status = idle ? mmsb_ticks(p->m, last - p->m->epoch, NULL, err) : one(p, each, user, err);
	}
	return status;
}

int player_to(player *p, uint64_t epoch, history_each *each, void *user, mmsb_error *err)
{
	int status = MMSB_OK;
	bool more = true;
	while (!status && (p->m->epoch < epoch || p->verify)) {
		if (!p->holds) {
			status = history_walk_next(&p->walk, &p->record, &more, err);
			if (status || !more)
				break;
			p->holds = true;
		}
		bool counts = p->record.kind == LOG_EPOCH || p->record.kind == LOG_TICKS;
		if (counts && p->record.epoch > epoch && p->m->epoch >= epoch)
			break;
		status = take(p, epoch, each, user, err);
		p->holds = !status && counts && p->record.epoch > p->m->epoch; /* ticks, of which some are left */
	}
	if (!status && p->m->epoch < epoch)
		return history_has(p->h, epoch, err) ? err->status
		                                     : fail(err, MMSB_FORMAT, "%s: the log ends with epoch %" PRIu64 " instead of %" PRIu64, p->h->folder, p->m->epoch, epoch);
	return status;
}
