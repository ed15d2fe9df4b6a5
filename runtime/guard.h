/* guard.h - expansions of guard.def: what data must satisfy for an exact fixpoint to be one. */
#ifndef MMSB_GUARD_H
#define MMSB_GUARD_H

typedef enum guard_id {
#define GUARD(id, text) GUARD_##id,
#include "guard.def"
#undef GUARD
	GUARD_COUNT
} guard_id;

#endif
