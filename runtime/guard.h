/* guard.h - expansions of guard.def: what data must satisfy for an exact fixpoint to be one. */
#ifndef MMSB_GUARD_H
#define MMSB_GUARD_H

#include <stdbool.h>

typedef enum guard_id {
#define GUARD(id, text) GUARD_##id,
#include "guard.def"
#undef GUARD
	GUARD_COUNT
} guard_id;

/* Whether a value, as f64, satisfies guard_id `guard`. */
static inline bool guard_holds(unsigned guard, double x, bool is_float)
{
	switch ((guard_id)guard) {
	case GUARD_NONNEG: return x >= 0;
	case GUARD_NONPOS: return x <= 0;
	case GUARD_UNIT: return x >= 0 && x <= 1 && !(x == 0 && __builtin_signbit(x));
	case GUARD_GE_ONE: return x >= 1;
	case GUARD_NOT_NAN: return !is_float || x == x;
	case GUARD_NOT_NEGINF: return !is_float || (x == x && x != -__builtin_inf());
	case GUARD_NOT_POSINF: return !is_float || (x == x && x != __builtin_inf());
	case GUARD_NONNEG_FINITE: return x >= 0 && x != __builtin_inf();
	case GUARD_POSITIVE: return x > 0;
	case GUARD_NOT_NEGZERO: return !(x == 0 && __builtin_signbit(x));
	case GUARD_COUNT: break;
	}
	return true;
}

#endif
