/* emit_rows.c - operands of reductions over rows and columns as C: the functions that native_rows.h names. */
#include <inttypes.h>
#include <stdlib.h>

#include "../runtime/native_rows.h"
#include "emit.h"
#include "emit_c.h"

typedef struct writer {
	FILE *out;
	const schedule *s;
	const native_rows *rows;
	rows_part part;
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
	fprintf(w->out, "\t\tconst %s v%u = ", emit_c_type(v->type), id);
	if (w->part == ROWS_REST && hoisted_at(w, id) != NONE) {
		fprintf(w->out, "h%u[key[i]]", hoisted_at(w, id));
	} else if (v->kind == SPAN_CODE) {
		put_code(w, v);
	} else if (v->kind == SPAN_FIRST) {
		fputs(w->part == ROWS_EACH ? "first + (int64_t)i" : "key[i]", w->out);
	} else if (value_at(w, v->args[0])->kind == SPAN_FIRST) {
		fprintf(w->out, w->part == ROWS_EACH ? "a%u[i]" : "a%u[key[i]]", v->operand);
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
		if (w->used[i] && reads && v->operand == operand && !(w->part == ROWS_REST && hoisted_at(w, i) != NONE))
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
		if (w->used[i] && (v->kind == SPAN_FIRST || at_key || (w->part == ROWS_REST && hoisted_at(w, i) != NONE)))
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
		for (uint32_t a = 0; w->used[i] && v->kind == SPAN_CODE && a < v->n_args && !(w->part == ROWS_REST && hoisted_at(w, i) != NONE); a++)
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
	if (key_used(w))
		fputs(w->part == ROWS_EACH ? "\tconst int64_t first = *(const int64_t *)in[0];\n" : "\tconst uint32_t *const key = in[0];\n", w->out);
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
	for (uint32_t h = 0; h < r->n_hoisted && w->part == ROWS_REST; h++)
		fprintf(w->out, "\tconst %s *const h%u = in[%u]; /* by key */\n", emit_c_type(value_at(w, r->hoisted[h])->type), h, r->n_in + h + 1);
	if (w->part != ROWS_EACH)
		fprintf(w->out, "\t%s *const r0 = out[0];\n\t(void)in;\n", emit_c_type(value_at(w, r->value)->type));
	for (uint32_t h = 0; h < r->n_hoisted && w->part == ROWS_EACH; h++)
		fprintf(w->out, "\t%s *const r%u = out[%u];\n", emit_c_type(value_at(w, r->hoisted[h])->type), h, h);
}

static void put_result(const writer *w, uint32_t number, uint32_t value)
{
	fprintf(w->out, "\t\tr%u[i] = ", number);
	put_value(w, value);
	fputs(";\n", w->out);
}

static void put_function(writer *w, const sch_pass *pass)
{
	static const char *const what[ROWS_PARTS] = {"operands", "what depends on the key alone", "operands, with what depends on the key alone at hand"};
	const native_rows *r = w->rows;
	const sch_region *g = &w->s->regions[w->s->kernels[r->kernel].first_region + r->region];
	char name[NATIVE_NAME];
	native_rows_name(name, r, w->part);
	native_rows_used(r, w->part, w->used);
	drop_unused_keys(w);
	fprintf(w->out, "\n/* %s:%u: %s, within %s: %s */\nvoid %s(void *const *out, const void *const *in, size_t n);\n", emit_text(w->s, pass->file),
	        pass->line, emit_text(w->s, w->s->kernels[r->kernel].name), emit_reducer_name(g->reducer, g->op), what[w->part], name);
	fprintf(w->out, "void %s(void *const *out, const void *const *in, size_t n)\n{\n", name);
	put_operands(w);
	fputs("\tLANES\n\tfor (size_t i = 0; i < n; i++) {\n", w->out);
	for (uint32_t i = 0; i < r->n_values; i++)
		put_definition(w, i);
	if (w->part != ROWS_EACH)
		put_result(w, 0, r->value);
	for (uint32_t h = 0; h < r->n_hoisted && w->part == ROWS_EACH; h++)
		put_result(w, h, r->hoisted[h]);
	fputs("\t}\n}\n", w->out);
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
