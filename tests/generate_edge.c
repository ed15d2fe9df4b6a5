/* generate_edge.c - random derived pages and their edges: ordinary ones, groups, sums, fixpoints, pages like a sparse one. */
#include "generate_text.h"

#include <stdio.h>
#include <string.h>

scope gen_edge_scope(gen *g, const gen_page *p)
{
	scope s = {.pages = true, .order = p->order, .space = p->space, .self = -1, .nest = 2};
	s.evals = (double)gen_elements(g, p) + 1;
	s.most_evals = s.evals + (chance(g, 8) ? 40000 : 4000);
	for (uint32_t k = 0; k < p->ndim; k++)
		gen_bind(g, &s, p->dims[k], 0, g->dims[p->dims[k]].value);
	return s;
}

const char *gen_target(gen *g, const gen_page *p, const scope *s)
{
	const char *t = p->name;
	for (uint32_t k = 0; k < p->ndim; k++)
		t = text(g, "%s%s%s", t, k ? ", " : "[", s->vars[k].name);
	return p->ndim ? text(g, "%s]", t) : t;
}

static const char *index_value(gen *g, const scope *s, int dim)
{
	for (int tries = 0; tries < 8; tries++) {
		const gen_page *q = &g->pages[below(g, g->n_pages)];
		const char *read = q->base == GEN_INDEX && q->dim == dim && gen_readable(g, s, q) ? gen_read(g, s, q, false) : NULL;
		if (read)
			return read;
	}
	if (g->dims[dim].value > 0 && chance(g, 60))
		return text(g, "index(%s)(abs(i64(%s)) %% %lld)", g->dims[dim].text, gen_expr(g, s, T_I32, false, 2),
		            (long long)g->dims[dim].value);
	scope inner = *s;
	const gen_var *v = gen_bind(g, &inner, dim, 0, g->dims[dim].value);
	return text(g, "argmax[%s in 0..%s] %s", v->name, g->dims[dim].text, gen_expr(g, &inner, T_F64, false, 1));
}

static const char *record_value(gen *g, const scope *s)
{
	const char *arms[2] = {NULL, NULL};
	for (int i = 0; i < 2; i++)
		for (int tries = 0; tries < 20 && !arms[i]; tries++) {
			const gen_page *q = &g->pages[below(g, g->n_pages)];
			if (q->base == GEN_RECORD && gen_readable(g, s, q))
				arms[i] = gen_read(g, s, q, false);
		}
	if (!arms[0] || !arms[1])
		return NULL;
	return chance(g, 60) ? text(g, "if %s then %s else %s", gen_expr(g, s, T_BOOL, false, 2), arms[0], arms[1]) : arms[0];
}

static const char *any_sparse(gen *g, gen_page *p)
{
	for (uint32_t i = 0; i < g->n_pages; i++) {
		const gen_page *q = &g->pages[i];
		if (!q->sparse || q == p || q->space != 0 || q->order >= p->order || !chance(g, 60))
			continue;
		p->sparse = true;
		p->like = q->like >= 0 ? q->like : (int)i;
		p->ndim = 2;
		p->dims[0] = q->dims[0];
		p->dims[1] = q->dims[1];
		return text(g, " like %s", q->name);
	}
	return NULL;
}

static const char *role(gen *g)
{
	return chance(g, 65) ? " out" : "";
}

static void emit_page(gen *g, const gen_page *p, const char *attrs)
{
	if (!p->sparse && p->ndim == 2 && chance(g, 10))
		attrs = text(g, "%s @tile(%u, %u)", attrs, 1 + below(g, 8), 1 + below(g, 8));
	if (p->base == GEN_RECORD && chance(g, 40))
		attrs = text(g, "%s @soa", attrs);
	emit(g, "page %s : %s%s%s;\n", p->name, gen_page_text(g, p), role(g), attrs);
}

/* Along both sides of a page of weights, for paths. */
static void along_square(gen *g, gen_page *p)
{
	for (int tries = 0; tries < 20; tries++) {
		const gen_page *q = &g->pages[below(g, g->n_pages)];
		if (q->space != 0 || q->base != GEN_SCALAR || q->ndim != 2 || q->dims[0] != q->dims[1] || q->order >= p->order
		    || g->dims[q->dims[0]].value > 140)
			continue;
		p->type = q->type;
		p->ndim = 1;
		p->dims[0] = q->dims[0];
		return;
	}
}

/* R[i where key[i] == b] …, for every b. NULL: there is no key. */
static const char *grouped(gen *g, gen_page *p, scope *out)
{
	static const char *const names[] = {"sum", "min", "max", "mean", "prod", "plus_times", "min_plus"};
	for (int tries = 0; tries < 12; tries++) {
		const gen_page *q = &g->pages[below(g, g->n_pages)];
		if (q->space != 0 || q->base != GEN_INDEX || q->ndim != 1 || q->order >= p->order)
			continue;
		p->ndim = 1;
		p->dims[0] = q->dim;
		p->type = chance(g, 30) ? T_F32 : T_F64;
		scope s = *out = gen_edge_scope(g, p);
		const char *b = out->vars[0].name;
		const gen_var *v = gen_bind(g, &s, q->dims[0], 0, g->dims[q->dims[0]].value);
		s.evals *= (double)v->hi + 1;
		if (s.evals > 60000)
			return NULL;
		const char *body = chance(g, 40) ? gen_safe(g, &s, p->type) : gen_expr(g, &s, p->type, false, 2);
		return text(g, "%s[%s where %s[%s] == %s%s] (%s)", names[below(g, 7)], v->name, q->name, v->name, b,
		            chance(g, 25) ? text(g, " && %s", gen_expr(g, &s, T_BOOL, false, 1)) : "", body);
	}
	return NULL;
}

/* A float page along one of its sides (a sparse one at times along both), with some positions left out: nothing but the
 * order of a sum, in which every bit shows. NULL: there is none. */
static const char *summed(gen *g, gen_page *p, scope *out)
{
	static const char *const names[] = {"sum", "sum", "sum", "mean", "plus_times", "prod"};
	for (int tries = 0; tries < 12; tries++) {
		const gen_page *q = &g->pages[below(g, g->n_pages)];
		if (q->space != 0 || q->base != GEN_SCALAR || !is_float(q->type) || q->ndim == 0 || q->order >= p->order)
			continue;
		uint32_t side = below(g, q->ndim);
		bool both = q->ndim == 2 && chance(g, 25);
		p->type = q->type;
		p->ndim = 0;
		for (uint32_t k = 0; k < q->ndim && !both; k++)
			if (k != side)
				p->dims[p->ndim++] = q->dims[k];
		*out = gen_edge_scope(g, p);
		scope s = *out;
		const char *index[GEN_NDIM], *bindings = "", *list = "";
		for (uint32_t k = 0, outer = 0; k < q->ndim; k++) {
			bool bound = both || k == side;
			index[k] = bound ? gen_bind(g, &s, q->dims[k], 0, 0)->name : out->vars[outer++].name;
			list = text(g, "%s%s%s", list, k ? ", " : "", index[k]);
			if (bound)
				bindings = text(g, "%s%s%s", bindings, *bindings ? ", " : "", index[k]);
		}
		const char *some = chance(g, 60) ? text(g, " where rand(%u, %s) < 0.%u", below(g, 9), list, 1 + below(g, 9)) : "";
		return text(g, "%s[%s%s] %s[%s]", names[below(g, 6)], bindings, some, q->name, list);
	}
	return NULL;
}

/* The name of a source page of the same type and shape, or NULL. */
static const char *init_page(gen *g, const gen_page *p)
{
	for (uint32_t i = 0; i < g->n_pages; i++) {
		const gen_page *q = &g->pages[i];
		bool same = q->source && !q->sparse && q->base == p->base && q->type == p->type && q->ndim == p->ndim
		            && (q->base == GEN_SCALAR || q->dim == p->dim);
		for (uint32_t k = 0; same && k < p->ndim; k++)
			same = q->dims[k] == p->dims[k];
		if (same && chance(g, 50))
			return q->name;
	}
	return NULL;
}

/* Nothing in the text can fail: no divisor, no computed position, no fn or let that has some. */
static bool is_safe(const gen *g, const char *body)
{
	if (strpbrk(body, "/%") || strstr(body, "index(") || strstr(body, "fn"))
		return false;
	for (uint32_t i = 0; i < g->n_lets; i++)
		if (strstr(body, g->lets[i].name))
			return false;
	return true;
}

static const char *init_of(gen *g, const gen_page *p)
{
	const char *from = init_page(g, p);
	if (from && chance(g, 70))
		return text(g, " init %s", from);
	return !p->fix && p->base == GEN_SCALAR ? text(g, " init %s", gen_literal(g, p->type)) : "";
}

void gen_derived(gen *g, uint32_t order)
{
	gen_page *p = gen_new_page(g, text(g, "d%u", order), order);
	uint32_t pick = chance(g, g->fixes) ? 12 + below(g, 18) : below(g, 100);
	const char *attrs = "", *like = NULL, *body = NULL;
	p->type = any_type(g);
	if (pick < 12)
		like = any_sparse(g, p);
	if (like)
		attrs = like;
	else
		gen_shape(g, p, below(g, 4), pick < 30 ? 60 : 5000);
	if (!like && pick >= 30 && pick < 37) {
		p->base = GEN_INDEX;
		p->dim = gen_dim_of(g, 0);
	} else if (!like && pick >= 37 && pick < 42 && g->n_records) {
		p->base = GEN_RECORD;
		p->dim = 0;
	}
	p->state = !like && chance(g, 25);
	p->fix = !like && pick < 30 && p->base == GEN_SCALAR;
	if (p->fix && chance(g, 50))
		along_square(g, p);
	g->no_lazy = p->fix;
	scope s = gen_edge_scope(g, p);
	if (!like && pick >= 42 && pick < 50)
		body = grouped(g, p, &s);
	else if (!like && pick >= 50 && pick < 60)
		body = summed(g, p, &s);
	if (!body)
		s = gen_edge_scope(g, p);
	if (like)
		s.entries[s.n_entries++] = (gen_entry){p->like, s.vars[0].name, s.vars[1].name};
	g->no_lazy = g->no_lazy || like; /* which may turn out to be a fixpoint */
	if (like && is_float(p->type) && chance(g, 8)) /* at its own entry a fixpoint reads itself alone */
		body = text(g, "fix min(%s + 1.0, (if %s > -1e30 then f32(2.5) else f32(1.5)))", gen_target(g, p, &s), gen_safe(g, &s, p->type));
	else if (like && is_float(p->type) && chance(g, 15)) /* keeps its values while the pattern changes */
		body = text(g, "fix(tol = 1e-2, max = %u) 0.5 * %s + %s", 1 + below(g, 4), gen_target(g, p, &s), gen_expr(g, &s, p->type, false, 2));
	else if (like && p->type != T_BOOL && chance(g, 15))
		body = text(g, "prev %s + %s", gen_target(g, p, &s), gen_expr(g, &s, p->type, false, 2));
	if (body)
		p->state = false;
	else if (p->fix)
		body = gen_fix(g, &s, p, &attrs);
	else if (p->base == GEN_INDEX)
		body = index_value(g, &s, p->dim);
	else if (p->base == GEN_RECORD)
		body = record_value(g, &s);
	if (!body) {
		p->base = GEN_SCALAR;
		body = gen_expr(g, &s, p->type, true, 4);
	}
	if (!like && (p->state || p->fix) && !strstr(attrs, "init") && chance(g, 50))
		attrs = text(g, "%s%s", attrs, init_of(g, p));
	p->lazy = !p->state && !p->fix && !p->sparse && is_safe(g, body) && !strstr(body, text(g, "prev %s", p->name)) && chance(g, 35);
	if (p->lazy)
		attrs = text(g, "%s @lazy", attrs);
	emit_page(g, p, attrs);
	emit(g, "edge %s <- %s;\n", gen_target(g, p, &s), body);
}
