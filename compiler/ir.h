/* ir.h - the graph in index notation: what stands between the checked program and the schedule.
 *
 * A graph has sizes, params, records, pages, edges and index variables, all in tables and named by their position
 * ("id"; NONE: no such). An edge is a page, its index variables and one node for each value that it defines (one, or one
 * for each field of a record). Nodes of all edges stand in one array. They are interned (equal nodes are one node: common
 * subexpressions are found by building), never change once built, and follow their arguments, so that a loop
 * over ids meets arguments first.
 *
 * Everything is explicit here: conversions are nodes; a reduction has one variable (several nest); what can fail has a mask, the
 * condition under which its failure counts; a choice is OP_SELECT of two evaluated arms.
 *
 * Memory is the arena of a lang_ctx. Running out of it sets ctx->oom; functions then return node 0, a
 * constant that every graph has, so that building code needs no checks of its own: whoever drives looks at
 * lang_failed before using what was built. */
#ifndef MMSB_COMPILER_IR_H
#define MMSB_COMPILER_IR_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../lang/ops.h"
#include "../lang/program.h"
#include "../lang/source.h"
#include "../runtime/guard.h"
#include "../runtime/schedule.h"
#include "../runtime/types.h"

typedef uint32_t ir_id;

/* ---- nodes ------------------------------------------------------------------------------------- */

#define IR_KINDS(X)                                                                   \
	X(CONST, "const")       /* u.value, of `type` */                              \
	X(PARAM, "param")       /* u.id */                                            \
	X(SIZE, "size")         /* u.id, as i64 */                                    \
	X(VAR, "var")           /* u.id, as i64 */                                    \
	X(OP, "op")             /* op over args; `type` is that of the result */      \
	X(CONV, "conv")         /* args[0] converted to `type` */                     \
	X(TO_INDEX, "to_index") /* args[0] (i64, u64) to u32, below size u.id */      \
	X(READ, "read")         /* u.read; args: the indices, then pad if has_pad */  \
	X(REDUCE, "reduce")     /* u.reduce; args: IR_BODY, IR_WHERE, IR_AT */        \
	X(COUNT, "count")       /* how many were present in reduction args[0] (i64) */\
	X(GUARD, "guard")       /* args[0], which must satisfy guard u.id */

typedef enum ir_kind {
#define X(id, name) IR_##id,
	IR_KINDS(X)
#undef X
	IR_KIND_COUNT
} ir_kind;

typedef struct ir_read {
	uint32_t page;
	uint32_t field;   /* of a record page, as a position among its fields; else NONE */
	uint8_t prev;
	uint8_t view;     /* read_view */
	uint8_t entry;    /* sparse: the entry that drives; else an element is looked up, pad where there is none */
	uint8_t has_pad;
} ir_read;

enum { IR_BODY, IR_WHERE, IR_AT, IR_REDUCE_ARGS }; /* WHERE and AT may be NONE */

typedef struct ir_reduce {
	uint64_t identity;
	uint32_t var;
	uint32_t page;    /* ROW, COL, GROUP; else NONE */
	uint32_t at_var;  /* PREFIX; else NONE */
	uint8_t region;   /* region_kind: RANGE, ROW, COL, GROUP, PREFIX */
	uint8_t reducer;  /* region_reducer */
	uint8_t op;
	uint8_t strict;   /* PREFIX: var < at */
	uint8_t prev;     /* ROW, COL, GROUP: the page of the epoch before */
	uint8_t nest;     /* the body is an inner dense reduction: nobody is present when its range is empty */
} ir_reduce;

typedef struct ir_node {
	uint8_t kind;     /* ir_kind */
	uint8_t op;       /* op_id */
	uint8_t type;     /* type_id of the value */
	uint8_t n_args;
	ir_id mask;       /* of what can fail: a bool node; NONE: always counts */
	const ir_id *args;
	uint32_t free;    /* the variables that the value depends on: a set of the graph */
	uint32_t line, column; /* in the edge's file, of what can fail; else 0. No part of what makes nodes equal */
	union {
		scalar value;
		uint32_t id;
		ir_read read;
		ir_reduce reduce;
	} u;
} ir_node;

/* ---- tables ------------------------------------------------------------------------------------ */

typedef struct ir_param {
	const char *name;
	uint8_t type;
	bool is_size;
	ir_id init;       /* constant node, or NONE */
	uint32_t line;
} ir_param;

typedef struct ir_field {
	const char *name;
	uint8_t type;
	uint32_t index_size; /* or NONE */
	uint32_t offset;
} ir_field;

typedef struct ir_record {
	const char *name;
	uint32_t bytes;
	uint32_t n_fields;
	ir_field *fields;
} ir_record;

typedef struct ir_var {
	const char *name;
	uint32_t lo, hi;  /* sizes */
} ir_var;

typedef enum ir_fate { FATE_STORED, FATE_FUSED, FATE_UNUSED } ir_fate;

typedef struct ir_page {
	const char *name;
	uint8_t type;     /* type_id; T_COUNT for a record; T_U32 for index(D) */
	uint8_t role;     /* sch_role */
	bool sparse, state;
	uint8_t fate;     /* ir_fate; a source is stored */
	uint32_t attrs;   /* PAGE_* of program.h */
	uint32_t tile[2];
	uint32_t index_size, record;
	uint32_t ndim;
	uint32_t dims[MAX_DIMS];
	uint32_t like;    /* the page that owns the pattern, or NONE */
	ir_id init;       /* constant node, or NONE */
	uint32_t init_page;
	uint32_t edge;    /* that defines it, or NONE */
	uint32_t user;    /* FATE_FUSED: the first page that it was fused into */
	uint32_t file, line, column;
	const char *doc;  /* or NULL */
	const char *why;  /* why it is stored, fused or left out: for people */
} ir_page;

typedef struct ir_edge {
	uint32_t page;
	uint32_t n_vars;
	uint32_t vars[MAX_DIMS];
	uint32_t n_outputs;
	ir_id *outputs;
	uint8_t fix;      /* p_fix */
	uint8_t fix_op;
	ir_id start;      /* constant node, or NONE */
	uint32_t start_page;
	ir_id max_rounds, tol; /* constant nodes, or NONE */
	uint32_t file, line, column;
	bool dead;        /* fused away or not used */
} ir_edge;

typedef struct ir_set {
	uint32_t count;
	const uint32_t *vars; /* ascending */
} ir_set;

/* A list of node ids, reusable. */
typedef struct ir_list {
	ir_id *items;
	uint32_t count, cap;
} ir_list;

/* What a walk needs: a mark for each node. Start with {0}. */
typedef struct ir_walk {
	uint32_t *marks;
	uint32_t n_marks, stamp;
	ir_list stack;
} ir_walk;

/* A growable table of the arena. */
#define IR_TABLE(type, name) type *name; uint32_t n_##name, cap_##name

typedef struct ir_graph {
	lang_ctx *ctx;
	IR_TABLE(ir_node, nodes);
	IR_TABLE(sch_size, sizes);
	IR_TABLE(ir_param, params);
	IR_TABLE(ir_record, records);
	IR_TABLE(ir_page, pages);
	IR_TABLE(ir_var, vars);
	IR_TABLE(ir_edge, edges);   /* by id, which nothing reorders */
	IR_TABLE(uint32_t, order);  /* edges in the order of evaluation */
	IR_TABLE(ir_set, sets);     /* set 0 is empty */
	IR_TABLE(const char *, files);
	uint32_t *buckets;          /* of interned nodes: id + 1, or 0 */
	uint32_t n_buckets;
	uint32_t *set_buckets;
	uint32_t n_set_buckets;
	ir_walk walk;               /* for walks that end before another begins */
} ir_graph;

/* ---- building ---------------------------------------------------------------------------------- */

ir_graph *ir_new(lang_ctx *ctx); /* NULL: out of memory */

static inline const ir_node *ir_at(const ir_graph *g, ir_id id) { return &g->nodes[id]; }

/* The node equal to this one, new if there is none. args are copied. */
ir_id ir_intern(ir_graph *g, ir_node node);

ir_id ir_const(ir_graph *g, uint8_t type, scalar value);
ir_id ir_const_i64(ir_graph *g, int64_t value);
ir_id ir_const_bool(ir_graph *g, bool value);
ir_id ir_zero(ir_graph *g, uint8_t type);
ir_id ir_leaf(ir_graph *g, ir_kind kind, uint8_t type, uint32_t id); /* PARAM, SIZE, VAR */
ir_id ir_op1(ir_graph *g, op_id op, uint8_t type, ir_id a);
ir_id ir_op2(ir_graph *g, op_id op, uint8_t type, ir_id a, ir_id b);
ir_id ir_conv(ir_graph *g, uint8_t type, ir_id a); /* a itself when it has the type */
ir_id ir_and(ir_graph *g, ir_id a, ir_id b);       /* either may be NONE: true */
ir_id ir_not(ir_graph *g, ir_id a);

uint32_t ir_size_const(ir_graph *g, int64_t value);
uint32_t ir_size(ir_graph *g, size_kind kind, uint32_t a, uint32_t b, int64_t value); /* interned */
uint32_t ir_new_var(ir_graph *g, const char *name, uint32_t lo, uint32_t hi);
uint32_t ir_new_page(ir_graph *g, const ir_page *page);
uint32_t ir_new_edge(ir_graph *g, const ir_edge *edge); /* not in order yet */

#define IR_PUSH(g, name, item)                                                                                 \
	(lang_grow((g)->ctx, (void **)&(g)->name, (g)->n_##name, &(g)->cap_##name, sizeof *(g)->name)          \
	     ? ((g)->name[(g)->n_##name] = (item), (g)->n_##name++)                                            \
	     : NONE)

/* ---- asking ------------------------------------------------------------------------------------ */

bool ir_set_has(const ir_graph *g, uint32_t set, uint32_t var);
static inline bool ir_depends(const ir_graph *g, ir_id node, uint32_t var)
{
	return ir_set_has(g, g->nodes[node].free, var);
}

/* A node that can itself fail (integer division, TO_INDEX, GUARD). */
bool ir_fails(const ir_graph *g, const ir_node *node);

/* The page that owns the pattern of a sparse page. */
static inline uint32_t ir_pattern(const ir_graph *g, uint32_t page)
{
	return g->pages[page].like == NONE ? page : g->pages[page].like;
}

/* The index of a read as constant + sum of coef * (variable or size). */
typedef struct ir_affine {
	int64_t constant;
	uint32_t n;
	sch_term terms[8];
} ir_affine;
bool ir_affine_of(const ir_graph *g, ir_id node, ir_affine *out); /* false: it is none (or of too many terms) */

/* The access class of a read, seen from the edge it stands in. */
read_class ir_classify(const ir_graph *g, const ir_edge *edge, const ir_node *read);

/* ---- walking ----------------------------------------------------------------------------------- */

/* Begins a walk: no node is marked. False: out of memory. */
bool ir_walk_begin(ir_graph *g, ir_walk *walk);
/* Adds the nodes that root is made of and that are not marked to list, and marks them. Not whole: only what must be evaluated
 * outside of reductions: not what is inside their bodies and conditions, nor indices that are sums of variables. */
void ir_reach(ir_graph *g, ir_walk *walk, ir_id root, bool whole, ir_list *list);
void ir_list_add(ir_graph *g, ir_list *list, ir_id id);
void ir_list_sort(ir_list *list); /* ascending */

/* All nodes of an edge's outputs, ascending. */
void ir_edge_nodes(ir_graph *g, ir_walk *walk, const ir_edge *edge, ir_list *list);

/* Calls f for each constant node that the tables of the graph hold, to replace it by what f returns, then for each
 * output of each edge that is not dead, in the order of evaluation. edge: NONE for constants of no edge. */
typedef ir_id (*ir_root_fn)(void *user, uint32_t edge, ir_id root);
void ir_each_root(ir_graph *g, ir_root_fn f, void *user);

/* Drops nodes that nothing reaches and numbers the others in the order in which the roots reach them. */
void ir_compact(ir_graph *g);

/* Checks what this file says of a graph: types, scopes, ids. An error message in the arena, or NULL when all is well. */
const char *ir_verify(ir_graph *g);
/* The same of a node before it is interned (edge: where it stands, NULL: among constants), and of one edge. */
const char *ir_verify_new(ir_graph *g, const ir_edge *edge, const ir_node *node);
const char *ir_verify_edge(ir_graph *g, uint32_t edge);

/* ---- placing ----------------------------------------------------------------------------------- */

/* The regions of an edge: region 0 is its domain, every other one a reduction. A node stands in the outermost region in
 * which all its variables live (a node that two reductions over the same variable use stands in both). */
typedef struct ir_region {
	ir_id reduce;      /* NONE for region 0 */
	uint32_t parent;
	ir_list nodes;     /* in order; a reduction's node stands in its region's parent */
} ir_region;

typedef struct ir_place {
	ir_graph *g;
	const ir_edge *edge;
	IR_TABLE(ir_region, regions);
	/* (node, region) -> position in placed, open addressing */
	struct ir_placed *placed;
	uint32_t n_placed, cap_placed;
	uint32_t *slots;
	uint32_t n_slots;
} ir_place;

/* One node in one region. value: for the user of the plan (a register number, a number to print). */
typedef struct ir_placed {
	ir_id node;
	uint32_t region;
	uint32_t inner;    /* the region of a reduction, or NONE */
	uint32_t value;
} ir_placed;

/* Places roots (n of them) of an edge; edge has no vars for constants. NULL: out of memory. */
ir_place *ir_place_new(ir_graph *g, const ir_edge *edge, const ir_id *roots, uint32_t n);
/* The region, among region and those around it, in which the node stands. */
uint32_t ir_place_region(const ir_place *p, ir_id node, uint32_t region);
/* The node as seen from a region; it must stand there or around. */
ir_placed *ir_place_find(ir_place *p, ir_id node, uint32_t region);

/* ---- forms ------------------------------------------------------------------------------------- */

/* A size as text, in the arena: "2*N + 1". */
const char *ir_size_text(ir_graph *g, uint32_t size);
/* "f64[N, M]", "index(K)[N]", "sparse f32[N, N]" … */
const char *ir_page_type_text(ir_graph *g, const ir_page *page);
/* A scalar as the language writes it, with a decimal point for floats; buf holds at least 40 bytes. */
void ir_scalar_text(uint8_t type, scalar value, char *buf, size_t size);

void ir_print(ir_graph *g, FILE *out);            /* mmsbc emit ir */
bool ir_write_yaml(ir_graph *g, FILE *out);       /* mmsbc emit yaml; false: no memory, or out failed */
/* Reads the YAML form of a source; errors are reported in ctx. NULL: there was one. */
ir_graph *ir_read_yaml(lang_ctx *ctx, const lang_source *source);

/* The checked program as a graph. NULL: an error was reported, or no memory. */
ir_graph *ir_lower(const p_program *program);

#endif
