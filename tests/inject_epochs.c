/* inject_epochs.c: every allocation of an instance's life fails once, with small random programs: when it is bound, staged,
 * committed, watched, digested and read. What follows is MMSB_MEMORY (or a right answer, where one can do without), the
 * state is that of the epoch before, and the same call then succeeds, with the bits that it has without failures; nothing
 * stays allocated. Exits 77 (skipped) under a sanitizer, which has an allocator of its own.
 *
 *   inject_epochs [FIRST-SEED [PROGRAMS]] */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "failing_malloc.h"
#include "trial.h"

enum { EPOCHS = 5, MOST_ALLOCATIONS = 20000 };

static mmsb_error err;

/* What happens without failures. */
typedef struct story {
	trial t;
	changes deltas[EPOCHS];
	bool stands[EPOCHS];
	char digest[EPOCHS + 1][33]; /* [0]: bound, before epoch 1 */
	int watched;
	uint32_t wrongs;
} story;

static uint64_t sum_injected;

static bool wrong(story *s, const char *where, uint32_t epoch, long k)
{
	if (s->wrongs++ < 3)
		printf("seed %" PRIu64 ": allocation %ld failed, %s of epoch %u: %s\n", s->t.seed, k, where, epoch, err.message);
	return false;
}

/* ---- steps that may fail once --------------------------------------------------------------- */

/* The state is as it was after the epoch. No allocation fails in here. */
static bool state_is(story *s, uint32_t epoch)
{
	char hex[33];
	long was = left;
	left = 0;
	int status = mmsb_digest(s->t.runs[RUN_ONE], hex, &err);
	left = was;
	if (status == MMSB_OK && strcmp(hex, s->digest[epoch]) == 0)
		return true;
	snprintf(err.message, sizeof err.message, "the state is not as before");
	return false;
}

/* Whether the call is to be made again, which it may once: an allocation failed in it. */
static bool again(int status, bool *tried)
{
	bool once = status == MMSB_MEMORY && failed_one && !*tried;
	*tried = true;
	return once;
}

static bool stage(story *s, uint32_t e, long k)
{
	bool tried = false;
	int status;
	s->t.deltas = s->deltas[e];
	while (again(status = trial_stage_run(&s->t, RUN_ONE, &err), &tried))
		mmsb_discard(s->t.runs[RUN_ONE]); /* what was staged before the call that failed */
	s->t.deltas = (changes){0};
	return status == MMSB_OK || wrong(s, "staging", e + 1, k);
}

static bool commit(story *s, uint32_t e, long k)
{
	bool tried = false;
	int status;
	while (again(status = mmsb_commit(s->t.runs[RUN_ONE], NULL, &err), &tried)) {
		snprintf(err.message, sizeof err.message, "the state is not as before");
		if (!state_is(s, e))
			return wrong(s, "a commit", e + 1, k);
		if (!stage(s, e, k))
			return false;
	}
	if (status != (s->stands[e] ? MMSB_OK : MMSB_FAULT))
		return wrong(s, "a commit", e + 1, k);
	return state_is(s, e + 1) || wrong(s, "a commit", e + 1, k);
}

static bool look(story *s, uint32_t e, long k)
{
	mmsb_instance *m = s->t.runs[RUN_ONE];
	char hex[33];
	const uint64_t *row, *col;
	mmsb_info info;
	for (int id = 0; id < mmsb_page_count(m); id++) {
		bool tried = false;
		if (mmsb_page_info(m, id, &info) || !info.stored)
			continue;
		while (!mmsb_data(m, id) && info.count && !(info.sparse && info.type == MMSB_BOOL))
			if (!again(MMSB_MEMORY, &tried))
				return wrong(s, "reading", e, k);
		tried = false;
		int status = MMSB_OK;
		while (info.sparse && again(status = mmsb_entries(m, id, &row, &col, &err), &tried))
			;
		if (info.sparse && status)
			return wrong(s, "reading entries", e, k);
	}
	bool tried = false;
	int status;
	while (again(status = mmsb_digest(m, hex, &err), &tried))
		;
	return (status == MMSB_OK && strcmp(hex, s->digest[e]) == 0) || wrong(s, "a digest", e, k);
}

/* ---- a life ------------------------------------------------------------------------------------ */

static bool make(story *s, long k)
{
	for (int i = 0; i < 2; i++) {
		if (trial_run(&s->t, RUN_ONE))
			return true;
		if (!failed_one)
			break;
		mmsb_instance_free(s->t.runs[RUN_ONE]);
		s->t.runs[RUN_ONE] = NULL;
		s->t.why[0] = '\0';
	}
	snprintf(err.message, sizeof err.message, "%.900s", s->t.why);
	return wrong(s, "binding", 0, k);
}

static bool watch(story *s, long k)
{
	bool tried = false;
	int status;
	if (s->watched < 0)
		return true;
	while (again(status = mmsb_watch(s->t.runs[RUN_ONE], s->watched, &err), &tried))
		;
	return status == MMSB_OK || wrong(s, "a watch", 0, k);
}

/* The whole life; allocation number k fails. */
static bool live(story *s, long k)
{
	left = k;
	failed_one = 0;
	bool ok = make(s, k) && watch(s, k);
	for (uint32_t e = 0; ok && e < EPOCHS; e++)
		ok = stage(s, e, k) && commit(s, e, k) && look(s, e + 1, k);
	left = 0;
	mmsb_instance_free(s->t.runs[RUN_ONE]);
	s->t.runs[RUN_ONE] = NULL;
	return ok;
}

/* ---- what is right ----------------------------------------------------------------------------- */

/* Lives once without failures, drawing the deltas. */
static bool tell(story *s)
{
	trial *t = &s->t;
	if (!trial_program(t) || t->program.large || !trial_run(t, RUN_ONE))
		return complain(t, "%s", t->why);
	mmsb_instance *m = t->runs[RUN_ONE];
	int pages = mmsb_page_count(m);
	mmsb_info info;
	for (s->watched = (int)(t->seed % (uint64_t)(pages + 1)); s->watched >= 0; s->watched--)
		if (!mmsb_page_info(m, s->watched, &info) && info.stored)
			break;
	bool ok = mmsb_digest(m, s->digest[0], &err) == MMSB_OK;
	for (uint32_t e = 0; ok && e < EPOCHS; e++) {
		generate_epoch(&t->r, t->naive, t->naive->epoch == 0, &s->deltas[e]);
		t->deltas = s->deltas[e];
		ok = trial_stage(t);
		t->deltas = (changes){0};
		s->stands[e] = ok && mmsb_commit(m, NULL, &err) == MMSB_OK;
		naive_follow(t->naive, s->stands[e]);
		ok = ok && mmsb_digest(m, s->digest[e + 1], &err) == MMSB_OK;
	}
	mmsb_instance_free(m);
	t->runs[RUN_ONE] = NULL;
	return ok;
}

static bool one_program(const settings *set, uint64_t seed)
{
	story s = {.t = {.set = set, .seed = seed}};
	bool ok = tell(&s), large = s.t.program.large;
	if (!ok && !large)
		printf("seed %" PRIu64 ": %s\n", seed, s.t.why);
	ok = ok && live(&s, 0); /* what the process allocates once */
	for (long k = 1; ok && k < MOST_ALLOCATIONS; k++) {
		long before = held;
		ok = live(&s, k);
		sum_injected += (uint64_t)failed_one;
		if (ok && held != before) {
			printf("seed %" PRIu64 ": allocation %ld failed: %ld are never freed\n", seed, k, held - before);
			ok = false;
		}
		if (!failed_one)
			break;
	}
	for (uint32_t e = 0; e < EPOCHS; e++)
		free(s.deltas[e].items);
	trial_end(&s.t);
	return (ok && !s.wrongs) || large;
}

int main(int argc, char **argv)
{
#ifdef HAS_OWN_ALLOCATOR
	return 77;
#endif
	static char buffer[BUFSIZ]; /* which printf would else allocate amid a count */
	setvbuf(stdout, buffer, _IOLBF, sizeof buffer);
	settings set = {.threads = 1};
	uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 0) : 1, n = argc > 2 ? strtoull(argv[2], NULL, 0) : 60;
	uint64_t failed = 0;
	for (uint64_t i = 0; i < n; i++)
		failed += !one_program(&set, first + i);
	printf("%" PRIu64 " allocations failed in %" PRIu64 " programs\n%" PRIu64 " passed, %" PRIu64 " failed\n", sum_injected, n, n - failed, failed);
	return failed > 0 || sum_injected < n;
}
