/* `mmsb log`: what stands in the log of a state folder, epoch by epoch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lang/source.h"
#include "args.h"
#include "cmd_log.h"

static const char help[] =
	"Usage: mmsb log DIR [OPTION]...\n"
	"       mmsb log repair DIR NEWDIR\n"
	"       mmsb log compact DIR --before EPOCH\n"
	"\n"
	"Lists the epochs of a state folder: number, time, source, and how many deltas each page got.\n"
	"\n"
	"      --page PAGE           only epochs with deltas of this page\n"
	"      --source TAG          only epochs from this source\n"
	"      --since EPOCH|TIME    from this epoch, or from this time on (2026-11-27T10:00:00, UTC)\n"
	"      --until EPOCH|TIME    up to this one\n"
	"      --stats               figures of these epochs instead of a list\n"
	"      --json                a JSON object to a line\n"
	"      --help\n"
	"\n"
	"Exit status: 0 fine, 1 the folder is wrong, 2 wrong usage, 3 the machine.\n";

enum { OPT_PAGE = 256, OPT_SOURCE, OPT_SINCE, OPT_UNTIL, OPT_STATS, OPT_JSON };
static const struct option options[] = {
	{"page", required_argument, NULL, OPT_PAGE}, {"source", required_argument, NULL, OPT_SOURCE}, {"since", required_argument, NULL, OPT_SINCE},
	{"until", required_argument, NULL, OPT_UNTIL}, {"stats", no_argument, NULL, OPT_STATS}, {"json", no_argument, NULL, OPT_JSON},
	{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0},
};
static const args_command command = {"log", help, options, 1, 1, "a folder is missing: mmsb log DIR", NULL};

/* An end of what is listed: an epoch or a time. */
typedef struct limit {
	const char *text;       /* NULL: none */
	bool is_time;
	uint64_t value;
} limit;

typedef struct source_count {
	char *name;
	uint64_t epochs;
} source_count;

typedef struct listing {
	const char *page, *source;
	limit since, until;
	bool stats, json;
	history *h;
	const schedule *s;
	uint32_t only;          /* page id, or NONE */
	uint64_t *deltas;       /* by page, of the record at hand */
	/* of all that are listed */
	uint64_t *sums, *epochs_of; /* by page */
	uint64_t epochs, ticks, first, last, first_time, last_time;
	source_count *sources;
	size_t n_sources;
	mmsb_error err;
} listing;

/* ---- one record -------------------------------------------------------------------------------- */

/* How many deltas each page gets. */
static int count_deltas(listing *l, log_reader *r, const log_record *record)
{
	log_walk walk;
	log_delta delta;
	int there = 0;
	memset(l->deltas, 0, l->s->n_pages * sizeof *l->deltas);
	if (record->kind != LOG_EPOCH)
		return MMSB_OK;
	log_walk_begin(&walk, r, record);
	while ((there = log_walk_next(&walk, &delta, &l->err)) > 0) {
		uint32_t id = log_page_at(r, delta.page)->id;
		if (id < l->s->n_pages)
			l->deltas[id] += delta.count;
	}
	return there < 0 ? l->err.status : MMSB_OK;
}

static bool before_since(const limit *since, const log_record *r)
{
	return since->text != NULL && (since->is_time ? r->time < since->value : r->epoch < since->value);
}

static bool after_until(const limit *until, const log_record *r)
{
	return until->text != NULL && (until->is_time ? r->time > until->value : log_record_first(r) > until->value);
}

static const char *source_of(const listing *l, log_reader *r, const log_record *record)
{
	const char *source = log_source(r, record->source);
	(void)l;
	return source == NULL ? "" : source;
}

/* ---- lists ------------------------------------------------------------------------------------- */

static void print_string(const char *text)
{
	putchar('"');
	for (const char *p = text; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;
		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static void print_text(const listing *l, const log_record *r, uint64_t first, const char *source)
{
	char when[TIME_ROOM];
	bool any = false;
	history_print_time(r->time, when);
	if (first < r->epoch)
		printf("%llu..%llu", (unsigned long long)first, (unsigned long long)r->epoch);
	else
		printf("%llu", (unsigned long long)r->epoch);
	printf("  %s  %s ", when, source[0] == '\0' ? "-" : source);
	for (uint32_t i = 0; i < l->s->n_pages; i++) {
		if (l->deltas[i] == 0)
			continue;
		printf("%s %s %llu", any ? "," : "", sch_text(l->s, l->s->pages[i].name), (unsigned long long)l->deltas[i]);
		any = true;
	}
	puts(any ? "" : " no deltas");
}

static void print_json(const listing *l, const log_record *r, uint64_t first, const char *source)
{
	char when[TIME_ROOM];
	bool any = false;
	history_print_time(r->time, when);
	printf("{\"epoch\": %llu, \"first\": %llu, \"time\": \"%s\", \"source\": ", (unsigned long long)r->epoch, (unsigned long long)first, when);
	print_string(source);
	printf(", \"deltas\": {");
	for (uint32_t i = 0; i < l->s->n_pages; i++) {
		if (l->deltas[i] == 0)
			continue;
		fputs(any ? ", " : "", stdout);
		print_string(sch_text(l->s, l->s->pages[i].name));
		printf(": %llu", (unsigned long long)l->deltas[i]);
		any = true;
	}
	puts("}}");
}

/* ---- figures ----------------------------------------------------------------------------------- */

static int count_source(listing *l, const char *name, uint64_t epochs)
{
	for (size_t i = 0; i < l->n_sources; i++)
		if (strcmp(l->sources[i].name, name) == 0) {
			l->sources[i].epochs += epochs;
			return MMSB_OK;
		}
	source_count *larger = realloc(l->sources, (l->n_sources + 1) * sizeof *larger);
	if (larger != NULL)
		l->sources = larger;
	char *copy = larger == NULL ? NULL : strdup(name);
	if (copy == NULL)
		return fail_memory(&l->err, sizeof *larger, "the sources of a log");
	l->sources[l->n_sources++] = (source_count){copy, epochs};
	return MMSB_OK;
}

static int count(listing *l, const log_record *r, uint64_t first, const char *source)
{
	uint64_t n = r->epoch - first + 1;
	if (l->epochs == 0) {
		l->first = first;
		l->first_time = r->time;
	}
	l->last = r->epoch;
	l->last_time = r->time;
	l->epochs += n;
	l->ticks += r->kind == LOG_TICKS ? n : 0;
	for (uint32_t i = 0; i < l->s->n_pages; i++) {
		l->sums[i] += l->deltas[i];
		l->epochs_of[i] += l->deltas[i] > 0;
	}
	return source[0] == '\0' ? MMSB_OK : count_source(l, source, n);
}

static void print_stats_text(const listing *l)
{
	char from[TIME_ROOM], to[TIME_ROOM];
	history_print_time(l->first_time, from);
	history_print_time(l->last_time, to);
	printf("epochs %llu to %llu: %llu, %llu of them ticks\n", (unsigned long long)l->first, (unsigned long long)l->last, (unsigned long long)l->epochs,
	       (unsigned long long)l->ticks);
	printf("from %s to %s\n", from, to);
	for (uint32_t i = 0; i < l->s->n_pages; i++)
		if (l->sums[i] > 0)
			printf("page %s: %llu deltas in %llu epoch%s\n", sch_text(l->s, l->s->pages[i].name), (unsigned long long)l->sums[i],
			       (unsigned long long)l->epochs_of[i], l->epochs_of[i] == 1 ? "" : "s");
	for (size_t i = 0; i < l->n_sources; i++)
		printf("source %s: %llu epoch%s\n", l->sources[i].name, (unsigned long long)l->sources[i].epochs, l->sources[i].epochs == 1 ? "" : "s");
	printf("%zu segment%s, %zu checkpoint%s\n", l->h->files.n_segments, l->h->files.n_segments == 1 ? "" : "s", l->h->files.n_checkpoints,
	       l->h->files.n_checkpoints == 1 ? "" : "s");
}

static void print_stats_json(const listing *l)
{
	bool any = false;
	char from[TIME_ROOM], to[TIME_ROOM];
	history_print_time(l->first_time, from);
	history_print_time(l->last_time, to);
	printf("{\"first\": %llu, \"last\": %llu, \"epochs\": %llu, \"ticks\": %llu, \"from\": \"%s\", \"to\": \"%s\", \"pages\": {",
	       (unsigned long long)l->first, (unsigned long long)l->last, (unsigned long long)l->epochs, (unsigned long long)l->ticks, from, to);
	for (uint32_t i = 0; i < l->s->n_pages; i++) {
		if (l->sums[i] == 0)
			continue;
		fputs(any ? ", " : "", stdout);
		print_string(sch_text(l->s, l->s->pages[i].name));
		printf(": {\"deltas\": %llu, \"epochs\": %llu}", (unsigned long long)l->sums[i], (unsigned long long)l->epochs_of[i]);
		any = true;
	}
	fputs("}, \"sources\": {", stdout);
	for (size_t i = 0; i < l->n_sources; i++) {
		fputs(i == 0 ? "" : ", ", stdout);
		print_string(l->sources[i].name);
		printf(": %llu", (unsigned long long)l->sources[i].epochs);
	}
	printf("}, \"segments\": %zu, \"checkpoints\": %zu}\n", l->h->files.n_segments, l->h->files.n_checkpoints);
}

/* ---- the whole --------------------------------------------------------------------------------- */

static int take_record(listing *l, log_reader *r, const log_record *record)
{
	if ((record->kind != LOG_EPOCH && record->kind != LOG_TICKS) || before_since(&l->since, record) || after_until(&l->until, record))
		return MMSB_OK;
	const char *source = source_of(l, r, record);
	if (l->source != NULL && strcmp(source, l->source) != 0)
		return MMSB_OK;
	int status = count_deltas(l, r, record);
	if (status != MMSB_OK || (l->only != NONE && l->deltas[l->only] == 0))
		return status;
	uint64_t first = log_record_first(record);
	status = count(l, record, first, source);
	if (!l->stats && l->json)
		print_json(l, record, first, source);
	else if (!l->stats)
		print_text(l, record, first, source);
	return status;
}

static int find_only(listing *l)
{
	l->only = NONE;
	if (l->page == NULL)
		return MMSB_OK;
	lang_nearest nearest = lang_nearest_to(l->page);
	for (uint32_t i = 0; i < l->s->n_pages; i++) {
		const char *name = sch_text(l->s, l->s->pages[i].name);
		if (strcmp(name, l->page) == 0)
			l->only = i;
		if (l->s->pages[i].role == PAGE_ROLE_IN)
			lang_nearest_offer(&nearest, name);
	}
	if (l->only == NONE)
		return fail(&l->err, MMSB_NAME, "there is no page '%s'%s%s%s", l->page, nearest.best ? "; did you mean '" : "", nearest.best ? nearest.best : "",
		            nearest.best ? "'?" : "");
	if (l->s->pages[l->only].role != PAGE_ROLE_IN)
		return fail(&l->err, MMSB_NAME, "page '%s' is no source: the log has the deltas of sources alone (mmsb replay --watch %s shows its changes)", l->page,
		            l->page);
	return MMSB_OK;
}

static int find_limit(listing *l, limit *at)
{
	char *end;
	if (at->text == NULL)
		return MMSB_OK;
	at->value = strtoull(at->text, &end, 10);
	if (*at->text >= '0' && *at->text <= '9' && *end == '\0')
		return MMSB_OK;
	at->is_time = history_parse_time(at->text, &at->value);
	if (at->is_time)
		return MMSB_OK;
	return fail(&l->err, MMSB_USAGE, "'%s' is neither an epoch nor a time: write 17, or 2026-11-27T10:00:00 (UTC)", at->text);
}

static int list(listing *l)
{
	history_walk w;
	log_record record;
	bool more = true;
	size_t n = l->s->n_pages + 1;
	l->deltas = calloc(n, sizeof *l->deltas);
	l->sums = calloc(n, sizeof *l->sums);
	l->epochs_of = calloc(n, sizeof *l->epochs_of);
	if (l->deltas == NULL || l->sums == NULL || l->epochs_of == NULL)
		return fail_memory(&l->err, n * sizeof *l->sums, "the pages of a log");
	history_walk_begin(&w, l->h, l->since.text != NULL && !l->since.is_time ? l->since.value : 0);
	int status = MMSB_OK;
	while (status == MMSB_OK && more) {
		status = history_walk_next(&w, &record, &more, &l->err);
		if (status == MMSB_OK && more)
			status = take_record(l, w.reader, &record);
	}
	history_walk_end(&w);
	return status;
}

static int run_log(listing *l, const char *folder)
{
	int status = history_open(&l->h, &vfs_machine, folder, &l->err);
	if (status != MMSB_OK)
		return status;
	l->s = &l->h->schedule->tables;
	status = find_only(l);
	if (status == MMSB_OK)
		status = find_limit(l, &l->since);
	if (status == MMSB_OK)
		status = find_limit(l, &l->until);
	if (status == MMSB_OK)
		status = list(l);
	if (status == MMSB_OK && l->stats && l->epochs == 0)
		puts(l->json ? "{\"epochs\": 0}" : "no such epochs");
	else if (status == MMSB_OK && l->stats && l->json)
		print_stats_json(l);
	else if (status == MMSB_OK && l->stats)
		print_stats_text(l);
	if (status == MMSB_OK && l->h->damage.status != MMSB_OK) {
		l->err = l->h->damage;
		status = l->err.status;
	}
	return status;
}

static int take_option(void *user, int option, char *value)
{
	listing *l = user;
	switch (option) {
	case OPT_PAGE: l->page = value; break;
	case OPT_SOURCE: l->source = value; break;
	case OPT_SINCE: l->since.text = value; break;
	case OPT_UNTIL: l->until.text = value; break;
	case OPT_STATS: l->stats = true; break;
	default: l->json = true; break;
	}
	return RUNOPTS_GO;
}

int cmd_log(int argc, char **argv)
{
	listing l = {.err = {.message = ""}};
	if (argc > 1 && strcmp(argv[1], "repair") == 0)
		return cmd_log_repair(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "compact") == 0)
		return cmd_log_compact(argc - 1, argv + 1);
	int status = args_parse(argc, argv, &command, take_option, &l);
	if (status == RUNOPTS_GO)
		status = args_end(run_log(&l, argv[optind]), &l.err);
	for (size_t i = 0; i < l.n_sources; i++)
		free(l.sources[i].name);
	free(l.sources);
	free(l.deltas);
	free(l.sums);
	free(l.epochs_of);
	history_close(l.h);
	return status;
}
