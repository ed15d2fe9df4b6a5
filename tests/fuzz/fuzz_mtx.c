/* fuzz_mtx.c: any bytes as a .mtx file, for pages of every kind. What is taken is an array; entries are sorted and stand once. */
#include "runtime/mtx.h"
#include "tests/fuzz/text_page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	text_page_run(data, size, mtx_parse);
	return 0;
}
