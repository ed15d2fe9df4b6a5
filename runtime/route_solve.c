/* route_solve.c - from a value back to the variables that it is computed from: each operation is undone, and what is left of the values of
 * each variable is gone on with. */
#include "route_step.h"

enum {
	FEW_IMAGES = 64,        /* positions that a view, or a remainder, makes one; more where the pass has IMAGE_SHARE times as many elements */
	IMAGE_SHARE = 64,
	FEW_TERMS = 8           /* of a sum that are narrowed */
};

/* What is still to be solved besides. */
typedef struct goal {
	const route_node *node;
	int64_t lo, hi;
	const struct goal *then;
} goal;

/* Step i is being solved; step `next` comes after it. */
typedef struct way {
	walk *q;
	uint32_t i, next;
} way;

/* The node has a value in lo..hi; then the other goals. */
static void reach(const way *w, const route_node *n, int64_t lo, int64_t hi, const goal *then);

static void go_on(const way *w, const goal *then)
{
	if (w->q->sink->all)
		return;
	if (then)
		reach(w, then->node, then->lo, then->hi, then->then);
	else
		route_step_on(w->q, w->next);
}

static int64_t most_images(const walk *q)
{
	uint64_t n = q->sink->lanes->n / IMAGE_SHARE;
	return n > FEW_IMAGES ? (int64_t)n : FEW_IMAGES;
}

/* ---- sums -------------------------------------------------------------------------------------- */

static int64_t floor_div(int64_t a, int64_t b)
{
	if (b == 1)
		return a;
	int64_t q = a / b;
	return q - (a % b != 0 && (a < 0) != (b < 0));
}

static int64_t ceil_div(int64_t a, int64_t b)
{
	if (b == 1)
		return a;
	int64_t q = a / b;
	return q + (a % b != 0 && (a < 0) == (b < 0));
}

/* The values of a term, by those that are left of its variable. */
static void range_of_term(const walk *q, const route_term *t, int64_t *lo, int64_t *hi)
{
	interval v = q->vars[t->var];
	int64_t a = t->coef * v.lo, b = t->coef * (v.hi - 1);
	*lo = a < b ? a : b;
	*hi = a < b ? b : a;
}

static void range_of(const walk *q, const route_node *n, int64_t *lo, int64_t *hi)
{
	*lo = n->lo;
	*hi = n->hi;
	if (n->op != NODE_SUM)
		return;
	*lo = *hi = n->constant;
	for (uint32_t t = 0; t < n->n_terms; t++) {
		int64_t a, b;
		range_of_term(q, &n->terms[t], &a, &b);
		*lo += a;
		*hi += b;
	}
}

/* coef * v is somewhere in lo..hi. false: of no v that is left. */
static bool narrow(interval *v, int64_t coef, int64_t lo, int64_t hi)
{
	int64_t first = coef > 0 ? ceil_div(lo, coef) : ceil_div(hi, coef);
	int64_t last = coef > 0 ? floor_div(hi, coef) : floor_div(lo, coef);
	if (first > v->lo)
		v->lo = first < v->hi ? first : v->hi;
	if (last < v->hi - 1)
		v->hi = last >= v->lo ? last + 1 : v->lo;
	return v->lo < v->hi;
}

static void reach_sum(const way *w, const route_node *n, int64_t lo, int64_t hi, const goal *then)
{
	walk *q = w->q;
	interval was[FEW_TERMS];
	int64_t least, most;
	uint32_t k = 0, few = n->n_terms < FEW_TERMS ? n->n_terms : FEW_TERMS;
	range_of(q, n, &least, &most);
	bool any = least <= hi && most >= lo;
	for (; k < few && any; k++) {
		interval *v = &q->vars[n->terms[k].var];
		int64_t first, last;
		was[k] = *v;
		range_of_term(q, &n->terms[k], &first, &last);
		any = narrow(v, n->terms[k].coef, lo - (most - last), hi - (least - first));
		least -= first;
		most -= last;
		if (!any)
			continue;
		range_of_term(q, &n->terms[k], &first, &last);
		least += first;
		most += last;
	}
	if (any)
		go_on(w, then);
	while (k-- > 0)
		q->vars[n->terms[k].var] = was[k];
}

static void reach_add(const way *w, const route_node *n, int64_t lo, int64_t hi, const goal *then)
{
	int64_t a_lo, a_hi, b_lo, b_hi;
	range_of(w->q, n->a, &a_lo, &a_hi);
	range_of(w->q, n->b, &b_lo, &b_hi);
	if (n->a->op == NODE_SUM && n->a->n_terms == 0) {
		reach(w, n->b, lo - a_lo, hi - a_hi, then);
	} else if (n->b->op == NODE_SUM && n->b->n_terms == 0) {
		reach(w, n->a, lo - b_lo, hi - b_hi, then);
	} else if (n->b->op == NODE_SUM) { /* first: of an index page nothing may be left to solve */
		const goal a = {n->a, lo - b_hi, hi - b_lo, then};
		reach(w, n->b, lo - a_hi, hi - a_lo, &a);
	} else {
		const goal b = {n->b, lo - a_hi, hi - a_lo, then};
		reach(w, n->a, lo - b_hi, hi - b_lo, &b);
	}
}

/* ---- operators with a constant ----------------------------------------------------------------- */

static void reach_divided(const way *w, const route_node *n, int64_t lo, int64_t hi, const goal *then)
{
	int64_t c = n->constant;
	lo = lo < n->lo ? n->lo : lo; /* so that products are small */
	hi = hi > n->hi ? n->hi : hi;
	if (lo <= hi)
		reach(w, n->a, lo > 0 ? lo * c : lo * c - (c - 1), hi < 0 ? hi * c : hi * c + (c - 1), then);
}

/* What is first..last from somewhere on every `period`, within least..most. */
static void reach_images(const way *w, const route_node *n, int64_t first, int64_t last, int64_t period, int64_t least, int64_t most, const goal *then)
{
	if (first > last)
		return;
	for (int64_t m = ceil_div(least - last, period); first + m * period <= most; m++) {
		int64_t lo = first + m * period, hi = last + m * period;
		reach(w, n, lo < least ? least : lo, hi > most ? most : hi, then);
	}
}

static void reach_remainder(const way *w, const route_node *n, int64_t lo, int64_t hi, const goal *then)
{
	int64_t c = n->constant, least, most;
	range_of(w->q, n->a, &least, &most);
	if ((most - least) / c >= most_images(w->q)) {
		go_on(w, then);
		return;
	}
	if (most >= 0)
		reach_images(w, n->a, lo < 0 ? 0 : lo, hi < c ? hi : c - 1, c, least < 0 ? 0 : least, most, then);
	if (least < 0)
		reach_images(w, n->a, lo > -c ? lo : 1 - c, hi > 0 ? 0 : hi, c, least, most < 0 ? most : -1, then);
}

static void reach_xor(const way *w, const route_node *n, int64_t lo, int64_t hi, const goal *then)
{
	lo = lo < 0 ? 0 : lo;
	if (hi - lo >= FEW_IMAGES)
		go_on(w, then);
	else
		for (int64_t v = lo; v <= hi; v++)
			reach(w, n->a, v ^ n->constant, v ^ n->constant, then);
}

static void reach_magnitude(const way *w, const route_node *n, int64_t lo, int64_t hi, const goal *then)
{
	if (hi < 0)
		return;
	if (lo <= 0) {
		reach(w, n->a, -hi, hi, then);
		return;
	}
	reach(w, n->a, lo, hi, then);
	reach(w, n->a, -hi, -lo, then);
}

/* Positions of the step's index page that hold one of these values. */
static void reach_index(const way *w, int64_t lo, int64_t hi, const goal *then)
{
	const route_step *s = &w->q->r->steps[w->i];
	if (then || hi - lo >= most_images(w->q)) {
		go_on(w, then);
		return;
	}
	for (int64_t key = lo; key <= hi; key++)
		route_each_position(w->q, s, (uint64_t)key, w->i + 1);
}

static void reach(const way *w, const route_node *n, int64_t lo, int64_t hi, const goal *then)
{
	int64_t c = n->constant;
	lo = lo < n->lo ? n->lo : lo;
	hi = hi > n->hi ? n->hi : hi;
	if (lo > hi)
		return;
	if (lo == n->lo && hi == n->hi && n->op != NODE_SUM) {
		go_on(w, then); /* any */
		return;
	}
	switch ((route_node_op)n->op) {
	case NODE_FREE: go_on(w, then); break;
	case NODE_SUM: reach_sum(w, n, lo, hi, then); break;
	case NODE_INDEX: reach_index(w, lo, hi, then); break;
	case NODE_ADD: reach_add(w, n, lo, hi, then); break;
	case NODE_SCALE: reach(w, n->a, ceil_div(c > 0 ? lo : hi, c), floor_div(c > 0 ? hi : lo, c), then); break;
	case NODE_DIV: reach_divided(w, n, lo, hi, then); break;
	case NODE_MOD: reach_remainder(w, n, lo, hi, then); break;
	case NODE_SHIFT: reach(w, n->a, lo * ((int64_t)1 << c), hi * ((int64_t)1 << c) + (((int64_t)1 << c) - 1), then); break;
	case NODE_XOR: reach_xor(w, n, lo, hi, then); break;
	case NODE_MIN: reach(w, n->a, lo, hi < c ? hi : ROUTE_FAR, then); break;
	case NODE_MAX: reach(w, n->a, lo > c ? lo : -ROUTE_FAR, hi, then); break;
	case NODE_ABS: reach_magnitude(w, n, lo, hi, then); break;
	case NODE_CHOICE:
		reach(w, n->a, lo, hi, then);
		reach(w, n->b, lo, hi, then);
		break;
	}
}

/* ---- views ------------------------------------------------------------------------------------- */

/* All of what the view brings to position v: v + period * m, and mirrored. */
static void solve_images(const way *w, const route_node *n, int64_t v, int64_t period, bool mirrored)
{
	int64_t least, most;
	range_of(w->q, n, &least, &most);
	if (period <= 0 || (most - least) / period >= most_images(w->q)) {
		go_on(w, NULL);
		return;
	}
	reach_images(w, n, v, v, period, least, most, NULL);
	if (mirrored && v != 0 && 2 * v != period)
		reach_images(w, n, -v, -v, period, least, most, NULL);
}

void route_solve(walk *q, uint32_t i)
{
	const route_step *s = &q->r->steps[i];
	const way w = {q, i, i + 1 + s->skip};
	int64_t v = q->values[s->slot];
	switch ((read_view)s->view) {
	case RV_CLAMP:
		reach(&w, s->node, v == 0 ? -ROUTE_FAR : v, v == s->extent - 1 ? ROUTE_FAR : v, NULL);
		break;
	case RV_WRAP:
		solve_images(&w, s->node, v, s->extent, false);
		break;
	case RV_MIRROR:
		solve_images(&w, s->node, v, 2 * (s->extent - 1), true);
		break;
	default:
		reach(&w, s->node, v, v, NULL);
	}
}

void route_within_bounds(walk *q, uint32_t i)
{
	const route_step *s = &q->r->steps[i];
	const way w = {q, i, i + 1};
	reach(&w, s->node, s->lo, s->hi, NULL);
}
