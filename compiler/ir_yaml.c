/* ir_yaml.c - writes the graph as YAML, which ir_yaml_read.c reads back to the same graph, node for node.
 *
 * Sizes and variables are numbered as they are listed. Nodes have numbers of their own; each edge lists those that are new with it.
 * What is left out is false, none, or the empty list. */
#include <inttypes.h>
#include <string.h>

#include "ir.h"
#include "ir_yaml.h"

const char *const ir_yaml_views[] = {"none", "clamp", "wrap", "mirror", "zero", "pad"};
const char *const ir_yaml_regions[] = {"domain", "entries", "range", "row", "column", "group", "prefix"};
const char *const ir_yaml_reducers[] = {"none", "op", "argmin", "argmax"};
const char *const ir_yaml_roles[] = {"internal", "in", "out"};
const char *const ir_yaml_fixes[] = {"none", "exact", "bounded", "numeric"};
const char *const ir_yaml_sizes[] = {"const", "param", "add", "sub", "mul"};
const char *const ir_yaml_attrs[] = {"static", "lazy", "soa", "aos", "cpu", "gpu", "unified"};
const char *const ir_yaml_kinds[] = {
#define X(id, name) name,
	IR_KINDS(X)
#undef X
};
const char *const ir_yaml_guards[] = {
#define GUARD(id, holds, text) #id,
#include "../runtime/guard.def"
#undef GUARD
};

typedef struct writer {
	ir_graph *g;
	FILE *out;
	uint8_t *written;   /* of a node */
} writer;

/* A string in double quotes. */
static void quoted(writer *w, const char *text)
{
	fputc('"', w->out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\')
			fprintf(w->out, "\\%c", c);
		else if (c == '\n')
			fputs("\\n", w->out);
		else if (c < 0x20 || c == 0x7f)
			fprintf(w->out, "\\x%02x", c);
		else
			fputc(c, w->out);
	}
	fputc('"', w->out);
}

static void put_scalar(writer *w, uint8_t type, scalar value)
{
	char text[64];
	ir_scalar_text(type, value, text, sizeof text);
	fputs(text, w->out);
}

/* ---- declarations ------------------------------------------------------------------------------ */

static void put_sizes(writer *w)
{
	const ir_graph *g = w->g;
	fprintf(w->out, "sizes:\n");
	for (uint32_t i = 0; i < g->n_sizes; i++) {
		const sch_size *s = &g->sizes[i];
		if (s->kind == SIZE_CONST)
			fprintf(w->out, "  - {const: %" PRId64 "}\n", s->value);
		else if (s->kind == SIZE_PARAM)
			fprintf(w->out, "  - {param: %s}\n", g->params[s->a].name);
		else
			fprintf(w->out, "  - {%s: [%u, %u]} # %s\n", ir_yaml_sizes[s->kind], s->a, s->b, ir_size_text(w->g, i));
	}
}

static void put_params(writer *w)
{
	fprintf(w->out, "params:\n");
	for (uint32_t i = 0; i < w->g->n_params; i++) {
		const ir_param *p = &w->g->params[i];
		fprintf(w->out, "  - {name: %s, type: %s", p->name, p->is_size ? "size" : type_table[p->type].name);
		if (p->init != NONE)
			fprintf(w->out, ", init: %u", p->init);
		fprintf(w->out, ", line: %u}\n", p->line);
	}
}

static void put_records(writer *w)
{
	fprintf(w->out, "records:\n");
	for (uint32_t i = 0; i < w->g->n_records; i++) {
		const ir_record *r = &w->g->records[i];
		fprintf(w->out, "  - name: %s\n    bytes: %u\n    fields:\n", r->name, r->bytes);
		for (uint32_t k = 0; k < r->n_fields; k++) {
			const ir_field *f = &r->fields[k];
			fprintf(w->out, "      - {name: %s, type: %s, offset: %u", f->name, type_table[f->type].name, f->offset);
			if (f->index_size != NONE)
				fprintf(w->out, ", below: %u", f->index_size);
			fprintf(w->out, "}\n");
		}
	}
}

static void put_vars(writer *w)
{
	fprintf(w->out, "vars:\n");
	for (uint32_t i = 0; i < w->g->n_vars; i++)
		fprintf(w->out, "  - {name: %s, lo: %u, hi: %u} # %u\n", w->g->vars[i].name, w->g->vars[i].lo, w->g->vars[i].hi, i);
}

static void put_attrs(writer *w, const ir_page *p)
{
	const char *between = "";
	if (p->attrs == 0)
		return;
	fprintf(w->out, "    attrs: [");
	for (uint32_t i = 0; i < sizeof ir_yaml_attrs / sizeof ir_yaml_attrs[0]; i++) {
		if (!(p->attrs >> i & 1))
			continue;
		fprintf(w->out, "%s%s", between, ir_yaml_attrs[i]);
		between = ", ";
	}
	fprintf(w->out, "]\n");
}

static void put_page(writer *w, const ir_page *p)
{
	const ir_graph *g = w->g;
	fprintf(w->out, "  - name: %s # %s\n", p->name, ir_page_type_text(w->g, p));
	if (p->type == T_COUNT)
		fprintf(w->out, "    record: %s\n", g->records[p->record].name);
	else
		fprintf(w->out, "    type: %s\n", type_table[p->type].name);
	if (p->index_size != NONE)
		fprintf(w->out, "    below: %u\n", p->index_size);
	fprintf(w->out, "    dims: [");
	for (uint32_t d = 0; d < p->ndim; d++)
		fprintf(w->out, d ? ", %u" : "%u", p->dims[d]);
	fprintf(w->out, "]\n    role: %s\n", ir_yaml_roles[p->role]);
	if (p->sparse)
		fprintf(w->out, "    sparse: true\n");
	if (p->state)
		fprintf(w->out, "    state: true\n");
	if (p->like != NONE)
		fprintf(w->out, "    like: %s\n", g->pages[p->like].name);
	if (p->init != NONE)
		fprintf(w->out, "    init: %u\n", p->init);
	if (p->init_page != NONE)
		fprintf(w->out, "    init_page: %s\n", g->pages[p->init_page].name);
	put_attrs(w, p);
	if (p->tile[0])
		fprintf(w->out, "    tile: [%u, %u]\n", p->tile[0], p->tile[1]);
	fprintf(w->out, "    place: [%u, %u, %u]\n", p->file, p->line, p->column);
	if (p->doc) {
		fprintf(w->out, "    doc: ");
		quoted(w, p->doc);
		fputc('\n', w->out);
	}
}

/* ---- nodes ------------------------------------------------------------------------------------- */

static void put_args(writer *w, const char *key, const ir_id *args, uint32_t n)
{
	if (n == 0)
		return;
	fprintf(w->out, ", %s: [", key);
	for (uint32_t i = 0; i < n; i++)
		fprintf(w->out, i ? ", %u" : "%u", args[i]);
	fputc(']', w->out);
}

static void put_read(writer *w, const ir_node *n)
{
	const ir_read *r = &n->u.read;
	const ir_page *p = &w->g->pages[r->page];
	fprintf(w->out, "read: %s", p->name);
	if (r->field != NONE)
		fprintf(w->out, ", field: %s", w->g->records[p->record].fields[r->field].name);
	if (r->prev)
		fprintf(w->out, ", prev: true");
	if (r->view != RV_NONE)
		fprintf(w->out, ", view: %s", ir_yaml_views[r->view]);
	if (r->entry)
		fprintf(w->out, ", entry: true");
	put_args(w, "args", n->args, (uint32_t)n->n_args - r->has_pad);
	if (r->has_pad)
		fprintf(w->out, ", pad: %u", n->args[n->n_args - 1]);
}

static void put_reduce(writer *w, const ir_node *n)
{
	const ir_reduce *r = &n->u.reduce;
	uint8_t type = ir_at(w->g, n->args[IR_BODY])->type;
	fprintf(w->out, "reduce: %s, op: %s, var: %u, over: %s", ir_yaml_reducers[r->reducer], op_table[r->op].name, r->var,
	        ir_yaml_regions[r->region]);
	if (r->page != NONE)
		fprintf(w->out, ", page: %s, at: %u", w->g->pages[r->page].name, n->args[IR_AT]);
	if (r->at_var != NONE)
		fprintf(w->out, ", end: %u", r->at_var);
	if (r->strict)
		fprintf(w->out, ", strict: true");
	if (r->prev)
		fprintf(w->out, ", prev: true");
	if (r->nest)
		fprintf(w->out, ", nest: true");
	fprintf(w->out, ", body: %u", n->args[IR_BODY]);
	if (n->args[IR_WHERE] != NONE)
		fprintf(w->out, ", where: %u", n->args[IR_WHERE]);
	fprintf(w->out, ", identity: ");
	put_scalar(w, type, (scalar){.bits = r->identity});
}

static void put_node(writer *w, ir_id id, uint32_t depth)
{
	const ir_node *n = ir_at(w->g, id);
	fprintf(w->out, "%*s- {id: %u, type: %s, ", (int)(2 * depth), "", id, type_table[n->type].name);
	switch ((ir_kind)n->kind) {
	case IR_CONST:
		fprintf(w->out, "const: ");
		put_scalar(w, n->type, n->u.value);
		break;
	case IR_PARAM: fprintf(w->out, "param: %s", w->g->params[n->u.id].name); break;
	case IR_OP: fprintf(w->out, "op: %s", op_table[n->op].name); break;
	case IR_CONV: fprintf(w->out, "conv: true"); break;
	case IR_READ: put_read(w, n); break;
	case IR_REDUCE: put_reduce(w, n); break;
	case IR_COUNT: fprintf(w->out, "count: true"); break;
	case IR_GUARD: fprintf(w->out, "guard: %s", ir_yaml_guards[n->u.id]); break;
	default: fprintf(w->out, "%s: %u", ir_yaml_kinds[n->kind], n->u.id);
	}
	if (n->kind != IR_READ && n->kind != IR_REDUCE)
		put_args(w, "args", n->args, n->n_args);
	if (n->mask != NONE)
		fprintf(w->out, ", mask: %u", n->mask);
	if (n->line)
		fprintf(w->out, ", place: [%u, %u]", n->line, n->column);
	fprintf(w->out, "}\n");
}

/* The nodes of a root that are not written yet. */
static void put_nodes(writer *w, ir_id root, uint32_t depth)
{
	ir_list list = {0};
	if (root == NONE || !ir_walk_begin(w->g, &w->g->walk))
		return;
	ir_reach(w->g, &w->g->walk, root, true, &list);
	ir_list_sort(&list);
	for (uint32_t i = 0; i < list.count; i++) {
		if (w->written[list.items[i]])
			continue;
		w->written[list.items[i]] = 1;
		put_node(w, list.items[i], depth);
	}
}

static void put_edge(writer *w, const ir_edge *e)
{
	const ir_graph *g = w->g;
	fprintf(w->out, "  - page: %s\n    vars: [", g->pages[e->page].name);
	for (uint32_t i = 0; i < e->n_vars; i++)
		fprintf(w->out, i ? ", %u" : "%u", e->vars[i]);
	fprintf(w->out, "]\n    nodes:\n");
	for (uint32_t i = 0; i < e->n_outputs; i++)
		put_nodes(w, e->outputs[i], 3);
	put_nodes(w, e->start, 3);
	put_nodes(w, e->max_rounds, 3);
	put_nodes(w, e->tol, 3);
	fprintf(w->out, "    values: [");
	for (uint32_t i = 0; i < e->n_outputs; i++)
		fprintf(w->out, i ? ", %u" : "%u", e->outputs[i]);
	fprintf(w->out, "]\n");
	if (e->fix != FIX_NONE)
		fprintf(w->out, "    fix: %s\n    fix_op: %s\n", ir_yaml_fixes[e->fix], op_table[e->fix_op].name);
	if (e->start != NONE)
		fprintf(w->out, "    start: %u\n", e->start);
	if (e->start_page != NONE)
		fprintf(w->out, "    start_page: %s\n", g->pages[e->start_page].name);
	if (e->max_rounds != NONE)
		fprintf(w->out, "    max: %u\n", e->max_rounds);
	if (e->tol != NONE)
		fprintf(w->out, "    tol: %u\n", e->tol);
	fprintf(w->out, "    place: [%u, %u, %u]\n", e->file, e->line, e->column);
}

bool ir_write_yaml(ir_graph *g, FILE *out)
{
	writer w = {g, out, LANG_NEW_ARRAY(g->ctx, uint8_t, g->n_nodes + 1)};
	if (!w.written)
		return false;
	fprintf(out, "mmsb_graph: %u\nfiles:\n", IR_YAML_VERSION);
	for (uint32_t i = 0; i < g->n_files; i++) {
		fprintf(out, "  - ");
		quoted(&w, g->files[i]);
		fputc('\n', out);
	}
	put_params(&w);
	put_sizes(&w);
	put_records(&w);
	put_vars(&w);
	fprintf(out, "constants:\n");
	for (uint32_t i = 0; i < g->n_params; i++)
		put_nodes(&w, g->params[i].init, 1);
	for (uint32_t i = 0; i < g->n_pages; i++)
		put_nodes(&w, g->pages[i].init, 1);
	fprintf(out, "pages:\n");
	for (uint32_t i = 0; i < g->n_pages; i++)
		if (g->pages[i].fate == FATE_STORED)
			put_page(&w, &g->pages[i]);
	fprintf(out, "edges:\n");
	for (uint32_t i = 0; i < g->n_order; i++)
		if (!g->edges[g->order[i]].dead)
			put_edge(&w, &g->edges[g->order[i]]);
	return !g->ctx->oom && !ferror(out);
}
