/* numeric.c - numeric fixpoints: synchronous rounds from where the page stands. An element is evaluated only in a round before which
 * something that it reads changed its bits; what the last round of an epoch would have had evaluated is carried over to the next. */
#include <math.h>
#include <string.h>

#include "device.h"
#include "dirty.h"
#include "pass_facts.h"
#include "saving.h"
#include "store.h"

typedef struct numeric {
	fix *f;
	const kernel_plan *p;
	carry *c;
	uint8_t *now, *next;    /* the values of the round before, and where those of the next one go: the page's place and a buffer, by turns */
	int64_t *list;
	uint8_t *values;
} numeric;

int carry_new(carry *c, uint64_t n)
{
	c->all = true;
	return bitset_new(&c->dirty, n) || bitset_new(&c->moved, n) || bitset_new(&c->changed.bits, n) ? -1 : 0;
}

void carry_free(carry *c)
{
	bitset_free(&c->dirty);
	bitset_free(&c->moved);
	bitset_free(&c->changed.bits);
}

static bool over_tol(const numeric *q, const uint8_t *a, const uint8_t *b)
{
	unsigned type = q->f->to->def->type;
	double old, new;
	q->f->ex->k->conv[type][T_F64](&old, a, NULL, NULL, 1);
	q->f->ex->k->conv[type][T_F64](&new, b, NULL, NULL, 1);
	return !(fabs(new - old) <= q->f->constants->tol.F64);
}

/* Who reads what changed in a round is dirty in the next. */
static void follow(const numeric *q)
{
	carry *c = q->c;
	c->all = !dirty_round(q->f->ex, q->p, &c->changed.bits);
	bitset_union(&c->moved, &c->changed.bits);
	bitset_clear(&c->changed.bits);
}

/* Stores get the values of the operands that moved, and elements are dirty of whose reductions one has changed. */
static int bring_up(const numeric *q)
{
	struct executor *ex = q->f->ex;
	dirty_sets *d = q->p->dirty;
	carry *c = q->c;
	int status = MMSB_OK;
	if (!c->all && q->p->dirty->stored) {
		ex->self = q->now;
		status = pass_look_up(ex, q->p, q->f->err);
		bitset_union(&d->elements, &c->dirty);
		if (!status)
			stores_update(ex, q->p);
		ex->self = NULL;
		ex->again = true;
	} else if (q->p->dirty->stored) {
		store_drop_all(q->p);
	}
	bitset_union(&c->dirty, &d->elements);
	dirty_clear(q->p);
	return status;
}

/* The round gives an element this value. */
static void put(const numeric *q, uint64_t i, const uint8_t *value, bool *moved)
{
	page *to = q->f->to;
	uint8_t *at = q->now + i * to->element;
	*moved |= over_tol(q, at, value);
	if (q->now == to->cur)
		saving_bytes(q->f->inst, to, at, to->element);
	memcpy(at, value, to->element);
}

static int evaluate_listed(const numeric *q, bool *moved)
{
	fix *f = q->f;
	uint64_t n = 0;
	size_t bytes = f->to->element;
	BITSET_FOR(&q->c->dirty, i)
		q->list[n++] = (int64_t)i;
	int status = pass_run_list(f->ex, q->p, q->list, n, q->values, f->err);
	f->inst->pass_stats[f->id].evaluated += n;
	f->inst->pass_stats[f->id].single++;
	for (uint64_t i = 0; i < n && !status; i++) {
		uint64_t element = (uint64_t)q->list[i];
		if (memcmp(q->now + element * bytes, q->values + i * bytes, bytes) == 0)
			continue;
		put(q, element, q->values + i * bytes, moved);
		bitset_set(&q->c->changed.bits, element);
	}
	return status;
}

/* Prefixes are evaluated once for all ends of a word, which lie side by side. */
static int evaluate_words(const numeric *q, bool *moved)
{
	fix *f = q->f;
	pass_target target = {.at = q->next, .was = q->now, .marks = &q->c->changed};
	uint64_t changed;
	int status = pass_look_up(f->ex, q->p, f->err);
	if (!status)
		status = pass_run_dirty(f->ex, q->p, &target, &q->c->dirty, &changed, f->err);
	pass_note_stats(f->ex, f->id);
	if (!status)
		BITSET_FOR(&q->c->changed.bits, i)
			put(q, i, q->next + i * f->to->element, moved);
	return status;
}

/* The dirty elements alone; true in *moved when one goes beyond tol. */
static int listed_round(const numeric *q, bool *moved)
{
	struct executor *ex = q->f->ex;
	ex->self = q->now;
	int status = q->p->serial ? evaluate_words(q, moved) : evaluate_listed(q, moved);
	ex->self = NULL;
	bitset_clear(&q->c->dirty);
	return status;
}

/* Of what has changed in a whole round. */
static bool any_over_tol(const numeric *q)
{
	size_t bytes = q->f->to->element;
	BITSET_FOR(&q->c->changed.bits, i)
		if (over_tol(q, q->now + i * bytes, q->next + i * bytes))
			return true;
	return false;
}

static int whole_round(numeric *q, bool *moved)
{
	fix *f = q->f;
	uint64_t changed;
	pass_target target = {.at = q->next, .was = q->now, .marks = &q->c->changed};
	bitset_clear(&q->c->dirty);
	saving_whole(f->inst, f->to, f->to->cur);
	f->ex->self = q->now;
	int status = pass_look_up(f->ex, q->p, f->err);
	if (!status)
		status = pass_run_whole(f->ex, q->p, &target, &changed, f->err);
	f->ex->self = NULL;
	f->inst->pass_stats[f->id].evaluated += f->to->pat ? f->to->pat->n_entries : f->to->count;
	f->inst->pass_stats[f->id].dense++;
	if (status)
		return status;
	*moved = any_over_tol(q);
	uint8_t *before = q->now;
	q->now = q->next;
	q->next = before;
	return MMSB_OK;
}

/* The values of the last round are the page's. */
static void settle(numeric *q)
{
	if (q->now != q->f->to->cur && q->f->bytes)
		memcpy(q->f->to->cur, q->now, q->f->bytes);
}

/* Exact marks of the page: what has moved may be back where it was. */
static uint64_t mark_moved(const numeric *q)
{
	page *to = q->f->to;
	uint64_t changed = 0;
	BITSET_FOR(&q->c->moved, i) {
		if (memcmp(to->cur + i * to->element, to->prev + i * to->element, to->element) == 0)
			continue;
		page_mark(q->f->inst, to, 0, i);
		changed++;
	}
	bitset_clear(&q->c->moved);
	return changed;
}

/* All rounds, of all elements, by a device. False: the CPU is to run them, and nothing has changed. */
static bool device_rounds(numeric *q, uint64_t epoch, int *status)
{
	fix *f = q->f;
	carry *c = q->c;
	uint64_t rounds;
	bool done;
	if (!q->p->on_device || f->constants->most.I64 <= 0 || !(c->all || bitset_above(&c->dirty, c->dirty.n / ROUND_SHARE)))
		return false;
	saving_whole(f->inst, f->to, f->to->cur);
	*status = f->inst->device_ops->rounds(f->inst->device, f->id, epoch, (uint64_t)f->constants->most.I64, f->constants->tol.F64, &c->changed.bits, &rounds,
	                                      &done, f->err);
	if (!*status && !done)
		return false;
	bitset_set_range(&c->moved, 0, c->moved.n);
	if (*status)
		return true;
	f->inst->pass_stats[f->id].rounds += rounds;
	f->inst->pass_stats[f->id].evaluated += rounds * f->to->count;
	f->inst->pass_stats[f->id].dense += rounds;
	bitset_clear(&c->dirty);
	store_drop_all(q->p);
	follow(q);
	return true;
}

static int run_rounds(numeric *q, uint64_t epoch)
{
	carry *c = q->c;
	uint64_t share = c->dirty.n / ROUND_SHARE;
	int status = MMSB_OK;
	if (device_rounds(q, epoch, &status))
		return status;
	for (int64_t round = 0; round < q->f->constants->most.I64 && !status; round++) {
		bool moved = false;
		status = bring_up(q);
		if (status || (!c->all && bitset_empty(&c->dirty)))
			break;
		q->f->inst->pass_stats[q->f->id].rounds++;
		bool whole = c->all || bitset_above(&c->dirty, share);
		status = whole ? whole_round(q, &moved) : listed_round(q, &moved);
		if (!status)
			follow(q);
		if (!moved)
			break;
	}
	return status;
}

bool numeric_possible(const fix *f) { return f->pass->kind == PASS_FIX_NUMERIC && pass_keeps_partials(f->inst->sch, f->pass) && f->to->prev; }

/* Of a sparse page entries may have come, which are dirty, and gone, which are none any more. */
static bool make_room(carry *c, const page *to)
{
	uint64_t n = to->now[0].bits.n;
	if (to->pat && (bitset_grow(&c->dirty, n) || bitset_grow(&c->moved, n) || bitset_grow(&c->changed.bits, n)))
		return false;
	if (to->pat)
		pattern_leave_out_holes(to->pat, &c->dirty);
	return true;
}

int numeric_run(fix *f, carry *c, uint64_t epoch, uint64_t *changed)
{
	numeric q = {.f = f, .p = f->ex->passes[f->id], .c = c, .now = f->to->cur};
	int status = make_room(c, f->to) ? MMSB_OK : fail_memory(f->err, f->bytes, "the rounds of a fixpoint");
	uint64_t room = c->dirty.n / ROUND_SHARE + 1;
	if (!status)
		status = fix_buffer(f, ROUND_NEXT, f->bytes, &q.next);
	if (!status)
		status = fix_buffer(f, ROUND_LIST, room * sizeof(int64_t), &q.list);
	if (!status)
		status = fix_buffer(f, ROUND_VALUES, room * f->to->element, &q.values);
	if (!status)
		status = pass_look_up(f->ex, q.p, f->err);
	if (status)
		return status;
	reach reached = epoch == 1 ? REACH_WHOLE : dirty_find(f->ex, q.p, epoch);
	c->all |= reached == REACH_WHOLE;
	f->ex->again = false;
	status = run_rounds(&q, epoch);
	if (!status) {
		settle(&q);
		status = bring_up(&q); /* what is left for the next epoch are elements alone */
	}
	f->ex->again = false;
	if (status) /* the page's place may hold a part of a round */
		bitset_union(&c->moved, &c->changed.bits);
	bitset_clear(&c->changed.bits);
	*changed = mark_moved(&q);
	if (status)
		c->all = true;
	return status;
}
