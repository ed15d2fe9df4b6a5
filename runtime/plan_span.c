/* plan_span.c - finds the functions of native code that compute whole passes (native_span.h), and where their operands come from. */
#include <stdlib.h>
#include <string.h>

#include "scalar.h"
#include "spans.h"

/* Elements of a row: of shorter ones, finding where operands lie would cost more than the function saves. */
enum { ROW_LEAST = 64 };

typedef struct span_planner {
	const struct executor *ex;
	const schedule *s;
	const native_span *found;
	span_plan *to;
	span_input *in;
	span_dim *dims;         /* free ones */
	bool whole_rows;        /* some operand asks where a row begins */
} span_planner;

static const sch_instr *source_of(const span_planner *sp, const span_operand *o)
{
	return &sp->s->instrs[sp->s->kernels[sp->s->passes[o->pass].kernel].first_instr + o->instr];
}

/* The domain's variable that is a local one of region 0. */
static uint32_t variable_of(const span_planner *sp, const kernel_plan *p, uint32_t local)
{
	for (uint32_t v = 0; v < sp->to->n_vars; v++)
		if (p->root_vars[v] == local)
			return v;
	return NONE;
}

static void plan_dims(span_planner *sp, span_input *in, const kernel_plan *p)
{
	uint32_t last = sp->to->n_vars - 1;
	in->dims = sp->dims;
	in->n_dims = in->read->n_dims;
	for (uint32_t d = 0; d < in->n_dims; d++) {
		const dim_plan *from = &in->read->dims[d];
		span_dim *dim = sp->dims++;
		*dim = (span_dim){.constant = from->constant, .extent = from->extent, .stride = from->stride};
		for (uint32_t t = 0; t < from->n_terms; t++) {
			uint32_t v = variable_of(sp, p, from->terms[t].var);
			if (v < last)
				dim->coef[v] += from->terms[t].coef;
			sp->whole_rows |= v != last || in->kind == SPAN_LANES;
		}
	}
	sp->whole_rows |= in->kind == SPAN_LANES;
}

/* The value outside, where a view answers with one. */
static scalar pad_of(const span_planner *sp, const sch_kernel *k, const read_plan *read)
{
	scalar v = {0};
	for (uint32_t i = 0; i < k->n_instr && read->def->view == RV_PAD; i++) {
		const sch_instr *in = &sp->s->instrs[k->first_instr + i];
		if (in->dst != read->def->pad)
			continue;
		v.bits = in->imm;
		if (in->code == CODE_PARAM)
			v = sp->ex->inst->params[in->a];
		else if (in->code == CODE_SIZE)
			v.I64 = sp->ex->inst->sizes[in->a];
	}
	return v;
}

/* False: a page that is read has no elements, and a view answers. */
static bool plan_input(span_planner *sp, uint32_t i)
{
	const span_operand *o = &sp->found->in[i];
	const sch_instr *src = source_of(sp, o);
	const kernel_plan *p = sp->ex->passes[o->pass];
	span_input *in = &sp->in[i];
	*in = (span_input){.kind = o->kind, .width = 3, .view = RV_NONE, .var = NONE};
	switch ((code_id)src->code) {
	case CODE_PARAM:
		in->known = true;
		in->value = sp->ex->inst->params[src->a];
		return true;
	case CODE_SIZE:
		in->known = true;
		in->value.I64 = sp->ex->inst->sizes[src->a];
		return true;
	case CODE_VAR:
		in->var = src->a - p->regions[0].def->first_var;
		sp->whole_rows = true;
		return true;
	default:
		break;
	}
	in->read = &p->reads[src->a];
	in->width = (uint8_t)width_of(in->read->type);
	if (in->read->empty || in->read->from->element == 0)
		return false;
	if (in->kind == SPAN_GATHER || in->read->def->cls == READ_SAME)
		return true;
	in->view = in->read->def->view;
	in->value = pad_of(sp, p->def, in->read);
	plan_dims(sp, in, p);
	return true;
}

static bool plan_inputs(span_planner *sp)
{
	for (uint32_t i = 0; i < sp->found->n_in; i++)
		if (!plan_input(sp, i))
			return false;
	return true;
}

/* Where an operand's elements are in the page, as long as they are inside. */
static void plan_steps(const span_planner *sp, span_input *in)
{
	uint32_t last = sp->to->n_vars - 1;
	int64_t apart = 1;
	for (uint32_t d = 0; d < in->n_dims; d++) {
		const span_dim *dim = &in->dims[d];
		in->lead = mmsb_add_i64(in->lead, mmsb_mul_i64(dim->constant, dim->stride));
		for (uint32_t v = 0; v < last; v++)
			in->step[v] = mmsb_add_i64(in->step[v], mmsb_mul_i64(dim->coef[v], dim->stride));
	}
	if (in->kind != SPAN_LANES)
		return;
	in->step[last] = 1;
	in->flat = true;
	for (uint32_t v = sp->to->n_vars; v-- > 0 && in->n_dims > 0; apart *= sp->to->dims[v])
		in->flat &= sp->to->dims[v] == 1 || in->step[v] == apart;
}

/* The function for listed elements, once all operands are planned. */
static void plan_listed(span_planner *sp)
{
	char name[NATIVE_NAME];
	sp->to->listed = sp->to->fn;
	if (native_span_listed(sp->found, sp->s)) {
		native_span_listed_name(name, sp->found);
		sp->to->listed = native_find(sp->ex->inst->owner, name);
	}
	for (uint32_t i = 0; i < sp->found->n_in; i++) {
		sp->in[i].varies = native_span_varies(sp->found, sp->s, i);
		plan_steps(sp, &sp->in[i]);
		sp->to->places |= sp->in[i].varies || sp->in[i].n_dims > 0;
	}
}

static void shape_rows(span_planner *sp, const page *to)
{
	span_plan *plan = sp->to;
	for (uint32_t d = 0; d < plan->n_vars; d++)
		plan->dims[d] = to->dims[d];
	plan->total = to->count;
	plan->row = sp->whole_rows ? (uint64_t)plan->dims[plan->n_vars - 1] : plan->total;
}

/* A plan with room for what it points to, in one block. */
static span_plan *new_plan(span_planner *sp)
{
	const native_span *found = sp->found;
	size_t inputs = sizeof(span_plan), dims = inputs + found->n_in * sizeof(span_input),
	       members = dims + (size_t)found->n_in * MAX_DIMS * sizeof(span_dim);
	uint8_t *memory = calloc(1, members + found->n_passes * sizeof(void *));
	if (!memory)
		return NULL;
	sp->to = (void *)memory;
	sp->in = (void *)(memory + inputs);
	sp->dims = (void *)(memory + dims);
	const kernel_plan **of = (void *)(memory + members);
	for (uint32_t i = 0; i < found->n_passes; i++)
		of[i] = sp->ex->passes[found->first + i];
	sp->to->in = sp->in;
	sp->to->members = of;
	return sp->to;
}

/* What a device evaluates is left to it. */
static bool of_device(const span_plan *plan)
{
	for (uint32_t i = 0; i < plan->n_members; i++)
		if (plan->members[i]->on_device)
			return true;
	return false;
}

/* NULL: there is no function, or it does not fit the sizes, or (*failed) no memory. */
static span_plan *plan_one(struct executor *ex, native_span *found, uint32_t pass, bool together, bool *failed)
{
	char name[NATIVE_NAME];
	const schedule *s = ex->inst->sch;
	const page *to = &ex->inst->pages[s->passes[pass].page];
	if (!native_span_find(found, s, pass, together))
		return NULL;
	native_span_name(name, found);
	native_fn *fn = native_find(ex->inst->owner, name);
	span_planner sp = {.ex = ex, .s = s, .found = found};
	if (!fn || to->count <= SMALL_COUNT)
		return NULL;
	span_plan *plan = new_plan(&sp);
	if (!plan) {
		*failed = true;
		return NULL;
	}
	plan->fn = fn;
	plan->first = pass;
	plan->n_members = found->n_passes;
	plan->n_in = found->n_in;
	plan->n_out = found->n_out;
	plan->n_vars = plan->members[0]->regions[0].def->n_vars;
	plan->weight = found->n_values;
	for (uint32_t o = 0; o < found->n_out; o++) {
		plan->member_of[o] = (uint8_t)(found->out[o].pass - pass);
		plan->output_of[o] = (uint8_t)found->out[o].output;
	}
	bool fits = plan_inputs(&sp);
	shape_rows(&sp, to);
	if (fits && !together)
		plan_listed(&sp);
	if (!fits || (together && of_device(plan)) || (sp.whole_rows && plan->n_vars > 1 && plan->row < (ex->grain < ROW_LEAST ? (uint64_t)ex->grain : ROW_LEAST))) {
		free(plan);
		return NULL;
	}
	return plan;
}

bool spans_plan(struct executor *ex)
{
	bool failed = false;
	if (!ex->inst->native)
		return true;
	native_span *found = malloc(sizeof *found);
	for (uint32_t i = 0; found && i < ex->inst->sch->n_passes && !failed; i++) {
		ex->passes[i]->span = plan_one(ex, found, i, false, &failed);
		ex->passes[i]->spans = plan_one(ex, found, i, true, &failed);
		for (int k = 0; k < 2 && !failed; k++) {
			span_plan *plan = k ? ex->passes[i]->spans : ex->passes[i]->span;
			failed = plan && !span_fold_plan(ex, plan);
		}
	}
	free(found);
	return found && !failed;
}

void span_free(span_plan *plan) { free(plan); }
