/* checkpoint.h - all that an instance holds after an epoch as one file, and an instance that goes on from there. Internal.
 *
 * An instance that has read a checkpoint has, epoch for epoch, the bits of one that was never interrupted. For that it takes, besides
 * values: in which epoch each page changed last (what changed in the last one is what `prev` sees change in the next, and a numeric
 * fixpoint runs when something does), which elements those were, and what the rounds of numeric fixpoints left to do. Reverse indexes,
 * partial results and what repairs keep are built anew when they are needed. A @lazy page that is put off has no values in the file: it is
 * evaluated when somebody reads it.
 *
 * Layout, all little-endian: a header of 80 bytes
 *     magic 8 bytes "MMSBC\r\n\x1a" · version u32 · numerics u32 · identity of the schedule 16 bytes · epoch u64 · length of the file u64 ·
 *     params u32 · parts u32 · XXH3-64 u64 of header (this field zero), values of params and table · 16 bytes of zero
 * then the values of the params, 8 bytes each, in the order of declaration; then the table, 64 bytes for each part
 *     kind u32 · id of the page (CARRY: pass) u32 · changed u64: the last epoch in which a bit of the page changed (PATTERN: in which entries
 *     came or went) · elements u64 · whole u64 · offset u64 · bytes u64 · XXH3-64 of the bytes u64 · 0 u64
 * then the bytes of the parts, in the order of the table, each at a multiple of 4096; what lies between is zero:
 *     VALUES   the values of a page, row-major as they lie in memory: records packed, of a @soa page field by field, each of all elements;
 *              of a sparse page the values of its entries, sorted by row, then column
 *     PATTERN  the entries of a sparse page in that order: their rows, u32, then their columns, u32
 *     CHANGES  of a dense page that is read with prev and changed in this epoch: for each field, a bit for each element, in words of 64, that
 *              says whether its bits changed; whole: any may have, and there are no words
 *     CARRY    of a numeric fixpoint: a bit for each element that the next round is to evaluate; whole: all, and there are no words */
#ifndef MMSB_CHECKPOINT_H
#define MMSB_CHECKPOINT_H

#include "instance.h"

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
	uint64_t reserved;
} checkpoint_part;

extern const uint8_t checkpoint_magic[8];

/* What must be the same for pages to mean the same: pages, params, sizes, records and the definitions of edges, wherever their text stands. */
void checkpoint_identity(const schedule *, uint64_t out[2]);

/* A page whose values are left out. */
bool checkpoint_leaves_out(const mmsb_instance *, const page *);

/* Writes the instance as it is after its last epoch: beside `path`, synced, then renamed, so that a file of that name is whole or not there.
 * MMSB_ORDER: there was no epoch yet, or memory ran out in one and the pages are to be computed anew by the next; MMSB_IO, MMSB_MEMORY. */
int checkpoint_write(mmsb_instance *, const char *path, mmsb_error *err);

/* The instance, which has had no epoch and nothing staged, becomes as the one that wrote the file; params that it has must be those of the
 * file. All is checked before anything changes; what is large is mapped then, not copied: the file may be renamed, replaced or deleted, but
 * not written to while the instance is there. MMSB_FORMAT, MMSB_NUMERICS, MMSB_IO, MMSB_ORDER, MMSB_SHAPE, MMSB_RANGE; after MMSB_MEMORY
 * the instance can only be freed. */
int checkpoint_read(mmsb_instance *, const char *path, mmsb_error *err);

#endif
