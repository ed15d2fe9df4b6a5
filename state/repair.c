/* repair.c - a new folder of what verifies of a damaged one (branch.h). */
#include <errno.h>
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
	uint64_t seen;          /* the last that it is known to have had */
	uint64_t check, before; /* checksums that link it with its neighbours */
} part;

/* Epochs that a new folder can have: of the segments a to b, of which the last may be cut; or those behind a checkpoint, of a segment that
 * is damaged before them, and the segments that go on from it. */
typedef struct run {
	size_t a, b;            /* a > b: no segment is taken as it is */
	uint64_t last;          /* epoch */
	uint64_t checkpoint;    /* it begins behind this one, within segment `torn`; 0: it begins with a whole segment */
	size_t torn;
	part rest;              /* of that segment */
} run;

typedef struct repair {
	const vfs *fs;
	const char *from, *to;
	manifest files;         /* of from */
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
		p->seen = record.epoch;
		p->whole = open ? tail != LOG_CORRUPT : tail == LOG_CLOSED && record.epoch == p->s.last;
		if (tail != LOG_CLOSED && tail != LOG_WHOLE)
			p->seen = log_highest(reader) > p->seen ? log_highest(reader) : p->seen;
		if (tail == LOG_CORRUPT || !p->whole)
			say(r, "%s: damaged at byte %" PRIu64 ", behind epoch %" PRIu64, path, record.at, record.epoch);
		else if (tail == LOG_TORN)
			say(r, "%s: %" PRIu64 " bytes behind epoch %" PRIu64 " are no whole record", path, (uint64_t)record.n, record.epoch);
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

static bool choose_whole(const repair *r, run *best)
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
		if (!begins(r, from, end) || (found && r->parts[end].last <= best->last))
			continue;
		*best = (run){.a = from, .b = end, .last = r->parts[end].last};
		found = true;
	}
	return found;
}

/* The segment of an epoch. */
static size_t segment_of(const repair *r, uint64_t epoch)
{
	size_t i = r->files.n_segments;
	while (i > 0 && r->files.segments[i - 1].first > epoch)
		i--;
	return i; /* 1 more than its number; 0: there is none */
}

/* What of a segment follows a checkpoint that damage has cut off from the records before it. */
static int look_behind(const repair *r, size_t i, uint64_t checkpoint, part *rest, mmsb_error *err)
{
	char *path = segment_path(r, &r->parts[i].s);
	log_reader *reader = NULL;
	log_record record = {.epoch = checkpoint};
	log_tail tail = LOG_GOES_ON;
	int status = path ? log_read_open(&reader, r->fs, path, err) : fail_memory(err, STATE_NAME, "a path");
	*rest = (part){.s = {.first = checkpoint + 1}, .opens = true, .last = checkpoint};
	if (!status && log_seek(reader, checkpoint + 1)) {
		while ((tail = log_next(reader, &record)) == LOG_GOES_ON)
			rest->check = record.check;
		rest->last = record.epoch;
		rest->whole = tail == LOG_CLOSED && record.epoch == r->parts[i].s.last;
	}
	log_read_close(reader);
	free(path);
	return status;
}

/* Runs that begin with a checkpoint behind damage, where they go farther. */
static int choose_behind(const repair *r, run *best, bool *found, mmsb_error *err)
{
	int status = MMSB_OK;
	for (size_t k = 0; k < r->files.n_checkpoints && !status; k++) {
		uint64_t c = r->files.checkpoints[k].epoch;
		size_t i = segment_of(r, c + 1);
		if (!r->good[k] || i-- == 0 || !r->parts[i].opens || r->parts[i].last >= c)
			continue;
		run behind = {.a = i + 1, .b = i, .checkpoint = c, .torn = i};
		status = look_behind(r, i, c, &behind.rest, err);
		behind.last = behind.rest.last;
		bool goes_on = behind.rest.whole && i + 1 < r->files.n_segments && r->parts[i + 1].opens && r->parts[i + 1].before == behind.rest.check;
		if (goes_on) {
			follow(r, i + 1, &behind.b);
			behind.last = r->parts[behind.b].last;
		}
		if (!status && (!*found || behind.last > best->last)) {
			*best = behind;
			*found = true;
		}
	}
	return status;
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

static int take_rest(const repair *r, const run *one, manifest *into, mmsb_error *err)
{
	bool closed = one->a <= one->b;
	char *path = segment_path(r, &r->parts[one->torn].s);
	log_reader *reader = NULL;
	log_segment s = {.first = one->checkpoint + 1, .last = closed ? one->rest.last : 0};
	uint64_t last; /* one->last, or that of a segment which goes on */
	int status = path ? log_read_open(&reader, r->fs, path, err) : fail_memory(err, STATE_NAME, "a path");
	if (!status)
		status = fold_rest(r->fs, reader, &s, r->to, &last, err);
	log_read_close(reader);
	free(path);
	s.bytes = closed ? s.bytes : 0;
	return status ? status : manifest_add_segment(into, &s, err);
}

static int take_run(const repair *r, const run *one, uint64_t *first, mmsb_error *err)
{
	uint64_t begins_with = one->checkpoint ? one->checkpoint + 1 : r->parts[one->a].s.first;
	manifest into = {.identity = {r->files.identity[0], r->files.identity[1]}};
	int status = fold_fresh(r->fs, r->to, err);
	*first = begins_with == 1 ? 1 : 0;
	if (!status)
		status = fold_take(r->fs, r->from, r->to, "schedule.mmsbx", err);
	for (size_t i = 0; i < r->files.n_checkpoints && !status; i++) {
		uint64_t c = r->files.checkpoints[i].epoch;
		if (!r->good[i] || c + 1 < begins_with || c > one->last)
			continue;
		*first = *first ? *first : c;
		status = fold_take_checkpoint(r->fs, &r->files.checkpoints[i], r->from, r->to, &into, err);
	}
	if (!status && one->checkpoint)
		status = take_rest(r, one, &into, err);
	for (size_t i = one->a; i <= one->b && !status; i++)
		status = take_segment(r, &r->parts[i], i == one->b, &into, err);
	if (!status)
		status = fold_finish(r->fs, &into, r->to, err);
	manifest_free(&into);
	return status;
}

/* ---- the whole --------------------------------------------------------------------------------- */

/* Where the manifest is missing or damaged, the files speak for themselves. */
static int read_manifest(repair *r, mmsb_error *err)
{
	bool found;
	mmsb_error why;
	int status = manifest_read(&r->files, r->fs, r->from, &found, &why);
	if (status == MMSB_OK && found)
		return MMSB_OK;
	if (status != MMSB_OK && status != MMSB_FORMAT)
		return *err = why, status;
	int guessed = fold_guess(&r->files, r->fs, r->from, r->schedule, err);
	if (!guessed)
		say(r, "%s: the MANIFEST is %s: the files of the log and the checkpoints are taken as they are", r->from, found ? "damaged" : "missing");
	return guessed;
}

static int open_from(repair *r, mmsb_error *err)
{
	int status = history_load_schedule(r->fs, r->from, &r->schedule, err);
	if (!status)
		status = read_manifest(r, err);
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

/* What the new folder has not: behind the last epoch that could be read before it begins, and behind its end. */
static void tell_lost(const repair *r, const run *one, uint64_t first)
{
	const manifest *f = &r->files;
	uint64_t had = f->segments[f->n_segments - 1].first - 1, read = f->segments[0].first - 1;
	for (size_t i = 0; i < f->n_segments; i++)
		had = r->parts[i].seen > had ? r->parts[i].seen : had;
	if (f->n_checkpoints && f->checkpoints[f->n_checkpoints - 1].epoch > had)
		had = f->checkpoints[f->n_checkpoints - 1].epoch;
	size_t begins = one->checkpoint ? one->torn + 1 : one->a;
	for (size_t i = 0; i < begins; i++)
		read = r->parts[i].opens && r->parts[i].last > read && r->parts[i].last < first ? r->parts[i].last : read;
	if (first > 1)
		say(r, "it begins with the checkpoint of epoch %" PRIu64 ": epochs before that are not in the new folder", first);
	if (first > read + 1 && first > 1 && f->segments[0].first < first)
		say(r, "lost: epochs %" PRIu64 " to %" PRIu64 ", but for what that checkpoint holds", read + 1, first - 1);
	if (had > one->last)
		say(r, "lost: epochs %" PRIu64 " to %" PRIu64 ", and those behind them, if there were any", one->last + 1, had);
}

int repair_make(const vfs *fs, const char *from, const char *to, repair_tell *tell, void *user, uint64_t *first, uint64_t *last, mmsb_error *err)
{
	repair r = {.fs = fs, .from = from, .to = to, .tell = tell, .user = user};
	run one = {.a = 0};
	bool found = false;
	int status = open_from(&r, err);
	if (!status)
		status = look(&r, err);
	if (!status) {
		found = choose_whole(&r, &one);
		status = choose_behind(&r, &one, &found, err);
	}
	if (!status && !found)
		status = fail(err, MMSB_FORMAT, "%s: nothing can be had: no part of the log that verifies begins with epoch 1 or a checkpoint", from);
	if (!status)
		status = take_run(&r, &one, first, err);
	if (!status) {
		*last = one.last;
		tell_lost(&r, &one, *first);
	}
	manifest_free(&r.files);
	mmsb_schedule_close(r.schedule);
	free(r.parts);
	free(r.good);
	return status;
}
