/* `mmsb why`: the chain of reads that led from deltas to an element's last change. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "number.h"
#include "why.h"

static const char help[] =
	"Usage: mmsb why DIR PAGE[i, j] [@EPOCH|@TIME] [OPTION]...\n"
	"\n"
	"Says why an element has its value: the last epoch in which it changed (up to the one named), and as a tree which of\n"
	"the elements that it reads changed then, down to the deltas of sources.\n"
	"\n"
	"      --depth N      levels of the tree (default: 8)\n"
	"      --width N      how many elements are shown below one (default: 8)\n"
	"      --help\n"
	"\n"
	"Exit status: 0 fine, 1 the folder or what is asked for is wrong, 2 wrong usage, 3 the machine.\n";

enum { OPT_DEPTH = 256, OPT_WIDTH };
static const struct option options[] = {
	{"depth", required_argument, NULL, OPT_DEPTH}, {"width", required_argument, NULL, OPT_WIDTH}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0},
};
static const args_command command = {"why", help, options, 2, 3, "a folder and an element are missing: mmsb why DIR PAGE[i, j]", NULL};

typedef struct telling {
	uint64_t depth, width;
	why w;
	why_element *seen;
	size_t n_seen, cap_seen;
	mmsb_error err;
} telling;

/* ---- text -------------------------------------------------------------------------------------- */

static void print_value(mmsb_instance *m, const page *p, uint32_t field, uint64_t at)
{
	char text[NUMBER_ROOM + 1];
	scalar v;
	if (!trace_value(m, p, field, at, &v)) {
		fputs("none", stdout);
		return;
	}
	unsigned type = p->element == 0 ? T_BOOL : page_column(m, p, false, field).type;
	text[number_print(text, type, v)] = '\0';
	fputs(text, stdout);
}

static void print_element(mmsb_instance *m, const why_element *e)
{
	const page *p = &m->pages[e->page];
	if (p->def->record == NONE || e->field != NONE) {
		print_value(m, p, e->field, e->at);
		return;
	}
	const sch_record *r = &m->sch->records[p->def->record];
	for (uint32_t f = 0; f < r->n_fields; f++) {
		printf("%s%s ", f == 0 ? "{" : ", ", sch_text(m->sch, m->sch->fields[r->first_field + f].name));
		print_value(m, p, f, e->at);
	}
	putchar('}');
}

static void print_name(const mmsb_instance *m, const why_element *e)
{
	const page *p = &m->pages[e->page];
	const sch_page *d = p->def;
	printf("%s%s", e->prev ? "prev " : "", sch_text(m->sch, d->name));
	if (d->record != NONE && e->field != NONE)
		printf(".%s", sch_text(m->sch, m->sch->fields[m->sch->records[d->record].first_field + e->field].name));
	uint64_t index[MAX_DIMS] = {e->at >> 32, e->at & UINT32_MAX}, at = e->at;
	for (uint32_t k = d->ndim; k-- > 0 && (d->flags & PAGEF_SPARSE) == 0;) {
		index[k] = at % (uint64_t)p->dims[k];
		at /= (uint64_t)p->dims[k];
	}
	for (uint32_t k = 0; k < d->ndim; k++)
		printf("%s%llu%s", k == 0 ? "[" : ", ", (unsigned long long)index[k], k + 1 == d->ndim ? "]" : "");
}

/* ": 3 -> 5" */
static int print_change(telling *t, const why_element *e)
{
	mmsb_instance *m;
	int status = MMSB_OK;
	uint64_t kept = t->w.h->earliest > 1 ? t->w.h->earliest : 0;
	fputs(": ", stdout);
	for (uint64_t k = e->epoch > kept; status == MMSB_OK; k--) {
		status = why_instance(&t->w, e->epoch - k, &m, &t->err);
		if (status == MMSB_OK)
			status = lazy_settle(m, &m->pages[e->page], &t->err);
		if (status != MMSB_OK)
			return status;
		print_element(m, e);
		if (k == 0)
			return status;
		fputs(" -> ", stdout);
	}
	return status;
}

static int print_epoch(telling *t, uint64_t epoch)
{
	char source[LOG_TAG + 1], when[TIME_ROOM];
	uint64_t time;
	int status = why_epoch(&t->w, epoch, source, sizeof source, &time, &t->err);
	history_print_time(time, when);
	if (status == MMSB_OK)
		printf("  epoch %llu, %s%s%s", (unsigned long long)epoch, when, source[0] ? ", source " : "", source);
	return status;
}

/* ---- the tree ---------------------------------------------------------------------------------- */

static bool was_seen(const telling *t, const why_element *e)
{
	for (size_t i = 0; i < t->n_seen; i++) {
		const why_element *s = &t->seen[i];
		if (s->page == e->page && s->field == e->field && s->at == e->at && s->epoch == e->epoch)
			return true;
	}
	return false;
}

static void indent(uint64_t level)
{
	for (uint64_t i = 0; i < level; i++)
		fputs("  ", stdout);
}

static int tell(telling *t, const why_element *e, uint64_t level, uint64_t epoch_above);

static int tell_reads(telling *t, const why_element *e, uint64_t level)
{
	why_element *reads = NULL;
	size_t n = 0;
	int status = why_reads(&t->w, e, &reads, &n, &t->err);
	for (size_t i = 0; i < n && i < t->width && status == MMSB_OK; i++)
		status = tell(t, &reads[i], level + 1, e->epoch);
	if (status == MMSB_OK && n > t->width) {
		indent(level + 1);
		printf("... and %zu more (--width)\n", n - (size_t)t->width);
	}
	free(reads);
	return status;
}

static int tell(telling *t, const why_element *e, uint64_t level, uint64_t epoch_above)
{
	const sch_page *d = &t->w.h->schedule->tables.pages[e->page];
	mmsb_instance *m;
	int status = why_instance(&t->w, e->epoch, &m, &t->err);
	if (status != MMSB_OK)
		return status;
	indent(level);
	print_name(m, e);
	status = print_change(t, e);
	if (status == MMSB_OK && e->epoch != epoch_above)
		status = print_epoch(t, e->epoch);
	bool seen = was_seen(t, e), kept = t->w.h->earliest == 1 || e->epoch > t->w.h->earliest;
	fputs(d->pass == NONE ? "  (delta)\n" : seen ? "  (above)\n" : !kept ? "  (the first epoch that is kept)\n" : "\n", stdout);
	if (status != MMSB_OK || d->pass == NONE || seen || !kept)
		return status;
	if (reserve(&t->seen, &t->cap_seen, (t->n_seen + 1) * sizeof *t->seen))
		return fail_memory(&t->err, t->cap_seen, "the tree");
	t->seen[t->n_seen++] = *e;
	if (level + 1 < t->depth)
		return tell_reads(t, e, level);
	indent(level + 1);
	fputs("... (--depth)\n", stdout);
	return MMSB_OK;
}

/* ---- the whole --------------------------------------------------------------------------------- */

static int find_element(telling *t, const char *text, uint64_t epoch, why_element *e)
{
	mmsb_instance *m;
	mmsb_info info;
	args_elements a;
	int status = why_instance(&t->w, epoch, &m, &t->err);
	if (status == MMSB_OK)
		status = args_elements_parse(&a, m, text, true, &t->err);
	if (status != MMSB_OK)
		return status;
	mmsb_page_info(m, a.page, &info);
	*e = (why_element){.page = (uint32_t)a.page, .field = a.field < 0 ? NONE : (uint32_t)a.field};
	for (unsigned d = 0; d < info.ndim; d++)
		e->at = info.sparse ? e->at << 32 | a.lo[d] : e->at * info.shape[d] + a.lo[d];
	return MMSB_OK;
}

static int tell_why(telling *t, const char *text, uint64_t epoch)
{
	why_element e;
	uint64_t since;
	int status = find_element(t, text, epoch, &e);
	if (status == MMSB_OK)
		status = why_last_change(&t->w, &e, epoch, &e.epoch, &since, &t->err);
	if (status != MMSB_OK || e.epoch > 0)
		return status == MMSB_OK ? tell(t, &e, 0, 0) : status;
	mmsb_instance *m;
	status = why_instance(&t->w, epoch, &m, &t->err);
	if (status == MMSB_OK)
		status = lazy_settle(m, &m->pages[e.page], &t->err);
	if (status != MMSB_OK)
		return status;
	print_name(m, &e);
	fputs(": ", stdout);
	print_element(m, &e);
	if (since > 0)
		printf("  (unchanged since epoch %llu, the first that is kept)\n", (unsigned long long)since);
	else
		fputs("  (its initial value: no epoch has changed it)\n", stdout);
	return MMSB_OK;
}

static int take_option(void *user, int option, char *value)
{
	telling *t = user;
	return option == OPT_DEPTH ? args_count(&command, "--depth", value, 1, UINT64_MAX, &t->depth) : args_count(&command, "--width", value, 1, UINT64_MAX, &t->width);
}

static int run_why(telling *t, int n, char **arguments)
{
	uint64_t epoch;
	int status = args_history(&t->w.h, arguments[0], n == 3 ? arguments[2] + 1 : NULL, &epoch, &t->err);
	return status == MMSB_OK ? tell_why(t, arguments[1], epoch) : status;
}

int cmd_why(int argc, char **argv)
{
	telling t = {.depth = 8, .width = 8};
	int status = args_parse(argc, argv, &command, take_option, &t);
	if (status != RUNOPTS_GO)
		return status;
	if (argc - optind == 3 && argv[optind + 2][0] != '@')
		return args_usage(&command, "'%s': an epoch is written @17", argv[optind + 2]);
	status = args_end(run_why(&t, argc - optind, argv + optind), &t.err);
	why_end(&t.w);
	history_close(t.w.h);
	free(t.seen);
	return status;
}
