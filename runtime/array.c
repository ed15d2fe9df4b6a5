/* Arrays as files hold them. */
#include "array.h"

#include <stdlib.h>
#include <string.h>

#include "instance.h"
#include "iofile.h"
#include "number.h"

void array_free(array *a)
{
	for (unsigned i = 0; i < a->n_fields; i++)
		free(a->fields[i].name);
	free(a->fields);
	free(a->memory);
	free(a->row);
	free(a->col);
	*a = (array){.type = 0};
}

bool coordinates_add(coordinates *c, coordinate item)
{
	if (c->count == c->capacity) {
		uint64_t capacity = c->capacity + c->capacity / 2 + 256;
		size_t bytes;
		if (!array_bytes(capacity, sizeof *c->items, &bytes))
			return false;
		coordinate *items = realloc(c->items, bytes);
		if (items == NULL)
			return false;
		c->items = items;
		c->capacity = capacity;
	}
	c->items[c->count++] = item;
	return true;
}

void coordinates_free(coordinates *c)
{
	free(c->items);
	*c = (coordinates){NULL, 0, 0};
}

static int by_place(const void *left, const void *right)
{
	const coordinate *a = left, *b = right;
	if (a->row != b->row)
		return a->row < b->row ? -1 : 1;
	if (a->col != b->col)
		return a->col < b->col ? -1 : 1;
	return a->line < b->line ? -1 : a->line > b->line;
}

static bool is_sorted(const coordinates *c)
{
	for (uint64_t i = 1; i < c->count; i++)
		if (by_place(&c->items[i - 1], &c->items[i]) > 0)
			return false;
	return true;
}

static int find_duplicate(const coordinates *c, const char *path, mmsb_error *err)
{
	for (uint64_t i = 1; i < c->count; i++) {
		const coordinate *a = &c->items[i - 1], *b = &c->items[i];
		if (a->row == b->row && a->col == b->col)
			return fail_at(err, MMSB_INPUT, path, b->line, 1,
			               "entry (%llu, %llu), counted from 0, stands in line %llu already; "
			               "leave one of the two out",
			               (unsigned long long)b->row, (unsigned long long)b->col, (unsigned long long)a->line);
	}
	return MMSB_OK;
}

int coordinates_finish(coordinates *c, const char *path, unsigned type, bool no_values, array *out, mmsb_error *err)
{
	if (!is_sorted(c))
		qsort(c->items, c->count, sizeof *c->items, by_place);
	int status = find_duplicate(c, path, err);
	if (status != MMSB_OK) {
		coordinates_free(c);
		return status;
	}
	out->sparse = true;
	out->type = (uint8_t)type;
	out->element = no_values ? 0 : type_table[type].bytes;
	out->count = c->count;
	/* never of size 0, so that NULL means that there is no memory */
	out->row = malloc((c->count + 1) * sizeof *out->row);
	out->col = malloc((c->count + 1) * sizeof *out->col);
	out->memory = malloc((c->count + 1) * (out->element + 1));
	out->data = out->memory;
	if (out->row == NULL || out->col == NULL || out->memory == NULL) {
		status = fail_memory(err, c->count * 24, path);
		coordinates_free(c);
		return status;
	}
	for (uint64_t i = 0; i < c->count; i++) {
		out->row[i] = c->items[i].row;
		out->col[i] = c->items[i].col;
		if (!no_values)
			number_store(out->data + i * out->element, type, c->items[i].value);
	}
	coordinates_free(c);
	return MMSB_OK;
}

bool scalar_is_zero(unsigned type, scalar value)
{
	if (type == T_F64)
		return value.F64 == 0;
	if (type == T_F32)
		return value.F32 == 0;
	return value.bits == 0;
}
