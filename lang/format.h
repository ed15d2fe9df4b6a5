/* The canonical layout (mmsbc fmt): from the tree and the comments of a file, never from its blanks alone.
 * Formatting the result again gives the same text, and parsing it gives an equal tree with the same comments. */
#ifndef MMSB_LANG_FORMAT_H
#define MMSB_LANG_FORMAT_H

#include "ast.h"

enum { LANG_FORMAT_WIDTH = 100 };

/* The text in the arena, NUL-terminated, its length in *length; NULL when out of memory. */
char *lang_format(lang_ctx *ctx, const ast_file *file, size_t *length);

#endif
