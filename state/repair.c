/* repair.c - a new folder of what verifies of a damaged one (branch.h). */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "fold.h"

/* What verifies of a segment. */
typedef struct part {
	log_segment s;
	bool opens;             /* its header and pages verify */
	bool whole;             /* up to its end */
	uint64_t last;          /* the last epoch before the damage; first - 1: none */
	uint64_t check, before; /* checksums that link it with its neighbours */
} part;

typedef struct repair {
	const vfs *fs;
	const char *from, *to;
	manifest files;
	mmsb_schedule *schedule;
	part *parts;
	bool *good;             /* by checkpoint */
	repair_tell *tell;
	void *user;
} repair;

static void say(const repair *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(const repair *r, const char *fmt, ...)
{
	char line[1200];
	va_list args;
	va_start(args, fmt);
	vsnprintf(line, sizeof line, fmt, args);
	va_end(args);
	r->tell(r->user, line);
}

/* ---- looking ----------------------------------------------------------------------------------- */

static char *segment_path(const repair *r, const log_segment *s)
{
	char name[STATE_NAME];
	manifest_segment_name(s, name);
	return vfs_path(r->from, name);
}

static int look_at_segment(const repair *r, part *p, bool open, mmsb_error *err)
{
	char *path = segment_path(r, &p->s);
	log_reader *reader = NULL;
	log_record record;
	log_tail tail;
	mmsb_error why;
	if (!path)
		return fail_memory(err, STATE_NAME, "a path");
	int status = log_read_open(&reader, r->fs, path, &why);
	p->last = p->s.first - 1;
	if (status == MMSB_MEMORY) {
		*err = why;
	} else if (status) {
		say(r, "%s", why.message);
		status = MMSB_OK;
	} else {
		while ((tail = log_next(reader, &record)) == LOG_GOES_ON)
			p->check = record.check;
		p->opens = log_first_epoch(reader) == p->s.first;
		p->last = record.epoch;
		p->before = log_before(reader);
		p->whole = open ? tail != LOG_CORRUPT : tail == LOG_CLOSED && record.epoch == p->s.last;
		if (tail == LOG_CORRUPT || !p->whole)
			say(r, "%s: damaged at byte %" PRIu64 ", behind epoch %" PRIu64, path, record.at, record.epoch);
		else if (tail == LOG_TORN)
			say(r, "%s: %" PRIu64 " bytes behind epoch %" PRIu64 " are no whole record", path, log_size(reader) - record.at, record.epoch);
	}
	log_read_close(reader);
	free(path);
	return status;
}

static int look_at_checkpoint(const repair *r, size_t i, mmsb_error *err)
{
	char name[STATE_NAME];
	mmsb_instance *m = NULL;
	mmsb_error why;
	manifest_checkpoint_name(r->files.checkpoints[i].epoch, name);
	char *path = vfs_path(r->from, name);
	int status = path ? mmsb_instance_new(&m, r->schedule, NULL, err) : fail_memory(err, STATE_NAME, "a path");
	if (!status) {
		int read = checkpoint_read(m, r->fs, path, NULL, NULL, &why);
		r->good[i] = read == MMSB_OK;
		if (read == MMSB_MEMORY) {
			*err = why;
			status = read;
		} else if (read) {
			say(r, "%s", why.message);
		}
	}
	mmsb_instance_free(m);
	free(path);
	return status;
}

/* ---- choosing ---------------------------------------------------------------------------------- */

/* The segments from `a` on that go on one from the other: up to *b, of which the last may be cut. */
static void follow(const repair *r, size_t a, size_t *b)
{
	*b = a;
	while (r->parts[*b].whole && *b + 1 < r->files.n_segments && r->parts[*b + 1].opens && r->parts[*b + 1].before == r->parts[*b].check)
		++*b;
}

/* A run can be begun from epoch 1, or from a checkpoint within it or right before it. */
static bool begins(const repair *r, size_t a, size_t b)
{
	if (r->parts[a].s.first == 1)
		return true;
	for (size_t i = 0; i < r->files.n_checkpoints; i++) {
		uint64_t c = r->files.checkpoints[i].epoch;
		if (r->good[i] && c + 1 >= r->parts[a].s.first && c <= r->parts[b].last)
			return true;
	}
	return false;
}

static bool choose(const repair *r, size_t *a, size_t *b)
{
	bool found = false;
	for (size_t i = 0, end; i < r->files.n_segments; i = end + 1) {
		end = i;
		if (!r->parts[i].opens)
			continue;
		follow(r, i, &end);
		size_t from = i;
		while (from < end && !begins(r, from, end))
			from++;
		if (!begins(r, from, end) || (found && r->parts[end].last <= r->parts[*b].last))
			continue;
		*a = from;
		*b = end;
		found = true;
	}
	return found;
}

/* ---- taking ------------------------------------------------------------------------------------ */

static int take_segment(const repair *r, const part *p, bool last, manifest *into, mmsb_error *err)
{
	log_segment s = p->s;
	char name[STATE_NAME];
	int status;
	manifest_segment_name(&s, name);
	if (!last) {
		status = fold_take(r->fs, r->from, r->to, name, err);
	} else {
		log_reader *reader = NULL;
		char *path = segment_path(r, &s);
		status = path ? log_read_open(&reader, r->fs, path, err) : fail_memory(err, STATE_NAME, "a path");
		if (!status)
			status = fold_cut(r->fs, reader, &s, UINT64_MAX, r->to, err);
		log_read_close(reader);
		free(path);
		s = (log_segment){.first = s.first};
	}
	return status ? status : manifest_add_segment(into, &s, err);
}

static int take_run(const repair *r, size_t a, size_t b, uint64_t *first, mmsb_error *err)
{
	manifest into = {.identity = {r->files.identity[0], r->files.identity[1]}};
	int status = fold_fresh(r->fs, r->to, err);
	*first = r->parts[a].s.first == 1 ? 1 : 0;
	if (!status)
		status = fold_take(r->fs, r->from, r->to, "schedule.mmsbx", err);
	for (size_t i = 0; i < r->files.n_checkpoints && !status; i++) {
		uint64_t c = r->files.checkpoints[i].epoch;
		if (!r->good[i] || c + 1 < r->parts[a].s.first || c > r->parts[b].last)
			continue;
		*first = *first ? *first : c;
		status = fold_take_checkpoint(r->fs, &r->files.checkpoints[i], r->from, r->to, &into, err);
	}
	for (size_t i = a; i <= b && !status; i++)
		status = take_segment(r, &r->parts[i], i == b, &into, err);
	if (!status)
		status = fold_finish(r->fs, &into, r->to, err);
	manifest_free(&into);
	return status;
}

/* ---- the whole --------------------------------------------------------------------------------- */

static int open_from(repair *r, mmsb_error *err)
{
	bool found;
	int status = manifest_read(&r->files, r->fs, r->from, &found, err);
	if (!status && !found)
		status = fail(err, MMSB_INPUT, "%s: there is no state in this folder: it has no MANIFEST", r->from);
	char *path = status ? NULL : vfs_path(r->from, "schedule.mmsbx");
	if (!status)
		status = path ? mmsb_schedule_open(&r->schedule, path, err) : fail_memory(err, STATE_NAME, "a path");
	free(path);
	if (status)
		return status;
	r->parts = calloc(r->files.n_segments + 1, sizeof *r->parts);
	r->good = calloc(r->files.n_checkpoints + 1, sizeof *r->good);
	return r->parts && r->good ? MMSB_OK : fail_memory(err, r->files.n_segments * sizeof *r->parts, "the segments of a log");
}

static int look(repair *r, mmsb_error *err)
{
	int status = MMSB_OK;
	for (size_t i = 0; i < r->files.n_segments && !status; i++) {
		r->parts[i].s = r->files.segments[i];
		status = look_at_segment(r, &r->parts[i], i + 1 == r->files.n_segments, err);
	}
	for (size_t i = 0; i < r->files.n_checkpoints && !status; i++)
		status = look_at_checkpoint(r, i, err);
	return status;
}

int repair_make(const vfs *fs, const char *from, const char *to, repair_tell *tell, void *user, uint64_t *first, uint64_t *last, mmsb_error *err)
{
	repair r = {.fs = fs, .from = from, .to = to, .tell = tell, .user = user};
	size_t a = 0, b = 0;
	int status = open_from(&r, err);
	if (!status)
		status = look(&r, err);
	if (!status && !choose(&r, &a, &b))
		status = fail(err, MMSB_FORMAT, "%s: nothing can be had: no part of the log that verifies begins with epoch 1 or a checkpoint", from);
	if (!status)
		status = take_run(&r, a, b, first, err);
	if (!status) {
		*last = r.parts[b].last;
		uint64_t had = r.files.segments[r.files.n_segments - 1].first - 1, end = r.parts[r.files.n_segments - 1].last;
		had = end > had ? end : had;
		if (r.files.n_checkpoints && r.files.checkpoints[r.files.n_checkpoints - 1].epoch > had)
			had = r.files.checkpoints[r.files.n_checkpoints - 1].epoch;
		if (had > *last)
			say(&r, "lost: epochs %" PRIu64 " to %" PRIu64 ", and those behind them, if there were any", *last + 1, had);
	}
	manifest_free(&r.files);
	mmsb_schedule_close(r.schedule);
	free(r.parts);
	free(r.good);
	return status;
}
