/* readers.c - what readers in other threads see: whole epochs, pinned without a lock.
 *
 * Each `out` page has copies of its values for readers: the front one is what the published epoch has, another one, the back, is behind
 * by what has changed since it was the front. A commit brings the back copy up to date and makes it the front, of the pages that changed
 * alone; a *snapshot* lists the fronts of all pages. `published` points to the snapshot of the last epoch published.
 *
 * A reader pins a snapshot by writing its address into a slot and then looking whether it is still the published one; if not, it takes
 * the one that is. The committing thread writes to a snapshot or a copy only when no slot holds it, and it is not the published one.
 *
 * Memory order. Stores to slots and to `published`, and the loads that follow them (of `published` by readers, of slots by the committing
 * thread), are sequentially consistent: so either the reader finds that its snapshot has been replaced, or the committing thread finds it in
 * the slot; never neither. The load of `published` acquires what was written before it was stored. Leaving a slot is a
 * release, which the loads of slots by the committing thread, and by the next reader that takes the slot, acquire: what was read
 * has been read before it is written again. */
#include <stdlib.h>
#include <string.h>

#include "instance.h"

enum { CACHE_LINE = 64 };
#define NOW UINT64_MAX /* copy.until: it is the front */

typedef struct snapshot snapshot;

typedef struct slot {
	_Alignas(CACHE_LINE) _Atomic(snapshot *) pin; /* NULL: free */
} slot;

typedef struct copy {
	uint8_t *values;
	uint64_t *at;           /* sparse: the rows of all entries, then their columns */
	uint64_t count;         /* elements, or entries */
	size_t capacity, at_capacity; /* sparse */
	uint64_t from, until;   /* it is the front in epochs from <= e < until */
	change_set behind;      /* where it may differ from the page: elements, or slots */
	bool moved;             /* sparse: entries have come or gone since it was the front */
} copy;

/* A page that readers see. */
typedef struct shown {
	page *page;
	copy *copies;           /* n_copies of readers.most */
	uint32_t n_copies;
	uint32_t front, back;   /* of the copies */
	uint32_t *rank;         /* sparse: of the entry at a slot among all, row by row */
	size_t rank_capacity;
	bool ranked;            /* rank[] is that of the pattern as it is */
} shown;

struct snapshot {
	uint64_t epoch;
	const copy **at;        /* by shown page */
};

typedef struct readers {
	uint32_t n_slots, n_snapshots, n_shown, most;
	slot *slots;
	_Atomic(snapshot *) published;
	snapshot *snapshots;
	const copy **lists;     /* of all snapshots */
	shown *pages;
	uint32_t *number;       /* of a page among the shown ones, or NONE; by page */
	const copy **fronts;    /* by shown page */
	bitset changed;         /* shown pages that differ from their fronts */
	bitset taken;           /* shown pages whose back copy became the front: they need another */
} readers;

static bool is_shown(const sch_page *d)
{
	return d->role == PAGE_ROLE_OUT && (d->flags & PAGEF_STORED) && !(d->flags & PAGEF_LAZY);
}

/* ---- memory ---- */

static void free_copy(copy *c)
{
	free(c->values);
	free(c->at);
	bitset_free(&c->behind.bits);
}

void readers_free(mmsb_instance *m)
{
	readers *r = m->readers;
	if (!r)
		return;
	for (uint32_t i = 0; r->pages && i < r->n_shown; i++) {
		for (uint32_t k = 0; r->pages[i].copies && k < r->pages[i].n_copies; k++)
			free_copy(&r->pages[i].copies[k]);
		free(r->pages[i].copies);
		free(r->pages[i].rank);
	}
	free(r->slots);
	free(r->snapshots);
	free(r->lists);
	free(r->pages);
	free(r->number);
	free(r->fronts);
	bitset_free(&r->changed);
	bitset_free(&r->taken);
	free(r);
	m->readers = NULL;
}

/* One copy more, that has nothing of the page yet. -1: no memory. */
static int add_copy(shown *s)
{
	copy c = {.behind.all = true, .count = s->page->count};
	if (!s->page->pat && (!(c.values = malloc(s->page->count * s->page->element + 1)) || bitset_new(&c.behind.bits, s->page->count))) {
		free_copy(&c);
		return -1;
	}
	s->copies[s->n_copies++] = c;
	return 0;
}

/* The front copy, which nobody sees before the first epoch, and a back one. */
static int show_page(readers *r, page *p)
{
	uint32_t number = r->n_shown++;
	shown *s = &r->pages[number];
	s->page = p;
	s->copies = calloc(r->most, sizeof *s->copies);
	s->back = 1;
	r->number[p->id] = number;
	r->fronts[number] = s->copies;
	bitset_set(&r->changed, number);
	return !s->copies || add_copy(s) || add_copy(s);
}

static int no_room(const readers *r, mmsb_error *err)
{
	return fail_memory(err, r->n_shown * sizeof(copy), "what concurrent readers see");
}

int readers_new(mmsb_instance *m, mmsb_error *err)
{
	if (m->options.readers <= 0)
		return MMSB_OK;
	readers *r = m->readers = calloc(1, sizeof *r);
	if (!r)
		return fail_memory(err, sizeof *r, "what concurrent readers see");
	uint32_t n_pages = m->sch->n_pages;
	r->n_slots = (uint32_t)m->options.readers;
	r->n_snapshots = r->n_slots + 2;
	r->most = 2 + (m->options.copies == 0 ? r->n_slots : m->options.copies > 0 ? (uint32_t)m->options.copies : 0);
	r->slots = aligned_alloc(CACHE_LINE, r->n_slots * sizeof *r->slots);
	r->snapshots = calloc(r->n_snapshots, sizeof *r->snapshots);
	r->pages = calloc((size_t)n_pages + 1, sizeof *r->pages);
	r->number = malloc(((size_t)n_pages + 1) * sizeof *r->number);
	r->fronts = calloc((size_t)n_pages + 1, sizeof *r->fronts);
	if (!r->slots || !r->snapshots || !r->pages || !r->number || !r->fronts || bitset_new(&r->changed, n_pages) || bitset_new(&r->taken, n_pages))
		return no_room(r, err);
	for (uint32_t i = 0; i < r->n_slots; i++)
		atomic_init(&r->slots[i].pin, NULL);
	atomic_init(&r->published, NULL);
	for (uint32_t i = 0; i < n_pages; i++) {
		r->number[i] = NONE;
		if (is_shown(&m->sch->pages[i]) && show_page(r, &m->pages[i]))
			return no_room(r, err);
	}
	r->lists = calloc((size_t)r->n_snapshots * r->n_shown + 1, sizeof *r->lists);
	if (!r->lists)
		return no_room(r, err);
	for (uint32_t i = 0; i < r->n_snapshots; i++)
		r->snapshots[i].at = r->lists + (size_t)i * r->n_shown;
	return MMSB_OK;
}

/* ---- before a commit: room for what it will publish ---- */

/* Some reader has pinned an epoch from <= e < until; for a copy that is not in the published snapshot. */
static bool pinned_between(readers *r, uint64_t from, uint64_t until)
{
	for (uint32_t i = 0; i < r->n_slots; i++) {
		const snapshot *s = atomic_load(&r->slots[i].pin);
		if (s && s->epoch >= from && s->epoch < until)
			return true;
	}
	return false;
}

/* A copy that nobody sees becomes the back one. */
static int find_back(mmsb_instance *m, shown *s, mmsb_error *err)
{
	readers *r = m->readers;
	for (uint32_t i = 0; i < s->n_copies; i++)
		if (i != s->front && !pinned_between(r, s->copies[i].from, s->copies[i].until)) {
			s->back = i;
			return MMSB_OK;
		}
	const char *name = sch_text(m->sch, s->page->def->name);
	if (s->n_copies == r->most)
		return fail(err, MMSB_BUSY, "readers hold epochs from before the last one in all %u copies of page %s; nothing was committed, and what is "
		            "staged stays so", r->most, name);
	if (add_copy(s))
		return fail(err, MMSB_BUSY, "readers hold epochs from before the last one in all %u copies of page %s, and there is no memory for one more; "
		            "nothing was committed, and what is staged stays so", s->n_copies, name);
	s->back = s->n_copies - 1;
	return MMSB_OK;
}

int readers_admit(mmsb_instance *m, mmsb_error *err)
{
	readers *r = m->readers;
	if (!r)
		return MMSB_OK;
	BITSET_FOR(&r->taken, i) {
		int status = find_back(m, &r->pages[i], err);
		if (status)
			return status;
		bitset_unset(&r->taken, i);
	}
	return MMSB_OK;
}

/* ---- at its end ---- */

/* What has changed in the page is where its copies are behind. */
static void fall_behind(const mmsb_instance *m, shown *s, bool all)
{
	const page *p = s->page;
	bool moved = p->pat && m->pages[p->def->like == NONE ? p->id : p->def->like].pattern_changed == m->at_hand;
	for (uint32_t k = 0; k < p->n_columns; k++)
		all |= p->now[k].all;
	for (uint32_t i = 0; i < s->n_copies; i++) {
		copy *c = &s->copies[i];
		c->moved |= moved;
		c->behind.all |= all || (p->pat && bitset_grow(&c->behind.bits, p->now[0].bits.n));
		for (uint32_t k = 0; k < p->n_columns && !c->behind.all; k++)
			bitset_union(&c->behind.bits, &p->now[k].bits);
	}
	s->ranked &= !all && !moved;
}

void readers_note(mmsb_instance *m)
{
	readers *r = m->readers;
	if (!r)
		return;
	if (m->stale) /* an epoch before this one left what nobody knows */
		for (uint32_t i = 0; i < r->n_shown; i++) {
			fall_behind(m, &r->pages[i], true);
			bitset_set(&r->changed, i);
		}
	BITSET_FOR(&m->touched, i)
		if (r->number[i] != NONE) {
			fall_behind(m, &r->pages[r->number[i]], false);
			bitset_set(&r->changed, r->number[i]);
		}
}

/* Numbers the entries row by row. false: no memory. */
static bool rank_slots(shown *s)
{
	const pattern *pat = s->page->pat;
	uint32_t n = 0;
	if (s->ranked || pat->in_order)
		return true;
	if (reserve(&s->rank, &s->rank_capacity, pat->n_slots * sizeof *s->rank))
		return false;
	PATTERN_FOR(pat, at)
		s->rank[at] = n++;
	return s->ranked = true;
}

/* Entries are those that the copy has: values that have changed alone. */
static void fill_entries(const shown *s, copy *c)
{
	const page *p = s->page;
	BITSET_FOR(&c->behind.bits, at)
		if (p->pat->alive[at])
			memcpy(c->values + (p->pat->in_order ? at : s->rank[at]) * p->element, p->cur + at * p->element, p->element);
}

static int fill_sparse(shown *s, copy *c, mmsb_error *err)
{
	const page *p = s->page;
	if (!c->behind.all && !c->moved && rank_slots(s)) {
		fill_entries(s, c);
		return MMSB_OK;
	}
	uint64_t n = p->pat->n_entries;
	if (reserve(&c->values, &c->capacity, n * p->element + 1) || reserve(&c->at, &c->at_capacity, 2 * n * sizeof *c->at))
		return fail_memory(err, n * (16 + p->element), "what concurrent readers see of a sparse page");
	uint64_t e = 0;
	PATTERN_FOR(p->pat, at) {
		c->at[e] = p->pat->row[at];
		c->at[n + e++] = p->pat->col[at];
	}
	pattern_pack(p->pat, p->cur, p->element, c->values);
	c->count = n;
	return MMSB_OK;
}

/* The elements of a word in runs of those that stand side by side. */
static void fill_word(mmsb_instance *m, copy *c, const page *p, uint64_t first, uint64_t bits)
{
	while (bits) {
		unsigned skip = (unsigned)__builtin_ctzll(bits);
		bits >>= skip;
		first += skip;
		unsigned n = ~bits ? (unsigned)__builtin_ctzll(~bits) : 64;
		page_pack(m, p, first, n, c->values + first * p->element);
		bits = n < 64 ? bits >> n : 0;
		first += n;
	}
}

static int fill_back(mmsb_instance *m, shown *s, mmsb_error *err)
{
	copy *c = &s->copies[s->back];
	const page *p = s->page;
	if (p->pat)
		return fill_sparse(s, c, err);
	if (c->behind.all)
		page_pack(m, p, 0, p->count, c->values);
	else
		BITSET_FOR_WORDS(&c->behind.bits, w)
			fill_word(m, c, p, w * 64, c->behind.bits.level[0][w]);
	return MMSB_OK;
}

int readers_fill(mmsb_instance *m, mmsb_error *err)
{
	readers *r = m->readers;
	if (!r)
		return MMSB_OK;
	BITSET_FOR(&r->changed, i) {
		int status = fill_back(m, &r->pages[i], err);
		if (status)
			return status;
	}
	return MMSB_OK;
}

static bool in_use(readers *r, const snapshot *s)
{
	bool used = s == atomic_load(&r->published);
	for (uint32_t i = 0; i < r->n_slots && !used; i++)
		used = s == atomic_load(&r->slots[i].pin);
	return used;
}

/* One that nobody sees: there are more than slots and the published one together. */
static snapshot *free_snapshot(readers *r)
{
	snapshot *s = r->snapshots;
	while (in_use(r, s))
		s++;
	return s;
}

void readers_publish(mmsb_instance *m, uint64_t epoch)
{
	readers *r = m->readers;
	if (!r)
		return;
	BITSET_FOR(&r->changed, i) {
		shown *s = &r->pages[i];
		copy *old = &s->copies[s->front], *new = &s->copies[s->back];
		new->behind.all = new->moved = false;
		bitset_clear(&new->behind.bits);
		old->until = new->from = epoch;
		new->until = NOW;
		s->front = s->back;
		r->fronts[i] = new;
		bitset_set(&r->taken, i);
	}
	bitset_clear(&r->changed);
	snapshot *now = free_snapshot(r);
	now->epoch = epoch;
	memcpy(now->at, r->fronts, r->n_shown * sizeof *now->at);
	atomic_store(&r->published, now);
}

/* ---- readers ---- */

/* Takes a free slot for a snapshot. */
static slot *take_slot(readers *r, snapshot *s)
{
	for (uint32_t i = 0; i < r->n_slots; i++) {
		snapshot *none = NULL;
		if (atomic_compare_exchange_strong(&r->slots[i].pin, &none, s))
			return &r->slots[i];
	}
	return NULL;
}

int mmsb_read_begin(mmsb_instance *m, mmsb_reader *reader, mmsb_error *err)
{
	memset(reader, 0, sizeof *reader);
	if (m->options.readers <= 0)
		return fail(err, MMSB_ORDER, "the instance was made without concurrent readers: set the option `readers`");
	snapshot *s = m->bound ? atomic_load(&m->readers->published) : NULL, *now;
	if (!s)
		return fail(err, MMSB_ORDER, "there is no epoch to read yet");
	readers *r = m->readers;
	slot *mine = take_slot(r, s);
	if (!mine)
		return fail(err, MMSB_BUSY, "there are %u readers already, as many as the option `readers` says", r->n_slots);
	while ((now = atomic_load(&r->published)) != s) {
		s = now;
		atomic_store(&mine->pin, s);
	}
	*reader = (mmsb_reader){.epoch = s->epoch, .instance = m, .snapshot = s, .slot = mine};
	return MMSB_OK;
}

void mmsb_read_end(mmsb_reader *reader)
{
	slot *mine = reader->slot;
	if (mine)
		atomic_store_explicit(&mine->pin, NULL, memory_order_release);
	memset(reader, 0, sizeof *reader);
}

static const copy *copy_of(const mmsb_reader *reader, int id)
{
	const mmsb_instance *m = reader->instance;
	if (!m || id < 0 || (uint32_t)id >= m->sch->n_pages || m->readers->number[id] == NONE)
		return NULL;
	return ((const snapshot *)reader->snapshot)->at[m->readers->number[id]];
}

const void *mmsb_read(mmsb_reader *reader, int id)
{
	const copy *c = copy_of(reader, id);
	return c ? c->values : NULL;
}

int mmsb_read_entries(mmsb_reader *reader, int id, uint64_t *count, const uint64_t **row, const uint64_t **col)
{
	const copy *c = copy_of(reader, id);
	*count = 0;
	*row = *col = NULL;
	if (!c || !(reader->instance->sch->pages[id].flags & PAGEF_SPARSE))
		return MMSB_TYPE;
	*count = c->count;
	*row = c->at;
	*col = c->at ? c->at + c->count : NULL;
	return MMSB_OK;
}
