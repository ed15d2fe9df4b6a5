/* vfs.c - the machine's files (vfs.h), and what is built on any. */
#define _GNU_SOURCE /* asprintf */
#include "vfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/instance.h"

/* ---- the machine ------------------------------------------------------------------------------- */

static int result(int returned) { return returned < 0 ? -errno : returned; }

static int machine_open(void *at, const char *path, int flags)
{
	(void)at;
	int how = (flags & VFS_WRITE ? O_RDWR : O_RDONLY) | (flags & VFS_CREATE ? O_CREAT : 0) | (flags & VFS_EXCLUSIVE ? O_EXCL : 0) |
	          (flags & VFS_TRUNCATE ? O_TRUNC : 0) | O_CLOEXEC;
	int fd = flags & VFS_DIRECT ? open(path, how | O_DIRECT, 0666) : -1;
	return fd >= 0 ? fd : result(open(path, how, 0666));
}

static int machine_close(void *at, int handle)
{
	(void)at;
	return result(close(handle));
}

static int64_t machine_pread(void *at, int handle, void *to, size_t n, uint64_t from)
{
	(void)at;
	ssize_t done = pread(handle, to, n, (off_t)from);
	return done < 0 ? -errno : done;
}

/* A disk with other blocks than VFS_DIRECT has in mind, or what is left of a short write. */
static bool go_through_cache(int handle)
{
	int flags = fcntl(handle, F_GETFL);
	return flags >= 0 && (flags & O_DIRECT) && fcntl(handle, F_SETFL, flags & ~O_DIRECT) == 0;
}

static int64_t machine_pwrite(void *at, int handle, const void *bytes, size_t n, uint64_t to)
{
	(void)at;
	ssize_t done = pwrite(handle, bytes, n, (off_t)to);
	if (done < 0 && errno == EINVAL && go_through_cache(handle))
		done = pwrite(handle, bytes, n, (off_t)to);
	return done < 0 ? -errno : done;
}

static int machine_truncate(void *at, int handle, uint64_t size)
{
	(void)at;
	return result(ftruncate(handle, (off_t)size));
}

static int machine_sync(void *at, int handle)
{
	(void)at;
	return result(fdatasync(handle));
}

static void machine_start(void *at, int handle, uint64_t from, uint64_t n)
{
	(void)at;
	sync_file_range(handle, (off_t)from, (off_t)n, SYNC_FILE_RANGE_WRITE);
}

static int64_t machine_size(void *at, int handle)
{
	(void)at;
	struct stat st;
	return fstat(handle, &st) ? -errno : st.st_size;
}

static int machine_lock(void *at, int handle)
{
	(void)at;
	return result(flock(handle, LOCK_EX | LOCK_NB));
}

static int machine_rename(void *at, const char *from, const char *to)
{
	(void)at;
	return result(rename(from, to));
}

static int machine_link(void *at, const char *from, const char *to)
{
	(void)at;
	return result(link(from, to));
}

static int machine_unlink(void *at, const char *path)
{
	(void)at;
	return result(unlink(path));
}

/* A lease for writing is given only to whoever has the only open file of it; whoever opens it then tells the holder, with a signal that
 * nobody hears. */
static int machine_alone(void *at, int handle)
{
	struct stat st;
	(void)at;
	if (fstat(handle, &st) || st.st_nlink != 1 || fcntl(handle, F_SETSIG, SIGURG) || fcntl(handle, F_SETLEASE, F_WRLCK))
		return 0;
	fcntl(handle, F_SETLEASE, F_UNLCK);
	return 1;
}

static int machine_make_folder(void *at, const char *path)
{
	(void)at;
	return result(mkdir(path, 0777));
}

static int machine_sync_folder(void *at, const char *path)
{
	(void)at;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int status = result(fsync(fd));
	close(fd);
	return status == -EINVAL || status == -EROFS ? 0 : status; /* a file system without such a thing has nothing to lose */
}

/* The i-th name in order: the names are few, and a folder may change between two calls. */
static int machine_name(void *at, const char *folder, size_t i, char *to, size_t room)
{
	(void)at;
	struct dirent **names;
	int n = scandir(folder, &names, NULL, alphasort), found = 0;
	if (n < 0)
		return -errno;
	for (int k = 0; k < n; k++) {
		const char *name = names[k]->d_name;
		bool real = strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strlen(name) < room;
		if (real && i-- == 0) {
			strcpy(to, name);
			found = 1;
		}
		free(names[k]);
	}
	free(names);
	return found;
}

static int machine_map(void *at, int handle, size_t n, const void **out)
{
	(void)at;
	void *bytes = mmap(NULL, n, PROT_READ, MAP_SHARED, handle, 0);
	if (bytes == MAP_FAILED)
		return -errno;
	*out = bytes;
	return 0;
}

static void machine_unmap(void *at, const void *bytes, size_t n)
{
	(void)at;
	munmap((void *)(uintptr_t)bytes, n);
}

static int machine_overlay(void *at, int handle, void *to, size_t n, uint64_t from)
{
	(void)at;
	if (mmap(to, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, handle, (off_t)from) == MAP_FAILED)
		return -errno;
	madvise(to, n, MADV_RANDOM); /* a first commit waits for what it changes, not for megabytes around it */
	return 0;
}

static const vfs_ops machine_ops = {
	.open = machine_open, .close = machine_close, .pread = machine_pread, .pwrite = machine_pwrite, .truncate = machine_truncate,
	.sync = machine_sync, .start = machine_start, .size = machine_size, .lock = machine_lock, .rename = machine_rename, .link = machine_link,
	.unlink = machine_unlink, .alone = machine_alone, .make_folder = machine_make_folder, .sync_folder = machine_sync_folder, .name = machine_name,
	.map = machine_map, .unmap = machine_unmap, .overlay = machine_overlay,
};

const vfs vfs_machine = {&machine_ops, NULL};

/* ---- built on any ------------------------------------------------------------------------------ */

int vfs_write_all(const vfs *fs, int handle, const void *bytes, size_t n, uint64_t to)
{
	const uint8_t *from = bytes;
	while (n > 0) {
		int64_t done = fs->ops->pwrite(fs->at, handle, from, n, to);
		if (done == -EINTR)
			continue;
		if (done <= 0)
			return done < 0 ? (int)done : -EIO;
		from += done;
		to += (uint64_t)done;
		n -= (size_t)done;
	}
	return 0;
}

int vfs_read_all(const vfs *fs, int handle, void *to, size_t n, uint64_t from)
{
	uint8_t *at = to;
	while (n > 0) {
		int64_t done = fs->ops->pread(fs->at, handle, at, n, from);
		if (done == -EINTR)
			continue;
		if (done <= 0)
			return done < 0 ? (int)done : -ENODATA;
		at += done;
		from += (uint64_t)done;
		n -= (size_t)done;
	}
	return 0;
}

int vfs_view_handle(const vfs *fs, int handle, vfs_bytes *out)
{
	*out = (vfs_bytes){NULL, 0, false};
	int64_t size = fs->ops->size(fs->at, handle);
	if (size < 0)
		return (int)size;
	out->size = (size_t)size;
	if (size == 0)
		return 0;
	const void *mapped;
	if (fs->ops->map && fs->ops->map(fs->at, handle, out->size, &mapped) == 0) {
		out->data = mapped;
		out->mapped = true;
		return 0;
	}
	uint8_t *data = malloc(out->size);
	int status = data ? vfs_read_all(fs, handle, data, out->size, 0) : -ENOMEM;
	if (status) {
		free(data);
		out->size = 0;
	} else {
		out->data = data;
	}
	return status;
}

int vfs_view(const vfs *fs, const char *path, vfs_bytes *out)
{
	*out = (vfs_bytes){NULL, 0, false};
	int handle = fs->ops->open(fs->at, path, 0);
	if (handle < 0)
		return handle;
	int status = vfs_view_handle(fs, handle, out);
	fs->ops->close(fs->at, handle);
	return status;
}

void vfs_release(const vfs *fs, vfs_bytes *bytes)
{
	if (bytes->mapped)
		fs->ops->unmap(fs->at, bytes->data, bytes->size);
	else
		free((void *)(uintptr_t)bytes->data);
	*bytes = (vfs_bytes){NULL, 0, false};
}

static int write_new(const vfs *fs, const char *path, const void *bytes, size_t n)
{
	int handle = fs->ops->open(fs->at, path, VFS_WRITE | VFS_CREATE | VFS_TRUNCATE);
	if (handle < 0)
		return handle;
	int status = vfs_write_all(fs, handle, bytes, n, 0);
	if (!status)
		status = fs->ops->sync(fs->at, handle);
	int closed = fs->ops->close(fs->at, handle);
	return status ? status : closed;
}

int vfs_replace(const vfs *fs, const char *folder, const char *name, const void *bytes, size_t n)
{
	char *path = vfs_path(folder, name), *beside = NULL;
	if (!path || asprintf(&beside, "%s.new", path) < 0) {
		free(path);
		return -ENOMEM;
	}
	int status = write_new(fs, beside, bytes, n);
	if (!status)
		status = fs->ops->rename(fs->at, beside, path);
	if (status)
		fs->ops->unlink(fs->at, beside);
	else
		status = fs->ops->sync_folder(fs->at, folder);
	free(beside);
	free(path);
	return status;
}

char *vfs_path(const char *folder, const char *name)
{
	char *path;
	return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

int vfs_fail(mmsb_error *err, int error, const char *path, const char *what)
{
	if (error == -ENOMEM)
		return fail(err, MMSB_MEMORY, "%s: cannot be %s: no memory", path, what);
	return fail(err, MMSB_IO, "%s: cannot be %s: %s", path, what, error == -ENODATA ? "it ends too early" : strerror(-error));
}
