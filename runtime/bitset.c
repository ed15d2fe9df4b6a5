#include "bitset.h"

#include <stdlib.h>
#include <string.h>

#include "fetch.h"

/* Words of each level, and how many levels there are. */
static uint32_t shape(uint64_t n, uint64_t words[BITSET_LEVELS])
{
	uint32_t depth = 0;
	while (n > 0 && depth < BITSET_LEVELS) {
		n = bitset_words(n);
		words[depth++] = n;
		if (n == 1)
			break;
	}
	return depth;
}

size_t bitset_bytes(uint64_t n)
{
	uint64_t words[BITSET_LEVELS];
	size_t bytes = 0;
	for (uint32_t k = 0, depth = shape(n, words); k < depth; k++)
		bytes += words[k] * sizeof(uint64_t);
	return bytes;
}

void bitset_place(bitset *b, uint64_t n, void *zeroed)
{
	uint64_t words[BITSET_LEVELS], *at = zeroed;
	*b = (bitset){.n = n, .depth = shape(n, words)};
	for (uint32_t k = 0; k < b->depth; k++) {
		b->level[k] = at;
		at += words[k];
	}
}

int bitset_new(bitset *b, uint64_t n)
{
	void *memory = calloc(1, bitset_bytes(n) + 1);
	if (!memory)
		return -1;
	bitset_place(b, n, memory);
	if (!b->depth) { /* what is freed is level 0 */
		free(memory);
		b->level[0] = NULL;
	}
	return 0;
}

void bitset_free(bitset *b)
{
	free(b->level[0]);
	*b = (bitset){0};
}

int bitset_grow(bitset *b, uint64_t n)
{
	bitset grown;
	if (n <= b->n)
		return 0;
	uint64_t more = b->n + b->n / 2;
	if (bitset_new(&grown, n > more ? n : more))
		return -1;
	BITSET_FOR_WORDS(b, w)
		bitset_add_word(&grown, w, b->level[0][w]);
	bitset_free(b);
	*b = grown;
	return 0;
}

void bitset_unset(bitset *b, uint64_t i)
{
	for (uint32_t k = 0; k < b->depth; k++, i /= 64) {
		uint64_t *at = &b->level[k][i / 64];
		*at &= ~((uint64_t)1 << i % 64);
		if (*at)
			return;
	}
}

void bitset_set_range(bitset *b, uint64_t first, uint64_t end)
{
	for (uint32_t k = 0; k < b->depth && first < end; k++) {
		uint64_t *level = b->level[k], w = first / 64, last = (end - 1) / 64;
		uint64_t head = ~(uint64_t)0 << first % 64, tail = ~(uint64_t)0 >> (63 - (end - 1) % 64);
		if (w == last) {
			level[w] |= head & tail;
		} else {
			level[w] |= head;
			for (uint64_t i = w + 1; i < last; i++)
				level[i] = ~(uint64_t)0;
			level[last] |= tail;
		}
		first = w;
		end = last + 1;
	}
}

/* ---- groups: the 64 words that one word of level 1 stands for ------------------------------------ */

enum { GROUP = 64 };
#define FULL (~(uint64_t)0)

/* Of a set of one word, that is the group. */
static uint64_t group_bits(const bitset *b, uint64_t g) { return b->depth > 1 ? b->level[1][g] : b->level[0][0] != 0; }

static uint64_t level_words(const bitset *b, uint32_t k) { return k + 1 < b->depth ? (uint64_t)(b->level[k + 1] - b->level[k]) : 1; }

/* The first word of level `low` that is not empty, from where bit `at` of level k says, or BITSET_END. */
static uint64_t seek(const bitset *b, uint32_t k, uint64_t at, uint32_t low)
{
	for (; k < b->depth; k++) {
		uint64_t w = at / 64;
		if (w >= level_words(b, k))
			return BITSET_END;
		uint64_t bits = b->level[k][w] & FULL << at % 64;
		if (bits) {
			at = w * 64 + (uint64_t)__builtin_ctzll(bits);
			while (--k > low)
				at = at * 64 + (uint64_t)__builtin_ctzll(b->level[k][at]);
			return at;
		}
		at = w + 1;
	}
	return BITSET_END;
}

uint64_t bitset_next_group(const bitset *b, uint64_t g)
{
	if (b->depth > 1)
		return seek(b, 1, g * 64, 0);
	return g == 0 ? bitset_next_word(b, 0) : BITSET_END;
}

/* The first group from g on that is not empty, or BITSET_END. */
static uint64_t next_group(const bitset *b, uint64_t g)
{
	if (b->depth > 2)
		return seek(b, 2, g, 1);
	return g == 0 && !bitset_empty(b) ? 0 : BITSET_END;
}

#define FOR_GROUPS(b, g) for (uint64_t g = next_group((b), 0); g != BITSET_END; g = next_group((b), g + 1))

/* Says at level k and above that the words `bits` of the level below, in group g of it, are not empty. */
static void note_above(bitset *b, uint32_t k, uint64_t g, uint64_t bits)
{
	for (; k < b->depth; k++, bits = (uint64_t)1 << g % 64, g /= 64) {
		uint64_t *at = &b->level[k][g];
		if ((*at & bits) == bits)
			return;
		*at |= bits;
	}
}

/* ---- whole sets -------------------------------------------------------------------------------- */

/* How many bits are set in each byte, as the instruction that counts them is not on every machine. */
static inline uint64_t ones_of_bytes(uint64_t x)
{
	x -= x >> 1 & UINT64_C(0x5555555555555555);
	x = (x & UINT64_C(0x3333333333333333)) + (x >> 2 & UINT64_C(0x3333333333333333));
	return (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
}

static inline uint64_t sum_of_bytes(uint64_t x)
{
	x = (x & UINT64_C(0x00ff00ff00ff00ff)) + (x >> 8 & UINT64_C(0x00ff00ff00ff00ff));
	return x * UINT64_C(0x0001000100010001) >> 48;
}

/* So many words of a group are sooner cleared with all others than one by one. */
enum { MANY = 12 };

/* A group that is not the last, shorter one. memset would be compiled to `rep stos`, whose beginning takes longer than this. */
static void clear_words(uint64_t *words)
{
	for (unsigned i = 0; i < GROUP; i += 8, words += 8) {
		memset(words, 0, 8 * sizeof *words);
		__asm__ volatile("" : "+r"(words));
	}
}

static void clear_group(bitset *b, uint64_t g, uint64_t bits)
{
	uint64_t *words = b->level[0] + g * GROUP;
	if (bitset_words(b->n) - g * GROUP >= GROUP && sum_of_bytes(ones_of_bytes(bits)) >= MANY)
		clear_words(words);
	else
		for (; bits; bits &= bits - 1)
			words[__builtin_ctzll(bits)] = 0;
}

/* Clears what is below word w of level k, and the word. */
static void clear_below(bitset *b, uint32_t k, uint64_t w)
{
	uint64_t bits = b->level[k][w];
	if (k == 1)
		clear_group(b, w, bits);
	else if (k > 1)
		for (; bits; bits &= bits - 1)
			clear_below(b, k - 1, w * 64 + (uint64_t)__builtin_ctzll(bits));
	b->level[k][w] = 0;
}

void bitset_clear(bitset *b)
{
	if (b->depth)
		clear_below(b, b->depth - 1, 0);
}

/* Sixteen words: no byte of the sum is more than 128. */
static uint64_t count_16(const uint64_t *words)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < 16; i++)
		sum += ones_of_bytes(words[i]);
	return sum_of_bytes(sum);
}

static uint64_t count_group(const bitset *b, uint64_t g)
{
	const uint64_t *words = b->level[0] + g * GROUP;
	uint64_t bits = group_bits(b, g), n = 0;
	if (bits == FULL)
		return count_16(words) + count_16(words + 16) + count_16(words + 32) + count_16(words + 48);
	for (; bits; bits &= bits - 1)
		n += sum_of_bytes(ones_of_bytes(words[__builtin_ctzll(bits)]));
	return n;
}

uint64_t bitset_count(const bitset *b)
{
	uint64_t n = 0;
	FOR_GROUPS(b, g)
		n += count_group(b, g);
	return n;
}

bool bitset_above(const bitset *b, uint64_t limit)
{
	uint64_t n = 0;
	FOR_GROUPS(b, g) {
		n += count_group(b, g);
		if (n > limit)
			return true;
	}
	return false;
}

/* The same words are not empty, and hold the same. */
static bool equal_groups(const bitset *a, const bitset *b, uint64_t g)
{
	uint64_t bits = group_bits(a, g);
	const uint64_t *x = a->level[0] + g * GROUP, *y = b->level[0] + g * GROUP;
	if (bits != group_bits(b, g))
		return false;
	if (bits == FULL)
		return memcmp(x, y, GROUP * sizeof *x) == 0;
	for (; bits; bits &= bits - 1)
		if (x[__builtin_ctzll(bits)] != y[__builtin_ctzll(bits)])
			return false;
	return true;
}

bool bitset_equal(const bitset *a, const bitset *b)
{
	uint64_t g = next_group(a, 0), h = next_group(b, 0);
	while (g != BITSET_END && g == h && equal_groups(a, b, g)) {
		g = next_group(a, g + 1);
		h = next_group(b, h + 1);
	}
	return g == BITSET_END && h == BITSET_END;
}

/* Words that a union has asked for, and is still to bring together: most stand in lines of memory of their own. */
enum { ASKED = 32 };

static inline void union_words(bitset *dst, const bitset *src, const uint64_t *at, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		dst->level[0][at[i]] |= src->level[0][at[i]];
}

void bitset_union(bitset *dst, const bitset *src)
{
	uint64_t asked[ASKED];
	unsigned n = 0;
	FOR_GROUPS(src, g) {
		uint64_t bits = group_bits(src, g), rest = bits, *to = dst->level[0] + g * GROUP;
		const uint64_t *from = src->level[0] + g * GROUP;
		note_above(dst, 1, g, bits);
		if (bits == FULL) {
			for (unsigned i = 0; i < GROUP; i++)
				to[i] |= from[i];
			continue;
		}
		for (; rest; rest &= rest - 1) {
			unsigned i = (unsigned)__builtin_ctzll(rest);
			fetch_to_write(to + i);
			fetch(from + i);
			asked[n++] = g * GROUP + i;
			if (n == ASKED) {
				union_words(dst, src, asked, n);
				n = 0;
			}
		}
	}
	union_words(dst, src, asked, n);
}

/* ---- shifts ------------------------------------------------------------------------------------ */

/* Bits of word w that stand for positions in first .. end-1. */
static uint64_t inside(uint64_t w, uint64_t first, uint64_t end)
{
	uint64_t mask = FULL;
	if (w * 64 < first)
		mask &= first - w * 64 < 64 ? FULL << (first - w * 64) : 0;
	if (w * 64 + 64 > end)
		mask &= end > w * 64 ? FULL >> (w * 64 + 64 - end) : 0;
	return mask;
}

/* A full group moves to the words from `to` on, all inside: 64 of them, and one more if bits cross words. */
static void shift_group(bitset *dst, uint64_t to, const uint64_t *from, unsigned left)
{
	uint64_t *at = dst->level[0] + to, high = 0, some = 0;
	unsigned right = 63 - left; /* and one: a shift by 64 is none */
	for (unsigned i = 0; i < GROUP; i++) {
		uint64_t bits = from[i] << left | high;
		high = from[i] >> right >> 1;
		at[i] |= bits;
		some |= (uint64_t)(bits != 0) << i;
	}
	note_above(dst, 1, to / 64, some << to % 64);
	if (to % 64)
		note_above(dst, 1, to / 64 + 1, some >> (64 - to % 64));
	if (high)
		bitset_add_word(dst, to + GROUP, high);
}

void bitset_union_shifted(bitset *dst, const bitset *src, int64_t by, uint64_t first, uint64_t end)
{
	end = end < dst->n ? end : dst->n;
	int64_t words = (int64_t)bitset_words(dst->n), whole = by >> 6;
	unsigned left = (unsigned)(by & 63);
	FOR_GROUPS(src, g) {
		uint64_t bits = group_bits(src, g);
		int64_t start = (int64_t)(g * GROUP) + whole;
		if (bits == FULL && start >= 0 && (uint64_t)start * 64 >= first && ((uint64_t)start + GROUP + 1) * 64 <= end) {
			shift_group(dst, (uint64_t)start, src->level[0] + g * GROUP, left);
			continue;
		}
		for (; bits; bits &= bits - 1) {
			uint64_t word = src->level[0][g * GROUP + (uint64_t)__builtin_ctzll(bits)];
			uint64_t low = word << left, high = left ? word >> (64 - left) : 0;
			int64_t to = start + __builtin_ctzll(bits);
			if (to >= 0 && to < words)
				bitset_add_word(dst, (uint64_t)to, low & inside((uint64_t)to, first, end));
			if (high && to + 1 >= 0 && to + 1 < words)
				bitset_add_word(dst, (uint64_t)to + 1, high & inside((uint64_t)to + 1, first, end));
		}
	}
}
