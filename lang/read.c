/* Reads of pages: views, and the proof that every index without one is in range. */
#include "check.h"

/* ---- variables ---- */

var_info *var_new(checker *ck, ast_name name, const p_size *lo, const p_size *hi)
{
	var_info *info = LANG_NEW(ck->ctx, var_info);
	if (info == NULL || lo == NULL)
		return NULL;
	info->var = (p_var){ck->next_var++, name.text, lo, hi, name.span};
	info->bound = name.span;
	return info;
}

p_expr *var_node(site *s, p_var *var, lang_span span)
{
	p_expr *node = new_node(s, P_VAR, scalar_type(T_I64), span, 0, NULL);
	if (!is_poison(node))
		node->u.var = var;
	return node;
}

/* ---- one index ---- */

/* A read while it is checked: what the messages need. */
typedef struct reading {
	p_page *page;
	const ast_read *ast;     /* NULL: a scalar page by its name */
	lang_span span;
} reading;

/* The read as the user would write it with a view, "zero(prev x)[i - 1, j]". */
static const char *with_view(site *s, const reading *r, const char *view)
{
	const char *text = lang_sprintf(s->ck->ctx, "%s(%s%s)[", view, r->ast->prev ? "prev " : "",
	                                check_source(s->ck, r->ast->page->span));
	for (uint32_t i = 0; i < r->ast->index.count && text != NULL; i++)
		text = lang_sprintf(s->ck->ctx, "%s%s%s", text, i == 0 ? "" : ", ",
		                    check_source(s->ck, r->ast->index.items[i]->span));
	text = text == NULL ? NULL : lang_sprintf(s->ck->ctx, "%s]", text);
	return text == NULL ? "a view" : text;
}

static void help_in_range(site *s, lang_diag *diag, const reading *r, const p_size *dim)
{
	const char *size = p_size_text(s->ck->ctx, dim);
	if (r->page->sparse)
		lang_help(s->ck->ctx, diag, "use an index over '%s', or convert with index(%s)(...)", size, size);
	else
		lang_help(s->ck->ctx, diag, "write `%s`, `%s` or `%s`, or convert with index(%s)(...)",
		          with_view(s, r, "zero"), with_view(s, r, "clamp"), with_view(s, r, "wrap"), size);
}

static const char *range_text(checker *ck, const p_var *var)
{
	int64_t lo;
	const char *hi = p_size_text(ck->ctx, var->hi);
	if (size_is_const(var->lo, &lo) && lo == 0)
		return hi;
	return lang_sprintf(ck->ctx, "%s..%s", p_size_text(ck->ctx, var->lo), hi);
}

/* An index that is not proved to be in range; told where it was written, which for the index of a let is its use. */
static void unproved(site *s, const reading *r, uint32_t k, const ast_expr *e, const p_expr *v)
{
	checker *ck = s->ck;
	const p_size *dim = r->page->dims[k];
	const char *size = p_size_text(ck->ctx, dim), *page = r->page->name;
	const local *l = e->kind == AST_NAME && e->u.name->parts.count == 1
	                         ? find_local(s, e->u.name->parts.items[0].text) : NULL;
	bool of_let = l != NULL && l->let != NULL;
	lang_span span = of_let ? l->span : e->span;
	int64_t fixed;
	const trace *way = of_let && s->trace != NULL ? s->trace->next : s->trace;
	lang_diag *diag;

	if (v->kind == P_VAR)
		diag = check_error(ck, way, span, "'%s' ranges over '%s', and dimension %u of '%s' is '%s'", v->u.var->name,
		                   range_text(ck, v->u.var), k + 1, page, size);
	else if (v->type.base == B_INDEX)
		diag = check_error(ck, way, span, "'%s' is '%s', and dimension %u of '%s' is '%s'", check_source(ck, span),
		                   type_text(ck, &v->type), k + 1, page, size);
	else if (v->kind == P_CONST && size_is_const(dim, &fixed))
		diag = check_error(ck, way, span, "'%s' is out of range: dimension %u of '%s' is %s", check_source(ck, span),
		                   k + 1, page, size);
	else
		diag = check_error(ck, way, span, "'%s' is not known to be within dimension %u of '%s', which is '%s'",
		                   check_source(ck, span), k + 1, page, size);
	if (of_let)
		lang_note(ck->ctx, diag, r->span, "the let '%s' reads '%s' there", l->let, page);
	else if (v->kind == P_VAR && ((var_info *)v->u.var)->bound.begin != v->u.var->span.begin)
		lang_note(ck->ctx, diag, ((var_info *)v->u.var)->bound, "'%s' takes its range from this read",
		          v->u.var->name);
	if (v->kind == P_CONST && size_is_const(dim, &fixed))
		lang_help(ck->ctx, diag, "positions count from 0, the size left out");
	else if (!of_let)
		help_in_range(s, diag, r, dim);
	else
		lang_help(ck->ctx, diag, "convert with index(%s)(...)", size);
}

static bool in_range(const p_expr *v, const p_size *dim)
{
	int64_t size, lo, hi;
	bool fixed = size_is_const(dim, &size);
	if (v->type.base == B_INDEX)
		return v->type.dim == dim || (fixed && size_is_const(v->type.dim, &hi) && hi <= size);
	if (v->kind == P_CONST)
		return fixed && v->u.value.I64 >= 0 && v->u.value.I64 < size;
	if (v->kind != P_VAR)
		return false;
	const p_var *var = v->u.var;
	bool low = size_is_const(var->lo, &lo);
	if (low && lo == 0 && var->hi == dim)
		return true;
	return fixed && low && size_is_const(var->hi, &hi) && lo >= 0 && (hi <= size || hi <= lo);
}

/* The first plain read of an index without a range gives it that dimension. */
static void give_range(const p_expr *v, const p_size *dim, lang_span span)
{
	if (v->kind != P_VAR || v->u.var->hi != NULL)
		return;
	v->u.var->hi = dim;
	((var_info *)v->u.var)->bound = span;
}

static p_expr *check_index(site *s, const reading *r, uint32_t k)
{
	ast_expr *e = r->ast->index.items[k];
	const p_size *dim = r->page->dims[k];
	bool outer = s->in_index;
	s->in_index = true;
	p_expr *v = check_value(s, e);
	s->in_index = outer;
	if (is_poison(v) || (v->type.base == B_INDEX && v->type.dim == dim))
		return v;
	if (r->ast->view != AST_VIEW_NONE)
		return assign(s, v, scalar_type(T_I64), "an index");
	if (v->type.base == B_SCALAR)
		v = assign(s, v, scalar_type(T_I64), "an index");
	if (is_poison(v))
		return v;
	give_range(v, dim, r->span);
	if (in_range(v, dim))
		return v;
	unproved(s, r, k, e, v);
	return &s->ck->poison;
}

/* ---- the read ---- */

static void note_dependency(site *s, const reading *r)
{
	edge_info *edge = s->edge;
	page_info *info = info_of(r->page);
	if (info->seen == &edge->edge)
		return;
	if (!lang_grow(s->ck->ctx, (void **)&edge->deps, edge->dep_count, &edge->dep_cap, sizeof *edge->deps))
		return;
	info->seen = &edge->edge;
	edge->deps[edge->dep_count++] = (edge_dep){r->page, r->span};
}

/* Who reads what, and how: for the order of the edges and for what pages may not be. */
static void note_read(site *s, const reading *r, p_read *read)
{
	page_info *info = info_of(r->page);
	if (s->edge == NULL)
		return;
	read->self = s->in_fix && r->page == s->edge->edge.page && !read->prev;
	if (read->prev) {
		r->page->is_state = true;
		info->prev_span = r->span;
	}
	if (s->in_fix)
		info->fix_span = r->span;
	if (!read->prev && !read->self)
		note_dependency(s, r);
}

static bool count_indices(site *s, const reading *r)
{
	uint32_t count = r->ast == NULL ? 0 : r->ast->index.count, ndim = r->page->ndim;
	lang_diag *diag;
	if (count == ndim)
		return true;
	if (ndim == 0)
		diag = site_error(s, r->span, "the page '%s' is a scalar and has no index", r->page->name);
	else
		diag = site_error(s, r->span, "the page '%s' has %u dimension%s and is read with %u ind%s", r->page->name, ndim,
		                  ndim == 1 ? "" : "s", count, count == 1 ? "ex" : "ices");
	lang_note(s->ck->ctx, diag, r->page->span, "declared here");
	if (count == 0)
		lang_help(s->ck->ctx, diag, "an edge gives one element at a time: `%s%s`", r->page->name,
		          ndim == 1 ? "[i]" : ndim == 2 ? "[i, j]" : "[i, j, k]");
	return false;
}

static const uint8_t views[AST_VIEW_COUNT] = {
	[AST_VIEW_CLAMP] = VIEW_CLAMP, [AST_VIEW_WRAP] = VIEW_WRAP, [AST_VIEW_MIRROR] = VIEW_MIRROR,
	[AST_VIEW_ZERO] = VIEW_ZERO, [AST_VIEW_PAD] = VIEW_PAD,
};

static bool view_allowed(site *s, const reading *r)
{
	if (r->ast->view == AST_VIEW_NONE)
		return true;
	if (r->page->sparse) {
		lang_help(s->ck->ctx, site_error(s, r->span, "the sparse page '%s' has no views", r->page->name),
		          "a sparse page is read in a reduction that visits its entries, as in `sum[k] %s[i, k]`",
		          r->page->name);
		return false;
	}
	if (r->page->ndim == 0) {
		site_error(s, r->span, "a view needs an index, and the page '%s' is a scalar", r->page->name);
		return false;
	}
	return true;
}

p_expr *read_page(site *s, p_page *page, lang_span span, const ast_read *ast)
{
	reading r = {page, ast, span};
	p_expr *args[MAX_DIMS] = {NULL}, *pad = NULL;
	bool sound = may_read_pages(s, span, page->name);
	sound = count_indices(s, &r) && sound; /* both report */
	if (!sound)
		return &s->ck->poison;
	if (ast != NULL && !view_allowed(s, &r))
		return &s->ck->poison;
	for (uint32_t k = 0; k < page->ndim; k++)
		args[k] = check_index(s, &r, k);
	if (ast != NULL && ast->fill != NULL) {
		pad = assign(s, check_expr(s, ast->fill), page->type, "the element that pad stands for");
		if (is_poison(pad))
			return pad;
	}
	p_expr *node = new_node(s, P_READ, page->type, span, page->ndim, args);
	if (is_poison(node) || (pad != NULL && !weigh_also(s, node, pad)))
		return &s->ck->poison;
	node->u.read = (p_read){.page = page, .prev = ast != NULL && ast->prev, .field = -1,
	                        .view = ast == NULL ? VIEW_NONE : views[ast->view], .pad = pad};
	note_read(s, &r, &node->u.read);
	return page->sparse ? check_sparse_read(s, node) : node;
}

static p_expr *read_let(site *s, const ast_expr *e, sym *let)
{
	const ast_read *read = e->u.read;
	if (read->prev || read->view != AST_VIEW_NONE) {
		lang_diag *diag = site_error(s, e->span, "'%s' is a let, and %s takes a page", let->name,
		                             read->prev ? "prev" : "a view");
		lang_note(s->ck->ctx, diag, let->span, "declared here");
		lang_help(s->ck->ctx, diag, "write the %s within the let, or make it an internal page",
		          read->prev ? "prev" : "view");
		return &s->ck->poison;
	}
	return use_let(s, let, e->span, &read->index);
}

/* What stands before the brackets and is no page. */
static p_expr *not_a_page(site *s, const ast_path *path, const char *name, const char *noun, lang_span declared)
{
	lang_diag *diag = site_error(s, path->span, "'%s' is %s %s, not a page", name,
	                             noun[0] == 'i' ? "an" : "a", noun);
	lang_note(s->ck->ctx, diag, declared, "declared here");
	return &s->ck->poison;
}

p_expr *check_read(site *s, ast_expr *e)
{
	const ast_read *read = e->u.read;
	const ast_path *path = read->page;
	const local *l = find_local(s, path->parts.items[0].text);
	uint32_t used;

	if (l != NULL)
		return not_a_page(s, path, l->name, l->value->kind == P_VAR ? "index" : "single value", l->span);
	sym *found = find_path(s, path, &used, 1u << SYM_PAGE | 1u << SYM_LET, "page");
	if (found == NULL || found->state == SYM_BAD)
		return &s->ck->poison;
	if (found->kind != SYM_PAGE && found->kind != SYM_LET)
		return not_a_page(s, path, found->name, sym_noun((sym_kind)found->kind), found->span);
	if (used < path->parts.count && read->index.count > 0) {
		lang_diag *diag = site_error(s, path->span, "the field comes after the index");
		lang_help(s->ck->ctx, diag, "write `%s[...].%s`", found->name, path->parts.items[used].text);
		return &s->ck->poison;
	}
	p_expr *value = found->kind == SYM_PAGE ? read_page(s, found->u.page, e->span, read) : read_let(s, e, found);
	for (; used < path->parts.count; used++)
		value = field_of(s, value, path->parts.items[used]);
	return value;
}
