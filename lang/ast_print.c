/* The tree as text (mmsbc emit ast): a node a line, what is below it indented. */
#include "ast.h"

#include <stdlib.h>

typedef struct printer {
	const lang_ctx *ctx;
	FILE *out;
	int indent;
} printer;

static void begin_line(printer *p, const char *what)
{
	fprintf(p->out, "%*s%s", p->indent, "", what);
}

static void end_line(printer *p, lang_span span)
{
	lang_place place = lang_place_of(p->ctx->sources[span.file], span.begin);
	fprintf(p->out, "  %u:%u\n", place.line, place.column);
}

static void put_path(printer *p, const ast_path *path)
{
	for (uint32_t i = 0; i < path->parts.count; i++)
		fprintf(p->out, "%s%s", i > 0 ? "." : " ", path->parts.items[i].text);
}

static void put_names(printer *p, ast_names names)
{
	for (uint32_t i = 0; i < names.count; i++)
		fprintf(p->out, "%s%s", i > 0 ? ", " : " [", names.items[i].text);
	if (names.count > 0)
		fputc(']', p->out);
}

static void put_expr(printer *p, const ast_expr *expr);

/* A line that only names the role of what is below it. */
static void put_part(printer *p, const char *role, const ast_expr *expr)
{
	if (expr == NULL)
		return;
	begin_line(p, role);
	fputc('\n', p->out);
	p->indent += 2;
	put_expr(p, expr);
	p->indent -= 2;
}

static void put_exprs(printer *p, ast_exprs list)
{
	for (uint32_t i = 0; i < list.count; i++)
		put_expr(p, list.items[i]);
}

static void put_type(printer *p, const ast_type *type)
{
	if (type == NULL)
		return;
	begin_line(p, type->sparse ? "type sparse" : "type");
	if (type->kind == AST_TYPE_NAMED)
		put_path(p, type->record);
	else
		fprintf(p->out, " %s", type->kind == AST_TYPE_INDEX ? "index" : type->name.text);
	end_line(p, type->span);
	p->indent += 2;
	put_part(p, "of", type->extent);
	for (uint32_t i = 0; i < type->dims.count; i++)
		put_part(p, "size", type->dims.items[i]);
	p->indent -= 2;
}

static void put_fields(printer *p, const char *what, ast_fields list)
{
	for (uint32_t i = 0; i < list.count; i++) {
		begin_line(p, what);
		fprintf(p->out, " %s", list.items[i].name.text);
		end_line(p, list.items[i].span);
		p->indent += 2;
		put_type(p, list.items[i].type);
		p->indent -= 2;
	}
}

static void put_entries(printer *p, const char *what, ast_entries list)
{
	for (uint32_t i = 0; i < list.count; i++) {
		begin_line(p, what);
		fprintf(p->out, " %s", list.items[i].name.text);
		end_line(p, list.items[i].span);
		p->indent += 2;
		put_expr(p, list.items[i].value);
		p->indent -= 2;
	}
}

static void put_reduce(printer *p, const ast_reduce *reduce)
{
	for (uint32_t i = 0; i < reduce->bindings.count; i++) {
		const ast_binding *binding = &reduce->bindings.items[i];
		begin_line(p, "bind");
		fprintf(p->out, " %s", binding->name.text);
		end_line(p, binding->name.span);
		p->indent += 2;
		put_part(p, "from", binding->from);
		put_part(p, "to", binding->to);
		p->indent -= 2;
	}
	put_part(p, "where", reduce->where);
	put_part(p, "body", reduce->body);
}

/* What stands behind the kind on the node's own line. */
static void put_detail(printer *p, const ast_expr *expr)
{
	switch ((ast_expr_kind)expr->kind) {
	case AST_INT:
		fprintf(p->out, " %s", expr->u.integer.spelling);
		break;
	case AST_FLOAT:
		fprintf(p->out, " %s", expr->u.real.spelling);
		break;
	case AST_BOOL:
		fputs(expr->u.boolean ? " true" : " false", p->out);
		break;
	case AST_NAME:
		put_path(p, expr->u.name);
		break;
	case AST_READ:
		if (expr->u.read->view != AST_VIEW_NONE)
			fprintf(p->out, " %s", ast_view_text(expr->u.read->view));
		if (expr->u.read->prev)
			fputs(" prev", p->out);
		put_path(p, expr->u.read->page);
		break;
	case AST_FIELD:
		fprintf(p->out, " %s", expr->u.field.name.text);
		break;
	case AST_CALL:
		put_path(p, expr->u.call.callee);
		break;
	case AST_UNARY:
		fprintf(p->out, " %s", ast_unary_text(expr->u.unary.op));
		break;
	case AST_BINARY:
		fprintf(p->out, " %s", ast_binary_text(expr->u.binary.op));
		break;
	case AST_REDUCE:
		if (expr->u.reduce->semiring != NULL)
			put_path(p, expr->u.reduce->semiring);
		else
			fprintf(p->out, " %s", ast_reduction_text(expr->u.reduce->op));
		break;
	case AST_OPERATOR:
		fprintf(p->out, " %s", ast_binary_text(expr->u.op));
		break;
	case AST_CONVERT:
	case AST_IF:
		break;
	}
}

static void put_children(printer *p, const ast_expr *expr)
{
	switch ((ast_expr_kind)expr->kind) {
	case AST_READ:
		put_part(p, "fill", expr->u.read->fill);
		put_exprs(p, expr->u.read->index);
		break;
	case AST_FIELD:
		put_expr(p, expr->u.field.base);
		break;
	case AST_CALL:
		put_exprs(p, expr->u.call.args);
		break;
	case AST_CONVERT:
		put_type(p, expr->u.convert.to);
		put_expr(p, expr->u.convert.arg);
		break;
	case AST_UNARY:
		put_expr(p, expr->u.unary.arg);
		break;
	case AST_BINARY:
		put_expr(p, expr->u.binary.left);
		put_expr(p, expr->u.binary.right);
		break;
	case AST_IF:
		put_part(p, "test", expr->u.cond.test);
		put_part(p, "then", expr->u.cond.yes);
		put_part(p, "else", expr->u.cond.no);
		break;
	case AST_REDUCE:
		put_reduce(p, expr->u.reduce);
		break;
	default:
		break;
	}
}

static void put_expr(printer *p, const ast_expr *expr)
{
	begin_line(p, ast_expr_text((ast_expr_kind)expr->kind));
	put_detail(p, expr);
	end_line(p, expr->span);
	p->indent += 2;
	put_children(p, expr);
	p->indent -= 2;
}

static void put_page(printer *p, const ast_page *page)
{
	put_type(p, page->type);
	for (uint32_t i = 0; i < page->attrs.count; i++) {
		const ast_attr *attr = &page->attrs.items[i];
		begin_line(p, ast_attr_text(attr->kind));
		if (attr->like != NULL)
			put_path(p, attr->like);
		end_line(p, attr->span);
		p->indent += 2;
		if (attr->init != NULL)
			put_expr(p, attr->init);
		put_exprs(p, attr->args);
		p->indent -= 2;
	}
}

/* What stands behind the keyword and the name on the declaration's own line. */
static void put_head(printer *p, const ast_decl *decl)
{
	static const char *const roles[] = {"", " in", " out"};
	switch (decl->kind) {
	case AST_IMPORT:
		if (decl->u.import.module != NULL)
			fprintf(p->out, " %s", decl->u.import.module);
		else
			fprintf(p->out, " \"%s\"", decl->u.import.path);
		if (decl->u.import.alias.text != NULL)
			fprintf(p->out, " as %s", decl->u.import.alias.text);
		break;
	case AST_PARAM_SIZES:
		put_names(p, decl->u.sizes);
		break;
	case AST_PAGE:
		fputs(roles[decl->u.page.role], p->out);
		break;
	case AST_LET:
		put_names(p, decl->u.let.index);
		break;
	case AST_EDGE:
		put_names(p, decl->u.edge.index);
		if (decl->u.edge.is_fix)
			fputs(" fix", p->out);
		break;
	case AST_USE:
		fputs(" =", p->out);
		put_path(p, decl->u.use.graph);
		break;
	default:
		break;
	}
}

static void put_decls(printer *p, ast_decls list);

static void put_decl_parts(printer *p, const ast_decl *decl)
{
	switch (decl->kind) {
	case AST_IMPORT:
	case AST_PARAM_SIZES:
		break;
	case AST_PARAM_VALUE:
		put_type(p, decl->u.param.type);
		if (decl->u.param.value != NULL)
			put_expr(p, decl->u.param.value);
		break;
	case AST_RECORD:
		put_fields(p, "field", decl->u.record);
		break;
	case AST_SEMIRING:
		put_type(p, decl->u.semiring.type);
		put_entries(p, "entry", decl->u.semiring.entries);
		break;
	case AST_FN:
		put_fields(p, "param", decl->u.fn.params);
		put_type(p, decl->u.fn.result);
		put_entries(p, "let", decl->u.fn.lets);
		put_part(p, "value", decl->u.fn.value);
		break;
	case AST_PAGE:
		put_page(p, &decl->u.page);
		break;
	case AST_LET:
		put_expr(p, decl->u.let.value);
		break;
	case AST_EDGE:
		put_entries(p, "arg", decl->u.edge.fix_args);
		put_expr(p, decl->u.edge.value);
		break;
	case AST_GRAPH:
		put_fields(p, "param", decl->u.graph.params);
		put_fields(p, "result", decl->u.graph.results);
		put_decls(p, decl->u.graph.body);
		break;
	case AST_USE:
		put_entries(p, "arg", decl->u.use.args);
		break;
	}
}

static void put_decls(printer *p, ast_decls list)
{
	for (uint32_t i = 0; i < list.count; i++) {
		const ast_decl *decl = list.items[i];
		begin_line(p, ast_decl_text(decl->kind));
		if (decl->name.text != NULL)
			fprintf(p->out, " %s", decl->name.text);
		put_head(p, decl);
		end_line(p, decl->span);
		p->indent += 2;
		put_decl_parts(p, decl);
		p->indent -= 2;
	}
}

void ast_print(const lang_ctx *ctx, const ast_file *file, FILE *out)
{
	printer p = {ctx, out, 0};
	fprintf(out, "file %s\n", file->source->path);
	p.indent = 2;
	put_decls(&p, file->decls);
}
