/* undo.c - how to put back what an epoch changed in sources, kept until it has succeeded; in proportion to what changed. */
#include <stdlib.h>
#include <string.h>

#include "apply.h"

undo_op *undo_begin(undo *u, undo_kind kind, const page *p, uint32_t field, mmsb_error *err)
{
	if (reserve(&u->ops, &u->cap_ops, (u->n_ops + 1) * sizeof *u->ops)) {
		fail_memory(err, sizeof *u->ops, "undoing an epoch");
		return NULL;
	}
	undo_op *op = &u->ops[u->n_ops++];
	*op = (undo_op){.kind = kind, .page = p->id, .field = field, .changed = p->changed, .bytes = u->n_bytes};
	op->at = kind == UNDO_MASK ? u->n_words : u->n_pairs;
	return op;
}

int undo_entries(undo *u, const page *p, mmsb_error *err)
{
	return undo_begin(u, UNDO_ENTRIES, p, NONE, err) ? MMSB_OK : MMSB_MEMORY;
}

/* ---- what changed twice ------------------------------------------------------------------------ */

/* One loop for each width, without a call for an element. */
#define DEFINE_SETTLE(type)                                                                                                    \
	static void settle_##type(const undo *u, const undo_op *op, bitset *marks, const column *c)                             \
	{                                                                                                                      \
		const uint8_t *was = u->bytes + op->bytes;                                                                     \
		for (uint64_t i = 0; i < op->count && op->kind == UNDO_MASK; i++) {                                            \
			const undo_word *word = &u->words[op->at + i];                                                         \
			for (uint64_t bits = word->mask; bits; bits &= bits - 1, was += sizeof(type)) {                        \
				uint64_t position = word->word * 64 + (uint64_t)__builtin_ctzll(bits);                         \
				if (memcmp(c->base + position * c->stride, was, sizeof(type)) == 0)                            \
					bitset_unset(marks, position);                                                         \
			}                                                                                                      \
		}                                                                                                              \
		for (uint64_t i = 0; i < op->count && op->kind != UNDO_MASK; i++) {                                            \
			const put_old *pair = &u->pairs[op->at + i];                                                           \
			if (*(const type *)(const void *)(c->base + pair->position * c->stride) == (type)pair->bits)           \
				bitset_unset(marks, pair->position);                                                           \
		}                                                                                                              \
	}
DEFINE_SETTLE(uint8_t)
DEFINE_SETTLE(uint16_t)
DEFINE_SETTLE(uint32_t)
DEFINE_SETTLE(uint64_t)

void undo_settle(mmsb_instance *m, page *p, size_t first)
{
	static void (*const settle[WIDTHS])(const undo *, const undo_op *, bitset *, const column *) = {settle_uint8_t, settle_uint16_t, settle_uint32_t,
	                                                                                               settle_uint64_t};
	const undo *u = m->undo;
	for (size_t i = first; i < u->n_ops; i++) {
		const undo_op *op = &u->ops[i];
		column c = page_column(m, p, false, op->field);
		settle[width_of(c.type)](u, op, &p->now[column_number(p, op->field)].bits, &c);
	}
}

/* ---- putting back, forgetting ------------------------------------------------------------------ */

static void put_back(const mmsb_instance *m, page *p, const undo_op *op)
{
	const undo *u = m->undo;
	column c = page_column(m, p, false, op->field);
	size_t width = type_table[c.type].bytes;
	const uint8_t *was = u->bytes + op->bytes;
	for (uint64_t i = 0; i < op->count; i++) {
		if (op->kind == UNDO_SCATTER) {
			const put_old *pair = &u->pairs[op->at + i];
			memcpy(c.base + pair->position * c.stride, &pair->bits, width);
		} else { /* only of columns whose values lie side by side */
			const undo_word *word = &u->words[op->at + i];
			was += m->kernels->expand[width_of(c.type)](c.base + word->word * 64 * width, was, word->mask) * width;
		}
	}
}

static void forget(undo *u) { u->n_ops = u->n_bytes = u->n_words = u->n_pairs = 0; }

void apply_undo(mmsb_instance *m)
{
	undo *u = m->undo;
	if (!u)
		return;
	for (size_t i = u->n_ops; i-- > 0;) {
		const undo_op *op = &u->ops[i];
		page *p = &m->pages[op->page];
		if (op->kind == UNDO_ENTRIES)
			pattern_undo(p->pat);
		else
			put_back(m, p, op);
		p->changed = op->changed;
		p->version++;
	}
	forget(u);
}

void apply_keep(mmsb_instance *m)
{
	undo *u = m->undo;
	if (!u)
		return;
	for (size_t i = 0; i < u->n_ops; i++)
		if (u->ops[i].kind == UNDO_ENTRIES)
			pattern_keep(m->pages[u->ops[i].page].pat);
	forget(u);
}

void undo_free(mmsb_instance *m)
{
	if (!m->undo)
		return;
	apply_keep(m);
	free(m->undo->ops);
	free(m->undo->bytes);
	free(m->undo->words);
	free(m->undo->pairs);
	free(m->undo);
	m->undo = NULL;
}
