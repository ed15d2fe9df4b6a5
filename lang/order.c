/* An order of the edges in which each follows those it reads, as close to the text as that allows; or the cycles. */
#include "check.h"

/* ---- cycles ---- */

static edge_info *edge_of(const p_page *page)
{
	return info_of(page)->edge;
}

/* The edge that has just been reached again stands somewhere on the stack; the path from there to its top is the cycle. */
static void report_cycle(checker *ck, edge_info **stack, uint32_t count, const edge_info *again)
{
	enum { SHOWN = 16 };
	uint32_t first = count;
	while (first > 0 && stack[first - 1] != again)
		first--;
	first--;
	const char *path = "";
	for (uint32_t i = first; i < count && path != NULL; i++) {
		if (stack[i]->told)
			return;
		if (i - first < SHOWN)
			path = lang_sprintf(ck->ctx, "%s%s -> ", path, stack[i]->edge.page->name);
		else if (i - first == SHOWN)
			path = lang_sprintf(ck->ctx, "%s... -> ", path);
	}
	if (path == NULL)
		return;
	const edge_info *head = stack[first];
	const edge_dep *dep = &head->deps[head->next_dep - 1];
	lang_diag *diag = check_error(ck, head->scope->trace, dep->span, "'%s' depends on itself: %s%s",
	                              head->edge.page->name, path, head->edge.page->name);
	for (uint32_t i = first; i < count; i++) {
		const edge_info *at = stack[i];
		stack[i]->told = true;
		if (i > first && i - first < SHOWN)
			lang_note(ck->ctx, diag, at->deps[at->next_dep - 1].span, "'%s' reads '%s' here", at->edge.page->name,
			          at->deps[at->next_dep - 1].page->name);
	}
	lang_help(ck->ctx, diag, count - first == 1 ? "read the epoch before with `prev %s`, or write a fixpoint: `<- fix ...`"
	                                            : "read one of them in the epoch before, with `prev %s`",
	          head->edge.page->name);
}

/* ---- the order ---- */

typedef struct walk {
	checker *ck;
	edge_info **stack;
	uint32_t depth;
	p_edge **order;
	uint32_t count;
} walk;

/* One step of the search in depth, without recursion: chains of pages may be long. */
static void advance(walk *w)
{
	edge_info *top = w->stack[w->depth - 1];
	if (top->next_dep == top->dep_count) {
		top->state = SYM_DONE;
		top->edge.id = w->count;
		w->order[w->count++] = &top->edge;
		w->depth--;
		return;
	}
	edge_info *next = edge_of(top->deps[top->next_dep++].page);
	if (next == NULL || next->state == SYM_DONE)
		return;
	if (next->state == SYM_BUSY) {
		report_cycle(w->ck, w->stack, w->depth, next);
		return;
	}
	next->state = SYM_BUSY;
	w->stack[w->depth++] = next;
}

void order_edges(checker *ck)
{
	p_program *program = ck->program;
	walk w = {.ck = ck};
	if (program->n_edges == 0)
		return;
	w.stack = LANG_NEW_ARRAY(ck->ctx, edge_info *, program->n_edges);
	w.order = LANG_NEW_ARRAY(ck->ctx, p_edge *, program->n_edges);
	if (w.stack == NULL || w.order == NULL)
		return;
	for (uint32_t i = 0; i < program->n_edges; i++) {
		edge_info *info = (edge_info *)program->edges[i];
		if (info->state != SYM_NEW)
			continue;
		info->state = SYM_BUSY;
		w.stack[w.depth++] = info;
		while (w.depth > 0)
			advance(&w);
	}
	program->edges = w.order;
}
