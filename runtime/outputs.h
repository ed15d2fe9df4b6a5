/* outputs.h - `--out PAGE=PATH`: pages to files when the run ends. */
#ifndef MMSB_OUTPUTS_H
#define MMSB_OUTPUTS_H

#include "iofile.h"

/* Whether a page can be written to this path: by its ending .npy, .csv, .mtx or .pgm; "-" is CSV on standard output. To be asked before the
 * run, so that no work is lost. MMSB_USAGE for an unknown ending, MMSB_TYPE, MMSB_SHAPE, MMSB_INPUT. */
int output_check(mmsb_instance *inst, int page, const char *path, mmsb_error *err);

/* Writes the page. standard: where "-" goes. The file appears whole or not at all. */
int output_write(mmsb_instance *inst, int page, const char *path, outfile *standard, mmsb_error *err);

#endif
