/* Comma-separated values: reading. */
#define _GNU_SOURCE /* memmem */
#include "csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instance.h"
#include "number.h"

enum { MOST_COLUMNS = 1 << 24 };
#define SKIP UINT32_MAX

/* A cell without its quotes and the spaces around it. */
typedef struct cell {
	const char *at, *end;
	bool quoted;
	bool last;            /* of its line */
} cell;

typedef struct reader {
	const char *p, *end;
	const char *line_start;
	uint64_t line;
	const array_want *want;
	mmsb_error *err;
	uint32_t n_columns;   /* of the file */
	uint32_t n_slots;     /* values taken from each line */
	uint32_t *slot;       /* of each column of the file: SKIP or its place among the values */
	uint8_t *types;       /* of each slot */
	size_t *offsets;      /* of each slot within the bytes of a line */
	size_t row_bytes;
	uint64_t rows;
	uint8_t *data;
	size_t used, capacity;
	coordinates entries;  /* of a sparse page, instead of data */
} reader;

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static uint64_t column_of(const reader *r, const char *at)
{
	return at < r->line_start ? 1 : (uint64_t)(at - r->line_start) + 1;
}

#define BAD(r, at, ...) fail_at((r)->err, MMSB_INPUT, (r)->want->path, (r)->line, column_of(r, at), __VA_ARGS__)

/* ---- cells ------------------------------------------------------------------------------------- */

/* Takes a cell in quotes: doubled ones stay as they are, for nothing that is looked at has any. */
static int take_quoted(reader *r, cell *c)
{
	const char *open = r->p++;
	c->quoted = true;
	c->at = r->p;
	uint64_t lines = 0;
	for (; r->p < r->end; r->p++) {
		bool twice = r->p + 1 < r->end && r->p[1] == '"';
		if (*r->p == '"' && !twice)
			break;
		r->p += *r->p == '"';
		lines += *r->p == '\n';
	}
	if (r->p == r->end)
		return BAD(r, open, "this quote is not closed");
	c->end = r->p++;
	while (r->p < r->end && is_space(*r->p))
		r->p++;
	if (r->p < r->end && *r->p != ',' && *r->p != '\n')
		return BAD(r, r->p, "behind a closing quote stands a comma or the end of the line");
	r->line += lines;
	if (lines > 0)
		r->line_start = c->end;
	return MMSB_OK;
}

/* Takes the next cell and what ends it. */
static int take_cell(reader *r, cell *c)
{
	while (r->p < r->end && is_space(*r->p))
		r->p++;
	c->quoted = false;
	if (r->p < r->end && *r->p == '"') {
		int status = take_quoted(r, c);
		if (status != MMSB_OK)
			return status;
	} else {
		c->at = r->p;
		while (r->p < r->end && *r->p != ',' && *r->p != '\n')
			r->p++;
		c->end = r->p;
	}
	while (c->end > c->at && is_space(c->end[-1]))
		c->end--;
	while (c->at < c->end && is_space(*c->at))
		c->at++;
	c->last = r->p == r->end || *r->p == '\n';
	if (r->p < r->end)
		r->p++;
	return MMSB_OK;
}

/* Goes to the next line that has something in it; false at the end. blank: how many lines were passed over. */
static bool next_line(reader *r, uint64_t *blank)
{
	*blank = 0;
	while (r->p < r->end) {
		r->line++;
		r->line_start = r->p;
		const char *p = r->p;
		while (p < r->end && is_space(*p))
			p++;
		if (p < r->end && *p != '\n')
			return true;
		r->p = p < r->end ? p + 1 : p;
		++*blank;
	}
	return false;
}

static bool is_name(const cell *c, const char *name, size_t length)
{
	return (size_t)(c->end - c->at) == length && memcmp(c->at, name, length) == 0;
}

/* ---- the header -------------------------------------------------------------------------------- */

static bool looks_like_name(const cell *c)
{
	scalar value;
	unsigned first = (unsigned char)*c->at;
	bool letter = (first | 0x20) - 'a' < 26 || first == '_' || first == '#' || first >= 0x80 || c->quoted;
	return letter && number_parse(c->at, c->end, T_F64, NUMBER_LENIENT, &value) == NUMBER_SYNTAX;
}

/* Reads the first line's cells; *header: no cell is a number and one is a name. */
static int first_line(reader *r, cell **cells, bool *header)
{
	uint32_t capacity = 0;
	uint32_t names = 0, others = 0;
	for (cell c = {.last = false}; !c.last;) {
		int status = take_cell(r, &c);
		if (status != MMSB_OK)
			return status;
		if (r->n_columns == capacity) {
			if (capacity >= MOST_COLUMNS)
				return BAD(r, c.at, "more than %d columns", MOST_COLUMNS);
			capacity = capacity * 2 + 16;
			cell *larger = realloc(*cells, capacity * sizeof **cells);
			if (larger == NULL)
				return fail_memory(r->err, capacity * sizeof **cells, r->want->path);
			*cells = larger;
		}
		(*cells)[r->n_columns++] = c;
		if (c.at < c.end) {
			names += looks_like_name(&c);
			others += !looks_like_name(&c);
		}
	}
	*header = names > 0 && others == 0;
	return MMSB_OK;
}

static int find_column(reader *r, const cell *cells, const char *name, size_t length, uint32_t *found)
{
	*found = SKIP;
	for (uint32_t i = 0; i < r->n_columns; i++)
		if (is_name(&cells[i], name, length)) {
			if (*found != SKIP)
				return BAD(r, cells[i].at, "two columns are named '%.*s'", (int)length, name);
			*found = i;
		}
	return MMSB_OK;
}

static int need_column(reader *r, const cell *cells, const char *name, size_t length, uint32_t *found)
{
	int status = find_column(r, cells, name, length, found);
	if (status == MMSB_OK && *found == SKIP)
		return BAD(r, r->line_start, "page '%s': no column of this header is named '%.*s'", r->want->page->name,
		           length < 100 ? (int)length : 100, name);
	return status;
}

static int take_column(reader *r, const cell *cells, uint32_t at)
{
	char text[SHOWN_ROOM];
	if (r->slot[at] != SKIP)
		return BAD(r, cells[at].at, "column '%s' is named twice", text_shown(cells[at].at, cells[at].end, text));
	r->slot[at] = r->n_slots++;
	return MMSB_OK;
}

/* "A,B" and "A..D". */
static int select_columns(reader *r, const cell *cells)
{
	for (const char *p = r->want->columns; *p != '\0';) {
		size_t length = strcspn(p, ",");
		const char *dots = memmem(p, length, "..", 2);
		uint32_t from, to;
		int status = need_column(r, cells, p, dots != NULL ? (size_t)(dots - p) : length, &from);
		if (status != MMSB_OK)
			return status;
		to = from;
		if (dots != NULL)
			status = need_column(r, cells, dots + 2, length - (size_t)(dots + 2 - p), &to);
		if (status == MMSB_OK && to < from)
			return BAD(r, cells[to].at, "'%.*s': the first column stands behind the last one", (int)length, p);
		for (uint32_t i = from; i <= to && status == MMSB_OK; i++)
			status = take_column(r, cells, i);
		if (status != MMSB_OK)
			return status;
		p += length + (p[length] == ',');
	}
	return MMSB_OK;
}

static int select_fields(reader *r, const cell *cells)
{
	const mmsb_info *info = r->want->page;
	for (unsigned f = 0; f < info->n_fields; f++) {
		uint32_t at;
		int status = need_column(r, cells, info->fields[f].name, strlen(info->fields[f].name), &at);
		if (status == MMSB_OK)
			status = take_column(r, cells, at);
		if (status != MMSB_OK)
			return status;
	}
	return MMSB_OK;
}

static int select_entries(reader *r, const cell *cells, bool header)
{
	static const char *const names[] = {"row", "col", "value"};
	uint32_t found[3] = {SKIP, SKIP, SKIP};
	bool all = header;
	unsigned wanted = is_pattern(r->want->page) ? 2 : 3;
	for (unsigned i = 0; i < wanted && header; i++) {
		int status = find_column(r, cells, names[i], strlen(names[i]), &found[i]);
		if (status != MMSB_OK)
			return status;
		all &= found[i] != SKIP;
	}
	if (!all && r->n_columns != wanted && !(wanted == 2 && r->n_columns == 3))
		return BAD(r, r->line_start,
		           "page '%s' is sparse: its columns are row, col%s (and this line has %u cells); "
		           "of a file with a header, name them: FILE.csv:ROW,COL%s",
		           r->want->page->name, wanted == 3 ? " and value" : "", r->n_columns, wanted == 3 ? ",VALUE" : "");
	for (unsigned i = 0; i < wanted; i++)
		r->slot[all ? found[i] : i] = r->n_slots++;
	return MMSB_OK;
}

/* Which columns are taken, and where to. */
static int plan_columns(reader *r, const cell *cells, bool header)
{
	const mmsb_info *info = r->want->page;
	bool record = info->type == MMSB_RECORD;
	if ((record || r->want->columns != NULL) && !header)
		return BAD(r, r->line_start, "page '%s': the first line must be a header with the names of the columns", info->name);
	if (record)
		return select_fields(r, cells);
	if (r->want->columns != NULL)
		return select_columns(r, cells);
	if (info->sparse)
		return select_entries(r, cells, header);
	for (uint32_t i = 0; i < r->n_columns; i++)
		r->slot[i] = i;
	r->n_slots = r->n_columns;
	return MMSB_OK;
}

static int plan(reader *r, const cell *cells, bool header)
{
	const mmsb_info *info = r->want->page;
	r->slot = malloc(r->n_columns * sizeof *r->slot);
	r->types = malloc(r->n_columns);
	r->offsets = malloc(r->n_columns * sizeof *r->offsets);
	if (r->slot == NULL || r->types == NULL || r->offsets == NULL)
		return fail_memory(r->err, r->n_columns * 16u, r->want->path);
	memset(r->slot, 0xff, r->n_columns * sizeof *r->slot);
	int status = plan_columns(r, cells, header);
	if (status != MMSB_OK)
		return status;
	if (info->sparse && r->n_slots != (is_pattern(info) ? 2 : 3))
		return BAD(r, r->line_start, "page '%s' is sparse: it takes %d columns", info->name, is_pattern(info) ? 2 : 3);
	for (uint32_t i = 0; i < r->n_slots; i++) {
		bool record = info->type == MMSB_RECORD;
		r->types[i] = (uint8_t)(record ? info->fields[i].type : info->type);
		r->offsets[i] = record ? info->fields[i].offset : i * info->element;
	}
	if (info->sparse)
		r->types[0] = r->types[1] = T_U64;
	r->row_bytes = info->type == MMSB_RECORD ? info->element : r->n_slots * info->element;
	return MMSB_OK;
}

/* ---- values ------------------------------------------------------------------------------------ */

static int cell_value(reader *r, const cell *c, unsigned type, scalar *out)
{
	if (c->at == c->end) {
		static const char nan_text[] = {'n', 'a', 'n'};
		if (type_table[type].kind == KIND_F)
			return number_parse(nan_text, nan_text + 3, type, NUMBER_STRICT, out) == NUMBER_OK ? MMSB_OK : MMSB_TYPE;
		return BAD(r, c->at, "page '%s': the cell is empty, which only floats may be (it is nan then), and this is %s",
		           r->want->page->name, type_table[type].name);
	}
	number_result result = number_parse(c->at, c->end, type, NUMBER_LENIENT, out);
	if (result == NUMBER_OK)
		return MMSB_OK;
	char why[120], text[SHOWN_ROOM];
	return BAD(r, c->at, "page '%s': '%s' %s", r->want->page->name, text_shown(c->at, c->end, text),
	           number_explain(result, type, why, sizeof why));
}

/* Room for one more line of values, zeroed (records may have gaps). */
static uint8_t *row_room(reader *r)
{
	if (r->capacity - r->used < r->row_bytes) {
		if (r->capacity > SIZE_MAX / 4 - r->row_bytes)
			return NULL;
		size_t capacity = r->capacity + r->capacity / 2 + r->row_bytes + 4096;
		uint8_t *larger = realloc(r->data, capacity);
		if (larger == NULL)
			return NULL;
		r->data = larger;
		r->capacity = capacity;
	}
	uint8_t *row = r->data + r->used;
	memset(row, 0, r->row_bytes);
	r->used += r->row_bytes;
	return row;
}

static int too_many_cells(reader *r, const cell *c, uint32_t n)
{
	if (n < r->n_columns)
		return BAD(r, c->end, "page '%s': this line has %u cell%s where the first has %u", r->want->page->name, n,
		           n == 1 ? "" : "s", r->n_columns);
	return BAD(r, c->at, "page '%s': this line has more cells than the %u of the first", r->want->page->name, r->n_columns);
}

static int take_row(reader *r)
{
	bool sparse = r->want->page->sparse;
	uint8_t *row = sparse ? NULL : row_room(r);
	if (row == NULL && !sparse)
		return fail_memory(r->err, r->capacity, r->want->path);
	scalar values[3] = {{0}, {0}, {0}};
	uint64_t line = r->line;
	uint32_t n = 0;
	for (cell c = {.last = false}; !c.last; n++) {
		int status = take_cell(r, &c);
		if (status == MMSB_OK && (n >= r->n_columns || (c.last && n + 1 < r->n_columns)))
			status = too_many_cells(r, &c, n + 1);
		if (status != MMSB_OK)
			return status;
		uint32_t slot = r->slot[n];
		if (slot == SKIP)
			continue;
		scalar value;
		status = cell_value(r, &c, r->types[slot], &value);
		if (status != MMSB_OK)
			return status;
		if (sparse)
			values[slot] = value;
		else
			number_store(row + r->offsets[slot], r->types[slot], value);
	}
	r->rows++;
	if (sparse && !coordinates_add(&r->entries, (coordinate){values[0].U64, values[1].U64, line, values[2]}))
		return fail_memory(r->err, r->entries.capacity * sizeof(coordinate), r->want->path);
	return MMSB_OK;
}

/* Blank lines between the values of a single column are empty cells. */
static int take_blanks(reader *r, uint64_t blank)
{
	if (r->n_columns != 1 || r->want->page->sparse)
		return MMSB_OK;
	for (uint64_t i = 0; i < blank; i++) {
		scalar value;
		cell c = {.at = r->line_start, .end = r->line_start};
		r->line -= blank - i;
		int status = cell_value(r, &c, r->types[0], &value);
		if (status != MMSB_OK)
			return status;
		r->line += blank - i;
		uint8_t *row = row_room(r);
		if (row == NULL)
			return fail_memory(r->err, r->capacity, r->want->path);
		number_store(row + r->offsets[0], r->types[0], value);
		r->rows++;
	}
	return MMSB_OK;
}

/* ---- the whole --------------------------------------------------------------------------------- */

static int take_shape(reader *r, array *out)
{
	const mmsb_info *info = r->want->page;
	uint64_t columns = info->type == MMSB_RECORD ? 1 : r->n_slots;
	out->ndim = info->ndim;
	out->count = r->rows * columns;
	if (info->ndim == 0 && out->count == 1)
		return MMSB_OK;
	if (info->ndim == 1 && (columns <= 1 || r->rows == 1)) {
		out->shape[0] = out->count;
		return MMSB_OK;
	}
	if (info->ndim == 2 && info->type != MMSB_RECORD) {
		out->shape[0] = r->rows;
		out->shape[1] = columns;
		return MMSB_OK;
	}
	static const char *const takes[] = {"is a scalar: it takes one value", "has one dimension: it takes one column, or one row"};
	return fail(r->err, MMSB_SHAPE, "%s: page '%s' %s, and here are %llu row%s of %llu value%s", r->want->path, info->name,
	            info->ndim < 2 ? takes[info->ndim] : "has more dimensions than a .csv file can give (use .npy)",
	            (unsigned long long)r->rows, r->rows == 1 ? "" : "s", (unsigned long long)columns, columns == 1 ? "" : "s");
}

static int read_rows(reader *r)
{
	cell *cells = NULL;
	bool header = false;
	uint64_t blank;
	if (!next_line(r, &blank))
		return r->want->columns == NULL && r->want->page->type != MMSB_RECORD
		               ? MMSB_OK
		               : fail(r->err, MMSB_INPUT, "%s: page '%s': the file is empty and should have a header", r->want->path,
		                      r->want->page->name);
	uint64_t first = r->line;
	const char *start = r->p;
	int status = first_line(r, &cells, &header);
	if (status == MMSB_OK)
		status = plan(r, cells, header);
	free(cells);
	if (status == MMSB_OK && !header) {
		r->p = start;
		r->line = first;
		r->line_start = start;
		status = take_row(r);
	}
	while (status == MMSB_OK && next_line(r, &blank)) {
		if (blank > 0)
			status = take_blanks(r, blank);
		if (status == MMSB_OK)
			status = take_row(r);
	}
	return status;
}

static int finish(reader *r, array *out)
{
	const mmsb_info *info = r->want->page;
	if (info->sparse)
		return coordinates_finish(&r->entries, r->want->path, (unsigned)info->type, is_pattern(info), out, r->err);
	int status = take_shape(r, out);
	if (status != MMSB_OK)
		return status;
	if (r->data == NULL) /* so that there is an address even for nothing */
		r->data = malloc(8);
	if (r->data == NULL)
		return fail_memory(r->err, 8, r->want->path);
	out->type = (uint8_t)(info->type == MMSB_RECORD ? T_COUNT : info->type);
	out->element = info->element;
	out->memory = out->data = r->data;
	r->data = NULL;
	return MMSB_OK;
}

int csv_parse(const file_bytes *text, const array_want *want, array *out, mmsb_error *err)
{
	*out = (array){.type = 0};
	reader r = {.p = text->data, .end = text->data + text->size, .want = want, .err = err};
	if (text->size >= 3 && memcmp(text->data, "\xef\xbb\xbf", 3) == 0)
		r.p += 3;
	r.line_start = r.p;
	int status = read_rows(&r);
	if (status == MMSB_OK)
		status = finish(&r, out);
	free(r.slot);
	free(r.types);
	free(r.offsets);
	free(r.data);
	coordinates_free(&r.entries);
	if (status != MMSB_OK)
		array_free(out);
	return status;
}
