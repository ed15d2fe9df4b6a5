/* kernels.h - loops over the lanes of a tile: what every instruction of the bytecode runs as. Internal.
 *
 * kernels.c is one text, compiled at several levels of the machine's instructions; kernel_table_pick chooses at run time. Every level
 * gives the same bits. Buffers of lanes are aligned to 64 bytes and hold TILE lanes; what lies in pages need not be
 * aligned beyond its type. dst may be one of the operands, and overlaps none of them otherwise. */
#ifndef MMSB_KERNELS_H
#define MMSB_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "../lang/ops.h"
#include "bitset.h"
#include "types.h"

/* dst[i] = op(a[i], b[i], c[i]). */
typedef void kernel_fn(void *dst, const void *a, const void *b, const void *c, size_t n);

/* Lanes are moved by width: 1, 2, 4, 8 bytes are widths 0 to 3. */
enum { WIDTHS = 4 };
static inline unsigned width_of(unsigned type) { return type_table[type].bytes == 8 ? 3u : type_table[type].bytes / 2u; }

/* Where compare-and-store puts lanes, and what they are compared with. `was` may be `at`. */
typedef struct store_target {
	uint8_t *at;
	const uint8_t *was;     /* NULL: everything counts as changed */
	size_t stride;          /* bytes from lane to lane, of both */
	uint64_t *changed;      /* a bit per lane, bit i % 64 of word i / 64: is set where bits differ, else left as it is; or NULL */
} store_target;

/* Where single elements are put: element p at base + p * stride; what changes is marked. */
typedef struct put_target {
	uint8_t *base;
	size_t stride;
	bitset *marks;
	bool twice;             /* set where an element changes that is marked */
} put_target;

/* What an element was before it was marked. */
typedef struct put_old {
	uint64_t position;
	uint64_t bits;
} put_old;

typedef struct kernel_table {
	const char *level;
	kernel_fn *op[OP_COUNT][T_COUNT];
	kernel_fn *conv[T_COUNT][T_COUNT];   /* [from][to]; a copy where they are the same */
	/* n lanes with one value */
	void (*fill[WIDTHS])(void *dst, const void *value, size_t n);
	/* lanes from memory: every `stride` bytes; at base + index * stride */
	void (*load[WIDTHS])(void *dst, const uint8_t *base, ptrdiff_t stride, size_t n);
	void (*gather_u32[WIDTHS])(void *dst, const uint8_t *base, size_t stride, const uint32_t *index, size_t n);
	void (*gather_i64[WIDTHS])(void *dst, const uint8_t *base, size_t stride, const int64_t *index, size_t n);
	/* the lanes of src that map names; those whose mask is set, moved together (returns how many) */
	void (*take[WIDTHS])(void *dst, const void *src, const uint16_t *map, size_t n);
	size_t (*pack[WIDTHS])(void *dst, const void *src, const uint8_t *mask, size_t n);
	/* canonical NaNs, compared with what was there and stored; returns how many lanes changed */
	size_t (*store[T_COUNT])(const store_target *to, const void *src, size_t n);
	/* n floats copied with their NaNs canonical, from any address; NULL for other types */
	void (*canonical[T_COUNT])(void *dst, const void *src, size_t n);
	/* Blocks of 64 elements, their bits alone: a mask each of those that differ; of one, those that a mask names, taken out side by side
	 * and put back (returns how many; others are not touched) */
	void (*differ[WIDTHS])(uint64_t *masks, const void *a, const void *b, size_t blocks);
	size_t (*compress[WIDTHS])(void *packed, const void *src, uint64_t mask);
	size_t (*expand[WIDTHS])(void *dst, const void *packed, uint64_t mask);
	/* n values, `step` bytes apart, to positions `at` or (NULL) from `first` on: compared, stored in this order, marked; what a mark stands for
	 * goes to old[], which has room for n. Returns how many that were. */
	size_t (*put[WIDTHS])(put_target *, uint64_t first, const uint64_t *at, const uint8_t *from, size_t step, size_t n, put_old *old);
	/* The value of n >= 1 operands combined as a tree of adjacent pairs, an odd one at the end taken along. scratch: (n + 1) / 2 lanes. */
	void (*tree[OP_COUNT][T_COUNT])(void *dst, const void *src, void *scratch, size_t n);
	/* dst[i] = the tree over the n[i] in 1..LEAF values from values[first[i]] on; LEAF from there on are readable. scratch: LEAF / 2 lanes. */
	void (*leaves[OP_COUNT][T_COUNT])(void *dst, const void *values, const uint32_t *first, const uint8_t *n, size_t count, void *scratch);
	/* dst[i] = the tree over src[0..i]; dst may be src */
	void (*scan[OP_COUNT][T_COUNT])(void *dst, const void *src, size_t n);
	/* One step of argmin ([0]) or argmax ([1]): where value (of lanes whose mask is set, if there is one) is better than best or
	 * nothing was seen, best and position change. */
	void (*arg[2][T_COUNT])(void *best, uint32_t *position, uint8_t *seen, const void *value, uint32_t at, const uint8_t *mask, size_t n);
	/* The first best lane of n >= 1. */
	size_t (*arg_find[2][T_COUNT])(const void *values, size_t n);
	/* Positions: index[i] = start + step * i; index[i] += coef * x[i] */
	void (*iota)(int64_t *index, int64_t start, int64_t step, size_t n);
	void (*axpy_i64)(int64_t *index, int64_t coef, const int64_t *x, size_t n);
	void (*axpy_u32)(int64_t *index, int64_t coef, const uint32_t *x, size_t n);
	/* Positions along a dimension of extent > 0, brought into it as the views say; outside[i] is set where they are not in it */
	void (*view_clamp)(int64_t *index, int64_t extent, size_t n);
	void (*view_wrap)(int64_t *index, int64_t extent, size_t n);
	void (*view_mirror)(int64_t *index, int64_t extent, size_t n);
	void (*view_outside)(int64_t *index, int64_t extent, uint8_t *outside, size_t n);
	/* XXH3-64 of n bytes, with a seed */
	uint64_t (*hash)(const void *bytes, size_t n, uint64_t seed);
} kernel_table;

/* The best level that this machine runs; MMSB_CPU=base|v3|v4 in the environment asks for a level (ignored where it cannot run). */
const kernel_table *kernel_table_pick(void);

/* The level of this name, or NULL where there is none or the machine cannot run it. */
const kernel_table *kernel_table_level(const char *level);

#endif
