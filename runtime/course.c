/* course.c - courses: writing and walking them (course.h). Compiled once for each level (-DKERNEL_LEVEL=name). */
#include "course.h"

#include <string.h>

#include "reduce.h"
#include "scalar.h"

#undef bool /* a suffix in the lists of types */

#ifndef KERNEL_LEVEL
#define KERNEL_LEVEL base
#endif

#ifdef __clang__
#pragma clang diagnostic ignored "-Wpass-failed"
#define LANES _Pragma("clang loop vectorize(assume_safety)")
#else
#define LANES _Pragma("GCC ivdep")
#endif

enum { NO_BOUNDARY = 32 /* of the first leaf of a list, and where positions need not be looked at */ };

/* ---- writing ----------------------------------------------------------------------------------- */

/* The nodes of a list that wait for those on their right. They part at lower and lower levels: the highest bit in which positions differ. */
typedef struct waiting {
	uint16_t node[NO_BOUNDARY + 2];
	uint8_t boundary[NO_BOUNDARY + 2];
	uint32_t n;
} waiting;

static void join(course *c, waiting *w)
{
	w->n--;
	c->left[c->n_joins] = w->node[w->n - 1];
	c->right[c->n_joins++] = w->node[w->n];
}

static void add_leaf(course *c, uint32_t at) { c->at[c->n_leaves++] = (uint16_t)at; }

/* How many of up to LEAF keys agree with the first above `level`. */
static inline uint32_t count_agreeing(const uint32_t *key, uint32_t level)
{
	uint32_t n = 0, first = key[0] >> level;
	for (uint32_t j = 0; j < LEAF; j++)
		n += key[j] >> level == first;
	return n;
}

static uint32_t highest_difference(uint32_t a, uint32_t b) { return 31 - (uint32_t)__builtin_clz(a ^ b); }

/* A leaf is the largest aligned block that has at most LEAF operands: it holds none of the leaf before, and not the operand LEAF places on. */
static void write_long(course *c, const uint32_t *key, uint32_t at, uint32_t end)
{
	waiting w = {.n = 0};
	uint32_t boundary = NO_BOUNDARY;
	while (at < end) {
		uint32_t n = end - at, level = boundary;
		if (n > LEAF) {
			uint32_t beyond = highest_difference(key[at], key[at + LEAF]);
			n = count_agreeing(key + at, beyond < level ? beyond : level);
		} else if (level < NO_BOUNDARY) {
			uint32_t left = n;
			for (n = 1; n < left && (key[at + n] ^ key[at]) >> level == 0; n++)
				;
		}
		while (w.n > 1 && w.boundary[w.n - 1] < boundary)
			join(c, &w);
		w.node[w.n] = (uint16_t)c->n_leaves;
		w.boundary[w.n++] = (uint8_t)boundary;
		add_leaf(c, at);
		at += n;
		if (at < end)
			boundary = highest_difference(key[at - 1], key[at]);
	}
	while (w.n > 1)
		join(c, &w);
}

static void write_course(course *c, const uint32_t *key, const uint32_t *ends, uint32_t n, _Bool ordered)
{
	uint32_t at = 0, longest = 0;
	c->n_lists = n;
	c->n_leaves = c->n_joins = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t length = ends[i] - at;
		c->first[i] = length ? (uint16_t)c->n_leaves : UINT16_MAX;
		longest = length > longest ? length : longest;
		if (length > LEAF && ordered)
			write_long(c, key, at, ends[i]);
		else if (length)
			add_leaf(c, at);
		at = ends[i];
	}
	for (uint32_t i = 0; i < n; i++)
		c->first[i] = c->first[i] == UINT16_MAX ? (uint16_t)c->n_leaves : c->first[i];
	c->at[c->n_leaves] = (uint16_t)at;
	c->n_operands = at;
	c->longest = ordered && longest > LEAF ? LEAF : longest;
}

/* ---- walking ----------------------------------------------------------------------------------- */

/* What moves no bit beside an operand: leaves are filled up with it, so that loops have known lengths. */
#define IS_FLOAT(T) ((T)0.5 != (T)0)
#define NEUTRAL_add(S, T) (IS_FLOAT(T) ? (T)-0.0 : (T)0)
#define NEUTRAL_mul(S, T) ((T)1)
#define NEUTRAL_land(S, T) ((T)1)
#define NEUTRAL_lor(S, T) ((T)0)
#define NEUTRAL_band(S, T) ONES_##S
#define NEUTRAL_bor(S, T) ((T)0)
#define NEUTRAL_bxor(S, T) ((T)0)
#define NEUTRAL_min(S, T) MOST_##S
#define NEUTRAL_max(S, T) LEAST_##S
enum { ONES_bool = 1 };
#define ONES_i8 ((int8_t)-1)
#define ONES_i16 ((int16_t)-1)
#define ONES_i32 ((int32_t)-1)
#define ONES_i64 ((int64_t)-1)
#define ONES_u8 UINT8_MAX
#define ONES_u16 UINT16_MAX
#define ONES_u32 UINT32_MAX
#define ONES_u64 UINT64_MAX
#define MOST_i8 INT8_MAX
#define MOST_i16 INT16_MAX
#define MOST_i32 INT32_MAX
#define MOST_i64 INT64_MAX
#define MOST_u8 UINT8_MAX
#define MOST_u16 UINT16_MAX
#define MOST_u32 UINT32_MAX
#define MOST_u64 UINT64_MAX
#define MOST_f32 __builtin_inff()
#define MOST_f64 __builtin_inf()
#define LEAST_i8 INT8_MIN
#define LEAST_i16 INT16_MIN
#define LEAST_i32 INT32_MIN
#define LEAST_i64 INT64_MIN
#define LEAST_u8 0
#define LEAST_u16 0
#define LEAST_u32 0
#define LEAST_u64 0
#define LEAST_f32 (-__builtin_inff())
#define LEAST_f64 (-__builtin_inf())

/* Adjacent pairs, as the order says; where any order will do, halves of a vector, which need not be taken apart. */
#define FREE_add(T) !IS_FLOAT(T)
#define FREE_mul(T) !IS_FLOAT(T)
#define FREE_land(T) 1
#define FREE_lor(T) 1
#define FREE_band(T) 1
#define FREE_bor(T) 1
#define FREE_bxor(T) 1
#define FREE_min(T) 1
#define FREE_max(T) 1
#define HALVE(S, T, name, to, from, n)                                                                       \
	do {                                                                                                 \
		if (FREE_##name(T)) {                                                                        \
			LANES for (size_t i = 0; i < (n); i++) (to)[i] = mmsb_##name##_##S((from)[i], (from)[i + (n)]); \
		} else {                                                                                     \
			LANES for (size_t i = 0; i < (n); i++) (to)[i] = mmsb_##name##_##S((from)[2 * i], (from)[2 * i + 1]); \
		}                                                                                            \
	} while (0)

/* Leaves are first brought to eight values each, and those of some leaves then combined side by side. */
enum { TOGETHER = 16 };

#define FOLD_(S, T, name, to, x, y) LANES for (uint32_t j = 0; j < TOGETHER; j++) (to)[j] = mmsb_##name##_##S((x)[j], (y)[j])

/* The k-th of eight values, and that with which it is combined first. */
#define PAIR_(name, T, k) (FREE_##name(T) ? (k) : 2 * (k))
#define OTHER_(name, T, k) (FREE_##name(T) ? (k) + 4 : 2 * (k) + 1)

#define WALK_(S, T, name)                                                                                    \
	static inline void eight_of_8_##name##_##S(T (*q)[TOGETHER], uint32_t to, const T *a, uint32_t n)    \
	{                                                                                                    \
		for (uint32_t i = 0; i < 8; i++)                                                             \
			q[i][to] = i < n ? a[i] : NEUTRAL_##name(S, T);                                      \
	}                                                                                                    \
	static inline void eight_of_any_##name##_##S(T (*q)[TOGETHER], uint32_t to, const T *a, uint32_t n)  \
	{                                                                                                    \
		T w[LEAF], b[LEAF / 2], c[LEAF / 4];                                                         \
		LANES for (uint32_t i = 0; i < LEAF; i++) w[i] = i < n ? a[i] : NEUTRAL_##name(S, T);        \
		for (uint32_t k = LEAF; FREE_##name(T) && k < n; k += LEAF) {                                \
			T x[LEAF];                                                                           \
			const T *from = a + k;                                                               \
			uint32_t left = n - k;                                                               \
			LANES for (uint32_t i = 0; i < LEAF; i++) x[i] = i < left ? from[i] : NEUTRAL_##name(S, T); \
			LANES for (uint32_t i = 0; i < LEAF; i++) w[i] = mmsb_##name##_##S(w[i], x[i]);      \
		}                                                                                            \
		HALVE(S, T, name, b, w, LEAF / 2);                                                           \
		HALVE(S, T, name, c, b, LEAF / 4);                                                           \
		for (uint32_t i = 0; i < 8; i++)                                                             \
			q[i][to] = c[i];                                                                     \
	}                                                                                                    \
	static inline void fold_eight_##name##_##S(T *nodes, T (*q)[TOGETHER])                               \
	{                                                                                                    \
		for (uint32_t k = 0; k < 4; k++)                                                             \
			FOLD_(S, T, name, q[k], q[PAIR_(name, T, k)], q[OTHER_(name, T, k)]);                \
		FOLD_(S, T, name, q[0], q[0], q[1]);                                                         \
		FOLD_(S, T, name, q[2], q[2], q[3]);                                                         \
		FOLD_(S, T, name, nodes, q[0], q[2]);                                                        \
	}                                                                                                    \
	static inline void fold_four_##name##_##S(T *nodes, T (*q)[TOGETHER])                                \
	{                                                                                                    \
		FOLD_(S, T, name, q[0], q[0], q[1]);                                                         \
		FOLD_(S, T, name, q[2], q[2], q[3]);                                                         \
		FOLD_(S, T, name, nodes, q[0], q[2]);                                                        \
	}                                                                                                    \
	static inline void four_of_4_##name##_##S(T (*q)[TOGETHER], uint32_t to, const T *a, uint32_t n)     \
	{                                                                                                    \
		const T neutral = NEUTRAL_##name(S, T), b = a[1], c = a[2], d = a[3];                        \
		q[0][to] = a[0];                                                                             \
		q[1][to] = n > 1 ? b : neutral;                                                              \
		q[2][to] = n > 2 ? c : neutral;                                                              \
		q[3][to] = n > 3 ? d : neutral;                                                              \
	}                                                                                                    \
	static void walk_##name##_##S(void *pout, void *pnodes, const course *c, const void *pvalues, const void *empty) \
	{                                                                                                    \
		T *out = pout, *nodes = pnodes, q[8][TOGETHER] = {{0}};                                      \
		const T *values = pvalues;                                                                   \
		const uint16_t *at = c->at, *first = c->first, *left = c->left, *right = c->right;           \
		for (uint32_t i = 0; i < c->n_leaves; i += TOGETHER) {                                       \
			uint32_t m = c->n_leaves - i < TOGETHER ? c->n_leaves - i : TOGETHER;                \
			if (c->longest <= 4) {                                                               \
				for (uint32_t j = 0; j < m; j++)                                             \
					four_of_4_##name##_##S(q, j, values + at[i + j], (uint32_t)(at[i + j + 1] - at[i + j])); \
				fold_four_##name##_##S(nodes + i, q);                                        \
				continue;                                                                    \
			}                                                                                    \
			if (c->longest <= 8)                                                                 \
				for (uint32_t j = 0; j < m; j++)                                             \
					eight_of_8_##name##_##S(q, j, values + at[i + j], (uint32_t)(at[i + j + 1] - at[i + j])); \
			else                                                                                 \
				for (uint32_t j = 0; j < m; j++)                                             \
					eight_of_any_##name##_##S(q, j, values + at[i + j], (uint32_t)(at[i + j + 1] - at[i + j])); \
			fold_eight_##name##_##S(nodes + i, q);                                               \
		}                                                                                            \
		nodes[c->n_leaves] = *(const T *)empty;                                                      \
		for (uint32_t i = 0; i < c->n_joins; i++)                                                    \
			nodes[left[i]] = mmsb_##name##_##S(nodes[left[i]], nodes[right[i]]);                 \
		for (uint32_t i = 0; i < c->n_lists; i++)                                                    \
			out[i] = nodes[first[i]];                                                            \
	}
#define NO_WALK(S, T, name)
#define WALK_OF_ASSOC WALK_
#define WALK_OF_IDEM WALK_
#define WALK_OF_NO NO_WALK
#define EACH_WALK(S, T, name, walk) walk(S, T, name)
#define OP(id, name, spelling, form, arity, rule, types, reduce, d0, d1, d2, flags) MMSB_FOR_##types(EACH_WALK, name, WALK_OF_##reduce)
#include "../lang/ops.def"
#undef OP

/* ---- the table --------------------------------------------------------------------------------- */

enum {
	ID_bool = T_BOOL, ID_i8 = T_I8, ID_i16 = T_I16, ID_i32 = T_I32, ID_i64 = T_I64, ID_u8 = T_U8, ID_u16 = T_U16,
	ID_u32 = T_U32, ID_u64 = T_U64, ID_f32 = T_F32, ID_f64 = T_F64
};
#define NAMED_(level) course_kernels_##level
#define NAMED(level) NAMED_(level)
#define ROW_WALK(S, T, name) [ID_##S] = walk_##name##_##S,
#define ROWS_ASSOC(row, types, name) {MMSB_FOR_##types(row, name)}
#define ROWS_IDEM(row, types, name) {MMSB_FOR_##types(row, name)}
#define ROWS_NO(row, types, name) {0}

extern const course_kernels NAMED(KERNEL_LEVEL);
const course_kernels NAMED(KERNEL_LEVEL) = {
	.write = write_course,
	.walk = {
#define OP(id, name, spelling, form, arity, rule, types, reduce, d0, d1, d2, flags) [OP_##id] = ROWS_##reduce(ROW_WALK, types, name),
#include "../lang/ops.def"
#undef OP
	},
};
