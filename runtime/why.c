/* why.c - what changed an element (why.h): it reads the same places before and after, and those that differ are why.
 *
 * The chain of reads goes back in time, an epoch with each `prev`, and the log can only be played forwards. So whoever plays it to an epoch leaves
 * marks at growing distances before it: the epochs before are then a few epochs' work each, however long the log and however few its checkpoints. */
#define _GNU_SOURCE /* memfd_create */
#include "why.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../state/checkpoint.h"

/* ---- marks ------------------------------------------------------------------------------------- */

/* The first mark is so many epochs before the one that is asked for, each other so many times as far. A large instance has none. */
enum { MARK_STEP = 64, MARK_GROWTH = 8, MARK_BYTES = 64 << 20 };

/* The latest mark at or before an epoch. */
static why_mark *mark_before(why *w, uint64_t epoch)
{
	why_mark *best = NULL;
	for (int i = 0; i < WHY_MARKS; i++)
		if (w->marks[i].epoch > 0 && w->marks[i].epoch <= epoch && (best == NULL || w->marks[i].epoch > best->epoch))
			best = &w->marks[i];
	return best;
}

static void drop_mark(why_mark *k)
{
	if (k->epoch > 0)
		close(k->fd);
	k->epoch = 0;
}

/* Without one all takes longer, and is the same. */
static void leave_mark(why *w, mmsb_instance *m)
{
	why_mark *k = w->marks;
	checkpoint_writer *writer;
	for (int i = 0; i < WHY_MARKS; i++)
		if (w->marks[i].epoch == m->epoch)
			return;
	for (int i = 1; i < WHY_MARKS; i++)
		if (k->epoch > 0 && (w->marks[i].epoch == 0 || w->marks[i].used < k->used))
			k = &w->marks[i];
	drop_mark(k);
	if (m->epoch == 0 || m->arena.bytes > MARK_BYTES || checkpoint_plan(&writer, m, NULL, NULL) != MMSB_OK)
		return;
	int fd = memfd_create("mmsb-why", MFD_CLOEXEC);
	if (fd >= 0 && checkpoint_put(writer, &vfs_machine, fd, 0) == 0)
		*k = (why_mark){m->epoch, w->clock, fd};
	else if (fd >= 0)
		close(fd);
	checkpoint_writer_free(writer);
}

/* On the way to an epoch. */
static int go_to(why *w, player *p, uint64_t epoch, mmsb_error *err)
{
	uint64_t distance = MARK_STEP;
	int status = MMSB_OK;
	while (distance * MARK_GROWTH + p->m->epoch < epoch)
		distance *= MARK_GROWTH;
	for (; distance >= MARK_STEP && status == MMSB_OK; distance /= MARK_GROWTH) {
		if (p->m->epoch + distance >= epoch)
			continue;
		status = player_to(p, epoch - distance, NULL, NULL, err);
		if (status == MMSB_OK)
			leave_mark(w, p->m);
	}
	return status == MMSB_OK ? player_to(p, epoch, NULL, NULL, err) : status;
}

/* A player at an epoch from which it can be played to `epoch`: the latest that there is. */
static int new_player(why *w, player **out, uint64_t epoch, mmsb_error *err)
{
	mmsb_options one = {.size = sizeof one};
	const manifest *files = &w->h->files;
	why_mark *k = mark_before(w, epoch);
	uint64_t kept = 0;
	for (size_t i = 0; i < files->n_checkpoints && files->checkpoints[i].epoch <= epoch; i++)
		kept = files->checkpoints[i].epoch;
	if (k != NULL && k->epoch > kept) {
		char path[40];
		k->used = w->clock;
		snprintf(path, sizeof path, "/proc/self/fd/%d", k->fd);
		if (player_from(out, w->h, path, &one, err) == MMSB_OK)
			return MMSB_OK;
	}
	return player_new(out, w->h, epoch, epoch == 0, &one, err);
}

/* ---- instances --------------------------------------------------------------------------------- */

void why_end(why *w)
{
	for (int i = 0; i < WHY_INSTANCES; i++)
		player_free(w->players[i]);
	for (int i = 0; i < WHY_MARKS; i++)
		drop_mark(&w->marks[i]);
}

int why_instance(why *w, uint64_t epoch, mmsb_instance **out, mmsb_error *err)
{
	int oldest = 0;
	w->clock++;
	for (int i = 0; i < WHY_INSTANCES; i++) {
		if (w->players[i] != NULL && w->players[i]->m->epoch == epoch) {
			w->used[i] = w->clock;
			*out = w->players[i]->m;
			return MMSB_OK;
		}
		if (w->used[i] < w->used[oldest])
			oldest = i;
	}
	player_free(w->players[oldest]);
	w->players[oldest] = NULL;
	int status = new_player(w, &w->players[oldest], epoch, err);
	if (status == MMSB_OK)
		status = go_to(w, w->players[oldest], epoch, err);
	if (status != MMSB_OK) {
		player_free(w->players[oldest]);
		w->players[oldest] = NULL;
		return status;
	}
	w->used[oldest] = w->clock;
	*out = w->players[oldest]->m;
	return MMSB_OK;
}

/* ---- values ------------------------------------------------------------------------------------ */

static uint32_t n_columns(const page *p, uint32_t field) { return field == NONE ? p->n_columns : 1; }

static uint32_t column_of(const page *p, uint32_t field, uint32_t i)
{
	return p->def->record == NONE ? NONE : field == NONE ? i : field;
}

/* ---- the last change --------------------------------------------------------------------------- */

enum { MOST_COLUMNS = 256 };

typedef struct look {
	const why_element *e;
	scalar values[MOST_COLUMNS];
	bool there;
	mmsb_instance *m;
	uint64_t changed;       /* the last epoch */
} look;

/* Reads the element; *differs: from what was read before. */
static int take_values(look *l, bool *differs, mmsb_error *err)
{
	page *p = &l->m->pages[l->e->page];
	int status = lazy_settle(l->m, p, err);
	uint32_t n = n_columns(p, l->e->field);
	*differs = false;
	for (uint32_t i = 0; i < n && i < MOST_COLUMNS && status == MMSB_OK; i++) {
		scalar v;
		bool there = trace_value(l->m, p, column_of(p, l->e->field, i), l->e->at, &v);
		*differs |= there != l->there || (there && v.bits != l->values[i].bits);
		l->values[i] = v;
		if (i + 1 == n || i + 1 == MOST_COLUMNS)
			l->there = there;
	}
	return status;
}

static int look_at_epoch(void *user, const history_epoch *now, mmsb_error *err)
{
	look *l = user;
	bool differs;
	int status = take_values(l, &differs, err);
	if (differs)
		l->changed = now->epoch;
	return status;
}

int why_last_change(why *w, const why_element *e, uint64_t upto, uint64_t *epoch, uint64_t *since, mmsb_error *err)
{
	*epoch = *since = 0;
	while (upto > 0) {
		player *p;
		bool differs, none = w->h->earliest > 1 && upto <= w->h->earliest;
		if (none) {
			*since = w->h->earliest;
			return MMSB_OK;
		}
		int status = new_player(w, &p, upto - 1, err);
		if (status != MMSB_OK)
			return status;
		look l = {.e = e, .m = p->m};
		uint64_t from = p->m->epoch;
		p->changes_only = true;
		status = take_values(&l, &differs, err);
		if (status == MMSB_OK)
			status = player_to(p, upto, look_at_epoch, &l, err);
		player_free(p);
		if (status != MMSB_OK || l.changed > 0) {
			*epoch = l.changed;
			return status;
		}
		upto = from;
	}
	return MMSB_OK;
}

/* ---- reads ------------------------------------------------------------------------------------- */

typedef struct gathering {
	mmsb_instance *m[3];    /* after the epoch, the one before, the one before that; NULL: not looked at */
	uint64_t epoch;
	const why_element *of;
	why_element *list;
	size_t n, capacity;     /* capacity in bytes */
} gathering;

static int value_at(mmsb_instance *m, const trace_read *r, bool *there, scalar *v, mmsb_error *err)
{
	page *p = &m->pages[r->page];
	int status = lazy_settle(m, p, err);
	*there = status == MMSB_OK && trace_value(m, p, r->field, r->at, v);
	if (r->presence)
		*v = (scalar){0};
	return status;
}

static int gather_read(void *user, const trace_read *read, mmsb_error *err)
{
	gathering *g = user;
	trace_read r = *read;
	mmsb_instance *now = g->m[r.prev], *before = g->m[r.prev + 1];
	const page *p = &g->m[0]->pages[r.page];
	bool there = false, was = false;
	scalar v = {0}, old = {0};
	if (now == NULL || before == NULL)
		return MMSB_OK;
	if (r.presence && p->def->like != NONE)
		r.page = p->def->like;
	if (r.presence && g->m[0]->pages[r.page].def->record != NONE)
		r.field = 0;
	int status = value_at(now, &r, &there, &v, err);
	if (status == MMSB_OK)
		status = value_at(before, &r, &was, &old, err);
	if (status != MMSB_OK || (there == was && (!there || v.bits == old.bits)))
		return status;
	if (!r.prev && r.page == g->of->page && r.at == g->of->at && !r.presence)
		return MMSB_OK; /* a fixpoint's own round */
	if (reserve(&g->list, &g->capacity, (g->n + 1) * sizeof *g->list))
		return fail_memory(err, g->capacity, "the elements that were read");
	g->list[g->n++] = (why_element){.page = r.page, .field = r.presence ? NONE : r.field, .at = r.at, .epoch = g->epoch - r.prev, .prev = r.prev};
	return MMSB_OK;
}

static int ascending(const void *a, const void *b)
{
	const why_element *x = a, *y = b;
	if (x->prev != y->prev)
		return x->prev ? 1 : -1;
	if (x->page != y->page)
		return x->page < y->page ? -1 : 1;
	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return (x->field > y->field) - (x->field < y->field);
}

static void leave_out_twice(gathering *g)
{
	size_t n = 0;
	if (g->n > 1)
		qsort(g->list, g->n, sizeof *g->list, ascending);
	for (size_t i = 0; i < g->n; i++)
		if (n == 0 || ascending(&g->list[n - 1], &g->list[i]) != 0)
			g->list[n++] = g->list[i];
	g->n = n;
}

static bool reads_before(const mmsb_instance *m, uint32_t id)
{
	const schedule *s = m->sch;
	const sch_kernel *k = &s->kernels[s->passes[m->pages[id].def->pass].kernel];
	bool any = false;
	for (uint32_t i = 0; i < k->n_reads; i++)
		any |= s->reads[k->first_read + i].prev != 0;
	for (uint32_t i = 0; i < k->n_regions; i++)
		any |= s->regions[k->first_region + i].prev != 0;
	return any;
}

static bool is_there(mmsb_instance *m, const why_element *e)
{
	scalar v;
	const page *p = &m->pages[e->page];
	return trace_value(m, p, column_of(p, e->field, 0), e->at, &v);
}

int why_reads(why *w, const why_element *e, why_element **out, size_t *n, mmsb_error *err)
{
	gathering g = {.epoch = e->epoch, .of = e};
	uint64_t kept = w->h->earliest > 1 ? w->h->earliest : 0;
	int status = why_instance(w, e->epoch, &g.m[0], err);
	if (status == MMSB_OK && e->epoch > kept)
		status = why_instance(w, e->epoch - 1, &g.m[1], err);
	if (status == MMSB_OK && e->epoch > kept + 1 && reads_before(g.m[0], e->page))
		status = why_instance(w, e->epoch - 2, &g.m[2], err);
	/* what it reads now, and what it read before: entries and members of groups may have gone */
	if (status == MMSB_OK && g.m[1] != NULL && is_there(g.m[0], e))
		status = trace_element(g.m[0], g.m[1], e->page, e->field, e->at, gather_read, &g, err);
	if (status == MMSB_OK && g.m[1] != NULL && g.m[1]->epoch > 0 && is_there(g.m[1], e))
		status = trace_element(g.m[1], g.m[2] != NULL ? g.m[2] : g.m[1], e->page, e->field, e->at, gather_read, &g, err);
	if (status == MMSB_OK)
		leave_out_twice(&g);
	*out = g.list;
	*n = status == MMSB_OK ? g.n : 0;
	return status;
}

/* ---- epochs ------------------------------------------------------------------------------------ */

int why_epoch(why *w, uint64_t epoch, char *source, size_t room, uint64_t *time, mmsb_error *err)
{
	history_walk walk;
	log_record record;
	bool more = true, found = false;
	int status = MMSB_OK;
	history_walk_begin(&walk, w->h, epoch);
	source[0] = '\0';
	*time = 0;
	while (status == MMSB_OK && more && !found) {
		status = history_walk_next(&walk, &record, &more, err);
		found = status == MMSB_OK && more && (record.kind == LOG_EPOCH || record.kind == LOG_TICKS) && record.epoch >= epoch;
	}
	const char *tag = found ? log_source(walk.reader, record.source) : NULL;
	if (tag != NULL) {
		size_t n = strlen(tag);
		n = n < room ? n : room - 1;
		memcpy(source, tag, n);
		source[n] = '\0';
	}
	if (found)
		*time = record.time;
	history_walk_end(&walk);
	return status;
}
