/* npy.h - NumPy's .npy files: versions 1.0, 2.0 and 3.0 are read, 1.0 is written. */
#ifndef MMSB_NPY_H
#define MMSB_NPY_H

#include "array.h"
#include "iofile.h"

/* Makes an array of a file's bytes: native byte order, row-major, with the file's own type. Takes the bytes over (they become
 * the array's memory), also when it fails. MMSB_FORMAT, MMSB_TYPE, MMSB_MEMORY. */
int npy_parse(file_bytes *bytes, const char *path, array *out, mmsb_error *err);

/* Writes a dense page: `data` holds info->count elements. */
int npy_write(outfile *out, const mmsb_info *info, const void *data, mmsb_error *err);

#endif
