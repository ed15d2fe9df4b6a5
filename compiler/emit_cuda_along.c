/* emit_cuda_along.c - reductions along rows, columns and groups as CUDA C: a thread that goes along a list; or, of long lists, a warp for each leaf of one, and
 * threads that combine leaves in their order (docs/determinism.md; gpu/launch.h has the steps). */
#include <stdint.h>

#include "../gpu/launch.h"
#include "../runtime/device_code.h"
#include "emit.h"
#include "emit_c.h"
#include "emit_cuda.h"

/* The bound of the list that register `at` names. */
static void put_bound(const writer *w, const sch_region *g, uint32_t region, const char *which)
{
	uint32_t number = device_along_number(w->s, w->k, region);
	fprintf(w->out, "mmsb_list_%s(L.along[%u].n, L.along[%u].start, (uint64_t)", which, number, number);
	cuda_put_reg(w, g->at);
	fputc(')', w->out);
}

/* What operands are computed from, at place q of the list. */
static void put_place(const writer *w, const sch_region *g, uint32_t region)
{
	uint32_t number = device_along_number(w->s, w->k, region);
	cuda_indent(w);
	fprintf(w->out, "const int64_t x%u = (int64_t)L.along[%u].key[q%u];\n", g->first_var, number, region);
	if (g->kind == REGION_GROUP)
		return;
	cuda_indent(w);
	fprintf(w->out, "const uint64_t s%u = L.along[%u].slot[q%u];\n", region, number, region);
}

void cuda_put_along_head(writer *w, const sch_region *g, uint32_t region)
{
	cuda_indent(w);
	fprintf(w->out, "for (uint64_t q%u = ", region);
	put_bound(w, g, region, "begin");
	fprintf(w->out, ", end%u = ", region);
	put_bound(w, g, region, "end");
	fputs("; ", w->out);
	cuda_put_not_empty(w, g);
	fprintf(w->out, "q%u < end%u; q%u++) {\n", region, region, region);
	w->depth++;
	put_place(w, g, region);
	w->depth--;
}

void cuda_put_leaf(writer *w)
{
	const sch_region *g = &w->s->regions[w->k->first_region + w->split];
	const char *type = emit_c_type(w->types[g->value]);
	fputs("\tconst uint64_t leaf = ((uint64_t)blockIdx.x * blockDim.x + threadIdx.x) / 32;\n"
	      "\tif (leaf >= L.parts)\n"
	      "\t\treturn; /* all of the warp */\n"
	      "\tconst uint64_t e = L.leaf_list[leaf];\n", w->out);
	fprintf(w->out, "\tconst uint64_t n = L.node_at[leaf + 1] - L.node_at[leaf], q%u = L.node_at[leaf] + threadIdx.x %% 32;\n", w->split);
	cuda_put_before(w);
	fprintf(w->out, "\t%s p = 0;\n\tif (threadIdx.x %% 32 < n) {\n", type);
	w->depth++;
	put_place(w, g, w->split);
	cuda_put_instrs(w, g, false);
	fputs("\t\tp = ", w->out);
	cuda_put_reg(w, g->value);
	w->depth--;
	fputs(";\n\t}\n\tp = ", w->out);
	cuda_put_type_name(w, w->split);
	fputs("_leaf(p, n);\n\tif (threadIdx.x % 32 == 0)\n", w->out);
	fprintf(w->out, "\t\t((%s *)L.partial)[leaf] = p;\n", type);
}

void cuda_put_nodes(writer *w)
{
	const char *type = emit_c_type(w->types[w->s->regions[w->k->first_region + w->split].value]);
	fputs("\tconst uint64_t node = (uint64_t)blockIdx.x * blockDim.x + threadIdx.x;\n\tif (node < L.parts)\n", w->out);
	fprintf(w->out, "\t\t((%s *)L.joined)[node] = ", type);
	cuda_put_type_name(w, w->split);
	fprintf(w->out, "_node((const %s *)L.partial, L.node_bit, L.node_at[node], L.node_at[node + 1]);\n", type);
}

void cuda_put_list_value(writer *w, const sch_region *g, uint32_t region, uint32_t dst)
{
	const char *type = emit_c_type(w->types[g->value]);
	cuda_indent(w);
	fprintf(w->out, "const uint64_t n%u = ", region);
	put_bound(w, g, region, "end");
	fputs(" - ", w->out);
	put_bound(w, g, region, "begin");
	fputs(";\n", w->out);
	cuda_put_identity(w, g, dst);
	cuda_put_if_any(w, region, dst);
	fprintf(w->out, "_node((const %s *)L.joined, L.node_bit, L.node_at[e], L.node_at[e + 1]);\n", type);
}
