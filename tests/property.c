/* property.c - random programs on random data: the real executor, with one thread and with several, must hold the same
 * bits in every page after every epoch as the naive evaluator; an epoch that fails for one fails for both and changes nothing.
 *
 *   property [--programs N] [--seed S|random] [--epochs E] [--threads T] [--keep PATH] [--print] [--naive]
 *
 * Program number i has the seed S + i: a failure prints it and keeps the program's text and deltas beside PATH. Pages are
 * small, so the executor is told to share work among threads all the same, and in other programs which way to go in
 * reductions. With --naive the executor is left out. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../compiler/compile.h"
#include "../lang/module.h"
#include "../runtime/container.h"
#include "../runtime/mmsb.h"
#include "generate.h"

typedef struct settings {
	uint64_t seed;
	uint32_t programs, epochs, threads;
	const char *keep;
	bool print, naive_only;
} settings;

typedef struct totals {
	uint32_t passed, failed, epochs, failing_epochs, empty;
} totals;

enum { RUNS = 2 }; /* the executor with one thread, and with several */

/* One program at work. */
typedef struct trial {
	const settings *set;
	uint64_t seed;
	generated program;
	lang_ctx *ctx;
	p_program *checked;
	naive *naive;
	mmsb_instance *runs[RUNS];
	changes deltas;
	FILE *log;       /* the deltas so far, as text */
	char *log_text;
	size_t log_size;
	char why[1400];
} trial;

/* ---- reports --------------------------------------------------------------------------- */

static bool complain(trial *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool complain(trial *t, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(t->why, sizeof t->why, fmt, args);
	va_end(args);
	return false;
}

static void write_text(const char *path, const char *bytes, size_t n)
{
	FILE *to = fopen(path, "w");
	if (!to || fwrite(bytes, 1, n, to) != n || fclose(to) != 0)
		fprintf(stderr, "property: cannot write %s: %s\n", path, strerror(errno));
}

/* What one needs to see it again: the program, its sizes and the deltas up to the failure. */
static void keep(trial *t)
{
	char path[512];
	if (t->log)
		fflush(t->log);
	snprintf(path, sizeof path, "%s-%" PRIu64 ".mmsb", t->set->keep, t->seed);
	write_text(path, t->program.text, strlen(t->program.text));
	printf("seed %" PRIu64 ": %s\n  program %s", t->seed, t->why, path);
	if (t->log_text) {
		snprintf(path, sizeof path, "%s-%" PRIu64 ".delta", t->set->keep, t->seed);
		write_text(path, t->log_text, t->log_size);
		printf(", deltas %s", path);
	}
	for (uint32_t i = 0; i < t->program.n_sizes; i++)
		printf(" -D %s=%" PRId64, t->program.size_names[i], t->program.sizes[i]);
	printf("\n");
	if (t->ctx && lang_failed(t->ctx))
		lang_print_diags(t->ctx, stdout, false);
}

/* ---- the two sides --------------------------------------------------------------------- */

static bool check(trial *t)
{
	lang_search search = {NULL, 0, NULL};
	t->ctx = lang_ctx_new();
	if (!t->ctx)
		return complain(t, "out of memory");
	lang_program *loaded = lang_load_text(t->ctx, "program.mmsb", t->program.text, strlen(t->program.text), &search);
	t->checked = loaded ? lang_check(t->ctx, loaded) : NULL;
	return t->checked ? true : complain(t, "the checker does not take it");
}

static bool make_naive(trial *t)
{
	uint32_t n = t->checked->n_params;
	scalar *values = naive_room(NULL, n, sizeof *values);
	bool *given = naive_room(NULL, n, sizeof *given);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < t->program.n_sizes; k++)
			if (strcmp(t->checked->params[i]->name, t->program.size_names[k]) == 0) {
				values[i].I64 = t->program.sizes[k];
				given[i] = true;
			}
	t->naive = naive_new(t->checked, values, given);
	free(values);
	free(given);
	return t->naive ? true : complain(t, "the naive evaluator does not take it");
}

static bool make_run(trial *t, mmsb_schedule *s, int threads, mmsb_instance **out)
{
	mmsb_error err;
	mmsb_options options = {.size = sizeof options, .threads = threads, .scratch = 1};
	if (mmsb_instance_new(out, s, &options, &err))
		return complain(t, "no instance: %s", err.message);
	for (uint32_t k = 0; k < t->program.n_sizes; k++)
		if (mmsb_set_param_value(*out, t->program.size_names[k], &t->program.sizes[k], NULL, &err))
			return complain(t, "no param: %s", err.message);
	return mmsb_bind(*out, &err) ? complain(t, "no binding: %s", err.message) : true;
}

/* What the executor would choose by size is chosen by the seed. */
static void choose_ways(const trial *t)
{
	static const char *const regions[] = {"", "", "A", "B", "C"};
	static const char *const grains[] = {"1", "64", ""};
	setenv("MMSB_REGIONS", regions[t->seed % 5], 1);
	setenv("MMSB_GRAIN", grains[t->seed / 5 % 3], 1);
}

static bool make_runs(trial *t)
{
	schedule sch = {0};
	mmsb_schedule *loaded = NULL;
	mmsb_error err;
	uint8_t *bytes = NULL;
	size_t n = 0;
	ir_graph *graph = ir_lower(t->checked);
	if (!graph || !ir_run_passes(graph, NULL) || !ir_schedule(graph, &sch))
		return complain(t, "the compiler does not take it");
	const char *wrong = ir_verify(graph);
	if (wrong)
		return complain(t, "the graph is wrong: %s", wrong);
	if (schedule_write(&sch, &bytes, &n, &err))
		return complain(t, "the schedule cannot be written: %s", err.message);
	choose_ways(t);
	int status = mmsb_schedule_load(&loaded, bytes, n, &err);
	free(bytes);
	if (status)
		return complain(t, "the schedule does not load: %s", err.message);
	bool ok = make_run(t, loaded, 1, &t->runs[0]) && make_run(t, loaded, (int)t->set->threads, &t->runs[1]);
	mmsb_schedule_close(loaded);
	return ok;
}

/* ---- deltas ---------------------------------------------------------------------------- */

static int stage_one(mmsb_instance *m, const naive *n, const change *c, mmsb_error *err)
{
	const p_page *page = n->program->pages[c->page];
	int id = mmsb_page(m, page->name);
	bool pattern = page->type.base == B_SCALAR && page->type.scalar == T_BOOL;
	if (page->sparse && c->erase)
		return mmsb_erase(m, id, 1, &c->at, &c->col, err);
	if (page->sparse)
		return mmsb_insert(m, id, 1, &c->at, &c->col, pattern ? NULL : c->value, err);
	if (c->field >= 0)
		return mmsb_scatter_field(m, id, (unsigned)c->field, 1, &c->at, c->value, err);
	return mmsb_scatter(m, id, 1, &c->at, c->value, err);
}

static bool stage(trial *t)
{
	mmsb_error err;
	for (size_t i = 0; i < t->deltas.n; i++) {
		const change *c = &t->deltas.items[i];
		if (t->checked->pages[c->page]->sparse)
			naive_entry(t->naive, c->page, c->at, c->col, c->erase ? NULL : c->value, c->erase);
		else
			naive_set(t->naive, c->page, c->field, c->at, c->value);
		for (int k = 0; k < RUNS && t->runs[k]; k++)
			if (stage_one(t->runs[k], t->naive, c, &err))
				return complain(t, "a delta is refused: %s", err.message);
	}
	char *lines = changes_text(t->naive, &t->deltas);
	if (lines && t->log)
		fprintf(t->log, "%scommit\n", lines);
	free(lines);
	return true;
}

/* ---- comparing ------------------------------------------------------------------------- */

static bool differ(trial *t, const naive_page *p, size_t i, const unsigned char *got, int run, uint64_t epoch)
{
	char want_text[64] = "", got_text[64] = "";
	for (size_t k = 0; k < p->bytes && k < 24; k++) {
		snprintf(want_text + 2 * k, 3, "%02x", p->now.data[i * p->bytes + p->bytes - 1 - k]);
		snprintf(got_text + 2 * k, 3, "%02x", got[i * p->bytes + p->bytes - 1 - k]);
	}
	if (p->page->type.base == B_SCALAR && p->page->type.scalar == T_F64)
		return complain(t, "epoch %" PRIu64 ", run %d, page '%s', element %zu: %s (%.17g), should be %s (%.17g)", epoch, run,
		                p->page->name, i, got_text, ((const double *)(const void *)got)[i], want_text,
		                ((const double *)(const void *)p->now.data)[i]);
	return complain(t, "epoch %" PRIu64 ", run %d, page '%s', element %zu: %s, should be %s", epoch, run, p->page->name, i,
	                got_text, want_text);
}

static bool same_page(trial *t, int run, const naive_page *p, uint64_t epoch)
{
	mmsb_info info;
	mmsb_error err;
	const uint64_t *row, *col;
	int id = mmsb_page(t->runs[run], p->page->name);
	if (id < 0 || mmsb_page_info(t->runs[run], id, &info))
		return complain(t, "page '%s' is not there", p->page->name);
	if (!info.stored)
		return p->page->role == ROLE_INTERNAL ? true : complain(t, "page '%s' is not stored", p->page->name);
	const unsigned char *got = mmsb_data(t->runs[run], id);
	if (info.count != p->now.n)
		return complain(t, "epoch %" PRIu64 ", run %d, page '%s' has %" PRIu64 " elements, should have %zu", epoch, run,
		                p->page->name, info.count, p->now.n);
	if (p->page->sparse) {
		if (mmsb_entries(t->runs[run], id, &row, &col, &err))
			return complain(t, "no entries: %s", err.message);
		for (size_t i = 0; i < p->now.n; i++)
			if (row[i] != p->now.row[i] || col[i] != p->now.col[i])
				return complain(t, "epoch %" PRIu64 ", run %d, page '%s': other entries", epoch, run, p->page->name);
		if (p->page->type.scalar == T_BOOL)
			return true;
	}
	for (size_t i = 0; i < p->now.n; i++)
		if (memcmp(got + i * p->bytes, p->now.data + i * p->bytes, p->bytes) != 0)
			return differ(t, p, i, got, run, epoch);
	return true;
}

static bool same_pages(trial *t, uint64_t epoch)
{
	char first[33] = "", hex[33];
	mmsb_error err;
	for (int k = 0; k < RUNS && t->runs[k]; k++) {
		for (uint32_t i = 0; i < t->checked->n_pages; i++)
			if (!same_page(t, k, &t->naive->pages[i], epoch))
				return false;
		if (mmsb_digest(t->runs[k], hex, &err))
			return complain(t, "no digest: %s", err.message);
		if (k > 0 && strcmp(first, hex) != 0)
			return complain(t, "epoch %" PRIu64 ": digests differ between numbers of threads", epoch);
		memcpy(first, hex, sizeof first);
	}
	return true;
}

static bool one_epoch(trial *t, rng *r, uint32_t number, totals *sum)
{
	generate_epoch(r, t->naive, t->naive->epoch == 0, &t->deltas);
	if (!stage(t))
		return false;
	bool stands = naive_commit(t->naive);
	sum->epochs++;
	sum->failing_epochs += !stands;
	if (t->naive->broken)
		return complain(t, "epoch %u: %s", number, t->naive->why);
	for (int k = 0; k < RUNS && t->runs[k]; k++) {
		mmsb_error err = {.message = ""};
		int status = mmsb_commit(t->runs[k], NULL, &err);
		if ((status == MMSB_OK) != stands)
			return complain(t, "epoch %u, run %d: %s, should %s", number, k, status ? err.message : "succeeds",
			                stands ? "succeed" : t->naive->why);
		if (status != MMSB_OK && status != MMSB_FAULT)
			return complain(t, "epoch %u, run %d: %s", number, k, err.message);
	}
	/* Before the first epoch that stands, pages have no values to compare. */
	return t->naive->epoch == 0 || same_pages(t, number);
}

static bool run_trial(trial *t, totals *sum)
{
	rng r = {t->seed ^ UINT64_C(0x5851f42d4c957f2d)};
	t->program = generate_program(t->seed);
	if (t->set->print)
		fputs(t->program.text, stdout);
	t->log = open_memstream(&t->log_text, &t->log_size);
	if (!check(t) || !make_naive(t) || (!t->set->naive_only && !make_runs(t)))
		return false;
	for (uint32_t e = 1; e <= t->set->epochs; e++)
		if (!one_epoch(t, &r, e, sum))
			return false;
	sum->empty += t->naive->epoch == 0;
	return true;
}

static void one_program(const settings *set, uint64_t seed, totals *sum)
{
	trial t = {.set = set, .seed = seed};
	if (run_trial(&t, sum)) {
		sum->passed++;
	} else {
		sum->failed++;
		keep(&t);
	}
	for (int k = 0; k < RUNS; k++)
		mmsb_instance_free(t.runs[k]);
	naive_free(t.naive);
	lang_ctx_free(t.ctx);
	generated_free(&t.program);
	free(t.deltas.items);
	if (t.log)
		fclose(t.log);
	free(t.log_text);
}

/* ---- the program ----------------------------------------------------------------------- */

static bool number(const char *text, uint64_t *out)
{
	char *end;
	errno = 0;
	*out = strtoull(text, &end, 0);
	return errno == 0 && *text && !*end;
}

static bool options(settings *set, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		uint64_t value = 0;
		const char *name = argv[i];
		if (strcmp(name, "--print") == 0) {
			set->print = true;
			continue;
		}
		if (strcmp(name, "--naive") == 0) {
			set->naive_only = true;
			continue;
		}
		if (++i >= argc)
			return false;
		if (strcmp(name, "--keep") == 0) {
			set->keep = argv[i];
			continue;
		}
		if (strcmp(argv[i], "random") == 0 && strcmp(name, "--seed") == 0)
			value = (uint64_t)time(NULL) << 20;
		else if (!number(argv[i], &value))
			return false;
		if (strcmp(name, "--seed") == 0)
			set->seed = value;
		else if (strcmp(name, "--programs") == 0)
			set->programs = (uint32_t)value;
		else if (strcmp(name, "--epochs") == 0)
			set->epochs = (uint32_t)value;
		else if (strcmp(name, "--threads") == 0)
			set->threads = (uint32_t)value;
		else
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	settings set = {.seed = 1, .programs = 2000, .epochs = 4, .threads = 3, .keep = "property"};
	totals sum = {0};
	if (!options(&set, argc, argv)) {
		fputs("usage: property [--programs N] [--seed S|random] [--epochs E] [--threads T] [--keep PATH] [--print] [--naive]\n",
		      stderr);
		return 2;
	}
	for (uint32_t i = 0; i < set.programs; i++)
		one_program(&set, set.seed + i, &sum);
	printf("seeds %" PRIu64 " to %" PRIu64 ": %u epochs, %u of them failing in both; %u programs without a good epoch\n",
	       set.seed, set.seed + set.programs - 1, sum.epochs, sum.failing_epochs, sum.empty);
	printf("%u passed, %u failed\n", sum.passed, sum.failed);
	return sum.failed > 0;
}
