/* program.h - a program from its text, compiled by the benchmark itself. */
#ifndef MMSB_BENCH_PROGRAM_H
#define MMSB_BENCH_PROGRAM_H

#include <unistd.h>

#include "bench.h"
#include "../compiler/compile.h"
#include "../compiler/native_cc.h"

/* With native code for this machine, or for the portable executor. The caller closes it. */
static inline mmsb_schedule *bench_program(const char *text, bool native)
{
	compile_options how = {0};
	char path[] = "/tmp/mmsb-bench-XXXXXX.mmsb";
	mmsb_schedule *program;
	mmsb_error err;
	uint8_t *bytes = NULL;
	size_t n = 0;
	int fd = mkstemps(path, 5);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!file || fputs(text, file) < 0 || fclose(file) || compile_file(path, &how, stderr, false, &bytes, &n) != COMPILE_OK)
		bench_stop("a program cannot be compiled");
	remove(path);
	bench_check(mmsb_schedule_load(&program, bytes, n, &err), &err);
	free(bytes);
	if (native)
		bench_check(native_use(program, &err), &err);
	return program;
}

#endif
