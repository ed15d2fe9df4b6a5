/* fpenv.c - a program that embeds us, or a library that it loads, may have switched denormals off or rounding elsewhere. */
#include "fpenv.h"

#if defined(__SSE2__)
#include <xmmintrin.h>

enum { MXCSR_DEFAULT = 0x1f80 }; /* all exceptions masked, to nearest, neither flush-to-zero nor denormals-are-zero */

uint64_t fpenv_enter(void)
{
	uint64_t before = _mm_getcsr();
	_mm_setcsr(MXCSR_DEFAULT);
	return before;
}

void fpenv_leave(uint64_t before) { _mm_setcsr((unsigned)before); }

#elif defined(__aarch64__)

uint64_t fpenv_enter(void)
{
	uint64_t before;
	__asm__ volatile("mrs %0, fpcr" : "=r"(before));
	__asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)0));
	return before;
}

void fpenv_leave(uint64_t before) { __asm__ volatile("msr fpcr, %0" : : "r"(before)); }

#else
#include <fenv.h>

uint64_t fpenv_enter(void)
{
	int before = fegetround();
	fesetround(FE_TONEAREST);
	return (uint64_t)before;
}

void fpenv_leave(uint64_t before) { fesetround((int)before); }

#endif
