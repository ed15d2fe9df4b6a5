/* Calls: the functions of the operator table, rand, and the user's functions and lets, which are put in where they
 * are used. What is put in for a parameter is one node that is reached from every place it is used. */
#include "check.h"

#include <string.h>

/* ---- within another text ---- */

bool enter_text(site *s, sym *what, lang_span span)
{
	checker *ck = s->ck;
	bool let = what->kind == SYM_LET;
	if (check_active(ck, what)) {
		lang_diag *diag = site_error(s, span, let ? "the let '%s' contains itself: %s" : "the function '%s' calls itself: %s",
		                             what->name, check_chain(ck, what));
		lang_note(ck->ctx, diag, what->span, "declared here");
		lang_help(ck->ctx, diag, let ? "a let is put in where it is used; an edge with `prev` or `fix` may refer to its page"
		                             : "functions do not recurse; a reduction or `fix` repeats");
		return false;
	}
	if (s->calls >= CHECK_MAX_CALLS) {
		site_error(s, span, "functions and lets are nested more than %d deep here", CHECK_MAX_CALLS);
		return false;
	}
	return check_enter(ck, what);
}

void leave_text(site *s)
{
	check_leave(s->ck);
}

/* The site of a text that is put in at s: its own scope and names, the same edge and reductions around. */
static site inside(const site *s, const sym *what, const trace *way, const local *locals, ast_expr *text)
{
	site in = *s;
	in.scope = what->home;
	in.trace = way;
	in.locals = locals;
	in.text = text;
	in.ring = NULL;
	in.in_index = false;
	in.calls = s->calls + 1;
	return in;
}

/* ---- rand ---- */

static p_expr *rand_word(site *s, p_expr *e)
{
	e = settle_default(s, as_number(s, e));
	if (is_poison(e))
		return e;
	if (e->type.base != B_SCALAR || !((TYPES_INT >> e->type.scalar) & 1)) {
		lang_help(s->ck->ctx, site_error(s, e->span, "'rand' takes integers, not '%s'", type_text(s->ck, &e->type)),
		          "a seed and what the number depends on: `rand(seed, i, j)`");
		return &s->ck->poison;
	}
	return convert(s, e, scalar_type(T_U64));
}

static p_expr *rand_op(site *s, op_id op, p_type type, lang_span span, uint32_t n, p_expr **args)
{
	p_expr *node = new_node(s, P_OP, type, span, n, args);
	if (!is_poison(node))
		node->op = (uint8_t)op;
	return node;
}

/* A pair of arguments a step; without any one step of zeros, so that the seed alone is mixed too. */
static p_expr *check_rand(site *s, ast_expr *e)
{
	const ast_exprs *args = &e->u.call.args;
	p_type word = scalar_type(T_U64);
	if (args->count == 0) {
		lang_help(s->ck->ctx, site_error(s, e->span, "'rand' takes a seed"),
		          "write `rand(seed, i)`: the same arguments give the same number");
		return &s->ck->poison;
	}
	p_expr *key = rand_word(s, check_expr(s, args->items[0]));
	for (uint32_t i = 1; i == 1 || i < args->count; i += 2) {
		p_expr *step[3] = {key, NULL, NULL};
		for (uint32_t k = 0; k < 2; k++)
			step[k + 1] = i + k < args->count ? rand_word(s, check_expr(s, args->items[i + k]))
			                                  : convert(s, int_const(s, 0, e->span), word);
		key = rand_op(s, OP_RAND_STEP, word, e->span, 3, step);
	}
	return rand_op(s, OP_RAND_UNIT, scalar_type(T_F64), e->span, 1, &key);
}

/* ---- functions of the table ---- */

static int built_in_arity(const char *name)
{
	for (int op = 0; op < OP_COUNT; op++)
		if (op_table[op].form == FORM_CALL && strcmp(op_table[op].spelling, name) == 0)
			return op_table[op].arity;
	return -1;
}

static p_expr *wrong_count(site *s, lang_span span, const char *name, uint32_t takes, uint32_t has)
{
	lang_diag *diag = site_error(s, span, "'%s' takes %u argument%s, not %u", name, takes, takes == 1 ? "" : "s", has);
	if (has > 2 && takes == 2 && (strcmp(name, "min") == 0 || strcmp(name, "max") == 0))
		lang_help(s->ck->ctx, diag, "write `%s(a, %s(b, c))`", name, name);
	return &s->ck->poison;
}

static p_expr *check_built_in(site *s, ast_expr *e, const char *name, int arity)
{
	const ast_exprs *args = &e->u.call.args;
	p_expr *values[3];
	if (args->count != (uint32_t)arity)
		return wrong_count(s, e->span, name, (uint32_t)arity, args->count);
	for (int i = 0; i < arity; i++)
		values[i] = check_expr(s, args->items[i]);
	return make_op(s, op_find(name, FORM_CALL, arity), e->span, (uint32_t)arity, values, name);
}

/* ---- the user's functions ---- */

/* The type of a parameter or result; POISON: reported. */
static p_type value_type(site *s, const ast_type *type)
{
	p_type out;
	if (type->has_dims || type->sparse) {
		lang_help(s->ck->ctx, site_error(s, type->span, "a function takes and gives single values, not arrays"),
		          "a reusable piece with pages is a `graph`");
		return scalar_type(POISON);
	}
	return record_type(s, type, &out) ? out : scalar_type(POISON);
}

static p_expr *as_declared(site *s, site *at, p_expr *e, const ast_type *type, const char *what)
{
	if (type == NULL)
		return e;
	p_type to = value_type(s, type);
	if (to.scalar == POISON)
		return &s->ck->poison;
	return assign(at, e, to, what == NULL ? "this" : what);
}

/* The value of a function with these arguments. */
static p_expr *fn_value(site *s, const sym *fn, const trace *way, p_expr **args)
{
	const ast_fn *ast = &fn->decl->u.fn;
	uint32_t count = ast->params.count + ast->lets.count;
	local *locals = LANG_NEW_ARRAY(s->ck->ctx, local, count == 0 ? 1 : count);
	const local *top = NULL;
	if (locals == NULL)
		return &s->ck->poison;
	for (uint32_t i = 0; i < ast->params.count; i++) {
		ast_name name = ast->params.items[i].name;
		for (const local *l = top; l != NULL; l = l->next)
			if (l->name == name.text)
				site_error(s, name.span, "'%s' has two parameters '%s'", fn->name, name.text);
		locals[i] = (local){.next = top, .name = name.text, .value = args[i], .span = name.span};
		top = &locals[i];
	}
	site in = inside(s, fn, way, top, ast->value);
	in.mode = SITE_FN;
	in.binder = "function";
	in.bound = NULL;
	for (uint32_t i = 0; i < ast->lets.count; i++) {
		local *l = &locals[ast->params.count + i];
		in.text = ast->lets.items[i].value;
		p_expr *value = check_expr(&in, in.text);
		*l = (local){.next = in.locals, .name = ast->lets.items[i].name.text, .value = value,
		             .span = ast->lets.items[i].name.span};
		in.locals = l;
	}
	in.text = ast->value;
	p_expr *value = check_expr(&in, ast->value);
	return as_declared(&in, &in, value, ast->result, lang_sprintf(s->ck->ctx, "the result of '%s'", fn->name));
}

static p_expr *call_fn(site *s, ast_expr *e, sym *fn)
{
	const ast_fn *ast = &fn->decl->u.fn;
	const ast_exprs *given = &e->u.call.args;
	if (given->count != ast->params.count) {
		wrong_count(s, e->span, fn->name, ast->params.count, given->count);
		return &s->ck->poison;
	}
	p_expr **args = LANG_NEW_ARRAY(s->ck->ctx, p_expr *, given->count + 1);
	if (args == NULL)
		return &s->ck->poison;
	site home = site_of(s->ck, fn->home);
	for (uint32_t i = 0; i < given->count; i++) {
		const ast_field *param = &ast->params.items[i];
		args[i] = as_declared(&home, s, check_expr(s, given->items[i]), param->type,
		                      lang_sprintf(s->ck->ctx, "the parameter '%s' of '%s'", param->name.text, fn->name));
	}
	if (!enter_text(s, fn, e->span))
		return &s->ck->poison;
	trace way = {s->trace, e->span, fn->name, TRACE_CALL};
	p_expr *value = fn_value(s, fn, &way, args);
	leave_text(s);
	return value;
}

static p_expr *unknown_function(site *s, const ast_path *path)
{
	ast_name name = path->parts.items[0];
	lang_nearest nearest = lang_nearest_to(name.text);
	for (int op = 0; op < OP_COUNT; op++)
		if (op_table[op].form == FORM_CALL)
			lang_nearest_offer(&nearest, op_table[op].spelling);
	lang_nearest_offer(&nearest, "rand");
	if (!check_full(s->ck))
		scope_offer(s->scope, &nearest, 1u << SYM_FN);
	s->ck->naming = true;
	lang_diag *diag = site_error(s, name.span, "there is no function '%s'", name.text);
	s->ck->naming = false;
	if (nearest.best != NULL)
		lang_help(s->ck->ctx, diag, "did you mean '%s'?", nearest.best);
	return &s->ck->poison;
}

p_expr *check_call(site *s, ast_expr *e)
{
	const ast_path *path = e->u.call.callee;
	const char *name = path->parts.items[0].text;
	const sym *hidden;
	uint32_t used;

	if (path->parts.count == 1) {
		const sym *own = scope_find(s->scope, name, &hidden);
		int arity = built_in_arity(name);
		if ((own == NULL || own->kind != SYM_FN) && arity >= 0)
			return check_built_in(s, e, name, arity);
		if ((own == NULL || own->kind != SYM_FN) && strcmp(name, "rand") == 0)
			return check_rand(s, e);
		if (own == NULL && hidden == NULL)
			return unknown_function(s, path);
	}
	sym *found = find_path(s, path, &used, 1u << SYM_FN, "function");
	if (found == NULL || found->state == SYM_BAD)
		return &s->ck->poison;
	if (found->kind == SYM_FN && used == path->parts.count)
		return call_fn(s, e, found);
	lang_diag *diag = site_error(s, path->span, "'%s' is a %s, not a function", found->name,
	                             sym_noun((sym_kind)found->kind));
	lang_note(s->ck->ctx, diag, found->span, "declared here");
	if (found->kind == SYM_PAGE || found->kind == SYM_LET)
		lang_help(s->ck->ctx, diag, "an element is read with brackets: `%s[...]`", found->name);
	else if (found->kind == SYM_GRAPH)
		lang_help(s->ck->ctx, diag, "a graph is instantiated: `use x = %s(...);`", found->name);
	return &s->ck->poison;
}

/* ---- lets ---- */

/* What is put in for an index of a let: an i64, or a position. */
static p_expr *let_index(site *s, ast_expr *e)
{
	bool outer = s->in_index;
	s->in_index = true;
	p_expr *value = check_value(s, e);
	s->in_index = outer;
	if (is_poison(value) || value->type.base == B_INDEX)
		return value;
	return assign(s, value, scalar_type(T_I64), "an index");
}

static p_expr *let_value(site *s, sym *let, const trace *way, const local *locals)
{
	const ast_names *index = &let->decl->u.let.index;
	site in = inside(s, let, way, locals, let->decl->u.let.value);
	in.binder = "let";
	in.bound = index;
	return check_expr(&in, let->decl->u.let.value);
}

p_expr *use_let(site *s, sym *let, lang_span span, const ast_exprs *index)
{
	const ast_names *names = &let->decl->u.let.index;
	uint32_t count = index == NULL ? 0 : index->count;
	if (count != names->count) {
		lang_diag *diag = site_error(s, span, "the let '%s' has %u ind%s and is used with %u", let->name, names->count,
		                             names->count == 1 ? "ex" : "ices", count);
		lang_note(s->ck->ctx, diag, let->span, "declared here");
		return &s->ck->poison;
	}
	local *locals = LANG_NEW_ARRAY(s->ck->ctx, local, count + 1);
	if (locals == NULL)
		return &s->ck->poison;
	for (uint32_t i = 0; i < count; i++)
		locals[i] = (local){.next = i == 0 ? NULL : &locals[i - 1], .name = names->items[i].text,
		                    .value = let_index(s, index->items[i]), .span = index->items[i]->span,
		                    .let = let->name};
	if (!enter_text(s, let, span))
		return &s->ck->poison;
	trace way = {s->trace, span, let->name, TRACE_LET};
	p_expr *value = let_value(s, let, &way, count == 0 ? NULL : &locals[count - 1]);
	leave_text(s);
	return value;
}

/* ---- what nothing uses: its names, at least, must exist ---- */

void try_fn(checker *ck, sym *fn)
{
	const ast_fields *params = &fn->decl->u.fn.params;
	site s = site_of(ck, fn->home);
	p_expr **args = LANG_NEW_ARRAY(ck->ctx, p_expr *, params->count + 1);
	if (args == NULL || !enter_text(&s, fn, fn->span))
		return;
	for (uint32_t i = 0; i < params->count; i++) {
		p_type type = params->items[i].type == NULL ? scalar_type(POISON) : value_type(&s, params->items[i].type);
		args[i] = type.scalar == POISON ? &ck->poison : new_node(&s, P_CONST, type, params->items[i].span, 0, NULL);
	}
	fn_value(&s, fn, s.trace, args);
	leave_text(&s);
}

void try_let(checker *ck, sym *let)
{
	const ast_names *names = &let->decl->u.let.index;
	site s = site_of(ck, let->home);
	local *locals = LANG_NEW_ARRAY(ck->ctx, local, names->count + 1);
	if (locals == NULL || !enter_text(&s, let, let->span))
		return;
	for (uint32_t i = 0; i < names->count; i++) {
		var_info *var = var_new(ck, names->items[i], size_const(ck, 0), NULL);
		if (var == NULL)
			break;
		locals[i] = (local){.next = i == 0 ? NULL : &locals[i - 1], .name = names->items[i].text,
		                    .value = var_node(&s, &var->var, names->items[i].span), .span = names->items[i].span};
	}
	let_value(&s, let, s.trace, names->count == 0 ? NULL : &locals[names->count - 1]);
	leave_text(&s);
}
