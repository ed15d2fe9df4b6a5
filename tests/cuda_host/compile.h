/* compile.h - device code compiled for the host. */
#ifndef MMSB_TESTS_CUDA_COMPILE_H
#define MMSB_TESTS_CUDA_COMPILE_H

#include <stdbool.h>
#include <stddef.h>

/* Makes the shared object `path` of a text that mmsbc emit cuda printed, by CXX in the environment, else c++. The header is looked for in
 * $MMSB_SRCDIR/tests/cuda_host. False: a message was printed; the text is kept beside it, as path.cu. */
bool cuda_host_compile(const char *text, size_t n, const char *path);

#endif
