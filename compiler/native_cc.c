/* native_cc.c - runs the C compiler on what emit_c.c writes, and keeps what comes of it (native_cc.h). */
#define _GNU_SOURCE /* open_memstream */
#include "native_cc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#include "compile.h"
#include "../runtime/instance.h"
#include "../runtime/kernels.h"
#include "../runtime/native.h"
#include "config.h"

/* Values must come out as those of the kernels do: nothing here may move a bit. Results may lie where operands of another type do. */
#define FLAGS "-std=gnu11 -O3 -shared -fPIC -ffp-contract=off -fno-math-errno -fno-trapping-math -fno-strict-aliasing"

static const char *compiler(void)
{
	const char *given = getenv("MMSB_CC");
	return given && *given ? given : MMSB_DEFAULT_CC;
}

/* For the level of the kernels, so that a cache may be shared by machines. */
static const char *level_flags(void)
{
	const char *level = kernel_table_pick()->level;
	return strcmp(level, "v4") == 0 ? " -march=x86-64-v4 -mprefer-vector-width=512" : strcmp(level, "v3") == 0 ? " -march=x86-64-v3" : "";
}

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
static int run_compiler(const char *flags, const char *source, const char *object, mmsb_error *err)
{
	char *command = NULL;
	if (asprintf(&command, "{ %s %s -o '%s' -x c '%s' -lm; } 2>&1", compiler(), flags, object, source) < 0)
		return fail_memory(err, strlen(source), "the command of the C compiler");
	FILE *pipe = popen(command, "r");
	free(command);
	if (!pipe)
		return fail(err, MMSB_IO, "the C compiler '%s' cannot be run: %s", compiler(), strerror(errno));
	mmsb_error said = {.message = ""};
	append_output(pipe, said.message, sizeof said.message - 200);
	char rest[512];
	while (fread(rest, 1, sizeof rest, pipe) > 0)
		;
	int status = pclose(pipe);
	if (status == 0)
		return MMSB_OK;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return fail(err, MMSB_IO, "there is no C compiler '%s' here: name one in MMSB_CC, or use --executor portable", compiler());
	return fail(err, MMSB_IO, "the C compiler '%s' failed:\n%s", compiler(), said.message);
}

static int write_source(const char *path, const char *text, size_t n, mmsb_error *err)
{
	FILE *f = fopen(path, "w");
	bool ok = f && fwrite(text, 1, n, f) == n;
	if (f)
		ok &= fclose(f) == 0;
	return ok ? MMSB_OK : fail(err, MMSB_IO, "%s: cannot be written: %s", path, strerror(errno));
}

/* Under a name of its own first, so that the object is there whole or not at all. */
static int make(const char *path, const char *flags, const char *text, size_t n, mmsb_error *err)
{
	char *source = NULL, *object = NULL;
	int status = MMSB_OK;
	if (asprintf(&source, "%s.%ld.c", path, (long)getpid()) < 0 || asprintf(&object, "%s.%ld", path, (long)getpid()) < 0)
		status = fail_memory(err, strlen(path), "the name of a file");
	if (!status)
		status = write_source(source, text, n, err);
	if (!status)
		status = run_compiler(flags, source, object, err);
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

/* What the object is made from: the text, the flags, and the compiler with what it says of its version. */
static int key_of(const char *flags, const char *text, size_t n, char key[33], mmsb_error *err)
{
	mmsb_error version = {.message = ""};
	char *command = NULL;
	if (asprintf(&command, "%s --version 2>&1", compiler()) < 0)
		return fail_memory(err, 64, "the command of the C compiler");
	FILE *pipe = popen(command, "r");
	if (pipe) {
		append_output(pipe, version.message, sizeof version.message);
		pclose(pipe);
	}
	free(command);
	XXH3_state_t *state = XXH3_createState();
	if (!state)
		return fail_memory(err, 576, "a checksum");
	XXH3_128bits_reset(state);
	XXH3_128bits_update(state, text, n);
	XXH3_128bits_update(state, flags, strlen(flags) + 1);
	XXH3_128bits_update(state, compiler(), strlen(compiler()) + 1);
	XXH3_128bits_update(state, version.message, strlen(version.message));
	XXH128_hash_t hash = XXH3_128bits_digest(state);
	XXH3_freeState(state);
	snprintf(key, 33, "%016llx%016llx", (unsigned long long)hash.high64, (unsigned long long)hash.low64);
	return MMSB_OK;
}

static int find_or_make(const char *text, size_t n, char **path, mmsb_error *err)
{
	char key[33], flags[sizeof FLAGS + 64];
	snprintf(flags, sizeof flags, "%s%s", FLAGS, level_flags());
	int status = key_of(flags, text, n, key, err);
	if (status)
		return status;
	char *folder = cache_folder();
	if (!folder || strchr(folder, '\'')) {
		free(folder);
		return fail(err, MMSB_IO, "there is no folder for native code: set XDG_CACHE_HOME to the full path of one");
	}
	if (asprintf(path, "%s/%s.so", folder, key) < 0) {
		*path = NULL;
		status = fail_memory(err, strlen(folder), "the name of a file");
	}
	free(folder);
	if (!status && access(*path, R_OK) != 0)
		status = make(*path, flags, text, n, err);
	if (status) {
		free(*path);
		*path = NULL;
	}
	return status;
}

int native_compile(const schedule *s, char **path, mmsb_error *err)
{
	char *text = NULL;
	size_t n = 0;
	*path = NULL;
	FILE *out = open_memstream(&text, &n);
	bool ok = out && emit_c(s, out);
	if (out)
		ok &= fclose(out) == 0;
	int status = ok ? find_or_make(text, n, path, err) : fail_memory(err, n, "the C text of the program");
	free(text);
	return status;
}

int native_use(mmsb_schedule *s, mmsb_error *err)
{
	char *path = NULL;
	int status = native_compile(&s->tables, &path, err);
	if (!status)
		status = native_attach(s, path, err);
	free(path);
	return status;
}
