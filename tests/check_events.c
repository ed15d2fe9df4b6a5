/* check_events.c - what subscribers are told: every epoch once, in order, with exactly what it changed; what callbacks may do, and what not. */
#include "io_instance.h"
#include "runtime/instance.h"
#include "unit.h"

static const char program[] = "page x : f64[4] in;\npage W : sparse f64[3, 3] in;\npage d : i64 in init 1;\npage z : f64[4] out @lazy;\n"
                              "page s : f64 out;\npage t : f64 out;\npage n : i64 out;\nedge z[i] <- x[i] + 1;\nedge s <- sum[i] x[i];\n"
                              "edge t <- sum[i, j] W[i, j];\nedge n <- prev n + 10 / d;\n";

static mmsb_error err;

static void ok(int status) { ck_assert_msg(status == MMSB_OK, "%s", err.message); }

static mmsb_instance *fresh(void)
{
	mmsb_schedule *compiled = io_schedule(program);
	ck_assert_ptr_nonnull(compiled);
	mmsb_instance *m = io_instance(compiled);
	ck_assert_ptr_nonnull(m);
	mmsb_schedule_close(compiled);
	return m;
}

/* What was told, as text. */
typedef struct listener {
	char told[4000];
	int commits;      /* status of a commit from the callback, if it is to try one */
	bool tries, leaves, joins;
	struct listener *other;
} listener;

static void hear(void *user, mmsb_instance *m, const mmsb_event *e)
{
	listener *l = user;
	char *at = l->told + strlen(l->told);
	size_t room = sizeof l->told - strlen(l->told);
	mmsb_info info = {.name = ""};
	const char kinds[] = {'(', ' ', ')', '!', '?'};
	if (e->kind == MMSB_EVENT_PAGE) {
		mmsb_page_info(m, e->page, &info);
		at += snprintf(at, room, " %s", info.name);
		for (uint64_t i = 0; i < e->changes.count; i++) {
			uint64_t place = info.sparse ? e->changes.row[i] * 10 + e->changes.col[i] : e->changes.index[i];
			bool gone = info.sparse && e->changes.deleted[i];
			double value = info.type == MMSB_I64 ? (double)((const int64_t *)e->changes.values)[i] : ((const double *)e->changes.values)[i];
			at += gone ? sprintf(at, ",%d-", (int)place) : sprintf(at, ",%d=%g", (int)place, value);
		}
	} else {
		snprintf(at, room, "%c%d%s%s", kinds[e->kind], (int)e->epoch, e->kind == MMSB_EVENT_BEGIN && *e->source ? "@" : "",
		         e->kind == MMSB_EVENT_BEGIN ? e->source : "");
	}
	ck_assert(e->kind == MMSB_EVENT_ERROR || mmsb_data(m, mmsb_page(m, "x")) != NULL);
	if (l->tries) {
		mmsb_error mine;
		l->commits = mmsb_commit(m, NULL, &mine);
		ck_assert_int_eq(mmsb_ticks(m, 1, NULL, &mine), l->commits);
		ck_assert_ptr_nonnull(strstr(mine.message, "callback"));
	}
	if (l->leaves)
		mmsb_unsubscribe(m, hear, l);
	if (l->joins && e->kind == MMSB_EVENT_BEGIN) {
		l->joins = false;
		ok(mmsb_subscribe(m, mmsb_page(m, "s"), hear, l->other, &err));
	}
}

static void set(mmsb_instance *m, const char *name, uint64_t at, double value) { ok(mmsb_scatter(m, mmsb_page(m, name), 1, &at, &value, &err)); }

static void is(const listener *l, const char *expected) { ck_assert_str_eq(l->told, expected); }

START_TEST(epochs)
{
	mmsb_instance *m = fresh();
	static listener all, one;
	all = one = (listener){.commits = 0};
	ok(mmsb_subscribe(m, MMSB_ALL_PAGES, hear, &all, &err));
	ok(mmsb_subscribe(m, mmsb_page(m, "s"), hear, &one, &err));
	set(m, "x", 1, 2.0);
	ok(mmsb_commit_from(m, "feed", NULL, &err));
	uint64_t row = 1, col = 2;
	double value = 5;
	ok(mmsb_insert(m, mmsb_page(m, "W"), 1, &row, &col, &value, &err));
	ok(mmsb_commit(m, NULL, &err));
	ok(mmsb_erase(m, mmsb_page(m, "W"), 1, &row, &col, &err));
	set(m, "x", 1, 2.0); /* no change */
	ok(mmsb_commit(m, NULL, &err));
	ok(mmsb_ticks(m, 2, NULL, &err));
	int64_t zero = 0;
	ok(mmsb_write(m, mmsb_page(m, "d"), 0, 1, &zero, &err));
	ck_assert_int_eq(mmsb_commit(m, NULL, &err), MMSB_FAULT);
	ok(mmsb_commit(m, NULL, &err));
	is(&all, "(1@feed x,1=2 z,0=1,1=3,2=1,3=1 s,0=2 n,0=10)1(2 W,12=5 t,0=5 n,0=20)2(3 W,12- t,0=0 n,0=30)3(4 n,0=40)4(5 n,0=50)5?6(6 n,0=60)6");
	is(&one, "(1@feed s,0=2)1(2)2(3)3(4)4(5)5?6(6)6");
	mmsb_instance_free(m);
}
END_TEST

START_TEST(callbacks)
{
	mmsb_instance *m = fresh();
	static listener tries, leaves, joins, other;
	tries = (listener){.tries = true};
	leaves = (listener){.leaves = true};
	other = (listener){.commits = 0};
	joins = (listener){.joins = true, .other = &other};
	ck_assert_int_eq(mmsb_subscribe(m, 99, hear, &other, &err), MMSB_NAME);
	ok(mmsb_subscribe(m, mmsb_page(m, "s"), hear, &leaves, &err));
	ok(mmsb_subscribe(m, mmsb_page(m, "s"), hear, &joins, &err));
	ok(mmsb_subscribe(m, mmsb_page(m, "s"), hear, &tries, &err));
	ok(mmsb_commit(m, NULL, &err));
	ck_assert_int_eq(tries.commits, MMSB_ORDER);
	set(m, "x", 0, 3.0);
	ok(mmsb_commit(m, NULL, &err));
	is(&leaves, "(1");
	is(&joins, "(1)1(2 s,0=3)2");
	is(&tries, joins.told);
	is(&other, "(2 s,0=3)2"); /* from the next epoch on */
	mmsb_unsubscribe(m, hear, &joins);
	mmsb_unsubscribe(m, hear, &tries);
	mmsb_unsubscribe(m, hear, &tries);
	mmsb_unsubscribe(m, hear, &other);
	ok(mmsb_ticks(m, 3, NULL, &err));
	is(&other, "(2 s,0=3)2");
	mmsb_instance_free(m);
}
END_TEST

/* A checkpoint is told once, when it counts. */
START_TEST(checkpoints)
{
	char folder[] = "/tmp/mmsb-events-XXXXXX", command[80];
	ck_assert_ptr_nonnull(mkdtemp(folder));
	mmsb_instance *m = fresh();
	mmsb_state *s;
	static listener all;
	all = (listener){.commits = 0};
	ok(mmsb_state_open(&s, m, folder, NULL, &err));
	ok(mmsb_subscribe(m, mmsb_page(m, "s"), hear, &all, &err));
	ok(mmsb_commit(m, NULL, &err));
	ok(mmsb_ticks(m, 2, NULL, &err));
	ok(mmsb_state_checkpoint(s, &err));
	ok(mmsb_state_wait(s, &err));
	is(&all, "(1)1(2)2(3)3!3");
	ok(mmsb_commit(m, NULL, &err));
	ok(mmsb_state_close(s, &err));
	is(&all, "(1)1(2)2(3)3!3(4)4!4");
	mmsb_instance_free(m);
	snprintf(command, sizeof command, "rm -r %s", folder);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("events");
	TCase *c = tcase_create("events");
	tcase_add_test(c, epochs);
	tcase_add_test(c, callbacks);
	tcase_add_test(c, checkpoints);
	suite_add_tcase(s, c);
	return unit_run(s);
}
