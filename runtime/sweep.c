/* sweep.c - all of an exact fixpoint from the start on, where elements are read as operands that one operation computes (own.c, `simple`).
 *
 * An element that has got a value hands it on to its readers, the better values before the worse: elements wait in a ring of
 * buckets of the same width. Elements of one bucket go in any order, and again when they have become better meanwhile: that is no
 * error, as the result does not depend on the order, and cheaper than an exact order. What lies beyond the ring waits behind it, until
 * the ring is empty. */
#include <math.h>

#include "repair.h"

#include "fetch.h"
#include "flood.h"
#include "fpenv.h"

enum { RING = 1024, CHUNK = 62, BEHIND = RING /* the place of what lies beyond the ring */, SAMPLES = 1024 };

/* In the units of a repair's work, by the clock: an element that hands on, a sixteenth for each reader, and something for the whole. */
enum { VISIT_WORK = 3, SWEEP_WORK = 512 };
#define WIDTH_SHARE 0.5

typedef struct chunk {
	uint32_t next, n;
	uint32_t v[CHUNK];
} chunk;

typedef struct sweep {
	repair *q;
	const own_read *own;
	const lists *readers;
	hand_fn *fn;
	bool computed;          /* operands by own->fn beforehand */
	/* buckets: chains of chunks, which the keep keeps */
	chunk *chunks;
	uint32_t n_chunks, free;
	uint32_t head[RING + 1];
	uint64_t in_ring, behind; /* elements, those twice that are there twice */
	uint64_t at;            /* the number of the best bucket */
	double origin, scale;   /* the number of a value's bucket is (value - origin) * scale */
	hand_out out;
	uint32_t count_up[TILE], zeros[TILE];
} sweep;

/* ---- buckets ----------------------------------------------------------------------------------- */

static uint64_t bucket_of(const sweep *s, double value)
{
	double number = (value - s->origin) * s->scale;
	if (!(number > 0)) /* nor is inf - inf */
		return 0;
	return number < 0x1p50 ? (uint64_t)number : (uint64_t)1 << 50;
}

static bool new_chunk(sweep *s, uint32_t place)
{
	uint32_t id = s->free;
	if (id != NONE) {
		s->free = s->chunks[id].next;
	} else {
		fix_keep *k = s->q->k;
		size_t bytes = (s->n_chunks + 1) * sizeof *s->chunks;
		if (bytes > k->chunks_capacity && reserve(&k->chunks, &k->chunks_capacity, bytes + 64 * sizeof *s->chunks))
			return repair_no_memory(s->q);
		s->chunks = k->chunks;
		id = s->n_chunks++;
	}
	s->chunks[id].next = s->head[place];
	s->chunks[id].n = 0;
	s->head[place] = id;
	return true;
}

static bool put_at(sweep *s, uint32_t v, uint32_t place)
{
	if ((s->head[place] == NONE || s->chunks[s->head[place]].n == CHUNK) && !new_chunk(s, place))
		return false;
	chunk *c = &s->chunks[s->head[place]];
	c->v[c->n++] = v;
	*(place == BEHIND ? &s->behind : &s->in_ring) += 1;
	return true;
}

static bool put(sweep *s, uint32_t v, double value)
{
	uint64_t number = bucket_of(s, value);
	number = number < s->at ? s->at : number;
	return put_at(s, v, number < s->at + RING ? (uint32_t)(number % RING) : BEHIND);
}

/* Takes a chunk from a chain. */
static bool take(sweep *s, uint32_t *chain, chunk *out)
{
	uint32_t id = *chain;
	if (id == NONE)
		return false;
	memcpy(out, &s->chunks[id], sizeof *out);
	*chain = out->next;
	s->chunks[id].next = s->free;
	s->free = id;
	return true;
}

/* The values of a chunk's elements that still wait. */
static uint32_t waiting(const sweep *s, chunk *c, double *values)
{
	const repair *q = s->q;
	uint64_t raw[CHUNK];
	uint32_t n = 0;
	for (uint32_t i = 0; i < c->n; i++)
		if (q->k->flags[c->v[i]] & QUEUED)
			c->v[n++] = c->v[i];
	c->n = n;
	q->w->k->gather_u32[q->k->order.width](raw, q->x, (size_t)1 << q->k->order.width, c->v, n);
	q->w->k->conv[q->to->def->type][T_F64](values, raw, NULL, NULL, n);
	return n;
}

/* Where the best of what lies behind stands, and the mean distance from there. */
static void look_behind(sweep *s, double *mean, uint64_t *n)
{
	double values[CHUNK], sum = 0, sign = s->q->k->order.most ? -1 : 1;
	chunk c;
	bool first = true;
	*n = 0;
	for (uint32_t id = s->head[BEHIND]; id != NONE; id = c.next) {
		memcpy(&c, &s->chunks[id], sizeof c);
		uint32_t k = waiting(s, &c, values);
		for (uint32_t i = 0; i < k; i++) {
			if (first || sign * values[i] < sign * s->origin) {
				sum += first ? 0 : (double)*n * fabs(s->origin - values[i]);
				s->origin = values[i];
			} else {
				sum += fabs(values[i] - s->origin);
			}
			first = false;
			++*n;
		}
	}
	*mean = *n ? sum / (double)*n : 0;
}

/* Fills the ring anew. When it reaches only few of what waits, buckets get wider: as wide as takes in half of it at the least. */
static bool refill(sweep *s)
{
	double values[CHUNK], mean;
	uint64_t n;
	chunk c;
	look_behind(s, &mean, &n);
	if (fabs(s->scale) * mean * 2 > RING)
		s->scale = copysign(mean < INFINITY ? RING / (2 * mean) : 0, s->scale);
	uint32_t chain = s->head[BEHIND];
	s->head[BEHIND] = NONE;
	s->behind = s->at = 0;
	while (take(s, &chain, &c)) {
		uint32_t k = waiting(s, &c, values);
		for (uint32_t i = 0; i < k; i++)
			if (!put(s, c.v[i], values[i]))
				return false;
	}
	return true;
}

/* ---- from an element to its readers ------------------------------------------------------------- */

static uint32_t hand_on(sweep *s, hand_run *h)
{
	const repair *q = s->q;
	relaxation *x = &q->k->relaxation;
	if (!s->computed)
		return s->fn(h, q->x, &s->out);
	if (q->entries.stride == 0) { /* the same for all */
		s->own->fn(x->value, s->own->turned ? q->entries.base : (const void *)&h->from, s->own->turned ? (const void *)&h->from : q->entries.base, NULL, 1);
		hand_run same = {h->from, h->reader, s->zeros, (const uint8_t *)x->value, h->n};
		return s->fn(&same, q->x, &s->out);
	}
	q->w->k->gather_u32[q->k->order.width](x->weight, q->entries.base, q->entries.stride, h->entry, h->n);
	q->w->k->fill[q->k->order.width](x->read, &h->from, h->n);
	s->own->fn(x->value, s->own->turned ? x->weight : x->read, s->own->turned ? x->read : x->weight, NULL, h->n);
	hand_run computed = {h->from, h->reader, s->count_up, (const uint8_t *)x->value, h->n};
	return s->fn(&computed, q->x, &s->out);
}

/* Those of a run who have got a better value: they wait now, or again. */
static bool note(sweep *s, const hand_run *h, uint32_t n)
{
	const repair *q = s->q;
	fix_keep *k = q->k;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t v = h->reader[s->out.which[i]];
		bool at_start = q->start_moves && repair_is_start(q, v, q->x + ((size_t)v << k->order.width));
		k->stamps[v] = at_start ? 0 : k->clock;
		k->witness[v] = h->entry[s->out.which[i]];
		k->flags[v] = QUEUED;
		if (!put(s, v, s->out.value[i]))
			return false;
	}
	return true;
}

/* The clock moves on when something is to rest on what it shows. It never comes round: then it stands, and the next repair evaluates all. */
static bool visit(sweep *s, uint32_t u)
{
	const repair *q = s->q;
	list_run r = {0};
	q->w->work += VISIT_WORK;
	q->k->clock += q->k->stamps[u] == q->k->clock && q->k->clock < UINT32_MAX;
	while (lists_next(s->readers, u, &r))
		for (uint32_t done = 0; done < r.n; done += TILE) {
			hand_run h = {bits_of(q, u), s->readers->key + r.at + done, s->readers->mate + r.at + done, q->entries.base,
			              r.n - done < TILE ? r.n - done : TILE};
			q->w->work += h.n / 16;
			uint32_t n = hand_on(s, &h);
			if (n && !note(s, &h, n))
				return false;
		}
	return true;
}

static bool visit_chain(sweep *s, uint32_t chain)
{
	chunk c;
	uint8_t *flags = s->q->k->flags;
	while (take(s, &chain, &c)) {
		s->in_ring -= c.n;
		for (uint32_t i = 0; i < c.n && i < 8; i++)
			lists_fetch_head(s->readers, c.v[i]);
		for (uint32_t i = 0; i < c.n; i++) {
			if (i + 8 < c.n)
				lists_fetch_head(s->readers, c.v[i + 8]);
			if (i + 4 < c.n)
				lists_fetch(s->readers, c.v[i + 4]);
			if (!(flags[c.v[i]] & QUEUED))
				continue;
			flags[c.v[i]] = 0;
			if (!visit(s, c.v[i]))
				return false;
		}
	}
	return true;
}

static bool visit_all(sweep *s)
{
	while (s->in_ring > 0 || s->behind > 0) {
		if (s->in_ring == 0 && !refill(s))
			return false;
		while (s->in_ring > 0 && s->head[s->at % RING] == NONE)
			s->at++;
		uint32_t chain = s->head[s->at % RING];
		s->head[s->at % RING] = NONE;
		if (!visit_chain(s, chain))
			return false;
	}
	return true;
}

/* ---- the whole --------------------------------------------------------------------------------- */

/* How wide buckets are: where values add up, what an arc in the middle adds, shared by an element's arcs; else a share of what there is. */
static double find_scale(const sweep *s)
{
	const repair *q = s->q;
	const pattern *pat = s->own->region->driver->pat;
	double value, sum = 0, least = INFINITY, most = -INFINITY;
	uint64_t stride = pat->n_slots / SAMPLES + 1, n = 0;
	for (uint64_t slot = 0; slot < pat->n_slots; slot += stride) {
		q->w->k->conv[q->to->def->type][T_F64](&value, q->entries.base + slot * q->entries.stride, NULL, NULL, 1);
		if (!pat->alive[slot] || !isfinite(value))
			continue;
		sum += fabs(value);
		least = fmin(least, value);
		most = fmax(most, value);
		n++;
	}
	double width = s->own->op == OP_ADD || s->own->op == OP_ADD_SAT
	                   ? WIDTH_SHARE * sum / (double)(n + 1) * (double)q->to->count / ((double)pat->n_entries + 1)
	                   : (most - least) / (RING / 4);
	double scale = n && width > 0 ? 1 / width : 0;
	return q->k->order.most ? -scale : scale;
}

/* An element without entries has what the reduction gives of nothing. */
static void give_empty(const repair *q)
{
	const own_read *o = q->k->simple;
	const void *identity = &o->region->def->identity;
	uint64_t worst = op_identity(q->f->pass->op, q->to->def->type);
	const pattern *pat = o->region->driver->pat;
	const lists *lines = o->region->def->kind == REGION_ROW ? &pat->rows : &pat->cols;
	if (key_at(q, identity) >= key_at(q, &worst))
		return;
	q->k->clock++;
	for (uint64_t v = 0; v < q->to->count; v++) {
		if (lists_length(lines, v) > 0 || key_at(q, identity) >= key_of(q, v))
			continue;
		memcpy(q->x + (v << q->k->order.width), identity, (size_t)1 << q->k->order.width);
		q->k->stamps[v] = q->start_moves && repair_is_start(q, v, identity) ? 0 : q->k->clock;
	}
}

/* All wait who can be better than something. */
static bool put_all(sweep *s)
{
	const repair *q = s->q;
	uint64_t worst = op_identity(q->f->pass->op, q->to->def->type), key = key_at(q, &worst);
	for (uint64_t v = 0; v < q->to->count; v++) {
		if (key_of(q, v) >= key)
			continue;
		q->k->flags[v] = QUEUED;
		if (!put_at(s, (uint32_t)v, BEHIND))
			return false;
	}
	return true;
}

static inline __attribute__((always_inline)) uint32_t count_broken(unsigned guard, const double *x, const uint8_t *alive, uint32_t n, bool is_float)
{
	uint32_t broken = 0;
	for (uint32_t i = 0; i < n; i++)
		broken += (uint32_t)alive[i] & (uint32_t)!guard_holds(guard, x[i], is_float);
	return broken;
}

/* How many of n entries do not meet a condition; a loop for each condition. */
static uint32_t broken(unsigned guard, const double *x, const uint8_t *alive, uint32_t n, bool is_float)
{
	switch ((guard_id)guard) {
#define GUARD(id, holds, text) case GUARD_##id: return count_broken(GUARD_##id, x, alive, n, is_float);
#include "guard.def"
#undef GUARD
	case GUARD_COUNT: break;
	}
	return 0;
}

/* Conditions on entries hold, and nothing else can fail. */
bool sweep_holds(const fix *f, const fix_keep *k)
{
	const own_read *o = k->simple;
	const pattern *pat = o->region->driver->pat;
	column c = repair_entries(f, k);
	double *values = (void *)f->ex->workers[0].index;
	if (!o->quick)
		return false;
	for (uint64_t at = 0; at < pat->n_slots && o->n_guards; at += TILE) {
		uint32_t n = pat->n_slots - at < TILE ? (uint32_t)(pat->n_slots - at) : TILE, bad = 0;
		f->ex->k->load[k->order.width](f->ex->workers[0].values, c.base + at * c.stride, (ptrdiff_t)c.stride, n);
		f->ex->k->conv[f->to->def->type][T_F64](values, f->ex->workers[0].values, NULL, NULL, n);
		for (uint32_t g = 0; g < o->n_guards; g++)
			bad += broken(o->guards[g], values, pat->alive + at, n, k->order.is_float);
		if (bad)
			return false;
	}
	return true;
}

static void begin(sweep *s, repair *q)
{
	const own_read *o = q->k->simple;
	const pattern *pat = o->region->driver->pat;
	*s = (sweep){.q = q, .own = o, .free = NONE, .chunks = q->k->chunks};
	memset(s->head, 0xff, sizeof s->head);
	s->readers = o->region->def->kind == REGION_COL ? &pat->rows : &pat->cols;
	s->fn = hand_of(o->op, q->to->def->type, q->k->order.most);
	s->computed = s->fn == hand_computed(q->to->def->type, q->k->order.most) || q->entries.stride != (size_t)1 << q->k->order.width;
	if (s->computed)
		s->fn = hand_computed(q->to->def->type, q->k->order.most);
	for (uint32_t i = 0; i < TILE; i++)
		s->count_up[i] = i;
	s->scale = find_scale(s);
}

int sweep_run(fix *f, fix_keep *k)
{
	repair q = {.whole = true};
	sweep s;
	repair_begin(&q, f, k);
	give_empty(&q);
	if (f->to->def->type == T_BOOL)
		return flood_run(f, &q);
	begin(&s, &q);
	q.w->work += SWEEP_WORK;
	uint64_t env = fpenv_enter();
	bool ok = put_all(&s) && visit_all(&s);
	fpenv_leave(env);
	if (!ok)
		memset(k->flags, 0, f->to->count);
	return ok ? MMSB_OK : q.status;
}
