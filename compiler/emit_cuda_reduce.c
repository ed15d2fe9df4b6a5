/* emit_cuda_reduce.c - reductions as CUDA C, in their order (docs/determinism.md): by the thread of an element, or by blocks of threads. */
#include <inttypes.h>
#include <stdlib.h>

#include "../gpu/launch.h"
#include "../runtime/device_code.h"
#include "emit.h"
#include "emit_c.h"
#include "emit_cuda.h"

/* How operands of a region are combined by one thread. */
typedef enum way {
	WAY_ANY,     /* as they come */
	WAY_TREE,    /* floats, all positions present: what is complete of the tree of adjacent pairs stands in t, level k where bit k of n is set */
	WAY_RANKED,  /* floats, of which some are present: MMSB_RANKED of device.cu */
	WAY_ARG      /* argmin, argmax: the first of the best */
} way;

static way way_of(const writer *w, const sch_region *g)
{
	if (g->reducer != REDUCER_OP)
		return WAY_ARG;
	if (op_table[g->op].reduce == REDUCE_IDEM || !(TYPES_FLT >> w->types[g->value] & 1))
		return WAY_ANY;
	return g->dense ? WAY_TREE : WAY_RANKED;
}

/* The name of a region's type of partial results. */
void cuda_put_type_name(const writer *w, uint32_t region)
{
	char name[DEVICE_NAME];
	device_kernel_name(name, w->pass->kernel);
	fprintf(w->out, "%s%s_r%u", w->prefix, name, region);
}

void cuda_put_identity(const writer *w, const sch_region *g, uint32_t dst)
{
	cuda_indent(w);
	fprintf(w->out, "%s v%u = ", emit_c_type(w->types[dst]), dst);
	cuda_put_constant(w->out, w->types[dst], g->identity);
	fprintf(w->out, "; /* %s */\n", emit_reducer_name(g->reducer, g->op));
}

void cuda_put_if_any(const writer *w, uint32_t region, uint32_t dst)
{
	cuda_indent(w);
	fprintf(w->out, "if (n%u)\n", region);
	cuda_indent(w);
	fprintf(w->out, "\tv%u = ", dst);
	cuda_put_type_name(w, region);
}

static void put_combine_name(const writer *w, const sch_region *g)
{
	fprintf(w->out, "mmsb_%s_%s", op_table[g->op].name, type_table[w->types[g->value]].name);
}

static void put_types_of(const writer *w, const char *macro, uint32_t region)
{
	const sch_region *g = &w->s->regions[w->k->first_region + region];
	fprintf(w->out, "\n%s(", macro);
	cuda_put_type_name(w, region);
	fprintf(w->out, ", %s, ", emit_c_type(w->types[g->value]));
	put_combine_name(w, g);
	fputs(")\n", w->out);
}

void cuda_put_types(const writer *w)
{
	for (uint32_t r = 1; r < w->k->n_regions; r++) {
		const sch_region *g = &w->s->regions[w->k->first_region + r];
		if (way_of(w, g) == WAY_RANKED)
			put_types_of(w, "MMSB_RANKED", r);
		if (r == w->split)
			put_types_of(w, device_along(g) ? "MMSB_LEAVES" : g->kind == REGION_PREFIX ? "MMSB_PREFIXES" : "MMSB_PARTS", r);
	}
}

/* ---- by one thread ----------------------------------------------------------------------------- */

static void put_any(writer *w, const sch_region *g, uint32_t region, uint32_t dst)
{
	cuda_indent(w);
	fprintf(w->out, "v%u = n%u++ ? ", dst, region);
	put_combine_name(w, g);
	fprintf(w->out, "(v%u, ", dst);
	cuda_put_reg(w, g->value);
	fputs(") : ", w->out);
	cuda_put_reg(w, g->value);
	fputs(";\n", w->out);
}

static void put_tree(writer *w, const sch_region *g, uint32_t region)
{
	cuda_indent(w);
	fprintf(w->out, "%s p%u = ", emit_c_type(w->types[g->value]), region);
	cuda_put_reg(w, g->value);
	fputs(";\n", w->out);
	cuda_indent(w);
	fprintf(w->out, "int k%u = 0;\n", region);
	cuda_indent(w);
	fprintf(w->out, "for (; n%u >> k%u & 1; k%u++)\n", region, region, region);
	cuda_indent(w);
	fprintf(w->out, "\tp%u = ", region);
	put_combine_name(w, g);
	fprintf(w->out, "(t%u[k%u], p%u);\n", region, region, region);
	cuda_indent(w);
	fprintf(w->out, "t%u[k%u] = p%u;\n", region, region, region);
	cuda_indent(w);
	fprintf(w->out, "n%u++;\n", region);
}

/* What is complete at the end, from right to left. */
static void put_tree_end(writer *w, const sch_region *g, uint32_t region, uint32_t dst)
{
	cuda_indent(w);
	fprintf(w->out, "for (int k = 0, any = 0; n%u >> k; k++)\n", region);
	cuda_indent(w);
	fprintf(w->out, "\tif (n%u >> k & 1) {\n", region);
	cuda_indent(w);
	fprintf(w->out, "\t\tv%u = any ? ", dst);
	put_combine_name(w, g);
	fprintf(w->out, "(t%u[k], v%u) : t%u[k];\n", region, dst, region);
	cuda_indent(w);
	fputs("\t\tany = 1;\n", w->out);
	cuda_indent(w);
	fputs("\t}\n", w->out);
}

static void put_ranked(writer *w, const sch_region *g, uint32_t region)
{
	cuda_indent(w);
	cuda_put_type_name(w, region);
	fprintf(w->out, "_push(&t%u, (uint64_t)(x%u", region, g->first_var);
	if (g->kind == REGION_RANGE) {
		fputs(" - ", w->out);
		cuda_put_size(w, g->lo);
	}
	fputs("), ", w->out);
	cuda_put_reg(w, g->value);
	fputs(");\n", w->out);
	cuda_indent(w);
	fprintf(w->out, "n%u++;\n", region);
}

static void put_ranked_end(writer *w, uint32_t region, uint32_t dst)
{
	cuda_put_if_any(w, region, dst);
	fprintf(w->out, "_end(&t%u);\n", region);
}

/* A nan is better than every number. */
static void put_arg(writer *w, const sch_region *g, uint32_t region, uint32_t dst)
{
	bool flt = TYPES_FLT >> w->types[g->value] & 1;
	cuda_indent(w);
	fprintf(w->out, "const %s p%u = ", emit_c_type(w->types[g->value]), region);
	cuda_put_reg(w, g->value);
	fputs(";\n", w->out);
	cuda_indent(w);
	fprintf(w->out, "if (!n%u++ || p%u %c t%u", region, region, g->reducer == REDUCER_ARGMIN ? '<' : '>', region);
	if (flt)
		fprintf(w->out, " || (p%u != p%u && t%u == t%u)", region, region, region, region);
	fputs(") {\n", w->out);
	cuda_indent(w);
	fprintf(w->out, "\tt%u = p%u;\n", region, region);
	cuda_indent(w);
	fprintf(w->out, "\tv%u = (uint32_t)x%u;\n", dst, g->first_var);
	cuda_indent(w);
	fputs("}\n", w->out);
}

/* What is there before the first operand. */
static void put_begin(writer *w, const sch_region *g, uint32_t region, uint32_t dst)
{
	const char *type = emit_c_type(w->types[g->value]);
	way how = way_of(w, g);
	cuda_put_identity(w, g, dst);
	cuda_indent(w);
	fprintf(w->out, "uint64_t n%u = 0;\n", region);
	if (how == WAY_ANY)
		return;
	cuda_indent(w);
	if (how == WAY_TREE)
		fprintf(w->out, "%s t%u[48];\n", type, region);
	else if (how == WAY_ARG)
		fprintf(w->out, "%s t%u = 0;\n", type, region);
	else {
		cuda_put_type_name(w, region);
		fprintf(w->out, " t%u;\n", region);
		cuda_indent(w);
		fprintf(w->out, "t%u.n = t%u.depth = 0;\n", region, region);
	}
}

/* The condition that the regions nested in g are not empty. */
void cuda_put_not_empty(writer *w, const sch_region *g)
{
	for (uint32_t n = g->nest; n != NONE; n = w->s->regions[w->k->first_region + n].nest) {
		const sch_region *inner = &w->s->regions[w->k->first_region + n];
		cuda_put_size(w, inner->lo);
		fputs(" < ", w->out);
		cuda_put_size(w, inner->hi);
		fputs(" && ", w->out);
	}
}

static void put_range_head(writer *w, const sch_region *g)
{
	cuda_indent(w);
	fprintf(w->out, "for (int64_t x%u = ", g->first_var);
	cuda_put_size(w, g->lo);
	fputs("; ", w->out);
	cuda_put_not_empty(w, g);
	fprintf(w->out, "x%u < ", g->first_var);
	cuda_put_size(w, g->hi);
	fprintf(w->out, "; x%u++) {\n", g->first_var);
}

/* The operand at a position; whoever is not present goes on with the next one. */
static void put_operand(writer *w, const sch_region *g)
{
	cuda_put_instrs(w, g, false);
	if (g->where == NONE)
		return;
	cuda_indent(w);
	fputs("if (!", w->out);
	cuda_put_reg(w, g->where);
	fputs(")\n", w->out);
	cuda_indent(w);
	fputs("\tcontinue;\n", w->out);
	cuda_put_instrs(w, g, true);
}

static void put_loop(writer *w, const sch_region *g, uint32_t region, uint32_t dst)
{
	if (device_along(g))
		cuda_put_along_head(w, g, region);
	else if (g->kind == REGION_PREFIX)
		cuda_put_prefix_head(w, g);
	else
		put_range_head(w, g);
	w->depth++;
	put_operand(w, g);
	switch (way_of(w, g)) {
	case WAY_ANY: put_any(w, g, region, dst); break;
	case WAY_TREE: put_tree(w, g, region); break;
	case WAY_RANKED: put_ranked(w, g, region); break;
	case WAY_ARG: put_arg(w, g, region, dst); break;
	}
	w->depth--;
	cuda_indent(w);
	fputs("}\n", w->out);
	if (way_of(w, g) == WAY_TREE)
		put_tree_end(w, g, region, dst);
	else if (way_of(w, g) == WAY_RANKED)
		put_ranked_end(w, region, dst);
}

/* The value that blocks have found. */
static void put_joined(writer *w, const sch_region *g, uint32_t region, uint32_t dst)
{
	cuda_indent(w);
	fputs("const ", w->out);
	cuda_put_type_name(w, region);
	fprintf(w->out, " t%u = ((const ", region);
	cuda_put_type_name(w, region);
	fputs(" *)L.joined)[i];\n", w->out);
	cuda_indent(w);
	fprintf(w->out, "const %s v%u = t%u.n ? t%u.value : ", emit_c_type(w->types[dst]), dst, region, region);
	cuda_put_constant(w->out, w->types[dst], g->identity);
	fprintf(w->out, "; /* %s */\n", emit_reducer_name(g->reducer, g->op));
	cuda_indent(w);
	fprintf(w->out, "const uint64_t n%u = t%u.n;\n", region, region);
}

const sch_instr *cuda_reduce_of(const writer *w, uint32_t region)
{
	const sch_instr *in = w->instrs;
	while (in->code != CODE_REDUCE || in->a != region)
		in++;
	return in;
}

void cuda_put_region(writer *w, uint32_t region)
{
	const sch_region *g = &w->s->regions[w->k->first_region + region];
	const sch_instr *in = cuda_reduce_of(w, region);
	if (w->step == STEP_END && region == w->split) {
		if (device_along(g))
			cuda_put_list_value(w, g, region, in->dst);
		else if (g->kind == REGION_PREFIX)
			cuda_put_prefix_value(w, g, region, in->dst);
		else
			put_joined(w, g, region, in->dst);
	} else {
		put_begin(w, g, region, in->dst);
		put_loop(w, g, region, in->dst);
	}
	if (in->b != NONE) {
		cuda_indent(w);
		fprintf(w->out, "const int64_t v%u = (int64_t)n%u;\n", in->b, region);
	}
}

/* ---- by blocks --------------------------------------------------------------------------------- */

/* What the operands of a block of threads are together, to `all`; `from` and `operand` write where operands come from. */
static void put_blocks(writer *w, const char *first, const char *end, void (*operand)(writer *))
{
	cuda_indent(w);
	cuda_put_type_name(w, w->split);
	fputs("_tree all;\n", w->out);
	cuda_indent(w);
	fputs("all.n = 0;\n", w->out);
	cuda_indent(w);
	fprintf(w->out, "for (uint64_t q0 = %s; q0 < %s; q0 += MMSB_BLOCK * MMSB_EACH) {\n", first, end);
	w->depth++;
	cuda_indent(w);
	cuda_put_type_name(w, w->split);
	fputs(" p[MMSB_EACH];\n", w->out);
	fputs("#pragma unroll\n", w->out);
	cuda_indent(w);
	fputs("for (int j = 0; j < MMSB_EACH; j++) {\n", w->out);
	w->depth++;
	operand(w);
	w->depth--;
	cuda_indent(w);
	fputs("}\n", w->out);
	cuda_indent(w);
	cuda_put_type_name(w, w->split);
	fputs("_push(&all, ", w->out);
	cuda_put_type_name(w, w->split);
	fputs("_block(p));\n", w->out);
	w->depth--;
	cuda_indent(w);
	fputs("}\n", w->out);
}

static void put_store(writer *w, const char *to)
{
	cuda_indent(w);
	fputs("if (threadIdx.x == 0)\n", w->out);
	cuda_indent(w);
	fputs("\t((", w->out);
	cuda_put_type_name(w, w->split);
	fprintf(w->out, " *)L.%s)[blockIdx.x] = ", to);
	cuda_put_type_name(w, w->split);
	fputs("_end(&all);\n", w->out);
}

static void put_nothing(const writer *w)
{
	cuda_indent(w);
	fputs("p[j].value = 0;\n", w->out);
	cuda_indent(w);
	fputs("p[j].n = 0;\n", w->out);
	cuda_indent(w);
	fputs("const uint64_t q = q0 + threadIdx.x * MMSB_EACH + j;\n", w->out);
}

static void put_part_operand(writer *w)
{
	const sch_region *g = &w->s->regions[w->k->first_region + w->split];
	put_nothing(w);
	cuda_indent(w);
	fputs("if (q >= end)\n", w->out);
	cuda_indent(w);
	fputs("\tcontinue;\n", w->out);
	cuda_indent(w);
	fprintf(w->out, "const int64_t x%u = ", g->first_var);
	cuda_put_size(w, g->lo);
	fputs(" + (int64_t)q;\n", w->out);
	put_operand(w, g);
	cuda_indent(w);
	fputs("p[j].value = ", w->out);
	cuda_put_reg(w, g->value);
	fputs(";\n", w->out);
	cuda_indent(w);
	fputs("p[j].n = 1;\n", w->out);
}

static void put_join_operand(writer *w)
{
	put_nothing(w);
	cuda_indent(w);
	fputs("if (q < L.parts)\n", w->out);
	cuda_indent(w);
	fputs("\tp[j] = from[q];\n", w->out);
}

void cuda_put_before(writer *w)
{
	const sch_region *root = &w->s->regions[w->k->first_region];
	sch_region before = *root;
	before.n_instr = (uint32_t)(cuda_reduce_of(w, w->split) - w->instrs) - root->first_instr;
	cuda_put_vars(w);
	cuda_put_instrs(w, &before, false);
}

void cuda_put_part(writer *w)
{
	const sch_region *g = &w->s->regions[w->k->first_region + w->split];
	if (device_along(g) || g->kind == REGION_PREFIX) {
		if (g->kind == REGION_PREFIX)
			cuda_put_prefix_nodes(w, STEP_PART);
		else
			cuda_put_leaf(w);
		return;
	}
	cuda_indent(w);
	fputs("const uint64_t i = blockIdx.x / L.parts, part = blockIdx.x % L.parts;\n", w->out);
	cuda_indent(w);
	fputs("const uint64_t e = L.list ? L.list[i] : i;\n", w->out);
	cuda_put_before(w);
	cuda_indent(w);
	fputs("const uint64_t length = ", w->out);
	cuda_put_not_empty(w, g);
	cuda_put_size(w, g->lo);
	fputs(" < ", w->out);
	cuda_put_size(w, g->hi);
	fputs(" ? (uint64_t)(", w->out);
	cuda_put_size(w, g->hi);
	fputs(" - ", w->out);
	cuda_put_size(w, g->lo);
	fputs(") : 0;\n", w->out);
	cuda_indent(w);
	fputs("const uint64_t end = length < (part + 1) * L.part_size ? length : (part + 1) * L.part_size;\n", w->out);
	put_blocks(w, "part * L.part_size", "end", put_part_operand);
	put_store(w, "partial");
}

void cuda_put_join(writer *w)
{
	const sch_region *g = &w->s->regions[w->k->first_region + w->split];
	if (device_along(g) || g->kind == REGION_PREFIX) {
		if (g->kind == REGION_PREFIX)
			cuda_put_prefix_nodes(w, STEP_JOIN);
		else
			cuda_put_nodes(w);
		return;
	}
	cuda_indent(w);
	fputs("const ", w->out);
	cuda_put_type_name(w, w->split);
	fputs(" *const from = (const ", w->out);
	cuda_put_type_name(w, w->split);
	fputs(" *)L.partial + blockIdx.x * L.parts;\n", w->out);
	put_blocks(w, "0", "L.parts", put_join_operand);
	put_store(w, "joined");
}
