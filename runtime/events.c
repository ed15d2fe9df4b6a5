/* events.c - who is told of epochs: callbacks, called by the committing thread once an epoch is published, in the order of epochs.
 *
 * What an event costs is what it tells: of the pages that are watched, those with changes are known (changes.c). */
#include "events.h"

#include <stdlib.h>
#include <string.h>

typedef struct subscriber {
	mmsb_event_fn call;
	void *user;
	int page;         /* MMSB_ALL_PAGES: all */
	uint64_t after;   /* it is told of epochs behind this one */
	bool gone;        /* unsubscribed while events were told */
} subscriber;

struct events {
	subscriber *list;
	size_t n, capacity; /* capacity in bytes */
	bool telling;
	bool left;        /* some are gone */
};

bool events_wanted(const mmsb_instance *m) { return m->events && m->events->n > 0; }
bool events_telling(const mmsb_instance *m) { return m->events && m->events->telling; }

/* ---- subscribing ---- */

static int watch_shown(mmsb_instance *m, mmsb_error *err)
{
	int status = mmsb_bind(m, err);
	for (uint32_t i = 0; i < m->sch->n_pages && !status; i++) {
		const sch_page *p = &m->sch->pages[i];
		if ((p->flags & PAGEF_STORED) && (p->role == PAGE_ROLE_IN || p->role == PAGE_ROLE_OUT))
			status = mmsb_watch(m, (int)i, err);
	}
	return status;
}

int mmsb_subscribe(mmsb_instance *m, int id, mmsb_event_fn call, void *user, mmsb_error *err)
{
	int status = id == MMSB_ALL_PAGES ? watch_shown(m, err) : mmsb_watch(m, id, err);
	if (status)
		return status;
	if (!m->events && !(m->events = calloc(1, sizeof *m->events)))
		return fail_memory(err, sizeof *m->events, "a subscription");
	struct events *e = m->events;
	if (reserve(&e->list, &e->capacity, (e->n + 1) * sizeof *e->list))
		return fail_memory(err, (e->n + 1) * sizeof *e->list, "a subscription");
	e->list[e->n++] = (subscriber){.call = call, .user = user, .page = id, .after = m->epoch};
	return MMSB_OK;
}

static void sweep(struct events *e)
{
	size_t kept = 0;
	for (size_t i = 0; i < e->n; i++)
		if (!e->list[i].gone)
			e->list[kept++] = e->list[i];
	e->n = kept;
	e->left = false;
}

void mmsb_unsubscribe(mmsb_instance *m, mmsb_event_fn call, void *user)
{
	struct events *e = m->events;
	for (size_t i = 0; e && i < e->n; i++)
		if (e->list[i].call == call && e->list[i].user == user)
			e->list[i].gone = e->left = true;
	if (e && e->left && !e->telling)
		sweep(e);
}

void events_free(mmsb_instance *m)
{
	if (m->events)
		free(m->events->list);
	free(m->events);
	m->events = NULL;
}

/* ---- telling ---- */

static bool is_for(const subscriber *s, const mmsb_event *event)
{
	if (s->gone)
		return false;
	if (event->kind == MMSB_EVENT_CHECKPOINT || event->kind == MMSB_EVENT_ERROR)
		return true;
	return event->epoch > s->after && (event->kind != MMSB_EVENT_PAGE || s->page == MMSB_ALL_PAGES || s->page == event->page);
}

/* The list may grow and move meanwhile. */
static void tell(mmsb_instance *m, const mmsb_event *event)
{
	struct events *e = m->events;
	for (size_t i = 0; i < e->n; i++)
		if (is_for(&e->list[i], event))
			e->list[i].call(e->list[i].user, m, event);
}

static bool begin(const mmsb_instance *m)
{
	if (!events_wanted(m) || m->events->telling)
		return false;
	return m->events->telling = true;
}

static void end(struct events *e)
{
	e->telling = false;
	if (e->left)
		sweep(e);
}

void events_epoch(mmsb_instance *m, uint64_t epoch, const char *source)
{
	if (!begin(m))
		return;
	source = source ? source : "";
	tell(m, &(mmsb_event){.kind = MMSB_EVENT_BEGIN, .epoch = epoch, .source = source, .page = -1});
	uint32_t n = changes_pages(m);
	for (uint32_t i = 0; i < n; i++) {
		mmsb_event event = {.kind = MMSB_EVENT_PAGE, .epoch = epoch, .source = source, .page = changes_page(m, i)};
		mmsb_changes(m, event.page, &event.changes);
		tell(m, &event);
	}
	tell(m, &(mmsb_event){.kind = MMSB_EVENT_COMMIT, .epoch = epoch, .source = source, .page = -1});
	end(m->events);
}

void events_checkpoint(mmsb_instance *m, uint64_t epoch)
{
	if (!begin(m))
		return;
	tell(m, &(mmsb_event){.kind = MMSB_EVENT_CHECKPOINT, .epoch = epoch, .source = "", .page = -1});
	end(m->events);
}

void events_failed(mmsb_instance *m, uint64_t epoch, const mmsb_error *why)
{
	if (!begin(m))
		return;
	tell(m, &(mmsb_event){.kind = MMSB_EVENT_ERROR, .epoch = epoch, .source = "", .page = why->page, .error = why});
	end(m->events);
}
