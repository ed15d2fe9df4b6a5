/* check_replay.c - a long log replayed from its first epoch comes to the digest of the live run: of a graph with state, epoch by epoch; of one
 * without, where replay merges epochs; and every digest in the log agrees. MMSB_REPLAY_EPOCHS=1000000 is the long form. */
#include "io_instance.h"
#include "state/history.h"
#include "unit.h"

static const char with_state[] =
	"page x : f64[64] in;\npage k : index(64)[16] in;\npage y : f64[16] out;\npage s : f64 out;\npage n : i64 out;\n"
	"edge y[i] <- x[k[i]] * 0.5;\nedge s <- (prev s * 0.75) + (sum[i] x[i]);\nedge n <- prev n + 1;\n";
static const char without[] =
	"page x : f64[64] in;\npage k : index(64)[16] in;\npage y : f64[16] out;\npage s : f64 out;\n"
	"edge y[i] <- x[k[i]] * 0.5;\nedge s <- sum[i] x[i];\n";

static mmsb_error err;

static void ok(int status) { ck_assert_msg(status == MMSB_OK, "%s", err.message); }

#ifdef __SANITIZE_ADDRESS__
enum { USUAL_EPOCHS = 20000 };
#else
enum { USUAL_EPOCHS = 100000 };
#endif

static uint64_t epochs(void)
{
	const char *text = getenv("MMSB_REPLAY_EPOCHS");
	uint64_t n = text ? strtoull(text, NULL, 10) : 0;
	return n > 0 ? n : USUAL_EPOCHS;
}

/* One value an epoch; now and then a key; ticks. */
static void one_epoch(mmsb_instance *m, uint64_t number)
{
	uint64_t draw = number * UINT64_C(0x9e3779b97f4a7c15), at = draw >> 58, key_at = draw >> 40 & 15;
	double value = (double)(draw >> 20 & 1023) / 16;
	uint32_t key = (uint32_t)(draw >> 30 & 63);
	if (number % 11 == 0) {
		ok(mmsb_ticks(m, 1, NULL, &err));
		return;
	}
	ok(mmsb_scatter(m, mmsb_page(m, "x"), 1, &at, &value, &err));
	if (number % 7 == 0)
		ok(mmsb_scatter(m, mmsb_page(m, "k"), 1, &key_at, &key, &err));
	ok(mmsb_commit_from(m, number % 3 == 0 ? "feed" : NULL, NULL, &err));
}

static void live_run(mmsb_schedule *compiled, const char *folder, uint64_t n, char hex[33])
{
	mmsb_instance *m = io_instance(compiled);
	mmsb_state *s;
	mmsb_state_options options = {.size = sizeof options, .durability = MMSB_DURABLE_NONE, .segment_bytes = 1 << 20};
	ok(mmsb_bind(m, &err));
	ok(mmsb_state_open(&s, m, folder, &options, &err));
	for (uint64_t e = 1; e <= n; e++)
		one_epoch(m, e);
	ok(mmsb_digest(m, hex, &err));
	ok(mmsb_state_close(s, &err));
	mmsb_instance_free(m);
}

static void replayed(const char *folder, uint64_t n, bool verify, const char *live)
{
	history *h;
	player *p;
	char hex[33];
	ok(history_open(&h, &vfs_machine, folder, &err));
	ck_assert_uint_eq(h->last, n);
	ok(player_new(&p, h, n, true, NULL, &err));
	p->verify = verify;
	ok(player_to(p, n, NULL, NULL, &err));
	ok(mmsb_digest(p->m, hex, &err));
	ck_assert_uint_eq(p->m->epoch, n);
	ck_assert_str_eq(hex, live);
	if (verify)
		ck_assert_uint_ge(p->digests, n / 1000);
	player_free(p);
	history_close(h);
}

static void live_and_replayed(const char *program)
{
	char folder[] = "/tmp/mmsb-replay-XXXXXX", state[sizeof folder + 8], command[80], live[33];
	uint64_t n = epochs();
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(state, sizeof state, "%s/state", folder);
	mmsb_schedule *compiled = io_schedule(program);
	ck_assert_ptr_nonnull(compiled);
	live_run(compiled, state, n, live);
	replayed(state, n, false, live);
	replayed(state, n, true, live);
	mmsb_schedule_close(compiled);
	snprintf(command, sizeof command, "rm -rf %s", folder);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(graph_with_state) { live_and_replayed(with_state); }
END_TEST

START_TEST(graph_without_state) { live_and_replayed(without); }
END_TEST

int main(void)
{
	Suite *s = suite_create("replay");
	TCase *c = tcase_create("replay");
	tcase_set_timeout(c, 600);
	tcase_add_test(c, graph_with_state);
	tcase_add_test(c, graph_without_state);
	suite_add_tcase(s, c);
	return unit_run(s);
}
