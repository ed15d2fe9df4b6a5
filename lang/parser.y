/* The grammar of the language. Nodes are built by parse.c; here is only the shape of the text and what is said when it
 * has another one. */
%require "3.8"
%define api.pure full
%define api.prefix {lang_yy}
%define api.location.type {lang_span}
%define parse.error custom
%define parse.lac full
%locations
%expect 0
%param {void *scanner} {lang_parse_state *ps}

%code requires {
#include "lang/parse.h"
}

%code provides {
int lang_yylex(LANG_YYSTYPE *value, lang_span *span, void *scanner);
}

%code {
#include <math.h>
#include <stdlib.h>

enum { MAX_STACK = 24 * LANG_MAX_DEPTH };
#define YYMAXDEPTH MAX_STACK
#define YYSTACK_USE_ALLOCA 0

/* The parser's stack is the only memory that does not come from the arena; whether malloc or MAX_STACK ended
 * a parse is known only here, and the generated code gives no place to keep it but this. */
static _Thread_local bool stack_refused;

static void *stack_alloc(size_t size)
{
	void *stack = malloc(size);
	stack_refused = stack_refused || stack == NULL;
	return stack;
}
#define YYMALLOC stack_alloc
#define YYFREE free

#define YYLLOC_DEFAULT(Current, Rhs, N)                                        \
	do {                                                                   \
		(Current).file = YYRHSLOC(Rhs, (N) ? 1 : 0).file;              \
		(Current).begin = (N) ? YYRHSLOC(Rhs, 1).begin : YYRHSLOC(Rhs, 0).end; \
		(Current).end = YYRHSLOC(Rhs, N).end;                          \
	} while (0)

/* What cannot be built ends the parse: memory ran out. */
#define OR_OUT(done)             \
	do {                     \
		if (!(done))     \
			YYNOMEM; \
	} while (0)

static int next_token(LANG_YYSTYPE *value, lang_span *span, void *scanner, lang_parse_state *ps);
#undef yylex
#define yylex next_token

static void yyerror(const lang_span *span, void *scanner, lang_parse_state *ps, const char *message);

static ast_name name_of(lang_word word, lang_span span)
{
	return (ast_name){word.text, span};
}
}

%union {
	lang_word word;
	lang_integer integer;
	lang_real real;
	ast_expr *expr;
	ast_path *path;
	ast_type *type;
	ast_decl *decl;
	lang_brackets *brackets;
	ast_names names;
	ast_exprs exprs;
	lang_item item;
	lang_items items;
	ast_field field;
	ast_fields fields;
	ast_entry entry;
	ast_entries entries;
	ast_attr attr;
	ast_attrs attrs;
	ast_decls decls;
	lang_fn_body fn_body;
	lang_fix fix;
	ast_binary_op op;
	ast_role role;
}

%token <word> IDENT "a name" STRING "a string" ATTR "an attribute" TYPE_NAME "a type"
%token <word> REDUCTION "a reduction" VIEW "a view" BOOLEAN "true or false"
%token <integer> INTEGER "a number"
%token <real> REAL "a number with a point"
%token <word> IMPORT "'import'" AS "'as'" PARAM "'param'" RECORD "'record'" SEMIRING "'semiring'" FN "'fn'"
%token <word> PAGE "'page'" LET "'let'" EDGE "'edge'" GRAPH "'graph'" USE "'use'" IN "'in'" OUT "'out'"
%token <word> INIT "'init'" LIKE "'like'" IF "'if'" THEN "'then'" ELSE "'else'" WHERE "'where'" PREV "'prev'"
%token <word> FIX "'fix'" SPARSE "'sparse'" INDEX "'index'" INF "'inf'" NAN_ "'nan'"
%token <word> AND "'and'" OR "'or'" NOT "'not'"
%token ARROW "'<-'" GIVES "'->'" DOTS "'..'" RING_ADD "'.+'" RING_MUL "'.*'" OR_OR "'||'" AND_AND "'&&'"
%token EQUAL "'=='" UNEQUAL "'!='" AT_MOST "'<='" AT_LEAST "'>='" SHIFT_LEFT "'<<'" SHIFT_RIGHT "'>>'"
%token YYEOF 0 "the end of the file"

/* A reduction's body takes every factor joined to it: at `*` and `.*` it goes on rather than end. */
%precedence BODY_ENDS
%precedence '*' RING_MUL

%type <expr> expr or and compare chain bits_or bits_and shift add mul unary unary_plus body ring_body postfix primary
%type <expr> entry_value where
%type <exprs> exprs some_exprs
%type <path> path
%type <brackets> brackets
%type <item> item
%type <items> items
%type <word> word import_name
%type <names> names indices
%type <type> type element maybe_type
%type <field> parameter result record_field
%type <fields> parameters some_parameters results record_fields
%type <entry> let_entry ring_entry argument fix_arg
%type <entries> lets ring_entries arguments some_arguments fix_args
%type <attr> attr
%type <attrs> attrs
%type <role> role
%type <fn_body> fn_body
%type <fix> edge_value
%type <op> compare_op bits_or_op shift_op add_op mul_op ring_op
%type <decl> decl import param record semiring fn page let edge graph use
%type <decls> decls body_decls

%%

file:
	decls                           { ps->file->decls = $1; }
;

decls:
	%empty                          { $$ = (ast_decls){0}; }
|	decls decl                      { $$ = $1; OR_OUT(lang_add_decl(ps, &$$, $2)); }
|	decls error ';'                 { $$ = $1; yyerrok; }
|	decls error '}'                 { $$ = $1; yyerrok; }
;

decl:
	import | param | record | semiring | fn | page | let | edge | graph | use
;

/* ---- declarations ---- */

import:
	IMPORT import_name ';'          {
		OR_OUT($$ = lang_make_decl(ps, @$, AST_IMPORT, (ast_name){0}));
		$$->u.import = (ast_import){.module = $2.text, .what = @2};
	}
|	IMPORT import_name AS IDENT ';' {
		OR_OUT($$ = lang_make_decl(ps, @$, AST_IMPORT, (ast_name){0}));
		$$->u.import = (ast_import){.module = $2.text, .what = @2, .alias = name_of($4, @4)};
	}
|	IMPORT STRING ';'               {
		OR_OUT($$ = lang_make_decl(ps, @$, AST_IMPORT, (ast_name){0}));
		$$->u.import = (ast_import){.path = $2.text, .what = @2};
	}
|	IMPORT STRING AS IDENT ';'      {
		OR_OUT($$ = lang_make_decl(ps, @$, AST_IMPORT, (ast_name){0}));
		$$->u.import = (ast_import){.path = $2.text, .what = @2, .alias = name_of($4, @4)};
	}
;

import_name:
	IDENT | GRAPH | SEMIRING
;

param:
	PARAM names ';'                 {
		OR_OUT($$ = lang_make_decl(ps, @$, AST_PARAM_SIZES, (ast_name){0}));
		$$->u.sizes = $2;
	}
|	PARAM IDENT ':' type ';'        {
		OR_OUT($$ = lang_make_decl(ps, @$, AST_PARAM_VALUE, name_of($2, @2)));
		$$->u.param.type = $4;
	}
|	PARAM IDENT ':' type '=' expr ';' {
		OR_OUT($$ = lang_make_decl(ps, @$, AST_PARAM_VALUE, name_of($2, @2)));
		$$->u.param.type = $4;
		$$->u.param.value = $6;
	}
;

names:
	IDENT                           { $$ = (ast_names){0}; OR_OUT(lang_add_name(ps, &$$, name_of($1, @1))); }
|	names ',' IDENT                 { $$ = $1; OR_OUT(lang_add_name(ps, &$$, name_of($3, @3))); }
;

record:
	RECORD IDENT '{' record_fields '}' {
		OR_OUT($$ = lang_make_decl(ps, @$, AST_RECORD, name_of($2, @2)));
		$$->u.record = $4;
	}
|	RECORD IDENT '{' record_fields error '}' {
		OR_OUT($$ = lang_make_decl(ps, @$, AST_RECORD, name_of($2, @2)));
		yyerrok;
	}
;

record_fields:
	%empty                          { $$ = (ast_fields){0}; }
|	record_fields record_field      { $$ = $1; OR_OUT(lang_add_field(ps, &$$, $2)); }
|	record_fields error ';'         { $$ = $1; yyerrok; }
;

record_field:
	word ':' type ';'               { $$ = (ast_field){name_of($1, @1), $3, @$}; }
;

semiring:
	SEMIRING IDENT maybe_type '{' ring_entries '}' {
		OR_OUT($$ = lang_make_decl(ps, @$, AST_SEMIRING, name_of($2, @2)));
		$$->u.semiring.type = $3;
		$$->u.semiring.entries = $5;
	}
|	SEMIRING IDENT maybe_type '{' ring_entries error '}' {
		OR_OUT($$ = lang_make_decl(ps, @$, AST_SEMIRING, name_of($2, @2)));
		yyerrok;
	}
;

ring_entries:
	%empty                          { $$ = (ast_entries){0}; }
|	ring_entries ring_entry         { $$ = $1; OR_OUT(lang_add_entry(ps, &$$, $2)); }
|	ring_entries error ';'          { $$ = $1; yyerrok; }
;

ring_entry:
	word '=' entry_value ';'        { $$ = (ast_entry){name_of($1, @1), $3, @$}; }
;

entry_value:
	expr
|	REDUCTION                       {
		ast_path *path = lang_make_path(ps, name_of($1, @1));
		OR_OUT($$ = lang_make_name(ps, path));
	}
|	ring_op                         { OR_OUT($$ = lang_make_operator(ps, @$, $1)); }
;

ring_op:
	OR_OR                           { $$ = AST_OR; }
|	AND_AND                         { $$ = AST_AND; }
|	bits_or_op
|	'&'                             { $$ = AST_BIT_AND; }
|	compare_op
|	shift_op
|	'+'                             { $$ = AST_ADD; }
|	'-'                             { $$ = AST_SUB; }
|	'*'                             { $$ = AST_MUL; }
|	mul_op
;

fn:
	FN IDENT '(' parameters ')' maybe_type fn_body {
		OR_OUT($$ = lang_make_decl(ps, @$, AST_FN, name_of($2, @2)));
		$$->u.fn = (ast_fn){$4, $6, $7.lets, $7.value, $7.block};
	}
;

fn_body:
	'=' expr ';'                    { $$ = (lang_fn_body){.value = $2}; }
|	'{' lets expr '}'               { $$ = (lang_fn_body){$2, $3, true}; }
|	'{' lets error '}'              { $$ = (lang_fn_body){.block = true}; yyerrok; }
;

lets:
	%empty                          { $$ = (ast_entries){0}; }
|	lets let_entry                  { $$ = $1; OR_OUT(lang_add_entry(ps, &$$, $2)); }
|	lets error ';'                  { $$ = $1; }
;

let_entry:
	LET IDENT '=' expr ';'          { $$ = (ast_entry){name_of($2, @2), $4, @$}; }
;

parameters:
	%empty                          { $$ = (ast_fields){0}; }
|	some_parameters
;

some_parameters:
	parameter                       { $$ = (ast_fields){0}; OR_OUT(lang_add_field(ps, &$$, $1)); }
|	some_parameters ',' parameter   { $$ = $1; OR_OUT(lang_add_field(ps, &$$, $3)); }
;

parameter:
	IDENT maybe_type                { $$ = (ast_field){name_of($1, @1), $2, @$}; }
;

maybe_type:
	%empty                          { $$ = NULL; }
|	':' type                        { $$ = $2; }
;

page:
	PAGE IDENT ':' type role attrs ';' {
		OR_OUT($$ = lang_make_decl(ps, @$, AST_PAGE, name_of($2, @2)));
		$$->u.page = (ast_page){$4, $5, @5, $6};
	}
;

role:
	%empty                          { $$ = AST_ROLE_NONE; }
|	IN                              { $$ = AST_ROLE_IN; }
|	OUT                             { $$ = AST_ROLE_OUT; }
;

attrs:
	%empty                          { $$ = (ast_attrs){0}; }
|	attrs attr                      { $$ = $1; OR_OUT(lang_add_attr(ps, &$$, $2)); }
;

attr:
	INIT expr                       { $$ = (ast_attr){.kind = AST_ATTR_INIT, .span = @$, .init = $2}; }
|	LIKE path                       { $$ = (ast_attr){.kind = AST_ATTR_LIKE, .span = @$, .like = $2}; }
|	ATTR                            { $$ = (ast_attr){.kind = lang_find_attr(ps, @1, $1.text), .span = @$}; }
|	ATTR '(' some_exprs ')'         {
		$$ = (ast_attr){.kind = lang_find_attr(ps, @1, $1.text), .span = @$, .args = $3};
	}
;

let:
	LET IDENT indices '=' expr ';'  {
		OR_OUT($$ = lang_make_decl(ps, @$, AST_LET, name_of($2, @2)));
		$$->u.let.index = $3;
		$$->u.let.value = $5;
	}
;

edge:
	EDGE IDENT indices ARROW edge_value ';' {
		OR_OUT($$ = lang_make_decl(ps, @$, AST_EDGE, name_of($2, @2)));
		$$->u.edge = (ast_edge){$3, $5.value, $5.is_fix, $5.span, $5.args};
	}
;

indices:
	%empty                          { $$ = (ast_names){0}; }
|	'[' names ']'                   { $$ = $2; }
;

edge_value:
	expr                            { $$ = (lang_fix){.value = $1}; }
|	FIX expr                        { $$ = (lang_fix){.value = $2, .is_fix = true, .span = @1}; }
|	FIX '(' fix_args ')' expr       { $$ = (lang_fix){$5, $3, @1, true}; }
;

fix_args:
	fix_arg                         { $$ = (ast_entries){0}; OR_OUT(lang_add_fix_arg(ps, &$$, $1)); }
|	fix_args ',' fix_arg            { $$ = $1; OR_OUT(lang_add_fix_arg(ps, &$$, $3)); }
;

fix_arg:
	IDENT '=' expr                  { $$ = (ast_entry){name_of($1, @1), $3, @$}; }
|	REDUCTION '=' expr              { $$ = (ast_entry){name_of($1, @1), $3, @$}; }
;

graph:
	GRAPH IDENT '(' parameters ')' GIVES '(' results ')' '{' body_decls '}' {
		OR_OUT($$ = lang_make_decl(ps, @$, AST_GRAPH, name_of($2, @2)));
		$$->u.graph = (ast_graph){$4, $8, $11};
	}
|	GRAPH IDENT '(' parameters ')' GIVES '(' results ')' '{' body_decls error '}' {
		OR_OUT($$ = lang_make_decl(ps, @$, AST_GRAPH, name_of($2, @2)));
		yyerrok;
	}
;

results:
	result                          { $$ = (ast_fields){0}; OR_OUT(lang_add_field(ps, &$$, $1)); }
|	results ',' result              { $$ = $1; OR_OUT(lang_add_field(ps, &$$, $3)); }
;

result:
	IDENT ':' type                  { $$ = (ast_field){name_of($1, @1), $3, @$}; }
;

body_decls:
	%empty                          { $$ = (ast_decls){0}; }
|	body_decls decl                 { $$ = $1; OR_OUT(lang_add_body_decl(ps, &$$, $2)); }
|	body_decls error ';'            { $$ = $1; yyerrok; }
;

use:
	USE IDENT '=' path '(' arguments ')' ';' {
		OR_OUT($$ = lang_make_decl(ps, @$, AST_USE, name_of($2, @2)));
		$$->u.use = (ast_use){$4, $6};
	}
;

arguments:
	%empty                          { $$ = (ast_entries){0}; }
|	some_arguments
;

some_arguments:
	argument                        { $$ = (ast_entries){0}; OR_OUT(lang_add_entry(ps, &$$, $1)); }
|	some_arguments ',' argument     { $$ = $1; OR_OUT(lang_add_entry(ps, &$$, $3)); }
;

argument:
	IDENT '=' expr                  { $$ = (ast_entry){name_of($1, @1), $3, @$}; }
;

/* ---- types ---- */

type:
	element
|	element '[' some_exprs ']'      { $$ = $1; $$->span = @$; $$->has_dims = true; $$->dims = $3; }
|	SPARSE element                  { $$ = $2; $$->span = @$; $$->sparse = true; }
|	SPARSE element '[' some_exprs ']' {
		$$ = $2;
		$$->span = @$;
		$$->sparse = $$->has_dims = true;
		$$->dims = $4;
	}
;

element:
	TYPE_NAME                       {
		OR_OUT($$ = lang_make_type(ps, @$, AST_TYPE_SCALAR));
		$$->name = name_of($1, @1);
	}
|	INDEX '(' expr ')'              {
		OR_OUT($$ = lang_make_type(ps, @$, AST_TYPE_INDEX));
		$$->extent = $3;
	}
|	path                            {
		OR_OUT($$ = lang_make_type(ps, @$, AST_TYPE_NAMED));
		$$->record = $1;
	}
;

/* ---- expressions, loosest first ---- */

expr:
	or
|	IF expr THEN expr ELSE expr     { OR_OUT($$ = lang_make_if(ps, @$, $2, $4, $6)); }
;

or:
	and
|	or OR_OR and                    { OR_OUT($$ = lang_make_binary(ps, @$, AST_OR, @2, $1, $3)); }
;

and:
	compare
|	and AND_AND compare             { OR_OUT($$ = lang_make_binary(ps, @$, AST_AND, @2, $1, $3)); }
;

compare:
	bits_or
|	chain
;

chain:
	bits_or compare_op bits_or      { OR_OUT($$ = lang_make_binary(ps, @$, $2, @2, $1, $3)); }
|	chain compare_op bits_or        {
		lang_help(ps->ctx, lang_error(ps->ctx, @2, "comparisons do not chain"),
		          "join them with &&: a < b && b < c");
		$$ = $1;
	}
;

compare_op:
	EQUAL                           { $$ = AST_EQ; }
|	UNEQUAL                         { $$ = AST_NE; }
|	'<'                             { $$ = AST_LT; }
|	AT_MOST                         { $$ = AST_LE; }
|	'>'                             { $$ = AST_GT; }
|	AT_LEAST                        { $$ = AST_GE; }
;

bits_or:
	bits_and
|	bits_or bits_or_op bits_and     { OR_OUT($$ = lang_make_binary(ps, @$, $2, @2, $1, $3)); }
;

bits_or_op:
	'|'                             { $$ = AST_BIT_OR; }
|	'^'                             { $$ = AST_BIT_XOR; }
;

bits_and:
	shift
|	bits_and '&' shift              { OR_OUT($$ = lang_make_binary(ps, @$, AST_BIT_AND, @2, $1, $3)); }
;

shift:
	add
|	shift shift_op add              { OR_OUT($$ = lang_make_binary(ps, @$, $2, @2, $1, $3)); }
;

shift_op:
	SHIFT_LEFT                      { $$ = AST_SHL; }
|	SHIFT_RIGHT                     { $$ = AST_SHR; }
;

add:
	mul
|	add add_op mul                  { OR_OUT($$ = lang_make_binary(ps, @$, $2, @2, $1, $3)); }
;

add_op:
	'+'                             { $$ = AST_ADD; }
|	'-'                             { $$ = AST_SUB; }
|	RING_ADD                        { $$ = AST_RING_ADD; }
;

mul:
	unary
|	mul '*' unary                   { OR_OUT($$ = lang_make_binary(ps, @$, AST_MUL, @2, $1, $3)); }
|	mul RING_MUL unary              { OR_OUT($$ = lang_make_binary(ps, @$, AST_RING_MUL, @2, $1, $3)); }
|	mul mul_op unary                { OR_OUT($$ = lang_make_binary(ps, @$, $2, @2, $1, $3)); }
;

mul_op:
	'/'                             { $$ = AST_DIV; }
|	'%'                             { $$ = AST_REM; }
;

unary:
	unary_plus
|	'-' unary                       { OR_OUT($$ = lang_make_unary(ps, @$, AST_NEG, $2)); }
;

/* All that may begin the body of a semiring reduction: x[u] - y is a subtraction. */
unary_plus:
	postfix
|	'!' unary                       { OR_OUT($$ = lang_make_unary(ps, @$, AST_NOT, $2)); }
|	'~' unary                       { OR_OUT($$ = lang_make_unary(ps, @$, AST_BIT_NOT, $2)); }
|	REDUCTION brackets body %prec BODY_ENDS {
		OR_OUT($$ = lang_make_reduce(ps, @$, $1.code, NULL, lang_span_join(@1, @2), $2, $3));
	}
|	path brackets ring_body %prec BODY_ENDS {
		OR_OUT($$ = lang_make_reduce(ps, @$, AST_RED_SEMIRING, $1, lang_span_join(@1, @2), $2, $3));
	}
;

body:
	unary
|	body '*' unary                  { OR_OUT($$ = lang_make_binary(ps, @$, AST_MUL, @2, $1, $3)); }
|	body RING_MUL unary             { OR_OUT($$ = lang_make_binary(ps, @$, AST_RING_MUL, @2, $1, $3)); }
;

ring_body:
	unary_plus
|	ring_body '*' unary             { OR_OUT($$ = lang_make_binary(ps, @$, AST_MUL, @2, $1, $3)); }
|	ring_body RING_MUL unary        { OR_OUT($$ = lang_make_binary(ps, @$, AST_RING_MUL, @2, $1, $3)); }
;

postfix:
	primary
|	path                            { OR_OUT($$ = lang_make_name(ps, $1)); }
|	path brackets                   { OR_OUT($$ = lang_make_read(ps, @$, $1, $2, false)); }
|	PREV path                       { OR_OUT($$ = lang_make_read(ps, @$, $2, NULL, true)); }
;

primary:
	INTEGER                         { OR_OUT($$ = lang_make_int(ps, @$, $1)); }
|	REAL                            { OR_OUT($$ = lang_make_real(ps, @$, $1)); }
|	INF                             { OR_OUT($$ = lang_make_real(ps, @$, (lang_real){HUGE_VAL, $1.text})); }
|	NAN_                            { OR_OUT($$ = lang_make_real(ps, @$, (lang_real){NAN, $1.text})); }
|	BOOLEAN                         { OR_OUT($$ = lang_make_bool(ps, @$, $1.code != 0)); }
|	'(' expr ')'                    { $$ = $2; }
|	path '(' exprs ')'              { OR_OUT($$ = lang_make_call(ps, @$, $1, $3)); }
|	REDUCTION '(' exprs ')'         { OR_OUT($$ = lang_make_reserved_call(ps, @$, name_of($1, @1), $3)); }
|	VIEW '(' exprs ')'              { OR_OUT($$ = lang_make_reserved_call(ps, @$, name_of($1, @1), $3)); }
|	VIEW '(' exprs ')' brackets     {
		OR_OUT($$ = lang_make_view(ps, @$, (ast_view)$1.code, @1, $3, $5));
	}
|	PREV path brackets              { OR_OUT($$ = lang_make_read(ps, @$, $2, $3, true)); }
|	TYPE_NAME '(' expr ')'          {
		ast_type *type = lang_make_type(ps, @1, AST_TYPE_SCALAR);
		OR_OUT(type);
		type->name = name_of($1, @1);
		OR_OUT($$ = lang_make_convert(ps, @$, type, $3));
	}
|	INDEX '(' expr ')' '(' expr ')' {
		ast_type *type = lang_make_type(ps, lang_span_join(@1, @4), AST_TYPE_INDEX);
		OR_OUT(type);
		type->extent = $3;
		OR_OUT($$ = lang_make_convert(ps, @$, type, $6));
	}
|	primary '.' word                { OR_OUT($$ = lang_make_field(ps, @$, $1, name_of($3, @3))); }
|	path brackets '.' word          {
		ast_expr *base = lang_make_read(ps, lang_span_join(@1, @2), $1, $2, false);
		OR_OUT(base);
		OR_OUT($$ = lang_make_field(ps, @$, base, name_of($4, @4)));
	}
;

path:
	IDENT                           { OR_OUT($$ = lang_make_path(ps, name_of($1, @1))); }
|	path '.' word                   { OR_OUT($$ = lang_extend_path(ps, $1, name_of($3, @3))); }
;

brackets:
	'[' items where ']'             { OR_OUT($$ = lang_make_brackets(ps, @$, $2, $3)); }
;

where:
	%empty                          { $$ = NULL; }
|	WHERE expr                      { $$ = $2; }
;

items:
	item                            { $$ = (lang_items){0}; OR_OUT(lang_add_item(ps, &$$, $1)); }
|	items ',' item                  { $$ = $1; OR_OUT(lang_add_item(ps, &$$, $3)); }
;

item:
	expr                            { $$ = (lang_item){.expr = $1}; }
|	IDENT IN expr DOTS expr         { $$ = (lang_item){.binding = {name_of($1, @1), $3, $5}}; }
;

exprs:
	%empty                          { $$ = (ast_exprs){0}; }
|	some_exprs
;

some_exprs:
	expr                            { $$ = (ast_exprs){0}; OR_OUT(lang_add_expr(ps, &$$, $1)); }
|	some_exprs ',' expr             { $$ = $1; OR_OUT(lang_add_expr(ps, &$$, $3)); }
;

/* After a point and as names of fields and entries, reserved words are names like others. */
word:
	IDENT | TYPE_NAME | REDUCTION | VIEW | BOOLEAN | IMPORT | AS | PARAM | RECORD | SEMIRING | FN | PAGE | LET | EDGE
|	GRAPH | USE | IN | OUT | INIT | LIKE | IF | THEN | ELSE | WHERE | PREV | FIX | SPARSE | INDEX | INF | NAN_ | AND
|	OR | NOT
;

%%

/* Remembers the token before, and ends the text early where the lexer gave up or no more errors are kept. */
static int next_token(LANG_YYSTYPE *value, lang_span *span, void *scanner, lang_parse_state *ps)
{
	int token = 0;
	if (ps->gave_up || ps->ctx->oom || ps->ctx->errors_dropped)
		*span = (lang_span){ps->source->id, ps->source->length, ps->source->length};
	else
		token = lang_yylex(value, span, scanner);
	ps->last = ps->token;
	ps->token = *span;
	return token;
}

/* Called by the generated code for one thing: its stack cannot grow. */
static void yyerror(const lang_span *span, void *scanner, lang_parse_state *ps, const char *message)
{
	(void)scanner;
	(void)message;
	if (stack_refused)
		ps->ctx->oom = true;
	else if (!ps->ctx->oom)
		lang_too_deep(ps, *span);
}

static int yyreport_syntax_error(const yypcontext_t *context, void *scanner, lang_parse_state *ps)
{
	yysymbol_kind_t kinds[YYNTOKENS];
	const char *names[YYNTOKENS];
	(void)scanner;
	if (ps->gave_up || ps->ctx->oom || ps->ctx->errors_dropped)
		return 0;
	int count = yypcontext_expected_tokens(context, kinds, YYNTOKENS);
	if (count < 0)
		return count;
	for (int i = 0; i < count; i++)
		names[i] = yysymbol_name(kinds[i]);
	yysymbol_kind_t got = yypcontext_token(context);
	lang_report_syntax(ps, *yypcontext_location(context), got == YYSYMBOL_YYEMPTY ? "" : yysymbol_name(got), names,
	                   count);
	return 0;
}

int lang_run_parser(void *scanner, lang_parse_state *ps)
{
	stack_refused = false;
	return yyparse(scanner, ps);
}
