/* history.c - a state folder, looked at (history.h): files, times, records in order. player.c: instances. */
#include "history.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "checkpoint.h"

/* ---- times ------------------------------------------------------------------------------------- */

enum { SECOND = 1000000000 };

void history_print_time(uint64_t ns, char to[TIME_ROOM])
{
	struct tm t;
	time_t seconds = (time_t)(ns / SECOND);
	char day[24] = "?";
	if (gmtime_r(&seconds, &t))
		strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &t);
	snprintf(to, TIME_ROOM, "%s.%09" PRIu64 "Z", day, ns % SECOND);
}

/* Exactly n digits. */
static bool take_digits(const char **p, int n, int *out)
{
	*out = 0;
	for (int i = 0; i < n; i++, ++*p) {
		if (**p < '0' || **p > '9')
			return false;
		*out = *out * 10 + (**p - '0');
	}
	return true;
}

static bool take(const char **p, char c)
{
	bool there = **p == c;
	*p += there;
	return there;
}

static bool take_fraction(const char **p, uint64_t *ns)
{
	uint64_t digit = SECOND / 10;
	if (!take(p, '.'))
		return true;
	const char *from = *p;
	for (; **p >= '0' && **p <= '9'; ++*p, digit /= 10)
		*ns += (uint64_t)(**p - '0') * digit;
	return *p > from;
}

bool history_parse_time(const char *text, uint64_t *ns)
{
	struct tm t = {.tm_mday = 1};
	int year, month;
	const char *p = text;
	uint64_t fraction = 0;
	if (!take_digits(&p, 4, &year) || !take(&p, '-') || !take_digits(&p, 2, &month) || !take(&p, '-') || !take_digits(&p, 2, &t.tm_mday))
		return false;
	if (year < 1970 || month < 1 || month > 12 || t.tm_mday < 1 || t.tm_mday > 31)
		return false;
	if (take(&p, 'T') || take(&p, ' ')) {
		if (!take_digits(&p, 2, &t.tm_hour) || !take(&p, ':') || !take_digits(&p, 2, &t.tm_min))
			return false;
		if (take(&p, ':') && (!take_digits(&p, 2, &t.tm_sec) || !take_fraction(&p, &fraction)))
			return false;
	}
	take(&p, 'Z');
	if (*p != '\0' || t.tm_hour > 23 || t.tm_min > 59 || t.tm_sec > 59)
		return false;
	t.tm_year = year - 1900;
	t.tm_mon = month - 1;
	int day = t.tm_mday;
	uint64_t seconds = (uint64_t)timegm(&t);
	if (t.tm_mday != day) /* its month has not got it */
		return false;
	*ns = seconds < UINT64_MAX / SECOND ? seconds * SECOND + fraction : UINT64_MAX; /* after 2554 there is nothing to tell apart */
	return true;
}

/* ---- opening ----------------------------------------------------------------------------------- */

static int read_files(history *h, mmsb_error *err)
{
	bool found;
	int status = manifest_read(&h->files, h->fs, h->folder, &found, err);
	if (status || found)
		return status;
	char *path = vfs_path(h->folder, ".");
	int handle = path ? h->fs->ops->open(h->fs->at, path, 0) : -ENOMEM;
	if (handle >= 0)
		h->fs->ops->close(h->fs->at, handle);
	free(path);
	if (handle == -ENOENT || handle == -ENOTDIR)
		return fail(err, MMSB_IO, "%s: there is no such folder", h->folder);
	return fail(err, MMSB_INPUT, "%s: there is no state in this folder: it has no MANIFEST (mmsb run ... --state DIR makes one)", h->folder);
}

int history_load_schedule(const vfs *fs, const char *folder, mmsb_schedule **out, mmsb_error *err)
{
	char *path = vfs_path(folder, "schedule.mmsbx");
	vfs_bytes bytes;
	mmsb_error why;
	if (!path)
		return fail_memory(err, 64, folder);
	int error = vfs_view(fs, path, &bytes), status;
	if (error) {
		status = vfs_fail(err, error, path, "read");
	} else {
		status = mmsb_schedule_load(out, bytes.data, bytes.size, &why);
		vfs_release(fs, &bytes);
		if (status)
			fail(err, status, "%s: %.900s", path, why.message);
	}
	free(path);
	return status;
}

static int read_schedule(history *h, mmsb_error *err)
{
	int status = history_load_schedule(h->fs, h->folder, &h->schedule, err);
	if (status)
		return status;
	uint64_t identity[2];
	checkpoint_identity(&h->schedule->tables, identity);
	if (memcmp(identity, h->files.identity, sizeof identity) != 0)
		return fail(err, MMSB_FORMAT, "%s/schedule.mmsbx: this is the schedule of another program than the state's", h->folder);
	return MMSB_OK;
}

/* A segment that is compressed now may have gone from where the manifest named it: it is looked for under both names. */
int history_open_segment(const history *h, const log_segment *s, log_reader **out, mmsb_error *err)
{
	int status = MMSB_OK;
	for (int i = 0; i < 2; i++) {
		log_segment as = *s;
		char name[STATE_NAME];
		as.compressed = s->compressed != (i == 1);
		manifest_segment_name(&as, name);
		char *path = vfs_path(h->folder, name);
		if (!path)
			return fail_memory(err, sizeof name, h->folder);
		mmsb_error other;
		int tried = log_read_open(out, h->fs, path, i == 0 ? err : &other);
		free(path);
		status = i == 0 ? tried : status;
		if (!tried || (i == 0 && tried != MMSB_IO))
			return tried;
	}
	return status;
}

static int damaged(const log_reader *r, const log_record *where, mmsb_error *err)
{
	return fail(err, MMSB_FORMAT,
	            "%s: the log is damaged at byte %" PRIu64 ", behind epoch %" PRIu64 ": mmsb log repair DIR NEWDIR copies what verifies",
	            log_path(r), where->at, where->epoch);
}

/* The open segment says where the log ends. */
static int find_end(history *h, mmsb_error *err)
{
	const log_segment *open = &h->files.segments[h->files.n_segments - 1];
	log_reader *r = NULL;
	log_record record;
	log_tail tail;
	int status = history_open_segment(h, open, &r, err);
	if (status)
		return status;
	while ((tail = log_next(r, &record)) == LOG_GOES_ON)
		;
	h->last = record.epoch;
	if (tail == LOG_TORN)
		h->torn = record.n;
	if (tail == LOG_CORRUPT)
		damaged(r, &record, &h->damage);
	const manifest_checkpoint *newest = h->files.n_checkpoints ? &h->files.checkpoints[h->files.n_checkpoints - 1] : NULL;
	if (tail != LOG_CORRUPT && newest && newest->epoch > h->last) /* which was durable before the checkpoint was made */
		fail(&h->damage, MMSB_FORMAT,
		     "%s: the log is damaged at byte %" PRIu64 ", behind epoch %" PRIu64 ": there is a checkpoint of epoch %" PRIu64
		     ": mmsb log repair DIR NEWDIR copies what verifies",
		     log_path(r), record.at, record.epoch, newest->epoch);
	log_read_close(r);
	return MMSB_OK;
}

static int find_epochs(history *h, mmsb_error *err)
{
	int status = find_end(h, err);
	if (status)
		return status;
	h->earliest = h->files.segments[0].first;
	if (h->earliest > 1) /* older epochs went: the first checkpoint is where it begins */
		h->earliest = h->files.n_checkpoints ? h->files.checkpoints[0].epoch : UINT64_MAX;
	if (h->last == 0)
		return h->damage.status ? (*err = h->damage, h->damage.status) : fail(err, MMSB_INPUT, "%s: the state has no epoch yet", h->folder);
	if (h->earliest > h->last)
		return fail(err, MMSB_FORMAT, "%s: the log begins with epoch %" PRIu64 ", and there is no checkpoint to begin from", h->folder,
		            h->files.segments[0].first);
	return MMSB_OK;
}

int history_open(history **out, const vfs *fs, const char *folder, mmsb_error *err)
{
	history *h = calloc(1, sizeof *h);
	*out = NULL;
	if (!h)
		return fail_memory(err, sizeof *h, folder);
	h->fs = fs;
	h->folder = strdup(folder);
	int status = h->folder ? read_files(h, err) : fail_memory(err, strlen(folder), folder);
	if (!status)
		status = read_schedule(h, err);
	if (!status)
		status = find_epochs(h, err);
	if (status)
		history_close(h);
	else
		*out = h;
	return status;
}

void history_close(history *h)
{
	if (!h)
		return;
	manifest_free(&h->files);
	mmsb_schedule_close(h->schedule);
	free(h->folder);
	free(h);
}

/* ---- epochs ------------------------------------------------------------------------------------ */

int history_has(const history *h, uint64_t epoch, mmsb_error *err)
{
	if (epoch > h->last && h->damage.status)
		return *err = h->damage, h->damage.status;
	if (epoch > h->last)
		return fail(err, MMSB_RANGE, "%s: there is no epoch %" PRIu64 ": the last is %" PRIu64, h->folder, epoch, h->last);
	if (epoch == 0)
		return fail(err, MMSB_RANGE, "%s: there is no epoch 0: the inputs are epoch 1", h->folder);
	if (epoch < h->earliest)
		return fail(err, MMSB_RANGE, "%s: epoch %" PRIu64 " is not kept: the first that can be had is %" PRIu64, h->folder, epoch, h->earliest);
	return MMSB_OK;
}

static int find_time(history *h, uint64_t ns, const char *text, uint64_t *epoch, mmsb_error *err)
{
	history_walk w;
	log_record record;
	bool more = true;
	uint64_t found = 0;
	history_walk_begin(&w, h, 0);
	int status = MMSB_OK;
	while (!status && more) {
		status = history_walk_next(&w, &record, &more, err);
		if (!status && more && (record.kind == LOG_EPOCH || record.kind == LOG_TICKS) && record.time <= ns)
			found = record.epoch;
	}
	history_walk_end(&w);
	if (!status && found == 0)
		return fail(err, MMSB_RANGE, "%s: no epoch was committed by %s", h->folder, text);
	*epoch = found;
	return status ? status : history_has(h, found, err);
}

int history_find(history *h, const char *text, uint64_t *epoch, mmsb_error *err)
{
	uint64_t ns;
	char *end = NULL;
	errno = 0;
	if (*text >= '0' && *text <= '9')
		*epoch = strtoull(text, &end, 10);
	if (end && *end == '\0' && errno == 0)
		return history_has(h, *epoch, err);
	if (history_parse_time(text, &ns))
		return find_time(h, ns, text, epoch, err);
	return fail(err, MMSB_USAGE, "'%s' is neither an epoch nor a time: write 17, or 2026-11-27T10:00:00 (UTC)", text);
}

/* ---- records in order -------------------------------------------------------------------------- */

void history_walk_begin(history_walk *w, history *h, uint64_t epoch)
{
	*w = (history_walk){.h = h};
	while (w->segment + 1 < h->files.n_segments && h->files.segments[w->segment + 1].first <= epoch)
		w->segment++;
}

void history_walk_end(history_walk *w)
{
	log_read_close(w->reader);
	w->reader = NULL;
}

/* The segment at hand is the one that goes on where the one before ended. */
static int enter(history_walk *w, mmsb_error *err)
{
	const log_segment *s = &w->h->files.segments[w->segment];
	uint64_t identity[2];
	int status = history_open_segment(w->h, s, &w->reader, err);
	if (status)
		return status;
	log_identity(w->reader, identity);
	if (memcmp(identity, w->h->files.identity, sizeof identity) != 0 || log_first_epoch(w->reader) != s->first)
		return fail(err, MMSB_FORMAT, "%s: this is another segment than the manifest says", log_path(w->reader));
	if (w->check != 0 && log_before(w->reader) != w->check)
		return fail(err, MMSB_FORMAT, "%s: this segment does not follow the one before it", log_path(w->reader));
	return MMSB_OK;
}

int history_walk_next(history_walk *w, log_record *record, bool *more, mmsb_error *err)
{
	history *h = w->h;
	*more = false;
	for (;;) {
		int status = w->reader ? MMSB_OK : enter(w, err);
		if (status)
			return status;
		log_tail tail = log_next(w->reader, record);
		bool last = w->segment + 1 == h->files.n_segments;
		if (tail == LOG_GOES_ON) {
			*more = record->epoch <= h->last; /* somebody may have added to it since */
			w->check = record->check;
			return MMSB_OK;
		}
		if (last && record->epoch < h->last) /* what was there has gone */
			return damaged(w->reader, record, err);
		if (last)
			return MMSB_OK;
		if (tail != LOG_CLOSED || record->epoch != h->files.segments[w->segment].last)
			return damaged(w->reader, record, err);
		history_walk_end(w); /* check is that of its end */
		w->segment++;
	}
}
