/* relax.c - single operands of a reduction. Where an element is read along the variable of a reduction by the fixpoint's operation,
 * whose value is one of those that the reader takes the best of, what the element does for a reader is one operand: it is
 * computed for any list of pairs of reader and position, side by side, without the rest of the reduction. */
#include "repair.h"

const void *relax_run(worker *w, const kernel_plan *p, const page *to, relaxation *x, const uint8_t **live)
{
	const own_read *o = x->own;
	run *r = &w->runs[0], *c = &w->runs[o->region->id];
	r->n = c->n = x->n;
	r->live = c->live = NULL;
	x->n = 0;
	pass_positions(w, p, to, r, x->outer);
	w->work += r->n + BATCH_WORK;
	for (uint32_t i = 0; i < o->n_steps; i++)
		run_step(w, r, o->steps[i]);
	c->parent = r;
	c->form = OUTER_SAME;
	c->vars[o->region->var] = (var_lanes){VAR_I64, 0, x->inner};
	if (o->region->entry != NONE)
		c->vars[o->region->entry] = (var_lanes){VAR_I64, 0, x->entry};
	run_import(w, c);
	if (!run_code(w, c))
		return NULL;
	lanes *value = &c->regs[o->region->value];
	lanes_fill(w, value, o->region->width, c->n);
	*live = c->live;
	return value->at;
}
