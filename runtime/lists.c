/* lists.c - lists of ascending numbers with slack in one pool, long ones in blocks. */
#include "lists.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"

enum { SMALLEST_CLASS = 2, SHORT_SORT = 24 };
#define NO_LONG UINT32_MAX

int lists_new(lists *l, uint64_t n_lists, bool mates)
{
	*l = (lists){.n_lists = n_lists, .mates = mates, .free_long = NO_LONG};
	for (unsigned k = 0; k < LIST_CLASSES; k++)
		l->free[k] = LISTS_NONE;
	l->heads = calloc(n_lists + 1, sizeof *l->heads);
	return l->heads ? 0 : -1;
}

void lists_free(lists *l)
{
	for (uint32_t i = 0; i < l->n_long; i++)
		free(l->long_lists[i].blocks);
	free(l->long_lists);
	free(l->heads);
	free(l->key);
	free(l->mate);
	*l = (lists){.free_long = NO_LONG};
}

/* ---- the pool ---------------------------------------------------------------------------------- */

static void forget_free_runs(lists *l)
{
	for (unsigned k = 0; k < LIST_CLASSES; k++)
		l->free[k] = LISTS_NONE;
	l->holes = 0;
}

int lists_reserve(lists *l, uint64_t n)
{
	if (n <= l->capacity)
		return 0;
	if (n > SIZE_MAX / sizeof(uint32_t))
		return -1;
	uint32_t *key = realloc(l->key, n * sizeof *key);
	if (!key)
		return -1;
	l->key = key;
	memory_ask_large(key, n * sizeof *key);
	if (l->mates) {
		uint32_t *mate = realloc(l->mate, n * sizeof *mate);
		if (!mate)
			return -1;
		l->mate = mate;
		memory_ask_large(mate, n * sizeof *mate);
	}
	l->capacity = n;
	return 0;
}

static void copy_run(lists *to, uint64_t at, const lists *from, uint64_t where, uint64_t n)
{
	if (n == 0)
		return;
	memmove(to->key + at, from->key + where, n * sizeof *to->key);
	if (to->mates)
		memmove(to->mate + at, from->mate + where, n * sizeof *to->mate);
}

/* Moves a run with its room to the end of another pool. */
static uint64_t move_run(lists *to, const lists *from, uint64_t at, uint32_t n, uint32_t room)
{
	uint64_t place = to->used;
	copy_run(to, place, from, at, n);
	to->used += room;
	return place;
}

/* The same lists in a pool of the same capacity without holes. */
static int compact(lists *l)
{
	lists to = {.mates = l->mates};
	if (lists_reserve(&to, l->capacity)) {
		free(to.key);
		free(to.mate);
		return -1;
	}
	for (uint64_t i = 0; i < l->n_lists; i++) {
		list_head *h = &l->heads[i];
		if (h->room != LIST_CUT) {
			h->at = move_run(&to, l, h->at, h->n, h->room);
			continue;
		}
		long_list *cut = &l->long_lists[h->at];
		for (uint32_t b = 0; b < cut->n; b++)
			cut->blocks[b].at = move_run(&to, l, cut->blocks[b].at, cut->blocks[b].n, cut->blocks[b].room);
	}
	free(l->key);
	free(l->mate);
	l->key = to.key;
	l->mate = to.mate;
	l->used = to.used;
	forget_free_runs(l);
	return 0;
}

/* Room for a run more at the end of the pool. */
static int grow(lists *l, uint32_t room)
{
	if (l->used + room <= l->capacity)
		return 0;
	if (l->holes > l->used / 2 && l->holes >= room)
		return compact(l);
	uint64_t want = 2 * l->capacity;
	return lists_reserve(l, want < l->used + room ? l->used + room : want);
}

/* A free run has the place of the next one in its first two numbers. */
static void push_free(lists *l, unsigned class, uint64_t at)
{
	memcpy(l->key + at, &l->free[class], sizeof(uint64_t));
	l->free[class] = at;
}

static uint64_t pop_free(lists *l, unsigned class)
{
	uint64_t at = l->free[class];
	memcpy(&l->free[class], l->key + at, sizeof(uint64_t));
	return at;
}

static void give_back(lists *l, uint64_t at, uint32_t room)
{
	l->holes += room;
	if (room < 1u << SMALLEST_CLASS)
		return;
	unsigned class = 31 - (unsigned)__builtin_clz(room);
	push_free(l, class < LIST_CLASSES ? class : LIST_CLASSES - 1, at);
}

/* A run of at least `want` numbers, a power of two: from what is free, a larger one cut in halves if need be, or at the end. */
static int take_run(lists *l, uint32_t want, uint64_t *at, uint32_t *room)
{
	unsigned class = SMALLEST_CLASS, from;
	while (1u << class < want)
		class++;
	*room = 1u << class;
	for (from = class; from < LIST_CLASSES && l->free[from] == LISTS_NONE; from++)
		;
	if (from < LIST_CLASSES) {
		*at = pop_free(l, from);
		while (from-- > class)
			push_free(l, from, *at + (1u << from));
		l->holes -= *room;
		return 0;
	}
	if (grow(l, *room))
		return -1;
	*at = l->used;
	l->used += *room;
	return 0;
}

/* ---- within a run ------------------------------------------------------------------------------ */

/* How many keys of a run are below `key`. */
static uint32_t count_below(const uint32_t *keys, uint32_t n, uint32_t key)
{
	uint32_t low = 0;
	while (n > 0) {
		uint32_t half = n / 2;
		bool right = keys[low + half] < key;
		low = right ? low + half + 1 : low;
		n = right ? n - half - 1 : half;
	}
	return low;
}

/* The same, where the first key that is not below is likely to stand at `near`. */
static uint32_t count_near(const lists *l, uint64_t at, uint32_t n, uint32_t key, uint64_t near)
{
	uint64_t i = near - at;
	if (i <= n && (i == 0 || l->key[near - 1] < key) && (i == n || l->key[near] >= key))
		return (uint32_t)i;
	return count_below(l->key + at, n, key);
}

static void insert_at(lists *l, uint64_t at, uint32_t n, uint32_t i, uint32_t key, uint32_t mate)
{
	copy_run(l, at + i + 1, l, at + i, n - i);
	l->key[at + i] = key;
	if (l->mates)
		l->mate[at + i] = mate;
}

/* ---- long lists -------------------------------------------------------------------------------- */

static int reserve_blocks(long_list *cut, uint32_t n)
{
	if (n <= cut->capacity)
		return 0;
	uint32_t want = n < 2 * cut->capacity ? 2 * cut->capacity : n;
	list_block *blocks = realloc(cut->blocks, want * sizeof *blocks);
	if (!blocks)
		return -1;
	cut->blocks = blocks;
	cut->capacity = want;
	return 0;
}

static long_list *take_long(lists *l)
{
	if (l->free_long == NO_LONG) {
		if (l->n_long == l->cap_long) {
			uint32_t want = l->cap_long ? 2 * l->cap_long : 8;
			long_list *more = realloc(l->long_lists, want * sizeof *more);
			if (!more)
				return NULL;
			l->long_lists = more;
			l->cap_long = want;
		}
		l->long_lists[l->n_long] = (long_list){.next_free = l->free_long};
		l->free_long = l->n_long++;
	}
	return &l->long_lists[l->free_long];
}

static void drop_long(lists *l, uint32_t id)
{
	l->long_lists[id].n = 0;
	l->long_lists[id].next_free = l->free_long;
	l->free_long = id;
}

/* Cuts a list into blocks, where it lies. */
static int cut_list(lists *l, list_head *h)
{
	long_list *cut = take_long(l);
	if (!cut || reserve_blocks(cut, h->room / LIST_BLOCK + 2))
		return -1;
	uint32_t id = l->free_long;
	l->free_long = cut->next_free;
	cut->n = 0;
	for (uint32_t at = 0; at < h->n; at += LIST_BLOCK) {
		uint32_t n = h->n - at < LIST_BLOCK ? h->n - at : LIST_BLOCK, room = h->room - at < LIST_BLOCK ? h->room - at : LIST_BLOCK;
		uint32_t from = at ? l->key[h->at + at] : 0;
		cut->blocks[cut->n++] = (list_block){h->at + at, from, (uint16_t)n, (uint16_t)room};
	}
	uint32_t slack = cut->n * LIST_BLOCK;
	if (slack < h->room)
		give_back(l, h->at + slack, h->room - slack);
	h->at = id;
	h->room = LIST_CUT;
	return 0;
}

static int enlarge_block(lists *l, list_block *b)
{
	uint64_t at;
	uint32_t room;
	if (take_run(l, 2u * b->room < LIST_BLOCK ? 2u * b->room : LIST_BLOCK, &at, &room))
		return -1;
	copy_run(l, at, l, b->at, b->n);
	give_back(l, b->at, b->room);
	b->at = at;
	b->room = (uint16_t)room;
	return 0;
}

/* Moves the upper part of full block i to a block of its own: half, or nothing when keys are being added at the end. */
static int split_block(lists *l, long_list *cut, uint32_t i, uint32_t key)
{
	uint64_t at;
	uint32_t room;
	if (reserve_blocks(cut, cut->n + 1) || take_run(l, LIST_BLOCK, &at, &room))
		return -1;
	list_block *b = &cut->blocks[i];
	bool end = i + 1 == cut->n && key > l->key[b->at + b->n - 1];
	uint16_t stay = end ? b->n : b->n / 2, go = (uint16_t)(b->n - stay);
	memmove(b + 2, b + 1, (cut->n - i - 1) * sizeof *b);
	cut->n++;
	b[1] = (list_block){at, end ? key : l->key[b->at + stay], go, (uint16_t)room};
	copy_run(l, at, l, b->at + stay, go);
	b->n = stay;
	return 0;
}

static int add_long(lists *l, long_list *cut, uint32_t key, uint32_t mate, uint64_t near)
{
	uint32_t i = lists_block_of(cut, key);
	list_block *b = &cut->blocks[i];
	if (b->n == b->room) {
		if (b->room < LIST_BLOCK ? enlarge_block(l, b) : split_block(l, cut, i, key))
			return -1;
		b = &cut->blocks[lists_block_of(cut, key)];
	}
	insert_at(l, b->at, b->n, count_near(l, b->at, b->n, key, near), key, mate);
	b->n++;
	return 0;
}

/* Joins block i with the next one when both are small. */
static void join_blocks(lists *l, long_list *cut, uint32_t i)
{
	list_block *b = &cut->blocks[i];
	if (i + 1 >= cut->n || b[0].n + b[1].n > LIST_BLOCK / 2 || b[0].n + b[1].n > b[0].room)
		return;
	copy_run(l, b[0].at + b[0].n, l, b[1].at, b[1].n);
	b[0].n = (uint16_t)(b[0].n + b[1].n);
	give_back(l, b[1].at, b[1].room);
	memmove(b + 1, b + 2, (cut->n - i - 2) * sizeof *b);
	cut->n--;
}

/* Block i has lost a number: small ones are joined, and a small list is flat again. */
static void tidy_long(lists *l, list_head *h, uint32_t i)
{
	uint32_t id = (uint32_t)h->at;
	long_list *cut = &l->long_lists[id];
	join_blocks(l, cut, i);
	if (i > 0)
		join_blocks(l, cut, i - 1);
	if (cut->n > 1 || cut->blocks[0].n > LIST_BLOCK / 2)
		return;
	*h = (list_head){cut->blocks[0].at, cut->blocks[0].n, cut->blocks[0].room};
	drop_long(l, id);
}

/* ---- changes ----------------------------------------------------------------------------------- */

static int enlarge_list(lists *l, list_head *h)
{
	uint64_t at;
	uint32_t room;
	if (take_run(l, h->n + 1, &at, &room))
		return -1;
	copy_run(l, at, l, h->at, h->n);
	give_back(l, h->at, h->room);
	h->at = at;
	h->room = room;
	return 0;
}

int lists_add(lists *l, uint64_t list, uint32_t key, uint32_t mate, uint64_t near)
{
	list_head *h = &l->heads[list];
	l->version++;
	if (h->room != LIST_CUT && h->n >= LIST_FLAT && cut_list(l, h))
		return -1;
	if (h->room == LIST_CUT) {
		if (add_long(l, &l->long_lists[h->at], key, mate, near))
			return -1;
	} else {
		uint32_t i = count_near(l, h->at, h->n, key, near);
		if (h->n == h->room && enlarge_list(l, h))
			return -1;
		insert_at(l, h->at, h->n, i, key, mate);
	}
	h->n++;
	l->count++;
	return 0;
}

/* The run in which a key stands, or would. */
static list_run run_of(const lists *l, const list_head *h, uint32_t key, uint32_t *block)
{
	*block = 0;
	if (h->room != LIST_CUT)
		return (list_run){.at = h->at, .n = h->n};
	const long_list *cut = &l->long_lists[h->at];
	*block = lists_block_of(cut, key);
	return (list_run){.at = cut->blocks[*block].at, .n = cut->blocks[*block].n};
}

uint64_t lists_find(const lists *l, uint64_t list, uint32_t key)
{
	uint32_t block;
	list_run r = run_of(l, &l->heads[list], key, &block);
	uint32_t i = count_below(l->key + r.at, r.n, key);
	return i < r.n && l->key[r.at + i] == key ? r.at + i : LISTS_NONE;
}

bool lists_remove(lists *l, uint64_t list, uint32_t key, uint64_t near)
{
	list_head *h = &l->heads[list];
	l->version++;
	if (h->room != LIST_CUT && h->n > LIST_FLAT)
		(void)cut_list(l, h); /* without memory it takes longer */
	uint32_t block;
	list_run r = run_of(l, h, key, &block);
	uint32_t i = count_near(l, r.at, r.n, key, near);
	if (i == r.n || l->key[r.at + i] != key)
		return false;
	copy_run(l, r.at + i, l, r.at + i + 1, r.n - i - 1);
	h->n--;
	l->count--;
	if (h->room == LIST_CUT) {
		l->long_lists[h->at].blocks[block].n--;
		if (r.n <= LIST_BLOCK / 2)
			tidy_long(l, h, block);
	}
	return true;
}

/* ---- all at once ------------------------------------------------------------------------------- */

static void swap_numbers(lists *l, uint64_t a, uint64_t b)
{
	uint32_t key = l->key[a];
	l->key[a] = l->key[b];
	l->key[b] = key;
	if (!l->mates)
		return;
	uint32_t mate = l->mate[a];
	l->mate[a] = l->mate[b];
	l->mate[b] = mate;
}

static void sort_short(lists *l, uint64_t at, uint64_t n)
{
	for (uint64_t i = at + 1; i < at + n; i++)
		for (uint64_t j = i; j > at && l->key[j - 1] > l->key[j]; j--)
			swap_numbers(l, j - 1, j);
}

static void sift(lists *l, uint64_t at, uint64_t i, uint64_t n)
{
	for (uint64_t child; (child = 2 * i + 1) < n; i = child) {
		if (child + 1 < n && l->key[at + child] < l->key[at + child + 1])
			child++;
		if (l->key[at + i] >= l->key[at + child])
			return;
		swap_numbers(l, at + i, at + child);
	}
}

static void sort_run(lists *l, uint64_t at, uint64_t n)
{
	bool ascending = true;
	for (uint64_t i = 1; i < n && ascending; i++)
		ascending = l->key[at + i - 1] < l->key[at + i];
	if (ascending)
		return;
	if (n <= SHORT_SORT) {
		sort_short(l, at, n);
		return;
	}
	for (uint64_t i = n / 2; i-- > 0;)
		sift(l, at, i, n);
	for (uint64_t i = n; --i > 0;) {
		swap_numbers(l, at, at + i);
		sift(l, at, 0, i);
	}
}

static void forget_all(lists *l)
{
	l->version++;
	for (uint64_t i = 0; i < l->n_lists; i++) {
		if (l->heads[i].room == LIST_CUT)
			drop_long(l, (uint32_t)l->heads[i].at);
		l->heads[i] = (list_head){0, 0, 0};
	}
	l->used = l->count = 0;
	forget_free_runs(l);
}

void lists_fill(lists *l, uint64_t n, const uint32_t *list, const uint32_t *key, const uint8_t *present)
{
	forget_all(l);
	for (uint64_t e = 0; e < n; e++)
		if (list[e] < l->n_lists && (!present || present[e]))
			l->heads[list[e]].room++;
	for (uint64_t i = 0; i < l->n_lists; i++) {
		l->heads[i].at = l->used;
		l->used += l->heads[i].room;
	}
	l->count = l->used;
	for (uint64_t e = 0; e < n; e++) {
		if (list[e] >= l->n_lists || (present && !present[e]))
			continue;
		list_head *h = &l->heads[list[e]];
		l->key[h->at + h->n] = key ? key[e] : (uint32_t)e;
		if (l->mates)
			l->mate[h->at + h->n] = (uint32_t)e;
		h->n++;
	}
	for (uint64_t i = 0; i < l->n_lists && key; i++)
		sort_run(l, l->heads[i].at, l->heads[i].n);
}

int lists_copy(lists *dst, const lists *src)
{
	if (lists_reserve(dst, src->count))
		return -1;
	forget_all(dst);
	for (uint64_t i = 0; i < src->n_lists; i++) {
		uint64_t at = dst->used;
		for (list_run r = {0}; lists_next(src, i, &r);)
			move_run(dst, src, r.at, r.n, r.n);
		uint32_t n = (uint32_t)(dst->used - at);
		dst->heads[i] = (list_head){at, n, n};
	}
	dst->count = src->count;
	return 0;
}
