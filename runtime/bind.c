/* From a file or a number to a source page. */
#include "bind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lang/source.h"
#include "csv.h"
#include "instance.h"
#include "iofile.h"
#include "mtx.h"
#include "npy.h"
#include "number.h"

void binding_free(binding *b)
{
	free(b->path);
	free(b->columns);
	array_free(&b->data);
	b->path = b->columns = NULL;
}

int find_page(mmsb_instance *inst, const char *name, mmsb_error *err)
{
	int id = mmsb_page(inst, name);
	if (id >= 0)
		return id;
	lang_nearest nearest = lang_nearest_to(name);
	mmsb_info info;
	for (int i = 0; i < mmsb_page_count(inst); i++)
		if (mmsb_page_info(inst, i, &info) == MMSB_OK)
			lang_nearest_offer(&nearest, info.name);
	if (nearest.best != NULL)
		fail(err, MMSB_NAME, "there is no page '%s'; did you mean '%s'?", name, nearest.best);
	else
		fail(err, MMSB_NAME, "there is no page '%s'", name);
	return -1;
}

/* ---- opening ----------------------------------------------------------------------------------- */

static bool is_integer(unsigned type)
{
	return type < T_COUNT && (type_table[type].kind == KIND_S || type_table[type].kind == KIND_U);
}

/* field: of a record page; NULL: its only value. */
static int wrong_type(const binding *b, const mmsb_info *info, const mmsb_field *field, int file_type, mmsb_error *err)
{
	int page_type = field != NULL ? field->type : info->type;
	bool is_index = field != NULL ? field->is_index : info->is_index;
	const char *holds = file_type < T_COUNT ? type_table[file_type].name : "records";
	const char *dot = field != NULL ? "." : "", *name = field != NULL ? field->name : "";
	if (page_type == MMSB_RECORD || file_type == T_COUNT)
		return fail(err, MMSB_TYPE, "%s: page '%s' holds %s, and the file %s", b->path, info->name,
		            page_type < T_COUNT ? type_table[page_type].name : "records", holds);
	if (is_index)
		return fail(err, MMSB_TYPE, "%s: page '%s%s%s' holds indices, which any integers can be, and the file %s", b->path,
		            info->name, dot, name, holds);
	return fail(err, MMSB_TYPE, "%s: page '%s%s%s' is of type %s, and the file holds %s; convert it, as with .astype('%s')", b->path,
	            info->name, dot, name, type_table[page_type].name, holds, type_table[page_type].npy);
}

static const array_field *find_field(const array *a, const char *name)
{
	for (unsigned i = 0; i < a->n_fields; i++)
		if (strcmp(a->fields[i].name, name) == 0)
			return &a->fields[i];
	return NULL;
}

/* A .npy holds the page's own type; for index(D) any integers. */
static int check_types(const binding *b, const mmsb_info *info, mmsb_error *err)
{
	const array *a = &b->data;
	bool record = info->type == MMSB_RECORD;
	if (record != (a->type == T_COUNT))
		return wrong_type(b, info, NULL, a->type, err);
	if (!record)
		return a->type == info->type || (info->is_index && is_integer(a->type))
		               ? MMSB_OK
		               : wrong_type(b, info, NULL, a->type, err);
	for (unsigned i = 0; i < info->n_fields; i++) {
		const mmsb_field *f = &info->fields[i];
		const array_field *have = find_field(a, f->name);
		if (have == NULL)
			return fail(err, MMSB_TYPE, "%s: page '%s' has a field '%s', and the file has none of that name", b->path, info->name,
			            f->name);
		if (have->type != f->type && !(f->is_index && is_integer(have->type)))
			return wrong_type(b, info, f, have->type, err);
	}
	if (a->n_fields > info->n_fields)
		return fail(err, MMSB_TYPE, "%s: the file has %u fields, and the records of page '%s' have %u", b->path, a->n_fields,
		            info->name, info->n_fields);
	return MMSB_OK;
}

static int read_file(binding *b, const mmsb_info *info, mmsb_error *err)
{
	bool npy = path_ends(b->path, ".npy");
	if (npy && info->sparse)
		return fail(err, MMSB_TYPE, "%s: page '%s' is sparse: give it a .mtx file, or a .csv with row, col and value", b->path,
		            info->name);
	file_bytes bytes;
	int status = file_read(b->path, &bytes, err);
	if (status != MMSB_OK)
		return status;
	array_want want = {.page = info, .path = b->path, .columns = b->columns};
	if (npy)
		status = npy_parse(&bytes, b->path, &b->data, err);
	else if (path_ends(b->path, ".mtx"))
		status = mtx_parse(&bytes, &want, &b->data, err);
	else
		status = csv_parse(&bytes, &want, &b->data, err);
	file_bytes_free(&bytes);
	return status == MMSB_OK && npy ? check_types(b, info, err) : status;
}

static int is_no_source(const char *source, const mmsb_info *info, mmsb_error *err)
{
	return fail(err, MMSB_INPUT, "page '%s': '%s' is neither a .npy, .csv or .mtx file nor a %s", info->name, source,
	            info->type == MMSB_BOOL ? "bool" : "number");
}

/* The whole source is a path, or FILE.csv:COLUMNS. */
static int open_file(binding *b, const mmsb_info *info, const char *source, const char *beside, mmsb_error *err)
{
	const char *columns = NULL;
	if (!path_ends(source, ".npy") && !path_ends(source, ".csv") && !path_ends(source, ".mtx")) {
		for (const char *p = strchr(source, ':'); p != NULL; p = strchr(p + 1, ':'))
			if (p - source > 4 && strncmp(p - 4, ".csv", 4) == 0)
				columns = p + 1;
		if (columns == NULL)
			return is_no_source(source, info, err);
		if (*columns == '\0')
			return fail(err, MMSB_INPUT, "page '%s': '%s' names no column behind the colon", info->name, source);
	}
	char *path = columns == NULL ? strdup(source) : strndup(source, (size_t)(columns - 1 - source));
	if (path != NULL && beside != NULL) {
		b->path = path_beside(beside, path);
		free(path);
	} else {
		b->path = path;
	}
	if (columns != NULL)
		b->columns = strdup(columns);
	if (b->path == NULL || (columns != NULL && b->columns == NULL))
		return fail_memory(err, strlen(source), source);
	return read_file(b, info, err);
}

int binding_open(binding *b, mmsb_instance *inst, const char *page_name, const char *source, const char *beside, mmsb_error *err)
{
	mmsb_info info;
	b->page = find_page(inst, page_name, err);
	if (b->page < 0 || mmsb_page_info(inst, b->page, &info) != MMSB_OK)
		return MMSB_NAME;
	if (info.role != MMSB_IN)
		return fail(err, MMSB_INPUT, "page '%s' is no source: it follows from other pages", info.name);
	bool fillable = info.type != MMSB_RECORD && !info.sparse;
	unsigned type = fillable ? (unsigned)info.type : T_F64;
	number_result result = number_parse(source, source + strlen(source), type, NUMBER_STRICT, &b->fill);
	if (result == NUMBER_SYNTAX) {
		int status = open_file(b, &info, source, beside, err);
		if (status == MMSB_OK && !(info.sparse && b->data.ndim == 0))
			status = mmsb_set_shape(inst, b->page, b->data.ndim, b->data.shape, b->path, err);
		return status;
	}
	if (!fillable)
		return fail(err, MMSB_TYPE, "page '%s' %s: a number cannot fill it; give it a file", info.name,
		            info.sparse ? "is sparse" : "holds records");
	char why[120];
	if (result == NUMBER_NOT_WHOLE && info.is_index)
		return fail(err, MMSB_INPUT, "page '%s': '%s' is no index", info.name, source);
	if (result != NUMBER_OK)
		return fail(err, MMSB_INPUT, "page '%s': '%s' %s", info.name, source, number_explain(result, type, why, sizeof why));
	return MMSB_OK;
}

/* ---- writing ----------------------------------------------------------------------------------- */

/* Fills in the place of an error, and writes it as "[3, 5]". */
static const char *place_text(const mmsb_info *info, uint64_t at, mmsb_error *place, char *out, size_t size)
{
	for (unsigned k = info->ndim; k-- > 0;) {
		place->index[k] = at % info->shape[k];
		at /= info->shape[k];
	}
	place->ndim = info->ndim;
	size_t n = (size_t)snprintf(out, size, "[");
	for (unsigned k = 0; k < info->ndim; k++)
		n += (size_t)snprintf(out + n, size - n, "%s%llu", k > 0 ? ", " : "", (unsigned long long)place->index[k]);
	snprintf(out + n, size - n, "]");
	return out;
}

/* "the value", or "the value at [3]". */
static int bad_index(const binding *b, const mmsb_info *info, const char *field, uint64_t at, const char *value, uint64_t range,
                     mmsb_error *err)
{
	char where[240];
	mmsb_error place = {.page = b->page};
	place_text(info, at, &place, where, sizeof where);
	fail(err, MMSB_RANGE, "%s%spage '%s%s%s': the value %s%s%s is no index: it must lie between 0 and %llu",
	     b->path != NULL ? b->path : "", b->path != NULL ? ": " : "", info->name, field != NULL ? "." : "",
	     field != NULL ? field : "", value, info->ndim > 0 ? " at " : "", info->ndim > 0 ? where : "",
	     (unsigned long long)(range - 1));
	if (range == 0)
		fail(err, MMSB_RANGE, "page '%s': no value can be an index of a dimension without elements", info->name);
	if (err != NULL) {
		err->page = place.page;
		err->ndim = place.ndim;
		memcpy(err->index, place.index, sizeof err->index);
	}
	return MMSB_RANGE;
}

/* One integer column, from `from` apart by `step`, to u32 apart by `gap`; to may be from. Each must be an index below range. */
static int convert_indices(const binding *b, const mmsb_info *info, const char *field, uint64_t range, unsigned type,
                           const uint8_t *from, size_t step, uint8_t *to, size_t gap, mmsb_error *err)
{
	unsigned width = type_table[type].bytes * 8u;
	bool is_signed = type_table[type].kind == KIND_S;
	for (uint64_t i = 0; i < b->data.count; i++, from += step, to += gap) {
		scalar v = number_load(from, type);
		bool negative = is_signed && v.bits >> (width - 1) != 0;
		if (negative || v.bits >= range) {
			char text[NUMBER_ROOM + 1];
			text[number_print(text, type, v)] = '\0';
			return bad_index(b, info, field, i, text, range, err);
		}
		memcpy(to, &v, 4);
	}
	return MMSB_OK;
}

/* Records as the file has them, to records as the page has them. */
static int convert_records(const binding *b, const mmsb_info *info, uint8_t *to, mmsb_error *err)
{
	const array *a = &b->data;
	for (unsigned i = 0; i < info->n_fields; i++) {
		const mmsb_field *f = &info->fields[i];
		const array_field *have = find_field(a, f->name);
		/* a .csv was read into the page's own layout */
		unsigned type = have != NULL ? have->type : (unsigned)f->type;
		const uint8_t *from = a->data + (have != NULL ? have->offset : f->offset);
		uint8_t *put = to + f->offset;
		if (f->is_index) {
			int status = convert_indices(b, info, f->name, f->range, type, from, a->element, put, info->element, err);
			if (status != MMSB_OK)
				return status;
			continue;
		}
		size_t width = type_table[type].bytes;
		for (uint64_t k = 0; k < a->count; k++)
			memcpy(put + k * info->element, from + k * a->element, width);
	}
	return MMSB_OK;
}

static int write_dense(binding *b, mmsb_instance *inst, const mmsb_info *info, mmsb_error *err)
{
	array *a = &b->data;
	uint8_t *converted = NULL;
	int status = MMSB_OK;
	if (a->count != info->count)
		return fail(err, MMSB_SHAPE, "%s: page '%s' has %llu elements, and the file %llu", b->path, info->name,
		            (unsigned long long)info->count, (unsigned long long)a->count);
	if (info->type == MMSB_RECORD || info->is_index) {
		converted = calloc(a->count + 1, info->element);
		if (converted == NULL)
			return fail_memory(err, a->count * info->element, info->name);
		status = info->is_index ? convert_indices(b, info, NULL, info->range, a->type, a->data, a->element, converted, 4, err)
		                        : convert_records(b, info, converted, err);
	}
	if (status == MMSB_OK)
		status = mmsb_write(inst, b->page, 0, a->count, converted != NULL ? converted : a->data, err);
	free(converted);
	return status;
}

static int write_sparse(binding *b, mmsb_instance *inst, const mmsb_info *info, mmsb_error *err)
{
	array *a = &b->data;
	for (uint64_t i = 0; i < a->count; i++) {
		char text[NUMBER_ROOM + 1];
		if (a->row[i] >= info->shape[0] || a->col[i] >= info->shape[1])
			return fail(err, MMSB_RANGE, "%s: page '%s' has %llu rows and %llu columns, and there is no entry (%llu, %llu)", b->path,
			            info->name, (unsigned long long)info->shape[0], (unsigned long long)info->shape[1],
			            (unsigned long long)a->row[i], (unsigned long long)a->col[i]);
		if (!info->is_index)
			continue;
		scalar v = number_load(a->data + i * a->element, a->type);
		if (v.bits < info->range)
			continue;
		text[number_print(text, a->type, v)] = '\0';
		return bad_index(b, info, NULL, a->row[i] * info->shape[1] + a->col[i], text, info->range, err);
	}
	return mmsb_insert(inst, b->page, a->count, a->row, a->col, a->element == 0 ? NULL : a->data, err);
}

/* One number for the whole page. */
static int write_fill(binding *b, mmsb_instance *inst, const mmsb_info *info, mmsb_error *err)
{
	enum { PIECE = 1 << 16 };
	if (info->count == 0)
		return MMSB_OK;
	if (info->is_index && b->fill.bits >= info->range) {
		char text[NUMBER_ROOM + 1];
		text[number_print(text, (unsigned)info->type, b->fill)] = '\0';
		return bad_index(b, info, NULL, 0, text, info->range, err);
	}
	size_t n = info->count < PIECE ? info->count : PIECE;
	uint8_t *piece = malloc(n * info->element);
	if (piece == NULL)
		return fail_memory(err, n * info->element, info->name);
	for (size_t i = 0; i < n; i++)
		number_store(piece + i * info->element, (unsigned)info->type, b->fill);
	int status = MMSB_OK;
	for (uint64_t at = 0; at < info->count && status == MMSB_OK; at += n) {
		n = info->count - at < n ? info->count - at : n;
		status = mmsb_write(inst, b->page, at, n, piece, err);
	}
	free(piece);
	return status;
}

int binding_write(binding *b, mmsb_instance *inst, mmsb_error *err)
{
	mmsb_info info;
	if (mmsb_page_info(inst, b->page, &info) != MMSB_OK)
		return fail(err, MMSB_NAME, "there is no page %d", b->page);
	int status;
	if (b->path == NULL)
		status = write_fill(b, inst, &info, err);
	else if (info.sparse)
		status = write_sparse(b, inst, &info, err);
	else
		status = write_dense(b, inst, &info, err);
	binding_free(b);
	return status;
}
