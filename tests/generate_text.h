/* generate_text.h - what the parts of the program generator share: generate.c writes declarations, generate_edge.c edges, generate_expr.c
 * expressions, generate_reduce.c reductions, generate_fix.c fixpoints; generate_theme.c writes programs of another kind. */
#ifndef MMSB_TESTS_GENERATE_TEXT_H
#define MMSB_TESTS_GENERATE_TEXT_H

#include "generate.h"

enum { GEN_DIMS = 12, GEN_PAGES = 40, GEN_VARS = 12, GEN_PARAMS = 6, GEN_FNS = 6, GEN_LETS = 4, GEN_FIELDS = 4, GEN_NDIM = 3 };

/* A size: its text in the program and its value. */
typedef struct gen_dim {
	const char *text;
	int64_t value;
	bool literal;
	uint32_t space;            /* where the text means something: 0, or a graph's body */
} gen_dim;

typedef struct gen_record {
	char name[16];
	uint32_t n;
	char fields[GEN_FIELDS][16];
	type_id types[GEN_FIELDS];
	int dims[GEN_FIELDS];      /* index(D), or -1 */
} gen_record;

typedef enum gen_base { GEN_SCALAR, GEN_INDEX, GEN_RECORD } gen_base;

typedef struct gen_page {
	const char *name;
	gen_base base;
	type_id type;              /* GEN_SCALAR */
	int dim;                   /* GEN_INDEX */
	uint32_t ndim;
	int dims[GEN_NDIM];
	bool sparse, source, state, fix, lazy;
	int like;                  /* the page whose pattern it shares, or -1 */
	uint32_t space;            /* 0: the program; else a graph's body */
	uint32_t order;            /* an edge reads pages that come before its own */
} gen_page;

typedef struct gen_typed {
	char name[16];
	type_id type;
} gen_typed;

typedef struct gen_fn {
	char name[16];
	uint32_t n;
	type_id types[3];
	type_id result;
	bool untyped;              /* any number type in, the same out */
} gen_fn;

typedef struct gen_let {
	char name[16];
	uint32_t n, order;
	int dims[2];
	type_id type;
} gen_let;

/* An index variable: over a whole dimension, or over a range of its own (dim -1). */
typedef struct gen_var {
	char name[16];
	int dim;
	int64_t lo, hi;
} gen_var;

/* An entry of a sparse page at hand: reads of its family at these indices. */
typedef struct gen_entry {
	int family;
	const char *row, *col;
} gen_entry;

typedef struct scope {
	gen_var vars[GEN_VARS];
	uint32_t n_vars;
	gen_entry entries[4];
	uint32_t n_entries;
	gen_typed locals[4];       /* parameters of a fn */
	uint32_t n_locals;
	bool pages;                /* may be read */
	uint32_t order, space;
	int self;                  /* the page whose fixpoint this is, readable; or -1 */
	int nest;                  /* how deep reductions may nest */
	double evals, most_evals;  /* evaluations of the expression at hand; what they may come to */
	const char *ring;          /* the semiring around, or NULL */
	type_id ring_type;
} scope;

typedef struct gen {
	rng r;
	char *out;
	size_t size, room;
	char **strings;            /* everything that was formatted */
	size_t n_strings, room_strings;
	gen_dim dims[GEN_DIMS];
	uint32_t n_dims, n_params, n_fns, n_lets, n_records, n_pages, n_rings;
	gen_typed params[GEN_PARAMS];
	gen_fn fns[GEN_FNS];
	gen_let lets[GEN_LETS];
	gen_record records[2];
	gen_page pages[GEN_PAGES];
	uint32_t next_var;
	bool no_lazy;              /* the page at hand may not read @lazy ones */
	uint32_t fixes;            /* percent of pages that are fixpoints for sure */
} gen;

/* Formatted text that lives as long as the generator. */
const char *text(gen *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void emit(gen *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static inline bool is_float(type_id t)
{
	return type_table[t].kind == KIND_F;
}
static inline bool is_int(type_id t)
{
	return type_table[t].kind == KIND_S || type_table[t].kind == KIND_U;
}
static inline bool chance(gen *g, uint32_t percent)
{
	return rng_chance(&g->r, percent);
}
static inline uint32_t below(gen *g, uint32_t n)
{
	return rng_below(&g->r, n);
}

type_id any_type(gen *g);
bool gen_widens(type_id from, type_id to);

/* An expression of type t. lit: a literal without a type may stand here, because the place gives it t. */
const char *gen_expr(gen *g, const scope *s, type_id t, bool lit, int depth);
const char *gen_literal(gen *g, type_id t);
/* A value that stands alone: a read, a param, a variable or a literal with its type. */
const char *gen_leaf(gen *g, const scope *s, type_id t, bool lit);
/* A read of the page, with a view where an index needs one. NULL: it cannot be read here. */
const char *gen_read(gen *g, const scope *s, const gen_page *p, bool prev);
/* The same with plain indices alone: index number `at` (or -1) is `name`. NULL: no such read. */
const char *gen_plain_read(gen *g, const scope *s, const gen_page *p, int at, const char *name);
/* A page that fits: of type t (GEN_SCALAR), readable; NULL: none was found. */
const gen_page *gen_find(gen *g, const scope *s, type_id t, bool prev);
bool gen_readable(const gen *g, const scope *s, const gen_page *p);

/* A dimension that can be named in the space; -1: none, which only graphs can lack. */
int gen_dim_of(gen *g, uint32_t space);
/* A read of the page that cannot fail, or a literal with its type. */
const char *gen_safe(gen *g, const scope *s, type_id t);

/* A reduction of type t, or NULL. */
const char *gen_reduce(gen *g, const scope *s, type_id t, int depth);

/* A variable over the dimension, new in the scope. */
const gen_var *gen_bind(gen *g, scope *s, int dim, int64_t lo, int64_t hi);

/* The right side of a fixpoint of the page, after `<- `, and the attributes of its declaration. */
const char *gen_fix(gen *g, const scope *s, gen_page *p, const char **attrs);

/* generate.c: pages. shape: dimensions that are not too many elements. */
int64_t gen_elements(const gen *g, const gen_page *p);
void gen_shape(gen *g, gen_page *p, uint32_t ndim, int64_t most);
gen_page *gen_new_page(gen *g, const char *name, uint32_t order);
const char *gen_page_text(gen *g, const gen_page *p);

/* generate_edge.c: what an edge of the page may use, its left side, and a whole derived page. */
scope gen_edge_scope(gen *g, const gen_page *p);
const char *gen_target(gen *g, const gen_page *p, const scope *s);
void gen_derived(gen *g, uint32_t order);

/* generate_theme.c: a program of the constructs that have delta rules of their own. large: over thousands of elements. */
generated generate_theme(gen *g, bool large);

#endif
