/* tiles.c - elements of region 0 in tiles: all of a page, those of a dirty set, or a list; on one thread or on all.
 *
 * A dirty set is run by words of 64 elements: where enough of a word's elements are dirty the word is run whole (what is not dirty comes
 * out as it was), with the words beside it as one tile; elements of other words are put together in lists. */
#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "blocks.h"
#include "fetch.h"
#include "fpenv.h"
#include "rows.h"
#include "spans.h"

/* LEAST_BLOCKS: dirty rows side by side that make a block. */
enum { MAX_OUTPUTS = 64, WORDS_OF_TASK = 256, LEAST_BLOCKS = 8 };

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
	const int64_t *list;     /* these elements alone, or NULL; their results lie side by side */
	const bitset *dirty;     /* these elements alone, or NULL */
	const pass_target *target; /* where stamps go, or NULL */
	const span_now *span;    /* a function that computes runs of elements, or NULL */
	uint32_t least_listed;   /* ... and lists of so many */
	uint32_t blocks;         /* so many rows have their reductions computed at a time; or 0 */
} job;

/* ---- variables --------------------------------------------------------------------------------- */

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

/* The same of entries that are listed. */
static void vars_entry_list(worker *w, const kernel_plan *p, run *r, const int64_t *list)
{
	const pattern *pat = w->ex->patterns[0];
	int64_t *x = (void *)(w->arena + r->plan->stack);
	for (uint32_t i = 0; i < r->n; i++) {
		x[i] = pat->row[list[i]];
		x[TILE + i] = pat->col[list[i]];
	}
	for (uint32_t d = 0; d < 2; d++)
		r->vars[p->root_vars[d]] = (var_lanes){VAR_I64, 0, x + d * TILE};
	if (r->plan->entry != NONE)
		r->vars[r->plan->entry] = (var_lanes){VAR_I64, 0, list};
}

/* Of elements that are listed. */
void pass_positions(worker *w, const kernel_plan *p, const page *to, run *r, const int64_t *list)
{
	const region_plan *rp = r->plan;
	uint32_t n_vars = rp->def->n_vars;
	int64_t *x = (void *)(w->arena + rp->stack);
	r->vars[rp->flat] = (var_lanes){VAR_I64, 0, list};
	if (rp->def->kind == REGION_ENTRIES) {
		vars_entry_list(w, p, r, list);
		return;
	}
	if (n_vars == 1) {
		r->vars[p->root_vars[0]] = (var_lanes){VAR_I64, 0, list};
		return;
	}
	for (uint32_t i = 0; i < r->n; i++) {
		uint64_t position = (uint64_t)list[i];
		for (uint32_t d = n_vars; d-- > 0;) {
			x[d * TILE + i] = (int64_t)(position % (uint64_t)to->dims[d]);
			position /= (uint64_t)to->dims[d];
		}
	}
	for (uint32_t d = 0; d < n_vars; d++)
		r->vars[p->root_vars[d]] = (var_lanes){VAR_I64, 0, x + d * TILE};
}

/* Slots side by side; holes among them do not count. */
static void vars_entries(const job *j, run *r, uint64_t flat)
{
	const pattern *pat = j->ex->patterns[0];
	if (pattern_holes(pat) && memchr(pat->alive + flat, 0, r->n))
		r->live = pat->alive + flat;
	r->vars[j->p->root_vars[0]] = (var_lanes){VAR_U32, 0, pat->row + flat};
	r->vars[j->p->root_vars[1]] = (var_lanes){VAR_U32, 0, pat->col + flat};
	if (r->plan->entry != NONE)
		r->vars[r->plan->entry] = (var_lanes){VAR_IOTA, (int64_t)flat, NULL};
}

/* ---- results ----------------------------------------------------------------------------------- */

static uint64_t count_bits(const uint64_t *mask, uint32_t n)
{
	uint64_t count = 0;
	for (uint32_t i = 0; i < n; i += 64)
		count += (uint64_t)__builtin_popcountll(mask[i / 64]);
	return count;
}

static void stamp_changed(const pass_target *target, const uint64_t *mask, uint32_t n, uint64_t flat)
{
	uint32_t now = target->ticks ? ++*target->clock : *target->clock;
	for (uint32_t i = 0; i < n; i += 64)
		for (uint64_t bits = mask[i / 64]; bits; bits &= bits - 1)
			target->stamps[flat + i + (uint64_t)__builtin_ctzll(bits)] = now;
}

/* Lanes first .. first + n - 1, where lane 0 is element `flat`. */
static void put_lanes(const job *j, worker *w, run *r, uint64_t flat, uint32_t first, uint32_t n)
{
	uint64_t any[TILE / 64] = {0}, mask[TILE / 64];
	flat += first;
	for (uint32_t o = 0; o < j->n_outputs; o++) {
		const output_now *out = &j->outputs[o];
		lanes *l = &r->regs[out->local];
		lanes_fill(w, l, width_of(out->type), r->n);
		memset(mask, 0, sizeof mask);
		store_target to = {out->at + flat * out->stride, out->was ? out->was + flat * out->stride : NULL, out->stride, mask};
		if (w->k->store[out->type](&to, (const uint8_t *)l->at + ((size_t)first << width_of(out->type)), n) == 0)
			continue;
		if (out->marks)
			marks_add(out->marks, flat, mask, n, w->in_team);
		for (uint32_t i = 0; i < TILE / 64; i++)
			any[i] |= mask[i];
	}
	w->changed += count_bits(any, n);
	if (j->target && j->target->stamps)
		stamp_changed(j->target, any, n, flat);
}

/* Of the lanes that count. */
static void store_outputs(const job *j, worker *w, run *r, uint64_t flat)
{
	if (!r->live) {
		put_lanes(j, w, r, flat, 0, r->n);
		return;
	}
	for (uint32_t i = 0, end; i < r->n; i = end) {
		for (end = i; end < r->n && r->live[end] == r->live[i]; end++)
			;
		if (r->live[i])
			put_lanes(j, w, r, flat, i, end - i);
	}
}

/* For each width: puts values at listed positions and marks those that differ from what was there. */
#define DEFINE_SCATTER(type)                                                                                                     \
	static void scatter_##type(const output_now *out, const void *values, const int64_t *list, uint32_t n, uint64_t *mask)   \
	{                                                                                                                        \
		const type *from = values;                                                                                       \
		for (uint32_t i = 0; i < n; i++) {                                                                               \
			type *to = (type *)(void *)(out->at + (size_t)list[i] * out->stride);                                    \
			mask[i / 64] |= (uint64_t)(*to != from[i]) << i % 64;                                                    \
			*to = from[i];                                                                                           \
		}                                                                                                                \
	}
DEFINE_SCATTER(uint8_t)
DEFINE_SCATTER(uint16_t)
DEFINE_SCATTER(uint32_t)
DEFINE_SCATTER(uint64_t)

static void scatter(const output_now *out, const void *values, const int64_t *list, uint32_t n, uint64_t *mask)
{
	switch (width_of(out->type)) {
	case 0: scatter_uint8_t(out, values, list, n, mask); break;
	case 1: scatter_uint16_t(out, values, list, n, mask); break;
	case 2: scatter_uint32_t(out, values, list, n, mask); break;
	default: scatter_uint64_t(out, values, list, n, mask);
	}
}

/* Results of listed elements go to their places. */
static void scatter_outputs(const job *j, worker *w, run *r, const int64_t *list)
{
	uint64_t any[TILE / 64] = {0};
	for (uint32_t o = 0; o < j->n_outputs; o++) {
		const output_now *out = &j->outputs[o];
		lanes *l = &r->regs[out->local];
		uint64_t mask[TILE / 64] = {0};
		lanes_fill(w, l, width_of(out->type), r->n);
		store_target canonical = {w->values, NULL, type_table[out->type].bytes, NULL};
		for (uint32_t i = 0; i < r->n && out->marks; i++)
			fetch_to_write(&out->marks->level[0][list[i] / 64]);
		w->k->store[out->type](&canonical, l->at, r->n);
		scatter(out, w->values, list, r->n, mask);
		for (uint32_t i = 0; i < r->n; i += 64) {
			any[i / 64] |= mask[i / 64];
			for (uint64_t bits = mask[i / 64]; bits && out->marks; bits &= bits - 1) {
				uint64_t at = (uint64_t)list[i + (uint32_t)__builtin_ctzll(bits)];
				marks_add_word(out->marks, at / 64, (uint64_t)1 << at % 64, w->in_team);
			}
		}
	}
	w->changed += count_bits(any, r->n);
}

/* ---- tiles ------------------------------------------------------------------------------------- */

/* Past a failure nothing needs to be evaluated. Positions of entries are not in the order of elements. */
static bool past_fault(const job *j, uint64_t first)
{
	return j->p->regions[0].def->kind != REGION_ENTRIES && first > __atomic_load_n(j->ex->fault_at, __ATOMIC_RELAXED);
}

static void run_flat(const job *j, worker *w, uint64_t flat, uint32_t n)
{
	if (past_fault(j, flat))
		return;
	run *r = &w->runs[0];
	r->n = n;
	r->live = NULL;
	r->vars[r->plan->flat] = (var_lanes){VAR_IOTA, (int64_t)flat, NULL};
	if (r->plan->def->kind == REGION_ENTRIES)
		vars_entries(j, r, flat);
	else if (r->plan->def->n_vars > 0)
		vars_dense(j, w, r, flat);
	run_code(w, r);
	store_outputs(j, w, r, flat);
}

static void run_listed(const job *j, worker *w, const int64_t *list, uint32_t n)
{
	run *r = &w->runs[0];
	r->n = n;
	r->live = NULL;
	pass_positions(w, j->p, j->to, r, list);
	run_code(w, r);
}

static void run_tile(const job *j, worker *w, uint64_t tile)
{
	uint64_t in_row = tile % j->tiles_per_row * j->tile, flat = tile / j->tiles_per_row * j->row + in_row;
	uint32_t n = (uint32_t)(j->row - in_row < j->tile ? j->row - in_row : j->tile);
	if (!j->list) {
		run_flat(j, w, flat, n);
		return;
	}
	if (past_fault(j, (uint64_t)j->list[flat]))
		return;
	run_listed(j, w, j->list + flat, n);
	store_outputs(j, w, &w->runs[0], flat);
}

/* Rows first .. end-1, some at a time: their reductions first. */
static void run_blocks(const job *j, worker *w, uint64_t first, uint64_t end)
{
	uint32_t last = j->p->regions[0].def->n_vars - 1;
	uint64_t length = (uint64_t)j->to->dims[last], side = (uint64_t)j->to->dims[last - 1];
	for (uint64_t row = first, rows; row < end && !past_fault(j, row * length); row += rows) {
		rows = side - row % side;
		rows = rows < end - row ? rows : end - row;
		rows = rows < j->blocks ? rows : j->blocks;
		for (uint64_t lane = 0; lane < length; lane += TILE) {
			uint32_t n = (uint32_t)(length - lane < TILE ? length - lane : TILE);
			blocks_compute(w, j->p, j->to, row, (uint32_t)rows, lane, n);
			for (w->block_row = 0; w->block_row < rows; w->block_row++)
				run_flat(j, w, (row + w->block_row) * length + lane, n);
		}
		w->block_row = NONE;
	}
}

/* ---- dirty sets -------------------------------------------------------------------------------- */

/* Elements first .. end-1, in tiles that keep to rows where they must. */
static void run_span(const job *j, worker *w, uint64_t first, uint64_t end)
{
	if (j->span) {
		span_elements(w, j->span, first, end, &w->changed);
		return;
	}
	uint64_t length = j->blocks ? (uint64_t)j->to->dims[j->p->regions[0].def->n_vars - 1] : 1, whole = (first + length - 1) / length;
	if (j->blocks && end / length >= whole + LEAST_BLOCKS) { /* whole rows, and what is before and after them */
		job rest = *j;
		rest.blocks = 0;
		run_span(&rest, w, first, whole * length);
		run_blocks(j, w, whole, end / length);
		run_span(&rest, w, end / length * length, end);
		return;
	}
	uint64_t row = j->p->by_rows && j->p->regions[0].def->n_vars > 0 ? (uint64_t)j->to->dims[j->p->regions[0].def->n_vars - 1] : j->total;
	while (first < end) {
		uint64_t left = row - first % row;
		uint64_t n = end - first < left ? end - first : left;
		n = n < TILE ? n : TILE;
		run_flat(j, w, first, (uint32_t)n);
		first += n;
	}
}

static void flush_list(const job *j, worker *w, uint32_t *n)
{
	if (*n == 0)
		return;
	if (j->span && *n >= j->least_listed) {
		span_list(w, j->span, w->list, *n, &w->changed);
	} else if (!past_fault(j, (uint64_t)w->list[0])) {
		run_listed(j, w, w->list, *n);
		scatter_outputs(j, w, &w->runs[0], w->list);
	}
	w->evaluated += *n;
	w->modes[MODE_SINGLE]++;
	*n = 0;
}

/* One by one: most words of a sparse set have one or two. */
static bool has_bits(uint64_t bits, int least)
{
	for (; bits && least > 1; least--)
		bits &= bits - 1;
	return bits != 0;
}

static bool word_is_dense(const job *j, uint64_t w)
{
	int least = j->p->serial ? 1 : j->p->heavy ? WORD_DENSE_NESTED : WORD_DENSE;
	uint64_t bits = j->dirty->level[0][w], left = j->total - w * 64;
	return has_bits(bits, least) || (left < 64 && bits == ~(uint64_t)0 >> (64 - left));
}

/* Words from .. end-1, all of their elements. */
static void run_dense_words(const job *j, worker *w, uint64_t from, uint64_t end)
{
	uint64_t last = end * 64 < j->total ? end * 64 : j->total;
	bool all = true;
	for (uint64_t at = from; at < end; at++)
		all &= j->dirty->level[0][at] == ~(uint64_t)0;
	run_span(j, w, from * 64, last);
	w->evaluated += last - from * 64;
	w->modes[all ? MODE_DENSE : MODE_MASKED]++;
}

/* Dirty elements of words first .. end-1. */
static void run_words(const job *j, worker *w, uint64_t first, uint64_t end)
{
	uint32_t n = 0;
	for (uint64_t at = bitset_next_word(j->dirty, first); at < end; at = bitset_next_word(j->dirty, at)) {
		if (!word_is_dense(j, at)) {
			if (n + 64 > TILE)
				flush_list(j, w, &n);
			for (uint64_t bits = j->dirty->level[0][at]; bits; bits &= bits - 1)
				w->list[n++] = (int64_t)(at * 64 + (uint64_t)__builtin_ctzll(bits));
			at++;
			continue;
		}
		uint64_t from = at;
		while (at < end && j->dirty->level[0][at] && word_is_dense(j, at))
			at++;
		run_dense_words(j, w, from, at);
	}
	flush_list(j, w, &n);
}

static void run_task(const job *j, worker *w, uint64_t task)
{
	if (j->dirty) {
		uint64_t words = bitset_words(j->total), first = task * WORDS_OF_TASK;
		run_words(j, w, first, first + WORDS_OF_TASK < words ? first + WORDS_OF_TASK : words);
		return;
	}
	if (j->blocks) {
		uint64_t from = task * j->blocks, rows = j->total / j->row;
		run_blocks(j, w, from, from + j->blocks < rows ? from + j->blocks : rows);
		return;
	}
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
	j->blocks = !j->list && blocks_ready(j->ex, p) ? blocks_rows(p) : 0;
	if (j->dirty) {
		j->n_tasks = (bitset_words(j->total) + WORDS_OF_TASK - 1) / WORDS_OF_TASK;
		return;
	}
	if (j->blocks) {
		j->row = (uint64_t)j->to->dims[root->def->n_vars - 1];
		uint64_t rows = j->total / j->row, share = (rows + 4 * j->ex->n_workers - 1) / (4 * j->ex->n_workers);
		if (j->ex->n_workers > 1 && share < j->blocks)
			j->blocks = share < LEAST_BLOCKS ? LEAST_BLOCKS : (uint32_t)share;
		j->n_tasks = (rows + j->blocks - 1) / j->blocks;
		return;
	}
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
	if (j->dirty)
		run_words(j, w, 0, bitset_words(j->total));
	for (uint64_t t = 0; t < j->n_tasks && !j->dirty; t++)
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

void job_begin(struct executor *ex, uint64_t *fault_at)
{
	*fault_at = UINT64_MAX;
	ex->fault_at = fault_at;
	for (uint32_t i = 0; i < ex->n_workers; i++) {
		worker *w = &ex->workers[i];
		w->changed = w->evaluated = 0;
		memset(w->modes, 0, sizeof w->modes);
		w->fault.any = false;
	}
}

int job_end(struct executor *ex, uint64_t *changed, mmsb_error *err)
{
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

static int run_job(job *j, double elements, uint64_t *changed, mmsb_error *err)
{
	struct executor *ex = j->ex;
	uint64_t fault_at;
	shape_job(j);
	job_begin(ex, &fault_at);
	if (ex->n_workers > 1 && j->n_tasks > 1 && elements * j->p->regions[0].weight >= TEAM * ex->grain)
		run_team(j);
	else
		run_alone(j);
	return job_end(ex, changed, err);
}

/* ---- passes ------------------------------------------------------------------------------------ */

output_now pass_output(const mmsb_instance *inst, const kernel_plan *p, const pass_target *target, uint32_t output)
{
	const page *to = &inst->pages[p->pass->page];
	const sch_output *def = &inst->sch->outputs[p->def->first_output + output];
	column c = page_column(inst, to, false, def->field);
	size_t offset = (size_t)(c.base - to->cur);
	uint32_t number = column_number(to, def->field);
	bitset *marks = target->marks ? &target->marks[number].bits : NULL;
	return (output_now){p->outputs[output], number, c.type, target->at + offset, target->was ? target->was + offset : NULL, c.stride, marks};
}

static void set_outputs(job *j, const pass_target *target)
{
	for (uint32_t o = 0; o < j->n_outputs; o++)
		j->outputs[o] = pass_output(j->ex->inst, j->p, target, o);
}

static int run_outputs(job *j, const pass_target *target, double elements, uint64_t *changed, mmsb_error *err)
{
	output_now outputs[MAX_OUTPUTS];
	j->n_outputs = j->p->def->n_outputs;
	j->outputs = outputs;
	if (j->n_outputs > MAX_OUTPUTS) {
		j->outputs = calloc(j->n_outputs, sizeof *j->outputs);
		if (!j->outputs)
			return fail_memory(err, j->n_outputs * sizeof *j->outputs, "the fields of a record");
	}
	set_outputs(j, target);
	int status = run_job(j, elements, changed, err);
	if (j->outputs != outputs)
		free(j->outputs);
	return status;
}

int pass_run(struct executor *ex, const kernel_plan *p, const pass_target *target, uint64_t *changed, mmsb_error *err)
{
	const page *to = &ex->inst->pages[p->pass->page];
	job j = {.ex = ex, .p = p, .to = to, .total = page_elements(to), .target = target};
	*changed = 0;
	int status = pass_look_up(ex, p, err);
	if (status || j.total == 0)
		return status;
	span_now span;
	if (p->span && span_ready(&span, ex, p->span, target)) {
		span_run(ex, &span, changed);
		return MMSB_OK;
	}
	rows_begin(ex, p);
	status = run_outputs(&j, target, (double)j.total, changed, err);
	rows_end(p);
	return status;
}

/* Results of a small plan: at most 64 elements, in place. */
static uint64_t store_small(const kernel_plan *p, page *to, worker *w, run *r)
{
	uint64_t any = 0;
	for (uint32_t o = 0; o < p->def->n_outputs; o++) {
		const output_now *out = &p->own_outputs[o];
		lanes *l = &r->regs[out->local];
		uint64_t mask = 0;
		lanes_fill(w, l, width_of(out->type), r->n);
		store_target target = {out->at, out->at, out->stride, &mask};
		if (w->k->store[out->type](&target, l->at, r->n) == 0)
			continue;
		bitset_add_word(&to->now[out->column].bits, 0, mask);
		any |= mask;
	}
	return any;
}

/* The places of its results: its page is too small for its buffers to change places. */
bool small_outputs(struct executor *ex, kernel_plan *p)
{
	const page *to = &ex->inst->pages[p->pass->page];
	const pass_target target = {.at = to->cur, .was = to->cur};
	p->own_outputs = calloc(SMALL_OUTPUTS, sizeof *p->own_outputs);
	if (!p->own_outputs)
		return false;
	job j = {.ex = ex, .p = p, .to = to, .n_outputs = p->def->n_outputs, .outputs = p->own_outputs};
	set_outputs(&j, &target);
	return true;
}

int pass_run_small(struct executor *ex, const kernel_plan *p, uint64_t *changed, mmsb_error *err)
{
	page *to = &ex->inst->pages[p->pass->page];
	worker *w = &ex->workers[0];
	uint64_t fault_at = UINT64_MAX;
	uint8_t *shared = w->arena;
	int status = pass_look_up(ex, p, err);
	if (status || to->count == 0)
		return status;
	const job j = {.ex = ex, .p = p, .to = to};
	ex->fault_at = &fault_at;
	w->fault.any = false;
	w->arena = p->own_arena;
	w->runs = (void *)(w->arena + p->runs_place);
	run *r = &w->runs[0];
	r->n = (uint32_t)to->count;
	r->live = NULL;
	r->vars[r->plan->flat] = (var_lanes){VAR_IOTA, 0, NULL};
	if (r->plan->def->n_vars > 0)
		vars_dense(&j, w, r, 0);
	run_code(w, r);
	uint64_t mask = store_small(p, to, w, r);
	w->arena = shared;
	*changed = mask & (mask - 1) ? (uint64_t)__builtin_popcountll(mask) : mask != 0;
	if (w->fault.any && err)
		*err = w->fault.error;
	return w->fault.any ? MMSB_FAULT : MMSB_OK;
}

int pass_run_dirty(struct executor *ex, const kernel_plan *p, const pass_target *target, const bitset *dirty, uint64_t *changed, mmsb_error *err)
{
	const page *to = &ex->inst->pages[p->pass->page];
	job j = {.ex = ex, .p = p, .to = to, .total = page_elements(to), .dirty = dirty};
	*changed = 0;
	if (j.total == 0 || bitset_empty(dirty))
		return MMSB_OK;
	span_now span;
	if (p->span && span_ready(&span, ex, p->span, target)) {
		j.span = &span;
		j.least_listed = !p->span->listed ? NONE : ex->grain < LIST_NATIVE ? 1 : p->span->places ? LIST_NATIVE : NONE;
	}
	/* counting is worth it only where a team may be */
	double elements = ex->n_workers > 1 && j.total > WORDS_OF_TASK * 64 ? (double)bitset_count(dirty) : 1;
	return run_outputs(&j, target, elements, changed, err);
}

int pass_run_list(struct executor *ex, const kernel_plan *p, const int64_t *positions, uint64_t n, uint8_t *values, mmsb_error *err)
{
	const page *to = &ex->inst->pages[p->pass->page];
	output_now output = {p->outputs[0], 0, to->def->type, values, values, to->element, NULL};
	job j = {.ex = ex, .p = p, .to = to, .total = n, .n_outputs = 1, .outputs = &output, .list = positions};
	uint64_t changed;
	int status = pass_look_up(ex, p, err);
	return status || n == 0 ? status : run_job(&j, (double)n, &changed, err);
}

int pass_begin(struct executor *ex, const kernel_plan *p, mmsb_error *err)
{
	int status = pass_look_up(ex, p, err);
	if (status)
		return status;
	job_begin(ex, &ex->list_fault_at);
	worker_prepare(&ex->workers[0], p);
	return MMSB_OK;
}

const void *pass_batch(struct executor *ex, const kernel_plan *p, const int64_t *positions, uint32_t n)
{
	worker *w = &ex->workers[0];
	run *r = &w->runs[0];
	const page *to = &ex->inst->pages[p->pass->page];
	for (uint32_t i = 0; i < p->n_regions; i++) /* the page may have changed since the last batch */
		w->runs[i].same_known = false;
	r->n = n;
	r->live = NULL;
	pass_positions(w, p, to, r, positions);
	run_code(w, r);
	lanes *l = &r->regs[p->outputs[0]];
	lanes_fill(w, l, width_of(to->def->type), n);
	return l->at;
}
