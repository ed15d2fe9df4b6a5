/* ir_yaml_nodes.c - reads nodes and edges from the YAML form of a graph. Each is verified as it is read, so that what is
 * wrong with it is told with its line. */
#include <string.h>

#include "ir_yaml.h"

enum { MAX_NODE_NUMBER = 1 << 24 };

/* ---- nodes ------------------------------------------------------------------------------------- */

static void define_node(yaml_reader *r, yaml_item *map, uint32_t number, ir_id id)
{
	if (number >= r->n_nodes) {
		uint32_t n = number + number / 2 + 64;
		uint32_t *nodes = LANG_NEW_ARRAY(r->ctx, uint32_t, n);
		if (!nodes)
			return;
		if (r->n_nodes)
			memcpy(nodes, r->nodes, r->n_nodes * sizeof *nodes);
		r->nodes = nodes;
		r->n_nodes = n;
	}
	if (r->nodes[number])
		lang_error(r->ctx, map->span, "node %u is defined a second time", number);
	r->nodes[number] = id + 1;
}

static uint32_t node_list(yaml_reader *r, yaml_item *list, ir_id *out, uint32_t room)
{
	uint32_t n = 0;
	if (list && list->count > room)
		lang_error(r->ctx, list->span, "at most %u nodes can stand here", room);
	for (uint32_t i = 0; list && i < list->count && n < room; i++)
		out[n++] = yaml_node(r, list->items[i]);
	return n;
}

static void read_read(yaml_reader *r, yaml_item *map, yaml_item *page, ir_node *n, ir_id *args)
{
	const ir_graph *g = r->g;
	ir_read read = {.page = yaml_page(r, page), .field = NONE};
	yaml_item *field = yaml_may(r, map, "field", YAML_TEXT), *view = yaml_may(r, map, "view", YAML_TEXT);
	yaml_item *pad = yaml_may(r, map, "pad", YAML_TEXT);
	if (field && read.page != NONE && g->pages[read.page].type == T_COUNT) {
		const ir_record *record = &g->records[g->pages[read.page].record];
		const char **names = LANG_NEW_ARRAY(r->ctx, const char *, record->n_fields + 1);
		for (uint32_t i = 0; names && i < record->n_fields; i++)
			names[i] = record->fields[i].name;
		read.field = names ? yaml_word(r, field, names, record->n_fields, "field") : NONE;
	} else if (field) {
		lang_error(r->ctx, field->span, "this page has no fields");
	}
	read.prev = yaml_flag(r, map, "prev");
	read.entry = yaml_flag(r, map, "entry");
	read.view = view ? (uint8_t)yaml_word(r, view, ir_yaml_views, 6, "view") : RV_NONE;
	n->n_args = (uint8_t)node_list(r, yaml_may(r, map, "args", YAML_LIST), args, MAX_DIMS);
	if (pad) {
		args[n->n_args++] = yaml_node(r, pad);
		read.has_pad = 1;
	}
	n->u.read = read;
}

static void read_reduce(yaml_reader *r, yaml_item *map, yaml_item *reducer, ir_node *n, ir_id *args)
{
	const ir_graph *g = r->g;
	ir_reduce what = {0};
	what.reducer = (uint8_t)yaml_word(r, reducer, ir_yaml_reducers, 4, "reducer");
	what.op = (uint8_t)yaml_op(r, yaml_need(r, map, "op", YAML_TEXT));
	what.var = yaml_number(r, yaml_need(r, map, "var", YAML_TEXT), g->n_vars, "variable");
	what.region = (uint8_t)yaml_word(r, yaml_need(r, map, "over", YAML_TEXT), ir_yaml_regions, 7, "kind of range");
	what.page = yaml_page(r, yaml_may(r, map, "page", YAML_TEXT));
	what.at_var = yaml_number(r, yaml_may(r, map, "end", YAML_TEXT), g->n_vars, "variable");
	what.strict = yaml_flag(r, map, "strict");
	what.prev = yaml_flag(r, map, "prev");
	what.nest = yaml_flag(r, map, "nest");
	args[IR_BODY] = yaml_node(r, yaml_need(r, map, "body", YAML_TEXT));
	args[IR_WHERE] = yaml_node(r, yaml_may(r, map, "where", YAML_TEXT));
	args[IR_AT] = yaml_node(r, yaml_may(r, map, "at", YAML_TEXT));
	n->n_args = IR_REDUCE_ARGS;
	yaml_item *identity = yaml_need(r, map, "identity", YAML_TEXT);
	if (args[IR_BODY] != NONE)
		what.identity = yaml_scalar(r, identity, ir_at(g, args[IR_BODY])->type).bits;
	if (what.nest && args[IR_BODY] != NONE && ir_at(g, args[IR_BODY])->kind != IR_REDUCE)
		lang_error(r->ctx, map->span, "'nest' is for the reduction of a reduction");
	n->u.reduce = what;
}

/* PARAM, SIZE, VAR, TO_INDEX, GUARD: what they name. */
static uint32_t read_payload(yaml_reader *r, yaml_item *item, ir_kind kind)
{
	const ir_graph *g = r->g;
	switch (kind) {
	case IR_PARAM: {
		const char **names = LANG_NEW_ARRAY(r->ctx, const char *, g->n_params + 1);
		for (uint32_t i = 0; names && i < g->n_params; i++)
			names[i] = g->params[i].name;
		return names ? yaml_word(r, item, names, g->n_params, "param") : NONE;
	}
	case IR_SIZE:
	case IR_TO_INDEX: {
		uint32_t at = yaml_number(r, item, r->n_sizes, "size");
		return at == NONE ? NONE : r->sizes[at];
	}
	case IR_VAR: return yaml_number(r, item, g->n_vars, "variable");
	default: return yaml_word(r, item, ir_yaml_guards, GUARD_COUNT, "guard");
	}
}

/* Which kind of node a map is: the one key of it that names a kind. */
static ir_kind kind_of(yaml_reader *r, yaml_item *map, yaml_item **value)
{
	*value = NULL;
	/* A reduction has an `op` besides. */
	if ((*value = yaml_may(r, map, ir_yaml_kinds[IR_REDUCE], YAML_TEXT)) != NULL)
		return IR_REDUCE;
	for (uint32_t k = 0; k < IR_KIND_COUNT; k++)
		if ((*value = yaml_may(r, map, ir_yaml_kinds[k], YAML_TEXT)) != NULL)
			return (ir_kind)k;
	return IR_KIND_COUNT;
}

static void fill_node(yaml_reader *r, yaml_item *map, ir_kind kind, yaml_item *value, ir_node *n, ir_id *args)
{
	if (kind == IR_READ) {
		read_read(r, map, value, n, args);
	} else if (kind == IR_REDUCE) {
		read_reduce(r, map, value, n, args);
	} else {
		n->n_args = (uint8_t)node_list(r, yaml_may(r, map, "args", YAML_LIST), args, 3);
		if (kind == IR_CONST)
			n->u.value = yaml_scalar(r, value, n->type);
		else if (kind == IR_OP)
			n->op = (uint8_t)yaml_op(r, value);
		else if (kind != IR_CONV && kind != IR_COUNT)
			n->u.id = read_payload(r, value, kind);
	}
}

static void read_node(yaml_reader *r, yaml_item *map, const ir_edge *edge)
{
	ir_graph *g = r->g;
	ir_id args[MAX_DIMS + 1];
	yaml_item *value;
	uint32_t number = yaml_number(r, yaml_need(r, map, "id", YAML_TEXT), MAX_NODE_NUMBER, "node");
	ir_node n = {.type = yaml_type(r, yaml_need(r, map, "type", YAML_TEXT)), .args = args};
	ir_kind kind = kind_of(r, map, &value);
	if (kind == IR_KIND_COUNT) {
		lang_error(r->ctx, map->span, "no kind of node stands here: const, param, size, var, op, conv, to_index, read, "
		                              "reduce, count or guard");
		return;
	}
	n.kind = (uint8_t)kind;
	fill_node(r, map, kind, value, &n, args);
	n.mask = yaml_node(r, yaml_may(r, map, "mask", YAML_TEXT));
	yaml_item *place = yaml_may(r, map, "place", YAML_LIST);
	if (place && place->count == 2) {
		n.line = yaml_number(r, place->items[0], UINT32_MAX, "line");
		n.column = yaml_number(r, place->items[1], UINT32_MAX, "column");
	}
	yaml_done(r, map);
	if (lang_failed(r->ctx))
		return;
	const char *wrong = ir_verify_new(g, edge, &n);
	if (wrong) {
		/* It says "PAGE: node N: ...", with the graph's number. */
		const char *what = strstr(wrong, ": node ");
		what = what ? strstr(what + 2, ": ") : NULL;
		lang_error(r->ctx, map->span, "node %u is wrong: %s", number, what ? what + 2 : wrong);
		return;
	}
	define_node(r, map, number, ir_intern(g, n));
}

void yaml_read_nodes(yaml_reader *r, yaml_item *list, const ir_edge *edge)
{
	for (uint32_t i = 0; list && i < list->count && !lang_failed(r->ctx); i++)
		read_node(r, list->items[i], edge);
}

/* ---- edges ------------------------------------------------------------------------------------- */

static void read_values(yaml_reader *r, yaml_item *map, ir_edge *e)
{
	yaml_item *values = yaml_need(r, map, "values", YAML_LIST);
	e->outputs = LANG_NEW_ARRAY(r->ctx, ir_id, (values ? values->count : 0) + 1);
	if (values && e->outputs)
		e->n_outputs = node_list(r, values, e->outputs, 4096);
	yaml_item *fix = yaml_may(r, map, "fix", YAML_TEXT);
	if (fix) {
		uint32_t kind = yaml_word(r, fix, ir_yaml_fixes, 4, "fixpoint");
		e->fix = (uint8_t)(kind == NONE ? FIX_NONE : kind);
		e->fix_op = (uint8_t)yaml_op(r, yaml_need(r, map, "fix_op", YAML_TEXT));
	}
	e->start = yaml_node(r, yaml_may(r, map, "start", YAML_TEXT));
	e->start_page = yaml_page(r, yaml_may(r, map, "start_page", YAML_TEXT));
	e->max_rounds = yaml_node(r, yaml_may(r, map, "max", YAML_TEXT));
	e->tol = yaml_node(r, yaml_may(r, map, "tol", YAML_TEXT));
}

void yaml_read_edge(yaml_reader *r, yaml_item *map)
{
	ir_graph *g = r->g;
	ir_edge e = {0};
	yaml_item *page = yaml_need(r, map, "page", YAML_TEXT), *vars = yaml_need(r, map, "vars", YAML_LIST);
	e.page = yaml_page(r, page);
	if (lang_failed(r->ctx))
		return;
	if (g->pages[e.page].edge != NONE || g->pages[e.page].role == PAGE_ROLE_IN) {
		lang_error(r->ctx, page->span, "'%s' is defined already", page->text);
		return;
	}
	if (vars->count != g->pages[e.page].ndim)
		lang_error(r->ctx, vars->span, "'%s' has %u dimensions", page->text, g->pages[e.page].ndim);
	for (uint32_t i = 0; i < vars->count && i < MAX_DIMS; i++)
		e.vars[e.n_vars++] = yaml_number(r, vars->items[i], g->n_vars, "variable");
	/* Its own page may be read by a fixpoint alone: known before the nodes. */
	e.fix = yaml_get(map, "fix") != NULL;
	yaml_read_nodes(r, yaml_need(r, map, "nodes", YAML_LIST), &e);
	if (lang_failed(r->ctx))
		return;
	read_values(r, map, &e);
	yaml_item *place = yaml_need(r, map, "place", YAML_LIST);
	if (place && place->count == 3) {
		e.file = yaml_number(r, place->items[0], g->n_files, "file");
		e.line = yaml_number(r, place->items[1], UINT32_MAX, "line");
		e.column = yaml_number(r, place->items[2], UINT32_MAX, "column");
	}
	yaml_done(r, map);
	uint32_t id = lang_failed(r->ctx) ? NONE : ir_new_edge(g, &e);
	if (id == NONE)
		return;
	g->pages[e.page].edge = id;
	IR_PUSH(g, order, id);
	const char *wrong = ir_verify_edge(g, id);
	if (wrong)
		lang_error(r->ctx, map->span, "the edge is wrong: %s", wrong);
}
