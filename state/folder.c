/* folder.c - a state folder: making it, its lock, its manifest, what is left over in it (state.h). */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/container.h"
#include "state.h"

/* A child of a writer that was killed lets go of the lock in a moment. */
enum { LOCK_TRIES = 20, LOCK_NAP = 10000000 };

static int fail_lock(int error, const char *folder, mmsb_error *err)
{
	if (error == -EWOULDBLOCK)
		return fail(err, MMSB_BUSY, "%s: another process has this state open; only one may write to it, any number may read", folder);
	if (error == -EACCES || error == -EPERM || error == -EROFS)
		return fail(err, MMSB_IO, "%s: the folder cannot be written to (LOCK: %s), which is needed to change a state; to look at one (mmsb log, show, "
		                          "replay, diff, why) it need only be readable", folder, strerror(-error));
	return fail(err, error == -ENOMEM ? MMSB_MEMORY : MMSB_IO, "%s/LOCK: cannot be locked: %s", folder, strerror(-error));
}

int folder_lock(const vfs *fs, const char *folder, int *handle, mmsb_error *err)
{
	char *path = vfs_path(folder, "LOCK");
	if (!path)
		return fail_memory(err, strlen(folder), folder);
	*handle = fs->ops->open(fs->at, path, VFS_WRITE | VFS_CREATE);
	free(path);
	int error = *handle < 0 ? *handle : fs->ops->lock(fs->at, *handle);
	for (int i = 0; i < LOCK_TRIES && error == -EWOULDBLOCK; i++) {
		nanosleep(&(struct timespec){.tv_nsec = LOCK_NAP}, NULL);
		error = fs->ops->lock(fs->at, *handle);
	}
	return error ? fail_lock(error, folder, err) : MMSB_OK;
}

/* A folder that holds other things is nobody's state. */
static int check_folder(mmsb_state *s, mmsb_error *err)
{
	char name[256];
	bool other = false, ours = false;
	int found;
	for (size_t i = 0; (found = s->fs.ops->name(s->fs.at, s->folder, i, name, sizeof name)) > 0; i++) {
		ours |= strcmp(name, "LOCK") == 0 || strcmp(name, "MANIFEST") == 0;
		other = true;
	}
	if (found < 0)
		return vfs_fail(err, found, s->folder, "read");
	return other && !ours ? fail(err, MMSB_USAGE, "%s: this folder is not empty and holds no state: give a new or empty one", s->folder) : MMSB_OK;
}

static int make_folder(mmsb_state *s, mmsb_error *err)
{
	int error = s->fs.ops->make_folder(s->fs.at, s->folder);
	if (error == -EEXIST)
		return check_folder(s, err);
	if (error)
		return vfs_fail(err, error, s->folder, "made");
	const char *slash = strrchr(s->folder, '/');
	char *above = slash ? strndup(s->folder, (size_t)(slash - s->folder) + 1) : strdup(".");
	error = above ? s->fs.ops->sync_folder(s->fs.at, above) : -ENOMEM;
	free(above);
	return error ? vfs_fail(err, error, s->folder, "made durable") : MMSB_OK;
}

/* A log without a manifest that names it is a beginning that nobody was told of, if it has no epoch; else the manifest was lost. */
static int check_lost(mmsb_state *s, const char *name, mmsb_error *err)
{
	log_reader *reader;
	log_record record;
	mmsb_error ignored;
	char *path = vfs_path(s->folder, name);
	if (!path)
		return fail_memory(err, strlen(s->folder), s->folder);
	bool epochs = false;
	if (log_read_open(&reader, &s->fs, path, &ignored) == MMSB_OK) {
		while (!epochs && log_next(reader, &record) == LOG_GOES_ON)
			epochs = record.kind == LOG_EPOCH || record.kind == LOG_TICKS;
		log_read_close(reader);
	}
	int status = epochs ? fail(err, MMSB_FORMAT, "%s: there is a log, and the MANIFEST that should name it is missing: "
	                                             "`mmsb log repair` copies what verifies to a new folder", path) : MMSB_OK;
	free(path);
	return status;
}

static int check_new(mmsb_state *s, mmsb_error *err)
{
	char name[256];
	int status = MMSB_OK;
	for (size_t i = 0; !status && s->fs.ops->name(s->fs.at, s->folder, i, name, sizeof name) > 0; i++)
		if (strncmp(name, "log-", 4) == 0)
			status = check_lost(s, name, err);
	return status;
}

int folder_take(mmsb_state *s, mmsb_error *err)
{
	int status = make_folder(s, err);
	if (!status)
		status = folder_lock(&s->fs, s->folder, &s->lock, err);
	if (!status)
		status = manifest_read(&s->names, &s->fs, s->folder, &s->has_manifest, err);
	if (!status && !s->has_manifest)
		status = check_new(s, err);
	if (status)
		return status;
	uint64_t identity[2];
	checkpoint_identity(s->m->sch, identity);
	if (s->has_manifest && memcmp(identity, s->names.identity, sizeof identity) != 0)
		return fail(err, MMSB_FORMAT, "%s: the state is another program's: go on with the one that it was made with (%s/schedule.mmsbx)", s->folder,
		            s->folder);
	memcpy(s->names.identity, identity, sizeof identity);
	return MMSB_OK;
}

void folder_release(mmsb_state *s)
{
	if (s->lock >= 0)
		s->fs.ops->close(s->fs.at, s->lock);
	s->lock = -1;
}

int folder_schedule(mmsb_state *s, mmsb_error *err)
{
	uint8_t *bytes;
	size_t n;
	int status = schedule_write(s->m->sch, &bytes, &n, err);
	if (status)
		return status;
	int error = vfs_replace(&s->fs, s->folder, "schedule.mmsbx", bytes, n);
	free(bytes);
	return error ? vfs_fail(err, error, s->folder, "given its schedule") : MMSB_OK;
}

static bool is_left_over(const mmsb_state *s, const char *name)
{
	bool ours = strncmp(name, "log-", 4) == 0 || strncmp(name, "checkpoint-", 11) == 0 || strcmp(name, "MANIFEST.new") == 0 ||
	            strcmp(name, "schedule.mmsbx.new") == 0;
	return ours && !manifest_names(&s->names, name);
}

void folder_sweep(mmsb_state *s)
{
	char name[256];
	for (size_t i = 0; s->fs.ops->name(s->fs.at, s->folder, i, name, sizeof name) > 0;) {
		char *path = is_left_over(s, name) ? vfs_path(s->folder, name) : NULL;
		if (!path || s->fs.ops->unlink(s->fs.at, path))
			i++;
		free(path);
	}
}
