/* progress.h - `--progress`: a bar on standard error for long loads and runs, on a terminal only. */
#ifndef MMSB_PROGRESS_H
#define MMSB_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct progress {
	bool on;
	bool shown;           /* a bar stands on the terminal */
	const char *label;
	uint64_t next;        /* when to draw again, in ns */
} progress;

/* wanted: the option was given; nothing is ever drawn otherwise or when standard error is no terminal. */
void progress_init(progress *, bool wanted);

/* Says how far `label` is: done of total, or done alone where total is 0. Cheap enough for every epoch. */
void progress_at(progress *, const char *label, uint64_t done, uint64_t total);

/* Wipes the bar: before anything else is printed there. */
void progress_clear(progress *);

#endif
