/* nvrtc.h - NVRTC, the compiler of device code as a library, opened when it is first asked for. Internal. */
#ifndef MMSB_COMPILER_NVRTC_H
#define MMSB_COMPILER_NVRTC_H

#include "../runtime/container.h"
#include "../runtime/mmsb.h"

/* Compiles a text for `arch` (sm_XY: a cubin; compute_XY: PTX, with a NUL behind it that is counted) with these options. out->bytes are the caller's to free.
 * The library is MMSB_LIBNVRTC in the environment, else the newest libnvrtc.so that is found. MMSB_DEVICE: there is none; MMSB_IO with
 * what it said; MMSB_MEMORY. */
int nvrtc_compile(const char *text, const char *arch, const char *const *options, int n_options, code_object *out, mmsb_error *err);

#endif
