/* case_text.c: reads .test files. The format is described for its users in cases/README.md. */
#include "cases.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool starts(const char *line, const char *prefix)
{
	return strncmp(line, prefix, strlen(prefix)) == 0;
}

static bool is_marker(const char *line)
{
	return starts(line, "=== ") || starts(line, "--- ") || starts(line, "$ ");
}

bool case_needs_escape(const char *line)
{
	return is_marker(line) || starts(line, "? ") || starts(line, "> ") || line[0] == '\\' || strcmp(line, "...") == 0;
}

/* A backslash protects a line that would read as a marker, and marks an empty line that is to be kept. */
static const char *unescape(const char *line)
{
	return line[0] == '\\' && (line[1] == '\0' || case_needs_escape(line + 1)) ? line + 1 : line;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool add_hex(const CaseFile *file, size_t number, const char *line, Text *content)
{
	while (*line != '\0' && *line != '#') {
		if (isspace((unsigned char)*line)) {
			line++;
			continue;
		}
		int high = hex_digit(line[0]);
		int low = high < 0 ? -1 : hex_digit(line[1]);
		if (low < 0)
			return case_error(file, number, "expected pairs of hexadecimal digits, found '%s'", line);
		text_add(content, &(char){(char)(high * 16 + low)}, 1);
		line += 2;
	}
	return true;
}

/* `--- NAME [hex] [noeol]` and the lines up to the next marker; gives the first line after them, 0 on error. */
static size_t read_file_section(CaseFile *file, Block *block, size_t at)
{
	const Lines *source = &file->source;
	char *name = case_copy(source->line[at] + 4);
	bool hex = false, noeol = false;
	char *word = strtok(name, " ");
	Step *step = case_step(block, STEP_FILE, at + 1, word ? word : "");
	for (word = strtok(NULL, " "); word; word = strtok(NULL, " ")) {
		if (strcmp(word, "hex") == 0)
			hex = true;
		else if (strcmp(word, "noeol") == 0)
			noeol = true;
		else
			break;
	}
	if (word)
		case_error(file, at + 1, "unknown word '%s' after the file name: hex, noeol", word);
	free(name);
	if (word)
		return 0;
	if (step->text[0] == '\0' || step->text[0] == '/' || strstr(step->text, ".."))
		return (size_t)case_error(file, at + 1, "expected a file name inside the test's folder after '---'");
	size_t end = ++at;
	while (end < source->count && !is_marker(source->line[end]))
		end++;
	size_t next = end;
	while (end > at && source->line[end - 1][0] == '\0')
		end--;
	for (; at < end; at++) {
		const char *line = source->line[at];
		if (hex) {
			if (!add_hex(file, at + 1, line, &step->content))
				return 0;
			continue;
		}
		line = unescape(line);
		text_add(&step->content, line, strlen(line));
		if (!noeol || at + 1 < end)
			text_add(&step->content, "\n", 1);
	}
	return next;
}

/* `$ COMMAND`, `> ` continuations, output, `? STATUS`; gives the first line after them, 0 on error. */
static size_t read_command(CaseFile *file, Block *block, size_t at)
{
	const Lines *source = &file->source;
	Step *step = case_step(block, STEP_COMMAND, at + 1, source->line[at] + 2);
	for (at++; at < source->count && starts(source->line[at], "> "); at++) {
		size_t size = strlen(step->text), more = strlen(source->line[at] + 2);
		step->text = case_memory(step->text, size + more + 2, 1);
		step->text[size] = '\n';
		memcpy(step->text + size + 1, source->line[at] + 2, more + 1);
	}
	step->first = step->end = at;
	for (; at < source->count && !is_marker(source->line[at]); at++) {
		const char *line = source->line[at];
		if (line[0] != '\0')
			step->end = at + 1;
		if (!starts(line, "? ")) {
			lines_add(&step->expected, line);
			continue;
		}
		char *rest;
		long status = strtol(line + 2, &rest, 10);
		if (rest == line + 2 || *rest != '\0' || status < 0 || status > 255)
			return (size_t)case_error(file, at + 1, "expected an exit status after '?', found '%s'", line + 2);
		step->status = (int)status;
		for (at++; at < source->count && source->line[at][0] == '\0'; at++)
			;
		if (at < source->count && !is_marker(source->line[at]))
			return (size_t)case_error(file, at + 1, "'? STATUS' is the last line of a command's expectation");
		break;
	}
	lines_drop_blank_end(&step->expected);
	/* `...` and its escape stay as written here; the comparison tells them apart */
	for (size_t i = 0; i < step->expected.count; i++) {
		char *line = step->expected.line[i];
		const char *plain = unescape(line);
		if (plain != line && strcmp(plain, "...") != 0)
			memmove(line, plain, strlen(plain) + 1);
	}
	return at;
}

bool case_text_read(CaseFile *file)
{
	Block *block = NULL;
	for (size_t at = 0; at < file->source.count;) {
		const char *line = file->source.line[at];
		if (starts(line, "=== ")) {
			block = case_block(file, at + 1, line + 4);
			at++;
		} else if (line[0] == '#' || line[0] == '\0') {
			at++;
		} else if (!block) {
			return case_error(file, at + 1, "expected '=== NAME' or a comment, found '%s'", line);
		} else if (starts(line, "--- ")) {
			at = read_file_section(file, block, at);
		} else if (starts(line, "$ ")) {
			at = read_command(file, block, at);
		} else {
			return case_error(file, at + 1, "expected '--- FILE' or '$ COMMAND', found '%s'", line);
		}
		if (at == 0)
			return false;
	}
	return true;
}
