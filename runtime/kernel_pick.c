/* kernel_pick.c - which level of the kernels this machine runs. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "course.h"
#include "kernels.h"

extern const kernel_table kernel_table_base;
extern const course_kernels course_kernels_base;
#ifdef HAVE_KERNEL_LEVELS
extern const kernel_table kernel_table_v3, kernel_table_v4;
extern const course_kernels course_kernels_v3, course_kernels_v4;

static bool runs_v3(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
	       __builtin_cpu_supports("bmi2");
}

static bool runs_v4(void)
{
	return runs_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
#endif

const kernel_table *kernel_table_level(const char *level)
{
#ifdef HAVE_KERNEL_LEVELS
	__builtin_cpu_init();
	if (strcmp(level, "v4") == 0)
		return runs_v4() ? &kernel_table_v4 : NULL;
	if (strcmp(level, "v3") == 0)
		return runs_v3() ? &kernel_table_v3 : NULL;
#endif
	return strcmp(level, "base") == 0 ? &kernel_table_base : NULL;
}

const kernel_table *kernel_table_pick(void)
{
	const char *wanted = getenv("MMSB_CPU");
	const kernel_table *best = wanted ? kernel_table_level(wanted) : NULL;
	if (!best)
		best = kernel_table_level("v4");
	if (!best)
		best = kernel_table_level("v3");
	return best ? best : &kernel_table_base;
}

const course_kernels *course_kernels_of(const kernel_table *k)
{
#ifdef HAVE_KERNEL_LEVELS
	if (k == &kernel_table_v4)
		return &course_kernels_v4;
	if (k == &kernel_table_v3)
		return &course_kernels_v3;
#endif
	(void)k;
	return &course_kernels_base;
}
