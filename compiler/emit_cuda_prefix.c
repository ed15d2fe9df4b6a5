/* emit_cuda_prefix.c - reductions of prefixes as CUDA C, in the order of docs/determinism.md: blocks of threads make the nodes of the tree over all positions, and
 * the prefix up to an element is combined of those that it is made of (gpu/launch.h has the steps). One thread can do it, too. */
#include <stdbool.h>
#include <stdint.h>

#include "../gpu/launch.h"
#include "emit.h"
#include "emit_c.h"
#include "emit_cuda.h"

void cuda_put_prefix_head(writer *w, const sch_region *g)
{
	cuda_indent(w);
	fprintf(w->out, "for (int64_t x%u = 0; ", g->first_var);
	cuda_put_not_empty(w, g);
	fprintf(w->out, "x%u %s x%u; x%u++) {\n", g->first_var, g->strict ? "<" : "<=", g->at, g->first_var);
}

/* The operand at the position of a thread; the last one is in no strict prefix. */
static void put_operand(writer *w, const sch_region *g)
{
	fprintf(w->out, "\t%s p = 0;\n\tif (i%s < L.n) {\n\t\tconst uint64_t e = i;\n\t\tint bad = 0;\n", emit_c_type(w->types[g->value]), g->strict ? " + 1" : "");
	w->depth = 2;
	cuda_put_before(w);
	fprintf(w->out, "\t\tconst int64_t x%u = (int64_t)i;\n", g->first_var);
	cuda_put_instrs(w, g, false);
	fputs("\t\tp = ", w->out);
	cuda_put_reg(w, g->value);
	fputs(";\n\t\tif (bad)\n\t\t\tmmsb_fail(L.fault, e);\n\t}\n", w->out);
}

static void put_call(writer *w, const char *what)
{
	fputc('\t', w->out);
	cuda_put_type_name(w, w->split);
	fputs(what, w->out);
}

void cuda_put_prefix_nodes(writer *w, kernel_step step)
{
	const sch_region *g = &w->s->regions[w->k->first_region + w->split];
	const char *type = emit_c_type(w->types[g->value]);
	fprintf(w->out, "\t__shared__ %s nodes[2 * MMSB_BLOCK];\n", type);
	if (step != STEP_END)
		fputs("\tconst uint64_t i = (uint64_t)blockIdx.x * blockDim.x + threadIdx.x;\n", w->out);
	if (step == STEP_JOIN)
		fprintf(w->out, "\tconst %s p = i < (L.n >> L.level) ? ((const %s *)L.partial)[mmsb_level_at(L.n, L.level) + i] : 0;\n", type, type);
	else
		put_operand(w, g);
	put_call(w, "_nodes(nodes, p);\n");
	if (step == STEP_END)
		return;
	put_call(w, "_keep(nodes, ");
	fprintf(w->out, "(%s *)L.partial, L.n, %s);\n", type, step == STEP_PART ? "0, MMSB_UP" : "L.level, 1");
	w->can_fail = false; /* it has been told */
}

void cuda_put_prefix_value(writer *w, const sch_region *g, uint32_t region, uint32_t dst)
{
	const char *type = emit_c_type(w->types[g->value]);
	cuda_indent(w);
	fprintf(w->out, "const uint64_t n%u = i%s;\n", region, g->strict ? "" : " + 1");
	cuda_put_identity(w, g, dst);
	cuda_put_if_any(w, region, dst);
	fprintf(w->out, "_upto(nodes, (const %s *)L.partial, L.n, n%u);\n", type, region);
}
