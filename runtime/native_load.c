/* native_load.c - where native code of a schedule comes from: a section of its file, an object on disk, functions linked into the
 * program; and whether an instance uses it (native.h). */
#define _GNU_SOURCE /* memfd_create */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "container.h"
#include "instance.h"
#include "kernels.h"
#include "native.h"

/* ---- shared objects ---------------------------------------------------------------------------- */

/* Whether the object is one of ours, for this processor. */
static int check_object(void *handle, const char *name, mmsb_error *err)
{
	const uint32_t *abi = dlsym(handle, "mmsb_native_abi");
	const char *needs = dlsym(handle, "mmsb_native_needs"), *lacks;
	if (!abi || *abi != NATIVE_ABI || !needs)
		return fail(err, MMSB_FORMAT, "%s: holds no native code of this version: remove it, it is made again", name);
	size_t n = processor_lacks(needs, &lacks);
	return n == 0 ? MMSB_OK : fail(err, MMSB_INPUT, "%s: is for processors with %.*s, which this one has not", name, (int)n, lacks);
}

static int load_object(void **handle, const char *path, const char *name, mmsb_error *err)
{
	*handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!*handle)
		return fail(err, MMSB_IO, "%s: cannot be loaded: %s", name, dlerror());
	int status = check_object(*handle, name, err);
	if (status) {
		dlclose(*handle);
		*handle = NULL;
	}
	return status;
}

int native_attach(mmsb_schedule *s, const char *path, mmsb_error *err)
{
	void *handle = NULL;
	int status = load_object(&handle, path, path, err);
	pthread_mutex_lock(&s->native_lock);
	if (!status && !s->native.handle) { /* instances may run what is there */
		s->native.handle = handle;
		s->native.found = true;
		s->native.status = MMSB_OK;
		handle = NULL;
	}
	pthread_mutex_unlock(&s->native_lock);
	if (handle)
		dlclose(handle);
	return status;
}

void native_detach(mmsb_schedule *s)
{
	if (s->native.handle)
		dlclose(s->native.handle);
	if (s->native.from_memory)
		close(s->native.fd);
}

/* ---- objects in a section ---------------------------------------------------------------------- */

/* In memory, under a name that goes with this process. The loader knows objects by their names: while one is in use no other may have its number. */
static int load_from_memory(native_code *to, const code_object *o, mmsb_error *err)
{
	char path[64];
	int fd = memfd_create("mmsb-native", MFD_CLOEXEC), status;
	if (fd < 0)
		return fail(err, MMSB_IO, "native code: no memory for it: %s", strerror(errno));
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (write_all(fd, o->bytes, o->n))
		status = load_object(&to->handle, path, "native code of the file", err);
	else
		status = fail(err, MMSB_IO, "native code: cannot be copied: %s", strerror(errno));
	to->from_memory = status == MMSB_OK;
	to->fd = fd;
	if (status)
		close(fd);
	return status;
}

/* Where there is no /proc, or nothing may be run from memory: in a file of the owner alone, which has no name any more once it is loaded. */
static int load_from_file(void **handle, const code_object *o, mmsb_error *err)
{
	const char *folder = getenv("TMPDIR");
	char path[512];
	int n = snprintf(path, sizeof path, "%s/mmsb-native-XXXXXX", folder && *folder ? folder : "/tmp");
	if (n < 0 || (size_t)n >= sizeof path)
		return fail(err, MMSB_IO, "native code: the name of the folder TMPDIR is too long");
	int fd = mkstemp(path), status;
	if (fd < 0)
		return fail(err, MMSB_IO, "%s: cannot be written: %s", path, strerror(errno));
	bool written = write_all(fd, o->bytes, o->n);
	int why = errno;
	if (close(fd) == 0 && written)
		status = load_object(handle, path, path, err);
	else
		status = fail(err, MMSB_IO, "%s: cannot be written: %s", path, strerror(written ? errno : why));
	unlink(path);
	return status;
}

/* Whether this machine may run code of a level. MMSB_CPU asks for a level, and nothing above it is taken. */
static bool level_fits(const char *level)
{
	static const char *const order[] = {"base", "v3", "v4"};
	const char *most = kernel_table_pick()->level;
	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
		if (strcmp(order[i], level) == 0)
			return true;
		if (strcmp(order[i], most) == 0)
			break;
	}
	return strcmp(level, NATIVE_OWN_LEVEL) == 0; /* it says itself what it needs */
}

static int load_section(mmsb_schedule *s, mmsb_error *err)
{
	code_object o;
	if (!s->tables.native)
		return fail(err, MMSB_INPUT, "the schedule has no native code: compile it with mmsbc compile, without --portable");
	if (code_section_abi(s->tables.native, s->tables.n_native) != NATIVE_ABI)
		return fail(err, MMSB_FORMAT, "the native code in the file is of another version of MMSB: compile it again");
	int status = fail(err, MMSB_INPUT, "the file has no native code for this processor (level %s)", kernel_table_pick()->level);
	for (uint32_t i = 0; code_section_object(s->tables.native, s->tables.n_native, i, &o); i++) {
		if (!level_fits(o.level))
			continue;
		status = load_from_memory(&s->native, &o, err);
		if (status == MMSB_IO)
			status = load_from_file(&s->native.handle, &o, err);
		if (status != MMSB_INPUT) /* else the processor lacks something */
			return status;
	}
	return status;
}

/* ---- functions linked into the program --------------------------------------------------------- */

/* Options of the user's compiler may have changed what arithmetic does: the first function finds that out. */
static int check_exact(mmsb_schedule *s, mmsb_error *err)
{
	native_fn *found = native_find(s, "mmsb_exact");
	int yes = 0;
	if (found)
		((void (*)(int *))(void (*)(void))found)(&yes);
	return yes ? MMSB_OK
	           : fail(err, MMSB_NUMERICS, "the native code in the program was compiled with an option that changes the results of arithmetic "
	                                      "(-ffp-contract=fast, -funsafe-math-optimizations): compile its C text without it");
}

static int choose_linked(mmsb_schedule *s, mmsb_error *err)
{
	if (s->native.linked_abi != NATIVE_ABI)
		return fail(err, MMSB_FORMAT, "the program was compiled for another version of MMSB: make its C text again, with mmsbc compile --embed");
	for (size_t i = 0; i < s->native.n_linked; i++)
		if (level_fits(s->native.linked[i].level)) {
			s->native.functions = &s->native.linked[i];
			return check_exact(s, err);
		}
	return fail(err, MMSB_INPUT, "the program has no native code for this processor");
}

/* ---- instances --------------------------------------------------------------------------------- */

int native_ready(mmsb_schedule *s, mmsb_error *err)
{
	pthread_mutex_lock(&s->native_lock);
	if (!s->native.found) {
		s->native.found = true;
		s->native.why.message[0] = '\0';
		s->native.status = s->native.linked ? choose_linked(s, &s->native.why) : load_section(s, &s->native.why);
	}
	int status = s->native.status;
	if (status && err)
		*err = s->native.why;
	pthread_mutex_unlock(&s->native_lock);
	return status;
}

int native_choose(mmsb_instance *m, mmsb_error *err)
{
	int wanted = m->options.executor;
	if (wanted == MMSB_PORTABLE)
		return MMSB_OK;
	if (wanted != MMSB_AUTOMATIC && wanted != MMSB_NATIVE && wanted != MMSB_CUDA)
		return fail(err, MMSB_USAGE, "there is no executor %d: see enum mmsb_executor", wanted);
	int status = native_ready(m->owner, err);
	m->native = status == MMSB_OK;
	return wanted == MMSB_NATIVE ? status : MMSB_OK;
}

const char *native_why_not(const mmsb_instance *m)
{
	if (m->native)
		return "";
	if (m->options.executor == MMSB_PORTABLE)
		return "the portable executor was asked for";
	return m->owner->native.why.message;
}

native_fn *native_find(const mmsb_schedule *s, const char *name)
{
	const mmsb_native_level *f = s->native.functions;
	native_fn *fn = NULL;
	for (size_t i = 0; f && i < f->count; i++)
		if (strcmp(f->functions[i].name, name) == 0)
			return (native_fn *)f->functions[i].function;
	void *at = s->native.handle ? dlsym(s->native.handle, name) : NULL;
	memcpy(&fn, &at, sizeof fn);
	return fn;
}
