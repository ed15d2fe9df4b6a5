/* keep.h - compare-and-store: elements side by side go to a page, and a bit of each says whether it differs from what was there. Internal.
 *
 * mmsb_keep_TYPE stores 64 elements, mmsb_keep_few_TYPE n <= 64 that may stand `stride` bytes apart in the page; mmsb_keep_block_TYPE is one of both,
 * side by side in the page (n > 0; v has 64 in any case), and a function of its own, so that texts that have many blocks compile soon. NaNs are made canonical. `was` is
 * what they are compared with, perhaps the place itself, where nothing is written that is the same; NULL: everything counts as changed.
 * The only text of it: kernels compile it at each level, and the C text that the compiler writes holds a copy. */
#ifndef MMSB_KEEP_H
#define MMSB_KEEP_H

#include "differ.h"
#include "scalar.h"
#include "tree.h"

#pragma push_macro("bool")
#undef bool

#define mmsb_canon_bool(x) (x)
#define mmsb_canon_i8(x) (x)
#define mmsb_canon_i16(x) (x)
#define mmsb_canon_i32(x) (x)
#define mmsb_canon_i64(x) (x)
#define mmsb_canon_u8(x) (x)
#define mmsb_canon_u16(x) (x)
#define mmsb_canon_u32(x) (x)
#define mmsb_canon_u64(x) (x)

/* B: the width of the type in bits; NANS: it has some */
#define MMSB_KEEP(S, T, B, NANS)                                                                             \
	static inline uint64_t mmsb_keep_few_##S(T *at, const T *was, size_t stride, const T *v, size_t n)   \
	{                                                                                                    \
		uint64_t mask = 0;                                                                           \
		for (size_t i = 0; i < n; i++) {                                                             \
			const T x = mmsb_canon_##S(v[i]);                                                    \
			mask |= (uint64_t)(!was || __builtin_memcmp((const char *)was + i * stride, &x, sizeof x) != 0) << i; \
			*(T *)(void *)((char *)at + i * stride) = x;                                         \
		}                                                                                            \
		return mask;                                                                                 \
	}                                                                                                    \
	static inline uint64_t mmsb_keep_##S(T *at, const T *was, const T *v)                                \
	{                                                                                                    \
		T canonical[64];                                                                             \
		if (NANS) {                                                                                  \
			uint##B##_t nans = 0;                                                                \
			LANES for (size_t i = 0; i < 64; i++) nans |= v[i] != v[i];                          \
			if (__builtin_expect(nans != 0, 0)) {                                                \
				LANES for (size_t i = 0; i < 64; i++) canonical[i] = mmsb_canon_##S(v[i]);   \
				v = canonical;                                                               \
			}                                                                                    \
		}                                                                                            \
		const uint64_t mask = was ? differ_##B(was, v) : ~UINT64_C(0);                               \
		if (mask || was != at) {                                                                     \
			LANES for (size_t i = 0; i < 64; i++) at[i] = v[i];                                  \
		}                                                                                            \
		return mask;                                                                                 \
	}                                                                                                    \
	__attribute__((noinline, unused)) static uint64_t mmsb_keep_block_##S(T *at, const T *was, const T *v, size_t n) \
	{                                                                                                    \
		T x[64], old[64];                                                                            \
		if (n == 64)                                                                                 \
			return mmsb_keep_##S(at, was, v);                                                    \
		LANES for (size_t i = 0; i < 64; i++) old[i] = x[i] = mmsb_canon_##S(v[i]);                  \
		__builtin_memcpy(old, was ? was : x, n * sizeof(T));                                         \
		__builtin_memcpy(at, x, n * sizeof(T));                                                      \
		return was ? differ_##B(old, x) : ~UINT64_C(0) >> (64 - n);                                  \
	}
MMSB_KEEP(bool, uint8_t, 8, 0)
MMSB_KEEP(i8, int8_t, 8, 0)
MMSB_KEEP(i16, int16_t, 16, 0)
MMSB_KEEP(i32, int32_t, 32, 0)
MMSB_KEEP(i64, int64_t, 64, 0)
MMSB_KEEP(u8, uint8_t, 8, 0)
MMSB_KEEP(u16, uint16_t, 16, 0)
MMSB_KEEP(u32, uint32_t, 32, 0)
MMSB_KEEP(u64, uint64_t, 64, 0)
MMSB_KEEP(f32, float, 32, 1)
MMSB_KEEP(f64, double, 64, 1)
#undef MMSB_KEEP

/* Asks the caches for what a loop over blocks of 64 comes to a moment later: bytes of a block, as far on as memory takes to answer. */
#define MMSB_AHEAD 2048
#define MMSB_ASK(at, bytes) for (size_t b = 0; b < (bytes); b += 64) __builtin_prefetch((const char *)(at) + MMSB_AHEAD + b)

#pragma pop_macro("bool")

#endif
