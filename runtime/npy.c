/* NumPy's .npy files. The header is the text of a Python dict; nothing in it is trusted. */
#include "npy.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instance.h"

enum { MOST_FIELDS = 1024, MOST_HEADER = 1 << 20 };

/* What the header says, and where the reading of it stands. */
typedef struct header {
	const char *p, *end;
	const char *path;
	mmsb_error *err;
	array *out;
	uint8_t *swap;        /* for each field (or the only value): the bytes stand the other way round */
	bool fortran;
	bool has_descr, has_order, has_shape;
} header;

static int bad(header *h, int status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int bad(header *h, int status, const char *fmt, ...)
{
	char message[400];
	va_list args;
	va_start(args, fmt);
	vsnprintf(message, sizeof message, fmt, args);
	va_end(args);
	return fail(h->err, status, "%s: %s", h->path, message);
}

static int bad_header(header *h, const char *what)
{
	return bad(h, MMSB_FORMAT, "the header of this .npy file is damaged: %s", what);
}

/* ---- words of the header ----------------------------------------------------------------------- */

static char look(header *h)
{
	while (h->p < h->end && (*h->p == ' ' || *h->p == '\n' || *h->p == '\t' || *h->p == '\r'))
		h->p++;
	return h->p < h->end ? *h->p : '\0';
}

static bool take(header *h, char c)
{
	if (look(h) != c || h->p >= h->end)
		return false;
	h->p++;
	return true;
}

/* A string without escapes, which no name of a type and hardly a name of a field has. */
static bool take_string(header *h, const char **text, size_t *length)
{
	char quote = look(h);
	if (quote == 'u' && h->p + 1 < h->end) { /* Python 2 */
		h->p++;
		quote = *h->p;
	}
	if (quote != '\'' && quote != '"')
		return false;
	const char *from = ++h->p;
	while (h->p < h->end && *h->p != quote && *h->p != '\\')
		h->p++;
	if (h->p == h->end || *h->p != quote)
		return false;
	*text = from;
	*length = (size_t)(h->p++ - from);
	return true;
}

static bool take_word(header *h, const char *word)
{
	size_t n = strlen(word);
	if (look(h) == '\0' || (size_t)(h->end - h->p) < n || memcmp(h->p, word, n) != 0)
		return false;
	h->p += n;
	return true;
}

static bool take_size(header *h, uint64_t *value)
{
	char c = look(h);
	if (c < '0' || c > '9')
		return false;
	*value = 0;
	while (h->p < h->end && *h->p >= '0' && *h->p <= '9') {
		uint64_t digit = (uint64_t)(*h->p++ - '0');
		if (*value > (UINT64_MAX - digit) / 10)
			return false;
		*value = *value * 10 + digit;
	}
	if (h->p < h->end && *h->p == 'L') /* Python 2 */
		h->p++;
	return true;
}

/* ---- types ------------------------------------------------------------------------------------- */

/* '<f8' and the like. *type is T_COUNT for padding ('|V4'), whose bytes are in *bytes. */
static int scalar_type(header *h, const char *text, size_t n, unsigned *type, size_t *bytes, uint8_t *swap)
{
	const char *code = text;
	size_t length = n;
	bool big = false;
	if (length > 0 && strchr("<>|=", *code) != NULL && *code != '\0') {
		big = *code == '>';
		code++;
		length--;
	}
	for (unsigned t = 0; t < T_COUNT; t++)
		if (length == strlen(type_table[t].npy) && memcmp(code, type_table[t].npy, length) == 0) {
			*type = t;
			*bytes = type_table[t].bytes;
			*swap = big && *bytes > 1;
			return MMSB_OK;
		}
	if (length == 1 && *code == '?') {
		*type = T_BOOL;
		*bytes = 1;
		*swap = 0;
		return MMSB_OK;
	}
	if (length >= 2 && length <= 8 && *code == 'V') {
		*type = T_COUNT;
		*bytes = 0;
		for (size_t i = 1; i < length; i++) {
			if (code[i] < '0' || code[i] > '9')
				return bad_header(h, "a size is not a number");
			*bytes = *bytes * 10 + (size_t)(code[i] - '0');
		}
		return MMSB_OK;
	}
	return bad(h, MMSB_TYPE, "dtype '%.*s' is none that pages have (b1, i1 to i8, u1 to u8, f4, f8); convert the array",
	           n < 40 ? (int)n : 40, text);
}

static int add_field(header *h, const char *name, size_t length, unsigned type, size_t offset, uint8_t swap)
{
	array *a = h->out;
	if (a->n_fields == MOST_FIELDS)
		return bad(h, MMSB_TYPE, "more than %d fields", MOST_FIELDS);
	if (a->fields == NULL) {
		a->fields = calloc(MOST_FIELDS, sizeof *a->fields);
		if (a->fields == NULL)
			return fail_memory(h->err, MOST_FIELDS * sizeof *a->fields, h->path);
	}
	for (unsigned i = 0; i < a->n_fields; i++)
		if (strlen(a->fields[i].name) == length && memcmp(a->fields[i].name, name, length) == 0)
			return bad_header(h, "a field comes twice");
	array_field *f = &a->fields[a->n_fields];
	f->name = strndup(name, length);
	if (f->name == NULL)
		return fail_memory(h->err, length, h->path);
	f->type = (uint8_t)type;
	f->offset = offset;
	h->swap[a->n_fields++] = swap;
	return MMSB_OK;
}

/* ('name', '<f4') of a structured dtype; the name may be a pair of title and name; an empty name or V is padding. */
static int take_field(header *h)
{
	const char *name, *code;
	size_t name_length, code_length;
	if (!take(h, '('))
		return bad_header(h, "a field is not a pair of name and type");
	bool titled = take(h, '(');
	if (titled && (!take_string(h, &name, &name_length) || !take(h, ',')))
		return bad_header(h, "a field has no name");
	if (!take_string(h, &name, &name_length) || (titled && !take(h, ')')) || !take(h, ','))
		return bad_header(h, "a field has no name");
	if (look(h) == '[' || look(h) == '{')
		return bad(h, MMSB_TYPE, "field '%.*s' is itself structured; fields of records are numbers",
		           name_length < 60 ? (int)name_length : 60, name);
	unsigned type;
	size_t bytes;
	uint8_t swap;
	if (!take_string(h, &code, &code_length))
		return bad_header(h, "a field has no type");
	int status = scalar_type(h, code, code_length, &type, &bytes, &swap);
	if (status != MMSB_OK)
		return status;
	if (look(h) == ',') {
		h->p++;
		if (look(h) != ')')
			return bad(h, MMSB_TYPE, "field '%.*s' is an array; fields of records are numbers",
			           name_length < 60 ? (int)name_length : 60, name);
	}
	if (!take(h, ')'))
		return bad_header(h, "a field is not closed");
	if (type != T_COUNT)
		status = add_field(h, name, name_length, type, h->out->element, swap);
	h->out->element += bytes;
	return status;
}

static int take_fields(header *h)
{
	h->out->type = T_COUNT;
	while (!take(h, ']')) {
		int status = take_field(h);
		if (status != MMSB_OK)
			return status;
		if (!take(h, ',') && look(h) != ']')
			return bad_header(h, "the list of fields is not closed");
	}
	if (h->out->n_fields == 0)
		return bad(h, MMSB_TYPE, "the structured dtype has no fields");
	return MMSB_OK;
}

static int take_descr(header *h)
{
	const char *code;
	size_t length;
	if (take(h, '['))
		return take_fields(h);
	if (!take_string(h, &code, &length))
		return bad_header(h, "'descr' is neither a type nor a list of fields");
	unsigned type;
	int status = scalar_type(h, code, length, &type, &h->out->element, &h->swap[0]);
	if (status == MMSB_OK && type == T_COUNT)
		return bad(h, MMSB_TYPE, "dtype '%.*s' holds bytes without meaning", (int)length, code);
	h->out->type = (uint8_t)type;
	return status;
}

/* ---- the dict ---------------------------------------------------------------------------------- */

static int take_shape(header *h)
{
	array *a = h->out;
	if (!take(h, '('))
		return bad_header(h, "'shape' is not a tuple");
	while (!take(h, ')')) {
		if (a->ndim == MAX_DIMS)
			return bad(h, MMSB_SHAPE, "the array has more than %d dimensions", MAX_DIMS);
		if (!take_size(h, &a->shape[a->ndim++]))
			return bad_header(h, "a size in 'shape' is not a number below 2^64");
		if (!take(h, ',') && look(h) != ')')
			return bad_header(h, "'shape' is not closed");
	}
	return MMSB_OK;
}

static int take_entry(header *h)
{
	const char *key;
	size_t n;
	if (!take_string(h, &key, &n) || !take(h, ':'))
		return bad_header(h, "a key is missing");
	if (n == 5 && memcmp(key, "descr", 5) == 0 && !h->has_descr) {
		h->has_descr = true;
		return take_descr(h);
	}
	if (n == 5 && memcmp(key, "shape", 5) == 0 && !h->has_shape) {
		h->has_shape = true;
		return take_shape(h);
	}
	if (n == 13 && memcmp(key, "fortran_order", 13) == 0 && !h->has_order) {
		h->has_order = true;
		h->fortran = take_word(h, "True");
		return h->fortran || take_word(h, "False") ? MMSB_OK : bad_header(h, "'fortran_order' is not True or False");
	}
	return bad_header(h, "a key is unknown or comes twice");
}

static int take_dict(header *h)
{
	if (!take(h, '{'))
		return bad_header(h, "it is not a dict");
	while (!take(h, '}')) {
		int status = take_entry(h);
		if (status != MMSB_OK)
			return status;
		if (!take(h, ',') && look(h) != '}')
			return bad_header(h, "the dict is not closed");
	}
	if (!h->has_descr || !h->has_order || !h->has_shape)
		return bad_header(h, "'descr', 'fortran_order' or 'shape' is missing");
	if (look(h) != '\0' || h->p != h->end)
		return bad_header(h, "something follows the dict");
	return MMSB_OK;
}

/* ---- the values -------------------------------------------------------------------------------- */

/* Turns the bytes of every value of a column round. */
static void swap_column(uint8_t *at, uint64_t count, size_t stride, size_t bytes)
{
	for (uint64_t i = 0; i < count; i++, at += stride)
		for (size_t low = 0, high = bytes - 1; low < high; low++, high--) {
			uint8_t kept = at[low];
			at[low] = at[high];
			at[high] = kept;
		}
}

/* Any byte but 0 is true. */
static void tidy_bools(uint8_t *at, uint64_t count, size_t stride)
{
	for (uint64_t i = 0; i < count; i++, at += stride)
		*at = *at != 0;
}

static void tidy(array *a, const uint8_t *swap)
{
	unsigned n = a->type == T_COUNT ? a->n_fields : 1;
	for (unsigned f = 0; f < n; f++) {
		unsigned type = a->type == T_COUNT ? a->fields[f].type : a->type;
		uint8_t *at = a->data + (a->type == T_COUNT ? a->fields[f].offset : 0);
		if (swap[f])
			swap_column(at, a->count, a->element, type_table[type].bytes);
		if (type == T_BOOL)
			tidy_bools(at, a->count, a->element);
	}
}

static inline void copy_element(uint8_t *to, const uint8_t *from, size_t n)
{
	switch (n) {
	case 1: *to = *from; break;
	case 2: memcpy(to, from, 2); break;
	case 4: memcpy(to, from, 4); break;
	case 8: memcpy(to, from, 8); break;
	default: memcpy(to, from, n);
	}
}

/* One plane of the first and the last dimension, in blocks that fit the caches on both sides. */
static void transpose_plane(const array *a, const uint8_t *from, uint8_t *to, uint64_t from_last, uint64_t to_first)
{
	enum { BLOCK = 32 };
	uint64_t rows = a->shape[0], cols = a->shape[a->ndim - 1];
	size_t n = a->element;
	for (uint64_t i0 = 0; i0 < rows; i0 += BLOCK)
		for (uint64_t j0 = 0; j0 < cols; j0 += BLOCK)
			for (uint64_t i = i0; i < rows && i < i0 + BLOCK; i++)
				for (uint64_t j = j0; j < cols && j < j0 + BLOCK; j++)
					copy_element(to + (i * to_first + j) * n, from + (j * from_last + i) * n, n);
}

/* Fortran order to C order, into new memory. */
static int transpose(array *a, const char *path, mmsb_error *err)
{
	uint8_t *to = malloc(a->count * a->element);
	if (to == NULL)
		return fail_memory(err, a->count * a->element, path);
	unsigned last = a->ndim - 1;
	uint64_t from_stride[MAX_DIMS], to_stride[MAX_DIMS], index[MAX_DIMS] = {0};
	from_stride[0] = to_stride[last] = 1;
	for (unsigned k = 1; k <= last; k++) {
		from_stride[k] = from_stride[k - 1] * a->shape[k - 1];
		to_stride[last - k] = to_stride[last - k + 1] * a->shape[last - k + 1];
	}
	for (bool more = true; more;) {
		uint64_t from_at = 0, to_at = 0;
		for (unsigned k = 1; k < last; k++) {
			from_at += index[k] * from_stride[k];
			to_at += index[k] * to_stride[k];
		}
		transpose_plane(a, a->data + from_at * a->element, to + to_at * a->element, from_stride[last], to_stride[0]);
		more = false;
		for (unsigned k = last; k-- > 1 && !more;) {
			more = ++index[k] < a->shape[k];
			if (!more)
				index[k] = 0;
		}
	}
	free(a->memory);
	a->memory = a->data = to;
	return MMSB_OK;
}

/* ---- the file ---------------------------------------------------------------------------------- */

/* Finds the header's text: *from to *to. */
static int find_header(header *h, const file_bytes *bytes, size_t *data)
{
	const uint8_t *b = (const uint8_t *)bytes->data;
	if (bytes->size < 10 || memcmp(b, "\x93NUMPY", 6) != 0)
		return bad(h, MMSB_FORMAT, "this is no .npy file");
	if (b[6] < 1 || b[6] > 3)
		return bad(h, MMSB_FORMAT, "version %d.%d of .npy is not known (1.0 to 3.0 are)", b[6], b[7]);
	size_t start = b[6] == 1 ? 10 : 12, length = (size_t)b[8] | (size_t)b[9] << 8;
	if (bytes->size < start)
		return bad_header(h, "the file ends in it");
	if (b[6] > 1)
		length |= (size_t)b[10] << 16 | (size_t)b[11] << 24;
	if (length > bytes->size - start || length > MOST_HEADER)
		return bad_header(h, "it is longer than the file or than 1 MiB");
	h->p = bytes->data + start;
	h->end = h->p + length;
	*data = start + length;
	return MMSB_OK;
}

static int check_size(header *h, size_t rest)
{
	array *a = h->out;
	a->count = 1;
	bool empty = false;
	for (unsigned k = 0; k < a->ndim; k++)
		empty |= a->shape[k] == 0;
	size_t wanted = 0;
	bool fits = true;
	for (unsigned k = 0; k < a->ndim && !empty && fits; k++)
		fits = !__builtin_mul_overflow(a->count, a->shape[k], &a->count);
	if (empty)
		a->count = 0;
	if (!fits || !array_bytes(a->count, a->element, &wanted) || wanted > rest)
		return bad(h, MMSB_FORMAT, "the file ends early: its header promises more than the %zu bytes of values in it", rest);
	if (wanted < rest)
		return bad(h, MMSB_FORMAT, "the file holds %zu bytes behind the %zu that its header promises", rest - wanted, wanted);
	return MMSB_OK;
}

static int parse(header *h, file_bytes *bytes)
{
	array *a = h->out;
	size_t data = 0;
	int status = find_header(h, bytes, &data);
	if (status == MMSB_OK)
		status = take_dict(h);
	if (status == MMSB_OK)
		status = check_size(h, bytes->size - data);
	if (status != MMSB_OK)
		return status;
	a->memory = bytes->data;
	a->data = (uint8_t *)bytes->data + data;
	*bytes = (file_bytes){NULL, 0};
	if (data % 8 != 0) { /* hand-made: NumPy aligns */
		a->data = a->memory;
		memmove(a->data, a->data + data, a->count * a->element);
	}
	tidy(a, h->swap);
	if (h->fortran && a->ndim > 1 && a->count > 0)
		return transpose(a, h->path, h->err);
	return MMSB_OK;
}

int npy_parse(file_bytes *bytes, const char *path, array *out, mmsb_error *err)
{
	*out = (array){.type = 0};
	header h = {.path = path, .err = err, .out = out, .swap = calloc(MOST_FIELDS, 1)};
	int status = h.swap == NULL ? fail_memory(err, MOST_FIELDS, path) : parse(&h, bytes);
	free(h.swap);
	file_bytes_free(bytes);
	if (status != MMSB_OK)
		array_free(out);
	return status;
}

/* ---- writing ----------------------------------------------------------------------------------- */

/* Text that grows; a failed allocation is remembered. */
typedef struct text {
	char *at;
	size_t used, capacity;
	bool failed;
} text;

static void add(text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(text *t, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0 || t->failed)
		return;
	if (t->used + (size_t)n + 1 > t->capacity) {
		size_t capacity = (t->used + (size_t)n) * 2 + 128;
		char *larger = realloc(t->at, capacity);
		if (larger == NULL) {
			t->failed = true;
			return;
		}
		t->at = larger;
		t->capacity = capacity;
	}
	va_start(args, fmt);
	vsnprintf(t->at + t->used, t->capacity - t->used, fmt, args);
	va_end(args);
	t->used += (size_t)n;
}

static void add_code(text *t, int type)
{
	add(t, "'%c%s'", type_table[type].bytes == 1 ? '|' : '<', type_table[type].npy);
}

static void add_fields(text *t, const mmsb_info *info)
{
	size_t at = 0;
	add(t, "[");
	for (unsigned f = 0; f < info->n_fields; f++) {
		const mmsb_field *field = &info->fields[f];
		if (field->offset > at)
			add(t, "('', '|V%zu'), ", field->offset - at);
		add(t, "('%s', ", field->name);
		add_code(t, field->type);
		add(t, "), ");
		at = field->offset + type_table[field->type].bytes;
	}
	if (info->element > at)
		add(t, "('', '|V%zu')", info->element - at);
	add(t, "]");
}

int npy_write(outfile *out, const mmsb_info *info, const void *data, mmsb_error *err)
{
	text t = {.at = NULL};
	add(&t, "{'descr': ");
	if (info->type == MMSB_RECORD)
		add_fields(&t, info);
	else
		add_code(&t, info->type);
	add(&t, ", 'fortran_order': False, 'shape': (");
	for (unsigned k = 0; k < info->ndim; k++)
		add(&t, "%llu,%s", (unsigned long long)info->shape[k], k + 1 < info->ndim ? " " : "");
	add(&t, "), }");
	size_t length = t.used + 1; /* with the newline */
	length += (64 - (10 + length) % 64) % 64;
	if (t.failed) {
		free(t.at);
		return fail_memory(err, length, "the header of a .npy file");
	}
	if (length > UINT16_MAX) {
		free(t.at);
		return fail(err, MMSB_TYPE, "page '%s' has too many fields for a .npy file of version 1.0", info->name);
	}
	char start[10] = "\x93NUMPY\x01";
	start[8] = (char)(length & 0xff);
	start[9] = (char)(length >> 8);
	outfile_write(out, start, sizeof start);
	outfile_write(out, t.at, t.used);
	for (size_t i = t.used; i + 1 < length; i++)
		outfile_write(out, " ", 1);
	outfile_write(out, "\n", 1);
	outfile_write(out, data, info->count * info->element);
	free(t.at);
	return MMSB_OK;
}
