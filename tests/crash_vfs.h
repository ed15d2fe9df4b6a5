/* crash_vfs.h - a disk that loses its power (crash_disk.h) under everything that durable state does with files (state/vfs.h). */
#ifndef MMSB_CRASH_VFS_H
#define MMSB_CRASH_VFS_H

#include "state/vfs.h"
#include "tests/crash_disk.h"

/* The disk stays the caller's. */
vfs crash_vfs(disk *);

#endif
