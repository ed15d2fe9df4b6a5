/* spans.c - runs functions that compute whole passes (native_span.h): finds where operands lie for each row, runs the elements whose
 * operands are all inside their pages as one run and those at the edges from copies, and stores results with a compare. */
#include "spans.h"

#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "fpenv.h"
#include "scalar.h"

/* Lanes that are computed before they are stored: their results stay in a near cache, as does what was there and is asked for meanwhile. EDGE: lanes at edges, copied. */
enum { RESULT_BYTES = 32768, MOST_LANES = 512, EDGE = 32 };

/* A row at work. Positions along it are j. */
typedef struct row {
	const span_now *now;
	uint64_t start;         /* the position in the page of j = 0 */
	int64_t at[MAX_DIMS];   /* variables of the domain; the last one is j */
	int64_t lo, hi;         /* j of which all operands are inside */
	int64_t index[NATIVE_MOST][MAX_DIMS]; /* of reads: each index where j = 0 */
	int64_t lead[NATIVE_MOST]; /* LANES: the position where j = 0, outside the page perhaps */
	int64_t value[NATIVE_MOST]; /* of variables */
	const void *one[NATIVE_MOST];
} row;

bool span_ready(span_now *now, const struct executor *ex, const span_plan *plan, const pass_target *targets)
{
	mmsb_instance *m = ex->inst;
	now->plan = plan;
	for (uint32_t i = 0; i < plan->n_in; i++) {
		const span_input *in = &plan->in[i];
		now->base[i] = NULL;
		if (!in->read)
			continue;
		column c = page_column(m, in->read->from, in->read->def->prev, in->read->def->field);
		if (c.stride != (size_t)1 << in->width && in->kind != SPAN_ONE)
			return false;
		now->base[i] = c.base;
		now->stride[i] = c.stride;
	}
	for (uint32_t o = 0; o < plan->n_out; o++)
		now->outputs[o] = pass_output(m, plan->members[plan->member_of[o]], &targets[plan->member_of[o]], plan->output_of[o]);
	return true;
}

/* ---- rows -------------------------------------------------------------------------------------- */

static inline int64_t plus(int64_t a, int64_t b) { return mmsb_add_i64(a, b); }

static void find_variables(row *r)
{
	const span_plan *plan = r->now->plan;
	uint64_t rows = r->start / plan->row;
	for (uint32_t d = plan->n_vars - 1; d-- > 0;) {
		r->at[d] = (int64_t)(rows % (uint64_t)plan->dims[d]);
		rows /= (uint64_t)plan->dims[d];
	}
}

/* The indices of a read where j = 0, and the position in the page. False: an index other than the one along the row is outside. */
static bool find_indices(row *r, uint32_t i, int64_t *position)
{
	const span_input *in = &r->now->plan->in[i];
	uint32_t n_outer = in->n_dims - (in->kind == SPAN_LANES);
	*position = 0;
	for (uint32_t d = 0; d < in->n_dims; d++) {
		const span_dim *dim = &in->dims[d];
		int64_t at = dim->constant;
		for (uint32_t v = 0; v + 1 < r->now->plan->n_vars; v++)
			at = plus(at, mmsb_mul_i64(dim->coef[v], r->at[v]));
		r->index[i][d] = at;
		if (d < n_outer && in->view != RV_NONE) {
			at = view_position(in->view, at, dim->extent);
			if (at < 0)
				return false;
		}
		*position = plus(*position, mmsb_mul_i64(at, dim->stride));
	}
	return true;
}

/* Leaves of lo .. hi those j of which an index along the row is inside. */
static void keep_inside(row *r, int64_t index, int64_t extent)
{
	if (index >= extent || index <= -r->hi) {
		r->hi = r->lo;
		return;
	}
	r->lo = r->lo < -index ? -index : r->lo;
	r->hi = r->hi > extent - index ? extent - index : r->hi;
	r->hi = r->hi < r->lo ? r->lo : r->hi;
}

static void find_lanes(row *r, uint32_t i)
{
	const span_input *in = &r->now->plan->in[i];
	r->lead[i] = (int64_t)r->start;
	if (in->n_dims > 0 && !find_indices(r, i, &r->lead[i]))
		r->hi = r->lo;
	else if (in->n_dims > 0 && in->view != RV_NONE)
		keep_inside(r, r->index[i][in->n_dims - 1], in->dims[in->n_dims - 1].extent);
}

static void find_one(row *r, uint32_t i)
{
	const span_input *in = &r->now->plan->in[i];
	int64_t position;
	if (in->known || (in->read && !find_indices(r, i, &position))) {
		r->one[i] = &in->value;
	} else if (in->read) {
		r->one[i] = r->now->base[i] + (size_t)position * r->now->stride[i];
	} else {
		r->value[i] = r->at[in->var];
		r->one[i] = &r->value[i];
	}
}

/* Everything about the row that holds elements first .. end-1, which are one run of it. */
static void find_row(row *r, const span_now *now, uint64_t first, uint64_t end)
{
	const span_plan *plan = now->plan;
	r->now = now;
	r->start = first - first % plan->row;
	r->lo = (int64_t)(first - r->start);
	r->hi = (int64_t)(end - r->start);
	find_variables(r);
	for (uint32_t i = 0; i < plan->n_in; i++)
		switch ((span_kind)plan->in[i].kind) {
		case SPAN_LANES: find_lanes(r, i); break;
		case SPAN_GATHER: r->one[i] = now->base[i]; break;
		case SPAN_FIRST: r->one[i] = &r->value[i]; break;
		default: find_one(r, i); break;
		}
}

/* ---- runs -------------------------------------------------------------------------------------- */

/* Results of lanes from j on go to out. */
static void run_inside(row *r, int64_t j, size_t n, void *const *out)
{
	const span_plan *plan = r->now->plan;
	const void *in[NATIVE_MOST];
	for (uint32_t i = 0; i < plan->n_in; i++) {
		const span_input *input = &plan->in[i];
		if (input->kind == SPAN_FIRST)
			r->value[i] = j;
		in[i] = input->kind == SPAN_LANES ? r->now->base[i] + ((uint64_t)(r->lead[i] + j) << input->width) : r->one[i];
	}
	plan->fn(out, in, n);
}

/* A value of a lane whose index along the row may be outside. */
static const void *edge_value(const row *r, uint32_t i, int64_t j)
{
	const span_input *in = &r->now->plan->in[i];
	int64_t position = 0;
	if (in->n_dims == 0 || in->view == RV_NONE)
		return r->now->base[i] + ((uint64_t)(r->lead[i] + j) << in->width);
	for (uint32_t d = 0; d < in->n_dims; d++) {
		int64_t at = view_position(in->view, plus(r->index[i][d], d + 1 == in->n_dims ? j : 0), in->dims[d].extent);
		if (at < 0)
			return &in->value;
		position += at * in->dims[d].stride;
	}
	return r->now->base[i] + ((uint64_t)position << in->width);
}

static void run_edge(row *r, int64_t j, size_t n, void *const *out)
{
	const span_plan *plan = r->now->plan;
	_Alignas(64) uint64_t copies[NATIVE_MOST][EDGE];
	const void *in[NATIVE_MOST];
	for (uint32_t i = 0; i < plan->n_in; i++) {
		const span_input *input = &plan->in[i];
		if (input->kind == SPAN_FIRST)
			r->value[i] = j;
		in[i] = input->kind == SPAN_LANES ? (const void *)copies[i] : r->one[i];
		for (size_t l = 0; l < n && input->kind == SPAN_LANES; l++)
			memcpy((uint8_t *)copies[i] + (l << input->width), edge_value(r, i, j + (int64_t)l), (size_t)1 << input->width);
	}
	plan->fn(out, in, n);
}

/* Lanes begin .. end-1, of which those in lo .. hi have all operands inside. */
static void run_lanes(row *r, int64_t begin, int64_t end, uint8_t *const *results)
{
	const span_plan *plan = r->now->plan;
	void *out[SPAN_RESULTS];
	for (int64_t j = begin, next; j < end; j = next) {
		bool inside = j >= r->lo && j < r->hi;
		next = inside ? r->hi : j < r->lo ? r->lo : end;
		if (!inside && next - j > EDGE)
			next = j + EDGE;
		next = next < end ? next : end;
		for (uint32_t o = 0; o < plan->n_out; o++)
			out[o] = results[o] + ((size_t)(j - begin) << width_of(r->now->outputs[o].type));
		(inside ? run_inside : run_edge)(r, j, (size_t)(next - j), out);
	}
}

/* Results of n elements from `flat` on. */
static void store_results(worker *w, const span_now *now, uint64_t flat, uint32_t n, uint8_t *const *results, uint64_t *changed)
{
	uint64_t any[MOST_LANES / 64], mask[MOST_LANES / 64];
	uint32_t words = (n + 63) / 64, member = 0;
	memset(any, 0, words * sizeof *any);
	for (uint32_t o = 0; o < now->plan->n_out; o++) {
		const output_now *out = &now->outputs[o];
		if (now->plan->member_of[o] != member)
			memset(any, 0, words * sizeof *any);
		member = now->plan->member_of[o];
		memset(mask, 0, words * sizeof *mask);
		store_target to = {out->at + flat * out->stride, out->was ? out->was + flat * out->stride : NULL, out->stride, mask};
		if (w->k->store[out->type](&to, results[o], n) == 0)
			continue;
		if (out->marks)
			marks_add(out->marks, flat, mask, n, w->in_team);
		for (uint32_t i = 0; i < words; i++) {
			changed[member] += (uint64_t)__builtin_popcountll(mask[i] & ~any[i]);
			any[i] |= mask[i];
		}
	}
}

/* Asks for what results of n elements will be compared with, so that it comes while they are computed. */
static void ask_for_old(const span_now *now, uint64_t flat, uint32_t n)
{
	for (uint32_t o = 0; o < now->plan->n_out; o++) {
		const output_now *out = &now->outputs[o];
		for (size_t at = 0, bytes = n * out->stride; out->was && at < bytes; at += 64)
			__builtin_prefetch(out->was + flat * out->stride + at);
	}
}

void span_elements(worker *w, const span_now *now, uint64_t first, uint64_t end, uint64_t *changed)
{
	_Alignas(64) uint8_t room[RESULT_BYTES];
	const span_plan *plan = now->plan;
	uint8_t *results[SPAN_RESULTS];
	uint32_t most = RESULT_BYTES / 8 / plan->n_out & ~63u;
	most = most < MOST_LANES ? most : MOST_LANES;
	for (uint32_t o = 0; o < plan->n_out; o++)
		results[o] = room + (size_t)o * most * 8;
	row r;
	while (first < end) {
		uint64_t left = plan->row - first % plan->row, stop = end - first < left ? end : first + left;
		find_row(&r, now, first, stop);
		while (first < stop) {
			uint32_t n = stop - first < most ? (uint32_t)(stop - first) : most;
			int64_t j = (int64_t)(first - r.start);
			ask_for_old(now, first, n);
			run_lanes(&r, j, j + n, results);
			store_results(w, now, first, n, results, changed);
			first += n;
		}
	}
}

/* ---- all elements ------------------------------------------------------------------------------ */

/* Elements of a task: whole words of sets. */
static uint64_t task_size(const struct executor *ex) { return ((uint64_t)(2 * ex->grain) + 63) & ~(uint64_t)63; }

static void run_team(struct executor *ex, const span_now *now, uint64_t *changed)
{
#ifdef _OPENMP
	uint64_t task = task_size(ex);
	int64_t tasks = (int64_t)((now->plan->total + task - 1) / task);
#pragma omp parallel num_threads((int)ex->n_workers)
	{
		worker *w = &ex->workers[omp_get_thread_num()];
		uint64_t env = fpenv_enter(), mine[SPAN_MEMBERS] = {0};
		w->in_team = true;
#pragma omp for schedule(dynamic, 1)
		for (int64_t t = 0; t < tasks; t++) {
			uint64_t first = (uint64_t)t * task, left = now->plan->total - first;
			span_elements(w, now, first, first + (left < task ? left : task), mine);
		}
		w->in_team = false;
		fpenv_leave(env);
		for (uint32_t i = 0; i < now->plan->n_members; i++)
			__atomic_fetch_add(&changed[i], mine[i], __ATOMIC_RELAXED);
	}
#else
	span_elements(&ex->workers[0], now, 0, now->plan->total, changed);
#endif
}

void span_run(struct executor *ex, const span_now *now, uint64_t *changed)
{
	const span_plan *plan = now->plan;
	memset(changed, 0, plan->n_members * sizeof *changed);
	if (ex->n_workers > 1 && plan->total > task_size(ex) && (double)plan->total * plan->weight >= TEAM * ex->grain) {
		run_team(ex, now, changed);
		return;
	}
	uint64_t env = fpenv_enter();
	span_elements(&ex->workers[0], now, 0, plan->total, changed);
	fpenv_leave(env);
}
