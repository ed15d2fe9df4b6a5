/* check_store.c - partial results that are kept, held against reduce.c over the same operands after every change; and programs whose
 * stores hold everything, held against evaluating whole. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../compiler/compile.h"
#include "../runtime/container.h"
#include "../runtime/exec.h"
#include "../runtime/mmsb.h"
#include "../runtime/scalar.h"
#include "../runtime/schedule.h"
#include "../runtime/store_flat.h"
#include "../runtime/store_tree.h"
#include "unit.h"

static uint64_t state;
static uint64_t draw(uint64_t below) { return mmsb_rand_step_u64(0x73746f72, 1, ++state) % below; }

/* A reducer, in one of the kinds that differ. */
typedef struct reducer {
	const char *name;
	red_kind kind;
	unsigned op, type, arg;
} reducer;

static const reducer presence[] = {
	{"sum f64", RED_LIST, OP_ADD, T_F64, 0}, {"sum f32", RED_LIST, OP_ADD, T_F32, 0}, {"prod f32", RED_LIST, OP_MUL, T_F32, 0},
	{"min f64", RED_ANY, OP_MIN, T_F64, 0}, {"sum i64", RED_ANY, OP_ADD, T_I64, 0}, {"max u8", RED_ANY, OP_MAX, T_U8, 0},
	{"any", RED_ANY, OP_LOR, T_BOOL, 0}, {"argmin f32", RED_ARG, OP_MIN, T_F32, 0}, {"argmax i16", RED_ARG, OP_MIN, T_I16, 1},
	{"argmin f64", RED_ARG, OP_MIN, T_F64, 0},
};
static const reducer everyone[] = {
	{"sum f64", RED_DENSE, OP_ADD, T_F64, 0}, {"sum f32", RED_DENSE, OP_ADD, T_F32, 0}, {"prod f64", RED_DENSE, OP_MUL, T_F64, 0},
	{"max f32", RED_ANY, OP_MAX, T_F32, 0}, {"sum u64", RED_ANY, OP_ADD, T_U64, 0}, {"all", RED_ANY, OP_LAND, T_BOOL, 0},
	{"argmin f64", RED_ARG, OP_MIN, T_F64, 0}, {"argmax i8", RED_ARG, OP_MIN, T_I8, 1},
};

/* Values of all magnitudes, among them -0, and now and then a nan or an infinity. */
static scalar operand(unsigned type)
{
	scalar v = {0};
	uint64_t r = draw(UINT64_MAX);
	double x = ((double)(r >> 40) - 8388608.0) * pow(2, (double)(r % 60) - 30);
	if (r % 97 == 0)
		x = -0.0;
	if (r % 2003 == 0)
		x = NAN;
	if (r % 2011 == 0)
		x = INFINITY;
	if (type == T_F64)
		v.F64 = x;
	else if (type == T_F32)
		v.F32 = (float)x;
	else if (type == T_BOOL)
		v.BOOL = r % 5 == 0;
	else
		memcpy(&v, &r, type_table[type].bytes);
	return v;
}

/* What reduce.c says of n operands at ascending positions. */
static scalar reduced(const reducer *d, const kernel_table *k, const uint32_t *positions, const uint8_t *values, size_t n)
{
	static list_tree list;
	static reduction r;
	int64_t at[TILE];
	uint8_t scratch[8 * TILE];
	scalar v = {0};
	unsigned width = width_of(d->type);
	reduction_set(&r, k, d->kind, d->op, d->type, d->arg, &list);
	reduction_begin(&r);
	for (size_t i = 0; i < n; i += TILE) {
		size_t m = n - i < TILE ? n - i : TILE;
		for (size_t j = 0; j < m; j++)
			at[j] = positions[i + j];
		if (d->kind == RED_DENSE && m < TILE)
			reduction_push_tail(&r, values + (i << width), m, scratch);
		else
			reduction_push(&r, values + (i << width), m, at, scratch);
	}
	reduction_value(&r, &v);
	return v;
}

/* Equal bits, or nan both. */
static bool same(unsigned type, red_kind kind, scalar a, scalar b)
{
	if (kind != RED_ARG && type == T_F64 && isnan(a.F64) && isnan(b.F64))
		return true;
	if (kind != RED_ARG && type == T_F32 && isnan(a.F32) && isnan(b.F32))
		return true;
	return a.bits == b.bits;
}

/* ---- trees ------------------------------------------------------------------------------------- */

enum { MOST = 5000 };

/* The operands of a tree, in another form. */
typedef struct model {
	size_t n, width;
	uint32_t positions[MOST];
	uint8_t values[8 * MOST];
} model;

static size_t rank_of(const model *m, uint32_t position)
{
	size_t rank = 0;
	while (rank < m->n && m->positions[rank] < position)
		rank++;
	return rank;
}

static void model_set(model *m, uint32_t position, const scalar *v)
{
	size_t i = rank_of(m, position);
	if (i == m->n || m->positions[i] != position) {
		memmove(m->positions + i + 1, m->positions + i, (m->n - i) * sizeof *m->positions);
		memmove(m->values + ((i + 1) << m->width), m->values + (i << m->width), (m->n - i) << m->width);
		m->n++;
	}
	m->positions[i] = position;
	memcpy(m->values + (i << m->width), v, (size_t)1 << m->width);
}

static bool model_remove(model *m, uint32_t position)
{
	size_t i = rank_of(m, position);
	if (i == m->n || m->positions[i] != position)
		return false;
	m->n--;
	memmove(m->positions + i, m->positions + i + 1, (m->n - i) * sizeof *m->positions);
	memmove(m->values + (i << m->width), m->values + ((i + 1) << m->width), (m->n - i) << m->width);
	return true;
}

typedef enum spread { NARROW, WIDE, CLUSTERS, HIGH, SPREADS } spread;

static uint32_t place(spread s)
{
	switch (s) {
	case NARROW: return (uint32_t)draw(100);
	case WIDE: return (uint32_t)draw(UINT32_MAX);
	case CLUSTERS: return (uint32_t)(draw(8) * draw(8) << 20 | draw(60));
	default: return UINT32_MAX - (uint32_t)(draw(2) ? draw(50) : draw(3000));
	}
}

static void check_tree(const reducer *d, const kernel_table *k, const tree_kind *t, uint32_t root, const model *m)
{
	uint64_t n;
	scalar is = tree_value(t, root, &n), should = reduced(d, k, m->positions, m->values, m->n);
	ck_assert_uint_eq(n, m->n);
	ck_assert_msg(same(d->type, d->kind, is, should), "%s of %zu: %016llx, not %016llx", d->name, m->n, (unsigned long long)is.bits,
	              (unsigned long long)should.bits);
}

/* Grows, stays and shrinks around the sizes at which leaves part and join. */
static void work_tree(const reducer *d, spread s, size_t around, int steps)
{
	static model m;
	const kernel_table *k = kernel_table_pick();
	size_t left = 1 << 22;
	tree_kind t = {0};
	tree_kind_set(&t, k, d->kind, d->op, d->type, d->arg);
	ck_assert_int_eq(pool_new(&t.pool, tree_kind_bytes(&t, MOST), &left), 0);
	m.n = 0;
	m.width = width_of(d->type);
	uint32_t root = tree_build(&t, NULL, NULL, 0);
	for (int i = 0; i < steps; i++) {
		for (uint64_t changes = 1 + draw(4); changes > 0; changes--) {
			uint32_t position = m.n > 0 && draw(2) ? m.positions[draw(m.n)] : place(s);
			scalar v = operand(d->type);
			size_t before = m.n;
			tree_change c;
			if (draw(2 * around) < m.n) {
				bool was = model_remove(&m, position);
				c = tree_remove(&t, &root, position);
				ck_assert_int_eq(c, was ? TREE_MEMBERS : TREE_SAME);
			} else {
				model_set(&m, position, &v);
				c = tree_set(&t, &root, position, &v);
				ck_assert(m.n > before ? c == TREE_MEMBERS : c == TREE_VALUE || c == TREE_SAME);
			}
		}
		tree_refresh(&t, root);
		check_tree(d, k, &t, root, &m);
	}
	tree_drop(&t, root);
	root = tree_build(&t, m.positions, m.values, m.n);
	ck_assert_uint_ne(root, 0);
	tree_refresh(&t, root);
	check_tree(d, k, &t, root, &m);
	pool_reset(&t.pool);
	ck_assert_uint_eq(left, (1 << 22));
	pool_free(&t.pool);
}

START_TEST(trees)
{
	const reducer *d = &presence[_i];
	for (spread s = NARROW; s < SPREADS; s++) {
		work_tree(d, s, 4, 300);
		work_tree(d, s, 33, 1500);
		work_tree(d, s, 70, 1500);
		work_tree(d, s, 1000, 1500);
	}
}
END_TEST

/* A refresh says whether the value changed. */
START_TEST(unchanged)
{
	const kernel_table *k = kernel_table_pick();
	size_t left = 1 << 20;
	tree_kind t = {0};
	uint32_t positions[100];
	double values[100];
	for (uint32_t i = 0; i < 100; i++) {
		positions[i] = 3 * i;
		values[i] = i;
	}
	tree_kind_set(&t, k, RED_ANY, OP_MAX, T_F64, 0);
	ck_assert_int_eq(pool_new(&t.pool, 1 << 20, &left), 0);
	uint32_t root = tree_build(&t, positions, values, 100);
	ck_assert(tree_refresh(&t, root));
	double v = 98.5;
	ck_assert_int_eq(tree_set(&t, &root, 30, &v), TREE_VALUE);
	ck_assert(!tree_refresh(&t, root));
	v = 99.5;
	ck_assert_int_eq(tree_set(&t, &root, 30, &v), TREE_VALUE);
	ck_assert(tree_refresh(&t, root));
	ck_assert_int_eq(tree_set(&t, &root, 30, &v), TREE_SAME);
	ck_assert(!tree_refresh(&t, root));
	pool_free(&t.pool);
}
END_TEST

/* Where there is no room nothing has changed, and what was given back is room. */
START_TEST(no_room)
{
	static model m;
	const reducer *d = &presence[0];
	const kernel_table *k = kernel_table_pick();
	size_t left = 20000;
	tree_kind t = {0};
	tree_kind_set(&t, k, d->kind, d->op, d->type, d->arg);
	ck_assert_int_eq(pool_new(&t.pool, 1 << 20, &left), 0);
	m.n = 0;
	m.width = 3;
	uint32_t root = tree_build(&t, NULL, NULL, 0);
	int refused = 0;
	for (int i = 0; i < 20000; i++) {
		uint32_t position = place(WIDE);
		scalar v = operand(T_F64);
		if (m.n > 0 && draw(3) == 0) {
			position = m.positions[draw(m.n)];
			tree_change c = tree_remove(&t, &root, position);
			if (c == TREE_MEMBERS)
				model_remove(&m, position);
			else
				ck_assert_int_eq(c, TREE_NO_ROOM);
		} else {
			tree_change c = tree_set(&t, &root, position, &v);
			if (c != TREE_NO_ROOM)
				model_set(&m, position, &v);
			refused += c == TREE_NO_ROOM;
		}
		tree_refresh(&t, root);
		if (i % 16 == 0)
			check_tree(d, k, &t, root, &m);
	}
	ck_assert_int_gt(refused, 100);
	ck_assert_uint_gt(m.n, 500);
	pool_free(&t.pool);
}
END_TEST

/* ---- flat -------------------------------------------------------------------------------------- */

static void put_blocks(flat_change *c, const flat_kind *f, uint64_t first, uint64_t end, const uint8_t *values)
{
	uint64_t scratch[TILE];
	flat_put(c, first, values + (first << f->width), (uint32_t)(end - first), scratch);
}

static void work_flat(const reducer *d, uint64_t n, unsigned bits, int steps)
{
	const kernel_table *k = kernel_table_pick();
	size_t left = 1 << 24;
	flat_kind f = {0};
	uint8_t *values = calloc(n, 8);
	uint32_t *positions = calloc(n, sizeof *positions);
	ck_assert(flat_kind_set(&f, k, d->kind, d->op, d->type, d->arg, n, bits));
	ck_assert_int_eq(pool_new(&f.pool, flat_kind_bytes(&f), &left), 0);
	uint32_t block = pool_take(&f.pool, 0);
	ck_assert_uint_ne(block, 0);
	uint64_t size = UINT64_C(1) << bits;
	for (uint64_t i = 0; i < n; i++) {
		scalar v = operand(d->type);
		positions[i] = (uint32_t)i;
		memcpy(values + (i << f.width), &v, (size_t)1 << f.width);
	}
	for (int turn = 0; turn < steps; turn++) {
		flat_change c;
		flat_begin(&c, &f, block, turn == 0);
		scalar was = turn ? flat_value(&f, block) : (scalar){0};
		for (uint64_t at = 0; at < n; at += size) {
			if (turn > 0 && draw(1 + n / size / 4) != 0)
				continue;
			uint64_t end = n - at < size ? n : at + size;
			scalar v = operand(d->type);
			if (turn > 0)
				memcpy(values + ((at + draw(end - at)) << f.width), &v, (size_t)1 << f.width);
			put_blocks(&c, &f, at, end, values);
		}
		bool changed = flat_end(&c);
		scalar is = flat_value(&f, block), should = reduced(d, k, positions, values, n);
		ck_assert_msg(same(d->type, d->kind, is, should), "%s of %llu", d->name, (unsigned long long)n);
		ck_assert(turn == 0 || changed || is.bits == was.bits);
	}
	pool_free(&f.pool);
	free(positions);
	free(values);
}

START_TEST(flats)
{
	static const uint64_t sizes[] = {1, 63, 64, 65, 511, 512, 513, 2047, 2048, 2049, 5000, 65536, 70001};
	for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (unsigned bits = 0; bits <= FLAT_BITS; bits += 2)
			work_flat(&everyone[_i], sizes[i], bits, sizes[i] > 10000 ? 5 : 40);
}
END_TEST

/* ---- programs ---------------------------------------------------------------------------------- */

static mmsb_error err;

static void ok(int status) { ck_assert_msg(status == MMSB_OK, "%s", err.message); }

static mmsb_instance *instance_of(const char *text, int threads, int scratch)
{
	lang_ctx *ctx = lang_ctx_new();
	compile_options options = {.stdlib = "."};
	schedule tables = {0};
	ir_graph *g = compile_graph_text(ctx, "test.mmsb", text, strlen(text), &options);
	if (!g)
		lang_print_diags(ctx, stderr, false);
	ck_assert_ptr_nonnull(g);
	ck_assert(ir_schedule(g, &tables));
	uint8_t *bytes;
	size_t n;
	ok(schedule_write(&tables, &bytes, &n, &err));
	mmsb_schedule *s;
	ok(mmsb_schedule_load(&s, bytes, n, &err));
	free(bytes);
	lang_ctx_free(ctx);
	mmsb_options o = {.size = sizeof o, .threads = threads, .scratch = scratch};
	mmsb_instance *m;
	ok(mmsb_instance_new(&m, s, &o, &err));
	mmsb_schedule_close(s);
	return m;
}

static const char *const text =
	"param N, K, R;\n"
	"page x : f64[N] in;\npage y : f32[N] in;\npage n : i32[N] in;\npage key : index(K)[N] in;\npage s : f64[K] in;\n"
	"page D : f64[R, N] in;\npage a : f64[R] in;\n"
	"page A : sparse f64[R, N] in;\n"
	"page along : f64[R] out;\nedge along[r] <- sum[i] A[r, i] * x[i];\n"
	"page down : f64[N] out;\nedge down[i] <- sum[r] A[r, i];\n"
	"page least : index(N)[R] out;\nedge least[r] <- argmin[i] A[r, i];\n"
	"page total : f64 out;\nedge total <- sum[i] x[i] * 2.0;\n"
	"page most : f32 out;\nedge most <- max[i] y[i];\n"
	"page first : index(N) out;\nedge first <- argmin[i] x[i];\n"
	"page grouped : f64[K] out;\nedge grouped[k] <- sum[i where key[i] == k] x[i] * s[k];\n"
	"page mean_of : f64[K] out;\nedge mean_of[k] <- mean[i where key[i] == k] x[i];\n"
	"page large : index(N)[K] out;\nedge large[k] <- argmax[i where key[i] == k] n[i];\n"
	"page positive : i64[K] out;\nedge positive[k] <- count[i where key[i] == k] (n[i] > 0);\n"
	"page rows : f64[R] out;\nedge rows[r] <- a[r] + sum[i] D[r, i] * x[i];\n"
	"page some : f64[R] out;\nedge some[r] <- sum[i where D[r, i] > 0.0] D[r, i] * a[r];\n"
	"page upto : f64[N] out;\nedge upto[i] <- (sum[j where j <= i] x[j] * 0.5) * f64(y[i]);\n"
	"page below : f32[N] out;\nedge below[i] <- max[j where j < i] y[j];\n"
	"page both : f64[R, N] out;\nedge both[r, i] <- sum[j where j <= i] D[r, j] * a[r];\n"
	"page turned : f64[R, N] out;\nedge turned[r, i] <- prod[j where j < i] (x[j] * D[r, j]);\n"
	"page kept : f64[N] out;\nedge kept[i] <- sum[j where j <= i && n[j] > 0] x[j];\n"
	"page tail : f64[N] out;\nedge tail[i] <- sum[j where j >= i && n[j] > 0] x[j];\n"
	"page top : index(N)[N] out;\nedge top[i] <- argmax[j where j <= i] y[j];\n"
	"page near : f64[R, N] out;\nedge near[r, i] <- mean[j where abs(i - j) < 70] D[r, j] * a[r];\n"
	"page skew : i64[N, R] out;\nedge skew[i, r] <- count[j where j > i - 20 * r && j < i && key[j] != 1] (n[j] > 0);\n"
	"page quotient : i64[N] out;\nedge quotient[i] <- sum[j where j <= i] (1000000 / (n[j] + i32(R) + 1000000));\n"
	"page fails : i64[N] out;\nedge fails[i] <- sum[j where j > i] (1000000 / (n[j] + i32(R) + 1000000));\n"
	"page ratio : i32[R] out;\nedge ratio[r] <- min[i where i != 5] (7 / (n[i] + i32(r) + 1000000));\n";

static int page_of(mmsb_instance *m, const char *name)
{
	int id = mmsb_page(m, name);
	ck_assert_int_ge(id, 0);
	return id;
}

static void write_both(mmsb_instance *const m[2], const char *name, uint64_t at, const void *value)
{
	for (int i = 0; i < 2; i++)
		ok(mmsb_scatter(m[i], page_of(m[i], name), 1, &at, value, &err));
}

static void change_entry(mmsb_instance *const m[2], const char *name, uint64_t row, uint64_t col, double value)
{
	bool goes = draw(3) == 0;
	for (int i = 0; i < 2; i++)
		if (goes)
			ok(mmsb_erase(m[i], page_of(m[i], name), 1, &row, &col, &err));
		else
			ok(mmsb_insert(m[i], page_of(m[i], name), 1, &row, &col, &value, &err));
}

static void change_some(mmsb_instance *const m[2], uint64_t n, uint64_t keys, uint64_t rows)
{
	for (uint64_t k = 1 + draw(6); k > 0; k--) {
		double x = operand(T_F64).F64;
		float y = operand(T_F32).F32;
		int32_t i = (int32_t)draw(100) - 50;
		uint32_t key = (uint32_t)draw(keys);
		switch (draw(9)) {
		case 0: write_both(m, "x", draw(n), &x); break;
		case 1: write_both(m, "y", draw(n), &y); break;
		case 2: write_both(m, "n", draw(n), &i); break;
		case 3: write_both(m, "key", draw(n), &key); break;
		case 4: write_both(m, "D", draw(n * rows), &x); break;
		case 5: write_both(m, "a", draw(rows), &x); break;
		case 6: change_entry(m, "A", draw(rows), draw(n), x); break;
		case 7: change_entry(m, "A", 0, draw(20), x); break; /* the same ones again and again */
		default: write_both(m, "s", draw(keys), &x); break;
		}
	}
}

static void check_same(mmsb_instance *const m[2], int epoch)
{
	char a[33], b[33];
	ok(mmsb_digest(m[0], a, &err));
	ok(mmsb_digest(m[1], b, &err));
	ck_assert_msg(memcmp(a, b, 32) == 0, "epoch %d: %s, not %s", epoch, a, b);
}

static void run_program(uint64_t n, uint64_t keys, uint64_t rows, int threads, const char *least)
{
	setenv("MMSB_STORES", least, 1);
	mmsb_instance *m[2] = {instance_of(text, threads, 0), instance_of(text, 1, 1)};
	for (int i = 0; i < 2; i++) {
		ok(mmsb_set_param(m[i], "N", (double)n, &err));
		ok(mmsb_set_param(m[i], "K", (double)keys, &err));
		ok(mmsb_set_param(m[i], "R", (double)rows, &err));
	}
	for (int epoch = 0; epoch < 150; epoch++) {
		change_some(m, n, keys, rows);
		if (epoch < 20) /* many at first */
			for (uint64_t i = 0; i < n / 10; i++)
				change_some(m, n, keys, rows);
		int32_t bad = -1000000 - (int32_t)draw(rows + 1), good = 1; /* a divisor of zero in one row, or along a prefix */
		uint64_t at = draw(n);
		bool fails = epoch % 11 == 10 && at != 5;
		if (fails)
			write_both(m, "n", at, &bad);
		int status = mmsb_commit(m[0], NULL, &err);
		char message[sizeof err.message];
		memcpy(message, err.message, sizeof message);
		ck_assert_int_eq(mmsb_commit(m[1], NULL, &err), status);
		ck_assert_int_eq(status, fails ? MMSB_FAULT : MMSB_OK);
		if (fails)
			ck_assert_str_eq(message, err.message);
		check_same(m, epoch);
		write_both(m, "n", at, &good);
	}
	mmsb_instance_free(m[0]);
	mmsb_instance_free(m[1]);
	unsetenv("MMSB_STORES");
}

START_TEST(programs)
{
	run_program(50, 3, 4, 1, "1");
	run_program(700, 2, 3, 1, "1");
	run_program(700, 9, 3, 2, "33");
	run_program(3000, 5, 2, 1, "128");
	run_program(5000, 5, 3, 2, "1");
}
END_TEST

/* Numeric fixpoints: reductions of their own pages, and others that are evaluated again in every round. */
static const char *const rounds_text =
	"param N, K, R;\n"
	"page x : f64[N] in;\npage n : i32[N] in;\npage up : index(N)[N] in;\npage key : index(K)[N] in;\npage W : sparse f64[N, N] in;\npage D : f64[N, R] in;\n"
	"page norm : f64[N] out;\nedge norm[i] <- fix(tol = 1e-3, max = 5) 0.5 * norm[i] / (1.0 + (max[j] abs(norm[j]))) + x[i];\n"
	"page col : f64[N] out;\nedge col[i] <- fix(tol = 1e-3, max = 6) 0.25 * (sum[u] W[u, i] * col[u]) + x[i];\n"
	"page row : f32[N] out;\nedge row[i] <- fix(tol = 1e-3, max = 6) (max[u] f32(W[i, u]) * row[u] * 0.5) + f32(n[i]);\n"
	"page tree : f64[N] out;\nedge tree[i] <- fix(tol = 1e-9, max = 7) 0.5 * (sum[j where up[j] == i] tree[j]) + x[i];\n"
	"page asks : f64[N] out;\nedge asks[i] <- fix(tol = 1e-3, max = 4) 0.001 * (sum[j where key[j] == key[i]] asks[j]) + x[i];\n"
	"page some : f64[K] out;\nedge some[k] <- fix(tol = 1e-9, max = 7) 0.5 * clamp(some)[k + 1] + (sum[j where key[j] == k] x[j]);\n"
	"page part : f64[N] out;\nedge part[i] <- fix(tol = 1e-3, max = 5) 0.001 * (sum[j where n[j] > 0] part[j]) + x[i];\n"
	"page upto : f64[N] out;\nedge upto[i] <- fix(tol = 1e-3, max = 4) 0.5 * (max[j where j < i] upto[j]) + x[i];\n"
	"page wide : f64[R, N] out;\nedge wide[r, i] <- fix(tol = 1e-3, max = 4) 0.25 * (min[j where up[j] == i] wide[r, j]) + x[i] * f64(r);\n"
	"page dense : f64[R] out;\nedge dense[r] <- fix(tol = 1e-9, max = 6) 0.5 * clamp(dense)[r - 1] + (sum[i] D[i, r] * x[i]);\n"
	"page quotient : f64[K] out;\nedge quotient[k] <- fix(tol = 1e-9, max = 5) 0.5 * clamp(quotient)[k - 1] + f64(sum[i where key[i] == k] (1000 / (n[i] + 1000000)));\n";

static void change_round(mmsb_instance *const m[2], uint64_t n, uint64_t keys, uint64_t rows)
{
	double x = draw(4) == 0 ? operand(T_F64).F64 : (double)draw(1000) / 64;
	int32_t i = (int32_t)draw(100) - 50;
	uint32_t key = (uint32_t)draw(keys), up = (uint32_t)(draw(3) ? draw(2) : draw(n));
	uint64_t row = draw(n), col = draw(3) ? draw(3) : draw(n);
	switch (draw(8)) {
	case 0: write_both(m, "n", draw(n), &i); break;
	case 1: write_both(m, "up", draw(n), &up); break;
	case 2: write_both(m, "key", draw(n), &key); break;
	case 3: write_both(m, "D", draw(n * rows), &x); break;
	case 4: change_entry(m, "W", row, col, x); break;
	case 5: change_entry(m, "W", col, row, x); break;
	default: write_both(m, "x", draw(n), &x); break;
	}
}

static void run_rounds(uint64_t n, uint64_t keys, uint64_t rows, int threads, const char *least)
{
	setenv("MMSB_STORES", least, 1);
	mmsb_instance *m[2] = {instance_of(rounds_text, threads, 0), instance_of(rounds_text, 1, 1)};
	for (int i = 0; i < 2; i++) {
		ok(mmsb_set_param(m[i], "N", (double)n, &err));
		ok(mmsb_set_param(m[i], "K", (double)keys, &err));
		ok(mmsb_set_param(m[i], "R", (double)rows, &err));
	}
	for (int epoch = 0; epoch < 80; epoch++) {
		uint64_t changes = epoch == 0 ? 4 * n : 1 + draw(3);
		for (uint64_t i = 0; i < changes; i++)
			change_round(m, n, keys, rows);
		int32_t bad = -1000000, good = 1;
		uint64_t at = draw(n);
		bool fails = epoch % 11 == 10;
		if (fails)
			write_both(m, "n", at, &bad);
		int status = mmsb_commit(m[0], NULL, &err);
		ck_assert_int_eq(mmsb_commit(m[1], NULL, &err), status);
		ck_assert_int_eq(status, fails ? MMSB_FAULT : MMSB_OK);
		check_same(m, epoch);
		write_both(m, "n", at, &good);
	}
	mmsb_instance_free(m[0]);
	mmsb_instance_free(m[1]);
	unsetenv("MMSB_STORES");
}

START_TEST(rounds)
{
	run_rounds(70, 3, 4, 1, "1");
	run_rounds(600, 2, 3, 1, "1");
	run_rounds(600, 9, 200, 2, "33");
	run_rounds(1500, 5, 2, 1, "128");
}
END_TEST

/* Groups that stay as they are for a while, and then do not: all that are laid out, of every width, padded and not; few and many members. */
static const char *const groups_text =
	"param N, K;\n"
	"page x : f64[N] in;\npage y : f32[N] in;\npage n : i32[N] in;\npage c : u8[N] in;\npage at : index(N)[N] in;\npage key : index(K)[N] in;\n"
	"page a : f64[K] out;\nedge a[k] <- sum[i where key[i] == k] x[at[i]] * x[i];\n"
	"page b : f32[K] out;\nedge b[k] <- 2.0 * sum[i where key[i] == k] y[i];\n"
	"page d : f32[K] out;\nedge d[k] <- prod[i where key[i] == k] y[i];\n"
	"page e : f64[K] out;\nedge e[k] <- max[i where key[i] == k] x[i];\n"
	"page f : i64[K] out;\nedge f[k] <- sum[i where key[i] == k] i64(n[i]);\n"
	"page g : u8[K] out;\nedge g[k] <- min[i where key[i] == k] c[i];\n"
	"page h : bool[K] out;\nedge h[k] <- any[i where key[i] == k] (n[i] > 40);\n"
	"page w : i16[K] out;\nedge w[k] <- max[i where key[i] == k] i16(c[i]);\n";

/* Keys are drawn so that some groups have most of the members; neighbours are often in the same. */
static uint32_t draw_key(uint64_t keys, uint32_t *last)
{
	if (draw(4) == 0)
		*last = (uint32_t)(draw(3) == 0 ? draw(keys) : draw(keys < 3 ? keys : 3));
	return *last;
}

static void change_members(mmsb_instance *const m[2], uint64_t n, uint64_t keys, uint64_t changes, bool moves)
{
	uint32_t last = 0;
	for (uint64_t i = 0; i < changes; i++) {
		double x = operand(T_F64).F64;
		float y = operand(T_F32).F32;
		int32_t k = (int32_t)draw(100) - 50;
		uint8_t c = (uint8_t)draw(256);
		uint32_t at = (uint32_t)draw(n);
		switch (draw(5)) {
		case 0: write_both(m, "x", draw(n), &x); break;
		case 1: write_both(m, "y", draw(n), &y); break;
		case 2: write_both(m, "n", draw(n), &k); break;
		case 3: write_both(m, "c", draw(n), &c); break;
		default: write_both(m, "at", draw(n), &at);
		}
		last = draw_key(keys, &last);
		if (moves && i < 5)
			write_both(m, "key", draw(n), &last);
	}
}

static void run_groups(uint64_t n, uint64_t keys, int threads, const char *least, const char *regions)
{
	setenv("MMSB_STORES", least, 1);
	mmsb_instance *m[2] = {instance_of(groups_text, threads, 0), instance_of(groups_text, 1, 1)};
	uint32_t last = 0;
	for (int i = 0; i < 2; i++) {
		ok(mmsb_set_param(m[i], "N", (double)n, &err));
		ok(mmsb_set_param(m[i], "K", (double)keys, &err));
		ok(mmsb_bind(m[i], &err));
		setenv("MMSB_REGIONS", regions, 1); /* the second: group by group */
	}
	for (uint64_t i = 0; i < n; i++) {
		last = draw_key(keys, &last);
		write_both(m, "key", i, &last);
	}
	for (int epoch = 0; epoch < 120; epoch++) {
		bool moves = epoch % 40 >= 25 && epoch % 3 == 0;
		change_members(m, n, keys, epoch == 0 ? 4 * n : moves || draw(3) == 0 ? 1 + draw(9) : n / (1 + draw(3)), moves);
		ok(mmsb_commit(m[0], NULL, &err));
		ok(mmsb_commit(m[1], NULL, &err));
		check_same(m, epoch);
	}
	mmsb_instance_free(m[0]);
	mmsb_instance_free(m[1]);
	unsetenv("MMSB_STORES");
	unsetenv("MMSB_REGIONS");
}

START_TEST(groups)
{
	run_groups(40, 1, 1, "1", "B");
	run_groups(500, 7, 1, "1", "B");
	run_groups(3000, 400, 2, "1", "B");
	run_groups(3000, 30, 1, "128", "B");
	run_groups(20000, 5000, 1, "128", "B"); /* too many groups to be poured */
}
END_TEST

/* Operands and elements evaluated by a commit, about. */
static uint64_t work_of(mmsb_instance *m, uint64_t at, double value)
{
	uint64_t before = m->executor->workers[0].work;
	ok(mmsb_scatter(m, page_of(m, "x"), 1, &at, &value, &err));
	ok(mmsb_commit(m, NULL, &err));
	return m->executor->workers[0].work - before;
}

/* A change costs what comes after it, if that changes, and nothing before it. */
START_TEST(prefixes)
{
	enum { N = 1 << 18 };
	mmsb_instance *m = instance_of("param N;\npage x : f64[N] in;\npage s : f64[N] out;\npage most : f64[N] out;\n"
	                               "edge s[i] <- sum[j where j <= i] x[j];\nedge most[i] <- max[j where j < i] x[j];\n", 1, 0);
	ok(mmsb_set_param(m, "N", N, &err));
	ok(mmsb_bind(m, &err));
	work_of(m, 3, 10);
	work_of(m, N - 1, 1);
	ck_assert_uint_lt(work_of(m, N - 1, 2), 10 * TILE);
	ck_assert_uint_lt(work_of(m, N - 2000, 2), 2 * 2000 + 30 * TILE);
	uint64_t all = work_of(m, 0, 5); /* all sums, but no maximum beyond the block */
	ck_assert_uint_gt(all, N);
	ck_assert_uint_lt(all, 3 * N);
	mmsb_instance_free(m);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store");
	TCase *t = tcase_create("store");
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, trees, 0, sizeof presence / sizeof *presence);
	tcase_add_test(t, unchanged);
	tcase_add_test(t, no_room);
	tcase_add_loop_test(t, flats, 0, sizeof everyone / sizeof *everyone);
	tcase_add_test(t, programs);
	tcase_add_test(t, rounds);
	tcase_add_test(t, groups);
	tcase_add_test(t, prefixes);
	suite_add_tcase(s, t);
	return unit_run(s);
}
