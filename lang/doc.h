/* A text that can be laid out in one line or in several: what the formatter makes of a declaration.
 *
 * A document is a list of items. A group (open … close) is printed on the rest of its line if it fits, with its lines as
 * blanks (or nothing, for soft ones), else with every line of its own, not of groups within it, as a new line, indented
 * by the group's indent; a group that fills breaks only where what follows does not fit. Comments stay where they are
 * between the items; one that ends a line breaks all groups around it. */
#ifndef MMSB_LANG_DOC_H
#define MMSB_LANG_DOC_H

#include "ast.h"

/* The text that grows; sticky failure when memory runs out. */
typedef struct lang_text {
	lang_ctx *ctx;
	char *bytes;
	uint32_t length;
	uint32_t cap;
} lang_text;

void lang_text_put(lang_text *text, const char *bytes, size_t length);

typedef enum doc_kind { DOC_TEXT, DOC_PAD, DOC_LINE, DOC_SOFT, DOC_FORCE, DOC_OPEN, DOC_CLOSE, DOC_COMMENT } doc_kind;

typedef struct doc_item {
	doc_kind kind;
	const char *text;            /* DOC_TEXT, DOC_COMMENT */
	uint32_t length;
	uint32_t amount;             /* DOC_OPEN: its indent; DOC_PAD: blanks, when the group is broken; DOC_LINE: outdent */
	bool fill;                   /* DOC_OPEN: breaks only where it must */
	bool hug;                    /* DOC_LINE: brackets follow, which had better break within than before */
	const ast_comment *comment;
} doc_item;

typedef struct doc {
	lang_ctx *ctx;
	uint32_t count;
	uint32_t cap;
	doc_item *items;
} doc;

void doc_text(doc *d, const char *text);
void doc_span(doc *d, const char *text, size_t length);
void doc_pad(doc *d, uint32_t blanks);
void doc_line(doc *d);
void doc_line_out(doc *d, uint32_t outdent); /* the line begins so much further left */
void doc_line_hug(doc *d, bool hug);
void doc_soft(doc *d);
void doc_force(doc *d);          /* breaks the groups around it */
void doc_open(doc *d, uint32_t indent);
void doc_open_fill(doc *d, uint32_t indent);
void doc_close(doc *d);
void doc_comment(doc *d, const ast_comment *comment, const char *text, size_t length);

/* Prints the document at the end of text, which stands at column `indent` of a line. The line is left open. A byte 0
 * stands before each comment that ends a line: doc_align turns it into blanks. */
void doc_print(const doc *d, lang_text *text, uint32_t indent);

/* Lines up the comments at the ends of neighbouring lines. NULL when memory ran out. */
char *doc_align(lang_text *text, size_t *length);

/* Appends a comment without blanks at the ends of its lines. */
void doc_put_comment(lang_text *text, const char *bytes, size_t length);

#endif
