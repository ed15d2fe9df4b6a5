/* Edges: which page each defines, its indices, its body and what its fix says. */
#include "check.h"

enum { ROUNDS_DEFAULT = 1000 };

/* ---- edges meet their pages ---- */

static void no_such_page(site *s, const ast_decl *decl)
{
	lang_nearest nearest = lang_nearest_to(decl->name.text);
	if (!check_full(s->ck))
		scope_offer(s->scope, &nearest, 1u << SYM_PAGE);
	lang_diag *diag = site_error(s, decl->name.span, "there is no page '%s' for this edge to define", decl->name.text);
	if (nearest.best != NULL)
		lang_help(s->ck->ctx, diag, "did you mean '%s'?", nearest.best);
	else
		lang_help(s->ck->ctx, diag, "declare it: `page %s : TYPE;`", decl->name.text);
}

/* The page that an edge of this scope defines; NULL: reported. */
static page_info *target_of(site *s, const ast_decl *decl)
{
	const sym *found = scope_get(s->scope, decl->name.text);
	lang_diag *diag;
	if (found == NULL) {
		no_such_page(s, decl);
		return NULL;
	}
	if (found->kind == SYM_PAGE && found->state != SYM_DONE)
		return NULL;
	if (found->kind == SYM_PAGE && found->home == s->scope && info_of(found->u.page)->sym == found)
		return info_of(found->u.page);
	if (found->kind != SYM_PAGE)
		diag = site_error(s, decl->name.span, "'%s' is a %s, and an edge defines a page", found->name,
		                  sym_noun((sym_kind)found->kind));
	else if (found->home == s->scope)
		diag = site_error(s, decl->name.span, "the page '%s' is given to the graph: the graph cannot define it",
		                  found->name);
	else
		diag = site_error(s, decl->name.span, "the page '%s' belongs to another module, which defines it", found->name);
	lang_note(s->ck->ctx, diag, found->span, "declared here");
	return NULL;
}

static void attach(checker *ck, scope *sc, const ast_decl *decl)
{
	p_program *program = ck->program;
	site s = site_of(ck, sc);
	page_info *target = target_of(&s, decl);
	edge_info *info = LANG_NEW(ck->ctx, edge_info);

	if (target == NULL || info == NULL)
		return;
	if (target->edge != NULL) {
		lang_diag *diag = site_error(&s, decl->name.span, "the page '%s' has two edges", target->page.name);
		lang_note(ck->ctx, diag, target->edge->edge.span, "the other one");
		lang_help(ck->ctx, diag, "one rule defines a page; join the two with `if` or a reduction");
		return;
	}
	if (!lang_grow(ck->ctx, (void **)&program->edges, program->n_edges, &ck->edge_cap, sizeof *program->edges))
		return;
	info->decl = decl;
	info->scope = sc;
	info->edge.id = program->n_edges;
	info->edge.page = &target->page;
	info->edge.span = decl->name.span;
	target->edge = info;
	target->page.edge = &info->edge;
	program->edges[program->n_edges++] = &info->edge;
}

void attach_edges(checker *ck, scope *sc)
{
	for (uint32_t i = 0; sc->decls != NULL && i < sc->decls->count; i++) {
		const ast_decl *decl = sc->decls->items[i];
		if (decl->kind == AST_EDGE)
			attach(ck, sc, decl);
		if (decl->kind != AST_USE)
			continue;
		const sym *use = scope_get(sc, decl->name.text);
		if (use != NULL && use->decl == decl && use->state == SYM_DONE)
			attach_edges(ck, use->u.space);
	}
}

/* ---- one edge ---- */

static bool bind_indices(site *s, edge_info *info, local *locals)
{
	const ast_names *names = &info->decl->u.edge.index;
	p_page *page = info->edge.page;
	if (names->count != page->ndim) {
		lang_diag *diag = site_error(s, info->edge.span, "the page '%s' has %u dimension%s, and this edge has %u ind%s",
		                             page->name, page->ndim, page->ndim == 1 ? "" : "s", names->count,
		                             names->count == 1 ? "ex" : "ices");
		lang_note(s->ck->ctx, diag, page->span, "declared here");
		return false;
	}
	info->edge.n_vars = names->count;
	for (uint32_t i = 0; i < names->count; i++) {
		ast_name name = names->items[i];
		for (uint32_t k = 0; k < i; k++)
			if (names->items[k].text == name.text)
				lang_help(s->ck->ctx, site_error(s, name.span, "the index '%s' is bound twice", name.text),
				          "each dimension has an index of its own");
		var_info *var = var_new(s->ck, name, size_const(s->ck, 0), page->dims[i]);
		if (var == NULL)
			return false;
		info->edge.vars[i] = &var->var;
		locals[i] = (local){.next = i == 0 ? NULL : &locals[i - 1], .name = name.text,
		                    .value = var_node(s, &var->var, name.span), .span = name.span};
	}
	return true;
}

static const ast_entry *fix_arg(const ast_edge *ast, const char *name)
{
	for (uint32_t i = 0; i < ast->fix_args.count; i++)
		if (ast->fix_args.items[i].name.text == name)
			return &ast->fix_args.items[i];
	return NULL;
}

/* A literal that cannot be meant; what depends on params is looked at when they are bound. */
static void check_fix_literal(site *s, const p_expr *value, const char *name)
{
	if (value->kind != P_CONST || value->type.base != B_SCALAR)
		return;
	bool low = value->type.scalar == T_I64 ? value->u.value.I64 < 1 : !(value->u.value.F64 >= 0);
	if (low)
		site_error(s, value->span, "'%s' of a fix is at least %s", name, value->type.scalar == T_I64 ? "1" : "0");
}

static void check_fix(site *outer, edge_info *info)
{
	const ast_edge *ast = &info->decl->u.edge;
	checker *ck = outer->ck;
	site s = constant_site(ck, info->scope, "an argument of fix");
	const ast_entry *max = fix_arg(ast, lang_intern_str(ck->ctx, "max"));
	const ast_entry *tol = fix_arg(ast, lang_intern_str(ck->ctx, "tol"));
	p_page *page = info->edge.page;

	info->edge.fix = tol != NULL ? FIX_NUMERIC : max != NULL ? FIX_BOUNDED : FIX_EXACT;
	if (max != NULL)
		info->edge.max_rounds = check_as(&s, max->value, scalar_type(T_I64), "the number of rounds");
	else if (tol != NULL)
		info->edge.max_rounds = int_const(&s, ROUNDS_DEFAULT, ast->fix_span);
	if (tol != NULL) {
		info->edge.tol = check_as(&s, tol->value, scalar_type(T_F64), "the tolerance");
		page->is_state = true;
	}
	if (info->edge.max_rounds != NULL)
		check_fix_literal(&s, info->edge.max_rounds, "max");
	if (info->edge.tol != NULL)
		check_fix_literal(&s, info->edge.tol, "tol");
	if (page->type.base == B_RECORD || (tol != NULL && type_table[page->type.scalar].kind != KIND_F)) {
		lang_diag *diag = site_error(outer, ast->fix_span, "%s fixpoint is of %s, not of '%s'",
		                             tol != NULL ? "a numeric" : "a",
		                             tol != NULL ? "f32 or f64" : "numbers, bools or positions",
		                             type_text(ck, &page->type));
		if (tol != NULL && page->type.base != B_RECORD)
			lang_help(ck->ctx, diag, "`fix(max = R)` runs until nothing changes");
	}
}

void check_edge(checker *ck, edge_info *info)
{
	const ast_edge *ast = &info->decl->u.edge;
	uint32_t errors = ck->errors;
	local locals[MAX_DIMS];
	site s = site_of(ck, info->scope);

	ck->told_growth = false;
	s.edge = info;
	s.text = ast->value;
	s.binder = "edge";
	s.bound = &ast->index;
	s.in_fix = ast->is_fix;
	if (!bind_indices(&s, info, locals))
		return;
	s.locals = ast->index.count == 0 ? NULL : &locals[ast->index.count - 1];
	if (ast->is_fix)
		check_fix(&s, info);
	const char *what = lang_sprintf(ck->ctx, "the page '%s'", info->edge.page->name);
	info->edge.body = check_as(&s, ast->value, info->edge.page->type, what == NULL ? "the page" : what);
	ck->total += info->edge.body->weight;
	if (ck->total > CHECK_MAX_TOTAL && !ck->told_size) {
		lang_help(ck->ctx, site_error(&s, info->edge.span, "the program grows too large: more than %d operations with all "
		                              "functions, lets and graphs put in", CHECK_MAX_TOTAL),
		          "let internal pages hold the parts");
		ck->told_size = true;
	}
	info->sound = !is_poison(info->edge.body) && ck->errors == errors;
}

void check_edges(checker *ck)
{
	for (uint32_t i = 0; i < ck->program->n_edges && !ck->ctx->oom; i++)
		check_edge(ck, (edge_info *)ck->program->edges[i]);
}

/* ---- what nothing uses ---- */

void try_unused(checker *ck, scope *sc)
{
	for (uint32_t i = 0; i < sc->own_count && !ck->ctx->oom; i++) {
		sym *own = sc->own[i];
		if (own->kind == SYM_INSTANCE && own->state == SYM_DONE && own->home == sc && own->u.space != NULL)
			try_unused(ck, own->u.space);
		if (own->used)
			continue;
		own->used = true;
		if (own->kind == SYM_FN)
			try_fn(ck, own);
		else if (own->kind == SYM_LET)
			try_let(ck, own);
		else if (own->kind == SYM_GRAPH)
			try_graph(ck, own);
	}
}
