/* apply.c - puts staged deltas into source pages, with the compare that finds what really changed and marks it. What was there is kept
 * until the epoch has succeeded. Sparse pages are in apply_sparse.c.
 *
 * The last write to an element wins, as they come in their order. The first write that changes an element marks it and keeps its
 * old value; a later one finds the mark. So deltas need no sorting; only where some element was changed twice are those that were
 * kept compared with what they have become. */
#include "apply.h"

#include <stdlib.h>
#include <string.h>

#include "saving.h"

/* For each width: stores n values at positions (NULL: first, first + 1, ...) and returns how many differ; those are noted in pairs
 * (NULL: not). */
#define DEFINE_STORE(type)                                                                                             \
	static uint64_t store_##type(const column *c, uint64_t first, const uint64_t *at, uint64_t n, const uint8_t *from, \
	                             size_t step, put_old *pairs)                                                    \
	{                                                                                                              \
		uint64_t changed = 0;                                                                                  \
		for (uint64_t i = 0; i < n; i++) {                                                                     \
			uint64_t position = at ? at[i] : first + i;                                                    \
			type *to = (type *)(void *)(c->base + position * c->stride), value;                            \
			memcpy(&value, from + i * step, sizeof value);                                                 \
			if (*to == value)                                                                              \
				continue;                                                                              \
			if (pairs)                                                                                     \
				pairs[changed] = (put_old){position, *to};                                           \
			*to = value;                                                                                   \
			changed++;                                                                                     \
		}                                                                                                      \
		return changed;                                                                                        \
	}
DEFINE_STORE(uint8_t)
DEFINE_STORE(uint16_t)
DEFINE_STORE(uint32_t)
DEFINE_STORE(uint64_t)

uint64_t store_column(const column *c, uint64_t first, const uint64_t *at, uint64_t n, const uint8_t *from, size_t step, put_old *pairs)
{
	switch (type_table[c->type].bytes) {
	case 1: return store_uint8_t(c, first, at, n, from, step, pairs);
	case 2: return store_uint16_t(c, first, at, n, from, step, pairs);
	case 4: return store_uint32_t(c, first, at, n, from, step, pairs);
	default: return store_uint64_t(c, first, at, n, from, step, pairs);
	}
}

/* ---- one column at work ------------------------------------------------------------------------ */

typedef struct target {
	mmsb_instance *m;
	page *p;
	uint32_t field;
	column c;
	size_t width;
	bitset *marks;
	bool *twice;            /* set when an element changes that has changed in this epoch */
} target;

/* What is taken at a time, so that the room for undoing grows with what changes. */
enum { CHUNK_WORDS = 64, CHUNK = 64 * CHUNK_WORDS };

/* What these elements hold is to be changed. */
static void announce(const target *t, uint64_t first, const uint64_t *at, uint64_t n)
{
	if (!t->m->saving || n == 0)
		return;
	if (!at)
		saving_bytes(t->m, t->p, t->c.base + first * t->c.stride, (n - 1) * t->c.stride + t->width);
	for (uint64_t i = 0; at && i < n; i++)
		saving_bytes(t->m, t->p, t->c.base + at[i] * t->c.stride, t->width);
}

/* One element after the other: values `step` bytes apart to positions `at`, or (NULL) from `first` on. */
static int put_each(const target *t, uint64_t first, const uint64_t *at, uint64_t n, const uint8_t *from, size_t step, mmsb_error *err)
{
	undo *u = t->m->undo;
	undo_op *op = undo_begin(u, UNDO_SCATTER, t->p, t->field, err);
	if (!op)
		return MMSB_MEMORY;
	put_target to = {t->c.base, t->c.stride, t->marks, false};
	for (uint64_t done = 0; done < n; done += CHUNK) {
		uint64_t some = n - done < CHUNK ? n - done : CHUNK;
		if (reserve(&u->pairs, &u->cap_pairs, (u->n_pairs + some) * sizeof *u->pairs))
			return fail_memory(err, some * sizeof *u->pairs, "undoing an epoch");
		announce(t, first + done, at ? at + done : NULL, some);
		size_t marked = t->m->kernels->put[width_of(t->c.type)](&to, first + done, at ? at + done : NULL, from + done * step, step, some,
		                                                     u->pairs + u->n_pairs);
		u->n_pairs += marked;
		op->count += marked;
		*t->twice |= to.twice;
	}
	return MMSB_OK;
}

/* Room for undoing what changes in CHUNK_WORDS words. */
static int room_for_words(const target *t, mmsb_error *err)
{
	undo *u = t->m->undo;
	if (reserve(&u->words, &u->cap_words, (u->n_words + CHUNK_WORDS) * sizeof *u->words) ||
	    reserve(&u->bytes, &u->cap_bytes, u->n_bytes + CHUNK * t->width))
		return fail_memory(err, CHUNK * t->width, "undoing an epoch");
	return MMSB_OK;
}

/* What is in the mask differs in word w from 64 new values; there is room to keep what was there. */
static void put_word(const target *t, undo_op *op, uint64_t w, uint64_t mask, const uint8_t *from)
{
	undo *u = t->m->undo;
	uint8_t *at = t->c.base + w * 64 * t->width;
	uint64_t fresh = mask & ~t->marks->level[0][w];
	if (fresh != mask)
		*t->twice = true;
	if (fresh) {
		u->n_bytes += t->m->kernels->compress[width_of(t->c.type)](u->bytes + u->n_bytes, at, fresh) * t->width;
		u->words[u->n_words++] = (undo_word){w, fresh};
		op->count++;
		bitset_add_word(t->marks, w, fresh);
	}
	saving_bytes(t->m, t->p, at, 64 * t->width);
	memcpy(at, from, 64 * t->width);
}

/* n whole words of new values, side by side like the column's. */
static int put_words(const target *t, uint64_t w, uint64_t n, const uint8_t *from, mmsb_error *err)
{
	undo_op *op = undo_begin(t->m->undo, UNDO_MASK, t->p, t->field, err);
	size_t bytes = 64 * t->width;
	if (!op)
		return MMSB_MEMORY;
	for (uint64_t end = w + n; w < end; w += CHUNK_WORDS) {
		uint64_t some = end - w < CHUNK_WORDS ? end - w : CHUNK_WORDS, masks[CHUNK_WORDS];
		if (room_for_words(t, err))
			return MMSB_MEMORY;
		t->m->kernels->differ[width_of(t->c.type)](masks, t->c.base + w * bytes, from, some);
		for (uint64_t i = 0; i < some; i++, from += bytes)
			if (masks[i])
				put_word(t, op, w + i, masks[i], from);
	}
	return MMSB_OK;
}

/* Values of n positions from `first` on. */
static int put_range(const target *t, uint64_t first, uint64_t n, const uint8_t *from, size_t step, mmsb_error *err)
{
	if (t->c.stride != t->width || step != t->width || n < 128)
		return put_each(t, first, NULL, n, from, step, err);
	uint64_t head = (64 - first % 64) % 64, words = (n - head) / 64, done = head + words * 64;
	int status = put_each(t, first, NULL, head, from, step, err);
	if (!status)
		status = put_words(t, (first + head) / 64, words, from + head * step, err);
	if (!status)
		status = put_each(t, first + done, NULL, n - done, from + done * step, step, err);
	return status;
}

/* Values of the positions that n words of masks name, from word w on, one after the other. */
static int put_listed(const target *t, uint64_t w, const uint64_t *masks, uint64_t n, const uint8_t *from, size_t step, mmsb_error *err)
{
	int status = MMSB_OK;
	for (uint64_t i = 0; i < n && !status; i++) {
		uint64_t at[64], k = 0;
		for (uint64_t bits = masks[i]; bits; bits &= bits - 1)
			at[k++] = (w + i) * 64 + (uint64_t)__builtin_ctzll(bits);
		if (k > 0)
			status = put_each(t, 0, at, k, from, step, err);
		from += k * step;
	}
	return status;
}

static int put_masked(const target *t, uint64_t w, const uint64_t *masks, uint64_t n, const uint8_t *from, size_t step, mmsb_error *err)
{
	uint64_t whole = t->p->count / 64 - w; /* words that are inside the page */
	whole = whole < n ? whole : n;
	if (t->c.stride != t->width || step != t->width)
		return put_listed(t, w, masks, n, from, step, err);
	const kernel_table *k = t->m->kernels;
	unsigned width = width_of(t->c.type);
	_Alignas(64) uint8_t now[64 * sizeof(uint64_t)];
	undo_op *op = undo_begin(t->m->undo, UNDO_MASK, t->p, t->field, err);
	if (!op)
		return MMSB_MEMORY;
	for (uint64_t i = 0; i < whole; i++) {
		uint64_t differ;
		const uint8_t *at = t->c.base + (w + i) * 64 * t->width;
		if (i % CHUNK_WORDS == 0 && room_for_words(t, err))
			return MMSB_MEMORY;
		memcpy(now, at, 64 * t->width);
		from += k->expand[width](now, from, masks[i]) * t->width;
		k->differ[width](&differ, at, now, 1);
		if (differ)
			put_word(t, op, w + i, differ, now);
	}
	return put_listed(t, w + whole, masks + whole, n - whole, from, step, err);
}

/* ---- pages ------------------------------------------------------------------------------------- */

/* One op's values of one column: `from`, `step` apart. */
static int apply_column(mmsb_instance *m, page *p, uint32_t field, const staged_op *op, const uint64_t *index, const uint8_t *from, size_t step,
                        bool *twice, mmsb_error *err)
{
	target t = {m, p, field, page_column(m, p, false, field), 0, &p->now[column_number(p, field)].bits, twice};
	t.width = type_table[t.c.type].bytes;
	if (op->kind == STAGED_RANGE)
		return put_range(&t, op->first, op->count, from, step, err);
	if (op->kind == STAGED_SCATTER)
		return put_each(&t, 0, index, op->count, from, step, err);
	uint64_t words = 0;
	for (uint64_t seen = 0; seen < op->count; words++)
		seen += (uint64_t)__builtin_popcountll(index[words]);
	return put_masked(&t, op->first, index, words, from, step, err);
}

static int apply_dense(mmsb_instance *m, page *p, const staged_page *s, bool *twice, mmsb_error *err)
{
	int status = MMSB_OK;
	for (size_t i = 0; i < s->n_ops && !status; i++) {
		const staged_op *op = &s->ops[i];
		const uint64_t *index = s->index + op->index;
		const uint8_t *from = s->values + op->values;
		if (p->def->record == NONE) {
			status = apply_column(m, p, NONE, op, index, from, p->element, twice, err);
			continue;
		}
		const sch_record *r = &m->sch->records[p->def->record];
		const sch_field *fields = &m->sch->fields[r->first_field];
		if (op->field != NONE) {
			status = apply_column(m, p, op->field, op, index, from, type_table[fields[op->field].type].bytes, twice, err);
			continue;
		}
		for (uint32_t k = 0; k < r->n_fields && !status; k++)
			status = apply_column(m, p, k, op, index, from + fields[k].offset, p->element, twice, err);
	}
	return status;
}

/* `in init P`: before its own deltas a source has the value of source P in epoch 1. */
static int apply_init_page(mmsb_instance *m, page *p, bool *twice, mmsb_error *err)
{
	const page *from = &m->pages[p->def->init_page];
	const staged_op op = {.kind = STAGED_RANGE, .first = 0, .count = p->count};
	uint32_t n = p->def->record == NONE ? 1 : m->sch->records[p->def->record].n_fields;
	int status = MMSB_OK;
	for (uint32_t k = 0; k < n && !status; k++) {
		uint32_t field = p->def->record == NONE ? NONE : k;
		column c = page_column(m, from, false, field);
		status = apply_column(m, p, field, &op, NULL, c.base, c.stride, twice, err);
	}
	return status;
}

static bool any_marked(const page *p)
{
	for (uint32_t k = 0; k < p->n_columns; k++)
		if (p->now[k].all || !bitset_empty(&p->now[k].bits))
			return true;
	return false;
}

static int apply_page(mmsb_instance *m, page *p, uint64_t epoch, mmsb_error *err)
{
	staged_page *s = &m->staging->pages[p->id];
	size_t first = m->undo->n_ops;
	bool twice = false;
	int status = MMSB_OK;
	if (epoch == 1 && p->def->init_page != NONE)
		status = apply_init_page(m, p, &twice, err);
	if (!status && s->n_ops)
		status = p->def->flags & PAGEF_SPARSE ? apply_sparse(m, p, s, err) : apply_dense(m, p, s, &twice, err);
	if (p->pat && p->pat->log.n > 0)
		p->pattern_changed = epoch;
	if (twice)
		undo_settle(m, p, first);
	if (any_marked(p)) {
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
	if (epoch > 1) {
		for (uint32_t i = 0; i < m->staging->n_touched && !status; i++)
			status = apply_page(m, &m->pages[m->staging->touched[i]], epoch, err);
		return status;
	}
	/* Those that begin with the value of another come after it; they do not chain (verify.c). */
	for (int follow = 0; follow < 2; follow++)
		for (uint32_t i = 0; i < m->sch->n_pages && !status; i++)
			if ((m->sch->pages[i].init_page != NONE) == (follow == 1) && m->sch->pages[i].role == PAGE_ROLE_IN)
				status = apply_page(m, &m->pages[i], epoch, err);
	return status;
}
