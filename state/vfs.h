/* vfs.h - the operations on files that durable state is made of, as one table: the machine's (vfs.c), or a disk of the tests that fails or
 * loses its power (tests/crash_disk.h). Everything that must survive goes through it. Internal.
 *
 * Calls return 0, a count or a handle, or a negative errno. Handles are small numbers from 0 on. All may be called from any thread. */
#ifndef MMSB_VFS_H
#define MMSB_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/mmsb.h"

/* VFS_DIRECT: writes go past the cache of files where they can; a hint, for writes of whole blocks of 4 KiB from memory that is aligned so. */
enum { VFS_WRITE = 1, VFS_CREATE = 2, VFS_EXCLUSIVE = 4, VFS_TRUNCATE = 8, VFS_DIRECT = 32 };

typedef struct vfs_ops {
	int (*open)(void *at, const char *path, int flags);
	int (*close)(void *at, int handle);
	int64_t (*pread)(void *at, int handle, void *to, size_t n, uint64_t from);
	int64_t (*pwrite)(void *at, int handle, const void *bytes, size_t n, uint64_t to);
	int (*truncate)(void *at, int handle, uint64_t size);
	int (*sync)(void *at, int handle);                     /* data, and what of the file's description is needed to read it */
	/* The disk is to begin with these bytes, which were written, so that less is left for a sync, which is needed all the same. NULL: nothing is
	 * begun. */
	void (*start)(void *at, int handle, uint64_t from, uint64_t n);
	int64_t (*size)(void *at, int handle);
	int (*lock)(void *at, int handle);                     /* -EWOULDBLOCK: another open file holds it; goes with the handle */
	int (*rename)(void *at, const char *from, const char *to);
	int (*link)(void *at, const char *from, const char *to); /* one file under two names; where that cannot be: -EXDEV or another */
	int (*unlink)(void *at, const char *path);
	int (*alone)(void *at, int handle);                    /* 1: no other handle or mapping is of the file, nor a second name; 0: that is not
	                                                          known. NULL: it never is */
	int (*make_folder)(void *at, const char *path);        /* -EEXIST is no failure to most callers */
	int (*sync_folder)(void *at, const char *path);        /* names made, renamed and removed in it are there after a crash */
	int (*name)(void *at, const char *folder, size_t i, char *to, size_t room); /* the i-th name of a folder, sorted, without . and ..;
	                                                                                1: there was one; 0: there are no more */
	/* The bytes of a file from its start, read-only: NULL where a disk has no such thing, and vfs_view reads them. */
	int (*map)(void *at, int handle, size_t n, const void **out);
	void (*unmap)(void *at, const void *bytes, size_t n);
	/* Puts bytes of a file over whole pages of memory: read when they are first looked at, the caller's own once they are written to. NULL
	 * likewise. */
	int (*overlay)(void *at, int handle, void *to, size_t n, uint64_t from);
} vfs_ops;

typedef struct vfs {
	const vfs_ops *ops;
	void *at;
} vfs;

extern const vfs vfs_machine;

/* Writes or reads all n bytes; a short count is tried again from where it stopped. 0, or a negative errno (-ENODATA: the file ends). */
int vfs_write_all(const vfs *, int handle, const void *bytes, size_t n, uint64_t to);
int vfs_read_all(const vfs *, int handle, void *to, size_t n, uint64_t from);

/* A whole file, mapped or read. */
typedef struct vfs_bytes {
	const uint8_t *data;
	size_t size;
	bool mapped;
} vfs_bytes;

int vfs_view(const vfs *, const char *path, vfs_bytes *out);
int vfs_view_handle(const vfs *, int handle, vfs_bytes *out); /* of a file that is open, and may be closed then */
void vfs_release(const vfs *, vfs_bytes *);

/* A whole small file: written beside the name, synced, renamed, the folder synced; so that the name has the old bytes or the new. */
int vfs_replace(const vfs *, const char *folder, const char *name, const void *bytes, size_t n);

/* "folder/name" from malloc; NULL: no memory. */
char *vfs_path(const char *folder, const char *name);

/* Fills err in for a negative errno: "PATH: cannot be WHAT: reason"; MMSB_IO, or MMSB_MEMORY for -ENOMEM. Returns the status. */
int vfs_fail(mmsb_error *err, int error, const char *path, const char *what);

#endif
