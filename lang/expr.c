/* Expressions: names, conversions, operators. Calls, reads and reductions have files of their own. */
#include "check.h"

#include <string.h>

enum {
	VALUE_KINDS = 1 << SYM_SIZE | 1 << SYM_PARAM | 1 << SYM_VALUE | 1 << SYM_PAGE | 1 << SYM_LET
};

/* ---- where texts stand ---- */

site site_of(checker *ck, scope *sc)
{
	return (site){.ck = ck, .scope = sc, .trace = sc->trace};
}

site constant_site(checker *ck, scope *sc, const char *what)
{
	site s = site_of(ck, sc);
	s.what = what;
	return s;
}

bool may_read_pages(site *s, lang_span span, const char *page)
{
	lang_diag *diag;
	if (s->what != NULL) {
		diag = site_error(s, span, "%s is a constant expression and does not read the page '%s'", s->what, page);
		lang_help(s->ck->ctx, diag, "it is made of literals and params");
		return false;
	}
	if (s->mode == SITE_FN) {
		diag = site_error(s, span, "a function does not read the page '%s'", page);
		lang_help(s->ck->ctx, diag, "give it the element as an argument");
		return false;
	}
	return true;
}

/* ---- names ---- */

static p_expr *fields_of(site *s, p_expr *e, const ast_path *path, uint32_t used)
{
	for (; used < path->parts.count; used++)
		e = field_of(s, e, path->parts.items[used]);
	return e;
}

static p_expr *not_a_value(site *s, const sym *found, lang_span span)
{
	lang_diag *diag = site_error(s, span, "'%s' is a %s, not a value", found->name, sym_noun((sym_kind)found->kind));
	lang_note(s->ck->ctx, diag, found->span, "declared here");
	if (found->kind == SYM_FN)
		lang_help(s->ck->ctx, diag, "a function is called with its arguments: `%s(...)`", found->name);
	else if (found->kind == SYM_INSTANCE)
		lang_help(s->ck->ctx, diag, "its pages are `%s.NAME`", found->name);
	else if (found->kind == SYM_SEMIRING)
		lang_help(s->ck->ctx, diag, "a semiring reduces: `%s[k] ...`", found->name);
	return &s->ck->poison;
}

static p_expr *value_of(site *s, sym *found, lang_span span)
{
	p_expr *node;
	switch ((sym_kind)found->kind) {
	case SYM_SIZE:
		node = new_node(s, P_SIZE, scalar_type(T_I64), span, 0, NULL);
		if (!is_poison(node))
			node->u.size = found->u.size;
		return node;
	case SYM_PARAM:
		node = new_node(s, P_PARAM, found->u.param->type, span, 0, NULL);
		if (!is_poison(node))
			node->u.param = found->u.param;
		return node;
	case SYM_VALUE:
		return found->u.value;
	case SYM_PAGE:
		return read_page(s, found->u.page, span, NULL);
	case SYM_LET:
		return use_let(s, found, span, NULL);
	default:
		return not_a_value(s, found, span);
	}
}

static p_expr *check_name(site *s, const ast_expr *e)
{
	const ast_path *path = e->u.name;
	const local *l = find_local(s, path->parts.items[0].text);
	if (l != NULL) {
		p_expr *value = l->value->kind == P_VAR ? var_node(s, l->value->u.var, path->parts.items[0].span) : l->value;
		return fields_of(s, value, path, 1);
	}
	uint32_t used;
	sym *found = find_path(s, path, &used, VALUE_KINDS, "name");
	if (found == NULL || found->state == SYM_BAD)
		return &s->ck->poison;
	return fields_of(s, value_of(s, found, e->span), path, used);
}

/* ---- conversions ---- */

int scalar_id(const char *name)
{
	for (int id = 0; id < T_COUNT; id++)
		if (strcmp(type_table[id].name, name) == 0)
			return id;
	return T_COUNT;
}

static p_expr *check_convert(site *s, ast_expr *e)
{
	const ast_type *to = e->u.convert.to;
	p_expr *arg = check_expr(s, e->u.convert.arg);
	if (to->kind == AST_TYPE_INDEX) {
		const p_size *dim = size_of(s, to->extent);
		return dim == NULL ? &s->ck->poison : make_index(s, dim, arg, e->span);
	}
	int type = scalar_id(to->name.text);
	if (is_poison(arg) || type == T_COUNT)
		return &s->ck->poison;
	if (arg->type.base == B_RECORD) {
		lang_diag *diag = site_error(s, e->span, "'%s' does not convert a whole record", type_table[type].name);
		lang_help(s->ck->ctx, diag, "write the field, as in `.%s`",
		          arg->type.record->n_fields > 0 ? arg->type.record->fields[0].name : "x");
		return &s->ck->poison;
	}
	/* u64(18446744073709551615) is no i64, and yet clear. */
	scalar value;
	bool wide = arg->kind == P_CONST && arg->type.scalar == LIT_INT && !literal_value(s->ck, arg, T_I64, &value) &&
	            literal_value(s->ck, arg, type, &value);
	arg = wide ? settle(s, arg, type) : settle_default(s, arg);
	return convert(s, arg, scalar_type(type));
}

/* ---- operators ---- */

static p_expr *check_unary(site *s, ast_expr *e)
{
	p_expr *arg = check_expr(s, e->u.unary.arg);
	if (e->u.unary.op == AST_NEG)
		return negate(s, arg, e->span);
	return make_op(s, e->u.unary.op == AST_NOT ? OP_LNOT : OP_BNOT, e->span, 1, &arg, ast_unary_text(e->u.unary.op));
}

static p_expr *check_binary(site *s, ast_expr *e)
{
	ast_binary_op op = e->u.binary.op;
	const char *text = ast_binary_text(op);
	op_id id = (op_id)s->ck->binary_op[op];
	bool lost = false;

	if (op == AST_RING_ADD || op == AST_RING_MUL) {
		lost = s->ring == NULL;
		if (lost)
			lang_help(s->ck->ctx, site_error(s, e->u.binary.op_span, "'%s' stands in no body of a semiring reduction",
			                                 text),
			          "it means an operation of a semiring S within the body of `S[k] ...`%s",
			          op == AST_RING_ADD ? ", where it needs parentheses" : "");
		else
			id = (op_id)(op == AST_RING_ADD ? s->ring->add : s->ring->mul);
	}
	p_expr *args[2] = {check_expr(s, e->u.binary.left), NULL};
	args[1] = check_expr(s, e->u.binary.right);
	return lost ? &s->ck->poison : make_op(s, id, e->span, 2, args, text);
}

static p_expr *check_if(site *s, ast_expr *e)
{
	p_expr *args[3] = {check_expr(s, e->u.cond.test), NULL, NULL};
	args[1] = check_expr(s, e->u.cond.yes);
	args[2] = check_expr(s, e->u.cond.no);
	return make_if(s, e->span, args);
}

/* ---- all of them ---- */

static p_expr *dispatch(site *s, ast_expr *e)
{
	switch ((ast_expr_kind)e->kind) {
	case AST_INT:
	case AST_FLOAT:
	case AST_BOOL:
		return literal_node(s, e);
	case AST_NAME:
		return check_name(s, e);
	case AST_READ:
		return check_read(s, e);
	case AST_FIELD:
		return field_of(s, check_expr(s, e->u.field.base), e->u.field.name);
	case AST_CALL:
		return check_call(s, e);
	case AST_CONVERT:
		return check_convert(s, e);
	case AST_UNARY:
		return check_unary(s, e);
	case AST_BINARY:
		return check_binary(s, e);
	case AST_IF:
		return check_if(s, e);
	case AST_REDUCE:
		return check_reduce(s, e);
	case AST_OPERATOR:
		break;
	}
	lang_help(s->ck->ctx, site_error(s, e->span, "an operator alone is not a value"),
	          "operators alone stand in a semiring: `add = min; mul = +;`");
	return &s->ck->poison;
}

/* Functions and lets can make a short text stand for a very large one. */
static bool has_room(site *s, lang_span span)
{
	if (s->ck->depth < CHECK_MAX_DEPTH)
		return check_spend(s, 1, span);
	grew(s, span, true);
	return false;
}

p_expr *check_expr(site *s, ast_expr *e)
{
	if (!has_room(s, e->span))
		return &s->ck->poison;
	s->ck->depth++;
	p_expr *result = dispatch(s, e);
	s->ck->depth--;
	return result;
}

p_expr *check_value(site *s, ast_expr *e)
{
	p_expr *value = settle_default(s, check_expr(s, e));
	if (is_poison(value) || value->type.base != B_RECORD)
		return value;
	lang_help(s->ck->ctx, site_error(s, e->span, "this is a whole record '%s'", value->type.record->name),
	          "write one of its fields");
	return &s->ck->poison;
}

p_expr *check_as(site *s, ast_expr *e, p_type type, const char *what)
{
	return assign(s, check_expr(s, e), type, what);
}
