/* fuzz_compile.c: any text through the whole compiler, as a program and as the YAML form of a graph. A program that the checker
 * takes must end in a schedule that verifies; a graph may also end in messages. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/compile.h"
#include "runtime/container.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compile(const char *path, const char *text, size_t size)
{
	lang_ctx *ctx = lang_ctx_new();
	if (!ctx)
		return;
	bool yaml = compile_is_yaml(path);
	compile_options options = {.stdlib = getenv("MMSB_STDLIB")};
	ir_graph *g = compile_graph_text(ctx, path, text, size, &options);
	schedule s;
	mmsb_error error;
	if (!g && ctx->error_count == 0 && !ctx->oom)
		abort();
	for (const lang_diag *d = ctx->diags; d && !yaml; d = d->next)
		if (strncmp(d->message, "internal", 8) == 0)
			abort();
	if (g && ir_schedule(g, &s) && schedule_verify(&s, &error) != MMSB_OK && error.status != MMSB_MEMORY && !yaml)
		abort();
	lang_ctx_free(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char mark[] = "mmsb_graph";
	bool yaml = size >= sizeof mark - 1 && memcmp(data, mark, sizeof mark - 1) == 0;
	compile(yaml ? "fuzz.yaml" : "fuzz.mmsb", (const char *)data, size);
	return 0;
}
