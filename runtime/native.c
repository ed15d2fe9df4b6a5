/* native.c - which instructions of a kernel make one function of native code (native.h). */
#include "native.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


void native_name(char name[NATIVE_NAME], uint32_t kernel, uint32_t region, uint32_t stage)
{
	snprintf(name, NATIVE_NAME, "mmsb_k%u_r%u_%s%u", kernel, region, stage & NATIVE_LATE ? "s" : "w", stage & ~(uint32_t)NATIVE_LATE);
}

/* ---- what instructions use --------------------------------------------------------------------- */

/* The instruction or region at hand, and what is asked of each register that it uses. */
typedef struct stager stager;
struct stager {
	const schedule *s;
	const sch_kernel *k;
	native_stages *to;
	uint32_t *region_of;   /* by instruction */
	uint8_t *needed;       /* by instruction: `where` needs it */
	uint32_t region, stage;
	bool fusable;
	uint32_t depth;
	void (*use)(stager *, uint32_t reg);
};

static const sch_instr *instr_at(const stager *st, uint32_t i) { return &st->s->instrs[st->k->first_instr + i]; }
static const sch_region *region_at(const stager *st, uint32_t r) { return &st->s->regions[st->k->first_region + r]; }

static uint32_t arity_of(const sch_instr *in)
{
	switch ((code_id)in->code) {
	case CODE_OP: return op_table[in->op].arity;
	case CODE_CONV: case CODE_TO_INDEX: case CODE_GUARD: return 1;
	default: return 0;
	}
}

static bool is_fusable(const sch_instr *in)
{
	if (in->code == CODE_CONV)
		return true;
	/* a remainder is a loop of its own: it would keep the others from vectors */
	return in->code == CODE_OP && in->op != OP_MOD && !((op_table[in->op].flags & OPF_FAILS) && (TYPES_INT >> in->type & 1));
}

static void region_uses(stager *st, uint32_t region);

static void instr_uses(stager *st, const sch_instr *in)
{
	const uint32_t args[3] = {in->a, in->b, in->c};
	for (uint32_t a = 0; a < arity_of(in); a++)
		st->use(st, args[a]);
	st->use(st, in->mask);
	if (in->code == CODE_REDUCE)
		region_uses(st, in->a);
	if (in->code != CODE_READ)
		return;
	const sch_read *read = &st->s->reads[st->k->first_read + in->a];
	st->use(st, read->pad);
	for (uint32_t d = 0; d < read->n_index; d++)
		st->use(st, st->s->indices[read->first_index + d].reg);
}

/* What a region and those within it use. */
static void region_uses(stager *st, uint32_t region)
{
	const sch_region *g = region_at(st, region);
	st->use(st, g->where);
	st->use(st, g->value);
	if (g->kind == REGION_ROW || g->kind == REGION_COL || g->kind == REGION_GROUP)
		st->use(st, g->at);
	for (uint32_t i = 0; i < g->n_instr; i++)
		instr_uses(st, instr_at(st, g->first_instr + i));
}

/* ---- stages ------------------------------------------------------------------------------------ */

static bool defined_here(const stager *st, uint32_t reg)
{
	return reg != NONE && st->region_of[st->to->def[reg]] == st->region && !native_known(instr_at(st, st->to->def[reg]));
}

static void use_needs(stager *st, uint32_t reg)
{
	if (defined_here(st, reg))
		st->needed[st->to->def[reg]] = 1;
}

static void use_depth(stager *st, uint32_t reg)
{
	if (!defined_here(st, reg))
		return;
	uint32_t stage = st->to->stage[st->to->def[reg]] & ~(uint32_t)NATIVE_LATE;
	uint32_t depth = stage / 2 + (stage & 1 && !st->fusable);
	st->depth = depth > st->depth ? depth : st->depth;
}

static void use_outside(stager *st, uint32_t reg)
{
	if (reg == NONE)
		return;
	uint32_t def = st->to->def[reg];
	if (st->region_of[def] != st->region || st->to->stage[def] != st->stage)
		st->to->outside[reg] = 1;
}

static void stage_region(stager *st, uint32_t region)
{
	const sch_region *g = region_at(st, region);
	st->region = region;
	st->use = use_needs;
	st->use(st, g->where);
	for (uint32_t i = g->first_instr + g->n_instr; g->where != NONE && i-- > g->first_instr;)
		if (st->needed[i])
			instr_uses(st, instr_at(st, i));
	st->use = use_depth;
	for (uint32_t i = g->first_instr; i < g->first_instr + g->n_instr; i++) {
		st->depth = 0;
		st->fusable = is_fusable(instr_at(st, i));
		instr_uses(st, instr_at(st, i));
		bool late = g->where != NONE && !st->needed[i];
		st->to->stage[i] = st->depth * 2 + st->fusable + (late ? (uint32_t)NATIVE_LATE : 0);
	}
}

/* Results, and what other regions and stages read. */
static void find_outside(stager *st)
{
	st->use = use_outside;
	for (uint32_t r = 0; r < st->k->n_regions; r++) {
		const sch_region *g = region_at(st, r);
		st->region = r;
		st->stage = NONE;
		st->use(st, g->where);
		st->use(st, g->value);
		if (g->kind == REGION_ROW || g->kind == REGION_COL || g->kind == REGION_GROUP)
			st->use(st, g->at);
		for (uint32_t i = g->first_instr; i < g->first_instr + g->n_instr; i++) {
			st->stage = st->to->stage[i];
			if (instr_at(st, i)->code != CODE_REDUCE)
				instr_uses(st, instr_at(st, i));
		}
	}
	st->stage = NONE;
	for (uint32_t o = 0; o < st->k->n_outputs; o++)
		st->use(st, st->s->outputs[st->k->first_output + o].reg);
}

bool native_stages_find(native_stages *to, const schedule *s, uint32_t kernel)
{
	const sch_kernel *k = &s->kernels[kernel];
	stager st = {.s = s, .k = k, .to = to, .region_of = calloc(k->n_instr + 1, sizeof(uint32_t)), .needed = calloc(k->n_instr + 1, 1)};
	*to = (native_stages){calloc(k->n_instr + 1, sizeof(uint32_t)), calloc(k->n_regs + 1, sizeof(uint32_t)), calloc(k->n_regs + 1, 1)};
	bool ok = st.region_of && st.needed && to->stage && to->def && to->outside;
	for (uint32_t r = 0; ok && r < k->n_regions; r++) {
		const sch_region *g = region_at(&st, r);
		for (uint32_t i = g->first_instr; i < g->first_instr + g->n_instr; i++) {
			const sch_instr *in = instr_at(&st, i);
			st.region_of[i] = r;
			to->def[in->dst] = i;
			if (in->code == CODE_REDUCE && in->b != NONE)
				to->def[in->b] = i;
		}
	}
	for (uint32_t r = 0; ok && r < k->n_regions; r++)
		stage_region(&st, r);
	if (ok)
		find_outside(&st);
	else
		native_stages_free(to);
	free(st.region_of);
	free(st.needed);
	return ok;
}

void native_stages_free(native_stages *st)
{
	free(st->stage);
	free(st->def);
	free(st->outside);
	*st = (native_stages){NULL, NULL, NULL};
}

/* ---- groups ------------------------------------------------------------------------------------ */

static bool add(uint32_t *list, uint32_t *n, uint32_t reg)
{
	for (uint32_t i = 0; i < *n; i++)
		if (list[i] == reg)
			return true;
	if (*n == NATIVE_MOST)
		return false;
	list[(*n)++] = reg;
	return true;
}

bool native_group_find(native_group *to, const native_stages *st, const schedule *s, uint32_t kernel, uint32_t region, uint32_t stage)
{
	const sch_kernel *k = &s->kernels[kernel];
	const sch_region *g = &s->regions[k->first_region + region];
	const sch_instr *instrs = &s->instrs[k->first_instr];
	to->n_instr = to->n_in = to->n_out = 0;
	for (uint32_t i = g->first_instr; i < g->first_instr + g->n_instr; i++) {
		const sch_instr *in = &instrs[i];
		const uint32_t args[3] = {in->a, in->b, in->c};
		if (st->stage[i] != stage)
			continue;
		to->n_instr++;
		for (uint32_t a = 0; a < arity_of(in); a++) {
			uint32_t def = st->def[args[a]];
			bool within = def >= g->first_instr && def < i && st->stage[def] == stage;
			if (!within && instrs[def].code != CODE_CONST && !add(to->in, &to->n_in, args[a]))
				return false;
		}
		if (st->outside[in->dst] && !add(to->out, &to->n_out, in->dst))
			return false;
	}
	return to->n_instr >= NATIVE_LEAST && to->n_out > 0;
}
