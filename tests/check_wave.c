/* check_wave.c - ticks that are computed several at once (wave.h), held against the portable executor, which runs one after the other: stencils under every view, several
 * pages that depend on each other in a tick and across ticks, sources that change in between, one thread and two. */
#include <stdlib.h>
#include <string.h>

#include "io_instance.h"
#include "../compiler/native_cc.h"
#include "../runtime/exec.h"
#include "../runtime/mmsb.h"
#include "../runtime/scalar.h"
#include "../runtime/wave.h"
#include "unit.h"

typedef struct trial {
	const char *name, *text;
	bool planned;          /* its ticks are computed several at once */
} trial;

static const trial trials[] = {
	{"heat, and a mean of it", "param R, C;\npage start : f32[R, C] in;\npage u : f32[R, C] out init start;\npage rim : f32[C] in;\npage mean_u : f32 out;\npage top : f32[C] out;\n"
	 "edge u[i, j] <- if i == 0 then rim[j] else prev u[i, j] + 0.2 * (clamp(prev u)[i - 1, j] + clamp(prev u)[i + 1, j] + clamp(prev u)[i, j - 1] + clamp(prev u)[i, j + 1]\n"
	 "  - 4.0 * prev u[i, j]);\nedge mean_u <- mean[i, j] u[i, j];\nedge top[j] <- max[i] u[i, j] + mean_u;\n", true},
	{"waves, two pages of a tick", "param R, C;\npage start : f64[R, C] in;\npage u : f64[R, C] out init start;\npage v : f64[R, C] out;\n"
	 "edge v[i, j] <- prev v[i, j] * 0.999 + 0.1 * (mirror(prev u)[i - 2, j] + zero(prev u)[i + 1, j + 1] + pad(prev u, 0.5)[i - 1, j - 3] + wrap(prev u)[i, j + 2] - 4.0 * prev u[i, j]);\n"
	 "edge u[i, j] <- prev u[i, j] + 0.25 * (mirror(v)[i + 2, j] + v[i, j] + zero(v)[i - 1, j]) * f64(i - j) / 100.0;\n", true},
	{"three dimensions", "param R, C;\npage start : f32[R, 3, C] in;\npage u : f32[R, 3, C] out init start;\npage w : f32[3, C] in;\n"
	 "edge u[i, k, j] <- (clamp(prev u)[i - 1, k + 1, j] + wrap(prev u)[i, k - 1, j - 1] + mirror(prev u)[i + 1, k, j]) * 0.3 + w[k, j];\n", true},
	{"life", "param R, C;\npage start : u8[R, C] in;\npage u : u8[R, C] out init start;\npage total : i64 out;\n"
	 "let n[i, j] = zero(prev u)[i - 1, j - 1] + zero(prev u)[i - 1, j] + zero(prev u)[i - 1, j + 1] + zero(prev u)[i, j - 1] + zero(prev u)[i, j + 1] + zero(prev u)[i + 1, j - 1]\n"
	 "  + zero(prev u)[i + 1, j] + zero(prev u)[i + 1, j + 1];\n"
	 "edge u[i, j] <- if (n[i, j] & 7) == 3 || ((n[i, j] & 7) == 2 && (prev u[i, j] & 1) == 1) then 1 + (prev u[i, j] & 14) else (prev u[i, j] + 2) & 14;\nedge total <- sum[i, j] u[i, j];\n", true},
	{"rows that come round", "param R, C;\npage start : f32[R, C] in;\npage u : f32[R, C] out init start;\nedge u[i, j] <- wrap(prev u)[i - 1, j] * 0.5 + prev u[i, j] * 0.5;\n", false},
	{"a mean that goes back in", "param R, C;\npage start : f32[R, C] in;\npage u : f32[R, C] out init start;\npage m : f32 out;\n"
	 "edge u[i, j] <- prev u[i, j] * 0.9 + prev m;\nedge m <- mean[i, j] u[i, j];\n", false},
	{"columns of the rows far away", "param R, C;\npage start : f32[R, C] in;\npage u : f32[R, C] out init start;\nedge u[i, j] <- clamp(prev u)[0, j] * 0.5 + prev u[i, j] * 0.5;\n", false},
};
enum { TRIALS = sizeof trials / sizeof trials[0] };

static mmsb_error err;
static void ok(int status) { ck_assert_msg(status == MMSB_OK, "%s", err.message); }

static uint64_t state;
static uint64_t draw(uint64_t below) { return mmsb_rand_step_u64(0x77617665, 1, ++state) % below; }

static mmsb_schedule *compiled(const char *text, bool native)
{
	mmsb_schedule *s = io_schedule(text);
	ck_assert_ptr_nonnull(s);
	if (native)
		ok(native_use(s, &err));
	return s;
}

/* Some or all elements of the sources; now and then a nan. */
static void write_sources(mmsb_instance *const m[2], bool all)
{
	for (int p = 0; p < mmsb_page_count(m[0]); p++) {
		mmsb_info info;
		ok(mmsb_page_info(m[0], p, &info));
		if (info.role != MMSB_IN || info.count == 0)
			continue;
		uint64_t n = all ? info.count : 1, at = all ? 0 : draw(info.count);
		uint8_t *values = malloc(n * 8);
		for (uint64_t i = 0; i < n; i++) {
			double x = draw(300) == 0 ? 0.0 / (double)draw(1) : (double)draw(1 << 20) / (1 << 20);
			float f = (float)x;
			uint8_t b = (uint8_t)draw(16);
			size_t bytes = info.type == MMSB_F64 ? 8 : info.type == MMSB_F32 ? 4 : 1;
			memcpy(values + i * bytes, bytes == 8 ? (void *)&x : bytes == 4 ? (void *)&f : (void *)&b, bytes);
		}
		for (int k = 0; k < 2; k++)
			ok(mmsb_write(m[k], p, at, n, values, &err));
		free(values);
	}
}

static void same(mmsb_instance *const m[2], const trial *t, const char *what)
{
	char digest[2][33];
	for (int k = 0; k < 2; k++)
		ok(mmsb_digest(m[k], digest[k], &err));
	ck_assert_msg(strcmp(digest[0], digest[1]) == 0, "%s: other bits after %s", t->name, what);
}

/* One tick after the other by the portable executor, all at once by the native one. */
static void ticks(mmsb_instance *const m[2], uint64_t n)
{
	uint64_t epoch[2] = {0};
	for (uint64_t i = 0; i < n; i++)
		ok(mmsb_ticks(m[0], 1, &epoch[0], &err));
	ok(mmsb_ticks(m[1], n, &epoch[1], &err));
	ck_assert_uint_eq(epoch[0], epoch[1]);
}

static void try_sizes(mmsb_schedule *const s[2], const trial *t, unsigned rows, unsigned columns, int threads)
{
	mmsb_instance *m[2];
	for (int k = 0; k < 2; k++) {
		mmsb_options o = {.size = sizeof o, .threads = threads, .executor = k ? MMSB_NATIVE : MMSB_PORTABLE};
		ok(mmsb_instance_new(&m[k], s[k], &o, &err));
		ok(mmsb_set_param(m[k], "R", rows, &err));
		ok(mmsb_set_param(m[k], "C", columns, &err));
		ok(mmsb_bind(m[k], &err));
	}
	write_sources(m, true);
	for (int k = 0; k < 2; k++)
		ok(mmsb_commit(m[k], NULL, &err));
	ck_assert_msg((m[1]->executor->wave != NULL) == t->planned, "%s, %u x %u", t->name, rows, columns);
	ck_assert_msg((wave_steps(m[1]->executor, 9) > 1) == t->planned, "%s, %u x %u, %d threads", t->name, rows, columns, threads);
	same(m, t, "the first epoch");
	ticks(m, 10);
	same(m, t, "ten ticks");
	ticks(m, 3);
	ticks(m, 2);
	ticks(m, 1);
	same(m, t, "some more");
	write_sources(m, false);
	for (int k = 0; k < 2; k++)
		ok(mmsb_commit(m[k], NULL, &err));
	same(m, t, "a change");
	ticks(m, 70);
	same(m, t, "seventy ticks");
	write_sources(m, false);
	for (int k = 0; k < 2; k++)
		ok(mmsb_commit(m[k], NULL, &err));
	ticks(m, 5);
	same(m, t, "five after a change");
	for (int k = 0; k < 2; k++)
		mmsb_instance_free(m[k]);
}

START_TEST(test_ticks)
{
	const trial *t = &trials[_i];
	static const unsigned sizes[][2] = {{9, 70}, {40, 64}, {200, 130}, {1, 300}, {2, 65}, {300, 67}};
	char folder[] = "/tmp/mmsb-wave-XXXXXX", command[80];
	ck_assert(mkdtemp(folder) != NULL);
	setenv("XDG_CACHE_HOME", folder, 1);
	setenv("MMSB_GRAIN", "16", 1); /* so that threads share what is small */
	mmsb_schedule *s[2] = {compiled(t->text, false), compiled(t->text, true)};
	for (size_t i = 0; i < 2 * sizeof sizes / sizeof sizes[0]; i++)
		try_sizes(s, t, sizes[i / 2][0], sizes[i / 2][1], 1 + (int)(i % 2));
	mmsb_schedule_close(s[0]);
	mmsb_schedule_close(s[1]);
	snprintf(command, sizeof command, "rm -r %s", folder);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wave");
	TCase *c = tcase_create("ticks");
	tcase_set_timeout(c, 300);
	tcase_add_loop_test(c, test_ticks, 0, TRIALS);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}
