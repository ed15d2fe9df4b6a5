/* run.c - the code of a region over the lanes of a batch. An instruction whose operands are all uniform is run for one lane. */
#include <string.h>

#include "blocks.h"
#include "bounds.h"
#include "guard.h"
#include "pour.h"
#include "ranges.h"
#include "rows.h"
#include "store.h"

/* ---- runs -------------------------------------------------------------------------------------- */

static void prepare_run(worker *w, run *r, const region_plan *rp)
{
	memset(r, 0, sizeof *r);
	r->plan = rp;
	r->parent = rp->parent ? &w->runs[rp->parent->id] : NULL;
	r->regs = (void *)(w->arena + rp->regs_place);
	r->vars = (void *)(w->arena + rp->vars_place);
	r->outer = (void *)(w->arena + rp->outer_place);
	r->segments = (void *)(w->arena + rp->segments_place);
	r->live_mask = w->arena + rp->live_place;
	r->red = (void *)(w->arena + rp->red_place);
	r->scan_key = (void *)(w->arena + rp->key_place);
	if (rp->id != 0)
		reduction_set(r->red, w->k, rp->kind, rp->def->op, rp->type, rp->def->reducer == REDUCER_ARGMAX,
		              rp->kind == RED_LIST ? (void *)(w->arena + rp->list_place) : NULL);
	for (uint32_t i = 0; i < rp->n_knowns; i++) {
		const known *k = &rp->knowns[i];
		memcpy(w->arena + k->place, &k->value, type_table[k->type].bytes);
		r->regs[k->local] = (lanes){w->arena + k->place, 1, true};
	}
}

void worker_prepare(worker *w, const kernel_plan *p)
{
	w->runs = (void *)(w->arena + p->runs_place);
	for (uint32_t i = 0; i < p->n_regions; i++)
		prepare_run(w, &w->runs[i], &p->regions[i]);
}

void lanes_fill(worker *w, lanes *l, unsigned width, uint32_t n)
{
	if (!l->uniform || l->filled >= n)
		return;
	w->k->fill[width](l->at, l->at, n);
	l->filled = n;
}

int64_t var_lane(const var_lanes *v, uint32_t lane)
{
	switch (v->form) {
	case VAR_UNIFORM: return v->start;
	case VAR_IOTA: return v->start + lane;
	case VAR_I64: return ((const int64_t *)v->at)[lane];
	default: return ((const uint32_t *)v->at)[lane];
	}
}

scalar reg_lane(const lanes *l, unsigned width, uint32_t lane)
{
	scalar v = {0};
	memcpy(&v, (const uint8_t *)l->at + ((size_t)(l->uniform ? 0 : lane) << width), (size_t)1 << width);
	return v;
}

/* ---- imports ----------------------------------------------------------------------------------- */

static void import_reg(worker *w, run *r, const import *im)
{
	lanes *from = &r->parent->regs[im->from], *to = &r->regs[im->to];
	void *own = w->arena + im->place;
	if (r->form == OUTER_SAME || (r->form == OUTER_MAP && from->uniform)) {
		*to = *from;
	} else if (r->form == OUTER_ONE) {
		/* a copy even of a uniform value: the region around may be another worker's */
		size_t bytes = (size_t)1 << im->width;
		memcpy(own, (const uint8_t *)from->at + (from->uniform ? 0 : r->outer_lane * bytes), bytes);
		*to = (lanes){own, 1, true};
	} else {
		w->k->take[im->width](own, from->at, r->outer, r->n);
		*to = (lanes){own, 0, false};
	}
}

static void import_var(worker *w, run *r, const import *im)
{
	const var_lanes *from = &r->parent->vars[im->from];
	var_lanes *to = &r->vars[im->to];
	void *own = w->arena + im->place;
	if (r->form == OUTER_SAME || from->form == VAR_UNIFORM) {
		*to = *from;
	} else if (r->form == OUTER_ONE) {
		*to = (var_lanes){VAR_UNIFORM, var_lane(from, r->outer_lane), NULL};
	} else if (from->form == VAR_U32) {
		w->k->take[2](own, from->at, r->outer, r->n);
		*to = (var_lanes){VAR_U32, 0, own};
	} else if (from->form == VAR_I64) {
		w->k->take[3](own, from->at, r->outer, r->n);
		*to = (var_lanes){VAR_I64, 0, own};
	} else {
		int64_t *x = own;
		for (uint32_t i = 0; i < r->n; i++)
			x[i] = from->start + r->outer[i];
		*to = (var_lanes){VAR_I64, 0, own};
	}
}

uint32_t run_outer_lane(const run *r, uint32_t lane)
{
	switch (r->form) {
	case OUTER_ONE: return r->outer_lane;
	case OUTER_MAP: return r->outer[lane];
	case OUTER_SCAN: {
		int64_t at = r->scan_first + lane;
		return at < 0 ? 0 : (uint32_t)at;
	}
	case OUTER_SAME: break;
	}
	return lane;
}

void run_import(worker *w, run *r)
{
	for (uint32_t i = 0; i < r->plan->n_imports; i++)
		import_reg(w, r, &r->plan->imports[i]);
	for (uint32_t i = 0; i < r->plan->n_var_imports; i++)
		import_var(w, r, &r->plan->var_imports[i]);
}

/* ---- instructions ------------------------------------------------------------------------------ */

static unsigned operand_width(const step *s, unsigned i)
{
	if (s->code == CODE_CONV || s->code == CODE_TO_INDEX)
		return width_of(s->type2);
	if (s->op == OP_SELECT && s->code == CODE_OP && i == 0)
		return 0;
	return width_of(s->type);
}

/* Lanes in which an integer divisor is zero. */
static void check_divisor(worker *w, run *r, const step *s, uint32_t n)
{
	const lanes *b = &r->regs[s->args[1]];
	const uint8_t *at = b->at;
	size_t bytes = type_table[s->type].bytes;
	bool any = false;
	uint32_t m = b->uniform ? 1 : n;
	for (uint32_t i = 0; i < m; i++) {
		uint64_t v = 0;
		memcpy(&v, at + i * bytes, bytes);
		w->outside[i] = v == 0;
		any |= v == 0;
	}
	if (!any)
		return;
	if (m == 1)
		memset(w->outside, 1, r->n);
	fault_lanes(w, r, s, w->outside);
}

static void run_op(worker *w, run *r, const step *s)
{
	lanes *args[3] = {NULL, NULL, NULL};
	const void *at[3] = {NULL, NULL, NULL};
	bool uniform = true;
	for (unsigned i = 0; i < s->arity; i++) {
		args[i] = &r->regs[s->args[i]];
		uniform &= args[i]->uniform;
	}
	uint32_t n = uniform ? 1 : r->n;
	for (unsigned i = 0; i < s->arity; i++) {
		lanes_fill(w, args[i], operand_width(s, i), n);
		at[i] = args[i]->at;
	}
	void *dst = w->arena + s->place;
	s->fn(dst, at[0], at[1], at[2], n);
	r->regs[s->dst] = (lanes){dst, 1, uniform};
	if (s->can_fail)
		check_divisor(w, r, s, n);
}

static void run_var(worker *w, run *r, const step *s)
{
	const var_lanes *v = &r->vars[s->args[0]];
	void *dst = w->arena + s->place;
	lanes *out = &r->regs[s->dst];
	*out = (lanes){dst, 1, v->form == VAR_UNIFORM};
	switch (v->form) {
	case VAR_UNIFORM: *(int64_t *)dst = v->start; break;
	case VAR_IOTA: w->k->iota(dst, v->start, 1, r->n); break;
	case VAR_I64: memcpy(dst, v->at, r->n * sizeof(int64_t)); break;
	case VAR_U32: w->k->conv[T_U32][T_I64](dst, v->at, NULL, NULL, r->n); break;
	}
}

static void run_to_index(worker *w, run *r, const step *s)
{
	const lanes *a = &r->regs[s->args[0]];
	uint32_t n = a->uniform ? 1 : r->n, *dst = (void *)(w->arena + s->place);
	const uint64_t *x = a->at, limit = (uint64_t)s->size;
	uint8_t any = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint8_t bad = x[i] >= limit; /* a negative one is huge */
		dst[i] = bad ? 0 : (uint32_t)x[i];
		w->outside[i] = bad;
		any |= bad;
	}
	r->regs[s->dst] = (lanes){dst, 1, a->uniform};
	if (!any)
		return;
	if (a->uniform)
		memset(w->outside, 1, r->n);
	fault_lanes(w, r, s, w->outside);
}

/* Conversion to f64 keeps sign, zero, one, infinities and nan of every type, which is all that guards ask. */
static void run_guard(worker *w, run *r, const step *s)
{
	lanes *a = &r->regs[s->args[0]];
	uint32_t n = a->uniform ? 1 : r->n;
	double *x = (void *)w->index;
	bool any = false;
	w->k->conv[s->type][T_F64](x, a->at, NULL, NULL, n);
	for (uint32_t i = 0; i < n; i++) {
		w->outside[i] = !guard_holds(s->def->c, x[i], (TYPES_FLT >> s->type & 1) != 0);
		any |= w->outside[i];
	}
	r->regs[s->dst] = *a;
	if (!any)
		return;
	if (a->uniform)
		memset(w->outside, 1, r->n);
	fault_lanes(w, r, s, w->outside);
}

/* Few lanes or a strided page: by outer elements or by positions? */
static bool choose_over(const worker *w, const run *r, const region_plan *child)
{
	const sch_region *g = child->def;
	bool along_at = g->kind == REGION_PREFIX && r->vars[child->at].form == VAR_UNIFORM;
	if ((g->kind != REGION_RANGE && !along_at) || child->kind == RED_LIST)
		return false;
	if (w->ex->force)
		return w->ex->force == 'A';
	if (r->n < 16 || bounds_differ(child))
		return false;
	return child->extent <= 8 || child->over_cost <= child->expand_cost;
}

static void reduce_lanes(worker *w, run *r, const step *s)
{
	if (choose_over(w, r, s->child))
		reduce_over(w, r, s);
	else if (!s->child->rows || !rows_reduce(w, r, s))
		reduce_expand(w, r, s, 0, r->n);
}

/* Of a range, without anything that differs from lane to lane. */
static bool is_same(const worker *w, const run *r, const region_plan *child)
{
	if (child->def->kind != REGION_RANGE || child->n_var_imports > 0 || r->live || w->ex->support)
		return false;
	for (uint32_t i = 0; i < child->n_imports; i++)
		if (!r->regs[child->imports[i].from].uniform)
			return false;
	return true;
}

/* Evaluated once; again where it fails, as the first element at which it does is told, and in the next batch where it takes something from the
 * region around, which may be another value there. */
static void reduce_same(worker *w, run *r, const step *s)
{
	run *c = &w->runs[s->child->id];
	lanes *dst = &r->regs[s->dst], *count = s->count != NONE ? &r->regs[s->count] : NULL;
	size_t bytes = (size_t)1 << s->child->out_width;
	if (!c->same_known) {
		uint32_t n = r->n;
		r->n = 1;
		reduce_lanes(w, r, s);
		r->n = n;
		memcpy(&c->same, dst->at, bytes);
		if (count)
			memcpy(&c->same_count, count->at, sizeof c->same_count);
		c->same_known = !w->fault.any && s->child->n_imports == 0;
	} else {
		memcpy(dst->at, &c->same, bytes);
		if (count)
			memcpy(count->at, &c->same_count, sizeof c->same_count);
	}
	dst->filled = 1;
	dst->uniform = true;
	if (count) {
		count->filled = 1;
		count->uniform = true;
	}
}

static void run_reduce(worker *w, run *r, const step *s)
{
	lanes *dst = &r->regs[s->dst];
	*dst = (lanes){w->arena + s->place, 0, false};
	if (s->count != NONE)
		r->regs[s->count] = (lanes){w->arena + s->count_place, 0, false};
	if (s->child == w->ex->bare) {
		uint64_t worst = op_identity(s->child->def->op, s->child->type);
		w->k->fill[s->child->width](dst->at, &worst, r->n);
		return;
	}
	if (pour_give(w, r, s) || (s->child->ranges && ranges_give(w, r, s)) || (s->child->block && blocks_give(w, r, s)))
		return;
	if (s->child->stored && store_running_give(w, r, s))
		return;
	uint32_t given = store_give(w, r, s);
	if (given == r->n || (s->child->def->kind == REGION_PREFIX && !w->ex->support && reduce_prefix(w, r, s)))
		return;
	if (given == 0 && is_same(w, r, s->child))
		reduce_same(w, r, s);
	else if (given == 0)
		reduce_lanes(w, r, s);
	else
		reduce_expand(w, r, s, 0, r->n);
	if (s->child->stored)
		store_keep(w, r, s);
}

void run_step(worker *w, run *r, const step *s)
{
	switch ((code_id)s->code) {
	case CODE_OP: case CODE_CONV: run_op(w, r, s); break;
	case CODE_VAR: run_var(w, r, s); break;
	case CODE_READ: read_lanes(w, r, s, &r->regs[s->dst]); break;
	case CODE_TO_INDEX: run_to_index(w, r, s); break;
	case CODE_GUARD: run_guard(w, r, s); break;
	case CODE_REDUCE: run_reduce(w, r, s); break;
	case CODE_CONST: case CODE_PARAM: case CODE_SIZE: break; /* known before the run */
	}
}

/* Who is present, once the code for `where` has run. */
static bool restrict_live(worker *w, run *r)
{
	lanes *where = &r->regs[r->plan->where];
	if (where->uniform) {
		if (*(const uint8_t *)where->at)
			return true;
		memset(r->live_mask, 0, r->n);
		r->live = r->live_mask;
		return false;
	}
	if (r->live)
		w->k->op[OP_LAND][T_BOOL](r->live_mask, r->live, where->at, NULL, r->n);
	else
		memcpy(r->live_mask, where->at, r->n);
	r->live = r->live_mask;
	return memchr(r->live_mask, 1, r->n) != NULL;
}

/* Results may lie where operands do, lane by lane. */
static void run_fused(worker *w, run *r, const fused *f)
{
	const void *in[NATIVE_MOST];
	void *out[NATIVE_MOST];
	bool uniform = true;
	for (uint32_t i = 0; i < f->n_in; i++)
		uniform &= r->regs[f->in[i].local].uniform;
	uint32_t n = uniform ? 1 : r->n;
	for (uint32_t i = 0; i < f->n_in; i++) {
		lanes *l = &r->regs[f->in[i].local];
		if (!f->in[i].known)
			lanes_fill(w, l, f->in[i].width, n);
		in[i] = l->at;
	}
	for (uint32_t i = 0; i < f->n_out; i++)
		out[i] = w->arena + f->out[i]->place;
	f->fn(out, in, n);
	for (uint32_t i = 0; i < f->n_out; i++)
		r->regs[f->out[i]->dst] = (lanes){out[i], 1, uniform};
}

/* Runs a step, or those that are run as one; returns which comes next. */
static inline uint32_t run_next(worker *w, run *r, uint32_t i)
{
	const step *s = &r->plan->steps[i];
	if (s->fused) {
		run_fused(w, r, s->fused);
		return i + s->fused->n_steps;
	}
	run_step(w, r, s);
	return i + 1;
}

bool run_code(worker *w, run *r)
{
	const region_plan *rp = r->plan;
	uint32_t i = 0;
	w->work += r->n + BATCH_WORK;
	w->operands += rp->parent ? r->n : 0;
	while (i < rp->n_before)
		i = run_next(w, r, i);
	if (rp->where != NONE && !restrict_live(w, r))
		return false;
	while (i < rp->n_steps)
		i = run_next(w, r, i);
	return true;
}
