/* The order of checking, and the messages of all its parts. */
#include "check.h"

#include <string.h>

/* ---- messages ---- */

enum { NOTES = 6 };

static void note_trace(checker *ck, lang_diag *diag, const trace *where)
{
	for (int notes = 0; where != NULL && notes < NOTES; where = where->next, notes++) {
		if (where->kind == TRACE_USE)
			lang_note(ck->ctx, diag, where->span, "in this instance of the graph '%s'", where->name);
		else
			lang_note(ck->ctx, diag, where->span, "in the %s '%s', used here",
			          where->kind == TRACE_CALL ? "function" : "let", where->name);
	}
}

lang_diag *check_error(checker *ck, const trace *where, lang_span span, const char *fmt, ...)
{
	va_list args;
	if (ck->names_only && !ck->naming)
		return NULL;
	if (check_full(ck)) {
		ck->errors++;
		return lang_error(ck->ctx, span, "another error");
	}
	va_start(args, fmt);
	const char *message = lang_vsprintf(ck->ctx, fmt, args);
	va_end(args);
	ck->errors++;
	if (message == NULL)
		return NULL;
	lang_diag *diag = lang_error(ck->ctx, span, "%s", message);
	note_trace(ck, diag, where);
	return diag;
}

bool check_full(const checker *ck)
{
	return ck->ctx->error_count >= LANG_MAX_ERRORS;
}

bool check_spend(site *s, uint32_t steps, lang_span span)
{
	checker *ck = s->ck;
	bool enough = ck->steps + (uint64_t)steps <= CHECK_MAX_STEPS && !ck->told_size;
	if (enough) {
		ck->steps += steps;
		return !ck->ctx->oom;
	}
	if (!ck->told_size)
		lang_help(ck->ctx, site_error(s, span, "the program grows too large: more than %d expressions with all functions, "
		                              "lets and graphs put in", CHECK_MAX_STEPS), "let internal pages hold the parts");
	ck->told_size = true;
	return false;
}

const char *check_chain(checker *ck, const sym *what)
{
	enum { SHOWN = 12 };
	uint32_t first = 0;
	while (first < ck->active_count && ck->active[first] != what)
		first++;
	const char *text = "";
	for (uint32_t i = first; i < ck->active_count; i++) {
		if (i - first == SHOWN && ck->active_count - i > 1) {
			text = lang_sprintf(ck->ctx, "%s... -> ", text);
			i = ck->active_count - 1;
		}
		if (text != NULL)
			text = lang_sprintf(ck->ctx, "%s%s -> ", text, ck->active[i]->name);
		if (text == NULL)
			return what->name;
	}
	text = lang_sprintf(ck->ctx, "%s%s", text, what->name);
	return text == NULL ? what->name : text;
}

bool check_enter(checker *ck, sym *what)
{
	if (!lang_grow(ck->ctx, (void **)&ck->active, ck->active_count, &ck->active_cap, sizeof *ck->active))
		return false;
	ck->active[ck->active_count++] = what;
	return true;
}

void check_leave(checker *ck)
{
	ck->active_count--;
}

bool check_active(const checker *ck, const sym *what)
{
	for (uint32_t i = 0; i < ck->active_count; i++)
		if (ck->active[i] == what)
			return true;
	return false;
}

const char *check_source(checker *ck, lang_span span)
{
	enum { SHOWN = 40 };
	size_t length = 0;
	const char *text = lang_span_text(ck->ctx, span, &length);
	if (text == NULL || length == 0)
		return "...";
	if (length > SHOWN || memchr(text, '\n', length) != NULL)
		return "...";
	const char *copy = lang_strndup(ck->ctx, text, length);
	return copy == NULL ? "..." : copy;
}

/* ---- modules ---- */

static uint32_t module_number(const lang_program *loaded, const lang_module *module)
{
	for (uint32_t i = 0; i < loaded->count; i++)
		if (loaded->modules[i] == module)
			return i;
	return 0;
}

/* What the names of a module's pages and params begin with: nothing when somebody imports it unqualified along
 * the way from the main file, else the first alias. Importers stand after what they import, so the walk is backwards. */
static bool name_modules(checker *ck, const lang_program *loaded)
{
	for (uint32_t i = loaded->count; i-- > 0;) {
		scope *sc = ck->modules[i];
		if (sc->prefix == NULL)
			sc->prefix = "";
		const lang_module *module = loaded->modules[i];
		for (uint32_t k = 0; k < module->import_count; k++) {
			const ast_import *import = &module->imports[k].decl->u.import;
			scope *to = ck->modules[module_number(loaded, module->imports[k].module)];
			const char *prefix = sc->prefix;
			if (import->alias.text != NULL)
				prefix = lang_sprintf(ck->ctx, "%s%s.", sc->prefix, import->alias.text);
			if (prefix == NULL)
				return false;
			if (to->prefix == NULL || strlen(prefix) < strlen(to->prefix))
				to->prefix = prefix;
		}
	}
	return true;
}

static bool declare_module(checker *ck, const lang_program *loaded, uint32_t number)
{
	const lang_module *module = loaded->modules[number];
	scope *sc = ck->modules[number];

	sc->decls = &module->file->decls;
	for (uint32_t k = 0; k < module->import_count; k++) {
		const ast_decl *decl = module->imports[k].decl;
		scope *from = ck->modules[module_number(loaded, module->imports[k].module)];
		if (decl->u.import.alias.text == NULL) {
			scope_import(ck, sc, from, decl->u.import.what);
			continue;
		}
		sym *alias = scope_add(ck, sc, SYM_MODULE, decl->u.import.alias, decl);
		if (alias != NULL) {
			alias->u.space = from;
			alias->state = SYM_DONE;
		}
	}
	declare_all(ck, sc, sc->decls);
	return !ck->ctx->oom;
}

/* ---- the program's lists ---- */

/* Pages get their numbers in the order of the text, those of an instance at its `use`. */
static void collect_pages(checker *ck, const scope *sc)
{
	p_program *program = ck->program;
	for (uint32_t i = 0; i < sc->own_count; i++) {
		const sym *own = sc->own[i];
		if (own->kind == SYM_INSTANCE && own->state == SYM_DONE && own->u.space != NULL)
			collect_pages(ck, own->u.space);
		if (own->kind != SYM_PAGE || own->state != SYM_DONE || info_of(own->u.page)->sym != own)
			continue; /* or a page that was given to the graph: it stands elsewhere */
		if (!lang_grow(ck->ctx, (void **)&program->pages, program->n_pages, &ck->page_cap,
		               sizeof *program->pages))
			return;
		own->u.page->id = program->n_pages;
		program->pages[program->n_pages++] = own->u.page;
	}
}

/* Deltas and -D name pages and params by one text each; two modules that do not see each other may have chosen the same. */
static void check_program_names(checker *ck)
{
	const p_program *program = ck->program;
	scope *all = ck->errors > 0 ? NULL : scope_new(ck, NULL, "");
	for (uint32_t i = 0; all != NULL && i < program->n_pages + program->n_params; i++) {
		bool page = i < program->n_pages;
		const p_page *p = page ? program->pages[i] : NULL;
		const p_param *param = page ? NULL : program->params[i - program->n_pages];
		ast_name name = {lang_intern_str(ck->ctx, page ? p->name : param->name), page ? p->span : param->span};
		const sym *other = name.text == NULL ? NULL : scope_get(all, name.text);
		if (other != NULL) {
			lang_diag *diag = check_error(ck, NULL, name.span, "two modules declare '%s', and the program has one name for it",
			                              name.text);
			lang_note(ck->ctx, diag, other->span, "the other one");
			lang_help(ck->ctx, diag, "import one of the modules with `as`");
		} else if (name.text != NULL) {
			scope_add(ck, all, page ? SYM_PAGE : SYM_PARAM, name, NULL);
		}
	}
}

static void check_all_attrs(checker *ck)
{
	for (uint32_t i = 0; i < ck->program->n_pages; i++)
		check_attrs(ck, info_of(ck->program->pages[i]));
}

/* classify.c and fix.c know nothing of instances: what they report gets its notes here. */
static void finish_edge(checker *ck, edge_info *info)
{
	const lang_diag *known[2 * LANG_MAX_ERRORS];
	uint32_t count = 0;
	for (const lang_diag *diag = ck->ctx->diags; diag != NULL && count < 2 * LANG_MAX_ERRORS; diag = diag->next)
		known[count++] = diag;
	lang_classify_edge(ck->ctx, &info->edge);
	if (info->edge.fix != FIX_NONE && !lang_fix_edge(ck->ctx, ck->program, &info->edge))
		ck->errors++;
	for (lang_diag *diag = ck->ctx->diags; diag != NULL; diag = diag->next) {
		uint32_t i = 0;
		while (i < count && known[i] != diag)
			i++;
		if (i == count)
			note_trace(ck, diag, info->scope->trace);
	}
}

/* An unsound edge is left out: messages about it would only confuse. */
static void finish_edges(checker *ck)
{
	for (uint32_t i = 0; i < ck->program->n_edges && !ck->ctx->oom; i++) {
		edge_info *info = (edge_info *)ck->program->edges[i];
		if (info->sound)
			finish_edge(ck, info);
	}
	for (uint32_t i = 0; i < ck->program->n_pages; i++)
		check_lazy(ck, info_of(ck->program->pages[i]));
}

static bool begin(checker *ck, const lang_program *loaded)
{
	ck->program = LANG_NEW(ck->ctx, p_program);
	ck->modules = LANG_NEW_ARRAY(ck->ctx, scope *, loaded->count);
	if (ck->program == NULL || ck->modules == NULL)
		return false;
	ck->program->ctx = ck->ctx;
	ck->module_count = loaded->count;
	ck->poison.kind = P_CONST;
	ck->poison.type = scalar_type(POISON);
	ck->poison.depth = 1;
	ck->poison.weight = 1;
	ck->poison.span = lang_no_span();
	for (int op = 0; op < AST_BINARY_COUNT; op++)
		ck->binary_op[op] = (uint8_t)op_find(ast_binary_text((ast_binary_op)op), FORM_INFIX, 2);
	for (uint32_t i = 0; i < loaded->count; i++)
		if ((ck->modules[i] = scope_new(ck, NULL, NULL)) == NULL)
			return false;
	return size_init(ck) && name_modules(ck, loaded);
}

p_program *lang_check(lang_ctx *ctx, const struct lang_program *loaded)
{
	checker *ck = LANG_NEW(ctx, checker);
	if (ck == NULL)
		return NULL;
	ck->ctx = ctx;
	if (!begin(ck, loaded))
		return NULL;
	for (uint32_t i = 0; i < loaded->count; i++)
		if (!declare_module(ck, loaded, i))
			return NULL;
	for (uint32_t i = 0; i < loaded->count; i++)
		for (uint32_t k = 0; k < ck->modules[i]->own_count; k++)
			resolve(ck, ck->modules[i]->own[k]);
	for (uint32_t i = 0; i < loaded->count; i++)
		collect_pages(ck, ck->modules[i]);
	check_program_names(ck);
	for (uint32_t i = 0; i < loaded->count; i++)
		attach_edges(ck, ck->modules[i]);
	check_all_attrs(ck);
	check_edges(ck);
	for (uint32_t i = 0; i < loaded->count; i++)
		try_unused(ck, ck->modules[i]);
	order_edges(ck);
	finish_edges(ck);
	return lang_failed(ctx) || ck->errors > 0 ? NULL : ck->program;
}
