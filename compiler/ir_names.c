/* ir_names.c - sizes, types and values as text. */
#include "ir.h"

#include <inttypes.h>
#include <string.h>

#include "../runtime/number.h"

static const char *size_text(ir_graph *g, uint32_t id, bool product)
{
	const sch_size *s = &g->sizes[id];
	const char *a, *b, *text;
	switch ((size_kind)s->kind) {
	case SIZE_CONST:
		text = lang_sprintf(g->ctx, product && s->value < 0 ? "(%" PRId64 ")" : "%" PRId64, s->value);
		break;
	case SIZE_PARAM: text = g->params[s->a].name; break;
	case SIZE_MUL:
		a = size_text(g, s->a, true);
		b = size_text(g, s->b, true);
		text = lang_sprintf(g->ctx, "%s*%s", a, b);
		break;
	default:
		a = size_text(g, s->a, false);
		b = size_text(g, s->b, s->kind == SIZE_SUB);
		text = lang_sprintf(g->ctx, product ? "(%s %c %s)" : "%s %c %s", a, s->kind == SIZE_SUB ? '-' : '+', b);
	}
	return text ? text : "";
}

const char *ir_size_text(ir_graph *g, uint32_t size)
{
	return size_text(g, size, false);
}

const char *ir_page_type_text(ir_graph *g, const ir_page *p)
{
	const char *text = p->type == T_COUNT ? g->records[p->record].name : type_table[p->type].name;
	if (p->index_size != NONE)
		text = lang_sprintf(g->ctx, "index(%s)", ir_size_text(g, p->index_size));
	if (p->sparse)
		text = lang_sprintf(g->ctx, "sparse %s", text ? text : "");
	for (uint32_t d = 0; d < p->ndim && text; d++)
		text = lang_sprintf(g->ctx, "%s%s%s%s", text, d ? ", " : "[", ir_size_text(g, p->dims[d]),
		                    d + 1 == p->ndim ? "]" : "");
	return text ? text : "";
}

void ir_scalar_text(uint8_t type, scalar value, char *buf, size_t size)
{
	char text[NUMBER_ROOM + 1];
	size_t n = number_print(text, type, value);
	text[n] = '\0';
	bool whole = type_table[type].kind == KIND_F && !strpbrk(text, ".en");
	snprintf(buf, size, whole ? "%s.0" : "%s", text);
}
