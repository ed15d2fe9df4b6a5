/* crash_vfs.c - see crash_vfs.h. */
#include "tests/crash_vfs.h"

_Static_assert((int)VFS_WRITE == DISK_WRITE && (int)VFS_CREATE == DISK_CREATE && (int)VFS_EXCLUSIVE == DISK_EXCLUSIVE &&
               (int)VFS_TRUNCATE == DISK_TRUNCATE && !(VFS_DIRECT & DISK_APPEND), "flags of the one are those of the other");

static int on_open(void *at, const char *path, int flags) { return disk_open(at, path, flags); }
static int on_close(void *at, int handle) { return disk_close(at, handle); }
static int64_t on_pread(void *at, int handle, void *to, size_t n, uint64_t from) { return disk_pread(at, handle, to, n, from); }
static int64_t on_pwrite(void *at, int handle, const void *bytes, size_t n, uint64_t to) { return disk_pwrite(at, handle, bytes, n, to); }
static int on_truncate(void *at, int handle, uint64_t size) { return disk_truncate(at, handle, size); }
static int on_sync(void *at, int handle) { return disk_sync(at, handle); }
static int64_t on_size(void *at, int handle) { return disk_size(at, handle); }
static int on_lock(void *at, int handle) { return disk_lock(at, handle); }
static int on_rename(void *at, const char *from, const char *to) { return disk_rename(at, from, to); }
static int on_link(void *at, const char *from, const char *to) { return disk_link(at, from, to); }
static int on_unlink(void *at, const char *path) { return disk_unlink(at, path); }
static int on_alone(void *at, int handle) { return disk_alone(at, handle); }
static int on_make_folder(void *at, const char *path) { return disk_make_folder(at, path); }
static int on_sync_folder(void *at, const char *path) { return disk_sync_folder(at, path); }

static int on_name(void *at, const char *folder, size_t i, char *to, size_t room)
{
	return disk_copy_name(at, folder, i, to, room);
}

vfs crash_vfs(disk *d)
{
	static const vfs_ops ops = {
		.open = on_open, .close = on_close, .pread = on_pread, .pwrite = on_pwrite, .truncate = on_truncate, .sync = on_sync,
		.size = on_size, .lock = on_lock, .rename = on_rename, .link = on_link, .unlink = on_unlink, .alone = on_alone, .make_folder = on_make_folder,
		.sync_folder = on_sync_folder, .name = on_name,
	};
	return (vfs){&ops, d};
}
