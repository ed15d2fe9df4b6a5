/* `mmsb show`: elements of a page as they were after an epoch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "deltatext.h"

static const char help[] =
	"Usage: mmsb show DIR[@EPOCH|@TIME] PAGE[i, j..k]\n"
	"\n"
	"Prints elements of a page as they were after an epoch (without one: the last), as a text of deltas. An index is a\n"
	"number, a range without its end (2..5, 2.., ..), for each dimension; without brackets the whole page is printed.\n"
	"Of a page of records a field may be named: quote.bid[3]. Of a sparse page the entries there are printed.\n"
	"\n"
	"Exit status: 0 fine, 1 the folder or what is asked for is wrong, 2 wrong usage, 3 the machine.\n";

static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
static const args_command command = {"show", help, options, 2, 2, "a folder and a page are missing: mmsb show DIR PAGE[i, j]", NULL};

static bool within(const args_elements *e, const mmsb_info *info, uint64_t at)
{
	for (unsigned d = info->ndim; d-- > 0;) {
		uint64_t i = at % info->shape[d];
		at /= info->shape[d];
		if (i < e->lo[d] || i >= e->hi[d])
			return false;
	}
	return true;
}

static int show_sparse(outfile *out, mmsb_instance *m, const args_elements *e, const mmsb_info *info, mmsb_error *err)
{
	const uint64_t *row, *col;
	int status = mmsb_entries(m, e->page, &row, &col, err);
	if (status != MMSB_OK)
		return status;
	uint8_t *gone = calloc(info->count + 1, 1);
	if (gone == NULL)
		return fail_memory(err, info->count, "the entries of a page");
	const uint8_t *values = mmsb_data(m, e->page);
	for (uint64_t i = 0, n; i < info->count; i += n) {
		for (n = 0; i + n < info->count && row[i + n] >= e->lo[0] && row[i + n] < e->hi[0] && col[i + n] >= e->lo[1] && col[i + n] < e->hi[1];)
			n++;
		mmsb_changes_view some = {.count = n, .row = row + i, .col = col + i, .deleted = gone,
		                          .values = values == NULL ? NULL : values + i * info->element};
		delta_write(out, info, -1, &some);
		n += n == 0;
	}
	free(gone);
	return MMSB_OK;
}

/* Positions by the piece; their values lie where they do in the page. */
static int show_dense(outfile *out, mmsb_instance *m, const args_elements *e, const mmsb_info *info, mmsb_error *err)
{
	enum { PIECE = 4096 };
	uint64_t index[PIECE];
	const uint8_t *values = mmsb_data(m, e->page);
	if (values == NULL)
		return fail_memory(err, info->count * info->element, info->name);
	for (uint64_t at = 0, n; at < info->count; at += n + (n == 0)) {
		for (n = 0; n < PIECE && at + n < info->count && within(e, info, at + n); n++)
			index[n] = at + n;
		mmsb_changes_view some = {.count = n, .index = index, .values = values + at * info->element};
		delta_write(out, info, e->field, &some);
	}
	return MMSB_OK;
}

static int show(const char *folder, const char *what, mmsb_error *err)
{
	history *h;
	player *p = NULL;
	uint64_t epoch;
	args_elements e;
	mmsb_info info;
	outfile out = {.fd = -1};
	int status = args_history(&h, folder, NULL, &epoch, err);
	if (status == MMSB_OK)
		status = player_new(&p, h, epoch, false, NULL, err);
	if (status == MMSB_OK)
		status = args_elements_parse(&e, p->m, what, false, err);
	if (status == MMSB_OK)
		status = player_to(p, epoch, NULL, NULL, err);
	if (status == MMSB_OK)
		status = outfile_open(&out, "-", false, err);
	if (status == MMSB_OK)
		status = mmsb_page_info(p->m, e.page, &info);
	if (status == MMSB_OK)
		status = info.sparse ? show_sparse(&out, p->m, &e, &info, err) : show_dense(&out, p->m, &e, &info, err);
	if (status == MMSB_OK)
		status = outfile_close(&out, err);
	outfile_abort(&out);
	player_free(p);
	history_close(h);
	return status;
}

static int no_option(void *user, int option, char *value)
{
	(void)user, (void)option, (void)value;
	return RUNOPTS_GO;
}

int cmd_show(int argc, char **argv)
{
	mmsb_error err = {.message = ""};
	int status = args_parse(argc, argv, &command, no_option, NULL);
	return status == RUNOPTS_GO ? args_end(show(argv[optind], argv[optind + 1], &err), &err) : status;
}
