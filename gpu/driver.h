/* driver.h - the CUDA driver, opened when it is first asked for: MMSB is built, installed and tested without one. Internal.
 *
 * Every call goes through CUDA(): the first that fails is kept, with the call, the file and the line, and the device is lost. */
#ifndef MMSB_DRIVER_H
#define MMSB_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#include "../runtime/mmsb.h"

/* What of cuda.h is needed, as its ABI has it. */
typedef int CUresult;
typedef int CUdevice;
typedef uint64_t CUdeviceptr;
typedef struct CUctx_st *CUcontext;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;

enum {
	CUDA_SUCCESS = 0, CUDA_ERROR_OUT_OF_MEMORY = 2,
	CU_STREAM_NON_BLOCKING = 1,
	CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76
};

/*   F(name, name in the library, parameters) */
#define CUDA_FUNCTIONS(F)                                                                                                  \
	F(init, "cuInit", (unsigned flags))                                                                                \
	F(version, "cuDriverGetVersion", (int *version))                                                                   \
	F(error_name, "cuGetErrorName", (CUresult error, const char **name))                                               \
	F(error_text, "cuGetErrorString", (CUresult error, const char **text))                                             \
	F(device_count, "cuDeviceGetCount", (int *count))                                                                  \
	F(device_get, "cuDeviceGet", (CUdevice *device, int ordinal))                                                      \
	F(device_name, "cuDeviceGetName", (char *name, int room, CUdevice device))                                         \
	F(device_attribute, "cuDeviceGetAttribute", (int *value, int attribute, CUdevice device))                          \
	F(context_retain, "cuDevicePrimaryCtxRetain", (CUcontext *context, CUdevice device))                               \
	F(context_release, "cuDevicePrimaryCtxRelease_v2", (CUdevice device))                                              \
	F(context_use, "cuCtxSetCurrent", (CUcontext context))                                                             \
	F(memory_info, "cuMemGetInfo_v2", (size_t *unused, size_t *total))                                                 \
	F(module_load, "cuModuleLoadData", (CUmodule *module, const void *image))                                          \
	F(module_unload, "cuModuleUnload", (CUmodule module))                                                              \
	F(module_function, "cuModuleGetFunction", (CUfunction *function, CUmodule module, const char *name))               \
	F(stream_new, "cuStreamCreate", (CUstream *stream, unsigned flags))                                                \
	F(stream_free, "cuStreamDestroy_v2", (CUstream stream))                                                            \
	F(stream_wait, "cuStreamSynchronize", (CUstream stream))                                                           \
	F(event_new, "cuEventCreate", (CUevent *event, unsigned flags))                                                    \
	F(event_free, "cuEventDestroy_v2", (CUevent event))                                                                \
	F(event_record, "cuEventRecord", (CUevent event, CUstream stream))                                                 \
	F(event_between, "cuEventElapsedTime", (float *ms, CUevent from, CUevent to))                                      \
	F(alloc, "cuMemAlloc_v2", (CUdeviceptr *at, size_t bytes))                                                         \
	F(release, "cuMemFree_v2", (CUdeviceptr at))                                                                       \
	F(host_alloc, "cuMemAllocHost_v2", (void **at, size_t bytes))                                                      \
	F(host_release, "cuMemFreeHost", (void *at))                                                                       \
	F(copy_up, "cuMemcpyHtoDAsync_v2", (CUdeviceptr to, const void *from, size_t bytes, CUstream stream))              \
	F(copy_down, "cuMemcpyDtoHAsync_v2", (void *to, CUdeviceptr from, size_t bytes, CUstream stream))                  \
	F(copy_within, "cuMemcpyDtoDAsync_v2", (CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream))          \
	F(fill, "cuMemsetD8Async", (CUdeviceptr at, unsigned char byte, size_t bytes, CUstream stream))                     \
	F(launch, "cuLaunchKernel",                                                                                        \
	  (CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,     \
	   unsigned block_z, unsigned shared, CUstream stream, void **params, void **extra))

typedef struct cuda_driver {
#define F(name, symbol, params) CUresult (*name) params;
	CUDA_FUNCTIONS(F)
#undef F
} cuda_driver;

/* The oldest driver that is known to have all of the functions: CUDA 11. */
enum { CUDA_OLDEST = 11000 };

/* The driver, ready to be used; from any thread. Its library is MMSB_LIBCUDA in the environment, else libcuda.so.1. MMSB_DEVICE: there is none, or it is
 * too old, or it has no device. */
int driver_open(const cuda_driver **out, mmsb_error *err);

/* What a failed call says of itself; `call` is a name of the table. */
int driver_error(const cuda_driver *, CUresult result, const char *call, const char *file, int line, mmsb_error *err);

#endif
