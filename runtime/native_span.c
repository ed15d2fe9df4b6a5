/* native_span.c - which passes are computed span by span, and by which values (native_span.h). */
#include "native_span.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct builder {
	native_span *to;
	const schedule *s;
	uint32_t pass;
	const sch_kernel *k;
	const sch_region *g;
	uint32_t lane;          /* the variable that is another one in each lane */
	bool across;            /* ... one of the region around a reduction */
	uint32_t *value_of;     /* by register of the kernel at hand */
	uint32_t *def;          /* by register: its instruction */
} builder;

static const sch_kernel *kernel_of(const schedule *s, uint32_t pass) { return &s->kernels[s->passes[pass].kernel]; }
static const sch_instr *instr_at(const schedule *s, uint32_t pass, uint32_t i) { return &s->instrs[kernel_of(s, pass)->first_instr + i]; }
static const sch_region *domain_of(const schedule *s, uint32_t pass) { return &s->regions[kernel_of(s, pass)->first_region]; }

void native_span_name(char name[NATIVE_NAME], const native_span *span)
{
	snprintf(name, NATIVE_NAME, "mmsb_p%u_n%u", span->first, span->n_passes);
}

void native_span_listed_name(char name[NATIVE_NAME], const native_span *span)
{
	snprintf(name, NATIVE_NAME, "mmsb_p%u_listed", span->first);
}

/* ---- passes ------------------------------------------------------------------------------------ */

/* Why the pass is none of a row's elements side by side; NULL: it may be one. */
static const char *cannot_be(const schedule *s, uint32_t pass)
{
	const sch_pass *p = &s->passes[pass];
	const sch_kernel *k = &s->kernels[p->kernel];
	const sch_region *g = &s->regions[k->first_region];
	if (p->kind != PASS_MAP)
		return "a fixpoint";
	if (k->n_regions != 1)
		return "a reduction";
	if (s->pages[p->page].flags & PAGEF_SPARSE)
		return "a sparse page";
	if (g->n_vars == 0)
		return "one element";
	return g->kind != REGION_DOMAIN || g->where != NONE || k->n_outputs == 0 ? "a condition on its elements" : NULL;
}

static bool same_domain(const schedule *s, uint32_t a, uint32_t b)
{
	const sch_page *x = &s->pages[s->passes[a].page], *y = &s->pages[s->passes[b].page];
	return x->ndim == y->ndim && memcmp(x->dims, y->dims, x->ndim * sizeof x->dims[0]) == 0;
}

/* ---- values ------------------------------------------------------------------------------------ */

/* No value, and why. */
static uint32_t refuse(builder *b, const char *why)
{
	b->to->why = why;
	return NONE;
}

static uint32_t add_value(builder *b, const span_value *v)
{
	native_span *to = b->to;
	for (uint32_t i = 0; i < to->n_values; i++)
		if (memcmp(&to->values[i], v, sizeof *v) == 0)
			return i;
	if (to->n_values == SPAN_VALUES)
		return refuse(b, "too many values");
	to->values[to->n_values] = *v;
	return to->n_values++;
}

static bool same_pad(const schedule *s, uint32_t p, uint32_t a, uint32_t q, uint32_t b)
{
	const sch_instr *x = NULL, *y = NULL;
	if (a == NONE || b == NONE)
		return a == b;
	for (uint32_t i = 0; i < kernel_of(s, p)->n_instr; i++)
		x = instr_at(s, p, i)->dst == a ? instr_at(s, p, i) : x;
	for (uint32_t i = 0; i < kernel_of(s, q)->n_instr; i++)
		y = instr_at(s, q, i)->dst == b ? instr_at(s, q, i) : y;
	return x && y && x->code == y->code && x->type == y->type && (x->code == CODE_CONST ? x->imm == y->imm : x->a == y->a);
}

static bool same_index(const schedule *s, uint32_t p, const sch_index *x, uint32_t q, const sch_index *y)
{
	if (x->constant != y->constant || x->n_terms != y->n_terms || x->reg != NONE || y->reg != NONE)
		return false;
	for (uint32_t t = 0; t < x->n_terms; t++) {
		const sch_term *a = &s->terms[x->first_term + t], *b = &s->terms[y->first_term + t];
		uint32_t of_a = a->kind == TERM_VAR ? domain_of(s, p)->first_var : 0, of_b = b->kind == TERM_VAR ? domain_of(s, q)->first_var : 0;
		if (a->coef != b->coef || a->kind != b->kind || a->id - of_a != b->id - of_b)
			return false;
	}
	return true;
}

/* Whether two operands are the same. */
static bool same_operand(const schedule *s, const span_operand *a, const span_operand *b)
{
	const sch_instr *x = instr_at(s, a->pass, a->instr), *y = instr_at(s, b->pass, b->instr);
	if (a->kind != b->kind || x->code != y->code || a->reg != b->reg)
		return false;
	if (a->reg != NONE)
		return a->pass == b->pass;
	if (x->code == CODE_VAR)
		return x->a - domain_of(s, a->pass)->first_var == y->a - domain_of(s, b->pass)->first_var;
	if (x->code != CODE_READ)
		return x->a == y->a;
	const sch_read *r = &s->reads[kernel_of(s, a->pass)->first_read + x->a], *q = &s->reads[kernel_of(s, b->pass)->first_read + y->a];
	if (r->page != q->page || r->field != q->field || r->prev != q->prev)
		return false;
	if (a->kind == SPAN_GATHER)
		return true;
	if (r->view != q->view || r->cls != q->cls || r->n_index != q->n_index || !same_pad(s, a->pass, r->pad, b->pass, q->pad))
		return false;
	for (uint32_t d = 0; d < r->n_index && r->cls != READ_SAME; d++)
		if (!same_index(s, a->pass, &s->indices[r->first_index + d], b->pass, &s->indices[q->first_index + d]))
			return false;
	return true;
}

/* Whether two operands of lanes lie in the same row of a page, perhaps moved along it. */
static bool same_row(const schedule *s, const span_operand *a, const span_operand *b)
{
	const sch_read *r = &s->reads[kernel_of(s, a->pass)->first_read + instr_at(s, a->pass, a->instr)->a];
	const sch_read *q = &s->reads[kernel_of(s, b->pass)->first_read + instr_at(s, b->pass, b->instr)->a];
	if (r->page != q->page || r->field != q->field || r->prev != q->prev || r->n_index != q->n_index)
		return false;
	for (uint32_t d = 0; d < r->n_index; d++) {
		sch_index x = s->indices[r->first_index + d], y = s->indices[q->first_index + d];
		x.constant = d + 1 == r->n_index ? y.constant : x.constant;
		if (!same_index(s, a->pass, &x, b->pass, &y))
			return false;
	}
	return true;
}

bool native_span_leads(const native_span *span, const schedule *s, uint32_t i)
{
	for (uint32_t k = 0; k < i; k++)
		if (span->in[k].kind == SPAN_LANES && same_row(s, &span->in[k], &span->in[i]))
			return false;
	return true;
}

bool native_span_varies(const native_span *span, const schedule *s, uint32_t i)
{
	const span_operand *o = &span->in[i];
	const sch_instr *in = instr_at(s, o->pass, o->instr);
	if (o->kind == SPAN_FIRST || in->code == CODE_VAR)
		return true;
	if (o->kind != SPAN_ONE || in->code != CODE_READ)
		return false;
	const sch_read *r = &s->reads[kernel_of(s, o->pass)->first_read + in->a];
	for (uint32_t d = 0; d < r->n_index; d++)
		for (uint32_t t = 0; t < s->indices[r->first_index + d].n_terms; t++)
			if (s->terms[s->indices[r->first_index + d].first_term + t].kind == TERM_VAR)
				return true;
	return false;
}

bool native_span_listed(const native_span *span, const schedule *s)
{
	for (uint32_t i = 0; i < span->n_in; i++)
		if (native_span_varies(span, s, i))
			return true;
	const sch_page *to = &s->pages[s->passes[span->first].page];
	return to->record != NONE && !(to->flags & PAGEF_SOA);
}

static uint32_t add_operand(builder *b, uint32_t instr, span_kind kind, uint8_t type, uint32_t reg)
{
	native_span *to = b->to;
	const span_operand o = {b->pass, instr, reg, (uint8_t)kind, type};
	for (uint32_t i = 0; i < to->n_in; i++)
		if (same_operand(b->s, &to->in[i], &o))
			return i;
	if (to->n_in == NATIVE_MOST)
		return refuse(b, "more than 64 operands");
	to->in[to->n_in] = o;
	return to->n_in++;
}

/* index: GATHER, else 0. reg: see span_operand. */
static uint32_t operand_value(builder *b, uint32_t instr, span_kind kind, uint8_t type, uint32_t index, uint32_t reg)
{
	uint32_t operand = add_operand(b, instr, kind, type, reg);
	if (operand == NONE)
		return NONE;
	span_value v = {.kind = (uint8_t)kind, .type = type, .operand = (uint16_t)operand, .n_args = kind == SPAN_GATHER,
	                .args = {index, 0, 0}};
	return add_value(b, &v);
}

/* The value of a register: of one of a region around a fold it is an operand. */
static uint32_t register_value(builder *b, uint32_t reg)
{
	uint32_t i = b->def[reg];
	const sch_instr *in = instr_at(b->s, b->pass, i);
	uint8_t type = b->s->reg_types[b->k->first_reg_type + reg];
	if (b->value_of[reg] != NONE)
		return b->value_of[reg];
	const span_value v = {.kind = SPAN_CONST, .type = type, .imm = in->imm};
	span_kind kind = b->across && !native_known(in) ? SPAN_LANES : SPAN_ONE;
	return b->value_of[reg] = in->code == CODE_CONST ? add_value(b, &v) : operand_value(b, i, kind, type, 0, reg);
}

/* ---- reads ------------------------------------------------------------------------------------- */

/* How a read lies along the row; SPAN_CONST: in another way. */
static span_kind kind_of_read(const builder *b, const sch_read *r)
{
	const schedule *s = b->s;
	uint32_t along = 0;
	if (r->cls == READ_SAME)
		return SPAN_LANES;
	if (r->cls == READ_ENTRY || r->cls == READ_LOOKUP || (s->pages[r->page].flags & PAGEF_SPARSE))
		return SPAN_CONST;
	const sch_index *x = &s->indices[r->first_index];
	if (r->n_index == 1 && x->reg != NONE)
		return r->view == RV_NONE && x->n_terms == 0 && x->constant == 0 ? SPAN_GATHER : SPAN_CONST;
	if (r->pad != NONE && !native_known(instr_at(s, b->pass, b->def[r->pad])))
		return SPAN_CONST;
	for (uint32_t d = 0; d < r->n_index; d++, x++) {
		int64_t coef = 0;
		if (x->reg != NONE)
			return SPAN_CONST;
		for (uint32_t t = 0; t < x->n_terms; t++)
			if (s->terms[x->first_term + t].kind == TERM_VAR && s->terms[x->first_term + t].id == b->lane)
				coef += s->terms[x->first_term + t].coef;
		if (coef != 0 && (coef != 1 || d + 1 < r->n_index))
			return SPAN_CONST;
		along += coef != 0;
	}
	return along ? SPAN_LANES : SPAN_ONE;
}

/* The value that an earlier pass of the span gives to the page at the same place; NONE: none does, or its page is read elsewhere, too. */
static bool is_given(const builder *b, const sch_read *r, uint32_t *value)
{
	*value = NONE;
	for (uint32_t i = 0; i < b->to->n_out && !r->prev; i++) {
		const span_result *o = &b->to->out[i];
		const sch_output *def = &b->s->outputs[kernel_of(b->s, o->pass)->first_output + o->output];
		if (b->s->passes[o->pass].page != r->page)
			continue;
		if (r->cls != READ_SAME)
			return true;
		if (def->field == r->field)
			*value = o->value;
	}
	return *value != NONE;
}

static uint32_t read_value(builder *b, uint32_t instr, const sch_instr *in)
{
	const sch_read *r = &b->s->reads[b->k->first_read + in->a];
	uint32_t given;
	if (is_given(b, r, &given))
		return given;
	span_kind kind = kind_of_read(b, r);
	if (kind == SPAN_CONST)
		return refuse(b, "a read that is not along its rows");
	uint32_t index = kind == SPAN_GATHER ? register_value(b, b->s->indices[r->first_index].reg) : 0;
	return index == NONE ? NONE : operand_value(b, instr, kind, in->type, index, NONE);
}

/* ---- instructions ------------------------------------------------------------------------------ */

static uint32_t code_value(builder *b, const sch_instr *in)
{
	const uint32_t args[3] = {in->a, in->b, in->c};
	uint8_t type = b->s->reg_types[b->k->first_reg_type + in->dst];
	span_value v = {.kind = SPAN_CODE, .type = type, .code = in->code, .op = in->op};
	v.n_args = in->code == CODE_CONV ? 1 : op_table[in->op].arity;
	v.from = in->code == CODE_CONV ? in->type2 : in->type;
	if (in->code == CODE_OP && (op_table[in->op].flags & OPF_FAILS) && (TYPES_INT >> in->type & 1))
		return refuse(b, "an operation that can fail");
	if (in->code == CODE_OP && in->op == OP_MOD)
		return refuse(b, "a remainder, which is a loop of its own");
	for (uint32_t a = 0; a < v.n_args; a++)
		if ((v.args[a] = register_value(b, args[a])) == NONE)
			return NONE;
	if (in->code == CODE_CONV && in->type == in->type2)
		return v.args[0];
	return add_value(b, &v);
}

static uint32_t value_of(builder *b, uint32_t i, const sch_instr *in)
{
	span_value v = {.kind = SPAN_CONST, .type = in->type, .imm = in->imm};
	switch ((code_id)in->code) {
	case CODE_OP: case CODE_CONV: return code_value(b, in);
	case CODE_CONST: return add_value(b, &v);
	case CODE_PARAM: return operand_value(b, i, SPAN_ONE, in->type, 0, NONE);
	case CODE_SIZE: return operand_value(b, i, SPAN_ONE, T_I64, 0, NONE);
	case CODE_VAR: return b->across ? refuse(b, "a variable as a value") : operand_value(b, i, in->a == b->lane ? SPAN_FIRST : SPAN_ONE, T_I64, 0, NONE);
	case CODE_READ: return read_value(b, i, in);
	default: return refuse(b, "an index that can fail");
	}
}

static bool builder_begin(builder *b)
{
	b->value_of = malloc((b->k->n_regs + 1u) * sizeof(uint32_t));
	b->def = calloc(b->k->n_regs + 1u, sizeof(uint32_t));
	if (!b->value_of || !b->def)
		return refuse(b, "want of memory") != NONE;
	memset(b->value_of, 0xff, (b->k->n_regs + 1u) * sizeof(uint32_t));
	for (uint32_t i = 0; i < b->k->n_instr; i++) {
		const sch_instr *in = instr_at(b->s, b->pass, i);
		b->def[in->dst] = i;
		if (in->code == CODE_REDUCE && in->b != NONE)
			b->def[in->b] = i;
	}
	return true;
}

static void builder_end(builder *b)
{
	free(b->value_of);
	free(b->def);
}

static bool add_code(builder *b)
{
	for (uint32_t i = 0; i < b->k->n_instr; i++) {
		const sch_instr *in = instr_at(b->s, b->pass, i);
		b->value_of[in->dst] = value_of(b, i, in);
		if (b->value_of[in->dst] == NONE)
			return false;
	}
	if (b->to->n_out + b->k->n_outputs > SPAN_RESULTS)
		return refuse(b, "more than 32 results") != NONE;
	for (uint32_t o = 0; o < b->k->n_outputs; o++)
		b->to->out[b->to->n_out++] = (span_result){b->pass, o, b->value_of[b->s->outputs[b->k->first_output + o].reg]};
	return true;
}

/* Adds a pass, or leaves all as it was. */
static bool add_pass(native_span *to, const schedule *s, uint32_t pass)
{
	const sch_kernel *k = kernel_of(s, pass);
	const sch_region *domain = domain_of(s, pass);
	builder b = {.to = to, .s = s, .pass = pass, .k = k, .g = domain, .lane = domain->first_var + domain->n_vars - 1};
	uint32_t n_values = to->n_values, n_in = to->n_in, n_out = to->n_out;
	bool ok = builder_begin(&b) && add_code(&b);
	if (ok) {
		to->n_passes++;
	} else {
		to->n_values = n_values;
		to->n_in = n_in;
		to->n_out = n_out;
	}
	builder_end(&b);
	return ok;
}

/* Some value of lanes among those up to n_in is used by the values from `from` on. */
static bool shares(const native_span *span, uint32_t n_in, uint32_t n_values, uint32_t n_out)
{
	for (uint32_t i = n_values; i < span->n_values; i++)
		for (uint32_t a = 0; a < span->values[i].n_args; a++) {
			const span_value *v = &span->values[span->values[i].args[a]];
			if (span->values[i].args[a] < n_values && (v->kind == SPAN_CODE || (v->kind == SPAN_LANES && v->operand < n_in)))
				return true;
		}
	for (uint32_t i = n_out; i < span->n_out; i++)
		if (span->out[i].value < n_values)
			return true;
	return false;
}

bool native_span_find(native_span *to, const schedule *s, uint32_t pass, bool together)
{
	to->first = pass;
	to->n_passes = to->n_values = to->n_in = to->n_out = 0;
	to->why = cannot_be(s, pass);
	if (to->why || !add_pass(to, s, pass))
		return false;
	for (uint32_t next = pass + 1; together && next < s->n_passes && to->n_passes < SPAN_MEMBERS; next++) {
		uint32_t n_values = to->n_values, n_in = to->n_in, n_out = to->n_out;
		if (cannot_be(s, next) || (s->pages[s->passes[next].page].flags & PAGEF_LAZY) || !same_domain(s, pass, next) || !add_pass(to, s, next))
			break;
		if (!shares(to, n_in, n_values, n_out)) {
			to->n_values = n_values;
			to->n_in = n_in;
			to->n_out = n_out;
			to->n_passes--;
			break;
		}
	}
	return !together || (to->n_passes > 1 && !(s->pages[s->passes[pass].page].flags & PAGEF_LAZY));
}

/* ---- folds ------------------------------------------------------------------------------------- */

void native_fold_name(char name[NATIVE_NAME], const schedule *s, uint32_t pass, uint32_t region)
{
	snprintf(name, NATIVE_NAME, "mmsb_k%u_r%u_fold", s->passes[pass].kernel, region);
}

/* Why a reduction has no fold; NULL: it may have one. */
static const char *cannot_fold(const builder *b)
{
	const sch_region *g = b->g;
	if (g->kind != REGION_RANGE)
		return "positions that are not a range";
	if (g->where != NONE || (g->reducer == REDUCER_OP && !g->dense && op_table[g->op].reduce != REDUCE_IDEM))
		return "a condition";
	for (uint32_t i = g->first_instr; i < g->first_instr + g->n_instr; i++) {
		const sch_instr *in = instr_at(b->s, b->pass, i);
		if (in->code == CODE_REDUCE)
			return "a reduction within it";
		if (in->code == CODE_READ && (b->s->reads[b->k->first_read + in->a].view != RV_NONE || b->s->reads[b->k->first_read + in->a].cls == READ_SAME))
			return "a read under a view";
	}
	return NULL;
}

/* The operand of a reduction. */
static bool add_operand_of(builder *b)
{
	bool ok = builder_begin(b);
	for (uint32_t i = b->g->first_instr; ok && i < b->g->first_instr + b->g->n_instr; i++) {
		const sch_instr *in = instr_at(b->s, b->pass, i);
		b->value_of[in->dst] = value_of(b, i, in);
		ok = b->value_of[in->dst] != NONE;
	}
	uint32_t value = ok ? register_value(b, b->g->value) : NONE;
	if (value != NONE)
		b->to->out[b->to->n_out++] = (span_result){b->pass, 0, value};
	builder_end(b);
	return value != NONE;
}

bool native_fold_find(native_span *to, const schedule *s, uint32_t pass, uint32_t region)
{
	const sch_kernel *k = kernel_of(s, pass);
	const sch_region *g = &s->regions[k->first_region + region];
	builder b = {.to = to, .s = s, .pass = pass, .k = k, .g = g, .lane = g->first_var + g->n_vars - 1};
	to->first = pass;
	to->n_passes = 1;
	to->n_values = to->n_in = to->n_out = 0;
	to->why = cannot_fold(&b);
	return !to->why && add_operand_of(&b);
}

/* A read of the reduction that asks for nothing beyond the position at hand. */
static bool in_step(const schedule *s, const sch_read *r, const sch_region *g)
{
	const sch_index *x = &s->indices[r->first_index];
	if (r->view != RV_NONE || r->n_index != 1 || x->reg != NONE || x->constant != 0 || x->n_terms != 1)
		return false;
	const sch_term *t = &s->terms[x->first_term];
	return t->kind == TERM_VAR && t->id == g->first_var && t->coef == 1;
}

bool native_fold_follows(const schedule *s, uint32_t pass, uint32_t first, uint32_t n_passes)
{
	const sch_pass *p = &s->passes[pass];
	const sch_kernel *k = kernel_of(s, pass);
	const sch_region *g = &s->regions[k->first_region];
	bool reads = false;
	if (p->kind != PASS_MAP || k->n_regions != 2 || g[0].kind != REGION_DOMAIN || g[0].n_vars > 0 || g[1].kind != REGION_RANGE)
		return false;
	for (uint32_t i = 0; i < k->n_reads; i++) {
		const sch_read *r = &s->reads[k->first_read + i];
		if (r->region == 0)
			continue;
		if (!in_step(s, r, &g[1]))
			return false;
		uint32_t from = s->pages[r->page].pass;
		reads |= !r->prev && from != NONE && from >= first && from < first + n_passes;
	}
	return reads;
}

/* ---- across ------------------------------------------------------------------------------------ */

void native_across_name(char name[NATIVE_NAME], const schedule *s, uint32_t pass, uint32_t region)
{
	snprintf(name, NATIVE_NAME, "mmsb_k%u_r%u_across", s->passes[pass].kernel, region);
}

/* Why a reduction is none of elements side by side; NULL: it may be one. */
static const char *cannot_cross(const builder *b)
{
	const sch_region *domain = domain_of(b->s, b->pass);
	const sch_pass *p = &b->s->passes[b->pass];
	if (p->kind != PASS_MAP || (b->s->pages[p->page].flags & PAGEF_SPARSE) || domain->kind != REGION_DOMAIN || domain->where != NONE || domain->n_vars == 0)
		return "a fixpoint, a sparse page, or one element";
	if (b->g->parent != 0 || b->g->reducer != REDUCER_OP)
		return "a reduction within another, or of positions";
	return cannot_fold(b);
}

bool native_across_varies(const native_span *span, const schedule *s, uint32_t i)
{
	const span_operand *o = &span->in[i];
	return o->kind == SPAN_ONE && o->reg == NONE && instr_at(s, o->pass, o->instr)->code == CODE_READ;
}

bool native_across_find(native_span *to, const schedule *s, uint32_t pass, uint32_t region)
{
	const sch_kernel *k = kernel_of(s, pass);
	const sch_region *domain = domain_of(s, pass);
	builder b = {.to = to, .s = s, .pass = pass, .k = k, .g = &s->regions[k->first_region + region], .lane = domain->first_var + domain->n_vars - 1, .across = true};
	uint32_t operations = 0, along = 0;
	to->first = pass;
	to->n_passes = 1;
	to->n_values = to->n_in = to->n_out = 0;
	to->why = cannot_cross(&b);
	if (to->why || !add_operand_of(&b))
		return false;
	for (uint32_t i = 0; i < to->n_values; i++) {
		const span_value *v = &to->values[i];
		operations += v->kind != SPAN_CODE ? 0 : v->code == CODE_OP && (op_table[v->op].flags & OPF_ELEM) ? ACROSS_OPERATIONS + 1 : 1;
	}
	for (uint32_t i = 0; i < to->n_in; i++)
		along += to->in[i].kind == SPAN_LANES && to->in[i].reg == NONE;
	to->why = operations > ACROSS_OPERATIONS ? "much to compute for each operand" : along == 0 ? "operands that do not lie side by side" : NULL;
	return !to->why;
}
