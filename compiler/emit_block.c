/* emit_block.c - reductions block by block as C: a function for each that native_block.h names, with the macros of block.h. */
#include "../runtime/native_block.h"
#include "emit.h"
#include "emit_c.h"

typedef struct writer {
	FILE *out;
	const schedule *s;
	const sch_kernel *k;
	const native_block *block;
	const char *type;
} writer;

static const sch_instr *source_of(const writer *w, uint32_t operand) { return &w->s->instrs[w->k->first_instr + w->block->in[operand].instr]; }
static const char *symbol_of(unsigned op) { return op == OP_ADD ? "+" : op == OP_MUL ? "*" : "-"; }

/* The operand at position k: vectors take the operators of C, which are what scalar.h says. */
static void put_value(const writer *w, uint32_t id)
{
	static const char *const operands[] = {[BLOCK_ROWS] = "r%u[k]", [BLOCK_LANES] = "v%u[k]", [BLOCK_ONE] = "c%u"};
	const block_value *v = &w->block->values[id];
	if (v->is_constant) {
		emit_c_constant(w->out, w->block->type, v->imm);
	} else if (!v->is_op) {
		fprintf(w->out, operands[w->block->in[v->operand].kind], v->operand);
	} else if (v->op == OP_NEG) {
		fputs("(-", w->out);
		put_value(w, v->args[0]);
		fputc(')', w->out);
	} else {
		fputc('(', w->out);
		put_value(w, v->args[0]);
		fprintf(w->out, " %s ", symbol_of(v->op));
		put_value(w, v->args[1]);
		fputc(')', w->out);
	}
}

/* How wide vectors are, and leaves: so many values of lanes have a register each. */
static const char widths[] =
	"#undef MMSB_BLOCK_BYTES\n#undef MMSB_BLOCK_LEAF\n#undef MMSB_BLOCK_LOG\n#undef MMSB_BLOCK_NODE\n"
	"#if defined __AVX512F__\n"
	"#define MMSB_BLOCK_BYTES 64\n#define MMSB_BLOCK_LEAF 16\n#define MMSB_BLOCK_LOG 4\n#define MMSB_BLOCK_NODE MMSB_NODE16\n"
	"#else\n"
	"#ifdef __AVX__\n#define MMSB_BLOCK_BYTES 32\n#else\n#define MMSB_BLOCK_BYTES 16\n#endif\n"
	"#define MMSB_BLOCK_LEAF 8\n#define MMSB_BLOCK_LOG 3\n#define MMSB_BLOCK_NODE MMSB_NODE8\n"
	"#endif\n";

static void put_operands(const writer *w)
{
	fprintf(w->out, "\tconst size_t *const shape = in[%u], rows = shape[0];\n", w->block->n_in);
	for (uint32_t i = 0; i < w->block->n_in; i++) {
		if (w->block->in[i].kind == BLOCK_ONE)
			fprintf(w->out, "\tconst %s c%u = *(const %s *)in[%u];", w->type, i, w->type, i);
		else if (w->block->in[i].kind == BLOCK_ROWS)
			fprintf(w->out, "\tconst %s *const a%u = in[%u];", w->type, i, i);
		else
			fprintf(w->out, "\tconst size_t s%u = shape[%u];\n\tconst %s *const a%u = in[%u];", i, i + 1, w->type, i, i);
		emit_c_origin(w->out, w->s, (uint32_t)(w->k - w->s->kernels), source_of(w, i));
		fputc('\n', w->out);
	}
}

/* What a leaf, or one position, has of each operand. */
static void put_leaf(const writer *w, const char *leaf, bool ahead)
{
	for (uint32_t i = 0; i < w->block->n_in; i++) {
		if (w->block->in[i].kind == BLOCK_ROWS)
			fprintf(w->out, "\t\t\tconst %s *r%u = a%u + at / MMSB_BLOCK_PACK * MMSB_BLOCK_PACK * rows + at %% MMSB_BLOCK_PACK;\n", w->type, i, i);
		if (w->block->in[i].kind != BLOCK_LANES)
			continue;
		fprintf(w->out, "\t\t\tlanes v%u[%s];\n\t\t\tfor (size_t k = 0; k < %s; k++)\n"
		        "\t\t\t\tv%u[k] = *(const lanes *)(const void *)((const char *)(a%u + (at + k) * s%u) + part);\n", i, leaf, leaf, i, i, i);
		if (ahead)
			fprintf(w->out, "\t\t\tfor (size_t k = 0; k < MMSB_BLOCK_LEAF && n - at >= 2 * MMSB_BLOCK_LEAF; k++)\n"
			        "\t\t\t\t__builtin_prefetch(a%u + (at + MMSB_BLOCK_LEAF + k) * s%u);\n", i, i);
	}
}

static void put_nodes(const writer *w, const char *level, const char *number, const char *node)
{
	const char *op = symbol_of(w->block->op);
	fprintf(w->out, "\t\t\tMMSB_BLOCK_NODES(%s, d, rows, %s, %s, %s(AT, %s, 0), (", op, level, number, node, op);
	const char *between = "";
	for (uint32_t i = 0; i < w->block->n_in; i++)
		if (w->block->in[i].kind == BLOCK_ROWS) {
			fprintf(w->out, "%sr%u += MMSB_BLOCK_PACK", between, i);
			between = ", ";
		}
	fputs("));\n\t\t}\n", w->out);
}

static void put_function(const writer *w, uint32_t pass, uint32_t region)
{
	char name[NATIVE_NAME];
	const sch_pass *p = &w->s->passes[pass];
	const sch_region *g = &w->s->regions[w->k->first_region + region];
	native_block_name(name, w->s, pass, region);
	fprintf(w->out, "\n/* %s:%u: %s, %s, block by block */\n%s", emit_text(w->s, p->file), p->line, emit_text(w->s, w->k->name),
	        emit_reducer_name(g->reducer, g->op), widths);
	fprintf(w->out, "void %s(void *const *out, const void *const *in, size_t n);\nvoid %s(void *const *out, const void *const *in, size_t n)\n{\n", name, name);
	fprintf(w->out, "\ttypedef %s lanes __attribute__((vector_size(MMSB_BLOCK_BYTES), aligned(sizeof(%s)), may_alias));\n", w->type, w->type);
	put_operands(w);
	fputs("#define AT(k) ", w->out);
	put_value(w, w->block->value);
	fputs("\n\tlanes *const d = out[1];\n\tfor (size_t part = 0; part < MMSB_BLOCK_LANES; part += MMSB_BLOCK_BYTES) {\n\t\tsize_t at = 0;\n"
	      "\t\tfor (; n - at >= MMSB_BLOCK_LEAF; at += MMSB_BLOCK_LEAF) {\n", w->out);
	put_leaf(w, "MMSB_BLOCK_LEAF", true);
	put_nodes(w, "MMSB_BLOCK_LOG", "at / MMSB_BLOCK_LEAF", "MMSB_BLOCK_NODE");
	fputs("\t\tfor (; at < n; at++) {\n", w->out);
	put_leaf(w, "1", false);
	put_nodes(w, "0", "at", "MMSB_NODE1");
	fprintf(w->out, "\t\tfor (size_t r = 0; r < rows; r++) {\n\t\t\tlanes v;\n\t\t\tMMSB_BLOCK_VALUE(%s, v, d, rows, r, n);\n"
	        "\t\t\t*(lanes *)(void *)((char *)out[0] + r * MMSB_BLOCK_LANES + part) = v;\n\t\t}\n\t}\n#undef AT\n}\n", symbol_of(w->block->op));
}

void emit_c_blocks(FILE *out, const schedule *s, uint32_t pass)
{
	native_block block;
	const sch_kernel *k = &s->kernels[s->passes[pass].kernel];
	for (uint32_t r = 1; r < k->n_regions; r++)
		if (native_block_find(&block, s, pass, r)) {
			const writer w = {out, s, k, &block, emit_c_type(block.type)};
			put_function(&w, pass, r);
		}
}
