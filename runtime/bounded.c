/* bounded.c - bounded fixpoints after a change. Their rounds begin at `init` in every epoch, so what a round came to in the last epoch is what it comes to in
 * this one but for elements whose inputs have changed, and those that read what came out differently in the round before. The values of all rounds are kept, as
 * far as there is room, with what each round has changed: the first that changes nothing is the last. Of a failed epoch nothing is kept. */
#include "bounded.h"

#include <stdlib.h>
#include <string.h>

#include "dirty.h"
#include "saving.h"

/* What a round came to; 0: where rounds begin. */
typedef struct kept_round {
	uint8_t *values;
	change_set differs;     /* from the round before */
} kept_round;

struct kept_rounds {
	bool valid;             /* they are those of the page's values */
	bool refused;           /* there is no room for them */
	size_t *left;           /* bytes that the instance may still keep (store.h) */
	uint64_t room;          /* elements of a round */
	kept_round *at;
	size_t capacity;        /* bytes */
	uint64_t n, last;       /* rounds with memory; the last that was run */
	bitset heads;           /* whose inputs have changed */
	bitset changed, before; /* whose value in the round is another than in the last epoch; in the round before */
};

static uint64_t elements_of(const page *p) { return p->pat ? p->now[0].bits.n : p->count; }
static size_t round_bytes(const fix *f, uint64_t n) { return n * f->to->element + bitset_bytes(n) + sizeof(kept_round); }

static void drop_rounds(kept_rounds *k, size_t element)
{
	for (uint64_t i = 0; i < k->n; i++) {
		*k->left += k->room * element + bitset_bytes(k->room) + sizeof(kept_round);
		free(k->at[i].values);
		bitset_free(&k->at[i].differs.bits);
	}
	k->n = k->last = 0;
	k->valid = false;
}

void bounded_free(kept_rounds *k, size_t element)
{
	if (!k)
		return;
	drop_rounds(k, element);
	free(k->at);
	bitset_free(&k->heads);
	bitset_free(&k->changed);
	bitset_free(&k->before);
	free(k);
}

void bounded_forget(kept_rounds *k)
{
	if (k)
		k->valid = false;
}

/* Memory for round r, one after the last that has some; false: there is none, and nothing is kept from now on. */
static bool take_round(fix *f, kept_rounds *k, uint64_t r)
{
	size_t bytes = round_bytes(f, k->room);
	kept_round *to;
	if (r < k->n)
		return true;
	if (bytes > *k->left || reserve(&k->at, &k->capacity, 2 * (r + 1) * sizeof *k->at))
		return false;
	to = &k->at[r];
	*to = (kept_round){.values = calloc(k->room + 1, f->to->element)};
	if (!to->values || bitset_new(&to->differs.bits, k->room)) {
		free(to->values);
		return false;
	}
	*k->left -= bytes;
	k->n++;
	return true;
}

static void refuse(fix *f, kept_rounds *k)
{
	drop_rounds(k, f->to->element);
	k->refused = true;
}

/* What is kept of the pass, with room for its elements; NULL: nothing is. */
static kept_rounds *rounds_of(fix *f)
{
	kept_rounds **slot = &f->ex->kept[f->id], *k = *slot;
	uint64_t n = elements_of(f->to);
	if (f->inst->options.scratch || f->to->def->record != NONE)
		return NULL;
	if (!k)
		k = *slot = calloc(1, sizeof *k);
	if (!k || k->refused)
		return NULL;
	k->left = &f->inst->store_left;
	if (k->room < n || k->heads.n < n) {
		drop_rounds(k, f->to->element);
		k->room = n;
		k->refused = bitset_grow(&k->heads, n) || bitset_grow(&k->changed, n) || bitset_grow(&k->before, n);
	}
	return k->refused ? NULL : k;
}

/* ---- all rounds -------------------------------------------------------------------------------- */

static int whole_round(fix *f, kept_round *to, const kept_round *from, uint64_t *changed)
{
	const kernel_plan *p = f->ex->passes[f->id];
	pass_target target = {.at = to->values, .was = from->values, .marks = &to->differs};
	bitset_clear(&to->differs.bits);
	f->ex->self = from->values;
	int status = pass_look_up(f->ex, p, f->err);
	if (!status)
		status = pass_run_whole(f->ex, p, &target, changed, f->err);
	f->ex->self = NULL;
	f->inst->pass_stats[f->id].rounds++;
	f->inst->pass_stats[f->id].evaluated += f->to->pat ? f->to->pat->n_entries : f->to->count;
	return status;
}

int bounded_whole(fix *f)
{
	kept_rounds *k = rounds_of(f);
	uint64_t changed = 1, most = f->constants->most.I64 > 0 ? (uint64_t)f->constants->most.I64 : 0;
	int status = MMSB_OK;
	if (!k || !take_round(f, k, 0)) {
		if (k)
			refuse(f, k);
		return BOUNDED_NOT_KEPT;
	}
	k->valid = false;
	k->last = 0;
	f->now = k->at[0].values;
	fix_start_rounds(f);
	while (k->last < most && changed && !status) {
		if (!take_round(f, k, k->last + 1)) {
			refuse(f, k);
			return BOUNDED_NOT_KEPT;
		}
		status = whole_round(f, &k->at[k->last + 1], &k->at[k->last], &changed);
		k->last++;
	}
	f->now = k->at[k->last].values;
	if (!status && changed)
		status = fix_unsettled(f);
	k->valid = !status;
	return status;
}

/* ---- what has changed -------------------------------------------------------------------------- */

static const uint8_t *value_at(const fix *f, const kept_round *r, uint64_t i) { return r->values + i * f->to->element; }

static bool same(const fix *f, const kept_round *a, const kept_round *b, uint64_t i)
{
	return memcmp(value_at(f, a, i), value_at(f, b, i), f->to->element) == 0;
}

/* Where rounds begin: a page may say it. false: anything may have changed there. */
static bool change_start(fix *f, kept_rounds *k)
{
	const page *from = f->pass->start_page == NONE ? NULL : &f->inst->pages[f->pass->start_page];
	if (!from || from->changed != f->inst->epoch + 1)
		return true;
	if (from->now[0].all || bitset_above(&from->now[0].bits, f->to->count / ROUND_SHARE))
		return false;
	column c = page_column(f->inst, from, false, NONE);
	BITSET_FOR(&from->now[0].bits, i) {
		memcpy(k->at[0].values + i * f->to->element, c.base + i * c.stride, f->to->element);
		bitset_set(&k->changed, i);
	}
	return true;
}

/* Round r is that of the last epoch; beyond its last one nothing changed any more. */
static bool ready_round(fix *f, kept_rounds *k, uint64_t r)
{
	if (r <= k->last)
		return true;
	if (!take_round(f, k, r)) {
		refuse(f, k);
		return false;
	}
	memcpy(k->at[r].values, f->to->cur, f->bytes);
	bitset_clear(&k->at[r].differs.bits);
	return true;
}

/* The elements of the plan's dirty set, from the round before. */
static int evaluate(fix *f, kept_rounds *k, uint64_t r, int64_t *list, uint8_t *values)
{
	const kernel_plan *p = f->ex->passes[f->id];
	size_t bytes = f->to->element;
	uint64_t n = 0;
	BITSET_FOR(&p->dirty->elements, i)
		list[n++] = (int64_t)i;
	f->ex->self = k->at[r - 1].values;
	int status = pass_run_list(f->ex, p, list, n, values, f->err);
	f->ex->self = NULL;
	f->inst->pass_stats[f->id].rounds++;
	f->inst->pass_stats[f->id].evaluated += n;
	f->inst->pass_stats[f->id].single++;
	for (uint64_t i = 0; i < n && !status; i++) {
		uint8_t *at = k->at[r].values + (uint64_t)list[i] * bytes;
		if (memcmp(at, values + i * bytes, bytes) == 0)
			continue;
		memcpy(at, values + i * bytes, bytes);
		bitset_set(&k->changed, (uint64_t)list[i]);
	}
	return status;
}

/* Who differs from the round before, where one of the two has changed. */
static void compare(fix *f, kept_rounds *k, uint64_t r)
{
	const bitset *sets[] = {&k->before, &k->changed};
	kept_round *now = &k->at[r], *was = &k->at[r - 1];
	for (unsigned s = 0; s < 2; s++)
		BITSET_FOR(sets[s], i) {
			if (!same(f, now, was, i))
				bitset_set(&now->differs.bits, i);
			else if (bitset_test(&now->differs.bits, i))
				bitset_unset(&now->differs.bits, i);
		}
}

/* Round r of this epoch; BOUNDED_WHOLE: so much has changed that all is to be evaluated. */
static int next_round(fix *f, kept_rounds *k, uint64_t r, int64_t *list, uint8_t *values)
{
	const kernel_plan *p = f->ex->passes[f->id];
	if (!ready_round(f, k, r))
		return BOUNDED_WHOLE;
	bitset_union(&p->dirty->elements, &k->heads);
	bool few = dirty_round(f->ex, p, &k->changed) && !bitset_above(&p->dirty->elements, f->to->count / ROUND_SHARE);
	bitset swap = k->before;
	k->before = k->changed;
	k->changed = swap;
	bitset_clear(&k->changed);
	int status = few ? evaluate(f, k, r, list, values) : BOUNDED_WHOLE;
	dirty_clear(p);
	if (!status)
		compare(f, k, r);
	return status;
}

/* The page gets the values of round `last`; returns in how many elements they differ from those of the last epoch. */
static uint64_t publish(fix *f, kept_rounds *k, uint64_t last)
{
	page *to = f->to;
	uint64_t changed = 0;
	for (uint64_t r = last + 1; r <= k->last; r++)
		bitset_union(&k->changed, &k->at[r].differs.bits);
	k->last = last;
	BITSET_FOR(&k->changed, i) {
		const uint8_t *value = value_at(f, &k->at[last], i);
		uint8_t *at = to->cur + i * to->element;
		if (memcmp(at, value, to->element) == 0)
			continue;
		saving_bytes(f->inst, to, at, to->element);
		memcpy(at, value, to->element);
		page_mark(f->inst, to, 0, i);
		changed++;
	}
	return changed;
}

static int change_rounds(fix *f, kept_rounds *k, uint64_t *changed)
{
	uint64_t most = f->constants->most.I64 > 0 ? (uint64_t)f->constants->most.I64 : 0, share = f->to->count / ROUND_SHARE + 1, r = 0;
	int64_t *list;
	uint8_t *values;
	int status = fix_buffer(f, ROUND_LIST, share * sizeof *list, &list);
	if (!status)
		status = fix_buffer(f, ROUND_VALUES, share * f->to->element, &values);
	for (bool settled = false; !status && !settled;) {
		if (r < k->last && bitset_empty(&k->heads) && bitset_empty(&k->changed)) { /* the others are as they were */
			r = k->last;
			break;
		}
		if (r == most)
			return fix_unsettled(f);
		status = next_round(f, k, ++r, list, values);
		settled = !status && bitset_empty(&k->at[r].differs.bits);
	}
	if (!status)
		*changed = publish(f, k, r);
	return status;
}

int bounded_run(fix *f, uint64_t epoch, uint64_t *changed)
{
	const kernel_plan *p = f->ex->passes[f->id];
	kept_rounds *k = rounds_of(f);
	bool moved = f->to->pat && f->to->pat->log.n > 0 && f->to->pat->log.epoch == epoch;
	if (!k || !k->valid || moved)
		return BOUNDED_WHOLE;
	int status = pass_look_up(f->ex, p, f->err);
	if (status)
		return status;
	reach reached = dirty_find(f->ex, p, epoch);
	k->valid = false;
	bitset_clear(&k->heads);
	bitset_clear(&k->changed);
	bitset_clear(&k->before);
	if (reached == REACH_SOME)
		bitset_union(&k->heads, &p->dirty->elements);
	dirty_clear(p);
	if (reached == REACH_WHOLE || !change_start(f, k))
		return BOUNDED_WHOLE;
	status = change_rounds(f, k, changed);
	k->valid = !status;
	return status;
}
