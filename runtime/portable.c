/* portable.c - the portable executor: evaluates passes, whole or in the part that the changes of an epoch concern. */
#include <stdlib.h>
#include <string.h>

#include "blocks.h"
#include "bounded.h"
#include "device.h"
#include "dirty.h"
#include "fpenv.h"
#include "pour.h"
#include "ranges.h"
#include "repair.h"
#include "route_site.h"
#include "rows.h"
#include "saving.h"
#include "spans.h"
#include "store.h"
#include "wave.h"

/* ---- what a pass sees -------------------------------------------------------------------------- */

int pass_look_up(struct executor *ex, const kernel_plan *p, mmsb_error *err)
{
	mmsb_instance *inst = ex->inst;
	ex->plan = p;
	for (uint32_t i = 0; i < p->n_reads; i++) {
		const read_plan *rp = &p->reads[i];
		if (!rp->def) /* of an instruction that is not there */
			continue;
		bool own = p->pass && rp->def->page == p->pass->page && !rp->def->prev && ex->self;
		column c = page_column(inst, rp->from, rp->def->prev, rp->def->field);
		ex->reads[i] = (read_now){own ? ex->self + (c.base - rp->from->cur) : c.base, c.stride,
		                          rp->def->prev ? rp->from->prev_pat : rp->from->pat};
	}
	for (uint32_t i = 0; i < p->n_regions; i++) {
		const sch_region *g = p->regions[i].def;
		page *driver = p->regions[i].driver;
		ex->patterns[i] = NULL;
		ex->groups[i] = NULL;
		if (g->kind == REGION_GROUP) {
			ex->groups[i] = page_groups(inst, driver, NONE, g->prev);
			if (!ex->groups[i])
				return fail_memory(err, driver->count * sizeof(uint32_t), "the positions of groups");
		} else if (driver) {
			ex->patterns[i] = g->prev ? driver->prev_pat : driver->pat;
		}
	}
	return MMSB_OK;
}

uint64_t page_elements(const page *p) { return p->count; }

/* ---- passes ------------------------------------------------------------------------------------ */

static mmsb_pass_stats *inst_stats(struct executor *ex, uint32_t id) { return &ex->inst->pass_stats[id]; }

void pass_note_stats(struct executor *ex, uint32_t id)
{
	mmsb_pass_stats *s = &ex->inst->pass_stats[id];
	for (uint32_t i = 0; i < ex->n_workers; i++) {
		worker *w = &ex->workers[i];
		s->evaluated += w->evaluated;
		s->dense += w->modes[MODE_DENSE];
		s->masked += w->modes[MODE_MASKED];
		s->single += w->modes[MODE_SINGLE];
	}
}

/* All of a page is to be written. */
static pass_target whole_target(const mmsb_instance *m, const page *to)
{
	saving_whole(m, to, to->cur);
	return (pass_target){.at = to->cur, .was = to->behind ? to->prev : to->cur, .marks = to->now};
}

static void note_whole(struct executor *ex, uint32_t id)
{
	page *to = &ex->inst->pages[ex->inst->sch->passes[id].page];
	ex->inst->pass_stats[id].evaluated += to->pat ? to->pat->n_entries : to->count;
	ex->inst->pass_stats[id].dense++;
	to->behind = false;
}

int pass_run_whole(struct executor *ex, const kernel_plan *p, const pass_target *target, uint64_t *changed, mmsb_error *err)
{
	pour_all(ex, p);
	ranges_all(ex, p, ex->inst->pages[p->pass->page].count);
	int status = pass_run(ex, p, target, changed, err);
	pour_end(p);
	ranges_end(p);
	return status;
}

static int run_whole(struct executor *ex, uint32_t id, uint64_t *changed, mmsb_error *err)
{
	const pass_target target = whole_target(ex->inst, &ex->inst->pages[ex->inst->sch->passes[id].page]);
	store_whole(ex, ex->passes[id]);
	int status = pass_run_whole(ex, ex->passes[id], &target, changed, err);
	if (ex->passes[id]->ahead)
		ex->passes[id]->ahead->known = false;
	if (!status)
		note_whole(ex, id);
	return status;
}

/* All that the function of a pass and those after it computes. False: it cannot be used as memory is now. */
static bool run_together(struct executor *ex, const span_plan *plan, uint64_t *changed)
{
	pass_target targets[SPAN_MEMBERS];
	uint64_t counts[SPAN_MEMBERS];
	span_now now;
	for (uint32_t i = 0; i < plan->n_members; i++)
		targets[i] = whole_target(ex->inst, &ex->inst->pages[plan->members[i]->pass->page]);
	if (!span_ready(&now, ex, plan, targets))
		return false;
	now.fold = span_fold_begin(ex, &now);
	span_run(ex, &now, counts);
	for (uint32_t i = 0; i < plan->n_members; i++) {
		kernel_plan *member = ex->passes[plan->first + i];
		note_whole(ex, plan->first + i);
		member->done = i > 0;
		member->done_changed = counts[i];
	}
	*changed = counts[0];
	return true;
}

void stores_update(struct executor *ex, const kernel_plan *p)
{
	for (uint32_t i = 1; i < p->n_regions; i++)
		if (p->regions[i].stored)
			store_update(ex, p, i, &p->dirty->lanes[i], &p->dirty->fed, &p->dirty->elements);
}

static int run_map(struct executor *ex, uint32_t id, uint64_t epoch, bool whole, uint64_t *changed, mmsb_error *err)
{
	kernel_plan *p = ex->passes[id];
	page *to = &ex->inst->pages[p->pass->page];
	if (p->done) {
		p->done = false;
		*changed = p->done_changed;
		return MMSB_OK;
	}
	int done;
	if (p->on_device && device_map(ex, id, epoch, whole, changed, &done, err))
		return done;
	if (ex->inst->device) {
		int status = device_home(ex, p, whole || p->small, err);
		if (status)
			return status;
	}
	if (p->small) {
		buffers_catch_up(ex->inst, to);
		saving_whole(ex->inst, to, to->cur);
		inst_stats(ex, id)->evaluated += to->count;
		inst_stats(ex, id)->dense++;
		return pass_run_small(ex, p, changed, err);
	}
	const span_plan *plan = p->spans ? p->spans : p->span && p->span->folded ? p->span : NULL;
	if (whole && plan && run_together(ex, plan, changed))
		return MMSB_OK;
	int status = pass_look_up(ex, p, err);
	if (status)
		return status;
	reach reached = whole ? REACH_WHOLE : dirty_find(ex, p, epoch);
	if (reached == REACH_WHOLE)
		return run_whole(ex, id, changed, err);
	buffers_catch_up(ex->inst, to);
	if (reached == REACH_NONE)
		return MMSB_OK;
	stores_update(ex, p);
	if (!bitset_empty(&p->dirty->elements)) {
		pass_target target = {.at = to->cur, .was = to->cur, .marks = to->now};
		saving_elements(ex->inst, to, &p->dirty->elements);
		if (pour_worth(p))
			pour_all(ex, p);
		ranges_all(ex, p, bitset_count(&p->dirty->elements));
		status = pass_run_dirty(ex, p, &target, &p->dirty->elements, changed, err);
		pour_end(p);
		ranges_end(p);
		pass_note_stats(ex, id);
	}
	dirty_clear(p);
	return status;
}

static int run_exact(struct executor *ex, uint32_t id, uint64_t epoch, bool whole, uint64_t *changed, mmsb_error *err)
{
	const kernel_plan *p = ex->passes[id];
	int status = pass_look_up(ex, p, err);
	if (status)
		return status;
	reach reached = whole ? REACH_WHOLE : dirty_find(ex, p, epoch);
	status = fixpoint_repair(ex, id, reached == REACH_WHOLE ? NULL : &p->dirty->elements, changed, err);
	dirty_clear(p);
	return status;
}

static int run_kind(struct executor *ex, uint32_t id, uint64_t epoch, bool whole, uint64_t *changed, mmsb_error *err)
{
	mmsb_instance *inst = ex->inst;
	const sch_pass *pass = &inst->sch->passes[id];
	page *to = &inst->pages[pass->page];
	if (pass->kind == PASS_MAP)
		return run_map(ex, id, epoch, whole, changed, err);
	buffers_catch_up(inst, to);
	if (pass->kind == PASS_FIX_EXACT)
		return run_exact(ex, id, epoch, whole, changed, err);
	if (whole)
		bounded_forget(ex->kept[id]);
	int status = fixpoint_run(ex, id, epoch, to->prev ? to->prev : to->cur, changed, err);
	if (status)
		to->now[0].all = true; /* rounds do not mark what they write */
	return status;
}

void executor_count_operands(struct executor *ex, uint32_t id)
{
	for (uint32_t i = 0; i < ex->n_workers; i++) {
		ex->inst->pass_stats[id].operands += ex->workers[i].operands;
		ex->workers[i].operands = 0;
	}
}

int executor_pass(mmsb_instance *inst, uint32_t id, uint64_t epoch, bool whole, uint64_t *changed, mmsb_error *err)
{
	struct executor *ex = inst->executor;
	ex->self = NULL;
	*changed = 0;
	int status = run_kind(ex, id, epoch, whole, changed, err);
	if (ex->passes[id]->nested)
		executor_count_operands(ex, id);
	return status;
}

bool executor_tape(mmsb_instance *inst, uint32_t id, bool *changed)
{
	const kernel_plan *p = inst->executor->passes[id];
	if (!p->tape || p->deferred)
		return false;
	*changed = tape_run(inst->executor, p->tape);
	inst->pass_stats[id].evaluated++;
	inst->pass_stats[id].dense++;
	return true;
}

void executor_forget(struct executor *ex)
{
	for (uint32_t i = 0; i < ex->inst->sch->n_passes; i++) {
		const kernel_plan *p = ex->passes[i];
		ex->carries[i].all = true;
		ex->passes[i]->done = false;
		if (ex->passes[i]->ahead)
			ex->passes[i]->ahead->known = false;
		dirty_clear(p);
		p->dirty->all = p->deferred && ex->inst->pages[p->pass->page].stale;
		store_drop_all(p);
		route_sites_forget(p);
		bounded_forget(ex->kept[i]);
	}
	fixpoints_roll_back(ex);
	device_forget(ex->inst);
}

/* ---- several ticks ---- */

uint64_t executor_steps(mmsb_instance *inst, uint64_t most) { return inst->executor ? wave_steps(inst->executor, most) : 0; }

int executor_ticks(mmsb_instance *inst, uint64_t steps, uint64_t epoch, mmsb_error *err)
{
	struct executor *ex = inst->executor;
	int status = MMSB_OK;
	wave_run(ex, steps, epoch);
	for (uint32_t i = 0; i < inst->sch->n_passes && !status; i++) {
		page *p = &inst->pages[inst->sch->passes[i].page];
		uint64_t changed = 0;
		if (wave_has(ex, i))
			continue;
		if (!wave_follows(ex, i)) {
			buffers_catch_up(inst, p);
			continue;
		}
		status = executor_pass(inst, i, epoch, true, &changed, err);
		inst->pass_stats[i].epochs++;
		inst->pass_stats[i].changed += changed;
		bitset_set(&inst->touched, p->id);
		if (changed) {
			p->changed = epoch;
			p->version++;
		}
	}
	return status;
}

/* ---- executors --------------------------------------------------------------------------------- */

static bool worker_new(worker *w, struct executor *ex, size_t bytes, size_t rows, size_t blocks)
{
	w->ex = ex;
	w->k = ex->k;
	w->arena_size = (bytes + 4 * TILE * sizeof(int64_t) + TILE + 63) & ~(size_t)63;
	w->arena = aligned_alloc(64, w->arena_size);
	if (!w->arena)
		return false;
	w->index = (void *)(w->arena + bytes);
	w->index2 = w->index + TILE;
	w->list = w->index2 + TILE;
	w->values = w->list + TILE;
	w->outside = (void *)(w->list + 2 * TILE);
	w->rows = rows > 0 ? aligned_alloc(64, (rows + 63) & ~(size_t)63) : NULL;
	w->blocks = blocks > 0 ? aligned_alloc(64, (blocks + 63) & ~(size_t)63) : NULL;
	w->block_row = NONE;
	return (rows == 0 || w->rows) && (blocks == 0 || w->blocks);
}

void executor_free(struct executor *ex)
{
	if (!ex)
		return;
	for (uint32_t i = 0; ex->workers && i < ex->n_workers; i++) {
		free(ex->workers[i].arena);
		free(ex->workers[i].rows);
		free(ex->workers[i].blocks);
	}
	for (uint32_t i = 0; ex->passes && i < ex->inst->sch->n_passes; i++)
		if (ex->passes[i]) {
			dirty_free(ex->passes[i]->dirty, ex->passes[i]);
			free(ex->passes[i]->own_arena);
			free(ex->passes[i]->tape);
			free(ex->passes[i]->own_outputs);
			free(ex->passes[i]->ahead);
			span_free(ex->passes[i]->span);
			span_free(ex->passes[i]->spans);
			plan_free(ex->passes[i]);
		}
	for (uint32_t i = 0; ex->constants && i < ex->inst->sch->n_passes; i++)
		free(ex->constants[i].start);
	for (uint32_t i = 0; ex->carries && i < ex->inst->sch->n_passes; i++)
		carry_free(&ex->carries[i]);
	free(ex->carries);
	for (uint32_t i = 0; ex->keeps && i < ex->inst->sch->n_passes; i++)
		keep_free(ex->keeps[i]);
	free(ex->keeps);
	for (uint32_t i = 0; ex->kept && i < ex->inst->sch->n_passes; i++)
		bounded_free(ex->kept[i], ex->inst->pages[ex->inst->sch->passes[i].page].element);
	free(ex->kept);
	wave_free(ex->wave);
	free(ex->constants);
	free(ex->workers);
	free(ex->passes);
	free(ex->partials);
	free(ex->reads);
	free(ex->patterns);
	free(ex->groups);
	free(ex->route_vars);
	for (unsigned i = 0; i < ROUND_BUFFERS; i++)
		free(ex->rounds[i]);
	free(ex);
}

static bool executor_arrays(struct executor *ex, uint32_t n_reads, uint32_t n_regions)
{
	ex->reads = calloc(n_reads + 1, sizeof *ex->reads);
	ex->patterns = calloc(n_regions + 1, sizeof(void *));
	ex->groups = calloc(n_regions + 1, sizeof(void *));
	ex->route_vars = calloc(ex->max_vars + 1, 2 * sizeof(int64_t));
	return ex->reads && ex->patterns && ex->groups && ex->route_vars;
}

static bool executor_workers(struct executor *ex, uint32_t n, size_t bytes)
{
	ex->workers = calloc(n, sizeof *ex->workers);
	if (!ex->workers)
		return false;
	ex->n_workers = n;
	for (uint32_t i = 0; i < n; i++)
		if (!worker_new(&ex->workers[i], ex, bytes, rows_room(ex), blocks_room(ex)))
			return false;
	bool folded = false;
	for (uint32_t i = 0; ex->passes && i < ex->inst->sch->n_passes; i++)
		folded |= ex->passes[i]->ahead != NULL;
	if (n > 1 || folded)
		ex->partials = calloc(MAX_PARTIALS, sizeof *ex->partials);
	return (n == 1 && !folded) || ex->partials;
}

static struct executor *executor_start(mmsb_instance *inst)
{
	struct executor *ex = calloc(1, sizeof *ex);
	if (!ex)
		return NULL;
	ex->inst = inst;
	ex->k = kernel_table_pick();
	const char *grain = getenv("MMSB_GRAIN");
	ex->grain = grain && atof(grain) > 0 ? atof(grain) : GRAIN;
	const char *give_up = getenv("MMSB_REPAIR");
	ex->give_up = (give_up && atof(give_up) > 0 ? atof(give_up) : GIVE_UP) / 100;
	const char *force = getenv("MMSB_REGIONS");
	if (force && (*force == 'A' || *force == 'B' || *force == 'C'))
		ex->force = *force;
	return ex;
}

/* The room of a small plan, ready to run. */
static bool prepare_small(struct executor *ex, kernel_plan *p)
{
	size_t bytes = (p->arena + 63) & ~(size_t)63;
	worker w = {.ex = ex, .k = ex->k, .block_row = NONE};
	p->own_arena = aligned_alloc(64, bytes ? bytes : 64);
	if (!p->own_arena)
		return false;
	w.arena = p->own_arena;
	worker_prepare(&w, p);
	return small_outputs(ex, p);
}

static bool executor_plans(struct executor *ex, size_t *bytes, uint32_t *n_reads, uint32_t *n_regions)
{
	const schedule *s = ex->inst->sch;
	ex->passes = calloc(s->n_passes + 1, sizeof(void *));
	ex->constants = calloc(s->n_passes + 1, sizeof *ex->constants);
	ex->carries = calloc(s->n_passes + 1, sizeof *ex->carries);
	ex->keeps = calloc(s->n_passes + 1, sizeof(void *));
	ex->kept = calloc(s->n_passes + 1, sizeof(void *));
	if (!ex->kept || !ex->passes || !ex->constants || !ex->carries || !ex->keeps)
		return false;
	for (uint32_t i = 0; i < s->n_passes; i++) {
		kernel_plan *p = ex->passes[i] = plan_new(ex->inst, ex->k, s->passes[i].kernel, &s->passes[i]);
		if (!p)
			return false;
		p->dirty = dirty_new(ex, p);
		if (!p->dirty || (p->small && !prepare_small(ex, p)))
			return false;
		device_place(ex, p, i);
		p->tape = p->on_device ? NULL : tape_new(ex->inst, p);
		if (s->passes[i].kind == PASS_FIX_NUMERIC && carry_new(&ex->carries[i], ex->inst->pages[s->passes[i].page].count))
			return false;
		ex->max_vars = p->def->n_vars > ex->max_vars ? p->def->n_vars : ex->max_vars;
		*bytes = p->arena > *bytes ? p->arena : *bytes;
		*n_reads = p->n_reads > *n_reads ? p->n_reads : *n_reads;
		*n_regions = p->n_regions > *n_regions ? p->n_regions : *n_regions;
	}
	return true;
}

int executor_new(mmsb_instance *inst, mmsb_error *err)
{
	size_t bytes = 0;
	uint32_t n_reads = 0, n_regions = 0, threads = inst->threads > 1 ? (uint32_t)inst->threads : 1;
#ifndef _OPENMP
	threads = 1;
#endif
	struct executor *ex = executor_start(inst);
	if (!ex)
		return fail_memory(err, sizeof *ex, "the executor");
	inst->store_left = inst->arena.bytes + STORE_BYTES;
	if (!executor_plans(ex, &bytes, &n_reads, &n_regions) || !spans_plan(ex) || !rows_plan(ex) || !executor_arrays(ex, n_reads, n_regions) ||
	    !executor_workers(ex, threads, bytes) || !wave_plan_new(ex)) {
		executor_free(ex);
		return fail_memory(err, bytes, "the executor's buffers");
	}
	inst->executor = ex;
	return MMSB_OK;
}

/* ---- constants --------------------------------------------------------------------------------- */

static int run_constant(struct executor *ex, const kernel_plan *p, scalar *out, mmsb_error *err)
{
	uint64_t fault_at, changed;
	worker *w = &ex->workers[0];
	const sch_kernel *k = p->def;
	ex->plan = p;
	job_begin(ex, &fault_at);
	uint64_t env = fpenv_enter();
	worker_prepare(w, p);
	run *r = &w->runs[0];
	r->n = 1;
	r->vars[r->plan->flat] = (var_lanes){VAR_UNIFORM, 0, NULL};
	run_code(w, r);
	for (uint32_t o = 0; o < k->n_outputs; o++) {
		uint8_t type = ex->inst->sch->reg_types[k->first_reg_type + ex->inst->sch->outputs[k->first_output + o].reg];
		out[o].bits = 0;
		store_target to = {(uint8_t *)&out[o], NULL, type_table[type].bytes, NULL};
		w->k->store[type](&to, r->regs[p->outputs[o]].at, 1);
	}
	fpenv_leave(env);
	return job_end(ex, &changed, err);
}

int executor_constant(mmsb_instance *inst, uint32_t kernel, scalar *out, mmsb_error *err)
{
	struct executor *ex = executor_start(inst);
	kernel_plan *p = ex ? plan_new(inst, ex->k, kernel, NULL) : NULL;
	int status;
	if (!p || !executor_arrays(ex, p->n_reads, p->n_regions) || !executor_workers(ex, 1, p->arena))
		status = fail_memory(err, sizeof *ex, "the executor");
	else
		status = run_constant(ex, p, out, err);
	plan_free(p);
	executor_free(ex);
	return status;
}
