/* naive.h - an independent evaluator of checked programs: slow, and written to be obviously right. It walks the
 * expression tree of every element of every page in every epoch, and has its own text for everything that language.md says
 * but the elementary functions, which are a definition. The property tests hold the real executor against it. */
#ifndef MMSB_TESTS_NAIVE_H
#define MMSB_TESTS_NAIVE_H

#include "../lang/program.h"

/* The values of a page at one time. A sparse page has coordinates, sorted by row and column, and a value for each. */
typedef struct naive_table {
	size_t n;
	uint64_t *row, *col;    /* sparse, else NULL */
	unsigned char *data;    /* n elements of the page's element size */
} naive_table;

typedef struct naive_page {
	const p_page *page;
	size_t bytes;           /* of an element */
	uint64_t dims[MAX_DIMS];
	naive_table now, before, older; /* this epoch, the one before, the one before that */
} naive_page;

typedef struct naive_delta {
	uint32_t page;
	int32_t field;          /* of a record, or -1 */
	bool erase;
	uint64_t at, col;       /* row-major position; sparse: row and column */
	unsigned char *value;
} naive_delta;

typedef struct naive {
	const p_program *program;
	scalar *params;         /* by id */
	int64_t *sizes;         /* by id */
	naive_page *pages;      /* by id */
	int64_t *vars;          /* by id of the variable: its value now */
	uint32_t n_vars;
	naive_delta *staged;
	size_t n_staged, room_staged;
	uint64_t epoch;         /* that stand */
	bool failed;            /* the epoch that is being evaluated */
	bool broken;            /* something that must never happen did: why says what */
	char why[256];
} naive;

/* params: by id, `given` says which have a value (the others take their init). The program must outlive it. Out of
 * memory ends the program: this is a test. NULL when a size is negative or a param has no value. */
naive *naive_new(const p_program *program, const scalar *params, const bool *given);
void naive_free(naive *n);

/* Staged for the next commit: an element (or one field of a record) of a dense source page, ... */
void naive_set(naive *n, uint32_t page, int32_t field, uint64_t position, const void *value);
/* ... an entry of a sparse one; value NULL with erase. */
void naive_entry(naive *n, uint32_t page, uint64_t row, uint64_t col, const void *value, bool erase);

/* One epoch of what is staged. False: it failed, why says why, the state is as before. */
bool naive_commit(naive *n);

/* One epoch whose outcome is known: the sources change, if it stands, and no edge is evaluated. For programs too large for
 * this evaluator, whose sources are still to be known. */
void naive_follow(naive *n, bool stands);

/* ---- between the files of the evaluator ---- */

void *naive_room(void *old, size_t count, size_t size);
void naive_fail(naive *n, const p_expr *at, const char *what);
scalar naive_eval(naive *n, const p_expr *expr);
void naive_eval_record(naive *n, const p_expr *expr, unsigned char *out);
void naive_bind(naive *n, const p_var *var, int64_t value);
size_t naive_find(const naive_table *table, uint64_t row, uint64_t col); /* SIZE_MAX: not there */

/* naive_scalar.c: operators on single values; *failed is set by what fails the epoch. */
scalar naive_op(op_id op, type_id operands, const scalar *args, bool *failed);
scalar naive_convert(scalar value, type_id from, type_id to);
scalar naive_canonical(scalar value, type_id type);
bool naive_guard(guard_id kind, scalar value, type_id type);
bool naive_better(op_id op, scalar a, scalar b, type_id type); /* a before b, for argmin or argmax */

#endif
