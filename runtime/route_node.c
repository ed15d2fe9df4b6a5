/* route_node.c - values that are computed from variables, as routes solve them: found from the instructions of a kernel. What no route
 * knows to solve is FREE, within what values it can have. */
#include <stdlib.h>

#include "route_step.h"

enum { MOST_DEPTH = 24, MOST_NODES = 128 };

/* Sums of products of 64 bits. */
__extension__ typedef __int128 wide;

typedef struct reader {
	planner *pl;
	route_source *source;
	unsigned depth, n;
} reader;

static const route_node *node_of(reader *b, uint32_t reg);

/* ---- making nodes ------------------------------------------------------------------------------ */

/* NULL where it could have values that are too large: those of the language go round. */
static route_node *make(planner *pl, route_node_op op, const route_node *a, wide lo, wide hi)
{
	if (lo < -ROUTE_FAR || hi > ROUTE_FAR || lo > hi)
		return NULL;
	route_node *n = plan_take(pl, 1, sizeof *n);
	if (n)
		*n = (route_node){.op = (uint8_t)op, .lo = (int64_t)lo, .hi = (int64_t)hi, .a = a};
	return n;
}

static const route_node *make_free(planner *pl, int64_t lo, int64_t hi) { return make(pl, NODE_FREE, NULL, lo, hi); }

/* The values of a variable of the kernel. */
void route_range_of_var(const planner *pl, uint32_t var, int64_t *lo, int64_t *hi)
{
	const kernel_plan *p = pl->p;
	const sch_region *root = p->regions[0].def;
	*lo = 0;
	*hi = -1;
	if (var < root->n_vars) {
		*hi = pl->inst->pages[p->pass->page].dims[var] - 1;
		return;
	}
	for (uint32_t i = 1; i < p->n_regions; i++) {
		const region_plan *r = &p->regions[i];
		if (r->def->first_var != var)
			continue;
		switch ((region_kind)r->def->kind) {
		case REGION_ROW: *hi = r->driver->dims[1] - 1; break;
		case REGION_COL: *hi = r->driver->dims[0] - 1; break;
		case REGION_GROUP: *hi = (int64_t)r->driver->count - 1; break;
		default:
			*lo = r->lo;
			*hi = r->lo + r->extent - 1;
		}
	}
}

static int by_coefficient(const void *a, const void *b)
{
	const route_term *s = a, *t = b;
	uint64_t x = s->coef < 0 ? 0 - (uint64_t)s->coef : (uint64_t)s->coef, y = t->coef < 0 ? 0 - (uint64_t)t->coef : (uint64_t)t->coef;
	if (x != y)
		return x < y ? 1 : -1;
	return s->var < t->var ? -1 : s->var > t->var;
}

/* Of terms that are the node's from now on. */
static const route_node *make_sum(planner *pl, int64_t constant, route_term *terms, uint32_t n)
{
	wide lo = constant, hi = constant;
	for (uint32_t t = 0; t < n; t++) {
		int64_t first, last;
		route_range_of_var(pl, terms[t].var, &first, &last);
		wide a = (wide)terms[t].coef * first, b = (wide)terms[t].coef * last;
		lo += a < b ? a : b;
		hi += a < b ? b : a;
		bool far = terms[t].coef < -ROUTE_FAR || terms[t].coef > ROUTE_FAR; /* of a variable that is always 0 */
		if (far || last < first || lo < -ROUTE_FAR || hi > ROUTE_FAR)
			return NULL;
	}
	route_node *s = make(pl, NODE_SUM, NULL, lo, hi);
	if (!s)
		return NULL;
	if (n > 1)
		qsort(terms, n, sizeof *terms, by_coefficient);
	s->constant = constant;
	s->terms = terms;
	s->n_terms = n;
	return s;
}

static const route_node *make_constant(planner *pl, int64_t value) { return make_sum(pl, value, NULL, 0); }

static bool is_constant(const route_node *n) { return n && n->op == NODE_SUM && n->n_terms == 0; }

/* a + factor * b, of sums. */
static const route_node *add_sums(planner *pl, const route_node *a, const route_node *b, int64_t factor)
{
	route_term *terms = plan_take(pl, a->n_terms + b->n_terms, sizeof *terms);
	uint32_t n = a->n_terms;
	wide constant = a->constant + (wide)b->constant * factor;
	if (!terms || constant < -ROUTE_FAR || constant > ROUTE_FAR)
		return NULL;
	for (uint32_t i = 0; i < n; i++)
		terms[i] = a->terms[i];
	for (uint32_t i = 0; i < b->n_terms; i++) {
		int64_t coef;
		uint32_t at = 0;
		if (__builtin_mul_overflow(b->terms[i].coef, factor, &coef))
			return NULL;
		while (at < n && terms[at].var != b->terms[i].var)
			at++;
		if (at == n)
			terms[n++] = (route_term){b->terms[i].var, coef};
		else if (__builtin_add_overflow(terms[at].coef, coef, &terms[at].coef))
			return NULL;
	}
	uint32_t left = 0;
	for (uint32_t i = 0; i < n; i++)
		if (terms[i].coef != 0)
			terms[left++] = terms[i];
	return make_sum(pl, (int64_t)constant, terms, left);
}

static const route_node *scale(planner *pl, const route_node *a, int64_t by)
{
	if (!a)
		return NULL;
	if (a->op == NODE_SUM) {
		const route_node zero = {.op = NODE_SUM};
		return add_sums(pl, &zero, a, by);
	}
	if (by == 0)
		return make_constant(pl, 0);
	wide lo = (wide)a->lo * by, hi = (wide)a->hi * by;
	route_node *n = make(pl, NODE_SCALE, a, by < 0 ? hi : lo, by < 0 ? lo : hi);
	if (n)
		n->constant = by;
	return n;
}

static const route_node *add(planner *pl, const route_node *a, const route_node *b)
{
	if (!a || !b)
		return NULL;
	if (a->op == NODE_SUM && b->op == NODE_SUM)
		return add_sums(pl, a, b, 1);
	route_node *n = make(pl, NODE_ADD, a, (wide)a->lo + b->lo, (wide)a->hi + b->hi);
	if (n)
		n->b = b;
	return n;
}

/* ---- operators with a constant ----------------------------------------------------------------- */

static const route_node *with_constant(planner *pl, route_node_op op, const route_node *a, int64_t c, int64_t lo, int64_t hi)
{
	route_node *n = make(pl, op, a, lo, hi);
	if (n)
		n->constant = c;
	return n;
}

static const route_node *divide(planner *pl, const route_node *a, int64_t c)
{
	return c > 0 ? with_constant(pl, NODE_DIV, a, c, a->lo / c, a->hi / c) : NULL;
}

static const route_node *modulo(planner *pl, const route_node *a, int64_t c)
{
	if (c <= 0)
		return NULL;
	if (a->lo >= 0 && a->hi < c)
		return a;
	return with_constant(pl, NODE_MOD, a, c, a->lo < 0 ? 1 - c : 0, a->hi > 0 ? c - 1 : 0);
}

static const route_node *exclusive_or(planner *pl, const route_node *a, int64_t c)
{
	int64_t most = 1;
	if (a->lo < 0 || c < 0)
		return NULL;
	while (most <= a->hi || most <= c)
		most *= 2;
	return with_constant(pl, NODE_XOR, a, c, 0, most - 1);
}

static const route_node *least(planner *pl, const route_node *a, int64_t c)
{
	return with_constant(pl, NODE_MIN, a, c, a->lo < c ? a->lo : c, a->hi < c ? a->hi : c);
}

static const route_node *greatest(planner *pl, const route_node *a, int64_t c)
{
	return with_constant(pl, NODE_MAX, a, c, a->lo > c ? a->lo : c, a->hi > c ? a->hi : c);
}

static const route_node *magnitude(planner *pl, const route_node *a)
{
	int64_t below = a->lo < 0 ? -a->lo : a->lo, above = a->hi < 0 ? -a->hi : a->hi;
	bool around = a->lo < 0 && a->hi > 0;
	return make(pl, NODE_ABS, a, around ? 0 : below < above ? below : above, below > above ? below : above);
}

static const route_node *choice(planner *pl, const route_node *a, const route_node *b)
{
	if (!a || !b)
		return NULL;
	route_node *n = make(pl, NODE_CHOICE, a, a->lo < b->lo ? a->lo : b->lo, a->hi > b->hi ? a->hi : b->hi);
	if (n)
		n->b = b;
	return n;
}

/* Of two constants. */
static const route_node *fold(planner *pl, op_id op, int64_t a, int64_t c)
{
	switch ((unsigned)op) {
	case OP_DIV: return c > 0 ? make_constant(pl, a / c) : NULL;
	case OP_MOD: return c > 0 ? make_constant(pl, a % c) : NULL;
	case OP_SHR: return c >= 0 && c < 60 ? make_constant(pl, a >> c) : NULL;
	case OP_MIN: return make_constant(pl, a < c ? a : c);
	case OP_MAX: return make_constant(pl, a > c ? a : c);
	default: return NULL;
	}
}

/* a OP c, where c is a constant. */
static const route_node *by_constant(planner *pl, op_id op, const route_node *a, int64_t c)
{
	bool power = c >= 0 && c < ROUTE_FAR && (c & (c + 1)) == 0;
	if (is_constant(a) && op != OP_MUL && op != OP_SHL)
		return fold(pl, op, a->constant, c);
	switch ((unsigned)op) {
	case OP_MUL: return scale(pl, a, c);
	case OP_DIV: return divide(pl, a, c);
	case OP_MOD: return modulo(pl, a, c);
	case OP_SHL: return c >= 0 && c < 60 ? scale(pl, a, (int64_t)1 << c) : NULL;
	case OP_SHR: return c >= 0 && c < 60 ? with_constant(pl, NODE_SHIFT, a, c, a->lo >> c, a->hi >> c) : NULL;
	case OP_BAND: return power && a->lo >= 0 ? modulo(pl, a, c + 1) : NULL;
	case OP_BXOR: return exclusive_or(pl, a, c);
	case OP_MIN: return least(pl, a, c);
	case OP_MAX: return greatest(pl, a, c);
	default: return NULL;
	}
}

/* ---- instructions ------------------------------------------------------------------------------ */

bool route_reads_index(const planner *pl, const sch_read *read)
{
	const sch_page *p = &pl->s->pages[read->page];
	if ((p->flags & PAGEF_SPARSE) || read->view != RV_NONE)
		return false;
	if (p->record == NONE)
		return p->index_size != NONE;
	return pl->s->fields[pl->s->records[p->record].first_field + read->field].index_size != NONE;
}

static const route_node *node_of_read(reader *b, const sch_read *read)
{
	planner *pl = b->pl;
	if (!route_reads_index(pl, read))
		return NULL;
	const sch_page *p = &pl->s->pages[read->page];
	uint32_t size = p->record == NONE ? p->index_size : pl->s->fields[pl->s->records[p->record].first_field + read->field].index_size;
	int64_t last = pl->inst->sizes[size] > 0 ? pl->inst->sizes[size] - 1 : 0;
	if (!b->source->allowed || b->source->read)
		return make_free(pl, 0, last);
	b->source->read = read;
	return make(pl, NODE_INDEX, NULL, 0, last);
}

static const route_node *node_of_op(reader *b, const sch_instr *in)
{
	static const uint8_t commutes[] = {OP_MUL, OP_BAND, OP_BXOR, OP_MIN, OP_MAX};
	planner *pl = b->pl;
	if (in->type != T_I64)
		return NULL;
	const route_node *args[3] = {NULL};
	for (unsigned i = in->op == OP_SELECT ? 1 : 0; i < op_table[in->op].arity; i++) {
		args[i] = node_of(b, i == 0 ? in->a : i == 1 ? in->b : in->c);
		if (!args[i])
			return NULL;
	}
	switch (in->op) {
	case OP_ADD: return add(pl, args[0], args[1]);
	case OP_SUB: return add(pl, args[0], scale(pl, args[1], -1));
	case OP_NEG: return scale(pl, args[0], -1);
	case OP_ABS: return magnitude(pl, args[0]);
	case OP_SELECT: return choice(pl, args[1], args[2]);
	case OP_CLAMP:
		if (!is_constant(args[1]) || !is_constant(args[2]))
			return NULL;
		args[0] = greatest(pl, args[0], args[1]->constant);
		return args[0] ? least(pl, args[0], args[2]->constant) : NULL;
	default: break;
	}
	for (unsigned i = 0; i < sizeof commutes && !is_constant(args[1]); i++)
		if (in->op == commutes[i] && is_constant(args[0])) {
			const route_node *c = args[0];
			args[0] = args[1];
			args[1] = c;
		}
	return op_table[in->op].arity == 2 && is_constant(args[1]) ? by_constant(pl, (op_id)in->op, args[0], args[1]->constant) : NULL;
}

static const route_node *node_of_instr(reader *b, const sch_instr *in)
{
	planner *pl = b->pl;
	switch ((code_id)in->code) {
	case CODE_VAR: return route_node_of_var(pl, in->a);
	case CODE_CONST: return in->type == T_I64 ? make_constant(pl, (int64_t)in->imm) : in->type == T_U32 ? make_constant(pl, (uint32_t)in->imm) : NULL;
	case CODE_SIZE: return make_constant(pl, pl->inst->sizes[in->a]);
	case CODE_PARAM: return in->type == T_I64 ? make_constant(pl, pl->inst->params[in->a].I64) : NULL;
	case CODE_CONV: return in->type == T_I64 && (in->type2 == T_U32 || in->type2 == T_I32) ? node_of(b, in->a) : NULL;
	case CODE_TO_INDEX: return in->type2 == T_I64 ? node_of(b, in->a) : NULL;
	case CODE_READ: return node_of_read(b, &pl->s->reads[pl->p->def->first_read + in->a]);
	case CODE_OP: return node_of_op(b, in);
	default: return NULL;
	}
}

/* Where a mask says that a failure does not count nobody looks at the value. */
static const route_node *node_of(reader *b, uint32_t reg)
{
	const sch_instr *in = instr_of(b->pl, b->pl->def_instr[reg]);
	if (in->dst != reg || b->depth == MOST_DEPTH || b->n == MOST_NODES)
		return NULL;
	b->depth++;
	b->n++;
	const route_node *n = node_of_instr(b, in);
	b->depth--;
	return n;
}

/* ---- for routes -------------------------------------------------------------------------------- */

const route_node *route_node_of(planner *pl, uint32_t reg, route_source *source)
{
	reader b = {.pl = pl, .source = source};
	return node_of(&b, reg);
}

const route_node *route_node_difference(planner *pl, uint32_t a, uint32_t b, int sign)
{
	route_source none = {0};
	const route_node *left = route_node_of(pl, a, &none), *right = route_node_of(pl, b, &none);
	return add(pl, scale(pl, left, sign), scale(pl, right, -sign));
}

const route_node *route_node_of_var(planner *pl, uint32_t var)
{
	route_term *term = plan_take(pl, 1, sizeof *term);
	if (!term)
		return NULL;
	*term = (route_term){var, 1};
	return make_sum(pl, 0, term, 1);
}

const route_node *route_node_of_index(planner *pl, const sch_index *x)
{
	route_term *terms = plan_take(pl, x->n_terms, sizeof *terms);
	uint64_t constant = (uint64_t)x->constant;
	uint32_t n = 0;
	if (!terms)
		return NULL;
	for (uint32_t t = 0; t < x->n_terms; t++) {
		const sch_term *term = &pl->s->terms[x->first_term + t];
		if (term->kind == TERM_SIZE)
			constant += (uint64_t)term->coef * (uint64_t)pl->inst->sizes[term->id];
		else if (term->coef != 0)
			terms[n++] = (route_term){term->id, term->coef};
	}
	return make_sum(pl, (int64_t)constant, terms, n);
}
