/* branch.c - a new folder that shares the past of another (branch.h). repair.c and compact.c have the rest. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fold.h"
#include "log_bytes.h"

/* ---- files ------------------------------------------------------------------------------------- */

int fold_fresh(const vfs *fs, const char *to, mmsb_error *err)
{
	char name[STATE_NAME * 4];
	int error = fs->ops->make_folder(fs->at, to);
	if (error == 0)
		return MMSB_OK;
	if (error != -EEXIST)
		return vfs_fail(err, error, to, "made");
	int found = fs->ops->name(fs->at, to, 0, name, sizeof name);
	if (found == 0)
		return MMSB_OK;
	if (found < 0)
		return vfs_fail(err, found, to, "read");
	return fail(err, MMSB_USAGE, "%s: this folder is not empty: name one that is not there yet", to);
}

static int copy_file(const vfs *fs, const char *from, const char *folder, const char *name, mmsb_error *err)
{
	vfs_bytes bytes;
	int error = vfs_view(fs, from, &bytes);
	if (error)
		return vfs_fail(err, error, from, "read");
	error = vfs_replace(fs, folder, name, bytes.data, bytes.size);
	vfs_release(fs, &bytes);
	return error ? vfs_fail(err, error, folder, "written to") : MMSB_OK;
}

int fold_take(const vfs *fs, const char *from, const char *to, const char *name, mmsb_error *err)
{
	char *a = vfs_path(from, name), *b = vfs_path(to, name);
	int status = a && b ? MMSB_OK : fail_memory(err, strlen(name), "a path");
	int error = status ? 0 : fs->ops->link(fs->at, a, b);
	if (error == -ENOENT)
		status = vfs_fail(err, error, a, "read");
	else if (error != -EEXIST && error != 0)
		status = copy_file(fs, a, to, name, err);
	free(a);
	free(b);
	return status;
}

int fold_take_checkpoint(const vfs *fs, const manifest_checkpoint *c, const char *from, const char *to, manifest *into, mmsb_error *err)
{
	char name[STATE_NAME];
	manifest_checkpoint_name(c->epoch, name);
	int status = fold_take(fs, from, to, name, err);
	for (size_t k = 0; k < c->n_bases && !status; k++) {
		manifest_checkpoint_name(c->bases[k], name);
		status = fold_take(fs, from, to, name, err);
	}
	return status ? status : manifest_add_checkpoint(into, c->epoch, c->bases, c->n_bases, err);
}

int fold_finish(const vfs *fs, const manifest *m, const char *to, mmsb_error *err)
{
	int error = fs->ops->sync_folder(fs->at, to);
	return error ? vfs_fail(err, error, to, "synced") : manifest_write(m, fs, to, err);
}

/* ---- the segment that is cut ------------------------------------------------------------------- */

/* Ticks up to `epoch` instead of those of a record. Returns its length. */
static size_t fewer_ticks(const log_reader *r, const log_record *record, uint64_t epoch, uint8_t *to)
{
	uint8_t number[16];
	log_record fewer = *record;
	fewer.epoch = epoch;
	fewer.payload = number;
	fewer.n = (size_t)(put_varint(number, epoch - log_record_first(record) + 1) - number);
	return log_put(to, log_seed(r), &fewer);
}

int fold_cut(const vfs *fs, log_reader *r, const log_segment *s, uint64_t epoch, const char *to, mmsb_error *err)
{
	log_record record;
	const uint8_t *bytes = NULL;
	uint64_t end = 0;
	uint8_t ticks[128];
	size_t n_ticks = 0;
	char name[STATE_NAME];
	log_rewind(r);
	while (log_next(r, &record) == LOG_GOES_ON) {
		bytes = record.payload - LOG_HEAD - record.at;
		bool counts = record.kind == LOG_EPOCH || record.kind == LOG_TICKS;
		if (counts && record.epoch > epoch) {
			if (record.kind == LOG_TICKS && log_record_first(&record) <= epoch)
				n_ticks = fewer_ticks(r, &record, epoch, ticks);
			break;
		}
		end = (uint64_t)(record.payload + record.n - bytes);
	}
	if (!bytes)
		return fail(err, MMSB_FORMAT, "%s: there is no record in this segment", log_path(r));
	uint8_t *whole = malloc(end + n_ticks);
	if (!whole)
		return fail_memory(err, end + n_ticks, "the segment of the log that is cut");
	memcpy(whole, bytes, end);
	memcpy(whole + end, ticks, n_ticks);
	manifest_segment_name(&(log_segment){.first = s->first}, name);
	int error = vfs_replace(fs, to, name, whole, end + n_ticks);
	free(whole);
	return error ? vfs_fail(err, error, to, "written to") : MMSB_OK;
}

/* ---- the folder -------------------------------------------------------------------------------- */

static int take_segments(history *h, uint64_t epoch, const char *to, manifest *into, mmsb_error *err)
{
	int status = MMSB_OK;
	for (size_t i = 0; i < h->files.n_segments && !status; i++) {
		log_segment s = h->files.segments[i];
		char name[STATE_NAME];
		if (s.first > epoch && i > 0)
			break;
		bool next_too = i + 1 < h->files.n_segments && h->files.segments[i + 1].first <= epoch;
		if (next_too) {
			manifest_segment_name(&s, name);
			status = fold_take(h->fs, h->folder, to, name, err);
		} else {
			log_reader *r = NULL;
			status = history_open_segment(h, &s, &r, err);
			if (!status)
				status = fold_cut(h->fs, r, &s, epoch, to, err);
			log_read_close(r);
			s = (log_segment){.first = s.first};
		}
		if (!status)
			status = manifest_add_segment(into, &s, err);
	}
	return status;
}

int branch_make(history *h, uint64_t epoch, const char *to, mmsb_error *err)
{
	manifest into = {.identity = {h->files.identity[0], h->files.identity[1]}};
	int status = fold_fresh(h->fs, to, err);
	if (!status)
		status = fold_take(h->fs, h->folder, to, "schedule.mmsbx", err);
	for (size_t i = 0; i < h->files.n_checkpoints && !status; i++)
		if (h->files.checkpoints[i].epoch <= epoch)
			status = fold_take_checkpoint(h->fs, &h->files.checkpoints[i], h->folder, to, &into, err);
	if (!status)
		status = take_segments(h, epoch, to, &into, err);
	if (!status)
		status = fold_finish(h->fs, &into, to, err);
	manifest_free(&into);
	return status;
}
