/* verify.h - what verify.c (tables) and verify_kernel.c (kernels) share. Internal. */
#ifndef MMSB_VERIFY_H
#define MMSB_VERIFY_H

#include "mmsb.h"
#include "schedule.h"

typedef struct verifier {
	const schedule *s;
	mmsb_error *err;
	const sch_page *page;     /* that the kernel in hand computes, or NULL */
	const sch_kernel *kernel; /* in hand */
	uint32_t *ranges;         /* per register: the size id below which its value lies, or NONE */
	uint8_t *scopes;          /* per register: unwritten, visible, out of scope */
	uint8_t *met;             /* per region, then per read of the kernel: each is met exactly once */
	uint32_t n_checked;       /* instructions: each belongs to one region */
	uint32_t region;          /* in hand, kernel-relative */
	uint32_t depth;
} verifier;

/* Reports; returns MMSB_FORMAT. */
int bad(verifier *, const char *what, uint64_t id, const char *rule);

/* Checks one kernel; of: the page it computes, NULL for a constant. Leaves the ranges of its registers in v->ranges. */
int verify_kernel(verifier *, uint32_t kernel, const sch_page *of);

#endif
