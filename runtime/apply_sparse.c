/* apply_sparse.c - deltas of sparse source pages: values in place; entries that come and go, one by one or by sorting all anew. */
#include <stdlib.h>
#include <string.h>

#include "apply.h"
#include "fetch.h"
#include "sort.h"
#include "thresholds.h"

/* The last word on one entry: its place and where its value is; DELETED: none. */
typedef struct entry_delta {
	uint64_t key;    /* row << 32 | column */
	uint64_t slot;   /* of the entry that is there, or UINT64_MAX */
	uint64_t value;  /* where in values[], or DELETED */
	uint64_t at;     /* where it stands in the list of its row, or would, before the epoch */
} entry_delta;
#define DELETED UINT64_MAX

/* The deltas of a page. */
typedef struct entry_deltas {
	entry_delta *at;
	size_t n;
	uint64_t came, gone;    /* those that change the pattern */
} entry_deltas;

DEFINE_SORT(sort_by_key, entry_delta)

/* ---- one delta for each entry -------------------------------------------------------------------- */

enum { HASH_MOST = 4096 /* deltas, whose table still is at hand */ };

/* Of deltas of the same entry the first takes the value of the last; how many are left. `table` has room for twice to four times n numbers. */
static size_t keep_last(entry_delta *d, size_t n, uint32_t *table)
{
	unsigned bits = 64 - (unsigned)__builtin_clzll(2 * n - 1);
	uint32_t mask = (1u << bits) - 1;
	size_t kept = 0;
	memset(table, 0, ((size_t)mask + 1) * sizeof *table);
	for (size_t i = 0; i < n; i++) {
		uint32_t at = (uint32_t)(d[i].key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - bits));
		while (table[at] && d[table[at] - 1].key != d[i].key)
			at = (at + 1) & mask;
		if (table[at]) {
			d[table[at] - 1].value = d[i].value;
			continue;
		}
		d[kept++] = d[i];
		table[at] = (uint32_t)kept;
	}
	return kept;
}

static size_t sort_and_keep_last(entry_delta *d, size_t n)
{
	size_t kept = 0;
	sort_by_key(d, d + n, n);
	for (size_t i = 0; i < n; i++)
		if (i + 1 == n || d[i + 1].key != d[i].key)
			d[kept++] = d[i];
	return kept;
}

/* The staged deltas, one for each entry: the last. Many are sorted by place, so that entries of a pattern that is sorted anew come to lie in order. */
static int gather_deltas(const page *p, staged_page *s, entry_deltas *out, mmsb_error *err)
{
	size_t total = 0, k = 0;
	for (size_t i = 0; i < s->n_ops; i++)
		total += s->ops[i].count;
	if (reserve(&s->order, &s->cap_order, 2 * total * sizeof(entry_delta)))
		return fail_memory(err, 2 * total * sizeof(entry_delta), "gathering deltas");
	entry_delta *d = s->order;
	bool ascending = true;
	for (size_t i = 0; i < s->n_ops; i++)
		for (uint64_t j = 0; j < s->ops[i].count; j++, k++) {
			d[k] = (entry_delta){.key = s->index[s->ops[i].index + j],
			                     .value = s->ops[i].kind == STAGED_ERASE ? DELETED : s->ops[i].values + j * p->element};
			ascending &= k == 0 || d[k - 1].key < d[k].key;
		}
	*out = (entry_deltas){.at = d, .n = total};
	if (ascending)
		return MMSB_OK;
	bool few = total <= HASH_MOST && total * SORT_SHARE <= p->pat->n_entries;
	out->n = few ? keep_last(d, total, (void *)(d + total)) : sort_and_keep_last(d, total);
	return MMSB_OK;
}

/* ---- which entries are there --------------------------------------------------------------------- */

enum { SOUGHT_TOGETHER = 64 };

static void fetch_entry(const page *p, uint64_t slot)
{
	fetch(&p->pat->row[slot]);
	fetch(&p->pat->col[slot]);
	fetch_to_write(p->cur + slot * p->element);
}

static void find_some(const page *p, entry_delta *d, size_t n)
{
	const lists *rows = &p->pat->rows;
	list_sought s[SOUGHT_TOGETHER];
	for (size_t i = 0; i < n; i++)
		s[i] = (list_sought){.list = (uint32_t)(d[i].key >> 32), .key = (uint32_t)d[i].key};
	lists_seek(rows, s, n);
	for (size_t i = 0; i < n; i++) {
		d[i].at = s[i].at;
		d[i].slot = s[i].found ? rows->mate[s[i].at] : UINT64_MAX;
		if (s[i].found)
			fetch_entry(p, d[i].slot);
	}
}

static void find_entries(const page *p, entry_deltas *d)
{
	for (size_t i = 0; i < d->n; i += SOUGHT_TOGETHER)
		find_some(p, d->at + i, d->n - i < SOUGHT_TOGETHER ? d->n - i : SOUGHT_TOGETHER);
	for (size_t i = 0; i < d->n; i++) {
		bool there = d->at[i].slot != UINT64_MAX, stays = d->at[i].value != DELETED;
		d->came += !there && stays;
		d->gone += there && !stays;
	}
}

/* Values of entries that are there already, in place. */
static int set_values(mmsb_instance *m, page *p, const staged_page *s, const entry_deltas *d, mmsb_error *err)
{
	undo *u = m->undo;
	if (p->element == 0)
		return MMSB_OK;
	if (reserve(&u->pairs, &u->cap_pairs, (u->n_pairs + d->n) * sizeof *u->pairs) ||
	    reserve(&u->ops, &u->cap_ops, (u->n_ops + 1) * sizeof *u->ops))
		return fail_memory(err, d->n * sizeof *u->pairs, "undoing an epoch");
	column c = page_column(m, p, false, NONE);
	undo_op op = {.kind = UNDO_SCATTER, .page = p->id, .field = NONE, .changed = p->changed, .at = u->n_pairs};
	for (size_t i = 0; i < d->n; i++) {
		const entry_delta *x = &d->at[i];
		if (x->slot == UINT64_MAX || x->value == DELETED ||
		    !store_column(&c, 0, &x->slot, 1, s->values + x->value, p->element, &u->pairs[u->n_pairs + op.count]))
			continue;
		bitset_set(&p->now[0].bits, x->slot);
		op.count++;
	}
	u->n_pairs += op.count;
	u->ops[u->n_ops++] = op;
	return MMSB_OK;
}

/* ---- room, before anything changes ------------------------------------------------------------- */

/* Room for `bytes` of values, of which the first `used` have been given out; what is new of it is zero. */
static int grow_values(uint8_t **values, size_t *capacity, size_t used, size_t bytes)
{
	if (bytes <= *capacity)
		return 0;
	size_t want = *capacity + *capacity / 2;
	want = want < bytes ? bytes : want;
	uint8_t *grown = calloc(want, 1); /* large zeroes cost nothing before they are written */
	if (!grown)
		return -1;
	memory_ask_large(grown, want);
	if (used)
		memcpy(grown, *values, used);
	free(*values);
	*values = grown;
	*capacity = want;
	return 0;
}

static bool in_family(const page *p, const page *owner) { return p->pat == owner->pat && p->def->flags & PAGEF_STORED; }

/* Of a page of the family: of both buffers, and what is kept of slots elsewhere. */
static int grow_page(page *p, uint64_t n_slots)
{
	size_t used = p->count * p->element, bytes = n_slots * p->element;
	if (grow_values(&p->cur, &p->capacity, used, bytes) || (p->prev && grow_values(&p->prev, &p->prev_capacity, used, bytes)))
		return -1;
	return bitset_grow(&p->now[0].bits, n_slots) || (p->before && bitset_grow(&p->before[0].bits, n_slots)) ? -1 : 0;
}

static int no_room(mmsb_error *err, const page *p, uint64_t n) { return fail_memory(err, n * (16 + p->element), "the entries of a sparse page"); }

int sparse_room(mmsb_instance *m, page *owner, uint64_t n_slots, mmsb_error *err)
{
	if (n_slots <= owner->slots_room)
		return MMSB_OK;
	uint64_t room = n_slots + n_slots / 4;
	if (pattern_reserve(owner->pat, room))
		return no_room(err, owner, room);
	for (uint32_t i = 0; i < m->sch->n_pages; i++)
		if (in_family(&m->pages[i], owner) && grow_page(&m->pages[i], room))
			return no_room(err, &m->pages[i], room);
	owner->slots_room = room;
	return MMSB_OK;
}

static int make_room(mmsb_instance *m, page *p, const entry_deltas *d, bool sort, mmsb_error *err)
{
	pattern *pat = p->pat;
	uint64_t total = pat->n_entries + d->came - d->gone, holes = pat->n_slots - pat->n_entries;
	uint64_t slots = pat->n_slots + (d->came > holes ? d->came - holes : 0);
	if (total >= UINT32_MAX || slots >= UINT32_MAX)
		return fail(err, MMSB_RANGE, "page %s would have 2^32 entries or more", sch_text(m->sch, p->def->name));
	int status = sparse_room(m, p, slots, err);
	if (!status && (pattern_reserve_log(pat, d->came + d->gone) || (sort && pattern_reserve_lists(pat, total))))
		status = no_room(err, p, total);
	return status ? status : undo_entries(m->undo, p, err);
}

/* ---- entries that come and go ------------------------------------------------------------------ */

static int change_entry(page *p, const staged_page *s, const entry_delta *x, bool sort, const entry_place *near)
{
	pattern *pat = p->pat;
	bool gone = x->value == DELETED;
	uint32_t row = (uint32_t)(x->key >> 32), col = (uint32_t)(x->key & UINT32_MAX), slot = gone ? (uint32_t)x->slot : pattern_slot(pat);
	if (sort)
		pattern_set(pat, row, col, slot, !gone);
	else if (gone)
		pattern_take(pat, slot, near);
	else if (pattern_put(pat, row, col, slot, near)) {
		bitset_set(&pat->free, slot);
		return -1;
	}
	pat->log.at[pat->log.n++] = (entry_change){row, col, slot, gone};
	if (!gone && p->element)
		memcpy(p->cur + (size_t)slot * p->element, s->values + x->value, p->element);
	return 0;
}

/* One by one, once it is known where all of them stand. */
static int change_some(page *p, const staged_page *s, const entry_delta *const *x, size_t n)
{
	const pattern *pat = p->pat;
	list_sought in_col[SOUGHT_TOGETHER];
	for (size_t i = 0; i < n; i++)
		in_col[i] = (list_sought){.list = (uint32_t)x[i]->key, .key = (uint32_t)(x[i]->key >> 32), .at = LISTS_NONE};
	if (pat->columns)
		lists_seek(&pat->cols, in_col, n);
	int status = 0;
	for (size_t i = 0; i < n && !status; i++)
		status = change_entry(p, s, x[i], false, &(entry_place){x[i]->at, in_col[i].at});
	return status;
}

static bool comes_or_goes(const entry_delta *x) { return (x->slot == UINT64_MAX) != (x->value == DELETED); }

static int change_one_by_one(page *p, const staged_page *s, const entry_deltas *d)
{
	const entry_delta *some[SOUGHT_TOGETHER];
	size_t n = 0;
	int status = 0;
	for (size_t i = 0; i < d->n && !status; i++) {
		if (comes_or_goes(&d->at[i]))
			some[n++] = &d->at[i];
		if (n < SOUGHT_TOGETHER && i + 1 < d->n)
			continue;
		status = change_some(p, s, some, n);
		n = 0;
	}
	return status;
}

static void change_and_sort(page *p, const staged_page *s, const entry_deltas *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (comes_or_goes(&d->at[i]))
			change_entry(p, s, &d->at[i], true, NULL);
	pattern_sort(p->pat);
}

/* Pages like the owner have as many slots; what came or went is marked; the values of new entries are zero until they are computed. */
static void change_family(mmsb_instance *m, const page *owner)
{
	const pattern_log *log = &owner->pat->log;
	for (uint32_t k = 0; k < m->sch->n_pages; k++) {
		page *p = &m->pages[k];
		if (!in_family(p, owner))
			continue;
		p->count = owner->pat->n_slots;
		bitset_set(&m->touched, k);
		for (size_t i = 0; i < log->n; i++) {
			size_t at = log->at[i].slot * p->element;
			bitset_set(&p->now[0].bits, log->at[i].slot);
			if (log->at[i].gone || p == owner)
				continue;
			memset(p->cur + at, 0, p->element);
			if (p->prev)
				memset(p->prev + at, 0, p->element);
		}
	}
}

static int change_entries(mmsb_instance *m, page *p, const staged_page *s, const entry_deltas *d, mmsb_error *err)
{
	pattern *pat = p->pat;
	bool sort = (d->came + d->gone) * SORT_SHARE > pat->n_entries + d->came;
	int status = make_room(m, p, d, sort, err);
	if (status)
		return status;
	pat->log.all = sort;
	if (sort)
		change_and_sort(p, s, d);
	else if (change_one_by_one(p, s, d))
		status = no_room(err, p, pat->n_entries);
	change_family(m, p);
	return status;
}

int apply_sparse(mmsb_instance *m, page *p, staged_page *s, mmsb_error *err)
{
	entry_deltas d = {.n = 0};
	int status = gather_deltas(p, s, &d, err);
	if (status)
		return status;
	find_entries(p, &d);
	status = set_values(m, p, s, &d, err);
	return status || d.came + d.gone == 0 ? status : change_entries(m, p, s, &d, err);
}
