/* lists.h - many lists of ascending numbers in one pool: the rows and columns of a sparse pattern, the positions of each key of an
 * index. Internal.
 *
 * A list holds *keys* (u32, ascending, all different), each with a *mate* (u32) where the lists have mates. It lies side by
 * side in the pool: keys at key[at] .. key[at + n), mates at the same places of mate[]. It has slack, and moves to a place of twice the
 * room when it is full; what it leaves is used again. A list of more than LIST_FLAT is cut into blocks of at most LIST_BLOCK when it
 * first changes, so that a change costs the same however long a list is: who reads lists goes by *runs*.
 *
 * Places are good until the next change of any list. One thread changes lists; many may read them meanwhile if it does not. */
#ifndef MMSB_LISTS_H
#define MMSB_LISTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fetch.h"

enum { LIST_BLOCK = 512, LIST_FLAT = 2 * LIST_BLOCK, LIST_CLASSES = 12 };

#define LIST_CUT UINT32_MAX /* as `room`: the list is cut, and `at` is its number in long_lists */
#define LISTS_NONE UINT64_MAX

typedef struct list_head {
	uint64_t at;
	uint32_t n, room;
} list_head;

/* A piece of a long list: the keys from `from` up to the next block's. */
typedef struct list_block {
	uint64_t at;
	uint32_t from;
	uint16_t n, room;
} list_block;

typedef struct long_list {
	list_block *blocks;
	uint32_t n, capacity;
	uint32_t next_free;
} long_list;

typedef struct lists {
	uint64_t n_lists;
	list_head *heads;
	uint64_t count;         /* numbers in all lists */
	uint64_t version;       /* another one after every change, until they are freed */
	uint32_t *key, *mate;   /* the pool; mate: NULL when there are none */
	bool mates;
	uint64_t used, capacity; /* of the pool, in numbers */
	uint64_t holes;         /* below `used`, in no list's room */
	uint64_t free[LIST_CLASSES]; /* chains of free runs of 2^class numbers */
	long_list *long_lists;
	uint32_t n_long, cap_long, free_long;
} lists;

/* n_lists empty lists. -1: no memory. lists_free leaves none. */
int lists_new(lists *, uint64_t n_lists, bool mates);
void lists_free(lists *);

/* Room for `n` numbers in all, for lists_fill. -1: no memory, and nothing has changed. */
int lists_reserve(lists *, uint64_t n);

/* All lists anew, without slack and in the order of their numbers: number e = 0 .. n-1, where present[e] (NULL: everywhere), stands in
 * list[e] (nowhere, if there is no such list) with key[e] (NULL: e) and mate e. For as many numbers as were reserved or have
 * been in these lists before; cannot fail. In proportion to n and the lists; what does not come in ascending order is sorted. */
void lists_fill(lists *, uint64_t n, const uint32_t *list, const uint32_t *key, const uint8_t *present);

/* Adds a key that is not there. -1: no memory, and nothing has changed. near: where it is likely to stand, from lists_seek; LISTS_NONE: nobody knows. */
int lists_add(lists *, uint64_t list, uint32_t key, uint32_t mate, uint64_t near);

/* Takes a key out; false: it is not there. */
bool lists_remove(lists *, uint64_t list, uint32_t key, uint64_t near);

/* The place of a key, or LISTS_NONE. */
uint64_t lists_find(const lists *, uint64_t list, uint32_t key);

/* Looks for n keys, each in a list (which there is). lists_seek.c. */
typedef struct list_sought {
	uint32_t list, key;
	uint64_t at;            /* the place of the key, or where it would stand */
	bool found;
} list_sought;

void lists_seek(const lists *, list_sought *, size_t n);

/* dst, which has as many lists, becomes as src, without slack. -1: no memory, and dst may have lost what it had. */
int lists_copy(lists *dst, const lists *src);

/* ---- runs -------------------------------------------------------------------------------------- */

/* A walk along a list: begins as {0}; after lists_next n numbers lie at `at`. */
typedef struct list_run {
	uint64_t at;
	uint32_t n;
	uint32_t next;
} list_run;

static inline uint32_t lists_length(const lists *l, uint64_t list) { return l->heads[list].n; }

/* Hints that a list is about to be read: first its head, then its first numbers. */
static inline void lists_fetch_head(const lists *l, uint64_t list) { fetch(&l->heads[list]); }

static inline void lists_fetch(const lists *l, uint64_t list)
{
	const list_head *h = &l->heads[list];
	if (h->room == LIST_CUT)
		return;
	fetch(&l->key[h->at]);
	if (l->mates)
		fetch(&l->mate[h->at]);
}

/* The block of a cut list in which a key stands, or would. */
static inline uint32_t lists_block_of(const long_list *cut, uint32_t key)
{
	uint32_t low = 0, n = cut->n - 1; /* among the blocks after the first: how many begin at or before key */
	while (n > 0) {
		uint32_t half = n / 2;
		bool right = cut->blocks[1 + low + half].from <= key;
		low = right ? low + half + 1 : low;
		n = right ? n - half - 1 : half;
	}
	return low;
}

/* The next run, which is not empty; false: that was all. */
static inline bool lists_next(const lists *l, uint64_t list, list_run *r)
{
	const list_head *h = &l->heads[list];
	if (h->room != LIST_CUT) {
		r->at = h->at;
		r->n = h->n;
		return h->n > 0 && r->next++ == 0;
	}
	const long_list *cut = &l->long_lists[h->at];
	while (r->next < cut->n) {
		const list_block *b = &cut->blocks[r->next++];
		r->at = b->at;
		r->n = b->n;
		if (b->n > 0)
			return true;
	}
	return false;
}

/* For the place of each number of a list, in order. `break` leaves a run, not the list. */
#define LISTS_FOR(l, list, place) \
	for (list_run place##_run = {0}; lists_next((l), (list), &place##_run);) \
		for (uint64_t place = place##_run.at; place < place##_run.at + place##_run.n; place++)

#endif
