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
} generated;

generated generate_program(uint64_t seed);
void generated_free(generated *program);

/* One delta: an element, a field of one, or an entry of a sparse page. */
typedef struct change {
	uint32_t page;
	int32_t field;
	bool erase;
	uint64_t at, col;     /* row-major position; sparse: row and column */
	unsigned char value[64];
} change;

typedef struct changes {
	change *items;
	size_t n, room;
} changes;

/* Random changes of source pages: all of their values in epoch 1, a few in the others. */
void generate_epoch(rng *r, const naive *n, bool first, changes *out);

/* The same as a delta text, without its `commit`; freed by the caller. */
char *changes_text(const naive *n, const changes *all);

#endif
