/* check_blocks.c - reductions computed block by block in native code, held against the portable executor: shapes of all kinds, epochs that change a row, some rows,
 * a column or everything, each level of the processor, one thread and two. */
#include <stdlib.h>
#include <string.h>

#include "io_instance.h"
#include "../compiler/native_cc.h"
#include "../runtime/exec.h"
#include "../runtime/mmsb.h"
#include "../runtime/scalar.h"
#include "unit.h"

static const char program[] =
	"param M, N, K, L;\n"
	"param alpha : f32 = 1.5;\n"
	"page A : f32[M, K] in;\n"
	"page B : f32[K, N] in;\n"
	"page At : f32[K, M] in;\n"
	"page Bt : f32[N, K] in;\n"
	"page P : f64[M, K] in;\n"
	"page Q : f64[K, N] in;\n"
	"page m : f32[M] in;\n"
	"page w : f32[K] in;\n"
	"page y : f32[N] in;\n"
	"page T : f64[L, M, K] in;\n"
	"page U : f64[L, K, N] in;\n"
	"page plain : f32[M, N] out;\n"
	"page left : f32[M, N] out;\n"
	"page right : f32[M, N] out;\n"
	"page both : f32[M, N] out;\n"
	"page scaled : f32[M, N] out;\n"
	"page batch : f64[L, M, N] out;\n"
	"page product : f64[M, N] out;\n"
	"page twice : f64[M, N] out;\n"
	"page average : f64[M, N] out;\n"
	"page changed : f64[M, N] out;\n"
	"edge plain[i, j] <- sum[k] A[i, k] * B[k, j];\n"
	"edge left[i, j] <- sum[k] At[k, i] * B[k, j];\n"
	"edge right[i, j] <- sum[k] A[i, k] * Bt[j, k];\n"
	"edge both[i, j] <- sum[k] At[k, i] * Bt[j, k];\n"
	"edge scaled[i, j] <- (sum[k] (A[i, k] - m[i]) * (-B[k, j] * alpha + y[j]) * w[k]) * 2.0 + m[i] * y[j];\n"
	"edge batch[l, i, j] <- sum[k] T[l, i, k] * U[l, k, j];\n"
	"edge product[i, j] <- prod[k] (P[i, k] + Q[k, j]);\n"
	"edge twice[i, j] <- (sum[k] P[i, k] * Q[k, j]) / ((sum[k] (P[i, k] + Q[k, j] * 0.5)) + 1.0);\n"
	"edge average[i, j] <- mean[k] (P[i, k] - Q[k, j]);\n"
	"edge changed[i, j] <- (sum[k] P[i, k] * prev Q[k, j]) + f64(i * j);\n";
enum { EDGES = 10, REDUCTIONS = 11 };

static const char *const sources[] = {"A", "B", "At", "Bt", "P", "Q", "m", "w", "y", "T", "U"};

static mmsb_error err;
static void ok(int status) { ck_assert_msg(status == MMSB_OK, "%s", err.message); }

static uint64_t state;
static uint64_t draw(uint64_t below) { return mmsb_rand_step_u64(0x626c6f63, 1, ++state) % below; }

static mmsb_schedule *compiled(bool native)
{
	mmsb_schedule *s = io_schedule(program);
	ck_assert_ptr_nonnull(s);
	if (native)
		ok(native_use(s, &err));
	return s;
}

/* Of all sizes, so that every order of additions gives other bits; here and there a nan, an infinity, a zero of either sign. */
static void write_page(mmsb_instance *const m[2], const char *name, size_t first, size_t n)
{
	mmsb_info info;
	int number = mmsb_page(m[0], name);
	ok(mmsb_page_info(m[0], number, &info));
	bool wide = info.type == MMSB_F64;
	uint8_t *values = malloc(n * 8 + 1);
	for (size_t i = 0; i < n; i++) {
		double x = ((double)draw(1 << 24) - (1 << 23)) / (double)(1 << draw(30));
		x = draw(400) == 0 ? 0.0 / (double)(draw(2) * 2) : draw(50) == 0 ? -0.0 : x;
		float f = (float)x;
		memcpy(values + i * (wide ? 8 : 4), wide ? (void *)&x : (void *)&f, wide ? 8 : 4);
	}
	for (int k = 0; k < 2; k++)
		ok(mmsb_write(m[k], number, first, n, values, &err));
	free(values);
}

static void commit(mmsb_instance *const m[2], const char *what)
{
	char digest[2][33];
	for (int k = 0; k < 2; k++) {
		ok(mmsb_commit(m[k], NULL, &err));
		ok(mmsb_digest(m[k], digest[k], &err));
	}
	ck_assert_msg(strcmp(digest[0], digest[1]) == 0, "native code gives other bits: %s", what);
}

typedef struct shape {
	unsigned m, n, k, l;
	bool planned;          /* each reduction has its function */
} shape;
static const shape shapes[] = {
	{8, 16, 16, 2, true}, {9, 17, 33, 1, true}, {64, 70, 100, 1, true}, {70, 5, 40, 2, true}, {130, 600, 31, 1, true},
	{17, 64, 257, 3, true}, {3, 50, 50, 2, false}, {65, 16, 7, 1, false}, {0, 4, 20, 1, false}, {20, 20, 0, 1, false},
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

static void count_functions(const mmsb_instance *m, bool planned)
{
	unsigned n = 0;
	for (uint32_t p = 0; p < m->sch->n_passes; p++)
		for (uint32_t r = 1; r < m->executor->passes[p]->n_regions; r++)
			n += m->executor->passes[p]->regions[r].block != NULL;
	ck_assert_uint_eq(n, planned ? REDUCTIONS : 0);
}

static void try_shape(mmsb_schedule *const s[2], const shape *sh, int threads)
{
	mmsb_instance *m[2];
	for (int k = 0; k < 2; k++) {
		mmsb_options o = {.size = sizeof o, .threads = threads, .executor = k ? MMSB_NATIVE : MMSB_PORTABLE};
		ok(mmsb_instance_new(&m[k], s[k], &o, &err));
		ok(mmsb_set_param(m[k], "M", sh->m, &err));
		ok(mmsb_set_param(m[k], "N", sh->n, &err));
		ok(mmsb_set_param(m[k], "K", sh->k, &err));
		ok(mmsb_set_param(m[k], "L", sh->l, &err));
		ok(mmsb_bind(m[k], &err));
	}
	count_functions(m[1], sh->planned);
	for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
		mmsb_info info;
		ok(mmsb_page_info(m[0], mmsb_page(m[0], sources[i]), &info));
		write_page(m, sources[i], 0, info.count);
	}
	commit(m, "everything");
	if (sh->m >= 8 && sh->k > 0) {
		write_page(m, "A", sh->k * (sh->m / 2), 1);
		commit(m, "an element");
		write_page(m, "A", sh->k / 2, sh->k * (sh->m - 1));
		write_page(m, "T", 0, sh->k * (sh->m - 1));
		commit(m, "many rows");
		write_page(m, "Q", sh->n / 2, 1);
		write_page(m, "m", 0, sh->m);
		commit(m, "a column, and all of a page");
		commit(m, "nothing, or what has changed before");
	}
	for (int k = 0; k < 2; k++)
		mmsb_instance_free(m[k]);
}

static const char *const levels[] = {"base", "v3", "v4"};

START_TEST(test_shapes)
{
	char folder[] = "/tmp/mmsb-blocks-XXXXXX", command[80];
	ck_assert(mkdtemp(folder) != NULL);
	setenv("XDG_CACHE_HOME", folder, 1);
	setenv("MMSB_CPU", levels[_i], 1);
	setenv("MMSB_GRAIN", "16", 1); /* so that threads share what is small */
	mmsb_schedule *s[2] = {compiled(false), compiled(true)};
	for (unsigned i = 0; i < 2 * SHAPES; i++)
		try_shape(s, &shapes[i / 2], 1 + (int)(i % 2));
	mmsb_schedule_close(s[0]);
	mmsb_schedule_close(s[1]);
	snprintf(command, sizeof command, "rm -r %s", folder);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("blocks");
	TCase *c = tcase_create("shapes");
	tcase_set_timeout(c, 300);
	tcase_add_loop_test(c, test_shapes, 0, 3);
	suite_add_tcase(suite, c);
	return unit_run(suite);
}
