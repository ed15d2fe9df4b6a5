/* generate_theme.c - random programs made of the constructs that each have a delta rule of their own: a few edges from a list of
 * shapes, with reducers, conditions, views and pages drawn for their places. Small enough for the naive evaluator, or
 * with pages of thousands of elements: groups, rows, windows and prefixes of more than a leaf, a bucket or a tile. */
#include "generate_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POOL = 24, EDGES = 8 };

/* Pages of one shape that an edge can read. */
typedef struct pool {
	char letter;
	const char *names[POOL];
	bool lazy[POOL];
	uint32_t n;
} pool;

typedef struct theme {
	gen *g;
	const char *type;      /* f64 or f32 */
	int64_t n, m, k;
	int64_t window;
	pool pools[16];
	uint32_t n_pools;
	const char *body;      /* the edges so far */
	double cost;           /* of an epoch, in evaluations */
	bool strict;           /* @lazy pages may not be read here */
	bool large;
} theme;

/* Letters of pools: x T[N], z T[M], a T[N, M], q T[K], t T, k index(N)[N], g index(K)[N], b bool[N], c i32[N], S sparse T[N, M],
 * V sparse T[N, N], A sparse bool[N, N], s square T[N, N], R records[N]; `-`: none. */
typedef struct shape {
	char pool;             /* of the page */
	const char *cost;      /* product of sizes: N M K W, and P G E: see cost_of */
	const char *body;      /* with $x … for a page of pool x; see expand */
} shape;

static const shape shapes[] = {
	/* element by element, broadcasts, permutations */
	{'x', "N", "$Ei"}, {'x', "N", "$Ei"}, {'x', "N", "$Ei"}, {'a', "NM", "$a[i, j] * $x[i] + $z[j]"}, {'a', "NM", "$x[i] $O $z[j]"},
	{'s', "NN", "$s[j, i]"}, {'x', "N", "$s[i, i] $O $x[i]"}, {'x', "N", "if $Ci then $Ei else $x[i]"}, {'z', "M", "$z[j] $O $t"},
	{'a', "NM", "$V($a)[i - $d, j + $d]"}, {'a', "NM", "$V($a)[i + 1, j] $O pad($a, $L)[i, j - $d]"},
	{'x', "N", "$V($x)[i - $d] $O $V($x)[i + $d]"}, {'x', "N", "pad($x, $L)[$d - i]"}, {'x', "N", "$V($x)[2 * i - $d]"},
	{'b', "N", "$Ci"}, {'k', "N", "if $Ci then $k[i] else $k[$k[i]]"}, {'g', "N", "if $Ci then $g[i] else $g[$k[i]]"},
	/* through index pages */
	{'x', "N", "$x[$k[i]] $O $x[i]"}, {'x', "N", "$x[$k[$k[i]]]"}, {'x', "N", "$q[$g[i]] $O $Ei"}, {'x', "N", "$q[$g[$k[i]]]"},
	{'x', "N", "$s[$k[i], i]"}, {'a', "NM", "$a[$k[i], j]"}, {'x', "N", "$x[index(N)(abs(i64($c[i])) % (N + 0))]"},
	{'x', "N", "$V($x)[i64($k[i]) - $d]"}, {'x', "N", "(prev $x[$k[i]]) $O $x[i]"}, {'x', "N", "$x[prev $k[i]]"},
	/* through indices that cannot be undone */
	{'x', "N", "$V($x)[i64($c[i])]"}, {'x', "N", "$V($x)[i64($c[$k[i]]) * 3 - i]"}, {'x', "N", "$x[index(N)((i * i) % (N + 0))] $O $Ei"},
	{'a', "NM", "$V($x)[i64($c[i]) + j]"}, {'x', "NW", "$R[w in 0..$W] $V($x)[i64($c[i]) - w]"}, {'t', "N", "$R[i] $V($x)[i64($c[i])]"},
	{'q', "NG", "$R[i where $g[i] == b] $V($x)[i64($c[i])]"}, {'x', "NP", "$R[n where $g[n] == i64($c[i]) % 3] $x[n]"}, {'x', "N", "$V(prev $x)[i64(prev $c[i])]"},
	/* whole reductions */
	{'t', "N", "$R[i] $Ei"}, {'t', "N", "$R[i where $Ci] $Ei"}, {'t', "NM", "$R[i, j] $a[i, j]"}, {'t', "NM", "$R[j, i] $a[i, j]"},
	{'t', "NM", "$R[i] ($R[j] $a[i, j])"}, {'t', "NM", "$R[i, j where $a[i, j] > $L] $a[i, j]"}, {'t', "N", "$T(count[i] $Ci)"},
	{'t', "N", "$T(sum[i] $c[i])"}, {'t', "N", "$T(max[i where $Ci] $c[i])"}, {'t', "N", "$x[argmax[i] $Ei]"},
	{'t', "N", "$x[argmin[i where $Ci] $Ei]"}, {'t', "N", "if any[i] $Ci then $L else $t"}, {'t', "N", "if all[i] $Ci then $L else $t"},
	/* rows, columns, products */
	{'x', "NM", "$R[j] $a[i, j]"}, {'z', "NM", "$R[i] $a[i, j]"}, {'x', "NM", "sum[j] $a[i, j] * $z[j]"}, {'z', "NM", "sum[i] $a[i, j] * $x[i]"},
	{'x', "NM", "$R[j where $z[j] > $L] $a[i, j]"}, {'x', "NM", "$z[argmax[j] $a[i, j]]"}, {'a', "NMM", "sum[k] $a[i, k] * $a[k2, j]"},
	{'s', "NNM", "sum[k] $a[i, k] * $a[j, k]"}, {'s', "NNN", "min_plus[u] $s[i, u] .* $s[u, j]"}, {'x', "NN", "$R[n where $x[n] < $x[i]] $x[n]"},
	{'x', "NN", "$T(count[n] ($x[n] < $x[i] || ($x[n] == $x[i] && n < i)))"},
	/* groups */
	{'q', "NG", "$R[i where $g[i] == b] $Ei"}, {'q', "NG", "$R[i where $g[i] == b] $Ei"}, {'q', "NG", "$R[i where $g[i] == b && $Ci] $Ei"},
	{'q', "NG", "$T(count[i where $g[i] == b] $Ci)"}, {'q', "NG", "$x[argmax[i where $g[i] == b] $Ei]"},
	{'q', "NG", "$R[i where b == prev $g[i]] $Ei"}, {'x', "NP", "$R[n where $k[n] == i] $En"}, {'q', "NG", "$R[i where $r[i].k == b] $r[i].p"},
	{'q', "NG", "$R[i where $g[$k[i]] == b] $Ei"}, {'q', "NMK", "$R[i, j where $g[i] == b] $a[i, j]"},
	/* prefixes */
	{'x', "NP", "$R[n where n <= i] $En"}, {'x', "NP", "$R[n where n < i] $En"}, {'x', "NP", "$R[n where i >= n && $Cn] $En"},
	{'x', "NP", "$T(sum[n where n <= i] $c[n])"}, {'a', "NMM", "$R[k where k <= j] $a[i, k]"}, {'x', "NP", "$T(count[n where n < i] $Cn)"},
	{'x', "NP", "$x[argmax[n where n <= i] $x[n]]"}, {'x', "NP", "$x[argmin[n where n < i && $Cn] $En]"}, {'a', "NMM", "$R[k where k <= j && $z[k] > $L] $a[i, k]"},
	/* suffixes, long windows */
	{'x', "NN", "$R[n where n > i] $x[n]"}, {'x', "NN", "$R[n where i <= n && $Cn] $En"}, {'x', "NN", "$T(count[n where n >= i] $Cn)"},
	{'x', "NN", "$R[n where abs(n - i) < 90] $En"}, {'x', "NN", "$R[n where $Cn && n > i - 150 && n <= i] $En"}, {'x', "NN", "$x[argmin[n where i < n && n < i + 200] $En]"},
	{'a', "NMM", "$R[k where k >= j] $a[i, k]"}, {'a', "NNM", "$R[n where n >= i && $Cn] $a[n, j]"}, {'a', "NNM", "$R[n where n >= i + j && $Cn] $En"},
	/* running totals by key */
	{'x', "NP", "$R[n where n <= i && $g[n] == $g[i]] $En"}, {'x', "NP", "$T(count[n where n < i && $g[n] == $g[i]] $Cn)"},
	{'x', "NP", "$x[argmax[n where $g[n] == $g[i] && i >= n] $x[n]]"}, {'x', "NP", "$R[n where n < i + 3 && $k[n] == $k[i]] $x[n]"},
	/* pairs of a position and an element */
	{'x', "NP", "$T(count[n where $g[n] == $g[i]] ($x[n] < $x[i]))"}, {'x', "NP", "min[n where $g[n] == $g[i] && n != i] abs($x[n] - $x[i])"},
	{'x', "NP", "$T(sum[n where $g[n] == $g[i]] $c[n] * $c[i])"}, {'x', "NP", "$R[n where $g[n] == $g[i] && $x[n] <= $x[i]] $x[n]"},
	/* windows */
	{'x', "NW", "$R[w in 0..$W] $V($x)[i - w]"}, {'x', "NW", "$R[w in 0..$W] $V($x)[i + w]"}, {'x', "NW", "$R[w in 0..$W where w != 1] $V($x)[i - w]"},
	{'x', "NW", "sum[w in 0..$W] $V($x)[i - w] * $V($x)[w]"}, {'a', "NM", "$R[u in 0..3, v in 0..2] $V($a)[i + u - 1, j + v]"},
	{'x', "NW", "$R[w in 0..$W] (prev $x[i]) * $V($x)[i - w]"}, {'x', "NW", "$R[w in 0..$W] $V(prev $x)[i - w]"},
	/* sparse pages */
	{'x', "NE", "$R[j] $S[i, j]"}, {'z', "NE", "$R[i] $S[i, j]"}, {'x', "NE", "sum[j] $S[i, j] * $z[j]"}, {'z', "NE", "$R[i] $S[i, j] * $x[i]"},
	{'t', "NE", "$R[i, j] $S[i, j]"}, {'t', "NE", "$R[j, i] $S[i, j] * $x[i]"}, {'x', "NE", "$R[j where $z[j] > $L] $S[i, j]"},
	{'x', "NE", "$T(count[j] ($S[i, j] > $L))"}, {'x', "NE", "min_plus[u] $v[u, i] .* $x[u]"}, {'x', "NE", "$R[u] $v[i, u] * $x[$k[u]]"},
	{'S', "NE", "$S[i, j] * $x[i] + $z[j]"}, {'S', "NE", "$S[i, j] / (sum[j2] $S[i, j2])"}, {'S', "NE", "prev @[i, j] + $S[i, j]"},
	{'S', "NE", "if $Ci then $S[i, j] else $L"}, {'x', "NE", "sum[j] prev $S[i, j] * $z[j]"}, {'z', "NE", "$R[i] prev $S[i, j]"},
	{'x', "NE", "$T(count[u] $A[i, u])"}, {'x', "NE", "$R[u] (if $A[u, i] then $x[u] else $L)"}, {'b', "NE", "any[u] ($A[u, i] && $b[u])"},
	{'x', "NE", "$T(count[u] prev $A[u, i])"}, {'x', "NE", "$R[u where $b[u]] $v[u, i] * $x[u]"}, {'t', "NE", "$x[argmax[u] (sum[w] $v[u, w])]"},
	/* time */
	{'x', "N", "prev $x[i] + $x[i]"}, {'x', "N", "if $b[i] then $x[i] else prev @[i]"}, {'x', "N", "prev @[i] + $x[i]"}, {'t', "N", "prev @ + $R[i] $Ei"},
	{'x', "N", "0.5 * ($V(prev @)[i - 1] + $V(prev @)[i + 1]) + $x[i]"}, {'t', "N", "max(prev @, $R[i] prev $x[i])"}, {'t', "N", "prev $t + $t"},
	{'b', "N", "($V(prev @)[i - 1] ^ $V(prev @)[i + 1]) | $b[i]"}, {'x', "N", "(prev $q[$g[i]]) $O $x[i]"}, {'k', "N", "if $b[i] then prev @[i] else $k[i]"},
	{'a', "NM", "if $b[i] then $a[i, j] else wrap(prev @)[i - 1, j + 1]"}, {'x', "NM", "$R[j] prev $a[i, j]"}, {'q', "NK", "prev @[b] + $R[i where $g[i] == b] $x[i]"},
	/* records */
	{'x', "N", "$r[i].p $O $r[$k[i]].q"}, {'R', "N", "if $Ci then $r[i] else $r[$k[i]]"}, {'R', "N", "if $Ci then $r[i] else prev @[i]"},
	{'t', "N", "sum[i] $r[i].p * $r[i].q"}, {'x', "N", "$T($r[i].n) $O prev $r[i].p"}, {'q', "NK", "$T(max[i where $g[i] == b] $r[i].n)"},
	{'x', "N", "$V($r)[i - 1].p $O $q[$r[i].k]"},
};

/* Their right side begins with fix; their terms read pages that are not @lazy. */
static const shape fixes[] = {
	{'x', "NNN", "fix min(if i == 0 then 0.0 else inf, min[u] (@[u] + (if $v[u, i] >= 0.0 then $v[u, i] else 2.0)))"},
	{'x', "NNN", "fix min(if $b[i] then 0.5 else inf, min_plus[u] (if $v[u, i] >= 0.0 then $v[u, i] else 0.0) .* @[u])"},
	{'x', "NNN", "fix max(if $b[i] then inf else -inf, max[u] min(@[u], if is_nan($v[u, i]) then 1.0 else $v[u, i]))"},
	{'b', "NNN", "fix ($b[i] || any[u] ($A[u, i] && @[u]))"}, {'b', "NNN", "fix ($b[i] && all[u] ($A[u, i] || @[u]))"},
	{'x', "NNN", "fix min(if $b[i] then $T(i) else 99.0, min(min[u] (if $A[i, u] then @[u] else inf), min[u] (if $A[u, i] then @[u] else inf)))"},
	{'x', "NN", "fix min(if $b[i] then 1.5 else inf, min(clamp(@)[i - 1] + 1.0, clamp(@)[i + 1] + (if $x[i] >= 0.0 then $x[i] else 0.25)))"},
	{'x', "NN", "fix max(if $b[i] && $x[i] < 1e30 then $x[i] else -inf, if $b[i] then wrap(@)[i - 1] - 1.0 else @[$k[i]])"},
	{'q', "NKK", "fix min(if b == 0 then 0.0 else 50.0, min[h in 0..K] (@[h] + (if $q[h] >= 0.0 then $q[h] else 1.0)))"},
	{'a', "NNM", "fix min(if i == 0 then $T(j) else inf, min(clamp(@)[i - 1, j] + 1.0, clamp(@)[i, j - 1] + (if $a[i, j] >= 0.0 then $a[i, j] else 3.0)))"},
	{'x', "NNN", "fix(max = 9) min($x[i], min[u] (@[u] + $v[u, i]))"}, {'x', "NNN", "fix(max = 40) min($x[i], min[u] (@[u] * 0.5 + $v[u, i]))"},
	{'x', "N", "fix(tol = 1e-3, max = 6) 0.45 * (clamp(@)[i - 1] + clamp(@)[i + 1]) + $x[i]"},
	{'x', "NN", "fix(tol = 0.25, max = 3) 0.1 * (sum[u] $v[u, i] * @[u]) + $x[i]"}, {'x', "N", "fix(tol = 1e-2, max = 5) 0.5 * @[$k[i]] + $q[$g[i]]"},
	{'x', "N", "fix(tol = 1e-2, max = 4) 0.5 * @[i] + prev $x[i]"}, {'q', "NK", "fix(tol = 1e-2, max = 4) 0.5 * @[b] + (sum[i where $g[i] == b] $x[i])"},
	{'x', "NP", "fix(tol = 0.25, max = 4) 0.25 * (sum[n where $k[n] == i] @[n]) + $x[i]"}, {'x', "NN", "fix(tol = 1e-2, max = 4) 0.5 * @[i] / (1.0 + (max[n] abs(@[n]))) + $x[i]"},
	{'x', "NN", "fix(tol = 1e-2, max = 3) 0.001 * (sum[n where $g[n] == $g[i]] @[n]) + $x[i]"}, {'x', "NN", "fix(tol = 1e-2, max = 3) 0.001 * (sum[n where $b[n]] @[n]) + $x[i]"},
	{'x', "NP", "fix(tol = 1e-2, max = 3) 0.5 * (max[n where n < i] @[n]) + $x[i]"}, {'x', "NN", "fix(tol = 1e-2, max = 3) 0.01 * (sum[n] $s[n, i] * @[n]) + $x[i]"},
	{'q', "NG", "fix(tol = 1e-2, max = 4) 0.5 * clamp(@)[b + 1] + (sum[i where $g[i] == b] $x[i])"}, {'x', "NE", "fix(tol = 1e-2, max = 4) 0.1 * (sum[u] $v[i, u] * @[u]) + $x[i]"},
	{'S', "NM", "fix(tol = 1e-2, max = 3) 0.5 * @[i, j] + $S[i, j]"},
	{'S', "NE", "fix min(if $S[i, j] >= 0.0 then $S[i, j] else 9.0, min(min[k] (@[i, k] + 1.0), min[k] (@[k, j] + (if $b[i] then 0.0 else 2.0))))"},
	{'v', "NE", "fix min(if $v[i, j] >= 0.0 then $v[i, j] else 7.0, min[k] (@[k, i] + (if $x[j] >= 0.0 then $x[j] else 0.5)))"},
	{'v', "NE", "fix max(if $b[i] && $x[j] < 1e30 then $x[j] else -inf, if $b[j] then max[k] @[j, k] else @[i, j])"},
	{'v', "NE", "fix(max = 30) min($v[i, j], min[k] (@[k, i] * 0.5 + 1.0))"}, {'v', "NE", "fix(tol = 1e-2, max = 4) 0.25 * (sum[k] @[k, i]) + $v[i, j]"},
	{'S', "NE", "fix(tol = 1e-2, max = 4) 0.25 * (max[k] @[i, k]) + $S[i, j]"}, {'S', "NE", "fix(tol = 1e-2, max = 3) 0.25 * (sum[k] @[k, j]) + $x[i]"},
};

/* Instances of the standard library's graphs: arguments, and the results with their pools. */
typedef struct library {
	const char *module, *graph, *args, *cost;
	const char *results;   /* pool and name, pool and name */
} library;

static const library libraries[] = {
	{"graph", "sssp", "W = $v, source = 0", "NN", "x dist"}, {"graph", "reachable", "A = $A, source = 1", "NN", "b reached"},
	{"graph", "components", "A = $A", "NNN", ""}, {"graph", "degrees", "A = $A", "NN", ""},
	{"graph", "pagerank", "A = $A, d = 0.85, tol = 1e-3, rounds = 7", "NN", "x rank"},
	{"stats", "moments", "x = $x", "N", "t average t variance t deviation"}, {"stats", "standard", "x = $x", "N", "x z"},
	{"stats", "covariance", "x = $a", "NMM", ""}, {"stats", "ranks", "x = $x", "NN", ""}, {"stats", "order", "x = $x, k = 3", "NN", "t value"},
	{"stats", "smooth", "x = $x, alpha = 0.25", "N", "x average"}, {"stencil", "laplace", "x = $a", "NM", "a y"},
	{"stencil", "blur", "x = $a", "NM", "a y"},
};

/* ---- pools ----------------------------------------------------------------------------- */

static pool *pool_of(theme *t, char letter)
{
	for (uint32_t i = 0; i < t->n_pools; i++)
		if (t->pools[i].letter == letter)
			return &t->pools[i];
	pool *p = &t->pools[t->n_pools++];
	*p = (pool){.letter = letter};
	return p;
}

static void join_pool(theme *t, char letter, const char *name, bool lazy)
{
	pool *p = pool_of(t, letter);
	if (p->n < POOL) {
		p->lazy[p->n] = lazy;
		p->names[p->n++] = name;
	}
}

/* Later pages more often than earlier ones, so that changes go far. */
static const char *draw(theme *t, char letter, bool strict)
{
	pool *p = pool_of(t, letter);
	for (;;) {
		uint32_t a = below(t->g, p->n), b = below(t->g, p->n);
		uint32_t at = a > b ? a : b;
		if (!p->lazy[at] || !(strict || t->strict))
			return p->names[at];
	}
}

static const char *type_of(theme *t, char letter)
{
	switch (letter) {
	case 'x': return text(t->g, "%s[N]", t->type);
	case 'z': return text(t->g, "%s[M]", t->type);
	case 'a': return text(t->g, "%s[N, M]", t->type);
	case 's': return text(t->g, "%s[N, N]", t->type);
	case 'q': return text(t->g, "%s[K]", t->type);
	case 'k': return "index(N)[N]";
	case 'g': return "index(K)[N]";
	case 'b': return "bool[N]";
	case 'c': return "i32[N]";
	case 'S': return text(t->g, "sparse %s[N, M]", t->type);
	case 'v': return text(t->g, "sparse %s[N, N]", t->type);
	case 'A': return "sparse bool[N, N]";
	case 'R':
	case 'r': return "Rec[N]";
	default: return t->type;
	}
}

static const char *indices_of(char letter)
{
	switch (letter) {
	case 't': return "";
	case 'z': return "[j]";
	case 'a': case 's': case 'S': case 'v': return "[i, j]";
	case 'q': return "[b]";
	default: return "[i]";
	}
}

/* ---- the text of an edge --------------------------------------------------------------- */

static const char *expand(theme *t, const char *self, const char *from);

static const char *condition(theme *t, const char *self, char v)
{
	static const char *const forms[] = {"($x[%c] > $L)", "$b[%c]", "$b[%c]", "($c[%c] > 1)", "(rand(3, %c) < 0.4 || $b[%c])",
	                                    "($x[%c] <= $x[%c])", "!is_nan($x[%c])", "($c[%c] %% 2 == 0)", "($x[%c] == 0.0)"};
	const char *form = forms[below(t->g, sizeof forms / sizeof *forms)];
	return expand(t, self, text(t->g, form, v, v));
}

static const char *element(theme *t, const char *self, char v)
{
	static const char *const forms[] = {"$x[%c]", "$x[%c]", "$x[%c]", "$x[%c] * $x[%c]", "($x[%c] $O $L)", "(if $b[%c] then $x[%c] else $L)",
	                                    "$x[$k[%c]]", "$r[%c].p * $r[%c].q", "($V($x)[%c - 1] - $x[%c])", "(prev $x[%c])",
	                                    "($x[%c] - prev $x[%c])", "$T($c[%c])", "abs($x[%c])", "sqrt(abs($x[%c]))", "($x[%c] $O $q[$g[%c]])",
	                                    "($x[%c] $O $t)"};
	const char *form = forms[below(t->g, sizeof forms / sizeof *forms)];
	return expand(t, self, text(t->g, form, v, v));
}

/* What stands for $LETTER. next: the letter after it, taken where *two. */
static const char *place(theme *t, const char *self, const char *at, size_t *used)
{
	static const char *const reducers[] = {"sum", "sum", "sum", "min", "max", "mean", "prod", "plus_times", "min_plus", "max_times"};
	static const char *const views[] = {"clamp", "wrap", "mirror", "zero"};
	static const char *const literals[] = {"0.0", "1.0", "0.5", "2.5", "-1.0"};
	gen *g = t->g;
	*used = 1;
	switch (*at) {
	case 'E': *used = 2; return element(t, self, at[1]);
	case 'C': *used = 2; return condition(t, self, at[1]);
	case 'T': return t->type;
	case 'R': return reducers[below(g, 10)];
	case 'V': return views[below(g, 4)];
	case 'O': return text(g, "%c", "+-*+"[below(g, 4)]);
	case 'd': return text(g, "%u", below(g, chance(g, 80) ? 4 : 90));
	case 'W': return text(g, "%lld", (long long)t->window);
	case 'L': return text(g, "%s(%s)", t->type, literals[below(g, 5)]);
	default: return draw(t, *at, false);
	}
}

/* `@` is the page itself; what follows `prev` is a page that is not @lazy. */
static const char *expand(theme *t, const char *self, const char *from)
{
	char out[1600];
	size_t n = 0;
	while (*from && n < sizeof out - 200) {
		size_t used = 0;
		const char *with = NULL;
		if (strncmp(from, "prev $", 6) == 0) {
			with = text(t->g, "prev %s", draw(t, from[6], true));
			used = 7;
		} else if (*from == '$') {
			with = place(t, self, from + 1, &used);
			used++;
		} else if (*from == '@') {
			with = self;
			used = 1;
		}
		if (!with) {
			out[n++] = *from++;
			continue;
		}
		n += (size_t)snprintf(out + n, sizeof out - n, "%s", with);
		from += used;
	}
	out[n < sizeof out ? n : sizeof out - 1] = '\0';
	return text(t->g, "%s", out);
}

/* What the executor is quick at costs it less than the naive evaluator: prefixes (P), groups (G), sparse pages (E). */
static double cost_of(const theme *t, const char *cost)
{
	double product = 1;
	for (; *cost; cost++) {
		bool quick = strchr("PGE", *cost) && t->large;
		int64_t size = *cost == 'N' || *cost == 'P' || *cost == 'E' ? t->n : *cost == 'M' ? t->m : *cost == 'W' ? t->window : t->k;
		product *= quick ? 4 : (double)size + 1;
	}
	return product;
}

/* ---- pages ----------------------------------------------------------------------------- */

static bool mentions(const char *whole, const char *name)
{
	size_t n = strlen(name);
	for (const char *at = whole; (at = strstr(at, name)); at += n) {
		char before = at == whole ? ' ' : at[-1], after = at[n];
		bool word = (before >= 'a' && before <= 'z') || (before >= 'A' && before <= 'Z') || (before >= '0' && before <= '9')
		            || before == '_' || before == '.';
		if (!word && !(after >= '0' && after <= '9') && !(after >= 'a' && after <= 'z'))
			return true;
	}
	return false;
}

static void edge(theme *t, uint32_t i)
{
	gen *g = t->g;
	bool fix = chance(g, 14);
	const shape *s = fix ? &fixes[below(g, sizeof fixes / sizeof *fixes)] : &shapes[below(g, sizeof shapes / sizeof *shapes)];
	const char *name = text(g, "d%u", i), *attrs = "", *role = chance(g, 70) ? " out" : "";
	if (strstr(s->body, "k2"))
		return; /* needs M and N to be the same */
	t->strict = fix;
	const char *body = expand(t, name, s->body);
	bool self = strchr(s->body, '@') != NULL, wide = s->pool == 'S' || s->pool == 'v';
	bool fails = strstr(body, "index(N)(") || (strchr(body, '%') && strstr(body, "c"));
	bool lazy = !fix && !self && !fails && chance(g, 15);
	if (wide)
		attrs = text(g, " like %s", pool_of(t, s->pool)->names[0]);
	else if (s->pool == 'R' && chance(g, 50))
		attrs = chance(g, 50) ? " @soa" : " @aos";
	if ((self || chance(g, 10)) && !fix && !lazy && !wide && strchr("xzabt", s->pool) && chance(g, 40))
		attrs = text(g, "%s init %s", attrs, s->pool == 't' ? "2.0" : pool_of(t, s->pool)->names[0]);
	if (lazy)
		attrs = text(g, "%s @lazy", attrs);
	t->cost += cost_of(t, s->cost);
	t->body = text(g, "%spage %s : %s%s%s;\nedge %s%s <- %s;\n", t->body, name, type_of(t, s->pool), role, attrs, name,
	               indices_of(s->pool), body);
	join_pool(t, s->pool == 'R' ? 'r' : s->pool, name, lazy);
}

static void instance(theme *t, uint32_t i)
{
	gen *g = t->g;
	const library *l = &libraries[below(g, sizeof libraries / sizeof *libraries)];
	if (strcmp(t->type, "f64") != 0)
		return;
	t->strict = true; /* its pages may be fixpoints, or read with prev */
	const char *args = expand(t, "", l->args), *results = l->results;
	t->body = text(g, "%simport %s as m%u;\nuse u%u = m%u.%s(%s);\n", t->body, l->module, i, i, i, l->graph, args);
	t->cost += cost_of(t, l->cost) * 2;
	char letter, name[20];
	for (int n; sscanf(results, " %c %19[a-z]%n", &letter, name, &n) == 2; results += n) {
		const char *out = text(g, "o%u%s", i, name), *index = indices_of(letter);
		t->body = text(g, "%spage %s : %s out;\nedge %s%s <- u%u.%s%s;\n", t->body, out, type_of(t, letter), out, index, i, name, index);
		join_pool(t, letter, out, false);
	}
}

static void sources(theme *t)
{
	static const char letters[] = "xxzaqtkgbcsSvArr";
	gen *g = t->g;
	for (uint32_t i = 0; letters[i]; i++)
		join_pool(t, letters[i], text(g, "%c%u", letters[i], i), false);
}

static const char *source_declarations(theme *t)
{
	gen *g = t->g;
	const char *all = "";
	for (uint32_t i = 0; i < t->n_pools; i++)
		for (uint32_t k = 0; k < t->pools[i].n; k++) {
			const char *name = t->pools[i].names[k];
			if (name[0] != t->pools[i].letter || !mentions(t->body, name))
				continue;
			const char *attrs = name[0] == 'r' && chance(g, 50) ? chance(g, 50) ? " @soa" : " @aos" : chance(g, 10) ? " @static" : "";
			all = text(g, "%spage %s : %s in%s;\n", all, name, type_of(t, name[0]), attrs);
		}
	return all;
}

/* ---- the whole ------------------------------------------------------------------------- */

static void sizes(theme *t, bool large, generated *out)
{
	static const int64_t small[] = {0, 1, 2, 3, 31, 32, 33, 63, 64, 65, 66, 100, 127, 128, 129, 130, 200};
	static const int64_t big[] = {300, 512, 513, 700, 1000, 1023, 1025, 2047, 2049, 3000, 4097, 6000};
	static const int64_t windows[] = {1, 2, 3, 5, 31, 33, 64, 65, 70};
	gen *g = t->g;
	t->n = large ? big[below(g, 12)] : small[below(g, 17)];
	t->m = below(g, 3) ? 1 + below(g, 9) : chance(g, 5) ? 0 : 30 + below(g, 40);
	t->k = chance(g, 50) ? 1 + below(g, 3) : 1 + below(g, 40);
	t->window = large && chance(g, 40) ? 500 + below(g, 200) : windows[below(g, 9)];
	static const char *const names[] = {"N", "M", "K"};
	int64_t values[] = {t->n, t->m, t->k};
	out->n_sizes = 3;
	for (int i = 0; i < 3; i++) {
		snprintf(out->size_names[i], sizeof out->size_names[i], "%s", names[i]);
		out->sizes[i] = values[i];
	}
}

/* Draws again what would take too long. */
static void edges(theme *t, bool large)
{
	double most = large ? 1.5e6 : chance(t->g, 10) ? 40000 : 9000;
	uint32_t n = 1 + below(t->g, EDGES - 1);
	for (uint32_t i = 0, tries = 0; i < n && tries < 60; tries++) {
		theme before = *t;
		if (chance(t->g, 8))
			instance(t, i);
		else
			edge(t, i);
		if (t->cost > most)
			*t = before;
		else if (t->body != before.body)
			i++;
	}
}

/* A source with a value for each pair of positions, of which every run, the naive evaluator and the deltas have copies, decides how much memory a
 * trial takes: N is smaller then. (The text is the same for every N.) */
static void bound_memory(const theme *t, generated *out)
{
	enum { MOST = 1400 }; /* some 16 MiB a copy, 200 a trial */
	if (out->sizes[0] > MOST && strstr(out->text, text(t->g, " : %s[N, N]", t->type)))
		out->sizes[0] = MOST - out->sizes[0] % 64;
}

generated generate_theme(gen *g, bool large)
{
	generated out = {.large = large};
	theme t = {.g = g, .large = large, .type = chance(g, 65) ? "f64" : "f32", .body = ""};
	sizes(&t, large, &out);
	sources(&t);
	edges(&t, large);
	emit(g, "param N, M, K;\nrecord Rec { p : %s; q : %s; n : i32; k : index(K); }\nimport semiring;\n%s%s", t.type, t.type,
	     source_declarations(&t), t.body);
	out.text = g->out;
	bound_memory(&t, &out);
	return out;
}
