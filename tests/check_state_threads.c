/* check_state_threads.c - a state folder with all its threads at work: syncs by the group, zeros ahead of the log, segments that are compressed, a
 * checkpoint every few epochs, checksums of the one that was opened, beside producers, readers and a subscriber. `make check-threads` runs it
 * under the thread sanitizer. In the end the folder opens with the bits that the instance had. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "io_instance.h"
#include "state/state.h"
#include "unit.h"

enum { N = 60000, EPOCHS = 120, PRODUCERS = 2, READERS = 2, CHANGES = 16 };

static const char program[] =
	"page x : f64[60000] in;\npage z : f64[60000] in;\npage W : sparse f64[9, 9] in;\npage y : f64[60000] out;\npage v : f64[60000] out;\n"
	"page same : bool out;\nedge y[i] <- x[i] * 2 + z[i];\nedge v[i] <- prev v[i] + x[i];\n"
	"edge same <- y[7] == x[7] * 2 + z[7];\n";

static mmsb_error err;
static void ok(int status) { ck_assert_msg(status == MMSB_OK, "%s", err.message); }

typedef struct helper {
	mmsb_instance *m;
	int number, bad;
	atomic_bool *over;
} helper;

/* Each changes elements of its own. */
static void *produce(void *of)
{
	helper *h = of;
	mmsb_error own;
	uint64_t at[CHANGES], draw = (uint64_t)h->number;
	double value[CHANGES];
	while (!atomic_load(h->over)) {
		for (int i = 0; i < CHANGES; i++) {
			draw = draw * UINT64_C(6364136223846793005) + 1442695040888963407;
			at[i] = (draw >> 33) % (N / PRODUCERS) * PRODUCERS + (uint64_t)h->number;
			value[i] = (double)(draw >> 40);
		}
		h->bad += mmsb_scatter(h->m, mmsb_page(h->m, h->number % 2 ? "x" : "z"), CHANGES, at, value, &own) != MMSB_OK;
		struct timespec pause = {.tv_nsec = 100000};
		nanosleep(&pause, NULL);
	}
	return NULL;
}

/* What is read is of one epoch. */
static void *watch(void *of)
{
	helper *h = of;
	mmsb_error own;
	mmsb_reader reader;
	int x = mmsb_page(h->m, "x"), z = mmsb_page(h->m, "z"), y = mmsb_page(h->m, "y"), same = mmsb_page(h->m, "same");
	while (!atomic_load(h->over)) {
		if (mmsb_read_begin(h->m, &reader, &own) != MMSB_OK)
			continue;
		(void)x, (void)z;
		const double *values = mmsb_read(&reader, y);
		const uint8_t *holds = mmsb_read(&reader, same);
		h->bad += !values || !holds || *holds != 1;
		mmsb_read_end(&reader);
	}
	return NULL;
}

static void hear(void *user, mmsb_instance *m, const mmsb_event *event)
{
	unsigned *heard = user;
	(void)m;
	heard[event->kind]++;
}

static mmsb_instance *instance(mmsb_schedule *compiled)
{
	mmsb_options options = {.size = sizeof options, .threads = 1, .readers = READERS, .copies = 2 * READERS};
	mmsb_instance *m;
	ok(mmsb_instance_new(&m, compiled, &options, &err));
	return m;
}

static mmsb_state *open_state(mmsb_instance *m, const char *folder, int durability)
{
	mmsb_state *s;
	mmsb_state_options options = {.size = sizeof options, .durability = durability, .group_ms = 2, .digest_every = 50, .checkpoint_epochs = 9, .keep = 2,
	                              .segment_bytes = 1 << 15, .compress = 1};
	ok(mmsb_state_open(&s, m, folder, &options, &err));
	return s;
}

static void commit(mmsb_instance *m)
{
	int status;
	while ((status = mmsb_commit(m, NULL, &err)) == MMSB_BUSY) /* readers hold all copies */
		;
	ok(status);
}

/* EPOCHS more of them; some change all of a page. */
static void run_epochs(mmsb_instance *m, const double *whole)
{
	for (uint64_t end = m->epoch + EPOCHS; m->epoch < end;) {
		uint64_t e = m->epoch, at = e % 9, col = e % 5;
		if (e % 60 == 30)
			ok(mmsb_write(m, mmsb_page(m, "x"), e, N / 2, whole, &err));
		ok(mmsb_insert(m, mmsb_page(m, "W"), 1, &at, &col, whole + e, &err));
		commit(m);
	}
}

static void with_threads(mmsb_instance *m, const double *whole)
{
	pthread_t threads[PRODUCERS + READERS];
	helper helpers[PRODUCERS + READERS];
	atomic_bool over = false;
	commit(m);
	for (int i = 0; i < PRODUCERS + READERS; i++) {
		helpers[i] = (helper){m, i, 0, &over};
		ck_assert_int_eq(pthread_create(&threads[i], NULL, i < PRODUCERS ? produce : watch, &helpers[i]), 0);
	}
	run_epochs(m, whole);
	atomic_store(&over, true);
	for (int i = 0; i < PRODUCERS + READERS; i++) {
		pthread_join(threads[i], NULL);
		ck_assert_int_eq(helpers[i].bad, 0);
	}
	commit(m);
}

START_TEST(all_at_work)
{
	char folder[] = "/tmp/mmsb-threads-XXXXXX", was[33], is[33], command[100];
	unsigned heard[8] = {0};
	double *whole = calloc(N, sizeof *whole);
	ck_assert(whole && mkdtemp(folder));
	for (int i = 0; i < N; i++)
		whole[i] = i * 0.5;
	mmsb_schedule *compiled = io_schedule(program);
	ck_assert_ptr_nonnull(compiled);
	for (int round = 0; round < 2; round++) {
		mmsb_instance *m = instance(compiled);
		mmsb_state *s = open_state(m, folder, _i);
		if (round > 0) {
			ok(mmsb_digest(m, is, &err));
			ck_assert_str_eq(is, was);
		}
		ok(mmsb_subscribe(m, MMSB_ALL_PAGES, hear, heard, &err));
		with_threads(m, whole);
		ok(mmsb_digest(m, was, &err));
		if (round > 0) { /* what a run that is killed has left: checkpoint and log */
			ok(mmsb_state_wait(s, &err));
			ok(mmsb_state_sync(s, &err));
			m->readonly = true;
		}
		ok(mmsb_state_close(s, &err));
		mmsb_instance_free(m);
	}
	ck_assert_uint_gt(heard[MMSB_EVENT_CHECKPOINT], 1);
	mmsb_instance *m = instance(compiled);
	mmsb_state *s = open_state(m, folder, _i);
	ok(mmsb_digest(m, is, &err));
	ck_assert_str_eq(is, was);
	ok(mmsb_state_close(s, &err));
	mmsb_instance_free(m);
	mmsb_schedule_close(compiled);
	free(whole);
	snprintf(command, sizeof command, "rm -r %s", folder);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

/* ---- several threads that commit ---- */

enum { COMMITTERS = 4, COMMITS = 60 };

static const char shared[] = "page x : f64[4] in;\npage y : f64[4] out;\npage n : i64 out;\nedge y[i] <- x[i];\nedge n <- prev n + 1;\n";

typedef struct committer {
	mmsb_instance *m;
	uint64_t number, last, bad;
	atomic_uint_fast64_t *ticks;
} committer;

/* When a commit returns, readers see what it staged, in the epoch that it was told or a later one; its numbers ascend. Now and then a tick. */
static void *commit_many(void *of)
{
	committer *c = of;
	mmsb_error own;
	mmsb_reader reader;
	for (uint64_t i = 1; i <= COMMITS; i++) {
		double value = (double)i;
		uint64_t epoch = 0;
		c->bad += mmsb_write(c->m, mmsb_page(c->m, "x"), c->number, 1, &value, &own) != MMSB_OK;
		int status;
		while ((status = mmsb_commit_from(c->m, "many", &epoch, &own)) == MMSB_BUSY)
			sched_yield();
		c->bad += status != MMSB_OK || epoch <= c->last;
		c->last = epoch;
		while ((status = mmsb_read_begin(c->m, &reader, &own)) == MMSB_BUSY)
			sched_yield();
		const double *y = status == MMSB_OK ? mmsb_read(&reader, mmsb_page(c->m, "y")) : NULL;
		c->bad += !y || y[c->number] < value;
		mmsb_read_end(&reader);
		if (i % 8 == 0 && mmsb_ticks(c->m, 2, NULL, &own) == MMSB_OK) /* MMSB_ORDER where others have staged something */
			atomic_fetch_add(c->ticks, 2);
	}
	return NULL;
}

START_TEST(several_commit)
{
	char folder[] = "/tmp/mmsb-threads-XXXXXX", was[33], is[33], command[100];
	atomic_uint_fast64_t ticks = 0;
	pthread_t threads[COMMITTERS];
	committer committers[COMMITTERS];
	ck_assert_ptr_nonnull(mkdtemp(folder));
	mmsb_schedule *compiled = io_schedule(shared);
	ck_assert_ptr_nonnull(compiled);
	mmsb_options options = {.size = sizeof options, .threads = 1, .readers = COMMITTERS, .copies = 2 * COMMITTERS};
	mmsb_instance *m;
	ok(mmsb_instance_new(&m, compiled, &options, &err));
	mmsb_state *s = open_state(m, folder, _i);
	commit(m);
	for (uint64_t i = 0; i < COMMITTERS; i++) {
		committers[i] = (committer){m, i, 1, 0, &ticks};
		ck_assert_int_eq(pthread_create(&threads[i], NULL, commit_many, &committers[i]), 0);
	}
	for (int i = 0; i < COMMITTERS; i++) {
		pthread_join(threads[i], NULL);
		ck_assert_uint_eq(committers[i].bad, 0);
	}
	uint64_t epochs = m->epoch;
	const int64_t *n = mmsb_data(m, mmsb_page(m, "n"));
	ck_assert_uint_le(epochs, 1 + COMMITTERS * COMMITS + ticks);
	ck_assert_uint_ge(epochs, 1 + COMMITS + ticks); /* one thread's commits are as many epochs */
	ck_assert_int_eq(*n, (int64_t)epochs);
	ok(mmsb_digest(m, was, &err));
	ok(mmsb_state_close(s, &err));
	mmsb_instance_free(m);
	ok(mmsb_instance_new(&m, compiled, &options, &err));
	s = open_state(m, folder, _i);
	ck_assert_uint_eq(m->epoch, epochs);
	ok(mmsb_digest(m, is, &err));
	ck_assert_str_eq(is, was);
	ok(mmsb_state_close(s, &err));
	mmsb_instance_free(m);
	mmsb_schedule_close(compiled);
	snprintf(command, sizeof command, "rm -r %s", folder);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("threads of a state");
	TCase *c = tcase_create("threads of a state");
	tcase_add_loop_test(c, all_at_work, MMSB_DURABLE_EPOCH, MMSB_DURABLE_NONE + 1);
	tcase_add_loop_test(c, several_commit, MMSB_DURABLE_EPOCH, MMSB_DURABLE_NONE + 1);
	tcase_set_timeout(c, 300);
	suite_add_tcase(s, c);
	return unit_run(s);
}
