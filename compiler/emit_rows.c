/* emit_rows.c - operands of reductions over rows and columns as C: the functions that native_rows.h names. */
#include <inttypes.h>
#include <stdlib.h>

#include "../runtime/course.h"
#include "../runtime/native_rows.h"
#include "emit.h"
#include "emit_c.h"

typedef struct writer {
	FILE *out;
	const schedule *s;
	const native_rows *rows;
	rows_part part;
	const char *key, *indent; /* of the loop at hand: the key of an operand */
	uint8_t used[ROWS_VALUES];
} writer;

static const span_value *value_at(const writer *w, uint32_t id) { return &w->rows->values[id]; }

/* A hoisted value's number; NONE: it is none. */
static uint32_t hoisted_at(const writer *w, uint32_t id)
{
	for (uint32_t h = 0; h < w->rows->n_hoisted; h++)
		if (w->rows->hoisted[h] == id)
			return h;
	return NONE;
}

/* ---- values ------------------------------------------------------------------------------------ */

static void put_value(const writer *w, uint32_t id)
{
	const span_value *v = value_at(w, id);
	bool at_hand = v->kind == SPAN_CONST || v->kind == SPAN_LANES || v->kind == SPAN_ONE;
	if (v->kind == SPAN_CONST)
		emit_c_constant(w->out, v->type, v->imm);
	else if (at_hand)
		fprintf(w->out, v->kind == SPAN_ONE ? "k%u" : "a%u[i]", v->operand);
	else
		fprintf(w->out, "v%u", id);
}

static void put_code(const writer *w, const span_value *v)
{
	if (v->code == CODE_OP)
		fprintf(w->out, "mmsb_%s_%s(", op_table[v->op].name, type_table[v->from].name);
	else
		fprintf(w->out, "mmsb_conv_%s_%s(", type_table[v->from].name, type_table[v->type].name);
	for (uint32_t a = 0; a < v->n_args; a++) {
		fputs(a ? ", " : "", w->out);
		put_value(w, v->args[a]);
	}
	fputc(')', w->out);
}

static void put_definition(const writer *w, uint32_t id)
{
	const span_value *v = value_at(w, id);
	if (!w->used[id] || v->kind == SPAN_CONST || v->kind == SPAN_LANES || v->kind == SPAN_ONE)
		return;
	fprintf(w->out, "%sconst %s v%u = ", w->indent, emit_c_type(v->type), id);
	if (rows_part_is_rest(w->part) && hoisted_at(w, id) != NONE) {
		fprintf(w->out, "h%u[%s]", hoisted_at(w, id), w->key);
	} else if (v->kind == SPAN_CODE) {
		put_code(w, v);
	} else if (v->kind == SPAN_FIRST) {
		fprintf(w->out, w->part == ROWS_EACH ? "first + (int64_t)i" : "(int64_t)(%s)", w->key);
	} else if (value_at(w, v->args[0])->kind == SPAN_FIRST) {
		fprintf(w->out, w->part == ROWS_EACH ? "a%u[i]" : "a%u[%s]", v->operand, w->key);
	} else {
		fprintf(w->out, "a%u[", v->operand);
		put_value(w, v->args[0]);
		fputc(']', w->out);
	}
	fputs(";\n", w->out);
}

/* ---- functions --------------------------------------------------------------------------------- */

/* Whether a value that is computed here is, or reads, this operand. */
static bool operand_used(const writer *w, uint32_t operand)
{
	for (uint32_t i = 0; i < w->rows->n_values; i++) {
		const span_value *v = value_at(w, i);
		bool reads = v->kind == SPAN_LANES || v->kind == SPAN_ONE || v->kind == SPAN_GATHER;
		if (w->used[i] && reads && v->operand == operand && !(rows_part_is_rest(w->part) && hoisted_at(w, i) != NONE))
			return true;
	}
	return false;
}

/* Once drop_unused_keys has been here. */
static bool key_used(const writer *w)
{
	for (uint32_t i = 0; i < w->rows->n_values; i++) {
		const span_value *v = value_at(w, i);
		bool at_key = v->kind == SPAN_GATHER && value_at(w, v->args[0])->kind == SPAN_FIRST && w->part != ROWS_EACH;
		if (w->used[i] && (v->kind == SPAN_FIRST || at_key || (rows_part_is_rest(w->part) && hoisted_at(w, i) != NONE)))
			return true;
	}
	return false;
}

/* The key is named where a read at it does not do. */
static void drop_unused_keys(writer *w)
{
	uint8_t named[ROWS_VALUES] = {0};
	for (uint32_t i = 0; i < w->rows->n_values; i++) {
		const span_value *v = value_at(w, i);
		for (uint32_t a = 0; w->used[i] && v->kind == SPAN_CODE && a < v->n_args && !(rows_part_is_rest(w->part) && hoisted_at(w, i) != NONE); a++)
			named[v->args[a]] = 1;
	}
	named[w->rows->value] = 1;
	for (uint32_t i = 0; i < w->rows->n_values; i++)
		if (value_at(w, i)->kind == SPAN_FIRST && !named[i])
			w->used[i] = 0;
}

static void put_operands(const writer *w)
{
	const native_rows *r = w->rows;
	const sch_kernel *k = &w->s->kernels[r->kernel];
	if (w->part == ROWS_EACH && key_used(w))
		fputs("\tconst int64_t first = *(const int64_t *)in[0];\n", w->out);
	else if (rows_part_is_arranged(w->part))
		fprintf(w->out, "\tconst uint32_t *key = in[0];\n\tconst uint8_t *const row = in[%u];\n", r->n_in + r->n_hoisted + 1);
	else if (key_used(w))
		fputs("\tconst uint32_t *const key = in[0];\n", w->out);
	for (uint32_t i = 0; i < r->n_in; i++) {
		const rows_operand *o = &r->in[i];
		const char *type = emit_c_type(o->type);
		if (!operand_used(w, i))
			continue;
		if (o->source == ROWS_KNOWN)
			fprintf(w->out, "\tconst %s k%u = *(const %s *)in[%u];", type, i, type, i + 1);
		else
			fprintf(w->out, "\tconst %s *const a%u = in[%u];", type, i, i + 1);
		if (o->source != ROWS_OUTER)
			emit_c_origin(w->out, w->s, r->kernel, &w->s->instrs[k->first_instr + o->instr]);
		fputc('\n', w->out);
	}
	for (uint32_t h = 0; h < r->n_hoisted && rows_part_is_rest(w->part); h++)
		fprintf(w->out, "\tconst %s *const h%u = in[%u]; /* by key */\n", emit_c_type(value_at(w, r->hoisted[h])->type), h, r->n_in + h + 1);
	if (w->part != ROWS_EACH)
		fprintf(w->out, "\t%s *const r0 = out[0];\n\t(void)in;\n", emit_c_type(value_at(w, r->value)->type));
	for (uint32_t h = 0; h < r->n_hoisted && w->part == ROWS_EACH; h++)
		fprintf(w->out, "\t%s *const r%u = out[%u];\n", emit_c_type(value_at(w, r->hoisted[h])->type), h, h);
}

static void put_result(const writer *w, uint32_t number, uint32_t value)
{
	fprintf(w->out, "%sr%u[i] = ", w->indent, number);
	put_value(w, value);
	fputs(";\n", w->out);
}

static void put_values(writer *w, const char *key, const char *indent)
{
	const native_rows *r = w->rows;
	w->key = key;
	w->indent = indent;
	for (uint32_t i = 0; i < r->n_values; i++)
		put_definition(w, i);
	if (w->part != ROWS_EACH)
		put_result(w, 0, r->value);
	for (uint32_t h = 0; h < r->n_hoisted && w->part == ROWS_EACH; h++)
		put_result(w, h, r->hoisted[h]);
}

/* Short loops of known lengths are not to be taken apart: gcc makes no vectors of the pieces. */
static const char short_lanes[] =
	"\n#ifndef SHORT_LANES\n#ifdef __clang__\n#define SHORT_LANES LANES\n#else\n#define SHORT_LANES LANES _Pragma(\"GCC unroll 1\")\n#endif\n#endif\n";

/* Blocks of rows are mostly computed in the order in which they lie in memory: what comes next is asked for while these are combined. */
static void put_requests(const writer *w, uint32_t side)
{
	fputs("\t\t__builtin_prefetch((const char *)key + MMSB_AHEAD / 2);\n", w->out);
	for (uint32_t i = 0; i < w->rows->n_in; i++)
		for (uint32_t b = 0; w->rows->in[i].source == ROWS_ENTRY && operand_used(w, i) && b < side * type_table[w->rows->in[i].type].bytes; b += 64)
			fprintf(w->out, "\t\t__builtin_prefetch((const char *)(a%u + %u * r) + MMSB_AHEAD + %u);\n", i, side, b);
}

/* Rows of as many operands as a group has leaves. */
static void put_arranged_loops(writer *w)
{
	uint32_t side = arranged_lanes(type_table[value_at(w, w->rows->value)->type].bytes);
	const char *const lanes = "\t\t\tSHORT_LANES\n\t\t\tfor (size_t j = 0; j < %u; j++) {\n\t\t\t\tconst size_t i = %u * r + j;\n";
	fputs("\tfor (size_t r = 0; r < n; r++) {\n", w->out);
	put_requests(w, side);
	fprintf(w->out, "\t\tif (row[r] & %u) { /* keys that count up */\n\t\t\tconst size_t first = *key++;\n\t\t\t(void)first;\n", ARRANGED_RUN);
	fprintf(w->out, lanes, side, side);
	put_values(w, "first + j", "\t\t\t\t");
	fprintf(w->out, "\t\t\t}\n\t\t} else {\n");
	fprintf(w->out, lanes, side, side);
	put_values(w, "key[j]", "\t\t\t\t");
	fprintf(w->out, "\t\t\t}\n\t\t\tkey += %u;\n\t\t}\n\t}\n", side);
}

static void put_function(writer *w, const sch_pass *pass)
{
	static const char *const what[ROWS_PARTS] = {"operands", "operands, arranged", "what depends on the key alone",
	                                             "operands, with what depends on the key alone at hand", "the same, arranged"};
	const native_rows *r = w->rows;
	const sch_region *g = &w->s->regions[w->s->kernels[r->kernel].first_region + r->region];
	char name[NATIVE_NAME];
	native_rows_name(name, r, w->part);
	native_rows_used(r, w->part, w->used);
	drop_unused_keys(w);
	if (w->part == ROWS_DIRECT_ARRANGED)
		fputs(short_lanes, w->out);
	fprintf(w->out, "\n/* %s:%u: %s, within %s: %s */\nvoid %s(void *const *out, const void *const *in, size_t n);\n", emit_text(w->s, pass->file),
	        pass->line, emit_text(w->s, w->s->kernels[r->kernel].name), emit_reducer_name(g->reducer, g->op), what[w->part], name);
	fprintf(w->out, "void %s(void *const *out, const void *const *in, size_t n)\n{\n", name);
	put_operands(w);
	if (rows_part_is_arranged(w->part)) {
		put_arranged_loops(w);
	} else {
		fputs("\tLANES\n\tfor (size_t i = 0; i < n; i++) {\n", w->out);
		put_values(w, "key[i]", "\t\t");
		fputs("\t}\n", w->out);
	}
	fputs("}\n", w->out);
}

bool emit_c_rows(FILE *out, const schedule *s, uint32_t pass)
{
	const sch_pass *p = &s->passes[pass];
	native_rows *rows = malloc(sizeof *rows);
	writer w = {.out = out, .s = s, .rows = rows};
	for (uint32_t r = 1; rows && r < s->kernels[p->kernel].n_regions; r++) {
		if (!native_rows_find(rows, s, p->kernel, r))
			continue;
		for (w.part = ROWS_DIRECT; w.part < (rows->n_hoisted ? ROWS_PARTS : ROWS_EACH); w.part++)
			put_function(&w, p);
	}
	free(rows);
	return rows != NULL;
}
