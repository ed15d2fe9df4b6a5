/* generate_reduce.c - random reductions: dense, with conditions, grouped, prefixes, windows, over sparse pages, by semirings. */
#include "generate_text.h"

#include <stdio.h>
#include <string.h>

const gen_var *gen_bind(gen *g, scope *s, int dim, int64_t lo, int64_t hi)
{
	gen_var *v = &s->vars[s->n_vars++];
	snprintf(v->name, sizeof v->name, "k%u", g->next_var++ % 10000);
	v->dim = dim;
	v->lo = lo;
	v->hi = hi;
	return v;
}

/* ---- what combines --------------------------------------------------------------------- */

typedef struct reducer {
	const char *name;
	type_id body;
	char join;             /* how a read goes into the body: * & or m (min) */
	const char *ring;
} reducer;

typedef struct ring_facts {
	const char *name;
	char kind;             /* f: floats, n: any number, b: bool, d: f64 alone */
} ring_facts;

static const ring_facts rings[] = {{"min_plus", 'f'}, {"max_plus", 'f'}, {"max_min", 'f'}, {"plus_times", 'n'},
                                   {"or_and", 'b'}, {"max_times", 'f'}, {"xor_and", 'i'}, {"sum_min", 'd'}};

static bool pick_ring(gen *g, type_id t, reducer *out)
{
	const ring_facts *r = &rings[below(g, sizeof rings / sizeof *rings)];
	bool fits = r->kind == 'b' ? t == T_BOOL : r->kind == 'd' ? t == T_F64 : r->kind == 'f' ? is_float(t)
	            : r->kind == 'i' ? is_int(t) : t != T_BOOL;
	if (!fits)
		return false;
	*out = (reducer){r->name, t, 'r', r->name};
	return true;
}

static type_id summable(gen *g, type_id t)
{
	if (t != T_I64)
		return t;
	static const type_id small[] = {T_I64, T_I64, T_I32, T_U8, T_I16, T_U32, T_I8};
	return small[below(g, 7)];
}

/* Something that reduces to type t; false: nothing was found. */
static bool pick_reducer(gen *g, type_id t, reducer *out)
{
	if (chance(g, 25) && pick_ring(g, t, out))
		return true;
	if (t == T_BOOL) {
		*out = (reducer){chance(g, 50) ? "any" : "all", T_BOOL, '&', NULL};
		return true;
	}
	uint32_t pick = below(g, 7);
	if (pick < 2) {
		*out = (reducer){pick ? "max" : "min", t, 'm', NULL};
	} else if (pick < 5) {
		if (is_int(t) && t != T_I64 && t != T_U64)
			return false;
		*out = (reducer){pick == 2 ? "prod" : "sum", summable(g, t), '*', NULL};
	} else if (is_float(t)) {
		*out = (reducer){"mean", t == T_F64 && chance(g, 30) ? T_I32 : t, '*', NULL};
	} else if (t == T_I64) {
		*out = (reducer){"count", T_BOOL, '&', NULL};
	} else {
		return false;
	}
	return true;
}

static const char *join(gen *g, const reducer *r, const char *read, const char *e)
{
	switch (r->join) {
	case 'r':
		return text(g, "(%s .* %s)", read, e);
	case 'm':
		return text(g, "min(%s, %s)", read, e);
	case '&':
		return text(g, "(%s %s %s)", read, chance(g, 50) ? "&&" : "||", e);
	default:
		return text(g, "(%s * %s)", read, e);
	}
}

/* `NAME[BINDINGS where COND] BODY`, in parentheses. */
static const char *finish(gen *g, const reducer *r, const char *bindings, const char *cond, const char *body)
{
	return cond ? text(g, "(%s[%s where %s] %s)", r->name, bindings, cond, body)
	            : text(g, "(%s[%s] %s)", r->name, bindings, body);
}

/* `.+` and `.*` belong to bodies. */
static const char *any_condition(gen *g, const scope *s)
{
	scope plain = *s;
	plain.ring = NULL;
	return text(g, "%s", gen_expr(g, &plain, T_BOOL, false, 1));
}

/* ---- over sparse pages ----------------------------------------------------------------- */

static const gen_page *find_sparse(gen *g, const scope *s)
{
	for (int tries = 0; tries < 12; tries++) {
		const gen_page *p = &g->pages[below(g, g->n_pages)];
		if (p->sparse && gen_readable(g, s, p) && p != (s->self >= 0 ? &g->pages[s->self] : NULL))
			return p;
	}
	return NULL;
}

static const char *outer_index(const gen *g, const scope *s, int dim)
{
	(void)g;
	for (uint32_t i = s->n_vars; i-- > 0;)
		if (s->vars[i].dim == dim)
			return s->vars[i].name;
	return NULL;
}

static const char *sparse_reduce(gen *g, const scope *outer, const reducer *r, int depth)
{
	const gen_page *p = find_sparse(g, outer);
	if (!p || outer->n_entries >= 4 || outer->n_vars + 2 > GEN_VARS)
		return NULL;
	scope s = *outer;
	const char *row = outer_index(g, outer, p->dims[0]), *col = outer_index(g, outer, p->dims[1]), *bindings;
	double size = 1;
	uint32_t mode = below(g, 3);
	if ((mode == 0 && !row) || (mode == 1 && !col))
		mode = 2;
	if (mode != 0) {
		row = gen_bind(g, &s, p->dims[0], 0, 0)->name;
		size *= (double)g->dims[p->dims[0]].value;
	}
	if (mode != 1) {
		col = gen_bind(g, &s, p->dims[1], 0, 0)->name;
		size *= (double)g->dims[p->dims[1]].value;
	}
	s.evals *= size > 1 ? size : 1;
	if (s.evals > s.most_evals)
		return NULL;
	bindings = mode == 0 ? col : mode == 1 ? row : chance(g, 50) ? text(g, "%s, %s", row, col) : text(g, "%s, %s", col, row);
	bool before = p->source && p->state && chance(g, 30);
	if (!before)
		s.entries[s.n_entries++] = (gen_entry){p->like >= 0 ? p->like : (int)(p - g->pages), row, col};
	s.ring = r->ring;
	s.ring_type = r->body;
	const char *read = text(g, before ? "(prev %s[%s, %s])" : "%s[%s, %s]", p->name, row, col);
	if (p->type != r->body)
		read = text(g, "%s(%s)", type_table[r->body].name, read);
	const char *cond = chance(g, 20) ? any_condition(g, &s) : NULL;
	return finish(g, r, bindings, cond, chance(g, 25) ? read : join(g, r, read, gen_expr(g, &s, r->body, false, depth - 1)));
}

/* ---- conditions ------------------------------------------------------------------------ */

/* A position along a dimension that is read from a page, by a variable around; the page of keys itself may be it. */
static const char *key_read(gen *g, const scope *s, const gen_var *but, int dim)
{
	for (int tries = 0; tries < 8; tries++) {
		const gen_page *p = &g->pages[below(g, g->n_pages)];
		if (p->base != GEN_INDEX || p->ndim != 1 || p->dim != dim || !gen_readable(g, s, p))
			continue;
		for (uint32_t i = 0; i + 1 < s->n_vars; i++)
			if (s->vars[i].dim == p->dims[0] && &s->vars[i] != but)
				return text(g, "%s[%s]", p->name, s->vars[i].name);
	}
	return NULL;
}

/* key[i] == b */
static const char *group_condition(gen *g, const scope *s, const gen_var *v)
{
	for (int tries = 0; tries < 12; tries++) {
		const gen_page *p = &g->pages[below(g, g->n_pages)];
		if (p->base != GEN_INDEX || p->ndim != 1 || p->dims[0] != v->dim || !gen_readable(g, s, p))
			continue;
		const char *at = NULL;
		for (uint32_t i = 0; i + 1 < s->n_vars; i++)
			if (s->vars[i].dim == p->dim && &s->vars[i] != v)
				at = s->vars[i].name;
		const char *asked = chance(g, 35) ? key_read(g, s, v, p->dim) : NULL;
		if (asked)
			at = asked;
		if (!at)
			at = text(g, "%u", below(g, 4));
		return chance(g, 70) ? text(g, "%s[%s] == %s", p->name, v->name, at) : text(g, "%s == %s[%s]", at, p->name, v->name);
	}
	return NULL;
}

static const char *prefix_condition(gen *g, const scope *s, const gen_var *v)
{
	if (s->n_vars < 2)
		return NULL;
	const gen_var *end = &s->vars[below(g, s->n_vars - 1)];
	switch (below(g, 4)) {
	case 0: return text(g, "%s <= %s", v->name, end->name);
	case 1: return text(g, "%s < %s", v->name, end->name);
	case 2: return text(g, "%s >= %s", end->name, v->name);
	default: return text(g, "%s > %s", end->name, v->name);
	}
}

/* Suffixes and windows: sums of variables, compared. */
static const char *bound_condition(gen *g, const scope *s, const gen_var *v)
{
	static const char *const forms[] = {"%s >= %s", "%s > %s - %u && %s <= %s", "abs(%s - %s) < %u", "%s + %u >= %s && %s - 3 < %s", "%s == %s + %u",
	                                    "2 * %s < %s + %u", "%s < %u - %s"};
	if (s->n_vars < 2)
		return NULL;
	const char *a = v->name, *b = s->vars[below(g, s->n_vars - 1)].name;
	uint32_t c = below(g, 12);
	switch (below(g, 7)) {
	case 0: return text(g, forms[0], a, b);
	case 1: return text(g, forms[1], a, b, c, a, b);
	case 2: return text(g, forms[2], a, b, c);
	case 3: return text(g, forms[3], a, c, b, a, b);
	case 4: return text(g, forms[4], a, b, c);
	case 5: return text(g, forms[5], a, b, c);
	default: return text(g, forms[6], a, 8 * c, b);
	}
}

static const char *condition(gen *g, const scope *s, const gen_var *v)
{
	const char *cond = NULL;
	uint32_t pick = below(g, 100);
	if (pick < 50)
		return NULL;
	if (pick < 65)
		cond = group_condition(g, s, v);
	else if (pick < 78)
		cond = prefix_condition(g, s, v);
	else if (pick < 92)
		cond = bound_condition(g, s, v);
	if (!cond)
		return any_condition(g, s);
	if (chance(g, 20))
		cond = chance(g, 50) ? text(g, "%s && %s", cond, any_condition(g, s))
		                     : text(g, "%s && %s", any_condition(g, s), cond);
	return cond;
}

/* ---- dense ----------------------------------------------------------------------------- */

/* A page with the dimension, read plainly: what gives an index its range. */
static const char *ranging_read(gen *g, const scope *s, const gen_var *v, type_id want)
{
	for (int tries = 0; tries < 10; tries++) {
		const gen_page *p = &g->pages[below(g, g->n_pages)];
		if (p->base != GEN_SCALAR || p->sparse || !gen_readable(g, s, p))
			continue;
		for (uint32_t k = 0; k < p->ndim; k++) {
			if (p->dims[k] != v->dim)
				continue;
			const char *read = gen_plain_read(g, s, p, (int)k, v->name);
			if (read)
				return p->type == want ? read : text(g, "%s(%s)", type_table[want].name, read);
		}
	}
	return NULL;
}

static const char *window_read(gen *g, const scope *s, const gen_var *v, type_id want)
{
	for (int tries = 0; tries < 10 && s->n_vars > 1; tries++) {
		const gen_page *p = &g->pages[below(g, g->n_pages)];
		if (p->base != GEN_SCALAR || p->sparse || p->ndim != 1 || !gen_readable(g, s, p))
			continue;
		const char *base = s->vars[below(g, s->n_vars - 1)].name;
		const char *read = text(g, "%s(%s)[%s %c %s]", chance(g, 50) ? "zero" : "clamp", p->name, base, "+-"[below(g, 2)],
		                        v->name);
		return p->type == want ? read : text(g, "%s(%s)", type_table[want].name, read);
	}
	return NULL;
}

/* One more variable with its binding; false: it would cost too much. */
static bool bind_one(gen *g, scope *s, const char **bindings, bool written)
{
	int64_t size;
	const gen_var *v;
	if (s->n_vars >= GEN_VARS)
		return false;
	int dim = gen_dim_of(g, s->space);
	if (dim < 0 || chance(g, 25)) {
		int64_t lo = chance(g, 60) ? 0 : below(g, 4), hi = lo + below(g, 8) - (chance(g, 10) ? 1 : 0);
		if (hi < 0)
			hi = 0;
		v = gen_bind(g, s, -1, lo, hi);
		size = hi - lo;
		*bindings = text(g, "%s%s%s in %lld..%lld", *bindings, **bindings ? ", " : "", v->name, (long long)lo, (long long)hi);
	} else {
		size = g->dims[dim].value;
		v = gen_bind(g, s, dim, 0, size);
		*bindings = written ? text(g, "%s%s%s in 0..%s", *bindings, **bindings ? ", " : "", v->name, g->dims[dim].text)
		                    : text(g, "%s%s%s", *bindings, **bindings ? ", " : "", v->name);
	}
	s->evals *= size > 1 ? (double)size : 1;
	return s->evals <= s->most_evals;
}

static const char *dense_reduce(gen *g, const scope *outer, const reducer *r, int depth)
{
	scope s = *outer;
	const char *bindings = "", *read = NULL;
	bool two = chance(g, 15), written = two || chance(g, 50);
	if (!bind_one(g, &s, &bindings, written) || (two && !bind_one(g, &s, &bindings, written)))
		return NULL;
	const gen_var *v = &s.vars[s.n_vars - 1];
	s.ring = r->ring;
	s.ring_type = r->body;
	if (v->dim < 0)
		read = window_read(g, &s, v, r->body);
	else if (!written || chance(g, 60))
		read = ranging_read(g, &s, v, r->body);
	if (!read && v->dim >= 0 && !written)
		return NULL;
	const char *cond = two ? (chance(g, 20) ? any_condition(g, &s) : NULL) : condition(g, &s, v);
	const char *e = gen_expr(g, &s, r->body, false, depth - 1);
	return finish(g, r, bindings, cond, !read ? e : chance(g, 40) ? read : join(g, r, read, e));
}

/* argmin and argmax count as i64, or are positions: an element of a page there. */
static const char *arg_reduce(gen *g, const scope *outer, type_id t)
{
	scope s = *outer;
	int dim = gen_dim_of(g, s.space);
	if (dim < 0 || s.n_vars >= GEN_VARS || (s.evals *= (double)g->dims[dim].value + 1) > s.most_evals)
		return NULL;
	const gen_var *v = gen_bind(g, &s, dim, 0, g->dims[dim].value);
	type_id body = chance(g, 60) ? T_F64 : T_I32;
	s.ring = NULL;
	const char *cond = condition(g, &s, v), *name = chance(g, 50) ? "argmin" : "argmax";
	const char *arg = cond ? text(g, "%s[%s in 0..%s where %s] %s", name, v->name, g->dims[dim].text, cond,
	                              gen_expr(g, &s, body, false, 1))
	                       : text(g, "%s[%s in 0..%s] %s", name, v->name, g->dims[dim].text, gen_expr(g, &s, body, false, 1));
	if (t == T_I64 && chance(g, 50))
		return text(g, "i64(%s)", arg);
	for (int tries = 0; tries < 10; tries++) {
		const gen_page *p = &g->pages[below(g, g->n_pages)];
		if (p->base == GEN_SCALAR && !p->sparse && p->type == t && p->ndim == 1 && p->dims[0] == dim && gen_readable(g, outer, p))
			return text(g, "%s[%s]", p->name, arg);
	}
	return NULL;
}

const char *gen_reduce(gen *g, const scope *s, type_id t, int depth)
{
	reducer r;
	if (s->nest <= 0)
		return NULL;
	scope inner = *s;
	inner.nest--;
	if (chance(g, 10))
		return arg_reduce(g, &inner, t);
	if (!pick_reducer(g, t, &r))
		return NULL;
	const char *e = chance(g, 40) ? sparse_reduce(g, &inner, &r, depth) : NULL;
	return e ? e : dense_reduce(g, &inner, &r, depth);
}
