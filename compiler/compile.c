/* compile.c - the way from a file to a schedule, in order. */
#include "compile.h"

#include <fenv.h>
#include <stdlib.h>
#include <string.h>

#include "../lang/program.h"
#include "../lang/stdlib_dir.h"
#include "../runtime/container.h"
#include "cuda_cc.h"
#include "native_cc.h"
#include "toolchain.h"

bool compile_is_yaml(const char *path)
{
	const char *dot = strrchr(path, '.');
	return dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

static ir_graph *graph_of_program(lang_ctx *ctx, const char *path, const char *text, size_t n,
                                  const compile_options *options)
{
	char *found = options->stdlib ? NULL : lang_stdlib_dir();
	lang_search search = {options->dirs, options->n_dirs, options->stdlib ? options->stdlib : found};
	lang_program *loaded = text ? lang_load_text(ctx, path, text, n, &search) : lang_load(ctx, path, &search);
	free(found);
	p_program *program = loaded ? lang_check(ctx, loaded) : NULL;
	return program ? ir_lower(program) : NULL;
}

static ir_graph *graph_of_yaml(lang_ctx *ctx, const char *path, const char *text, size_t n)
{
	const lang_source *source = text ? lang_add_source(ctx, path, text, n) : lang_read_source(ctx, path, lang_no_span());
	return source ? ir_read_yaml(ctx, source) : NULL;
}

ir_graph *compile_graph_text(lang_ctx *ctx, const char *path, const char *text, size_t n, const compile_options *options)
{
	/* Constants are folded in the environment in which they would be evaluated. */
	fenv_t outer;
	fegetenv(&outer);
	fesetenv(FE_DFL_ENV);
	ir_graph *g = compile_is_yaml(path) ? graph_of_yaml(ctx, path, text, n) : graph_of_program(ctx, path, text, n, options);
	bool ok = g && ir_define(g, options->defines, options->n_defines) && ir_run_passes(g, options->stop_after)
	          && !lang_failed(ctx);
	fesetenv(&outer);
	return ok ? g : NULL;
}

ir_graph *compile_graph(lang_ctx *ctx, const char *path, const compile_options *options)
{
	return compile_graph_text(ctx, path, NULL, 0, options);
}

/* Native code beside the schedule. Without a compiler there is none, which is told; one that fails is an error. */
static int add_native(schedule *s, const compile_options *options, FILE *messages, uint8_t **section)
{
	mmsb_error error = {.message = ""};
	int status = native_build(s, options->march, section, &s->n_native, &error);
	if (status == MMSB_OK) {
		s->native = *section;
		return COMPILE_OK;
	}
	bool go_on = status == TOOL_MISSING || options->or_portable;
	fprintf(messages, "mmsbc: %s%s\n", go_on ? "" : "error: ", error.message);
	if (go_on)
		fputs("mmsbc: the file gets no native code; it runs on the portable executor\n", messages);
	return go_on ? COMPILE_OK : COMPILE_MACHINE;
}

/* Code for CUDA devices, which was asked for. */
static int add_device(schedule *s, const compile_options *options, FILE *messages, uint8_t **section)
{
	mmsb_error error = {.message = ""};
	if (cuda_build(s, options->gpu_archs, section, &s->n_device, &error) == MMSB_OK) {
		s->device = *section;
		return COMPILE_OK;
	}
	fprintf(messages, "mmsbc: %s%s\n", options->or_portable ? "" : "error: ", error.message);
	if (options->or_portable)
		fputs("mmsbc: the file gets no code for CUDA devices\n", messages);
	return options->or_portable ? COMPILE_OK : COMPILE_MACHINE;
}

int compile_file(const char *path, const compile_options *options, FILE *messages, bool colour, uint8_t **bytes,
                 size_t *n)
{
	lang_ctx *ctx = lang_ctx_new();
	if (!ctx) {
		fprintf(messages, "%s: out of memory\n", path);
		return COMPILE_MACHINE;
	}
	schedule s;
	mmsb_error error;
	uint8_t *section = NULL, *device = NULL;
	int status = COMPILE_OK;
	ir_graph *g = compile_graph(ctx, path, options);
	if (!g || !ir_schedule(g, &s)) {
		status = ctx->oom ? COMPILE_MACHINE : COMPILE_INPUT;
	} else if (options->native && (status = add_native(&s, options, messages, &section)) != COMPILE_OK) {
		; /* it is told */
	} else if (options->gpu_archs && (status = add_device(&s, options, messages, &device)) != COMPILE_OK) {
		; /* here too */
	} else if (schedule_write(&s, bytes, n, &error) != MMSB_OK) {
		status = error.status == MMSB_MEMORY ? COMPILE_MACHINE : COMPILE_INPUT;
		lang_error(ctx, lang_no_span(), "%s: %s", path, error.message);
	}
	free(section);
	free(device);
	lang_print_diags(ctx, messages, colour);
	lang_ctx_free(ctx);
	return status;
}
