/* verify_kernel.c - checks the bytecode of one kernel: scopes, types, and that every index is proved in range. */
#include <stdbool.h>
#include <string.h>

#include "guard.h"
#include "instance.h"
#include "verify.h"

enum { UNWRITTEN, VISIBLE, GONE };
enum { MAX_REGION_DEPTH = 200 };

#define CHECK(condition, rule)                                                   \
	do {                                                                     \
		if (!(condition))                                                \
			return bad(v, "kernel", (uint64_t)(v->kernel - v->s->kernels), (rule)); \
	} while (0)

static bool range_in(uint32_t first, uint32_t n, uint32_t total) { return first <= total && n <= total - first; }

static const sch_region *region_of(const verifier *v, uint32_t id) { return &v->s->regions[v->kernel->first_region + id]; }

static uint8_t reg_type(const verifier *v, uint32_t reg) { return v->s->reg_types[v->kernel->first_reg_type + reg]; }

static bool visible(const verifier *v, uint32_t reg) { return reg < v->kernel->n_regs && v->scopes[reg] == VISIBLE; }

static bool visible_as(const verifier *v, uint32_t reg, uint8_t type) { return visible(v, reg) && reg_type(v, reg) == type; }

/* ---- ranges ---- */

static bool constant_size(const verifier *v, uint32_t size, int64_t *value)
{
	if (size >= v->s->n_sizes || v->s->sizes[size].kind != SIZE_CONST)
		return false;
	*value = v->s->sizes[size].value;
	return true;
}

typedef struct bounds {
	uint32_t lo, hi; /* size ids; lo NONE: zero */
} bounds;

/* The range of a variable that is in scope in the region in hand. */
static bool var_bounds(const verifier *v, uint32_t var, bounds *b)
{
	for (uint32_t r = v->region; r != NONE; r = region_of(v, r)->parent) {
		const sch_region *g = region_of(v, r);
		if (var < g->first_var || var - g->first_var >= g->n_vars)
			continue;
		uint32_t k = var - g->first_var;
		const sch_page *p = g->page == NONE ? v->page : &v->s->pages[g->page];
		*b = (bounds){NONE, NONE};
		switch ((region_kind)g->kind) {
		case REGION_DOMAIN: b->hi = v->page->dims[k]; break;
		case REGION_ENTRIES: b->hi = p->dims[k]; break;
		case REGION_RANGE: b->lo = g->lo; b->hi = g->hi; break;
		case REGION_PREFIX: b->hi = g->hi; break;
		case REGION_ROW: b->hi = p->dims[1]; break;
		case REGION_COL: case REGION_GROUP: b->hi = p->dims[0]; break;
		}
		return true;
	}
	return false;
}

static bool zero_below(const verifier *v, const bounds *b)
{
	int64_t lo = 0;
	return b->lo == NONE || (constant_size(v, b->lo, &lo) && lo >= 0);
}

static bool fits(const verifier *v, uint32_t range, uint32_t dim)
{
	int64_t a, b;
	return range == dim || (constant_size(v, range, &a) && constant_size(v, dim, &b) && a <= b);
}

/* Constants and variables of constant range, summed with overflow checks: inside 0 .. dim-1? */
static bool literal_in_range(const verifier *v, const sch_index *x, uint32_t dim)
{
	int64_t low = x->constant, high = x->constant, n;
	if (!constant_size(v, dim, &n))
		return false;
	for (uint32_t t = 0; t < x->n_terms; t++) {
		const sch_term *term = &v->s->terms[x->first_term + t];
		int64_t a = 0, b, u, w;
		if (term->kind == TERM_SIZE) {
			if (!constant_size(v, term->id, &a))
				return false;
			b = a;
		} else {
			bounds bd;
			if (!var_bounds(v, term->id, &bd) || (bd.lo != NONE && !constant_size(v, bd.lo, &a)) || !constant_size(v, bd.hi, &b))
				return false;
			if (b <= a)
				return true; /* never evaluated */
			b--;
		}
		if (__builtin_mul_overflow(term->coef, a, &u) || __builtin_mul_overflow(term->coef, b, &w) ||
		    __builtin_add_overflow(low, u < w ? u : w, &low) || __builtin_add_overflow(high, u < w ? w : u, &high))
			return false;
	}
	return low >= 0 && high < n;
}

static bool index_proved(const verifier *v, const sch_index *x, uint32_t dim)
{
	bounds b;
	if (x->reg != NONE)
		return fits(v, v->ranges[x->reg], dim);
	if (x->constant == 0 && x->n_terms == 1) {
		const sch_term *t = &v->s->terms[x->first_term];
		if (t->coef == 1 && t->kind == TERM_VAR && var_bounds(v, t->id, &b) && zero_below(v, &b) && fits(v, b.hi, dim))
			return true;
	}
	return literal_in_range(v, x, dim);
}

/* ---- reads ---- */

static int check_index(verifier *v, const sch_index *x)
{
	CHECK(range_in(x->first_term, x->n_terms, v->s->n_terms) && x->n_terms <= 64, "terms of an index");
	if (x->reg != NONE) {
		CHECK(x->n_terms == 0 && x->constant == 0 && (x->reg_type == T_I64 || x->reg_type == T_U32) && visible_as(v, x->reg, (uint8_t)x->reg_type),
		      "register of an index");
		return MMSB_OK;
	}
	for (uint32_t t = 0; t < x->n_terms; t++) {
		const sch_term *term = &v->s->terms[x->first_term + t];
		bounds b;
		CHECK(term->kind == TERM_VAR ? var_bounds(v, term->id, &b) : term->kind == TERM_SIZE && term->id < v->s->n_sizes,
		      "term of an index");
	}
	return MMSB_OK;
}

static uint32_t family(const schedule *s, uint32_t id) { return s->pages[id].like == NONE ? id : s->pages[id].like; }

/* RC_ENTRY: the innermost region around that goes by a pattern must go by this page's. */
static bool entry_at_hand(const verifier *v, const sch_read *read)
{
	for (uint32_t r = v->region; r != NONE; r = region_of(v, r)->parent) {
		const sch_region *g = region_of(v, r);
		if (g->kind == REGION_ROW || g->kind == REGION_COL || g->kind == REGION_ENTRIES)
			return family(v->s, g->page) == family(v->s, read->page) && g->prev == read->prev;
	}
	return false;
}

static int check_read_indices(verifier *v, const sch_read *read, const sch_page *p)
{
	const schedule *s = v->s;
	CHECK(read->n_index == p->ndim && range_in(read->first_index, read->n_index, s->n_indices), "indices of a read");
	for (uint32_t d = 0; d < p->ndim; d++) {
		const sch_index *x = &s->indices[read->first_index + d];
		if (check_index(v, x))
			return MMSB_FORMAT;
		CHECK(read->view != RV_NONE || index_proved(v, x, p->dims[d]), "a read that is not proved in range");
	}
	if (read->cls != READ_SAME)
		return MMSB_OK;
	CHECK(v->page && v->page->ndim == p->ndim && !(v->page->flags & PAGEF_SPARSE), "class of a read");
	for (uint32_t d = 0; d < p->ndim; d++) {
		const sch_index *x = &s->indices[read->first_index + d];
		CHECK(x->reg == NONE && x->constant == 0 && x->n_terms == 1 && s->terms[x->first_term].kind == TERM_VAR &&
		      s->terms[x->first_term].coef == 1 && s->terms[x->first_term].id == d && p->dims[d] == v->page->dims[d], "class of a read");
	}
	return MMSB_OK;
}

static int check_read(verifier *v, const sch_instr *in)
{
	const schedule *s = v->s;
	CHECK(in->a < v->kernel->n_reads && !v->met[v->kernel->n_regions + in->a], "number of a read");
	v->met[v->kernel->n_regions + in->a] = 1;
	const sch_read *read = &s->reads[v->kernel->first_read + in->a];
	CHECK(read->page < s->n_pages && read->region == v->region && read->prev <= 1 && read->view <= RV_PAD && read->cls <= READ_LOOKUP &&
	      read->rule <= DELTA_INVERSE, "a read");
	const sch_page *p = &s->pages[read->page];
	CHECK(p->flags & PAGEF_STORED, "reads a page that is not stored");
	uint8_t type = p->type;
	uint32_t range = p->index_size;
	CHECK((read->field == NONE) == (p->record == NONE), "field of a read");
	if (p->record != NONE) {
		CHECK(read->field < s->records[p->record].n_fields, "field of a read");
		const sch_field *f = &s->fields[s->records[p->record].first_field + read->field];
		type = f->type;
		range = f->index_size;
	}
	CHECK(in->type == type, "type of a read");
	bool padded = read->view == RV_PAD || read->cls == READ_LOOKUP;
	CHECK(padded ? visible_as(v, read->pad, type) : read->pad == NONE, "pad of a read");
	bool sparse = (p->flags & PAGEF_SPARSE) != 0;
	CHECK(sparse == (read->cls == READ_ENTRY || read->cls == READ_LOOKUP) && (!sparse || read->view == RV_NONE), "class of a read");
	if (read->cls == READ_ENTRY)
		CHECK(read->n_index == 0 && entry_at_hand(v, read), "an entry of a pattern that is not gone by here");
	else if (check_read_indices(v, read, p))
		return MMSB_FORMAT;
	v->ranges[in->dst] = padded && v->ranges[read->pad] != range ? NONE : range;
	return MMSB_OK;
}

/* ---- instructions ---- */

static uint8_t op_result(const op_facts *op, uint8_t type)
{
	switch ((op_rule)op->rule) {
	case RULE_CMP: case RULE_TEST: return T_BOOL;
	case RULE_COUNT: return T_I64;
	case RULE_RAND: return op->arity == 1 ? T_F64 : T_U64;
	default: return type;
	}
}

static int check_op(verifier *v, const sch_instr *in)
{
	CHECK(in->op < OP_COUNT && in->type < T_COUNT && (op_table[in->op].types >> in->type & 1), "an operator or its type");
	const op_facts *op = &op_table[in->op];
	uint32_t args[3] = {in->a, in->b, in->c};
	for (uint32_t i = 0; i < 3; i++) {
		uint8_t want = op->rule == RULE_SELECT && i == 0 ? T_BOOL : in->type;
		CHECK(i < op->arity ? visible_as(v, args[i], want) : args[i] == NONE, "an operand");
	}
	CHECK(reg_type(v, in->dst) == op_result(op, in->type), "type of a result");
	if (op->rule == RULE_SELECT && v->ranges[in->b] == v->ranges[in->c])
		v->ranges[in->dst] = v->ranges[in->b];
	return MMSB_OK;
}

static int check_region(verifier *v, uint32_t id);

static int check_reduce(verifier *v, const sch_instr *in)
{
	CHECK(in->a > v->region && in->a < v->kernel->n_regions && region_of(v, in->a)->parent == v->region, "region of a reduction");
	const sch_region *g = region_of(v, in->a);
	CHECK(g->reducer == REDUCER_OP || g->reducer == REDUCER_ARGMIN || g->reducer == REDUCER_ARGMAX, "a reducer");
	CHECK(in->b == NONE || (in->b < v->kernel->n_regs && in->b != in->dst && v->scopes[in->b] == UNWRITTEN && reg_type(v, in->b) == T_I64),
	      "register for the count of a reduction");
	uint32_t outer = v->region;
	v->scopes[in->dst] = GONE; /* the region itself must not write them */
	if (in->b != NONE)
		v->scopes[in->b] = GONE;
	if (++v->depth > MAX_REGION_DEPTH)
		return bad(v, "kernel", (uint64_t)(v->kernel - v->s->kernels), "reductions nest too deep");
	if (check_region(v, in->a))
		return MMSB_FORMAT;
	v->depth--;
	bounds b = {NONE, NONE};
	if (g->reducer != REDUCER_OP) {
		v->region = in->a;
		bool known = var_bounds(v, g->first_var, &b);
		CHECK(known && zero_below(v, &b) && in->type == T_U32, "an arg reduction");
		v->ranges[in->dst] = b.hi;
	} else {
		CHECK(in->type == g->type, "type of a reduction");
	}
	v->region = outer;
	if (in->b != NONE) {
		v->scopes[in->b] = VISIBLE;
		v->ranges[in->b] = NONE;
	}
	return MMSB_OK;
}

static int check_var(verifier *v, const sch_instr *in)
{
	bounds b;
	CHECK(in->type == T_I64 && var_bounds(v, in->a, &b), "a variable");
	if (zero_below(v, &b))
		v->ranges[in->dst] = b.hi;
	return MMSB_OK;
}

static bool literal_ok(const sch_instr *in)
{
	uint32_t bytes = type_table[in->type].bytes;
	return (bytes == 8 || in->imm >> (8 * bytes) == 0) && (in->type != T_BOOL || in->imm <= 1);
}

static int check_conv(verifier *v, const sch_instr *in)
{
	CHECK(in->type2 < T_COUNT && visible_as(v, in->a, in->type2), "operand of a conversion");
	if ((in->type == T_I64 || in->type == T_U32) && (in->type2 == T_I64 || in->type2 == T_U32))
		v->ranges[in->dst] = v->ranges[in->a];
	return MMSB_OK;
}

static int check_instr(verifier *v, const sch_instr *in)
{
	const schedule *s = v->s;
	v->n_checked++;
	CHECK(in->dst < v->kernel->n_regs && v->scopes[in->dst] == UNWRITTEN, "a register that is written twice");
	CHECK(in->type < T_COUNT, "type of an instruction");
	CHECK(in->mask == NONE || visible_as(v, in->mask, T_BOOL), "a mask");
	v->ranges[in->dst] = NONE;
	int status = MMSB_OK;
	bool typed = true; /* dst has the type of the instruction */
	switch (in->code) {
	case CODE_OP: status = check_op(v, in); typed = false; break;
	case CODE_CONV: status = check_conv(v, in); break;
	case CODE_CONST: CHECK(literal_ok(in), "a constant"); break;
	case CODE_PARAM: CHECK(in->a < s->n_params && s->params[in->a].type == in->type, "a param"); break;
	case CODE_SIZE: CHECK(in->a < s->n_sizes && in->type == T_I64, "a size"); break;
	case CODE_VAR: status = check_var(v, in); break;
	case CODE_READ: status = check_read(v, in); break;
	case CODE_TO_INDEX:
		CHECK(in->type == T_U32 && (in->type2 == T_I64 || in->type2 == T_U64) && visible_as(v, in->a, in->type2) && in->b < s->n_sizes,
		      "a conversion to an index");
		v->ranges[in->dst] = in->b;
		break;
	case CODE_GUARD:
		CHECK(visible_as(v, in->a, in->type) && in->c < GUARD_COUNT && (in->b == NONE || in->b < v->kernel->n_reads), "a guard");
		v->ranges[in->dst] = v->ranges[in->a];
		break;
	case CODE_REDUCE: status = check_reduce(v, in); break;
	default: CHECK(false, "an unknown instruction");
	}
	if (status)
		return status;
	CHECK(!typed || reg_type(v, in->dst) == in->type, "type of a result");
	v->scopes[in->dst] = VISIBLE;
	return MMSB_OK;
}

/* ---- regions ---- */

static int check_root(verifier *v, const sch_region *g)
{
	const schedule *s = v->s;
	CHECK(g->parent == NONE && g->reducer == REDUCER_NONE && g->where == NONE && g->value == NONE && g->first_var == 0, "region 0");
	if (g->kind == REGION_ENTRIES) {
		CHECK(v->page && (v->page->flags & PAGEF_SPARSE) && v->page->like != NONE && g->page == v->page->like && g->n_vars == 2 && !g->prev,
		      "region 0 of a sparse page");
		CHECK(s->pages[g->page].ndim == 2, "region 0 of a sparse page");
		return MMSB_OK;
	}
	CHECK(g->kind == REGION_DOMAIN && g->page == NONE && g->n_vars == (v->page ? v->page->ndim : 0) &&
	      !(v->page && (v->page->flags & PAGEF_SPARSE)), "region 0");
	return MMSB_OK;
}

/* The page that a ROW, COL or GROUP region goes by, and the register that says where. */
static int check_driver(verifier *v, const sch_region *g)
{
	const schedule *s = v->s;
	CHECK(g->page < s->n_pages && (s->pages[g->page].flags & PAGEF_STORED), "page of a region");
	const sch_page *p = &s->pages[g->page];
	CHECK((g->at_type == T_I64 || g->at_type == T_U32) && visible_as(v, g->at, g->at_type), "position of a region");
	if (g->kind == REGION_GROUP) {
		CHECK(p->ndim == 1 && p->index_size != NONE && !(p->flags & PAGEF_SPARSE), "key page of a region");
		return MMSB_OK; /* a position that is no key has no members */
	}
	CHECK((p->flags & PAGEF_SPARSE) && fits(v, v->ranges[g->at], p->dims[g->kind == REGION_ROW ? 0 : 1]), "row or column of a region");
	return MMSB_OK;
}

static int check_prefix(verifier *v, const sch_region *g, uint32_t outer)
{
	bounds b;
	v->region = outer;
	CHECK(var_bounds(v, g->at, &b) && b.lo == NONE && b.hi == g->hi && g->strict <= 1, "limit of a prefix");
	return MMSB_OK;
}

static int check_region_head(verifier *v, const sch_region *g, uint32_t id)
{
	const schedule *s = v->s;
	CHECK(g->kind <= REGION_PREFIX && g->prev <= 1 && g->dense <= 1, "a region");
	CHECK(range_in(g->first_instr, g->n_instr, v->kernel->n_instr) && range_in(g->first_var, g->n_vars, v->kernel->n_vars), "a region");
	if (id == 0)
		return check_root(v, g);
	CHECK(g->n_vars == 1 && g->parent < id && g->first_var >= region_of(v, 0)->n_vars, "variable of a region");
	for (uint32_t r = g->parent; r != NONE; r = region_of(v, r)->parent)
		CHECK(region_of(v, r)->first_var != g->first_var || region_of(v, r)->n_vars == 0, "a variable of two regions");
	CHECK(g->type < T_COUNT, "type of a region");
	if (g->reducer == REDUCER_OP)
		CHECK(g->op < OP_COUNT && op_table[g->op].reduce != REDUCE_NO && (op_table[g->op].types >> g->type & 1), "a reducer");
	else
		CHECK(TYPES_NUM >> g->type & 1, "an arg reducer");
	bool by_range = g->kind == REGION_RANGE || g->kind == REGION_PREFIX;
	CHECK(by_range ? g->page == NONE && g->hi < s->n_sizes : g->hi == NONE && g->lo == NONE, "bounds of a region");
	CHECK(g->kind != REGION_RANGE || g->lo < s->n_sizes, "bounds of a region");
	CHECK(!g->dense || (by_range && g->where == NONE), "a region that is dense and not");
	switch ((region_kind)g->kind) {
	case REGION_ROW: case REGION_COL: case REGION_GROUP: return check_driver(v, g);
	case REGION_PREFIX: return check_prefix(v, g, g->parent);
	case REGION_RANGE: return MMSB_OK;
	default: CHECK(false, "a domain within a domain");
	}
}

static int check_region(verifier *v, uint32_t id)
{
	const sch_region *g = region_of(v, id);
	CHECK(!v->met[id], "a region that is entered twice");
	v->met[id] = 1;
	if (check_region_head(v, g, id))
		return MMSB_FORMAT;
	v->region = id;
	for (uint32_t i = 0; i < g->n_instr; i++)
		if (check_instr(v, &v->s->instrs[v->kernel->first_instr + g->first_instr + i]))
			return MMSB_FORMAT;
	if (id == 0)
		return MMSB_OK;
	CHECK(visible_as(v, g->value, g->type), "value of a reduction");
	CHECK(g->where == NONE || visible_as(v, g->where, T_BOOL), "condition of a reduction");
	CHECK(g->nest == NONE || (g->nest > id && g->nest < v->kernel->n_regions && region_of(v, g->nest)->kind == REGION_RANGE), "nest of a region");
	for (uint32_t i = 0; i < g->n_instr; i++) {
		const sch_instr *in = &v->s->instrs[v->kernel->first_instr + g->first_instr + i];
		v->scopes[in->dst] = GONE;
		if (in->code == CODE_REDUCE && in->b != NONE)
			v->scopes[in->b] = GONE;
	}
	return MMSB_OK;
}

int verify_kernel(verifier *v, uint32_t kernel, const sch_page *of)
{
	const schedule *s = v->s;
	const sch_kernel *k = &s->kernels[kernel];
	v->kernel = k;
	v->page = of;
	v->depth = 0;
	v->n_checked = 0;
	CHECK(k->name < s->n_text && k->n_regions > 0 && range_in(k->first_region, k->n_regions, s->n_regions) &&
	      range_in(k->first_instr, k->n_instr, s->n_instrs) && range_in(k->first_read, k->n_reads, s->n_reads) &&
	      range_in(k->first_output, k->n_outputs, s->n_outputs) && k->n_vars <= 65536 && k->n_regs <= 1u << 20, "its tables");
	memset(v->scopes, UNWRITTEN, k->n_regs);
	memset(v->met, 0, (size_t)k->n_regions + k->n_reads);
	for (uint32_t i = 0; i < k->n_regs; i++)
		CHECK(s->reg_types[k->first_reg_type + i] < T_COUNT, "type of a register");
	if (check_region(v, 0))
		return MMSB_FORMAT;
	for (size_t i = 0; i < (size_t)k->n_regions + k->n_reads; i++)
		CHECK(v->met[i], "a region or read that nothing uses");
	CHECK(v->n_checked == k->n_instr, "an instruction of no region");
	for (uint32_t o = 0; o < k->n_outputs; o++)
		CHECK(visible(v, s->outputs[k->first_output + o].reg), "an output");
	return MMSB_OK;
}
