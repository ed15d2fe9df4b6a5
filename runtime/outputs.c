/* Pages to files. */
#include "outputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "array.h"
#include "csv.h"
#include "instance.h"
#include "mtx.h"
#include "npy.h"
#include "pgm.h"

static int npy_can_write(const mmsb_info *info, mmsb_error *err)
{
	return info->sparse ? fail(err, MMSB_TYPE, "page '%s' is sparse, which .npy is not: write a .mtx or .csv file", info->name) : MMSB_OK;
}

static int npy_write_page(outfile *out, mmsb_instance *inst, int id, mmsb_error *err)
{
	mmsb_info info = {.name = ""};
	int status = mmsb_page_info(inst, id, &info);
	return status != MMSB_OK ? status : npy_write(out, &info, mmsb_data(inst, id), err);
}

static const struct format {
	const char *ending;
	int (*can_write)(const mmsb_info *, mmsb_error *);
	int (*write)(outfile *, mmsb_instance *, int, mmsb_error *);
} formats[] = {
	{".csv", csv_can_write, csv_write},
	{".npy", npy_can_write, npy_write_page},
	{".mtx", mtx_can_write, mtx_write},
	{".pgm", pgm_can_write, pgm_write},
};

static const struct format *find_format(const char *path)
{
	if (strcmp(path, "-") == 0)
		return &formats[0];
	for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
		if (path_ends(path, formats[i].ending))
			return &formats[i];
	return NULL;
}

/* The folder that a file goes to must be there. */
static int check_folder(const char *path, mmsb_error *err)
{
	const char *slash = strrchr(path, '/');
	if (strcmp(path, "-") == 0 || slash == NULL || slash == path)
		return MMSB_OK;
	char *folder = strndup(path, (size_t)(slash - path));
	if (folder == NULL)
		return fail_memory(err, strlen(path), path);
	struct stat st;
	int code = stat(folder, &st) != 0 ? errno : S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
	free(folder);
	return code == 0 ? MMSB_OK : fail(err, MMSB_IO, "cannot write '%s': %s", path, strerror(code));
}

int output_check(mmsb_instance *inst, int id, const char *path, mmsb_error *err)
{
	mmsb_info info = {.name = ""};
	int status = mmsb_page_info(inst, id, &info);
	if (status != MMSB_OK)
		return fail(err, status, "there is no page %d", id);
	const struct format *format = find_format(path);
	if (format == NULL)
		return fail(err, MMSB_USAGE, "'%s': the ending says how a page is written: .npy, .csv, .mtx or .pgm (or -)", path);
	if (!info.stored)
		return fail(err, MMSB_INPUT, "page '%s' has no values of its own, for it is computed where it is used; declare it 'out'",
		            info.name);
	status = check_folder(path, err);
	return status == MMSB_OK ? format->can_write(&info, err) : status;
}

int output_write(mmsb_instance *inst, int id, const char *path, outfile *standard, mmsb_error *err)
{
	const struct format *format = find_format(path);
	mmsb_info info = {.name = ""};
	if (format == NULL || mmsb_page_info(inst, id, &info) != MMSB_OK)
		return fail(err, MMSB_USAGE, "'%s' has no known ending", path);
	if (info.count > 0 && !is_pattern(&info) && mmsb_data(inst, id) == NULL)
		return fail_memory(err, info.count * info.element, info.name);
	if (strcmp(path, "-") == 0)
		return format->write(standard, inst, id, err);
	outfile out;
	int status = outfile_open(&out, path, true, err);
	if (status != MMSB_OK)
		return status;
	status = format->write(&out, inst, id, err);
	if (status != MMSB_OK)
		outfile_abort(&out);
	return status != MMSB_OK ? status : outfile_close(&out, err);
}
