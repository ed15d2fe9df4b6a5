/* text_page.h: for the fuzz targets of text formats: the first byte of the input chooses the page that the rest is read for. */
#ifndef MMSB_TESTS_TEXT_PAGE_H
#define MMSB_TESTS_TEXT_PAGE_H

#include <stdlib.h>
#include <string.h>

#include "runtime/array.h"
#include "runtime/iofile.h"

/* A size in a header that no memory holds is refused by malloc, not a reason for a sanitizer to stop. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "allocator_may_return_null=1"; }

typedef int text_parse_fn(const file_bytes *, const array_want *, array *, mmsb_error *);

static inline void text_page_run(const uint8_t *data, size_t size, text_parse_fn *parse)
{
	static const mmsb_field fields[] = {{"a", MMSB_F64, 0, 0, 0}, {"b", MMSB_U8, 0, 0, 8}, {"c", MMSB_U32, 1, 10, 12}};
	static const char *const columns[] = {NULL, "a,b", "a..c"};
	if (size == 0)
		return;
	unsigned choice = data[0];
	mmsb_info info = {.name = "p", .role = MMSB_IN, .stored = 1, .type = (int)(choice % 12), .ndim = choice / 12 % 4};
	if (choice / 48 % 2 == 1 && info.type != MMSB_RECORD) {
		info.sparse = 1;
		info.ndim = 2;
	}
	info.element = info.type == MMSB_RECORD ? 16 : type_table[info.type].bytes;
	if (info.type == MMSB_RECORD) {
		info.n_fields = 3;
		info.fields = fields;
	}
	array_want want = {.page = &info, .path = "fuzz", .columns = columns[choice / 96]};
	file_bytes text = {malloc(size), size - 1};
	if (text.data == NULL)
		return;
	memcpy(text.data, data + 1, size - 1);
	text.data[size - 1] = '\0';
	array a;
	mmsb_error err;
	if (parse(&text, &want, &a, &err) == MMSB_OK) {
		unsigned sum = 0;
		for (uint64_t i = 0; i < a.count * a.element && i < 1 << 20; i++)
			sum += a.data[i];
		for (uint64_t i = 1; a.sparse && i < a.count; i++)
			if (a.row[i] < a.row[i - 1] || (a.row[i] == a.row[i - 1] && a.col[i] <= a.col[i - 1]))
				abort();
		if (sum == UINT32_MAX)
			abort();
		array_free(&a);
	} else if (err.message[0] == '\0' || a.memory != NULL) {
		abort();
	}
	free(text.data);
}

#endif
