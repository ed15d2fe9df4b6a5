/* device.c - which passes a device evaluates, and how it is called for them (device.h). */
#include "device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../gpu/launch.h"
#include "container.h"
#include "device_code.h"
#include "dirty.h"
#include "saving.h"
#include "store.h"

/* ---- code -------------------------------------------------------------------------------------- */

int device_attach(mmsb_schedule *s, const void *image, size_t n, mmsb_error *err)
{
	uint8_t *copy = malloc(n + 1);
	if (!copy)
		return fail_memory(err, n, "device code");
	memcpy(copy, image, n);
	copy[n] = 0; /* PTX is text */
	pthread_mutex_lock(&s->native_lock);
	if (!s->device_image) { /* instances may hold what is there */
		s->device_image = copy;
		copy = NULL;
	}
	pthread_mutex_unlock(&s->native_lock);
	free(copy);
	return MMSB_OK;
}

bool device_has_code(const mmsb_schedule *s)
{
	return s->device_image || code_section_abi(s->tables.device, s->tables.n_device) == MMSB_CUDA_ABI;
}

/* How well an object suits a device of capability XY: 0, not at all. A cubin runs on devices of its first number from its second on, and one with a letter
 * on its own kind only; PTX runs on all from its own on. */
static int suits(const code_object *o, int capability)
{
	int number = 0, end = 0;
	if (sscanf(o->level, "compute_%d%n", &number, &end) == 1)
		return !o->level[end] && number <= capability && o->n > 0 && o->bytes[o->n - 1] == 0 ? 1 : 0;
	if (sscanf(o->level, "sm_%d%n", &number, &end) != 1 || number / 10 != capability / 10 || number > capability)
		return 0;
	return !o->level[end] ? 1 + number : number == capability ? 2 + number : 0;
}

int device_image(const mmsb_schedule *s, int major, int minor, const void **out, mmsb_error *err)
{
	int best = 0;
	char there[80] = "";
	code_object o;
	*out = s->device_image;
	if (*out)
		return MMSB_OK;
	if (!device_has_code(s))
		return fail(err, MMSB_INPUT, "the schedule has no code for a CUDA device: mmsbc compile --cuda puts it into the file, and mmsb run makes it");
	for (uint32_t i = 0; code_section_object(s->tables.device, s->tables.n_device, i, &o); i++) {
		int how = suits(&o, major * 10 + minor);
		size_t n = strlen(there);
		snprintf(there + n, sizeof there - n, "%s%s", n ? ", " : "", o.level);
		if (how > best) {
			best = how;
			*out = o.bytes;
		}
	}
	return best ? MMSB_OK
	            : fail(err, MMSB_DEVICE, "the CUDA device is an sm_%d%d, and the file has code for %s: compile it with --gpu-arch sm_%d%d", major, minor,
	                   there[0] ? there : "nothing", major, minor);
}

int device_choose(mmsb_instance *m, mmsb_error *err)
{
	if (m->options.executor != MMSB_CUDA)
		return MMSB_OK;
	m->device_ops = &cuda_device;
	return m->device_ops->open(&m->device, m, err);
}

/* ---- placement --------------------------------------------------------------------------------- */

/* MMSB_DEVICE_LEAST: another threshold, for tests. */
static double device_least(void)
{
	const char *given = getenv("MMSB_DEVICE_LEAST");
	return given && *given ? atof(given) : DEVICE_LEAST;
}

/* Each thread would go along a prefix of its own, and some are long. */
static bool long_prefixes(const mmsb_instance *m, const kernel_plan *p, uint32_t id)
{
	bool found = false;
	for (uint32_t i = 1; i < p->n_regions; i++)
		found |= p->regions[i].def->kind == REGION_PREFIX && p->regions[i].extent > DEVICE_PREFIX && device_splits(m->sch, id) != i;
	return found;
}

enum { PLACE_CHOSEN, PLACE_CPU };

static bool is_worth(const kernel_plan *p, const page *to)
{
	double weight = p->regions[0].weight > 1 ? p->regions[0].weight : 1;
	return to->def->place != PLACE_CHOSEN || (double)to->count * weight >= device_least();
}

void device_place(struct executor *ex, kernel_plan *p, uint32_t id)
{
	const mmsb_instance *m = ex->inst;
	const page *to = &m->pages[p->pass->page];
	if (!m->device || !m->device_ops->has(m->device, id) || to->def->place == PLACE_CPU || (to->count == 0 && !to->pat) || long_prefixes(m, p, id))
		return;
	p->on_device = to->pat || is_worth(p, to); /* entries come and go */
	for (uint32_t i = 1; i < p->n_regions; i++)
		p->kept |= p->regions[i].stored;
}

/* ---- values that stay there -------------------------------------------------------------------- */

static bool evaluates(const mmsb_instance *m, uint32_t pass)
{
	const kernel_plan *p = m->executor->passes[pass];
	return p->on_device && !p->deferred && p->pass->kind == PASS_MAP && m->device_ops->has(m->device, pass);
}

/* The pass looks at values alone, of this epoch: not at keys of groups, of which the host keeps an index. */
static bool reads_values(const mmsb_instance *m, uint32_t pass, uint32_t page_id)
{
	const sch_kernel *k = &m->sch->kernels[m->sch->passes[pass].kernel];
	for (uint32_t r = 0; r < k->n_regions; r++)
		if (m->sch->regions[k->first_region + r].page == page_id)
			return false;
	return true;
}

/* Only passes of the device look at it, and it is no state: that must not be lost with the device. */
static bool page_stays(const mmsb_instance *m, uint32_t pass)
{
	const kernel_plan *p = m->executor->passes[pass];
	const page *to = &m->pages[p->pass->page];
	const uint32_t *start = &m->reader_start[2 * to->id];
	if (!evaluates(m, pass) || to->def->role != PAGE_ROLE_INTERNAL || to->def->flags & (PAGEF_PREV | PAGEF_STATE))
		return false;
	if (to->pat || to->watched || (p->kept && !p->far) || start[1] != start[2])
		return false;
	for (uint32_t i = start[0]; i < start[1]; i++)
		if (!evaluates(m, m->readers_of[i]) || !reads_values(m, m->readers_of[i], to->id))
			return false;
	return true;
}

void device_plan(mmsb_instance *m)
{
	const schedule *s = m->sch;
	for (uint32_t i = 0; i < s->n_passes && m->device; i++) {
		kernel_plan *p = m->executor->passes[i];
		p->far = false;
		for (uint32_t r = 0; r < p->def->n_reads; r++)
			p->far |= m->pages[s->reads[p->def->first_read + r].page].stays;
		page *to = &m->pages[p->pass->page];
		bool stayed = to->stays;
		to->stays = page_stays(m, i);
		if (stayed && !to->stays && to->prev) { /* its second buffer has not followed */
			to->prev_lost = true;
			bitset_set(&m->touched, to->id);
		}
	}
}

static bool is_lost(const mmsb_instance *m, const page *p) { return !m->device_ops->has(m->device, p->def->pass); }

/* Some values are nowhere: the next commit evaluates everything. */
static void note_lost(mmsb_instance *m)
{
	for (uint32_t i = 0; i < m->sch->n_pages; i++)
		m->stale |= m->pages[i].away && is_lost(m, &m->pages[i]);
	if (m->stale)
		device_plan(m);
}

void device_forget(mmsb_instance *m)
{
	if (!m->device)
		return;
	m->device_ops->forget(m->device);
	for (uint32_t i = 0; i < m->sch->n_pages; i++) {
		page *p = &m->pages[i];
		p->away = m->epoch > 0 && (p->away || (p->gone && p->gone == m->commits));
	}
	note_lost(m);
}

int device_settle(mmsb_instance *m, page *p, mmsb_error *err)
{
	if (!p->away)
		return MMSB_OK;
	saving_whole(m, p, p->cur);
	int status = m->device_ops->fetch(m->device, p, err);
	p->away = status != MMSB_OK;
	if (status)
		note_lost(m);
	return status;
}

int device_settle_all(mmsb_instance *m, mmsb_error *err)
{
	int status = MMSB_OK;
	for (uint32_t i = 0; i < m->sch->n_pages && !status && m->device; i++)
		status = device_settle(m, &m->pages[i], err);
	return status;
}

int device_home(struct executor *ex, const kernel_plan *p, bool whole, mmsb_error *err)
{
	mmsb_instance *m = ex->inst;
	page *to = &m->pages[p->pass->page];
	bool keeps = to->stays && to->prev;
	int status = MMSB_OK;
	for (uint32_t i = 0; i < p->def->n_reads && !status; i++)
		status = device_settle(m, &m->pages[m->sch->reads[p->def->first_read + i].page], err);
	if (!status && (keeps || !whole))
		status = device_settle(m, to, err);
	if (!status && keeps && to->count > 0) { /* the second buffer, for putting back */
		saving_whole(m, to, to->prev);
		memcpy(to->prev, to->cur, to->count * to->element);
		to->prev_lost = false;
	}
	if (!status && to->away) { /* all of it is written */
		to->away = false;
		to->gone = m->commits;
		to->prev_lost = to->prev != NULL;
		bitset_set(&m->touched, to->id);
	}
	return status;
}

/* ---- passes ------------------------------------------------------------------------------------ */

bool device_map(struct executor *ex, uint32_t id, uint64_t epoch, bool whole, uint64_t *changed, int *status, mmsb_error *err)
{
	const kernel_plan *p = ex->passes[id];
	mmsb_instance *m = ex->inst;
	page *to = &m->pages[p->pass->page];
	bool done = false;
	whole |= p->small || (p->kept && p->far);
	if (p->deferred || (p->kept && !whole) || !m->device_ops->has(m->device, id) || (to->pat && !is_worth(p, to)))
		return false;
	buffers_catch_up(m, to);
	*status = pass_look_up(ex, p, err);
	if (*status)
		return true;
	reach reached = whole ? REACH_WHOLE : dirty_find(ex, p, epoch);
	if (reached == REACH_NONE)
		return true;
	if (reached == REACH_WHOLE)
		store_drop_all(p);
	saving_whole(m, to, to->cur);
	uint64_t n = reached == REACH_WHOLE ? to->pat ? to->pat->n_entries : to->count : bitset_count(&p->dirty->elements);
	*status = m->device_ops->pass(m->device, id, reached == REACH_WHOLE ? NULL : &p->dirty->elements, epoch, changed, &done, err);
	dirty_clear(p);
	if (!done && !*status)
		return false;
	m->pass_stats[id].evaluated += n;
	m->pass_stats[id].dense += reached == REACH_WHOLE;
	m->pass_stats[id].single += reached != REACH_WHOLE;
	return true;
}
