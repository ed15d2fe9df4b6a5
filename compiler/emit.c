/* emit.c - names and types for the printers of schedules. */
#include "emit.h"

#include <inttypes.h>
#include <string.h>

#include "../runtime/guard.h"

const char *emit_class_name(uint32_t cls)
{
	static const char *const names[] = {"same", "shift", "permute", "uniform", "gather", "affine", "entry", "lookup"};
	return cls < sizeof names / sizeof names[0] ? names[cls] : "?";
}

const char *emit_rule_name(uint32_t rule)
{
	static const char *const names[] = {"same", "shift", "permute", "broadcast", "gather", "group", "prefix",
	                                    "window", "sparse", "whole", "inverse"};
	return rule < sizeof names / sizeof names[0] ? names[rule] : "?";
}

const char *emit_guard_name(uint32_t guard)
{
	static const char *const names[] = {
#define GUARD(id, holds, text) #id,
#include "../runtime/guard.def"
#undef GUARD
	};
	return guard < GUARD_COUNT ? names[guard] : "?";
}

const char *emit_fix_name(uint32_t kind)
{
	static const char *const names[] = {"", "exact fixpoint", "bounded fixpoint", "numeric fixpoint"};
	return kind < sizeof names / sizeof names[0] ? names[kind] : "?";
}

const char *emit_reducer_name(uint32_t reducer, uint32_t op)
{
	if (reducer != REDUCER_OP)
		return reducer == REDUCER_ARGMIN ? "argmin" : "argmax";
	switch (op) {
	case OP_ADD: return "sum";
	case OP_MUL: return "prod";
	case OP_LAND: return "all";
	case OP_LOR: return "any";
	default: return op_table[op].name;
	}
}

/* ---- text into a buffer that may be too small -------------------------------------------------- */

static void append(char *buf, size_t room, const char *text)
{
	size_t n = strlen(buf);
	if (n + 1 < room)
		snprintf(buf + n, room - n, "%s", text);
}

static void append_size(const schedule *s, uint32_t id, char *buf, size_t room, int product, int depth)
{
	char number[32];
	const sch_size *z = &s->sizes[id];
	if (depth > 32 || strlen(buf) + 1 >= room)
		return;
	switch (z->kind) {
	case SIZE_CONST:
		snprintf(number, sizeof number, product && z->value < 0 ? "(%" PRId64 ")" : "%" PRId64, z->value);
		append(buf, room, number);
		return;
	case SIZE_PARAM: append(buf, room, emit_text(s, s->params[z->a].name)); return;
	case SIZE_MUL:
		append_size(s, z->a, buf, room, 1, depth + 1);
		append(buf, room, "*");
		append_size(s, z->b, buf, room, 1, depth + 1);
		return;
	default:
		append(buf, room, product ? "(" : "");
		append_size(s, z->a, buf, room, 0, depth + 1);
		append(buf, room, z->kind == SIZE_SUB ? " - " : " + ");
		append_size(s, z->b, buf, room, z->kind == SIZE_SUB, depth + 1);
		append(buf, room, product ? ")" : "");
	}
}

void emit_size(const schedule *s, uint32_t size, char *buf, size_t room)
{
	buf[0] = '\0';
	append_size(s, size, buf, room, 0, 0);
}

void emit_page_type(const schedule *s, const sch_page *p, char *buf, size_t room)
{
	buf[0] = '\0';
	append(buf, room, p->flags & PAGEF_SPARSE ? "sparse " : "");
	if (p->index_size != NONE) {
		append(buf, room, "index(");
		append_size(s, p->index_size, buf, room, 0, 0);
		append(buf, room, ")");
	} else {
		append(buf, room, p->record != NONE ? emit_text(s, s->records[p->record].name) : type_table[p->type].name);
	}
	for (uint32_t d = 0; d < p->ndim; d++) {
		append(buf, room, d ? ", " : "[");
		append_size(s, p->dims[d], buf, room, 0, 0);
	}
	append(buf, room, p->ndim ? "]" : "");
}
