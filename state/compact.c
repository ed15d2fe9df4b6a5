/* compact.c - a folder forgets old epochs (branch.h). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fold.h"
#include "state.h"

/* The newest checkpoint at or before an epoch. */
static size_t base_of(const manifest *m, uint64_t before)
{
	size_t n = m->n_checkpoints;
	while (n > 0 && m->checkpoints[n - 1].epoch > before)
		n--;
	return n; /* 1 more than its number; 0: there is none */
}

/* Leaves out what comes before; returns how many segments that are. */
static size_t shorten(manifest *m, size_t base)
{
	uint64_t from = m->checkpoints[base].epoch;
	size_t n = 0;
	while (base-- > 0)
		manifest_drop_checkpoint(m, 0);
	while (n + 1 < m->n_segments && m->segments[n + 1].first <= from + 1)
		n++;
	m->n_segments -= n;
	memmove(m->segments, m->segments + n, m->n_segments * sizeof *m->segments);
	return n;
}

/* The first segment begins behind the checkpoint from now on: what follows it is written to a file of its own. */
static int cut(const history *h, manifest *now, uint64_t *bytes, bool *shortened, mmsb_error *err)
{
	log_segment *first = &now->segments[0], rest = {.first = now->checkpoints[0].epoch + 1, .last = first->last};
	if (first->first >= rest.first || (first->last && first->last < rest.first))
		return MMSB_OK;
	char name[STATE_NAME];
	manifest_segment_name(first, name);
	char *path = vfs_path(h->folder, name);
	log_reader *reader = NULL;
	uint64_t last = 0;
	int status = path ? log_read_open(&reader, h->fs, path, err) : fail_memory(err, STATE_NAME, "a path");
	if (!status)
		status = fold_rest(h->fs, reader, &rest, h->folder, &last, err);
	if (!status && last != (rest.last ? rest.last : h->last)) /* the new file is named by no manifest, and goes with the next writer */
		status = fail(err, MMSB_FORMAT, "%s: the log is damaged behind epoch %" PRIu64 ", so nothing of it is removed: mmsb log repair DIR NEWDIR copies what verifies", path, last);
	if (!status) {
		*bytes += log_size(reader) > rest.bytes ? log_size(reader) - rest.bytes : 0;
		*shortened = true;
		rest.bytes = rest.last ? rest.bytes : 0;
		*first = rest;
	}
	log_read_close(reader);
	free(path);
	return status;
}

/* Files that the old manifest named and the new one does not. What cannot be removed is left over, and the next writer's to remove. */
static void remove_rest(const vfs *fs, const char *folder, const manifest *old, const manifest *now)
{
	char name[STATE_NAME];
	for (size_t i = 0; i < old->n_segments + old->n_checkpoints; i++) {
		if (i < old->n_segments)
			manifest_segment_name(&old->segments[i], name);
		else
			manifest_checkpoint_name(old->checkpoints[i - old->n_segments].epoch, name);
		char *path = manifest_names(now, name) ? NULL : vfs_path(folder, name);
		if (path)
			fs->ops->unlink(fs->at, path);
		free(path);
	}
}

static int forget(const vfs *fs, const char *folder, uint64_t before, compacted *out, mmsb_error *err)
{
	history *h;
	bool found;
	manifest now = {.checkpoints = NULL};
	int status = history_open(&h, fs, folder, err);
	if (!status && h->damage.status)
		status = (*err = h->damage, h->damage.status);
	if (!status)
		status = history_has(h, before, err);
	if (!status)
		status = manifest_read(&now, fs, folder, &found, err);
	size_t base = status ? 0 : base_of(&now, before);
	if (!status && base == 0)
		status = fail(err, MMSB_INPUT, "%s: there is no checkpoint at or before epoch %" PRIu64 " to begin from then, so nothing can go", folder, before);
	if (!status) {
		size_t n = shorten(&now, base - 1);
		for (size_t i = 0; i < n; i++)
			out->bytes += h->files.segments[i].bytes;
		out->segments = (unsigned)n;
		status = cut(h, &now, &out->bytes, &out->shortened, err);
	}
	if (!status) {
		out->earliest = now.segments[0].first == 1 ? 1 : now.checkpoints[0].epoch;
		status = manifest_write(&now, fs, folder, err);
	}
	if (!status)
		remove_rest(fs, folder, &h->files, &now);
	manifest_free(&now);
	history_close(h);
	return status;
}

int compact_log(const vfs *fs, const char *folder, uint64_t before, compacted *out, mmsb_error *err)
{
	int handle = -1;
	history *h;
	int status = history_open(&h, fs, folder, err); /* before a file is made in what is no state */
	history_close(h);
	*out = (compacted){.earliest = 0};
	if (!status)
		status = folder_lock(fs, folder, &handle, err);
	if (!status)
		status = forget(fs, folder, before, out, err);
	if (handle >= 0)
		fs->ops->close(fs->at, handle);
	return status;
}
