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

/* Whether e mentions an index of the reduction. */
static bool mentions(const p_expr *e, const frame *f)
{
	if (e->kind == P_VAR)
		return frame_binds(f, e->u.var);
	for (uint32_t i = 0; i < e->n_args; i++)
		if (mentions(e->args[i], f))
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

static bool whole_range(const p_var *var, const p_size *dim)
{
	int64_t lo;
	return size_is_const(var->lo, &lo) && lo == 0 && var->hi == dim;
}

/* Whether the reduction can visit the entries that this read names. */
static bool can_drive(site *s, const frame *f, const p_expr *read)
{
	const p_page *page = read->u.read.page;
	bool own[2];
	lang_diag *diag = NULL;
	for (int k = 0; k < 2; k++)
		own[k] = read->args[k]->kind == P_VAR && frame_binds(f, read->args[k]->u.var);
	for (int k = 0; k < 2; k++)
		if (own[k] && !whole_range(read->args[k]->u.var, page->dims[k])) {
			diag = site_error(s, f->head, "a reduction over the entries of '%s' takes a whole dimension", page->name);
			lang_help(s->ck->ctx, diag, "leave the range out, and choose entries with `where`");
			return false;
		}
	if (own[0] && own[1] && read->args[0]->u.var == read->args[1]->u.var) {
		diag = site_error(s, read->span, "the diagonal of the sparse page '%s' cannot be read", page->name);
		lang_help(s->ck->ctx, diag, "visit all entries and choose: `sum[u, v where u == v] %s[u, v]`", page->name);
		return false;
	}
	if (f->count == (own[0] && own[1] ? 2u : 1u) && (own[0] || !mentions(read->args[0], f)) &&
	    (own[1] || !mentions(read->args[1], f)))
		return true;
	diag = site_error(s, read->span, "this reduction cannot visit the entries of the sparse page '%s'", page->name);
	lang_help(s->ck->ctx, diag, "its indices are those of a row, of a column or of the whole page: `sum[k] %s[i, k]`, "
	          "`sum[i, k] %s[i, k]`", page->name, page->name);
	return false;
}

p_expr *check_sparse_read(site *s, p_expr *read)
{
	if (s->edge == NULL || at_own_entry(s, read))
		return read; /* without an edge: a let that nothing uses is only tried */
	s->ck->steps += read->weight; /* what the comparisons below may look at */
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
