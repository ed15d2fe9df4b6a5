/* pages.c - copies of pages on the device, and how they follow those of the host (device.h). */
#include "device.h"

#include <string.h>

/* Beyond one changed element in so many, all of a page goes; within the device's memory, which is faster, from fewer on. Not measured yet. */
enum { MOST_MOVED_SHARE = 8, MOST_COPIED_SHARE = 128 };

static uint32_t field_of(const page *p, uint32_t k) { return p->def->record == NONE ? NONE : k; }
static unsigned move_of(uint8_t type) { return (unsigned)__builtin_ctz(type_table[type].bytes); }

int column_move(struct device *v, column host, CUdeviceptr at, CUfunction const by_width[MOVES], CUdeviceptr list, CUdeviceptr values, uint64_t n, mmsb_error *err)
{
	mmsb_launch l = {.n = n, .list = (const uint64_t *)(uintptr_t)list, .stride = host.stride};
	l.out[0] = (uint8_t *)(uintptr_t)at;
	l.values[0] = (uint8_t *)(uintptr_t)values;
	return launch(v, by_width[move_of(host.type)], &l, (n + MMSB_BLOCK - 1) / MMSB_BLOCK, err);
}

/* The elements of a column that are set, packed, to where they lie on the device: in a copy of the values of the host at `from`. */
static int column_up(struct device *v, column host, const bitset *set, CUdeviceptr copy, const uint8_t *from, mmsb_error *err)
{
	uint64_t n = bitset_count(set), *list, i = 0;
	size_t width = type_table[host.type].bytes;
	uint8_t *values;
	if (n == 0)
		return MMSB_OK;
	int status = room_of(v, &v->moved_list, n * sizeof *list, "positions of changes", err);
	if (!status)
		status = room_of(v, &v->moved_values, n * width, "changes", err);
	if (!status)
		status = up_room(v, n * (sizeof *list + width), &list, err); /* one piece: the next may wait */
	if (status)
		return status;
	values = (uint8_t *)(list + n);
	BITSET_FOR(set, at) {
		list[i] = at;
		memcpy(values + i++ * width, host.base + at * host.stride, width);
	}
	status = copy_up(v, v->moved_list.at, list, n * sizeof *list, err);
	if (!status)
		status = copy_up(v, v->moved_values.at, values, n * width, err);
	return status ? status : column_move(v, host, copy + (uint64_t)(host.base - from), v->scatter, v->moved_list.at, v->moved_values.at, n, err);
}

/* No column has more than one in `share` of its elements in the sets. */
static bool few_changed(const page *p, const change_set *sets, uint64_t share)
{
	for (uint32_t k = 0; k < p->n_columns; k++)
		if (sets[k].all || bitset_above(&sets[k].bits, p->count / share))
			return false;
	return true;
}

/* What is in the sets, to a copy of the values of now or of the epoch before. */
static int changes_up(struct device *v, const page *p, bool prev, const change_set *sets, CUdeviceptr copy, mmsb_error *err)
{
	int status = MMSB_OK;
	for (uint32_t k = 0; k < p->n_columns && !status; k++)
		status = column_up(v, page_column(v->m, p, prev, field_of(p, k)), &sets[k].bits, copy, prev ? p->prev : p->cur, err);
	return status;
}

/* Exact rounds came to what the copy has: that counted as a change of the page, or did not. */
static void resolve(device_page *c, const page *p, uint64_t epoch)
{
	bool moved = p->changed == c->fresh_epoch || (p->changed == epoch && p->changed_before == c->fresh_epoch);
	if (!c->fresh)
		return;
	c->version += moved;
	c->now_good = true;
	c->fresh = false;
}

int page_up(struct device *v, const page *p, uint64_t epoch, mmsb_error *err)
{
	device_page *c = &v->pages[p->id];
	size_t bytes = p->count * p->element;
	resolve(c, p, epoch);
	if (p->pat && p->def->pass != NONE) { /* entries that went, or came, are zero on the host before the pass marks anything */
		c->now_good &= c->entries_version == p->pat->rows.version;
		c->entries_version = p->pat->rows.version;
	}
	if (bytes == 0 || (c->now_good && c->version == p->version))
		return MMSB_OK;
	bool follows = c->now_good && bytes <= c->now.size && c->version + 1 == p->version && p->changed == epoch && few_changed(p, p->now, MOST_MOVED_SHARE);
	c->now_good = false;
	int status = room_of(v, &c->now, bytes, sch_text(v->m->sch, p->def->name), err);
	if (!status)
		status = follows ? changes_up(v, p, false, p->now, c->now.at, err) : copy_up(v, c->now.at, p->cur, bytes, err);
	c->version = p->version;
	c->now_good = !status;
	return status;
}

int page_down(struct device *v, page *p, mmsb_error *err)
{
	if (v->lost)
		return fail(err, MMSB_DEVICE, "page %s: its values were on the CUDA device, which has failed: the next commit evaluates them again", sch_text(v->m->sch, p->def->name));
	int status = CUDA(v, err, context_use, v->context);
	if (!status)
		status = copy_down(v, p->cur, v->pages[p->id].now.at, p->count * p->element, err);
	return status ? status : wait_for(v, err);
}

/* The copy of a page has what the page had at the end of the epoch before: the page has not changed in this one, or the copy has not followed yet. */
static bool now_is_prev(const device_page *c, const page *p, uint64_t epoch)
{
	return c->now_good && c->version + (p->changed == epoch) == p->version;
}

/* Values of the epoch before differ from those that the epoch before had as such where the page changed in it. */
int prev_up(struct device *v, const page *p, uint64_t epoch, mmsb_error *err)
{
	device_page *c = &v->pages[p->id];
	size_t bytes = p->count * p->element;
	uint64_t moved = p->changed == epoch ? p->changed_before : p->changed;
	if (bytes == 0)
		return MMSB_OK;
	if (c->prev_good && (c->prev_epoch == epoch || moved < c->prev_epoch)) {
		c->prev_epoch = epoch;
		return MMSB_OK;
	}
	resolve(c, p, epoch);
	bool there = now_is_prev(c, p, epoch), follows = c->prev_good && bytes <= c->prev.size && c->prev_epoch + 1 == epoch;
	follows = follows && few_changed(p, p->before, there ? MOST_COPIED_SHARE : MOST_MOVED_SHARE);
	c->prev_good = false;
	int status = room_of(v, &c->prev, bytes, sch_text(v->m->sch, p->def->name), err);
	if (!status && follows)
		status = changes_up(v, p, true, p->before, c->prev.at, err);
	else if (!status)
		status = there ? CUDA(v, err, copy_within, c->prev.at, c->now.at, bytes, v->stream) : copy_up(v, c->prev.at, p->prev, bytes, err);
	c->prev_good = !status;
	c->prev_epoch = epoch;
	return status;
}
