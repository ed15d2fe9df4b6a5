/* split.c - one long reduction by all threads. The range is cut at aligned blocks of a power of two, which are nodes of the
 * position tree: whoever evaluates them, they are combined in the same order. */
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "exec.h"
#include "fpenv.h"

void split_block(worker *w, run *c, uint32_t lane, int64_t first, int64_t end, partial *out)
{
	expand_range(w, c, lane, first, end);
	if (c->plan->kind == RED_LIST) {
		reduction_node(c->red, &out->node);
		return;
	}
	scalar v;
	reduction_value(c->red, &v);
	out->node.n = c->red->n;
	out->node.values[0] = c->plan->kind == RED_ARG ? c->red->best.bits : v.bits;
	out->position = c->red->position;
}

static void join_block(reduction *red, const partial *p, int64_t first)
{
	scalar v = {.bits = p->node.values[0]};
	uint8_t seen = red->n > 0;
	switch (red->kind) {
	case RED_LIST:
		reduction_push_node(red, &p->node, (uint64_t)first);
		return;
	case RED_DENSE:
		reduction_push_block(red, v);
		break;
	case RED_ANY:
		if (p->node.n == 0)
			return;
		if (seen)
			red->k->op[red->op][red->type](&red->best, &red->best, &v, NULL, 1);
		else
			red->best = v;
		break;
	case RED_ARG:
		if (p->node.n > 0)
			red->k->arg[red->arg][red->type](&red->best, &red->position, &seen, &v, p->position, NULL, 1);
		break;
	}
	red->n += p->node.n;
}

bool split_join(reduction *red, const partial *blocks, int64_t extent, unsigned bits, scalar *value)
{
	reduction_begin(red);
	for (int64_t b = 0; b << bits < extent; b++)
		join_block(red, &blocks[b], b << bits);
	return reduction_value(red, value);
}

#ifdef _OPENMP

enum { MAX_SPLIT_LANES = 8 };

static unsigned block_bits(const worker *w, const region_plan *rp)
{
	unsigned bits = 0;
	while (bits < 40 && rp->weight * (double)((int64_t)1 << bits) < 2 * w->ex->grain)
		bits++;
	while ((rp->extent - 1) >> bits >= MAX_PARTIALS)
		bits++;
	return bits;
}

static void evaluate_blocks(worker *w, run *r, const region_plan *rp, uint32_t lane, unsigned bits)
{
	struct executor *ex = w->ex;
	int64_t n_blocks = ((rp->extent - 1) >> bits) + 1;
#pragma omp parallel num_threads((int)ex->n_workers)
	{
		worker *mine = &ex->workers[omp_get_thread_num()];
		uint64_t env = fpenv_enter();
		if (mine != w)
			worker_prepare(mine, ex->plan);
		mine->in_team = true;
		run *c = &mine->runs[rp->id];
		c->parent = r;
#pragma omp for schedule(dynamic, 1)
		for (int64_t b = 0; b < n_blocks; b++) {
			int64_t first = b << bits, end = (b + 1) << bits;
			split_block(mine, c, lane, first, end < rp->extent ? end : rp->extent, &ex->partials[b]);
		}
		mine->in_team = false;
		fpenv_leave(env);
	}
}

static bool by_team(worker *w, run *r, const step *s, uint32_t lane)
{
	const region_plan *rp = s->child;
	if (w->in_team || w->ex->n_workers < 2 || r->n > MAX_SPLIT_LANES || rp->def->kind != REGION_RANGE ||
	    rp->weight * (double)rp->extent < TEAM * w->ex->grain || rp->extent < 2 || !w->ex->partials)
		return false;
	unsigned bits = block_bits(w, rp);
	evaluate_blocks(w, r, rp, lane, bits);
	run *c = &w->runs[rp->id];
	scalar v;
	if (split_join(c->red, w->ex->partials, rp->extent, bits, &v))
		give_value(w, r, s, lane, v, c->red->n);
	else
		give_identity(w, r, s, lane);
	return true;
}

#else

static bool by_team(worker *w, run *r, const step *s, uint32_t lane)
{
	(void)w;
	(void)r;
	(void)s;
	(void)lane;
	return false;
}

#endif

bool reduce_split(worker *w, run *r, const step *s, uint32_t lane)
{
	known_ahead *told = w->ex->plan->ahead;
	if (!told || !told->known)
		return by_team(w, r, s, lane);
	told->known = false;
	give_value(w, r, s, lane, told->value, told->n);
	return true;
}
