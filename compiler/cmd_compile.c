/* cmd_compile.c - the commands that go on from a program: compile and emit. */
#define _GNU_SOURCE /* open_memstream */
#include <stdlib.h>
#include <string.h>

#include "../runtime/container.h"
#include "cuda_cc.h"
#include "emit_embed.h"
#include "mmsbc.h"

compile_options command_options(const command_line *line)
{
	return (compile_options){.dirs = line->dirs, .n_dirs = line->n_dirs, .defines = line->defines,
	                         .n_defines = line->n_defines};
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), k = strlen(end);
	return n > k && strcmp(text + n - k, end) == 0;
}

/* ---- compile ----------------------------------------------------------------------------------- */

/* dir/portfolio.mmsb -> portfolio.mmsbx; NULL: no memory. */
static char *output_name(const char *path)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	const char *dot = strrchr(name, '.');
	size_t n = dot && dot != name ? (size_t)(dot - name) : strlen(name);
	char *out = malloc(n + sizeof ".mmsbx");
	if (out) {
		memcpy(out, name, n);
		memcpy(out + n, ".mmsbx", sizeof ".mmsbx");
	}
	return out;
}

/* NAME.c and NAME.h, of a file without native code. */
static int write_embedded(const command_line *line, const char *stem, const uint8_t *bytes, size_t n)
{
	schedule s;
	mmsb_error error;
	int status = schedule_read(&s, bytes, n, &error) == MMSB_OK ? COMPILE_OK : COMPILE_MACHINE;
	if (status != COMPILE_OK) {
		fprintf(stderr, "mmsbc: %s\n", error.message);
		return status;
	}
	const char *clash = embed_clash(&s);
	if (clash) {
		fprintf(stderr, "mmsbc: %s: the page '%s' would have the name of another one in C: rename it\n", line->files[0], clash);
		status = COMPILE_INPUT;
	}
	for (int k = 0; k < 2 && status == COMPILE_OK; k++) {
		char *text = NULL, *path = NULL;
		size_t size = 0;
		FILE *out = open_memstream(&text, &size);
		bool ok = out != NULL;
		if (ok && k == 0)
			embed_header(&s, stem, out);
		else if (ok)
			ok = embed_source(&s, stem, bytes, n, out);
		if (out)
			ok = fclose(out) == 0 && ok;
		if (asprintf(&path, "%s.%c", line->embed, k == 0 ? 'h' : 'c') < 0)
			path = NULL;
		status = ok && path ? write_whole(path, text, size) : COMPILE_MACHINE;
		free(path);
		free(text);
	}
	free(s.memory);
	return status;
}

static int compile_embedded(const command_line *line)
{
	compile_options options = command_options(line);
	const char *stem = strrchr(line->embed, '/') ? strrchr(line->embed, '/') + 1 : line->embed;
	uint8_t *bytes = NULL;
	size_t n = 0;
	if (!embed_is_name(stem) || line->output || line->portable || line->march || line->cuda || line->gpu_archs) {
		if (embed_is_name(stem))
			fputs("mmsbc compile: --embed goes with -D and -I alone\n", stderr);
		else
			fprintf(stderr, "mmsbc compile: --embed %s: this is no name in C; it takes a letter, then letters, digits and '_'\n", stem);
		fputs("Try 'mmsbc compile --help'.\n", stderr);
		return COMPILE_USAGE;
	}
	int status = compile_file(line->files[0], &options, stderr, line->colour, &bytes, &n);
	if (status == COMPILE_OK)
		status = write_embedded(line, stem, bytes, n);
	free(bytes);
	return status;
}

int cmd_compile(const command_line *line)
{
	if (line->embed)
		return compile_embedded(line);
	compile_options options = command_options(line);
	options.native = !line->portable;
	options.march = line->march;
	options.or_portable = line->or_portable;
	options.gpu_archs = line->gpu_archs ? line->gpu_archs : line->cuda ? CUDA_ARCHS : NULL;
	char *named = line->output ? NULL : output_name(line->files[0]);
	const char *out = line->output ? line->output : named;
	uint8_t *bytes = NULL;
	size_t n = 0;
	int status = COMPILE_MACHINE;
	if (out)
		status = compile_file(line->files[0], &options, stderr, line->colour, &bytes, &n);
	if (status == COMPILE_OK)
		status = write_whole(out, bytes, n);
	free(bytes);
	free(named);
	return status;
}

/* ---- emit -------------------------------------------------------------------------------------- */

typedef struct emission {
	const char *kind;
	void (*of_schedule)(const schedule *s, FILE *out);     /* NULL: it is about the graph */
} emission;

/* What memory ran out for is missing at the end; the compiler that it is for would say so. */
static void emit_c_text(const schedule *s, FILE *out)
{
	if (!emit_c(s, out))
		fputs("\n#error out of memory\n", out);
}

static void emit_cuda_text(const schedule *s, FILE *out)
{
	if (!emit_cuda(s, out))
		fputs("\n#error out of memory\n", out);
}

static const emission emissions[] = {
	{"ast", NULL}, {"ir", NULL}, {"yaml", NULL}, {"schedule", emit_schedule}, {"bytecode", emit_bytecode}, {"c", emit_c_text},
	{"cuda", emit_cuda_text}, {"dot", NULL},
};

static int emit_ast(lang_ctx *ctx, const char *path, FILE *out)
{
	lang_source *source = lang_read_source(ctx, path, lang_no_span());
	ast_file *file = source ? lang_parse(ctx, source) : NULL;
	if (!file)
		return ctx->oom ? COMPILE_MACHINE : COMPILE_INPUT;
	ast_print(ctx, file, out);
	return COMPILE_OK;
}

static bool is_pass(const char *name)
{
	if (!name || strcmp(name, "lower") == 0)
		return true;
	for (uint32_t i = 0; ir_pass_name(i); i++)
		if (strcmp(ir_pass_name(i), name) == 0)
			return true;
	return false;
}

static int emit_picture(lang_ctx *ctx, const command_line *line, FILE *out)
{
	compile_options options = command_options(line);
	const ir_graph *after = compile_graph(ctx, line->files[1], &options);
	lang_ctx *again = after ? lang_ctx_new() : NULL;
	options.stop_after = "outline";
	ir_graph *before = again ? compile_graph(again, line->files[1], &options) : NULL;
	if (before)
		emit_dot(before, after, out);
	int status = before && !again->oom ? COMPILE_OK : !after && !ctx->oom ? COMPILE_INPUT : COMPILE_MACHINE;
	lang_ctx_free(again);
	return status;
}

static int emit_graph(lang_ctx *ctx, const command_line *line, const emission *e, FILE *out)
{
	compile_options options = command_options(line);
	if (!e->of_schedule)
		options.stop_after = line->after ? line->after : "lower";
	ir_graph *g = compile_graph(ctx, line->files[1], &options);
	schedule s;
	if (!g || (e->of_schedule && !ir_schedule(g, &s)))
		return ctx->oom ? COMPILE_MACHINE : COMPILE_INPUT;
	if (e->of_schedule)
		e->of_schedule(&s, out);
	else if (strcmp(e->kind, "ir") == 0)
		ir_print(g, out);
	else if (!ir_write_yaml(g, out))
		return COMPILE_MACHINE;
	return ctx->oom ? COMPILE_MACHINE : COMPILE_OK;
}

/* The bytes of a file; NULL: a message was printed. */
static uint8_t *read_bytes(const char *path, size_t *n)
{
	lang_ctx *ctx = lang_ctx_new();
	const lang_source *source = ctx ? lang_read_source(ctx, path, lang_no_span()) : NULL;
	uint8_t *bytes = source ? malloc(source->length + 1) : NULL;
	if (bytes) {
		memcpy(bytes, source->text, source->length);
		*n = source->length;
	} else if (ctx) {
		lang_print_diags(ctx, stderr, false);
	}
	lang_ctx_free(ctx);
	return bytes;
}

static int emit_file(const char *path, const emission *e, FILE *out)
{
	size_t n = 0;
	schedule s;
	mmsb_error error;
	uint8_t *bytes = read_bytes(path, &n);
	if (!bytes)
		return COMPILE_INPUT;
	int status = schedule_read(&s, bytes, n, &error);
	free(bytes);
	if (status != MMSB_OK) {
		fprintf(stderr, "mmsbc: %s: %s\n", path, error.message);
		return status == MMSB_MEMORY ? COMPILE_MACHINE : COMPILE_INPUT;
	}
	e->of_schedule(&s, out);
	free(s.memory);
	return COMPILE_OK;
}

static int emit_to(const command_line *line, const emission *e, FILE *out)
{
	if (e->of_schedule && ends_with(line->files[1], ".mmsbx"))
		return emit_file(line->files[1], e, out);
	lang_ctx *ctx = lang_ctx_new();
	if (!ctx)
		return COMPILE_MACHINE;
	int status;
	if (strcmp(e->kind, "ast") == 0)
		status = emit_ast(ctx, line->files[1], out);
	else if (strcmp(e->kind, "dot") == 0)
		status = emit_picture(ctx, line, out);
	else
		status = emit_graph(ctx, line, e, out);
	lang_print_diags(ctx, stderr, line->colour);
	lang_ctx_free(ctx);
	return status;
}

static bool takes_after(const emission *e)
{
	return strcmp(e->kind, "ir") == 0 || strcmp(e->kind, "yaml") == 0;
}

int cmd_emit(const command_line *line)
{
	const emission *e = NULL;
	for (size_t i = 0; i < sizeof emissions / sizeof emissions[0]; i++)
		if (strcmp(line->files[0], emissions[i].kind) == 0)
			e = &emissions[i];
	if (!e || !is_pass(line->after) || (line->after && !takes_after(e))) {
		if (!e)
			fprintf(stderr, "mmsbc emit: no kind '%s': ast, ir, yaml, schedule, bytecode, c, cuda or dot\n", line->files[0]);
		else if (!is_pass(line->after))
			fprintf(stderr, "mmsbc emit: no pass '%s': lower, fold, unused, outline or fuse\n", line->after);
		else
			fprintf(stderr, "mmsbc emit: --after is for ir and yaml\n");
		fputs("Try 'mmsbc emit --help'.\n", stderr);
		return COMPILE_USAGE;
	}
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	if (!out) {
		fputs("mmsbc: out of memory\n", stderr);
		return COMPILE_MACHINE;
	}
	int status = emit_to(line, e, out);
	bool ok = fclose(out) == 0;
	if (status == COMPILE_OK)
		status = ok ? write_whole(line->output ? line->output : "-", text, n) : COMPILE_MACHINE;
	free(text);
	return status;
}
