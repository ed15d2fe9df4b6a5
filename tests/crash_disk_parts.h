/* crash_disk_parts.h - what crash_disk.c and crash_disk_power.c share. */
#ifndef MMSB_CRASH_DISK_PARTS_H
#define MMSB_CRASH_DISK_PARTS_H

#include <pthread.h>

#include "tests/crash_disk.h"

enum { SECTOR = 512, MOST_HANDLES = 256, ROOM = 64 };

typedef struct bytes {
	uint8_t *at;
	size_t n, capacity;
} bytes;

/* A write or a new length since the last sync. */
typedef struct change {
	bool length;
	uint64_t at, n; /* length: n is the new one */
	uint8_t *data;
} change;

/* Lives as long as the disk, names or not. */
typedef struct file {
	bytes now, sure;
	change *changes;
	size_t n_changes, room;
	bool locked, folder;
} file;

typedef struct name {
	char *path;
	int file; /* -1: none */
} name;

typedef struct names {
	name *v;
	size_t n, room;
} names;

/* A change of names since the last sync of the folder: one, or the two of a rename, together. */
typedef struct naming {
	name set[2];
	int n;
} naming;

typedef struct handle {
	int file; /* -1: closed */
	uint64_t at;
	bool append;
} handle;

struct disk {
	pthread_mutex_t lock;
	file *files;
	int n_files;
	names now, sure;
	naming *namings;
	size_t n_namings;
	handle handles[MOST_HANDLES];
	disk_event event;
	uint64_t at, operations, state;
	bool happened, off, full;
	char *told; /* the last answer of disk_name */
};

void *need(void *p);
uint64_t draw(uint64_t *state);
void bytes_length(bytes *b, size_t n);
void bytes_put(bytes *b, uint64_t at, const void *from, size_t n);
void bytes_copy(bytes *to, const bytes *from);
int names_file(names *s, const char *path);
void names_set(names *s, const char *path, int f);
void names_copy(names *to, const names *from);
void changes_forget(file *f);
void namings_forget(disk *d);

#endif
