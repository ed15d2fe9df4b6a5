/* fuzz_lang.c: any text at all, through lexer, grammar and formatter: it ends in a tree or in messages. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lang/format.h"
#include "lang/module.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	lang_ctx *ctx = lang_ctx_new();
	if (!ctx)
		return 0;
	lang_search search = {0};
	lang_program *program = lang_load_text(ctx, "fuzz.mmsb", (const char *)data, size, &search);
	/* a text is refused with at least one message, and taken without any */
	if ((program == NULL) != lang_failed(ctx))
		abort();
	FILE *out = fopen("/dev/null", "w");
	if (out) {
		lang_print_diags(ctx, out, size % 2 == 0);
		fclose(out);
	}
	lang_ctx_free(ctx);
	return 0;
}
