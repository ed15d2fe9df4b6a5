/*
 * elementary.c: nanoseconds per element of the elementary functions in a loop that the compiler vectorises, beside
 * glibc's libmvec on the same numbers. Built by hand, for the level and compiler to be measured:
 *
 *   gcc -O3 -ffp-contract=off -fno-math-errno -fno-trapping-math -march=x86-64-v3 -I. bench/elementary.c -lmvec -lm
 *   (for -march=x86-64-v4 add -mprefer-vector-width=512)
 */
#include <immintrin.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "lanes.h"
#include "runtime/elementary.h"

#ifdef __AVX512F__
typedef __m512d vector_f64;
typedef __m512 vector_f32;
#define MV_F64_1(name) _ZGVeN8v_##name
#define MV_F64_2(name) _ZGVeN8vv_##name
#define MV_F32_1(name) _ZGVeN16v_##name##f
#define MV_F32_2(name) _ZGVeN16vv_##name##f
#define LOAD_F64 _mm512_load_pd
#define LOAD_F32 _mm512_load_ps
#define STORE_F64 _mm512_store_pd
#define STORE_F32 _mm512_store_ps
#else
typedef __m256d vector_f64;
typedef __m256 vector_f32;
#define MV_F64_1(name) _ZGVdN4v_##name
#define MV_F64_2(name) _ZGVdN4vv_##name
#define MV_F32_1(name) _ZGVdN8v_##name##f
#define MV_F32_2(name) _ZGVdN8vv_##name##f
#define LOAD_F64 _mm256_load_pd
#define LOAD_F32 _mm256_load_ps
#define STORE_F64 _mm256_store_pd
#define STORE_F32 _mm256_store_ps
#endif

enum { COUNT = 2048 };

_Alignas(64) double x_f64[COUNT], y_f64[COUNT], r_f64[COUNT];
_Alignas(64) float x_f32[COUNT], y_f32[COUNT], r_f32[COUNT];

#define STEP(T) ((int)(sizeof(vector_##T) / sizeof(x_##T[0])))

#define OURS(T, name, function, ...)                                                                                   \
	__attribute__((noinline)) void ours_##name##_##T(void)                                                         \
	{                                                                                                              \
		LANES for (int i = 0; i < COUNT; i++) r_##T[i] = mmsb_##function##_##T(__VA_ARGS__);                   \
	}
#define THEIRS_1(T, MV, name, L, S)                                                                                    \
	vector_##T MV(name)(vector_##T);                                                                               \
	__attribute__((noinline)) void theirs_##name##_##T(void)                                                       \
	{                                                                                                              \
		for (int i = 0; i < COUNT; i += STEP(T))                                                               \
			S(r_##T + i, MV(name)(L(x_##T + i)));                                                          \
	}
#define THEIRS_2(T, MV, name, L, S)                                                                                    \
	vector_##T MV(name)(vector_##T, vector_##T);                                                                   \
	__attribute__((noinline)) void theirs_##name##_##T(void)                                                       \
	{                                                                                                              \
		for (int i = 0; i < COUNT; i += STEP(T))                                                               \
			S(r_##T + i, MV(name)(L(x_##T + i), L(y_##T + i)));                                            \
	}
#define ONE(name)                                                                                                      \
	OURS(f64, name, name, x_f64[i])                                                                                \
	OURS(f32, name, name, x_f32[i])                                                                                \
	THEIRS_1(f64, MV_F64_1, name, LOAD_F64, STORE_F64)                                                             \
	THEIRS_1(f32, MV_F32_1, name, LOAD_F32, STORE_F32)
#define TWO(name)                                                                                                      \
	OURS(f64, name, name, x_f64[i], y_f64[i])                                                                      \
	OURS(f32, name, name, x_f32[i], y_f32[i])                                                                      \
	THEIRS_2(f64, MV_F64_2, name, LOAD_F64, STORE_F64)                                                             \
	THEIRS_2(f32, MV_F32_2, name, LOAD_F32, STORE_F32)
#define SMALL(name)                                                                                                    \
	OURS(f64, name##_small, name##_small, x_f64[i])                                                                \
	OURS(f32, name##_small, name##_small, x_f32[i])

/* clang-format off */
ONE(exp) ONE(log) ONE(sin) ONE(cos) ONE(tan) ONE(asin) ONE(acos) ONE(atan) ONE(sinh) ONE(cosh) ONE(tanh) ONE(erf)
TWO(pow) TWO(atan2) SMALL(sin) SMALL(cos) SMALL(tan)
OURS(f64, normcdf, normcdf, x_f64[i]) OURS(f32, normcdf, normcdf, x_f32[i])

typedef struct {
	const char *name;
	double low, high;
	void (*ours_f64)(void), (*theirs_f64)(void), (*ours_f32)(void), (*theirs_f32)(void);
} row;

#define ROW(name, low, high) {#name, low, high, ours_##name##_f64, theirs_##name##_f64, ours_##name##_f32, theirs_##name##_f32}
#define ROW_SMALL(name, low, high)                                                                                     \
	{#name "_small", low, high, ours_##name##_small_f64, theirs_##name##_f64, ours_##name##_small_f32, theirs_##name##_f32}

static const row rows[] = {
	ROW(exp, -50, 50), ROW(log, 0.001, 100), ROW(pow, 0.1, 10), ROW(sin, -100, 100), ROW_SMALL(sin, -100, 100),
	ROW(cos, -100, 100), ROW_SMALL(cos, -100, 100), ROW(tan, -100, 100), ROW_SMALL(tan, -100, 100), ROW(asin, -1, 1),
	ROW(acos, -1, 1), ROW(atan, -10, 10), ROW(atan2, -5, 5), ROW(sinh, -10, 10), ROW(cosh, -10, 10), ROW(tanh, -5, 5),
	ROW(erf, -4, 4), {"normcdf", -8, 8, ours_normcdf_f64, NULL, ours_normcdf_f32, NULL},
};
/* clang-format on */

/* The best of 60 rounds. */
static double nanoseconds(void (*loop)(void))
{
	double best = 1e9;
	for (int round = 0; round < 60; round++) {
		struct timespec a, b;
		clock_gettime(CLOCK_MONOTONIC, &a);
		for (int i = 0; i < 5; i++)
			loop();
		clock_gettime(CLOCK_MONOTONIC, &b);
		double t = ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / (5.0 * COUNT);
		best = t < best ? t : best;
	}
	return best;
}

static void print(void (*ours)(void), void (*theirs)(void))
{
	double a = nanoseconds(ours);
	if (theirs) {
		double b = nanoseconds(theirs);
		printf(" | %.2f | %.2f | %.2f", a, b, a / b);
	} else {
		printf(" | %.2f | |", a);
	}
}

int main(void)
{
	uint64_t state = 1;
	printf("| ns per element | f64 | libmvec | ratio | f32 | libmvec | ratio |\n|---|---|---|---|---|---|---|\n");
	for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
		const row *r = &rows[k];
		for (int i = 0; i < COUNT; i++) {
			state = state * 6364136223846793005u + 1442695040888963407u;
			x_f64[i] = r->low + (r->high - r->low) * ((double)(state >> 11) * 0x1p-53);
			x_f32[i] = (float)x_f64[i];
			y_f64[i] = 10.0 * ((double)(state >> 20 & 0xffffu) * 0x1p-16) - 5.0;
			y_f32[i] = (float)y_f64[i];
		}
		printf("| %s", r->name);
		print(r->ours_f64, r->theirs_f64);
		print(r->ours_f32, r->theirs_f32);
		printf(" |\n");
	}
	return 0;
}
