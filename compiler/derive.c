/* derive.c - delta rules: what the route of a read comes to, for people and for executors that want to know it before sizes are bound.
 *
 * Needs: a placed edge. As runtime/route.c does for numbers, the indices of the read are solved here for the variables, what they are computed
 * by is undone, an index that is read from another page is found through the reverse index of that page, and the regions around are left towards the domain. Of an index that
 * cannot be undone there is a reverse index of its own (runtime/route_site.c). What is known
 * of the domain's variables in the end gives the rule; DELTA_WHOLE where something could not be solved and nothing is known. */
#include "builder.h"

/* What a changed position says of a variable. */
typedef enum extent { EXTENT_ALL, EXTENT_SPAN, EXTENT_POINT } extent;

enum { MOST_KNOWN = 64 /* variables beyond are taken to be free */ };

typedef struct solver {
	ir_graph *g;
	const ir_edge *edge;
	uint32_t var[MOST_KNOWN];
	extent known[MOST_KNOWN];
	uint32_t n_known;
	bool unsolved;           /* some index or key could not be solved */
	bool by_index;           /* a reverse index was used */
	bool inverse;            /* a computation was undone */
	delta_rule left;         /* GROUP, SPARSE, PREFIX: how the innermost region that says something was left; WHOLE: none was */
} solver;

static bool is_own(const solver *s, uint32_t var)
{
	for (uint32_t i = 0; i < s->edge->n_vars; i++)
		if (s->edge->vars[i] == var)
			return true;
	return false;
}

static extent extent_of(const solver *s, uint32_t var)
{
	for (uint32_t i = 0; i < s->n_known; i++)
		if (s->var[i] == var)
			return s->known[i];
	return EXTENT_ALL;
}

static void narrow(solver *s, uint32_t var, extent to)
{
	for (uint32_t i = 0; i < s->n_known; i++)
		if (s->var[i] == var) {
			s->known[i] = to > s->known[i] ? to : s->known[i];
			return;
		}
	if (s->n_known == MOST_KNOWN)
		return;
	s->var[s->n_known] = var;
	s->known[s->n_known++] = to;
}

static uint64_t magnitude(int64_t v) { return v < 0 ? 0 - (uint64_t)v : (uint64_t)v; }

/* ---- indices ----------------------------------------------------------------------------------- */

/* The term to solve for: a variable, of the domain if there is such, with the smallest factor. */
static const sch_term *unknown_of(const solver *s, const ir_affine *a)
{
	const sch_term *best = NULL;
	for (uint32_t t = 0; t < a->n; t++) {
		const sch_term *term = &a->terms[t];
		if (term->kind != TERM_VAR || term->coef == 0)
			continue;
		bool own = is_own(s, term->id), other = best && is_own(s, best->id);
		if (!best || (own && !other) || (own == other && magnitude(term->coef) < magnitude(best->coef)))
			best = term;
	}
	return best;
}

/* The sum of variables is known, as well as `to` says. */
static bool solve_sum(solver *s, const ir_affine *a, extent to)
{
	const sch_term *unknown = unknown_of(s, a);
	bool any = false;
	for (uint32_t t = 0; t < a->n; t++) {
		const sch_term *term = &a->terms[t];
		any |= term->kind == TERM_VAR;
		if (term != unknown && term->kind == TERM_VAR && extent_of(s, term->id) != EXTENT_POINT)
			to = EXTENT_SPAN;
	}
	if (unknown) {
		s->inverse |= magnitude(unknown->coef) != 1;
		narrow(s, unknown->id, to);
	}
	return unknown || !any;
}

static bool is_index_column(const solver *s, const ir_read *read)
{
	const ir_page *page = &s->g->pages[read->page];
	if (page->sparse)
		return false;
	return page->record == NONE ? page->index_size != NONE : s->g->records[page->record].fields[read->field].index_size != NONE;
}

static bool solve_value(solver *s, ir_id id, extent to);

/* Its positions are found by the reverse index of the page. */
static bool solve_read(solver *s, const ir_node *n)
{
	if (!is_index_column(s, &n->u.read) || n->u.read.view != RV_NONE)
		return false;
	bool solved = true;
	s->by_index = true;
	for (uint32_t d = 0; d < n->n_args; d++)
		solved &= solve_value(s, n->args[d], EXTENT_POINT);
	return solved;
}

/* Known before an epoch. */
static bool is_constant(const solver *s, ir_id id)
{
	const ir_node *n = ir_at(s->g, id);
	bool constant = n->kind == IR_OP;
	for (uint32_t i = 0; i < n->n_args && constant; i++)
		constant = is_constant(s, n->args[i]);
	return constant || n->kind == IR_CONST || n->kind == IR_PARAM || n->kind == IR_SIZE;
}

/* How many of two are solved: each narrows what it reads, whatever becomes of the other. */
static int solve_both(solver *s, ir_id a, ir_id b, extent to)
{
	int solved = solve_value(s, a, to);
	return solved + solve_value(s, b, to);
}

/* The operations that runtime/route_solve.c undoes. */
static bool solve_op(solver *s, const ir_node *n, extent to)
{
	ir_id a = n->args[0], b = n->n_args > 1 ? n->args[1] : NONE;
	if (n->type != T_I64)
		return false;
	if (b != NONE && n->op != OP_SELECT && is_constant(s, a)) {
		a = n->args[1];
		b = n->args[0];
	}
	bool constant = b != NONE && is_constant(s, b), swapped = a != n->args[0];
	s->inverse = true;
	switch (n->op) {
	case OP_NEG: case OP_ABS: return solve_value(s, a, to);
	case OP_SELECT: return solve_both(s, n->args[1], n->args[2], to) == 2;
	case OP_ADD: case OP_SUB: return constant ? solve_value(s, a, to) : solve_both(s, a, b, EXTENT_SPAN) > 0;
	case OP_MUL: case OP_BXOR: return constant && solve_value(s, a, to);
	case OP_MOD: case OP_SHL: return constant && !swapped && solve_value(s, a, to);
	case OP_BAND: return constant && solve_value(s, a, to);
	case OP_DIV: case OP_SHR: return constant && !swapped && solve_value(s, a, EXTENT_SPAN);
	case OP_MIN: case OP_MAX: return constant && solve_value(s, a, EXTENT_SPAN);
	case OP_CLAMP: return constant && is_constant(s, n->args[2]) && solve_value(s, a, EXTENT_SPAN);
	default: return false;
	}
}

/* The value of a node is known, as well as `to` says. */
static bool solve_value(solver *s, ir_id id, extent to)
{
	const ir_node *n = ir_at(s->g, id);
	ir_affine a;
	if (ir_affine_of(s->g, id, &a))
		return solve_sum(s, &a, to);
	switch ((ir_kind)n->kind) {
	case IR_CONV: return n->type == T_I64 && solve_value(s, n->args[0], to);
	case IR_TO_INDEX: return solve_value(s, n->args[0], to);
	case IR_READ: return solve_read(s, n);
	case IR_OP: return solve_op(s, n, to);
	default: return false;
	}
}

/* It is computed, from variables and pages, by what can be evaluated apart from the edge: the variables' values are found by a reverse index of it. */
static bool solve_apart(solver *s, ir_id id)
{
	ir_list nodes = {0};
	ir_graph *g = s->g;
	const ir_set *free = &g->sets[ir_at(g, id)->free];
	if (!ir_walk_begin(g, &g->walk))
		return false;
	ir_reach(g, &g->walk, id, true, &nodes);
	for (uint32_t i = 0; i < nodes.count; i++) {
		const ir_node *n = ir_at(g, nodes.items[i]);
		bool own = n->kind == IR_READ && n->u.read.page == s->edge->page && !n->u.read.prev;
		if (own || n->kind == IR_REDUCE || (n->kind == IR_READ && g->pages[n->u.read.page].sparse))
			return false;
	}
	for (uint32_t i = 0; i < free->count; i++)
		narrow(s, free->vars[i], EXTENT_POINT);
	s->by_index |= free->count > 0;
	return true;
}

/* It is computed from plain numbers of a page, which nothing is known of. */
static bool is_open(const solver *s, ir_id id)
{
	const ir_node *n = ir_at(s->g, id);
	bool open = n->kind == IR_READ && (!is_index_column(s, &n->u.read) || n->u.read.view != RV_NONE);
	for (uint32_t i = 0; i < n->n_args && n->kind != IR_READ && n->kind != IR_REDUCE && !open; i++)
		open = is_open(s, n->args[i]);
	return open;
}

static bool solve_index(solver *s, ir_id id)
{
	return (!is_open(s, id) && solve_value(s, id, EXTENT_POINT)) || solve_apart(s, id) || solve_value(s, id, EXTENT_POINT);
}

/* ---- regions ----------------------------------------------------------------------------------- */

static void leave_by(solver *s, delta_rule how, bool solved)
{
	s->unsolved |= !solved;
	if (solved && s->left == DELTA_WHOLE)
		s->left = how;
}

/* A side of a comparison: a sum of variables, or how far it is from 0. */
static bool bounded_side(const solver *s, ir_id id, ir_affine *out)
{
	const ir_node *n = ir_at(s->g, id);
	bool apart = n->kind == IR_OP && n->op == OP_ABS;
	return n->type == T_I64 && ir_affine_of(s->g, apart ? n->args[0] : id, out);
}

/* What a condition says of the domain's variables, whatever the data: sums of variables are compared. */
static void leave_condition(solver *s, ir_id where)
{
	ir_affine sides[2];
	if (where == NONE || ir_at(s->g, where)->kind != IR_OP)
		return;
	const ir_node *n = ir_at(s->g, where);
	if (n->op == OP_LAND) {
		leave_condition(s, n->args[0]);
		leave_condition(s, n->args[1]);
		return;
	}
	bool compares = n->op == OP_LT || n->op == OP_LE || n->op == OP_GT || n->op == OP_GE || n->op == OP_EQ;
	if (!compares || !bounded_side(s, n->args[0], &sides[0]) || !bounded_side(s, n->args[1], &sides[1]))
		return;
	for (uint32_t k = 0; k < 2; k++)
		for (uint32_t t = 0; t < sides[k].n; t++)
			if (sides[k].terms[t].kind == TERM_VAR && is_own(s, sides[k].terms[t].id))
				narrow(s, sides[k].terms[t].id, EXTENT_SPAN);
}

static void leave_region(solver *s, const ir_node *node)
{
	const ir_reduce *r = &node->u.reduce;
	extent known = extent_of(s, r->var);
	if (known != EXTENT_ALL)
		leave_condition(s, node->args[IR_WHERE]);
	if (known == EXTENT_ALL || r->region == REGION_RANGE)
		return;
	if (r->region == REGION_PREFIX) {
		narrow(s, r->at_var, EXTENT_SPAN);
		leave_by(s, DELTA_PREFIX, true);
	} else {
		leave_by(s, r->region == REGION_GROUP ? DELTA_GROUP : DELTA_SPARSE, known == EXTENT_POINT && solve_index(s, node->args[IR_AT]));
	}
}

static const ir_node *reduction_of(const ir_place *p, uint32_t region) { return ir_at(p->g, p->regions[region].reduce); }

/* The region by whose entries a read goes; 0: the page's own. */
static uint32_t driver_of(const ir_place *p, uint32_t region)
{
	while (region != 0) {
		uint8_t kind = reduction_of(p, region)->u.reduce.region;
		if (kind == REGION_ROW || kind == REGION_COL)
			break;
		region = p->regions[region].parent;
	}
	return region;
}

/* ---- rules ------------------------------------------------------------------------------------- */

static delta_rule rule_of(const solver *s, read_class class)
{
	uint32_t points = 0, spans = 0;
	for (uint32_t i = 0; i < s->edge->n_vars; i++) {
		extent known = extent_of(s, s->edge->vars[i]);
		points += known == EXTENT_POINT;
		spans += known == EXTENT_SPAN;
	}
	if (points + spans == 0)
		return s->unsolved ? DELTA_WHOLE : DELTA_BROADCAST;
	if (s->by_index)
		return DELTA_GATHER;
	if (s->left != DELTA_WHOLE)
		return s->left;
	if (s->inverse)
		return DELTA_INVERSE;
	if (spans > 0)
		return DELTA_WINDOW;
	return class == READ_SHIFT ? DELTA_SHIFT : DELTA_PERMUTE;
}

delta_rule derive_rule(const ir_place *p, const ir_node *read, uint32_t region)
{
	read_class class = ir_classify(p->g, p->edge, read);
	solver s = {.g = p->g, .edge = p->edge, .left = DELTA_WHOLE};
	if (class == READ_ENTRY)
		region = driver_of(p, region);
	if (class == READ_SAME || (class == READ_ENTRY && region == 0))
		return DELTA_SAME;
	if (class == READ_ENTRY)
		narrow(&s, reduction_of(p, region)->u.reduce.var, EXTENT_POINT);
	for (uint32_t d = 0; class != READ_ENTRY && d + read->u.read.has_pad < read->n_args; d++)
		s.unsolved |= !solve_index(&s, read->args[d]);
	for (; region != 0; region = p->regions[region].parent)
		leave_region(&s, reduction_of(p, region));
	return rule_of(&s, class);
}
