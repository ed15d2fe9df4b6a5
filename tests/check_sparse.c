/* check_sparse.c - what changes in place: lists in a pool, reverse indexes, patterns; each held against a table of who is where. */
#include <stdlib.h>
#include <string.h>

#include "../runtime/index.h"
#include "../runtime/instance.h"
#include "../runtime/lists.h"
#include "failing_malloc.h"
#include "unit.h"

static uint64_t seed;

static uint64_t draw(uint64_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (seed >> 33) % below;
}

/* As ck_assert, which takes a system call each. */
#define EXPECT(x) ((x) ? (void)0 : ck_abort_msg("line %d: %s", __LINE__, #x))

/* ---- lists ------------------------------------------------------------------------------------- */

enum { N_LISTS = 37, N_KEYS = 6000 };

/* Of each list and key its mate + 1, or 0: not there. */
static uint32_t table[N_LISTS][N_KEYS];

static void expect_list(const lists *l, uint64_t list)
{
	uint32_t key = 0;
	LISTS_FOR(l, list, at) {
		while (key < N_KEYS && !table[list][key])
			key++;
		EXPECT(l->key[at] == key);
		if (l->mates)
			EXPECT(l->mate[at] == table[list][key] - 1);
		key++;
	}
	while (key < N_KEYS && !table[list][key])
		key++;
	EXPECT(key == N_KEYS);
}

/* No two lists share a place, and what is said of holes is true. */
static void expect_pool(const lists *l)
{
	uint8_t *taken = calloc(l->capacity + 1, 1);
	uint64_t room = 0, count = 0;
	for (uint64_t i = 0; i < l->n_lists; i++) {
		const list_head *h = &l->heads[i];
		uint32_t n_blocks = h->room == LIST_CUT ? l->long_lists[h->at].n : 1, n = 0;
		for (uint32_t b = 0; b < n_blocks; b++) {
			list_block flat = {h->at, 0, 0, 0}, *piece = h->room == LIST_CUT ? &l->long_lists[h->at].blocks[b] : &flat;
			uint32_t has = h->room == LIST_CUT ? piece->room : h->room;
			EXPECT(piece->at + has <= l->used);
			for (uint64_t at = piece->at; at < piece->at + has; at++)
				EXPECT(taken[at]++ == 0);
			room += has;
			n += piece->n;
		}
		count += h->n;
		EXPECT(h->room == LIST_CUT ? n == h->n : h->n <= h->room);
	}
	EXPECT(l->used <= l->capacity);
	EXPECT(room + l->holes == l->used);
	EXPECT(count == l->count);
	free(taken);
}

static void expect_lists(const lists *l)
{
	for (uint64_t i = 0; i < l->n_lists; i++)
		expect_list(l, i);
	expect_pool(l);
}

static void expect_find(const lists *l, uint64_t list, uint32_t key)
{
	uint64_t at = lists_find(l, list, key);
	EXPECT(table[list][key] ? at != LISTS_NONE && l->key[at] == key : at == LISTS_NONE);
}

enum { SOUGHT = 40 };

static bool in_run(const list_run *r, uint64_t at) { return at >= r->at && at <= r->at + r->n; }

/* Where it stands, or would: all before it are less, none behind it is. */
static void expect_sought(const lists *l, const list_sought *s)
{
	EXPECT(s->found == (table[s->list][s->key] != 0));
	EXPECT(!s->found || s->at == lists_find(l, s->list, s->key));
	bool placed = lists_length(l, s->list) == 0;
	for (list_run r = {0}; lists_next(l, s->list, &r);)
		placed |= in_run(&r, s->at) && (s->at == r.at || l->key[s->at - 1] < s->key) && (s->at == r.at + r.n || l->key[s->at] >= s->key);
	EXPECT(placed);
}

/* Keys to be changed next, sought together: where they stand is known for the first, and likely for the others. Most of it happens in few lists,
 * which become long. */
static const list_sought *next_sought(const lists *l, uint32_t n_keys)
{
	static list_sought s[SOUGHT];
	static size_t n, at;
	if (at == n) {
		n = 1 + draw(SOUGHT);
		for (at = 0; at < n; at++)
			s[at] = (list_sought){.list = (uint32_t)(draw(3) ? draw(3) : draw(N_LISTS)), .key = (uint32_t)draw(n_keys)};
		lists_seek(l, s, n);
		for (at = 0; at < n; at++)
			expect_sought(l, &s[at]);
		at = 0;
	}
	return &s[at++];
}

static void change_list(lists *l, unsigned add_percent, uint32_t n_keys)
{
	const list_sought *s = next_sought(l, n_keys);
	uint64_t list = s->list, near = draw(4) ? s->at : LISTS_NONE;
	uint32_t key = s->key, mate = (uint32_t)draw(1000000);
	if (table[list][key]) {
		if (draw(100) < add_percent)
			return;
		EXPECT(lists_remove(l, list, key, near));
		table[list][key] = 0;
	} else if (draw(100) < add_percent) {
		EXPECT(lists_add(l, list, key, mate, near) == 0);
		table[list][key] = mate + 1;
	} else {
		EXPECT(!lists_remove(l, list, key, near));
	}
	expect_find(l, list, (uint32_t)draw(n_keys));
	expect_find(l, list, key);
}

static void fill_from_table(lists *l)
{
	static uint32_t list[N_LISTS * N_KEYS], key[N_LISTS * N_KEYS];
	static uint8_t present[N_LISTS * N_KEYS];
	uint64_t n = 0;
	for (uint32_t k = N_KEYS; k-- > 0;) /* descending: to be sorted */
		for (uint32_t i = 0; i < N_LISTS; i++) {
			list[n] = draw(7) ? i : UINT32_MAX;
			key[n] = k;
			present[n] = draw(3) > 0;
			table[i][k] = present[n] && list[n] == i ? (uint32_t)n + 1 : 0;
			n++;
		}
	EXPECT(lists_reserve(l, n) == 0);
	lists_fill(l, n, list, key, present);
}

START_TEST(lists_follow_a_table)
{
	lists l, copy;
	seed = 1;
	memset(table, 0, sizeof table);
	EXPECT(lists_new(&l, N_LISTS, _i % 2) == 0);
	EXPECT(lists_new(&copy, N_LISTS, _i % 2) == 0);
	for (unsigned phase = 0; phase < 12; phase++) {
		static const unsigned percents[] = {95, 50, 5, 90, 20, 50};
		static const uint32_t n_keys[] = {N_KEYS, N_KEYS, N_KEYS, 64, 500};
		for (int i = 0; i < 20000; i++)
			change_list(&l, percents[phase % 6], n_keys[phase % 5]);
		expect_lists(&l);
		EXPECT(lists_copy(&copy, &l) == 0);
		expect_lists(&copy);
		if (phase % 4 == 3)
			fill_from_table(&l);
		expect_lists(&l);
	}
	lists_free(&l);
	lists_free(&copy);
}
END_TEST

/* Keys in order, and taken away from either end. */
START_TEST(lists_in_order)
{
	lists l;
	memset(table, 0, sizeof table);
	EXPECT(lists_new(&l, N_LISTS, true) == 0);
	for (uint32_t k = 0; k < N_KEYS; k++) {
		uint32_t key = _i & 1 ? N_KEYS - 1 - k : k;
		EXPECT(lists_add(&l, 5, key, k, LISTS_NONE) == 0);
		table[5][key] = k + 1;
	}
	expect_lists(&l);
	EXPECT(l.heads[5].room == LIST_CUT);
	if (!(_i & 1)) /* the last block is the only one that is not full */
		EXPECT(l.long_lists[l.heads[5].at].n <= N_KEYS / LIST_BLOCK + 2);
	for (uint32_t k = 0; k < N_KEYS; k++) {
		uint32_t key = _i & 2 ? N_KEYS - 1 - k : k;
		EXPECT(lists_remove(&l, 5, key, LISTS_NONE));
		table[5][key] = 0;
		if (k % 500 == 0)
			expect_lists(&l);
	}
	expect_lists(&l);
	EXPECT(l.heads[5].room != LIST_CUT);
	lists_free(&l);
}
END_TEST

/* The room that small lists leave serves large ones. */
START_TEST(lists_use_holes_again)
{
	lists l;
	EXPECT(lists_new(&l, 4000, true) == 0);
	uint64_t most = 0;
	for (int round = 0; round < 20; round++) {
		uint32_t lists_now = round % 2 ? 4000 : 40, length = 40000 / lists_now;
		for (uint32_t i = 0; i < lists_now; i++)
			for (uint32_t k = 0; k < length; k++)
				EXPECT(lists_add(&l, i, k, k, LISTS_NONE) == 0);
		for (uint32_t i = 0; i < lists_now; i++)
			for (uint32_t k = 0; k < length; k++)
				EXPECT(lists_remove(&l, i, k, LISTS_NONE));
		if (round == 3)
			most = l.capacity;
	}
	EXPECT(l.capacity == most);
	EXPECT(l.count == 0);
	lists_free(&l);
}
END_TEST

#ifndef HAS_OWN_ALLOCATOR
START_TEST(lists_without_memory)
{
	lists l;
	seed = 3;
	memset(table, 0, sizeof table);
	EXPECT(lists_new(&l, N_LISTS, true) == 0);
	uint64_t refused = 0;
	for (int i = 0; i < 60000; i++) {
		uint64_t list = draw(3) ? 1 : draw(N_LISTS);
		uint32_t key = (uint32_t)draw(N_KEYS);
		left = 1 + (long)draw(3);
		if (table[list][key] && draw(4) == 0) {
			lists_remove(&l, list, key, LISTS_NONE);
			table[list][key] = 0;
		} else if (!table[list][key]) {
			bool added = lists_add(&l, list, key, key, LISTS_NONE) == 0;
			refused += !added;
			table[list][key] = added ? key + 1 : 0;
		}
		left = 0;
		if (i % 5000 == 0)
			expect_lists(&l);
	}
	EXPECT(refused > 0);
	expect_lists(&l);
	lists_free(&l);
}
END_TEST
#endif

/* ---- reverse indexes --------------------------------------------------------------------------- */

enum { KEYS = 50, POSITIONS = 20000 };

static void expect_index(const group_index *g, const uint32_t *keys)
{
	uint64_t n = 0;
	EXPECT(g->built);
	for (uint32_t k = 0; k < KEYS; k++) {
		uint64_t next = 0;
		LISTS_FOR(&g->positions, k, at) {
			uint32_t position = g->positions.key[at];
			EXPECT(position >= next);
			EXPECT(keys[position] == k);
			EXPECT(g->key[position] == k);
			next = position + 1u;
			n++;
		}
	}
	for (uint64_t i = 0; i < POSITIONS; i++)
		n += keys[i] >= KEYS; /* of no group */
	EXPECT(n == POSITIONS);
}

/* Draws new keys for some positions; every position that may have moved is in `changed`. */
static void move_keys(uint32_t *keys, bitset *changed, uint64_t n)
{
	bitset_clear(changed);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t at = draw(2) ? draw(POSITIONS) : draw(64);
		keys[at] = (uint32_t)(draw(3) ? draw(KEYS) : draw(4) ? 7 : KEYS + draw(3));
		bitset_set(changed, at);
	}
}

/* What the index says has moved is what differs. */
static void expect_moves(const group_index *g, const uint32_t *before, const uint32_t *keys, uint64_t epoch)
{
	size_t n, differ = 0;
	bool all;
	const index_move *moves = index_moves(g, epoch, &n, &all);
	if (all)
		return;
	for (size_t i = 0; i < n; i++) {
		EXPECT(moves[i].from == before[moves[i].position]);
		EXPECT(moves[i].to == keys[moves[i].position]);
	}
	for (uint64_t i = 0; i < POSITIONS; i++)
		differ += before[i] != keys[i];
	EXPECT(n == differ);
	index_moves(g, epoch + 1, &n, &all);
	EXPECT(n == 0 && !all);
}

static uint32_t keys[POSITIONS], before[POSITIONS];

/* Some epochs fail and take their moves back; in some the index has to find out by itself what changed. */
START_TEST(index_follows)
{
	column c = {(uint8_t *)keys, sizeof *keys, T_U32};
	bitset changed;
	seed = 4;
	memset(keys, 0, sizeof keys);
	group_index *g = index_new(KEYS, POSITIONS);
	EXPECT(bitset_new(&changed, POSITIONS) == 0);
	EXPECT(index_update(g, &c, NULL, 1, 1) == 0);
	expect_index(g, keys);
	unsigned rebuilt = 0;
	for (uint64_t epoch = 2; epoch < 400; epoch++) {
		memcpy(before, keys, sizeof keys);
		move_keys(keys, &changed, draw(10) == 0 ? draw(3000) : draw(40));
		EXPECT(index_update(g, &c, draw(2) ? &changed : NULL, epoch, epoch) == 0);
		expect_index(g, keys);
		expect_moves(g, before, keys, epoch);
		rebuilt += g->moved_all;
		if (draw(3))
			continue;
		memcpy(keys, before, sizeof keys);
		bool all = g->moved_all;
		index_rollback(g, epoch);
		EXPECT(g->built != all);
		if (all)
			EXPECT(index_update(g, &c, NULL, epoch, epoch) == 0);
		expect_index(g, keys);
	}
	EXPECT(rebuilt > 0);
	index_free(g);
	bitset_free(&changed);
}
END_TEST

#ifndef HAS_OWN_ALLOCATOR
START_TEST(index_without_memory)
{
	column c = {(uint8_t *)keys, sizeof *keys, T_U32};
	bitset changed;
	seed = 5;
	for (uint64_t i = 0; i < POSITIONS; i++)
		keys[i] = (uint32_t)draw(KEYS);
	EXPECT(bitset_new(&changed, POSITIONS) == 0);
	unsigned refused = 0;
	for (long fails = 1; fails < 40; fails++) {
		group_index *g = index_new(KEYS, POSITIONS);
		for (uint64_t epoch = 1; epoch < 30; epoch++) {
			memcpy(before, keys, sizeof keys);
			move_keys(keys, &changed, draw(300));
			left = fails;
			bool done = index_update(g, &c, epoch == 1 ? NULL : &changed, epoch, epoch) == 0;
			left = 0;
			refused += !done;
			EXPECT(done == g->built);
			if (done) {
				expect_index(g, keys);
				continue;
			}
			memcpy(keys, before, sizeof keys);
			left = fails / 2;
			index_rollback(g, epoch);
			left = 0;
			EXPECT(index_update(g, &c, NULL, epoch, epoch) == 0);
			expect_index(g, keys);
		}
		index_free(g);
	}
	EXPECT(refused > 0);
	bitset_free(&changed);
}
END_TEST
#endif

/* ---- patterns ---------------------------------------------------------------------------------- */

enum { ROWS = 90, COLS = 300, HUB = 7 };

/* The value that stands at the slot of an entry, or 0: not there. It goes along with the entry whatever becomes of others. */
static uint32_t there[ROWS][COLS], there_before[ROWS][COLS];
static uint32_t values[4 * ROWS * COLS];

static void expect_pattern(const pattern *p, uint32_t (*model)[COLS])
{
	uint64_t n = 0;
	for (uint32_t r = 0; r < ROWS; r++)
		for (uint32_t c = 0; c < COLS; c++) {
			uint64_t slot = pattern_find(p, r, c);
			EXPECT((slot != UINT64_MAX) == (model[r][c] != 0));
			if (slot == UINT64_MAX)
				continue;
			EXPECT(slot < p->n_slots && p->alive[slot] && p->row[slot] == r && p->col[slot] == c);
			EXPECT(values[slot] == model[r][c]);
			EXPECT(!p->columns || p->cols.mate[lists_find(&p->cols, c, r)] == slot);
			n++;
		}
	EXPECT(n == p->n_entries && n == p->rows.count && (!p->columns || n == p->cols.count));
	uint64_t key = 0, alive = 0, walked = 0;
	PATTERN_FOR(p, at) {
		uint64_t now = ((uint64_t)p->row[at] << 32 | p->col[at]) + 1;
		EXPECT(now > key && (!p->in_order || at == walked));
		key = now;
		walked++;
	}
	for (uint64_t slot = 0; slot < p->n_slots; slot++)
		alive += p->alive[slot];
	EXPECT(alive == n && walked == n);
}

/* Some entries come and go, one by one or sorted, as apply_sparse.c does it. false: no memory amid it. */
static bool change_pattern(pattern *p, uint64_t n, bool sort)
{
	static uint32_t stamp;
	EXPECT(pattern_reserve(p, p->n_slots + n) == 0 && pattern_reserve_log(p, n) == 0);
	EXPECT(!sort || pattern_reserve_lists(p, p->n_entries + n) == 0);
	p->log.all = sort;
	static uint8_t touched[ROWS][COLS];
	memset(touched, 0, sizeof touched);
	for (uint64_t i = 0; i < n; i++) {
		uint32_t r = draw(3) ? HUB : (uint32_t)draw(ROWS), c = (uint32_t)draw(COLS);
		if (touched[r][c]++)
			continue;
		bool gone = there[r][c] != 0;
		uint32_t slot = gone ? (uint32_t)pattern_find(p, r, c) : pattern_slot(p);
		if (sort)
			pattern_set(p, r, c, slot, !gone);
		else if (gone)
			pattern_take(p, slot, NULL);
		else if (pattern_put(p, r, c, slot, NULL)) {
			bitset_set(&p->free, slot);
			return false;
		}
		p->log.at[p->log.n++] = (entry_change){r, c, slot, gone};
		there[r][c] = gone ? 0 : ++stamp;
		if (!gone)
			values[slot] = stamp;
	}
	if (sort)
		pattern_sort(p);
	return true;
}

/* Epochs that hold, and epochs that fail; the pattern of the epoch before is always one behind. */
static void run_pattern(bool columns, long fails)
{
	pattern *p = pattern_new(ROWS, COLS), *prev = pattern_new(ROWS, COLS);
	unsigned refused = 0;
	memset(there, 0, sizeof there);
	EXPECT(!columns || (pattern_columns(p) == 0 && pattern_columns(prev) == 0));
	for (uint64_t epoch = 1; epoch < 300;) {
		left = fails ? 1 + (long)draw((uint64_t)fails) : 0;
		bool begun = pattern_begin(p, prev, epoch) == 0;
		left = 0;
		if (!begun) {
			refused++;
			continue;
		}
		expect_pattern(prev, there);
		memcpy(there_before, there, sizeof there);
		bool sort = draw(8) == 0;
		EXPECT(pattern_reserve(p, p->n_slots + 400) == 0 && pattern_reserve_log(p, 400) == 0 && pattern_reserve_lists(p, p->n_entries + 400) == 0);
		left = fails && !sort ? 1 + (long)draw((uint64_t)fails) : 0;
		bool done = change_pattern(p, draw(4) ? draw(20) : draw(400), sort);
		left = 0;
		refused += !done;
		if (!done || draw(3) == 0) {
			left = fails;
			pattern_undo(p);
			left = 0;
			memcpy(there, there_before, sizeof there);
		} else {
			pattern_keep(p);
			epoch++;
		}
		expect_pattern(p, there);
		if (epoch == 100 && !columns)
			EXPECT(pattern_columns(p) == 0);
		if (epoch == 150 && !columns)
			EXPECT(pattern_columns(prev) == 0);
	}
	EXPECT(!fails || refused > 0);
	pattern_free(p);
	pattern_free(prev);
}

START_TEST(patterns_follow_a_table)
{
	seed = 6;
	run_pattern(_i, 0);
}
END_TEST

#ifndef HAS_OWN_ALLOCATOR
START_TEST(patterns_without_memory)
{
	seed = 7;
	run_pattern(_i, 5);
}
END_TEST
#endif

/* What was loaded row by row lies in order; entries that go leave holes, which are filled from the lowest on. */
START_TEST(patterns_in_order)
{
	pattern *p = pattern_new(4, 10);
	EXPECT(pattern_begin(p, NULL, 1) == 0 && pattern_reserve(p, 40) == 0 && pattern_reserve_lists(p, 40) == 0 && pattern_reserve_log(p, 40) == 0);
	for (uint32_t i = 0; i < 20; i++) {
		uint32_t slot = pattern_slot(p);
		pattern_set(p, i / 5, 2 * (i % 5), slot, true);
		p->log.at[p->log.n++] = (entry_change){i / 5, 2 * (i % 5), slot, 0};
	}
	pattern_sort(p);
	EXPECT(p->in_order && !pattern_holes(p));
	pattern_keep(p);
	EXPECT(pattern_begin(p, NULL, 2) == 0);
	pattern_take(p, 13, NULL);
	pattern_take(p, 4, NULL);
	p->log.at[p->log.n++] = (entry_change){2, 6, 13, 1};
	p->log.at[p->log.n++] = (entry_change){0, 8, 4, 1};
	EXPECT(!p->in_order && pattern_holes(p));
	EXPECT(pattern_slot(p) == 20); /* not in the epoch in which they went */
	bitset_set(&p->free, 20);
	pattern_keep(p);
	EXPECT(pattern_begin(p, NULL, 3) == 0);
	EXPECT(pattern_slot(p) == 4 && pattern_slot(p) == 13 && pattern_slot(p) == 20 && pattern_slot(p) == 21);
	pattern_free(p);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sparse");
	TCase *c = tcase_create("lists");
	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, lists_follow_a_table, 0, 2);
	tcase_add_loop_test(c, lists_in_order, 0, 4);
	tcase_add_test(c, lists_use_holes_again);
	tcase_add_test(c, index_follows);
	tcase_add_loop_test(c, patterns_follow_a_table, 0, 2);
	tcase_add_test(c, patterns_in_order);
#ifndef HAS_OWN_ALLOCATOR
	tcase_add_test(c, lists_without_memory);
	tcase_add_test(c, index_without_memory);
	tcase_add_loop_test(c, patterns_without_memory, 0, 2);
#endif
	suite_add_tcase(s, c);
	return unit_run(s);
}
