/* container.h - the .mmsbx file: a schedule as one checksummed file.
 *
 * Layout, all little-endian: a header of 64 bytes
 *     magic 8 bytes "MMSBX\r\n\x1a" · version u32 · numerics u32 · length of the file u64 · sections u32 · 0 u32 ·
 *     XXH3-128 of the header (this field zero) and the section table, 16 bytes, low half first · 16 bytes of zero
 * then the section table, 32 bytes each
 *     id u32 · bytes of one record u32 · offset u64 · bytes u64 · XXH3-64 u64
 * then the sections in order of id, each at a multiple of 64 bytes; what lies between is zero. So every byte of a file is
 * covered by a checksum or known to be zero. */
#ifndef MMSB_CONTAINER_H
#define MMSB_CONTAINER_H

#include <stddef.h>
#include <stdint.h>

#include "mmsb.h"
#include "schedule.h"

enum { MMSBX_VERSION = 1, MMSBX_HEADER = 64, MMSBX_ENTRY = 32, MMSBX_ALIGN = 64 };

/* The schedule as the bytes of a file; *bytes is the caller's to free(). MMSB_MEMORY, or MMSB_FORMAT when
 * schedule_verify does not accept it. */
int schedule_write(const schedule *, uint8_t **bytes, size_t *n, mmsb_error *err);

/* Reads and checks n bytes. On success the tables of *out point into out->memory (owned: free()). */
int schedule_read(schedule *out, const void *bytes, size_t n, mmsb_error *err);

/* Checks every rule of schedule.h, so that an executor may rely on them (verify.c). */
int schedule_verify(const schedule *, mmsb_error *err);

#endif
