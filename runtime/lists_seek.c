/* lists_seek.c - many searches in lists side by side. A search goes from line to line of memory, each of which says which is next; several at once
 * wait for their lines together. */
#include "lists.h"

enum { TOGETHER = 16, LINE = 16 /* keys in a line of memory */ };

/* The places among which one that is sought stands: n of them from `at` on, or the end of the run. */
typedef struct seek_walk {
	uint64_t at;
	uint32_t n;
} seek_walk;

static void fetch_heads(const lists *l, const list_sought *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		lists_fetch_head(l, s[i].list);
}

static seek_walk begin(const lists *l, const list_sought *s)
{
	const list_head *h = &l->heads[s->list];
	seek_walk w = {h->at, h->n};
	if (h->room == LIST_CUT) {
		const long_list *cut = &l->long_lists[h->at];
		const list_block *b = &cut->blocks[lists_block_of(cut, s->key)];
		w = (seek_walk){b->at, b->n};
	}
	if (w.n > 0)
		fetch(&l->key[w.at + w.n / 2]);
	return w;
}

/* Half of the places are left. */
static inline void halve(const lists *l, seek_walk *w, uint32_t key)
{
	uint32_t half = w->n / 2;
	w->at += half & -(uint32_t)(l->key[w->at + half - 1] < key);
	w->n -= half;
}

/* Until what is left of each lies in a line, or two. */
static void narrow(const lists *l, const list_sought *s, seek_walk *w, size_t n)
{
	for (bool more = true; more;) {
		more = false;
		for (size_t i = 0; i < n; i++) {
			if (w[i].n <= LINE)
				continue;
			halve(l, &w[i], s[i].key);
			fetch(&l->key[w[i].at + w[i].n / 2 - 1]);
			more = true;
		}
	}
}

static void finish(const lists *l, list_sought *s, seek_walk w)
{
	while (w.n > 1)
		halve(l, &w, s->key);
	w.at += w.n == 1 && l->key[w.at] < s->key;
	s->at = w.at;
}

/* The end of a run is no place of a key that is there: what lies at it may look like the key. */
static bool is_at(const lists *l, const list_sought *s, uint64_t end) { return s->at < end && l->key[s->at] == s->key; }

static void seek_together(const lists *l, list_sought *s, size_t n)
{
	seek_walk w[TOGETHER];
	uint64_t end[TOGETHER];
	for (size_t i = 0; i < n; i++) {
		w[i] = begin(l, &s[i]);
		end[i] = w[i].at + w[i].n;
	}
	narrow(l, s, w, n);
	for (size_t i = 0; i < n; i++) {
		finish(l, &s[i], w[i]);
		s[i].found = is_at(l, &s[i], end[i]);
		if (s[i].found && l->mates)
			fetch(&l->mate[s[i].at]);
	}
}

void lists_seek(const lists *l, list_sought *s, size_t n)
{
	fetch_heads(l, s, n < TOGETHER ? n : TOGETHER);
	for (size_t i = 0; i < n; i += TOGETHER) {
		size_t now = n - i < TOGETHER ? n - i : TOGETHER, left = n - i - now;
		fetch_heads(l, s + i + now, left < TOGETHER ? left : TOGETHER);
		seek_together(l, s + i, now);
	}
}
