/* emit_cuda.c - the kernels of a schedule's passes as CUDA C: a thread for each element, which computes it whole, reductions included,
 * in their order (emit_cuda_reduce.c). The text needs no header of ours: those that say what operators mean, and what device code has besides, are part of it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../gpu/launch.h"
#include "../runtime/device_code.h"
#include "compile.h"
#include "emit.h"
#include "emit_c.h"
#include "emit_cuda.h"

static const char *const texts[] = {
#include "compiler/emit_cuda_text.h"
};

static const char *type_of(const writer *w, uint32_t reg) { return emit_c_type(w->types[reg]); }

void cuda_indent(const writer *w)
{
	for (unsigned i = 0; i < w->depth; i++)
		fputc('\t', w->out);
}

/* ---- sizes and values -------------------------------------------------------------------------- */

void cuda_put_size(writer *w, uint32_t id)
{
	const sch_size *z = &w->s->sizes[id];
	if (z->kind == SIZE_CONST && z->value >= 0) {
		fprintf(w->out, "%" PRId64, z->value);
		return;
	}
	w->sizes[id] = 1;
	fprintf(w->out, "z%u", id);
}

void cuda_put_constant(FILE *out, uint8_t type, uint64_t bits)
{
	if (type == T_F32)
		fprintf(out, "mmsb_from_bits_f32(0x%08" PRIx32 "u)", (uint32_t)bits);
	else if (type == T_F64)
		fprintf(out, "mmsb_from_bits_f64(0x%016" PRIx64 "ull)", bits);
	else
		fprintf(out, "(%s)0x%" PRIx64 "ull", emit_c_type(type), bits);
}

void cuda_put_reg(const writer *w, uint32_t reg)
{
	const sch_instr *def = &w->instrs[w->st.def[reg]];
	if (def->code == CODE_CONST)
		cuda_put_constant(w->out, def->type, def->imm);
	else
		fprintf(w->out, "v%u", reg);
}

/* ---- reads ------------------------------------------------------------------------------------- */

/* Integers wrap, as in the portable executor; a variable with a small constant cannot. */
static void put_index(writer *w, const sch_index *x)
{
	const sch_term *terms = &w->s->terms[x->first_term];
	bool any = x->reg != NONE;
	if (x->reg == NONE && x->n_terms == 0) {
		fprintf(w->out, "(int64_t)%" PRId64, x->constant);
		return;
	}
	if (x->reg == NONE && x->n_terms == 1 && terms[0].kind == TERM_VAR && terms[0].coef == 1 && x->constant > -(1 << 30) && x->constant < 1 << 30) {
		fprintf(w->out, x->constant ? "x%u %c %" PRId64 : "x%u", terms[0].id, x->constant < 0 ? '-' : '+', x->constant < 0 ? -x->constant : x->constant);
		return;
	}
	fputs("(int64_t)(", w->out);
	if (x->reg != NONE) {
		fputs("(uint64_t)", w->out);
		cuda_put_reg(w, x->reg);
	}
	for (uint32_t t = 0; t < x->n_terms; t++, any = true) {
		fprintf(w->out, "%s%" PRIu64 "ull * (uint64_t)", any ? " + " : "", (uint64_t)terms[t].coef);
		if (terms[t].kind == TERM_VAR)
			fprintf(w->out, "x%u", terms[t].id);
		else
			cuda_put_size(w, terms[t].id);
	}
	if (x->constant)
		fprintf(w->out, " + %" PRIu64 "ull", (uint64_t)x->constant);
	fputc(')', w->out);
}

/* The element at `at` of read `id`. */
static void put_load(const writer *w, uint32_t id, uint32_t reg, const char *at)
{
	const sch_read *r = &w->s->reads[w->k->first_read + id];
	size_t offset, stride = device_stride(w->s, &w->s->pages[r->page], r->field, &offset);
	uint8_t type = w->types[reg];
	if (stride == type_table[type].bytes)
		fprintf(w->out, "a%u[%s]", id, at);
	else
		fprintf(w->out, "mmsb_get_%s(a%u + %zu * (uint64_t)(%s))", type_table[type].name, id, stride, at);
}

static void put_outside(const writer *w, const sch_read *r)
{
	if (r->view == RV_PAD)
		cuda_put_reg(w, r->pad);
	else
		fputc('0', w->out);
}

/* Where a dimension may turn out to be empty: the condition that none is. */
static void put_not_empty(writer *w, const sch_page *p)
{
	bool any = false;
	for (uint32_t d = 0; d < p->ndim; d++) {
		const sch_size *z = &w->s->sizes[p->dims[d]];
		if (z->kind == SIZE_CONST && z->value > 0)
			continue;
		fputs(any ? " && " : "if (", w->out);
		cuda_put_size(w, p->dims[d]);
		fputs(" > 0", w->out);
		any = true;
	}
	if (any)
		fputs(") ", w->out);
}

/* Positions along the dimensions, brought into them as the view says. */
static void put_positions(writer *w, const sch_read *r, const sch_page *p)
{
	static const char *const views[] = {[RV_CLAMP] = "clamp", [RV_WRAP] = "wrap", [RV_MIRROR] = "mirror"};
	bool brings = r->view == RV_CLAMP || r->view == RV_WRAP || r->view == RV_MIRROR;
	for (uint32_t d = 0; d < r->n_index; d++) {
		cuda_indent(w);
		fprintf(w->out, "const int64_t i%u = ", d);
		if (brings)
			fprintf(w->out, "mmsb_view_%s(", views[r->view]);
		put_index(w, &w->s->indices[r->first_index + d]);
		if (brings) {
			fputs(", ", w->out);
			cuda_put_size(w, p->dims[d]);
			fputc(')', w->out);
		}
		fputs(";\n", w->out);
	}
}

static void put_inside(writer *w, const sch_page *p)
{
	fputs("if (", w->out);
	for (uint32_t d = 0; d < p->ndim; d++) {
		fprintf(w->out, "%s(uint64_t)i%u < (uint64_t)", d ? " && " : "", d);
		cuda_put_size(w, p->dims[d]);
	}
	fputs(") ", w->out);
}

/* The value of the entry at hand; those of a pattern without values are true. */
static void put_entry(writer *w, const sch_instr *in, const sch_read *r, const sch_page *p)
{
	char at[16];
	uint32_t region = r->region;
	while (region && w->s->regions[w->k->first_region + region].kind != REGION_ROW && w->s->regions[w->k->first_region + region].kind != REGION_COL)
		region = w->s->regions[w->k->first_region + region].parent;
	snprintf(at, sizeof at, region ? "s%u" : "e", region);
	fprintf(w->out, "const %s v%u = ", type_of(w, in->dst), in->dst);
	if (p->record == NONE && p->type == T_BOOL && p->like == NONE)
		fputc('1', w->out);
	else
		put_load(w, in->a, in->dst, at);
	fputs(";\n", w->out);
}

static void put_read(writer *w, const sch_instr *in)
{
	const sch_read *r = &w->s->reads[w->k->first_read + in->a];
	const sch_page *p = &w->s->pages[r->page];
	cuda_indent(w);
	if (r->cls == READ_ENTRY) {
		put_entry(w, in, r, p);
		return;
	}
	if (r->cls == READ_SAME || r->n_index == 0) {
		fprintf(w->out, "const %s v%u = ", type_of(w, in->dst), in->dst);
		put_load(w, in->a, in->dst, r->cls == READ_SAME ? "e" : "0");
		fputs(";\n", w->out);
		return;
	}
	fprintf(w->out, "%s v%u = ", type_of(w, in->dst), in->dst);
	put_outside(w, r);
	fputs(";\n", w->out);
	cuda_indent(w);
	put_not_empty(w, p);
	fputs("{\n", w->out);
	w->depth++;
	put_positions(w, r, p);
	cuda_indent(w);
	if (r->view == RV_ZERO || r->view == RV_PAD)
		put_inside(w, p);
	fprintf(w->out, "v%u = ", in->dst);
	char at[MAX_DIMS * 40] = "i0";
	for (uint32_t d = 1; d < r->n_index; d++) {
		const sch_size *z = &w->s->sizes[p->dims[d]];
		char next[sizeof at];
		if (z->kind == SIZE_CONST && z->value >= 0)
			snprintf(next, sizeof next, "(%.*s) * %" PRId64 " + i%u", MAX_DIMS * 34, at, z->value, d);
		else
			snprintf(next, sizeof next, "(%.*s) * z%u + i%u", MAX_DIMS * 36, at, p->dims[d], d);
		if (!(z->kind == SIZE_CONST && z->value >= 0))
			w->sizes[p->dims[d]] = 1;
		memcpy(at, next, sizeof at);
	}
	put_load(w, in->a, in->dst, at);
	fputs(";\n", w->out);
	w->depth--;
	cuda_indent(w);
	fputs("}\n", w->out);
}

/* ---- instructions ------------------------------------------------------------------------------ */

static void put_failure(writer *w, const sch_instr *in)
{
	w->can_fail = true;
	cuda_indent(w);
	fputs("bad |= ", w->out);
	if (in->mask != NONE) {
		cuda_put_reg(w, in->mask);
		fputs(" && ", w->out);
	}
	if (in->code == CODE_OP) {
		cuda_put_reg(w, in->b);
		fputs(" == 0;\n", w->out);
		return;
	}
	fputs("(uint64_t)", w->out);
	cuda_put_reg(w, in->a);
	fputs(" >= (uint64_t)", w->out);
	cuda_put_size(w, in->b);
	fputs(";\n", w->out);
}

static void put_op(writer *w, const sch_instr *in)
{
	const uint32_t args[3] = {in->a, in->b, in->c};
	uint32_t n = in->code == CODE_CONV ? 1 : op_table[in->op].arity;
	cuda_indent(w);
	fprintf(w->out, "const %s v%u = ", type_of(w, in->dst), in->dst);
	if (in->code == CODE_OP)
		fprintf(w->out, "mmsb_%s_%s(", op_table[in->op].name, type_table[in->type].name);
	else if (in->type != in->type2)
		fprintf(w->out, "mmsb_conv_%s_%s(", type_table[in->type2].name, type_table[in->type].name);
	else
		fputc('(', w->out);
	for (uint32_t a = 0; a < n; a++) {
		fputs(a ? ", " : "", w->out);
		cuda_put_reg(w, args[a]);
	}
	fputs(");\n", w->out);
	if (in->code == CODE_OP && (op_table[in->op].flags & OPF_FAILS) && TYPES_INT >> in->type & 1)
		put_failure(w, in);
}

static void put_to_index(writer *w, const sch_instr *in)
{
	cuda_indent(w);
	fprintf(w->out, "const uint32_t v%u = (uint64_t)", in->dst);
	cuda_put_reg(w, in->a);
	fputs(" < (uint64_t)", w->out);
	cuda_put_size(w, in->b);
	fputs(" ? (uint32_t)", w->out);
	cuda_put_reg(w, in->a);
	fputs(" : 0;\n", w->out);
	put_failure(w, in);
}

/* A value that data must satisfy a condition with, in the words of guard.def. */
static void put_guard(writer *w, const sch_instr *in)
{
	static const char *const conditions[] = {
#define GUARD(id, holds, text) #holds,
#include "../runtime/guard.def"
#undef GUARD
	};
	const char *type = type_of(w, in->dst);
	cuda_indent(w);
	fprintf(w->out, "const %s v%u = ", type, in->dst);
	cuda_put_reg(w, in->a);
	fputs(";\n", w->out);
	cuda_indent(w);
	fputs("{\n", w->out);
	cuda_indent(w);
	fprintf(w->out, "\tconst double x = (double)v%u;\n", in->dst);
	cuda_indent(w);
	fprintf(w->out, "\tconst int is_float = %d;\n", TYPES_FLT >> in->type & 1);
	cuda_indent(w);
	fputs("\tbad |= ", w->out);
	if (in->mask != NONE) {
		cuda_put_reg(w, in->mask);
		fputs(" && ", w->out);
	}
	fprintf(w->out, "!(%s);\n", conditions[in->c]);
	cuda_indent(w);
	fputs("}\n", w->out);
	w->can_fail = true;
}

static void put_param(writer *w, const sch_instr *in)
{
	const char *type = type_of(w, in->dst);
	cuda_indent(w);
	fprintf(w->out, "const %s v%u = ", type, in->dst);
	if (TYPES_FLT >> w->types[in->dst] & 1)
		fprintf(w->out, "mmsb_from_bits_%s((%s)L.params[%u]);", type_table[w->types[in->dst]].name,
		        w->types[in->dst] == T_F32 ? "uint32_t" : "uint64_t", in->a);
	else
		fprintf(w->out, "(%s)L.params[%u];", type, in->a);
	fprintf(w->out, " /* %s */\n", emit_text(w->s, w->s->params[in->a].name));
}

static void put_instr(writer *w, const sch_instr *in)
{
	switch ((code_id)in->code) {
	case CODE_OP: case CODE_CONV: put_op(w, in); break;
	case CODE_PARAM: put_param(w, in); break;
	case CODE_SIZE: case CODE_VAR:
		cuda_indent(w);
		fprintf(w->out, "const int64_t v%u = ", in->dst);
		if (in->code == CODE_VAR)
			fprintf(w->out, "x%u", in->a);
		else
			cuda_put_size(w, in->a);
		fputs(";\n", w->out);
		break;
	case CODE_READ: put_read(w, in); break;
	case CODE_TO_INDEX: put_to_index(w, in); break;
	case CODE_REDUCE: cuda_put_region(w, in->a); break;
	case CODE_GUARD: put_guard(w, in); break;
	case CODE_CONST: break; /* written where it is used */
	}
}

/* Those of a region that `where` needs, or the others. */
void cuda_put_instrs(writer *w, const sch_region *g, bool late)
{
	for (uint32_t i = g->first_instr; i < g->first_instr + g->n_instr; i++)
		if (((w->st.stage[i] & NATIVE_LATE) != 0) == late)
			put_instr(w, &w->instrs[i]);
}

/* ---- kernels ----------------------------------------------------------------------------------- */

/* The variables of element e. */
void cuda_put_vars(writer *w)
{
	const sch_region *g = &w->s->regions[w->k->first_region];
	const sch_page *p = &w->s->pages[w->pass->page];
	if (g->kind == REGION_ENTRIES) {
		cuda_indent(w);
		fprintf(w->out, "const int64_t x%u = (int64_t)L.entry_row[e], x%u = (int64_t)L.entry_col[e];\n", g->first_var, g->first_var + 1);
		return;
	}
	if (g->n_vars == 1) {
		cuda_indent(w);
		fprintf(w->out, "const int64_t x%u = (int64_t)e;\n", g->first_var);
		return;
	}
	for (uint32_t d = g->n_vars; d-- > 0;) {
		cuda_indent(w);
		fprintf(w->out, "const int64_t x%u = (int64_t)(%s", g->first_var + d, d + 1 == g->n_vars ? "e" : "rest");
		if (d > 0) {
			fputs(" % (uint64_t)", w->out);
			cuda_put_size(w, p->dims[d]);
		}
		fputs(");\n", w->out);
		if (d > 0) {
			cuda_indent(w);
			fputs(d + 1 == g->n_vars ? "uint64_t rest = e / (uint64_t)" : "rest /= (uint64_t)", w->out);
			cuda_put_size(w, p->dims[d]);
			fputs(";\n", w->out);
		}
	}
}

/* Compared with what was there, and stored. */
static void put_output(const writer *w, uint32_t o)
{
	const sch_output *def = &w->s->outputs[w->k->first_output + o];
	size_t offset, stride = device_stride(w->s, &w->s->pages[w->pass->page], def->field, &offset);
	const char *name = type_table[w->types[def->reg]].name, *type = type_of(w, def->reg);
	bool flt = TYPES_FLT >> w->types[def->reg] & 1;
	fprintf(w->out, "\t\tconst %s y%u = ", type, o);
	if (flt)
		fprintf(w->out, "mmsb_canon_%s(", name);
	cuda_put_reg(w, def->reg);
	fputs(flt ? ");\n" : ";\n", w->out);
	if (w->pass->kind == PASS_FIX_EXACT)
		fprintf(w->out, "\t\tchanged%u = mmsb_next_%s((%s *)L.out[%u] + e, ((const %s *)L.was)[e], y%u);\n", o, name, type, o, type, o);
	else if (w->pass->kind != PASS_MAP)
		fprintf(w->out, "\t\tchanged%u = mmsb_move_%s((%s *)L.out[%u] + e, ((const %s *)L.was)[e], y%u, L.tol, L.round);\n", o, name, type, o, type, o);
	else if (stride == type_table[w->types[def->reg]].bytes)
		fprintf(w->out, "\t\tchanged%u = mmsb_put_%s((%s *)L.out[%u] + e, y%u);\n", o, name, type, o, o);
	else
		fprintf(w->out, "\t\tchanged%u = mmsb_put_packed_%s(L.out[%u] + %zu * e, y%u);\n", o, name, o, stride, o);
	fprintf(w->out, "\t\tif (L.values[%u])\n\t\t\t((%s *)L.values[%u])[i] = y%u;\n", o, type, o, o);
}

static void put_reads(const writer *w, FILE *out)
{
	for (uint32_t i = 0; i < w->k->n_reads; i++) {
		const sch_read *r = &w->s->reads[w->k->first_read + i];
		const sch_page *p = &w->s->pages[r->page];
		size_t offset, stride = device_stride(w->s, p, r->field, &offset);
		uint8_t type = r->field == NONE ? p->type : w->s->fields[w->s->records[p->record].first_field + r->field].type;
		if (stride == type_table[type].bytes)
			fprintf(out, "\tconst %s *const a%u = (const %s *)L.in[%u];", emit_c_type(type), i, emit_c_type(type), i);
		else
			fprintf(out, "\tconst uint8_t *const a%u = L.in[%u];", i, i);
		fprintf(out, " /* %s%s", r->prev ? "prev " : "", emit_text(w->s, p->name));
		if (r->field != NONE)
			fprintf(out, ".%s", emit_text(w->s, w->s->fields[w->s->records[p->record].first_field + r->field].name));
		fputs(" */\n", out);
	}
	for (uint32_t i = 0; i < w->s->n_sizes; i++) {
		char text[160];
		if (!w->sizes[i])
			continue;
		emit_size(w->s, i, text, sizeof text);
		fprintf(out, "\tconst int64_t z%u = L.sizes[%u]; /* %s */\n", i, i, text);
	}
}

static void put_head(const writer *w, FILE *out)
{
	static const char *const rows[] = {[STEP_WHOLE] = "", [STEP_PART] = "_part", [STEP_JOIN] = "_join", [STEP_END] = "_end"};
	static const char *const whats[] = {[STEP_PART] = ": parts of its reduction", [STEP_JOIN] = ": parts as one", [STEP_END] = ": what comes after"};
	char name[DEVICE_NAME];
	device_kernel_name(name, w->pass->kernel);
	fprintf(out, "\n/* %s:%u: %s%s */\n", emit_text(w->s, w->pass->file), w->pass->line, emit_text(w->s, w->k->name),
	        w->step == STEP_WHOLE ? "" : whats[w->step]);
	fprintf(out, "extern \"C\" __global__ void %s%s%s(const mmsb_launch L)\n{\n", w->prefix, name, rows[w->step]);
	if (w->pass->kind != PASS_MAP)
		fputs("\tif (!L.round[-1])\n\t\treturn; /* all threads */\n", out);
	if (w->step != STEP_JOIN)
		put_reads(w, out);
}

static void put_element(const writer *w, const char *block, FILE *out)
{
	fputs("\tconst uint64_t i = (uint64_t)blockIdx.x * blockDim.x + threadIdx.x;\n", out);
	fputs(block, out);
	for (uint32_t o = 0; o < w->k->n_outputs; o++)
		fprintf(out, "\tuint32_t changed%u = 0;\n", o);
	fprintf(out, "\tif (i < L.n && (!L.mask || (L.mask[i / 64] >> i %% 64 & 1))%s) {\n\t\tconst uint64_t e = L.list ? L.list[i] : i;\n",
	        w->s->regions[w->k->first_region].kind == REGION_ENTRIES ? " && L.alive[L.list ? L.list[i] : i]" : "");
	if (w->can_fail)
		fputs("\t\tint bad = 0;\n", out);
}

static void put_element_end(const writer *w, FILE *out)
{
	fputs("\t}\n", out);
	for (uint32_t o = 0; o < w->k->n_outputs; o++)
		fprintf(out, "\tmmsb_mark(L.marks[%u], i, changed%u);\n", o, o);
}

/* A thread for each element. */
static void put_elements(writer *w)
{
	cuda_put_vars(w);
	cuda_put_instrs(w, &w->s->regions[w->k->first_region], false);
	for (uint32_t o = 0; o < w->k->n_outputs; o++)
		put_output(w, o);
}

static void put_body(writer *w, kernel_step step)
{
	if (step == STEP_WHOLE || step == STEP_END)
		put_elements(w);
	else if (step == STEP_PART)
		cuda_put_part(w);
	else
		cuda_put_join(w);
	if (!w->can_fail)
		return;
	cuda_indent(w);
	fputs("if (bad)\n", w->out);
	cuda_indent(w);
	fputs("\tmmsb_fail(L.fault, e);\n", w->out);
}

/* What all threads of a block do before each sees to its element. */
static void put_block(writer *w, kernel_step step)
{
	if (step == STEP_END && w->s->regions[w->k->first_region + w->split].kind == REGION_PREFIX)
		cuda_put_prefix_nodes(w, STEP_END);
}

/* A text of a kernel, which is written before the head; NULL: no memory. */
static char *text_of(writer *w, kernel_step step, void (*put)(writer *, kernel_step))
{
	char *text = NULL;
	size_t n = 0;
	w->out = open_memstream(&text, &n);
	if (!w->out)
		return NULL;
	put(w, step);
	return fclose(w->out) == 0 ? text : NULL;
}

static bool put_kernel(writer *w, kernel_step step, FILE *out)
{
	bool elements = step == STEP_WHOLE || step == STEP_END;
	w->step = step;
	memset(w->sizes, 0, w->s->n_sizes);
	char *block = text_of(w, step, put_block);
	w->depth = elements ? 2 : 1;
	w->can_fail = false;
	char *body = text_of(w, step, put_body);
	if (block && body) {
		put_head(w, out);
		if (elements)
			put_element(w, block, out);
		else if (w->can_fail)
			fputs("\tint bad = 0;\n", out);
		fputs(body, out);
		if (elements)
			put_element_end(w, out);
		fputs("}\n", out);
	}
	bool ok = block && body;
	free(block);
	free(body);
	return ok;
}

static bool put_pass(writer *w, FILE *out)
{
	w->out = out;
	cuda_put_types(w);
	bool ok = put_kernel(w, STEP_WHOLE, out);
	for (kernel_step step = STEP_PART; step <= STEP_END && ok && w->split != NONE; step++)
		ok = put_kernel(w, step, out);
	return ok;
}

void emit_cuda_operators(FILE *out)
{
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		fputs(texts[i], out);
	fputs("\n/* ---- the program ---- */\n", out);
}

bool emit_cuda_kernels(const schedule *s, const char *prefix, FILE *out)
{
	bool ok = true;
	for (uint32_t p = 0; p < s->n_passes && ok; p++) {
		const char *lacks = device_lacks(s, p);
		if (lacks) {
			fprintf(out, "\n/* %s:%u: %s: on the CPU: %s */\n", emit_text(s, s->passes[p].file), s->passes[p].line,
			        emit_text(s, s->pages[s->passes[p].page].name), lacks);
			continue;
		}
		const sch_kernel *k = &s->kernels[s->passes[p].kernel];
		writer w = {.s = s, .k = k, .pass = &s->passes[p], .instrs = s->instrs + k->first_instr, .types = s->reg_types + k->first_reg_type,
		            .sizes = calloc(s->n_sizes + 1, 1), .prefix = prefix, .split = device_splits(s, p)};
		ok = w.sizes && native_stages_find(&w.st, s, s->passes[p].kernel);
		if (ok) {
			ok = put_pass(&w, out);
			native_stages_free(&w.st);
		}
		free(w.sizes);
	}
	return ok;
}

bool emit_cuda(const schedule *s, FILE *out)
{
	emit_cuda_operators(out);
	return emit_cuda_kernels(s, "", out);
}
