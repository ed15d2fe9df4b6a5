/* Building the nodes of the tree, and the parse of one source. */
#include "parse.h"

#include <string.h>

/* ---- expressions ---- */

void lang_too_deep(lang_parse_state *ps, lang_span span)
{
	lang_diag *diag = lang_error(ps->ctx, span, "this nests more than %d deep", LANG_MAX_DEPTH);
	lang_help(ps->ctx, diag, "give parts of it names with let");
}

static uint16_t deeper(uint16_t depth, const ast_expr *child)
{
	return child != NULL && child->depth > depth ? child->depth : depth;
}

static uint16_t deepest(uint16_t depth, ast_exprs list)
{
	for (uint32_t i = 0; i < list.count; i++)
		depth = deeper(depth, list.items[i]);
	return depth;
}

/* A node above children of the given depth. Beyond the limit it is reported and counted from 1 again: one error for
 * each thousand levels, in a tree that nobody will walk. */
static ast_expr *node(lang_parse_state *ps, lang_span span, ast_expr_kind kind, uint16_t depth_below)
{
	ast_expr *expr = LANG_NEW(ps->ctx, ast_expr);
	if (expr == NULL)
		return NULL;
	expr->kind = (uint8_t)kind;
	expr->span = span;
	expr->depth = (uint16_t)(depth_below + 1);
	if (expr->depth > LANG_MAX_DEPTH) {
		lang_too_deep(ps, span);
		expr->depth = 1;
	}
	return expr;
}

ast_expr *lang_make_int(lang_parse_state *ps, lang_span span, lang_integer integer)
{
	ast_expr *expr = node(ps, span, AST_INT, 0);
	if (expr != NULL) {
		expr->u.integer.value = integer.value;
		expr->u.integer.spelling = integer.spelling;
	}
	return expr;
}

ast_expr *lang_make_real(lang_parse_state *ps, lang_span span, lang_real real)
{
	ast_expr *expr = node(ps, span, AST_FLOAT, 0);
	if (expr != NULL) {
		expr->u.real.value = real.value;
		expr->u.real.spelling = real.spelling;
	}
	return expr;
}

ast_expr *lang_make_bool(lang_parse_state *ps, lang_span span, bool value)
{
	ast_expr *expr = node(ps, span, AST_BOOL, 0);
	if (expr != NULL)
		expr->u.boolean = value;
	return expr;
}

ast_expr *lang_make_name(lang_parse_state *ps, ast_path *path)
{
	if (path == NULL)
		return NULL;
	ast_expr *expr = node(ps, path->span, AST_NAME, 0);
	if (expr != NULL)
		expr->u.name = path;
	return expr;
}

ast_expr *lang_make_field(lang_parse_state *ps, lang_span span, ast_expr *base, ast_name name)
{
	if (base->kind == AST_NAME) {
		ast_path *path = lang_extend_path(ps, base->u.name, name);
		if (path == NULL)
			return NULL;
		base->span = path->span = span;
		return base;
	}
	ast_expr *expr = node(ps, span, AST_FIELD, base->depth);
	if (expr != NULL) {
		expr->u.field.base = base;
		expr->u.field.name = name;
	}
	return expr;
}

ast_expr *lang_make_call(lang_parse_state *ps, lang_span span, ast_path *callee, ast_exprs args)
{
	ast_expr *expr = node(ps, span, AST_CALL, deepest(0, args));
	if (expr != NULL) {
		expr->u.call.callee = callee;
		expr->u.call.args = args;
	}
	return expr;
}

/* min, max and clamp are functions too; other reductions and views in front of a parenthesis are mistakes. */
ast_expr *lang_make_reserved_call(lang_parse_state *ps, lang_span span, ast_name name, ast_exprs args)
{
	ast_path *path = lang_make_path(ps, name);
	if (path == NULL)
		return NULL;
	const char *text = name.text;
	bool view = strcmp(text, "wrap") == 0 || strcmp(text, "mirror") == 0 || strcmp(text, "zero") == 0
	            || strcmp(text, "pad") == 0;
	bool function = strcmp(text, "min") == 0 || strcmp(text, "max") == 0 || strcmp(text, "clamp") == 0;
	if (view)
		lang_help(ps->ctx, lang_error(ps->ctx, name.span, "the view '%s' has no index list behind it", text),
		          "write %s(%s)[i - 1]", text, text[0] == 'p' ? "x, 0" : "x");
	else if (!function)
		lang_help(ps->ctx, lang_error(ps->ctx, name.span, "'%s' is a reduction and binds an index", text),
		          "write %s[i] x[i]", text);
	return lang_make_call(ps, span, path, args);
}

ast_expr *lang_make_convert(lang_parse_state *ps, lang_span span, ast_type *to, ast_expr *arg)
{
	ast_expr *expr = node(ps, span, AST_CONVERT, deeper(arg->depth, to->extent));
	if (expr != NULL) {
		expr->u.convert.to = to;
		expr->u.convert.arg = arg;
	}
	return expr;
}

ast_expr *lang_make_unary(lang_parse_state *ps, lang_span span, ast_unary_op op, ast_expr *arg)
{
	ast_expr *expr = node(ps, span, AST_UNARY, arg->depth);
	if (expr != NULL) {
		expr->u.unary.op = op;
		expr->u.unary.arg = arg;
	}
	return expr;
}

ast_expr *lang_make_binary(lang_parse_state *ps, lang_span span, ast_binary_op op, lang_span op_span,
                           ast_expr *left, ast_expr *right)
{
	ast_expr *expr = node(ps, span, AST_BINARY, deeper(left->depth, right));
	if (expr != NULL) {
		expr->u.binary.op = op;
		expr->u.binary.op_span = op_span;
		expr->u.binary.left = left;
		expr->u.binary.right = right;
	}
	return expr;
}

ast_expr *lang_make_if(lang_parse_state *ps, lang_span span, ast_expr *test, ast_expr *yes, ast_expr *no)
{
	ast_expr *expr = node(ps, span, AST_IF, deeper(deeper(test->depth, yes), no));
	if (expr != NULL) {
		expr->u.cond.test = test;
		expr->u.cond.yes = yes;
		expr->u.cond.no = no;
	}
	return expr;
}

ast_expr *lang_make_operator(lang_parse_state *ps, lang_span span, ast_binary_op op)
{
	ast_expr *expr = node(ps, span, AST_OPERATOR, 0);
	if (expr != NULL)
		expr->u.op = op;
	return expr;
}

/* ---- brackets: index lists and bindings ---- */

lang_brackets *lang_make_brackets(lang_parse_state *ps, lang_span span, lang_items items, ast_expr *where)
{
	lang_brackets *brackets = LANG_NEW(ps->ctx, lang_brackets);
	if (brackets != NULL)
		*brackets = (lang_brackets){items, where, span};
	return brackets;
}

static bool index_list(lang_parse_state *ps, const lang_brackets *brackets, ast_exprs *index)
{
	for (uint32_t i = 0; i < brackets->items.count; i++) {
		const lang_item *item = &brackets->items.items[i];
		if (item->expr == NULL) {
			lang_diag *diag = lang_error(ps->ctx, item->binding.name.span,
			                             "a range belongs to a reduction, and here is none");
			lang_help(ps->ctx, diag, "a reduction is written sum[k in 0..4] x[k], its body behind the brackets");
		} else if (!lang_add_expr(ps, index, item->expr)) {
			return false;
		}
	}
	if (brackets->where != NULL) {
		lang_diag *diag = lang_error(ps->ctx, brackets->where->span, "'where' belongs to a reduction, and here is none");
		lang_help(ps->ctx, diag, "a reduction is written sum[i where c[i]] x[i], its body behind the brackets");
	}
	return true;
}

/* The read that make_read and make_view fill in. */
static ast_expr *read_node(lang_parse_state *ps, lang_span span, ast_path *page, const lang_brackets *brackets,
                           ast_expr *fill)
{
	ast_read *read = LANG_NEW(ps->ctx, ast_read);
	if (read == NULL || (brackets != NULL && !index_list(ps, brackets, &read->index)))
		return NULL;
	ast_expr *expr = node(ps, span, AST_READ, deeper(deepest(0, read->index), fill));
	if (expr == NULL)
		return NULL;
	read->page = page;
	read->fill = fill;
	expr->u.read = read;
	return expr;
}

ast_expr *lang_make_read(lang_parse_state *ps, lang_span span, ast_path *page, const lang_brackets *brackets,
                         bool prev)
{
	ast_expr *expr = read_node(ps, span, page, brackets, NULL);
	if (expr != NULL)
		expr->u.read->prev = prev;
	return expr;
}

ast_expr *lang_make_view(lang_parse_state *ps, lang_span span, ast_view view, lang_span head, ast_exprs args,
                         const lang_brackets *brackets)
{
	uint32_t wanted = view == AST_VIEW_PAD ? 2 : 1;
	ast_expr *page = args.count > 0 ? args.items[0] : NULL;
	bool name = page != NULL && page->kind == AST_NAME;
	bool prev = page != NULL && page->kind == AST_READ && page->u.read->prev && page->u.read->index.count == 0;
	if (args.count != wanted || !(name || prev)) {
		lang_diag *diag = lang_error(ps->ctx, head, "the view '%s' takes %s", ast_view_text(view),
		                             wanted == 2 ? "a page and a value" : "a page");
		lang_help(ps->ctx, diag, "write %s(%s)[i - 1], or %s(prev %s)[i - 1]", ast_view_text(view),
		          wanted == 2 ? "x, 0" : "x", ast_view_text(view), wanted == 2 ? "x, 0" : "x");
		return lang_make_bool(ps, span, false);
	}
	ast_expr *expr = read_node(ps, span, name ? page->u.name : page->u.read->page, brackets,
	                           wanted == 2 ? args.items[1] : NULL);
	if (expr != NULL) {
		expr->u.read->view = view;
		expr->u.read->prev = prev;
	}
	return expr;
}

static bool bindings_of(lang_parse_state *ps, const lang_brackets *brackets, ast_bindings *list)
{
	for (uint32_t i = 0; i < brackets->items.count; i++) {
		const lang_item *item = &brackets->items.items[i];
		ast_binding binding = item->binding;
		if (item->expr != NULL && item->expr->kind == AST_NAME && item->expr->u.name->parts.count == 1) {
			binding = (ast_binding){item->expr->u.name->parts.items[0], NULL, NULL};
		} else if (item->expr != NULL) {
			lang_diag *diag = lang_error(ps->ctx, item->expr->span, "a reduction binds names in its brackets");
			lang_help(ps->ctx, diag, "write sum[k] x[k], or sum[k in 0..4] x[k]");
			continue;
		}
		void *items = list->items;
		if (!lang_grow(ps->ctx, &items, list->count, &list->cap, sizeof *list->items))
			return false;
		list->items = items;
		list->items[list->count++] = binding;
	}
	return true;
}

ast_expr *lang_make_reduce(lang_parse_state *ps, lang_span span, int op, ast_path *semiring, lang_span head,
                           const lang_brackets *brackets, ast_expr *body)
{
	ast_reduce *reduce = LANG_NEW(ps->ctx, ast_reduce);
	if (reduce == NULL || !bindings_of(ps, brackets, &reduce->bindings))
		return NULL;
	uint16_t depth = deeper(body->depth, brackets->where);
	for (uint32_t i = 0; i < reduce->bindings.count; i++)
		depth = deeper(deeper(depth, reduce->bindings.items[i].from), reduce->bindings.items[i].to);
	ast_expr *expr = node(ps, span, AST_REDUCE, depth);
	if (expr == NULL)
		return NULL;
	reduce->op = (ast_reduction)op;
	reduce->semiring = semiring;
	reduce->where = brackets->where;
	reduce->body = body;
	reduce->head = head;
	expr->u.reduce = reduce;
	return expr;
}

/* ---- paths, types, declarations ---- */

ast_path *lang_make_path(lang_parse_state *ps, ast_name name)
{
	ast_path *path = LANG_NEW(ps->ctx, ast_path);
	if (path == NULL)
		return NULL;
	path->span = name.span;
	return lang_add_name(ps, &path->parts, name) ? path : NULL;
}

ast_path *lang_extend_path(lang_parse_state *ps, ast_path *path, ast_name name)
{
	path->span.end = name.span.end;
	return lang_add_name(ps, &path->parts, name) ? path : NULL;
}

ast_type *lang_make_type(lang_parse_state *ps, lang_span span, ast_type_kind kind)
{
	ast_type *type = LANG_NEW(ps->ctx, ast_type);
	if (type != NULL) {
		type->span = span;
		type->kind = kind;
	}
	return type;
}

ast_decl *lang_make_decl(lang_parse_state *ps, lang_span span, ast_decl_kind kind, ast_name name)
{
	ast_decl *decl = LANG_NEW(ps->ctx, ast_decl);
	if (decl != NULL) {
		decl->span = span;
		decl->kind = kind;
		decl->name = name;
	}
	return decl;
}

/* ---- lists ---- */

#define DEFINE_ADD(function, list_type, item_type)                                                 \
	bool function(lang_parse_state *ps, list_type *list, item_type item)                       \
	{                                                                                          \
		void *items = list->items;                                                         \
		if (!lang_grow(ps->ctx, &items, list->count, &list->cap, sizeof *list->items))     \
			return false;                                                              \
		list->items = items;                                                               \
		list->items[list->count++] = item;                                                 \
		return true;                                                                       \
	}

DEFINE_ADD(lang_add_name, ast_names, ast_name)
DEFINE_ADD(lang_add_expr, ast_exprs, ast_expr *)
DEFINE_ADD(lang_add_item, lang_items, lang_item)
DEFINE_ADD(lang_add_field, ast_fields, ast_field)
DEFINE_ADD(lang_add_entry, ast_entries, ast_entry)
DEFINE_ADD(lang_add_decl, ast_decls, ast_decl *)
static DEFINE_ADD(push_attr, ast_attrs, ast_attr)
static DEFINE_ADD(push_comment, ast_comments, ast_comment)

bool lang_add_fix_arg(lang_parse_state *ps, ast_entries *list, ast_entry entry)
{
	if (strcmp(entry.name.text, "max") != 0 && strcmp(entry.name.text, "tol") != 0) {
		lang_diag *diag = lang_error(ps->ctx, entry.name.span, "'fix' takes 'max' and 'tol', not '%s'", entry.name.text);
		lang_help(ps->ctx, diag, "write fix EXPR, fix(max = 100) EXPR or fix(tol = 1e-6, max = 200) EXPR");
	}
	for (uint32_t i = 0; i < list->count; i++)
		if (list->items[i].name.text == entry.name.text)
			lang_error(ps->ctx, entry.name.span, "'%s' is given twice", entry.name.text);
	return lang_add_entry(ps, list, entry);
}

bool lang_add_attr(lang_parse_state *ps, ast_attrs *list, ast_attr attr)
{
	if (attr.kind == AST_ATTR_COUNT)
		return true;
	for (uint32_t i = 0; i < list->count; i++)
		if (list->items[i].kind == attr.kind) {
			lang_error(ps->ctx, attr.span, "'%s' is given twice", ast_attr_text(attr.kind));
			return true;
		}
	if (attr.kind != AST_ATTR_TILE && attr.args.count > 0)
		lang_error(ps->ctx, attr.span, "'%s' takes nothing in parentheses", ast_attr_text(attr.kind));
	else if (attr.kind == AST_ATTR_TILE && (attr.args.count == 0 || attr.args.count > 8))
		lang_help(ps->ctx, lang_error(ps->ctx, attr.span, "'@tile' takes the sizes of a tile"), "write @tile(16, 64)");
	return push_attr(ps, list, attr);
}

bool lang_add_body_decl(lang_parse_state *ps, ast_decls *list, ast_decl *decl)
{
	if (decl->kind == AST_IMPORT || decl->kind == AST_GRAPH)
		lang_help(ps->ctx,
		          lang_error(ps->ctx, decl->span, "'%s' does not stand inside a graph", ast_decl_text(decl->kind)),
		          decl->kind == AST_GRAPH ? "put it before this graph and 'use' it here" : "put it at the top of the file");
	return lang_add_decl(ps, list, decl);
}

bool lang_add_comment(lang_parse_state *ps, lang_span span, bool block, bool doc)
{
	const char *text = ps->source->text;
	while (span.end > span.begin && text[span.end - 1] == '\r')
		span.end--;
	uint32_t at = span.begin;
	while (at > 0 && (text[at - 1] == ' ' || text[at - 1] == '\t' || text[at - 1] == '\r'))
		at--;
	ast_comment comment = {.span = span, .block = block, .doc = doc, .own_line = at == 0 || text[at - 1] == '\n'};
	return push_comment(ps, &ps->file->comments, comment);
}

ast_attr_kind lang_find_attr(lang_parse_state *ps, lang_span span, const char *word)
{
	static const char *const names[] = {
#define X(name, text) text,
		AST_ATTRS(X)
#undef X
	};
	lang_nearest nearest = lang_nearest_to(word);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(names[i], word) == 0)
			return (ast_attr_kind)i;
		lang_nearest_offer(&nearest, names[i]);
	}
	lang_diag *diag = lang_error(ps->ctx, span, "there is no attribute '@%s'", word);
	if (nearest.best != NULL)
		lang_help(ps->ctx, diag, "did you mean '@%s'?", nearest.best);
	else
		lang_help(ps->ctx, diag, "attributes are @static @lazy @soa @aos @tile(r, c) @cpu @gpu @unified");
	return AST_ATTR_COUNT;
}

/* ---- doc texts ---- */

static bool blank_between(const lang_source *source, uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++)
		if (strchr(" \t\r\n", source->text[i]) == NULL)
			return false;
	return true;
}

/* The first of the doc comments that end directly before the declaration; `next` is the first comment behind that place. */
static uint32_t first_doc(const ast_file *file, uint32_t begin, uint32_t next)
{
	const ast_comment *comments = file->comments.items;
	uint32_t first = next, limit = begin;
	while (first > 0 && comments[first - 1].doc && comments[first - 1].own_line
	       && blank_between(file->source, comments[first - 1].span.end, limit)) {
		first--;
		limit = comments[first].span.begin;
	}
	return first;
}

static bool attach_docs(lang_parse_state *ps, ast_decls decls, uint32_t *next)
{
	const ast_comments *comments = &ps->file->comments;
	for (uint32_t i = 0; i < decls.count; i++) {
		ast_decl *decl = decls.items[i];
		while (*next < comments->count && comments->items[*next].span.begin < decl->span.begin)
			(*next)++;
		uint32_t first = first_doc(ps->file, decl->span.begin, *next);
		size_t room = 0;
		for (uint32_t c = first; c < *next; c++)
			room += comments->items[c].span.end - comments->items[c].span.begin;
		char *doc = first == *next ? NULL : lang_alloc(ps->ctx, room + 1);
		if (first < *next && doc == NULL)
			return false;
		decl->doc = doc;
		for (uint32_t c = first; c < *next; c++) {
			lang_span span = comments->items[c].span;
			span.begin += ps->source->text[span.begin + 3] == ' ' && span.end > span.begin + 3 ? 4 : 3;
			size_t length = span.end - span.begin;
			if (c > first)
				*doc++ = '\n';
			memcpy(doc, ps->source->text + span.begin, length);
			doc += length;
		}
		if (decl->kind == AST_GRAPH && !attach_docs(ps, decl->u.graph.body, next))
			return false;
	}
	return true;
}

/* ---- one source ---- */

/* The text is UTF-8 without control characters: said once, before anything else looks at it. */
static bool check_text(lang_parse_state *ps)
{
	const lang_source *source = ps->source;
	for (uint32_t i = 0; i < source->length;) {
		unsigned char c = (unsigned char)source->text[i];
		size_t length = lang_utf8_length(source->text + i, source->length - i);
		bool control = (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f;
		if (length == 0 || control) {
			lang_span span = {source->id, i, i + 1};
			lang_diag *diag = lang_error(ps->ctx, span, control ? "the control character 0x%02x in a text"
			                                                    : "the byte 0x%02x is not UTF-8", c);
			lang_help(ps->ctx, diag, "a program is a text in UTF-8");
			return false;
		}
		i += (uint32_t)length;
	}
	return true;
}

ast_file *lang_parse(lang_ctx *ctx, lang_source *source)
{
	lang_parse_state ps = {.ctx = ctx, .source = source, .file = LANG_NEW(ctx, ast_file)};
	uint32_t errors = ctx->error_count;
	if (ps.file == NULL || !check_text(&ps))
		return NULL;
	ps.file->source = source;
	ps.token = ps.last = (lang_span){source->id, 0, 0};
	void *scanner = NULL;
	int status = lang_lex_begin(&ps, &scanner) ? lang_run_parser(scanner, &ps) : 2;
	lang_lex_end(&ps, scanner);
	if (status == 2 && ctx->error_count == errors && !ctx->errors_dropped)
		ctx->oom = true;
	if (status != 0 || ctx->oom || ctx->error_count > errors || ctx->errors_dropped)
		return NULL;
	uint32_t next = 0;
	return attach_docs(&ps, ps.file->decls, &next) ? ps.file : NULL;
}
