/* fake_cuda.c - a libcuda for machines without a GPU: the functions of the driver that gpu/ calls, with its kernels compiled for the host.
 *
 * A module's image is the text "MMSB-FAKE", a newline, the path of a shared object, a newline, and what stands before the names of its kernels.
 *
 * What is asked of a stream is done when somebody waits for it, and not before: whoever does not wait sees old values. What lies in pinned memory is
 * read then as well; what lies elsewhere is copied at once, as the driver does. Device memory cannot be touched by the host but while a stream is
 * at work. Every allocation ends at a page that nobody may touch. Wrong use (memory that is not the device's, or was given back, or is too short or not
 * aligned; a kernel's pointer to the host's memory; threads that wait for others in vain; what was not given back) ends the program with
 * a message.
 *
 *   MMSB_FAKE_ORDER=N   in which order threads run: fibers.h
 *   MMSB_FAKE_FAIL=N    the N-th call fails, as `fake_cuda_fail` does for calls from now on
 *   MMSB_FAKE_MEMORY=N  bytes that the device has (default: 1 GiB)
 *   MMSB_FAKE_INIT=N    what cuInit returns */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../gpu/driver.h"
#include "../../gpu/launch.h"
#include "fibers.h"

enum { MOST_ALLOCATIONS = 8192, MOST_WORK = 4096, ALIGNMENT = 256, INVALID = 1, NOT_FOUND = 500, FAILED = 719 };

typedef struct allocation {
	uint8_t *at, *map;
	size_t bytes, mapped;
	bool live, pinned;
} allocation;

typedef enum work_kind { WORK_UP, WORK_DOWN, WORK_FILL, WORK_LAUNCH } work_kind;
typedef struct work {
	work_kind kind;
	uint8_t *to;
	const uint8_t *from;
	uint8_t *copy;          /* of what is not pinned */
	uint8_t byte;
	size_t bytes;
	struct CUfunc_st *function;
	unsigned grid, block;
	mmsb_launch launch;
} work;

struct CUstream_st {
	work *queue;
	size_t n;
};
struct CUfunc_st {
	void (*entry)(mmsb_launch);
	struct CUfunc_st *next;
};
struct CUmod_st {
	void *library;
	char prefix[64];
	struct CUfunc_st *functions;
};
struct CUctx_st {
	int used;
};

static allocation allocations[MOST_ALLOCATIONS];
static size_t n_allocations, device_bytes;
static struct CUctx_st the_context;
static long calls, fail_at = -1, live_objects;
static bool initialised;

static _Noreturn void wrong(const char *call, const char *what)
{
	fprintf(stderr, "fake_cuda: %s: %s\n", call, what);
	abort();
}

/* ---- calls that fail --------------------------------------------------------------------------- */

/* The n-th call from now on fails (1: the next one); 0: none. Returns how many there were. */
__attribute__((visibility("default"))) long fake_cuda_fail(long n)
{
	long were = calls;
	calls = 0;
	fail_at = n > 0 ? n : -1;
	return were;
}

/* What was taken and not given back: allocations, streams, modules, contexts. */
__attribute__((visibility("default"))) long fake_cuda_live(void)
{
	long n = live_objects;
	for (size_t i = 0; i < n_allocations; i++)
		n += allocations[i].live;
	return n;
}

static bool fails(void) { return ++calls == fail_at; }

static uint64_t number_from(const char *name, uint64_t otherwise)
{
	const char *given = getenv(name);
	return given && *given ? strtoull(given, NULL, 0) : otherwise;
}

#define API __attribute__((visibility("default"))) CUresult

API cuInit(unsigned flags);
API cuInit(unsigned flags)
{
	uint64_t result = number_from("MMSB_FAKE_INIT", 0);
	if (fail_at < 0 && getenv("MMSB_FAKE_FAIL"))
		fail_at = (long)number_from("MMSB_FAKE_FAIL", 0);
	if (fails())
		return 999;
	initialised = result == 0 && flags == 0;
	return (CUresult)result;
}

#define NEEDS_INIT(call)                                                     \
	do {                                                                 \
		if (!initialised)                                            \
			wrong(call, "the driver has not been initialised");  \
		if (fails())                                                 \
			return FAILED;                                       \
	} while (0)
#define NEEDS_CONTEXT(call)                                                  \
	do {                                                                 \
		if (the_context.used <= 0)                                   \
			wrong(call, "no context is held");                   \
		NEEDS_INIT(call);                                            \
	} while (0)

API cuDriverGetVersion(int *version);
API cuDriverGetVersion(int *version)
{
	*version = 12000;
	return fails() ? INVALID : CUDA_SUCCESS;
}

API cuGetErrorName(CUresult error, const char **name);
API cuGetErrorName(CUresult error, const char **name)
{
	*name = error == CUDA_ERROR_OUT_OF_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY" : error == FAILED ? "CUDA_ERROR_LAUNCH_FAILED" : "CUDA_ERROR_UNKNOWN";
	return CUDA_SUCCESS;
}

API cuGetErrorString(CUresult error, const char **text);
API cuGetErrorString(CUresult error, const char **text)
{
	(void)error;
	*text = "as the fake was told";
	return CUDA_SUCCESS;
}

API cuDeviceGetCount(int *count);
API cuDeviceGetCount(int *count)
{
	NEEDS_INIT("cuDeviceGetCount");
	*count = 1;
	return CUDA_SUCCESS;
}

API cuDeviceGet(CUdevice *device, int ordinal);
API cuDeviceGet(CUdevice *device, int ordinal)
{
	NEEDS_INIT("cuDeviceGet");
	*device = 0;
	return ordinal == 0 ? CUDA_SUCCESS : INVALID;
}

API cuDeviceGetName(char *name, int room, CUdevice device);
API cuDeviceGetName(char *name, int room, CUdevice device)
{
	(void)device;
	NEEDS_INIT("cuDeviceGetName");
	snprintf(name, (size_t)room, "a device that is emulated");
	return CUDA_SUCCESS;
}

API cuDeviceGetAttribute(int *value, int attribute, CUdevice device);
API cuDeviceGetAttribute(int *value, int attribute, CUdevice device)
{
	(void)device;
	NEEDS_INIT("cuDeviceGetAttribute");
	*value = attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR ? 8 : 0;
	return CUDA_SUCCESS;
}

API cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device);
API cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device)
{
	(void)device;
	NEEDS_INIT("cuDevicePrimaryCtxRetain");
	the_context.used++;
	live_objects++;
	*context = &the_context;
	return CUDA_SUCCESS;
}

API cuDevicePrimaryCtxRelease_v2(CUdevice device);
API cuDevicePrimaryCtxRelease_v2(CUdevice device)
{
	(void)device;
	if (--the_context.used < 0)
		wrong("cuDevicePrimaryCtxRelease", "more often than it was taken");
	live_objects--;
	return fails() ? FAILED : CUDA_SUCCESS;
}

API cuCtxSetCurrent(CUcontext context);
API cuCtxSetCurrent(CUcontext context)
{
	NEEDS_CONTEXT("cuCtxSetCurrent");
	return context == &the_context ? CUDA_SUCCESS : INVALID;
}

/* ---- memory ------------------------------------------------------------------------------------ */

static size_t device_room(void) { return (size_t)number_from("MMSB_FAKE_MEMORY", 1 << 30); }

API cuMemGetInfo_v2(size_t *unused, size_t *total);
API cuMemGetInfo_v2(size_t *unused, size_t *total)
{
	NEEDS_CONTEXT("cuMemGetInfo");
	*total = device_room();
	*unused = *total - device_bytes;
	return CUDA_SUCCESS;
}

/* Memory before a page that nobody may touch, full of what no value looks like. */
static allocation *take(size_t bytes, bool pinned, const char *call)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), used = (bytes + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	size_t mapped = ((used + page - 1) & ~(page - 1)) + page;
	if (bytes == 0)
		wrong(call, "no bytes");
	if (n_allocations == MOST_ALLOCATIONS)
		wrong(call, "too many allocations");
	uint8_t *map = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return NULL;
	memset(map, 0xa5, mapped - page);
	mprotect(map + mapped - page, page, PROT_NONE);
	allocation *a = &allocations[n_allocations++];
	*a = (allocation){map + mapped - page - used, map, bytes, mapped, true, pinned};
	if (!pinned)
		mprotect(map, mapped, PROT_NONE);
	return a;
}

static allocation *find(const void *at, size_t bytes, bool pinned)
{
	for (size_t i = 0; i < n_allocations; i++) {
		allocation *a = &allocations[i];
		if (a->live && a->pinned == pinned && (const uint8_t *)at >= a->at && (const uint8_t *)at < a->at + a->bytes)
			return (size_t)(a->at + a->bytes - (const uint8_t *)at) >= bytes ? a : NULL;
	}
	return NULL;
}

static void give(void *at, bool pinned, const char *call)
{
	allocation *a = find(at, 0, pinned);
	if (!a || a->at != at)
		wrong(call, "this is no memory that was taken, or it was given back");
	a->live = false; /* its addresses are not used again */
	mprotect(a->map, a->mapped, PROT_NONE);
	if (!pinned)
		device_bytes -= a->bytes;
}

API cuMemAlloc_v2(CUdeviceptr *at, size_t bytes);
API cuMemAlloc_v2(CUdeviceptr *at, size_t bytes)
{
	if (the_context.used <= 0)
		wrong("cuMemAlloc", "no context is held");
	if (fails() || device_bytes + bytes > device_room())
		return CUDA_ERROR_OUT_OF_MEMORY;
	allocation *a = take(bytes, false, "cuMemAlloc");
	device_bytes += a ? bytes : 0;
	*at = a ? (uintptr_t)a->at : 0;
	return a ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

API cuMemFree_v2(CUdeviceptr at);
API cuMemFree_v2(CUdeviceptr at)
{
	give((void *)(uintptr_t)at, false, "cuMemFree");
	return fails() ? FAILED : CUDA_SUCCESS;
}

API cuMemAllocHost_v2(void **at, size_t bytes);
API cuMemAllocHost_v2(void **at, size_t bytes)
{
	if (fails())
		return CUDA_ERROR_OUT_OF_MEMORY;
	allocation *a = take(bytes, true, "cuMemAllocHost");
	*at = a ? a->at : NULL;
	return a ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

API cuMemFreeHost(void *at);
API cuMemFreeHost(void *at)
{
	give(at, true, "cuMemFreeHost");
	return fails() ? FAILED : CUDA_SUCCESS;
}

/* ---- modules ----------------------------------------------------------------------------------- */

API cuModuleLoadData(CUmodule *module, const void *image);
API cuModuleLoadData(CUmodule *module, const void *image)
{
	char path[512], prefix[64] = "";
	NEEDS_CONTEXT("cuModuleLoadData");
	if (sscanf(image, "MMSB-FAKE\n%511[^\n]\n%63s", path, prefix) < 1)
		return 200; /* CUDA_ERROR_INVALID_IMAGE */
	struct CUmod_st *m = calloc(1, sizeof *m);
	if (!m)
		return CUDA_ERROR_OUT_OF_MEMORY;
	m->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	cuda_host **at = m->library ? dlsym(m->library, "cuda_host_at") : NULL;
	if (!at) {
		fprintf(stderr, "fake_cuda: %s\n", dlerror());
		free(m);
		return 200;
	}
	*at = fibers_host();
	memcpy(m->prefix, prefix, sizeof prefix);
	live_objects++;
	*module = m;
	return CUDA_SUCCESS;
}

API cuModuleUnload(CUmodule module);
API cuModuleUnload(CUmodule module)
{
	while (module->functions) {
		struct CUfunc_st *f = module->functions;
		module->functions = f->next;
		free(f);
	}
	dlclose(module->library);
	free(module);
	live_objects--;
	return fails() ? FAILED : CUDA_SUCCESS;
}

API cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name);
API cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name)
{
	char full[160];
	NEEDS_CONTEXT("cuModuleGetFunction");
	snprintf(full, sizeof full, "%s%s", module->prefix, name);
	void *at = dlsym(module->library, full);
	if (!at)
		at = dlsym(module->library, name);
	if (!at)
		return NOT_FOUND;
	struct CUfunc_st *f = calloc(1, sizeof *f);
	if (!f)
		return CUDA_ERROR_OUT_OF_MEMORY;
	memcpy(&f->entry, &at, sizeof at);
	f->next = module->functions;
	module->functions = f;
	*function = f;
	return CUDA_SUCCESS;
}

/* ---- streams ----------------------------------------------------------------------------------- */

API cuStreamCreate(CUstream *stream, unsigned flags);
API cuStreamCreate(CUstream *stream, unsigned flags)
{
	(void)flags;
	NEEDS_CONTEXT("cuStreamCreate");
	struct CUstream_st *s = calloc(1, sizeof *s);
	if (s)
		s->queue = calloc(MOST_WORK, sizeof *s->queue);
	if (!s || !s->queue)
		return CUDA_ERROR_OUT_OF_MEMORY;
	live_objects++;
	*stream = s;
	return CUDA_SUCCESS;
}

static void open_memory(int protection)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	for (size_t i = 0; i < n_allocations; i++)
		if (allocations[i].live && !allocations[i].pinned)
			mprotect(allocations[i].map, allocations[i].mapped - page, protection);
}

static void call_kernel(const void *at)
{
	const work *w = at;
	w->function->entry(w->launch);
}

/* Addresses are looked at when the work is done: what was given back meanwhile is found then. */
static void do_work(work *w)
{
	static const char gone[] = "memory that is not the device's, or too short, or was given back before the work was done";
	if (w->kind == WORK_LAUNCH) {
		const char *why = fibers_run(call_kernel, w, w->grid, w->block, number_from("MMSB_FAKE_ORDER", 0));
		if (why)
			wrong("a kernel", why);
		return;
	}
	if (!find(w->kind == WORK_DOWN ? w->from : w->to, w->bytes, false))
		wrong("a copy", gone);
	if (w->kind == WORK_FILL) {
		memset(w->to, w->byte, w->bytes);
		return;
	}
	memcpy(w->to, w->copy ? w->copy : w->from, w->bytes);
	free(w->copy);
	w->copy = NULL;
}

static void catch_up(CUstream stream)
{
	open_memory(PROT_READ | PROT_WRITE);
	for (size_t i = 0; i < stream->n; i++)
		do_work(&stream->queue[i]);
	open_memory(PROT_NONE);
	stream->n = 0;
}

static work *more_work(CUstream stream)
{
	if (stream->n == MOST_WORK)
		catch_up(stream);
	work *w = &stream->queue[stream->n++];
	*w = (work){.kind = WORK_UP};
	return w;
}

API cuStreamSynchronize(CUstream stream);
API cuStreamSynchronize(CUstream stream)
{
	NEEDS_CONTEXT("cuStreamSynchronize");
	catch_up(stream);
	return CUDA_SUCCESS;
}

API cuStreamDestroy_v2(CUstream stream);
API cuStreamDestroy_v2(CUstream stream)
{
	for (size_t i = 0; i < stream->n; i++)
		free(stream->queue[i].copy);
	free(stream->queue);
	free(stream);
	live_objects--;
	return fails() ? FAILED : CUDA_SUCCESS;
}

API cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream stream);
API cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream stream)
{
	NEEDS_CONTEXT("cuMemcpyHtoDAsync");
	if (!find((void *)(uintptr_t)to, bytes, false))
		wrong("cuMemcpyHtoDAsync", "to memory that is not the device's, or too short, or given back");
	work *w = more_work(stream);
	w->to = (uint8_t *)(uintptr_t)to;
	w->from = from;
	w->bytes = bytes;
	if (!find(from, bytes, true)) {
		w->copy = malloc(bytes + 1);
		if (!w->copy)
			return CUDA_ERROR_OUT_OF_MEMORY;
		memcpy(w->copy, from, bytes);
	}
	return CUDA_SUCCESS;
}

API cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream);
API cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream)
{
	NEEDS_CONTEXT("cuMemcpyDtoDAsync");
	if (!find((void *)(uintptr_t)from, bytes, false) || !find((void *)(uintptr_t)to, bytes, false))
		wrong("cuMemcpyDtoDAsync", "memory that is not the device's, or too short, or given back");
	work *w = more_work(stream);
	w->to = (uint8_t *)(uintptr_t)to;
	w->from = (const uint8_t *)(uintptr_t)from;
	w->bytes = bytes;
	return CUDA_SUCCESS;
}

API cuMemsetD8Async(CUdeviceptr at, unsigned char byte, size_t bytes, CUstream stream);
API cuMemsetD8Async(CUdeviceptr at, unsigned char byte, size_t bytes, CUstream stream)
{
	NEEDS_CONTEXT("cuMemsetD8Async");
	if (!find((void *)(uintptr_t)at, bytes, false))
		wrong("cuMemsetD8Async", "memory that is not the device's, or too short, or given back");
	work *w = more_work(stream);
	w->kind = WORK_FILL;
	w->to = (uint8_t *)(uintptr_t)at;
	w->byte = byte;
	w->bytes = bytes;
	return CUDA_SUCCESS;
}

/* Events take no time; whether they were recorded is looked at. */
struct CUevent_st {
	CUstream recorded;
};

API cuEventCreate(CUevent *event, unsigned flags);
API cuEventCreate(CUevent *event, unsigned flags)
{
	NEEDS_CONTEXT("cuEventCreate");
	*event = calloc(1, sizeof **event);
	live_objects += *event != NULL;
	return *event && flags == 0 ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

API cuEventDestroy_v2(CUevent event);
API cuEventDestroy_v2(CUevent event)
{
	live_objects--;
	free(event);
	return fails() ? FAILED : CUDA_SUCCESS;
}

API cuEventRecord(CUevent event, CUstream stream);
API cuEventRecord(CUevent event, CUstream stream)
{
	NEEDS_CONTEXT("cuEventRecord");
	event->recorded = stream;
	return CUDA_SUCCESS;
}

API cuEventElapsedTime(float *ms, CUevent from, CUevent to);
API cuEventElapsedTime(float *ms, CUevent from, CUevent to)
{
	NEEDS_CONTEXT("cuEventElapsedTime");
	if (!from->recorded || !to->recorded)
		wrong("cuEventElapsedTime", "an event that was not recorded");
	if (from->recorded->n || to->recorded->n)
		return 600; /* CUDA_ERROR_NOT_READY */
	*ms = 0.001f;
	return CUDA_SUCCESS;
}

API cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream stream);
API cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream stream)
{
	NEEDS_CONTEXT("cuMemcpyDtoHAsync");
	if (!find((void *)(uintptr_t)from, bytes, false))
		wrong("cuMemcpyDtoHAsync", "from memory that is not the device's, or too short, or given back");
	work *w = more_work(stream);
	w->kind = WORK_DOWN;
	w->to = to;
	w->from = (const uint8_t *)(uintptr_t)from;
	w->bytes = bytes;
	if (!find(to, bytes, true))
		catch_up(stream);
	return CUDA_SUCCESS;
}

/* What a kernel is given lies on the device; of lists, sizes and marks it is known how long they are at least. */
static void check_launch(const mmsb_launch *l, unsigned block)
{
	uint64_t padded = (l->n + block - 1) / block * block;
	if (l->list && !find(l->list, l->n * sizeof *l->list, false))
		wrong("cuLaunchKernel", "the list is not on the device, or too short");
	if (l->mask && (l->list || !find(l->mask, (l->n + 63) / 64 * 8, false)))
		wrong("cuLaunchKernel", "the mask is not on the device, or too short, or there is a list besides");
	if ((l->sizes && !find(l->sizes, 8, false)) || (l->params && !find(l->params, 8, false)) || (l->fault && !find(l->fault, 8, false)))
		wrong("cuLaunchKernel", "sizes, params or the place of a fault are not on the device");
	if ((l->round && (!find(l->round - 1, 8, false) || !find(l->was, l->n, false))))
		wrong("cuLaunchKernel", "the flags of rounds, or the values of the round before, are not on the device");
	if ((l->stamps && !find(l->stamps, l->n * sizeof *l->stamps, false)) || (l->used && !find(l->used, (l->n + 63) / 64 * 8, false)) ||
	    (l->wanted && !find(l->wanted, (l->n + 63) / 64 * 8, false)))
		wrong("cuLaunchKernel", "what the end of a round writes is not on the device, or too short");
	if (l->alive && (!find(l->alive, l->list ? 1 : l->n, false) || !find(l->entry_row, l->list ? 4 : l->n * 4, false) || !find(l->entry_col, l->list ? 4 : l->n * 4, false)))
		wrong("cuLaunchKernel", "where entries stand is not on the device, or too short");
	if ((l->node_at && !find(l->node_at, 8, false)) || (l->node_bit && !find(l->node_bit, 1, false)) || (l->leaf_list && !find(l->leaf_list, 1, false)))
		wrong("cuLaunchKernel", "the order of a reduction is not on the device");
	for (unsigned i = 0; i < MMSB_MOST_ALONG; i++)
		if (l->along[i].start && !find(l->along[i].start, (l->along[i].n + 1) * sizeof(uint64_t), false))
			wrong("cuLaunchKernel", "lists are not on the device, or too short");
	for (unsigned i = 0; i < MMSB_MOST_READS; i++)
		if (l->in[i] && !find(l->in[i], 1, false))
			wrong("cuLaunchKernel", "a page that is read is not on the device");
	for (unsigned i = 0; i < MMSB_MOST_OUTPUTS; i++)
		if ((l->out[i] && !find(l->out[i], l->list ? 1 : l->n, false)) || (l->values[i] && !find(l->values[i], l->n, false)) ||
		    (l->marks[i] && (!find(l->marks[i], padded / 8, false) || (uintptr_t)l->marks[i] % 4)))
			wrong("cuLaunchKernel", "a page that is written, its results or its marks are not on the device, or too short");
}

API cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y, unsigned block_z,
                   unsigned shared, CUstream stream, void **params, void **extra);
API cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y, unsigned block_z,
                   unsigned shared, CUstream stream, void **params, void **extra)
{
	NEEDS_CONTEXT("cuLaunchKernel");
	if (grid_x == 0 || grid_y != 1 || grid_z != 1 || block_x == 0 || block_x > 1024 || block_y != 1 || block_z != 1 || shared || extra || !params)
		return INVALID;
	work *w = more_work(stream);
	w->kind = WORK_LAUNCH;
	w->function = function;
	w->grid = grid_x;
	w->block = block_x;
	memcpy(&w->launch, params[0], sizeof w->launch);
	check_launch(&w->launch, block_x);
	return CUDA_SUCCESS;
}
