/* snapshot.c - checkpoints while commits go on: a thread writes the pages as they are now, of which commits keep what they change (saving.h), to a
 * file that is open already, gives it its name, and puts it into the manifest. Where large sparse pages are to be written a child process does
 * that, which has all pages as they are now, and the thread waits for it; where there can be no child either, it is written at once. */
#define _GNU_SOURCE /* pipe2 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state.h"

/* ---- the manifest ------------------------------------------------------------------------------ */

/* Checkpoints beyond those that are kept, and files that nothing refers to any more. Files go when no manifest on disk names them. A log that does not begin
 * with epoch 1 needs its first checkpoint for the epochs from there on. */
static void drop_old(mmsb_state *s)
{
	size_t begins = s->names.segments[0].first > 1;
	while (s->names.n_checkpoints > s->options.keep + begins)
		manifest_drop_checkpoint(&s->names, begins);
}

static void remove_unnamed(mmsb_state *s)
{
	char name[STATE_NAME];
	for (size_t i = 0; s->fs.ops->name(s->fs.at, s->folder, i, name, sizeof name) > 0;) {
		bool old = strncmp(name, "checkpoint-", 11) == 0 && !strstr(name, ".new") && !manifest_names(&s->names, name);
		char *path = old ? vfs_path(s->folder, name) : NULL;
		if (!path || s->fs.ops->unlink(s->fs.at, path))
			i++;
		free(path);
	}
}

static int name_it(mmsb_state *s, const checkpoint_table *table, mmsb_error *err)
{
	uint64_t bases[MOST_BASES];
	unsigned n = checkpoint_bases(table, bases);
	pthread_mutex_lock(&s->guard);
	int status = manifest_add_checkpoint(&s->names, table->epoch, bases, n, err);
	if (!status) {
		drop_old(s);
		status = manifest_write(&s->names, &s->fs, s->folder, err);
	}
	if (!status)
		remove_unnamed(s);
	pthread_mutex_unlock(&s->guard);
	return status;
}

/* ---- the end of one ---------------------------------------------------------------------------- */

/* Paths of the file: as it is written, and its own. */
static int paths_of(const mmsb_state *s, uint64_t epoch, char **beside, char **path, mmsb_error *err)
{
	char name[STATE_NAME];
	manifest_checkpoint_name(epoch, name);
	*path = vfs_path(s->folder, name);
	strcat(name, ".new");
	*beside = vfs_path(s->folder, name);
	if (*path && *beside)
		return MMSB_OK;
	free(*path);
	free(*beside);
	return fail_memory(err, strlen(s->folder), "the name of a checkpoint");
}

static void reap(snapshot *c)
{
	char byte;
	while (read(c->done, &byte, 1) < 0 && errno == EINTR)
		;
	close(c->done);
	while (waitpid(c->child, NULL, 0) < 0 && errno == EINTR)
		; /* whoever waits for any child may have had it */
}

/* The file is complete: what its epochs rest on must be durable before it counts. */
static int finish(mmsb_state *s, const char *beside, const char *path, mmsb_error *err)
{
	snapshot *c = &s->shot;
	checkpoint_table table;
	int status = log_sync(s->log, c->epoch, err);
	if (!status && atomic_load(&s->failed))
		status = fail(err, MMSB_READONLY, "%s: the instance is read-only: its checkpoint does not count", s->folder);
	if (status)
		return status;
	int error = s->fs.ops->rename(s->fs.at, beside, path);
	if (!error)
		error = s->fs.ops->sync_folder(s->fs.at, s->folder);
	if (error)
		return vfs_fail(err, error, path, "given its name");
	checkpoint_written(c->writer, &table);
	if (!table.parts)
		return fail_memory(err, sizeof table, "the table of a checkpoint");
	status = name_it(s, &table, err);
	if (status) {
		checkpoint_table_free(&table);
		return status;
	}
	checkpoint_table_free(&s->table);
	s->table = table;
	return MMSB_OK;
}

static void write_here(mmsb_state *s)
{
	snapshot *c = &s->shot;
	int error = checkpoint_put(c->writer, &s->fs, c->handle, 0);
	*c->outcome = error ? error : 1;
}

static void *conclude(void *state)
{
	mmsb_state *s = state;
	snapshot *c = &s->shot;
	char *beside, *path;
	if (c->child)
		reap(c);
	else if (!*c->outcome)
		write_here(s);
	int error = *c->outcome == 1 ? 0 : *c->outcome ? *c->outcome : -EINTR;
	int closed = s->fs.ops->close(s->fs.at, c->handle);
	error = error ? error : closed;
	c->status = paths_of(s, c->epoch, &beside, &path, &c->err);
	if (!c->status) {
		if (error)
			c->status = vfs_fail(&c->err, error, path, "written as a checkpoint");
		else
			c->status = finish(s, beside, path, &c->err);
		if (c->status)
			s->fs.ops->unlink(s->fs.at, beside);
		free(beside);
		free(path);
	}
	munmap(c->outcome, sizeof *c->outcome);
	atomic_store(&c->at_work, false);
	return NULL;
}

/* Once it is no longer at work, by the committing thread. */
void snapshot_settle(mmsb_state *s)
{
	snapshot *c = &s->shot;
	if (c->begun)
		pthread_join(c->thread, NULL);
	c->begun = false;
	checkpoint_writer_free(c->writer);
	c->writer = NULL;
}

/* ---- the beginning ----------------------------------------------------------------------------- */

/* In the child: nothing but operations on files. What it has inherited is the parent's: its lock, and what somebody reads until it ends. */
static void write_in_child(const mmsb_state *s, int end, int parent)
{
	const snapshot *c = &s->shot;
	close(s->lock);
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fd != c->handle && fd != end)
			close(fd);
	int error = checkpoint_put(c->writer, &s->fs, c->handle, parent);
	*c->outcome = error ? error : 1;
	_exit(0);
}

/* False: there is no child. */
static bool begin_child(mmsb_state *s)
{
	snapshot *c = &s->shot;
	int ends[2], parent = getpid();
	if (s->fs.ops != vfs_machine.ops || pipe2(ends, O_CLOEXEC))
		return false;
	int child = fork();
	if (child == 0)
		write_in_child(s, ends[1], parent);
	close(ends[1]);
	if (child < 0) {
		close(ends[0]);
		return false;
	}
	c->child = child;
	c->done = ends[0];
	return true;
}

static int open_file(mmsb_state *s, mmsb_error *err)
{
	char *beside, *path;
	int status = paths_of(s, s->m->epoch, &beside, &path, err);
	if (status)
		return status;
	s->shot.handle = s->fs.ops->open(s->fs.at, beside, checkpoint_flags(s->shot.writer));
	if (s->shot.handle < 0)
		status = vfs_fail(err, s->shot.handle, beside, "made");
	free(beside);
	free(path);
	return status;
}

static int prepare(mmsb_state *s, mmsb_error *err)
{
	snapshot *c = &s->shot;
	int status = checkpoint_plan(&c->writer, s->m, s->table.parts ? &s->table : NULL, err);
	if (status)
		return status;
	void *shared = mmap(NULL, sizeof *c->outcome, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	status = shared == MAP_FAILED ? fail_memory(err, sizeof *c->outcome, "a checkpoint") : open_file(s, err);
	if (status) {
		if (shared != MAP_FAILED)
			munmap(shared, sizeof *c->outcome);
		checkpoint_writer_free(c->writer);
		c->writer = NULL;
		return status;
	}
	c->outcome = shared;
	return MMSB_OK;
}

/* Commits may go on: they keep what they change, or a child has it. (A disk of the tests sees its operations in one order.) */
static bool begin_aside(mmsb_state *s)
{
	return s->fs.ops == vfs_machine.ops && (checkpoint_hold(s->shot.writer, NULL) == MMSB_OK || begin_child(s));
}

int snapshot_begin(mmsb_state *s, bool aside, mmsb_error *err)
{
	snapshot *c = &s->shot;
	if (atomic_load(&c->at_work))
		return fail(err, MMSB_BUSY, "%s: a checkpoint is at work; the next can be begun when it is done", s->folder);
	snapshot_settle(s);
	c->epoch = s->m->epoch;
	c->child = 0;
	s->checkpoint_epoch = s->m->epoch; /* also where it fails: the next is tried when it is due */
	s->checkpoint_bytes = s->bytes;
	s->checkpoint_ns = now_ns();
	c->status = log_hand_over(s->log, &c->err); /* conclude makes it durable, perhaps in another thread */
	if (!c->status)
		c->status = prepare(s, &c->err);
	if (c->status) {
		if (err)
			*err = c->err;
		return c->status;
	}
	atomic_store(&c->at_work, true);
	if (aside && begin_aside(s) && pthread_create(&c->thread, NULL, conclude, s) == 0) {
		c->begun = true;
		return MMSB_OK;
	}
	conclude(s);
	snapshot_settle(s);
	if (c->status && err)
		*err = c->err;
	return c->status;
}

int snapshot_end(mmsb_state *s, mmsb_error *err)
{
	snapshot *c = &s->shot;
	snapshot_settle(s);
	if (c->status && err)
		*err = c->err;
	return c->status;
}

/* ---- checksums in the background --------------------------------------------------------------- */

/* The next opening takes an older checkpoint. */
static void disown(mmsb_state *s, uint64_t epoch)
{
	mmsb_error ignored;
	pthread_mutex_lock(&s->guard);
	for (size_t i = s->names.n_checkpoints; i-- > 0;)
		if (s->names.checkpoints[i].epoch >= epoch)
			manifest_drop_checkpoint(&s->names, i);
	manifest_write(&s->names, &s->fs, s->folder, &ignored);
	pthread_mutex_unlock(&s->guard);
}

static void *verify(void *state)
{
	mmsb_state *s = state;
	mmsb_error err;
	if (checkpoint_verify(s->check.rest, &s->check.stop, &err) == MMSB_FORMAT) {
		disown(s, s->check.epoch);
		size_t n = strlen(err.message);
		if (n + 120 < sizeof err.message)
			strcpy(err.message + n, "; open the state again: it goes on from an older checkpoint or from the log");
		state_fail(s, &err);
	}
	return NULL;
}

void background_begin(mmsb_state *s, checkpoint_rest *rest, uint64_t epoch)
{
	s->check.rest = rest;
	s->check.epoch = epoch;
	if (rest && pthread_create(&s->check.thread, NULL, verify, s) == 0)
		s->check.begun = true;
	else if (rest)
		verify(s);
}

void background_end(mmsb_state *s)
{
	atomic_store(&s->check.stop, true);
	if (s->check.begun)
		pthread_join(s->check.thread, NULL);
	s->check.begun = false;
	checkpoint_rest_free(s->check.rest);
	s->check.rest = NULL;
}
