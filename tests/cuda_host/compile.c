/* compile.c - device code compiled for the host, by a C++ compiler (compile.h). */
#include "compile.h"

#include <stdio.h>
#include <stdlib.h>

/* Contraction is off, as it must be for nvcc. */
#define FLAGS "-std=c++17 -O1 -shared -fPIC -w -ffp-contract=off -fno-strict-aliasing"

bool cuda_host_compile(const char *text, size_t n, const char *path)
{
	const char *cxx = getenv("CXX"), *source = getenv("MMSB_SRCDIR");
	char file[512], command[2048];
	snprintf(file, sizeof file, "%s.cu", path);
	snprintf(command, sizeof command, "%s %s -I'%s/tests/cuda_host' -include cuda_host.h -o '%s' -x c++ '%s'", cxx && *cxx ? cxx : "c++", FLAGS,
	         source ? source : ".", path, file);
	FILE *to = fopen(file, "w");
	if (!to || fwrite(text, 1, n, to) != n || fclose(to) != 0) {
		perror(file);
		return false;
	}
	if (system(command) != 0) {
		fprintf(stderr, "device code is not compiled: %s\n", command);
		return false;
	}
	remove(file);
	return true;
}
