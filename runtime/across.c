/* across.c - reductions of elements side by side, as sums of columns, by a function of native code (native_span.h): finds where its operands lie. */
#include "native_span.h"
#include "plan.h"
#include "tree.h"

typedef struct across_input {
	uint8_t kind, width;    /* span_kind */
	const read_plan *read;  /* of a page; or NULL */
	uint32_t local;         /* the register that has it */
	int64_t step;           /* from position to position, in elements */
} across_input;

typedef struct across {
	native_fn *fn;
	uint32_t n_in;
	const across_input *in;
	size_t lanes;           /* from node to node */
} across;

/* ---- plans ------------------------------------------------------------------------------------- */

static bool plan_operand(planner *pl, const region_plan *r, const span_operand *o, across_input *in)
{
	const sch_instr *src = instr_of(pl, o->instr);
	*in = (across_input){.kind = o->kind, .width = (uint8_t)width_of(o->type), .local = NONE};
	if (src->code == CODE_READ && o->reg == NONE) {
		in->read = &pl->p->reads[src->a];
		for (uint32_t t = 0; t < in->read->n_terms && o->kind != SPAN_GATHER; t++)
			in->step += in->read->terms[t].var == find_var(pl, r, r->def->first_var) ? in->read->terms[t].coef : 0;
		return !in->read->empty && in->read->from->element > 0;
	}
	in->local = pl->names[r->id].regs[o->reg == NONE ? src->dst : o->reg];
	return in->local != NONE;
}

const across *across_plan(planner *pl, const region_plan *r, uint32_t pass)
{
	char name[NATIVE_NAME];
	native_span *found = plan_take(pl, 1, sizeof *found);
	across *a = plan_take(pl, 1, sizeof *a);
	if (pl->failed || !native_across_find(found, pl->s, pass, r->id))
		return NULL;
	native_across_name(name, pl->s, pass, r->id);
	across_input *in = plan_take(pl, found->n_in, sizeof *in);
	*a = (across){native_find(pl->inst->owner, name), found->n_in, in, pl->lanes};
	for (uint32_t i = 0; i < found->n_in && !pl->failed; i++)
		if (!plan_operand(pl, r, &found->in[i], &in[i]))
			return NULL;
	return pl->failed || !a->fn ? NULL : a;
}

/* ---- running ----------------------------------------------------------------------------------- */

/* Elements of a read lie as the function takes them: those of lanes in step. */
static bool read_ready(const worker *w, const run *c, const across_input *in)
{
	if (w->ex->reads[in->read - w->ex->plan->reads].stride != (size_t)1 << in->width)
		return false;
	for (uint32_t t = 0; t < in->read->n_terms && in->kind != SPAN_GATHER; t++) {
		uint32_t var = in->read->terms[t].var;
		if (var != c->plan->var && c->vars[var].form != VAR_UNIFORM && (c->vars[var].form != VAR_IOTA || in->kind != SPAN_LANES))
			return false;
	}
	return true;
}

/* The element of the first lane at the first position. */
static const uint8_t *first_element(const worker *w, const run *c, const across_input *in)
{
	const read_now *now = &w->ex->reads[in->read - w->ex->plan->reads];
	int64_t position = in->read->constant;
	for (uint32_t t = 0; t < in->read->n_terms; t++) {
		uint32_t var = in->read->terms[t].var;
		position += in->read->terms[t].coef * (var == c->plan->var ? c->plan->lo : c->vars[var].start);
	}
	return now->base + (size_t)position * now->stride;
}

bool across_run(worker *w, run *c, void *values, void *nodes, int64_t positions)
{
	const across *a = c->plan->across;
	const void *in[NATIVE_MOST + 1];
	size_t shape[NATIVE_MOST + 2] = {(size_t)positions, a->lanes};
	void *const out[2] = {values, nodes};
	for (uint32_t i = 0; i < a->n_in; i++)
		if (a->in[i].read && !read_ready(w, c, &a->in[i]))
			return false;
	for (uint32_t i = 0; i < a->n_in; i++) {
		const across_input *input = &a->in[i];
		shape[2 + i] = (size_t)input->step;
		if (input->kind == SPAN_GATHER) {
			in[i] = w->ex->reads[input->read - w->ex->plan->reads].base;
		} else if (input->read) {
			in[i] = first_element(w, c, input);
		} else {
			if (input->kind == SPAN_LANES)
				lanes_fill(w, &c->regs[input->local], input->width, c->n);
			in[i] = c->regs[input->local].at;
		}
	}
	in[a->n_in] = shape;
	a->fn(out, in, c->n);
	w->work += (uint64_t)positions * c->n;
	w->operands += (uint64_t)positions * c->n;
	return true;
}
