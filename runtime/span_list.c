/* span_list.c - elements that are not side by side, by functions that compute whole passes (native_span.h): gathers what 64 of them read and what was there,
 * and puts those results that changed in their places. */
#include <string.h>

#include "fetch.h"
#include "scalar.h"
#include "spans.h"

enum { BLOCK = 64 };

/* A block of listed elements at work. Of all 64 lanes: those after the last element are as it is. */
typedef struct listed {
	worker *w;
	const span_now *now;
	uint32_t n;
	int64_t flat[BLOCK];    /* positions in the page */
	int64_t at[MAX_DIMS][BLOCK]; /* variables of the domain */
	int64_t least[MAX_DIMS], most[MAX_DIMS];
	int64_t index[BLOCK];   /* of the operand at hand */
	uint64_t lanes[NATIVE_MOST][BLOCK];
} listed;

/* ---- variables --------------------------------------------------------------------------------- */

static void find_least(listed *k, uint32_t v)
{
	k->least[v] = k->most[v] = k->at[v][0];
	for (uint32_t i = 1; i < BLOCK; i++) {
		k->least[v] = k->at[v][i] < k->least[v] ? k->at[v][i] : k->least[v];
		k->most[v] = k->at[v][i] > k->most[v] ? k->at[v][i] : k->most[v];
	}
}

/* Elements are ascending, so that many are in the row of the one before. */
static void find_variables(listed *k)
{
	const span_plan *plan = k->now->plan;
	uint32_t last = plan->n_vars - 1;
	int64_t length = plan->dims[last], begin = 0, row = 0, of_row[MAX_DIMS] = {0};
	for (uint32_t i = 0; i < BLOCK; i++) {
		if (k->flat[i] - begin >= length) {
			row = k->flat[i] / length;
			begin = row * length;
			for (uint32_t v = last; v-- > 0; row /= plan->dims[v])
				of_row[v] = row % plan->dims[v];
		}
		k->at[last][i] = k->flat[i] - begin;
		for (uint32_t v = 0; v < last; v++)
			k->at[v][i] = of_row[v];
	}
	for (uint32_t v = 0; v < plan->n_vars; v++)
		find_least(k, v);
}

/* ---- operands ---------------------------------------------------------------------------------- */

/* The coefficient of a variable in index d of a read. */
static int64_t coef_of(const listed *k, const span_input *in, uint32_t d, uint32_t v)
{
	if (v + 1 < k->now->plan->n_vars)
		return in->dims[d].coef[v];
	return in->kind == SPAN_LANES && d + 1 == in->n_dims;
}

/* Whether a read is inside its page in all lanes. */
static bool all_inside(const listed *k, const span_input *in)
{
	for (uint32_t d = 0; d < in->n_dims && in->view != RV_NONE; d++) {
		int64_t least = in->dims[d].constant, most = least;
		for (uint32_t v = 0; v < k->now->plan->n_vars; v++) {
			int64_t coef = coef_of(k, in, d, v), a, b;
			if (coef == 0)
				continue;
			if (__builtin_mul_overflow(coef, coef > 0 ? k->least[v] : k->most[v], &a) || __builtin_mul_overflow(coef, coef > 0 ? k->most[v] : k->least[v], &b) ||
			    __builtin_add_overflow(least, a, &least) || __builtin_add_overflow(most, b, &most))
				return false;
		}
		if (least < 0 || most >= in->dims[d].extent)
			return false;
	}
	return true;
}

/* Positions in the page, from what find_variables says; of a read that is inside. */
static void find_index(listed *k, const span_input *in)
{
	uint32_t n_vars = k->now->plan->n_vars;
	for (uint32_t i = 0; i < BLOCK; i++)
		k->index[i] = in->lead;
	for (uint32_t v = 0; v < n_vars; v++)
		for (uint32_t i = 0; i < BLOCK && in->step[v] != 0; i++)
			k->index[i] = mmsb_add_i64(k->index[i], mmsb_mul_i64(in->step[v], k->at[v][i]));
}

/* The position of a read in a lane; -1: the view answers with a value. */
static int64_t position_at(const listed *k, const span_input *in, uint32_t lane)
{
	int64_t position = 0;
	for (uint32_t d = 0; d < in->n_dims; d++) {
		int64_t at = in->dims[d].constant;
		for (uint32_t v = 0; v < k->now->plan->n_vars; v++)
			at = mmsb_add_i64(at, mmsb_mul_i64(coef_of(k, in, d, v), k->at[v][lane]));
		at = view_position(in->view, at, in->dims[d].extent);
		if (at < 0)
			return -1;
		position += at * in->dims[d].stride;
	}
	return position;
}

/* Of a read that is not inside in some lanes. */
static void gather_viewed(listed *k, uint32_t i)
{
	const span_input *in = &k->now->plan->in[i];
	uint64_t outside = 0;
	for (uint32_t lane = 0; lane < BLOCK; lane++) {
		int64_t position = position_at(k, in, lane);
		outside |= (uint64_t)(position < 0) << lane;
		k->index[lane] = position < 0 ? 0 : position;
	}
	k->w->k->gather_i64[in->width](k->lanes[i], k->now->base[i], k->now->stride[i], k->index, BLOCK);
	for (; outside; outside &= outside - 1)
		memcpy((uint8_t *)k->lanes[i] + ((size_t)__builtin_ctzll(outside) << in->width), &in->value, (size_t)1 << in->width);
}

/* What the function takes for an operand. */
static const void *operand(listed *k, uint32_t i)
{
	const span_input *in = &k->now->plan->in[i];
	const uint8_t *base = k->now->base[i];
	if (in->kind == SPAN_FIRST || in->var != NONE)
		return k->at[in->kind == SPAN_FIRST ? k->now->plan->n_vars - 1 : in->var];
	if (in->kind == SPAN_GATHER)
		return base;
	if (in->known)
		return &in->value;
	if (in->kind == SPAN_ONE && !in->varies) {
		int64_t position = in->view == RV_NONE ? in->lead : position_at(k, in, 0);
		return position < 0 ? (const void *)&in->value : base + (size_t)position * k->now->stride[i];
	}
	if (!all_inside(k, in)) {
		gather_viewed(k, i);
	} else if (in->flat) {
		k->w->k->gather_i64[in->width](k->lanes[i], base + in->lead * ((int64_t)1 << in->width), k->now->stride[i], k->flat, BLOCK);
	} else {
		find_index(k, in);
		k->w->k->gather_i64[in->width](k->lanes[i], base, k->now->stride[i], k->index, BLOCK);
	}
	return k->lanes[i];
}

/* ---- results ----------------------------------------------------------------------------------- */

/* Puts values where the mask says so. */
#define DEFINE_PUT(T)                                                                                        \
	static void put_##T(const output_now *out, const void *values, const int64_t *flat, uint64_t mask)   \
	{                                                                                                    \
		for (; mask; mask &= mask - 1) {                                                             \
			unsigned i = (unsigned)__builtin_ctzll(mask);                                        \
			*(T *)(void *)(out->at + (size_t)flat[i] * out->stride) = ((const T *)values)[i];    \
		}                                                                                            \
	}
DEFINE_PUT(uint8_t)
DEFINE_PUT(uint16_t)
DEFINE_PUT(uint32_t)
DEFINE_PUT(uint64_t)

static void put(const output_now *out, const void *values, const int64_t *flat, uint64_t mask)
{
	switch (width_of(out->type)) {
	case 0: put_uint8_t(out, values, flat, mask); break;
	case 1: put_uint16_t(out, values, flat, mask); break;
	case 2: put_uint32_t(out, values, flat, mask); break;
	default: put_uint64_t(out, values, flat, mask);
	}
}

/* Elements of the same word are marked at once. */
static void mark(const listed *k, bitset *marks, uint64_t mask)
{
	while (mask) {
		uint64_t word = (uint64_t)k->flat[__builtin_ctzll(mask)] / 64, bits = 0;
		for (; mask && (uint64_t)k->flat[__builtin_ctzll(mask)] / 64 == word; mask &= mask - 1)
			bits |= (uint64_t)1 << k->flat[__builtin_ctzll(mask)] % 64;
		marks_add_word(marks, word, bits, k->w->in_team);
	}
}

/* ---- blocks ------------------------------------------------------------------------------------ */

/* Returns which elements changed. */
static uint64_t run_block(listed *k)
{
	const span_plan *plan = k->now->plan;
	_Alignas(64) uint64_t values[SPAN_RESULTS][BLOCK], was[SPAN_RESULTS][BLOCK];
	uint64_t masks[SPAN_RESULTS], any = 0;
	const void *in[NATIVE_MOST];
	void *out[3 * SPAN_RESULTS];
	for (uint32_t i = 0; i < plan->n_in; i++)
		in[i] = operand(k, i);
	for (uint32_t o = 0; o < plan->n_out; o++) {
		const output_now *to = &k->now->outputs[o];
		k->w->k->gather_i64[width_of(to->type)](was[o], to->at, to->stride, k->flat, BLOCK);
		out[3 * o] = values[o];
		out[3 * o + 1] = was[o];
		out[3 * o + 2] = &masks[o];
	}
	plan->listed(out, in, BLOCK);
	for (uint32_t o = 0; o < plan->n_out; o++) {
		masks[o] &= ~UINT64_C(0) >> (BLOCK - k->n);
		if (!masks[o])
			continue;
		put(&k->now->outputs[o], values[o], k->flat, masks[o]);
		if (k->now->outputs[o].marks)
			mark(k, k->now->outputs[o].marks, masks[o]);
		any |= masks[o];
	}
	return any;
}

void span_list(worker *w, const span_now *now, const int64_t *list, uint32_t n, uint64_t *changed)
{
	listed k;
	k.w = w;
	k.now = now;
	for (uint32_t first = 0; first < n; first += k.n) {
		k.n = n - first < BLOCK ? n - first : BLOCK;
		for (uint32_t i = 0; i < BLOCK; i++)
			k.flat[i] = list[first + (i < k.n ? i : k.n - 1)];
		if (now->plan->places)
			find_variables(&k);
		*changed += (uint64_t)__builtin_popcountll(run_block(&k));
	}
}
