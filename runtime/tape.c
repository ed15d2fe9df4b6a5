/* tape.c - passes of one element without regions of reductions: their instructions with the addresses of all operands, ready to run one after
 * the other. Chains of scalars cost little more than their arithmetic.
 *
 * A page of few elements keeps its place (its buffers never change places), and so does a source; what else can move, or fail, or needs
 * more than loops over one lane, has no tape. */
#include <stdlib.h>

#include "exec.h"

typedef struct tape_op {
	kernel_fn *fn;
	void *dst;
	const void *args[3];
} tape_op;

struct tape {
	uint32_t n;
	uint8_t type;           /* of the result */
	const void *value;
	page *to;
	tape_op ops[];
};

/* The only element of a page that keeps its place; NULL: it is not of this kind. */
static const void *fixed_element(const mmsb_instance *m, const read_plan *rp)
{
	const page *from = rp->from;
	bool stays = from->def->pass == NONE || from->count <= SMALL_COUNT;
	if (!stays || from->def->flags & PAGEF_SPARSE || rp->def->prev || rp->empty || rp->n_regs || (rp->n_dims && rp->def->view != RV_NONE))
		return NULL;
	int64_t at = rp->constant;
	for (uint32_t t = 0; t < rp->n_terms; t++)
		if (rp->def->cls != READ_SAME) /* of one element: at position 0 */
			return NULL;
	column c = page_column(m, from, false, rp->def->field);
	return c.base + (size_t)at * c.stride;
}

/* Where each register of the plan's region has its value; false: some has none that stays. */
static bool place_registers(const mmsb_instance *m, const kernel_plan *p, const void **at)
{
	const region_plan *r = &p->regions[0];
	for (uint32_t i = 0; i < r->n_knowns; i++)
		at[r->knowns[i].local] = p->own_arena + r->knowns[i].place;
	for (uint32_t i = 0; i < r->n_steps; i++) {
		const step *s = &r->steps[i];
		if (s->can_fail || (s->code != CODE_OP && s->code != CODE_CONV && s->code != CODE_READ))
			return false;
		at[s->dst] = s->code == CODE_READ ? fixed_element(m, s->read) : p->own_arena + s->place;
		if (!at[s->dst])
			return false;
	}
	return true;
}

struct tape *tape_new(const mmsb_instance *m, const kernel_plan *p)
{
	const region_plan *r = &p->regions[0];
	page *to = &m->pages[p->pass->page];
	if (!p->small || to->count != 1 || p->def->n_outputs != 1 || to->def->record != NONE)
		return NULL;
	struct tape *t = calloc(1, sizeof *t + r->n_steps * sizeof *t->ops);
	const void **at = calloc(r->n_locals + 1, sizeof *at);
	bool fits = t && at && place_registers(m, p, at);
	for (uint32_t i = 0; fits && i < r->n_steps; i++) {
		const step *s = &r->steps[i];
		if (s->code == CODE_READ)
			continue;
		tape_op *op = &t->ops[t->n++];
		*op = (tape_op){s->fn, p->own_arena + s->place, {NULL, NULL, NULL}};
		for (uint32_t k = 0; k < s->arity; k++)
			op->args[k] = at[s->args[k]];
	}
	if (fits) {
		t->type = to->def->type;
		t->value = at[p->outputs[0]];
		t->to = to;
	}
	free(at);
	if (fits)
		return t;
	free(t);
	return NULL;
}

bool tape_run(const struct executor *ex, const struct tape *t)
{
	uint64_t mask = 0;
	for (const tape_op *op = t->ops; op < t->ops + t->n; op++)
		op->fn(op->dst, op->args[0], op->args[1], op->args[2], 1);
	const store_target target = {t->to->cur, t->to->cur, t->to->element, &mask};
	ex->k->store[t->type](&target, t->value, 1);
	return mask != 0;
}
