/* bitset.h - sets of elements: a bit for each, in words of 64, with summary levels above. Internal.
 *
 * Bit i of level k says whether word i of level k - 1 has a bit set, so that finding, clearing and counting what is set
 * costs in proportion to the words that hold it, and a dense set costs a bit for each element. */
#ifndef MMSB_BITSET_H
#define MMSB_BITSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BITSET_LEVELS = 7 }; /* 64^7 bits are more than memory holds */

typedef struct bitset {
	uint64_t n;                      /* bits */
	uint32_t depth;                  /* levels in use: the highest is one word, or n is 0 */
	uint64_t *level[BITSET_LEVELS];  /* not owned */
} bitset;

#define BITSET_END UINT64_MAX

/* Bytes for a set of n bits: all levels. */
size_t bitset_bytes(uint64_t n);

/* Makes an empty set of n bits in zeroed memory of bitset_bytes(n). */
void bitset_place(bitset *, uint64_t n, void *zeroed);

/* A set of n bits in memory of its own, and back. -1: no memory. bitset_free leaves an empty set of 0 bits. */
int bitset_new(bitset *, uint64_t n);
void bitset_free(bitset *);

/* Makes room for n bits at least; those that are set stay. Only for sets of bitset_new, or all zero. -1: no memory, and nothing has changed. */
int bitset_grow(bitset *, uint64_t n);

static inline uint64_t bitset_words(uint64_t n) { return n / 64 + (n % 64 != 0); }
static inline bool bitset_test(const bitset *b, uint64_t i) { return b->level[0][i / 64] >> i % 64 & 1; }
static inline bool bitset_empty(const bitset *b) { return b->depth == 0 || b->level[b->depth - 1][0] == 0; }

/* Says at level k and above that word w of the level below is not empty. */
static inline void bitset_note_from(bitset *b, uint32_t k, uint64_t w)
{
	for (; k < b->depth; k++, w /= 64) {
		uint64_t *at = &b->level[k][w / 64], bit = (uint64_t)1 << w % 64;
		if (*at & bit)
			return;
		*at |= bit;
	}
}

/* Says above level 0 that word w is not empty; above level 1 that word g of level 1, the group of 64 words, is not. */
static inline void bitset_note(bitset *b, uint64_t w) { bitset_note_from(b, 1, w); }
static inline void bitset_note_group(bitset *b, uint64_t g) { bitset_note_from(b, 2, g); }

static inline void bitset_set(bitset *b, uint64_t i)
{
	uint64_t *at = &b->level[0][i / 64], was = *at;
	*at = was | (uint64_t)1 << i % 64;
	if (!was)
		bitset_note(b, i / 64);
}

/* Sets the bits of one word besides those that are set. */
static inline void bitset_add_word(bitset *b, uint64_t w, uint64_t bits)
{
	if (!bits)
		return;
	b->level[0][w] |= bits;
	bitset_note(b, w);
}

/* Takes a bit out; levels above go along. */
void bitset_unset(bitset *, uint64_t i);

void bitset_set_range(bitset *, uint64_t first, uint64_t end);
void bitset_clear(bitset *);
uint64_t bitset_count(const bitset *);
bool bitset_equal(const bitset *, const bitset *);

/* More than `limit` bits set? Stops counting there. */
bool bitset_above(const bitset *, uint64_t limit);

/* dst becomes the union; both have the same n. */
void bitset_union(bitset *dst, const bitset *src);

/* dst += the positions p + by of all p in src with first <= p + by < end. */
void bitset_union_shifted(bitset *dst, const bitset *src, int64_t by, uint64_t first, uint64_t end);

/* The first word from 64 * g on that is not empty, or BITSET_END. */
uint64_t bitset_next_group(const bitset *, uint64_t g);

/* The first word from `w` on that is not empty, or BITSET_END. */
static inline uint64_t bitset_next_word(const bitset *b, uint64_t w)
{
	if (w >= bitset_words(b->n))
		return BITSET_END;
	if (b->level[0][w])
		return w;
	if (b->depth == 1)
		return BITSET_END;
	uint64_t later = b->level[1][w / 64] & ~(uint64_t)0 << w % 64;
	return later ? (w & ~(uint64_t)63) + (uint64_t)__builtin_ctzll(later) : bitset_next_group(b, w / 64 + 1);
}

/* The first bit from `i` on that is set, or BITSET_END. */
static inline uint64_t bitset_next(const bitset *b, uint64_t i)
{
	if (i >= b->n)
		return BITSET_END;
	uint64_t w = i / 64, bits = b->level[0][w] & ~(uint64_t)0 << i % 64;
	if (!bits) {
		w = bitset_next_word(b, w + 1);
		if (w == BITSET_END)
			return BITSET_END;
		bits = b->level[0][w];
	}
	return w * 64 + (uint64_t)__builtin_ctzll(bits);
}

/* For each word w that is not empty, in order, with its bits. */
#define BITSET_FOR_WORDS(b, w) for (uint64_t w = bitset_next_word((b), 0); w != BITSET_END; w = bitset_next_word((b), w + 1))

/* For each bit i, in order; the set may lose bits meanwhile, but gain none. */
#define BITSET_FOR(b, i) \
	BITSET_FOR_WORDS(b, i##_word) \
	for (uint64_t i##_bits = (b)->level[0][i##_word], i = 0; \
	     i##_bits && (i = i##_word * 64 + (uint64_t)__builtin_ctzll(i##_bits), 1); i##_bits &= i##_bits - 1)

#endif
