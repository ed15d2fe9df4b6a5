/* check_lang.c: the text half of lang/: lexer, grammar, messages, modules, formatter. */
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lang/module.h"
#include "tests/lang_texts.h"
#include "tests/roundtrip.h"
#include "tests/unit.h"

static lang_ctx *ctx;

static void setup(void)
{
	ctx = lang_ctx_new();
	ck_assert_ptr_nonnull(ctx);
}

static void teardown(void)
{
	lang_ctx_free(ctx);
}

static ast_file *parse(const char *text)
{
	lang_source *source = lang_add_source(ctx, "t.mmsb", text, strlen(text));
	ck_assert_ptr_nonnull(source);
	return lang_parse(ctx, source);
}

/* All messages as text; the caller frees it. */
static char *messages(void)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	ck_assert_ptr_nonnull(out);
	lang_print_diags(ctx, out, false);
	fclose(out);
	return text;
}

static ast_file *must_parse(const char *text)
{
	ast_file *file = parse(text);
	if (file == NULL) {
		printf("%s\n%s", text, messages());
		fflush(stdout);
		ck_abort_msg("a text does not parse");
	}
	return file;
}

static ast_expr *expression(const char *text)
{
	ast_file *file = must_parse(lang_sprintf(ctx, "edge x <- %s;", text));
	ck_assert_uint_eq(file->decls.count, 1);
	return file->decls.items[0]->u.edge.value;
}

static void expect_messages(const char *text, const char *wanted)
{
	setup();
	ck_assert_ptr_null(parse(text));
	char *got = messages();
	ck_assert_str_eq(got, wanted);
	free(got);
	teardown();
}

/* ---- lexer ---- */

START_TEST(numbers)
{
	static const struct { const char *text; uint64_t value; } integers[] = {
		{"0", 0}, {"007", 7}, {"1_000", 1000}, {"0xff", 255}, {"0xFF_ff", 65535},
		{"18446744073709551615", UINT64_MAX}, {"0xffff_ffff_ffff_ffff", UINT64_MAX},
	};
	static const struct { const char *text; double value; } reals[] = {
		{"1.5", 1.5}, {"1e-12", 1e-12}, {"1_0.2_5E+1_0", 10.25e10}, {"0.1", 0.1}, {"2e0", 2.0},
		{"4.9e-324", 4.9e-324}, {"1e-400", 0.0}, {"inf", HUGE_VAL},
	};
	for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++) {
		ast_expr *e = expression(integers[i].text);
		ck_assert_int_eq(e->kind, AST_INT);
		ck_assert(e->u.integer.value == integers[i].value);
		ck_assert_str_eq(e->u.integer.spelling, integers[i].text);
	}
	for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++) {
		ast_expr *e = expression(reals[i].text);
		ck_assert_int_eq(e->kind, AST_FLOAT);
		ck_assert(e->u.real.value == reals[i].value);
	}
	ck_assert(isnan(expression("nan")->u.real.value));
	ck_assert(expression("true")->u.boolean);
	ck_assert(!expression("false")->u.boolean);
}
END_TEST

/* A comma for a point in the process must not reach the language. */
START_TEST(numbers_do_not_depend_on_the_locale)
{
	if (setlocale(LC_NUMERIC, "de_DE.UTF-8") == NULL)
		setlocale(LC_NUMERIC, "fr_FR.UTF-8");
	ck_assert(expression("1.5")->u.real.value == 1.5);
	setlocale(LC_NUMERIC, "C");
}
END_TEST

START_TEST(words_after_a_point_and_in_records)
{
	ast_expr *e = expression("q[i].in + a.min.edge");
	ck_assert_str_eq(e->u.binary.left->u.field.name.text, "in");
	ck_assert_uint_eq(e->u.binary.right->u.name->parts.count, 3);
	ast_file *file = must_parse("record R { sum : f32; page : i8; true : bool; f32 : f32; }");
	ck_assert_uint_eq(file->decls.items[0]->u.record.count, 4);
	file = must_parse("import graph; import semiring as s; import \"a b.mmsb\" as r;");
	ck_assert_str_eq(file->decls.items[0]->u.import.module, "graph");
	ck_assert_str_eq(file->decls.items[1]->u.import.alias.text, "s");
	ck_assert_str_eq(file->decls.items[2]->u.import.path, "a b.mmsb");
}
END_TEST

START_TEST(line_ends_and_byte_order_mark)
{
	ck_assert(ast_equal(must_parse("\xef\xbb\xbfparam N; // c\r\n\r\npage x : f64[N];\r\n"),
	                    must_parse("param N; // c\npage x : f64[N];")));
}
END_TEST

START_TEST(doc_texts)
{
	ast_file *file = must_parse("/// one\n///  two\n// not\n/// three\n\n///four\nparam N; /// no\nparam M;\n"
	                            "graph g() -> (r : f64) {\n  /// inner\n  edge r <- 1; }\n//// no\nparam K;\n");
	ck_assert_str_eq(file->decls.items[0]->doc, "three\nfour");
	ck_assert_ptr_null(file->decls.items[1]->doc);
	ck_assert_str_eq(file->decls.items[2]->u.graph.body.items[0]->doc, "inner");
	ck_assert_ptr_null(file->decls.items[3]->doc);
}
END_TEST

/* ---- grammar ---- */

START_TEST(precedence)
{
	for (size_t i = 0; i < sizeof same_trees / sizeof same_trees[0]; i++) {
		ast_expr *a = expression(same_trees[i].text), *b = expression(same_trees[i].other);
		if (!ast_expr_equal(a, b))
			ck_abort_msg("%s is not %s", same_trees[i].text, same_trees[i].other);
	}
	for (size_t i = 0; i < sizeof other_trees / sizeof other_trees[0]; i++) {
		ast_expr *a = expression(other_trees[i].text), *b = expression(other_trees[i].other);
		if (ast_expr_equal(a, b))
			ck_abort_msg("%s is %s", other_trees[i].text, other_trees[i].other);
	}
}
END_TEST

START_TEST(reductions)
{
	ast_expr *e = expression("sum[j, k in 0..3 where j != k] a[j, k]");
	ck_assert_int_eq(e->kind, AST_REDUCE);
	ck_assert_int_eq(e->u.reduce->op, AST_RED_SUM);
	ck_assert_uint_eq(e->u.reduce->bindings.count, 2);
	ck_assert_ptr_null(e->u.reduce->bindings.items[0].from);
	ck_assert_ptr_nonnull(e->u.reduce->bindings.items[1].to);
	ck_assert_ptr_nonnull(e->u.reduce->where);
	e = expression("m.min_plus[u] W[u, v] .* d[u]");
	ck_assert_int_eq(e->u.reduce->op, AST_RED_SEMIRING);
	ck_assert_uint_eq(e->u.reduce->semiring->parts.count, 2);
	ck_assert_int_eq(e->u.reduce->body->u.binary.op, AST_RING_MUL);
	ck_assert_int_eq(expression("S[u] (x[u])")->kind, AST_REDUCE);
	ck_assert_int_eq(expression("x[u] - y")->kind, AST_BINARY);
	ck_assert_int_eq(expression("min(a, b)")->kind, AST_CALL);
	ck_assert_int_eq(expression("min[a] b[a]")->kind, AST_REDUCE);
}
END_TEST

START_TEST(reads_and_views)
{
	ast_expr *e = expression("wrap(prev u)[i-1, j]");
	ck_assert_int_eq(e->kind, AST_READ);
	ck_assert_int_eq(e->u.read->view, AST_VIEW_WRAP);
	ck_assert(e->u.read->prev);
	ck_assert_uint_eq(e->u.read->index.count, 2);
	e = expression("pad(q.bid, -1)[i + 1]");
	ck_assert_ptr_nonnull(e->u.read->fill);
	ck_assert_uint_eq(e->u.read->page->parts.count, 2);
	ck_assert_int_eq(expression("clamp(x, 0, 1)")->kind, AST_CALL);
	ck_assert_int_eq(expression("clamp(x)[i]")->kind, AST_READ);
	e = expression("prev total");
	ck_assert_int_eq(e->kind, AST_READ);
	ck_assert_uint_eq(e->u.read->index.count, 0);
	e = expression("index(D + 1)(f32(k))");
	ck_assert_int_eq(e->kind, AST_CONVERT);
	ck_assert_int_eq(e->u.convert.to->kind, AST_TYPE_INDEX);
}
END_TEST

START_TEST(fixpoints)
{
	ast_file *file = must_parse("edge x[v] <- fix(tol = 1e-6, max = 200) (a + x[v]) * 2;\nedge y <- fix (a + y) * 2;\n");
	const ast_edge *edge = &file->decls.items[0]->u.edge;
	ck_assert(edge->is_fix);
	ck_assert_uint_eq(edge->fix_args.count, 2);
	ck_assert_str_eq(edge->fix_args.items[1].name.text, "max");
	ck_assert_int_eq(edge->value->u.binary.op, AST_MUL);
	edge = &file->decls.items[1]->u.edge;
	ck_assert(edge->is_fix);
	ck_assert_uint_eq(edge->fix_args.count, 0);
	ck_assert_int_eq(edge->value->u.binary.op, AST_MUL);
}
END_TEST

START_TEST(declarations)
{
	ast_file *file = must_parse(every_declaration);
	static const ast_decl_kind kinds[] = {
		AST_IMPORT, AST_IMPORT, AST_PARAM_SIZES, AST_PARAM_VALUE, AST_RECORD, AST_SEMIRING, AST_SEMIRING, AST_FN, AST_FN,
		AST_PAGE, AST_PAGE, AST_LET, AST_EDGE, AST_GRAPH, AST_USE,
	};
	ck_assert_uint_eq(file->decls.count, sizeof kinds / sizeof kinds[0]);
	for (uint32_t i = 0; i < file->decls.count; i++)
		ck_assert_int_eq(file->decls.items[i]->kind, kinds[i]);
	const ast_page *page = &file->decls.items[10]->u.page;
	ck_assert_int_eq(page->role, AST_ROLE_OUT);
	ck_assert_uint_eq(page->attrs.count, 4);
	ck_assert_uint_eq(page->attrs.items[2].args.count, 2);
	ck_assert_ptr_null(file->decls.items[13]->u.graph.params.items[2].type);
}
END_TEST

/* Every node lies in its parent and has a text. */
static bool span_inside(void *user, ast_expr *e)
{
	const lang_span *around = user;
	ck_assert_uint_lt(e->span.begin, e->span.end);
	ck_assert_uint_ge(e->span.begin, around->begin);
	ck_assert_uint_le(e->span.end, around->end);
	return ast_each_child(e, span_inside, &e->span);
}

START_TEST(spans)
{
	ast_file *file = must_parse(every_declaration);
	for (uint32_t i = 0; i < file->decls.count; i++)
		ck_assert(ast_each_expr(file->decls.items[i], span_inside, &file->decls.items[i]->span));
	ast_expr *e = expression("(a + b) * sum[k] c[k]");
	size_t length;
	const char *text = lang_span_text(ctx, e->u.binary.left->span, &length);
	ck_assert_uint_eq(length, 5);
	ck_assert_mem_eq(text, "a + b", 5);
}
END_TEST

START_TEST(printed_tree)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	ast_print(ctx, must_parse("page x : sparse f64[N + 1] out;\nedge x[i] <- sum[k in 0..W where k < i] 2 * wrap(prev y)[-k];"),
	          out);
	fclose(out);
	ck_assert_str_eq(text, printed_tree_text);
	free(text);
}
END_TEST

/* ---- depth ---- */

/* `count` times head, middle, `count` times tail, as the value of an edge. */
static ast_file *nested(const char *head, const char *middle, const char *tail, unsigned count)
{
	size_t room = 32 + strlen(middle) + count * (strlen(head) + strlen(tail));
	char *text = calloc(1, room), *at = text;
	ck_assert_ptr_nonnull(text);
	at = stpcpy(at, "edge x <- ");
	for (unsigned i = 0; i < count; i++)
		at = stpcpy(at, head);
	at = stpcpy(at, middle);
	for (unsigned i = 0; i < count; i++)
		at = stpcpy(at, tail);
	stpcpy(at, ";");
	ast_file *file = parse(text);
	free(text);
	return file;
}

START_TEST(depth)
{
	static const struct { const char *head, *middle, *tail; } shapes[] = {
		{"(", "a", ")"}, {"f(", "a", ")"}, {"x[", "i", "]"}, {"-", "a", ""}, {"!", "a", ""}, {"sum[k] ", "a", ""},
		{"S[k] ", "a", ""}, {"if a then ", "b", " else c"}, {"if a then b else ", "c", ""}, {"a + (", "b", ")"},
		{"a * ", "b", ""}, {"a + ", "b", ""}, {"if ", "a", " then b else c"}, {"wrap(x)[", "i", "]"},
		{"sum[k in 0..", "3", "] a"}, {"sum[k where ", "c", "] a"}, {"f32(", "a", ")"}, {"a || b && c == d | e & f << g + (", "h", ")"},
	};
	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
		setup();
		if (nested(shapes[i].head, shapes[i].middle, shapes[i].tail, i == 17 ? 100 : 999) == NULL)
			ck_abort_msg("%s 999 times: %s", shapes[i].head, messages());
		ck_assert_ptr_null(nested(shapes[i].head, shapes[i].middle, shapes[i].tail, 1001));
		ck_assert_ptr_null(nested(shapes[i].head, shapes[i].middle, shapes[i].tail, 100000));
		char *got = messages();
		ck_assert_ptr_nonnull(strstr(got, "error: this nests more than 1000 deep"));
		ck_assert_ptr_nonnull(strstr(got, "= help: give parts of it names with let"));
		ck_assert_ptr_null(strstr(got, "expected"));
		ck_assert(!ctx->oom);
		free(got);
		teardown();
	}
}
END_TEST

START_TEST(deep_trees_are_walked_and_formatted)
{
	ast_file *file = nested("-(a + sum[k] ", "b", ")", 333);
	ck_assert_ptr_nonnull(file);
	const char *text;
	ck_assert_ptr_null(roundtrip(ctx, file, &text));
}
END_TEST

/* ---- messages ---- */

START_TEST(syntax_messages)
{
	for (size_t i = 0; i < sizeof wrong_texts / sizeof wrong_texts[0]; i++)
		expect_messages(wrong_texts[i].text, wrong_texts[i].other);
}
END_TEST

START_TEST(bytes_that_are_no_text)
{
	lang_source *source = lang_add_source(ctx, "t.mmsb", "param N;\nparam \0 M;", 19);
	ck_assert_ptr_null(lang_parse(ctx, source));
	source = lang_add_source(ctx, "u.mmsb", "// \xc3\xa9 \xc3( \n", 9);
	ck_assert_ptr_null(lang_parse(ctx, source));
	char *got = messages();
	ck_assert_str_eq(got, "t.mmsb:2:7: error: the control character 0x00 in a text\n"
	                      "   2 | param ? M;\n"
	                      "     |       ^\n"
	                      "     = help: a program is a text in UTF-8\n"
	                      "u.mmsb:1:6: error: the byte 0xc3 is not UTF-8\n"
	                      "   1 | // \xc3\xa9 ?( \n"
	                      "     |      ^\n"
	                      "     = help: a program is a text in UTF-8\n");
	free(got);
}
END_TEST

START_TEST(order_limit_and_doubles)
{
	lang_source *source = lang_add_source(ctx, "t.mmsb", "abc\ndef\n", 8);
	ck_assert_ptr_nonnull(source);
	lang_error(ctx, (lang_span){0, 4, 5}, "second");
	lang_diag *first = lang_error(ctx, (lang_span){0, 0, 1}, "first");
	lang_help(ctx, first, "help %d", 1);
	lang_note(ctx, first, (lang_span){0, 5, 6}, "noted");
	ck_assert_ptr_null(lang_error(ctx, (lang_span){0, 0, 2}, "first"));
	lang_warning(ctx, (lang_span){0, 1, 2}, "careful");
	char *got = messages();
	ck_assert_str_eq(got, "t.mmsb:1:1: error: first\n   1 | abc\n     | ^\n     = help: help 1\n"
	                      "t.mmsb:2:2: note: noted\n   2 | def\n     |  ^\n"
	                      "t.mmsb:1:2: warning: careful\n   1 | abc\n     |  ^\n"
	                      "t.mmsb:2:1: error: second\n   2 | def\n     | ^\n");
	free(got);
	for (int i = 0; i < 30; i++)
		lang_error(ctx, (lang_span){0, 1, 2}, "number %d", i);
	ck_assert_uint_eq(ctx->error_count, LANG_MAX_ERRORS);
	ck_assert(ctx->errors_dropped);
}
END_TEST

/* A megabyte of mistakes on one line: the first of them, and soon. */
START_TEST(many_errors_end_soon)
{
	setup();
	size_t size = 1 << 20;
	char *text = malloc(size);
	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < size; i++)
		text[i] = "a;$ "[i % 4];
	ck_assert_ptr_null(lang_parse(ctx, lang_add_source(ctx, "t.mmsb", text, size)));
	free(text);
	ck_assert_uint_eq(ctx->error_count, LANG_MAX_ERRORS);
	char *got = messages();
	ck_assert_ptr_nonnull(strstr(got, "more errors were found; the first 20 are shown\n"));
	free(got);
	teardown();
}
END_TEST

START_TEST(carets_under_tabs_and_long_lines)
{
	expect_messages("\tpage\tx f64;", "t.mmsb:1:9: error: expected ':' before 'f64'\n"
	                                  "   1 | \tpage\tx f64;\n"
	                                  "     | \t    \t  ^\n");
	setup();
	char line[2000];
	memset(line, ' ', sizeof line - 1);
	line[sizeof line - 1] = '\0';
	memcpy(line + 1000, "pag", 3);
	ck_assert_ptr_null(parse(line));
	char *got = messages();
	ck_assert_uint_lt(strlen(got), 700);
	const char *shown = strstr(got, "   1 | "), *caret = strstr(got, "     | ");
	ck_assert_ptr_nonnull(shown);
	ck_assert_ptr_nonnull(caret);
	ck_assert_int_eq(strchr(shown, 'p') - shown, strchr(caret, '^') - caret);
	free(got);
}
END_TEST

START_TEST(colour_only_where_asked)
{
	ck_assert_ptr_null(parse("page \xc2\x9b x;"));
	char *plain = messages(), *text = NULL;
	size_t length = 0;
	ck_assert_ptr_null(strchr(plain, '\033'));
	ck_assert_ptr_null(strchr(plain, '\x9b'));
	FILE *out = open_memstream(&text, &length);
	lang_print_diags(ctx, out, true);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(text, "\033[1;31merror:\033[0m"));
	free(plain);
	free(text);
}
END_TEST

START_TEST(nearest_names)
{
	static const struct { const char *wanted, *offered, *best; } cases[] = {
		{"prcie", "price", "price"}, {"qty", "qyt", "qyt"}, {"i", "j", NULL}, {"ab", "cd", NULL},
		{"distance_to_start", "distanse_from_strt", "distanse_from_strt"}, {"price", "volume", NULL}, {"abc", "abd", "abd"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		lang_nearest nearest = lang_nearest_to(cases[i].wanted);
		lang_nearest_offer(&nearest, cases[i].offered);
		if (cases[i].best == NULL)
			ck_assert_ptr_null(nearest.best);
		else
			ck_assert_ptr_nonnull(nearest.best);
	}
	lang_nearest nearest = lang_nearest_to("bybok");
	lang_nearest_offer(&nearest, "bycook");
	lang_nearest_offer(&nearest, "bybook");
	lang_nearest_offer(&nearest, "bybos");
	ck_assert_str_eq(nearest.best, "bybook");
}
END_TEST

/* ---- memory ---- */

/* However many allocations are allowed, a parse ends in a whole tree or in a context that says it has no memory. */
START_TEST(failed_allocations)
{
	int64_t budget = 0;
	for (;; budget++) {
		lang_ctx *poor = lang_ctx_new();
		poor->alloc_budget = budget;
		lang_source *source = lang_add_source(poor, "t.mmsb", every_declaration, strlen(every_declaration));
		ast_file *file = source == NULL ? NULL : lang_parse(poor, source);
		size_t length;
		char *text = file == NULL ? NULL : lang_format(poor, file, &length);
		ck_assert(text != NULL || poor->oom);
		ck_assert_uint_eq(poor->error_count, 0);
		lang_ctx_free(poor);
		if (text != NULL)
			break;
	}
	ck_assert(budget > 100);
}
END_TEST

/* ---- formatter ---- */

START_TEST(canonical_layout)
{
	for (size_t i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
		size_t length;
		char *text = lang_format(ctx, must_parse(layouts[i].text), &length);
		ck_assert_str_eq(text, layouts[i].other);
		ck_assert_uint_eq(length, strlen(text));
		ck_assert_ptr_null(roundtrip(ctx, must_parse(layouts[i].text), &(const char *){NULL}));
	}
}
END_TEST

START_TEST(lines_stay_short)
{
	size_t length;
	char *text = lang_format(ctx, must_parse(wide_text), &length);
	for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1)
		ck_assert_int_lt(strchr(line, '\n') - line, LANG_FORMAT_WIDTH);
}
END_TEST

START_TEST(random_programs_keep_their_meaning)
{
	const char *given = getenv("MMSB_SEED");
	uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
	printf("MMSB_SEED=%" PRIu64 "\n", seed);
	for (int i = 0; i < 2000; i++) {
		setup();
		char *program = random_program(seed + (uint64_t)i);
		ast_file *file = must_parse(program);
		const char *text;
		const char *wrong = roundtrip(ctx, file, &text);
		if (wrong != NULL) {
			printf("%s\n---- formatted ----\n%s\n", program, text);
			fflush(stdout);
			ck_abort_msg("seed %" PRIu64 ": %s", seed + (uint64_t)i, wrong);
		}
		free(program);
		teardown();
	}
}
END_TEST

/* ---- modules ---- */

static char folder[] = "/tmp/check_lang_XXXXXX";

static void make_folder(void)
{
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert_int_eq(mkdir("lib", 0700) | mkdir("std", 0700), 0);
	setup();
}

static void remove_folder(void)
{
	static const char *const files[] = {"a.mmsb", "b.mmsb", "c.mmsb", "lib/a.mmsb", "lib/b.mmsb", "std/b.mmsb", "std/c.mmsb"};
	teardown();
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		unlink(files[i]);
	rmdir("lib");
	rmdir("std");
	ck_assert_int_eq(chdir("/"), 0);
	rmdir(folder);
}

static void write_file(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");
	ck_assert_ptr_nonnull(out);
	fputs(text, out);
	fclose(out);
}

static lang_program *load(void)
{
	static const char *const dirs[] = {"lib"};
	static const lang_search search = {dirs, 1, "std"};
	return lang_load(ctx, "a.mmsb", &search);
}

START_TEST(modules_are_found_and_loaded_once)
{
	write_file("a.mmsb", "import b; import c; import \"./lib/../lib/b.mmsb\" as again; param N;");
	write_file("lib/b.mmsb", "import c; param B;");
	write_file("std/b.mmsb", "param wrong;");
	write_file("std/c.mmsb", "param C;");
	lang_program *program = load();
	ck_assert_ptr_nonnull(program);
	ck_assert_uint_eq(program->count, 3);
	ck_assert_str_eq(program->modules[0]->path, "std/c.mmsb");
	ck_assert_str_eq(program->modules[1]->path, "lib/b.mmsb");
	ck_assert_ptr_eq(program->modules[2], program->main);
	ck_assert_uint_eq(program->main->import_count, 3);
	ck_assert_ptr_eq(program->main->imports[2].module, program->modules[1]);
}
END_TEST

START_TEST(a_module_beside_the_file_goes_first)
{
	write_file("a.mmsb", "import b;");
	write_file("b.mmsb", "param B;");
	write_file("lib/b.mmsb", "param wrong;");
	lang_program *program = load();
	ck_assert_ptr_nonnull(program);
	ck_assert_str_eq(program->modules[0]->path, "b.mmsb");
}
END_TEST

START_TEST(a_file_may_have_the_name_of_what_it_imports)
{
	write_file("a.mmsb", "import a;");
	write_file("lib/a.mmsb", "param A;");
	lang_program *program = load();
	ck_assert_ptr_nonnull(program);
	ck_assert_str_eq(program->modules[0]->path, "lib/a.mmsb");
}
END_TEST

START_TEST(module_messages)
{
	write_file("a.mmsb", "import nowhere;\nimport \"gone.mmsb\";\nimport b;\n");
	write_file("b.mmsb", "import \"c.mmsb\" as c;");
	write_file("c.mmsb", "param K;\nimport \"b.mmsb\" as b;");
	ck_assert_ptr_null(load());
	char *got = messages();
	ck_assert_str_eq(got, module_message_text);
	free(got);
}
END_TEST

START_TEST(modules_without_memory)
{
	write_file("a.mmsb", "import b; import c; param N;");
	write_file("lib/b.mmsb", "import c; param B;");
	write_file("std/c.mmsb", "param C;");
	for (int64_t budget = 0;; budget++) {
		teardown();
		setup();
		ctx->alloc_budget = budget;
		lang_program *program = load();
		ck_assert(program != NULL || ctx->oom);
		ck_assert_uint_eq(ctx->error_count, 0);
		if (program != NULL)
			break;
	}
}
END_TEST

START_TEST(a_file_that_is_missing)
{
	ck_assert_ptr_null(load());
	char *got = messages();
	ck_assert_str_eq(got, "error: cannot read 'a.mmsb': No such file or directory\n");
	free(got);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("lang");
	TCase *texts = tcase_create("texts");
	tcase_add_checked_fixture(texts, setup, teardown);
	tcase_set_timeout(texts, 120);
	tcase_add_test(texts, numbers);
	tcase_add_test(texts, numbers_do_not_depend_on_the_locale);
	tcase_add_test(texts, words_after_a_point_and_in_records);
	tcase_add_test(texts, line_ends_and_byte_order_mark);
	tcase_add_test(texts, doc_texts);
	tcase_add_test(texts, precedence);
	tcase_add_test(texts, reductions);
	tcase_add_test(texts, reads_and_views);
	tcase_add_test(texts, fixpoints);
	tcase_add_test(texts, declarations);
	tcase_add_test(texts, spans);
	tcase_add_test(texts, printed_tree);
	tcase_add_test(texts, deep_trees_are_walked_and_formatted);
	tcase_add_test(texts, bytes_that_are_no_text);
	tcase_add_test(texts, order_limit_and_doubles);
	tcase_add_test(texts, colour_only_where_asked);
	tcase_add_test(texts, nearest_names);
	tcase_add_test(texts, canonical_layout);
	tcase_add_test(texts, lines_stay_short);
	suite_add_tcase(suite, texts);
	TCase *alone = tcase_create("with contexts of their own");
	tcase_set_timeout(alone, 120);
	tcase_add_test(alone, depth);
	tcase_add_test(alone, syntax_messages);
	tcase_add_test(alone, many_errors_end_soon);
	tcase_add_test(alone, carets_under_tabs_and_long_lines);
	tcase_add_test(alone, failed_allocations);
	tcase_add_test(alone, random_programs_keep_their_meaning);
	suite_add_tcase(suite, alone);
	TCase *modules = tcase_create("modules");
	tcase_add_checked_fixture(modules, make_folder, remove_folder);
	tcase_add_test(modules, modules_are_found_and_loaded_once);
	tcase_add_test(modules, a_module_beside_the_file_goes_first);
	tcase_add_test(modules, a_file_may_have_the_name_of_what_it_imports);
	tcase_add_test(modules, module_messages);
	tcase_add_test(modules, modules_without_memory);
	tcase_add_test(modules, a_file_that_is_missing);
	suite_add_tcase(suite, modules);
	return unit_run(suite);
}
