/* `use`: a graph's text checked once more, in a scope of its own, with its header bound to the arguments. */
#include "check.h"

#include <string.h>

/* An instance while its header is bound. */
typedef struct binding {
	site *use;               /* where the arguments stand */
	site in;                 /* the instance's own scope */
	const sym *what;
	const sym *graph;
	bool sound;
} binding;

static const ast_graph *graph_of(const binding *b)
{
	return &b->graph->decl->u.graph;
}

static const ast_entry *argument(const binding *b, const char *name)
{
	const ast_entries *args = &b->what->decl->u.use.args;
	for (uint32_t i = 0; i < args->count; i++)
		if (args->items[i].name.text == name)
			return &args->items[i];
	return NULL;
}

/* ---- the arguments' names ---- */

static const char *header_names(const binding *b)
{
	const ast_fields *params = &graph_of(b)->params;
	const char *text = "";
	for (uint32_t i = 0; i < params->count && text != NULL; i++)
		text = lang_sprintf(b->use->ck->ctx, "%s%s'%s'", text, i == 0 ? "" : ", ", params->items[i].name.text);
	return text == NULL ? "" : text;
}

static void check_names(binding *b)
{
	const ast_entries *args = &b->what->decl->u.use.args;
	const ast_fields *params = &graph_of(b)->params;
	lang_ctx *ctx = b->use->ck->ctx;
	for (uint32_t i = 0; i < args->count; i++) {
		lang_nearest nearest = lang_nearest_to(args->items[i].name.text);
		bool found = false;
		for (uint32_t k = 0; k < params->count; k++) {
			found = found || params->items[k].name.text == args->items[i].name.text;
			lang_nearest_offer(&nearest, params->items[k].name.text);
		}
		if (found && argument(b, args->items[i].name.text) == &args->items[i])
			continue;
		b->sound = false;
		if (found) {
			site_error(b->use, args->items[i].name.span, "the argument '%s' is given twice", args->items[i].name.text);
			continue;
		}
		lang_diag *diag = site_error(b->use, args->items[i].name.span, "the graph '%s' has no parameter '%s'",
		                             b->graph->name, args->items[i].name.text);
		if (nearest.best != NULL)
			lang_help(ctx, diag, "did you mean '%s'?", nearest.best);
		else
			lang_help(ctx, diag, "it has %s", header_names(b));
	}
	for (uint32_t k = 0; k < params->count; k++)
		if (params->items[k].type != NULL && argument(b, params->items[k].name.text) == NULL) {
			lang_diag *diag = site_error(b->use, b->what->decl->u.use.graph->span, "the graph '%s' needs an argument '%s'",
			                             b->graph->name, params->items[k].name.text);
			lang_note(ctx, diag, params->items[k].span, "declared here");
			b->sound = false;
		}
}

/* ---- sizes ---- */

/* Gives the header's size of that name its value, if nothing has yet. */
static void bind_size(binding *b, ast_name name, const p_size *size)
{
	sym *known = scope_get(b->in.scope, name.text);
	if (known != NULL || size == NULL)
		return;
	sym *made = scope_add(b->in.ck, b->in.scope, SYM_SIZE, name, NULL);
	if (made == NULL)
		return;
	made->u.size = size;
	made->state = SYM_DONE;
}

static bool is_bare_name(const ast_expr *e)
{
	return e != NULL && e->kind == AST_NAME && e->u.name->parts.count == 1;
}

static void bind_given_sizes(binding *b)
{
	const ast_fields *params = &graph_of(b)->params;
	for (uint32_t i = 0; i < params->count; i++) {
		const ast_entry *arg = argument(b, params->items[i].name.text);
		if (params->items[i].type != NULL || arg == NULL)
			continue;
		const p_size *size = size_of(b->use, arg->value);
		b->sound = b->sound && size != NULL;
		bind_size(b, params->items[i].name, size);
	}
}

/* A bare name in a header's type takes the size that stands there in the argument. */
static void bind_sizes_from(binding *b, const ast_type *type, const p_page *page)
{
	if (type->kind == AST_TYPE_INDEX && is_bare_name(type->extent) && page->type.base == B_INDEX)
		bind_size(b, type->extent->u.name->parts.items[0], page->type.dim);
	for (uint32_t k = 0; k < type->dims.count && k < page->ndim; k++)
		if (is_bare_name(type->dims.items[k]))
			bind_size(b, type->dims.items[k]->u.name->parts.items[0], page->dims[k]);
}

/* ---- pages and values ---- */

/* The page an argument names; NULL: it is no name of a page. */
static p_page *page_argument(binding *b, const ast_expr *e, bool *failed)
{
	const unsigned kinds = 1u << SYM_PAGE | 1u << SYM_PARAM | 1u << SYM_SIZE | 1u << SYM_VALUE;
	uint32_t used;
	*failed = false;
	if (e->kind != AST_NAME)
		return NULL;
	sym *found = find_path(b->use, e->u.name, &used, kinds, "page");
	*failed = found == NULL || found->state == SYM_BAD;
	return !*failed && found->kind == SYM_PAGE && used == e->u.name->parts.count ? found->u.page : NULL;
}

/* The declared type against the page: element, shape and sparseness must be the same, for the page is no copy. */
static void check_page(binding *b, const ast_field *param, const ast_entry *arg, p_page *page)
{
	checker *ck = b->in.ck;
	const p_size *dims[MAX_DIMS];
	uint32_t ndim;
	p_type type;
	lang_diag *diag = NULL;
	bool typed = record_type(&b->in, param->type, &type);
	if (!shape_of(&b->in, param->type, dims, &ndim) || !typed) {
		b->sound = false;
		return;
	}
	if (param->type->sparse != page->sparse)
		diag = site_error(b->use, arg->span, "'%s' is %s, and the graph's '%s' is %s", page->name,
		                  page->sparse ? "sparse" : "dense", param->name.text, page->sparse ? "dense" : "sparse");
	else if (!same_type(&type, &page->type))
		diag = site_error(b->use, arg->span, "'%s' is of '%s', and the graph's '%s' is of '%s'", page->name,
		                  type_text(ck, &page->type), param->name.text, type_text(ck, &type));
	else if (ndim != page->ndim)
		diag = site_error(b->use, arg->span, "'%s' has %u dimension%s, and the graph's '%s' has %u", page->name, page->ndim,
		                  page->ndim == 1 ? "" : "s", param->name.text, ndim);
	for (uint32_t k = 0; diag == NULL && k < ndim; k++)
		if (dims[k] != page->dims[k])
			diag = site_error(b->use, arg->span, "dimension %u of '%s' is '%s', and that of the graph's '%s' is '%s' here",
			                  k + 1, page->name, p_size_text(ck->ctx, page->dims[k]), param->name.text,
			                  p_size_text(ck->ctx, dims[k]));
	if (diag == NULL) {
		sym *made = scope_add(ck, b->in.scope, SYM_PAGE, param->name, NULL);
		if (made != NULL) {
			made->u.page = page;
			made->state = SYM_DONE;
		}
		return;
	}
	lang_note(ck->ctx, diag, param->span, "declared here");
	b->sound = false;
}

static void check_number(binding *b, const ast_field *param, const ast_entry *arg)
{
	checker *ck = b->in.ck;
	p_type type;
	if (param->type->has_dims || param->type->sparse) {
		lang_diag *diag = site_error(b->use, arg->value->span, "the argument '%s' is a page", param->name.text);
		lang_note(ck->ctx, diag, param->span, "declared here");
		lang_help(ck->ctx, diag, "give the name of a page; an expression becomes one with `page` and `edge`");
		b->sound = false;
		return;
	}
	site s = *b->use;
	s.what = "an argument of a graph";
	s.text = arg->value;
	const char *what = lang_sprintf(ck->ctx, "the argument '%s'", param->name.text);
	p_expr *value = check_expr(&s, arg->value);
	if (!record_type(&b->in, param->type, &type) || is_poison(value)) {
		b->sound = false;
		return;
	}
	value = assign(&s, value, type, what == NULL ? "the argument" : what);
	sym *made = is_poison(value) ? NULL : scope_add(ck, b->in.scope, SYM_VALUE, param->name, NULL);
	if (made == NULL) {
		b->sound = false;
		return;
	}
	made->u.value = value;
	made->state = SYM_DONE;
}

static void bind_arguments(binding *b)
{
	const ast_fields *params = &graph_of(b)->params;
	p_page **pages = LANG_NEW_ARRAY(b->in.ck->ctx, p_page *, params->count + 1);
	bool failed;
	if (pages == NULL) {
		b->sound = false;
		return;
	}
	bind_given_sizes(b);
	for (uint32_t i = 0; i < params->count; i++) {
		const ast_entry *arg = argument(b, params->items[i].name.text);
		if (params->items[i].type == NULL || arg == NULL)
			continue;
		pages[i] = page_argument(b, arg->value, &failed);
		b->sound = b->sound && !failed;
		if (pages[i] != NULL)
			bind_sizes_from(b, params->items[i].type, pages[i]);
	}
	if (!b->sound)
		return;
	for (uint32_t i = 0; i < params->count; i++) {
		const ast_entry *arg = argument(b, params->items[i].name.text);
		if (params->items[i].type == NULL && scope_get(b->in.scope, params->items[i].name.text) == NULL) {
			lang_diag *diag = site_error(b->use, b->what->decl->u.use.graph->span,
			                             "no argument tells the size '%s' of the graph '%s'",
			                             params->items[i].name.text, b->graph->name);
			lang_help(b->in.ck->ctx, diag, "write `%s = ...`", params->items[i].name.text);
			b->sound = false;
		} else if (params->items[i].type != NULL && pages[i] != NULL) {
			check_page(b, &params->items[i], arg, pages[i]);
		} else if (params->items[i].type != NULL) {
			check_number(b, &params->items[i], arg);
		}
	}
}

/* ---- results ---- */

static const ast_decl *body_page(const binding *b, const char *name)
{
	const ast_decls *body = &graph_of(b)->body;
	for (uint32_t i = 0; i < body->count; i++)
		if (body->items[i]->kind == AST_PAGE && body->items[i]->name.text == name)
			return body->items[i];
	return NULL;
}

static void declare_results(binding *b)
{
	const ast_fields *results = &graph_of(b)->results;
	for (uint32_t i = 0; i < results->count; i++) {
		const ast_field *result = &results->items[i];
		if (body_page(b, result->name.text) != NULL)
			continue;
		sym *made = scope_add(b->in.ck, b->in.scope, SYM_PAGE, result->name, NULL);
		if (made == NULL)
			continue;
		page_info *info = page_new(b->in.ck, made, NULL);
		made->result = true;
		made->state = SYM_BAD;
		if (info == NULL)
			continue;
		bool typed = record_type(&b->in, result->type, &info->page.type);
		if (!shape_of(&b->in, result->type, info->page.dims, &info->page.ndim) || !typed)
			continue;
		info->page.sparse = result->type->sparse;
		made->u.page = &info->page;
		made->state = SYM_DONE;
	}
}

/* A result that the body declares has the header's type. */
static void check_results(binding *b)
{
	const ast_fields *results = &graph_of(b)->results;
	for (uint32_t i = 0; i < results->count; i++) {
		const ast_field *result = &results->items[i];
		const ast_decl *decl = body_page(b, result->name.text);
		sym *made = scope_get(b->in.scope, result->name.text);
		const p_size *dims[MAX_DIMS];
		uint32_t ndim;
		p_type type;
		if (decl == NULL || made == NULL || made->kind != SYM_PAGE)
			continue;
		made->result = true;
		resolve(b->in.ck, made);
		if (made->state != SYM_DONE || !record_type(&b->in, result->type, &type) ||
		    !shape_of(&b->in, result->type, dims, &ndim))
			continue;
		const p_page *page = made->u.page;
		bool same = same_type(&type, &page->type) && ndim == page->ndim && page->sparse == result->type->sparse;
		for (uint32_t k = 0; same && k < ndim; k++)
			same = dims[k] == page->dims[k];
		if (same)
			continue;
		lang_diag *diag = site_error(&b->in, decl->name.span, "the result '%s' has another type here than in the graph's header",
		                             result->name.text);
		lang_note(b->in.ck->ctx, diag, result->span, "the header");
	}
}

/* ---- the instance ---- */

static bool may_instantiate(site *s, sym *graph, const sym *what)
{
	checker *ck = s->ck;
	lang_span span = what->decl->u.use.graph->span;
	if (check_active(ck, graph)) {
		lang_diag *diag = site_error(s, span, "the graph '%s' uses itself: %s", graph->name, check_chain(ck, graph));
		lang_note(ck->ctx, diag, graph->span, "declared here");
		return false;
	}
	if (what->home->depth >= CHECK_MAX_GRAPH_DEPTH) {
		site_error(s, span, "graphs are nested more than %d deep here", CHECK_MAX_GRAPH_DEPTH);
		return false;
	}
	if (ck->instances >= CHECK_MAX_INSTANCES) {
		if (!ck->told_size)
			site_error(s, span, "the program has more than %d instances of graphs", CHECK_MAX_INSTANCES);
		ck->told_size = true;
		return false;
	}
	ck->instances++;
	return true;
}

static sym *find_graph(site *s, const ast_use *use)
{
	uint32_t used;
	sym *found = find_path(s, use->graph, &used, 1u << SYM_GRAPH, "graph");
	if (found == NULL || found->state == SYM_BAD)
		return NULL;
	if (found->kind == SYM_GRAPH && used == use->graph->parts.count)
		return found;
	lang_diag *diag = site_error(s, use->graph->span, "'%s' is a %s, not a graph", found->name,
	                             sym_noun((sym_kind)found->kind));
	lang_note(s->ck->ctx, diag, found->span, "declared here");
	if (found->kind == SYM_FN)
		lang_help(s->ck->ctx, diag, "a function is called where its value is used");
	return NULL;
}

static scope *instance_scope(checker *ck, const sym *what, const sym *graph)
{
	const char *prefix = lang_sprintf(ck->ctx, "%s%s.", what->home->prefix, what->name);
	scope *sc = scope_new(ck, graph->home, prefix);
	trace *way = LANG_NEW(ck->ctx, trace);
	if (sc == NULL || way == NULL || prefix == NULL)
		return NULL;
	*way = (trace){what->home->trace, what->decl->u.use.graph->span, graph->name, TRACE_USE};
	sc->trace = way;
	sc->graph = graph->decl;
	sc->decls = &graph->decl->u.graph.body;
	sc->depth = what->home->depth + 1;
	return sc;
}

void resolve_instance(checker *ck, sym *what)
{
	site use = site_of(ck, what->home);
	sym *graph = find_graph(&use, &what->decl->u.use);
	scope *sc = graph == NULL ? NULL : instance_scope(ck, what, graph);

	what->state = SYM_BAD;
	if (sc == NULL || !may_instantiate(&use, graph, what))
		return;
	what->state = SYM_BUSY;
	binding b = {.use = &use, .in = site_of(ck, sc), .what = what, .graph = graph, .sound = true};
	check_names(&b);
	if (b.sound)
		bind_arguments(&b); /* which may be pages of other instances of this very graph */
	if (!b.sound || !check_enter(ck, graph)) {
		what->state = SYM_BAD;
		return;
	}
	declare_results(&b);
	declare_all(ck, sc, sc->decls);
	check_results(&b);
	what->u.space = sc;
	what->state = SYM_DONE;
	for (uint32_t i = 0; i < sc->own_count; i++)
		resolve(ck, sc->own[i]);
	check_leave(ck);
}

/* ---- a graph that nothing uses ---- */

/* A size that stands for any. It is in no program; its number only orders the factors of a product. */
static void any_size(binding *b, ast_name name)
{
	p_param *param = LANG_NEW(b->in.ck->ctx, p_param);
	if (param == NULL)
		return;
	*param = (p_param){UINT32_MAX - b->in.scope->own_count, name.text, true, scalar_type(T_I64), NULL, name.span};
	bind_size(b, name, size_param(b->in.ck, param));
}

static void any_sizes(binding *b, const ast_type *type)
{
	if (type->kind == AST_TYPE_INDEX && is_bare_name(type->extent))
		any_size(b, type->extent->u.name->parts.items[0]);
	for (uint32_t k = 0; k < type->dims.count; k++)
		if (is_bare_name(type->dims.items[k]))
			any_size(b, type->dims.items[k]->u.name->parts.items[0]);
}

static void any_argument(binding *b, const ast_field *param)
{
	checker *ck = b->in.ck;
	bool page = param->type->has_dims || param->type->sparse;
	sym *made = scope_add(ck, b->in.scope, page ? SYM_PAGE : SYM_VALUE, param->name, NULL);
	if (made == NULL)
		return;
	made->state = SYM_DONE;
	made->u.value = &ck->poison;
	if (!page)
		return;
	page_info *info = page_new(ck, made, NULL);
	made->state = SYM_BAD;
	if (info == NULL || !record_type(&b->in, param->type, &info->page.type) ||
	    !shape_of(&b->in, param->type, info->page.dims, &info->page.ndim))
		return;
	info->page.sparse = param->type->sparse;
	info->page.role = ROLE_IN;
	made->u.page = &info->page;
	made->state = SYM_DONE;
}

static void try_body(binding *b)
{
	checker *ck = b->in.ck;
	scope *sc = b->in.scope;
	const ast_fields *params = &graph_of(b)->params;
	for (uint32_t i = 0; i < params->count; i++) {
		if (params->items[i].type == NULL)
			any_size(b, params->items[i].name);
		else
			any_sizes(b, params->items[i].type);
	}
	for (uint32_t i = 0; i < params->count; i++)
		if (params->items[i].type != NULL)
			any_argument(b, &params->items[i]);
	declare_results(b);
	declare_all(ck, sc, sc->decls);
	check_results(b);
	for (uint32_t i = 0; i < sc->own_count; i++)
		resolve(ck, sc->own[i]);
	attach_edges(ck, sc);
	for (uint32_t i = 0; i < ck->program->n_edges; i++)
		check_edge(ck, (edge_info *)ck->program->edges[i]);
	try_unused(ck, sc);
}

/* Looks at the names in it, in a program of its own that is then forgotten. */
void try_graph(checker *ck, sym *graph)
{
	p_program *real = ck->program;
	checker kept = *ck;
	p_program dry = {.ctx = real->ctx, .n_sizes = real->n_sizes, .sizes = real->sizes, .n_params = real->n_params,
	                 .params = real->params};
	site use = site_of(ck, graph->home);
	scope *sc = scope_new(ck, graph->home, "");
	if (sc == NULL || !check_enter(ck, graph))
		return;
	sc->graph = graph->decl;
	sc->decls = &graph->decl->u.graph.body;
	binding b = {.use = &use, .in = site_of(ck, sc), .what = graph, .graph = graph, .sound = true};
	ck->program = &dry;
	ck->page_cap = ck->edge_cap = ck->record_cap = ck->size_cap = 0;
	ck->names_only = true;
	try_body(&b);
	check_leave(ck);
	uint32_t errors = ck->errors, steps = ck->steps;
	bool told = ck->told_size;
	*ck = kept;
	ck->errors = errors;
	ck->steps = steps;
	ck->told_size = told;
}
