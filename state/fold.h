/* fold.h - what branch.c and repair.c share: files that go from one folder to another. Internal. */
#ifndef MMSB_FOLD_H
#define MMSB_FOLD_H

#include "branch.h"
#include "log_format.h"

/* An empty folder, made where there is none. */
int fold_fresh(const vfs *, const char *to, mmsb_error *err);

/* A file of that name in both: one under two names, or a copy. */
int fold_take(const vfs *, const char *from, const char *to, const char *name, mmsb_error *err);
int fold_take_checkpoint(const vfs *, const manifest_checkpoint *, const char *from, const char *to, manifest *into, mmsb_error *err);

/* The records of a segment up to an epoch, as a segment that is open. */
int fold_cut(const vfs *, log_reader *, const log_segment *, uint64_t epoch, const char *to, mmsb_error *err);

/* The records of a segment from an epoch on, s->first, as one of its own (rest.c), closed where s->last is not 0: sets the rest of *s, with the bytes that were written. *last: the last epoch of it
 * that could be read: what follows is not taken. */
int fold_rest(const vfs *, log_reader *, log_segment *s, const char *to, uint64_t *last, mmsb_error *err);

/* What the files of a folder say where its manifest is missing or damaged (guess.c). MMSB_FORMAT: there is no log. */
int fold_guess(manifest *out, const vfs *, const char *folder, mmsb_schedule *, mmsb_error *err);

/* Syncs, and writes the manifest: from then on it is a state. */
int fold_finish(const vfs *, const manifest *, const char *to, mmsb_error *err);

#endif
