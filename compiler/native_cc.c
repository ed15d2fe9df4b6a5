/* native_cc.c - runs the C compiler on what emit_c.c writes, and keeps what comes of it (native_cc.h). */
#define _GNU_SOURCE /* open_memstream */
#include "native_cc.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#include "compile.h"
#include "../runtime/container.h"
#include "../runtime/instance.h"
#include "../runtime/kernels.h"
#include "../runtime/native.h"
#include "config.h"

/* Values must come out as those of the kernels do: nothing here may move a bit. Results may lie where operands of another type do. Without names
 * that only debuggers use: those of files made aside would be among them, and the same text is to give the same bytes. */
#define FLAGS "-std=gnu11 -O3 -shared -fPIC -s -ffp-contract=off -fno-math-errno -fno-trapping-math -fno-strict-aliasing"

static const char *compiler(void)
{
	static const char *const names[] = {"MMSB_CC", "CC"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *given = getenv(names[i]);
		if (given && *given)
			return given;
	}
	return MMSB_DEFAULT_CC;
}

/* The levels of the kernels, the best first, with the flags that ask the compiler for them. */
static const struct level {
	const char *name, *flags;
} levels[] = {
#ifdef HAVE_KERNEL_LEVELS
	{"v4", " -march=x86-64-v4 -mprefer-vector-width=512"},
	{"v3", " -march=x86-64-v3"},
#endif
	{"base", ""},
};
enum { N_LEVELS = sizeof levels / sizeof levels[0] };

static const char *flags_of_level(const char *name)
{
	for (size_t i = 0; i < N_LEVELS; i++)
		if (strcmp(levels[i].name, name) == 0)
			return levels[i].flags;
	return "";
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
		return fail(err, NATIVE_NO_COMPILER, "there is no C compiler '%s' here: name one in MMSB_CC", compiler());
	return fail(err, MMSB_IO, "the C compiler '%s' failed%s%s", compiler(), said.message[0] ? ":\n" : "", said.message);
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

/* One object to make, or to find in the cache. */
typedef struct job {
	const char *text, *version, *folder;
	size_t n;
	char flags[sizeof FLAGS + 80], level[MMSBX_LEVEL];
	char *path;          /* owned: of the object */
	int status;
	mmsb_error err;
} job;

/* What the compiler says of its version. */
static int ask_version(char *version, size_t room, mmsb_error *err)
{
	char *command = NULL;
	version[0] = '\0';
	if (asprintf(&command, "%s --version 2>&1", compiler()) < 0)
		return fail_memory(err, 64, "the command of the C compiler");
	FILE *pipe = popen(command, "r");
	if (pipe) {
		append_output(pipe, version, room);
		pclose(pipe);
	}
	free(command);
	return MMSB_OK;
}

/* What the object is made from: the text, the flags, and the compiler with its version. */
static int key_of(const job *j, char key[33], mmsb_error *err)
{
	XXH3_state_t *state = XXH3_createState();
	if (!state)
		return fail_memory(err, 576, "a checksum");
	XXH3_128bits_reset(state);
	XXH3_128bits_update(state, j->text, j->n);
	XXH3_128bits_update(state, j->flags, strlen(j->flags) + 1);
	XXH3_128bits_update(state, compiler(), strlen(compiler()) + 1);
	XXH3_128bits_update(state, j->version, strlen(j->version));
	XXH128_hash_t hash = XXH3_128bits_digest(state);
	XXH3_freeState(state);
	snprintf(key, 33, "%016llx%016llx", (unsigned long long)hash.high64, (unsigned long long)hash.low64);
	return MMSB_OK;
}

static void *find_or_make(void *at)
{
	job *j = at;
	char key[33];
	j->status = key_of(j, key, &j->err);
	if (!j->status && asprintf(&j->path, "%s/%s.so", j->folder, key) < 0) {
		j->path = NULL;
		j->status = fail_memory(&j->err, strlen(j->folder), "the name of a file");
	}
	if (!j->status && access(j->path, R_OK) != 0)
		j->status = make(j->path, j->flags, j->text, j->n, &j->err);
	return NULL;
}

static int emit_text(const schedule *s, char **text, size_t *n, mmsb_error *err)
{
	*text = NULL;
	FILE *out = open_memstream(text, n);
	bool ok = out && emit_c(s, out);
	if (out)
		ok &= fclose(out) == 0;
	return ok ? MMSB_OK : fail_memory(err, *n, "the C text of the program");
}

static int check_folder(const char *folder, mmsb_error *err)
{
	return folder && !strchr(folder, '\'') ? MMSB_OK : fail(err, MMSB_IO, "there is no folder for native code: set XDG_CACHE_HOME to the full path of one");
}

int native_use(mmsb_schedule *s, mmsb_error *err)
{
	char version[960], *folder = cache_folder(), *text = NULL;
	job j = {.version = version, .folder = folder};
	int status = check_folder(folder, err);
	if (!status)
		status = emit_text(&s->tables, &text, &j.n, err);
	if (!status)
		status = ask_version(version, sizeof version, err);
	if (!status) {
		j.text = text;
		snprintf(j.flags, sizeof j.flags, "%s%s", FLAGS, flags_of_level(kernel_table_pick()->level));
		find_or_make(&j);
		status = j.status == NATIVE_NO_COMPILER ? fail(err, MMSB_IO, "%s, or use --executor portable", j.err.message)
		         : j.status                     ? fail(err, j.status, "%s", j.err.message)
		                                        : MMSB_OK;
	}
	if (!status)
		status = native_attach(s, j.path, err);
	free(j.path);
	free(text);
	free(folder);
	return status;
}

/* ---- for a file -------------------------------------------------------------------------------- */

/* Whether the compiler fails even with nothing to compile: it does not know the level. */
static bool knows(const job *j)
{
	char *command = NULL;
	if (asprintf(&command, "{ %s %s -E -x c /dev/null; } >/dev/null 2>&1", compiler(), j->flags) < 0)
		return true;
	int status = system(command);
	free(command);
	return status == 0;
}

/* All at a time, as far as there are threads. */
static void run_jobs(job *jobs, uint32_t n)
{
	pthread_t threads[N_LEVELS];
	bool started[N_LEVELS] = {false};
	for (uint32_t i = 1; i < n; i++)
		started[i] = pthread_create(&threads[i], NULL, find_or_make, &jobs[i]) == 0;
	find_or_make(&jobs[0]);
	for (uint32_t i = 1; i < n; i++)
		if (started[i])
			pthread_join(threads[i], NULL);
		else
			find_or_make(&jobs[i]);
}

/* The bytes of an object, which the caller frees. Of an older run that was cut off, what is there may be none. */
static int read_object(const job *j, native_object *out, mmsb_error *err)
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
	if (!ok || n < 4 || memcmp(bytes, "\177ELF", 4) != 0) {
		free(bytes);
		return fail(err, MMSB_IO, "%s: %s", j->path, ok ? "is no shared object: remove it, it is made again" : "cannot be read");
	}
	memcpy(out->level, j->level, sizeof out->level);
	out->bytes = (const uint8_t *)bytes;
	out->n = n;
	return MMSB_OK;
}

/* The objects of those jobs that the compiler could do. */
static int collect(const job *jobs, uint32_t n, uint8_t **section, size_t *size, mmsb_error *err)
{
	native_object objects[N_LEVELS];
	uint32_t found = 0;
	int status = MMSB_OK;
	for (uint32_t i = 0; i < n && !status; i++) {
		if (jobs[i].status && (n == 1 || jobs[i].status == NATIVE_NO_COMPILER || knows(&jobs[i])))
			status = fail(err, jobs[i].status, "%s", jobs[i].err.message);
		else if (!jobs[i].status && (status = read_object(&jobs[i], &objects[found], err)) == MMSB_OK)
			found++;
	}
	if (!status && found == 0)
		status = fail(err, jobs[n - 1].status, "%s", jobs[n - 1].err.message);
	if (!status)
		status = native_section_write(NATIVE_ABI, objects, found, section, size, err);
	while (found > 0)
		free((void *)(uintptr_t)objects[--found].bytes);
	return status;
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

int native_build(const schedule *s, const char *march, uint8_t **section, size_t *size, mmsb_error *err)
{
	char version[960], *text = NULL, *cache = cache_folder(), *own = cache && !strchr(cache, '\'') ? NULL : own_folder();
	const char *folder = own ? own : cache;
	job jobs[N_LEVELS] = {{.text = NULL}};
	size_t n = 0;
	uint32_t n_jobs = march ? 1 : N_LEVELS;
	int status = check_folder(folder, err);
	if (!status)
		status = emit_text(s, &text, &n, err);
	if (!status)
		status = ask_version(version, sizeof version, err);
	for (uint32_t i = 0; i < n_jobs && !status; i++) {
		jobs[i] = (job){.text = text, .n = n, .version = version, .folder = folder};
		snprintf(jobs[i].level, sizeof jobs[i].level, "%s", march ? NATIVE_OWN_LEVEL : levels[i].name);
		snprintf(jobs[i].flags, sizeof jobs[i].flags, "%s%s%s", FLAGS, march ? " -march=" : levels[i].flags, march ? march : "");
	}
	if (!status) {
		run_jobs(jobs, n_jobs);
		status = collect(jobs, n_jobs, section, size, err);
	}
	for (uint32_t i = 0; i < n_jobs; i++) {
		if (own && jobs[i].path)
			unlink(jobs[i].path);
		free(jobs[i].path);
	}
	if (own)
		rmdir(own);
	free(own);
	free(cache);
	free(text);
	return status;
}

bool native_march_is_name(const char *march)
{
	size_t n = strspn(march, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._+");
	return n > 0 && n < 64 && march[n] == '\0';
}
