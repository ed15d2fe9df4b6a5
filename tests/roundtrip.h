/* What must hold of the formatter for any text that parses: its result parses to an equal tree, has the same comments
 * in the same order, and formatting that again changes nothing. Shared by check_lang.c and fuzz_parse.c. */
#ifndef MMSB_TESTS_ROUNDTRIP_H
#define MMSB_TESTS_ROUNDTRIP_H

#include <string.h>

#include "lang/format.h"

/* The comment's text without the blanks at the ends of its lines, which the formatter drops. */
static inline const char *roundtrip_comment(lang_ctx *ctx, const ast_comment *comment)
{
	size_t length, kept = 0;
	const char *text = lang_span_text(ctx, comment->span, &length);
	char *copy = lang_strndup(ctx, text, length);
	for (size_t i = 0; copy != NULL && i <= length; i++) {
		if (i == length || text[i] == '\n')
			while (kept > 0 && strchr(" \t\r", copy[kept - 1]) != NULL)
				kept--;
		copy[kept++] = i == length ? '\0' : text[i];
	}
	return copy;
}

static inline const char *roundtrip_comments(lang_ctx *ctx, const ast_file *a, const ast_file *b)
{
	if (a->comments.count != b->comments.count)
		return "the number of comments changed";
	for (uint32_t i = 0; i < a->comments.count; i++) {
		const char *x = roundtrip_comment(ctx, &a->comments.items[i]);
		const char *y = roundtrip_comment(ctx, &b->comments.items[i]);
		if (x != NULL && y != NULL && strcmp(x, y) != 0)
			return "a comment changed";
	}
	return NULL;
}

/* NULL when all of it holds (or memory ran out), else what does not. *formatted is the text. */
static inline const char *roundtrip(lang_ctx *ctx, const ast_file *file, const char **formatted)
{
	size_t length, again_length;
	*formatted = "";
	char *text = lang_format(ctx, file, &length);
	if (text == NULL)
		return ctx->oom ? NULL : "no text";
	*formatted = text;
	lang_source *source = lang_add_source(ctx, "formatted.mmsb", text, length);
	ast_file *again = source == NULL ? NULL : lang_parse(ctx, source);
	if (again == NULL)
		return ctx->oom ? NULL : "the formatted text does not parse";
	if (!ast_equal(file, again))
		return "the formatted text has another tree";
	const char *wrong = roundtrip_comments(ctx, file, again);
	if (wrong != NULL)
		return wrong;
	char *twice = lang_format(ctx, again, &again_length);
	if (twice == NULL)
		return ctx->oom ? NULL : "no text the second time";
	if (length != again_length || memcmp(text, twice, length) != 0) {
		*formatted = lang_sprintf(ctx, "%s\n---- again ----\n%s", text, twice);
		return "formatting again changes the text";
	}
	return NULL;
}

#endif
