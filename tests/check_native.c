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
	"edge plain[i] <- (x[i] * 2.0 + 1.0) / (x[i] - 0.5);\n"
	"edge chosen <- sum[i where x[i] * x[i] > 0.25] (x[i] * 3.0 - 1.0);\n"
	"edge grouped[g] <- sum[i where k[i] == g] (x[i] * x[i] + 1.0);\n"
	"edge product[i] <- sum[j] (W[i, j] * v[j] + v[j]);\n"
	"edge nested[i] <- (sum[j in 0..7] (x[i] * f64(j) + 1.0)) * 2.0 + x[i];\n"
	"edge prefix[i] <- sum[j where j <= i] (x[j] * x[j] - 1.0);\n";

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
	for (const char *at = text; (at = strstr(at, "\nvoid mmsb_k")) != NULL; at++)
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
	ck_assert_uint_eq(functions_written(text), 8);
	ck_assert_uint_eq(functions_run(m), functions_written(text));
	for (uint32_t p = 0; p < m->sch->n_passes; p++) /* element-wise throughout: the first alone */
		ck_assert_int_eq(m->executor->passes[p]->straight != NULL, mmsb_page(m, "plain") == (int)m->sch->passes[p].page);
	mmsb_instance_free(m);
	mmsb_schedule_close(s);
	free(text);
	snprintf(command, sizeof command, "rm -r %s", folder);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("native");
	TCase *t = tcase_create("functions");
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_functions);
	suite_add_tcase(s, t);
	return unit_run(s);
}
