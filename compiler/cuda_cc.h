/* cuda_cc.h - code for a CUDA device, by NVRTC. */
#ifndef MMSB_COMPILER_CUDA_CC_H
#define MMSB_COMPILER_CUDA_CC_H

#include "../runtime/mmsb.h"

/* Makes the device code of a schedule that is open, and has instances use it: PTX, which the driver takes for devices of compute capability 8.0 and
 * above. NVRTC is MMSB_LIBNVRTC in the environment, else the newest libnvrtc.so that is found. MMSB_DEVICE: there is none; MMSB_IO: it
 * failed; MMSB_MEMORY. */
int cuda_use(mmsb_schedule *, mmsb_error *err);

#endif
