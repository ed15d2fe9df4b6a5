/* fixpoint.c - rounds over a page until it settles. An exact fixpoint has one value whatever the order of evaluation: along a graph
 * only what a change concerns is evaluated again (frontier.c), else on one thread its rounds run in place, where news travels
 * faster. All other rounds are synchronous: they read the round before. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bounded.h"
#include "device.h"
#include "repair.h"
#include "saving.h"
#include "thresholds.h"

static uint32_t n_columns(const fix *f)
{
	uint32_t record = f->to->def->record;
	return record == NONE ? 1 : f->inst->sch->records[record].n_fields;
}

/* A column of the page's layout in another buffer of it. */
static column column_in(const fix *f, uint32_t i, const uint8_t *buffer)
{
	column c = page_column(f->inst, f->to, false, f->to->def->record == NONE ? NONE : i);
	c.base = (uint8_t *)(uintptr_t)buffer + (c.base - f->to->cur);
	return c;
}

int fix_buffer(fix *f, unsigned which, size_t bytes, void *out_address)
{
	size_t before = f->ex->rounds_size[which];
	if (reserve(&f->ex->rounds[which], &f->ex->rounds_size[which], bytes + 1))
		return fail_memory(f->err, bytes, "the rounds of a fixpoint");
	if (f->ex->rounds_size[which] > before)
		memset(f->ex->rounds[which] + before, 0, f->ex->rounds_size[which] - before);
	*(void **)out_address = f->ex->rounds[which];
	return MMSB_OK;
}

/* ---- where rounds start ------------------------------------------------------------------------ */

static void start_from_page(fix *f, const page *from)
{
	for (uint32_t i = 0; i < n_columns(f); i++) {
		column to = column_in(f, i, f->now), c = page_column(f->inst, from, false, from->def->record == NONE ? NONE : i);
		size_t width = type_table[to.type].bytes;
		uint64_t n = f->to->count < from->count ? f->to->count : from->count;
		if (to.stride == width && c.stride == width && n > 0) {
			memcpy(to.base, c.base, n * width);
			continue;
		}
		for (uint64_t e = 0; e < n; e++)
			memcpy(to.base + e * to.stride, c.base + e * c.stride, width);
	}
}

static void start_from_constant(fix *f)
{
	for (uint32_t i = 0; i < n_columns(f); i++) {
		column to = column_in(f, i, f->now);
		if (to.stride == type_table[to.type].bytes) {
			f->ex->k->fill[width_of(to.type)](to.base, &f->constants->start[i], f->to->count);
			continue;
		}
		for (uint64_t e = 0; e < f->to->count; e++)
			memcpy(to.base + e * to.stride, &f->constants->start[i], type_table[to.type].bytes);
	}
}

/* What lies at the holes of a sparse page differs in no two rounds. */
static void clear_holes(const fix *f, uint8_t *values)
{
	if (f->to->pat)
		pattern_clear_holes(f->to->pat, values, f->to->element);
}

void fix_start_rounds(fix *f)
{
	if (f->pass->start_page != NONE)
		start_from_page(f, &f->inst->pages[f->pass->start_page]);
	else if (f->pass->start != NONE)
		start_from_constant(f);
	clear_holes(f, f->now);
}

static int constant(fix *f, uint32_t kernel, scalar *out)
{
	return kernel == NONE ? MMSB_OK : executor_constant(f->inst, kernel, out, f->err);
}

static int find_constants(fix *f)
{
	fix_constants *c = &f->ex->constants[f->id];
	f->constants = c;
	if (c->known)
		return MMSB_OK;
	if (!c->start)
		c->start = calloc(n_columns(f), sizeof *c->start);
	if (!c->start)
		return fail_memory(f->err, n_columns(f) * sizeof *c->start, "the start of a fixpoint");
	int status = constant(f, f->pass->start, c->start);
	if (!status)
		status = constant(f, f->pass->max_rounds, &c->most);
	if (!status)
		status = constant(f, f->pass->tol, &c->tol);
	c->known = !status;
	return status;
}

/* Where the page stands; new entries of a sparse page are zero there. */
static void start_where_it_stands(fix *f)
{
	if (f->bytes)
		memmove(f->now, f->was, f->bytes);
	clear_holes(f, f->now);
}

/* ---- rounds ------------------------------------------------------------------------------------ */

/* One in so many elements changed is few; how many rounds over all elements go before elements hand on their values. */
enum { FEW = 8, WHOLE_ROUNDS = 4 };

/* Evaluates the page from f->now into `to`; *changed: how many elements differ from f->now. */
static int evaluate_round(fix *f, uint8_t *to, uint64_t *changed)
{
	pass_target target = {.at = to, .was = f->now};
	if (f->keep) {
		f->keep->clock++;
		target = (pass_target){to, f->now, NULL, f->keep->stamps, &f->keep->clock, to == f->now};
	}
	f->ex->self = f->now;
	int status = pass_look_up(f->ex, f->ex->passes[f->id], f->err);
	if (!status)
		status = pass_run_whole(f->ex, f->ex->passes[f->id], &target, changed, f->err);
	f->ex->self = NULL;
	f->inst->pass_stats[f->id].rounds++;
	f->inst->pass_stats[f->id].evaluated += f->to->count;
	return status;
}

static int synchronous_round(fix *f, uint64_t *changed)
{
	int status = evaluate_round(f, f->next, changed);
	uint8_t *before = f->now;
	f->now = f->next;
	f->next = before;
	return status;
}

static void start_exact(fix *f)
{
	fix_keep *k = f->keep;
	fix_start_rounds(f);
	if (!k)
		return;
	k->clock = 0;
	if (f->to->count == 0)
		return;
	memset(k->stamps, 0, f->to->count * sizeof *k->stamps);
	if (k->witness)
		memset(k->witness, 0xff, f->to->count * sizeof *k->witness);
}

/* Those that the first round has changed have their value of what is left of the body. */
static void note_bodies(const fix *f)
{
	const fix_keep *k = f->keep;
	for (uint64_t v = 0; v < f->to->count; v++)
		if (k->stamps[v] != 0)
			k->witness[v] = WITNESS_BODY;
}

/* The same where elements are read as operands of one operation: the round leaves those out. */
static int sweeping_rounds(fix *f)
{
	uint64_t changed;
	start_exact(f);
	f->ex->bare = sweep_holds(f, f->keep) ? f->keep->simple->region : NULL;
	int status = f->ex->bare ? evaluate_round(f, f->now, &changed) : synchronous_round(f, &changed);
	if (!status && f->ex->bare)
		note_bodies(f);
	f->ex->bare = NULL;
	if (!status && f->now != f->to->cur && f->bytes)
		memcpy(f->to->cur, f->now, f->bytes);
	f->now = f->to->cur;
	return status ? status : sweep_run(f, f->keep);
}

/* The first round finds what does not come of the page itself. Once few elements change, or after some rounds, those that the last one
 * has changed hand on their values, the best first: rounds are quick on graphs that few of them cross, and endless on others. */
static int relaxing_rounds(fix *f)
{
	uint64_t changed = f->to->count;
	int status = MMSB_OK;
	start_exact(f);
	for (int round = 0; round < WHOLE_ROUNDS && !status && changed > f->to->count / FEW; round++)
		status = synchronous_round(f, &changed);
	if (!status && f->now != f->to->cur && f->bytes)
		memcpy(f->to->cur, f->now, f->bytes);
	f->now = f->to->cur;
	return status ? status : drain_whole(f, f->keep);
}

static int exact_rounds(fix *f)
{
	uint64_t changed = 1;
	bool frontier = frontier_possible(f);
	int status = MMSB_OK;
	start_exact(f);
	while (!status && changed) {
		bool in_place = f->ex->n_workers == 1 && !frontier;
		status = in_place ? evaluate_round(f, f->now, &changed) : synchronous_round(f, &changed);
		if (!status && changed && frontier && changed < f->to->count / FEW)
			return frontier_rounds(f);
	}
	return status;
}

int fix_unsettled(fix *f)
{
	int status = fail(f->err, MMSB_FAULT, "%s:%" PRIu32 ": %s: the fixpoint did not settle in %" PRId64 " rounds", sch_text(f->inst->sch, f->pass->file),
	                  f->pass->line, sch_text(f->inst->sch, f->to->def->name), f->constants->most.I64);
	if (f->err) {
		f->err->page = (int)f->pass->page;
		f->err->ndim = 0;
	}
	return status;
}

static int bounded_rounds(fix *f)
{
	int64_t most = f->constants->most.I64;
	uint64_t changed = 1;
	int status = bounded_whole(f);
	if (status != BOUNDED_NOT_KEPT)
		return status;
	status = MMSB_OK;
	f->now = f->to->cur;
	fix_start_rounds(f);
	for (int64_t round = 0; round < most && !status && changed; round++)
		status = synchronous_round(f, &changed);
	return status || !changed ? status : fix_unsettled(f);
}

/* Some element has moved by more than tol between the last two rounds. */
static bool any_moved(const fix *f, double tol)
{
	double old[TILE], new[TILE];
	uint64_t packed[2][TILE];
	for (uint32_t i = 0; i < n_columns(f); i++) {
		column a = column_in(f, i, f->next), b = column_in(f, i, f->now);
		const kernel_table *k = f->ex->k;
		unsigned width = width_of(a.type);
		for (uint64_t e = 0; e < f->to->count; e += TILE) {
			uint64_t n = f->to->count - e < TILE ? f->to->count - e : TILE;
			k->load[width](packed[0], a.base + e * a.stride, (ptrdiff_t)a.stride, n);
			k->load[width](packed[1], b.base + e * b.stride, (ptrdiff_t)b.stride, n);
			if (memcmp(packed[0], packed[1], n << width) == 0)
				continue;
			k->conv[a.type][T_F64](old, packed[0], NULL, NULL, n);
			k->conv[a.type][T_F64](new, packed[1], NULL, NULL, n);
			for (uint64_t j = 0; j < n; j++)
				if (memcmp((uint8_t *)packed[0] + (j << width), (uint8_t *)packed[1] + (j << width), (size_t)1 << width) != 0 &&
				    !(fabs(new[j] - old[j]) <= tol))
					return true;
		}
	}
	return false;
}

static int numeric_rounds(fix *f)
{
	uint64_t changed;
	int status = MMSB_OK;
	start_where_it_stands(f);
	for (int64_t round = 0; round < f->constants->most.I64 && !status; round++) {
		status = synchronous_round(f, &changed);
		if (!status && (changed == 0 || !any_moved(f, f->constants->tol.F64)))
			break;
	}
	return status;
}

/* Of a page of single values, which lie side by side: words of 64 elements; returns how many elements that were. */
static uint64_t mark_words(const fix *f, const uint8_t *was, uint64_t *changed)
{
	column x = column_in(f, 0, was), y = column_in(f, 0, f->to->cur);
	uint64_t masks[64], words = f->to->count / 64;
	if (x.stride != type_table[x.type].bytes)
		return 0;
	for (uint64_t w = 0; w < words; w += 64) {
		uint64_t n = words - w < 64 ? words - w : 64;
		f->ex->k->differ[width_of(x.type)](masks, x.base + w * 64 * x.stride, y.base + w * 64 * y.stride, n);
		for (uint64_t i = 0; i < n; i++) {
			bitset_add_word(&f->to->now[0].bits, w + i, masks[i]);
			*changed += (uint64_t)__builtin_popcountll(masks[i]);
		}
	}
	return words * 64;
}

/* Marks what differs in the page from `was`; how many elements do. Entries that went are marked as such already; what stands in their slots is nobody's. */
static uint64_t mark_changes(const fix *f, const uint8_t *was)
{
	const pattern *holed = f->to->pat && pattern_holes(f->to->pat) ? f->to->pat : NULL;
	uint64_t changed = 0, done = n_columns(f) == 1 && !holed ? mark_words(f, was, &changed) : 0;
	for (uint64_t e = done; e < f->to->count; e++) {
		bool differs = false;
		if (holed && !holed->alive[e])
			continue;
		for (uint32_t i = 0; i < n_columns(f); i++) {
			column x = column_in(f, i, was), y = column_in(f, i, f->to->cur);
			if (memcmp(x.base + e * x.stride, y.base + e * y.stride, type_table[x.type].bytes) == 0)
				continue;
			differs = true;
			bitset_set(&f->to->now[i].bits, e);
		}
		changed += differs;
	}
	return changed;
}

static uint64_t work_done(const struct executor *ex)
{
	uint64_t work = 0;
	for (uint32_t i = 0; i < ex->n_workers; i++)
		work += ex->workers[i].work;
	return work;
}

/* All of it by a device; or the rounds in which much changes, and the CPU goes on as after rounds of its own. *done false: the CPU is to do all. */
static int exact_by_device(fix *f, bool *done)
{
	mmsb_instance *m = f->inst;
	fix_keep *k = f->keep;
	device_exact x = {.known = frontier_possible(f), .few = f->to->count / FEW, .stamps = k->stamps};
	*done = false;
	start_exact(f);
	int status = m->device_ops->exact(m->device, f->id, m->at_hand, &x, done, f->err);
	if (status || !*done)
		return status;
	k->clock = (uint32_t)x.rounds;
	f->ex->workers[0].work += f->to->count * DEVICE_WHOLE + x.rounds * DEVICE_ROUND;
	m->pass_stats[f->id].rounds += x.rounds;
	m->pass_stats[f->id].evaluated += f->to->count;
	m->pass_stats[f->id].dense++;
	return x.settled ? MMSB_OK : drain_whole(f, k);
}

/* All of it, keeping what repairs need. */
static int exact_whole(fix *f)
{
	fix_keep *k;
	int status = keep_of(f, &k);
	if (status)
		return status;
	f->keep = k->possible && (k->relaxes || !f->inst->options.scratch) ? k : NULL;
	k->valid = false;
	k->whole = true;
	k->commit = f->inst->commits;
	uint64_t before = work_done(f->ex);
	bool done = false;
	if (f->keep && f->ex->passes[f->id]->on_device)
		status = exact_by_device(f, &done);
	if (!status && !done)
		status = !f->keep ? exact_rounds(f) : k->simple ? sweeping_rounds(f) : k->relaxes ? relaxing_rounds(f) : exact_rounds(f);
	k->whole_work = work_done(f->ex) - before;
	k->valid = !status && f->keep;
	return status;
}

int fixpoint_run(struct executor *ex, uint32_t id, uint64_t epoch, const uint8_t *was, uint64_t *changed, mmsb_error *err)
{
	mmsb_instance *inst = ex->inst;
	const sch_pass *pass = &inst->sch->passes[id];
	page *to = &inst->pages[pass->page];
	fix f = {ex, inst, pass, id, to, to->count * to->element, to->cur, NULL, was, NULL, err, NULL};
	uint8_t *kept = NULL;
	*changed = 0;
	if (numeric_possible(&f) && !inst->options.scratch) {
		int found = find_constants(&f);
		return found ? found : numeric_run(&f, &ex->carries[id], epoch, changed);
	}
	if (pass->kind == PASS_FIX_BOUNDED) {
		int found = find_constants(&f);
		found = found ? found : bounded_run(&f, epoch, changed);
		if (found != BOUNDED_WHOLE)
			return found;
	}
	saving_whole(inst, to, to->cur);
	int status = fix_buffer(&f, ROUND_NEXT, f.bytes, &f.next);
	if (!status)
		clear_holes(&f, f.next);
	if (!status && was == to->cur && f.bytes > 0) { /* computed in place: its values are needed for the comparison */
		status = fix_buffer(&f, ROUND_WAS, f.bytes, &kept);
		if (!status)
			f.was = memcpy(kept, was, f.bytes);
	}
	if (!status)
		status = find_constants(&f);
	if (status)
		return status;
	switch ((pass_kind)pass->kind) {
	case PASS_FIX_EXACT: status = exact_whole(&f); break;
	case PASS_FIX_BOUNDED: status = bounded_rounds(&f); break;
	default: status = numeric_rounds(&f); break;
	}
	if (!status && f.now != to->cur && f.bytes > 0)
		memcpy(to->cur, f.now, f.bytes);
	if (!status)
		*changed = mark_changes(&f, f.was);
	return status;
}

/* ---- repairs ----------------------------------------------------------------------------------- */

/* The values of the epoch before: the page's, but for those that a repair has overwritten. */
static int values_before(fix *f, const fix_keep *k, uint8_t **out)
{
	int status = fix_buffer(f, ROUND_WAS, f->bytes, out);
	if (status || f->bytes == 0)
		return status;
	memcpy(*out, f->to->cur, f->bytes);
	for (uint64_t i = 0; i < k->n_log; i++)
		memcpy(*out + (size_t)k->log[i].element * f->to->element, &k->log[i].bits, f->to->element);
	return MMSB_OK;
}

/* What a repair that gave up has marked; entries that came or went stay so. */
static void unmark(const fix *f, const fix_keep *k)
{
	for (uint64_t i = 0; i < k->n_log; i++)
		if (bitset_test(&f->to->now[0].bits, k->log[i].element))
			bitset_unset(&f->to->now[0].bits, k->log[i].element);
	repair_mark_entries(f);
}

static int evaluate_whole(fix *f, fix_keep *k, uint64_t *changed)
{
	uint8_t *before;
	int status = values_before(f, k, &before);
	if (status) {
		repair_undo(f, k);
		return status;
	}
	unmark(f, k);
	k->n_log = 0;
	status = fixpoint_run(f->ex, f->id, f->inst->epoch + 1, before, changed, f->err);
	if (status && f->bytes)
		memcpy(f->to->cur, before, f->bytes);
	return status;
}

int fixpoint_repair(struct executor *ex, uint32_t id, const bitset *heads, uint64_t *changed, mmsb_error *err)
{
	mmsb_instance *inst = ex->inst;
	const sch_pass *pass = &inst->sch->passes[id];
	page *to = &inst->pages[pass->page];
	fix f = {ex, inst, pass, id, to, to->count * to->element, to->cur, NULL, NULL, NULL, err, NULL};
	fix_keep *k;
	int status = keep_of(&f, &k);
	if (!status)
		status = find_constants(&f);
	if (status)
		return status;
	k->n_log = 0;
	if (!heads || !k->possible || !k->valid || k->clock > UINT32_MAX / 2)
		return evaluate_whole(&f, k, changed);
	status = repair_run(&f, k, heads, changed);
	return status == REPAIR_GIVE_UP ? evaluate_whole(&f, k, changed) : status;
}

void fixpoints_roll_back(struct executor *ex)
{
	for (uint32_t i = 0; i < ex->inst->sch->n_passes; i++) {
		fix_keep *k = ex->keeps[i];
		if (!k || k->commit != ex->inst->commits)
			continue;
		if (k->whole)
			k->valid = false;
		for (uint64_t e = 0; e < k->n_log; e++) {
			k->stamps[k->log[e].element] = k->log[e].stamp;
			if (k->witness)
				k->witness[k->log[e].element] = k->log[e].witness;
		}
		k->n_log = 0;
	}
}
