/* emit_span.c - whole passes as C: a function for each span and fold that native_span.h names, with reads and arithmetic in one loop. */
#include <inttypes.h>
#include <stdlib.h>

#include "../runtime/native_span.h"
#include "emit.h"
#include "emit_c.h"

typedef struct writer {
	FILE *out;
	const schedule *s;
	const native_span *span;
	const char *lane;       /* of arrays, as the text says it */
	bool listed;            /* elements that are not side by side: what varies between them is in arrays, too */
} writer;

static const sch_kernel *kernel_of(const writer *w, uint32_t pass) { return &w->s->kernels[w->s->passes[pass].kernel]; }

static const sch_instr *source_of(const writer *w, uint32_t operand)
{
	const span_operand *o = &w->span->in[operand];
	return &w->s->instrs[kernel_of(w, o->pass)->first_instr + o->instr];
}

static const char *result_type(const writer *w, uint32_t result) { return emit_c_type(w->span->values[w->span->out[result].value].type); }

/* The record whose field a result is, where fields stand apart in memory; or NONE. */
static uint32_t result_record(const writer *w, uint32_t result)
{
	const span_result *o = &w->span->out[result];
	const sch_page *page = &w->s->pages[w->s->passes[o->pass].page];
	return page->flags & PAGEF_SOA ? NONE : page->record;
}

/* Whether an operand has a value for each lane. */
static bool is_array(const writer *w, uint32_t i)
{
	const span_operand *o = &w->span->in[i];
	return (o->kind != SPAN_ONE && o->kind != SPAN_FIRST) || (w->listed && native_span_varies(w->span, w->s, i));
}

/* ---- values ------------------------------------------------------------------------------------ */

static void put_value(const writer *w, uint32_t id)
{
	const span_value *v = &w->span->values[id];
	switch ((span_kind)v->kind) {
	case SPAN_CONST: emit_c_constant(w->out, v->type, v->imm); break;
	case SPAN_LANES: case SPAN_ONE:
		if (is_array(w, v->operand))
			fprintf(w->out, "a%u[%s]", v->operand, w->lane);
		else
			fprintf(w->out, "k%u", v->operand);
		break;
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
	fprintf(w->out, "\t\t\tconst %s v%u = ", emit_c_type(v->type), id);
	if (v->kind == SPAN_CODE) {
		put_code(w, v);
	} else if (v->kind == SPAN_FIRST && w->listed) {
		fprintf(w->out, "a%u[%s]", v->operand, w->lane);
	} else if (v->kind == SPAN_FIRST) {
		fprintf(w->out, "k%u + (int64_t)(%s)", v->operand, w->lane);
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
		const char *type = emit_c_type(o->type);
		if (!is_array(w, i))
			fprintf(w->out, "\tconst %s k%u = *(const %s *)in[%u];", type, i, type, i);
		else
			fprintf(w->out, "\tconst %s *const a%u = in[%u];", type, i, i);
		emit_c_origin(w->out, w->s, w->s->passes[o->pass].kernel, source_of(w, i));
		fputc('\n', w->out);
	}
	if (w->span->n_in == 0)
		fputs("\t(void)in;\n", w->out);
}

/* Where results go, what they are compared with, and words of what changed. */
static void put_results(const writer *w)
{
	for (uint32_t i = 0; i < w->span->n_out; i++)
		fprintf(w->out, "\t%s *const r%u = out[%u];\n\tconst %s *const w%u = out[%u];\n\tuint64_t *const m%u = out[%u];\n", result_type(w, i), i, 3 * i,
		        result_type(w, i), i, 3 * i + 1, i, 3 * i + 2);
}

/* Operands and old values of blocks to come. What several operands read along the same row is one stream. */
static void put_asking(const writer *w)
{
	uint32_t streams = 0;
	for (uint32_t i = 0; i < w->span->n_in && streams < SPAN_STREAMS; i++)
		if (w->span->in[i].kind == SPAN_LANES && native_span_leads(w->span, w->s, i)) {
			fprintf(w->out, "\t\tMMSB_ASK(a%u + t, 64 * sizeof *a%u);\n", i, i);
			streams++;
		}
	for (uint32_t i = 0; i < w->span->n_out && i < SPAN_STREAMS; i++)
		fprintf(w->out, "\t\tMMSB_ASK((w%u ? w%u : r%u) + t, 64 * sizeof *r%u);\n", i, i, i, i);
}

/* The block at t, of which m lanes count. Fields of records stand apart. */
static void put_keeping(const writer *w, uint32_t i)
{
	const char *type = type_table[w->span->values[w->span->out[i].value].type].name;
	uint32_t record = result_record(w, i);
	if (record != NONE && !w->listed)
		fprintf(w->out, "\t\tm%u[t / 64] = mmsb_keep_few_%s((void *)((char *)r%u + t * %u), w%u ? (const void *)((const char *)w%u + t * %u) : 0, %u, l%u, m);\n", i, type, i,
		        w->s->records[record].size, i, i, w->s->records[record].size, w->s->records[record].size, i);
	else
		fprintf(w->out, "\t\tm%u[t / 64] = mmsb_keep_block_%s(r%u + t, w%u ? w%u + t : 0, l%u, m);\n", i, type, i, i, i, i);
}

static void put_function(const writer *w)
{
	char name[NATIVE_NAME];
	if (w->listed)
		native_span_listed_name(name, w->span);
	else
		native_span_name(name, w->span);
	fputs("\n/* ", w->out);
	for (uint32_t p = w->span->first; p < w->span->first + w->span->n_passes; p++) {
		const sch_pass *pass = &w->s->passes[p];
		fprintf(w->out, "%s%s:%u: %s", p > w->span->first ? "; " : "", emit_text(w->s, pass->file), pass->line,
		        emit_text(w->s, kernel_of(w, p)->name));
	}
	fprintf(w->out, ": %s */\nvoid %s(void *const *out, const void *const *in, size_t n);\n", w->listed ? "listed" : "whole", name);
	fprintf(w->out, "void %s(void *const *out, const void *const *in, size_t n)\n{\n", name);
	put_operands(w);
	put_results(w);
	fputs("\tfor (size_t t = 0; t < n; t += 64) {\n\t\tconst size_t m = n - t < 64 ? n - t : 64;\n", w->out);
	for (uint32_t i = 0; i < w->span->n_out; i++)
		fprintf(w->out, "\t\t%s l%u[64];\n", result_type(w, i), i);
	if (!w->listed)
		put_asking(w);
	fputs("\t\tLANES\n\t\tfor (size_t i = 0; i < 64; i++) {\n", w->out);
	for (uint32_t i = 0; i < w->span->n_values; i++)
		put_definition(w, i);
	for (uint32_t i = 0; i < w->span->n_out; i++) {
		fprintf(w->out, "\t\t\tl%u[i] = ", i);
		put_value(w, w->span->out[i].value);
		fputs(";\n", w->out);
	}
	fputs("\t\t}\n", w->out);
	for (uint32_t i = 0; i < w->span->n_out; i++)
		put_keeping(w, i);
	fputs("\t}\n}\n", w->out);
}

/* Operands of the tile after the next one: what a tile computes after it has read its own would keep the caches waiting. */
static void put_fold_asking(const writer *w)
{
	uint32_t arrays = 0;
	for (uint32_t i = 0; i < w->span->n_in; i++)
		if (w->span->in[i].kind == SPAN_LANES && arrays++ < 8)
			fprintf(w->out, "\t\tfor (size_t b = 0; b < MMSB_TREE_TILE * sizeof *a%u; b += 64)\n"
			        "\t\t\t__builtin_prefetch((const char *)(a%u + t + MMSB_TREE_TILE) + b);\n", i, i);
}

static void put_fold(const writer *w, uint32_t region)
{
	char name[NATIVE_NAME];
	const sch_pass *pass = &w->s->passes[w->span->first];
	const sch_region *g = &w->s->regions[kernel_of(w, w->span->first)->first_region + region];
	const span_value *value = &w->span->values[w->span->out[0].value];
	const char *type = emit_c_type(value->type), *combine = g->reducer == REDUCER_OP ? op_table[g->op].name : g->reducer == REDUCER_ARGMIN ? "min" : "max";
	bool plain = value->kind == SPAN_LANES;
	native_fold_name(name, w->s, w->span->first, region);
	fprintf(w->out, "\n/* %s:%u: %s, %s */\n", emit_text(w->s, pass->file), pass->line, emit_text(w->s, kernel_of(w, w->span->first)->name),
	        emit_reducer_name(g->reducer, g->op));
	fprintf(w->out, "void %s(void *const *out, const void *const *in, size_t n);\nvoid %s(void *const *out, const void *const *in, size_t n)\n{\n", name, name);
	put_operands(w);
	fprintf(w->out, "\t%s *const r = out[0], scratch[MMSB_TREE_TILE / 2];\n", type);
	fputs(g->reducer == REDUCER_OP ? "" : "\tuint32_t *const at = out[1];\n", w->out);
	fputs("\tfor (size_t t = 0; t < n; t += MMSB_TREE_TILE) {\n\t\tconst size_t m = n - t < MMSB_TREE_TILE ? n - t : MMSB_TREE_TILE;\n", w->out);
	put_fold_asking(w);
	if (plain) {
		fprintf(w->out, "\t\tconst %s *const lanes = a%u + t;\n", type, value->operand);
	} else {
		fprintf(w->out, "\t\t%s lanes[MMSB_TREE_TILE];\n\t\tLANES\n\t\tfor (size_t i = t; i < t + m; i++) {\n", type);
		for (uint32_t i = 0; i < w->span->n_values; i++)
			put_definition(w, i);
		fputs("\t\t\tlanes[i - t] = ", w->out);
		put_value(w, w->span->out[0].value);
		fputs(";\n\t\t}\n", w->out);
	}
	fprintf(w->out, "\t\tr[t / MMSB_TREE_TILE] = mmsb_tree_%s_%s(lanes, scratch, m);\n", combine, type_table[value->type].name);
	if (g->reducer != REDUCER_OP)
		fprintf(w->out, "\t\tat[t / MMSB_TREE_TILE] = (uint32_t)mmsb_find_%s(lanes, r[t / MMSB_TREE_TILE], m);\n", type_table[value->type].name);
	fputs("\t}\n}\n", w->out);
}

/* ---- across ------------------------------------------------------------------------------------ */

/* A function of the operand in a lane: arrays and single values are those of the position. */
static void put_across_operand(const writer *w, const char *name)
{
	const span_value *value = &w->span->values[w->span->out[0].value];
	fprintf(w->out, "static inline __attribute__((always_inline)) %s %s_at(size_t i", emit_c_type(value->type), name);
	for (uint32_t i = 0; i < w->span->n_in; i++)
		fprintf(w->out, w->span->in[i].kind == SPAN_ONE ? ", const %s k%u" : ", const %s *a%u", emit_c_type(w->span->in[i].type), i);
	fputs(")\n{\n", w->out);
	for (uint32_t i = 0; i < w->span->n_values; i++)
		put_definition(w, i);
	fputs("\t(void)i;\n\treturn ", w->out);
	put_value(w, w->span->out[0].value);
	fputs(";\n}\n", w->out);
}

static void put_across_call(const writer *w, const char *name)
{
	fprintf(w->out, "#define AT(k) %s_at(i", name);
	for (uint32_t i = 0; i < w->span->n_in; i++) {
		const span_operand *o = &w->span->in[i];
		if (native_across_varies(w->span, w->s, i))
			fprintf(w->out, ", a%u[(at + (k)) * s%u]", i, i);
		else if (o->kind == SPAN_LANES && o->reg == NONE)
			fprintf(w->out, ", a%u + (at + (k)) * s%u", i, i);
		else
			fprintf(w->out, o->kind == SPAN_ONE ? ", k%u" : ", a%u", i);
	}
	fputs(")\n", w->out);
}

static void put_across(const writer *w, uint32_t region)
{
	char name[NATIVE_NAME];
	const sch_pass *pass = &w->s->passes[w->span->first];
	const sch_region *g = &w->s->regions[kernel_of(w, w->span->first)->first_region + region];
	const span_value *value = &w->span->values[w->span->out[0].value];
	native_across_name(name, w->s, w->span->first, region);
	fprintf(w->out, "\n/* %s:%u: %s, %s, of elements side by side */\n", emit_text(w->s, pass->file), pass->line, emit_text(w->s, kernel_of(w, w->span->first)->name),
	        emit_reducer_name(g->reducer, g->op));
	put_across_operand(w, name);
	fprintf(w->out, "void %s(void *const *out, const void *const *in, size_t n);\nvoid %s(void *const *out, const void *const *in, size_t n)\n{\n", name, name);
	fprintf(w->out, "\tconst size_t *const shape = in[%u], positions = shape[0], apart = shape[1];\n", w->span->n_in);
	for (uint32_t i = 0; i < w->span->n_in; i++) {
		const span_operand *o = &w->span->in[i];
		const char *type = emit_c_type(o->type);
		if (o->kind == SPAN_ONE && !native_across_varies(w->span, w->s, i))
			fprintf(w->out, "\tconst %s k%u = *(const %s *)in[%u];", type, i, type, i);
		else
			fprintf(w->out, "\tconst %s *const a%u = in[%u];", type, i, i);
		emit_c_origin(w->out, w->s, pass->kernel, source_of(w, i));
		if (native_across_varies(w->span, w->s, i) || (o->kind == SPAN_LANES && o->reg == NONE))
			fprintf(w->out, "\n\tconst size_t s%u = shape[%u];", i, 2 + i);
		fputc('\n', w->out);
	}
	put_across_call(w, name);
	fprintf(w->out, "\t%s *const d = out[1], *const r = out[0];\n\tsize_t at = 0;\n", emit_c_type(value->type));
	fputs("\tfor (; positions - at >= 16; at += 16) {\n", w->out);
	for (uint32_t i = 0; i < w->span->n_in; i++)
		if (w->span->in[i].kind == SPAN_LANES && w->span->in[i].reg == NONE)
			fprintf(w->out, "\t\tMMSB_ACROSS_ASK(a%u, s%u)\n", i, i);
	fprintf(w->out, "\t\tMMSB_ACROSS_NODES(mmsb_%s_%s, 4, at / 16, MMSB_ACROSS16(mmsb_%s_%s))\n\t}\n", op_table[g->op].name, type_table[value->type].name,
	        op_table[g->op].name, type_table[value->type].name);
	fprintf(w->out, "\tfor (; at < positions; at++)\n\t\tMMSB_ACROSS_NODES(mmsb_%s_%s, 0, at, AT(0))\n\tMMSB_ACROSS_VALUE(mmsb_%s_%s)\n#undef AT\n}\n", op_table[g->op].name,
	        type_table[value->type].name, op_table[g->op].name, type_table[value->type].name);
}

bool emit_c_spans(FILE *out, const schedule *s, uint32_t pass)
{
	native_span *span = malloc(sizeof *span);
	writer w = {out, s, span, "t + i", false};
	for (int together = 0; span && together < 2; together++) {
		if (!native_span_find(span, s, pass, together))
			continue;
		put_function(&w);
		w.listed = !together && native_span_listed(span, s);
		if (w.listed)
			put_function(&w);
		w.listed = false;
	}
	w.lane = "i";
	for (uint32_t r = 1; span && r < s->kernels[s->passes[pass].kernel].n_regions; r++)
		if (native_fold_find(span, s, pass, r))
			put_fold(&w, r);
	for (uint32_t r = 1; span && r < s->kernels[s->passes[pass].kernel].n_regions; r++)
		if (native_across_find(span, s, pass, r))
			put_across(&w, r);
	free(span);
	return span != NULL;
}
