/* bind.h - `--in PAGE=SOURCE`: from a file, or a number, to a source page.
 *
 * SOURCE is a .npy, a .csv (FILE.csv:A,B..D takes the columns of these names), a .mtx, or a number that fills the page. */
#ifndef MMSB_BIND_H
#define MMSB_BIND_H

#include "array.h"

typedef struct binding {
	int page;
	char *path;           /* owned; NULL: a number */
	char *columns;        /* owned, or NULL */
	scalar fill;
	array data;
} binding;

/* Reads the source and tells the instance its shape, before sizes are bound. `*b` is zeroed by the caller, and freed by binding_free
 * in any case. beside: a file whose folder relative paths start from, or NULL. MMSB_NAME, MMSB_INPUT, MMSB_TYPE, MMSB_SHAPE, ... */
int binding_open(binding *b, mmsb_instance *inst, const char *page, const char *source, const char *beside, mmsb_error *err);

/* Stages the values, once sizes are bound, and gives their memory back. MMSB_RANGE names the first position whose value is no index. */
int binding_write(binding *b, mmsb_instance *inst, mmsb_error *err);

void binding_free(binding *b);

/* The page of this name, or -1 and an error that suggests the nearest. */
int find_page(mmsb_instance *inst, const char *name, mmsb_error *err);

#endif
