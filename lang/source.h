/* Source text, spans and diagnostics: what every part of the front end stands on.
 *
 * A lang_ctx is one compilation. It owns an arena from which everything that lives as long as the compilation is
 * allocated (text, names, trees, messages, the checker's tables) and which is dropped whole by lang_ctx_free.
 *
 * Out of memory: lang_alloc and everything built on it return NULL and set the sticky flag ctx->oom; nothing is
 * reported as a diagnostic. A caller that gets NULL gives up and returns failure upwards; whoever drives the
 * compilation looks at lang_failed / ctx->oom at the end. No longjmp, no exit, no half-built tree is ever used.
 *
 * A context is used by one thread at a time; contexts share nothing. */
#ifndef MMSB_LANG_SOURCE_H
#define MMSB_LANG_SOURCE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#if defined(__GNUC__)
#define LANG_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#else
#define LANG_PRINTF(fmt, first)
#endif

enum {
	LANG_MAX_ERRORS = 20,    /* errors kept in one run */
	LANG_MAX_DEPTH = 1000    /* nesting of an expression */
};

/* Bytes begin..end (end left out) of source number file. */
typedef struct lang_span {
	uint32_t file;
	uint32_t begin;
	uint32_t end;
} lang_span;

#define LANG_NO_FILE UINT32_MAX

/* A span that stands for no place in any text (an error about the command line, say). */
static inline lang_span lang_no_span(void)
{
	return (lang_span){LANG_NO_FILE, 0, 0};
}

/* From the beginning of a to the end of b; both in the same file. */
static inline lang_span lang_span_join(lang_span a, lang_span b)
{
	return (lang_span){a.file, a.begin, b.end};
}

/* One text. The text is followed by a NUL that does not count; it may hold NULs itself. */
typedef struct lang_source {
	uint32_t id;             /* its place in ctx->sources, and lang_span.file */
	const char *path;        /* as messages show it */
	const char *text;
	uint32_t length;
	uint32_t line_count;
	const uint32_t *lines;   /* offset of the first byte of each line */
} lang_source;

typedef struct lang_place {
	uint32_t line;           /* from 1 */
	uint32_t column;         /* from 1, in characters (code points); a tab is one */
} lang_place;

typedef enum lang_severity { LANG_ERROR, LANG_WARNING, LANG_NOTE } lang_severity;

typedef struct lang_diag {
	lang_severity severity;
	lang_span span;
	const char *message;
	const char *help;        /* NULL when there is none */
	struct lang_diag *notes; /* in the order they were added; severity LANG_NOTE */
	struct lang_diag *next;
} lang_diag;

typedef struct lang_ctx lang_ctx;
struct lang_ctx {
	bool oom;                /* sticky: memory ran out */
	uint32_t source_count;
	lang_source **sources;
	uint32_t error_count;    /* kept ones; at most LANG_MAX_ERRORS */
	bool errors_dropped;     /* more than LANG_MAX_ERRORS were found */
	uint32_t warning_count;  /* kept ones, of as many at most */
	lang_diag *diags;        /* sorted by file (in the order they were loaded) and place */
	struct lang_chunk *chunks;
	struct lang_intern *names;
	uint32_t source_cap;
	int64_t alloc_budget;    /* tests: allocations until one fails; negative: no limit */
};

/* ---- the context ---- */

lang_ctx *lang_ctx_new(void);            /* NULL when out of memory */
void lang_ctx_free(lang_ctx *ctx);       /* NULL is allowed */

/* True when an error was reported or memory ran out: nothing may be built on what was found. */
static inline bool lang_failed(const lang_ctx *ctx)
{
	return ctx->oom || ctx->error_count > 0;
}

/* ---- the arena ---- */

void *lang_alloc(lang_ctx *ctx, size_t size);                  /* zeroed, aligned for anything */
void *lang_alloc_array(lang_ctx *ctx, size_t count, size_t size); /* checks the product */
#define LANG_NEW(ctx, type) ((type *)lang_alloc((ctx), sizeof(type)))
#define LANG_NEW_ARRAY(ctx, type, n) ((type *)lang_alloc_array((ctx), (n), sizeof(type)))

/* Makes room for one more item in a growable array of the arena: doubles *items when count == *cap. False: no memory. */
bool lang_grow(lang_ctx *ctx, void **items, uint32_t count, uint32_t *cap, size_t size);

char *lang_strndup(lang_ctx *ctx, const char *text, size_t length);
char *lang_sprintf(lang_ctx *ctx, const char *fmt, ...) LANG_PRINTF(2, 3);
char *lang_vsprintf(lang_ctx *ctx, const char *fmt, va_list args) LANG_PRINTF(2, 0);

/* The one copy of a name in this context: equal names are equal pointers. */
const char *lang_intern(lang_ctx *ctx, const char *text, size_t length);
const char *lang_intern_str(lang_ctx *ctx, const char *text);

/* ---- sources ---- */

/* Copies text into the context. NULL: out of memory, or too long (then an error was reported). */
lang_source *lang_add_source(lang_ctx *ctx, const char *path, const char *text, size_t length);

/* Reads a file. NULL: out of memory, or it could not be read (then an error at `from` was reported). */
lang_source *lang_read_source(lang_ctx *ctx, const char *path, lang_span from);

lang_place lang_place_of(const lang_source *source, uint32_t offset);

/* The text of a span (not NUL-terminated; length in *length). */
const char *lang_span_text(const lang_ctx *ctx, lang_span span, size_t *length);

/* "file:line:column", for messages that name another place. */
const char *lang_span_describe(lang_ctx *ctx, lang_span span);

/* ---- diagnostics ---- */

/* Report. The result is what lang_help and lang_note add to; NULL when it was not kept (more than LANG_MAX_ERRORS,
 * the same message at the same place again, no memory), which both accept. Messages begin in lower case, put what
 * the user wrote in single quotes, and have no full stop. */
lang_diag *lang_error(lang_ctx *ctx, lang_span span, const char *fmt, ...) LANG_PRINTF(3, 4);
lang_diag *lang_warning(lang_ctx *ctx, lang_span span, const char *fmt, ...) LANG_PRINTF(3, 4);
void lang_help(lang_ctx *ctx, lang_diag *diag, const char *fmt, ...) LANG_PRINTF(3, 4);
void lang_note(lang_ctx *ctx, lang_diag *diag, lang_span span, const char *fmt, ...) LANG_PRINTF(4, 5);

/* Prints all, sorted by file (in the order they were loaded) and place, and says when memory ran out. */
void lang_print_diags(const lang_ctx *ctx, FILE *out, bool colour);

/* The length of the well-formed UTF-8 sequence at text, of which left bytes remain; 0 when there is none. */
size_t lang_utf8_length(const char *text, size_t left);

/* ---- the nearest name, for misspelt ones ---- */

typedef struct lang_nearest {
	const char *wanted;
	const char *best;        /* NULL: none is near enough */
	unsigned distance;
} lang_nearest;

/* Start with lang_nearest_to(name), offer every candidate, then look at .best. Near enough: a Damerau-Levenshtein
 * distance of at most 2, or a third of the length of longer names, and never the whole of a short one. */
lang_nearest lang_nearest_to(const char *name);
void lang_nearest_offer(lang_nearest *nearest, const char *candidate);

#endif
