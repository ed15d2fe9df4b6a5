/* Finding the standard library, in an installation and in the build tree alike. */
#define _GNU_SOURCE /* readlink, asprintf */
#include "stdlib_dir.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_folder(const char *path)
{
	struct stat info;
	return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* base/tail if that is a folder, else NULL. */
static char *folder_in(const char *base, const char *tail)
{
	char *path;
	if (asprintf(&path, "%s/%s", base, tail) < 0)
		return NULL;
	if (is_folder(path))
		return path;
	free(path);
	return NULL;
}

char *lang_stdlib_dir(void)
{
	char program[PATH_MAX];
	const char *named = getenv("MMSB_STDLIB");
	if (named && named[0] != '\0')
		return is_folder(named) ? strdup(named) : NULL;
	ssize_t size = readlink("/proc/self/exe", program, sizeof program - 1);
	if (size > 0) {
		program[size] = '\0';
		*strrchr(program, '/') = '\0';
		char *found = folder_in(program, "stdlib");
		if (!found)
			found = folder_in(program, "../share/mmsb/stdlib");
		if (found)
			return found;
	}
	return is_folder(MMSB_STDLIB_DIR) ? strdup(MMSB_STDLIB_DIR) : NULL;
}
