#include "bitset.h"

#include <stdlib.h>
#include <string.h>

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

/* Clears what is below word w of level k, and the word. */
static void clear_below(bitset *b, uint32_t k, uint64_t w)
{
	if (k > 0)
		for (uint64_t bits = b->level[k][w]; bits; bits &= bits - 1)
			clear_below(b, k - 1, w * 64 + (uint64_t)__builtin_ctzll(bits));
	b->level[k][w] = 0;
}

void bitset_clear(bitset *b)
{
	if (b->depth)
		clear_below(b, b->depth - 1, 0);
}

uint64_t bitset_next_word(const bitset *b, uint64_t w)
{
	uint64_t words = bitset_words(b->n);
	if (w >= words)
		return BITSET_END;
	if (b->level[0][w])
		return w;
	uint64_t at = w + 1;
	uint32_t k = 1;
	for (; k < b->depth; k++) {
		uint64_t word = at / 64, n = bitset_words(words);
		if (word < n) {
			uint64_t bits = b->level[k][word] & (~(uint64_t)0 << at % 64);
			if (bits) {
				at = word * 64 + (uint64_t)__builtin_ctzll(bits);
				break;
			}
		}
		at = word + 1;
		words = n;
	}
	if (k >= b->depth)
		return BITSET_END;
	while (--k > 0)
		at = at * 64 + (uint64_t)__builtin_ctzll(b->level[k][at]);
	return at;
}

uint64_t bitset_next(const bitset *b, uint64_t i)
{
	if (i >= b->n)
		return BITSET_END;
	uint64_t w = i / 64, bits = b->level[0][w] & (~(uint64_t)0 << i % 64);
	if (!bits) {
		w = bitset_next_word(b, w + 1);
		if (w == BITSET_END)
			return BITSET_END;
		bits = b->level[0][w];
	}
	return w * 64 + (uint64_t)__builtin_ctzll(bits);
}

uint64_t bitset_count(const bitset *b)
{
	uint64_t n = 0;
	BITSET_FOR_WORDS(b, w)
		n += (uint64_t)__builtin_popcountll(b->level[0][w]);
	return n;
}

bool bitset_above(const bitset *b, uint64_t limit)
{
	uint64_t n = 0;
	BITSET_FOR_WORDS(b, w) {
		n += (uint64_t)__builtin_popcountll(b->level[0][w]);
		if (n > limit)
			return true;
	}
	return false;
}

bool bitset_equal(const bitset *a, const bitset *b)
{
	uint64_t v = bitset_next_word(a, 0), w = bitset_next_word(b, 0);
	while (v != BITSET_END && v == w && a->level[0][v] == b->level[0][w]) {
		v = bitset_next_word(a, v + 1);
		w = bitset_next_word(b, w + 1);
	}
	return v == BITSET_END && w == BITSET_END;
}

void bitset_union(bitset *dst, const bitset *src)
{
	BITSET_FOR_WORDS(src, w)
		bitset_add_word(dst, w, src->level[0][w]);
}

/* Bits of word w that stand for positions in first .. end-1. */
static uint64_t inside(uint64_t w, uint64_t first, uint64_t end)
{
	uint64_t mask = ~(uint64_t)0;
	if (w * 64 < first)
		mask &= first - w * 64 < 64 ? ~(uint64_t)0 << (first - w * 64) : 0;
	if (w * 64 + 64 > end)
		mask &= end > w * 64 ? ~(uint64_t)0 >> (w * 64 + 64 - end) : 0;
	return mask;
}

void bitset_union_shifted(bitset *dst, const bitset *src, int64_t by, uint64_t first, uint64_t end)
{
	end = end < dst->n ? end : dst->n;
	int64_t words = (int64_t)bitset_words(dst->n), whole = by >> 6;
	unsigned left = (unsigned)(by & 63);
	BITSET_FOR_WORDS(src, w) {
		uint64_t bits = src->level[0][w], low = bits << left, high = left ? bits >> (64 - left) : 0;
		int64_t to = (int64_t)w + whole;
		if (to >= 0 && to < words)
			bitset_add_word(dst, (uint64_t)to, low & inside((uint64_t)to, first, end));
		if (high && to + 1 >= 0 && to + 1 < words)
			bitset_add_word(dst, (uint64_t)to + 1, high & inside((uint64_t)to + 1, first, end));
	}
}

void bitset_summarise(bitset *b, uint64_t first, uint64_t end)
{
	for (uint32_t k = 1; k < b->depth && first < end; k++) {
		const uint64_t *below = b->level[k - 1];
		for (uint64_t w = first; w < end; w++)
			if (below[w])
				b->level[k][w / 64] |= (uint64_t)1 << w % 64;
		end = (end - 1) / 64 + 1;
		first = first / 64;
	}
}
