/* plan_code.c - instructions as steps: what `where` needs first, and places for results that are given on after their last use. */
#include <string.h>

#include "plan.h"

static uint8_t arity_of(const sch_instr *in)
{
	switch ((code_id)in->code) {
	case CODE_OP: return op_table[in->op].arity;
	case CODE_CONV: case CODE_TO_INDEX: case CODE_GUARD: return 1;
	default: return 0;
	}
}

/* Whether an integer operation has a divisor that may be 0. */
static bool may_divide_by_zero(const planner *pl, const sch_instr *in)
{
	if (!(op_table[in->op].flags & OPF_FAILS) || !(TYPES_INT >> in->type & 1))
		return false;
	const sch_instr *by = instr_of(pl, pl->def_instr[in->b]);
	return by->dst != in->b || by->code != CODE_CONST || by->imm == 0;
}

static void plan_step(planner *pl, region_plan *r, const sch_instr *in)
{
	step *s = &r->steps[r->n_steps++];
	const uint32_t args[3] = {in->a, in->b, in->c};
	*s = (step){.code = in->code, .op = in->op, .type = in->type, .type2 = in->type2, .def = in, .count = NONE};
	s->arity = arity_of(in);
	for (unsigned i = 0; i < 3; i++)
		s->args[i] = i < s->arity ? local_reg(pl, r, args[i]) : NONE;
	s->mask = local_reg(pl, r, in->mask);
	s->dst_type = type_of(pl, in->dst);
	s->dst = local_reg(pl, r, in->dst);
	switch ((code_id)in->code) {
	case CODE_OP:
		s->fn = pl->k->op[in->op][in->type];
		s->can_fail = may_divide_by_zero(pl, in);
		break;
	case CODE_CONV:
		s->fn = pl->k->conv[in->type2][in->type];
		break;
	case CODE_VAR:
		s->args[0] = local_var(pl, r, in->a);
		break;
	case CODE_READ:
		plan_read(pl, r, in->a);
		s->read = &pl->p->reads[in->a];
		break;
	case CODE_TO_INDEX:
		s->size = pl->inst->sizes[in->b];
		s->can_fail = true;
		break;
	case CODE_GUARD:
		s->read = in->b == NONE ? NULL : &pl->p->reads[in->b];
		s->can_fail = true;
		break;
	case CODE_REDUCE:
		s->child = &pl->p->regions[in->a];
		if (in->b != NONE)
			s->count = local_reg(pl, r, in->b);
		plan_region(pl, s->child);
		break;
	default:
		break;
	}
}

void plan_steps(planner *pl, region_plan *r)
{
	const sch_region *g = r->def;
	r->steps = plan_take(pl, g->n_instr, sizeof *r->steps);
	for (uint32_t i = 0; i < g->n_instr && !pl->failed; i++) {
		const sch_instr *in = instr_of(pl, g->first_instr + i);
		if (!plan_known(in))
			plan_step(pl, r, in);
	}
}

/* ---- order ------------------------------------------------------------------------------------- */

static void need(planner *pl, const region_plan *r, uint32_t reg)
{
	if (reg != NONE && pl->def_region[reg] == r->id)
		pl->needed[pl->def_instr[reg]] = 1;
}

/* What an instruction of region r needs there. */
static void need_inputs(planner *pl, const region_plan *r, const sch_instr *in)
{
	const uint32_t args[3] = {in->a, in->b, in->c};
	for (unsigned a = 0; a < arity_of(in); a++)
		need(pl, r, args[a]);
	need(pl, r, in->mask);
	if (in->code == CODE_REDUCE) {
		const region_plan *child = &pl->p->regions[in->a];
		for (uint32_t i = 0; i < child->n_imports; i++)
			need(pl, r, child->imports[i].reg);
		if (child->def->kind != REGION_PREFIX && child->def->kind != REGION_RANGE)
			need(pl, r, child->def->at);
	}
	if (in->code != CODE_READ)
		return;
	const sch_read *read = &pl->s->reads[pl->p->def->first_read + in->a];
	need(pl, r, read->pad);
	for (uint32_t d = 0; d < read->n_index; d++)
		need(pl, r, pl->s->indices[read->first_index + d].reg);
}

/* What `where` needs goes first, so that the rest knows who is present. */
void plan_order(planner *pl, region_plan *r)
{
	const sch_region *g = r->def;
	r->n_before = 0;
	if (g->where == NONE || pl->failed)
		return;
	need(pl, r, g->where);
	for (uint32_t i = g->n_instr; i-- > 0;)
		if (pl->needed[g->first_instr + i])
			need_inputs(pl, r, instr_of(pl, g->first_instr + i));
	step *sorted = plan_take(pl, r->n_steps, sizeof *sorted);
	if (!sorted)
		return;
	uint32_t n = 0;
	for (int late = 0; late < 2; late++) {
		for (uint32_t i = 0; i < r->n_steps; i++)
			if (pl->needed[r->steps[i].def - instr_of(pl, 0)] == !late)
				sorted[n++] = r->steps[i];
		if (!late)
			r->n_before = n;
	}
	r->steps = sorted;
}

/* ---- places ------------------------------------------------------------------------------------ */

static size_t place_lanes(planner *pl, unsigned width)
{
	if (pl->n_free[width] > 0)
		return pl->free_place[width][--pl->n_free[width]];
	return plan_place(pl, pl->lanes << width);
}

/* Of each local: its last use, and the place that is free after it. */
typedef struct life {
	uint32_t last;
	uint8_t width, placed;
	size_t place;
} life;

/* The step at hand of a region. */
typedef struct use {
	planner *pl;
	life *lives;
	uint32_t at;
} use;

static void note_use(void *context, uint32_t local)
{
	use *u = context;
	if (u->lives[local].last < u->at)
		u->lives[local].last = u->at;
}

static void release(void *context, uint32_t local)
{
	use *u = context;
	planner *pl = u->pl;
	life *l = &u->lives[local];
	if (!l->placed || l->last > u->at)
		return;
	l->placed = 0;
	if (pl->n_free[l->width] < 512)
		pl->free_place[l->width][pl->n_free[l->width]++] = l->place;
}

void plan_each_use(const step *s, plan_use_fn *fn, void *context)
{
	uint32_t used[4] = {s->mask, NONE, NONE, NONE};
	for (unsigned a = 0; a < 3; a++)
		used[a + 1] = s->code == CODE_VAR ? NONE : s->args[a];
	for (unsigned i = 0; i < 4; i++)
		if (used[i] != NONE)
			fn(context, used[i]);
	if (s->read && s->read->pad != NONE)
		fn(context, s->read->pad);
	for (uint32_t d = 0; s->read && d < s->read->n_dims; d++)
		if (s->read->dims[d].reg != NONE)
			fn(context, s->read->dims[d].reg);
	if (s->code != CODE_REDUCE)
		return;
	for (uint32_t m = 0; m < s->child->n_imports; m++)
		fn(context, s->child->imports[m].from);
	if (s->child->def->kind != REGION_PREFIX && s->child->at != NONE)
		fn(context, s->child->at);
}

static void find_lives(planner *pl, const region_plan *r, life *lives)
{
	use u = {pl, lives, 0};
	for (; u.at < r->n_steps; u.at++)
		plan_each_use(&r->steps[u.at], note_use, &u);
	u.at = UINT32_MAX;
	if (r->where != NONE)
		note_use(&u, r->where);
	if (r->value != NONE)
		note_use(&u, r->value);
	for (uint32_t o = 0; r->id == 0 && o < pl->p->def->n_outputs; o++)
		note_use(&u, pl->p->outputs[o]);
	/* What a guard gives are its operand's lanes. */
	for (uint32_t i = r->n_steps; i-- > 0;) {
		u.at = lives[r->steps[i].dst].last;
		if (r->steps[i].code == CODE_GUARD)
			note_use(&u, r->steps[i].args[0]);
	}
}

static size_t give_place(planner *pl, life *l, unsigned width)
{
	l->width = (uint8_t)width;
	l->placed = 1;
	return l->place = place_lanes(pl, width);
}

/* A place is free again after its register's last use. */
void plan_places(planner *pl, region_plan *r)
{
	life *lives = plan_take(pl, r->n_locals, sizeof *lives);
	if (!lives)
		return;
	find_lives(pl, r, lives);
	memset(pl->n_free, 0, sizeof pl->n_free);
	use u = {pl, lives, 0};
	for (; u.at < r->n_steps; u.at++) {
		step *s = &r->steps[u.at];
		s->place = give_place(pl, &lives[s->dst], width_of(s->dst_type));
		if (s->count != NONE)
			s->count_place = give_place(pl, &lives[s->count], 3);
		plan_each_use(s, release, &u);
		release(&u, s->dst);
		if (s->count != NONE)
			release(&u, s->count);
	}
}
