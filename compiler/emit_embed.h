/* emit_embed.h - a schedule as C text for an application (mmsbc compile --embed). */
#ifndef MMSB_COMPILER_EMIT_EMBED_H
#define MMSB_COMPILER_EMIT_EMBED_H

#include <stdbool.h>
#include <stdio.h>

#include "../runtime/schedule.h"

/* Whether it can be what names begin with. */
bool embed_is_name(const char *name);

/* A stored page whose name would be that of another one in C; NULL: there is none. */
const char *embed_clash(const schedule *);

void embed_header(const schedule *, const char *name, FILE *out);

/* bytes: the schedule's file, without native code. False: no memory. */
bool embed_source(const schedule *, const char *name, const uint8_t *bytes, size_t n, FILE *out);

#endif
