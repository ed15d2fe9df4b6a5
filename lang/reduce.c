/* Reductions and the semirings they may be by. */
#include "check.h"

#include <string.h>

/* ---- semirings ---- */

typedef enum ring_part { RING_PART_ADD, RING_PART_MUL, RING_PART_ZERO, RING_PART_ONE, RING_PARTS } ring_part;
static const char *const part_names[RING_PARTS] = {"add", "mul", "zero", "one"};

static op_id ring_op(site *s, const ast_expr *e, const char *part, bool reduces)
{
	op_id op = OP_COUNT;
	const char *text = check_source(s->ck, e->span);
	if (e->kind == AST_OPERATOR && e->u.op < AST_BINARY_COUNT)
		op = op_find(ast_binary_text(e->u.op), FORM_INFIX, 2);
	else if (e->kind == AST_NAME && e->u.name->parts.count == 1)
		op = op_find(e->u.name->parts.items[0].text, FORM_CALL, 2);
	if (op == OP_COUNT || op_table[op].rule != RULE_ARITH) {
		lang_help(s->ck->ctx, site_error(s, e->span, "'%s' is no operation of a semiring", text),
		          "`%s` is one of + * min max || && | &%s", part, reduces ? " ^" : " ^ - / and functions of two arguments");
		return OP_COUNT;
	}
	if (reduces && op_table[op].reduce == REDUCE_NO) {
		lang_help(s->ck->ctx, site_error(s, e->span, "'%s' cannot be the add of a semiring: its order matters", text),
		          "`add` is one of + * min max || && | & ^");
		return OP_COUNT;
	}
	return op;
}

/* zero and one are literals, because they are part of the program. */
static p_expr *ring_literal(site *s, ast_expr *e, const ring *r)
{
	p_expr *value = check_expr(s, e);
	if (is_poison(value))
		return NULL;
	if (value->kind != P_CONST) {
		lang_help(s->ck->ctx, site_error(s, e->span, "zero and one of a semiring are literals"),
		          "a number, inf, -inf, true or false");
		return NULL;
	}
	if (r->typed && is_literal(value) && is_poison(ring_constant(s, value, r->type.scalar)))
		return NULL;
	if (r->typed && !is_literal(value) && value->type.scalar != r->type.scalar) {
		site_error(s, e->span, "the semiring is of '%s', and this is '%s'", type_text(s->ck, &r->type),
		           type_text(s->ck, &value->type));
		return NULL;
	}
	return value;
}

static bool ring_type(site *s, const ast_type *type, ring *r)
{
	if (type == NULL)
		return true;
	if (type->kind != AST_TYPE_SCALAR || type->has_dims || type->sparse) {
		lang_help(s->ck->ctx, site_error(s, type->span, "a semiring is of one number type, or of any"),
		          "write `semiring s : f32 { ... }`, or leave the type out");
		return false;
	}
	r->typed = true;
	r->type = scalar_type(scalar_id(type->name.text));
	return r->type.scalar < T_COUNT;
}

/* Finds the four entries; false: one is missing, unknown or there twice. */
static bool ring_entries(site *s, const sym *what, ast_expr *found[RING_PARTS])
{
	const ast_entries *entries = &what->decl->u.semiring.entries;
	bool sound = true;
	for (uint32_t i = 0; i < entries->count; i++) {
		ast_name name = entries->items[i].name;
		int part = 0;
		while (part < RING_PARTS && strcmp(part_names[part], name.text) != 0)
			part++;
		if (part == RING_PARTS)
			lang_help(s->ck->ctx, site_error(s, name.span, "a semiring has no '%s'", name.text),
			          "it has add, mul, zero and one");
		else if (found[part] != NULL)
			site_error(s, name.span, "'%s' is given twice", name.text);
		if (part == RING_PARTS || found[part] != NULL)
			sound = false;
		else
			found[part] = entries->items[i].value;
	}
	for (int part = 0; part < RING_PARTS; part++)
		if (found[part] == NULL) {
			lang_help(s->ck->ctx, site_error(s, what->span, "the semiring '%s' has no '%s'", what->name, part_names[part]),
			          "write `semiring %s { add = min; mul = +; zero = inf; one = 0; }`", what->name);
			sound = false;
		}
	return sound;
}

void resolve_ring(checker *ck, sym *what)
{
	site s = constant_site(ck, what->home, "a semiring's zero or one");
	ast_expr *parts[RING_PARTS] = {NULL};
	ring *r = LANG_NEW(ck->ctx, ring);

	what->state = SYM_BAD;
	if (r == NULL || !ring_type(&s, what->decl->u.semiring.type, r) || !ring_entries(&s, what, parts))
		return;
	op_id add = ring_op(&s, parts[RING_PART_ADD], "add", true);
	op_id mul = ring_op(&s, parts[RING_PART_MUL], "mul", false);
	r->name = what->name;
	r->zero = ring_literal(&s, parts[RING_PART_ZERO], r);
	r->one = ring_literal(&s, parts[RING_PART_ONE], r);
	if (add == OP_COUNT || mul == OP_COUNT || r->zero == NULL || r->one == NULL)
		return;
	r->add = (uint8_t)add;
	r->mul = (uint8_t)mul;
	if (r->typed && !((op_table[add].types & op_table[mul].types) >> r->type.scalar & 1u)) {
		site_error(&s, what->span, "the semiring '%s' is of '%s', which its operations do not take", what->name,
		           type_text(ck, &r->type));
		return;
	}
	what->u.ring = r;
	what->state = SYM_DONE;
}

/* ---- the indices of a reduction ---- */

/* Their range, where it is written; else the first plain read will give it. */
static var_info *bind(site *s, const ast_binding *binding)
{
	const p_size *lo = size_const(s->ck, 0), *hi = NULL;
	if (binding->from != NULL) {
		lo = size_of(s, binding->from);
		hi = size_of(s, binding->to);
		if (lo == NULL || hi == NULL) /* reported: any range will do to go on */
			lo = hi = size_const(s->ck, 0);
	}
	return var_new(s->ck, binding->name, lo, hi);
}

typedef struct binder {
	frame frame;
	local *locals;
	const ast_reduce *ast;
} binder;

static bool bind_all(site *s, binder *b)
{
	uint32_t count = b->ast->bindings.count;
	b->frame.vars = LANG_NEW_ARRAY(s->ck->ctx, p_var *, count);
	b->locals = LANG_NEW_ARRAY(s->ck->ctx, local, count);
	if (b->frame.vars == NULL || b->locals == NULL)
		return false;
	b->frame.count = count;
	for (uint32_t i = 0; i < count; i++) {
		const ast_binding *binding = &b->ast->bindings.items[i];
		for (uint32_t k = 0; k < i; k++)
			if (b->ast->bindings.items[k].name.text == binding->name.text)
				site_error(s, binding->name.span, "the index '%s' is bound twice", binding->name.text);
		var_info *var = bind(s, binding);
		if (var == NULL)
			return false;
		b->frame.vars[i] = &var->var;
		b->locals[i] = (local){.next = i == 0 ? s->locals : &b->locals[i - 1], .name = binding->name.text,
		                       .value = var_node(s, &var->var, binding->name.span), .span = binding->name.span};
	}
	return true;
}

/* Every index must have a range now; an error in the body may be the reason why one has none. */
static bool ranges_known(site *s, const binder *b, bool sound)
{
	bool known = true;
	for (uint32_t i = 0; i < b->frame.count; i++) {
		p_var *var = b->frame.vars[i];
		if (var->hi != NULL)
			continue;
		if (sound) {
			lang_diag *diag = site_error(s, var->span, "no read gives the index '%s' a range", var->name);
			lang_help(s->ck->ctx, diag, "write `%s in 0..W`", var->name);
		}
		var->hi = size_const(s->ck, 0);
		known = false;
	}
	return known;
}

/* ---- what is reduced ---- */

typedef struct reduction {
	p_reduce *reduce;
	p_expr *body;
	p_type type;             /* of the result */
} reduction;

static bool takes(site *s, const reduction *r, unsigned types, const char *what)
{
	if (r->body->type.base == B_SCALAR && r->body->type.scalar < T_COUNT && ((types >> r->body->type.scalar) & 1u))
		return true;
	lang_diag *diag = site_error(s, r->body->span, "'%s' takes %s, not '%s'", r->reduce->name, what,
	                             type_text(s->ck, &r->body->type));
	if (r->body->type.base == B_RECORD)
		lang_help(s->ck->ctx, diag, "write one of the record's fields");
	else if (r->body->type.scalar == T_BOOL)
		lang_help(s->ck->ctx, diag, "`count` counts where a condition holds; `any` and `all` join conditions");
	else if (types == TYPES_BOOL_)
		lang_help(s->ck->ctx, diag, "write a comparison, as in `%s[...] (... > 0)`", r->reduce->name);
	return false;
}

/* Sums of integers are i64, of u64: u64. */
static void widen_sum(site *s, reduction *r)
{
	if (type_table[r->body->type.scalar].kind != KIND_F && r->body->type.scalar != T_U64)
		r->body = convert(s, r->body, scalar_type(T_I64));
}

static bool type_arg(site *s, reduction *r, const binder *b)
{
	const p_var *var = b->frame.vars[0];
	int64_t lo;
	if (b->frame.count > 1) {
		lang_help(s->ck->ctx, site_error(s, b->ast->head, "'%s' ranges over one index", r->reduce->name),
		          "its value is a position along one dimension");
		return false;
	}
	if (!size_is_const(var->lo, &lo) || lo != 0) {
		lang_help(s->ck->ctx, site_error(s, b->ast->head, "'%s' ranges over a whole dimension, from 0", r->reduce->name),
		          "choose a part of it with `where`");
		return false;
	}
	r->type = index_type(var->hi);
	return true;
}

static bool type_built_in(site *s, reduction *r, const binder *b)
{
	p_reduce *reduce = r->reduce;
	ast_reduction op = b->ast->op;
	if (op != AST_RED_ANY && op != AST_RED_ALL && op != AST_RED_COUNT) {
		r->body = as_number(s, r->body);
		if (!takes(s, r, TYPES_NUM, "numbers"))
			return false;
	} else if (!takes(s, r, TYPES_BOOL_, "a bool")) {
		return false;
	}
	switch (op) {
	case AST_RED_SUM:
	case AST_RED_PROD:
		reduce->op = op == AST_RED_SUM ? OP_ADD : OP_MUL;
		widen_sum(s, r);
		break;
	case AST_RED_MEAN:
		reduce->op = OP_ADD;
		reduce->reducer = RED_MEAN;
		widen_sum(s, r);
		r->type = scalar_type(r->body->type.scalar == T_F32 ? T_F32 : T_F64);
		return true;
	case AST_RED_COUNT:
		reduce->op = OP_ADD;
		r->body = convert(s, r->body, scalar_type(T_I64));
		break;
	case AST_RED_ANY:
	case AST_RED_ALL:
		reduce->op = op == AST_RED_ANY ? OP_LOR : OP_LAND;
		break;
	case AST_RED_MIN:
	case AST_RED_MAX:
		reduce->op = op == AST_RED_MIN ? OP_MIN : OP_MAX;
		break;
	default:
		reduce->op = op == AST_RED_ARGMIN ? OP_MIN : OP_MAX;
		reduce->reducer = op == AST_RED_ARGMIN ? RED_ARGMIN : RED_ARGMAX;
		return type_arg(s, r, b);
	}
	r->type = r->body->type;
	return true;
}

static const char *takes_text(unsigned types)
{
	if (types == TYPES_BOOL_)
		return "a bool";
	if (types & TYPES_BOOL_)
		return "integers or a bool";
	return types == TYPES_INT ? "integers" : types == TYPES_FLT ? "f32 or f64" : "numbers";
}

static bool type_ring(site *s, reduction *r, const ring *by)
{
	r->body = as_number(s, r->body);
	if (by->typed)
		r->body = assign(s, r->body, by->type, "the semiring");
	r->reduce->op = by->add;
	unsigned types = op_table[by->add].types & op_table[by->mul].types;
	if (is_poison(r->body) || !takes(s, r, types, takes_text(types)))
		return false;
	int type = r->body->type.scalar;
	p_expr *zero = is_literal(by->zero) ? ring_constant(s, by->zero, type) : by->zero;
	if (is_poison(zero))
		return false;
	if (zero->type.scalar != type) {
		site_error(s, r->body->span, "the zero of '%s' is '%s', and this is '%s'", by->name,
		           type_text(s->ck, &zero->type), type_text(s->ck, &r->body->type));
		return false;
	}
	r->reduce->identity = zero->u.value.bits;
	r->type = r->body->type;
	return true;
}

/* The semiring, or NULL: a built-in reduction, or an error (then *bad). */
static const ring *ring_of(site *s, const ast_reduce *ast, bool *bad)
{
	uint32_t used;
	*bad = false;
	if (ast->op != AST_RED_SEMIRING)
		return NULL;
	*bad = true;
	sym *found = find_path(s, ast->semiring, &used, 1u << SYM_SEMIRING, "semiring");
	if (found == NULL || found->state == SYM_BAD)
		return NULL;
	if (found->kind != SYM_SEMIRING || used < ast->semiring->parts.count) {
		lang_diag *diag = site_error(s, ast->semiring->span, "'%s' is a %s, not a semiring", found->name,
		                             sym_noun((sym_kind)found->kind));
		lang_note(s->ck->ctx, diag, found->span, "declared here");
		if (found->kind == SYM_PAGE || found->kind == SYM_LET)
			lang_help(s->ck->ctx, diag, "an operator is missing between `%s[...]` and what follows", found->name);
		return NULL;
	}
	*bad = false;
	return found->u.ring;
}

static p_expr *finish(site *s, const ast_expr *e, reduction *r, p_expr *where)
{
	p_expr *args[2] = {r->body, where};
	p_expr *node = new_node(s, P_REDUCE, r->type, e->span, where == NULL ? 1 : 2, args);
	if (!is_poison(node))
		node->u.reduce = r->reduce;
	return node;
}

p_expr *check_reduce(site *s, ast_expr *e)
{
	binder b = {.ast = e->u.reduce};
	reduction r = {.reduce = LANG_NEW(s->ck->ctx, p_reduce)};
	bool bad;
	if (s->what != NULL) {
		site_error(s, b.ast->head, "%s is a constant expression and has no reductions", s->what);
		return &s->ck->poison;
	}
	const ring *by = ring_of(s, b.ast, &bad);
	if (r.reduce == NULL || !bind_all(s, &b))
		return &s->ck->poison;
	b.frame.up = s->frames;
	b.frame.reduce = r.reduce;
	b.frame.head = b.ast->head;
	r.reduce->n_vars = b.frame.count;
	r.reduce->vars = b.frame.vars;
	r.reduce->name = by != NULL ? by->name : ast_reduction_text(b.ast->op);

	site in = *s;
	in.frames = &b.frame;
	in.locals = &b.locals[b.frame.count - 1];
	in.in_index = false;
	p_expr *where = b.ast->where == NULL ? NULL
	                                     : check_as(&in, b.ast->where, scalar_type(T_BOOL), "the condition");
	if (by != NULL)
		in.ring = by;
	r.body = settle_default(&in, check_expr(&in, b.ast->body));
	bool sound = !bad && !is_poison(r.body) && (where == NULL || !is_poison(where));
	if (!ranges_known(s, &b, sound) || !sound)
		return &s->ck->poison;
	if (!(by != NULL ? type_ring(s, &r, by) : type_built_in(s, &r, &b)) || is_poison(r.body))
		return &s->ck->poison;
	if (by == NULL)
		r.reduce->identity = op_identity((op_id)r.reduce->op, r.body->type.scalar);
	return finish(s, e, &r, where);
}
