/* apply.c - puts staged deltas into source pages, with the compare that finds what really changed, and keeps how
 * to undo it until the epoch has succeeded. Sparse pages are in apply_sparse.c. */
#include "apply.h"

#include <stdlib.h>
#include <string.h>

static int undo_add(undo *u, undo_op op, mmsb_error *err)
{
	if (reserve(&u->ops, &u->cap_ops, (u->n_ops + 1) * sizeof *u->ops))
		return fail_memory(err, sizeof op, "undoing an epoch");
	u->ops[u->n_ops++] = op;
	return MMSB_OK;
}

int undo_pattern(undo *u, page *p, pattern *pat, uint8_t *values, size_t capacity, mmsb_error *err)
{
	return undo_add(u, (undo_op){.kind = UNDO_PATTERN, .page = p->id, .changed = p->changed, .pat = pat, .values = values, .capacity = capacity,
	                             .count = p->count}, err);
}

/* Old values of `count` elements of a column from `first` on. */
static int undo_range(undo *u, const page *p, uint32_t field, const column *c, uint64_t first, uint64_t count, mmsb_error *err)
{
	size_t width = type_table[c->type].bytes, bytes = count * width;
	if (reserve(&u->bytes, &u->cap_bytes, u->n_bytes + bytes))
		return fail_memory(err, bytes, "undoing an epoch");
	uint8_t *to = u->bytes + u->n_bytes;
	const uint8_t *from = c->base + first * c->stride;
	if (c->stride == width)
		memcpy(to, from, bytes);
	else
		for (uint64_t i = 0; i < count; i++)
			memcpy(to + i * width, from + i * c->stride, width);
	undo_op op = {.kind = UNDO_RANGE, .page = p->id, .field = field, .changed = p->changed, .first = first, .count = count, .at = u->n_bytes};
	u->n_bytes += bytes;
	return undo_add(u, op, err);
}

/* Room for the old values of n scattered elements: pairs (position, bits), filled in by the store. */
static int undo_scatter(undo *u, const page *p, uint32_t field, uint64_t n, undo_pair **pairs, mmsb_error *err)
{
	if (reserve(&u->pairs, &u->cap_pairs, (u->n_pairs + n) * sizeof *u->pairs))
		return fail_memory(err, n * sizeof *u->pairs, "undoing an epoch");
	*pairs = u->pairs + u->n_pairs;
	return undo_add(u, (undo_op){.kind = UNDO_SCATTER, .page = p->id, .field = field, .changed = p->changed, .at = u->n_pairs}, err);
}

/* For each width: stores n values at positions (NULL: first, first + 1, ...) and returns how many differ; those are noted in pairs
 * (NULL: not). */
#define DEFINE_STORE(type)                                                                                             \
	static uint64_t store_##type(const column *c, uint64_t first, const uint64_t *at, uint64_t n, const uint8_t *from, \
	                             size_t step, undo_pair *pairs)                                                    \
	{                                                                                                              \
		uint64_t changed = 0;                                                                                  \
		for (uint64_t i = 0; i < n; i++) {                                                                     \
			uint64_t position = at ? at[i] : first + i;                                                    \
			type *to = (type *)(void *)(c->base + position * c->stride), value;                            \
			memcpy(&value, from + i * step, sizeof value);                                                 \
			if (*to == value)                                                                              \
				continue;                                                                              \
			if (pairs)                                                                                     \
				pairs[changed] = (undo_pair){position, *to};                                           \
			*to = value;                                                                                   \
			changed++;                                                                                     \
		}                                                                                                      \
		return changed;                                                                                        \
	}
DEFINE_STORE(uint8_t)
DEFINE_STORE(uint16_t)
DEFINE_STORE(uint32_t)
DEFINE_STORE(uint64_t)

uint64_t store_column(const column *c, uint64_t first, const uint64_t *at, uint64_t n, const uint8_t *from, size_t step, undo_pair *pairs)
{
	switch (type_table[c->type].bytes) {
	case 1: return store_uint8_t(c, first, at, n, from, step, pairs);
	case 2: return store_uint16_t(c, first, at, n, from, step, pairs);
	case 4: return store_uint32_t(c, first, at, n, from, step, pairs);
	default: return store_uint64_t(c, first, at, n, from, step, pairs);
	}
}

/* One op's values of one column: `from`, `step` apart. */
static int apply_column(mmsb_instance *m, page *p, uint32_t field, const staged_op *op, const uint64_t *at, const uint8_t *from, size_t step,
                        uint64_t *changed, mmsb_error *err)
{
	column c = page_column(m, p, false, field);
	undo_pair *pairs = NULL;
	int status = at ? undo_scatter(m->undo, p, field, op->count, &pairs, err) : undo_range(m->undo, p, field, &c, op->first, op->count, err);
	if (status)
		return status;
	uint64_t n = store_column(&c, op->first, at, op->count, from, step, pairs);
	if (at) {
		m->undo->ops[m->undo->n_ops - 1].count = n;
		m->undo->n_pairs += n;
	}
	*changed += n;
	return MMSB_OK;
}

static int apply_dense(mmsb_instance *m, page *p, const staged_page *s, uint64_t *changed, mmsb_error *err)
{
	int status = MMSB_OK;
	for (size_t i = 0; i < s->n_ops && !status; i++) {
		const staged_op *op = &s->ops[i];
		const uint64_t *at = op->kind == STAGED_RANGE ? NULL : s->index + op->index;
		const uint8_t *from = s->values + op->values;
		if (p->def->record == NONE) {
			status = apply_column(m, p, NONE, op, at, from, p->element, changed, err);
			continue;
		}
		const sch_record *r = &m->sch->records[p->def->record];
		const sch_field *fields = &m->sch->fields[r->first_field];
		if (op->kind == STAGED_FIELD) {
			status = apply_column(m, p, op->field, op, at, from, type_table[fields[op->field].type].bytes, changed, err);
			continue;
		}
		for (uint32_t k = 0; k < r->n_fields && !status; k++)
			status = apply_column(m, p, k, op, at, from + fields[k].offset, p->element, changed, err);
	}
	return status;
}

/* `in init P`: before its own deltas a source has the value of source P in epoch 1. */
static int apply_init_page(mmsb_instance *m, page *p, uint64_t *changed, mmsb_error *err)
{
	const page *from = &m->pages[p->def->init_page];
	const staged_op op = {.kind = STAGED_RANGE, .first = 0, .count = p->count};
	uint32_t n = p->def->record == NONE ? 1 : m->sch->records[p->def->record].n_fields;
	int status = MMSB_OK;
	for (uint32_t k = 0; k < n && !status; k++) {
		uint32_t field = p->def->record == NONE ? NONE : k;
		column c = page_column(m, from, false, field);
		status = apply_column(m, p, field, &op, NULL, c.base, c.stride, changed, err);
	}
	return status;
}

static void undo_scattered(const mmsb_instance *m, page *p, const undo_op *op)
{
	column c = page_column(m, p, false, op->field);
	size_t width = type_table[c.type].bytes;
	for (uint64_t i = op->count; i-- > 0;) {
		const undo_pair *pair = &m->undo->pairs[op->at + i];
		memcpy(c.base + pair->position * c.stride, &pair->bits, width);
	}
}

static void undo_values(const mmsb_instance *m, page *p, const undo_op *op)
{
	if (op->kind == UNDO_SCATTER) {
		undo_scattered(m, p, op);
		return;
	}
	column c = page_column(m, p, false, op->field);
	store_column(&c, op->first, NULL, op->count, m->undo->bytes + op->at, type_table[c.type].bytes, NULL);
}

/* ---- what has changed in the end --------------------------------------------------------------- */

/* Says of one element whether it differs from what it was before. */
static void mark_element(bitset *marks, const column *c, uint64_t position, const void *was)
{
	if (memcmp(c->base + position * c->stride, was, type_table[c->type].bytes) != 0)
		bitset_set(marks, position);
	else if (bitset_test(marks, position))
		bitset_unset(marks, position);
}

/* Several writes to one element can come to nothing. From the last undo to the page's first one, the word of the first about an element
 * stands: it knows what was there before the epoch. */
static bool mark_changes(mmsb_instance *m, page *p, size_t first)
{
	const undo *u = m->undo;
	for (size_t i = u->n_ops; i-- > first;) {
		const undo_op *op = &u->ops[i];
		column c = page_column(m, p, false, op->field);
		bitset *marks = &p->now[column_number(p, op->field)].bits;
		size_t width = type_table[c.type].bytes;
		for (uint64_t k = op->count; k-- > 0;) {
			if (op->kind == UNDO_SCATTER)
				mark_element(marks, &c, u->pairs[op->at + k].position, &u->pairs[op->at + k].bits);
			else
				mark_element(marks, &c, op->first + k, u->bytes + op->at + k * width);
		}
	}
	bool any = false;
	for (uint32_t k = 0; k < p->n_columns; k++)
		any |= !bitset_empty(&p->now[k].bits);
	return any;
}

static int apply_page(mmsb_instance *m, page *p, uint64_t epoch, mmsb_error *err)
{
	staged_page *s = &m->staging->pages[p->id];
	const pattern *before = p->pat;
	uint64_t changed = 0;
	size_t first = m->undo->n_ops;
	int status = MMSB_OK;
	if (epoch == 1 && p->def->role == PAGE_ROLE_IN && p->def->init_page != NONE)
		status = apply_init_page(m, p, &changed, err);
	if (!status && s->n_ops)
		status = p->def->flags & PAGEF_SPARSE ? apply_sparse(m, p, s, &changed, err) : apply_dense(m, p, s, &changed, err);
	if (p->pat != before)
		p->pattern_changed = epoch;
	if (p->def->flags & PAGEF_SPARSE && changed)
		p->now[0].all = true;
	else if (changed && !status)
		changed = mark_changes(m, p, first);
	if (changed) {
		bitset_set(&m->touched, p->id);
		p->changed = epoch;
		p->version++;
	}
	return status;
}

int apply_staged(mmsb_instance *m, uint64_t epoch, mmsb_error *err)
{
	if (!m->undo) {
		m->undo = calloc(1, sizeof *m->undo);
		if (!m->undo)
			return fail_memory(err, sizeof *m->undo, "undoing an epoch");
	}
	int status = MMSB_OK;
	for (uint32_t i = 0; epoch > 1 && i < m->staging->n_touched && !status; i++)
		status = apply_page(m, &m->pages[m->staging->touched[i]], epoch, err);
	/* Those that begin with the value of another come after it; they do not chain (verify.c). */
	for (int follow = 0; epoch == 1 && follow < 2; follow++)
		for (uint32_t i = 0; i < m->sch->n_pages && !status; i++)
			if ((m->sch->pages[i].init_page != NONE) == (follow == 1))
				status = apply_page(m, &m->pages[i], epoch, err);
	return status;
}

static void undo_one(mmsb_instance *m, const undo_op *op)
{
	page *p = &m->pages[op->page];
	if (op->kind == UNDO_PATTERN)
		sparse_put(m, p, op->pat, op->values, op->capacity);
	else
		undo_values(m, p, op);
	p->changed = op->changed;
	p->version++;
}

void apply_undo(mmsb_instance *m)
{
	undo *u = m->undo;
	if (!u)
		return;
	while (u->n_ops > 0)
		undo_one(m, &u->ops[--u->n_ops]);
	u->n_bytes = u->n_pairs = 0;
}

void apply_keep(mmsb_instance *m)
{
	undo *u = m->undo;
	if (!u)
		return;
	for (size_t i = 0; i < u->n_ops; i++)
		if (u->ops[i].kind == UNDO_PATTERN) {
			pattern_release(u->ops[i].pat);
			free(u->ops[i].values);
		}
	u->n_ops = u->n_bytes = u->n_pairs = 0;
}

void undo_free(mmsb_instance *m)
{
	if (!m->undo)
		return;
	apply_keep(m);
	free(m->undo->ops);
	free(m->undo->bytes);
	free(m->undo->pairs);
	free(m->undo);
	m->undo = NULL;
}
