/* `mmsb diff`: where two states differ. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "bind.h"
#include "deltatext.h"

static const char help[] =
	"Usage: mmsb diff DIR[@EPOCH|@TIME] DIR2[@EPOCH|@TIME] [--page PAGE]\n"
	"\n"
	"Prints the elements of source, out and state pages that differ, as a text of deltas: what would make the first state\n"
	"the second. Without an epoch a folder's last is taken. Bits are compared: -0 and 0 differ.\n"
	"\n"
	"      --page PAGE    this page alone (any that has values); may be given several times\n"
	"      --help\n"
	"\n"
	"Exit status: 0 they are the same, 1 they differ or a folder is wrong, 2 wrong usage, 3 the machine.\n";

enum { OPT_PAGE = 256, MOST_PAGES = 64 };
static const struct option options[] = {{"page", required_argument, NULL, OPT_PAGE}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
static const args_command command = {"diff", help, options, 2, 2, "two folders are missing: mmsb diff DIR[@EPOCH] DIR2[@EPOCH]", NULL};

typedef struct diff {
	const char *pages[MOST_PAGES];
	int n_pages;
	history *h[2];
	player *p[2];
	outfile out;
	bool differ;
	mmsb_error err;
} diff;

/* ---- pages ------------------------------------------------------------------------------------- */

typedef struct side {
	mmsb_info info;
	const uint8_t *values;
	const uint64_t *row, *col;
} side;

static int look(mmsb_instance *m, int id, side *s, mmsb_error *err)
{
	int status = mmsb_page_info(m, id, &s->info);
	s->values = mmsb_data(m, id);
	if (status == MMSB_OK && s->info.sparse)
		status = mmsb_entries(m, id, &s->row, &s->col, err);
	else if (status == MMSB_OK && s->values == NULL && s->info.count > 0)
		status = fail_memory(err, s->info.count * s->info.element, s->info.name);
	return status;
}

enum { PIECE = 1024 };

/* Differences wait here until there are some, and are written. */
typedef struct found {
	uint64_t index[PIECE], row[PIECE], col[PIECE];
	uint8_t deleted[PIECE];
	uint8_t *values;
	uint64_t n;
} found;

static void write_found(diff *d, const side *b, found *f)
{
	mmsb_changes_view c = {.count = f->n, .index = f->index, .row = f->row, .col = f->col, .deleted = f->deleted,
	                       .values = b->info.element == 0 ? NULL : f->values};
	d->differ |= f->n > 0;
	delta_write(&d->out, &b->info, -1, &c);
	f->n = 0;
}

static void add_entry(diff *d, const side *s, const side *b, uint64_t i, bool gone, found *f)
{
	f->row[f->n] = s->row[i];
	f->col[f->n] = s->col[i];
	f->deleted[f->n] = gone;
	size_t bytes = b->info.element;
	if (bytes > 0)
		memcpy(f->values + f->n * bytes, s->values + i * bytes, bytes);
	if (++f->n == PIECE)
		write_found(d, b, f);
}

static void compare_dense(diff *d, const side *a, const side *b, found *f)
{
	size_t bytes = b->info.element;
	for (uint64_t i = 0; i < b->info.count; i++) {
		if (memcmp(a->values + i * bytes, b->values + i * bytes, bytes) == 0)
			continue;
		f->index[f->n] = i;
		memcpy(f->values + f->n * bytes, b->values + i * bytes, bytes);
		if (++f->n == PIECE)
			write_found(d, b, f);
	}
}

static int order(const side *a, uint64_t i, const side *b, uint64_t k)
{
	if (i == a->info.count || k == b->info.count)
		return i == a->info.count ? (k == b->info.count ? 0 : 1) : -1;
	if (a->row[i] != b->row[k])
		return a->row[i] < b->row[k] ? -1 : 1;
	return a->col[i] == b->col[k] ? 0 : a->col[i] < b->col[k] ? -1 : 1;
}

static void compare_sparse(diff *d, const side *a, const side *b, found *f)
{
	size_t bytes = b->info.element;
	uint64_t i = 0, k = 0;
	while (i < a->info.count || k < b->info.count) {
		int which = order(a, i, b, k);
		if (which < 0)
			add_entry(d, a, b, i, true, f);
		else if (which > 0 || (bytes > 0 && memcmp(a->values + i * bytes, b->values + k * bytes, bytes) != 0))
			add_entry(d, b, b, k, false, f);
		i += which <= 0;
		k += which >= 0;
	}
}

static int compare(diff *d, int ia, int ib)
{
	side a = {.values = NULL}, b = {.values = NULL};
	int status = look(d->p[0]->m, ia, &a, &d->err);
	if (status == MMSB_OK)
		status = look(d->p[1]->m, ib, &b, &d->err);
	if (status != MMSB_OK)
		return status;
	bool same = a.info.ndim == b.info.ndim && a.info.type == b.info.type && a.info.element == b.info.element && a.info.sparse == b.info.sparse;
	for (unsigned k = 0; k < a.info.ndim && same; k++)
		same = a.info.shape[k] == b.info.shape[k];
	if (!same)
		return fail(&d->err, MMSB_SHAPE, "page '%s' has another type or shape in %s than in %s: their elements cannot be compared", a.info.name,
		            d->h[0]->folder, d->h[1]->folder);
	found *f = calloc(1, sizeof *f);
	if (f != NULL)
		f->values = malloc(PIECE * b.info.element + 1);
	if (f == NULL || f->values == NULL) {
		free(f);
		return fail_memory(&d->err, sizeof *f, "what differs");
	}
	if (b.info.sparse)
		compare_sparse(d, &a, &b, f);
	else
		compare_dense(d, &a, &b, f);
	write_found(d, &b, f);
	free(f->values);
	free(f);
	return MMSB_OK;
}

/* ---- the whole --------------------------------------------------------------------------------- */

/* A page of one of the two; -1: it has none of that name. */
static int find_in(diff *d, int which, const char *name)
{
	mmsb_error why;
	int id = find_page(d->p[which]->m, name, &why);
	if (id < 0)
		fail(&d->err, MMSB_NAME, "%.300s: %.600s", d->h[which]->folder, why.message);
	return id;
}

static int compare_named(diff *d, const char *name)
{
	mmsb_info info;
	int a = find_in(d, 0, name), b = a < 0 ? -1 : find_in(d, 1, name);
	if (a < 0 || b < 0)
		return MMSB_NAME;
	mmsb_page_info(d->p[0]->m, a, &info);
	if (!info.stored)
		return fail(&d->err, MMSB_INPUT, "page '%s' has no values of its own, for it is computed where it is used", name);
	return compare(d, a, b);
}

/* Page i, where it is one of those that a digest is made of. */
static const char *page_of_digest(const mmsb_instance *m, uint32_t i)
{
	const sch_page *p = &m->sch->pages[i];
	bool counts = p->role == PAGE_ROLE_IN || p->role == PAGE_ROLE_OUT || (p->flags & PAGEF_STATE) != 0;
	return counts && (p->flags & PAGEF_STORED) != 0 ? sch_text(m->sch, p->name) : NULL;
}

/* States of two programs may have other pages: nothing is left out without a word. */
static int check_pages(diff *d)
{
	for (int which = 0; which < 2; which++) {
		const mmsb_instance *m = d->p[which]->m;
		for (uint32_t i = 0; i < m->sch->n_pages; i++) {
			const char *name = page_of_digest(m, i);
			if (name && mmsb_page(d->p[!which]->m, name) < 0)
				return fail(&d->err, MMSB_NAME, "%.300s has a page '%s' and %.300s has none: the states are of different programs; name the pages "
				                                "that are to be compared with --page", d->h[which]->folder, name, d->h[!which]->folder);
		}
	}
	return MMSB_OK;
}

static int compare_all(diff *d)
{
	int status = check_pages(d);
	const mmsb_instance *m = d->p[0]->m;
	for (uint32_t i = 0; i < m->sch->n_pages && status == MMSB_OK; i++) {
		const char *name = page_of_digest(m, i);
		if (name)
			status = compare_named(d, name);
	}
	return status;
}

static int open_side(diff *d, int i, const char *folder)
{
	uint64_t epoch;
	int status = args_history(&d->h[i], folder, NULL, &epoch, &d->err);
	if (status == MMSB_OK)
		status = player_new(&d->p[i], d->h[i], epoch, false, NULL, &d->err);
	return status == MMSB_OK ? player_to(d->p[i], epoch, NULL, NULL, &d->err) : status;
}

static int run_diff(diff *d, char **folders)
{
	int status = open_side(d, 0, folders[0]);
	if (status == MMSB_OK)
		status = open_side(d, 1, folders[1]);
	if (status == MMSB_OK)
		status = outfile_open(&d->out, "-", false, &d->err);
	for (int i = 0; i < d->n_pages && status == MMSB_OK; i++)
		status = compare_named(d, d->pages[i]);
	if (d->n_pages == 0 && status == MMSB_OK)
		status = compare_all(d);
	if (status == MMSB_OK)
		status = outfile_close(&d->out, &d->err);
	outfile_abort(&d->out);
	for (int i = 0; i < 2; i++) {
		player_free(d->p[i]);
		history_close(d->h[i]);
	}
	return status;
}

static int take_option(void *user, int option, char *value)
{
	diff *d = user;
	(void)option;
	if (d->n_pages == MOST_PAGES)
		return args_usage(&command, "at most %d pages at a time", MOST_PAGES);
	d->pages[d->n_pages++] = value;
	return RUNOPTS_GO;
}

int cmd_diff(int argc, char **argv)
{
	diff d = {.out = {.fd = -1}};
	int status = args_parse(argc, argv, &command, take_option, &d);
	if (status != RUNOPTS_GO)
		return status;
	status = args_end(run_diff(&d, argv + optind), &d.err);
	return status == 0 && d.differ ? 1 : status;
}
