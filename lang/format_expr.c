/* Expressions in canonical form: blanks around binary operators, as few parentheses as give the same tree again, and
 * three kinds more: around && within ||, an if within an if's test or first arm, a reduction before / or %. */
#include "format_expr.h"

void format_comments(formatter *f, uint32_t position)
{
	const ast_comments *comments = &f->file->comments;
	while (f->next < comments->count && comments->items[f->next].span.begin < position) {
		const ast_comment *comment = &comments->items[f->next++];
		size_t length;
		const char *text = lang_span_text(f->ctx, comment->span, &length);
		doc_comment(&f->d, comment, text, length);
	}
}

void format_token(formatter *f, lang_span span, const char *text)
{
	format_comments(f, span.begin);
	doc_text(&f->d, text);
}

void format_name(formatter *f, ast_name name)
{
	format_token(f, name.span, name.text);
}

void format_path(formatter *f, const ast_path *path)
{
	for (uint32_t i = 0; i < path->parts.count; i++) {
		if (i > 0)
			doc_text(&f->d, ".");
		format_name(f, path->parts.items[i]);
	}
}

void format_names(formatter *f, ast_names names)
{
	for (uint32_t i = 0; i < names.count; i++) {
		if (i > 0) {
			doc_text(&f->d, ",");
			doc_line(&f->d);
		}
		format_name(f, names.items[i]);
	}
}

/* Where an expression stands. */
typedef struct place {
	ast_prec least;              /* looser ones are put in parentheses */
	bool star_follows;           /* `*` or `.*` stands behind it: a reduction would take that for its own */
} place;

static void put(formatter *f, const ast_expr *expr, place at);

static bool is_star(ast_binary_op op)
{
	return op == AST_MUL || op == AST_RING_MUL;
}

static bool is_star_node(const ast_expr *expr)
{
	return expr->kind == AST_BINARY && is_star(expr->u.binary.op);
}

static ast_prec prec_of(const ast_expr *expr)
{
	switch ((ast_expr_kind)expr->kind) {
	case AST_IF:
		return AST_PREC_IF;
	case AST_BINARY:
		return ast_binary_prec(expr->u.binary.op);
	case AST_UNARY:
	case AST_REDUCE:
		return AST_PREC_UNARY;
	default:
		return AST_PREC_POSTFIX;
	}
}

/* Operands that are put in parentheses although the tree would be the same without: readers get them wrong. */
static bool is_unclear(const ast_expr *operand, ast_binary_op op)
{
	if (op == AST_OR)
		return operand->kind == AST_BINARY && operand->u.binary.op == AST_AND;
	return operand->kind == AST_REDUCE && (op == AST_DIV || op == AST_REM);
}

static void put_in_parentheses(formatter *f, const ast_expr *expr)
{
	doc_text(&f->d, "(");
	put(f, expr, (place){AST_PREC_IF, false});
	doc_text(&f->d, ")");
}

/* Whether the operand behind an operator begins with brackets that it can break within. */
static bool has_brackets(const ast_expr *operand, ast_prec least)
{
	return prec_of(operand) < least || operand->kind == AST_CALL || operand->kind == AST_CONVERT;
}

static void put_operator(formatter *f, const ast_expr *expr, ast_prec least)
{
	doc_line_hug(&f->d, has_brackets(expr->u.binary.right, least));
	format_token(f, expr->u.binary.op_span, ast_binary_text(expr->u.binary.op));
	doc_text(&f->d, " ");
}

/* `a + b - c`: the operators of one precedence, in one group. */
static void put_chain(formatter *f, const ast_expr *expr, place at)
{
	ast_prec prec = ast_binary_prec(expr->u.binary.op);
	const ast_expr *left = expr->u.binary.left;
	bool star = is_star(expr->u.binary.op);
	if (is_unclear(left, expr->u.binary.op))
		put_in_parentheses(f, left);
	else if (prec != AST_PREC_COMPARE && prec_of(left) == prec)
		put_chain(f, left, (place){prec, star});
	else
		put(f, left, (place){prec == AST_PREC_COMPARE ? prec + 1 : prec, star});
	put_operator(f, expr, prec + 1);
	if (is_unclear(expr->u.binary.right, expr->u.binary.op))
		put_in_parentheses(f, expr->u.binary.right);
	else
		put(f, expr->u.binary.right, (place){prec + 1, at.star_follows && prec == AST_PREC_MUL});
}

static void put_if(formatter *f, const ast_expr *expr)
{
	doc_open(&f->d, FORMAT_INDENT);
	for (;;) {
		format_token(f, expr->span, "if ");
		doc_open(&f->d, FORMAT_INDENT);
		put(f, expr->u.cond.test, (place){AST_PREC_OR, false});
		doc_line(&f->d);
		doc_text(&f->d, "then ");
		put(f, expr->u.cond.yes, (place){AST_PREC_OR, false});
		doc_close(&f->d);
		doc_line(&f->d);
		doc_text(&f->d, "else ");
		expr = expr->u.cond.no;
		if (expr->kind != AST_IF)
			break;
	}
	put(f, expr, (place){AST_PREC_IF, false});
	doc_close(&f->d);
}

static void put_bindings(formatter *f, const ast_reduce *reduce)
{
	doc_text(&f->d, "[");
	doc_open(&f->d, FORMAT_INDENT);
	for (uint32_t i = 0; i < reduce->bindings.count; i++) {
		const ast_binding *binding = &reduce->bindings.items[i];
		if (i > 0) {
			doc_text(&f->d, ",");
			doc_line(&f->d);
		}
		format_name(f, binding->name);
		if (binding->from != NULL) {
			doc_text(&f->d, " in ");
			put(f, binding->from, (place){AST_PREC_IF, false});
			doc_text(&f->d, "..");
			put(f, binding->to, (place){AST_PREC_IF, false});
		}
	}
	if (reduce->where != NULL) {
		doc_line(&f->d);
		doc_text(&f->d, "where ");
		put(f, reduce->where, (place){AST_PREC_IF, false});
	}
	doc_close(&f->d);
	doc_text(&f->d, "]");
}

/* One factor of a reduction's body. The first one of a semiring's does not begin with a minus. */
static void put_factor(formatter *f, const ast_expr *expr, bool star_follows, bool no_minus)
{
	if (no_minus && expr->kind == AST_UNARY && expr->u.unary.op == AST_NEG)
		put_in_parentheses(f, expr);
	else
		put(f, expr, (place){AST_PREC_UNARY, star_follows});
}

/* The factors of a body: a chain of `*` and `.*` alone stands without parentheses. */
static void put_factors(formatter *f, const ast_expr *expr, bool star_follows, bool no_minus)
{
	if (!is_star_node(expr)) {
		put_factor(f, expr, star_follows, no_minus);
		return;
	}
	put_factors(f, expr->u.binary.left, true, no_minus);
	put_operator(f, expr, AST_PREC_UNARY);
	put_factor(f, expr->u.binary.right, star_follows, false);
}

static void put_reduce(formatter *f, const ast_expr *expr)
{
	const ast_reduce *reduce = expr->u.reduce;
	doc_open_fill(&f->d, FORMAT_INDENT);
	if (reduce->semiring != NULL)
		format_path(f, reduce->semiring);
	else
		format_token(f, reduce->head, ast_reduction_text(reduce->op));
	put_bindings(f, reduce);
	doc_line_hug(&f->d, has_brackets(reduce->body, AST_PREC_UNARY));
	doc_open_fill(&f->d, 0);
	put_factors(f, reduce->body, false, reduce->semiring != NULL);
	doc_close(&f->d);
	doc_close(&f->d);
}

void format_exprs(formatter *f, ast_exprs list)
{
	doc_open(&f->d, FORMAT_INDENT);
	if (list.count > 1)
		doc_soft(&f->d);
	for (uint32_t i = 0; i < list.count; i++) {
		if (i > 0) {
			doc_text(&f->d, ",");
			doc_line(&f->d);
		}
		put(f, list.items[i], (place){AST_PREC_IF, false});
	}
	doc_close(&f->d);
}

static void put_read(formatter *f, const ast_expr *expr)
{
	const ast_read *read = expr->u.read;
	if (read->view != AST_VIEW_NONE) {
		format_token(f, expr->span, ast_view_text(read->view));
		doc_text(&f->d, "(");
	}
	if (read->prev && read->view == AST_VIEW_NONE)
		format_token(f, expr->span, "prev ");
	else if (read->prev)
		doc_text(&f->d, "prev ");
	format_path(f, read->page);
	if (read->fill != NULL) {
		doc_text(&f->d, ", ");
		put(f, read->fill, (place){AST_PREC_IF, false});
	}
	if (read->view != AST_VIEW_NONE)
		doc_text(&f->d, ")");
	if (read->index.count > 0) {
		doc_text(&f->d, "[");
		format_exprs(f, read->index);
		doc_text(&f->d, "]");
	}
}

/* What a point may follow without parentheses and mean the same. */
static bool takes_field(const ast_expr *expr)
{
	switch ((ast_expr_kind)expr->kind) {
	case AST_READ:
		return expr->u.read->index.count > 0;
	case AST_CALL:
	case AST_CONVERT:
	case AST_FIELD:
		return true;
	default:
		return false;
	}
}

static void put_field(formatter *f, const ast_expr *expr)
{
	if (takes_field(expr->u.field.base))
		put(f, expr->u.field.base, (place){AST_PREC_POSTFIX, false});
	else
		put_in_parentheses(f, expr->u.field.base);
	doc_text(&f->d, ".");
	format_name(f, expr->u.field.name);
}

static void put_leaf(formatter *f, const ast_expr *expr)
{
	switch ((ast_expr_kind)expr->kind) {
	case AST_INT:
		format_token(f, expr->span, expr->u.integer.spelling);
		break;
	case AST_FLOAT:
		format_token(f, expr->span, expr->u.real.spelling);
		break;
	case AST_BOOL:
		format_token(f, expr->span, expr->u.boolean ? "true" : "false");
		break;
	case AST_NAME:
		format_path(f, expr->u.name);
		break;
	default:
		format_token(f, expr->span, ast_binary_text(expr->u.op));
		break;
	}
}

static void put(formatter *f, const ast_expr *expr, place at)
{
	/* A reduction, with operators before it or not, takes the stars behind it: it is closed in parentheses first. */
	bool takes_star = at.star_follows && expr->kind == AST_REDUCE;
	if (prec_of(expr) < at.least || takes_star) {
		put_in_parentheses(f, expr);
		return;
	}
	switch ((ast_expr_kind)expr->kind) {
	case AST_UNARY:
		format_token(f, expr->span, ast_unary_text(expr->u.unary.op));
		put(f, expr->u.unary.arg, (place){AST_PREC_UNARY, at.star_follows});
		break;
	case AST_BINARY:
		doc_open_fill(&f->d, FORMAT_INDENT);
		put_chain(f, expr, at);
		doc_close(&f->d);
		break;
	case AST_IF:
		put_if(f, expr);
		break;
	case AST_REDUCE:
		put_reduce(f, expr);
		break;
	case AST_READ:
		put_read(f, expr);
		break;
	case AST_FIELD:
		put_field(f, expr);
		break;
	case AST_CALL:
		format_path(f, expr->u.call.callee);
		doc_text(&f->d, "(");
		format_exprs(f, expr->u.call.args);
		doc_text(&f->d, ")");
		break;
	case AST_CONVERT:
		format_type(f, expr->u.convert.to);
		doc_text(&f->d, "(");
		put(f, expr->u.convert.arg, (place){AST_PREC_IF, false});
		doc_text(&f->d, ")");
		break;
	default:
		put_leaf(f, expr);
		break;
	}
}

void format_expr(formatter *f, const ast_expr *expr)
{
	put(f, expr, (place){AST_PREC_IF, false});
}

void format_type(formatter *f, const ast_type *type)
{
	if (type->sparse)
		format_token(f, type->span, "sparse ");
	if (type->kind == AST_TYPE_NAMED) {
		format_path(f, type->record);
	} else if (type->kind == AST_TYPE_SCALAR) {
		format_name(f, type->name);
	} else {
		doc_text(&f->d, "index(");
		format_expr(f, type->extent);
		doc_text(&f->d, ")");
	}
	if (type->has_dims) {
		doc_text(&f->d, "[");
		format_exprs(f, type->dims);
		doc_text(&f->d, "]");
	}
}
