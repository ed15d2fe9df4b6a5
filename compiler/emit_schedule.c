/* emit_schedule.c - a schedule for people: what is stored and why, the passes in order, how changes travel. */
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "emit.h"
#include "emit_work.h"

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

static void pass_lines(const schedule *s, uint32_t id, uint32_t *together, FILE *out)
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
	emit_work(s, id, together, out);
	emit_kept(s, id, out);
}

void emit_schedule(const schedule *s, FILE *out)
{
	int width = 4;
	uint32_t together = 0;
	for (uint32_t i = 0; i < s->n_pages; i++) {
		int n = (int)strlen(emit_text(s, s->pages[i].name));
		width = n > width && n <= 32 ? n : width;
	}
	fputs("pages\n", out);
	for (uint32_t i = 0; i < s->n_pages; i++)
		page_line(s, i, width, out);
	fputs("\npasses, in order\n", out);
	for (uint32_t i = 0; i < s->n_passes; i++)
		pass_lines(s, i, &together, out);
	emit_ticks(s, out);
}
