/* exact.c - rounds of an exact fixpoint on the device, from where the page starts (device.h). They are synchronous, so that a stamp for each round is right
 * (runtime/repair.h).
 *
 * A round is two kernels: that of the pass evaluates elements from `now` into `next`, and marks those that differ; `settle` brings these to `now`, stamps them, and
 * notes who reads them. Where readers are known the next round evaluates those alone, under a mask. A round before which nothing has changed does nothing, so
 * that the host reads once for a batch of rounds how many elements each has changed. */
#include "device.h"

typedef struct exact {
	work w;
	uint32_t pass;
	mmsb_launch end;        /* of a round */
	device_exact *x;
	uint64_t last;          /* elements that the last round has changed */
	uint64_t fault;
} exact;

/* The lists of those who read an element: the others of the page's rows and columns. */
static int bring_readers(exact *q)
{
	const schedule *s = q->w.v->m->sch;
	uint32_t n = 0;
	int status = MMSB_OK;
	for (uint32_t i = 0; i < q->w.k->n_reads && !status; i++) {
		const sch_read *r = &s->reads[q->w.k->first_read + i];
		sch_region g = s->regions[q->w.k->first_region + r->region];
		mmsb_lists l;
		if (r->page != s->passes[q->pass].page || r->prev || r->cls == READ_SAME) /* no term is better than what it reads of its own element */
			continue;
		g.kind = g.kind == REGION_ROW ? REGION_COL : REGION_ROW;
		status = lists_up(q->w.v, &g, &l, q->w.err);
		bool there = false;
		for (uint32_t k = 0; k < n; k++)
			there |= q->end.along[k].start == l.start;
		if (!status && !there)
			q->end.along[n++] = l; /* fewer than the kernel's regions */
	}
	return status;
}

static int prepare(exact *q, uint64_t epoch)
{
	work *w = &q->w;
	struct device *v = w->v;
	device_page *c = &v->pages[w->to->id];
	size_t masks = bitset_words(w->n) * sizeof(uint64_t);
	int status = CUDA(v, w->err, context_use, v->context);
	if (!status && c->read_prev) /* while its copy still has them: the host's page has what elements start from */
		status = prev_up(v, w->to, epoch, w->err);
	c->now_good = c->fresh = false;
	if (!status)
		status = work_prepare(w, epoch);
	if (!status)
		status = room_of(v, &c->next, w->to->count * w->to->element, sch_text(v->m->sch, w->to->def->name), w->err);
	if (!status)
		status = room_of(v, &v->stamps, w->n * sizeof(uint32_t), "stamps", w->err);
	if (!status)
		status = fill(v, &v->stamps, 0, w->n * sizeof(uint32_t), w->err);
	for (int k = 0; k < 2 && !status; k++) {
		status = room_of(v, &v->wanted[k], masks, "the elements to evaluate", w->err);
		if (!status)
			status = fill(v, &v->wanted[k], 0, masks, w->err);
	}
	if (!status && q->x->known)
		status = bring_readers(q);
	c->now_good = false;
	uint8_t *now = (uint8_t *)(uintptr_t)c->now.at, *next = (uint8_t *)(uintptr_t)c->next.at;
	w->l.was = now;
	w->l.out[0] = next;
	q->end.n = w->n;
	q->end.was = next;
	q->end.out[0] = now;
	q->end.marks[0] = w->l.marks[0];
	q->end.stamps = (uint32_t *)(uintptr_t)v->stamps.at;
	return status;
}

/* Round number `round`, the r-th of a batch. */
static int ask(exact *q, uint64_t round, uint64_t r)
{
	work *w = &q->w;
	struct device *v = w->v;
	bool masked = q->x->known && round > 0;
	uint64_t *used = (uint64_t *)(uintptr_t)v->wanted[round % 2].at;
	w->l.round = q->end.round = (uint32_t *)(uintptr_t)v->flags.at + r + 1;
	w->l.mask = masked ? used : NULL;
	q->end.used = masked ? used : NULL;
	q->end.wanted = q->x->known ? (uint32_t *)(uintptr_t)v->wanted[(round + 1) % 2].at : NULL;
	q->end.stamp = (uint32_t)round + 1;
	int status = masked ? launch(v, v->kernels[q->pass], &w->l, w->blocks, w->err) : work_launch(w, q->pass);
	return status ? status : launch(v, v->settle[__builtin_ctzll(w->to->element)], &q->end, w->blocks, w->err);
}

static int batch(exact *q)
{
	uint32_t flags[ROUND_FLAGS];
	int status = rounds_begin(&q->w);
	for (uint64_t r = 0; r < ROUNDS_TOGETHER && !status; r++)
		status = ask(q, q->x->rounds + r, r);
	if (!status)
		status = rounds_end(&q->w, flags, &q->fault);
	for (uint32_t r = 0; r < ROUNDS_TOGETHER && !status && !q->x->settled; r++) {
		q->last = flags[r + 1];
		q->x->settled = q->last == 0;
		q->x->rounds++;
	}
	return status;
}

static int results_down(const exact *q)
{
	const work *w = &q->w;
	struct device *v = w->v;
	int status = copy_down(v, w->to->cur, v->pages[w->to->id].now.at, w->to->count * w->to->element, w->err);
	if (!status)
		status = copy_down(v, q->x->stamps, v->stamps.at, w->n * sizeof(uint32_t), w->err);
	return status ? status : wait_for(v, w->err);
}

int cuda_exact(struct device *v, uint32_t pass, uint64_t epoch, device_exact *x, bool *done, mmsb_error *err)
{
	exact q = {.w = work_of(v, pass, NULL, err), .pass = pass, .x = x, .fault = UINT64_MAX};
	device_page *c = &v->pages[q.w.to->id];
	uint64_t few = x->known ? v->few : x->few;
	*done = false;
	if (v->lost || !v->kernels[pass] || q.w.n == 0)
		return MMSB_OK;
	int status = prepare(&q, epoch);
	do {
		if (!status)
			status = batch(&q);
	} while (!status && q.fault == UINT64_MAX && !x->settled && q.last > few && x->rounds < UINT32_MAX / 4);
	if (status || q.fault != UINT64_MAX)
		return status;
	status = results_down(&q);
	*done = !status;
	c->fresh = !status && x->settled;
	c->fresh_epoch = epoch;
	c->version = q.w.to->version;
	return status;
}
