/* differ.h - which of 64 elements differ in their bits: bit i is set where element i does. Internal.
 *
 * For each width in bits: differ_8, differ_16, differ_32, differ_64. What is compared need not be aligned. The text is of
 * the level that includes it: instructions of AVX-512 or AVX2, else what C has. */
#ifndef MMSB_DIFFER_H
#define MMSB_DIFFER_H

#include <stdint.h>
#include <string.h>

#ifdef __AVX2__
#include <immintrin.h>
#endif

#if defined(__AVX512BW__)

#define DIFFER_LOAD(p, byte) _mm512_loadu_si512((const uint8_t *)(p) + (byte))

static inline uint64_t differ_8(const void *a, const void *b) { return _mm512_cmpneq_epi8_mask(DIFFER_LOAD(a, 0), DIFFER_LOAD(b, 0)); }

static inline uint64_t differ_16(const void *a, const void *b)
{
	uint64_t low = _mm512_cmpneq_epi16_mask(DIFFER_LOAD(a, 0), DIFFER_LOAD(b, 0));
	return low | (uint64_t)_mm512_cmpneq_epi16_mask(DIFFER_LOAD(a, 64), DIFFER_LOAD(b, 64)) << 32;
}

static inline uint64_t differ_32(const void *a, const void *b)
{
	uint64_t mask = 0;
	for (unsigned i = 0; i < 4; i++)
		mask |= (uint64_t)_mm512_cmpneq_epi32_mask(DIFFER_LOAD(a, 64 * i), DIFFER_LOAD(b, 64 * i)) << 16 * i;
	return mask;
}

static inline uint64_t differ_64(const void *a, const void *b)
{
	uint64_t mask = 0;
	for (unsigned i = 0; i < 8; i++)
		mask |= (uint64_t)_mm512_cmpneq_epi64_mask(DIFFER_LOAD(a, 64 * i), DIFFER_LOAD(b, 64 * i)) << 8 * i;
	return mask;
}

#elif defined(__AVX2__)

#define DIFFER_LOAD(p, vector) _mm256_loadu_si256((const __m256i *)(const void *)(p) + (vector))
#define DIFFER_SAME(width, vector) _mm256_cmpeq_epi##width(DIFFER_LOAD(a, vector), DIFFER_LOAD(b, vector))

/* The bits of two vectors of bytes that are 0 where elements differ. */
static inline uint64_t differ_bytes(__m256i low, __m256i high)
{
	return ~((uint64_t)(uint32_t)_mm256_movemask_epi8(low) | (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32);
}

static inline uint64_t differ_8(const void *a, const void *b) { return differ_bytes(DIFFER_SAME(8, 0), DIFFER_SAME(8, 1)); }

/* Packing keeps to halves of 16 bytes, so that the quarters come out as 0, 2, 1, 3. */
static inline __m256i differ_pack(__m256i low, __m256i high)
{
	return _mm256_permute4x64_epi64(_mm256_packs_epi16(low, high), _MM_SHUFFLE(3, 1, 2, 0));
}

static inline uint64_t differ_16(const void *a, const void *b)
{
	return differ_bytes(differ_pack(DIFFER_SAME(16, 0), DIFFER_SAME(16, 1)), differ_pack(DIFFER_SAME(16, 2), DIFFER_SAME(16, 3)));
}

static inline uint64_t differ_32(const void *a, const void *b)
{
	uint64_t same = 0;
	for (unsigned i = 0; i < 8; i++)
		same |= (uint64_t)(uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(DIFFER_SAME(32, i))) << 8 * i;
	return ~same;
}

static inline uint64_t differ_64(const void *a, const void *b)
{
	uint64_t same = 0;
	for (unsigned i = 0; i < 16; i++)
		same |= (uint64_t)(uint32_t)_mm256_movemask_pd(_mm256_castsi256_pd(DIFFER_SAME(64, i))) << 4 * i;
	return ~same;
}

#else

/* Eight bytes of 0 or 1 to eight bits: the product brings byte i to bit 56 + i. */
static inline uint64_t differ_bits(const uint8_t *bytes)
{
	uint64_t mask = 0;
	for (unsigned i = 0; i < 64; i += 8) {
		uint64_t eight = 0;
		for (unsigned k = 0; k < 8; k++)
			eight |= (uint64_t)bytes[i + k] << 8 * k;
		mask |= (eight * UINT64_C(0x0102040810204080) >> 56) << i;
	}
	return mask;
}

#define DIFFER(B)                                                                                            \
	static inline uint64_t differ_##B(const void *a, const void *b)                                      \
	{                                                                                                    \
		uint##B##_t x[64], y[64];                                                                    \
		uint8_t bytes[64];                                                                           \
		memcpy(x, a, sizeof x);                                                                      \
		memcpy(y, b, sizeof y);                                                                      \
		for (unsigned i = 0; i < 64; i++)                                                            \
			bytes[i] = x[i] != y[i];                                                             \
		return differ_bits(bytes);                                                                   \
	}
DIFFER(8)
DIFFER(16)
DIFFER(32)
DIFFER(64)
#undef DIFFER

#endif

#endif
