/* bounds.c - what a condition says of positions, whatever the data: found when sizes are bound, used where positions are gone through and where
 * routes leave a region. */
#include "bounds.h"

#include "route_step.h"

enum { MOST_CONDITIONS = 8, MOST_DEPTH = 64 };

/* ---- conditions -------------------------------------------------------------------------------- */

static uint32_t compare(planner *pl, const sch_instr *in, route_condition *out)
{
	static const struct {
		uint8_t op;
		int8_t sign;
		int64_t lo, hi;
	} forms[] = {{OP_LE, -1, 0, ROUTE_FAR}, {OP_LT, -1, 1, ROUTE_FAR}, {OP_GE, 1, 0, ROUTE_FAR}, {OP_GT, 1, 1, ROUTE_FAR}, {OP_EQ, 1, 0, 0}};
	for (unsigned i = 0; i < sizeof forms / sizeof *forms && in->type == T_I64; i++) {
		if (in->op != forms[i].op)
			continue;
		*out = (route_condition){route_node_difference(pl, in->a, in->b, forms[i].sign), forms[i].lo, forms[i].hi, in->dst};
		return out->node ? 1 : 0;
	}
	return 0;
}

static uint32_t parts_of(planner *pl, uint32_t where, route_condition *out, uint32_t room, unsigned depth)
{
	if (where == NONE || room == 0 || depth == MOST_DEPTH)
		return 0;
	const sch_instr *in = instr_of(pl, pl->def_instr[where]);
	if (in->dst != where || in->code != CODE_OP)
		return 0;
	if (in->op != OP_LAND)
		return compare(pl, in, out);
	uint32_t n = parts_of(pl, in->a, out, room, depth + 1);
	return n + parts_of(pl, in->b, out + n, room - n, depth + 1);
}

uint32_t route_conditions(planner *pl, uint32_t where, route_condition *out, uint32_t room) { return parts_of(pl, where, out, room, 0); }

/* ---- bounds of a range -------------------------------------------------------------------------- */

/* Adds what a term is worth where its variable is a quarter, half, three quarters in its range. */
static void add_samples(const planner *pl, bound *b, const route_term *t, int64_t sign)
{
	int64_t lo, hi;
	route_range_of_var(pl, t->var, &lo, &hi);
	for (int i = 0; i < BOUND_SAMPLES; i++)
		b->rest[i] += sign * t->coef * (lo + (hi - lo) / (BOUND_SAMPLES + 1) * (i + 1));
}

/* sign * sum - constant >= 0 */
static void add_bound(planner *pl, region_plan *r, const route_node *sum, int64_t sign, int64_t constant)
{
	bound *b = &r->bounds[r->n_bounds];
	var_term *terms = plan_take(pl, sum->n_terms, sizeof *terms);
	if (!terms)
		return;
	*b = (bound){.constant = sign * sum->constant - constant, .terms = terms};
	for (int i = 0; i < BOUND_SAMPLES; i++)
		b->rest[i] = b->constant;
	for (uint32_t t = 0; t < sum->n_terms; t++) {
		if (sum->terms[t].var == r->def->first_var) {
			b->coef = sign * sum->terms[t].coef;
			continue;
		}
		terms[b->n_terms++] = (var_term){local_var(pl, r->parent, sum->terms[t].var), sign * sum->terms[t].coef};
		add_samples(pl, b, &sum->terms[t], sign);
	}
	r->n_bounds++;
}

/* lo <= sum <= hi */
static void bound_sum(planner *pl, region_plan *r, const route_node *sum, int64_t lo, int64_t hi)
{
	if (lo > -ROUTE_FAR)
		add_bound(pl, r, sum, 1, lo);
	if (hi < ROUTE_FAR)
		add_bound(pl, r, sum, -1, -hi);
}

/* constant - |sum|, too: abs(i - j) < 5. true: the bounds say all that the condition does, which 5 == abs(i - j) has no bounds for. */
static bool bound_condition(planner *pl, region_plan *r, const route_condition *c)
{
	uint32_t before = r->n_bounds;
	const route_node *n = c->node, *a = n->a, *b = n->b;
	if (n->op == NODE_SUM) {
		bound_sum(pl, r, n, c->lo, c->hi);
	} else if (n->op == NODE_ADD) {
		const route_node *constant = a->op == NODE_SUM ? a : b, *other = a->op == NODE_SUM ? b : a;
		bool apart = constant->op == NODE_SUM && constant->n_terms == 0 && other->op == NODE_SCALE && other->constant == -1 && other->a->op == NODE_ABS;
		if (apart && other->a->a->op == NODE_SUM)
			bound_sum(pl, r, other->a->a, c->lo - constant->constant, constant->constant - c->lo);
		return r->n_bounds > before && c->hi >= ROUTE_FAR;
	}
	return r->n_bounds > before;
}

/* What fails where nobody is present has to be told all the same. */
static bool condition_may_fail(const region_plan *r)
{
	for (uint32_t i = 0; i < r->n_before; i++) {
		const step *s = &r->steps[i];
		if (s->can_fail || s->child || s->code == CODE_TO_INDEX || s->code == CODE_GUARD)
			return true;
	}
	return false;
}

void bound_narrow(int64_t coef, int64_t rest, int64_t *lo, int64_t *hi)
{
	if (coef > 0) { /* at least ceil(-rest / coef) */
		int64_t least = rest >= 0 ? -(rest / coef) : (-rest + coef - 1) / coef;
		*lo = least > *lo ? least : *lo;
	} else if (coef < 0) { /* at most floor(rest / -coef) */
		int64_t c = -coef, most = rest >= 0 ? rest / c : -((-rest + c - 1) / c);
		*hi = most + 1 < *hi ? most + 1 : *hi;
	} else if (rest < 0) {
		*hi = *lo;
	}
}

/* Of a condition, joined by `and`. */
static uint32_t count_parts(const planner *pl, uint32_t where, unsigned depth)
{
	const sch_instr *in = instr_of(pl, pl->def_instr[where]);
	if (depth == MOST_DEPTH || in->dst != where || in->code != CODE_OP || in->op != OP_LAND)
		return 1;
	return count_parts(pl, in->a, depth + 1) + count_parts(pl, in->b, depth + 1);
}

/* All that there may be. */
static int64_t positions_of(const region_plan *r) { return r->def->kind == REGION_GROUP ? (int64_t)r->driver->count : r->extent; }

static void find_usual(region_plan *r)
{
	int64_t sum = 0;
	for (int k = 0; k < BOUND_SAMPLES; k++) {
		int64_t lo = r->lo, hi = r->lo + positions_of(r);
		for (uint32_t i = 0; i < r->n_bounds; i++)
			bound_narrow(r->bounds[i].coef, r->bounds[i].rest[k], &lo, &hi);
		sum += hi > lo ? hi - lo : 0;
	}
	r->usual = sum / BOUND_SAMPLES + 1;
}

/* The step that a condition is says no more than the bounds. */
static void mark_bound(region_plan *r, uint32_t reg)
{
	for (uint32_t i = 0; i < r->n_before; i++)
		if (r->steps[i].def->dst == reg)
			r->steps[i].bound = true;
}

void bounds_plan(planner *pl, region_plan *r)
{
	route_condition conditions[MOST_CONDITIONS];
	bool kind = r->id > 0 && (r->def->kind == REGION_RANGE || r->def->kind == REGION_GROUP);
	if (!pl->p->pass || !kind || r->where == NONE || positions_of(r) == 0 || condition_may_fail(r))
		return;
	uint32_t n = route_conditions(pl, r->def->where, conditions, MOST_CONDITIONS);
	r->bounds = plan_take(pl, 2 * n, sizeof *r->bounds);
	r->bounded_only = n > 0 && n == count_parts(pl, r->def->where, 0);
	for (uint32_t i = 0; i < n && !pl->failed; i++) {
		if (bound_condition(pl, r, &conditions[i]))
			mark_bound(r, conditions[i].reg);
		else
			r->bounded_only = false;
	}
	find_usual(r);
}

bool bounds_differ(const region_plan *r)
{
	for (uint32_t i = 0; i < r->n_bounds; i++)
		if (r->bounds[i].n_terms > 0)
			return true;
	return false;
}

void bounds_of(const run *around, const region_plan *r, uint32_t lane, int64_t *first, int64_t *end)
{
	int64_t lo = r->lo, hi = r->lo + positions_of(r);
	for (uint32_t i = 0; i < r->n_bounds; i++) {
		const bound *b = &r->bounds[i];
		int64_t rest = b->constant;
		for (uint32_t t = 0; t < b->n_terms; t++)
			rest += b->terms[t].coef * var_lane(&around->vars[b->terms[t].var], lane);
		bound_narrow(b->coef, rest, &lo, &hi);
	}
	*first = lo - r->lo;
	*end = hi > lo ? hi - r->lo : *first;
}
