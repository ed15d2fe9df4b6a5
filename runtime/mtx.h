/* mtx.h - Matrix Market files: coordinate (real, integer, pattern; general, symmetric, skew-symmetric) and array.
 *
 * Into a sparse page go the entries of a coordinate file, or the values of an array file that are not zero; into a dense one all values,
 * zero where there is no entry. A bool page takes the pattern and ignores the values of a coordinate file; a pattern gives 1 to
 * a page of numbers. A page of one dimension takes a matrix of one column or one row. */
#ifndef MMSB_MTX_H
#define MMSB_MTX_H

#include "array.h"
#include "iofile.h"

/* Reads for a page. MMSB_INPUT and MMSB_FORMAT (with line and column), MMSB_SHAPE, MMSB_TYPE, MMSB_MEMORY. */
int mtx_parse(const file_bytes *text, const array_want *want, array *out, mmsb_error *err);

/* Writes a page: sparse as coordinate, dense as array (column by column). */
int mtx_write(outfile *out, mmsb_instance *inst, int page, mmsb_error *err);

/* Whether mtx_write can: else an error that says what to do. */
int mtx_can_write(const mmsb_info *info, mmsb_error *err);

#endif
