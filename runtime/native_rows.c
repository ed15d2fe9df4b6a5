/* native_rows.c - which reductions have their operands computed by a function (native_rows.h). */
#include "native_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct builder {
	native_rows *to;
	const schedule *s;
	const sch_kernel *k;
	const sch_region *g;
	uint32_t *def;          /* by register: its instruction */
	uint32_t *value_of;     /* by register of the region: its value */
} builder;

static const sch_instr *instr_at(const builder *b, uint32_t i) { return &b->s->instrs[b->k->first_instr + i]; }

void native_rows_name(char name[NATIVE_NAME], const native_rows *r, rows_part part)
{
	static const char *const parts[ROWS_PARTS] = {"rows", "arranged", "keys", "rest", "rest_arranged"};
	snprintf(name, NATIVE_NAME, "mmsb_k%u_r%u_%s", r->kernel, r->region, parts[part]);
}

/* ---- values ------------------------------------------------------------------------------------ */

static uint32_t refuse(builder *b, const char *why)
{
	b->to->why = why;
	return NONE;
}

static uint32_t add_value(builder *b, const span_value *v, bool by_key)
{
	native_rows *to = b->to;
	for (uint32_t i = 0; i < to->n_values; i++)
		if (memcmp(&to->values[i], v, sizeof *v) == 0)
			return i;
	if (to->n_values == ROWS_VALUES)
		return refuse(b, "too many values");
	to->by_key[to->n_values] = by_key;
	to->values[to->n_values] = *v;
	return to->n_values++;
}

static uint32_t add_operand(builder *b, const rows_operand *o, span_kind kind, uint32_t index)
{
	native_rows *to = b->to;
	uint32_t i = 0;
	while (i < to->n_in && memcmp(&to->in[i], o, sizeof *o) != 0)
		i++;
	if (i == NATIVE_MOST)
		return refuse(b, "more than 64 operands");
	if (i == to->n_in)
		to->in[to->n_in++] = *o;
	span_value v = {.kind = (uint8_t)kind, .type = o->type, .operand = (uint16_t)i};
	if (kind != SPAN_GATHER)
		return add_value(b, &v, kind == SPAN_ONE);
	v.n_args = 1;
	v.args[0] = index;
	return add_value(b, &v, to->by_key[index]);
}

static uint32_t key_value(builder *b)
{
	const span_value v = {.kind = SPAN_FIRST, .type = T_I64};
	return add_value(b, &v, true);
}

/* A register of this region, or one of those around. */
static uint32_t register_value(builder *b, uint32_t reg)
{
	uint32_t i = b->def[reg];
	const sch_instr *def = instr_at(b, i);
	uint8_t type = b->s->reg_types[b->k->first_reg_type + reg];
	if (b->value_of[reg] != NONE)
		return b->value_of[reg];
	if (def->code == CODE_CONST) {
		const span_value v = {.kind = SPAN_CONST, .type = def->type, .imm = def->imm};
		return add_value(b, &v, true);
	}
	rows_operand o = {.source = ROWS_OUTER, .type = type, .instr = 0, .reg = reg};
	if (native_known(def))
		o = (rows_operand){.source = ROWS_KNOWN, .type = def->code == CODE_SIZE ? T_I64 : type, .instr = i};
	return add_operand(b, &o, o.source == ROWS_KNOWN ? SPAN_ONE : SPAN_LANES, 0);
}

/* ---- instructions ------------------------------------------------------------------------------ */

static uint32_t entry_value(builder *b, uint32_t i, const sch_instr *in, const sch_read *r)
{
	const sch_page *p = &b->s->pages[r->page];
	if (p->type == T_BOOL && p->like == NONE) { /* a pattern alone */
		const span_value v = {.kind = SPAN_CONST, .type = T_BOOL, .imm = 1};
		return add_value(b, &v, true);
	}
	const rows_operand o = {.source = ROWS_ENTRY, .type = in->type, .instr = i};
	return add_operand(b, &o, SPAN_LANES, 0);
}

static uint32_t read_value(builder *b, uint32_t i, const sch_instr *in)
{
	const sch_read *r = &b->s->reads[b->k->first_read + in->a];
	const sch_index *x = &b->s->indices[r->first_index];
	if (r->cls == READ_ENTRY)
		return entry_value(b, i, in, r);
	if (r->cls == READ_LOOKUP || r->n_index != 1 || r->view != RV_NONE || x->constant != 0)
		return refuse(b, "a read that is not at the row or column");
	rows_operand o = {.source = ROWS_PAGE, .type = in->type, .instr = i};
	if (x->reg != NONE) {
		uint32_t index = x->n_terms == 0 ? register_value(b, x->reg) : refuse(b, "a read that is not at the row or column");
		return index == NONE ? NONE : add_operand(b, &o, SPAN_GATHER, index);
	}
	const sch_term *t = &b->s->terms[x->first_term];
	if (x->n_terms != 1 || t->coef != 1 || t->kind != TERM_VAR || t->id != b->g->first_var)
		return refuse(b, "a read that is not at the row or column");
	uint32_t key = key_value(b);
	o.at_key = 1;
	return key == NONE ? NONE : add_operand(b, &o, SPAN_GATHER, key);
}

static uint32_t code_value(builder *b, const sch_instr *in)
{
	const uint32_t args[3] = {in->a, in->b, in->c};
	span_value v = {.kind = SPAN_CODE, .type = b->s->reg_types[b->k->first_reg_type + in->dst], .code = in->code, .op = in->op};
	v.n_args = in->code == CODE_CONV ? 1 : op_table[in->op].arity;
	v.from = in->code == CODE_CONV ? in->type2 : in->type;
	if (in->code == CODE_OP && (op_table[in->op].flags & OPF_FAILS) && (TYPES_INT >> in->type & 1))
		return refuse(b, "an operation that can fail");
	if (in->code == CODE_OP && in->op == OP_MOD)
		return refuse(b, "a remainder, which is a loop of its own");
	bool by_key = true;
	for (uint32_t a = 0; a < v.n_args; a++) {
		v.args[a] = register_value(b, args[a]);
		if (v.args[a] == NONE)
			return NONE;
		by_key &= b->to->by_key[v.args[a]];
	}
	if (in->code == CODE_CONV && in->type == in->type2)
		return v.args[0];
	const span_value *which = &b->to->values[v.args[0]];
	if (in->code == CODE_OP && in->op == OP_SELECT && which->kind == SPAN_CONST)
		return v.args[which->imm ? 1 : 2];
	return add_value(b, &v, by_key);
}

static uint32_t instr_value(builder *b, uint32_t i, const sch_instr *in)
{
	switch ((code_id)in->code) {
	case CODE_OP: case CODE_CONV: return code_value(b, in);
	case CODE_CONST: case CODE_PARAM: case CODE_SIZE: return register_value(b, in->dst);
	case CODE_VAR: return in->a == b->g->first_var ? key_value(b) : refuse(b, "a variable of the region around");
	case CODE_READ: return read_value(b, i, in);
	case CODE_REDUCE: return refuse(b, "a reduction within");
	default: return refuse(b, "an operation that can fail");
	}
}

/* ---- what depends on the key alone ------------------------------------------------------------- */

static bool is_key(const native_rows *r, uint32_t value) { return r->values[value].kind == SPAN_FIRST; }

/* More than a value that is at hand or one read at the key. */
static bool is_worth(const native_rows *r, uint32_t value)
{
	const span_value *v = &r->values[value];
	return r->by_key[value] && (v->kind == SPAN_CODE || (v->kind == SPAN_GATHER && !is_key(r, v->args[0])));
}

/* Whether it is the same for all keys. */
static bool is_constant(const native_rows *r, uint32_t value)
{
	const span_value *v = &r->values[value];
	if (v->kind == SPAN_FIRST || v->kind == SPAN_GATHER)
		return false;
	for (uint32_t a = 0; a < v->n_args; a++)
		if (!is_constant(r, v->args[a]))
			return false;
	return true;
}

static bool is_hoisted(const native_rows *r, uint32_t value)
{
	for (uint32_t h = 0; h < r->n_hoisted; h++)
		if (r->hoisted[h] == value)
			return true;
	return false;
}

static void use(const native_rows *r, rows_part part, uint32_t value, uint8_t *used)
{
	const span_value *v = &r->values[value];
	if (used[value])
		return;
	used[value] = 1;
	for (uint32_t a = 0; a < v->n_args && !(rows_part_is_rest(part) && is_hoisted(r, value)); a++)
		use(r, part, v->args[a], used);
}

void native_rows_used(const native_rows *r, rows_part part, uint8_t used[ROWS_VALUES])
{
	memset(used, 0, ROWS_VALUES);
	if (part != ROWS_EACH)
		use(r, part, r->value, used);
	for (uint32_t h = 0; h < r->n_hoisted && part == ROWS_EACH; h++)
		use(r, part, r->hoisted[h], used);
}

/* The largest such values; none if they are too many. False: they are. */
static bool hoist(native_rows *r, uint32_t value, uint8_t *seen)
{
	const span_value *v = &r->values[value];
	if (seen[value])
		return true;
	seen[value] = 1;
	if (is_worth(r, value) && !is_constant(r, value)) {
		if (r->n_hoisted == ROWS_HOISTED)
			return false;
		r->hoisted[r->n_hoisted++] = value;
		return true;
	}
	for (uint32_t a = 0; a < v->n_args; a++)
		if (!hoist(r, v->args[a], seen))
			return false;
	return true;
}

/* ---- the whole --------------------------------------------------------------------------------- */

static const char *cannot_be(const sch_region *g)
{
	if (g->kind != REGION_ROW && g->kind != REGION_COL)
		return "no row or column of a sparse page";
	if (g->reducer != REDUCER_OP)
		return "a position as its result";
	return g->where != NONE ? "a condition" : NULL;
}

static bool add_region(builder *b)
{
	for (uint32_t i = 0; i < b->k->n_instr; i++) {
		const sch_instr *in = instr_at(b, i);
		b->def[in->dst] = i;
		if (in->code == CODE_REDUCE && in->b != NONE)
			b->def[in->b] = i;
	}
	memset(b->value_of, 0xff, (b->k->n_regs + 1) * sizeof *b->value_of);
	for (uint32_t i = b->g->first_instr; i < b->g->first_instr + b->g->n_instr; i++) {
		const sch_instr *in = instr_at(b, i);
		b->value_of[in->dst] = instr_value(b, i, in);
		if (b->value_of[in->dst] == NONE)
			return false;
	}
	b->to->value = register_value(b, b->g->value);
	return b->to->value != NONE;
}

bool native_rows_find(native_rows *to, const schedule *s, uint32_t kernel, uint32_t region)
{
	const sch_kernel *k = &s->kernels[kernel];
	builder b = {.to = to, .s = s, .k = k, .g = &s->regions[k->first_region + region]};
	uint8_t seen[ROWS_VALUES] = {0};
	to->kernel = kernel;
	to->region = region;
	to->n_values = to->n_in = to->n_hoisted = 0;
	to->why = region == 0 ? "no reduction" : cannot_be(b.g);
	if (to->why)
		return false;
	b.def = calloc(k->n_regs + 1, sizeof *b.def);
	b.value_of = calloc(k->n_regs + 1, sizeof *b.value_of);
	bool ok = b.def && b.value_of && add_region(&b);
	free(b.def);
	free(b.value_of);
	if (ok && !hoist(to, to->value, seen))
		to->n_hoisted = 0;
	return ok;
}
