/* back.c - pages that stay on the device, where an epoch can fail: what it overwrites of them is kept there until it has succeeded (device.h). */
#include "device.h"

static int keep_listed(const work *w, device_page *c)
{
	struct device *v = w->v;
	int status = room_of(v, &c->old_list, w->n * sizeof(uint64_t), "what an epoch overwrites", w->err);
	if (!status)
		status = room_of(v, &c->old_values, values_at(w, w->k->n_outputs), "what an epoch overwrites", w->err);
	if (!status)
		status = CUDA(v, w->err, copy_within, c->old_list.at, v->list.at, w->n * sizeof(uint64_t), v->stream);
	for (uint32_t o = 0; o < w->k->n_outputs && !status; o++) {
		column host = output_column(w, o);
		status = column_move(v, host, c->now.at + (uint64_t)(host.base - w->to->cur), v->take, c->old_list.at, c->old_values.at + values_at(w, o), w->n, w->err);
	}
	c->kept = KEPT_LISTED;
	c->n_kept = w->n;
	return status;
}

int back_keep(const work *w)
{
	struct device *v = w->v;
	device_page *c = &v->pages[w->to->id];
	size_t bytes = w->to->count * w->to->element;
	int status;
	if (!w->to->stays || !w->to->prev || v->m->epoch == 0)
		return MMSB_OK;
	if (w->dirty) {
		status = keep_listed(w, c);
	} else {
		status = room_of(v, &c->prev, bytes, "what an epoch overwrites", w->err);
		if (!status)
			status = CUDA(v, w->err, copy_within, c->prev.at, c->now.at, bytes, v->stream);
		c->kept = KEPT_WHOLE;
	}
	c->kept_commit = v->m->commits;
	return status;
}

static int put_listed(struct device *v, const page *p, mmsb_error *err)
{
	const device_page *c = &v->pages[p->id];
	const sch_kernel *k = &v->m->sch->kernels[v->m->sch->passes[p->def->pass].kernel];
	work w = {.v = v, .k = k, .to = &v->m->pages[p->id], .n = c->n_kept, .err = err};
	int status = MMSB_OK;
	for (uint32_t o = 0; o < k->n_outputs && !status; o++) {
		column host = output_column(&w, o);
		status = column_move(v, host, c->now.at + (uint64_t)(host.base - p->cur), v->scatter, c->old_list.at, c->old_values.at + values_at(&w, o), w.n, err);
	}
	return status;
}

int back_put(struct device *v, const page *p, mmsb_error *err)
{
	device_page *c = &v->pages[p->id];
	if (c->kept == KEPT_NOTHING || c->kept_commit != v->m->commits)
		return MMSB_OK;
	int status = c->kept == KEPT_LISTED ? put_listed(v, p, err) : CUDA(v, err, copy_within, c->now.at, c->prev.at, p->count * p->element, v->stream);
	c->kept = KEPT_NOTHING;
	c->now_good = !status;
	c->version = p->version;
	return status;
}

/* Of a page that is in the host's memory by now that is what the failed epoch made of it. */
static void forget_page(struct device *v, page *p)
{
	device_page *c = &v->pages[p->id];
	bool kept = c->kept != KEPT_NOTHING && c->kept_commit == v->m->commits;
	p->away |= kept;
	if (kept && !v->lost)
		back_put(v, p, NULL);
	c->now_good = v->m->epoch > 0 && p->away && p->prev && c->now_good && !v->lost;
	c->version = p->version + 1; /* who calls counts it */
	c->prev_good = c->fresh = false;
	c->slots.good = false;
	for (int k = 0; k < 2; k++)
		c->lists[k].good = c->lists[k].levels.good = false;
}

void cuda_forget(struct device *v)
{
	mmsb_error ignored;
	if (!v->lost)
		CUDA(v, &ignored, context_use, v->context);
	for (uint32_t i = 0; i < v->m->sch->n_pages; i++)
		forget_page(v, &v->m->pages[i]);
}
