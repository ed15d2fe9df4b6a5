/* generate.c - random programs: params, records, semirings, functions, pages, lets, graphs and edges, in any order. */
#define _GNU_SOURCE /* vasprintf */
#include "generate_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- text ------------------------------------------------------------------------------ */

const char *text(gen *g, const char *fmt, ...)
{
	va_list args;
	char *made = NULL;
	va_start(args, fmt);
	int n = vasprintf(&made, fmt, args);
	va_end(args);
	if (n < 0) {
		fputs("out of memory\n", stderr);
		exit(3);
	}
	if (g->n_strings == g->room_strings) {
		g->room_strings = g->room_strings * 2 + 256;
		g->strings = naive_room(g->strings, g->room_strings, sizeof *g->strings);
	}
	g->strings[g->n_strings++] = made;
	return made;
}

void emit(gen *g, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (g->size + (size_t)n + 1 > g->room) {
		g->room = g->room * 2 + (size_t)n + 1024;
		g->out = naive_room(g->out, g->room, 1);
	}
	va_start(args, fmt);
	vsnprintf(g->out + g->size, g->room - g->size, fmt, args);
	va_end(args);
	g->size += (size_t)n;
}

/* ---- sizes, params, records ------------------------------------------------------------ */

static int add_dim(gen *g, const char *name, int64_t value, bool literal, uint32_t space)
{
	g->dims[g->n_dims] = (gen_dim){name, value, literal, space};
	return (int)g->n_dims++;
}

static void sizes(gen *g, generated *out)
{
	static const int64_t usual[] = {0, 1, 2, 3, 5, 7, 12, 31, 32, 33, 63, 64, 65, 100};
	out->n_sizes = 1 + below(g, GENERATE_SIZES - 1);
	for (uint32_t i = 0; i < out->n_sizes; i++) {
		snprintf(out->size_names[i], sizeof out->size_names[i], "N%u", i);
		out->sizes[i] = usual[chance(g, 90) ? 1 + below(g, 13) : 0];
		if (i == 0 && chance(g, 10)) /* about the executor's tiles, and more than one of them */
			out->sizes[i] = chance(g, 50) ? 511 + below(g, 3) : 1000 + below(g, 3000);
		add_dim(g, text(g, "N%u", i), out->sizes[i], false, 0);
		emit(g, "param N%u;\n", i);
	}
	uint32_t literal = 1 + below(g, 6);
	if (chance(g, 60))
		add_dim(g, text(g, "%u", literal), literal, true, 0);
	if (chance(g, 40)) {
		const gen_dim *d = &g->dims[below(g, out->n_sizes)];
		if (chance(g, 50))
			add_dim(g, text(g, "%s + 1", d->text), d->value + 1, false, 0);
		else if (d->value < 100)
			add_dim(g, text(g, "2 * %s", d->text), d->value * 2, false, 0);
	}
}

static void params(gen *g)
{
	uint32_t n = below(g, 4);
	for (uint32_t i = 0; i < n; i++) {
		gen_typed *p = &g->params[g->n_params++];
		p->type = any_type(g);
		snprintf(p->name, sizeof p->name, "p%u", i);
		emit(g, "param %s : %s = %s;\n", p->name, type_table[p->type].name, gen_literal(g, p->type));
	}
}

static void records(gen *g)
{
	if (chance(g, 65))
		return;
	gen_record *r = &g->records[g->n_records++];
	snprintf(r->name, sizeof r->name, "Rec");
	r->n = 1 + below(g, GEN_FIELDS);
	emit(g, "record %s {", r->name);
	for (uint32_t i = 0; i < r->n; i++) {
		snprintf(r->fields[i], sizeof r->fields[i], "f%u", i);
		r->types[i] = any_type(g);
		r->dims[i] = chance(g, 12) ? (int)below(g, g->n_dims) : -1;
		if (r->dims[i] >= 0)
			emit(g, " %s : index(%s);", r->fields[i], g->dims[r->dims[i]].text);
		else
			emit(g, " %s : %s;", r->fields[i], type_table[r->types[i]].name);
	}
	emit(g, " }\n");
}

static void semirings(gen *g)
{
	emit(g, "semiring min_plus { add = min; mul = +; zero = inf; one = 0; }\n"
	        "semiring max_plus { add = max; mul = +; zero = -inf; one = 0; }\n"
	        "semiring max_min { add = max; mul = min; zero = -inf; one = inf; }\n"
	        "semiring plus_times { add = +; mul = *; zero = 0; one = 1; }\n"
	        "semiring or_and { add = ||; mul = &&; zero = false; one = true; }\n"
	        "semiring max_times { add = max; mul = *; zero = 0; one = 1; }\n"
	        "semiring xor_and { add = ^; mul = &; zero = 0; one = 1; }\n"
	        "semiring sum_min : f64 { add = +; mul = min; zero = 0.0; one = inf; }\n");
}

static void functions(gen *g)
{
	static const char *const untyped[] = {"x * x", "x * x + x", "min(x, x * x)", "clamp(x, x, x + 1)", "abs(x)",
	                                      "if x > 3 then x else x + x"};
	uint32_t n = below(g, 4);
	for (uint32_t i = 0; i < n; i++) {
		gen_fn *f = &g->fns[g->n_fns];
		scope s = {.self = -1};
		snprintf(f->name, sizeof f->name, "fn%u", i);
		f->untyped = chance(g, 35);
		if (f->untyped) {
			emit(g, "fn %s(x) = %s;\n", f->name, untyped[below(g, 6)]);
			g->n_fns++;
			continue;
		}
		const char *args = "";
		f->n = 1 + below(g, 3);
		f->result = any_type(g);
		for (uint32_t k = 0; k < f->n; k++) {
			f->types[k] = any_type(g);
			snprintf(s.locals[k].name, sizeof s.locals[k].name, "a%u", k);
			s.locals[k].type = f->types[k];
			args = text(g, "%s%s%s : %s", args, k ? ", " : "", s.locals[k].name, type_table[f->types[k]].name);
		}
		s.n_locals = f->n;
		if (chance(g, 40)) {
			gen_typed *d = &s.locals[s.n_locals];
			type_id t = any_type(g);
			const char *value = gen_expr(g, &s, t, false, 2);
			snprintf(d->name, sizeof d->name, "d");
			d->type = t;
			s.n_locals++;
			emit(g, "fn %s(%s) : %s { let d = %s; %s }\n", f->name, args, type_table[f->result].name, value,
			     gen_expr(g, &s, f->result, true, 2));
		} else {
			emit(g, "fn %s(%s) : %s = %s;\n", f->name, args, type_table[f->result].name,
			     gen_expr(g, &s, f->result, true, 3));
		}
		g->n_fns++;
	}
}

/* ---- pages ----------------------------------------------------------------------------- */

int64_t gen_elements(const gen *g, const gen_page *p)
{
	int64_t count = 1;
	for (uint32_t k = 0; k < p->ndim; k++)
		count *= g->dims[p->dims[k]].value;
	return count;
}

/* Dimensions that are not too many elements. */
void gen_shape(gen *g, gen_page *p, uint32_t ndim, int64_t most)
{
	do {
		p->ndim = ndim;
		for (uint32_t k = 0; k < ndim; k++)
			p->dims[k] = gen_dim_of(g, 0);
		if (ndim > 0 && chance(g, 30) && most > 60)
			ndim--;
		else if (gen_elements(g, p) > most && ndim > 0)
			ndim--;
	} while (gen_elements(g, p) > most);
}

gen_page *gen_new_page(gen *g, const char *name, uint32_t order)
{
	gen_page *p = &g->pages[g->n_pages++];
	*p = (gen_page){.name = name, .like = -1, .order = order};
	return p;
}

static const char *element_text(gen *g, const gen_page *p)
{
	return p->base == GEN_INDEX ? text(g, "index(%s)", g->dims[p->dim].text) : p->base == GEN_RECORD ? g->records[p->dim].name
	                                                                           : type_table[p->type].name;
}

const char *gen_page_text(gen *g, const gen_page *p)
{
	const char *t = text(g, "%s%s", p->sparse ? "sparse " : "", element_text(g, p));
	for (uint32_t k = 0; k < p->ndim; k++)
		t = text(g, "%s%s%s", t, k ? ", " : "[", g->dims[p->dims[k]].text);
	return p->ndim ? text(g, "%s]", t) : t;
}

static void source_page(gen *g, uint32_t i)
{
	gen_page *p = gen_new_page(g, text(g, "s%u", i), 0);
	uint32_t pick = i == 0 ? 0 : below(g, 100);
	p->source = true;
	p->type = any_type(g);
	p->state = chance(g, 20);
	if (pick < 60) {
		if (i == 0)
			p->type = T_F64;
		gen_shape(g, p, i == 0 ? 1 : below(g, 4), 5000);
	} else if (pick < 78) {
		p->base = GEN_INDEX;
		p->dim = gen_dim_of(g, 0);
		gen_shape(g, p, chance(g, 80) ? 1 : 2, 5000);
	} else if (pick < 86 && g->n_records) {
		p->base = GEN_RECORD;
		p->dim = 0;
		gen_shape(g, p, below(g, 3), 2000);
	} else {
		p->state = chance(g, 40);
		for (int tries = 0; tries < 20 && !p->sparse; tries++) {
			p->ndim = 2;
			p->dims[0] = gen_dim_of(g, 0);
			p->dims[1] = chance(g, 50) ? p->dims[0] : gen_dim_of(g, 0);
			p->sparse = gen_elements(g, p) <= 20000;
		}
		p->ndim = p->sparse ? 2 : 0;
		p->state = p->state && p->sparse;
	}
	const char *attrs = chance(g, 10) ? " @static" : "";
	if (p->base == GEN_RECORD && chance(g, 50))
		attrs = chance(g, 50) ? " @soa" : " @aos";
	if (p->base == GEN_SCALAR && !p->sparse && chance(g, 15))
		attrs = text(g, " init %s%s", gen_literal(g, p->type), attrs);
	emit(g, "page %s : %s in%s;\n", p->name, gen_page_text(g, p), attrs);
}

/* ---- lets ------------------------------------------------------------------------------ */

static void let(gen *g, uint32_t order)
{
	if (g->n_lets >= GEN_LETS)
		return;
	gen_let *l = &g->lets[g->n_lets];
	gen_page like = {.order = order};
	like.ndim = below(g, 3);
	for (uint32_t k = 0; k < like.ndim; k++)
		like.dims[k] = gen_dim_of(g, 0);
	g->no_lazy = true; /* a fixpoint may use it */
	scope s = gen_edge_scope(g, &like);
	s.evals = 1;
	s.most_evals = 30;
	s.nest = 1;
	*l = (gen_let){.n = like.ndim, .order = order, .type = any_type(g), .dims = {like.dims[0], like.dims[1]}};
	snprintf(l->name, sizeof l->name, "l%u", g->n_lets);
	like.name = l->name;
	emit(g, "let %s = %s;\n", gen_target(g, &like, &s), gen_expr(g, &s, l->type, false, 2));
	g->n_lets++;
}

/* ---- graphs ---------------------------------------------------------------------------- */

typedef struct instance {
	int map[GEN_DIMS][2];   /* a dimension outside, and its name within */
	uint32_t n;
	uint32_t space;
} instance;

static int inner_dim(gen *g, instance *in, int outer)
{
	if (g->dims[outer].literal)
		return outer;
	for (uint32_t i = 0; i < in->n; i++)
		if (in->map[i][0] == outer)
			return in->map[i][1];
	int dim = add_dim(g, text(g, "G%u_%u", in->space, in->n), g->dims[outer].value, false, in->space);
	in->map[in->n][0] = outer;
	in->map[in->n++][1] = dim;
	return dim;
}

/* A graph of one or two pages that is used once; its result joins the program's pages. */
static void graph(gen *g, uint32_t order)
{
	instance in = {.space = order};
	g->no_lazy = false;
	const char *header = "", *args = "";
	uint32_t n = 1 + below(g, 2), first = g->n_pages;
	int result_dims[GEN_NDIM] = {0};
	if (g->n_pages + 4 > GEN_PAGES || g->n_dims + 6 > GEN_DIMS)
		return;
	for (uint32_t i = 0; i < n; i++) {
		const gen_page *arg = NULL;
		for (int tries = 0; tries < 30 && !arg; tries++) {
			const gen_page *q = &g->pages[below(g, first)];
			if (q->base == GEN_SCALAR && q->space == 0 && q->order < order && q->like < 0 && q->ndim <= 2 && !q->lazy)
				arg = q;
		}
		if (!arg)
			return;
		gen_page *p = gen_new_page(g, text(g, "h%u", i), 0);
		p->type = arg->type;
		p->sparse = arg->sparse;
		p->ndim = arg->ndim;
		p->space = in.space;
		for (uint32_t k = 0; k < arg->ndim; k++)
			p->dims[k] = inner_dim(g, &in, arg->dims[k]);
		header = text(g, "%s%s : %s, ", header, p->name, gen_page_text(g, p));
		args = text(g, "%s%s = %s, ", args, p->name, arg->name);
	}
	gen_page *r = gen_new_page(g, "r", order);
	r->space = in.space;
	r->type = any_type(g);
	if (in.n && chance(g, 80)) {
		r->ndim = 1;
		uint32_t pick = below(g, in.n);
		r->dims[0] = in.map[pick][1];
		result_dims[0] = in.map[pick][0];
	}
	scope s = gen_edge_scope(g, r);
	type_id c = any_type(g);
	snprintf(s.locals[0].name, sizeof s.locals[0].name, "c");
	s.locals[0].type = c;
	s.n_locals = 1;
	emit(g, "graph g%u(%sc : %s) -> (r : %s) {\n\tedge %s <- %s;\n}\n", order, header, type_table[c].name, gen_page_text(g, r),
	     gen_target(g, r, &s), gen_expr(g, &s, r->type, true, 3));
	emit(g, "use u%u = g%u(%sc = %s);\n", order, order, args, gen_literal(g, c));
	gen_page *out = gen_new_page(g, text(g, "u%u.r", order), order);
	out->type = r->type;
	out->ndim = r->ndim;
	out->dims[0] = result_dims[0];
}

/* ---- the whole ------------------------------------------------------------------------- */

/* One declaration a line (a graph: up to its closing brace), in another order: order is free. */
static void shuffle(gen *g, generated *out)
{
	char **items = NULL;
	size_t n = 0;
	for (char *at = g->out; at && *at;) {
		char *end = strchr(at, '\n');
		if (strncmp(at, "graph ", 6) == 0)
			end = strchr(strstr(at, "\n}"), '}') + 1;
		items = naive_room(items, n + 1, sizeof *items);
		items[n++] = strndup(at, (size_t)(end - at));
		at = *end ? end + 1 : end;
	}
	g->size = 0;
	bool mix = chance(g, 50);
	for (size_t i = n; mix && i > 1; i--) {
		size_t k = below(g, (uint32_t)i);
		char *swap = items[i - 1];
		items[i - 1] = items[k];
		items[k] = swap;
	}
	for (size_t i = 0; i < n; i++) {
		emit(g, "%s\n", items[i]);
		free(items[i]);
	}
	free(items);
	out->text = g->out;
}

static generated finish(gen *g, generated out)
{
	for (size_t i = 0; i < g->n_strings; i++)
		free(g->strings[i]);
	free(g->strings);
	free(g);
	return out;
}

generated generate_program(uint64_t seed)
{
	generated out = {0};
	gen *g = naive_room(NULL, 1, sizeof *g);
	g->r.state = seed;
	if (chance(g, 45))
		return finish(g, generate_theme(g, chance(g, 12)));
	g->fixes = chance(g, 15) ? 60 : 0;
	sizes(g, &out);
	params(g);
	records(g);
	semirings(g);
	functions(g);
	uint32_t n_sources = 2 + below(g, 7), n_derived = 1 + below(g, 7);
	for (uint32_t i = 0; i < n_sources; i++)
		source_page(g, i);
	for (uint32_t i = 1; i <= n_derived; i++) {
		if (chance(g, 12))
			let(g, i);
		if (chance(g, 10))
			graph(g, i);
		else
			gen_derived(g, i);
	}
	shuffle(g, &out);
	return finish(g, out);
}

void generated_free(generated *program)
{
	free(program->text);
	*program = (generated){0};
}
