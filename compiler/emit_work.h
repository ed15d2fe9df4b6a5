/* emit_work.h - lines of a schedule for people that tell of one pass what it costs and keeps, and of the program how ticks are computed. */
#ifndef MMSB_COMPILER_EMIT_WORK_H
#define MMSB_COMPILER_EMIT_WORK_H

#include <stdio.h>

#include "../runtime/schedule.h"

/* Bytes and operations, and which native functions there are. Passes are asked for in order; *together is 0 before the first. */
void emit_work(const schedule *s, uint32_t pass, uint32_t *together, FILE *out);

/* What a fixpoint keeps. */
void emit_kept(const schedule *s, uint32_t pass, FILE *out);

/* How mmsb_ticks computes several; nothing for a program in which no page is read with prev. */
void emit_ticks(const schedule *s, FILE *out);

#endif
