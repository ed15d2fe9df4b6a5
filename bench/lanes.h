/* lanes.h - a loop none of whose iterations waits for another, for rivals that are to be vectorised. */
#ifndef MMSB_BENCH_LANES_H
#define MMSB_BENCH_LANES_H

#ifdef __clang__
#define LANES _Pragma("clang loop vectorize(assume_safety)")
#else
#define LANES _Pragma("GCC ivdep")
#endif

#endif
