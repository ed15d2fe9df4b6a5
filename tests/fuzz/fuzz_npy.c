/* fuzz_npy.c: any bytes as a .npy file. What is taken is an array whose bytes are all there. */
#include <stdlib.h>
#include <string.h>

#include "runtime/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	file_bytes bytes = {malloc(size + 1), size};
	if (bytes.data == NULL)
		return 0;
	memcpy(bytes.data, data, size);
	array a;
	mmsb_error err;
	if (npy_parse(&bytes, "fuzz.npy", &a, &err) == MMSB_OK) {
		unsigned sum = 0;
		for (uint64_t i = 0; i < a.count * a.element; i++)
			sum += a.data[i];
		uint64_t count = 1;
		for (unsigned k = 0; k < a.ndim; k++)
			count *= a.shape[k];
		if (count != a.count || a.ndim > MAX_DIMS || sum == UINT32_MAX)
			abort();
		array_free(&a);
	} else if (err.message[0] == '\0') {
		abort();
	}
	return 0;
}
