/* cuda_host.h - what device code takes from nvcc, for a C++ compiler of the host: included before the text that mmsbc emit cuda prints. Threads are
 * fibers of fake_cuda.c, one at work at a time, which change places where they wait for one another. */
#ifndef MMSB_CUDA_HOST_H
#define MMSB_CUDA_HOST_H

#include <stdint.h>

typedef struct cuda_host_dim {
	unsigned x, y, z;
} cuda_host_dim;

/* The thread at work, and what it may wait in. */
typedef struct cuda_host {
	cuda_host_dim thread, block, block_size, grid_size;
	unsigned (*ballot)(unsigned members, int predicate);
	void (*sync_block)(void);
	uint64_t (*shuffle)(unsigned members, uint64_t value, unsigned lane);
} cuda_host;

#ifdef __cplusplus

#include <math.h>
#include <string.h>

#define __CUDACC__ 1
#define __device__
#define __global__
#define __forceinline__ inline
#define __shared__ static

extern "C" {
cuda_host *cuda_host_at; /* set by who loads this */
}

#define threadIdx (cuda_host_at->thread)
#define blockIdx (cuda_host_at->block)
#define blockDim (cuda_host_at->block_size)
#define gridDim (cuda_host_at->grid_size)

static inline unsigned __ballot_sync(unsigned members, int predicate) { return cuda_host_at->ballot(members, predicate); }
static inline unsigned __shfl_sync(unsigned members, unsigned value, int lane) { return (unsigned)cuda_host_at->shuffle(members, value, (unsigned)lane); }
static inline unsigned long long __shfl_sync(unsigned members, unsigned long long value, int lane)
{
	return cuda_host_at->shuffle(members, value, (unsigned)lane);
}
static inline int __clzll(long long value) { return value ? __builtin_clzll((unsigned long long)value) : 64; }
static inline int __ffs(int value) { return __builtin_ffs(value); }
static inline void __syncthreads(void) { cuda_host_at->sync_block(); }

static inline unsigned long long atomicMin(unsigned long long *at, unsigned long long value)
{
	unsigned long long was = *at;
	*at = value < was ? value : was;
	return was;
}

static inline unsigned atomicAdd(unsigned *at, unsigned value)
{
	unsigned was = *at;
	*at = was + value;
	return was;
}

static inline unsigned atomicOr(unsigned *at, unsigned value)
{
	unsigned was = *at;
	*at = was | value;
	return was;
}

static inline int __popc(unsigned value) { return __builtin_popcount(value); }

static inline double __fma_rn(double a, double b, double c) { return __builtin_fma(a, b, c); }
static inline float __fmaf_rn(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
static inline double __dsqrt_rn(double a) { return __builtin_sqrt(a); }
static inline float __fsqrt_rn(float a) { return __builtin_sqrtf(a); }

#endif
#endif
