/* fuzz_yaml.c: any bytes as a run file. What is taken names a program; what is refused has a message. */
#include <stdlib.h>
#include <string.h>

#include "runtime/runfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	run_spec spec = {.program = NULL}, over = {.program = NULL};
	mmsb_error err;
	int status = runfile_parse("some/fuzz.yaml", (const char *)data, size, &spec, &err);
	if (status == MMSB_OK ? spec.program == NULL : err.message[0] == '\0')
		abort();
	if (status == MMSB_OK && runspec_add(&over.ins, "a", "1", NULL, 0, 0) && runspec_merge(&spec, &over, &err) != MMSB_OK)
		abort();
	runspec_free(&spec);
	runspec_free(&over);
	return 0;
}
