/* ir_text.c - the graph as text for people: mmsbc emit ir.
 *
 *     edge bybook[b in 0..B]
 *       %0 : f64 = sum i in group book == b
 *         %1 : f64 = read qty[i]                    permute, group
 *         yield %1
 *       bybook = %0 */
#include <inttypes.h>
#include <stdarg.h>

#include "builder.h"
#include "emit.h"

typedef struct printer {
	ir_graph *g;
	FILE *out;
	const ir_edge *edge;
	ir_place *place;
	uint32_t next;   /* number of the next value */
	uint32_t column; /* of what is printed next */
} printer;

static void say(printer *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(printer *p, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int n = vfprintf(p->out, fmt, args);
	va_end(args);
	p->column += n > 0 ? (uint32_t)n : 0;
}

static void indent(printer *p, uint32_t depth)
{
	p->column = 0;
	say(p, "%*s", (int)(2 * depth), "");
}

static void end_line(printer *p, const char *remark)
{
	if (remark)
		say(p, "%*s; %s", p->column < 56 ? (int)(56 - p->column) : 1, "", remark);
	fputc('\n', p->out);
}

/* ---- values ------------------------------------------------------------------------------------ */

/* A leaf by itself, anything else by its number. */
static void value(printer *p, ir_id id, uint32_t region)
{
	char text[64];
	const ir_node *n = ir_at(p->g, id);
	switch ((ir_kind)n->kind) {
	case IR_CONST:
		ir_scalar_text(n->type, n->u.value, text, sizeof text);
		say(p, "%s", text);
		return;
	case IR_PARAM: say(p, "%s", p->g->params[n->u.id].name); return;
	case IR_SIZE: say(p, "(%s)", ir_size_text(p->g, n->u.id)); return;
	case IR_VAR: say(p, "%s", p->g->vars[n->u.id].name); return;
	default: break;
	}
	const ir_placed *at = ir_place_find(p->place, id, region);
	say(p, "%%%u", at ? at->value : NONE);
}

static void term(printer *p, const sch_term *t, bool first)
{
	const char *name = t->kind == TERM_VAR ? p->g->vars[t->id].name : ir_size_text(p->g, t->id);
	uint64_t size = t->coef < 0 ? 0 - (uint64_t)t->coef : (uint64_t)t->coef;
	say(p, "%s", first ? (t->coef < 0 ? "-" : "") : t->coef < 0 ? " - " : " + ");
	if (size != 1)
		say(p, "%" PRIu64 "*", size);
	say(p, "%s", name);
}

static void index_text(printer *p, ir_id id, uint32_t region)
{
	ir_affine a;
	if (!ir_affine_of(p->g, id, &a)) {
		value(p, id, region);
		return;
	}
	for (uint32_t t = 0; t < a.n; t++)
		term(p, &a.terms[t], t == 0);
	if (a.n == 0)
		say(p, "%" PRId64, a.constant);
	else if (a.constant != 0)
		say(p, a.constant < 0 ? " - %" PRIu64 : " + %" PRIu64,
		    a.constant < 0 ? 0 - (uint64_t)a.constant : (uint64_t)a.constant);
}

static void read_text(printer *p, const ir_node *n, uint32_t region)
{
	static const char *const views[] = {"", "clamp ", "wrap ", "mirror ", "zero ", "pad "};
	const ir_page *page = &p->g->pages[n->u.read.page];
	uint32_t n_index = n->n_args - n->u.read.has_pad;
	say(p, "read %s%s%s", views[n->u.read.view], n->u.read.prev ? "prev " : "", page->name);
	for (uint32_t i = 0; i < n_index; i++) {
		say(p, i ? ", " : "[");
		index_text(p, n->args[i], region);
	}
	say(p, n_index ? "]" : "");
	if (page->type == T_COUNT)
		say(p, ".%s", p->g->records[page->record].fields[n->u.read.field].name);
	if (n->u.read.has_pad) {
		say(p, " else ");
		value(p, n->args[n_index], region);
	}
}

static void reduce_head(printer *p, const ir_node *n, uint32_t region)
{
	const ir_reduce *r = &n->u.reduce;
	const ir_var *v = &p->g->vars[r->var];
	const char *prev = r->prev ? "prev " : "";
	say(p, "reduce %s %s in ", emit_reducer_name(r->reducer, r->op), v->name);
	switch ((region_kind)r->region) {
	case REGION_ROW:
	case REGION_COL:
		say(p, "%s of %s%s[", r->region == REGION_ROW ? "row" : "column", prev, p->g->pages[r->page].name);
		index_text(p, n->args[IR_AT], region);
		say(p, "]");
		break;
	case REGION_GROUP:
		say(p, "group %s%s == ", prev, p->g->pages[r->page].name);
		index_text(p, n->args[IR_AT], region);
		break;
	case REGION_PREFIX: say(p, "0..%s%s", r->strict ? "" : "=", p->g->vars[r->at_var].name); break;
	default: say(p, "%s..", ir_size_text(p->g, v->lo)); say(p, "%s", ir_size_text(p->g, v->hi));
	}
	if (r->nest)
		say(p, " nesting");
}

/* ---- lines ------------------------------------------------------------------------------------- */

static void print_region(printer *p, uint32_t region, uint32_t depth);

static void node_text(printer *p, const ir_node *n, uint32_t region)
{
	switch ((ir_kind)n->kind) {
	case IR_OP: say(p, "%s", op_table[n->op].name); break;
	case IR_CONV: say(p, "conv"); break;
	case IR_TO_INDEX: say(p, "to_index(%s)", ir_size_text(p->g, n->u.id)); break;
	case IR_COUNT: say(p, "count"); break;
	case IR_GUARD: say(p, "guard %s", emit_guard_name(n->u.id)); break;
	default: break;
	}
	for (uint32_t i = 0; i < n->n_args; i++) {
		say(p, i ? ", " : " ");
		value(p, n->args[i], region);
	}
	if (n->mask != NONE) {
		say(p, " under ");
		value(p, n->mask, region);
	}
}

static void print_node(printer *p, ir_id id, uint32_t region, uint32_t depth)
{
	const ir_node *n = ir_at(p->g, id);
	if (n->kind == IR_CONST || n->kind == IR_PARAM || n->kind == IR_SIZE || n->kind == IR_VAR)
		return;
	ir_placed *at = ir_place_find(p->place, id, region);
	uint32_t inner = at->inner;
	at->value = p->next++;
	indent(p, depth);
	say(p, "%%%u : %s = ", at->value, type_table[n->type].name);
	if (n->kind == IR_READ) {
		const char *cls = emit_class_name(ir_classify(p->g, p->edge, n));
		const char *rule = emit_rule_name(derive_rule(p->place, n, region));
		read_text(p, n, region);
		end_line(p, lang_sprintf(p->g->ctx, "%s, delta %s", cls, rule));
	} else if (n->kind == IR_REDUCE) {
		reduce_head(p, n, region);
		end_line(p, NULL);
		print_region(p, inner, depth + 1);
	} else {
		node_text(p, n, region);
		end_line(p, NULL);
	}
}

static void print_region(printer *p, uint32_t region, uint32_t depth)
{
	const ir_list *nodes = &p->place->regions[region].nodes;
	for (uint32_t i = 0; i < nodes->count; i++)
		print_node(p, nodes->items[i], region, depth);
	if (region == 0)
		return;
	const ir_node *n = ir_at(p->g, p->place->regions[region].reduce);
	indent(p, depth);
	say(p, "yield ");
	value(p, n->args[IR_BODY], region);
	if (n->args[IR_WHERE] != NONE) {
		say(p, " where ");
		value(p, n->args[IR_WHERE], region);
	}
	end_line(p, NULL);
}

static void print_edge(printer *p, uint32_t id)
{
	static const char *const fixes[] = {"", " fix exact", " fix bounded", " fix numeric"};
	ir_graph *g = p->g;
	const ir_edge *e = &g->edges[id];
	const ir_page *page = &g->pages[e->page];
	p->edge = e;
	p->place = ir_place_new(g, e, e->outputs, e->n_outputs);
	p->next = 0;
	if (!p->place)
		return;
	say(p, "\nedge %s", page->name);
	for (uint32_t i = 0; i < e->n_vars; i++)
		say(p, "%s%s in 0..%s", i ? ", " : "[", g->vars[e->vars[i]].name, ir_size_text(g, g->vars[e->vars[i]].hi));
	say(p, "%s%s", e->n_vars ? "]" : "", fixes[e->fix]);
	if (page->sparse)
		say(p, " over the entries of %s", g->pages[ir_pattern(g, e->page)].name);
	end_line(p, NULL);
	print_region(p, 0, 1);
	for (uint32_t i = 0; i < e->n_outputs; i++) {
		indent(p, 1);
		say(p, "%s", page->name);
		if (page->type == T_COUNT)
			say(p, ".%s", g->records[page->record].fields[i].name);
		say(p, " = ");
		value(p, e->outputs[i], 0);
		end_line(p, NULL);
	}
}

static void print_page(printer *p, const ir_page *page)
{
	static const char *const roles[] = {"", " in", " out"};
	p->column = 0;
	say(p, "page %s : %s%s%s", page->name, ir_page_type_text(p->g, page), roles[page->role], page->state ? " state" : "");
	if (page->like != NONE)
		say(p, " like %s", p->g->pages[page->like].name);
	const char *why = page->why;
	if (why && page->fate != FATE_STORED)
		why = lang_sprintf(p->g->ctx, "%s: %s", page->fate == FATE_FUSED ? "fused" : "left out", why);
	else if (why)
		why = lang_sprintf(p->g->ctx, "stored: %s", why);
	end_line(p, why);
}

void ir_print(ir_graph *g, FILE *out)
{
	printer p = {.g = g, .out = out};
	for (uint32_t i = 0; i < g->n_params; i++)
		fprintf(out, "param %s : %s\n", g->params[i].name, g->params[i].is_size ? "size" : type_table[g->params[i].type].name);
	for (uint32_t i = 0; i < g->n_records; i++) {
		fprintf(out, "record %s {", g->records[i].name);
		for (uint32_t k = 0; k < g->records[i].n_fields; k++)
			fprintf(out, " %s : %s;", g->records[i].fields[k].name, type_table[g->records[i].fields[k].type].name);
		fprintf(out, " }\n");
	}
	for (uint32_t i = 0; i < g->n_pages; i++)
		print_page(&p, &g->pages[i]);
	for (uint32_t i = 0; i < g->n_order; i++)
		if (!g->edges[g->order[i]].dead)
			print_edge(&p, g->order[i]);
}
