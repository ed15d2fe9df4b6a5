/* drain.c - improvements: whatever gets a better value is handed on to those who read it, the best first, until nothing changes. */
#include "repair.h"

#include "fpenv.h"
#include "route.h"

/* ---- who reads an element ----------------------------------------------------------------------- */

static bool visit_lanes(repair *q, const own_read *o, uint64_t element, visit_fn *visit)
{
	own_lanes l = own_lanes_of(q->to, o, element);
	q->w->work += l.n / 4;
	while (own_run(&l))
		for (; l.at < l.end; l.at++)
			if (!visit(q, own_reader(&l), element))
				return false;
	return true;
}

static bool visit_box(repair *q, const own_shift *s, uint32_t d, uint64_t at, uint64_t element, visit_fn *visit)
{
	if (d == q->to->def->ndim)
		return visit(q, at, element);
	for (uint32_t i = 0; i < s->n[d]; i++)
		for (int64_t v = s->first[d][i]; v < s->end[d][i]; v++)
			if (!visit_box(q, s, d + 1, at + (uint64_t)(v * q->to->strides[d]), element, visit))
				return false;
	return true;
}

static bool visit_all(repair *q, uint64_t element, visit_fn *visit)
{
	const pattern *pat = q->to->pat;
	q->w->work += q->to->count / 4;
	for (uint64_t v = 0; v < q->to->count; v++)
		if ((!pat || pat->alive[v]) && !visit(q, v, element))
			return false;
	return true;
}

static bool visit_routed(repair *q, const own_read *o, uint64_t element, visit_fn *visit)
{
	bitset *found = &q->k->routed;
	uint32_t read = (uint32_t)(o->read - q->p->reads);
	route_sink sink = {.lanes = found, .all = q->p->routes.reads[read].kind == ROUTE_WHOLE};
	bool ok = repair_ready(q);
	if (!ok)
		return false;
	if (!sink.all)
		route_element(q->f->ex, q->p, read, element, &sink);
	if (sink.all) {
		bitset_clear(found);
		return visit_all(q, element, visit);
	}
	q->w->work += BATCH_WORK;
	BITSET_FOR(found, v) {
		q->w->work++;
		ok = ok && visit(q, v, element);
	}
	bitset_clear(found);
	return ok;
}

bool visit_readers(repair *q, uint64_t element, visit_fn *visit)
{
	own_shift s;
	bool ok = true;
	for (uint32_t i = 0; i < q->k->n_own && ok; i++) {
		const own_read *o = &q->k->own[i];
		if (o->kind == OWN_LANES)
			ok = visit_lanes(q, o, element, visit);
		else if (o->kind == OWN_SHIFT && own_shift_of(q->to, o, element, &s))
			ok = visit_box(q, &s, 0, 0, element, visit);
		else if (o->kind == OWN_ROUTED)
			ok = visit_routed(q, o, element, visit);
	}
	return ok;
}

/* ---- improvements ------------------------------------------------------------------------------ */

bool drain_improve(repair *q, uint64_t v, uint32_t entry, const void *value)
{
	uint64_t its = key_at(q, value);
	if (its >= key_of(q, v))
		return true;
	if (!repair_write(q, v, value, q->start_moves && repair_is_start(q, v, value) ? 0 : q->k->clock, entry))
		return false;
	if (queue_put(&q->k->queue, (queued){its, 0, (uint32_t)v}))
		return repair_no_memory(q);
	return true;
}

static bool evaluate_batch(repair *q, const int64_t *list, uint32_t n)
{
	size_t width = q->k->order.width;
	uint64_t value;
	bool ok = true;
	if (!repair_ready(q))
		return false;
	q->f->ex->bare = q->k->simple ? q->k->simple->region : NULL;
	const uint8_t *values = pass_batch(q->f->ex, q->p, list, n);
	q->f->ex->bare = NULL;
	for (uint32_t i = 0; i < n && ok; i++) {
		uint32_t entry = NONE;
		memcpy(&value, values + ((size_t)i << width), (size_t)1 << width);
		if (q->k->simple) {
			entry = WITNESS_BODY;
			q->k->clock++; /* it reads what those before it have got */
			relax_pull(q, (uint64_t)list[i], false, &value, &entry);
		}
		ok = drain_improve(q, (uint64_t)list[i], entry, &value);
	}
	return ok;
}

bool drain_list(repair *q, element_list *l, uint8_t flags)
{
	for (uint64_t at = 0; at < l->n; at += TILE) {
		uint32_t n = l->n - at < TILE ? (uint32_t)(l->n - at) : TILE;
		q->k->clock++;
		q->f->inst->pass_stats[q->f->id].evaluated += n;
		if (!evaluate_batch(q, l->at + at, n) || !repair_within_limits(q))
			return false;
	}
	for (uint64_t i = 0; i < l->n; i++)
		q->k->flags[l->at[i]] &= (uint8_t)~flags;
	l->n = 0;
	return true;
}

/* Takes the best that have not been overtaken; returns how many. */
static uint32_t take_best(repair *q, int64_t *list)
{
	queue *c = &q->k->queue;
	uint32_t n = 0, most = c->n > TAKEN_TOGETHER ? TAKEN_TOGETHER : (uint32_t)c->n / 8 + 1;
	while (n < most && c->n > 0) {
		queued e = queue_take(c);
		if (e.key == key_of(q, e.element))
			list[n++] = e.element;
	}
	return n;
}

static bool drain_relaxing(repair *q)
{
	int64_t list[TAKEN_TOGETHER];
	uint32_t n;
	while ((n = take_best(q, list)) > 0)
		for (uint32_t r = 0; r < q->k->n_own; r++) {
			if (q->k->own[r].kind != OWN_LANES)
				continue;
			for (uint32_t i = 0; i < n; i++)
				if (!relax_put(q, &q->k->own[r], (uint64_t)list[i], false, drain_improve))
					return false;
			if (!relax_run(q, drain_improve) || !repair_within_limits(q))
				return false;
		}
	return true;
}

static bool put_reader(repair *q, uint64_t reader, uint64_t element)
{
	if (q->k->flags[reader] & QUEUED || key_of(q, reader) <= key_of(q, element))
		return true;
	q->k->flags[reader] |= QUEUED;
	return repair_list(q, &q->k->batch, reader);
}

static bool drain_evaluating(repair *q)
{
	int64_t list[TAKEN_TOGETHER];
	uint32_t n;
	while ((n = take_best(q, list)) > 0) {
		for (uint32_t i = 0; i < n; i++)
			if (!visit_readers(q, (uint64_t)list[i], put_reader))
				return false;
		if (!drain_list(q, &q->k->batch, QUEUED))
			return false;
	}
	return true;
}

bool drain(repair *q) { return q->k->relaxes ? drain_relaxing(q) : drain_evaluating(q); }

/* ---- all from the start on ---------------------------------------------------------------------- */

/* Those that the last round has changed: all others have been read as they are. */
static bool queue_changed(repair *q)
{
	for (uint64_t v = 0; v < q->to->count; v++)
		if (q->k->stamps[v] == q->k->clock && queue_put(&q->k->queue, (queued){key_of(q, v), 0, (uint32_t)v}))
			return repair_no_memory(q);
	return true;
}

int drain_whole(fix *f, fix_keep *k)
{
	repair q = {.whole = true};
	repair_begin(&q, f, k);
	uint64_t env = fpenv_enter();
	bool ok = queue_changed(&q) && drain(&q);
	fpenv_leave(env);
	repair_tidy(&q);
	return ok ? MMSB_OK : q.status;
}
