/* ir.c - the graph's tables: interned nodes, sizes and sets of variables. */
#include "ir.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { FIRST_BUCKETS = 1024 };

/* ---- sets of variables ------------------------------------------------------------------------- */

static bool set_equal(const ir_set *a, const uint32_t *vars, uint32_t count)
{
	return a->count == count && (count == 0 || memcmp(a->vars, vars, count * sizeof *vars) == 0);
}

static uint32_t *set_slot(ir_graph *g, const uint32_t *vars, uint32_t count)
{
	uint32_t at = (uint32_t)XXH3_64bits(vars, count * sizeof *vars) & (g->n_set_buckets - 1);
	while (g->set_buckets[at] != 0 && !set_equal(&g->sets[g->set_buckets[at] - 1], vars, count))
		at = (at + 1) & (g->n_set_buckets - 1);
	return &g->set_buckets[at];
}

static bool grow_set_buckets(ir_graph *g)
{
	if (2 * (g->n_sets + 1) < g->n_set_buckets)
		return true;
	uint32_t *old = g->set_buckets;
	uint32_t n = g->n_set_buckets ? 2 * g->n_set_buckets : FIRST_BUCKETS;
	uint32_t *now = LANG_NEW_ARRAY(g->ctx, uint32_t, n);
	if (!now) {
		g->set_buckets = old;
		return false;
	}
	g->set_buckets = now;
	g->n_set_buckets = n;
	for (uint32_t i = 0; i < g->n_sets; i++)
		*set_slot(g, g->sets[i].vars, g->sets[i].count) = i + 1;
	return true;
}

/* The set of these variables (ascending); set 0, the empty one, when memory ran out. */
static uint32_t set_of(ir_graph *g, const uint32_t *vars, uint32_t count)
{
	if (!grow_set_buckets(g))
		return 0;
	uint32_t *slot = set_slot(g, vars, count);
	if (*slot)
		return *slot - 1;
	uint32_t *copy = LANG_NEW_ARRAY(g->ctx, uint32_t, count ? count : 1);
	if (!copy)
		return 0;
	for (uint32_t i = 0; i < count; i++)
		copy[i] = vars[i];
	ir_set set = {count, copy};
	if (IR_PUSH(g, sets, set) == NONE)
		return 0;
	*slot = g->n_sets;
	return g->n_sets - 1;
}

static uint32_t set_union(ir_graph *g, uint32_t a, uint32_t b)
{
	if (a == b || g->sets[b].count == 0)
		return a;
	if (g->sets[a].count == 0)
		return b;
	ir_set x = g->sets[a], y = g->sets[b];
	uint32_t *vars = LANG_NEW_ARRAY(g->ctx, uint32_t, x.count + y.count), n = 0;
	if (!vars)
		return a;
	for (uint32_t i = 0, j = 0; i < x.count || j < y.count;) {
		if (j == y.count || (i < x.count && x.vars[i] < y.vars[j]))
			vars[n++] = x.vars[i++];
		else if (i == x.count || y.vars[j] < x.vars[i])
			vars[n++] = y.vars[j++];
		else {
			vars[n++] = x.vars[i++];
			j++;
		}
	}
	return set_of(g, vars, n);
}

static uint32_t set_without(ir_graph *g, uint32_t set, uint32_t var)
{
	if (!ir_set_has(g, set, var))
		return set;
	ir_set x = g->sets[set];
	uint32_t *vars = LANG_NEW_ARRAY(g->ctx, uint32_t, x.count), n = 0;
	if (!vars)
		return set;
	for (uint32_t i = 0; i < x.count; i++)
		if (x.vars[i] != var)
			vars[n++] = x.vars[i];
	return set_of(g, vars, n);
}

bool ir_set_has(const ir_graph *g, uint32_t set, uint32_t var)
{
	ir_set x = g->sets[set];
	for (uint32_t i = 0; i < x.count; i++)
		if (x.vars[i] == var)
			return true;
	return false;
}

/* ---- nodes ------------------------------------------------------------------------------------- */

/* What makes nodes equal, as bytes. */
typedef struct node_key {
	uint64_t words[8];
	uint32_t args[MAX_DIMS + 1];
} node_key;

static void key_of(const ir_node *n, node_key *key)
{
	memset(key, 0, sizeof *key);
	key->words[0] = (uint64_t)n->kind | (uint64_t)n->op << 8 | (uint64_t)n->type << 16 | (uint64_t)n->n_args << 24
	                | (uint64_t)n->mask << 32;
	switch ((ir_kind)n->kind) {
	case IR_CONST: key->words[1] = n->u.value.bits; break;
	case IR_READ:
		key->words[1] = (uint64_t)n->u.read.page << 32 | n->u.read.field;
		key->words[2] = (uint64_t)n->u.read.prev | (uint64_t)n->u.read.view << 8 | (uint64_t)n->u.read.entry << 16
		                | (uint64_t)n->u.read.has_pad << 24;
		break;
	case IR_REDUCE: {
		const ir_reduce *r = &n->u.reduce;
		key->words[1] = r->identity;
		key->words[2] = (uint64_t)r->var << 32 | r->page;
		key->words[3] = (uint64_t)r->at_var << 32 | (uint32_t)(r->region | r->reducer << 8 | r->op << 16);
		key->words[4] = (uint64_t)(r->strict | r->prev << 8 | r->nest << 16);
		break;
	}
	default: key->words[1] = n->u.id;
	}
	for (uint32_t i = 0; i < n->n_args; i++)
		key->args[i] = n->args[i];
}

static uint32_t *node_slot(ir_graph *g, const node_key *key)
{
	uint32_t at = (uint32_t)XXH3_64bits(key, sizeof *key) & (g->n_buckets - 1);
	while (g->buckets[at] != 0) {
		node_key other;
		key_of(&g->nodes[g->buckets[at] - 1], &other);
		if (memcmp(&other, key, sizeof other) == 0)
			break;
		at = (at + 1) & (g->n_buckets - 1);
	}
	return &g->buckets[at];
}

static bool grow_buckets(ir_graph *g)
{
	if (2 * (g->n_nodes + 1) < g->n_buckets)
		return true;
	uint32_t n = g->n_buckets ? 2 * g->n_buckets : FIRST_BUCKETS;
	uint32_t *now = LANG_NEW_ARRAY(g->ctx, uint32_t, n);
	if (!now)
		return false;
	g->buckets = now;
	g->n_buckets = n;
	for (uint32_t i = 0; i < g->n_nodes; i++) {
		node_key key;
		key_of(&g->nodes[i], &key);
		*node_slot(g, &key) = i + 1;
	}
	return true;
}

static uint32_t free_of(ir_graph *g, const ir_node *n)
{
	uint32_t set = 0;
	if (n->kind == IR_VAR)
		return set_of(g, &n->u.id, 1);
	if (n->kind == IR_REDUCE) {
		for (uint32_t i = IR_BODY; i <= IR_WHERE; i++)
			if (n->args[i] != NONE)
				set = set_union(g, set, g->nodes[n->args[i]].free);
		set = set_without(g, set, n->u.reduce.var);
		if (n->args[IR_AT] != NONE)
			set = set_union(g, set, g->nodes[n->args[IR_AT]].free);
		if (n->u.reduce.at_var != NONE)
			set = set_union(g, set, set_of(g, &n->u.reduce.at_var, 1));
		return set;
	}
	for (uint32_t i = 0; i < n->n_args; i++)
		set = set_union(g, set, g->nodes[n->args[i]].free);
	return n->mask == NONE ? set : set_union(g, set, g->nodes[n->mask].free);
}

/* `nest` stands for a condition that every inner range gives alike; when the inner reduction does not depend on the outer variable it
 * leaves the outer region, and what it meant is said by a count. */
static ir_node without_nest(ir_graph *g, ir_node n, ir_id args[IR_REDUCE_ARGS])
{
	ir_id body = n.args[IR_BODY];
	ir_node count = {.kind = IR_COUNT, .type = T_I64, .n_args = 1, .mask = NONE, .args = &body};
	ir_id some = ir_op2(g, OP_GT, T_BOOL, ir_intern(g, count), ir_const_i64(g, 0));
	args[IR_BODY] = body;
	args[IR_WHERE] = ir_and(g, n.args[IR_WHERE], some);
	args[IR_AT] = n.args[IR_AT];
	n.args = args;
	n.u.reduce.nest = 0;
	return n;
}

static bool is_commutative(const ir_node *n)
{
	return n->kind == IR_OP && (op_table[n->op].flags & OPF_COMM) && n->n_args == 2 && n->args[0] != n->args[1];
}

ir_id ir_intern(ir_graph *g, ir_node node)
{
	ir_id changed[IR_REDUCE_ARGS];
	if (node.kind == IR_REDUCE && node.u.reduce.nest && !ir_depends(g, node.args[IR_BODY], node.u.reduce.var))
		node = without_nest(g, node, changed);
	if (!grow_buckets(g))
		return 0;
	node_key key;
	key_of(&node, &key);
	uint32_t *slot = node_slot(g, &key);
	if (*slot)
		return *slot - 1;
	if (is_commutative(&node)) {
		node_key turned = key;
		turned.args[0] = key.args[1];
		turned.args[1] = key.args[0];
		uint32_t *other = node_slot(g, &turned);
		if (*other)
			return *other - 1;
	}
	ir_id *args = LANG_NEW_ARRAY(g->ctx, ir_id, node.n_args ? node.n_args : 1);
	if (!args)
		return 0;
	for (uint32_t i = 0; i < node.n_args; i++)
		args[i] = node.args[i];
	node.args = args;
	node.free = free_of(g, &node);
	if (IR_PUSH(g, nodes, node) == NONE)
		return 0;
	*slot = g->n_nodes;
	return g->n_nodes - 1;
}

ir_id ir_const(ir_graph *g, uint8_t type, scalar value)
{
	return ir_intern(g, (ir_node){.kind = IR_CONST, .type = type, .mask = NONE, .u.value = value});
}

ir_id ir_const_i64(ir_graph *g, int64_t value)
{
	return ir_const(g, T_I64, (scalar){.I64 = value});
}

ir_id ir_const_bool(ir_graph *g, bool value)
{
	return ir_const(g, T_BOOL, (scalar){.bits = value});
}

ir_id ir_zero(ir_graph *g, uint8_t type)
{
	return ir_const(g, type, (scalar){.bits = 0});
}

ir_id ir_leaf(ir_graph *g, ir_kind kind, uint8_t type, uint32_t id)
{
	return ir_intern(g, (ir_node){.kind = (uint8_t)kind, .type = type, .mask = NONE, .u.id = id});
}

ir_id ir_op1(ir_graph *g, op_id op, uint8_t type, ir_id a)
{
	return ir_intern(g, (ir_node){.kind = IR_OP, .op = (uint8_t)op, .type = type, .n_args = 1, .mask = NONE, .args = &a});
}

ir_id ir_op2(ir_graph *g, op_id op, uint8_t type, ir_id a, ir_id b)
{
	ir_id args[2] = {a, b};
	return ir_intern(g, (ir_node){.kind = IR_OP, .op = (uint8_t)op, .type = type, .n_args = 2, .mask = NONE, .args = args});
}

ir_id ir_conv(ir_graph *g, uint8_t type, ir_id a)
{
	if (g->nodes[a].type == type)
		return a;
	return ir_intern(g, (ir_node){.kind = IR_CONV, .type = type, .n_args = 1, .mask = NONE, .args = &a});
}

ir_id ir_and(ir_graph *g, ir_id a, ir_id b)
{
	if (a == NONE || a == b)
		return b;
	return b == NONE ? a : ir_op2(g, OP_LAND, T_BOOL, a, b);
}

ir_id ir_not(ir_graph *g, ir_id a)
{
	return ir_op1(g, OP_LNOT, T_BOOL, a);
}

bool ir_fails(const ir_graph *g, const ir_node *n)
{
	if (n->mask != NONE && g->nodes[n->mask].kind == IR_CONST && g->nodes[n->mask].u.value.bits == 0)
		return false; /* it counts nowhere: in the arm of a choice that is never taken */
	if (n->kind == IR_TO_INDEX || n->kind == IR_GUARD)
		return true;
	return n->kind == IR_OP && (op_table[n->op].flags & OPF_FAILS) && type_table[g->nodes[n->args[0]].type].kind != KIND_F;
}

/* ---- other tables ------------------------------------------------------------------------------ */

ir_graph *ir_new(lang_ctx *ctx)
{
	ir_graph *g = LANG_NEW(ctx, ir_graph);
	if (!g)
		return NULL;
	g->ctx = ctx;
	if (!grow_set_buckets(g))
		return NULL;
	set_of(g, NULL, 0);
	ir_const_bool(g, false); /* node 0, which stands for everything once memory ran out */
	return ctx->oom ? NULL : g;
}

uint32_t ir_size(ir_graph *g, size_kind kind, uint32_t a, uint32_t b, int64_t value)
{
	for (uint32_t i = 0; i < g->n_sizes; i++) {
		const sch_size *s = &g->sizes[i];
		if (s->kind == (uint32_t)kind && s->a == a && s->b == b && s->value == value)
			return i;
	}
	uint32_t id = IR_PUSH(g, sizes, ((sch_size){.kind = (uint32_t)kind, .a = a, .b = b, .value = value}));
	return id == NONE ? 0 : id;
}

uint32_t ir_size_const(ir_graph *g, int64_t value)
{
	return ir_size(g, SIZE_CONST, 0, 0, value);
}

uint32_t ir_new_var(ir_graph *g, const char *name, uint32_t lo, uint32_t hi)
{
	uint32_t id = IR_PUSH(g, vars, ((ir_var){name, lo, hi}));
	return id == NONE ? 0 : id;
}

uint32_t ir_new_page(ir_graph *g, const ir_page *page)
{
	return IR_PUSH(g, pages, *page);
}

uint32_t ir_new_edge(ir_graph *g, const ir_edge *edge)
{
	return IR_PUSH(g, edges, *edge);
}
