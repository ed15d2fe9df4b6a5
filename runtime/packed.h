/* packed.h - of 64 elements those that a mask names, side by side: compress takes them out, expand puts them back. Internal.
 *
 * For each width in bits: compress_8 to compress_64, expand_8 to expand_64; they return how many there are. What the mask does not
 * name is neither read nor written. The text is of the level that includes it. */
#ifndef MMSB_PACKED_H
#define MMSB_PACKED_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __AVX512F__
#include <immintrin.h>
#endif

/* One element after the other, or all 64. */
#define PACKED_EACH(B)                                                                                       \
	static inline size_t compress_##B(void *packed, const void *src, uint64_t mask)                      \
	{                                                                                                    \
		uint8_t *to = packed;                                                                        \
		const uint8_t *from = src;                                                                   \
		size_t n = 0;                                                                                \
		if (mask == ~(uint64_t)0) {                                                                  \
			memcpy(to, from, 64 * (B / 8));                                                      \
			return 64;                                                                           \
		}                                                                                            \
		for (; mask; mask &= mask - 1)                                                               \
			memcpy(to + n++ * (B / 8), from + (size_t)__builtin_ctzll(mask) * (B / 8), B / 8);   \
		return n;                                                                                    \
	}                                                                                                    \
	static inline size_t expand_##B(void *dst, const void *packed, uint64_t mask)                        \
	{                                                                                                    \
		uint8_t *to = dst;                                                                           \
		const uint8_t *from = packed;                                                                \
		size_t n = 0;                                                                                \
		if (mask == ~(uint64_t)0) {                                                                  \
			memcpy(to, from, 64 * (B / 8));                                                      \
			return 64;                                                                           \
		}                                                                                            \
		for (; mask; mask &= mask - 1)                                                               \
			memcpy(to + (size_t)__builtin_ctzll(mask) * (B / 8), from + n++ * (B / 8), B / 8);   \
		return n;                                                                                    \
	}

/* A vector of lanes at a time; packed elements are moved under a mask of as many. */
#define PACKED_VECTORS(B, LANES_, M)                                                                         \
	static inline size_t compress_##B(void *packed, const void *src, uint64_t mask)                      \
	{                                                                                                    \
		uint8_t *to = packed;                                                                        \
		const uint8_t *from = src;                                                                   \
		for (; mask; mask >>= LANES_, from += 64) {                          \
			M some = (M)mask;                                                                    \
			unsigned n = (unsigned)__builtin_popcountll(some);                                   \
			__m512i v = _mm512_maskz_compress_epi##B(some, _mm512_maskz_loadu_epi##B(some, from)); \
			_mm512_mask_storeu_epi##B(to, (M)((1u << n) - 1), v);                                \
			to += n * (B / 8);                                                                   \
		}                                                                                            \
		return (size_t)(to - (uint8_t *)packed) / (B / 8);                                           \
	}                                                                                                    \
	static inline size_t expand_##B(void *dst, const void *packed, uint64_t mask)                        \
	{                                                                                                    \
		uint8_t *to = dst;                                                                           \
		const uint8_t *from = packed;                                                                \
		for (; mask; mask >>= LANES_, to += 64) {                            \
			M some = (M)mask;                                                                    \
			_mm512_mask_storeu_epi##B(to, some, _mm512_maskz_expandloadu_epi##B(some, from));    \
			from += (unsigned)__builtin_popcountll(some) * (B / 8);                              \
		}                                                                                            \
		return (size_t)(from - (const uint8_t *)packed) / (B / 8);                                   \
	}

PACKED_EACH(8)
PACKED_EACH(16)
#ifdef __AVX512F__
PACKED_VECTORS(32, 16, __mmask16)
PACKED_VECTORS(64, 8, __mmask8)
#else
PACKED_EACH(32)
PACKED_EACH(64)
#endif

#undef PACKED_EACH
#undef PACKED_VECTORS

#endif
