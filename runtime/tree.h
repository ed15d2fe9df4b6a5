/* tree.h - the order of dense reductions (docs/determinism.md) over values side by side: adjacent pairs, aligned at the first, an odd one at
 * the end taken along. mmsb_tree_NAME_TYPE for each operator that reduces. The only text of it for the processor: kernels compile it, and
 * the C text that the compiler writes holds a copy. */
#ifndef MMSB_TREE_H
#define MMSB_TREE_H

#include "scalar.h"

#pragma push_macro("bool")
#undef bool

/* Lanes are independent: what is written is an operand or overlaps none. */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wpass-failed" /* a loop that is not vectorised is slower, not wrong */
#define LANES _Pragma("clang loop vectorize(assume_safety)")
#else
#define LANES _Pragma("GCC ivdep")
#endif

#define MMSB_HALVE(S, T, name, to, from, n) LANES for (size_t i = 0; i < (n); i++) (to)[i] = mmsb_##name##_##S((from)[2 * i], (from)[2 * i + 1])

/* n >= 1 values; scratch: room for (n + 1) / 2. Of a whole tile the loops have known lengths, so that they become vectors without ends. Inlined: it is
 * to be compiled for the processor of whoever calls it. */
enum { MMSB_TREE_TILE = 512 };
#define MMSB_TREE(S, T, name)                                                                                \
	MMSB_FN __attribute__((always_inline)) T mmsb_tree_##name##_##S(const T *a, T *scratch, size_t n)    \
	{                                                                                                    \
		if (n == MMSB_TREE_TILE) {                                                                   \
			T b[256], c[128], d[64], e[32], f[16], g[8], h[4];                                   \
			MMSB_HALVE(S, T, name, b, a, 256);                                                   \
			MMSB_HALVE(S, T, name, c, b, 128);                                                   \
			MMSB_HALVE(S, T, name, d, c, 64);                                                    \
			MMSB_HALVE(S, T, name, e, d, 32);                                                    \
			MMSB_HALVE(S, T, name, f, e, 16);                                                    \
			MMSB_HALVE(S, T, name, g, f, 8);                                                     \
			MMSB_HALVE(S, T, name, h, g, 4);                                                     \
			return mmsb_##name##_##S(mmsb_##name##_##S(h[0], h[1]), mmsb_##name##_##S(h[2], h[3])); \
		}                                                                                            \
		while (n > 1) {                                                                              \
			size_t half = n / 2;                                                                 \
			MMSB_HALVE(S, T, name, scratch, a, half);                                            \
			if (n & 1)                                                                           \
				scratch[half++] = a[n - 1];                                                  \
			n = half;                                                                            \
			a = scratch;                                                                         \
		}                                                                                            \
		return a[0];                                                                                 \
	}
MMSB_FOR_NUM(MMSB_TREE, add)
MMSB_FOR_NUM(MMSB_TREE, mul)
MMSB_FOR_NUM(MMSB_TREE, min)
MMSB_FOR_NUM(MMSB_TREE, max)
MMSB_FOR_BOOL_(MMSB_TREE, land)
MMSB_FOR_BOOL_(MMSB_TREE, lor)
MMSB_FOR_BITS(MMSB_TREE, band)
MMSB_FOR_BITS(MMSB_TREE, bor)
MMSB_FOR_BITS(MMSB_TREE, bxor)

/* The first of n >= 1 values that is `best`, their minimum or maximum; of values with a NaN the first one. */
#define MMSB_FIND(S, T, ...)                                                                                 \
	MMSB_FN __attribute__((always_inline)) size_t mmsb_find_##S(const T *a, T best, size_t n)            \
	{                                                                                                    \
		size_t at = 0;                                                                               \
		for (; at + 64 <= n; at += 64) {                                                             \
			int any = 0;                                                                         \
			LANES for (size_t i = 0; i < 64; i++) any |= (a[at + i] == best) | (a[at + i] != a[at + i]); \
			if (any)                                                                             \
				break;                                                                       \
		}                                                                                            \
		while (a[at] != best && a[at] == a[at])                                                      \
			at++;                                                                                \
		return at;                                                                                   \
	}
MMSB_FOR_NUM(MMSB_FIND, )

#pragma pop_macro("bool")

#endif
