/* differ.h - which of 64 elements differ in their bits: bit i is set where element i does. Internal.
 *
 * For each width in bits: differ_8, differ_16, differ_32, differ_64. What is compared need not be aligned. The text is of
 * the level that includes it: instructions of AVX-512, AVX2 or SSE2, else what C has. Kernels compile it, and the C text that the compiler writes
 * holds a copy; so it takes the compiler's own names of instructions: <immintrin.h> would be most of what that text costs to compile. */
#ifndef MMSB_DIFFER_H
#define MMSB_DIFFER_H

#include <stdint.h>

#ifndef __has_builtin
#define __has_builtin(name) 0
#endif

#if defined __AVX512BW__ && __has_builtin(__builtin_ia32_ucmpd512_mask)

/* B: bits of an element; M: of a mask of those in a vector; E: a type of the element that vectors have; I: what the instruction is called */
#define DIFFER(B, M, E, I)                                                                                   \
	typedef E differ_v##B __attribute__((vector_size(64)));                                              \
	static inline uint64_t differ_##B(const void *a, const void *b)                                      \
	{                                                                                                    \
		uint64_t mask = 0;                                                                           \
		for (unsigned i = 0; i < B / 8; i++) {                                                       \
			differ_v##B x, y;                                                                    \
			__builtin_memcpy(&x, (const char *)a + 64 * i, sizeof x);                            \
			__builtin_memcpy(&y, (const char *)b + 64 * i, sizeof y);                            \
			mask |= (uint64_t)(M)__builtin_ia32_ucmp##I##512_mask(x, y, 4, (M)-1) << 512 / B % 64 * i; \
		}                                                                                            \
		return mask;                                                                                 \
	}
DIFFER(8, unsigned long long, char, b)
DIFFER(16, uint32_t, short, w)
DIFFER(32, uint16_t, int, d)
DIFFER(64, uint8_t, long long, q)
#undef DIFFER

#elif defined __SSE2__ && __has_builtin(__builtin_ia32_pmovmskb128)

#undef DIFFER_BYTES
#undef DIFFER_MASK
#undef DIFFER_PACK
#if defined __AVX2__ && __has_builtin(__builtin_ia32_pmovmskb256)
#define DIFFER_BYTES 32
#define DIFFER_MASK(name) __builtin_ia32_##name##256
#define DIFFER_PACK(x, y) ((differ_v8)__builtin_ia32_permdi256((differ_v64)__builtin_ia32_packsswb256(x, y), 0xd8)) /* quarters come as 0, 2, 1, 3 */
#else
#define DIFFER_BYTES 16
#define DIFFER_MASK_pmovmskb __builtin_ia32_pmovmskb128
#define DIFFER_MASK_movmskps __builtin_ia32_movmskps
#define DIFFER_MASK_movmskpd __builtin_ia32_movmskpd
#define DIFFER_MASK(name) DIFFER_MASK_##name
#define DIFFER_PACK(x, y) ((differ_v8)__builtin_ia32_packsswb128(x, y))
#endif
typedef char differ_v8 __attribute__((vector_size(DIFFER_BYTES)));
typedef short differ_v16 __attribute__((vector_size(DIFFER_BYTES)));
typedef int differ_v32 __attribute__((vector_size(DIFFER_BYTES)));
typedef long long differ_v64 __attribute__((vector_size(DIFFER_BYTES)));
typedef float differ_f32 __attribute__((vector_size(DIFFER_BYTES)));
typedef double differ_f64 __attribute__((vector_size(DIFFER_BYTES)));

/* Vector `at` of both; all bits of those elements set that are the same. */
#define DIFFER_SAME(B)                                                                                       \
	static inline differ_v##B differ_same_##B(const void *a, const void *b, unsigned at)                 \
	{                                                                                                    \
		differ_v##B x, y;                                                                            \
		__builtin_memcpy(&x, (const char *)a + at * DIFFER_BYTES, sizeof x);                         \
		__builtin_memcpy(&y, (const char *)b + at * DIFFER_BYTES, sizeof y);                         \
		return (differ_v##B)(x == y);                                                                \
	}
DIFFER_SAME(8)
DIFFER_SAME(16)
DIFFER_SAME(32)
DIFFER_SAME(64)
#undef DIFFER_SAME

/* MASK: the bits of vector i that are the same; PER: how many there are */
#define DIFFER(B, PER, MASK)                                                                                 \
	static inline uint64_t differ_##B(const void *a, const void *b)                                      \
	{                                                                                                    \
		uint64_t same = 0;                                                                           \
		for (unsigned i = 0; i < 64 / (PER); i++)                                                    \
			same |= (uint64_t)(uint32_t)(MASK) << (PER) * i;                                     \
		return ~same;                                                                                \
	}
DIFFER(8, DIFFER_BYTES, DIFFER_MASK(pmovmskb)(differ_same_8(a, b, i)))
DIFFER(16, DIFFER_BYTES, DIFFER_MASK(pmovmskb)(DIFFER_PACK(differ_same_16(a, b, 2 * i), differ_same_16(a, b, 2 * i + 1))))
DIFFER(32, DIFFER_BYTES / 4, DIFFER_MASK(movmskps)((differ_f32)differ_same_32(a, b, i)))
DIFFER(64, DIFFER_BYTES / 8, DIFFER_MASK(movmskpd)((differ_f64)differ_same_64(a, b, i)))
#undef DIFFER

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
		__builtin_memcpy(x, a, sizeof x);                                                            \
		__builtin_memcpy(y, b, sizeof y);                                                            \
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
