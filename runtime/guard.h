/* guard.h - expansions of guard.def: what data must satisfy for an exact fixpoint to be one. */
#ifndef MMSB_GUARD_H
#define MMSB_GUARD_H

#include <stdbool.h>

typedef enum guard_id {
#define GUARD(id, holds, text) GUARD_##id,
#include "guard.def"
#undef GUARD
	GUARD_COUNT
} guard_id;

/* Whether a value, as f64, satisfies guard_id `guard`. */
static inline bool guard_holds(unsigned guard, double x, bool is_float)
{
	switch ((guard_id)guard) {
#define GUARD_SIGN(x) __builtin_signbit(x)
#define GUARD_INF __builtin_inf()
#define GUARD(id, holds, text) case GUARD_##id: return holds;
#include "guard.def"
#undef GUARD
#undef GUARD_INF
#undef GUARD_SIGN
	case GUARD_COUNT: break;
	}
	return true;
}

#endif
