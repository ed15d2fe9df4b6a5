/* sparse.c - patterns of sparse pages: rows of entries, sorted, immutable and shared by a family of pages. */
#include <stdlib.h>
#include <string.h>

#include "instance.h"

static void pattern_drop(pattern *p)
{
	free(p->row_start);
	free(p->row);
	free(p->col);
	free(p->col_start);
	free(p->by_col);
	free(p);
}

/* Where each row begins: counts, then their sums. */
static void find_rows(pattern *p)
{
	for (uint64_t e = 0; e < p->n_entries; e++)
		p->row_start[p->row[e] + 1]++;
	for (uint64_t r = 0; r < p->n_rows; r++)
		p->row_start[r + 1] += p->row_start[r];
}

/* Counting sort by column; entries of a column stay in the order of rows. */
static int transpose(pattern *p)
{
	p->col_start = calloc(p->n_cols + 2, sizeof *p->col_start);
	p->by_col = malloc((p->n_entries + 1) * sizeof *p->by_col);
	if (!p->col_start || !p->by_col)
		return -1;
	uint64_t *next = p->col_start + 1; /* next[c]: where the next entry of column c goes; ends as the start of c + 1 */
	for (uint64_t e = 0; e < p->n_entries; e++)
		if (p->col[e] + 1 < p->n_cols)
			next[p->col[e] + 1]++;
	for (uint64_t c = 1; c < p->n_cols; c++)
		next[c] += next[c - 1];
	for (uint64_t e = 0; e < p->n_entries; e++)
		p->by_col[next[p->col[e]]++] = (uint32_t)e;
	return 0;
}

pattern *pattern_new(uint64_t n_rows, uint64_t n_cols, uint64_t n, const uint32_t *row, const uint32_t *col, bool columns)
{
	pattern *p = calloc(1, sizeof *p);
	if (!p)
		return NULL;
	*p = (pattern){.references = 1, .n_rows = n_rows, .n_cols = n_cols, .n_entries = n};
	p->row_start = calloc(n_rows + 1, sizeof *p->row_start);
	p->row = malloc((n + 1) * sizeof *p->row);
	p->col = malloc((n + 1) * sizeof *p->col);
	if (!p->row_start || !p->row || !p->col) {
		pattern_drop(p);
		return NULL;
	}
	if (n) {
		memcpy(p->row, row, n * sizeof *row);
		memcpy(p->col, col, n * sizeof *col);
	}
	find_rows(p);
	if (columns && transpose(p)) {
		pattern_drop(p);
		return NULL;
	}
	return p;
}

pattern *pattern_retain(pattern *p)
{
	if (p)
		p->references++;
	return p;
}

void pattern_release(pattern *p)
{
	if (p && --p->references == 0)
		pattern_drop(p);
}

uint64_t pattern_find(const pattern *p, uint64_t row, uint64_t col)
{
	if (row >= p->n_rows)
		return UINT64_MAX;
	uint64_t low = p->row_start[row], high = p->row_start[row + 1];
	while (low < high) {
		uint64_t mid = low + (high - low) / 2;
		if (p->col[mid] < col)
			low = mid + 1;
		else
			high = mid;
	}
	return low < p->row_start[row + 1] && p->col[low] == col ? low : UINT64_MAX;
}
