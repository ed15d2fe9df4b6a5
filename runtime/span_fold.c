/* span_fold.c - the one reduction of a pass over all that the spans before it compute, block by block with these: while the block is in a near cache. Memory is gone through
 * once. Blocks are nodes of the position tree (split.c), whoever evaluates them. */
#include <stdlib.h>

#include "spans.h"

/* A block, in bits of its number of elements: near the size of the nearest cache, and at least a chunk. */
enum { FOLD_BITS = 13, LEAST_BITS = 9 };
_Static_assert(1 << LEAST_BITS == TILE, "blocks are whole chunks");

/* ---- plans ------------------------------------------------------------------------------------- */

/* What it takes from the region around is there before anything runs. */
static bool imports_known(const kernel_plan *p, const region_plan *r)
{
	for (uint32_t i = 0; i < r->n_imports; i++) {
		uint32_t k = 0;
		while (k < p->regions[0].n_knowns && p->regions[0].knowns[k].local != r->imports[i].from)
			k++;
		if (k == p->regions[0].n_knowns)
			return false;
	}
	return r->n_var_imports == 0;
}

static bool can_follow(const struct executor *ex, const span_plan *plan, const kernel_plan *p)
{
	const schedule *s = ex->inst->sch;
	if (p->on_device || !native_fold_follows(s, (uint32_t)(p->pass - s->passes), plan->first, plan->n_members) || ex->inst->pages[p->pass->page].count != 1)
		return false;
	const region_plan *r = &p->regions[1];
	return r->fold && r->lo == 0 && r->extent == (int64_t)plan->total && r->n_bounds == 0 && imports_known(p, r);
}

bool span_fold_plan(struct executor *ex, span_plan *plan)
{
	uint32_t next = plan->first + plan->n_members;
	if (next >= ex->inst->sch->n_passes || !can_follow(ex, plan, ex->passes[next]))
		return true;
	kernel_plan *p = ex->passes[next];
	if (!p->ahead)
		p->ahead = calloc(1, sizeof *p->ahead);
	plan->folded = p->ahead ? p : NULL;
	return p->ahead != NULL;
}

/* ---- running ----------------------------------------------------------------------------------- */

bool span_fold_begin(struct executor *ex, span_now *now)
{
	kernel_plan *p = now->plan->folded;
	if (!p || p->deferred || !ex->partials || pass_look_up(ex, p, NULL))
		return false;
	now->fold_bits = FOLD_BITS;
	while (now->fold_bits > LEAST_BITS && (double)((uint64_t)1 << now->fold_bits) > ex->grain)
		now->fold_bits--;
	while ((now->plan->total - 1) >> now->fold_bits >= MAX_PARTIALS)
		now->fold_bits++;
	return fold_ready(&ex->workers[0], &p->regions[1]);
}

void span_fold_worker(worker *w, const span_now *now)
{
	worker_prepare(w, now->plan->folded);
	w->runs[0].n = 1;
	w->runs[0].live = NULL;
	w->runs[1].parent = &w->runs[0];
}

void span_fold_elements(worker *w, const span_now *now, uint64_t first, uint64_t end, uint64_t *changed)
{
	uint64_t block = (uint64_t)1 << now->fold_bits;
	for (uint64_t at = first, stop; at < end; at = stop) {
		stop = end - at < block ? end : at + block;
		span_elements(w, now, at, stop, changed);
		split_block(w, &w->runs[1], 0, (int64_t)at, (int64_t)stop, &w->ex->partials[at >> now->fold_bits]);
	}
}

void span_fold_end(struct executor *ex, const span_now *now)
{
	known_ahead *to = now->plan->folded->ahead;
	worker *w = &ex->workers[0];
	span_fold_worker(w, now);
	reduction *red = w->runs[1].red;
	to->known = split_join(red, ex->partials, (int64_t)now->plan->total, now->fold_bits, &to->value);
	to->n = red->n;
}
