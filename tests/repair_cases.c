/* repair_cases.c - see repair_cases.h. */
#include "repair_cases.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../compiler/compile.h"
#include "../runtime/container.h"

/* ---- models ------------------------------------------------------------------------------------ */

static void *twin(const void *from, size_t bytes)
{
	void *p = malloc(bytes + 1);
	if (!p)
		exit(1);
	return from ? memcpy(p, from, bytes) : memset(p, 0, bytes);
}

static void model_twin(model *to, const model *from, uint64_t n)
{
	static const model none;
	const model *f = from ? from : &none;
	*to = (model){.n = n, .d = twin(f->d, n * n * 8), .c = twin(f->c, n * 8), .b = twin(f->b, n), .next = twin(f->next, n * 4)};
	for (int i = 0; i < 2; i++) {
		to->w[i] = twin(f->w[i], n * n * 8);
		to->s[i] = twin(f->s[i], n * 4);
	}
}

void model_new(model *m, uint64_t n)
{
	model_twin(m, NULL, n);
	for (uint64_t p = 0; p < n * n; p++)
		m->w[0][p] = m->w[1][p] = NAN;
}

void model_copy(model *to, const model *from) { model_twin(to, from, from->n); }

void model_free(model *m)
{
	for (int i = 0; i < 2; i++) {
		free(m->w[i]);
		free(m->s[i]);
	}
	free(m->d);
	free(m->c);
	free(m->b);
	free(m->next);
}

/* ---- algorithms of their own -------------------------------------------------------------------- */

static double value_at(const void *x, char type, uint64_t v)
{
	return type == 'f' ? ((const double *)x)[v] : type == 'i' ? (double)((const int64_t *)x)[v] : ((const int8_t *)x)[v];
}

static bool same(double a, double b) { return a == b; } /* which zero it is, the whole evaluation says */

/* Dijkstra: the best vertex that is not settled is settled. far: as good as none; most: integers end there. */
static const char *dijkstra(const model *m, const void *x, char type, const double *arcs, double most)
{
	uint64_t n = m->n;
	double *d = twin(m->c, n * 8);
	bool *settled = twin(NULL, n);
	const char *wrong = NULL;
	for (uint64_t round = 0; round < n; round++) {
		uint64_t u = n;
		for (uint64_t v = 0; v < n; v++)
			if (!settled[v] && (u == n || d[v] < d[u]))
				u = v;
		settled[u] = true;
		for (uint64_t v = 0; v < n; v++) {
			double w = arcs[u * n + v], t = fmin(d[u] + w, most);
			if (!isnan(w) && t < d[v])
				d[v] = t;
		}
	}
	for (uint64_t v = 0; v < n; v++)
		if (!same(d[v], value_at(x, type, v)))
			wrong = "not what Dijkstra's algorithm finds";
	free(d);
	free(settled);
	return wrong;
}

static const char *paths_f(const model *m, const void *x) { return dijkstra(m, x, 'f', m->w[0], INFINITY); }
static const char *paths_i(const model *m, const void *x) { return dijkstra(m, x, 'i', m->w[0], INFINITY); }
static const char *paths_c(const model *m, const void *x) { return dijkstra(m, x, 'c', m->w[0], 127); }
static const char *paths_d(const model *m, const void *x) { return dijkstra(m, x, 'f', m->d, INFINITY); }

/* The widest way: the same, of the greatest. */
static const char *widest(const model *m, const void *x)
{
	uint64_t n = m->n;
	double *d = twin(m->c, n * 8);
	const char *wrong = NULL;
	for (bool moved = true; moved;) {
		moved = false;
		for (uint64_t p = 0; p < n * n; p++) {
			double t = fmin(d[p / n], m->w[0][p]);
			if (!isnan(m->w[0][p]) && t > d[p % n]) {
				d[p % n] = t;
				moved = true;
			}
		}
	}
	for (uint64_t v = 0; v < n; v++)
		if (!same(d[v], value_at(x, 'f', v)))
			wrong = "not the widest way";
	free(d);
	return wrong;
}

/* Breadth first from all that are given. */
static const char *reach(const model *m, const void *x)
{
	uint64_t n = m->n, head = 0, tail = 0, *line = twin(NULL, n * 8);
	uint8_t *seen = twin(m->b, n);
	for (uint64_t v = 0; v < n; v++)
		if (seen[v])
			line[tail++] = v;
	while (head < tail) {
		uint64_t u = line[head++];
		for (uint64_t v = 0; v < n; v++)
			if (!isnan(m->w[0][u * n + v]) && !seen[v]) {
				seen[v] = 1;
				line[tail++] = v;
			}
	}
	const char *wrong = memcmp(seen, x, n) == 0 ? NULL : "not what a search in breadth reaches";
	free(line);
	free(seen);
	return wrong;
}

static uint64_t root(uint64_t *up, uint64_t v)
{
	while (up[v] != v)
		v = up[v] = up[up[v]];
	return v;
}

/* Sets that are united, each under its smallest vertex. */
static const char *components(const model *m, const void *x)
{
	uint64_t n = m->n, *up = twin(NULL, n * 8);
	const char *wrong = NULL;
	for (uint64_t v = 0; v < n; v++)
		up[v] = v;
	for (uint64_t p = 0; p < n * n; p++) {
		uint64_t a = root(up, p / n), b = root(up, p % n);
		if (!isnan(m->w[0][p]))
			up[a > b ? a : b] = a > b ? b : a;
	}
	for (uint64_t v = 0; v < n; v++)
		if (((const int64_t *)x)[v] != (int64_t)root(up, v))
			wrong = "not the components";
	free(up);
	return wrong;
}

static double cell(const double *d, uint64_t n, uint64_t i, uint64_t j) { return d[i * n + j]; }

/* Row by row. */
static const char *distance(const model *m, const void *x)
{
	uint64_t n = m->n;
	double *d = twin(NULL, n * n * 8);
	for (uint64_t i = 0; i < n; i++)
		for (uint64_t j = 0; j < n; j++) {
			double here = m->s[0][i] == m->s[1][j] ? 0 : 1;
			double best = i == 0 && j == 0 ? here : INFINITY;
			if (i > 0)
				best = fmin(best, cell(d, n, i - 1, j) + 1);
			if (j > 0)
				best = fmin(best, cell(d, n, i, j - 1) + 1);
			if (i > 0 && j > 0)
				best = fmin(best, cell(d, n, i - 1, j - 1) + here);
			d[i * n + j] = best;
		}
	const char *wrong = memcmp(d, x, n * n * 8) == 0 ? NULL : "not the edit distances";
	free(d);
	return wrong;
}

/* ---- programs ---------------------------------------------------------------------------------- */

#define F64 "page x : f64[N] out;\n"

const repair_case repair_cases[] = {
	{.name = "paths", .text = F64 "edge x[v] <- fix min(c[v], min[u] (x[u] + W[u, v]));\n", .inputs = "WWWWc", .type = 'f',
	 .graph = true, .can_fail = true, .reference = paths_f},
	{.name = "paths of integers", .text = "page x : i64[N] out;\nedge x[v] <- fix min(c[v], min[u] (x[u] + W[u, v]));\n", .inputs = "WWWWc",
	 .type = 'i', .graph = true, .can_fail = true, .reference = paths_i},
	{.name = "paths of small integers", .text = "page x : i8[N] out;\nedge x[v] <- fix min(c[v], min[u] (x[u] + W[u, v]));\n",
	 .inputs = "WWWWc", .type = 'c', .graph = true, .can_fail = true, .reference = paths_c},
	{.name = "paths along rows", .text = F64 "edge x[v] <- fix min(c[v], min[u] (x[u] + W[v, u]));\n", .inputs = "WWWWc", .type = 'f',
	 .graph = true, .can_fail = true},
	{.name = "widest", .text = F64 "edge x[v] <- fix max(c[v], max[u] min(x[u], W[u, v]));\n", .inputs = "WWWWc", .type = 'f', .most = true,
	 .graph = true, .reference = widest},
	{.name = "reach", .text = "page x : bool[N] out;\nedge x[v] <- fix b[v] || any[u] (W[u, v] >= 0.0 && x[u]);\n", .inputs = "WWWWb",
	 .type = 'f', .rare = true, .graph = true, .reference = reach},
	{.name = "reach by pattern", .text = "page x : bool[N] out;\nedge x[v] <- fix b[v] || any[u] (W[u, v] && x[u]);\n", .inputs = "WWWWb",
	 .type = 'f', .rare = true, .pattern = true, .graph = true, .reference = reach},
	{.name = "reach along rows of a pattern", .text = "page x : bool[N] out;\nedge x[v] <- fix b[v] || any[u] (x[u] && W[v, u]);\n", .inputs = "WWWWb",
	 .type = 'f', .rare = true, .pattern = true, .graph = true},
	{.name = "all", .text = "page x : bool[N] out;\nedge x[v] <- fix b[v] && all[u] (W[u, v] >= 1.0 || x[u]);\n", .inputs = "WWWWb", .type = 'f',
	 .graph = true},
	{.name = "components", .text = "page x : i64[N] out;\nedge x[v] <- fix min(v, min(min[u] (if W[u, v] >= 0.0 then x[u] else v),"
	                               " min[u] (if W[v, u] >= 0.0 then x[u] else v)));\n", .inputs = "W", .type = 'f', 	 .graph = true, .reference = components},
	{.name = "labels", .text = F64 "edge x[v] <- fix min(c[v], min[u] (if W[u, v] >= 0.0 then x[u] else inf));\n", .inputs = "WWWc",
	 .type = 'f', .graph = true},
	{.name = "distances of strings", .text = "page x : f64[N, N] out;\nedge x[i, j] <- fix min(if i == 0 && j == 0 then (if s[i] == t[j] then 0.0 else 1.0)"
	                                         " else inf, min(min(pad(x, inf)[i - 1, j] + 1.0, pad(x, inf)[i, j - 1] + 1.0),"
	                                         " pad(x, inf)[i - 1, j - 1] + (if s[i] == t[j] then 0.0 else 1.0)));\n",
	 .inputs = "sstt", .type = 'f', .table = true, .reference = distance},
	{.name = "table", .text = "page x : f64[N, N] out;\nedge x[i, j] <- fix min(D[i, j], min(min(wrap(x)[i - 1, j] + 1.0, clamp(x)[i, j + 2]),"
	                          " mirror(x)[i - 3, j - 1] + D[i, j]));\n", .inputs = "D", .type = 'f', .table = true},
	{.name = "all pairs", .text = "page x : f64[N, N] out;\nedge x[i, j] <- fix min(D[i, j], min[k] (x[i, k] + x[k, j]));\n", .inputs = "D",
	 .type = 'f', .table = true},
	{.name = "several sources", .text = "page x : f64[N, N] out;\nedge x[i, j] <- fix min(D[i, j] + 1.0, min[k] (x[i, k] + W[k, j]));\n",
	 .inputs = "DW", .type = 'f', .table = true},
	{.name = "dense", .text = F64 "edge x[v] <- fix min(c[v], min[u] (x[u] + D[u, v]));\n", .inputs = "Dc", .type = 'f', .reference = paths_d},
	{.name = "times", .text = "page x : f64[N] out init 0;\nedge x[v] <- fix max(c[v], max[u] x[u] * W[u, v]);\n", .inputs = "WWWc",
	 .type = 'f', .most = true, .unit = true, .graph = true, .can_fail = true},
	{.name = "a semiring", .text = "semiring most { add = max; mul = *; zero = 0; one = 1; }\n" F64
	                               "edge x[v] <- fix max(c[v], most[u] x[u] .* W[u, v]);\n", .inputs = "WWWc", .type = 'f', .most = true,
	 .unit = true, .graph = true, .can_fail = true},
	{.name = "from a page", .text = "page x : f64[N] out init c;\nedge x[v] <- fix min[u] (x[u] + W[u, v]);\n", .inputs = "WWc",
	 .type = 'f', .graph = true, .can_fail = true, .reference = paths_f},
	{.name = "labels from a page", .text = "page x : f64[N] out init c;\nedge x[v] <- fix min[u] max(x[u], W[u, v]);\n", .inputs = "WWcc",
	 .type = 'f', .graph = true},
	{.name = "two graphs", .text = F64 "edge x[v] <- fix min(c[v], min(min[u] (x[u] + W[u, v]), min[u] max(x[u], V[v, u])));\n",
	 .inputs = "WVWVc", .type = 'f', .can_fail = true},
	{.name = "own values", .text = F64 "edge x[v] <- fix min(c[v], min(x[v] + 1.0, min[u] (max(x[u], x[v]) + W[u, v])));\n", .inputs = "WWc",
	 .type = 'f', .graph = true, .can_fail = true},
	{.name = "conditions", .text = F64 "edge x[v] <- fix min(c[v], if b[v] then min[u where b[u]] (x[u] + W[u, v]) else min[u] max(x[u], W[u, v]));\n",
	 .inputs = "WWcb", .type = 'f', .graph = true},
	{.name = "next", .text = F64 "edge x[v] <- fix min(c[v], if b[v] then x[next[v]] + 1.0 else max(x[next[v]], c[v]));\n",
	 .inputs = "ckb", .type = 'f'},
	{.name = "terms", .inputs = "WVDcbkWVcbk", .type = 'f'},
	{.name = "terms of max", .inputs = "WVDcbkWVcbk", .type = 'f', .most = true, .unit = true},
};
const unsigned n_repair_cases = sizeof repair_cases / sizeof *repair_cases;

/* ---- bodies at random -------------------------------------------------------------------------- */

static const char *const terms[] = {
	"(min[u] (x[u] + W[u, v]))", "(min[u] max(x[u], V[v, u]))", "(min[u] (x[u] + D[u, v]))", "(x[next[v]] + 0.5)", "x[next[v]]",
	"(clamp(x)[v - 1] + 1.0)", "wrap(x)[v + 3]", "mirror(x)[v - 2]", "pad(x, 7.0)[v + 1]", "zero(x)[v + 9]",
	"(min[u] (if b[v] then x[u] else W[u, v]))", "(x[v] + 1.0)", "(min[u where b[v]] (x[u] + W[u, v]))",
	"max(x[next[v]], clamp(x)[v + 1])", "(min[u where u < v] (x[u] + 0.25))", "(if b[v] then wrap(x)[v + 1] else c[v])",
	"max(min[u] (x[u] + W[u, v]), min[u] max(x[u], V[v, u]))", "(sum[u in 0..2] clamp(x)[v - u])", "ceil(x[next[v]])",
	"(min[u] (x[u] + V[u, v]))", "(min[u] (x[u] + W[v, u]))", "(max[u] min(x[u], x[v]))",
	"(min[u in 0..N] (wrap(x)[u + v] + 2.0))", "(min[u] (min[t] (x[t] + V[t, v]) + W[u, v]))",
};

static const char *const terms_of_max[] = {
	"(max[u] x[u] * W[u, v])", "(max[u] min(x[u], V[v, u]))", "(max[u] x[u] * D[u, v] / 2.0)", "(x[next[v]] * 0.5)", "x[next[v]]",
	"(clamp(x)[v - 1] / 2.0)", "wrap(x)[v + 3]", "mirror(x)[v - 2]", "pad(x, 0.25)[v + 1]", "zero(x)[v + 9]",
	"(max[u] (if b[v] then x[u] else W[u, v]))", "(max[u where b[v]] x[u] * W[u, v])", "min(x[next[v]], clamp(x)[v + 1])",
	"(max[u where u <= v] x[u] * 0.75)", "floor(x[next[v]])", "(max[u] x[u] * V[v, u])",
};

void repair_case_text(const repair_case *c, char *out, size_t size, uint64_t (*draw)(void))
{
	const char *const *from = c->most ? terms_of_max : terms, *type = c->type == 'f' ? "f64" : c->type == 'i' ? "i64" : "i8";
	unsigned n_terms = c->most ? sizeof terms_of_max / sizeof *terms_of_max : sizeof terms / sizeof *terms;
	size_t n = (size_t)snprintf(out, size, "param N;\n");
	bool done[128] = {false};
	for (const char *in = c->inputs; *in; in++) {
		if (done[(unsigned char)*in])
			continue;
		done[(unsigned char)*in] = true;
		switch (*in) {
		case 'W': case 'V': n += (size_t)snprintf(out + n, size - n, "page %c : sparse %s[N, N] in;\n", *in, c->pattern ? "bool" : type); break;
		case 'D': n += (size_t)snprintf(out + n, size - n, "page D : %s[N, N] in;\n", type); break;
		case 'c': n += (size_t)snprintf(out + n, size - n, "page c : %s[N] in;\n", type); break;
		case 'b': n += (size_t)snprintf(out + n, size - n, "page b : bool[N] in;\n"); break;
		case 'k': n += (size_t)snprintf(out + n, size - n, "page next : index(N)[N] in;\n"); break;
		default: n += (size_t)snprintf(out + n, size - n, "page %c : i32[N] in;\n", *in); break;
		}
	}
	n += (size_t)snprintf(out + n, size - n, "page fails : i64 in;\npage after : i64 out;\nedge after <- 1 / fails + count[i%s] (x[i%s] == x[i%s]);\n",
	                      c->table ? ", j" : "", c->table ? ", j" : "", c->table ? ", j" : "");
	if (c->text) {
		snprintf(out + n, size - n, "%s", c->text);
		return;
	}
	const char *best = c->most ? "max" : "min";
	n += (size_t)snprintf(out + n, size - n, "page x : f64[N] out%s;\nedge x[v] <- fix %s(c[v]", c->most ? " init 0" : "", best);
	uint64_t more = draw() % 3;
	for (uint64_t k = 0; k < more; k++)
		n += (size_t)snprintf(out + n, size - n, ", %s(%s", best, from[draw() % n_terms]);
	n += (size_t)snprintf(out + n, size - n, ", %s", from[draw() % n_terms]);
	for (uint64_t k = 0; k <= more; k++)
		n += (size_t)snprintf(out + n, size - n, ")");
	snprintf(out + n, size - n, ";\n");
}

/* ---- instances --------------------------------------------------------------------------------- */

mmsb_instance *repair_case_instance(const char *text, double n, bool scratch)
{
	mmsb_error err;
	lang_ctx *ctx = lang_ctx_new();
	compile_options options = {.stdlib = "."};
	schedule tables = {0};
	uint8_t *bytes;
	size_t size;
	mmsb_schedule *s;
	mmsb_instance *m;
	mmsb_options o = {.size = sizeof o, .threads = 1, .scratch = scratch};
	ir_graph *g = compile_graph_text(ctx, "test.mmsb", text, strlen(text), &options);
	if (!g)
		lang_print_diags(ctx, stderr, false);
	if (!g || !ir_schedule(g, &tables) || schedule_write(&tables, &bytes, &size, &err) || mmsb_schedule_load(&s, bytes, size, &err)) {
		fprintf(stderr, "%s\n", text);
		exit(1);
	}
	free(bytes);
	lang_ctx_free(ctx);
	if (mmsb_instance_new(&m, s, &o, &err) || mmsb_set_param(m, "N", n, &err) || mmsb_bind(m, &err)) {
		fprintf(stderr, "%s\n%s\n", text, err.message);
		exit(1);
	}
	mmsb_schedule_close(s);
	return m;
}
