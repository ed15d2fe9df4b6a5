/* sparse.h - patterns of sparse pages: which entries there are. Internal.
 *
 * An entry has a *slot* for its life: what belongs to it in row[], col[], in the values of every page of the family (the page that
 * owns the pattern, and those that are `like` it) and in their change sets lies there and never moves. Slots of entries that went are
 * given out again, but not before the next epoch: so a slot that is alive both before and after an epoch is the same entry, and what a
 * slot held can be put back. A row is a list of columns, each with its slot (lists.h); so is a column, of rows, once somebody goes down
 * columns. Changes cost in proportion to themselves; many at once are made by sorting all entries anew. */
#ifndef MMSB_SPARSE_H
#define MMSB_SPARSE_H

#include "bitset.h"
#include "lists.h"

/* An entry that came, or (gone) went; its row and column still stand at its slot then. */
typedef struct entry_change {
	uint32_t row, col, slot;
	uint32_t gone;
} entry_change;

/* The entries that came and went in an epoch; each at most once. */
typedef struct pattern_log {
	uint64_t epoch;
	bool all;               /* they were so many that all was sorted anew */
	bool was_in_order;      /* before it */
	entry_change *at;
	size_t n, capacity;     /* capacity in bytes */
} pattern_log;

typedef struct pattern {
	uint64_t n_rows, n_cols;
	uint64_t n_entries;
	uint64_t n_slots;       /* slots given out so far: entries are among them, the others are holes */
	uint32_t *row, *col;    /* of each slot */
	uint8_t *alive;         /* 1, or 0: a hole */
	size_t cap_row, cap_col, cap_alive; /* in bytes */
	bitset free;            /* slots to be given out again */
	lists rows, cols;       /* mates are slots */
	bool columns;           /* cols is kept */
	bool in_order;          /* the entries, row by row, lie in slots 0, 1, 2, ... */
	uint64_t synced;        /* of a pattern of the epoch before: it is that of the end of this epoch */
	bool lost;              /* ... or of none: to be copied */
	pattern_log log;        /* what the epoch at hand (between commits: the last one) changed; of a pattern of the epoch before: the one before that */
} pattern;

/* An empty pattern. NULL: no memory. */
pattern *pattern_new(uint64_t n_rows, uint64_t n_cols);
void pattern_free(pattern *); /* NULL is allowed */

/* The slot of (row, col), or UINT64_MAX. */
uint64_t pattern_find(const pattern *, uint64_t row, uint64_t col);

static inline bool pattern_holes(const pattern *p) { return p->n_entries < p->n_slots; }

/* Keeps lists of the columns from now on. -1: no memory, and nothing has changed. */
int pattern_columns(pattern *);

/* Room for slots below n; for n entries in the lists; for n changes more in the log. -1: no memory. */
int pattern_reserve(pattern *, uint64_t n_slots);
int pattern_reserve_lists(pattern *, uint64_t n_entries);
int pattern_reserve_log(pattern *, uint64_t n);

/* A slot for an entry more: a hole, or a new one. There is room for it. */
uint32_t pattern_slot(pattern *);

/* Where an entry stands, or would, in the lists of its row and its column. */
typedef struct entry_place {
	uint64_t in_row, in_col;
} entry_place;

/* Puts an entry that is not there into a hole; takes one away. near: where it is likely to be, or NULL. put: -1: no memory, and nothing has changed. */
int pattern_put(pattern *, uint32_t row, uint32_t col, uint32_t slot, const entry_place *near);
void pattern_take(pattern *, uint32_t slot, const entry_place *near);

/* The same for many entries, in two steps: sets what lies at a slot; sorts all entries anew. There is room for them in the lists. */
void pattern_set(pattern *, uint32_t row, uint32_t col, uint32_t slot, bool alive);
void pattern_sort(pattern *);

/* Takes the changes of the log back, which is empty then; cannot fail. Or keeps them: their holes may be used again. */
void pattern_undo(pattern *);
void pattern_keep(pattern *);

/* At the beginning of an epoch: empties the log. `prev` (may be NULL), a pattern of the epoch before, becomes what the pattern is now by
 * what the last epoch changed, and takes that log. -1: no memory; to be called again. */
int pattern_begin(pattern *, pattern *prev, uint64_t epoch);

/* Sets the values at holes to zero. */
void pattern_clear_holes(const pattern *, uint8_t *values, size_t element);

/* Takes holes out of a set of slots. */
void pattern_leave_out_holes(const pattern *, bitset *slots);

/* The values of all entries, row by row. */
void pattern_pack(const pattern *, const uint8_t *values, size_t element, uint8_t *to);

/* For the slot of each entry, row by row. `break` leaves a run of a row (lists.h). */
#define PATTERN_FOR(p, slot)                                                      \
	for (uint64_t slot##_row = 0; slot##_row < (p)->n_rows; slot##_row++)     \
		LISTS_FOR(&(p)->rows, slot##_row, slot##_at)                      \
			for (uint64_t slot = (p)->rows.mate[slot##_at], slot##_once = 1; slot##_once; slot##_once = 0)

#endif
