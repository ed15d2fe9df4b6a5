/* trial_stage.c - the deltas of one epoch, staged in each run by calls of another kind: one for each delta; one for several,
 * scattered; one for several that lie side by side, as a range. */
#include <stdlib.h>
#include <string.h>

#include "trial.h"

enum { BATCH = 64 };

static bool is_pattern(const p_page *page)
{
	return page->type.base == B_SCALAR && page->type.scalar == T_BOOL;
}

static size_t value_bytes(const trial *t, const change *c)
{
	const p_type *type = &t->checked->pages[c->page]->type;
	return c->field >= 0 ? type_table[type->record->fields[c->field].type->scalar].bytes : t->naive->pages[c->page].bytes;
}

static bool alike(const change *a, const change *b)
{
	return a->page == b->page && a->field == b->field && a->erase == b->erase;
}

/* How many from `first` go into one call. */
static size_t batch_of(const trial *t, size_t first, size_t most)
{
	size_t n = 1;
	while (n < most && first + n < t->deltas.n && alike(&t->deltas.items[first], &t->deltas.items[first + n]))
		n++;
	return n;
}

/* n deltas that are alike, in one call. range: as a range where they are one. */
static int stage_batch(const trial *t, mmsb_instance *m, const change *c, size_t n, bool range, mmsb_error *err)
{
	const p_page *page = t->checked->pages[c->page];
	int id = mmsb_page(m, page->name);
	size_t bytes = value_bytes(t, c);
	uint64_t at[BATCH], col[BATCH];
	unsigned char values[BATCH * sizeof c->value];
	bool is_range = range && c->field < 0 && !page->sparse;
	for (size_t i = 0; i < n; i++) {
		at[i] = c[i].at;
		col[i] = c[i].col;
		memcpy(values + i * bytes, c[i].value, bytes);
		is_range = is_range && at[i] == at[0] + i;
	}
	if (page->sparse && c->erase)
		return mmsb_erase(m, id, n, at, col, err);
	if (page->sparse)
		return mmsb_insert(m, id, n, at, col, is_pattern(page) ? NULL : values, err);
	if (c->field >= 0)
		return mmsb_scatter_field(m, id, (unsigned)c->field, n, at, values, err);
	return is_range ? mmsb_write(m, id, at[0], n, values, err) : mmsb_scatter(m, id, n, at, values, err);
}

int trial_stage_run(trial *t, int run, mmsb_error *err)
{
	size_t most = run == RUN_SCRATCH ? 1 : BATCH;
	for (size_t i = 0, n; i < t->deltas.n; i += n) {
		n = batch_of(t, i, most);
		int status = stage_batch(t, t->runs[run], &t->deltas.items[i], n, run == RUN_ONE, err);
		if (status)
			return status;
	}
	return MMSB_OK;
}

bool trial_stage(trial *t)
{
	for (size_t i = 0; i < t->deltas.n; i++) {
		const change *c = &t->deltas.items[i];
		if (t->checked->pages[c->page]->sparse)
			naive_entry(t->naive, c->page, c->at, c->col, c->erase ? NULL : c->value, c->erase);
		else
			naive_set(t->naive, c->page, c->field, c->at, c->value);
	}
	mmsb_error err;
	for (int k = 0; k < RUNS && t->runs[k]; k++)
		if (trial_stage_run(t, k, &err))
			return complain(t, "run %d: a delta is refused: %s", k, err.message);
	char *lines = changes_text(t->naive, &t->deltas);
	if (lines && t->log)
		fprintf(t->log, "%scommit\n", lines);
	free(lines);
	return true;
}
