/* Symbolic sizes: polynomials in size params, in canonical form and interned, so that equal sizes are equal pointers. */
#include "check.h"

#include <string.h>

/* A polynomial that is being built. */
typedef struct poly {
	p_monomial *terms;
	uint32_t count;
} poly;

/* ---- interning ---- */

static uint64_t hash_terms(const p_monomial *terms, uint32_t count)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (uint32_t i = 0; i < count; i++) {
		hash = (hash ^ (uint64_t)terms[i].coef) * UINT64_C(0x9e3779b97f4a7c15);
		for (uint32_t k = 0; k < terms[i].n_params; k++)
			hash = (hash ^ (uint64_t)(uintptr_t)terms[i].params[k] ^ (hash >> 29)) *
			       UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	return hash;
}

static int compare_params(const p_monomial *a, const p_monomial *b)
{
	if (a->n_params != b->n_params)
		return a->n_params > b->n_params ? -1 : 1;
	for (uint32_t i = 0; i < a->n_params; i++)
		if (a->params[i] != b->params[i])
			return a->params[i]->id < b->params[i]->id ? -1 : 1;
	return 0;
}

static bool same_terms(const p_size *size, const p_monomial *terms, uint32_t count)
{
	if (size->n != count)
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (size->terms[i].coef != terms[i].coef || compare_params(&size->terms[i], &terms[i]) != 0)
			return false;
	return true;
}

static const p_size **size_slot(const p_size **table, uint32_t cap, const p_monomial *terms, uint32_t count)
{
	uint32_t i = (uint32_t)(hash_terms(terms, count) >> 16) & (cap - 1);
	while (table[i] != NULL && !same_terms(table[i], terms, count))
		i = (i + 1) & (cap - 1);
	return &table[i];
}

static bool size_reserve(checker *ck)
{
	uint32_t cap = 64;
	if (ck->program->n_sizes * 2 < ck->size_cap)
		return true;
	while (cap <= ck->program->n_sizes * 2)
		cap *= 2;
	const p_size **table = LANG_NEW_ARRAY(ck->ctx, const p_size *, cap);
	if (table == NULL)
		return false;
	for (uint32_t i = 0; i < ck->program->n_sizes; i++) {
		const p_size *size = ck->program->sizes[i];
		*size_slot(table, cap, size->terms, size->n) = size;
	}
	ck->size_table = table;
	ck->size_cap = cap;
	return true;
}

static const p_size *intern(checker *ck, const p_monomial *terms, uint32_t count)
{
	if (!size_reserve(ck))
		return NULL;
	const p_size **slot = size_slot(ck->size_table, ck->size_cap, terms, count);
	if (*slot != NULL)
		return *slot;
	p_program *program = ck->program;
	p_size *size = LANG_NEW(ck->ctx, p_size);
	p_monomial *copy = count == 0 ? NULL : LANG_NEW_ARRAY(ck->ctx, p_monomial, count);
	if (size == NULL || (copy == NULL && count > 0) ||
	    !lang_grow(ck->ctx, (void **)&program->sizes, program->n_sizes, &ck->sizes_cap, sizeof *program->sizes))
		return NULL;
	if (count > 0)
		memcpy(copy, terms, count * sizeof *copy);
	*size = (p_size){program->n_sizes, count, copy};
	program->sizes[program->n_sizes++] = size;
	*slot = size;
	return size;
}

const p_size *size_const(checker *ck, int64_t value)
{
	p_monomial term = {.coef = value};
	return intern(ck, &term, value == 0 ? 0 : 1);
}

const p_size *size_param(checker *ck, const p_param *param)
{
	const p_param **params = LANG_NEW(ck->ctx, const p_param *);
	if (params == NULL)
		return NULL;
	params[0] = param;
	p_monomial term = {.coef = 1, .n_params = 1, .params = params};
	return intern(ck, &term, 1);
}

bool size_init(checker *ck)
{
	return size_const(ck, 0) != NULL;
}

bool size_is_const(const p_size *size, int64_t *value)
{
	if (size->n > 1 || (size->n == 1 && size->terms[0].n_params > 0))
		return false;
	*value = size->n == 0 ? 0 : size->terms[0].coef;
	return true;
}

/* ---- arithmetic ---- */

typedef enum size_fault { SIZE_OK, SIZE_LARGE, SIZE_COMPLEX, SIZE_MEMORY } size_fault;

static size_fault add_term(poly *sum, const p_monomial *term)
{
	uint32_t at = 0;
	while (at < sum->count && compare_params(&sum->terms[at], term) < 0)
		at++;
	if (at < sum->count && compare_params(&sum->terms[at], term) == 0) {
		int64_t coef;
		if (__builtin_add_overflow(sum->terms[at].coef, term->coef, &coef))
			return SIZE_LARGE;
		sum->terms[at].coef = coef;
		if (coef == 0) {
			memmove(&sum->terms[at], &sum->terms[at + 1], (sum->count - at - 1) * sizeof *sum->terms);
			sum->count--;
		}
		return SIZE_OK;
	}
	if (sum->count == CHECK_MAX_TERMS)
		return SIZE_COMPLEX;
	memmove(&sum->terms[at + 1], &sum->terms[at], (sum->count - at) * sizeof *sum->terms);
	sum->terms[at] = *term;
	sum->count++;
	return SIZE_OK;
}

static size_fault add_scaled(poly *sum, const p_size *size, int64_t factor)
{
	for (uint32_t i = 0; i < size->n; i++) {
		p_monomial term = size->terms[i];
		if (__builtin_mul_overflow(term.coef, factor, &term.coef))
			return SIZE_LARGE;
		size_fault fault = add_term(sum, &term);
		if (fault != SIZE_OK)
			return fault;
	}
	return SIZE_OK;
}

static size_fault multiply_term(checker *ck, const p_monomial *a, const p_monomial *b, p_monomial *out)
{
	uint32_t count = a->n_params + b->n_params;
	if (count > CHECK_MAX_DEGREE)
		return SIZE_COMPLEX;
	if (__builtin_mul_overflow(a->coef, b->coef, &out->coef))
		return SIZE_LARGE;
	out->n_params = count;
	out->params = count == 0 ? NULL : LANG_NEW_ARRAY(ck->ctx, const p_param *, count);
	if (out->params == NULL && count > 0)
		return SIZE_MEMORY;
	for (uint32_t n = 0, i = 0, k = 0; n < count; n++) {
		bool left = k == b->n_params || (i < a->n_params && a->params[i]->id <= b->params[k]->id);
		out->params[n] = left ? a->params[i++] : b->params[k++];
	}
	return SIZE_OK;
}

static size_fault add_product(checker *ck, poly *sum, const p_size *a, const p_size *b)
{
	for (uint32_t i = 0; i < a->n; i++)
		for (uint32_t k = 0; k < b->n; k++) {
			p_monomial term = {0};
			size_fault fault = multiply_term(ck, &a->terms[i], &b->terms[k], &term);
			if (fault == SIZE_OK)
				fault = add_term(sum, &term);
			if (fault != SIZE_OK)
				return fault;
		}
	return SIZE_OK;
}

/* ---- from the text ---- */

static const p_size *not_a_size(site *s, const ast_expr *e)
{
	lang_help(s->ck->ctx, site_error(s, e->span, "'%s' is not a size", check_source(s->ck, e->span)),
	          "a size is a size param, a whole number, or `+ - *` of them");
	return NULL;
}

static const p_size *size_of_name(site *s, const ast_expr *e)
{
	const ast_path *path = e->u.name;
	const local *l = find_local(s, path->parts.items[0].text);
	if (l != NULL && path->parts.count == 1 && l->value->kind == P_SIZE)
		return l->value->u.size;
	if (l != NULL)
		return is_poison(l->value) ? NULL : not_a_size(s, e);
	uint32_t used;
	sym *found = find_path(s, path, &used, 1u << SYM_SIZE, "size");
	/* a page in whose declaration this stands counts as bad so far, and is no size either way */
	if (found == NULL || (found->kind == SYM_SIZE && found->state == SYM_BAD))
		return NULL;
	if (found->kind == SYM_SIZE && used == path->parts.count)
		return found->u.size;
	if (found->kind == SYM_PARAM) {
		lang_diag *diag = site_error(s, e->span, "'%s' is a param with a value, not a size", found->name);
		lang_note(s->ck->ctx, diag, found->span, "declared here");
		lang_help(s->ck->ctx, diag, "a size is declared without a type: `param %s;`", found->name);
		return NULL;
	}
	return not_a_size(s, e);
}

static size_fault combine(checker *ck, poly *out, ast_binary_op op, const p_size *a, const p_size *b)
{
	if (op == AST_MUL)
		return add_product(ck, out, a, b);
	size_fault fault = add_scaled(out, a, 1);
	return fault != SIZE_OK ? fault : add_scaled(out, b, op == AST_ADD ? 1 : -1);
}

/* An operation over one or two sizes; a negation is 0 - b. */
static const p_size *size_op(site *s, const ast_expr *e, ast_binary_op op, const p_size *a, const p_size *b)
{
	if (a == NULL || b == NULL)
		return NULL;
	poly out = {LANG_NEW_ARRAY(s->ck->ctx, p_monomial, CHECK_MAX_TERMS + 1), 0};
	if (out.terms == NULL)
		return NULL;
	switch (combine(s->ck, &out, op, a, b)) {
	case SIZE_OK:
		return intern(s->ck, out.terms, out.count);
	case SIZE_LARGE:
		site_error(s, e->span, "this size is too large");
		return NULL;
	case SIZE_COMPLEX:
		lang_help(s->ck->ctx, site_error(s, e->span, "this size is too complicated"),
		          "a size has at most %d terms of at most %d factors", CHECK_MAX_TERMS, CHECK_MAX_DEGREE);
		return NULL;
	case SIZE_MEMORY:
		return NULL;
	}
	return NULL;
}

const p_size *size_of(site *s, ast_expr *e)
{
	checker *ck = s->ck;
	switch (e->kind) {
	case AST_INT:
		if (e->u.integer.value > INT64_MAX) {
			site_error(s, e->span, "this size is too large");
			return NULL;
		}
		return size_const(ck, (int64_t)e->u.integer.value);
	case AST_NAME:
		return size_of_name(s, e);
	case AST_UNARY:
		if (e->u.unary.op == AST_NEG)
			return size_op(s, e, AST_SUB, size_const(ck, 0), size_of(s, e->u.unary.arg));
		break;
	case AST_BINARY:
		if (e->u.binary.op == AST_ADD || e->u.binary.op == AST_SUB || e->u.binary.op == AST_MUL) {
			const p_size *left = size_of(s, e->u.binary.left);
			return size_op(s, e, e->u.binary.op, left, size_of(s, e->u.binary.right));
		}
		break;
	default:
		break;
	}
	return not_a_size(s, e);
}

/* ---- as text ---- */

static const char *term_text(lang_ctx *ctx, const char *before, const p_monomial *term, bool first)
{
	bool negative = term->coef < 0;
	uint64_t size = negative ? 0 - (uint64_t)term->coef : (uint64_t)term->coef;
	const char *text = lang_sprintf(ctx, "%s%s", before,
	                                first ? (negative ? "-" : "") : negative ? " - " : " + ");
	bool number = size != 1 || term->n_params == 0;
	if (number && text != NULL)
		text = lang_sprintf(ctx, "%s%llu", text, (unsigned long long)size);
	for (uint32_t i = 0; i < term->n_params && text != NULL; i++)
		text = lang_sprintf(ctx, "%s%s%s", text, number || i > 0 ? " * " : "", term->params[i]->name);
	return text;
}

const char *p_size_text(lang_ctx *ctx, const p_size *size)
{
	const char *text = size->n == 0 ? "0" : "";
	for (uint32_t i = 0; i < size->n && text != NULL; i++)
		text = term_text(ctx, text, &size->terms[i], i == 0);
	return text;
}
