/* raw.c - see raw.h. */
#define XXH_INLINE_ALL
#include "raw.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "bench.h"

enum { HEAD = 16, TAIL = 8, FIRST_ROOM = 1 << 20, SYNC_BYTES = 4096 };

static void put(int fd, const void *from, size_t n, uint64_t at)
{
	for (size_t done = 0; done < n;) {
		ssize_t k = pwrite(fd, (const char *)from + done, n - done, (off_t)(at + done));
		if (k <= 0)
			bench_stop("a file cannot be written");
		done += (size_t)k;
	}
}

static int make(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (fd < 0)
		bench_stop("a file cannot be created");
	return fd;
}

static void sync_data(int fd)
{
	if (fdatasync(fd))
		bench_stop("a file cannot be synced");
}

void raw_open(raw_log *r, const char *path, uint64_t bytes, bool written)
{
	*r = (raw_log){.fd = make(path), .room = FIRST_ROOM};
	r->buffer = bench_alloc(r->room, 1);
	if (posix_fallocate(r->fd, 0, (off_t)bytes))
		bench_stop("there is no room for a file");
	for (uint64_t at = 0; written && at < bytes; at += r->room)
		put(r->fd, r->buffer, bytes - at < r->room ? (size_t)(bytes - at) : r->room, at);
	if (fsync(r->fd))
		bench_stop("a file cannot be synced");
}

size_t raw_record_bytes(size_t payload) { return HEAD + payload + TAIL; }

uint8_t *raw_take(raw_log *r, size_t bytes)
{
	if (r->at + bytes > r->room) {
		r->room = 2 * (r->room + bytes);
		r->buffer = realloc(r->buffer, r->room);
		if (!r->buffer)
			bench_stop("out of memory");
	}
	uint8_t *to = r->buffer + r->at;
	r->at += bytes;
	return to;
}

void raw_append(raw_log *r, uint64_t number, const void *payload, size_t bytes)
{
	uint8_t *to = raw_take(r, raw_record_bytes(bytes));
	uint64_t length = bytes;
	memcpy(to, &length, 8);
	memcpy(to + 8, &number, 8);
	memcpy(to + HEAD, payload, bytes);
	uint64_t hash = XXH3_64bits(to, HEAD + bytes);
	memcpy(to + HEAD + bytes, &hash, TAIL);
}

void raw_write(raw_log *r)
{
	put(r->fd, r->buffer, r->at, r->end);
	r->end += r->at;
	r->at = 0;
}

void raw_sync(raw_log *r)
{
	raw_write(r);
	sync_data(r->fd);
}

void raw_close(raw_log *r)
{
	close(r->fd);
	free(r->buffer);
}

double raw_sync_ns(const char *path, int times)
{
	static const char block[SYNC_BYTES] = {1};
	samples s = {0};
	int fd = make(path);
	for (int i = -1; i < times; i++) {
		double start = bench_ns();
		put(fd, block, sizeof block, 0);
		sync_data(fd);
		if (i >= 0)
			samples_add(&s, bench_ns() - start);
	}
	close(fd);
	double median = samples_median(&s);
	free(s.v);
	return median;
}

static const uint8_t *map(const char *path, uint64_t *bytes)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	if (fd < 0 || fstat(fd, &st))
		bench_stop("a file cannot be read");
	*bytes = (uint64_t)st.st_size;
	const uint8_t *at = mmap(NULL, (size_t)*bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (at == MAP_FAILED)
		bench_stop("a file cannot be mapped");
	return at;
}

static volatile uint64_t kept; /* so that no work is left out */

double raw_file_ns(const char *path, const void *data, size_t bytes)
{
	double start = bench_ns();
	int fd = make(path);
	put(fd, data, bytes, 0);
	if (fsync(fd))
		bench_stop("a file cannot be synced");
	close(fd);
	return bench_ns() - start;
}

double raw_map_ns(const char *path, size_t bytes)
{
	uint64_t size, sum = 0;
	double start = bench_ns();
	const uint8_t *at = map(path, &size);
	for (size_t i = 0; i < bytes && i < size; i += SYNC_BYTES)
		sum += at[i];
	kept = sum;
	munmap((void *)(uintptr_t)at, (size_t)size);
	return bench_ns() - start;
}
