/* support.c - which values of a fixpoint's own page count while an element is checked.
 *
 * A term is never better than what it reads, so that values worse than the element's cannot hold it up and need no care. Those that are
 * equal count when they came before; the others give way to where their elements start, which always holds. */
#include "repair.h"

static uint32_t root_lane(const run *r, uint32_t lane)
{
	while (r->plan->id != 0) {
		lane = run_outer_lane(r, lane);
		r = r->parent;
	}
	return lane;
}

static const run *root_of(const run *r)
{
	while (r->plan->id != 0)
		r = r->parent;
	return r;
}

/* The element that a lane reads; UINT64_MAX: none, it is outside. */
static uint64_t element_read(const worker *w, const run *r, const read_plan *rp, uint32_t lane)
{
	int64_t index[MAX_DIMS], position = 0;
	if (rp->def->cls == READ_ENTRY)
		return (uint64_t)var_lane(&r->vars[rp->terms[0].var], lane);
	read_position(w, r, rp, lane, index);
	for (uint32_t d = 0; d < rp->from->def->ndim; d++) {
		if (index[d] < 0)
			return UINT64_MAX;
		position += index[d] * rp->from->strides[d];
	}
	return (uint64_t)position;
}

/* A copy of the lanes that may be written to. */
static uint8_t *own_copy(worker *w, const run *r, const step *s, lanes *out)
{
	uint8_t *dst = w->arena + s->place;
	unsigned width = width_of(s->read->type);
	if (out->uniform)
		w->k->fill[width](dst, out->at, r->n);
	else if (out->at != dst)
		memcpy(dst, out->at, (size_t)r->n << width);
	*out = (lanes){dst, 0, false};
	return dst;
}

void support_lanes(worker *w, const run *r, const step *s, lanes *out)
{
	const struct support *sp = w->ex->support;
	const fix_keep *k = sp->keep;
	const run *root = root_of(r);
	size_t bytes = (size_t)1 << k->order.width;
	uint8_t *dst = NULL;
	for (uint32_t lane = 0; lane < r->n; lane++) {
		uint64_t v = (uint64_t)var_lane(&root->vars[root->plan->flat], root_lane(r, lane));
		const uint8_t *value = (const uint8_t *)out->at + (out->uniform ? 0 : lane * bytes);
		if (memcmp(value, sp->to->cur + v * bytes, bytes) != 0)
			continue;
		uint64_t u = element_read(w, r, s->read, lane);
		if (u == UINT64_MAX || k->stamps[u] < k->stamps[v])
			continue;
		if (!dst)
			dst = own_copy(w, r, s, out);
		memcpy(dst + lane * bytes, sp->start + u * sp->start_stride, bytes);
	}
}
