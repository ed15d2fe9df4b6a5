/* state_folder.h - a state folder made by hand of its parts: for tests of what looks at folders. */
#ifndef MMSB_TESTS_STATE_FOLDER_H
#define MMSB_TESTS_STATE_FOLDER_H

#include "runtime/container.h"
#include "state/checkpoint.h"
#include "state/manifest.h"
#include "unit.h"

typedef struct state_folder {
	const char *path;
	manifest files;
	log_writer *log;
} state_folder;

static mmsb_error folder_err;
static void folder_ok(int status) { ck_assert_msg(status == MMSB_OK, "%s", folder_err.message); }

static int folder_turn(void *user, const log_segment *closed, const log_segment *opened, mmsb_error *err)
{
	state_folder *f = user;
	if (closed) {
		log_segment *last = &f->files.segments[f->files.n_segments - 1];
		if (opened)
			*last = *closed;
		for (size_t i = 0; i < f->files.n_segments && !opened; i++)
			if (f->files.segments[i].first == closed->first)
				f->files.segments[i] = *closed;
	}
	int status = opened ? manifest_add_segment(&f->files, opened, err) : MMSB_OK;
	return status ? status : manifest_write(&f->files, &vfs_machine, f->path, err);
}

static int folder_append(void *at, mmsb_instance *m, uint64_t epoch, const char *source, mmsb_error *err)
{
	return log_append_epoch(((state_folder *)at)->log, m, epoch, source, err);
}

static int folder_ticks(void *at, mmsb_instance *m, uint64_t last, uint64_t n, const char *source, mmsb_error *err)
{
	(void)m;
	return log_append_ticks(((state_folder *)at)->log, last, n, source, err);
}

static int folder_wait(void *at, mmsb_instance *m, uint64_t epoch, mmsb_error *err)
{
	(void)m;
	return log_wait(((state_folder *)at)->log, epoch, err);
}

static int folder_after(void *at, mmsb_instance *m, uint64_t epoch, mmsb_error *err)
{
	char hex[33];
	uint8_t digest[16];
	int status = mmsb_digest(m, hex, err);
	for (unsigned i = 0; i < 16; i++) {
		unsigned byte;
		sscanf(hex + 2 * i, "%2x", &byte);
		digest[i] = (uint8_t)byte;
	}
	return status || epoch % 5 ? status : log_append_digest(((state_folder *)at)->log, epoch, digest, err);
}

static void folder_gone(void *at) { (void)at; }

static const journal_ops folder_journal = {folder_append, folder_ticks, folder_wait, folder_after, folder_gone};

/* The instance is bound and has had no epoch. segment: bytes after which the log takes another file. */
static void folder_begin(state_folder *f, const char *path, mmsb_instance *m, uint64_t segment)
{
	uint8_t *bytes;
	size_t n;
	*f = (state_folder){.path = path};
	checkpoint_identity(m->sch, f->files.identity);
	folder_ok(schedule_write(m->sch, &bytes, &n, &folder_err));
	ck_assert_int_eq(vfs_replace(&vfs_machine, path, "schedule.mmsbx", bytes, n), 0);
	free(bytes);
	log_options options = {.durability = LOG_NONE, .segment_bytes = segment};
	folder_ok(log_open(&f->log, &vfs_machine, path, m, &options, 1, NULL, 0, folder_turn, f, &folder_err));
	m->journal = (journal){&folder_journal, f};
}

static void folder_checkpoint(state_folder *f, mmsb_instance *m)
{
	char name[STATE_NAME];
	manifest_checkpoint_name(m->epoch, name);
	char *path = vfs_path(f->path, name);
	folder_ok(checkpoint_write(m, &vfs_machine, path, &folder_err));
	free(path);
	folder_ok(manifest_add_checkpoint(&f->files, m->epoch, NULL, 0, &folder_err));
	folder_ok(manifest_write(&f->files, &vfs_machine, f->path, &folder_err));
}

static void folder_end(state_folder *f, mmsb_instance *m)
{
	folder_ok(log_close(f->log, &folder_err));
	m->journal = (journal){NULL, NULL};
	manifest_free(&f->files);
}

#endif
