/* rows.c - reductions over rows and columns, list after list (rows.h). */
#include "rows.h"

#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "arena.h"
#include "fpenv.h"
#include "kept.h"
#include "plan.h"

/* Keys of a task; of what depends on keys alone more entries than keys make it worth to compute it beforehand. */
enum { KEYS_OF_TASK = 8192, HOIST_SHARE = 2 };

typedef struct row_input {
	uint8_t source, width;  /* rows_source */
	bool at_key;            /* PAGE */
	uint32_t local;         /* OUTER: of the region around */
	uint32_t read;          /* ENTRY, PAGE: kernel-relative */
	uint32_t lanes;         /* ENTRY, OUTER: which of the worker's buffers */
	scalar value;           /* KNOWN */
	/* ENTRY: */
	const page *from;
	uint64_t version;       /* of the page, when it was last read by a whole evaluation */
	uint8_t *copy;          /* values by place of the kept lists, of that version; or NULL */
	size_t copy_size;
} row_input;

struct row_plan {
	const course_kernels *k;
	native_fn *fn[ROWS_PARTS];
	uint32_t n_in, n_hoisted, n_lanes;
	uint32_t row_operand;           /* of functions that compute operands as they are arranged: which one says what rows are */
	row_input in[NATIVE_MOST];
	uint64_t n_keys;
	uint8_t hoisted_width[ROWS_HOISTED];
	uint8_t *hoisted[ROWS_HOISTED]; /* by key, or NULL: no memory */
	bool at_hand;                   /* they are those of the pass at hand */
	bool keeps;                     /* each list is walked by one thread: what is kept of it is written once */
	kept_lists kept;
	bool copies;                    /* values have been as they are, too, in a whole evaluation before */
	uint32_t copied;                /* counts their changes, from 1 on */
};

/* ---- plans ------------------------------------------------------------------------------------- */

void rows_free(struct row_plan *p)
{
	for (uint32_t h = 0; p && h < p->n_hoisted; h++)
		free(p->hoisted[h]);
	for (uint32_t i = 0; p && i < p->n_in; i++)
		free(p->in[i].copy);
	if (p)
		kept_free(&p->kept);
	free(p);
}

static uint32_t import_of(const region_plan *r, uint32_t reg)
{
	for (uint32_t i = 0; i < r->n_imports; i++)
		if (r->imports[i].reg == reg)
			return r->imports[i].from;
	return NONE;
}

static bool plan_input(const struct executor *ex, const kernel_plan *p, const region_plan *r, const rows_operand *o, row_input *in)
{
	const schedule *s = ex->inst->sch;
	const sch_instr *def = &s->instrs[p->def->first_instr + o->instr];
	*in = (row_input){.source = o->source, .width = (uint8_t)width_of(o->type), .at_key = o->at_key};
	switch ((rows_source)o->source) {
	case ROWS_OUTER:
		in->local = import_of(r, o->reg);
		return in->local != NONE;
	case ROWS_KNOWN:
		in->value.bits = def->imm;
		if (def->code == CODE_PARAM)
			in->value = ex->inst->params[def->a];
		else if (def->code == CODE_SIZE)
			in->value.I64 = ex->inst->sizes[def->a];
		return true;
	case ROWS_ENTRY: case ROWS_PAGE:
		in->read = def->a;
		in->from = p->reads[def->a].from;
		return !p->reads[def->a].empty && p->reads[def->a].from->element > 0;
	}
	return false;
}

/* NULL: no functions, or not for these sizes, or (*failed) no memory. */
static struct row_plan *plan_one(const struct executor *ex, const kernel_plan *p, const region_plan *r, native_rows *found, bool *failed)
{
	char name[NATIVE_NAME];
	native_fn *fn[ROWS_PARTS] = {NULL};
	if (!native_rows_find(found, ex->inst->sch, (uint32_t)(p->def - ex->inst->sch->kernels), r->id))
		return NULL;
	for (rows_part part = ROWS_DIRECT; part < (found->n_hoisted ? ROWS_PARTS : ROWS_EACH); part++) {
		native_rows_name(name, found, part);
		fn[part] = native_find(ex->inst->owner, name);
	}
	const course_kernels *k = course_kernels_of(ex->k);
	if (!fn[ROWS_DIRECT] || !fn[ROWS_DIRECT_ARRANGED] || (r->kind != RED_LIST && r->kind != RED_ANY) || !k->walk[r->def->op][r->type] || r->n_var_imports > 0)
		return NULL;
	struct row_plan *rows = calloc(1, sizeof *rows);
	if (!rows) {
		*failed = true;
		return NULL;
	}
	memcpy(rows->fn, fn, sizeof fn);
	rows->k = k;
	rows->keeps = ex->n_workers == 1 || (r->parent == &p->regions[0] && plan_is_the_variable(p, r->at));
	rows->kept.lanes = arranged_lanes((size_t)1 << r->width);
	rows->copied = 1;
	rows->n_in = found->n_in;
	rows->n_hoisted = fn[ROWS_EACH] && fn[ROWS_REST] && fn[ROWS_REST_ARRANGED] ? found->n_hoisted : 0;
	rows->row_operand = 1 + found->n_in + found->n_hoisted;
	rows->n_keys = (uint64_t)r->driver->dims[r->def->kind == REGION_ROW ? 1 : 0];
	for (uint32_t h = 0; h < rows->n_hoisted; h++)
		rows->hoisted_width[h] = (uint8_t)width_of(found->values[found->hoisted[h]].type);
	for (uint32_t i = 0; i < rows->n_in; i++) {
		if (!plan_input(ex, p, r, &found->in[i], &rows->in[i])) {
			free(rows);
			return NULL;
		}
		if (rows->in[i].source == ROWS_ENTRY || rows->in[i].source == ROWS_OUTER)
			rows->in[i].lanes = rows->n_lanes++;
		rows->kept.slots |= rows->in[i].source == ROWS_ENTRY;
	}
	return rows;
}

uint32_t rows_functions(const struct row_plan *p) { return p ? 2 + (p->n_hoisted ? 3u : 0u) : 0; }

bool rows_plan(struct executor *ex)
{
	bool failed = false;
	native_rows *found = ex->inst->native ? malloc(sizeof *found) : NULL;
	if (!ex->inst->native)
		return true;
	for (uint32_t i = 0; found && i < ex->inst->sch->n_passes; i++)
		for (uint32_t r = 1; r < ex->passes[i]->n_regions && !failed; r++)
			ex->passes[i]->regions[r].rows = plan_one(ex, ex->passes[i], &ex->passes[i]->regions[r], found, &failed);
	free(found);
	return found && !failed;
}

/* ---- a worker's room --------------------------------------------------------------------------- */

/* Operands, nodes, keys, slots (or, while an arrangement is written, which operand has each place, and what arrange() needs), a course, an arrangement, and
 * operands of functions: what is not touched takes no memory. */
_Static_assert((int)ARRANGED_FILL >= (int)COURSE_SLACK, "operands in the order of lists, or as they are arranged");
enum { MOST = COURSE_MOST + ARRANGED_FILL, LANES_BYTES = MOST * 8, NUMBERS_BYTES = MOST * 4, FIXED_BYTES = 2 * LANES_BYTES + 2 * NUMBERS_BYTES };

static size_t course_size(void) { return (course_room(COURSE_LISTS, COURSE_MOST) + 63) & ~(size_t)63; }
static size_t arranged_size(void) { return (arranged_room(COURSE_LISTS, COURSE_MOST) + 63) & ~(size_t)63; }

size_t rows_room(const struct executor *ex)
{
	size_t most = 0;
	for (uint32_t i = 0; ex->passes && i < ex->inst->sch->n_passes; i++)
		for (uint32_t r = 1; r < ex->passes[i]->n_regions; r++) {
			const struct row_plan *p = ex->passes[i]->regions[r].rows;
			size_t bytes = p ? FIXED_BYTES + course_size() + arranged_size() + (size_t)p->n_lanes * LANES_BYTES : 0;
			most = bytes > most ? bytes : most;
		}
	return most;
}

/* ---- what depends on keys alone ---------------------------------------------------------------- */

/* Pages lie as functions take them: elements side by side. */
static bool inputs_fit(const struct executor *ex, const struct row_plan *p)
{
	for (uint32_t i = 0; i < p->n_in; i++)
		if (p->in[i].source == ROWS_PAGE && ex->reads[p->in[i].read].stride != (size_t)1 << p->in[i].width)
			return false;
	return true;
}

static void compute_keys(const struct executor *ex, const struct row_plan *p, uint64_t first, uint64_t end)
{
	const void *in[NATIVE_MOST + 1];
	void *out[ROWS_HOISTED];
	int64_t from = (int64_t)first;
	in[0] = &from;
	for (uint32_t i = 0; i < p->n_in; i++) {
		const row_input *x = &p->in[i];
		in[i + 1] = &x->value;
		if (x->source == ROWS_PAGE) /* at the key: from the first one on */
			in[i + 1] = ex->reads[x->read].base + (x->at_key ? first << x->width : 0);
	}
	for (uint32_t h = 0; h < p->n_hoisted; h++)
		out[h] = p->hoisted[h] + (first << p->hoisted_width[h]);
	p->fn[ROWS_EACH](out, in, end - first);
}

/* By all threads where that is worth waking them. */
static void compute_all_keys(struct executor *ex, const struct row_plan *p)
{
	int64_t tasks = (int64_t)((p->n_keys + KEYS_OF_TASK - 1) / KEYS_OF_TASK);
#ifdef _OPENMP
	if (ex->n_workers > 1 && (double)p->n_keys * 4 >= TEAM * ex->grain) {
#pragma omp parallel num_threads((int)ex->n_workers)
		{
			uint64_t env = fpenv_enter();
#pragma omp for schedule(dynamic, 1)
			for (int64_t t = 0; t < tasks; t++) {
				uint64_t first = (uint64_t)t * KEYS_OF_TASK, left = p->n_keys - first;
				compute_keys(ex, p, first, first + (left < KEYS_OF_TASK ? left : KEYS_OF_TASK));
			}
			fpenv_leave(env);
		}
		return;
	}
#endif
	uint64_t env = fpenv_enter();
	for (int64_t t = 0; t < tasks; t++) {
		uint64_t first = (uint64_t)t * KEYS_OF_TASK, left = p->n_keys - first;
		compute_keys(ex, p, first, first + (left < KEYS_OF_TASK ? left : KEYS_OF_TASK));
	}
	fpenv_leave(env);
}

/* Memory is taken when it is first needed, and kept. */
static bool hoisted_room(struct row_plan *p)
{
	for (uint32_t h = 0; h < p->n_hoisted; h++)
		if (!p->hoisted[h] && !(p->hoisted[h] = malloc((p->n_keys + 1) << p->hoisted_width[h])))
			return false;
	return true;
}

/* ---- what is kept ------------------------------------------------------------------------------ */

static const lists *lists_of(const pattern *pat, const region_plan *r) { return r->def->kind == REGION_ROW ? &pat->rows : &pat->cols; }

/* What entries have, side by side in their page as it is now. */
static bool is_plain(const struct executor *ex, const row_input *x)
{
	const read_now *now = &ex->reads[x->read];
	return now->base == x->from->cur && now->stride == (size_t)1 << x->width;
}

/* Nothing has changed since copies were taken. */
static bool copies_hold(const struct executor *ex, const struct row_plan *p)
{
	for (uint32_t i = 0; i < p->n_in; i++)
		if (p->in[i].source == ROWS_ENTRY && (p->in[i].version != p->in[i].from->version || !is_plain(ex, &p->in[i])))
			return false;
	return true;
}

static bool copy_room(row_input *x, uint64_t n_places)
{
	size_t bytes = (size_t)n_places << x->width;
	if (bytes > x->copy_size) {
		free(x->copy);
		x->copy = malloc(bytes);
		x->copy_size = x->copy ? bytes : 0;
		if (x->copy)
			memory_ask_large(x->copy, bytes);
	}
	return x->copy_size >= bytes;
}

/* Values that are now as they were in the last whole evaluation are expected to stay so. */
static void copies_begin(const struct executor *ex, struct row_plan *p)
{
	bool same = copies_hold(ex, p);
	p->copied += !same;
	p->copies = same && p->kept.keep && p->kept.slots;
	for (uint32_t i = 0; i < p->n_in; i++)
		if (p->in[i].source == ROWS_ENTRY) {
			p->in[i].version = p->in[i].from->version;
			p->copies = p->copies && copy_room(&p->in[i], p->kept.n_places);
		}
}

/* ---- a pass ------------------------------------------------------------------------------------ */

void rows_begin(struct executor *ex, const kernel_plan *p)
{
	for (uint32_t i = 1; i < p->n_regions; i++) {
		struct row_plan *rows = p->regions[i].rows;
		const pattern *pat = ex->patterns[i];
		if (!rows || !pat || !inputs_fit(ex, rows))
			continue;
		if (rows->keeps)
			kept_begin(&rows->kept, lists_of(pat, &p->regions[i]), rows->n_keys);
		copies_begin(ex, rows);
		rows->at_hand = rows->n_hoisted > 0 && pat->n_entries >= HOIST_SHARE * rows->n_keys && hoisted_room(rows);
		if (rows->at_hand)
			compute_all_keys(ex, rows);
	}
}

void rows_end(const kernel_plan *p)
{
	for (uint32_t i = 1; i < p->n_regions; i++)
		if (p->regions[i].rows)
			p->regions[i].rows->at_hand = false;
}

/* ---- lists ------------------------------------------------------------------------------------- */

/* Some lists at work, of lanes from `lane` on. */
typedef struct block {
	worker *w;
	run *r;
	const step *s;
	const region_plan *plan;
	struct row_plan *rows;
	const lists *lists;
	uint32_t lane, n;
	uint64_t at[COURSE_LISTS]; /* numbers of lists; n_lists: none */
	uint32_t ends[COURSE_LISTS];
	uint64_t total;
	const uint32_t *key, *mate;
	bool side_by_side;         /* key and mate are in the lists, from `start` on */
	uint64_t start;
	kept_block *kept;          /* operands are arranged as it is; or NULL */
	bool copies;               /* copies of what entries have may be used */
} block;

static uint8_t *room(const block *b, size_t offset) { return b->w->rows + offset; }
static uint8_t *lanes_room(const block *b, uint32_t number) { return room(b, FIXED_BYTES + course_size() + arranged_size() + (size_t)number * LANES_BYTES); }

static bool count_up(const uint64_t *at, uint32_t n)
{
	uint64_t apart = 0;
	if (n == COURSE_LISTS)
		for (uint32_t i = 0; i < COURSE_LISTS; i++)
			apart |= at[i] ^ (at[0] + i);
	else
		for (uint32_t i = 0; i < n; i++)
			apart |= at[i] ^ (at[0] + i);
	return apart == 0;
}

/* Which lists; true when they are some that follow each other: then at[0] is the first, and the others may not be there. */
static bool find_lists(block *b)
{
	const lanes *at = &b->r->regs[b->plan->at];
	const uint8_t *live = b->r->live;
	uint64_t n_lists = b->lists->n_lists;
	if (b->plan->def->at_type != T_U32 && !at->uniform && !live) {
		const uint64_t *from = (const uint64_t *)at->at + b->lane;
		b->at[0] = from[0];
		if (count_up(from, b->n) && from[0] < n_lists && b->n <= n_lists - from[0])
			return true;
		memcpy(b->at, from, b->n * sizeof *b->at);
		return false;
	}
	for (uint32_t i = 0; i < b->n; i++) {
		scalar v = reg_lane(at, width_of(b->plan->def->at_type), b->lane + i);
		b->at[i] = live && !live[b->lane + i] ? n_lists : b->plan->def->at_type == T_U32 ? v.U32 : v.U64;
	}
	return count_up(b->at, b->n) && b->at[0] < n_lists && b->n <= n_lists - b->at[0];
}

/* How long lists that follow each other are. */
static void measure_run(block *b)
{
	const list_head *h = &b->lists->heads[b->at[0]];
	uint64_t total = 0, at = h[0].at;
	bool apart = false;
	for (uint32_t i = 0; i < b->n; i++) {
		b->at[i] = b->at[0] + i;
		apart |= h[i].n > 0 && (h[i].room == LIST_CUT || h[i].at != at + total);
		total += h[i].n;
		b->ends[i] = (uint32_t)(total < UINT32_MAX ? total : UINT32_MAX);
	}
	b->start = at;
	b->total = total;
	b->side_by_side = !apart;
}

/* How long any lists are. */
static void measure_lists(block *b)
{
	uint64_t total = 0, start = 0;
	bool apart = false;
	for (uint32_t i = 0; i < b->n; i++) {
		b->at[i] = b->at[i] < b->lists->n_lists ? b->at[i] : b->lists->n_lists;
		if (b->at[i] < b->lists->n_lists && lists_length(b->lists, b->at[i]) > 0) {
			const list_head *h = &b->lists->heads[b->at[i]];
			start = total ? start : h->at;
			apart |= h->room == LIST_CUT || h->at != start + total;
			total += h->n;
		}
		b->ends[i] = (uint32_t)(total < UINT32_MAX ? total : UINT32_MAX);
	}
	b->start = start;
	b->total = total;
	b->side_by_side = !apart;
}

/* Keys and slots side by side. */
static void find_keys(block *b)
{
	uint32_t *key = (void *)room(b, 2 * LANES_BYTES), *mate = key + COURSE_MOST + COURSE_SLACK;
	uint32_t n = 0;
	b->key = b->lists->key + b->start;
	b->mate = b->lists->mate + b->start;
	if (b->side_by_side)
		return;
	b->key = key;
	b->mate = mate;
	for (uint32_t i = 0; i < b->n; i++) {
		list_run piece = {0};
		while (b->at[i] < b->lists->n_lists && lists_next(b->lists, b->at[i], &piece)) {
			memcpy(key + n, b->lists->key + piece.at, piece.n * sizeof *key);
			memcpy(mate + n, b->lists->mate + piece.at, piece.n * sizeof *mate);
			n += piece.n;
		}
	}
}

/* n slots that count up. */
static bool counts_up(const uint32_t *slot, uint64_t n)
{
	uint32_t apart = slot[n - 1] ^ (slot[0] + (uint32_t)n - 1);
	for (uint64_t i = 0; !apart && i < n; i += 256) {
		uint64_t end = n - i < 256 ? n : i + 256;
		for (uint64_t k = i; k < end; k++)
			apart |= slot[k] ^ (slot[0] + (uint32_t)k);
	}
	return !apart;
}

/* What belongs to the entries, side by side: in memory, or brought there. */
static const void *entry_operand(const block *b, const row_input *x)
{
	const read_now *now = &b->w->ex->reads[x->read];
	size_t bytes = (size_t)1 << x->width;
	uint8_t *to = lanes_room(b, x->lanes);
	if (!b->kept && now->stride == bytes && counts_up(b->mate, b->total))
		return now->base + (size_t)b->mate[0] * bytes;
	if (b->kept && b->copies) {
		to = x->copy + b->kept->place * bytes;
		if (b->kept->copied == b->rows->copied)
			return to;
	}
	b->w->k->gather_u32[x->width](to, now->base, now->stride, b->mate, b->total);
	return to;
}

/* Values of the region around: each for all operands of its list. */
static void spread(const block *b, const row_input *x, const lanes *l, uint8_t *to)
{
	size_t bytes = (size_t)1 << x->width;
	for (uint32_t i = 0, at = 0; i < b->n; i++) {
		if (b->ends[i] > at)
			b->w->k->fill[x->width](to + at * bytes, (const uint8_t *)l->at + (b->lane + i) * bytes, b->ends[i] - at);
		at = b->ends[i];
	}
}

static void spread_arranged(const block *b, const row_input *x, const lanes *l, uint8_t *to)
{
	const arrangement *a = &b->kept->arranged;
	size_t bytes = (size_t)1 << x->width, row = a->lanes * bytes;
	for (uint32_t g = 0; g < a->n_groups; g++) {
		const uint8_t *list = a->list + (size_t)g * a->lanes;
		for (uint32_t j = 0; j < a->lanes; j++)
			memcpy(to + j * bytes, (const uint8_t *)l->at + (b->lane + list[j]) * bytes, bytes);
		for (uint32_t e = 1; e < a->width[g]; e++)
			memcpy(to + e * row, to, row);
		to += a->width[g] * row;
	}
}

static const void *outer_operand(const block *b, const row_input *x)
{
	const lanes *l = &b->r->regs[x->local];
	uint8_t *to = lanes_room(b, x->lanes);
	if (l->uniform)
		b->w->k->fill[x->width](to, l->at, b->total);
	else
		(b->kept ? spread_arranged : spread)(b, x, l, to);
	return to;
}

static void compute_operands(const block *b, void *values)
{
	const struct row_plan *p = b->rows;
	const void *in[1 + NATIVE_MOST + ROWS_HOISTED + 1];
	void *out[1] = {values};
	in[0] = b->key;
	for (uint32_t i = 0; i < p->n_in; i++) {
		const row_input *x = &p->in[i];
		switch ((rows_source)x->source) {
		case ROWS_ENTRY: in[i + 1] = entry_operand(b, x); break;
		case ROWS_OUTER: in[i + 1] = outer_operand(b, x); break;
		case ROWS_PAGE: in[i + 1] = b->w->ex->reads[x->read].base; break;
		case ROWS_KNOWN: in[i + 1] = &x->value; break;
		}
	}
	for (uint32_t h = 0; h < p->n_hoisted && p->at_hand; h++)
		in[p->n_in + 1 + h] = p->hoisted[h];
	if (!b->kept) {
		p->fn[p->at_hand ? ROWS_REST : ROWS_DIRECT](out, in, b->total);
		return;
	}
	in[p->row_operand] = b->kept->arranged.row;
	p->fn[p->at_hand ? ROWS_REST_ARRANGED : ROWS_DIRECT_ARRANGED](out, in, b->kept->arranged.n_rows);
}

static void give_counts(const block *b)
{
	int64_t *count = (void *)(b->w->arena + b->s->count_place);
	for (uint32_t i = 0; i < b->n && b->s->count != NONE; i++)
		count[b->lane + i] = (int64_t)(b->ends[i] - (i ? b->ends[i - 1] : 0));
}

/* By what is kept. */
static void reduce_arranged(block *b, kept_block *kept, uint8_t *out)
{
	const arrangement *a = &kept->arranged;
	b->kept = kept;
	b->total = a->n_places;
	b->key = b->rows->kept.key + kept->first_key;
	b->mate = b->rows->kept.slots ? b->rows->kept.slot + kept->place : NULL;
	compute_operands(b, room(b, 0));
	if (b->copies)
		kept->copied = b->rows->copied;
	b->rows->k->walk_arranged[b->plan->def->op][b->plan->type](out, room(b, LANES_BYTES), a, room(b, 0), &b->plan->def->identity);
	b->w->work += kept->n_operands + BATCH_WORK;
}

/* False: they are not kept. */
static bool write_kept(const block *b, kept_block *to, const course *c)
{
	uint8_t *place = room(b, 2 * LANES_BYTES), *scratch = room(b, FIXED_BYTES + course_size());
	return to && b->side_by_side && kept_write(&b->rows->kept, to, c, b->key, b->mate, scratch, (uint32_t *)(void *)place, (uint16_t *)(void *)(place + NUMBERS_BYTES));
}

/* False: too many operands. */
static bool reduce_block(block *b)
{
	course c;
	bool run_of_lists = find_lists(b);
	kept_block *kept = run_of_lists ? kept_at(&b->rows->kept, b->lists, b->at[0], b->n) : NULL;
	bool written = kept && kept->arranged.n_lists == b->n;
	uint8_t *out = b->w->arena + b->s->place + ((size_t)b->lane << b->plan->width);
	b->kept = NULL;
	if (!written || b->s->count != NONE) {
		(run_of_lists ? measure_run : measure_lists)(b);
		if (b->total > COURSE_MOST)
			return false;
		give_counts(b);
	}
	if (!written && b->total == 0) {
		b->w->k->fill[b->plan->width](out, &b->plan->def->identity, b->n);
		return true;
	}
	if (!written) {
		find_keys(b);
		course_place(&c, room(b, FIXED_BYTES), COURSE_LISTS, COURSE_MOST, COURSE_MOST);
		b->rows->k->write(&c, b->key, b->ends, b->n, b->plan->kind == RED_LIST);
		written = write_kept(b, kept, &c);
	}
	if (written) {
		reduce_arranged(b, kept, out);
		return true;
	}
	compute_operands(b, room(b, 0));
	b->rows->k->walk[b->plan->def->op][b->plan->type](out, room(b, LANES_BYTES), &c, room(b, 0), &b->plan->def->identity);
	b->w->work += b->total + BATCH_WORK;
	return true;
}

bool rows_reduce(worker *w, run *r, const step *s)
{
	const struct executor *ex = w->ex;
	const pattern *pat = ex->patterns[s->child->id];
	struct row_plan *rows = s->child->rows;
	if (!rows || !pat || ex->support || ex->force || !w->rows || !inputs_fit(ex, rows))
		return false;
	block b = {.w = w, .r = r, .s = s, .plan = s->child, .rows = rows, .lists = lists_of(pat, s->child)};
	b.copies = rows->copies && copies_hold(ex, rows);
	for (b.lane = 0; b.lane < r->n; b.lane += b.n) {
		b.n = r->n - b.lane < COURSE_LISTS ? r->n - b.lane : COURSE_LISTS;
		if (!reduce_block(&b))
			reduce_expand(w, r, s, b.lane, b.n);
	}
	return true;
}
