/* native_cc.h - native code of a schedule, by the machine's C compiler and through a cache. */
#ifndef MMSB_COMPILER_NATIVE_CC_H
#define MMSB_COMPILER_NATIVE_CC_H

#include <stdbool.h>

#include "../runtime/mmsb.h"
#include "../runtime/schedule.h"

/* The compiler is MMSB_CC or CC in the environment, else the one that MMSB was built with. Objects are kept in $XDG_CACHE_HOME/mmsb (else
 * ~/.cache/mmsb) by what they were made from. What the compiler says stands in messages. */

/* The status where there is no such compiler; no status of mmsb.h. */
enum { NATIVE_NO_COMPILER = 1000 };

/* Makes or finds the code of a schedule that is open, for this machine, and has instances use it. MMSB_IO, MMSB_MEMORY. */
int native_use(mmsb_schedule *, mmsb_error *err);

/* The native section of a file (container.h): objects for each level that the compiler knows; march: one, for that -march. *section
 * is the caller's to free(). Where there is no folder for a cache, they are made in one that does not stay. NATIVE_NO_COMPILER, MMSB_IO,
 * MMSB_MEMORY. */
int native_build(const schedule *, const char *march, uint8_t **section, size_t *n, mmsb_error *err);

/* Whether it may be a word after -march=. */
bool native_march_is_name(const char *march);

#endif
