/* embed.c - a program with MMSB inside: loads a compiled schedule, takes deltas from standard input, and prints what changes.
 *
 *   embed FILE.mmsbx [PARAM=VALUE]... < DELTAS
 *
 * A line of deltas is `PAGE POSITION VALUE`, of a source page of f64, or `commit`, which makes an epoch of the lines since the last one. */
#include <inttypes.h>
#include <mmsb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static mmsb_error err;

static int complain(const char *what)
{
	fprintf(stderr, "embed: %s: %s\n", what, err.message);
	return -1;
}

static int is_shown(const mmsb_info *page) { return page->role == MMSB_OUT && page->type == MMSB_F64 && !page->sparse; }

/* PARAM=VALUE */
static int set_param(mmsb_instance *m, char *text)
{
	char *equals = strchr(text, '=');
	if (equals)
		*equals = '\0';
	return mmsb_set_param(m, text, equals ? strtod(equals + 1, NULL) : 0, &err) ? complain(text) : 0;
}

/* From now on mmsb_changes tells what commits change in the pages that are shown. */
static int watch_pages(mmsb_instance *m)
{
	mmsb_info info;
	for (int page = 0; page < mmsb_page_count(m); page++)
		if (mmsb_page_info(m, page, &info) == MMSB_OK && is_shown(&info) && mmsb_watch(m, page, &err))
			return complain(info.name);
	return 0;
}

static void print_changes(mmsb_instance *m, uint64_t epoch)
{
	mmsb_info info;
	mmsb_changes_view now;
	for (int page = 0; page < mmsb_page_count(m); page++) {
		if (mmsb_page_info(m, page, &info) || !is_shown(&info) || mmsb_changes(m, page, &now))
			continue;
		for (uint64_t i = 0; i < now.count; i++)
			printf("%" PRIu64 ": %s[%" PRIu64 "] = %.10g\n", epoch, info.name, now.index[i], ((const double *)now.values)[i]);
	}
	fflush(stdout);
}

/* One line. Whatever is wrong with it leaves the instance as it was: the program says so and goes on. */
static int take_line(mmsb_instance *m, const char *line, const char *where)
{
	char name[64];
	uint64_t at, epoch;
	double value;
	mmsb_info info;
	if (sscanf(line, "%63s %" SCNu64 " %lf", name, &at, &value) == 3) {
		int page = mmsb_page(m, name);
		if (page >= 0 && mmsb_page_info(m, page, &info) == MMSB_OK && info.type != MMSB_F64)
			return fprintf(stderr, "embed: %s: page %s is not of f64\n", where, name);
		return mmsb_scatter(m, page, 1, &at, &value, &err) ? complain(where) : 0;
	}
	if (strcmp(line, "commit\n") != 0)
		return fprintf(stderr, "embed: %s: neither PAGE POSITION VALUE nor commit\n", where);
	if (mmsb_commit(m, &epoch, &err))
		return complain(where);
	print_changes(m, epoch);
	return 0;
}

int main(int argc, char **argv)
{
	mmsb_schedule *schedule = NULL;
	mmsb_instance *m = NULL;
	char line[256], where[32];
	int bad = 0;
	if (argc < 2)
		return fprintf(stderr, "usage: embed FILE.mmsbx [PARAM=VALUE]... < DELTAS\n"), 2;
	if (mmsb_schedule_open(&schedule, argv[1], &err) || mmsb_instance_new(&m, schedule, NULL, &err))
		bad = complain(argv[1]);
	for (int i = 2; i < argc && !bad; i++)
		bad = set_param(m, argv[i]);
	bad = bad || watch_pages(m);
	for (unsigned n = 1; !bad && fgets(line, sizeof line, stdin); n++) {
		snprintf(where, sizeof where, "line %u", n);
		take_line(m, line, where);
	}
	mmsb_instance_free(m);
	mmsb_schedule_close(schedule);
	return bad != 0;
}
