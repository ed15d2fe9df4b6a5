/* generate_delta.c - random deltas of source pages, in the patterns in which propagation can go wrong: single elements, runs,
 * whole pages, the same element again and again, what is there already, values that other elements have; entries that
 * come, go, and come back within an epoch, rows and columns that fill up or empty. */
#include "generate.h"

#include <string.h>

enum { MOST_CHANGES = 4000 }; /* of one page in one epoch */

/* What the changes of one page in one epoch are made of. */
typedef struct maker {
	rng *r;
	const naive *n;
	uint32_t page;
	const naive_page *p;
	mood m;
	changes *out;
} maker;

static change *add(const maker *k, uint64_t at, uint64_t col)
{
	changes *all = k->out;
	if (all->n == all->room) {
		all->room = all->room * 2 + 64;
		all->items = naive_room(all->items, all->room, sizeof *all->items);
	}
	change *c = &all->items[all->n++];
	memset(c, 0, sizeof *c);
	c->page = k->page;
	c->field = -1;
	c->at = at;
	c->col = col;
	return c;
}

uint64_t generate_elements(const naive_page *p)
{
	uint64_t count = 1;
	for (uint32_t k = 0; k < p->page->ndim; k++)
		count *= p->dims[k];
	return count;
}

static uint64_t below(const maker *k, uint64_t n)
{
	return n ? rng_next(k->r) % n : 0;
}

static bool chance(const maker *k, uint32_t percent)
{
	return rng_chance(k->r, percent);
}

/* ---- dense pages ----------------------------------------------------------------------- */

/* A record with all its fields; false: a field has no value. */
static bool random_record(const maker *k, const p_record *record, unsigned char *to)
{
	for (uint32_t f = 0; f < record->n_fields; f++) {
		scalar value;
		const p_field *field = &record->fields[f];
		if (!generate_value(k->r, k->n, field->type, k->m, &value))
			return false;
		memcpy(to + field->offset, &value, type_table[field->type->scalar].bytes);
	}
	return true;
}

static void change_fields(const maker *k, uint64_t at, bool all)
{
	const p_record *record = k->p->page->type.record;
	uint32_t only = (uint32_t)below(k, record->n_fields);
	for (uint32_t f = all ? 0 : only; f < (all ? record->n_fields : only + 1); f++) {
		scalar value;
		if (!generate_value(k->r, k->n, record->fields[f].type, k->m, &value))
			continue;
		change *c = add(k, at, 0);
		c->field = (int32_t)f;
		memcpy(c->value, &value, sizeof value);
	}
}

/* A new value at a position: of records whole, or of some fields. */
static void put(const maker *k, uint64_t at, bool whole)
{
	const p_type *type = &k->p->page->type;
	unsigned char bytes[64] = {0};
	scalar value;
	if (type->base == B_RECORD) {
		if (chance(k, 40) && random_record(k, type->record, bytes))
			memcpy(add(k, at, 0)->value, bytes, sizeof bytes);
		else
			change_fields(k, at, whole);
		return;
	}
	if (generate_value(k->r, k->n, type, k->m, &value))
		memcpy(add(k, at, 0)->value, &value, sizeof value);
}

/* The value that stands at one position, to another (or to the same: nothing changes then). */
static void copy(const maker *k, uint64_t from, uint64_t to)
{
	const unsigned char *value = k->p->now.data + from * k->p->bytes;
	const p_type *type = &k->p->page->type;
	unsigned char any[64];
	scalar one;
	if (type->base == B_RECORD ? !random_record(k, type->record, any) : !generate_value(k->r, k->n, type, k->m, &one))
		return; /* what stands along a dimension of size 0 is no value */
	change *c = add(k, to, 0);
	if (type->base == B_RECORD && chance(k, 60)) {
		const p_field *field = &type->record->fields[below(k, type->record->n_fields)];
		c->field = (int32_t)(field - type->record->fields);
		memcpy(c->value, value + field->offset, type_table[field->type->scalar].bytes);
	} else {
		memcpy(c->value, value, k->p->bytes);
	}
}

/* A run of elements, mostly a short one. */
static void run_of(const maker *k, uint64_t count, uint64_t *first, uint64_t *end)
{
	uint64_t length = 1 + below(k, chance(k, 80) ? 12 : 200);
	*first = below(k, count);
	*end = length < count - *first ? *first + length : count;
}

static void dense_deltas(const maker *k, uint64_t count)
{
	uint64_t first, end, at = below(k, count), some = 1 + below(k, 4);
	uint32_t pick = rng_below(k->r, 100);
	run_of(k, count, &first, &end);
	if (pick < 34) {
		for (uint64_t i = 0; i < some; i++)
			put(k, below(k, count), false);
	} else if (pick < 48) {
		for (uint64_t i = first; i < end; i++)
			put(k, i, chance(k, 50));
	} else if (pick < 53) {
		for (uint64_t i = 0; i < count && i < MOST_CHANGES; i++)
			put(k, i, true);
	} else if (pick < 58) {
		for (uint64_t i = below(k, 64); i < count; i += 1 + below(k, 130)) /* scattered, a few in each word */
			put(k, i, false);
	} else if (pick < 68) {
		for (uint64_t i = 0; i <= some; i++)
			put(k, at, false);
		if (chance(k, 40))
			copy(k, at, at);
	} else if (pick < 76) {
		for (uint64_t i = first; i < end; i++)
			copy(k, i, i);
	} else if (pick < 90) {
		for (uint64_t i = 0; i < some; i++)
			copy(k, below(k, count), below(k, count));
	} else if (pick < 96) {
		for (uint64_t i = first; i < end; i++)
			copy(k, at, i);
	} else if (pick < 98) {
		for (uint64_t i = 0; i < count && i < MOST_CHANGES; i++)
			copy(k, at, i);
	} else { /* two change places */
		copy(k, first, at);
		copy(k, at, first);
	}
}

/* ---- sparse pages ---------------------------------------------------------------------- */

static void insert(const maker *k, uint64_t row, uint64_t col)
{
	scalar value = {.bits = 1};
	if (k->p->page->type.scalar != T_BOOL)
		generate_value(k->r, k->n, &k->p->page->type, k->m, &value);
	memcpy(add(k, row, col)->value, &value, sizeof value);
}

static void erase(const maker *k, uint64_t row, uint64_t col)
{
	add(k, row, col)->erase = true;
}

/* One that is there, or else any. */
static size_t an_entry(const maker *k, uint64_t *row, uint64_t *col)
{
	const naive_table *now = &k->p->now;
	size_t at = now->n ? below(k, now->n) : SIZE_MAX;
	*row = at != SIZE_MAX ? now->row[at] : below(k, k->p->dims[0]);
	*col = at != SIZE_MAX ? now->col[at] : below(k, k->p->dims[1]);
	return at;
}

/* The value that stands there, again. */
static void rewrite(const maker *k, size_t at, uint64_t row, uint64_t col)
{
	change *c = add(k, row, col);
	c->value[0] = 1;
	if (k->p->page->type.scalar != T_BOOL)
		memcpy(c->value, k->p->now.data + at * k->p->bytes, k->p->bytes);
}

/* An entry that goes and comes within one epoch, or comes and goes. */
static void come_and_go(const maker *k)
{
	uint64_t row, col;
	size_t at = an_entry(k, &row, &col);
	if (at != SIZE_MAX && chance(k, 60)) {
		erase(k, row, col);
		if (chance(k, 50))
			rewrite(k, at, row, col);
		else
			insert(k, row, col);
		if (chance(k, 15))
			erase(k, row, col);
		return;
	}
	row = below(k, k->p->dims[0]);
	col = below(k, k->p->dims[1]);
	insert(k, row, col);
	if (chance(k, 70))
		erase(k, row, col);
	if (chance(k, 25))
		insert(k, row, col);
}

/* All entries of a row or of a column go. */
static void empty(const maker *k, bool column)
{
	uint64_t row, col;
	an_entry(k, &row, &col);
	for (size_t i = 0; i < k->p->now.n; i++)
		if (column ? k->p->now.col[i] == col : k->p->now.row[i] == row)
			erase(k, k->p->now.row[i], k->p->now.col[i]);
}

/* A row or a column gets many entries: a hub, in more than one bucket where there is room. */
static void fill(const maker *k, bool column)
{
	uint64_t at[2] = {below(k, k->p->dims[0]), below(k, k->p->dims[1])};
	uint64_t side = k->p->dims[column ? 0 : 1], most = side < 300 ? side : 300, step = 1 + below(k, 3);
	for (uint64_t i = chance(k, 50) ? 0 : below(k, side); i < side && most > 0; i += step, most--)
		insert(k, column ? i : at[0], column ? at[1] : i);
}

static void some_entries(const maker *k)
{
	for (uint64_t i = 0, n = 1 + below(k, 4); i < n; i++) {
		uint64_t row = below(k, k->p->dims[0]), col = below(k, k->p->dims[1]);
		if (chance(k, 50))
			an_entry(k, &row, &col);
		if (chance(k, 35))
			erase(k, row, col);
		else
			insert(k, row, col);
	}
}

static void move_entry(const maker *k)
{
	uint64_t row, col;
	size_t at = an_entry(k, &row, &col);
	if (at == SIZE_MAX)
		return;
	erase(k, row, col);
	if (chance(k, 50))
		rewrite(k, at, row, below(k, k->p->dims[1]));
	else
		rewrite(k, at, below(k, k->p->dims[0]), col);
}

static void sparse_deltas(const maker *k)
{
	uint64_t row, col;
	uint32_t pick = rng_below(k->r, 100);
	size_t there = k->p->now.n;
	if (pick < 28) {
		some_entries(k);
	} else if (pick < 48) { /* values alone */
		for (uint64_t i = 0, n = 1 + below(k, 5); i < n && there; i++) {
			an_entry(k, &row, &col);
			insert(k, row, col);
		}
	} else if (pick < 58) {
		for (uint64_t i = 0, n = 1 + below(k, 5); i < n; i++) {
			an_entry(k, &row, &col);
			erase(k, row, col);
		}
	} else if (pick < 70) {
		come_and_go(k);
	} else if (pick < 80) {
		move_entry(k);
	} else if (pick < 86) {
		empty(k, pick < 83);
	} else if (pick < 92) {
		fill(k, pick < 89);
	} else if (pick < 97) { /* nothing changes */
		for (uint64_t i = 0, n = 1 + below(k, 4); i < n && there; i++) {
			size_t at = an_entry(k, &row, &col);
			rewrite(k, at, row, col);
		}
		row = below(k, k->p->dims[0]);
		col = below(k, k->p->dims[1]);
		if (naive_find(&k->p->now, row, col) == SIZE_MAX)
			erase(k, row, col);
	} else if (pick < 98) {
		for (size_t i = 0; i < there; i++)
			erase(k, k->p->now.row[i], k->p->now.col[i]);
	} else { /* many */
		for (uint64_t i = 0, n = below(k, k->p->dims[0] * k->p->dims[1]); i < n && i < MOST_CHANGES; i++)
			insert(k, below(k, k->p->dims[0]), below(k, k->p->dims[1]));
	}
}

static void first_entries(const maker *k)
{
	uint64_t count = generate_elements(k->p), share = below(k, 4), most = count * share / 3 + share;
	for (uint64_t i = 0; i < most && i < MOST_CHANGES; i++)
		insert(k, below(k, k->p->dims[0]), below(k, k->p->dims[1]));
}

/* ---- epochs ---------------------------------------------------------------------------- */

static void change_page(rng *r, const naive *n, uint32_t id, bool first, changes *out)
{
	maker k = {r, n, id, &n->pages[id], (mood)rng_below(r, MOOD_COUNT), out};
	uint64_t count = generate_elements(k.p);
	if (count == 0)
		return;
	if (first && k.p->page->sparse) {
		first_entries(&k);
	} else if (first) {
		if (chance(&k, 8))
			return; /* stays as it begins */
		for (uint64_t i = 0; i < count; i++)
			put(&k, i, true);
	} else if (k.p->page->sparse) {
		sparse_deltas(&k);
	} else {
		dense_deltas(&k, count);
	}
}

void generate_epoch(rng *r, const naive *n, bool first, changes *out)
{
	uint32_t share = rng_chance(r, 40) ? 15 : rng_chance(r, 70) ? 40 : 100;
	out->n = 0;
	if (!first && rng_chance(r, 12))
		return; /* a tick */
	for (uint32_t i = 0; i < n->program->n_pages; i++)
		if (n->program->pages[i]->role == ROLE_IN && (first || rng_chance(r, share)))
			change_page(r, n, i, first, out);
	if (!first && rng_chance(r, 10)) /* another kind of delta in the same epoch */
		for (uint32_t i = 0; i < n->program->n_pages; i++)
			if (n->program->pages[i]->role == ROLE_IN && rng_chance(r, 30))
				change_page(r, n, i, false, out);
}
