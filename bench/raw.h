/* raw.h - what durable state is measured against in C: the same bytes with the same checksums, written and synced without an engine. */
#ifndef MMSB_RAW_H
#define MMSB_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file that has its length before anything is timed. */
typedef struct raw_log {
	int fd;
	uint8_t *buffer;
	size_t at, room;
	uint64_t end;
} raw_log;

/* written: its blocks hold zeros already, so that a sync has nothing to say of them but their bytes; else they are allocated only. */
void raw_open(raw_log *, const char *path, uint64_t bytes, bool written);
/* Room for so many bytes behind what was appended, of which they become part. */
uint8_t *raw_take(raw_log *, size_t bytes);
/* One record: a head of 16 bytes, the payload, XXH3-64 of both. */
void raw_append(raw_log *, uint64_t number, const void *payload, size_t bytes);
void raw_write(raw_log *);           /* what was appended goes to the system */
void raw_sync(raw_log *);            /* ... and to the disk */
void raw_close(raw_log *);
size_t raw_record_bytes(size_t payload);

double raw_sync_ns(const char *path, int times);             /* median of write of 4 KiB and fdatasync in place */
double raw_file_ns(const char *path, const void *data, size_t bytes); /* a new file: write, fsync */
double raw_map_ns(const char *path, size_t bytes);           /* mmap, one byte of each 4 KiB read */

#endif
