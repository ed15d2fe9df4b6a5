/* generate_expr.c - random expressions of a given type. */
#include "generate_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

type_id any_type(gen *g)
{
	static const type_id often[] = {T_F64, T_F64, T_F64, T_F32, T_F32, T_I64, T_I64, T_I32, T_BOOL, T_BOOL};
	if (chance(g, 70))
		return often[below(g, 10)];
	return (type_id)below(g, T_COUNT);
}

/* Widening without loss, as the language has it. */
bool gen_widens(type_id from, type_id to)
{
	const type_facts *a = &type_table[from], *b = &type_table[to];
	if (from == to)
		return true;
	if (a->kind == KIND_B || b->kind == KIND_B || a->bytes >= b->bytes)
		return false;
	if (a->kind == KIND_F)
		return b->kind == KIND_F;
	return b->kind == KIND_F || a->kind == KIND_U || b->kind == KIND_S;
}

static type_id int_type(gen *g)
{
	return (type_id)(T_I8 + below(g, T_U64 - T_I8 + 1));
}

static type_id number_type(gen *g)
{
	type_id t = any_type(g);
	return t == T_BOOL ? T_F64 : t;
}

/* ---- literals -------------------------------------------------------------------------- */

const char *gen_literal(gen *g, type_id t)
{
	static const char *const floats[] = {"0.0", "1.0", "0.5", "2.25", "1e-3", "3.5", "10.0", "1e30", "inf", "nan", "0.1",
	                                     "7e-310"};
	if (t == T_BOOL)
		return chance(g, 50) ? "true" : "false";
	if (is_float(t)) {
		const char *v = floats[below(g, chance(g, 85) ? 7 : 11)];
		if (t == T_F64 && chance(g, 2))
			v = floats[11];
		return chance(g, 20) ? text(g, "(-%s)", v) : v;
	}
	int bits = 8 * type_table[t].bytes;
	bool is_signed = type_table[t].kind == KIND_S;
	uint64_t most = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
	if (is_signed)
		most >>= 1;
	uint64_t v = chance(g, 85) ? below(g, 10) : chance(g, 50) ? most - below(g, 2) : rng_next(&g->r) % most;
	if (is_signed && chance(g, 25))
		return text(g, "(-%llu)", (unsigned long long)v);
	return chance(g, 5) ? text(g, "0x%llx", (unsigned long long)v) : text(g, "%llu", (unsigned long long)v);
}

/* ---- reads ----------------------------------------------------------------------------- */

bool gen_readable(const gen *g, const scope *s, const gen_page *p)
{
	if (!s->pages || p->space != s->space || (p->lazy && g->no_lazy))
		return false;
	return p->order < s->order || (s->self >= 0 && p == &g->pages[s->self]);
}

const gen_page *gen_find(gen *g, const scope *s, type_id t, bool prev)
{
	if (!s->pages)
		return NULL;
	for (int tries = 0; tries < 24; tries++) {
		const gen_page *p = &g->pages[below(g, g->n_pages)];
		bool fits = prev ? p->space == s->space && p->state : gen_readable(g, s, p);
		if (fits && p->base == GEN_SCALAR && !p->sparse && p->type == t)
			return p;
	}
	return NULL;
}

static const char *plain_read(gen *g, const scope *s, const gen_page *p, int at, const char *name, int depth);
static const char *computed_index(gen *g, const scope *s, const gen_var *v);

/* A value of type index(D), or a variable over D, or NULL. depth: how far reads may stand within reads; above 1
 * positions may be computed too. */
static const char *position(gen *g, const scope *s, int dim, int depth)
{
	for (int tries = 0; tries < 6; tries++) {
		if (s->n_vars && chance(g, 75)) {
			const gen_var *v = &s->vars[s->n_vars - 1 - below(g, s->n_vars)];
			if (v->dim == dim)
				return v->name;
			if (v->dim < 0 && g->dims[dim].literal && v->lo >= 0 && v->hi <= g->dims[dim].value && v->hi > v->lo)
				return v->name;
			continue;
		}
		if (s->pages && depth > 0 && chance(g, 60)) {
			const gen_page *p = &g->pages[below(g, g->n_pages)];
			if (p->base == GEN_INDEX && p->dim == dim && !p->sparse && gen_readable(g, s, p)) {
				const char *at = plain_read(g, s, p, -1, NULL, depth - 1);
				if (at)
					return at;
			}
		}
		if (g->dims[dim].literal && g->dims[dim].value > 0 && chance(g, 20))
			return text(g, "%u", below(g, (uint32_t)g->dims[dim].value));
		if (depth > 1 && g->dims[dim].value > 0 && chance(g, 4)) {
			const char *e = gen_expr(g, s, T_I64, true, 1);
			if (s->n_vars && chance(g, 50))
				return text(g, "index(%s)(abs(%s) %% %lld)", g->dims[dim].text, computed_index(g, s, &s->vars[below(g, s->n_vars)]),
				            (long long)g->dims[dim].value);
			return chance(g, 95) ? text(g, "index(%s)(abs(i64(%s) %% %lld))", g->dims[dim].text, e,
			                            (long long)g->dims[dim].value)
			                     : text(g, "index(%s)(i64(%s))", g->dims[dim].text, e);
		}
	}
	return NULL;
}

static const char *plain_read(gen *g, const scope *s, const gen_page *p, int at, const char *name, int depth)
{
	const char *index[GEN_NDIM] = {NULL};
	for (uint32_t k = 0; k < p->ndim; k++) {
		index[k] = (int)k == at ? name : position(g, s, p->dims[k], depth);
		if (!index[k])
			return NULL;
	}
	switch (p->ndim) {
	case 0: return p->name;
	case 1: return text(g, "%s[%s]", p->name, index[0]);
	case 2: return text(g, "%s[%s, %s]", p->name, index[0], index[1]);
	default: return text(g, "%s[%s, %s, %s]", p->name, index[0], index[1], index[2]);
	}
}

const char *gen_plain_read(gen *g, const scope *s, const gen_page *p, int at, const char *name)
{
	return plain_read(g, s, p, at, name, 1);
}

/* An index that is computed from one variable, perhaps with a position read from a page. */
static const char *computed_index(gen *g, const scope *s, const gen_var *v)
{
	static const char *const forms[] = {"%s / %u", "%s %% %u", "(%s * 7) %% %u", "%s >> %u", "%s ^ %u", "%s & %u", "min(%s, %u)", "max(%s, %u)",
	                                    "abs(%s - %u)", "%s * %u", "(%s << 1) - %u", "(0 - %s) / %u", "clamp(%s, 2, %u)"};
	uint32_t c = 1 + below(g, 9), form = below(g, 15);
	if (form < 13)
		return text(g, forms[form], v->name, c);
	if (form == 13)
		return text(g, "(if %s %% 2 == 0 then %s + %u else %s / 2)", v->name, v->name, c, v->name);
	int dim = gen_dim_of(g, s->space);
	const char *at = dim >= 0 ? position(g, s, dim, 1) : NULL;
	return at ? text(g, "%s + %s - %u", at, v->name, c) : v->name;
}

/* An index for a view: anything will do. */
static const char *loose_index(gen *g, const scope *s)
{
	if (s->n_vars == 0)
		return text(g, "%d - 2", (int)below(g, 8));
	const gen_var *v = &s->vars[below(g, s->n_vars)], *w = &s->vars[below(g, s->n_vars)];
	switch (below(g, 10)) {
	case 7: case 8: case 9: return computed_index(g, s, v);
	case 0: return text(g, "%s - %u", v->name, 1 + below(g, 3));
	case 1: return text(g, "%s + %u", v->name, 1 + below(g, 3));
	case 2: return text(g, "%s - %s", v->name, w->name);
	case 3: return text(g, "%s + %s", v->name, w->name);
	case 4: return text(g, "2 * %s - 1", v->name);
	case 5: return text(g, "%s + %u", v->name, below(g, 100));
	default: return s->evals < 2000 ? text(g, "i64(%s)", gen_expr(g, s, T_I64, false, 0)) : v->name;
	}
}

const char *gen_read(gen *g, const scope *s, const gen_page *p, bool prev)
{
	static const char *const views[] = {"clamp", "wrap", "mirror", "zero"};
	const char *index[GEN_NDIM] = {NULL}, *list;
	const char *name = prev ? text(g, "prev %s", p->name) : p->name;
	bool view = chance(g, 15);
	if (p->ndim == 0)
		return prev ? text(g, "(%s)", name) : name;
	for (uint32_t k = 0; k < p->ndim; k++) {
		index[k] = view && chance(g, 60) ? NULL : position(g, s, p->dims[k], 2);
		if (!index[k]) {
			view = true;
			index[k] = loose_index(g, s);
		}
	}
	list = p->ndim == 1 ? index[0] : p->ndim == 2 ? text(g, "%s, %s", index[0], index[1])
	                                              : text(g, "%s, %s, %s", index[0], index[1], index[2]);
	if (!view)
		return prev ? text(g, "(%s[%s])", name, list) : text(g, "%s[%s]", name, list);
	if (p->base == GEN_SCALAR && chance(g, 25))
		return text(g, "pad(%s, %s)[%s]", name, gen_expr(g, s, p->type, true, 0), list);
	return text(g, "%s(%s)[%s]", views[below(g, 4)], name, list);
}

/* A field of type t of a record page. */
static const char *field_read(gen *g, const scope *s, type_id t)
{
	for (int tries = 0; tries < 8 && s->pages && g->n_records; tries++) {
		const gen_page *p = &g->pages[below(g, g->n_pages)];
		bool prev = p->state && p->space == s->space && chance(g, 30);
		if (p->base != GEN_RECORD || !(prev || gen_readable(g, s, p)))
			continue;
		const gen_record *rec = &g->records[p->dim];
		uint32_t f = below(g, rec->n);
		if (rec->dims[f] >= 0 || rec->types[f] != t)
			continue;
		const char *read = gen_read(g, s, p, prev);
		if (read && (p->ndim > 0 || !prev))
			return text(g, "%s.%s", read, rec->fields[f]);
	}
	return NULL;
}

/* The entry of a sparse page that is at hand. */
static const char *entry_read(gen *g, const scope *s, type_id t)
{
	for (uint32_t i = 0; i < s->n_entries; i++) {
		const gen_entry *e = &s->entries[s->n_entries - 1 - i];
		for (uint32_t k = 0; k < g->n_pages; k++) {
			const gen_page *p = &g->pages[k];
			int family = p->like >= 0 ? p->like : (int)k;
			if (p->sparse && family == e->family && p->type == t && gen_readable(g, s, p) && (int)k != s->self
			    && chance(g, 70))
				return text(g, "%s[%s, %s]", p->name, e->row, e->col);
		}
	}
	return NULL;
}

static const char *let_read(gen *g, const scope *s, type_id t)
{
	if (!g->n_lets || !s->pages || s->space != 0)
		return NULL;
	const gen_let *l = &g->lets[below(g, g->n_lets)];
	const char *index[2] = {NULL, NULL};
	if (l->type != t || l->order > s->order || s->evals * 4 > s->most_evals)
		return NULL;
	for (uint32_t k = 0; k < l->n; k++) {
		for (uint32_t i = 0; i < s->n_vars && !index[k]; i++)
			if (s->vars[i].dim == l->dims[k])
				index[k] = s->vars[i].name;
		if (!index[k])
			return NULL;
	}
	return l->n == 0 ? l->name : l->n == 1 ? text(g, "%s[%s]", l->name, index[0])
	                                       : text(g, "%s[%s, %s]", l->name, index[0], index[1]);
}

int gen_dim_of(gen *g, uint32_t space)
{
	for (int tries = 0; tries < 200; tries++) {
		int dim = (int)below(g, g->n_dims);
		if (g->dims[dim].space == space || g->dims[dim].literal)
			return dim;
	}
	return -1; /* a graph without any: the program has some */
}

const char *gen_safe(gen *g, const scope *s, type_id t)
{
	for (int tries = 0; tries < 6; tries++) {
		const gen_page *p = gen_find(g, s, t, false);
		const char *e = p && p - g->pages != s->self ? gen_plain_read(g, s, p, -1, NULL) : NULL;
		if (e)
			return e;
	}
	return text(g, "%s(%s)", type_table[t].name, gen_literal(g, t));
}

const char *gen_leaf(gen *g, const scope *s, type_id t, bool lit)
{
	const char *e = NULL;
	for (int tries = 0; tries < 3 && !e; tries++) {
		uint32_t pick = below(g, 100);
		const gen_page *p;
		if (pick < 55) {
			bool prev = chance(g, 12);
			p = gen_find(g, s, t, prev);
			e = p ? gen_read(g, s, p, prev) : NULL;
		} else if (pick < 68) {
			e = entry_read(g, s, t);
		} else if (pick < 76) {
			e = field_read(g, s, t);
		} else if (pick < 82) {
			e = let_read(g, s, t);
		} else if (pick < 90 && t == T_I64) {
			e = s->n_vars && chance(g, 70) ? s->vars[below(g, s->n_vars)].name
			    : s->space == 0 && g->n_dims ? text(g, "(%s)", g->dims[gen_dim_of(g, 0)].text) : NULL;
			if (e && !chance(g, 80))
				e = NULL;
			if (e && e[0] == '(' && e[1] >= '0' && e[1] <= '9')
				e = text(g, "i64%s", e);
		} else if (pick < 97) {
			for (uint32_t i = 0; i < s->n_locals; i++)
				if (s->locals[i].type == t)
					e = s->locals[i].name;
			for (uint32_t i = 0; i < g->n_params && !e && s->space == 0; i++)
				if (g->params[i].type == t)
					e = g->params[i].name;
		}
	}
	for (uint32_t i = 0; i < s->n_locals && !e; i++)
		if (s->locals[i].type == t && chance(g, 70))
			e = s->locals[i].name;
	if (e)
		return e;
	return lit ? gen_literal(g, t) : text(g, "%s(%s)", type_table[t].name, gen_literal(g, t));
}

/* ---- operators ------------------------------------------------------------------------- */

/* Two operands of an operator whose type is t: one has it, the other widens to it or is a literal. */
typedef struct two {
	const char *a, *b;
} two;

static const char *narrower(gen *g, const scope *s, type_id t, int depth)
{
	for (int tries = 0; tries < 4; tries++) {
		type_id from = (type_id)below(g, T_COUNT);
		if (from != t && gen_widens(from, t))
			return gen_expr(g, s, from, false, depth);
	}
	return NULL;
}

static two operands(gen *g, const scope *s, type_id t, bool lit, int depth)
{
	two o;
	bool anchored = lit && chance(g, 50);
	o.a = gen_expr(g, s, t, anchored, depth - 1);
	const char *b = !anchored && chance(g, 12) ? narrower(g, s, t, depth - 1) : NULL;
	o.b = b ? b : gen_expr(g, s, t, true, depth - 1);
	if (anchored) /* literals on both sides take their type from the place */
		return o;
	return chance(g, 50) ? o : (two){o.b, o.a};
}

static const char *compare(gen *g, const scope *s, int depth)
{
	static const char *const signs[] = {"==", "!=", "<", "<=", ">", ">="};
	type_id t = number_type(g);
	two o = operands(g, s, t, false, depth);
	return text(g, "(%s %s %s)", o.a, signs[below(g, 6)], o.b);
}

static const char *bool_expr(gen *g, const scope *s, int depth)
{
	two o;
	switch (below(g, 10)) {
	case 0:
	case 1:
	case 2:
	case 3:
		return compare(g, s, depth);
	case 4:
		return text(g, "(!%s)", gen_expr(g, s, T_BOOL, true, depth - 1));
	case 5:
		return text(g, "is_nan(%s)", gen_expr(g, s, chance(g, 50) ? T_F32 : T_F64, false, depth - 1));
	case 6:
		o = operands(g, s, T_BOOL, true, depth);
		return text(g, "(%s %s %s)", o.a, chance(g, 50) ? "==" : "!=", o.b);
	case 7:
		o = operands(g, s, T_BOOL, true, depth);
		return text(g, "(%s %c %s)", o.a, "&|^"[below(g, 3)], o.b);
	default:
		o = operands(g, s, T_BOOL, true, depth);
		return text(g, "(%s %s %s)", o.a, chance(g, 50) ? "&&" : "||", o.b);
	}
}

/* A divisor that is not 0, most of the time. */
static const char *divide(gen *g, const scope *s, type_id t, bool lit, int depth)
{
	const char *a = gen_expr(g, s, t, false, depth - 1), *sign = chance(g, 50) ? "/" : "%";
	(void)lit;
	if (chance(g, 40))
		return text(g, "(%s %s %u)", a, sign, 1 + below(g, 9));
	const char *b = gen_expr(g, s, t, false, depth - 1);
	if (chance(g, 60))
		return text(g, "(%s %s (%s | 1))", a, sign, b);
	if (chance(g, 75)) { /* a fault in an arm that is not taken */
		const char *c = gen_leaf(g, s, t, false);
		return text(g, "(if %s != 0 then %s %s %s else %s)", c, a, sign, c, gen_expr(g, s, t, true, depth - 1));
	}
	return chance(g, 25) ? text(g, "(%s %s %s)", a, sign, b) : a;
}

static const char *int_expr(gen *g, const scope *s, type_id t, bool lit, int depth)
{
	two o;
	switch (below(g, 11)) {
	case 0:
	case 1:
	case 2:
		o = operands(g, s, t, lit, depth);
		return text(g, "(%s %c %s)", o.a, "+-*"[below(g, 3)], o.b);
	case 3:
		o = operands(g, s, t, lit, depth);
		return text(g, "(%s %c %s)", o.a, "&|^"[below(g, 3)], o.b);
	case 4:
		return text(g, "(%s %s %s)", gen_expr(g, s, t, false, depth - 1), chance(g, 50) ? "<<" : ">>",
		            gen_expr(g, s, chance(g, 50) ? t : int_type(g), false, depth - 1));
	case 5:
		return divide(g, s, t, lit, depth);
	case 6:
		return text(g, "(%c%s)", "-~"[below(g, 2)], gen_expr(g, s, t, false, depth - 1));
	case 7:
		return text(g, "abs(%s)", gen_expr(g, s, t, false, depth - 1));
	case 8:
		if (t == T_I64)
			return text(g, "popcount(%s)", gen_expr(g, s, int_type(g), false, depth - 1));
		/* fall through */
	case 9:
		o = operands(g, s, t, lit, depth);
		return text(g, "%s(%s, %s)", chance(g, 50) ? "min" : "max", o.a, o.b);
	default:
		o = operands(g, s, t, false, depth);
		return text(g, "clamp(%s, %s, %s)", gen_expr(g, s, t, false, depth - 1), o.a, o.b);
	}
}

static const char *float_expr(gen *g, const scope *s, type_id t, bool lit, int depth)
{
	static const char *const exact[] = {"abs", "floor", "ceil", "round", "trunc", "sqrt"};
	static const char *const elementary[] = {"exp", "log", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh",
	                                         "tanh", "erf", "normcdf"};
	two o;
	switch (below(g, 12)) {
	case 0:
	case 1:
	case 2:
	case 3:
		o = operands(g, s, t, lit, depth);
		return text(g, "(%s %c %s)", o.a, "+-*/"[below(g, 4)], o.b);
	case 4:
		return text(g, "(-%s)", gen_expr(g, s, t, false, depth - 1));
	case 5:
		return text(g, "%s(%s)", exact[below(g, 6)], gen_expr(g, s, t, false, depth - 1));
	case 6:
		return text(g, "%s(%s)", elementary[below(g, 13)], gen_expr(g, s, t, false, depth - 1));
	case 7:
		o = operands(g, s, t, lit, depth);
		return text(g, "%s(%s, %s)", chance(g, 50) ? "min" : "max", o.a, o.b);
	case 8:
		o = operands(g, s, t, false, depth);
		if (chance(g, 40))
			return text(g, "%s(%s, %s)", chance(g, 50) ? "pow" : "atan2", o.a, o.b);
		return text(g, "(%s %% %s)", o.a, o.b);
	case 9:
		if (t == T_F64 && s->n_vars)
			return text(g, "rand(%u, %s, %s)", below(g, 100), s->vars[below(g, s->n_vars)].name,
			            gen_expr(g, s, int_type(g), false, depth - 1));
		/* fall through */
	case 10:
		o = operands(g, s, t, false, depth);
		return text(g, "clamp(%s, %s, %s)", gen_expr(g, s, t, false, depth - 1), o.a, o.b);
	default:
		o = operands(g, s, t, lit, depth);
		return text(g, "(%s * %s + %s)", o.a, o.b, gen_expr(g, s, t, true, depth - 1));
	}
}

static const char *call(gen *g, const scope *s, type_id t, int depth)
{
	if (!g->n_fns || s->space != 0 || (!s->pages && s->n_locals))
		return NULL;
	const gen_fn *f = &g->fns[below(g, g->n_fns)];
	if (f->untyped && t != T_BOOL)
		return text(g, "%s(%s)", f->name, gen_expr(g, s, t, false, depth - 1));
	if (f->untyped || f->result != t)
		return NULL;
	const char *args = "";
	for (uint32_t i = 0; i < f->n; i++)
		args = text(g, "%s%s%s", args, i ? ", " : "", gen_expr(g, s, f->types[i], true, depth - 1));
	return text(g, "%s(%s)", f->name, args);
}

static const char *choice(gen *g, const scope *s, type_id t, bool lit, int depth)
{
	const char *c = gen_expr(g, s, T_BOOL, true, depth - 1);
	two o = operands(g, s, t, lit, depth);
	if (chance(g, 30))
		return text(g, "select(%s, %s, %s)", c, o.a, o.b);
	return text(g, "(if %s then %s else %s)", c, o.a, o.b);
}

static const char *in_ring(gen *g, const scope *s, type_id t, int depth)
{
	two o = operands(g, s, t, false, depth);
	return text(g, "(%s .%c %s)", o.a, chance(g, 50) ? '+' : '*', o.b);
}

const char *gen_expr(gen *g, const scope *s, type_id t, bool lit, int depth)
{
	if (depth <= 0 || chance(g, 12))
		return gen_leaf(g, s, t, lit);
	const char *e = NULL;
	uint32_t pick = below(g, 100);
	if (s->ring && s->ring_type == t && chance(g, 30))
		return in_ring(g, s, t, depth);
	if (pick < 14)
		return choice(g, s, t, lit, depth);
	if (pick < 22)
		return text(g, "%s(%s)", type_table[t].name, gen_expr(g, s, any_type(g), false, depth - 1));
	if (pick < 34 && s->pages)
		e = gen_reduce(g, s, t, depth);
	else if (pick < 40)
		e = call(g, s, t, depth);
	if (e)
		return e;
	if (t == T_BOOL)
		return bool_expr(g, s, depth);
	return is_float(t) ? float_expr(g, s, t, lit, depth) : int_expr(g, s, t, lit, depth);
}
