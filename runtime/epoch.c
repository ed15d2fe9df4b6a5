/* epoch.c - a commit: all that is staged becomes one epoch, or nothing does.
 *
 * The order stands in one_epoch: bind, keep the values of the epoch before, change the sources, run the passes, tell the journal, publish, tell subscribers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "apply.h"
#include "dirty.h"
#include "events.h"
#include "fpenv.h"

uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* For how many epochs the time of the one at hand counts; 0: it is not taken, since reading the clock some times takes as long as a small epoch. Where
 * the last one that was timed was short, one in SAMPLE is, at distances that no pattern of epochs follows. */
static uint64_t weight_of(const mmsb_instance *m)
{
	enum { SHORT_NS = 20000, SAMPLE = 16, SAMPLE_BITS = 4 };
	if (m->epoch == 0 || m->last_ns >= SHORT_NS)
		return 1;
	return m->commits * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SAMPLE_BITS) == 0 ? SAMPLE : 0;
}

static uint64_t time_if(uint64_t weight) { return weight ? now_ns() : 0; }

static bool is_derived(const page *p) { return p->def->pass != NONE; }
static bool is_sparse(const page *p) { return (p->def->flags & PAGEF_SPARSE) != 0; }

/* ---- sparse pages ---- */

/* Patterns forget what the last epoch changed of them, those of the epoch before follow it. */
static int begin_patterns(mmsb_instance *m, uint64_t epoch, mmsb_error *err)
{
	for (uint32_t i = 0; i < m->sch->n_pages; i++) {
		const page *p = &m->pages[i];
		if (p->pat && p->def->like == NONE && pattern_begin(p->pat, p->prev_pat, epoch))
			return fail_memory(err, p->count * sizeof(uint32_t), "the entries of the epoch before");
	}
	return MMSB_OK;
}

/* `init P`: before the first epoch a derived page has the value that source P has in epoch 1 (sources: apply.c). */
static void take_init_pages(mmsb_instance *m)
{
	for (uint32_t i = 0; i < m->sch->n_pages; i++) {
		page *p = &m->pages[i];
		if (p->def->init_page == NONE || !is_derived(p))
			continue;
		uint32_t n = p->def->record == NONE ? 1 : m->sch->records[p->def->record].n_fields;
		for (uint32_t k = 0; k < n; k++) {
			uint32_t field = p->def->record == NONE ? NONE : k;
			column c = page_column(m, &m->pages[p->def->init_page], false, field);
			for (int prev = 0; prev <= (p->prev != NULL); prev++) {
				column to = page_column(m, p, prev, field);
				store_column(&to, 0, NULL, p->count, c.base, c.stride, NULL);
			}
		}
	}
}

/* ---- passes ---- */

/* The positions that a region runs over: keys, or entries, whose values are reads of their own. (Of the epoch before it is not known
 * whether entries came and went, or values alone changed.) */
static bool run_over_changed(const page *p, uint64_t epoch, bool prev)
{
	return is_sparse(p) && !prev ? p->pattern_changed == epoch : page_changed_in(p, epoch, prev);
}

/* A page or pattern that the pass reads in this epoch differs from what the pass read in the epoch before. */
static bool input_changed(const mmsb_instance *m, uint32_t pass, uint64_t epoch)
{
	const schedule *s = m->sch;
	const sch_pass *ps = &s->passes[pass];
	const sch_kernel *k = &s->kernels[ps->kernel];
	for (uint32_t i = 0; i < k->n_reads; i++) {
		const sch_read *r = &s->reads[k->first_read + i];
		if (r->page == ps->page && !r->prev)
			continue; /* the fixpoint's own rounds */
		if (m->pages[r->page].stale || page_changed_in(&m->pages[r->page], epoch, r->prev))
			return true;
	}
	for (uint32_t i = 0; i < k->n_regions; i++) {
		const sch_region *g = &s->regions[k->first_region + i];
		if (g->page != NONE && (m->pages[g->page].stale || run_over_changed(&m->pages[g->page], epoch, g->prev)))
			return true;
	}
	return ps->start_page != NONE && m->pages[ps->start_page].changed == epoch;
}

static int run_pass(mmsb_instance *m, uint32_t i, uint64_t epoch, mmsb_error *err)
{
	const sch_pass *ps = &m->sch->passes[i];
	page *p = &m->pages[ps->page];
	uint64_t changed = 0;
	bool stateful = ps->kind == PASS_FIX_BOUNDED || ps->kind == PASS_FIX_NUMERIC;
	bool all = epoch == 1 || (m->stale && ps->kind != PASS_FIX_NUMERIC);
	if (!all && (stateful || !m->options.scratch) && !input_changed(m, i, epoch)) {
		buffers_catch_up(m, p);
		return MMSB_OK;
	}
	if (lazy_defer(m, i, epoch, all)) {
		buffers_catch_up(m, p);
		return MMSB_OK;
	}
	uint64_t start = m->options.time_passes ? now_ns() : 0;
	int status = executor_pass(m, i, epoch, all || m->options.scratch, &changed, err);
	if (m->options.time_passes)
		m->pass_stats[i].ns += now_ns() - start;
	m->pass_stats[i].epochs++;
	m->pass_stats[i].changed += changed;
	bool moved = is_sparse(p) && m->pages[p->def->like].pattern_changed == epoch;
	if (status || changed || moved)
		bitset_set(&m->touched, p->id);
	if (changed || moved) {
		p->changed = epoch;
		p->version++;
	}
	return status;
}

/* Passes that read what has changed: marked when it changes, since passes run in the order of the schedule. */
static void mark_readers(mmsb_instance *m, uint32_t page_id, bool prev)
{
	const uint32_t *start = &m->reader_start[2 * page_id + prev];
	for (uint32_t i = start[0]; i < start[1]; i++)
		bitset_set(&m->pending, m->readers_of[i]);
}

/* What changed in the last epoch is what `prev` reads in this one; what changed places with its second buffer has to catch up. */
static void mark_changed_before(mmsb_instance *m)
{
	BITSET_FOR(&m->touched_before, i) {
		mark_readers(m, (uint32_t)i, true);
		if (m->pages[i].behind)
			bitset_set(&m->pending, m->pages[i].def->pass);
	}
}

static int run_all(mmsb_instance *m, uint64_t epoch, mmsb_error *err)
{
	int status = MMSB_OK;
	for (uint32_t i = 0; i < m->sch->n_passes && !status; i++)
		status = run_pass(m, i, epoch, err);
	return status;
}

/* Passes of one element, which are many where there are chains of scalars, take a short way. */
static bool run_tape(mmsb_instance *m, uint32_t i, uint64_t epoch)
{
	page *p = &m->pages[m->sch->passes[i].page];
	bool changed;
	if (m->options.time_passes || !executor_tape(m, i, &changed))
		return false;
	m->pass_stats[i].epochs++;
	if (!changed)
		return true;
	m->pass_stats[i].changed++;
	page_mark(m, p, 0, 0);
	p->changed = epoch;
	p->version++;
	return true;
}

static int run_pending(mmsb_instance *m, uint64_t epoch, mmsb_error *err)
{
	int status = MMSB_OK;
	mark_changed_before(m);
	BITSET_FOR(&m->touched, i)
		mark_readers(m, (uint32_t)i, false);
	for (uint64_t i = bitset_next(&m->pending, 0); i != BITSET_END && !status; i = bitset_next(&m->pending, i + 1)) {
		const page *p = &m->pages[m->sch->passes[i].page];
		if (!run_tape(m, (uint32_t)i, epoch))
			status = run_pass(m, (uint32_t)i, epoch, err);
		if (p->changed == epoch || p->stale)
			mark_readers(m, p->id, false);
	}
	bitset_clear(&m->pending);
	return status;
}

static int run_passes(mmsb_instance *m, uint64_t epoch, mmsb_error *err)
{
	uint64_t env = fpenv_enter(), steps = epoch - m->epoch;
	int status = steps > 1 ? executor_ticks(m, steps, epoch, err) : epoch == 1 || m->stale || m->options.scratch ? run_all(m, epoch, err) : run_pending(m, epoch, err);
	fpenv_leave(env);
	return status;
}

/* Which passes read a page, or a page's values of the epoch before: lists one after the other. */
static void count_reader(const mmsb_instance *m, uint32_t page_id, bool prev, uint32_t pass, uint32_t *next)
{
	uint32_t *at = &next[2 * page_id + prev];
	if (m->readers_of)
		m->readers_of[*at] = pass;
	++*at;
}

static void count_readers(const mmsb_instance *m, uint32_t *next)
{
	const schedule *s = m->sch;
	for (uint32_t i = 0; i < s->n_passes; i++) {
		const sch_kernel *k = &s->kernels[s->passes[i].kernel];
		for (uint32_t r = 0; r < k->n_reads; r++)
			count_reader(m, s->reads[k->first_read + r].page, s->reads[k->first_read + r].prev, i, next);
		for (uint32_t r = 0; r < k->n_regions; r++) {
			const sch_region *g = &s->regions[k->first_region + r];
			if (g->page != NONE)
				count_reader(m, g->page, g->prev, i, next);
		}
		if (s->passes[i].start_page != NONE)
			count_reader(m, s->passes[i].start_page, false, i, next);
	}
}

int passes_new(mmsb_instance *m, mmsb_error *err)
{
	uint32_t n = 2 * m->sch->n_pages, sum = 0;
	uint32_t *next = calloc(n + 1, sizeof *next);
	m->reader_start = calloc(n + 1, sizeof *m->reader_start);
	if (!next || !m->reader_start || bitset_new(&m->pending, m->sch->n_passes)) {
		free(next);
		return fail_memory(err, n * sizeof *next, "which passes read a page");
	}
	count_readers(m, next);
	for (uint32_t i = 0; i < n; i++) {
		m->reader_start[i] = sum;
		sum += next[i];
		next[i] = m->reader_start[i];
	}
	m->reader_start[n] = sum;
	m->readers_of = calloc(sum + 1, sizeof *m->readers_of);
	if (m->readers_of)
		count_readers(m, next);
	free(next);
	return m->readers_of ? MMSB_OK : fail_memory(err, sum * sizeof *m->readers_of, "which passes read a page");
}

void passes_free(mmsb_instance *m)
{
	free(m->reader_start);
	free(m->readers_of);
	m->reader_start = m->readers_of = NULL;
	bitset_free(&m->pending);
}

/* ---- failure ---- */

/* Derived pages of one buffer hold what the failed epoch left in them: only memory can have run out, and what the sources hold
 * says what they were. Where there is no memory for that either they are not to be trusted until the next commit. */
static void evaluate_again(mmsb_instance *m)
{
	mmsb_error ignored;
	uint64_t env = fpenv_enter();
	m->stale = run_all(m, m->epoch, &ignored) != MMSB_OK;
	fpenv_leave(env);
	buffers_forget_marks(m);
}

/* Everything as before the commit: sources by their undo, derived pages by their second buffer or by evaluating them again. */
static void roll_back(mmsb_instance *m, uint64_t epoch)
{
	m->at_hand = m->epoch;
	apply_undo(m);
	buffers_roll_back(m);
	for (uint32_t i = 0; m->epoch == 0 && i < m->sch->n_pages; i++)
		m->pages[i].stale = false; /* @lazy pages have their first values too */
	executor_forget(m->executor);
	for (uint32_t i = 0; i < m->sch->n_pages; i++) {
		page *p = &m->pages[i];
		if (p->pattern_changed == epoch)
			p->pattern_changed = 0;
		page_indexes_rollback(p, epoch);
		if (!is_derived(p))
			continue;
		if (!p->before)
			m->stale = true;
		if (p->changed == epoch)
			p->changed = p->changed_before;
		p->version++;
	}
	mmsb_error ignored;
	if (m->epoch == 0)
		m->stale = instance_refill(m, &ignored) != MMSB_OK;
	else if (m->stale && !m->has_state) /* else the next commit evaluates everything: it has what was before, this one had not */
		evaluate_again(m);
}

static void note_failure(mmsb_instance *m, uint64_t epoch, mmsb_error *err)
{
	m->stats.failed++;
	if (!err)
		return;
	err->epoch = epoch;
	char text[sizeof err->message];
	memcpy(text, err->message, sizeof text);
	int page_at_fault = err->page;
	uint64_t index[8];
	unsigned ndim = err->ndim;
	memcpy(index, err->index, sizeof index);
	fail(err, err->status, "epoch %llu failed: %.900s", (unsigned long long)epoch, text);
	err->page = page_at_fault;
	err->ndim = ndim;
	err->epoch = epoch;
	memcpy(err->index, index, sizeof index);
}

/* ---- the journal ---- */

static bool has_journal(const mmsb_instance *m) { return m->journal.ops != NULL; }

/* The journal has failed: nothing is committed any more. */
static void make_readonly(mmsb_instance *m, const mmsb_error *why)
{
	if (m->readonly)
		return;
	m->readonly = true;
	snprintf(m->readonly_why, sizeof m->readonly_why, "%.500s", why->message);
}

static int refuse(const mmsb_instance *m, mmsb_error *err)
{
	return fail(err, MMSB_READONLY, "the instance is read-only since epoch %llu, after which its state could not be kept: %s",
	            (unsigned long long)m->epoch, m->readonly_why);
}

/* Tells the journal of the epoch, and waits until it is as durable as is asked for. */
static int keep_epoch(mmsb_instance *m, uint64_t e, const char *source, mmsb_error *err)
{
	if (!has_journal(m))
		return MMSB_OK;
	int status = m->journal.ops->append(m->journal.at, m, e, source, err);
	if (!status)
		status = m->journal.ops->wait(m->journal.at, m, e, err);
	if (status)
		make_readonly(m, err);
	return status;
}

/* The same of n ticks up to the last epoch, which stand already. */
static int keep_ticks(mmsb_instance *m, uint64_t n, const char *source, mmsb_error *err)
{
	if (!has_journal(m) || n == 0)
		return MMSB_OK;
	int status = m->journal.ops->append_ticks(m->journal.at, m, m->epoch, n, source, err);
	if (!status)
		status = m->journal.ops->wait(m->journal.at, m, m->epoch, err);
	if (status)
		make_readonly(m, err);
	return status;
}

/* The last epoch is published: subscribers are told, then the journal. */
static int after_epoch(mmsb_instance *m, const char *source, mmsb_error *err)
{
	events_epoch(m, m->epoch, source);
	if (!has_journal(m))
		return MMSB_OK;
	int status = m->journal.ops->after(m->journal.at, m, m->epoch, err);
	if (status) {
		make_readonly(m, err);
		events_failed(m, m->epoch, err);
	}
	return status;
}

/* ---- the commit ---- */

/* Evaluates what was taken: on success nothing is left that may fail but the journal. */
static int evaluate(mmsb_instance *m, uint64_t e, bool fill, mmsb_error *err)
{
	uint64_t t0 = time_if(m->weight);
	int status = apply_staged(m, e, err);
	if (!status && e == 1)
		take_init_pages(m);
	m->stats.staged += m->staging->total;
	uint64_t t1 = time_if(m->weight);
	if (!status)
		status = run_passes(m, e, err);
	uint64_t t2 = time_if(m->weight);
	if (!status)
		readers_note(m);
	if (!status && fill)
		status = readers_fill(m, err);
	if (!status)
		status = changes_collect(m, e, err);
	if (status)
		return status;
	if (!m->weight)
		return MMSB_OK;
	uint64_t t3 = now_ns();
	m->stats.ns_apply += (t1 - t0) * m->weight;
	m->stats.ns_passes += (t2 - t1) * m->weight;
	m->stats.ns_publish += (t3 - t2) * m->weight;
	m->last_ns = t3 - t0;
	return MMSB_OK;
}

static int refuse_callback(mmsb_error *err)
{
	return fail(err, MMSB_ORDER, "a callback of an event cannot commit: the epoch that it is told of is not over yet");
}

/* One epoch: of what is staged, or (a tick, which is told to the journal later, with others) of nothing; or several ticks at once, of which nobody
 * sees any but the last: `steps`. For concurrent readers it is noted,
 * or written where they do not look yet (`fill`), or shown. */
typedef enum showing { NOTE, FILL, SHOW } showing;

static int one_epoch(mmsb_instance *m, uint64_t steps, bool staged, showing how, const char *source, uint64_t *epoch, mmsb_error *err)
{
	if (events_telling(m))
		return refuse_callback(err);
	int status = mmsb_bind(m, err);
	if (!status && m->readonly)
		status = refuse(m, err);
	if (!status)
		status = readers_admit(m, err);
	if (status)
		return status;
	uint64_t e = m->at_hand = m->epoch + steps;
	m->commits++;
	m->weight = weight_of(m);
	uint64_t t0 = time_if(m->weight);
	if (staged)
		staging_close(m);
	status = begin_patterns(m, e, err);
	if (status) {
		m->at_hand = m->epoch;
		note_failure(m, e, err);
		staging_drop(m);
		events_failed(m, e, err);
		return status;
	}
	buffers_begin(m);
	uint64_t begun = time_if(m->weight) - t0;
	status = evaluate(m, e, how != NOTE, err);
	if (!status && staged)
		status = keep_epoch(m, e, source, err);
	staging_drop(m);
	if (status) {
		roll_back(m, e);
		note_failure(m, e, err);
		events_failed(m, e, err);
		return status;
	}
	apply_keep(m);
	if (how == SHOW)
		readers_publish(m, e);
	m->epoch = e;
	m->stale = false;
	m->stats.epochs += steps;
	m->stats.ns_apply += begun * m->weight;
	if (epoch)
		*epoch = e;
	return staged ? after_epoch(m, source, err) : MMSB_OK;
}

int mmsb_commit_from(mmsb_instance *m, const char *source, uint64_t *epoch, mmsb_error *err)
{
	mmsb_error local;
	turn_call call = {.shares = true, .err = err ? err : &local}, *others;
	if (turn_is_mine(&m->turn))
		return refuse_callback(call.err);
	if (turn_begin(&m->turn, &call, &others)) {
		call.status = one_epoch(m, 1, true, SHOW, source, &call.epoch, call.err);
		turn_end(&m->turn, &call, others);
	}
	if (epoch && call.epoch)
		*epoch = call.epoch;
	return call.status;
}

int mmsb_commit(mmsb_instance *m, uint64_t *epoch, mmsb_error *err) { return mmsb_commit_from(m, NULL, epoch, err); }

bool ticks_are_idle(const mmsb_instance *m)
{
	return m->epoch > 0 && !m->stale && !m->options.scratch && bitset_empty(&m->touched) && bitset_empty(&m->touched_before);
}

/* Ticks that would change nothing, whatever their number. */
static void pass_over(mmsb_instance *m, uint64_t n)
{
	m->epoch += n;
	m->at_hand = m->epoch;
	m->commits += n;
	m->stats.epochs += n;
}

/* The last of n ticks is an epoch like others, so that it is known what it changed, and those that look at every epoch's changes are told of each. */
static uint64_t steps_at_once(mmsb_instance *m, uint64_t n)
{
	if (n < 3 || m->epoch == 0 || m->stale || m->options.scratch || changes_watched(m))
		return 1;
	uint64_t steps = executor_steps(m, n - 1);
	return steps > 1 ? steps : 1;
}

static int ticks_together(mmsb_instance *m, uint64_t n, uint64_t *epoch, mmsb_error *err)
{
	mmsb_error kept = {.status = MMSB_OK};
	int status = MMSB_OK;
	uint64_t done = 0, first = m->epoch;
	while (done < n && !status) {
		uint64_t steps = steps_at_once(m, n - done);
		done += steps;
		status = one_epoch(m, steps, false, done < n ? NOTE : has_journal(m) ? FILL : SHOW, NULL, epoch, err);
		if (!status && n - done > 1 && ticks_are_idle(m)) {
			pass_over(m, n - done - 1);
			done = n - 1;
		}
	}
	int told = keep_ticks(m, m->epoch - first, NULL, &kept);
	bool shows = has_journal(m) ? m->epoch > first : status && done > 1; /* the last that stands */
	if (!told && shows && (!status || !readers_fill(m, NULL)))
		readers_publish(m, m->epoch);
	if (told)
		events_failed(m, m->epoch, &kept);
	else if (m->epoch > first)
		told = after_epoch(m, NULL, &kept);
	if (!told)
		return status;
	*err = kept;
	return told;
}

static int ticks_alone(mmsb_instance *m, uint64_t n, uint64_t *epoch, mmsb_error *err)
{
	if (!staging_empty(m))
		return fail(err, MMSB_ORDER, "ticks are epochs without deltas, but some are staged: commit or discard them first");
	if (n > UINT64_MAX - 1 - m->epoch)
		return fail(err, MMSB_RANGE, "after epoch %llu there cannot be %llu more", (unsigned long long)m->epoch, (unsigned long long)n);
	int status = MMSB_OK;
	uint64_t left = n;
	while (left > 0 && !status) { /* whoever is subscribed sees every epoch */
		uint64_t some = events_wanted(m) ? 1 : left;
		status = ticks_together(m, some, epoch, err);
		left -= some;
	}
	return status;
}

int mmsb_ticks(mmsb_instance *m, uint64_t n, uint64_t *epoch, mmsb_error *err)
{
	mmsb_error local;
	turn_call call = {.err = err ? err : &local}, *others;
	if (turn_is_mine(&m->turn))
		return refuse_callback(call.err);
	turn_begin(&m->turn, &call, &others);
	call.status = ticks_alone(m, n, epoch, call.err);
	turn_end(&m->turn, &call, NULL);
	return call.status;
}
