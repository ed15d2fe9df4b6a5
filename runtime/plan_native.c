/* plan_native.c - steps in the order of stages (native.h), and the functions that run the steps of a stage as one. */
#include <string.h>

#include "native.h"
#include "plan.h"
#include "rows.h"
#include "spans.h"

/* The steps first .. end-1, which are of one odd stage. */
static void plan_fused(planner *pl, region_plan *r, const native_stages *st, uint32_t first, uint32_t end)
{
	native_group g;
	char name[NATIVE_NAME];
	uint32_t kernel = (uint32_t)(pl->p->def - pl->s->kernels), stage = st->stage[r->steps[first].def - instr_of(pl, 0)];
	native_name(name, kernel, r->id, stage);
	native_fn *fn = native_find(pl->inst->owner, name);
	if (!fn || !native_group_find(&g, st, pl->s, kernel, r->id, stage) || g.n_instr != end - first)
		return;
	fused *f = plan_take(pl, 1, sizeof *f);
	fused_operand *in = plan_take(pl, g.n_in, sizeof *in);
	const step **out = plan_take(pl, g.n_out, sizeof *out);
	if (pl->failed)
		return;
	for (uint32_t i = 0; i < g.n_in; i++)
		in[i] = (fused_operand){local_reg(pl, r, g.in[i]), (uint8_t)width_of(type_of(pl, g.in[i])), native_known(instr_of(pl, st->def[g.in[i]]))};
	uint32_t n_out = 0;
	for (uint32_t i = first; i < end && n_out < g.n_out; i++)
		if (r->steps[i].def->dst == g.out[n_out])
			out[n_out++] = &r->steps[i];
	if (n_out < g.n_out)
		return;
	*f = (fused){fn, end - first, g.n_in, g.n_out, in, out};
	r->steps[first].fused = f;
}

/* Sorts steps by stage, and within one as they were. False: the steps that `where` needs are not those of the stages. */
static bool sort_steps(planner *pl, region_plan *r, const native_stages *st)
{
	step *sorted = plan_take(pl, r->n_steps, sizeof *sorted);
	if (!sorted)
		return false;
	uint32_t n = 0;
	for (uint32_t stage = 0, next; n < r->n_steps; stage = next) {
		next = NONE;
		for (uint32_t i = 0; i < r->n_steps; i++) {
			uint32_t own = st->stage[r->steps[i].def - instr_of(pl, 0)];
			if (r->where != NONE && (i < r->n_before) != !(own & NATIVE_LATE))
				return false;
			if (own == stage)
				sorted[n++] = r->steps[i];
			else if (own > stage && own < next)
				next = own;
		}
	}
	memcpy(r->steps, sorted, r->n_steps * sizeof *sorted);
	return true;
}

void plan_native(planner *pl, region_plan *r)
{
	native_stages st;
	if (pl->failed || !pl->inst->native || r->n_steps == 0)
		return;
	if (!native_stages_find(&st, pl->s, (uint32_t)(pl->p->def - pl->s->kernels))) {
		pl->failed = true;
		return;
	}
	if (sort_steps(pl, r, &st))
		for (uint32_t i = 0, end; i < r->n_steps && !pl->failed; i = end) {
			uint32_t stage = st.stage[r->steps[i].def - instr_of(pl, 0)];
			for (end = i; end < r->n_steps && st.stage[r->steps[end].def - instr_of(pl, 0)] == stage; end++)
				;
			if (stage & 1)
				plan_fused(pl, r, &st, i, end);
		}
	native_stages_free(&st);
	if (r->id > 0 && pl->p->pass)
		r->fold = fold_plan(pl, r, (uint32_t)(pl->p->pass - pl->s->passes));
	if (r->id > 0 && pl->p->pass)
		r->across = across_plan(pl, r, (uint32_t)(pl->p->pass - pl->s->passes));
}

uint32_t native_functions(const mmsb_instance *m, uint32_t pass)
{
	const kernel_plan *p = m->executor ? m->executor->passes[pass] : NULL;
	uint32_t n = 0;
	for (uint32_t r = 0; p && r < p->n_regions; r++) {
		n += (uint32_t)(p->regions[r].fold != NULL) + (p->regions[r].across != NULL) + (p->regions[r].block != NULL) + rows_functions(p->regions[r].rows);
		for (uint32_t i = 0; i < p->regions[r].n_steps; i++)
			n += p->regions[r].steps[i].fused != NULL;
	}
	return p ? n + (p->span != NULL) + (p->span && p->span->listed && p->span->listed != p->span->fn) + (p->spans != NULL) : 0;
}
