/* Whole files in, buffered files out. */
#include "iofile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lang/source.h"
#include "instance.h"

/* ---- in ---------------------------------------------------------------------------------------- */

static int read_all(int fd, const char *path, size_t expected, file_bytes *out, mmsb_error *err)
{
	size_t capacity = expected + 1, size = 0;
	char *data = malloc(capacity + 1);
	while (data != NULL) {
		ssize_t n = read(fd, data + size, capacity - size < 1u << 30 ? capacity - size : 1u << 30);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int code = errno;
			free(data);
			return fail(err, MMSB_IO, "cannot read '%s': %s", path, strerror(code));
		}
		if (n == 0) {
			data[size] = '\0';
			*out = (file_bytes){data, size};
			return MMSB_OK;
		}
		size += (size_t)n;
		if (size < capacity)
			continue;
		if (capacity > SIZE_MAX / 2 - 64)
			break;
		capacity += capacity / 2 + (1u << 16);
		char *larger = realloc(data, capacity + 1);
		if (larger == NULL)
			break;
		data = larger;
	}
	free(data);
	return fail_memory(err, capacity, path);
}

int file_read(const char *path, file_bytes *out, mmsb_error *err)
{
	int fd;
	do
		fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return fail(err, MMSB_IO, "cannot open '%s': %s", path, strerror(errno));
	struct stat st;
	size_t expected = 1 << 16;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= 0)
		expected = (size_t)st.st_size;
	int status = read_all(fd, path, expected, out, err);
	close(fd);
	return status;
}

void file_bytes_free(file_bytes *bytes)
{
	free(bytes->data);
	*bytes = (file_bytes){NULL, 0};
}

/* ---- out --------------------------------------------------------------------------------------- */

/* The file that a link stands for, so that renaming replaces the file and not the link. */
static char *resolve(const char *path)
{
	char *resolved = realpath(path, NULL);
	return resolved != NULL ? resolved : strdup(path);
}

static mode_t wanted_mode(const struct stat *old)
{
	if (old != NULL)
		return old->st_mode & 07777;
	mode_t mask = umask(0);
	umask(mask);
	return 0666 & ~mask;
}

/* Makes the temporary file beside the target. */
static int open_beside(outfile *out, const char *path, const struct stat *old)
{
	out->target = resolve(path);
	size_t n = out->target == NULL ? 0 : strlen(out->target);
	out->temp = out->target == NULL ? NULL : malloc(n + 12);
	if (out->temp == NULL)
		return ENOMEM;
	memcpy(out->temp, out->target, n);
	memcpy(out->temp + n, ".tmp-XXXXXX", 12);
	out->fd = mkstemp(out->temp);
	if (out->fd < 0) {
		int code = errno;
		free(out->temp);
		out->temp = NULL;
		return code;
	}
	/* a file system without modes keeps its own */
	(void)!fchmod(out->fd, wanted_mode(old));
	return 0;
}

static int open_target(outfile *out, const char *path, bool whole)
{
	if (strcmp(path, "-") == 0) {
		out->fd = STDOUT_FILENO;
		return 0;
	}
	struct stat st;
	bool exists = stat(path, &st) == 0;
	if (exists && S_ISDIR(st.st_mode))
		return EISDIR;
	if (whole && (!exists || S_ISREG(st.st_mode)))
		return open_beside(out, path, exists ? &st : NULL);
	out->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	return out->fd < 0 ? errno : 0;
}

int outfile_open(outfile *out, const char *path, bool whole, mmsb_error *err)
{
	*out = (outfile){.fd = -1, .capacity = OUTFILE_BUFFER};
	out->path = strdup(strcmp(path, "-") == 0 ? "standard output" : path);
	out->buffer = malloc(OUTFILE_BUFFER);
	if (out->path == NULL || out->buffer == NULL) {
		outfile_abort(out);
		return fail_memory(err, OUTFILE_BUFFER, path);
	}
	int code = open_target(out, path, whole);
	if (code == 0)
		return MMSB_OK;
	outfile_abort(out);
	return fail(err, code == ENOMEM ? MMSB_MEMORY : MMSB_IO, "cannot write '%s': %s", path, strerror(code));
}

static void write_all(outfile *out, const char *bytes, size_t n)
{
	while (n > 0 && out->error == 0) {
		ssize_t done = write(out->fd, bytes, n < 1u << 30 ? n : 1u << 30);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0) {
			out->error = errno;
			return;
		}
		if (done == 0)
			out->error = ENOSPC;
		bytes += done;
		n -= (size_t)done;
	}
}

static int (*gate)(void *, mmsb_error *);
static void *gate_arg;
static mmsb_error gate_error; /* the first failure */

void outfile_gate(int (*before)(void *arg, mmsb_error *err), void *arg)
{
	gate = before;
	gate_arg = arg;
}

static void pass_on(outfile *out, const void *bytes, size_t n)
{
	mmsb_error err;
	int status = n > 0 && out->error == 0 && gate != NULL ? gate(gate_arg, &err) : MMSB_OK;
	if (status == MMSB_OK) {
		write_all(out, bytes, n);
		return;
	}
	out->error = ECANCELED;
	if (gate_error.status == MMSB_OK)
		gate_error = err;
}

void outfile_flush(outfile *out)
{
	pass_on(out, out->buffer, out->used);
	out->used = 0;
}

void outfile_write(outfile *out, const void *bytes, size_t n)
{
	if (n >= out->capacity - out->used) {
		outfile_flush(out);
		if (n >= out->capacity) {
			pass_on(out, bytes, n);
			return;
		}
	}
	memcpy(out->buffer + out->used, bytes, n);
	out->used += n;
}

void outfile_text(outfile *out, const char *text)
{
	outfile_write(out, text, strlen(text));
}

int outfile_close(outfile *out, mmsb_error *err)
{
	if (out->fd < 0)
		return MMSB_OK;
	outfile_flush(out);
	if (out->fd != STDOUT_FILENO && close(out->fd) != 0 && out->error == 0)
		out->error = errno;
	out->fd = -1;
	if (out->temp != NULL && out->error == 0 && rename(out->temp, out->target) != 0)
		out->error = errno;
	if (out->temp != NULL && out->error == 0) {
		free(out->temp);
		out->temp = NULL;
	}
	int status = MMSB_OK;
	if (out->error == ECANCELED && gate_error.status != MMSB_OK)
		status = fail(err, gate_error.status, "%.900s", gate_error.message);
	else if (out->error != 0)
		status = fail(err, MMSB_IO, "cannot write '%s': %s", out->path, strerror(out->error));
	outfile_abort(out);
	return status;
}

void outfile_abort(outfile *out)
{
	if (out->fd >= 0 && out->fd != STDOUT_FILENO)
		close(out->fd);
	if (out->temp != NULL)
		unlink(out->temp);
	free(out->path);
	free(out->target);
	free(out->temp);
	free(out->buffer);
	*out = (outfile){.fd = -1};
}

/* ---- paths and places -------------------------------------------------------------------------- */

bool path_ends(const char *path, const char *ending)
{
	size_t n = strlen(path), m = strlen(ending);
	return n > m && strcasecmp(path + n - m, ending) == 0;
}

char *path_beside(const char *file, const char *path)
{
	const char *slash = strrchr(file, '/');
	if (slash == NULL || path[0] == '/' || strcmp(path, "-") == 0)
		return strdup(path);
	size_t n = (size_t)(slash - file) + 1, m = strlen(path);
	char *joined = malloc(n + m + 1);
	if (joined == NULL)
		return NULL;
	memcpy(joined, file, n);
	memcpy(joined + n, path, m + 1);
	return joined;
}

const char *text_shown(const char *text, const char *end, char out[SHOWN_ROOM])
{
	size_t n = 0;
	while (text < end && n < 48) {
		size_t length = lang_utf8_length(text, (size_t)(end - text));
		bool plain = length > 0 && (unsigned char)*text >= 0x20 && *text != 0x7f;
		length = plain ? length : 1;
		if (plain)
			memcpy(out + n, text, length);
		else
			out[n] = '?';
		n += length;
		text += length;
	}
	memcpy(out + n, text < end ? "..." : "", text < end ? 4 : 1);
	return out;
}

int fail_at(mmsb_error *err, int status, const char *path, uint64_t line, uint64_t at, const char *fmt, ...)
{
	char message[700];
	va_list args;
	va_start(args, fmt);
	vsnprintf(message, sizeof message, fmt, args);
	va_end(args);
	return fail(err, status, "%s:%llu:%llu: error: %s", path, (unsigned long long)line, (unsigned long long)at, message);
}
