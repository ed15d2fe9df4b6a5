/* Declarations in canonical form, with the comments and blank lines between them. */
#include "format.h"

#include "format_expr.h"

#include <string.h>

enum { PAD_MAX = 18 };               /* wider heads are not lined up with others */

/* ---- lines, comments and blank lines between declarations ---- */

static void put(formatter *f, const char *text)
{
	lang_text_put(&f->out, text, strlen(text));
}

static void put_blanks(formatter *f, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		put(f, " ");
}

/* A blank line of the source between what was printed last and `begin`. */
static bool blank_before(const formatter *f, uint32_t begin)
{
	const char *text = f->file->source->text;
	uint32_t newlines = 0;
	for (uint32_t i = f->last_end; i < begin; i++)
		newlines += text[i] == '\n';
	return newlines > 1;
}

/* Ends the line at work and begins one for something that stands at `begin` in the source. `first` of its block: no
 * blank line before it. */
static void begin_line(formatter *f, uint32_t begin, uint32_t indent, bool first)
{
	if (f->line_has_text)
		put(f, "\n");
	if (!first && blank_before(f, begin))
		put(f, "\n");
	put_blanks(f, indent);
	f->line_has_text = true;
	f->line_is_closed = false;
	f->line_has_comment = false;
}

/* The comments before `position` (all of them that begin before it), each on its own line or behind what stands on the
 * line already. `*first` as for begin_line; false when something was printed. */
static void put_comments(formatter *f, uint32_t position, uint32_t indent, bool *first)
{
	const ast_comments *comments = &f->file->comments;
	while (f->next < comments->count && comments->items[f->next].span.begin < position) {
		const ast_comment *comment = &comments->items[f->next++];
		size_t length;
		const char *text = lang_span_text(f->ctx, comment->span, &length);
		if (comment->own_line || !f->line_has_text || f->line_is_closed) {
			begin_line(f, comment->span.begin, indent, *first);
			*first = false;
		} else if (f->line_has_comment) {
			put(f, " ");
		} else {
			lang_text_put(&f->out, "", 1);
		}
		doc_put_comment(&f->out, text, length);
		f->line_is_closed = !comment->block;
		f->last_end = comment->span.end > f->last_end ? comment->span.end : f->last_end;
		f->line_has_comment = true;
	}
}

/* ---- declarations as documents ---- */

static void put_field(formatter *f, const ast_field *field)
{
	format_name(f, field->name);
	if (field->type != NULL) {
		doc_text(&f->d, " : ");
		format_type(f, field->type);
	}
}

static void put_fields(formatter *f, ast_fields list)
{
	doc_text(&f->d, "(");
	doc_open(&f->d, FORMAT_INDENT);
	for (uint32_t i = 0; i < list.count; i++) {
		if (i > 0)
			doc_text(&f->d, ",");
		if (i > 0)
			doc_line(&f->d);
		else
			doc_soft(&f->d);
		put_field(f, &list.items[i]);
	}
	doc_close(&f->d);
	doc_text(&f->d, ")");
}

static void put_entry(formatter *f, const ast_entry *entry)
{
	format_name(f, entry->name);
	doc_text(&f->d, " = ");
	format_expr(f, entry->value);
}

static void put_entries(formatter *f, ast_entries list)
{
	doc_text(&f->d, "(");
	doc_open(&f->d, FORMAT_INDENT);
	for (uint32_t i = 0; i < list.count; i++) {
		if (i > 0)
			doc_text(&f->d, ",");
		if (i > 0)
			doc_line(&f->d);
		else
			doc_soft(&f->d);
		put_entry(f, &list.items[i]);
	}
	doc_close(&f->d);
	doc_text(&f->d, ")");
}

static void put_maybe_type(formatter *f, const ast_type *type)
{
	if (type != NULL) {
		doc_text(&f->d, " : ");
		format_type(f, type);
	}
}

static bool newline_between(const formatter *f, uint32_t from, uint32_t to)
{
	return from < to && memchr(f->file->source->text + from, '\n', to - from) != NULL;
}

/* Braces around parts. They stay on several lines when the source has them so: `from` is the end of the name. */
static void open_block(formatter *f, uint32_t from, uint32_t to)
{
	doc_text(&f->d, "{");
	doc_open(&f->d, FORMAT_INDENT);
	if (newline_between(f, from, to))
		doc_force(&f->d);
}

static void close_block(formatter *f, const ast_decl *decl)
{
	format_comments(f, decl->span.end - 1);
	doc_line_out(&f->d, FORMAT_INDENT);
	doc_text(&f->d, "}");
	doc_close(&f->d);
}

static void put_record(formatter *f, const ast_decl *decl)
{
	ast_fields list = decl->u.record;
	uint32_t widest = 0;
	for (uint32_t i = 0; i < list.count; i++) {
		uint32_t width = (uint32_t)strlen(list.items[i].name.text);
		widest = width <= PAD_MAX && width > widest ? width : widest;
	}
	for (uint32_t i = 0; i < list.count; i++) {
		const ast_field *field = &list.items[i];
		uint32_t width = (uint32_t)strlen(field->name.text);
		doc_line(&f->d);
		format_name(f, field->name);
		doc_pad(&f->d, width < widest ? widest - width : 0);
		doc_text(&f->d, " : ");
		format_type(f, field->type);
		doc_text(&f->d, ";");
	}
}

static void put_block_entries(formatter *f, ast_entries list, const char *word)
{
	for (uint32_t i = 0; i < list.count; i++) {
		doc_line(&f->d);
		format_token(f, list.items[i].span, word);
		put_entry(f, &list.items[i]);
		doc_text(&f->d, ";");
	}
}

static void put_fn(formatter *f, const ast_decl *decl)
{
	const ast_fn *fn = &decl->u.fn;
	put_fields(f, fn->params);
	put_maybe_type(f, fn->result);
	if (!fn->block) {
		doc_text(&f->d, " = ");
		format_expr(f, fn->value);
		doc_text(&f->d, ";");
		return;
	}
	doc_text(&f->d, " ");
	uint32_t first = fn->lets.count > 0 ? fn->lets.items[0].span.begin : fn->value->span.begin;
	uint32_t head = fn->params.count > 0 ? fn->params.items[fn->params.count - 1].span.end : decl->name.span.end;
	open_block(f, fn->result != NULL ? fn->result->span.end : head, first);
	put_block_entries(f, fn->lets, "let ");
	doc_line(&f->d);
	format_expr(f, fn->value);
	close_block(f, decl);
}

static void put_page(formatter *f, const ast_page *page)
{
	static const char *const roles[] = {"", "in", "out"};
	doc_text(&f->d, " : ");
	doc_open(&f->d, FORMAT_INDENT);
	format_type(f, page->type);
	if (page->role != AST_ROLE_NONE) {
		doc_line(&f->d);
		format_token(f, page->role_span, roles[page->role]);
	}
	for (uint32_t i = 0; i < page->attrs.count; i++) {
		const ast_attr *attr = &page->attrs.items[i];
		doc_line(&f->d);
		format_token(f, attr->span, ast_attr_text(attr->kind));
		if (attr->init != NULL || attr->like != NULL)
			doc_text(&f->d, " ");
		if (attr->init != NULL)
			format_expr(f, attr->init);
		if (attr->like != NULL)
			format_path(f, attr->like);
		if (attr->args.count > 0) {
			doc_text(&f->d, "(");
			format_exprs(f, attr->args);
			doc_text(&f->d, ")");
		}
	}
	doc_close(&f->d);
	doc_text(&f->d, ";");
}

static void put_indices(formatter *f, ast_names index)
{
	if (index.count == 0)
		return;
	doc_text(&f->d, "[");
	doc_open(&f->d, FORMAT_INDENT);
	format_names(f, index);
	doc_close(&f->d);
	doc_text(&f->d, "]");
}

static void put_edge(formatter *f, const ast_edge *edge)
{
	doc_text(&f->d, " <- ");
	if (edge->is_fix) {
		format_token(f, edge->fix_span, "fix");
		if (edge->fix_args.count > 0)
			put_entries(f, edge->fix_args);
		doc_text(&f->d, " ");
	}
	format_expr(f, edge->value);
	doc_text(&f->d, ";");
}

static void put_import(formatter *f, const ast_import *import)
{
	if (import->module != NULL) {
		format_token(f, import->what, import->module);
	} else {
		format_token(f, import->what, "\"");
		doc_text(&f->d, import->path);
		doc_text(&f->d, "\"");
	}
	if (import->alias.text != NULL) {
		doc_text(&f->d, " as ");
		format_name(f, import->alias);
	}
	doc_text(&f->d, ";");
}

static void put_semiring(formatter *f, const ast_decl *decl)
{
	ast_entries entries = decl->u.semiring.entries;
	put_maybe_type(f, decl->u.semiring.type);
	doc_text(&f->d, " ");
	open_block(f, decl->u.semiring.type != NULL ? decl->u.semiring.type->span.end : decl->name.span.end,
	           entries.count > 0 ? entries.items[0].span.begin : 0);
	put_block_entries(f, entries, "");
	close_block(f, decl);
}

static void put_graph_head(formatter *f, const ast_graph *graph)
{
	put_fields(f, graph->params);
	doc_text(&f->d, " -> ");
	put_fields(f, graph->results);
	doc_text(&f->d, " {");
}

static void put_use(formatter *f, const ast_use *use)
{
	doc_text(&f->d, " = ");
	format_path(f, use->graph);
	put_entries(f, use->args);
	doc_text(&f->d, ";");
}

static void put_param(formatter *f, const ast_decl *decl)
{
	put_maybe_type(f, decl->u.param.type);
	if (decl->u.param.value != NULL) {
		doc_text(&f->d, " = ");
		format_expr(f, decl->u.param.value);
	}
	doc_text(&f->d, ";");
}

/* The keyword and what it names: the part that runs of declarations line up behind. */
static void put_decl_head(formatter *f, const ast_decl *decl)
{
	format_token(f, decl->span, ast_decl_text(decl->kind));
	doc_text(&f->d, " ");
	if (decl->name.text != NULL)
		format_name(f, decl->name);
	if (decl->kind == AST_EDGE)
		put_indices(f, decl->u.edge.index);
	else if (decl->kind == AST_LET)
		put_indices(f, decl->u.let.index);
}

static void put_decl_rest(formatter *f, const ast_decl *decl)
{
	switch (decl->kind) {
	case AST_IMPORT:
		put_import(f, &decl->u.import);
		break;
	case AST_PARAM_SIZES:
		doc_open(&f->d, FORMAT_INDENT);
		format_names(f, decl->u.sizes);
		doc_close(&f->d);
		doc_text(&f->d, ";");
		break;
	case AST_PARAM_VALUE:
		put_param(f, decl);
		break;
	case AST_RECORD:
		doc_text(&f->d, " ");
		open_block(f, decl->name.span.end, decl->u.record.count > 0 ? decl->u.record.items[0].span.begin : 0);
		put_record(f, decl);
		close_block(f, decl);
		break;
	case AST_SEMIRING:
		put_semiring(f, decl);
		break;
	case AST_FN:
		put_fn(f, decl);
		break;
	case AST_PAGE:
		put_page(f, &decl->u.page);
		break;
	case AST_LET:
		doc_text(&f->d, " = ");
		format_expr(f, decl->u.let.value);
		doc_text(&f->d, ";");
		break;
	case AST_EDGE:
		put_edge(f, &decl->u.edge);
		break;
	case AST_GRAPH:
		put_graph_head(f, &decl->u.graph);
		break;
	case AST_USE:
		put_use(f, &decl->u.use);
		break;
	}
}

/* ---- runs ---- */

static uint32_t head_width(const ast_decl *decl)
{
	uint32_t width = (uint32_t)strlen(decl->name.text);
	ast_names index = decl->kind == AST_EDGE ? decl->u.edge.index : decl->kind == AST_LET ? decl->u.let.index : (ast_names){0};
	for (uint32_t i = 0; i < index.count; i++)
		width += (uint32_t)strlen(index.items[i].text) + 2;
	return width;
}

/* Declarations that are lined up behind their heads: on colons, arrows, equals signs. */
static bool is_lined_up(ast_decl_kind kind)
{
	return kind == AST_PAGE || kind == AST_EDGE || kind == AST_PARAM_VALUE || kind == AST_LET || kind == AST_USE;
}

/* The widest head of the run of declarations of one kind that begins at `from`, and in *end where the run ends. */
static uint32_t measure_run(ast_decls decls, uint32_t from, uint32_t *end)
{
	ast_decl_kind kind = decls.items[from]->kind;
	uint32_t widest = 0, i = from;
	for (; i < decls.count && decls.items[i]->kind == kind; i++) {
		uint32_t width = is_lined_up(kind) ? head_width(decls.items[i]) : 0;
		widest = width <= PAD_MAX && width > widest ? width : widest;
	}
	*end = i;
	return widest;
}

static void put_decls(formatter *f, ast_decls decls, uint32_t end, uint32_t indent);

static void put_decl(formatter *f, const ast_decl *decl, uint32_t widest, uint32_t indent)
{
	f->d = (doc){.ctx = f->ctx};
	put_decl_head(f, decl);
	if (is_lined_up(decl->kind)) {
		uint32_t width = head_width(decl);
		doc_pad(&f->d, width < widest ? widest - width : 0);
	}
	put_decl_rest(f, decl);
	doc_print(&f->d, &f->out, indent);
	f->line_has_text = true;
	if (decl->kind == AST_GRAPH) {
		const ast_fields *results = &decl->u.graph.results;
		f->last_end = results->items[results->count - 1].span.end;
		put_decls(f, decl->u.graph.body, decl->span.end - 1, indent + FORMAT_INDENT);
		put(f, "\n");
		put_blanks(f, indent);
		put(f, "}");
		f->line_is_closed = f->line_has_comment = false;
	}
}

/* The declarations of a file or of a graph's body, and all comments before `end`. */
static void put_decls(formatter *f, ast_decls decls, uint32_t end, uint32_t indent)
{
	uint32_t run_end = 0, widest = 0;
	bool first = true;
	for (uint32_t i = 0; i < decls.count && !f->ctx->oom; i++) {
		const ast_decl *decl = decls.items[i];
		if (i >= run_end)
			widest = measure_run(decls, i, &run_end);
		put_comments(f, decl->span.begin, indent, &first);
		begin_line(f, decl->span.begin, indent, first);
		first = false;
		put_decl(f, decl, widest, indent);
		f->last_end = decl->span.end;
		put_comments(f, decl->span.end, indent, &first);
	}
	put_comments(f, end, indent, &first);
}

char *lang_format(lang_ctx *ctx, const ast_file *file, size_t *length)
{
	formatter f = {.ctx = ctx, .file = file, .out = {.ctx = ctx}, .d = {.ctx = ctx}};
	put_decls(&f, file->decls, file->source->length + 1, 0);
	if (f.line_has_text)
		put(&f, "\n");
	return doc_align(&f.out, length);
}
