/* What the lexer, the grammar and the building of nodes share. Nobody else includes this. */
#ifndef MMSB_LANG_PARSE_H
#define MMSB_LANG_PARSE_H

#include "ast.h"

enum { LANG_FLEX_POOL = 1024 };  /* bytes; what flex asks for is a few hundred */

/* One parse. */
typedef struct lang_parse_state {
	lang_ctx *ctx;
	lang_source *source;
	ast_file *file;
	char *flex_buffer;       /* flex writes into it: the text with two NULs behind it */
	unsigned char *flex_pool; /* LANG_FLEX_POOL bytes: flex's own records, so that it never meets a failed allocation */
	size_t flex_used;
	void *number_locale;     /* locale_t "C": numbers mean the same everywhere */
	uint32_t open;           /* ( and [ that are open */
	lang_span last;          /* the token before the one looked at */
	lang_span token;         /* the one looked at */
	bool gave_up;            /* nested too deep: the rest is not looked at */
} lang_parse_state;

/* A word, or a token that means one of several: text is interned, code an enumerator that depends on the token. */
typedef struct lang_word {
	const char *text;
	int code;
} lang_word;

typedef struct lang_integer {
	uint64_t value;
	const char *spelling;
} lang_integer;

typedef struct lang_real {
	double value;
	const char *spelling;
} lang_real;

/* What stands in brackets, before it is known whether it is an index list or the bindings of a reduction. */
typedef struct lang_item {
	ast_expr *expr;          /* of `k in a..b`: NULL */
	ast_binding binding;     /* of `k in a..b` */
} lang_item;

typedef struct lang_items {
	uint32_t count;
	uint32_t cap;
	lang_item *items;
} lang_items;

typedef struct lang_brackets {
	lang_items items;
	ast_expr *where;
	lang_span span;
} lang_brackets;

/* The value of a fn and of an edge on their way into the declaration. */
typedef struct lang_fn_body {
	ast_entries lets;
	ast_expr *value;
	bool block;
} lang_fn_body;

typedef struct lang_fix {
	ast_expr *value;
	ast_entries args;
	lang_span span;
	bool is_fix;
} lang_fix;

/* ---- lexer.l ---- */

/* False when memory ran out. lang_lex_end is called in either case. */
bool lang_lex_begin(lang_parse_state *ps, void **scanner);
void lang_lex_end(lang_parse_state *ps, void *scanner);

/* ---- parser.y ---- */

/* As yyparse: 0 when the text was taken, after errors too; 1 when it was given up; 2 without memory. */
int lang_run_parser(void *scanner, lang_parse_state *ps);

/* ---- parse.c: nodes. All return NULL (or false) when memory ran out, or when a part is NULL. ---- */

ast_expr *lang_make_int(lang_parse_state *ps, lang_span span, lang_integer integer);
ast_expr *lang_make_real(lang_parse_state *ps, lang_span span, lang_real real);
ast_expr *lang_make_bool(lang_parse_state *ps, lang_span span, bool value);
ast_expr *lang_make_name(lang_parse_state *ps, ast_path *path);
ast_expr *lang_make_field(lang_parse_state *ps, lang_span span, ast_expr *base, ast_name name);
ast_expr *lang_make_call(lang_parse_state *ps, lang_span span, ast_path *callee, ast_exprs args);
ast_expr *lang_make_reserved_call(lang_parse_state *ps, lang_span span, ast_name name, ast_exprs args);
ast_expr *lang_make_convert(lang_parse_state *ps, lang_span span, ast_type *to, ast_expr *arg);
ast_expr *lang_make_unary(lang_parse_state *ps, lang_span span, ast_unary_op op, ast_expr *arg);
ast_expr *lang_make_binary(lang_parse_state *ps, lang_span span, ast_binary_op op, lang_span op_span,
                           ast_expr *left, ast_expr *right);
ast_expr *lang_make_if(lang_parse_state *ps, lang_span span, ast_expr *test, ast_expr *yes, ast_expr *no);
ast_expr *lang_make_operator(lang_parse_state *ps, lang_span span, ast_binary_op op);
ast_expr *lang_make_read(lang_parse_state *ps, lang_span span, ast_path *page, const lang_brackets *brackets,
                         bool prev);
ast_expr *lang_make_view(lang_parse_state *ps, lang_span span, ast_view view, lang_span head, ast_exprs args,
                         const lang_brackets *brackets);
ast_expr *lang_make_reduce(lang_parse_state *ps, lang_span span, int op, ast_path *semiring, lang_span head,
                           const lang_brackets *brackets, ast_expr *body);

ast_path *lang_make_path(lang_parse_state *ps, ast_name name);
ast_path *lang_extend_path(lang_parse_state *ps, ast_path *path, ast_name name);
lang_brackets *lang_make_brackets(lang_parse_state *ps, lang_span span, lang_items items, ast_expr *where);
ast_type *lang_make_type(lang_parse_state *ps, lang_span span, ast_type_kind kind);
ast_decl *lang_make_decl(lang_parse_state *ps, lang_span span, ast_decl_kind kind, ast_name name);

bool lang_add_name(lang_parse_state *ps, ast_names *list, ast_name name);
bool lang_add_expr(lang_parse_state *ps, ast_exprs *list, ast_expr *expr);
bool lang_add_item(lang_parse_state *ps, lang_items *list, lang_item item);
bool lang_add_field(lang_parse_state *ps, ast_fields *list, ast_field field);
bool lang_add_entry(lang_parse_state *ps, ast_entries *list, ast_entry entry);
bool lang_add_fix_arg(lang_parse_state *ps, ast_entries *list, ast_entry entry);
bool lang_add_attr(lang_parse_state *ps, ast_attrs *list, ast_attr attr);
bool lang_add_decl(lang_parse_state *ps, ast_decls *list, ast_decl *decl);
bool lang_add_body_decl(lang_parse_state *ps, ast_decls *list, ast_decl *decl);
bool lang_add_comment(lang_parse_state *ps, lang_span span, bool block, bool doc);

/* The attribute of an @word; an unknown one is reported and comes back as AST_ATTR_COUNT. */
ast_attr_kind lang_find_attr(lang_parse_state *ps, lang_span span, const char *word);

/* ---- syntax.c ---- */

/* Reports a token that does not fit; got and expected are the grammar's names of tokens. */
void lang_report_syntax(lang_parse_state *ps, lang_span span, const char *got, const char *const *expected, int count);

/* Reports that an expression nests too deep, once. */
void lang_too_deep(lang_parse_state *ps, lang_span span);

#endif
