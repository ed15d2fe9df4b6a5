/* check_bitset.c - bit sets against arrays of a byte for each bit; and that what is done to a set visits no more of it than what
 * holds bits: everything else of a huge set is memory that may not be touched. */
#include "../runtime/bitset.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../runtime/scalar.h"
#include "unit.h"

static uint64_t draws;
static uint64_t random_bits(void) { return mmsb_rand_step_u64(7, draws++, 0); }
static uint64_t random_below(uint64_t n) { return random_bits() % n; }

static const uint64_t sizes[] = {0, 1, 63, 64, 65, 127, 128, 4095, 4096, 4097, 8191, 20000, 262143, 262144, 262145};
enum { SIZES = sizeof sizes / sizeof *sizes };

/* ---- a set and its model ----------------------------------------------------------------------- */

/* An assertion of Check tells its parent; those in inner loops only when they fail. */
#define EXPECT(condition)                    \
	do {                                 \
		if (!(condition))            \
			ck_assert(condition); \
	} while (0)

typedef struct pair {
	bitset set;
	uint8_t *model;
} pair;

static pair pair_new(uint64_t n)
{
	pair p;
	ck_assert_int_eq(bitset_new(&p.set, n), 0);
	p.model = calloc(n + 1, 1);
	ck_assert_ptr_nonnull(p.model);
	return p;
}

static void pair_free(pair *p)
{
	bitset_free(&p->set);
	free(p->model);
	ck_assert_uint_eq(p->set.n, 0);
	ck_assert(bitset_empty(&p->set));
}

/* All bits, and each level says what the one below holds. */
static void agrees(const pair *p)
{
	const bitset *b = &p->set;
	uint64_t n = b->n, ones = 0, words = bitset_words(n);
	for (uint64_t w = 0; w < words; w++) {
		uint64_t want = 0;
		for (uint64_t i = 0; i < 64 && w * 64 + i < n; i++)
			want |= (uint64_t)p->model[w * 64 + i] << i;
		EXPECT(b->level[0][w] == want);
		ones += (uint64_t)__builtin_popcountll(want);
	}
	for (uint32_t k = 1; k < b->depth; k++) {
		uint64_t below = words;
		words = bitset_words(words);
		for (uint64_t w = 0; w < words; w++) {
			uint64_t want = 0;
			for (uint64_t i = 0; i < 64 && w * 64 + i < below; i++)
				want |= (uint64_t)(b->level[k - 1][w * 64 + i] != 0) << i;
			EXPECT(b->level[k][w] == want);
		}
	}
	ck_assert_uint_eq(words, n > 0);
	ck_assert_uint_eq(bitset_count(b), ones);
	ck_assert_int_eq(bitset_empty(b), ones == 0);
	ck_assert(!bitset_above(b, ones));
	ck_assert(ones == 0 || bitset_above(b, ones - 1));
}

static void set_bit(pair *p, uint64_t i)
{
	bitset_set(&p->set, i);
	p->model[i] = 1;
}

static void set_range(pair *p, uint64_t first, uint64_t end)
{
	bitset_set_range(&p->set, first, end);
	if (first < end)
		memset(p->model + first, 1, end - first);
}

static void clear(pair *p)
{
	bitset_clear(&p->set);
	memset(p->model, 0, p->set.n);
}

/* Fillings: none, all, a few bits, some stretches, every other word, about half. */
enum { FILLINGS = 6 };
static void fill(pair *p, unsigned how)
{
	uint64_t n = p->set.n;
	clear(p);
	if (n == 0 || how == 0)
		return;
	if (how == 1)
		set_range(p, 0, n);
	for (unsigned i = 0; how == 2 && i < 7; i++)
		set_bit(p, random_below(n));
	for (unsigned i = 0; how == 3 && i < 3; i++) {
		uint64_t first = random_below(n), length = random_below(n - first + 1);
		set_range(p, first, first + length);
	}
	for (uint64_t w = 0; how == 4 && w < bitset_words(n); w += 2)
		set_bit(p, w * 64);
	for (uint64_t i = 0; how == 5 && i < n; i++)
		if (random_bits() & 1)
			set_bit(p, i);
}

/* ---- bits and ranges --------------------------------------------------------------------------- */

START_TEST(single_bits)
{
	pair p = pair_new(sizes[_i]);
	uint64_t n = p.set.n;
	agrees(&p);
	for (unsigned round = 0; n && round < 300; round++) {
		uint64_t i = random_below(n);
		if (random_bits() % 3) {
			set_bit(&p, i);
		} else {
			bitset_unset(&p.set, i);
			p.model[i] = 0;
		}
		ck_assert_int_eq(bitset_test(&p.set, i), p.model[i]);
		if (round % 50 == 0)
			agrees(&p);
	}
	agrees(&p);
	for (uint64_t i = 0; i < n; i++) { /* the last bit of a word takes it out of what is above */
		bitset_unset(&p.set, i);
		p.model[i] = 0;
	}
	agrees(&p);
	for (uint64_t w = 0; w < bitset_words(n); w++) {
		uint64_t word = random_bits() & random_bits() & (w == n / 64 ? ((uint64_t)1 << n % 64) - 1 : UINT64_MAX);
		word = w % 3 ? word : 0;
		bitset_add_word(&p.set, w, word);
		for (uint64_t i = 0; i < 64 && w * 64 + i < n; i++)
			p.model[w * 64 + i] |= (uint8_t)(word >> i & 1);
	}
	agrees(&p);
	pair_free(&p);
}
END_TEST

START_TEST(ranges)
{
	pair p = pair_new(sizes[_i]);
	uint64_t n = p.set.n;
	set_range(&p, n, n);
	agrees(&p);
	for (unsigned round = 0; n && round < 60; round++) {
		uint64_t first = random_below(n + 1), end = round % 2 ? random_below(n + 1) : first + random_below(n - first + 1) % 130;
		if (round % 4 == 0)
			clear(&p);
		bitset_set_range(&p.set, first, end); /* none where first >= end */
		for (uint64_t i = first; i < end; i++)
			p.model[i] = 1;
		agrees(&p);
	}
	set_range(&p, 0, n);
	agrees(&p);
	clear(&p);
	agrees(&p);
	pair_free(&p);
}
END_TEST

/* ---- walking along ----------------------------------------------------------------------------- */

static void check_next(const pair *p)
{
	uint64_t n = p->set.n, next = BITSET_END, word = BITSET_END;
	ck_assert_uint_eq(bitset_next(&p->set, n), BITSET_END);
	ck_assert_uint_eq(bitset_next(&p->set, UINT64_MAX - 1), BITSET_END);
	ck_assert_uint_eq(bitset_next_word(&p->set, bitset_words(n)), BITSET_END);
	ck_assert_uint_eq(bitset_next_group(&p->set, n / 4096 + 1), BITSET_END);
	for (uint64_t i = n; i-- > 0;) {
		next = p->model[i] ? i : next;
		EXPECT(bitset_next(&p->set, i) == next);
		if (i % 64)
			continue;
		word = next != BITSET_END && next / 64 == i / 64 ? i / 64 : word;
		EXPECT(bitset_next_word(&p->set, i / 64) == word);
		if (i % 4096 == 0)
			EXPECT(bitset_next_group(&p->set, i / 4096) == word);
	}
}

static void check_for(const pair *p)
{
	uint64_t n = p->set.n, at = 0;
	BITSET_FOR(&p->set, i) {
		for (; at < i; at++)
			EXPECT(p->model[at] == 0);
		EXPECT(i < n && p->model[i]);
		at++;
	}
	for (; at < n; at++)
		EXPECT(p->model[at] == 0);
	at = 0;
	BITSET_FOR_WORDS(&p->set, w) {
		EXPECT(p->set.level[0][w] != 0);
		EXPECT(bitset_next_word(&p->set, at) == w);
		at = w + 1;
	}
	ck_assert_uint_eq(bitset_next_word(&p->set, at), BITSET_END);
}

START_TEST(walks)
{
	pair p = pair_new(sizes[_i]);
	for (unsigned how = 0; how < FILLINGS; how++) {
		fill(&p, how);
		agrees(&p);
		check_next(&p);
		check_for(&p);
	}
	BITSET_FOR(&p.set, i) /* a set may lose what was seen */
		bitset_unset(&p.set, i);
	ck_assert(bitset_empty(&p.set));
	pair_free(&p);
}
END_TEST

/* ---- two sets ---------------------------------------------------------------------------------- */

START_TEST(unions)
{
	uint64_t n = sizes[_i];
	pair a = pair_new(n), b = pair_new(n);
	for (unsigned how = 0; how < FILLINGS * FILLINGS; how++) {
		fill(&a, how % FILLINGS);
		fill(&b, how / FILLINGS);
		bool equal = memcmp(a.model, b.model, n) == 0;
		ck_assert_int_eq(bitset_equal(&a.set, &b.set), equal);
		bitset_union(&a.set, &b.set);
		for (uint64_t i = 0; i < n; i++)
			a.model[i] |= b.model[i];
		agrees(&a);
		fill(&b, 0);
		bitset_union(&b.set, &a.set);
		ck_assert(bitset_equal(&a.set, &b.set));
		if (n == 0)
			continue;
		uint64_t i = random_below(n);
		if (bitset_test(&b.set, i))
			bitset_unset(&b.set, i);
		else
			bitset_set(&b.set, i);
		ck_assert(!bitset_equal(&a.set, &b.set) && !bitset_equal(&b.set, &a.set));
	}
	pair_free(&a);
	pair_free(&b);
}
END_TEST

static void check_shift(pair *to, const pair *from, int64_t by, uint64_t first, uint64_t end)
{
	bitset_union_shifted(&to->set, &from->set, by, first, end);
	for (uint64_t i = 0; i < from->set.n; i++) {
		if (!from->model[i] || (by < 0 && i < 0 - (uint64_t)by) || (by > 0 && (uint64_t)by >= to->set.n))
			continue;
		uint64_t at = i + (uint64_t)by;
		if (at < to->set.n && at >= first && at < end)
			to->model[at] = 1;
	}
	agrees(to);
}

START_TEST(shifts)
{
	uint64_t n = sizes[_i], other = sizes[(_i + 2) % SIZES];
	pair from = pair_new(n), same = pair_new(n), to = pair_new(other);
	int64_t far = (int64_t)n;
	const int64_t by[] = {0, 1, -1, 63, -63, 64, -64, 65, -4096, 4096, 4000, -4100, far - 1, 1 - far, far, -far, far + 1, -far - 1, 300000,
	                          -300000, INT64_MAX, INT64_MIN, INT64_MIN + 1};
	for (unsigned how = 1; how < FILLINGS; how++) {
		fill(&from, how);
		for (unsigned k = 0; k < sizeof by / sizeof *by; k++) {
			fill(&same, k % 3 ? 0 : 2);
			check_shift(&same, &from, by[k], 0, UINT64_MAX);
			fill(&same, 0);
			check_shift(&same, &from, by[k], random_below(n + 1), random_below(n + 2));
			fill(&to, 0);
			check_shift(&to, &from, by[k], 0, other);
		}
		for (unsigned k = 0; k < 20; k++) {
			fill(&same, 0);
			check_shift(&same, &from, (int64_t)random_below(2 * n + 1) - far, k % 2 ? random_below(n + 1) : 0, n);
		}
	}
	pair_free(&from);
	pair_free(&same);
	pair_free(&to);
}
END_TEST

/* ---- room -------------------------------------------------------------------------------------- */

START_TEST(room)
{
	pair p = {{0}, NULL};
	ck_assert(bitset_empty(&p.set));
	ck_assert_uint_eq(bitset_next(&p.set, 0), BITSET_END);
	for (unsigned i = 0; i < SIZES; i++) {
		uint64_t was = p.set.n, n = sizes[i];
		ck_assert_int_eq(bitset_grow(&p.set, n), 0);
		ck_assert_uint_ge(p.set.n, n);
		if (p.set.n > was) {
			p.model = realloc(p.model, p.set.n);
			ck_assert_ptr_nonnull(p.model);
			memset(p.model + was, 0, p.set.n - was);
		}
		agrees(&p);
		for (unsigned k = 0; n && k < 9; k++)
			set_bit(&p, random_below(n));
		set_range(&p, n - n / 10, n);
		agrees(&p);
	}
	ck_assert_int_eq(bitset_grow(&p.set, 5), 0); /* never less */
	agrees(&p);
	pair_free(&p);
}
END_TEST

/* ---- costs ------------------------------------------------------------------------------------- */

/* Makes touchable, of memory that is not, the pages where the set holds these bits, with the word before and after them. */
static void open_pages(const bitset *b, const uint64_t *bits, unsigned n)
{
	uintptr_t size = (uintptr_t)sysconf(_SC_PAGESIZE);
	for (unsigned i = 0; i < n; i++)
		for (uint64_t k = 0, at = bits[i] / 64; k < b->depth; k++, at /= 64) {
			uint64_t *word = b->level[k] + at;
			uintptr_t first = (uintptr_t)(word - (at > 0)) / size * size, end = ((uintptr_t)(word + 2) + size - 1) / size * size;
			ck_assert_int_eq(mprotect((void *)first, end - first, PROT_READ | PROT_WRITE), 0);
		}
}

/* Two sets of 2^32 bits, of which three pages in 131,072 may be touched. Whoever walks along all words ends here. */
START_TEST(costs)
{
	uint64_t n = (uint64_t)1 << 32, seen = 0;
	uint64_t bits[] = {12345, n / 3, n / 3 + 1, n / 3 + 700, n - 5}, shifted[] = {12348, n / 3 + 3, n / 3 + 703, n - 2};
	const unsigned count = sizeof bits / sizeof *bits;
	size_t bytes = bitset_bytes(n);
	bitset a, b;
	void *memory[2];
	for (unsigned i = 0; i < 2; i++) {
		memory[i] = mmap(NULL, bytes + (1 << 16), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		ck_assert(memory[i] != MAP_FAILED);
		bitset_place(i ? &b : &a, n, memory[i]);
		open_pages(i ? &b : &a, bits, count);
	}
	open_pages(&b, shifted, 4);
	for (unsigned i = 0; i < count; i++)
		bitset_set(&a, bits[i]);
	ck_assert_uint_eq(bitset_count(&a), count);
	ck_assert(bitset_above(&a, count - 1) && !bitset_above(&a, count));
	BITSET_FOR(&a, i)
		ck_assert_uint_eq(i, bits[seen++]);
	ck_assert_uint_eq(seen, count);
	for (uint64_t i = bitset_next(&a, bits[0]); i != BITSET_END; i = bitset_next(&a, i + 1))
		seen--;
	ck_assert_uint_eq(seen, 0);
	bitset_union(&b, &a);
	ck_assert(bitset_equal(&a, &b));
	bitset_unset(&b, bits[1]);
	ck_assert(!bitset_equal(&a, &b));
	bitset_clear(&b);
	ck_assert(bitset_empty(&b));
	bitset_union_shifted(&b, &a, 3, 0, n);
	ck_assert_uint_eq(bitset_count(&b), count);
	bitset_clear(&b);
	bitset_clear(&a);
	ck_assert(bitset_empty(&a) && bitset_count(&a) == 0 && bitset_equal(&a, &b));
	for (unsigned i = 0; i < 2; i++)
		munmap(memory[i], bytes + (1 << 16));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("bitset");
	TCase *t = tcase_create("sets");
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, single_bits, 0, SIZES);
	tcase_add_loop_test(t, ranges, 0, SIZES);
	tcase_add_loop_test(t, walks, 0, SIZES);
	tcase_add_loop_test(t, unions, 0, SIZES);
	tcase_add_loop_test(t, shifts, 0, SIZES);
	tcase_add_test(t, room);
	tcase_add_test(t, costs);
	suite_add_tcase(s, t);
	return unit_run(s);
}
