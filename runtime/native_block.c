/* native_block.c - which reductions are computed block by block (native_block.h). */
#include "native_block.h"

#include <stdio.h>

typedef struct finder {
	native_block *to;
	const schedule *s;
	const sch_kernel *k;
	const sch_region *domain, *g;
} finder;

void native_block_name(char name[NATIVE_NAME], const schedule *s, uint32_t pass, uint32_t region)
{
	snprintf(name, NATIVE_NAME, "mmsb_k%u_r%u_block", s->passes[pass].kernel, region);
}

static const sch_instr *instr_at(const finder *f, uint32_t i) { return &f->s->instrs[f->k->first_instr + i]; }

static uint32_t refuse(finder *f, const char *why)
{
	f->to->why = why;
	return NONE;
}

/* Why a reduction is none of these whatever its operand; NULL: it may be one. */
static const char *cannot_be(const schedule *s, const sch_pass *p, const sch_region *domain, const sch_region *g)
{
	if (p->kind != PASS_MAP || (s->pages[p->page].flags & PAGEF_SPARSE) || domain->kind != REGION_DOMAIN || domain->where != NONE)
		return "a fixpoint, or a sparse page";
	if (domain->n_vars < 2)
		return "elements in one row";
	if (g->kind != REGION_RANGE || g->parent != 0 || g->nest != NONE)
		return "positions that are not one range";
	if (g->where != NONE || !g->dense)
		return "a condition";
	if (g->reducer != REDUCER_OP || (g->op != OP_ADD && g->op != OP_MUL) || (g->type != T_F32 && g->type != T_F64))
		return "another reduction than a sum or product of floats";
	return NULL;
}

static uint32_t add_value(finder *f, block_value v)
{
	if (f->to->n_values == BLOCK_VALUES)
		return refuse(f, "too many operations");
	f->to->values[f->to->n_values] = v;
	return f->to->n_values++;
}

static uint32_t add_operand(finder *f, uint32_t instr, block_kind kind)
{
	native_block *to = f->to;
	uint32_t i = 0;
	while (i < to->n_in && to->in[i].instr != instr)
		i++;
	if (i == BLOCK_OPERANDS)
		return refuse(f, "too many operands");
	if (i == to->n_in)
		to->in[to->n_in++] = (block_operand){instr, (uint8_t)kind};
	return add_value(f, (block_value){.operand = i});
}

static uint32_t read_value(finder *f, uint32_t instr, const sch_read *r)
{
	uint32_t lane = f->domain->first_var + f->domain->n_vars - 1;
	bool rows = false, lanes = false;
	if (r->cls == READ_SAME)
		return refuse(f, "an operand that differs from element to element");
	if (r->cls == READ_ENTRY || r->cls == READ_LOOKUP || r->view != RV_NONE || (f->s->pages[r->page].flags & PAGEF_SPARSE))
		return refuse(f, "a read under a view, or of a sparse page");
	for (uint32_t d = 0; d < r->n_index; d++) {
		const sch_index *x = &f->s->indices[r->first_index + d];
		if (x->reg != NONE)
			return refuse(f, "a computed index");
		for (uint32_t t = 0; t < x->n_terms; t++) {
			const sch_term *term = &f->s->terms[x->first_term + t];
			lanes |= term->kind == TERM_VAR && term->coef != 0 && term->id == lane;
			rows |= term->kind == TERM_VAR && term->coef != 0 && term->id == lane - 1;
		}
	}
	if (rows && lanes)
		return refuse(f, "an operand that differs from element to element");
	return add_operand(f, instr, lanes ? BLOCK_LANES : BLOCK_ROWS);
}

static uint32_t register_value(finder *f, uint32_t reg);

static uint32_t code_value(finder *f, const sch_instr *in)
{
	block_value v = {.is_op = 1, .op = in->op};
	const uint32_t args[2] = {in->a, in->b};
	if (in->op != OP_ADD && in->op != OP_SUB && in->op != OP_MUL && in->op != OP_NEG)
		return refuse(f, "other operations than sums and products");
	for (uint32_t a = 0; a < op_table[in->op].arity; a++)
		if ((v.args[a] = register_value(f, args[a])) == NONE)
			return NONE;
	return add_value(f, v);
}

/* Registers of the region, and of the domain around it: these are computed for each block again. */
static uint32_t register_value(finder *f, uint32_t reg)
{
	for (uint32_t i = 0; i < f->k->n_instr; i++) {
		const sch_instr *in = instr_at(f, i);
		if (in->dst != reg || in->code == CODE_REDUCE)
			continue;
		if (in->type != f->to->type)
			return refuse(f, "values of several types");
		switch ((code_id)in->code) {
		case CODE_READ: return read_value(f, i, &f->s->reads[f->k->first_read + in->a]);
		case CODE_PARAM: return add_operand(f, i, BLOCK_ONE);
		case CODE_CONST: return add_value(f, (block_value){.is_constant = 1, .imm = in->imm});
		case CODE_OP: return code_value(f, in);
		default: return refuse(f, "other operations than sums and products");
		}
	}
	return refuse(f, "a reduction within it");
}

bool native_block_find(native_block *to, const schedule *s, uint32_t pass, uint32_t region)
{
	const sch_pass *p = &s->passes[pass];
	const sch_kernel *k = &s->kernels[p->kernel];
	finder f = {to, s, k, &s->regions[k->first_region], &s->regions[k->first_region + region]};
	to->type = f.g->type;
	to->op = f.g->op;
	to->n_in = to->n_values = 0;
	to->why = cannot_be(s, p, f.domain, f.g);
	if (to->why)
		return false;
	to->value = register_value(&f, f.g->value);
	if (to->value == NONE)
		return false;
	bool lanes = false, rows = false;
	for (uint32_t i = 0; i < to->n_in; i++) {
		lanes |= to->in[i].kind == BLOCK_LANES;
		rows |= to->in[i].kind == BLOCK_ROWS;
	}
	if (!lanes || !rows)
		to->why = "operands of rows alone, or of lanes alone";
	return lanes && rows;
}
