/* spans.h - passes whose elements one function of native code computes span by span (native_span.h), ready to run. Internal. */
#ifndef MMSB_SPANS_H
#define MMSB_SPANS_H

#include "exec.h"
#include "native_span.h"

/* One index of a read: constant + a coefficient times each variable, where the last variable is left out. */
typedef struct span_dim {
	int64_t constant, extent, stride;
	int64_t coef[MAX_DIMS];
} span_dim;

typedef struct span_input {
	uint8_t kind, width, view; /* span_kind; read_view */
	bool known;             /* ONE: its value is */
	bool varies;            /* ONE, FIRST: it may differ between elements that are listed */
	bool flat;              /* LANES: in step with the elements of the domain, as long as it is inside its page */
	const read_plan *read;  /* of a page; or NULL */
	uint32_t var;           /* ONE of a variable: which of the domain's */
	scalar value;           /* known; else the value outside the page */
	uint32_t n_dims;        /* 0: the same element, or one of a list (GATHER) */
	const span_dim *dims;
	int64_t lead, step[MAX_DIMS]; /* the position in the page, inside: of the element at 0, and by variable of the domain */
} span_input;

typedef struct span_plan {
	native_fn *fn;
	native_fn *listed;      /* computes 64 elements that are listed, or NULL */
	bool places;            /* ... some operand of theirs asks for variables */
	kernel_plan *folded;    /* the pass after them, whose reduction over all of their elements may be evaluated with them: span_fold.c; or NULL */
	uint32_t first, n_members, n_in, n_out;
	const span_input *in;
	const struct kernel_plan *const *members;
	uint8_t member_of[SPAN_RESULTS], output_of[SPAN_RESULTS];
	uint32_t n_vars;
	int64_t dims[MAX_DIMS]; /* of the domain */
	uint64_t total, row;    /* elements; of what counts as a row: all of them where no operand asks where a row begins */
	double weight;          /* about how many operations an element takes */
} span_plan;

/* A span plan at work: where its operands and results are in this epoch. */
typedef struct span_now {
	const span_plan *plan;
	const uint8_t *base[NATIVE_MOST];
	size_t stride[NATIVE_MOST];
	output_now outputs[SPAN_RESULTS];
	bool fold;              /* with the reduction of plan->folded, by blocks of 2^fold_bits elements */
	unsigned fold_bits;
} span_now;

/* The functions of an executor's passes that can be run with the sizes at hand, once all of its plans are made. False: no memory. */
bool spans_plan(struct executor *);
void span_free(span_plan *);

/* Looks up operands and results (targets: by member). False: some lie in memory as the function cannot take them. */
bool span_ready(span_now *, const struct executor *, const span_plan *, const pass_target *targets);

/* Evaluates elements first .. end-1; adds to changed, by member, how many differ from what was there. */
void span_elements(worker *, const span_now *, uint64_t first, uint64_t end, uint64_t *changed);

/* The same of n listed ones, ascending: span_list.c. Once plan->listed is there. */
void span_list(worker *, const span_now *, const int64_t *list, uint32_t n, uint64_t *changed);

/* span_fold.c: finds plan->folded (false: no memory); whether it can be run along as memory is now, which sets its part of now; on each thread, before elements; the same as
 * span_elements, and the reduction; its value goes to where the pass looks for it. */
bool span_fold_plan(struct executor *, span_plan *);
bool span_fold_begin(struct executor *, span_now *);
void span_fold_worker(worker *, const span_now *);
void span_fold_elements(worker *, const span_now *, uint64_t first, uint64_t end, uint64_t *changed);
void span_fold_end(struct executor *, const span_now *);

/* Evaluates all elements, on one thread or on all. */
void span_run(struct executor *, const span_now *, uint64_t *changed);

#endif
