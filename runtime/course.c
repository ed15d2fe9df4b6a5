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
/* short loops of known lengths are not to be taken apart: gcc makes no vectors of the pieces */
#define LANES _Pragma("GCC ivdep") _Pragma("GCC unroll 1")
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

/* Leaves by class, in their order in each. */
static void sort_leaves(course *c)
{
	uint32_t at[COURSE_CLASSES + 1] = {0};
	for (uint32_t i = 0; i < c->n_leaves; i++) {
		uint32_t n = (uint32_t)(c->at[i + 1] - c->at[i]);
		at[1 + (n > 4) + (n > 8) + (n > 16)]++;
	}
	for (uint32_t i = 0; i < COURSE_CLASSES; i++)
		c->end_of[i] = at[i + 1] += at[i];
	for (uint32_t i = 0; i < c->n_leaves; i++) {
		uint32_t n = (uint32_t)(c->at[i + 1] - c->at[i]);
		c->leaf[at[(n > 4) + (n > 8) + (n > 16)]++] = (uint16_t)i;
	}
}

static void write_course(course *c, const uint32_t *key, const uint32_t *ends, uint32_t n, _Bool ordered)
{
	uint32_t at = 0;
	c->n_lists = n;
	c->n_leaves = c->n_joins = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t length = ends[i] - at;
		c->first[i] = length ? (uint16_t)c->n_leaves : UINT16_MAX;
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
	sort_leaves(c);
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

/* A leaf is first brought to four or eight values. Those of some leaves are then combined side by side; what neighbours make of each other in
 * the halving of pairs stays within a leaf. */
enum { TOGETHER = 16 };

/* Places are counted in the width of the operands, since they are compared beside them. */
#define COUNT_bool uint8_t
#define COUNT_i8 uint8_t
#define COUNT_u8 uint8_t
#define COUNT_i16 uint16_t
#define COUNT_u16 uint16_t
#define COUNT_i32 uint32_t
#define COUNT_u32 uint32_t
#define COUNT_i64 uint64_t
#define COUNT_u64 uint64_t
#define COUNT_f32 uint32_t
#define COUNT_f64 uint64_t
#define TAKE(S, T, name, to, from, n, most)                                                                  \
	do {                                                                                                 \
		const COUNT_##S n_ = (COUNT_##S)(sizeof(COUNT_##S) >= 4 || (n) < (most) ? (n) : (most));      \
		LANES for (COUNT_##S e = 0; e < (most); e++)                                                 \
		{                                                                                            \
			const T x_ = (from)[e];                                                              \
			(to)[e] = e < n_ ? x_ : NEUTRAL_##name(S, T);                                        \
		}                                                                                            \
	} while (0)
#define PAIRS(S, T, name, to, from, n) LANES for (uint32_t e = 0; e < (n); e++) (to)[e] = mmsb_##name##_##S((from)[2 * e], (from)[2 * e + 1])

#define WALK_(S, T, name)                                                                                    \
	static inline void eight_of_16_##name##_##S(T *to, const T *a, uint32_t n)                           \
	{                                                                                                    \
		T w[16];                                                                                     \
		TAKE(S, T, name, w, a, n, 16);                                                               \
		HALVE(S, T, name, to, w, 8);                                                                 \
	}                                                                                                    \
	static inline void eight_of_any_##name##_##S(T *to, const T *a, uint32_t n)                          \
	{                                                                                                    \
		T w[LEAF], b[LEAF / 2];                                                                      \
		TAKE(S, T, name, w, a, n, LEAF);                                                             \
		for (uint32_t k = LEAF; FREE_##name(T) && k < n; k += LEAF) {                                \
			T x[LEAF];                                                                           \
			TAKE(S, T, name, x, a + k, n - k, LEAF);                                             \
			LANES for (uint32_t i = 0; i < LEAF; i++) w[i] = mmsb_##name##_##S(w[i], x[i]);      \
		}                                                                                            \
		HALVE(S, T, name, b, w, LEAF / 2);                                                           \
		HALVE(S, T, name, to, b, LEAF / 4);                                                          \
	}                                                                                                    \
	static void walk_##name##_##S(void *pout, void *pnodes, const course *c, const void *pvalues, const void *empty) \
	{                                                                                                    \
		T *out = pout, *nodes = pnodes, q[8 * TOGETHER], p[4 * TOGETHER], h[2 * TOGETHER], g[TOGETHER]; \
		const T *values = pvalues;                                                                   \
		const uint16_t *at = c->at, *leaf = c->leaf, *first = c->first, *left = c->left, *right = c->right; \
		/* of small types eight are no more work than four */                                        \
		const uint32_t end4 = sizeof(T) < 4 ? 0 : c->end_of[0], end8 = c->end_of[1], end16 = c->end_of[2]; \
		LANES for (uint32_t j = 0; j < 8 * TOGETHER; j++) q[j] = NEUTRAL_##name(S, T);               \
		LANES for (uint32_t j = 0; j < 4 * TOGETHER; j++) p[j] = NEUTRAL_##name(S, T);               \
		for (uint32_t i = 0, m; i < c->n_leaves; i += m) {                                           \
			uint32_t rest = (i < end4 ? end4 : c->n_leaves) - i;                                 \
			m = rest < TOGETHER ? rest : TOGETHER;                                               \
			for (uint32_t j = 0; j < m; j++) {                                                   \
				const uint32_t l = leaf[i + j], n = (uint32_t)(at[l + 1] - at[l]);           \
				const T *a = values + at[l];                                                 \
				if (i < end4)                                                                \
					TAKE(S, T, name, p + 4 * j, a, n, 4);                                \
				else if (i + j < end8)                                                       \
					TAKE(S, T, name, q + 8 * j, a, n, 8);                                \
				else if (i + j < end16)                                                      \
					eight_of_16_##name##_##S(q + 8 * j, a, n);                           \
				else                                                                         \
					eight_of_any_##name##_##S(q + 8 * j, a, n);                          \
			}                                                                                    \
			if (i >= end4)                                                                       \
				PAIRS(S, T, name, p, q, 4 * TOGETHER);                                       \
			PAIRS(S, T, name, h, p, 2 * TOGETHER);                                               \
			PAIRS(S, T, name, g, h, TOGETHER);                                                   \
			for (uint32_t j = 0; j < m; j++)                                                     \
				nodes[leaf[i + j]] = g[j];                                                   \
		}                                                                                            \
		nodes[c->n_leaves] = *(const T *)empty;                                                      \
		for (uint32_t i = 0; i < c->n_joins; i++)                                                    \
			nodes[left[i]] = mmsb_##name##_##S(nodes[left[i]], nodes[right[i]]);                 \
		for (uint32_t i = 0; i < c->n_lists; i++)                                                    \
			out[i] = nodes[first[i]];                                                            \
	}
/* ---- walking what is arranged ------------------------------------------------------------------ */

/* `few` is one to four rows of places, of which one is made; it may lie where they do. A group: its rows in fours, as often as that takes. */
#define ROWS_OF(to, value) LANES for (uint32_t j = 0; j < L; j++) (to)[j] = value
#define ARRANGED_(S, T, name)                                                                                \
	static inline void few_##name##_##S(T *to, const T *t, uint32_t n)                                   \
	{                                                                                                    \
		enum { L = sizeof(T) == 8 ? 8 : 16 };                                                        \
		const T *u = t + L, *v = t + 2 * L, *w = t + 3 * L;                                          \
		if (n >= 4)                                                                                  \
			ROWS_OF(to, mmsb_##name##_##S(mmsb_##name##_##S(t[j], u[j]), mmsb_##name##_##S(v[j], w[j]))); \
		else if (n == 3)                                                                             \
			ROWS_OF(to, mmsb_##name##_##S(mmsb_##name##_##S(t[j], u[j]), v[j]));                 \
		else if (n == 2)                                                                             \
			ROWS_OF(to, mmsb_##name##_##S(t[j], u[j]));                                          \
		else                                                                                         \
			ROWS_OF(to, t[j]);                                                                   \
	}                                                                                                    \
	static inline void fill_up_##name##_##S(T *t, uint32_t there)                                        \
	{                                                                                                    \
		enum { L = sizeof(T) == 8 ? 8 : 16 };                                                        \
		const COUNT_##S n = (COUNT_##S)there;                                                        \
		LANES for (COUNT_##S j = 0; j < L; j++) t[j] = j < n ? t[j] : NEUTRAL_##name(S, T);          \
	}                                                                                                    \
	static void walk_arranged_##name##_##S(void *pout, void *pnodes, const arrangement *a, void *pvalues, const void *empty) \
	{                                                                                                    \
		enum { L = sizeof(T) == 8 ? 8 : 16 };                                                        \
		T *out = pout, *nodes = a->straight ? pout : pnodes, *t = pvalues, *to = nodes;              \
		const uint16_t *first = a->first, *join = a->join;                                           \
		const uint8_t *row = a->row;                                                                 \
		for (uint32_t g = 0; g < a->n_groups; g++, to += L) {                                        \
			const uint32_t width = a->width[g], least = a->least[g];                             \
			uint32_t w = width;                                                                  \
			for (uint32_t e = least; e < width; e++)                                             \
				fill_up_##name##_##S(t + e * L, row[e] & (ARRANGED_RUN - 1));                \
			row += width;                                                                        \
			for (; w > 4; w = (w + 3) / 4)                                                       \
				for (uint32_t q = 0; 4 * q < w; q++)                                         \
					few_##name##_##S(t + q * L, t + 4 * q * L, w - 4 * q);               \
			few_##name##_##S(to, t, w);                                                          \
			t += (size_t)width * L;                                                              \
		}                                                                                            \
		if (a->straight)                                                                             \
			return;                                                                              \
		nodes[a->n_leaves] = *(const T *)empty;                                                      \
		for (uint32_t i = 0; i < a->n_joins; i++, join += 2)                                         \
			nodes[join[0]] = mmsb_##name##_##S(nodes[join[0]], nodes[join[1]]);                  \
		for (uint32_t i = 0; i < a->n_lists; i++)                                                    \
			out[i] = nodes[first[i]];                                                            \
	}

#define BOTH_(S, T, name) WALK_(S, T, name) ARRANGED_(S, T, name)
#define NO_WALK(S, T, name)
/* Sums and products of signed numbers have the bits of those of unsigned ones. */
#define TWIN_bool bool
#define TWIN_i8 u8
#define TWIN_i16 u16
#define TWIN_i32 u32
#define TWIN_i64 u64
#define TWIN_u8 u8
#define TWIN_u16 u16
#define TWIN_u32 u32
#define TWIN_u64 u64
#define TWIN_f32 f32
#define TWIN_f64 f64
#define ASSOC_bool BOTH_
#define ASSOC_i8 NO_WALK
#define ASSOC_i16 NO_WALK
#define ASSOC_i32 NO_WALK
#define ASSOC_i64 NO_WALK
#define ASSOC_u8 BOTH_
#define ASSOC_u16 BOTH_
#define ASSOC_u32 BOTH_
#define ASSOC_u64 BOTH_
#define ASSOC_f32 BOTH_
#define ASSOC_f64 BOTH_
#define WALK_OF_ASSOC(S, T, name) ASSOC_##S(S, T, name)
#define WALK_OF_IDEM BOTH_
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
#define WALK_NAME_(kind, name, S) kind##name##_##S
#define WALK_NAME(kind, name, S) WALK_NAME_(kind, name, S)
#define ROW_WALK(S, T, name) [ID_##S] = WALK_NAME(walk_, name, S),
#define ROW_TWIN(S, T, name) [ID_##S] = WALK_NAME(walk_, name, TWIN_##S),
#define ROW_ARRANGED(S, T, name) [ID_##S] = WALK_NAME(walk_arranged_, name, S),
#define TWIN_ARRANGED(S, T, name) [ID_##S] = WALK_NAME(walk_arranged_, name, TWIN_##S),
#define ROWS_ASSOC(row, twin, types, name) {MMSB_FOR_##types(twin, name)}
#define ROWS_IDEM(row, twin, types, name) {MMSB_FOR_##types(row, name)}
#define ROWS_NO(row, twin, types, name) {0}

extern const course_kernels NAMED(KERNEL_LEVEL);
const course_kernels NAMED(KERNEL_LEVEL) = {
	.write = write_course,
	.walk = {
#define OP(id, name, spelling, form, arity, rule, types, reduce, d0, d1, d2, flags) [OP_##id] = ROWS_##reduce(ROW_WALK, ROW_TWIN, types, name),
#include "../lang/ops.def"
#undef OP
	},
	.walk_arranged = {
#define OP(id, name, spelling, form, arity, rule, types, reduce, d0, d1, d2, flags) [OP_##id] = ROWS_##reduce(ROW_ARRANGED, TWIN_ARRANGED, types, name),
#include "../lang/ops.def"
#undef OP
	},
};
