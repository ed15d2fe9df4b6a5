/* plan_names.c - registers and variables of the kernel as locals of regions. */
#include <string.h>

#include "plan.h"

bool plan_known(const sch_instr *in) { return in->code == CODE_CONST || in->code == CODE_PARAM || in->code == CODE_SIZE; }

static scalar known_value(const planner *pl, const sch_instr *in)
{
	scalar v = {.bits = in->imm};
	if (in->code == CODE_PARAM)
		v = pl->inst->params[in->a];
	else if (in->code == CODE_SIZE)
		v.I64 = pl->inst->sizes[in->a];
	return v;
}

/* Room for one more in an array of a region that grows by doubling (old copies stay in the plan's memory). */
void *plan_more(planner *pl, void *array, uint32_t n, size_t size)
{
	if (n & (n - 1) || (n == 0 && array))
		return array;
	void *bigger = plan_take(pl, n ? (size_t)n * 2 : 1, size);
	if (bigger && n)
		memcpy(bigger, array, n * size);
	return bigger ? bigger : array;
}

static uint32_t add_known(planner *pl, region_plan *r, const sch_instr *in)
{
	r->knowns = plan_more(pl, r->knowns, r->n_knowns, sizeof *r->knowns);
	if (pl->failed)
		return 0;
	known *k = &r->knowns[r->n_knowns++];
	*k = (known){r->n_locals++, in->type, known_value(pl, in), plan_place(pl, pl->lanes << width_of(in->type))};
	return k->local;
}

uint32_t local_reg(planner *pl, region_plan *r, uint32_t reg)
{
	if (reg == NONE || pl->failed)
		return NONE;
	uint32_t *map = pl->names[r->id].regs;
	if (map[reg] != NONE)
		return map[reg];
	const sch_instr *in = instr_of(pl, pl->def_instr[reg]);
	if (plan_known(in) && in->dst == reg)
		return map[reg] = add_known(pl, r, in);
	if (pl->def_region[reg] == r->id)
		return map[reg] = r->n_locals++;
	uint32_t from = local_reg(pl, r->parent, reg);
	r->imports = plan_more(pl, r->imports, r->n_imports, sizeof *r->imports);
	if (pl->failed)
		return 0;
	unsigned width = width_of(type_of(pl, reg));
	import *im = &r->imports[r->n_imports++];
	*im = (import){reg, from, r->n_locals++, (uint8_t)width, plan_place(pl, pl->lanes << width)};
	return map[reg] = im->to;
}

static bool owns_var(const planner *pl, const region_plan *r, uint32_t var)
{
	if (var == flat_var(pl))
		return r->id == 0;
	if (var >= pl->p->def->n_vars)
		return var == entry_var(pl, r->id);
	return var >= r->def->first_var && var - r->def->first_var < r->def->n_vars;
}

/* A region sees as many variables as regions around it have: few. */
uint32_t find_var(const planner *pl, const region_plan *r, uint32_t var)
{
	for (uint32_t i = 0; i < r->n_vars; i++)
		if (pl->names[r->id].vars[i] == var)
			return i;
	return NONE;
}

static uint32_t new_var(planner *pl, region_plan *r, uint32_t var)
{
	region_names *names = &pl->names[r->id];
	names->vars = plan_more(pl, names->vars, r->n_vars, sizeof *names->vars);
	if (pl->failed)
		return 0;
	names->vars[r->n_vars] = var;
	return r->n_vars++;
}

uint32_t local_var(planner *pl, region_plan *r, uint32_t var)
{
	if (pl->failed)
		return NONE;
	uint32_t known_local = find_var(pl, r, var);
	if (known_local != NONE)
		return known_local;
	if (owns_var(pl, r, var))
		return new_var(pl, r, var);
	uint32_t from = local_var(pl, r->parent, var);
	r->var_imports = plan_more(pl, r->var_imports, r->n_var_imports, sizeof *r->var_imports);
	uint32_t to = new_var(pl, r, var);
	if (pl->failed)
		return 0;
	r->var_imports[r->n_var_imports++] = (import){var, from, to, 3, plan_place(pl, pl->lanes * 8)};
	return to;
}

static bool defines(const step *s, uint32_t local) { return s->dst == local || s->count == local; }

bool plan_is_the_variable(const kernel_plan *p, uint32_t at)
{
	const region_plan *root = &p->regions[0];
	if (root->def->n_vars != 1)
		return false;
	for (uint32_t i = 0; i < root->n_steps; i++)
		if (defines(&root->steps[i], at))
			return root->steps[i].code == CODE_VAR && root->steps[i].args[0] == p->root_vars[0];
	return false;
}
