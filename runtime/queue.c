/* queue.c - elements in order of value: a heap with four children to a node. */
#include "repair.h"

static inline bool before(const queued *a, const queued *b)
{
	return a->key != b->key ? a->key < b->key : a->stamp < b->stamp;
}

int queue_put(queue *q, queued e)
{
	if ((q->n + 1) * sizeof *q->at > q->capacity && reserve(&q->at, &q->capacity, 2 * (q->n + 32) * sizeof *q->at))
		return -1;
	uint64_t at = q->n++;
	while (at > 0) {
		uint64_t up = (at - 1) / 4;
		if (!before(&e, &q->at[up]))
			break;
		q->at[at] = q->at[up];
		at = up;
	}
	q->at[at] = e;
	return 0;
}

queued queue_take(queue *q)
{
	queued first = q->at[0], last = q->at[--q->n];
	uint64_t at = 0;
	for (;;) {
		uint64_t down = 4 * at + 1, end = down + 4 < q->n ? down + 4 : q->n;
		if (down >= q->n)
			break;
		uint64_t best = down;
		for (uint64_t i = down + 1; i < end; i++)
			if (before(&q->at[i], &q->at[best]))
				best = i;
		if (!before(&q->at[best], &last))
			break;
		q->at[at] = q->at[best];
		at = best;
	}
	if (q->n)
		q->at[at] = last;
	return first;
}
