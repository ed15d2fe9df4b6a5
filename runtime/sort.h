/* sort.h - sorting of records by a number in them, in memory that the caller keeps: qsort may call the allocator. Internal. */
#ifndef MMSB_SORT_H
#define MMSB_SORT_H

#include <stddef.h>
#include <string.h>

enum { SORT_RUN = 8 };

/* void name(type *items, type *scratch, size_t n): ascending by items[].key; equal ones stay in their order. scratch has room for n. */
#define DEFINE_SORT(name, type)                                                              \
	static void name##_runs(type *items, size_t n)                                       \
	{                                                                                    \
		for (size_t i = 1; i < n; i++) {                                             \
			type item = items[i];                                                \
			size_t to = i;                                                       \
			for (; to % SORT_RUN && items[to - 1].key > item.key; to--)          \
				items[to] = items[to - 1];                                   \
			items[to] = item;                                                    \
		}                                                                            \
	}                                                                                    \
	static void name##_merge(const type *from, type *to, size_t n, size_t run)           \
	{                                                                                    \
		for (size_t first = 0; first < n; first += 2 * run) {                        \
			size_t mid = first + run < n ? first + run : n;                      \
			size_t end = mid + run < n ? mid + run : n, a = first, b = mid;      \
			for (size_t i = first; i < end; i++)                                 \
				to[i] = b == end || (a < mid && from[a].key <= from[b].key)  \
				                ? from[a++] : from[b++];                     \
		}                                                                            \
	}                                                                                    \
	static void name(type *items, type *scratch, size_t n)                               \
	{                                                                                    \
		type *from = items, *to = scratch;                                           \
		name##_runs(items, n);                                                       \
		for (size_t run = SORT_RUN; run < n; run *= 2) {                             \
			name##_merge(from, to, n, run);                                      \
			type *swap = from;                                                   \
			from = to;                                                           \
			to = swap;                                                           \
		}                                                                            \
		if (from != items)                                                           \
			memcpy(items, from, n * sizeof *items);                              \
	}

#endif
