/* fold.c - runs of positions of a reduction by a function of native code (native_span.h, folds): finds where its operands lie, and combines the
 * values of tiles. */
#include <string.h>

#include "native_span.h"
#include "plan.h"
#include "tree.h"

_Static_assert((int)MMSB_TREE_TILE == (int)TILE, "tiles of a fold are chunks of a reduction");

/* Positions of a row of fewer go faster side by side with those of others. TILES: of one call. */
enum { FOLD_LEAST = 64, TILES = 64 };

typedef struct fold_input {
	uint8_t kind, width;    /* span_kind */
	const read_plan *read;  /* of a page; or NULL */
	uint32_t local;         /* ONE: the register that has it */
} fold_input;

typedef struct fold {
	native_fn *fn;
	uint32_t n_in;
	const fold_input *in;
} fold;

/* ---- plans ------------------------------------------------------------------------------------- */

static bool plan_operand(planner *pl, const region_plan *r, const span_operand *o, fold_input *in)
{
	const sch_instr *src = instr_of(pl, o->instr);
	*in = (fold_input){.kind = o->kind, .width = (uint8_t)width_of(o->type), .local = NONE};
	if (o->kind == SPAN_FIRST)
		return true;
	if (src->code == CODE_READ && o->reg == NONE) {
		in->read = &pl->p->reads[src->a];
		return !in->read->empty && in->read->from->element > 0;
	}
	in->local = pl->names[r->id].regs[o->reg == NONE ? src->dst : o->reg];
	return in->local != NONE;
}

const fold *fold_plan(planner *pl, const region_plan *r, uint32_t pass)
{
	char name[NATIVE_NAME];
	native_span *found = plan_take(pl, 1, sizeof *found);
	fold *f = plan_take(pl, 1, sizeof *f);
	if (pl->failed || !native_fold_find(found, pl->s, pass, r->id))
		return NULL;
	native_fold_name(name, pl->s, pass, r->id);
	fold_input *in = plan_take(pl, found->n_in, sizeof *in);
	*f = (fold){native_find(pl->inst->owner, name), found->n_in, in};
	for (uint32_t i = 0; i < found->n_in && !pl->failed; i++)
		if (!plan_operand(pl, r, &found->in[i], &in[i]))
			return NULL;
	return pl->failed || !f->fn ? NULL : f;
}

/* ---- running ----------------------------------------------------------------------------------- */

bool fold_ready(const worker *w, const region_plan *r)
{
	const fold *f = r->fold;
	double least = w->ex->grain < FOLD_LEAST ? w->ex->grain : FOLD_LEAST;
	if (!f || w->ex->support || (double)r->extent < least)
		return false;
	for (uint32_t i = 0; i < f->n_in; i++)
		if (f->in[i].kind != SPAN_ONE && f->in[i].read &&
		    w->ex->reads[f->in[i].read - w->ex->plan->reads].stride != (size_t)1 << f->in[i].width)
			return false;
	return true;
}

/* Where the element of a read lies whose own variable is `at`. */
static const uint8_t *element_at(const worker *w, const run *c, const read_plan *read, int64_t at)
{
	const read_now *now = &w->ex->reads[read - w->ex->plan->reads];
	int64_t position = read->constant;
	for (uint32_t t = 0; t < read->n_terms; t++) {
		uint32_t var = read->terms[t].var;
		position += read->terms[t].coef * (var == c->plan->var ? at : c->vars[var].start);
	}
	return now->base + (size_t)position * now->stride;
}

void fold_push(worker *w, run *c, int64_t first, int64_t end)
{
	const fold *f = c->plan->fold;
	uint64_t values[TILES], scratch[TILES];
	uint32_t best[TILES];
	void *const out[2] = {values, best};
	for (int64_t at = first, n; at < end; at += n) {
		const void *in[NATIVE_MOST];
		int64_t variable = c->plan->lo + at;
		n = end - at < TILES * TILE ? end - at : TILES * TILE;
		for (uint32_t i = 0; i < f->n_in; i++) {
			const fold_input *input = &f->in[i];
			if (input->kind == SPAN_FIRST)
				in[i] = &variable;
			else if (input->kind == SPAN_GATHER)
				in[i] = w->ex->reads[input->read - w->ex->plan->reads].base;
			else
				in[i] = input->read ? element_at(w, c, input->read, variable) : c->regs[input->local].at;
		}
		f->fn(out, in, (size_t)n);
		reduction_push_chunks(c->red, values, best, (size_t)n, variable, scratch);
	}
}
