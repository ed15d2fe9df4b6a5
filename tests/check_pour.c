/* check_pour.c - groups summed by position, on some threads, against those summed group by group: leaves that reach from one thread's positions into
 * another's, groups without members, one of all; results that need an order of additions, and others; of every width. */
#include <stdlib.h>

#include "../runtime/scalar.h"
#include "io_instance.h"
#include "unit.h"

static mmsb_error err;
static uint64_t state;
static uint64_t draw(uint64_t below) { return mmsb_rand_step_u64(0x706f7572, 1, ++state) % below; }

static const char *const text =
	"param N, K;\npage x : f64[N] in;\npage y : f32[N] in;\npage c : u8[N] in;\npage at : index(N)[N] in;\npage key : index(K)[N] in;\n"
	"page a : f64[K] out;\nedge a[k] <- sum[i where key[i] == k] x[at[i]] * x[i];\n"
	"page b : f32[K] out;\nedge b[k] <- 2.0 * sum[i where key[i] == k] y[i];\n"
	"page d : f32[K] out;\nedge d[k] <- prod[i where key[i] == k] y[i];\n"
	"page e : f64[K] out;\nedge e[k] <- max[i where key[i] == k] x[i];\n"
	"page f : i64[K] out;\nedge f[k] <- sum[i where key[i] == k] i64(c[i]);\n"
	"page g : u8[K] out;\nedge g[k] <- min[i where key[i] == k] c[i];\n"
	"page h : bool[K] out;\nedge h[k] <- any[i where key[i] == k] (c[i] > 40);\n"
	"page w : i16[K] out;\nedge w[k] <- max[i where key[i] == k] i16(c[i]);\n"
	"page asked : f64[N] out;\nedge asked[j] <- sum[i where key[i] == key[j]] x[i];\n";

static mmsb_instance *instance_of(mmsb_schedule *s, const char *regions, int threads, uint64_t n, uint64_t keys)
{
	mmsb_options options = {.size = sizeof options, .threads = threads, .scratch = 1};
	mmsb_instance *m;
	setenv("MMSB_REGIONS", regions, 1);
	ck_assert_msg(mmsb_instance_new(&m, s, &options, &err) == MMSB_OK, "%s", err.message);
	ck_assert_msg(mmsb_set_param(m, "N", (double)n, &err) == MMSB_OK, "%s", err.message);
	ck_assert_msg(mmsb_set_param(m, "K", (double)keys, &err) == MMSB_OK, "%s", err.message);
	ck_assert_msg(mmsb_bind(m, &err) == MMSB_OK, "%s", err.message);
	return m;
}

static void write_both(mmsb_instance *const m[2], const char *page, uint64_t at, const void *value)
{
	for (int i = 0; i < 2; i++)
		if (mmsb_write(m[i], mmsb_page(m[i], page), at, 1, value, &err))
			ck_abort_msg("%s", err.message);
}

/* Runs of a key, or any. */
static void write_key(mmsb_instance *const m[2], uint64_t at, uint64_t keys, bool runs)
{
	static uint32_t last;
	if (!runs || last >= keys || draw(8) == 0)
		last = (uint32_t)draw(keys);
	write_both(m, "key", at, &last);
}

static void write_position(mmsb_instance *const m[2], uint64_t i, uint64_t n)
{
	double x = (double)draw(1000000) / 64 - 5000;
	float y = (float)draw(1000) / 640 + 0.25f;
	uint8_t c = (uint8_t)draw(256);
	uint32_t at = (uint32_t)draw(n);
	write_both(m, "x", i, draw(20) ? &x : &(double){-0.0});
	write_both(m, "y", i, &y);
	write_both(m, "c", i, &c);
	write_both(m, "at", i, &at);
}

static void run(uint64_t n, uint64_t keys, int threads)
{
	mmsb_schedule *s = io_schedule(text);
	ck_assert_ptr_nonnull(s);
	setenv("MMSB_GRAIN", "1", 1); /* so that threads share what is small */
	mmsb_instance *m[2] = {instance_of(s, "P", threads, n, keys), instance_of(s, "B", 1, n, keys)};
	for (int epoch = 0; epoch < 12; epoch++) {
		bool all = epoch % 10 == 0;
		for (uint64_t i = 0, k = all ? n : draw(4); i < k; i++)
			write_key(m, all ? i : draw(n), keys, epoch < 5);
		for (uint64_t i = 0, k = all ? n : n / 20; i < k; i++)
			write_position(m, all ? i : draw(n), n);
		char hex[2][33];
		for (int i = 0; i < 2; i++) {
			ck_assert_msg(mmsb_commit(m[i], NULL, &err) == MMSB_OK, "%s", err.message);
			ck_assert_int_eq(mmsb_digest(m[i], hex[i], &err), MMSB_OK);
		}
		ck_assert_msg(memcmp(hex[0], hex[1], 32) == 0, "%d positions, %d keys, %d threads, epoch %d: not what groups come to one by one", (int)n, (int)keys,
		              threads, epoch);
	}
	mmsb_instance_free(m[0]);
	mmsb_instance_free(m[1]);
	mmsb_schedule_close(s);
	unsetenv("MMSB_GRAIN");
	unsetenv("MMSB_REGIONS");
}

START_TEST(one_thread)
{
	run(1, 1, 1);
	run(40, 3, 1);
	run(3000, 30, 1);
	run(3000, 4000, 1);
}
END_TEST

START_TEST(some_threads)
{
	run(40, 3, 2);
	run(3000, 400, 3);
	run(2000, 1, 2);
	run(9000, 300, 2);
	run(5000, 3000, 5);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pour");
	TCase *t = tcase_create("pour");
	tcase_set_timeout(t, 120);
	tcase_add_test(t, one_thread);
	tcase_add_test(t, some_threads);
	suite_add_tcase(s, t);
	return unit_run(s);
}
