/* watch.h - `--watch`: after each epoch the elements that changed, as delta text that another run can take. */
#ifndef MMSB_WATCH_H
#define MMSB_WATCH_H

#include "iofile.h"

typedef struct watchers watchers;

/* None yet. standard: where "-" goes. NULL: no memory. */
watchers *watchers_new(mmsb_instance *inst, outfile *standard);
void watchers_free(watchers *); /* NULL is allowed; files keep what was written */

/* From the next epoch on, changes of a page go to `path` ("-": standard output). Pages with the same path share it, and its commit lines. */
int watchers_add(watchers *, int page, const char *path, mmsb_error *err);

bool watchers_empty(const watchers *);

/* Writes what the last epoch changed, and `commit`. Failures to write show when the files are flushed or closed. */
int watchers_epoch(watchers *, mmsb_error *err);

/* Hands on what was written so far. */
void watchers_flush(watchers *);

/* Closes the files. MMSB_IO. */
int watchers_close(watchers *, mmsb_error *err);

#endif
