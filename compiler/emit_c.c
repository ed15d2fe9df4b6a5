/* emit_c.c - the arithmetic of a schedule's kernels as C: a function for each group of instructions that native.h names. The text needs
 * no header of ours: those that say what operators mean are part of it. */
#include <inttypes.h>
#include <string.h>

#include "../runtime/native.h"
#include "compile.h"
#include "emit.h"
#include "emit_c.h"

static const char *const operators[] = {
#include "compiler/emit_c_text.h"
};

static const char *const keep[] = {
#include "compiler/emit_c_keep.h"
};

static const char *const c_types[T_COUNT] = {
#define TYPE(id, name, ctype, bytes, kind, npy, bits) #ctype,
#include "../runtime/types.def"
#undef TYPE
};

/* The kernel at hand. */
typedef struct emitter {
	const schedule *s;
	FILE *out;
	uint32_t kernel, region, stage;
	const sch_instr *instrs;
	const uint8_t *types;    /* of registers */
	native_stages st;
	native_group group;
} emitter;

static uint32_t place_of(const uint32_t *list, uint32_t n, uint32_t reg)
{
	for (uint32_t i = 0; i < n; i++)
		if (list[i] == reg)
			return i;
	return NONE;
}

/* ---- values ------------------------------------------------------------------------------------ */

const char *emit_c_type(unsigned type) { return c_types[type]; }

void emit_c_constant(FILE *out, uint8_t type, uint64_t bits)
{
	if (type == T_F32)
		fprintf(out, "mmsb_from_bits_f32(UINT32_C(0x%08" PRIx32 "))", (uint32_t)bits);
	else if (type == T_F64)
		fprintf(out, "mmsb_from_bits_f64(UINT64_C(0x%016" PRIx64 "))", bits);
	else
		fprintf(out, "(%s)UINT64_C(0x%" PRIx64 ")", c_types[type], bits);
}

static void put_operand(const emitter *e, uint32_t reg)
{
	const sch_instr *def = &e->instrs[e->st.def[reg]];
	if (def->code == CODE_CONST)
		emit_c_constant(e->out, def->type, def->imm);
	else if (place_of(e->group.in, e->group.n_in, reg) == NONE)
		fprintf(e->out, "v%u", reg);
	else
		fprintf(e->out, native_known(def) ? "k%u" : "a%u[i]", reg);
}

static void put_instr(const emitter *e, const sch_instr *in)
{
	const uint32_t args[3] = {in->a, in->b, in->c};
	uint32_t n = in->code == CODE_CONV ? 1 : op_table[in->op].arity;
	fprintf(e->out, "\t\tconst %s v%u = ", c_types[e->types[in->dst]], in->dst);
	if (in->code == CODE_OP)
		fprintf(e->out, "mmsb_%s_%s(", op_table[in->op].name, type_table[in->type].name);
	else if (in->type != in->type2)
		fprintf(e->out, "mmsb_conv_%s_%s(", type_table[in->type2].name, type_table[in->type].name);
	else
		fputc('(', e->out);
	for (uint32_t a = 0; a < n; a++) {
		fputs(a ? ", " : "", e->out);
		put_operand(e, args[a]);
	}
	fputs(");\n", e->out);
}

/* ---- functions --------------------------------------------------------------------------------- */

void emit_c_origin(FILE *out, const schedule *s, uint32_t kernel, const sch_instr *def)
{
	const sch_kernel *k = &s->kernels[kernel];
	if (def->code == CODE_READ) {
		const sch_read *r = &s->reads[k->first_read + def->a];
		const sch_page *p = &s->pages[r->page];
		fprintf(out, " /* %s%s", r->prev ? "prev " : "", emit_text(s, p->name));
		if (r->field != NONE)
			fprintf(out, ".%s", emit_text(s, s->fields[s->records[p->record].first_field + r->field].name));
		fputs(" */", out);
	} else if (def->code == CODE_PARAM) {
		fprintf(out, " /* %s */", emit_text(s, s->params[def->a].name));
	} else if (def->code == CODE_REDUCE) {
		const sch_region *g = &s->regions[k->first_region + def->a];
		fprintf(out, " /* %s */", emit_reducer_name(g->reducer, g->op));
	}
}

static void put_operands(const emitter *e)
{
	for (uint32_t i = 0; i < e->group.n_in; i++) {
		uint32_t reg = e->group.in[i];
		const sch_instr *def = &e->instrs[e->st.def[reg]];
		const char *type = c_types[e->types[reg]];
		if (native_known(def))
			fprintf(e->out, "\tconst %s k%u = *(const %s *)in[%u];", type, reg, type, i);
		else
			fprintf(e->out, "\tconst %s *const a%u = in[%u];", type, reg, i);
		emit_c_origin(e->out, e->s, e->kernel, def);
		fputc('\n', e->out);
	}
	if (e->group.n_in == 0)
		fputs("\t(void)in;\n", e->out);
	for (uint32_t i = 0; i < e->group.n_out; i++)
		fprintf(e->out, "\t%s *const r%u = out[%u];\n", c_types[e->types[e->group.out[i]]], e->group.out[i], i);
}

static void put_function(const emitter *e, const sch_pass *pass)
{
	const sch_kernel *k = &e->s->kernels[e->kernel];
	const sch_region *g = &e->s->regions[k->first_region + e->region];
	char name[NATIVE_NAME];
	native_name(name, e->kernel, e->region, e->stage);
	fprintf(e->out, "\n/* %s:%u: %s", emit_text(e->s, pass->file), pass->line, emit_text(e->s, k->name));
	if (e->region > 0)
		fprintf(e->out, ", within %s", emit_reducer_name(g->reducer, g->op));
	fprintf(e->out, " */\nvoid %s(void *const *out, const void *const *in, size_t n);\n", name);
	fprintf(e->out, "void %s(void *const *out, const void *const *in, size_t n)\n{\n", name);
	put_operands(e);
	fputs("\tLANES\n\tfor (size_t i = 0; i < n; i++) {\n", e->out);
	for (uint32_t i = g->first_instr; i < g->first_instr + g->n_instr; i++)
		if (e->st.stage[i] == e->stage)
			put_instr(e, &e->instrs[i]);
	for (uint32_t i = 0; i < e->group.n_out; i++)
		fprintf(e->out, "\t\tr%u[i] = v%u;\n", e->group.out[i], e->group.out[i]);
	fputs("\t}\n}\n", e->out);
}

/* The odd stages of a region, in order. */
static void put_region(emitter *e, const sch_pass *pass)
{
	const sch_region *g = &e->s->regions[e->s->kernels[e->kernel].first_region + e->region];
	for (uint32_t stage = 0, next; stage != NONE; stage = next) {
		bool any = false;
		next = NONE;
		for (uint32_t i = g->first_instr; i < g->first_instr + g->n_instr; i++) {
			uint32_t own = e->st.stage[i];
			any |= own == stage;
			if (own > stage && own < next)
				next = own;
		}
		e->stage = stage;
		if (any && (stage & 1) && native_group_find(&e->group, &e->st, e->s, e->kernel, e->region, stage))
			put_function(e, pass);
	}
}

/* A program uses few of the functions and tables. */
static const char before[] =
	"#pragma GCC diagnostic push\n"
	"#pragma GCC diagnostic ignored \"-Wunused-function\"\n"
	"#pragma GCC diagnostic ignored \"-Wunused-variable\"\n"
	"#pragma GCC diagnostic ignored \"-Wunused-const-variable\"\n";

static const char after[] =
	"\n#pragma GCC diagnostic pop\n"
	"#if defined __clang__\n"
	"#pragma clang diagnostic ignored \"-Wpass-failed\" /* a loop that is not vectorised is slower, not wrong */\n"
	"#endif\n";

/* Extensions of the processor that the compiler was allowed to use. */
static void put_needs(FILE *out)
{
	static const struct { const char *name, *macro; } rows[] = {
#define EXTENSION(name, macro, leaf, subleaf, reg, bit, state) {name, #macro},
#include "../runtime/processor.def"
#undef EXTENSION
	};
	fputs("extern const char mmsb_native_needs[];\nconst char mmsb_native_needs[] = \"\"\n", out);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		fprintf(out, "#ifdef %s\n\t\" %s\"\n#endif\n", rows[i].macro, rows[i].name);
	fputs("\t;\n", out);
}

static void put_text(const char *const *lines, size_t n, FILE *out)
{
	fputs(before, out);
	for (size_t i = 0; i < n; i++)
		fputs(lines[i], out);
	fputs(after, out);
}

void emit_c_operators(FILE *out)
{
	fputs("#include <stddef.h>\n", out);
	put_text(operators, sizeof operators / sizeof operators[0], out);
}

void emit_c_keep(FILE *out) { put_text(keep, sizeof keep / sizeof keep[0], out); }

bool emit_c_functions(const schedule *s, FILE *out)
{
	for (uint32_t p = 0; p < s->n_passes; p++) {
		const sch_kernel *k = &s->kernels[s->passes[p].kernel];
		emitter e = {.s = s, .out = out, .kernel = s->passes[p].kernel, .instrs = s->instrs + k->first_instr,
		             .types = s->reg_types + k->first_reg_type};
		if (!native_stages_find(&e.st, s, e.kernel))
			return false;
		for (; e.region < k->n_regions; e.region++)
			put_region(&e, &s->passes[p]);
		native_stages_free(&e.st);
		if (!emit_c_spans(out, s, p) || !emit_c_rows(out, s, p))
			return false;
		emit_c_blocks(out, s, p);
	}
	return true;
}

bool emit_c(const schedule *s, FILE *out)
{
	emit_c_operators(out);
	emit_c_keep(out);
	fprintf(out, "\n/* ---- the program ---- */\n\nextern const uint32_t mmsb_native_abi;\nconst uint32_t mmsb_native_abi = %d;\n", NATIVE_ABI);
	put_needs(out);
	return emit_c_functions(s, out);
}
