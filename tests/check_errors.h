/* check_errors.h: programs with a mistake, and what is said about it. The text follows the prelude, or stands alone after '='. */
#ifndef MMSB_TESTS_CHECK_ERRORS_H
#define MMSB_TESTS_CHECK_ERRORS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct check_error_case {
	const char *text;
	const char *message;
	const char *help;    /* or NULL */
	bool more;           /* other errors follow from it or stand beside it */
} check_error_case;

static const char check_error_prelude[] =
	"param N, M; param rate : f64 = 0.5; record Q { bid : f32; n : i32; }\n"
	"page d : f64[N] in; page f : f32[N] in; page l : i64[N] in; page b : u8[N] in; page t : bool[N] in;\n"
	"page k : index(M)[N] in; page m : f64[M] in; page q : Q[N] in; page c : f64[N, M] in; page g : f64 in;\n"
	"page z : f64[5] in; page W : sparse f64[N, N] in; page V : sparse f64[N, N] in;\n"
	"semiring mp { add = min; mul = +; zero = inf; one = 0; }\n"
	"fn sq(x) = x * x;\n"
	"graph two(x : f64[P], by : f64) -> (y : f64[P]) { page in2 : f64[P]; edge in2[i] <- x[i]; edge y[i] <- in2[i] * by; }\n";

#define Y(type, expr) "page y : " type "[N]; edge y[i] <- " expr ";"

static const check_error_case check_error_cases[] = {
	/* names */
	{Y("f64", "d[j]"), "index 'j' is not bound here", "the edge binds 'i'; reductions bind", false},
	{"page y : f64; edge y <- d[j];", "index 'j' is not bound here", "the edge binds no index", false},
	{"page y : f64[N, M]; edge y[i, j] <- c[a, j];", "index 'a' is not bound here", "the edge binds 'i' and 'j'", false},
	{Y("f64", "sum[j] d[j] + d[j]"), "index 'j' is not bound here", "the body of `sum[j]` ends before '+'; write `sum[j] (...)`",
	 false},
	{Y("f64", "mp[j] d[j] / d[j]"), "index 'j' is not bound here", "the body of `mp[j]` ends before '/'", false},
	{Y("f64", "ratee * d[i]"), "there is no name 'ratee' here", "did you mean 'rate'?", false},
	{Y("f64", "sqr(d[i])"), "there is no function 'sqr'", "did you mean", false},
	{Y("f64", "noo[i]"), "there is no page 'noo' here", NULL, false},
	{"page N : f64 in;", "the name 'N' is declared twice", "share one space", false},
	{"page N : f64 in;", "the other one, a size, stands here", NULL, false},
	{"edge nowhere[i] <- 1;", "there is no page 'nowhere' for this edge to define", "declare it", false},
	{"edge N <- 1;", "'N' is a size, and an edge defines a page", NULL, false},
	{Y("f64", "sq"), "'sq' is a function, not a value", "called with its arguments", false},
	{Y("f64", "d(3)"), "'d' is a page, not a function", "`d[...]`", false},
	{Y("f64", "i[3]"), "'i' is an index, not a page", NULL, false},
	{Y("f64", "d[i] c[i, k[i]]"), "'d' is a page, not a semiring", "an operator is missing", true},
	{"let r[i] = nothing[i];", "there is no page 'nothing' here", NULL, false},
	{"fn bad(x) = nothing + x;", "there is no name 'nothing' here", "a function sees", false},
	{"graph bad(x : f64[P]) -> (y : f64[P]) { edge y[i] <- xx[i]; }", "there is no page 'xx' here", "did you mean 'x'?", false},
	{"import nosuchmodule;", "nosuchmodule", NULL, true},

	/* literals and types */
	{Y("u8", "b[i] + 300"), "'300' does not fit 'u8'", "'u8' holds 0 to 255", false},
	{Y("u8", "-1"), "'-1' does not fit 'u8'", NULL, false},
	{Y("i8", "-129"), "'-129' does not fit 'i8'", NULL, false},
	{Y("i64", "l[i] * 1.5"), "'1.5' does not fit 'i64'", "write a conversion", false},
	{Y("f32", "1e39"), "'1e39' does not fit 'f32'", "infinity is written `inf`", false},
	{Y("bool", "1"), "'1' is a number where a bool is expected", NULL, false},
	{Y("f64", "d[i] + l[i]"), "'+' has operands of type 'f64' and 'i64', and neither widens", "`f64(l[i])`", false},
	{Y("f32", "d[i]"), "the page 'y' is 'f32', and this is 'f64'", "`f32(d[i])`", false},
	{Y("bool", "l[i] && t[i]"), "'&&' has operands of type 'i64' and 'bool'", "`l[i] != 0`", false},
	{Y("bool", "d[i]"), "the page 'y' is 'bool', and this is 'f64'", "`d[i] != 0`", false},
	{Y("f64", "if d[i] then 1 else 2"), "the condition is 'bool', and this is 'f64'", "write a comparison", false},
	{Y("f64", "sqrt(l[i])"), "'sqrt' takes f32 or f64, not 'i64'", "f64(...)", false},
	{Y("f64", "d[i] & 1"), "'&' takes integers or bool, not 'f64'", NULL, false},
	{Y("i64", "popcount(d[i])"), "'popcount' takes integers, not 'f64'", NULL, false},
	{Y("f64", "sin(1, 2)"), "'sin' takes 1 argument, not 2", NULL, false},
	{Y("f64", "min(1, 2, 3)"), "'min' takes 2 arguments, not 3", "`min(a, min(b, c))`", false},
	{Y("index(M)", "l[i]"), "the page 'y' is 'index(M)', and this is 'i64'", "`index(M)(l[i])`", false},
	{Y("index(M)", "0"), "a number is not proved to be a position within 'M'", "`index(M)(0)`", false},
	{Y("index(3)", "3"), "'3' is not a position within 3", NULL, false},
	{Y("i64", "index(M)(d[i])"), "'index(M)' converts an integer, not 'f64'", NULL, false},
	{Y("f64", "rand()"), "'rand' takes a seed", NULL, false},
	{Y("f64", "rand(1, d[i])"), "'rand' takes integers, not 'f64'", NULL, false},
	{Y("i64", "18446744073709551615 + 1"), "'18446744073709551615' does not fit 'i64'", NULL, false},

	/* reads */
	{Y("f64", "d[i - 1]"), "'i - 1' is not known to be within dimension 1 of 'd', which is 'N'",
	 "write `zero(d)[i - 1]`, `clamp(d)[i - 1]` or `wrap(d)[i - 1]`, or convert with index(N)(...)", false},
	{Y("f64", "prev c[i, 3]"), "'3' is not known to be within dimension 2 of 'c', which is 'M'", "`wrap(prev c)[i, 3]`", false},
	{Y("f64", "m[i]"), "'i' ranges over 'N', and dimension 1 of 'm' is 'M'", NULL, false},
	{Y("f64", "d[k[i]]"), "'k[i]' is 'index(M)', and dimension 1 of 'd' is 'N'", NULL, false},
	{Y("f64", "z[5]"), "'5' is out of range: dimension 1 of 'z' is 5", NULL, false},
	{Y("f64", "sum[j in 2..6] z[j]"), "'j' ranges over '2..6', and dimension 1 of 'z' is '5'", NULL, false},
	{Y("f64", "d[d[i]]"), "an index is 'i64', and this is 'f64'", "`i64(d[i])`", false},
	{Y("f64", "c[i]"), "the page 'c' has 2 dimensions and is read with 1 index", NULL, false},
	{Y("f64", "g[i]"), "the page 'g' is a scalar and has no index", NULL, false},
	{Y("f64", "d"), "the page 'd' has 1 dimension and is read with 0 indices", "`d[i]`", false},
	{Y("f64", "pad(d, t[i])[i - 1]"), "the element that pad stands for is 'f64', and this is 'bool'", NULL, false},
	{"let r[i] = d[i] + m[k[i]]; " Y("f64", "r[i - 1]"), "'i - 1' is not known to be within dimension 1 of 'd'",
	 "convert with index(N)(...)", true},
	{"let r[i] = d[i]; " Y("f64", "prev r[i]"), "'r' is a let, and prev takes a page", NULL, false},
	{"let r[i] = d[i]; " Y("f64", "r[i, i]"), "the let 'r' has 1 index and is used with 2", NULL, false},
	{"let r[i] = s[i]; let s[i] = r[i]; " Y("f64", "r[i]"), "contains itself: r -> s -> r", NULL, true},
	{"fn e(x) = o(x); fn o(x) = e(x); " Y("f64", "e(d[i])"), "calls itself: e -> o -> e", "do not recurse", true},
	{"fn e(x) = g; " Y("f64", "e(1)"), "a function does not read the page 'g'", "as an argument", true},
	{"fn e(x : i32) = x; " Y("f64", "d[i] + e(l[i])"), "the parameter 'x' of 'e' is 'i32', and this is 'i64'", NULL, false},
	{"fn e(x) : i32 = x; " Y("i32", "e(l[i])"), "the result of 'e' is 'i32', and this is 'i64'", NULL, false},
	{"fn e(x, y) = x; " Y("f64", "e(1)"), "'e' takes 2 arguments, not 1", NULL, false},

	/* records */
	{Y("f32", "q[i]"), "the page 'y' is 'f32', and this is 'Q'", "write the field, as in `q[i].bid`", false},
	{Y("f32", "q[i].ask"), "the record 'Q' has no field 'ask'", NULL, false},
	{Y("f32", "q[i].bid + q[i]"), "'+' takes numbers, not 'Q'", NULL, false},
	{Y("f32", "d[i].bid"), "'.bid' is not a field", "only elements of record pages have fields", false},
	{Y("Q", "1"), "the page 'y' is 'Q', and this is 'i64'", "copied whole", false},
	{"record R { a : f32; a : f32; }", "the record 'R' has two fields 'a'", NULL, false},
	{"record R { a : f32[N]; }", "a field is one number, bool or position", NULL, false},

	/* reductions */
	{Y("f64", "sum[j] 3.0"), "no read gives the index 'j' a range", "write `j in 0..W`", false},
	{Y("f64", "sum[j] (d[j] * m[j])"), "'j' ranges over 'N', and dimension 1 of 'm' is 'M'", NULL, false},
	{Y("f64", "sum[j] (d[j] * m[j])"), "'j' takes its range from this read", NULL, false},
	{Y("f64", "sum[j, j] c[j, j]"), "the index 'j' is bound twice", NULL, true},
	{Y("i64", "sum[j] t[j]"), "'sum' takes numbers, not 'bool'", "`count` counts", false},
	{Y("i64", "count[j] d[j]"), "'count' takes a bool, not 'f64'", "write a comparison", false},
	{Y("f64", "sum[j where d[j]] 1.0"), "the condition is 'bool', and this is 'f64'", NULL, false},
	{"page y : index(N); edge y <- argmin[i, j] c[i, j];", "'argmin' ranges over one index", NULL, false},
	{"page y : index(4); edge y <- argmax[j in 1..4] z[j];", "'argmax' ranges over a whole dimension", "`where`", false},
	{Y("f64", "d[i] .* 2"), "'.*' stands in no body of a semiring reduction", NULL, false},
	{Y("f64", "sum[j in 0..rate] 1.0"), "'rate' is a param with a value, not a size", "`param rate;`", false},
	{"semiring s { add = -; mul = *; zero = 0; one = 1; }", "'-' cannot be the add of a semiring", NULL, false},
	{"semiring s { add = +; mul = *; zero = 0; }", "the semiring 's' has no 'one'", NULL, false},
	{"semiring s { add = +; mul = *; zero = 0; one = 1; two = 2; }", "a semiring has no 'two'", NULL, false},
	{"semiring s { add = sin; mul = *; zero = 0; one = 1; }", "'sin' is no operation of a semiring", NULL, false},
	{"semiring s { add = +; mul = *; zero = 1 + 1; one = 1; }", "zero and one of a semiring are literals", NULL, false},
	{"semiring s : bool { add = ||; mul = &&; zero = 0; one = true; }", "'0' is a number where a bool is expected", NULL, false},
	{"semiring s : f32 { add = +; mul = *; zero = 0; one = 1; } page y : f64; edge y <- s[j] d[j];",
	 "the semiring is 'f32', and this is 'f64'", NULL, false},

	/* sparse pages */
	{Y("f64", "W[i, i]"), "the sparse page 'W' is read at a single position", "sum[k] W[i, k]", false},
	{Y("f64", "sum[j] W[j, j]"), "the diagonal of the sparse page 'W'", "where u == v", false},
	{Y("f64", "sum[j] W[j, i] * V[j, i]"), "a second sparse read in one reduction: 'W[j, i]' and 'V[j, i]'", "`like`", false},
	{Y("f64", "sum[j] (W[j, i] + W[i, j])"), "a second sparse read in one reduction", "a second reduction", false},
	{Y("f64", "sum[j] (W[j, i] + prev W[j, i])"), "a second sparse read in one reduction", NULL, false},
	{"page h : index(N)[M] in; " Y("f64", "sum[a, b] W[a, h[b]]"), "which column of the sparse page 'W' is visited depends on 'b'",
	 "put 'b' before 'a'", false},
	{"page h : index(N)[N] in; " Y("f64", "sum[a] W[a, h[a]]"), "which column of the sparse page 'W' is visited depends on 'a'",
	 NULL, false},
	{"page h : index(N)[M] in; " Y("f64", "sum[a] sum[b] W[a, h[b]]"), "depends on 'b', an index of a reduction inside",
	 "the one over 'b'", false},
	{Y("f64", "zero(W)[i - 1, i]"), "the sparse page 'W' has no views", NULL, false},
	{"page y : sparse f64[N, N]; edge y[i, j] <- 1;", "has an edge and is like no other page", "`like P`", false},
	{"page y : sparse f64[N, N] like W; edge y[i, j] <- V[i, j];", "the sparse page 'V' is read at a single position", NULL, false},
	{"page y : sparse f64[N, N] like W; edge y[i, j] <- prev W[i, j];", "the sparse page 'W' is read at a single position", NULL,
	 false},
	{"page y : f64[N] like W; edge y[i] <- 1;", "'like' is for sparse pages, and 'y' is dense", NULL, false},
	{"page y : sparse f64[N, N] like d; edge y[i, j] <- 1;", "the page 'd' is not sparse", NULL, false},
	{"page y : sparse f64[N, M] like W; edge y[i, j] <- 1;", "'y' is 'sparse f64[N, M]', and 'W' is 'sparse f64[N, N]'", NULL, false},
	{"page y : sparse f64[N, N] like y; edge y[i, j] <- 1;", "the page 'y' is like itself", NULL, false},
	{"page y : sparse f64[N] in;", "a sparse page has two dimensions", NULL, false},

	/* pages and their attributes */
	{"page y : f64[N];", "the page 'y' has no edge", "a source says `in`", false},
	{"edge d[i] <- 1;", "the page 'd' is a source, so no edge defines it", NULL, false},
	{"page y : f64; edge y <- 1; edge y <- 2;", "the page 'y' has two edges", "one rule defines a page", false},
	{"page y : f64[N]; edge y <- 1;", "the page 'y' has 1 dimension, and this edge has 0 indices", NULL, false},
	{"page y : f64[N, N]; edge y[i, i] <- 1;", "the index 'i' is bound twice", NULL, false},
	{"page y : f64[N] in @soa;", "'@soa' is for pages of records", NULL, false},
	{"page y : Q[N] in @soa @aos;", "'@aos' contradicts '@soa'", NULL, false},
	{"page y : f64[N] in @cpu @gpu;", "'@gpu' contradicts '@cpu'", "`@unified`", false},
	{"page y : f64[N] in @tile(4, 4);", "'@tile' is for dense pages of two dimensions", NULL, false},
	{"page y : f64[N, N] in @tile(4);", "'@tile' takes the rows and columns of a tile", NULL, false},
	{"page y : f64[N] in @lazy;", "the source 'y' cannot be '@lazy'", NULL, false},
	{"page y : i64[N] @lazy; edge y[i] <- l[i] / l[i];", "the edge of the '@lazy' page 'y' can fail", NULL, false},
	{"page y : i64[N] @lazy; edge y[i] <- prev y[i] + 1;", "the '@lazy' page 'y' is read with prev", NULL, false},
	{"page y : f64[N] @lazy; edge y[i] <- fix min(d[i], min[j] y[j]);", "a fixpoint cannot be '@lazy'", NULL, false},
	{"page y : f64[N] init f; edge y[i] <- 1;", "'y' is 'f64[N]', and its init 'f' is 'f32[N]'", NULL, false},
	{"page y : f64[N] init x; page x : f64[N]; edge x[i] <- 1; edge y[i] <- 1;", "'init' takes a source page or a constant", NULL,
	 false},
	{"page y : f64[N] init d[0]; edge y[i] <- 1;", "is a constant expression and does not read the page 'd'", NULL, false},
	{"page y : f64[N] in init sum[j in 0..3] 1;", "is a constant expression and has no reductions", NULL, false},
	{"page y : sparse f64[N, N] in init 1;", "a sparse source begins without entries", NULL, false},
	{"page y : Nope[N] in;", "there is no type 'Nope' here", NULL, false},
	{"page y : f64[N / 2] in;", "'N / 2' is not a size", "`+ - *`", false},
	{"page y : f64[3 - 4] in;", "this size is negative: -1", NULL, false},
	{"page y : f64[rate] in;", "'rate' is a param with a value, not a size", NULL, false},
	{"page y : f64[9223372036854775807 + 1] in;", "this size is too large", NULL, false},
	{"page y : f64[1, 1, 1, 1, 1, 1, 1, 1, 1] in;", "a page has at most 8 dimensions", NULL, false},
	{"param p : f64 = q2; param q2 : f64 = p;", "the param 'p' depends on itself", NULL, false},
	{"param p : f64[N];", "a param is one number or bool", NULL, false},
	{"param p : f64 = d[0];", "the value of a param is a constant expression", NULL, false},
	{"param p : i32 = 0.5;", "'0.5' does not fit 'i32'", NULL, false},

	/* cycles and fixpoints */
	{"page y : f64; page x : f64; edge y <- x; edge x <- y + 1;", "'y' depends on itself: y -> x -> y",
	 "read one of them in the epoch before, with `prev y`", false},
	{"page y : f64; page x : f64; edge y <- x; edge x <- y + 1;", "'x' reads 'y' here", NULL, false},
	{"page y : f64; edge y <- y + 1;", "'y' depends on itself: y -> y", "`prev y`", false},
	{"page y : f64; let r = y; edge y <- r + 1;", "'y' depends on itself: y -> y", NULL, false},
	{"page y : f64[N]; edge y[i] <- fix(max = 0) y[i];", "'max' of a fix is at least 1", NULL, false},
	{"page y : f64[N]; edge y[i] <- fix(tol = -1) y[i];", "'tol' of a fix is at least 0", NULL, false},
	{"page y : i64[N]; edge y[i] <- fix(tol = 1) y[i];", "a numeric fixpoint is of f32 or f64, not of 'i64'", "`fix(max = R)`", false},
	{"page y : f64[N]; edge y[i] <- fix(max = l[i]) y[i];", "an argument of fix is a constant expression", NULL, false},
	{"page y : f64[N]; edge y[i] <- fix y[i] + 1;", "an exact fixpoint takes min, max", "fix(max = R)", false},

	/* graphs */
	{"use u = twoo(x = d, by = 1);", "there is no graph 'twoo' here", "did you mean 'two'?", false},
	{"use u = sq(x = d);", "'sq' is a function, not a graph", NULL, false},
	{"use u = two(x = d);", "the graph 'two' needs an argument 'by'", NULL, false},
	{"use u = two(x = d, by = 1, bye = 2);", "the graph 'two' has no parameter 'bye'", "did you mean 'by'?", false},
	{"use u = two(x = d, by = 1, by = 2);", "the argument 'by' is given twice", NULL, false},
	{"use u = two(x = c, by = 1);", "'c' has 2 dimensions, and the graph's 'x' has 1", NULL, false},
	{"use u = two(x = f, by = 1);", "'f' is of 'f32', and the graph's 'x' is of 'f64'", NULL, false},
	{"use u = two(x = W, by = 1);", "'W' is sparse, and the graph's 'x' is dense", NULL, false},
	{"use u = two(x = 3, by = 1);", "the argument 'x' is a page", NULL, false},
	{"use u = two(x = d, by = true);", "the argument 'by' is 'f64', and this is 'bool'", NULL, false},
	{"use u = two(x = d, by = d[0]);", "an argument of a graph is a constant expression", NULL, false},
	{"use u = two(x = d, by = 1); " Y("f64", "u.in2[i]"), "'in2' is private to the graph", "the graph gives 'u.y'", false},
	{"use u = two(x = d, by = 1); " Y("f64", "u.yy[i]"), "there is no page 'yy' in 'u'", "did you mean 'u.y'?", false},
	{"graph b2(x : f64[P]) -> (y : f64[P]) { edge y[i] <- x[i] + l[i]; } use u = b2(x = d);",
	 "a graph does not see the page 'l'", "as an argument", false},
	{"graph b2(x : f64[P]) -> (y : f64[P]) { edge y[i] <- t2 + x[i]; } use u = b2(x = d);",
	 "in this instance of the graph 'b2'", NULL, false},
	{"graph b2(x : f64[P]) -> (y : f64[P]) { edge x[i] <- 1; edge y[i] <- 1; } use u = b2(x = d);",
	 "the page 'x' is given to the graph", NULL, false},
	{"graph b2(x : f64[P]) -> (y : f64[P]) { } use u = b2(x = d);", "the page 'u.y' has no edge", NULL, false},
	{"graph b2(x : f64[P], z : f64[P]) -> (y : f64[P]) { edge y[i] <- x[i]; } use u = b2(x = d, z = m);",
	 "dimension 1 of 'm' is 'M', and that of the graph's 'z' is 'N' here", NULL, false},
	{"graph b2(x : f64[P]) -> (y : f64[P]) { edge y[i] <- fix y[i] + x[i]; } use u = b2(x = d);",
	 "in this instance of the graph 'b2'", NULL, false},
	{"graph b2(P) -> (y : f64[P]) { edge y[i] <- 1; } use u = b2();", "no argument tells the size 'P'", NULL, false},
	{"graph b2(x : f64[P]) -> (y : f64[P]) { page y : f32[P]; edge y[i] <- 1; } use u = b2(x = d);",
	 "the result 'y' has another type here", NULL, false},
	{"graph b2(x : f64[P]) -> (y : f64[P]) { use u = b2(x = x); edge y[i] <- 1; } use u = b2(x = d);",
	 "the graph 'b2' uses itself: b2 -> b2", NULL, false},
	{"use u = two(x = v.y, by = 1); use v = two(x = u.y, by = 1);", "the use of a graph 'u' depends on itself", NULL, true},
	{"=import graph; fn sssp(x) = x;", "the name 'sssp' is declared twice", "import the module with `as`", false},
	{"=import graph; import graph as r; page y : f64; edge y <- r.nope;", "there is no name 'nope' in 'r'", NULL, false},
};

enum { check_error_count = sizeof check_error_cases / sizeof check_error_cases[0] };

#undef Y
#endif
