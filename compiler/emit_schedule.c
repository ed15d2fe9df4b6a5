/* emit_schedule.c - a schedule for people: what is stored and why, the passes in order, how changes travel. */
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "../runtime/native_block.h"
#include "../runtime/native_rows.h"
#include "emit.h"

/* The line of some pass's note that says why a page was fused; NULL: it was not. */
static const char *fused_line(const schedule *s, const char *page, uint32_t *into)
{
	static const char mark[] = "fused in: ";
	size_t n = strlen(page);
	for (uint32_t i = 0; i < s->n_passes; i++) {
		const char *line = emit_text(s, s->passes[i].note);
		while ((line = strstr(line, mark)) != NULL) {
			line += sizeof mark - 1;
			if (strncmp(line, page, n) == 0 && line[n] == ',') {
				*into = s->passes[i].page;
				return line + n + 2;
			}
		}
	}
	return NULL;
}

static void put_line(FILE *out, const char *text)
{
	fprintf(out, "%.*s", (int)strcspn(text, "\n"), text);
}

static void page_line(const schedule *s, uint32_t id, int width, FILE *out)
{
	static const char *const roles[] = {"", "in", "out"};
	const sch_page *p = &s->pages[id];
	const char *name = emit_text(s, p->name), *why;
	char type[160];
	uint32_t into = 0;
	emit_page_type(s, p, type, sizeof type);
	fprintf(out, "  %-*s  %-20s  %-3s  ", width, name, type, roles[p->role]);
	if (p->role == PAGE_ROLE_IN)
		fputs("source", out);
	else if (p->pass != NONE)
		put_line(out, emit_text(s, s->passes[p->pass].note));
	else if ((why = fused_line(s, name, &into)) != NULL) {
		fprintf(out, "fused into %s: ", emit_text(s, s->pages[into].name));
		put_line(out, why);
	} else {
		fputs("left out: nothing reads it", out);
	}
	if (p->flags & PAGEF_STATE)
		fputs("; state", out);
	if (p->flags & PAGEF_COLUMNS)
		fputs("; with its columns", out);
	fputc('\n', out);
}

static void read_line(const schedule *s, const sch_read *r, FILE *out)
{
	const sch_page *p = &s->pages[r->page];
	char name[256];
	snprintf(name, sizeof name, "%s%s%s%s", r->prev ? "prev " : "", emit_text(s, p->name), r->field != NONE ? "." : "",
	         r->field != NONE ? emit_text(s, s->fields[s->records[p->record].first_field + r->field].name) : "");
	fprintf(out, "       reads %-20s %-8s  delta %s\n", name, emit_class_name(r->cls), emit_rule_name(r->rule));
}

static void region_line(const schedule *s, const sch_region *r, FILE *out)
{
	char lo[80], hi[80];
	fprintf(out, "       %s over ", emit_reducer_name(r->reducer, r->op));
	switch (r->kind) {
	case REGION_RANGE:
		emit_size(s, r->lo, lo, sizeof lo);
		emit_size(s, r->hi, hi, sizeof hi);
		fprintf(out, "%s..%s%s\n", lo, hi, r->dense ? "" : ", where");
		return;
	case REGION_PREFIX: fprintf(out, "a prefix%s\n", r->dense ? "" : ", where"); return;
	case REGION_GROUP: fprintf(out, "the groups of %s\n", emit_text(s, s->pages[r->page].name)); return;
	default:
		fprintf(out, "a %s of %s%s\n", r->kind == REGION_ROW ? "row" : "column", r->prev ? "prev " : "",
		        emit_text(s, s->pages[r->page].name));
	}
}

/* ---- what is native ---------------------------------------------------------------------------- */

/* Why an operation is none of a native function's. */
typedef enum obstacle { OBSTACLE_NONE, OBSTACLE_FAILS, OBSTACLE_MOD, OBSTACLE_ALONE, OBSTACLE_WIDE, OBSTACLES } obstacle;

static const char *const obstacle_texts[OBSTACLES] = {
	[OBSTACLE_FAILS] = "can fail", [OBSTACLE_MOD] = "remainder, a loop of its own", [OBSTACLE_ALONE] = "by itself, without gain",
	[OBSTACLE_WIDE] = "among more than 64 operands or results",
};

/* What one lane of a region costs. */
typedef struct work {
	uint32_t bytes, operations, native, functions, kept[OBSTACLES];
} work;

static bool is_operation(const sch_instr *in)
{
	return in->code == CODE_OP || in->code == CODE_CONV || in->code == CODE_TO_INDEX || in->code == CODE_GUARD;
}

static obstacle find_obstacle(const native_stages *st, const native_group *g, const sch_instr *in, uint32_t i, bool found)
{
	if (st->stage[i] & 1)
		return found ? OBSTACLE_NONE : g->n_instr < NATIVE_LEAST ? OBSTACLE_ALONE : OBSTACLE_WIDE;
	return in->code == CODE_OP && in->op == OP_MOD && !(TYPES_INT >> in->type & 1) ? OBSTACLE_MOD : OBSTACLE_FAILS;
}

static work region_work(const schedule *s, const native_stages *st, uint32_t kernel, uint32_t region)
{
	const sch_kernel *k = &s->kernels[kernel];
	const sch_region *r = &s->regions[k->first_region + region];
	work w = {0};
	for (uint32_t i = r->first_instr; i < r->first_instr + r->n_instr; i++) {
		const sch_instr *in = &s->instrs[k->first_instr + i];
		native_group g = {.n_instr = 0};
		if (in->code == CODE_READ)
			w.bytes += type_table[s->reg_types[k->first_reg_type + in->dst]].bytes;
		if (!is_operation(in))
			continue;
		bool odd = st->stage[i] & 1, found = odd && native_group_find(&g, st, s, kernel, region, st->stage[i]), first = true;
		for (uint32_t j = r->first_instr; j < i; j++)
			first &= st->stage[j] != st->stage[i] || !is_operation(&s->instrs[k->first_instr + j]);
		obstacle o = find_obstacle(st, &g, in, i, found);
		w.operations++;
		w.native += o == OBSTACLE_NONE;
		w.functions += o == OBSTACLE_NONE && first;
		w.kept[o]++;
	}
	return w;
}

/* Bytes and operations of each region, and which operations are native code. */
static void work_lines(const schedule *s, uint32_t kernel, FILE *out)
{
	const sch_kernel *k = &s->kernels[kernel];
	native_stages st;
	if (!native_stages_find(&st, s, kernel))
		return;
	for (uint32_t r = 0; r < k->n_regions; r++) {
		const sch_region *region = &s->regions[k->first_region + r];
		work w = region_work(s, &st, kernel, r);
		if (r == 0)
			fputs("       an element: ", out);
		else
			fprintf(out, "       an operand of %s: ", emit_reducer_name(region->reducer, region->op));
		fprintf(out, "%u bytes read", w.bytes);
		uint32_t written = 0;
		for (uint32_t o = 0; r == 0 && o < k->n_outputs; o++)
			written += type_table[s->reg_types[k->first_reg_type + s->outputs[k->first_output + o].reg]].bytes;
		if (r == 0)
			fprintf(out, ", %u written", written);
		fprintf(out, ", %u operation%s", w.operations, w.operations == 1 ? "" : "s");
		if (w.native)
			fprintf(out, ", %u native in %u function%s", w.native, w.functions, w.functions == 1 ? "" : "s");
		const char *before = "; portable: ";
		for (uint32_t o = OBSTACLE_NONE + 1; o < OBSTACLES; o++)
			if (w.kept[o]) {
				fprintf(out, "%s%u %s", before, w.kept[o], obstacle_texts[o]);
				before = ", ";
			}
		fputc('\n', out);
	}
	native_stages_free(&st);
}

/* Whether one function computes whole rows of the pass, and with which others. */
static void span_line(const schedule *s, uint32_t id, FILE *out)
{
	native_span *span = malloc(sizeof *span);
	if (span && native_span_find(span, s, id, true)) {
		fprintf(out, "       whole rows: one native function, with the next %u\n", span->n_passes - 1);
	} else if (span && native_span_find(span, s, id, false)) {
		fputs("       whole rows: one native function\n", out);
	} else if (span && span->why) {
		fprintf(out, "       whole rows: as elements are, because of %s\n", span->why);
	}
	free(span);
}

/* Whether functions compute the operands of its rows and columns. */
static void rows_lines(const schedule *s, uint32_t kernel, FILE *out)
{
	const sch_kernel *k = &s->kernels[kernel];
	native_rows *rows = malloc(sizeof *rows);
	for (uint32_t r = 1; rows && r < k->n_regions; r++) {
		const sch_region *g = &s->regions[k->first_region + r];
		if (g->kind != REGION_ROW && g->kind != REGION_COL)
			continue;
		bool found = native_rows_find(rows, s, kernel, r);
		fprintf(out, "       %s of %s: ", g->kind == REGION_ROW ? "rows" : "columns", emit_reducer_name(g->reducer, g->op));
		if (found)
			fputs(rows->n_hoisted ? "native functions, with what depends on the key alone computed once for each key\n" : "one native function\n", out);
		else
			fprintf(out, "as operands are, because of %s\n", rows->why ? rows->why : "no memory");
	}
	free(rows);
}

/* Whether functions compute its reductions over ranges, and how. */
static void range_lines(const schedule *s, uint32_t id, FILE *out)
{
	const sch_kernel *k = &s->kernels[s->passes[id].kernel];
	native_span *fold = malloc(sizeof *fold);
	native_block block;
	for (uint32_t r = 1; fold && r < k->n_regions; r++) {
		const sch_region *g = &s->regions[k->first_region + r];
		if (g->kind != REGION_RANGE)
			continue;
		bool elements = native_across_find(fold, s, id, r), rows = native_block_find(&block, s, id, r), positions = native_fold_find(fold, s, id, r);
		fprintf(out, "       range of %s: ", emit_reducer_name(g->reducer, g->op));
		const char *const kinds[] = {rows ? "rows" : NULL, positions ? "positions" : NULL, elements ? "elements" : NULL};
		if (rows + positions + elements == 0)
			fprintf(out, "as operands are, because of %s", fold->why ? fold->why : "no memory");
		else
			fputs(rows + positions + elements > 1 ? "native functions" : "one native function", out);
		for (int i = 0, n = 0; i < 3; i++)
			if (kinds[i])
				fprintf(out, "%s of %s side by side", n++ == 0 ? "," : " and", kinds[i]);
		fputc('\n', out);
	}
	free(fold);
}

static void pass_lines(const schedule *s, uint32_t id, FILE *out)
{
	const sch_pass *pass = &s->passes[id];
	const sch_kernel *k = &s->kernels[pass->kernel];
	const char *fix = emit_fix_name(pass->kind);
	fprintf(out, "  %2u %s%s%s%s\n", id, emit_text(s, s->pages[pass->page].name), *fix ? ", " : "", fix,
	        k->can_fail ? ", can fail" : "");
	fprintf(out, "       hash %016llx%016llx, %s:%u:%u\n", (unsigned long long)pass->hash[1],
	        (unsigned long long)pass->hash[0], emit_text(s, pass->file), pass->line, pass->column);
	for (uint32_t i = 1; i < k->n_regions; i++)
		region_line(s, &s->regions[k->first_region + i], out);
	for (uint32_t i = 0; i < k->n_reads; i++)
		read_line(s, &s->reads[k->first_read + i], out);
	work_lines(s, pass->kernel, out);
	span_line(s, id, out);
	range_lines(s, id, out);
	rows_lines(s, pass->kernel, out);
}

void emit_schedule(const schedule *s, FILE *out)
{
	int width = 4;
	for (uint32_t i = 0; i < s->n_pages; i++) {
		int n = (int)strlen(emit_text(s, s->pages[i].name));
		width = n > width && n <= 32 ? n : width;
	}
	fputs("pages\n", out);
	for (uint32_t i = 0; i < s->n_pages; i++)
		page_line(s, i, width, out);
	fputs("\npasses, in order\n", out);
	for (uint32_t i = 0; i < s->n_passes; i++)
		pass_lines(s, i, out);
}
