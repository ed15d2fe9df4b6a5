/* turn.c - whose turn it is to commit (turn.h). */
#include "turn.h"

bool turn_init(commit_turn *t)
{
	t->last = &t->first;
	if (pthread_mutex_init(&t->lock, NULL))
		return false;
	if (!pthread_cond_init(&t->moved, NULL))
		return true;
	pthread_mutex_destroy(&t->lock);
	return false;
}

void turn_destroy(commit_turn *t)
{
	pthread_cond_destroy(&t->moved);
	pthread_mutex_destroy(&t->lock);
}

bool turn_is_mine(commit_turn *t)
{
	pthread_mutex_lock(&t->lock);
	bool mine = t->running && pthread_equal(t->by, pthread_self());
	pthread_mutex_unlock(&t->lock);
	return mine;
}

/* Those that wait, up to one that does not share. */
static turn_call *take_sharing(commit_turn *t)
{
	turn_call *all = t->first, **end = &all;
	while (*end && (*end)->shares)
		end = &(*end)->next;
	t->first = *end;
	t->last = *end ? t->last : &t->first;
	*end = NULL;
	return all;
}

bool turn_begin(commit_turn *t, turn_call *call, turn_call **others)
{
	*others = NULL;
	pthread_mutex_lock(&t->lock);
	if (t->taken) {
		*t->last = call;
		t->last = &call->next;
		while (!call->leads && !call->over)
			pthread_cond_wait(&t->moved, &t->lock);
	}
	if (!call->over) {
		t->taken = t->running = true;
		t->by = pthread_self();
		if (call->shares)
			*others = take_sharing(t);
	}
	pthread_mutex_unlock(&t->lock);
	return !call->over;
}

void turn_end(commit_turn *t, const turn_call *call, turn_call *others)
{
	pthread_mutex_lock(&t->lock);
	for (turn_call *o = others, *next; o; o = next) {
		next = o->next; /* it may go once it is over */
		o->status = call->status;
		o->epoch = call->epoch;
		if (call->status && o->err)
			*o->err = *call->err;
		o->over = true;
	}
	turn_call *next = t->first;
	t->running = false;
	t->taken = next != NULL;
	if (next) {
		t->first = next->next;
		t->last = t->first ? t->last : &t->first;
		next->leads = true;
	}
	pthread_cond_broadcast(&t->moved);
	pthread_mutex_unlock(&t->lock);
}
