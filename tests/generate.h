/* generate.h - random programs over the whole language, and random data for them, from a seed. Programs are right by
 * construction: the generator knows the type of every expression that it writes and the range of every index. */
#ifndef MMSB_TESTS_GENERATE_H
#define MMSB_TESTS_GENERATE_H

#include "naive.h"

typedef struct rng {
	uint64_t state;
} rng;

uint64_t rng_next(rng *r);
/* 0 .. n-1 */
uint32_t rng_below(rng *r, uint32_t n);
bool rng_chance(rng *r, uint32_t percent);

enum { GENERATE_SIZES = 4 };

/* A program: its text and the values of its sizes (its other params have defaults). */
typedef struct generated {
	char *text;
	uint32_t n_sizes;
	char size_names[GENERATE_SIZES][16];
	int64_t sizes[GENERATE_SIZES];
	bool large;            /* too much for the naive evaluator */
} generated;

generated generate_program(uint64_t seed);
void generated_free(generated *program);

/* How wild a page's values are, so that programs see all worlds; of MOOD_FEW there are so few that they often come again. */
typedef enum mood { MOOD_TAME, MOOD_SMALL, MOOD_WILD, MOOD_FEW, MOOD_COUNT } mood;

/* False: the type has no value (a position along a dimension of size 0). */
bool generate_value(rng *r, const naive *n, const p_type *type, mood m, scalar *out);

/* One delta: an element (a record whole), a field of one, or an entry of a sparse page. */
typedef struct change {
	uint32_t page;
	int32_t field;        /* of a record, or -1 */
	bool erase;
	uint64_t at, col;     /* row-major position; sparse: row and column */
	unsigned char value[64];
} change;

typedef struct changes {
	change *items;
	size_t n, room;
} changes;

/* Random changes of source pages: all of their values in epoch 1; in the others mostly few, in the patterns that generate_delta.c
 * lists. */
void generate_epoch(rng *r, const naive *n, bool first, changes *out);
uint64_t generate_elements(const naive_page *p); /* of the dense page with these dimensions */

/* The same as a delta text, without its `commit`; freed by the caller. */
char *changes_text(const naive *n, const changes *all);

#endif
