/* Expressions and types as documents: shared by the formatter's two halves. */
#ifndef MMSB_LANG_FORMAT_EXPR_H
#define MMSB_LANG_FORMAT_EXPR_H

#include "doc.h"

enum { FORMAT_INDENT = 4 };

typedef struct formatter {
	lang_ctx *ctx;
	const ast_file *file;
	uint32_t next;               /* the first comment that is not printed yet */
	doc d;                       /* the declaration at work */
	lang_text out;
	bool line_has_text;          /* something stands on the line at work … */
	bool line_has_comment;       /* … a comment behind it … */
	bool line_is_closed;         /* … one that ends the line */
	uint32_t last_end;           /* where in the source the thing printed last ends */
} formatter;

/* The comments that stand before `position` in the source, into the document. */
void format_comments(formatter *f, uint32_t position);

/* A token that begins at a known place: comments before it first. */
void format_token(formatter *f, lang_span span, const char *text);
void format_name(formatter *f, ast_name name);
void format_path(formatter *f, const ast_path *path);

/* `a, b, c` and `a, b, c` with lines between. */
void format_names(formatter *f, ast_names names);
void format_exprs(formatter *f, ast_exprs list);

/* A whole expression: where any may stand. */
void format_expr(formatter *f, const ast_expr *expr);
void format_type(formatter *f, const ast_type *type);

#endif
