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
#include "saving.h"

/* ---- the log ----------------------------------------------------------------------------------- */

bool repair_no_memory(repair *q)
{
	q->status = fail_memory(q->f->err, q->k->log_capacity, "the repair of a fixpoint");
	return false;
}

bool repair_list(repair *q, element_list *l, uint64_t v)
{
	if ((l->n + 1) * sizeof *l->at > l->capacity && reserve(&l->at, &l->capacity, 2 * (l->n + 32) * sizeof *l->at))
		return repair_no_memory(q);
	l->at[l->n++] = (int64_t)v;
	return true;
}

bool repair_within_limits(repair *q)
{
	if (!q->status && q->w->work > q->most_work)
		q->status = REPAIR_GIVE_UP;
	return !q->status;
}

bool repair_keep_old(repair *q, uint64_t v)
{
	fix_keep *k = q->k;
	if (q->whole || k->flags[v] & LOGGED)
		return true;
	if ((k->n_log + 1) * sizeof *k->log > k->log_capacity &&
	    reserve(&k->log, &k->log_capacity, 2 * (k->n_log + 32) * sizeof *k->log))
		return repair_no_memory(q);
	k->flags[v] |= LOGGED;
	saving_bytes(q->f->inst, q->to, q->x + (v << k->order.width), (size_t)1 << k->order.width);
	k->log[k->n_log++] = (repair_entry){bits_of(q, v), (uint32_t)v, k->stamps[v], k->witness ? k->witness[v] : NONE};
	return true;
}

bool repair_write(repair *q, uint64_t v, const void *value, uint32_t stamp, uint32_t witness)
{
	if (!repair_keep_old(q, v))
		return false;
	q->w->work += WRITE_WORK;
	if (!q->whole)
		bitset_set(q->marks, v);
	memcpy(q->x + (v << q->k->order.width), value, (size_t)1 << q->k->order.width);
	q->k->stamps[v] = stamp;
	if (q->k->witness)
		q->k->witness[v] = witness;
	return true;
}

bool repair_is_start(const repair *q, uint64_t v, const void *value)
{
	return memcmp(q->support.start + v * q->support.start_stride, value, (size_t)1 << q->k->order.width) == 0;
}

/* ---- candidates -------------------------------------------------------------------------------- */

static bool put_candidate(repair *q, uint64_t v)
{
	if (q->k->flags[v] & (RESET | QUEUED) || q->k->stamps[v] == 0) /* at its start nothing needs to hold it up */
		return true;
	if (q->k->witness && q->k->witness[v] == WITNESS_BODY) /* if what that reads has changed, the whole of the kernel has been evaluated */
		return true;
	q->k->flags[v] |= QUEUED;
	if (queue_put(&q->k->queue, (queued){key_of(q, v), q->k->stamps[v], (uint32_t)v}))
		return repair_no_memory(q);
	return true;
}

/* The element may have held up its reader. */
static bool doubt(repair *q, uint64_t reader, uint64_t element)
{
	return !relax_matters(q, key_of(q, element), q->k->stamps[element], reader, true) || put_candidate(q, reader);
}

/* It did when its operand is as good as the reader's value. */
static bool doubt_operand(repair *q, uint64_t reader, uint32_t entry, const void *value)
{
	(void)entry;
	return key_at(q, value) > key_of(q, reader) || put_candidate(q, reader);
}

static bool doubt_readers(repair *q)
{
	const element_list *l = &q->k->resets;
	bool ok = true;
	for (uint64_t i = 0; i < l->n && ok && !q->k->relaxes; i++)
		ok = visit_readers(q, (uint64_t)l->at[i], doubt) && repair_within_limits(q);
	for (uint32_t r = 0; r < q->k->n_own && ok && q->k->relaxes; r++) {
		if (q->k->own[r].kind != OWN_LANES)
			continue;
		for (uint64_t i = 0; i < l->n && ok; i++)
			ok = relax_put(q, &q->k->own[r], (uint64_t)l->at[i], true, doubt_operand) && repair_within_limits(q);
		ok = ok && relax_run(q, doubt_operand);
	}
	return ok;
}

static bool put_dirty(repair *q, uint64_t v)
{
	if (q->k->flags[v] & DIRTY)
		return true;
	q->k->flags[v] |= DIRTY;
	return repair_list(q, &q->k->dirty, v);
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
		if (!repair_write(q, v, q->support.start + v * q->support.start_stride, 0, NONE) || !put_dirty(q, v))
			return false;
	}
	l->n = 0;
	return true;
}

static uint64_t start_key(const repair *q, uint64_t v)
{
	return value_key(&q->k->order, value_bits(&q->k->order, q->support.start + v * q->support.start_stride));
}

/* What becomes of a candidate whose body has this value with the values alone that count. */
static bool judge(repair *q, uint64_t v, uint32_t entry, const void *value)
{
	uint64_t mine = key_of(q, v), its = key_at(q, value);
	/* Stamp 0 belongs to elements at their start: it goes when the start does, whatever else holds the element up. */
	bool left = q->start_moves && q->k->stamps[v] == 0 && start_key(q, v) > mine;
	if (its > mine || left)
		return repair_list(q, &q->k->resets, v);
	if (its < mine)
		return put_dirty(q, v);
	if (q->k->witness && entry != q->k->witness[v]) {
		if (!repair_keep_old(q, v))
			return false;
		q->k->witness[v] = entry;
	}
	if (!q->start_moves || q->k->stamps[v] == 0 || !repair_is_start(q, v, value))
		return true;
	if (!repair_keep_old(q, v)) /* where it stands is its start now */
		return false;
	q->k->stamps[v] = 0;
	return true;
}

/* Elements whose inputs have changed are evaluated by the whole of the kernel, conditions on data included. */
static bool check(repair *q, const int64_t *list, uint32_t n)
{
	struct executor *ex = q->f->ex;
	if (!repair_ready(q))
		return false;
	ex->support = &q->support;
	const uint8_t *values = pass_batch(ex, q->p, list, n);
	ex->support = NULL;
	q->f->inst->pass_stats[q->f->id].evaluated += n;
	for (uint32_t i = 0; i < n; i++)
		if (!judge(q, (uint64_t)list[i], NONE, values + ((size_t)i << q->k->order.width)))
			return false;
	return repair_within_limits(q);
}

/* Operands of an element, as long as one is wanted that holds it up; false: none does, and `value` is what its reduction gives at best. */
static bool held_up(repair *q, uint64_t v, uint64_t *value, bool *ok)
{
	uint32_t entry = NONE;
	*ok = true;
	if (relax_witnessed(q, v))
		return true;
	*value = op_identity(q->f->pass->op, q->to->def->type);
	relax_pull(q, v, true, value, &entry);
	if (entry != NONE)
		*ok = judge(q, v, entry, value);
	return entry != NONE;
}

/* Of others the operands are computed one by one where that is simple. Then something else must hold them up. */
static bool check_simple(repair *q, int64_t *list, uint32_t n)
{
	struct executor *ex = q->f->ex;
	size_t width = q->k->order.width;
	uint64_t reduced[TAKEN_TOGETHER];
	uint32_t left = 0;
	bool ok = true;
	for (uint32_t i = 0; i < n && ok; i++)
		if (!held_up(q, (uint64_t)list[i], &reduced[left], &ok))
			list[left++] = list[i];
	if (!ok || left == 0)
		return ok && repair_within_limits(q);
	if (!repair_ready(q))
		return false;
	ex->support = &q->support;
	ex->bare = q->k->simple->region;
	const uint8_t *values = pass_batch(ex, q->p, list, left);
	ex->bare = NULL;
	ex->support = NULL;
	q->f->inst->pass_stats[q->f->id].evaluated += left;
	for (uint32_t i = 0; i < left; i++) {
		const void *value = values + ((size_t)i << width);
		bool body = key_at(q, value) < key_at(q, &reduced[i]);
		if (!judge(q, (uint64_t)list[i], body ? WITNESS_BODY : NONE, body ? value : &reduced[i]))
			return false;
	}
	return repair_within_limits(q);
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
	return true;
}

/* An operand whose entry has changed: it may be better than what its reader has, or have held it up. */
static bool check_operand(repair *q, uint64_t reader, uint32_t entry, const void *value)
{
	if (key_at(q, value) < key_of(q, reader))
		return repair_list(q, &q->k->better, entry);
	uint32_t witness = q->k->witness[reader];
	return (witness != NONE && witness != entry) || put_candidate(q, reader);
}

/* Whom an entry that is gone may have held up. */
static bool check_gone(repair *q, const entry_change *e)
{
	uint64_t reader = q->k->simple->region->def->kind == REGION_COL ? e->col : e->row;
	uint32_t witness = q->k->witness[reader];
	return (witness != NONE && witness != e->slot) || put_candidate(q, reader);
}

/* Operands of entries, whose lines of memory are asked for together. */
static bool check_some(repair *q, const uint32_t *entry, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		relax_fetch_entry(q, entry[i]);
	for (uint32_t i = 0; i < n; i++)
		if (!relax_put_entry(q, entry[i], check_operand))
			return false;
	return repair_within_limits(q);
}

static bool check_changed(repair *q, const page *from)
{
	uint32_t some[TAKEN_TOGETHER], n = 0;
	BITSET_FOR(&from->now[0].bits, entry) {
		if (!from->pat->alive[entry])
			continue;
		some[n++] = (uint32_t)entry;
		if (n == TAKEN_TOGETHER) {
			if (!check_some(q, some, n))
				return false;
			n = 0;
		}
	}
	return check_some(q, some, n);
}

/* Entries that have changed, came or went. */
static bool check_entries(repair *q)
{
	if (!q->k->simple)
		return true;
	const page *from = q->p->reads[q->k->simple->entries].from; /* the pattern's owner, or a page like it */
	const pattern_log *log = &from->pat->log;
	uint64_t epoch = q->f->inst->epoch + 1;
	size_t moved = log->epoch == epoch ? log->n : 0;
	if (from->changed == epoch && !check_changed(q, from))
		return false;
	for (size_t i = 0; i < moved; i++) /* one that came need not be marked: its value may be the zero that it began with */
		if (!log->at[i].gone && !bitset_test(&from->now[0].bits, log->at[i].slot) && !relax_put_entry(q, log->at[i].slot, check_operand))
			return false;
	if (!relax_run_checked(q, check_operand))
		return false;
	for (size_t i = 0; i < moved; i++)
		if (log->at[i].gone && !check_gone(q, &log->at[i]))
			return false;
	return repair_within_limits(q);
}

/* Entries of a sparse page that came stand at their start; they are heads, as are those who read what came or went. */
static bool start_entries(repair *q)
{
	const pattern_log *log = q->to->pat ? &q->to->pat->log : NULL;
	for (size_t i = 0; log && log->epoch == q->f->inst->epoch + 1 && i < log->n; i++)
		if (!log->at[i].gone && !repair_write(q, log->at[i].slot, q->support.start, 0, NONE))
			return false;
	return true;
}

static bool check_inputs(repair *q, const bitset *heads)
{
	uint64_t changed;
	if (!start_entries(q) || !check_heads(q, heads) || !check_entries(q))
		return false;
	if (q->ready)
		q->status = job_end(q->f->ex, &changed, q->f->err);
	return !q->status;
}

static bool reset_all(repair *q)
{
	int64_t list[TAKEN_TOGETHER];
	queue *c = &q->k->queue;
	while (q->k->resets.n > 0 || c->n > 0) {
		if (!reset_listed(q))
			return false;
		uint32_t n = 0;
		while (n < TAKEN_TOGETHER && c->n > 0) {
			list[n] = queue_take(c).element;
			q->k->flags[list[n++]] &= (uint8_t)~QUEUED;
		}
		if (n && !(q->k->simple ? check_simple(q, list, n) : check(q, list, n)))
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
void repair_tidy(repair *q)
{
	fix_keep *k = q->k;
	clear_flags(k, &k->dirty);
	clear_flags(k, &k->resets);
	clear_flags(k, &k->batch);
	for (uint64_t i = 0; i < k->queue.n; i++)
		k->flags[k->queue.at[i].element] = 0;
	for (uint64_t i = 0; i < k->n_log; i++)
		k->flags[k->log[i].element] = 0;
	k->dirty.n = k->resets.n = k->batch.n = k->better.n = k->queue.n = 0;
	k->relaxation.n = 0;
}

void repair_mark_entries(const fix *f)
{
	const pattern_log *log = f->to->pat ? &f->to->pat->log : NULL;
	for (size_t i = 0; log && log->epoch == f->inst->epoch + 1 && i < log->n; i++)
		bitset_set(&f->to->now[0].bits, log->at[i].slot);
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
	repair_mark_entries(q->f);
	return changed;
}

void repair_undo(const fix *f, fix_keep *k)
{
	for (uint64_t i = 0; i < k->n_log; i++) {
		const repair_entry *e = &k->log[i];
		memcpy(f->to->cur + ((size_t)e->element << k->order.width), &e->bits, (size_t)1 << k->order.width);
		k->stamps[e->element] = e->stamp;
		if (k->witness)
			k->witness[e->element] = e->witness;
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

bool repair_ready(repair *q)
{
	if (!q->ready)
		q->status = pass_begin(q->f->ex, q->p, q->f->err);
	q->ready = true;
	return !q->status;
}

column repair_entries(const fix *f, const fix_keep *k)
{
	static uint8_t present = 1;
	const read_plan *rp = &f->ex->passes[f->id]->reads[k->simple->entries];
	return rp->from->element == 0 ? (column){&present, 0, T_BOOL} : page_column(f->inst, rp->from, false, rp->def->field);
}

void repair_begin(repair *q, fix *f, fix_keep *k)
{
	q->f = f;
	q->k = k;
	q->p = f->ex->passes[f->id];
	q->w = &f->ex->workers[0];
	q->to = f->to;
	q->x = f->to->cur;
	q->marks = &f->to->now[0].bits;
	f->ex->self = NULL;
	find_start(q);
	if (k->simple)
		q->entries = repair_entries(f, k);
	q->most_work = UINT64_MAX;
}

/* Operands that were found to be better, now that nothing more is reset. */
static bool improve_entries(repair *q)
{
	for (uint64_t i = 0; i < q->k->better.n; i++)
		if (!relax_put_entry(q, (uint32_t)q->k->better.at[i], drain_improve))
			return false;
	return q->k->better.n == 0 || relax_run_checked(q, drain_improve);
}

int repair_run(fix *f, fix_keep *k, const bitset *heads, uint64_t *changed)
{
	repair q = {.whole = false};
	repair_begin(&q, f, k);
	q.most_work = q.w->work + (uint64_t)((double)k->whole_work * f->ex->give_up);
	k->n_log = 0;
	k->commit = f->inst->commits;
	k->whole = false;
	uint64_t env = fpenv_enter();
	bool done = check_inputs(&q, heads) && reset_all(&q) && improve_entries(&q) && drain_list(&q, &k->dirty, RESET | DIRTY) && drain(&q);
	fpenv_leave(env);
	repair_tidy(&q);
	if (done)
		*changed = compare_log(&q);
	else if (q.status != REPAIR_GIVE_UP)
		repair_undo(f, k);
	return done ? MMSB_OK : q.status;
}
