/* pages.c - copies of pages on the device, and how they follow those of the host (device.h). */
#include "device.h"

#include <string.h>

enum { MOST_MOVED_SHARE = 8 }; /* beyond one element in so many, all of a page goes */

static uint32_t field_of(const page *p, uint32_t k) { return p->def->record == NONE ? NONE : k; }
static unsigned move_of(uint8_t type) { return (unsigned)__builtin_ctz(type_table[type].bytes); }

int column_move(struct device *v, const page *p, column host, CUfunction const by_width[MOVES], uint64_t n, mmsb_error *err)
{
	mmsb_launch l = {.n = n, .list = (const uint64_t *)(uintptr_t)v->moved_list.at, .stride = host.stride};
	l.out[0] = (uint8_t *)(uintptr_t)(v->pages[p->id].now.at + (uint64_t)(host.base - p->cur));
	l.values[0] = (uint8_t *)(uintptr_t)v->moved_values.at;
	return launch(v, by_width[move_of(host.type)], &l, (n + MMSB_BLOCK - 1) / MMSB_BLOCK, err);
}

/* The elements of a column that are set, packed, to where they lie on the device. */
static int column_up(struct device *v, const page *p, column host, const bitset *set, mmsb_error *err)
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
	return status ? status : column_move(v, p, host, v->scatter, n, err);
}

static bool few_changed(const page *p)
{
	for (uint32_t k = 0; k < p->n_columns; k++)
		if (p->now[k].all || bitset_above(&p->now[k].bits, p->count / MOST_MOVED_SHARE))
			return false;
	return true;
}

int page_up(struct device *v, const page *p, uint64_t epoch, mmsb_error *err)
{
	device_page *c = &v->pages[p->id];
	size_t bytes = p->count * p->element;
	if (bytes == 0 || (c->now_good && c->version == p->version))
		return MMSB_OK;
	int status = room_of(v, &c->now, bytes, sch_text(v->m->sch, p->def->name), err);
	bool follows = c->now_good && c->version + 1 == p->version && p->changed == epoch && few_changed(p);
	c->now_good = false;
	if (!status && !follows)
		status = copy_up(v, c->now.at, p->cur, bytes, err);
	for (uint32_t k = 0; k < p->n_columns && !status && follows; k++)
		status = column_up(v, p, page_column(v->m, p, false, field_of(p, k)), &p->now[k].bits, err);
	c->version = p->version;
	c->now_good = !status;
	return status;
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
	int status = room_of(v, &c->prev, bytes, sch_text(v->m->sch, p->def->name), err);
	if (!status)
		status = copy_up(v, c->prev.at, p->prev, bytes, err);
	c->prev_good = !status;
	c->prev_epoch = epoch;
	return status;
}
