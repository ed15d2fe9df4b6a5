/* emit_dot.c - the program as a picture for Graphviz: mmsbc emit dot.
 *
 * Pages are nodes, coloured by role; arrows say how a page is accessed, dashed where it is the epoch before. A frame
 * stands around what is evaluated in one pass: the page that is stored, and those that were fused into it. */
#include <string.h>

#include "compile.h"
#include "emit.h"

enum { MAX_LABEL = 160 };

/* All reads of one page by another, as one arrow. */
typedef struct arrow {
	uint32_t from, to;
	bool prev;
	char label[MAX_LABEL];
} arrow;

typedef struct drawing {
	ir_graph *g;             /* before fusion: who reads whom */
	const ir_graph *result;  /* after it: what became of pages */
	FILE *out;
	IR_TABLE(arrow, arrows);
} drawing;

/* ---- text -------------------------------------------------------------------------------------- */

/* Inside an HTML-like label, and inside quotes. */
static void escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&': fputs("&amp;", out); break;
		case '<': fputs("&lt;", out); break;
		case '>': fputs("&gt;", out); break;
		case '"': fputs("&quot;", out); break;
		case '\\': fputs("&#92;", out); break;
		default: fputc(*text, out);
		}
	}
}

/* ---- arrows ------------------------------------------------------------------------------------ */

static void add_arrow(drawing *d, uint32_t from, uint32_t to, bool prev, const char *label)
{
	ir_graph *g = d->g;
	uint32_t i = 0;
	while (i < d->n_arrows && (d->arrows[i].from != from || d->arrows[i].to != to || d->arrows[i].prev != prev))
		i++;
	if (i == d->n_arrows) {
		arrow a = {.from = from, .to = to, .prev = prev};
		if (!lang_grow(g->ctx, (void **)&d->arrows, d->n_arrows, &d->cap_arrows, sizeof *d->arrows))
			return;
		d->arrows[d->n_arrows++] = a;
	}
	char *text = d->arrows[i].label;
	/* A label is said once, and not within another. */
	for (const char *at = text; (at = strstr(at, label)) != NULL; at++) {
		char before = at == text ? ' ' : at[-1], after = at[strlen(label)];
		if (before == ' ' && (after == ',' || after == '\0'))
			return;
	}
	size_t n = strlen(text);
	snprintf(text + n, MAX_LABEL - n, "%s%s", n ? ", " : "", label);
}

/* How a read accesses its page, reductions around it included. */
static const char *access_text(const ir_place *p, const ir_node *n, uint32_t region)
{
	read_class cls = ir_classify(p->g, p->edge, n);
	if (cls == READ_ENTRY)
		return "entries";
	for (; region != 0; region = p->regions[region].parent) {
		const ir_reduce *r = &ir_at(p->g, p->regions[region].reduce)->u.reduce;
		if (!ir_set_has(p->g, n->free, r->var))
			continue;
		if (cls == READ_GATHER)
			return "gather";
		switch ((region_kind)r->region) {
		case REGION_GROUP: return "group";
		case REGION_PREFIX: return "prefix";
		case REGION_ROW: return "row";
		case REGION_COL: return "column";
		default: return cls == READ_AFFINE ? "window" : "reduce";
		}
	}
	return emit_class_name(cls);
}

/* Whether a reduction over a pattern reads an entry of it: then that arrow says all. */
static bool reads_entries(const ir_place *p, ir_id reduce, const ir_node *over)
{
	for (uint32_t r = 1; r < p->n_regions; r++)
		for (uint32_t i = 0; p->regions[r].reduce == reduce && i < p->regions[r].nodes.count; i++) {
			const ir_node *n = ir_at(p->g, p->regions[r].nodes.items[i]);
			if (n->kind == IR_READ && n->u.read.entry && ir_pattern(p->g, n->u.read.page) == over->u.reduce.page)
				return true;
		}
	return false;
}

static void edge_arrows(drawing *d, const ir_edge *e)
{
	ir_graph *g = d->g;
	ir_place *p = ir_place_new(g, e, e->outputs, e->n_outputs);
	for (uint32_t r = 0; p && r < p->n_regions; r++) {
		const ir_list *nodes = &p->regions[r].nodes;
		for (uint32_t i = 0; i < nodes->count; i++) {
			const ir_node *n = ir_at(g, nodes->items[i]);
			if (n->kind == IR_READ)
				add_arrow(d, n->u.read.page, e->page, n->u.read.prev, access_text(p, n, r));
			else if (n->kind == IR_REDUCE && n->u.reduce.region == REGION_GROUP)
				add_arrow(d, n->u.reduce.page, e->page, n->u.reduce.prev, "key");
			else if (n->kind == IR_REDUCE && n->u.reduce.page != NONE && !reads_entries(p, nodes->items[i], n))
				add_arrow(d, n->u.reduce.page, e->page, n->u.reduce.prev, "entries");
		}
	}
	const ir_page *page = &g->pages[e->page];
	if (page->like != NONE)
		add_arrow(d, page->like, e->page, false, "entries");
	if (page->init_page != NONE)
		add_arrow(d, page->init_page, e->page, false, "init");
}

/* An arrow from the epoch before may go against the others; beside one of this epoch it goes along. */
static bool goes_along(const drawing *d, const arrow *a)
{
	for (uint32_t i = 0; i < d->n_arrows; i++)
		if (d->arrows[i].from == a->from && d->arrows[i].to == a->to && !d->arrows[i].prev)
			return true;
	return a->from == a->to;
}

static void put_arrows(const drawing *d)
{
	for (uint32_t i = 0; i < d->n_arrows; i++) {
		const arrow *a = &d->arrows[i];
		fprintf(d->out, "  p%u -> p%u [label=\"%s\"", a->from, a->to, a->label);
		if (a->prev)
			fprintf(d->out, ", style=dashed, color=\"#c2681c\", fontcolor=\"#c2681c\", constraint=%s",
			        goes_along(d, a) ? "true" : "false");
		else if (a->from == a->to)
			fprintf(d->out, ", color=\"#7b3fa0\", fontcolor=\"#7b3fa0\", penwidth=1.6");
		fprintf(d->out, "];\n");
	}
}

/* ---- pages ------------------------------------------------------------------------------------- */

static void put_page(const drawing *d, uint32_t id, const char *indent)
{
	static const char *const fixes[] = {NULL, "fix", "fix, bounded", "fix, numeric"};
	const ir_page *p = &d->result->pages[id];
	const char *fill = "#f4f4f2", *line = "#8a8a86", *style = "filled,rounded", *shape = "box";
	if (p->role == PAGE_ROLE_IN) {
		fill = "#dbe9f8";
		line = "#2f6db5";
	} else if (p->role == PAGE_ROLE_OUT) {
		fill = "#dcf2df";
		line = "#2c8a4b";
	} else if (p->fate != FATE_STORED) {
		fill = "#ffffff";
		style = "filled,rounded,dashed";
	}
	if (p->sparse)
		shape = "hexagon";
	else if (p->ndim == 0)
		shape = "ellipse";
	fprintf(d->out, "%sp%u [shape=%s, style=\"%s\", fillcolor=\"%s\", color=\"%s\"%s, label=<<b>", indent, id, shape, style,
	        fill, line, p->state ? ", peripheries=2" : "");
	escaped(d->out, p->name);
	fprintf(d->out, "</b><br/><font point-size=\"10\" color=\"#555555\">");
	escaped(d->out, ir_page_type_text(d->g, p));
	fprintf(d->out, "</font>");
	const char *fix = p->edge == NONE ? NULL : fixes[d->g->edges[p->edge].fix];
	if (fix || p->attrs & (PAGE_STATIC | PAGE_LAZY))
		fprintf(d->out, "<br/><font point-size=\"9\" color=\"#7b3fa0\">%s</font>",
		        fix ? fix : p->attrs & PAGE_STATIC ? "static" : "lazy");
	fprintf(d->out, ">];\n");
}

static bool is_drawn(const drawing *d, uint32_t id)
{
	return d->result->pages[id].fate != FATE_UNUSED;
}

/* The page with all that was fused into it; alone it needs no frame. */
static void put_group(const drawing *d, uint32_t id)
{
	uint32_t fused = 0;
	for (uint32_t i = 0; i < d->result->n_pages; i++)
		fused += d->result->pages[i].fate == FATE_FUSED && d->result->pages[i].user == id;
	if (fused == 0) {
		put_page(d, id, "  ");
		return;
	}
	fprintf(d->out, "  subgraph cluster_%u {\n    label=\"one pass\"; labeljust=l; fontsize=10; fontcolor=\"#8a8a86\";\n"
	                "    style=\"rounded,filled\"; fillcolor=\"#fbfaf5\"; color=\"#d8d3bf\"; margin=14;\n", id);
	for (uint32_t i = 0; i < d->result->n_pages; i++)
		if (d->result->pages[i].fate == FATE_FUSED && d->result->pages[i].user == id)
			put_page(d, i, "    ");
	put_page(d, id, "    ");
	fprintf(d->out, "  }\n");
}

void emit_dot(ir_graph *before, const ir_graph *after, FILE *out)
{
	drawing d = {.g = before, .result = after, .out = out};
	const char *title = before->n_files ? before->files[0] : "";
	fprintf(out, "digraph program {\n"
	             "  rankdir=LR; bgcolor=\"#ffffff\"; pad=0.3; nodesep=0.35; ranksep=0.85; splines=true;\n"
	             "  fontname=\"Helvetica,Arial,sans-serif\"; fontsize=11; labelloc=b;\n"
	             "  node [fontname=\"Helvetica,Arial,sans-serif\", fontsize=13, penwidth=1.4, margin=\"0.16,0.09\"];\n"
	             "  edge [fontname=\"Helvetica,Arial,sans-serif\", fontsize=10, color=\"#6b6b6b\", fontcolor=\"#4a4a4a\", "
	             "arrowsize=0.7];\n"
	             "  label=<<br/>");
	escaped(out, strrchr(title, '/') ? strrchr(title, '/') + 1 : title);
	fprintf(out, "<br/><font color=\"#2f6db5\">source</font> &#183; <font color=\"#2c8a4b\">observable</font> &#183; "
	             "<font color=\"#8a8a86\">internal (dashed: fused, never stored)</font> &#183; "
	             "<font color=\"#c2681c\">the epoch before</font>>;\n");
	for (uint32_t i = 0; i < after->n_pages; i++)
		if (is_drawn(&d, i) && after->pages[i].fate == FATE_STORED)
			put_group(&d, i);
	for (uint32_t i = 0; i < before->n_order; i++)
		if (!before->edges[before->order[i]].dead)
			edge_arrows(&d, &before->edges[before->order[i]]);
	put_arrows(&d);
	fprintf(out, "}\n");
}
