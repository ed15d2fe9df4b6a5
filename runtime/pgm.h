/* pgm.h - a page of two dimensions as a grey picture (binary PGM, 8 bits).
 *
 * u8 goes into the picture as it is, bool as 0 and 255; all other numbers are scaled so that the least finite one is black and the
 * greatest white (a page of equal numbers is black). nan and -inf are black, inf is white. */
#ifndef MMSB_PGM_H
#define MMSB_PGM_H

#include "iofile.h"

int pgm_can_write(const mmsb_info *info, mmsb_error *err);
int pgm_write(outfile *out, mmsb_instance *inst, int page, mmsb_error *err);

#endif
