/* program.h - programs from files or texts, compiled by the benchmark itself. */
#ifndef MMSB_BENCH_PROGRAM_H
#define MMSB_BENCH_PROGRAM_H

#include <unistd.h>

#include "bench.h"
#include "../compiler/compile.h"
#include "../compiler/native_cc.h"

/* With native code for this machine, or for the portable executor. The caller closes it. */
static inline mmsb_schedule *bench_program_file(const char *path, bool native)
{
	compile_options how = {0};
	mmsb_schedule *program;
	mmsb_error err;
	uint8_t *bytes = NULL;
	size_t n = 0;
	if (compile_file(path, &how, stderr, false, &bytes, &n) != COMPILE_OK)
		bench_stop(path);
	bench_check(mmsb_schedule_load(&program, bytes, n, &err), &err);
	free(bytes);
	if (native)
		bench_check(native_use(program, &err), &err);
	return program;
}

/* The same of a text. */
static inline mmsb_schedule *bench_program(const char *text, bool native)
{
	char path[] = "/tmp/mmsb-bench-XXXXXX.mmsb";
	int fd = mkstemps(path, 5);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!file || fputs(text, file) < 0 || fclose(file))
		bench_stop("a program cannot be written to /tmp");
	mmsb_schedule *program = bench_program_file(path, native);
	remove(path);
	return program;
}

/* An instance of a program, which it closes; sizes and values are still to be given. */
static inline mmsb_instance *bench_instance_of(mmsb_schedule *program, int threads, bool scratch)
{
	mmsb_options options = {.size = sizeof options, .threads = threads, .scratch = scratch};
	mmsb_instance *m;
	mmsb_error err;
	bench_check(mmsb_instance_new(&m, program, &options, &err), &err);
	mmsb_schedule_close(program);
	return m;
}

#endif
