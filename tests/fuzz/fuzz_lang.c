/* fuzz_lang.c: any text at all, through the whole front end: it ends in a checked program or in messages. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lang/module.h"
#include "lang/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *sink;
	if (sink == NULL && (sink = fopen("/dev/null", "w")) == NULL)
		return 0;
	lang_ctx *ctx = lang_ctx_new();
	if (!ctx)
		return 0;
	/* half of the texts find the standard library */
	lang_search search = {.stdlib = size % 2 ? getenv("MMSB_STDLIB") : NULL};
	lang_program *loaded = lang_load_text(ctx, "fuzz.mmsb", (const char *)data, size, &search);
	p_program *program = loaded ? lang_check(ctx, loaded) : NULL;
	/* a text is refused with at least one message, and taken without any */
	if ((program == NULL) != lang_failed(ctx))
		abort();
	lang_print_diags(ctx, sink, size % 4 == 0);
	lang_ctx_free(ctx);
	return 0;
}
