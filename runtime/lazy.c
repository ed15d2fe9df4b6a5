/* lazy.c - @lazy pages: in a commit they are only marked stale, with the elements that are to be evaluated, and evaluated when they are read.
 *
 * A page that an ordinary pass reads, or that is watched, is wanted in every epoch: its pass runs like others. A pass is `deferred` when
 * nobody wants its page but deferred passes, and it reads nothing of the epoch before. */
#include "device.h"
#include "dirty.h"
#include "fpenv.h"
#include "index.h"
#include "route_site.h"
#include "saving.h"
#include "store.h"

/* What the epoch before left is at hand in the commit alone: an epoch that fails afterwards has gone on from there. */
static bool reads_prev(const mmsb_instance *m, const kernel_plan *p)
{
	bool any = false;
	for (uint32_t i = 0; i < p->def->n_reads; i++)
		any |= m->sch->reads[p->def->first_read + i].prev;
	for (uint32_t i = 0; i < p->def->n_regions; i++)
		any |= m->sch->regions[p->def->first_region + i].prev;
	return any;
}

static bool is_wanted(const mmsb_instance *m, uint32_t pass)
{
	const struct executor *ex = m->executor;
	const page *p = &m->pages[m->sch->passes[pass].page];
	if (!(p->def->flags & PAGEF_LAZY) || p->def->flags & PAGEF_SPARSE || p->watched || m->options.scratch ||
	    m->sch->passes[pass].kind != PASS_MAP || ex->passes[pass]->def->can_fail || reads_prev(m, ex->passes[pass]))
		return true;
	for (uint32_t i = m->reader_start[2 * p->id]; i < m->reader_start[2 * p->id + 2]; i++)
		if (!ex->passes[m->readers_of[i]]->deferred)
			return true;
	return false;
}

void lazy_plan(mmsb_instance *m)
{
	for (uint32_t i = m->sch->n_passes; i-- > 0;) /* readers come later */
		m->executor->passes[i]->deferred = !is_wanted(m, i);
	device_plan(m);
}

bool lazy_defer(mmsb_instance *m, uint32_t pass, uint64_t epoch, bool whole)
{
	struct executor *ex = m->executor;
	const kernel_plan *p = ex->passes[pass];
	page *to = &m->pages[m->sch->passes[pass].page];
	dirty_sets *d = p->dirty;
	if (!p->deferred)
		return false;
	whole |= d->all || pass_look_up(ex, p, NULL) != MMSB_OK || dirty_find(ex, p, epoch) == REACH_WHOLE;
	for (uint32_t i = 1; i < p->n_regions; i++)
		whole |= !bitset_empty(&d->lanes[i]);
	if (whole) {
		dirty_clear(p);
		store_drop_all(p);
	}
	d->all = whole;
	to->stale |= whole || !bitset_empty(&d->elements);
	return true;
}

static int evaluate(mmsb_instance *m, uint32_t pass, mmsb_error *err)
{
	struct executor *ex = m->executor;
	const kernel_plan *p = ex->passes[pass];
	page *to = &m->pages[m->sch->passes[pass].page];
	pass_target target = {.at = to->cur, .was = to->cur, .marks = to->now};
	uint64_t changed = 0;
	int status = pass_look_up(ex, p, err);
	if (status)
		return status;
	if (p->dirty->all)
		saving_whole(m, to, to->cur);
	else
		saving_elements(m, to, &p->dirty->elements);
	status = p->dirty->all ? pass_run(ex, p, &target, &changed, err) : pass_run_dirty(ex, p, &target, &p->dirty->elements, &changed, err);
	executor_count_operands(ex, pass);
	if (status) /* it cannot fail but for memory: the page stays stale */
		return status;
	m->pass_stats[pass].evaluated += p->dirty->all ? to->count : bitset_count(&p->dirty->elements);
	m->pass_stats[pass].changed += changed;
	m->pass_stats[pass].epochs++;
	dirty_clear(p);
	p->dirty->all = false;
	to->stale = false;
	for (uint32_t k = 0; changed && to->indexes[0] && k < to->n_columns; k++)
		if (to->indexes[0][k]) /* it may have been asked for since the page went stale */
			index_forget(to->indexes[0][k]);
	if (changed) {
		to->version++;
		bitset_set(&m->touched, to->id);
		for (uint32_t i = m->reader_start[2 * to->id]; i < m->reader_start[2 * to->id + 1]; i++) /* no epoch tells them of this change */
			route_sites_forget(ex->passes[m->readers_of[i]]);
	}
	return MMSB_OK;
}

int lazy_settle(mmsb_instance *m, const page *p, mmsb_error *err)
{
	int status = MMSB_OK;
	if (!p->stale)
		return device_settle(m, &m->pages[p->id], err);
	uint64_t env = fpenv_enter();
	for (uint32_t i = 0; i <= p->def->pass && !status; i++) /* what it reads comes first, and may be stale too */
		if (m->pages[m->sch->passes[i].page].stale)
			status = evaluate(m, i, err);
	fpenv_leave(env);
	return status;
}
