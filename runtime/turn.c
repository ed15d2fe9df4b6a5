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

/* The address that stands for this thread. */
static const void *myself(void)
{
	static _Thread_local char me;
	return &me;
}

/* Without the lock: no other thread writes this one's address, or takes it away. */
bool turn_is_mine(commit_turn *t) { return atomic_load_explicit(&t->by, memory_order_relaxed) == myself(); }

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
		t->taken = true;
		atomic_store_explicit(&t->by, myself(), memory_order_relaxed);
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
	atomic_store_explicit(&t->by, NULL, memory_order_relaxed);
	t->taken = next != NULL;
	if (next) {
		t->first = next->next;
		t->last = t->first ? t->last : &t->first;
		next->leads = true;
	}
	pthread_cond_broadcast(&t->moved);
	pthread_mutex_unlock(&t->lock);
}
