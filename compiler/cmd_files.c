/* cmd_files.c - files that the commands write, and the commands about program text: check and fmt. */
#define _GNU_SOURCE /* asprintf */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lang/format.h"
#include "../lang/program.h"
#include "../lang/stdlib_dir.h"
#include "../runtime/container.h"
#include "mmsbc.h"

/* ---- writing ----------------------------------------------------------------------------------- */

static int io_error(const char *path)
{
	fprintf(stderr, "mmsbc: %s: %s\n", path, strerror(errno));
	return COMPILE_MACHINE;
}

/* The permissions of the file that is replaced, or those of a new one. */
static mode_t mode_of(const char *path)
{
	struct stat info;
	if (stat(path, &info) == 0)
		return info.st_mode & 0777;
	mode_t mask = umask(0);
	umask(mask);
	return 0666 & ~mask;
}

static bool is_special(const char *path)
{
	struct stat info;
	return stat(path, &info) == 0 && !S_ISREG(info.st_mode);
}

int write_whole(const char *path, const void *bytes, size_t n)
{
	if (strcmp(path, "-") == 0)
		return write_all(STDOUT_FILENO, bytes, n) ? COMPILE_OK : io_error("standard output");
	if (is_special(path)) { /* a device or a pipe is written, not replaced */
		int fd = open(path, O_WRONLY);
		bool ok = fd >= 0 && write_all(fd, bytes, n);
		return fd >= 0 && close(fd) == 0 && ok ? COMPILE_OK : io_error(path);
	}
	char *aside = NULL;
	if (asprintf(&aside, "%s.XXXXXX", path) < 0) {
		fputs("mmsbc: out of memory\n", stderr);
		return COMPILE_MACHINE;
	}
	int fd = mkstemp(aside), status = COMPILE_OK;
	if (fd < 0) {
		status = io_error(path);
	} else {
		bool ok = write_all(fd, bytes, n) && fchmod(fd, mode_of(path)) == 0;
		ok = close(fd) == 0 && ok;
		if (!ok || rename(aside, path) != 0) {
			status = io_error(path);
			unlink(aside);
		}
	}
	free(aside);
	return status;
}

int finish_output(void)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		return io_error("standard output");
	return COMPILE_OK;
}

/* ---- check ------------------------------------------------------------------------------------- */

static int worst(int a, int b)
{
	return a > b ? a : b;
}

static int check_one(const command_line *line, const char *path)
{
	lang_ctx *ctx = lang_ctx_new();
	int status = COMPILE_OK;
	compile_options options = command_options(line);
	options.stop_after = "lower";
	if (!ctx || !compile_graph(ctx, path, &options))
		status = ctx && !ctx->oom ? COMPILE_INPUT : COMPILE_MACHINE;
	if (ctx)
		lang_print_diags(ctx, stderr, line->colour);
	lang_ctx_free(ctx);
	return status;
}

int cmd_check(const command_line *line)
{
	int status = COMPILE_OK;
	for (uint32_t i = 0; i < line->n_files; i++)
		status = worst(status, check_one(line, line->files[i]));
	return status;
}

/* ---- fmt --------------------------------------------------------------------------------------- */

static int put_formatted(const command_line *line, const lang_source *source, const char *text, size_t n)
{
	bool same = n == source->length && memcmp(text, source->text, n) == 0;
	if (line->check) {
		if (!same)
			puts(source->path);
		return same ? COMPILE_OK : COMPILE_INPUT;
	}
	if (line->in_place)
		return same ? COMPILE_OK : write_whole(source->path, text, n);
	fwrite(text, 1, n, stdout);
	return COMPILE_OK;
}

static int format_one(const command_line *line, const char *path)
{
	lang_ctx *ctx = lang_ctx_new();
	if (!ctx)
		return COMPILE_MACHINE;
	size_t n = 0;
	lang_source *source = lang_read_source(ctx, path, lang_no_span());
	ast_file *file = source ? lang_parse(ctx, source) : NULL;
	char *text = file ? lang_format(ctx, file, &n) : NULL;
	int status = ctx->oom ? COMPILE_MACHINE : COMPILE_INPUT;
	if (text)
		status = put_formatted(line, source, text, n);
	lang_print_diags(ctx, stderr, line->colour);
	lang_ctx_free(ctx);
	return status;
}

int cmd_fmt(const command_line *line)
{
	int status = COMPILE_OK;
	for (uint32_t i = 0; i < line->n_files; i++)
		status = worst(status, format_one(line, line->files[i]));
	return worst(status, finish_output());
}
