/* flood.c - all of an exact fixpoint over booleans from the start on, where elements are read as operands that one operation computes: an element has
 * the worst value, or the best, and then for good.
 *
 * In rounds. The elements that the last one reached hand on to their readers (push); or, where these are so many that it takes less, whoever is
 * not reached yet looks among those whom it reads for one that is (pull): mostly the first few are enough. In both kinds of rounds an
 * element rests on one that an earlier round reached, so that a stamp for each round is right. */
#include "flood.h"

#include "fetch.h"
#include "fpenv.h"

/* Rounds pull from where the entries of the last round's elements are one in PULL of those that have not been handed on yet, until its elements are one in
 * PUSH of all. */
enum { PULL = 14, PUSH = 24 };

/* In the units of a repair's work, by the clock: an element that hands on, and so many that look, or entries looked at, for one. */
enum { HAND_WORK = 1, LOOKS = 4, ENTRIES = 16, FLOOD_WORK = 512 };

typedef struct flood {
	repair *q;
	const lists *readers, *read; /* of an element: those who read it; those whom it reads */
	const uint8_t *entries;
	size_t stride;
	bool passes[2];         /* an entry of this value hands the best value on */
	uint8_t best;
	uint64_t *reached;      /* a bit for each element that the rounds before have reached */
	uint32_t *now, *next;   /* those that the last round reached, and this one */
	uint32_t *left;         /* while rounds pull: those that are not reached and read something */
	uint64_t n_now, n_next, n_left;
	uint64_t handed;        /* entries of n_next elements to their readers, */
	uint64_t waiting;       /* ... and of all that have not been handed on */
} flood;

/* ---- one element --------------------------------------------------------------------------------- */

static void reach(flood *s, uint32_t v, uint32_t entry)
{
	repair *q = s->q;
	q->x[v] = s->best;
	q->k->stamps[v] = q->k->clock;
	q->k->witness[v] = entry;
	s->next[s->n_next++] = v;
	s->handed += lists_length(s->readers, v);
}

static inline bool passes(const flood *s, uint32_t entry) { return s->passes[s->entries[entry * s->stride]]; }

static inline bool is_reached(const flood *s, uint32_t v) { return s->reached[v / 64] >> v % 64 & 1; }

static void hand_on(flood *s, uint32_t u)
{
	const lists *l = s->readers;
	uint64_t n = 0;
	LISTS_FOR(l, u, at) {
		uint32_t v = l->key[at];
		n++;
		if (s->q->x[v] != s->best && passes(s, l->mate[at]))
			reach(s, v, l->mate[at]);
	}
	s->q->w->work += HAND_WORK + n / ENTRIES;
}

/* false: nobody whom it reads is reached. */
static bool look(flood *s, uint32_t v, uint64_t *looked)
{
	const lists *l = s->read;
	for (list_run r = {0}; lists_next(l, v, &r);)
		for (uint64_t at = r.at; at < r.at + r.n; at++) {
			++*looked;
			if (!is_reached(s, l->key[at]) || !passes(s, l->mate[at]))
				continue;
			reach(s, v, l->mate[at]);
			return true;
		}
	return false;
}

/* ---- rounds -------------------------------------------------------------------------------------- */

static void push(flood *s)
{
	enum { AHEAD = 8 };
	for (uint64_t i = 0; i < s->n_now; i++) {
		if (i + AHEAD < s->n_now)
			lists_fetch_head(s->readers, s->now[i + AHEAD]);
		if (i + AHEAD / 2 < s->n_now)
			lists_fetch(s->readers, s->now[i + AHEAD / 2]);
		hand_on(s, s->now[i]);
	}
}

static void list_left(flood *s)
{
	s->n_left = 0;
	for (uint64_t v = 0; v < s->q->to->count; v++) {
		s->left[s->n_left] = (uint32_t)v;
		s->n_left += s->q->x[v] != s->best && lists_length(s->read, v) > 0;
	}
}

static void pull(flood *s)
{
	uint64_t n = 0, looked = 0;
	for (uint64_t i = 0; i < s->n_left; i++)
		if (!look(s, s->left[i], &looked))
			s->left[n++] = s->left[i];
	s->q->w->work += s->n_left / LOOKS + looked / ENTRIES;
	s->n_left = n;
}

/* What the round has reached is what the next one begins with. */
static void end_round(flood *s)
{
	uint32_t *now = s->now;
	for (uint64_t i = 0; i < s->n_next; i++)
		s->reached[s->next[i] / 64] |= (uint64_t)1 << s->next[i] % 64;
	s->now = s->next;
	s->n_now = s->n_next;
	s->next = now;
	s->n_next = 0;
}

static void run_rounds(flood *s)
{
	bool pulls = false;
	while (s->n_now > 0) {
		bool begins = !pulls && s->handed > s->waiting / PULL;
		pulls = begins || (pulls && s->n_now >= s->q->to->count / PUSH);
		s->waiting -= s->handed;
		s->handed = 0;
		s->q->k->clock += s->q->k->clock < UINT32_MAX; /* then it stands, and the next repair evaluates all */
		if (begins)
			list_left(s);
		if (pulls)
			pull(s);
		else
			push(s);
		end_round(s);
	}
}

/* ---- the whole ----------------------------------------------------------------------------------- */

/* Those that have the best value already. */
static void begin_round(flood *s)
{
	for (uint64_t v = 0; v < s->q->to->count; v++) {
		if (s->q->x[v] != s->best)
			continue;
		s->next[s->n_next++] = (uint32_t)v;
		s->handed += lists_length(s->readers, v);
	}
	end_round(s);
}

static void find_passes(flood *s, const own_read *o)
{
	for (uint8_t entry = 0; entry < 2; entry++) {
		uint8_t value;
		o->fn(&value, o->turned ? &entry : &s->best, o->turned ? &s->best : &entry, NULL, 1);
		s->passes[entry] = value == s->best;
	}
}

static int find_room(flood *s, fix *f)
{
	uint64_t count = f->to->count;
	int status = fix_buffer(f, ROUND_LIST, 2 * count * sizeof *s->now, &s->now);
	if (!status)
		status = fix_buffer(f, ROUND_VALUES, count * sizeof *s->left + sizeof *s->left, &s->left); /* one more is written, and not counted */
	if (!status)
		status = fix_buffer(f, ROUND_MARKS, (count + 63) / 64 * sizeof *s->reached, &s->reached);
	if (status)
		return status;
	s->next = s->now + count;
	memset(s->reached, 0, (count + 63) / 64 * sizeof *s->reached);
	return MMSB_OK;
}

int flood_run(fix *f, repair *q)
{
	const own_read *o = q->k->simple;
	const pattern *pat = o->region->driver->pat;
	bool down = o->region->def->kind == REGION_COL;
	flood s = {.q = q, .readers = down ? &pat->rows : &pat->cols, .read = down ? &pat->cols : &pat->rows, .waiting = pat->n_entries};
	s.entries = q->entries.base;
	s.stride = q->entries.stride;
	s.best = op_identity(f->pass->op, T_BOOL) == 0;
	int status = find_room(&s, f);
	if (status)
		return status;
	find_passes(&s, o);
	q->w->work += FLOOD_WORK;
	begin_round(&s);
	run_rounds(&s);
	return MMSB_OK;
}
