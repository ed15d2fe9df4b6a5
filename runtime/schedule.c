/* schedule.c - opens compiled programs: the mmsb_schedule_ functions of mmsb.h. */
#include "schedule.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "container.h"
#include "instance.h"
#include "native.h"

int mmsb_schedule_load(mmsb_schedule **out, const void *bytes, size_t n, mmsb_error *err)
{
	*out = NULL;
	mmsb_schedule *s = calloc(1, sizeof *s);
	if (!s)
		return fail_memory(err, sizeof *s, "a schedule");
	int status = schedule_read(&s->tables, bytes, n, err);
	if (!status && pthread_mutex_init(&s->native_lock, NULL)) {
		free(s->tables.memory);
		status = fail_memory(err, sizeof s->native_lock, "the lock of a schedule");
	}
	if (status) {
		free(s);
		return status;
	}
	s->references = 1;
	*out = s;
	return MMSB_OK;
}

int mmsb_schedule_linked(mmsb_schedule **out, const void *bytes, size_t n, const mmsb_native_level *levels, size_t n_levels, uint32_t abi,
                         mmsb_error *err)
{
	int status = mmsb_schedule_load(out, bytes, n, err);
	if (status)
		return status;
	(*out)->native.linked = levels;
	(*out)->native.n_linked = n_levels;
	(*out)->native.linked_abi = abi;
	return MMSB_OK;
}

/* Reads n bytes; a file that became shorter meanwhile is an error. */
static int read_all(int fd, uint8_t *bytes, size_t n, const char *path, mmsb_error *err)
{
	for (size_t at = 0; at < n;) {
		ssize_t got = read(fd, bytes + at, n - at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail(err, MMSB_IO, "%s: cannot be read: %s", path, strerror(errno));
		if (got == 0)
			return fail(err, MMSB_IO, "%s: ends after %zu of %zu bytes", path, at, n);
		at += (size_t)got;
	}
	return MMSB_OK;
}

static int load_file(mmsb_schedule **out, int fd, const char *path, mmsb_error *err)
{
	struct stat st;
	if (fstat(fd, &st))
		return fail(err, MMSB_IO, "%s: cannot be read: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fail(err, MMSB_IO, "%s: is no regular file", path);
	size_t n = (size_t)st.st_size;
	uint8_t *bytes = malloc(n + 1);
	if (!bytes)
		return fail_memory(err, n, path);
	int status = read_all(fd, bytes, n, path, err);
	mmsb_error inner;
	if (!status) {
		status = mmsb_schedule_load(out, bytes, n, &inner);
		if (status)
			fail(err, status, "%s: %s", path, inner.message);
	}
	free(bytes);
	return status;
}

int mmsb_schedule_open(mmsb_schedule **out, const char *path, mmsb_error *err)
{
	*out = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(err, MMSB_IO, "%s: cannot be opened: %s", path, strerror(errno));
	int status = load_file(out, fd, path, err);
	close(fd);
	return status;
}

void schedule_retain(mmsb_schedule *s)
{
	__atomic_add_fetch(&s->references, 1, __ATOMIC_RELAXED);
}

void mmsb_schedule_close(mmsb_schedule *s)
{
	if (!s || __atomic_sub_fetch(&s->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	native_detach(s);
	free(s->device_image);
	pthread_mutex_destroy(&s->native_lock);
	free(s->tables.memory);
	free(s);
}
