/* array.h - what a data file holds, once it is read: the common ground of the readers, and what is bound to pages. */
#ifndef MMSB_ARRAY_H
#define MMSB_ARRAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mmsb.h"
#include "types.h"

typedef struct array_field {
	char *name;           /* owned */
	uint8_t type;         /* type_id */
	size_t offset;        /* bytes within the element */
} array_field;

typedef struct array {
	uint8_t type;         /* type_id; T_COUNT: a record */
	bool sparse;          /* row and col hold the places of the values */
	unsigned ndim;
	uint64_t shape[MAX_DIMS];
	uint64_t count;       /* elements, or entries */
	size_t element;       /* bytes; of a pattern without values: 0 */
	uint8_t *data;        /* count elements in row-major order, in memory; aligned for their type unless a record */
	void *memory;         /* owned */
	uint64_t *row, *col;  /* owned; sorted by row, then column, each place once */
	unsigned n_fields;    /* of a record */
	array_field *fields;  /* owned */
} array;

void array_free(array *); /* of a zeroed array too */

/* What a text reader needs to know of the page it reads for. */
typedef struct array_want {
	const mmsb_info *page;
	const char *path;     /* of the file, as messages show it */
	const char *columns;  /* of a .csv: the ones to take, or NULL */
} array_want;

/* `sparse bool`: entries without values. */
static inline bool is_pattern(const mmsb_info *info) { return info->sparse && info->type == MMSB_BOOL; }

/* The bytes of count elements, or false when there cannot be as many. */
static inline bool array_bytes(uint64_t count, size_t element, size_t *bytes)
{
	return !__builtin_mul_overflow(count, element, bytes) && *bytes <= PTRDIFF_MAX;
}

/* Entries on their way into a sparse array, in the order of the file. */
typedef struct coordinate {
	uint64_t row, col;
	uint64_t line;        /* of the file, for messages about duplicates */
	scalar value;
} coordinate;

typedef struct coordinates {
	coordinate *items;    /* owned */
	uint64_t count, capacity;
} coordinates;

bool coordinates_add(coordinates *, coordinate); /* false: no memory */
void coordinates_free(coordinates *);

/* Sorts the entries and makes *out a sparse array of them, with values of `type` (no_values: without). A place that comes twice is an error
 * that names both lines. Consumes the entries in any case. */
int coordinates_finish(coordinates *, const char *path, unsigned type, bool no_values, array *out, mmsb_error *err);

/* Whether a value is a zero of its type. */
bool scalar_is_zero(unsigned type, scalar value);

#endif
