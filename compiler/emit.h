/* emit.h - what the printers of schedules share. */
#ifndef MMSB_COMPILER_EMIT_H
#define MMSB_COMPILER_EMIT_H

#include <stdio.h>

#include "../runtime/schedule.h"

const char *emit_class_name(uint32_t cls);   /* read_class */
const char *emit_rule_name(uint32_t rule);   /* delta_rule */
const char *emit_guard_name(uint32_t guard);  /* guard_id */
const char *emit_fix_name(uint32_t kind);    /* pass_kind: "" for a map */
const char *emit_reducer_name(uint32_t reducer, uint32_t op);

/* A size over params, as "2*N + 1"; into buf, cut where it does not fit. */
void emit_size(const schedule *s, uint32_t size, char *buf, size_t room);
/* "f64[N, M]", "sparse f32[N, N]"; the same rules. */
void emit_page_type(const schedule *s, const sch_page *p, char *buf, size_t room);

static inline const char *emit_text(const schedule *s, uint32_t at) { return s->text + at; }

#endif
