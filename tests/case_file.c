/* case_file.c: the lists that test cases are made of, their loading, and --update. */
#include "cases.h"
#include "case_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *case_memory(void *old, size_t count, size_t size)
{
	void *memory = size && count > (size_t)-1 / size ? NULL : realloc(old, count * size);
	if (!memory) {
		fputs("run_cases: out of memory\n", stderr);
		exit(3);
	}
	return memory;
}

char *case_copy(const char *text)
{
	size_t size = strlen(text) + 1;
	return memcpy(case_memory(NULL, size, 1), text, size);
}

void text_add(Text *text, const char *data, size_t size)
{
	if (text->size + size + 1 > text->room) {
		text->room = (text->size + size + 1) * 2;
		text->data = case_memory(text->data, text->room, 1);
	}
	memcpy(text->data + text->size, data, size);
	text->size += size;
	text->data[text->size] = '\0';
}

void lines_add(Lines *lines, const char *text)
{
	if (lines->count == lines->room) {
		lines->room = lines->room * 2 + 8;
		lines->line = case_memory(lines->line, lines->room, sizeof *lines->line);
	}
	lines->line[lines->count++] = case_copy(text);
}

void lines_drop_blank_end(Lines *lines)
{
	while (lines->count > 0 && lines->line[lines->count - 1][0] == '\0')
		free(lines->line[--lines->count]);
}

void lines_split(Lines *lines, const Text *text, const char *unended)
{
	size_t at = 0;
	while (at < text->size) {
		const char *line = text->data + at, *end = memchr(line, '\n', text->size - at);
		size_t size = end ? (size_t)(end - line) : text->size - at;
		Text copy = {0};
		text_add(&copy, line, size);
		for (size_t i = 0; i < size; i++)
			if (copy.data[i] == '\0')
				copy.data[i] = '\1'; /* a line is a C string here; a NUL still shows, and still differs */
		lines_add(lines, copy.data);
		free(copy.data);
		at += size + 1;
		if (!end && unended)
			lines_add(lines, unended);
	}
}

void lines_free(Lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free(lines->line[i]);
	free(lines->line);
	*lines = (Lines){0};
}

Block *case_block(CaseFile *file, size_t line, const char *name)
{
	if (file->count == file->room) {
		file->room = file->room * 2 + 8;
		file->block = case_memory(file->block, file->room, sizeof *file->block);
	}
	Block *block = &file->block[file->count++];
	*block = (Block){.name = case_copy(name), .line = line};
	return block;
}

Step *case_step(Block *block, StepKind kind, size_t line, const char *text)
{
	if (block->count == block->room) {
		block->room = block->room * 2 + 4;
		block->step = case_memory(block->step, block->room, sizeof *block->step);
	}
	Step *step = &block->step[block->count++];
	*step = (Step){.kind = kind, .line = line, .text = case_copy(text)};
	return step;
}

bool case_error(const CaseFile *file, size_t line, const char *format, ...)
{
	va_list args;
	printf("%s:%zu: ", file->path, line);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	return false;
}

static bool ends_with(const char *text, const char *end)
{
	size_t size = strlen(text), tail = strlen(end);
	return size >= tail && strcmp(text + size - tail, end) == 0;
}

bool case_file_load(CaseFile *file, const char *path)
{
	*file = (CaseFile){.path = path};
	FILE *in = fopen(path, "rb");
	if (!in) {
		printf("%s: %s\n", path, strerror(errno));
		return false;
	}
	Text text = {0};
	char part[65536];
	for (size_t got; (got = fread(part, 1, sizeof part, in)) > 0;)
		text_add(&text, part, got);
	fclose(in);
	lines_split(&file->source, &text, NULL);
	free(text.data);
	return ends_with(path, ".md") ? case_docs_read(file) : case_text_read(file);
}

void case_file_free(CaseFile *file)
{
	for (size_t i = 0; i < file->count; i++) {
		Block *block = &file->block[i];
		for (size_t j = 0; j < block->count; j++) {
			free(block->step[j].text);
			free(block->step[j].content.data);
			free(block->step[j].needle);
			lines_free(&block->step[j].expected);
		}
		free(block->step);
		free(block->name);
	}
	free(file->block);
	lines_free(&file->source);
}

/* The source with the output of every step that `actual` has one for put in place of what was expected. */
bool case_file_update(const CaseFile *file, const Outcome *outcome, size_t count)
{
	FILE *out = fopen(file->path, "wb");
	if (!out) {
		printf("%s: %s\n", file->path, strerror(errno));
		return false;
	}
	size_t at = 0;
	for (size_t i = 0; i < count; i++) {
		const Step *step = outcome[i].step;
		for (; at < step->first; at++)
			fprintf(out, "%s\n", file->source.line[at]);
		for (size_t j = 0; j < outcome[i].lines.count; j++) {
			const char *line = outcome[i].lines.line[j];
			fprintf(out, "%s%s\n", !file->document && case_needs_escape(line) ? "\\" : "", line);
		}
		if (!file->document && outcome[i].status != 0)
			fprintf(out, "? %d\n", outcome[i].status);
		at = step->end;
	}
	for (; at < file->source.count; at++)
		fprintf(out, "%s\n", file->source.line[at]);
	if (ferror(out) | fclose(out)) {
		printf("%s: cannot be written\n", file->path);
		return false;
	}
	return true;
}
