/* emit_work.c - what an element or operand costs, which functions compute it, and what is kept of it: lines of a schedule for people. All of it is asked of those who decide. */
#include "emit_work.h"

#include <stdlib.h>

#include "../runtime/block.h"
#include "../runtime/native_block.h"
#include "../runtime/native_rows.h"
#include "../runtime/native_wave.h"
#include "../runtime/pass_facts.h"
#include "emit.h"

/* ---- regions ----------------------------------------------------------------------------------- */

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

/* ---- functions --------------------------------------------------------------------------------- */

static const char *plural(uint32_t n) { return n == 1 ? "" : "s"; }

/* What a function of spans computes and reads for an element, or for an operand: one value for all of the span costs nothing. */
static work span_work(const native_span *span)
{
	work w = {0};
	for (uint32_t i = 0; i < span->n_values; i++) {
		const span_value *v = &span->values[i];
		w.operations += v->kind == SPAN_CODE;
		w.bytes += v->kind == SPAN_LANES || v->kind == SPAN_GATHER ? type_table[v->type].bytes : 0;
	}
	return w;
}

static uint32_t written_by(const native_span *span)
{
	uint32_t bytes = 0;
	for (uint32_t i = 0; i < span->n_out; i++)
		bytes += type_table[span->values[span->out[i].value].type].bytes;
	return bytes;
}

/* A reduction that is evaluated block by block with the passes that give what it reads. */
static void folded_line(const schedule *s, const native_span *span, native_span *fold, FILE *out)
{
	uint32_t next = span->first + span->n_passes;
	if (next < s->n_passes && native_fold_follows(s, next, span->first, span->n_passes) && native_fold_find(fold, s, next, 1))
		fprintf(out, "         with %s, block by block in a near cache, where its range is all elements: known at load\n",
		        emit_text(s, s->pages[s->passes[next].page].name));
}

/* Whether one function computes whole rows of the pass, and with which others; *together: the first pass that none before it runs with. */
static void span_lines(const schedule *s, uint32_t id, uint32_t *together, FILE *out)
{
	native_span *span = malloc(2 * sizeof *span);
	if (span && native_span_find(span, s, id, true)) {
		work w = span_work(span);
		fprintf(out, "       whole rows: one native function, with the next %u\n", span->n_passes - 1);
		fprintf(out, "         all of them: an element has %u bytes read, %u written, %u operation%s\n", w.bytes, written_by(span), w.operations, plural(w.operations));
		if (id >= *together) {
			folded_line(s, span, span + 1, out);
			*together = id + span->n_passes;
		}
	} else if (span && native_span_find(span, s, id, false)) {
		fputs("       whole rows: one native function\n", out);
		if (id >= *together)
			folded_line(s, span, span + 1, out);
	} else if (span && span->why) {
		fprintf(out, "       whole rows: as elements are, because of %s\n", span->why);
	}
	free(span);
}

static uint32_t hoisted_operations(const native_rows *rows)
{
	uint8_t used[ROWS_VALUES];
	uint32_t n = 0;
	native_rows_used(rows, ROWS_EACH, used);
	for (uint32_t i = 0; i < rows->n_values; i++)
		n += used[i] && rows->values[i].kind == SPAN_CODE;
	return n;
}

/* What an operand of a row takes of its entry, of its row and at its key. */
static void rows_work_line(const native_rows *rows, const char *reducer, FILE *out)
{
	uint8_t used[ROWS_VALUES];
	uint32_t bytes[2] = {0}, at_key = 0, operations = 0;
	native_rows_used(rows, rows->n_hoisted ? ROWS_REST : ROWS_DIRECT, used);
	for (uint32_t h = 0; h < rows->n_hoisted; h++) {
		used[rows->hoisted[h]] = 0;
		at_key += type_table[rows->values[rows->hoisted[h]].type].bytes;
	}
	for (uint32_t i = 0; i < rows->n_values; i++) {
		const span_value *v = &rows->values[i];
		uint32_t width = used[i] ? type_table[v->type].bytes : 0;
		operations += used[i] && v->kind == SPAN_CODE;
		if (v->kind == SPAN_LANES)
			bytes[rows->in[v->operand].source == ROWS_OUTER] += width;
		else if (v->kind == SPAN_GATHER)
			at_key += width;
	}
	fprintf(out, "         an operand takes %u bytes of its entry, %u of its row, %u at its key or through it, %u operation%s before %s", bytes[0], bytes[1], at_key, operations, plural(operations), reducer);
	if (rows->n_hoisted)
		fprintf(out, "; %u once for each key", hoisted_operations(rows));
	fputc('\n', out);
}

/* Whether functions compute the operands of its rows and columns. */
static void rows_lines(const schedule *s, uint32_t kernel, FILE *out)
{
	const sch_kernel *k = &s->kernels[kernel];
	native_rows *rows = malloc(sizeof *rows);
	for (uint32_t r = 1; rows && r < k->n_regions; r++) {
		const sch_region *g = &s->regions[k->first_region + r];
		const char *reducer = emit_reducer_name(g->reducer, g->op);
		if (g->kind != REGION_ROW && g->kind != REGION_COL)
			continue;
		bool found = native_rows_find(rows, s, kernel, r);
		fprintf(out, "       %s of %s: ", g->kind == REGION_ROW ? "rows" : "columns", reducer);
		if (found)
			fputs(rows->n_hoisted ? "native functions, with what depends on the key alone computed once for each key\n" : "one native function\n", out);
		else
			fprintf(out, "as operands are, because of %s\n", rows->why ? rows->why : "no memory");
		if (found)
			rows_work_line(rows, reducer, out);
	}
	free(rows);
}

/* What an operand takes where rows are side by side: each vector of lanes is read once for all rows of a block, each value of a row once for a vector. */
static void block_line(const native_block *block, const char *reducer, FILE *out)
{
	uint32_t bytes = type_table[block->type].bytes, of_rows = 0, of_lanes = 0, operations = 0;
	for (uint32_t i = 0; i < block->n_in; i++) {
		of_rows += block->in[i].kind == BLOCK_ROWS ? bytes : 0;
		of_lanes += block->in[i].kind == BLOCK_LANES ? bytes : 0;
	}
	for (uint32_t i = 0; i < block->n_values; i++)
		operations += block->values[i].is_op;
	fprintf(out, "         rows: an operand takes %u bytes of its row, read once for %u elements, %u of its lane, once for all rows of a block, %u operation%s before %s\n",
	        of_rows, MMSB_BLOCK_LANES / bytes, of_lanes, operations, plural(operations), reducer);
}

static void across_line(const schedule *s, const native_span *across, const char *reducer, FILE *out)
{
	work w = span_work(across);
	uint32_t own = 0, of_all = 0;
	for (uint32_t i = 0; i < across->n_in; i++) {
		uint32_t bytes = type_table[across->in[i].type].bytes;
		own += across->in[i].reg != NONE && across->in[i].kind == SPAN_LANES ? bytes : 0;
		of_all += native_across_varies(across, s, i) ? bytes : 0;
	}
	fprintf(out, "         elements: an operand takes %u bytes of its own, %u of its element, %u once for all elements, %u operation%s before %s\n", w.bytes - own, own, of_all,
	        w.operations, plural(w.operations), reducer);
}

/* Whether functions compute its reductions over ranges, and how. */
static void range_lines(const schedule *s, uint32_t id, FILE *out)
{
	const sch_kernel *k = &s->kernels[s->passes[id].kernel];
	native_span *across = malloc(2 * sizeof *across), *fold = across + 1;
	native_block block;
	for (uint32_t r = 1; across && r < k->n_regions; r++) {
		const sch_region *g = &s->regions[k->first_region + r];
		const char *reducer = emit_reducer_name(g->reducer, g->op);
		if (g->kind != REGION_RANGE)
			continue;
		bool elements = native_across_find(across, s, id, r), rows = native_block_find(&block, s, id, r), positions = native_fold_find(fold, s, id, r);
		fprintf(out, "       range of %s: ", reducer);
		const char *const kinds[] = {rows ? "rows" : NULL, positions ? "positions" : NULL, elements ? "elements" : NULL};
		if (rows + positions + elements == 0)
			fprintf(out, "as operands are, because of %s", fold->why ? fold->why : "no memory");
		else
			fputs(rows + positions + elements > 1 ? "native functions" : "one native function", out);
		for (int i = 0, n = 0; i < 3; i++)
			if (kinds[i])
				fprintf(out, "%s of %s side by side", n++ == 0 ? "," : " and", kinds[i]);
		fputc('\n', out);
		if (rows)
			block_line(&block, reducer, out);
		if (positions)
			fprintf(out, "         positions: an operand takes %u bytes, %u operation%s before %s\n", span_work(fold).bytes, span_work(fold).operations, plural(span_work(fold).operations), reducer);
		if (elements)
			across_line(s, across, reducer, out);
	}
	free(across);
}

void emit_work(const schedule *s, uint32_t pass, uint32_t *together, FILE *out)
{
	work_lines(s, s->passes[pass].kernel, out);
	span_lines(s, pass, together, out);
	range_lines(s, pass, out);
	rows_lines(s, s->passes[pass].kernel, out);
}

/* ---- from round to round, from tick to tick ---------------------------------------------------- */

static uint32_t element_bytes(const schedule *s, const sch_page *p)
{
	return p->record == NONE ? type_table[p->type].bytes : s->records[p->record].size;
}

void emit_kept(const schedule *s, uint32_t pass, FILE *out)
{
	const sch_pass *p = &s->passes[pass];
	if (p->kind == PASS_FIX_NUMERIC)
		fputs(pass_keeps_partials(s, p) ? "       kept from round to round: which elements have work, and partial results of its reductions, where these fit at load\n"
		                                : "       kept from round to round: nothing, because of a record\n", out);
	else if (p->kind == PASS_FIX_BOUNDED)
		fprintf(out, "       kept from epoch to epoch: the values of each round, %u bytes an element, where there is room\n", element_bytes(s, &s->pages[p->page]));
	else if (p->kind == PASS_FIX_EXACT && pass_is_repaired(s, p))
		fprintf(out, "       kept from epoch to epoch: when each element got its value, %u bytes an element, by which a change is repaired\n", REPAIR_BYTES);
	else if (p->kind == PASS_FIX_EXACT)
		fputs("       kept from epoch to epoch: nothing, because of a record\n", out);
}

/* Why ticks are computed one after the other; NULL: they need not be. */
static const char *ticks_refused(const schedule *s, uint8_t *roles, native_span *span, const char **page)
{
	const char *why = native_wave_find(s, roles);
	uint32_t n = 0;
	for (uint32_t i = 0; i < s->n_passes && !why; i++) {
		if (roles[i] != WAVE_MEMBER)
			continue;
		*page = emit_text(s, s->pages[s->passes[i].page].name);
		why = native_wave_refuses(s, i);
		if (!why && !native_span_find(span, s, i, false))
			why = span->why;
		else if (!why && ++n > WAVE_MEMBERS)
			why = "too many pages";
	}
	return why;
}

/* What one element takes in a walk: its page is read from memory at most once, where the first tick has its values of the epoch before. */
static void tick_line(const schedule *s, uint32_t pass, wave_role role, native_span *span, FILE *out)
{
	const sch_page *p = &s->pages[s->passes[pass].page];
	uint32_t bytes = element_bytes(s, p);
	if (role == WAVE_FOLLOWS)
		fprintf(out, "  %s: once after them\n", emit_text(s, p->name));
	if (role != WAVE_MEMBER || !native_span_find(span, s, pass, false))
		return;
	work w = span_work(span);
	fprintf(out, "  %s: of an element %u bytes are read and %u written once for all ticks, with %u operation%s in each\n", emit_text(s, p->name),
	        p->flags & PAGEF_PREV ? bytes : 0, bytes, w.operations, plural(w.operations));
}

void emit_ticks(const schedule *s, FILE *out)
{
	uint8_t *roles = calloc(s->n_passes + 1, 1);
	native_span *span = malloc(sizeof *span);
	const char *page = NULL;
	bool prev = false;
	for (uint32_t i = 0; i < s->n_pages; i++)
		prev |= (s->pages[i].flags & PAGEF_PREV) != 0;
	const char *why = prev && roles && span ? ticks_refused(s, roles, span, &page) : NULL;
	if (prev && roles && span)
		fputs("\nticks\n", out);
	if (why)
		fprintf(out, "  one after the other, because of %s%s%s\n", why, page ? ": " : "", page ? page : "");
	else if (prev && roles && span)
		fprintf(out, "  native code: up to %u in one walk over the rows, where they read rows near their own: known at load; rows between ticks take %u bytes a thread at most\n", WAVE_STEPS, WAVE_BYTES);
	for (uint32_t i = 0; prev && roles && span && !why && i < s->n_passes; i++)
		tick_line(s, i, (wave_role)roles[i], span, out);
	free(roles);
	free(span);
}
