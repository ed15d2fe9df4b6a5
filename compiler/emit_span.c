/* emit_span.c - whole passes as C: a function for each span that native_span.h names, with reads and arithmetic in one loop. */
#include <inttypes.h>
#include <stdlib.h>

#include "../runtime/native_span.h"
#include "emit.h"
#include "emit_c.h"

typedef struct writer {
	FILE *out;
	const schedule *s;
	const native_span *span;
} writer;

static const sch_kernel *kernel_of(const writer *w, uint32_t pass) { return &w->s->kernels[w->s->passes[pass].kernel]; }

static const sch_instr *source_of(const writer *w, uint32_t operand)
{
	const span_operand *o = &w->span->in[operand];
	return &w->s->instrs[kernel_of(w, o->pass)->first_instr + o->instr];
}

static const char *operand_type(const writer *w, uint32_t operand)
{
	const sch_instr *in = source_of(w, operand);
	return emit_c_type(in->code == CODE_SIZE || in->code == CODE_VAR ? T_I64 : in->type);
}

/* ---- values ------------------------------------------------------------------------------------ */

static void put_value(const writer *w, uint32_t id)
{
	const span_value *v = &w->span->values[id];
	switch ((span_kind)v->kind) {
	case SPAN_CONST: emit_c_constant(w->out, v->type, v->imm); break;
	case SPAN_LANES: fprintf(w->out, "a%u[i]", v->operand); break;
	case SPAN_ONE: fprintf(w->out, "k%u", v->operand); break;
	default: fprintf(w->out, "v%u", id); break;
	}
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
	const span_value *v = &w->span->values[id];
	if (v->kind != SPAN_CODE && v->kind != SPAN_FIRST && v->kind != SPAN_GATHER)
		return;
	fprintf(w->out, "\t\tconst %s v%u = ", emit_c_type(v->type), id);
	if (v->kind == SPAN_CODE) {
		put_code(w, v);
	} else if (v->kind == SPAN_FIRST) {
		fprintf(w->out, "k%u + (int64_t)i", v->operand);
	} else {
		fprintf(w->out, "a%u[", v->operand);
		put_value(w, v->args[0]);
		fputc(']', w->out);
	}
	fputs(";\n", w->out);
}

/* ---- functions --------------------------------------------------------------------------------- */

static void put_operands(const writer *w)
{
	for (uint32_t i = 0; i < w->span->n_in; i++) {
		const span_operand *o = &w->span->in[i];
		const char *type = operand_type(w, i);
		if (o->kind == SPAN_ONE || o->kind == SPAN_FIRST)
			fprintf(w->out, "\tconst %s k%u = *(const %s *)in[%u];", type, i, type, i);
		else
			fprintf(w->out, "\tconst %s *const a%u = in[%u];", type, i, i);
		emit_c_origin(w->out, w->s, w->s->passes[o->pass].kernel, source_of(w, i));
		fputc('\n', w->out);
	}
	if (w->span->n_in == 0)
		fputs("\t(void)in;\n", w->out);
	for (uint32_t i = 0; i < w->span->n_out; i++)
		fprintf(w->out, "\t%s *const r%u = out[%u];\n", emit_c_type(w->span->values[w->span->out[i].value].type), i, i);
}

static void put_function(const writer *w)
{
	char name[NATIVE_NAME];
	native_span_name(name, w->span);
	fputs("\n/* ", w->out);
	for (uint32_t p = w->span->first; p < w->span->first + w->span->n_passes; p++) {
		const sch_pass *pass = &w->s->passes[p];
		fprintf(w->out, "%s%s:%u: %s", p > w->span->first ? "; " : "", emit_text(w->s, pass->file), pass->line,
		        emit_text(w->s, kernel_of(w, p)->name));
	}
	fprintf(w->out, ": whole */\nvoid %s(void *const *out, const void *const *in, size_t n);\n", name);
	fprintf(w->out, "void %s(void *const *out, const void *const *in, size_t n)\n{\n", name);
	put_operands(w);
	fputs("\tLANES\n\tfor (size_t i = 0; i < n; i++) {\n", w->out);
	for (uint32_t i = 0; i < w->span->n_values; i++)
		put_definition(w, i);
	for (uint32_t i = 0; i < w->span->n_out; i++) {
		fprintf(w->out, "\t\tr%u[i] = ", i);
		put_value(w, w->span->out[i].value);
		fputs(";\n", w->out);
	}
	fputs("\t}\n}\n", w->out);
}

bool emit_c_spans(FILE *out, const schedule *s, uint32_t pass)
{
	native_span *span = malloc(sizeof *span);
	const writer w = {out, s, span};
	for (int together = 0; span && together < 2; together++)
		if (native_span_find(span, s, pass, together))
			put_function(&w);
	free(span);
	return span != NULL;
}
