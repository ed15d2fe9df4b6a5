/* fpenv.h - the floating-point environment of every thread that evaluates: rounding to nearest, denormals kept, no traps. */
#ifndef MMSB_FPENV_H
#define MMSB_FPENV_H

#include <stdint.h>

/* Sets it; returns what was there, for fpenv_leave. */
uint64_t fpenv_enter(void);
void fpenv_leave(uint64_t before);

#endif
