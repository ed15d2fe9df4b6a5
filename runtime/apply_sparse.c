/* apply_sparse.c - deltas of sparse source pages: values in place; inserts and deletes by merging into a new pattern. */
#include <stdlib.h>
#include <string.h>

#include "apply.h"

/* The last word on one entry: its place and where its value is; DELETED: none. */
typedef struct entry_delta {
	uint64_t key;    /* row << 32 | column */
	uint64_t order;  /* in which it was staged */
	uint64_t value;  /* where in values[], or DELETED */
} entry_delta;
#define DELETED UINT64_MAX

static int by_key(const void *a, const void *b)
{
	const entry_delta *x = a, *y = b;
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* The staged deltas sorted by place, one for each: the last. */
static int sort_deltas(const page *p, staged_page *s, entry_delta **out, size_t *n, mmsb_error *err)
{
	size_t total = 0, k = 0;
	for (size_t i = 0; i < s->n_ops; i++)
		total += s->ops[i].count;
	if (reserve(&s->order, &s->cap_order, total * sizeof(entry_delta)))
		return fail_memory(err, total * sizeof(entry_delta), "sorting deltas");
	entry_delta *d = s->order;
	for (size_t i = 0; i < s->n_ops; i++)
		for (uint64_t j = 0; j < s->ops[i].count; j++, k++)
			d[k] = (entry_delta){s->index[s->ops[i].index + j], k,
			                     s->ops[i].kind == STAGED_ERASE ? DELETED : s->ops[i].values + j * p->element};
	qsort(d, total, sizeof *d, by_key);
	*n = 0;
	for (size_t i = 0; i < total; i++)
		if (i + 1 == total || d[i + 1].key != d[i].key)
			d[(*n)++] = d[i];
	*out = d;
	return MMSB_OK;
}

void sparse_put(mmsb_instance *m, page *p, pattern *pat, uint8_t *values, size_t capacity)
{
	pattern_release(p->pat);
	free(p->cur);
	p->pat = pat;
	p->cur = values;
	p->capacity = capacity;
	p->count = pat->n_entries;
	for (uint32_t i = 0; i < m->sch->n_pages; i++)
		if (m->sch->pages[i].like == p->id && m->pages[i].pat != pat) {
			pattern_release(m->pages[i].pat);
			m->pages[i].pat = pattern_retain(pat);
		}
}

/* Values of entries that are there already, in place. */
static int set_values(mmsb_instance *m, page *p, const staged_page *s, const entry_delta *d, size_t n, uint64_t *changed, mmsb_error *err)
{
	undo *u = m->undo;
	if (p->element == 0)
		return MMSB_OK;
	if (reserve(&u->pairs, &u->cap_pairs, (u->n_pairs + n) * sizeof *u->pairs) ||
	    reserve(&u->ops, &u->cap_ops, (u->n_ops + 1) * sizeof *u->ops))
		return fail_memory(err, n * sizeof *u->pairs, "undoing an epoch");
	column c = page_column(m, p, false, NONE);
	undo_op op = {.kind = UNDO_SCATTER, .page = p->id, .field = NONE, .changed = p->changed, .at = u->n_pairs};
	for (size_t i = 0; i < n; i++) {
		uint64_t entry = d[i].value == DELETED ? UINT64_MAX : pattern_find(p->pat, d[i].key >> 32, d[i].key & UINT32_MAX);
		if (entry != UINT64_MAX)
			op.count += store_column(&c, 0, &entry, 1, s->values + d[i].value, p->element, &u->pairs[u->n_pairs + op.count]);
	}
	u->n_pairs += op.count;
	u->ops[u->n_ops++] = op;
	*changed += op.count;
	return MMSB_OK;
}

static uint64_t entry_key(const pattern *p, uint64_t e) { return (uint64_t)p->row[e] << 32 | p->col[e]; }

/* How many entries there will be; whether any comes or goes. */
static uint64_t count_merged(const pattern *p, const entry_delta *d, size_t n, bool *structural)
{
	uint64_t total = p->n_entries;
	*structural = false;
	for (size_t i = 0; i < n; i++) {
		bool there = pattern_find(p, d[i].key >> 32, d[i].key & UINT32_MAX) != UINT64_MAX;
		if (there == (d[i].value != DELETED))
			continue;
		*structural = true;
		total += there ? UINT64_MAX : 1;
	}
	return total;
}

typedef struct merged {
	uint32_t *row, *col;
	uint8_t *values;
	uint64_t n;
} merged;

/* The value stands at base + offset; `sparse bool` has none. */
static void put_entry(merged *to, const page *p, uint64_t key, const uint8_t *base, uint64_t offset)
{
	to->row[to->n] = (uint32_t)(key >> 32);
	to->col[to->n] = (uint32_t)(key & UINT32_MAX);
	if (p->element)
		memcpy(to->values + to->n * p->element, base + offset, p->element);
	to->n++;
}

/* Both are sorted: one walk along them. */
static void merge(merged *to, const page *p, const staged_page *s, const entry_delta *d, size_t n)
{
	uint64_t e = 0, end = p->pat->n_entries;
	size_t i = 0;
	while (e < end || i < n) {
		uint64_t old = e < end ? entry_key(p->pat, e) : UINT64_MAX;
		if (i < n && d[i].key <= old) {
			if (d[i].value != DELETED)
				put_entry(to, p, d[i].key, s->values, d[i].value);
			e += d[i].key == old;
			i++;
		} else {
			put_entry(to, p, old, p->cur, e * p->element);
			e++;
		}
	}
}

static int restructure(mmsb_instance *m, page *p, const staged_page *s, const entry_delta *d, size_t n, uint64_t total, mmsb_error *err)
{
	merged to = {malloc((total + 1) * sizeof(uint32_t)), malloc((total + 1) * sizeof(uint32_t)), malloc(total * p->element + 1), 0};
	pattern *pat = NULL;
	int status = MMSB_OK;
	if (to.row && to.col && to.values) {
		merge(&to, p, s, d, n);
		pat = pattern_new((uint64_t)p->dims[0], (uint64_t)p->dims[1], to.n, to.row, to.col, (p->def->flags & PAGEF_COLUMNS) != 0);
	}
	if (!pat)
		status = fail_memory(err, total * (8 + p->element), "the entries of a sparse page");
	else
		status = undo_pattern(m->undo, p, p->pat, p->cur, p->capacity, err);
	free(to.row);
	free(to.col);
	if (status) {
		pattern_release(pat);
		free(to.values);
		return status;
	}
	p->pat = NULL; /* the undo owns them now */
	p->cur = NULL;
	sparse_put(m, p, pat, to.values, total * p->element + 1);
	return MMSB_OK;
}

int apply_sparse(mmsb_instance *m, page *p, staged_page *s, uint64_t *changed, mmsb_error *err)
{
	entry_delta *d = NULL;
	size_t n = 0;
	bool structural;
	int status = sort_deltas(p, s, &d, &n, err);
	if (status)
		return status;
	uint64_t total = count_merged(p->pat, d, n, &structural);
	if (!structural)
		return set_values(m, p, s, d, n, changed, err);
	if (total >= UINT32_MAX)
		return fail(err, MMSB_RANGE, "page %s would have 2^32 entries or more", sch_text(m->sch, p->def->name));
	status = restructure(m, p, s, d, n, total, err);
	*changed += status == MMSB_OK;
	return status;
}
