/* emit_bytecode.c - the code of a schedule's kernels, region by region: mmsbc emit bytecode. */
#include <inttypes.h>
#include <stdlib.h>

#include "compile.h"
#include "emit.h"

typedef struct lister {
	const schedule *s;
	const sch_kernel *k;
	FILE *out;
} lister;

static void index_text(const lister *l, const sch_index *x)
{
	if (x->reg != NONE) {
		fprintf(l->out, "r%u", x->reg);
		return;
	}
	for (uint32_t i = 0; i < x->n_terms; i++) {
		const sch_term *t = &l->s->terms[x->first_term + i];
		char size[128];
		uint64_t coef = t->coef < 0 ? 0 - (uint64_t)t->coef : (uint64_t)t->coef;
		fputs(i == 0 ? (t->coef < 0 ? "-" : "") : t->coef < 0 ? " - " : " + ", l->out);
		if (coef != 1)
			fprintf(l->out, "%" PRIu64 "*", coef);
		if (t->kind == TERM_VAR) {
			fprintf(l->out, "v%u", t->id);
		} else {
			emit_size(l->s, t->id, size, sizeof size);
			fprintf(l->out, "(%s)", size);
		}
	}
	if (x->n_terms == 0)
		fprintf(l->out, "%" PRId64, x->constant);
	else if (x->constant != 0)
		fprintf(l->out, x->constant < 0 ? " - %" PRIu64 : " + %" PRIu64,
		        x->constant < 0 ? 0 - (uint64_t)x->constant : (uint64_t)x->constant);
}

static void read_text(const lister *l, const sch_read *r)
{
	static const char *const views[] = {"", "clamp ", "wrap ", "mirror ", "zero ", "pad "};
	const schedule *s = l->s;
	const sch_page *p = &s->pages[r->page];
	fprintf(l->out, "read %s%s%s", views[r->view], r->prev ? "prev " : "", emit_text(s, p->name));
	for (uint32_t i = 0; i < r->n_index; i++) {
		fputs(i ? ", " : "[", l->out);
		index_text(l, &s->indices[r->first_index + i]);
	}
	fputs(r->n_index ? "]" : "", l->out);
	if (r->field != NONE)
		fprintf(l->out, ".%s", emit_text(s, s->fields[s->records[p->record].first_field + r->field].name));
	if (r->pad != NONE)
		fprintf(l->out, " else r%u", r->pad);
	fprintf(l->out, "   ; %s, delta %s", emit_class_name(r->cls), emit_rule_name(r->rule));
}

static void op_text(const lister *l, const sch_instr *in)
{
	const uint32_t args[3] = {in->a, in->b, in->c};
	fprintf(l->out, "%s_%s", op_table[in->op].name, type_table[in->type].name);
	for (uint32_t i = 0; i < op_table[in->op].arity; i++)
		fprintf(l->out, "%s r%u", i ? "," : "", args[i]);
}

static void instr_text(const lister *l, const sch_instr *in)
{
	const schedule *s = l->s;
	char text[128];
	scalar value = {.bits = in->imm};
	fprintf(l->out, "r%u : %s = ", in->dst, type_table[s->reg_types[l->k->first_reg_type + in->dst]].name);
	switch (in->code) {
	case CODE_OP: op_text(l, in); break;
	case CODE_CONV:
		fprintf(l->out, "conv_%s_%s r%u", type_table[in->type2].name, type_table[in->type].name, in->a);
		break;
	case CODE_CONST:
		ir_scalar_text(in->type, value, text, sizeof text);
		fprintf(l->out, "const %s", text);
		break;
	case CODE_PARAM: fprintf(l->out, "param %s", emit_text(s, s->params[in->a].name)); break;
	case CODE_SIZE:
		emit_size(s, in->a, text, sizeof text);
		fprintf(l->out, "size %s", text);
		break;
	case CODE_VAR: fprintf(l->out, "var v%u", in->a); break;
	case CODE_READ: read_text(l, &s->reads[l->k->first_read + in->a]); break;
	case CODE_TO_INDEX:
		emit_size(s, in->b, text, sizeof text);
		fprintf(l->out, "to_index r%u < %s", in->a, text);
		break;
	case CODE_GUARD: fprintf(l->out, "guard %s r%u", emit_guard_name(in->c), in->a); break;
	default: fprintf(l->out, "reduce region %u", in->a);
	}
	if (in->code == CODE_REDUCE && in->b != NONE)
		fprintf(l->out, ", count r%u", in->b);
	if (in->mask != NONE)
		fprintf(l->out, " under r%u", in->mask);
	if (in->line)
		fprintf(l->out, "   ; %u:%u", in->line, in->column);
}

static void region_text(const lister *l, uint32_t id, int depth)
{
	const schedule *s = l->s;
	const sch_region *r = &s->regions[l->k->first_region + id];
	char lo[128], hi[128];
	fprintf(l->out, "%*sregion %u: ", depth, "", id);
	if (id > 0)
		fprintf(l->out, "%s_%s v%u in ", emit_reducer_name(r->reducer, r->op), type_table[r->type].name, r->first_var);
	switch (r->kind) {
	case REGION_DOMAIN:
		fputs("domain", l->out);
		for (uint32_t i = 0; i < r->n_vars; i++)
			fprintf(l->out, " v%u", r->first_var + i);
		break;
	case REGION_ENTRIES: fprintf(l->out, "entries v0 v1 of %s", emit_text(s, s->pages[r->page].name)); break;
	case REGION_RANGE:
		emit_size(s, r->lo, lo, sizeof lo);
		emit_size(s, r->hi, hi, sizeof hi);
		fprintf(l->out, "%s..%s", lo, hi);
		break;
	case REGION_PREFIX: fprintf(l->out, "0..%sv%u", r->strict ? "" : "=", r->at); break;
	case REGION_GROUP: fprintf(l->out, "group %s == r%u", emit_text(s, s->pages[r->page].name), r->at); break;
	default:
		fprintf(l->out, "%s r%u of %s%s", r->kind == REGION_ROW ? "row" : "column", r->at, r->prev ? "prev " : "",
		        emit_text(s, s->pages[r->page].name));
	}
	if (r->dense)
		fputs(", dense", l->out);
	if (r->nest != NONE)
		fprintf(l->out, ", nest region %u", r->nest);
	fputc('\n', l->out);
	for (uint32_t i = 0; i < r->n_instr; i++) {
		const sch_instr *in = &s->instrs[l->k->first_instr + r->first_instr + i];
		if (in->code == CODE_REDUCE)
			region_text(l, in->a, depth + 2);
		fprintf(l->out, "%*s", depth + 2, "");
		instr_text(l, in);
		fputc('\n', l->out);
	}
	if (r->where != NONE)
		fprintf(l->out, "%*swhere r%u\n", depth + 2, "", r->where);
	if (r->value != NONE)
		fprintf(l->out, "%*svalue r%u\n", depth + 2, "", r->value);
}

static void kernel_text(const schedule *s, uint32_t id, const char *what, FILE *out)
{
	lister l = {s, &s->kernels[id], out};
	fprintf(out, "kernel %u: %s%s, %u registers%s\n", id, emit_text(s, l.k->name), what, l.k->n_regs,
	        l.k->can_fail ? ", can fail" : "");
	region_text(&l, 0, 2);
	for (uint32_t o = 0; o < l.k->n_outputs; o++) {
		const sch_output *to = &s->outputs[l.k->first_output + o];
		fprintf(out, "    output r%u", to->reg);
		if (to->field != NONE)
			fprintf(out, " field %u", to->field);
		fputc('\n', out);
	}
}

void emit_bytecode(const schedule *s, FILE *out)
{
	uint32_t *pass_of = calloc((size_t)s->n_kernels + 1, sizeof *pass_of);
	if (!pass_of)
		return;
	for (uint32_t p = 0; p < s->n_passes; p++)
		pass_of[s->passes[p].kernel] = p + 1;
	for (uint32_t k = 0; k < s->n_kernels; k++) {
		const char *fix = pass_of[k] ? emit_fix_name(s->passes[pass_of[k] - 1].kind) : "";
		kernel_text(s, k, pass_of[k] && *fix ? " (fixpoint)" : pass_of[k] ? "" : " (constant)", out);
	}
	free(pass_of);
}
