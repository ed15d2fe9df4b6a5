/* over.c - reductions with a lane for each outer element: the code runs once for each position, and the values of all
 * elements are combined side by side. Dense trees are a binary counter whose digits are tiles. */
#include <string.h>

#include "exec.h"

typedef struct over {
	worker *w;
	run *r, *c;
	const step *s;
	const region_plan *plan;
	int64_t first, n;       /* positions */
	uint8_t *digits[64];    /* tiles of the counter */
	uint8_t *seen;
} over;

static void apply(const over *o, void *dst, const void *a, const void *b)
{
	o->w->k->op[o->plan->def->op][o->plan->type](dst, a, b, NULL, o->r->n);
}

static void *dst_of(const over *o) { return o->w->arena + o->s->place; }
static size_t bytes_of(const over *o) { return (size_t)o->r->n << o->plan->width; }

/* Runs the code at the p-th position; NULL when nobody is present, else the values. */
static void *values_at(const over *o, int64_t p)
{
	run *c = o->c;
	c->vars[o->plan->var] = (var_lanes){VAR_UNIFORM, o->first + p, NULL};
	c->live = o->r->live;
	if (!run_code(o->w, c))
		return NULL;
	lanes *value = &c->regs[o->plan->value];
	lanes_fill(o->w, value, o->plan->width, c->n);
	return value->at;
}

/* After n positions digit d holds the node of 2^d of them for each bit d of n. */
static void carry_up(over *o, int64_t n, void *values)
{
	unsigned d = 0;
	void *sum = values;
	for (; n >> d & 1; d++) {
		apply(o, o->digits[d], o->digits[d], sum);
		sum = o->digits[d];
	}
	if (d == 0) {
		memcpy(o->digits[0], values, bytes_of(o));
		return;
	}
	uint8_t *free_tile = o->digits[d];
	o->digits[d] = sum;
	o->digits[d - 1] = free_tile;
}

static void fold_digits(over *o)
{
	uint8_t *sum = NULL;
	for (unsigned d = 0; o->n >> d; d++) {
		if (!(o->n >> d & 1))
			continue;
		if (sum)
			apply(o, o->digits[d], o->digits[d], sum);
		sum = o->digits[d];
	}
	memcpy(dst_of(o), sum, bytes_of(o));
}

static void over_dense(over *o)
{
	for (int64_t p = 0; p < o->n; p++)
		carry_up(o, p, values_at(o, p));
	fold_digits(o);
}

/* Any order, everyone present. */
static void over_any(over *o)
{
	for (int64_t p = 0; p < o->n; p++) {
		const void *values = values_at(o, p);
		if (p == 0)
			memcpy(dst_of(o), values, bytes_of(o));
		else
			apply(o, dst_of(o), dst_of(o), values);
	}
}

static void fill_identity(const over *o)
{
	o->w->k->fill[o->plan->width](dst_of(o), &o->plan->def->identity, o->r->n);
}

/* Who is present at this position: NULL when all are (a lane that does not count in the region around may hold anything). */
static const uint8_t *present(const over *o)
{
	const lanes *where = &o->c->regs[o->plan->where];
	return where->uniform ? NULL : where->at;
}

static void count_present(over *o, int64_t *counts)
{
	const uint8_t *mask = present(o);
	for (uint32_t i = 0; counts && i < o->r->n; i++)
		counts[i] += mask ? mask[i] : 1;
}

/* Any order, with a condition. */
static void over_any_where(over *o, int64_t *counts)
{
	const kernel_table *k = o->w->k;
	uint8_t type = o->plan->type, *next = o->digits[0];
	uint32_t n = o->r->n;
	fill_identity(o);
	memset(o->seen, 0, n);
	for (int64_t p = 0; p < o->n; p++) {
		const void *values = values_at(o, p);
		if (!values)
			continue;
		const uint8_t *mask = present(o);
		apply(o, next, dst_of(o), values);
		k->op[OP_SELECT][type](next, o->seen, next, values, n);
		if (mask) {
			k->op[OP_SELECT][type](dst_of(o), mask, next, dst_of(o), n);
			k->op[OP_LOR][T_BOOL](o->seen, o->seen, mask, NULL, n);
		} else {
			memcpy(dst_of(o), next, bytes_of(o));
			memset(o->seen, 1, n);
		}
		count_present(o, counts);
	}
}

static void over_arg(over *o, int64_t *counts)
{
	uint32_t n = o->r->n;
	unsigned arg = o->plan->def->reducer == REDUCER_ARGMAX;
	memset(dst_of(o), 0, n * sizeof(uint32_t));
	memset(o->seen, 0, n);
	for (int64_t p = 0; p < o->n; p++) {
		const void *values = values_at(o, p);
		if (!values)
			continue;
		const uint8_t *mask = o->plan->where == NONE ? NULL : present(o);
		o->w->k->arg[arg][o->plan->type](o->digits[0], dst_of(o), o->seen, values, (uint32_t)(o->first + p), mask, n);
		if (o->plan->where != NONE)
			count_present(o, counts);
	}
}

static void over_counts(over *o, int64_t *counts)
{
	int64_t n = o->plan->where == NONE ? o->n : 0;
	if (counts)
		o->w->k->iota(counts, n, 0, o->r->n);
}

void reduce_over(worker *w, run *r, const step *s)
{
	const region_plan *plan = s->child;
	over o = {.w = w, .r = r, .c = &w->runs[plan->id], .s = s, .plan = plan, .first = plan->lo, .n = plan->extent};
	int64_t *counts = s->count == NONE ? NULL : (void *)(w->arena + s->count_place);
	if (plan->def->kind == REGION_PREFIX && o.n > 0)
		o.n = r->vars[plan->at].start + !plan->def->strict;
	for (uint32_t d = 0; d < plan->n_stack; d++)
		o.digits[d] = w->arena + plan->stack + d * ((size_t)TILE << plan->width);
	o.seen = w->arena + plan->places[PLACE_SPARE];
	o.c->parent = r;
	o.c->form = OUTER_SAME;
	o.c->n = r->n;
	run_import(w, o.c);
	over_counts(&o, counts);
	if (plan->kind == RED_ARG)
		over_arg(&o, counts);
	else if (o.n == 0)
		fill_identity(&o);
	else if (plan->across && !r->live && !w->ex->support && across_run(w, o.c, dst_of(&o), w->arena + plan->stack, o.n))
		return;
	else if (plan->kind == RED_DENSE)
		over_dense(&o);
	else if (plan->where == NONE)
		over_any(&o);
	else
		over_any_where(&o, counts);
}
