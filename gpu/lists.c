/* lists.c - rows and columns of sparse pages, and the positions of each key, as kernels go along them: copies of what the host has (lists.h of
 * runtime/), side by side and without slack. They go up whole when something of them has changed. */
#include "device.h"

#include <string.h>

/* How the copy of a page's lists lies in pinned memory on its way up. */
typedef struct packed_lists {
	uint64_t *start;
	uint32_t *key, *slot;
} packed_lists;

static void pack(const lists *l, const packed_lists *to)
{
	uint64_t n = 0;
	for (uint64_t i = 0; i < l->n_lists; i++) {
		to->start[i] = n;
		for (list_run r = {0}; lists_next(l, i, &r); n += r.n) {
			memcpy(to->key + n, l->key + r.at, r.n * sizeof *l->key);
			if (to->slot)
				memcpy(to->slot + n, l->mate + r.at, r.n * sizeof *l->mate);
		}
	}
	to->start[l->n_lists] = n;
}

static int bring(struct device *v, device_lists *to, const lists *l, const char *name, mmsb_error *err)
{
	size_t starts = (l->n_lists + 1) * sizeof(uint64_t), keys = (l->count + 1) * sizeof(uint32_t), slots = l->mates ? keys : 0;
	uint8_t *at;
	int status = room_of(v, &to->start, starts, name, err);
	if (!status)
		status = room_of(v, &to->key, keys, name, err);
	if (!status && slots)
		status = room_of(v, &to->slot, slots, name, err);
	if (!status)
		status = up_room(v, starts + keys + slots, &at, err);
	if (status)
		return status;
	packed_lists p = {(void *)at, (void *)(at + starts), slots ? (void *)(at + starts + keys) : NULL};
	pack(l, &p);
	status = copy_up(v, to->start.at, p.start, starts, err);
	if (!status)
		status = copy_up(v, to->key.at, p.key, l->count * sizeof(uint32_t), err);
	return status || !slots ? status : copy_up(v, to->slot.at, p.slot, l->count * sizeof(uint32_t), err);
}

const lists *lists_of(struct device *v, const sch_region *g)
{
	page *p = &v->m->pages[g->page];
	if (g->kind != REGION_GROUP)
		return g->kind == REGION_ROW ? &p->pat->rows : &p->pat->cols;
	const group_index *groups = page_groups(v->m, p, NONE, false);
	return groups ? &groups->positions : NULL;
}

device_lists *lists_copy_of(struct device *v, const sch_region *g)
{
	const page *p = &v->m->pages[g->page];
	uint32_t owner = g->kind == REGION_GROUP || p->def->like == NONE ? p->id : p->def->like;
	return &v->pages[owner].lists[g->kind == REGION_COL];
}

int lists_up(struct device *v, const sch_region *g, mmsb_lists *out, mmsb_error *err)
{
	const page *p = &v->m->pages[g->page];
	const lists *l = lists_of(v, g);
	device_lists *to = lists_copy_of(v, g);
	if (!l)
		return fail_memory(err, p->count * sizeof(uint32_t), "the positions of groups");
	if (!to->good || to->version != l->version) {
		to->good = false;
		int status = bring(v, to, l, sch_text(v->m->sch, p->def->name), err);
		if (status)
			return status;
		to->good = true;
		to->version = l->version;
		to->longest = 0;
		for (uint64_t i = 0; i < l->n_lists; i++)
			to->longest = lists_length(l, i) > to->longest ? lists_length(l, i) : to->longest;
	}
	*out = (mmsb_lists){l->n_lists, (const uint64_t *)(uintptr_t)to->start.at, (const uint32_t *)(uintptr_t)to->key.at,
	                    (const uint32_t *)(uintptr_t)to->slot.at};
	return MMSB_OK;
}

static int bring_slots(struct device *v, device_slots *to, const pattern *pat, const char *name, mmsb_error *err)
{
	const struct { device_room *to; const void *from; size_t bytes; } rows[] = {
		{&to->row, pat->row, pat->n_slots * sizeof *pat->row}, {&to->col, pat->col, pat->n_slots * sizeof *pat->col}, {&to->alive, pat->alive, pat->n_slots}};
	int status = MMSB_OK;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0] && !status; i++) {
		status = room_of(v, rows[i].to, rows[i].bytes + 1, name, err);
		if (!status)
			status = copy_up(v, rows[i].to->at, rows[i].from, rows[i].bytes, err);
	}
	return status;
}

int slots_up(struct device *v, const page *p, mmsb_launch *out, mmsb_error *err)
{
	device_slots *to = &v->pages[p->def->like].slots;
	int status = MMSB_OK;
	if (!to->good || to->version != p->pat->rows.version) {
		to->good = false;
		status = bring_slots(v, to, p->pat, sch_text(v->m->sch, p->def->name), err);
		to->good = !status;
		to->version = p->pat->rows.version;
	}
	out->entry_row = (const uint32_t *)(uintptr_t)to->row.at;
	out->entry_col = (const uint32_t *)(uintptr_t)to->col.at;
	out->alive = (const uint8_t *)(uintptr_t)to->alive.at;
	return status;
}
