/* Reads of sparse pages: which reduction they drive. A sparse page is never read at a point: either a reduction
 * visits its stored entries, or the edge of a page with the same pattern stands at one of them. */
#include "check.h"

#include <string.h>

/* ---- equal expressions ---- */

static bool same_payload(const p_expr *a, const p_expr *b)
{
	switch ((p_kind)a->kind) {
	case P_CONST:
		return a->u.value.bits == b->u.value.bits;
	case P_PARAM:
		return a->u.param == b->u.param;
	case P_SIZE:
		return a->u.size == b->u.size;
	case P_VAR:
		return a->u.var == b->u.var;
	case P_OP:
		return a->op == b->op;
	case P_READ:
		return a->u.read.page == b->u.read.page && a->u.read.prev == b->u.read.prev &&
		       a->u.read.field == b->u.read.field && a->u.read.view == b->u.read.view &&
		       a->u.read.pad == b->u.read.pad;
	case P_REDUCE:
	case P_GUARD:
		return false; /* unless they are the same node */
	case P_CONV:
	case P_INDEX:
	case P_IF:
		return true;
	}
	return false;
}

/* Indices are small; a shared node is equal to itself at once. */
bool same_expr(const p_expr *a, const p_expr *b)
{
	if (a == b)
		return true;
	if (a->kind != b->kind || a->n_args != b->n_args || a->weight != b->weight || !same_type(&a->type, &b->type) ||
	    !same_payload(a, b))
		return false;
	for (uint32_t i = 0; i < a->n_args; i++)
		if (!same_expr(a->args[i], b->args[i]))
			return false;
	return true;
}

static bool frame_binds(const frame *f, const p_var *var)
{
	for (uint32_t i = 0; i < f->count; i++)
		if (f->vars[i] == var)
			return true;
	return false;
}

static bool mentions(const p_expr *e, const p_var *var)
{
	if (e->kind == P_VAR)
		return e->u.var == var;
	for (uint32_t i = 0; i < e->n_args; i++)
		if (mentions(e->args[i], var))
			return true;
	return false;
}

/* ---- patterns ---- */

static const p_page *pattern_of(const p_page *page)
{
	return page->like == NULL ? page : page->like;
}

/* Today's entries of a family of pages, or those of the epoch before, which are a pattern of their own. */
static bool same_pattern(const p_expr *a, const p_expr *b)
{
	return pattern_of(a->u.read.page) == pattern_of(b->u.read.page) && a->u.read.prev == b->u.read.prev;
}

/* At the entry where the edge of a page of that family stands. */
static bool at_own_entry(const site *s, const p_expr *read)
{
	const p_edge *edge = &s->edge->edge;
	if (!edge->page->sparse || edge->n_vars != 2)
		return false;
	for (int k = 0; k < 2; k++)
		if (read->args[k]->kind != P_VAR || read->args[k]->u.var != edge->vars[k])
			return false;
	if (read->u.read.prev)
		return read->u.read.page == edge->page;
	return pattern_of(read->u.read.page) == pattern_of(edge->page);
}

/* ---- drivers ---- */

static frame *innermost(const site *s, const p_expr *read)
{
	for (frame *f = s->frames; f != NULL; f = f->up)
		for (int k = 0; k < 2; k++)
			if (read->args[k]->kind == P_VAR && frame_binds(f, read->args[k]->u.var))
				return f;
	return NULL;
}

static p_expr *at_a_point(site *s, const p_expr *read)
{
	const p_page *page = read->u.read.page;
	lang_diag *diag = site_error(s, read->span, "the sparse page '%s' is read at a single position", page->name);
	const p_page *own = s->edge == NULL ? NULL : s->edge->edge.page;
	if (own != NULL && own->sparse)
		lang_help(s->ck->ctx, diag, "the edge of '%s' may read pages with its own pattern, at its own indices; elsewhere a "
		          "reduction visits the entries", own->name);
	else
		lang_help(s->ck->ctx, diag, "let a reduction visit its entries, as in `sum[k] %s[i, k]`", page->name);
	return &s->ck->poison;
}

/* Whether the reduction can visit the entries that this read names: the innermost of its indices among the read's
 * runs along a row or a column, which must be known where it begins. */
static bool can_drive(site *s, const frame *f, const p_expr *read)
{
	const p_page *page = read->u.read.page;
	const p_expr *const *args = (const p_expr *const *)read->args;
	uint32_t k = f->count;
	lang_diag *diag;
	if (args[0]->kind == P_VAR && args[1]->kind == P_VAR && args[0]->u.var == args[1]->u.var) {
		diag = site_error(s, read->span, "the diagonal of the sparse page '%s' cannot be read", page->name);
		lang_help(s->ck->ctx, diag, "visit all entries and choose: `sum[u, v where u == v] %s[u, v]`", page->name);
		return false;
	}
	do {
		k--;
	} while (!(args[0]->kind == P_VAR && args[0]->u.var == f->vars[k]) &&
	         !(args[1]->kind == P_VAR && args[1]->u.var == f->vars[k]));
	bool row = args[1]->kind == P_VAR && args[1]->u.var == f->vars[k];
	const p_expr *other = args[row ? 0 : 1];
	for (const frame *within = s->frames; within != f; within = within->up)
		for (uint32_t i = 0; i < within->count; i++)
			if (mentions(other, within->vars[i])) {
				diag = site_error(s, read->span, "which %s of the sparse page '%s' is visited depends on '%s', an index "
				                  "of a reduction inside", row ? "row" : "column", page->name, within->vars[i]->name);
				lang_help(s->ck->ctx, diag, "let the outer reduction be the one over '%s'", within->vars[i]->name);
				return false;
			}
	for (uint32_t inner = k; inner < f->count; inner++) {
		if (!mentions(other, f->vars[inner]))
			continue;
		diag = site_error(s, read->span, "which %s of the sparse page '%s' is visited depends on '%s' itself",
		                  row ? "row" : "column", page->name, f->vars[inner]->name);
		if (inner > k)
			lang_help(s->ck->ctx, diag, "put '%s' before '%s' in the brackets", f->vars[inner]->name, f->vars[k]->name);
		else
			lang_help(s->ck->ctx, diag, "a reduction visits a row, a column, or with two indices the whole page");
		return false;
	}
	return true;
}

p_expr *check_sparse_read(site *s, p_expr *read)
{
	if (s->edge == NULL || at_own_entry(s, read))
		return read; /* without an edge: a let that nothing uses is only tried */
	if (!check_spend(s, read->weight, read->span)) /* what the comparisons below may look at */
		return &s->ck->poison;
	frame *f = innermost(s, read);
	if (f == NULL)
		return at_a_point(s, read);
	const p_expr *driver = f->reduce->driver;
	if (driver != NULL && same_pattern(driver, read) && same_expr(driver->args[0], read->args[0]) &&
	    same_expr(driver->args[1], read->args[1]))
		return read;
	if (driver != NULL) {
		const p_page *first = driver->u.read.page, *second = read->u.read.page;
		lang_diag *diag = site_error(s, read->span, "a second sparse read in one reduction: '%s' and '%s'",
		                             check_source(s->ck, driver->span), check_source(s->ck, read->span));
		lang_note(s->ck->ctx, diag, driver->span, "this one decides which entries are visited");
		lang_help(s->ck->ctx, diag, first != second && pattern_of(first) != pattern_of(second)
		          ? "only pages that are `like` one another are read together, at the same indices"
		          : "one reduction visits one set of entries; write a second reduction");
		return &s->ck->poison;
	}
	if (!can_drive(s, f, read))
		return &s->ck->poison;
	f->reduce->driver = read;
	return read;
}
