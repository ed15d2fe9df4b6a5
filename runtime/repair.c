/* repair.c - an exact fixpoint after a change, with work in proportion to the region that the change concerns.
 *
 * First, what can no longer be relied upon: a candidate (an element whose inputs changed, or one whose support was reset) stays if its
 * body, evaluated with the values alone that count as its support (support.c), is not worse than its value; else it goes back to its
 * start, and those that it may have held up become candidates. Whoever stays at the end is held up by values that came before
 * it and stay too, so no value is better than it may be. A candidate that stays is looked at again when something it may rest on
 * goes, so candidates may be looked at in any order and many at once; in order of value few are looked at twice.
 *
 * Then what was reset, and what its inputs made better, is evaluated, and improvements travel on in order of value until nothing changes. From
 * values none of which is too good that leads to the fixpoint, in any order.
 *
 * Who fails is known before anything is written: conditions on data and divisors do not depend on the page, so only elements whose
 * inputs changed can, and these are evaluated first, in ascending order. */
#include "repair.h"

#include "fpenv.h"

enum {
	QUEUED = 1, /* is a candidate, or listed for evaluation */
	RESET = 2,
	DIRTY = 4,  /* to be evaluated after the resets */
	LOGGED = 8
};

/* Elements taken from the queue together. */
enum { CHECKED_TOGETHER = 64 };

typedef struct repair {
	fix *f;
	fix_keep *k;
	const kernel_plan *p;
	worker *w;
	page *to;
	uint8_t *x;
	struct support support;
	bool start_moves;       /* elements start from a page */
	bitset *marks;
	uint64_t most_work;
	int status;
} repair;

static uint64_t bits_of(const repair *q, uint64_t v) { return value_bits(&q->k->order, q->x + (v << q->k->order.width)); }
static uint64_t key_of(const repair *q, uint64_t v) { return value_key(&q->k->order, bits_of(q, v)); }

static bool memory_ran_out(repair *q)
{
	q->status = fail_memory(q->f->err, q->k->log_capacity, "the repair of a fixpoint");
	return false;
}

static bool list_put(repair *q, element_list *l, uint64_t v)
{
	if ((l->n + 1) * sizeof *l->at > l->capacity && reserve(&l->at, &l->capacity, 2 * (l->n + 32) * sizeof *l->at))
		return memory_ran_out(q);
	l->at[l->n++] = (int64_t)v;
	return true;
}

static bool within_limits(repair *q)
{
	if (!q->status && q->w->work > q->most_work)
		q->status = REPAIR_GIVE_UP;
	return !q->status;
}

/* ---- writing ----------------------------------------------------------------------------------- */

/* Keeps how the element was. */
static bool keep_old(repair *q, uint64_t v)
{
	fix_keep *k = q->k;
	if (k->flags[v] & LOGGED)
		return true;
	if ((k->n_log + 1) * sizeof *k->log > k->log_capacity &&
	    reserve(&k->log, &k->log_capacity, 2 * (k->n_log + 32) * sizeof *k->log))
		return memory_ran_out(q);
	k->flags[v] |= LOGGED;
	k->log[k->n_log++] = (repair_entry){bits_of(q, v), (uint32_t)v, k->stamps[v]};
	return true;
}

static bool write(repair *q, uint64_t v, const void *value, uint32_t stamp)
{
	if (!keep_old(q, v))
		return false;
	bitset_set(q->marks, v);
	memcpy(q->x + (v << q->k->order.width), value, (size_t)1 << q->k->order.width);
	q->k->stamps[v] = stamp;
	return true;
}

/* ---- who reads an element ----------------------------------------------------------------------- */

typedef bool visit_fn(repair *q, uint64_t reader, uint64_t element);

static bool visit_lanes(repair *q, const own_read *o, uint64_t element, visit_fn *visit)
{
	own_lanes l = own_lanes_of(q->to, o, element);
	q->w->work += (l.end - l.at) / 4;
	for (; l.at < l.end; l.at++)
		if (!visit(q, own_reader(&l, own_entry(&l)), element))
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

/* false: an error, or `visit` wants no more. */
static bool visit_readers(repair *q, uint64_t element, visit_fn *visit)
{
	own_shift s;
	bool ok = true;
	for (uint32_t i = 0; i < q->k->n_own && ok; i++) {
		const own_read *o = &q->k->own[i];
		if (o->kind == OWN_LANES) {
			ok = visit_lanes(q, o, element, visit);
		} else if (o->kind == OWN_SHIFT && own_shift_of(q->to, o, element, &s)) {
			ok = visit_box(q, &s, 0, 0, element, visit);
		} else if (o->kind == OWN_ANY) {
			q->w->work += q->to->count / 4;
			for (uint64_t v = 0; v < q->to->count && ok; v++)
				ok = visit(q, v, element);
		}
	}
	return ok;
}

/* ---- operands ---------------------------------------------------------------------------------- */

/* What is done with the operands of a batch: with the value for the reader in one lane. */
typedef bool operand_fn(repair *q, uint64_t reader, const uint8_t *value);

static bool run_operands(repair *q, operand_fn *use)
{
	relaxation *x = &q->k->relaxation;
	uint32_t n = x->n;
	const uint8_t *live = NULL;
	if (n == 0)
		return true;
	const uint8_t *values = relax_run(q->w, q->p, q->to, x, &live);
	for (uint32_t i = 0; values && i < n; i++)
		if ((!live || live[i]) && !use(q, (uint64_t)x->outer[i], values + ((size_t)i << q->k->order.width)))
			return false;
	return true;
}

static bool wants_operand(const repair *q, uint64_t reader, uint64_t element, bool resetting)
{
	const fix_keep *k = q->k;
	uint64_t mine = key_of(q, element), its = key_of(q, reader);
	if (!resetting)
		return its > mine;
	if (k->flags[reader] & (RESET | QUEUED))
		return false;
	return its > mine || (its == mine && k->stamps[reader] > k->stamps[element]);
}

/* The operands of one read for its readers of an element. */
static bool put_operands(repair *q, const own_read *o, uint64_t element, bool resetting, operand_fn *use)
{
	relaxation *x = &q->k->relaxation;
	own_lanes l = own_lanes_of(q->to, o, element);
	q->w->work += (l.end - l.at) / 4;
	x->own = o;
	for (; l.at < l.end; l.at++) {
		uint64_t entry = own_entry(&l), reader = own_reader(&l, entry);
		if (!wants_operand(q, reader, element, resetting))
			continue;
		x->outer[x->n] = (int64_t)reader;
		x->inner[x->n] = l.inner;
		x->entry[x->n++] = (int64_t)entry;
		if (x->n == TILE && !run_operands(q, use))
			return false;
	}
	return true;
}

/* ---- the first phase: resets --------------------------------------------------------------------- */

static bool put_candidate(repair *q, uint64_t v)
{
	q->k->flags[v] |= QUEUED;
	if (queue_put(&q->k->queue, (queued){key_of(q, v), q->k->stamps[v], (uint32_t)v}))
		return memory_ran_out(q);
	return true;
}

/* The element may have held up its reader. */
static bool doubt(repair *q, uint64_t reader, uint64_t element)
{
	return !wants_operand(q, reader, element, true) || put_candidate(q, reader);
}

/* It did when its operand is as good as the reader's value. */
static bool doubt_operand(repair *q, uint64_t reader, const uint8_t *value)
{
	if (q->k->flags[reader] & (RESET | QUEUED) || value_key(&q->k->order, value_bits(&q->k->order, value)) > key_of(q, reader))
		return true;
	return put_candidate(q, reader);
}

static bool doubt_readers(repair *q)
{
	const element_list *l = &q->k->resets;
	bool ok = true;
	for (uint64_t i = 0; i < l->n && ok && !q->k->relaxes; i++)
		ok = visit_readers(q, (uint64_t)l->at[i], doubt) && within_limits(q);
	for (uint32_t r = 0; r < q->k->n_own && ok && q->k->relaxes; r++) {
		if (q->k->own[r].kind != OWN_LANES)
			continue;
		for (uint64_t i = 0; i < l->n && ok; i++)
			ok = put_operands(q, &q->k->own[r], (uint64_t)l->at[i], true, doubt_operand) && within_limits(q);
		ok = ok && run_operands(q, doubt_operand);
	}
	return ok;
}

static bool put_dirty(repair *q, uint64_t v)
{
	if (q->k->flags[v] & DIRTY)
		return true;
	q->k->flags[v] |= DIRTY;
	return list_put(q, &q->k->dirty, v);
}

static bool reset_listed(repair *q)
{
	element_list *l = &q->k->resets;
	for (uint64_t i = 0; i < l->n; i++)
		q->k->flags[l->at[i]] |= RESET;
	if (!doubt_readers(q))
		return false;
	for (uint64_t i = 0; i < l->n; i++) {
		uint64_t v = (uint64_t)l->at[i];
		if (!write(q, v, q->support.start + v * q->support.start_stride, 0) || !put_dirty(q, v))
			return false;
	}
	l->n = 0;
	return true;
}

static bool is_start(const repair *q, uint64_t v, const uint8_t *value)
{
	return memcmp(q->support.start + v * q->support.start_stride, value, (size_t)1 << q->k->order.width) == 0;
}

static uint64_t start_key(const repair *q, uint64_t v)
{
	return value_key(&q->k->order, value_bits(&q->k->order, q->support.start + v * q->support.start_stride));
}

/* What becomes of a candidate whose body has this value with the values alone that count. */
static bool judge(repair *q, uint64_t v, const uint8_t *value)
{
	uint64_t mine = key_of(q, v), its = value_key(&q->k->order, value_bits(&q->k->order, value));
	/* Stamp 0 belongs to elements at their start: it goes when the start does, whatever else holds the element up. */
	bool left = q->start_moves && q->k->stamps[v] == 0 && start_key(q, v) > mine;
	if (its > mine || left)
		return list_put(q, &q->k->resets, v);
	if (its < mine)
		return put_dirty(q, v);
	if (!q->start_moves || q->k->stamps[v] == 0 || !is_start(q, v, value))
		return true;
	if (!keep_old(q, v)) /* where it stands is its start now */
		return false;
	q->k->stamps[v] = 0;
	return true;
}

static bool check(repair *q, const int64_t *list, uint32_t n)
{
	struct executor *ex = q->f->ex;
	ex->support = &q->support;
	const uint8_t *values = pass_batch(ex, q->p, list, n);
	ex->support = NULL;
	q->f->inst->pass_stats[q->f->id].evaluated += n;
	for (uint32_t i = 0; i < n; i++)
		if (!judge(q, (uint64_t)list[i], values + ((size_t)i << q->k->order.width)))
			return false;
	return within_limits(q);
}

static bool check_heads(repair *q, const bitset *heads)
{
	int64_t list[TILE];
	uint32_t n = 0;
	bool ok = true;
	BITSET_FOR(heads, v) {
		list[n++] = (int64_t)v;
		if (n == TILE) {
			ok = check(q, list, n);
			n = 0;
			if (!ok)
				return false;
		}
	}
	if (n && !check(q, list, n))
		return false;
	const fault *first = &q->w->fault;
	if (!first->any)
		return true;
	if (q->f->err)
		*q->f->err = first->error;
	q->status = MMSB_FAULT;
	return false;
}

static bool reset_all(repair *q)
{
	int64_t list[CHECKED_TOGETHER];
	queue *c = &q->k->queue;
	while (q->k->resets.n > 0 || c->n > 0) {
		if (!reset_listed(q))
			return false;
		uint32_t n = 0;
		while (n < CHECKED_TOGETHER && c->n > 0) {
			list[n] = queue_take(c).element;
			q->k->flags[list[n++]] &= (uint8_t)~QUEUED;
		}
		if (n && !check(q, list, n))
			return false;
	}
	return true;
}

/* ---- the second phase: improvements --------------------------------------------------------------- */

static bool improve(repair *q, uint64_t v, const uint8_t *value)
{
	uint64_t its = value_key(&q->k->order, value_bits(&q->k->order, value));
	if (its >= key_of(q, v))
		return true;
	if (!write(q, v, value, q->start_moves && is_start(q, v, value) ? 0 : q->k->clock))
		return false;
	if (queue_put(&q->k->queue, (queued){its, 0, (uint32_t)v}))
		return memory_ran_out(q);
	return true;
}

/* Evaluates the elements of a list and empties it. */
static bool evaluate(repair *q, element_list *l, uint8_t flags)
{
	for (uint64_t at = 0; at < l->n; at += TILE) {
		uint32_t n = l->n - at < TILE ? (uint32_t)(l->n - at) : TILE;
		const uint8_t *values = pass_batch(q->f->ex, q->p, l->at + at, n);
		q->f->inst->pass_stats[q->f->id].evaluated += n;
		q->k->clock++;
		for (uint32_t i = 0; i < n; i++)
			if (!improve(q, (uint64_t)l->at[at + i], values + ((size_t)i << q->k->order.width)))
				return false;
		if (!within_limits(q))
			return false;
	}
	for (uint64_t i = 0; i < l->n; i++)
		q->k->flags[l->at[i]] &= (uint8_t)~flags;
	l->n = 0;
	return true;
}

static bool put_reader(repair *q, uint64_t reader, uint64_t element)
{
	if (q->k->flags[reader] & QUEUED || key_of(q, reader) <= key_of(q, element))
		return true;
	q->k->flags[reader] |= QUEUED;
	return list_put(q, &q->k->batch, reader);
}

static bool improve_operand(repair *q, uint64_t reader, const uint8_t *value) { return improve(q, reader, value); }

static bool run_improvements(repair *q)
{
	q->k->clock++;
	return run_operands(q, improve_operand) && within_limits(q);
}

/* Takes the best that have not been overtaken; returns how many. */
static uint32_t take_best(repair *q, int64_t *list, uint32_t most)
{
	queue *c = &q->k->queue;
	uint32_t n = 0;
	while (n < most && c->n > 0) {
		queued e = queue_take(c);
		if (e.key == key_of(q, e.element))
			list[n++] = e.element;
	}
	return n;
}

static bool drain_relaxing(repair *q)
{
	int64_t list[CHECKED_TOGETHER];
	uint32_t n;
	while ((n = take_best(q, list, q->k->queue.n > CHECKED_TOGETHER ? CHECKED_TOGETHER : 8)) > 0) {
		for (uint32_t r = 0; r < q->k->n_own; r++) {
			if (q->k->own[r].kind != OWN_LANES)
				continue;
			for (uint32_t i = 0; i < n; i++)
				if (!put_operands(q, &q->k->own[r], (uint64_t)list[i], false, improve_operand))
					return false;
			if (!run_improvements(q))
				return false;
		}
	}
	return true;
}

static bool drain_evaluating(repair *q)
{
	int64_t list[CHECKED_TOGETHER];
	uint32_t n;
	while ((n = take_best(q, list, CHECKED_TOGETHER)) > 0) {
		for (uint32_t i = 0; i < n; i++)
			if (!visit_readers(q, (uint64_t)list[i], put_reader))
				return false;
		if (!evaluate(q, &q->k->batch, QUEUED))
			return false;
	}
	return true;
}

/* ---- the whole --------------------------------------------------------------------------------- */

static void clear_flags(const fix_keep *k, const element_list *l)
{
	for (uint64_t i = 0; i < l->n; i++)
		k->flags[l->at[i]] = 0;
}

/* Flags and lists as between repairs. */
static void tidy(repair *q)
{
	fix_keep *k = q->k;
	clear_flags(k, &k->dirty);
	clear_flags(k, &k->resets);
	clear_flags(k, &k->batch);
	for (uint64_t i = 0; i < k->queue.n; i++)
		k->flags[k->queue.at[i].element] = 0;
	for (uint64_t i = 0; i < k->n_log; i++)
		k->flags[k->log[i].element] = 0;
	k->dirty.n = k->resets.n = k->batch.n = k->queue.n = 0;
	k->relaxation.n = 0;
}

/* Takes back the marks of elements that came out as they were; how many others there are. */
static uint64_t compare_log(repair *q)
{
	uint64_t changed = 0;
	for (uint64_t i = 0; i < q->k->n_log; i++) {
		const repair_entry *e = &q->k->log[i];
		if (e->bits != bits_of(q, e->element))
			changed++;
		else if (bitset_test(q->marks, e->element))
			bitset_unset(q->marks, e->element);
	}
	return changed;
}

void repair_undo(const fix *f, fix_keep *k)
{
	for (uint64_t i = 0; i < k->n_log; i++) {
		const repair_entry *e = &k->log[i];
		memcpy(f->to->cur + ((size_t)e->element << k->order.width), &e->bits, (size_t)1 << k->order.width);
		k->stamps[e->element] = e->stamp;
		if (bitset_test(&f->to->now[0].bits, e->element))
			bitset_unset(&f->to->now[0].bits, e->element);
	}
	k->n_log = 0;
}

static void find_start(repair *q)
{
	const fix *f = q->f;
	q->support = (struct support){.keep = q->k, .to = q->to, .start = (const uint8_t *)&f->constants->start[0]};
	q->start_moves = f->pass->start_page != NONE;
	if (!q->start_moves)
		return;
	column c = page_column(f->inst, &f->inst->pages[f->pass->start_page], false, NONE);
	q->support.start = c.base;
	q->support.start_stride = c.stride;
}

int repair_run(fix *f, fix_keep *k, const bitset *heads, uint64_t *changed)
{
	repair q = {.f = f, .k = k, .p = f->ex->passes[f->id], .w = &f->ex->workers[0], .to = f->to, .x = f->to->cur};
	q.marks = &f->to->now[0].bits;
	f->ex->self = NULL;
	q.status = pass_begin(f->ex, q.p, f->err);
	if (q.status)
		return q.status;
	find_start(&q);
	q.most_work = q.w->work + (uint64_t)((double)k->whole_work * f->ex->give_up);
	k->n_log = 0;
	k->commit = f->inst->commits;
	k->whole = false;
	uint64_t env = fpenv_enter();
	bool done = check_heads(&q, heads) && reset_all(&q) && evaluate(&q, &k->dirty, RESET | DIRTY) &&
	            (k->relaxes ? drain_relaxing(&q) : drain_evaluating(&q));
	fpenv_leave(env);
	tidy(&q);
	if (done)
		*changed = compare_log(&q);
	else if (q.status != REPAIR_GIVE_UP)
		repair_undo(f, k);
	return done ? MMSB_OK : q.status;
}
