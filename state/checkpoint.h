/* checkpoint.h - all that an instance holds after an epoch as one file (docs/format.md), and an instance that goes on from there. Internal.
 *
 * An instance that has read a checkpoint has, epoch for epoch, the bits of one that was never interrupted. For that it takes, besides
 * values: in which epoch each page changed last (what changed in the last one is what `prev` sees change in the next, and a numeric
 * fixpoint runs when something does), which elements those were, and what the rounds of numeric fixpoints left to do. Reverse indexes,
 * partial results and what repairs keep are built anew when they are needed. A @lazy page that is put off has no values in the file: it is
 * evaluated when somebody reads it. */
#ifndef MMSB_CHECKPOINT_H
#define MMSB_CHECKPOINT_H

#include "runtime/instance.h"
#include "vfs.h"

enum { CHECKPOINT_VERSION = 1, CHECKPOINT_HEADER = 80, CHECKPOINT_PART = 64, CHECKPOINT_ALIGN = 4096 };

typedef enum checkpoint_kind { PART_VALUES, PART_PATTERN, PART_CHANGES, PART_CARRY, PART_KINDS } checkpoint_kind;

typedef struct checkpoint_header {
	uint8_t magic[8];
	uint32_t version, numerics;
	uint64_t identity[2];
	uint64_t epoch, length;
	uint32_t n_params, n_parts;
	uint64_t check;
	uint64_t reserved[2];
} checkpoint_header;

typedef struct checkpoint_part {
	uint32_t kind, id;
	uint64_t changed, count, whole;
	uint64_t offset, bytes, check;
	uint64_t base;          /* the epoch of the checkpoint whose file has the bytes; 0: this one */
} checkpoint_part;

extern const uint8_t checkpoint_magic[8];

/* What must be the same for pages to mean the same: pages, params, sizes, records and the definitions of edges, wherever their text stands. */
void checkpoint_identity(const schedule *, uint64_t out[2]);

/* A page whose values are left out. */
bool checkpoint_leaves_out(const mmsb_instance *, const page *);

/* What a checkpoint holds and where, so that the next one can refer to what has not changed. Zero: there is none. */
typedef struct checkpoint_table {
	uint64_t epoch;
	checkpoint_part *parts;
	uint32_t n_parts;
} checkpoint_table;

void checkpoint_table_free(checkpoint_table *);

/* The older checkpoints that a table refers to, ascending: at most MOST_BASES. */
enum { MOST_BASES = 4 };
unsigned checkpoint_bases(const checkpoint_table *, uint64_t to[MOST_BASES]);

/* ---- writing ---- */

typedef struct checkpoint_writer checkpoint_writer;

/* Lays out a checkpoint of the instance as it is after its last epoch; before (NULL: none): one whose unchanged parts it may refer to. What
 * checkpoint_put needs is taken here. MMSB_ORDER: there was no epoch yet, or memory ran out in one and the pages are to be computed anew by
 * the next; MMSB_MEMORY. */
int checkpoint_plan(checkpoint_writer **out, mmsb_instance *, const checkpoint_table *before, mmsb_error *err);

/* From now on checkpoint_put, in another thread, writes the pages as they are now, while commits go on. By the thread that commits, to which
 * belongs checkpoint_writer_free then. MMSB_MEMORY: there is no memory for what is to be copied (or it is more than a commit should wait for:
 * sparse pages); nothing has changed. */
int checkpoint_hold(checkpoint_writer *, mmsb_error *err);

/* How the file is to be opened (vfs.h). */
int checkpoint_flags(const checkpoint_writer *);

/* Writes it to an empty file and syncs it. 0, or a negative errno. Calls nothing but the file's operations where the pages are not held, so that
 * a child of a process with threads may do it: `parent` (0: nobody) is looked at now and then, and -ECANCELED is returned when it is gone. What it finds (checksums) is in
 * memory that the parent sees. */
int checkpoint_put(checkpoint_writer *, const vfs *, int handle, int parent);

/* Once it is written: hands out the table (to be freed), or nothing when there is no memory for it. */
void checkpoint_written(checkpoint_writer *, checkpoint_table *out);
void checkpoint_writer_free(checkpoint_writer *); /* NULL is allowed */

/* All of this at once, whole: beside `path`, synced, then renamed, so that a file of that name is whole or not there. MMSB_IO, and as above. */
int checkpoint_write(mmsb_instance *, const vfs *, const char *path, mmsb_error *err);

/* ---- reading ---- */

/* What of a checkpoint was taken on trust: large parts in which any bits are values. */
typedef struct checkpoint_rest checkpoint_rest;

/* The instance, which has had no epoch and nothing staged, becomes as the one that wrote the file; params that it has must be those of the
 * file. Older files that it refers to are beside it. All is checked before anything changes; what is large is mapped then, not copied: files may
 * be renamed, replaced or deleted, but not written to while the instance is there. rest (NULL: everything is verified here): what is
 * still to be verified, by checkpoint_verify; NULL: nothing. table (may be NULL): to be freed.
 * MMSB_FORMAT, MMSB_NUMERICS, MMSB_IO, MMSB_ORDER, MMSB_SHAPE, MMSB_RANGE; after MMSB_MEMORY the instance can only be freed. */
int checkpoint_read(mmsb_instance *, const vfs *, const char *path, checkpoint_rest **rest, checkpoint_table *table, mmsb_error *err);

/* From any thread; *stop, set by another, ends it early (MMSB_OK). MMSB_FORMAT. */
int checkpoint_verify(const checkpoint_rest *, const atomic_bool *stop, mmsb_error *err);
void checkpoint_rest_free(checkpoint_rest *); /* NULL is allowed */

#endif
