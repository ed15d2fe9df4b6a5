/* toolchain.c - runs a compiler of the machine, and keeps what comes of it (toolchain.h). */
#define _GNU_SOURCE /* open_memstream */
#include "toolchain.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#include "../runtime/instance.h"

/* ---- the folder -------------------------------------------------------------------------------- */

/* The folder, made if need be; NULL: no memory, or nowhere to put it. */
static char *cache_folder(void)
{
	const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char *path = NULL;
	int n = base && *base == '/' ? asprintf(&path, "%s/mmsb", base) : home && *home ? asprintf(&path, "%s/.cache/mmsb", home) : -1;
	if (n < 0)
		return NULL;
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700); /* what is there already is fine; else writing fails, and says so */
		*slash = '/';
	}
	mkdir(path, 0700);
	return path;
}

/* Where objects are made that are not to stay, because there is no cache. NULL: no place. */
static char *own_folder(void)
{
	const char *base = getenv("TMPDIR");
	char *path = NULL;
	if (asprintf(&path, "%s/mmsbc-XXXXXX", base && *base ? base : "/tmp") < 0 || !mkdtemp(path)) {
		free(path);
		return NULL;
	}
	return path;
}

char *tool_folder(bool *own)
{
	char *path = cache_folder();
	*own = !path || strchr(path, '\'');
	if (*own) {
		free(path);
		path = own_folder();
	}
	return path;
}

int tool_no_folder(mmsb_error *err)
{
	return fail(err, MMSB_IO, "there is no folder for native code: set XDG_CACHE_HOME to the full path of one");
}

/* ---- the compiler ------------------------------------------------------------------------------ */

/* Reads what is there of a stream into the end of a message. */
static void append_output(FILE *from, char *message, size_t room)
{
	size_t n = strlen(message);
	if (n + 1 < room)
		n += fread(message + n, 1, room - 1 - n, from);
	while (n > 0 && message[n - 1] == '\n')
		n--;
	message[n] = '\0';
}

/* The shell takes the compiler's words apart; paths are arguments of its own. */
static int run_compiler(const tool_job *j, const char *source, const char *object, mmsb_error *err)
{
	const tool *by = j->by;
	char *command = NULL;
	if (asprintf(&command, "{ %s %s -o '%s' %s '%s' %s; } 2>&1", by->command, j->flags, object, by->before, source, by->after) < 0)
		return fail_memory(err, strlen(source), "the command of a compiler");
	FILE *pipe = popen(command, "r");
	free(command);
	if (!pipe)
		return fail(err, MMSB_IO, "the %s '%s' cannot be run: %s", by->what, by->command, strerror(errno));
	mmsb_error said = {.message = ""};
	append_output(pipe, said.message, sizeof said.message - 200);
	char rest[512];
	while (fread(rest, 1, sizeof rest, pipe) > 0)
		;
	int status = pclose(pipe);
	if (status == 0)
		return MMSB_OK;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return fail(err, TOOL_MISSING, "there is no %s '%s' here: name one in %s", by->what, by->command, by->variable);
	return fail(err, MMSB_IO, "the %s '%s' failed%s%s", by->what, by->command, said.message[0] ? ":\n" : "", said.message);
}

int tool_ask_version(tool *t, mmsb_error *err)
{
	char *command = NULL;
	t->version[0] = '\0';
	if (asprintf(&command, "%s --version 2>&1", t->command) < 0)
		return fail_memory(err, 64, "the command of a compiler");
	FILE *pipe = popen(command, "r");
	if (pipe) {
		append_output(pipe, t->version, sizeof t->version);
		pclose(pipe);
	}
	free(command);
	return MMSB_OK;
}

/* ---- objects ----------------------------------------------------------------------------------- */

static int write_source(const char *path, const char *text, size_t n, mmsb_error *err)
{
	FILE *f = fopen(path, "w");
	bool ok = f && fwrite(text, 1, n, f) == n;
	if (f)
		ok &= fclose(f) == 0;
	return ok ? MMSB_OK : fail(err, MMSB_IO, "%s: cannot be written: %s", path, strerror(errno));
}

/* Under a name of its own first, so that the object is there whole or not at all. */
static int make(const tool_job *j, mmsb_error *err)
{
	const char *path = j->path;
	char *source = NULL, *object = NULL;
	int status = MMSB_OK;
	if (asprintf(&source, "%s.%ld.c", path, (long)getpid()) < 0 || asprintf(&object, "%s.%ld", path, (long)getpid()) < 0)
		status = fail_memory(err, strlen(path), "the name of a file");
	if (!status)
		status = write_source(source, j->text, j->n, err);
	if (!status)
		status = run_compiler(j, source, object, err);
	if (!status && rename(object, path))
		status = fail(err, MMSB_IO, "%s: cannot be written: %s", path, strerror(errno));
	if (source && object) {
		unlink(source);
		unlink(object); /* what a compiler that failed may have left */
	}
	free(source);
	free(object);
	return status;
}

/* What the object is made from: the text, the flags, and the compiler with its version. */
static int key_of(const tool_job *j, char key[33], mmsb_error *err)
{
	XXH3_state_t *state = XXH3_createState();
	if (!state)
		return fail_memory(err, 576, "a checksum");
	XXH3_128bits_reset(state);
	XXH3_128bits_update(state, j->text, j->n);
	XXH3_128bits_update(state, j->flags, strlen(j->flags) + 1);
	XXH3_128bits_update(state, j->by->command, strlen(j->by->command) + 1);
	XXH3_128bits_update(state, j->by->version, strlen(j->by->version));
	XXH128_hash_t hash = XXH3_128bits_digest(state);
	XXH3_freeState(state);
	snprintf(key, 33, "%016llx%016llx", (unsigned long long)hash.high64, (unsigned long long)hash.low64);
	return MMSB_OK;
}

void *tool_run(void *at)
{
	tool_job *j = at;
	char key[33];
	j->status = key_of(j, key, &j->err);
	if (!j->status && asprintf(&j->path, "%s/%s.so", j->folder, key) < 0) {
		j->path = NULL;
		j->status = fail_memory(&j->err, strlen(j->folder), "the name of a file");
	}
	if (!j->status && access(j->path, R_OK) != 0)
		j->status = make(j, &j->err);
	return NULL;
}

void tool_run_all(tool_job *jobs, uint32_t n)
{
	enum { MOST = 16 };
	pthread_t threads[MOST];
	bool started[MOST] = {false};
	for (uint32_t i = 1; i < n && i < MOST; i++)
		started[i] = pthread_create(&threads[i], NULL, tool_run, &jobs[i]) == 0;
	for (uint32_t i = 0; i < n; i++)
		if (i >= MOST || !started[i])
			tool_run(&jobs[i]);
	for (uint32_t i = 1; i < n && i < MOST; i++)
		if (started[i])
			pthread_join(threads[i], NULL);
}

/* Of an older run that was cut off, what is there may be no object. */
int tool_read(const tool_job *j, const char *mark, code_object *out, mmsb_error *err)
{
	FILE *f = fopen(j->path, "rb");
	char *bytes = NULL, part[4096];
	size_t n = 0;
	FILE *to = f ? open_memstream(&bytes, &n) : NULL;
	bool ok = to != NULL;
	for (size_t got; ok && (got = fread(part, 1, sizeof part, f)) > 0;)
		ok = fwrite(part, 1, got, to) == got;
	ok = ok && !ferror(f);
	if (to)
		ok = fclose(to) == 0 && ok;
	if (f)
		fclose(f);
	if (!ok || n < strlen(mark) || memcmp(bytes, mark, strlen(mark)) != 0) {
		free(bytes);
		return fail(err, MMSB_IO, "%s: %s", j->path, ok ? "is no object: remove it, it is made again" : "cannot be read");
	}
	bytes[n] = '\0'; /* open_memstream has room for it */
	memcpy(out->level, j->level, sizeof out->level);
	out->bytes = (const uint8_t *)bytes;
	out->n = n;
	return MMSB_OK;
}

bool tool_is_name(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._+");
	return n > 0 && n < 64 && name[n] == '\0';
}

void tool_done(tool_job *jobs, uint32_t n, char *folder, bool own)
{
	for (uint32_t i = 0; i < n; i++) {
		if (own && jobs[i].path)
			unlink(jobs[i].path);
		free(jobs[i].path);
	}
	if (own && folder)
		rmdir(folder);
	free(folder);
}
