/* driver.c - opens libcuda and looks up what is called of it (driver.h). */
#include "driver.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../runtime/instance.h"

/* Opened once, and never closed: its threads and its atexit functions are its own. */
static struct opened {
	pthread_mutex_t lock;
	bool tried;
	int status;
	cuda_driver driver;
	mmsb_error why;
} opened = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* The name that the library has for a function of the table. */
static const char *symbol_of(const char *call)
{
	static const struct { const char *name, *symbol; } rows[] = {
#define F(name, symbol, params) {#name, symbol},
		CUDA_FUNCTIONS(F)
#undef F
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (strcmp(rows[i].name, call) == 0)
			return rows[i].symbol;
	return call;
}

int driver_error(const cuda_driver *d, CUresult result, const char *call, const char *file, int line, mmsb_error *err)
{
	const char *name = NULL, *text = NULL;
	if (d->error_name(result, &name) != CUDA_SUCCESS || !name)
		name = "an unknown error";
	if (d->error_text(result, &text) != CUDA_SUCCESS || !text)
		text = "";
	return fail(err, MMSB_DEVICE, "the CUDA device failed: %s (%s), in %s (%s:%d)", name, text, symbol_of(call), file, line);
}

static int look_up(void *library, const char *path, cuda_driver *d, mmsb_error *err)
{
#define F(name, symbol, params)                                                                                                      \
	{                                                                                                                            \
		void *at = dlsym(library, symbol);                                                                                   \
		if (!at)                                                                                                             \
			return fail(err, MMSB_DEVICE, "%s has no %s: a driver of CUDA %d or newer is needed", path, symbol, CUDA_OLDEST / 1000); \
		memcpy(&d->name, &at, sizeof at);                                                                                    \
	}
	CUDA_FUNCTIONS(F)
#undef F
	return MMSB_OK;
}

static int find_devices(const cuda_driver *d, const char *path, mmsb_error *err)
{
	int version = 0, count = 0;
	CUresult result = d->init(0);
	if (result != CUDA_SUCCESS)
		return driver_error(d, result, "init", path, 0, err);
	if (d->version(&version) == CUDA_SUCCESS && version < CUDA_OLDEST)
		return fail(err, MMSB_DEVICE, "the driver is of CUDA %d.%d, and %d.0 or newer is needed", version / 1000, version % 1000 / 10, CUDA_OLDEST / 1000);
	result = d->device_count(&count);
	if (result != CUDA_SUCCESS)
		return driver_error(d, result, "device_count", path, 0, err);
	return count > 0 ? MMSB_OK : fail(err, MMSB_DEVICE, "the driver is there, but no CUDA device");
}

static int open_library(cuda_driver *d, mmsb_error *err)
{
	const char *given = getenv("MMSB_LIBCUDA"), *path = given && *given ? given : "libcuda.so.1";
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return fail(err, MMSB_DEVICE, "there is no CUDA driver: %s; without one, run with --executor native or portable", dlerror());
	int status = look_up(library, path, d, err);
	return status ? status : find_devices(d, path, err);
}

int driver_open(const cuda_driver **out, mmsb_error *err)
{
	pthread_mutex_lock(&opened.lock);
	if (!opened.tried) {
		opened.tried = true;
		opened.status = open_library(&opened.driver, &opened.why);
	}
	int status = opened.status;
	if (status && err)
		*err = opened.why;
	pthread_mutex_unlock(&opened.lock);
	*out = status ? NULL : &opened.driver;
	return status;
}
