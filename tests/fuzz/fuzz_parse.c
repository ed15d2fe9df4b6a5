/* fuzz_parse.c: any text at all through lexer, grammar and formatter, with and without memory. It ends in a tree whose
 * canonical text means the same, or in messages. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/roundtrip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *wrong, const char *text)
{
	fprintf(stderr, "%s:\n%s\n", wrong, text);
	abort();
}

/* Parses and formats with `budget` allocations allowed (-1: as many as it takes). */
static void once(const uint8_t *data, size_t size, int64_t budget, FILE *sink)
{
	lang_ctx *ctx = lang_ctx_new();
	if (ctx == NULL)
		return;
	ctx->alloc_budget = budget;
	lang_source *source = lang_add_source(ctx, "fuzz.mmsb", (const char *)data, size);
	ast_file *file = source == NULL ? NULL : lang_parse(ctx, source);
	if ((file == NULL) != lang_failed(ctx))
		fail("a text is refused with a message, and taken without", "");
	if (file != NULL) {
		const char *text = "";
		const char *wrong = roundtrip(ctx, file, &text);
		if (wrong != NULL)
			fail(wrong, text);
		ast_print(ctx, file, sink);
	}
	lang_print_diags(ctx, sink, size % 2 == 0);
	lang_ctx_free(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *sink;
	if (sink == NULL)
		sink = fopen("/dev/null", "w");
	if (sink == NULL)
		return 0;
	once(data, size, -1, sink);
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ data[i]) * 16777619u;
	once(data, size, hash % (8 * (uint32_t)(size < 4096 ? size : 4096) + 16), sink);
	return 0;
}
