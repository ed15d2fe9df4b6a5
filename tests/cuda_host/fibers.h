/* fibers.h - a grid of threads on one thread of the host. */
#ifndef MMSB_TESTS_FIBERS_H
#define MMSB_TESTS_FIBERS_H

#include <stdint.h>

#include "cuda_host.h"

typedef void fiber_kernel(const void *argument);

/* Runs all threads of a grid, block by block. order: 0: threads by number; 1: the last ones first; else a seed: at random, anew whenever threads
 * may go on. NULL, or what the kernel does wrong. */
const char *fibers_run(fiber_kernel *, const void *argument, unsigned grid, unsigned block, uint64_t order);

/* What the kernels' cuda_host_at is to point to. */
cuda_host *fibers_host(void);

#endif
