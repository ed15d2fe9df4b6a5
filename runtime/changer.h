/* changer.h - random changes of a source page, for `mmsb bench`.
 *
 * A changed value stays close to the value that the element began with, so that a run of any length stays plausible:
 *   float      that value times 1 - 0.01 .. 1 + 0.01, and what lay within -1 .. 1 stays there; a zero becomes 0 .. 1
 *   integer    that value and up to 1 % of it (at least 1) more or less, of the same sign and never zero; a zero becomes 0 .. 99
 *   bool       the other value
 *   index(D)   any below D
 * The elements of an epoch are different ones. Of a dense page of records one field of each changes. Of a sparse page a change is, at
 * random, for a half a new value of an entry, for a quarter a new entry with a value near that of another, for a quarter an entry
 * deleted; of a `sparse bool` new and deleted entries alone, in equal parts. */
#ifndef MMSB_CHANGER_H
#define MMSB_CHANGER_H

#include <stdint.h>

#include "mmsb.h"

typedef struct changer changer;

/* For a page of a bound instance, from its values now. Owned by the caller. MMSB_INPUT: there is nothing to change, or no k elements. */
int changer_new(changer **out, mmsb_instance *, int page, uint64_t k, uint64_t seed, mmsb_error *err);
void changer_free(changer *); /* NULL is allowed */

/* The next k changes: the same for the same seed and the same values at the beginning. */
int changer_next(changer *, mmsb_error *err);

/* Stages them; in any instance of the same program and shape. */
int changer_stage(const changer *, mmsb_instance *, mmsb_error *err);

#endif
