/* The syntax tree: what the parser makes of one file, what the formatter prints and the checker reads.
 *
 * Names are interned (lang_intern): equal names are equal pointers. Everything has a span. Parentheses leave no trace
 * in the tree, and the tree keeps every spelling that the formatter must give back. Nodes carry no room for types or
 * resolved names: the checker builds its own program beside the tree. A tree is only ever used when the parse had no error. */
#ifndef MMSB_LANG_AST_H
#define MMSB_LANG_AST_H

#include "source.h"

/* ---- names ---- */

typedef struct ast_name {
	const char *text;        /* interned */
	lang_span span;
} ast_name;

typedef struct ast_names {
	uint32_t count;
	uint32_t cap;
	ast_name *items;
} ast_names;

/* `x`, `risk.var`, `pr.rank`, `pr.quote.bid`: names with points between them; which is a module, an instance, a page
 * or a field is for the checker to decide. At least one part. */
typedef struct ast_path {
	lang_span span;
	ast_names parts;
} ast_path;

/* ---- expressions ---- */

/* Operators as written: X(enumerator, spelling, precedence). Larger binds tighter; equal ones associate to the left,
 * those of AST_PREC_COMPARE not at all. What they mean is in ops.def, found by spelling. */
#define AST_BINARY_OPS(X)                \
	X(OR, "||", AST_PREC_OR)         \
	X(AND, "&&", AST_PREC_AND)       \
	X(EQ, "==", AST_PREC_COMPARE)    \
	X(NE, "!=", AST_PREC_COMPARE)    \
	X(LT, "<", AST_PREC_COMPARE)     \
	X(LE, "<=", AST_PREC_COMPARE)    \
	X(GT, ">", AST_PREC_COMPARE)     \
	X(GE, ">=", AST_PREC_COMPARE)    \
	X(BIT_OR, "|", AST_PREC_BIT_OR)  \
	X(BIT_XOR, "^", AST_PREC_BIT_OR) \
	X(BIT_AND, "&", AST_PREC_BIT_AND)\
	X(SHL, "<<", AST_PREC_SHIFT)     \
	X(SHR, ">>", AST_PREC_SHIFT)     \
	X(ADD, "+", AST_PREC_ADD)        \
	X(SUB, "-", AST_PREC_ADD)        \
	X(RING_ADD, ".+", AST_PREC_ADD)  \
	X(MUL, "*", AST_PREC_MUL)        \
	X(DIV, "/", AST_PREC_MUL)        \
	X(REM, "%", AST_PREC_MUL)        \
	X(RING_MUL, ".*", AST_PREC_MUL)

#define AST_UNARY_OPS(X) \
	X(NEG, "-")      \
	X(NOT, "!")      \
	X(BIT_NOT, "~")

/* Built-in reductions; AST_RED_SEMIRING is one by a semiring's name. */
#define AST_REDUCTIONS(X)    \
	X(SUM, "sum")        \
	X(PROD, "prod")      \
	X(MIN, "min")        \
	X(MAX, "max")        \
	X(ANY, "any")        \
	X(ALL, "all")        \
	X(COUNT, "count")    \
	X(MEAN, "mean")      \
	X(ARGMIN, "argmin")  \
	X(ARGMAX, "argmax")

#define AST_VIEWS(X)        \
	X(CLAMP, "clamp")   \
	X(WRAP, "wrap")     \
	X(MIRROR, "mirror") \
	X(ZERO, "zero")     \
	X(PAD, "pad")

typedef enum ast_prec {
	AST_PREC_IF,
	AST_PREC_OR,
	AST_PREC_AND,
	AST_PREC_COMPARE,
	AST_PREC_BIT_OR,
	AST_PREC_BIT_AND,
	AST_PREC_SHIFT,
	AST_PREC_ADD,
	AST_PREC_MUL,
	AST_PREC_UNARY,          /* unary operators and reductions */
	AST_PREC_POSTFIX
} ast_prec;

typedef enum ast_binary_op {
#define X(name, text, prec) AST_##name,
	AST_BINARY_OPS(X)
#undef X
	AST_BINARY_COUNT
} ast_binary_op;

typedef enum ast_unary_op {
#define X(name, text) AST_##name,
	AST_UNARY_OPS(X)
#undef X
	AST_UNARY_COUNT
} ast_unary_op;

typedef enum ast_reduction {
#define X(name, text) AST_RED_##name,
	AST_REDUCTIONS(X)
#undef X
	AST_RED_SEMIRING
} ast_reduction;

typedef enum ast_view {
	AST_VIEW_NONE,
#define X(name, text) AST_VIEW_##name,
	AST_VIEWS(X)
#undef X
	AST_VIEW_COUNT
} ast_view;

typedef enum ast_expr_kind {
	AST_INT,                 /* 1_000, 0xff */
	AST_FLOAT,               /* 1.5, 1e-12, inf, nan */
	AST_BOOL,                /* true, false */
	AST_NAME,                /* x, mod.x: a param, a size, an index, a scalar page, a local … */
	AST_READ,                /* x[i, j], prev x[i], prev x, wrap(prev x)[i - 1], pad(x, 0)[i] */
	AST_FIELD,               /* e.bid, where e is no path */
	AST_CALL,                /* f(a, b), mod.f(a), min(a, b), clamp(x, 0, 1) */
	AST_CONVERT,             /* f32(x), index(D)(e) */
	AST_UNARY,
	AST_BINARY,
	AST_IF,
	AST_REDUCE,              /* sum[k] …, min_plus[u] … */
	AST_OPERATOR             /* the operator itself: add = + in a semiring */
} ast_expr_kind;

typedef struct ast_expr ast_expr;
typedef struct ast_type ast_type;

typedef struct ast_exprs {
	uint32_t count;
	uint32_t cap;
	ast_expr **items;
} ast_exprs;

/* One binding of a reduction: `k`, or `k in from..to` (from and to NULL without a range). */
typedef struct ast_binding {
	ast_name name;
	ast_expr *from;
	ast_expr *to;
} ast_binding;

typedef struct ast_bindings {
	uint32_t count;
	uint32_t cap;
	ast_binding *items;
} ast_bindings;

typedef struct ast_read {
	ast_path *page;
	ast_exprs index;         /* count 0: `prev x` of a scalar page */
	ast_expr *fill;          /* the value of pad, else NULL */
	ast_view view;
	bool prev;
} ast_read;

typedef struct ast_reduce {
	ast_path *semiring;      /* AST_RED_SEMIRING only, else NULL */
	ast_bindings bindings;   /* at least one */
	ast_expr *where;         /* or NULL */
	ast_expr *body;
	lang_span head;          /* the name and its brackets: sum[k] */
	ast_reduction op;
} ast_reduce;

struct ast_expr {
	uint8_t kind;            /* ast_expr_kind */
	uint16_t depth;          /* 1 for a leaf; at most LANG_MAX_DEPTH, so that recursion over a tree is bounded */
	lang_span span;          /* without parentheses around it */
	union {
		struct { uint64_t value; const char *spelling; } integer;
		struct { double value; const char *spelling; } real;
		bool boolean;
		ast_path *name;
		ast_read *read;
		struct { ast_expr *base; ast_name name; } field;
		struct { ast_path *callee; ast_exprs args; } call;
		struct { ast_type *to; ast_expr *arg; } convert;
		struct { ast_expr *arg; ast_unary_op op; } unary;
		struct { ast_expr *left, *right; lang_span op_span; ast_binary_op op; } binary;
		struct { ast_expr *test, *yes, *no; } cond;
		ast_reduce *reduce;
		ast_binary_op op;    /* AST_OPERATOR */
	} u;
};

/* ---- types ---- */

typedef enum ast_type_kind {
	AST_TYPE_SCALAR,         /* f64: name is one of the reserved names of types */
	AST_TYPE_INDEX,          /* index(D) */
	AST_TYPE_NAMED           /* a record: Quote, mod.Quote */
} ast_type_kind;

struct ast_type {
	ast_type_kind kind;
	bool sparse;
	bool has_dims;           /* T[N, M]; else a scalar */
	lang_span span;
	ast_name name;           /* AST_TYPE_SCALAR */
	ast_expr *extent;        /* AST_TYPE_INDEX: the D of index(D) */
	ast_path *record;        /* AST_TYPE_NAMED */
	ast_exprs dims;          /* the parser takes any expression as a size */
};

/* ---- declarations ---- */

typedef enum ast_decl_kind {
	AST_IMPORT,
	AST_PARAM_SIZES,         /* param N, K; */
	AST_PARAM_VALUE,         /* param rate : f64 = 0.03; */
	AST_RECORD,
	AST_SEMIRING,
	AST_FN,
	AST_PAGE,
	AST_LET,
	AST_EDGE,
	AST_GRAPH,
	AST_USE
} ast_decl_kind;

/* `name : type`, the type NULL where it may be left out: fields of a record, parameters of fn and graph, results. */
typedef struct ast_field {
	ast_name name;
	ast_type *type;
	lang_span span;
} ast_field;

typedef struct ast_fields {
	uint32_t count;
	uint32_t cap;
	ast_field *items;
} ast_fields;

/* `name = value`: entries of a semiring, arguments of use and fix, lets in the block of a fn. */
typedef struct ast_entry {
	ast_name name;
	ast_expr *value;
	lang_span span;
} ast_entry;

typedef struct ast_entries {
	uint32_t count;
	uint32_t cap;
	ast_entry *items;
} ast_entries;

typedef enum ast_role { AST_ROLE_NONE, AST_ROLE_IN, AST_ROLE_OUT } ast_role;

#define AST_ATTRS(X)            \
	X(STATIC, "static")     \
	X(LAZY, "lazy")         \
	X(SOA, "soa")           \
	X(AOS, "aos")           \
	X(TILE, "tile")         \
	X(CPU, "cpu")           \
	X(GPU, "gpu")           \
	X(UNIFIED, "unified")

typedef enum ast_attr_kind {
#define X(name, text) AST_ATTR_##name,
	AST_ATTRS(X)
#undef X
	AST_ATTR_INIT,           /* init EXPR */
	AST_ATTR_LIKE,           /* like P */
	AST_ATTR_COUNT
} ast_attr_kind;

typedef struct ast_attr {
	ast_attr_kind kind;
	lang_span span;
	ast_expr *init;          /* AST_ATTR_INIT */
	ast_path *like;          /* AST_ATTR_LIKE */
	ast_exprs args;          /* what stands in parentheses: @tile(r, c); only @tile may have any */
} ast_attr;

typedef struct ast_attrs {
	uint32_t count;          /* each kind at most once: the parser sees to it */
	uint32_t cap;
	ast_attr *items;
} ast_attrs;

typedef struct ast_decl ast_decl;

typedef struct ast_decls {
	uint32_t count;
	uint32_t cap;
	ast_decl **items;
} ast_decls;

typedef struct ast_import {
	const char *module;      /* `import graph;`: its name; NULL for a path */
	const char *path;        /* `import "risk.mmsb"`: what stands between the quotes; NULL for a module */
	lang_span what;          /* the name or the string */
	ast_name alias;          /* text NULL without `as` */
} ast_import;

typedef struct ast_fn {
	ast_fields params;       /* types may be NULL */
	ast_type *result;        /* or NULL */
	ast_entries lets;        /* of a block */
	ast_expr *value;
	bool block;              /* written with braces */
} ast_fn;

typedef struct ast_page {
	ast_type *type;
	ast_role role;
	lang_span role_span;
	ast_attrs attrs;
} ast_page;

typedef struct ast_edge {
	ast_names index;         /* the target is decl->name */
	ast_expr *value;
	bool is_fix;
	lang_span fix_span;      /* the word fix */
	ast_entries fix_args;    /* max = …, tol = …: the parser takes only these, each once */
} ast_edge;

typedef struct ast_graph {
	ast_fields params;       /* a parameter without a type is a size */
	ast_fields results;
	ast_decls body;
} ast_graph;

typedef struct ast_use {
	ast_path *graph;
	ast_entries args;
} ast_use;

struct ast_decl {
	ast_decl_kind kind;
	lang_span span;          /* from the keyword to the `;` or `}` */
	ast_name name;           /* what it declares or, for an edge, defines; text NULL for import and param N, K */
	const char *doc;         /* text of the /// lines above, joined by '\n', without "/// "; or NULL */
	union {
		ast_import import;
		ast_names sizes;
		struct { ast_type *type; ast_expr *value; } param; /* value or NULL */
		ast_fields record;
		struct { ast_type *type; ast_entries entries; } semiring; /* type or NULL; names of entries are not checked */
		ast_fn fn;
		ast_page page;
		struct { ast_names index; ast_expr *value; } let;
		ast_edge edge;
		ast_graph graph;
		ast_use use;
	} u;
};

/* One comment of a file, kept for the formatter. */
typedef struct ast_comment {
	lang_span span;          /* with its slashes, without the end of the line */
	bool own_line;           /* nothing but blanks before it on its line */
	bool block;              /* slash star … star slash */
	bool doc;                /* three slashes */
} ast_comment;

typedef struct ast_comments {
	uint32_t count;
	uint32_t cap;
	ast_comment *items;
} ast_comments;

typedef struct ast_file {
	lang_source *source;
	ast_decls decls;
	ast_comments comments;   /* in the order of the text */
} ast_file;

/* ---- parsing ---- */

/* Parses a whole source. Always looks at the whole text, so that several errors are reported; NULL when there was
 * one or memory ran out (see lang_failed). */
ast_file *lang_parse(lang_ctx *ctx, lang_source *source);

/* ---- spellings ---- */

const char *ast_binary_text(ast_binary_op op);
ast_prec ast_binary_prec(ast_binary_op op);
const char *ast_unary_text(ast_unary_op op);
const char *ast_reduction_text(ast_reduction op);   /* "semiring" for AST_RED_SEMIRING */
const char *ast_view_text(ast_view view);
const char *ast_attr_text(ast_attr_kind kind);      /* "@static" …, "init", "like" */
const char *ast_decl_text(ast_decl_kind kind);      /* the keyword */
const char *ast_expr_text(ast_expr_kind kind);

/* "a.b.c" in the arena; NULL when out of memory. */
const char *ast_path_text(lang_ctx *ctx, const ast_path *path);

/* ---- walking ---- */

/* Calls visit for each direct child expression, in the order of the text, sizes in types included; stops and returns
 * false as soon as visit does. Recursion is the visitor's: call ast_each_child from within. */
typedef bool (*ast_visit)(void *user, ast_expr *expr);
bool ast_each_child(ast_expr *expr, ast_visit visit, void *user);

/* The same for the expressions directly in a declaration (of a graph: those of its header, not of its body). */
bool ast_each_expr(ast_decl *decl, ast_visit visit, void *user);

/* Equal but for spans, comments and doc texts. */
bool ast_equal(const ast_file *a, const ast_file *b);
bool ast_expr_equal(const ast_expr *a, const ast_expr *b);

/* An indented tree with kinds, names and line:column (mmsbc emit ast). */
void ast_print(const lang_ctx *ctx, const ast_file *file, FILE *out);

#endif
