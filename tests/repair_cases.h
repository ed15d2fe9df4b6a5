/* repair_cases.h - programs with an exact fixpoint x, the inputs of each, and algorithms that find its value another way. */
#ifndef MMSB_TESTS_REPAIR_CASES_H
#define MMSB_TESTS_REPAIR_CASES_H

#include <stdbool.h>
#include <stdint.h>

#include "../runtime/mmsb.h"

/* Values of the inputs: matrices of n x n, row-major; an entry that is not there is nan. */
typedef struct model {
	uint64_t n;
	double *w[2], *d, *c;
	uint8_t *b;
	uint32_t *next;
	int32_t *s[2];
} model;

void model_new(model *, uint64_t n);
void model_copy(model *to, const model *from);
void model_free(model *);

typedef struct repair_case {
	const char *name;
	const char *text;    /* its declarations and edge; NULL: terms at random */
	const char *inputs;  /* W and V sparse, D dense, c vector of the type, b bool, k next, s and t strings */
	char type;           /* f: f64, i: i64, c: i8 */
	bool most;           /* more is better */
	bool unit;           /* weights are between 0 and 1 */
	bool rare;           /* few of b are true */
	bool pattern;        /* sparse pages are of bool: entries without values */
	bool graph, table, can_fail;
	const char *(*reference)(const model *, const void *x); /* NULL, or what is wrong */
} repair_case;

extern const repair_case repair_cases[];
extern const unsigned n_repair_cases;

/* The whole program. */
void repair_case_text(const repair_case *, char *out, size_t size, uint64_t (*draw)(void));
mmsb_instance *repair_case_instance(const char *text, double n, bool scratch);

#endif
