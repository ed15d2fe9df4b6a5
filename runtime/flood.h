/* flood.h - all of an exact fixpoint over booleans, in rounds that push or pull. Internal. */
#ifndef MMSB_FLOOD_H
#define MMSB_FLOOD_H

#include "repair.h"

/* As sweep_run, after repair_begin, for pages of bool; elements without entries have their value already. */
int flood_run(fix *, repair *);

#endif
