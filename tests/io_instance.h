/* io_instance.h: an instance of a program given as text, for the tests of files in and out. */
#ifndef MMSB_TESTS_IO_INSTANCE_H
#define MMSB_TESTS_IO_INSTANCE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler/compile.h"
#include "runtime/mmsb.h"

/* The compiled text; NULL when anything failed, with messages on standard error. */
static inline mmsb_schedule *io_schedule(const char *text)
{
	char path[] = "/tmp/mmsb-test-XXXXXX.mmsb";
	int fd = mkstemps(path, 5);
	if (fd < 0)
		return NULL;
	size_t length = strlen(text), n = 0;
	bool written = write(fd, text, length) == (ssize_t)length;
	close(fd);
	uint8_t *bytes = NULL;
	compile_options options = {.n_dirs = 0};
	mmsb_schedule *compiled = NULL;
	mmsb_error err;
	if (written && compile_file(path, &options, stderr, false, &bytes, &n) == COMPILE_OK &&
	    mmsb_schedule_load(&compiled, bytes, n, &err) != MMSB_OK)
		fprintf(stderr, "%s\n", err.message);
	free(bytes);
	unlink(path);
	return compiled;
}

/* A new instance of a schedule, on one thread; NULL when that failed. */
static inline mmsb_instance *io_instance(mmsb_schedule *compiled)
{
	mmsb_instance *inst = NULL;
	mmsb_options options = {.size = sizeof options, .threads = 1};
	mmsb_error err;
	if (mmsb_instance_new(&inst, compiled, &options, &err) != MMSB_OK)
		fprintf(stderr, "%s\n", err.message);
	return inst;
}

#endif
