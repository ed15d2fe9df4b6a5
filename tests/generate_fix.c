/* generate_fix.c - random fixpoints. Exact ones are built as the language asks: terms that are never better than what they
 * read of the page itself. Their data are mostly made to meet the conditions; where they do not, the epoch fails. */
#include "generate_text.h"

#include <stdio.h>

typedef struct fixing {
	gen *g;
	const gen_page *page;
	bool least;            /* min, &&: smaller is better */
	const char *best, *worst_of; /* the operation, and the other one */
} fixing;

static const char *term(const fixing *f, const scope *s, int depth);

/* ---- what goes in ---------------------------------------------------------------------- */

static const char *self_read(const fixing *f, const scope *s)
{
	gen *g = f->g;
	const char *read = chance(g, 80) ? gen_plain_read(g, s, f->page, -1, NULL) : NULL;
	if (read || f->page->ndim == 0)
		return read ? read : f->page->name;
	static const char *const views[] = {"clamp", "wrap", "mirror"};
	const char *index = "", *view = views[below(g, 3)];
	for (uint32_t k = 0; k < f->page->ndim; k++) {
		const char *v = s->vars[below(g, s->n_vars)].name;
		index = text(g, "%s%s%s %c %u", index, k ? ", " : "", v, "+-"[below(g, 2)], below(g, 3));
	}
	if (chance(g, 20))
		return text(g, "pad(%s, %s)[%s]", f->page->name, f->page->type == T_BOOL ? "false" : is_float(f->page->type) ? "1.0" : "1",
		            index);
	return text(g, "%s(%s)[%s]", view, f->page->name, index);
}

/* A value that cannot make a term better when it is added. */
static const char *weight(const fixing *f, const scope *s)
{
	gen *g = f->g;
	type_id t = f->page->type;
	const char *w = gen_safe(g, s, t), *zero = is_float(t) ? "0.0" : "0";
	if (chance(g, 4) && (w[0] == 's' || w[0] == 'd')) /* a page's value as it comes */
		return w;
	if (chance(g, 35))
		return text(g, "%s(%s%u%s)", type_table[t].name, f->least ? "" : "-", below(g, 4), is_float(t) ? ".5" : "");
	if (f->least)
		return text(g, "(if %s >= %s then %s else %s)", w, zero, w, zero);
	return text(g, "(if %s <= %s then %s else %s)", w, zero, w, zero);
}

/* A value that starts a term. */
static const char *source(const fixing *f, const scope *s)
{
	gen *g = f->g;
	type_id t = f->page->type;
	/* Of floats an arm may be a literal nan, which is refused. */
	const char *d = is_float(t) || chance(g, 70) ? gen_safe(g, s, t) : gen_expr(g, s, t, false, 2);
	if (t == T_BOOL)
		return gen_safe(g, s, t);
	if (is_float(t) && d[0] == 'f') /* a literal */
		d = text(g, "%s(%s2.5)", type_table[t].name, f->least ? "" : "-");
	if (!is_float(t) || chance(g, 4))
		return d;
	return f->least ? text(g, "(if %s > -1e30 then %s else 3.0)", d, d)
	                : text(g, "(if %s < 1e30 && %s != 0.0 then %s else -3.0)", d, d, d);
}

static const char *data(const fixing *f, const scope *s)
{
	scope plain = *s;
	plain.self = -1;
	plain.nest = 0;
	return text(f->g, "%s", source(f, &plain)); /* names of variables die with their scope */
}

/* ---- terms ----------------------------------------------------------------------------- */

static const char *over(const fixing *f, const scope *outer, int depth)
{
	gen *g = f->g;
	scope s = *outer;
	int dim = f->page->ndim && chance(g, 80) ? f->page->dims[below(g, f->page->ndim)] : gen_dim_of(g, s.space);
	s.evals *= (double)g->dims[dim].value + 1;
	if (s.evals > s.most_evals || s.n_vars >= GEN_VARS || s.nest <= 0)
		return self_read(f, outer);
	s.nest--;
	const gen_var *v = gen_bind(g, &s, dim, 0, g->dims[dim].value);
	const char *name = chance(g, 85) ? f->best : f->worst_of;
	if (f->page->type == T_BOOL)
		name = (name == f->best) == f->least ? "all" : "any";
	const char *cond = NULL;
	if (chance(g, 25)) {
		scope plain = s;
		plain.self = -1;
		cond = f->page->type == T_BOOL ? gen_safe(g, &plain, T_BOOL) : gen_expr(g, &plain, T_BOOL, false, 1);
	}
	return cond ? text(g, "(%s[%s in 0..%s where %s] %s)", name, v->name, g->dims[dim].text, cond, term(f, &s, depth - 1))
	            : text(g, "(%s[%s in 0..%s] %s)", name, v->name, g->dims[dim].text, term(f, &s, depth - 1));
}

static const char *arms(const fixing *f, const scope *s, int depth)
{
	scope plain = *s;
	plain.self = -1;
	plain.nest = 0;
	/* Beside a self-read that decides, nothing may fail. */
	const char *c = f->page->type == T_BOOL ? gen_safe(f->g, &plain, T_BOOL) : gen_expr(f->g, &plain, T_BOOL, false, 1);
	return text(f->g, "(if %s then %s else %s)", c, term(f, s, depth - 1), term(f, s, depth - 1));
}

static const char *bool_term(const fixing *f, const scope *s, int depth)
{
	gen *g = f->g;
	switch (below(g, 4)) {
	case 0: return text(g, "(%s && %s)", data(f, s), term(f, s, depth - 1));
	case 1: return text(g, "(%s || %s)", term(f, s, depth - 1), term(f, s, depth - 1));
	case 2: return text(g, "(%s & %s)", term(f, s, depth - 1), term(f, s, depth - 1));
	default: return over(f, s, depth);
	}
}

static const char *term(const fixing *f, const scope *s, int depth)
{
	gen *g = f->g;
	type_id t = f->page->type;
	if (depth <= 0 || chance(g, 20))
		return chance(g, 75) ? self_read(f, s) : data(f, s);
	if (chance(g, 15))
		return arms(f, s, depth);
	if (t == T_BOOL)
		return bool_term(f, s, depth);
	switch (below(g, 8)) {
	case 0: return text(g, "min(%s, %s)", term(f, s, depth - 1), term(f, s, depth - 1));
	case 1: return text(g, "max(%s, %s)", term(f, s, depth - 1), term(f, s, depth - 1));
	case 2:
	case 3: return text(g, "(%s + %s)", term(f, s, depth - 1), weight(f, s));
	case 4: return text(g, "(%s + %s)", weight(f, s), term(f, s, depth - 1));
	case 5:
		if (is_float(t))
			return text(g, "%s(%s)", f->least ? "ceil" : "floor", term(f, s, depth - 1));
		/* fall through */
	default: return over(f, s, depth);
	}
}

/* ---- shapes of their own --------------------------------------------------------------- */

static const gen_page *square(gen *g, const scope *s, const gen_page *p)
{
	for (int tries = 0; tries < 20; tries++) {
		const gen_page *w = &g->pages[below(g, g->n_pages)];
		if (w->base == GEN_SCALAR && w->ndim == 2 && w->dims[0] == p->dims[0] && w->dims[1] == p->dims[0]
		    && w != p && w->type == p->type && gen_readable(g, s, w))
			return w;
	}
	return NULL;
}

/* Paths over a page of weights, dense or sparse. */
static const char *paths(const fixing *f, const scope *s, const char **attrs)
{
	gen *g = f->g;
	const gen_page *p = f->page, *w = p->ndim == 1 ? square(g, s, p) : NULL;
	if (!w || s->n_vars == 0)
		return NULL;
	const char *v = s->vars[s->n_vars - 1].name, *x = p->name;
	const char *read = text(g, "%s[u, %s]", w->name, v);
	if (p->type == T_BOOL)
		return f->least ? text(g, "(all[u] (%s[u] || %s))", x, read) : text(g, "(or_and[u] %s[u] .* %s) || %s == 0", x, read, v);
	if (!is_float(p->type))
		return text(g, "%s(%s[u] (%s[u] + %s(%s, 0)), if %s == 0 then 0 else 50)", f->best, f->best, x, f->worst_of, read, v);
	if (f->least && chance(g, 25))
		return text(g, "min((min[u] (%s[u] * (if %s >= 1.0 then %s else 1.5))), if %s == 0 then 1.0 else abs(%s) + 0.5)", x, read,
		            read, v, gen_safe(g, s, p->type));
	if (f->least)
		return text(g, "min((%s[u] (%s[u] + (if %s >= 0.0 then %s else 2.0))), if %s == 1 then 0.0 else inf)",
		            chance(g, 50) ? "min" : "min_plus", x, read, read, v);
	if (chance(g, 50))
		return text(g, "max((max_min[u] %s[u] .* (if %s > -9.0 then %s else 0.0)), if %s == 0 then inf else -inf)", x, read, read, v);
	*attrs = text(g, "%s init 0", *attrs);
	return text(g, "max((max[u] (%s[u] * (if %s > 0.0 && %s < 1.0 then %s else 0.5))), if %s == 0 then 1.0 else 0.0)", x, read,
	            read, read, v);
}

/* ---- the three kinds ------------------------------------------------------------------- */

static const char *exact(gen *g, const scope *s, gen_page *p, const char **attrs)
{
	bool least = chance(g, 55);
	fixing f = {g, p, least, least ? "min" : "max", least ? "max" : "min"};
	const char *body = chance(g, 60) ? paths(&f, s, attrs) : NULL;
	if (body)
		return text(g, "fix %s", body);
	if (chance(g, 25) && p->type != T_BOOL)
		*attrs = text(g, "%s init %s", *attrs, is_float(p->type) ? "7.5" : "7");
	const char *sign = least ? "&&" : "||";
	if (p->type == T_BOOL)
		return text(g, "fix (%s %s %s)", term(&f, s, 2), sign, data(&f, s)[0] ? term(&f, s, 2) : "false");
	return text(g, "fix %s(%s, %s)", f.best, term(&f, s, 3), term(&f, s, 3));
}

static const char *bounded(gen *g, const scope *s, gen_page *p, const char **attrs)
{
	fixing f = {g, p, chance(g, 50), "min", "max"};
	uint32_t rounds = chance(g, 85) ? 80 : 1 + below(g, 6);
	if (chance(g, 40))
		*attrs = text(g, "%s init %s", *attrs, p->type == T_BOOL ? "true" : is_float(p->type) ? "2.5" : "3");
	if (p->type == T_BOOL)
		return text(g, "fix(max = %u) %s", rounds, term(&f, s, 3));
	return text(g, "fix(max = %u) %s(%s, %s)", rounds, chance(g, 50) ? "min" : "max", term(&f, s, 2), data(&f, s));
}

static const char *numeric(gen *g, const scope *s, gen_page *p, const char **attrs)
{
	fixing f = {g, p, true, "min", "max"};
	scope with = *s;
	with.self = (int)(p - g->pages);
	if (chance(g, 40))
		*attrs = text(g, "%s init 0.25", *attrs);
	const char *head = text(g, "fix(tol = %s, max = %u)", chance(g, 50) ? "1e-3" : "0.5", 1 + below(g, 12));
	if (chance(g, 30))
		return text(g, "%s %s", head, gen_expr(g, &with, p->type, true, 3));
	return text(g, "%s (0.5 * %s + %s)", head, self_read(&f, s), data(&f, s));
}

const char *gen_fix(gen *g, const scope *s, gen_page *p, const char **attrs)
{
	uint32_t pick = below(g, 100);
	scope with = *s;
	with.self = -1;
	if (pick < 60)
		return exact(g, &with, p, attrs);
	if (pick < 80 || !is_float(p->type))
		return bounded(g, &with, p, attrs);
	return numeric(g, &with, p, attrs);
}
