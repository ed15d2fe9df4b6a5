/* native_wave.h - which passes may have several ticks computed in one walk over the rows (wave.h), as far as their schedule says. Internal. */
#ifndef MMSB_NATIVE_WAVE_H
#define MMSB_NATIVE_WAVE_H

#include "native_span.h"

/* NONE: nothing of it goes from tick to tick. MEMBER: is read with `prev`, or what that follows from. FOLLOWS: reads what members give. */
typedef enum wave_role { WAVE_NONE, WAVE_MEMBER, WAVE_FOLLOWS } wave_role;

/* Ticks in one walk; passes; bytes of a worker that rows between ticks take at most. */
enum { WAVE_STEPS = 64, WAVE_MEMBERS = 8, WAVE_BYTES = 1 << 20 };

/* roles[]: by pass, as wave_role, all WAVE_NONE before. NULL: there are members, and no pass keeps what it has from tick to tick in ways of its
 * own, or can fail. Else the reason, for people. */
const char *native_wave_find(const schedule *, uint8_t *roles);

/* Whether the page of a member is one that walks compute, if it has a span; else the reason. */
const char *native_wave_refuses(const schedule *, uint32_t pass);

#endif
