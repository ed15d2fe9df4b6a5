/* trial_compare.c - whether the runs of a trial hold the same: every page, digests, and what is told of changes. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "trial.h"

/* ---- pages ----------------------------------------------------------------------------- */

/* The page as a run holds it: pointers into the run, valid until its next commit. */
static bool table_of(trial *t, int run, const naive_page *p, naive_table *out, bool *stored)
{
	mmsb_info info;
	mmsb_error err;
	const uint64_t *row = NULL, *col = NULL;
	int id = mmsb_page(t->runs[run], p->page->name);
	if (id < 0 || mmsb_page_info(t->runs[run], id, &info))
		return complain(t, "page '%s' is not there", p->page->name);
	*stored = info.stored;
	if (!info.stored)
		return p->page->role == ROLE_INTERNAL ? true : complain(t, "page '%s' is not stored", p->page->name);
	const void *data = mmsb_data(t->runs[run], id);
	if (p->page->sparse && mmsb_entries(t->runs[run], id, &row, &col, &err))
		return complain(t, "no entries: %s", err.message);
	mmsb_page_info(t->runs[run], id, &info); /* reading can evaluate a @lazy page */
	*out = (naive_table){info.count, (uint64_t *)(uintptr_t)row, (uint64_t *)(uintptr_t)col, (unsigned char *)(uintptr_t)data};
	bool pattern = p->page->sparse && p->page->role == ROLE_IN && p->page->type.scalar == T_BOOL;
	if (info.count && !data != pattern)
		return complain(t, "page '%s' %s", p->page->name, pattern ? "is a pattern, but has values" : "has no values");
	return true;
}

static bool differ(trial *t, const naive_page *p, size_t i, const naive_table *got, const naive_table *want, int run, uint64_t epoch)
{
	char want_text[64] = "", got_text[64] = "";
	for (size_t k = 0; k < p->bytes && k < 24; k++) {
		snprintf(want_text + 2 * k, 3, "%02x", want->data[i * p->bytes + p->bytes - 1 - k]);
		snprintf(got_text + 2 * k, 3, "%02x", got->data[i * p->bytes + p->bytes - 1 - k]);
	}
	if (p->page->type.base == B_SCALAR && p->page->type.scalar == T_F64)
		return complain(t, "epoch %" PRIu64 ", run %d, page '%s', element %zu: %s (%.17g), should be %s (%.17g)", epoch, run,
		                p->page->name, i, got_text, ((const double *)(const void *)got->data)[i], want_text,
		                ((const double *)(const void *)want->data)[i]);
	return complain(t, "epoch %" PRIu64 ", run %d, page '%s', element %zu: %s, should be %s", epoch, run, p->page->name, i,
	                got_text, want_text);
}

static bool same_table(trial *t, int run, const naive_page *p, const naive_table *want, uint64_t epoch)
{
	naive_table got;
	bool stored;
	if (!table_of(t, run, p, &got, &stored) || !stored)
		return !t->why[0];
	if (got.n != want->n)
		return complain(t, "epoch %" PRIu64 ", run %d, page '%s' has %zu elements, should have %zu", epoch, run, p->page->name,
		                got.n, want->n);
	for (size_t i = 0; p->page->sparse && i < got.n; i++)
		if (got.row[i] != want->row[i] || got.col[i] != want->col[i])
			return complain(t, "epoch %" PRIu64 ", run %d, page '%s': other entries", epoch, run, p->page->name);
	if (!got.data || got.n == 0 || memcmp(got.data, want->data, got.n * p->bytes) == 0)
		return true;
	for (size_t i = 0; i < got.n; i++)
		if (memcmp(got.data + i * p->bytes, want->data + i * p->bytes, p->bytes) != 0)
			return differ(t, p, i, &got, want, run, epoch);
	return true;
}

/* In each run @lazy pages are looked at in epochs of its own, so that they go stale for longer. */
static bool same_page(trial *t, const naive_page *p, uint64_t epoch)
{
	bool lazy = (p->page->attrs & PAGE_LAZY) != 0, stored = true;
	naive_table want = p->now;
	if (t->program.large && (!table_of(t, RUN_SCRATCH, p, &want, &stored) || !stored))
		return !t->why[0];
	for (int k = 0; k < RUNS && t->runs[k]; k++)
		if (!(k == RUN_SCRATCH && t->program.large) && (!lazy || rng_chance(&t->r, 40)) && !same_table(t, k, p, &want, epoch))
			return false;
	return true;
}

static bool same_digests(trial *t, uint64_t epoch)
{
	char first[33] = "", hex[33];
	mmsb_error err;
	for (int k = 0; k < RUNS && t->runs[k]; k++) {
		if (mmsb_digest(t->runs[k], hex, &err))
			return complain(t, "no digest: %s", err.message);
		if (k > 0 && strcmp(first, hex) != 0)
			return complain(t, "epoch %" PRIu64 ": the digest of run %d differs from that of run 0", epoch, k);
		memcpy(first, hex, sizeof first);
	}
	return true;
}

bool trial_same_pages(trial *t, uint64_t epoch)
{
	for (uint32_t i = 0; i < t->checked->n_pages; i++)
		if (!same_page(t, &t->naive->pages[i], epoch))
			return false;
	return (t->has_lazy && !rng_chance(&t->r, 30)) || same_digests(t, epoch); /* a digest looks at @lazy pages too */
}

/* ---- watches --------------------------------------------------------------------------- */

static void *copy_of(const void *from, size_t bytes)
{
	void *to = naive_room(NULL, bytes, 1);
	if (from && bytes)
		memcpy(to, from, bytes);
	return to;
}

static void forget(naive_table *table)
{
	free(table->row);
	free(table->col);
	free(table->data);
	*table = (naive_table){0};
}

static bool remember(trial *t, const naive_page *p, naive_table *was)
{
	naive_table now;
	bool stored;
	if (!table_of(t, RUN_ONE, p, &now, &stored) || !stored)
		return complain(t, "page '%s' cannot be watched", p->page->name);
	forget(was);
	was->n = now.n;
	was->row = now.row ? copy_of(now.row, now.n * sizeof *now.row) : NULL;
	was->col = now.col ? copy_of(now.col, now.n * sizeof *now.col) : NULL;
	was->data = now.data ? copy_of(now.data, now.n * p->bytes) : NULL;
	return true;
}

bool trial_watch(trial *t)
{
	mmsb_error err;
	if (!t->runs[RUN_ONE])
		return true;
	t->watched = t->watched ? t->watched : naive_room(NULL, t->checked->n_pages, sizeof *t->watched);
	for (uint32_t i = 0; i < t->checked->n_pages; i++) {
		const naive_page *p = &t->naive->pages[i];
		int id = mmsb_page(t->runs[RUN_ONE], p->page->name);
		mmsb_info info;
		if (p->page->init_page && t->naive->epoch == 0)
			continue; /* what it holds before epoch 1 is known in epoch 1 */
		if (t->watched[i].on || !rng_chance(&t->r, 30) || mmsb_page_info(t->runs[RUN_ONE], id, &info) || !info.stored)
			continue;
		if (mmsb_watch(t->runs[RUN_ONE], id, &err))
			return complain(t, "page '%s' cannot be watched: %s", p->page->name, err.message);
		if (!remember(t, p, &t->watched[i].was))
			return false;
		t->watched[i].on = true;
	}
	return true;
}

static int by_entry(const naive_table *a, size_t i, const naive_table *b, size_t k)
{
	if (i == a->n || k == b->n)
		return (i == a->n) - (k == b->n);
	if (a->row[i] != b->row[k])
		return a->row[i] < b->row[k] ? -1 : 1;
	return a->col[i] < b->col[k] ? -1 : a->col[i] > b->col[k];
}

/* What is told as change number n, against what changed: element i of `now`, or, gone, element `gone` of what was. */
static bool told(const mmsb_changes_view *view, uint64_t n, const naive_page *p, const naive_table *now, size_t i,
                 const naive_table *was, size_t gone)
{
	static const unsigned char nothing[64];
	bool deleted = gone != SIZE_MAX;
	const unsigned char *value = deleted ? nothing : now->data ? now->data + i * p->bytes : NULL;
	if (n >= view->count)
		return false;
	if (!p->page->sparse && view->index[n] != i)
		return false;
	if (p->page->sparse && (view->row[n] != (deleted ? was->row[gone] : now->row[i]) || view->deleted[n] != deleted
	                        || view->col[n] != (deleted ? was->col[gone] : now->col[i])))
		return false;
	return !view->values || !value || memcmp((const unsigned char *)view->values + n * p->bytes, value, p->bytes) == 0;
}

static bool differs(const naive_page *p, const naive_table *a, size_t i, const naive_table *b, size_t k)
{
	return a->data && b->data && memcmp(a->data + i * p->bytes, b->data + k * p->bytes, p->bytes) != 0;
}

/* The number of changes that were told rightly, one after the other; SIZE_MAX: one was not. */
static size_t count_told(const mmsb_changes_view *view, const naive_page *p, const naive_table *was, const naive_table *now)
{
	size_t n = 0;
	for (size_t i = 0; !p->page->sparse && i < now->n; i++)
		if (differs(p, was, i, now, i) && !told(view, n++, p, now, i, was, SIZE_MAX))
			return SIZE_MAX;
	for (size_t a = 0, b = 0; p->page->sparse && (a < was->n || b < now->n);) {
		int order = by_entry(was, a, now, b);
		bool news = order > 0 || (order == 0 && differs(p, was, a, now, b));
		if ((order < 0 && !told(view, n++, p, now, 0, was, a)) || (news && !told(view, n++, p, now, b, was, SIZE_MAX)))
			return SIZE_MAX;
		a += order <= 0;
		b += order >= 0;
	}
	return n;
}

bool trial_same_changes(trial *t, uint64_t epoch)
{
	for (uint32_t i = 0; t->watched && i < t->checked->n_pages; i++) {
		const naive_page *p = &t->naive->pages[i];
		mmsb_changes_view view;
		naive_table now;
		bool stored;
		if (!t->watched[i].on)
			continue;
		if (!table_of(t, RUN_ONE, p, &now, &stored))
			return false;
		if (mmsb_changes(t->runs[RUN_ONE], mmsb_page(t->runs[RUN_ONE], p->page->name), &view))
			return complain(t, "no changes of page '%s'", p->page->name);
		if (count_told(&view, p, &t->watched[i].was, &now) != view.count)
			return complain(t, "epoch %" PRIu64 ": other changes of page '%s' are told than happened", epoch, p->page->name);
		if (!remember(t, p, &t->watched[i].was))
			return false;
	}
	return true;
}

void trial_unwatch(trial *t)
{
	for (uint32_t i = 0; t->watched && i < t->checked->n_pages; i++)
		forget(&t->watched[i].was);
	free(t->watched);
	t->watched = NULL;
}
