/* frontier.c - exact fixpoints along a graph: when few elements have changed, only those that read them are evaluated again.
 *
 * That needs the readers of an element to be known: every read of the fixpoint's page is either at the element itself, or
 * at the variable of a reduction down the element's own column (or row) of a sparse page, whose readers stand in that row (column). */
#include <string.h>

#include "repair.h"

/* The region in which a self-read goes along the entries of the element's row or column; NULL: it does not. */
static const region_plan *region_along(const fix *f, const kernel_plan *p, const read_plan *rp)
{
	const region_plan *r = &p->regions[rp->def->region];
	const sch_kernel *k = p->def;
	const sch_instr *instrs = f->inst->sch->instrs + k->first_instr;
	if ((r->def->kind != REGION_ROW && r->def->kind != REGION_COL) || r->def->parent != 0 || r->def->prev)
		return NULL;
	if (rp->n_dims != 1 || rp->n_regs || rp->constant != 0 || rp->n_terms != 1 || rp->terms[0].coef != 1 || rp->terms[0].var != r->var)
		return NULL;
	for (uint32_t i = 0; i < k->n_instr; i++)
		if (instrs[i].dst == r->def->at && instrs[i].code == CODE_VAR && instrs[i].a == 0)
			return r->def->kind == REGION_COL || (r->driver->pat && !pattern_columns(r->driver->pat)) ? r : NULL;
	return NULL;
}

static bool is_own(const fix *f, const read_plan *rp)
{
	return rp->def && rp->def->page == f->pass->page && !rp->def->prev;
}

bool frontier_possible(const fix *f)
{
	const kernel_plan *p = f->ex->passes[f->id];
	if (f->to->def->ndim != 1 || (f->to->def->flags & PAGEF_SPARSE) || p->def->n_outputs != 1 || f->to->def->record != NONE)
		return false;
	for (uint32_t i = 0; i < p->n_reads; i++)
		if (is_own(f, &p->reads[i]) && p->reads[i].def->cls != READ_SAME && !region_along(f, p, &p->reads[i]))
			return false;
	return true;
}

/* ---- marks ------------------------------------------------------------------------------------- */

typedef struct frontier {
	fix *f;
	const kernel_plan *p;
	uint64_t *marks;        /* a bit for each element that is to be evaluated */
	int64_t *list;
	uint8_t *values;
} frontier;

static void mark(const frontier *q, uint64_t element) { q->marks[element / 64] |= (uint64_t)1 << element % 64; }

static void mark_readers(const frontier *q, uint64_t element)
{
	for (uint32_t i = 0; i < q->p->n_reads; i++) {
		const read_plan *rp = &q->p->reads[i];
		if (!is_own(q->f, rp))
			continue;
		const region_plan *r = &q->p->regions[rp->def->region];
		if (rp->def->cls == READ_SAME) {
			mark(q, element);
			continue;
		}
		const pattern *pat = r->driver->pat;
		const lists *l = r->def->kind == REGION_COL ? &pat->rows : &pat->cols;
		LISTS_FOR(l, element, at)
			mark(q, l->key[at]);
	}
}

/* Moves the marks to the list. */
static uint64_t collect(const frontier *q)
{
	uint64_t n = 0;
	for (uint64_t w = 0; w < (q->f->to->count + 63) / 64; w++) {
		for (uint64_t bits = q->marks[w]; bits; bits &= bits - 1)
			q->list[n++] = (int64_t)(w * 64 + (uint64_t)__builtin_ctzll(bits));
		q->marks[w] = 0;
	}
	return n;
}

/* ---- rounds ------------------------------------------------------------------------------------ */

/* Evaluates n listed elements and puts in what is new. */
static int evaluate(const frontier *q, const int64_t *list, uint64_t n)
{
	fix *f = q->f;
	size_t bytes = f->to->element;
	f->ex->self = f->now;
	int status = pass_run_list(f->ex, q->p, list, n, q->values, f->err);
	f->ex->self = NULL;
	f->inst->pass_stats[f->id].evaluated += n;
	if (f->keep)
		f->keep->clock++;
	for (uint64_t i = 0; i < n && !status; i++) {
		uint8_t *at = f->now + (uint64_t)list[i] * bytes;
		if (memcmp(at, q->values + i * bytes, bytes) == 0)
			continue;
		memcpy(at, q->values + i * bytes, bytes);
		if (f->keep)
			f->keep->stamps[list[i]] = f->keep->clock;
		mark_readers(q, (uint64_t)list[i]);
	}
	return status;
}

/* On one thread news is put in after every tile, and travels on within the round. */
static int listed_round(const frontier *q, uint64_t n)
{
	uint64_t part = q->f->ex->n_workers == 1 ? TILE : n;
	int status = MMSB_OK;
	for (uint64_t at = 0; at < n && !status; at += part)
		status = evaluate(q, q->list + at, n - at < part ? n - at : part);
	q->f->inst->pass_stats[q->f->id].rounds++;
	return status;
}

int frontier_rounds(fix *f)
{
	frontier q = {.f = f, .p = f->ex->passes[f->id]};
	uint64_t count = f->to->count, n;
	size_t bytes = f->to->element;
	int status = fix_buffer(f, ROUND_LIST, count * sizeof(int64_t), &q.list);
	if (!status)
		status = fix_buffer(f, ROUND_VALUES, count * bytes, &q.values);
	if (!status)
		status = fix_buffer(f, ROUND_MARKS, (count + 63) / 64 * sizeof(uint64_t), &q.marks);
	if (status)
		return status;
	memset(q.marks, 0, (count + 63) / 64 * sizeof(uint64_t));
	for (uint64_t i = 0; i < count; i++)
		if (memcmp(f->now + i * bytes, f->next + i * bytes, bytes) != 0)
			mark_readers(&q, i);
	while (!status && (n = collect(&q)) > 0)
		status = listed_round(&q, n);
	return status;
}
