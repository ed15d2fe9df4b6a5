/* Matrix Market files: reading. */
#include "mtx.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "instance.h"
#include "number.h"

typedef enum symmetry { GENERAL, SYMMETRIC, SKEW } symmetry;

typedef struct reader {
	const char *p, *end;
	const char *line_start;
	uint64_t line;
	const array_want *want;
	mmsb_error *err;
	bool coordinate_form;
	bool pattern_only;    /* the file has no values */
	bool take_values;     /* the page wants those of the file */
	symmetry sym;
	uint64_t rows, cols, n_entries;
	unsigned type;        /* of the page's values */
	coordinates entries;
	uint8_t *dense;       /* instead of entries: rows x cols values of the page's type; owned by the array */
} reader;

typedef struct word {
	const char *at, *end;
} word;

#define BAD(r, where, ...) \
	fail_at((r)->err, MMSB_INPUT, (r)->want->path, (r)->line, (uint64_t)((where) - (r)->line_start) + 1, __VA_ARGS__)
#define BAD_FORMAT(r, where, ...) \
	fail_at((r)->err, MMSB_FORMAT, (r)->want->path, (r)->line, (uint64_t)((where) - (r)->line_start) + 1, __VA_ARGS__)

/* ---- words and lines --------------------------------------------------------------------------- */

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/* The next word of this line; false at its end. */
static bool next_word(reader *r, word *w)
{
	while (r->p < r->end && is_blank(*r->p))
		r->p++;
	w->at = r->p;
	while (r->p < r->end && !is_blank(*r->p) && *r->p != '\n')
		r->p++;
	w->end = r->p;
	return w->end > w->at;
}

/* Goes to the beginning of the next line that holds something; false at the end of the file. */
static bool next_line(reader *r)
{
	while (r->p < r->end) {
		while (r->p < r->end && is_blank(*r->p))
			r->p++;
		if (r->p < r->end && *r->p == '%') {
			const char *newline = memchr(r->p, '\n', (size_t)(r->end - r->p));
			r->p = newline != NULL ? newline : r->end;
		}
		if (r->p == r->end)
			return false;
		if (*r->p != '\n')
			return true;
		r->p++;
		r->line++;
		r->line_start = r->p;
	}
	return false;
}

static bool is_word(const word *w, const char *text)
{
	size_t n = strlen(text);
	return (size_t)(w->end - w->at) == n && strncasecmp(w->at, text, n) == 0;
}

static int take_size(reader *r, const char *what, uint64_t *out)
{
	word w;
	char text[SHOWN_ROOM];
	scalar value;
	if (!next_word(r, &w))
		return BAD(r, w.at, "%s is missing", what);
	if (number_parse(w.at, w.end, T_U64, NUMBER_LENIENT, &value) != NUMBER_OK)
		return BAD(r, w.at, "'%s' is not %s", text_shown(w.at, w.end, text), what);
	*out = value.U64;
	return MMSB_OK;
}

static int line_ends(reader *r)
{
	word w;
	char text[SHOWN_ROOM];
	if (next_word(r, &w))
		return BAD(r, w.at, "'%s' is one word too many in this line", text_shown(w.at, w.end, text));
	return MMSB_OK;
}

static int take_number(reader *r, const word *w, scalar *out)
{
	number_result result = number_parse(w->at, w->end, r->type, NUMBER_LENIENT, out);
	if (result == NUMBER_OK)
		return MMSB_OK;
	char why[120], text[SHOWN_ROOM];
	return BAD(r, w->at, "page '%s': '%s' %s", r->want->page->name, text_shown(w->at, w->end, text),
	           number_explain(result, r->type, why, sizeof why));
}

/* ---- the header -------------------------------------------------------------------------------- */

static int take_banner(reader *r)
{
	word w[5];
	char text[SHOWN_ROOM];
	static const char *const what[] = {"", "matrix", "coordinate or array", "real, integer or pattern",
	                                   "general, symmetric or skew-symmetric"};
	for (unsigned i = 0; i < 5; i++)
		if (!next_word(r, &w[i]) || (i == 0 && !is_word(&w[0], "%%MatrixMarket")))
			return BAD_FORMAT(r, r->p, i == 0 ? "a Matrix Market file begins with %%%%MatrixMarket%s" : "'%s' is missing", what[i]);
	r->coordinate_form = is_word(&w[2], "coordinate");
	r->pattern_only = is_word(&w[3], "pattern");
	r->sym = is_word(&w[4], "symmetric") ? SYMMETRIC : is_word(&w[4], "skew-symmetric") ? SKEW : GENERAL;
	if (!is_word(&w[1], "matrix"))
		return BAD_FORMAT(r, w[1].at, "'%s' is no matrix", text_shown(w[1].at, w[1].end, text));
	if (!r->coordinate_form && !is_word(&w[2], "array"))
		return BAD_FORMAT(r, w[2].at, "'%s' is not %s", text_shown(w[2].at, w[2].end, text), what[2]);
	if (!r->pattern_only && !is_word(&w[3], "real") && !is_word(&w[3], "integer") && !is_word(&w[3], "double"))
		return BAD_FORMAT(r, w[3].at, "'%s' is not %s", text_shown(w[3].at, w[3].end, text), what[3]);
	if (r->sym == GENERAL && !is_word(&w[4], "general"))
		return BAD_FORMAT(r, w[4].at, "'%s' is not %s", text_shown(w[4].at, w[4].end, text), what[4]);
	if (r->pattern_only && (!r->coordinate_form || r->sym == SKEW))
		return BAD_FORMAT(r, w[3].at, "a pattern has coordinates and is not skew-symmetric");
	return line_ends(r);
}

static int take_sizes(reader *r)
{
	int status = take_banner(r);
	if (status != MMSB_OK)
		return status;
	if (!next_line(r))
		return BAD_FORMAT(r, r->p, "the line of sizes is missing");
	status = take_size(r, "the number of rows", &r->rows);
	if (status == MMSB_OK)
		status = take_size(r, "the number of columns", &r->cols);
	if (status == MMSB_OK && r->coordinate_form)
		status = take_size(r, "the number of entries", &r->n_entries);
	if (status == MMSB_OK && r->sym != GENERAL && r->rows != r->cols)
		status = BAD(r, r->line_start, "a symmetric matrix has as many rows as columns");
	return status == MMSB_OK ? line_ends(r) : status;
}

/* ---- entries ----------------------------------------------------------------------------------- */

static bool negate(unsigned type, scalar *v)
{
	const type_facts *facts = &type_table[type];
	unsigned width = facts->bytes * 8u;
	if (facts->kind == KIND_F) {
		v->bits ^= UINT64_C(1) << (width - 1);
		return true;
	}
	bool lowest = facts->kind == KIND_S && v->bits == UINT64_C(1) << (width - 1);
	if (v->bits != 0 && (facts->kind != KIND_S || lowest))
		return false;
	v->bits = (0 - v->bits) & (UINT64_MAX >> (64 - width));
	return true;
}

/* Of an array, any number is a bool: true where it is not zero. */
static bool put(reader *r, uint64_t row, uint64_t col, scalar value)
{
	if (r->want->page->type == MMSB_BOOL && r->type != T_BOOL)
		value = (scalar){.BOOL = !scalar_is_zero(r->type, value)};
	if (r->dense == NULL)
		return coordinates_add(&r->entries, (coordinate){row, col, r->line, value});
	unsigned type = (unsigned)r->want->page->type;
	number_store(r->dense + (row * r->cols + col) * type_table[type].bytes, type, value);
	return true;
}

/* Adds an entry and what symmetry makes of it. */
static int add(reader *r, uint64_t row, uint64_t col, scalar value, const char *at)
{
	bool ok = put(r, row, col, value);
	if (ok && r->sym != GENERAL && row != col) {
		if (r->sym == SKEW && r->take_values && !negate(r->type, &value))
			return BAD(r, at, "page '%s': the mirrored value, with the other sign, does not fit %s", r->want->page->name,
			           type_table[r->type].name);
		ok = put(r, col, row, value);
	}
	return ok ? MMSB_OK : fail_memory(r->err, r->entries.count * sizeof(coordinate), r->want->path);
}

static int take_place(reader *r, const char *what, uint64_t size, uint64_t *out)
{
	while (r->p < r->end && is_blank(*r->p))
		r->p++;
	const char *at = r->p;
	int status = take_size(r, what, out);
	if (status == MMSB_OK && (*out < 1 || *out > size))
		return BAD(r, at, "page '%s': %s %llu is out of range: the matrix has 1 to %llu", r->want->page->name, what,
		           (unsigned long long)*out, (unsigned long long)size);
	--*out;
	return status;
}

static int take_entry(reader *r)
{
	static const char one[] = "1";
	uint64_t row = 0, col = 0;
	word w;
	scalar value = {0};
	int status = take_place(r, "row", r->rows, &row);
	if (status == MMSB_OK)
		status = take_place(r, "column", r->cols, &col);
	if (status != MMSB_OK)
		return status;
	const char *at = r->p;
	if (r->pattern_only && r->take_values)
		status = number_parse(one, one + 1, r->type, NUMBER_STRICT, &value) == NUMBER_OK ? MMSB_OK : MMSB_TYPE;
	else if (!r->pattern_only && !next_word(r, &w))
		status = BAD(r, r->p, "page '%s': this entry has no value", r->want->page->name);
	else if (r->take_values)
		status = take_number(r, &w, &value);
	if (status == MMSB_OK && r->sym == SKEW && row == col && (!r->take_values || !scalar_is_zero(r->type, value)))
		status = BAD(r, at, "a skew-symmetric matrix has no entries on its diagonal");
	if (status == MMSB_OK)
		status = line_ends(r);
	return status == MMSB_OK ? add(r, row, col, value, at) : status;
}

static int take_entries(reader *r)
{
	uint64_t n = 0;
	while (next_line(r)) {
		if (n++ == r->n_entries)
			return BAD(r, r->line_start, "here are more entries than the %llu that the line of sizes promises",
			           (unsigned long long)r->n_entries);
		int status = take_entry(r);
		if (status != MMSB_OK)
			return status;
	}
	if (n < r->n_entries)
		return BAD(r, r->line_start, "the file ends after %llu of %llu entries", (unsigned long long)n,
		           (unsigned long long)r->n_entries);
	return MMSB_OK;
}

/* ---- arrays ------------------------------------------------------------------------------------ */

/* Every value takes at least a byte: what is promised beyond that need not be tried. */
static int array_fits(reader *r)
{
	uint64_t n = r->rows, values;
	bool fits = !__builtin_mul_overflow(r->rows, r->cols, &values);
	if (fits && r->sym != GENERAL)
		values = n / 2 * n - (r->sym == SKEW ? n / 2 : 0); /* at least */
	if (!fits || values > (uint64_t)(r->end - r->p))
		return BAD(r, r->line_start, "the file is too short for %llu x %llu values", (unsigned long long)r->rows,
		           (unsigned long long)r->cols);
	return MMSB_OK;
}

/* The values of an array stand column by column, of a symmetric one from the diagonal down, of a skew one from below it. */
static int take_array(reader *r)
{
	for (uint64_t j = 0; j < r->cols && r->rows > 0; j++)
		for (uint64_t i = r->sym == GENERAL ? 0 : j + (r->sym == SKEW); i < r->rows; i++) {
			word w;
			while (!next_word(r, &w))
				if (!next_line(r))
					return BAD(r, r->p, "the file ends before the value of row %llu, column %llu",
					           (unsigned long long)i + 1, (unsigned long long)j + 1);
			scalar value;
			int status = take_number(r, &w, &value);
			if (status == MMSB_OK && !(r->want->page->sparse && scalar_is_zero(r->type, value)))
				status = add(r, i, j, value, w.at);
			if (status != MMSB_OK)
				return status;
		}
	word w;
	if (next_word(r, &w) || next_line(r))
		return BAD(r, r->p, "here are more values than %llu x %llu", (unsigned long long)r->rows, (unsigned long long)r->cols);
	return MMSB_OK;
}

/* ---- the whole --------------------------------------------------------------------------------- */

static int shape_of(const reader *r, array *out)
{
	const mmsb_info *info = r->want->page;
	out->ndim = info->ndim;
	out->shape[0] = r->rows;
	out->shape[1] = r->cols;
	if (info->ndim == 2)
		return MMSB_OK;
	if (info->ndim == 1 && (r->cols == 1 || r->rows == 1)) {
		out->shape[0] = r->cols == 1 ? r->rows : r->cols;
		return MMSB_OK;
	}
	if (info->ndim == 0 && r->cols == 1 && r->rows == 1)
		return MMSB_OK;
	return fail(r->err, MMSB_SHAPE, "%s: a matrix of %llu x %llu cannot fill page '%s', which has %u dimension%s", r->want->path,
	            (unsigned long long)r->rows, (unsigned long long)r->cols, info->name, info->ndim, info->ndim == 1 ? "" : "s");
}

/* Zeroes for rows x cols values of the page. */
static int make_dense(reader *r, array *out)
{
	size_t bytes = 0;
	out->type = (uint8_t)r->want->page->type;
	out->element = type_table[out->type].bytes;
	bool fits = !__builtin_mul_overflow(r->rows, r->cols, &out->count) && array_bytes(out->count, out->element, &bytes);
	out->memory = out->data = fits ? calloc(bytes + 1, 1) : NULL;
	return out->memory != NULL ? MMSB_OK : fail_memory(r->err, fits ? bytes : SIZE_MAX, r->want->path);
}

/* Spreads the entries over a dense array. */
static int spread(reader *r, array *out)
{
	array s = {.type = 0};
	int status = coordinates_finish(&r->entries, r->want->path, out->type, !r->take_values, &s, r->err);
	if (status == MMSB_OK)
		status = make_dense(r, out);
	for (uint64_t i = 0; status == MMSB_OK && i < s.count; i++) {
		uint8_t *at = out->data + (s.row[i] * r->cols + s.col[i]) * out->element;
		if (r->take_values)
			memcpy(at, s.data + i * out->element, out->element);
		else
			*at = 1;
	}
	array_free(&s);
	return status;
}

static int parse_values(reader *r, array *out)
{
	const mmsb_info *info = r->want->page;
	out->type = (uint8_t)info->type;
	if (r->coordinate_form) {
		int status = take_entries(r);
		if (status != MMSB_OK || !info->sparse)
			return status != MMSB_OK ? status : spread(r, out);
	} else {
		int status = array_fits(r);
		if (status == MMSB_OK && !info->sparse) {
			status = make_dense(r, out);
			r->dense = out->data;
		}
		if (status == MMSB_OK)
			status = take_array(r);
		if (status != MMSB_OK || !info->sparse)
			return status;
	}
	return coordinates_finish(&r->entries, r->want->path, out->type, is_pattern(info), out, r->err);
}

static int parse(reader *r, array *out)
{
	const mmsb_info *info = r->want->page;
	if (info->type == MMSB_RECORD || info->ndim > 2)
		return fail(r->err, MMSB_TYPE, "%s: a Matrix Market file cannot fill page '%s', which %s", r->want->path, info->name,
		            info->ndim > 2 ? "has more than two dimensions" : "holds records");
	int status = take_sizes(r);
	if (status != MMSB_OK)
		return status;
	bool is_bool = info->type == MMSB_BOOL;
	r->type = is_bool && !r->coordinate_form ? T_F64 : (unsigned)info->type;
	r->take_values = !is_bool || !r->coordinate_form;
	status = shape_of(r, out);
	return status == MMSB_OK ? parse_values(r, out) : status;
}

int mtx_parse(const file_bytes *text, const array_want *want, array *out, mmsb_error *err)
{
	*out = (array){.type = 0};
	reader r = {.p = text->data, .end = text->data + text->size, .line = 1, .line_start = text->data, .want = want, .err = err};
	int status = parse(&r, out);
	coordinates_free(&r.entries);
	if (status != MMSB_OK)
		array_free(out);
	return status;
}
