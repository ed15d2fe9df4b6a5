/* kernels.c - the loops of kernels.h, made from ops.def and types.def. Compiled once for each level (-DKERNEL_LEVEL=name). */
#include "kernels.h"

#include <string.h>

#define XXH_INLINE_ALL /* it takes what instructions this level has */
#include <xxhash.h>

#include "elementary.h"
#include "fetch.h"
#include "keep.h"
#include "packed.h"
#include "scalar.h"
#include "tree.h"
#include "view.h"

#undef bool /* a suffix in the lists of types */

#ifndef KERNEL_LEVEL
#define KERNEL_LEVEL base
#endif

/* Suffixes of scalar.h to ids of types.def. */
enum {
	ID_bool = T_BOOL, ID_i8 = T_I8, ID_i16 = T_I16, ID_i32 = T_I32, ID_i64 = T_I64, ID_u8 = T_U8, ID_u16 = T_U16,
	ID_u32 = T_U32, ID_u64 = T_U64, ID_f32 = T_F32, ID_f64 = T_F64
};

/* A macro may be defined as `~, X`: SECOND(M, Y, ) is X then, and Y where it is not defined. */
#define SECOND_(a, b, ...) b
#define SECOND(...) SECOND_(__VA_ARGS__)
#define THIRD_(a, b, c, ...) c
#define THIRD(...) THIRD_(__VA_ARGS__)

/* ---- signed and unsigned ----------------------------------------------------------------------- */

/* Operators of which signed integers have the bits of unsigned ones. One loop serves both: loops are most of what there is to compile. */
#define SHARED_add ~, UNSIGNED, UNLESS_SIGNED
#define SHARED_sub ~, UNSIGNED, UNLESS_SIGNED
#define SHARED_mul ~, UNSIGNED, UNLESS_SIGNED
#define SHARED_eq ~, UNSIGNED, UNLESS_SIGNED
#define SHARED_ne ~, UNSIGNED, UNLESS_SIGNED
#define SHARED_band ~, UNSIGNED, UNLESS_SIGNED
#define SHARED_bor ~, UNSIGNED, UNLESS_SIGNED
#define SHARED_bxor ~, UNSIGNED, UNLESS_SIGNED
#define SHARED_shl ~, UNSIGNED, UNLESS_SIGNED
#define SHARED_neg ~, UNSIGNED, UNLESS_SIGNED
#define SHARED_bnot ~, UNSIGNED, UNLESS_SIGNED
#define SHARED_select ~, UNSIGNED, UNLESS_SIGNED
#define SHARED_popcount ~, UNSIGNED, UNLESS_SIGNED
#define SIGNED_i8 ~, u8, NOTHING
#define SIGNED_i16 ~, u16, NOTHING
#define SIGNED_i32 ~, u32, NOTHING
#define SIGNED_i64 ~, u64, NOTHING
#define ITSELF(S) S
#define UNSIGNED(S) SECOND(SIGNED_##S, S, )
#define NOTHING(...)
#define ALL_OF(...) __VA_ARGS__
#define ALWAYS(S, ...) __VA_ARGS__
#define UNLESS_SIGNED(S, ...) THIRD(SIGNED_##S, ~, ALL_OF, )(__VA_ARGS__)
/* The type whose loop an operator takes, and the text of a loop where it is its own. */
#define LOOP_TYPE(name, S) SECOND(SHARED_##name, ITSELF, )(S)
#define OWN_LOOP(name, S, ...) THIRD(SHARED_##name, ~, ALWAYS, )(S, __VA_ARGS__)
#define JOIN_(name, S) name##_##S
#define JOIN(name, S) JOIN_(name, S)

/* ---- operators --------------------------------------------------------------------------------- */

#define LOOP(S, name, R, A, args)                                                                            \
	static void op_##name##_##S(void *dst, const void *pa, const void *pb, const void *pc, size_t n)     \
	{                                                                                                    \
		R *r = dst;                                                                                  \
		const A *a = pa;                                                                             \
		(void)pb;                                                                                    \
		(void)pc;                                                                                    \
		LANES for (size_t i = 0; i < n; i++) r[i] = mmsb_##name##_##S args;                          \
	}
#define LANE_B(B) ((const B *)pb)[i]
#define LANE_C(C) ((const C *)pc)[i]
/* sin, cos and tan have a quicker form that holds for tiles of small arguments only, with the same bits. */
#define LOOP_TRIG(S, name, R, A, args)                                                                       \
	static void op_##name##_##S(void *dst, const void *pa, const void *pb, const void *pc, size_t n)     \
	{                                                                                                    \
		R *r = dst;                                                                                  \
		const A *a = pa;                                                                             \
		(void)pb;                                                                                    \
		(void)pc;                                                                                    \
		if (mmsb_trig_small_##S(a, n)) {                                                             \
			LANES for (size_t i = 0; i < n; i++) r[i] = mmsb_##name##_small_##S args;            \
		} else {                                                                                     \
			LANES for (size_t i = 0; i < n; i++) r[i] = mmsb_##name##_##S args;                  \
		}                                                                                            \
	}
#define TRIG_sin ~, LOOP_TRIG
#define TRIG_cos ~, LOOP_TRIG
#define TRIG_tan ~, LOOP_TRIG
#define ARITH_1(S, T, name) SECOND(TRIG_##name, LOOP, )(S, name, T, T, (a[i]))
#define ARITH_2(S, T, name) LOOP(S, name, T, T, (a[i], LANE_B(T)))
#define ARITH_3(S, T, name) LOOP(S, name, T, T, (a[i], LANE_B(T), LANE_C(T)))
#define RULE_ARITH_(S, T, name, arity) ARITH_##arity(S, T, name)
#define RULE_SHIFT_(S, T, name, arity) ARITH_2(S, T, name)
#define RULE_CMP_(S, T, name, arity) LOOP(S, name, uint8_t, T, (a[i], LANE_B(T)))
#define RULE_SELECT_(S, T, name, arity) LOOP(S, name, T, uint8_t, (a[i], LANE_B(T), LANE_C(T)))
#define RULE_TEST_(S, T, name, arity) LOOP(S, name, uint8_t, T, (a[i]))
#define RULE_COUNT_(S, T, name, arity) LOOP(S, name, int64_t, T, (a[i]))
#define RAND_1(S, T, name) LOOP(S, name, double, T, (a[i]))
#define RAND_3(S, T, name) LOOP(S, name, T, T, (a[i], LANE_B(T), LANE_C(T)))
#define RULE_RAND_(S, T, name, arity) RAND_##arity(S, T, name)

#define LOOP_OF(S, T, name, rule, arity) OWN_LOOP(name, S, rule(S, T, name, arity))
#define OP(id, name, spelling, form, arity, rule, types, reduce, d0, d1, d2, flags) MMSB_FOR_##types(LOOP_OF, name, RULE_##rule##_, arity)
#include "../lang/ops.def"
#undef OP

/* ---- conversions ------------------------------------------------------------------------------- */

#define CONV(TO, TT, FROM, FT)                                                                               \
	static void conv_##FROM##_##TO(void *dst, const void *pa, const void *pb, const void *pc, size_t n)  \
	{                                                                                                    \
		TT *r = dst;                                                                                 \
		const FT *a = pa;                                                                            \
		(void)pb;                                                                                    \
		(void)pc;                                                                                    \
		LANES for (size_t i = 0; i < n; i++) r[i] = mmsb_conv_##FROM##_##TO(a[i]);                   \
	}
#define CONV_FROM(FROM, FT) MMSB_FOR_ALL(CONV, FROM, FT)
/* From an integer, bits depend on the width of what it becomes; and where that is no wider, of neither is asked whether it is signed. */
#define CONV_INT(TO, TT, FROM, FT) UNLESS_SIGNED(TO, CONV(TO, TT, FROM, FT))
#define CONV_FROM_INT(FROM, FT) MMSB_FOR_ALL(CONV_INT, FROM, FT)
#define CONV_WIDER_16(FROM, FT) CONV(u16, uint16_t, FROM, FT) CONV_WIDER_32(FROM, FT)
#define CONV_WIDER_32(FROM, FT) CONV(u32, uint32_t, FROM, FT) CONV_WIDER_64(FROM, FT)
#define CONV_WIDER_64(FROM, FT) CONV(u64, uint64_t, FROM, FT) CONV_TO_FLOAT(FROM, FT)
#define CONV_TO_FLOAT(FROM, FT) CONV(f32, float, FROM, FT) CONV(f64, double, FROM, FT)
CONV_FROM_INT(u8, uint8_t)
CONV_FROM_INT(u16, uint16_t)
CONV_FROM_INT(u32, uint32_t)
CONV_FROM_INT(u64, uint64_t)
CONV_WIDER_16(i8, int8_t)
CONV_WIDER_32(i16, int16_t)
CONV_WIDER_64(i32, int32_t)
CONV_TO_FLOAT(i64, int64_t)
CONV_FROM(f32, float)
CONV_FROM(f64, double)

/* ---- lanes from and to memory ------------------------------------------------------------------ */

/* Elements of records lie at multiples of their own size (natural alignment), so typed loads are aligned. */
#define MOVE(B)                                                                                              \
	typedef uint##B##_t __attribute__((may_alias)) lane##B;                                                                         \
	static void fill_##B(void *dst, const void *value, size_t n)                                         \
	{                                                                                                    \
		lane##B *r = dst, v = *(const lane##B *)value;                                               \
		LANES for (size_t i = 0; i < n; i++) r[i] = v;                                               \
	}                                                                                                    \
	static void load_##B(void *dst, const uint8_t *base, ptrdiff_t stride, size_t n)                     \
	{                                                                                                    \
		lane##B *r = dst;                                                                            \
		LANES for (size_t i = 0; i < n; i++) r[i] = *(const lane##B *)(const void *)(base + (ptrdiff_t)i * stride); \
	}                                                                                                    \
	GATHER(B, u32, uint32_t)                                                                             \
	GATHER(B, i64, int64_t)                                                                              \
	static void take_##B(void *dst, const void *src, const uint16_t *map, size_t n)                      \
	{                                                                                                    \
		lane##B *r = dst;                                                                            \
		const lane##B *a = src;                                                                      \
		LANES for (size_t i = 0; i < n; i++) r[i] = a[map[i]];                                       \
	}                                                                                                    \
	static size_t pack_##B(void *dst, const void *src, const uint8_t *mask, size_t n)                    \
	{                                                                                                    \
		lane##B *r = dst;                                                                            \
		const lane##B *a = src;                                                                      \
		size_t k = 0;                                                                                \
		for (size_t i = 0; i < n; i++) {                                                             \
			r[k] = a[i];                                                                         \
			k += mask[i];                                                                        \
		}                                                                                            \
		return k;                                                                                    \
	}
/* The stride of most pages is the lane's own size: a loop of its own, which becomes a gather instruction. */
#define GATHER(B, S, I)                                                                                      \
	static void gather_##S##_##B(void *dst, const uint8_t *base, size_t stride, const I *index, size_t n) \
	{                                                                                                    \
		lane##B *r = dst;                                                                            \
		const lane##B *a = (const void *)base;                                                       \
		if (stride == sizeof(lane##B)) {                                                             \
			LANES for (size_t i = 0; i < n; i++) r[i] = a[index[i]];                             \
			return;                                                                              \
		}                                                                                            \
		for (size_t i = 0; i < n; i++)                                                               \
			r[i] = *(const lane##B *)(const void *)(base + (size_t)index[i] * stride);           \
	}
MOVE(8)
MOVE(16)
MOVE(32)
MOVE(64)

#define STORE(S, T, ...)                                                                                     \
	static size_t store_##S(const store_target *to, const void *src, size_t n)                           \
	{                                                                                                    \
		const T *a = src;                                                                            \
		size_t changed = 0;                                                                          \
		for (size_t i = 0; i < n; i += 64) {                                                         \
			size_t m = n - i < 64 ? n - i : 64, offset = i * to->stride;                         \
			T *at = (void *)(to->at + offset);                                                   \
			const T *was = to->was ? (const void *)(to->was + offset) : NULL;                    \
			uint64_t mask = m == 64 && to->stride == sizeof(T) ? mmsb_keep_##S(at, was, a + i) : mmsb_keep_few_##S(at, was, to->stride, a + i, m); \
			changed += (size_t)__builtin_popcountll(mask);                                       \
			if (to->changed)                                                                     \
				to->changed[i / 64] |= mask;                                                 \
		}                                                                                            \
		return changed;                                                                              \
	}
MMSB_FOR_ALL(STORE, )

#define CANONICAL(S, T)                                                                                      \
	static void canonical_##S(void *dst, const void *src, size_t n)                                      \
	{                                                                                                    \
		T *to = dst;                                                                                 \
		const uint8_t *from = src;                                                                   \
		LANES for (size_t i = 0; i < n; i++)                                                         \
		{                                                                                            \
			T v;                                                                                 \
			memcpy(&v, from + i * sizeof v, sizeof v);                                           \
			to[i] = mmsb_canon_##S(v);                                                           \
		}                                                                                            \
	}
CANONICAL(f32, float)
CANONICAL(f64, double)

/* ---- blocks of 64 elements --------------------------------------------------------------------- */

#define BLOCKS(B)                                                                                            \
	static void differ_blocks_##B(uint64_t *masks, const void *a, const void *b, size_t blocks)          \
	{                                                                                                    \
		const uint8_t *x = a, *y = b;                                                                \
		for (size_t i = 0; i < blocks; i++)                                                          \
			masks[i] = differ_##B(x + i * 8 * B, y + i * 8 * B);                                 \
	}                                                                                                    \
	static size_t compress_block_##B(void *packed, const void *src, uint64_t mask) { return compress_##B(packed, src, mask); } \
	static size_t expand_block_##B(void *dst, const void *packed, uint64_t mask) { return expand_##B(dst, packed, mask); }
BLOCKS(8)
BLOCKS(16)
BLOCKS(32)
BLOCKS(64)

/* ---- single elements --------------------------------------------------------------------------- */

/* How far ahead elements are asked for, of pages that are larger than the nearest cache, and marks, if these are, too. From how many marks for
 * each word of level 1 on the levels above are found from the words, not from the positions. That is done when all are marked: one loop has
 * not registers enough for both. */
enum { AHEAD = 24, NEAR = 1 << 15, SWEEP = 16 };
enum { ASK_NONE, ASK_ELEMENTS, ASK_MARKS };

static inline void note_words(bitset *marks, uint64_t g, uint64_t bits)
{
	uint64_t others = marks->level[1][g];
	marks->level[1][g] = others | bits;
	if (!others && bits) /* rarely, where whether the word was empty is anyone's guess */
		bitset_note_group(marks, g);
}

/* The levels above, of what has been marked. */
static void note_marked(bitset *marks, const put_old *old, size_t n)
{
	static const uint64_t none[64];
	if (marks->depth < 2)
		return;
	const uint64_t *words = marks->level[0];
	uint64_t left = bitset_words(marks->n), last = 0;
	if (n < left / 64 * SWEEP + SWEEP) {
		for (size_t i = 0; i < n; i++)
			note_words(marks, old[i].position / 4096, (uint64_t)1 << old[i].position / 64 % 64);
		return;
	}
	for (uint64_t g = 0; left >= 64; g++, words += 64, left -= 64)
		note_words(marks, g, differ_64(words, none));
	for (uint64_t i = 0; i < left; i++) /* a group of less than 64 words */
		last |= (uint64_t)(words[i] != 0) << i;
	if (left)
		note_words(marks, bitset_words(marks->n) / 64, last);
}

/* put_lanes: compiled for what is asked for ahead, and for values side by side. */
#define PUT(B)                                                                                               \
	static inline __attribute__((always_inline)) size_t put_lanes_##B(put_target *to, int ask, size_t stride, uint64_t first, const uint64_t *at, \
	                                                                  const uint8_t *from, size_t step, size_t n, put_old *old) \
	{                                                                                                    \
		uint8_t *const base = to->base;                                                              \
		uint64_t *const words = to->marks->level[0];                                                 \
		put_old *top = old;                                                                          \
		size_t asked = n > AHEAD ? n - AHEAD : 0;                                                    \
		uint64_t twice = 0;                                                                          \
		for (size_t i = 0; i < n; i++) {                                                             \
			uint64_t position = at ? at[i] : first + i, value_bits = 0;                          \
			if (ask && i < asked) {                                                              \
				fetch_to_write(base + at[i + AHEAD] * stride);                               \
				if (ask == ASK_MARKS)                                                        \
					fetch_to_write(words + at[i + AHEAD] / 64);                          \
			}                                                                                    \
			lane##B *element = (void *)(base + position * stride), value;                        \
			memcpy(&value, from + i * step, sizeof value);                                       \
			if (*element == value)                                                               \
				continue;                                                                    \
			uint64_t word = words[position / 64], bit = (uint64_t)1 << position % 64;            \
			if (word & bit) {                                                                    \
				twice = 1;                                                                   \
			} else {                                                                             \
				memcpy(&value_bits, element, sizeof value);                                  \
				*top++ = (put_old){position, value_bits};                                    \
				words[position / 64] = word | bit;                                           \
			}                                                                                    \
			*element = value;                                                                    \
		}                                                                                            \
		to->twice |= twice != 0;                                                                     \
		return (size_t)(top - old);                                                                  \
	}                                                                                                    \
	static __attribute__((noinline)) size_t put_near_##B(put_target *to, const uint64_t *at, const uint8_t *from, size_t n, put_old *old) \
	{                                                                                                    \
		return put_lanes_##B(to, ASK_ELEMENTS, sizeof(lane##B), 0, at, from, sizeof(lane##B), n, old); \
	}                                                                                                    \
	static __attribute__((noinline)) size_t put_far_##B(put_target *to, const uint64_t *at, const uint8_t *from, size_t n, put_old *old) \
	{                                                                                                    \
		return put_lanes_##B(to, ASK_MARKS, sizeof(lane##B), 0, at, from, sizeof(lane##B), n, old);  \
	}                                                                                                    \
	static size_t put_##B(put_target *to, uint64_t first, const uint64_t *at, const uint8_t *from, size_t step, size_t n, put_old *old) \
	{                                                                                                    \
		int beside = to->stride == sizeof(lane##B) && step == sizeof(lane##B);                       \
		int ask = !at || to->marks->n * to->stride <= NEAR ? ASK_NONE : to->marks->n / 8 <= NEAR ? ASK_ELEMENTS : ASK_MARKS; \
		size_t marked;                                                                               \
		if (!ask || !beside)                                                                         \
			marked = put_lanes_##B(to, ask, to->stride, first, at, from, step, n, old);          \
		else                                                                                         \
			marked = ask == ASK_ELEMENTS ? put_near_##B(to, at, from, n, old) : put_far_##B(to, at, from, n, old); \
		note_marked(to->marks, old, marked);                                                         \
		return marked;                                                                               \
	}
PUT(8)
PUT(16)
PUT(32)
PUT(64)

/* ---- reductions -------------------------------------------------------------------------------- */

/* A few operands of a sum are filled up with -0, which moves no bit (0 of integers): loops of known lengths become a few vector instructions. */
enum { FEW = 32, PAD_add = 1, PAD_mul = 0, PAD_land = 0, PAD_lor = 0, PAD_band = 0, PAD_bor = 0, PAD_bxor = 0, PAD_min = 0, PAD_max = 0 };
#define TREE_(S, T, name)                                                                                    \
	static inline T few_##name##_##S(const T *a, size_t n)                                               \
	{                                                                                                    \
		T w[FEW], b[FEW / 2], c[FEW / 4], d[FEW / 8];                                                \
		LANES for (size_t i = 0; i < FEW; i++) w[i] = i < n ? a[i] : (T)-0.0;                         \
		MMSB_HALVE(S, T, name, b, w, FEW / 2);                                                            \
		MMSB_HALVE(S, T, name, c, b, FEW / 4);                                                            \
		MMSB_HALVE(S, T, name, d, c, FEW / 8);                                                            \
		return mmsb_##name##_##S(mmsb_##name##_##S(d[0], d[1]), mmsb_##name##_##S(d[2], d[3]));      \
	}                                                                                                    \
	static __attribute__((noinline)) void tree_##name##_##S(void *dst, const void *src, void *scratch, size_t n) \
	{                                                                                                    \
		*(T *)dst = PAD_##name && n <= FEW ? few_##name##_##S(src, n) : mmsb_tree_##name##_##S(src, scratch, n); \
	}                                                                                                    \
	static void leaves_##name##_##S(void *dst, const void *values, const uint32_t *first, const uint8_t *n, size_t count, void *scratch) \
	{                                                                                                    \
		for (size_t i = 0; i < count; i++) {                                                         \
			const T *a = (const T *)values + first[i];                                           \
			((T *)dst)[i] = PAD_##name ? few_##name##_##S(a, n[i]) : mmsb_tree_##name##_##S(a, scratch, n[i]); \
		}                                                                                            \
	}                                                                                                    \
	static void scan_##name##_##S(void *dst, const void *src, size_t n)                                  \
	{                                                                                                    \
		T *r = dst;                                                                                  \
		if (r != src)                                                                                \
			memcpy(r, src, n * sizeof *r);                                                       \
		for (size_t half = 1; half < n; half *= 2)                                                   \
			for (size_t base = half; base < n; base += 2 * half) {                               \
				const T left = r[base - 1];                                                  \
				size_t end = n - base < half ? n : base + half;                              \
				LANES for (size_t i = base; i < end; i++) r[i] = mmsb_##name##_##S(left, r[i]); \
			}                                                                                    \
	}
#define NO_TREE(S, T, name)
#define TREE_OF_ASSOC TREE_
#define TREE_OF_IDEM TREE_
#define TREE_OF_NO NO_TREE
#define EACH_TREE(S, T, name, tree) OWN_LOOP(name, S, tree(S, T, name))
#define OP(id, name, spelling, form, arity, rule, types, reduce, d0, d1, d2, flags) MMSB_FOR_##types(EACH_TREE, name, TREE_OF_##reduce)
#include "../lang/ops.def"
#undef OP

#define NEVER(x) 0
#define IS_NAN(x) ((x) != (x))
#define ARG(S, T, dir, BETTER, NAN_)                                                                         \
	static void arg_##dir##_##S(void *pbest, uint32_t *position, uint8_t *seen, const void *pvalue, uint32_t at, \
	                            const uint8_t *mask, size_t n)                                           \
	{                                                                                                    \
		T *best = pbest;                                                                             \
		const T *value = pvalue;                                                                     \
		for (size_t i = 0; i < n; i++) {                                                             \
			int better = !seen[i] || value[i] BETTER best[i] || (NAN_(value[i]) && !NAN_(best[i])); \
			if (!better || (mask && !mask[i]))                                                   \
				continue;                                                                    \
			best[i] = value[i];                                                                  \
			position[i] = at;                                                                    \
			seen[i] = 1;                                                                         \
		}                                                                                            \
	}                                                                                                    \
	static size_t arg_find_##dir##_##S(const void *values, size_t n)                                     \
	{                                                                                                    \
		const T *v = values;                                                                         \
		T scratch[(MMSB_TREE_TILE + 1) / 2], best = v[0];                                                      \
		size_t at = 0;                                                                               \
		for (size_t first = 0; first < n; first += MMSB_TREE_TILE) {                                           \
			size_t m = n - first < MMSB_TREE_TILE ? n - first : MMSB_TREE_TILE;                                    \
			T own;                                                                               \
			tree_##dir##_##S(&own, v + first, scratch, m);                                       \
			if (first > 0 && !(own BETTER best || (NAN_(own) && !NAN_(best))))                   \
				continue;                                                                    \
			best = own;                                                                          \
			at = first + mmsb_find_##S(v + first, own, m);                                       \
		}                                                                                            \
		return at;                                                                                   \
	}
#define ARGS_INT(S, T, ...) ARG(S, T, min, <, NEVER) ARG(S, T, max, >, NEVER)
#define ARGS_FLT(S, T, ...) ARG(S, T, min, <, IS_NAN) ARG(S, T, max, >, IS_NAN)
MMSB_FOR_INT(ARGS_INT, )
MMSB_FOR_FLT(ARGS_FLT, )

/* ---- positions --------------------------------------------------------------------------------- */

static void iota(int64_t *index, int64_t start, int64_t step, size_t n)
{
	LANES for (size_t i = 0; i < n; i++) index[i] = mmsb_add_i64(start, mmsb_mul_i64(step, (int64_t)i));
}

static void axpy_i64(int64_t *index, int64_t coef, const int64_t *x, size_t n)
{
	LANES for (size_t i = 0; i < n; i++) index[i] = mmsb_add_i64(index[i], mmsb_mul_i64(coef, x[i]));
}

static void axpy_u32(int64_t *index, int64_t coef, const uint32_t *x, size_t n)
{
	LANES for (size_t i = 0; i < n; i++) index[i] = mmsb_add_i64(index[i], mmsb_mul_i64(coef, (int64_t)x[i]));
}

static void view_clamp(int64_t *index, int64_t extent, size_t n)
{
	LANES for (size_t i = 0; i < n; i++) index[i] = mmsb_clamp_i64(index[i], 0, extent - 1);
}

/* Most lanes are inside, so the remainder is taken only where it is needed. */
static void view_wrap(int64_t *index, int64_t extent, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((uint64_t)index[i] >= (uint64_t)extent)
			index[i] = mmsb_view_wrap(index[i], extent);
}

static void view_mirror(int64_t *index, int64_t extent, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((uint64_t)index[i] >= (uint64_t)extent)
			index[i] = mmsb_view_mirror(index[i], extent);
}

static void view_outside(int64_t *index, int64_t extent, uint8_t *outside, size_t n)
{
	LANES for (size_t i = 0; i < n; i++)
	{
		uint8_t out = (uint64_t)index[i] >= (uint64_t)extent;
		outside[i] |= out;
		index[i] = out ? 0 : index[i];
	}
}

/* ---- bytes ------------------------------------------------------------------------------------- */

static uint64_t hash(const void *bytes, size_t n, uint64_t seed) { return XXH3_64bits_withSeed(bytes, n, seed); }

/* ---- the table --------------------------------------------------------------------------------- */

#define NAMED_(level) kernel_table_##level
#define NAMED(level) NAMED_(level)
#define TEXT_(level) #level
#define TEXT(level) TEXT_(level)

#define ROW_OP(S, T, name) [ID_##S] = JOIN(op_##name, LOOP_TYPE(name, S)),
#define ROW_CONV(TO, TT, FROM) [ID_##TO] = conv_##FROM##_##TO,
/* From integers: whose loops lead to bool and 8, 16, 32, 64 bits, and to floats. */
#define ROWS_CONV(to_8, to_16, to_32, to_64, to_float)                                                       \
	{                                                                                                    \
		[T_BOOL] = conv_##to_8##_bool, [T_I8] = conv_##to_8##_u8, [T_U8] = conv_##to_8##_u8, [T_I16] = conv_##to_16##_u16, \
		[T_U16] = conv_##to_16##_u16, [T_I32] = conv_##to_32##_u32, [T_U32] = conv_##to_32##_u32, [T_I64] = conv_##to_64##_u64, \
		[T_U64] = conv_##to_64##_u64, [T_F32] = conv_##to_float##_f32, [T_F64] = conv_##to_float##_f64, \
	}
#define ROW_STORE(S, T, ...) [ID_##S] = store_##S,
#define ROW_TREE(S, T, name) [ID_##S] = JOIN(tree_##name, LOOP_TYPE(name, S)),
#define ROW_LEAVES(S, T, name) [ID_##S] = JOIN(leaves_##name, LOOP_TYPE(name, S)),
#define ROW_SCAN(S, T, name) [ID_##S] = JOIN(scan_##name, LOOP_TYPE(name, S)),
#define ROW_ARG(S, T, what) [ID_##S] = what##_##S,
#define ROWS_ASSOC(row, types, name) {MMSB_FOR_##types(row, name)}
#define ROWS_IDEM(row, types, name) {MMSB_FOR_##types(row, name)}
#define ROWS_NO(row, types, name) {0}

extern const kernel_table NAMED(KERNEL_LEVEL);
const kernel_table NAMED(KERNEL_LEVEL) = {
	.level = TEXT(KERNEL_LEVEL),
	.op = {
#define OP(id, name, spelling, form, arity, rule, types, reduce, d0, d1, d2, flags) [OP_##id] = {MMSB_FOR_##types(ROW_OP, name)},
#include "../lang/ops.def"
#undef OP
	},
	.conv = {
		[T_BOOL] = ROWS_CONV(u8, u8, u8, u8, u8),
		[T_I8] = ROWS_CONV(u8, i8, i8, i8, i8),
		[T_I16] = ROWS_CONV(u16, u16, i16, i16, i16),
		[T_I32] = ROWS_CONV(u32, u32, u32, i32, i32),
		[T_I64] = ROWS_CONV(u64, u64, u64, u64, i64),
		[T_U8] = ROWS_CONV(u8, u8, u8, u8, u8),
		[T_U16] = ROWS_CONV(u16, u16, u16, u16, u16),
		[T_U32] = ROWS_CONV(u32, u32, u32, u32, u32),
		[T_U64] = ROWS_CONV(u64, u64, u64, u64, u64),
		[T_F32] = {MMSB_FOR_ALL(ROW_CONV, f32)},
		[T_F64] = {MMSB_FOR_ALL(ROW_CONV, f64)},
	},
	.fill = {fill_8, fill_16, fill_32, fill_64},
	.load = {load_8, load_16, load_32, load_64},
	.gather_u32 = {gather_u32_8, gather_u32_16, gather_u32_32, gather_u32_64},
	.gather_i64 = {gather_i64_8, gather_i64_16, gather_i64_32, gather_i64_64},
	.take = {take_8, take_16, take_32, take_64},
	.pack = {pack_8, pack_16, pack_32, pack_64},
	.store = {MMSB_FOR_ALL(ROW_STORE, )},
	.canonical = {[T_F32] = canonical_f32, [T_F64] = canonical_f64},
	.differ = {differ_blocks_8, differ_blocks_16, differ_blocks_32, differ_blocks_64},
	.compress = {compress_block_8, compress_block_16, compress_block_32, compress_block_64},
	.put = {put_8, put_16, put_32, put_64},
	.expand = {expand_block_8, expand_block_16, expand_block_32, expand_block_64},
	.tree = {
#define OP(id, name, spelling, form, arity, rule, types, reduce, d0, d1, d2, flags) [OP_##id] = ROWS_##reduce(ROW_TREE, types, name),
#include "../lang/ops.def"
#undef OP
	},
	.leaves = {
#define OP(id, name, spelling, form, arity, rule, types, reduce, d0, d1, d2, flags) [OP_##id] = ROWS_##reduce(ROW_LEAVES, types, name),
#include "../lang/ops.def"
#undef OP
	},
	.scan = {
#define OP(id, name, spelling, form, arity, rule, types, reduce, d0, d1, d2, flags) [OP_##id] = ROWS_##reduce(ROW_SCAN, types, name),
#include "../lang/ops.def"
#undef OP
	},
	.arg = {{MMSB_FOR_NUM(ROW_ARG, arg_min)}, {MMSB_FOR_NUM(ROW_ARG, arg_max)}},
	.arg_find = {{MMSB_FOR_NUM(ROW_ARG, arg_find_min)}, {MMSB_FOR_NUM(ROW_ARG, arg_find_max)}},
	.iota = iota,
	.axpy_i64 = axpy_i64,
	.axpy_u32 = axpy_u32,
	.view_clamp = view_clamp,
	.view_wrap = view_wrap,
	.view_mirror = view_mirror,
	.view_outside = view_outside,
	.hash = hash,
};
