/*
 * The elementary functions of the language, for f32 and f64: exp log pow sin cos tan asin acos
 * atan atan2 sinh cosh tanh erf normcdf, as mmsb_NAME_f32 and mmsb_NAME_f64. See
 * docs/elementary.md for methods, measured errors and times.
 */
#ifndef MMSB_ELEMENTARY_H
#define MMSB_ELEMENTARY_H

#include "elementary_arc.h"
#include "elementary_base.h"
#include "elementary_erf.h"
#include "elementary_exp.h"
#include "elementary_log.h"
#include "elementary_trig.h"

#endif
