/* fault.c - what failed and where. Of several failures of a pass the one told is that of the lowest position in the pass's page,
 * then of the first instruction, then of the lowest variables of the reductions around it: the same on any number of threads. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "exec.h"
#include "guard.h"

static const char *const guard_texts[GUARD_COUNT] = {
#define GUARD(id, holds, text) [GUARD_##id] = text,
#include "guard.def"
#undef GUARD
};

bool fault_before(const fault *a, const fault *b)
{
	if (!a->any || !b->any)
		return a->any;
	if (a->position != b->position)
		return a->position < b->position;
	if (a->instr != b->instr)
		return a->instr < b->instr;
	for (uint32_t i = 0; i < a->n_vars && i < b->n_vars; i++)
		if (a->vars[i] != b->vars[i])
			return a->vars[i] < b->vars[i];
	return false;
}

/* Where in the order of its elements a lane of region 0 stands: of entries row << 32 | column. */
static uint64_t position_of(const worker *w, const run *r, uint32_t lane)
{
	if (r->plan->def->kind != REGION_ENTRIES)
		return (uint64_t)var_lane(&r->vars[r->plan->flat], lane);
	const uint32_t *vars = w->ex->plan->root_vars;
	return (uint64_t)var_lane(&r->vars[vars[0]], lane) << 32 | (uint64_t)var_lane(&r->vars[vars[1]], lane);
}

static void trace(const worker *w, const run *r, uint32_t lane, fault *f)
{
	int64_t inner_first[FAULT_VARS];
	uint32_t n = 0;
	while (r->plan->id != 0) {
		if (n < FAULT_VARS && r->plan->var != NONE)
			inner_first[n++] = var_lane(&r->vars[r->plan->var], lane);
		lane = run_outer_lane(r, lane);
		r = r->parent;
	}
	f->position = position_of(w, r, lane);
	f->n_vars = n;
	for (uint32_t i = 0; i < n; i++)
		f->vars[i] = inner_first[n - 1 - i];
}

static int print_value(char *to, size_t size, unsigned type, scalar v)
{
	switch (type_table[type].kind) {
	case KIND_F: return snprintf(to, size, "%.17g", type == T_F32 ? (double)v.F32 : v.F64);
	case KIND_S: {
		int shift = 64 - 8 * type_table[type].bytes;
		return snprintf(to, size, "%" PRId64, (int64_t)(v.bits << shift) >> shift);
	}
	default: return snprintf(to, size, "%" PRIu64, v.bits);
	}
}

static size_t print_element(char *to, size_t size, const char *name, unsigned ndim, const uint64_t *index)
{
	size_t n = (size_t)snprintf(to, size, "%s", name);
	for (unsigned d = 0; d < ndim && n < size; d++)
		n += (size_t)snprintf(to + n, size - n, "%s%" PRIu64 "%s", d ? ", " : "[", index[d], d + 1 == ndim ? "]" : "");
	return n < size ? n : size - 1;
}

/* The element of the pass's page. */
static void locate(const worker *w, uint64_t position, mmsb_error *e)
{
	const mmsb_instance *inst = w->ex->inst;
	const sch_pass *pass = w->ex->plan->pass;
	if (!pass)
		return;
	const page *p = &inst->pages[pass->page];
	e->page = (int)pass->page;
	e->ndim = p->def->ndim;
	if (p->def->flags & PAGEF_SPARSE) {
		e->index[0] = position >> 32;
		e->index[1] = position & UINT32_MAX;
		return;
	}
	for (unsigned d = e->ndim; d-- > 0;) {
		uint64_t n = p->dims[d] > 0 ? (uint64_t)p->dims[d] : 1;
		e->index[d] = position % n;
		position /= n;
	}
}

/* The element that a guard speaks of, where its read stands in this region or around it. */
static bool guarded_element(const worker *w, const run *r, const step *s, uint32_t lane, mmsb_error *e)
{
	const read_plan *rp = s->read;
	int64_t index[MAX_DIMS];
	if (!rp || !rp->def)
		return false;
	while (r->plan->id != rp->def->region && r->plan->id != 0) {
		lane = run_outer_lane(r, lane);
		r = r->parent;
	}
	if (r->plan->id != rp->def->region)
		return false;
	read_position(w, r, rp, lane, index);
	e->page = (int)rp->def->page;
	e->ndim = rp->from->def->ndim;
	for (unsigned d = 0; d < e->ndim; d++)
		e->index[d] = (uint64_t)index[d];
	return true;
}

/* The file that a kernel is written in: of a pass, or of the page whose init it is; "" if that is not known. */
static const char *file_of(const worker *w)
{
	const schedule *s = w->ex->inst->sch;
	uint32_t kernel = (uint32_t)(w->ex->plan->def - s->kernels);
	if (w->ex->plan->pass)
		return sch_text(s, w->ex->plan->pass->file);
	for (uint32_t i = 0; i < s->n_pages; i++)
		if (s->pages[i].init == kernel)
			return sch_text(s, s->pages[i].file);
	for (uint32_t i = 0; i < s->n_passes; i++)
		if (s->passes[i].start == kernel || s->passes[i].max_rounds == kernel || s->passes[i].tol == kernel)
			return sch_text(s, s->passes[i].file);
	return "";
}

static void describe(const worker *w, const run *r, const step *s, uint32_t lane, fault *f)
{
	const mmsb_instance *inst = w->ex->inst;
	mmsb_error *e = &f->error;
	char element[256], value[64];
	memset(e, 0, sizeof *e);
	e->status = MMSB_FAULT;
	e->page = -1;
	locate(w, f->position, e);
	if (s->code == CODE_GUARD)
		guarded_element(w, r, s, lane, e);
	const char *name = e->page >= 0 ? sch_text(inst->sch, inst->pages[e->page].def->name) : sch_text(inst->sch, w->ex->plan->def->name);
	print_element(element, sizeof element, name, e->ndim, e->index);
	const char *file = file_of(w);
	int n = snprintf(e->message, sizeof e->message, "%s%s%" PRIu32 ": ", file, *file ? ":" : "line ", s->def->line);
	char *at = e->message + n;
	size_t room = sizeof e->message - (size_t)n;
	if (s->code == CODE_OP) {
		snprintf(at, room, "%s: division by zero", element);
		return;
	}
	unsigned type = s->code == CODE_TO_INDEX ? s->type2 : s->type;
	print_value(value, sizeof value, type, reg_lane(&r->regs[s->args[0]], width_of(type), lane));
	if (s->code == CODE_GUARD)
		snprintf(at, room, "%s = %s %s", element, value, guard_texts[s->def->c]);
	else if (s->size > 0)
		snprintf(at, room, "%s: index %s is out of range 0..%" PRId64, element, value, s->size - 1);
	else
		snprintf(at, room, "%s: index %s is out of range: the dimension is empty", element, value);
}

static void lower_shared(const worker *w, uint64_t position)
{
	uint64_t now = __atomic_load_n(w->ex->fault_at, __ATOMIC_RELAXED);
	while (position < now &&
	       !__atomic_compare_exchange_n(w->ex->fault_at, &now, position, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

void fault_lanes(worker *w, run *r, const step *s, const uint8_t *bad)
{
	const lanes *mask = s->mask == NONE ? NULL : &r->regs[s->mask];
	for (uint32_t lane = 0; lane < r->n; lane++) {
		if (!bad[lane] || (r->live && !r->live[lane]) || (mask && !reg_lane(mask, 0, lane).BOOL))
			continue;
		fault f = {.any = true, .instr = (uint32_t)(s->def - w->ex->inst->sch->instrs)};
		trace(w, r, lane, &f);
		if (!fault_before(&f, &w->fault))
			continue;
		describe(w, r, s, lane, &f);
		w->fault = f;
		lower_shared(w, f.position);
	}
}
