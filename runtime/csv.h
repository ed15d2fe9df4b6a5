/* csv.h - comma-separated values.
 *
 * A cell is a number as programs or other tools write it, alone or in double quotes, with or without spaces around it; an empty
 * cell is nan in a page of floats and an error elsewhere. The first line is a header when none of its cells is a number. Lines
 * end in LF or CRLF; blank lines do not count, except between two values of a single column, where one is an empty cell.
 *
 *   scalar page        one cell
 *   one dimension      one column, or one row
 *   two dimensions     rows and columns
 *   record page        a column for each field, found by its name in the header; other columns do not matter
 *   sparse page        columns row, col and value (of `sparse bool` without value): positions are counted from 0
 *
 * Of a file with a header, the columns to take can be named: "A,B" or, from one to another, "A..D". */
#ifndef MMSB_CSV_H
#define MMSB_CSV_H

#include "array.h"
#include "iofile.h"

/* Reads for a page. The shape of a sparse page is not in the file: its array has ndim 0.
 * MMSB_INPUT (with line and column), MMSB_SHAPE, MMSB_MEMORY. */
int csv_parse(const file_bytes *text, const array_want *want, array *out, mmsb_error *err);

/* Writes a page of at most two dimensions; records get a header with their fields, sparse pages one with row, col and value. */
int csv_write(outfile *out, mmsb_instance *inst, int page, mmsb_error *err);

/* Whether csv_write can: else an error that says what to do. */
int csv_can_write(const mmsb_info *info, mmsb_error *err);

#endif
