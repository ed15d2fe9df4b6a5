/* store_bounded.h - reductions of which each element has a part of the operands, those within its bounds: suffixes, long windows, prefixes with a further
 * condition. Elements whose operands are the same ones, those of a *row*, share a tree of all that are present, and combine what they have of it. Internal. */
#ifndef MMSB_STORE_BOUNDED_H
#define MMSB_STORE_BOUNDED_H

#include "bitset.h"
#include "exec.h"

/* constant + position * the operand's + the sum of element * the element's, by variable of the domain, >= 0 */
typedef struct bounded_line {
	int64_t constant, position, element[MAX_DIMS];
} bounded_line;

typedef struct bounded {
	uint32_t var;           /* of the domain: the one in the bounds that has the most values; the others */
	uint32_t others[MAX_DIMS];
	uint32_t n_others, n_lines, n_steps, n_imports;
	bounded_line *lines;
	const step **steps;     /* of the region, that make an operand, in order; those marked `bound` hold for all */
	const import **imports; /* that these need */
} bounded;

struct planner;
struct store;
struct update;

/* Finds out what operands need, and adds the variables of the domain on which they depend to *vars. false: they depend on the element within its row, or
 * have reductions within. */
bool bounded_find(struct planner *, struct store *, uint32_t *vars);

/* Dirty operands; without memory for anything. */
void bounded_update(const struct update *, const bitset *dirty);
void bounded_concern(const struct update *, const bitset *dirty);

/* Elements are to be evaluated: where it is the cheaper way, the rows that they belong to are held from now on. */
void bounded_ask(const struct update *, const bitset *elements);
void bounded_all(const struct update *);

/* store_give. */
uint32_t bounded_give(worker *, run *r, const step *s);

#endif
