/* program.h - the checked program: what the checker makes of a syntax tree, and all that
 * later rooms (and the naive evaluator of the tests) see of the language.
 *
 * Names are resolved, graphs instantiated, lets and functions put in, types made explicit
 * (every implicit widening is a P_CONV node), literals typed, index ranges proved. Everything lives in
 * the arena of the compilation and is immutable after checking. Expressions are trees (the
 * same let put in twice is the same node reached twice: treat nodes as immutable and shareable;
 * index variables are renamed apart per reduction and edge). */
#ifndef MMSB_PROGRAM_H
#define MMSB_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../runtime/guard.h"
#include "../runtime/types.h"
#include "ops.h"
#include "source.h"

typedef struct p_param p_param;
typedef struct p_size p_size;
typedef struct p_page p_page;
typedef struct p_edge p_edge;
typedef struct p_expr p_expr;
typedef struct p_var p_var;

/* ---- sizes ----------------------------------------------------------------------------- */

/* A size: a polynomial in size params with i64 coefficients, in canonical form (monomials sorted, no zero
 * coefficients) and interned: two sizes are equal everywhere exactly when the pointers are equal. */
typedef struct p_monomial {
	int64_t coef;
	uint32_t n_params;  /* 0: the constant term */
	const p_param **params; /* sorted by id, repeated for powers */
} p_monomial;

struct p_size {
	uint32_t id; /* position in p_program.sizes */
	uint32_t n;
	const p_monomial *terms;
};

/* ---- types ----------------------------------------------------------------------------- */

typedef struct p_field {
	const char *name;
	struct p_type *type; /* scalar or index */
	uint32_t offset;     /* bytes in the packed, naturally aligned record */
} p_field;

typedef struct p_record {
	uint32_t id;
	const char *name;
	uint32_t n_fields;
	const p_field *fields;
	uint32_t size; /* bytes, a multiple of the largest alignment */
	lang_span span;
} p_record;

typedef enum p_base { B_SCALAR, B_INDEX, B_RECORD } p_base;

typedef struct p_type {
	uint8_t base;   /* p_base */
	uint8_t scalar; /* type_id; T_U32 for B_INDEX */
	const p_size *dim;        /* B_INDEX: the dimension */
	const p_record *record;   /* B_RECORD */
} p_type;

/* ---- declarations ---------------------------------------------------------------------- */

struct p_param {
	uint32_t id;
	const char *name;
	bool is_size;
	p_type type;           /* i64 for sizes */
	const p_expr *init;    /* constant expression of literals and earlier params, or NULL: must be given */
	lang_span span;
};

typedef enum p_role { ROLE_INTERNAL, ROLE_IN, ROLE_OUT } p_role;
enum { PAGE_STATIC = 1, PAGE_LAZY = 2, PAGE_SOA = 4, PAGE_AOS = 8, PAGE_CPU = 16, PAGE_GPU = 32, PAGE_UNIFIED = 64 };

struct p_page {
	uint32_t id;          /* order of declaration, instances of graphs at their `use` */
	const char *name;     /* `pnl`, or `pr.rank` for a page of an instance */
	p_type type;
	uint8_t role;         /* p_role */
	bool sparse;          /* exactly two dimensions then */
	bool is_state;        /* read with prev somewhere, or a numeric fixpoint */
	uint32_t attrs;       /* PAGE_* */
	uint32_t tile[2];     /* @tile(r, c), or 0, 0 */
	uint32_t ndim;
	const p_size *dims[MAX_DIMS];
	const p_page *like;   /* whose pattern a sparse page shares: resolved to the root page of the family, or NULL */
	const p_expr *init;   /* constant expression, or NULL */
	const p_page *init_page; /* a source page of that shape, or NULL */
	const p_edge *edge;   /* that defines it; NULL for a source */
	const char *doc;      /* the `///` text, or NULL */
	lang_span span;            /* of the name in the declaration */
};

/* An index variable: counts lo .. hi-1. */
struct p_var {
	uint32_t id;      /* unique in the program */
	const char *name;
	const p_size *lo; /* the constant 0 unless `k in a..b` says otherwise */
	const p_size *hi;
	lang_span span;
};

/* ---- expressions ----------------------------------------------------------------------- */

typedef enum p_kind {
	P_CONST,  /* value, of the node's scalar type (canonical NaN) */
	P_PARAM,  /* a value param */
	P_SIZE,   /* a size as i64 */
	P_VAR,    /* an index variable as i64 */
	P_OP,     /* op over args, all of the type that op's rule asks; never OP_LAND/OP_LOR with other than two */
	P_CONV,   /* args[0] converted to the node's scalar type; index(D) to i64 or u32 included */
	P_INDEX,  /* index(D)(args[0]): args[0] is i64 (or u64); fails the epoch when out of range */
	P_IF,     /* args: condition (bool), then, else; arms of one type, may be records */
	P_READ,   /* see p_read */
	P_REDUCE, /* see p_reduce */
	P_GUARD   /* args[0] unchanged, when it meets `guard`; else the epoch fails */
} p_kind;

/* How an index of a read is bound to its dimension. */
typedef enum p_view { VIEW_NONE, VIEW_CLAMP, VIEW_WRAP, VIEW_MIRROR, VIEW_ZERO, VIEW_PAD } p_view;

/* How a read accesses its page, seen from the variables in scope; filled in by classify.c. */
typedef enum p_access {
	ACCESS_SAME,      /* the edge's own variables in order, over the edge page's own shape */
	ACCESS_SHIFT,     /* as SAME, with constants added (and a view) somewhere */
	ACCESS_PERMUTED,  /* distinct variables of the scope, each once, plain: rows, columns, transposes, broadcasts with a subset */
	ACCESS_BROADCAST, /* no variables at all: a scalar page, literals, params */
	ACCESS_INDIRECT,  /* some index is read from a page or computed */
	ACCESS_AFFINE,    /* some index is a combination of variables (windows: i - k) */
	ACCESS_ENTRY      /* the current entry of the sparse page that drives (or defines) */
} p_access;

typedef struct p_read {
	p_page *page;
	bool prev;             /* value at the end of the epoch before */
	bool self;             /* a read of a fixpoint's own page inside its fix */
	int32_t field;         /* of a record page; -1: whole element (records only at the root of an edge) */
	uint8_t view;          /* p_view, one for all its indices */
	uint8_t access;        /* p_access */
	const p_expr *pad;     /* VIEW_PAD: the value outside, of the element's type */
	/* page->ndim indices in args[]: each is i64 (P_VAR, arithmetic), or of type index(D) (proved in
	 * range). Without a view every index is proved in range. */
} p_read;

/* The reductions: a reduce node combines with `op`; the others are made of it. */
typedef enum p_reducer { RED_OP, RED_MEAN, RED_ARGMIN, RED_ARGMAX } p_reducer;

typedef enum p_rclass {
	RC_WHOLE,  /* all positions of the range */
	RC_WHERE,  /* some, by a condition of no special form */
	RC_GROUP,  /* where key[i] == b: key a one-dimensional index(D) page, b free of i */
	RC_PREFIX, /* where j <= i or j < i, with the body free of i; both over ranges that begin at 0 */
	RC_WINDOW, /* k in 0..W, with x[i - k] or x[i + k] in the body */
	RC_SPARSE  /* a sparse page drives */
} p_rclass;

typedef struct p_reduce {
	uint8_t reducer;        /* p_reducer */
	uint8_t rclass;         /* p_rclass, from classify.c */
	uint8_t op;             /* op_id for RED_OP (sum: OP_ADD, count: OP_ADD over i64 of the bool, all: OP_LAND, ...); RED_MEAN: OP_ADD */
	uint64_t identity;      /* bits of the value of an empty reduction, of the body's type */
	uint32_t n_vars;        /* outermost first; args[0] is the body, args[1] the whole where condition or absent */
	p_var **vars;
	const p_expr *driver;   /* the P_READ of the sparse page that decides who is present, or NULL */
	/* from classify.c, for RC_GROUP and RC_PREFIX: */
	const p_expr *key;      /* RC_GROUP: the read key[i] */
	const p_expr *at;       /* RC_GROUP: b; RC_PREFIX: the P_VAR i */
	bool strict;            /* RC_PREFIX: j < i */
	const p_expr *rest;     /* the other conjuncts of the condition, or NULL */
	const char *name;       /* as written: "sum", "min_plus", for messages */
} p_reduce;

typedef struct p_guard {
	uint8_t kind;         /* guard_id, guard.def */
	const p_page *page;   /* whose element is at fault when args[0] is a plain read of it (position: that read's indices); else the edge's page and element */
} p_guard;

struct p_expr {
	uint8_t kind;    /* p_kind */
	uint8_t op;      /* op_id, P_OP */
	uint8_t n_args;
	uint16_t depth;  /* of the tree below, 1 for a leaf, and its nodes counted as a tree: the checker bounds both, */
	p_type type;
	lang_span span;
	uint32_t weight; /* so that later rooms may recurse and may copy. Nodes made after it may leave them 0. */
	p_expr **args;
	union {
		scalar value;            /* P_CONST */
		const p_param *param;    /* P_PARAM */
		const p_size *size;      /* P_SIZE */
		p_var *var;              /* P_VAR */
		p_read read;             /* P_READ */
		p_reduce *reduce;        /* P_REDUCE */
		p_guard guard;           /* P_GUARD */
	} u;
};

/* ---- edges ----------------------------------------------------------------------------- */

typedef enum p_fix { FIX_NONE, FIX_EXACT, FIX_BOUNDED, FIX_NUMERIC } p_fix;

struct p_edge {
	uint32_t id;
	p_page *page;
	uint32_t n_vars;    /* == page->ndim; of a sparse `like` page: row and column of the entry */
	p_var *vars[MAX_DIMS];
	p_expr *body;       /* of the page's element type; without the init of a fixpoint */
	uint8_t fix;        /* p_fix */
	uint8_t fix_op;     /* FIX_EXACT: OP_MIN, OP_MAX, OP_LOR, OP_LAND: value = op(init, body) */
	scalar fix_start;   /* FIX_EXACT, FIX_BOUNDED: the identity of fix_op (or of the type) where the page has no init */
	const p_expr *max_rounds; /* i64 constant expression; FIX_BOUNDED, FIX_NUMERIC (1000 where the text says nothing) */
	const p_expr *tol;        /* f64 constant expression; FIX_NUMERIC */
	lang_span span;
};

typedef struct p_program {
	lang_ctx *ctx; /* arena, sources, diagnostics */
	uint32_t n_sizes, n_params, n_records, n_pages, n_edges;
	const p_size **sizes;     /* a size refers only to params */
	p_param **params;
	p_record **records;
	p_page **pages;           /* in order of declaration */
	p_edge **edges;           /* in an order in which every edge follows the edges it reads (prev and self reads apart) */
} p_program;

/* Checks a loaded program (module.h). NULL when there was an error, all of which are in ctx (up to its limit). */
struct lang_program;
p_program *lang_check(lang_ctx *ctx, const struct lang_program *loaded);

/* As the language writes them, in the arena: "2 * N + 1", "index(N)". NULL when out of memory. */
const char *p_size_text(lang_ctx *ctx, const p_size *size);
const char *p_type_text(lang_ctx *ctx, const p_type *type);

/* Parts of lang_check, in its order, after an edge has been typed: classify.c fills in p_read.access, p_reduce.rclass and
 * what goes with it; fix.c finds out whether an exact fixpoint is one (setting fix, fix_op, fix_start, guards and
 * saturating additions in the body) and reports if not. */
void lang_classify_edge(lang_ctx *ctx, p_edge *edge);
bool lang_fix_edge(lang_ctx *ctx, p_program *program, p_edge *edge);

#endif
