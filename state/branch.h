/* branch.h - new folders out of old ones, and folders that forget: mmsb branch, mmsb log repair, mmsb log compact. Internal. */
#ifndef MMSB_BRANCH_H
#define MMSB_BRANCH_H

#include "history.h"

/* A new folder whose last epoch is `epoch` of the history. Closed segments and checkpoints are the same files under two names where the disk can do
 * that, else copies; the segment in which the epoch lies is copied up to it. MMSB_USAGE: the folder holds something; MMSB_IO, MMSB_FORMAT, MMSB_MEMORY. */
int branch_make(history *, uint64_t epoch, const char *to, mmsb_error *err);

/* What a repair found, told line by line. */
typedef void repair_tell(void *user, const char *line);

/* A new folder of what verifies of an old one: the run of epochs that goes farthest and can be begun, from epoch 1 or from a checkpoint. What is
 * lost is told: a checkpoint may lie behind damage in the segment that goes on from it. *first, *last: the epochs it has. MMSB_FORMAT: nothing can be had; as above. */
int repair_make(const vfs *, const char *from, const char *to, repair_tell *, void *user, uint64_t *first, uint64_t *last, mmsb_error *err);

/* Forgets epochs: of those before `before` no more stays than is needed to have that epoch, from a checkpoint on. Takes the writer's lock.
 * MMSB_BUSY: somebody writes to it; MMSB_RANGE: there is no such epoch; MMSB_INPUT: no checkpoint at or before it; MMSB_FORMAT: the log is damaged; MMSB_IO, MMSB_MEMORY. */
typedef struct compacted {
	uint64_t earliest;      /* the first epoch that can be had now */
	unsigned segments;      /* files of the log that went */
	bool shortened;         /* the first that stays begins later than it did */
	uint64_t bytes;         /* of the log, uncompressed, that went */
} compacted;
int compact_log(const vfs *, const char *folder, uint64_t before, compacted *out, mmsb_error *err);

#endif
