/* The arena, names and texts of a compilation. Diagnostics are in diag.c. */
#include "source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Under AddressSanitizer every allocation is a chunk of its own, so that an overrun is seen. */
#if defined(__SANITIZE_ADDRESS__)
#define CHUNK_SIZE 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHUNK_SIZE 0
#endif
#endif
#ifndef CHUNK_SIZE
#define CHUNK_SIZE 65536
#endif

enum {
	ALIGNMENT = 16,
	MAX_TEXT = 64 << 20,     /* spans are u32 and flex counts in int */
	FIRST_NAMES = 256
};

struct lang_chunk {
	struct lang_chunk *next;
	size_t used;
	size_t size;
	_Alignas(ALIGNMENT) unsigned char bytes[];
};

/* Open addressing; count is at most half of size, a power of two. */
struct lang_intern {
	uint32_t count;
	uint32_t size;
	const char **slots;
};

lang_ctx *lang_ctx_new(void)
{
	lang_ctx *ctx = calloc(1, sizeof *ctx);
	if (ctx == NULL)
		return NULL;
	ctx->names = calloc(1, sizeof *ctx->names);
	if (ctx->names == NULL) {
		free(ctx);
		return NULL;
	}
	ctx->alloc_budget = -1;
	return ctx;
}

void lang_ctx_free(lang_ctx *ctx)
{
	if (ctx == NULL)
		return;
	while (ctx->chunks != NULL) {
		struct lang_chunk *next = ctx->chunks->next;
		free(ctx->chunks);
		ctx->chunks = next;
	}
	free(ctx->names);
	free(ctx);
}

static void *out_of_memory(lang_ctx *ctx)
{
	ctx->oom = true;
	return NULL;
}

void *lang_alloc(lang_ctx *ctx, size_t size)
{
	if (ctx->alloc_budget == 0 || size > SIZE_MAX / 2)
		return out_of_memory(ctx);
	if (ctx->alloc_budget > 0)
		ctx->alloc_budget--;
	size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	struct lang_chunk *chunk = ctx->chunks;
	if (chunk == NULL || chunk->size - chunk->used < size) {
		size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;
		chunk = calloc(1, sizeof *chunk + room);
		if (chunk == NULL)
			return out_of_memory(ctx);
		chunk->size = room;
		chunk->next = ctx->chunks;
		ctx->chunks = chunk;
	}
	void *result = chunk->bytes + chunk->used;
	chunk->used += size;
	return result;
}

void *lang_alloc_array(lang_ctx *ctx, size_t count, size_t size)
{
	if (size != 0 && count > SIZE_MAX / 2 / size)
		return out_of_memory(ctx);
	return lang_alloc(ctx, count * size);
}

bool lang_grow(lang_ctx *ctx, void **items, uint32_t count, uint32_t *cap, size_t size)
{
	if (count < *cap)
		return true;
	uint32_t wider = *cap == 0 ? 4 : *cap * 2;
	if (wider < *cap) {
		ctx->oom = true;
		return false;
	}
	void *moved = lang_alloc_array(ctx, wider, size);
	if (moved == NULL)
		return false;
	if (count > 0)
		memcpy(moved, *items, count * size);
	*items = moved;
	*cap = wider;
	return true;
}

char *lang_strndup(lang_ctx *ctx, const char *text, size_t length)
{
	char *copy = lang_alloc(ctx, length + 1);
	if (copy != NULL && length > 0)
		memcpy(copy, text, length);
	return copy;
}

char *lang_vsprintf(lang_ctx *ctx, const char *fmt, va_list args)
{
	va_list again;
	va_copy(again, args);
	int length = vsnprintf(NULL, 0, fmt, args);
	char *text = length < 0 ? out_of_memory(ctx) : lang_alloc(ctx, (size_t)length + 1);
	if (text != NULL)
		vsnprintf(text, (size_t)length + 1, fmt, again);
	va_end(again);
	return text;
}

char *lang_sprintf(lang_ctx *ctx, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	char *text = lang_vsprintf(ctx, fmt, args);
	va_end(args);
	return text;
}

/* ---- names ---- */

static uint32_t hash_of(const char *text, size_t length)
{
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)text[i]) * 16777619u;
	return hash ^ hash >> 15;
}

/* The slot that holds the name, or the free one where it belongs. */
static const char **slot_of(struct lang_intern *names, const char *text, size_t length)
{
	uint32_t i = hash_of(text, length) & (names->size - 1);
	while (names->slots[i] != NULL
	       && (strncmp(names->slots[i], text, length) != 0 || names->slots[i][length] != '\0'))
		i = (i + 1) & (names->size - 1);
	return &names->slots[i];
}

static bool widen_names(lang_ctx *ctx)
{
	struct lang_intern old = *ctx->names;
	struct lang_intern wide = {old.count, old.size == 0 ? FIRST_NAMES : old.size * 2, NULL};
	wide.slots = wide.size == 0 ? out_of_memory(ctx) : LANG_NEW_ARRAY(ctx, const char *, wide.size);
	if (wide.slots == NULL)
		return false;
	for (uint32_t i = 0; i < old.size; i++)
		if (old.slots[i] != NULL)
			*slot_of(&wide, old.slots[i], strlen(old.slots[i])) = old.slots[i];
	*ctx->names = wide;
	return true;
}

const char *lang_intern(lang_ctx *ctx, const char *text, size_t length)
{
	if (ctx->names->count >= ctx->names->size / 2 && !widen_names(ctx))
		return NULL;
	const char **slot = slot_of(ctx->names, text, length);
	if (*slot == NULL) {
		*slot = lang_strndup(ctx, text, length);
		if (*slot != NULL)
			ctx->names->count++;
	}
	return *slot;
}

const char *lang_intern_str(lang_ctx *ctx, const char *text)
{
	return lang_intern(ctx, text, strlen(text));
}

/* ---- sources ---- */

static bool map_lines(lang_ctx *ctx, lang_source *source)
{
	uint32_t count = 1;
	for (uint32_t i = 0; i < source->length; i++)
		count += source->text[i] == '\n';
	uint32_t *lines = LANG_NEW_ARRAY(ctx, uint32_t, count);
	if (lines == NULL)
		return false;
	uint32_t line = 1;
	for (uint32_t i = 0; i < source->length; i++)
		if (source->text[i] == '\n')
			lines[line++] = i + 1;
	source->lines = lines;
	source->line_count = count;
	return true;
}

lang_source *lang_add_source(lang_ctx *ctx, const char *path, const char *text, size_t length)
{
	if (length > MAX_TEXT) {
		lang_error(ctx, lang_no_span(), "'%s' is longer than %d MiB", path, MAX_TEXT >> 20);
		return NULL;
	}
	void *items = ctx->sources;
	if (!lang_grow(ctx, &items, ctx->source_count, &ctx->source_cap, sizeof *ctx->sources))
		return NULL;
	ctx->sources = items;
	lang_source *source = LANG_NEW(ctx, lang_source);
	if (source == NULL)
		return NULL;
	source->path = lang_strndup(ctx, path, strlen(path));
	source->text = lang_strndup(ctx, text, length);
	source->length = (uint32_t)length;
	source->id = ctx->source_count;
	if (source->path == NULL || source->text == NULL || !map_lines(ctx, source))
		return NULL;
	ctx->sources[ctx->source_count++] = source;
	return source;
}

/* Reads all of a file into *text (malloc). 0, or an errno; EFBIG when it is longer than MAX_TEXT. */
static int read_all(FILE *in, char **text, size_t *length)
{
	size_t room = 1 << 16;
	char *bytes = malloc(room);
	size_t used = 0;
	while (bytes != NULL) {
		errno = 0;
		used += fread(bytes + used, 1, room - used, in);
		if (used < room)
			break;
		if (used > MAX_TEXT) {
			free(bytes);
			return EFBIG;
		}
		char *wider = realloc(bytes, room *= 2);
		if (wider == NULL)
			free(bytes);
		bytes = wider;
	}
	if (bytes == NULL)
		return ENOMEM;
	if (ferror(in)) {
		int why = errno != 0 ? errno : EIO;
		free(bytes);
		return why;
	}
	*text = bytes;
	*length = used;
	return 0;
}

lang_source *lang_read_source(lang_ctx *ctx, const char *path, lang_span from)
{
	char *text = NULL;
	size_t length = 0;
	int why = 0;
	errno = 0;
	FILE *in = fopen(path, "rb");
	if (in == NULL) {
		why = errno != 0 ? errno : EIO;
	} else {
		struct stat st;
		if (fstat(fileno(in), &st) == 0 && S_ISDIR(st.st_mode))
			why = EISDIR;
		else
			why = read_all(in, &text, &length);
		fclose(in);
	}
	if (why == ENOMEM)
		return out_of_memory(ctx);
	if (why == EFBIG) {
		lang_error(ctx, from, "'%s' is longer than %d MiB", path, MAX_TEXT >> 20);
		return NULL;
	}
	if (why != 0) {
		lang_error(ctx, from, "cannot read '%s': %s", path, strerror(why));
		return NULL;
	}
	lang_source *source = lang_add_source(ctx, path, text, length);
	free(text);
	return source;
}

size_t lang_utf8_length(const char *text, size_t left)
{
	const unsigned char *b = (const unsigned char *)text;
	size_t length = b[0] < 0x80 ? 1 : b[0] < 0xc2 ? 0 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : b[0] < 0xf5 ? 4 : 0;
	if (length == 0 || length > left)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((b[i] & 0xc0) != 0x80)
			return 0;
	bool overlong = (b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xf0 && b[1] < 0x90);
	bool outside = (b[0] == 0xed && b[1] > 0x9f) || (b[0] == 0xf4 && b[1] > 0x8f);
	return overlong || outside ? 0 : length;
}

lang_place lang_place_of(const lang_source *source, uint32_t offset)
{
	if (offset > source->length)
		offset = source->length;
	uint32_t low = 0, high = source->line_count;
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;
		if (source->lines[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	lang_place place = {low + 1, 1};
	for (uint32_t at = source->lines[low]; at < offset; place.column++) {
		size_t length = lang_utf8_length(source->text + at, source->length - at);
		at += length == 0 ? 1 : (uint32_t)length;
	}
	return place;
}

const char *lang_span_text(const lang_ctx *ctx, lang_span span, size_t *length)
{
	*length = 0;
	if (span.file >= ctx->source_count)
		return "";
	const lang_source *source = ctx->sources[span.file];
	if (span.end > source->length || span.begin > span.end)
		return "";
	*length = span.end - span.begin;
	return source->text + span.begin;
}

const char *lang_span_describe(lang_ctx *ctx, lang_span span)
{
	if (span.file >= ctx->source_count)
		return "the command line";
	const lang_source *source = ctx->sources[span.file];
	lang_place place = lang_place_of(source, span.begin);
	const char *text = lang_sprintf(ctx, "%s:%u:%u", source->path, place.line, place.column);
	return text == NULL ? source->path : text;
}
