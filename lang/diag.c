/* Diagnostics: keeping them in order, printing them with their line and caret, and the nearest name. */
#include "source.h"

#include <stdlib.h>
#include <string.h>

enum {
	SHOWN = 160,             /* bytes shown of a line longer than this */
	NEAREST_MAX = 64         /* longer names get no suggestion */
};

/* ---- keeping ---- */

static bool before(lang_span a, lang_span b)
{
	return a.file != b.file ? a.file < b.file : a.begin < b.begin;
}

/* Where a diagnostic at span belongs: behind all that are not after it. NULL: the same message stands there already. */
static lang_diag **place_for(lang_ctx *ctx, lang_span span, const char *message)
{
	lang_diag **at = &ctx->diags;
	while (*at != NULL && !before(span, (*at)->span)) {
		if (!before((*at)->span, span) && strcmp((*at)->message, message) == 0)
			return NULL;
		at = &(*at)->next;
	}
	return at;
}

static lang_diag *report(lang_ctx *ctx, lang_severity severity, lang_span span, const char *fmt, va_list args)
{
	uint32_t *count = severity == LANG_ERROR ? &ctx->error_count : &ctx->warning_count;
	char *message = lang_vsprintf(ctx, fmt, args);
	if (message == NULL)
		return NULL;
	lang_diag **at = place_for(ctx, span, message);
	if (at == NULL)
		return NULL;
	if (*count >= LANG_MAX_ERRORS) {
		ctx->errors_dropped = ctx->errors_dropped || severity == LANG_ERROR;
		return NULL;
	}
	lang_diag *diag = LANG_NEW(ctx, lang_diag);
	if (diag == NULL)
		return NULL;
	diag->severity = severity;
	diag->span = span;
	diag->message = message;
	diag->next = *at;
	*at = diag;
	(*count)++;
	return diag;
}

lang_diag *lang_error(lang_ctx *ctx, lang_span span, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	lang_diag *diag = report(ctx, LANG_ERROR, span, fmt, args);
	va_end(args);
	return diag;
}

lang_diag *lang_warning(lang_ctx *ctx, lang_span span, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	lang_diag *diag = report(ctx, LANG_WARNING, span, fmt, args);
	va_end(args);
	return diag;
}

void lang_help(lang_ctx *ctx, lang_diag *diag, const char *fmt, ...)
{
	if (diag == NULL)
		return;
	va_list args;
	va_start(args, fmt);
	diag->help = lang_vsprintf(ctx, fmt, args);
	va_end(args);
}

void lang_note(lang_ctx *ctx, lang_diag *diag, lang_span span, const char *fmt, ...)
{
	if (diag == NULL)
		return;
	va_list args;
	va_start(args, fmt);
	char *message = lang_vsprintf(ctx, fmt, args);
	va_end(args);
	lang_diag *note = message == NULL ? NULL : LANG_NEW(ctx, lang_diag);
	if (note == NULL)
		return;
	note->severity = LANG_NOTE;
	note->span = span;
	note->message = message;
	lang_diag **at = &diag->notes;
	while (*at != NULL)
		at = &(*at)->next;
	*at = note;
}

/* ---- printing ---- */

typedef struct printer {
	const lang_ctx *ctx;
	FILE *out;
	bool colour;
} printer;

static const char *paint(const printer *p, const char *code)
{
	return p->colour ? code : "";
}

#define BOLD "\033[1m"
#define RED "\033[1;31m"
#define YELLOW "\033[1;35m"
#define BLUE "\033[1;36m"
#define GREEN "\033[1;32m"
#define PLAIN "\033[0m"

/* Text of the user's: what is no printable UTF-8 comes out as '?', so that no escape sequence reaches a terminal. */
static void put_text(FILE *out, const char *text, size_t length)
{
	for (size_t i = 0; i < length;) {
		size_t n = lang_utf8_length(text + i, length - i);
		unsigned char c = (unsigned char)text[i];
		bool control = (c < 0x20 && c != '\t') || c == 0x7f
		               || (n == 2 && c == 0xc2 && (unsigned char)text[i + 1] < 0xa0);
		if (n == 0 || control)
			fputc('?', out);
		else
			fwrite(text + i, 1, n, out);
		i += n == 0 ? 1 : n;
	}
}

/* The line of the span with the caret under its beginning; of a long line a part. */
static void put_line(const printer *p, const lang_source *source, lang_span span, lang_place place)
{
	uint32_t begin = source->lines[place.line - 1];
	uint32_t end = place.line < source->line_count ? source->lines[place.line] - 1 : source->length;
	if (end > begin && source->text[end - 1] == '\r')
		end--;
	uint32_t caret = span.begin < end ? span.begin : end;
	uint32_t from = begin, to = end;
	if (end - begin > SHOWN) {
		if (caret - begin > SHOWN / 2)
			from = caret - SHOWN / 2;
		while (from > begin && ((unsigned char)source->text[from] & 0xc0) == 0x80)
			from--;
		to = end - from > SHOWN ? from + SHOWN : end;
		while (to < end && ((unsigned char)source->text[to] & 0xc0) == 0x80)
			to++;
	}
	const char *lead = from > begin ? "..." : "";
	int width = place.line > 9999 ? 10 : 4;
	fprintf(p->out, "%*u | %s", width, place.line, lead);
	put_text(p->out, source->text + from, to - from);
	fprintf(p->out, "%s\n%*s | %*s", to < end ? "..." : "", width, "", (int)strlen(lead), "");
	for (uint32_t at = from; at < caret;) {
		fputc(source->text[at] == '\t' ? '\t' : ' ', p->out);
		size_t length = lang_utf8_length(source->text + at, caret - at);
		at += length == 0 ? 1 : (uint32_t)length;
	}
	fprintf(p->out, "%s^%s\n", paint(p, GREEN), paint(p, PLAIN));
}

static void put_diag(const printer *p, const lang_diag *diag)
{
	static const char *const words[] = {"error", "warning", "note"};
	static const char *const colours[] = {RED, YELLOW, BLUE};
	const lang_source *source = diag->span.file < p->ctx->source_count ? p->ctx->sources[diag->span.file] : NULL;
	lang_place place = {1, 1};
	fputs(paint(p, BOLD), p->out);
	if (source != NULL) {
		place = lang_place_of(source, diag->span.begin);
		put_text(p->out, source->path, strlen(source->path));
		fprintf(p->out, ":%u:%u: ", place.line, place.column);
	}
	fprintf(p->out, "%s%s:%s ", paint(p, colours[diag->severity]), words[diag->severity], paint(p, PLAIN));
	fputs(paint(p, BOLD), p->out);
	put_text(p->out, diag->message, strlen(diag->message));
	fprintf(p->out, "%s\n", paint(p, PLAIN));
	if (source != NULL)
		put_line(p, source, diag->span, place);
	if (diag->help != NULL) {
		fprintf(p->out, "%*s = help: ", source == NULL ? 0 : place.line > 9999 ? 10 : 4, "");
		put_text(p->out, diag->help, strlen(diag->help));
		fputc('\n', p->out);
	}
}

void lang_print_diags(const lang_ctx *ctx, FILE *out, bool colour)
{
	const printer p = {ctx, out, colour};
	for (const lang_diag *diag = ctx->diags; diag != NULL; diag = diag->next) {
		put_diag(&p, diag);
		for (const lang_diag *note = diag->notes; note != NULL; note = note->next)
			put_diag(&p, note);
	}
	if (ctx->errors_dropped)
		fprintf(out, "more errors were found; the first %d are shown\n", LANG_MAX_ERRORS);
	if (ctx->oom)
		fprintf(out, "%serror:%s out of memory\n", paint(&p, RED), paint(&p, PLAIN));
}

/* ---- the nearest name ---- */

lang_nearest lang_nearest_to(const char *name)
{
	return (lang_nearest){name, NULL, 0};
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Damerau-Levenshtein (adjacent transpositions) over names of at most NEAREST_MAX bytes: three rows of the table. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned rows[3][NEAREST_MAX + 1];
	for (unsigned j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= a_len; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
		row[0] = i;
		for (unsigned j = 1; j <= b_len; j++) {
			row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], two_above[j - 2] + 1);
		}
	}
	return rows[a_len % 3][b_len];
}

void lang_nearest_offer(lang_nearest *nearest, const char *candidate)
{
	size_t length = strlen(nearest->wanted), other = strlen(candidate);
	if (length > NEAREST_MAX || other > NEAREST_MAX || length < 2)
		return;
	unsigned limit = length < 4 ? 1 : length < 9 ? 2 : (unsigned)length / 3;
	unsigned far = distance(nearest->wanted, length, candidate, other);
	if (far <= limit && (nearest->best == NULL || far < nearest->distance)) {
		nearest->best = candidate;
		nearest->distance = far;
	}
}
