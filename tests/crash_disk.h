/* crash_disk.h - a disk in memory that can lose its power at any operation, and says what such a disk may then hold.
 *
 * A file has the bytes that a read sees and those that a sync has made sure of; between them lie the writes not synced yet. Likewise the names:
 * what was created, renamed or unlinked is sure when the folder was synced. At the operation that `disk_plan` names something happens; operations
 * are what changes the disk: create, write, truncate, allocate, sync, rename, link, unlink, make a folder, sync of a folder. Folders right under
 * the root are there from the beginning; others are made, and a cut may take them with all that is in them. Safe for several threads. */
#ifndef MMSB_CRASH_DISK_H
#define MMSB_CRASH_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum disk_event {
	DISK_NOTHING,
	DISK_STOPS,       /* the machine: this operation is begun and nothing after it happens; all calls fail */
	DISK_EIO,         /* this operation fails, alone */
	DISK_FULL,        /* from this operation on there is no room */
	DISK_SHORT,       /* this write takes a part of its bytes and says so */
	DISK_SYNC_FAILS,  /* the next sync from here fails, and what it should have made sure of is gone; later syncs know nothing of it */
	DISK_EVENTS
} disk_event;

typedef struct disk disk;

disk *disk_new(void);
void disk_free(disk *);
void disk_plan(disk *, disk_event, uint64_t at_operation, uint64_t seed);
uint64_t disk_operations(disk *);  /* done since the plan was made */
bool disk_happened(disk *);        /* what was planned */

/* The power goes, and comes back: of what was not synced, the seed chooses what is there. All handles and locks are gone. */
void disk_power_cycle(disk *, uint64_t seed);
disk *disk_copy(disk *);           /* with nothing open and nothing planned */

/* Calls: 0 or a count, or a negative errno. A handle is a small number from 0. */
enum { DISK_WRITE = 1, DISK_CREATE = 2, DISK_EXCLUSIVE = 4, DISK_TRUNCATE = 8, DISK_APPEND = 16 };
int disk_open(disk *, const char *path, int flags);
int disk_close(disk *, int handle);
int64_t disk_pread(disk *, int handle, void *to, size_t n, uint64_t at);
int64_t disk_pwrite(disk *, int handle, const void *from, size_t n, uint64_t at);
int64_t disk_write(disk *, int handle, const void *from, size_t n);  /* at the handle's place, which moves */
int disk_truncate(disk *, int handle, uint64_t size);
int disk_allocate(disk *, int handle, uint64_t at, uint64_t n);      /* the file is at least so long; zeros */
int disk_sync(disk *, int handle);
int64_t disk_size(disk *, int handle);
int64_t disk_path_size(disk *, const char *path);
int disk_rename(disk *, const char *from, const char *to);
int disk_link(disk *, const char *from, const char *to);
int disk_unlink(disk *, const char *path);
int disk_alone(disk *, int handle);  /* 1: its file has one name, and no other handle */
int disk_make_folder(disk *, const char *path);
int disk_sync_folder(disk *, const char *path);
int disk_lock(disk *, int handle);   /* -EWOULDBLOCK: it is locked */
/* The n-th name of a folder, in order, without the folder; NULL: there are no more. Valid until the next change. */
const char *disk_name(disk *, const char *folder, size_t n);
int disk_copy_name(disk *, const char *folder, size_t n, char *to, size_t room); /* 1: there was one */
/* A file from the machine's own disk, or to it: whole, durable. */
bool disk_import(disk *, const char *path, const void *bytes, size_t n);

#endif
