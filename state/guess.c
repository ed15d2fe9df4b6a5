/* guess.c - a manifest out of the files of a folder that has lost its own (fold.h): their names say what they are, and how they go on from one another
 * stands in them. What does not fit is found by the repair that takes this for the folder's manifest. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "fold.h"

enum { DIGITS = 20 };

/* PREFIX, DIGITS digits, and then `rest`. */
static bool take_name(const char *name, const char *prefix, const char **rest, uint64_t *number)
{
	size_t n = strlen(prefix);
	if (strncmp(name, prefix, n) != 0 || strspn(name + n, "0123456789") != DIGITS)
		return false;
	char *end;
	*number = strtoull(name + n, &end, 10);
	*rest = end;
	return *number > 0;
}

/* The name is followed by nothing, or by .zst: else the file is one that was being made. */
static bool is_segment(const char *name, log_segment *out)
{
	const char *rest;
	*out = (log_segment){.first = 0};
	if (!take_name(name, "log-", &rest, &out->first))
		return false;
	out->compressed = strcmp(rest, ".zst") == 0;
	return *rest == '\0' || out->compressed;
}

/* One that another follows ends where that begins. How many bytes its records have only matters where they verify. */
static int close_segment(const vfs *fs, const char *folder, log_segment *s, uint64_t next, mmsb_error *err)
{
	char name[STATE_NAME];
	log_reader *reader;
	log_record record;
	mmsb_error why;
	manifest_segment_name(s, name);
	char *path = vfs_path(folder, name);
	if (!path)
		return fail_memory(err, STATE_NAME, folder);
	s->last = next - 1;
	s->bytes = 1;
	int status = log_read_open(&reader, fs, path, &why);
	if (!status) {
		while (log_next(reader, &record) == LOG_GOES_ON)
			;
		s->bytes = record.at;
	}
	log_read_close(reader);
	free(path);
	if (status == MMSB_MEMORY)
		*err = why;
	return status == MMSB_MEMORY ? status : MMSB_OK;
}

static int find_segments(manifest *out, const vfs *fs, const char *folder, mmsb_error *err)
{
	char name[STATE_NAME * 4];
	int status = MMSB_OK;
	log_segment s;
	for (size_t i = 0; !status && fs->ops->name(fs->at, folder, i, name, sizeof name) > 0; i++) {
		bool another = is_segment(name, &s) && (out->n_segments == 0 || s.first > out->segments[out->n_segments - 1].first);
		if (another)
			status = manifest_add_segment(out, &s, err);
	}
	for (size_t i = 0; i + 1 < out->n_segments && !status; i++)
		status = close_segment(fs, folder, &out->segments[i], out->segments[i + 1].first, err);
	return status;
}

/* One that does not verify counts as one without bases; whoever reads it says why. */
static int add_checkpoint(manifest *out, const vfs *fs, const char *folder, const char *name, uint64_t epoch, mmsb_schedule *of, mmsb_error *err)
{
	mmsb_instance *m = NULL;
	mmsb_error why;
	checkpoint_table table = {.parts = NULL};
	uint64_t bases[MOST_BASES];
	char *path = vfs_path(folder, name);
	int status = path ? mmsb_instance_new(&m, of, NULL, err) : fail_memory(err, STATE_NAME, folder);
	if (!status && checkpoint_read(m, fs, path, NULL, &table, &why) == MMSB_MEMORY) {
		*err = why;
		status = MMSB_MEMORY;
	}
	unsigned n = table.parts ? checkpoint_bases(&table, bases) : 0;
	if (!status)
		status = manifest_add_checkpoint(out, epoch, bases, n, err);
	checkpoint_table_free(&table);
	mmsb_instance_free(m);
	free(path);
	return status;
}

static int find_checkpoints(manifest *out, const vfs *fs, const char *folder, mmsb_schedule *of, mmsb_error *err)
{
	char name[STATE_NAME * 4];
	int status = MMSB_OK;
	for (size_t i = 0; !status && fs->ops->name(fs->at, folder, i, name, sizeof name) > 0; i++) {
		const char *rest;
		uint64_t epoch;
		if (take_name(name, "checkpoint-", &rest, &epoch) && *rest == '\0')
			status = add_checkpoint(out, fs, folder, name, epoch, of, err);
	}
	return status;
}

int fold_guess(manifest *out, const vfs *fs, const char *folder, mmsb_schedule *of, mmsb_error *err)
{
	*out = (manifest){.checkpoints = NULL};
	checkpoint_identity(&of->tables, out->identity);
	int status = find_segments(out, fs, folder, err);
	if (!status && out->n_segments == 0)
		status = fail(err, MMSB_FORMAT, "%s: nothing can be had: there is no MANIFEST, and no file of a log", folder);
	if (!status)
		status = find_checkpoints(out, fs, folder, of, err);
	if (status)
		manifest_free(out);
	return status;
}
