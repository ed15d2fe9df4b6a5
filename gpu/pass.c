/* pass.c - a pass on the device: what it reads goes up, its kernel runs, what it changed comes back (device.h).
 *
 * Nothing of the host's page is written before the device has said that no element failed. */
#include "device.h"

#include <string.h>

#include "../runtime/device_code.h"
#include "../runtime/thresholds.h"

/* Beyond one in so many (and a warp's worth), a mask goes up and no list; all elements are evaluated; all values come back. Not measured yet. */
enum { LISTED_SHARE = 64, LEAST_MASKED = 32, MASKED_SHARE = 2, MOST_MOVED_SHARE = 8 };

column output_column(const work *w, uint32_t o)
{
	return page_column(w->v->m, w->to, false, w->v->m->sch->outputs[w->k->first_output + o].field);
}

static const uint32_t *marks_of(const work *w, uint32_t o)
{
	return (const uint32_t *)(const void *)((const uint8_t *)w->v->down.at + 64 + o * w->marks_bytes);
}

/* Where the values of output o of a list lie among those of all. */
size_t values_at(const work *w, uint32_t o) { return o * ((w->n * 8 + 255) & ~(size_t)255); }

static const uint8_t *values_of(const work *w, uint32_t o)
{
	return (const uint8_t *)w->v->down.at + 64 + w->k->n_outputs * w->marks_bytes + values_at(w, o);
}

/* ---- before ------------------------------------------------------------------------------------ */

static int bring_constants(const work *w)
{
	struct device *v = w->v;
	const schedule *s = v->m->sch;
	if (v->constants)
		return MMSB_OK;
	int status = room_of(v, &v->sizes, s->n_sizes * sizeof(int64_t) + 8, "sizes", w->err);
	if (!status)
		status = room_of(v, &v->params, s->n_params * sizeof(scalar) + 8, "params", w->err);
	if (!status)
		status = copy_up(v, v->sizes.at, v->m->sizes, s->n_sizes * sizeof(int64_t), w->err);
	if (!status)
		status = copy_up(v, v->params.at, v->m->params, s->n_params * sizeof(scalar), w->err);
	v->constants = !status;
	return status;
}

static int bring_pages(work *w, uint64_t epoch)
{
	struct device *v = w->v;
	const schedule *s = v->m->sch;
	int status = MMSB_OK;
	for (uint32_t i = 0; i < w->k->n_reads && !status; i++) {
		const sch_read *r = &s->reads[w->k->first_read + i];
		const page *p = &v->m->pages[r->page];
		status = r->prev ? prev_up(v, p, epoch, w->err) : page_up(v, p, epoch, w->err);
		if (p->count * p->element == 0)
			continue;
		column c = page_column(v->m, p, r->prev, r->field);
		uint64_t at = r->prev ? v->pages[p->id].prev.at : v->pages[p->id].now.at;
		w->l.in[i] = (const uint8_t *)(uintptr_t)(at + (uint64_t)(c.base - (r->prev ? p->prev : p->cur)));
	}
	if (!status && v->pages[w->to->id].read_prev) /* while its copy still has them */
		status = prev_up(v, w->to, epoch, w->err);
	return status ? status : page_up(v, w->to, epoch, w->err);
}

/* What its regions go along. */
static int bring_lists(work *w)
{
	uint32_t n = 0;
	int status = MMSB_OK;
	for (uint32_t r = 1; r < w->k->n_regions && !status; r++) {
		const sch_region *g = &w->v->m->sch->regions[w->k->first_region + r];
		if (device_along(g))
			status = lists_up(w->v, g, &w->l.along[n++], w->err);
	}
	return status;
}

static int bring_list(work *w)
{
	struct device *v = w->v;
	uint64_t *list, i = 0;
	int status = room_of(v, &v->list, w->n * sizeof *list, "the elements to evaluate", w->err);
	if (!status && !w->to->stays)
		status = room_of(v, &v->values, values_at(w, w->k->n_outputs), "results", w->err);
	if (!status)
		status = up_room(v, w->n * sizeof *list, &list, w->err);
	if (status)
		return status;
	BITSET_FOR(w->dirty, at)
		list[i++] = at;
	w->l.list = (const uint64_t *)(uintptr_t)v->list.at;
	for (uint32_t o = 0; o < w->k->n_outputs && !w->to->stays; o++)
		w->l.values[o] = (uint8_t *)(uintptr_t)(v->values.at + values_at(w, o));
	return copy_up(v, v->list.at, list, w->n * sizeof *list, w->err);
}

static int bring_mask(work *w)
{
	struct device *v = w->v;
	size_t bytes = bitset_words(w->n) * sizeof(uint64_t);
	uint64_t *mask;
	int status = room_of(v, &v->list, bytes, "the elements to evaluate", w->err);
	if (!status)
		status = up_room(v, bytes, &mask, w->err);
	if (status)
		return status;
	memcpy(mask, w->mask->level[0], bytes);
	w->l.mask = (const uint64_t *)(uintptr_t)v->list.at;
	return copy_up(v, v->list.at, mask, bytes, w->err);
}

int work_prepare(work *w, uint64_t epoch)
{
	static const uint64_t no_fault = UINT64_MAX;
	struct device *v = w->v;
	int status = CUDA(v, w->err, context_use, v->context);
	if (!status)
		status = bring_constants(w);
	if (!status)
		status = bring_pages(w, epoch);
	if (!status)
		status = bring_lists(w);
	if (!status && w->to->pat)
		status = slots_up(v, w->to, &w->l, w->err);
	if (!status && w->dirty)
		status = bring_list(w);
	if (!status && w->mask)
		status = bring_mask(w);
	if (!status)
		status = room_of(v, &v->fault, sizeof no_fault, "what fails", w->err);
	if (!status)
		status = room_of(v, &v->marks, w->k->n_outputs * w->marks_bytes, "what changes", w->err);
	if (!status)
		status = down_room(v, 64 + w->k->n_outputs * w->marks_bytes + (w->dirty && !w->to->stays ? values_at(w, w->k->n_outputs) : 0), w->err);
	if (!status)
		status = copy_up(v, v->fault.at, &no_fault, sizeof no_fault, w->err);
	w->l.n = w->n;
	w->l.sizes = (const int64_t *)(uintptr_t)v->sizes.at;
	w->l.params = (const uint64_t *)(uintptr_t)v->params.at;
	w->l.fault = (uint64_t *)(uintptr_t)v->fault.at;
	for (uint32_t o = 0; o < w->k->n_outputs; o++) {
		w->l.out[o] = (uint8_t *)(uintptr_t)(v->pages[w->to->id].now.at + (uint64_t)(output_column(w, o).base - w->to->cur));
		w->l.marks[o] = (uint32_t *)(uintptr_t)(v->marks.at + o * w->marks_bytes);
	}
	return status;
}

/* ---- after ------------------------------------------------------------------------------------- */

/* What changed in one output, or in any: 64 elements. */
static uint64_t take_marks(const work *w, uint32_t o, uint64_t word)
{
	const uint32_t *marks = marks_of(w, o) + 2 * word;
	return marks[0] | (uint64_t)marks[1] << 32;
}

static uint64_t any_marks(const work *w, uint64_t word)
{
	uint64_t any = 0;
	for (uint32_t o = 0; o < w->k->n_outputs; o++)
		any |= take_marks(w, o, word);
	return any;
}

static uint64_t count_changed(const work *w)
{
	uint64_t n = 0;
	for (uint64_t word = 0; word < bitset_words(w->n); word++)
		n += (uint64_t)__builtin_popcountll(any_marks(w, word));
	return n;
}

static bitset *now_of(const work *w, uint32_t o)
{
	return &w->to->now[column_number(w->to, w->v->m->sch->outputs[w->k->first_output + o].field)].bits;
}

/* The results of a list, to their places. */
static void put_list(const work *w)
{
	for (uint32_t o = 0; o < w->k->n_outputs; o++) {
		column c = output_column(w, o);
		size_t width = type_table[c.type].bytes;
		const uint8_t *values = values_of(w, o);
		uint64_t i = 0;
		BITSET_FOR(w->dirty, at) {
			if (take_marks(w, o, i / 64) >> i % 64 & 1) {
				if (!w->to->stays)
					memcpy(c.base + at * c.stride, values + i * width, width);
				bitset_set(now_of(w, o), at);
			}
			i++;
		}
	}
}

static void mark_all(const work *w)
{
	for (uint32_t o = 0; o < w->k->n_outputs; o++)
		for (uint64_t word = 0; word < bitset_words(w->n); word++)
			bitset_add_word(now_of(w, o), word, take_marks(w, o, word));
}

/* Of a pass that was evaluated whole: the n elements that changed, column by column. */
static int fetch_changed(const work *w, uint64_t n)
{
	struct device *v = w->v;
	uint64_t *list, k = 0;
	int status = room_of(v, &v->moved_list, n * sizeof *list, "positions of changes", w->err);
	if (!status)
		status = room_of(v, &v->moved_values, n * 8, "changes", w->err);
	if (!status)
		status = up_room(v, n * sizeof *list, &list, w->err);
	if (status)
		return status;
	for (uint64_t word = 0; word < bitset_words(w->n); word++)
		for (uint64_t bits = any_marks(w, word); bits; bits &= bits - 1)
			list[k++] = word * 64 + (uint64_t)__builtin_ctzll(bits);
	status = copy_up(v, v->moved_list.at, list, n * sizeof *list, w->err);
	mark_all(w);
	if (!status)
		status = down_room(v, n * 8, w->err); /* what is in it has been looked at */
	for (uint32_t o = 0; o < w->k->n_outputs && !status; o++) {
		column c = output_column(w, o);
		size_t width = type_table[c.type].bytes;
		status = column_move(v, c, v->pages[w->to->id].now.at + (uint64_t)(c.base - w->to->cur), v->take, v->moved_list.at, v->moved_values.at, n, w->err);
		if (!status)
			status = copy_down(v, v->down.at, v->moved_values.at, n * width, w->err);
		if (!status)
			status = wait_for(v, w->err);
		for (k = 0; k < n && !status; k++) /* those of the column that did not change are as they were */
			if (bitset_test(now_of(w, o), list[k]))
				memcpy(c.base + list[k] * c.stride, (const uint8_t *)v->down.at + k * width, width);
	}
	return status;
}

static int fetch_results(const work *w, uint64_t n)
{
	struct device *v = w->v;
	if (w->dirty) {
		put_list(w);
		return MMSB_OK;
	}
	if (n == 0)
		return MMSB_OK;
	if (w->to->stays) {
		mark_all(w);
		return MMSB_OK;
	}
	if (n <= w->n / MOST_MOVED_SHARE)
		return fetch_changed(w, n);
	mark_all(w);
	int status = copy_down(v, w->to->cur, v->pages[w->to->id].now.at, w->to->count * w->to->element, w->err);
	return status ? status : wait_for(v, w->err);
}

/* Operands of a reduction by blocks. */
static uint64_t operands(const work *w, uint32_t region)
{
	const sch_region *g = &w->v->m->sch->regions[w->k->first_region + region];
	int64_t lo = w->v->m->sizes[g->lo], hi = w->v->m->sizes[g->hi];
	return lo < hi ? (uint64_t)(hi - lo) : 0;
}

/* Parts as large as leave each element its share of so many blocks. */
static void choose_parts(work *w, uint64_t length)
{
	enum { BLOCKS = 2048 };
	uint64_t wanted = w->n < BLOCKS ? BLOCKS / w->n : 1;
	w->l.part_size = MMSB_BLOCK * MMSB_EACH;
	while (w->l.part_size * wanted < length)
		w->l.part_size *= 2;
	w->l.parts = length ? (length + w->l.part_size - 1) / w->l.part_size : 1; /* of nothing too */
}

static int launch_split(work *w, const struct split *f, uint64_t length)
{
	struct device *v = w->v;
	choose_parts(w, length);
	int status = room_of(v, &v->joined, w->n * MMSB_PARTIAL, "results of a reduction", w->err);
	if (!status && w->l.parts > 1)
		status = room_of(v, &v->partial, w->n * w->l.parts * MMSB_PARTIAL, "partial results", w->err);
	w->l.joined = (uint8_t *)(uintptr_t)v->joined.at;
	w->l.partial = w->l.parts > 1 ? (uint8_t *)(uintptr_t)v->partial.at : w->l.joined;
	if (!status)
		status = launch(v, f->part, &w->l, w->n * w->l.parts, w->err);
	if (!status && w->l.parts > 1)
		status = launch(v, f->join, &w->l, w->n, w->err);
	return status ? status : launch(v, f->end, &w->l, w->blocks, w->err);
}

/* Of a reduction along lists: leaves, nodes until each list has few, and what comes after. */
static int launch_along(work *w, const struct split *f, const sch_region *g)
{
	struct device *v = w->v;
	const schedule *s = v->m->sch;
	size_t width = type_table[s->reg_types[w->k->first_reg_type + g->value]].bytes;
	device_levels *t = &lists_copy_of(v, g)->levels;
	int status = leaves_up(v, t, lists_of(v, g), w->err);
	if (!status)
		status = room_of(v, &v->partial, t->level[0].n * width + 1, "partial results", w->err);
	if (!status && t->n_levels > 1)
		status = room_of(v, &v->joined, t->level[1].n * width, "partial results", w->err);
	uint8_t *const at[] = {(uint8_t *)(uintptr_t)v->partial.at, (uint8_t *)(uintptr_t)v->joined.at};
	for (uint32_t k = 0; k < t->n_levels && !status; k++) {
		w->l.parts = t->level[k].n;
		w->l.node_at = (const uint64_t *)(uintptr_t)t->level[k].at.at;
		w->l.leaf_list = (const uint32_t *)(uintptr_t)t->leaf_list.at;
		w->l.node_bit = k ? (const uint8_t *)(uintptr_t)t->level[k - 1].bit.at : NULL;
		w->l.partial = at[k ? (k - 1) % 2 : 0];
		w->l.joined = at[k % 2];
		uint64_t threads = w->l.parts * (k ? 1 : 32);
		if (threads)
			status = launch(v, k ? f->join : f->part, &w->l, (threads + MMSB_BLOCK - 1) / MMSB_BLOCK, w->err);
	}
	w->l.node_at = (const uint64_t *)(uintptr_t)t->top.at;
	w->l.node_bit = (const uint8_t *)(uintptr_t)t->level[t->n_levels - 1].bit.at;
	w->l.joined = at[(t->n_levels - 1) % 2];
	return status ? status : launch(v, f->end, &w->l, w->blocks, w->err);
}

/* Warps share lists where one of those at hand is long: for a thread that goes along it alone while all others wait. */
static bool worth_leaves(const work *w, const sch_region *g)
{
	const lists *l = lists_of(w->v, g);
	uint64_t longest = w->dirty ? 0 : lists_copy_of(w->v, g)->longest;
	if (w->dirty)
		BITSET_FOR(w->dirty, at) {
			uint64_t n = at < l->n_lists ? lists_length(l, at) : 0;
			longest = n > longest ? n : longest;
		}
	return longest >= w->v->leaves_least && (!w->dirty || longest >= l->count / DEVICE_LEAVES_SHARE);
}

static bool of_prefixes(const struct device *v, uint32_t pass)
{
	const schedule *s = v->m->sch;
	uint32_t region = device_splits(s, pass);
	return region != NONE && s->regions[s->kernels[s->passes[pass].kernel].first_region + region].kind == REGION_PREFIX;
}

/* Of prefixes: nodes over blocks of positions, those above them, and what comes after. */
static int launch_prefixes(work *w, const struct split *f, const sch_region *g)
{
	struct device *v = w->v;
	const schedule *s = v->m->sch;
	size_t width = type_table[s->reg_types[w->k->first_reg_type + g->value]].bytes;
	int status = room_of(v, &v->partial, ((w->n >> (MMSB_UP - 1)) + 1) * width, "partial results", w->err); /* each level has half of the one below */
	w->l.partial = (uint8_t *)(uintptr_t)v->partial.at;
	if (!status && w->n >> MMSB_UP)
		status = launch(v, f->part, &w->l, w->blocks, w->err);
	for (w->l.level = MMSB_UP; !status && w->n >> w->l.level > 1; w->l.level += MMSB_UP)
		status = launch(v, f->join, &w->l, ((w->n >> w->l.level) + MMSB_BLOCK - 1) / MMSB_BLOCK, w->err);
	return status ? status : launch(v, f->end, &w->l, w->blocks, w->err);
}

int work_launch(work *w, uint32_t pass)
{
	struct device *v = w->v;
	uint32_t region = v->splits[pass].end ? device_splits(v->m->sch, pass) : NONE;
	const sch_region *g = &v->m->sch->regions[w->k->first_region + (region == NONE ? 0 : region)];
	if (of_prefixes(v, pass))
		return launch_prefixes(w, &v->splits[pass], g);
	if (region != NONE && device_along(g))
		return worth_leaves(w, g) ? launch_along(w, &v->splits[pass], g) : launch(v, v->kernels[pass], &w->l, w->blocks, w->err);
	uint64_t length = region == NONE ? 0 : operands(w, region);
	if (region != NONE && length >= v->split_least && w->n < DEVICE_SPLIT_MOST)
		return launch_split(w, &v->splits[pass], length);
	return launch(v, v->kernels[pass], &w->l, w->blocks, w->err);
}

static int run(work *w, uint32_t pass, uint64_t *fault)
{
	struct device *v = w->v;
	v->pages[w->to->id].now_good = false; /* until all is well */
	int status = v->after ? CUDA(v, w->err, event_record, v->before, v->stream) : MMSB_OK;
	if (!status)
		status = work_launch(w, pass);
	if (!status && v->after)
		status = CUDA(v, w->err, event_record, v->after, v->stream);
	if (!status)
		status = copy_down(v, v->down.at, v->fault.at, sizeof *fault, w->err);
	if (!status)
		status = copy_down(v, (uint8_t *)v->down.at + 64, v->marks.at, w->k->n_outputs * w->marks_bytes, w->err);
	if (!status && w->dirty && !w->to->stays)
		status = copy_down(v, (uint8_t *)v->down.at + 64 + w->k->n_outputs * w->marks_bytes, v->values.at, values_at(w, w->k->n_outputs), w->err);
	if (!status)
		status = wait_for(v, w->err);
	if (!status)
		memcpy(fault, v->down.at, sizeof *fault);
	if (!status && v->after) {
		float ms = 0;
		status = CUDA(v, w->err, event_between, &ms, v->before, v->after);
		v->figures.kernel_ms += (double)ms;
	}
	return status;
}

/* Elements that are many are evaluated with all others, and all prefixes together. */
work work_of(struct device *v, uint32_t pass, const bitset *dirty, mmsb_error *err)
{
	const schedule *s = v->m->sch;
	page *to = &v->m->pages[s->passes[pass].page];
	work w = {.v = v, .k = &s->kernels[s->passes[pass].kernel], .to = to, .dirty = dirty, .n = dirty ? bitset_count(dirty) : to->count, .err = err};
	bool whole = dirty && (w.n > to->count / MASKED_SHARE || of_prefixes(v, pass));
	if (whole || (w.n > LEAST_MASKED && w.n > to->count / LISTED_SHARE)) {
		w.mask = whole ? NULL : dirty;
		w.dirty = NULL;
		w.n = to->count;
	}
	w.blocks = (w.n + MMSB_BLOCK - 1) / MMSB_BLOCK;
	w.marks_bytes = w.blocks * (MMSB_BLOCK / 8);
	return w;
}

int cuda_pass(struct device *v, uint32_t pass, const bitset *dirty, uint64_t epoch, uint64_t *changed, bool *done, mmsb_error *err)
{
	const schedule *s = v->m->sch;
	page *to = &v->m->pages[s->passes[pass].page];
	work w = work_of(v, pass, dirty, err);
	uint64_t fault = UINT64_MAX;
	*done = false;
	if (v->lost || !v->kernels[pass])
		return MMSB_OK;
	*done = true;
	if (w.n == 0)
		return MMSB_OK;
	int status = work_prepare(&w, epoch);
	if (!status)
		status = back_keep(&w);
	if (!status)
		status = run(&w, pass, &fault);
	if (!status && fault != UINT64_MAX)
		status = back_put(v, to, err);
	if (status || fault != UINT64_MAX) {
		*done = status != MMSB_OK;
		return status;
	}
	uint64_t n = count_changed(&w);
	status = fetch_results(&w, n);
	if (status)
		return status;
	*changed = n;
	w.to->away |= w.to->stays && n > 0;
	bool moved = to->pat && v->m->pages[to->def->like].pattern_changed == epoch;
	v->pages[to->id].version = to->version + (n > 0 || moved); /* the epoch counts it */
	v->pages[to->id].now_good = true;
	return MMSB_OK;
}
