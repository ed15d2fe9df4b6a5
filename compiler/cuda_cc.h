/* cuda_cc.h - code for CUDA devices, by nvcc or NVRTC. */
#ifndef MMSB_COMPILER_CUDA_CC_H
#define MMSB_COMPILER_CUDA_CC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../runtime/mmsb.h"
#include "../runtime/schedule.h"

/* The compiler is nvcc: MMSB_NVCC in the environment, else the nvcc that the shell finds; objects are kept as native code is (toolchain.h). Where there is
 * none, or MMSB_NVCC is empty, it is NVRTC (nvrtc.h). */

#define CUDA_ARCHS "sm_80,sm_90"

/* Makes the device code of a schedule that is open, and has instances use it: PTX, which the driver takes for devices of compute capability 8.0 and
 * above. MMSB_DEVICE: there is no compiler; MMSB_IO: it failed; MMSB_MEMORY. */
int cuda_use(mmsb_schedule *, mmsb_error *err);

/* The device section of a file (container.h): a cubin for each of `archs` (sm_XY, with commas between), and PTX for the least of them and what comes
 * after. *section is the caller's to free(). As cuda_use. */
int cuda_build(const schedule *, const char *archs, uint8_t **section, size_t *n, mmsb_error *err);

/* Whether it is such a list. */
bool cuda_archs_are_names(const char *archs);

#endif
