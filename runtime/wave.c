/* wave.c - several ticks in one walk over the rows (wave.h): where passes read, how far rows lie behind one another, and the walk. */
#include "wave.h"

#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "fpenv.h"
#include "native_wave.h"
#include "saving.h"
#include "spans.h"
#include "view.h"

/* Fewer ticks than LEAST are not worth it. PAD: between rows, which otherwise lie a power of two apart, and of which blocks of 64 elements may read on. */
enum { LEAST = 2, PAD = 576, MOST_SHIFT = 1024 };

/* An input that is a page of the wave. */
typedef struct wave_read {
	uint32_t input;         /* of the span */
	uint32_t member;        /* whose page it is */
	bool prev;              /* of the tick before */
	int64_t shift;          /* rows */
	int64_t back, ahead;    /* how far it looks */
	uint8_t view;
} wave_read;

typedef struct wave_member {
	uint32_t pass;
	const span_plan *span;
	page *to;
	size_t slab, elements;  /* bytes and elements of a row */
	wave_read *reads;
	uint32_t n_reads;
} wave_member;

/* A member in one of the ticks of a walk: `lag` rows behind the front, its rows first .. end-1, of which `room` are kept in the worker's room. */
typedef struct wave_stage {
	int64_t lag, first, end, room;
	size_t place;
} wave_stage;

typedef struct wave {
	uint8_t *roles;         /* by pass: wave_role */
	wave_member *members;
	uint32_t n_members;
	int64_t rows;
	uint8_t **rooms;        /* by worker, of WAVE_BYTES; NULL: not asked for yet */
	bool no_room;
	wave_stage *stages;     /* by worker, tick and member */
} wave;

/* ---- plans ------------------------------------------------------------------------------------- */

static uint32_t member_of(const wave *v, const page *p)
{
	for (uint32_t i = 0; i < v->n_members; i++)
		if (v->members[i].to == p)
			return i;
	return NONE;
}

/* False: it looks at rows that are not near the one at hand. */
static bool plan_read(const wave *v, const wave_member *to, uint32_t input, wave_read *out)
{
	const span_input *in = &to->span->in[input];
	*out = (wave_read){.input = input, .member = member_of(v, in->read->from), .prev = in->read->def->prev, .view = in->view};
	if (in->kind == SPAN_GATHER || in->read->from->dims[0] != v->rows)
		return false;
	if (in->n_dims == 0)
		return true;
	const span_dim *row = &in->dims[0];
	for (uint32_t d = 0; d < MAX_DIMS; d++)
		if (row->coef[d] != (d == 0))
			return false;
	for (uint32_t d = 1; d < in->n_dims; d++)
		if (in->dims[d].coef[0] != 0)
			return false;
	if (in->n_dims < 2 || (in->view == RV_WRAP && row->constant != 0) || row->constant > MOST_SHIFT || row->constant < -MOST_SHIFT)
		return false;
	int64_t far = row->constant < 0 ? -row->constant : row->constant;
	out->shift = row->constant;
	out->back = row->constant < 0 || in->view == RV_MIRROR ? far : 0;
	out->ahead = row->constant > 0 || in->view == RV_MIRROR ? far : 0;
	return true;
}

static bool plan_member(wave *v, wave_member *w)
{
	for (uint32_t i = 0; i < w->span->n_in; i++) {
		const span_input *in = &w->span->in[i];
		if (!in->read || member_of(v, in->read->from) == NONE)
			continue;
		if (!plan_read(v, w, i, &w->reads[w->n_reads]))
			return false;
		w->n_reads++;
	}
	return true;
}

static bool can_be_member(const struct executor *ex, uint32_t pass)
{
	const kernel_plan *p = ex->passes[pass];
	const page *to = &ex->inst->pages[p->pass->page];
	return !native_wave_refuses(ex->inst->sch, pass) && p->span && p->span->n_out == 1 && to->n_columns == 1 && to->prev && to->element == (size_t)1 << width_of(to->def->type);
}

static bool plan_members(struct executor *ex, wave *v)
{
	const mmsb_instance *m = ex->inst;
	for (uint32_t i = 0; i < m->sch->n_passes; i++) {
		if (v->roles[i] != WAVE_MEMBER)
			continue;
		page *to = &m->pages[m->sch->passes[i].page];
		if (!can_be_member(ex, i) || v->n_members == WAVE_MEMBERS || (v->n_members && v->members[0].to->dims[0] != to->dims[0]))
			return false;
		wave_member *w = &v->members[v->n_members++];
		*w = (wave_member){.pass = i, .span = ex->passes[i]->span, .to = to, .elements = to->count / (uint64_t)to->dims[0]};
		w->slab = w->elements * to->element;
		v->rows = to->dims[0];
	}
	for (uint32_t i = 0; i < v->n_members; i++) {
		v->members[i].reads = calloc(NATIVE_MOST, sizeof *v->members[i].reads);
		if (!v->members[i].reads || !plan_member(v, &v->members[i]))
			return false;
	}
	return true;
}

bool wave_plan_new(struct executor *ex)
{
	const mmsb_instance *m = ex->inst;
	if (!m->native || m->device || !m->has_state)
		return true;
	wave *v = calloc(1, sizeof *v);
	if (!v)
		return false;
	ex->wave = v;
	v->roles = calloc(m->sch->n_passes + 1, 1);
	v->members = calloc(WAVE_MEMBERS, sizeof *v->members);
	v->stages = calloc((size_t)ex->n_workers * (WAVE_STEPS + 1) * WAVE_MEMBERS, sizeof *v->stages);
	v->rooms = calloc(ex->n_workers, sizeof *v->rooms);
	if (!v->roles || !v->members || !v->stages || !v->rooms)
		return false;
	if (native_wave_find(m->sch, v->roles) || !plan_members(ex, v)) {
		wave_free(v);
		ex->wave = NULL;
	}
	return true;
}

void wave_free(wave *v)
{
	if (!v)
		return;
	for (uint32_t i = 0; v->members && i < v->n_members; i++)
		free(v->members[i].reads);
	if (v->rooms)
		free(v->rooms[0]);
	free(v->rooms);
	free(v->stages);
	free(v->members);
	free(v->roles);
	free(v);
}

bool wave_has(const struct executor *ex, uint32_t pass) { return ex->wave->roles[pass] == WAVE_MEMBER; }
bool wave_follows(const struct executor *ex, uint32_t pass) { return ex->wave->roles[pass] == WAVE_FOLLOWS; }

/* ---- a walk ------------------------------------------------------------------------------------ */

/* The rows first .. end-1 of the last tick, and what they need, on one worker. */
typedef struct walk {
	struct executor *ex;
	wave *v;
	worker *w;
	uint8_t *room;
	uint64_t steps;
	int64_t first, end;
	wave_stage *stages;     /* of tick t = 1 .. steps and member i: t * n_members + i */
	size_t bytes;           /* of room */
} walk;

static wave_stage *stage_of(const walk *k, uint64_t tick, uint32_t i) { return &k->stages[tick * k->v->n_members + i]; }

/* The stage that a read of a member in a tick looks at; NULL: what there was before. */
static wave_stage *source_of(const walk *k, uint64_t tick, const wave_read *r)
{
	return r->prev && tick == 1 ? NULL : stage_of(k, tick - r->prev, r->member);
}

static size_t row_bytes(const wave_member *m) { return (m->slab + PAD + 63) & ~(size_t)63; }

/* Which rows of each tick are needed, from the last on; how far they lie behind the front; and how many are kept. */
static void lay_out(walk *k)
{
	const wave *v = k->v;
	k->bytes = 0;
	for (uint64_t t = 0; t <= k->steps; t++)
		for (uint32_t i = 0; i < v->n_members; i++)
			*stage_of(k, t, i) = t == k->steps ? (wave_stage){.first = k->first, .end = k->end} : (wave_stage){.first = v->rows};
	for (uint64_t t = k->steps; t > 0; t--)
		for (uint32_t i = v->n_members; i-- > 0;)
			for (uint32_t n = 0; n < v->members[i].n_reads; n++) {
				const wave_read *r = &v->members[i].reads[n];
				const wave_stage *at = stage_of(k, t, i);
				wave_stage *from = source_of(k, t, r);
				if (!from)
					continue;
				int64_t first = at->first - r->back < 0 ? 0 : at->first - r->back, end = at->end + r->ahead > v->rows ? v->rows : at->end + r->ahead;
				from->first = first < from->first ? first : from->first;
				from->end = end > from->end ? end : from->end;
			}
	for (uint64_t t = 1; t <= k->steps; t++)
		for (uint32_t i = 0; i < v->n_members; i++)
			for (uint32_t n = 0; n < v->members[i].n_reads; n++) {
				const wave_read *r = &v->members[i].reads[n];
				const wave_stage *from = source_of(k, t, r);
				int64_t lag = from ? from->lag + r->ahead : 0;
				stage_of(k, t, i)->lag = lag > stage_of(k, t, i)->lag ? lag : stage_of(k, t, i)->lag;
			}
	for (uint64_t t = 1; t <= k->steps; t++)
		for (uint32_t i = 0; i < v->n_members; i++)
			for (uint32_t n = 0; n < v->members[i].n_reads; n++) {
				const wave_read *r = &v->members[i].reads[n];
				wave_stage *from = source_of(k, t, r);
				int64_t room = from ? stage_of(k, t, i)->lag + r->back - from->lag + 1 : 0;
				if (from && room > from->room)
					from->room = room;
			}
	for (uint64_t t = 1; t <= k->steps; t++)
		for (uint32_t i = 0; i < v->n_members; i++) {
			wave_stage *at = stage_of(k, t, i);
			at->room = at->room > 0 ? at->room : 1;
			at->place = k->bytes;
			k->bytes += (size_t)at->room * row_bytes(&v->members[i]);
		}
}

static bool is_own(const walk *k, uint64_t tick, int64_t row) { return tick == k->steps && row >= k->first && row < k->end; }

/* Where a row of a member is in a tick: those of the last tick that are this walk's own stand in the page. */
static uint8_t *row_at(const walk *k, uint64_t tick, uint32_t i, int64_t row)
{
	const wave_member *m = &k->v->members[i];
	const wave_stage *at = stage_of(k, tick, i);
	if (tick == 0)
		return m->to->prev + (size_t)row * m->slab;
	return is_own(k, tick, row) ? m->to->cur + (size_t)row * m->slab : k->room + at->place + (size_t)(row % at->room) * row_bytes(m);
}

/* now: of the member, whose other operands it has. */
static void compute_row(const walk *k, span_now *now, uint64_t tick, uint32_t i, int64_t row)
{
	const wave_member *m = &k->v->members[i];
	uint64_t changed[SPAN_MEMBERS] = {0}, first = (uint64_t)row * m->elements;
	for (uint32_t n = 0; n < m->n_reads; n++) {
		const wave_read *r = &m->reads[n];
		int64_t from = r->view == RV_NONE ? row + r->shift : view_position(r->view, row + r->shift, k->v->rows);
		if (from < 0) /* a value answers */
			from = row;
		const uint8_t *at = row_at(k, tick - r->prev, r->member, from);
		now->base[r->input] = (const uint8_t *)((uintptr_t)at - (uintptr_t)from * k->v->members[r->member].slab);
	}
	output_now *out = &now->outputs[0];
	out->at = (uint8_t *)((uintptr_t)row_at(k, tick, i, row) - (uintptr_t)first * out->stride);
	out->was = NULL;
	out->marks = NULL;
	span_elements(k->w, now, first, first + m->elements, changed);
}

static void go(walk *k, const span_now *ready)
{
	const wave *v = k->v;
	span_now now[WAVE_MEMBERS];
	memcpy(now, ready, v->n_members * sizeof *now);
	int64_t front = v->rows, last = 0;
	for (uint64_t t = 1; t <= k->steps; t++)
		for (uint32_t i = 0; i < v->n_members; i++) {
			const wave_stage *at = stage_of(k, t, i);
			front = at->first + at->lag < front ? at->first + at->lag : front;
			last = at->end + at->lag > last ? at->end + at->lag : last;
		}
	for (; front < last; front++)
		for (uint64_t t = 1; t <= k->steps; t++)
			for (uint32_t i = 0; i < v->n_members; i++) {
				const wave_stage *at = stage_of(k, t, i);
				int64_t row = front - at->lag;
				if (row >= at->first && row < at->end)
					compute_row(k, &now[i], t, i, row);
			}
}

/* ---- all rows ---------------------------------------------------------------------------------- */

static walk walk_of(struct executor *ex, uint32_t worker_id, uint32_t number, uint32_t n_walks, uint64_t steps)
{
	wave *v = ex->wave;
	walk k = {.ex = ex, .v = v, .w = &ex->workers[worker_id], .room = v->rooms[worker_id], .steps = steps,
	          .stages = v->stages + (size_t)worker_id * (WAVE_STEPS + 1) * WAVE_MEMBERS,
	          .first = v->rows * number / n_walks, .end = v->rows * (number + 1) / n_walks};
	lay_out(&k);
	return k;
}

/* Each worker has rows of its own, where they are many more than those that two of them compute both. */
static uint32_t walks_of(const struct executor *ex, uint64_t steps)
{
	double work = 0;
	for (uint32_t i = 0; i < ex->wave->n_members; i++)
		work += (double)ex->wave->members[i].to->count * ex->wave->members[i].span->weight * (double)steps;
	bool shared = ex->n_workers > 1 && work >= TEAM * ex->grain && ex->wave->rows >= (int64_t)(8 * steps * ex->n_workers);
	return shared ? ex->n_workers : 1;
}

/* Most of each page changed in the last epoch, so most of what follows will in the next ones. */
static bool is_busy(const wave *v)
{
	for (uint32_t i = 0; i < v->n_members; i++) {
		const page *p = v->members[i].to;
		if (!p->now->all && !bitset_above(&p->now->bits, p->count / SWAP_SHARE))
			return false;
	}
	return true;
}

static bool rooms_ready(struct executor *ex)
{
	wave *v = ex->wave;
	if (v->no_room || v->rooms[0])
		return !v->no_room;
	uint8_t *memory = aligned_alloc(64, (size_t)ex->n_workers * WAVE_BYTES);
	v->no_room = !memory;
	for (uint32_t i = 0; i < ex->n_workers && memory; i++)
		v->rooms[i] = memory + (size_t)i * WAVE_BYTES;
	return memory != NULL;
}

uint64_t wave_steps(struct executor *ex, uint64_t most)
{
	if (!ex->wave || most < LEAST || ex->force || !is_busy(ex->wave) || !rooms_ready(ex))
		return 0;
	uint64_t steps = most < WAVE_STEPS ? most : WAVE_STEPS;
	while (steps >= LEAST && walk_of(ex, 0, 0, walks_of(ex, steps), steps).bytes > WAVE_BYTES)
		steps--;
	return steps >= LEAST ? steps : 0;
}

static void mark_all(struct executor *ex, uint64_t steps, uint64_t epoch)
{
	mmsb_instance *m = ex->inst;
	for (uint32_t i = 0; i < ex->wave->n_members; i++) {
		const wave_member *w = &ex->wave->members[i];
		mmsb_pass_stats *s = &m->pass_stats[w->pass];
		page *p = w->to;
		p->now->all = true;
		p->behind = false;
		p->changed = epoch;
		p->version++;
		bitset_set(&m->touched, p->id);
		s->epochs += steps;
		s->dense += steps;
		s->evaluated += steps * p->count;
	}
}

static void run_walk(struct executor *ex, uint32_t worker_id, uint32_t number, uint32_t n_walks, uint64_t steps, const span_now *now)
{
	walk k = walk_of(ex, worker_id, number, n_walks, steps);
	uint64_t env = fpenv_enter();
	k.w->in_team = n_walks > 1;
	go(&k, now);
	k.w->in_team = false;
	fpenv_leave(env);
}

static void run_team(struct executor *ex, uint32_t n_walks, uint64_t steps, const span_now *now)
{
#ifdef _OPENMP
#pragma omp parallel for num_threads((int)n_walks) schedule(static, 1)
	for (uint32_t i = 0; i < n_walks; i++)
		run_walk(ex, (uint32_t)omp_get_thread_num(), i, n_walks, steps, now);
#else
	run_walk(ex, 0, 0, n_walks, steps, now);
#endif
}

void wave_run(struct executor *ex, uint64_t steps, uint64_t epoch)
{
	span_now now[WAVE_MEMBERS];
	wave *v = ex->wave;
	uint32_t n = walks_of(ex, steps);
	for (uint32_t i = 0; i < v->n_members; i++) {
		const pass_target target = {.at = v->members[i].to->cur};
		saving_whole(ex->inst, v->members[i].to, v->members[i].to->cur);
		span_ready(&now[i], ex, v->members[i].span, &target);
	}
	if (n > 1)
		run_team(ex, n, steps, now);
	else
		run_walk(ex, 0, 0, 1, steps, now);
	mark_all(ex, steps, epoch);
}
