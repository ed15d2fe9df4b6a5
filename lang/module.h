/* A program's files: the one asked for and everything it imports, each parsed once. */
#ifndef MMSB_LANG_MODULE_H
#define MMSB_LANG_MODULE_H

#include "ast.h"

/* Where `import graph;` looks for graph.mmsb: beside the importing file, then in dirs, then in stdlib. */
typedef struct lang_search {
	const char *const *dirs;     /* of -I, in order */
	uint32_t dir_count;
	const char *stdlib;          /* or NULL */
} lang_search;

typedef struct lang_module lang_module;

typedef struct lang_imported {
	const ast_decl *decl;        /* the import declaration */
	lang_module *module;
} lang_imported;

struct lang_module {
	ast_file *file;
	const char *path;            /* as found: sources show it in messages */
	const char *real_path;       /* canonical: equal for the same file */
	uint32_t import_count;
	lang_imported *imports;      /* in the order of the text */
	bool loading;                /* still on the path of imports: for the search of cycles */
	lang_module *from;           /* who was first to import it; NULL for the main file */
	lang_span from_span;
};

/* Modules stand after everything they import; the main one is last. */
typedef struct lang_program {
	uint32_t count;
	uint32_t cap;
	lang_module **modules;
	lang_module *main;
} lang_program;

/* Loads the file at path and its imports. NULL when anything went wrong: all that could be found is reported. */
lang_program *lang_load(lang_ctx *ctx, const char *path, const lang_search *search);

/* The same for a text in memory; path is what messages show and what imports are relative to. */
lang_program *lang_load_text(lang_ctx *ctx, const char *path, const char *text, size_t length,
                             const lang_search *search);

#endif
