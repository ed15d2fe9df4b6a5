/* What the parts of the checker share. Nobody else includes this.
 *
 * The checker turns names into symbols (names.c), declarations into pages, params and instances of graphs (declare.c,
 * page.c, instance.c) and expressions into typed nodes (expr.c and its neighbours), all beside the syntax tree.
 *
 * An error is reported once: what cannot be typed becomes the poison node, and everything that meets it is silent. */
#ifndef MMSB_LANG_CHECK_H
#define MMSB_LANG_CHECK_H

#include "ast.h"
#include "module.h"
#include "program.h"

/* While it is checked, a node's scalar type may be one of these too: a literal that has no type yet (of integers or
 * with a point), and poison. None is left in a checked program. */
enum { LIT_INT = T_COUNT, LIT_FLOAT, POISON };

/* What a small text may grow into when functions, lets and graphs are put in. */
enum {
	CHECK_MAX_DEPTH = 3000,        /* of a tree */
	CHECK_MAX_WEIGHT = 1000000,    /* nodes of one edge, as a tree */
	CHECK_MAX_STEPS = 2000000,     /* expressions looked at in the whole program */
	CHECK_MAX_TOTAL = 8000000,     /* nodes of all edges, as trees */
	CHECK_MAX_CHAIN = 400,         /* declarations that need one another, against the order of the text */
	CHECK_MAX_CALLS = 256,         /* functions and lets within each other */
	CHECK_MAX_INSTANCES = 10000,
	CHECK_MAX_GRAPH_DEPTH = 64,
	CHECK_MAX_TERMS = 64,          /* of a size */
	CHECK_MAX_DEGREE = 16
};

typedef struct checker checker;
typedef struct scope scope;
typedef struct sym sym;

/* ---- names ---- */

typedef enum sym_kind {
	SYM_SIZE,      /* u.size */
	SYM_PARAM,     /* u.param */
	SYM_VALUE,     /* u.value: an argument of a graph's instance */
	SYM_RECORD,    /* u.record */
	SYM_SEMIRING,  /* u.ring */
	SYM_FN,
	SYM_PAGE,      /* u.page */
	SYM_LET,
	SYM_GRAPH,
	SYM_INSTANCE,  /* u.space: what `use` makes */
	SYM_MODULE     /* u.space: import … as */
} sym_kind;

typedef enum sym_state { SYM_NEW, SYM_BUSY, SYM_DONE, SYM_BAD } sym_state;

typedef struct ring ring;

struct sym {
	const char *name;
	uint8_t kind;            /* sym_kind */
	uint8_t state;           /* sym_state: declarations are looked at when they are first needed */
	bool used;               /* a let, fn, graph or semiring that something refers to */
	bool result;             /* a page that a graph gives to its users */
	lang_span span;
	const ast_decl *decl;    /* NULL: an argument or result of a graph */
	scope *home;             /* where its text is resolved, and whose own it is */
	union {
		const p_size *size;
		p_param *param;
		p_expr *value;
		p_record *record;
		ring *ring;
		p_page *page;
		scope *space;
	} u;
};

/* The places that led to a text which is looked at more than once; notes of errors. Innermost first. */
typedef enum trace_kind { TRACE_CALL, TRACE_LET, TRACE_USE } trace_kind;

typedef struct trace {
	const struct trace *next;
	lang_span span;
	const char *name;        /* of the function, let or graph */
	trace_kind kind;
} trace;

struct scope {
	scope *outer;            /* of an instance: where its graph stands */
	sym **table;             /* hashed; own names and those of unqualified imports */
	uint32_t count, cap;
	sym **own;               /* in the order of declaration */
	uint32_t own_count, own_cap;
	const char *prefix;      /* of names in the program: "", "r.", "pr." */
	const trace *trace;      /* the uses that led here */
	const ast_decl *graph;   /* of an instance */
	const ast_decls *decls;
	uint32_t depth;          /* instances within each other */
};

struct ring {
	const char *name;
	uint8_t add, mul;        /* op_id */
	p_expr *zero, *one;      /* literals, typed where the ring is used */
	bool typed;
	p_type type;
};

/* ---- declarations, with what is only needed here ---- */

typedef struct edge_info edge_info;

typedef struct page_info {
	p_page page;             /* first: a p_page of the checker is always within one */
	sym *sym;
	const ast_page *ast;     /* NULL: a result of a graph that its body does not declare */
	edge_info *edge;
	lang_span prev_span, fix_span; /* where it is read with prev, or by a fixpoint; file LANG_NO_FILE: nowhere */
	const p_edge *seen;      /* the last edge that noted it as read */
	p_page *like_next;       /* what it says it is like */
	uint8_t like_state;      /* sym_state */
} page_info;

static inline page_info *info_of(const p_page *page)
{
	return (page_info *)(uintptr_t)page;
}

typedef struct edge_dep {
	p_page *page;
	lang_span span;
} edge_dep;

struct edge_info {
	p_edge edge;             /* first */
	const ast_decl *decl;
	scope *scope;
	edge_dep *deps;
	uint32_t dep_count, dep_cap;
	bool sound;              /* no error in it */
	uint8_t state;           /* sym_state, for the order */
	uint32_t next_dep;       /* the same */
	bool told;               /* its cycle has been reported */
};

typedef struct var_info {
	p_var var;               /* first; hi NULL: no read has given it a range yet */
	lang_span bound;         /* what gave it its range */
} var_info;

/* ---- where an expression stands ---- */

/* A name that shadows those of the scope: an index, a parameter, a let of a block. Innermost first. */
typedef struct local {
	const struct local *next;
	const char *name;
	p_expr *value;           /* put in for the name */
	lang_span span;          /* of what was put in, for the index of a let; else of the binding */
	const char *let;         /* the let whose index it is, or NULL */
} local;

/* A reduction that is being checked. Innermost first. */
typedef struct frame {
	struct frame *up;
	p_var **vars;
	uint32_t count;
	p_reduce *reduce;
	lang_span head;
} frame;

typedef enum site_mode {
	SITE_EDGE,
	SITE_FN                  /* reads no pages */
} site_mode;

typedef struct site {
	checker *ck;
	scope *scope;
	const local *locals;
	frame *frames;
	const trace *trace;
	edge_info *edge;         /* NULL outside edges, and for texts that are only tried */
	const ring *ring;        /* of the innermost semiring body around, in the same text */
	ast_expr *text;          /* the whole expression around */
	const char *binder;      /* "edge", "let": whose names the indices are */
	const ast_names *bound;  /* those names */
	const char *what;        /* what must be constant, "an init"; NULL: nothing must */
	site_mode mode;
	bool in_index;           /* within the brackets of a read */
	bool in_fix;
	uint32_t calls;
} site;

struct checker {
	lang_ctx *ctx;
	p_program *program;
	scope **modules;
	uint32_t module_count;
	uint32_t errors;         /* reported or dropped */
	p_expr poison;
	uint32_t depth;          /* of the recursion over expressions */
	uint32_t steps;
	uint32_t resolving;      /* declarations within each other */
	uint64_t total;          /* weight of all edges so far */
	uint32_t next_var;
	uint32_t instances;
	bool told_size;          /* the program's growth was reported */
	bool told_growth;        /* that of the edge being checked */
	bool names_only;         /* a graph that nothing uses: what its sizes are is not known, */
	bool naming;             /* so only names that nothing declares are reported */
	uint8_t binary_op[AST_BINARY_COUNT]; /* op_id */
	const p_size **size_table;
	uint32_t size_cap;
	sym **active;            /* fns, lets, graphs that are being put in, outermost first */
	uint32_t active_count, active_cap;
	uint32_t param_cap, page_cap, edge_cap, record_cap, sizes_cap;
};

/* ---- check.c: messages and small things ---- */

/* Reports with the notes of the trace; NULL as lang_error. */
lang_diag *check_error(checker *ck, const trace *trace, lang_span span, const char *fmt, ...) LANG_PRINTF(4, 5);
#define site_error(site, span, ...) check_error((site)->ck, (site)->trace, (span), __VA_ARGS__)

/* The chain "a -> b -> a" when what is already being put in: the message of a recursion. */
const char *check_chain(checker *ck, const sym *what);
bool check_enter(checker *ck, sym *what);
void check_leave(checker *ck);
bool check_active(const checker *ck, const sym *what);
/* No more messages are kept: work on one is wasted. */
bool check_full(const checker *ck);
/* Counts work that is not in proportion to the text; false: too much, which is reported once. */
bool check_spend(site *s, uint32_t steps, lang_span span);
/* The text of a span, shortened when it is long. */
const char *check_source(checker *ck, lang_span span);

/* ---- names.c ---- */

scope *scope_new(checker *ck, scope *outer, const char *prefix);
/* Adds to the scope's own names; a clash is reported and NULL returned. */
sym *scope_add(checker *ck, scope *sc, sym_kind kind, ast_name name, const ast_decl *decl);
void scope_import(checker *ck, scope *sc, const scope *from, lang_span span);
sym *scope_get(const scope *sc, const char *name);        /* in this scope alone */
/* From an instance also what its graph may see; *hidden: what stands outside but is not to be seen. */
sym *scope_find(const scope *sc, const char *name, const sym **hidden);
void scope_offer(const scope *sc, lang_nearest *nearest, unsigned kinds);
/* A symbol by its path; *used: the parts that lead to it, the rest are fields. NULL: reported. `kinds`: bits over
 * sym_kind of what could stand here, for the nearest name; `noun`: how to call it. */
sym *find_path(site *s, const ast_path *path, uint32_t *used, unsigned kinds, const char *noun);
const local *find_local(const site *s, const char *name);
const char *sym_noun(sym_kind kind);
/* Reports a name that nothing declares; an index where it may be one. */
void unknown_name(site *s, ast_name name, unsigned kinds, const char *noun);

/* ---- declare.c ---- */

void declare_all(checker *ck, scope *sc, const ast_decls *decls);
void resolve(checker *ck, sym *what);
bool record_type(site *s, const ast_type *ast, p_type *out);  /* the element type; false: reported */
bool shape_of(site *s, const ast_type *ast, const p_size **dims, uint32_t *ndim);

/* ---- page.c ---- */

void resolve_page(checker *ck, sym *what);
page_info *page_new(checker *ck, sym *what, const char *doc);
void check_attrs(checker *ck, page_info *info);
void check_lazy(checker *ck, page_info *info);

/* ---- instance.c ---- */

void resolve_instance(checker *ck, sym *what);
void try_graph(checker *ck, sym *graph);

/* ---- edge.c ---- */

void attach_edges(checker *ck, scope *sc);
void check_edges(checker *ck);
void check_edge(checker *ck, edge_info *info);
void try_unused(checker *ck, scope *sc);

/* ---- order.c ---- */

void order_edges(checker *ck);

/* ---- size.c ---- */

bool size_init(checker *ck);
const p_size *size_const(checker *ck, int64_t value);
const p_size *size_param(checker *ck, const p_param *param);
const p_size *size_of(site *s, ast_expr *expr);               /* NULL: reported */
bool size_is_const(const p_size *size, int64_t *value);

/* ---- type.c ---- */

static inline bool is_poison(const p_expr *e)
{
	return e->type.scalar == POISON;
}
static inline bool is_literal(const p_expr *e)
{
	return e->type.base == B_SCALAR && (e->type.scalar == LIT_INT || e->type.scalar == LIT_FLOAT);
}
static inline p_type scalar_type(int id)
{
	return (p_type){.base = B_SCALAR, .scalar = (uint8_t)id};
}
static inline p_type index_type(const p_size *dim)
{
	return (p_type){.base = B_INDEX, .scalar = T_U32, .dim = dim};
}
static inline p_type record_type_of(const p_record *record)
{
	return (p_type){.base = B_RECORD, .record = record};
}
bool same_type(const p_type *a, const p_type *b);
bool widens(int from, int to);
const char *type_text(checker *ck, const p_type *type);

p_expr *new_node(site *s, p_kind kind, p_type type, lang_span span, uint32_t n_args, p_expr **args);
p_expr *copy_node(site *s, const p_expr *e);
void grew(site *s, lang_span span, bool deep);                /* reports, once an edge, what grew too deep or too large */
bool weigh_also(site *s, p_expr *node, const p_expr *part);   /* a part that is not among its arguments; false: reported */
p_expr *int_const(site *s, int64_t value, lang_span span);    /* i64 */
p_expr *convert(site *s, p_expr *e, p_type to);               /* an explicit or implied P_CONV; no check */
p_expr *settle(site *s, p_expr *e, int type);                 /* gives a literal its type */
p_expr *settle_default(site *s, p_expr *e);
p_expr *as_number(site *s, p_expr *e);                        /* index(D) as i64 */
/* e as a value of type `to`, widened; `what` says where it goes. Poison: reported. */
p_expr *assign(site *s, p_expr *e, p_type to, const char *what);
/* An operator over operands of any type that its rule takes. `as`: how the user wrote it. */
p_expr *make_op(site *s, op_id op, lang_span span, uint32_t n, p_expr **args, const char *as);
p_expr *make_if(site *s, lang_span span, p_expr **args);
p_expr *make_index(site *s, const p_size *dim, p_expr *e, lang_span span);
p_expr *negate(site *s, p_expr *e, lang_span span);
p_expr *field_of(site *s, p_expr *e, ast_name field);

/* ---- literal.c ---- */

p_expr *literal_node(site *s, const ast_expr *e);
bool literal_value(checker *ck, const p_expr *literal, int type, scalar *out); /* false: it does not fit */
p_expr *ring_constant(site *s, const p_expr *literal, int type);

/* ---- expr.c ---- */

p_expr *check_expr(site *s, ast_expr *e);                     /* may be a literal without type, or a record */
p_expr *check_value(site *s, ast_expr *e);                    /* a scalar with a type */
p_expr *check_as(site *s, ast_expr *e, p_type type, const char *what);
bool may_read_pages(site *s, lang_span span, const char *page); /* false: reported */
int scalar_id(const char *name);                              /* T_COUNT: no such type */
site site_of(checker *ck, scope *sc);                         /* for texts in that scope */
site constant_site(checker *ck, scope *sc, const char *what);

/* ---- call.c ---- */

p_expr *check_call(site *s, ast_expr *e);
/* Within one more function or let: false where that recurses or goes too deep, which is reported. leave_text ends it. */
bool enter_text(site *s, sym *what, lang_span span);
void leave_text(site *s);
p_expr *use_let(site *s, sym *let, lang_span span, const ast_exprs *index);
void try_fn(checker *ck, sym *fn);
void try_let(checker *ck, sym *let);

/* ---- read.c ---- */

p_expr *check_read(site *s, ast_expr *e);
p_expr *read_page(site *s, p_page *page, lang_span span, const ast_read *read);
var_info *var_new(checker *ck, ast_name name, const p_size *lo, const p_size *hi);
p_expr *var_node(site *s, p_var *var, lang_span span);

/* ---- sparse.c ---- */

p_expr *check_sparse_read(site *s, p_expr *read);
bool same_expr(const p_expr *a, const p_expr *b);

/* ---- reduce.c ---- */

p_expr *check_reduce(site *s, ast_expr *e);
void resolve_ring(checker *ck, sym *what);

#endif
