/* spans.c - runs functions that compute whole passes (native_span.h): finds where operands lie for each row, and has blocks whose operands are all inside
 * their pages computed from there, others with copies of those operands that are not. */
#include "spans.h"

#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "fpenv.h"
#include "scalar.h"

/* Lanes of one call: words of what changed are for as many. */
enum { BLOCK = 64, MOST_LANES = 64 * BLOCK };

/* A row at work. Positions along it are j. */
typedef struct row {
	const span_now *now;
	uint64_t start;         /* the position in the page of j = 0 */
	int64_t at[MAX_DIMS];   /* variables of the domain; the last one is j */
	int64_t lo, hi;         /* j of which all operands are inside */
	int64_t last;           /* whole blocks of all operands can be read up to here */
	int64_t index[NATIVE_MOST][MAX_DIMS]; /* of reads: each index where j = 0 */
	int64_t lead[NATIVE_MOST]; /* LANES: the position where j = 0, outside the page perhaps */
	int64_t from[NATIVE_MOST], to[NATIVE_MOST], end[NATIVE_MOST]; /* LANES: j of which the operand is inside; where its page ends */
	int64_t value[NATIVE_MOST]; /* of variables */
	const void *one[NATIVE_MOST];
} row;

bool span_ready(span_now *now, const struct executor *ex, const span_plan *plan, const pass_target *targets)
{
	mmsb_instance *m = ex->inst;
	now->plan = plan;
	now->fold = false;
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

/* The j of first .. end-1 of which an operand is inside. */
static void find_lanes(row *r, uint32_t i, int64_t first, int64_t end)
{
	const span_input *in = &r->now->plan->in[i];
	r->lead[i] = (int64_t)r->start;
	r->from[i] = first;
	r->to[i] = end;
	if (in->n_dims > 0 && !find_indices(r, i, &r->lead[i])) {
		r->to[i] = first;
	} else if (in->n_dims > 0 && in->view != RV_NONE) {
		int64_t index = r->index[i][in->n_dims - 1], extent = in->dims[in->n_dims - 1].extent;
		if (index >= extent || index <= -end) {
			r->to[i] = first;
		} else {
			r->from[i] = first < -index ? -index : first;
			r->to[i] = end > extent - index ? extent - index : end;
			r->to[i] = r->to[i] < r->from[i] ? r->from[i] : r->to[i];
		}
	}
	r->end[i] = plus((int64_t)in->read->from->count, -r->lead[i]);
	r->lo = r->lo < r->from[i] ? r->from[i] : r->lo;
	r->hi = r->hi > r->to[i] ? r->to[i] : r->hi;
	r->last = r->last > r->end[i] ? r->end[i] : r->last;
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
	r->last = INT64_MAX;
	find_variables(r);
	for (uint32_t i = 0; i < plan->n_in; i++)
		switch ((span_kind)plan->in[i].kind) {
		case SPAN_LANES: find_lanes(r, i, (int64_t)(first - r->start), (int64_t)(end - r->start)); break;
		case SPAN_GATHER: r->one[i] = now->base[i]; break;
		case SPAN_FIRST: r->one[i] = &r->value[i]; break;
		default: find_one(r, i); break;
		}
}

/* ---- blocks ------------------------------------------------------------------------------------ */

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

/* A block of an operand that is not all inside: its n lanes from j on, and the same ones again for those that do not count. */
static void copy_block(const row *r, uint32_t i, int64_t j, int64_t n, uint8_t *to)
{
	const span_input *in = &r->now->plan->in[i];
	int64_t from = r->from[i] > j ? r->from[i] : j, end = r->to[i] < j + n ? r->to[i] : j + n;
	size_t width = (size_t)1 << in->width;
	if (end <= from) /* none is inside */
		from = end = j + n;
	else
		memcpy(to + ((size_t)(from - j) << in->width), r->now->base[i] + ((uint64_t)(r->lead[i] + from) << in->width), (size_t)(end - from) << in->width);
	for (int64_t l = j; l < from; l++)
		memcpy(to + ((size_t)(l - j) << in->width), edge_value(r, i, l), width);
	for (int64_t l = end; l < j + n; l++)
		memcpy(to + ((size_t)(l - j) << in->width), edge_value(r, i, l), width);
	for (size_t have = (size_t)n; have < BLOCK; have *= 2)
		memcpy(to + (have << in->width), to, (have < BLOCK - have ? have : BLOCK - have) << in->width);
}

/* Runs n lanes from j on: operands that are inside, with all lanes of the last block, from their pages; copies of the others, where there is one block. */
static void run_blocks(row *r, int64_t j, int64_t n, uint64_t (*masks)[MOST_LANES / 64])
{
	const span_plan *plan = r->now->plan;
	_Alignas(64) uint64_t copies[NATIVE_MOST][BLOCK];
	const void *in[NATIVE_MOST];
	void *out[3 * SPAN_RESULTS];
	int64_t end = j + (n + BLOCK - 1) / BLOCK * BLOCK;
	for (uint32_t i = 0; i < plan->n_in; i++) {
		const span_input *input = &plan->in[i];
		in[i] = r->one[i];
		if (input->kind == SPAN_FIRST)
			r->value[i] = j;
		if (input->kind != SPAN_LANES)
			continue;
		if (r->from[i] <= j && r->to[i] >= j + n && r->end[i] >= end) {
			in[i] = r->now->base[i] + ((uint64_t)(r->lead[i] + j) << input->width);
		} else {
			copy_block(r, i, j, n, (uint8_t *)copies[i]);
			in[i] = copies[i];
		}
	}
	for (uint32_t o = 0; o < plan->n_out; o++) {
		const output_now *to = &r->now->outputs[o];
		size_t offset = (size_t)(r->start + (uint64_t)j) * to->stride;
		out[3 * o] = to->at + offset;
		out[3 * o + 1] = to->was ? (void *)(uintptr_t)(to->was + offset) : NULL;
		out[3 * o + 2] = masks[o];
	}
	plan->fn(out, in, (size_t)n);
}

/* What changed of n elements from `flat` on. */
static void mark(worker *w, const span_now *now, uint64_t flat, uint32_t n, uint64_t (*masks)[MOST_LANES / 64], uint64_t *changed)
{
	uint64_t any[MOST_LANES / 64];
	uint32_t words = (n + 63) / 64;
	for (uint32_t o = 0; o < now->plan->n_out; o++) {
		const output_now *out = &now->outputs[o];
		uint32_t member = now->plan->member_of[o];
		uint64_t all = 0;
		if (o == 0 || member != now->plan->member_of[o - 1])
			memset(any, 0, words * sizeof *any);
		for (uint32_t i = 0; i < words; i++)
			all |= masks[o][i];
		if (all == 0)
			continue;
		if (out->marks)
			marks_add(out->marks, flat, masks[o], n, w->in_team);
		for (uint32_t i = 0; i < words; i++) {
			changed[member] += (uint64_t)__builtin_popcountll(masks[o][i] & ~any[i]);
			any[i] |= masks[o][i];
		}
	}
}

/* How many lanes from j on one call takes: those up to where blocks of the page begin; as many as are all inside; or a block, of which some are not. */
static int64_t lanes_of_call(const row *r, int64_t j, int64_t end)
{
	int64_t left = end - j, before = BLOCK - (int64_t)((r->start + (uint64_t)j) % BLOCK), inside = r->hi - j;
	if (before < BLOCK || j < r->lo || left <= BLOCK)
		return left < before ? left : before;
	inside = inside < r->last - j ? inside : r->last - j;
	inside = (inside < MOST_LANES ? inside : MOST_LANES) / BLOCK * BLOCK;
	return inside > 0 ? inside : BLOCK;
}

void span_elements(worker *w, const span_now *now, uint64_t first, uint64_t end, uint64_t *changed)
{
	uint64_t masks[SPAN_RESULTS][MOST_LANES / 64];
	const span_plan *plan = now->plan;
	row r;
	while (first < end) {
		uint64_t left = plan->row - first % plan->row, stop = end - first < left ? end : first + left;
		find_row(&r, now, first, stop);
		while (first < stop) {
			int64_t j = (int64_t)(first - r.start), n = lanes_of_call(&r, j, (int64_t)(stop - r.start));
			run_blocks(&r, j, n, masks);
			mark(w, now, first, (uint32_t)n, masks, changed);
			first += (uint64_t)n;
		}
	}
}

/* ---- all elements ------------------------------------------------------------------------------ */

/* Elements of a task: whole words of sets, or blocks of a reduction. */
static uint64_t task_size(const struct executor *ex, const span_now *now)
{
	uint64_t unit = now->fold ? (uint64_t)1 << now->fold_bits : 64;
	return ((uint64_t)(2 * ex->grain) + unit - 1) / unit * unit;
}

static void run_task(worker *w, const span_now *now, uint64_t first, uint64_t end, uint64_t *changed)
{
	if (now->fold)
		span_fold_elements(w, now, first, end, changed);
	else
		span_elements(w, now, first, end, changed);
}

static void run_team(struct executor *ex, const span_now *now, uint64_t *changed)
{
#ifdef _OPENMP
	uint64_t task = task_size(ex, now);
	int64_t tasks = (int64_t)((now->plan->total + task - 1) / task);
#pragma omp parallel num_threads((int)ex->n_workers)
	{
		worker *w = &ex->workers[omp_get_thread_num()];
		uint64_t env = fpenv_enter(), mine[SPAN_MEMBERS] = {0};
		w->in_team = true;
		if (now->fold)
			span_fold_worker(w, now);
#pragma omp for schedule(dynamic, 1)
		for (int64_t t = 0; t < tasks; t++) {
			uint64_t first = (uint64_t)t * task, left = now->plan->total - first;
			run_task(w, now, first, first + (left < task ? left : task), mine);
		}
		w->in_team = false;
		fpenv_leave(env);
		for (uint32_t i = 0; i < now->plan->n_members; i++)
			__atomic_fetch_add(&changed[i], mine[i], __ATOMIC_RELAXED);
	}
#else
	run_task(&ex->workers[0], now, 0, now->plan->total, changed);
#endif
}

void span_run(struct executor *ex, const span_now *now, uint64_t *changed)
{
	const span_plan *plan = now->plan;
	memset(changed, 0, plan->n_members * sizeof *changed);
	uint64_t env = fpenv_enter();
	if (now->fold)
		span_fold_worker(&ex->workers[0], now);
	if (ex->n_workers > 1 && plan->total > task_size(ex, now) && (double)plan->total * plan->weight >= TEAM * ex->grain)
		run_team(ex, now, changed);
	else
		run_task(&ex->workers[0], now, 0, plan->total, changed);
	if (now->fold)
		span_fold_end(ex, now);
	fpenv_leave(env);
}
