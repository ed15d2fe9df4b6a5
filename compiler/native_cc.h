/* native_cc.h - native code of a schedule, by the machine's C compiler and through a cache. */
#ifndef MMSB_COMPILER_NATIVE_CC_H
#define MMSB_COMPILER_NATIVE_CC_H

#include "../runtime/mmsb.h"
#include "../runtime/schedule.h"

/* The compiler is MMSB_CC or CC in the environment, else the one that MMSB was built with. Objects are kept in $XDG_CACHE_HOME/mmsb (else
 * ~/.cache/mmsb, else in a folder that does not stay) by what they were made from. What the compiler says stands in messages. */

/* Makes or finds the code of a schedule that is open, for this machine, and has instances use it. MMSB_IO, MMSB_MEMORY. */
int native_use(mmsb_schedule *, mmsb_error *err);

/* The native section of a file (container.h): objects for each level that the compiler knows; march: one, for that -march. *section
 * is the caller's to free(). TOOL_MISSING (toolchain.h), MMSB_IO, MMSB_MEMORY. */
int native_build(const schedule *, const char *march, uint8_t **section, size_t *n, mmsb_error *err);

#endif
