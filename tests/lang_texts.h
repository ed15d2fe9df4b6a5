/* lang_texts.h: the texts of check_lang.c. */
#ifndef MMSB_TESTS_LANG_TEXTS_H
#define MMSB_TESTS_LANG_TEXTS_H

#include <stdint.h>

typedef struct text_pair {
	const char *text;
	const char *other;
} text_pair;

/* A program from the whole grammar with comments anywhere; the caller frees it. (lang_random.c) */
char *random_program(uint64_t seed);

/* Expressions that are the same tree … */
static const text_pair same_trees[] = {
	{"a + b * c", "a + (b * c)"},
	{"a - b - c", "(a - b) - c"},
	{"a || b && c", "a || (b && c)"},
	{"a && b == c", "a && (b == c)"},
	{"a == b | c", "a == (b | c)"},
	{"a | b & c", "a | (b & c)"},
	{"a ^ b | c", "(a ^ b) | c"},
	{"a & b << c", "a & (b << c)"},
	{"a << b + c", "a << (b + c)"},
	{"a .+ b .* c", "a .+ (b .* c)"},
	{"a + b .+ c - d", "((a + b) .+ c) - d"},
	{"a * b / c % d .* e", "(((a * b) / c) % d) .* e"},
	{"-a * b", "(-a) * b"},
	{"!a && b", "(!a) && b"},
	{"-x[i].f", "-((x[i]).f)"},
	{"if a then b else c + d", "if a then b else (c + d)"},
	{"if a then if b then c else d else e", "if a then (if b then c else d) else e"},
	{"sum[k] a[k] * b[k] + c", "(sum[k] (a[k] * b[k])) + c"},
	{"sum[i] x[i] / n", "(sum[i] x[i]) / n"},
	{"sum[k] a * b / c * d", "((sum[k] (a * b)) / c) * d"},
	{"sum[k] a .* b * c", "sum[k] ((a .* b) * c)"},
	{"x / sum[k] a * b", "x / (sum[k] (a * b))"},
	{"x * sum[k] a * b", "x * (sum[k] (a * b))"},
	{"-sum[k] a * b", "-(sum[k] (a * b))"},
	{"sum[k] -a * b", "sum[k] ((-a) * b)"},
	{"sum[k] a * sum[j] b * c", "sum[k] (a * (sum[j] (b * c)))"},
	{"sum[k] a % b", "(sum[k] a) % b"},
	{"sum[k] a << b", "(sum[k] a) << b"},
	{"S[u] W[u, v] .* d[u]", "S[u] (W[u, v] .* d[u])"},
	{"S[u] W[u, v] .* d[u] .+ e", "(S[u] (W[u, v] .* d[u])) .+ e"},
	{"S[u] x[u] * -y", "S[u] (x[u] * (-y))"},
	{"x[u] - y", "(x[u]) - y"},
	{"x[u] * (y)", "x[u] * y"},
	{"(q).bid", "q.bid"},
	{"x[i]-1", "x[i] - 1"},
	{"a < -b", "a < (-b)"},
	{"1.+2", "1 .+ 2"},
	{"a.*b", "a .* b"},
};

/* … and those that are not. */
static const text_pair other_trees[] = {
	{"a - (b - c)", "a - b - c"},
	{"(sum[k] a) * b", "sum[k] a * b"},
	{"(x / sum[k] a) * b", "x / sum[k] a * b"},
	{"S[u] (-x[u])", "S[u] - x[u]"},
	{"1_000", "1000"},
	{"(a == b) == c", "a == (b == c)"},
	{"x[i]", "prev x[i]"},
	{"x[i]", "wrap(x)[i]"},
	{"prev q.bid", "(prev q).bid"},
	{"sum[i in 0..2] a", "sum[i] a"},
	{"a | b", "a ^ b"},
};

static const char every_declaration[] =
	"import graph;\n"
	"import \"risk.mmsb\" as risk;\n"
	"param N, K;\n"
	"param rate : f64 = 0.03;\n"
	"record Quote { bid : f32; ask : f32; size : u32; }\n"
	"semiring min_plus { add = min; mul = +; zero = inf; one = 0; }\n"
	"semiring own : f32 { add = risk.f; mul = ||; zero = -inf; one = 1.0 + 2.0; }\n"
	"fn sq(x) = x * x;\n"
	"fn f(a : f64, b : f64) : f64 { let d = a - b; d * d }\n"
	"page price : index(K)[N] in;\n"
	"page x : sparse f64[N + 1, 2 * K] out init 1.0 like price @tile(r, 16) @static;\n"
	"let r[i] = price[i] / prev price[i];\n"
	"edge x[i, j] <- fix(max = 3) if r[i] > 0 then sum[k in 0..4 where k != i] pad(x, 0)[k - 1, j] else q[j].bid;\n"
	"graph rank(A : sparse f32[N, N], d : f32, M) -> (rank : f32[N]) { page p : f32[N]; edge rank[v] <- p[v]; }\n"
	"use pr = risk.rank(A = x, d = 0.85);\n";

static const char printed_tree_text[] =
	"file t.mmsb\n"
	"  page x out  1:1\n"
	"    type sparse f64  1:10\n"
	"      size\n"
	"        binary +  1:21\n"
	"          name N  1:21\n"
	"          int 1  1:25\n"
	"  edge x [i]  2:1\n"
	"    reduce sum  2:14\n"
	"      bind k  2:18\n"
	"        from\n"
	"          int 0  2:23\n"
	"        to\n"
	"          name W  2:26\n"
	"      where\n"
	"        binary <  2:34\n"
	"          name k  2:34\n"
	"          name i  2:38\n"
	"      body\n"
	"        binary *  2:41\n"
	"          int 2  2:41\n"
	"          read wrap prev y  2:45\n"
	"            unary -  2:58\n"
	"              name k  2:59\n";

static const char module_message_text[] =
	"a.mmsb:1:8: error: there is no module 'nowhere'\n"
	"   1 | import nowhere;\n"
	"     |        ^\n"
	"     = help: looked for nowhere.mmsb beside this file, in the directories of -I and in the standard library\n"
	"a.mmsb:2:8: error: cannot read 'gone.mmsb': No such file or directory\n"
	"   2 | import \"gone.mmsb\";\n"
	"     |        ^\n"
	"c.mmsb:2:8: error: these files import each other: b.mmsb -> c.mmsb -> b.mmsb\n"
	"   2 | import \"b.mmsb\" as b;\n"
	"     |        ^\n"
	"     = help: move what both need into a third file\n";

/* Programs with mistakes and all that is said of them. */
static const text_pair wrong_texts[] = {
	{"edge x[i] <- a[i] * ;",
	 "t.mmsb:1:21: error: expected an expression before ';'\n"
	 "   1 | edge x[i] <- a[i] * ;\n"
	 "     |                     ^\n"},
	{"edge x[i] <- a[i] <-b;",
	 "t.mmsb:1:19: error: '<-' is always the arrow\n"
	 "   1 | edge x[i] <- a[i] <-b;\n"
	 "     |                   ^\n"
	 "     = help: to compare with something negative, put a blank between: a < -b\n"},
	{"page x : f64[N] in\npage y : f64;",
	 "t.mmsb:1:19: error: expected ';' behind 'in'\n"
	 "   1 | page x : f64[N] in\n"
	 "     |                   ^\n"},
	{"pag x : f64;",
	 "t.mmsb:1:1: error: expected a declaration before 'pag'\n"
	 "   1 | pag x : f64;\n"
	 "     | ^\n"
	 "     = help: did you mean 'page'?\n"},
	{"edge x <- a < b < c;",
	 "t.mmsb:1:17: error: comparisons do not chain\n"
	 "   1 | edge x <- a < b < c;\n"
	 "     |                 ^\n"
	 "     = help: join them with &&: a < b && b < c\n"},
	{"edge x <- 1 + if a then b else c;",
	 "t.mmsb:1:15: error: an 'if' used as an operand is in parentheses\n"
	 "   1 | edge x <- 1 + if a then b else c;\n"
	 "     |               ^\n"
	 "     = help: write (if c then a else b)\n"},
	{"edge x <- a and b;",
	 "t.mmsb:1:13: error: 'and' is a reserved word\n"
	 "   1 | edge x <- a and b;\n"
	 "     |             ^\n"
	 "     = help: the operator is written &&\n"},
	{"edge x <- 1 + fix y;",
	 "t.mmsb:1:15: error: 'fix' stands directly behind the arrow of an edge\n"
	 "   1 | edge x <- 1 + fix y;\n"
	 "     |               ^\n"
	 "     = help: write edge x[i] <- fix ...;\n"},
	{"edge x <- 1. + .5 + 12abc;\nedge y <- 18446744073709551616 - 1e999;",
	 "t.mmsb:1:11: error: '1.' is not a number\n"
	 "   1 | edge x <- 1. + .5 + 12abc;\n"
	 "     |           ^\n"
	 "     = help: a point has digits on both sides: 1.0\n"
	 "t.mmsb:1:16: error: '.5' is not a number\n"
	 "   1 | edge x <- 1. + .5 + 12abc;\n"
	 "     |                ^\n"
	 "     = help: a point has digits on both sides: 0.5\n"
	 "t.mmsb:1:21: error: '12abc' is not a number\n"
	 "   1 | edge x <- 1. + .5 + 12abc;\n"
	 "     |                     ^\n"
	 "     = help: numbers are written 1_000, 0xff, 1.5, 1e-12; a name begins with a letter\n"
	 "t.mmsb:2:11: error: this integer is larger than 18446744073709551615, the largest u64\n"
	 "   2 | edge y <- 18446744073709551616 - 1e999;\n"
	 "     |           ^\n"
	 "t.mmsb:2:34: error: this number is larger than any f64\n"
	 "   2 | edge y <- 18446744073709551616 - 1e999;\n"
	 "     |                                  ^\n"
	 "     = help: infinity is written inf\n"},
	{"page min : f64;",
	 "t.mmsb:1:6: error: expected a name before 'min'\n"
	 "   1 | page min : f64;\n"
	 "     |      ^\n"
	 "     = help: 'min' is a reserved word; choose another name\n"},
	{"edge x <- sum(y);",
	 "t.mmsb:1:11: error: 'sum' is a reduction and binds an index\n"
	 "   1 | edge x <- sum(y);\n"
	 "     |           ^\n"
	 "     = help: write sum[i] x[i]\n"},
	{"edge x <- wrap(y);",
	 "t.mmsb:1:11: error: the view 'wrap' has no index list behind it\n"
	 "   1 | edge x <- wrap(y);\n"
	 "     |           ^\n"
	 "     = help: write wrap(x)[i - 1]\n"},
	{"edge x <- pad(y)[i];",
	 "t.mmsb:1:11: error: the view 'pad' takes a page and a value\n"
	 "   1 | edge x <- pad(y)[i];\n"
	 "     |           ^\n"
	 "     = help: write pad(x, 0)[i - 1], or pad(prev x, 0)[i - 1]\n"},
	{"edge x <- y[k in 0..3] + y[i where c];\nedge z <- sum[i + 1] y[i];",
	 "t.mmsb:1:13: error: a range belongs to a reduction, and here is none\n"
	 "   1 | edge x <- y[k in 0..3] + y[i where c];\n"
	 "     |             ^\n"
	 "     = help: a reduction is written sum[k in 0..4] x[k], its body behind the brackets\n"
	 "t.mmsb:1:36: error: 'where' belongs to a reduction, and here is none\n"
	 "   1 | edge x <- y[k in 0..3] + y[i where c];\n"
	 "     |                                    ^\n"
	 "     = help: a reduction is written sum[i where c[i]] x[i], its body behind the brackets\n"
	 "t.mmsb:2:15: error: a reduction binds names in its brackets\n"
	 "   2 | edge z <- sum[i + 1] y[i];\n"
	 "     |               ^\n"
	 "     = help: write sum[k] x[k], or sum[k in 0..4] x[k]\n"},
	{"page x : f64 @statik @lazy @lazy @cpu(3);",
	 "t.mmsb:1:14: error: there is no attribute '@statik'\n"
	 "   1 | page x : f64 @statik @lazy @lazy @cpu(3);\n"
	 "     |              ^\n"
	 "     = help: did you mean '@static'?\n"
	 "t.mmsb:1:28: error: '@lazy' is given twice\n"
	 "   1 | page x : f64 @statik @lazy @lazy @cpu(3);\n"
	 "     |                            ^\n"
	 "t.mmsb:1:34: error: '@cpu' takes nothing in parentheses\n"
	 "   1 | page x : f64 @statik @lazy @lazy @cpu(3);\n"
	 "     |                                  ^\n"},
	{"fn f(a) { let b = a; b; }\nparam 3;",
	 "t.mmsb:1:23: error: expected '}' before ';'\n"
	 "   1 | fn f(a) { let b = a; b; }\n"
	 "     |                       ^\n"
	 "     = help: the last expression of a block is its value and has no ';'\n"
	 "t.mmsb:2:7: error: expected a name before '3'\n"
	 "   2 | param 3;\n"
	 "     |       ^\n"},
	{"graph g(A : ) -> (r : f64) { edge r <- 3; page q : f64; }\npage z z;",
	 "t.mmsb:1:13: error: expected a type before ')'\n"
	 "   1 | graph g(A : ) -> (r : f64) { edge r <- 3; page q : f64; }\n"
	 "     |             ^\n"
	 "t.mmsb:2:8: error: expected ':' before 'z'\n"
	 "   2 | page z z;\n"
	 "     |        ^\n"},
	{"graph g(A) -> (r : f64) { import m; graph h() -> (q : i8) { } edge r <- 3 * }",
	 "t.mmsb:1:27: error: 'import' does not stand inside a graph\n"
	 "   1 | graph g(A) -> (r : f64) { import m; graph h() -> (q : i8) { } edge r <- 3 * }\n"
	 "     |                           ^\n"
	 "     = help: put it at the top of the file\n"
	 "t.mmsb:1:37: error: 'graph' does not stand inside a graph\n"
	 "   1 | graph g(A) -> (r : f64) { import m; graph h() -> (q : i8) { } edge r <- 3 * }\n"
	 "     |                                     ^\n"
	 "     = help: put it before this graph and 'use' it here\n"
	 "t.mmsb:1:77: error: expected an expression before '}'\n"
	 "   1 | graph g(A) -> (r : f64) { import m; graph h() -> (q : i8) { } edge r <- 3 * }\n"
	 "     |                                                                             ^\n"},
	{"/* abc\nparam N;",
	 "t.mmsb:1:1: error: this comment is not closed\n"
	 "   1 | /* abc\n"
	 "     | ^\n"
	 "     = help: a comment that begins with /* ends with */\n"},
	{"import \"abc;\n",
	 "t.mmsb:1:8: error: this string is not closed on its line\n"
	 "   1 | import \"abc;\n"
	 "     |        ^\n"
	 "t.mmsb:1:9: error: expected ';' behind '\"'\n"
	 "   1 | import \"abc;\n"
	 "     |         ^\n"},
	{"edge x <- 3 ? 4;\n\xc3\xa9",
	 "t.mmsb:1:13: error: '?' does not belong to the language\n"
	 "   1 | edge x <- 3 ? 4;\n"
	 "     |             ^\n"
	 "     = help: a choice is written: if c then a else b\n"
	 "t.mmsb:1:15: error: expected ';' before '4'\n"
	 "   1 | edge x <- 3 ? 4;\n"
	 "     |               ^\n"
	 "t.mmsb:2:1: error: '\xc3\xa9' does not belong to the language\n"
	 "   2 | \xc3\xa9\n"
	 "     | ^\n"},
	{"edge x <- fix(foo = 3, max = 2, max = 3) y;",
	 "t.mmsb:1:15: error: 'fix' takes 'max' and 'tol', not 'foo'\n"
	 "   1 | edge x <- fix(foo = 3, max = 2, max = 3) y;\n"
	 "     |               ^\n"
	 "     = help: write fix EXPR, fix(max = 100) EXPR or fix(tol = 1e-6, max = 200) EXPR\n"
	 "t.mmsb:1:33: error: 'max' is given twice\n"
	 "   1 | edge x <- fix(foo = 3, max = 2, max = 3) y;\n"
	 "     |                                 ^\n"},
	{"record Q { a f32; b : f32 }\nedge x <- f(a, );\nuse p = q(3);\npage",
	 "t.mmsb:1:14: error: expected ':' before 'f32'\n"
	 "   1 | record Q { a f32; b : f32 }\n"
	 "     |              ^\n"
	 "t.mmsb:1:26: error: expected ';' behind 'f32'\n"
	 "   1 | record Q { a f32; b : f32 }\n"
	 "     |                          ^\n"
	 "t.mmsb:2:16: error: expected an expression before ')'\n"
	 "   2 | edge x <- f(a, );\n"
	 "     |                ^\n"
	 "t.mmsb:3:11: error: expected a name or ')' before '3'\n"
	 "   3 | use p = q(3);\n"
	 "     |           ^\n"
	 "t.mmsb:4:5: error: expected a name before the end of the file\n"
	 "   4 | page\n"
	 "     |     ^\n"},
	{"edge x <- x[i][j];\nedge y <- a = b;\nedge z <- (a + b;\nedge w <- a ** b;",
	 "t.mmsb:1:15: error: an index list stands behind the name of a page only\n"
	 "   1 | edge x <- x[i][j];\n"
	 "     |               ^\n"
	 "     = help: write all indices in one list: x[i, j]\n"
	 "t.mmsb:2:13: error: '=' does not compare\n"
	 "   2 | edge y <- a = b;\n"
	 "     |             ^\n"
	 "     = help: equality is written ==\n"
	 "t.mmsb:3:17: error: expected ')' before ';'\n"
	 "   3 | edge z <- (a + b;\n"
	 "     |                 ^\n"
	 "t.mmsb:4:14: error: expected an expression before '*'\n"
	 "   4 | edge w <- a ** b;\n"
	 "     |              ^\n"
	 "     = help: a power is written pow(a, b)\n"},
	{"}",
	 "t.mmsb:1:1: error: expected a declaration before '}'\n"
	 "   1 | }\n"
	 "     | ^\n"
	 "     = help: declarations begin with import, param, record, semiring, fn, page, let, edge, graph or use\n"},
};

/* Programs and their canonical layout. */
static const text_pair layouts[] = {
	{"", ""},
	{"// only a comment", "// only a comment\n"},
	{"param   N,K ;param rate:f64=0.03;",
	 "param N, K;\n"
	 "param rate : f64 = 0.03;\n"},
	{"page price:f64[K] in; // moved\npage book : index(B)[N] in @static;\n\n\n\npage x:f64 out init(1.0);\nedge x<-y;\n"
	 "edge bybook[b]<-sum[i where book[i]==b]pnl[i];",
	 "page price : f64[K] in;  // moved\n"
	 "page book  : index(B)[N] in @static;\n"
	 "\n"
	 "page x     : f64 out init 1.0;\n"
	 "edge x         <- y;\n"
	 "edge bybook[b] <- sum[i where book[i] == b] pnl[i];\n"},
	{"param N; // a\nparam Number; // b\nparam M;\nparam K; // c",
	 "param N;       // a\n"
	 "param Number;  // b\n"
	 "param M;\n"
	 "param K;       // c\n"},
	{"record Quote{bid:f32;size:u32;}\nrecord Q{\nbid:f32;// b\nsize:u32;}",
	 "record Quote { bid : f32; size : u32; }\n"
	 "record Q {\n"
	 "    bid  : f32;  // b\n"
	 "    size : u32;\n"
	 "}\n"},
	{"semiring s:f32{add=min;mul=+;zero=-inf;one=0;}\nfn f(a:f64,b):f64{let d=a-b;d*d}\nfn g(x)=x*x;fn h(){\n1}",
	 "semiring s : f32 { add = min; mul = +; zero = -inf; one = 0; }\n"
	 "fn f(a : f64, b) : f64 { let d = a - b; d * d }\n"
	 "fn g(x) = x * x;\n"
	 "fn h() {\n"
	 "    1\n"
	 "}\n"},
	{"graph g(A:sparse f32[N,N],d:f32,K)->(r:f32[N]){// head\n\n  // first\npage p:f32[N];\n\n\nedge r[v]<-p[v];// last\n"
	 "}use u=g(A=web,d=0.85);",
	 "graph g(A : sparse f32[N, N], d : f32, K) -> (r : f32[N]) {  // head\n"
	 "    // first\n"
	 "    page p : f32[N];\n"
	 "\n"
	 "    edge r[v] <- p[v];  // last\n"
	 "}\n"
	 "use u = g(A = web, d = 0.85);\n"},
	{"edge x<-((a*b)*c)+(d*(e*f))-(g-(h));edge y<-(sum[k](a[k]))*b+(sum[k](a[k]*c))/d;edge z<-min[u](d[u]+W[u,v]);"
	 "edge w<-S[u](-x[u])*(if a then b else c);edge v<-(x/(sum[k] a))*b+!(-(c)).f;",
	 "edge x <- a * b * c + d * (e * f) - (g - h);\n"
	 "edge y <- (sum[k] a[k]) * b + (sum[k] a[k] * c) / d;\n"
	 "edge z <- min[u] (d[u] + W[u, v]);\n"
	 "edge w <- S[u] (-x[u]) * (if a then b else c);\n"
	 "edge v <- x / (sum[k] a) * b + !(-c).f;\n"},
	{"import graph;import\"a b.mmsb\"as r;let q[i]=wrap(prev u)[i-1]+pad(x,0.0)[i+1];",
	 "import graph;\n"
	 "import \"a b.mmsb\" as r;\n"
	 "let q[i] = wrap(prev u)[i - 1] + pad(x, 0.0)[i + 1];\n"},
	{"edge x<-fix(tol=1e-6,max=200)a+ // why\n b /* c */ ;",
	 "edge x <- fix(tol = 1e-6, max = 200) a\n"
	 "    +   // why\n"
	 "    b;  /* c */\n"},
	{"\n\n/// doc\n\n\n\npage x:f64;/* a */ /* b */\n\n// end\n\n",
	 "/// doc\n"
	 "\n"
	 "page x : f64;  /* a */ /* b */\n"
	 "\n"
	 "// end\n"},
};

static const char wide_text[] =
	"edge name[i, j] <- clamp(some_page[first_index[i], second_index[j]] * some_factor + another_term[i] / divisor, lower, "
	"upper) - (if flag[i] then alpha[i] else if other[j] then beta[j] else gamma[i, j]) * sum[k in 0..width where key[k] == "
	"something_else[i, j] && another_key[k] != 0] first_factor[k, i] * second_factor[k, j] * third_factor[k] * fourth[k, i, j];\n"
	"graph shortest(W : sparse f64[Number_of_nodes, Number_of_nodes], start : index(Number_of_nodes), limit : f64) -> (dist : "
	"f64[Number_of_nodes], hops : i64[Number_of_nodes]) { edge dist[v] <- fix(max = 100) if v == start && limit > 0.0 then "
	"min_plus[u] W[u, v] .* dist[u] .* other[u, v] .* yet_another_factor[u, v] .* and_one_more[u] else prev dist[v] + 1.0; }\n"
	"page x : sparse Quote[Number_of_nodes * 2 + 1, Number_of_nodes - 1] out init (1.0 + 2.0) * 3.0 like some.other @static;\n"
	"use one = shortest(W = a_page_with_a_long_name, start = another_page_with_a_long_name, limit = some_limit_or_other);\n";

#endif
