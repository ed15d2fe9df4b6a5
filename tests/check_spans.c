/* check_spans.c - held against the portable executor: elements that change here and there, computed by the functions of whole passes (spans.h, span_list.c), with every kind of
 * operand, inside its page and beyond it, records, small and large types, dirty words whole and in part; reductions of elements side by side (across.c), and of what spans compute, with them (span_fold.c). One thread and two. */
#include <stdlib.h>
#include <string.h>

#include "io_instance.h"
#include "../compiler/native_cc.h"
#include "../runtime/mmsb.h"
#include "../runtime/scalar.h"
#include "../runtime/spans.h"
#include "unit.h"

typedef struct trial {
	const char *name, *text;
	bool own;              /* listed elements have a function of their own */
} trial;

static const trial trials[] = {
	{"views", "param R, C;\npage x : f64[R, C] in;\npage y : f64[R, C] out;\n"
	 "edge y[i, j] <- clamp(x)[i - 1, j + 2] - mirror(x)[i + 3, j - 1] * zero(x)[i, j + 1] + pad(x, 0.5)[i - 2, j] - wrap(x)[i + 1, j - 70] + x[i, j];\n", false},
	{"a param beyond the edge", "param R, C;\nparam edge_ : f32 = 1.5;\npage x : f32[R, C] in;\npage y : f32[R, C] out;\nedge y[i, j] <- pad(x, edge_)[i - 1, j] + pad(x, edge_)[i, j + 1];\n", false},
	{"what rows have in common, variables, an index", "param R, C;\npage x : f32[R, C] in;\npage r : f32[R] in;\npage c : f32[C] in;\npage one : f32 in;\npage at : index(C)[R, C] in;\npage y : f32[R, C] out;\n"
	 "edge y[i, j] <- x[i, j] * r[i] + c[j] + f32(i - 2 * j) + c[at[i, j]] - clamp(r)[i - 1] + pad(c, 2.5)[j + 3] * one + zero(r)[i + 1] + clamp(c)[0];\n", true},
	{"variables alone", "param R, C;\npage x : i64[R, C] in;\npage y : i64[R, C] out;\nedge y[i, j] <- x[i, j] * 1000 + i * C + j;\n", true},
	{"records", "param R, C;\nrecord Cell { a : f32; b : u8; c : f64; }\npage x : f32[R, C] in;\npage s : Cell[R, C] in @soa;\npage t : Cell[R, C] in @soa;\n"
	 "page y : Cell[R, C] out;\nedge y[i, j] <- if x[i, j] > zero(x)[i - 1, j] then s[i, j] else t[i, j];\n", true},
	{"small types", "param R, C;\npage x : u8[R, C] in;\npage y : bool[R, C] out;\npage z : i16[R, C] out;\n"
	 "edge y[i, j] <- (x[i, j] & 7) < (wrap(x)[i - 1, j] & 7);\nedge z[i, j] <- if y[i, j] then i16(x[i, j]) * 300 else i16(clamp(x)[i, j - 1]);\n", false},
	{"three dimensions", "param R, C;\npage x : f32[R, 3, C] in;\npage w : f32[3, C] in;\npage y : f32[R, 3, C] out;\n"
	 "edge y[i, k, j] <- (clamp(x)[i - 1, k + 1, j] + wrap(x)[i, k - 1, j - 1] + mirror(x)[i + 1, k, j]) * 0.3 + w[k, j] + f32(k);\n", true},
	{"the epoch before", "param R, C;\npage x : f64[R, C] in;\npage y : f64[R, C] out;\nedge y[i, j] <- max(prev y[i, j], x[i, j] + zero(prev x)[i, j - 1]);\n", false},
	{"nans and zeros", "param R, C;\npage x : f64[R, C] in;\npage y : f64[R, C] out;\nedge y[i, j] <- sqrt(x[i, j] - 0.5) * 0.0;\n", false},
};
enum { TRIALS = sizeof trials / sizeof trials[0] };

#define PAGES "param R, C;\nparam p : f64 = 0.25;\npage x : f32[R, C] in;\npage d : f64[R, C] in;\npage k : i64[R, C] in;\npage b : u8[R, C] in;\npage r : f64[R] in;\npage c : f32[C] in;\n"

/* Each pass has a reduction that has such a function. */
static const trial columns[] = {
	{"sums", PAGES "page s : f32[C] out;\npage m : f64[C] out;\npage q : f64[C] out;\nedge s[j] <- sum[i] x[i, j];\nedge m[j] <- mean[i] d[i, j];\nedge q[j] <- prod[i] (d[i, j] + 0.5) * p;\n", false},
	{"operands", PAGES "page at : index(R)[R, C] in;\npage s : f64[C] out;\npage t : f32[C] out;\nedge s[j] <- sum[i] (f64(x[i, j]) * r[i] + r[at[i, j]] - f64(c[j]));\n"
	 "edge t[j] <- c[j] * sum[i] x[i, j] * c[j];\n", false},
	{"any order", PAGES "page a : f32[C] out;\npage e : f64[C] out;\npage n : i64[C] out;\npage h : i64[C] out;\npage f : bool[C] out;\npage g : u8[C] out;\n"
	 "edge a[j] <- max[i] x[i, j];\nedge e[j] <- min[i] -d[i, j];\nedge n[j] <- count[i] (x[i, j] > 0.5);\nedge h[j] <- sum[i] k[i, j] * 1000;\nedge f[j] <- any[i] (b[i, j] == 77);\n"
	 "edge g[j] <- max[i] (b[i, j] ^ 3);\n", false},
	{"three dimensions", "param R, C;\npage x : f32[R, 3, C] in;\npage w : f32[3, R] in;\npage s : f32[3, C] out;\npage u : f32[R, C] out;\nedge s[k, j] <- sum[i] x[i, k, j] * w[k, i];\nedge u[i, j] <- max[k in 1..3] x[i, k, j];\n", false},
};
enum { COLUMNS = sizeof columns / sizeof columns[0] };

/* What the first pass computes the last one reduces, block by block with it. */
static const trial folded[] = {
	{"sum", "param R, C;\npage x : f32[C] in;\npage y : f32[C] out;\npage s : f32 out;\nedge y[i] <- x[i] * 0.3 + 1.0;\nedge s <- sum[i] y[i];\n", false},
	{"two pages, a mean", "param R, C;\npage x : f64[C] in;\npage y : f64[C] out;\npage z : f64[C] out;\npage s : f64 out;\nedge y[i] <- x[i] * x[i];\nedge z[i] <- sqrt(y[i]) + x[i];\n"
	 "edge s <- (mean[i] (y[i] * z[i] - x[i])) * 2.0;\n", false},
	{"the best", "param R, C;\npage x : f64[C] in;\npage y : f64[C] out;\npage s : index(C) out;\nedge y[i] <- zero(x)[i - 1] - x[i];\nedge s <- argmax[i] y[i];\n", false},
	{"any order", "param R, C;\npage x : i64[C] in;\npage y : i64[C] out;\npage s : i64 out;\nedge y[i] <- x[i] * 77 + i;\nedge s <- 1 + max[i] (y[i] & 255);\n", false},
	{"a failure in between", "param R, C;\npage x : i64[C] in;\npage y : i64[C] out;\npage s : i64 out;\npage q : i64 out;\nedge y[i] <- x[i] * 2;\nedge s <- sum[i] y[i];\nedge q <- s / (s % 3);\n", false},
};
enum { FOLDED = sizeof folded / sizeof folded[0] };

typedef enum kind { OF_LISTS, OF_COLUMNS, OF_FOLDS } kind;

static mmsb_error err;
static void ok(int status) { ck_assert_msg(status == MMSB_OK, "%s", err.message); }

static uint64_t state;
static uint64_t draw(uint64_t below) { return mmsb_rand_step_u64(0x7370616e, 1, ++state) % below; }

static mmsb_schedule *compiled(const char *text, bool native)
{
	mmsb_schedule *s = io_schedule(text);
	ck_assert_ptr_nonnull(s);
	if (native)
		ok(native_use(s, &err));
	return s;
}

/* A value of a page's type, now and then a nan; of an index one of its first four. */
static size_t draw_value(const mmsb_info *info, uint8_t *to)
{
	double x = draw(100) == 0 ? __builtin_nan("") : (double)draw(1 << 20) / (1 << 20);
	float f = (float)x;
	int64_t i = (int64_t)draw(1000);
	uint32_t at = (uint32_t)draw(4);
	uint8_t b = (uint8_t)draw(256);
	if (info->n_fields) { /* each byte may be anything */
		for (size_t k = 0; k < info->element; k++)
			to[k] = (uint8_t)draw(256);
		return info->element;
	}
	size_t bytes = info->type == MMSB_F64 || info->type == MMSB_I64 ? 8 : info->type == MMSB_U8 ? 1 : 4;
	memcpy(to, info->type == MMSB_F64 ? (void *)&x : info->type == MMSB_I64 ? (void *)&i : info->type == MMSB_U8 ? (void *)&b : info->type == MMSB_F32 ? (void *)&f : (void *)&at, bytes);
	return bytes;
}

/* Runs of `length` elements of the sources, `n` of each; 0: all elements. */
static void write_sources(mmsb_instance *const m[2], uint64_t n, uint64_t length, kind what)
{
	for (int p = 0; p < mmsb_page_count(m[0]); p++) {
		mmsb_info info;
		ok(mmsb_page_info(m[0], p, &info));
		if (info.role != MMSB_IN || (n && info.ndim < 2 && draw(4) && what != OF_FOLDS)) /* which many elements read */
			continue;
		for (uint64_t k = 0; k < (n ? n : 1); k++) {
			uint64_t at = n ? draw(info.count) : 0, count = n && length < info.count - at ? length : info.count - at;
			uint8_t *values = malloc((info.element > 8 ? info.element : 8) * count);
			for (uint64_t i = 0, end = 0; i < count; i++)
				end += draw_value(&info, values + end);
			for (int e = 0; e < 2; e++)
				ok(mmsb_write(m[e], p, at, count, values, &err));
			free(values);
		}
	}
}

static void commit(mmsb_instance *const m[2], const trial *t, const char *what)
{
	char digest[2][33];
	int status[2];
	for (int k = 0; k < 2; k++) {
		status[k] = mmsb_commit(m[k], NULL, &err);
		ck_assert_msg(status[k] == MMSB_OK || status[k] == MMSB_FAULT, "%s: %s", t->name, err.message);
		ok(mmsb_digest(m[k], digest[k], &err));
	}
	ck_assert_int_eq(status[0], status[1]);
	ck_assert_msg(strcmp(digest[0], digest[1]) == 0, "%s: other bits after %s", t->name, what);
}

/* Single elements, words in part and whole; change sets are the same too, since what depends on them is. */
static void try_sizes(mmsb_schedule *const s[2], const trial *t, unsigned rows, unsigned cols, int threads, kind what)
{
	mmsb_instance *m[2];
	for (int k = 0; k < 2; k++) {
		mmsb_options o = {.size = sizeof o, .threads = threads, .scratch = what == OF_FOLDS, .executor = k ? MMSB_NATIVE : MMSB_PORTABLE};
		ok(mmsb_instance_new(&m[k], s[k], &o, &err));
		ok(mmsb_set_param(m[k], "R", rows, &err));
		ok(mmsb_set_param(m[k], "C", cols, &err));
		ok(mmsb_bind(m[k], &err));
	}
	for (uint32_t p = 0; p < m[1]->sch->n_passes && what == OF_LISTS; p++) {
		const span_plan *plan = m[1]->executor->passes[p]->span;
		ck_assert_msg(plan && plan->listed && (p > 0 || (plan->listed != plan->fn) == t->own), "%s, %u x %u: pass %u", t->name, rows, cols, p);
	}
	for (uint32_t p = 0, r; p < m[1]->sch->n_passes && what == OF_COLUMNS; p++) {
		const kernel_plan *plan = m[1]->executor->passes[p];
		for (r = 1; r < plan->n_regions && !plan->regions[r].across; r++)
			;
		ck_assert_msg(plan->n_regions == 1 || r < plan->n_regions, "%s, %u x %u: pass %u", t->name, rows, cols, p);
	}
	const kernel_plan *first = m[1]->executor->passes[0];
	ck_assert_msg(what != OF_FOLDS || (first->spans ? first->spans : first->span)->folded, "%s: nothing is folded", t->name);
	write_sources(m, 0, 0, what);
	commit(m, t, "the first epoch");
	for (unsigned epoch = 0; epoch < 12; epoch++) {
		uint64_t elements = (uint64_t)rows * cols, few = elements / 200 + 1;
		write_sources(m, epoch % 4 == 3 ? 1 : draw(few) + 1, epoch % 3 == 2 ? 80 : 1, what);
		commit(m, t, "a change");
	}
	for (uint32_t p = 0; p < m[1]->sch->n_passes && what == OF_LISTS && rows * cols > 5000; p++)
		ck_assert_msg(m[1]->pass_stats[p].single > 0, "%s: pass %u lists nothing", t->name, p);
	for (int k = 0; k < 2; k++)
		mmsb_instance_free(m[k]);
}

/* In every size, by one thread and by two. */
static void try_trial(const trial *t, const unsigned (*sizes)[2], size_t n, kind what)
{
	char folder[] = "/tmp/mmsb-spans-XXXXXX", command[80];
	ck_assert(mkdtemp(folder) != NULL);
	setenv("XDG_CACHE_HOME", folder, 1);
	setenv("MMSB_GRAIN", "1", 1); /* so that threads share what is small, and one element makes a list */
	mmsb_schedule *s[2] = {compiled(t->text, false), compiled(t->text, true)};
	for (size_t i = 0; i < 2 * n; i++)
		try_sizes(s, t, sizes[i / 2][0], sizes[i / 2][1], 1 + (int)(i % 2), what);
	mmsb_schedule_close(s[0]);
	mmsb_schedule_close(s[1]);
	snprintf(command, sizeof command, "rm -r %s", folder);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(test_lists)
{
	static const unsigned sizes[][2] = {{9, 70}, {40, 64}, {200, 130}, {1, 300}, {4, 65}, {300, 67}};
	try_trial(&trials[_i], sizes, sizeof sizes / sizeof sizes[0], OF_LISTS);
}
END_TEST

START_TEST(test_columns)
{
	static const unsigned sizes[][2] = {{4, 17}, {15, 64}, {16, 65}, {17, 100}, {33, 700}, {300, 30}};
	try_trial(&columns[_i], sizes, sizeof sizes / sizeof sizes[0], OF_COLUMNS);
}
END_TEST

START_TEST(test_folds)
{
	static const unsigned sizes[][2] = {{1, 65}, {1, 511}, {1, 512}, {1, 513}, {1, 5000}};
	try_trial(&folded[_i], sizes, sizeof sizes / sizeof sizes[0], OF_FOLDS);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("spans");
	TCase *c = tcase_create("lists");
	tcase_set_timeout(c, 300);
	tcase_add_loop_test(c, test_lists, 0, TRIALS);
	suite_add_tcase(suite, c);
	c = tcase_create("columns");
	tcase_set_timeout(c, 300);
	tcase_add_loop_test(c, test_columns, 0, COLUMNS);
	suite_add_tcase(suite, c);
	c = tcase_create("folds");
	tcase_set_timeout(c, 300);
	tcase_add_loop_test(c, test_folds, 0, FOLDED);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}
