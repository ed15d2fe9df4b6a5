/* rounds.c - rounds of a numeric fixpoint on the device, over all elements, from one copy of the page to another and back (device.h).
 *
 * Rounds are asked for in batches. Each has a flag: whether some element has moved by more than tol. A round before which none has does nothing, so that the host
 * reads the flags once for a batch, and sees which round was the last. */
#include "device.h"

#include <string.h>

/* The rounds' values change places: where those of the round before lie, and where those of the next one go. */
static void turn(work *w, uint32_t pass, const device_page *c, bool odd)
{
	const schedule *s = w->v->m->sch;
	const uint8_t *from = (const uint8_t *)(uintptr_t)(odd ? c->next.at : c->now.at);
	for (uint32_t i = 0; i < w->k->n_reads; i++) {
		const sch_read *r = &s->reads[w->k->first_read + i];
		if (r->page == s->passes[pass].page && !r->prev)
			w->l.in[i] = from;
	}
	w->l.was = from;
	w->l.out[0] = (uint8_t *)(uintptr_t)(odd ? c->now.at : c->next.at);
}

int rounds_begin(work *w)
{
	struct device *v = w->v;
	uint32_t *flags;
	int status = room_of(v, &v->flags, ROUND_FLAGS * sizeof *flags, "rounds", w->err);
	if (!status)
		status = down_room(v, 64 + ROUND_FLAGS * sizeof *flags, w->err);
	if (!status)
		status = up_room(v, ROUND_FLAGS * sizeof *flags, &flags, w->err);
	if (status)
		return status;
	memset(flags, 0, ROUND_FLAGS * sizeof *flags);
	flags[0] = 1;
	status = copy_up(v, v->flags.at, flags, ROUND_FLAGS * sizeof *flags, w->err);
	return status || !v->after ? status : CUDA(v, w->err, event_record, v->before, v->stream);
}

int rounds_end(work *w, uint32_t flags[ROUND_FLAGS], uint64_t *fault)
{
	struct device *v = w->v;
	uint8_t *down = v->down.at;
	size_t bytes = ROUND_FLAGS * sizeof *flags;
	int status = v->after ? CUDA(v, w->err, event_record, v->after, v->stream) : MMSB_OK;
	if (!status)
		status = copy_down(v, down, v->fault.at, sizeof *fault, w->err);
	if (!status)
		status = copy_down(v, down + 64, v->flags.at, bytes, w->err);
	if (!status)
		status = wait_for(v, w->err);
	if (!status && v->after) {
		float ms = 0;
		status = CUDA(v, w->err, event_between, &ms, v->before, v->after);
		v->figures.kernel_ms += (double)ms;
	}
	if (status)
		return status;
	memcpy(fault, down, sizeof *fault);
	memcpy(flags, down + 64, bytes);
	return MMSB_OK;
}

static int ask(work *w, uint32_t pass, const device_page *c, uint64_t n)
{
	struct device *v = w->v;
	int status = rounds_begin(w);
	for (uint64_t r = 0; r < n && !status; r++) {
		turn(w, pass, c, r % 2);
		w->l.round = (uint32_t *)(uintptr_t)v->flags.at + r + 1;
		status = work_launch(w, pass);
	}
	return status;
}

/* What a batch of n came to: how many rounds ran, and whether the last of them was the last of all. */
static int look(work *w, uint64_t n, uint64_t *ran, bool *settled, uint64_t *fault)
{
	uint32_t flags[ROUND_FLAGS];
	int status = rounds_end(w, flags, fault);
	for (*ran = 0, *settled = false; !status && *ran < n && !*settled; ++*ran)
		*settled = !flags[*ran + 1];
	return status;
}

static void swap_rooms(device_page *c)
{
	device_room now = c->now;
	c->now = c->next;
	c->next = now;
}

/* The values, and what the last round has changed. */
static int results_down(work *w, bitset *changed)
{
	struct device *v = w->v;
	int status = copy_down(v, v->down.at, v->marks.at, w->marks_bytes, w->err);
	if (!status)
		status = copy_down(v, w->to->cur, v->pages[w->to->id].now.at, w->to->count * w->to->element, w->err);
	if (!status)
		status = wait_for(v, w->err);
	for (uint64_t word = 0; !status && word < bitset_words(w->n); word++) {
		uint64_t bits;
		memcpy(&bits, (const uint8_t *)v->down.at + word * sizeof bits, sizeof bits);
		bitset_add_word(changed, word, bits);
	}
	return status;
}

static int all_rounds(work *w, uint32_t pass, uint64_t most, uint64_t *rounds, uint64_t *fault)
{
	device_page *c = &w->v->pages[w->to->id];
	bool settled = false;
	int status = MMSB_OK;
	while (*rounds < most && !settled && !status && *fault == UINT64_MAX) {
		uint64_t ran = 0, n = most - *rounds < ROUNDS_TOGETHER ? most - *rounds : ROUNDS_TOGETHER;
		status = ask(w, pass, c, n);
		if (!status)
			status = look(w, n, &ran, &settled, fault);
		if (ran % 2)
			swap_rooms(c);
		*rounds += ran;
	}
	return status;
}

int cuda_rounds(struct device *v, uint32_t pass, uint64_t epoch, uint64_t most, double tol, bitset *changed, uint64_t *rounds, bool *done, mmsb_error *err)
{
	work w = work_of(v, pass, NULL, err);
	device_page *c = &v->pages[w.to->id];
	uint64_t fault = UINT64_MAX;
	*rounds = 0;
	*done = false;
	if (v->lost || !v->kernels[pass] || w.n == 0)
		return MMSB_OK;
	int status = work_prepare(&w, epoch);
	if (!status)
		status = room_of(v, &c->next, w.to->count * w.to->element, sch_text(v->m->sch, w.to->def->name), err);
	w.l.tol = tol;
	c->now_good = false;
	if (!status)
		status = all_rounds(&w, pass, most, rounds, &fault);
	if (!status && fault == UINT64_MAX) {
		status = results_down(&w, changed);
		*done = true;
		c->now_good = !status;
		c->version = w.to->version + (memcmp(w.to->cur, w.to->prev, w.to->count * w.to->element) != 0); /* the epoch counts it */
	}
	return status;
}
