/* Types and the rules of the operators: what widens to what, where a literal gets its type, what an operand may be. */
#include "check.h"

#include <string.h>

/* ---- types ---- */

bool same_type(const p_type *a, const p_type *b)
{
	return a->base == b->base && a->scalar == b->scalar && a->dim == b->dim && a->record == b->record;
}

/* Without loss: to more bits of the same kind, from unsigned to wider signed, from what a mantissa can hold. */
bool widens(int from, int to)
{
	if (from == to)
		return true;
	if (from >= T_COUNT || to >= T_COUNT)
		return false;
	const type_facts *a = &type_table[from], *b = &type_table[to];
	if (a->kind == KIND_B || b->kind == KIND_B)
		return false;
	if (a->kind == KIND_F)
		return b->kind == KIND_F && b->bytes > a->bytes;
	if (b->kind == KIND_F)
		return a->bytes < b->bytes;
	if (a->kind == KIND_S && b->kind == KIND_U)
		return false;
	return b->bytes > a->bytes;
}

const char *p_type_text(lang_ctx *ctx, const p_type *type)
{
	if (type->base == B_RECORD)
		return type->record->name;
	if (type->base == B_SCALAR)
		return type_table[type->scalar < T_COUNT ? type->scalar : type->scalar == LIT_INT ? T_I64 : T_F64].name;
	const char *dim = p_size_text(ctx, type->dim);
	return dim == NULL ? NULL : lang_sprintf(ctx, "index(%s)", dim);
}

const char *type_text(checker *ck, const p_type *type)
{
	const char *text = p_type_text(ck->ctx, type);
	return text == NULL ? "" : text;
}

/* ---- nodes ---- */

void grew(site *s, lang_span span, bool deep)
{
	lang_diag *diag;
	if (s->ck->told_growth)
		return;
	s->ck->told_growth = true;
	if (deep)
		diag = site_error(s, span, "this expression nests too deeply: more than %d levels with what is put in",
		                  CHECK_MAX_DEPTH);
	else
		diag = site_error(s, span, "this expression grows too large: more than %d operations with what is put in",
		                  CHECK_MAX_WEIGHT);
	lang_help(s->ck->ctx, diag, "let an internal page hold a part of it");
}

bool weigh_also(site *s, p_expr *node, const p_expr *part)
{
	bool deep = part->depth >= CHECK_MAX_DEPTH;
	if (deep || (uint64_t)node->weight + part->weight > CHECK_MAX_WEIGHT) {
		grew(s, node->span, deep);
		return false;
	}
	node->weight += part->weight;
	if (node->depth <= part->depth)
		node->depth = (uint16_t)(part->depth + 1);
	return true;
}

p_expr *new_node(site *s, p_kind kind, p_type type, lang_span span, uint32_t n_args, p_expr **args)
{
	for (uint32_t i = 0; i < n_args; i++)
		if (is_poison(args[i]))
			return &s->ck->poison;
	p_expr *node = LANG_NEW(s->ck->ctx, p_expr);
	p_expr **copy = n_args == 0 ? NULL : LANG_NEW_ARRAY(s->ck->ctx, p_expr *, n_args);
	if (node == NULL || (copy == NULL && n_args > 0))
		return &s->ck->poison;
	if (n_args > 0)
		memcpy(copy, args, n_args * sizeof *copy);
	node->kind = (uint8_t)kind;
	node->type = type;
	node->span = span;
	node->n_args = (uint8_t)n_args;
	node->args = copy;
	node->weight = node->depth = 1;
	for (uint32_t i = 0; i < n_args; i++)
		if (!weigh_also(s, node, args[i]))
			return &s->ck->poison;
	return node;
}

/* Of the same arguments: a node is never changed once it can be reached from another. */
p_expr *copy_node(site *s, const p_expr *e)
{
	p_expr *node = LANG_NEW(s->ck->ctx, p_expr);
	if (node == NULL)
		return &s->ck->poison;
	*node = *e;
	return node;
}

p_expr *int_const(site *s, int64_t value, lang_span span)
{
	p_expr *node = new_node(s, P_CONST, scalar_type(T_I64), span, 0, NULL);
	if (!is_poison(node))
		node->u.value.I64 = value;
	return node;
}

p_expr *convert(site *s, p_expr *e, p_type to)
{
	if (is_poison(e) || same_type(&e->type, &to))
		return e;
	return new_node(s, P_CONV, to, e->span, 1, &e);
}

p_expr *as_number(site *s, p_expr *e)
{
	return e->type.base == B_INDEX ? convert(s, e, scalar_type(T_I64)) : e;
}

/* ---- literals get their type ---- */

static p_expr *does_not_fit(site *s, const p_expr *e, int type)
{
	static const char *const holds[T_COUNT] = {
		[T_I8] = "-128 to 127", [T_I16] = "-32768 to 32767", [T_I32] = "-2147483648 to 2147483647",
		[T_I64] = "-9223372036854775808 to 9223372036854775807", [T_U8] = "0 to 255", [T_U16] = "0 to 65535",
		[T_U32] = "0 to 4294967295", [T_U64] = "0 to 18446744073709551615",
	};
	const char *name = type_table[type].name, *text = check_source(s->ck, e->span);
	const char *minus = e->op && text[0] != '-' ? "-" : "";
	lang_diag *diag;
	if (type == T_BOOL) {
		diag = site_error(s, e->span, "'%s%s' is a number where a bool is expected", minus, text);
		lang_help(s->ck->ctx, diag, "write `true` or `false`, or a comparison");
		return &s->ck->poison;
	}
	diag = site_error(s, e->span, "'%s%s' does not fit '%s'", minus, text, name);
	if (holds[type] == NULL)
		lang_help(s->ck->ctx, diag, "the largest '%s' is 3.4028235e38; infinity is written `inf`", name);
	else if (e->type.scalar == LIT_FLOAT)
		lang_help(s->ck->ctx, diag, "'%s' holds whole numbers; write a conversion where it meets a float", name);
	else
		lang_help(s->ck->ctx, diag, "'%s' holds %s", name, holds[type]);
	return &s->ck->poison;
}

static p_expr *wrong_operand(site *s, lang_span span, const char *as, op_id op, const p_type *type);

p_expr *settle(site *s, p_expr *e, int type)
{
	if (!is_literal(e) || type >= T_COUNT)
		return e;
	if (!check_spend(s, 1, e->span))
		return &s->ck->poison;
	if (e->kind == P_CONST) {
		scalar value;
		if (!literal_value(s->ck, e, type, &value))
			return does_not_fit(s, e, type);
		p_expr *node = copy_node(s, e);
		if (is_poison(node))
			return node;
		node->type = scalar_type(type);
		node->op = 0;
		node->u.value = value;
		return node;
	}
	p_type to = scalar_type(type);
	if (e->kind == P_OP && !((op_table[e->op].types >> type) & 1u))
		return wrong_operand(s, e->span, op_table[e->op].spelling, (op_id)e->op, &to);
	p_expr *args[3] = {NULL};
	for (uint32_t i = 0; i < e->n_args; i++) {
		args[i] = settle(s, e->args[i], type);
		if (e->kind == P_OP && op_table[e->op].rule == RULE_SHIFT && i == 1)
			args[i] = convert(s, e->args[i], to);
	}
	p_expr *node = new_node(s, (p_kind)e->kind, to, e->span, e->n_args, args);
	if (!is_poison(node))
		node->op = e->op;
	return node;
}

p_expr *settle_default(site *s, p_expr *e)
{
	return is_literal(e) ? settle(s, e, e->type.scalar == LIT_INT ? T_I64 : T_F64) : e;
}

/* ---- where a value goes ---- */

static p_expr *assign_literal_index(site *s, p_expr *e, p_type to)
{
	int64_t size;
	const char *dim = p_size_text(s->ck->ctx, to.dim);
	bool fixed = size_is_const(to.dim, &size);
	if (e->kind == P_CONST && e->type.scalar == LIT_INT && !e->op && fixed &&
	    e->u.value.bits < (uint64_t)(size > 0 ? size : 0) && size <= UINT32_MAX) {
		p_expr *node = copy_node(s, e);
		if (!is_poison(node))
			node->type = to;
		return node;
	}
	lang_diag *diag;
	if (fixed && e->kind == P_CONST)
		diag = site_error(s, e->span, "'%s' is not a position within %s", check_source(s->ck, e->span), dim);
	else
		diag = site_error(s, e->span, "a number is not proved to be a position within '%s'", dim);
	lang_help(s->ck->ctx, diag, "write `index(%s)(%s)`, which fails the epoch when it is out of range", dim,
	          check_source(s->ck, e->span));
	return &s->ck->poison;
}

static p_expr *cannot_go(site *s, const p_expr *e, p_type to, const char *what)
{
	const char *from = type_text(s->ck, &e->type), *type = type_text(s->ck, &to);
	lang_diag *diag = site_error(s, e->span, "%s is '%s', and this is '%s'", what, type, from);
	if (to.base == B_RECORD || e->type.base == B_RECORD)
		lang_help(s->ck->ctx, diag, to.base == B_RECORD ? "a record can only be copied whole from a page of that record"
		                                                : "write the field, as in `%s.%s`",
		          check_source(s->ck, e->span),
		          e->type.base == B_RECORD && e->type.record->n_fields > 0 ? e->type.record->fields[0].name : "");
	else if (to.base == B_SCALAR && to.scalar == T_BOOL)
		lang_help(s->ck->ctx, diag, "write a comparison, as in `%s != 0`", check_source(s->ck, e->span));
	else
		lang_help(s->ck->ctx, diag, "write the conversion: `%s(%s)`", type, check_source(s->ck, e->span));
	return &s->ck->poison;
}

p_expr *assign(site *s, p_expr *e, p_type to, const char *what)
{
	if (is_poison(e) || same_type(&e->type, &to))
		return e;
	if (is_literal(e) && to.base == B_SCALAR)
		return settle(s, e, to.scalar);
	if (is_literal(e) && to.base == B_INDEX)
		return assign_literal_index(s, e, to);
	e = settle_default(s, e);
	if (is_poison(e) || (e->type.base == B_INDEX && to.base == B_SCALAR && to.scalar == T_I64))
		return is_poison(e) ? e : convert(s, e, to);
	if (e->type.base != B_SCALAR || to.base != B_SCALAR || !widens(e->type.scalar, to.scalar))
		return cannot_go(s, e, to, what);
	return convert(s, e, to);
}

/* ---- operands ---- */

static p_expr *wrong_operand(site *s, lang_span span, const char *as, op_id op, const p_type *type)
{
	unsigned types = op_table[op].types;
	const char *takes = types == TYPES_FLT   ? "f32 or f64"
	                    : types == TYPES_INT ? "integers"
	                    : types == TYPES_NUM ? "numbers"
	                    : types == TYPES_BOOL_ ? "bool"
	                    : types == TYPES_BITS  ? "integers or bool"
	                                           : "numbers or bool";
	lang_diag *diag = site_error(s, span, "'%s' takes %s, not '%s'", as, takes, type_text(s->ck, type));
	if (type->base == B_RECORD)
		lang_help(s->ck->ctx, diag, "write the field, as in `.%s`",
		          type->record->n_fields > 0 ? type->record->fields[0].name : "x");
	else if (types == TYPES_FLT)
		lang_help(s->ck->ctx, diag, "write a conversion, as in `f64(...)`");
	else if (types == TYPES_BOOL_)
		lang_help(s->ck->ctx, diag, "write a comparison, as in `x != 0`");
	else if (type->scalar == T_BOOL)
		lang_help(s->ck->ctx, diag, "write a conversion, as in `i64(...)`, or `if c then a else b`");
	return &s->ck->poison;
}

/* Two operands of which neither widens to the other. */
static p_expr *mismatch(site *s, lang_span span, const char *as, const p_expr *a, const p_expr *b)
{
	checker *ck = s->ck;
	lang_diag *diag = site_error(s, span, "'%s' has operands of type '%s' and '%s', and neither widens to the other", as,
	                             type_text(ck, &a->type), type_text(ck, &b->type));
	if (a->type.base != B_SCALAR || b->type.base != B_SCALAR)
		return &ck->poison;
	if (a->type.scalar == T_BOOL || b->type.scalar == T_BOOL) {
		lang_help(ck->ctx, diag, "a bool is no number: write a comparison, as in `%s != 0`",
		          check_source(ck, a->type.scalar == T_BOOL ? b->span : a->span));
		return &ck->poison;
	}
	bool left_float = type_table[a->type.scalar].kind == KIND_F;
	const p_expr *other = left_float ? b : a, *target = left_float ? a : b;
	lang_help(ck->ctx, diag, "write the conversion, as in `%s(%s)`", type_text(ck, &target->type),
	          check_source(ck, other->span));
	return &ck->poison;
}

/* The one type that operands first..n-1 have or widen to; a literal type when they are all literals. POISON: reported. */
static int common_type(site *s, lang_span span, uint32_t first, uint32_t n, p_expr **args, const char *as)
{
	const p_expr *widest = NULL;
	int literal = LIT_INT;
	for (uint32_t i = first; i < n; i++) {
		if (is_poison(args[i]))
			return POISON;
		if (is_literal(args[i])) {
			literal = args[i]->type.scalar == LIT_FLOAT ? LIT_FLOAT : literal;
			continue;
		}
		if (widest == NULL || widens(widest->type.scalar, args[i]->type.scalar)) {
			widest = args[i];
		} else if (!widens(args[i]->type.scalar, widest->type.scalar)) {
			mismatch(s, span, as, widest, args[i]);
			return POISON;
		}
	}
	return widest == NULL ? literal : widest->type.scalar;
}

/* Gives operands first..n-1 that type. */
static void unify(site *s, uint32_t first, uint32_t n, p_expr **args, int type)
{
	for (uint32_t i = first; i < n && type < T_COUNT; i++)
		args[i] = is_literal(args[i]) ? settle(s, args[i], type) : convert(s, args[i], scalar_type(type));
}

static bool takes_values(site *s, lang_span span, uint32_t n, p_expr **args, op_id op, const char *as)
{
	for (uint32_t i = 0; i < n; i++) {
		if (is_poison(args[i]))
			return false;
		if (args[i]->type.base == B_RECORD) {
			wrong_operand(s, span, as, op, &args[i]->type);
			return false;
		}
	}
	return true;
}

/* Arms of one index type stay positions; others meet as numbers do. */
static bool same_index(const p_expr *a, const p_expr *b)
{
	return a->type.base == B_INDEX && same_type(&a->type, &b->type);
}

static p_expr *finish_op(site *s, op_id op, p_type type, lang_span span, uint32_t n, p_expr **args)
{
	p_expr *node = new_node(s, P_OP, type, span, n, args);
	if (!is_poison(node))
		node->op = (uint8_t)op;
	return node;
}

static p_expr *make_shift(site *s, op_id op, lang_span span, p_expr **args, const char *as)
{
	for (int i = 0; i < 2; i++) {
		args[i] = as_number(s, args[i]);
		bool whole = args[i]->type.scalar == LIT_INT ||
		             (args[i]->type.scalar < T_COUNT && ((TYPES_INT >> args[i]->type.scalar) & 1));
		if (!whole && !is_poison(args[i]))
			return wrong_operand(s, span, as, op, &args[i]->type);
	}
	args[1] = settle_default(s, args[1]);
	if (is_poison(args[0]) || is_poison(args[1]))
		return &s->ck->poison;
	if (!is_literal(args[0]))
		args[1] = convert(s, args[1], args[0]->type);
	return finish_op(s, op, args[0]->type, span, 2, args);
}

static p_expr *make_select(site *s, lang_span span, p_expr **args)
{
	args[0] = assign(s, args[0], scalar_type(T_BOOL), "the first argument of select");
	if (same_index(args[1], args[2]))
		return finish_op(s, OP_SELECT, args[1]->type, span, 3, args);
	args[1] = as_number(s, args[1]);
	args[2] = as_number(s, args[2]);
	int type = common_type(s, span, 1, 3, args, "select");
	if (type == POISON)
		return &s->ck->poison;
	unify(s, 1, 3, args, type);
	return finish_op(s, OP_SELECT, scalar_type(type), span, 3, args);
}

/* TEST and COUNT: one operand, a result of its own type. */
static p_expr *make_test(site *s, op_id op, lang_span span, p_expr **args, const char *as)
{
	bool real = op_table[op].types == TYPES_FLT;
	args[0] = as_number(s, args[0]);
	args[0] = is_literal(args[0]) && real ? settle(s, args[0], T_F64) : settle_default(s, args[0]);
	if (is_poison(args[0]))
		return args[0];
	if (!((op_table[op].types >> args[0]->type.scalar) & 1u))
		return wrong_operand(s, span, as, op, &args[0]->type);
	return finish_op(s, op, scalar_type(op_table[op].rule == RULE_TEST ? T_BOOL : T_I64), span, 1, args);
}

p_expr *make_op(site *s, op_id op, lang_span span, uint32_t n, p_expr **args, const char *as)
{
	const op_facts *facts = &op_table[op];
	p_expr *values[3] = {NULL};

	if (n > 3 || !takes_values(s, span, n, args, op, as))
		return &s->ck->poison;
	memcpy(values, args, n * sizeof *values);
	if (facts->rule == RULE_SHIFT)
		return make_shift(s, op, span, values, as);
	if (facts->rule == RULE_SELECT)
		return make_select(s, span, values);
	if (facts->rule == RULE_TEST || facts->rule == RULE_COUNT)
		return make_test(s, op, span, values, as);
	for (uint32_t i = 0; i < n; i++)
		values[i] = as_number(s, values[i]);
	int type = common_type(s, span, 0, n, values, as);
	if (type == POISON)
		return &s->ck->poison;
	p_type shown = scalar_type(type);
	if (type == LIT_INT && !(facts->types & TYPES_INT))
		type = LIT_FLOAT;
	if (facts->rule == RULE_CMP && type >= T_COUNT)
		type = type == LIT_INT ? T_I64 : T_F64;
	bool takes = type == LIT_INT ? (facts->types & TYPES_INT) != 0
	             : type == LIT_FLOAT ? (facts->types & TYPES_FLT) != 0
	                                 : ((facts->types >> type) & 1u) != 0;
	if (!takes)
		return wrong_operand(s, span, as, op, &shown);
	unify(s, 0, n, values, type);
	return finish_op(s, op, scalar_type(facts->rule == RULE_CMP ? T_BOOL : type), span, n, values);
}

p_expr *make_if(site *s, lang_span span, p_expr **args)
{
	args[0] = assign(s, args[0], scalar_type(T_BOOL), "the condition");
	for (int i = 0; i < 3; i++)
		if (is_poison(args[i]))
			return args[i];
	bool record = args[1]->type.base == B_RECORD || args[2]->type.base == B_RECORD;
	if (record && !same_type(&args[1]->type, &args[2]->type)) {
		site_error(s, span, "the arms of this if are '%s' and '%s'", type_text(s->ck, &args[1]->type),
		           type_text(s->ck, &args[2]->type));
		return &s->ck->poison;
	}
	if (record || same_index(args[1], args[2]))
		return new_node(s, P_IF, args[1]->type, span, 3, args);
	args[1] = as_number(s, args[1]);
	args[2] = as_number(s, args[2]);
	int type = common_type(s, span, 1, 3, args, "if");
	if (type == POISON)
		return &s->ck->poison;
	unify(s, 1, 3, args, type);
	return new_node(s, P_IF, scalar_type(type), span, 3, args);
}

p_expr *make_index(site *s, const p_size *dim, p_expr *e, lang_span span)
{
	p_type to = index_type(dim);
	if (is_poison(e) || same_type(&e->type, &to))
		return e;
	e = settle_default(s, as_number(s, e));
	if (is_poison(e))
		return e;
	if (e->type.base == B_RECORD || !((TYPES_INT >> e->type.scalar) & 1)) {
		lang_diag *diag = site_error(s, span, "'%s' converts an integer, not '%s'", type_text(s->ck, &to),
		                             type_text(s->ck, &e->type));
		if (e->type.base == B_SCALAR)
			lang_help(s->ck->ctx, diag, "write `%s(i64(...))`", type_text(s->ck, &to));
		return &s->ck->poison;
	}
	if (e->type.scalar != T_U64)
		e = convert(s, e, scalar_type(T_I64));
	return new_node(s, P_INDEX, to, span, 1, &e);
}

/* ---- records ---- */

static const p_field *find_field(site *s, const p_record *record, ast_name field)
{
	lang_nearest nearest = lang_nearest_to(field.text);
	const char *all = "";
	for (uint32_t i = 0; i < record->n_fields; i++) {
		if (strcmp(record->fields[i].name, field.text) == 0)
			return &record->fields[i];
		lang_nearest_offer(&nearest, record->fields[i].name);
		if (all != NULL)
			all = lang_sprintf(s->ck->ctx, "%s%s'%s'", all, i == 0 ? "" : ", ", record->fields[i].name);
	}
	lang_diag *diag = site_error(s, field.span, "the record '%s' has no field '%s'", record->name, field.text);
	if (nearest.best != NULL)
		lang_help(s->ck->ctx, diag, "did you mean '%s'?", nearest.best);
	else if (all != NULL)
		lang_help(s->ck->ctx, diag, "it has %s", all);
	return NULL;
}

/* Takes the field at the reads below, so that no record is left under an operator. */
static p_expr *push_field(site *s, p_expr *e, const p_field *field, int32_t number)
{
	p_expr *node;
	if (!check_spend(s, 1, e->span))
		return &s->ck->poison;
	if (e->kind == P_IF) {
		p_expr *args[3] = {e->args[0], push_field(s, e->args[1], field, number),
		                   push_field(s, e->args[2], field, number)};
		return new_node(s, P_IF, *field->type, e->span, 3, args);
	}
	node = copy_node(s, e);
	if (is_poison(node))
		return node;
	node->type = *field->type;
	node->u.read.field = number;
	if (e->u.read.pad != NULL)
		node->u.read.pad = push_field(s, (p_expr *)(uintptr_t)e->u.read.pad, field, number);
	for (frame *f = s->frames; f != NULL; f = f->up)
		if (f->reduce->driver == e)
			f->reduce->driver = node;
	return node;
}

p_expr *field_of(site *s, p_expr *e, ast_name field)
{
	if (is_poison(e))
		return e;
	if (e->type.base != B_RECORD) {
		lang_diag *diag = site_error(s, field.span, "'.%s' is not a field: what stands before it is '%s', not a record",
		                             field.text, type_text(s->ck, &e->type));
		lang_help(s->ck->ctx, diag, "only elements of record pages have fields");
		return &s->ck->poison;
	}
	const p_field *found = find_field(s, e->type.record, field);
	if (found == NULL)
		return &s->ck->poison;
	return push_field(s, e, found, (int32_t)(found - e->type.record->fields));
}
