/* ir_verify.c - what ir.h promises of a graph: ids, types, scopes. Run after each pass; a message means a mistake of ours, or
 * of whoever wrote the YAML form by hand. */
#include "ir.h"

typedef struct verifier {
	ir_graph *g;
	const ir_edge *edge;     /* in hand, or NULL: constants */
	uint32_t edge_id;
	ir_list scope;           /* variables */
	const char *wrong;
	uint8_t *made;           /* of a page: its edge has been met; NULL: not looked at */
	uint32_t *checked;       /* of a node: 1 + the edge in which its arguments and types were found right */
} verifier;

#define WRONG(v, ...) ((v)->wrong ? (void)0 : (void)((v)->wrong = say((v), lang_sprintf((v)->g->ctx, __VA_ARGS__))))
#define NEED(v, condition, ...)                \
	do {                                   \
		if (!(condition)) {            \
			WRONG(v, __VA_ARGS__); \
			return;                \
		}                              \
	} while (0)

static const char *say(const verifier *v, const char *what)
{
	const char *where = v->edge ? v->g->pages[v->edge->page].name : "a constant";
	return lang_sprintf(v->g->ctx, "%s: %s", where, what ? what : "");
}

static uint8_t type_of(const verifier *v, ir_id id)
{
	return ir_at(v->g, id)->type;
}

/* ---- single nodes ------------------------------------------------------------------------------ */

static void check_op(verifier *v, ir_id id, const ir_node *n)
{
	NEED(v, n->op < OP_COUNT, "node %u: unknown operator %u", id, n->op);
	const op_facts *op = &op_table[n->op];
	NEED(v, n->n_args == op->arity, "node %u: %s takes %u operands, not %u", id, op->name, op->arity, n->n_args);
	uint8_t type = type_of(v, n->args[op->rule == RULE_SELECT ? 1 : 0]);
	NEED(v, op->types >> type & 1, "node %u: no %s of %s", id, op->name, type_table[type].name);
	for (uint32_t i = 0; i < n->n_args; i++) {
		uint8_t want = op->rule == RULE_SELECT && i == 0 ? T_BOOL : type;
		NEED(v, type_of(v, n->args[i]) == want, "node %u: operand %u of %s is %s, not %s", id, i, op->name,
		     type_table[type_of(v, n->args[i])].name, type_table[want].name);
	}
	uint8_t gives = type;
	if (op->rule == RULE_CMP || op->rule == RULE_TEST)
		gives = T_BOOL;
	else if (op->rule == RULE_COUNT)
		gives = T_I64;
	else if (n->op == OP_RAND_UNIT)
		gives = T_F64;
	NEED(v, n->type == gives, "node %u: %s gives %s, not %s", id, op->name, type_table[gives].name,
	     type_table[n->type].name);
}

static void check_read(verifier *v, ir_id id, const ir_node *n)
{
	const ir_graph *g = v->g;
	const ir_read *r = &n->u.read;
	NEED(v, r->page < g->n_pages, "node %u: reads page %u of %u", id, r->page, g->n_pages);
	const ir_page *p = &g->pages[r->page];
	uint8_t type = p->type;
	NEED(v, (p->type == T_COUNT) == (r->field != NONE), "node %u: a field of '%s'", id, p->name);
	if (p->type == T_COUNT) {
		NEED(v, r->field < g->records[p->record].n_fields, "node %u: field %u of '%s'", id, r->field, p->name);
		type = g->records[p->record].fields[r->field].type;
	}
	NEED(v, n->type == type, "node %u: '%s' holds %s, not %s", id, p->name, type_table[type].name, type_table[n->type].name);
	NEED(v, n->n_args == p->ndim + r->has_pad && r->has_pad <= 1, "node %u: '%s' has %u dimensions", id, p->name, p->ndim);
	for (uint32_t i = 0; i < p->ndim; i++)
		NEED(v, type_of(v, n->args[i]) == T_I64 || type_of(v, n->args[i]) == T_U32, "node %u: index %u is %s", id, i,
		     type_table[type_of(v, n->args[i])].name);
	if (r->has_pad)
		NEED(v, type_of(v, n->args[p->ndim]) == type, "node %u: the value outside is %s, not %s", id,
		     type_table[type_of(v, n->args[p->ndim])].name, type_table[type].name);
	bool padded = p->sparse ? !r->entry : r->view == RV_PAD;
	NEED(v, r->view <= RV_PAD && r->has_pad == padded && (p->sparse || !r->entry) && r->prev <= 1,
	     "node %u: view of '%s'", id, p->name);
	bool own = v->edge && v->edge->page == r->page;
	NEED(v, r->prev || p->edge == NONE || own || p->fate == FATE_STORED, "node %u: '%s' is not there", id, p->name);
	NEED(v, r->prev || !own || v->edge->fix != FIX_NONE, "node %u: '%s' reads itself", id, p->name);
	NEED(v, v->edge, "node %u: a constant reads '%s'", id, p->name);
	NEED(v, r->prev || own || p->edge == NONE || !v->made || v->made[r->page], "node %u: '%s' is read before it is made", id,
	     p->name);
}

static void check_reduce(verifier *v, ir_id id, const ir_node *n)
{
	const ir_graph *g = v->g;
	const ir_reduce *r = &n->u.reduce;
	NEED(v, n->n_args == IR_REDUCE_ARGS && n->args[IR_BODY] != NONE && r->var < g->n_vars, "node %u: a reduction", id);
	uint8_t body = type_of(v, n->args[IR_BODY]);
	if (r->reducer == REDUCER_OP)
		NEED(v, r->op < OP_COUNT && op_table[r->op].reduce != REDUCE_NO && (op_table[r->op].types >> body & 1) && n->type == body,
		     "node %u: no such reduction of %s", id, type_table[body].name);
	else
		NEED(v, (r->reducer == REDUCER_ARGMIN || r->reducer == REDUCER_ARGMAX) && n->type == T_U32 && (TYPES_NUM >> body & 1),
		     "node %u: an arg reduction of %s", id, type_table[body].name);
	NEED(v, n->args[IR_WHERE] == NONE || type_of(v, n->args[IR_WHERE]) == T_BOOL, "node %u: its condition", id);
	bool by_page = r->region == REGION_ROW || r->region == REGION_COL || r->region == REGION_GROUP;
	NEED(v, by_page || r->region == REGION_RANGE || r->region == REGION_PREFIX, "node %u: its kind", id);
	NEED(v, by_page == (n->args[IR_AT] != NONE) && by_page == (r->page != NONE), "node %u: what it goes by", id);
	NEED(v, (r->region == REGION_PREFIX) == (r->at_var != NONE), "node %u: where its prefix ends", id);
	if (r->at_var != NONE)
		NEED(v, r->at_var < g->n_vars && !ir_depends(g, n->args[IR_BODY], r->at_var)
		     && (n->args[IR_WHERE] == NONE || !ir_depends(g, n->args[IR_WHERE], r->at_var)),
		     "node %u: the body of a prefix depends on its end", id);
	if (!by_page)
		return;
	NEED(v, r->page < g->n_pages, "node %u: goes by page %u", id, r->page);
	const ir_page *p = &g->pages[r->page];
	uint8_t at = type_of(v, n->args[IR_AT]);
	NEED(v, at == T_I64 || at == T_U32, "node %u: goes by a position of %s", id, type_table[at].name);
	if (r->region == REGION_GROUP)
		NEED(v, p->ndim == 1 && p->index_size != NONE && !p->sparse, "node %u: '%s' is no page of keys", id, p->name);
	else
		NEED(v, p->sparse && p->like == NONE, "node %u: '%s' is no pattern", id, p->name);
}

static void check_args(verifier *v, ir_id id, const ir_node *n)
{
	for (uint32_t i = 0; i < n->n_args; i++)
		NEED(v, n->args[i] < id || (n->kind == IR_REDUCE && n->args[i] == NONE), "node %u: argument %u comes later", id, i);
	NEED(v, n->mask == NONE || (n->mask < id && type_of(v, n->mask) == T_BOOL), "node %u: its mask", id);
}

static void check_node(verifier *v, ir_id id, const ir_node *n)
{
	const ir_graph *g = v->g;
	NEED(v, n->kind < IR_KIND_COUNT && n->type < T_COUNT, "node %u: unknown kind or type", id);
	check_args(v, id, n);
	if (v->wrong)
		return;
	bool one = n->n_args == 1;
	switch ((ir_kind)n->kind) {
	case IR_CONST: NEED(v, n->n_args == 0, "node %u: a constant", id); break;
	case IR_PARAM: NEED(v, n->u.id < g->n_params && n->type == g->params[n->u.id].type, "node %u: a param", id); break;
	case IR_SIZE: NEED(v, n->u.id < g->n_sizes && n->type == T_I64, "node %u: a size", id); break;
	case IR_VAR: NEED(v, n->u.id < g->n_vars && n->type == T_I64, "node %u: a variable", id); break;
	case IR_OP: check_op(v, id, n); break;
	case IR_CONV: NEED(v, one, "node %u: a conversion", id); break;
	case IR_TO_INDEX:
		NEED(v, one && n->type == T_U32 && n->u.id < g->n_sizes
		     && (type_of(v, n->args[0]) == T_I64 || type_of(v, n->args[0]) == T_U64), "node %u: an index", id);
		break;
	case IR_READ: check_read(v, id, n); break;
	case IR_REDUCE: check_reduce(v, id, n); break;
	case IR_COUNT:
		NEED(v, one && n->type == T_I64 && ir_at(g, n->args[0])->kind == IR_REDUCE, "node %u: a count", id);
		break;
	case IR_GUARD:
		NEED(v, one && n->u.id < GUARD_COUNT && n->type == type_of(v, n->args[0]), "node %u: a guard", id);
		break;
	default: break;
	}
}

/* ---- whole expressions ------------------------------------------------------------------------- */

static void check_root(verifier *v, ir_id root, uint8_t type)
{
	ir_graph *g = v->g;
	ir_list list = {0};
	NEED(v, root < g->n_nodes, "node %u of %u", root, g->n_nodes);
	if (!ir_walk_begin(g, &g->walk))
		return;
	ir_reach(g, &g->walk, root, true, &list);
	for (uint32_t i = 0; i < list.count && !v->wrong; i++) {
		uint32_t *checked = &v->checked[list.items[i]];
		if (*checked != v->edge_id + 1)
			check_node(v, list.items[i], ir_at(g, list.items[i]));
		*checked = v->edge_id + 1;
	}
	if (v->wrong)
		return;
	NEED(v, type_of(v, root) == type, "a value of %s for %s", type_table[type_of(v, root)].name, type_table[type].name);
	ir_set free = g->sets[ir_at(g, root)->free];
	for (uint32_t i = 0; i < free.count; i++) {
		bool bound = false;
		for (uint32_t k = 0; v->edge && k < v->edge->n_vars; k++)
			bound = bound || v->edge->vars[k] == free.vars[i];
		NEED(v, bound, "variable '%s' is not bound", g->vars[free.vars[i]].name);
	}
}

static void check_edge(verifier *v, uint32_t id)
{
	ir_graph *g = v->g;
	const ir_edge *e = &g->edges[id];
	v->edge = e;
	v->edge_id = id + 1;
	NEED(v, e->page < g->n_pages && e->n_vars == g->pages[e->page].ndim, "edge %u: its page or variables", id);
	const ir_page *p = &g->pages[e->page];
	uint32_t n = p->type == T_COUNT ? g->records[p->record].n_fields : 1;
	NEED(v, e->n_outputs == n, "%u values for %u", e->n_outputs, n);
	NEED(v, p->edge == id, "its page is defined by edge %u", p->edge);
	for (uint32_t i = 0; i < n && !v->wrong; i++)
		check_root(v, e->outputs[i], p->type == T_COUNT ? g->records[p->record].fields[i].type : p->type);
	v->edge = NULL;
	v->edge_id = 0;
	if (!v->wrong && e->start != NONE)
		check_root(v, e->start, p->type);
	if (!v->wrong && e->max_rounds != NONE)
		check_root(v, e->max_rounds, T_I64);
	if (!v->wrong && e->tol != NONE)
		check_root(v, e->tol, T_F64);
}

const char *ir_verify(ir_graph *g)
{
	verifier v = {.g = g, .checked = LANG_NEW_ARRAY(g->ctx, uint32_t, g->n_nodes + 1)};
	if (!v.checked)
		return NULL;
	for (uint32_t i = 0; i < g->n_params && !v.wrong; i++)
		if (g->params[i].init != NONE)
			check_root(&v, g->params[i].init, g->params[i].type);
	for (uint32_t i = 0; i < g->n_pages && !v.wrong; i++)
		if (g->pages[i].init != NONE && g->pages[i].type != T_COUNT)
			check_root(&v, g->pages[i].init, g->pages[i].type);
	v.made = LANG_NEW_ARRAY(g->ctx, uint8_t, g->n_pages + 1);
	for (uint32_t i = 0; i < g->n_order && !v.wrong && v.made; i++) {
		if (!g->edges[g->order[i]].dead)
			check_edge(&v, g->order[i]);
		v.made[g->edges[g->order[i]].page] = 1;
	}
	return v.wrong;
}

const char *ir_verify_new(ir_graph *g, const ir_edge *edge, const ir_node *node)
{
	verifier v = {.g = g, .edge = edge};
	check_node(&v, g->n_nodes, node);
	return v.wrong;
}

const char *ir_verify_edge(ir_graph *g, uint32_t edge)
{
	verifier v = {.g = g, .checked = LANG_NEW_ARRAY(g->ctx, uint32_t, g->n_nodes + 1)};
	if (v.checked)
		check_edge(&v, edge);
	return v.wrong;
}
