/* wave.h - several epochs of mmsb_ticks at once, of which nobody sees any but the last (docs/native.md, Ticks). Internal.
 *
 * What a tick leaves to the next one is what is read with `prev`, and what that follows from. Where spans (native_span.h) compute all of it, from rows (all elements
 * with one first index) near their own, some ticks are computed in one walk over the rows: as soon as a tick has the rows that one of the next needs, that is computed. What lies between
 * the first and the last tick is kept for a few rows, in a near cache. */
#ifndef MMSB_WAVE_H
#define MMSB_WAVE_H

#include "exec.h"

/* Which of an executor's passes run so, once its spans are there: ex->wave; NULL: they cannot. False: no memory. */
bool wave_plan_new(struct executor *);
void wave_free(struct wave *);

/* How many ticks, at most `most`, are to be computed at once as things are; below 2: none. Takes memory when it is first asked. */
uint64_t wave_steps(struct executor *, uint64_t most);

/* Computes so many ticks, of which `epoch` is the last: pages of the wave are marked as changed altogether. */
void wave_run(struct executor *, uint64_t steps, uint64_t epoch);

/* Whether a pass belongs to it; follows from one that does, and has to be evaluated whole afterwards. */
bool wave_has(const struct executor *, uint32_t pass);
bool wave_follows(const struct executor *, uint32_t pass);

#endif
