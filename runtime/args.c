/* args.c - the arguments of commands (args.h). */
#include "args.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../lang/source.h"
#include "bind.h"
#include "number.h"

int args_usage(const args_command *c, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	fprintf(stderr, "mmsb %s: ", c->name);
	vfprintf(stderr, fmt, args);
	fprintf(stderr, "\ntry: mmsb %s --help\n", c->name);
	va_end(args);
	return 2;
}

int args_no_memory(void)
{
	fputs("mmsb: error: out of memory\n", stderr);
	return 3;
}

int args_end(int status, const mmsb_error *err)
{
	bool whole = fflush(stdout) == 0; /* what was printed comes before what went wrong */
	if (status != MMSB_OK && err->message[0] != '\0')
		print_error(err);
	return status == MMSB_OK && !whole ? 3 : exit_status(status);
}

/* ---- options ----------------------------------------------------------------------------------- */

/* An option that getopt_long did not take; letter: which, if it is one. */
static int bad_option(const args_command *c, const char *text, int letter, bool lacks_value)
{
	if (lacks_value)
		return args_usage(c, "%s needs a value", text);
	if (letter != 0 && (text[0] != '-' || text[1] != '-')) /* perhaps among others */
		return args_usage(c, "there is no option -%c", letter);
	size_t n = strcspn(text, "=");
	char name[64];
	if (n >= sizeof name || n <= 2)
		return args_usage(c, "there is no option %.*s", (int)n, text);
	memcpy(name, text + 2, n - 2);
	name[n - 2] = '\0';
	lang_nearest nearest = lang_nearest_to(name);
	for (const struct option *o = c->options; o->name != NULL; o++) {
		if (strcmp(o->name, name) == 0)
			return args_usage(c, "--%s takes no value", name);
		lang_nearest_offer(&nearest, o->name);
	}
	if (nearest.best != NULL)
		return args_usage(c, "there is no option --%s; did you mean --%s?", name, nearest.best);
	return args_usage(c, "there is no option --%s", name);
}

int args_parse(int argc, char **argv, const args_command *c, int (*take)(void *user, int option, char *value), void *user)
{
	char letters[16];
	snprintf(letters, sizeof letters, ":%s", c->letters == NULL ? "" : c->letters);
	opterr = 0;
	for (;;) {
		int before = optind, option = getopt_long(argc, argv, letters, c->options, NULL);
		if (option == -1)
			break;
		if (option == '?' || option == ':')
			return bad_option(c, argv[optind > before ? optind - 1 : before], optopt, option == ':');
		if (option == 'h')
			return fputs(c->help, stdout) < 0 || fflush(stdout) != 0 ? 3 : 0;
		int status = take(user, option, optarg);
		if (status != RUNOPTS_GO)
			return status;
	}
	if (argc - optind < c->least)
		return args_usage(c, "%s", c->missing);
	if (argc - optind > c->most)
		return args_usage(c, "'%s' is one argument too many", argv[optind + c->most]);
	return RUNOPTS_GO;
}

int args_count(const args_command *c, const char *option, const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
	scalar value;
	if (number_parse(text, text + strlen(text), T_U64, NUMBER_STRICT, &value) == NUMBER_OK && value.U64 >= least && value.U64 <= most) {
		*out = value.U64;
		return RUNOPTS_GO;
	}
	unsigned long long lo = least, hi = most;
	if (most != UINT64_MAX)
		return args_usage(c, "%s takes a whole number from %llu to %llu, not '%s'", option, lo, hi, text);
	if (least > 0)
		return args_usage(c, "%s takes a whole number from %llu on, not '%s'", option, lo, text);
	return args_usage(c, "%s takes a whole number, not '%s'", option, text);
}

int args_pair(const args_command *c, run_list *list, const char *option, const char *form, char *text, bool optional)
{
	char *equals = strchr(text, '=');
	if (equals == text || (equals == NULL && !optional) || (equals != NULL && equals[1] == '\0'))
		return args_usage(c, "%s takes %s, not '%s'", option, form, text);
	if (equals != NULL)
		*equals = '\0';
	return runspec_add(list, text, equals == NULL ? NULL : equals + 1, NULL, 0, 0) ? RUNOPTS_GO : args_no_memory();
}

int args_digest(const args_command *c, run_spec *spec, const char *text)
{
	if (text != NULL && strcmp(text, "each") != 0)
		return args_usage(c, "--digest stands alone or is --digest=each, not '--digest=%s'", text);
	runspec_set(spec, RUN_DIGEST, text == NULL ? DIGEST_END : DIGEST_EACH);
	return RUNOPTS_GO;
}

/* ---- folders ----------------------------------------------------------------------------------- */

void args_note(const char *why)
{
	fprintf(stderr, "mmsb: note: %s; an older one is used\n", why);
}

int args_history(history **out, const char *text, const char *when, uint64_t *epoch, mmsb_error *err)
{
	struct stat st;
	const char *at = when != NULL || stat(text, &st) == 0 ? NULL : strrchr(text, '@'); /* a folder may have one in its name */
	char *folder = at == NULL ? strdup(text) : strndup(text, (size_t)(at - text));
	*out = NULL;
	if (folder == NULL)
		return fail_memory(err, strlen(text), "a path");
	int status = history_open(out, &vfs_machine, folder, err);
	free(folder);
	if (status != MMSB_OK)
		return status;
	(*out)->note = args_note;
	if (when != NULL || at != NULL)
		return history_find(*out, when != NULL ? when : at + 1, epoch, err);
	*epoch = (*out)->last;
	if ((*out)->damage.status == MMSB_OK)
		return MMSB_OK;
	*err = (*out)->damage;
	return err->status;
}

/* ---- elements ---------------------------------------------------------------------------------- */

static int page_of(args_elements *e, mmsb_instance *m, char *name, mmsb_info *info, mmsb_error *err)
{
	char *dot = strrchr(name, '.');
	e->field = -1;
	e->page = mmsb_page(m, name);
	if (e->page < 0 && dot != NULL) {
		*dot = '\0';
		e->page = mmsb_page(m, name);
	}
	if (e->page < 0)
		return find_page(m, name, err), MMSB_NAME;
	mmsb_page_info(m, e->page, info);
	if (!info->stored)
		return fail(err, MMSB_INPUT, "page '%s' has no values of its own, for it is computed where it is used", name);
	if (dot == NULL || *dot != '\0')
		return MMSB_OK;
	lang_nearest nearest = lang_nearest_to(dot + 1);
	for (unsigned f = 0; f < info->n_fields; f++) {
		if (strcmp(info->fields[f].name, dot + 1) == 0)
			e->field = (int)f;
		lang_nearest_offer(&nearest, info->fields[f].name);
	}
	if (e->field >= 0)
		return MMSB_OK;
	if (info->n_fields == 0)
		return fail(err, MMSB_NAME, "page '%s' holds no records, so it has no field '%s'", name, dot + 1);
	return fail(err, MMSB_NAME, "the records of page '%s' have no field '%s'%s%s%s", name, dot + 1, nearest.best ? "; did you mean '" : "",
	            nearest.best ? nearest.best : "", nearest.best ? "'?" : "");
}

static void skip_blanks(const char **p)
{
	while (**p == ' ')
		++*p;
}

static bool take_number(const char **p, uint64_t *out)
{
	char *end;
	skip_blanks(p);
	if (**p < '0' || **p > '9')
		return false;
	errno = 0;
	*out = strtoull(*p, &end, 10);
	*p = end;
	skip_blanks(p);
	return errno == 0;
}

/* One dimension: i, lo..hi, or .. for all of it. */
static int take_dimension(args_elements *e, const mmsb_info *info, unsigned d, const char **p, const char *text, mmsb_error *err)
{
	uint64_t size = info->shape[d];
	skip_blanks(p);
	bool first = take_number(p, &e->lo[d]), range = strncmp(*p, "..", 2) == 0;
	if (!first)
		e->lo[d] = 0;
	e->hi[d] = e->lo[d] + 1;
	if (range) {
		*p += 2;
		if (!take_number(p, &e->hi[d]))
			e->hi[d] = size;
	} else if (!first) {
		return fail(err, MMSB_USAGE, "'%s': an index or a range is expected, as in %s[0] or %s[2..5]", text, info->name, info->name);
	}
	if (!range && size == 0)
		return fail(err, MMSB_RANGE, "page '%s': index %llu is out of range: dimension %u has no elements", info->name, (unsigned long long)e->lo[d], d + 1);
	if (!range && e->lo[d] >= size)
		return fail(err, MMSB_RANGE, "page '%s': index %llu is out of range: dimension %u goes from 0 to %llu", info->name, (unsigned long long)e->lo[d],
		            d + 1, (unsigned long long)(size - 1));
	if (e->lo[d] > e->hi[d] || e->hi[d] > size)
		return fail(err, MMSB_RANGE, "page '%s': the range %llu..%llu is not within dimension %u, which is 0..%llu", info->name,
		            (unsigned long long)e->lo[d], (unsigned long long)e->hi[d], d + 1, (unsigned long long)size);
	return MMSB_OK;
}

static int take_brackets(args_elements *e, const mmsb_info *info, const char *p, const char *text, mmsb_error *err)
{
	for (unsigned d = 0; d < info->ndim; d++) {
		int status = take_dimension(e, info, d, &p, text, err);
		if (status != MMSB_OK)
			return status;
		bool last = d + 1 == info->ndim;
		if (*p != (last ? ']' : ','))
			return fail(err, MMSB_USAGE, "'%s': page '%s' has %u dimension%s: an index or a range is expected for %s", text, info->name, info->ndim,
			            info->ndim == 1 ? "" : "s", info->ndim == 1 ? "it" : "each");
		p++;
	}
	if (*p != '\0')
		return fail(err, MMSB_USAGE, "'%s': '%s' stands behind the end", text, p);
	return MMSB_OK;
}

int args_elements_parse(args_elements *e, mmsb_instance *m, const char *text, bool one, mmsb_error *err)
{
	mmsb_info info = {.name = ""};
	size_t n = strcspn(text, "[");
	char *name = strndup(text, n);
	*e = (args_elements){.all = text[n] == '\0'};
	if (name == NULL)
		return fail_memory(err, n, "a name");
	int status = page_of(e, m, name, &info, err);
	free(name);
	if (status != MMSB_OK)
		return status;
	for (unsigned d = 0; d < info.ndim; d++)
		e->hi[d] = info.shape[d];
	if (!e->all && info.ndim == 0)
		return fail(err, MMSB_USAGE, "page '%s' is a scalar: it has no index", info.name);
	if (!e->all)
		status = take_brackets(e, &info, text + n + 1, text, err);
	for (unsigned d = 0; d < info.ndim && one && status == MMSB_OK; d++)
		if (e->all || e->hi[d] != e->lo[d] + 1)
			return fail(err, MMSB_USAGE, "'%s': one element is expected, with an index for each of %u dimension%s", text, info.ndim,
			            info.ndim == 1 ? "" : "s");
	return status;
}
