/* view.h - where a read under a view finds the element at position i of a dimension, extent > 0: the text of it for the portable executor,
 * its kernels, and device code (scalar.h says what these share). */
#ifndef MMSB_VIEW_H
#define MMSB_VIEW_H

#include "scalar.h"

MMSB_FN int64_t mmsb_view_clamp(int64_t i, int64_t extent) { return i < 0 ? 0 : i < extent ? i : extent - 1; }

MMSB_FN int64_t mmsb_view_wrap(int64_t i, int64_t extent)
{
	if ((uint64_t)i < (uint64_t)extent)
		return i;
	int64_t m = i % extent;
	return m < 0 ? m + extent : m;
}

/* ... 2 1 0 1 2 ... n-2 n-1 n-2 ... */
MMSB_FN int64_t mmsb_view_mirror(int64_t i, int64_t extent)
{
	if ((uint64_t)i < (uint64_t)extent)
		return i;
	if (extent == 1)
		return 0;
	uint64_t period = 2 * ((uint64_t)extent - 1);
	uint64_t m = (i < 0 ? 0 - (uint64_t)i : (uint64_t)i) % period; /* symmetric about 0 */
	return (int64_t)(m < (uint64_t)extent ? m : period - m);
}

#endif
