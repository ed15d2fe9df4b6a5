/* Native code: the functions that the C text has are those that plans run. */
#include <stdlib.h>
#include <string.h>

#include "../compiler/compile.h"
#include "../compiler/native_cc.h"
#include "../runtime/container.h"
#include "../runtime/exec.h"
#include "unit.h"

static const char program[] =
	"page x : f64[300] in;\n"
	"page k : index(5)[300] in;\n"
	"page W : sparse f32[20, 20] in;\n"
	"page v : f32[20] in;\n"
	"page plain : f64[300] out;\n"
	"page chosen : f64 out;\n"
	"page grouped : f64[5] out;\n"
	"page product : f32[20] out;\n"
	"page nested : f64[300] out;\n"
	"page prefix : f64[300] out;\n"
	"page grid : f64[70, 90] in;\n"
	"page side : f64[90] in;\n"
	"page wave : f64[70, 90] out;\n"
	"page twice : f64[70, 90] out;\n"
	"page picked : f64[300] out;\n"
	"page rows : f64[70] out;\n"
	"page best : index(90)[70] out;\n"
	"page pairs : i64 out;\n"
	"edge plain[i] <- (x[i] * 2.0 + 1.0) / (x[i] - 0.5);\n"
	"edge chosen <- sum[i where x[i] * x[i] > 0.25] (x[i] * 3.0 - 1.0);\n"
	"edge grouped[g] <- sum[i where k[i] == g] (x[i] * x[i] + 1.0);\n"
	"edge product[i] <- sum[j] (W[i, j] * v[j] + v[j]);\n"
	"edge nested[i] <- (sum[j in 0..7] (x[i] * f64(j) + 1.0)) * 2.0 + x[i];\n"
	"edge prefix[i] <- sum[j where j <= i] (x[j] * x[j] - 1.0);\n"
	"edge wave[i, j] <- pad(grid, 2.0)[i - 1, j] + wrap(grid)[i, j + 1] * side[j] - f64(i * j);\n"
	"edge twice[i, j] <- pad(grid, 2.0)[i - 1, j] * 2.0 + wave[i, j];\n"
	"edge picked[i] <- f64(k[i]) * x[i] + chosen;\n"
	"edge rows[i] <- sum[j] (grid[i, j] * side[j] + f64(i - j) * x[i]);\n"
	"edge best[i] <- argmax[j] grid[i, j];\n"
	"edge pairs <- count[i, j] (grid[i, j] > side[j]);\n";

static mmsb_schedule *compiled(char **text)
{
	lang_ctx *ctx = lang_ctx_new();
	compile_options options = {0};
	schedule s;
	mmsb_error err;
	uint8_t *bytes = NULL;
	size_t n = 0, text_size = 0;
	mmsb_schedule *out = NULL;
	ir_graph *g = compile_graph_text(ctx, "program.mmsb", program, strlen(program), &options);
	if (!g)
		lang_print_diags(ctx, stdout, false);
	ck_assert(g && ir_schedule(g, &s));
	FILE *c = open_memstream(text, &text_size);
	ck_assert(emit_c(&s, c));
	fclose(c);
	ck_assert_int_eq(schedule_write(&s, &bytes, &n, &err), MMSB_OK);
	ck_assert_int_eq(mmsb_schedule_load(&out, bytes, n, &err), MMSB_OK);
	free(bytes);
	lang_ctx_free(ctx);
	return out;
}

static unsigned functions_run(const mmsb_instance *m)
{
	unsigned n = 0;
	for (uint32_t p = 0; p < m->sch->n_passes; p++)
		n += native_functions(m, p);
	return n;
}

static unsigned functions_written(const char *text)
{
	unsigned n = 0;
	for (const char *at = text; (at = strstr(at, "\nvoid mmsb_")) != NULL; at++)
		n++;
	return n / 2; /* each is declared and defined */
}

START_TEST(test_functions)
{
	char folder[] = "/tmp/mmsb-native-XXXXXX", command[80], *text = NULL;
	mmsb_error err = {.message = ""};
	mmsb_instance *m;
	ck_assert(mkdtemp(folder) != NULL);
	setenv("XDG_CACHE_HOME", folder, 1);
	mmsb_schedule *s = compiled(&text);
	ck_assert_int_eq(mmsb_instance_new(&m, s, NULL, &err), MMSB_OK);
	ck_assert_int_eq(mmsb_bind(m, &err), MMSB_OK);
	ck_assert_uint_eq(functions_run(m), 0);
	mmsb_instance_free(m);
	int status = native_use(s, &err);
	ck_assert_msg(status == MMSB_OK, "%s", err.message);
	ck_assert_int_eq(mmsb_instance_new(&m, s, NULL, &err), MMSB_OK);
	ck_assert_int_eq(mmsb_bind(m, &err), MMSB_OK);
	ck_assert_uint_eq(functions_written(text), 25);
	ck_assert_uint_eq(functions_run(m), functions_written(text));
	for (uint32_t p = 0; p < m->sch->n_passes; p++) { /* element-wise throughout; two of them together */
		const char *name = m->sch->text + m->pages[m->sch->passes[p].page].def->name;
		bool whole = !strcmp(name, "plain") || !strcmp(name, "wave") || !strcmp(name, "twice") || !strcmp(name, "picked");
		ck_assert_msg((m->executor->passes[p]->span != NULL) == whole, "%s", name);
		ck_assert_msg((m->executor->passes[p]->spans != NULL) == !strcmp(name, "wave"), "%s", name);
	}
	mmsb_instance_free(m);
	mmsb_schedule_close(s);
	free(text);
	snprintf(command, sizeof command, "rm -r %s", folder);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

/* What an option says, and what there is. */
START_TEST(test_executors)
{
	char folder[] = "/tmp/mmsb-native-XXXXXX", command[80], *text = NULL;
	mmsb_error err = {.message = ""};
	mmsb_instance *m;
	mmsb_stats stats;
	mmsb_options options = {.size = sizeof options, .executor = MMSB_NATIVE};
	ck_assert(mkdtemp(folder) != NULL);
	setenv("XDG_CACHE_HOME", folder, 1);
	mmsb_schedule *s = compiled(&text);
	ck_assert_int_eq(mmsb_instance_new(&m, s, &options, &err), MMSB_INPUT);
	ck_assert(m == NULL && strstr(err.message, "no native code") != NULL);
	options.executor = 7;
	ck_assert_int_eq(mmsb_instance_new(&m, s, &options, &err), MMSB_USAGE);
	options.executor = MMSB_AUTOMATIC;
	ck_assert_int_eq(mmsb_instance_new(&m, s, &options, &err), MMSB_OK);
	ck_assert_int_eq(mmsb_bind(m, &err), MMSB_OK);
	mmsb_stats_get(m, &stats);
	ck_assert(stats.native_functions == 0 && strstr(stats.portable_because, "no native code") != NULL);
	mmsb_instance_free(m);
	ck_assert_int_eq(native_use(s, &err), MMSB_OK);
	for (int executor = MMSB_AUTOMATIC; executor <= MMSB_NATIVE; executor++) {
		options.executor = executor;
		ck_assert_int_eq(mmsb_instance_new(&m, s, &options, &err), MMSB_OK);
		ck_assert_int_eq(mmsb_bind(m, &err), MMSB_OK);
		mmsb_stats_get(m, &stats);
		ck_assert_uint_eq(stats.native_functions, executor == MMSB_PORTABLE ? 0 : functions_written(text));
		ck_assert_int_eq(stats.portable_because[0] != '\0', executor == MMSB_PORTABLE);
		mmsb_instance_free(m);
	}
	mmsb_schedule_close(s);
	free(text);
	snprintf(command, sizeof command, "rm -r %s", folder);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

/* A native section whose checksums are right and whose inside may be anything: found out when it is to be used, and never before. */
START_TEST(test_sections)
{
	static const struct { uint32_t abi; const char *level, *bytes; size_t cut; int status; } rows[] = {
		{NATIVE_ABI, "base", "no object at all", 0, MMSB_IO}, {NATIVE_ABI, "v9", "of a level to come", 0, MMSB_INPUT},
		{NATIVE_ABI + 1, "base", "of another version", 0, MMSB_FORMAT}, {NATIVE_ABI, "base", "cut off", 1, MMSB_INPUT},
		{NATIVE_ABI, "base", "all cut off", 200, MMSB_INPUT},
	};
	lang_ctx *ctx = lang_ctx_new();
	compile_options none = {0};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		schedule tables;
		mmsb_error err = {.message = ""};
		code_object o = {.bytes = (const uint8_t *)rows[i].bytes, .n = strlen(rows[i].bytes)};
		uint8_t *section = NULL, *file = NULL;
		size_t n = 0;
		mmsb_schedule *s;
		mmsb_instance *m;
		mmsb_options options = {.size = sizeof options};
		strcpy(o.level, rows[i].level);
		ck_assert(ir_schedule(compile_graph_text(ctx, "program.mmsb", program, strlen(program), &none), &tables));
		ck_assert_int_eq(code_section_write(rows[i].abi, &o, 1, &section, &tables.n_native, &err), MMSB_OK);
		tables.native = section;
		size_t cut = rows[i].cut * MMSBX_ALIGN;
		tables.n_native -= cut < tables.n_native ? cut : tables.n_native;
		ck_assert_int_eq(schedule_write(&tables, &file, &n, &err), MMSB_OK);
		ck_assert_int_eq(mmsb_schedule_load(&s, file, n, &err), MMSB_OK);
		for (options.executor = MMSB_AUTOMATIC; options.executor < MMSB_NATIVE; options.executor++) {
			ck_assert_int_eq(mmsb_instance_new(&m, s, &options, &err), MMSB_OK);
			mmsb_instance_free(m);
		}
		int status = mmsb_instance_new(&m, s, &options, &err);
		ck_assert_msg(status == rows[i].status, "%s: %d, %s", rows[i].bytes, status, err.message);
		mmsb_schedule_close(s);
		free(section);
		free(file);
	}
	lang_ctx_free(ctx);
}
END_TEST

/* A file with native code in it, as mmsbc compile writes it. */
static mmsb_schedule *in_file(const char *text)
{
	lang_ctx *ctx = lang_ctx_new();
	compile_options none = {0};
	schedule tables;
	mmsb_error err = {.message = ""};
	uint8_t *section = NULL, *file = NULL;
	size_t n = 0;
	mmsb_schedule *s = NULL;
	ck_assert(ir_schedule(compile_graph_text(ctx, "program.mmsb", text, strlen(text), &none), &tables));
	ck_assert_int_eq(native_build(&tables, NULL, &section, &tables.n_native, &err), MMSB_OK);
	tables.native = section;
	ck_assert_int_eq(schedule_write(&tables, &file, &n, &err), MMSB_OK);
	ck_assert_int_eq(mmsb_schedule_load(&s, file, n, &err), MMSB_OK);
	free(section);
	free(file);
	lang_ctx_free(ctx);
	return s;
}

/* Programs whose code is in memory at the same time: each runs its own. */
START_TEST(test_two_programs)
{
	static const char *const texts[] = {
		"page x : f64[300] in;\npage y : f64[300] out;\nedge y[i] <- (x[i] + 1.0) * 2.0;\n",
		"page x : f64[300] in;\npage y : f64[300] out;\nedge y[i] <- (x[i] + 1.0) * 3.0;\n",
	};
	char folder[] = "/tmp/mmsb-native-XXXXXX", command[80];
	mmsb_schedule *s[2];
	mmsb_instance *m[2];
	mmsb_options options = {.size = sizeof options, .executor = MMSB_NATIVE};
	mmsb_error err = {.message = ""};
	ck_assert(mkdtemp(folder) != NULL);
	setenv("XDG_CACHE_HOME", folder, 1);
	for (int i = 0; i < 2; i++) {
		s[i] = in_file(texts[i]);
		ck_assert_msg(mmsb_instance_new(&m[i], s[i], &options, &err) == MMSB_OK, "%s", err.message);
	}
	for (int i = 0; i < 2; i++) {
		double one = 1;
		mmsb_stats stats;
		ck_assert_int_eq(mmsb_write(m[i], mmsb_page(m[i], "x"), 7, 1, &one, &err), MMSB_OK);
		ck_assert_int_eq(mmsb_commit(m[i], NULL, &err), MMSB_OK);
		mmsb_stats_get(m[i], &stats);
		ck_assert_uint_gt(stats.native_functions, 0);
		const double *y = mmsb_data(m[i], mmsb_page(m[i], "y"));
		ck_assert(y[0] == 2 + i && y[7] == 2 * (2 + i));
		mmsb_instance_free(m[i]);
	}
	for (int i = 0; i < 2; i++)
		mmsb_schedule_close(s[i]);
	snprintf(command, sizeof command, "rm -r %s", folder);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

START_TEST(test_processor)
{
	const char *lacks;
	ck_assert_uint_eq(processor_lacks("", &lacks), 0);
	ck_assert_uint_eq(processor_lacks(" nonesuch", &lacks), 8);
#ifdef __x86_64__
	ck_assert_int_eq(processor_lacks(" avx512f avx512vl", &lacks) == 0, kernel_table_level("v4") != NULL);
	ck_assert_int_eq(processor_lacks(" avx2 bmi", &lacks) == 0, kernel_table_level("v3") != NULL);
	ck_assert_uint_eq(processor_lacks(" sse4a xop fma4 nonesuch", &lacks) > 0, 1);
#endif
}
END_TEST

int main(void)
{
	Suite *s = suite_create("native");
	TCase *t = tcase_create("functions");
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_functions);
	tcase_add_test(t, test_executors);
	tcase_add_test(t, test_sections);
	tcase_add_test(t, test_two_programs);
	tcase_add_test(t, test_processor);
	suite_add_tcase(s, t);
	return unit_run(s);
}
