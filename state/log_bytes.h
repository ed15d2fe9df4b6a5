/* log_bytes.h - numbers of seven bits to a byte, eight at a time; heads and checksums of records. Internal. */
#ifndef MMSB_LOG_BYTES_H
#define MMSB_LOG_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "log_format.h"

#define XXH_INLINE_ALL /* most records are short: a call would take as long as the hash */
#include <xxhash.h>

enum { VARINT_MOST = 10 };
#define CONTINUES UINT64_C(0x8080808080808080)

static inline uint64_t zigzag(uint64_t difference) { return difference << 1 ^ (uint64_t)((int64_t)difference >> 63); }
static inline uint64_t unzigzag(uint64_t z) { return z >> 1 ^ (0 - (z & 1)); }

/* Seven bits to a byte: of a number below 2^56, and back. */
static inline uint64_t spread7(uint64_t v)
{
	v = (v & UINT64_C(0x000000000fffffff)) | (v & UINT64_C(0x00fffffff0000000)) << 4;
	v = (v & UINT64_C(0x00003fff00003fff)) | (v & UINT64_C(0x0fffc0000fffc000)) << 2;
	return (v & UINT64_C(0x007f007f007f007f)) | (v & UINT64_C(0x3f803f803f803f80)) << 1;
}

static inline uint64_t gather7(uint64_t v)
{
	v = (v & UINT64_C(0x007f007f007f007f)) | (v & UINT64_C(0x7f007f007f007f00)) >> 1;
	v = (v & UINT64_C(0x00003fff00003fff)) | (v & UINT64_C(0x3fff00003fff0000)) >> 2;
	return (v & UINT64_C(0x000000000fffffff)) | (v & UINT64_C(0x0fffffff00000000)) >> 4;
}

static inline uint64_t load64(const uint8_t *at)
{
	uint64_t v;
	memcpy(&v, at, sizeof v);
	return v;
}

static inline unsigned varint_bytes(uint64_t v) { return (unsigned)(70 - __builtin_clzll(v | 1)) / 7; }

/* There is room for VARINT_MOST bytes. */
static inline uint8_t *put_varint(uint8_t *to, uint64_t v)
{
	for (; v >= 128; v >>= 7)
		*to++ = (uint8_t)(v | 128);
	*to++ = (uint8_t)v;
	return to;
}

const uint8_t *get_varint_slowly(const uint8_t *at, const uint8_t *end, uint64_t *v); /* log_decode.c */

/* What is behind the number; NULL: it does not end, or has more than 64 bits. */
static inline const uint8_t *get_varint(const uint8_t *at, const uint8_t *end, uint64_t *v)
{
	if (at < end && *at < 128) {
		*v = *at;
		return at + 1;
	}
	if (end - at < 8)
		return get_varint_slowly(at, end, v);
	uint64_t bytes = load64(at), stops = ~bytes & CONTINUES;
	if (!stops)
		return get_varint_slowly(at, end, v);
	*v = gather7(bytes & (stops ^ (stops - 1)) & ~CONTINUES);
	return at + ((unsigned)__builtin_ctzll(stops) / 8 + 1);
}

enum { HASH_SHORT = 240 }; /* bytes, which XXH3 takes without loops over stripes */

uint64_t record_check_long(const uint8_t *record, size_t n, uint64_t seed); /* log_encode.c */

/* Of a whole record of n bytes. */
static inline uint64_t record_check(const uint8_t *record, size_t n, uint64_t seed)
{
	if (n > HASH_SHORT + sizeof(uint64_t))
		return record_check_long(record, n, seed);
	return XXH3_64bits_withSeed(record + sizeof(uint64_t), n - sizeof(uint64_t), seed);
}

/* ---- records ---- */

/* Of a payload of n bytes. */
static inline size_t record_bytes(size_t n) { return (LOG_HEAD + n + LOG_UNIT - 1) / LOG_UNIT * LOG_UNIT; }

static inline uint8_t *put64(uint8_t *to, uint64_t v)
{
	memcpy(to, &v, sizeof v);
	return to + sizeof v;
}

/* Fewer than 8: without a call. */
static inline void put_zeros(uint8_t *to, size_t n)
{
	static const uint8_t zeros[4] = {0};
	if (n & 4)
		memcpy(to, zeros, 4), to += 4;
	if (n & 2)
		memcpy(to, zeros, 2), to += 2;
	if (n & 1)
		*to = 0;
}

/* All of a record but its checksum, around a payload of n bytes that stands behind room for its head. The head is written number by number, as the
 * checksum reads it: bytes that were just stored are had back at once only by reads that are no wider. Returns the record's length. */
static inline size_t put_head(uint8_t *to, size_t n, unsigned kind, uint16_t source, uint64_t epoch, uint64_t time)
{
	size_t length = record_bytes(n);
	put_zeros(to + LOG_HEAD + n, length - LOG_HEAD - n);
	put64(put64(put64(to + sizeof(uint64_t), length / LOG_UNIT | (uint64_t)source << 32 | (uint64_t)kind << 48), epoch), time);
	return length;
}

#endif
