/* rows.h - reductions over rows and columns of sparse pages, list after list: a function of native code computes the operands of many lists that
 * lie side by side (native_rows.h), and they are combined as their course says (course.h). Internal. */
#ifndef MMSB_ROWS_H
#define MMSB_ROWS_H

#include "exec.h"
#include "native_rows.h"

/* Finds the functions of an executor's passes that can be run with the sizes at hand, once all of its plans are made. False: no memory. */
bool rows_plan(struct executor *);
void rows_free(struct row_plan *); /* NULL is allowed */

/* How many functions of native code it runs. */
uint32_t rows_functions(const struct row_plan *);

/* What workers need besides their arena, once plans are made; 0 where no plan has rows. */
size_t rows_room(const struct executor *);

/* Before a pass is evaluated whole: what depends on keys alone is computed, courses that are good for this pass are kept. And after it. */
void rows_begin(struct executor *, const kernel_plan *);
void rows_end(const kernel_plan *);

/* The values of region s->child for the lanes of r, into s->dst. False: not by a function; nothing has been done. */
bool rows_reduce(worker *, run *r, const step *s);

#endif
