/* manifest.h - which files of a state folder count (docs/format.md): read, changed in memory, written whole. Internal. */
#ifndef MMSB_MANIFEST_H
#define MMSB_MANIFEST_H

#include "log.h"

/* A checkpoint, and the older ones whose files hold parts of it. */
typedef struct manifest_checkpoint {
	uint64_t epoch;
	uint64_t *bases;       /* ascending, below epoch */
	size_t n_bases;
} manifest_checkpoint;

typedef struct manifest {
	uint64_t identity[2];  /* of the schedule: checkpoint_identity */
	manifest_checkpoint *checkpoints; /* ascending */
	size_t n_checkpoints, cap_checkpoints; /* capacities in bytes */
	log_segment *segments; /* ascending, each going on where the one before ends; the last is open */
	size_t n_segments, cap_segments;
} manifest;

/* Reads n bytes; `path` is for messages. MMSB_FORMAT (with the line), MMSB_NUMERICS, MMSB_MEMORY. *out needs no freeing after a failure. */
int manifest_parse(manifest *out, const char *path, const uint8_t *bytes, size_t n, mmsb_error *err);

/* Reads the manifest of a folder. *found: whether there is one; without it *out is empty. */
int manifest_read(manifest *out, const vfs *, const char *folder, bool *found, mmsb_error *err);

/* Writes it: the folder has the old one or this one, whatever happens. */
int manifest_write(const manifest *, const vfs *, const char *folder, mmsb_error *err);

void manifest_free(manifest *);

/* Changes in memory. MMSB_MEMORY: nothing has changed. A checkpoint of an epoch that is there already is replaced. */
int manifest_add_checkpoint(manifest *, uint64_t epoch, const uint64_t *bases, size_t n_bases, mmsb_error *err);
void manifest_drop_checkpoint(manifest *, size_t i);
int manifest_add_segment(manifest *, const log_segment *, mmsb_error *err);

/* Names of files, without the folder. */
enum { STATE_NAME = 64 };
void manifest_segment_name(const log_segment *, char to[STATE_NAME]);
void manifest_checkpoint_name(uint64_t epoch, char to[STATE_NAME]);

/* Whether a file of this name counts. */
bool manifest_names(const manifest *, const char *name);

#endif
