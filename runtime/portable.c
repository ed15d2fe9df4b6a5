/* portable.c - the portable executor: evaluates a pass over tiles of its page, on one thread or on all. */
#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "exec.h"
#include "fpenv.h"

/* ---- tiles ------------------------------------------------------------------------------------- */

/* Where a result of region 0 goes. */
typedef struct output_now {
	uint32_t local;
	uint8_t type;
	uint8_t *at;
	const uint8_t *was;
	size_t stride;
} output_now;

enum { MAX_OUTPUTS = 64 };

/* A pass at hand: its elements in rows, the rows in tiles, the tiles in tasks. */
typedef struct job {
	struct executor *ex;
	const kernel_plan *p;
	const page *to;          /* NULL for a constant */
	uint64_t total, row;     /* elements; of a row */
	uint64_t tiles_per_row, n_tiles, tiles_per_task, n_tasks;
	uint32_t tile;
	uint32_t n_outputs;
	output_now *outputs;
	const int64_t *list;     /* these elements alone, or NULL */
} job;

/* Variables over a tile of elements in a row, or (flat) over rows. */
static void vars_dense(const job *j, worker *w, run *r, uint64_t flat)
{
	const region_plan *rp = r->plan;
	uint32_t n_vars = rp->def->n_vars;
	uint64_t position = flat;
	int64_t at[MAX_DIMS];
	for (uint32_t d = n_vars; d-- > 0;) {
		at[d] = (int64_t)(position % (uint64_t)j->to->dims[d]);
		position /= (uint64_t)j->to->dims[d];
	}
	if (j->p->by_rows) {
		for (uint32_t d = 0; d < n_vars; d++)
			r->vars[j->p->root_vars[d]] = (var_lanes){d + 1 == n_vars ? VAR_IOTA : VAR_UNIFORM, at[d], NULL};
		return;
	}
	int64_t *x = (void *)(w->arena + rp->stack);
	for (uint32_t d = 0; d < n_vars; d++)
		r->vars[j->p->root_vars[d]] = (var_lanes){VAR_I64, 0, x + d * TILE};
	for (uint32_t i = 0; i < r->n; i++) {
		for (uint32_t d = 0; d < n_vars; d++)
			x[d * TILE + i] = at[d];
		for (uint32_t d = n_vars; d-- > 0 && ++at[d] == j->to->dims[d];)
			at[d] = 0;
	}
}

/* The same of elements that are listed. */
static void vars_list(const job *j, worker *w, run *r, const int64_t *list)
{
	const region_plan *rp = r->plan;
	uint32_t n_vars = rp->def->n_vars;
	int64_t *x = (void *)(w->arena + rp->stack);
	r->vars[rp->flat] = (var_lanes){VAR_I64, 0, list};
	for (uint32_t i = 0; i < r->n; i++) {
		uint64_t position = (uint64_t)list[i];
		for (uint32_t d = n_vars; d-- > 0;) {
			x[d * TILE + i] = (int64_t)(position % (uint64_t)j->to->dims[d]);
			position /= (uint64_t)j->to->dims[d];
		}
	}
	for (uint32_t d = 0; d < n_vars; d++)
		r->vars[j->p->root_vars[d]] = (var_lanes){VAR_I64, 0, x + d * TILE};
}

static void vars_entries(const job *j, run *r, uint64_t flat)
{
	const pattern *pat = j->ex->patterns[0];
	r->vars[j->p->root_vars[0]] = (var_lanes){VAR_U32, 0, pat->row + flat};
	r->vars[j->p->root_vars[1]] = (var_lanes){VAR_U32, 0, pat->col + flat};
	if (r->plan->entry != NONE)
		r->vars[r->plan->entry] = (var_lanes){VAR_IOTA, (int64_t)flat, NULL};
}

static void store_outputs(const job *j, worker *w, run *r, uint64_t flat)
{
	uint64_t several[TILE / 64] = {0}, *mask = j->n_outputs > 1 ? several : NULL;
	for (uint32_t o = 0; o < j->n_outputs; o++) {
		const output_now *out = &j->outputs[o];
		lanes *l = &r->regs[out->local];
		lanes_fill(w, l, width_of(out->type), r->n);
		store_target to = {out->at + flat * out->stride, out->was ? out->was + flat * out->stride : NULL, out->stride, mask};
		size_t changed = w->k->store[out->type](&to, l->at, r->n);
		if (!mask)
			w->changed += changed;
	}
	for (uint32_t i = 0; mask && i < r->n; i += 64)
		w->changed += (uint64_t)__builtin_popcountll(mask[i / 64]);
}

static void run_tile(const job *j, worker *w, uint64_t tile)
{
	uint64_t in_row = tile % j->tiles_per_row * j->tile, flat = tile / j->tiles_per_row * j->row + in_row;
	if ((j->list ? (uint64_t)j->list[flat] : flat) > __atomic_load_n(j->ex->fault_at, __ATOMIC_RELAXED))
		return;
	run *r = &w->runs[0];
	r->n = (uint32_t)(j->row - in_row < j->tile ? j->row - in_row : j->tile);
	r->live = NULL;
	r->vars[r->plan->flat] = (var_lanes){VAR_IOTA, (int64_t)flat, NULL};
	if (j->list)
		vars_list(j, w, r, j->list + flat);
	else if (r->plan->def->kind == REGION_ENTRIES)
		vars_entries(j, r, flat);
	else if (r->plan->def->n_vars > 0)
		vars_dense(j, w, r, flat);
	run_code(w, r);
	store_outputs(j, w, r, flat);
}

static void run_task(const job *j, worker *w, uint64_t task)
{
	uint64_t first = task * j->tiles_per_task, end = first + j->tiles_per_task;
	for (uint64_t t = first; t < end && t < j->n_tiles; t++)
		run_tile(j, w, t);
}

/* ---- jobs -------------------------------------------------------------------------------------- */

static void shape_job(job *j)
{
	const kernel_plan *p = j->p;
	const region_plan *root = &p->regions[0];
	double weight = root->weight > 1 ? root->weight : 1;
	bool rows = p->by_rows && root->def->n_vars > 0 && !j->list, serial = p->serial && !j->list;
	j->row = rows ? (uint64_t)j->to->dims[root->def->n_vars - 1] : j->total;
	uint64_t tile = TILE;
	if (!serial) {
		uint64_t per_row = (j->row + TILE - 1) / TILE;
		tile = per_row > 0 ? ((j->row + per_row - 1) / per_row + 63) & ~(uint64_t)63 : TILE;
		if (p->nested && j->ex->n_workers > 1) { /* few heavy elements: some for every thread */
			uint64_t least = (uint64_t)(j->ex->grain / 2 / weight) + 1, share = j->total / (8 * j->ex->n_workers) + 1;
			uint64_t most = share > least ? share : least;
			tile = tile < most ? tile : most;
		}
	}
	j->tile = (uint32_t)(tile < TILE ? tile : TILE);
	j->tiles_per_row = j->row ? (j->row + j->tile - 1) / j->tile : 1;
	j->n_tiles = j->total ? j->total / j->row * j->tiles_per_row : 0;
	uint64_t tiles = (uint64_t)(j->ex->grain / (weight * j->tile)) + 1;
	j->tiles_per_task = serial ? j->tiles_per_row : tiles;
	j->n_tasks = (j->n_tiles + j->tiles_per_task - 1) / j->tiles_per_task;
}

static void run_alone(const job *j)
{
	worker *w = &j->ex->workers[0];
	uint64_t env = fpenv_enter();
	worker_prepare(w, j->p);
	for (uint64_t t = 0; t < j->n_tasks; t++)
		run_task(j, w, t);
	fpenv_leave(env);
}

static void run_team(const job *j)
{
#ifdef _OPENMP
#pragma omp parallel num_threads((int)j->ex->n_workers)
	{
		worker *w = &j->ex->workers[omp_get_thread_num()];
		uint64_t env = fpenv_enter();
		worker_prepare(w, j->p);
		w->in_team = true;
#pragma omp for schedule(dynamic, 1)
		for (uint64_t t = 0; t < j->n_tasks; t++)
			run_task(j, w, t);
		w->in_team = false;
		fpenv_leave(env);
	}
#else
	run_alone(j);
#endif
}

static int finish_job(const job *j, uint64_t *changed, mmsb_error *err)
{
	struct executor *ex = j->ex;
	const fault *worst = &ex->workers[0].fault;
	*changed = 0;
	for (uint32_t i = 0; i < ex->n_workers; i++) {
		*changed += ex->workers[i].changed;
		if (fault_before(&ex->workers[i].fault, worst))
			worst = &ex->workers[i].fault;
	}
	if (!worst->any)
		return MMSB_OK;
	if (err)
		*err = worst->error;
	return MMSB_FAULT;
}

/* ---- what a pass sees -------------------------------------------------------------------------- */

static int look_up(struct executor *ex, const kernel_plan *p, mmsb_error *err)
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
			ex->groups[i] = page_groups(inst, driver, g->prev);
			if (!ex->groups[i])
				return fail_memory(err, driver->count * sizeof(uint32_t), "the positions of groups");
		} else if (driver) {
			ex->patterns[i] = g->prev ? driver->prev_pat : driver->pat;
		}
	}
	return MMSB_OK;
}

uint64_t page_elements(const page *p) { return p->count; }

static void set_outputs(job *j, const pass_target *target)
{
	const mmsb_instance *inst = j->ex->inst;
	const sch_kernel *k = j->p->def;
	for (uint32_t o = 0; o < j->n_outputs; o++) {
		const sch_output *def = &inst->sch->outputs[k->first_output + o];
		column c = page_column(inst, j->to, false, def->field);
		size_t offset = (size_t)(c.base - j->to->cur);
		j->outputs[o] = (output_now){j->p->outputs[o], c.type, target->at + offset, target->was ? target->was + offset : NULL, c.stride};
	}
}

static int run_job(job *j, uint64_t *changed, mmsb_error *err)
{
	struct executor *ex = j->ex;
	uint64_t fault_at = UINT64_MAX;
	ex->fault_at = &fault_at;
	shape_job(j);
	for (uint32_t i = 0; i < ex->n_workers; i++) {
		ex->workers[i].changed = 0;
		ex->workers[i].fault.any = false;
	}
	double work = (double)j->total * j->p->regions[0].weight;
	if (ex->n_workers > 1 && j->n_tasks > 1 && work >= TEAM * ex->grain)
		run_team(j);
	else
		run_alone(j);
	return finish_job(j, changed, err);
}

int pass_run(struct executor *ex, const kernel_plan *p, const pass_target *target, uint64_t *changed, mmsb_error *err)
{
	output_now outputs[MAX_OUTPUTS];
	const page *to = &ex->inst->pages[p->pass->page];
	job j = {.ex = ex, .p = p, .to = to, .total = page_elements(to), .n_outputs = p->def->n_outputs, .outputs = outputs};
	*changed = 0;
	if (j.n_outputs > MAX_OUTPUTS) {
		j.outputs = calloc(j.n_outputs, sizeof *j.outputs);
		if (!j.outputs)
			return fail_memory(err, j.n_outputs * sizeof *j.outputs, "the fields of a record");
	}
	int status = look_up(ex, p, err);
	if (status == MMSB_OK && j.total > 0) {
		set_outputs(&j, target);
		status = run_job(&j, changed, err);
	}
	if (j.outputs != outputs)
		free(j.outputs);
	return status;
}

int pass_run_list(struct executor *ex, const kernel_plan *p, const int64_t *positions, uint64_t n, uint8_t *values, mmsb_error *err)
{
	const page *to = &ex->inst->pages[p->pass->page];
	output_now output = {p->outputs[0], to->def->type, values, values, to->element};
	job j = {.ex = ex, .p = p, .to = to, .total = n, .n_outputs = 1, .outputs = &output, .list = positions};
	uint64_t changed;
	int status = look_up(ex, p, err);
	return status || n == 0 ? status : run_job(&j, &changed, err);
}

int executor_pass(mmsb_instance *inst, uint32_t id, const uint8_t *was, uint64_t *changed, mmsb_error *err)
{
	struct executor *ex = inst->executor;
	const sch_pass *pass = &inst->sch->passes[id];
	page *to = &inst->pages[pass->page];
	ex->self = NULL;
	if (pass->kind != PASS_MAP)
		return fixpoint_run(ex, id, was, changed, err);
	pass_target target = {to->cur, was};
	int status = pass_run(ex, ex->passes[id], &target, changed, err);
	inst->pass_stats[id].evaluated += page_elements(to);
	return status;
}

/* ---- executors --------------------------------------------------------------------------------- */

static bool worker_new(worker *w, struct executor *ex, size_t bytes)
{
	w->ex = ex;
	w->k = ex->k;
	w->arena_size = (bytes + 2 * TILE * sizeof(int64_t) + TILE + 63) & ~(size_t)63;
	w->arena = aligned_alloc(64, w->arena_size);
	if (!w->arena)
		return false;
	w->index = (void *)(w->arena + bytes);
	w->index2 = w->index + TILE;
	w->outside = (void *)(w->index2 + TILE);
	return true;
}

void executor_free(struct executor *ex)
{
	if (!ex)
		return;
	for (uint32_t i = 0; ex->workers && i < ex->n_workers; i++)
		free(ex->workers[i].arena);
	for (uint32_t i = 0; ex->passes && i < ex->inst->sch->n_passes; i++)
		plan_free(ex->passes[i]);
	for (uint32_t i = 0; ex->constants && i < ex->inst->sch->n_passes; i++)
		free(ex->constants[i].start);
	free(ex->constants);
	free(ex->workers);
	free(ex->passes);
	free(ex->partials);
	free(ex->reads);
	free(ex->patterns);
	free(ex->groups);
	for (unsigned i = 0; i < ROUND_BUFFERS; i++)
		free(ex->rounds[i]);
	free(ex);
}

static bool executor_arrays(struct executor *ex, uint32_t n_reads, uint32_t n_regions)
{
	ex->reads = calloc(n_reads + 1, sizeof *ex->reads);
	ex->patterns = calloc(n_regions + 1, sizeof(void *));
	ex->groups = calloc(n_regions + 1, sizeof(void *));
	return ex->reads && ex->patterns && ex->groups;
}

static bool executor_workers(struct executor *ex, uint32_t n, size_t bytes)
{
	ex->workers = calloc(n, sizeof *ex->workers);
	if (!ex->workers)
		return false;
	ex->n_workers = n;
	for (uint32_t i = 0; i < n; i++)
		if (!worker_new(&ex->workers[i], ex, bytes))
			return false;
	if (n > 1)
		ex->partials = calloc(MAX_PARTIALS, sizeof *ex->partials);
	return n == 1 || ex->partials;
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
	const char *force = getenv("MMSB_REGIONS");
	if (force && (*force == 'A' || *force == 'B' || *force == 'C'))
		ex->force = *force;
	return ex;
}

static bool executor_plans(struct executor *ex, size_t *bytes, uint32_t *n_reads, uint32_t *n_regions)
{
	const schedule *s = ex->inst->sch;
	ex->passes = calloc(s->n_passes + 1, sizeof(void *));
	ex->constants = calloc(s->n_passes + 1, sizeof *ex->constants);
	if (!ex->passes || !ex->constants)
		return false;
	for (uint32_t i = 0; i < s->n_passes; i++) {
		kernel_plan *p = ex->passes[i] = plan_new(ex->inst, ex->k, s->passes[i].kernel, &s->passes[i]);
		if (!p)
			return false;
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
	if (!executor_plans(ex, &bytes, &n_reads, &n_regions) || !executor_arrays(ex, n_reads, n_regions) ||
	    !executor_workers(ex, threads, bytes)) {
		executor_free(ex);
		return fail_memory(err, bytes, "the executor's buffers");
	}
	inst->executor = ex;
	return MMSB_OK;
}

/* ---- constants --------------------------------------------------------------------------------- */

static int run_constant(struct executor *ex, const kernel_plan *p, scalar *out, mmsb_error *err)
{
	uint64_t fault_at = UINT64_MAX, changed;
	worker *w = &ex->workers[0];
	const sch_kernel *k = p->def;
	job j = {.ex = ex, .p = p};
	ex->plan = p;
	ex->fault_at = &fault_at;
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
	return finish_job(&j, &changed, err);
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
