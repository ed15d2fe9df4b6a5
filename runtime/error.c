/* error.c - status codes, their texts, and how an error is filled in. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "instance.h"

const char *mmsb_status_text(int status)
{
	switch (status) {
#define STATUS(id, value, exit_status, text) case value: return text;
#include "status.def"
#undef STATUS
	default: return "an unknown status";
	}
}

const char *mmsb_version(void)
{
	return PACKAGE_VERSION;
}

int fail(mmsb_error *err, int status, const char *fmt, ...)
{
	if (!err)
		return status;
	memset(err, 0, sizeof *err);
	err->status = status;
	err->page = -1;
	va_list args;
	va_start(args, fmt);
	vsnprintf(err->message, sizeof err->message, fmt, args);
	va_end(args);
	return status;
}

int fail_memory(mmsb_error *err, size_t bytes, const char *what)
{
	return fail(err, MMSB_MEMORY, "out of memory: no %zu bytes for %s", bytes, what);
}
