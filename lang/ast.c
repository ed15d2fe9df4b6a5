/* Spellings, walking and comparing of trees. */
#include "ast.h"

#include <string.h>

/* ---- spellings ---- */

static const struct { const char *text; ast_prec prec; } binary_ops[AST_BINARY_COUNT] = {
#define X(name, text, prec) {text, prec},
	AST_BINARY_OPS(X)
#undef X
};

const char *ast_binary_text(ast_binary_op op)
{
	return binary_ops[op].text;
}

ast_prec ast_binary_prec(ast_binary_op op)
{
	return binary_ops[op].prec;
}

const char *ast_unary_text(ast_unary_op op)
{
	static const char *const texts[] = {
#define X(name, text) text,
		AST_UNARY_OPS(X)
#undef X
	};
	return texts[op];
}

const char *ast_reduction_text(ast_reduction op)
{
	static const char *const texts[] = {
#define X(name, text) text,
		AST_REDUCTIONS(X)
#undef X
		"semiring"
	};
	return texts[op];
}

const char *ast_view_text(ast_view view)
{
	static const char *const texts[] = {
		"",
#define X(name, text) text,
		AST_VIEWS(X)
#undef X
	};
	return texts[view];
}

const char *ast_attr_text(ast_attr_kind kind)
{
	static const char *const texts[] = {
#define X(name, text) "@" text,
		AST_ATTRS(X)
#undef X
		"init", "like", "attribute"
	};
	return texts[kind];
}

const char *ast_decl_text(ast_decl_kind kind)
{
	static const char *const texts[] = {
		"import", "param", "param", "record", "semiring", "fn", "page", "let", "edge", "graph", "use",
	};
	return texts[kind];
}

const char *ast_expr_text(ast_expr_kind kind)
{
	static const char *const texts[] = {
		"int", "float", "bool", "name", "read", "field", "call", "convert", "unary", "binary", "if", "reduce", "operator",
	};
	return texts[kind];
}

const char *ast_path_text(lang_ctx *ctx, const ast_path *path)
{
	size_t room = 1;
	for (uint32_t i = 0; i < path->parts.count; i++)
		room += strlen(path->parts.items[i].text) + 1;
	char *text = lang_alloc(ctx, room), *at = text;
	for (uint32_t i = 0; text != NULL && i < path->parts.count; i++) {
		size_t length = strlen(path->parts.items[i].text);
		if (i > 0)
			*at++ = '.';
		memcpy(at, path->parts.items[i].text, length);
		at += length;
	}
	return text;
}

/* ---- walking ---- */

static bool one(ast_expr *expr, ast_visit visit, void *user)
{
	return expr == NULL || visit(user, expr);
}

static bool each(ast_exprs list, ast_visit visit, void *user)
{
	for (uint32_t i = 0; i < list.count; i++)
		if (!visit(user, list.items[i]))
			return false;
	return true;
}

static bool each_of_type(const ast_type *type, ast_visit visit, void *user)
{
	return type == NULL || (one(type->extent, visit, user) && each(type->dims, visit, user));
}

static bool each_of_fields(ast_fields list, ast_visit visit, void *user)
{
	for (uint32_t i = 0; i < list.count; i++)
		if (!each_of_type(list.items[i].type, visit, user))
			return false;
	return true;
}

static bool each_of_entries(ast_entries list, ast_visit visit, void *user)
{
	for (uint32_t i = 0; i < list.count; i++)
		if (!one(list.items[i].value, visit, user))
			return false;
	return true;
}

static bool each_of_reduce(const ast_reduce *reduce, ast_visit visit, void *user)
{
	for (uint32_t i = 0; i < reduce->bindings.count; i++)
		if (!one(reduce->bindings.items[i].from, visit, user) || !one(reduce->bindings.items[i].to, visit, user))
			return false;
	return one(reduce->where, visit, user) && visit(user, reduce->body);
}

bool ast_each_child(ast_expr *expr, ast_visit visit, void *user)
{
	switch ((ast_expr_kind)expr->kind) {
	case AST_INT:
	case AST_FLOAT:
	case AST_BOOL:
	case AST_NAME:
	case AST_OPERATOR:
		return true;
	case AST_READ:
		return one(expr->u.read->fill, visit, user) && each(expr->u.read->index, visit, user);
	case AST_FIELD:
		return visit(user, expr->u.field.base);
	case AST_CALL:
		return each(expr->u.call.args, visit, user);
	case AST_CONVERT:
		return each_of_type(expr->u.convert.to, visit, user) && visit(user, expr->u.convert.arg);
	case AST_UNARY:
		return visit(user, expr->u.unary.arg);
	case AST_BINARY:
		return visit(user, expr->u.binary.left) && visit(user, expr->u.binary.right);
	case AST_IF:
		return visit(user, expr->u.cond.test) && visit(user, expr->u.cond.yes) && visit(user, expr->u.cond.no);
	case AST_REDUCE:
		return each_of_reduce(expr->u.reduce, visit, user);
	}
	return true;
}

static bool each_of_attrs(ast_attrs list, ast_visit visit, void *user)
{
	for (uint32_t i = 0; i < list.count; i++)
		if (!one(list.items[i].init, visit, user) || !each(list.items[i].args, visit, user))
			return false;
	return true;
}

bool ast_each_expr(ast_decl *decl, ast_visit visit, void *user)
{
	switch (decl->kind) {
	case AST_IMPORT:
	case AST_PARAM_SIZES:
		return true;
	case AST_PARAM_VALUE:
		return each_of_type(decl->u.param.type, visit, user) && one(decl->u.param.value, visit, user);
	case AST_RECORD:
		return each_of_fields(decl->u.record, visit, user);
	case AST_SEMIRING:
		return each_of_type(decl->u.semiring.type, visit, user)
		       && each_of_entries(decl->u.semiring.entries, visit, user);
	case AST_FN:
		return each_of_fields(decl->u.fn.params, visit, user) && each_of_type(decl->u.fn.result, visit, user)
		       && each_of_entries(decl->u.fn.lets, visit, user) && visit(user, decl->u.fn.value);
	case AST_PAGE:
		return each_of_type(decl->u.page.type, visit, user) && each_of_attrs(decl->u.page.attrs, visit, user);
	case AST_LET:
		return visit(user, decl->u.let.value);
	case AST_EDGE:
		return each_of_entries(decl->u.edge.fix_args, visit, user) && visit(user, decl->u.edge.value);
	case AST_GRAPH:
		return each_of_fields(decl->u.graph.params, visit, user) && each_of_fields(decl->u.graph.results, visit, user);
	case AST_USE:
		return each_of_entries(decl->u.use.args, visit, user);
	}
	return true;
}

/* ---- comparing; the two trees may be of different contexts, so names are compared by text ---- */

static bool same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_names(ast_names a, ast_names b)
{
	if (a.count != b.count)
		return false;
	for (uint32_t i = 0; i < a.count; i++)
		if (!same_text(a.items[i].text, b.items[i].text))
			return false;
	return true;
}

static bool same_path(const ast_path *a, const ast_path *b)
{
	return a == b || (a != NULL && b != NULL && same_names(a->parts, b->parts));
}

static bool same(const ast_expr *a, const ast_expr *b)
{
	return a == b || (a != NULL && b != NULL && ast_expr_equal(a, b));
}

static bool same_exprs(ast_exprs a, ast_exprs b)
{
	if (a.count != b.count)
		return false;
	for (uint32_t i = 0; i < a.count; i++)
		if (!same(a.items[i], b.items[i]))
			return false;
	return true;
}

static bool same_type(const ast_type *a, const ast_type *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return a->kind == b->kind && a->sparse == b->sparse && a->has_dims == b->has_dims
	       && same_text(a->name.text, b->name.text) && same(a->extent, b->extent) && same_path(a->record, b->record)
	       && same_exprs(a->dims, b->dims);
}

static bool same_reduce(const ast_reduce *a, const ast_reduce *b)
{
	if (a->op != b->op || !same_path(a->semiring, b->semiring) || a->bindings.count != b->bindings.count)
		return false;
	for (uint32_t i = 0; i < a->bindings.count; i++) {
		const ast_binding *x = &a->bindings.items[i], *y = &b->bindings.items[i];
		if (!same_text(x->name.text, y->name.text) || !same(x->from, y->from) || !same(x->to, y->to))
			return false;
	}
	return same(a->where, b->where) && same(a->body, b->body);
}

static bool same_read(const ast_read *a, const ast_read *b)
{
	return a->view == b->view && a->prev == b->prev && same_path(a->page, b->page) && same(a->fill, b->fill)
	       && same_exprs(a->index, b->index);
}

bool ast_expr_equal(const ast_expr *a, const ast_expr *b)
{
	if (a->kind != b->kind)
		return false;
	switch ((ast_expr_kind)a->kind) {
	case AST_INT:
		return a->u.integer.value == b->u.integer.value && same_text(a->u.integer.spelling, b->u.integer.spelling);
	case AST_FLOAT:
		return same_text(a->u.real.spelling, b->u.real.spelling);
	case AST_BOOL:
		return a->u.boolean == b->u.boolean;
	case AST_NAME:
		return same_path(a->u.name, b->u.name);
	case AST_READ:
		return same_read(a->u.read, b->u.read);
	case AST_FIELD:
		return same_text(a->u.field.name.text, b->u.field.name.text) && same(a->u.field.base, b->u.field.base);
	case AST_CALL:
		return same_path(a->u.call.callee, b->u.call.callee) && same_exprs(a->u.call.args, b->u.call.args);
	case AST_CONVERT:
		return same_type(a->u.convert.to, b->u.convert.to) && same(a->u.convert.arg, b->u.convert.arg);
	case AST_UNARY:
		return a->u.unary.op == b->u.unary.op && same(a->u.unary.arg, b->u.unary.arg);
	case AST_BINARY:
		return a->u.binary.op == b->u.binary.op && same(a->u.binary.left, b->u.binary.left)
		       && same(a->u.binary.right, b->u.binary.right);
	case AST_IF:
		return same(a->u.cond.test, b->u.cond.test) && same(a->u.cond.yes, b->u.cond.yes)
		       && same(a->u.cond.no, b->u.cond.no);
	case AST_REDUCE:
		return same_reduce(a->u.reduce, b->u.reduce);
	case AST_OPERATOR:
		return a->u.op == b->u.op;
	}
	return false;
}

static bool same_fields(ast_fields a, ast_fields b)
{
	if (a.count != b.count)
		return false;
	for (uint32_t i = 0; i < a.count; i++)
		if (!same_text(a.items[i].name.text, b.items[i].name.text) || !same_type(a.items[i].type, b.items[i].type))
			return false;
	return true;
}

static bool same_entries(ast_entries a, ast_entries b)
{
	if (a.count != b.count)
		return false;
	for (uint32_t i = 0; i < a.count; i++)
		if (!same_text(a.items[i].name.text, b.items[i].name.text) || !same(a.items[i].value, b.items[i].value))
			return false;
	return true;
}

static bool same_page(const ast_page *a, const ast_page *b)
{
	if (a->role != b->role || !same_type(a->type, b->type) || a->attrs.count != b->attrs.count)
		return false;
	for (uint32_t i = 0; i < a->attrs.count; i++) {
		const ast_attr *x = &a->attrs.items[i], *y = &b->attrs.items[i];
		if (x->kind != y->kind || !same(x->init, y->init) || !same_path(x->like, y->like)
		    || !same_exprs(x->args, y->args))
			return false;
	}
	return true;
}

static bool same_import(const ast_import *a, const ast_import *b)
{
	return same_text(a->module, b->module) && same_text(a->path, b->path) && same_text(a->alias.text, b->alias.text);
}

static bool same_decls(ast_decls a, ast_decls b);

static bool same_decl(const ast_decl *a, const ast_decl *b)
{
	if (a->kind != b->kind || !same_text(a->name.text, b->name.text))
		return false;
	switch (a->kind) {
	case AST_IMPORT:
		return same_import(&a->u.import, &b->u.import);
	case AST_PARAM_SIZES:
		return same_names(a->u.sizes, b->u.sizes);
	case AST_PARAM_VALUE:
		return same_type(a->u.param.type, b->u.param.type) && same(a->u.param.value, b->u.param.value);
	case AST_RECORD:
		return same_fields(a->u.record, b->u.record);
	case AST_SEMIRING:
		return same_type(a->u.semiring.type, b->u.semiring.type)
		       && same_entries(a->u.semiring.entries, b->u.semiring.entries);
	case AST_FN:
		return a->u.fn.block == b->u.fn.block && same_fields(a->u.fn.params, b->u.fn.params)
		       && same_type(a->u.fn.result, b->u.fn.result) && same_entries(a->u.fn.lets, b->u.fn.lets)
		       && same(a->u.fn.value, b->u.fn.value);
	case AST_PAGE:
		return same_page(&a->u.page, &b->u.page);
	case AST_LET:
		return same_names(a->u.let.index, b->u.let.index) && same(a->u.let.value, b->u.let.value);
	case AST_EDGE:
		return a->u.edge.is_fix == b->u.edge.is_fix && same_names(a->u.edge.index, b->u.edge.index)
		       && same_entries(a->u.edge.fix_args, b->u.edge.fix_args) && same(a->u.edge.value, b->u.edge.value);
	case AST_GRAPH:
		return same_fields(a->u.graph.params, b->u.graph.params)
		       && same_fields(a->u.graph.results, b->u.graph.results) && same_decls(a->u.graph.body, b->u.graph.body);
	case AST_USE:
		return same_path(a->u.use.graph, b->u.use.graph) && same_entries(a->u.use.args, b->u.use.args);
	}
	return false;
}

static bool same_decls(ast_decls a, ast_decls b)
{
	if (a.count != b.count)
		return false;
	for (uint32_t i = 0; i < a.count; i++)
		if (!same_decl(a.items[i], b.items[i]))
			return false;
	return true;
}

bool ast_equal(const ast_file *a, const ast_file *b)
{
	return same_decls(a->decls, b->decls);
}
