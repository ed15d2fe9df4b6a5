/* case_docs.c: reads the examples out of Markdown. CONTRIBUTING.md describes the info strings. */
#include "cases.h"

#include <stdlib.h>
#include <string.h>

/* The info string of a fenced block, taken apart. */
typedef struct {
	char language[32];
	char *file;           /* file=NAME */
	char *needle;         /* error="TEXT", "" for a bare `error` */
	bool fragment;
	int status;           /* status=N, of the last command */
} Info;

static bool starts(const char *line, const char *prefix)
{
	return strncmp(line, prefix, strlen(prefix)) == 0;
}

/* One word of an info string; a quoted part may hold blanks. Gives where the next begins. */
static const char *next_word(const char *at, Text *word)
{
	word->size = 0;
	while (*at == ' ')
		at++;
	for (bool quoted = false; *at != '\0' && (quoted || *at != ' '); at++) {
		if (*at == '"')
			quoted = !quoted;
		else
			text_add(word, at, 1);
	}
	return at;
}

static bool read_info(CaseFile *file, size_t number, const char *text, Info *info)
{
	Text word = {0};
	text = next_word(text, &word);
	if (word.size >= sizeof info->language)
		word.size = 0;
	memcpy(info->language, word.size ? word.data : "", word.size + (word.size == 0));
	info->language[word.size] = '\0';
	bool program = strcmp(info->language, "mmsb") == 0, console = strcmp(info->language, "console") == 0;
	for (;;) {
		text = next_word(text, &word);
		if (word.size == 0)
			break;
		if (starts(word.data, "file="))
			info->file = case_copy(word.data + 5);
		else if (program && strcmp(word.data, "error") == 0)
			info->needle = case_copy("");
		else if (program && starts(word.data, "error="))
			info->needle = case_copy(word.data + 6);
		else if (program && strcmp(word.data, "fragment") == 0)
			info->fragment = true;
		else if (console && starts(word.data, "status="))
			info->status = atoi(word.data + 7);
		else
			break;
	}
	bool known = word.size == 0;
	if (!known)
		case_error(file, number, "unknown word '%s' in the info string of a %s block", word.data, info->language);
	free(word.data);
	return known;
}

/* A ```mmsb block: written to its file, or to snippet.mmsb, and checked. */
static void add_program(CaseFile *file, size_t number, const Info *info, const Text *prelude, const Text *body)
{
	const char *name = info->file ? info->file : "snippet.mmsb";
	Block *block = case_block(file, number, name);
	Step *step = case_step(block, STEP_FILE, number, name);
	if (info->fragment && prelude->size)
		text_add(&step->content, prelude->data, prelude->size);
	if (body->size)
		text_add(&step->content, body->data, body->size);
	Text command = {0};
	text_add(&command, "mmsbc check ", 12);
	text_add(&command, name, strlen(name));
	step = case_step(block, STEP_COMMAND, number, command.data);
	step->fixed = true;
	if (info->needle) {
		step->expect = EXPECT_ERROR;
		step->needle = case_copy(info->needle);
	}
	free(command.data);
}

/* A ```console block: `$ ` commands, each with the output below it. */
static bool add_console(CaseFile *file, size_t first, size_t end, const Info *info)
{
	Block *block = case_block(file, first, "console");
	Step *step = NULL;
	for (size_t at = first; at < end; at++) {
		const char *line = file->source.line[at];
		if (starts(line, "$ ")) {
			step = case_step(block, STEP_COMMAND, at + 1, line + 2);
			step->first = step->end = at + 1;
		} else if (!step) {
			return case_error(file, at + 1, "a console block begins with a '$ ' command");
		} else {
			lines_add(&step->expected, line);
			step->end = at + 1;
		}
	}
	if (!step)
		return case_error(file, first, "a console block without a '$ ' command");
	step->status = info->status;
	for (size_t i = 0; i < block->count; i++)
		lines_drop_blank_end(&block->step[i].expected);
	return true;
}

static void join(const Lines *source, size_t first, size_t end, Text *body)
{
	for (size_t at = first; at < end; at++) {
		text_add(body, source->line[at], strlen(source->line[at]));
		text_add(body, "\n", 1);
	}
}

static size_t find(const Lines *source, size_t at, const char *line)
{
	while (at < source->count && strcmp(source->line[at], line) != 0)
		at++;
	return at;
}

/* The fenced block between two lines, by its info string. */
static bool read_fenced(CaseFile *file, size_t first, size_t end, const Text *prelude)
{
	Info info = {0};
	Text body = {0};
	bool good = read_info(file, first, file->source.line[first - 1] + 3, &info);
	join(&file->source, first, end, &body);
	if (good && strcmp(info.language, "mmsb") == 0) {
		add_program(file, first, &info, prelude, &body);
	} else if (good && info.file) {
		Block *block = case_block(file, first, info.file);
		text_add(&case_step(block, STEP_FILE, first, info.file)->content, body.size ? body.data : "", body.size);
	} else if (good && strcmp(info.language, "console") == 0) {
		good = add_console(file, first, end, &info);
	}
	free(body.data);
	free(info.file);
	free(info.needle);
	return good;
}

bool case_docs_read(CaseFile *file)
{
	const Lines *source = &file->source;
	Text prelude = {0};
	bool good = true;
	file->document = true;
	for (size_t at = 0; good && at < source->count; at++) {
		bool fenced = starts(source->line[at], "```");
		if (!fenced && strcmp(source->line[at], "<!-- mmsb prelude") != 0)
			continue;
		size_t first = at + 1;
		at = find(source, first, fenced ? "```" : "-->");
		if (at == source->count) {
			good = case_error(file, first, "a block without its end");
		} else if (fenced) {
			good = read_fenced(file, first, at, &prelude);
		} else {
			prelude.size = 0;
			join(source, first, at, &prelude);
		}
	}
	free(prelude.data);
	return good;
}
