/* native_cc.h - native code of a schedule, by the machine's C compiler and through a cache. */
#ifndef MMSB_COMPILER_NATIVE_CC_H
#define MMSB_COMPILER_NATIVE_CC_H

#include "../runtime/mmsb.h"
#include "../runtime/schedule.h"

/* The schedule's functions (native.h) as a shared object for this machine: *path is the caller's to free(). It is found in
 * $XDG_CACHE_HOME/mmsb (else ~/.cache/mmsb) by what it was made from, or made there by the compiler: MMSB_CC in the environment,
 * else the one that the library was built with. What the compiler says stands in the message. MMSB_IO, MMSB_MEMORY. */
int native_compile(const schedule *, char **path, mmsb_error *err);

/* Makes it, and has instances of a schedule that is open use it. */
int native_use(mmsb_schedule *, mmsb_error *err);

#endif
