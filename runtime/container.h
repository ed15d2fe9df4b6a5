/* container.h - the .mmsbx file: a schedule as one checksummed file.
 *
 * Layout, all little-endian: a header of 64 bytes
 *     magic 8 bytes "MMSBX\r\n\x1a" · version u32 · numerics u32 · length of the file u64 · sections u32 · 0 u32 ·
 *     XXH3-128 of the header (this field zero) and the section table, 16 bytes, low half first · 16 bytes of zero
 * then the section table, 32 bytes each
 *     id u32 · bytes of one record u32 · offset u64 · bytes u64 · XXH3-64 u64
 * then the sections in order of id, each at a multiple of 64 bytes; what lies between is zero. So every byte of a file is
 * covered by a checksum or known to be zero.
 *
 * A file has the sections of SCHEDULE_SECTIONS (schedule.h), which are all of the schedule, and may have one or two more, of code
 * made from it: id SECTION_COUNT for the machine's processor, SECTION_COUNT + 1 for a CUDA device; records of 1 byte. The first is empty where there
 * is the second alone. Code is
 *     abi u32 · objects u32 · 8 bytes of zero
 * then 32 bytes for each object, the one to prefer first
 *     level, 16 bytes, NUL-terminated and filled with NUL · offset within the section u64 · bytes u64
 * then the objects, in that order, each at a multiple of 64 bytes of the section: ELF shared objects (native.h); cubins, whose level is sm_XY, and
 * PTX, whose level is compute_XY and which ends with a NUL (device.h). */
#ifndef MMSB_CONTAINER_H
#define MMSB_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mmsb.h"
#include "schedule.h"

enum { MMSBX_VERSION = 1, MMSBX_HEADER = 64, MMSBX_ENTRY = 32, MMSBX_ALIGN = 64, MMSBX_LEVEL = 16 };

/* The schedule as the bytes of a file, with the code that it has; *bytes is the caller's to free(). MMSB_MEMORY, or MMSB_FORMAT when
 * schedule_verify does not accept it. */
int schedule_write(const schedule *, uint8_t **bytes, size_t *n, mmsb_error *err);

/* Reads and checks n bytes. On success the tables of *out point into out->memory (owned: free()). Of code, where it lies and its checksum
 * are checked; what it does is not. */
int schedule_read(schedule *out, const void *bytes, size_t n, mmsb_error *err);

/* An object of code, within memory that somebody else owns. */
typedef struct code_object {
	char level[MMSBX_LEVEL];
	const uint8_t *bytes;
	size_t n;
} code_object;

/* The objects as a section of a file; *bytes is the caller's to free(). MMSB_MEMORY. */
int code_section_write(uint32_t abi, const code_object *objects, uint32_t n_objects, uint8_t **bytes, size_t *n, mmsb_error *err);

/* Object i of a section of code. False: there are no more, or the section is not what it should be. */
bool code_section_object(const uint8_t *section, size_t n, uint32_t i, code_object *out);

/* What the code was made for: 0, no code. */
uint32_t code_section_abi(const uint8_t *section, size_t n);

/* All n bytes, to where the descriptor is. False: errno says why. */
bool write_all(int fd, const void *bytes, size_t n);

/* Checks every rule of schedule.h, so that an executor may rely on them (verify.c). */
int schedule_verify(const schedule *, mmsb_error *err);

#endif
