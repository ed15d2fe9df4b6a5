/* marks.c - bits of change sets for what has been computed, by one thread or by several at a time. */
#include "exec.h"

void marks_add_word(bitset *b, uint64_t w, uint64_t bits, bool shared)
{
	if (!bits)
		return;
	if (!shared) {
		bitset_add_word(b, w, bits);
		return;
	}
	__atomic_fetch_or(&b->level[0][w], bits, __ATOMIC_RELAXED);
	for (uint32_t k = 1; k < b->depth; k++, w /= 64) { /* who set a bit sets those above; threads would take lines from each other for nothing */
		uint64_t bit = (uint64_t)1 << w % 64;
		if (__atomic_load_n(&b->level[k][w / 64], __ATOMIC_RELAXED) & bit)
			return;
		__atomic_fetch_or(&b->level[k][w / 64], bit, __ATOMIC_RELAXED);
	}
}

void marks_add(bitset *b, uint64_t flat, const uint64_t *mask, uint32_t n, bool shared)
{
	uint64_t w = flat / 64;
	unsigned by = (unsigned)(flat % 64);
	for (uint32_t i = 0; i < n; i += 64, w++) {
		uint64_t bits = mask[i / 64];
		marks_add_word(b, w, bits << by, shared);
		if (by)
			marks_add_word(b, w + 1, bits >> (64 - by), shared);
	}
}
