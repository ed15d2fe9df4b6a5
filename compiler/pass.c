/* pass.c - the passes over a graph, in order. */
#include "pass.h"

#include <string.h>

#include "compile.h"

typedef struct pass {
	const char *name;
	void (*run)(ir_graph *g);
} pass;

/* The whole of what is done to a program between its text and its schedule. Each leaves a graph that ir_verify
 * accepts; `mmsbc emit ir --after=NAME` shows it. */
static const pass passes[] = {
	{"fold", ir_pass_fold},       /* constants; what integers and masks do not need */
	{"unused", ir_pass_unused},   /* internal pages that nothing reads */
	{"outline", ir_pass_outline}, /* reductions that would be evaluated again for every element get a page of their own */
	{"fuse", ir_pass_fuse},       /* internal pages disappear into what reads them */
	{"share", ir_pass_share},     /* equal reductions are one, whatever their variables are called */
};
/* Other common subexpressions need no pass: equal nodes are one node. Hoisting (place.c) and delta rules (derive.c) happen when
 * the schedule is built, because they are facts about where things stand in it. */

const char *ir_pass_name(uint32_t i)
{
	return i < sizeof passes / sizeof passes[0] ? passes[i].name : NULL;
}

static bool verified(ir_graph *g, const char *after)
{
#ifndef NDEBUG
	const char *wrong = g->ctx->oom ? NULL : ir_verify(g);
	if (wrong) {
		lang_error(g->ctx, lang_no_span(), "internal: after '%s' the graph is wrong: %s", after, wrong);
		return false;
	}
#endif
	(void)after;
	return !g->ctx->oom;
}

bool ir_run_passes(ir_graph *g, const char *stop_after)
{
	bool known = !stop_after || strcmp(stop_after, "lower") == 0;
	if (!verified(g, "lower"))
		return false;
	if (stop_after && known)
		return true;
	for (uint32_t i = 0; i < sizeof passes / sizeof passes[0]; i++) {
		passes[i].run(g);
		if (!g->ctx->oom)
			ir_compact(g);
		if (!verified(g, passes[i].name))
			return false;
		if (stop_after && strcmp(stop_after, passes[i].name) == 0)
			return true;
	}
	return known;
}
