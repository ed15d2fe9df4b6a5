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

/* Of a whole tile the loops have known lengths, so that they become vectors without ends. Inlined: all is to be compiled for the processor of
 * whoever calls it. */
enum { MMSB_TREE_TILE = 512, MMSB_TREE_SIDE = 64 };
#define MMSB_TREE_FN MMSB_FN __attribute__((always_inline))

#define MMSB_TILE_64(S, T, name, d)                                                                          \
	T e[32], f[16], g[8], h[4];                                                                          \
	MMSB_HALVE(S, T, name, e, d, 32);                                                                    \
	MMSB_HALVE(S, T, name, f, e, 16);                                                                    \
	MMSB_HALVE(S, T, name, g, f, 8);                                                                     \
	MMSB_HALVE(S, T, name, h, g, 4);                                                                     \
	return mmsb_##name##_##S(mmsb_##name##_##S(h[0], h[1]), mmsb_##name##_##S(h[2], h[3]))

#define MMSB_TILE_PAIRS(S, T, name)                                                                          \
	MMSB_TREE_FN T mmsb_pairs_##name##_##S(const T *a)                                                   \
	{                                                                                                    \
		T b[256], c[128], d[64];                                                                     \
		MMSB_HALVE(S, T, name, b, a, 256);                                                           \
		MMSB_HALVE(S, T, name, c, b, 128);                                                           \
		MMSB_HALVE(S, T, name, d, c, 64);                                                            \
		MMSB_TILE_64(S, T, name, d);                                                                 \
	}

/* Where the order does not matter, values side by side first. */
#define MMSB_TILE_SIDES(S, T, name)                                                                          \
	MMSB_TREE_FN T mmsb_tile_##name##_##S(const T *a)                                                    \
	{                                                                                                    \
		T d[MMSB_TREE_SIDE];                                                                         \
		for (size_t k = 0; k < MMSB_TREE_SIDE; k++)                                                  \
			d[k] = a[k];                                                                         \
		for (size_t i = MMSB_TREE_SIDE; i < MMSB_TREE_TILE; i += MMSB_TREE_SIDE)                     \
			LANES for (size_t k = 0; k < MMSB_TREE_SIDE; k++) d[k] = mmsb_##name##_##S(d[k], a[i + k]); \
		MMSB_TILE_64(S, T, name, d);                                                                 \
	}
#define MMSB_TILE_TREE(S, T, name)                                                                           \
	MMSB_TILE_PAIRS(S, T, name)                                                                          \
	MMSB_TREE_FN T mmsb_tile_##name##_##S(const T *a) { return mmsb_pairs_##name##_##S(a); }

/* Minimum and maximum by comparison alone, which processors have; with a NaN among the values, or where zeros may have lost their sign, once more. */
#define MMSB_TILE_BEST(S, T, name, BETTER)                                                                   \
	MMSB_TILE_PAIRS(S, T, name)                                                                          \
	MMSB_TREE_FN T mmsb_best_##name##_##S(T a, T b) { return a BETTER b ? a : b; }                       \
	MMSB_TREE_FN T mmsb_quick_##name##_##S(const T *a, int *again)                                       \
	{                                                                                                    \
		T d[MMSB_TREE_SIDE];                                                                         \
		int any = 0;                                                                                 \
		for (size_t k = 0; k < MMSB_TREE_SIDE; k++)                                                  \
			d[k] = a[k];                                                                         \
		for (size_t i = MMSB_TREE_SIDE; i < MMSB_TREE_TILE; i += MMSB_TREE_SIDE)                     \
			LANES for (size_t k = 0; k < MMSB_TREE_SIDE; k++) d[k] = mmsb_best_##name##_##S(a[i + k], d[k]); \
		LANES for (size_t i = 0; i < MMSB_TREE_TILE; i++) any |= a[i] != a[i];                       \
		*again = any;                                                                                \
		MMSB_TILE_64(S, T, best_##name, d);                                                          \
	}                                                                                                    \
	MMSB_TREE_FN T mmsb_tile_##name##_##S(const T *a)                                                    \
	{                                                                                                    \
		int again;                                                                                   \
		const T best = mmsb_quick_##name##_##S(a, &again);                                           \
		return again || best == 0 ? mmsb_pairs_##name##_##S(a) : best;                               \
	}

/* n >= 1 values; scratch: room for (n + 1) / 2. */
#define MMSB_TREE(S, T, name)                                                                                \
	MMSB_TREE_FN T mmsb_tree_##name##_##S(const T *a, T *scratch, size_t n)                              \
	{                                                                                                    \
		if (n == MMSB_TREE_TILE)                                                                     \
			return mmsb_tile_##name##_##S(a);                                                    \
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
#define MMSB_TREE_ORDERED(S, T, name) MMSB_TILE_TREE(S, T, name) MMSB_TREE(S, T, name)
#define MMSB_TREE_FREE(S, T, name) MMSB_TILE_SIDES(S, T, name) MMSB_TREE(S, T, name)
#define MMSB_TREE_BEST(S, T, name, BETTER) MMSB_TILE_BEST(S, T, name, BETTER) MMSB_TREE(S, T, name)
MMSB_FOR_FLT(MMSB_TREE_ORDERED, add)
MMSB_FOR_FLT(MMSB_TREE_ORDERED, mul)
MMSB_FOR_FLT(MMSB_TREE_BEST, min, <)
MMSB_FOR_FLT(MMSB_TREE_BEST, max, >)
MMSB_FOR_INT(MMSB_TREE_FREE, add)
MMSB_FOR_INT(MMSB_TREE_FREE, mul)
MMSB_FOR_INT(MMSB_TREE_FREE, min)
MMSB_FOR_INT(MMSB_TREE_FREE, max)
MMSB_FOR_BOOL_(MMSB_TREE_FREE, land)
MMSB_FOR_BOOL_(MMSB_TREE_FREE, lor)
MMSB_FOR_BITS(MMSB_TREE_FREE, band)
MMSB_FOR_BITS(MMSB_TREE_FREE, bor)
MMSB_FOR_BITS(MMSB_TREE_FREE, bxor)

/* The first of n >= 1 values that is `best`, their minimum or maximum; of values with a NaN the first one. */
#define MMSB_FIND(S, T, ...)                                                                                 \
	MMSB_TREE_FN size_t mmsb_find_##S(const T *a, T best, size_t n)            \
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
