/* relax.c - single operands of a reduction. Where an element is read along the variable of a reduction by the fixpoint's operation,
 * whose value is one of those that the reader takes the best of, what the element does for a reader is one operand: it is
 * computed for any list of pairs of reader and position, side by side, without the rest of the reduction. */
#include "fetch.h"
#include "repair.h"

/* ---- values of a batch -------------------------------------------------------------------------- */

/* fn(element read, entry). */
static const void *simple_values(const repair *q, relaxation *x, uint32_t n)
{
	const own_read *o = x->own;
	q->w->k->gather_u32[q->k->order.width](x->weight, q->entries.base, q->entries.stride, x->entry, n);
	if (o->turned)
		o->fn(x->value, x->weight, x->read, NULL, n);
	else
		o->fn(x->value, x->read, x->weight, NULL, n);
	return x->value;
}

/* By the kernel's own code; *live: which operands are present, or NULL: all. NULL: none is. */
static const void *coded_values(const repair *q, relaxation *x, uint32_t n, const uint8_t **live)
{
	const own_read *o = x->own;
	worker *w = q->w;
	run *r = &w->runs[0], *c = &w->runs[o->region->id];
	r->n = c->n = n;
	r->live = c->live = NULL;
	pass_positions(w, q->p, q->to, r, x->outer);
	for (uint32_t i = 0; i < o->n_steps; i++)
		run_step(w, r, o->steps[i]);
	c->parent = r;
	c->form = OUTER_SAME;
	c->vars[o->region->var] = (var_lanes){VAR_I64, 0, x->inner};
	if (o->region->entry != NONE)
		c->vars[o->region->entry] = (var_lanes){VAR_U32, 0, x->entry};
	run_import(w, c);
	if (!run_code(w, c))
		return NULL;
	lanes *value = &c->regs[o->region->value];
	lanes_fill(w, value, o->region->width, c->n);
	*live = c->live;
	return value->at;
}

/* All entries of a batch meet the conditions on them. */
static bool entries_hold(const repair *q, const relaxation *x, uint32_t n)
{
	const own_read *o = x->own;
	double *as_f64 = (void *)q->w->index;
	if (!o->quick)
		return false;
	q->w->k->gather_u32[q->k->order.width](q->w->values, q->entries.base, q->entries.stride, x->entry, n);
	q->w->k->conv[q->to->def->type][T_F64](as_f64, q->w->values, NULL, NULL, n);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t g = 0; g < o->n_guards; g++)
			if (!guard_holds(o->guards[g], as_f64[i], q->k->order.is_float))
				return false;
	return true;
}

static bool run_batch(repair *q, bool simple, operand_fn *use)
{
	relaxation *x = &q->k->relaxation;
	uint32_t n = x->n;
	const uint8_t *live = NULL;
	x->n = 0;
	if (n == 0)
		return true;
	q->k->clock++; /* what it writes rests on what was there before */
	q->w->work += n + BATCH_WORK;
	if (!simple && !repair_ready(q))
		return false;
	const uint8_t *values = simple ? simple_values(q, x, n) : coded_values(q, x, n, &live);
	for (uint32_t i = 0; values && i < n; i++)
		if ((!live || live[i]) && !use(q, (uint64_t)x->outer[i], x->own == q->k->simple ? x->entry[i] : NONE, values + ((size_t)i << q->k->order.width)))
			return false;
	return true;
}

bool relax_run(repair *q, operand_fn *use) { return run_batch(q, q->k->relaxation.own == q->k->simple, use); }

bool relax_run_checked(repair *q, operand_fn *use)
{
	const relaxation *x = &q->k->relaxation;
	return run_batch(q, x->n > 0 && entries_hold(q, x, x->n), use);
}

/* ---- from an element to its readers ------------------------------------------------------------- */

bool relax_matters(const repair *q, uint64_t mine, uint32_t stamp, uint64_t reader, bool resetting)
{
	const fix_keep *k = q->k;
	uint64_t its = key_of(q, reader);
	if (!resetting)
		return its > mine;
	if (its < mine || k->flags[reader] & (RESET | QUEUED))
		return false;
	return its > mine || k->stamps[reader] > stamp;
}

bool relax_put(repair *q, const own_read *o, uint64_t element, bool resetting, operand_fn *use)
{
	relaxation *x = &q->k->relaxation;
	own_lanes l = own_lanes_of(q->to, o, element);
	uint64_t bits = bits_of(q, element), mine = value_key(&q->k->order, bits);
	uint32_t first = x->n, stamp = q->k->stamps[element];
	q->w->work += l.n / 4;
	x->own = o;
	while (own_run(&l))
		for (; l.at < l.end; l.at++) {
			uint64_t reader = own_reader(&l);
			if (!relax_matters(q, mine, stamp, reader, resetting))
				continue;
			x->outer[x->n] = (int64_t)reader;
			x->inner[x->n] = l.inner;
			x->entry[x->n++] = (uint32_t)own_entry(&l);
			if (x->n < TILE)
				continue;
			q->w->k->fill[q->k->order.width]((uint8_t *)x->read + ((size_t)first << q->k->order.width), &bits, TILE - first);
			first = 0;
			if (!relax_run(q, use))
				return false;
			bits = bits_of(q, element);
		}
	q->w->k->fill[q->k->order.width]((uint8_t *)x->read + ((size_t)first << q->k->order.width), &bits, x->n - first);
	return true;
}

/* ---- all operands of an element ------------------------------------------------------------------ */

/* What is read at who[] counts for an element with this key and stamp; only its equals need to be asked. */
static bool counts(const repair *q, uint64_t key, uint32_t stamp, uint64_t who)
{
	uint64_t its = key_of(q, who);
	return its < key || (its == key && q->k->stamps[who] < stamp);
}

/* A search for the best operand of an element. */
typedef struct search {
	uint64_t mine, best;    /* keys: the element's; the best so far */
	bool counted;
	void *value;
	uint32_t *entry;
} search;

/* true: found one that holds the element up, which is enough. */
static bool search_batch(const repair *q, relaxation *x, uint32_t n, search *s)
{
	size_t width = q->k->order.width;
	const uint8_t *values = simple_values(q, x, n);
	q->w->work += n;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t key = key_at(q, values + ((size_t)i << width));
		if (key >= s->best || (s->counted && key > s->mine))
			continue;
		s->best = key;
		*s->entry = x->entry[i];
		memcpy(s->value, values + ((size_t)i << width), (size_t)1 << width);
	}
	return s->counted && s->best <= s->mine;
}

/* No operand is better than what it reads. */
static bool may_be_better(const repair *q, const search *s, uint64_t who, uint64_t bits, uint32_t stamp)
{
	uint64_t key = value_key(&q->k->order, bits);
	if (!s->counted)
		return key < s->best;
	return key < s->mine || (key == s->mine && q->k->stamps[who] < stamp);
}

void relax_pull(repair *q, uint64_t v, bool counted, void *value, uint32_t *entry)
{
	const own_read *o = q->k->simple;
	relaxation *x = &q->k->relaxation;
	own_lanes l = own_lanes_into(q->to, o, v);
	search s = {key_of(q, v), key_at(q, value), counted, value, entry};
	uint32_t n = 0, most = 8, stamp = q->k->stamps[v];
	q->w->work += BATCH_WORK / 2 + l.n / 4;
	if (l.n == 0 && key_at(q, &o->region->def->identity) < s.best) {
		memcpy(value, &o->region->def->identity, (size_t)1 << q->k->order.width);
		*entry = NONE;
	}
	x->own = o;
	while (own_run(&l))
		for (; l.at < l.end; l.at++) {
			uint64_t who = own_reader(&l), bits = bits_of(q, who);
			if (!may_be_better(q, &s, who, bits, stamp))
				continue;
			memcpy((uint8_t *)x->read + ((size_t)n << q->k->order.width), &bits, (size_t)1 << q->k->order.width);
			x->entry[n++] = (uint32_t)own_entry(&l);
			if (n < most)
				continue;
			if (search_batch(q, x, n, &s))
				return;
			n = 0;
			most = most < TILE / 2 ? 2 * most : TILE;
		}
	if (n)
		search_batch(q, x, n, &s);
}

/* ---- by entry ---------------------------------------------------------------------------------- */

typedef struct pair {
	uint64_t reader, read;
	int64_t inner;
} pair;

/* Of a page of one dimension. */
static pair pair_of(const repair *q, uint32_t entry)
{
	const region_plan *r = q->k->simple->region;
	const pattern *pat = r->driver->pat;
	bool down = r->def->kind == REGION_COL;
	uint64_t row = pat->row[entry], col = pat->col[entry];
	return (pair){down ? col : row, down ? row : col, (int64_t)(down ? row : col)};
}

void relax_fetch_entry(const repair *q, uint32_t entry)
{
	pair p = pair_of(q, entry);
	fetch(q->x + (p.read << q->k->order.width));
	fetch(q->x + (p.reader << q->k->order.width));
	fetch(&q->k->witness[p.reader]);
	fetch(q->entries.base + entry * q->entries.stride);
}

bool relax_put_entry(repair *q, uint32_t entry, operand_fn *use)
{
	relaxation *x = &q->k->relaxation;
	pair p = pair_of(q, entry);
	x->own = q->k->simple;
	x->outer[x->n] = (int64_t)p.reader;
	x->inner[x->n] = p.inner;
	uint64_t bits = bits_of(q, p.read);
	memcpy((uint8_t *)x->read + ((size_t)x->n << q->k->order.width), &bits, (size_t)1 << q->k->order.width);
	x->entry[x->n++] = entry;
	return x->n < TILE || relax_run_checked(q, use);
}

bool relax_witnessed(repair *q, uint64_t v)
{
	uint32_t entry = q->k->witness[v];
	relaxation *x = &q->k->relaxation;
	const pattern *pat = q->k->simple->region->driver->pat;
	if (entry == NONE || entry >= pat->n_slots || !pat->alive[entry])
		return false;
	pair p = pair_of(q, entry);
	uint64_t mine = key_of(q, v);
	if (p.reader != v || !counts(q, mine, q->k->stamps[v], p.read))
		return false;
	x->own = q->k->simple;
	x->entry[0] = entry;
	x->read[0] = bits_of(q, p.read);
	return key_at(q, simple_values(q, x, 1)) == mine;
}
