/* prelude.cu - what device code begins with, before scalar.h: the integers, where no header has them. */
#ifdef __CUDACC_RTC__
typedef signed char int8_t;
typedef unsigned char uint8_t;
typedef short int16_t;
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long long int64_t;
typedef unsigned long long uint64_t;
#define INT8_MIN (-128)
#define INT8_MAX 127
#define UINT8_MAX 255
#define INT16_MIN (-32768)
#define INT16_MAX 32767
#define UINT16_MAX 65535
#define INT32_MIN (-2147483647 - 1)
#define INT32_MAX 2147483647
#define UINT32_MAX 4294967295u
#define INT64_MIN (-9223372036854775807ll - 1)
#define INT64_MAX 9223372036854775807ll
#define UINT64_MAX 18446744073709551615ull
#define UINT32_C(x) x##u
#define UINT64_C(x) x##ull
#else
#include <stdint.h>
#include <string.h>
#endif
#if defined __CUDACC_RTC__ || defined __NVCC__
#pragma nv_diag_suppress 177 /* a program uses few of the functions */
#endif
