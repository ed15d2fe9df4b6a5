/* check_repair.c - exact fixpoints under change: after every epoch the repaired page has the bits of a whole evaluation, and the values
 * that an algorithm of its own finds; what is said to have changed has.
 *
 * As a program: check_repair --epochs N --seed S runs until N epochs have been compared. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../runtime/repair.h"
#include "../runtime/scalar.h"
#include "repair_cases.h"
#include "unit.h"

/* ---- random numbers ---------------------------------------------------------------------------- */

static uint64_t seed, drawn;
static uint64_t compared, evaluated_whole; /* epochs */

static uint64_t draw(void) { return mmsb_rand_step_u64(0x66697865, seed, drawn++); }
static uint64_t below(uint64_t n) { return n ? draw() % n : 0; }
static bool chance(unsigned percent) { return below(100) < percent; }

/* ---- a run ------------------------------------------------------------------------------------- */

typedef struct world {
	const repair_case *c;
	char text[2048];
	model m;
	mmsb_instance *repaired, *whole;
	int mode;              /* of weights */
	uint8_t *before;
	uint64_t bytes;
} world;

static mmsb_error err, other;

static bool alone;         /* not under Check */

static void give_up(const world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void give_up(const world *w, const char *fmt, ...)
{
	char what[1200];
	va_list args;
	va_start(args, fmt);
	vsnprintf(what, sizeof what, fmt, args);
	va_end(args);
	if (!alone)
		ck_abort_msg("seed %llu, %s: %s\n%s", (unsigned long long)seed, w->c->name, what, w->text);
	fprintf(stderr, "seed %llu, %s: %s\n%s0 passed, 1 failed\n", (unsigned long long)seed, w->c->name, what, w->text);
	exit(1);
}

static void ok(const world *w, int status)
{
	if (status)
		give_up(w, "%s", err.message);
}

static double weight(const world *w)
{
	if (w->c->type != 'f')
		return (double)below(w->c->type == 'c' ? 60 : 3);
	if (w->c->unit)
		return w->mode == 0 ? (double)below(3) / 2 : mmsb_rand_unit_u64(draw());
	switch (w->mode) {
	case 0: return (double)below(3);
	case 1: return ldexp(1 + mmsb_rand_unit_u64(draw()), (int)below(40) - 30);
	default: return chance(60) ? ldexp(1, (int)below(8) - 54) : 1 + (double)below(2); /* many are absorbed */
	}
}

static double source(const world *w)
{
	double far = w->c->unit ? 0 : w->c->type == 'f' ? INFINITY : w->c->type == 'c' ? 127 : 1e6;
	if (w->c->most && !w->c->unit)
		far = -1;
	if (chance(80))
		return far;
	return w->c->type == 'f' && !w->c->unit && chance(10) && !w->c->most ? -0.0 : weight(w);
}

/* ---- staging: to both instances and the model --------------------------------------------------- */

static void put_value(const world *w, double v, void *out)
{
	int64_t i = (int64_t)v;
	int8_t c = (int8_t)v;
	memcpy(out, w->c->type == 'f' ? (void *)&v : w->c->type == 'i' ? (void *)&i : (void *)&c, w->c->type == 'c' ? 1 : 8);
}

static void stage(world *w, const char *name, uint64_t at, const void *value)
{
	ok(w, mmsb_scatter(w->repaired, mmsb_page(w->repaired, name), 1, &at, value, &err));
	ok(w, mmsb_scatter(w->whole, mmsb_page(w->whole, name), 1, &at, value, &err));
}

static void set_entry(world *w, unsigned which, uint64_t i, uint64_t j, double v)
{
	uint8_t value[8];
	const char *name = which ? "V" : "W";
	put_value(w, v, value);
	w->m.w[which][i * w->m.n + j] = v;
	ok(w, mmsb_insert(w->repaired, mmsb_page(w->repaired, name), 1, &i, &j, w->c->pattern ? NULL : value, &err));
	ok(w, mmsb_insert(w->whole, mmsb_page(w->whole, name), 1, &i, &j, w->c->pattern ? NULL : value, &err));
}

static void drop_entry(world *w, unsigned which, uint64_t i, uint64_t j)
{
	const char *name = which ? "V" : "W";
	w->m.w[which][i * w->m.n + j] = NAN;
	ok(w, mmsb_erase(w->repaired, mmsb_page(w->repaired, name), 1, &i, &j, &err));
	ok(w, mmsb_erase(w->whole, mmsb_page(w->whole, name), 1, &i, &j, &err));
}

/* Half of the changes of a matrix take an entry away, if one is near. */
static void change_matrix(world *w, unsigned which)
{
	uint64_t n = w->m.n, i = below(n), j = below(n);
	if (chance(50)) {
		for (uint64_t k = 0; k < n; k++, j = (j + 1) % n)
			if (!isnan(w->m.w[which][i * n + j])) {
				drop_entry(w, which, i, j);
				return;
			}
	} else if (chance(50)) {
		for (uint64_t k = 0; k < n && isnan(w->m.w[which][i * n + j]); k++)
			j = (j + 1) % n;
	}
	set_entry(w, which, i, j, weight(w));
}

static void change_dense(world *w, uint64_t i, uint64_t j)
{
	uint8_t value[8];
	w->m.d[i * w->m.n + j] = weight(w);
	put_value(w, w->m.d[i * w->m.n + j], value);
	stage(w, "D", i * w->m.n + j, value);
}

static void change_vector(world *w, char name, uint64_t v)
{
	uint8_t value[8] = {0};
	switch (name) {
	case 'c':
		w->m.c[v] = source(w);
		put_value(w, w->m.c[v], value);
		stage(w, "c", v, value);
		break;
	case 'b':
		value[0] = w->m.b[v] = chance(w->c->rare ? 10 : 50);
		stage(w, "b", v, value);
		break;
	case 'k':
		w->m.next[v] = (uint32_t)below(w->m.n);
		stage(w, "next", v, &w->m.next[v]);
		break;
	default:
		w->m.s[name == 't'][v] = (int32_t)below(3);
		stage(w, name == 't' ? "t" : "s", v, &w->m.s[name == 't'][v]);
		break;
	}
}

static void change(world *w)
{
	char input = w->c->inputs[below(strlen(w->c->inputs))];
	uint64_t n = w->m.n;
	if (input == 'W' || input == 'V')
		change_matrix(w, input == 'V');
	else if (input == 'D')
		change_dense(w, below(n), below(n));
	else
		change_vector(w, input, below(n));
}

/* ---- first values ------------------------------------------------------------------------------ */

static void random_graph(world *w, unsigned which)
{
	uint64_t n = w->m.n, entries = below(4 * n + 1);
	unsigned kind = (unsigned)below(3), side = (unsigned)sqrt((double)n);
	for (uint64_t e = 0; e < entries; e++) {
		uint64_t i = below(n), j = below(n);
		if (kind == 1) { /* a grid */
			j = chance(50) ? i + 1 : i + side;
			if (j >= n)
				continue;
			if (chance(50)) {
				uint64_t t = i;
				i = j;
				j = t;
			}
		} else if (kind == 2) { /* as R-MAT: halves of unequal weight */
			i = j = 0;
			for (uint64_t half = n / 2; half > 0; half /= 2) {
				unsigned r = (unsigned)below(100);
				i += r >= 76 ? half : 0;
				j += (r >= 57 && r < 76) || r >= 95 ? half : 0;
			}
		}
		if (isnan(w->m.w[which][i * n + j]))
			set_entry(w, which, i, j, weight(w));
	}
}

static void flights_graph(world *w)
{
	char path[1024], line[256];
	const char *dir = getenv("MMSB_SRCDIR");
	snprintf(path, sizeof path, "%s/examples/flights/flights.mtx", dir ? dir : ".");
	FILE *f = fopen(path, "r");
	if (!f) {
		give_up(w, "no %s", path);
		return;
	}
	unsigned i, j, count, header = 2;
	while (fgets(line, sizeof line, f))
		if (header)
			header--;
		else if (sscanf(line, "%u %u %u", &i, &j, &count) == 3)
			set_entry(w, 0, i - 1, j - 1, weight(w));
	fclose(f);
}

static void first_values(world *w, bool flights)
{
	uint64_t n = w->m.n;
	for (const char *in = w->c->inputs; *in; in++) {
		if (*in == 'W' && flights)
			flights_graph(w);
		else if (*in == 'W' || *in == 'V')
			random_graph(w, *in == 'V');
		else if (*in == 'D')
			for (uint64_t p = 0; p < n * n; p++)
				change_dense(w, p / n, p % n);
		else
			for (uint64_t v = 0; v < n; v++)
				change_vector(w, *in, v);
	}
	if (strchr(w->c->inputs, 'c') && n) { /* somewhere to begin */
		uint8_t value[8];
		w->m.c[0] = w->c->most ? 1 : 0;
		put_value(w, w->m.c[0], value);
		stage(w, "c", 0, value);
	}
}

static void open_world(world *w, const repair_case *c, uint64_t n, bool flights)
{
	const int64_t one = 1;
	*w = (world){.c = c, .mode = (int)below(3)};
	repair_case_text(c, w->text, sizeof w->text, draw);
	model_new(&w->m, n);
	setenv("MMSB_REPAIR", chance(70) ? "1000000" : "15", 1);
	w->repaired = repair_case_instance(w->text, (double)n, false);
	w->whole = repair_case_instance(w->text, (double)n, true);
	mmsb_info info;
	ok(w, mmsb_page_info(w->whole, mmsb_page(w->whole, "x"), &info));
	w->bytes = info.count * info.element;
	w->before = malloc(w->bytes + 1);
	if (!w->before)
		give_up(w, "no memory");
	first_values(w, flights);
	stage(w, "fails", 0, &one);
	ok(w, mmsb_commit(w->repaired, NULL, &err));
	ok(w, mmsb_commit(w->whole, NULL, &err));
}

static void close_world(world *w)
{
	mmsb_instance_free(w->repaired);
	mmsb_instance_free(w->whole);
	free(w->before);
	model_free(&w->m);
}

/* ---- epochs ------------------------------------------------------------------------------------ */

static page *page_of(mmsb_instance *m) { return &m->pages[mmsb_page(m, "x")]; }

static void commit(world *w)
{
	memcpy(w->before, page_of(w->repaired)->cur, w->bytes);
	ok(w, mmsb_commit(w->repaired, NULL, &err));
	ok(w, mmsb_commit(w->whole, NULL, &err));
}

/* An epoch that fails in both, with the same message, and leaves nothing behind. */
static void fail_commit(world *w)
{
	memcpy(w->before, page_of(w->repaired)->cur, w->bytes);
	int a = mmsb_commit(w->repaired, NULL, &err), b = mmsb_commit(w->whole, NULL, &other);
	if (a != MMSB_FAULT || b != MMSB_FAULT || strcmp(other.message, err.message) != 0)
		give_up(w, "two failures: %d %s\n%d %s", a, err.message, b, other.message);
	if (memcmp(w->before, page_of(w->repaired)->cur, w->bytes) != 0)
		give_up(w, "an epoch that failed left something behind");
}

static void compare(world *w, uint64_t epoch)
{
	const page *a = page_of(w->repaired), *b = page_of(w->whole);
	uint64_t n = a->count;
	for (uint64_t v = 0; v < n; v++) {
		const uint8_t *x = a->cur + v * a->element, *y = b->cur + v * b->element;
		bool differs = memcmp(x, w->before + v * a->element, a->element) != 0;
		if (memcmp(x, y, a->element) != 0)
			give_up(w, "epoch %llu: element %llu of %llu is not that of a whole evaluation", (unsigned long long)epoch, (unsigned long long)v,
			        (unsigned long long)n);
		if (differs != bitset_test(&a->now[0].bits, v))
			give_up(w, "epoch %llu: element %llu: it is not noted right whether it changed", (unsigned long long)epoch, (unsigned long long)v);
	}
	compared++;
	evaluated_whole += w->repaired->executor->keeps[a->def->pass]->whole;
	const char *wrong = w->c->reference ? w->c->reference(&w->m, b->cur) : NULL;
	if (wrong)
		give_up(w, "epoch %llu: %s", (unsigned long long)epoch, wrong);
}

static void failing_epoch(world *w)
{
	uint64_t i = below(w->m.n), j = below(w->m.n);
	double old = w->m.w[0][i * w->m.n + j];
	set_entry(w, 0, i, j, w->c->type == 'f' && chance(50) ? (double)NAN : w->c->unit ? 2 : -1);
	w->m.w[0][i * w->m.n + j] = old;
	fail_commit(w);
}

/* What comes after the fixpoint fails. */
static void epoch_that_fails_later(world *w)
{
	const int64_t zero = 0;
	model kept;
	model_copy(&kept, &w->m);
	for (uint64_t k = 1 + below(3); k > 0; k--)
		change(w);
	stage(w, "fails", 0, &zero);
	fail_commit(w);
	model_free(&w->m);
	w->m = kept;
}

/* Epochs of one program; returns how many. */
static uint64_t run_world(uint64_t one_seed, const repair_case *c, uint64_t n, bool flights, uint64_t epochs)
{
	world w;
	seed = one_seed;
	drawn = 0;
	open_world(&w, c, n, flights);
	for (uint64_t e = 2; e < epochs + 2; e++) {
		if (c->can_fail && n && chance(2))
			failing_epoch(&w);
		if (n && chance(2))
			epoch_that_fails_later(&w);
		for (uint64_t k = n ? 1 + (chance(20) ? below(12) : below(3)) : 0; k > 0; k--)
			change(&w);
		commit(&w);
		compare(&w, e);
	}
	close_world(&w);
	return epochs;
}

static uint64_t run_seed(uint64_t s)
{
	const repair_case *c = &repair_cases[s % n_repair_cases];
	seed = s;
	drawn = 1u << 20;
	bool flights = c->graph && chance(3);
	uint64_t most = c->table ? 10 : 40, n = flights ? 305 : chance(5) ? 0 : chance(10) ? below(c->table ? 24 : 300) : below(most) + 1;
	return run_world(s, c, n, flights, n > 100 ? 20 : 100);
}

START_TEST(every_case)
{
	for (uint64_t s = 0; s < 2 * n_repair_cases; s++)
		run_seed((uint64_t)_i * 2 * n_repair_cases + s);
	ck_assert_uint_lt(evaluated_whole, compared / 2);
}
END_TEST

START_TEST(flights)
{
	const repair_case *c = &repair_cases[_i];
	if (c->graph)
		run_world((uint64_t)_i, c, 305, true, 20);
}
END_TEST

static int long_run(uint64_t epochs, uint64_t from)
{
	uint64_t done = 0, s = from;
	alone = true;
	while (done < epochs)
		done += run_seed(s++);
	printf("%llu epochs compared, %llu of them evaluated whole; seeds %llu to %llu\n1 passed, 0 failed\n", (unsigned long long)compared,
	       (unsigned long long)evaluated_whole, (unsigned long long)from, (unsigned long long)s - 1);
	return 0;
}

int main(int argc, char **argv)
{
	uint64_t epochs = 0, from = 0;
	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--epochs") == 0)
			epochs = strtoull(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--seed") == 0)
			from = strtoull(argv[i + 1], NULL, 10);
	}
	if (epochs)
		return long_run(epochs, from);
	Suite *s = suite_create("repair");
	TCase *c = tcase_create("random");
	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, every_case, 0, 1);
	tcase_add_loop_test(c, flights, 0, (int)n_repair_cases);
	suite_add_tcase(s, c);
	return unit_run(s);
}
