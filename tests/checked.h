/* checked.h - for tests: a checked program from a text. */
#ifndef MMSB_TESTS_CHECKED_H
#define MMSB_TESTS_CHECKED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lang/module.h"
#include "../lang/program.h"

typedef struct checked {
	lang_ctx *ctx;
	p_program *program; /* NULL: it has errors */
} checked;

static inline checked checked_new(const char *text)
{
	lang_search search = {NULL, 0, NULL};
	checked c = {lang_ctx_new(), NULL};
	lang_program *loaded = c.ctx ? lang_load_text(c.ctx, "test.mmsb", text, strlen(text), &search) : NULL;
	c.program = loaded ? lang_check(c.ctx, loaded) : NULL;
	return c;
}

static inline void checked_free(checked *c)
{
	lang_ctx_free(c->ctx);
	*c = (checked){NULL, NULL};
}

static inline const p_page *checked_page(const checked *c, const char *name)
{
	for (uint32_t i = 0; i < c->program->n_pages; i++)
		if (strcmp(c->program->pages[i]->name, name) == 0)
			return c->program->pages[i];
	return NULL;
}

/* The messages as mmsbc prints them; the caller's to free(). */
static inline char *checked_messages(const checked *c)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	if (!to)
		return NULL;
	lang_print_diags(c->ctx, to, false);
	fclose(to);
	return text;
}

#endif
