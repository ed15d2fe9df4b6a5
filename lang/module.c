/* Loading a program's files. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE                  /* realpath */
#endif
#include "module.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_IMPORT_DEPTH = 200 };     /* files importing each other in a chain: loading recurses along it */

typedef struct loader {
	lang_ctx *ctx;
	const lang_search *search;
	lang_program *program;
	lang_module **all;               /* also those still loading */
	uint32_t all_count;
	uint32_t all_cap;
	uint32_t depth;
} loader;

static bool load_imports(loader *l, lang_module *module);

static bool push(lang_ctx *ctx, lang_module ***list, uint32_t *count, uint32_t *cap, lang_module *module)
{
	void *items = *list;
	if (!lang_grow(ctx, &items, *count, cap, sizeof **list))
		return false;
	*list = items;
	(*list)[(*count)++] = module;
	return true;
}

/* The canonical path in the arena; the path itself where there is none (a text in memory). NULL: no memory. */
static const char *canonical(lang_ctx *ctx, const char *path)
{
	char *real = realpath(path, NULL);
	if (real == NULL && errno == ENOMEM) {
		ctx->oom = true;
		return NULL;
	}
	const char *kept = lang_strndup(ctx, real == NULL ? path : real, strlen(real == NULL ? path : real));
	free(real);
	return kept;
}

/* A file of the directory that stands in front of `beside`. */
static char *path_beside(lang_ctx *ctx, const char *beside, const char *name)
{
	const char *slash = strrchr(beside, '/');
	if (name[0] == '/' || slash == NULL)
		return lang_strndup(ctx, name, strlen(name));
	return lang_sprintf(ctx, "%.*s%s", (int)(slash - beside + 1), beside, name);
}

/* A file, and not the one that imports: a user's graph.mmsb may import the library's graph. */
static bool serves(loader *l, const lang_module *from, const char *path)
{
	if (access(path, F_OK) != 0)
		return false;
	const char *real = canonical(l->ctx, path);
	return real != NULL && strcmp(real, from->real_path) != 0;
}

/* Where `import graph;` in `from` finds its file; NULL: nowhere (reported), or no memory. */
static const char *find_module(loader *l, const lang_module *from, const ast_decl *decl)
{
	lang_ctx *ctx = l->ctx;
	char *name = lang_sprintf(ctx, "%s.mmsb", decl->u.import.module);
	char *path = name == NULL ? NULL : path_beside(ctx, from->path, name);
	if (path == NULL || serves(l, from, path))
		return path;
	uint32_t dirs = l->search == NULL ? 0 : l->search->dir_count;
	for (uint32_t i = 0; i <= dirs; i++) {
		const char *dir = i < dirs ? l->search->dirs[i] : l->search == NULL ? NULL : l->search->stdlib;
		if (dir == NULL)
			continue;
		path = lang_sprintf(ctx, "%s/%s", dir, name);
		if (path == NULL || serves(l, from, path))
			return path;
	}
	if (ctx->oom)
		return NULL;
	lang_diag *diag = lang_error(ctx, decl->u.import.what, "there is no module '%s'", decl->u.import.module);
	lang_help(ctx, diag, "looked for %s beside this file, in the directories of -I and in the standard library", name);
	return NULL;
}

static lang_module *find_loaded(const loader *l, const char *real_path)
{
	for (uint32_t i = 0; i < l->all_count; i++)
		if (strcmp(l->all[i]->real_path, real_path) == 0)
			return l->all[i];
	return NULL;
}

/* "a.mmsb -> b.mmsb -> a.mmsb": the way from `to` down to `from`, which imports it again. */
static void report_cycle(lang_ctx *ctx, const lang_module *from, const lang_module *to, lang_span span)
{
	const char *path = to->path;
	for (const lang_module *m = from; m != to && path != NULL; m = m->from)
		path = lang_sprintf(ctx, "%s -> %s", m->path, path);
	path = path == NULL ? NULL : lang_sprintf(ctx, "%s -> %s", to->path, path);
	if (path != NULL)
		lang_help(ctx, lang_error(ctx, span, "these files import each other: %s", path),
		          "move what both need into a third file");
}

/* Reads, parses and loads what it imports. NULL: reported, or no memory. */
static lang_module *load_file(loader *l, lang_source *source, const char *path, const char *real_path,
                              lang_module *from, lang_span span)
{
	lang_module *module = LANG_NEW(l->ctx, lang_module);
	if (module == NULL || !push(l->ctx, &l->all, &l->all_count, &l->all_cap, module))
		return NULL;
	*module = (lang_module){.path = path, .real_path = real_path, .loading = true, .from = from, .from_span = span};
	module->file = source == NULL ? NULL : lang_parse(l->ctx, source);
	bool whole = module->file != NULL && load_imports(l, module);
	module->loading = false;
	if (!whole || !push(l->ctx, &l->program->modules, &l->program->count, &l->program->cap, module))
		return NULL;
	return module;
}

/* A module that was loaded before, or is loaded now. NULL: reported (here or when it was tried first), or no memory. */
static lang_module *load_import(loader *l, lang_module *from, const ast_decl *decl)
{
	lang_span span = decl->u.import.what;
	const char *path = decl->u.import.path != NULL ? path_beside(l->ctx, from->path, decl->u.import.path)
	                                               : find_module(l, from, decl);
	const char *real = path == NULL ? NULL : canonical(l->ctx, path);
	if (real == NULL)
		return NULL;
	lang_module *module = find_loaded(l, real);
	if (module != NULL && module->loading) {
		report_cycle(l->ctx, from, module, span);
		return NULL;
	}
	if (module != NULL)
		return module->file == NULL ? NULL : module;
	if (l->depth >= MAX_IMPORT_DEPTH) {
		lang_error(l->ctx, span, "imports go more than %d files deep", MAX_IMPORT_DEPTH);
		return NULL;
	}
	l->depth++;
	module = load_file(l, lang_read_source(l->ctx, path, span), path, real, from, span);
	l->depth--;
	return module;
}

static bool load_imports(loader *l, lang_module *module)
{
	ast_decls decls = module->file->decls;
	uint32_t count = 0;
	for (uint32_t i = 0; i < decls.count; i++)
		count += decls.items[i]->kind == AST_IMPORT;
	module->imports = LANG_NEW_ARRAY(l->ctx, lang_imported, count);
	if (module->imports == NULL)
		return false;
	bool whole = true;
	for (uint32_t i = 0; i < decls.count; i++) {
		if (decls.items[i]->kind != AST_IMPORT)
			continue;
		lang_module *imported = load_import(l, module, decls.items[i]);
		if (imported == NULL)
			whole = false;
		else
			module->imports[module->import_count++] = (lang_imported){decls.items[i], imported};
	}
	return whole;
}

static lang_program *load_main(lang_ctx *ctx, lang_source *source, const char *path, const lang_search *search)
{
	loader l = {.ctx = ctx, .search = search, .program = LANG_NEW(ctx, lang_program)};
	const char *kept = lang_strndup(ctx, path, strlen(path));
	const char *real = kept == NULL ? NULL : canonical(ctx, kept);
	if (l.program == NULL || real == NULL)
		return NULL;
	l.program->main = load_file(&l, source, kept, real, NULL, lang_no_span());
	return l.program->main == NULL || lang_failed(ctx) ? NULL : l.program;
}

lang_program *lang_load(lang_ctx *ctx, const char *path, const lang_search *search)
{
	lang_source *source = lang_read_source(ctx, path, lang_no_span());
	return source == NULL ? NULL : load_main(ctx, source, path, search);
}

lang_program *lang_load_text(lang_ctx *ctx, const char *path, const char *text, size_t length,
                             const lang_search *search)
{
	lang_source *source = lang_add_source(ctx, path, text, length);
	return source == NULL ? NULL : load_main(ctx, source, path, search);
}
