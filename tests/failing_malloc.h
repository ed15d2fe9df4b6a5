/* failing_malloc.h: allocators of a test program that count, and fail when the test says so; include it in one file. A sanitizer has an allocator
 * of its own: then HAS_OWN_ALLOCATOR is defined, and nothing fails. */
#ifndef MMSB_TESTS_FAILING_MALLOC_H
#define MMSB_TESTS_FAILING_MALLOC_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_OWN_ALLOCATOR 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define HAS_OWN_ALLOCATOR 1
#endif
#endif

#define FOR_ANY_USE static __attribute__((unused)) /* by a program that leaves itself out under a sanitizer, none */
FOR_ANY_USE long left; /* allocations until one fails; 0: none does */
FOR_ANY_USE int failed_one;
FOR_ANY_USE long held; /* allocations less frees */
FOR_ANY_USE _Thread_local long allocated; /* allocations asked for, by this thread */

#ifndef HAS_OWN_ALLOCATOR
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static int now(void)
{
	allocated++;
	if (left == 0 || --left > 0)
		return 0;
	failed_one = 1;
	errno = ENOMEM;
	return 1;
}

static void *count(void *at)
{
	held += at != NULL;
	return at;
}

void *malloc(size_t n) { return now() ? NULL : count(__libc_malloc(n)); }
void *calloc(size_t n, size_t size) { return now() ? NULL : count(__libc_calloc(n, size)); }
void *aligned_alloc(size_t to, size_t n) { return now() ? NULL : count(__libc_memalign(to, n)); }

int posix_memalign(void **at, size_t to, size_t n)
{
	*at = now() ? NULL : count(__libc_memalign(to, n));
	return *at == NULL ? ENOMEM : 0;
}

void *mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
	if (!now())
		return (void *)(uintptr_t)syscall(SYS_mmap, at, n, protection, flags, fd, offset);
	return MAP_FAILED;
}

void *realloc(void *at, size_t n)
{
	if (now())
		return NULL;
	void *to = __libc_realloc(at, n);
	return at == NULL ? count(to) : to;
}

void free(void *at)
{
	held -= at != NULL;
	__libc_free(at);
}
#endif

#endif
